"""The backup of yesterday, the vendor of today: nothing is opened twice, and what nobody here knows is put before a person.

Source: reliability.md, section 3.2, step 11, and section 9, test 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.app import owner_of
from tests.desk import Desk, cover_labour, make_unit, odd_adapters
from tests.servers import postgres_programs
from warranty import db, relay, tasks
from warranty.domain.access import TokenScope
from warranty.domain.lifecycles import RmaState
from warranty.domain.terms import Role
from warranty.models import Client, HumanTask, Outbox, Rma
from warranty.models.work import OrderStatus, TaskKind
from warranty.services import accounts, backups
from warranty.services.moves import Because
from warranty.web import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Databases
    from vendors.sandbox import Twin
    from warranty.models import Asset
    from warranty.runtime import Runtime


@dataclass(slots=True)
class House:
    """A desk whose account serves any number of units; what is worked on is done until nothing is left."""

    desk: Desk
    path: Path
    token: str = ""
    calls: int = field(default=0)

    @property
    def runtime(self) -> Runtime:
        return self.desk.runtime

    def unit(self) -> Asset:
        """One more covered unit."""
        with self.desk.session() as session:
            client = session.get_one(Client, self.desk.client_key)
            asset = make_unit(session, client, manufacturer=self.desk.maker)
            factories.make_coverage(session, asset)
            cover_labour(session, asset)
        return asset

    def report(self, asset: Asset) -> None:
        """Somebody reports a fault of it over REST."""
        self.calls += 1
        body = {"asset_id": str(asset.public_id), "component": "disk", "cause": "hardware_failure", "symptom": "Dead."}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"{self.path}-{self.calls}"}
        answer = create_app(self.runtime).test_client().post("/api/v1/faults", json=body, headers=headers)
        assert answer.status_code == 201, answer.text

    def work(self) -> None:
        """What relay and workers do until nothing is left but what waits for a person, or for the account to be released."""
        for _ in range(8):
            self.desk.let_pass(120)
            with self.desk.session() as session:
                relay.order_sweeps(session, self.runtime)
            self._perform()

    def work_without_sweep(self) -> None:
        """What the workers do before anything was listed."""
        for _ in range(3):
            self.desk.let_pass(120)
            self._perform()

    def _perform(self) -> None:
        with self.desk.session() as session:
            pending = select(Outbox.id).where(Outbox.status == OrderStatus.PENDING).order_by(Outbox.id)
            ids = session.scalars(pending).all()
        for order_id in ids:
            tasks.perform(self.runtime, order_id)

    def back_up(self) -> backups.Backup:
        return backups.make(self.runtime.settings, self.path)

    def restore(self) -> backups.Restored:
        self.runtime.database.dispose()
        owner_of(self.runtime.database).dispose()
        return backups.restore(self.runtime.settings, self.path, by="somebody", force=True)

    def claim_of(self, asset: Asset) -> Rma:
        """The only claim of a unit."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return session.scalars(select(Rma).where(Rma.asset_id == asset.id)).one()

    def opened(self) -> dict[str, int]:
        """How many cases the vendor has of each of our references."""
        assert self.desk.twin is not None
        found: dict[str, int] = {}
        for case in self.desk.twin.opened:
            found[case["reference"]] = found.get(case["reference"], 0) + 1
        return found

    def strays(self) -> list[HumanTask]:
        with self.runtime.database.read(db.EVERYBODY) as session:
            return list(session.scalars(select(HumanTask).where(HumanTask.kind == TaskKind.STRAY_CASE)))


@pytest.fixture
def build(runtime: Runtime, twin: Twin, tmp_path: Path, postgres_databases: Databases) -> Any:
    """Builds the house with the account of a vendor."""

    def building(vendor: str = "servicenow", **options: Any) -> House:
        settings = replace(runtime.settings, files_url=(tmp_path / "files").as_uri())
        if not runtime.database.is_sqlite:
            owner = postgres_databases.as_owner(runtime.database.url)
            settings = replace(settings, migration_database_url=owner, postgresql_bin=postgres_programs())
        house = House(
            Desk(replace(runtime, settings=settings), twin, vendor=vendor, **options), tmp_path / "backup.zip"
        )
        with house.desk.session() as session:
            user = factories.make_user(session, Role.TECHNICIAN)
            house.token = factories.make_token(session, user, [TokenScope.WRITE])
        return house

    return building


def test_the_cases_of_today_are_opened_no_second_time_and_those_that_nobody_knows_wait_for_a_person(build: Any) -> None:
    house = build()
    known, pending, lost, reported_again, new = (house.unit() for _ in range(5))
    house.report(known)
    house.work()
    house.report(pending)
    made = house.back_up()
    # The day goes on: the pending claim is opened, and two that the backup has never heard of.
    house.report(lost)
    house.report(reported_again)
    house.work()
    strays = {house.claim_of(unit).vendor_case_number for unit in (lost, reported_again)}
    assert len(house.opened()) == 4

    done = house.restore()

    assert done.after.held == (house.desk.account().name,)
    assert house.desk.account().opens_held_since == made.manifest.at
    house.report(reported_again)
    house.report(new)
    house.work_without_sweep()
    assert len(house.opened()) == 4
    assert house.claim_of(new).state is RmaState.SUBMITTED

    house.work()

    assert house.desk.account().opens_held_since is None
    assert set(house.opened().values()) == {1}
    # The two that were known have their cases, the new one went out by itself, and nothing else was opened.
    assert len(house.opened()) == 5
    for unit in (known, pending, new):
        claim = house.claim_of(unit)
        assert claim.vendor_case_number is not None
        assert house.opened()[claim.client_reference] == 1
    # Both cases that no claim here knows are tasks, and the unit that was reported again waits for a person.
    assert {task.resolved_at for task in house.strays()} == {None}
    said = " ".join(task.why for task in house.strays())
    assert len(house.strays()) == 2
    assert all(str(number) in said for number in strays)
    assert house.claim_of(reported_again).state is RmaState.MANUAL_HANDLING


def test_where_the_vendor_cannot_list_its_cases_every_claim_waits_for_a_person_until_one_has_looked(
    build: Any,
) -> None:
    with odd_adapters():
        house = build("mute")
        pending, new, later = (house.unit() for _ in range(3))
        house.report(pending)
        house.back_up()
        house.work()
        opened = house.opened()
        house.restore()
        house.report(new)

        house.work()

        assert house.opened() == opened
        assert house.claim_of(pending).state is RmaState.MANUAL_HANDLING
        assert house.claim_of(new).state is RmaState.MANUAL_HANDLING
        with house.desk.session() as session:
            account = session.get_one(type(house.desk.account()), house.desk.account_id)
            accounts.release(session, account, because=Because("user:1", "I looked.", db.now(session)))
        house.report(later)
        house.work()
        assert len(house.opened()) == len(opened) + 1
        assert house.claim_of(later).vendor_case_number is not None
