"""What holds for every staff page there is or will be: it costs the same few statements however much there is.

Pages are read from the application itself, and rows of every table are copied by machine: whoever adds a page or a table
adds no line here.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from tests.app import owner_of
from tests.web.conftest import World, make_world, watching
from tests.web.owned import own_everything, own_nothing
from tests.web.routes import ASKED, address, pages
from tests.web.visitor import Visitor, visit
from warranty.domain.terms import Role
from warranty.models import Base, Fault
from warranty.web import guards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask
    from sqlalchemy import Connection, Table
    from werkzeug.routing import Rule

    from tests.web.owned import Owned
    from warranty.runtime import Runtime

COPIES = 55
"""More rows than a page of any list shows."""

MOST = 6
MOST_OF_ONE = 15
"""What a page may cost that is about one thing, with everything that belongs to it."""

ALONE = {"audit_chain", "audit_gap", "audit_seal", "audit_row", "lease", "idempotency_key", "outbox"}
"""Tables of which no list shows the rows, or whose rows hang together in a chain."""


Twins = defaultdict[str, "dict[int, Sequence[int]]"]
"""Of each table the keys of the copies of each row, by the row's key."""


class Place(NamedTuple):
    """A world full of rows, and one object of every kind in it."""

    world: World
    owned: Owned


@pytest.fixture(scope="session")
def crowd(shared_runtime: Runtime, apps: dict[str, Flask]) -> Place:
    """A world with one of everything, and then with many copies of it all."""
    world = make_world(shared_runtime, apps)
    owned = own_everything(world, world.ours) | own_nothing(world, world.ours.product)
    with owner_of(shared_runtime.database).begin() as connection:
        copy_everything(connection, COPIES)
    return Place(world, owned)


def copy_everything(connection: Connection, copies: int) -> None:
    """Copy the rows of all tables: a copy refers to the copy of what its original refers to, and is called otherwise."""
    twins: Twins = defaultdict(dict)
    for table in Base.metadata.sorted_tables:
        if table.name in ALONE or "id" not in table.c:
            continue
        originals = connection.execute(select(table).order_by(table.c.id)).mappings().all()
        free = max((row["id"] for row in originals), default=0) + 1
        twins[table.name] = {
            row["id"]: range(free + place, free + place + copies * len(originals), len(originals))
            for place, row in enumerate(originals)
        }
        made = [_copy(table, row, number, twins) for number in range(copies) for row in originals]
        if made:
            connection.execute(insert(table), made)


def _copy(table: Table, row: Any, number: int, twins: Twins) -> dict[str, Any]:
    unique = {
        column.name for part in (*table.constraints, *table.indexes) if _is_unique(part) for column in part.columns
    }
    copy: dict[str, Any] = dict(row) | {"id": twins[table.name][row["id"]][number]}
    for column in table.c:
        value = row[column.name]
        refers = next(iter(column.foreign_keys), None)
        if value is None or column.name == "id":
            continue
        if refers is not None and refers.column.table is table:
            copy[column.name] = None
        elif refers is not None:
            copy[column.name] = twins[refers.column.table.name].get(value, [value] * COPIES)[number]
        elif isinstance(value, UUID):
            copy[column.name] = uuid4()
        elif column.name in unique and type(value) is str:
            copy[column.name] = value[: (column.type.length or 64) - 4] + f"~{number:02}"  # type: ignore[attr-defined]
    return copy


def _is_unique(part: Any) -> bool:
    return type(part).__name__ == "UniqueConstraint" or bool(getattr(part, "unique", False))


def cost(place: Place, visitor: Visitor, rule: Rule) -> int:
    """How many statements a page takes that is shown."""
    of = guards.access_of(place.world.app, rule.endpoint).of
    path = address(rule, place.owned[of or Fault]) + ASKED.get(rule.endpoint, "")
    with watching(place.world) as seen:
        answer = visitor.get(path)
    assert answer.status_code in {200, 302, 303}, f"{path}: {answer.status_code}"
    return len(seen["statements"])


def test_no_page_costs_more_than_a_few_statements_however_many_rows_there_are(crowd: Place) -> None:
    visitor = visit(crowd.world.app, crowd.world.users[Role.ADMIN])
    found = {rule.rule: cost(crowd, visitor, rule) for rule in pages(crowd.world.app)}

    assert {rule: count for rule, count in found.items() if count > (MOST_OF_ONE if "<" in rule else MOST)} == {}
    assert "/cases" in found
