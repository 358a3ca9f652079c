"""Ask a vendor for its cheapest read, because a person wants to know whether an account works, and keep what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.models import VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order

CHECKER = "system:check_account"


def run(runtime: Runtime, order: Order) -> None:
    """Ask, and keep the answer; an account that works arms what was parked for it. Asking twice costs a call and no more."""
    with runtime.database.read(db.EVERYBODY) as session:
        account = session.get_one(VendorAccount, order.account_id)
    line = accounts.Line(runtime, account)
    trouble: VendorError | None = None
    try:
        _check(line)
    except VendorError as err:
        trouble = err
    with runtime.database.begin(db.EVERYBODY) as session:
        line.keep_calls(session)
        if trouble is not None and trouble.trouble is Trouble.THROTTLED and not order.is_spent:
            work.release(session, order, after_s=trouble.retry_after_s or 1.0, error=str(trouble))
            return
        if not work.end(session, order, OrderStatus.DONE, error=str(trouble) if trouble else None):
            return
        now = db.now(session)
        account = session.get_one(VendorAccount, order.account_id)
        accounts.record_check(account, trouble, now=now)
        if trouble is None:
            rmas.go_on(session, account, Because(CHECKER, f"{account.name} works again.", now))


def _check(line: Line) -> None:
    said = accounts.faults(line.runtime, line.account)
    if said:  # it was complete when it was added; what this installation has set may be another matter by now
        raise VendorError(line.account.vendor, Trouble.REFUSED, vendor_code="option", detail="; ".join(said))
    line.open().check()
