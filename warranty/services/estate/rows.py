"""How a row of the registry is added once, changed, and written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from warranty.models import Client, Person
from warranty.services import moves
from warranty.services.estate.checks import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session

    from warranty.models import Asset
    from warranty.services.moves import Because, Stateless


def hold(session: Session, client_ids: Iterable[int]) -> None:
    """Let one transaction at a time add to a client, so that two imports at once see each other's units and sites.

    The lock is the weaker one that leaves reports, which only refer to the client, alone; SQLite has one writer anyway.
    """
    query = select(Client.id).where(Client.id.in_(sorted(client_ids))).order_by(Client.id)
    session.execute(query.with_for_update(key_share=True))


def add_once(session: Session, row: Any, field: str, message: str, *, is_there: bool = False) -> None:
    """Add a row whose name is unique; the database has the last word, since two may ask at the same time."""
    if is_there:
        raise Invalid(field, message)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as err:
        raise Invalid(field, message) from err


def change(session: Session, row: Stateless | Asset, new: Mapping[str, Any], *, because: Because) -> None:
    """Set the columns that differ, and write down what was and is; where none differs, nothing is written."""
    old = {column: getattr(row, column) for column, value in new.items() if getattr(row, column) != value}
    if not old:
        return
    for column in old:
        setattr(row, column, new[column])
    if isinstance(row, Person):  # the register cannot be changed, and a person can ask to be forgotten
        detail: dict[str, Any] = {"columns": sorted(old)}
    else:
        detail = {column: [_plain(was), _plain(new[column])] for column, was in old.items()}
    moves.note(session, row, "change", because, detail=detail)


def change_once(
    session: Session, row: Stateless, new: Mapping[str, Any], field: str, message: str, *, because: Because
) -> None:
    """As ``change``, where one of the columns is unique.

    Raises:
        Invalid: another row has it.
    """
    try:
        with moves.attempt(session):
            change(session, row, new, because=because)
    except IntegrityError as err:
        raise Invalid(field, message) from err


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, bool, list, dict)) else str(value)
