"""ServiceNow: one vendor's (or partner's) instance as a channel for claims, by its Table API.

Source: vendor-apis.md, section 13, as of 2026-11. Every instance is its own: table, state values and the column of the
RMA number are options of the account.

Class B: nothing refuses a repeated claim, but a search by ``correlation_id`` is exact. What remains: the instance may
still accept a request later than ``SETTLE_S`` after we gave up on it.

A refusal of our request's form comes as an error (4xx) and is raised; the refusal of a claim is a state of the record,
which ``state_map`` turns into ``denied``.

Notes are the record's additional comments: written by a PATCH of ``comments``, read from the table of journal entries,
``sys_journal_field``, by ``element_id`` and ``element=comments`` (the vendor's page "Retrieve journal entries", release
Yokohama; work notes are their own affair). Whether the account's user may read that table is UNCERTAIN per instance. Where
it may not, cases come without notes and a push may bring them; an instance that hides the entries without a word answers
with an empty list, so say ``read_comments`` = ``false`` there, and no note is sent a second time on the strength of it.

Files: the Attachment API; its list of a record's files tells name and size. 18 MiB is the platform's limit for what comes
in by mail, and the smallest known; an instance may allow more.

A push is the envelope of the Table API, signed as the Standard Webhooks scheme has it: ``result`` with one record or
several, each with its entries of ``sys_journal_field`` under that name, if it is to bring notes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import quote

from vendors.contract import (
    AccountField,
    AdapterForm,
    Calls,
    Capabilities,
    Duty,
    FieldKind,
    Gate,
    Promise,
    RmaRequest,
    TokenStore,
    VendorAdapter,
    VendorCase,
    VendorFile,
    VendorNote,
    VendorStatus,
)
from vendors.errors import Trouble, VendorError
from vendors.http import Auth, Basic, ClientCredentials, Http, Kind, json_document
from vendors.options import Options
from vendors.scrub import people_of
from vendors.signatures import verify_signature

SETTLE_S = 120.0
PAGE_SIZE = 100
WIDEST_ZONE = timedelta(hours=14)
FIRST_LOOK = 2  # enough to see that a reference is there twice
SHORT_DESCRIPTION_CHARS = 160
MAX_FILE_BYTES = 18 * 1024 * 1024
MAX_NOTE_CHARS = 20_000
JOURNAL = "sys_journal_field"
LONG_AGO = datetime.min.replace(tzinfo=UTC)
CORRELATION_DISPLAY = "warranty-tracker"  # tells our records from those of everybody else on the instance

_QUERYABLE = re.compile(r"[\w.:/@ -]+")  # "^" would begin another condition
_SERIAL_LINE = re.compile(r"^Serial number: (.+)$", re.MULTILINE)


class ServiceNow(VendorAdapter):
    """Claims as records of one table of one ServiceNow instance."""

    name: ClassVar[str] = "servicenow"
    form: ClassVar[AdapterForm] = AdapterForm(
        vendor="servicenow",
        title="ServiceNow",
        settle_s=SETTLE_S,
        duties=frozenset({Duty.OPEN, Duty.TRACK}),
        fields=(
            AccountField("username", "user of the instance, for Basic", secret=True),
            AccountField("password", "password of that user", secret=True),
            AccountField("client_id", "OAuth client, in place of a user", secret=True),
            AccountField("client_secret", "secret of that client", secret=True),
            AccountField("table", "table that takes the claims", default="incident"),
            AccountField("caller_id", "caller of every record"),
            AccountField("assignment_group", "group that every record goes to"),
            AccountField("state_map", "JSON object: their state value to our word", kind=FieldKind.JSON),
            AccountField(
                "rma_number_field", "column of the RMA number; without it the case number is one once approved"
            ),
            AccountField(
                "read_comments",
                "whether their comments are read; false where the instance does not show them",
                kind=FieldKind.BOOLEAN,
                default="true",
            ),
            AccountField("token_url", "token endpoint of the OAuth client", default="/oauth_token.do"),
        ),
        either=(("username", "password"), ("client_id", "client_secret")),
        promise=Promise.B,
        needs_base_url=True,
        checked_against="the platform's documents, and its twin; never an instance",
        uncertain=(
            "the words and columns of each instance: they are options of the account",
            "whether an account may read the comments (`sys_journal_field`): `read_comments`",
        ),
    )

    def __init__(self, http: Http, options: Options, *, settle_s: float, states: Mapping[str, VendorStatus]) -> None:
        """Take the calls and the options of one account."""
        self._http = http
        self._table = options.text("table", "incident")
        self._endpoint = f"/api/now/table/{quote(self._table, safe='')}"
        self._fixed = {name: options.text(name) for name in ("caller_id", "assignment_group") if options.text(name)}
        self._rma_number_field = options.text("rma_number_field")
        self._reads_comments = options.boolean("read_comments", default=True)
        self._webhook_secret = options.text("webhook_secret")
        self._settle_s = settle_s
        self._states = states

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], *, base_url: str | None, tokens: TokenStore, gate: Gate, calls: Calls
    ) -> Self:
        """Build the adapter; needs a base URL, and a user or an OAuth client."""
        read = Options(cls.name, options)
        if not base_url:
            raise VendorError(cls.name, Trouble.REFUSED, vendor_code="option", detail="base_url is missing")
        auth: Auth
        if read.text("client_id"):
            token_url = read.text("token_url", "/oauth_token.do")
            auth = ClientCredentials(token_url, read.need("client_id"), read.need("client_secret"), tokens)
        else:
            auth = Basic(read.need("username"), read.need("password"))
        http = Http(
            cls.name,
            base_url=base_url,
            auth=auth,
            gate=gate,
            calls=calls,
            timeout_s=read.timeout_s(calls),
            secrets=read.secrets(cls.form),
            explain=_explain,
        )
        return cls(http, read, settle_s=read.settle_s(SETTLE_S, calls), states=_states(read.json("state_map")))

    @property
    def capabilities(self) -> Capabilities:
        """Class B, searched by our reference; no quota is published, an instance answers 429 where it has one."""
        return Capabilities(
            duties=self.form.duties,
            promise=self.form.promise,
            settle_s=self._settle_s,
            max_file_bytes=MAX_FILE_BYTES,
            notes=True,
            reads_notes=self._reads_comments,
            attachments=True,
            finds_files=True,
            lists_cases=True,
            webhooks=bool(self._webhook_secret),
        )

    def check(self) -> None:
        """Read one record of the table."""
        self._query({"sysparm_limit": "1"})

    def find_case(self, request: RmaRequest) -> VendorCase | None:
        """Search by our reference, in every state; two records for one reference are one case with ``duplicates``."""
        people = people_of(request)
        records = self._matching("correlation_id", request.client_reference, people)
        if not records:
            return None
        oldest, *others = sorted(records, key=lambda one: (_text(one, "sys_created_on"), _text(one, "number")))
        return self._case(oldest, people, duplicates=tuple(_text(one, "number") for one in others))

    def open_case(self, request: RmaRequest) -> VendorCase:
        """Insert one record. A denied claim cannot be sent again under its number; the host has not asked for that."""
        people = people_of(request)
        what = " ".join(filter(None, (request.manufacturer, request.product_name, request.unit.serial_number)))
        rank = str(min(max(request.severity, 1), 3))
        record = {
            "short_description": _one_line(f"RMA {what}: {request.symptom}")[:SHORT_DESCRIPTION_CHARS],
            "description": request.as_lines(),
            "correlation_id": request.client_reference,
            "correlation_display": CORRELATION_DISPLAY,
            "impact": rank,
            "urgency": rank,
            **self._fixed,
        }
        # The platform ignores the key today; it costs nothing, and a gateway before it may honour it.
        headers = {"Idempotency-Key": request.client_reference}
        document = self._http.call(Kind.OPEN, "POST", self._endpoint, body=record, headers=headers, people=people)
        # That it was accepted is a fact, whatever word the instance has for it; a poll looks at the word itself.
        return self._case(self._result(document, dict), people, at_least=VendorStatus.RECEIVED)

    def read_cases(self, vendor_case_numbers: Sequence[str]) -> Iterator[VendorCase]:
        """Read records by their number, one query each, and one for its comments."""
        for number in filter(_QUERYABLE.fullmatch, vendor_case_numbers):
            for record in self._matching("number", number, {}):
                yield self._case(record, {}, notes=self._shown_notes(record))

    def list_cases(self, since: datetime) -> Iterator[VendorCase]:
        """List the records that we opened, oldest first, page by page."""
        # An instance reads the time of a query in its user's own zone, so we ask for more and sort out ourselves. Records of
        # one second have an order too, else two pages could share some of them and miss others.
        stamp = (since.astimezone(UTC) - WIDEST_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        query = f"correlation_display={CORRELATION_DISPLAY}^sys_created_on>={stamp}^ORDERBYsys_created_on^ORDERBYnumber"
        page = self._page(query, 0)
        begin = 0
        if len(page) == PAGE_SIZE and all(_is_before(record, since) for record in page):
            begin = self._begin(query, since, _created(page[0]))
            page = self._page(query, begin)
        seen: set[str] = set()
        while True:
            numbers = {_text(record, "number") for record in page}
            if seen & numbers:
                raise self._http.malformed("the list gives the same records again: it does not page")
            seen |= numbers
            for record in page:
                is_ours = _text(record, "correlation_display") == CORRELATION_DISPLAY
                if is_ours and not _is_before(record, since):
                    yield self._case(record, {})
            if len(page) < PAGE_SIZE:
                return
            page = self._page(query, begin + len(seen))

    def _begin(self, query: str, since: datetime, first: datetime | None) -> int:
        """Find the last page that begins before ``since``, in a few calls however many pages are before it.

        A list that turns out not to be in order is read from its beginning.
        """
        begins = {0: first}
        low, high = 0, 1
        while self._is_passed(query, high, since, begins):
            low, high = high, high * 4
        while high - low > 1:
            middle = (low + high) // 2
            if self._is_passed(query, middle, since, begins):
                low = middle
            else:
                high = middle
        times = [begins[number] for number in sorted(begins)]
        known = [at for at in times if at is not None]
        return low * PAGE_SIZE if known == sorted(known) else 0

    def _is_passed(self, query: str, number: int, since: datetime, begins: dict[int, datetime | None]) -> bool:
        """Whether a page begins before ``since``; remembers when it begins."""
        records = self._page(query, number * PAGE_SIZE, limit=1)
        if not records:
            return False
        begins[number] = _created(records[0])
        return _is_before(records[0], since)

    def _page(self, query: str, offset: int, *, limit: int = PAGE_SIZE) -> list[dict[str, Any]]:
        """Ask for some of a long list."""
        return self._query({"sysparm_query": query, "sysparm_limit": str(limit), "sysparm_offset": str(offset)})

    def add_note(self, vendor_case_number: str, text: str) -> None:
        """Add a comment, which the other side sees."""
        path = f"{self._endpoint}/{quote(self._sys_id(vendor_case_number), safe='')}"
        self._result(self._http.call(Kind.WRITE, "PATCH", path, body={"comments": text}), dict)

    def notes_of(self, vendor_case_number: str) -> Sequence[VendorNote]:
        """Read the newest comments of the record."""
        return self._notes(self._sys_id(vendor_case_number))

    def attach(self, vendor_case_number: str, file: VendorFile) -> None:
        """Attach a file to the record."""
        query = {**self._record_of_files(vendor_case_number), "file_name": file.name}
        headers = {"Content-Type": file.content_type}
        document = self._http.call(
            Kind.WRITE, "POST", "/api/now/attachment/file", query=query, headers=headers, raw=file.content
        )
        self._result(document, dict)

    def has_file(self, vendor_case_number: str, file: VendorFile) -> bool:
        """Look through the files of the record. A name may hold what would change a query, so it is compared here."""
        record = self._record_of_files(vendor_case_number)
        asked = "^".join(f"{column}={value}" for column, value in record.items())
        query = {"sysparm_query": f"{asked}^ORDERBYDESCsys_created_on", "sysparm_limit": str(PAGE_SIZE)}
        found = self._records(self._http.call(Kind.READ, "GET", "/api/now/attachment", query=query))
        if any(_text(one, "table_sys_id") != record["table_sys_id"] for one in found):
            raise self._http.malformed("asked for the files of a record, answered with other files")
        is_it = (file.name, str(len(file.content)))
        return any((_text(one, "file_name"), _text(one, "size_bytes")) == is_it for one in found)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Check the signature that the instance's outbound message carries; give the delivery's id."""
        return verify_signature(self.name, self._webhook_secret, headers, body)

    def parse_webhook(self, body: bytes) -> Sequence[VendorCase]:
        """Read a push: the envelope of the Table API, with one record or several, and their comments."""
        try:
            document = json_document(body)
        except ValueError as err:
            raise self._http.malformed(f"the push is not JSON: {err}") from None
        if isinstance(document, dict) and isinstance(document.get("result"), dict):
            document = {**document, "result": [document["result"]]}
        return tuple(
            self._case(record, {}, notes=self._read_notes(record.get(JOURNAL), _text(record, "sys_id")))
            for record in self._records(document)
        )

    def _sys_id(self, number: str) -> str:
        """Find the record behind a case number."""
        for record in self._matching("number", number, {}):
            return _text(record, "sys_id")
        raise VendorError(self.name, Trouble.REFUSED, vendor_code="no_such_case", detail=f"there is no case {number}")

    def _matching(self, column: str, value: str, people: Mapping[str, str]) -> list[dict[str, Any]]:
        """Give the records whose column has exactly this value."""
        if not _QUERYABLE.fullmatch(value):
            raise VendorError(self.name, Trouble.REFUSED, vendor_code="query", detail=f"cannot search for {value!r}")
        records = self._query({"sysparm_query": f"{column}={value}", "sysparm_limit": str(FIRST_LOOK)}, people)
        if any(_text(record, column) != value for record in records):
            # An instance drops a condition that it does not know, and answers with any records: no proof of absence.
            raise self._http.malformed(f"asked for {column}={value}, answered with other records")
        return records

    def _record_of_files(self, number: str) -> dict[str, str]:
        """Name a record as the Attachment API does."""
        return {"table_name": self._table, "table_sys_id": self._sys_id(number)}

    def _shown_notes(self, record: Mapping[str, Any]) -> tuple[VendorNote, ...]:
        """Read a record's comments, where they can be read: the state is worth more, and the next reading tries again."""
        if not self._reads_comments:
            return ()
        try:
            return self._notes(_text(record, "sys_id"))
        except VendorError:
            return ()

    def _notes(self, sys_id: str) -> tuple[VendorNote, ...]:
        """Ask for the newest comments of a record."""
        if not _QUERYABLE.fullmatch(sys_id):
            raise self._http.malformed("the record has no sys_id")
        query = {
            "sysparm_query": f"element_id={sys_id}^element=comments^ORDERBYDESCsys_created_on",
            "sysparm_fields": "sys_id,element,element_id,value,sys_created_by,sys_created_on",
            "sysparm_limit": str(PAGE_SIZE),
        }
        entries = self._records(self._http.call(Kind.READ, "GET", f"/api/now/table/{JOURNAL}", query=query))
        if any(_text(entry, "element_id") != sys_id for entry in entries):
            raise self._http.malformed("asked for the comments of a record, answered with other entries")
        return self._read_notes(entries, sys_id)

    def _read_notes(self, entries: Any, sys_id: str) -> tuple[VendorNote, ...]:
        """Read journal entries, oldest first; those of another record or of another column are no comments on this one."""
        listed: list[Any] = entries if isinstance(entries, list) else []
        notes = [
            VendorNote(
                note_id=_text(entry, "sys_id"),
                text=self._http.scrubber.text(_text(entry, "value"))[:MAX_NOTE_CHARS],
                author=self._http.scrubber.text(_text(entry, "sys_created_by"))[:100],
                at=_instant(_text(entry, "sys_created_on")),
            )
            for entry in reversed(listed)
            if isinstance(entry, dict)
            and (_text(entry, "element"), _text(entry, "element_id")) == ("comments", sys_id)
            and _text(entry, "sys_id")
        ]
        return tuple(sorted(notes, key=lambda one: one.at or LONG_AGO))

    def _query(self, query: Mapping[str, str], people: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Ask the table, and give its records."""
        return self._records(self._http.call(Kind.READ, "GET", self._endpoint, query=query, people=people))

    def _records(self, document: Any) -> list[dict[str, Any]]:
        """Take the list of records out of its envelope."""
        records: list[dict[str, Any]] = self._result(document, list)
        if not all(isinstance(record, dict) for record in records):
            raise self._http.malformed("the answer is not a list of records")
        return records

    def _result(self, document: Any, kind: type) -> Any:
        """Take the result out of its envelope; a failure hides in a 200, also beside part of a result."""
        if not isinstance(document, dict) or "error" in document or document.get("status") == "failure":
            said = _explain(document)[1] or "the answer has no result"
            raise self._http.malformed(said)
        if not isinstance(document.get("result"), kind):
            raise self._http.malformed("the answer has no result")
        return document["result"]

    def _case(
        self,
        record: dict[str, Any],
        people: Mapping[str, str],
        *,
        notes: tuple[VendorNote, ...] = (),
        duplicates: tuple[str, ...] = (),
        at_least: VendorStatus = VendorStatus.UNKNOWN,
    ) -> VendorCase:
        """Read one record."""
        number, word = _text(record, "number"), _text(record, "state")
        if not number:
            raise self._http.malformed("the record has no number")
        status = self._states.get(word, at_least)
        if self._rma_number_field:
            rma_number = _text(record, self._rma_number_field) or None
        else:
            rma_number = number if status.is_past_approval else None
        serial = _SERIAL_LINE.search(_text(record, "description"))
        return VendorCase(
            vendor_case_number=number,
            status=status,
            vendor_status=word,
            rma_number=rma_number,
            client_reference=_text(record, "correlation_id") or None,
            serial_number=serial.group(1).strip() if serial else "",
            opened_at=_created(record),
            changed_at=_instant(_text(record, "sys_updated_on")),
            reason=self._http.scrubber.text(_text(record, "close_notes"), people)[:500],
            notes=notes,
            duplicates=duplicates,
            raw=self._http.kept(record, people),
        )


def _states(given: Mapping[str, Any]) -> dict[str, VendorStatus]:
    """Read ``state_map``: their value to our word."""
    try:
        return {state: VendorStatus(word) for state, word in given.items()}
    except ValueError as err:
        words = ", ".join(VendorStatus)
        detail = f"state_map: {err}; our words are {words}"
        raise VendorError(ServiceNow.name, Trouble.REFUSED, vendor_code="option", detail=detail) from None


def _text(record: Mapping[str, Any], name: str) -> str:
    """Give a column as text: a plain value, or the ``value`` of a reference."""
    value = record.get(name)
    if isinstance(value, dict):
        value = value.get("value")
    return "" if value is None else str(value).strip()


def _instant(text: str) -> datetime | None:
    """Read a time, which is UTC and says so nowhere; None where it is empty or not in that form."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _created(record: Mapping[str, Any]) -> datetime | None:
    """When a record was made."""
    return _instant(_text(record, "sys_created_on"))


def _is_before(record: Mapping[str, Any], since: datetime) -> bool:
    """Whether a record was made before an instant; not where it does not say when."""
    at = _created(record)
    return at is not None and at < since


def _one_line(text: str) -> str:
    """Put a text on one line."""
    return " ".join(text.split())


def _explain(document: Any) -> tuple[str, str]:
    """Read an error: ``error`` is an object in the Table API, and a word at the token endpoint."""
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error")
    if isinstance(error, dict):
        return "", ": ".join(filter(None, (_text(error, "message"), _text(error, "detail"))))
    return _text(document, "error"), _text(document, "error_description")
