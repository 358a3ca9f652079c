"""What tests of imports share: the background work of imports, done here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from warranty import db, tasks
from warranty.models import Outbox
from warranty.models.work import OrderKind, OrderStatus

if TYPE_CHECKING:
    from warranty.runtime import Runtime


def work_off(runtime: Runtime) -> int:
    """Have a worker do every order of an import, one after the other, until none is left; how many times it took one."""
    times = 0
    while (order_id := _next_order(runtime)) is not None:
        tasks.perform(runtime, order_id)
        times += 1
    return times


def _next_order(runtime: Runtime) -> int | None:
    orders = select(Outbox.id).where(Outbox.kind == OrderKind.IMPORT_ROWS, Outbox.status == OrderStatus.PENDING)
    with runtime.database.read(db.EVERYBODY) as session:
        return session.scalars(orders.order_by(Outbox.id).limit(1)).one_or_none()
