"""The twins: strict about requests, truthful about what they accepted, and as bad as they are told to be."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.vendors.host import REQUEST, Host
from tests.vendors.instance import large_instance
from tests.vendors.replay import RECORDED, Recorded
from vendors import soap
from vendors.contract import ComeBack, Listed, NotListed, Unit, VendorFile, VendorStatus
from vendors.errors import Trouble, VendorError
from vendors.sandbox import Twin, available
from vendors.sandbox.dell import RELATIONSHIPS
from vendors.sandbox.servicenow import STATE_MAP
from vendors.signatures import verify_signature
from warranty.config import load

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "/api/now/table/incident"
TAGS = "/PROD/sbil/eapi/v5/asset-entitlements"
AUTH = ("tester", "any password")
TIMEOUT_S = 5


@pytest.fixture
def twin() -> Iterator[Twin]:
    with Twin() as playing:
        yield playing


def servicenow(twin: Twin, **calls: Any) -> Host:
    options = {"username": "tester", "password": "any password", "state_map": json.dumps(STATE_MAP)}
    return Host("servicenow", options, twin.url, **calls)


def dell(twin: Twin, **calls: Any) -> Host:
    return Host("dell", {"client_id": "some-id", "client_secret": "some-secret"}, twin.url, **calls)


def trouble(host: Host, **calls: Any) -> Trouble:
    with pytest.raises(VendorError) as caught:
        host.adapter.open_case(REQUEST)
    return caught.value.trouble


def control(twin: Twin, path: str, body: Any) -> requests.Response:
    return requests.post(f"{twin.url}/_sandbox/{path}", json=body, timeout=TIMEOUT_S)


# -- truthful


def test_every_twin_plays_on_one_port() -> None:
    assert set(available()) >= {"dell", "servicenow"}
    with Twin() as twin:
        dell(twin).adapter.check()
        servicenow(twin).adapter.check()


def test_a_claim_walks_from_open_to_approved(twin: Twin) -> None:
    adapter = servicenow(twin).adapter
    assert adapter.find_case(REQUEST) is None
    opened = adapter.open_case(REQUEST)
    assert (opened.vendor_case_number, opened.status) == ("INC0010001", VendorStatus.RECEIVED)
    twin.move("INC0010001", state="approved")
    (read,) = adapter.read_cases(["INC0010001"])
    assert (read.status, read.rma_number) == (VendorStatus.APPROVED, "INC0010001")
    (listed,) = adapter.list_cases(datetime.now(UTC) - timedelta(minutes=1))
    assert listed == read
    assert [(one["number"], one["reference"]) for one in twin.opened] == [("INC0010001", "FAULT-000412")]


def test_a_listing_that_is_resumed_far_into_a_large_instance_is_there_in_a_few_calls(tmp_path: Path) -> None:
    many, left = 6_000, 250
    begun = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    large_instance(tmp_path / "ledger", [begun + timedelta(seconds=second) for second in range(many)])
    since = begun + timedelta(seconds=many - left)
    with Twin("servicenow", ledger_file=tmp_path / "ledger") as large:
        host = servicenow(large)
        listed = [case.opened_at for case in host.adapter.list_cases(since)]
        assert listed == [since + timedelta(seconds=second) for second in range(left)]
        assert host.gate.entered <= 20


def test_a_large_instance_that_was_never_listed_is_listed_whole_and_in_order(tmp_path: Path) -> None:
    begun = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    large_instance(tmp_path / "ledger", [begun + timedelta(seconds=place // 150) for place in range(1_000)])
    with Twin("servicenow", ledger_file=tmp_path / "ledger") as large:
        numbers = [case.vendor_case_number for case in servicenow(large).adapter.list_cases(begun)]
        assert numbers == [f"INC{10001 + place:07d}" for place in range(1_000)]
        late = servicenow(large).adapter.list_cases(begun + timedelta(seconds=6))
        assert [case.vendor_case_number for case in late] == numbers[900:]


def test_approval_gives_the_rma_number_a_column_of_its_own(twin: Twin) -> None:
    servicenow(twin).adapter.open_case(REQUEST)
    assert twin.move("INC0010001", state="21")["u_rma_number"] == "RMA0010001"
    assert twin.move("INC0010001", state="denied", close_notes="after inspection")["u_rma_number"] == "RMA0010001"
    assert twin.move("INC0010001", comments="still")["state"] == "24"


def test_a_case_approves_itself_after_a_while(twin: Twin) -> None:
    twin.behave(auto_approve_s=1.0)
    adapter = servicenow(twin).adapter
    opened = adapter.open_case(REQUEST)
    assert adapter.find_case(REQUEST) == opened
    time.sleep(1.05)
    (read,) = adapter.read_cases(["INC0010001"])
    assert read.status is VendorStatus.APPROVED
    sys_id = twin.opened[0]["record"]["sys_id"]
    answer = requests.get(f"{twin.url}{TABLE}/{sys_id}", auth=AUTH, timeout=TIMEOUT_S)
    assert answer.json()["result"]["state"] == "20"


def test_notes_and_files_reach_the_case(twin: Twin) -> None:
    adapter = servicenow(twin).adapter
    adapter.open_case(REQUEST)
    led = VendorFile("led.jpg", "image/jpeg", b"1234")
    assert not adapter.has_file("INC0010001", led)
    adapter.add_note("INC0010001", "The courier was refused.")
    twin.move("INC0010001", comments="At which gate?")
    adapter.attach("INC0010001", led)
    written = [("The courier was refused.", "***"), ("At which gate?", "vendor.agent")]
    assert [(note.text, note.author) for note in adapter.notes_of("INC0010001")] == written
    (read,) = adapter.read_cases(["INC0010001"])
    assert read.notes == tuple(adapter.notes_of("INC0010001"))
    assert adapter.has_file("INC0010001", led)
    assert not adapter.has_file("INC0010001", replace(led, content=b"12345"))
    assert [entry["event"] for entry in twin.ledger] == ["opened", "noted", "noted", "moved", "attached"]


def test_a_case_is_pushed_as_the_adapter_reads_it(twin: Twin) -> None:
    adapter = servicenow(twin).adapter
    adapter.open_case(REQUEST)
    twin.move("INC0010001", state="approved", comments="It leaves today.")
    with Recorded() as ours:
        ours.plays({"request": {"method": "POST", "path": "/hook"}, "response": {"status": 202, "body": ""}})
        to = {"url": f"{ours.url}/hook", "secret": "whsec_bXkgc2VjcmV0"}
        assert control(twin, "cases/INC0010001/push", to).json() == {"status": 202}
        assert twin.push("INC0010001", **to, delivery="msg_1") == 202
    first, second = ours.received
    assert verify_signature("servicenow", to["secret"], dict(first.headers), first.body) != "msg_1"
    assert verify_signature("servicenow", to["secret"], dict(second.headers), second.body) == "msg_1"
    (read,) = adapter.read_cases(["INC0010001"])
    (pushed,) = adapter.parse_webhook(second.body)
    assert replace(pushed, raw="") == replace(read, raw="")
    with pytest.raises(ValueError, match="cannot be called"):
        twin.push("INC0010001", "http://127.0.0.1:9/hook", to["secret"])


def test_the_same_claim_sent_twice_makes_two_cases_and_the_search_shows_it(twin: Twin) -> None:
    adapter = servicenow(twin).adapter
    adapter.open_case(REQUEST)
    adapter.open_case(REQUEST)
    found = adapter.find_case(REQUEST)
    assert found is not None
    assert (found.vendor_case_number, found.duplicates) == ("INC0010001", ("INC0010002",))


def test_many_clients_at_once_get_a_number_each(twin: Twin) -> None:
    adapters = [servicenow(twin).adapter for _ in range(8)]

    def five(adapter: Any) -> list[str | None]:
        return [adapter.open_case(REQUEST).vendor_case_number for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        numbers = [number for some in pool.map(five, adapters) for number in some]
    assert len(set(numbers)) == 40
    assert [entry["seq"] for entry in twin.ledger] == list(range(1, 41))


def test_a_registered_tag_is_listed_and_any_other_is_unknown(twin: Twin, tmp_path: Path) -> None:
    file = tmp_path / "tags.json"
    rows = [{"code": "NU", "type": "EXTENDED", "starts_on": "2024-01-01", "ends_on": "2027-01-01"}]
    record = {"countryCode": "NL", "time_zone": "Europe/Amsterdam", "systemDescription": "Server", "entitlements": rows}
    file.write_text(json.dumps({"qx7t2k9": record, "BARE": {}}), "utf-8")
    twin.register(file)
    units = [Unit("QX7T2K9"), Unit("BARE"), Unit("ZZZ")]
    answers = {
        one.unit.serial_number: one for one in dell(twin).adapter.look_up(units) if not isinstance(one, ComeBack)
    }
    listed, bare = answers["QX7T2K9"], answers["BARE"]
    assert isinstance(listed, Listed)
    assert isinstance(bare, Listed)
    assert isinstance(answers["ZZZ"], NotListed)
    (line,) = listed.entitlements
    assert (line.starts_on, line.ends_on) == (date(2024, 1, 1), date(2027, 1, 1))
    assert (line.kind, line.service_level) == ("vendor_contract", "next_business_day")
    assert bare.entitlements == ()


def test_a_tag_can_be_registered_in_the_vendors_own_form(twin: Twin) -> None:
    row = {"itemNumber": "1-1", "startDate": None, "endDate": None, "serviceLevelCode": "ND"}
    twin.register({"ODD0001": {"entitlements": [row]}}, vendor="dell")
    (answer,) = dell(twin).adapter.look_up([Unit("ODD0001")])
    assert isinstance(answer, Listed)
    assert answer.left_out == ("1-1 ND: without a start or an end",)


# -- misbehaving


@pytest.mark.parametrize(
    ("word", "expected", "accepted"),
    [
        ("ok", None, 1),
        ("error_before", Trouble.AMBIGUOUS, 0),
        ("drop_before", Trouble.AMBIGUOUS, 0),
        ("throttle", Trouble.THROTTLED, 0),
        ("error_after_accept", Trouble.AMBIGUOUS, 1),
        ("drop_after_accept", Trouble.AMBIGUOUS, 1),
        ("garbage", Trouble.MALFORMED, 1),
        ("accept_then_slow", Trouble.AMBIGUOUS, 1),
    ],
)
def test_the_next_open_does_what_the_script_says(
    twin: Twin, word: str, expected: Trouble | None, accepted: int
) -> None:
    twin.behave(vendor="servicenow", next_opens=[word, "ok"], slow_s=2.0)
    host = servicenow(twin, timeout_s=1.0)
    if expected is None:
        host.adapter.open_case(REQUEST)
    else:
        assert trouble(host) is expected
    assert len(twin.opened) == accepted
    servicenow(twin).adapter.open_case(REQUEST)
    assert len(twin.opened) == accepted + 1


def test_an_open_may_be_accepted_long_after_we_gave_up(twin: Twin) -> None:
    twin.behave(next_opens=["slow_then_accept"], slow_s=1.5)
    assert trouble(servicenow(twin, timeout_s=0.2)) is Trouble.AMBIGUOUS
    assert twin.opened == []
    deadline = time.monotonic() + 5
    while not twin.opened and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(twin.opened) == 1


@pytest.mark.parametrize(
    "rate",
    ["error_before", "drop_before", "error_after_accept", "drop_after_accept", "accept_then_slow", "slow_then_accept",
     "throttle", "garbage", "fault_rate"],
)  # fmt: skip
def test_a_rate_of_one_disturbs_every_open(twin: Twin, rate: str) -> None:
    twin.behave(None, **{rate: 1.0}, slow_s=0.6)
    host = servicenow(twin, timeout_s=0.3)
    for _ in range(2):
        trouble(host)


def test_a_rate_disturbs_its_share_of_the_calls_and_a_seed_repeats_them() -> None:
    def story(seed: int) -> list[bool]:
        with Twin("servicenow", seed=seed, drop_after_accept=0.4) as twin:
            host = servicenow(twin)
            outcomes = []
            for _ in range(30):
                try:
                    host.adapter.open_case(REQUEST)
                    outcomes.append(True)
                except VendorError:
                    outcomes.append(False)
            assert len(twin.opened) == 30
            return outcomes

    first = story(7)
    assert 0 < first.count(False) < 30
    assert first == story(7)
    assert first != story(8)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("error_before", Trouble.UNREACHABLE), ("drop_before", Trouble.UNREACHABLE), ("throttle", Trouble.THROTTLED),
     ("garbage", Trouble.MALFORMED)],
)  # fmt: skip
def test_the_next_reads_do_what_the_script_says(twin: Twin, word: str, expected: Trouble) -> None:
    twin.behave(next_reads=[word] * 3)
    for host in (servicenow(twin), dell(twin)):
        with pytest.raises(VendorError) as caught:
            host.adapter.check()
        assert caught.value.trouble is expected
    # A look-up is repeated twice where that may help, and then has eaten the script.
    if word in {"error_before", "drop_before"}:
        servicenow(twin).adapter.check()


@pytest.mark.parametrize("rate", ["lookup_error_rate", "fault_rate", "throttle", "garbage"])
def test_a_rate_of_one_disturbs_every_read(twin: Twin, rate: str) -> None:
    twin.behave(None, **{rate: 1.0}, retry_after_s=3)
    with pytest.raises(VendorError) as caught:
        servicenow(twin).adapter.check()
    assert caught.value.retry_after_s == (3.0 if rate == "throttle" else None)


def test_a_search_sees_a_case_only_after_the_lag(twin: Twin) -> None:
    twin.behave(lookup_lag=1.0)
    adapter = servicenow(twin).adapter
    adapter.open_case(REQUEST)
    assert adapter.find_case(REQUEST) is None
    time.sleep(1.05)
    assert adapter.find_case(REQUEST) is not None


def test_one_vendor_can_be_down_while_the_other_answers(twin: Twin) -> None:
    twin.behave(vendor="servicenow", down=True)
    assert trouble(servicenow(twin)) is Trouble.AMBIGUOUS
    dell(twin).adapter.check()
    twin.behave(vendor="servicenow", down=False)
    servicenow(twin).adapter.open_case(REQUEST)


def test_a_vendor_that_keeps_keys_makes_one_case_of_a_claim_that_comes_twice(twin: Twin) -> None:
    first = servicenow(twin).adapter.open_case(REQUEST)
    assert servicenow(twin).adapter.open_case(REQUEST) != first

    twin.behave(vendor="servicenow", keeps_keys=True)
    kept = servicenow(twin).adapter.open_case(REQUEST)
    assert servicenow(twin).adapter.open_case(REQUEST) == kept
    other = servicenow(twin).adapter.open_case(replace(REQUEST, client_reference="WR-OTHER"))
    assert other.vendor_case_number != kept.vendor_case_number
    assert len(twin.opened) == 4


def test_what_a_vendor_did_wrong_is_counted(twin: Twin) -> None:
    twin.behave(vendor="servicenow", next_opens=["drop_before", "ok"], next_reads=["error_before"])
    for _ in range(2):
        with suppress(VendorError):
            servicenow(twin).adapter.open_case(REQUEST)
    with suppress(VendorError):
        servicenow(twin).adapter.check()

    assert twin.misbehaved == {"drop_before": 1, "error_before": 1}


def test_every_answer_can_be_late(twin: Twin) -> None:
    twin.behave(latency=0.2)
    started = time.monotonic()
    servicenow(twin).adapter.check()
    assert time.monotonic() - started >= 0.2


def test_tokens_expire_and_can_be_taken_back(twin: Twin) -> None:
    host = dell(twin)
    host.adapter.check()
    twin.forget_tokens()
    host.adapter.check()
    assert host.tokens.forgotten == 1
    twin.behave(token_lifetime_s=1.0)
    assert control(twin, "tokens", {}).json() == {"tokens": 0}
    host.adapter.check()
    time.sleep(1.0)
    host.adapter.check()  # expired by our own clock: replaced before it is sent
    assert host.tokens.forgotten == 2


def test_an_oauth_client_works_at_the_instance_too(twin: Twin) -> None:
    host = Host("servicenow", {"client_id": "some-id", "client_secret": "some-secret"}, twin.url)
    assert host.adapter.check() is None  # a refusal raises


def test_only_the_given_credentials_are_accepted_where_some_are_given() -> None:
    with Twin(credentials=("tester", "right-one")) as twin:
        right = {"username": "tester", "password": "right-one"}
        Host("servicenow", right, twin.url).adapter.check()
        for vendor, options in (
            ("servicenow", {**right, "password": "wrong-one"}),
            ("servicenow", {"client_id": "tester", "client_secret": "wrong-one"}),
            ("dell", {"client_id": "tester", "client_secret": "wrong-one"}),
        ):
            with pytest.raises(VendorError) as caught:
                Host(vendor, options, twin.url).adapter.check()
            assert caught.value.trouble is Trouble.UNAUTHORISED


# -- strict


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"json": {"short_description": "x", "shoe_size": "44"}}, "unknown field shoe_size"),
        ({"json": {"short_description": "x", "number": "INC1"}}, "unknown field number"),
        ({"json": {"short_description": ""}}, "mandatory"),
        ({"json": {"short_description": "x" * 161}}, "160"),
        ({"json": {"short_description": "x", "impact": "4"}}, "1 to 3"),
        ({"json": {"short_description": "x", "impact": 1}}, "object of texts"),
        ({"json": ["x"]}, "object of texts"),
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, "object of texts"),
        ({"data": "a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, "as JSON"),
        ({"json": {"short_description": "x"}, "params": {"a": "b"}}, "without parameters"),
    ],
)
def test_a_record_that_the_page_does_not_know_is_refused(twin: Twin, changes: dict[str, Any], says: str) -> None:
    answer = requests.post(f"{twin.url}{TABLE}", auth=AUTH, timeout=TIMEOUT_S, **changes)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert twin.ledger == []


@pytest.mark.parametrize(
    "params",
    [
        {"sysparm_limit": "1", "limit": "1"},
        {"sysparm_query": "number=1"},
        {"sysparm_limit": "x"},
        {"sysparm_limit": "1", "sysparm_query": "shoe_size=44"},
        {"sysparm_limit": "1", "sysparm_query": "ORDERBYshoe_size"},
        {"sysparm_limit": "1", "sysparm_query": "number"},
    ],
)
def test_a_query_that_is_none_is_refused(twin: Twin, params: dict[str, str]) -> None:
    answer = requests.get(f"{twin.url}{TABLE}", auth=AUTH, params=params, timeout=TIMEOUT_S)
    assert answer.status_code == 400
    assert answer.json()["status"] == "failure"


def test_a_record_or_file_of_nothing_is_not_found(twin: Twin) -> None:
    where = {"table_name": "incident", "table_sys_id": "none", "file_name": "x"}
    file_url = f"{twin.url}/api/now/attachment/file"
    servicenow(twin).adapter.open_case(REQUEST)
    sys_id = twin.opened[0]["record"]["sys_id"]
    session = requests.Session()
    session.auth = AUTH
    statuses = [
        session.get(f"{twin.url}{TABLE}/none", timeout=TIMEOUT_S).status_code,
        session.patch(f"{twin.url}{TABLE}/none", json={"comments": "x"}, timeout=TIMEOUT_S).status_code,
        session.patch(f"{twin.url}{TABLE}/{sys_id}", json={"state": "7"}, timeout=TIMEOUT_S).status_code,
        session.post(file_url, params=where, timeout=TIMEOUT_S).status_code,
        session.post(file_url, params={"file_name": "x"}, timeout=TIMEOUT_S).status_code,
        session.post(file_url, params=where | {"table_sys_id": sys_id}, data=b"x", timeout=TIMEOUT_S).status_code,
        session.get(f"{twin.url}/api/now/table/other", timeout=TIMEOUT_S).status_code,
    ]
    assert statuses == [404, 404, 400, 404, 400, 400, 404]


@pytest.mark.parametrize(("size", "status"), [(0, 413), (18 * 1024 * 1024, 201), (18 * 1024 * 1024 + 1, 413)])
def test_a_file_that_is_too_large_is_refused(twin: Twin, size: int, status: int) -> None:
    servicenow(twin).adapter.open_case(REQUEST)
    sys_id = twin.opened[0]["record"]["sys_id"]
    where = {"table_name": "incident", "table_sys_id": sys_id, "file_name": "log.txt"}
    answer = requests.post(
        f"{twin.url}/api/now/attachment/file",
        params=where,
        data=bytes(size),
        headers={"Content-Type": "text/plain"},
        auth=AUTH,
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == status
    assert ("bytes" in answer.text) is True
    assert len(twin.ledger) == (2 if status == 201 else 1)


@pytest.mark.parametrize("header", [None, "Bearer none", "Basic", "Basic !!!", "Basic dTo=", "Digest x"])
def test_nobody_reads_without_credentials(twin: Twin, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    for path in (f"{TABLE}?sysparm_limit=1", f"{TAGS}?servicetags=A"):
        assert requests.get(f"{twin.url}{path}", headers=headers, timeout=TIMEOUT_S).status_code == 401


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "exactly one parameter"),
        ("?servicetags=A&x=1", "exactly one parameter"),
        ("?servicetags=A&servicetags=B", "exactly one parameter"),
        (f"?servicetags={','.join(['A'] * 101)}", "at most 100"),
        ("?servicetags=A,,B", "not a service tag"),
    ],
)
def test_a_look_up_that_the_page_does_not_know_is_refused(twin: Twin, query: str, says: str) -> None:
    host = dell(twin)
    host.adapter.check()
    assert host.tokens.kept is not None
    headers = {"Authorization": f"Bearer {host.tokens.kept[0]}"}
    answer = requests.get(f"{twin.url}{TAGS}{query}", headers=headers, timeout=TIMEOUT_S)
    assert answer.status_code == 400
    assert says in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}}, 200),
        ({"data": {"grant_type": "client_credentials", "client_id": "a"}}, 401),
        ({"data": {"grant_type": "password"}}, 400),
        ({"data": {"grant_type": "client_credentials", "shoe_size": "44"}}, 400),
        ({"json": {"grant_type": "client_credentials"}}, 400),
    ],
)
def test_a_token_is_asked_for_by_form(twin: Twin, sent: dict[str, Any], status: int) -> None:
    answer = requests.post(f"{twin.url}/auth/oauth/v2/token", timeout=TIMEOUT_S, **sent)
    assert answer.status_code == status


# -- Dell's dispatches


TECHNICIAN = dict(zip(("branch", "customer", "track"), RELATIONSHIPS[0], strict=True)) | {
    "technician_login": "tech@msp.example",
    "technician_password": "any password",
}
DISPATCH = replace(REQUEST, unit=Unit("QX7T2K9"), component="psu", parts=("PWS",))
SERVICE = "/PROD/support/dispatch/v3/service"


def dispatching(twin: Twin, *, calls: dict[str, Any] | None = None, **options: str) -> Host:
    twin.register({"QX7T2K9": {}}, vendor="dell")
    key = {"client_id": "some-id", "client_secret": "some-secret"}
    return Host("dell", key | TECHNICIAN | options, twin.url, **(calls or {}))


def test_a_dispatch_walks_from_submitted_to_shipped_and_is_found_among_what_was_created_since(twin: Twin) -> None:
    host = dispatching(twin)
    host.adapter.check()
    parts = host.adapter.parts_for(DISPATCH.unit)
    (power,) = host.adapter.parts_of("psu", parts)
    photo = VendorFile("led.jpg", "image/jpeg", b"1234")
    sent_at = datetime.now(UTC)
    opened = host.adapter.open_case(replace(DISPATCH, parts=(power.code,), files=(photo,)))
    assert (opened.vendor_case_number, opened.status) == ("SR900000001", VendorStatus.RECEIVED)
    (entry,) = twin.opened
    assert (entry["reference"], entry["record"]["Parts"], entry["record"]["Files"]) == (
        "FAULT-000412",
        {"PWS": 1},
        {"led.jpg": 4},
    )
    (candidate,) = host.adapter.candidates(replace(DISPATCH, first_sent_at=sent_at))
    assert (candidate.vendor_case_number, candidate.is_proposal) == ("SR900000001", True)
    assert host.adapter.candidates(replace(DISPATCH, first_sent_at=sent_at + timedelta(hours=1))) == ()
    assert twin.move("SR900000001", state="shipped")["DPSNumber"] == "420000001"
    (read,) = host.adapter.read_cases(["SR900000001", "SR1"])
    assert (read.status, read.rma_number) == (VendorStatus.SHIPPED, "420000001")


def test_a_dispatch_approves_itself_after_a_while_and_is_seen_only_after_the_lag(twin: Twin) -> None:
    adapter = dispatching(twin).adapter
    adapter.open_case(DISPATCH)
    twin.behave(lookup_lag=60)
    assert list(adapter.read_cases(["SR900000001"])) == []
    twin.behave(lookup_lag=0, auto_approve_s=0)
    (read,) = adapter.read_cases(["SR900000001"])
    assert (read.status, read.vendor_status, read.rma_number) == (VendorStatus.APPROVED, "DSP", "420000001")


def test_three_denials_end_a_dispatch_also_over_a_restart(tmp_path: Path) -> None:
    ledger, again = tmp_path / "ledger.jsonl", replace(DISPATCH, vendor_case_number="SR900000001")
    with Twin("dell", ledger_file=ledger) as twin:
        adapter = dispatching(twin).adapter
        adapter.open_case(DISPATCH)
        with pytest.raises(VendorError, match="not a denied request"):
            adapter.open_case(again)
        for _ in range(2):
            twin.move("SR900000001", status="Dispatch Denied", OrderDeniedReason="Which module?")
            (read,) = adapter.read_cases(["SR900000001"])
            assert (read.status, read.reason) == (VendorStatus.DENIED, "Which module?")
            assert adapter.open_case(again).vendor_status == "Request Resubmitted"
        twin.move("SR900000001", status="denied")
    with Twin("dell", ledger_file=ledger) as twin:
        with pytest.raises(VendorError, match="denied three times") as caught:
            dispatching(twin).adapter.open_case(again)
        assert caught.value.trouble is Trouble.REFUSED
        assert len(twin.opened) == 1
        with pytest.raises(ValueError, match="unknown status flying"):
            twin.move("SR900000001", status="flying")
        with pytest.raises(ValueError, match="unknown column shoe_size"):
            twin.move("SR900000001", shoe_size="44")


@pytest.mark.parametrize(
    ("word", "expected", "accepted"),
    [
        ("error_before", Trouble.AMBIGUOUS, 0),
        ("throttle", Trouble.THROTTLED, 0),
        ("error_after_accept", Trouble.AMBIGUOUS, 1),
        ("drop_after_accept", Trouble.AMBIGUOUS, 1),
        ("garbage", Trouble.MALFORMED, 1),
    ],
)
def test_a_dispatch_that_is_disturbed_may_have_arrived(twin: Twin, word: str, expected: Trouble, accepted: int) -> None:
    host = dispatching(twin)
    twin.behave(next_opens=[word])
    with pytest.raises(VendorError) as caught:
        host.adapter.open_case(DISPATCH)
    assert (caught.value.trouble, caught.value.may_have_arrived) == (expected, True)
    assert len(twin.opened) == accepted
    assert len(host.adapter.candidates(replace(DISPATCH, first_sent_at=datetime.now(UTC)))) == accepted


@pytest.mark.parametrize(
    ("options", "changes", "expected", "says"),
    [
        ({"technician_password": "wrong"}, {}, Trouble.UNAUTHORISED, "Invalid Login/Password"),
        ({"track": "Tier 9"}, {}, Trouble.REFUSED, "not valid for this branch"),
        ({}, {"unit": Unit("NOSUCH1")}, Trouble.REFUSED, "NOSUCH1 is not a valid service tag"),
        ({}, {"parts": ("XYZ",)}, Trouble.REFUSED, "XYZ is not a valid part"),
    ],
)
def test_a_dispatch_that_the_vendor_refuses_was_never_opened(
    twin: Twin, options: dict[str, str], changes: dict[str, Any], expected: Trouble, says: str
) -> None:
    with pytest.raises(VendorError, match=says) as caught:
        dispatching(twin, **options).adapter.open_case(replace(DISPATCH, **changes))
    assert caught.value.trouble is expected
    assert twin.opened == []


@pytest.mark.parametrize("login", ["inactive@msp.example", "locked@msp.example", "expired@msp.example"])
def test_a_technician_is_what_the_login_says(twin: Twin, login: str) -> None:
    with pytest.raises(VendorError, match=f"technician of this account .*{login[:6]}") as caught:
        dispatching(twin, technician_login=login).adapter.check()
    assert caught.value.trouble is Trouble.UNAUTHORISED


GOOD = (RECORDED / "dell" / "open_request.xml").read_text("utf-8")
PART = "<api:PartInfo><api:PartNumber>PWS</api:PartNumber><api:Quanitity>1</api:Quanitity></api:PartInfo>"
FILE = "<api:Attachments><api:AttachmentInfo><api:FileName>x</api:FileName><api:Data>!</api:Data></api:AttachmentInfo></api:Attachments>"
STRICT = [
    ("api:Quanitity>", "api:Quantity>", "unknown element"),
    ("</api:Branch>", "</api:Branch><api:ShoeSize>44</api:ShoeSize>", "unknown element"),
    ("api:TechEmail>", "TechEmail>", "unknown element TechEmail"),
    ("</api:Track>", "</api:Track><api:Branch>B</api:Branch>", "Branch is not where it belongs"),
    ("</api:Track>", "</api:Track><api:Track>T</api:Track>", "Track is not where it belongs"),
    ("FAULT-000412", "<api:x/>", "holds a text"),
    ("QX7T2K9", "", "Missing parameters: ServiceTag"),
    ("tech@msp.example</api:Login>", "</api:Login>", "Missing parameters: Login"),
    (">false</api:RequestReturnToDepot>", ">False</api:RequestReturnToDepot>", "true or false"),
    (">1</api:Quanitity>", ">one</api:Quanitity>", "is a number"),
    (">1</api:Quanitity>", ">5</api:Quanitity>", "limited to 4 parts"),
    ("<api:Parts>", f"<api:Parts>{PART}", "each listed once"),
    ("no longer spins up", "x" * 1001, "limited to 1000 characters"),
    ("<api:CountryISOCode>", "<api:AddressBookName>HQ</api:AddressBookName><api:CountryISOCode>", "not allowed beside"),
    ("Keizersgracht 1", "", "Missing parameters: CountryISOCode, City or AddressLine1"),
    ("</api:Parts>", f"</api:Parts>{FILE}", "not base64"),
    ("http://api.dell.com", "http://api.dell.com/v3", "the request has no"),
    ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope", "the request has no"),
    ("<soapenv:Header/>", "<soapenv:Header>", "cannot be read"),
    ('<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE x>", "cannot be read"),
]  # fmt: skip


def test_a_dispatch_that_the_page_does_not_know_is_refused(twin: Twin) -> None:
    host = dispatching(twin)
    host.adapter.check()
    token = host.tokens.kept[0] if host.tokens.kept else ""
    headers = {"Content-Type": "text/xml", "SOAPAction": "http://api.dell.com/IDispatchService/CreateDispatch"}

    def said(body: str, path: str = SERVICE, **changed: str) -> str:
        sent = headers | {"Authorization": f"Bearer {token}"} | changed
        return requests.post(f"{twin.url}{path}", body.encode(), headers=sent, timeout=TIMEOUT_S).text

    for old, new, says in STRICT:
        assert old in GOOD
        assert says in said(GOOD.replace(old, new))
    assert "a known SOAPAction" in said(GOOD, SOAPAction="http://api.dell.com/IDispatchService/Dance")
    assert "a known SOAPAction" in said(GOOD, **{"Content-Type": "application/soap+xml"})
    assert "Access token is missing" in said(GOOD, Authorization="Bearer none")
    assert twin.opened == []
    assert "SR900000001" in said(GOOD, path="/Sandbox/support/dispatch/v3/service")
    login = (("Login", "tech@msp.example"), ("Password", "any password"))
    for since, scope in (("yesterday", "All"), ("2026-11-24T10:00:00", "All"), ("2026-11-24T10:00:00+00:00", "One")):
        fields = (*login, ("CreatedFromDate", since), ("Scope", scope))
        body = soap.envelope(
            "http://api.dell.com", (("BulkDispatchesInquiry", (("BulkDispatchesInquiryRequest", fields),)),)
        )
        assert "CreatedFromDate" in said(body, SOAPAction="http://api.dell.com/IDispatchService/BulkDispatchesInquiry")


def test_the_parts_of_an_unknown_tag_are_refused(twin: Twin) -> None:
    with pytest.raises(VendorError, match="NOSUCH1 is not a valid service tag"):
        dispatching(twin).adapter.parts_for(Unit("NOSUCH1"))


# -- control, memory, life


def test_control_over_http_does_what_control_from_python_does(twin: Twin) -> None:
    assert (
        control(twin, "behaviour", {"vendor": "servicenow", "fault_rate": 0.5}).json()["servicenow"]["fault_rate"]
        == 0.5
    )
    behaviour = requests.get(f"{twin.url}/_sandbox/behaviour", timeout=TIMEOUT_S).json()
    assert (behaviour["dell"]["fault_rate"], behaviour["servicenow"]["fault_rate"]) == (0.0, 0.5)
    control(twin, "behaviour", {"fault_rate": 0})
    assert control(twin, "tags", {"ab1": {}}).json() == {"registered": ["ab1"]}
    servicenow(twin).adapter.open_case(REQUEST)
    assert control(twin, "cases/INC0010001", {"state": "shipped"}).json()["state"] == "21"
    for vendor, events in (("dell", ["registered"]), ("servicenow", ["opened", "moved"])):
        ledger = requests.get(f"{twin.url}/_sandbox/ledger?vendor={vendor}", timeout=TIMEOUT_S).json()
        assert [entry["event"] for entry in ledger] == events
    assert requests.get(f"{twin.url}/_sandbox/ledger", timeout=TIMEOUT_S).json() == twin.ledger


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("behaviour", {"kindness": 1}, 400, "no such behaviour: kindness; there are fault_rate"),
        ("behaviour", {"down": 1}, 400, "down must be true or false"),
        ("behaviour", {"latency": True}, 400, "latency must be a number"),
        ("behaviour", {"latency": "1"}, 400, "latency must be a number"),
        ("behaviour", {"next_opens": ["sing"]}, 400, "next_opens cannot be sing"),
        ("behaviour", {"next_reads": ["drop_after_accept"]}, 400, "next_reads cannot be drop_after_accept"),
        ("behaviour", {"vendor": "nobody"}, 400, f"nobody does not play here; {', '.join(available())} do"),
        ("behaviour", [], 400, "JSON object"),
        ("tags", {"A": {"entitlements": [{"code": "NU", "starts_on": "soon", "ends_on": "later"}]}}, 400, "soon"),
        ("cases/INC1", {"state": "approved"}, 404, "INC1"),
        ("cases/INC1/push", {"url": "http://127.0.0.1:9"}, 400, "the body must have secret, url"),
    ],
)
def test_a_control_request_that_cannot_be_read_says_why(
    twin: Twin, *, path: str, body: Any, status: int, says: str
) -> None:
    answer = control(twin, path, body)
    assert (answer.status_code, says in answer.json()["error"]) == (status, True)


def test_a_case_moves_only_to_what_the_instance_knows(twin: Twin) -> None:
    servicenow(twin).adapter.open_case(REQUEST)
    with pytest.raises(ValueError, match="unknown state flying"):
        twin.move("INC0010001", state="flying")
    with pytest.raises(ValueError, match="unknown column shoe_size"):
        twin.move("INC0010001", shoe_size="44")


def test_a_twin_of_one_vendor_has_only_that_one() -> None:
    with Twin("dell") as twin:
        with pytest.raises(KeyError):
            twin.move("INC0010001", state="approved")
        with pytest.raises(ValueError, match="does not play here"):
            twin.behave(vendor="servicenow", down=True)
        assert requests.get(f"{twin.url}{TABLE}", timeout=TIMEOUT_S).status_code == 404
    with pytest.raises(ValueError, match="no twin of nobody"):
        Twin("nobody")
    with pytest.raises(ValueError, match="a twin that looks up"):
        Twin("servicenow").register({"A": {}})


def test_a_stopped_twin_refuses_connections_and_comes_back_on_the_same_port() -> None:
    with Twin("servicenow") as twin:
        url = twin.url
        servicenow(twin).adapter.open_case(REQUEST)
        twin.stop()
        twin.stop()
        assert trouble(servicenow(twin)) is Trouble.UNREACHABLE
        twin.start()
        assert twin.url == url
        assert servicenow(twin).adapter.find_case(REQUEST) is not None


def test_a_restarted_twin_remembers_what_it_accepted(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with Twin(ledger_file=ledger) as before:
        before.register({"AB1": {"systemDescription": "Server"}})
        servicenow(before).adapter.open_case(REQUEST)
        before.move("INC0010001", state="approved")
        servicenow(before).adapter.add_note("INC0010001", "The courier was refused.")
        servicenow(before).adapter.attach("INC0010001", VendorFile("led.jpg", "image/jpeg", b"1234"))
    with ledger.open("a") as half:
        half.write('{"seq": 6, "vendor": "servicenow", "event": "op')
    with Twin(ledger_file=ledger) as after:
        assert after.ledger == before.ledger
        adapter = servicenow(after).adapter
        found = adapter.find_case(REQUEST)
        assert found is not None
        assert found.status is VendorStatus.APPROVED
        assert [note.text for note in adapter.notes_of("INC0010001")] == ["The courier was refused."]
        assert adapter.has_file("INC0010001", VendorFile("led.jpg", "image/jpeg", b"1234"))
        again = adapter.open_case(replace(REQUEST, client_reference="FAULT-2"))
        assert again.vendor_case_number == "INC0010002"
        (listed,) = dell(after).adapter.look_up([Unit("AB1")])
        assert isinstance(listed, Listed)
    assert len(ledger.read_text("utf-8").splitlines()) == 6


def test_a_ledger_with_nothing_but_a_torn_line_begins_anew(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text('{"seq": 1, "ven', "utf-8")
    with Twin(ledger_file=ledger) as twin:
        assert twin.ledger == []
    assert ledger.read_bytes() == b""


def test_a_port_in_use_is_an_error_and_not_an_exit(twin: Twin) -> None:
    port = int(twin.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Twin("dell", port=port).start()


PLAY = """
import sys
from vendors.sandbox import run_sandbox
run_sandbox(("servicenow", "dell"), drop_after_accept=1.0, ledger_file=sys.argv[1], tags_file=sys.argv[2])
"""


def test_the_sandbox_runs_as_a_program_until_it_is_interrupted(tmp_path: Path) -> None:
    ledger, tags = tmp_path / "ledger.jsonl", tmp_path / "tags.json"
    tags.write_text('{"AB1": {}}', "utf-8")
    program = [sys.executable, "-c", PLAY, str(ledger), str(tags)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        host = Host("servicenow", {"username": "u-tester", "password": "any password"}, url)
        assert trouble(host) is Trouble.AMBIGUOUS
        assert host.adapter.find_case(REQUEST) is not None
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0
    assert [json.loads(line)["event"] for line in ledger.read_text("utf-8").splitlines()] == ["registered", "opened"]


# -- mails


def test_an_answer_is_laid_into_the_mailbox_over_http_and_is_remembered_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    with Twin("email", ledger_file=file) as twin:
        given = load({"WARRANTY_MODE": "development", "WARRANTY_INSTANCE": str(tmp_path), **twin.settings})
        servers = {"smtp": given.mail_server, "imap": given.mailbox_server, "sender": "us@msp.example"}
        host = Host("email", {"to": "rma@vendor.example"}, None, **servers)
        host.adapter.open_case(REQUEST)
        answered = control(twin, "mails", {"reference": "FAULT-000412", "text": "RMA number: R-1", "Subject": "Yes"})
        assert answered.status_code == 200
        assert control(twin, "mails", {"raw": "Subject: hello\r\n\r\nworld"}).json() == [
            *answered.json(),
            "Subject: hello\r\n\r\nworld",
        ]
        assert control(twin, "mails", {"reference": "FAULT-999999"}).status_code == 404
        assert control(twin, "mails", {"text": "to whom?"}).status_code == 400
        twin.stop()
        twin.start()
        got: list[bytes] = []
        host.adapter.pull(got.append)
        assert len(got) == 1
    with Twin("email", ledger_file=file) as twin:
        assert next(mail.raw for mail in twin.play("email").mails) == got[0]


def test_the_mailbox_is_strict(twin: Twin) -> None:
    where = urlsplit(twin.settings["IMAP_URL"])
    with (
        socket.create_connection((where.hostname, where.port), timeout=TIMEOUT_S) as line,
        line.makefile("rwb") as wire,
    ):

        def ask(*pieces: bytes) -> bytes:
            for piece in pieces:
                wire.write(piece + b"\r\n")
                wire.flush()
                answer = wire.readline()
                while answer.startswith(b"* "):
                    answer = wire.readline()
            return answer.rstrip()

        wire.readline()
        assert ask(b"1 CAPABILITY") == b"1 OK CAPABILITY done"
        assert ask(b"2 NOOP") == b"2 OK NOOP done"
        assert ask(b"3 EXAMINE INBOX") == b"3 BAD sign in first"
        assert ask(b'4 LOGIN us ""').startswith(b"4 NO [AUTHENTICATIONFAILED]")
        assert ask(b"5 LOGIN us {6}", b'a "b" ') == b"5 OK LOGIN done"
        assert ask(b"6 UID SEARCH UID 1:*") == b"6 BAD no mailbox is open"
        assert ask(b"7 EXAMINE Archive").startswith(b"7 NO [NONEXISTENT]")
        assert ask(b'8 EXAMINE "inbox"') == b"8 OK EXAMINE done"
        assert ask(b"9 UID SEARCH ALL") == b"9 BAD no such search here"
        assert ask(b"10 UID STORE 1 +FLAGS x") == b"10 BAD no such command here"
        twin.play("email").lay(b"Subject: x\r\n\r\n")
        assert ask(b"11 UID FETCH 1 (FLAGS)") == b"11 BAD only headers, or a piece of the whole"
        assert ask(b"12 LOGOUT") == b"12 OK LOGOUT done"
