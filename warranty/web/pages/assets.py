"""What the pages of units show. Lengths of a drawing are units of its own grid, from its upper left corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    from warranty.domain.terms import AssetState, CoverageState, Ownership, Share
    from warranty.web.pages import CaseRow, Sign
    from warranty.web.pages.unit import Asking


@dataclass(frozen=True, slots=True)
class Bar:
    """One thick bar. ``look`` is `pays`, `next` (bought, not begun), `unsure` or `gap`; ``says`` is how much of its label fits.

    That is `all` (number and last day), `number` or `nothing`; a gap has neither, and its label is what follows from it.
    """

    look: str
    share: Share
    x: float
    y: float
    width: float
    number: str
    ends_on: date | None
    says: str


@dataclass(frozen=True, slots=True)
class Line:
    """One contract as a thin bar. ``remark`` is `not_begun`, `ended`, `runs`, or nothing where its ``state`` says more.

    ``name`` is as long as there is room, ``full_name`` is whole.
    ``at`` is where the remark stands, null where it has none; ``is_before``: it ends there.
    """

    name: str
    full_name: str
    number: str
    state: CoverageState
    shares: tuple[Share, ...]
    starts_on: date
    ends_on: date | None
    time_zone: str
    remark: str
    x: float
    y: float
    width: float
    at: float | None
    is_before: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """The years, drawn: once for wide pages, once for telephones, whose names stand above the bars."""

    is_wide: bool
    width: int
    height: int
    foot: float
    first: float
    years: tuple[tuple[int, float], ...]
    shares: tuple[tuple[Share, float], ...]
    bars: tuple[Bar, ...]
    rule: float
    lines: tuple[Line, ...]
    today: float
    is_today_left: bool


@dataclass(frozen=True, slots=True)
class ShareToday:
    """Who pays one share today: ``by`` is null where nobody does, ``until`` where it has no end or nobody does."""

    share: Share
    by: str | None
    is_sure: bool
    until: date | None
    next_on: date | None


@dataclass(frozen=True, slots=True)
class YearsView:
    """What counts over the years, and who pays each share today."""

    serial_number: str
    on: date
    since: int
    to: int
    shares: tuple[ShareToday, ...]
    drawings: tuple[Drawing, ...]
    has_contracts: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor said of the unit: nothing yet (``at`` is null), an error, or a word of ``UnitSays``."""

    vendor: str
    at: datetime | None
    says: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """The form that has the vendor asked again."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Kin:
    """One unit of a line of replacements; the present one has no link."""

    serial_number: str
    url: str | None
    state: AssetState
    since: date


@dataclass(frozen=True, slots=True)
class Paper:
    """A file of the unit; ``size`` in bytes."""

    name: str
    url: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One column that changed, as the register has it."""

    column: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One row of the unit's history: ``actor`` is null for the product itself, ``action`` is the register's word."""

    at: datetime
    actor: str | None
    action: str
    old_state: AssetState | None
    new_state: AssetState | None
    changes: tuple[Change, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """How many units of the same product are free in a store."""

    name: str
    free: int


@dataclass(frozen=True, slots=True)
class AssetView:
    """One unit. Addresses of what is done with it are null where the reader may not, or its state does not let it.

    ``files`` are the newest; ``asking`` is what the reader has just had the vendor asked.
    """

    serial_number: str
    name: str
    asset_tag: str
    manufacturer: str | None
    model: str | None
    part_number: str
    base_term_months: int | None
    client: str
    site: str | None
    address: str
    ownership: Ownership
    state: AssetState
    purchased_on: date | None
    created_at: datetime
    exceptions: tuple[str, ...]
    sign: Sign | None
    years: YearsView
    answer: Answer | None
    line: tuple[Kin, ...]
    open_cases: tuple[CaseRow, ...]
    past_cases: tuple[CaseRow, ...]
    files: tuple[Paper, ...]
    history: tuple[Happened, ...]
    stock: tuple[Shelf, ...]
    edit_url: str | None
    state_url: str | None
    documents_url: str
    ask: Ask | None
    asking: Asking | None
    handover_url: str
    retirement_url: str
    labels_url: str
    report_url: str | None
