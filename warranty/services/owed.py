"""What a case still owes before it may close: the one table of debts, as the board's ``RULES`` are of what waits for a person.

Whoever closes a case, a claim or a swap asks here first (``refuse``), and the page of the case shows the same list. A part
of the product that wants something done before the end adds its rule here, with one reading statement; nothing here writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from warranty.domain.lifecycles import (
    JOB_OVER,
    RMA_OVER,
    SWAP_MOVES,
    SWAP_SUCCEEDED,
    FaultState,
    RmaState,
    ShipmentDirection,
    ShipmentState,
    SwapSource,
)
from warranty.languages import N_, plain_sum
from warranty.models import AdHocJob, Asset, CaseCost, Fault, HumanTask, Loan, Rma, Shipment, Swap
from warranty.services import following, moves
from warranty.services.moves import Because, IllegalMove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ScalarSelect, Select
    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal


class Closing(StrEnum):
    """What is to be closed: the whole case, a claim that the vendor approved, or a swap that becomes ``done``."""

    CASE = "case"
    CLAIM = "claim"
    SWAP = "swap"


class Place(StrEnum):
    """Where a debt is mended: a part of the case's page."""

    CLAIM = "claim"
    GOODS = "goods"
    SWAP = "swap"
    JOB = "job"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Debt:
    """One thing that is owed. ``sentence`` is a message of the catalogue, and names what stands in ``params``."""

    code: str
    sentence: str
    params: Mapping[str, str]
    place: Place

    @property
    def text(self) -> str:
        """The sentence in English."""
        return self.sentence % self.params


def document(debt: Debt) -> dict[str, Any]:
    """A debt as programs read it."""
    return {"code": debt.code, "params": dict(debt.params), "text": debt.text, "where": debt.place}


class Owes(IllegalMove):
    """It cannot be closed: these debts are open."""

    def __init__(self, name: str, debts: tuple[Debt, ...]) -> None:
        """Name them all."""
        super().__init__(f"{name} cannot be closed yet. {' '.join(debt.text for debt in debts)}")
        self.debts = debts


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for a kind of debt. ``find`` gives the params of each that a case has; ``holds`` is what it keeps open."""

    code: str
    sentence: str
    place: Place
    holds: frozenset[Closing]
    find: Callable[[Session, Fault], Iterable[Mapping[str, str]]]


def _claims(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    runs = select(Rma).where(Rma.fault_id == fault.id, Rma.state.not_in(RMA_OVER)).order_by(Rma.id)
    return [{"claim": rma.rma_number or rma.client_reference} for rma in session.scalars(runs)]


def _jobs(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    runs = select(AdHocJob).where(AdHocJob.fault_id == fault.id, AdHocJob.state.not_in(JOB_OVER))
    return [{"job": job.reference} for job in session.scalars(runs.order_by(AdHocJob.id))]


_SWAP_RUNS: Final = tuple(state for state, ways in SWAP_MOVES.items() if ways)


def swaps_of(fault: Fault) -> Select[Swap]:
    """The swaps of a case, those of its claims and those of its jobs, the oldest first."""
    claims = select(Rma.id).where(Rma.fault_id == fault.id)
    jobs = select(AdHocJob.id).where(AdHocJob.fault_id == fault.id)
    return select(Swap).where(Swap.rma_id.in_(claims) | Swap.job_id.in_(jobs)).order_by(Swap.id)


def _swaps(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    return [{} for _ in session.scalars(swaps_of(fault).where(Swap.state.in_(_SWAP_RUNS)))]


def _returns(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    waits = (Shipment.direction == ShipmentDirection.TO_VENDOR, Shipment.state == ShipmentState.DUE)
    claims: ScalarSelect[Any] = select(Rma.id).where(Rma.fault_id == fault.id).scalar_subquery()
    due = select(Shipment.id).where(Shipment.rma_id.in_(claims), *waits)
    return [{} for _ in session.scalars(due)]


_MOVING: Final = (ShipmentState.IN_TRANSIT, ShipmentState.DELIVERED)


def _goods(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    claims: ScalarSelect[Any] = select(Rma.id).where(Rma.fault_id == fault.id).scalar_subquery()
    comes = (Shipment.direction == ShipmentDirection.TO_US, Shipment.state.in_(_MOVING))
    open_ = session.scalars(select(Shipment).where(Shipment.rma_id.in_(claims), *comes).order_by(Shipment.id))
    return [{"parcel": " ".join(filter(None, (one.carrier, one.tracking_number))) or "\u2013"} for one in open_]


def _tasks(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    waits = select(HumanTask).where(HumanTask.fault_id == fault.id, HumanTask.resolved_at.is_(None))
    return [{"why": task.why} for task in session.scalars(waits.order_by(HumanTask.id))]


def _contracts(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    return [{"contract": coverage.contract_number} for _, coverage in following.open_transfers(session, fault)]


def _loans(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    out = (Loan.fault_id == fault.id, Loan.back_at.is_(None))
    lent = select(Asset.serial_number).join(Loan, Loan.asset_id == Asset.id).where(*out)
    return [{"serial": serial} for serial in session.scalars(lent)]


def _shelf(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    used = (
        Swap.source.in_((SwapSource.STOCK, SwapSource.LOANER)),
        Swap.state.in_(SWAP_SUCCEEDED),
        Swap.restocked_id.is_(None),
    )
    sends = select(Rma.id).where(Rma.fault_id == fault.id, Rma.state.not_in((RmaState.CANCELLED, RmaState.DENIED)))
    return [{} for _ in session.scalars(select(Swap.id).where(Swap.rma_id.in_(sends), *used))]


def _costs(session: Session, fault: Fault) -> Iterable[Mapping[str, str]]:
    open_ = select(CaseCost).where(CaseCost.fault_id == fault.id, CaseCost.settled_at.is_(None)).order_by(CaseCost.id)
    return [
        {"amount": f"{plain_sum(cost.amount_minor, cost.currency)} {cost.currency}"} for cost in session.scalars(open_)
    ]


_CASE: Final = frozenset({Closing.CASE})
_CASE_AND_SWAP: Final = frozenset({Closing.CASE, Closing.SWAP})

RULES: Final[tuple[Rule, ...]] = (
    Rule("claim_runs", N_("The claim %(claim)s still runs at the vendor."), Place.CLAIM, _CASE, _claims),
    Rule("job_runs", N_("The work of job %(job)s is not finished."), Place.JOB, _CASE, _jobs),
    Rule("swap_runs", N_("The swap is not finished."), Place.SWAP, _CASE, _swaps),
    Rule(
        "return_open",
        N_("The defective part has not been sent back."),
        Place.GOODS,
        frozenset({Closing.CASE, Closing.CLAIM}),
        _returns,
    ),
    Rule(
        "contract_not_moved",
        N_("Contract %(contract)s has not been moved to the new serial number."),
        Place.SWAP,
        _CASE_AND_SWAP,
        _contracts,
    ),
    Rule("loaner_out", N_("The loaner %(serial)s is not back."), Place.SWAP, _CASE_AND_SWAP, _loans),
    Rule("shelf_open", N_("What the vendor sends goes on the shelf, and is not there."), Place.SWAP, _CASE, _shelf),
    Rule("parcel_open", N_("A parcel is not booked in: %(parcel)s."), Place.GOODS, _CASE, _goods),
    Rule("cost_open", N_("A cost of %(amount)s is not settled."), Place.GOODS, _CASE, _costs),
    Rule("task_open", N_("Somebody still has to look at this: %(why)s"), Place.TASK, _CASE, _tasks),
)
"""Every kind of debt there is, in the order in which it is read out."""


def owed(session: Session, fault: Fault, closing: Closing = Closing.CASE) -> tuple[Debt, ...]:
    """What a case owes before this of it may be closed; none where it may."""
    session.flush()
    return tuple(
        Debt(rule.code, rule.sentence, params, rule.place)
        for rule in RULES
        if closing in rule.holds
        for params in rule.find(session, fault)
    )


def refuse(session: Session, fault: Fault, closing: Closing, name: str) -> None:
    """Refuse to close where something is owed.

    Raises:
        Owes: it names each debt.
    """
    debts = owed(session, fault, closing)
    if debts:
        raise Owes(name, debts)


WORKS_AGAIN: Final = frozenset({FaultState.SERVICE_RESTORED, FaultState.VERIFIED})


def close(session: Session, principal: Principal, fault: Fault, *, reason: str, now: datetime) -> None:
    """Close a case that ended well: it works again, and owes nothing.

    Raises:
        IllegalMove: it does not work again yet, or is over already.
        Owes: something is still to be done.
    """
    session.refresh(fault, with_for_update=True)
    if fault.state not in WORKS_AGAIN:
        allowed = f"It is {fault.state}: closed comes after {' or '.join(sorted(WORKS_AGAIN))}."
        raise IllegalMove(f"Case {fault.reference} cannot be closed. {allowed}")
    refuse(session, fault, Closing.CASE, f"Case {fault.reference}")
    moves.move(session, fault, FaultState.CLOSED, Because(principal.actor, reason, now, fault.id))
