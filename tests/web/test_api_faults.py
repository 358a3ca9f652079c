"""Reporting a fault over REST: what becomes of it, what it costs, and what happens when it is sent twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.web.conftest import NOBODYS_ID, World, cover_labour, fault_body, now, watching
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Fault, IdempotencyKey, Outbox, Rma
from warranty.services import people

OUTCOME = {
    "id",
    "asset_id",
    "state",
    "verdict",
    "route",
    "reasons",
    "pays",
    "rma_id",
    "job_id",
    "review_item_id",
}
EVERYTHING = {
    "component_ref": "bay 3",
    "severity": 2,
    "contact": {"name": "Ada", "phone": "+49 30 1", "email": "ada@client.example"},
    "ship_to": {"name": "Goods in", "address_line1": "Dock 1", "city": "Berlin", "country": "DE"},
    "troubleshooting": "Reseated it.\nStill dead.",
    "diagnostic_code": "2000-0146",
    "external_ref": {"system": "psa", "id": "T-1", "url": "https://psa.example/T-1"},
}


def count(world: World, table: type) -> int:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# --- what becomes of a report ---


def test_a_covered_fault_becomes_an_rma_that_is_ordered_to_be_sent(world: World) -> None:
    answer = world.report(serial_number=world.ours.covered_serial)

    assert set(answer) == OUTCOME
    assert (answer["verdict"], answer["route"], answer["state"]) == ("partly_covered", "rma", "rma_open")
    assert answer["pays"] == {"parts": "vendor", "labour": "client"}
    assert answer["asset_id"] == str(world.ours.covered)
    assert answer["rma_id"] is not None
    assert answer["job_id"] is not None  # the labour, which nobody but the client pays
    assert answer["review_item_id"] is None
    assert {(entry["share"], entry["code"]) for entry in answer["reasons"]} == {
        ("parts", "chosen"),
        ("labour", "labour_not_covered"),
    }
    assert count(world, Outbox) == 1


def test_an_uncovered_fault_becomes_a_priced_job(world: World) -> None:
    answer = world.report(asset_id=str(world.ours.bare))

    assert (answer["verdict"], answer["route"], answer["state"]) == ("not_covered", "ad_hoc", "ad_hoc_open")
    assert answer["rma_id"] is None
    job = world.get(f"/jobs/{answer['job_id']}").json
    assert job["state"] == "quoted"
    assert job["totals_minor"] == {"client": 9_500 + 11_000 + 42_000}
    assert count(world, Outbox) == 0


def test_labour_that_the_msp_pays_makes_no_job_beside_the_rma(world: World) -> None:
    cover_labour(world, world.ours.covered)

    answer = world.report(serial_number=world.ours.covered_serial)

    assert (answer["verdict"], answer["route"], answer["job_id"]) == ("covered", "rma", None)
    assert answer["pays"] == {"parts": "vendor", "labour": "msp"}


def test_an_unknown_serial_waits_for_a_person_where_the_client_is_named(world: World) -> None:
    answer = world.report(serial_number="NOBODYS", client=str(world.ours.id))

    assert (answer["verdict"], answer["route"], answer["state"]) == ("needs_review", "review", "needs_review")
    assert answer["asset_id"] is None
    assert answer["review_item_id"] is not None


def test_an_unknown_serial_waits_for_a_person_where_the_client_reports_it(world: World) -> None:
    answer = world.call(
        "POST", "/faults", world.ours.tokens[Role.CLIENT_VIEWER], json=fault_body(serial_number="NOBODYS")
    )

    assert answer.status_code == 201
    assert answer.json["verdict"] == "needs_review"


def test_an_unknown_serial_without_a_client_asks_for_the_client(world: World) -> None:
    answer = world.post("/faults", fault_body(serial_number="NOBODYS"))

    assert (answer.status_code, answer.json["type"]) == (422, "client_required")
    assert list(answer.json["errors"]) == ["client"]
    assert count(world, Fault) == 0


def test_a_serial_that_two_clients_have_is_ambiguous_for_the_msp_and_clear_for_each_client(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        for name in ("One", "Two"):
            factories.make_asset(session, factories.make_client(session, name), "TWIN")
        one = factories.find_client(session, "One")
        reporter = factories.make_token(session, factories.make_user(session, Role.CLIENT_VIEWER, one))
        one_id = str(one.public_id)

    assert world.post("/faults", fault_body(serial_number="TWIN")).json["type"] == "client_required"
    own = world.call("POST", "/faults", reporter, json=fault_body(serial_number="TWIN"))
    assert own.json["route"] == "ad_hoc"
    narrowed = world.post("/faults", fault_body(serial_number="TWIN", client=one_id))
    assert narrowed.json["route"] == "duplicate"


def test_two_reports_of_one_component_open_one_rma(world: World) -> None:
    first = world.report(serial_number=world.ours.covered_serial, component_ref="bay 1")
    second = world.report(serial_number=world.ours.covered_serial, component_ref="bay 1")

    assert (second["route"], second["state"], second["rma_id"]) == ("duplicate", "duplicate", None)
    assert world.get(f"/faults/{second['id']}").json["duplicate_of"] == first["id"]
    assert count(world, Rma) == 1


def test_a_preview_decides_and_opens_nothing(world: World) -> None:
    body = {"serial_number": world.ours.covered_serial, "component": "disk", "cause": "hardware_failure"}

    answer = world.post("/decisions/preview", body, Role.AUDITOR)

    assert answer.status_code == 200
    assert (answer.json["verdict"], answer.json["route"]) == ("partly_covered", "rma")
    assert answer.json["awards"] == {"parts": str(world.ours.coverage), "labour": None}
    assert answer.json["asset_id"] == str(world.ours.covered)
    assert answer.json["engine_version"]
    assert count(world, Fault) == count(world, IdempotencyKey) == 0


# --- what is refused ---


REFUSED: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"asset_id": NOBODYS_ID}, 404, "not_found", None),
    ({"serial_number": "X", "client": NOBODYS_ID}, 422, "invalid", "client"),
    ({}, 422, "invalid", "serial_number"),
    ({"serial_number": "X", "asset_id": NOBODYS_ID}, 422, "invalid", "asset_id"),
    ({"serial_number": "  "}, 422, "invalid", "serial_number"),
    ({"serial_number": "X", "component": "flux"}, 422, "invalid", "component"),
    ({"serial_number": "X", "severity": 5}, 422, "invalid", "severity"),
    ({"serial_number": "X", "severity": "2"}, 422, "invalid", "severity"),
    ({"serial_number": "X", "symptom": " "}, 422, "invalid", "symptom"),
    ({"serial_number": "X", "symptom": "x" * 4001}, 422, "invalid", "symptom"),
    ({"serial_number": "X", "symptom": "nul \x00"}, 422, "invalid", "symptom"),
    ({"serial_number": "X", "symptom": "half \ud800"}, 422, "invalid", "symptom"),
    ({"serial_number": "X" * 65}, 422, "invalid", "serial_number"),
    ({"serial_number": "X", "component_ref": "two\nlines"}, 422, "invalid", "component_ref"),
    ({"serial_number": "X", "occurred_at": "2026-03-01T10:00:00"}, 422, "invalid", "occurred_at"),
    ({"serial_number": "X", "occurred_at": "0001-01-01T00:00:00+14:00"}, 422, "invalid", "occurred_at"),
    ({"serial_number": "X", "contact": {"name": "A", "age": 3}}, 422, "invalid", "contact"),
    ({"serial_number": "X", "client_id": 1}, 422, "invalid", "client_id"),
]


def test_a_report_that_cannot_be_taken_says_which_field(world: World, subtests: pytest.Subtests) -> None:
    for facts, status, type_, named in REFUSED:
        with subtests.test(facts=str(facts)[:80]):
            answer = world.post("/faults", fault_body(**facts))

            assert (answer.status_code, answer.json["type"]) == (status, type_)
            assert answer.mimetype == "application/problem+json"
            assert named is None or named in answer.json["errors"]
    assert count(world, Fault) == 0


def test_a_fault_cannot_occur_after_its_report(world: World) -> None:
    later = (now() + timedelta(hours=1)).isoformat()

    answer = world.post("/faults", fault_body(serial_number=world.ours.covered_serial, occurred_at=later))

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["occurred_at"])


def test_a_name_in_another_system_is_given_once(world: World) -> None:
    ref = {"external_ref": {"system": "psa", "id": "T-1"}}
    world.report(serial_number=world.ours.covered_serial, **ref)

    again = world.post("/faults", fault_body(serial_number=world.ours.bare_serial, **ref))

    assert (again.status_code, again.json["type"]) == (409, "external_ref_taken")
    assert count(world, Fault) == 1


def test_another_clients_unit_does_not_exist(world: World) -> None:
    mine = world.ours.tokens[Role.CLIENT_APPROVER]

    by_id = world.call("POST", "/faults", mine, json=fault_body(asset_id=str(world.theirs.covered)))
    by_serial = world.call("POST", "/faults", mine, json=fault_body(serial_number=world.theirs.covered_serial))
    for_them = world.call("POST", "/faults", mine, json=fault_body(serial_number="X", client=str(world.theirs.id)))

    assert by_id.status_code == 404
    assert (by_serial.status_code, by_serial.json["asset_id"]) == (201, None)  # a unit that nobody knows
    assert (for_them.status_code, list(for_them.json["errors"])) == (422, ["client"])


# --- sent twice ---


def test_a_program_must_send_a_key(world: World) -> None:
    answer = world.app.test_client().post(
        "/api/v1/faults",
        json=fault_body(serial_number=world.ours.covered_serial),
        headers={"Authorization": f"Bearer {world.tokens[Role.TECHNICIAN]}"},
    )

    assert (answer.status_code, answer.json["type"]) == (400, "key_required")


def test_a_key_is_short_printable_ascii(world: World) -> None:
    body = fault_body(serial_number=world.ours.covered_serial)

    for key in ("k" * 256, "sch\u00f6n".encode().decode("latin-1"), "tab\there"):
        answer = world.post("/faults", body, headers={"Idempotency-Key": key})

        assert (answer.status_code, answer.json["type"]) == (400, "bad_request"), key


def test_the_same_report_with_the_same_key_gets_the_stored_answer(world: World) -> None:
    body = fault_body(serial_number=world.ours.covered_serial)

    first, again = (world.post("/faults", body, headers={"Idempotency-Key": "one"}) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert first.mimetype == again.mimetype == "application/json"
    assert count(world, Fault) == 1


def test_another_report_with_the_same_key_is_refused(world: World) -> None:
    headers = {"Idempotency-Key": "one"}
    world.post("/faults", fault_body(serial_number=world.ours.covered_serial), headers=headers)

    other = world.post("/faults", fault_body(serial_number=world.ours.bare_serial), headers=headers)

    assert (other.status_code, other.json["type"]) == (422, "key_reused")
    assert count(world, Fault) == 1


def test_a_key_belongs_to_its_user(world: World) -> None:
    body, headers = fault_body(serial_number=world.ours.bare_serial), {"Idempotency-Key": "one"}
    world.post("/faults", body, headers=headers)

    other = world.post("/faults", body, Role.TECHNICIAN, headers=headers)

    assert other.json["route"] == "duplicate"


def test_a_refused_report_does_not_use_its_key_up(world: World) -> None:
    headers = {"Idempotency-Key": "one"}
    refused = world.post("/faults", fault_body(serial_number="NOBODYS"), headers=headers)

    mended = world.post("/faults", fault_body(serial_number="NOBODYS", client=str(world.ours.id)), headers=headers)

    assert (refused.status_code, mended.status_code) == (422, 201)


@pytest.mark.parametrize("known", [True, False])
def test_twenty_equal_reports_at_once_make_one_fault_and_get_one_answer(world: World, known: bool) -> None:  # noqa: FBT001 - parametrized
    serial = world.ours.covered_serial if known else "NOBODYS"
    body = fault_body(serial_number=serial, client=str(world.ours.id))

    def send(_: int) -> tuple[int, bytes]:
        answer = world.post("/faults", body, headers={"Idempotency-Key": "one"})
        return answer.status_code, answer.data

    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(send, range(20)))

    assert {status for status, _ in answers} == {201}
    assert len(answers) == 1
    assert count(world, Fault) == 1


# --- what it costs ---


@pytest.mark.parametrize("asks_for", ["nothing", "what nobody knows"])
def test_a_report_costs_at_most_16_statements_and_one_commit_and_calls_nobody(world: World, asks_for: str) -> None:
    serial = world.ours.covered_serial
    if asks_for == "what nobody knows":  # the Rma then waits as a draft, with a task for a person
        with world.runtime.database.begin(db.EVERYBODY) as session:
            product = factories.make_product(session, "Nobody serves this")
            client = factories.find_client(session, world.ours.name)
            asset = factories.make_asset(session, client, product=product)
            factories.make_coverage(session, asset)
            serial = asset.serial_number
    world.report(serial_number=world.theirs.bare_serial)  # whatever is made on first use
    world.get("/faults", Role.TECHNICIAN)  # the first use of a token is kept, and then for a while no other

    with watching(world) as seen:
        answer = world.post("/faults", fault_body(serial_number=serial, **EVERYTHING), Role.TECHNICIAN)

    assert answer.status_code == 201, answer.json
    assert (answer.json["route"], answer.json["verdict"]) == ("rma", "partly_covered")
    assert answer.json["job_id"] is not None
    assert len(seen["statements"]) <= 16, "\n".join(seen["statements"])
    assert seen["commits"] == ["commit"]
    assert seen["sockets"] == []


def test_a_stored_answer_costs_one_statement(world: World) -> None:
    body, headers = fault_body(serial_number=world.ours.covered_serial), {"Idempotency-Key": "one"}
    world.post("/faults", body, headers=headers)

    with watching(world) as seen:
        world.post("/faults", body, headers=headers)

    assert len(seen["statements"]) == 1


def test_what_is_kept_names_the_reporter_by_pseudonym(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial, **EVERYTHING)

    rma = world.get(f"/rmas/{made['rma_id']}").json

    actor = people.principal_of(world.users[Role.SERVICE_MANAGER]).actor
    assert rma["timeline"][0] == {
        "at": rma["timeline"][0]["at"],
        "actor": actor,
        "record": "fault",
        "action": "reported",
        "old_state": None,
        "new_state": None,
        "reason": "Predictive failure",
        "vendor_status": None,
    }
