"""The contract between the product and every vendor: the only vocabulary that crosses the border, in both directions.

Words of one vendor never leave its adapter; what leaves is written in the terms of this module. The host hands in a
``TokenStore``, a ``Gate`` and a ``Calls``, and gets values or a ``VendorError`` back, nothing else.

Plain strings that belong to the host's closed lists (``kind``, ``service_level``, ``component`` ...) carry the values
of its enums; this package cannot import them, since vendors stand alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Protocol, Self

from vendors.errors import Trouble, VendorError

# ---------------------------------------------------------------------------------------------------------------------
# Closed lists


class VendorStatus(StrEnum):
    """Where a case stands at the vendor, in our words. Source: domain.md, section 3."""

    RECEIVED = "received"
    UNDER_REVIEW = "under_review"
    INFO_REQUIRED = "info_required"
    APPROVED = "approved"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    ENGINEER_SCHEDULED = "engineer_scheduled"
    RETURN_DUE = "return_due"
    RETURN_IN_TRANSIT = "return_in_transit"
    RETURN_RECEIVED = "return_received"
    IN_REPAIR = "in_repair"
    NO_FAULT_FOUND = "no_fault_found"
    DENIED = "denied"
    ON_HOLD = "on_hold"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    UNKNOWN = "unknown"  # a word that the adapter does not know: kept, and moves nothing

    @property
    def is_past_approval(self) -> bool:
        """Whether a case can only stand here after the vendor has approved the replacement."""
        return self in PAST_APPROVAL


PAST_APPROVAL = frozenset(
    {
        VendorStatus.APPROVED,
        VendorStatus.SHIPPED,
        VendorStatus.DELIVERED,
        VendorStatus.ENGINEER_SCHEDULED,
        VendorStatus.RETURN_DUE,
        VendorStatus.RETURN_IN_TRANSIT,
        VendorStatus.RETURN_RECEIVED,
    }
)


class Duty(StrEnum):
    """What an account may be used for."""

    LOOKUP = "lookup"
    OPEN = "open"
    TRACK = "track"


class Promise(StrEnum):
    """What "exactly one case" rests on at this vendor. Source: reliability.md, section 3.4."""

    A = "A"  # honours our key or refuses a repeated reference: re-send inside ``key_lifetime_s``, search after it
    B = "B"  # can be searched by our reference: settle, search, then re-send
    C = "C"  # neither: never re-send, a person asks


class Need(StrEnum):
    """What the vendor requires of an RMA request beside the unit."""

    CONTACT = "contact"  # with a name, a phone number and an e-mail
    SHIP_TO = "ship_to"
    DIAGNOSIS = "diagnosis"
    PRODUCT_NUMBER = "product_number"
    COUNTRY = "country"
    PARTS = "parts"  # entries of the vendor's parts list; see ``VendorAdapter.parts_for``


class ReturnStart(StrEnum):
    """What starts the clock for sending the defective part back."""

    ORDER = "order"
    SHIPMENT = "shipment"
    DELIVERY = "delivery"


class TransferRule(StrEnum):
    """What cover a replacement has."""

    REMAINING_TERM = "remaining_term"
    FIXED_DAYS = "fixed_days"
    LONGER_OF_BOTH = "longer_of_both"


class NotListedWhy(StrEnum):
    """Why the vendor listed nothing for a unit. None of these means "out of warranty"."""

    UNKNOWN = "unknown"  # the vendor does not know the serial
    NOT_OWNER = "not_owner"  # the vendor knows it, but will not tell this account
    NOT_PROCESSED = "not_processed"  # no answer about this unit: ask again, it counts as a failed look-up


class ShipmentDirection(StrEnum):
    """Which way a parcel travels."""

    TO_US = "to_us"
    TO_VENDOR = "to_vendor"


class FieldKind(StrEnum):
    """How the text of an option is read."""

    TEXT = "text"
    BOOLEAN = "boolean"  # "true" or "false"
    NUMBER = "number"  # whole seconds, days or the like, zero or more
    JSON = "json"  # a JSON object
    QUOTA = "quota"  # calls in a time, such as 10/second


# ---------------------------------------------------------------------------------------------------------------------
# How long a text may be: a longer word is cut, a longer name of something is none that anybody could use

MAX_NUMBER_CHARS = 64
MAX_ID_CHARS = 120
MAX_WORD_CHARS = 200


def _cut(answer: object, limit: int, *names: str) -> None:
    """Cut words of an answer that is being made."""
    for name in names:
        object.__setattr__(answer, name, getattr(answer, name)[:limit])


def _refuse_overlong(limit: int, *ids: str | None) -> None:
    """Refuse an answer that names something by more than a vendor ever would."""
    for id_ in ids:
        if id_ is not None and len(id_) > limit:
            raise VendorError("the vendor", Trouble.MALFORMED, detail=f"a number or name of {len(id_)} characters")


# ---------------------------------------------------------------------------------------------------------------------
# What an account must be given, and what it can do


@dataclass(frozen=True, slots=True)
class AccountField:
    """One secret or option of a vendor account.

    ``required_for`` names the duties that cannot be done without it; empty: optional. ``default`` is only for display.
    """

    name: str
    help: str
    secret: bool = False
    required_for: frozenset[Duty] = frozenset()
    kind: FieldKind = FieldKind.TEXT
    default: str = ""


@dataclass(frozen=True, slots=True)
class AdapterForm:
    """What an adapter asks of an account before it starts; ``title`` is the vendor's name as people write it.

    ``either`` lists groups of secrets of which one must be complete (user name and password, *or* client id and
    secret). ``promise`` is that of ``Capabilities``. ``needs_base_url``: the vendor has no host of its own, each
    customer has one. ``checked_against``: what the adapter was tried with, ``uncertain``: what no source settles and how it
    is read meanwhile, each in words for the table of vendors. ``settings``: what the host itself must have set, by the duty
    that cannot be done without it. ``settle_s``: the vendor's own settle time, as in ``Capabilities``, whatever an account asks.
    """

    vendor: str
    title: str
    duties: frozenset[Duty]
    fields: tuple[AccountField, ...] = ()
    either: tuple[tuple[str, ...], ...] = ()
    promise: Promise | None = None
    needs_base_url: bool = False
    checked_against: str = ""
    uncertain: tuple[str, ...] = ()
    settings: Mapping[Duty, str] = field(default_factory=dict)
    settle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``calls`` in any ``per_s`` seconds."""

    calls: int
    per_s: float


@dataclass(frozen=True, slots=True)
class ReturnRule:
    """The defective part is due back ``days`` (calendar days, or business days) after ``starts``."""

    days: int
    starts: ReturnStart
    business_days: bool = False


@dataclass(frozen=True, slots=True)
class ByHand:
    """A portal or a telephone instead of an API: nothing is sent, a person gets these and the request to paste."""

    portal_url: str = ""
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one *account* can do, so that no task ever asks for a vendor's name.

    Attributes:
        duties: what this account can be used for at all.
        promise: the promise class of opening; None where the account only looks up.
        settle_s: seconds after which a request we gave up on is either visible to a search or never arrived.
        key_lifetime_s: class A only: how long the vendor remembers our key.
        batch_size: units in one look-up call.
        quota: the vendor's published limit; None where none is published.
        requires: what a request must carry before it may be sent (else ``info_missing``).
        return_rule: when the defective part is due back; None where the vendor tells each time, or not at all.
        dead_on_arrival_days: days after delivery in which a dead replacement is simply swapped; None: unknown.
        transfer_rule, transfer_days: what cover the replacement has; days for ``fixed_days`` and ``longer_of_both``.
        by_hand: set where the adapter cannot open by itself: the Rma goes to ``manual_handling``.
        components: what it can open by itself, in the host's words; None: everything.
        otherwise: what a person gets for the other components.
        max_denials: a denied case can be sent again under its own number until it was denied so often; 0: it cannot.
        max_file_bytes: the largest file that ``attach`` takes.
        max_request_bytes: how much all files of one request may hold; 0: a request takes none.
        files_again: files go along also where a denied case is sent again.
        parts_list, proposes, notes, reads_notes, attachments, finds_files, cancels, pulls, lists_cases, webhooks,
            after_swap: the optional methods it has; ``proposes`` is that of ``candidates``. A note, or a file, that may
            have arrived is sent again only where ``reads_notes``, or ``finds_files``, can tell that it did not. What a
            vendor that ``pulls`` says of its cases comes by ``pull`` alone: they are not read by number.
    """

    duties: frozenset[Duty]
    promise: Promise | None = None
    settle_s: float = 0.0
    key_lifetime_s: float = 0.0
    batch_size: int = 1
    quota: Quota | None = None
    requires: frozenset[Need] = frozenset()
    return_rule: ReturnRule | None = None
    dead_on_arrival_days: int | None = None
    transfer_rule: TransferRule = TransferRule.REMAINING_TERM
    transfer_days: int | None = None
    by_hand: ByHand | None = None
    components: frozenset[str] | None = None
    otherwise: ByHand = ByHand()
    max_denials: int = 0
    max_file_bytes: int = 0
    max_request_bytes: int = 0
    files_again: bool = False
    parts_list: bool = False
    proposes: bool = False
    notes: bool = False
    reads_notes: bool = False
    attachments: bool = False
    finds_files: bool = False
    cancels: bool = False
    pulls: bool = False
    lists_cases: bool = False
    webhooks: bool = False
    after_swap: bool = False

    def by_hand_for(self, component: str) -> ByHand | None:
        """Give what a person needs to claim a component; None where the adapter does it."""
        if self.by_hand is not None or self.components is None or component in self.components:
            return self.by_hand
        return self.otherwise

    def request_bytes(self, denials: int) -> int:
        """Give how much the files of a claim may hold that was denied so often; 0: it takes none."""
        return self.max_request_bytes if self.files_again or not denials else 0


# ---------------------------------------------------------------------------------------------------------------------
# Looking up


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit as a vendor must know it; ``country`` is ISO 3166 alpha-2, ``time_zone`` that of its site, or empty."""

    serial_number: str
    product_number: str = ""
    country: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One line of hardware cover that the vendor lists for a unit.

    Attributes:
        vendor_line: names this line of this unit; the same line has the same name when asked again, twins have two.
        kind, fulfilment, service_level, delivery: values of the host's closed lists; ``unknown`` where the vendor's
            word is not in the adapter's table, so that a person looks.
        covers: ``parts``, ``labour`` or both. A vendor's own engineer is a delivery, never ``labour``.
        starts_on, ends_on: inclusive days in ``time_zone``; ``ends_on`` None is "no end".
        starts_raw, ends_raw: the vendor's texts, as sent.
        name, vendor_code: the vendor's description and code of the service.
        excluded_causes, excluded_components: values of the host's closed lists.
        contract_number: the vendor's contract, empty where it names none.
    """

    vendor_line: str
    kind: str
    fulfilment: str
    service_level: str
    delivery: str
    covers: tuple[str, ...]
    starts_on: date
    ends_on: date | None
    time_zone: str
    starts_raw: str
    ends_raw: str
    name: str = ""
    vendor_code: str = ""
    excluded_causes: tuple[str, ...] = ()
    excluded_components: tuple[str, ...] = ()
    contract_number: str = ""

    def __post_init__(self) -> None:
        """Keep words and names to their length."""
        _refuse_overlong(MAX_ID_CHARS, self.vendor_line, self.contract_number)
        _cut(self, MAX_WORD_CHARS, "name", "vendor_code", "starts_raw", "ends_raw")


@dataclass(frozen=True, slots=True)
class Listed:
    """The vendor knows the unit: every line of hardware cover, often several that overlap, sometimes none.

    ``left_out`` says in plain sentences which lines were not taken, and why. ``raw`` is the vendor's answer about this
    unit as JSON text, scrubbed.
    """

    unit: Unit
    entitlements: tuple[Entitlement, ...]
    left_out: tuple[str, ...] = ()
    product_name: str = ""
    shipped_on: date | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class NotListed:
    """The vendor says nothing of the unit's cover, and why."""

    unit: Unit
    why: NotListedWhy
    detail: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class ComeBack:
    """The vendor works on it: call ``look_up`` with these ``units`` and this ``handle`` after ``after_s`` seconds."""

    units: tuple[Unit, ...]
    after_s: float
    handle: str


Answer = Listed | NotListed | ComeBack


# ---------------------------------------------------------------------------------------------------------------------
# Opening


@dataclass(frozen=True, slots=True)
class Contact:
    """The person the vendor may call. ``pseudonym`` stands for every other value in whatever is kept."""

    pseudonym: str
    name: str
    phone: str = ""
    email: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Where the replacement goes. ``pseudonym`` stands for name and address in whatever is kept."""

    pseudonym: str
    name: str
    address_line1: str
    city: str
    postal_code: str
    country: str
    address_line2: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class VendorFile:
    """A file to attach to a case."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RmaRequest:
    """One claim for one defective unit or component, complete enough to be sent to any vendor.

    Attributes:
        client_reference: ours; stored before the first send and never changed.
        component, component_ref, cause: of the fault, in the host's words.
        severity: 1 (worst) to 4.
        first_sent_at: when this claim was first marked as sent, for vendors that can only be searched by time.
        vendor_case_number: set to send a denied case again under its own number.
        denials: how often it was denied before.
        parts: codes of the vendor's parts list, where the adapter has one.
        files: what to attach, no more than ``Capabilities.request_bytes``.
    """

    client_reference: str
    unit: Unit
    component: str
    cause: str
    symptom: str
    severity: int = 3
    component_ref: str = ""
    manufacturer: str = ""
    product_name: str = ""
    contract_number: str = ""
    troubleshooting: str = ""
    diagnostic_code: str = ""
    contact: Contact | None = None
    ship_to: ShipTo | None = None
    first_sent_at: datetime | None = None
    vendor_case_number: str | None = None
    denials: int = 0
    parts: tuple[str, ...] = ()
    files: tuple[VendorFile, ...] = ()

    def as_lines(self) -> str:
        """Give the request as ``Key: value`` lines for channels that people read: a ticket, a mail, a portal form.

        Every key stands once and alone at the start of a line; further lines of a value are indented, so that text
        typed by a reporter cannot pretend to be another key. Source: vendor-apis.md, section 13.
        """
        rows = [
            ("Reference", self.client_reference),
            ("Serial number", self.unit.serial_number),
            ("Part number", self.unit.product_number),
            ("Manufacturer", self.manufacturer),
            ("Product", self.product_name),
            ("Contract number", self.contract_number),
            ("Component", " ".join(filter(None, (self.component, self.component_ref)))),
            ("Parts", ", ".join(self.parts)),
            ("Fault", self.symptom),
            ("Cause", self.cause),
            ("Troubleshooting", self.troubleshooting),
            ("Diagnostic code", self.diagnostic_code),
        ]
        if self.contact:
            who = self.contact
            personal = [("Contact", who.name), ("Contact phone", who.phone), ("Contact e-mail", who.email)]
            rows += [(key, _one_line(value)) for key, value in personal]
        if self.ship_to:
            to = self.ship_to
            town = " ".join(filter(None, (to.postal_code, to.city, to.state, to.country)))
            parts = (to.name, to.address_line1, to.address_line2, town)
            rows.append(("Ship to", _one_line(", ".join(filter(None, parts)))))
        rows.append(("Requested", "like-for-like replacement requested"))
        return "\n".join(f"{key}: {_indented(value)}" for key, value in rows if value.strip())


def _one_line(value: str) -> str:
    """Put a value on one line: the scrubber knows personal values by their line."""
    return " ".join(value.split())


def _indented(value: str) -> str:
    """Give a value whose second and later lines cannot be read as keys."""
    return "\n  ".join(line.strip() for line in value.strip().splitlines())


# ---------------------------------------------------------------------------------------------------------------------
# Tracking


@dataclass(frozen=True, slots=True)
class VendorShipment:
    """One parcel that the vendor tells of."""

    direction: ShipmentDirection
    carrier: str = ""
    tracking_number: str = ""
    serial_number: str = ""  # of the unit inside, where the vendor says it
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    due_on: date | None = None

    def __post_init__(self) -> None:
        """Keep words and names to their length."""
        _refuse_overlong(MAX_ID_CHARS, self.tracking_number)
        _cut(self, MAX_NUMBER_CHARS, "carrier", "serial_number")


@dataclass(frozen=True, slots=True)
class VendorNote:
    """A note on a case as the vendor holds it, somebody's there or one of ours; ``note_id`` is the vendor's name of it.

    Not ``is_news``: a program wrote it, such as that somebody is away; it is kept, and nobody has to look.
    """

    note_id: str
    text: str
    author: str = ""
    at: datetime | None = None
    is_news: bool = True

    def __post_init__(self) -> None:
        """Keep words and names to their length."""
        _refuse_overlong(MAX_ID_CHARS, self.note_id)
        _cut(self, MAX_ID_CHARS, "author")

    def ends_with(self, token: str) -> bool:
        """Whether its last line is this token, which each note of ours ends with."""
        return self.text.rstrip().rpartition("\n")[2].strip() == token


@dataclass(frozen=True, slots=True)
class VendorCase:
    """What a vendor says of one case.

    Attributes:
        vendor_case_number: the vendor's case; None only where a claim was denied at opening without a case, or was handed
            to people who have given it no number yet (``received``): then ``reason`` says so, and a person waits for one.
        status: their word in ours; ``vendor_status`` is the word as sent.
        rma_number: often missing at first; it arrives by polling.
        client_reference: our reference as the vendor repeats it; None where it does not.
        serial_number: as the vendor repeats it; empty where it does not.
        opened_at, changed_at: the vendor's own times, aware; None where it gives none.
        reason: the vendor's sentence for a denial or a question, scrubbed.
        notes: what stands on the case, oldest first, ours among it, scrubbed; the same note comes every time the case is
            read, and none where the vendor does not show them.
        is_proposal: a program read this out of prose, or guessed whose case it is: a person confirms it before anything
            moves.
        alarm: what a person must know of although it moves nothing, such as that the claim never arrived; a sentence.
        duplicates: other case numbers that answer to the same reference. Found by ``find_case``; the case itself is the
            oldest of them. It must not be hidden: somebody has to cancel the others.
        raw: the vendor's answer as JSON text, scrubbed.
    """

    vendor_case_number: str | None
    status: VendorStatus
    vendor_status: str = ""
    rma_number: str | None = None
    client_reference: str | None = None
    serial_number: str = ""
    opened_at: datetime | None = None
    changed_at: datetime | None = None
    reason: str = ""
    shipments: tuple[VendorShipment, ...] = ()
    return_due_on: date | None = None
    notes: tuple[VendorNote, ...] = ()
    is_proposal: bool = False
    alarm: str = ""
    duplicates: tuple[str, ...] = ()
    raw: str = ""

    def __post_init__(self) -> None:
        """Keep words and names to their length."""
        _refuse_overlong(MAX_NUMBER_CHARS, self.vendor_case_number, self.rma_number, *self.duplicates)
        _cut(self, MAX_WORD_CHARS, "vendor_status", "serial_number")


@dataclass(frozen=True, slots=True)
class VendorPart:
    """One entry of the vendor's parts list for a unit."""

    code: str
    description: str
    part_number: str = ""


# ---------------------------------------------------------------------------------------------------------------------
# What the host hands in


class TokenStore(Protocol):
    """What an account remembers between processes, encrypted, with one writer: its access token.

    An account without tokens remembers here how far it has read. It may be forgotten at any time.
    """

    def get(self) -> tuple[str, datetime] | None:
        """Give the token and the aware instant at which it expires; None where there is none."""
        ...

    def put(self, token: str, expires_at: datetime) -> None:
        """Keep a new token."""
        ...

    def forget(self) -> None:
        """Drop the token: the vendor has refused it."""
        ...


class Gate(Protocol):
    """The account's token bucket and breaker, kept on its database row.

    ``vendors.http`` enters before every read and every note, again before each repetition. The gate of an *open* is
    entered by the host before it marks the send, so ``open_case`` does not enter it.
    """

    def enter(self) -> None:
        """Take one call from the quota.

        Raises:
            VendorError: ``throttled`` with ``retry_after_s`` where the bucket is empty or the breaker is open.
        """
        ...

    def heard(self, trouble: Trouble | None, retry_after_s: float | None = None) -> None:
        """Hear how a call ended; None: well. A definite no (refused, unauthorised) is an answer: the vendor is up.

        ``retry_after_s``: the vendor wants to be left alone for so long, by every call of the account.
        """
        ...


SMTP, IMAP = "SMTP", "IMAP"
"""The method of a call that handed a mail over, and of one that read a mailbox."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, or read, and as whom.

    ``scheme``: ``smtp`` or ``imap`` in the clear; with ``s`` at its end, or ``+starttls``, encrypted. ``mailbox`` is of IMAP.
    """

    scheme: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as it may be kept and shown: secrets and personal values are replaced, lengths capped.

    ``method`` is that of HTTP, or ``SMTP``, ``IMAP``, or ``EHLO``, which greets a mail server. ``status`` is None where no
    answer came; ``trouble`` is None where the call went well.
    """

    vendor: str
    at: datetime
    method: str
    url: str
    status: int | None
    request: str
    response: str
    duration_s: float
    trouble: Trouble | None = None


def _keep_nothing(_record: CallRecord) -> None:
    """Keep no record of a call."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How calls are made for one account.

    Attributes:
        timeout_s: total deadline of one vendor call, from resolving the name to the last byte; token and repetitions
            are part of it.
        allow_private: opens private addresses, http and any port; for the sandbox and for tests.
        record: called once for each HTTP exchange, also for those that failed.
        settle_s: replaces every adapter's own settle time; for tests and development, the host refuses it elsewhere.
        ca_file: certificates to trust instead of the public ones; for an instance behind a private authority.
        smtp, imap: the host's own mail servers, for vendors that are written to; None where it has none.
        sender: the host's own mail address.
    """

    timeout_s: float = 30.0
    allow_private: bool = False
    record: Callable[[CallRecord], None] = field(default=_keep_nothing)
    settle_s: float | None = None
    ca_file: str | None = None
    smtp: MailServer | None = None
    imap: MailServer | None = None
    sender: str = ""


# ---------------------------------------------------------------------------------------------------------------------
# The adapter


class VendorAdapter(Protocol):
    """One vendor, for one account. Every method raises only ``VendorError``; none of them touches our database.

    An adapter inherits from this class and writes the methods that its ``Capabilities`` announce; the others say in one
    sentence that the vendor cannot do that. Generators may raise after some answers: what was yielded is good.
    """

    name: ClassVar[str]
    form: ClassVar[AdapterForm]

    @property
    def capabilities(self) -> Capabilities:
        """What this account can do; an option may switch a duty off."""
        ...

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], *, base_url: str | None, tokens: TokenStore, gate: Gate, calls: Calls
    ) -> Self:
        """Build the adapter of one account from its options and secrets, both in one mapping.

        Raises:
            VendorError: ``refused``, naming the option that is missing or cannot be read.
        """
        ...

    def check(self) -> None:
        """Make the vendor's cheapest read, to try credentials and address."""
        ...

    def look_up(self, units: Sequence[Unit], *, handle: str | None = None) -> Iterator[Answer]:
        """Ask for the cover of units, cut into the vendor's batches; each unit is in exactly one answer.

        ``handle`` is that of an earlier ``ComeBack`` for the same units.
        """
        raise self._cannot("look units up")

    def find_case(self, request: RmaRequest) -> VendorCase | None:
        """Search for the case of a request that may have arrived.

        None means that the vendor answered, and has no such case *yet*. A search that fails raises: it never means
        "absent".
        """
        raise self._cannot("search its cases")

    def open_case(self, request: RmaRequest) -> VendorCase:
        """Send the request, once. With a ``vendor_case_number`` it sends that denied case again.

        A claim that the vendor refuses as such comes back as a case with the status ``denied``.
        """
        raise self._cannot("open cases")

    def read_cases(self, vendor_case_numbers: Sequence[str]) -> Iterator[VendorCase]:
        """Read cases by number; a number that the vendor does not know yields nothing."""
        raise self._cannot("read cases")

    def pull(self, store: Callable[[bytes], None]) -> None:
        """Empty the vendor's queue for us; ``store`` has committed before the next message is taken.

        A message is taken out only after ``store`` has returned. What it raises is let through (this try has no time left,
        or the database is away): the message stays where it is, and comes again.
        """
        raise self._cannot("be pulled")

    def list_cases(self, since: datetime) -> Iterator[VendorCase]:
        """List the cases that carry a reference of ours and were opened at or after ``since`` (aware), each with its serial.

        Oldest first: a listing that breaks off is asked again from the instant of the last case that it gave. However many
        cases are older than ``since``, a few calls get past them.
        """
        raise self._cannot("list its cases")

    def candidates(self, request: RmaRequest) -> Sequence[VendorCase]:
        """List the cases that may be that of a request which may have arrived, where no search can tell.

        They are for a person to choose from: none of them is taken for the case by a program, not even a lone one.
        """
        raise self._cannot("propose cases")

    def parts_for(self, unit: Unit) -> Sequence[VendorPart]:
        """List the parts that can be ordered for a unit; the host keeps the answer and asks once."""
        raise self._cannot("list parts")

    def parts_of(self, component: str, parts: Sequence[VendorPart]) -> Sequence[VendorPart]:
        """Give the entries of a list that may stand for a component; calls nobody. One: it is chosen; else a person is asked."""
        raise self._cannot("choose parts")

    def add_note(self, vendor_case_number: str, text: str) -> None:
        """Add a note that the vendor can read, once."""
        raise self._cannot("take notes")

    def notes_of(self, vendor_case_number: str) -> Sequence[VendorNote]:
        """Give the notes that stand on a case, ours among them, oldest first; of very many at least the newest.

        A reading that fails raises: it never means "none".
        """
        raise self._cannot("show its notes")

    def attach(self, vendor_case_number: str, file: VendorFile) -> None:
        """Attach a file to a case, once."""
        raise self._cannot("take files")

    def has_file(self, vendor_case_number: str, file: VendorFile) -> bool:
        """Whether a case has a file of this name and size. A search that fails raises: it never means "no"."""
        raise self._cannot("show its files")

    def cancel_case(self, vendor_case_number: str) -> None:
        """Ask the vendor to drop a case."""
        raise self._cannot("cancel cases")

    def after_swap(self, old: Unit, new: Unit) -> None:
        """Tell the vendor that one unit now stands in for another."""
        raise self._cannot("be told of a swap")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Prove that the vendor sent this, before anything of it is parsed, and give the delivery's own id.

        Raises:
            VendorError: ``unauthorised`` where it is forged, altered or older than five minutes.
        """
        raise self._cannot("send webhooks")

    def parse_webhook(self, body: bytes) -> Sequence[VendorCase]:
        """Read what a webhook, or ``pull``, has stored."""
        raise self._cannot("send webhooks")

    def _cannot(self, what: str) -> VendorError:
        """Say that this vendor has no such call; ``Capabilities`` said so before."""
        return VendorError(self.name, Trouble.REFUSED, vendor_code="not_offered", detail=f"{self.name} cannot {what}")
