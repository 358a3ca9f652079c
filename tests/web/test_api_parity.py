"""Snapshots and the certificate of a swap, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.web.test_api_cases import authorized, moved
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from tests.web.conftest import World

OLD = {"memory": "16 GiB", "disks": ["2 x 960 GB SSD"], "bios": "2.1"}
WHY = {"reason": "Read at the rack."}


def test_a_part_is_proven_and_an_exception_takes_two(world: World) -> None:
    unit = f"/assets/{world.ours.covered}/snapshots"
    first = world.post(unit, {"specification": OLD, "configuration": "enable secret x\n", **WHY}, Role.TECHNICIAN)
    assert [one["kind"] for one in first.json["items"]] == ["specification", "configuration"]
    assert world.post(unit, {"specification": "[" * 200, **WHY}, Role.TECHNICIAN).status_code == 422
    rma, _ = authorized(world, labour_is_paid=True)
    swap = moved(world, "swaps", rma["swap"], "received", "installed")
    world.post(unit, {"specification": OLD | {"bios": "2.2"}, **WHY}, Role.TECHNICIAN)
    path = f"/swaps/{swap['id']}/parity"

    refused = world.post(f"/swaps/{swap['id']}/transitions", {"to": "verified", **WHY}, Role.TECHNICIAN)
    names = {"properties": ["firmware.bios"]}
    asked = world.post(f"{path}/acceptances", names | {"reason": "The newer one is ours."}, Role.SERVICE_MANAGER)
    own = world.post(f"{path}/approvals", names, Role.SERVICE_MANAGER)
    agreed = world.post(f"{path}/approvals", names, Role.ADMIN)

    assert (refused.status_code, "BIOS version: 2.1 before, 2.2 now" in refused.json["detail"]) == (409, True)
    assert [one["property"] for one in asked.json["waiting"]] == ["firmware.bios"]
    assert (own.status_code, agreed.status_code) == (403, 200)
    assert (agreed.json["clean"], agreed.json["waiting"], agreed.json["issued"]) == (True, [], False)
    moved(world, "swaps", swap, "verified")
    kept = world.get(path).json
    assert (kept["issued"], kept["clean"]) == (True, True)
    assert {one["property"]: one["status"] for one in kept["properties"]}["firmware.bios"] == "accepted_difference"
