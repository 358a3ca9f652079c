"""What every adapter must do: a vendor's test class inherits the parts of its duties, and names its recordings.

``VendorContract`` is for all, ``CallsOut`` for those that have an API, ``LooksUp``, ``Opens`` and ``Tracks`` for duties,
``Searches`` for those that find a case by our reference (promise A and B). One vendor may have several classes.
"""

from __future__ import annotations

from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import vendors
from tests.vendors.host import CANARY, PERSONAL, REQUEST, CountingGate, Host
from tests.vendors.hostile import ODD, UNREADABLE, bent
from tests.vendors.replay import Recorded, recording
from vendors.contract import (
    Capabilities,
    Duty,
    Listed,
    NotListed,
    Promise,
    RmaRequest,
    Unit,
    VendorAdapter,
    VendorStatus,
)
from vendors.errors import Trouble, VendorError
from vendors.http import MAX_RETRY_AFTER_S
from vendors.sandbox import Twin
from vendors.scrub import MAX_KEPT_CHARS
from warranty import config
from warranty.domain import terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OPTIONAL: dict[str, tuple[str, ...]] = {
    "parts_list": ("parts_for", "parts_of"),
    "proposes": ("candidates",),
    "notes": ("add_note",),
    "reads_notes": ("notes_of",),
    "attachments": ("attach",),
    "finds_files": ("has_file",),
    "cancels": ("cancel_case",),
    "pulls": ("pull",),
    "lists_cases": ("list_cases",),
    "webhooks": ("verify_webhook", "parse_webhook"),
    "after_swap": ("after_swap",),
}
LONGEST = {
    "vendor_case_number": 64,
    "rma_number": 64,
    "vendor_status": 200,
    "vendor_line": 200,
    "name": 200,
    "contract_number": 120,
}
"""What the product's columns take."""
ASKED: dict[str, Callable[[VendorAdapter], Any]] = {
    "look_up": lambda adapter: adapter.look_up([]),
    "find_case": lambda adapter: adapter.find_case(REQUEST),
    "open_case": lambda adapter: adapter.open_case(REQUEST),
    "read_cases": lambda adapter: adapter.read_cases([]),
    "candidates": lambda adapter: adapter.candidates(REQUEST),
    "parts_for": lambda adapter: adapter.parts_for(Unit("x")),
    "parts_of": lambda adapter: adapter.parts_of("disk", []),
    "add_note": lambda adapter: adapter.add_note("x", "y"),
    "notes_of": lambda adapter: adapter.notes_of("x"),
    "attach": lambda adapter: adapter.attach("x", None),
    "has_file": lambda adapter: adapter.has_file("x", None),
    "cancel_case": lambda adapter: adapter.cancel_case("x"),
    "pull": lambda adapter: adapter.pull(lambda _: None),
    "list_cases": lambda adapter: adapter.list_cases(None),
    "verify_webhook": lambda adapter: adapter.verify_webhook({}, b""),
    "parse_webhook": lambda adapter: adapter.parse_webhook(b""),
    "after_swap": lambda adapter: adapter.after_swap(Unit("x"), Unit("y")),
}


def can_be_kept(answers: Sequence[Any]) -> bool:
    """Tell whether a database takes every text of some answers: none has a NUL or half a character, none is too long."""
    parts = chain.from_iterable((answer, *getattr(answer, "entitlements", ())) for answer in answers)
    texts = [
        (field.name, value)
        for one in parts
        for field in fields(one)
        if isinstance(value := getattr(one, field.name), str)
    ]
    return all(
        "\x00" not in text
        and text.encode("utf-8", "replace").decode() == text
        and len(text) <= LONGEST.get(name, MAX_KEPT_CHARS + 100)
        for name, text in texts
    )


def writes(adapter: VendorAdapter, method: str) -> bool:
    """Tell whether an adapter has written a method of its own."""
    return getattr(type(adapter), method) is not getattr(VendorAdapter, method)


class VendorContract:
    """For every adapter."""

    vendor: ClassVar[str]
    options: ClassVar[dict[str, str]]
    """A complete account: options and secrets; every secret contains the canary."""

    base_url: ClassVar[str | None] = "http://127.0.0.1:9"

    def host(self, base_url: str | None = None, **more: Any) -> Host:
        options = {**self.options, **more.pop("options", {})}
        return Host(self.vendor, options, base_url or self.base_url, **more)

    def able(self, **more: Any) -> Capabilities:
        return self.host(**more).adapter.capabilities

    def test_it_is_found_by_its_file_name(self) -> None:
        assert self.vendor in vendors.available()
        assert self.host().adapter.name == self.vendor
        assert vendors.describe(self.vendor).vendor == self.vendor

    def test_every_option_says_what_it_is_for(self) -> None:
        fields = vendors.describe(self.vendor).fields
        assert all(field.help and field.name.replace("_", "").isalnum() for field in fields)
        assert len({field.name for field in fields}) == len(fields)

    def test_the_complete_account_is_accepted(self) -> None:
        form = vendors.describe(self.vendor)
        secret = {field.name for field in form.fields if field.secret}
        secrets = {name: value for name, value in self.options.items() if name in secret}
        options = {name: value for name, value in self.options.items() if name not in secret}
        assert all(CANARY in value for value in secrets.values())
        base_url = self.base_url if form.needs_base_url else None
        assert vendors.check_options(self.vendor, (), secrets, options, base_url=base_url) == []

    def test_an_unknown_secret_or_option_is_refused_by_name(self) -> None:
        said = vendors.check_options(self.vendor, (), {"shoe_size": "44"}, {"colour": "green"}, base_url=self.base_url)
        assert any("secret shoe_size" in one for one in said)
        assert any("option colour" in one for one in said)

    def test_what_a_duty_needs_is_missed_by_name(self) -> None:
        form = vendors.describe(self.vendor)
        said = " ".join(vendors.check_options(self.vendor, (), {}, {}, base_url=None))
        needed = {field.name for field in form.fields if field.required_for & form.duties}
        assert all(name in said for name in needed)
        assert all(name in said for group in form.either for name in group)
        assert ("base URL" in said) is form.needs_base_url

    def test_it_can_do_what_its_form_promises_and_no_more(self) -> None:
        adapter = self.host().adapter
        able = adapter.capabilities
        assert able.duties == adapter.form.duties
        by_duty = {Duty.LOOKUP: {"look_up"}, Duty.OPEN: {"open_case"}, Duty.TRACK: {"read_cases"}}
        if able.pulls:
            by_duty[Duty.TRACK] = {"pull"}
        promised = set() if able.by_hand else {name for duty in able.duties for name in by_duty[duty]}
        promised |= {name for flag, names in OPTIONAL.items() if getattr(able, flag) for name in names}
        if able.promise in {Promise.A, Promise.B}:
            promised.add("find_case")
        assert {name for name in promised if not writes(adapter, name)} == set()

    def test_what_it_cannot_do_it_says_in_a_sentence(self) -> None:
        adapter = self.host().adapter
        for name, ask in ASKED.items():
            if not writes(adapter, name):
                with pytest.raises(VendorError, match=f"{self.vendor} cannot") as caught:
                    ask(adapter)
                assert caught.value.trouble is Trouble.REFUSED

    def test_the_promise_belongs_to_those_that_open(self) -> None:
        able = self.able()
        assert (able.promise is not None) is (Duty.OPEN in able.duties)
        assert (able.key_lifetime_s > 0) is (able.promise is Promise.A)
        assert (able.settle_s > 0) is (able.promise in {Promise.A, Promise.B} or able.proposes)

    def test_what_is_sent_may_be_looked_for_and_a_file_has_a_limit(self) -> None:
        able = self.able()
        assert (able.max_file_bytes > 0) is able.attachments
        assert able.max_request_bytes > 0 or not able.files_again
        assert able.notes or not able.reads_notes
        assert able.attachments or not able.finds_files

    def test_an_account_may_lengthen_the_settle_time_but_not_shorten_it(self) -> None:
        own = self.able().settle_s
        assert self.able(options={"settle_seconds": "0"}).settle_s == own
        assert self.able(options={"settle_seconds": "90000"}).settle_s == (90_000 if own else 0)

    def test_the_host_may_shorten_the_settle_time(self) -> None:
        own = self.able().settle_s
        assert self.able(settle_s=3.0).settle_s == (3.0 if own else 0)


class ByMail(VendorContract):
    """For adapters that write mails and read a mailbox, through the host's own servers."""

    SENDER: ClassVar[str] = "warranty@msp.example"

    @pytest.fixture
    def twin(self) -> Iterator[Twin]:
        with Twin(self.vendor) as playing:
            yield playing

    def with_servers(self, twin: Twin, **more: Any) -> Host:
        """An account of a host whose mail servers are the twin's; in the clear there are passwords in their addresses."""
        environment = {"WARRANTY_MODE": "development", **twin.settings}
        environment["IMAP_URL"] = environment["IMAP_URL"].replace("us:them@", f"us:{CANARY}@")
        given = config.load(environment)
        servers = {"smtp": given.mail_server, "imap": given.mailbox_server, "sender": self.SENDER}
        return self.host(**servers | more)

    def fails(self, host: Host, request: RmaRequest = REQUEST) -> VendorError:
        with pytest.raises(VendorError) as caught:
            host.adapter.open_case(request)
        return caught.value

    def test_a_claim_names_us_and_the_unit_and_its_taking_is_no_case(self, twin: Twin) -> None:
        case = self.with_servers(twin).adapter.open_case(REQUEST)
        (sent,) = twin.play(self.vendor).taken
        assert f"[{REQUEST.client_reference}]" in sent["Subject"]
        assert f"Serial number: {REQUEST.unit.serial_number}" in sent.get_content().splitlines()
        assert (case.vendor_case_number, case.status) == (None, VendorStatus.RECEIVED)
        assert str(sent["Message-ID"]) in case.reason

    def test_a_claim_that_is_sent_again_has_the_same_name_and_subject(self, twin: Twin) -> None:
        host = self.with_servers(twin)
        twin.behave(next_opens=["drop_after_accept"])
        self.fails(host)
        host.adapter.open_case(REQUEST)
        first, second = twin.play(self.vendor).taken
        assert (first["Message-ID"], first["Subject"]) == (second["Message-ID"], second["Subject"])

    @pytest.mark.parametrize("word", ["drop_after_accept", "garbage"])
    def test_a_mail_that_left_without_an_answer_may_have_arrived_and_is_sent_once(self, twin: Twin, word: str) -> None:
        host = self.with_servers(twin)
        twin.behave(next_opens=[word])
        error = self.fails(host)
        assert (error.trouble, error.never_left) == (Trouble.AMBIGUOUS, False)
        assert host.gate.news == [Trouble.AMBIGUOUS]
        assert len(twin.opened) == 1

    @pytest.mark.parametrize(("word", "waits"), [("throttle", True), ("error_before", True), ("drop_before", False)])
    def test_a_mail_that_was_not_taken_is_sent_again_without_a_search(
        self, twin: Twin, word: str, *, waits: bool
    ) -> None:
        host = self.with_servers(twin)
        twin.behave(next_opens=[word])
        error = self.fails(host)
        assert (error.trouble, error.never_left) == (Trouble.UNREACHABLE, True)
        assert (error.retry_after_s is not None) is waits
        assert twin.opened == []

    def test_a_refused_mail_did_not_arrive_and_says_why(self, twin: Twin) -> None:
        twin.behave(next_opens=["refuse"])
        error = self.fails(self.with_servers(twin))
        assert (error.trouble, error.vendor_code) == (Trouble.REFUSED, "550")
        assert "told to refuse" in error.detail
        assert not error.may_have_arrived

    def test_people_are_in_what_is_sent_and_pseudonyms_in_what_is_kept(self, twin: Twin) -> None:
        host = self.with_servers(twin)
        host.adapter.open_case(REQUEST)
        (sent,) = twin.play(self.vendor).taken
        assert all(value in sent.get_content() for value in PERSONAL)
        assert not any(value in host.kept for value in PERSONAL)
        assert "person-7" in host.kept

    def test_no_secret_is_in_what_is_kept(self) -> None:
        with Twin(self.vendor, credentials=("us", "another")) as twin:
            host = self.with_servers(twin)
            with pytest.raises(VendorError) as caught:
                host.adapter.check()
        assert caught.value.trouble is Trouble.UNAUTHORISED
        assert "IMAP_URL" in caught.value.detail
        assert CANARY not in f"{host.kept}{caught.value}"

    def test_an_empty_bucket_keeps_the_mailbox_from_being_read(self, twin: Twin) -> None:
        host = self.with_servers(twin, gate=CountingGate(0))
        with pytest.raises(VendorError) as caught:
            host.adapter.pull(lambda _: None)
        assert (caught.value.trouble, host.records) == (Trouble.THROTTLED, [])

    @pytest.mark.parametrize("what", ["error_before", "drop_before"])
    def test_an_outage_of_the_mailbox_is_unreachable(self, twin: Twin, what: str) -> None:
        host = self.with_servers(twin)
        twin.behave(next_reads=[what])
        with pytest.raises(VendorError) as caught:
            host.adapter.pull(lambda _: None)
        assert caught.value.trouble is Trouble.UNREACHABLE
        assert host.gate.news == [Trouble.UNREACHABLE]

    def test_a_setting_that_is_missing_is_said_by_name(self) -> None:
        form = vendors.describe(self.vendor)
        for duty, setting in form.settings.items():
            said = vendors.check_options(self.vendor, {duty}, {}, self.options, base_url=None, settings=())
            assert any(setting in one for one in said)
            assert vendors.check_options(self.vendor, {duty}, {}, self.options, base_url=None, settings=[setting]) == []


class CallsOut(VendorContract):
    """For adapters that have an API."""

    read: ClassVar[str]
    """The recording of a read that goes well."""

    token: ClassVar[str | None] = None
    """The recording of a token; None where the account sends its credentials with every call."""

    @pytest.fixture
    def vendor_server(self) -> Iterator[Recorded]:
        with Recorded() as server:
            if self.token:
                server.plays(self.recorded(self.token))
            yield server

    error_inside: ClassVar[str]
    """The recording of an error that this vendor may send with any status, also with 200."""

    def recorded(self, name: str) -> dict[str, Any]:
        return recording(self.vendor, name)

    def a_read(self, adapter: VendorAdapter) -> Any:
        """Make some read of what the ``read`` recording answers."""
        raise AssertionError("the vendor's test class says which")

    def test_its_check_is_one_read(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read))
        host = self.host(vendor_server.url)
        host.adapter.check()
        assert len(vendor_server.sent_to(self.recorded(self.read))) == 1
        assert host.gate.entered == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_an_outage_of_a_read_is_unreachable(self, vendor_server: Recorded, status: int) -> None:
        vendor_server.plays(self.recorded(self.read), status=status, body="<html>Bad gateway</html>")
        host = self.host(vendor_server.url)
        with pytest.raises(VendorError) as caught:
            self.a_read(host.adapter)
        assert caught.value.trouble is Trouble.UNREACHABLE
        assert host.gate.news[-1] is Trouble.UNREACHABLE

    @pytest.mark.parametrize(
        ("when", "after_s"),
        [
            ("17", 17.0),
            ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0),
            ("Fri, 31 Dec 2099 23:59:59 GMT", MAX_RETRY_AFTER_S),
            ("soon", None),
        ],
    )
    def test_throttling_says_when_to_come_back(self, vendor_server: Recorded, when: str, after_s: float | None) -> None:
        vendor_server.plays(self.recorded(self.read), status=429, headers={"Retry-After": when}, body={})
        with pytest.raises(VendorError) as caught:
            self.a_read(self.host(vendor_server.url).adapter)
        assert (caught.value.trouble, caught.value.retry_after_s) == (Trouble.THROTTLED, after_s)

    @pytest.mark.parametrize("body", ["", "<html>It works!</html>", "null", "[1]", '{"result": 1}', "{"])
    def test_garbage_is_malformed_and_proves_nothing(self, vendor_server: Recorded, body: str) -> None:
        vendor_server.plays(self.recorded(self.read), status=200, body=body)
        with pytest.raises(VendorError) as caught:
            self.a_read(self.host(vendor_server.url).adapter)
        assert caught.value.trouble is Trouble.MALFORMED

    @pytest.mark.parametrize("what", UNREADABLE)
    def test_a_hostile_answer_is_refused_in_a_sentence(self, vendor_server: Recorded, what: str) -> None:
        vendor_server.plays(self.recorded(self.read), status=200, **UNREADABLE[what])
        host = self.host(vendor_server.url)
        with pytest.raises(VendorError) as caught:
            self.a_read(host.adapter)
        assert caught.value.trouble is Trouble.MALFORMED
        assert caught.value.detail
        assert "root:" not in host.kept
        assert "\x00" not in host.kept

    @pytest.mark.parametrize("what", ODD)
    def test_an_odd_value_anywhere_is_read_or_malformed_and_what_is_read_can_be_kept(
        self, vendor_server: Recorded, what: str
    ) -> None:
        good, adapter = self.recorded(self.read), self.host(vendor_server.url).adapter
        for body in bent(good["response"]["body"], ODD[what]):
            vendor_server.plays(good, body=body)
            trouble, answers = None, []
            try:
                answers = self.a_read(adapter)
            except VendorError as err:
                trouble = err.trouble
            assert trouble in {None, Trouble.MALFORMED}, body[:300]
            assert can_be_kept(answers), body[:300]
            vendor_server.forget(good)

    def test_an_error_inside_an_answer_of_200_is_an_error(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.error_inside), status=200)
        with pytest.raises(VendorError) as caught:
            self.a_read(self.host(vendor_server.url).adapter)
        assert caught.value.trouble is Trouble.MALFORMED
        assert caught.value.detail

    def test_an_empty_bucket_keeps_a_read_from_being_sent(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read))
        host = self.host(vendor_server.url, gate=CountingGate(0))
        with pytest.raises(VendorError) as caught:
            self.a_read(host.adapter)
        assert (caught.value.trouble, caught.value.retry_after_s) == (Trouble.THROTTLED, 7.0)
        assert vendor_server.sent_to(self.recorded(self.read)) == []

    @pytest.mark.parametrize("status", [200, 403, 500])
    def test_no_secret_is_in_what_is_kept_or_said_though_the_vendor_repeats_them(
        self, vendor_server: Recorded, status: int
    ) -> None:
        echo = " ".join(value for value in self.options.values() if CANARY in value)
        headers = {"X-Echo": echo, "Set-Cookie": f"session={echo}"}
        vendor_server.plays(
            self.recorded(self.read), status=status, headers=headers, body={"error": f"bad credentials {echo}"}
        )
        host = self.host(vendor_server.url)
        with pytest.raises(VendorError) as caught:
            self.a_read(host.adapter)
        assert CANARY not in f"{host.kept}{caught.value}{caught.value.detail}{caught.value.vendor_code}"
        assert "bad credentials" in host.kept

    def test_no_secret_is_in_what_is_kept_or_said_though_the_token_endpoint_repeats_them(
        self, vendor_server: Recorded
    ) -> None:
        if self.token is None:
            return
        echo = [value for value in self.options.values() if CANARY in value]
        for status in (200, 400):
            vendor_server.forget()
            vendor_server.plays(self.recorded(self.token), status=status, body={"error": echo, "expires_in": echo})
            host = self.host(vendor_server.url)
            with pytest.raises(VendorError) as caught:
                self.a_read(host.adapter)
            assert CANARY not in f"{host.kept}{caught.value}{caught.value.detail}{caught.value.vendor_code}"

    def test_a_refused_token_is_renewed_once(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read), status=401, body={})
        vendor_server.plays(self.recorded(self.read))
        host = self.host(vendor_server.url)
        if self.token is None:
            with pytest.raises(VendorError) as caught:
                self.a_read(host.adapter)
            assert caught.value.trouble is Trouble.UNAUTHORISED
            return
        host.tokens.kept = None
        self.a_read(host.adapter)
        assert host.tokens.forgotten == 1
        assert len(vendor_server.sent_to(self.recorded(self.token))) == 2


class LooksUp(CallsOut):
    """For adapters that look units up."""

    known: ClassVar[str]
    """A serial number that the ``read`` recording lists."""

    def a_read(self, adapter: VendorAdapter) -> Any:
        return list(adapter.look_up([Unit(self.known)]))

    def test_every_unit_of_a_batch_gets_one_answer(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read))
        size = self.able().batch_size
        units = [Unit(self.known), *(Unit(f"NOSUCH{number:04d}") for number in range(size + 1)), Unit("no, such; tag")]
        host = self.host(vendor_server.url)
        answers = list(host.adapter.look_up(units))
        assert sorted(answer.unit.serial_number for answer in answers) == sorted(u.serial_number for u in units)  # type: ignore[union-attr] # no ComeBack here
        assert len(vendor_server.sent_to(self.recorded(self.read))) == 2
        assert {type(answer) for answer in answers} == {Listed, NotListed}

    def test_what_is_listed_uses_only_words_of_the_decision(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read))
        listed = [one for one in self.a_read(self.host(vendor_server.url).adapter) if isinstance(one, Listed)]
        lines = [line for one in listed for line in one.entitlements]
        assert lines
        for line in lines:
            terms.CoverageKind(line.kind)
            terms.Fulfilment(line.fulfilment)
            terms.ServiceLevel(line.service_level)
            terms.Delivery(line.delivery)
            assert line.covers
            assert [terms.Share(share) for share in line.covers]
            assert set(line.excluded_causes) <= set(terms.Cause) - {terms.Cause.UNKNOWN}
            assert set(line.excluded_components) <= set(terms.Component)
            assert line.ends_on is None or line.ends_on >= line.starts_on
            assert line.starts_raw

    def test_the_vendors_answer_is_kept_with_the_unit(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read))
        (answer,) = self.a_read(self.host(vendor_server.url).adapter)
        assert self.known in answer.raw

    def test_asked_again_a_line_keeps_its_name(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read))
        adapter = self.host(vendor_server.url).adapter
        names = [[line.vendor_line for one in self.a_read(adapter) for line in one.entitlements] for _ in range(2)]
        assert names[0] == names[1]
        assert len(set(names[0])) == len(names[0])


class Opens(CallsOut):
    """For adapters that open cases."""

    opened: ClassVar[str]
    """The recording of an open that goes well; its case answers to ``request``."""

    request: ClassVar[RmaRequest] = REQUEST
    """What is opened; a vendor that needs more has one of its own, with the same people."""

    refused: ClassVar[str]

    def test_opening_sends_our_reference_and_gives_a_case(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.opened))
        case = self.host(vendor_server.url).adapter.open_case(self.request)
        (sent,) = vendor_server.sent_to(self.recorded(self.opened))
        assert self.request.client_reference.encode() in sent.body
        assert self.request.unit.serial_number.encode() in sent.body
        assert case.vendor_case_number
        assert case.status is not VendorStatus.UNKNOWN
        assert case.client_reference in {None, self.request.client_reference}

    def test_opening_does_not_enter_the_gate_that_the_host_has_entered(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.opened))
        host = self.host(vendor_server.url, gate=CountingGate(0))
        host.adapter.open_case(self.request)
        assert host.gate.news[-1] is None

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409, 425])
    def test_an_outage_while_opening_may_have_arrived_and_is_sent_once(
        self, vendor_server: Recorded, status: int
    ) -> None:
        vendor_server.plays(self.recorded(self.opened), status=status, body="")
        with pytest.raises(VendorError) as caught:
            self.host(vendor_server.url).adapter.open_case(self.request)
        assert caught.value.trouble is Trouble.AMBIGUOUS
        assert caught.value.may_have_arrived
        assert len(vendor_server.sent_to(self.recorded(self.opened))) == 1

    def test_a_connection_that_is_cut_while_opening_may_have_arrived_and_is_sent_once(
        self, vendor_server: Recorded
    ) -> None:
        vendor_server.plays(self.recorded(self.opened), drop=True)
        with pytest.raises(VendorError) as caught:
            self.host(vendor_server.url).adapter.open_case(self.request)
        assert caught.value.trouble is Trouble.AMBIGUOUS
        assert len(vendor_server.sent_to(self.recorded(self.opened))) == 1

    @pytest.mark.parametrize("body", ["", "<html>", '{"ok": true}', '{"result": {}}', '{"result": []}'])
    def test_an_open_without_a_case_in_the_answer_may_have_arrived(self, vendor_server: Recorded, body: str) -> None:
        vendor_server.plays(self.recorded(self.opened), body=body)
        with pytest.raises(VendorError) as caught:
            self.host(vendor_server.url).adapter.open_case(self.request)
        assert caught.value.trouble is Trouble.MALFORMED
        assert caught.value.may_have_arrived

    @pytest.mark.parametrize("what", ["nothing", "a number", "a list", "half a character"])
    def test_an_odd_value_in_the_answer_to_an_open_is_read_or_searched_for(
        self, vendor_server: Recorded, what: str
    ) -> None:
        good, adapter = self.recorded(self.opened), self.host(vendor_server.url).adapter
        for body in bent(good["response"]["body"], ODD[what]):
            vendor_server.plays(good, body=body)
            arrived, cases = True, []
            try:
                cases = [adapter.open_case(self.request)]
            except VendorError as err:
                arrived = err.may_have_arrived
            assert arrived, body[:300]
            assert can_be_kept(cases), body[:300]
            vendor_server.forget(good)

    def test_a_refused_form_did_not_arrive_and_says_why(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.refused))
        with pytest.raises(VendorError) as caught:
            self.host(vendor_server.url).adapter.open_case(self.request)
        assert caught.value.trouble is Trouble.REFUSED
        assert not caught.value.may_have_arrived
        assert caught.value.detail

    def test_throttled_while_opening_is_searched_before_it_is_sent_again(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.opened), status=429, headers={"Retry-After": "3"}, body={})
        with pytest.raises(VendorError) as caught:
            self.host(vendor_server.url).adapter.open_case(self.request)
        assert (caught.value.trouble, caught.value.retry_after_s) == (Trouble.THROTTLED, 3.0)
        assert caught.value.may_have_arrived

    def test_people_are_in_what_is_sent_and_pseudonyms_in_what_is_kept(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.opened))
        vendor_server.plays(self.recorded(self.read))
        host = self.host(vendor_server.url)
        case = host.adapter.open_case(self.request)
        (sent,) = vendor_server.sent_to(self.recorded(self.opened))
        assert all(value.encode() in sent.body for value in PERSONAL)
        assert not any(value in host.kept + case.raw for value in PERSONAL)
        assert "person-7" in host.kept
        assert "place-9" in host.kept


class Searches(Opens):
    """For adapters that find a case by our reference."""

    none_found: ClassVar[str]
    found_twice: ClassVar[str]

    def test_a_search_that_finds_nothing_is_an_answer(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.none_found))
        assert self.host(vendor_server.url).adapter.find_case(self.request) is None

    def test_a_search_finds_the_case_by_our_reference(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read))
        case = self.host(vendor_server.url).adapter.find_case(self.request)
        (sent,) = vendor_server.sent_to(self.recorded(self.read))
        assert any(self.request.client_reference in value for value in sent.query.values())
        assert case is not None
        assert case.client_reference == self.request.client_reference
        assert case.duplicates == ()

    def test_two_cases_for_one_reference_are_not_hidden(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.found_twice))
        case = self.host(vendor_server.url).adapter.find_case(self.request)
        assert case is not None
        assert len(case.duplicates) == 1
        assert case.vendor_case_number not in case.duplicates


class Tracks(CallsOut):
    """For adapters that track cases."""

    number: ClassVar[str]
    """The case number of the ``read`` recording."""

    unknown_word: ClassVar[str]
    none_found: ClassVar[str]

    def a_read(self, adapter: VendorAdapter) -> Any:
        return list(adapter.read_cases([self.number]))

    def test_a_case_is_read_by_its_number(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.read))
        (case,) = self.a_read(self.host(vendor_server.url).adapter)
        assert case.vendor_case_number == self.number
        assert not any(value in case.raw for value in PERSONAL)

    def test_a_number_that_the_vendor_does_not_know_yields_nothing(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.none_found))
        assert self.a_read(self.host(vendor_server.url).adapter) == []

    def test_a_word_we_do_not_know_is_unknown_and_kept(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded(self.unknown_word))
        (case,) = self.a_read(self.host(vendor_server.url).adapter)
        assert case.status is VendorStatus.UNKNOWN
        assert case.vendor_status

    def test_a_push_that_no_honest_vendor_sends_is_refused_in_a_sentence(self) -> None:
        adapter = self.host().adapter
        if not writes(adapter, "parse_webhook"):
            return
        for what, answer in UNREADABLE.items():
            with pytest.raises(VendorError) as caught:
                adapter.parse_webhook(answer["body"])
            assert caught.value.trouble is Trouble.MALFORMED, what
            assert caught.value.detail

    def test_a_forged_push_is_refused(self) -> None:
        adapter = self.host().adapter
        if adapter.capabilities.webhooks:
            with pytest.raises(VendorError) as caught:
                adapter.verify_webhook(
                    {"webhook-id": "m1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}, b"{}"
                )
            assert caught.value.trouble is Trouble.UNAUTHORISED
        else:
            assert not writes(adapter, "verify_webhook")
