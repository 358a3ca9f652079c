"""What vendors send by themselves: kept as it came before anybody is answered, applied later, by whoever is free.

A message is never lost. What cannot be read, or is about no claim of the account, stays unapplied with the reason beside
it. It may come twice, late or in any order: see ``hearing``.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError

from warranty.domain import lifecycles
from warranty.models import Rma, VendorAccount, VendorDelivery, clock
from warranty.models.work import OrderKind
from warranty.services import accounts, hearing, notes, proposals, work

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from vendors.contract import VendorCase
    from warranty.runtime import Runtime

LONGEST_ID = 255

log = structlog.get_logger("deliveries")


def find_receiver(session: Session, public_id: UUID) -> VendorAccount | None:
    """The account that a message names, where it is switched on."""
    named = select(VendorAccount).where(VendorAccount.public_id == public_id, VendorAccount.switched_off_at.is_(None))
    return session.scalars(named).one_or_none()


def count_refused(session: Session, account: VendorAccount) -> None:
    """Count a message that did not prove who sent it; nothing else of it is kept."""
    session.execute(
        update(VendorAccount)
        .where(VendorAccount.id == account.id)
        .values(pushes_refused=VendorAccount.pushes_refused + 1, push_refused_at=clock()),
        execution_options={"synchronize_session": False},
    )


def keep(
    session: Session, account: VendorAccount, raw: bytes, *, now: datetime, event_id: str | None = None
) -> VendorDelivery | None:
    """Keep a message and order that it is applied; None where it is kept already, by whomever.

    Args:
        session: of a transaction that sees everybody's rows.
        account: whose vendor sent it; it has proven that.
        raw: the message as it came.
        now: the database's.
        event_id: the sender's own name of it. Without one a message is known by its content.
    """
    if event_id is None or len(event_id) > LONGEST_ID:
        event_id = sha256(raw if event_id is None else event_id.encode()).hexdigest()
    is_it = (VendorDelivery.account_id == account.id, VendorDelivery.event_id == event_id)
    if session.scalar(select(VendorDelivery.id).where(*is_it)) is not None:
        return None
    delivery = VendorDelivery(account_id=account.id, event_id=event_id, raw=raw, received_at=now)
    try:
        with session.begin_nested():
            session.add(delivery)
    except IntegrityError:  # somebody else has kept it meanwhile
        return None
    work.add(session, OrderKind.APPLY_DELIVERY, now=now, account_id=account.id, payload={"delivery": delivery.id})
    return delivery


def order_pull(session: Session, account: VendorAccount, *, now: datetime) -> None:
    """Order that the vendor's queue or mailbox is emptied, where that is not ordered or under way."""
    name = f"pull:{account.id}"
    if not work.is_ordered(session, name):
        work.add(session, OrderKind.PULL, now=now, account_id=account.id, name=name)


def apply(session: Session, runtime: Runtime, account: VendorAccount, case: VendorCase, *, now: datetime) -> str | None:
    """Let what a message says of one case move its Rma; else say why nobody is moved by it.

    A worker that is just sending the Rma holds the same row: whichever is first, the other finds what it did.
    """
    found = _whose(session, account, case)
    if isinstance(found, str):
        return None if case.is_proposal and _is_anothers(session, case) else found
    rma = session.get_one(Rma, found, with_for_update=True)
    if case.is_proposal:
        proposals.hear(session, account, rma, case, now=now)
        return None
    seen = hearing.see(session, account, rma, case, now=now)
    if case.vendor_case_number and rma.vendor_case_number not in {None, case.vendor_case_number}:
        hearing.find_twins(session, rma, account, seen, now=now)
    elif hearing.is_doubtful(rma, case, now=now) and accounts.is_read(runtime, account):
        notes.keep_heard(session, account, rma, case, now=now)  # which a reading may not bring, and which are never old
        hearing.ask(session, [rma], now=now)
    else:
        hearing.hear(session, runtime, rma, case, account=account, now=now)
    return None


def _whose(session: Session, account: VendorAccount, case: VendorCase) -> int | str:
    """The key of the claim that a case is of: by the vendor's number, else by our reference; in words, where there is none.

    Only of the account's own claims: no vendor moves what another one has. A number that is only proposed names nobody.
    """
    number, reference = None if case.is_proposal else case.vendor_case_number, case.client_reference
    is_named = or_(Rma.vendor_case_number == number, Rma.client_reference == reference)  # null is equal to nothing
    named = session.scalars(select(Rma.id).where(Rma.account_id == account.id, is_named)).all()
    said = f"case {number or 'without a number'}, reference {reference or 'not given'}"
    if not named:
        return f"No claim of this account is meant: {said}."
    if len(named) > 1:
        return f"Two claims of this account are meant: {said}."
    return named[0]


def _is_anothers(session: Session, case: VendorCase) -> bool:
    """Whether a mail is about another account's claim: accounts may share a mailbox, and that one takes it from there too."""
    return session.scalar(select(Rma.id).where(Rma.client_reference == case.client_reference)) is not None


def is_early(session: Session, account: VendorAccount) -> bool:
    """Whether a message about an unknown case may be of a claim that is just being sent, whose number nobody has heard yet."""
    sent = select(Rma.id).where(Rma.account_id == account.id, Rma.state.in_(lifecycles.RMA_BEING_SENT))
    return session.scalars(sent.limit(1)).first() is not None


def standing(session: Session, account_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """How each of these accounts is heard: when last anything new, how many messages are unapplied, how many were refused."""
    waiting = (
        select(func.count()).where(VendorDelivery.account_id == VendorAccount.id, VendorDelivery.applied_at.is_(None))
    ).scalar_subquery()
    heard = select(func.max(Rma.heard_at)).where(Rma.account_id == VendorAccount.id).scalar_subquery()
    rows = session.execute(
        select(VendorAccount, heard.label("heard_at"), waiting.label("unapplied")).where(
            VendorAccount.id.in_(account_ids)
        )
    )
    return {
        row.VendorAccount.id: {
            "heard_at": row.heard_at,
            "unapplied": row.unapplied,
            "pushes_refused": row.VendorAccount.pushes_refused,
            "push_refused_at": row.VendorAccount.push_refused_at,
        }
        for row in rows
    }


def settle(session: Session, delivery_id: int, troubles: Iterable[str], *, now: datetime) -> None:
    """Write down what became of a message: applied, or what of it could not be, and why."""
    delivery = session.get_one(VendorDelivery, delivery_id)
    trouble = " ".join(troubles)
    if not trouble:
        delivery.applied_at = now
        return
    delivery.trouble = trouble
    log.warning("delivery.unapplied", account=delivery.account_id, delivery=delivery.id, trouble=trouble)
