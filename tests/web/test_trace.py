"""A request in the logs: one id everywhere, one line at its end, and nobody's words in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from tests.web.conftest import NOBODYS_ID, World, fault_body
from warranty import logs
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged since this was asked last."""
    logs.configure()
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    structlog.reset_defaults()


def test_an_id_that_the_caller_has_is_kept_and_one_that_is_none_is_replaced(world: World, lines: Any) -> None:
    given = {"a-proxy.made_THIS-1": True, "short": False, "x" * 65: False, "a b c d e f g": False, '{"a": 1}//': False}
    for text, is_kept in given.items():
        answer = world.call("GET", "/clients", world.tokens[Role.ADMIN], headers={"X-Request-Id": text})

        (line,) = lines()
        assert line["request_id"] == answer.headers["X-Request-Id"]
        assert (answer.headers["X-Request-Id"] == text) is is_kept, text


def test_a_problem_document_its_answer_and_its_lines_have_one_id(world: World, lines: Any) -> None:
    answer = world.call("GET", f"/faults/{NOBODYS_ID}", world.tokens[Role.ADMIN])

    (line,) = lines()
    said: Any = answer.json
    assert said["request_id"] == answer.headers["X-Request-Id"] == line["request_id"]
    assert (line["event"], line["status"], line["level"]) == ("web.request", 404, "info")


def test_the_line_of_a_request_names_the_route_the_case_and_who_asked_by_pseudonym(world: World, lines: Any) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    (opened,) = lines()
    world.get(f"/rmas/{made['rma_id']}?q=typed")
    (read,) = lines()

    assert (opened["method"], opened["route"], opened["status"]) == ("POST", "/api/v1/faults", 201)
    assert (opened["fault"][:2], opened["claim"][:3]) == ("F-", "WR-")
    assert (read["route"], read["claim"]) == ("/api/v1/rmas/<uuid:id>", opened["claim"])
    assert read["actor"].startswith("user:")
    assert read["duration_ms"] >= 0
    assert read["request_id"] != opened["request_id"]


def test_who_was_not_let_in_is_nobody_and_the_next_request_inherits_nothing(world: World, lines: Any) -> None:
    world.report(serial_number=world.ours.covered_serial)
    world.call("GET", "/clients", "no token")
    world.app.test_client().get("/nowhere/at/all")

    _, refused, nowhere = lines()
    assert (refused["status"], "actor" in refused, "fault" in refused) == (401, False, False)
    assert (nowhere["status"], nowhere["route"]) == (404, None)


def test_a_foreign_host_is_refused_and_logged(world: World, lines: Any) -> None:
    answer = world.app.test_client().get("/login", headers={"Host": "evil.example"})

    (line,) = lines()
    assert (answer.status_code, line["status"]) == (400, 400)
    assert "evil" not in json.dumps(line)


def test_health_and_measurements_are_not_logged_while_all_is_well(world: World, lines: Any) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert world.app.test_client().get(path).status_code == 200
    assert lines() == []

    world.app.test_client().get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
    assert [line["status"] for line in lines()] == [401]


def test_no_line_of_a_request_holds_what_people_typed(world: World, lines: Any) -> None:
    canary, token = world.ours.canary, world.tokens[Role.ADMIN]
    contact = {"name": canary, "phone": canary, "email": f"{canary}@example.com"}
    body = fault_body(serial_number=world.ours.covered_serial, symptom=canary, contact=contact)
    world.call("POST", "/faults", token, json=body)
    world.call("GET", f"/assets?q={canary}", token)
    world.call("PUT", f"/assets/by-ref/psa/{canary}", token, json={"name": canary})
    world.app.test_client().post("/login", data={"email": f"{canary}@example.com", "password": canary})
    world.app.test_client().get(f"/{canary}")

    written = json.dumps(lines())
    assert written.count("web.request") == 5
    assert canary not in written
    assert token not in written
