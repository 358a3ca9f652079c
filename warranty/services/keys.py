"""Encryption keys change: the only place that knows everything that is sealed, and seals it anew with the first key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, inspect, or_, select, update

from warranty import db
from warranty.crypto import CannotDecrypt
from warranty.models import Base
from warranty.models.base import SealedText
from warranty.services import moves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from warranty.crypto import SecretBox
    from warranty.services.moves import Because

AT_ONCE = 100
"""Rows of one transaction."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many secrets are kept, how many of them an older key opens, and which none does, each by its name."""

    kept: int
    old: int
    lost: tuple[str, ...]


def standing(session: Session, box: SecretBox) -> Standing:
    """Open everything that is sealed, and say under which key it stands."""
    kept = old = 0
    lost = []
    for table, names in _sealed().items():
        for row in _rows(session, table, names):
            for name, sealed in _texts(row, names):
                kept += 1
                try:
                    old += not box.is_current(sealed)
                except CannotDecrypt:
                    lost.append(_called(row, name))
    return Standing(kept, old, tuple(lost))


def in_use(session: Session, box: SecretBox) -> tuple[set[str], int]:
    """The fingerprints of the keys that something is kept under, and how many secrets none of ours opens.

    Reads nothing but the secrets, and no table that is not there: the schema may be an older one.
    """
    there = set(inspect(session.connection()).get_table_names())
    found: set[str] = set()
    lost = 0
    for table, names in _sealed().items():
        if table.__tablename__ not in there:
            continue
        for row in session.execute(select(*(getattr(table, name) for name in names))):
            for sealed in row:
                if sealed is not None:
                    fingerprint = box.opened_by(sealed)
                    lost += fingerprint is None
                    found |= {fingerprint} if fingerprint else set()
    return found, lost


def rotate(
    database: db.Database, box: SecretBox, because: Because, *, on_progress: Callable[[int], None] | None = None
) -> int:
    """Seal with the first key what an older one opens; how many secrets that were.

    It may be killed and run again, and run beside everything else: whatever somebody has renewed since it was read stays.

    Args:
        on_progress: is told after each transaction of how many secrets it looked at.

    Raises:
        CannotDecrypt: there is one that no key opens; nothing was written.
    """
    with database.read(db.EVERYBODY) as session:
        lost = standing(session, box).lost
    if lost:
        more = f" (and {len(lost) - 1} more)" if lost[1:] else ""
        raise CannotDecrypt(
            f"No key of WARRANTY_ENCRYPTION_KEYS opens the {lost[0]}{more}: add the key that it was kept with."
        )
    resealed = 0
    for table, names in _sealed().items():
        rows: list[Any] = []
        while True:
            with database.begin(db.EVERYBODY) as session:
                rows = _page(session, table, names, rows[-1].id if rows else 0)
                resealed += sum(_reseal(session, box, row, names, because) for row in rows)
            if not rows:
                break
            if on_progress is not None:
                on_progress(sum(len(list(_texts(row, names))) for row in rows))
    return resealed


def _reseal(session: Session, box: SecretBox, row: Any, names: list[str], because: Because) -> int:
    done = []
    for name, sealed in _texts(row, names):
        if box.is_current(sealed):
            continue
        table = type(row)
        changed = session.execute(
            update(table).where(table.id == row.id, getattr(table, name) == sealed).values({name: box.reseal(sealed)}),
            execution_options={"synchronize_session": False},
        )
        assert isinstance(changed, CursorResult)
        if changed.rowcount:
            done.append(name)
    if done:
        moves.note(session, row, "reseal", because, detail={"sealed_anew": done})
    return len(done)


def _sealed() -> dict[type[Base], list[str]]:
    """Every table that keeps something sealed, with the names of those columns."""
    found: dict[type[Base], list[str]] = {}
    for mapper in Base.registry.mappers:
        names = [column.key for column in mapper.columns if isinstance(column.type, SealedText)]
        if names:
            found[mapper.class_] = names
    return found


def _rows(session: Session, table: Any, names: list[str]) -> Iterator[Any]:
    rows = _page(session, table, names, 0)
    while rows:
        yield from rows
        rows = _page(session, table, names, rows[-1].id)


def _page(session: Session, table: Any, names: list[str], after: int) -> list[Any]:
    is_any = or_(*(getattr(table, name).is_not(None) for name in names))
    return list(session.scalars(select(table).where(table.id > after, is_any).order_by(table.id).limit(AT_ONCE)))


def _texts(row: Any, names: list[str]) -> Iterator[tuple[str, str]]:
    return ((name, sealed) for name in names if (sealed := getattr(row, name)) is not None)


def _called(row: Any, name: str) -> str:
    return f"{name} of the {row.__tablename__.replace('_', ' ')} {row.name}"
