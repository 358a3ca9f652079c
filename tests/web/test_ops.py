"""What watches the product: alive, ready, measured; and that no answer of it holds anybody's data."""

from __future__ import annotations

import math
import os
import signal
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from rq import Worker
from rq.serializers import JSONSerializer

from tests import factories
from tests.web.conftest import World, revoke, watching
from tests.web.visitor import visit, words
from vendors.contract import VendorCase, VendorStatus
from warranty import config, db, queue, relay
from warranty.domain.access import TokenScope
from warranty.domain.terms import Role
from warranty.models.work import OrderKind, OrderStatus
from warranty.runtime import Runtime
from warranty.services import strays, work
from warranty.web import create_app, guards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.servers import PostgresServer, ValkeyServer


@contextmanager
def app_over(environment: dict[str, str], **changes: str) -> Iterator[Flask]:
    """The application over other settings."""
    runtime = Runtime.of(config.load(environment | changes))
    try:
        yield create_app(runtime)
    finally:
        runtime.database.dispose()


@pytest.fixture
def without_database(environment: dict[str, str], tmp_path: Path) -> Iterator[Flask]:
    """The application while its database is away."""
    if environment["DATABASE_URL"].startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'no folder' / 'x.sqlite3'}"
    else:
        url = f"postgresql+psycopg://nobody@/none?host={tmp_path}"
    with app_over(environment, DATABASE_URL=url) as app:
        yield app


# --- alive and ready ---


def test_a_process_with_its_database_is_alive_and_ready(world: World) -> None:
    visitor = visit(world.app)

    assert visitor.get("/health/live").json == {"status": "live"}
    assert visitor.get("/health/ready").json == {"status": "ready"}


def test_without_its_database_a_process_is_alive_and_not_ready(without_database: Flask, tmp_path: Path) -> None:
    visitor = visit(without_database)

    ready = visitor.get("/health/ready")

    assert visitor.get("/health/live").status_code == 200
    assert (ready.status_code, int(ready.headers["Retry-After"]) > 0) == (503, True)
    assert str(tmp_path) not in ready.text
    assert "Traceback" not in ready.text


def test_over_a_schema_of_another_version_a_process_is_not_ready(environment: dict[str, str], tmp_path: Path) -> None:
    with app_over(environment, DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite3'}") as app:
        ready = visit(app).get("/health/ready")

        assert ready.status_code == 503
        assert "schema" in ready.text


def test_a_database_that_hangs_keeps_nobody_waiting_who_asks_whether_a_process_is_ready(
    environment: dict[str, str], durable_postgres: PostgresServer
) -> None:
    url = durable_postgres.databases.create()
    db.upgrade(url)
    with app_over(environment, DATABASE_URL=url) as app:
        visitor = visit(app)
        assert visitor.get("/health/ready").status_code == 200
        frozen = durable_postgres.pid()
        os.kill(frozen, signal.SIGSTOP)
        try:
            asked = [visitor.get("/health/ready") for _ in range(2)]
            assert visitor.get("/health/live").status_code == 200
        finally:
            os.kill(frozen, signal.SIGCONT)

        assert [answer.status_code for answer in asked] == [503, 503]
        wait_for(lambda: visitor.get("/health/ready").status_code == 200)
    durable_postgres.databases.drop(url)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


@pytest.mark.usefixtures("own_limiter")
def test_without_its_queue_server_a_process_is_ready_since_reports_are_taken(environment: dict[str, str]) -> None:
    with app_over(environment, REDIS_URL="redis://127.0.0.1:9/0") as app:
        visitor = visit(app)

        assert visitor.get("/health/live").status_code == 200
        assert visitor.get("/health/ready").json == {"status": "ready"}


def test_while_the_database_is_away_a_page_says_so_and_keeps_nobody_waiting(without_database: Flask) -> None:
    visitor = visit(without_database, Accept_Language="de")
    with visitor.browser.session_transaction() as session:
        session["_user_id"] = f"{'0' * 32}.{'0' * 32}"

    answer = visitor.get("/cases")

    assert answer.status_code == 503
    assert "Die Datenbank antwortet nicht" in words(answer.text)


# --- measurements ---


def measured(answer: TestResponse) -> dict[str, float]:
    """Each measurement by its name and labels."""
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def metrics(world: World) -> dict[str, float]:
    return measured(visit(world.app).get("/metrics"))


def test_what_waits_is_counted(world: World) -> None:
    world.report(serial_number=world.ours.covered_serial)
    world.report(serial_number="unknown", client=str(world.ours.id))
    before = metrics(world)
    world.report(serial_number="unknown too", client=str(world.ours.id))

    answer = visit(world.app).get("/metrics")

    found = measured(answer)
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert found['warranty_open_tasks{kind="review"}'] == before['warranty_open_tasks{kind="review"}'] + 1
    assert found['warranty_open_claims{state="submitted"}'] == 1
    assert found['warranty_open_claims{state="outcome_unknown"}'] == 0
    assert found['warranty_orders{status="pending",kind="send_rma"}'] == 1
    assert found["warranty_oldest_due_order_seconds"] >= 0


def test_the_oldest_order_that_is_due_and_what_was_given_up_are_measured(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        for status in (OrderStatus.PENDING, OrderStatus.DEAD, OrderStatus.DONE):
            work.add(session, OrderKind.PULL, now=now, due_at=now - timedelta(hours=1)).status = status
        work.add(session, OrderKind.PULL, now=now, due_at=now + timedelta(hours=1))

    found = metrics(world)

    assert found["warranty_oldest_due_order_seconds"] >= 3600
    assert found['warranty_orders{status="pending",kind="pull"}'] == 2
    assert found['warranty_orders{status="dead",kind="pull"}'] == 1
    assert 'warranty_orders{status="done",kind="pull"}' not in found


def test_each_account_is_measured_under_its_id_and_its_name(world: World) -> None:
    name = 'Berlin "North" \\ two\nlines'
    with world.runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        account = factories.make_account(session, world.runtime, name=name)
        account.failures, account.closed_until, account.pushes_refused = 5, now + timedelta(hours=1), 3
        work.add(session, OrderKind.PULL, now=now, account_id=account.id).status = OrderStatus.PARKED

    found = metrics(world)

    labels = f'{{account="{account.public_id}",name="Berlin \\"North\\" \\\\ two\\nlines",vendor="servicenow"}}'
    assert found[f"warranty_breaker_open{labels}"] == 1
    assert found[f"warranty_account_failures{labels}"] == 5
    assert found[f"warranty_account_parked_orders{labels}"] == 1
    assert found[f"warranty_account_switched_off{labels}"] == 0
    assert found[f"warranty_pushes_refused_total{labels}"] == 3


def test_an_account_of_one_client_is_measured_under_its_id_alone(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        account = factories.make_account(session, world.runtime, name=world.ours.name, client=client)

    assert f'warranty_breaker_open{{account="{account.public_id}",name="",vendor="servicenow"}}' in metrics(world)


def test_a_vendor_case_that_belongs_to_no_claim_is_counted(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        account = factories.make_account(session, world.runtime)
        case = VendorCase("CS-1", VendorStatus.RECEIVED, client_reference="WR-NOBODYS")
        strays.find(session, account, [case], now=db.now(session))

    assert metrics(world)["warranty_sightings_without_rma"] == 1


def test_the_register_is_behind_until_a_relay_has_sealed_it(world: World, redis_url: str) -> None:
    world.report(serial_number=world.ours.covered_serial)
    assert metrics(world)["warranty_relay_turn_age_seconds"] == math.inf

    with queue.connect(redis_url) as connection:
        relay.turn(world.runtime, connection)

    found = metrics(world)
    assert found["warranty_register_unsealed_seconds"] == 0
    assert 0 <= found["warranty_relay_turn_age_seconds"] < 3600


def test_workers_are_counted_while_they_are_heard_of(world: World, redis_url: str) -> None:
    with queue.connect(redis_url) as connection:
        connection.flushdb()
        assert (metrics(world)["warranty_queue_up"], metrics(world)["warranty_workers"]) == (1, 0)
        worker = Worker([queue.work_queue(connection)], connection=connection, serializer=JSONSerializer)
        worker.register_birth()
        assert metrics(world)["warranty_workers"] == 1

        connection.delete(worker.key)  # killed: its entry ran out, and nobody has tidied up
        assert metrics(world)["warranty_workers"] == 0
        connection.flushdb()


@pytest.mark.usefixtures("own_limiter")
def test_a_queue_server_that_is_away_or_frozen_is_measured_and_keeps_nobody_waiting(
    environment: dict[str, str], own_redis: ValkeyServer
) -> None:
    with app_over(environment, REDIS_URL=own_redis.url) as app:
        frozen = own_redis.pid()
        os.kill(frozen, signal.SIGSTOP)
        try:
            assert measured(visit(app).get("/metrics"))["warranty_queue_up"] == 0
        finally:
            os.kill(frozen, signal.SIGCONT)
        own_redis.crash()
        assert measured(visit(app).get("/metrics"))["warranty_queue_up"] == 0


def test_however_much_there_is_it_takes_the_same_few_statements(world: World) -> None:
    def statements() -> int:
        with watching(world) as seen:
            visit(world.app).get("/metrics")
        return len(seen["statements"])

    before = statements()
    for _ in range(3):
        world.report(serial_number="unknown", client=str(world.ours.id))
    with world.runtime.database.begin(db.EVERYBODY) as session:
        for _ in range(3):
            factories.make_account(session, world.runtime)

    assert statements() == before <= 14


def test_every_measurement_is_announced_with_what_it_is(world: World) -> None:
    lines = visit(world.app).get("/metrics").text.splitlines()

    announced = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE ")}
    assert {line.split()[2] for line in lines if line.startswith("# HELP ")} == set(announced)
    assert {line.partition("{")[0].partition(" ")[0] for line in lines if not line.startswith("#")} == set(announced)
    for name, kind in announced.items():
        assert kind == ("counter" if name.endswith("_total") else "gauge")


def test_measurements_hold_nobodys_data(world: World) -> None:
    world.report(serial_number=world.ours.covered_serial, symptom=world.ours.canary)

    said = visit(world.app).get("/metrics").text

    assert "canary" not in said
    assert "@" not in said


FORWARDED = {
    "Forwarded": "for=192.0.2.7",
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "127.0.0.1",
    "X-Real-IP": "192.0.2.7",
    "Via": "1.1 proxy",
}


def test_what_comes_through_a_proxy_on_this_machine_needs_a_token(world: World) -> None:
    for name, value in FORWARDED.items():
        answer = visit(world.app).get("/metrics", headers={name: value})

        assert answer.status_code == 401, name
        assert "warranty_" not in answer.text


def test_what_comes_from_another_machine_needs_a_token_of_the_msp(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        revoked = factories.make_token(session, world.users[Role.AUDITOR], [TokenScope.READ])
    revoke(world, revoked)
    visitor = visit(world.app)
    visitor.browser.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    tokens = {
        "": 401,
        "nonsense": 401,
        revoked: 401,
        world.ours.tokens[Role.CLIENT_VIEWER]: 401,
        world.tokens[Role.AUDITOR]: 200,
    }

    for token, status in tokens.items():
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert visitor.get("/metrics", headers=headers).status_code == status, token


# --- what every page sends ---


def test_every_page_with_data_is_kept_nowhere_framed_nowhere_and_runs_no_foreign_script(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    staff = visit(world.app, world.users[Role.SERVICE_MANAGER])
    client = visit(world.app, world.ours.users[Role.CLIENT_VIEWER])
    case = f"cases/{made['id']}"
    pages = [staff.get(path) for path in ("/", "/cases", f"/{case}", f"/{case}/live", "/faults/new", "/login")]
    pages += [client.get(path) for path in ("/portal", f"/portal/{case}", f"/portal/{case}/live", "/portal/faults/new")]

    for page in pages:
        policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
        assert page.status_code == 200, page.request.path
        assert page.headers["Cache-Control"] == "no-store", page.request.path
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        scans = page.request.path == "/faults/new"  # the only page that reads codes, which takes WebAssembly of our own
        assert policy["script-src"] == ("'self' 'wasm-unsafe-eval'" if scans else "'self'"), page.request.path
        assert policy["style-src"] == policy["form-action"] == "'self'"


# --- error pages ---


def break_down(app: Flask, said: str) -> None:
    """Add a page that fails inside."""

    def view() -> str:
        raise RuntimeError(said)

    app.add_url_rule("/broken", "broken", guards.public("a test breaks it")(view))


def test_a_page_of_an_error_holds_no_data_and_speaks_the_readers_language(
    world: World, subtests: pytest.Subtests
) -> None:
    break_down(world.own_app(), world.ours.canary)
    user = world.ours.users[Role.CLIENT_VIEWER]
    visitor = visit(world.app, user, Accept_Language="de")
    headings = {
        "/cases": (403, "Das dürfen Sie nicht"),
        f"/portal/cases/{world.ours.id}": (404, "Hier ist nichts"),
        "/broken": (500, "Bei uns ist etwas kaputtgegangen"),
    }
    for path, (status, heading) in headings.items():
        with subtests.test(path):
            answer = visitor.get(path)

            assert (answer.status_code, answer.mimetype) == (status, "text/html")
            assert heading in words(answer.text)
            assert "canary" not in answer.text
            assert user.email not in answer.text
