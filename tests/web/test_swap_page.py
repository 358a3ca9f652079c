"""The page of a swap: what is scanned wrongly is said in words, what is late does nothing, and the case ends there."""

from __future__ import annotations

from tests.web.conftest import World
from tests.web.test_staff import manager, one_of_each
from tests.web.visitor import words


def test_a_unit_is_named_installed_and_its_contract_waits(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    assert visitor.get(f"{case}/swap").status_code == 404
    for to, number in (("manual_handling", ""), ("authorized", "RMA-4711")):
        visitor.get(case)
        visitor.send(f"{case}/claim", to=to, rma_number=number, claim_reason="Called their hotline")
    page = visitor.get(f"{case}/swap").text
    old = world.ours.covered_serial

    wrong = visitor.send(f"{case}/swap", act="scan", scan_serial=old, scan_kind="unit", scan_source="vendor")
    assert wrong.status_code == 422
    assert "old unit" in visitor.error("scan_serial")
    visitor.get(f"{case}/swap")
    right = visitor.send(f"{case}/swap", act="scan", scan_serial="NEW-1", scan_kind="unit", scan_source="vendor")
    assert right.status_code == 303
    assert "NEW-1" in words(visitor.get(f"{case}/swap").text)
    late = visitor.send(f"{case}/swap", act="move", move_to="received", move_reason="So", seen="something else")
    assert late.status_code == 409
    visitor.get(f"{case}/swap")
    assert visitor.send(f"{case}/swap", act="move", move_to="received", move_reason="It is here").status_code == 303
    visitor.get(f"{case}/swap")
    assert visitor.send(f"{case}/swap", act="move", move_to="done", move_reason="So").status_code == 409
    assert "The swap is not finished." in words(visitor.get(f"{case}/owed").text)
    assert "scan_serial" in page
