"""The units' pages: what they show, what they cost, and that nobody loses anything there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tests import factories
from tests.web.conftest import World, watching
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import AssetState, Role, Share
from warranty.models import Asset
from warranty.services import moves

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

TODAY = datetime.now(UTC).date()


def manager(world: World) -> Visitor:
    """A service manager, who may do everything that these pages offer."""
    return visit(world.app, world.users[Role.SERVICE_MANAGER])


def statements(world: World, ask: Any) -> int:
    """How many statements the database gets for a page that is answered."""
    with watching(world) as seen:
        answer: TestResponse = ask()
    assert answer.status_code == 200
    return len(seen["statements"])


def unit_of(session: Session, public_id: UUID) -> Asset:
    """The row of a unit."""
    return session.scalars(select(Asset).where(Asset.public_id == public_id)).one()


# --- one unit ---

MOST_OF_A_UNIT = 18


def test_a_unit_says_who_pays_each_share_and_until_when(world: World) -> None:
    ends_on = TODAY + timedelta(days=400)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        unit = unit_of(session, world.ours.covered)
        factories.make_coverage(
            session, unit, contract_number="LAB-1", ends_on=ends_on, covers=(Share.LABOUR,), name="Rack service"
        )

    said = words(manager(world).get(f"/assets/{world.ours.covered}").text)

    assert world.ours.covered_serial in said
    assert f"Labour covered until {ends_on.day} {ends_on:%b %Y}" in said
    assert "Parts covered, with no end" in said
    assert "Rack service" in said


def test_a_unit_shows_those_before_and_after_it_its_cases_and_its_history(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        old, client = unit_of(session, world.ours.covered), factories.find_client(session, world.ours.name)
        chain = [old, *(factories.make_asset(session, client, f"NEXT-{number}") for number in range(3))]
        for one, other in pairwise(chain):
            one.replaced_by_id = other.id
        moves.move(session, old, AssetState.FAULTY, factories.BECAUSE)
        middle = chain[1].public_id
    case = world.report(serial_number=world.ours.bare_serial)
    visitor = manager(world)

    page = visitor.get(f"/assets/{middle}").text

    line = page[page.index('class="lineage"') : page.index("</ol>", page.index('class="lineage"'))]
    said = words(line)
    assert [said.index(serial) for serial in (world.ours.covered_serial, "NEXT-0", "NEXT-1", "NEXT-2")] == sorted(
        said.index(serial) for serial in (world.ours.covered_serial, "NEXT-0", "NEXT-1", "NEXT-2")
    )
    assert line.count("<a href=") == 3
    assert "In service → Faulty" in words(visitor.get(f"/assets/{world.ours.covered}").text)
    bare = visitor.get(f"/assets/{world.ours.bare}").text
    assert f"/cases/{case['id']}" in bare
    assert f"/faults/new?serial_number={world.ours.bare_serial}" in bare


def test_a_unit_costs_the_same_few_statements_whatever_hangs_on_it(world: World) -> None:
    visitor, path = manager(world), f"/assets/{world.ours.covered}"
    few = statements(world, lambda: visitor.get(path))
    for number in range(3):
        world.report(serial_number=world.ours.covered_serial, component_ref=f"bay {number}")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        unit = unit_of(session, world.ours.covered)
        for number in range(20):
            factories.make_coverage(session, unit, contract_number=f"MORE-{number}")
    many = statements(world, lambda: visitor.get(path))

    assert max(few, many) <= MOST_OF_A_UNIT
