"""Taking an import back: what stands in the way, and what happens to what it made and changed.

Whatever another row refers to by a foreign key, or has a name in another system, or has a line in the register of another
time than the import's, is depended upon. A row that is gone keeps its lines in the register, with one more that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from sqlalchemy import Date, Enum, delete, select, update
from sqlalchemy.orm import Session

from warranty.domain.terms import AssetState
from warranty.models import (
    Asset,
    AuditRow,
    Base,
    Baseline,
    Client,
    Contract,
    Coverage,
    ExternalRef,
    HandoverStep,
    ImportBatch,
    ImportRun,
    Person,
    Product,
    Site,
)
from warranty.models.base import UtcDateTime
from warranty.services import estate, moves
from warranty.services.importing.rows import plain
from warranty.services.moves import Because

CHUNK: Final = 5_000
MOST_OBSTACLES: Final = 20

# In the order in which they go: what refers to others first.
_NAMED_BY: Final[dict[type[Any], Any]] = {
    Coverage: Coverage.contract_number,
    Contract: Contract.number,
    Asset: Asset.serial_number,
    Person: Person.public_id,
    Site: Site.name,
    Product: Product.model,
    Client: Client.name,
}
_TABLES: Final = {table.__tablename__: table for table in _NAMED_BY}
_CORRECTED_BY: Final[dict[type[Any], Callable[..., None]]] = {
    Asset: estate.change_asset,
    Coverage: estate.change_coverage,
    Product: estate.change_product,
    Site: estate.correct_site,
}

Made = dict[type[Any], set[int]]


def find_obstacles(session: Session, batches: Sequence[ImportBatch], *, since: datetime) -> list[str]:
    """What keeps some batches from being undone, a sentence for each kind of obstacle; empty where nothing does.

    Args:
        session: the transaction.
        batches: with whatever depends on what they made among them.
        since: the instant under which the register has what the import did.
    """
    made: Made = {}
    for batch in batches:
        for name, keys in batch.made.items():
            made.setdefault(_TABLES[name], set()).update(keys)
    made[Person] = set(_keys(session, Person.id, Person.site_id, made.get(Site, set())))
    restored = {(name, key, column) for batch in batches for name, key, columns in batch.changed for column in columns}
    found: Counter[tuple[type[Any], str]] = Counter()
    first: dict[tuple[type[Any], str], int] = {}
    for table, key, what in _depended_on(session, made, restored, since):
        found[table, what] += 1
        first.setdefault((table, what), key)
    for batch in batches:
        for name, key, columns in batch.changed:
            if not _is_as_left(session, _TABLES[name], key, columns):
                found[_TABLES[name], "changed again since"] += 1
                first.setdefault((_TABLES[name], "changed again since"), key)
    return [
        f"{table.__tablename__} {_name(session, table, first[table, what])}: {what}"
        + (f", and {count - 1:,} more like it." if count > 1 else ".")
        for (table, what), count in islice(found.items(), MOST_OBSTACLES)
    ]


def _depended_on(
    session: Session, made: Made, restored: AbstractSet[tuple[str, int, str]], since: datetime
) -> Iterator[tuple[type[Any], int, str]]:
    """What the import made and something else needs: its table, its key, and what needs it."""
    for table, keys in made.items():
        for other, column in _references(table):
            own = made.get(other, set())
            for key, by in _pairs(session, column, _key_of(other), column, keys):
                is_own = by in own or (other.__tablename__, by, column.key) in restored
                if not is_own and not (other is Baseline and _is_own_baseline(session, by, since)):
                    yield table, key, f"named by a row of {other.__tablename__}"
        name = table.__tablename__
        changed = AuditRow.record == name, AuditRow.at != since
        for key in _keys(session, AuditRow.record_id, AuditRow.record_id, keys, *changed):
            yield table, key, "changed since"
        for key in _keys(session, ExternalRef.record_id, ExternalRef.record_id, keys, ExternalRef.record == name):
            yield table, key, "has a name in another system"
    yield from _listed_sites(session, made)


def _listed_sites(session: Session, made: Made) -> Iterator[tuple[type[Any], int, str]]:
    """New sites that coverages list, which they do without a foreign key."""
    ids = dict(_pairs(session, Site.public_id, Site.id, Site.id, made.get(Site, set())))
    if not ids:
        return
    by_id = {str(public_id): key for public_id, key in ids.items()}
    own = made.get(Coverage, set())
    for coverage_id, sites in session.execute(select(Coverage.id, Coverage.sites).where(Coverage.sites.is_not(None))):
        for public_id in set(sites or ()) & by_id.keys():
            if coverage_id not in own:
                yield Site, by_id[public_id], "named by a row of coverage"


def _references(table: type[Any]) -> list[tuple[type[Any], Any]]:
    """Every column of any table that refers to a table by its key; imports themselves do not count."""
    return [
        (mapper.class_, column)
        for mapper in Base.registry.mappers
        if mapper.class_ is not ImportRun
        for column in mapper.columns
        if any(key.column.table is table.__table__ for key in column.foreign_keys)
    ]


def _key_of(table: type[Any]) -> Any:
    return next(iter(table.__table__.primary_key.columns))


def _is_own_baseline(session: Session, key: int, since: datetime) -> bool:
    return session.scalar(select(Baseline.signed_at).where(Baseline.id == key)) == since


def _is_as_left(session: Session, table: type[Any], key: int, columns: dict[str, list[Any]]) -> bool:
    row = session.get(table, key)
    return row is not None and all(plain(getattr(row, name)) == new for name, (_, new) in columns.items())


def _name(session: Session, table: type[Any], key: int) -> str:
    return str(session.scalar(select(_NAMED_BY[table]).where(table.id == key)) or "that is gone")


def _pairs(session: Session, first: Any, second: Any, column: Any, keys: Iterable[int]) -> Iterator[tuple[Any, Any]]:
    for chunk in _chunks(keys):
        for row in session.execute(select(first, second).where(column.in_(chunk))):
            yield row[0], row[1]


def _keys(session: Session, wanted: Any, column: Any, keys: Iterable[int], *where: Any) -> Iterator[int]:
    for chunk in _chunks(keys):
        yield from session.scalars(select(wanted).where(column.in_(chunk), *where).distinct())


def _chunks(keys: Iterable[int]) -> Iterator[list[int]]:
    left = iter(sorted(keys))
    while chunk := list(islice(left, CHUNK)):
        yield chunk


# --- Undoing --------------------------------------------------------------------------------------------------------


def undo_batch(session: Session, batch: ImportBatch, *, since: datetime, because: Because) -> None:
    """Give what a batch changed its former values, and remove what it made. Nothing may stand in the way."""
    for name, key, columns in batch.changed:
        table = _TABLES[name]
        row: Any = session.get_one(table, key)
        old = {column: _read(table, column, was) for column, (was, _) in columns.items()}
        if "state" in old and table is Asset:
            _forget_baselines(session, [key], since)
            moves.take_back(session, row, AssetState(old.pop("state")), because)
        if old:
            _CORRECTED_BY[table](session, row, because=because, **old)
    session.flush()
    made = {_TABLES[name]: keys for name, keys in batch.made.items()}
    made[Person] = list(_keys(session, Person.id, Person.site_id, made.get(Site, [])))
    for table in _NAMED_BY:
        _remove(session, table, made.get(table, []), since, because)


def _remove(session: Session, table: type[Any], keys: Sequence[int], since: datetime, because: Because) -> None:
    owner = getattr(table, "client_id", None)
    for chunk in _chunks(keys):
        if table is Asset:
            _forget_baselines(session, chunk, since)
        if owner is None:
            owned: list[tuple[int, int | None]] = [(key, None) for key in chunk]
        else:
            owned = [(key, client_id) for key, client_id in _pairs(session, table.id, owner, table.id, chunk)]
        moves.note_many(session, table, owned, "undo", because)
        session.execute(delete(table).where(table.id.in_(chunk)), execution_options={"synchronize_session": False})


def _forget_baselines(session: Session, keys: Sequence[int], since: datetime) -> None:
    own = (Baseline.asset_id.in_(keys), Baseline.signed_at == since)
    steps = update(HandoverStep).where(HandoverStep.baseline_id.in_(select(Baseline.id).where(*own)))
    session.execute(steps.values(baseline_id=None), execution_options={"synchronize_session": False})
    session.execute(delete(Baseline).where(*own), execution_options={"synchronize_session": False})


def _read(table: type[Any], column: str, value: Any) -> Any:
    """A value of a journal as its column takes it."""
    kind = table.__table__.columns[column].type
    if not isinstance(value, str):
        return value
    if isinstance(kind, Enum) and kind.enum_class is not None:
        word: type[StrEnum] = kind.enum_class  # type: ignore[assignment]  # all our words are
        return word(value)
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(kind, Date) else value
