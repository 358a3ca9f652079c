"""Apply one message that a vendor sent: read it, and let each case in it be heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendors.errors import VendorError
from warranty import db
from warranty.db import DatabaseUnavailable
from warranty.models import VendorAccount, VendorDelivery
from warranty.models.work import OrderStatus
from warranty.services import accounts, deliveries, work

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendors.contract import VendorCase
    from warranty.runtime import Runtime
    from warranty.services.work import Order

EARLY_S = 600.0
"""How long a message about an unknown case may be of a claim that is just being sent."""


def run(runtime: Runtime, order: Order) -> None:
    """Read it and let each word move its Rma. Applied twice, late or half, it moves nothing twice.

    Raises:
        Exception: what one of the cases raised. The others were taken in; the message is due still, and is read again.
    """
    delivery_id = order.payload["delivery"]
    with runtime.database.read(db.EVERYBODY) as session:
        raw = session.get_one(VendorDelivery, delivery_id).raw
        account = session.get_one(VendorAccount, order.account_id)
    line = accounts.Line(runtime, account)
    try:
        vendor = line.open()
    except VendorError as err:  # the account cannot be used as it is: once it is mended, this goes on
        with runtime.database.begin(db.EVERYBODY) as session:
            work.end(session, order, OrderStatus.PARKED, error=str(err))
        return
    try:
        cases = vendor.parse_webhook(raw)
    except VendorError as err:
        _end(runtime, order, [f"It cannot be read: {err.detail or err}."])
        return
    troubles = _hear_all(runtime, order, account, cases)
    if troubles is not None:
        _end(runtime, order, troubles)


def _hear_all(runtime: Runtime, order: Order, account: VendorAccount, cases: Iterable[VendorCase]) -> list[str] | None:
    """What of them could not be applied; None where the order is no longer ours, or waits for the answer to an open."""
    troubles: list[str] = []
    broken: Exception | None = None
    for case in cases:
        try:
            with runtime.database.begin(db.EVERYBODY) as session:
                if not work.is_ours(session, order):
                    return None
                trouble = deliveries.apply(session, runtime, account, case, now=db.now(session))
        except DatabaseUnavailable:
            raise
        except Exception as err:  # noqa: BLE001 - one case that cannot be taken in must not hold up the others
            broken = err
            continue
        if trouble is not None:
            troubles.append(trouble)
    if broken is not None:
        raise broken
    if troubles and order.age_s < EARLY_S and _comes_back(runtime, order, account, "; ".join(troubles)):
        return None
    return troubles


def _comes_back(runtime: Runtime, order: Order, account: VendorAccount, why: str) -> bool:
    with runtime.database.begin(db.EVERYBODY) as session:
        if not deliveries.is_early(session, account):
            return False
        after_s = work.back_off_s(order.failures, runtime.settings.retry_s)
        return work.release(session, order, after_s=after_s, error=why, failed=True)


def _end(runtime: Runtime, order: Order, troubles: list[str]) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        if work.end(session, order, OrderStatus.DONE, error=" ".join(troubles) or None):
            deliveries.settle(session, order.payload["delivery"], troubles, now=db.now(session))
