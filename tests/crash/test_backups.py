"""A backup or a restore that is killed at any moment leaves no half of anything, and the next one does all of it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from tests.app import environment_of, owner_of
from tests.crash.harness import KILLED
from tests.desk import Desk
from tests.servers import postgres_programs
from tests.services.test_files import PDF
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.models import Fault
from warranty.services import files
from warranty.services.files import Upload
from warranty.store import open_store

if TYPE_CHECKING:
    from tests.crash.harness import Steps
    from tests.servers import Databases
    from warranty.runtime import Runtime

KILLS = 12
"""How many of the moments are tried, spread over all of them, the first and the last among them."""


@dataclass(slots=True)
class House:
    """A desk with a file, and processes that back it up, restore it, and die on demand."""

    desk: Desk
    steps: Steps
    settings: dict[str, str]
    path: Path

    def run(self, step: str, moment: int | None = None) -> tuple[int, str]:
        """How a step ended, and what it said."""
        self.desk.runtime.database.dispose()
        owner_of(self.desk.runtime.database).dispose()
        asked = {"step": step, "kill": None, "settings": self.settings, "file": str(self.path), "moment": moment}
        return self.steps.run(asked)

    def moments(self, step: str) -> list[int]:
        """When to kill a step that is about to be run."""
        status, said = self.run(step)
        assert status == 0
        last = int(said)
        assert last > KILLS
        return sorted({1 + (last - 1) * kill // (KILLS - 1) for kill in range(KILLS)})

    def say(self, symptom: str) -> None:
        """Have something to tell two states of the database by."""
        with self.desk.session() as session:
            session.execute(update(Fault).values(symptom=symptom))


@pytest.fixture
def house(runtime: Runtime, tmp_path: Path, redis_url: str, postgres_databases: Databases, steps: Steps) -> House:
    environment = environment_of(runtime.database.url, runtime.settings.instance.parent, redis_url)
    environment["WARRANTY_FILES_URL"] = (tmp_path / "files").as_uri()
    if not runtime.database.is_sqlite:
        environment["WARRANTY_MIGRATION_DATABASE_URL"] = postgres_databases.as_owner(runtime.database.url)
        environment["WARRANTY_POSTGRESQL_BIN"] = str(postgres_programs())
    desk = Desk(replace(runtime, store=open_store(environment["WARRANTY_FILES_URL"])))
    desk.report(symptom="Before.")
    files.take(desk.runtime, OPERATOR, desk.fault(), Upload(PDF, "quote.pdf"), now=datetime.now(UTC))
    return House(desk, steps, environment, tmp_path / "backup.zip")


def test_a_killed_backup_leaves_the_one_before_it_and_the_next_one_is_whole(house: House) -> None:
    moments = house.moments("back_up")
    for moment in moments:
        before = house.path.read_bytes()
        status, _ = house.run("back_up", moment)
        assert status == KILLED
        assert house.path.read_bytes() == before or _is_whole(house.path)

    assert house.run("back_up")[0] == 0

    assert _is_whole(house.path)
    assert sorted(found.name for found in house.path.parent.iterdir()) == ["backup.zip", "files"]


def _is_whole(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return "manifest.json" in archive.namelist() and archive.testzip() is None


def test_a_killed_restore_leaves_what_was_there_or_what_was_restored_and_the_next_one_does_it(house: House) -> None:
    assert house.run("back_up")[0] == 0
    address = house.desk.runtime.database.url
    seen = set()
    for moment in house.moments("restore"):
        house.say("After.")
        status, _ = house.run("restore", moment)
        assert status == KILLED
        assert db.schema_faults(address) == []
        seen.add(house.desk.fault().symptom)
    assert seen <= {"Before.", "After."}

    house.say("After.")
    assert house.run("restore")[0] == 0

    assert house.desk.fault().symptom == "Before."
    database = Path(str(house.desk.runtime.database.engine.url.database))
    assert not list(database.parent.glob("*.restoring*"))
