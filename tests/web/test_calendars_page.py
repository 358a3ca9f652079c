"""Calendars in the settings: read as people write them, looked at before they count, kept with who changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.web.conftest import World
from tests.web.visitor import Visitor, visit, words
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

DAYS = {"name": "Days", "hours": "mon-fri 08:00-17:00", "time_zone": "Europe/Berlin", "region": "", "exceptions": ""}


def manager(world: World) -> Visitor:
    """Who may change calendars."""
    return visit(world.app, world.users[Role.SERVICE_MANAGER])


def send(visitor: Visitor, path: str, **typed: str) -> TestResponse:
    """Send the form as the page holds it."""
    kept = {name: visitor.hidden(name) for name in ("version", "seen")}
    return visitor.send(path, **(kept | DAYS | typed))


def make(visitor: Visitor) -> str:
    """Keep a calendar after a look at it; its address."""
    visitor.get("/settings/calendars/new")
    assert send(visitor, "/settings/calendars/preview").status_code == 200
    made = send(visitor, "/settings/calendars", reason="agreed with the team")
    assert made.status_code == 303
    return str(made.location)


def test_a_calendar_is_kept_and_a_change_of_it_shows_what_it_does_first(world: World) -> None:
    visitor = manager(world)
    path = make(visitor)
    visitor.get(path)

    looked = send(visitor, f"{path}/preview", hours="24x7", region="de-by")
    unseen = send(visitor, path, hours="mon 08:00-09:00", region="de-by", reason="we never sleep")
    send(visitor, f"{path}/preview", hours="24x7", region="de-by")
    done = send(visitor, path, hours="24x7", region="de-by", reason="we never sleep")

    said = words(looked.text)
    assert "4 working hours" in said
    assert "Days that are otherwise than until now:" in said
    assert (unseen.status_code, done.status_code) == (422, 303)
    page = words(visitor.get(path).text)
    assert "Closed next" in page
    assert "we never sleep" in page
    assert "mon-fri 08:00-17:00 became 24x7" in page


def test_what_says_nothing_is_refused_beside_its_field(world: World) -> None:
    visitor = manager(world)
    make(visitor)
    visitor.get("/settings/calendars/new")
    wrong = {
        "hours": "whenever",
        "time_zone": "Europe/Atlantis",
        "region": "XX",
        "exceptions": "2026-12-24 noon",
        "name": "Days",
    }

    answers = {}
    for field, text in wrong.items():
        visitor.get("/settings/calendars/new")
        answer = send(visitor, "/settings/calendars/preview", **({"name": "Other"} | {field: text}))
        if answer.status_code == 200:  # only what is kept already can tell that a name is taken
            answer = send(visitor, "/settings/calendars", reason="again", **{field: text})
        answers[field] = (answer.status_code, bool(visitor.error(field)))

    assert answers == dict.fromkeys(wrong, (422, True))


def test_two_who_change_one_calendar_do_not_overwrite_each_other(world: World) -> None:
    one, other = manager(world), manager(world)
    path = make(one)
    for visitor in (one, other):
        visitor.get(path)
        send(visitor, f"{path}/preview", hours="24x7" if visitor is one else "mon 08:00-12:00")

    first = send(one, path, hours="24x7", reason="always")
    second = send(other, path, hours="mon 08:00-12:00", reason="mondays")

    assert (first.status_code, second.status_code) == (303, 409)
    assert "Somebody else changed this" in second.text
