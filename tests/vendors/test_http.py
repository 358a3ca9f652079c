"""Calls: deadlines, sizes, statuses, tokens, repetition, records."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.vendors.host import CountingGate, Tokens
from tests.vendors.names import Names, names
from tests.vendors.raw import RawServer, drip, ok, says
from tests.vendors.replay import Recorded
from vendors.contract import CallRecord, Calls
from vendors.errors import Trouble, VendorError
from vendors.http import Basic, ClientCredentials, Http, Kind, json_document, retry_after_s, trouble_of

if TYPE_CHECKING:
    import socket

__all__ = ["names"]

PATH = "https://vendor.example/things"
READING, OPENING = Kind.READ, Kind.OPEN


class Line:
    """One account's calls, with what the host sees of them."""

    def __init__(self, base_url: str | None, *, timeout_s: float = 5.0, calls: int = 1_000_000, **more: Any) -> None:
        """Make the calls of an account with user name and password, or with a token."""
        self.gate = CountingGate(calls)
        self.records: list[CallRecord] = []
        self.tokens = Tokens()
        by_token = more.pop("by_token", False)
        settings = {"allow_private": True, "record": self.records.append, **more}
        auth = (
            ClientCredentials("/token", "some-id", "some-secret", self.tokens) if by_token else Basic("some-user", "pw")
        )
        self.http = Http(
            "acme",
            base_url=base_url,
            auth=auth,
            gate=self.gate,
            calls=Calls(**settings),
            timeout_s=timeout_s,
            secrets=["some-secret", "some-user", ""],
        )

    def fails(self, kind: Kind = READING, **more: Any) -> VendorError:
        """Make a call that must fail."""
        with pytest.raises(VendorError) as caught:
            self.http.call(kind, "GET" if kind is READING else "POST", PATH, **more)
        return caught.value


def answer(status: int, body: Any = "", **headers: str) -> dict[str, Any]:
    """Give a recording of an answer to a read."""
    return {
        "request": {"method": "GET", "path": "/things"},
        "response": {"status": status, "body": body, "headers": headers},
    }


# -- statuses


@pytest.mark.parametrize(
    ("status", "reading", "opening"),
    [
        (200, None, None),
        (204, None, None),
        (100, Trouble.MALFORMED, Trouble.MALFORMED),
        (301, Trouble.MALFORMED, Trouble.MALFORMED),
        (307, Trouble.MALFORMED, Trouble.MALFORMED),
        (400, Trouble.REFUSED, Trouble.REFUSED),
        (401, Trouble.UNAUTHORISED, Trouble.UNAUTHORISED),
        (403, Trouble.UNAUTHORISED, Trouble.UNAUTHORISED),
        (404, Trouble.REFUSED, Trouble.REFUSED),
        (407, Trouble.UNAUTHORISED, Trouble.UNAUTHORISED),
        (408, Trouble.UNREACHABLE, Trouble.AMBIGUOUS),
        (409, Trouble.UNREACHABLE, Trouble.AMBIGUOUS),
        (422, Trouble.REFUSED, Trouble.REFUSED),
        (425, Trouble.UNREACHABLE, Trouble.AMBIGUOUS),
        (429, Trouble.THROTTLED, Trouble.THROTTLED),
        (500, Trouble.UNREACHABLE, Trouble.AMBIGUOUS),
        (503, Trouble.UNREACHABLE, Trouble.AMBIGUOUS),
        (599, Trouble.UNREACHABLE, Trouble.AMBIGUOUS),
    ],
)
def test_a_status_means_one_thing_to_a_read_and_maybe_another_to_an_open(
    status: int, reading: Trouble | None, opening: Trouble | None
) -> None:
    assert trouble_of(status, Kind.READ) is reading
    assert trouble_of(status, Kind.OPEN) is opening
    assert trouble_of(status, Kind.WRITE) is opening


def test_a_token_endpoint_that_refuses_anything_refuses_the_credentials() -> None:
    assert trouble_of(400, Kind.TOKEN) is Trouble.UNAUTHORISED
    assert trouble_of(503, Kind.TOKEN) is Trouble.UNREACHABLE


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("17", 17.0),
        (" 0 ", 0.0),
        ("Mon, 02 Mar 2026 09:01:30 GMT", 90.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("99999999999", 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Mon, 02 Mar 2026 09:01:30", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_longer_than_a_day(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_a_5xx_that_names_a_time_is_not_repeated_before_and_the_whole_account_hears_of_it() -> None:
    with Recorded() as server:
        server.plays(answer(503, **{"Retry-After": "40"}))
        line = Line(server.url)
        assert line.fails().retry_after_s == 40.0
        assert (len(server.received), line.gate.sent_away_s) == (1, 40.0)


# -- deadlines and sizes


@pytest.mark.parametrize("what", [ok(b'{"a": 1}' * 20), b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 100])
@pytest.mark.parametrize(("kind", "trouble"), [(READING, Trouble.UNREACHABLE), (OPENING, Trouble.AMBIGUOUS)])
def test_a_slow_drip_ends_at_the_deadline_in_headers_and_in_the_body(kind: Kind, trouble: Trouble, what: bytes) -> None:
    with RawServer(drip(what)) as server:
        line = Line(server.url, timeout_s=0.4)
        started = time.monotonic()
        failed = line.fails(kind)
        assert time.monotonic() - started < 3
    assert failed.trouble is trouble
    assert failed.detail == "no complete answer before the deadline"
    assert len(server.heads) == 1


def test_a_body_that_arrives_before_the_deadline_is_read_although_it_drips() -> None:
    with RawServer(drip(ok(b"[1]"), every_s=0.001)) as server:
        assert Line(server.url).http.call(READING, "GET", PATH) == [1]


def test_an_answer_that_never_stops_sending_ends_at_the_deadline_too() -> None:
    def busy(connection: socket.socket, _number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1\r\n \r\n" * 1_000)

    with RawServer(busy) as server:
        line = Line(server.url, timeout_s=0.3)
        started = time.monotonic()
        assert line.fails().trouble is Trouble.UNREACHABLE
        assert time.monotonic() - started < 3


def test_an_answer_that_is_too_large_is_given_up_before_it_is_in_memory() -> None:
    def endless(connection: socket.socket, _number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b" " * 65_536)

    with RawServer(endless) as server:
        failed = Line(server.url).fails()
    assert (failed.trouble, failed.vendor_code) == (Trouble.MALFORMED, "too_large")


def test_a_small_body_that_unpacks_to_a_large_one_is_given_up_too() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    with RawServer(says(ok(bomb, "Content-Encoding: gzip"))) as server:
        assert Line(server.url).fails().vendor_code == "too_large"


def test_a_body_that_is_cut_short_is_no_answer() -> None:
    def short(connection: socket.socket, _number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n[1]")
        connection.close()

    with RawServer(short) as server:
        assert Line(server.url).fails(OPENING).trouble is Trouble.AMBIGUOUS


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[NaN]", b"[Infinity]", b"\xff\xfe\x00", b"[" * 33 + b"]" * 33, b"[" * 200_000, b"9" * 5000]
)
def test_json_that_is_none_or_too_deep_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_document(body)


def test_json_as_deep_as_any_vendor_sends_is_read() -> None:
    assert json_document(b"[" * 31 + b"]" * 31)
    assert json_document(b'{"a": {"b": [1, "[[[["]}}') == {"a": {"b": [1, "[[[["]}}


# -- repetition


def test_a_look_up_is_repeated_through_the_gate_until_the_vendor_is_back() -> None:
    with Recorded() as server:
        server.plays(answer(503), answer(502), answer(200, [7]))
        line = Line(server.url)
        assert line.http.call(READING, "GET", PATH) == [7]
        assert (line.gate.entered, line.gate.news) == (3, [None])


def test_a_look_up_is_repeated_twice_at_most() -> None:
    with Recorded() as server:
        server.plays(answer(503))
        assert Line(server.url).fails().trouble is Trouble.UNREACHABLE
        assert len(server.received) == 3


@pytest.mark.parametrize("first", [{"status": 503}, {"drop": True}])
def test_a_look_up_is_not_repeated_where_the_gate_is_shut(first: dict[str, Any]) -> None:
    with Recorded() as server:
        server.plays(answer(200, []), **first)
        line = Line(server.url, calls=1)
        assert line.fails().trouble is Trouble.UNREACHABLE
        assert len(server.received) == 1
        assert line.gate.news == [Trouble.UNREACHABLE]


def test_a_look_up_whose_connection_is_cut_is_repeated() -> None:
    with Recorded() as server:
        server.plays(answer(200, []), drop=True)
        server.plays(answer(200, [7]))
        assert Line(server.url).http.call(READING, "GET", PATH) == [7]


@pytest.mark.parametrize("status", [429, 500, 400])
def test_what_another_try_would_not_mend_is_not_repeated(status: int) -> None:
    with Recorded() as server:
        server.plays(answer(status, {}))
        Line(server.url).fails()
        assert len(server.received) == 1


def test_a_redirect_is_not_followed() -> None:
    with Recorded() as elsewhere, Recorded() as server:
        server.plays(answer(302, "", Location=f"{elsewhere.url}/things"))
        assert Line(server.url).fails().trouble is Trouble.MALFORMED
        assert elsewhere.received == []


def test_connections_are_kept_alive_and_cookies_are_not_kept() -> None:
    with RawServer(says(ok(b"[]", "Set-Cookie: session=abc; Path=/"))) as server:
        line = Line(server.url)
        for _ in range(3):
            line.http.call(READING, "GET", PATH)
        assert (server.connections, len(server.heads)) == (1, 3)
        assert not any(b"cookie" in head.lower() for head in server.heads)
    assert "session=abc" not in line.records[0].response


def test_nothing_is_taken_from_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with RawServer(says(ok(b"[]"))) as server:
        assert Line(server.url).http.call(READING, "GET", PATH) == []
        assert server.heads[0].startswith(b"GET /things HTTP/1.1\r\n")


def test_an_address_where_nobody_listens_is_unreachable_also_for_an_open() -> None:
    with RawServer(says(b"")) as server:
        gone = server.url
    failed = Line(gone).fails(OPENING)
    assert failed.trouble is Trouble.UNREACHABLE
    assert failed.may_have_arrived  # a needless search costs one call


def test_a_header_that_cannot_be_sent_is_refused_and_nothing_is_sent() -> None:
    with Recorded() as server:
        failed = Line(server.url).fails(OPENING, headers={"X-Name": "a\r\nb: c"})
        assert failed.trouble is Trouble.REFUSED
        assert server.received == []


def test_a_query_keeps_its_commas_and_quotes_the_rest() -> None:
    with RawServer(says(ok(b"[]"))) as server:
        Line(server.url).http.call(READING, "GET", PATH, query={"tags": "A,B", "q": "a=b^c&d"})
        assert server.heads[0].startswith(b"GET /things?tags=A,B&q=a%3Db%5Ec%26d HTTP/1.1")


# -- tokens


def token(status: int, body: Any) -> dict[str, Any]:
    """Give a recording of the token endpoint."""
    return {"request": {"method": "POST", "path": "/token"}, "response": {"status": status, "body": body}}


def test_a_stored_token_is_used_while_it_lasts() -> None:
    with Recorded() as server:
        server.plays(answer(200, []))
        line = Line(server.url, by_token=True)
        line.tokens.kept = ("stored-token", datetime.now(UTC) + timedelta(seconds=5))
        line.http.call(READING, "GET", PATH)
        assert [got.headers["Authorization"] for got in server.received] == ["Bearer stored-token"]


def test_an_expired_token_is_replaced_before_it_is_sent() -> None:
    with Recorded() as server:
        server.plays(answer(200, []), token(200, {"access_token": "new-token", "expires_in": "3600"}))
        line = Line(server.url, by_token=True)
        line.tokens.kept = ("old-token", datetime.now(UTC))
        line.http.call(READING, "GET", PATH)
        assert [got.headers["Authorization"].split()[0] for got in server.received] == ["Basic", "Bearer"]
        assert line.tokens.kept is not None
        lasts = line.tokens.kept[1] - datetime.now(UTC)
        assert timedelta(minutes=58) < lasts <= timedelta(minutes=59)


def test_a_token_that_is_refused_twice_is_unauthorised() -> None:
    with Recorded() as server:
        server.plays(answer(401, {}), token(200, {"access_token": "fresh", "expires_in": 60}))
        line = Line(server.url, by_token=True)
        assert line.fails().trouble is Trouble.UNAUTHORISED
        assert len([got for got in server.received if got.path == "/things"]) == 2


def test_the_deadline_is_one_for_token_and_call_together() -> None:
    def slow(connection: socket.socket, _number: int) -> None:
        time.sleep(0.3)
        connection.sendall(ok(b'{"access_token": "t0ken", "expires_in": 60}'))

    with RawServer(slow) as server:
        line = Line(server.url, by_token=True, timeout_s=0.5)
        started = time.monotonic()
        assert line.fails().trouble is Trouble.UNREACHABLE
        assert time.monotonic() - started < 3


def test_a_token_that_is_kept_by_nobody_is_in_no_record() -> None:
    with Recorded() as server:
        server.plays(answer(200, {"echo": "Bearer fresh-token-77"}))
        server.plays(token(200, {"access_token": "fresh-token-77", "expires_in": 60}))
        line = Line(server.url, by_token=True)
        line.http.call(READING, "GET", PATH)
    assert "fresh-token-77" not in repr(line.records)
    assert len(line.records) == 2


# -- records


def test_every_exchange_is_recorded_also_those_that_failed() -> None:
    with Recorded() as server:
        server.plays(answer(200, []), answer(200, []))
        line = Line(server.url)
        line.http.call(READING, "GET", PATH, query={"password": "hunter22"})
        server.plays(answer(200, []), drop=True)
        server.forget()
        line.fails(OPENING, body={"secret": "hunter22", "a": 1})
    first, second = line.records
    assert (first.vendor, first.method, first.status, first.trouble) == ("acme", "GET", 200, None)
    assert first.url == f"{server.url}/things?password=***"
    assert (second.method, second.status, second.trouble) == ("POST", 501, Trouble.AMBIGUOUS)
    assert '{"secret": "***", "a": 1}' in second.request
    assert second.duration_s >= 0
    assert second.at.tzinfo is not None


def test_a_call_without_an_answer_is_recorded_with_what_is_known() -> None:
    with RawServer(drip(b"HTTP/1.1 200 OK\r\n")) as server:
        line = Line(server.url, timeout_s=0.1)
        line.fails(OPENING)
    assert (line.records[0].status, line.records[0].trouble) == (None, Trouble.AMBIGUOUS)
    assert line.records[0].response == "no complete answer before the deadline"


def test_what_is_kept_of_a_large_exchange_is_cut_and_says_so() -> None:
    with Recorded() as server:
        server.plays(answer(200, ["x" * 30_000]))
        line = Line(server.url)
        line.http.call(READING, "GET", PATH, query={"q": "y" * 3_000})
    assert len(line.records[0].response) < 20_100
    assert line.records[0].response.endswith("characters)")
    assert len(line.records[0].url) < 2_100


def test_an_empty_answer_is_no_document() -> None:
    with Recorded() as server:
        server.plays(answer(204))
        assert Line(server.url).http.call(READING, "GET", PATH) is None


# -- addresses


def test_the_wrong_sort_of_address_is_refused_before_any_call() -> None:
    for base_url in (
        "http://vendor.example",
        "https://vendor.example:22",
        "ftp://vendor.example",
        "https://u:p@v.example",
    ):
        with pytest.raises(VendorError) as caught:
            Line(base_url, allow_private=False)
        assert (caught.value.trouble, caught.value.vendor_code) == (Trouble.REFUSED, "blocked_address")


def test_an_address_that_is_not_public_is_refused_when_it_is_called(names: Names) -> None:
    names.leads("vendor.example", ("10.0.0.7",))
    line = Line("https://vendor.example", allow_private=False)
    failed = line.fails(OPENING)
    assert (failed.trouble, failed.vendor_code) == (Trouble.REFUSED, "blocked_address")
    assert not failed.may_have_arrived
    assert line.gate.news == [Trouble.REFUSED]


def test_a_documented_address_is_called_as_it_is_where_no_base_url_is_given(names: Names) -> None:
    line = Line(None, allow_private=False)
    line.fails(OPENING)
    assert names.asked == [("vendor.example", 443)]
