"""Ask a vendor what covers some units, keep the answer as coverages, and repeat the decision that waited for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from vendors.contract import Answer, ComeBack, Unit
from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.models import Asset, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, casefile, entitlements, faults, rmas, work

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order


def run(runtime: Runtime, order: Order) -> None:
    """Ask and keep. A look-up changes nothing at the vendor, so running it twice costs a call and no more."""
    with runtime.database.read(db.EVERYBODY) as session:
        account = session.get_one(VendorAccount, order.account_id)
        wanted = session.scalars(select(Asset.id).where(Asset.id.in_(order.payload["assets"])).order_by(Asset.id))
        units = {
            rmas.vendor_unit(unit): unit.asset.id
            for id_ in wanted
            for unit in casefile.find_units(session, asset_id=id_)
        }
    line = accounts.Line(runtime, account)
    answers: list[Answer] = []
    trouble: VendorError | None = None
    try:
        answers.extend(line.open().look_up(list(units), handle=order.payload.get("handle")))
    except VendorError as err:
        trouble = err  # what was answered before it is good
    with runtime.database.begin(db.EVERYBODY) as session:
        _record(session, runtime, order, line, units, answers, trouble)


def _record(
    session: Session,
    runtime: Runtime,
    order: Order,
    line: Line,
    units: dict[Unit, int],
    answers: list[Answer],
    trouble: VendorError | None,
) -> None:
    now = db.now(session)
    line.keep_calls(session, fault_id=order.fault_id)
    unanswered = dict(units)
    waiting: ComeBack | None = None
    for answer in answers:
        if isinstance(answer, ComeBack):
            waiting = answer
            continue
        entitlements.keep(session, unanswered.pop(answer.unit), answer, account=line.account, now=now)
    if waiting is not None:
        payload = {**order.payload, "handle": waiting.handle}
        work.come_back(session, order, after_s=waiting.after_s, payload=payload)
        return
    if trouble is not None and trouble.trouble is Trouble.THROTTLED:
        work.release(session, order, after_s=trouble.retry_after_s or 1.0, error=str(trouble))
        return
    for asset_id in unanswered.values():
        entitlements.keep_failure(session, asset_id, str(trouble), now=now)
    if trouble is None:
        work.end(session, order, OrderStatus.DONE)
    elif trouble.trouble in {Trouble.REFUSED, Trouble.UNAUTHORISED}:
        work.end(session, order, OrderStatus.PARKED, error=str(trouble))
    elif order.is_spent:  # whoever waits for it has had the review item since the patience ended
        work.end(session, order, OrderStatus.DEAD, error=str(trouble))
    else:
        after_s = trouble.retry_after_s or work.back_off_s(order.failures, runtime.settings.retry_s)
        work.release(session, order, after_s=after_s, error=str(trouble), failed=True)
    if order.fault_id is not None:
        said = f"{line.account.name} answered." if trouble is None else f"{line.account.name} did not answer: {trouble}"
        faults.decide_again(session, runtime, order.fault_id, now=now, why=said)
