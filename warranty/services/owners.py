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
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
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
    """An absence, with whoever stands in."""

    row: Absence
    stand_in: User


def is_on(at: datetime) -> ColumnElement[bool]:
    """Whether an absence has begun and not ended at an instant."""
    return (Absence.begins_at <= at) & (Absence.ends_at > at)


# --- being away ---

MOST_ABSENCES = 50


def colleague(session: Session, public_id: UUID | None) -> User | None:
    """Somebody who can look after a case, by their id; null where it is nobody's, or of somebody who cannot."""
    query = select(User).where(User.public_id == public_id, User.role.in_(HANDLERS), User.deactivated_at.is_(None))
    return session.scalars(query).one_or_none() if public_id is not None else None


def absences(session: Session, user: User, at: datetime) -> list[Away]:
    """When somebody is or will be away, and who stands in, the next first; one statement."""
    query = select(Absence, User).join(User, User.id == Absence.stand_in_id).where(Absence.user_id == user.id)
    return _coming(session, query, at)


def stood_in_for(session: Session, user: User, at: datetime) -> list[Away]:
    """For whom somebody stands in or will, as ``absences`` with whoever is away in the place of the stand-in; one statement."""
    query = select(Absence, User).join(User, User.id == Absence.user_id).where(Absence.stand_in_id == user.id)
    return _coming(session, query, at)


def _coming(session: Session, query: Select[Absence, User], at: datetime) -> list[Away]:
    query = query.where(Absence.ends_at > at).order_by(Absence.begins_at, Absence.id).limit(MOST_ABSENCES)
    return [Away(row, user) for row, user in session.execute(query)]


def add_absence(
    session: Session, user: User, stand_in: User, *, begins_at: datetime, ends_at: datetime, because: Because
) -> Absence:
    """Say when somebody is away, and who stands in. The user's row is locked: of two at once the second sees the first.

    Raises:
        Invalid: nobody who can stand in, a time that is over or ends before it begins, or that another one overlaps.
    """
    if stand_in.id == user.id or stand_in.role not in HANDLERS or stand_in.deactivated_at is not None:
        raise Invalid("stand_in", "This is nobody who can stand in.")
    if ends_at <= begins_at or ends_at <= because.at:
        raise Invalid("ends_at", "It is over, or ends before it begins.")
    meets = select(Absence.id).where(
        Absence.user_id == user.id, Absence.begins_at < ends_at, Absence.ends_at > begins_at
    )
    if session.scalars(meets.limit(1)).first() is not None:
        raise Invalid("begins_at", "They are away then already.")
    row = Absence(user_id=user.id, stand_in_id=stand_in.id, begins_at=begins_at, ends_at=ends_at)
    session.add(row)
    session.flush()
    _note_absence(session, user, row, "away", because)
    return row


def end_absence(session: Session, user: User, public_id: UUID, because: Because) -> None:
    """Somebody is back early, or does not go; nothing where it is no absence of theirs, or over."""
    query = select(Absence).where(Absence.public_id == public_id, Absence.user_id == user.id)
    row = session.scalars(query.where(Absence.ends_at > because.at)).one_or_none()
    if row is None:
        return
    if row.begins_at < because.at:
        row.ends_at = because.at
    else:
        session.delete(row)
    _note_absence(session, user, row, "back", because)


def _note_absence(session: Session, user: User, row: Absence, action: str, because: Because) -> None:
    detail = {
        "stand_in": people.pseudonym(row.stand_in_id),
        "begins_at": row.begins_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }
    moves.note(session, user, action, because, detail=detail)
