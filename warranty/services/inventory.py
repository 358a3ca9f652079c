"""The list of units: which ones, in what order, page by page, and how each stands covered.

A page is cut by key: by what it is sorted by, then by the unit's public id. The number of statements does not depend on the
number of rows. What a list says of cover today is the decision itself, as on the unit's page; filters and the last day are
conditions of ``services.cover``, which know the days and not what else a decision asks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, not_, or_, select, tuple_

from vendors.contract import Duty
from warranty import db
from warranty.domain.terms import (
    AssetState,
    CoverageSays,
    CoverageState,
    EvidenceSource,
    Ownership,
    ScopeKind,
    UnitSays,
)
from warranty.models import Asset, Client, Coverage, Product, Site
from warranty.services import accounts, board, cover, years
from warranty.services.casefile import UnitFile
from warranty.services.cover import Cover
from warranty.services.estate import manufacturer_key, serial_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

    from warranty.domain.coverage import Verdict

PAGE: Final = 50
BATCH: Final = 1000
COUNTED: Final = 10_000
COUNTED_BY_COVER: Final = 1_000
"""More than so many are not counted out: a list says then that there are more. By cover, each costs more."""


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
    ENDS = "ends"  # the last day of all that covers a unit; without an end later, without cover last


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
    """Where a page ended: the value it is sorted by, as text, and the unit."""

    value: str
    unit: UUID


@dataclass(frozen=True, slots=True)
class Standing:
    """How a unit stands covered: what is decided today, as its own page says it; null where it is out of use.

    ``ends_on`` is the last day of all that covers it, in ``time_zone``, null where there is none or it has no end (``is_endless``).
    ``spans`` are first and last day of each promise that counts, today or not. ``was_asked``: a vendor answered, or a
    person has attested.
    """

    today: Verdict | None
    spans: tuple[tuple[date, date | None], ...]
    ends_on: date | None
    time_zone: str
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
    """How many units fit (``is_more``: more than are counted), what a filter's ids are called, and what waits for a person."""

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


def facts(
    session: Session, wanted: Filter, where: Sequence[ColumnElement[bool]], *, now: datetime, known: int | None = None
) -> Facts:
    """What a list says above its rows; one statement. ``known``: how many fit, where the rows themselves say it."""
    most = counted(wanted)
    some = _joined(select(literal(1)), wanted).where(*where).limit(most + 1)
    count = literal(known) if known is not None else _count(some)
    row = session.execute(
        select(
            count.label("units"),
            select(Client.name).where(Client.public_id == wanted.client).scalar_subquery().label("client"),
            select(Site.name).where(Site.public_id == wanted.site).scalar_subquery().label("site"),
            select(Product.manufacturer + " " + Product.model)
            .where(Product.public_id == wanted.product)
            .scalar_subquery()
            .label("product"),
            board.count_of(now).label("tasks"),
        )
    ).one()
    return Facts(min(row.units, most), row.units > most, row.client, row.site, row.product, row.tasks)


def counted(wanted: Filter) -> int:
    """Up to how many units of a list are counted."""
    return COUNTED if wanted.covered in {None, Covered.UNASKED} else COUNTED_BY_COVER


def _count(some: Any) -> Any:
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def ids(session: Session, wanted: Filter, where: Sequence[ColumnElement[bool]], *, limit: int) -> list[UUID]:
    """The units that fit, by their public ids; not more than ``limit``."""
    query = _joined(select(Asset.public_id), wanted).where(*where)
    return list(session.scalars(query.order_by(Asset.serial_key, Asset.public_id).limit(limit)))


def counts(session: Session, views: Sequence[Filter], *, now: datetime, most: int = COUNTED_BY_COVER) -> list[int]:
    """How many units each filter lets through, counted no further than one more than ``most``; one statement, and the zones."""
    found = [
        _count(_joined(select(literal(1)), one).where(*conditions(session, one, now=now)).limit(most + 1))
        for one in views
    ]
    return list(session.execute(select(*(one.label(f"n{at}") for at, one in enumerate(found)))).one())


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
            # What covers a unit today ends yesterday at the earliest, as days are counted here: few units are looked at.
            first, last = now.date() - timedelta(days=1), now.date() + timedelta(days=wanted.days + 1)
            return and_(
                cover.some_ends(first, last), cover.ends_before(last), cover.stands(session, Cover.ACTIVE, now=now)
            )
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
    """Some units, and where the next page begins; two statements.

    Raises:
        ValueError: ``after`` is no place in this order.
    """
    if wanted.sort is Sort.ENDS:
        units, column = cover.last_ends(session, date.min if wanted.is_down else date.max)
    else:
        units, column = Asset, _COLUMNS[wanted.sort]
    query = (
        select(Asset, Client, Site, Product, accounts.somebody_does(Duty.LOOKUP), column)
        .select_from(units)
        .join(Client, Client.id == Asset.client_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(Product, Product.id == Asset.product_id)
        .where(*where)
    )
    if after is not None:
        value = date.fromisoformat(after.value) if wanted.sort is Sort.ENDS else after.value
        here = tuple_(column, Asset.public_id)
        there = tuple_(literal(value, column.type), literal(after.unit, Asset.public_id.type))
        query = query.where(here < there if wanted.is_down else here > there)
    order = [column, Asset.public_id]
    query = query.order_by(*([one.desc() for one in order] if wanted.is_down else order)).limit(limit + 1)
    found = list(session.execute(query))
    shown = found[:limit]
    units = [UnitFile(asset, client, site, product, None) for asset, client, site, product, _, _ in shown]
    written = _written_for(session, units)
    rows = [
        Row(unit.asset, unit.client, unit.site, unit.product, _standing(unit, written, now, can_ask=row[4]))
        for unit, row in zip(units, shown, strict=True)
    ]
    if len(found) <= limit:
        return rows, None
    return rows, Cursor(str(shown[-1][-1]), rows[-1].asset.public_id)


# --- how each stands covered ---


Written = dict[tuple[Any, ...], list[Coverage]]
"""Coverages by what they are written for."""


def _written_for(session: Session, units: Sequence[UnitFile]) -> Written:
    """The coverages in force of some units; one statement, none for none."""
    written: Written = defaultdict(list)
    if units:
        query = select(Coverage).where(Coverage.state == CoverageState.ACTIVE, _concerns([one.asset for one in units]))
        for row in session.scalars(query):
            key: dict[ScopeKind, tuple[Any, ...]] = {
                ScopeKind.ASSET: (ScopeKind.ASSET, row.asset_id),
                ScopeKind.PRODUCT: (ScopeKind.PRODUCT, row.client_id, row.product_id),
                ScopeKind.SITE: (ScopeKind.SITE, row.client_id, row.site_id),
                ScopeKind.CLIENT: (ScopeKind.CLIENT, row.client_id),
            }
            written[key[row.scope]].append(row)
    return written


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


def _of_unit(written: Written, asset: Asset) -> list[Coverage]:
    keys: tuple[tuple[Any, ...], ...] = (
        (ScopeKind.ASSET, asset.id),
        (ScopeKind.PRODUCT, asset.client_id, asset.product_id),
        (ScopeKind.SITE, asset.client_id, asset.site_id),
        (ScopeKind.CLIENT, asset.client_id),
    )
    return [row for key in keys for row in written.get(key, ())]


def _standing(unit: UnitFile, written: Written, now: datetime, *, can_ask: bool) -> Standing:
    asset, rows = unit.asset, _of_unit(written, unit.asset)
    here = None if unit.site is None else str(unit.site.public_id)
    counted = [row for row in rows if (row.sites is None or here in row.sites) and not _is_strange(row)]
    is_endless = any(row.ends_on is None for row in counted)
    last = max(counted, key=lambda row: row.ends_on or date.max, default=None)
    return Standing(
        today=years.today(unit, rows, now=now, can_ask=can_ask),
        spans=tuple((row.starts_on, row.ends_on) for row in counted),
        ends_on=last.ends_on if last else None,
        time_zone=last.time_zone if last else "",
        is_endless=is_endless,
        was_asked=asset.absence_attested or asset.lookup_says is UnitSays.LISTED,
    )


def _is_strange(row: Coverage) -> bool:
    is_looked_up = row.evidence_source is EvidenceSource.VENDOR_LOOKUP
    return is_looked_up and row.vendor_says in {CoverageSays.UNKNOWN, CoverageSays.NOT_OWNER}


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
