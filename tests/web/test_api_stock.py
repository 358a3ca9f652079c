"""The MSP's own stock, as programs call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import factories
from tests.web.conftest import NOBODYS_ID, World
from warranty import db
from warranty.domain.access import TokenScope
from warranty.domain.terms import Role
from warranty.services import people

if TYPE_CHECKING:
    from uuid import UUID


@pytest.fixture
def place(world: World) -> str:
    answer = world.post("/stock-locations", {"name": "Utrecht, shelf 3"})
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def receive(world: World, place: str, *serial_numbers: str, quantity: int = 0, product: UUID | None = None) -> Any:
    body = {
        "product": str(product or world.ours.product),
        "location": place,
        "serial_numbers": list(serial_numbers),
        "quantity": quantity,
        "reason": "Delivery 88213",
    }
    return world.post("/stock", body, Role.TECHNICIAN)


def step(world: World, unit: str, what: str, **body: Any) -> Any:
    return world.post(f"/stock/{unit}/{what}", {"reason": "For the swap", **body}, Role.TECHNICIAN)


def test_a_unit_is_received_reserved_issued_and_put_back(world: World, place: str) -> None:
    fault = world.report(serial_number=world.ours.covered_serial)["id"]
    (unit,) = receive(world, place, "ST-1").json["items"]

    reserved = step(world, unit["id"], "reserve", fault=fault)
    issued = step(world, unit["id"], "issue")
    back = step(world, unit["id"], "put-back", location=place)

    assert unit == {
        "id": unit["id"],
        "product": str(world.ours.product),
        "location": place,
        "serial_number": "ST-1",
        "state": "in_stock",
        "fault_id": None,
        "received_at": unit["received_at"],
    }
    assert [answer.status_code for answer in (reserved, issued, back)] == [200, 200, 200]
    assert [answer.json["state"] for answer in (reserved, issued, back)] == ["reserved", "issued", "in_stock"]
    assert [answer.json["fault_id"] for answer in (reserved, issued, back)] == [fault, fault, None]
    assert world.get(f"/stock/{unit['id']}").json == back.json


def test_any_unit_of_a_product_is_reserved_and_released(world: World, place: str) -> None:
    fault = world.report(serial_number=world.ours.covered_serial)["id"]
    receive(world, place, quantity=1)
    body = {"product": str(world.ours.product), "location": place, "fault": fault}

    taken = world.post("/stock/reserve", body, Role.TECHNICIAN)
    none_left = world.post("/stock/reserve", body, Role.TECHNICIAN)
    freed = step(world, taken.json["id"], "release")

    assert (taken.status_code, taken.json["state"]) == (200, "reserved")
    assert (none_left.status_code, none_left.json["type"]) == (409, "out_of_stock")
    assert (freed.status_code, freed.json["state"], freed.json["fault_id"]) == (200, "in_stock", None)


def test_the_list_is_narrowed_by_product_place_case_serial_and_state(world: World, place: str) -> None:
    fault = world.report(serial_number=world.ours.covered_serial)["id"]
    first, second = receive(world, place, "ST-1", "ST-2").json["items"]
    receive(world, place, "ST-1", product=world.theirs.product)
    step(world, first["id"], "reserve", fault=fault)
    ours = f"product={world.ours.product}&location={place}"

    def found(query: str) -> list[str]:
        return [item["id"] for item in world.get(f"/stock?{query}").json["items"]]

    assert found(ours) == [second["id"], first["id"]]
    assert found(f"{ours}&state=in_stock") == [second["id"]]
    assert found(f"fault={fault}") == [first["id"]]
    assert len(found("serial_number=st-1")) == 2
    assert found(f"location={NOBODYS_ID}") == []
    assert world.get(f"/stock?{ours}&state=in_stock&count=true").json["total"] == 1


def test_stores_are_listed_and_shown(world: World, place: str) -> None:
    shown = world.get(f"/stock-locations/{place}")

    assert shown.json == {"id": place, "name": "Utrecht, shelf 3"}
    assert shown.json in world.get("/stock-locations").json["items"]
    assert world.post("/stock-locations", {"name": "Utrecht, shelf 3"}).status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"product": NOBODYS_ID}, "product"),
        ({"location": NOBODYS_ID}, "location"),
        ({"serial_numbers": [], "quantity": 0}, "serial_numbers"),
        ({"serial_numbers": ["N/A"]}, "serial_number"),
        ({"quantity": 201, "serial_numbers": []}, "quantity"),
        ({"reason": ""}, "reason"),
        ({"state": "issued"}, "state"),
    ],
)
def test_what_cannot_be_received_is_said_by_field(world: World, place: str, change: dict[str, Any], field: str) -> None:
    body = {"product": str(world.ours.product), "location": place, "serial_numbers": ["ST-1"], "reason": "Delivery"}

    answer = world.post("/stock", body | change, Role.TECHNICIAN)

    assert (answer.status_code, answer.json["type"]) == (422, "invalid")
    assert field in answer.json["errors"]
    assert world.get("/stock").json["items"] == []


def test_a_step_that_does_not_follow_is_a_conflict(world: World, place: str) -> None:
    (unit,) = receive(world, place, "ST-1").json["items"]

    answer = step(world, unit["id"], "issue")

    assert (answer.status_code, answer.json["type"]) == (409, "illegal_move")


def test_whoever_read_another_version_changes_nothing(world: World, place: str) -> None:
    fault = world.report(serial_number=world.ours.covered_serial)["id"]
    (unit,) = receive(world, place, "ST-1").json["items"]
    tag = world.get(f"/stock/{unit['id']}").headers["ETag"]
    path, body = f"/stock/{unit['id']}/reserve", {"fault": fault}

    stale = world.post(path, body, Role.TECHNICIAN, headers={"If-Match": '"of another day"'})
    fresh = world.post(path, body, Role.TECHNICIAN, headers={"If-Match": tag})

    assert (stale.status_code, fresh.status_code) == (412, 200)


def test_the_same_receipt_sent_twice_is_one(world: World, place: str) -> None:
    body = {"product": str(world.ours.product), "location": place, "quantity": 2, "reason": "Delivery"}

    answers = [world.post("/stock", body, headers={"Idempotency-Key": "delivery-1"}) for _ in range(2)]

    assert answers[0].json == answers[1].json
    assert len(world.get("/stock").json["items"]) == 2


@pytest.mark.parametrize("role", [Role.BILLING, Role.AUDITOR])
def test_who_only_reads_moves_no_stock(world: World, place: str, role: Role) -> None:
    body = {"product": str(world.ours.product), "location": place, "quantity": 2, "reason": "Delivery"}

    assert world.post("/stock", body, role).status_code == 403
    assert world.get("/stock", role).json["items"] == []


def test_a_token_that_is_narrowed_to_one_client_has_no_say_in_what_serves_all(world: World, place: str) -> None:
    fault = world.report(serial_number=world.ours.covered_serial)["id"]
    (unit,) = receive(world, place, "ST-1").json["items"]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        user = factories.make_user(session, Role.TECHNICIAN)
        client = factories.find_client(session, world.ours.name)
        scopes = (TokenScope.READ, TokenScope.WRITE)
        token = people.add_token(session, user, scopes, because=factories.BECAUSE, client=client).token

    listed = world.call("GET", "/stock", token)
    reserved = world.call("POST", f"/stock/{unit['id']}/reserve", token, json={"fault": fault})

    assert (listed.status_code, reserved.status_code) == (403, 403)
    assert world.get(f"/stock/{unit['id']}").json["state"] == "in_stock"
