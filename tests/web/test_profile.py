"""People's own page: how they read is kept, and whoever is away has somebody who stands in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.web.conftest import World, now
from tests.web.test_owners import id_of, technician
from tests.web.test_staff import manager
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Absence, AuditRow, User


def day(offset: int) -> str:
    """A day as a form names it, from today."""
    return (now() + timedelta(days=offset)).date().isoformat()


def user(world: World, role: Role) -> User:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.get_one(User, world.users[role].id)


def keep(visitor: Visitor, **typed: str) -> int:
    """Open one's page and keep it with these values; gives the status."""
    visitor.get("/profile")
    given = {"name": "Jana K.", "language": "system", "theme": "system", "time_zone": "", "single_keys": "on"}
    return visitor.send("/profile", seen=visitor.hidden("seen"), **given | typed).status_code


def test_how_somebody_reads_is_kept_and_every_page_follows(world: World) -> None:
    visitor = technician(world)

    assert keep(visitor, language="de", theme="dark", time_zone="Asia/Tokyo") == 303

    page = visitor.get("/").text
    assert '<html lang="de" data-bs-theme="dark">' in page
    assert "Jana K." in page
    assert 'data-single-keys="off"' not in page
    made = world.report(serial_number=world.ours.covered_serial)
    reported = datetime.fromisoformat(world.get(f"/faults/{made['id']}").json["reported_at"])
    tokyo = (reported.astimezone(UTC) + timedelta(hours=9)).strftime("%H:%M")
    assert f"heute, {tokyo}" in words(visitor.get(f"/cases/{made['id']}").text)


def test_single_letters_are_switched_off_for_somebody(world: World) -> None:
    visitor = technician(world)
    visitor.get("/profile")

    answer = visitor.send("/profile", seen=visitor.hidden("seen"), name="", language="system", theme="system")

    assert answer.status_code == 303
    assert '<body data-single-keys="off"' in visitor.get("/").text


def test_what_is_nothing_that_one_may_read_by_is_said_at_its_field(world: World) -> None:
    visitor = technician(world)

    assert keep(visitor, time_zone="Mars/Olympus") == 422
    assert visitor.error("time_zone") == "There is no such time zone: choose one of the list."
    assert visitor.value("name") == "Jana K."
    assert keep(visitor, name="x" * 201) == 422
    assert user(world, Role.TECHNICIAN).time_zone is None


def test_a_page_that_was_changed_in_another_window_says_so_and_loses_nothing(world: World) -> None:
    visitor, other = technician(world), technician(world)
    visitor.get("/profile")
    assert keep(other, name="Jana Kowalczyk") == 303

    answer = visitor.send("/profile", seen=visitor.hidden("seen"), name="J. K.", language="system", theme="dark")

    assert answer.status_code == 409
    assert "in another window" in words(answer.text)
    assert visitor.value("name") == "J. K."
    assert user(world, Role.TECHNICIAN).name == "Jana Kowalczyk"


def test_a_client_has_a_page_of_their_own_without_absences(world: World) -> None:
    visitor = visit(world.app, world.ours.users[Role.CLIENT_VIEWER])

    assert keep(visitor, theme="light") == 303

    page = visitor.get("/profile").text
    assert "When you are away" not in page
    assert 'data-bs-theme="light"' in visitor.get("/portal").text
    refused = visitor.send("/profile/absences", begins_on=day(1), ends_on=day(2), stand_in=id_of(world, Role.ADMIN))
    assert refused.status_code == 403


def test_whoever_says_that_they_are_away_has_somebody_who_stands_in_until_they_are_back(world: World) -> None:
    visitor = technician(world)
    visitor.get("/profile")
    away = {"begins_on": day(-1), "ends_on": day(3), "stand_in": id_of(world, Role.SERVICE_MANAGER)}

    assert visitor.send("/profile/absences", **away).status_code == 303

    name = world.users[Role.SERVICE_MANAGER].email
    assert name in words(visitor.get("/profile").text)
    assert "You stand in for" in manager(world).get("/profile").text
    case = world.report(serial_number=world.ours.covered_serial)["id"]
    given = {"owner": id_of(world, Role.TECHNICIAN), "reason": "so"}
    assert world.post(f"/faults/{case}/owner", given).json["owner"] == id_of(world, Role.SERVICE_MANAGER)

    assert visitor.send("/profile/absences/ending", absence=visitor.hidden("absence")).status_code == 303
    assert world.post(f"/faults/{case}/owner", given).json["owner"] == id_of(world, Role.TECHNICIAN)
    with world.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(
            select(AuditRow.action).where(AuditRow.action.in_({"away", "back"})).order_by(AuditRow.id)
        )
        assert list(rows) == ["away", "back"]


REFUSED: list[tuple[dict[str, str], str, str]] = [
    ({"ends_on": day(2)}, "begins_on", "Give the first day."),
    ({"begins_on": day(1), "ends_on": "soon"}, "ends_on", "Give the last day."),
    ({"begins_on": day(3), "ends_on": day(1)}, "ends_on", "This is over, or ends before it begins."),
    ({"begins_on": day(-9), "ends_on": day(-7)}, "ends_on", "This is over, or ends before it begins."),
    (
        {"begins_on": day(1), "ends_on": day(2), "stand_in": "me"},
        "stand_in",
        "This is nobody who can stand in for you.",
    ),
    ({"begins_on": day(1), "ends_on": day(2), "stand_in": ""}, "stand_in", "Choose who stands in."),
    ({"begins_on": day(10), "ends_on": day(12)}, "begins_on", "You are away then already."),
]


def test_an_absence_that_cannot_be_is_refused_at_its_field_and_nothing_typed_is_lost(
    world: World, subtests: pytest.Subtests
) -> None:
    visitor = technician(world)
    visitor.get("/profile")
    admin = id_of(world, Role.ADMIN)
    booked = {"begins_on": day(9), "ends_on": day(11), "stand_in": admin}
    assert visitor.send("/profile/absences", **booked).status_code == 303
    for typed, name, said in REFUSED:
        with subtests.test(said=said, name=name):
            given = {"stand_in": admin} | typed
            if given["stand_in"] == "me":
                given["stand_in"] = id_of(world, Role.TECHNICIAN)
            visitor.get("/profile")

            assert visitor.send("/profile/absences", **given).status_code == 422
            assert visitor.error(name) == said
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert len(session.scalars(select(Absence)).all()) == 1


def test_nobody_ends_the_absence_of_somebody_else(world: World) -> None:
    visitor = technician(world)
    visitor.get("/profile")
    away = {"begins_on": day(1), "ends_on": day(3), "stand_in": id_of(world, Role.SERVICE_MANAGER)}
    visitor.send("/profile/absences", **away)
    visitor.get("/profile")
    absence, other = visitor.hidden("absence"), manager(world)
    other.get("/profile")

    assert other.send("/profile/absences/ending", absence=absence).status_code == 303

    with world.runtime.database.read(db.EVERYBODY) as session:
        assert len(session.scalars(select(Absence)).all()) == 1
