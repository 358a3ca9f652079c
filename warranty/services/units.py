"""What a unit's page reads beside its contracts: its line of replacements, its history, its files, what lies in stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import aliased

from warranty.domain.lifecycles import StockState
from warranty.models import Asset, AuditRow, File, StockLocation, StockUnit, User
from warranty.services import files, queries

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.services.queries import Event

MOST_OF_A_LINE = 20
MOST_EVENTS = 50
MOST_FILES = 50


def line(session: Session, asset: Asset) -> list[Asset]:
    """The unit with those before and after it, in the order in which they took each other's place; one statement."""
    found = {one.id: one for one in session.scalars(select(Asset).where(Asset.id.in_(_kin(asset))))}
    first = asset
    before = {one.replaced_by_id: one for one in found.values() if one.replaced_by_id is not None}
    for _ in range(MOST_OF_A_LINE):
        first = before.get(first.id, first)
    ordered = [first]
    while (after := found.get(ordered[-1].replaced_by_id or 0)) is not None and after not in ordered:
        ordered.append(after)
    return ordered


def _kin(asset: Asset) -> Any:
    """The keys of the units before and after, of both at most so many: a line that bites its tail ends too."""

    def way(*, is_back: bool) -> Any:
        here = select(Asset.id, Asset.replaced_by_id, literal(0).label("place")).where(Asset.id == asset.id)
        steps = here.cte("before" if is_back else "after", recursive=True)
        other = aliased(Asset)
        on = other.replaced_by_id == steps.c.id if is_back else other.id == steps.c.replaced_by_id
        step = select(other.id, other.replaced_by_id, steps.c.place + 1).join(steps, on)
        return select(steps.union_all(step.where(steps.c.place < MOST_OF_A_LINE)).c.id)

    return union_all(way(is_back=True), way(is_back=False))


def history(session: Session, asset: Asset) -> list[Event]:
    """What the register says of the unit itself, the newest first; one statement."""
    query = (
        select(AuditRow, User)
        .outerjoin(User, queries.is_actor(User, AuditRow.actor))
        .where(AuditRow.record == Asset.__tablename__, AuditRow.record_id == asset.id)
        .order_by(AuditRow.id.desc())
        .limit(MOST_EVENTS)
    )
    return [queries.Event(row, user) for row, user in session.execute(query)]


def papers(
    session: Session, principal: Principal, asset: Asset, *, limit: int = MOST_FILES
) -> list[tuple[File, User | None]]:
    """The newest files of the unit that somebody may see, and who brought each."""
    query = (
        select(File, User)
        .outerjoin(User, queries.is_actor(User, File.uploaded_by))
        .where(files.of_record(asset), files.shown_to(principal))
    )
    return [(file, user) for file, user in session.execute(query.order_by(File.id.desc()).limit(limit))]


@dataclass(frozen=True, slots=True)
class Free:
    """How many units of a product lie free in a store."""

    store: str
    count: int


def stock(session: Session, asset: Asset) -> list[Free]:
    """Where units of the same product lie free, and how many; one statement."""
    if asset.product_id is None:
        return []
    query = (
        select(StockLocation.name, func.count())
        .join(StockUnit, StockUnit.location_id == StockLocation.id)
        .where(StockUnit.product_id == asset.product_id, StockUnit.state == StockState.IN_STOCK)
        .group_by(StockLocation.name)
        .order_by(StockLocation.name)
    )
    return [Free(name, count) for name, count in session.execute(query)]
