"""``warranty doctor`` on an installation that is well, and on one that is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from rq import Worker
from rq.serializers import JSONSerializer
from sqlalchemy import update

from tests import factories
from tests.desk import Desk, let_pass
from warranty import config, db, queue, relay
from warranty.cli import main
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.models import Outbox, Rma, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import accounts, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime


@pytest.fixture
def well(runtime: Runtime, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The settings of an installation with a worker, a relay, an account and an anchor."""
    with queue.connect(runtime.settings.redis_url) as connection:
        worker = Worker([queue.work_queue(connection)], connection=connection, serializer=JSONSerializer)
        worker.register_birth()
        relay.turn(runtime, connection)
        with runtime.database.begin(db.EVERYBODY) as session:
            accounts.add(
                session,
                runtime,
                vendor="servicenow",
                name="Desk",
                secrets={"username": "desk", "password": "geheim"},
                options={},
                base_url="http://127.0.0.1:9",
                because=Because(OPERATOR.actor, "test", datetime.now(UTC)),
            )
        yield environment | {"WARRANTY_AUDIT_ANCHOR": environment["WARRANTY_INSTANCE"]}
        worker.register_death()


def ask(environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
    said = CliRunner().invoke(main, ["doctor", "--json"], env=environment)
    assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
    return said.exit_code, json.loads(said.output)


def troubles(environment: dict[str, str], level: str) -> list[str]:
    return [f"{found['said']} {found['mend']}" for found in ask(environment)[1]["findings"] if found["level"] == level]


def test_nothing_is_wrong_where_everything_runs(well: dict[str, str]) -> None:
    status, said = ask(well)

    assert status == 0, said["findings"]
    assert {found["area"] for found in said["findings"] if found["level"] == "ok"} == {
        "settings", "files", "queue", "schema", "database", "work", "keys", "vendors",
    }  # fmt: skip


def test_every_setting_is_listed_with_its_source_and_no_secret(well: dict[str, str]) -> None:
    given = well | {"WARRANTY_RELAY_SECONDS": "3", "DATABASE_URL": well["DATABASE_URL"], "SECRET_KEY": "a" * 40}

    shown = {entry["name"]: entry for entry in ask(given)[1]["settings"]}

    assert (shown["WARRANTY_RELAY_SECONDS"]["value"], shown["WARRANTY_RELAY_SECONDS"]["source"]) == (
        "3.0",
        "environment",
    )
    assert shown["WARRANTY_BASE_URL"]["source"] == "default"
    assert "a" * 40 not in str(shown)


def test_passwords_in_addresses_are_masked(environment: dict[str, str]) -> None:
    given = environment | {"WARRANTY_WORKER_DATABASE_URL": "postgresql://worker:geheim@127.0.0.1/x"}

    said = CliRunner().invoke(main, ["doctor"], env=given).output

    assert "worker:***@127.0.0.1" in said
    assert "geheim" not in said


def test_every_setting_that_is_read_is_listed() -> None:
    asked: set[str] = set()

    class Recorder(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return super().get(name, default)

    config.load(Recorder(WARRANTY_MODE="production", SECRET_KEY="s" * 40, WARRANTY_ENCRYPTION_KEYS="A" * 43 + "="))

    assert asked == set(config.FIELDS)


def test_a_setting_that_cannot_be_is_wrong_and_named(environment: dict[str, str]) -> None:
    status, said = ask(environment | {"WARRANTY_LEASE_SECONDS": "soon"})

    assert status == 1
    assert [found["said"] for found in said["findings"]] == [
        "WARRANTY_LEASE_SECONDS is 'soon'; it is a number of seconds above 0."
    ]


def test_a_schema_of_another_version_is_wrong_and_says_the_command(environment: dict[str, str], tmp_path: Any) -> None:
    empty = f"sqlite:///{tmp_path}/empty.sqlite3"

    assert any("warranty db upgrade" in said for said in troubles(environment | {"DATABASE_URL": empty}, "wrong"))


def test_a_database_that_cannot_be_reached_is_wrong(environment: dict[str, str]) -> None:
    away = environment | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}

    assert any("cannot be used" in said for said in troubles(away, "wrong"))


def test_a_queue_server_that_is_away_is_wrong(environment: dict[str, str]) -> None:
    away = environment | {"REDIS_URL": "redis://127.0.0.1:1"}

    assert any("queue server does not answer" in said for said in troubles(away, "wrong"))


def test_without_workers_and_relay_each_is_said(environment: dict[str, str]) -> None:
    with queue.connect(environment["REDIS_URL"]) as connection:
        connection.flushdb()  # workers of other tests

    found = troubles(environment, "wrong")

    assert any("warranty worker" in said for said in found)
    assert any("warranty relay" in said for said in found)


def test_orders_that_wait_for_somebody_are_counted(well: dict[str, str], runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        for status in (OrderStatus.PARKED, OrderStatus.DEAD, OrderStatus.DEAD):
            work.add(session, OrderKind.READ_CASES, now=datetime.now(UTC)).status = status

    found = " ".join(troubles(well, "warning"))

    assert "1 orders wait for an account" in found
    assert "2 orders were given up" in found
    assert "warranty review list" in found


def test_what_was_given_up_is_not_brought_up_for_ever(well: dict[str, str], runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        long_ago = now - timedelta(days=30)
        for _ in range(2):
            work.add(session, OrderKind.READ_CASES, now=long_ago, due_at=long_ago).status = OrderStatus.DEAD

    assert not any("given up" in said for said in troubles(well, "warning"))


def test_a_register_that_nobody_seals_is_said_with_its_age(well: dict[str, str], runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        serial = factories.make_asset(session, factories.make_client(session)).serial_number
    let_pass(runtime, 2.0)  # the sealer's rhythm
    with queue.connect(runtime.settings.redis_url) as connection:
        relay.turn(runtime, connection)
    with runtime.database.begin(db.EVERYBODY) as session:
        an_hour_ago = db.now(session) - timedelta(hours=1)
        factories.make_fault(session, runtime, OPERATOR, now=an_hour_ago, serial_number=serial)

    assert any("no seal for 60 minutes" in said for said in troubles(well, "warning"))


def test_what_workers_left_and_what_nobody_knows_are_said(well: dict[str, str], runtime: Runtime) -> None:
    desk = Desk(runtime)
    desk.report()
    with runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        session.execute(update(Outbox).values(steals=1, first_claimed_at=now))
        session.execute(update(Rma).values(state=RmaState.OUTCOME_UNKNOWN))

    found = " ".join(troubles(well, "warning"))

    assert "a worker vanished and another took over" in found
    assert "1 claims nobody knows" in found
    assert "warranty review list --kind outcome_unknown" in found


def test_an_order_that_nobody_takes_is_said_with_its_age(well: dict[str, str], runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        work.add(session, OrderKind.READ_CASES, now=datetime.now(UTC))
        session.flush()
        session.execute(update(Outbox).values(next_at=db.now(session) - timedelta(minutes=5)))

    assert any("due for 5 minutes" in said for said in troubles(well, "warning"))


def test_an_account_that_rests_or_was_refused_is_named(well: dict[str, str], runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        later = db.now(session) + timedelta(minutes=1)
        session.execute(update(VendorAccount).values(closed_until=later, check_trouble="It refused the password."))

    found = " ".join(troubles(well, "warning"))

    assert "Desk failed five times" in found
    assert "Desk: It refused the password." in found


def test_secrets_kept_under_another_key_are_wrong(well: dict[str, str]) -> None:
    other = well | {"WARRANTY_ENCRYPTION_KEYS": "B" * 43 + "="}

    assert any("Desk" in said and "WARRANTY_ENCRYPTION_KEYS" in said for said in troubles(other, "wrong"))
