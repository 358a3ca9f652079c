"""Versions of records, names of other systems, and many items at once: what two callers at a time may do to the registry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.web.conftest import NOBODYS_ID, World
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Asset, AuditRow, Client

COVERAGE = {
    "contract_number": "W-9",
    "kind": "manufacturer_warranty",
    "fulfilment": "vendor_rma",
    "starts_on": "2025-01-01",
    "time_zone": "Europe/Amsterdam",
    "covers": ["parts"],
}


def write(world: World, method: str, path: str, body: Any, **headers: str) -> Any:
    token = world.tokens[Role.SERVICE_MANAGER]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return world.call(method, path, token, json=body, headers=named)


def at_once(*calls: Any) -> list[Any]:
    """The answers of calls that begin together."""
    start = Barrier(len(calls))

    def run(one: Any) -> Any:
        start.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def how_many(world: World, table: Any) -> int:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# --- versions ---


def test_every_record_is_answered_with_a_tag_that_changes_with_it(world: World) -> None:
    ours = world.ours
    for path, body in (
        (f"/clients/{ours.id}", {"spend_limit_minor": 1}),
        (f"/sites/{ours.site}", {"contacts": [{"name": "Bo"}]}),
        (f"/products/{ours.product}", {"part_number": "AC-2"}),
        (f"/assets/{ours.covered}", {"external_refs": [{"system": "rmm", "id": "1"}]}),
        (f"/contracts/{ours.contract}", {"name": "x"}),
        (f"/coverages/{ours.coverage}", {"grace_days": 3}),
    ):
        first, again = world.get(path).headers["ETag"], world.get(path).headers["ETag"]

        changed = write(world, "PATCH", path, body, If_Match=first)

        assert first == again, path
        assert changed.status_code == 200, changed.json
        assert changed.headers["ETag"] == world.get(path).headers["ETag"] != first, path


def test_an_added_record_can_be_changed_under_the_tag_of_its_answer(world: World) -> None:
    made = world.post("/clients", {"name": "New GmbH"})

    changed = write(
        world, "PATCH", f"/clients/{made.json['id']}", {"name": "Newer GmbH"}, If_Match=made.headers["ETag"]
    )

    assert changed.json["name"] == "Newer GmbH"


def test_a_change_of_what_somebody_else_has_changed_is_refused_and_changes_nothing(world: World) -> None:
    one = f"/assets/{world.ours.covered}"
    read = world.get(one).headers["ETag"]
    write(world, "PATCH", one, {"name": "theirs"})

    for tag in (read, '"x"', "x", f"W/{world.get(one).headers['ETag']}"):
        answer = write(world, "PATCH", one, {"name": "mine"}, If_Match=tag)

        assert (answer.status_code, answer.json["type"]) == (412, "version_changed"), tag
    assert world.get(one).json["name"] == "theirs"


def test_a_star_and_no_tag_at_all_ask_for_no_version(world: World) -> None:
    one = f"/assets/{world.ours.covered}"

    assert write(world, "PATCH", one, {"name": "a"}, If_Match="*").json["name"] == "a"
    assert write(world, "PATCH", one, {"name": "b"}).json["name"] == "b"


def test_of_two_changes_of_one_version_one_is_made(world: World) -> None:
    one = f"/assets/{world.ours.covered}"
    read = world.get(one).headers["ETag"]

    answers = at_once(*(lambda name=name: write(world, "PATCH", one, {"name": name}, If_Match=read) for name in "abc"))

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    [made] = [answer.json["name"] for answer in answers if answer.status_code == 200]
    assert world.get(one).json["name"] == made


def test_whoever_has_read_a_version_is_told_that_it_stands(world: World) -> None:
    one, token = f"/assets/{world.ours.covered}", world.tokens[Role.TECHNICIAN]
    read = world.get(one).headers["ETag"]

    same = world.call("GET", one, token, headers={"If-None-Match": read})
    write(world, "PATCH", one, {"name": "new"})
    other = world.call("GET", one, token, headers={"If-None-Match": read})

    assert (same.status_code, same.get_data()) == (304, b"")
    assert (other.status_code, other.json["name"]) == (200, "new")


def test_a_repeated_change_gives_the_stored_answer_with_its_tag(world: World) -> None:
    one = f"/assets/{world.ours.covered}"
    read = world.get(one).headers["ETag"]

    first, again = (
        write(world, "PATCH", one, {"name": "new"}, If_Match=read, Idempotency_Key="rename-1") for _ in range(2)
    )

    assert (first.status_code, first.json, first.headers["ETag"]) == (
        again.status_code,
        again.json,
        again.headers["ETag"],
    )


# --- names of other systems ---


def test_a_record_that_a_system_names_is_added_once_and_changed_after(world: World) -> None:
    ours = str(world.ours.id)
    for path, body, change in (
        ("/clients", {"name": "New GmbH"}, {"name": "Newer GmbH"}),
        ("/assets", {"serial_number": "NEW1", "client": ours, "state": "in_service"}, {"name": "db-9"}),
        ("/contracts", {"number": "SVC-1", "client": ours}, {"name": "Support"}),
    ):
        name = f"{path}/by-ref/psa/a/b"

        first, again = write(world, "PUT", name, body), write(world, "PUT", name, body)
        changed = write(world, "PUT", name, change)

        assert [answer.status_code for answer in (first, again, changed)] == [201, 200, 200], first.json
        assert first.json == again.json
        assert first.json["external_refs"] == [{"system": "psa", "id": "a/b", "url": ""}]
        assert changed.json == first.json | change
        assert world.get(f"{path}/{first.json['id']}").json == changed.json


def test_a_name_that_nobody_has_is_given_to_the_record_that_is_meant(world: World) -> None:
    ours = world.ours
    for path, body, meant in (
        ("/clients", {"name": ours.name.upper()}, ours.id),
        ("/contracts", {"number": f"{ours.canary}-contract", "client": str(ours.id)}, ours.contract),
        ("/assets", {"serial_number": f" {ours.covered_serial.lower()}", "client": str(ours.id)}, ours.covered),
    ):
        answer = write(world, "PUT", f"{path}/by-ref/rmm/17", body)

        assert (answer.status_code, answer.json["id"]) == (200, str(meant))
        assert [name["id"] for name in answer.json["external_refs"]] == ["17"]


def test_two_customers_of_one_name_do_not_become_one(world: World) -> None:
    assert write(world, "PUT", "/clients/by-ref/psa/1", {"name": "Bäckerei Müller"}).status_code == 201

    answer = write(world, "PUT", "/clients/by-ref/psa/2", {"name": "bäckerei Müller"})

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["name"])


def test_units_of_two_makers_with_one_serial_stay_two(world: World) -> None:
    other = world.post("/products", {"manufacturer": "Dell", "model": "R750"}).json
    body = {"serial_number": world.ours.covered_serial, "client": str(world.ours.id)}

    answer = write(world, "PUT", "/assets/by-ref/rmm/1", {**body, "product": other["id"]})
    unclear = write(world, "PUT", "/assets/by-ref/rmm/2", body)

    assert answer.status_code == 201
    assert (unclear.status_code, list(unclear.json["errors"])) == (422, ["serial_number"])


def test_one_name_belongs_to_one_record(world: World) -> None:
    ours, name = world.ours, {"external_refs": [{"system": "rmm", "id": "1"}]}
    assert write(world, "PATCH", f"/assets/{ours.covered}", name).status_code == 200

    taken = write(world, "PATCH", f"/assets/{ours.bare}", name)
    twice = write(world, "PATCH", f"/assets/{ours.bare}", {"external_refs": [{"system": "x", "id": "1"}] * 2})
    free = [
        write(world, "PATCH", f"/assets/{asset}", body)
        for asset, body in ((ours.covered, {"external_refs": []}), (ours.bare, name))
    ]

    assert (taken.status_code, taken.json["type"]) == (409, "external_ref_taken")
    assert (twice.status_code, list(twice.json["errors"])) == (422, ["external_refs"])
    assert [answer.status_code for answer in free] == [200, 200]


def test_a_put_keeps_to_the_version_that_its_caller_wants(world: World) -> None:
    name, body = "/clients/by-ref/psa/1", {"name": "New GmbH"}

    absent = write(world, "PUT", name, body, If_Match="*")
    first = write(world, "PUT", name, body, If_None_Match="*")
    second = write(world, "PUT", name, body, If_None_Match="*")
    changed = write(world, "PUT", name, {"name": "Newer GmbH"}, If_Match=first.headers["ETag"])
    late = write(world, "PUT", name, {"name": "Newest GmbH"}, If_Match=first.headers["ETag"])

    assert [answer.status_code for answer in (absent, first, second, changed, late)] == [412, 201, 412, 200, 412]


def test_what_a_new_record_needs_is_asked_of_an_unknown_name_only(world: World) -> None:
    unknown = write(world, "PUT", "/assets/by-ref/rmm/1", {"name": "db-1"})
    for system, external_id in (("x" * 65, "1"), ("rmm", "x" * 201), ("r%00m", "1"), ("rmm", "%0a"), ("%20", "1")):
        answer = write(
            world,
            "PUT",
            f"/assets/by-ref/{system}/{external_id}",
            {"serial_number": "N1", "client": str(world.ours.id)},
        )
        assert (answer.status_code, answer.json["type"]) == (422, "invalid"), (system, external_id)

    assert (unknown.status_code, sorted(unknown.json["errors"])) == (422, ["client", "serial_number"])


@pytest.mark.parametrize(
    ("path", "body", "table"),
    [("/clients", {"name": "New GmbH"}, Client), ("/assets", {"serial_number": "NEW1", "client": "ours"}, Asset)],
)
def test_two_puts_at_once_make_one_record(world: World, path: str, body: dict[str, Any], table: Any) -> None:
    body = body | ({"client": str(world.ours.id)} if "client" in body else {})
    before = how_many(world, table)

    answers = at_once(*[lambda: write(world, "PUT", f"{path}/by-ref/psa/1", body)] * 4)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201], [answer.json for answer in answers]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert how_many(world, table) == before + 1


def test_two_systems_that_report_one_unit_at_once_make_one(world: World) -> None:
    body = {"serial_number": "NEW1", "client": str(world.ours.id)}

    answers = at_once(
        *(lambda system=system: write(world, "PUT", f"/assets/by-ref/{system}/1", body) for system in ("psa", "rmm"))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 201]
    [unit] = world.get("/assets?serial_number=NEW1").json["items"]
    assert [name["system"] for name in unit["external_refs"]] == ["psa", "rmm"]


# --- many at once ---


def test_items_are_added_and_changed_each_for_itself(world: World) -> None:
    ours = str(world.ours.id)
    items = [
        {"serial_number": "B1", "client": ours, "external_refs": [{"system": "rmm", "id": "B1"}]},
        {"serial_number": "N/A", "client": ours},
        {"id": str(world.ours.covered), "name": "renamed", "reason": "tidied up"},
        {"id": NOBODYS_ID, "name": "x"},
        {"id": str(world.ours.bare), "state": "faulty"},
        {"serial_number": "B2", "client": ours, "external_refs": [{"system": "rmm", "id": "B1"}]},
        {"serial_number": "B3", "client": ours, "planet": "Mars"},
        "nonsense",
        {"serial_number": "B4", "client": ours, "state": "in_service"},
    ]

    answer = world.post("/assets/bulk", {"items": items})

    assert answer.status_code == 200, answer.json
    answers = answer.json["items"]
    assert [item["status"] for item in answers] == [201, 422, 200, 404, 422, 409, 422, 422, 201]
    assert list(answers[1]["problem"]["errors"]) == ["serial_number"]
    assert answers[5]["problem"]["type"] == "external_ref_taken"
    assert list(answers[6]["problem"]["errors"]) == ["planet"]
    assert world.get(f"/assets/{world.ours.covered}").json["name"] == "renamed"
    serials = {item["serial_number"] for item in world.get(f"/assets?client={ours}").json["items"]}
    assert serials == {"B1", "B4", world.ours.covered_serial, world.ours.bare_serial}
    with world.runtime.database.read(db.EVERYBODY) as session:
        known = set(session.scalars(select(Asset.id)))
        assert set(session.scalars(select(AuditRow.record_id).where(AuditRow.record == "asset"))) <= known


def test_many_coverages_are_taken_as_many_units_are(world: World) -> None:
    items = [
        {**COVERAGE, "scope": {"asset": str(world.ours.bare)}},
        {**COVERAGE, "scope": {"asset": str(world.ours.bare)}, "covers": []},
        {"id": str(world.ours.coverage), "state": "cancelled"},
    ]

    answers = world.post("/coverages/bulk", {"items": items}).json["items"]

    assert [item["status"] for item in answers] == [201, 422, 200]
    assert world.get(f"/coverages/{answers[0]['id']}").json["asset_id"] == str(world.ours.bare)
    assert world.get(f"/coverages/{world.ours.coverage}").json["state"] == "cancelled"


def test_an_item_keeps_to_the_version_that_its_caller_has_read(world: World) -> None:
    tags = {asset: world.get(f"/assets/{asset}").headers["ETag"] for asset in (world.ours.covered, world.ours.bare)}
    write(world, "PATCH", f"/assets/{world.ours.bare}", {"name": "theirs"})

    items = [{"id": str(asset), "if_match": tag, "name": "mine"} for asset, tag in tags.items()]
    answers = world.post("/assets/bulk", {"items": items}).json["items"]

    assert [item["status"] for item in answers] == [200, 412]
    assert world.get(f"/assets/{world.ours.bare}").json["name"] == "theirs"


def test_there_are_at_least_one_and_at_most_two_hundred_items(world: World) -> None:
    for items in ([], [{}] * 201, "x", {}, None):
        answer = world.post("/assets/bulk", {"items": items})

        assert (answer.status_code, list(answer.json["errors"])) == (422, ["items"])


def test_a_repeated_bulk_adds_nothing_again(world: World) -> None:
    body = {"items": [{"serial_number": f"B{number}", "client": str(world.ours.id)} for number in range(3)]}

    first, again = (write(world, "POST", "/assets/bulk", body, Idempotency_Key="bulk-1") for _ in range(2))

    assert first.json == again.json
    assert len(world.get(f"/assets?client={world.ours.id}&q=B").json["items"]) >= 3
    assert how_many(world, Asset) == 4 + 3


def test_two_bulks_over_the_same_rows_wait_for_each_other_and_both_end(world: World) -> None:
    ids = [str(world.ours.covered), str(world.ours.bare)]

    def rename(order: list[str], name: str) -> Any:
        return world.post("/assets/bulk", {"items": [{"id": one, "name": name} for one in order]})

    answers = at_once(lambda: rename(ids, "a"), lambda: rename(ids[::-1], "b"))

    assert [[item["status"] for item in answer.json["items"]] for answer in answers] == [[200, 200], [200, 200]]
    assert len({world.get(f"/assets/{one}").json["name"] for one in ids}) == 1


def test_hostile_items_are_refused_one_by_one(world: World) -> None:
    hostile: list[Any] = [
        None,
        1,
        [],
        {},
        {"id": []},
        {"id": "x"},
        {"id": None},
        {"id": str(world.ours.bare), "if_match": {}},
    ]
    hostile += [{"serial_number": value, "client": value} for value in ("\ud800", "a\x00b", "x" * 10_000, {}, 10**40)]

    answer = world.post("/assets/bulk", {"items": hostile})

    assert answer.status_code == 200, answer.json
    assert {item["status"] for item in answer.json["items"]} <= {404, 412, 422}
