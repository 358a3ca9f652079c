"""Who looks after a case: handed over with a reason, seen by whoever has it, and never from under somebody's hands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from tests import factories
from tests.web.conftest import World, now
from tests.web.test_staff import cases_in, manager
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Absence, AuditRow, Fault, User

if TYPE_CHECKING:
    from collections.abc import Sequence


def technician(world: World) -> Visitor:
    """A technician, who looks after cases."""
    return visit(world.app, world.users[Role.TECHNICIAN])


def a_case(world: World) -> str:
    """The id of a claim's case."""
    return str(world.report(serial_number=world.ours.covered_serial)["id"])


def id_of(world: World, role: Role) -> str:
    return str(world.users[role].public_id)


def away(world: World, *pairs: tuple[Role, Role], days: int = 3) -> None:
    """Let the first of each pair be away since yesterday, and the second stand in."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        for user, stand_in in pairs:
            began, ends = now() - timedelta(days=1), now() + timedelta(days=days)
            keys = {"user_id": world.users[user].id, "stand_in_id": world.users[stand_in].id}
            session.add(Absence(**keys, begins_at=began, ends_at=ends))


def told(world: World, case: str) -> list[Any]:
    with world.runtime.database.read(db.EVERYBODY) as session:
        fault = session.scalars(select(Fault).where(Fault.public_id == UUID(case))).one()
        rows = select(AuditRow).where(AuditRow.fault_id == fault.id, AuditRow.action == "handed_over")
        return [(row.actor, row.reason, row.detail) for row in session.scalars(rows.order_by(AuditRow.id))]


def test_a_case_that_is_handed_over_is_among_the_colleagues_own_and_says_who_has_it(world: World) -> None:
    case, visitor = a_case(world), manager(world)
    visitor.get(f"/cases/{case}")
    assert "Nobody yet" in visitor.page

    typed = {"owner": id_of(world, Role.TECHNICIAN), "owner_reason": "you know the room", "seen": ""}
    answer = visitor.send(f"/cases/{case}/owner", **typed)

    email = world.users[Role.TECHNICIAN].email
    assert answer.status_code == 303
    page = visitor.get(f"/cases/{case}").text
    assert f"Owner: {email}" in words(page)
    assert f"handed the case to {email}" in words(page)
    assert "you know the room" in page
    assert cases_in(technician(world).get("/cases?shows=mine").text) == [f"/cases/{case}"]
    assert cases_in(manager(world).get("/cases?shows=mine").text) == []
    assert world.get(f"/faults/{case}").json["owner"] == id_of(world, Role.TECHNICIAN)
    assert f"{email} looks after this case" in words(client_of(world).get(f"/portal/cases/{case}").text)


def client_of(world: World) -> Visitor:
    return visit(world.app, world.ours.users[Role.CLIENT_VIEWER])


def test_a_case_is_taken_with_one_click_and_given_back(world: World) -> None:
    case, visitor = a_case(world), technician(world)
    visitor.get(f"/cases/{case}")
    mine = {"owner": id_of(world, Role.TECHNICIAN), "owner_reason": "taken on its page", "seen": ""}

    assert visitor.send(f"/cases/{case}/owner", **mine).status_code == 303
    page = words(visitor.get(f"/cases/{case}").text)
    assert "took the case" in page
    assert "(you)" in page
    back = {"owner": "all", "owner_reason": "ill", "seen": id_of(world, Role.TECHNICIAN)}
    assert visitor.send(f"/cases/{case}/owner", **back).status_code == 303

    assert "gave the case back to all" in words(visitor.get(f"/cases/{case}").text)
    assert world.get(f"/faults/{case}").json["owner"] is None


def test_a_case_that_somebody_handed_over_first_is_not_taken_from_them_and_nothing_typed_is_lost(world: World) -> None:
    case, early, late = a_case(world), manager(world), technician(world)
    early.get(f"/cases/{case}")
    late.get(f"/cases/{case}")
    theirs = {"owner": id_of(world, Role.ADMIN), "owner_reason": "first", "seen": ""}
    assert early.send(f"/cases/{case}/owner", **theirs).status_code == 303

    mine = {"owner": id_of(world, Role.SERVICE_MANAGER), "owner_reason": "I saw it <first>", "seen": ""}
    answer = late.send(f"/cases/{case}/owner", **mine)

    assert answer.status_code == 409
    assert "Somebody else has handed it over meanwhile" in words(answer.text)
    assert "I saw it &lt;first&gt;" in answer.text
    assert world.get(f"/faults/{case}").json["owner"] == id_of(world, Role.ADMIN)
    again = {**mine, "seen": id_of(world, Role.ADMIN)}
    assert late.send(f"/cases/{case}/owner", **again).status_code == 303


def test_a_hand_over_that_is_sent_twice_is_made_once(world: World) -> None:
    case, visitor = a_case(world), technician(world)
    visitor.get(f"/cases/{case}")
    typed = {"owner": id_of(world, Role.ADMIN), "owner_reason": "twice", "seen": ""}

    answers = [visitor.send(f"/cases/{case}/owner", **typed) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(told(world, case)) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, ["Choose who is to have it.", "Say why: whoever has it next reads it."]),
        ({"owner": "nobody", "owner_reason": "so"}, ["Choose who is to have it."]),
        ({"owner": "all"}, ["Say why: whoever has it next reads it."]),
    ],
)
def test_an_unfinished_hand_over_says_what_is_missing(world: World, typed: dict[str, str], said: Sequence[str]) -> None:
    case, visitor = a_case(world), technician(world)
    visitor.get(f"/cases/{case}")

    answer = visitor.send(f"/cases/{case}/owner", seen="", **typed)

    assert answer.status_code == 422
    for sentence in said:
        assert sentence in words(answer.text)
    assert told(world, case) == []


@pytest.mark.parametrize("role", [Role.BILLING, Role.AUDITOR])
def test_who_may_not_handle_cases_has_none_in_hand(world: World, role: Role) -> None:
    case, visitor = a_case(world), manager(world)
    visitor.get(f"/cases/{case}")

    answer = visitor.send(f"/cases/{case}/owner", owner=id_of(world, role), owner_reason="so", seen="")

    assert answer.status_code == 422
    assert "Choose who is to have it." in words(answer.text)
    assert "Hand it to a colleague" not in visit(world.app, world.users[role]).get(f"/cases/{case}").text
    refused = world.post(f"/faults/{case}/owner", {"owner": id_of(world, role), "reason": "so"})
    assert refused.status_code == 422


def test_what_is_handed_to_a_colleague_who_is_away_goes_to_whoever_stands_in(world: World) -> None:
    case, visitor = a_case(world), manager(world)
    away(world, (Role.TECHNICIAN, Role.ADMIN))
    visitor.get(f"/cases/{case}")

    typed = {"owner": id_of(world, Role.TECHNICIAN), "owner_reason": "your room", "seen": ""}
    assert visitor.send(f"/cases/{case}/owner", **typed).status_code == 303

    meant, has = world.users[Role.TECHNICIAN].email, world.users[Role.ADMIN].email
    assert f"handed the case to {has}, who stands in for {meant}" in words(visitor.get(f"/cases/{case}").text)
    assert world.get(f"/faults/{case}").json["owner"] == id_of(world, Role.ADMIN)


def test_a_case_of_somebody_who_is_away_shows_who_stands_in_and_is_among_their_own_too(world: World) -> None:
    case, visitor = a_case(world), manager(world)
    given = {"owner": id_of(world, Role.TECHNICIAN), "reason": "so"}
    assert world.post(f"/faults/{case}/owner", given).status_code == 200

    away(world, (Role.TECHNICIAN, Role.SERVICE_MANAGER))

    page = words(visitor.get(f"/cases/{case}").text)
    assert f"{world.users[Role.SERVICE_MANAGER].email} stands in." in page
    assert cases_in(visitor.get("/cases?shows=mine").text) == [f"/cases/{case}"]


def test_a_ring_of_people_who_are_all_away_leaves_a_case_with_whom_it_was_meant_for(world: World) -> None:
    case = a_case(world)
    away(world, (Role.TECHNICIAN, Role.ADMIN), (Role.ADMIN, Role.TECHNICIAN))

    answer = world.post(f"/faults/{case}/owner", {"owner": id_of(world, Role.TECHNICIAN), "reason": "so"})

    assert answer.json["owner"] == id_of(world, Role.TECHNICIAN)


def test_a_program_hands_over_the_version_that_it_has_read_and_no_other(world: World) -> None:
    case = a_case(world)
    seen = world.get(f"/faults/{case}").headers["ETag"]
    given = {"owner": id_of(world, Role.ADMIN), "reason": "by rota"}

    first = world.post(f"/faults/{case}/owner", given, headers={"If-Match": seen})
    second = world.post(f"/faults/{case}/owner", given | {"owner": None}, headers={"If-Match": seen})

    assert (first.status_code, second.status_code) == (200, 412)
    users = world.users
    detail = {"was": None, "is": f"user:{users[Role.ADMIN].id}", "meant": f"user:{users[Role.ADMIN].id}"}
    assert told(world, case) == [(f"user:{users[Role.SERVICE_MANAGER].id}", "by rota", detail)]


def test_a_colleague_who_was_switched_off_is_not_offered(world: World) -> None:
    case = a_case(world)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        gone = factories.make_user(session, Role.TECHNICIAN, email="gone@msp.example")
        gone.deactivated_at = now()
        gone_id = str(gone.public_id)

    page = manager(world).get(f"/cases/{case}").text

    assert gone_id not in page
    assert world.post(f"/faults/{case}/owner", {"owner": gone_id, "reason": "so"}).status_code == 422
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(User).where(User.email == "gone@msp.example")).one().deactivated_at is not None
