"""What becomes of an order over which workers break off or vanish: a few more tries, then a person has it.

It is for what nobody foresaw, an error of ours or an answer that kills; what a vendor may answer is settled elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import update

from warranty.domain import lifecycles
from warranty.domain.lifecycles import FaultState
from warranty.models import Fault, Rma, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import deliveries, imports, moves, notes, preparing, reviews, rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime
    from warranty.services.work import Order

VANISHED = "whoever worked on it ended without a word, each time."
ACTOR = "system:worker"
DECIDES = frozenset({OrderKind.LOOK_UP, OrderKind.DECIDE_AGAIN})

log = structlog.get_logger("stumbles")


def record(session: Session, runtime: Runtime, order: Order, error: str, *, now: datetime) -> None:
    """Write down that the worker broke off with ``error``; nothing where the order is no longer its own."""
    if order.stumbles + 1 >= work.MAX_STUMBLES:
        give_up(session, runtime, order, f"it broke off each time, the last time with {error}.", now=now)
        return
    rma = _claim_of(session, order)  # locked before the order, as everywhere
    if work.stumble(session, order, first_s=runtime.settings.retry_s, error=error):
        log.warning("order.stumbled", order=order.id, kind=order.kind, error=error)
        if rma is not None and work.sent_at(session, order) is not None:
            rmas.doubt(session, rma, Because(ACTOR, f"Sending broke off with {error}: it may have arrived.", now))


def give_up(session: Session, runtime: Runtime, order: Order, why: str, *, now: datetime) -> None:
    """End an order for good and put what it was for before a person; nothing where it is no longer ours.

    Of a kind that is for no case whoever runs the system learns: an error in the log, a dead order in the metrics.
    """
    rma = _claim_of(session, order)
    if not work.end(session, order, OrderStatus.DEAD, error=why):
        return
    log.error("order.given_up", order=order.id, kind=order.kind, why=why)
    because = Because(ACTOR, why, now)
    if rma is not None and order.kind is OrderKind.PREPARE_RMA:
        preparing.hold_up(session, runtime, rma, why, because)
    elif rma is not None:
        _take_by_hand(session, rma, why, because, may_have_arrived=work.sent_at(session, order) is not None)
    elif order.kind is OrderKind.READ_CASES:
        _leave_unread(session, runtime, order, why, because)
    elif order.kind is OrderKind.APPLY_DELIVERY:
        deliveries.settle(session, order.payload["delivery"], [f"It cannot be applied: {why}"], now=now)
    elif order.kind is OrderKind.TELL_VENDOR:
        notes.give_up(session, order, why, now=now)
    elif order.kind is OrderKind.IMPORT_ROWS:
        imports.give_up(session, order.payload["run"], why, now=now)
    elif order.kind in DECIDES and order.fault_id is not None:
        _review(session, session.get_one(Fault, order.fault_id, with_for_update=True), why, because)


def _claim_of(session: Session, order: Order) -> Rma | None:
    is_of_claim = order.kind in {OrderKind.SEND_RMA, OrderKind.PREPARE_RMA}
    return session.get_one(Rma, order.rma_id, with_for_update=True) if is_of_claim else None


def _take_by_hand(session: Session, rma: Rma, why: str, because: Because, *, may_have_arrived: bool) -> None:
    if rma.state not in lifecycles.RMA_BEING_SENT:  # a person was quicker
        return
    if may_have_arrived:
        to_do = f"It may have arrived: look for {rma.client_reference} there, and open it only where it is not."
    else:
        to_do = "It was never sent: open it there."
    rmas.take_by_hand(session, rma, f"This claim cannot be sent: {why} {to_do} Then enter the number.", because)


def _leave_unread(session: Session, runtime: Runtime, order: Order, why: str, because: Because) -> None:
    """The cases that were to be read come round again with the next rhythm, and a person knows meanwhile."""
    account = session.get_one(VendorAccount, order.account_id)
    rmas.cannot_be_read(session, account, why, because)
    later = because.at + timedelta(seconds=runtime.settings.poll_s)
    due = (Rma.account_id == account.id, Rma.next_poll_at <= because.at)
    session.execute(
        update(Rma).where(*due).values(next_poll_at=later), execution_options={"synchronize_session": False}
    )


def _review(session: Session, fault: Fault, why: str, because: Because) -> None:
    if fault.state not in {FaultState.ENTITLEMENT_CHECK, FaultState.NEEDS_REVIEW}:  # it was decided meanwhile
        return
    why = f"This fault cannot be decided without a person: {why}"
    if fault.state is FaultState.ENTITLEMENT_CHECK:
        moves.move(session, fault, FaultState.NEEDS_REVIEW, replace(because, reason=why))
    reviews.ask(session, fault, TaskKind.REVIEW, why, because)
