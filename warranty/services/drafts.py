"""Claims that wait for something a person fills in elsewhere: who fills it in has them looked at again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from warranty.domain.lifecycles import RmaState
from warranty.models import Asset, Rma
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import work

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


def look_again(session: Session, *units: ColumnElement[bool], now: datetime) -> None:
    """Have every draft of these units looked at again, in the background."""
    drafts = select(Rma).join(Asset, Asset.id == Rma.asset_id).where(Rma.state == RmaState.DRAFT, *units)
    for rma in session.scalars(drafts.order_by(Rma.id)).all():
        order(session, rma, now=now)


def order(session: Session, rma: Rma, *, now: datetime, afresh: bool = False) -> None:
    """Order that a unit's drafts for one account are made ready, once at a time; what was parked goes on.

    ``afresh``: the vendor is asked for its parts list even where there is one.
    """
    name = f"prepare_rma:{rma.asset_id}:{rma.account_id or 'nobody'}"
    payload: dict[str, Any] = {"afresh": True} if afresh else {}
    waiting = work.waiting(session, name)
    if waiting is None:
        work.add(
            session,
            OrderKind.PREPARE_RMA,
            now=now,
            client_id=rma.client_id,
            account_id=rma.account_id,
            rma_id=rma.id,
            fault_id=rma.fault_id,
            payload=payload,
            name=name,
        )
        return
    waiting.payload = waiting.payload | payload
    if waiting.status is OrderStatus.PARKED:
        work.rearm_order(session, waiting.id)
