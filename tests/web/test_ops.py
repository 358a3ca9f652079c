"""What watches the product: alive, ready, measured; and that no answer of it holds anybody's data."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.web.conftest import World, revoke
from tests.web.visitor import visit, words
from warranty import config, db
from warranty.domain.access import TokenScope
from warranty.domain.terms import Role
from warranty.runtime import Runtime
from warranty.web import create_app, guards

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse


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


def test_what_waits_is_counted(world: World) -> None:
    world.report(serial_number=world.ours.covered_serial)
    world.report(serial_number="unknown", client=str(world.ours.id))
    before = measured(visit(world.app).get("/metrics"))
    world.report(serial_number="unknown too", client=str(world.ours.id))

    answer = visit(world.app).get("/metrics")

    found = measured(answer)
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert found["warranty_open_tasks"] == before["warranty_open_tasks"] + 1
    assert found['warranty_open_claims{state="submitted"}'] == 1
    assert found['warranty_orders{status="pending"}'] >= 1
    assert found["warranty_oldest_due_order_seconds"] >= 0


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
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"


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
