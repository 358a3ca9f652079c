"""A swap at the command line, from the scan to the case that is closed."""

from __future__ import annotations

from tests import factories
from tests.cli.conftest import Shell
from tests.desk import Desk
from warranty.domain.terms import Component, CoverageKind, Share
from warranty.models import Asset, Product
from warranty.runtime import Runtime

WHY = ("--reason", "seen by us")


def test_a_swap_is_scanned_installed_and_owes_what_is_left(warranty: Shell, runtime: Runtime) -> None:
    desk = Desk(runtime, vendor="manual")
    with desk.session() as session:
        unit = session.get_one(Asset, desk.asset_key())
        factories.make_coverage(
            session, unit, contract_number="CARE-7", kind=CoverageKind.VENDOR_CONTRACT, covers=(Share.LABOUR,)
        )
    desk.report(component=Component.UNIT)
    case, new = desk.fault().reference, f"{desk.serial}-N"
    assert "nothing is approved yet" in warranty.refuses("swap", "show", case)
    warranty.says("rma", "move", case, "authorized", "--rma-number", "R-7", *WHY)
    warranty.says("stock", "add-store", "Utrecht")

    assert "the old unit" in warranty.refuses("swap", "scan", case, desk.serial)
    assert warranty.gives("swap", "scan", case, new)["serial_number"] == new
    warranty.says("swap", "move", case, "received", *WHY)
    warranty.says("swap", "move", case, "installed", *WHY)
    assert "allowed: dead_on_arrival, verified" in warranty.refuses("swap", "move", case, "done", *WHY)

    shown = warranty.gives("swap", "show", case)
    assert [debt["code"] for debt in shown["owes"]] == ["claim_runs", "swap_runs", *["contract_not_moved"] * 2]
    moved = warranty.gives("swap", "contract", case, "CARE-7", "moved", *WHY)
    assert [one["way"] for one in moved] == ["moved"]
    assert "closed comes after" in warranty.refuses("case", "close", case, *WHY)
    assert [row["serial_number"] for row in warranty.gives("swap", "list", "--state", "installed")] == [new]


def test_a_loaner_is_lent_and_taken_back(warranty: Shell, runtime: Runtime) -> None:
    desk = Desk(runtime, vendor="manual")
    desk.report(component=Component.UNIT)
    case, lent = desk.fault().reference, f"{desk.serial}-L"
    warranty.says("rma", "move", case, "authorized", "--rma-number", "R-7", *WHY)
    warranty.says("stock", "add-store", "Utrecht")
    with desk.session() as session:
        model = session.get_one(Asset, desk.asset_key()).product_id
        name = session.get_one(Product, model).model
    warranty.says("stock", "receive", name, "Utrecht", "--serial", lent, "--serial", f"{desk.serial}-S", *WHY)

    assert warranty.gives("swap", "lend", case, lent, *WHY)["back_at"] is None
    assert "lent for this case already" in warranty.refuses("swap", "lend", case, f"{desk.serial}-S", *WHY)
    assert warranty.gives("swap", "take-back", case, "Utrecht", *WHY)["back_at"] is not None
    assert "No unit is lent" in warranty.refuses("swap", "take-back", case, "Utrecht", *WHY)

    assert warranty.gives("swap", "scan", case, f"{desk.serial}-S")["source"] == "stock"
    assert "goes to the shelf" not in warranty.refuses("swap", "shelve", case, "Nowhere", *WHY)
    shelved = warranty.gives("swap", "shelve", case, "Utrecht", "--serial", f"{desk.serial}-V", *WHY)
    assert shelved["restocked"] is not None
