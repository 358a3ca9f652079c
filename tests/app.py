"""The product under test, on both databases: a migrated database and the runtime over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, delete, event, make_url

from warranty import config, db
from warranty.models import Base
from warranty.runtime import Runtime

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tests.servers import Databases

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: a migration for every test would be most of the suite."""
    path = tmp_path_factory.mktemp("template") / "warranty.sqlite3"
    db.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_databases: Databases) -> Iterator[str]:
    """A migrated PostgreSQL database to copy."""
    url = migrated(postgres_databases)
    yield url
    postgres_databases.drop(url)


def migrated(databases: Databases) -> str:
    """A new PostgreSQL database with the product's tables, at the address that the product takes."""
    url = databases.create()
    db.upgrade(url, app_url=databases.as_app(url))
    return databases.as_app(url)


def environment_of(database_url: str, folder: Path, redis_url: str) -> dict[str, str]:
    """The settings of a process under test that keeps its files in ``folder``; times are shrunk to seconds."""
    return {
        "WARRANTY_MODE": "development",
        "WARRANTY_INSTANCE": str(folder / "instance"),
        "WARRANTY_ALLOW_PRIVATE_VENDOR_URLS": "true",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "WARRANTY_VENDOR_TIMEOUT_SECONDS": "2",
        "WARRANTY_LEASE_SECONDS": "6",
        "WARRANTY_SETTLE_SECONDS": "3",
        "WARRANTY_RETRY_SECONDS": "0.2",
        "WARRANTY_RELAY_SECONDS": "2",
        "WARRANTY_POLL_SECONDS": "1",
    }


@contextmanager
def _runtime_over_a_copy(request: pytest.FixtureRequest, engine: str) -> Iterator[Runtime]:
    """A runtime over a database of its own, on SQLite as hurried as the suite's cluster is."""
    folder = request.getfixturevalue("tmp_path_factory").mktemp(engine)
    databases: Databases | None = None
    if engine == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), folder / 'warranty.sqlite3')}"
    else:
        databases = request.getfixturevalue("postgres_databases")
        made_here = databases.create(request.getfixturevalue("postgres_template"))
        url = databases.as_app(made_here)
        _owners[url] = db.make_engine(made_here)
    made = Runtime.of(config.load(environment_of(url, folder, request.getfixturevalue("redis_url"))))
    if made.database.is_sqlite:
        event.listen(made.database.engine, "connect", _hurry)
    yield made
    made.database.dispose()
    if databases is not None:
        _owners.pop(url).dispose()
        databases.drop(url)


_owners: dict[str, Engine] = {}


def owner_of(database: db.Database) -> Engine:
    """A database of a runtime as its tables' owner, whom neither rights nor walls hold back."""
    return _owners.get(database.url, database.engine)


def _hurry(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(scope="session", params=ENGINES)
def shared_runtime(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """A runtime on each engine that tests share which look at nothing but their own client's rows."""
    with _runtime_over_a_copy(request, request.param) as made:
        yield made


@pytest.fixture(scope="module", params=ENGINES)
def module_runtime(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """A runtime on each engine for the tests of one module that share a world which no other test should see."""
    with _runtime_over_a_copy(request, request.param) as made:
        yield made


@pytest.fixture(scope="session")
def kept_sqlite(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """Of `runtime`, on SQLite."""
    with _runtime_over_a_copy(request, "sqlite") as made:
        yield made


@pytest.fixture(scope="session")
def kept_postgresql(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """Of `runtime`, on PostgreSQL."""
    with _runtime_over_a_copy(request, "postgresql") as made:
        yield made


@pytest.fixture(params=ENGINES)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """Settings, database and keys of a process under test, on each engine; the database has no rows and counts from 1.

    The tests of this process take one in turns: a copy for each would take half a second on PostgreSQL, and an engine
    for each would translate every statement anew. Who changes the schema takes a `new_runtime`.
    """
    made: Runtime = request.getfixturevalue(f"kept_{request.param}")
    if made.database.is_sqlite:
        _copy_again(made.database, request.getfixturevalue("sqlite_template"))
    else:
        delete_all(made.database)
    return made


def _copy_again(database: db.Database, template: Path) -> None:
    database.dispose()
    path = str(make_url(database.url).database)
    for suffix in ("", "-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)
    shutil.copy(template, path)


def delete_all(database: db.Database) -> None:
    """Empty a PostgreSQL database of a runtime. Takes 2 ms, where TRUNCATE takes 100. As a replica the server minds neither foreign keys nor triggers."""
    statements = (
        "SET LOCAL session_replication_role = replica",
        *(str(delete(table)) for table in Base.metadata.sorted_tables),
        "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
    )
    with owner_of(database).begin() as connection:
        connection.exec_driver_sql("; ".join(statements))


Restore = Callable[[], None]


def snapshot(runtime: Runtime, folder: Path) -> Restore:
    """Keep what stands in the database of a `runtime`; the answer puts it into that database again, found empty."""
    if runtime.database.is_sqlite:
        kept = folder / "kept.sqlite3"
        runtime.database.dispose()  # the last connection that closes leaves everything in the one file
        shutil.copy(str(make_url(runtime.database.url).database), kept)
        return lambda: _copy_again(runtime.database, kept)
    owner = owner_of(runtime.database)
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA kept")
        names = [table.name for table in Base.metadata.sorted_tables]
        filled = [
            name for name in names if connection.exec_driver_sql(f"SELECT 1 FROM {name} LIMIT 1").first() is not None
        ]
        for name in filled:
            connection.exec_driver_sql(f"CREATE TABLE kept.{name} AS SELECT * FROM {name}")
        counted = connection.exec_driver_sql(
            "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences"
        ).all()
    statements = "; ".join(
        [
            "SET LOCAL session_replication_role = replica",
            *(f"INSERT INTO {name} SELECT * FROM kept.{name}" for name in filled),
            *(f"SELECT setval('{name}', {last})" for name, last in counted if last is not None),
        ]
    )

    def restore() -> None:
        with owner.begin() as connection:
            connection.exec_driver_sql(statements)

    return restore


@pytest.fixture(params=ENGINES)
def new_runtime(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """As `runtime`, over a database that no other test will see."""
    with _runtime_over_a_copy(request, request.param) as made:
        yield made


@pytest.fixture
def environment(runtime: Runtime) -> dict[str, str]:
    """The settings of a process under test, as it would read them from its environment."""
    settings = runtime.settings
    return environment_of(runtime.database.url, settings.instance.parent, settings.redis_url)


@pytest.fixture
def database(runtime: Runtime) -> db.Database:
    """The database of the runtime."""
    return runtime.database
