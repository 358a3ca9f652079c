"""Backing up and restoring by hand."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import pytest
import redis
from rq import Worker
from rq.serializers import JSONSerializer

from tests import factories
from tests.app import owner_of
from tests.cli.conftest import Shell
from tests.servers import postgres_programs
from warranty import db, queue
from warranty.models import AuditRow, Client
from warranty.services import audit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Databases
    from warranty.runtime import Runtime


@pytest.fixture
def shell(environment: dict[str, str], runtime: Runtime, postgres_databases: Databases, tmp_path: Path) -> Shell:
    """The command of whoever runs the database: on PostgreSQL also as the tables' owner."""
    given = environment | {"WARRANTY_FILES_URL": (tmp_path / "files").as_uri()}
    if not runtime.database.is_sqlite:
        given["WARRANTY_MIGRATION_DATABASE_URL"] = postgres_databases.as_owner(runtime.database.url)
        given["WARRANTY_POSTGRESQL_BIN"] = str(postgres_programs())
    return Shell(given)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


def leave(runtime: Runtime) -> None:
    """Let nobody have the database open."""
    runtime.database.dispose()
    owner_of(runtime.database).dispose()


def clients(runtime: Runtime) -> list[str]:
    with runtime.database.read(db.EVERYBODY) as session:
        return [row.name for row in session.query(Client).order_by(Client.id)]


def test_a_backup_is_made_and_restored(shell: Shell, runtime: Runtime, path: Path) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        kept = factories.make_client(session).name

    made = shell.gives("backup", path)
    assert (made["file"], made["contents"], made["missing"]) == (str(path), 0, [])
    assert made["engine"] == ("sqlite" if runtime.database.is_sqlite else "postgresql")
    assert "is there already: choose another name, or pass --force" in shell.refuses("backup", path)
    assert "Keep" in shell("backup", "--help").stdout
    assert "keep them apart" in shell.says("backup", path, "--force")
    with runtime.database.begin(db.EVERYBODY) as session:
        factories.make_client(session)
    leave(runtime)

    assert "The database is not empty" in shell.refuses("restore", path)
    done = shell.gives("restore", path, "--force")

    assert (done["contents"], done["searched_first"], done["tokens"]) == (0, 0, 0)
    assert clients(runtime) == [kept]
    with runtime.database.read(db.EVERYBODY) as session:
        (row,) = session.query(AuditRow).where(AuditRow.action == "restore")
    assert row.detail is not None
    assert (row.detail["by"], row.detail["digest"]) == (getpass.getuser(), done["digest"])
    leave(runtime)
    assert "Everybody signs in anew" in shell.says("restore", path, "--force")
    with runtime.database.begin(db.EVERYBODY) as session:
        audit.seal(session, runtime.box)
    assert f"UTC {getpass.getuser()} restored the backup of {done['at']}" in shell.says("audit", "verify")
    (restored,) = shell.gives("audit", "verify")["restores"]
    assert (restored["by"], restored["digest"]) == (getpass.getuser(), done["digest"])


def test_nothing_is_restored_while_a_worker_is_registered(
    shell: Shell, runtime: Runtime, path: Path, redis_url: str
) -> None:
    shell.says("backup", path)
    leave(runtime)
    with redis.from_url(redis_url) as connection:
        worker = Worker([queue.work_queue(connection)], connection=connection, serializer=JSONSerializer)
        worker.register_birth()
        try:
            assert "1 workers are at work: stop them" in shell.refuses("restore", path, "--force")
        finally:
            worker.register_death()

    shell.says("restore", path, "--force")


def test_a_drill_says_what_it_is(shell: Shell, runtime: Runtime, path: Path) -> None:
    shell.says("backup", path)
    leave(runtime)

    assert "every account is switched off, and no client gets a mail" in shell.says(
        "restore", path, "--force", "--drill"
    )
