"""What the vendors hold, compared with what is known here: the only place that decides what a listed case means.

Source: reliability.md, section 3.2, steps 9 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from warranty import db
from warranty.db import DatabaseUnavailable
from warranty.domain import lifecycles
from warranty.domain.lifecycles import RmaState
from warranty.models import Outbox, Rma, Sighting, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import accounts, hearing, moves, rmas, strays, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from vendors.contract import Capabilities, VendorCase
    from warranty.runtime import Runtime
    from warranty.services.work import Order

ACTOR = "system:sweep"
BATCH = 100
"""Cases that are compared in one go."""
SKEW = timedelta(hours=1)
"""By how much a vendor's clock may be set back, or list cases in another order than it opened them."""
FAR = timedelta(days=1)
"""How much further back a listing goes whose beginning is a time of ours: the vendor's clock may stand anywhere near it."""
AT_ONCE = 50


def order(session: Session, account: VendorAccount, *, now: datetime) -> None:
    """Order that an account's cases are listed, where that is not ordered or under way."""
    name = f"sweep_cases:{account.id}"
    if work.waiting(session, name) is None:
        work.add(session, OrderKind.SWEEP_CASES, now=now, account_id=account.id, name=name)


@dataclass(frozen=True, slots=True)
class Listing:
    """One listing of an account, which may take several orders: from where it goes on, since when it runs, how far it came.

    Cases come oldest first. ``since`` and ``newest`` are times of the vendor, ``begun_at`` is ours.
    """

    since: datetime
    begun_at: datetime
    newest: datetime | None = None

    @classmethod
    def of(cls, order: Order, account: VendorAccount, can: Capabilities, now: datetime) -> Listing:
        """The listing that an order goes on with, or a new one.

        It goes back so far that what was accepted late, was listed late, or was opened while a clock was set back is seen.
        """
        if order.payload:
            kept = {name: datetime.fromisoformat(text) for name, text in order.payload.items()}
            return cls(**kept)
        swept_to, held_since = account.swept_to, account.opens_held_since
        since = swept_to or account.created_at - FAR
        if held_since is not None:
            since = min(since, held_since - FAR)
        return cls(since - timedelta(seconds=2 * can.settle_s) - SKEW, now)

    def after(self, cases: Sequence[VendorCase]) -> Listing:
        """The same once these were taken in. A list that is out of order is begun anew: nobody can tell what is left of it."""
        opened = [case.opened_at for case in cases if case.opened_at is not None]
        newest = max([*opened, *filter(None, [self.newest])], default=None)
        if opened != sorted(opened) or not opened:
            return Listing(self.since, self.begun_at, newest)
        return Listing(max(self.since, opened[-1]), self.begun_at, newest)

    def as_payload(self) -> dict[str, Any]:
        """As an order keeps it."""
        kept = {"since": self.since, "begun_at": self.begun_at, "newest": self.newest}
        return {name: at.isoformat() for name, at in kept.items() if at is not None}


def take_in(runtime: Runtime, order: Order, account: VendorAccount, cases: Sequence[VendorCase]) -> Exception | bool:
    """Take in a batch of listed cases; False where the order is no longer ours, an error where one could not be taken in.

    What is known costs two statements for the whole batch; each case that says something new is a transaction of its own.
    """
    named = {case.vendor_case_number: case for case in cases if case.vendor_case_number is not None}
    with runtime.database.begin(db.EVERYBODY) as session:
        if not work.is_ours(session, order):
            return False
        claims, news, unknown = _sort(session, account, named)
        if unknown:
            strays.find(session, account, unknown, now=db.now(session))
    broken: Exception | None = None
    for case in news:
        try:
            if not _hear(runtime, order, account, claims[strays.reference_of(case)], case):
                return False
        except DatabaseUnavailable:
            raise
        except Exception as err:  # noqa: BLE001 - one case that cannot be taken in must not hold up the others
            broken = err
    return broken or True


def _sort(
    session: Session, account: VendorAccount, named: dict[str, VendorCase]
) -> tuple[dict[str, int], list[VendorCase], list[VendorCase]]:
    """The claims that are meant, by reference; the cases that say something new of one; and those that belong to none.

    Two accounts may reach one vendor: a claim of another account is that account's to look after.
    """
    seen = {
        sighting.vendor_case_number: sighting
        for sighting in session.scalars(
            select(Sighting).where(Sighting.account_id == account.id, Sighting.vendor_case_number.in_(named))
        )
    }
    references = {strays.reference_of(case) for case in named.values()}
    is_meant = Rma.client_reference.in_(references) | (
        (Rma.account_id == account.id) & Rma.vendor_case_number.in_(named)
    )
    rows = session.execute(
        select(Rma.id, Rma.account_id, Rma.client_reference, Rma.vendor_case_number).where(is_meant)
    ).all()
    claims = {row.client_reference: row for row in rows}
    numbers = {row.vendor_case_number for row in rows if row.account_id == account.id}
    news, unknown = [], []
    for number, case in named.items():
        sighting, claim = seen.get(number), claims.get(strays.reference_of(case))
        if number in numbers or (sighting is not None and sighting.asked_at is not None):
            continue
        if claim is not None and claim.account_id == account.id:
            news.append(case)
        elif claim is None and sighting is None:
            unknown.append(case)
    return {reference: row.id for reference, row in claims.items()}, news, unknown


def _hear(runtime: Runtime, order: Order, account: VendorAccount, rma_id: int, case: VendorCase) -> bool:
    """Let a case be heard that its claim does not have yet; another than its own is put before a person.

    A worker that is just sending the claim holds the same row to mark it and to settle it: whoever is first, the other finds
    what it did.
    """
    with runtime.database.begin(db.EVERYBODY) as session:
        rma = session.get_one(Rma, rma_id, with_for_update=True)
        if not work.is_ours(session, order):
            return False
        now = db.now(session)
        seen = hearing.see(session, account, rma, case, now=now)
        if rma.vendor_case_number is None and rma.state not in lifecycles.RMA_OVER:
            if rma.state in {RmaState.DRAFT, RmaState.SUBMIT_FAILED}:  # it was sent, whatever we knew of that
                why = f"{account.name} has it already."
                rmas.stop_trying(session, rma, RmaState.MANUAL_HANDLING, Because(ACTOR, why, now, rma.fault_id))
            hearing.hear(session, runtime, rma, case, account=account, now=now)
        hearing.find_twins(session, rma, account, seen, now=now)
        return True


def finish(session: Session, account_id: int, listing: Listing, *, now: datetime) -> None:
    """The whole listing is taken in: the next one begins here, and what was held goes on.

    The cursor is a time of the vendor's clock, so that it does not matter how far that is from ours.
    """
    account = session.get_one(VendorAccount, account_id, with_for_update=True)
    reached = max(filter(None, (account.swept_to or account.created_at, listing.newest)))
    account.swept_to = min(reached, listing.begun_at)
    if account.opens_held_since is not None:
        why = "All cases that the vendor holds were compared."
        accounts.release(session, account, because=Because(ACTOR, why, now))


def send_lost(session: Session, *, now: datetime, limit: int = AT_ONCE) -> int:
    """Order the sending of claims that are being sent and that no order is for, as after a restore; how many there were.

    Nobody knows what was sent of them, so they are searched for first; where the vendor cannot be searched, a person is asked.
    """
    is_live = select(Outbox.id).where(
        Outbox.rma_id == Rma.id,
        Outbox.kind == OrderKind.SEND_RMA,
        Outbox.status.in_([OrderStatus.PENDING, OrderStatus.PARKED]),
    )
    lost = session.scalars(
        select(Rma)
        .where(Rma.state.in_(lifecycles.RMA_BEING_SENT), Rma.vendor_case_number.is_(None), ~is_live.exists())
        .order_by(Rma.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for rma in lost:
        moves.note(session, rma, "send_again", Because(ACTOR, "No order was there to send it.", now, rma.fault_id))
        rmas.order_send(session, rma, now=now, sent_before=rma.created_at)
    return len(lost)
