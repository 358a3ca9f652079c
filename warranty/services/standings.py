"""Where cases stand: the only place that collects their records for ``headline.standing``.

At most two statements, however many cases.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from warranty.domain.goods import Line, is_given_up
from warranty.domain.headline import Records, Side, Standing, standing
from warranty.domain.lifecycles import RmaState, ShipmentDirection, ShipmentState, SwapState
from warranty.domain.returns import THEIRS
from warranty.models import AdHocJob, Asset, Client, Fault, HumanTask, Rma, Shipment, Site, StoredVerdict, Swap
from warranty.models.work import TaskKind
from warranty.services.casefile import HOME_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy.orm import Session

    from warranty.domain.lifecycles import FaultState, JobState
    from warranty.domain.terms import Route

_PLACE = {state: place for place, state in enumerate(ShipmentState)}


def of_faults(session: Session, fault_ids: Collection[int], *, now: datetime) -> dict[int, Standing]:
    """The standing of each fault, by its key; "today" is that of the unit's site."""
    if not fault_ids:
        return {}
    cases = session.execute(_CASES.where(Fault.id.in_(fault_ids))).all()
    parcels = _parcels(session, [row.rma_id for row in cases if row.rma_id])
    return {row.id: _of_row(row, parcels.get(row.rma_id, ()), now) for row in cases}


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
        holder=Side.CLIENT if to_vendor is not None and to_vendor.holder in THEIRS else Side.MSP,
    )
    return standing(records, today=now.astimezone(ZoneInfo(time_zone or HOME_ZONE)).date())


def furthest_behind(parcels: Iterable[Shipment], direction: ShipmentDirection) -> Shipment | None:
    """Of the parcels that go one way, the one that speaks for all."""
    waits = (
        one for one in parcels if one.direction is direction and not is_given_up([Line(**line) for line in one.parts])
    )
    return min(waits, key=lambda one: _PLACE[one.state], default=None)


def is_told(task: HumanTask, grace_hours: int, now: datetime) -> bool:
    """Whether the client knows of a denial: a person confirmed it, or the time to think it over has passed."""
    return task.resolved_at is not None or _is_thought_over(task.created_at, grace_hours, now)


def _is_thought_over(denied_at: datetime, grace_hours: int, now: datetime) -> bool:
    return denied_at + timedelta(hours=grace_hours) <= now


def _newest(table: Any) -> Any:
    other = aliased(table)
    return select(func.max(other.id)).where(other.fault_id == Fault.id).correlate(Fault).scalar_subquery()


def _swap_of(record: Any, key: Any) -> Any:
    newest = select(Swap.state).where(key == record.id).order_by(Swap.id.desc()).limit(1)
    return newest.correlate(record).scalar_subquery()


_DENIED = select(func.min(HumanTask.created_at)).where(
    HumanTask.fault_id == Fault.id, HumanTask.kind == TaskKind.DENIED
)

_CASES = (
    select(
        Fault.id,
        Fault.state,
        Site.time_zone,
        Client.denial_grace_hours,
        StoredVerdict.route,
        Rma.id.label("rma_id"),
        Rma.state.label("rma"),
        AdHocJob.state.label("job"),
        func.coalesce(_swap_of(Rma, Swap.rma_id), _swap_of(AdHocJob, Swap.job_id)).label("swap"),
        _DENIED.correlate(Fault).scalar_subquery().label("denied_at"),
        _DENIED.where(HumanTask.resolved_at.is_not(None)).correlate(Fault).scalar_subquery().label("confirmed"),
    )
    .join(Client, Client.id == Fault.client_id)
    .outerjoin(Asset, Asset.id == Fault.asset_id)
    .outerjoin(Site, Site.id == Asset.site_id)
    .outerjoin(StoredVerdict, StoredVerdict.id == _newest(StoredVerdict))
    .outerjoin(Rma, Rma.id == _newest(Rma))
    .outerjoin(AdHocJob, AdHocJob.id == _newest(AdHocJob))
)


def _of_row(case: Any, parcels: Sequence[Shipment], now: datetime) -> Standing:
    is_told = case.confirmed is not None or (
        case.denied_at is not None and _is_thought_over(case.denied_at, case.denial_grace_hours, now)
    )
    return of_case(
        fault=case.state,
        time_zone=case.time_zone,
        route=case.route,
        rma=case.rma,
        job=case.job,
        swap=case.swap,
        to_us=furthest_behind(parcels, ShipmentDirection.TO_US),
        to_vendor=furthest_behind(parcels, ShipmentDirection.TO_VENDOR),
        told=case.rma is RmaState.DENIED and is_told,
        now=now,
    )


def _parcels(session: Session, rma_ids: Collection[int]) -> dict[int, list[Shipment]]:
    found: dict[int, list[Shipment]] = {}
    if rma_ids:
        for parcel in session.scalars(select(Shipment).where(Shipment.rma_id.in_(rma_ids)).order_by(Shipment.id)):
            found.setdefault(parcel.rma_id, []).append(parcel)
    return found
