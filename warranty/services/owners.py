"""Who looks after a case: the only place that hands one over, and that knows who stands in for whom.

What waits for a person on a case is its owner's too: tasks have no owner of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from warranty.domain.access import GRANTS, Permission
from warranty.models import Absence, Fault, User
from warranty.services import moves, people
from warranty.services.estate import Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

HANDLERS = frozenset(role for role, granted in GRANTS.items() if Permission.HANDLE in granted)
"""Whoever has one of these roles can look after a case."""

LONGEST_CHAIN = 8
"""Of people who are away and stand in for each other; a ring ends where it began."""


def colleagues(session: Session) -> list[User]:
    """Everybody who can look after a case, or could before they were switched off, by name; one statement."""
    query = select(User).where(User.role.in_(HANDLERS))
    return list(session.scalars(query.order_by(func.lower(User.name), User.email)))


def hand_over(session: Session, fault: Fault, to: User | None, because: Because) -> User | None:
    """Give a case to a colleague, or back to all; gives who has it now: whoever stands in, where the colleague is away.

    Raises:
        Invalid: somebody who cannot look after a case, or who is switched off.
    """
    if to is not None and (to.role not in HANDLERS or to.deactivated_at is not None):
        raise Invalid(
            "owner", "This user cannot look after cases: their role does not allow it, or they are switched off."
        )
    has = None if to is None else stand_in(session, to, because.at)
    was, fault.owner_id = fault.owner_id, has.id if has else None
    detail = {
        "was": None if was is None else people.pseudonym(was),
        "is": people.actor_of(has) if has else None,
        "meant": people.actor_of(to) if to else None,
    }
    session.flush()
    moves.note(session, fault, "handed_over", replace(because, fault_id=fault.id), detail=detail)
    return has


# --- who stands in ---


def stand_in(session: Session, user: User, at: datetime) -> User:
    """Who does somebody's work at an instant: they themself, unless they are away. Whoever stands in may be away too."""
    has, seen = user, {user.id}
    for _ in range(LONGEST_CHAIN):
        query = select(User).join(Absence, Absence.stand_in_id == User.id).where(Absence.user_id == has.id, is_on(at))
        found = session.scalars(query.where(User.deactivated_at.is_(None)).order_by(Absence.id).limit(1)).first()
        if found is None:
            return has
        if found.id in seen:
            return user  # everybody of the ring is away: it stays with whom it was meant for
        seen.add(found.id)
        has = found
    return has


def looked_after_by(user_id: int | None, at: datetime) -> ColumnElement[bool]:
    """The cases that somebody looks after at an instant: their own, and those of whom they stand in for."""
    away = select(Absence.user_id).where(Absence.stand_in_id == user_id, is_on(at))
    return or_(Fault.owner_id == user_id, Fault.owner_id.in_(away))


@dataclass(frozen=True, slots=True)
class Away:
    """An absence with whoever stands in."""

    row: Absence
    stand_in: User


def is_on(at: datetime) -> ColumnElement[bool]:
    """Whether an absence has begun and not ended at an instant."""
    return (Absence.begins_at <= at) & (Absence.ends_at > at)
