"""Work orders: every statement on the outbox. Source: reliability.md, section 3.2.

An order is done at least once. Whoever works on it holds a lease with a token; every later statement names the token, so a
worker that was overtaken (frozen, late, delivered twice) changes nothing. All times are the database's.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, CursorResult, and_, case, func, not_, or_, select, tuple_, update

from warranty import db
from warranty.domain.lifecycles import RmaState
from warranty.models import Fault, Outbox, Rma, VendorAccount, clock
from warranty.models.work import OrderKind, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.orm import Session

RETRY_CAP_S = 300.0
RETRY_BUDGET_S = 24 * 3600.0
_NOT_OVER = (OrderStatus.PENDING, OrderStatus.PARKED)
MAX_STUMBLES = 10
"""After so many in a row a person gets it: about a quarter of an hour, by back-off or by leases that ran out."""


@dataclass(frozen=True, slots=True)
class Order:
    """A claimed order. ``sent_ago_s`` is null where nothing was ever sent.

    ``tried_s`` is how long it has been tried: waits that somebody else imposed (quota, breaker, settle time) do not count.
    ``age_s`` is the time since it was first claimed, so never less than that since it was first sent.
    """

    id: int
    kind: OrderKind
    token: int
    client_id: int | None
    account_id: int | None
    rma_id: int | None
    fault_id: int | None
    payload: dict[str, Any]
    failures: int
    stumbles: int
    tried_s: float
    age_s: float
    sent_ago_s: float | None
    claimed: float
    """``time.monotonic()`` at the claim: a machine that slept notices before it sends."""
    fault: str | None = None
    claim: str | None = None
    account: str | None = None

    @property
    def names(self) -> dict[str, str | int | None]:
        """What its lines in the logs carry: itself, and by the names that people use, whom it is for."""
        names = {"fault": self.fault, "claim": self.claim, "account": self.account}
        return {"order_id": self.id, "kind": self.kind.value, **names}

    @property
    def is_spent(self) -> bool:
        """Whether it has been tried for as long as anything is."""
        return self.tried_s > RETRY_BUDGET_S

    @property
    def is_poison(self) -> bool:
        """Whether every worker that had it of late broke off, or was never heard of again."""
        return self.stumbles >= MAX_STUMBLES


@dataclass(frozen=True, slots=True)
class Wait:
    """What may have arrived was looked for and not found, but it is too early to believe that."""

    for_s: float


@dataclass(frozen=True, slots=True)
class AskPerson:
    """Nothing more can be done without a person."""

    why: str


def add(
    session: Session,
    kind: OrderKind,
    *,
    now: datetime,
    due_at: datetime | None = None,
    client_id: int | None = None,
    account_id: int | None = None,
    rma_id: int | None = None,
    fault_id: int | None = None,
    payload: dict[str, Any] | None = None,
    name: str | None = None,
    sent_before: datetime | None = None,
) -> Outbox:
    """Order background work. It exists if and only if the caller's transaction commits; the relay is woken by the database.

    It is due at once unless ``due_at`` says otherwise: by the database's clock, whatever the caller's ``now`` is.
    ``sent_before``: it may have been sent between then and ``now``, by an order that is not there any more.
    """
    order = Outbox(
        kind=kind,
        name=name,
        client_id=client_id,
        account_id=account_id,
        rma_id=rma_id,
        fault_id=fault_id,
        payload=payload or {},
        next_at=due_at or clock(),
        created_at=now,
    )
    if sent_before is not None:
        # Searched for first, no vendor knows its key any more, and it is tried as long as a new one.
        order.last_send, order.first_claimed_at = now, sent_before
        order.waited_s = (now - sent_before).total_seconds()
    session.add(order)
    return order


def waiting(session: Session, name: str) -> Outbox | None:
    """The order of this name that waits, for its turn or for a person, or is under way."""
    return session.scalars(
        select(Outbox).where(Outbox.name == name, Outbox.status.in_(_NOT_OVER)).order_by(Outbox.id).limit(1)
    ).first()


def add_many(
    session: Session, kind: OrderKind, payloads: Sequence[dict[str, Any]], *, account_id: int, now: datetime
) -> list[int]:
    """Order the same work of an account many times over, due at once; the orders' keys."""
    keys = db.next_ids(session, Outbox, len(payloads)) if payloads else []
    due = {"kind": kind, "account_id": account_id, "next_at": db.now(session), "created_at": now}
    db.write(session, Outbox, *(due | {"id": key, "payload": one} for key, one in zip(keys, payloads, strict=True)))
    return keys


def standing(session: Session, kind: OrderKind, account_ids: Iterable[int]) -> Sequence[Row[Any]]:
    """The orders of a kind for some accounts that are not over: their keys, accounts, faults and what they are to do."""
    query = select(Outbox.id, Outbox.account_id, Outbox.fault_id, Outbox.payload).where(
        Outbox.kind == kind, Outbox.status.in_(_NOT_OVER), Outbox.account_id.in_(list(account_ids))
    )
    return session.execute(query).all()


def states(session: Session, order_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """How some orders stand."""
    query = select(Outbox.id, Outbox.status, Outbox.payload, Outbox.error).where(Outbox.id.in_(order_ids))
    return session.execute(query.order_by(Outbox.id)).all()


def is_ordered(session: Session, name: str) -> bool:
    """Whether work of this name waits or is under way."""
    pending = select(Outbox.id).where(Outbox.name == name, Outbox.status == OrderStatus.PENDING)
    return session.scalars(pending).first() is not None


_NAMES = (  # read by the statement that claims, which saves a round trip
    select(Fault.reference).where(Fault.id == Outbox.fault_id).scalar_subquery(),
    select(Rma.client_reference).where(Rma.id == Outbox.rma_id).scalar_subquery(),
    select(VendorAccount.public_id).where(VendorAccount.id == Outbox.account_id).scalar_subquery(),
)


def claim(session: Session, order_id: int, *, lease_s: float) -> Order | None:
    """Take an order for ``lease_s``; None where it is done, not due, or in other hands.

    A lease that ran out is a holder who vanished without a word: one stumble more.
    """
    return next(iter(claim_all(session, [order_id], lease_s=lease_s)), None)


def claim_all(session: Session, order_ids: Sequence[int], *, lease_s: float) -> list[Order]:
    """The same for several: those of them that can be taken, the oldest first."""
    started = time.monotonic()
    is_stolen = case((Outbox.lease_until.is_(None), 0), else_=1)
    rows = session.execute(
        update(Outbox)
        .where(Outbox.id.in_(order_ids), Outbox.status == OrderStatus.PENDING, Outbox.next_at <= clock())
        .where(or_(Outbox.lease_until.is_(None), Outbox.lease_until < clock()))
        .values(
            lease_until=clock(lease_s),
            token=Outbox.token + 1,
            attempts=Outbox.attempts + 1,
            stumbles=Outbox.stumbles + is_stolen,
            steals=Outbox.steals + is_stolen,
            first_claimed_at=func.coalesce(Outbox.first_claimed_at, clock()),
        )
        .returning(Outbox, clock().label("db_now"), *_NAMES)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted((_claimed(list(row), started) for row in rows), key=lambda order: order.id)


def _claimed(row: Sequence[Any], started: float) -> Order:
    order, db_now, fault, claim_, account = row
    assert order.first_claimed_at is not None  # the statement has just set it
    age_s = (db_now - order.first_claimed_at).total_seconds()
    return Order(
        id=order.id,
        kind=order.kind,
        token=order.token,
        client_id=order.client_id,
        account_id=order.account_id,
        rma_id=order.rma_id,
        fault_id=order.fault_id,
        payload=order.payload,
        failures=order.failures,
        stumbles=order.stumbles,
        tried_s=age_s - order.waited_s,
        age_s=age_s,
        sent_ago_s=None if order.last_send is None else (db_now - order.last_send).total_seconds(),
        claimed=started,
        fault=fault,
        claim=claim_,
        account=account and str(account),
    )


def claim_next(session: Session, kind: OrderKind, account_id: int, *, lease_s: float) -> Order | None:
    """Take the next order of a kind that is due for an account, what a fault waits for first; None where there is none.

    For a worker that has the account at hand: one for each order would cost more than most of them do.
    """
    found = session.scalar(_next(kind, account_id).limit(1).with_for_update(skip_locked=True))
    return None if found is None else claim(session, found, lease_s=lease_s)


def unsent_beside(session: Session, order: Order, account_id: int, *, most: int) -> dict[int, int]:
    """What else is due of an order's kind for an account and was never sent: the keys of the orders, by those of their Rmas.

    None where others wait for a worker, nor what a worker broke off over. The Rmas are held from here on, as they are before
    their orders everywhere; one that somebody else holds is left.
    """
    if most < 1:
        return {}
    beside = (
        _next(order.kind, account_id)
        .where(Outbox.id != order.id, Outbox.last_send.is_(None), Outbox.stumbles == 0)
        .join(Rma, Rma.id == Outbox.rma_id)
        .where(Rma.account_id == account_id, Rma.state == RmaState.SUBMITTED)
        .add_columns(Rma.id)
        .limit(most)
        .with_for_update(of=Rma, skip_locked=True)
    )
    found = session.execute(beside).all()
    if not found or is_crowded(session, order.kind, account_id):
        return {}
    return {rma_id: order_id for order_id, rma_id in found}


def _next(kind: OrderKind, account_id: int) -> Select[Any]:
    """What is due of a kind for an account and in nobody's hands, what a fault waits for first, the oldest first."""
    return (
        select(Outbox.id)
        .where(Outbox.account_id == account_id, Outbox.kind == kind, Outbox.status == OrderStatus.PENDING)
        .where(Outbox.next_at <= clock(), or_(Outbox.lease_until.is_(None), Outbox.lease_until < clock()))
        .order_by(_CAN_WAIT, Outbox.next_at, Outbox.id)
    )


def is_waiting(session: Session, kind: OrderKind, account_id: int) -> bool:
    """Whether ``claim_next`` may find something; a read."""
    waiting = select(Outbox.id).where(
        Outbox.account_id == account_id,
        Outbox.kind == kind,
        Outbox.status == OrderStatus.PENDING,
        Outbox.next_at <= clock(),
        Outbox.lease_until.is_(None),
    )
    return session.scalars(waiting.limit(1)).first() is not None


CROWDED_S = 1.0
"""Who has waited so long for a worker is let in by those who have much to do."""


def is_crowded(session: Session, kind: OrderKind, account_id: int) -> bool:
    """Whether a worker that goes on with one kind for one account keeps others waiting.

    That is another order of the account, of which the relay may not hand out more, or anybody's that no worker has taken.
    What can wait is let in after ten times as long, so that accounts with much to do take turns.
    """
    is_own = and_(Outbox.account_id == account_id, Outbox.kind == kind)
    waits = or_(
        and_(_CAN_WAIT == 0, Outbox.enqueued_at < clock(-CROWDED_S)),
        Outbox.enqueued_at < clock(-10 * CROWDED_S),
        Outbox.account_id == account_id,
    )
    others = select(Outbox.id).where(
        Outbox.status == OrderStatus.PENDING,
        Outbox.next_at <= clock(),
        Outbox.lease_until.is_(None),
        or_(Outbox.account_id.is_(None), not_(is_own)),
        waits,
    )
    return session.scalars(others.limit(1)).first() is not None


def put_off(session: Session, kind: OrderKind, account_id: int, *, after_s: float) -> None:
    """Have what waits of a kind for an account wait so much longer: the vendor takes no calls before."""
    session.execute(
        update(Outbox)
        .where(Outbox.account_id == account_id, Outbox.kind == kind, Outbox.status == OrderStatus.PENDING)
        .where(Outbox.lease_until.is_(None), Outbox.next_at < clock(after_s))
        .values(
            next_at=clock(after_s),
            enqueued_at=None,
            waited_s=Outbox.waited_s + case((Outbox.first_claimed_at.is_(None), 0.0), else_=after_s),
        )
        .execution_options(synchronize_session=False)
    )


def call_up(session: Session, kind: OrderKind, account_id: int) -> None:
    """Have what waits of a kind for an account wait no longer: it is due now."""
    session.execute(
        update(Outbox)
        .where(Outbox.account_id == account_id, Outbox.kind == kind, Outbox.status == OrderStatus.PENDING)
        .where(Outbox.lease_until.is_(None), Outbox.next_at > clock())
        .values(next_at=clock(), enqueued_at=None)
        .execution_options(synchronize_session=False)
    )


def park_rest(session: Session, kind: OrderKind, account_id: int, *, error: str) -> None:
    """Park what waits of a kind for an account that a person must mend, but for what a fault waits for.

    A hundred calls with a wrong password would say no more than one, and may lock the account.
    """
    session.execute(
        update(Outbox)
        .where(Outbox.account_id == account_id, Outbox.kind == kind, Outbox.status == OrderStatus.PENDING)
        .where(Outbox.lease_until.is_(None), Outbox.fault_id.is_(None))
        .values(status=OrderStatus.PARKED, error=error)
        .execution_options(synchronize_session=False)
    )


_CAN_WAIT = case((and_(Outbox.kind == OrderKind.LOOK_UP, Outbox.fault_id.is_(None)), 1), else_=0)
"""Last among what is due: a look-up that no fault waits for, of which there may be thousands."""


def mark_send(session: Session, order: Order, *, budget_s: float) -> bool:
    """Write down that a send is about to leave; False where the lease is no longer ours or too short for the call.

    Commit this before the first byte: whoever comes next then searches before sending again.
    """
    return bool(mark_sends(session, [order], budget_s=budget_s))


def mark_sends(session: Session, orders: Sequence[Order], *, budget_s: float) -> set[int]:
    """The same for several: the keys of those that were marked."""
    ours = tuple_(Outbox.id, Outbox.token).in_([(order.id, order.token) for order in orders])
    marked = (
        update(Outbox)
        .where(ours, Outbox.status == OrderStatus.PENDING, Outbox.lease_until > clock(budget_s))
        .values(last_send=clock())
        .returning(Outbox.id)
        .execution_options(synchronize_session=False)
    )
    return set(session.scalars(marked))


def release(
    session: Session,
    order: Order,
    *,
    after_s: float,
    error: str | None = None,
    failed: bool = False,
    never_arrived: bool = False,
    payload: dict[str, Any] | None = None,
) -> bool:
    """Give an order back, due in ``after_s`` seconds; ``failed`` counts towards the back-off, and stumbles are forgotten.

    ``never_arrived``: as for ``end``. ``payload``: what is left to do, where it is not all that there was.
    """
    unmarked = {"last_send": None} if never_arrived else {}
    return _ours(
        session,
        order,
        payload=order.payload if payload is None else payload,
        next_at=clock(after_s),
        lease_until=None,
        enqueued_at=None,
        error=error,
        failures=order.failures + int(failed),
        stumbles=0,
        waited_s=Outbox.waited_s + (0.0 if failed else after_s),
        **unmarked,
    )


def come_back(session: Session, order: Order, *, after_s: float, payload: dict[str, Any]) -> bool:
    """Give an order back that the vendor is still working on; ``payload`` carries the handle to ask with."""
    return release(session, order, after_s=after_s, payload=payload)


def stumble(session: Session, order: Order, *, first_s: float, error: str) -> bool:
    """Give an order back over which the worker broke off, due after a back-off; False where it is no longer ours."""
    return _ours(
        session,
        order,
        next_at=clock(back_off_s(order.stumbles, first_s)),
        lease_until=None,
        enqueued_at=None,
        error=error,
        stumbles=order.stumbles + 1,
    )


def let_go(session: Session, order: Order, *, after_s: float, error: str) -> bool:
    """Give an order back that could not be worked on for want of the database: that counts against nobody."""
    return _ours(session, order, next_at=clock(after_s), lease_until=None, enqueued_at=None, error=error)


def is_ours(session: Session, order: Order) -> bool:
    """Whether we still hold an order; until the transaction ends nobody else can take it."""
    held = select(Outbox.id).where(
        Outbox.id == order.id, Outbox.token == order.token, Outbox.status == OrderStatus.PENDING
    )
    return session.scalars(held.with_for_update()).one_or_none() is not None


def sent_at(session: Session, order: Order) -> datetime | None:
    """When a send was last marked, by us or by somebody before us; null where none was."""
    return session.scalar(select(Outbox.last_send).where(Outbox.id == order.id))


def end(
    session: Session,
    order: Order,
    status: OrderStatus,
    *,
    error: str | None = None,
    never_arrived: bool = False,
    payload: dict[str, Any] | None = None,
) -> bool:
    """Finish, park or give up an order; False where it is no longer ours, and then nothing else may be written.

    ``never_arrived``: nothing that was sent is at the vendor, so that nobody has to search for it. ``payload``: what was
    left to do of it, where it is not all that there was.
    """
    unmarked = {"last_send": None} if never_arrived else {}
    kept = order.payload if payload is None else payload
    return _ours(session, order, status=status, lease_until=None, error=error, payload=kept, **unmarked)


def back_off_s(failures: int, first_s: float) -> float:
    """How long to wait after so many failures: doubling, with full jitter, so that retries of an outage spread out."""
    return random.uniform(0, min(RETRY_CAP_S, first_s * 2 ** min(failures, 16)))  # noqa: S311 - spreads load, guards nothing


def rearm(session: Session, account_id: int) -> int:
    """Arm the parked orders of an account again, after a person mended it; how many there were."""
    return _arm(session, Outbox.account_id == account_id)


def rearm_send(session: Session, rma_id: int) -> int:
    """Arm the parked orders to send one Rma again; how many there were."""
    return _arm(session, Outbox.rma_id == rma_id, Outbox.kind == OrderKind.SEND_RMA)


def rearm_order(session: Session, order_id: int) -> int:
    """Arm one parked order again; how many there were."""
    return _arm(session, Outbox.id == order_id)


def may_have_been_sent(session: Session, rma_id: int) -> bool:
    """Whether a send of this Rma has left, or may have, that nobody has had an answer to."""
    sent = select(Outbox.id).where(
        Outbox.rma_id == rma_id, Outbox.status == OrderStatus.PENDING, Outbox.last_send.is_not(None)
    )
    return session.scalars(sent.limit(1)).first() is not None


def _arm(session: Session, *which: ColumnElement[bool]) -> int:
    parked = session.scalars(select(Outbox).where(*which, Outbox.status == OrderStatus.PARKED).with_for_update()).all()
    now = session.scalar(select(clock()))
    assert now is not None
    for order in parked:
        order.status, order.next_at, order.lease_until, order.enqueued_at = OrderStatus.PENDING, now, None, None
        order.failures = order.stumbles = 0
        if order.first_claimed_at is not None:  # it is tried as long as a new one, and is no younger for that
            order.waited_s = (now - order.first_claimed_at).total_seconds()
    return len(parked)


FENCE = 1_000_000
"""More claims than any order has."""


def restart(session: Session, *, sent_since: datetime, now: datetime) -> int:
    """Have the orders of a restored backup begin anew; how many of them may have been sent since it was made.

    Nobody holds or has enqueued any, and no worker of the time before owns one: its token is behind. What tells a vendor
    something counts as sent just now, so that it is searched for once that has settled, and as first tried when the backup
    was made, so that a key is not taken for younger than it may be.
    """
    session.execute(
        update(Outbox)
        .where(Outbox.status.in_(_NOT_OVER))
        .values(lease_until=None, enqueued_at=None, token=Outbox.token + FENCE)
        .execution_options(synchronize_session=False)
    )
    telling = session.scalars(
        select(Outbox).where(Outbox.status.in_(_NOT_OVER), Outbox.kind.in_([OrderKind.SEND_RMA, OrderKind.TELL_VENDOR]))
    ).all()
    for order in telling:
        order.last_send = now
        order.first_claimed_at = min(order.first_claimed_at or sent_since, sent_since)
        order.waited_s = (now - order.first_claimed_at).total_seconds()
    return len(telling)


def enqueue_again(session: Session) -> None:
    """The queue has lost what nobody has claimed yet: all of it is due at once, and not only after the interval."""
    session.execute(
        update(Outbox)
        .where(Outbox.status == OrderStatus.PENDING, Outbox.lease_until.is_(None), Outbox.enqueued_at.is_not(None))
        .values(enqueued_at=None)
        .execution_options(synchronize_session=False)
    )


def is_anything_due(session: Session, *, relay_s: float) -> bool:
    """Whether ``pick_due`` may find something; a read."""
    due = select(Outbox.id).where(Outbox.status == OrderStatus.PENDING, Outbox.next_at <= clock(), *_free(relay_s))
    return session.scalars(due.limit(1)).first() is not None


def _free(relay_s: float) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Nobody works on it, and it was not enqueued just now."""
    return (
        or_(Outbox.enqueued_at.is_(None), Outbox.enqueued_at < clock(-relay_s)),
        or_(Outbox.lease_until.is_(None), Outbox.lease_until < clock()),
    )


def pick_due(session: Session, *, relay_s: float, per_account: int, limit: int = 200) -> list[tuple[int, int]]:
    """Choose due orders to enqueue and note that they are: ``(order id, token)`` pairs, what can wait last, then the oldest first.

    An order that was enqueued and not claimed for ``relay_s`` is chosen again: the queue may have been emptied. Of one
    account at most ``per_account`` orders are in flight, so that one vendor's outage never holds every worker.
    """
    free = _free(relay_s)
    in_flight = (
        select(Outbox.account_id, func.count().label("orders"))
        .where(Outbox.status == OrderStatus.PENDING, Outbox.account_id.is_not(None))
        .where(or_(Outbox.lease_until >= clock(), Outbox.enqueued_at >= clock(-relay_s)))
        .group_by(Outbox.account_id)
        .subquery()
    )
    place = func.row_number().over(partition_by=Outbox.account_id, order_by=(_CAN_WAIT, Outbox.next_at, Outbox.id))
    due = (
        select(Outbox.id, Outbox.account_id, place.label("place"))
        .where(Outbox.status == OrderStatus.PENDING, Outbox.next_at <= clock(), *free)
        .subquery()
    )
    chosen = (
        select(due.c.id)
        .outerjoin(in_flight, in_flight.c.account_id == due.c.account_id)
        .where(
            or_(due.c.account_id.is_(None), due.c.place + func.coalesce(in_flight.c.orders, 0) <= per_account),
        )
    )
    ids = list(
        session.scalars(
            select(Outbox.id)
            .where(Outbox.id.in_(chosen), *free)
            .order_by(_CAN_WAIT, Outbox.next_at, Outbox.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    if not ids:
        return []
    picked = session.execute(
        update(Outbox)
        .where(Outbox.id.in_(ids))
        .values(enqueued_at=clock())
        .returning(Outbox.id, Outbox.token)
        .execution_options(synchronize_session=False)
    )
    tokens = {row.id: row.token for row in picked}
    return [(order_id, tokens[order_id]) for order_id in ids]


def _ours(session: Session, order: Order, *extra: ColumnElement[bool], **values: Any) -> bool:
    changed = session.execute(
        update(Outbox)
        .where(Outbox.id == order.id, Outbox.token == order.token, Outbox.status == OrderStatus.PENDING, *extra)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return _count(changed) == 1


def _count(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount
