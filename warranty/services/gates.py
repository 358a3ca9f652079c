"""What a unit must show before it goes into service, or is disposed of: asked by ``moves``, whoever moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from warranty.domain import handover
from warranty.domain.handover import ACCEPTED, SAID
from warranty.domain.terms import AssetState
from warranty.models import Baseline, Disposal, SanitizedMedium

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.domain.handover import Missing
    from warranty.models import Asset


def refusal(session: Session, asset: Asset, old: AssetState, to: AssetState) -> str:
    """Why a unit may not make a move that its life cycle has; empty where it may."""
    if old is AssetState.ONBOARDING and to is AssetState.IN_SERVICE and not is_accepted(session, asset):
        return "in_service needs a signed hand-over, healthy or healthy_with_exceptions"
    if to is AssetState.DISPOSED and (lacks := missing(session, asset)):
        return f"disposed needs evidence, and lacks: {'; '.join(SAID[one] for one in lacks)}"
    return ""


def is_accepted(session: Session, asset: Asset) -> bool:
    """Whether the newest baseline of a unit accepts it."""
    newest = select(Baseline.result).where(Baseline.asset_id == asset.id).order_by(Baseline.id.desc()).limit(1)
    return session.scalar(newest) in ACCEPTED


def missing(session: Session, asset: Asset) -> tuple[Missing, ...]:
    """What a unit lacks before it may be disposed of."""
    media = session.scalars(select(SanitizedMedium.method).where(SanitizedMedium.asset_id == asset.id))
    disposal = session.scalar(select(Disposal.id).where(Disposal.asset_id == asset.id))
    return handover.missing(media, has_disposal=disposal is not None)
