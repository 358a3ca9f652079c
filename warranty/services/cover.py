"""How a unit stands covered today, for lists: conditions on ``Asset``. Never read by a decision, which asks each promise.

Days are those of each coverage's own zone. A promise counts while its state is ``active``, unless a vendor that was asked
does not know the unit, or takes it for somebody else's.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    outerjoin,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from warranty import db
from warranty.domain.terms import CoverageSays, CoverageState, EvidenceSource, ScopeKind, UnitSays
from warranty.models import Asset, Coverage, Site

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.models import Contract


class Cover(StrEnum):
    """Exactly one of these is true of a unit; the first that fits, in this order."""

    ACTIVE = "active"
    FUTURE = "future"
    EXPIRED = "expired"
    NONE = "none"  # the vendor lists the unit, or a person has attested that nothing covers it
    UNKNOWN = "unknown"  # the vendor does not know the unit, or nobody has asked


def stands(session: Session, cover: Cover, *, now: datetime) -> ColumnElement[bool]:
    """Whether a unit stands covered so; one statement, for the zones that there are."""
    today = _today(session, now)
    is_denied = and_(_is_looked_up, Coverage.vendor_says == CoverageSays.NOT_COVERED)
    is_inside = and_(Coverage.starts_on <= today, or_(Coverage.ends_on.is_(None), Coverage.ends_on >= today))
    active = _has(is_inside, not_(func.coalesce(is_denied, False)))
    future = _has(Coverage.starts_on > today)
    expired = _has(Coverage.ends_on < today)
    is_known = or_(Asset.absence_attested, func.coalesce(Asset.lookup_says == UnitSays.LISTED, False))
    nothing = not_(or_(active, future, expired))
    return {
        Cover.ACTIVE: active,
        Cover.FUTURE: and_(not_(active), future),
        Cover.EXPIRED: and_(not_(or_(active, future)), expired),
        Cover.NONE: and_(nothing, is_known),
        Cover.UNKNOWN: and_(nothing, not_(is_known)),
    }[cover]


def stands_with_nothing() -> ColumnElement[bool]:
    """Whether nothing is written for a unit that would count, today or ever."""
    return not_(_has())


def ends_before(day: date) -> ColumnElement[bool]:
    """Whether the last of a unit's coverages ends before this day; one without an end never does."""
    return and_(_has(Coverage.ends_on < day), not_(_has(or_(Coverage.ends_on.is_(None), Coverage.ends_on >= day))))


def some_ends(first: date, last: date) -> ColumnElement[bool]:
    """Whether one of a unit's coverages ends from this day to that: found from the coverages' side, where few do."""
    its = (Coverage.ends_on.between(first, last), _counts, Coverage.client_id == Asset.client_id)
    ways = (
        and_(Coverage.scope == ScopeKind.ASSET, Coverage.asset_id == Asset.id),
        and_(Coverage.scope == ScopeKind.PRODUCT, Coverage.product_id == Asset.product_id),
        and_(Coverage.scope == ScopeKind.SITE, Coverage.site_id == Asset.site_id),
        Coverage.scope == ScopeKind.CLIENT,
    )
    found = (select(Asset.id).join(Coverage, way).where(*its).correlate(None) for way in ways)
    return Asset.id.in_(union_all(*found))


ENDLESS: Final = date.max - timedelta(days=1)
"""Stands for no end where ends are put in order; before what has no cover at all."""


def last_ends(session: Session, nothing: date) -> tuple[Any, ColumnElement[date]]:
    """Units joined with the last day of all that covers each, and that day: ``ENDLESS`` for no end, else ``nothing``.

    Every list of coverages is read once, whatever the number of units.
    """
    last = func.max(func.coalesce(Coverage.ends_on, ENDLESS)).label("ends_on")
    units: Any = Asset
    found: list[ColumnElement[date]] = []
    for scope, column, of_unit in (
        (ScopeKind.ASSET, Coverage.asset_id, Asset.id),
        (ScopeKind.PRODUCT, Coverage.product_id, Asset.product_id),
        (ScopeKind.SITE, Coverage.site_id, Asset.site_id),
        (ScopeKind.CLIENT, Coverage.client_id, Asset.client_id),
    ):
        client = () if scope is ScopeKind.ASSET else (Coverage.client_id.label("client"),)
        ends: Any = select(column.label("key"), last, *client)
        ends = ends.where(Coverage.scope == scope, Coverage.sites.is_(None), _counts).group_by(column, *client)
        ends = ends.subquery()
        is_its = [ends.c.key == of_unit, *([ends.c.client == Asset.client_id] if client else [])]
        units = outerjoin(units, ends, and_(*is_its))
        found.append(ends.c.ends_on)
    here = aliased(Asset)
    ends = select(here.id.label("key"), last).join(Coverage, _at_site_of(here)).group_by(here.id).subquery()
    units = outerjoin(units, ends, ends.c.key == Asset.id)
    latest = db.latest(session, *(func.coalesce(day, date.min) for day in (*found, ends.c.ends_on)))
    return units, case((latest == date.min, nothing), else_=latest)


def by_contract(session: Session, contract: Contract, *, now: datetime) -> ColumnElement[bool]:
    """Whether a promise of this contract holds for a unit today; one statement, for the zones that it has."""
    is_its = Coverage.contract_id == contract.id
    today = _today(session, now, is_its)
    is_inside = and_(Coverage.starts_on <= today, or_(Coverage.ends_on.is_(None), Coverage.ends_on >= today))
    return and_(Asset.client_id == contract.client_id, _has(is_its, is_inside))


_is_looked_up = Coverage.evidence_source == EvidenceSource.VENDOR_LOOKUP
_is_strange = Coverage.vendor_says.in_([CoverageSays.UNKNOWN, CoverageSays.NOT_OWNER])
_counts = and_(Coverage.state == CoverageState.ACTIVE, not_(func.coalesce(and_(_is_looked_up, _is_strange), False)))


def _today(session: Session, now: datetime, *where: ColumnElement[bool]) -> ColumnElement[date]:
    """The day of ``now`` in the zone of each coverage; there are never more than three days at once."""
    zones: dict[date, list[str]] = defaultdict(list)
    query = select(Coverage.time_zone).where(*where).distinct() if where else _zones()
    for zone in session.scalars(query):
        zones[now.astimezone(ZoneInfo(zone)).date()].append(zone)
    days = {Coverage.time_zone.in_(names): day for day, names in zones.items()}
    return case(*days.items(), else_=now.date()) if days else literal(now.date())


def _zones() -> Select[tuple[str]]:
    """The zones of all coverages, each found behind the one before in the index: reading all rows took 20 ms for 120,000."""
    first = select(func.min(Coverage.time_zone).label("zone")).cte("zones", recursive=True)
    behind = select(func.min(Coverage.time_zone)).where(Coverage.time_zone > first.c.zone).scalar_subquery()
    zones = first.union_all(select(behind).where(first.c.zone.is_not(None)))
    return select(zones.c.zone).where(zones.c.zone.is_not(None))


def _has(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a coverage is written for the unit of which all this is true.

    The questions are not asked unit by unit: each list of keys is read once, whatever the number of units.
    """

    def named(scope: ScopeKind, *pairs: tuple[Any, Any]) -> ColumnElement[bool]:
        of_unit, of_coverage = zip(*pairs, strict=True)
        rows = select(*of_coverage).where(Coverage.scope == scope, Coverage.sites.is_(None), _counts, *where)
        # What is null is in no list, and its opposite would not be either.
        return and_(of_unit[-1].is_not(None), tuple_(*of_unit).in_(rows) if len(pairs) > 1 else of_unit[0].in_(rows))

    of_client = (Asset.client_id, Coverage.client_id)
    return or_(
        named(ScopeKind.ASSET, (Asset.id, Coverage.asset_id)),
        named(ScopeKind.PRODUCT, of_client, (Asset.product_id, Coverage.product_id)),
        named(ScopeKind.SITE, of_client, (Asset.site_id, Coverage.site_id)),
        named(ScopeKind.CLIENT, of_client),
        _has_at_its_site(*where),
    )


def _has_at_its_site(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same of the few coverages that hold at some sites only."""
    return select(Coverage.id).where(_at_site_of(Asset), *where).correlate(Asset).exists()


def _at_site_of(unit: Any) -> ColumnElement[bool]:
    """Whether a coverage that holds at some sites only is written for a unit, and its site is one of them."""
    fits = or_(
        Coverage.scope == ScopeKind.CLIENT,
        Coverage.asset_id == unit.id,
        Coverage.product_id == unit.product_id,
        Coverage.site_id == unit.site_id,
    )
    its_site = func.replace(cast(Site.public_id, String), "-", "")
    is_listed = func.replace(cast(Coverage.sites, String), "-", "").contains(its_site)
    is_at_one = select(Site.id).where(Site.id == unit.site_id, is_listed).exists()
    return and_(Coverage.client_id == unit.client_id, Coverage.sites.is_not(None), fits, _counts, is_at_one)
