"""From a page of units to what the list shows, and to the cells of a spreadsheet: the same rows, columns and order."""

from __future__ import annotations

import csv
import io
from datetime import date
from itertools import zip_longest
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import xlsxwriter  # type: ignore[import-untyped]  # it has no types
from flask import url_for

from warranty.domain.access import Permission
from warranty.domain.terms import AssetState, Ownership
from warranty.models import User
from warranty.services import inventory, queries, together
from warranty.services.inventory import Covered, Cursor, Filter, Sort
from warranty.web import views, words
from warranty.web.forms import uuid_of
from warranty.web.guards import call
from warranty.web.i18n import N_, reader
from warranty.web.pages import asset_list as pages
from warranty.web.pages.asset_list import Column
from warranty.web.views import saved_views

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from werkzeug.datastructures import MultiDict

    from warranty.services.inventory import Facts, Row, Standing
    from warranty.web.pages import Sign
    from warranty.web.pages.saved_views import ViewTabs

DAYS: Final = (30, 90, 180, 365)
_LONGEST: Final = 100
_SORTS: Final[dict[Column | None, Sort]] = {
    None: Sort.SERIAL,
    Column.NAME: Sort.NAME,
    Column.TAG: Sort.TAG,
    Column.ENDS: Sort.ENDS,
}
_CHOICE: Final = "asset_columns"


# --- what an address says ---


def filter_of(args: MultiDict[str, str]) -> Filter:
    """The filter and the order of an address; what is no word of ours narrows nothing."""
    sort = args.get("sort", "")
    days = args.get("days", "")
    return Filter(
        client=uuid_of(args.get("client")),
        site=uuid_of(args.get("site")),
        product=uuid_of(args.get("product")),
        maker=args.get("maker", "").strip()[:_LONGEST],
        states=tuple(AssetState(word) for word in dict.fromkeys(args.getlist("state")) if word in list(AssetState)),
        ownership=Ownership(args["ownership"]) if args.get("ownership") in list(Ownership) else None,
        covered=Covered(args["cover"]) if args.get("cover") in list(Covered) else None,
        days=int(days) if days.isdecimal() and 0 < len(days) < 5 else DAYS[1],
        text=args.get("q", "").strip()[:_LONGEST],
        sort=Sort(sort.lstrip("-")) if sort.lstrip("-") in list(Sort) else Sort.SERIAL,
        is_down=sort.startswith("-"),
    )


def cursor_of(args: MultiDict[str, str], wanted: Filter) -> Cursor | None:
    """Where the page before ended, as its address says; one of another order says nothing."""
    value, _, unit = args.get("after", "").rpartition("~")
    id_ = uuid_of(unit)
    if wanted.sort is Sort.ENDS:
        try:
            date.fromisoformat(value)
        except ValueError:
            return None
    return Cursor(value, id_) if id_ else None


def fields_of(wanted: Filter) -> list[tuple[str, str]]:
    """A filter as fields of an address or a form, without the order."""
    fields = [(name, str(value)) for name, value in (("client", wanted.client), ("site", wanted.site)) if value]
    fields += [("product", str(wanted.product))] if wanted.product else []
    fields += [("maker", wanted.maker)] if wanted.maker else []
    fields += [("state", state.value) for state in wanted.states]
    fields += [("ownership", wanted.ownership.value)] if wanted.ownership else []
    fields += [("cover", wanted.covered.value)] if wanted.covered else []
    fields += [("days", str(wanted.days))] if wanted.covered is Covered.ENDS else []
    return fields + ([("q", wanted.text)] if wanted.text else [])


def order_of(wanted: Filter) -> list[tuple[str, str]]:
    """The order as fields; nothing where it is the usual one."""
    if wanted.sort is Sort.SERIAL and not wanted.is_down:
        return []
    return [("sort", f"{'-' if wanted.is_down else ''}{wanted.sort.value}")]


def address(endpoint: str, fields: Iterable[tuple[str, str]], **more: str) -> str:
    """The address of a page with these fields; one may stand several times."""
    query = urlencode([*fields, *more.items()])
    return url_for(endpoint) + (f"?{query}" if query else "")


# --- the columns that somebody chose ---


def chosen_columns() -> tuple[Column, ...]:
    """The columns that the reader wants; the usual ones where none was ever chosen."""
    user = call().session.get_one(User, call().principal.user_id)
    kept = user.choices.get(_CHOICE)
    if kept is None:
        return pages.USUAL
    return tuple(column for column in Column if column.value in kept)


def choose_columns(names: Sequence[str]) -> None:
    """Keep what the reader wants to see."""
    user = call().session.get_one(User, call().principal.user_id)
    wanted = [column.value for column in Column if column.value in names]
    user.choices = user.choices | {_CHOICE: wanted}


# --- the list ---


def list_view(
    wanted: Filter, rows: Sequence[Row], facts: Facts, after: Cursor | None, *, is_first: bool
) -> pages.AssetListView:
    """A page of units."""
    fields, order, columns = fields_of(wanted), order_of(wanted), chosen_columns()
    here, kept = [*fields, *order], saved_views.tabs("assets")
    return pages.AssetListView(
        rows=tuple(unit_row(row) for row in rows),
        heads=tuple(_head(column, wanted, fields) for column in (None, *columns)),
        columns=columns,
        tabs=tuple(_tabs(wanted, kept)),
        saved=kept,
        chips=tuple(_chips(wanted, facts)),
        count=facts.count,
        is_more=facts.is_more,
        filter_url=address("staff.asset_filter", here),
        columns_url=address("staff.asset_columns", here),
        counts_url=address("staff.asset_counts", here),
        exports={kind: address("staff.asset_export", here, format=kind) for kind in ("xlsx", "csv")},
        clear_url=url_for("staff.asset_list"),
        bulk=_bulk(facts, fields),
        next_url=address("staff.asset_list", here, after=f"{after.value}~{after.unit}") if after else None,
        first_url=None if is_first else address("staff.asset_list", here),
    )


def _bulk(facts: Facts, fields: list[tuple[str, str]]) -> pages.Bulk | None:
    if not call().principal.may(Permission.REGISTER):
        return None
    has_few = not facts.is_more and facts.count <= together.MOST
    return pages.Bulk(url_for("staff.asset_together"), tuple(fields), has_few)


def _head(column: Column | None, wanted: Filter, fields: list[tuple[str, str]]) -> pages.Head:
    sort = _SORTS.get(column)
    if sort is None:
        return pages.Head(column, None, "")
    is_here = sort is wanted.sort
    turned = f"-{sort.value}" if is_here and not wanted.is_down else sort.value
    order = ("descending" if wanted.is_down else "ascending") if is_here else ""
    return pages.Head(column, address("staff.asset_list", fields, sort=turned), order)


VIEWS: Final = {
    N_("All"): Filter(),
    N_("Ends in 90 days"): Filter(covered=Covered.ENDS, days=90),
    N_("No cover"): Filter(covered=Covered.NONE),
    N_("Never asked"): Filter(covered=Covered.UNASKED),
    N_("In RMA"): Filter(states=(AssetState.IN_RMA,)),
}
"""The views that everybody has."""


def tabs_view(wanted: Filter) -> pages.TabsView:
    """The views above the list, with how many units each has; three statements."""
    kept = saved_views.tabs("assets")
    counts = inventory.counts(call().session, list(VIEWS.values()), now=call().now)
    return pages.TabsView(tuple(_tabs(wanted, kept, counts)), kept)


def _tabs(wanted: Filter, kept: ViewTabs, counts: Sequence[int | None] = ()) -> Iterator[pages.Tab]:
    fields = None if any(tab.is_current for tab in kept.tabs) else fields_of(wanted)
    most = inventory.COUNTED_BY_COVER
    for (name, view), count in zip_longest(VIEWS.items(), counts):
        own = fields_of(view)
        is_more = count is not None and count > most
        yield pages.Tab(
            reader().text(name), address("staff.asset_list", own), own == fields, most if is_more else count, is_more
        )


def _chips(wanted: Filter, facts: Facts) -> Iterator[pages.Chip]:
    fields, order, say = fields_of(wanted), order_of(wanted), reader().text
    how = {
        "client": facts.client or "",
        "site": facts.site or "",
        "product": facts.product or "",
        "maker": wanted.maker,
        "state": ", ".join(words.word(state) for state in wanted.states),
        "ownership": words.word(wanted.ownership) if wanted.ownership else "",
        "cover": _cover_says(wanted),
        "q": say(N_("“%(text)s”"), text=wanted.text),
    }
    for what in dict.fromkeys(name for name, _ in fields if name != "days"):
        gone = {what, "days"} if what == "cover" else {what}
        left = [one for one in fields if one[0] not in gone]
        yield pages.Chip(what, how[what], address("staff.asset_list", [*left, *order]))


def _cover_says(wanted: Filter) -> str:
    if wanted.covered is Covered.ENDS:
        return reader().text(N_("ends within %(days)s days"), days=reader().count(wanted.days))
    return words.word(wanted.covered) if wanted.covered else ""


def unit_row(row: Row) -> pages.UnitRow:
    """One unit of a list."""
    asset, stand = row.asset, row.standing
    is_asked = asset.lookup_at is not None or stand.was_asked
    return pages.UnitRow(
        id=str(asset.public_id),
        url=url_for("staff.asset_detail", id=asset.public_id),
        serial_number=asset.serial_number,
        name=asset.name,
        tag=asset.asset_tag,
        product=f"{row.product.manufacturer} {row.product.model}" if row.product else "",
        client=row.client.name,
        site=row.site.name if row.site else "",
        state=asset.state,
        ownership=asset.ownership,
        sign=_sign(stand, is_asked=is_asked),
        is_unasked=stand.today is not None and not is_asked,
        ends_on=stand.ends_on,
        time_zone=stand.time_zone,
        is_endless=stand.is_endless,
        days=(stand.ends_on - reader().today).days if stand.ends_on else None,
        bought_on=asset.purchased_on,
        bar=tuple(_bar(stand)),
    )


_YEAR: Final = 17.6  # of the 88 that a small bar is wide
_TODAY: Final = 52.8


def _bar(stand: Standing) -> Iterator[pages.Piece]:
    """What covers a unit, from three years ago until two years on."""
    today = reader().today

    def at(day: date | None) -> float:
        return 88.0 if day is None else min(max(_TODAY + (day - today).days / 365.25 * _YEAR, 0.0), 88.0)

    is_soon = stand.ends_on is not None and (stand.ends_on - today).days <= DAYS[1]
    for starts_on, ends_on in stand.spans[:_MOST_SPANS]:
        begin, end = at(starts_on), at(ends_on)
        if begin < min(end, _TODAY):
            yield pages.Piece("done", round(begin, 1), round(min(end, _TODAY) - begin, 1))
        if end > _TODAY:
            first = max(begin, _TODAY)
            yield pages.Piece("soon" if is_soon else "pays", round(first, 1), round(max(end - first, 2.0), 1))


_MOST_SPANS: Final = 12


def _sign(stand: Standing, *, is_asked: bool) -> Sign | None:
    """How a unit stands covered, as a badge; null where it is out of use, or nobody was asked and nothing is written."""
    if stand.today is None or (not is_asked and not stand.spans):
        return None
    return views.sign(stand.today)


# --- the form of the filter ---

MOST_CHOICES: Final = 500


def filter_view(wanted: Filter) -> pages.FilterView:
    """What may be filtered by; of a client the sites too."""
    session = call().session
    values = {name: value for name, value in fields_of(wanted) if name != "state"}
    values.setdefault("days", str(wanted.days))
    return pages.FilterView(
        url=url_for("staff.asset_list"),
        values=values,
        states=tuple(state.value for state in wanted.states),
        clients=tuple((str(one.public_id), one.name) for one in queries.clients(session)),
        sites=tuple(
            (str(site), f"{client}, {name}")
            for site, name, client in inventory.sites(session, wanted.client, limit=MOST_CHOICES)
        ),
        products=tuple(
            (str(id_), f"{maker} {model}") for id_, maker, model in inventory.products(session, limit=MOST_CHOICES)
        ),
        kept=tuple(order_of(wanted)),
    )


# --- the same as a spreadsheet ---


def cell(row: pages.UnitRow, column: Column | None) -> str | date | None:
    """What a list shows of a unit in one column, as a cell."""
    match column:
        case None:
            return row.serial_number
        case Column.STATE | Column.OWNERSHIP:
            return words.word(getattr(row, column.value))
        case Column.COVER:
            unasked = reader().text(N_("Not asked")) if row.is_unasked else ""
            return words.badge(row.sign) if row.sign else unasked
        case Column.ENDS:
            return reader().text(N_("no end")) if row.is_endless else row.ends_on
        case Column.BOUGHT:
            return row.bought_on
        case _:
            text: str = getattr(row, column.value)
            return text


def titles(columns: Iterable[Column]) -> list[str]:
    """The heads of the columns of a spreadsheet."""
    return [reader().text(N_("Serial number")), *(words.word(column) for column in columns)]


_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(rows: Iterable[pages.UnitRow], columns: tuple[Column, ...]) -> Iterator[str]:
    """The rows as CSV, piece by piece. What a spreadsheet would take for a formula begins with an apostrophe."""

    def line(cells: Iterable[str]) -> str:
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL).writerow(
            "'" + one if one.startswith(_STARTS_A_FORMULA) else one for one in cells
        )
        return text.getvalue()

    yield "\N{BYTE ORDER MARK}" + line(titles(columns))
    for row in rows:
        yield line(str(cell(row, column) or "") for column in (None, *columns))


_PIECE: Final = 1 << 16


def as_xlsx(rows: Iterable[pages.UnitRow], columns: tuple[Column, ...]) -> Iterator[bytes]:
    """The rows as a workbook: days are days, all else is text and never a formula. Held on disk, not in memory."""
    with TemporaryFile() as file:
        book = xlsxwriter.Workbook(file, {"constant_memory": True})
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns), 20)
        for place, title in enumerate(titles(columns)):
            sheet.write_string(0, place, title, bold)
        for number, row in enumerate(rows, start=1):
            for place, column in enumerate((None, *columns)):
                value = cell(row, column)
                if isinstance(value, date):
                    sheet.write_datetime(number, place, value, day)
                elif value:
                    sheet.write_string(number, place, value)
        book.close()
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece
