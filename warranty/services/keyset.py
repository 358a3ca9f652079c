"""Lists for people, in an order that means something: cut by key, so that a page stays right while rows are added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import aliased

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session


def page(
    session: Session,
    query: Any,
    *,
    table: Any,
    order: Sequence[Any] = (),
    after: UUID | None = None,
    limit: int,
) -> tuple[Sequence[Any], UUID | None]:
    """One page of a list, and the id after which the next one begins (null: there is none); one statement.

    Args:
        query: a ``select`` that gives rows whose first value is one of ``table``.
        order: columns of ``table`` that are never null; where they are alike its key decides.
        after: the id that the page before ended with. One that nobody may see gives an empty page.
        limit: how many at most.
    """
    keys = (*order, table.id)
    query = query.order_by(*keys).limit(limit + 1)
    if after is not None:
        last: Any = aliased(table)
        at = (select(getattr(last, key.key)).where(last.public_id == after).scalar_subquery() for key in keys)
        query = query.where(tuple_(*keys) > tuple_(*at))
    rows = session.execute(query).all()
    return rows[:limit], rows[limit - 1][0].public_id if len(rows) > limit else None
