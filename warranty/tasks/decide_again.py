"""Repeat the decision of a fault whose patience for a look-up has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warranty import db
from warranty.models.work import OrderStatus
from warranty.services import faults, work

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.work import Order


def run(runtime: Runtime, order: Order) -> None:
    """Decide in one transaction with the end of the order, so twice is once; a fault that was settled meanwhile is left alone."""
    assert order.fault_id is not None  # it is ordered for a fault
    with runtime.database.begin(db.EVERYBODY) as session:
        if work.end(session, order, OrderStatus.DONE):
            why = "The patience for the vendor's answer has ended."
            faults.decide_again(session, runtime, order.fault_id, now=db.now(session), why=why)
