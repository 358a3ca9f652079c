"""Parcels over REST: what comes, what comes short, wrong, damaged or not at all, and what is still owed part by part."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from tests.web.conftest import World
from tests.web.test_api_cases import authorized, move, moved, refused
from warranty.domain.terms import Role

PARTS = [{"part": "PSU-750W", "quantity": 2}, {"part": "FAN-3", "quantity": 1}]


def claim(world: World, rma: Any) -> Any:
    return world.get(f"/rmas/{rma['id']}").json


def owed(world: World, rma: Any, direction: str = "to_us") -> dict[str, tuple[int, int, int, int]]:
    """Per part: promised, arrived, outstanding, in no parcel."""
    return {
        one["part"]: (one["promised"], one["arrived"], one["outstanding"], one["unannounced"])
        for one in claim(world, rma)["goods"]
        if one["direction"] == direction
    }


def delivered(world: World, **facts: Any) -> tuple[Any, Any]:
    """An approved claim whose parcel with two power supplies and a fan stands at the goods-in."""
    rma, _ = authorized(world)
    [parcel] = rma["shipments"]
    assert move(world, "shipments", parcel, "in_transit", parts=PARTS, **facts).status_code == 200
    return rma, moved(world, "shipments", parcel, "delivered")


def test_with_the_approval_what_was_claimed_is_promised(world: World) -> None:
    rma, _ = authorized(world)

    assert owed(world, rma) == {"disk": (1, 0, 1, 0)}
    assert [one["direction"] for one in rma["shipments"]] == ["to_us"]


def test_a_parcel_that_is_booked_in_short_is_followed_by_one_with_the_rest(world: World) -> None:
    rma, parcel = delivered(world)

    came = move(
        world,
        "shipments",
        parcel,
        "checked_in",
        arrived=[{"part": "PSU-750W", "quantity": 1}, {"part": "FAN-3", "quantity": 1}],
        rest_due_on="2026-12-04",
    )

    assert came.status_code == 200, came.json
    first, rest = claim(world, rma)["shipments"]
    assert (rest["state"], rest["makes_up_for"], rest["due_on"]) == ("expected", first["id"], "2026-12-04")
    assert [(one["part"], one["quantity"]) for one in rest["parts"]] == [("PSU-750W", 1)]
    assert owed(world, rma) == {"PSU-750W": (2, 1, 1, 0), "FAN-3": (1, 1, 0, 0)}
    moved(world, "shipments", rest, "in_transit", "delivered", "checked_in")
    assert owed(world, rma) == {"PSU-750W": (2, 2, 0, 0), "FAN-3": (1, 1, 0, 0)}


@pytest.mark.parametrize("end", ["wrong_or_damaged", "lost"])
def test_for_what_was_wrong_or_was_lost_another_parcel_is_expected(world: World, end: str) -> None:
    rma, _ = authorized(world)
    [parcel] = rma["shipments"]
    moved(world, "shipments", parcel, "in_transit", *(["delivered"] if end != "lost" else []), end)

    first, again = claim(world, rma)["shipments"]
    assert (first["state"], again["state"], again["makes_up_for"]) == (end, "expected", first["id"])
    assert owed(world, rma) == {"disk": (1, 0, 1, 0)}
    moved(world, "shipments", again, "in_transit", "delivered", "checked_in")
    assert owed(world, rma) == {"disk": (1, 1, 0, 0)}


def test_what_nobody_waits_for_any_more_is_given_up(world: World) -> None:
    rma, parcel = delivered(world)

    answer = move(
        world, "shipments", parcel, "wrong_or_damaged", rest="given_up", arrived=[{"part": "FAN-3", "quantity": 1}]
    )

    assert answer.status_code == 200, answer.json
    assert len(claim(world, rma)["shipments"]) == 1
    assert owed(world, rma) == {"PSU-750W": (2, 0, 0, 0), "FAN-3": (1, 1, 0, 0)}


def test_a_delivery_that_is_split_is_a_parcel_more(world: World) -> None:
    rma, parcel = delivered(world)

    second = world.post(
        f"/rmas/{rma['id']}/shipments",
        {
            "direction": "to_us",
            "parts": [{"part": "RAIL", "quantity": 1}],
            "carrier": "UPS",
            "reason": "They split it.",
        },
        Role.TECHNICIAN,
    )

    assert second.status_code == 201, second.json
    assert (second.json["makes_up_for"], second.json["carrier"]) == (None, "UPS")
    moved(world, "shipments", parcel, "checked_in")
    assert owed(world, rma) == {"PSU-750W": (2, 2, 0, 0), "FAN-3": (1, 1, 0, 0), "RAIL": (1, 0, 1, 0)}


@pytest.mark.parametrize(
    ("arrived", "said"),
    [
        ([{"part": "PSU-750W", "quantity": 3}], "holds 2"),
        ([{"part": "SCREW", "quantity": 1}], "not in this parcel"),
    ],
)
def test_what_cannot_have_come_out_of_a_parcel_is_refused_and_nothing_moves(
    world: World, arrived: list[dict[str, Any]], said: str
) -> None:
    _rma, parcel = delivered(world)

    answer = move(world, "shipments", parcel, "checked_in", arrived=arrived)

    assert (answer.status_code, answer.json["type"]) == (422, "invalid"), answer.json
    assert said in str(answer.json)
    assert world.get(f"/shipments/{parcel['id']}").json["state"] == "delivered"


def test_what_else_is_known_is_written_down_wherever_the_parcel_is(world: World) -> None:
    rma, parcel = delivered(world)
    facts = {"signed_by": "M. Visser, gate 2", "note": "The box has a dent.", "delivered_on": "2026-11-20"}

    answer = world.call(
        "PATCH", f"/shipments/{parcel['id']}", world.tokens[Role.TECHNICIAN], json={**facts, "reason": "On the slip."}
    )

    assert answer.status_code == 200, answer.json
    assert {name: answer.json[name] for name in facts} == facts
    moved(world, "shipments", parcel, "checked_in")
    counted = world.call(
        "PATCH", f"/shipments/{parcel['id']}", world.tokens[Role.TECHNICIAN], json={"parts": PARTS, "reason": "Again."}
    )
    assert "counted already" in refused(counted)
    shown = world.call("GET", f"/rmas/{rma['id']}", world.ours.tokens[Role.CLIENT_VIEWER]).json
    assert "note" not in shown["shipments"][0]
    assert shown["goods"]


def test_a_file_of_another_case_proves_nothing(world: World) -> None:
    _rma, parcel = delivered(world)
    other = world.report(serial_number=world.ours.bare_serial, component="fan")
    photo = world.call(
        "POST",
        f"/faults/{other['id']}/files",
        world.tokens[Role.TECHNICIAN],
        data={"file": (BytesIO(b"%PDF-1.4 slip"), "slip.pdf")},
    )
    assert photo.status_code == 201, photo.json

    answer = world.call(
        "PATCH",
        f"/shipments/{parcel['id']}",
        world.tokens[Role.TECHNICIAN],
        json={"proof": photo.json["id"], "reason": "The slip."},
    )

    assert (answer.status_code, "no file of the case" in str(answer.json)) == (422, True), answer.json
