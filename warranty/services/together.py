"""Many units changed together: what becomes of each is worked out first, and which are left as they are, and why.

What is worked out is also what is done, so a preview and a change cannot differ; a digest of it says whether they did.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, union

from warranty.domain.terms import AssetState, Ownership
from warranty.models import AdHocJob, Asset, Client, Fault, Rma, Site
from warranty.services import estate, moves

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

MOST: Final = 500
"""So many units are changed at once: about two seconds."""


class Left(StrEnum):
    """Why a unit is left as it is."""

    SAME = "same"
    OTHER_CLIENT = "other_client"  # the site is another client's
    OPEN_CASE = "open_case"  # which moves the unit
    HAND_OVER = "hand_over"  # it goes into service by its hand-over
    NO_MOVE = "no_move"  # see ``Outcome.allowed``


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be true of all of them; what is null stays as it is. ``leaves_site``: they are to stand at no site."""

    site: Site | None = None
    leaves_site: bool = False
    ownership: Ownership | None = None
    state: AssetState | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether nothing is wished."""
        return self == Wish()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one unit: of each column that changes what it was and what it becomes, or why it is left.

    ``allowed`` are the states that the unit can go to by hand, where it cannot go to the one that is wished.
    """

    asset: Asset
    client: Client
    site: Site | None
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    left: Left | None = None
    allowed: tuple[AssetState, ...] = ()


def outcomes(session: Session, ids: Collection[UUID], wish: Wish, *, lock: bool = False) -> list[Outcome]:
    """What would become of each unit, in the order of their serial numbers; two statements. Unknown ids are left out."""
    query = (
        select(Asset, Client, Site)
        .join(Client, Client.id == Asset.client_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .where(Asset.public_id.in_(ids))
        .order_by(Asset.id)  # in one order, so that two callers do not wait for each other
    )
    if lock:
        query = query.with_for_update(of=Asset).execution_options(populate_existing=True)
    rows = [(asset, client, site) for asset, client, site in session.execute(query)]
    held = _held(session, [asset.id for asset, _, _ in rows]) if wish.state is not None else set()
    found = [_outcome(asset, client, site, wish, has_case=asset.id in held) for asset, client, site in rows]
    return sorted(found, key=lambda one: (one.asset.serial_key, str(one.asset.public_id)))


def _held(session: Session, asset_ids: Sequence[int]) -> set[int]:
    """Which units an open case holds."""
    open_ = (
        select(table.asset_id).where(table.case_closed_at.is_(None), table.asset_id.in_(asset_ids))
        for table in (Fault, Rma, AdHocJob)
    )
    return {key for key in session.scalars(union(*open_)) if key is not None}


def _outcome(asset: Asset, client: Client, site: Site | None, wish: Wish, *, has_case: bool) -> Outcome:
    changes: dict[str, tuple[Any, Any]] = {}
    if wish.site is not None and wish.site.client_id != asset.client_id:
        return Outcome(asset, client, site, left=Left.OTHER_CLIENT)
    if (wish.site is not None and wish.site.id != asset.site_id) or (wish.leaves_site and site is not None):
        changes["site"] = (site, wish.site)
    if wish.ownership is not None and wish.ownership is not asset.ownership:
        changes["ownership"] = (asset.ownership, wish.ownership)
    if wish.state is not None and wish.state is not asset.state:
        allowed = estate.moves_by_hand(asset.state)
        if wish.state not in allowed:
            is_gate = wish.state is AssetState.IN_SERVICE and asset.state in estate.AT_THE_GATE
            return Outcome(asset, client, site, left=Left.HAND_OVER if is_gate else Left.NO_MOVE, allowed=allowed)
        if has_case and wish.state not in estate.DESPITE_A_CASE:
            return Outcome(asset, client, site, left=Left.OPEN_CASE)
        changes["state"] = (asset.state, wish.state)
    return Outcome(asset, client, site, changes, None if changes else Left.SAME)


def version(found: Sequence[Outcome]) -> str:
    """A digest of what a person saw: what becomes of each, and what it would become of."""
    said = (
        f"{one.asset.public_id} {one.left} "
        + " ".join(f"{name}:{_said(was)}:{_said(becomes)}" for name, (was, becomes) in one.changes.items())
        for one in found
    )
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]


def _said(value: Any) -> str:
    return str(value.public_id) if isinstance(value, Site) else str(value)


def change(session: Session, found: Sequence[Outcome], *, because: Because) -> int:
    """Do what was worked out with the rows locked; how many units changed, each with rows of its own in the register.

    A unit that its hand-over keeps from going into service stays as it is.
    """
    changed = 0
    for one in found:
        if one.left is None:
            facts = {name: becomes for name, (_, becomes) in one.changes.items()}
            with suppress(moves.IllegalMove), moves.attempt(session):
                estate.correct_asset(session, one.asset, because=because, **facts)
                changed += 1
    return changed
