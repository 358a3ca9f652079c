"""The list of units: which ones, in what order, page by page, and how each stands covered.

A page is cut by key: by what it is sorted by, then by the unit's public id. The number of statements does not depend on the
number of rows. What a list says of cover is a short form of the decision, for the eye; the unit's page asks the decision.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, literal, not_, or_, select, tuple_

from warranty import db
from warranty.domain.terms import (
    AssetState,
    CoverageSays,
    CoverageState,
    EvidenceSource,
    Ownership,
    ScopeKind,
    Share,
    UnitSays,
)
from warranty.models import Asset, Client, Coverage, HumanTask, Product, Site
from warranty.services import cover
from warranty.services.cover import Cover
from warranty.services.estate import manufacturer_key, serial_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

PAGE: Final = 50
BATCH: Final = 1000
COUNTED: Final = 10_000
"""More than so many are not counted out: a list says then that there are more."""


class Covered(StrEnum):
    """Which units a list shows, by how they stand covered."""

    COVERED = "covered"
    ENDS = "ends"  # covered, but not for longer than so many days
    GAP = "gap"  # not covered today; something is bought that begins later
    ENDED = "ended"
    NONE = "none"  # nothing is known that would cover it, now or ever
    UNASKED = "unasked"  # no vendor was ever asked


class Sort(StrEnum):
    """What a list is sorted by."""

    SERIAL = "serial"
    NAME = "name"
    TAG = "tag"


_COLUMNS: Final[dict[Sort, Any]] = {Sort.SERIAL: Asset.serial_key, Sort.NAME: Asset.name, Sort.TAG: Asset.asset_tag}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which units, in what order. What is null or empty narrows nothing; ``maker`` is matched as manufacturers are."""

    client: UUID | None = None
    site: UUID | None = None
    product: UUID | None = None
    maker: str = ""
    states: tuple[AssetState, ...] = ()
    ownership: Ownership | None = None
    covered: Covered | None = None
    days: int = 90
    text: str = ""
    sort: Sort = Sort.SERIAL
    is_down: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the value it is sorted by, and the unit."""

    value: str
    unit: UUID


@dataclass(frozen=True, slots=True)
class Standing:
    """How a unit stands covered today: of each share whether somebody pays it, null where that is not known.

    ``ends_on`` is the last day of all that covers it, null where there is none or it has no end (``is_endless``).
    ``since`` is the first day of what is drawn. ``was_asked``: a vendor answered, or a person has attested.
    """

    parts: bool | None
    labour: bool | None
    since: date | None
    ends_on: date | None
    is_endless: bool
    was_asked: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One unit of a list."""

    asset: Asset
    client: Client
    site: Site | None
    product: Product | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Facts:
    """How many units fit (``is_more``: more than are counted), what a filter's ids are called, and how many tasks are open."""

    count: int
    is_more: bool
    client: str | None
    site: str | None
    product: str | None
    tasks: int


def every(database: db.Database, scope: db.Scope, wanted: Filter, *, now: datetime) -> Iterator[Row]:
    """All units that fit, batch by batch, each in a transaction of its own: nobody waits for a slow reader."""
    after: Cursor | None = None
    while True:
        with database.read(scope) as session:
            where = conditions(session, wanted, now=now)
            rows, after = page(session, wanted, where, now=now, after=after, limit=BATCH)
        yield from rows
        if after is None:
            return


def facts(session: Session, wanted: Filter, where: Sequence[ColumnElement[bool]]) -> Facts:
    """What a list says above its rows; one statement."""
    some = _joined(select(literal(1)), wanted).where(*where).limit(COUNTED + 1)
    tasks = select(func.count()).select_from(HumanTask).where(HumanTask.resolved_at.is_(None))
    row = session.execute(
        select(
            select(func.count()).select_from(some.subquery()).scalar_subquery().label("units"),
            select(Client.name).where(Client.public_id == wanted.client).scalar_subquery().label("client"),
            select(Site.name).where(Site.public_id == wanted.site).scalar_subquery().label("site"),
            select(Product.manufacturer + " " + Product.model)
            .where(Product.public_id == wanted.product)
            .scalar_subquery()
            .label("product"),
            tasks.scalar_subquery().label("tasks"),
        )
    ).one()
    return Facts(min(row.units, COUNTED), row.units > COUNTED, row.client, row.site, row.product, row.tasks)


def _joined(query: Any, wanted: Filter) -> Any:
    query = query.select_from(Asset)
    if wanted.client is not None:
        query = query.join(Client, Client.id == Asset.client_id)
    if wanted.site is not None:
        query = query.join(Site, Site.id == Asset.site_id)
    if wanted.product is not None or wanted.maker:
        query = query.join(Product, Product.id == Asset.product_id)
    return query


def conditions(session: Session, wanted: Filter, *, now: datetime) -> list[ColumnElement[bool]]:
    """What units have to satisfy; no statement, or one where they are chosen by their cover."""
    where: list[ColumnElement[bool]] = []
    for column, value in (
        (Client.public_id, wanted.client),
        (Site.public_id, wanted.site),
        (Product.public_id, wanted.product),
        (Asset.ownership, wanted.ownership),
    ):
        if value is not None:
            where.append(column == value)
    if wanted.maker:
        where.append(Product.manufacturer_key == manufacturer_key(wanted.maker))
    if wanted.states:
        where.append(Asset.state.in_(wanted.states))
    if wanted.covered is not None:
        where.append(_stands(session, wanted, now))
    if wanted.text.strip():
        where.append(_begins(session, wanted.text.strip()))
    return where


def _begins(session: Session, text: str) -> ColumnElement[bool]:
    """Whether serial, tag or name begin so; each has an index for it."""
    return or_(
        db.begins(session, Asset.serial_key, serial_key(text)),
        db.begins(session, func.lower(Asset.asset_tag), text.lower()),
        db.begins(session, func.lower(Asset.name), text.lower()),
    )


def _stands(session: Session, wanted: Filter, now: datetime) -> ColumnElement[bool]:
    match wanted.covered:
        case Covered.ENDS:
            last = now.date() + timedelta(days=wanted.days + 1)
            return and_(cover.stands(session, Cover.ACTIVE, now=now), cover.ends_before(last))
        case Covered.UNASKED:
            return and_(Asset.lookup_at.is_(None), not_(Asset.absence_attested))
        case Covered.NONE:
            return cover.stands_with_nothing()
        case Covered.GAP:
            return cover.stands(session, Cover.FUTURE, now=now)
        case Covered.ENDED:
            return cover.stands(session, Cover.EXPIRED, now=now)
        case _:
            return cover.stands(session, Cover.ACTIVE, now=now)


def page(
    session: Session,
    wanted: Filter,
    where: Sequence[ColumnElement[bool]],
    *,
    now: datetime,
    after: Cursor | None = None,
    limit: int = PAGE,
) -> tuple[list[Row], Cursor | None]:
    """Some units, and where the next page begins; two statements."""
    column = _COLUMNS[wanted.sort]
    query = (
        select(Asset, Client, Site, Product)
        .join(Client, Client.id == Asset.client_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(Product, Product.id == Asset.product_id)
        .where(*where)
    )
    if after is not None:
        here = tuple_(column, Asset.public_id)
        there = tuple_(literal(after.value), literal(after.unit, Asset.public_id.type))
        query = query.where(here < there if wanted.is_down else here > there)
    order = [column, Asset.public_id]
    query = query.order_by(*([one.desc() for one in order] if wanted.is_down else order)).limit(limit + 1)
    found = [(asset, client, site, product) for asset, client, site, product in session.execute(query)]
    shown = found[:limit]
    stand = standings(session, [(asset, site) for asset, _, site, _ in shown], now=now)
    rows = [Row(asset, client, site, product, stand[asset.id]) for asset, client, site, product in shown]
    if len(found) <= limit:
        return rows, None
    last = rows[-1].asset
    values = {Sort.SERIAL: last.serial_key, Sort.NAME: last.name, Sort.TAG: last.asset_tag}
    return rows, Cursor(values[wanted.sort], last.public_id)


# --- how each stands covered ---


def standings(session: Session, units: Sequence[tuple[Asset, Site | None]], *, now: datetime) -> dict[int, Standing]:
    """How units stand covered today, by their keys; one statement, none for none."""
    if not units:
        return {}
    written: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in session.execute(_COVERAGES.where(_concerns([asset for asset, _ in units]))):
        key = {
            ScopeKind.ASSET: (ScopeKind.ASSET, row.asset_id),
            ScopeKind.PRODUCT: (ScopeKind.PRODUCT, row.client_id, row.product_id),
            ScopeKind.SITE: (ScopeKind.SITE, row.client_id, row.site_id),
            ScopeKind.CLIENT: (ScopeKind.CLIENT, row.client_id),
        }[row.scope]
        written[key].append(row)
    return {asset.id: _standing(asset, _of_unit(written, asset, site), now) for asset, site in units}


_COVERAGES: Final = select(
    Coverage.scope,
    Coverage.client_id,
    Coverage.asset_id,
    Coverage.product_id,
    Coverage.site_id,
    Coverage.sites,
    Coverage.starts_on,
    Coverage.ends_on,
    Coverage.time_zone,
    Coverage.covers,
    Coverage.evidence_source,
    Coverage.vendor_says,
    Coverage.lookup_error,
).where(Coverage.state == CoverageState.ACTIVE)


def _concerns(assets: Sequence[Asset]) -> ColumnElement[bool]:
    """Which coverages are written for any of the units, and perhaps some more; the caller looks twice."""
    is_theirs = Coverage.client_id.in_({asset.client_id for asset in assets})
    products = {asset.product_id for asset in assets if asset.product_id is not None}
    sites = {asset.site_id for asset in assets if asset.site_id is not None}
    return or_(
        Coverage.asset_id.in_([asset.id for asset in assets]),
        and_(is_theirs, Coverage.scope == ScopeKind.CLIENT),
        and_(is_theirs, Coverage.product_id.in_(products)),
        and_(is_theirs, Coverage.site_id.in_(sites)),
    )


def _of_unit(written: dict[tuple[Any, ...], list[Any]], asset: Asset, site: Site | None) -> list[Any]:
    keys: tuple[tuple[Any, ...], ...] = (
        (ScopeKind.ASSET, asset.id),
        (ScopeKind.PRODUCT, asset.client_id, asset.product_id),
        (ScopeKind.SITE, asset.client_id, asset.site_id),
        (ScopeKind.CLIENT, asset.client_id),
    )
    here = None if site is None else str(site.public_id)
    return [row for key in keys for row in written.get(key, ()) if row.sites is None or here in row.sites]


def _standing(asset: Asset, rows: Sequence[Any], now: datetime) -> Standing:
    shares: dict[Share, bool | None] = dict.fromkeys(Share, False)
    counted = [row for row in rows if not (_was_looked_up(row) and row.vendor_says in _STRANGE)]
    for row in counted:
        today = now.astimezone(ZoneInfo(row.time_zone)).date()
        if not row.starts_on <= today <= (row.ends_on or date.max):
            continue
        is_sure = not _was_looked_up(row) or (row.vendor_says is CoverageSays.COVERED and row.lookup_error is None)
        for share in map(Share, row.covers):
            if shares[share] is not True:
                shares[share] = True if is_sure else None
    was_asked = asset.absence_attested or asset.lookup_says is UnitSays.LISTED
    is_endless = any(row.ends_on is None for row in counted)
    return Standing(
        parts=shares[Share.PARTS],
        labour=shares[Share.LABOUR],
        since=min((row.starts_on for row in counted), default=None),
        ends_on=None if is_endless else max((row.ends_on for row in counted), default=None),
        is_endless=is_endless,
        was_asked=was_asked,
    )


def _was_looked_up(row: Any) -> bool:
    return bool(row.evidence_source is EvidenceSource.VENDOR_LOOKUP)


_STRANGE: Final = frozenset({CoverageSays.UNKNOWN, CoverageSays.NOT_OWNER})


# --- what a filter offers ---


def sites(session: Session, client: UUID | None, *, limit: int) -> list[tuple[UUID, str, str]]:
    """The sites of one client or of all, with the client's name; not more than ``limit``."""
    query = select(Site.public_id, Site.name, Client.name).join(Client, Client.id == Site.client_id)
    if client is not None:
        query = query.where(Client.public_id == client)
    found = session.execute(query.order_by(func.lower(Client.name), func.lower(Site.name), Site.id).limit(limit))
    return [(row[0], row[1], row[2]) for row in found]


def products(session: Session, *, limit: int) -> list[tuple[UUID, str, str]]:
    """The products by their names; not more than ``limit``."""
    query = select(Product.public_id, Product.manufacturer, Product.model)
    found = session.execute(query.order_by(Product.manufacturer_key, Product.model).limit(limit))
    return [(row[0], row[1], row[2]) for row in found]
