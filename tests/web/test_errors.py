"""Every error is an answer: a problem document for programs, a page for people, never what went wrong inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from tests.web.conftest import World, fault_body
from warranty import config
from warranty.domain.terms import Role
from warranty.runtime import Runtime
from warranty.services import moves
from warranty.web import create_app, errors, guards

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse


def raw(world: World, body: bytes | str, content_type: str = "application/json") -> TestResponse:
    token = world.tokens[Role.SERVICE_MANAGER]
    return world.call("POST", "/clients", token, data=body, content_type=content_type)


UNREADABLE: list[tuple[bytes | str, str, int, str]] = [
    ("{", "application/json", 400, "malformed"),
    (b"\xff\xfe", "application/json", 400, "malformed"),
    ("[" * 100_000, "application/json", 400, "malformed"),
    ('{"name": ' + "9" * 5000 + "}", "application/json", 400, "malformed"),
    ('"text"', "application/json", 422, "invalid"),
    ("[]", "application/json", 422, "invalid"),
    ("null", "application/json", 422, "invalid"),
    ("", "application/json", 422, "invalid"),
    ('{"name": "x"}', "text/plain", 415, "unsupported_media"),
    ("name=x", "application/x-www-form-urlencoded", 415, "unsupported_media"),
    ('{"name": "' + "x" * 1_100_000 + '"}', "application/json", 413, "too_large"),
]


def test_a_body_that_cannot_be_read_says_what_is_wrong(world: World, subtests: pytest.Subtests) -> None:
    for body, content_type, status, type_ in UNREADABLE:
        with subtests.test(body=str(body)[:40], content_type=content_type):
            answer = raw(world, body, content_type)

            assert (answer.status_code, answer.json["type"]) == (status, type_)


def test_a_problem_document_has_every_part_and_the_id_of_its_request(world: World) -> None:
    answer = world.get("/faults/00000000-0000-4000-8000-000000000000")

    assert answer.mimetype == "application/problem+json"
    assert answer.json == {
        "type": "not_found",
        "title": errors.TYPES["not_found"][1],
        "status": 404,
        "detail": errors.TYPES["not_found"][1],
        "request_id": answer.headers["X-Request-Id"],
    }


def test_a_method_that_an_address_does_not_take_is_answered_with_those_it_does(world: World) -> None:
    answer = world.call("DELETE", "/clients", world.tokens[Role.ADMIN])

    assert (answer.status_code, answer.json["type"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_an_id_that_is_none_is_not_found(world: World) -> None:
    assert world.get("/faults/17").json["type"] == "not_found"


def test_people_get_a_page(world: World) -> None:
    answer = world.app.test_client().get("/nothing/here", headers={"Accept-Language": "de"})

    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert '<html lang="de"' in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


BROKEN: dict[str, tuple[Exception, int, str]] = {
    "bug": (RuntimeError("secret-canary"), 500, "internal"),
    "raced": (moves.Raced("It is no longer draft."), 409, "conflict"),
    "statement": (OperationalError("SELECT secret-canary", {}, Exception("secret-canary")), 500, "internal"),
}


def break_views(world: World) -> None:
    app = world.own_app()

    def make(name: str) -> Any:
        def view() -> str:
            raise BROKEN[name][0]

        return view

    for name in BROKEN:
        for prefix in ("/api/v1/broken", "/broken"):
            view = guards.public("a test breaks it")(make(name))
            app.add_url_rule(f"{prefix}/{name}", f"{prefix}/{name}", view)


def test_what_breaks_inside_is_not_told(world: World, subtests: pytest.Subtests) -> None:
    break_views(world)
    for name, (_, status, type_) in BROKEN.items():
        with subtests.test(name):
            document = world.call("GET", f"/broken/{name}")
            page = world.app.test_client().get(f"/broken/{name}")

            assert (document.status_code, document.json["type"]) == (status, type_)
            assert (page.status_code, page.mimetype) == (status, "text/html")
            for answer in (document, page):
                assert "secret-canary" not in answer.text
                assert "Traceback" not in answer.text


def test_an_unreachable_database_is_said_in_one_sentence_and_worth_another_try(
    environment: dict[str, str], tmp_path: Path
) -> None:
    if environment["DATABASE_URL"].startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'no folder' / 'x.sqlite3'}"
    else:
        url = f"postgresql+psycopg://nobody@/none?host={tmp_path}"
    runtime = Runtime.of(config.load(environment | {"DATABASE_URL": url}))
    browser = create_app(runtime).test_client()
    headers = {"Authorization": f"Bearer wt_{'0' * 32}_{'x' * 43}", "Idempotency-Key": "one"}
    try:
        answers = [
            browser.get("/api/v1/faults", headers=headers),
            browser.post("/api/v1/faults", json=fault_body(), headers=headers),
        ]
    finally:
        runtime.database.dispose()

    for answer in answers:
        assert (answer.status_code, answer.json["type"]) == (503, "unavailable")
        assert answer.json["detail"] == errors.TYPES["unavailable"][1]
        assert int(answer.headers["Retry-After"]) > 0
        assert str(tmp_path) not in answer.text
