"""Dell: the contract, and what is special about look-ups and dispatches. Recordings: recorded/dell/SOURCES."""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pytest

from tests.vendors.contract import CallsOut, LooksUp, Opens, Tracks
from tests.vendors.host import CANARY, REQUEST, Host
from tests.vendors.names import Names, names
from tests.vendors.promise import Promised, on_one_engine
from tests.vendors.replay import RECORDED, Recorded, recording
from vendors import check_options, soap
from vendors.adapters.dell import STATUSES
from vendors.contract import (
    Contact,
    Duty,
    Entitlement,
    Listed,
    Need,
    NotListed,
    NotListedWhy,
    Promise,
    ReturnRule,
    ReturnStart,
    ShipTo,
    Unit,
    VendorFile,
    VendorPart,
    VendorStatus,
)
from vendors.errors import Trouble, VendorError
from warranty.domain.terms import Component
from warranty.models.work import OrderKind

if TYPE_CHECKING:
    from tests.desk import Desk
    from vendors.contract import RmaRequest, VendorCase
    from warranty.runtime import Runtime

__all__ = ["names"]

SAMPLES = os.environ.get("WARRANTY_SAMPLE_DATA")
KEY = {"client_id": f"id-{CANARY}", "client_secret": f"secret-{CANARY}"}
TECHNICIAN = {
    "technician_login": f"tech-{CANARY}@msp.example",
    "technician_password": f'p<&">-{CANARY}',
    "branch": "Utrecht Depot",
    "customer": "Some Client BV",
    "track": "Tier 1",
}


class _Account(CallsOut):
    """One account that may do everything."""

    vendor = "dell"
    options = KEY | TECHNICIAN
    token = "token_ok"

    def test_its_check_is_one_read(self, vendor_server: Recorded) -> None:
        """One look-up, and for a technician one login."""
        vendor_server.plays(self.recorded("read_ok"), self.recorded("login_ok"))
        for account, reads in (
            (KEY, ["read_ok"]),
            (self.options, ["read_ok", "login_ok"]),
            (self.options | {"look_up": "false"}, ["login_ok"]),
        ):
            vendor_server.received.clear()
            host = Host(self.vendor, account, vendor_server.url)
            host.adapter.check()
            assert [len(vendor_server.sent_to(self.recorded(read))) for read in reads] == [1] * len(reads)
            assert host.gate.entered == len(reads)


class TestDell(_Account, LooksUp):
    """Look-ups."""

    read = "read_ok"
    error_inside = "read_refused"
    known = "QX7T2K9"

    def answers(self, server: Recorded, *units: Unit) -> list[Any]:
        return list(self.host(server.url).adapter.look_up(units))

    def oddities(self, server: Recorded, *units: Unit) -> list[Any]:
        server.plays(self.recorded("read_oddities"))
        return self.answers(server, *units)

    def test_tags_are_asked_for_in_one_parameter_and_in_upper_case(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        known, unknown = self.answers(vendor_server, Unit(" qx7t2k9 "), Unit("0000XX0"))
        (sent,) = vendor_server.sent_to(self.recorded("read_ok"))
        assert sent.query == {"servicetags": "QX7T2K9,0000XX0"}
        assert sent.headers["Authorization"] == "Bearer c0ffee-token-of-an-hour"
        assert isinstance(known, Listed)
        assert known.unit.serial_number == " qx7t2k9 "
        assert isinstance(unknown, NotListed)
        assert unknown.why is NotListedWhy.UNKNOWN

    def test_the_token_is_asked_for_by_basic_and_kept(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        host = self.host(vendor_server.url)
        self.a_read(host.adapter)
        self.a_read(host.adapter)
        (asked,) = vendor_server.sent_to(self.recorded("token_ok"))
        assert asked.body == b"grant_type=client_credentials"
        assert asked.headers["Authorization"].startswith("Basic ")
        assert host.gate.entered == 2
        assert "c0ffee" not in host.kept

    def test_refused_credentials_are_unauthorised_and_say_why(self, vendor_server: Recorded) -> None:
        vendor_server.forget()
        vendor_server.plays(self.recorded("token_refused"))
        with pytest.raises(VendorError, match="credentials were not valid") as caught:
            self.answers(vendor_server, Unit("QX7T2K9"))
        assert caught.value.trouble is Trouble.UNAUTHORISED
        assert caught.value.vendor_code == "invalid_client"
        assert caught.value.retry_after_s is None

    @pytest.mark.parametrize("status", [401, 404])
    def test_what_this_vendor_means_by_too_busy_is_throttled(self, vendor_server: Recorded, status: int) -> None:
        vendor_server.plays(self.recorded("read_ok"), status=status, body={})
        with pytest.raises(VendorError) as caught:
            self.answers(vendor_server, Unit("QX7T2K9"))
        assert (caught.value.trouble, caught.value.retry_after_s) == (Trouble.THROTTLED, 30.0)

    def test_a_forbidden_account_is_unauthorised(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"), status=403, body={"message": "not subscribed to this API"})
        with pytest.raises(VendorError, match="not subscribed") as caught:
            self.answers(vendor_server, Unit("QX7T2K9"))
        assert caught.value.trouble is Trouble.UNAUTHORISED

    def test_local_midnight_is_the_next_day_and_the_end_of_a_utc_day_is_that_day(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        (listed,) = self.answers(vendor_server, Unit("QX7T2K9"))
        first, second = listed.entitlements
        assert (first.starts_on, first.ends_on) == (date(2023, 3, 27), date(2024, 3, 27))
        assert (second.starts_on, second.ends_on) == (date(2024, 3, 28), date(2028, 3, 27))
        assert first.ends_raw == "2024-03-27T21:59:59.214Z"
        assert first.time_zone == "Europe/Amsterdam"
        assert listed.shipped_on == date(2023, 3, 27)
        assert listed.product_name == "OptiPlex SFF 7010"

    def test_services_are_read_by_code_and_never_pay_for_labour(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        (listed,) = self.answers(vendor_server, Unit("QX7T2K9"))
        said = [(e.vendor_line, e.kind, e.service_level, e.delivery, e.covers) for e in listed.entitlements]
        assert said == [
            ("997-11001", "manufacturer_warranty", "best_effort", "on_site", ("parts",)),
            ("997-11002", "vendor_contract", "next_business_day", "advance_exchange", ("parts",)),
        ]

    def test_twins_are_kept_apart_and_unknown_codes_are_left_to_a_person(self, vendor_server: Recorded) -> None:
        (listed,) = self.oddities(vendor_server, Unit("5K2MVW3"))
        levels = {e.vendor_line: e.service_level for e in listed.entitlements}
        assert levels == {
            "709-20011": "best_effort",
            "890-30012": "next_business_day",
            "890-30012#2": "next_business_day",
            "425-40002": "unknown",
            "Onsite Diagnosis//2021-11-03": "unknown",
        }
        assert listed.product_name == "LATITUDE 5420"

    def test_what_is_no_hardware_cover_or_has_no_dates_is_left_out_and_said(self, vendor_server: Recorded) -> None:
        (listed,) = self.oddities(vendor_server, Unit("5K2MVW3"))
        assert listed.left_out == (
            "425-40001 DL Digital Delivery: not hardware cover",
            "425-40003 ND: without a start or an end",
        )

    def test_the_names_of_lines_do_not_depend_on_the_order_of_the_answer(self, vendor_server: Recorded) -> None:
        turned = recording("dell", "read_oddities")
        turned["response"]["body"][0]["entitlements"].reverse()
        vendor_server.plays(self.recorded("read_oddities"), turned)
        adapter = self.host(vendor_server.url).adapter
        one, other = (next(adapter.look_up([Unit("5K2MVW3")])) for _ in range(2))
        assert isinstance(one, Listed)
        assert isinstance(other, Listed)
        assert one.entitlements == other.entitlements

    @pytest.mark.parametrize(
        ("tag", "says"),
        [("DUP1TAG", "several machines"), ("BADDATE", "cannot be read"), ("LEFTOUT", "left this tag out")],
    )
    def test_what_cannot_be_read_is_never_taken_for_no_cover(
        self, vendor_server: Recorded, tag: str, says: str
    ) -> None:
        (answer,) = self.oddities(vendor_server, Unit(tag))
        assert isinstance(answer, NotListed)
        assert answer.why is NotListedWhy.NOT_PROCESSED
        assert says in answer.detail

    def test_a_known_machine_without_any_line_is_listed(self, vendor_server: Recorded) -> None:
        (answer,) = self.oddities(vendor_server, Unit("NOTHING"))
        assert answer == Listed(Unit("NOTHING"), (), raw=answer.raw)

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"endDate": "2020-01-01T00:00:00Z"}, "ends before it starts"),
            ({"startDate": "0001-01-01T00:00:00Z"}, "cannot be read"),
            ({"endDate": "9999-12-31T23:59:58-10:00"}, "cannot be read"),
            ("a row that is none", "not a list of rows"),
        ],
    )
    def test_a_line_that_makes_no_sense_spoils_the_unit_and_not_the_batch(
        self, vendor_server: Recorded, changes: Any, says: str
    ) -> None:
        record = self.recorded("read_ok")
        body = record["response"]["body"]
        row = {**body[0]["entitlements"][0], **changes} if isinstance(changes, dict) else changes
        body.append({"serviceTag": "SPOILED", "countryCode": "US", "entitlements": [row]})
        vendor_server.plays(record)
        spoiled, fine = self.answers(vendor_server, Unit("SPOILED"), Unit("QX7T2K9"))
        assert isinstance(spoiled, NotListed)
        assert says in spoiled.detail
        assert isinstance(fine, Listed)

    @pytest.mark.parametrize(
        ("country", "site", "start", "day", "zone"),
        [
            ("US", "", "2024-03-27T03:30:00Z", date(2024, 3, 26), "America/New_York"),
            ("US", "America/Los_Angeles", "2024-03-27T06:30:00Z", date(2024, 3, 26), "America/Los_Angeles"),
            ("us", "no/zone", "2024-03-27T04:30:00Z", date(2024, 3, 27), "America/New_York"),
            ("AU", "", "2024-03-26T13:00:00Z", date(2024, 3, 27), "Australia/Sydney"),
            ("NL", "America/Los_Angeles", "2024-03-26T23:00:00Z", date(2024, 3, 27), "Europe/Amsterdam"),
            ("DE", "Asia/Tokyo", "2024-03-26T23:00:00Z", date(2024, 3, 27), "Europe/Berlin"),
            ("UK", "", "2024-03-31T23:30:00Z", date(2024, 4, 1), "Europe/London"),
            (None, "Asia/Tokyo", "2024-03-26T15:00:00Z", date(2024, 3, 27), "Asia/Tokyo"),
            ("XX", "", "2024-03-26T23:59:59Z", date(2024, 3, 26), "UTC"),
            (None, "Europe", "2024-03-26 12:00:00", date(2024, 3, 26), "UTC"),
        ],
    )
    def test_days_are_read_in_the_clock_of_the_country(
        self, vendor_server: Recorded, *, country: str | None, site: str, start: str, day: date, zone: str
    ) -> None:
        record = self.recorded("read_ok")
        record["response"]["body"][0]["countryCode"] = country
        record["response"]["body"][0]["entitlements"][0]["startDate"] = start
        record["response"]["body"][0]["entitlements"][0]["endDate"] = "2030-01-01T23:59:59.9Z"
        vendor_server.plays(record)
        (listed,) = self.answers(vendor_server, Unit("QX7T2K9", time_zone=site))
        line = next(e for e in listed.entitlements if e.vendor_line == "997-11001")
        assert (line.starts_on, line.ends_on, line.time_zone) == (day, date(2030, 1, 1), zone)

    def test_two_units_with_one_tag_are_asked_for_once_and_answered_twice(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        answers = self.answers(vendor_server, Unit("QX7T2K9"), Unit("qx7t2k9"))
        assert [answer.unit.serial_number for answer in answers] == ["QX7T2K9", "qx7t2k9"]
        (sent,) = vendor_server.sent_to(self.recorded("read_ok"))
        assert sent.query == {"servicetags": "QX7T2K9"}

    def test_a_tag_that_fails_the_whole_call_is_found_by_halving(self, vendor_server: Recorded) -> None:
        refused, fine = self.recorded("read_refused"), self.recorded("read_ok")
        vendor_server.plays(refused, fine, refused)  # both, then the second half alone, then the first
        answers = {a.unit.serial_number: a for a in self.answers(vendor_server, Unit("BADTAG1"), Unit("QX7T2K9"))}
        assert isinstance(answers["QX7T2K9"], Listed)
        assert answers["BADTAG1"].why is NotListedWhy.NOT_PROCESSED
        assert "refuses this tag" in answers["BADTAG1"].detail

    def test_halving_stops_where_every_call_is_refused(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_refused"))
        with pytest.raises(VendorError) as caught:
            self.answers(vendor_server, *(Unit(f"TAG{number:04d}") for number in range(100)))
        assert caught.value.trouble is Trouble.REFUSED
        assert len(vendor_server.sent_to(self.recorded("read_refused"))) == 17

    @pytest.mark.parametrize(
        "body",
        [{"token_type": "Bearer"}, {"access_token": "x"}, {"access_token": "x", "expires_in": "soon"}, [],
         {"access_token": 5, "expires_in": 5}, {"access_token": "x", "expires_in": 0}],
    )  # fmt: skip
    def test_a_token_answer_without_a_token_is_malformed(self, vendor_server: Recorded, body: Any) -> None:
        vendor_server.forget()
        vendor_server.plays(self.recorded("token_ok"), body=body)
        with pytest.raises(VendorError) as caught:
            self.host(vendor_server.url).adapter.check()
        assert caught.value.trouble is Trouble.MALFORMED

    def test_without_a_base_url_the_documented_host_is_called(self, names: Names) -> None:
        host = Host("dell", self.options, None, allow_private=False)
        with pytest.raises(VendorError) as caught:
            host.adapter.check()
        assert caught.value.trouble is Trouble.UNREACHABLE
        assert names.asked == [("apigtwb2c.us.dell.com", 443)]


class TestDellDispatches(_Account, Opens, Tracks):
    """Dispatches."""

    opened = "open_ok"
    refused = "open_refused"
    read = "status_shipped"
    error_inside = "status_fault"
    number = "SR999830477"
    unknown_word = "status_unknown_word"
    none_found = "status_none"
    request = replace(
        REQUEST, unit=Unit("qx7t2k9", country="NL", time_zone="Europe/Amsterdam"), component="psu", parts=("PWS",)
    )

    def test_opening_sends_our_reference_and_gives_a_case(self, vendor_server: Recorded) -> None:
        """Every byte of it, in the documented order and spelling."""
        vendor_server.plays(self.recorded("open_ok"))
        case = self.host(vendor_server.url).adapter.open_case(self.request)
        (sent,) = vendor_server.sent_to(self.recorded("open_ok"))
        assert sent.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert sent.headers["Accept"] == "text/xml"
        assert sent.headers["Authorization"] == "Bearer c0ffee-token-of-an-hour"
        documented = (RECORDED / "dell" / "open_request.xml").read_text("utf-8").strip()
        documented = documented.replace("tech@msp.example", self.options["technician_login"])
        assert sent.body.decode() == documented.replace("any password", escape(self.options["technician_password"]))
        assert (case.vendor_case_number, case.status, case.rma_number) == (self.number, VendorStatus.RECEIVED, None)
        assert case.vendor_status == "Request Submitted"

    def sent(self, server: Recorded, request: RmaRequest, **options: str) -> dict[str, Any]:
        """Open a dispatch, and give its elements."""
        server.plays(self.recorded("open_ok"))
        self.host(server.url, options=options).adapter.open_case(request)
        (sent,) = server.sent_to(self.recorded("open_ok"))
        (dispatch,) = soap.inside(soap.content(sent.body), "CreateDispatch", "CreateDispatchRequest", "Dispatch")
        assert isinstance(dispatch, dict)
        return dispatch

    def answer(self, server: Recorded, name: str, *, status: int = 200, old: str = "", new: str = "") -> Host:
        """Play a recording, changed, and give a host that will hear it."""
        body = self.recorded(name)["response"]["body"]
        assert old in body
        server.plays(self.recorded(name), status=status, body=body.replace(old, new))
        return self.host(server.url)

    # -- what is sent

    def test_an_address_of_the_address_book_excludes_every_other_line_and_the_need_for_one(
        self, vendor_server: Recorded
    ) -> None:
        request = replace(self.request, ship_to=None)
        address = self.sent(vendor_server, request, address_book_name="Example HQ")["ShipToAddress"]
        assert address == {"AddressBookName": "Example HQ"}
        assert Need.SHIP_TO not in self.able(options={"address_book_name": "Example HQ"}).requires

    @pytest.mark.parametrize(
        ("zone", "theirs"),
        [("America/Chicago", "US/Central"), ("US/Pacific", "US/Pacific"), ("Europe/Amsterdam", None), ("", None)],
    )
    def test_the_zone_is_named_as_the_vendor_does_or_not_at_all(
        self, vendor_server: Recorded, zone: str, theirs: str | None
    ) -> None:
        to = ShipTo("place-9", "", "1 Main St", "Austin", "78701", "us", address_line2="Suite 4", state="TX")
        request = replace(self.request, unit=Unit("QX7T2K9", time_zone=zone), ship_to=to)
        assert self.sent(vendor_server, request)["ShipToAddress"] == {
            "CountryISOCode": "US",
            "City": "Austin",
            "State": "TX",
            "ZipPostalCode": "78701",
            "AddressLine1": "1 Main St",
            "AddressLine2": "Suite 4",
            **({"TimeZone": theirs} if theirs else {}),
        }

    @pytest.mark.parametrize(("cause", "said"), [("liquid", "true"), ("surge", "true"), ("accidental_damage", "true"),
                                                 ("hardware_failure", "false"), ("misuse", "false"), ("theft", "false")])  # fmt: skip
    def test_an_accident_asks_for_the_service_that_covers_accidents(
        self, vendor_server: Recorded, cause: str, said: str
    ) -> None:
        assert self.sent(vendor_server, replace(self.request, cause=cause))["RequestCompleteCare"] == said

    def test_the_pseudo_part_asks_for_the_depot_and_a_part_that_stands_twice_is_ordered_twice(
        self, vendor_server: Recorded
    ) -> None:
        dispatch = self.sent(vendor_server, replace(self.request, parts=("MEM", "RTD", "MEM")))
        assert dispatch["RequestReturnToDepot"] == "true"
        assert dispatch["Parts"]["PartInfo"] == [
            {"PartNumber": "MEM", "PPID": "", "Quanitity": "2"},
            {"PartNumber": "RTD", "PPID": "", "Quanitity": "1"},
        ]

    def test_a_long_note_is_cut_where_the_vendor_counts_a_thousand(self, vendor_server: Recorded) -> None:
        request = replace(self.request, symptom="No POST", troubleshooting="\N{FIRE} smoke\x00 " * 200)
        note = self.sent(vendor_server, request)["TroubleshootingNote"]
        assert note.startswith("Fault: No POST\nDiagnostic code: E1810\nComponent: psu bay 3\nTroubleshooting: ")
        assert note.endswith("...")
        assert 990 < len(note.encode("utf-16-le")) / 2 <= 1000
        assert "\x00" not in note

    @pytest.mark.parametrize(
        ("name", "theirs"),
        [("Els Jansen", "Jansen,Els"), ("Ada van der Berg", "Berg,Ada van der"), ("Jansen, Els", "Jansen, Els"),
         ("Prince", "Prince")],
    )  # fmt: skip
    def test_a_contact_is_named_family_name_first(self, vendor_server: Recorded, name: str, theirs: str) -> None:
        contact = Contact("person-7", name, "+31 6 1", "e@client.example")
        assert self.sent(vendor_server, replace(self.request, contact=contact))["PrimaryContactName"] == theirs

    def test_files_travel_in_the_body_and_are_only_measured_in_what_is_kept(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("open_ok"))
        host = self.host(vendor_server.url)
        photo = VendorFile("led & fan.jpg", "image/jpeg", b"\xff\xd8\xff\xe0 a photograph")
        host.adapter.open_case(replace(self.request, files=(photo, photo)))
        (sent,) = vendor_server.sent_to(self.recorded("open_ok"))
        files = soap.inside(soap.content(sent.body), "CreateDispatch", "CreateDispatchRequest", "Dispatch", "Attachments",
                            "AttachmentInfo")  # fmt: skip
        data = base64.b64encode(photo.content).decode()
        one = {"Description": photo.name, "FileName": photo.name, "MIMEType": "image/jpeg", "Data": data}
        assert files == [one, one]
        assert data not in host.kept
        assert "<api:Data>(17 bytes)</api:Data>" in host.kept

    def test_login_and_password_are_in_every_body_and_nowhere_in_what_is_kept(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("open_ok"), self.recorded("status_ok"))
        host = self.host(vendor_server.url)
        host.adapter.open_case(self.request)
        list(host.adapter.read_cases([self.number]))
        for got in (got for got in vendor_server.received if got.where[2]):
            login, password = re.findall(rb"<api:(?:Login|Password)>(.*)</api", got.body)
            assert (login.decode(), password.decode()) == (f"tech-{CANARY}@msp.example", f'p&lt;&amp;"&gt;-{CANARY}')
        assert CANARY not in host.kept
        assert host.kept.count("<api:Password>***</api:Password>") == 2

    @pytest.mark.parametrize(
        ("changes", "options", "says"),
        [
            ({"parts": tuple("ABCDE")}, {}, "one to 4 parts; asked for: A, B, C, D, E"),
            ({"parts": ()}, {}, "one to 4 parts; asked for: none"),
            ({"contact": None}, {}, "needs a contact"),
            ({"contact": Contact("person-7", "Els", "", "e@client.example")}, {}, "a phone number"),
            ({"ship_to": None}, {}, "an address"),
            ({"unit": Unit("QX7,T2K9")}, {}, "QX7,T2K9 is not a service tag"),
            ({"unit": Unit(" ")}, {}, "nothing is not a service tag"),
            ({}, dict.fromkeys(("branch", "customer", "track"), ""), "branch is missing"),
            ({}, dict.fromkeys(TECHNICIAN, ""), "technician_login is missing"),
        ],
    )
    def test_what_the_vendor_would_refuse_is_not_sent(
        self, vendor_server: Recorded, changes: dict[str, Any], options: dict[str, str], says: str
    ) -> None:
        with pytest.raises(VendorError, match=says) as caught:
            self.host(vendor_server.url, options=options).adapter.open_case(replace(self.request, **changes))
        assert caught.value.trouble is Trouble.REFUSED
        assert vendor_server.received == []

    def test_a_denied_dispatch_is_submitted_again_under_its_code(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("resubmit_ok"))
        request = replace(self.request, vendor_case_number=self.number, troubleshooting="Both modules, one by one")
        case = self.host(vendor_server.url).adapter.open_case(request)
        assert (case.vendor_case_number, case.status) == (self.number, VendorStatus.RECEIVED)
        (sent,) = vendor_server.sent_to(self.recorded("resubmit_ok"))
        (dispatch,) = soap.inside(soap.content(sent.body), "ResubmitDispatch", "ResubmitDispatchRequest", "Dispatch")
        assert list(dispatch) == ["DispatchCode", "TroubleshootingNote", "Parts"]
        assert dispatch["DispatchCode"] == self.number
        assert "Both modules, one by one" in dispatch["TroubleshootingNote"]

    def test_at_the_host_of_its_sandbox_dispatches_have_another_path(self, names: Names) -> None:
        host = Host("dell", self.options, "https://apigtwb2cnp.us.dell.com", allow_private=False)
        host.tokens.put("kept-token", datetime(2999, 1, 1, tzinfo=UTC))
        with pytest.raises(VendorError) as caught:
            list(host.adapter.read_cases([self.number]))
        assert caught.value.trouble is Trouble.UNREACHABLE
        assert names.asked[-1] == ("apigtwb2cnp.us.dell.com", 443)
        assert host.records[-1].url == "https://apigtwb2cnp.us.dell.com/Sandbox/support/dispatch/v3/service"

    # -- what came of it

    def open_trouble(self, host: Host) -> VendorError:
        with pytest.raises(VendorError) as caught:
            host.adapter.open_case(self.request)
        return caught.value

    def test_notes_without_a_code_are_a_refusal_whose_people_are_not_named(self, vendor_server: Recorded) -> None:
        error = self.open_trouble(self.answer(vendor_server, "open_refused"))
        assert (error.trouble, error.vendor_code) == (Trouble.REFUSED, "notes")
        assert error.detail == (
            "The customer is not valid for this branch. The primary contact person-7 has no valid phone number."
        )

    @pytest.mark.parametrize("status", [200, 400, 500])
    @pytest.mark.parametrize(
        ("faultcode", "faultstring", "at_open", "at_read"),
        [
            ("soap:Server", "---&gt; invalid login/password", Trouble.UNAUTHORISED, Trouble.UNAUTHORISED),
            ("soap:Server", "Missing parameters: Track", Trouble.REFUSED, Trouble.REFUSED),
            ("soap:Client.Schema", "cannot be read", Trouble.REFUSED, Trouble.REFUSED),
            ("soap:Server", "Timeout expired", Trouble.AMBIGUOUS, Trouble.UNREACHABLE),
            ("a:InternalServiceFault", "", Trouble.AMBIGUOUS, Trouble.UNREACHABLE),
        ],
    )
    def test_a_fault_is_a_definite_no_only_where_it_says_so(
        self,
        vendor_server: Recorded,
        *,
        status: int,
        faultcode: str,
        faultstring: str,
        at_open: Trouble,
        at_read: Trouble,
    ) -> None:
        body = self.recorded("open_fault")["response"]["body"]
        body = re.sub("<faultstring>.*</faultstring>", f"<faultstring>{faultstring}</faultstring>", body)
        body = body.replace("soap:Server", faultcode)
        vendor_server.plays(self.recorded("open_fault"), self.recorded("status_ok"), status=status, body=body)
        host = self.host(vendor_server.url)
        # A gateway that refuses the call (4xx) has not passed it on; an error hidden in an answer of 200 proves nothing.
        if at_open is Trouble.AMBIGUOUS and status != 500:
            at_open = at_read = Trouble.REFUSED if status == 400 else Trouble.MALFORMED
        error = self.open_trouble(host)
        assert error.trouble is at_open
        assert error.may_have_arrived is (at_open in {Trouble.AMBIGUOUS, Trouble.MALFORMED})
        assert error.vendor_code == f"fault {faultcode.rpartition(':')[2]}"
        assert host.gate.news == [None, error.trouble]
        assert self.read_trouble(host).trouble is at_read

    def read_trouble(self, host: Host) -> VendorError:
        with pytest.raises(VendorError) as caught:
            self.a_read(host.adapter)
        return caught.value

    def test_a_busy_gateway_is_throttled_whatever_the_fault_says(self, vendor_server: Recorded) -> None:
        error = self.open_trouble(self.answer(vendor_server, "open_fault", status=429, old="Server", new="Client"))
        assert error.trouble is Trouble.THROTTLED

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("<DispatchCode>SR999830477</DispatchCode>", "<DispatchCode>no code</DispatchCode>"),
            ("<DispatchCode>", "<DispatchCode>SR1</DispatchCode><DispatchCode>"),
            ("<DispatchCode>SR999830477</DispatchCode>", ""),
            ("DispatchCreateResult>", "SomethingElse>"),
            ("CreateDispatchResponse", "GetDispatchStatusResponse"),
            ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"),
            ('<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE x [<!ENTITY y "z">]>'),
        ],
    )
    def test_an_answer_that_does_not_name_one_dispatch_may_have_arrived(
        self, vendor_server: Recorded, old: str, new: str
    ) -> None:
        body = self.recorded("open_ok")["response"]["body"]
        assert old in body
        vendor_server.plays(self.recorded("open_ok"), body=body.replace(old, new))
        host = self.host(vendor_server.url)
        error = self.open_trouble(host)
        assert error.trouble is Trouble.MALFORMED
        assert error.may_have_arrived

    @pytest.mark.parametrize(
        "hint", ["<Result>Success", "<Status>PND</Status><Result>Oops", "<DispatchID>5D0B</DispatchID><Result>"]
    )
    def test_notes_beside_anything_of_a_dispatch_are_no_refusal(self, vendor_server: Recorded, hint: str) -> None:
        error = self.open_trouble(self.answer(vendor_server, "open_refused", old="<Result>ValidationError", new=hint))
        assert error.may_have_arrived

    def test_credentials_that_are_refused_in_a_note_are_the_accounts_trouble(self, vendor_server: Recorded) -> None:
        host = self.answer(
            vendor_server,
            "open_refused",
            old="The customer is not valid for this branch.",
            new="Invalid Login/Password",
        )
        assert self.open_trouble(host).trouble is Trouble.UNAUTHORISED

    def test_a_dispatch_that_exists_is_received_whatever_word_they_have_for_it(self, vendor_server: Recorded) -> None:
        host = self.answer(vendor_server, "open_ok", old="Request Submitted", new="QUANTUM QUEUE")
        case = host.adapter.open_case(self.request)
        assert (case.status, case.vendor_status) == (VendorStatus.RECEIVED, "QUANTUM QUEUE")

    def test_another_dispatch_than_the_one_submitted_again_proves_nothing(self, vendor_server: Recorded) -> None:
        host = self.answer(vendor_server, "resubmit_ok", old="SR999830477", new="SR999830478")
        with pytest.raises(VendorError) as caught:
            host.adapter.open_case(replace(self.request, vendor_case_number=self.number))
        assert caught.value.trouble is Trouble.MALFORMED

    # -- tracking

    def case(self, server: Recorded, name: str) -> VendorCase:
        server.plays(self.recorded(name))
        (case,) = self.host(server.url).adapter.read_cases([self.number])
        return case

    def test_a_dispatch_number_is_the_rma_number(self, vendor_server: Recorded) -> None:
        case = self.case(vendor_server, "status_shipped")
        assert (case.status, case.rma_number) == (VendorStatus.SHIPPED, "420000123")
        assert json.loads(case.raw)["Status"] == "Shipped Parts"

    def test_a_denial_comes_with_its_reason(self, vendor_server: Recorded) -> None:
        case = self.case(vendor_server, "status_denied")
        assert (case.status, case.rma_number) == (VendorStatus.DENIED, None)
        assert case.reason == "Not enough troubleshooting: which memory module was tried?"

    def test_their_words_are_read_in_any_case(self, vendor_server: Recorded) -> None:
        ours = {
            "Request Submitted": "received",
            "L2 Review": "under_review",
            "TAG/CUSTOMER MISMATCH": "under_review",
            "Pending Supervisor": "on_hold",
            "HOLD": "on_hold",
            "QUE": "approved",
            "Shipped Parts": "shipped",
            "Dispatch Denied": "denied",
            "START": "info_required",
            "Defective Part Received": "return_received",
            "Moved_to_Claims_Process": "closed",
            "FED": "unknown",
        }
        adapter = self.host(vendor_server.url).adapter
        for word in ours:
            self.answer(vendor_server, "status_ok", old="Parts Review", new=word.lower())
        read = [case for _ in ours for case in adapter.read_cases([self.number])]
        assert [(case.vendor_status, case.status) for case in read] == [(word.lower(), ours[word]) for word in ours]

    def test_every_word_of_the_vendors_list_is_in_the_table(self) -> None:
        words = """2H SBD|APJ Queue|BIL ERROR|CAR|Complete Care|HOLD|L2 Review|L2 DISPATCH|NBD|NON LATIN 1|NPO|Parts Review|
            Pending Supervisor|PND|Request Submitted|Request Resubmitted|Returned to Depot|SBD|SBD4|TAG/CUSTOMER MISMATCH|
            Issued|DSP|ORD|QUE|Shipped Parts|Dispatch Denied|Pending Request|Pending 2|START|Defective Part Received|
            Moved_to_Claims_Process|Claim Submitted|Parts Returned/Claim Submitted|CAD-Deferred|FED"""
        assert set(STATUSES) == {word.strip().casefold() for word in words.split("|")}

    def test_a_fault_about_one_dispatch_does_not_hide_the_others(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("status_fault"), self.recorded("status_none"), self.recorded("status_ok"))
        host = self.host(vendor_server.url)
        cases = list(host.adapter.read_cases(["SR1", "SR2", "not a code", "SR3", self.number]))  # SR3: another is named
        assert [case.vendor_case_number for case in cases] == [self.number]
        assert host.gate.entered == 4

    def test_an_outage_ends_the_reading(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("status_ok"), status=500, body="")
        host = self.host(vendor_server.url)
        with pytest.raises(VendorError):
            list(host.adapter.read_cases(["SR1", "SR2"]))
        assert host.gate.entered == 1

    def test_the_answer_about_another_dispatch_proves_nothing(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("status_ok"))
        with pytest.raises(VendorError, match="asked for SR1, answered with SR999830477") as caught:
            list(self.host(vendor_server.url).adapter.read_cases(["SR1"]))
        assert caught.value.trouble is Trouble.MALFORMED

    # -- candidates

    def candidates(self, host: Host, **changes: Any) -> list[VendorCase]:
        sent_at = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
        return list(host.adapter.candidates(replace(self.request, **{"first_sent_at": sent_at, **changes})))

    def test_what_was_created_since_just_before_the_attempt_is_proposed(self, vendor_server: Recorded) -> None:
        denied = self.recorded("status_denied")["response"]["body"]
        vendor_server.plays(self.recorded("bulk_ok"))
        vendor_server.plays(self.recorded("status_ok"), body=denied)
        vendor_server.plays(self.recorded("status_ok"), status=500, body="")
        one, other = self.candidates(self.host(vendor_server.url))
        assert (one.vendor_case_number, one.status, one.is_proposal) == (self.number, VendorStatus.DENIED, True)
        assert one.reason.startswith("Not enough troubleshooting")
        assert (other.vendor_case_number, other.status) == ("WO020221", VendorStatus.APPROVED)
        assert (other.rma_number, other.is_proposal) == ("420000200", True)
        (sent,) = vendor_server.sent_to(self.recorded("bulk_ok"))
        (asked,) = soap.inside(soap.content(sent.body), "BulkDispatchesInquiry", "BulkDispatchesInquiryRequest")
        assert list(asked) == ["Login", "Password", "CreatedFromDate", "InStatuses", "Scope"]
        assert asked["CreatedFromDate"] == "2026-11-24T09:55:30+00:00"

    def test_a_long_list_is_proposed_as_it_stands(self, vendor_server: Recorded) -> None:
        row = "<DispatchInquiryResult><Code>{}</Code><Status>PND</Status></DispatchInquiryResult>"
        rows = "".join(row.format(f"SR{number}") for number in range(11))
        old = re.search("<DispatchInquiryResult>.*</DispatchInquiryResult>", self.recorded("bulk_ok")["response"]["body"],
                        re.DOTALL)  # fmt: skip
        assert old is not None
        host = self.answer(
            vendor_server, "bulk_ok", old=old[0], new=f"<DispatchInquiryResult>{rows}</DispatchInquiryResult>"
        )
        assert [case.vendor_case_number for case in self.candidates(host)] == [f"SR{number}" for number in range(11)]
        assert host.gate.entered == 1

    def test_a_list_of_nothing_is_an_answer_and_a_row_without_a_code_is_none(self, vendor_server: Recorded) -> None:
        body = self.recorded("bulk_ok")["response"]["body"]
        nothing = re.sub(
            "<DispatchInquiryResult>.*</DispatchInquiryResult>", "<DispatchInquiryResult/>", body, flags=re.DOTALL
        )
        vendor_server.plays(self.recorded("bulk_ok"), body=nothing)
        vendor_server.plays(self.recorded("bulk_ok"), body=body.replace("<Code>WO020221</Code>", "<Code/>"))
        host = self.host(vendor_server.url)
        assert self.candidates(host) == []
        with pytest.raises(VendorError, match="without a code") as caught:
            self.candidates(host)
        assert caught.value.trouble is Trouble.MALFORMED

    def test_what_was_never_sent_has_no_candidates(self, vendor_server: Recorded) -> None:
        assert self.candidates(self.host(vendor_server.url), first_sent_at=None) == []
        assert vendor_server.received == []

    # -- parts

    def test_the_parts_of_a_tag_are_listed_with_the_pseudo_part_that_the_vendor_leaves_out(
        self, vendor_server: Recorded
    ) -> None:
        vendor_server.plays(self.recorded("parts_ok"))
        parts = self.host(vendor_server.url).adapter.parts_for(Unit("qx7t2k9"))
        assert [part.code for part in parts] == ["MBD", "HRD", "PWS", "CBL", "MEM", "MM2", "RTD"]
        assert parts[1] == VendorPart("HRD", "Storage, Hard Drive")
        (sent,) = vendor_server.sent_to(self.recorded("parts_ok"))
        (asked,) = soap.inside(soap.content(sent.body), "GetPartsbyServiceTag", "GetPartsbyServiceTag")
        assert asked["ServiceTag"] == "QX7T2K9"

    @pytest.mark.parametrize(
        ("component", "codes"),
        [("psu", ["PWS"]), ("mainboard", ["MBD"]), ("disk", ["HRD"]), ("memory", ["MEM", "MM2"]), ("fan", []),
         ("port", []), ("unit", [])],
    )  # fmt: skip
    def test_a_component_is_the_entry_that_names_it_and_no_cable_of_it(
        self, vendor_server: Recorded, component: str, codes: list[str]
    ) -> None:
        vendor_server.plays(self.recorded("parts_ok"))
        adapter = self.host(vendor_server.url).adapter
        assert [part.code for part in adapter.parts_of(component, adapter.parts_for(Unit("QX7T2K9")))] == codes

    # -- the account

    def test_an_account_that_opens_is_of_class_c_and_proposes(self) -> None:
        able = self.able(options={"return_days": "14"})
        assert (able.promise, able.settle_s, able.max_denials) == (Promise.C, 300.0, 3)
        assert (able.proposes, able.parts_list, able.lists_cases) == (True, True, False)
        assert able.requires == {Need.CONTACT, Need.SHIP_TO, Need.DIAGNOSIS, Need.PARTS}
        assert able.return_rule == ReturnRule(14, ReturnStart.SHIPMENT)
        assert self.able().return_rule is None

    def test_a_whole_unit_is_for_a_person_who_is_told_why(self) -> None:
        able = self.able()
        assert able.components == set(Component) - {Component.UNIT}
        by_hand = able.by_hand_for("unit")
        assert by_hand is not None
        assert by_hand.portal_url == "https://techdirect.dell.com"
        assert "by a support case" in by_hand.instructions
        assert able.by_hand_for("psu") is None

    @pytest.mark.parametrize(
        ("leave_out", "duties"),
        [
            (set(TECHNICIAN), {Duty.LOOKUP}),
            ({"branch", "customer", "track"}, {Duty.LOOKUP, Duty.TRACK}),
            (set(), set(Duty)),
        ],
    )
    def test_what_an_account_can_do_follows_from_what_it_has(self, leave_out: set[str], duties: set[Duty]) -> None:
        options = {name: value for name, value in self.options.items() if name not in leave_out}
        assert Host("dell", options, self.base_url).adapter.capabilities.duties == duties
        secrets = {name: value for name, value in options.items() if CANARY in value}
        given = {name: value for name, value in options.items() if CANARY not in value}
        assert check_options("dell", duties, secrets, given, base_url=None) == []

    def test_a_key_for_dispatches_alone_looks_nothing_up(self) -> None:
        assert self.able(options={"look_up": "false"}).duties == {Duty.OPEN, Duty.TRACK}

    @pytest.mark.parametrize("missing", ["client_secret", "technician_login", "technician_password", "customer"])
    def test_half_an_account_is_refused_by_name(self, missing: str) -> None:
        with pytest.raises(VendorError, match=missing):
            self.host(options={missing: ""})

    @pytest.mark.parametrize(
        ("old", "new", "trouble", "says"),
        [
            ("<Inactive>false", "<Inactive>true", Trouble.UNAUTHORISED, "is inactive"),
            ("<Locked>false", "<Locked>TRUE", Trouble.UNAUTHORISED, "is locked"),
            ("2999-01-24T00:00:00-05:00</Pass", "2026-01-24T00:00:00-05:00</Pass", Trouble.UNAUTHORISED,
             "expired on 2026-01-24"),
            ("<Track>Tier 1", "<Track>Tier 3", Trouble.REFUSED,
             r"\(Utrecht Depot / Some Client BV / Tier 1\) are none of .* Some Client BV / Tier 3; Utrecht Depot / Other"),
            ("RelationshipInfo>", "Other>", Trouble.REFUSED, "which are: none"),
        ],
    )  # fmt: skip
    def test_a_technician_who_cannot_dispatch_is_said_to_be_so(
        self, vendor_server: Recorded, *, old: str, new: str, trouble: Trouble, says: str
    ) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        with pytest.raises(VendorError, match=says) as caught:
            self.answer(vendor_server, "login_ok", old=old, new=new).adapter.check()
        assert caught.value.trouble is trouble

    @pytest.mark.parametrize("says", ["", "0001-01-01T00:00:00", "never"])
    def test_a_password_that_does_not_say_when_it_expires_has_not(self, vendor_server: Recorded, says: str) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        host = self.answer(vendor_server, "login_ok", old="2999-01-24T00:00:00-05:00", new=says)
        host.adapter.check()
        assert host.gate.news[-1] is None

    def test_an_account_that_only_tracks_needs_no_relationship(self, vendor_server: Recorded) -> None:
        vendor_server.plays(self.recorded("read_ok"))
        self.answer(vendor_server, "login_ok", old="RelationshipInfo>", new="Other>")
        host = self.host(vendor_server.url, options=dict.fromkeys(("branch", "customer", "track"), ""))
        host.adapter.check()
        assert host.gate.entered == 2


class TestDellsPromise(Promised):
    """Class C: at most one dispatch, and a person who is shown what may be it."""

    vendor = "dell"
    options = KEY | TECHNICIAN

    def claim(self, desk: Desk) -> None:
        """Order it with the part that the vendor lists for the component."""
        assert desk.twin is not None
        desk.twin.register({desk.serial: {}})
        self.report(desk, component="psu")
        desk.perform(OrderKind.PREPARE_RMA)

    @on_one_engine
    def test_a_claim_that_is_not_disturbed_carries_the_one_part_of_its_component(self, shared_runtime: Runtime) -> None:
        with self.at_twin(shared_runtime) as desk:
            desk.perform(OrderKind.SEND_RMA)

            assert desk.twin is not None
            (opened,) = desk.twin.opened
            assert opened["record"]["Parts"] == {"PWS": 1}
            assert desk.rma().vendor_case_number == opened["number"]
            assert desk.open_tasks() == {}


if SAMPLES:
    FILES = sorted(Path(SAMPLES, "vendor-responses").glob("dell-*.json"))

    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    def test_a_sample_answer_is_read_without_losing_a_line(file: Path) -> None:
        body = json.loads(file.read_text("utf-8"))
        with Recorded() as server:
            server.plays(recording("dell", "token_ok"))
            server.plays(recording("dell", "read_ok"), body=body)
            adapter = TestDell().host(server.url).adapter
            answers = list(adapter.look_up([Unit(record["serviceTag"]) for record in body]))
        for record, answer in zip(body, answers, strict=True):
            if record.get("invalid"):
                assert isinstance(answer, NotListed)
                assert answer.why is NotListedWhy.UNKNOWN
            else:
                assert isinstance(answer, Listed)
                assert len(answer.entitlements) + len(answer.left_out) == len(record["entitlements"])
                assert all(_spans_its_texts(line) for line in answer.entitlements)

    def test_the_oddities_of_the_samples_are_read_as_they_are_meant() -> None:
        bodies = {file.stem.removeprefix("dell-asset-"): json.loads(file.read_text("utf-8")) for file in FILES}
        with Recorded() as server:
            server.plays(recording("dell", "token_ok"))
            server.plays(recording("dell", "read_ok"), body=[record for body in bodies.values() for record in body])
            units = [Unit(body[0]["serviceTag"]) for body in bodies.values()]
            said = dict(zip(bodies, TestDell().host(server.url).adapter.look_up(units), strict=True))
        laptop, rack, nobody = said["entitlements"], said["server-two-entitlements"], said["invalid-tag"]
        assert isinstance(laptop, Listed)
        assert isinstance(rack, Listed)
        # 23:00Z is the next day in France; of the twins, which differ by milliseconds, none is lost.
        assert [(line.vendor_line, str(line.starts_on), line.ends_raw[-5:]) for line in laptop.entitlements] == [
            ("709-16269", "2020-10-19", ".087Z"),
            ("723-42453", "2020-10-19", ".236Z"),
            ("890-60793", "2020-10-30", ".099Z"),
            ("890-60794", "2020-10-30", ".136Z"),
        ]
        # A month of diagnosis beside years of support: neither has a code, so a person says what they are.
        assert [(line.name, str(line.ends_on), line.service_level) for line in rack.entitlements] == [
            ("Onsite Diagnosis", "2025-09-19", "unknown"),
            ("ProSupport", "2028-08-26", "unknown"),
        ]
        assert isinstance(nobody, NotListed)
        assert nobody.why is NotListedWhy.UNKNOWN

    def _spans_its_texts(line: Entitlement) -> bool:
        """Whether the days are those of the texts, give or take the zone."""
        starts, ends = date.fromisoformat(line.starts_raw[:10]), date.fromisoformat(line.ends_raw[:10])
        return (
            abs((line.starts_on - starts).days) <= 1
            and line.ends_on is not None
            and abs((line.ends_on - ends).days) <= 1
        )
