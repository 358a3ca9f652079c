"""What the registry's pages show: clients, sites, contacts, products, contracts, and what ends when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from warranty.services.contracts import Reach, Totals
from warranty.services.renewals import Worth
from warranty.web.pages.forms import Typed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from warranty.domain.terms import CoverageKind, CoverageState, Share


# --- forms ---


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of a form, in the reader's words. ``kind``: text, area, select, checks or check.

    ``choices`` are pairs of value and text; ``empty`` is what a select says while nothing is chosen; ``options`` are
    further attributes of the input. ``is_half``: it stands beside the next one that is.
    """

    name: str
    label: str
    kind: str = "text"
    note: str = ""
    hint: str = ""
    type: str = "text"
    style: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    empty: str = ""
    options: Mapping[str, str | int | bool] = field(default_factory=dict)
    is_half: bool = False


@dataclass(frozen=True, slots=True)
class Crumb:
    """A page above this one."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class FormView(Typed):
    """A form that adds a record or changes one.

    ``version`` is a digest of the record as the form was filled from it, empty for a new one. ``meanwhile``: what stands
    there now where it differs from what was typed, of a form that came back because somebody else was faster; null of
    any other. ``checked`` holds the values of each field that has several.
    """

    title: str
    section: str
    crumbs: tuple[Crumb, ...]
    url: str
    back_url: str
    button: str
    key: str
    version: str
    fields: tuple[FieldView, ...]
    checked: Mapping[str, tuple[str, ...]]
    meanwhile: tuple[tuple[str, str], ...] | None = None


# --- lists ---


@dataclass(frozen=True, slots=True)
class ListFrame:
    """What every list has: what was searched, the next page and the first one, and where something is added (or null)."""

    query: str
    next_url: str | None
    first_url: str | None
    add_url: str | None


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in the list."""

    name: str
    url: str
    sites: int
    units: int
    contracts: int
    open_cases: int


@dataclass(frozen=True, slots=True)
class ClientListView:
    """The clients, by name."""

    rows: tuple[ClientRow, ...]
    list: ListFrame


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product in the list; ``price_minor`` and ``term_months`` are null where nobody wrote them down."""

    name: str
    url: str
    part_number: str
    units: int
    price_minor: int | None
    currency: str
    term_months: int | None


@dataclass(frozen=True, slots=True)
class ProductListView:
    """The products, by maker and model."""

    rows: tuple[ProductRow, ...]
    list: ListFrame


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product's page."""

    row: ProductRow
    manufacturer: str
    model: str
    edit_url: str | None
    owners: tuple[tuple[str, str, int], ...]  # client, its page, how many units


@dataclass(frozen=True, slots=True)
class ContactRow:
    """Somebody at a site; ``edit_url`` null where the reader may not."""

    name: str
    phone: str
    email: str
    edit_url: str | None


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site on its client's page."""

    name: str
    lines: tuple[str, ...]
    time_zone: str
    access_hours: str
    units: int
    contacts: tuple[ContactRow, ...]
    edit_url: str | None
    add_contact_url: str | None


@dataclass(frozen=True, slots=True)
class ClientView:
    """A client's page; ``spend_limit_minor`` is what may be spent without asking, per job."""

    row: ClientRow
    currency: str
    spend_limit_minor: int
    sends_mail: bool
    sites: tuple[SiteRow, ...]
    list: ListFrame
    edit_url: str | None
    contracts_url: str
    cases_url: str
    add_contract_url: str | None
    labels_url: str


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A contract in the list."""

    number: str
    name: str
    url: str
    client: str
    client_url: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class ContractListView:
    """The contracts, by number; ``client`` is the name of the only client shown, with the address of all."""

    rows: tuple[ContractRow, ...]
    list: ListFrame
    client: str | None = None
    client_id: str | None = None
    all_url: str | None = None


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One promise: for what (``serial`` for a unit, else ``place`` in words), of what kind, from when to when, for how much.

    ``days`` until its last day, below 0 where that has passed, null without an end.
    """

    id: str
    kind: CoverageKind
    state: CoverageState
    shares: tuple[Share, ...]
    starts_on: date
    ends_on: date | None
    time_zone: str
    days: int | None
    price_minor: int | None
    currency: str
    serial: str = ""
    unit_url: str | None = None
    place: str = ""
    product: str = ""
    edit_url: str | None = None
    number: str = ""
    contract_url: str | None = None
    client: str = ""
    client_url: str = ""
    is_followed: bool = False


@dataclass(frozen=True, slots=True)
class ContractView:
    """A contract's page; the addresses are null where the reader may not."""

    number: str
    name: str
    client: str
    client_url: str
    totals: Totals
    reach: Reach
    rows: tuple[PromiseRow, ...]
    list: ListFrame
    edit_url: str | None
    void_url: str | None
    co_term_url: str | None
    covered_url: str
    uncovered_url: str


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit of a client."""

    serial: str
    url: str
    name: str
    product: str
    tag: str


@dataclass(frozen=True, slots=True)
class ContractUnitsView:
    """Which units of the client a contract covers today, or which it does not."""

    number: str
    url: str
    client: str
    is_covered: bool
    covered_url: str
    uncovered_url: str
    rows: tuple[UnitRow, ...]
    list: ListFrame


@dataclass(frozen=True, slots=True)
class RestingRow:
    """An open case whose verdict rests on what is to be void."""

    reference: str
    url: str
    serial: str
    symptom: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """What becomes of one end: ``days`` more or fewer, null where there was none; see ``contracts.Shift``."""

    row: PromiseRow
    days: int | None
    begins_later: bool
    is_looked_up: bool
    more_minor: int | None


@dataclass(frozen=True, slots=True)
class ChangeView(Typed):
    """Many promises of a contract changed together: what would change stands above the button that does it.

    ``has_changed``: it is another thing now than the reader had seen, and nothing was done.
    """

    number: str
    url: str
    form_url: str
    key: str
    version: str
    ids: tuple[str, ...]
    rows: tuple[PromiseRow, ...]
    has_changed: bool = False
    resting: tuple[RestingRow, ...] = ()
    shifts: tuple[ShiftRow, ...] = ()
    day: date | None = None
    worth: Worth = field(default_factory=Worth)


# --- what ends when ---


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """What ends of one client."""

    name: str
    url: str
    worth: Worth


@dataclass(frozen=True, slots=True)
class RenewalsView:
    """What ends next. ``spans`` are the spans to choose from: name, address, whether it is this one."""

    days: int
    day: date | None
    rows: tuple[PromiseRow, ...]
    owners: tuple[OwnerRow, ...]
    worth: Worth
    spans: tuple[tuple[str, str, bool], ...]
    list: ListFrame
    client: str | None
    all_clients_url: str
    everything_url: str
    is_open_only: bool


@dataclass(frozen=True, slots=True)
class DayCell:
    """A day of the calendar."""

    day: date
    url: str | None
    worth: Worth
    is_today: bool
    is_here: bool


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A month: its weeks, Monday first."""

    month: date
    weeks: tuple[tuple[DayCell, ...], ...]
    worth: Worth
    before_url: str
    after_url: str
    today_url: str


@dataclass(frozen=True, slots=True)
class FeedView:
    """The address that a calendar program reads; ``address`` is known only at the moment when it was made."""

    made_at: datetime | None
    address: str | None
