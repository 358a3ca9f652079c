"""Who is let in: tokens and their scopes, sessions and their end, forged forms, foreign hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, redirect

from tests import factories
from tests.web.conftest import World, fault_body, revoke
from warranty import config, db
from warranty.domain.access import GRANTS, Permission, TokenScope
from warranty.domain.terms import Role
from warranty.runtime import Runtime
from warranty.services import people
from warranty.web import create_app, guards

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from warranty.models import User


# --- tokens ---


NO_TOKENS = (
    "",
    "Bearer",
    "Bearer nonsense",
    "Bearer wt_0_x",
    f"Bearer wt_{'0' * 32}_{'x' * 43}",
    "Basic dXNlcjpwYXNz",
    "Bearer wt_" + "é" * 32,
)


def test_without_a_token_of_ours_nobody_is_let_in(world: World) -> None:
    for header in NO_TOKENS:
        answer = world.call("GET", "/faults", headers={"Authorization": header.encode().decode("latin-1")})

        assert (answer.status_code, answer.json["type"]) == (401, "unauthorized"), header
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_with_another_secret_is_not_the_token(world: World) -> None:
    token = world.tokens[Role.ADMIN]
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")

    assert world.call("GET", "/faults", token).status_code == 200
    assert world.call("GET", "/faults", changed).status_code == 401


def test_a_revoked_token_is_refused_at_once(world: World) -> None:
    token = world.tokens[Role.ADMIN]
    assert world.call("GET", "/faults", token).status_code == 200

    revoke(world, token)

    assert world.call("GET", "/faults", token).status_code == 401


def test_a_token_does_what_it_was_made_for(world: World) -> None:
    for scope, writes in ((TokenScope.READ, 403), (TokenScope.WRITE, 201), (TokenScope.ADMIN, 201)):
        with world.runtime.database.begin(db.EVERYBODY) as session:
            token = factories.make_token(session, world.users[Role.SERVICE_MANAGER], [scope])

        assert world.call("GET", "/clients", token).status_code == 200
        assert world.call("POST", "/clients", token, json={"name": f"New {scope}"}).status_code == writes


def test_a_token_never_exceeds_its_users_role(world: World) -> None:
    asked = {
        Permission.READ: ("GET", "/clients", None, 200),
        Permission.REPORT: ("POST", "/faults", fault_body(serial_number=world.ours.bare_serial), 201),
        Permission.REGISTER: ("POST", "/clients", {"name": "New"}, 201),
    }
    for role, token in world.tokens.items():
        for permission, (method, path, body, fine) in asked.items():
            sent = {"name": f"New {role}"} if path == "/clients" and body else body
            status = world.call(method, path, token, json=sent).status_code
            assert status == (fine if permission in GRANTS[role] else 403), (role, path)


def test_a_session_opens_no_api_and_a_token_opens_no_page(world: World) -> None:
    browser = sign_in(world.app, world.users[Role.ADMIN])

    assert browser.get("/api/v1/faults").status_code == 401


# --- sessions: a page of our own, guarded like every page ---


def add_page(app: Flask) -> None:
    @app.route("/guarded", methods=["GET", "POST"], endpoint="guarded")
    @guards.needs(Permission.READ)
    def guarded() -> str:
        return guards.call().principal.actor

    @app.route("/counted", methods=["POST"], endpoint="counted")
    @guards.needs(Permission.READ)
    def counted() -> Any:
        factories.make_client(guards.call().session, "Counted")
        return redirect("/somewhere", 303)


@pytest.fixture
def paged(world: World) -> World:
    add_page(world.own_app())
    return world


def sign_in(app: Flask, user: User) -> FlaskClient:
    browser = app.test_client()
    with browser.session_transaction() as session:
        session["_user_id"] = guards.SignedIn(user).get_id()
    return browser


def form_token(browser: FlaskClient) -> str:
    page = browser.get("/api/docs").get_data(as_text=True)
    return page.partition('"X-CSRFToken": "')[2].partition('"')[0]


def send(browser: FlaskClient, headers: dict[str, str] | None = None, **form: str) -> TestResponse:
    return browser.post("/guarded", data=form, headers=headers)


def test_a_signed_in_person_is_who_they_are(paged: World) -> None:
    user = paged.users[Role.AUDITOR]

    assert sign_in(paged.app, user).get("/guarded").text == people.principal_of(user).actor


def test_a_person_without_the_right_gets_a_page_that_says_so(paged: World) -> None:
    answer = sign_in(paged.app, paged.ours.users[Role.CLIENT_VIEWER]).get("/guarded")

    assert (answer.status_code, answer.mimetype) == (403, "text/html")


def test_a_cookie_that_was_copied_does_not_outlive_sign_out(paged: World) -> None:
    user = paged.users[Role.AUDITOR]
    copied = sign_in(paged.app, user)
    assert copied.get("/guarded").status_code == 200

    with paged.runtime.database.begin(db.EVERYBODY) as session:
        people.sign_out_everywhere(session, user)

    answer = copied.get("/guarded?a=b")
    assert answer.status_code == 303
    assert answer.location.endswith("/login?next=/guarded?a%3Db")


def test_a_session_of_nobody_is_no_session(paged: World) -> None:
    for identity in ("", "x", "x.y", "0" * 32 + "." + "0" * 32):
        browser = paged.app.test_client()
        with browser.session_transaction() as session:
            session["_user_id"] = identity

        assert browser.get("/guarded").status_code == 303, identity


def test_a_fragment_for_a_stranger_is_refused_instead_of_filled_with_a_sign_in_page(paged: World) -> None:
    answer = paged.app.test_client().get("/guarded", headers={"HX-Request": "true"})

    assert answer.status_code == 401


# --- forms ---


def test_a_form_without_its_token_changes_nothing(paged: World) -> None:
    browser = sign_in(paged.app, paged.users[Role.ADMIN])

    assert send(browser).status_code == 400
    assert send(browser, csrf_token="of another").status_code == 400
    assert send(browser, csrf_token=form_token(browser)).status_code == 200
    assert send(browser, headers={"X-CSRFToken": form_token(browser)}).status_code == 200


SENDERS = [
    ({"Origin": "http://localhost"}, 200),
    ({"Origin": "http://127.0.0.1:8000"}, 200),  # WARRANTY_BASE_URL: what a proxy in front is called
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
]


def test_a_form_from_another_site_is_refused(paged: World) -> None:
    browser = sign_in(paged.app, paged.users[Role.ADMIN])
    token = form_token(browser)

    for headers, status in SENDERS:
        assert send(browser, headers, csrf_token=token).status_code == status, headers


def test_a_form_that_is_sent_twice_is_done_once(paged: World) -> None:
    browser = sign_in(paged.app, paged.users[Role.SERVICE_MANAGER])
    form = {"csrf_token": form_token(browser), "idempotency_key": "one"}

    first, again = (browser.post("/counted", data=form) for _ in range(2))
    other = browser.post("/counted", data=form | {"more": "x"})

    assert [(answer.status_code, answer.location) for answer in (first, again)] == [(303, "/somewhere")] * 2
    assert other.status_code == 422


def test_a_form_that_is_sent_again_from_a_page_loaded_anew_is_done_once(paged: World) -> None:
    browser = sign_in(paged.app, paged.users[Role.SERVICE_MANAGER])
    token, form = form_token(browser), {"idempotency_key": "one", "said": "this"}

    first = browser.post("/counted", data=form | {"csrf_token": token})
    anew = browser.post("/counted", data=form, headers={"X-CSRFToken": token})

    assert [(answer.status_code, answer.location) for answer in (first, anew)] == [(303, "/somewhere")] * 2


# --- the app ---


def test_a_foreign_host_is_refused(world: World) -> None:
    browser = world.app.test_client()

    assert browser.get("/api/docs", headers={"Host": "127.0.0.1:1234"}).status_code == 200
    assert browser.get("/api/docs", headers={"Host": "evil.example"}).status_code == 400


def test_production_cookies_belong_to_one_host_and_travel_encrypted_only(environment: dict[str, str]) -> None:
    secrets = {"SECRET_KEY": "k" * 43, "WARRANTY_ENCRYPTION_KEYS": "A" * 43 + "="}
    settings = config.load(environment | secrets | {"WARRANTY_MODE": "production", "WARRANTY_SETTLE_SECONDS": "900"})
    runtime = Runtime.of(settings)
    try:
        answer = create_app(runtime).test_client().get("/api/docs", base_url="https://127.0.0.1")
    finally:
        runtime.database.dispose()

    [cookie] = [value for value in answer.headers.getlist("Set-Cookie") if "session" in value]
    assert cookie.startswith("__Host-session=")
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert parts >= {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"}
    assert not any(part.startswith("Domain") for part in parts)
    assert "max-age=31622400" in answer.headers["Strict-Transport-Security"]


def test_signing_in_leaves_the_old_session_behind(paged: World) -> None:
    user = paged.users[Role.AUDITOR]
    with paged.app.test_request_context():
        from flask import session  # noqa: PLC0415 - of this request

        session["planted"] = "by an attacker"
        guards.sign_in(user)
        assert "planted" not in session
        assert session["_user_id"] == guards.SignedIn(user).get_id()
        guards.sign_out()
        assert "_user_id" not in session
