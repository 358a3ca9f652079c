"""The one search box: it leads to what has the number, shows what begins so, and asks little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tests import factories
from tests.web.conftest import World, watching
from tests.web.visitor import visit, words
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Fault, Rma

if TYPE_CHECKING:
    from uuid import UUID


def test_a_whole_number_or_name_leads_to_the_thing_itself(world: World) -> None:
    case = world.report(serial_number=world.ours.covered_serial)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        unit = factories.make_asset(session, client, "SN-ABC-1", asset_tag="Tag-9", name="Switch One").public_id
        fault = session.scalars(select(Fault)).one()
        rma = session.scalars(select(Rma)).one()
        rma.rma_number, rma.vendor_case_number = "R-4711", "SR 0815"
        reference, ours = fault.reference, rma.client_reference
    visitor = visit(world.app, world.users[Role.TECHNICIAN])
    here: dict[str, str] = {
        "sn-abc-1": f"/assets/{unit}",
        " SN-ABC-1 ": f"/assets/{unit}",
        "tag-9": f"/assets/{unit}",
        "switch one": f"/assets/{unit}",
        "r-4711": f"/cases/{case['id']}",
        "sr 0815": f"/cases/{case['id']}",
        ours: f"/cases/{case['id']}",
        reference.lower(): f"/cases/{case['id']}",
        f"{world.ours.canary}-contract": f"/contracts/{world.ours.contract}",
        world.ours.name: f"/clients/{world.ours.id}",
    }

    found = {typed: _leads_to(visitor.get("/search", query_string={"q": typed}).location) for typed in here}

    assert found == here


def _leads_to(location: str | UUID | None) -> str:
    return str(location)


def test_a_beginning_shows_all_that_begins_so_by_kind_in_at_most_six_statements(world: World) -> None:
    visitor = visit(world.app, world.users[Role.TECHNICIAN])
    with watching(world) as few:
        visitor.get("/search?q=canary-ours")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        for number in range(60):
            factories.make_asset(session, client, f"canary-ours-{number}")
    with watching(world) as many:
        said = words(visitor.get("/search?q=canary-ours").text)

    assert all(part in said for part in ("Units", "Contracts", "Clients", "Show all", world.ours.name))
    assert len(many["statements"]) == len(few["statements"]) <= 6


def test_signs_of_the_database_are_letters_and_one_letter_is_too_little(world: World) -> None:
    visitor = visit(world.app, world.users[Role.TECHNICIAN])

    assert all(
        "Nothing begins so" in visitor.get("/search", query_string={"q": typed}).text for typed in ("%%", "__", "'--")
    )
    assert "Type at least two letters" in visitor.get("/search?q=c").text
