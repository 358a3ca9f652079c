"""List what one vendor holds of ours and compare it with what is known here. Ordered by the relay, once an account at a time."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.models import VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, sweep, work
from warranty.services.sweep import Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendors.contract import VendorAdapter, VendorCase
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order

MENDED_BY_PEOPLE = frozenset({Trouble.UNAUTHORISED, Trouble.REFUSED})


def run(runtime: Runtime, order: Order) -> None:
    """Take in one batch after the other. What was taken in is known when it is listed again, so twice, late or half does no harm.

    Raises:
        Exception: what one of the cases raised. The others were taken in; the listing is repeated from there.
    """
    with runtime.database.read(db.EVERYBODY) as session:
        account = session.get_one(VendorAccount, order.account_id)
        now = db.now(session)
    line = accounts.Line(runtime, account)
    try:
        vendor = line.open()
    except VendorError as err:
        _end(runtime, order, line, None, err)
        return
    can = vendor.capabilities
    held_s = (now - account.held_at).total_seconds() if account.held_at else can.settle_s
    if held_s < can.settle_s:  # what was on its way when the restore began may not be listed yet
        with runtime.database.begin(db.EVERYBODY) as session:
            work.release(session, order, after_s=can.settle_s - held_s)
        return
    if not can.lists_cases:
        with runtime.database.begin(db.EVERYBODY) as session:
            work.end(session, order, OrderStatus.DONE)
        return
    _list(runtime, order, line, vendor, Listing.of(order, account, can, now))


def _list(runtime: Runtime, order: Order, line: Line, vendor: VendorAdapter, listing: Listing) -> None:
    until = order.claimed + runtime.settings.job_timeout_s - runtime.settings.vendor_timeout_s  # one more call fits in
    cases = vendor.list_cases(listing.since)
    broken: Exception | None = None
    is_left = True
    trouble: VendorError | None = None
    while is_left and trouble is None:
        batch, trouble = _next(cases)
        taken = sweep.take_in(runtime, order, line.account, batch)
        if taken is False:
            return
        broken = taken if isinstance(taken, Exception) else broken
        listing = listing.after(batch)
        is_left = trouble is not None or len(batch) == sweep.BATCH
        if time.monotonic() > until:
            break
    if broken is not None:
        with runtime.database.begin(db.EVERYBODY) as session:
            line.keep_calls(session)
        raise broken
    _end(runtime, order, line, listing, trouble, is_left=is_left)


def _next(cases: Iterator[VendorCase]) -> tuple[list[VendorCase], VendorError | None]:
    """The next batch, and why it is none or not a whole one."""
    batch: list[VendorCase] = []
    try:
        batch.extend(islice(cases, sweep.BATCH))
    except VendorError as err:
        return batch, err  # what was listed before it is good
    return batch, None


def _end(
    runtime: Runtime,
    order: Order,
    line: Line,
    listing: Listing | None,
    trouble: VendorError | None,
    *,
    is_left: bool = True,
) -> None:
    """What is left is listed by the same order, later; with an account that a person has to mend it waits for that."""
    payload = order.payload if listing is None else listing.as_payload()
    error = str(trouble) if trouble else None
    with runtime.database.begin(db.EVERYBODY) as session:
        line.keep_calls(session)
        if trouble is not None and trouble.trouble in MENDED_BY_PEOPLE:
            work.end(session, order, OrderStatus.PARKED, error=error, payload=payload)
        elif trouble is not None and order.is_spent:
            work.end(session, order, OrderStatus.DONE, error=error)  # it comes round again, as long as it takes
        elif is_left:
            goes_on = trouble is None and payload != order.payload
            back_off_s = 0.0 if goes_on else work.back_off_s(order.failures, runtime.settings.retry_s)
            after_s = (trouble.retry_after_s if trouble else None) or back_off_s
            is_failure = not goes_on and (trouble is None or trouble.trouble is not Trouble.THROTTLED)
            work.release(session, order, after_s=after_s, error=error, failed=is_failure, payload=payload)
        elif listing is not None and work.end(session, order, OrderStatus.DONE):
            sweep.finish(session, line.account.id, listing, now=db.now(session))
