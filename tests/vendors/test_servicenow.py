"""ServiceNow as a channel: the contract, and what is special about it. Recordings: recorded/servicenow/SOURCES."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.vendors.contract import Searches, Tracks
from tests.vendors.host import CANARY, REQUEST, Host
from tests.vendors.promise import Promised
from tests.vendors.replay import Recorded
from vendors.contract import Promise, VendorCase, VendorFile, VendorStatus
from vendors.errors import Trouble, VendorError

STATES = {"1": "received", "2": "under_review", "20": "approved", "24": "denied"}


class TestServiceNow(Searches, Tracks):
    """One instance, by Basic."""

    vendor = "servicenow"
    options = {  # noqa: RUF012 -- never changed
        "username": f"user-{CANARY}",
        "password": f"password-{CANARY}",
        "webhook_secret": f"push-{CANARY}",
        "state_map": json.dumps(STATES),
    }
    opened = "open_ok"
    refused = "open_refused"
    read = "read_ok"
    error_inside = "read_failed_inside"
    number = "INC0010023"
    none_found = "read_none"
    found_twice = "read_twice"
    unknown_word = "read_unknown_word"

    def case(self, server: Recorded, name: str, **options: str) -> VendorCase:
        """Read the one case of a recording."""
        server.plays(self.recorded(name))
        (case,) = self.host(server.url, options=options).adapter.read_cases([self.number])
        return case

    def test_a_record_carries_what_the_page_says(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("open_ok"))
        host = self.host(vendor_server.url, options={"caller_id": "c1", "assignment_group": "g1"})
        host.adapter.open_case(REQUEST)
        (sent,) = vendor_server.sent_to(self.recorded("open_ok"))
        assert sent.document == {
            "short_description": "RMA Example Server 9 SN-0001: no longer spins up",
            "description": REQUEST.as_lines(),
            "correlation_id": "FAULT-000412",
            "correlation_display": "warranty-tracker",
            "impact": "2",
            "urgency": "2",
            "caller_id": "c1",
            "assignment_group": "g1",
        }
        assert sent.headers["Idempotency-Key"] == "FAULT-000412"

    @pytest.mark.parametrize(("severity", "rank"), [(1, "1"), (2, "2"), (3, "3"), (4, "3")])
    def test_impact_and_urgency_are_the_severity_up_to_three(
        self, vendor_server: Recorded, severity: int, rank: str
    ) -> None:
        vendor_server.plays(self.recorded("open_ok"))
        self.host(vendor_server.url).adapter.open_case(replace(REQUEST, severity=severity))
        (sent,) = vendor_server.sent_to(self.recorded("open_ok"))
        assert (sent.document["impact"], sent.document["urgency"]) == (rank, rank)

    def test_a_long_symptom_is_cut_in_the_short_description_only(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("open_ok"))
        self.host(vendor_server.url).adapter.open_case(replace(REQUEST, symptom="beeps\n" * 100))
        (sent,) = vendor_server.sent_to(self.recorded("open_ok"))
        assert len(sent.document["short_description"]) == 160
        assert "\n" not in sent.document["short_description"]
        assert sent.document["description"].count("beeps") == 100

    def test_another_table_is_another_path(self, vendor_server: Recorded) -> None:
        record = self.recorded("open_ok")
        record["request"]["path"] = "/api/now/table/u_rma"
        vendor_server.plays(record)
        assert self.host(vendor_server.url, options={"table": "u_rma"}).adapter.open_case(REQUEST).vendor_case_number

    def test_an_accepted_case_is_received_whatever_the_instance_calls_it(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("open_ok"))
        case = self.host(vendor_server.url, options={"state_map": "{}"}).adapter.open_case(REQUEST)
        assert (case.status, case.vendor_status) == (VendorStatus.RECEIVED, "1")

    def test_the_case_number_is_the_rma_number_once_approved(self, vendor_server: Recorded) -> None:
        case = self.case(vendor_server, "read_approved")
        assert (case.status, case.rma_number) == (VendorStatus.APPROVED, "INC0010023")

    def test_before_approval_there_is_no_rma_number(self, vendor_server: Recorded) -> None:
        assert self.case(vendor_server, "read_ok").rma_number is None

    def test_the_rma_number_comes_from_the_column_of_the_account(self, vendor_server: Recorded) -> None:
        assert self.case(vendor_server, "read_approved", rma_number_field="u_rma_number").rma_number == "RMA-88123"

    def test_an_empty_column_is_no_rma_number_even_once_approved(self, vendor_server: Recorded) -> None:
        assert self.case(vendor_server, "read_approved", rma_number_field="assignment_group").rma_number is None

    def test_a_denial_comes_with_its_reason_and_without_the_contact(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_denied"))
        case = self.host(vendor_server.url).adapter.find_case(REQUEST)
        assert case is not None
        assert case.status is VendorStatus.DENIED
        assert case.reason == "Out of contract since 2025-12-31, says person-7"

    def test_times_serial_and_words_are_read_as_sent(self, vendor_server: Recorded) -> None:
        case = self.case(vendor_server, "read_unknown_word")
        assert case.opened_at == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
        assert case.serial_number == "SN-0001"
        assert case.vendor_status == "-5"
        assert case.reason == ""

    def test_of_two_records_for_one_reference_the_older_is_the_case(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_twice"))
        case = self.host(vendor_server.url).adapter.find_case(REQUEST)
        assert case is not None
        assert (case.vendor_case_number, case.duplicates) == ("INC0010023", ("INC0010021",))

    def test_a_search_in_every_state_is_exact_and_limited(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_none"))
        self.host(vendor_server.url).adapter.find_case(REQUEST)
        (sent,) = vendor_server.sent_to(self.recorded("read_none"))
        assert sent.query == {"sysparm_query": "correlation_id=FAULT-000412", "sysparm_limit": "2"}

    @pytest.mark.parametrize("name", ["read_others", "read_failed_inside"])
    def test_an_answer_that_does_not_answer_never_means_absent(self, vendor_server: Recorded, name: str) -> None:
        vendor_server.plays(self.recorded(name))
        with pytest.raises(VendorError) as caught:
            self.host(vendor_server.url).adapter.find_case(REQUEST)
        assert caught.value.trouble is Trouble.MALFORMED

    def test_a_reference_that_would_change_the_query_is_not_searched_for(self, vendor_server: Recorded) -> None:
        with pytest.raises(VendorError) as caught:
            self.host(vendor_server.url).adapter.find_case(replace(REQUEST, client_reference="A^ORnumber=B"))
        assert caught.value.trouble is Trouble.REFUSED
        assert vendor_server.received == []

    def test_a_typed_number_that_would_change_the_query_yields_nothing(self, vendor_server: Recorded) -> None:
        assert list(self.host(vendor_server.url).adapter.read_cases(["INC^ORnumber=B"])) == []
        assert vendor_server.received == []

    def test_the_list_is_ours_since_then_and_goes_page_by_page(self, vendor_server: Recorded) -> None:
        since = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        record = self.recorded("read_ok")["response"]["body"]["result"][0]
        page = [{**record, "number": f"INC{number}"} for number in range(97)]
        page += [
            {**record, "number": "INC-old", "sys_created_on": "2026-11-22 23:00:00"},
            {**record, "number": "INC-theirs", "correlation_display": "somebody"},
            {**record, "number": "INC-timeless", "sys_created_on": ""},
        ]
        vendor_server.plays(self.recorded("read_ok"), body={"result": page})
        vendor_server.plays(self.recorded("read_ok"))
        numbers = [case.vendor_case_number for case in self.host(vendor_server.url).adapter.list_cases(since)]
        assert numbers == [*(f"INC{number}" for number in range(97)), "INC-timeless", "INC0010023"]
        first, second = vendor_server.sent_to(self.recorded("read_ok"))
        assert first.query["sysparm_query"] == (
            "correlation_display=warranty-tracker^sys_created_on>=2026-11-22 19:00:00"
            "^ORDERBYsys_created_on^ORDERBYnumber"
        )
        assert (first.query["sysparm_offset"], second.query["sysparm_offset"]) == ("0", "100")

    def test_a_list_that_does_not_page_is_malformed_and_ends(self, vendor_server: Recorded) -> None:
        record = self.recorded("read_ok")["response"]["body"]["result"][0]
        page = [{**record, "number": f"INC{number}"} for number in range(100)]
        vendor_server.plays(self.recorded("read_ok"), body={"result": page})
        listing = self.host(vendor_server.url).adapter.list_cases(datetime(2026, 11, 1, tzinfo=UTC))
        assert [next(listing).vendor_case_number for _ in page][-1] == "INC99"
        with pytest.raises(VendorError, match="does not page"):
            next(listing)

    def test_a_column_that_refers_to_another_record_is_read_by_its_value(self, vendor_server: Recorded) -> None:
        case = self.case(vendor_server, "read_approved", rma_number_field="caller_id")
        assert case.rma_number == "6816f79cc0a8016401c5a33be04be441"

    def test_a_note_is_a_comment_of_the_record(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"), self.recorded("note_ok"))
        host = self.host(vendor_server.url)
        host.adapter.add_note(self.number, "The courier was refused at the gate.")
        (sent,) = vendor_server.sent_to(self.recorded("note_ok"))
        assert sent.document == {"comments": "The courier was refused at the gate."}
        assert host.gate.entered == 2

    def test_comments_are_read_with_the_case_oldest_first_and_without_the_contact(
        self, vendor_server: Recorded
    ) -> None:
        vendor_server.plays(self.recorded("read_ok"), self.recorded("notes_ok"))
        (case,) = self.host(vendor_server.url).adapter.read_cases([self.number])
        (sent,) = vendor_server.sent_to(self.recorded("notes_ok"))
        wanted = "element_id=9d385017c611228701d22104cc95c371^element=comments^ORDERBYDESCsys_created_on"
        assert sent.query["sysparm_query"] == wanted
        ours, theirs = case.notes
        assert ours.ends_with("[FAULT-000412 1f3a9c02]")
        assert not theirs.ends_with("[FAULT-000412 1f3a9c02]")
        assert (theirs.text, theirs.author) == ("The part leaves today.\nContact: [personal]", "vendor.agent")
        assert (theirs.note_id, theirs.at) == (f"{2:032x}", datetime(2026, 11, 23, 11, tzinfo=UTC))

    @pytest.mark.parametrize("status", [403, 500, 200])
    def test_a_case_whose_comments_cannot_be_read_comes_without_them(
        self, vendor_server: Recorded, status: int
    ) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        vendor_server.plays(self.recorded("notes_ok"), status=status, body={"error": {"message": "no"}})
        adapter = self.host(vendor_server.url).adapter
        (case,) = adapter.read_cases([self.number])
        assert (case.vendor_case_number, case.notes) == (self.number, ())
        with pytest.raises(VendorError):  # where it matters whether a note is there, that is no answer
            adapter.notes_of(self.number)

    def test_an_account_may_say_that_comments_are_not_shown(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"), self.recorded("notes_ok"))
        host = self.host(vendor_server.url, options={"read_comments": "false"})
        (case,) = host.adapter.read_cases([self.number])
        assert case.notes == ()
        assert not host.adapter.capabilities.reads_notes
        assert vendor_server.sent_to(self.recorded("notes_ok")) == []

    @pytest.mark.parametrize(("column", "of"), [("element_id", "notes_ok"), ("table_sys_id", "files_ok")])
    def test_entries_of_another_record_never_mean_that_ours_is_not_there(
        self, vendor_server: Recorded, column: str, of: str
    ) -> None:
        record = self.recorded(of)
        record["response"]["body"]["result"][-1][column] = "another"
        vendor_server.plays(self.recorded("read_ok"), record)
        adapter = self.host(vendor_server.url).adapter
        file = VendorFile("led.jpg", "image/jpeg", b"1234")
        with pytest.raises(VendorError, match="answered with other") as caught:
            adapter.notes_of(self.number) if of == "notes_ok" else adapter.has_file(self.number, file)
        assert caught.value.trouble is Trouble.MALFORMED

    @pytest.mark.parametrize(("name", "content", "is_it"), [("led.jpg", b"1234", True), ("led.jpg", b"1", False)])
    def test_a_file_is_known_by_name_and_size(
        self, vendor_server: Recorded, *, name: str, content: bytes, is_it: bool
    ) -> None:
        vendor_server.plays(self.recorded("read_ok"), self.recorded("files_ok"))
        file = VendorFile(name, "image/jpeg", content)
        assert self.host(vendor_server.url).adapter.has_file(self.number, file) is is_it

    def test_a_file_goes_to_the_record_and_is_only_measured_in_what_is_kept(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"), self.recorded("attach_ok"))
        host = self.host(vendor_server.url)
        host.adapter.attach(self.number, VendorFile("led, amber.jpg", "image/jpeg", b"\xff\xd8\xff\xe0"))
        (sent,) = vendor_server.sent_to(self.recorded("attach_ok"))
        assert sent.body == b"\xff\xd8\xff\xe0"
        assert sent.headers["Content-Type"] == "image/jpeg"
        assert sent.query == {
            "table_name": "incident",
            "table_sys_id": "9d385017c611228701d22104cc95c371",
            "file_name": "led, amber.jpg",
        }
        assert "(4 bytes)" in host.records[-1].request

    @pytest.mark.parametrize("name", ["note_ok", "attach_ok"])
    @pytest.mark.parametrize(("status", "trouble"), [(500, Trouble.AMBIGUOUS), (200, Trouble.MALFORMED)])
    def test_a_note_or_a_file_that_failed_half_way_may_have_arrived(
        self, vendor_server: Recorded, status: int, trouble: Trouble, name: str
    ) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        vendor_server.plays(self.recorded(name), status=status, body={"error": {"message": "half"}})
        adapter = self.host(vendor_server.url).adapter
        file = VendorFile("led.jpg", "image/jpeg", b"1234")
        with pytest.raises(VendorError) as caught:
            adapter.add_note(self.number, "x") if name == "note_ok" else adapter.attach(self.number, file)
        assert (caught.value.trouble, caught.value.may_have_arrived) == (trouble, True)

    def test_a_note_on_a_case_that_is_not_there_is_refused(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_none"))
        with pytest.raises(VendorError, match="no case INC9") as caught:
            self.host(vendor_server.url).adapter.add_note("INC9", "x")
        assert caught.value.trouble is Trouble.REFUSED

    @pytest.mark.parametrize("result", ["one", "list"])
    def test_a_signed_push_is_read_like_an_answer(self, result: str) -> None:
        record = self.recorded("read_approved")["response"]["body"]["result"][0]
        body = json.dumps({"result": record if result == "one" else [record]}).encode()
        adapter = self.host().adapter
        secret = self.options["webhook_secret"].encode()
        assert adapter.verify_webhook(signed("m-1", secret, body), body) == "m-1"
        (case,) = adapter.parse_webhook(body)
        assert (case.vendor_case_number, case.status, case.notes) == (self.number, VendorStatus.APPROVED, ())

    def test_a_push_of_several_records_brings_the_comments_of_each(self) -> None:
        record = self.recorded("read_ok")["response"]["body"]["result"][0]
        entries = self.recorded("notes_ok")["response"]["body"]["result"]
        other = {**record, "number": "INC7", "sys_id": "7", "sys_journal_field": [*entries, "?", {"element": 5}]}
        body = json.dumps(
            {"result": [{**record, "sys_journal_field": [*entries, {**entries[0], "element": "work_notes"}]}, other]}
        )
        cases = self.host().adapter.parse_webhook(body.encode())
        assert [(case.vendor_case_number, len(case.notes)) for case in cases] == [(self.number, 2), ("INC7", 0)]

    @pytest.mark.parametrize("body", [b"{", b"[]", b'{"result": 5}', b'{"result": [5]}', b'{"result": {}}', b"\xff"])
    def test_a_push_that_cannot_be_read_is_malformed(self, body: bytes) -> None:
        with pytest.raises(VendorError) as caught:
            self.host().adapter.parse_webhook(body)
        assert caught.value.trouble is Trouble.MALFORMED

    def test_without_a_secret_there_are_no_pushes(self) -> None:
        host = self.host(options={"webhook_secret": ""})
        assert not host.adapter.capabilities.webhooks
        with pytest.raises(VendorError, match="no webhook_secret"):
            host.adapter.verify_webhook(signed("m-1", b"guess", b"{}"), b"{}")

    def test_it_is_of_class_b_and_settles_in_two_minutes(self) -> None:
        able = self.able()
        assert (able.promise, able.settle_s, able.max_denials) == (Promise.B, 120.0, 0)

    @pytest.mark.parametrize(
        ("state_map", "says"), [('{"1": "fine"}', "our words are received"), ("[1]", "a JSON object"), ("{", "a JSON")]
    )
    def test_a_state_map_with_a_word_that_is_not_ours_is_refused_by_name(self, state_map: str, says: str) -> None:
        with pytest.raises(VendorError, match="state_map") as caught:
            self.host(options={"state_map": state_map})
        assert says in caught.value.detail

    @pytest.mark.parametrize("missing", ["username", "password"])
    def test_a_missing_secret_is_refused_by_name(self, missing: str) -> None:
        with pytest.raises(VendorError, match=missing):
            self.host(options={missing: ""})

    def test_a_missing_base_url_is_refused_by_name(self) -> None:
        with pytest.raises(VendorError, match="base_url"):
            Host("servicenow", self.options, None)


class TestServiceNowsPromise(Promised):
    """Class B: exactly one case."""

    vendor = "servicenow"
    options = TestServiceNow.options


class TestServiceNowByOAuth(TestServiceNow):
    """The same with an OAuth client in place of a user."""

    options = {  # noqa: RUF012 -- never changed
        "client_id": f"id-{CANARY}",
        "client_secret": f"secret-{CANARY}",
        "webhook_secret": f"push-{CANARY}",
        "state_map": json.dumps(STATES),
    }
    token = "token_ok"

    @pytest.mark.parametrize("missing", ["client_secret"])
    def test_a_missing_secret_is_refused_by_name(self, missing: str) -> None:
        with pytest.raises(VendorError, match=missing):
            self.host(options={missing: ""})

    def test_opening_with_a_token_that_was_taken_back_renews_it_and_opens_once(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("open_unauthorised"), self.recorded("open_ok"))
        host = self.host(vendor_server.url)
        assert host.adapter.open_case(REQUEST).vendor_case_number == self.number
        assert host.tokens.forgotten == 1

    def test_a_token_endpoint_elsewhere_is_called_at_the_base_url(self, vendor_server: Recorded) -> None:
        record: Any = self.recorded("token_ok")
        record["request"]["path"] = "/oauth/custom"
        vendor_server.forget()
        vendor_server.plays(record)
        vendor_server.plays(self.recorded("read_ok"))
        self.host(vendor_server.url, options={"token_url": "https://login.vendor.example/oauth/custom"}).adapter.check()
        assert len(vendor_server.sent_to(record)) == 1


def signed(message_id: str, key: bytes, body: bytes, age: timedelta = timedelta()) -> dict[str, str]:
    """Sign a push as the scheme asks."""
    at = datetime.now(UTC) - age
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(key).sign(message_id, at, body.decode()),
    }
