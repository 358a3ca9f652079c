"""What is done to many rows of the board at once, each by the service that does it to one, and each on its own.

A row that is refused keeps the others from nothing: it is undone alone, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from warranty.domain.access import Permission
from warranty.domain.lifecycles import RmaState
from warranty.models import Fault, HumanTask, Rma, VendorAccount
from warranty.models.work import TaskKind
from warranty.services import board, moves, notes, owners, resolutions, rmas
from warranty.services.board import OtherKind, Verb
from warranty.services.by_hand import NotYours
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove, Raced
from warranty.services.resolutions import Action, NotWaiting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.models import User
    from warranty.runtime import Runtime
    from warranty.services.board import Item

CHUNK = 25
"""So many rows are done in one request: about a second."""

REFUSALS = (Invalid, IllegalMove, NotWaiting, NotYours, Raced)


class NotForAll(Exception):
    """What this row needs differs from row to row: it is done on its own page."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done, why, and to whom rows are handed (null: back to all)."""

    verb: Verb
    reason: str
    to: User | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was left as it is, and the exception that says why."""

    item: Item
    error: Exception


def do(
    session: Session, runtime: Runtime, principal: Principal, items: Sequence[Item], wanted: Wanted, *, now: datetime
) -> list[Refused]:
    """Do the same to each of at most ``CHUNK`` rows; gives those that were refused."""
    refused = []
    for item in items[:CHUNK]:
        try:
            with moves.attempt(session):
                _do(session, runtime, principal, item, wanted, now)
        except (*REFUSALS, NotForAll) as err:
            refused.append(Refused(item, err))
    return refused


def _do(session: Session, runtime: Runtime, principal: Principal, item: Item, wanted: Wanted, now: datetime) -> None:
    if wanted.verb not in board.RULES[item.kind].verbs:
        raise NotForAll
    because = Because(principal.actor, wanted.reason, now, item.fault.id if item.fault else None)
    if item.task is not None:
        session.refresh(item.task)
        if item.task.resolved_at is not None:
            raise NotWaiting("Somebody has answered this already.")
    match wanted.verb:
        case Verb.HAND:
            assert item.fault is not None  # else its kind could not be handed over
            owners.hand_over(session, item.fault, wanted.to, because)
        case Verb.AGAIN:
            _again(session, runtime, principal, item, because)
        case Verb.DEALT_WITH:
            _deal_with(session, runtime, principal, item, because)


def _again(session: Session, runtime: Runtime, principal: Principal, item: Item, because: Because) -> None:
    """What failed is tried once more."""
    if item.kind is OtherKind.LOOK_UP:
        assert item.account is not None  # it is an account's row
        _need(principal, Permission.REGISTER)
        rmas.go_on(session, session.get_one(VendorAccount, item.account.id), because)
    elif item.kind is TaskKind.REVIEW:
        _answer(session, runtime, principal, item, Action.DECIDE_AGAIN, because)
    else:
        rma = session.scalars(
            select(Rma).where(Rma.fault_id == because.fault_id).order_by(Rma.id.desc()).limit(1)
        ).one()
        if item.kind is TaskKind.OUTCOME_UNKNOWN:
            rmas.search_again(session, rma, because)
        else:
            rmas.transition(session, runtime, principal, rma, RmaState.SUBMITTED, reason=because.reason, now=because.at)


def _deal_with(session: Session, runtime: Runtime, principal: Principal, item: Item, because: Because) -> None:
    """Somebody has seen to it, and nothing else is to be moved."""
    match item.kind:
        case TaskKind.STRAY_CASE:
            _answer(session, runtime, principal, item, Action.DEALT_WITH, because)
        case TaskKind.SILENT:
            _answer(session, runtime, principal, item, Action.DECIDE_AGAIN, because)
        case _:
            notes.seen(session, session.get_one(Fault, because.fault_id), because)


def _answer(
    session: Session, runtime: Runtime, principal: Principal, item: Item, action: Action, because: Because
) -> None:
    task = session.get_one(HumanTask, item.task.id if item.task else None)
    resolutions.resolve(session, runtime, principal, task, action, reason=because.reason, now=because.at)


def _need(principal: Principal, permission: Permission) -> None:
    if not principal.may(permission):
        raise NotYours(f"This needs the permission {permission}.")
