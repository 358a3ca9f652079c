"""The second wall: what PostgreSQL itself refuses, whatever statement the program sends. Source: reliability.md, section 6."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from tests import factories
from tests.app import migrated, owner_of
from tests.factories import NOW
from warranty import db
from warranty.db import EVERYBODY, NOBODY, Database, Scope
from warranty.models import Base, IdempotencyKey, walls
from warranty.services import erasure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from tests.servers import Databases
    from warranty.runtime import Runtime

ALL = "SELECT client_id FROM site"


@pytest.fixture
def postgresql(kept_postgresql: Runtime) -> Database:
    """A database as the product comes to it."""
    return kept_postgresql.database


@pytest.fixture
def clients(postgresql: Database) -> list[int]:
    """Three clients with a site each."""
    with postgresql.begin(EVERYBODY) as session:
        made = [factories.make_client(session) for _ in range(3)]
        for client in made:
            factories.make_site(session, client)
        session.flush()
        return [client.id for client in made]


def seen(session: Session, among: list[int]) -> list[int]:
    """Whose sites a bare statement finds."""
    return sorted(key for key in session.connection().scalars(text(ALL)) if key in among)


def test_who_says_nothing_sees_nothing(postgresql: Database, clients: list[int]) -> None:
    with postgresql.engine.connect() as connection:
        assert connection.scalars(text(ALL)).all() == []
    with postgresql.read(NOBODY) as session:
        assert seen(session, clients) == []


def test_a_bare_statement_finds_one_clients_rows_and_for_staff_all(postgresql: Database, clients: list[int]) -> None:
    with postgresql.read(Scope(clients[1])) as session:
        assert seen(session, clients) == [clients[1]]
        assert session.connection().scalars(text("SELECT id FROM client")).all() == [clients[1]]
    with postgresql.read(EVERYBODY) as session:
        assert seen(session, clients) == clients


def test_a_transaction_that_learns_who_asks_sees_their_rows_from_then_on(
    postgresql: Database, clients: list[int]
) -> None:
    with postgresql.read(NOBODY) as session:
        assert seen(session, clients) == []
        db.enter(session, Scope(clients[2]))
        assert seen(session, clients) == [clients[2]]


def test_a_foreign_row_is_neither_changed_nor_taken_away(postgresql: Database, clients: list[int]) -> None:
    with postgresql.begin(Scope(clients[0])) as session:
        for statement in (
            "UPDATE site SET name = 'ours' WHERE client_id = :key",
            "DELETE FROM site WHERE client_id = :key",
        ):
            assert session.connection().execute(text(statement), {"key": clients[1]}).rowcount == 0
    with postgresql.read(EVERYBODY) as session:
        assert seen(session, clients) == clients


def test_a_row_for_another_client_is_refused(postgresql: Database, clients: list[int]) -> None:
    copy = text(
        "INSERT INTO site (client_id, name, time_zone, address, access_hours, public_id)"
        " SELECT :key, 'theirs', 'UTC', '{}', '', gen_random_uuid()"
    )
    with pytest.raises(DBAPIError, match="row-level security"), postgresql.begin(Scope(clients[0])) as session:
        session.connection().execute(copy, {"key": clients[1]})


def test_a_client_sees_general_accounts_and_its_own_and_changes_no_general_one(
    postgresql: Database, clients: list[int]
) -> None:
    account = text(
        "INSERT INTO vendor_account"
        " (name, vendor, client_id, duties, options, secrets, bucket_level, failures, created_at, public_id)"
        " VALUES (:name, 'manual', :key, '[]', '{}', '', 0, 0, now(), gen_random_uuid())"
    )
    names = {f"wall-{key}": key for key in (None, *clients)}
    with postgresql.begin(EVERYBODY) as session:
        for name, key in names.items():
            session.connection().execute(account, {"name": name, "key": key})

    with postgresql.read(Scope(clients[0])) as session:
        found = session.connection().scalars(text("SELECT name FROM vendor_account WHERE name LIKE 'wall-%'")).all()
    change = text("UPDATE vendor_account SET failures = 1 WHERE name = 'wall-None'")
    with pytest.raises(DBAPIError, match="row-level security"), postgresql.begin(Scope(clients[0])) as session:
        session.connection().execute(change)

    assert sorted(found) == sorted(["wall-None", f"wall-{clients[0]}"])


def test_the_pool_hands_no_client_to_the_next_transaction(postgresql: Database, clients: list[int]) -> None:
    def turn(number: int) -> bool:
        key = clients[number % len(clients)]
        with suppress(InterruptedError), postgresql.begin(Scope(key)) as session:
            found = seen(session, clients)
            if number % 4 == 0:
                raise InterruptedError
        with postgresql.engine.connect() as connection:
            left = connection.scalars(text(ALL)).all()
        return (found, left) == ([key], [])

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(turn, range(200)))


def test_a_savepoint_that_is_rolled_back_leaves_the_wall_standing(postgresql: Database, clients: list[int]) -> None:
    with postgresql.begin(Scope(clients[0])) as session:
        session.begin_nested().rollback()
        assert seen(session, clients) == [clients[0]]


def test_the_wall_costs_one_statement_a_transaction(postgresql: Database, clients: list[int]) -> None:
    sent: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(postgresql.engine, "before_cursor_execute", keep)
    try:
        with postgresql.read(NOBODY) as session:
            session.connection()
            db.enter(session, Scope(clients[0]))
            seen(session, clients)
    finally:
        event.remove(postgresql.engine, "before_cursor_execute", keep)

    assert [statement.split("(")[0] for statement in sent] == ["SELECT set_config", ALL]


def test_the_predicate_is_a_condition_of_the_index(postgresql: Database, clients: list[int]) -> None:
    own = text("EXPLAIN SELECT id FROM site WHERE client_id = :key")
    with postgresql.begin(Scope(clients[0])) as session:
        session.connection().execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.connection().scalars(own, {"key": clients[0]}))

    assert "Index Cond: (client_id" in plan


# --- rights ---


@pytest.fixture
def fresh(postgres_databases: Databases) -> Iterator[Callable[[str], Engine]]:
    """A new database, seen by its owner, by the product's user or by a worker's user."""
    app = migrated(postgres_databases)
    owner = postgres_databases.as_owner(app)
    made: list[Engine] = []

    def seen_by(who: str) -> Engine:
        if who == "worker":
            db.upgrade(owner, worker_url=app)
        made.append(db.make_engine(owner if who == "owner" else app))
        return made[-1]

    yield seen_by
    for engine in made:
        engine.dispose()
    postgres_databases.drop(app)


@pytest.mark.parametrize("table", walls.APPEND_ONLY)
def test_the_product_may_add_to_what_is_never_changed_and_nothing_else(postgresql: Database, table: str) -> None:
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(ProgrammingError, match="permission denied"), postgresql.engine.begin() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize("table", walls.NOT_FOR_WORKERS)
def test_a_worker_reads_nothing_that_it_has_no_business_with(fresh: Callable[[str], Engine], table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), fresh("worker").begin() as connection:
        connection.execute(text(f"SELECT * FROM {table}"))


def test_a_workers_user_drops_answers_that_are_old_without_reading_them(fresh: Callable[[str], Engine]) -> None:
    product, old = Database(fresh("product").url.render_as_string(hide_password=False)), NOW - timedelta(days=400)
    with product.begin(EVERYBODY) as session:
        user = factories.make_user(session)
        session.add(
            IdempotencyKey(user_id=user.id, key="k", body_digest="", status=200, answer="theirs", created_at=old)
        )
    worker = Database(fresh("worker").url.render_as_string(hide_password=False))

    with worker.begin(EVERYBODY) as session:
        erasure.forget_old(session)

    with fresh("owner").begin() as connection:
        connection.execute(
            text("SELECT set_config(:it, :whose, true)"), {"it": walls.SETTING, "whose": walls.EVERYBODY}
        )
        assert connection.scalar(text("SELECT count(*) FROM idempotency_key")) == 0
    product.dispose()
    worker.dispose()


def test_one_user_for_web_and_workers_may_all_that_the_product_may(fresh: Callable[[str], Engine]) -> None:
    owner, both = (fresh(who).url.render_as_string(hide_password=False) for who in ("owner", "product"))

    db.upgrade(owner, app_url=both, worker_url=both)

    with fresh("product").begin() as connection:
        assert connection.scalars(text("SELECT id FROM api_token")).all() == []


def test_a_user_that_the_database_does_not_know_is_named(fresh: Callable[[str], Engine]) -> None:
    owner = fresh("owner").url.render_as_string(hide_password=False)

    with pytest.raises(db.DatabaseUnavailable, match="no user stranger"):
        db.upgrade(owner, app_url="postgresql+psycopg://stranger@127.0.0.1/x")


def test_a_table_that_lost_its_wall_is_a_fault_of_the_schema(fresh: Callable[[str], Engine]) -> None:
    owner = fresh("owner")
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE asset DISABLE ROW LEVEL SECURITY"))

    said = db.schema_faults(owner.url.render_as_string(hide_password=False))

    assert said == ["asset has no wall between clients: run `warranty db upgrade`."]


def test_every_table_has_a_wall(postgresql: Database) -> None:
    with owner_of(postgresql).connect() as connection:
        standing = set(connection.scalars(text(walls.STANDING), {"policy": walls.POLICY}))

    assert standing == set(Base.metadata.tables)


def test_a_table_with_a_client_is_walled_by_it_unless_a_reason_stands_beside_it() -> None:
    walled = {name for name, table in Base.metadata.tables.items() if walls.wall_of(table) is walls.Wall.NONE}

    assert walled == set(walls.REASONS)
    assert all(len(reason) > 10 for reason in walls.REASONS.values())
