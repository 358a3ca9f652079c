"""Background work: one module for each kind of order, each of one shape: claim, call, record.

No transaction is open while a vendor thinks. A task may run twice, late or half: the claim is fenced, and what may have
arrived is searched for before anything is sent again.
"""

from __future__ import annotations

import importlib
from functools import cache

from sqlalchemy.orm import configure_mappers

import vendors
from warranty.config import load
from warranty.db import EVERYBODY
from warranty.models import Outbox
from warranty.models.work import OrderKind
from warranty.runtime import Runtime


def run(order_id: int) -> None:
    """What RQ calls in a worker: do one order, whatever its kind. A no-op where the order is done or in other hands."""
    perform(worker_runtime(), order_id)


def perform(runtime: Runtime, order_id: int) -> None:
    """Do one order with a given runtime."""
    with runtime.database.read(EVERYBODY) as session:
        order = session.get(Outbox, order_id)
    if order is not None:
        importlib.import_module(f"warranty.tasks.{order.kind.value}").run(runtime, order_id)


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
