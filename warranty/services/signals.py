"""What an operator watches: how much waits, what is uncertain, what was given up. No tenant's data.

A few statements, none of which goes over what is done: they cost the same after a million orders as after a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, or_, select

from warranty import db
from warranty.models import AuditRow, HumanTask, Lease, Outbox, Rma, VendorAccount, VendorDelivery
from warranty.models.audit import Seal
from warranty.models.work import STOLEN, STUCK, OrderStatus, TaskKind
from warranty.services import leases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.config import Settings
    from warranty.domain.lifecycles import RmaState
    from warranty.models.work import OrderKind

RECENT = timedelta(days=7)
LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AccountSigns:
    """How one account at a vendor stands. The name of one that serves a single client is left empty: it is the client's.

    ``is_held``: it opens nothing since a restore. ``parked`` counts the orders that wait for a person to mend it.
    """

    id: str
    name: str
    vendor: str
    is_switched_off: bool
    is_breaker_open: bool
    is_held: bool
    failures: int
    pushes_refused: int
    parked: int


@dataclass(frozen=True, slots=True)
class Signals:
    """Everything at one moment. Ages are seconds by the database's clock; ``relay_age_s`` is null where none ever ran.

    ``given_up`` counts the orders that somebody has yet to see to: given up within a week, or with a task that is open.
    ``steals`` counts since ever how often a worker vanished and another took over, ``stolen_lately`` such orders of a day.
    """

    orders: Mapping[tuple[OrderStatus, OrderKind], int]
    given_up: int
    oldest_due_s: float
    steals: int
    stolen_lately: int
    claims: Mapping[RmaState, int]
    tasks: Mapping[TaskKind, int]
    accounts: list[AccountSigns]
    deliveries_unapplied: int
    sightings_without_rma: int
    relay_age_s: float | None
    unsealed_s: float


def read(session: Session, settings: Settings) -> Signals:
    """Look at everything once."""
    now = db.now(session)
    orders: dict[tuple[OrderStatus, OrderKind], int] = {}
    parked: dict[int | None, int] = {}
    oldest: datetime | None = None
    pending = select(Outbox.kind, func.count(), func.min(Outbox.next_at)).where(Outbox.status == OrderStatus.PENDING)
    for kind, count, due in session.execute(pending.group_by(Outbox.kind)):
        orders[OrderStatus.PENDING, kind] = count
        oldest = due if oldest is None else min(oldest, due)
    stuck = select(Outbox.status, Outbox.kind, Outbox.account_id, func.count()).where(STUCK)
    for status, kind, account_id, count in session.execute(
        stuck.group_by(Outbox.status, Outbox.kind, Outbox.account_id)
    ):
        orders[status, kind] = orders.get((status, kind), 0) + count
        if status is OrderStatus.PARKED:
            parked[account_id] = parked.get(account_id, 0) + count
    stolen = select(
        func.coalesce(func.sum(Outbox.steals), 0), func.count().filter(Outbox.first_claimed_at > now - LATELY)
    )
    steals, stolen_lately = session.execute(stolen.where(STOLEN)).one()
    claims = select(Rma.state, func.count()).where(Rma.is_open).group_by(Rma.state)
    open_tasks = select(HumanTask.kind, func.count()).where(HumanTask.resolved_at.is_(None)).group_by(HumanTask.kind)
    tasks: dict[TaskKind, int] = dict(session.execute(open_tasks).all())
    unapplied = select(func.count()).select_from(VendorDelivery).where(VendorDelivery.applied_at.is_(None))
    periodic = session.scalar(select(Lease.next_run_at).where(Lease.name == leases.PERIODIC))
    return Signals(
        orders=orders,
        given_up=_given_up(session, now),
        oldest_due_s=_age(oldest, now),
        steals=steals,
        stolen_lately=stolen_lately,
        claims=dict(session.execute(claims).all()),
        tasks=tasks,
        accounts=_accounts(session, parked, now),
        deliveries_unapplied=session.scalar(unapplied) or 0,
        sightings_without_rma=tasks.get(TaskKind.STRAY_CASE, 0),
        relay_age_s=None if periodic is None else _age(periodic, now) + leases.periodic_s(settings),
        unsealed_s=_age(_first_unsealed(session), now),
    )


def _given_up(session: Session, now: datetime) -> int:
    is_open = exists().where(HumanTask.fault_id == Outbox.fault_id, HumanTask.resolved_at.is_(None))
    dead = select(func.count()).where(STUCK, Outbox.status == OrderStatus.DEAD)
    return session.scalar(dead.where(or_(Outbox.next_at > now - RECENT, is_open))) or 0


def _age(at: datetime | None, now: datetime) -> float:
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _accounts(session: Session, parked: Mapping[int | None, int], now: datetime) -> list[AccountSigns]:
    found = session.execute(
        select(
            VendorAccount.id,
            VendorAccount.public_id,
            VendorAccount.name,
            VendorAccount.vendor,
            VendorAccount.client_id,
            VendorAccount.switched_off_at,
            VendorAccount.closed_until,
            VendorAccount.opens_held_since,
            VendorAccount.failures,
            VendorAccount.pushes_refused,
        ).order_by(VendorAccount.id)
    )
    return [
        AccountSigns(
            id=str(row.public_id),
            name=row.name if row.client_id is None else "",
            vendor=row.vendor,
            is_switched_off=row.switched_off_at is not None,
            is_breaker_open=row.closed_until is not None and row.closed_until > now,
            is_held=row.opens_held_since is not None,
            failures=row.failures,
            pushes_refused=row.pushes_refused,
            parked=parked.get(row.id, 0),
        )
        for row in found
    ]


def _first_unsealed(session: Session) -> datetime | None:
    """When the first row after the sealed ones was written; what was overtaken before that is sealed with the next."""
    reached = select(func.coalesce(func.max(Seal.row_id), 0)).scalar_subquery()
    return session.scalar(select(AuditRow.at).where(AuditRow.id > reached).order_by(AuditRow.id).limit(1))
