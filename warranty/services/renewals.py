"""What ends when, and what it is worth: the only place that asks which promises are to be renewed.

A promise is to be renewed while it is ``active``, is not for a unit that is out of use, and nothing of its kind for the
same unit, product, site or client goes on after it. Days are the last ones covered, as the contract writes them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, func, not_, or_, select
from sqlalchemy.orm import aliased

from warranty.domain.terms import AssetState, CoverageState, ScopeKind
from warranty.models import Asset, Client, Contract, Coverage, Product, Site
from warranty.services import keyset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

OUT_OF_USE = (
    AssetState.REJECTED_AT_HANDOVER,
    AssetState.REPLACED,
    AssetState.RETURNED_TO_VENDOR,
    AssetState.RETAINED_MEDIA,
    AssetState.DECOMMISSIONED,
    AssetState.DISPOSED,
    AssetState.LOST,
    AssetState.STOLEN,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Which ends: from one day to another, both inclusive, of all clients or of one; all, or only those to be renewed."""

    first: date
    last: date
    client: UUID | None = None
    is_open_only: bool = True


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise and what it is for; ``is_followed`` where something of its kind goes on after it."""

    coverage: Coverage
    client: Client
    contract: Contract | None
    asset: Asset | None
    product: Product | None
    site: Site | None
    is_followed: bool = False


@dataclass(slots=True)
class Worth:
    """How many promises, what those with a price are worth by currency (minor units), and how many have none."""

    count: int = 0
    sums: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unpriced: int = 0

    def add(self, other: Worth) -> None:
        """Count another one in."""
        self.count += other.count
        self.unpriced += other.unpriced
        for currency, minor in other.sums.items():
            self.sums[currency] += minor


def with_places(*more: Any) -> Select[Any]:
    """Promises with what they are for; a unit's own product too."""
    return (
        select(Coverage, Client, Contract, Asset, Product, Site, *more)
        .join(Client, Client.id == Coverage.client_id)
        .outerjoin(Contract, Contract.id == Coverage.contract_id)
        .outerjoin(Asset, Asset.id == Coverage.asset_id)
        .outerjoin(Product, Product.id == func.coalesce(Coverage.product_id, Asset.product_id))
        .outerjoin(Site, Site.id == Coverage.site_id)
    )


def due(session: Session, span: Span, *, after: UUID | None = None, limit: int) -> tuple[list[Promise], UUID | None]:
    """What ends in a span, the soonest first, and the id after which the next page begins; one statement."""
    query = with_places(_is_followed.label("is_followed")).where(*_inside(span))
    rows, last = keyset.page(session, query, table=Coverage, order=(Coverage.ends_on,), after=after, limit=limit)
    return [Promise(*row) for row in rows], last


def by_client(session: Session, span: Span) -> list[tuple[UUID, str, Worth]]:
    """What ends in a span, client by client, the most first; one statement."""
    keys = (Client.public_id, Client.name)
    rows = session.execute(_sums(*keys).where(*_inside(span)).group_by(*keys, Coverage.currency))
    found: dict[tuple[UUID, str], Worth] = defaultdict(Worth)
    for client, name, *sums in rows:
        found[client, name].add(_worth(*sums))
    ordered = sorted(found.items(), key=lambda one: (-one[1].count, one[0][1]))
    return [(client, name, worth) for (client, name), worth in ordered]


def by_day(session: Session, span: Span) -> dict[date, Worth]:
    """What ends in a span, day by day; one statement."""
    rows = session.execute(_sums(Coverage.ends_on).where(*_inside(span)).group_by(Coverage.ends_on, Coverage.currency))
    found: dict[date, Worth] = defaultdict(Worth)
    for day, *sums in rows:
        found[day].add(_worth(*sums))
    return found


@dataclass(frozen=True, slots=True)
class Event:
    """All that ends of one contract number on one day; ``contract`` null where it is on no paper of ours."""

    day: date
    number: str
    client: str
    client_id: UUID
    contract: UUID | None
    worth: Worth


def events(session: Session, span: Span, *, limit: int) -> list[Event]:
    """What ends in a span, contract by contract, the soonest first; one statement."""
    keys = (Coverage.ends_on, Coverage.contract_number, Client.name, Client.public_id, Contract.public_id)
    query = _sums(*keys).where(*_inside(span)).group_by(*keys, Coverage.currency).order_by(*keys[:3]).limit(limit)
    found: dict[tuple[Any, ...], Worth] = defaultdict(Worth)
    for day, number, client, client_id, contract, *sums in session.execute(query):
        found[day, number, client, client_id, contract].add(_worth(*sums))
    return [
        Event(day, number, client, owner, paper, worth) for (day, number, client, owner, paper), worth in found.items()
    ]


def total(worths: Iterable[Worth]) -> Worth:
    """All of them together."""
    whole = Worth()
    for worth in worths:
        whole.add(worth)
    return whole


def _sums(*keys: Any) -> Select[Any]:
    return (
        select(
            *keys,
            Coverage.currency,
            func.count(),
            func.count(Coverage.price_minor),
            func.coalesce(func.sum(Coverage.price_minor), 0),
        )
        .select_from(Coverage)
        .join(Client, Client.id == Coverage.client_id)
        .outerjoin(Contract, Contract.id == Coverage.contract_id)
        .outerjoin(Asset, Asset.id == Coverage.asset_id)
    )


def _worth(currency: str, count: int, priced: int, minor: int) -> Worth:
    return Worth(count, {currency: int(minor)} if priced else {}, count - priced)


def _inside(span: Span) -> Sequence[ColumnElement[bool]]:
    is_running = Coverage.state == CoverageState.ACTIVE
    where = [is_running, Coverage.ends_on >= span.first, Coverage.ends_on <= span.last]
    if span.client is not None:
        where.append(Coverage.client_id == select(Client.id).where(Client.public_id == span.client).scalar_subquery())
    if span.is_open_only:
        where += [or_(Asset.id.is_(None), Asset.state.not_in(OUT_OF_USE)), not_(_is_followed)]
    return where


def _followed() -> ColumnElement[bool]:
    """Whether a promise of the same kind for the same thing ends later, or never."""
    later = aliased(Coverage)
    goes_on = and_(
        later.client_id == Coverage.client_id,
        later.kind == Coverage.kind,
        later.state == CoverageState.ACTIVE,
        or_(later.ends_on.is_(None), later.ends_on > Coverage.ends_on),
    )
    targets = {
        ScopeKind.ASSET: later.asset_id == Coverage.asset_id,
        ScopeKind.PRODUCT: later.product_id == Coverage.product_id,
        ScopeKind.SITE: later.site_id == Coverage.site_id,
        ScopeKind.CLIENT: later.scope == ScopeKind.CLIENT,
    }
    # One question a scope, so that each can take the index of its own column.
    return or_(
        *(
            and_(Coverage.scope == scope, select(later.id).where(same, goes_on).correlate(Coverage).exists())
            for scope, same in targets.items()
        )
    )


_is_followed = _followed()
