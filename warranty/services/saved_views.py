"""Lists as people have filtered them, kept under a name: the only reader and writer of saved views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from warranty.domain.access import Permission
from warranty.models import SavedView
from warranty.services import moves
from warranty.services.estate import Invalid, checked_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.services.moves import Because

LONGEST_NAME = 60
LONGEST_QUERY = 2000
MOST = 50
"""So many views of one page somebody keeps at most, and so many a page offers."""


class NotYours(Exception):
    """A colleague's view: whoever decides may take one away that all see, else its owner alone."""


def of_page(session: Session, page: str, user_id: int) -> Sequence[SavedView]:
    """The views of a page that a user may choose from, own and shared, by name; one statement."""
    for_them = or_(SavedView.user_id == user_id, SavedView.is_shared)
    query = select(SavedView).where(SavedView.page == page, for_them)
    return session.scalars(query.order_by(func.lower(SavedView.name), SavedView.id).limit(MOST)).all()


def keep(
    session: Session, user_id: int, page: str, *, name: str, query: str, is_shared: bool, because: Because
) -> SavedView:
    """Keep a list as it is filtered; a view of the same user that has the name is replaced.

    Raises:
        Invalid: no name, one that is too long, an address that is too long, or too many views.
    """
    tidy = checked_text("name", name, LONGEST_NAME, needed=True)
    if len(query) > LONGEST_QUERY:
        raise Invalid("query", f"query is longer than {LONGEST_QUERY} characters.")
    own = session.scalars(select(SavedView).where(SavedView.user_id == user_id, SavedView.page == page)).all()
    view = next((one for one in own if one.name == tidy), None)
    if view is None:
        if len(own) >= MOST:
            raise Invalid("views", f"Nobody keeps more than {MOST} views of a page: take one away first.")
        view = SavedView(user_id=user_id, page=page, name=tidy, created_at=because.at)
        session.add(view)
        action = "add"
    else:
        action = "change"
    view.query, view.is_shared = query, is_shared
    session.flush()
    moves.note(session, view, action, because, detail={"page": page, "query": query, "is_shared": is_shared})
    return view


def may_remove(principal: Principal, view: SavedView) -> bool:
    """Whether somebody may take a view away that they may choose."""
    return view.user_id == principal.user_id or principal.may(Permission.DECIDE)


def remove(session: Session, principal: Principal, view: SavedView, because: Because) -> None:
    """Take a view away.

    Raises:
        NotYours: it is somebody else's.
    """
    if not may_remove(principal, view):
        raise NotYours
    moves.note(session, view, "remove", because, detail={"page": view.page, "query": view.query})
    session.delete(view)
