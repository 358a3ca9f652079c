"""Write the head of the register's chain down outside the database, where WARRANTY_AUDIT_ANCHOR says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from warranty import db
from warranty.models.work import OrderStatus
from warranty.services import audit, work

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.work import Order

AGAIN_S = 60.0  # a folder or a mail server that is away for a minute costs no hour

log = structlog.get_logger("tasks")


def run(runtime: Runtime, order: Order) -> None:
    """Write it down. Run twice, the same head is written twice, which is as good as once."""
    try:
        audit.anchor(runtime)
    except audit.CannotAnchor as err:
        log.warning("audit.unanchored", said=str(err))
        with runtime.database.begin(db.EVERYBODY) as session:
            work.release(session, order, after_s=AGAIN_S, error=str(err))
        return
    with runtime.database.begin(db.EVERYBODY) as session:
        work.end(session, order, OrderStatus.DONE)
