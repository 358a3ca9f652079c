"""Vendors that have said nothing for too long: the only place that puts such a claim before a person.

One open task for each; the vendor's next word settles it, or whatever a person enters of what the vendor said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, or_, select

from warranty.domain import tracking
from warranty.domain.lifecycles import RmaState, ShipmentDirection
from warranty.models import Fault, HumanTask, Rma, Shipment, VendorAccount
from warranty.models.work import TaskKind
from warranty.services import reviews
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.domain.tracking import Pace

AT_ONCE = 50
ACTOR = "system:silence"


def ask(session: Session, *, now: datetime, limit: int = AT_ONCE) -> int:
    """Put the claims whose vendors have been silent for too long before a person, ``limit`` at most; how many.

    A claim that a worker holds has its turn at the next look: its vendor may just be speaking.
    """
    silent = session.execute(
        select(Rma, Fault, VendorAccount)
        .join(Fault, Fault.id == Rma.fault_id)
        .join(VendorAccount, VendorAccount.id == Rma.account_id)
        .where(or_(*_too_long(now)))
        .order_by(Rma.heard_at, Rma.id)
        .limit(limit)
        .with_for_update(of=Rma, skip_locked=True)
    ).all()
    because = Because(ACTOR, "", now)
    by_fault = {fault.id: (rma, fault, account) for rma, fault, account in silent}  # one task for a fault
    for rma, fault, account in by_fault.values():
        assert rma.heard_at is not None  # it was found by it
        said = (
            f"{account.name} has said nothing new of case {rma.vendor_case_number} for {(now - rma.heard_at).days} days"
        )
        to_do = "Ask them by telephone or portal and enter what they say; where it is nothing new, answer decide_again."
        reviews.ask_first(session, fault, TaskKind.SILENT, f"{said}. {to_do}", because, rma=rma)
    return len(by_fault)


def _too_long(now: datetime) -> Iterator[ColumnElement[bool]]:
    is_here = (
        select(Shipment.id)
        .where(Shipment.rma_id == Rma.id, Shipment.direction == ShipmentDirection.TO_US)
        .where(Shipment.state.in_(tracking.HERE))
        .exists()
    )
    for state, pace in tracking.PACES.items():
        still_waits = [~is_here] if state is RmaState.AUTHORIZED else []
        yield from _longer(pace, now, Rma.state == state, *still_waits)
    yield from _longer(tracking.DELIVERED, now, Rma.state == RmaState.AUTHORIZED, is_here)


def _longer(pace: Pace, now: datetime, *which: ColumnElement[bool]) -> Iterator[ColumnElement[bool]]:
    """Of those, the claims whose vendors spoke before the patience began, and that no person was asked about since."""
    since = tracking.silent_before(pace, now)
    if since is None:
        return
    asked = select(HumanTask.id).where(
        HumanTask.fault_id == Rma.fault_id,
        HumanTask.kind == TaskKind.SILENT,
        or_(HumanTask.resolved_at.is_(None), HumanTask.resolved_at > since),
    )
    yield and_(*which, Rma.heard_at <= since, ~asked.exists())
