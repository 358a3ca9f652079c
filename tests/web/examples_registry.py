"""Example values of the registry's pages; see `tests.web.examples`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from warranty.domain.terms import CoverageKind, CoverageState, Share
from warranty.services.contracts import Reach, Totals
from warranty.services.renewals import Worth
from warranty.web.pages import registry as pages

TODAY = datetime.now(UTC).date()
LONG_CLIENT = "Stadtwerke Grünau-Ostheide Versorgungsbetriebe GmbH"
WORTH = Worth(14, {"EUR": 123_456_789, "CHF": 1_200_00}, 3)
SCALES = {"bare": 0, "few": 3, "many": 20}


def _list(scale: str, *, may: bool = True) -> pages.ListFrame:
    is_many = scale == "many"
    return pages.ListFrame(
        "Grünau" if is_many else "",
        "/next" if is_many else None,
        "/first" if is_many else None,
        "/new" if may else None,
    )


def client_list(scale: str) -> pages.ClientListView:
    """The clients."""
    row = pages.ClientRow(LONG_CLIENT, "/clients/1", 12, 12_486, 31, 4)
    return pages.ClientListView((row,) * SCALES[scale], _list(scale))


def client(scale: str) -> pages.ClientView:
    """A client's page."""
    person = pages.ContactRow(
        "Dr. Annegret Schäfer-Hohenlohe",
        "+49 4131 555 0199 12",
        "annegret.schaefer-hohenlohe@stadtwerke.example",
        "/contacts/1/edit",
    )
    lines = ("Am Alten Güterbahnhof 117", "21335 Lüneburg", "DE")
    site = pages.SiteRow(
        "Rechenzentrum Süd, Raum U1.07", lines, "Europe/Berlin", "Mo–Fr 8–18", 214, (person, person), "/edit", "/new"
    )
    bare = pages.SiteRow(
        "Umspannwerk Ost, Etagenverteiler hinter der Brandschutztür", (), "Europe/Berlin", "", 1, (), "/edit", "/new"
    )
    row = pages.ClientRow(LONG_CLIENT if scale != "bare" else "Äußere Mühle", "/clients/1", SCALES[scale], 1, 0, 0)
    return pages.ClientView(
        row, "EUR", 0 if scale == "bare" else 50_000, scale != "bare", (site, bare, site)[: SCALES[scale]] if scale != "many" else (site, bare) * 4,
        _list(scale), "/edit", "/contracts", "/cases", "/contracts/new", "/labels",
    )  # fmt: skip


def promise(number: int, **facts: Any) -> pages.PromiseRow:
    """A promise; the numbers go through every sort of row."""
    day = TODAY + timedelta((12, 400, -20)[number % 3])
    given: dict[str, Any] = {
        "id": f"p{number}",
        "kind": list(CoverageKind)[number % len(CoverageKind)],
        "state": CoverageState.VOIDED if number % 7 == 6 else CoverageState.ACTIVE,
        "shares": (Share.PARTS, Share.LABOUR)[: 1 + number % 2],
        "starts_on": date(2024, 1, 1),
        "ends_on": None if number % 5 == 4 else day,
        "time_zone": ("Europe/Berlin", "America/Los_Angeles")[number % 2],
        "days": None if number % 5 == 4 else (day - TODAY).days,
        "price_minor": None if number % 4 == 3 else 123_456_789,
        "currency": "EUR",
        "serial": "" if number % 3 == 1 else "FOC2433L0HJ123456789",
        "unit_url": "/assets/1",
        "place": "Site Umspannwerk Ost, Etagenverteiler hinter der Brandschutztür",
        "product": "Catalyst C9300-48P-E",
        "edit_url": "/edit",
        "number": "SVC-2026-0000000014/A",
        "contract_url": "/contracts/1" if number % 2 else None,
        "client": LONG_CLIENT,
        "client_url": "/clients/1",
        "is_followed": number % 4 == 2,
    }
    return pages.PromiseRow(**given | facts)


def _promises(scale: str, **facts: Any) -> tuple[pages.PromiseRow, ...]:
    return tuple(promise(number, **facts) for number in range(SCALES[scale]))


def contract(scale: str) -> pages.ContractView:
    """A contract's page."""
    ends = {"first_end": TODAY + timedelta(12), "last_end": TODAY + timedelta(400)}
    totals = Totals() if scale == "bare" else Totals(running=12_486, ended=3, over=2, worth=WORTH, **ends)
    may = scale != "bare"
    return pages.ContractView(
        "MV-2024-117", "" if scale == "bare" else "Rundum-Betrieb mit Wiederherstellung in vier Stunden", LONG_CLIENT, "/clients/1",
        totals, Reach(0, 1) if scale == "bare" else Reach(11_900, 12_486), _promises(scale), _list(scale), "/edit",
        "/void" if may else None, "/co-term" if may else None, "/units", "/units?covered=no",
    )  # fmt: skip


def _change(scale: str, **more: Any) -> pages.ChangeView:
    is_many = scale == "many"
    return pages.ChangeView(
        "MV-2024-117", "/contracts/1", "/form", "key", "version", ("a", "b"), _promises(scale, state=CoverageState.ACTIVE),
        values={"ends_on": "2027-03-31"}, errors={"reason": "Say why: it is kept in the register."} if is_many else {}, **more,
    )  # fmt: skip


def void(scale: str) -> pages.ChangeView:
    """What a void would affect."""
    case = pages.RestingRow(
        "F-20418",
        "/cases/1",
        "7XK4P03",
        "Predictive failure on the third disk, rebuilt twice since Monday",
        (Share.PARTS, Share.LABOUR),
    )
    return _change(scale, resting=(case,) * SCALES[scale])


def co_term(scale: str) -> pages.ChangeView:
    """What one end for all would change."""
    shifts = tuple(
        pages.ShiftRow(row, (30, -12, None)[place % 3], place % 7 == 5, place % 2 == 1, (1_234, None)[place % 2])
        for place, row in enumerate(_promises(scale))
    )
    return _change(scale, shifts=shifts, day=None if scale == "bare" else date(2027, 3, 31), worth=WORTH)


def renewals(scale: str) -> pages.RenewalsView:
    """What ends next."""
    owners = tuple(pages.OwnerRow(f"{number} {LONG_CLIENT}", "/renewals", WORTH) for number in range(SCALES[scale]))
    return pages.RenewalsView(
        days=90,
        day=None,
        rows=_promises(scale),
        owners=owners,
        worth=Worth() if scale == "bare" else WORTH,
        spans=(
            ("Last 30 days", "/a", False),
            ("Next 30 days", "/b", False),
            ("Next 90 days", "/c", True),
            ("Next 365 days", "/d", False),
        ),
        list=_list(scale, may=False),
        client=LONG_CLIENT if scale == "many" else None,
        all_clients_url="/renewals",
        everything_url="/renewals",
        is_open_only=scale != "many",
    )


def calendar(scale: str) -> pages.CalendarView:
    """A month."""
    every = {"bare": 100, "few": 6, "many": 1}[scale]
    first = date(2026, 10, 26)
    days = [first + timedelta(number) for number in range(42)]
    cells = [
        pages.DayCell(
            day,
            None if number % every else "/renewals",
            Worth() if number % every else WORTH,
            number == 29,
            day.month == 11,
        )
        for number, day in enumerate(days, start=1)
    ]
    weeks = tuple(tuple(cells[place : place + 7]) for place in range(0, 42, 7))
    return pages.CalendarView(
        date(2026, 11, 1), weeks, Worth() if scale == "bare" else WORTH, "/before", "/after", "/today"
    )


def form(scale: str) -> pages.FormView:
    """A form with a field of each kind; the second one came back because somebody else was faster, the third with errors."""
    choices = (("a", "Manufacturer's warranty"), ("b", "Agreement with your service provider"))
    fields = (
        pages.FieldView("scope", "For what", "select", choices=choices, empty="Choose"),
        pages.FieldView("serials", "Serial numbers", "area", hint="One a line."),
        pages.FieldView("covers", "Covers", "checks", choices=(("parts", "Parts"), ("labour", "Labour"))),
        pages.FieldView("starts_on", "First day", type="date", style="tn", is_half=True),
        pages.FieldView("ends_on", "Last day", type="date", note="empty: no end", style="tn", is_half=True),
        pages.FieldView("price_minor", "Price of the whole term", note="optional", style="tn", is_half=True),
        pages.FieldView("currency", "Currency", options={"maxlength": 3}, is_half=True),
        pages.FieldView("sends_mail", "Tell its people of their cases by mail", "check"),
        pages.FieldView("reason", "Reason", note="optional", hint="Kept in the register, with your name."),
    )
    said = "Give what this asks for, as the paper says it, and not as somebody remembers it."
    values = (
        {}
        if scale == "bare"
        else {"serials": "QX7T2K9 2027-03-31\nFOC2433L0HJ123456789", "currency": "EUR", "sends_mail": "1"}
    )
    meanwhile = (("Price of the whole term", "€1,234,567.89"), ("Currency", "CHF")) if scale == "few" else None
    return pages.FormView(
        "Add to the contract", "contracts", (pages.Crumb("Contracts", "/contracts"), pages.Crumb(LONG_CLIENT, "/clients/1")), "/form", "/back",
        "Add to the contract", "key", "version", fields, {"covers": ("parts",)}, meanwhile,
        values=values, errors={one.name: said for one in fields[:6]} if scale == "many" else {},
    )  # fmt: skip
