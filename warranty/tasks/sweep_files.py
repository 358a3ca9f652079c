"""Take away the contents that crashes and removals have left in the store of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from warranty import db
from warranty.models.work import OrderStatus
from warranty.services import files, work
from warranty.store import StoreUnavailable

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.work import Order

log = structlog.get_logger("tasks")


def run(runtime: Runtime, order: Order) -> None:
    """Sweep. Twice is as good as once, and what a store that is away keeps today is swept the next time."""
    try:
        files.sweep(runtime)
    except StoreUnavailable as err:
        log.warning("files.unswept", said=str(err))
    with runtime.database.begin(db.EVERYBODY) as session:
        work.end(session, order, OrderStatus.DONE)
