"""Repeat the decision of a fault whose patience for a look-up has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warranty import db
from warranty.models.work import OrderStatus
from warranty.services import faults, work

if TYPE_CHECKING:
    from warranty.runtime import Runtime


def run(runtime: Runtime, order_id: int) -> None:
    """Decide in one transaction with the end of the order, so twice is once; a fault that was settled meanwhile is left alone."""
    with runtime.database.begin(db.EVERYBODY) as session:
        order = work.claim(session, order_id, lease_s=runtime.settings.lease_s)
        if order is None or order.fault_id is None:
            return
        why = "The patience for the vendor's answer has ended."
        faults.decide_again(session, runtime, order.fault_id, now=db.now(session), why=why)
        work.end(session, order, OrderStatus.DONE)
