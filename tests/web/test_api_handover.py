"""Units that are taken over and signed for, and units that come to their end, walked by REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests.web.conftest import World, fault_body, now
from warranty import db
from warranty.domain.handover import CHECKLISTS, UnitClass
from warranty.domain.terms import Role
from warranty.models import Asset, AuditRow, Coverage, Person
from warranty.services import erasure
from warranty.services.moves import Because

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

MANAGER = Role.SERVICE_MANAGER
STROKES = "M10 20" + "L11 21" * 9


@pytest.fixture
def unit(world: World) -> str:
    """The address of a unit that waits for its hand-over."""
    body = {"serial_number": "NEW1", "client": str(world.ours.id), "site": str(world.ours.site)}
    made: str = world.post("/assets", body).json["id"]
    return f"/assets/{made}"


def sign(world: World, unit: str, result: str = "healthy", **more: Any) -> TestResponse:
    body = {"result": result, "signed_by": "Mia Vos", **more}
    return world.call("PUT", f"{unit}/baseline", world.tokens[MANAGER], json=body)


def patch(world: World, unit: str, **body: Any) -> TestResponse:
    return world.call("PATCH", unit, world.tokens[MANAGER], json=body)


def add_file(world: World, unit: str) -> str:
    headers = {"Content-Type": "application/octet-stream"}
    answer = world.call("POST", f"{unit}/files?name=paper.txt", world.tokens[MANAGER], data=b"a paper", headers=headers)
    made: str = answer.json["id"]
    return made


def test_a_unit_is_checked_signed_for_and_then_decided_by_what_was_signed(world: World, unit: str) -> None:
    waiting = world.report(serial_number="NEW1")
    begun = world.post(f"{unit}/handover", {"unit_class": "network"}, Role.TECHNICIAN).json
    early = sign(world, unit)
    for step in begun["open"]:
        done = world.post(
            f"{unit}/handover/checks", {"step": step, "outcome": "done", "evidence": "seen"}, Role.TECHNICIAN
        )
    signed = sign(
        world, unit, "healthy_with_exceptions", exceptions=["fan"], signature="drawn", strokes=STROKES, signer_role="IT"
    )
    faulty = world.report(serial_number="NEW1", component="fan")

    assert [one["code"] for one in waiting["reasons"]] == ["asset_not_accepted"]
    assert [one["step"] for one in begun["checks"]] == [step for step, _ in CHECKLISTS[UnitClass.NETWORK]]
    assert (early.status_code, early.json["type"]) == (409, "illegal_move")
    assert "credentials_in_vault" in early.json["detail"]
    assert "allowed now: not_accepted" in early.json["detail"]
    assert done.json["open"] == []
    assert (signed.status_code, signed.json["state"], signed.json["signer_name"]) == (200, "in_service", "Mia Vos")
    assert [one["outcome"] for one in signed.json["checks"]].count("done") == len(begun["open"])
    assert "pre_existing_condition" in [one["code"] for one in faulty["reasons"]]
    assert faulty["verdict"] == "needs_review"
    with world.runtime.database.read(db.EVERYBODY) as session:
        kept = session.scalars(select(AuditRow).where(AuditRow.action == "baseline")).all()
    assert signed.json["digest"] in [(row.detail or {}).get("digest") for row in kept]


def test_a_newer_baseline_supersedes_with_a_reason_and_the_older_ones_stay(world: World, unit: str) -> None:
    first = sign(world, unit, "healthy_with_exceptions", exceptions=["fan"]).json
    silent = sign(world, unit)
    second = sign(world, unit, reason="The fan was replaced by us.").json
    history = world.get(f"{unit}/baselines").json["items"]

    assert (silent.status_code, list(silent.json["errors"])) == (422, ["reason"])
    assert [one["id"] for one in history] == [second["id"], first["id"]]
    assert first["digest"] != second["digest"]
    assert first["signed_by"] == second["signed_by"]  # one contact, not two of the same name
    assert world.get(f"{unit}/baseline").json == second
    assert world.get(unit).json["handover_exceptions"] == []


def test_what_is_read_of_a_unit_is_kept_with_its_baseline_and_does_its_check(world: World, unit: str) -> None:
    world.post(f"{unit}/handover", {"unit_class": "printer"})
    for step in ("serial_seen", "warranty_looked_up", "counter_read"):
        world.post(f"{unit}/handover/checks", {"step": step, "outcome": "done"})
    world.post(f"{unit}/handover", {"unit_class": "workstation"})
    world.post(f"{unit}/handover/checks", {"step": "monitoring_enrolled", "outcome": "done"})
    signed = sign(world, unit, specification={"model": "Server 9", "memory": "16 GiB"}).json
    later = sign(world, unit, reason="Signed on paper as well.").json
    broken = sign(world, unit, reason="Again.", specification=[[[["deep"]]]])

    kept = world.get(f"/snapshots/{signed['specification']}").json
    assert kept["properties"]
    assert [one["outcome"] for one in signed["checks"] if one["step"] == "specification_recorded"] == ["done"]
    assert later["specification"] == signed["specification"]
    assert (broken.status_code, list(broken.json["errors"])) == (422, ["specification"])


def test_a_rejected_unit_goes_into_service_by_no_way(world: World, unit: str) -> None:
    rejected = sign(world, unit, "not_accepted", exceptions=["disk"]).json
    again = [
        sign(world, unit, reason="Mended."),
        patch(world, unit, state="in_service"),
        world.post(f"{unit}/handover", {"unit_class": "server"}),
    ]

    assert rejected["state"] == "rejected_at_handover"
    assert [answer.status_code for answer in again] == [409] * 3
    assert all("decommissioned" in answer.json["detail"] for answer in again[:2])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"signature": "drawn", "strokes": "M1 1L2 2"}, "strokes"),
        ({"signature": "file"}, "signature_file"),
        ({"strokes": STROKES}, "strokes"),
        ({"result": "healthy_with_exceptions"}, "exceptions"),
        ({"signed_by": "00000000-0000-4000-8000-000000000000"}, "signed_by"),
    ],
    ids=["a line alone", "no file", "strokes that nobody drew", "no exceptions", "a stranger"],
)
def test_what_is_no_signature_is_refused_and_nothing_is_kept(
    world: World, unit: str, body: dict[str, Any], field: str
) -> None:
    answer = sign(world, unit, **body)

    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert world.get(f"{unit}/baseline").status_code == 404


def test_a_scanned_signature_is_a_file_of_the_unit_itself(world: World, unit: str) -> None:
    own, other = add_file(world, unit), add_file(world, f"/assets/{world.ours.bare}")
    refused = sign(world, unit, signature="file", signature_file=other)
    taken = sign(world, unit, signature="file", signature_file=own)

    assert list(refused.json["errors"]) == ["signature_file"]
    assert taken.json["signature_file"] == own


def test_a_drawn_signature_goes_with_its_person_and_its_digest_stays(world: World, unit: str) -> None:
    signed = sign(world, unit, signature="drawn", strokes=STROKES).json
    because = Because("user:1", "asked to be forgotten", now())
    with world.runtime.database.begin(db.EVERYBODY) as session:
        person = session.scalars(select(Person).where(Person.name == "Mia Vos")).one()
        erasure.erase_contact(session, person, because=because)
    kept = world.get(f"{unit}/baseline").json

    assert (signed["strokes"], kept["strokes"]) == (STROKES, None)
    assert (kept["digest"], kept["signed_by"]) == (signed["digest"], signed["signed_by"])
    assert "Mia" not in str(kept)


def test_a_check_says_what_became_of_it_and_can_be_opened_again(world: World, unit: str) -> None:
    nothing = world.post(f"{unit}/handover/checks", {"step": "serial_seen", "outcome": "done"})
    world.post(f"{unit}/handover", {"unit_class": "server"})
    silent = world.post(f"{unit}/handover/checks", {"step": "backup_proven", "outcome": "not_needed"})
    said = world.post(
        f"{unit}/handover/checks", {"step": "backup_proven", "outcome": "not_needed", "evidence": "No data on it."}
    ).json
    other = world.post(f"{unit}/handover", {"unit_class": "storage"}).json
    world.post(f"{unit}/handover/checks", {"step": "serial_seen", "outcome": "done"})
    opened = world.post(f"{unit}/handover/checks", {"step": "serial_seen", "outcome": None}).json

    assert (nothing.status_code, nothing.json["type"]) == (409, "not_begun")
    assert list(silent.json["errors"]) == ["evidence"]
    assert "backup_proven" not in said["open"]
    assert "backup_proven" not in [one["step"] for one in other["checks"]]
    assert "serial_seen" in opened["open"]
    assert world.post(f"{unit}/handover/checks", {"step": "nonsense", "outcome": "done"}).status_code == 422


# --- the end ---

DISPOSAL = {"recycler": "Circular IT BV", "document": "CIT-118", "disposed_on": "2026-03-01"}
PURGED = {
    "method": "purge",
    "serial_number": "S4EVNX0R",
    "tool": "nvme sanitize",
    "done_by": "Jana",
    "done_on": "2026-03-01",
}


def test_a_unit_is_disposed_of_once_its_media_and_its_recycler_are_known(world: World) -> None:
    one = f"/assets/{world.ours.bare}"
    in_use = [world.post(f"{one}/media", PURGED), world.post(f"{one}/disposal", DISPOSAL)]
    patch(world, one, state="decommissioned")
    too_soon = [world.post(f"{one}/disposal", DISPOSAL), patch(world, one, state="disposed")]
    first = world.post(f"{one}/media", PURGED)
    left = world.post(f"{one}/media", PURGED | {"method": "left_with_client", "serial_number": "S9", "tool": ""})
    wrong = [
        world.post(f"{one}/media", PURGED | {"serial_number": "s4evnx0r"}),
        world.post(f"{one}/media", PURGED | {"method": "no_media", "serial_number": ""}),
        world.post(f"{one}/media", PURGED | {"serial_number": "S2", "done_on": "2999-01-01"}),
        world.post(f"{one}/media", PURGED | {"serial_number": "S3", "method": "destroy"}),
    ]
    gone = world.post(f"{one}/disposal", DISPOSAL)
    after = [patch(world, one, state=state) for state in ("decommissioned", "lost", "in_stock")]

    assert [answer.status_code for answer in (*in_use, *too_soon)] == [409] * 4
    assert "media" in too_soon[0].json["detail"]
    assert "by which document" in too_soon[1].json["detail"]
    assert first.json["missing"] == ["disposal"]
    assert [medium["method"] for medium in left.json["media"]] == ["purge", "left_with_client"]
    assert [list(answer.json["errors"]) for answer in wrong] == [
        ["serial_number"], ["method"], ["done_on"], ["certificate"],
    ]  # fmt: skip
    assert (gone.status_code, gone.json["state"], gone.json["missing"]) == (201, "disposed", [])
    assert gone.json["disposal"]["recycler"] == "Circular IT BV"
    assert [answer.status_code for answer in after] == [409] * 3


def test_what_was_bought_for_a_retired_unit_waits_for_a_person(world: World) -> None:
    one = f"/assets/{world.ours.covered}"
    patch(world, one, state="decommissioned")
    with world.runtime.database.read(db.EVERYBODY) as session:
        asset = session.scalars(select(Asset).where(Asset.public_id == world.ours.covered)).one()
        marked = session.scalars(
            select(Coverage.public_id).where(Coverage.asset_id == asset.id, Coverage.left_over_since.is_not(None))
        ).all()

    assert world.get(f"{one}/retirement").json["left_over"] == [str(key) for key in marked]
    assert marked == [world.ours.coverage]


def test_a_report_on_a_retired_unit_goes_to_a_person(world: World) -> None:
    patch(world, f"/assets/{world.ours.bare}", state="decommissioned")

    answer = world.report(**fault_body(serial_number=world.ours.bare_serial))

    assert [one["code"] for one in answer["reasons"]] == ["asset_decommissioned"]
