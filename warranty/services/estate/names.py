"""What other systems call our records: the only place that keeps such names and finds a record by one.

A name is unique per system and kind of record, whoever the client is, so that a PSA or RMM finds again what it sent. Whoever
sees one client only is not told which names others have: there a name may come about that two clients' records have, and
whoever sees both is asked to name the record by its own id.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, tuple_

from warranty.models import Asset, Client, Contract, ExternalRef, Site
from warranty.services import moves
from warranty.services.estate.checks import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

Named = Client | Site | Asset | Contract

_KINDS: dict[type[Named], str] = {Client: "client", Site: "site", Asset: "asset", Contract: "contract"}


@dataclass(frozen=True, slots=True)
class ExternalName:
    """A record's name in another system, and where a person finds it there."""

    system: str
    id: str
    url: str = ""


class NameTaken(Exception):
    """Another record has this name in that system."""


def external_names(session: Session, table: type[Named], keys: Collection[int]) -> dict[int, list[ExternalName]]:
    """The names of each of these rows, by their keys; one statement."""
    found: dict[int, list[ExternalName]] = {key: [] for key in keys}
    query = select(ExternalRef).where(ExternalRef.record == _KINDS[table], ExternalRef.record_id.in_(keys))
    for row in session.scalars(query.order_by(ExternalRef.system, ExternalRef.external_id)) if keys else ():
        found[row.record_id].append(_name(row))
    return found


def find_named(session: Session, table: type[Any], name: ExternalName) -> Any:
    """The record that has this name, locked; null where none has.

    Raises:
        NameTaken: records of several clients have it.
    """
    is_named = and_(ExternalRef.record == _KINDS[table], ExternalRef.record_id == table.id)
    query = select(table).join(ExternalRef, is_named)
    query = query.where(ExternalRef.system == name.system, ExternalRef.external_id == name.id)
    query = query.with_for_update(key_share=True, of=table).execution_options(populate_existing=True)
    found = list(session.scalars(query.order_by(table.id).limit(2)))
    if len(found) > 1:
        raise NameTaken(f"Several records are {name.id} in {name.system}: take the id of the one that is meant.")
    return found[0] if found else None


def add_name(session: Session, record: Named, name: ExternalName, *, because: Because) -> None:
    """Let a record have this name too; one that it has already stays.

    Raises:
        NameTaken: another record has it.
    """
    had = external_names(session, type(record), [record.id])[record.id]
    if (name.system, name.id) not in {(one.system, one.id) for one in had}:
        replace_names(session, record, [*had, name], because=because)


def replace_names(session: Session, record: Named, wanted: Sequence[ExternalName], *, because: Because) -> None:
    """Let a record have these names and no others. Where that changes nothing, nothing is written.

    Raises:
        Invalid: a name stands there twice.
        NameTaken: another record has one of them.
    """
    kind = _KINDS[type(record)]
    names = {(name.system, name.id): name for name in wanted}
    if len(names) != len(wanted):
        raise Invalid("external_refs", "A name stands in external_refs twice.")
    query = select(ExternalRef).where(ExternalRef.record == kind, ExternalRef.record_id == record.id)
    rows = {(row.system, row.external_id): row for row in session.scalars(query)}
    was = [_name(row) for _, row in sorted(rows.items())]
    new = [name for _, name in sorted(names.items())]
    if was == new:
        return
    _check_free(session, kind, names.keys() - rows.keys())
    client_id = record.id if isinstance(record, Client) else record.client_id
    for key, row in rows.items():
        if key not in names:
            session.delete(row)
    for key, name in names.items():
        row = rows.get(key) or ExternalRef(
            client_id=client_id, record=kind, record_id=record.id, system=name.system, external_id=name.id
        )
        row.url = name.url
        session.add(row)
    session.flush()
    detail = {"external_refs": [[asdict(name) for name in was], [asdict(name) for name in new]]}
    moves.note(session, record, "change", because, detail=detail)


def _check_free(session: Session, kind: str, keys: Collection[tuple[str, str]]) -> None:
    if not keys:
        return
    which = tuple_(ExternalRef.system, ExternalRef.external_id).in_(sorted(keys))
    taken = session.execute(
        select(ExternalRef.system, ExternalRef.external_id).where(ExternalRef.record == kind, which)
    )
    for system, external_id in taken:
        raise NameTaken(f"Another {kind} is {external_id} in {system}.")


def _name(row: ExternalRef) -> ExternalName:
    return ExternalName(row.system, row.external_id, row.url)
