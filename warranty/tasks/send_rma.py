"""Open one RMA at its vendor. Source: reliability.md, section 3.2, steps 3 to 8."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vendors.contract import Capabilities, Promise, RmaRequest, VendorAdapter, VendorCase
from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.domain import lifecycles
from warranty.models import Rma, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, rmas, work
from warranty.services.rmas import AskPerson, Step, Unsent, Wait

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order


def run(runtime: Runtime, order: Order) -> None:
    """Send it, or find out what became of an earlier send. Safe to run twice, late or half."""
    with runtime.database.read(db.EVERYBODY) as session:
        rma = session.get_one(Rma, order.rma_id)
        account = session.get_one(VendorAccount, rma.account_id)
        request = rmas.request_of(session, rma)
    if rma.state not in lifecycles.RMA_BEING_SENT:  # a person took over, or a webhook was quicker
        with runtime.database.begin(db.EVERYBODY) as session:
            work.end(session, order, OrderStatus.DONE)
        return
    line = accounts.Line(runtime, account)
    try:
        vendor = line.open()
    except VendorError as err:
        _record(runtime, order, line, Capabilities(duties=frozenset()), Unsent(err))
        return
    step = _attempt(runtime, order, line, vendor, request)
    if step is not None:
        _record(runtime, order, line, vendor.capabilities, step)


def _attempt(runtime: Runtime, order: Order, line: Line, vendor: VendorAdapter, request: RmaRequest) -> Step | None:
    """Search where an earlier send may have arrived, else mark and send; None where it is in other hands now."""
    try:
        known = earlier_send(vendor, order, request)
        if known is not None:
            return known
        line.gate.enter()  # bucket and breaker come before the mark: a refused call was never sent
        if line.gate.is_probing:
            vendor.check()  # the vendor was down: what tries first is a read, never an open
    except VendorError as err:
        return Unsent(err)
    with runtime.database.begin(db.EVERYBODY) as session:
        # Locked before the order, as `rmas.settle` does. A person who took over since the claim is not overruled.
        rma = session.get_one(Rma, order.rma_id, with_for_update=True)
        budget_s = runtime.settings.vendor_timeout_s
        if rma.state not in lifecycles.RMA_BEING_SENT or not work.mark_send(session, order, budget_s=budget_s):
            return None
        rmas.send_again(session, rma, searched=not is_safe_by_key(vendor.capabilities, order), now=db.now(session))
    # The mark is committed: who comes next searches first. A machine that slept since the claim must not send any more.
    if time.monotonic() - order.claimed > runtime.settings.lease_s - runtime.settings.vendor_timeout_s:
        return Unsent(VendorError(vendor.name, Trouble.UNREACHABLE, detail="the lease ran out before the call"))
    try:
        return vendor.open_case(request)
    except VendorError as err:
        return err


def earlier_send(vendor: VendorAdapter, order: Order, request: RmaRequest) -> VendorCase | Wait | AskPerson | None:
    """What became of an earlier send; None where sending is safe.

    Raises:
        VendorError: the search failed, which never means "absent".
    """
    can = vendor.capabilities
    if order.sent_ago_s is None:
        return None
    if is_safe_by_key(can, order):
        return None
    if can.promise is Promise.C:
        return AskPerson("The claim may have arrived; this vendor can neither be searched nor asked twice.")
    case = vendor.find_case(request)
    if case is None and order.sent_ago_s < can.settle_s:
        return Wait(can.settle_s - order.sent_ago_s)
    return case


def is_safe_by_key(can: Capabilities, order: Order) -> bool:
    """Whether the vendor still knows the key of an earlier send, which is as old as its first use."""
    return can.promise is Promise.A and order.age_s < can.key_lifetime_s


def _record(runtime: Runtime, order: Order, line: Line, can: Capabilities, step: Step) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        line.keep_calls(session, rma_id=order.rma_id, fault_id=order.fault_id)
        rmas.settle(session, runtime, order, line.account, can, step, now=db.now(session))
