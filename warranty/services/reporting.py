"""What the report of a fault offers to choose from, and what it says of a unit that no decision needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, union_all

from warranty.domain.lifecycles import SwapState
from warranty.models import AdHocJob, Asset, Client, Product, Rma, Site, Swap

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

MOST_PRODUCTS = 12


def sites(session: Session, client: UUID) -> list[Site]:
    """Every site of a client, by name."""
    query = select(Site).join(Client, Client.id == Site.client_id).where(Client.public_id == client)
    return list(session.scalars(query.order_by(func.lower(Site.name), Site.id)))


def products_named(session: Session, text: str) -> list[Product]:
    """The first products whose maker, model or part number hold these words; all words, in any order."""
    name = func.lower(Product.manufacturer + " " + Product.model + " " + Product.part_number)
    query = select(Product).where(*(name.contains(word, autoescape=True) for word in text.lower().split()))
    return list(session.scalars(query.order_by(func.length(Product.model), name, Product.id).limit(MOST_PRODUCTS)))


def last_swap(session: Session, asset: Asset) -> datetime | None:
    """When a swap on this unit was last verified, or the one that put it in the place of another."""
    units = select(Asset.id).where(or_(Asset.id == asset.id, Asset.replaced_by_id == asset.id))
    in_place = Swap.state.in_((SwapState.VERIFIED, SwapState.DONE))
    claims = select(Rma.case_closed_at.label("at")).join(Swap, Swap.rma_id == Rma.id)
    jobs = select(AdHocJob.case_closed_at).join(Swap, Swap.job_id == AdHocJob.id)
    ends = union_all(
        claims.where(Rma.asset_id.in_(units), in_place), jobs.where(AdHocJob.asset_id.in_(units), in_place)
    ).subquery()
    found: datetime | None = session.scalar(select(func.max(ends.c.at)))
    return found
