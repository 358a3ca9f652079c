"""Make the drafts of one unit ready for one account: ask for its parts list where that is missing, and look at each again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.domain.lifecycles import RmaState
from warranty.models import Rma, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, casefile, inputs, preparing, rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from vendors.contract import Unit, VendorPart
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order

PREPARER = "system:prepare_rma"


def run(runtime: Runtime, order: Order) -> None:
    """Ask and look. A list that is asked for twice costs a call and no more; a draft that went meanwhile is left alone."""
    with runtime.database.read(db.EVERYBODY) as session:
        rma = session.get_one(Rma, order.rma_id)
        account = session.get(VendorAccount, order.account_id) if order.account_id is not None else None
        unit = rmas.vendor_unit(casefile.find_units(session, asset_id=rma.asset_id)[0])
        is_listed = inputs.parts_list(session, rma) is not None
        is_wanted = rma.state in inputs.BEFORE_SENDING
    if account is None or not is_wanted or (is_listed and not order.payload.get("afresh")):
        _finish(runtime, order, None, None)
        return
    line = accounts.Line(runtime, account)
    try:
        parts = _ask(line, unit)
    except VendorError as err:
        _put_off(runtime, order, line, err)
    else:
        _finish(runtime, order, line, parts)


def _ask(line: Line, unit: Unit) -> Sequence[VendorPart] | None:
    """The parts of a unit; null where the account is one that lists none."""
    vendor = line.open()
    return list(vendor.parts_for(unit)) if vendor.capabilities.parts_list else None


def _finish(runtime: Runtime, order: Order, line: Line | None, parts: Sequence[VendorPart] | None) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        rma = session.get_one(Rma, order.rma_id, with_for_update=True)
        if line is not None:
            line.keep_calls(session, rma_id=order.rma_id, fault_id=order.fault_id)
        if not work.end(session, order, OrderStatus.DONE):
            return
        if parts is not None:
            inputs.keep_parts(session, rma, parts)
        now = db.now(session)
        for draft in _drafts(session, rma):
            because = Because(PREPARER, "Nothing is missing any more.", now, draft.fault_id)
            preparing.take_up(session, runtime, draft, because)


def _put_off(runtime: Runtime, order: Order, line: Line, trouble: VendorError) -> None:
    """What passes is waited for, as with a claim itself; what does not is a person's, and mending the account goes on."""
    with runtime.database.begin(db.EVERYBODY) as session:
        rma = session.get_one(Rma, order.rma_id, with_for_update=True)
        line.keep_calls(session, rma_id=order.rma_id, fault_id=order.fault_id)
        said = str(trouble)
        if not trouble.may_have_arrived:
            is_ended = work.end(session, order, OrderStatus.PARKED, error=said)
        elif order.is_spent:
            is_ended = work.end(session, order, OrderStatus.DEAD, error=said)
        else:
            is_throttled = trouble.trouble is Trouble.THROTTLED
            first_s = 1.0 if is_throttled else work.back_off_s(order.failures, runtime.settings.retry_s)
            after_s = trouble.retry_after_s or first_s
            work.release(session, order, after_s=after_s, error=said, failed=not is_throttled)
            return
        if is_ended:
            for draft in _drafts(session, rma):
                because = Because(PREPARER, said, db.now(session), draft.fault_id)
                preparing.hold_up(session, runtime, draft, rmas.in_trouble(line.account, trouble), because)


def _drafts(session: Session, rma: Rma) -> Sequence[Rma]:
    """Every draft of the unit that is for the same account; held until the transaction ends."""
    same = (Rma.asset_id == rma.asset_id, Rma.account_id.is_not_distinct_from(rma.account_id))
    query = select(Rma).where(Rma.state == RmaState.DRAFT, *same).order_by(Rma.id)
    return session.scalars(query.with_for_update()).all()
