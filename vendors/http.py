"""Every request to a vendor leaves from here: the only place that makes calls, reads their statuses and records them.

Nothing is repeated but look-ups, and those only after a connection broke or the vendor answered 502, 503 or 504; every
other repetition is the host's, which searches first. Where a call may go is said in ``transport``, what is kept of it
in ``scrub``.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from itertools import chain
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import requests
import urllib3

from vendors.contract import CallRecord, Calls, Gate, TokenStore
from vendors.errors import Trouble, VendorError
from vendors.scrub import Scrubber, cut
from vendors.transport import BlockedAddress, Until, check_url, never_connected, open_session

MAX_BODY_BYTES = 5_000_000
MAX_JSON_DEPTH = 32
MAX_RETRY_AFTER_S = 86_400.0  # a hostile or broken header must not park an order for a year


class Kind(Enum):
    """What a call does at the vendor: decides what its failure means, who may repeat it, and who enters the gate."""

    READ = "read"
    WRITE = "write"  # a note, a file: changes something, but opens nothing
    OPEN = "open"  # the host has entered the gate before it marked the send
    TOKEN = "token"  # noqa: S105 -- the name of a kind of call, not a secret; tokens are no part of a vendor's quota

    @property
    def is_write(self) -> bool:
        """Whether a call that failed may still have changed something."""
        return self in {Kind.WRITE, Kind.OPEN}


def trouble_of(status: int, kind: Kind) -> Trouble | None:
    """Say what an HTTP status means for the caller; None: an answer. Source: reliability.md, section 3.2."""
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


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the answers to a call are read.

    Attributes:
        name: of the format, for messages.
        media_type: what we ask for.
        read: parses a body, which is hostile input; raises ``ValueError`` where it cannot be read.
        meaning: what an answer means, by its status, the kind of call and what was read of it (None: nothing).
    """

    name: str
    media_type: str
    read: Callable[[bytes], Any]
    meaning: Callable[[int, Kind, Any], Trouble | None]


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
class _Request:
    """One request, complete but for its credentials."""

    kind: Kind
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    shown: str  # the body as it may be kept, once it is scrubbed
    people: Mapping[str, str]
    dialect: Dialect


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
        ValueError: not JSON, not UTF-8, a number that is none (NaN), a text with a NUL or half a character, which no
            database keeps, or nested deeper than ``MAX_JSON_DEPTH``.
    """
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        if any(_UNKEEPABLE.search(text) for text in level if isinstance(text, str)):
            raise ValueError("a text has a NUL or half a character")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (chain(outer, outer.values()) if isinstance(outer, dict) else outer)
        ]
        if not level:
            return document
    raise ValueError("nested too deeply")


_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


def _no_constant(name: str) -> Any:
    """Refuse NaN and the infinities, which are no JSON."""
    raise ValueError(f"{name} is not JSON")


JSON = Dialect("JSON", "application/json", json_document, lambda status, kind, _document: trouble_of(status, kind))


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
        rules: dict[str, Any] = {"allow_private": calls.allow_private, "ca_file": calls.ca_file}
        self._repeating = open_session(**rules, repeat_through=gate)
        self._once = open_session(**rules, repeat_through=None)
        try:
            check_url(self.url("https://vendor.invalid/"), allow_private=calls.allow_private)
        except BlockedAddress as err:
            raise VendorError(vendor, Trouble.REFUSED, vendor_code="blocked_address", detail=str(err)) from None

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
        shown: str = "",
        dialect: Dialect = JSON,
        people: Mapping[str, str] | None = None,
        overload_s: Mapping[int, float] | None = None,
    ) -> Any:
        """Make one call, with at most one renewal of the token after a 401, all before one deadline.

        Args:
            kind: what the call does; see ``Kind``.
            method, documented: the verb, and the endpoint as the vendor documents it.
            query: parameters; a comma inside a value stays a comma.
            headers: beside those that every call has.
            body: a document to send as JSON.
            raw: bytes to send as they are, in place of ``body``; ``headers`` names their type.
            shown: what may be kept of ``raw``; where it is empty, only its size is.
            dialect: how the answer is read.
            people: personal value to pseudonym, for what is kept of the call.
            overload_s: statuses by which this vendor means "too busy", with the seconds to wait.

        Returns:
            The parsed body of an answer of 200-299; None where it was empty.

        Raises:
            VendorError: every other ending.
        """
        ends = time.monotonic() + self._timeout_s
        url = self.url(documented)
        if query:
            url += "?" + urlencode(query, quote_via=quote, safe=",")
        sent = {"Accept": dialect.media_type, **(headers or {})}
        if raw is not None:
            shown = shown or f"({len(raw)} bytes)"
        elif body is not None:
            shown = json.dumps(body)
            raw, sent["Content-Type"] = shown.encode(), "application/json"
        request = _Request(kind, method, url, sent, raw, shown, people or {}, dialect)
        outcome = self._exchange(request, self._auth.header(self, ends), ends)
        if outcome.status == 401 and self._auth.can_renew():
            outcome = self._exchange(request, self._auth.header(self, ends), ends)
        wait_s = (overload_s or {}).get(outcome.status or 0)
        if wait_s is not None:
            outcome = replace(outcome, trouble=Trouble.THROTTLED, retry_after_s=outcome.retry_after_s or wait_s)
            self._gate.heard(outcome.trouble, outcome.retry_after_s)
        return self._document(outcome)

    def token(self, auth: ClientCredentials, ends: float) -> tuple[str, float]:
        """Ask for an access token before ``ends`` (monotonic): the token, and the seconds that it lasts.

        Raises:
            VendorError: ``unauthorised`` where the credentials are refused, or as for any call.
        """
        form = urlencode({"grant_type": "client_credentials"})
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        request = _Request(Kind.TOKEN, "POST", self.url(auth.token_url), headers, form.encode(), form, {}, JSON)
        basic = "Basic " + basic_credentials(auth.client_id, auth.client_secret)
        document = self._document(self._exchange(request, basic, ends))
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
        return cut(self.scrubber.text(json.dumps(document, ensure_ascii=False, sort_keys=True), people))

    def _document(self, outcome: _Outcome) -> Any:
        """Give what an exchange was for, or raise what became of it."""
        if outcome.trouble is not None:
            raise VendorError(
                self._vendor,
                outcome.trouble,
                vendor_code=outcome.code,
                detail=outcome.detail,
                retry_after_s=outcome.retry_after_s,
            )
        return outcome.document

    def _exchange(self, request: _Request, authorization: str, ends: float) -> _Outcome:
        """Make one exchange: gate, request, answer, record."""
        if request.kind in {Kind.READ, Kind.WRITE}:
            self._gate.enter()
        at, started = datetime.now(UTC), time.monotonic()
        outcome = self._send(request, authorization, ends)
        self._gate.heard(outcome.trouble, outcome.retry_after_s)
        headers = self.scrubber.headers({**request.headers, "Authorization": ""}, request.people)
        self._record(
            CallRecord(
                vendor=self._vendor,
                at=at,
                method=request.method,
                url=cut(self.scrubber.text(request.url, request.people), 2_000),
                status=outcome.status,
                request=cut(f"{headers}\n{self.scrubber.text(request.shown, request.people)}"),
                response=cut(outcome.kept or outcome.detail),
                duration_s=time.monotonic() - started,
                trouble=outcome.trouble,
            )
        )
        return outcome

    def _send(self, request: _Request, authorization: str, ends: float) -> _Outcome:
        """Send a request and turn whatever happens into an outcome."""
        session = self._repeating if request.kind is Kind.READ else self._once
        try:
            check_url(request.url, allow_private=self._allow_private)
            with session.request(
                request.method,
                request.url,
                data=request.body,
                headers={**request.headers, "Authorization": authorization},
                timeout=Until(ends),  # type: ignore[arg-type] # requests takes urllib3's Timeout, its stubs do not say so
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._heard(request, response, _body(response))
        except BlockedAddress as err:
            return _Outcome(trouble=Trouble.REFUSED, code="blocked_address", detail=self.scrubber.text(str(err)))
        except _TooLarge:
            detail = f"the answer is larger than {MAX_BODY_BYTES} bytes"
            return _Outcome(trouble=Trouble.MALFORMED, code="too_large", detail=detail)
        except (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError):
            return _Outcome(trouble=Trouble.MALFORMED, code="encoding", detail="the answer is not encoded as it says")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as err:
            trouble, said = _transport_trouble(err, request.kind)
            return _Outcome(trouble=trouble, detail=self.scrubber.text(said, request.people))

    def _heard(self, request: _Request, response: requests.Response, body: bytes) -> _Outcome:
        """Read a complete answer."""
        status = response.status_code
        try:
            document = request.dialect.read(body) if body.strip() else None
        except ValueError as err:
            document, unreadable = None, f"the answer is not {request.dialect.name}: {err}"
        else:
            unreadable = ""
        if request.kind is Kind.TOKEN and isinstance(document, dict):
            self.scrubber.learn(str(document.get("access_token", "")))
        shown = self.scrubber.text(body.decode(errors="replace").replace("\0", "\ufffd"), request.people)
        kept = f"{self.scrubber.headers(response.headers, request.people)}\n{shown}"
        trouble = request.dialect.meaning(status, request.kind, document)
        wait_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
        if trouble is None and unreadable:
            detail = self.scrubber.text(unreadable, request.people)
            return _Outcome(status, None, Trouble.MALFORMED, f"not_{request.dialect.name.lower()}", detail, None, kept)
        if trouble is None:
            return _Outcome(status, document, kept=kept)
        code, said = self._explain(document)
        detail = self.scrubber.text(said or f"HTTP {status} {response.reason or ''}".strip(), request.people)
        code = self.scrubber.text(code, request.people)[:60] or str(status)  # a vendor may echo anything here too
        return _Outcome(status, document, trouble, code, detail, wait_s, kept)


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


def _transport_trouble(err: Exception, kind: Kind) -> tuple[Trouble, str]:
    """Say what it means that no complete answer came, and say so in a sentence."""
    if isinstance(err, requests.RequestException) and isinstance(err, ValueError):
        return Trouble.REFUSED, f"such a request cannot be made: {err}"
    if never_connected(err):
        return Trouble.UNREACHABLE, f"no connection: {err}"
    timed_out = isinstance(err, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError)
    said = "no complete answer before the deadline" if timed_out else f"the connection broke: {err}"
    return Trouble.AMBIGUOUS if kind.is_write else Trouble.UNREACHABLE, said
