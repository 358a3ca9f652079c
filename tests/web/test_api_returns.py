"""Defective units that go back, as programs follow them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from tests.web.conftest import World
from tests.web.owned import own_everything
from warranty.domain.terms import Role
from warranty.models import CaseCost, Fault, Rma, Shipment

DAY = "2020-06-12"  # overdue, whenever this runs
WHY = {"reason": "They said so."}


@pytest.fixture
def back(world: World) -> dict[str, Any]:
    """A return of our client that waits to be sent, with a day that the vendor named."""
    owned = own_everything(world, world.ours)
    body = WHY | {"direction": "to_vendor", "due_on": DAY}
    made = world.post(f"/rmas/{owned[Rma]}/shipments", body).json
    return {"id": made["id"], "fault": owned[Fault], "other": owned[Shipment], "cost": owned[CaseCost]}


def test_a_return_is_planned_proved_and_listed(world: World, back: dict[str, Any]) -> None:
    path = f"/returns/{back['id']}"
    shown = world.get(path)
    assert (shown.json["due_on"], shown.json["due_basis"], shown.json["holder"]) == (DAY, "told", "msp")
    assert (
        back["id"] in {one["id"] for one in world.get("/returns?overdue=true&holder=msp").json["items"]} or DAY > "2026"
    )

    body = WHY | {"holder": "client", "charge_minor": 41_200, "currency": "EUR", "keeps_media": True}
    planned = world.call(
        "PATCH", path, world.tokens[Role.TECHNICIAN], json=body, headers={"If-Match": shown.headers["ETag"]}
    )
    assert (planned.json["holder"], planned.json["exposure_minor"], planned.json["is_vendors_charge"]) == (
        "client",
        41_200,
        True,
    )
    late = world.call(
        "PATCH", path, world.tokens[Role.TECHNICIAN], json=body, headers={"If-Match": shown.headers["ETag"]}
    )
    assert late.status_code == 412
    ours = f"client={world.ours.id}"
    held = world.get(f"/returns?{ours}&holder=client&due_within=366").json["items"]
    assert back["id"] in {one["id"] for one in held}
    going = f"/shipments/{back['id']}/transitions"
    move = WHY | {"to": "in_transit", "carrier": "DHL"}
    assert world.post(going, move).status_code == 409
    sent = world.post(going, move | {"tracking_number": "1Z9"})
    assert (sent.status_code, sent.json["state"]) == (200, "in_transit")
    assert world.call("PATCH", path, world.tokens[Role.TECHNICIAN], json=body).status_code == 409


def test_what_is_kept_needs_a_file_of_the_case(world: World, back: dict[str, Any]) -> None:
    form = {"file": (BytesIO(b"%PDF-1.4\n%%EOF\n"), "certificate.pdf")}
    paper = world.call("POST", f"/faults/{back['fault']}/files", world.tokens[Role.TECHNICIAN], data=form).json["id"]
    body = WHY | {"file_id": paper, "destroyed_by": "Shred & Co", "destroyed_on": "2026-06-02", "method": "H-5"}
    assert world.post(f"/returns/{back['id']}/retention", body | {"method": ""}).status_code == 422
    kept = world.post(f"/returns/{back['id']}/retention", body)
    assert (kept.status_code, kept.json["state"], kept.json["destroyed_by"]) == (200, "retained", "Shred & Co")


def test_a_cost_is_owed_until_billing_settles_it(world: World, back: dict[str, Any]) -> None:
    path = f"/costs/{back['cost']}"
    assert world.get(path).json["kind"] == "non_return"
    assert world.get(path).json in world.get("/costs?settled=false").json["items"]
    assert world.post(f"{path}/settlement", WHY, Role.TECHNICIAN).status_code == 403
    assert world.post(f"{path}/settlement", WHY, Role.BILLING).json["settlement"] == WHY["reason"]
    assert world.post(f"{path}/settlement", WHY, Role.BILLING).status_code == 409
    assert world.get(path).json in world.get("/costs?settled=true").json["items"]


def test_the_packing_slip_is_a_pdf_of_two_sheets(world: World, back: dict[str, Any]) -> None:
    made = world.get(f"/returns/{back['id']}/slip")
    assert (made.status_code, made.mimetype) == (200, "application/pdf")
    assert made.data.startswith(b"%PDF-")


def test_a_parcel_that_comes_to_us_is_no_return(world: World, back: dict[str, Any]) -> None:
    rma = world.get(f"/returns/{back['id']}").json["rma_id"]
    coming = next(one["id"] for one in world.get(f"/rmas/{rma}").json["shipments"] if one["direction"] == "to_us")
    assert world.get(f"/returns/{coming}").status_code == 404
    assert world.get(f"/returns/{coming}/slip").status_code == 404
