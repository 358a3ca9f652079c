"""Ask one account where its open cases stand. Ordered by the relay, once for each account at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from vendors.contract import VendorCase
from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.db import DatabaseUnavailable
from warranty.models import Rma, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, hearing, rmas, shipments, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order

BATCH = 100
ACTOR = "system:read_cases"


def run(runtime: Runtime, order: Order) -> None:
    """Read the cases that are due and let each word move its Rma. Reading twice moves nothing twice.

    Raises:
        Exception: what one of the words raised. The others were taken in; that one is due still, and is read again.
    """
    with runtime.database.read(db.EVERYBODY) as session:
        account = session.get_one(VendorAccount, order.account_id)
        asked_at = db.now(session)
        due = session.execute(
            select(Rma.vendor_case_number, Rma.id)
            .where(*_due(account, asked_at))
            .order_by(Rma.next_poll_at, Rma.id)
            .limit(BATCH)
        )
        ids = {number: id_ for number, id_ in due if number is not None}
    line = accounts.Line(runtime, account)
    cases: list[VendorCase] = []
    trouble: VendorError | None = None
    try:
        cases.extend(line.open().read_cases(list(ids)))
    except VendorError as err:
        trouble = err  # what was answered before it is good
    broken: Exception | None = None
    for case in cases:
        try:
            if not _hear(runtime, order, account, ids[case.vendor_case_number or ""], case, asked_at):
                return  # somebody else has asked meanwhile: these words may be older than theirs
        except DatabaseUnavailable:
            raise
        except Exception as err:  # noqa: BLE001 - one case that cannot be taken in must not hold up the others
            broken = err
    if broken is not None:
        with runtime.database.begin(db.EVERYBODY) as session:
            line.keep_calls(session)
        raise broken
    _end(runtime, order, line, list(ids.values()), trouble, asked_at)


def _hear(
    runtime: Runtime, order: Order, account: VendorAccount, rma_id: int, case: VendorCase, asked_at: datetime
) -> bool:
    with runtime.database.begin(db.EVERYBODY) as session:
        if not work.is_ours(session, order):
            return False
        rma = session.get_one(Rma, rma_id, with_for_update=True)
        hearing.hear(session, runtime, rma, case, account=account, now=db.now(session), asked_at=asked_at)
        return True


def _end(
    runtime: Runtime, order: Order, line: Line, rma_ids: list[int], trouble: VendorError | None, asked_at: datetime
) -> None:
    """Credentials that the vendor refuses park the reading until somebody mends the account; else it comes round again."""
    is_refused = trouble is not None and trouble.trouble is Trouble.UNAUTHORISED
    with runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        line.keep_calls(session)
        if trouble is not None and trouble.trouble is Trouble.THROTTLED:  # what was not answered stays due
            work.release(session, order, after_s=trouble.retry_after_s or 1.0, error=str(trouble))
            return
        status = OrderStatus.PARKED if is_refused else OrderStatus.DONE
        if not work.end(session, order, status, error=str(trouble) if trouble else None):
            return
        if trouble is None:
            rmas.can_be_read(session, line.account, Because(ACTOR, f"{line.account.name} answers again.", now))
        elif not trouble.may_have_arrived:
            rmas.cannot_be_read(session, line.account, str(trouble), Because(ACTOR, str(trouble), now))
        # Asked once a rhythm, whatever the answer: a case that cannot be read must not hold up the others.
        unread = select(Rma).where(Rma.id.in_(rma_ids), Rma.next_poll_at <= asked_at)
        for rma in session.scalars(unread.order_by(Rma.id).with_for_update()):
            hearing.pace(runtime, rma, line.account, shipments.newest(session, rma), now=now, asked_at=asked_at)
        session.flush()
        is_left = session.scalars(select(Rma.id).where(*_due(line.account, now)).limit(1)).first() is not None
        if is_left and not is_refused:  # the next batch, and what somebody wanted to be asked meanwhile
            hearing.order_reading(session, line.account.id, now=now)


def _due(account: VendorAccount, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Rma.account_id == account.id, Rma.next_poll_at <= now, Rma.vendor_case_number.is_not(None)
