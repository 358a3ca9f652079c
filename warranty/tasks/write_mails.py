"""Write the mails that the news of cases is worth. Ordered by the relay, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from warranty import db
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import mail, news, returns, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from warranty.runtime import Runtime
    from warranty.services.work import Order

log = structlog.get_logger("mail")


def run(runtime: Runtime, order: Order) -> None:
    """Tell of some cases, tasks and returns, each in a transaction of its own; where there are more it is ordered again."""
    with runtime.database.read(db.EVERYBODY) as session:
        fault_ids, task_ids, return_ids = news.due(session, now=db.now(session))
    for fault_id in fault_ids:
        _alone(runtime, news.tell_case, news.forget_case, fault_id)
    for task_id in task_ids:
        _alone(runtime, news.tell_task, news.forget_task, task_id)
    for return_id in return_ids:
        _alone(runtime, news.tell_return, returns.forget_reminder, return_id)
    with runtime.database.begin(db.EVERYBODY) as session:
        is_more = news.BATCH in {len(fault_ids), len(task_ids), len(return_ids)}
        if work.end(session, order, OrderStatus.DONE) and is_more:
            work.add(session, OrderKind.WRITE_MAILS, now=db.now(session), name=news.NAME)


def _alone(runtime: Runtime, tell: Callable[..., None], forget: Callable[..., None], key: int) -> None:
    """One mail that cannot be written must not hold up all others for ever."""
    try:
        with runtime.database.begin(db.EVERYBODY) as session:
            tell(session, runtime, key, now=db.now(session))
    except (ArithmeticError, LookupError, TypeError, ValueError, mail.TooLarge):
        log.exception("mail.unwritten")
        with runtime.database.begin(db.EVERYBODY) as session:
            forget(session, key, now=db.now(session))
