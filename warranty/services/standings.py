"""Where cases stand: the only place that collects their records for ``headline.standing``.

At most seven statements, however many cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from warranty.domain.headline import Records, Standing, standing
from warranty.domain.lifecycles import RmaState, ShipmentDirection, ShipmentState, SwapState
from warranty.models import AdHocJob, Asset, Client, Fault, HumanTask, Rma, Shipment, Site, StoredVerdict, Swap
from warranty.models.work import TaskKind
from warranty.services.casefile import HOME_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

_PLACE = {state: place for place, state in enumerate(ShipmentState)}


@dataclass(frozen=True, slots=True)
class _Goods:
    swaps: dict[tuple[str, int], SwapState]
    parcels: dict[tuple[int, ShipmentDirection], Shipment]


def of_faults(session: Session, fault_ids: Collection[int], *, now: datetime) -> dict[int, Standing]:
    """The standing of each fault, by its key; "today" is that of the unit's site."""
    if not fault_ids:
        return {}
    cases = session.execute(
        select(Fault.id, Fault.state, Site.time_zone, Client.denial_grace_hours)
        .join(Client, Client.id == Fault.client_id)
        .outerjoin(Asset, Asset.id == Fault.asset_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .where(Fault.id.in_(fault_ids))
    ).all()
    routes = {row.fault_id: row.route for row in _newest(session, StoredVerdict, fault_ids, StoredVerdict.route)}
    rmas = {row.fault_id: row for row in _newest(session, Rma, fault_ids, Rma.state)}
    jobs = {row.fault_id: row for row in _newest(session, AdHocJob, fault_ids, AdHocJob.state)}
    goods = _goods(session, [row.id for row in rmas.values()], [row.id for row in jobs.values()])
    denied = {row.fault_id for row in rmas.values() if row.state is RmaState.DENIED}
    told = _told(session, {row.id: row.denial_grace_hours for row in cases if row.id in denied}, now)
    return {
        row.id: standing(
            _records(
                row, goods, route=routes.get(row.id), rma=rmas.get(row.id), job=jobs.get(row.id), told=row.id in told
            ),
            today=now.astimezone(ZoneInfo(row.time_zone or HOME_ZONE)).date(),
        )
        for row in cases
    }


def _records(case: Any, goods: _Goods, *, route: Any, rma: Any, job: Any, told: bool) -> Records:
    rma_key = rma.id if rma else 0
    swap = goods.swaps.get(("rma", rma_key)) or (goods.swaps.get(("job", job.id)) if job else None)
    to_us = goods.parcels.get((rma_key, ShipmentDirection.TO_US))
    to_vendor = goods.parcels.get((rma_key, ShipmentDirection.TO_VENDOR))
    return Records(
        fault=case.state,
        route=route,
        rma=rma.state if rma else None,
        job=job.state if job else None,
        swap=swap,
        to_us=to_us.state if to_us else None,
        to_vendor=to_vendor.state if to_vendor else None,
        return_due_on=to_vendor.due_on if to_vendor else None,
        denied_told=told,
    )


def _newest(session: Session, table: Any, fault_ids: Collection[int], what: Any) -> Sequence[Row[Any]]:
    newest = select(func.max(table.id)).where(table.fault_id.in_(fault_ids)).group_by(table.fault_id)
    return session.execute(select(table.id, table.fault_id, what).where(table.id.in_(newest))).all()


def _goods(session: Session, rma_ids: Collection[int], job_ids: Collection[int]) -> _Goods:
    """The newest Swap of each record, and of each direction the parcel that is furthest behind."""
    swaps: dict[tuple[str, int], SwapState] = {}
    parcels: dict[tuple[int, ShipmentDirection], Shipment] = {}
    if rma_ids or job_ids:
        mine = Swap.rma_id.in_(rma_ids) | Swap.job_id.in_(job_ids)
        for row in session.execute(select(Swap.rma_id, Swap.job_id, Swap.state).where(mine).order_by(Swap.id)):
            swaps["job" if row.rma_id is None else "rma", row.rma_id or row.job_id] = row.state
    if rma_ids:
        for parcel in session.scalars(select(Shipment).where(Shipment.rma_id.in_(rma_ids)).order_by(Shipment.id)):
            key = parcel.rma_id, parcel.direction
            if key not in parcels or _PLACE[parcel.state] < _PLACE[parcels[key].state]:
                parcels[key] = parcel
    return _Goods(swaps, parcels)


def _told(session: Session, grace_hours: dict[int, int], now: datetime) -> set[int]:
    """Whose denial the client has been told: a person confirmed it, or the time to think it over has passed."""
    if not grace_hours:
        return set()
    tasks = session.scalars(
        select(HumanTask).where(HumanTask.fault_id.in_(grace_hours), HumanTask.kind == TaskKind.DENIED)
    )
    return {
        task.fault_id
        for task in tasks
        if task.resolved_at is not None or task.created_at + timedelta(hours=grace_hours[task.fault_id]) <= now
    }
