"""Asking vendors at once where claims stand, because somebody wants to know; the workers do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from warranty.domain import lifecycles
from warranty.models import Outbox, Rma, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import accounts, deliveries, hearing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

KINDS = (OrderKind.READ_CASES, OrderKind.PULL)


class CannotAsk(Exception):
    """Nobody can be asked where this claim stands; says why, and what to do."""


@dataclass(slots=True)
class Asked:
    """What was asked for at ``at``, the database's time: how many claims, and of which accounts, by their keys."""

    at: datetime
    claims: int = 0
    account_ids: set[int] = field(default_factory=set)


def ask(session: Session, runtime: Runtime, rma: Rma, asked: Asked) -> None:
    """Have the vendor asked where a claim stands; one that answers into a queue or mailbox has that emptied.

    Raises:
        CannotAsk: the claim is over or has no case at the vendor yet, or its account cannot be asked.
    """
    account = session.get(VendorAccount, rma.account_id) if rma.account_id else None
    if rma.state in lifecycles.RMA_OVER:
        raise CannotAsk(f"{rma.client_reference} is {rma.state}: its vendor is not asked any more.")
    if account is None:
        raise CannotAsk(f"{rma.client_reference} has no vendor account: enter by hand what the vendor says.")
    if accounts.is_pulled(runtime, account):
        _check(session, account)
        deliveries.order_pull(session, account, now=asked.at)
    elif not accounts.is_read(runtime, account):
        raise CannotAsk(f"{account.name} cannot be asked: enter by hand what the vendor says.")
    elif rma.vendor_case_number is None:
        raise CannotAsk(f"{rma.client_reference} has no case number at {account.name} yet.")
    else:
        _check(session, account)
        hearing.ask(session, [rma], now=asked.at)
    asked.claims += 1
    asked.account_ids.add(account.id)


def _check(session: Session, account: VendorAccount) -> None:
    if account.switched_off_at is not None:
        raise CannotAsk(f"{account.name} is switched off.")
    if account.id in parked(session, [account.id]):
        raise CannotAsk(f"{account.name} has to be mended: `warranty vendor test` says what is wrong with it.")


def ask_all(session: Session, runtime: Runtime, asked: Asked) -> None:
    """Have every vendor asked where its open claims stand; those whose account has to be mended are asked after that."""
    in_use = select(VendorAccount).where(VendorAccount.switched_off_at.is_(None)).order_by(VendorAccount.id)
    for account in session.scalars(in_use).all():
        if accounts.is_pulled(runtime, account):
            deliveries.order_pull(session, account, now=asked.at)
            asked.account_ids.add(account.id)
            continue
        followed = (Rma.account_id == account.id, Rma.next_poll_at.is_not(None))
        due = session.scalars(
            update(Rma).where(*followed).values(next_poll_at=asked.at).returning(Rma.id),
            execution_options={"synchronize_session": False},
        ).all()
        if due:
            hearing.order_reading(session, account.id, now=asked.at)
            asked.claims += len(due)
            asked.account_ids.add(account.id)


def waiting(session: Session, asked: Asked) -> int:
    """How many answers have not come yet, of accounts that are being asked."""
    ids = asked.account_ids - parked(session, asked.account_ids)
    claims = select(func.count()).where(Rma.account_id.in_(ids), Rma.next_poll_at <= asked.at)
    pulls = select(func.count()).where(Outbox.account_id.in_(ids), Outbox.status == OrderStatus.PENDING)
    pulls = pulls.where(Outbox.kind.in_([OrderKind.PULL, OrderKind.APPLY_DELIVERY]))
    return (session.scalar(claims) or 0) + (session.scalar(pulls) or 0)


def parked(session: Session, account_ids: Sequence[int] | set[int]) -> set[int]:
    """Of these accounts, those that wait for somebody to mend them."""
    orders = select(Outbox.account_id).where(Outbox.account_id.in_(account_ids), Outbox.kind.in_(KINDS))
    return {id_ for id_ in session.scalars(orders.where(Outbox.status == OrderStatus.PARKED)) if id_ is not None}
