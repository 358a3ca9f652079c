"""Open one RMA at its vendor. Source: reliability.md, section 3.2, steps 3 to 8."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from vendors.contract import Capabilities, Promise, RmaRequest, VendorAdapter, VendorCase, VendorStatus
from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.domain import lifecycles
from warranty.models import Rma, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, files, inputs, proposals, rmas, work
from warranty.services.rmas import Held, Step, Unsent
from warranty.services.work import AskPerson, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.models import File
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order


def run(runtime: Runtime, order: Order) -> None:
    """Send it, or find out what became of an earlier send. Safe to run twice, late or half."""
    with runtime.database.read(db.EVERYBODY) as session:
        rma = session.get_one(Rma, order.rma_id)
        account = session.get_one(VendorAccount, rma.account_id)
        request = replace(rmas.request_of(session, rma), first_sent_at=work.sent_at(session, order))
        chosen = inputs.chosen_files(session, rma)
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
    if order.sent_ago_s is None and (held := why_held(account, vendor.capabilities)) is not None:  # without a call
        _record(runtime, order, line, vendor.capabilities, held)
        return
    step = _attempt(runtime, order, line, vendor, request, chosen, denied_at=rma.vendor_changed_at)
    if step is not None:
        _record(runtime, order, line, vendor.capabilities, step)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The claim may have arrived, no search can tell, and these are the cases that may be it."""

    cases: Sequence[VendorCase]


def _attempt(
    runtime: Runtime,
    order: Order,
    line: Line,
    vendor: VendorAdapter,
    request: RmaRequest,
    chosen: Sequence[File] = (),
    *,
    denied_at: datetime | None = None,
) -> Step | Candidates | None:
    """Search where an earlier send may have arrived, else mark and send; None where it is in other hands now.

    ``chosen`` are the files that go along where the vendor takes any: read before the mark, for the store may be away.
    """
    try:
        known = earlier_send(vendor, order, request, denied_at=denied_at)
        if known is not None:
            return known
        if vendor.capabilities.request_bytes(request.denials):
            request = replace(request, files=tuple(files.for_vendor(runtime.store, one) for one in chosen))
        line.gate.enter()  # bucket and breaker come before the mark: a refused call was never sent
        if line.gate.is_probing:
            vendor.check()  # the vendor was down: what tries first is a read, never an open
    except files.Gone as err:
        return _without_file(vendor, order, str(err))
    except VendorError as err:
        return Unsent(err)
    marked: float | None = None
    # The settle time counts from the mark, so the request leaves with it.
    while marked is None or time.monotonic() - marked > AT_ONCE_S:
        marked = time.monotonic()
        said = _mark(runtime, order, vendor.capabilities)
        if said is not True:
            return said
    # The mark is committed: who comes next searches first. A machine that slept since the claim must not send any more.
    late_s = time.monotonic() - order.claimed
    if late_s > runtime.settings.lease_s - runtime.settings.vendor_timeout_s:
        return Unsent(VendorError(vendor.name, Trouble.UNREACHABLE, detail="the lease ran out before the call"))
    is_by_key = order.sent_ago_s is not None and is_safe_by_key(vendor.capabilities, order)
    if is_by_key and order.age_s + late_s >= vendor.capabilities.key_lifetime_s:
        return Unsent(VendorError(vendor.name, Trouble.UNREACHABLE, detail="the key ran out before the call"))
    return _open(vendor, request)


AT_ONCE_S = 2.0
"""A request leaves so soon after its mark, or is marked anew: a vendor's settle time has that much room at least."""


def _mark(runtime: Runtime, order: Order, can: Capabilities) -> Literal[True] | Held | AskPerson | None:
    """Write down that the request is about to leave, if it still may."""
    with runtime.database.begin(db.EVERYBODY) as session:
        # Locked before the order, as `rmas.settle` does. A person who took over since the claim is not overruled.
        rma = session.get_one(Rma, order.rma_id, with_for_update=True)
        if rma.state not in lifecycles.RMA_BEING_SENT:
            return None
        in_the_way = _in_the_way(session, rma, can)
        if in_the_way is not None:
            return in_the_way
        if not work.mark_send(session, order, budget_s=runtime.settings.vendor_timeout_s):
            return None
        rmas.send_again(session, rma, searched=not is_safe_by_key(can, order), now=db.now(session))
        return True


def _open(vendor: VendorAdapter, request: RmaRequest) -> Step:
    try:
        return vendor.open_case(request)
    except VendorError as err:
        return Unsent(err) if err.never_left else err


def _in_the_way(session: Session, rma: Rma, can: Capabilities) -> Held | AskPerson | None:
    """What must be settled before anything is opened, as it stands at the last moment."""
    account = session.get_one(VendorAccount, rma.account_id)
    return why_held(account, can) or rmas.stray_of(session, rma, account)


def why_held(account: VendorAccount, can: Capabilities) -> Held | AskPerson | None:
    """Whether nothing may be opened since a restore: what the vendor was told after the backup is not known here.

    Where its cases are listed that is found out by itself; else a person looks.
    """
    if account.opens_held_since is None:
        return None
    if can.lists_cases:
        return Held()
    said = f"A restore went back to {account.opens_held_since:%Y-%m-%d %H:%M} UTC, and {account.name} cannot list its cases"
    to_do = "look there whether it has this claim, and open it only where it does not. Then enter the number."
    return AskPerson(f"{said}: {to_do} Once all was looked at, release the account.")


def _without_file(vendor: VendorAdapter, order: Order, why: str) -> Step:
    """A chosen file is gone: a person chooses anew, unless the claim may be at the vendor as it was."""
    if order.sent_ago_s is not None:
        return AskPerson(f"It may have arrived, and cannot be sent a second time as it was. {why}")
    return Unsent(VendorError(vendor.name, Trouble.REFUSED, vendor_code=rmas.FILE_GONE, detail=why))


def earlier_send(
    vendor: VendorAdapter, order: Order, request: RmaRequest, *, denied_at: datetime | None = None
) -> VendorCase | Wait | AskPerson | Candidates | None:
    """What became of an earlier send; None where sending is safe.

    ``denied_at``: the vendor's own time of the denial, where the claim is one that is sent again after it.

    Raises:
        VendorError: the search failed, which never means "absent".
    """
    can = vendor.capabilities
    if order.sent_ago_s is None or is_safe_by_key(can, order):
        return None
    wait = Wait(can.settle_s - order.sent_ago_s) if order.sent_ago_s < can.settle_s else None
    if request.vendor_case_number is not None:
        found = _sent_again(vendor, request.vendor_case_number, denied_at)
    elif can.promise is not Promise.C:
        found = vendor.find_case(request)
    elif can.proposes:
        return wait or Candidates(vendor.candidates(request))  # what the vendor made last may not be listed yet
    else:
        return AskPerson("The claim may have arrived; this vendor can neither be searched nor asked twice.")
    if found is None and wait is None and can.promise is Promise.C:
        return AskPerson("The vendor still shows it denied; whether it was sent again nobody can tell but the vendor.")
    return found or wait


def _sent_again(vendor: VendorAdapter, number: str, denied_at: datetime | None) -> VendorCase | None:
    """A denied case that was sent again; one that stands denied as it did before counts as not found."""
    case = next(iter(vendor.read_cases([number])), None)
    is_as_before = case is not None and case.status is VendorStatus.DENIED and case.changed_at == denied_at
    return None if is_as_before else case


def is_safe_by_key(can: Capabilities, order: Order) -> bool:
    """Whether the vendor still knows the key of an earlier send, which is as old as its first use."""
    return can.promise is Promise.A and order.age_s < can.key_lifetime_s


def _record(runtime: Runtime, order: Order, line: Line, can: Capabilities, step: Step | Candidates) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        line.keep_calls(session, rma_id=order.rma_id, fault_id=order.fault_id)
        if isinstance(step, Candidates):
            proposals.choose_case(session, order, line.account, step.cases, now=db.now(session))
        else:
            rmas.settle(session, runtime, order, line.account, can, step, now=db.now(session))
