"""From a swap and what hangs on it to what its page shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flask import url_for
from sqlalchemy import select

from warranty.domain.access import Permission
from warranty.domain.lifecycles import FAULT_OVER, SWAP_MOVES, StockState, SwapState
from warranty.models import Asset, StockLocation, StockUnit
from warranty.services import following, owed, queries, swaps
from warranty.web import views, words
from warranty.web.forms import digest
from warranty.web.guards import call
from warranty.web.i18n import reader
from warranty.web.pages.swaps import OwedView, SwapForm, SwapView, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warranty.models import Coverage, CoverageTransfer, Fault, Loan, Swap

MOST_CHOICES = 200


@dataclass(frozen=True, slots=True)
class Typed:
    """What came back: of which form, what was typed, what is wrong with it."""

    act: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A swap with its unit, its loaner, and the contracts that wait."""

    swap: Swap
    old: Asset
    loan: Loan | None
    waiting: tuple[tuple[CoverageTransfer, Coverage], ...]

    @property
    def seen(self) -> str:
        """What a form carries of the state that it was made for."""
        waits = [str(transfer.public_id) for transfer, _ in self.waiting]
        lent = None if self.loan is None else str(self.loan.public_id)
        return digest(str(self.swap.public_id), self.swap.state, self.swap.serial_number, lent, waits)


def find(fault: Fault) -> Found | None:
    """The newest swap of a case; null where it has none."""
    session = call().session
    rows = session.scalars(owed.swaps_of(fault)).all()
    if not rows:
        return None
    waiting = tuple(following.open_transfers(session, fault))
    return Found(rows[-1], swaps.unit_of(session, rows[-1]), swaps.loan_of(session, fault), waiting)


def moves(swap: Swap) -> list[SwapState]:
    """Where a person may move it; ``verified`` is what the parity certificate makes."""
    return [to for to in SwapState if to in SWAP_MOVES[swap.state] and to is not SwapState.VERIFIED]


def page(fault: Fault, found: Found, key: str, typed: Typed) -> SwapView:
    """The page of a swap, with the form that came back."""
    session, swap = call().session, found.swap
    lent = None if found.loan is None else session.get_one(Asset, found.loan.asset_id)
    new = session.get(Asset, swap.new_asset_id) if swap.new_asset_id is not None else None
    place = queries.place_of(session, fault)
    view = SwapView(
        case_url=url_for("staff.case_detail", id=fault.public_id),
        owed_url=url_for("staff.case_owed", id=fault.public_id),
        case_reference=fault.reference,
        subject=views.subject(place, fault),
        kind=swap.kind,
        source=swap.source,
        state=swap.state,
        told=swap.told_serial,
        old=_unit(found.old),
        new=_unit(new) if new is not None else (Unit(swap.serial_number, None) if swap.serial_number else None),
        substitute=swap.substitute,
        lent=None if lent is None else _unit(lent),
        is_closed=fault.state in FAULT_OVER,
    )
    if not call().principal.may(Permission.HANDLE):
        return view
    return _with_forms(view, fault, found, key, typed)


def _unit(asset: Asset) -> Unit:
    return Unit(asset.serial_number, url_for("staff.asset_detail", id=asset.public_id))


def _with_forms(view: SwapView, fault: Fault, found: Found, key: str, typed: Typed) -> SwapView:
    """The same page with what may be said now."""
    url, swap = url_for("staff.answer_swap", id=fault.public_id), found.swap

    def form(act: str, choices: list[tuple[str, str]] | None = None, **filled: str) -> SwapForm:
        is_it = typed.act == act
        return SwapForm(
            url,
            key,
            act,
            found.seen,
            tuple(choices or ()),
            values=typed.values if is_it else filled,
            errors=typed.errors if is_it else {},
        )

    is_open = not view.is_closed
    is_before = swap.state in {SwapState.PLANNED, SwapState.RECEIVED}
    sent_here = swap.source in swaps.OURS and swap.rma_id is not None and swap.restocked_id is None
    ways = moves(swap)
    stores = _stores() if found.loan is not None or sent_here else []
    free = _free(found.old) if is_before and is_open and found.loan is None else []
    can_close = fault.state in owed.WORKS_AGAIN
    return replace(
        view,
        scan=form(
            "scan", scan_serial=swap.serial_number or swap.told_serial, scan_kind=swap.kind, scan_source=swap.source
        )
        if is_before
        else None,
        move=form("move", [(to.value, words.word(to)) for to in ways]) if ways else None,
        contract=form("contract", [(str(one.public_id), _paper(coverage)) for one, coverage in found.waiting])
        if found.waiting
        else None,
        lend=form("lend", free) if free else None,
        take_back=form("take_back", stores) if found.loan is not None and stores else None,
        shelve=form("shelve", stores) if sent_here and stores and not is_before else None,
        close=form("close") if can_close and is_open else None,
    )


def _paper(coverage: Coverage) -> str:
    return f"{coverage.contract_number} {coverage.name}".strip()


def _stores() -> list[tuple[str, str]]:
    query = select(StockLocation).order_by(StockLocation.name).limit(MOST_CHOICES)
    return [(str(one.public_id), one.name) for one in call().session.scalars(query)]


def _free(asset: Asset) -> list[tuple[str, str]]:
    """The units of the same product that lie free and bear a number."""
    query = (
        select(StockUnit, StockLocation.name)
        .join(StockLocation, StockLocation.id == StockUnit.location_id)
        .where(
            StockUnit.product_id == asset.product_id,
            StockUnit.state == StockState.IN_STOCK,
            StockUnit.serial_key.is_not(None),
        )
        .order_by(StockUnit.id)
        .limit(MOST_CHOICES)
    )
    return [(str(unit.public_id), f"{unit.serial_number}, {store}") for unit, store in call().session.execute(query)]


def owed_view(fault: Fault) -> OwedView:
    """What a case still owes."""
    debts = owed.owed(call().session, fault)
    return OwedView(
        case_url=url_for("staff.case_detail", id=fault.public_id),
        case_reference=fault.reference,
        is_closed=fault.state in FAULT_OVER,
        debts=tuple(reader().text(debt.sentence, **debt.params) for debt in debts),
    )
