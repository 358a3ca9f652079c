"""Fetch what waits for us at one vendor, in a queue or a mailbox. Ordered by the relay, once for each account at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.models import VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, deliveries, rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order

PART = 0.6
"""Of the time that one piece of background work may take; what is left then is fetched by the next order."""
ACTOR = "system:pull"


class _Enough(Exception):
    """The time of this order is used up."""


def run(runtime: Runtime, order: Order) -> None:
    """Keep one message after the other. One that is fetched twice is kept once, so twice, late or half does no harm."""
    with runtime.database.read(db.EVERYBODY) as session:
        account = session.get_one(VendorAccount, order.account_id)
    line = accounts.Line(runtime, account)

    def store(raw: bytes) -> None:
        if time.monotonic() - order.claimed > PART * runtime.settings.job_timeout_s:
            raise _Enough
        with runtime.database.begin(db.EVERYBODY) as session:
            deliveries.keep(session, account, raw, now=db.now(session))

    trouble: VendorError | None = None
    is_left = False
    try:
        line.open().pull(store)
    except _Enough:
        is_left = True
    except VendorError as err:
        trouble = err  # what was kept before it is kept
    _end(runtime, order, line, trouble, is_left=is_left)


def _end(runtime: Runtime, order: Order, line: Line, trouble: VendorError | None, *, is_left: bool) -> None:
    """Credentials that the vendor refuses park it until somebody mends the account; else it comes round again."""
    is_refused = trouble is not None and trouble.trouble is Trouble.UNAUTHORISED
    with runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        line.keep_calls(session)
        status = OrderStatus.PARKED if is_refused else OrderStatus.DONE
        if not work.end(session, order, status, error=str(trouble) if trouble else None):
            return
        if is_left:
            deliveries.order_pull(session, line.account, now=now)
        if trouble is None:
            rmas.can_be_read(session, line.account, Because(ACTOR, f"{line.account.name} answers again.", now))
        elif not trouble.may_have_arrived:
            rmas.cannot_be_read(session, line.account, str(trouble), Because(ACTOR, str(trouble), now))
