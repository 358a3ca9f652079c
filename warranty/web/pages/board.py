"""What the board shows, and what came of doing the same to many of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Typed

if TYPE_CHECKING:
    from datetime import datetime

    from warranty.services.board import Kind, Risk
    from warranty.web.pages import Ball, Stray
    from warranty.web.pages.saved_views import ViewTabs


@dataclass(frozen=True, slots=True)
class BoardRow:
    """Something that waits for a person. `sentence`, `why` and `action` are in words already.

    `key` is what a form calls it. `passed` is how much of its time is gone, of 100. `units` counts failing look-ups, else it
    is one. `again` is the value of the button where the action is done at once; `is_chosen`: it can be selected.
    """

    key: str
    kind: Kind
    sentence: str
    why: str
    due_at: datetime
    passed: int
    ball: Ball | None
    risk: Risk
    action: str
    url: str | None = None
    again: str | None = None
    is_chosen: bool = True
    serial_number: str = ""
    product: str = ""
    client_name: str = ""
    minor: int | None = None
    currency: str = "EUR"
    owner: str | None = None
    units: int = 1
    stray: Stray | None = None


@dataclass(frozen=True, slots=True)
class BoardGroup:
    """The rows of one time: 0 past their time, 1 today, 2 this week, 3 later. Count and sums are of all, `rows` of this page."""

    part: int
    count: int
    sums: tuple[tuple[int, str], ...]
    rows: tuple[BoardRow, ...]


@dataclass(frozen=True, slots=True)
class KindTab:
    """A kind that has something waiting; null is all of them."""

    kind: Kind | None
    count: int
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Pick:
    """A filter that is chosen from a list: its name in the address, what is chosen, and pairs of value and text."""

    name: str
    chosen: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AgeBar:
    """Open RMAs of an age, `at` in the order of the ages; widths are of 162."""

    at: int
    count: int
    silent: int
    width: int
    silent_width: int


@dataclass(frozen=True, slots=True)
class WeekColumn:
    """Faults of a week by route; tops and heights are those of the drawing."""

    number: int
    rma: int
    ad_hoc: int
    review: int
    bars: tuple[tuple[str, float, float], ...]
    is_now: bool


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """How fast a vendor answers, in hours: in the middle, and the slowest twentieth; places are of 150."""

    name: str
    median: int
    slow: int
    count: int
    from_x: int
    to_x: int


@dataclass(frozen=True, slots=True)
class ChartsView:
    """The figures beside the board; what nothing is known of is empty."""

    open_rmas: int
    ages: tuple[AgeBar, ...]
    weeks: tuple[WeekColumn, ...]
    top: int
    answers: tuple[AnswerLine, ...]
    swaps: int
    avoided: tuple[tuple[int, str], ...]
    jobs: int
    billed: tuple[tuple[int, str], ...]
    quarter: int


@dataclass(frozen=True, slots=True)
class BoardView:
    """What needs a person, the most urgent first. `total` is of all that fits the filters, `late` is past its time."""

    total: int
    late: int
    sums: tuple[tuple[int, str], ...]
    groups: tuple[BoardGroup, ...]
    kinds: tuple[KindTab, ...]
    picks: tuple[Pick, ...]
    kind: str
    is_filtered: bool
    kept: ViewTabs
    live_url: str
    etag: str
    bulk: BulkForm | None
    charts: ChartsView | None = None
    next_url: str | None = None
    first_url: str | None = None


@dataclass(frozen=True, slots=True)
class BulkForm:
    """What is done to many rows; `query` is how the board was filtered at `until`, for whoever means all `total` of them."""

    url: str
    key: str
    query: str
    until: str
    total: int


@dataclass(frozen=True, slots=True)
class BulkAsk(Typed):
    """What is still needed before the same is done to many rows: `hidden` is sent back as it is."""

    url: str
    verb: str
    count: int
    hidden: tuple[tuple[str, str], ...]
    people: tuple[tuple[str, str], ...]
    back_url: str


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What came of it so far; `refused` are pairs of a row and why it was left. `hidden` is null once all are done."""

    url: str
    verb: str
    tried: int
    total: int
    refused: tuple[tuple[str, str], ...]
    refused_count: int
    hidden: tuple[tuple[str, str], ...] | None
    back_url: str
