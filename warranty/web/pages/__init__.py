"""What each page shows, as plain values: the only place that says what a template may use.

Nothing here is in a language: a template writes words and formats with the filters of `words` and `i18n`. Instants are
aware, sums are minor units beside their currency, and an address (`url`) is a path on this host.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Form, Typed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from warranty.domain.headline import ClientStep, Headline, Side
    from warranty.domain.lifecycles import JobState, RmaState
    from warranty.domain.reasons import Reason
    from warranty.domain.terms import Cause, Component, JobKind, Ownership, Party, Role, Route, Share, VerdictWord
    from warranty.models.work import TaskKind
    from warranty.services.notes import NoteState
    from warranty.web.pages.board import Pick
    from warranty.web.pages.colleagues import Owner, OwnerForm
    from warranty.web.pages.goods import GoodsForm
    from warranty.web.pages.overriding import OpinionForm
    from warranty.web.pages.saved_views import ViewTabs


class Fill(StrEnum):
    """One bar of the sign: somebody else pays the share, nobody does, or it is not known."""

    PAID = "paid"
    UNPAID = "unpaid"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What a contract does for a share."""

    PAYS = "pays"
    WOULD_PAY = "would_pay"
    NO = "no"
    OPEN = "open"


class Dot(StrEnum):
    """Who made a row of the timeline; each has a shape of its own."""

    VENDOR = "vendor"
    PERSON = "person"
    CLIENT = "client"
    AUTOMATIC = "automatic"


class StepState(StrEnum):
    """Where a step of the client's eight stands."""

    DONE = "done"
    HERE = "here"
    AHEAD = "ahead"
    UNUSED = "unused"


# --- Pieces -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """Who is signed in, and what the navigation counts."""

    user_name: str
    role: Role
    client_name: str | None
    open_tasks: int
    can_report: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """A verdict as a badge shows it. Without a word the route says what became of the report."""

    word: VerdictWord | None
    route: Route
    parts: Fill
    labour: Fill


@dataclass(frozen=True, slots=True)
class Ball:
    """Whose turn it is (null, wherever it stands, where it is nobody's). `name` is the vendor's or the client's."""

    holder: Side
    name: str | None
    is_reader: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What is broken: the component and its place, in which unit, of whom. Only the serial is always known."""

    component: Component
    component_ref: str
    serial_number: str
    product: str | None
    unit_name: str
    site_name: str | None
    client_name: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What the answer sentence needs; all but headline and component are null where they are not known."""

    headline: Headline
    component: Component
    vendor: str | None
    expected_on: date | None = None
    return_by: date | None = None
    total_minor: int | None = None
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class ContractRow:
    """What one contract does for one share, and why; its days are those of `time_zone`."""

    name: str
    number: str
    time_zone: str
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class ShareRows:
    """One share of the swap: who pays it (null: not known), the contracts that pay, and those that lost."""

    share: Share
    payer: Party | None
    payer_name: str | None
    winners: tuple[ContractRow, ...]
    losers: tuple[ContractRow, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on: when the vendor's newest word was taken (null where none was), and where all of it is shown."""

    vendor: str | None
    checked_at: datetime | None
    url: str


@dataclass(frozen=True, slots=True)
class ReplacedVerdict:
    """A verdict that no longer counts, and why."""

    sign: Sign
    decided_at: datetime
    replaced_at: datetime
    why: str
    evidence_url: str


@dataclass(frozen=True, slots=True)
class VerdictView:
    """A verdict with all its reasons; `decided_by` is null where no person did, `general` has no share."""

    sign: Sign
    decided_at: datetime | None
    decided_by: str | None
    general: tuple[Reason, ...]
    shares: tuple[ShareRows, ...]
    evidence: Evidence | None = None
    replaced: tuple[ReplacedVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """One of the records that run side by side. `passed` of `length` segments lie behind the present one.

    `record` is `claim`, `goods`, `swap`, `job` or `return`; `state` a word of that record's life cycle.
    """

    record: str
    state: StrEnum
    passed: int
    length: int
    vendor: str | None = None
    since: datetime | None = None
    carrier: str = ""
    tracking_number: str = ""
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """Where a note for the vendor stands: since when the vendor has it, or why it did not take it."""

    state: NoteState
    at: datetime | None
    refused: str


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call to a vendor as it went over the wire, secrets and people scrubbed."""

    at: datetime
    method: str
    url: str
    status: int | None
    trouble: str | None
    duration_ms: int
    request: str
    response: str


@dataclass(frozen=True, slots=True)
class FileLink:
    """A file that is shown: `size` in bytes, `thumbnail_url` null where it is no image."""

    name: str
    size: int
    url: str
    thumbnail_url: str | None


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One thing that happened to a record, or (`is_expected`) is expected to.

    `record` and `state` name the event; `actor` is null for the system; `their_word` is the vendor's, unchanged. `names`:
    what else its sentence has. `calls` of a vendor are shown in one row, as long as nothing else happened between them.
    """

    at: datetime | date
    dot: Dot
    record: str
    state: str
    actor: str | None
    vendor: str | None = None
    their_word: str | None = None
    number: str = ""
    note: str = ""
    is_expected: bool = False
    sending: Sending | None = None
    file: FileLink | None = None
    calls: tuple[CallRow, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that one copies: `kind` is `ours`, `vendor_case` or `rma`."""

    kind: str
    value: str
    vendor: str | None = None


@dataclass(frozen=True, slots=True)
class LineRow:
    """One priced line of a job; the prices are null while it is not priced."""

    what: str
    description: str
    quantity_hundredths: int
    unit_price_minor: int | None
    amount_minor: int | None
    payer: Party


@dataclass(frozen=True, slots=True)
class JobView:
    """An ad hoc job; the client pays `client_minor` of `total_minor`, both null while a line has no price."""

    reference: str
    url: str
    case_reference: str
    case_url: str
    kind: JobKind
    state: JobState
    subject: Subject
    ball: Ball | None
    currency: str
    lines: tuple[LineRow, ...]
    total_minor: int | None
    client_minor: int | None
    created_at: datetime
    vendor_reason: str | None = None
    info_missing: str | None = None


@dataclass(frozen=True, slots=True)
class StrayForm(Form):
    """How a person says that a case of no claim is dealt with; `name` is that of its field, one of many on the page."""

    name: str


@dataclass(frozen=True, slots=True)
class Stray:
    """A case at a vendor that belongs to no claim, as a person finds it there; whoever may not decide has no form."""

    account: str
    case_number: str
    reference: str
    serial_number: str
    opened_at: datetime | None
    form: StrayForm | None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """Something that waits for a person. `why` is in words already: it may quote a vendor.

    What is about a vendor's case that belongs to no claim has no page and no subject, but `stray`; its reference is the
    vendor's number.
    """

    kind: TaskKind
    why: str
    since: datetime
    case_url: str | None
    case_reference: str
    subject: Subject | None
    vendor: str | None = None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in a list."""

    reference: str
    url: str
    subject: Subject
    sign: Sign | None
    situation: Situation
    ball: Ball | None
    reported_at: datetime
    owner: str | None = None


# --- Staff pages ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CaseListView:
    """A page of cases; `next_url` leads to the older ones, `first_url` back to the newest."""

    rows: tuple[CaseRow, ...]
    query: str
    shows: str
    kept: ViewTabs
    picks: tuple[Pick, ...]
    is_filtered: bool
    next_url: str | None = None
    first_url: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewForm(Form):
    """What a person may answer to an open review; `needs_unit` where nobody knows yet which unit is meant.

    `seen`, here and in the forms below: what the form was made for. Whoever sends it after that has changed is told so.
    """

    seen: str
    needs_unit: bool


@dataclass(frozen=True, slots=True)
class ClaimForm(Form):
    """What a person may record of a claim: its possible moves, and the numbers so far. `is_asked` where one has to.

    `can_resubmit`: it is denied, and may be asked for again or given by goodwill.
    """

    seen: str
    vendor: str | None
    moves: tuple[RmaState, ...]
    is_asked: bool
    can_resubmit: bool = False


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One entry of a vendor's parts list."""

    code: str
    description: str
    is_proposed: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class FileOffer:
    """A file that may go along with a claim; `size` in bytes."""

    id: str
    name: str
    size: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class InputsForm(Form):
    """What a claim may still be given: `asks` are words of what is missing, `offers` the parts to choose from.

    `goes`: it is sent by itself as soon as nothing is missing. `parts_url`: the vendor may be asked for its list.
    `files` may go along, `most_bytes` of them in all; null where there is nothing to choose.
    """

    seen: str
    vendor: str | None
    asks: tuple[str, ...]
    offers: tuple[OfferRow, ...]
    goes: bool
    parts_url: str | None
    files: tuple[FileOffer, ...] | None = None
    most_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """What may be true of a claim: `place` names it, `said` are its numbers, `text` where it is from."""

    place: int
    said: str
    text: str


@dataclass(frozen=True, slots=True)
class ProposalForm(Form):
    """What a person says yes or no to."""

    seen: str
    rows: tuple[ProposalRow, ...]


@dataclass(frozen=True, slots=True)
class HandoutView:
    """What a person needs to open a claim at the vendor; `steps` are in the reader's words, `portal_url` may be empty."""

    paste_block: str
    portal_url: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of the case that may go to the vendor: `state` is null where it was never sent, `is_too_large` says why not."""

    id: str
    name: str
    size: int
    state: NoteState | None
    is_too_large: bool


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A note that the vendor did not take, and the form that sends it again; no `url`: it may have arrived."""

    text: str
    why: str
    url: str | None


@dataclass(frozen=True, slots=True)
class NoteForm(Form):
    """What a person may write on a case; `takes_notes`: whether the vendor can be written to. `seen_url`: there is news."""

    vendor: str | None
    takes_notes: bool
    seen_url: str | None
    files: tuple[FileRow, ...] = ()
    refused: tuple[RefusedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a file is added to the case; at most `most_bytes`."""

    url: str
    most_bytes: int
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was typed into a form that came too late, and what was in the way."""

    said: str
    typed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything that is known of one case. `zone`: the time zone of the contract that counts, else of the site."""

    reference: str
    url: str
    live_url: str
    etag: str
    subject: Subject
    cause: Cause
    symptom: str
    severity: int
    occurred_at: datetime | None
    reported_at: datetime
    reporter: str
    ownership: Ownership | None
    situation: Situation
    ball: Ball | None
    tracks: tuple[Track, ...]
    verdict: VerdictView | None
    timeline: tuple[TimelineRow, ...]
    numbers: tuple[Number, ...] = ()
    tasks: tuple[TaskRow, ...] = ()
    jobs: tuple[JobView, ...] = ()
    contact_name: str | None = None
    contact_phone: str = ""
    contact_email: str = ""
    attention: str | None = None
    vendor_reason: str | None = None
    review: ReviewForm | None = None
    claim: ClaimForm | None = None
    inputs: InputsForm | None = None
    proposal: ProposalForm | None = None
    handout: HandoutView | None = None
    notes: NoteForm | None = None
    owner: Owner | None = None
    owning: OwnerForm | None = None
    override_url: str | None = None
    opinion: OpinionForm | None = None
    kept: Kept | None = None
    upload: UploadForm | None = None
    goods: GoodsForm | None = None
    swap_url: str | None = None
    return_url: str | None = None
    zone: str | None = None


# --- Portal pages -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """What a case costs the client: a sum, nothing (0), or null while that is not decided."""

    minor: int | None
    currency: str
    is_approved: bool = False


@dataclass(frozen=True, slots=True)
class PortalStep:
    """One of the eight steps; `at` is when it began, `expected_on` when it should."""

    step: ClientStep
    state: StepState
    at: datetime | None = None
    expected_on: date | None = None


@dataclass(frozen=True, slots=True)
class PortalCaseRow:
    """One case in the client's list."""

    url: str
    subject: Subject
    step: ClientStep
    ball: Ball | None
    cost: Cost
    expected_on: date | None
    reported_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PortalListView:
    """The client's cases: what waits for the client first, then what runs, then what was closed lately."""

    waiting: tuple[PortalCaseRow, ...]
    running: tuple[PortalCaseRow, ...]
    closed: tuple[PortalCaseRow, ...]
    next_url: str | None = None
    first_url: str | None = None


@dataclass(frozen=True, slots=True)
class PortalReportView(Typed):
    """The client's report form. `units` are pairs of a serial and what the client calls the unit."""

    units: tuple[tuple[str, str], ...]
    key: str


@dataclass(frozen=True, slots=True)
class PortalCaseView:
    """One case in plain words: no internal note, no vendor's word. `reasons` are those that decided."""

    reference: str
    url: str
    live_url: str
    etag: str
    subject: Subject
    situation: Situation
    step: ClientStep
    steps: tuple[PortalStep, ...]
    ball: Ball | None
    cost: Cost
    payers: tuple[tuple[Share, Party, str | None], ...]
    reasons: tuple[Reason, ...]
    owner_name: str | None = None


# --- Other pages ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignInView(Typed):
    """The sign-in form: what was typed (never the password), and what is wrong, by field.

    `kept` is the form that was sent after its session had ended, as text.
    """

    kept: str = ""


@dataclass(frozen=True, slots=True)
class KeptFormView:
    """A form that was sent after its session had ended, to be sent again: to which path, and its fields in their order."""

    path: str
    fields: tuple[tuple[str, str], ...]
    lost_files: bool = False


@dataclass(frozen=True, slots=True)
class ErrorView:
    """A page that could not be shown: the HTTP status, and the request's id for whoever reads the logs.

    `advice` says what to do, in the reader's words, where that is not what is usual for the status.
    """

    status: int
    request_id: str
    advice: str | None = None
