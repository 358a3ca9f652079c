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
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from warranty.domain.lifecycles import FaultState, JobState
    from warranty.domain.terms import Route

_PLACE = {state: place for place, state in enumerate(ShipmentState)}


@dataclass(frozen=True, slots=True)
class _Goods:
    swaps: dict[tuple[str, int], SwapState]
    parcels: dict[int, list[Shipment]]


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
        row.id: _of_row(
            row,
            goods,
            route=routes.get(row.id),
            rma=rmas.get(row.id),
            job=jobs.get(row.id),
            told=row.id in told,
            now=now,
        )
        for row in cases
    }


def of_case(
    *,
    fault: FaultState,
    time_zone: str | None,
    route: Route | None,
    rma: RmaState | None,
    job: JobState | None,
    swap: SwapState | None,
    to_us: Shipment | None,
    to_vendor: Shipment | None,
    told: bool,
    now: datetime,
) -> Standing:
    """The standing of one case whose records are at hand; "today" is that of the unit's site, if it has one."""
    records = Records(
        fault=fault,
        route=route,
        rma=rma,
        job=job,
        swap=swap,
        to_us=to_us.state if to_us else None,
        to_vendor=to_vendor.state if to_vendor else None,
        return_due_on=to_vendor.due_on if to_vendor else None,
        denied_told=told,
    )
    return standing(records, today=now.astimezone(ZoneInfo(time_zone or HOME_ZONE)).date())


def furthest_behind(parcels: Iterable[Shipment], direction: ShipmentDirection) -> Shipment | None:
    """Of the parcels that go one way, the one that speaks for all."""
    return min((one for one in parcels if one.direction is direction), key=lambda one: _PLACE[one.state], default=None)


def is_told(task: HumanTask, grace_hours: int, now: datetime) -> bool:
    """Whether the client knows of a denial: a person confirmed it, or the time to think it over has passed."""
    return task.resolved_at is not None or task.created_at + timedelta(hours=grace_hours) <= now


def _of_row(case: Any, goods: _Goods, *, route: Any, rma: Any, job: Any, told: bool, now: datetime) -> Standing:
    rma_key = rma.id if rma else 0
    return of_case(
        fault=case.state,
        time_zone=case.time_zone,
        route=route,
        rma=rma.state if rma else None,
        job=job.state if job else None,
        swap=goods.swaps.get(("rma", rma_key)) or (goods.swaps.get(("job", job.id)) if job else None),
        to_us=furthest_behind(goods.parcels.get(rma_key, ()), ShipmentDirection.TO_US),
        to_vendor=furthest_behind(goods.parcels.get(rma_key, ()), ShipmentDirection.TO_VENDOR),
        told=told,
        now=now,
    )


def _newest(session: Session, table: Any, fault_ids: Collection[int], what: Any) -> Sequence[Row[Any]]:
    newest = select(func.max(table.id)).where(table.fault_id.in_(fault_ids)).group_by(table.fault_id)
    return session.execute(select(table.id, table.fault_id, what).where(table.id.in_(newest))).all()


def _goods(session: Session, rma_ids: Collection[int], job_ids: Collection[int]) -> _Goods:
    """The newest Swap of each record, and the parcels of each Rma."""
    swaps: dict[tuple[str, int], SwapState] = {}
    parcels: dict[int, list[Shipment]] = {}
    if rma_ids or job_ids:
        mine = Swap.rma_id.in_(rma_ids) | Swap.job_id.in_(job_ids)
        for row in session.execute(select(Swap.rma_id, Swap.job_id, Swap.state).where(mine).order_by(Swap.id)):
            swaps["job" if row.rma_id is None else "rma", row.rma_id or row.job_id] = row.state
    if rma_ids:
        for parcel in session.scalars(select(Shipment).where(Shipment.rma_id.in_(rma_ids)).order_by(Shipment.id)):
            parcels.setdefault(parcel.rma_id, []).append(parcel)
    return _Goods(swaps, parcels)


def _told(session: Session, grace_hours: dict[int, int], now: datetime) -> set[int]:
    """Whose denial the client has been told."""
    if not grace_hours:
        return set()
    tasks = session.scalars(
        select(HumanTask).where(HumanTask.fault_id.in_(grace_hours), HumanTask.kind == TaskKind.DENIED)
    )
    told = ((task.fault_id, task) for task in tasks)
    return {id_ for id_, task in told if id_ is not None and is_told(task, grace_hours[id_], now)}
