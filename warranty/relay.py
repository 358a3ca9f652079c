"""The relay: the only place that enqueues. It picks due orders, and orders what is periodic under a lease in the database.

Any number of relays may run: orders are picked with row locks, and periodic work is taken by one of them in the same
transaction that does it, so that a relay that dies or is cut off keeps nobody waiting. Source: reliability.md, 3.2.
"""

from __future__ import annotations

import select as io_select
import time
from typing import TYPE_CHECKING

import psycopg
import structlog
from rq import Worker
from sqlalchemy import String, cast, false, literal, make_url, or_, select, true
from sqlalchemy.exc import DBAPIError

from warranty import db, queue
from warranty.db import EVERYBODY, DatabaseUnavailable
from warranty.models import Lease, Outbox, Rma, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import (
    accounts,
    audit,
    deliveries,
    erasure,
    files,
    hearing,
    leases,
    news,
    refresh,
    returns,
    shipments,
    silence,
    sweep,
    work,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

POLL_S = 0.2  # how often SQLite is looked at; PostgreSQL wakes us
WAKE_S = 1.0  # how long PostgreSQL is waited for: orders that become due later send no notice
TROUBLE_S = 1.0
ANSWER_S = 5.0  # who says nothing for so long is gone, whether or not the network says so
PULLS = "pull:"
SWEEPS = "sweep:"

log = structlog.get_logger("relay")


def run(runtime: Runtime, *, stopped: Callable[[], bool], wake_s: float = WAKE_S) -> None:
    """Relay until ``stopped()``. An outage of the database or of the queue server is waited out: nothing is lost in either.

    Args:
        runtime: of this process.
        stopped: asked before every look.
        wake_s: how long PostgreSQL is waited for; on SQLite every look comes after ``POLL_S``.
    """
    connection = queue.connect(runtime.settings.redis_url, answer_s=ANSWER_S)
    waker = _Waker(runtime.database, wake_s)
    is_first = True
    while not stopped():
        try:
            if is_first:  # whatever was done to the database or the vendors meanwhile is seen at once
                with runtime.database.begin(EVERYBODY) as session:
                    order_sweeps(session, runtime, at_once=True)
                is_first = False
            pause_s = 0.0 if turn(runtime, connection) else None
        except (queue.QueueUnavailable, DatabaseUnavailable, DBAPIError) as err:
            log.warning("relay.waits", trouble=type(err).__name__, said=str(err).partition("\n")[0])
            pause_s = TROUBLE_S
        if pause_s is None:
            waker.wait()
        else:
            time.sleep(pause_s)
    waker.close()


def turn(runtime: Runtime, connection: Redis) -> int:
    """One look at the outbox: how many orders were enqueued. Into a queue that was emptied all goes anew."""
    _periodic(runtime)
    audit.keep_sealed(runtime)
    if queue.was_emptied(connection):
        with runtime.database.begin(EVERYBODY) as session:
            work.enqueue_again(session)
    with runtime.database.read(EVERYBODY) as session:  # most looks find nothing, and then nobody has to wait for a lock
        if not work.is_anything_due(session, relay_s=runtime.settings.relay_s):
            return 0
    work_queue = queue.work_queue(connection)
    # Asked before an order is noted as enqueued: with the queue server gone it stays due.
    per_account = max(1, Worker.count(queue=work_queue) // 2)
    with runtime.database.begin(EVERYBODY) as session:
        picked = work.pick_due(session, relay_s=runtime.settings.relay_s, per_account=per_account)
    for order_id, token in picked:
        queue.enqueue(work_queue, order_id, token, job_timeout_s=runtime.settings.job_timeout_s)
    return len(picked)


# --- periodic work ---


def _periodic(runtime: Runtime) -> None:
    """Order what is due by the clock, if the rhythm has come round and no other relay was quicker."""
    with runtime.database.read(EVERYBODY) as session:
        if not leases.is_due(session, leases.PERIODIC):
            return
    with runtime.database.begin(EVERYBODY) as session:
        if leases.take(session, leases.PERIODIC, rhythm_s=leases.periodic_s(runtime.settings)):
            order_polls(session)
            order_pulls(session, runtime)
            order_sweeps(session, runtime)
            sweep.send_lost(session, now=db.now(session))
            silence.ask(session, now=db.now(session))
            returns.look(session, runtime, now=db.now(session))
            shipments.expire(session, now=db.now(session))
            news.order(session, runtime.settings)
            refresh.order_due(session, runtime)
            files.order_sweep(session)
            erasure.forget_old(session)
            audit.order_anchor(session, runtime.settings)


def order_polls(session: Session) -> None:
    """Order a reading of the open cases of each account that has some due and none ordered yet."""
    now = db.now(session)
    due = session.scalars(
        select(VendorAccount.id)
        .where(VendorAccount.id.in_(select(Rma.account_id).where(Rma.next_poll_at <= now)))
        .where(VendorAccount.id.not_in(_ordered(OrderKind.READ_CASES)))
    )
    for account_id in due.all():
        hearing.order_reading(session, account_id, now=now)


def order_pulls(session: Session, runtime: Runtime) -> None:
    """Order, once a rhythm, that what waits for us at a vendor is fetched, for each account that has such a queue or mailbox."""
    for account in _in_turn(session, OrderKind.PULL, PULLS, rhythm_s=runtime.settings.poll_s):
        if accounts.is_pulled(runtime, account):
            deliveries.order_pull(session, account, now=db.now(session))


def order_sweeps(session: Session, runtime: Runtime, *, at_once: bool = False) -> None:
    """Order, once a rhythm, that what a vendor holds of ours is listed, for each account that can.

    ``at_once``: all of them are due; so is one that opens nothing before its listing was compared, whatever its rhythm.
    """
    # A relay that starts does not wait for the rhythm: so it sees what another has ordered.
    leases.hold(session, leases.PERIODIC)
    is_due = true() if at_once else VendorAccount.opens_held_since.is_not(None)
    for account in _in_turn(session, OrderKind.SWEEP_CASES, SWEEPS, rhythm_s=runtime.settings.poll_s, also=is_due):
        if accounts.is_listed(runtime, account):
            sweep.order(session, account, now=db.now(session))


def _in_turn(
    session: Session, kind: OrderKind, leases_of: str, *, rhythm_s: float, also: ColumnElement[bool] | None = None
) -> Iterator[VendorAccount]:
    """The accounts in use that have no such order and whose turn at one has come; ``also`` those that it is true of."""
    leased = select(Lease.name).where(Lease.next_run_at > db.now(session))
    has_turn = literal(leases_of).concat(cast(VendorAccount.id, String)).not_in(leased)
    is_due = false() if also is None else also
    found = session.execute(
        select(VendorAccount, is_due)
        .where(VendorAccount.switched_off_at.is_(None), VendorAccount.id.not_in(_ordered(kind)))
        .where(or_(has_turn, is_due))
        .order_by(VendorAccount.id)
    )
    for account, is_due_anyway in found.all():
        if leases.take(session, f"{leases_of}{account.id}", rhythm_s=rhythm_s) or is_due_anyway:
            yield account


def _ordered(kind: OrderKind) -> Select[int | None]:
    """The accounts that have such an order. A parked one waits for somebody to mend the account, and then goes on."""
    return select(Outbox.account_id).where(
        Outbox.kind == kind,
        Outbox.status.in_([OrderStatus.PENDING, OrderStatus.PARKED]),
        Outbox.account_id.is_not(None),
    )


# --- being woken ---


class _Waker:
    """Waits for a notice of PostgreSQL; on SQLite, and whenever listening fails, just for a moment."""

    def __init__(self, database: db.Database, wake_s: float) -> None:
        self._database = database
        self._wake_s = wake_s
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def wait(self) -> None:
        """Return when an order may be there."""
        if self._database.is_sqlite:
            time.sleep(POLL_S)
            return
        try:
            if self._connection is None or self._connection.closed:
                self._listen()
                return  # what came before it listened sent no notice
            ready, _, _ = io_select.select([self._connection.fileno()], [], [], self._wake_s)
            if ready:
                for _ in self._connection.notifies(timeout=0):
                    pass
        except (psycopg.Error, OSError, ValueError):
            self.close()
            time.sleep(POLL_S)

    def _listen(self) -> None:
        url = make_url(self._database.url).set(drivername="postgresql")
        self._connection = psycopg.connect(
            url.render_as_string(hide_password=False), autocommit=True, **db.POSTGRESQL_LIVENESS
        )
        self._connection.execute("LISTEN outbox")

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
