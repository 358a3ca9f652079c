"""Dell's look-up: the contract, and what is special about it. Source of the recordings: recorded/dell/SOURCES."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.vendors.contract import LooksUp
from tests.vendors.host import CANARY, Host
from tests.vendors.names import Names, names
from tests.vendors.replay import Recorded, recording
from vendors.contract import Entitlement, Listed, NotListed, NotListedWhy, Unit
from vendors.errors import Trouble, VendorError

__all__ = ["names"]

SAMPLES = os.environ.get("WARRANTY_SAMPLE_DATA")


class TestDell(LooksUp):
    """Look-ups of one account."""

    vendor = "dell"
    options = {"client_id": f"id-{CANARY}", "client_secret": f"secret-{CANARY}"}  # noqa: RUF012 -- never changed
    read = "read_ok"
    error_inside = "read_refused"
    token = "token_ok"
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
        host.adapter.check()
        host.adapter.check()
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

    def _spans_its_texts(line: Entitlement) -> bool:
        """Whether the days are those of the texts, give or take the zone."""
        starts, ends = date.fromisoformat(line.starts_raw[:10]), date.fromisoformat(line.ends_raw[:10])
        return (
            abs((line.starts_on - starts).days) <= 1
            and line.ends_on is not None
            and abs((line.ends_on - ends).days) <= 1
        )
