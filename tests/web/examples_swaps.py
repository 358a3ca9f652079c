"""The page of a swap filled with invented values."""

from __future__ import annotations

from dataclasses import replace

from warranty.domain.lifecycles import SwapKind, SwapSource, SwapState
from warranty.web import pages
from warranty.web.pages.swaps import OwedView, SwapForm, SwapView, Unit

STORES = (("1", "Van of Marit"), ("2", "Utrecht, cage 3"))


def _form(act: str, choices: tuple[tuple[str, str], ...] = (), **more: dict[str, str]) -> SwapForm:
    return SwapForm("/cases/1/swap", "key", act, "", choices, **more)


def swap(scale: str, subject: pages.Subject, long: pages.Subject) -> SwapView:
    """The page of a swap."""
    few = SwapView(
        "/cases/1", "/cases/1/live", "F-20418", subject, SwapKind.UNIT, SwapSource.VENDOR, SwapState.RECEIVED, "7XK9911", Unit("7XK4P03", "/assets/1"), None, "",
        scan=_form("scan", values={"scan_serial": "7XK9911", "scan_kind": "unit", "scan_source": "vendor"}),
        move=_form("move", (("installed", "Installed"), ("dead_on_arrival", "Dead on arrival"), ("abandoned", "Given up"))),
        lend=_form("lend", (("1", "7XK0001, Utrecht, cage 3"),)),
    )  # fmt: skip
    if scale == "few":
        return few
    if scale == "bare":
        return replace(few, told="", scan=None, move=None, lend=None, state=SwapState.DONE, is_closed=True)
    wrong = {"scan_serial": "The vendor told 7XK9911. Read the label again; if it is right, say that it differs."}
    papers = tuple(
        (str(place), f"MV-2024-{place} Rundum-Betrieb für Rechenzentren und Außenstellen") for place in range(30)
    )
    return replace(
        few, subject=long, new=Unit("FOC2433L0HJ123456789", "/assets/2"), lent=Unit("7XK0001", "/assets/3"), lend=None,
        substitute="Auftragsbestätigung 4711 vom 20. November, Seite 3, zweiter Absatz",
        scan=_form("scan", values={"scan_serial": "FOC2433L0HJ123456789"}, errors=wrong),
        contract=_form("contract", papers), take_back=_form("take_back", STORES), shelve=_form("shelve", STORES),
        close=_form("close"),
    )  # fmt: skip


def owed(scale: str) -> OwedView:
    """What a case still owes."""
    debts = {"bare": 0, "few": 2, "many": 40}[scale]
    said = "Contract MV-2024-117 Rundum-Betrieb has not been moved to the new serial number."
    return OwedView("/cases/1", "F-20418", is_closed=False, debts=(said,) * debts)
