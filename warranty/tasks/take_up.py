"""Look again at the drafts that an account may send, once it was added, mended, or found to work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warranty import db
from warranty.models import Rma, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import preparing, rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.work import Order

AT_ONCE = 20
TAKER = "system:take_up"


def run(runtime: Runtime, order: Order) -> None:
    """Take up some of them, and come back for the others. One that was taken up is no draft any more, or says what it needs."""
    with runtime.database.begin(db.EVERYBODY) as session:
        if not work.is_ours(session, order):
            return
        account = session.get_one(VendorAccount, order.account_id)
        after = order.payload.get("after", 0)
        found = session.scalars(rmas.drafts_for(account).where(Rma.id > after).limit(AT_ONCE)).all()
        because = Because(TAKER, f"{account.name} can be asked now.", db.now(session))
        for rma in found:
            preparing.take_up(session, runtime, rma, because)
        if len(found) < AT_ONCE:
            work.end(session, order, OrderStatus.DONE)
        else:
            work.come_back(session, order, after_s=0.0, payload={"after": found[-1].id})
