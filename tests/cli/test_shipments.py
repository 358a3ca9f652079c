"""Parcels at the command line."""

from __future__ import annotations

from tests.cli.conftest import Shell
from tests.desk import Desk
from warranty.runtime import Runtime

WHY = ("--reason", "seen by us")


def test_a_parcel_that_comes_short_is_followed_until_the_rest_is_given_up(warranty: Shell, runtime: Runtime) -> None:
    desk = Desk(runtime, vendor="manual")
    desk.report()
    case = desk.fault().reference
    warranty.says("rma", "move", case, "authorized", "--rma-number", "R-7", *WHY)
    [parcel] = [row["id"] for row in warranty.gives("shipment", "list", "--direction", "to_us")]

    known = ("--part", "2*PSU-750W", "--carrier", "UPS", "--tracking-number", "1Z", "--due-on", "2026-12-01")
    assert warranty.gives("shipment", "move", parcel, "in_transit", *known, *WHY)["carrier"] == "UPS"
    assert "allowed: delivered, lost" in warranty.refuses("shipment", "move", parcel, "checked_in", *WHY)
    warranty.says("shipment", "move", parcel, "delivered", "--signed-by", "M. Visser", *WHY)
    warranty.says("shipment", "move", parcel, "checked_in", "--arrived", "PSU-750W", *WHY)

    [rest] = [row for row in warranty.gives("shipment", "list", "--state", "expected") if row["makes_up_for"] == parcel]
    warranty.says("shipment", "change", rest["id"], "--rest", "given_up", *WHY)
    assert warranty.gives("shipment", "show", rest["id"])["parts"][0]["given_up"] == 1
    back = warranty.gives("shipment", "add", case, "to_vendor", "--note", "The old one.", *WHY)
    assert (back["state"], back["note"]) == ("due", "The old one.")
