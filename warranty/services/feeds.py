"""The secret addresses that calendar programs read: the only place that makes, finds and ends them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from warranty import crypto
from warranty.domain.access import Permission
from warranty.models import CalendarFeed, User
from warranty.services import moves, people

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

_LONGEST = 64  # a secret has 43 signs; what is longer is none, and costs no digest


def of(session: Session, user: User) -> CalendarFeed | None:
    """The address that a user has."""
    query = select(CalendarFeed).where(CalendarFeed.user_id == user.id, CalendarFeed.revoked_at.is_(None))
    return session.scalars(query.order_by(CalendarFeed.id.desc()).limit(1)).one_or_none()


def add(session: Session, user: User, *, because: Because) -> str:
    """The secret of a new address, known only now; the address that the user had before ends."""
    revoke(session, user, because=because)
    secret = secrets.token_urlsafe(32)
    feed = CalendarFeed(user_id=user.id, secret_digest=crypto.token_digest(secret), created_at=because.at)
    session.add(feed)
    session.flush()
    moves.note(session, user, "add_calendar_feed", because, detail={"feed": str(feed.public_id)})
    return secret


def revoke(session: Session, user: User, *, because: Because) -> None:
    """End every address of a user at once."""
    query = select(CalendarFeed).where(CalendarFeed.user_id == user.id, CalendarFeed.revoked_at.is_(None))
    for feed in session.scalars(query.with_for_update()):
        feed.revoked_at = because.at
        moves.note(session, user, "revoke_calendar_feed", because, detail={"feed": str(feed.public_id)})


def find(session: Session, secret: str) -> CalendarFeed | None:
    """The address of a secret, with its user; null where it has ended, or its user may not look any more."""
    if not secret or len(secret) > _LONGEST:
        return None
    query = (
        select(CalendarFeed)
        .join(CalendarFeed.user)
        .options(contains_eager(CalendarFeed.user))
        .where(
            CalendarFeed.secret_digest == crypto.token_digest(secret),
            CalendarFeed.revoked_at.is_(None),
            User.deactivated_at.is_(None),
        )
    )
    feed = session.scalars(query).one_or_none()
    if feed is None or not people.principal_of(feed.user).may(Permission.READ):
        return None
    return feed
