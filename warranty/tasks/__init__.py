"""Background work: claimed here, done by the module of its kind: each reads, calls and records.

No transaction is open while a vendor thinks. A task may run twice, late or half: the claim is fenced, and what may have
arrived is searched for before anything is sent again. What breaks off in a way that nobody foresaw is tried a few times
and then put before a person.
"""

from __future__ import annotations

import importlib
import time
import traceback
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import configure_mappers

import vendors
from warranty import db, logs
from warranty.config import load
from warranty.db import EVERYBODY, DatabaseUnavailable
from warranty.models.work import OrderKind
from warranty.runtime import Runtime
from warranty.services import stumbles, work
from warranty.services.work import Order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session


GOES_ON = frozenset({OrderKind.SEND_RMA, OrderKind.APPLY_DELIVERY})
"""Of these a worker that has done one goes on with what else is due for the account: a fork for each costs more than they do."""

log = structlog.get_logger("tasks")


def run(order_id: int) -> None:
    """What RQ calls in a worker: do one order, whatever its kind. A no-op where the order is done or in other hands."""
    work_off(worker_runtime(), order_id)


def work_off(runtime: Runtime, order_id: int) -> None:
    """Do one order, and what else of its kind is due for its account, while there is time and nobody else waits.

    Each is claimed by itself, so that whatever breaks off is that one's alone. No more begin than one vendor call before
    the queue would end this job.

    Raises:
        Exception: as ``perform``; what is due still is handed out by the relay.
    """
    settings = runtime.settings
    until = time.monotonic() + settings.job_timeout_s - settings.vendor_timeout_s
    order = perform(runtime, order_id)
    while order is not None and order.kind in GOES_ON and time.monotonic() < until:
        order = _do(runtime, _next_of(runtime, order))


def _next_of(runtime: Runtime, order: Order) -> Order | None:
    if order.account_id is None:
        return None
    with runtime.database.read(EVERYBODY) as session:  # most orders are alone, and then nobody has to wait for a lock
        if not work.is_waiting(session, order.kind, order.account_id):
            return None
    with runtime.database.begin(EVERYBODY) as session:
        if work.is_crowded(session, order.kind, order.account_id):
            return None
        return _sound(
            session, runtime, work.claim_next(session, order.kind, order.account_id, lease_s=runtime.settings.lease_s)
        )


def perform(runtime: Runtime, order_id: int) -> Order | None:
    """Do one order with a given runtime; the order, where it was this one's to do.

    The claim is committed before anything else: whatever becomes of the work, this try is on record.

    Raises:
        Exception: whatever the work raised, for the queue and the logs; what to do about it has been written down.
    """
    logs.begin(order_id=order_id)
    with runtime.database.begin(EVERYBODY) as session:
        order = _sound(session, runtime, work.claim(session, order_id, lease_s=runtime.settings.lease_s))
    return _do(runtime, order)


def _sound(session: Session, runtime: Runtime, order: Order | None) -> Order | None:
    """A claimed order; none where every worker that had it of late broke off: then a person has it from here on."""
    if order is None:
        return None
    logs.begin(**order.names)
    if not order.is_poison:
        return order
    stumbles.give_up(session, runtime, order, stumbles.VANISHED, now=db.now(session))
    return None


def _do(runtime: Runtime, order: Order | None) -> Order | None:
    if order is None:
        return None
    with at_work(runtime, order):
        importlib.import_module(f"warranty.tasks.{order.kind.value}").run(runtime, order)
    return order


@contextmanager
def at_work(runtime: Runtime, order: Order) -> Iterator[None]:
    """While an order is worked on every line in the logs is of it, and what the work breaks off with is written down."""
    begun = time.monotonic()
    with logs.within(**order.names):
        try:
            yield
        except Exception as err:
            write_down(runtime, order, err)
            raise
        finally:
            log.info("order.worked", duration_ms=round((time.monotonic() - begun) * 1000))


def write_down(runtime: Runtime, order: Order, err: Exception) -> None:
    """Keep that the work on an order broke off, and when it is tried again."""
    # Where it cannot be written either, the lease runs out and the next holder counts one who vanished.
    with suppress(DatabaseUnavailable, DBAPIError), runtime.database.begin(EVERYBODY) as session:
        if isinstance(err, DatabaseUnavailable) or (isinstance(err, DBAPIError) and err.connection_invalidated):
            work.let_go(session, order, after_s=runtime.settings.retry_s, error=type(err).__name__)
        else:
            stumbles.record(session, runtime, order, _where(err), now=db.now(session))


def _where(err: Exception) -> str:
    """The kind of an exception and where of ours it came up: its text may hold what nobody but the logs should see."""
    place = ""
    for frame, line in traceback.walk_tb(err.__traceback__):
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("warranty.", "vendors.")):
            place = f" in {module}, line {line}"
    return f"{type(err).__name__}{place}"


def preload() -> None:
    """Import every task and every adapter before the worker forks: an import in each fork costs more than the work."""
    for kind in OrderKind:
        importlib.import_module(f"warranty.tasks.{kind.value}")
    for vendor in vendors.available():
        vendors.describe(vendor)
    configure_mappers()


@cache
def worker_runtime() -> Runtime:
    """The worker process's runtime, made once; forked children inherit it without its connections."""
    settings = load()
    return Runtime.of(settings, database_url=settings.worker_database_url)
