"""Every request to a vendor leaves from here: the only place for deadlines, address rules, statuses, scrubbing and call records.

Nothing is repeated but look-ups, and those only after a connection broke or the vendor answered 502, 503 or 504; every
other repetition is the host's, which searches first.
"""

import base64
import functools
import http.client
import io
import ipaddress
import json
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self, cast
from urllib.parse import quote, quote_plus, urlencode, urlsplit
from xml.sax.saxutils import escape

import requests
import urllib3
from standardwebhooks import Webhook, WebhookVerificationError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    ResponseError,
)

from vendors.contract import CallRecord, Calls, Gate, RmaRequest, TokenStore
from vendors.errors import Trouble, VendorError

MAX_BODY_BYTES = 5_000_000
MAX_JSON_DEPTH = 32
MAX_KEPT_CHARS = 20_000
MAX_RETRY_AFTER_S = 86_400.0  # a hostile or broken header must not park an order for a year
CONNECT_S = 10.0
ALLOWED_PORTS = frozenset({443, 8443})


class Kind(Enum):
    """What a call does at the vendor; decides what its failure means, whether it may be repeated, and who enters the gate."""

    READ = "read"
    WRITE = "write"  # a note, a file: changes something, but opens nothing
    OPEN = "open"  # the host has entered the gate before it marked the send
    TOKEN = "token"  # noqa: S105 -- the name of a kind of call, not a secret; tokens are no part of a vendor's quota

    @property
    def is_write(self) -> bool:
        """Whether a call that failed may still have changed something."""
        return self in {Kind.WRITE, Kind.OPEN}


def trouble_of(status: int, kind: Kind) -> Trouble | None:
    """Say what an HTTP status means for the caller; None: an answer of the domain. Source: reliability.md, section 3.2."""
    if 200 <= status < 300:
        return None
    if status == 429:
        return Trouble.THROTTLED
    if status >= 500 or status in {408, 409, 425}:
        return Trouble.AMBIGUOUS if kind.is_write else Trouble.UNREACHABLE
    if status in {401, 403, 407}:
        return Trouble.UNAUTHORISED
    if 400 <= status < 500:
        return Trouble.UNAUTHORISED if kind is Kind.TOKEN else Trouble.REFUSED
    return Trouble.MALFORMED  # a redirect is never followed: it could lead anywhere, with our token


# ---------------------------------------------------------------------------------------------------------------------
# Where a connection may go

_NEVER = (
    ipaddress.ip_network("64:ff9b::/96"),  # NAT64: "global" to Python, yet it leads to any IPv4 address, private ones too
    ipaddress.ip_network("64:ff9b:1::/48"),  # the same, with a local prefix
    ipaddress.ip_network("2002::/16"),  # 6to4: carries an IPv4 address as well
)


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the public Internet and to nothing that can be turned into a private one."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip.is_site_local or any(ip in network for network in _NEVER):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class _Blocked(Exception):
    """The address is not one we connect to. Neither an OSError nor urllib3's, so that nothing repeats or rewords it."""


_AddressInfo = tuple[Any, Any, Any, Any, Any]


def _resolve(host: str, port: int, timeout_s: float) -> list[_AddressInfo]:
    """Resolve a name once, in at most ``timeout_s`` seconds; ``getaddrinfo`` itself knows no deadline, hence the thread."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        box: queue.SimpleQueue[list[_AddressInfo] | BaseException] = queue.SimpleQueue()

    def ask() -> None:
        try:
            box.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except BaseException as err:  # noqa: BLE001 -- carried to the caller's thread and raised there
            box.put(err)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = box.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError(f"{host} was not resolved in time") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


class _DeadlineFile(io.RawIOBase):
    """Reads a socket until an instant; a socket's own timeout starts anew with every byte, so a slow drip never ends."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        # ``makefile`` and not the bare socket: it keeps the socket alive after http.client has closed its own end.
        self._file = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _DeadlineSocket:
    """The one method of a socket that ``http.client.HTTPResponse`` calls."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._sock = sock
        self._ends = ends

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineFile(self._sock, self._ends))


class _DeadlineResponse(http.client.HTTPResponse):
    """An answer that is read against the deadline; urllib3 has just set what is left of it as the socket's timeout."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        ends = time.monotonic() + (sock.gettimeout() or 0.0)
        super().__init__(_DeadlineSocket(sock, ends), *args, **kwargs)  # type: ignore[arg-type] # calls makefile only


class _Guarded(HTTPConnection):
    """Connects to the address that was checked, and to nothing else; the host name stays for ``Host`` and for TLS."""

    may_be_private: ClassVar[bool] = False
    response_class = _DeadlineResponse

    def _new_conn(self) -> socket.socket:
        ends = time.monotonic() + float(self.timeout or CONNECT_S)
        try:
            addresses = _resolve(self._dns_host, self.port, ends - time.monotonic())
        except TimeoutError as err:
            raise ConnectTimeoutError(self, str(err)) from err
        except (OSError, UnicodeError) as err:
            raise NameResolutionError(self.host, self, socket.gaierror(str(err))) from err
        for *_, where in addresses:
            # One private address among public ones is enough: the name's owner chooses which one we would get.
            if not self.may_be_private and not is_public(where[0]):
                raise _Blocked(f"{self.host} leads to {where[0]}, which is not a public address")
        last: OSError = OSError("no address")
        for family, kind, protocol, _, where in addresses:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(max(ends - time.monotonic(), 0.001))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(where)
            except OSError as err:
                sock.close()
                last = err
            else:
                return sock
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from last
        raise NewConnectionError(self, str(last)) from last


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same, in TLS."""


class _Open(_Guarded):
    may_be_private = True


class _OpenTls(_GuardedTls):
    may_be_private = True


def _pool_classes(*, allow_private: bool) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Give urllib3 connection pools whose connections are guarded."""

    class Plain(urllib3.HTTPConnectionPool):
        ConnectionCls = _Open if allow_private else _Guarded

    class Tls(urllib3.HTTPSConnectionPool):
        ConnectionCls = _OpenTls if allow_private else _GuardedTls

    return {"http": Plain, "https": Tls}


class _Transport(requests.adapters.HTTPAdapter):
    """requests' transport over guarded connections."""

    def __init__(self, pools: dict[str, type[urllib3.HTTPConnectionPool]], repeat: urllib3.Retry) -> None:
        self._pools = pools
        super().__init__(max_retries=repeat)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools


class _Until(urllib3.Timeout):
    """A timeout that ends at one instant, however many attempts urllib3 makes before it."""

    def __init__(self, ends: float) -> None:
        super().__init__()
        self._ends = ends

    def clone(self) -> urllib3.Timeout:
        left = max(self._ends - time.monotonic(), 0.001)
        return urllib3.Timeout(total=left, connect=min(left, CONNECT_S))


class _Repeat(urllib3.Retry):
    """Repeats a look-up, and takes each repetition from the account's quota too."""

    def __init__(self, *args: Any, gate: Gate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gate = gate

    @classmethod
    def of(cls, gate: Gate) -> Self:
        # The vendor's Retry-After is not slept through here: a worker would hold its lease meanwhile.
        return cls(
            total=2,
            backoff_factor=0.1,
            status_forcelist={502, 503, 504},
            allowed_methods=None,
            redirect=0,
            raise_on_status=False,
            respect_retry_after_header=False,
            gate=gate,
        )

    def new(self, **kwargs: Any) -> Self:
        return super().new(gate=self._gate, **kwargs)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if isinstance(error, ReadTimeoutError | ConnectTimeoutError):
            raise error  # the deadline is one for all attempts: there is no time left
        repeat = super().increment(method, url, response, error, _pool, _stacktrace)
        try:
            self._gate.enter()
        except VendorError:
            raise MaxRetryError(cast("ConnectionPool", _pool), url, error or ResponseError("the gate is shut")) from None
        return repeat


# ---------------------------------------------------------------------------------------------------------------------
# What may be kept of a call

_SECRET_KEY = r"[\w.-]*(?:token|secret|password|passwd|api[_-]?key|assertion|authorization|signature)"
_SECRET_PLACES = (
    (re.compile(rf'("{_SECRET_KEY}"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE), r'\1"***"'),
    (re.compile(rf"((?:^|[?&\s]){_SECRET_KEY}=)[^&\s\"]+", re.IGNORECASE), r"\1***"),
    (re.compile(rf"(<(?:\w+:)?{_SECRET_KEY}>)[^<]+(?=<)", re.IGNORECASE), r"\1***"),
)
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|signature|client-?id|api-?key", re.IGNORECASE)
# A vendor repeats our own ``Key: value`` lines (``RmaRequest.as_lines``) long after the request that carried the people.
_PERSONAL_LINE = re.compile(r"((?:^|\n|\\n|\\r)(?:Contact(?: phone| e-mail)?|Ship to): )[^\n\r\"\\]*(?:\\[^nr][^\n\r\"\\]*)*")
_MIN_SECRET = 4  # shorter ones are masked where a key or header names them; everywhere else they would ruin the text
_MIN_PERSONAL = 3


def _spellings(value: str) -> set[str]:
    """Give the forms in which a value travels: plain, in JSON, in a URL, in a form, in XML."""
    return {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        quote_plus(value),
        escape(value, {'"': "&quot;"}),
    }


def people_of(request: RmaRequest) -> dict[str, str]:
    """Map every personal value of a request to the pseudonym that stands for it in whatever is kept."""
    stands_for: dict[str, str] = {}
    if request.ship_to:
        to = request.ship_to
        for value in (to.name, to.address_line1, to.address_line2, to.city, to.postal_code):
            stands_for[value.strip()] = to.pseudonym
    if request.contact:
        who = request.contact
        names = who.name.split()
        turned = {f"{names[-1]}{comma}{' '.join(names[:-1])}" for comma in (",", ", ", " ")} if len(names) > 1 else set()
        for value in (who.name, who.phone, who.email, re.sub(r"\D", "", who.phone), *turned):
            stands_for[value.strip()] = who.pseudonym
    return {value: name for value, name in stands_for.items() if len(value) >= _MIN_PERSONAL}


@dataclass(slots=True)
class Scrubber:
    """Takes secrets and personal values out of text that is kept, shown or raised."""

    secrets: set[str] = field(default_factory=set)

    def learn(self, secret: str) -> None:
        """Remember a secret that was handed to us on the way, such as an access token."""
        self.secrets.add(secret)

    def text(self, text: str, people: Mapping[str, str] | None = None) -> str:
        """Give the text with secrets as ``***`` and personal values as their pseudonyms.

        Args:
            text: headers, a URL, a body in JSON, XML or form encoding, or a message.
            people: personal value to pseudonym, as ``people_of`` gives it.
        """
        hide = {
            spelling: "***" for secret in self.secrets if len(secret) >= _MIN_SECRET for spelling in _spellings(secret)
        }
        if hide:
            text = _replaced(text, hide, r"{}", 0)
        if people:
            names = {spelling: name for value, name in people.items() for spelling in _spellings(value)}
            text = _replaced(text, names, r"(?<!\w){}(?!\w)", re.IGNORECASE)
        else:
            text = _PERSONAL_LINE.sub(r"\1[personal]", text)
        for places, by in _SECRET_PLACES:
            text = places.sub(by, text)
        return text

    def headers(self, headers: Mapping[str, str], people: Mapping[str, str]) -> str:
        """Give headers as lines, those that carry credentials without their value."""
        return "".join(
            f"{name}: {'***' if _SECRET_HEADER.search(name) else self.text(value, people)}\n"
            for name, value in headers.items()
        )


def _replaced(text: str, by: Mapping[str, str], around: str, flags: int) -> str:
    """Replace many literals in one pass, the longest first, so that no piece of a longer one is left."""
    folded = {literal.casefold(): name for literal, name in by.items()}
    longest_first = sorted(by, key=len, reverse=True)
    found = re.compile(around.format("(?:" + "|".join(map(re.escape, longest_first)) + ")"), flags)
    return found.sub(lambda match: folded[match.group().casefold()], text)


def _cut(text: str, limit: int = MAX_KEPT_CHARS) -> str:
    """Keep the beginning of a text, and say how much there was."""
    return text if len(text) <= limit else f"{text[:limit]} ... ({len(text)} characters)"


# ---------------------------------------------------------------------------------------------------------------------
# Credentials


class Auth(Protocol):
    """How a call proves who we are."""

    def header(self, http: "Http", ends: float) -> str:
        """Give the value of ``Authorization``; may ask the vendor for a token before ``ends`` (monotonic)."""
        ...

    def can_renew(self) -> bool:
        """Hear that the vendor answered 401; tell whether another try with a new token makes sense."""
        ...


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password in every call."""

    username: str
    password: str

    def header(self, _http: "Http", _ends: float) -> str:
        """Give the credentials as they are."""
        return "Basic " + basic_credentials(self.username, self.password)

    def can_renew(self) -> bool:
        """The same password would be refused again."""
        return False


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """OAuth 2 client credentials: a token for some time, kept by the host between processes."""

    token_url: str
    client_id: str
    client_secret: str
    tokens: TokenStore

    def header(self, http: "Http", ends: float) -> str:
        """Give the stored token while it lasts, else a new one."""
        kept = self.tokens.get()
        if kept is not None and kept[1] > datetime.now(UTC):
            http.scrubber.learn(kept[0])
            return f"Bearer {kept[0]}"
        token, lasts_s = http.token(self, ends)
        # Renewed a little early, so that it does not run out on its way; a short-lived one loses a tenth at most.
        self.tokens.put(token, datetime.now(UTC) + timedelta(seconds=lasts_s - min(60.0, lasts_s / 10)))
        return f"Bearer {token}"

    def can_renew(self) -> bool:
        """Drop the token that was refused; a new one may be accepted."""
        self.tokens.forget()
        return True


def basic_credentials(username: str, password: str) -> str:
    """Encode credentials for HTTP Basic, in UTF-8. Source: RFC 7617."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


# ---------------------------------------------------------------------------------------------------------------------
# The call


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor said: the status, and the parsed body (None where it was empty)."""

    status: int
    document: Any


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, complete but for its credentials."""

    kind: Kind
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    is_text: bool
    people: Mapping[str, str]
    also: frozenset[int]
    overload_s: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How one exchange ended: an answer, or a trouble and what is known of it."""

    status: int | None = None
    document: Any = None
    trouble: Trouble | None = None
    code: str = ""
    detail: str = ""
    retry_after_s: float | None = None
    kept: str = ""  # headers and body, scrubbed


def json_document(body: bytes) -> Any:
    """Parse a vendor's JSON, which is hostile input.

    Raises:
        ValueError: not JSON, not UTF-8, a number that is none (NaN), or nested deeper than ``MAX_JSON_DEPTH``.
    """
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return document
    raise ValueError("nested too deeply")


def _no_constant(name: str) -> Any:
    """Refuse NaN and the infinities, which are no JSON."""
    raise ValueError(f"{name} is not JSON")


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Read a ``Retry-After`` header, in seconds or as an HTTP date; None where there is none that can be read.

    Source: RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else (parsedate_to_datetime(value) - now).total_seconds()
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _nothing_said(_document: Any) -> tuple[str, str]:
    """Explain nothing."""
    return "", ""


class Http:
    """The calls of one account: one deadline each, guarded, scrubbed and recorded.

    Args:
        vendor: the adapter's name, for errors and records.
        base_url: replaces scheme, host and port of every endpoint; None keeps the documented ones.
        auth: how calls prove who we are.
        gate, calls: as handed in by the host.
        timeout_s: total deadline of one ``call``.
        secrets: every secret of the account.
        explain: reads the vendor's own error document: its code and its sentence, either may be empty. It is given
            whatever the vendor sent, so it must expect anything.

    Raises:
        VendorError: ``refused`` where ``base_url`` is not one that may be called.
    """

    def __init__(
        self,
        vendor: str,
        *,
        base_url: str | None,
        auth: Auth,
        gate: Gate,
        calls: Calls,
        timeout_s: float,
        secrets: Iterable[str],
        explain: Callable[[Any], tuple[str, str]] = _nothing_said,
    ) -> None:
        self.scrubber = Scrubber({secret for secret in secrets if secret})
        self._vendor = vendor
        self._base = base_url.rstrip("/") if base_url else None
        self._auth = auth
        self._gate = gate
        self._record = calls.record
        self._allow_private = calls.allow_private
        self._timeout_s = timeout_s
        self._explain = explain
        pools = _pool_classes(allow_private=calls.allow_private)
        self._repeating = _session(_Transport(pools, _Repeat.of(gate)), calls.ca_file)
        self._once = _session(_Transport(pools, urllib3.Retry(0, read=False, redirect=0)), calls.ca_file)
        if self._base is not None:
            self._check(self._base)

    def url(self, documented: str) -> str:
        """Give the address to call for an endpoint as the vendor documents it."""
        if self._base is None:
            return documented
        parts = urlsplit(documented)
        return f"{self._base}/{parts.path.lstrip('/')}"

    def call(
        self,
        kind: Kind,
        method: str,
        documented: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        raw: bytes | None = None,
        people: Mapping[str, str] | None = None,
        also: frozenset[int] = frozenset(),
        overload_s: Mapping[int, float] | None = None,
    ) -> Answer:
        """Make one call, with at most one renewal of the token after a 401, all before one deadline.

        Args:
            kind: what the call does; see ``Kind``.
            method, documented: the verb, and the endpoint as the vendor documents it.
            query: parameters; a comma inside a value stays a comma.
            headers: beside those that every call has.
            body: a document to send as JSON.
            raw: bytes to send as they are, in place of ``body``; ``headers`` names their type.
            people: personal value to pseudonym, for what is kept of the call.
            also: statuses outside 200-299 that the adapter reads as answers.
            overload_s: statuses by which this vendor means "too busy", with the seconds to wait.

        Returns:
            The answer of the vendor, with a status of 200-299 or one of ``also``.

        Raises:
            VendorError: every other ending.
        """
        ends = time.monotonic() + self._timeout_s
        url = self.url(documented)
        if query:
            url += "?" + urlencode(query, quote_via=quote, safe=",")
        sent = {"Accept": "application/json", **(headers or {})}
        if raw is None and body is not None:
            raw, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = _Request(
            kind, method, url, sent, raw, body is not None, people or {}, also, overload_s or {}
        )
        outcome = self._exchange(request, self._auth.header(self, ends), ends)
        if outcome.status == 401 and self._auth.can_renew():
            outcome = self._exchange(request, self._auth.header(self, ends), ends)
        return self._answer(outcome)

    def token(self, auth: ClientCredentials, ends: float) -> tuple[str, float]:
        """Ask for an access token before ``ends`` (monotonic): the token, and the seconds that it lasts.

        Raises:
            VendorError: ``unauthorised`` where the credentials are refused, or as for any call.
        """
        form = urlencode({"grant_type": "client_credentials"}).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        request = _Request(
            Kind.TOKEN, "POST", self.url(auth.token_url), headers, form, True, {}, frozenset(), {}
        )
        basic = "Basic " + basic_credentials(auth.client_id, auth.client_secret)
        document = self._answer(self._exchange(request, basic, ends)).document
        try:
            token, lasts_s = document["access_token"], float(document["expires_in"])
        except (TypeError, KeyError, ValueError):
            token, lasts_s = None, 0.0
        if not isinstance(token, str) or not token or not 0 < lasts_s < float("inf"):
            raise self.malformed("the token answer has no access_token that lasts")
        self.scrubber.learn(token)
        return token, lasts_s

    def malformed(self, detail: str) -> VendorError:
        """Give the error for an answer that cannot be read; adapters raise it for failures hidden in a 200."""
        return VendorError(self._vendor, Trouble.MALFORMED, detail=self.scrubber.text(detail))

    def kept(self, document: Any, people: Mapping[str, str] | None = None) -> str:
        """Give a vendor's document as the text that may be kept: scrubbed JSON, cut to a sane length."""
        return _cut(self.scrubber.text(json.dumps(document, ensure_ascii=False, sort_keys=True), people))

    def _answer(self, outcome: _Outcome) -> Answer:
        if outcome.trouble is not None:
            raise VendorError(
                self._vendor,
                outcome.trouble,
                vendor_code=outcome.code,
                detail=outcome.detail,
                retry_after_s=outcome.retry_after_s,
            )
        return Answer(outcome.status or 0, outcome.document)

    def _exchange(self, request: _Request, authorization: str, ends: float) -> _Outcome:
        """Make one exchange: gate, request, answer, record."""
        if request.kind in {Kind.READ, Kind.WRITE}:
            self._gate.enter()
        at, started = datetime.now(UTC), time.monotonic()
        outcome = self._send(request, authorization, ends)
        self._gate.heard(outcome.trouble)
        headers = self.scrubber.headers({**request.headers, "Authorization": authorization}, request.people)
        self._record(
            CallRecord(
                vendor=self._vendor,
                at=at,
                method=request.method,
                url=_cut(self.scrubber.text(request.url, request.people), 2_000),
                status=outcome.status,
                request=_cut(f"{headers}\n{self._shown(request)}"),
                response=_cut(outcome.kept or outcome.detail),
                duration_s=time.monotonic() - started,
                trouble=outcome.trouble,
            )
        )
        return outcome

    def _shown(self, request: _Request) -> str:
        """Give the body of a request as it may be kept; a file is only measured."""
        if request.body is None:
            return ""
        if not request.is_text:
            return f"({len(request.body)} bytes)"
        return self.scrubber.text(request.body.decode(), request.people)

    def _send(self, request: _Request, authorization: str, ends: float) -> _Outcome:
        """Send a request and turn whatever happens into an outcome."""
        session = self._repeating if request.kind is Kind.READ else self._once
        try:
            self._check(request.url)
            with session.request(
                request.method,
                request.url,
                data=request.body,
                headers={**request.headers, "Authorization": authorization},
                timeout=_Until(ends),  # type: ignore[arg-type] # requests takes urllib3's Timeout, its stubs do not say so
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._heard(request, response, _body(response))
        except VendorError as err:
            return _Outcome(trouble=err.trouble, code=err.vendor_code, detail=err.detail)
        except _Blocked as err:
            return _Outcome(trouble=Trouble.REFUSED, code="blocked_address", detail=self.scrubber.text(str(err)))
        except _TooLarge:
            detail = f"the answer is larger than {MAX_BODY_BYTES} bytes"
            return _Outcome(trouble=Trouble.MALFORMED, code="too_large", detail=detail)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as err:
            detail = self.scrubber.text(f"{type(err).__name__}: {err}", request.people)
            return _Outcome(trouble=_transport_trouble(err, request.kind), detail=detail)

    def _heard(self, request: _Request, response: requests.Response, body: bytes) -> _Outcome:
        """Read a complete answer."""
        status = response.status_code
        try:
            document = json_document(body) if body.strip() else None
        except ValueError as err:
            document, unreadable = None, f"the answer is not JSON: {err}"
        else:
            unreadable = ""
        if request.kind is Kind.TOKEN and isinstance(document, dict):
            self.scrubber.learn(str(document.get("access_token", "")))
        shown = self.scrubber.text(body.decode(errors="replace"), request.people)
        kept = f"{self.scrubber.headers(response.headers, request.people)}\n{shown}"
        trouble = None if status in request.also else trouble_of(status, request.kind)
        wait_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
        if status in request.overload_s:
            trouble, wait_s = Trouble.THROTTLED, request.overload_s[status]
        if trouble is None and unreadable:
            detail = self.scrubber.text(unreadable, request.people)
            return _Outcome(status, None, Trouble.MALFORMED, "not_json", detail, None, kept)
        if trouble is None:
            return _Outcome(status, document, kept=kept)
        code, said = self._explain(document)
        detail = self.scrubber.text(said or f"HTTP {status} {response.reason or ''}".strip(), request.people)
        return _Outcome(status, document, trouble, code or str(status), detail, wait_s, kept)

    def _check(self, url: str) -> None:
        """Refuse an address before anything is resolved: scheme and port; the connection itself checks where it leads."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if not parts.hostname or parts.scheme not in {"http", "https"} or parts.username is not None:
            raise VendorError(
                self._vendor, Trouble.REFUSED, vendor_code="blocked_address", detail="the address is not one we can call"
            )
        if not self._allow_private and (parts.scheme != "https" or (port or 443) not in ALLOWED_PORTS):
            raise VendorError(
                self._vendor,
                Trouble.REFUSED,
                vendor_code="blocked_address",
                detail=f"vendors are called by https on port {', '.join(map(str, sorted(ALLOWED_PORTS)))} only",
            )


class _TooLarge(Exception):
    """The answer is larger than anything a vendor documents."""


def _body(response: requests.Response) -> bytes:
    """Read a body piece by piece, so that a large one is noticed before it is in memory."""
    body = bytearray()
    while piece := response.raw.read(65_536, decode_content=True):
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise _TooLarge
    return bytes(body)


def _transport_trouble(err: Exception, kind: Kind) -> Trouble:
    """Say what it means that no complete answer came."""
    if isinstance(err, requests.RequestException) and isinstance(err, ValueError):
        return Trouble.REFUSED  # requests would not even build it: an address or a header that cannot be
    reason = getattr(err.args[0], "reason", None) if err.args else None
    never_sent = isinstance(err, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)
    return Trouble.AMBIGUOUS if kind.is_write and not never_sent else Trouble.UNREACHABLE


def _session(transport: _Transport, ca_file: str | None) -> requests.Session:
    """Make a session that takes nothing from its surroundings: no proxy, no netrc, no cookies."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_file or True
    session.headers.clear()
    session.headers.update({"User-Agent": "warranty-tracker", "Accept-Encoding": "gzip"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("http://", transport)
    session.mount("https://", transport)
    return session


# ---------------------------------------------------------------------------------------------------------------------
# What vendors send to us


def verify_signature(vendor: str, secret: str, headers: Mapping[str, str], body: bytes) -> str:
    """Prove a push that is signed by the Standard Webhooks scheme, and give its id. Source: standard-webhooks spec 1.0.0.

    Args:
        vendor: for the error.
        secret: the shared secret: ``whsec_`` and base64 as the scheme has it, or any text; where a text could be
            either, both readings are tried, since the two come from the one secret.
        headers, body: as received.

    Raises:
        VendorError: ``unauthorised`` where the signature is missing, wrong, or more than five minutes off.
    """
    keys = _keys(secret)
    for key in keys:
        try:
            Webhook(key).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # ValueError: a signature or body that is not even text
            continue
        return next(value for name, value in headers.items() if name.lower() == "webhook-id")
    detail = "the signature does not hold" if keys else "the account has no webhook_secret"
    raise VendorError(vendor, Trouble.UNAUTHORISED, vendor_code="signature", detail=detail)


@functools.cache
def _keys(secret: str) -> tuple[bytes, ...]:
    """Give the readings of a shared secret."""
    plain = secret.removeprefix("whsec_")
    keys = [] if plain != secret or not secret else [secret.encode()]
    try:
        keys.append(base64.b64decode(plain, validate=True))
    except ValueError:
        pass
    return tuple(key for key in keys if key)
