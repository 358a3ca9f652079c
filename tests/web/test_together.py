"""Many units changed together: nothing is done that was not shown, and what cannot be done is left and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from tests import factories
from tests.web.conftest import World
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import AssetState, Ownership, Role
from warranty.models import Asset, AuditRow
from warranty.services import moves

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.test import TestResponse


def manager(world: World) -> Visitor:
    """Who may change what is registered."""
    return visit(world.app, world.users[Role.SERVICE_MANAGER])


def send(visitor: Visitor, path: str, ids: list[UUID], **typed: str) -> TestResponse:
    """Send the form about these units as the page holds it."""
    kept = {name: visitor.hidden(name) for name in ("csrf_token", "idempotency_key", "seen")}
    fields = [("row", str(id_)) for id_ in ids] + list((kept | typed).items())
    return visitor.post(path, MultiDict(fields))


def units(world: World, **states: AssetState) -> dict[str, UUID]:
    """Units of our client in these states, by their serial number."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        made = {serial: factories.make_asset(session, client, serial) for serial in states}
        for serial, state in states.items():
            if state is not made[serial].state:
                moves.move(session, made[serial], state, factories.BECAUSE)
        return {serial: unit.public_id for serial, unit in made.items()}


def stands(world: World, ids: dict[str, UUID]) -> dict[str, tuple[AssetState, Ownership]]:
    """How each unit stands now."""
    with world.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(Asset).where(Asset.public_id.in_(ids.values())))
        return {row.serial_number: (row.state, row.ownership) for row in rows}


def test_units_are_changed_together_each_with_its_own_row_and_what_cannot_be_is_left_with_its_reason(
    world: World,
) -> None:
    states = {"GOOD": AssetState.FAULTY, "LOST": AssetState.LOST, "KEPT": AssetState.IN_SERVICE}
    ids = units(world, **states)
    visitor, path = manager(world), "/assets/together"
    everything = list(ids.values())

    visitor.get(f"{path}?{'&'.join(f'row={id_}' for id_ in everything)}")
    looked = send(visitor, f"{path}/look", everything, state="in_service", ownership="msp")
    before = stands(world, ids)
    done = send(visitor, path, everything, state="in_service", ownership="msp", reason="Back from the depot")

    said = words(looked.text)
    assert before == {serial: (state, Ownership.CLIENT) for serial, state in states.items()}
    assert "LOST canary-Ours GmbH can go to: In stock, Stolen" in said
    assert done.status_code == 303
    assert stands(world, ids) == {
        "GOOD": (AssetState.IN_SERVICE, Ownership.MSP),
        "LOST": (AssetState.LOST, Ownership.CLIENT),
        "KEPT": (AssetState.IN_SERVICE, Ownership.MSP),
    }
    with world.runtime.database.read(db.EVERYBODY) as session:
        rows = session.execute(
            select(AuditRow.action, AuditRow.detail)
            .where(AuditRow.reason == "Back from the depot")
            .order_by(AuditRow.id)
        ).all()
    assert [row.action for row in rows].count("change") == 2
    assert all(row.detail == {"ownership": ["client", "msp"]} for row in rows if row.action == "change")


def test_an_open_case_and_the_hand_over_move_a_unit_and_no_bulk_change_does(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        new = factories.make_asset(session, client, "NEW", state=AssetState.ONBOARDING)
        ids = [new.public_id, world.ours.bare]
        moves.move(
            session,
            session.scalars(select(Asset).where(Asset.public_id == world.ours.bare)).one(),
            AssetState.FAULTY,
            factories.BECAUSE,
        )
    world.report(serial_number=world.ours.bare_serial)
    visitor = manager(world)
    visitor.get(f"/assets/together?row={ids[0]}&row={ids[1]}")

    said = words(send(visitor, "/assets/together/look", ids, state="in_service").text)

    assert "goes into service by its hand-over" in said
    assert "an open case moves it" in said
    assert "No unit changes." in said


def test_what_changed_after_one_looked_is_not_overwritten(world: World) -> None:
    ids = units(world, ONE=AssetState.IN_SERVICE)
    visitor, every = manager(world), list(ids.values())
    visitor.get(f"/assets/together?row={every[0]}")
    send(visitor, "/assets/together/look", every, ownership="msp")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        session.scalars(select(Asset).where(Asset.public_id == every[0])).one().ownership = Ownership.LEASED

    late = send(visitor, "/assets/together", every, ownership="msp", reason="ours now")
    again = send(visitor, "/assets/together", every, ownership="msp", reason="ours now")

    assert (late.status_code, again.status_code) == (409, 303)
    assert "The units stand otherwise than you had seen" in late.text
    assert stands(world, ids)["ONE"][1] is Ownership.MSP


def test_a_change_says_why_and_what_and_to_no_site_of_somebody_else(world: World) -> None:
    ids = units(world, ONE=AssetState.IN_SERVICE)
    visitor, every = manager(world), list(ids.values())
    visitor.get(f"/assets/together?row={every[0]}")

    nothing = send(visitor, "/assets/together/look", every)
    foreign = send(visitor, "/assets/together/look", every, site=str(world.theirs.site))
    silent = send(visitor, "/assets/together", every, ownership="msp", reason=" ")

    assert nothing.status_code == 422
    assert "the site is another client’s" in words(foreign.text)
    assert (silent.status_code, visitor.error("reason")) == (422, "Say why: it is kept with each unit.")


def test_all_that_fit_are_meant_as_long_as_they_are_few(world: World) -> None:
    units(world, **{f"MANY-{number}": AssetState.IN_SERVICE for number in range(3)})
    visitor = manager(world)

    page = visitor.get(f"/assets/together?all=yes&client={world.ours.id}&q=many").text

    assert "Change 3 units together" in page
    assert "No unit is selected" in visitor.get("/assets/together").text
