"""Reading over REST, answering by hand, and filling the registry as far as a report needs it."""

from __future__ import annotations

from typing import Any

import pytest

from tests import factories
from tests.web.conftest import NOBODYS_ID, World, fault_body, watching
from warranty import db
from warranty.domain.terms import Role

SHOWN_OF_RMA = {
    "state",
    "headline",
    "client_reference",
    "vendor_case_number",
    "rma_number",
    "vendor_status",
    "needs_attention",
    "shipments",
    "swap",
    "timeline",
    "vendor_calls",
}


# --- claims ---


def by_hand(world: World) -> dict[str, Any]:
    """An Rma that a person has to claim at the vendor."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        factories.make_account(session, world.runtime, "manual", secrets={}, base_url=None, manufacturers=["Handmade"])
        product = factories.make_product(session, "Handmade")
        asset = factories.make_asset(session, factories.find_client(session, world.ours.name), product=product)
        factories.make_coverage(session, asset)
        serial = asset.serial_number
    made = world.report(serial_number=serial)
    return world.get(f"/rmas/{made['rma_id']}").json


def test_an_rma_shows_where_it_stands_and_what_happened(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial, component_ref="bay 3")

    rma = world.get(f"/rmas/{made['rma_id']}").json

    assert set(rma) >= SHOWN_OF_RMA
    assert (rma["fault_id"], rma["asset_id"]) == (made["id"], str(world.ours.covered))
    assert (rma["state"], rma["headline"], rma["client_step"]) == ("submitted", "sent", "ordered_from_the_vendor")
    assert (rma["vendor_case_number"], rma["rma_number"], rma["vendor_status"]) == (None, None, None)
    assert (rma["needs_attention"], rma["shipments"], rma["swap"], rma["vendor_calls"]) == (None, [], None, [])
    assert rma["client_reference"].startswith("WR-")
    moves = [(row["record"], row["new_state"]) for row in rma["timeline"] if row["new_state"]]
    assert ("fault", "rma_open") in moves
    assert [state for record, state in moves if record == "rma"] == ["draft", "submitted"]


def test_a_person_enters_what_the_vendor_said(world: World) -> None:
    rma = by_hand(world)
    assert (rma["state"], rma["headline"]) == ("manual_handling", "with_person")
    body = {"to": "authorized", "reason": "by telephone", "vendor_case_number": "C-7", "rma_number": "R-9"}

    answer = world.post(f"/rmas/{rma['id']}/transitions", body, Role.TECHNICIAN)

    assert answer.status_code == 200, answer.json
    moved = answer.json
    assert (moved["state"], moved["headline"]) == ("authorized", "authorized")
    assert (moved["vendor_case_number"], moved["rma_number"]) == ("C-7", "R-9")
    assert [(row["direction"], row["state"]) for row in moved["shipments"]] == [("to_us", "expected")]
    assert (moved["swap"]["kind"], moved["swap"]["state"]) == ("part", "planned")
    assert "by telephone" in {row["reason"] for row in moved["timeline"]}
    assert moved == world.get(f"/rmas/{rma['id']}").json
    assert world.get("/review-items").json["items"] == []


def test_a_move_that_the_life_cycle_does_not_have_is_refused_and_changes_nothing(world: World) -> None:
    rma = by_hand(world)

    answer = world.post(f"/rmas/{rma['id']}/transitions", {"to": "closed", "reason": "done"})

    assert (answer.status_code, answer.json["type"]) == (409, "illegal_move")
    assert world.get(f"/rmas/{rma['id']}").json == rma


def test_nothing_is_authorized_without_its_number(world: World) -> None:
    rma = by_hand(world)

    answer = world.post(f"/rmas/{rma['id']}/transitions", {"to": "authorized", "reason": "they said so"})

    assert (answer.status_code, answer.json["type"]) == (409, "illegal_move")


def test_a_client_sees_where_its_claim_stands_and_nobodys_notes(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    viewer = world.ours.tokens[Role.CLIENT_VIEWER]

    one = world.call("GET", f"/rmas/{made['rma_id']}", viewer).json
    [listed] = world.call("GET", "/rmas", viewer).json["items"]

    allowed = {"id", "client", "fault_id", "asset_id", "headline", "client_step", "component", "component_ref"}
    allowed |= {"client_reference", "rma_number", "created_at"}
    assert set(listed) == allowed
    assert set(one) == allowed | {"goods", "shipments", "swap"}


# --- jobs ---


def test_a_job_shows_priced_lines_and_totals_by_payer(world: World) -> None:
    made = world.report(serial_number=world.ours.bare_serial)

    job = world.get(f"/jobs/{made['job_id']}", Role.BILLING).json

    assert (job["kind"], job["state"], job["currency"]) == ("uncovered_swap", "quoted", "EUR")
    assert (job["fault_id"], job["asset_id"], job["rma_id"]) == (made["id"], str(world.ours.bare), None)
    assert [(line["what"], line["payer"], line["amount_minor"]) for line in job["lines"]] == [
        ("call_out", "client", 9_500),
        ("labour", "client", 11_000),
        ("part", "client", 42_000),
    ]
    assert (job["totals_minor"], job["total_minor"]) == ({"client": 62_500}, 62_500)
    assert job["is_priced"] is True


def test_a_job_without_a_price_says_what_is_missing(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        asset = factories.make_asset(session, factories.find_client(session, world.ours.name))
        serial = asset.serial_number
    made = world.report(serial_number=serial)

    job = world.get(f"/jobs/{made['job_id']}").json

    assert (job["state"], job["is_priced"]) == ("draft", False)
    assert job["info_missing"]
    assert job["lines"][-1]["amount_minor"] is None


def test_a_client_sees_its_own_lines_of_a_job(world: World) -> None:
    made = world.report(serial_number=world.ours.bare_serial)

    job = world.call("GET", f"/jobs/{made['job_id']}", world.ours.tokens[Role.CLIENT_VIEWER]).json

    assert job["totals_minor"] == {"client": 62_500}
    assert {line["payer"] for line in job["lines"]} == {"client"}
    assert not {"total_minor", "info_missing", "vendor_reason"} & set(job)


# --- what waits for a person ---


def test_a_person_identifies_the_unit_and_the_fault_goes_on(world: World) -> None:
    made = world.report(serial_number="TYPO", client=str(world.ours.id))
    [item] = world.get("/review-items").json["items"]
    assert (item["id"], item["kind"], item["fault_id"]) == (made["review_item_id"], "review", made["id"])

    body = {"action": "identify", "asset_id": str(world.ours.covered), "reason": "Read from the label."}
    answer = world.post(f"/review-items/{item['id']}/resolve", body)

    assert answer.status_code == 200, answer.json
    assert (answer.json["route"], answer.json["state"]) == ("rma", "rma_open")
    assert answer.json["serial_number"] == world.ours.covered_serial
    assert answer.json["rma_id"] is not None
    assert world.get("/review-items").json["items"] == []
    [settled] = world.get("/review-items?settled=true").json["items"]
    assert settled["resolved_at"] is not None


def test_an_unit_of_another_client_is_not_the_one_that_was_meant(world: World) -> None:
    made = world.report(serial_number="TYPO", client=str(world.ours.id))

    body = {"action": "identify", "asset_id": str(world.theirs.covered), "reason": "x"}
    answer = world.post(f"/review-items/{made['review_item_id']}/resolve", body)

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["asset_id"])
    assert world.get(f"/faults/{made['id']}").json["state"] == "needs_review"


def test_a_person_attests_that_nothing_else_covers_the_unit(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        asset = factories.make_asset(session, factories.find_client(session, world.ours.name))
        asset.absence_attested = False
        serial = asset.serial_number
    made = world.report(serial_number=serial)
    assert made["verdict"] == "needs_review"

    body = {"action": "attest_absence", "reason": "Asked the vendor by telephone."}
    answer = world.post(f"/review-items/{made['review_item_id']}/resolve", body)

    assert (answer.json["verdict"], answer.json["route"]) == ("not_covered", "ad_hoc")
    assert answer.json["job_id"] is not None


def test_attesting_needs_a_known_unit(world: World) -> None:
    made = world.report(serial_number="TYPO", client=str(world.ours.id))

    body = {"action": "attest_absence", "reason": "x"}
    answer = world.post(f"/review-items/{made['review_item_id']}/resolve", body)

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["action"])


def test_a_decision_that_still_cannot_be_taken_stays_with_the_person(world: World) -> None:
    made = world.report(serial_number="TYPO", client=str(world.ours.id))

    body = {"action": "decide_again", "reason": "The unit was added."}
    answer = world.post(f"/review-items/{made['review_item_id']}/resolve", body)

    assert (answer.status_code, answer.json["state"]) == (200, "needs_review")
    assert [item["id"] for item in world.get("/review-items").json["items"]] == [made["review_item_id"]]


def test_a_rejected_report_is_over_and_its_item_cannot_be_answered_again(world: World) -> None:
    made = world.report(serial_number="TYPO", client=str(world.ours.id))
    path = f"/review-items/{made['review_item_id']}/resolve"

    answer = world.post(path, {"action": "reject", "reason": "Not one of ours."})
    again = world.post(path, {"action": "reject", "reason": "Not one of ours."})

    assert (answer.status_code, answer.json["state"]) == (200, "rejected")
    assert (again.status_code, again.json["type"]) == (409, "not_waiting")


def test_an_answer_is_one_of_the_known_and_has_a_reason(world: World) -> None:
    made = world.report(serial_number="TYPO", client=str(world.ours.id))

    for body in ({"action": "override", "reason": "x"}, {"action": "reject"}, {"reason": "x"}):
        answer = world.post(f"/review-items/{made['review_item_id']}/resolve", body)

        assert (answer.status_code, answer.json["type"]) == (422, "invalid"), body


# --- the registry ---


def test_an_integration_registers_what_it_then_reports(world: World) -> None:
    client = world.post("/clients", {"name": "New GmbH"}).json
    address = {"address_line1": "Weg 1", "city": "Ulm", "postal_code": "89073", "country": "DE"}
    contact = {"name": "Ada", "phone": "", "email": "ada@new.example", "language": "de"}
    body = {"name": "Ulm", "client": client["id"], "time_zone": "Europe/Berlin", "address": address}
    site = world.post("/sites", body | {"contacts": [contact], "access_hours": "Mo-Fr 8-17"}).json
    assert site["address"] == {"address_line2": "", "state": "", **address}
    assert site["contacts"] == [contact]
    product = world.get("/products").json["items"][0]
    body = {"serial_number": "NEW1", "client": client["id"], "site": site["id"], "product": product["id"]}
    asset = world.post("/assets", body | {"state": "in_service", "ownership": "msp", "purchased_on": "2025-05-05"}).json
    assert (asset["client"], asset["site"], asset["product"]) == (client["id"], site["id"], product["id"])
    coverage = world.post(
        "/coverages",
        {
            "scope": {"asset": asset["id"]},
            "contract_number": "W-9",
            "kind": "manufacturer_warranty",
            "fulfilment": "vendor_rma",
            "starts_on": "2025-05-05",
            "ends_on": "2035-05-04",
            "time_zone": "Europe/Berlin",
            "covers": ["parts", "labour"],
            "service_level": "next_business_day",
            "sites": [site["id"]],
            "claims_limit": 3,
            "claims_used": 1,
            "evidence": {"source": "contract_file"},
        },
    ).json
    assert (coverage["client"], coverage["asset_id"], coverage["scope"]) == (
        client["id"],
        asset["id"],
        {"asset": asset["id"]},
    )
    assert (coverage["claims_used"], coverage["sites"]) == (1, [site["id"]])

    made = world.report(serial_number="new 1")

    assert (made["verdict"], made["route"]) == ("covered", "rma")
    for name, row in (("clients", client), ("sites", site), ("coverages", coverage)):
        shown = world.get(f"/{name}/{row['id']}").json
        assert shown == row | ({"claims_used": 2} if name == "coverages" else {})
    assert world.get(f"/assets/{asset['id']}").json == asset | {"state": "faulty"}


UNREGISTERED: list[tuple[str, dict[str, Any], str]] = [
    ("/clients", {"name": ""}, "name"),
    ("/clients", {"name": "canary-OURS gmbh"}, "name"),
    ("/sites", {"name": "x", "client": NOBODYS_ID, "time_zone": "UTC"}, "client"),
    ("/sites", {"name": "x", "client": "{ours}", "time_zone": "Mars/Base"}, "time_zone"),
    ("/sites", {"name": "x", "client": "{ours}", "time_zone": "UTC", "address": {"planet": "x"}}, "address"),
    ("/assets", {"serial_number": "N/A", "client": "{ours}"}, "serial_number"),
    ("/assets", {"serial_number": "X1", "client": "{ours}", "site": "{their_site}"}, "site"),
    ("/assets", {"serial_number": "X1", "client": "{ours}", "state": "replaced"}, "state"),
    ("/coverages", {"scope": {}}, "scope"),
    ("/coverages", {"scope": {"asset": NOBODYS_ID, "client": NOBODYS_ID}}, "scope"),
    ("/coverages", {"covers": []}, "covers"),
    ("/coverages", {"ends_on": "2019-01-01"}, "ends_on"),
    ("/coverages", {"client": "{theirs}"}, "client"),
    ("/coverages", {"grace_days": 1.5}, "grace_days"),
    ("/coverages", {"evidence": {"source": "vendor_lookup", "vendor_says": "covered"}}, "checked_at"),
]


def test_what_cannot_be_registered_says_which_field(world: World, subtests: pytest.Subtests) -> None:
    ids = {"{ours}": world.ours.id, "{theirs}": world.theirs.id, "{their_site}": world.theirs.site}
    whole = {"scope": {"asset": str(world.ours.bare)}, "contract_number": "W", "kind": "msp_agreement"}
    whole |= {"fulfilment": "msp_supply", "starts_on": "2020-01-01", "time_zone": "UTC", "covers": ["parts"]}
    for path, facts, named in UNREGISTERED:
        body = {name: str(ids.get(value, value)) if isinstance(value, str) else value for name, value in facts.items()}
        with subtests.test(path=path, facts=str(facts)):
            answer = world.post(path, whole | body if path == "/coverages" else body)

            assert (answer.status_code, answer.json["type"]) == (422, "invalid")
            assert named in answer.json["errors"]


def test_units_are_found_by_serial_client_text_and_state(world: World) -> None:
    def found(query: str) -> set[str]:
        return {item["id"] for item in world.get(f"/assets?{query}").json["items"]}

    ours = {str(world.ours.covered), str(world.ours.bare)}
    theirs = {str(world.theirs.covered), str(world.theirs.bare)}
    assert found(f"serial_number={world.ours.covered_serial.upper()}") == {str(world.ours.covered)}
    assert found(f"client={world.ours.id}") == ours
    assert found("q=ANARY-ours") == ours
    assert found("q=-covered") == {str(world.ours.covered), str(world.theirs.covered)}
    assert found("q=%25") == set()  # a sign of LIKE is text like any other
    assert found("state=in_service") == ours | theirs
    assert found("state=in_stock") == set()


# --- lists ---


def test_a_list_is_read_page_by_page_without_a_gap_while_rows_are_added(world: World) -> None:
    made = [world.report(serial_number="TYPO", client=str(world.ours.id))["id"] for _ in range(5)]
    first = world.get("/faults?limit=2").json
    world.report(serial_number="TYPO", client=str(world.ours.id))

    second = world.get(f"/faults?limit=2&cursor={first['next_cursor']}").json
    third = world.get(f"/faults?limit=2&cursor={second['next_cursor']}").json

    shown = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert shown == made[::-1]
    assert third["next_cursor"] is None


def test_a_list_counts_only_when_asked(world: World) -> None:
    assert "total" not in world.get("/assets?limit=1").json
    assert world.get("/assets?limit=1&count=true").json["total"] == 4
    assert world.get(f"/assets?limit=1&count=true&client={world.ours.id}").json["total"] == 2


def test_faults_are_filtered_by_state_and_client(world: World) -> None:
    mine = world.report(serial_number=world.ours.bare_serial)["id"]
    world.report(serial_number=world.theirs.bare_serial)
    waits = world.report(serial_number="TYPO", client=str(world.ours.id))["id"]

    def found(query: str) -> list[str]:
        return [item["id"] for item in world.get(f"/faults?{query}").json["items"]]

    assert found("state=needs_review") == [waits]
    assert found(f"client={world.ours.id}") == [waits, mine]
    assert found(f"client={world.ours.id}&state=ad_hoc_open") == [mine]


UNKNOWN_QUESTIONS = [
    ("limit=0", "limit"),
    ("limit=201", "limit"),
    ("limit=x", "limit"),
    ("cursor=x", "cursor"),
    (f"cursor={NOBODYS_ID}", "cursor"),
    ("state=happy", "state"),
    ("page=2", "page"),
]


def test_a_question_that_a_list_does_not_know_is_an_error(world: World) -> None:
    for query, named in UNKNOWN_QUESTIONS:
        answer = world.get(f"/faults?{query}")

        assert (answer.status_code, list(answer.json["errors"])) == (422, [named]), query


LISTS = ("faults", "rmas", "jobs", "review-items", "assets", "sites", "contracts", "coverages", "clients")


def test_a_list_costs_the_same_few_statements_whatever_it_holds(world: World) -> None:
    def cost(path: str) -> int:
        with watching(world) as seen:
            assert world.get(f"/{path}").status_code == 200
        return len(seen["statements"])

    for serial in (world.ours.covered_serial, world.theirs.covered_serial, world.ours.bare_serial):
        world.report(serial_number=serial)
    world.report(serial_number="TYPO", client=str(world.ours.id))
    world.get("/faults")  # the first use of a token is kept, and then for a while no other
    few = {path: cost(path) for path in LISTS}
    for number in range(6):
        world.report(serial_number=world.ours.covered_serial, component_ref=f"bay {number}")

    assert {path: cost(path) for path in LISTS} == few
    assert max(few.values()) <= 9


def test_every_answer_is_as_the_description_says(world: World) -> None:
    world.report(serial_number=world.ours.covered_serial)
    document = world.app.test_client().get("/api/openapi.json").json
    assert document["openapi"] == "3.1.0"
    for path in ("faults", "rmas", "jobs", "assets", "sites", "coverages", "clients", "products", "contracts"):
        for suffix in ("", "/{id}"):
            answer = document["paths"][f"/api/v1/{path}{suffix}"]["get"]["responses"]["200"]
            name = answer["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
            described = document["components"]["schemas"][name]["properties"]
            page = world.get(f"/{path}").json
            shown = page if suffix == "" else world.get(f"/{path}/{page['items'][0]['id']}").json
            assert set(shown) == set(described) - {"total"}, path


def test_the_docs_name_every_path_and_every_error(world: World) -> None:
    page = world.app.test_client().get("/api/docs")

    assert page.status_code == 200
    text = page.get_data(as_text=True)
    document = world.app.test_client().get("/api/openapi.json").json
    assert all(path in text for path in document["paths"])
    assert "client_required" in text
    assert "//cdn" not in text


def test_the_body_of_a_report_is_described(world: World) -> None:
    document = world.app.test_client().get("/api/openapi.json").json
    operation = document["paths"]["/api/v1/faults"]["post"]
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    fields = document["components"]["schemas"][name]
    assert set(fields["required"]) == {"component", "cause", "symptom"}
    assert set(fields["properties"]) >= set(fault_body())
    assert "application/problem+json" in document["components"]["responses"]["UNPROCESSABLE_ENTITY"]["content"]
