"""From a unit and what the register holds of it to what its page shows; and the drawing of its years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from flask import url_for

from vendors.contract import Duty
from warranty.domain.access import Permission
from warranty.domain.terms import AssetState, CoverageState, Share
from warranty.services import estate, queries, units, years
from warranty.services.casefile import UnitFile
from warranty.web import views, words
from warranty.web.forms import key_of
from warranty.web.guards import call
from warranty.web.pages import assets as pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from warranty.models import Asset, Coverage
    from warranty.services.queries import Event
    from warranty.services.years import Stretch, Years
    from warranty.web.pages.unit import Asking

SHOWN_LINES: Final = ("address_line1", "postal_code", "city", "country")
REPORTABLE: Final = frozenset({AssetState.IN_SERVICE, AssetState.IN_STOCK, AssetState.FAULTY, AssetState.IN_RMA})


def asset(unit: UnitFile, asking: Asking | None) -> pages.AssetView:
    """The page of one unit; ``asking`` is the order that its address names."""
    asked, row = call(), unit.asset
    found = years.of_unit(asked.session, unit, now=asked.now)
    cases = queries.cases_of_unit(asked.session, row, now=asked.now)
    rows = [(brief.fault.case_closed_at is None, views.case_row(brief)) for brief in cases]
    may = asked.principal.may
    is_whole = row.state in REPORTABLE and row.replaced_by_id is None
    return pages.AssetView(
        serial_number=row.serial_number,
        name=row.name,
        asset_tag=row.asset_tag,
        manufacturer=unit.product.manufacturer if unit.product else None,
        model=unit.product.model if unit.product else None,
        part_number=unit.product.part_number if unit.product else "",
        base_term_months=unit.product.base_term_months if unit.product else None,
        client=unit.client.name,
        site=unit.site.name if unit.site else None,
        address=", ".join(filter(None, (unit.site.address.get(name) for name in SHOWN_LINES))) if unit.site else "",
        ownership=row.ownership,
        state=row.state,
        purchased_on=row.purchased_on,
        created_at=row.created_at,
        exceptions=tuple(row.handover_exceptions),
        sign=views.sign(found.today) if found.today else None,
        years=years_view(row.serial_number, found),
        answer=_answer(unit),
        line=tuple(_kin(one, row) for one in units.line(asked.session, row)),
        open_cases=tuple(case for is_open, case in rows if is_open),
        past_cases=tuple(case for is_open, case in rows if not is_open),
        files=tuple(
            pages.Paper(one.name, url_for("staff.download", id=one.public_id), one.size, one.uploaded_at)
            for one, _ in units.papers(asked.session, asked.principal, row, limit=_FEW_FILES)
        ),
        history=tuple(_happened(event) for event in units.history(asked.session, row)),
        stock=tuple(pages.Shelf(one.store, one.count) for one in units.stock(asked.session, row)),
        edit_url=url_for("staff.asset_edit", id=row.public_id) if may(Permission.REGISTER) else None,
        state_url=url_for("staff.asset_state", id=row.public_id)
        if may(Permission.REGISTER) and estate.moves_by_hand(row.state)
        else None,
        documents_url=url_for("staff.asset_documents", id=row.public_id),
        ask=_ask(unit),
        asking=asking,
        handover_url=url_for("staff.unit_handover", id=row.public_id),
        retirement_url=url_for("staff.unit_retirement", id=row.public_id),
        labels_url=url_for("staff.labels_new", asset=row.public_id),
        report_url=url_for("staff.fault_new", serial_number=row.serial_number, client=unit.client.public_id)
        if may(Permission.HANDLE) and is_whole
        else None,
    )


def _ask(unit: UnitFile) -> pages.Ask | None:
    """Where the vendor is asked again; null where nobody can be asked, or the reader may not."""
    if not call().principal.may(Permission.HANDLE) or unit.account_for(Duty.LOOKUP) is None:
        return None
    return pages.Ask(url_for("staff.ask_vendor", id=unit.asset.public_id), key_of())


_FEW_FILES: Final = 5


def _answer(unit: UnitFile) -> pages.Answer | None:
    """What the vendor said; null where none is asked."""
    row = unit.asset
    if unit.product is None or (row.lookup_at is None and unit.account_for(Duty.LOOKUP) is None):
        return None
    return pages.Answer(unit.product.manufacturer, row.lookup_at, row.lookup_says, row.lookup_error)


def _kin(one: Asset, present: Asset) -> pages.Kin:
    url = None if one.id == present.id else url_for("staff.asset_detail", id=one.public_id)
    return pages.Kin(one.serial_number, url, one.state, one.created_at.date())


def _happened(event: Event) -> pages.Happened:
    row = event.row
    detail = row.detail or {}
    return pages.Happened(
        at=row.at,
        actor=(event.user.name or event.user.email) if event.user else None,
        action=row.action,
        old_state=AssetState(row.old_state) if row.old_state else None,
        new_state=AssetState(row.new_state) if row.new_state else None,
        changes=tuple(_changes(detail)) if row.action == "change" else (),
        reason=row.reason,
    )


_TOLD: Final = ("serial_number", "name", "asset_tag", "ownership", "purchased_on")


def _changes(detail: Mapping[str, Any]) -> Iterable[pages.Change]:
    """What changed of a unit, as far as it can be read; keys of other rows say nothing to a reader."""
    for column in _TOLD:
        if column in detail:
            was, is_now = detail[column]
            yield pages.Change(column, str(was or ""), str(is_now or ""))


# --- the years, drawn ---

_MOST_YEARS_BACK: Final = 8
_MOST_YEARS_ON: Final = 6
_LETTER: Final = 6.3  # of the grid, for each letter of a label: the widest that the type has on average


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where things stand in one of the two drawings."""

    is_wide: bool
    width: int
    left: float
    name_above: float  # how far above its bar a name stands, 0: beside it
    row: float  # from one thick bar to the next
    thin_row: float
    year_step: int


_WIDE: Final = _Grid(is_wide=True, width=1130, left=250.0, name_above=0, row=36.0, thin_row=23.0, year_step=1)
_NARROW: Final = _Grid(is_wide=False, width=340, left=0.0, name_above=8.0, row=52.0, thin_row=32.0, year_step=2)


def years_view(serial_number: str, found: Years) -> pages.YearsView:
    """Who pays each share today, and the years as a picture."""
    since, to = _span(found)
    return pages.YearsView(
        serial_number=serial_number,
        on=found.on,
        since=since,
        to=to,
        shares=tuple(_today(found, share) for share in Share),
        drawings=tuple(_draw(found, grid, since, to) for grid in (_WIDE, _NARROW)),
        has_contracts=bool(found.contracts),
    )


def _span(found: Years) -> tuple[int, int]:
    """The first and the last year that are drawn."""
    here = found.on.year
    begins = [row.starts_on.year for row in found.contracts]
    ends = [row.ends_on.year + 1 for row in found.contracts if row.ends_on is not None]
    since = max(min([*begins, here - 1]), here - _MOST_YEARS_BACK)
    return since, min(max([*ends, here + 2]), here + _MOST_YEARS_ON)


def _today(found: Years, share: Share) -> pages.ShareToday:
    numbers = {str(row.public_id): row.contract_number for row in found.contracts}
    ahead = [one.starts_on for one in found.stretches[share] if one.starts_on > found.on]
    for one in found.stretches[share]:
        if one.starts_on <= found.on <= (one.ends_on or date.max):
            return pages.ShareToday(share, numbers[one.coverage], one.is_sure, found.until(share), None)
    return pages.ShareToday(share, None, is_sure=True, until=None, next_on=min(ahead, default=None))


def _draw(found: Years, grid: _Grid, since: int, to: int) -> pages.Drawing:
    first, last = date(since, 1, 1), date(to, 12, 31)
    scale = (grid.width - 1 - grid.left) / (last - first).days

    def x(day: date) -> float:
        return round(grid.left + (min(max(day, first), last) - first).days * scale, 1)

    top = 34.0 if grid.is_wide else 44.0
    numbers = {str(row.public_id): row.contract_number for row in found.contracts}
    bars: list[pages.Bar] = []
    shares = []
    for place, share in enumerate(Share):
        y = top + place * grid.row
        shares.append((share, y - grid.name_above if grid.name_above else y + 17))
        for look, stretch, begin, end in _pieces(found.stretches[share], found.on, last):
            if end < first or begin > last:
                continue
            width = round(max(x(end) - x(begin) - 1.5, 2.0), 1)
            number = numbers[stretch.coverage] if stretch else ""
            ends_on = stretch.ends_on if stretch else None
            bars.append(pages.Bar(look, share, x(begin), y, width, number, ends_on, _fits(number, width)))
    rule = top + 2 * grid.row + (2 if grid.is_wide else -8)
    lines = tuple(
        _line(row, found.on, grid, x, rule + 16 + at * grid.thin_row) for at, row in enumerate(found.contracts)
    )
    foot = rule + 18 + len(lines) * grid.thin_row
    return pages.Drawing(
        is_wide=grid.is_wide,
        width=grid.width,
        height=round(foot + 20),
        foot=foot,
        first=grid.left,
        years=tuple((year, x(date(year, 1, 1))) for year in range(since, to + 1, grid.year_step)),
        shares=tuple(shares),
        bars=tuple(bars),
        rule=rule,
        lines=lines,
        today=x(found.on),
        is_today_left=x(found.on) - grid.left > (grid.width - grid.left) / 2,
    )


def _pieces(stretches: Sequence[Stretch], today: date, last: date) -> Iterable[tuple[str, Stretch | None, date, date]]:
    """The bars of a share in the order of days: who pays, and from the first cover or from today on where nobody does."""
    here = min([today, *(one.starts_on for one in stretches)]) if stretches else today
    for one in stretches:
        if one.starts_on > here:
            yield "gap", None, here, one.starts_on
        look = "unsure" if not one.is_sure else "next" if one.starts_on > today else "pays"
        end = last if one.ends_on is None else one.ends_on
        yield look, one, one.starts_on, end
        here = end + timedelta(days=1)
    if here < last:
        yield "gap", None, here, last


def _fits(number: str, width: float) -> str:
    room = width - 14
    if room > (len(number) + 15) * _LETTER:
        return "all"
    return "number" if number and room > len(number) * _LETTER else "nothing"


def _line(row: Coverage, today: date, grid: _Grid, x: Any, y: float) -> pages.Line:
    begin, end = x(row.starts_on), x(row.ends_on or date.max)
    width = max(end - begin, 2.0)
    room = 190.0
    at, is_before = begin + width + 8, False
    if at + room > grid.width:
        at, is_before = begin - 8, True
    has_room = grid.is_wide and (not is_before or at - room > grid.left)
    letters = int((232.0 if grid.is_wide else 330.0) / _LETTER) - len(row.contract_number) - 2
    name = row.name or words.kind(row.kind)
    return pages.Line(
        name=name if len(name) <= letters else name[: max(letters - 1, 4)] + "…",
        full_name=name,
        number=row.contract_number,
        state=row.state,
        shares=tuple(Share(word) for word in row.covers),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        time_zone=row.time_zone,
        remark=_remark(row, today),
        x=begin,
        y=y,
        width=round(width, 1),
        at=round(at, 1) if has_room else None,
        is_before=is_before,
    )


def _remark(row: Coverage, today: date) -> str:
    if row.state is not CoverageState.ACTIVE:
        return ""
    if row.starts_on > today:
        return "not_begun"
    return "ended" if row.ends_on is not None and row.ends_on < today else "runs"
