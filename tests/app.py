"""The product under test, on both databases: a migrated database, a runtime, and a small believable estate."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from warranty import config, db
from warranty.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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
    url = postgres_databases.create()
    db.upgrade(url)
    yield url
    postgres_databases.drop(url)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database on each engine."""
    if request.param == "sqlite":
        path = tmp_path / "warranty.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    make: Callable[..., str] = request.getfixturevalue("new_postgres_database")
    return make(template=request.getfixturevalue("postgres_template"))


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


@pytest.fixture
def environment(database_url: str, tmp_path: Path, redis_url: str) -> dict[str, str]:
    """The settings of a process under test, as it would read them from its environment."""
    return environment_of(database_url, tmp_path, redis_url)


@pytest.fixture(scope="session", params=ENGINES)
def shared_runtime(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_url: str
) -> Iterator[Runtime]:
    """A runtime on each engine that tests share which look at nothing but their own client's rows.

    A database for each test would be most of the time of those that are short and many.
    """
    folder = tmp_path_factory.mktemp("shared")
    databases: Databases | None = None
    if request.param == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), folder / 'warranty.sqlite3')}"
    else:
        databases = request.getfixturevalue("postgres_databases")
        url = databases.create(request.getfixturevalue("postgres_template"))
    made = Runtime.of(config.load(environment_of(url, folder, redis_url)))
    yield made
    made.database.dispose()
    if databases is not None:
        databases.drop(url)


@pytest.fixture
def runtime(environment: dict[str, str]) -> Iterator[Runtime]:
    """Settings, database and keys of a process under test."""
    made = Runtime.of(config.load(environment))
    yield made
    made.database.dispose()


@pytest.fixture
def database(runtime: Runtime) -> db.Database:
    """The database of the runtime."""
    return runtime.database
