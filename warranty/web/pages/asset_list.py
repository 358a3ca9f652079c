"""What the list of units shows. Addresses keep the filter, the order and the columns that are looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from warranty.domain.terms import AssetState, Ownership
    from warranty.web.pages import Sign
    from warranty.web.pages.saved_views import ViewTabs


class Column(StrEnum):
    """What a list of units may show beside the serial number, in this order."""

    NAME = "name"
    TAG = "tag"
    PRODUCT = "product"
    CLIENT = "client"
    SITE = "site"
    STATE = "state"
    OWNERSHIP = "ownership"
    COVER = "cover"
    ENDS = "ends"
    BOUGHT = "bought"


USUAL = (Column.NAME, Column.PRODUCT, Column.CLIENT, Column.STATE, Column.COVER, Column.ENDS)
"""The columns of somebody who has chosen none."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a row's small bar: `done`, `pays` or `soon`, from ``x`` on, as wide as ``width`` of its 88."""

    look: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit. ``sign`` is null where nobody was ever asked (``is_unasked``), or it is out of use.

    ``days`` until its cover ends, negative once it has. ``bar`` draws its cover from three years ago until two years on.
    """

    id: str
    url: str
    serial_number: str
    name: str
    tag: str
    product: str
    client: str
    site: str
    state: AssetState
    ownership: Ownership
    sign: Sign | None
    is_unasked: bool
    ends_on: date | None
    time_zone: str
    is_endless: bool
    days: int | None
    bought_on: date | None
    bar: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that narrows the list: what (a word of `words.UNIT_FILTERS`), how, in words, and the list without it."""

    what: str
    how: str
    url: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A view that everybody has. ``count``: how many units it has, null until that was asked; ``has_more``: at least so many."""

    name: str
    url: str
    is_here: bool
    count: int | None = None
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column; ``url`` sorts by it, null where nothing does. ``order``: `ascending`, `descending` or none."""

    column: Column | None
    url: str | None
    order: str


@dataclass(frozen=True, slots=True)
class Bulk:
    """Where selected units are changed together, and what the form carries of the list; ``all``: all that fit may be meant."""

    url: str
    fields: tuple[tuple[str, str], ...]
    all: bool


@dataclass(frozen=True, slots=True)
class TabsView:
    """The views above the list: those that everybody has, and those that somebody has kept."""

    tabs: tuple[Tab, ...]
    saved: ViewTabs


@dataclass(frozen=True, slots=True)
class AssetListView:
    """A page of units."""

    rows: tuple[UnitRow, ...]
    heads: tuple[Head, ...]
    columns: tuple[Column, ...]
    tabs: tuple[Tab, ...]
    saved: ViewTabs
    chips: tuple[Chip, ...]
    count: int
    is_more: bool
    filter_url: str
    columns_url: str
    counts_url: str
    exports: Mapping[str, str]
    clear_url: str
    bulk: Bulk | None = None
    next_url: str | None = None
    first_url: str | None = None


@dataclass(frozen=True, slots=True)
class FilterView:
    """The form of a filter: what is chosen, and what there is to choose from, as pairs of value and text."""

    url: str
    values: Mapping[str, str]
    states: tuple[str, ...]
    clients: tuple[tuple[str, str], ...]
    sites: tuple[tuple[str, str], ...]
    products: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ColumnsView:
    """The form of the columns."""

    url: str
    key: str
    chosen: tuple[Column, ...]
    back_url: str
    errors: Mapping[str, str] = field(default_factory=dict)
