"""Look-ups over the API: ordered at once, how far they are, and what was answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests import factories
from vendors.contract import Listed, Unit
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Asset, VendorAccount
from warranty.services import entitlements

if TYPE_CHECKING:
    from tests.web.conftest import World


def ask(world: World, **body: Any) -> Any:
    answer = world.call("POST", "/lookups", world.tokens[Role.TECHNICIAN], json=body)
    assert answer.status_code == 202, answer.json
    return answer.json


def serve(world: World, serial: str) -> int:
    """Have an account look up a unit of its own maker's; the unit's key."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session)
        product = factories.make_product(session, f"Maker of {serial}")
        unit = factories.make_asset(session, client, serial, product=product)
        key = {"client_id": "us", "client_secret": "them"}
        factories.make_account(
            session, world.runtime, "dell", secrets=key, duties=["lookup"], manufacturers=[product.manufacturer]
        )
        return unit.id


def test_a_look_up_is_ordered_and_its_progress_can_be_read(world: World) -> None:
    serve(world, "LOOKUP1")

    asked = ask(world, serial_numbers=["lookup1", "nowhere"])
    shown = world.call("GET", f"/lookups/{asked['id']}", world.tokens[Role.AUDITOR]).json

    assert asked["left_out"] == [{"serial_number": "nowhere", "why": "No unit has this serial number."}]
    assert (shown["state"], shown["units"], shown["waiting"]) == ("waiting", 1, 1)
    assert ask(world, serial_numbers=["LOOKUP1"])["already_ordered"] == 1


def test_which_units_is_said_in_one_way(world: World) -> None:
    for body in ({}, {"all": True, "serial_numbers": ["x"]}, {"serial_numbers": ["x"], "stale_days": 3}):
        answer = world.call("POST", "/lookups", world.tokens[Role.TECHNICIAN], json=body)
        assert answer.status_code == 422


def test_what_a_vendor_answered_is_shown_as_it_came_newest_first(world: World) -> None:
    key = serve(world, "LOOKUP2")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        unit = session.get_one(Asset, key)
        account = session.query(VendorAccount).order_by(VendorAccount.id.desc()).first()
        assert account is not None
        for month in (1, 2):
            answer = Listed(Unit(unit.serial_number), (), raw=f'{{"month": {month}}}')
            now = datetime(2026, month, 1, tzinfo=UTC)
            entitlements.keep(session, {unit.id: answer}, account=account, now=now)

    shown = world.call("GET", f"/assets/{unit.public_id}/vendor-answers", world.tokens[Role.AUDITOR]).json

    assert [one["raw"] for one in shown["items"]] == ['{"month": 2}', '{"month": 1}']
