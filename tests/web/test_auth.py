"""Signing in and out as a browser does it, and the language that one reads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests import factories
from tests.web.conftest import World
from tests.web.visitor import Visitor, visit, words
from warranty import config
from warranty.domain.terms import Role
from warranty.runtime import Runtime
from warranty.web import create_app

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from warranty.models import User

WRONG = "not the password"
TRIES = 5
"""How many wrong passwords of one account are looked at in a minute, from one address."""


def stranger(world: World, **headers: str) -> Visitor:
    """A browser at an address of its own, since the tries of one address count together."""
    visitor = visit(world.app, **headers)
    visitor.browser.environ_base["REMOTE_ADDR"] = f"2001:db8::{uuid4().hex[:4]}:{uuid4().hex[:4]}"
    visitor.get("/login")
    return visitor


def sign_in(visitor: Visitor, user: User, password: str = factories.PASSWORD, **typed: str) -> TestResponse:
    """Send the form."""
    return visitor.send("/login", email=user.email, password=password, **typed)


# --- in ---


def test_everybody_lands_where_their_work_begins(world: World) -> None:
    people = {"/": world.users[Role.TECHNICIAN], "/portal": world.ours.users[Role.CLIENT_VIEWER]}
    for start, user in people.items():
        visitor = stranger(world)

        answer = sign_in(visitor, user)

        assert (answer.status_code, answer.location) == (303, start)
        assert visitor.get(start).status_code == 200


def test_the_start_page_leads_a_client_to_the_portal(world: World) -> None:
    answer = visit(world.app, world.ours.users[Role.CLIENT_VIEWER]).get("/")

    assert (answer.status_code, answer.location) == (303, "/portal")


def test_whoever_was_sent_to_sign_in_gets_the_page_that_was_asked_for(world: World) -> None:
    visitor = stranger(world)
    sent = visitor.get("/cases?q=a%26b")
    assert sent.status_code == 303
    visitor.get(sent.location)

    answer = sign_in(visitor, world.users[Role.TECHNICIAN], next=visitor.hidden("next"))

    assert answer.location == "/cases?q=a%26b"


ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    " //evil.example/",
    "javascript:alert(1)",
    "cases",
)


def test_signing_in_never_leads_away_from_this_site(world: World, subtests: pytest.Subtests) -> None:
    visitor = stranger(world)
    for address in ELSEWHERE:
        with subtests.test(address):
            visitor.get("/login", query_string={"next": address})
            assert visitor.hidden("next") == ""
            answer = visitor.send("/language", language="de", next=address)
            assert answer.location == "/login"
    answer = sign_in(visitor, world.users[Role.TECHNICIAN], next="//evil.example/")
    assert answer.location == "/"


def test_signing_in_gives_a_new_session_and_ends_the_one_before(world: World) -> None:
    visitor = stranger(world)
    user = world.users[Role.TECHNICIAN]
    before = visitor.browser.get_cookie("session")
    planted = visitor.hidden("csrf_token")
    assert before is not None

    sign_in(visitor, user)

    after = visitor.browser.get_cookie("session")
    assert after is not None
    assert after.value != before.value
    assert visitor.post("/logout", {"csrf_token": planted}).status_code == 400  # whoever planted it knows nothing now


def test_an_unfinished_sign_in_keeps_the_address_and_says_what_is_missing(world: World) -> None:
    visitor = stranger(world, Accept_Language="de")

    answer = visitor.send("/login", email="jana@msp.example", password="")

    assert answer.status_code == 422
    assert visitor.value("email") == "jana@msp.example"
    assert visitor.error("password") == "Geben Sie Ihr Kennwort ein."


def test_an_unknown_address_gets_the_answer_of_a_wrong_password_and_no_password_comes_back(world: World) -> None:
    visitor = stranger(world)
    said = []
    for email in (world.users[Role.TECHNICIAN].email, "nobody@msp.example"):
        answer = visitor.send("/login", email=email, password=WRONG)
        assert answer.status_code == 422
        assert WRONG not in answer.text
        said.append(visitor.error("email"))

    assert said == ["This e-mail address and password do not belong together."] * 2


# --- too many tries ---


def test_wrong_passwords_are_looked_at_a_few_times_and_then_the_form_says_how_long_to_wait(world: World) -> None:
    visitor, user = stranger(world, Accept_Language="de"), world.users[Role.TECHNICIAN]

    answers = [sign_in(visitor, user, WRONG).status_code for _ in range(TRIES + 1)]

    assert answers == [422] * TRIES + [429]
    assert visitor.error("email") == "Zu viele falsche Kennwörter. Versuchen Sie es in 1 Min. wieder."
    assert visitor.value("email") == user.email


def test_a_strangers_guesses_lock_nobody_out_for_longer_than_the_answer_says(world: World) -> None:
    guesser, user = stranger(world), world.users[Role.TECHNICIAN]
    for _ in range(TRIES):
        sign_in(guesser, user, WRONG)

    refused = sign_in(guesser, user)
    elsewhere = sign_in(stranger(world), user)

    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert elsewhere.status_code == 303


def test_the_right_password_costs_no_try(world: World) -> None:
    visitor, user = stranger(world), world.users[Role.TECHNICIAN]

    for _ in range(TRIES + 1):
        visitor.get("/login")
        assert sign_in(visitor, user).status_code == 303


def test_tries_of_one_account_do_not_count_for_another(world: World) -> None:
    visitor = stranger(world)
    for _ in range(TRIES):
        sign_in(visitor, world.users[Role.AUDITOR], WRONG)

    assert sign_in(visitor, world.users[Role.TECHNICIAN]).status_code == 303


@pytest.mark.usefixtures("own_limiter")
def test_without_its_queue_server_a_process_still_signs_people_in_and_counts_for_itself(
    world: World, environment: dict[str, str]
) -> None:
    runtime = Runtime.of(config.load(environment | {"REDIS_URL": "redis://127.0.0.1:9/0"}))
    world.app = create_app(runtime)
    visitor, user = stranger(world), world.users[Role.TECHNICIAN]
    try:
        answers = [sign_in(visitor, user, WRONG).status_code for _ in range(TRIES + 1)]
        other = sign_in(stranger(world), user).status_code
    finally:
        runtime.database.dispose()

    assert answers == [422] * TRIES + [429]
    assert other == 303


# --- out ---


def test_signing_out_ends_every_copy_of_the_session_on_every_device(world: World) -> None:
    user = world.users[Role.TECHNICIAN]
    here, there = stranger(world), stranger(world)
    for visitor in (here, there):
        sign_in(visitor, user)
    cookie = here.browser.get_cookie("session")
    assert cookie is not None
    copied = visit(world.app)
    copied.browser.set_cookie("session", cookie.value)
    assert copied.get("/").status_code == 200
    here.get("/")

    answer = here.send("/logout")

    assert (answer.status_code, answer.location) == (303, "/login")
    for visitor in (here, there, copied):
        assert visitor.get("/").status_code == 303


def test_signing_out_is_no_link(world: World) -> None:
    visitor = visit(world.app, world.users[Role.TECHNICIAN])

    assert visitor.get("/logout").status_code == 405
    assert visitor.get("/").status_code == 200


# --- forged forms ---


def test_a_form_of_another_session_is_refused_on_a_page_that_says_what_to_do(world: World) -> None:
    visitor = visit(world.app, world.users[Role.TECHNICIAN], Accept_Language="de")
    for form in ({}, {"csrf_token": "of another"}):
        answer = visitor.post("/faults/new", form)

        assert (answer.status_code, answer.mimetype) == (400, "text/html")
        assert "Dieses Formular ist älter als Ihre Sitzung." in words(answer.text)


OWN = {"Origin": "http://localhost"}


def test_a_form_that_was_left_open_overnight_is_kept_through_signing_in(world: World) -> None:
    user = world.users[Role.TECHNICIAN]
    visitor = visit(world.app, user)
    visitor.get("/faults/new")
    typed = {"component": "disk", "cause": "wear", "symptom": 'It "clicks"', "serial_number": world.ours.bare_serial}
    form = typed | {name: visitor.hidden(name) for name in ("csrf_token", "idempotency_key")}
    visitor.browser.delete_cookie("session")  # as the browser does after twelve hours

    answer = visitor.post("/faults/new", form, OWN)
    assert answer.status_code == 401
    assert "Nothing was done and nothing is lost" in words(visitor.page)
    visitor.send("/login", email=user.email, password="wrong", kept=visitor.hidden("kept"))
    answer = visitor.send("/login", email=user.email, password=factories.PASSWORD, kept=visitor.hidden("kept"))
    assert "Your form is still here" in words(answer.text)
    assert world.get("/faults").json["items"] == []

    answer = visitor.send("/faults/new", **{name: visitor.hidden(name) for name in typed})

    assert answer.status_code == 303, words(answer.text)
    assert [one["symptom"] for one in world.get("/faults").json["items"]] == ['It "clicks"']


def test_a_form_that_is_older_than_the_present_session_waits_for_one_press(world: World) -> None:
    visitor = visit(world.app, world.users[Role.TECHNICIAN])

    answer = visitor.post("/faults/new", {"csrf_token": "of another", "symptom": "a & b", "cause": "wear"}, OWN)

    assert answer.status_code == 400
    assert (visitor.hidden("symptom"), visitor.hidden("cause")) == ("a & b", "wear")
    assert visitor.send("/faults/new", symptom=visitor.hidden("symptom")).status_code == 422
    assert visitor.value("symptom") == "a & b"


def test_nothing_of_another_site_is_kept_for_a_press(world: World) -> None:
    visitor = visit(world.app, world.users[Role.TECHNICIAN])

    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = visitor.post("/faults/new", {"symptom": "of another site"}, headers)
        assert "of another site" not in answer.text


@pytest.mark.parametrize(
    "kept", ["", "no form", "[]", '{"path": "//evil.example", "fields": []}', '{"fields": [["a"]]}']
)
def test_what_is_no_kept_form_leads_where_signing_in_leads(world: World, kept: str) -> None:
    user = world.users[Role.TECHNICIAN]
    visitor = visit(world.app)
    visitor.get("/login")

    assert visitor.send("/login", email=user.email, password=factories.PASSWORD, kept=kept).location == "/"


def test_a_sign_in_page_that_was_left_open_overnight_asks_for_the_password_again(world: World) -> None:
    visitor = visit(world.app)

    answer = visitor.post("/login", {"csrf_token": "of another", "email": "a@msp.example", "password": "x"}, OWN)

    assert answer.status_code == 400
    assert visitor.value("email") == "a@msp.example"
    assert visitor.error("password") == "This page was older than its session: enter your password again."


def test_signing_out_of_a_session_that_has_ended_leads_to_sign_in(world: World) -> None:
    assert visit(world.app).post("/logout", {}, OWN).location == "/login"


def test_a_form_from_another_site_is_refused_on_a_page_that_says_so(world: World) -> None:
    visitor = visit(world.app, world.users[Role.TECHNICIAN], Accept_Language="de")
    visitor.get("/faults/new")

    answer = visitor.send("/faults/new", headers={"Origin": "https://evil.example"}, serial_number="x")

    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "Dieses Formular kam von einer fremden Website" in words(answer.text)


# --- language ---


def test_a_chosen_language_comes_before_the_browsers_and_leads_back_to_the_page(world: World) -> None:
    visitor = stranger(world, Accept_Language="en")
    visitor.get("/login?next=/cases")

    answer = visitor.send("/language", language="de", next="/login?next=/cases")

    assert answer.location == "/login?next=/cases"
    assert "Anmelden" in words(visitor.get(answer.location).text)


def test_a_chosen_language_outlives_signing_in_and_is_found_again_on_the_next_device(world: World) -> None:
    user = world.users[Role.TECHNICIAN]
    first = stranger(world, Accept_Language="en")
    sign_in(first, user)
    first.get("/")
    first.send("/language", language="de", next="/")
    second = stranger(world, Accept_Language="en")
    sign_in(second, user)

    assert "Störung melden" in words(first.get("/").text)
    assert "Störung melden" in words(second.get("/").text)


def test_a_language_that_there_is_not_changes_nothing(world: World) -> None:
    visitor = visit(world.app, world.users[Role.TECHNICIAN], Accept_Language="en")
    visitor.get("/")

    for language in ("", "fr", "de\r\nSet-Cookie: x=y"):
        assert visitor.send("/language", language=language).status_code == 303

    assert "Report a fault" in words(visitor.get("/").text)


def test_the_clock_of_the_browser_is_the_clock_of_the_pages(world: World) -> None:
    world.report(serial_number=world.ours.covered_serial)
    shown = {}
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "no/zone", "../../etc/passwd"):
        visitor = stranger(world)
        sign_in(visitor, world.users[Role.TECHNICIAN], zone=zone)
        shown[zone] = visitor.get("/cases").text.partition('<time datetime="')[2].partition("</time>")[0]

    assert shown["Pacific/Kiritimati"].partition(">")[0] == shown["Pacific/Pago_Pago"].partition(">")[0]
    assert shown["Pacific/Kiritimati"] != shown["Pacific/Pago_Pago"]
    assert shown["no/zone"] == shown["../../etc/passwd"]
