"""How a row of the registry is added once, changed, and written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from warranty.models import Asset, Client, Person, Product, Site
from warranty.services import drafts, moves
from warranty.services.estate.checks import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.orm import Session

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
    _look_at_drafts_again(session, row, old, because)


def _look_at_drafts_again(session: Session, row: Stateless | Asset, changed: Collection[str], because: Because) -> None:
    """A claim may have waited for what was filled in: see ``inputs``."""
    match row:
        case Product() if "part_number" in changed:
            drafts.look_again(session, Asset.product_id == row.id, now=because.at)
        case Site() if "address" in changed:
            drafts.look_again(session, Asset.site_id == row.id, now=because.at)
        case Person(site_id=int() as site_id):
            drafts.look_again(session, Asset.site_id == site_id, now=because.at)
        case Asset() if not {"site_id", "product_id"}.isdisjoint(changed):
            drafts.look_again(session, Asset.id == row.id, now=because.at)


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
