"""Clients, their sites and products as people look them up: lists by name, with what belongs to each counted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from warranty.domain.lifecycles import FAULT_OVER
from warranty.models import Asset, Client, Contract, Fault, Person, Product, Site
from warranty.services import keyset
from warranty.services.renewals import OUT_OF_USE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much a client has: sites, units that are in use, contracts, and cases that are open."""

    client: Client
    sites: int
    units: int
    contracts: int
    open_cases: int


def clients(
    session: Session, *, search: str = "", after: UUID | None = None, limit: int
) -> tuple[list[Holdings], UUID | None]:
    """Clients by name, and the id after which the next page begins; one statement."""
    query = select(Client, *_held())
    if search:
        query = query.where(Client.name.icontains(search, autoescape=True))
    rows, last = keyset.page(session, query, table=Client, order=(Client.name,), after=after, limit=limit)
    return [Holdings(*row) for row in rows], last


def holdings(session: Session, client: Client) -> Holdings:
    """How much one client has; one statement."""
    return Holdings(*session.execute(select(Client, *_held()).where(Client.id == client.id)).one())


def _held() -> list[Any]:
    """Counted for the clients of one page only, each by the index that begins with its client."""
    of: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "sites": (Site, ()),
        "units": (Asset, (Asset.state.not_in(OUT_OF_USE),)),
        "contracts": (Contract, ()),
        "open_cases": (Fault, (Fault.state.not_in(FAULT_OVER),)),
    }
    return [
        select(func.count())
        .select_from(table)
        .where(table.client_id == Client.id, *where)
        .correlate(Client)
        .scalar_subquery()
        .label(name)
        for name, (table, where) in of.items()
    ]


@dataclass(frozen=True, slots=True)
class Place:
    """A site, how many units in use stand there, and who is there, the first to be called first."""

    site: Site
    units: int
    people: tuple[Person, ...]


def sites(
    session: Session, client: Client, *, search: str = "", after: UUID | None = None, limit: int
) -> tuple[list[Place], UUID | None]:
    """A client's sites by name, and the id after which the next page begins; two statements."""
    in_use = (
        select(func.count())
        .select_from(Asset)
        .where(Asset.site_id == Site.id, Asset.state.not_in(OUT_OF_USE))
        .correlate(Site)
        .scalar_subquery()
    )
    query = select(Site, in_use).where(Site.client_id == client.id)
    if search:
        query = query.where(Site.name.icontains(search, autoescape=True))
    rows, last = keyset.page(session, query, table=Site, order=(Site.name,), after=after, limit=limit)
    people: dict[int | None, list[Person]] = defaultdict(list)
    there = select(Person).where(Person.site_id.in_([site.id for site, _ in rows])).order_by(Person.id)
    for person in session.scalars(there) if rows else ():
        people[person.site_id].append(person)
    return [Place(site, units, tuple(people[site.id])) for site, units in rows], last


def products(
    session: Session, *, search: str = "", after: UUID | None = None, limit: int
) -> tuple[list[tuple[Product, int]], UUID | None]:
    """Products by maker and model, how many units in use there are of each, and where the next page begins; one statement."""
    in_use = (
        select(func.count())
        .select_from(Asset)
        .where(Asset.product_id == Product.id, Asset.state.not_in(OUT_OF_USE))
        .correlate(Product)
        .scalar_subquery()
    )
    query = select(Product, in_use)
    if search:
        fields = (Product.manufacturer, Product.model, Product.part_number)
        query = query.where(or_(*(column.icontains(search, autoescape=True) for column in fields)))
    order = (Product.manufacturer_key, Product.model)
    rows, last = keyset.page(session, query, table=Product, order=order, after=after, limit=limit)
    return [(product, units) for product, units in rows], last


def owners(session: Session, product: Product, *, limit: int) -> Sequence[tuple[Client, int]]:
    """Who has units in use of a product, who has most first; one statement."""
    count = func.count()
    query = (
        select(Client, count)
        .join(Asset, Asset.client_id == Client.id)
        .where(Asset.product_id == product.id, Asset.state.not_in(OUT_OF_USE))
        .group_by(Client.id)
        .order_by(count.desc(), Client.name)
        .limit(limit)
    )
    return [(client, units) for client, units in session.execute(query)]
