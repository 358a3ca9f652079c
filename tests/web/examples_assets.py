"""Pages of units filled with invented values, as `examples` has them of the other rooms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from warranty.domain.coverage import ENGINE_VERSION, Shares, Verdict
from warranty.domain.terms import (
    AssetState,
    CoverageKind,
    CoverageState,
    Ownership,
    Party,
    Route,
    Share,
    VerdictWord,
)
from warranty.models import Coverage
from warranty.services.finding import Kind
from warranty.services.together import Left
from warranty.services.years import Stretch, Years
from warranty.web.pages import CaseRow, UploadForm, together, unit
from warranty.web.pages import asset_list as lists
from warranty.web.pages import assets as pages
from warranty.web.pages import search as found
from warranty.web.views import assets as views

NOW = datetime.now(UTC)
TODAY = NOW.date()
LONG_CLIENT = "Stadtwerke Grünau-Ostheide Versorgungsbetriebe GmbH"
VERDICT = Verdict(VerdictWord.COVERED, Route.RMA, Shares(), Shares(Party.VENDOR, Party.MSP), (), ENGINE_VERSION)


def _day(months: int) -> date:
    return TODAY + timedelta(days=round(months * 30.4))


def _contract(
    number: str, name: str, kind: CoverageKind, begin: int, end: int | None, *covers: Share, **more: Any
) -> Coverage:
    facts: dict[str, Any] = {"state": CoverageState.ACTIVE, **more}
    return Coverage(
        public_id=uuid4(), contract_number=number, name=name, kind=kind, starts_on=_day(begin),
        ends_on=None if end is None else _day(end), covers=list(covers), **facts,
    )  # fmt: skip


def _stretch(row: Coverage, *, is_sure: bool = True) -> Stretch:
    return Stretch(str(row.public_id), row.starts_on, row.ends_on, is_sure)


def years(scale: str) -> Years:
    """None; a warranty, its renewal and an agreement; and with `many` all sorts that ended and one in doubt."""
    if scale == "bare":
        return Years(VERDICT, TODAY, dict.fromkeys(Share, ()), ())
    warranty = _contract("W-88213", "Dell ProSupport NBD", CoverageKind.MANUFACTURER_WARRANTY, -20, 4, Share.PARTS)
    renewal = _contract("W-88950", "ProSupport, renewal", CoverageKind.VENDOR_CONTRACT, 4, 28, Share.PARTS)
    agreement = _contract("MV-2024-117", "Rundum-Betrieb", CoverageKind.MSP_AGREEMENT, -35, 1, Share.LABOUR)
    rows = [renewal, warranty, agreement]
    labour = [_stretch(agreement)]
    if scale == "many":
        rows.append(
            _contract("MSA-0000000000012345", "", CoverageKind.MSP_AGREEMENT, 3, None, Share.PARTS, Share.LABOUR)
        )
        labour.append(_stretch(rows[-1], is_sure=False))
        rows += [
            _contract(f"EW-{number}", "Elbtech Wartung mit vier Stunden Reaktionszeit und Teilelager", CoverageKind.THIRD_PARTY_MAINTENANCE,
                      -90 + 6 * number, -60 + 6 * number, Share.PARTS, Share.LABOUR,
                      state=CoverageState.VOIDED if number % 4 == 3 else CoverageState.ACTIVE)
            for number in range(10)
        ]  # fmt: skip
    parts = (_stretch(warranty), _stretch(renewal))
    return Years(VERDICT, TODAY, {Share.PARTS: parts, Share.LABOUR: tuple(labour)}, tuple(rows))


def _event(days: int, actor: str | None, action: str, **more: Any) -> pages.Happened:
    facts: dict[str, Any] = {"old_state": None, "new_state": None, "changes": (), "reason": "", **more}
    return pages.Happened(at=NOW - timedelta(days=days), actor=actor, action=action, **facts)


HISTORY = (
    _event(
        1, None, "move", old_state=AssetState.FAULTY, new_state=AssetState.IN_RMA, reason="the vendor authorised it"
    ),
    _event(
        40,
        "Marit Søndergaard",
        "change",
        changes=(
            pages.Change("name", "srv-grn-vmhost-03", "srv-grn-vmhost-04"),
            pages.Change("asset_tag", "", "NL-004718"),
        ),
        reason="renamed with the rack",
    ),
    _event(400, "Marit Søndergaard", "move", new_state=AssetState.ONBOARDING, reason="imported from the spreadsheet"),
)


def asset(scale: str, sign: Any, cases: tuple[CaseRow, ...]) -> pages.AssetView:
    """A unit without anything, a usual one, and one with long names and a long life."""
    is_bare, is_many = scale == "bare", scale == "many"
    line = (
        pages.Kin("5PL2N13", "/assets/1", AssetState.RETURNED_TO_VENDOR, _day(-56)),
        pages.Kin("FOC2433L0HJ123456789" if is_many else "7XK4P03", None, AssetState.IN_RMA, _day(-15)),
    )
    serial = line[-1].serial_number
    return pages.AssetView(
        serial_number=serial,
        name="" if is_bare else "rt-vdm-rotterdam-maasvlakte-1" if is_many else "srv-grn-vmhost-04",
        asset_tag="" if is_bare else "NL-004718",
        manufacturer=None if is_bare else "Dell",
        model=None
        if is_bare
        else "Catalyst C9300-48P-E mit Netzwerkmodul C9300-NM-8X"
        if is_many
        else "PowerEdge R750xs",
        part_number="" if is_bare else "210-AZYQ",
        base_term_months=None if is_bare else 36,
        client=LONG_CLIENT,
        site=None if is_bare else "Rechenzentrum Süd, Rack 4 HE 18",
        address="" if is_bare else "Am Kraftwerk 1, 12345, Grünau, DE",
        ownership=Ownership.LEASED if is_many else Ownership.CLIENT,
        state=AssetState.IN_SERVICE if is_bare else AssetState.IN_RMA,
        purchased_on=None if is_bare else _day(-35),
        created_at=NOW - timedelta(days=400),
        exceptions=("fan", "psu") if is_many else (),
        sign=None if is_bare else sign,
        years=views.years_view(serial, years(scale)),
        answer=None if is_bare else pages.Answer("Dell", NOW, "listed", "HTTP 503" if is_many else None),
        line=line[1:] if is_bare else line * 3 if is_many else line,
        open_cases=() if is_bare else cases[:1],
        past_cases=() if is_bare else cases[1:],
        files=tuple(
            pages.Paper("Rechnung und Lieferschein der ganzen Lieferung 2024-03-14.pdf", "/files/1", 183_000, NOW)
            for _ in range(3 * is_many)
        ),
        history=() if is_bare else HISTORY * (5 if is_many else 1),
        stock=() if is_bare else (pages.Shelf("Lager Süd", 2),),
        edit_url=None if is_bare else "/assets/1/edit",
        state_url=None if is_bare else "/assets/1/state",
        documents_url="/assets/1/documents",
        ask=None if is_bare else pages.Ask("/assets/1/lookup", "key"),
        asking=unit.Asking("Dell", "/assets/1", "/assets/1/live", is_over=False, is_held=False, trouble="")
        if is_many
        else None,
        handover_url="/assets/1/handover",
        retirement_url="/assets/1/retirement",
        labels_url="/labels",
        report_url=None if is_bare else "/faults/new",
    )


HEAD = unit.UnitHead("FOC2433L0HJ123456789", LONG_CLIENT, "/assets/1")


def asset_state(scale: str) -> unit.StateView:
    """An open case; nothing special; and one that was refused."""
    allowed = (("in_service", "in service"), ("lost", "lost"))
    return unit.StateView(
        unit=HEAD, url="/assets/1/state", key="key", state=AssetState.FAULTY, allowed=allowed, has_case=scale == "bare",
        values={"reason": "x" * 200} if scale == "many" else {},
        errors={"state": "Choose what becomes of it."} if scale == "many" else {},
        refused="It cannot become replaced by hand from here. It can become: in service, lost." if scale == "many" else "",
    )  # fmt: skip


def asset_documents(scale: str) -> unit.DocumentsView:
    """None; and with `many` long names."""
    name = "Rechnung und Lieferschein der ganzen Lieferung 2024-03-14 mit Anlagen und Garantiekarte.pdf"
    count = {"bare": 0, "few": 2, "many": 40}[scale]
    rows = (
        unit.Document(name, "/files/1", 183_000, NOW, "Marit Søndergaard", number == 1, "/files/1/removal")
        for number in range(count)
    )
    errors = {"upload": "Choose a file."} if scale == "many" else {}
    return unit.DocumentsView(HEAD, tuple(rows), UploadForm("/assets/1/documents", 20_971_520, errors))


def asset_removal(scale: str) -> unit.RemovalView:
    """The form, and with `many` an error."""
    errors = {"reason": "Say why."} if scale == "many" else {}
    return unit.RemovalView("Rechnung 2024-03-14.pdf", "/files/1/removal", "/assets/1", "key", {}, errors)


def _row(number: int, signs: tuple[Any, ...], *, is_long: bool) -> lists.UnitRow:
    ends = TODAY + timedelta(days=37 * number - 40)
    return lists.UnitRow(
        id=str(number),
        url=f"/assets/{number}",
        serial_number="FOC2433L0HJ123456789" if number % 5 == 2 else f"7XK4P{number:02}",
        name="" if number % 7 == 3 else "rt-vdm-rotterdam-maasvlakte-1" if is_long else "srv-grn-vmhost-04",
        tag=f"NL-{4700 + number}",
        product=""
        if number % 7 == 3
        else "Cisco Catalyst C9300-48P-E mit Netzwerkmodul"
        if is_long
        else "Dell PowerEdge R750xs",
        client=LONG_CLIENT if number % 2 else "Werft Norderhafen KG",
        site="Rechenzentrum Süd, Rack 4 HE 18",
        state=list(AssetState)[number % len(AssetState)],
        ownership=Ownership.CLIENT,
        sign=(*signs, None)[number % (len(signs) + 1)],
        is_unasked=number % 2 == 0,
        ends_on=None if number % 7 in {3, 5} else ends,
        time_zone=("Europe/Berlin", "Asia/Tokyo")[number % 2],
        is_endless=number % 7 == 5,
        days=None if number % 7 in {3, 5} else (ends - TODAY).days,
        bought_on=None if number % 3 else TODAY,
        bar=()
        if number % 7 == 3
        else (lists.Piece("done", 10.0, 42.8), lists.Piece("soon" if number < 4 else "pays", 52.8, min(number, 35.0))),
    )


def asset_list(scale: str, signs: tuple[Any, ...], saved: Any) -> lists.AssetListView:
    """No unit that fits; a few; and a page of many with every column."""
    is_many = scale == "many"
    columns = tuple(lists.Column) if is_many else lists.USUAL
    states = "in service, faulty, in RMA, being taken on, rejected at hand-over"
    chips = (lists.Chip("cover", "ends within 90 days", "/assets"), lists.Chip("state", states, "/assets"))
    return lists.AssetListView(
        rows=tuple(_row(number, signs, is_long=is_many) for number in range({"bare": 0, "few": 12, "many": 50}[scale])),
        heads=tuple(
            lists.Head(
                column, "/assets" if column in {None, lists.Column.NAME} else None, "" if column else "ascending"
            )
            for column in (None, *columns)
        ),
        columns=columns,
        tabs=tuple(
            lists.Tab(name, "/assets", not at, 1000, at == 0)
            for at, name in enumerate(("All", "Ends in 90 days", "In RMA"))
        ),
        saved=saved,
        chips=() if scale == "few" else chips,
        count=10_000 if is_many else 12,
        is_more=is_many,
        filter_url="/assets/filter",
        columns_url="/assets/columns",
        counts_url="/assets/live",
        exports={"xlsx": "/assets/export", "csv": "/assets/export"},
        clear_url="/assets",
        bulk=lists.Bulk("/assets/together", (), all=not is_many),
        next_url="/assets?after=x" if is_many else None,
        first_url="/assets" if is_many else None,
    )


def asset_filter(scale: str) -> lists.FilterView:
    """Nothing chosen; and with `many` all of it, among many choices."""
    if scale == "bare":
        return lists.FilterView("/assets", {"days": "90"}, (), (), (), (), ())
    clients = tuple((str(number), f"{LONG_CLIENT} {number}") for number in range(300 if scale == "many" else 2))
    values = (
        {"client": "1", "cover": "ends", "days": "180", "q": "srv-", "maker": "Dell"}
        if scale == "many"
        else {"days": "90"}
    )
    states = tuple(state.value for state in AssetState) if scale == "many" else ("in_service",)
    return lists.FilterView("/assets", values, states, clients, clients, clients, (("sort", "-name"),))


def asset_together(scale: str) -> together.TogetherView:
    """None chosen; a few; and many that were looked at, all sorts of them left as they are."""
    is_many = scale == "many"
    ready = tuple(
        together.UnitOutcome(
            "FOC2433L0HJ123456789", "/assets/1", LONG_CLIENT,
            (("site", "Rechenzentrum Süd, Rack 4 HE 18", "Umspannwerk Ost"), ("ownership", "Client", "Leased")), None, (),
        )
        for _ in range(40)
    )  # fmt: skip
    left = tuple(
        together.UnitOutcome(
            f"7XK4P{number:02}", "/assets/1", LONG_CLIENT, (), one, ("lost", "stolen") if one is Left.NO_MOVE else ()
        )
        for number, one in enumerate(Left)
    )
    sites = (("none", "no site"), ("1", f"{LONG_CLIENT}, Rechenzentrum Süd"))
    return together.TogetherView(
        url="/assets/together",
        look_url="/assets/together/look",
        back_url="/assets",
        key="key",
        most=500,
        ids=() if scale == "bare" else ("1",),
        count={"bare": 0, "few": 3, "many": 45}[scale],
        sites=sites,
        owners=(("client", "Client"),),
        states=(("in_stock", "In stock"),),
        values={"site": "1"} if is_many else {},
        errors={"reason": "Say why: it is kept with each unit."} if is_many else {},
        seen="x" if is_many else "",
        ready=ready if is_many else (),
        left=left if is_many else (),
    )


def asset_columns(scale: str) -> lists.ColumnsView:
    """None chosen, the usual ones, all."""
    chosen = {"bare": (), "few": lists.USUAL, "many": tuple(lists.Column)}[scale]
    return lists.ColumnsView("/assets/columns", "key", chosen, "/assets")


def search(scale: str) -> found.SearchView:
    """Nothing that begins so; a few; and many of every kind."""
    if scale == "bare":
        return found.SearchView("x", is_short=True, groups=(), cases_url="/cases")
    rows = tuple(
        found.Found("/assets/1", said, "Cisco Catalyst C9300-48P-E mit Netzwerkmodul C9300-NM-8X", LONG_CLIENT)
        for said in ("FOC2433L0HJ123456789", "rt-vdm-rotterdam-maasvlakte-1", "NL-004718", LONG_CLIENT)
    )
    if scale == "few":
        return found.SearchView(
            "7XK", is_short=False, groups=(found.Group("asset", rows[:2], None),), cases_url="/cases"
        )
    groups = tuple(found.Group(kind.value, rows * 2, "/assets") for kind in Kind)
    return found.SearchView("Stadtwerke", is_short=False, groups=groups, cases_url="/cases")
