"""Ask one account where its open cases stand. Ordered by the relay, once for each account at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from vendors.contract import VendorCase
from vendors.errors import VendorError
from warranty import db
from warranty.models import Rma, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, rmas, work

if TYPE_CHECKING:
    from warranty.runtime import Runtime

BATCH = 100


def run(runtime: Runtime, order_id: int) -> None:
    """Read the cases that are due and let each word move its Rma. Reading twice moves nothing twice."""
    with runtime.database.begin(db.EVERYBODY) as session:
        order = work.claim(session, order_id, lease_s=runtime.settings.lease_s)
        if order is None:
            return
        account = session.get_one(VendorAccount, order.account_id)
        due = session.scalars(
            select(Rma)
            .where(Rma.account_id == account.id, Rma.next_poll_at <= db.now(session))
            .order_by(Rma.next_poll_at, Rma.id)
            .limit(BATCH)
        ).all()
        ids = {rma.vendor_case_number: rma.id for rma in due if rma.vendor_case_number}
        # Asked once a rhythm, whatever the answer: a case that cannot be read must not hold up the others.
        for rma in due:
            rma.next_poll_at = db.now(session) + timedelta(seconds=runtime.settings.poll_s)
    line = accounts.Line(runtime, account)
    cases: list[VendorCase] = []
    trouble: VendorError | None = None
    try:
        cases.extend(line.open().read_cases(list(ids)))
    except VendorError as err:
        trouble = err
    with runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        line.keep_calls(session)
        if not work.end(session, order, OrderStatus.DONE, error=str(trouble) if trouble else None):
            return  # somebody else has asked meanwhile: these words may be older than theirs
        for case in cases:
            rma = session.get_one(Rma, ids[case.vendor_case_number or ""], with_for_update=True)
            rmas.hear(session, runtime, rma, case, account=account, now=now)
