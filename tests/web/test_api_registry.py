"""The registry over REST: what is added, corrected, retired and found, and what the register keeps of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.web.conftest import NOBODYS_ID, World, now, watching
from warranty import db
from warranty.domain.terms import Role, UnitSays
from warranty.models import Asset, AuditRow, Coverage

COVERAGE = {
    "contract_number": "W-9",
    "kind": "manufacturer_warranty",
    "fulfilment": "vendor_rma",
    "starts_on": "2025-01-01",
    "time_zone": "Europe/Amsterdam",
    "covers": ["parts"],
    "service_level": "next_business_day",
    "evidence": {"source": "contract_file"},
}


def patch(world: World, path: str, body: Any, role: Role = Role.SERVICE_MANAGER, **options: Any) -> Any:
    return world.call("PATCH", path, world.tokens[role], json=body, **options)


def added(world: World, path: str, body: dict[str, Any]) -> Any:
    answer = world.post(path, body)
    assert answer.status_code == 201, answer.json
    return answer.json


def add_unit(world: World, serial_number: str, **facts: Any) -> Any:
    return added(world, "/assets", {"serial_number": serial_number, "client": str(world.ours.id), **facts})


def register_of(world: World, table: str, action: str = "change") -> list[AuditRow]:
    with world.runtime.database.read(db.EVERYBODY) as session:
        query = select(AuditRow).where(AuditRow.record == table, AuditRow.action == action).order_by(AuditRow.id)
        return list(session.scalars(query))


# --- adding and correcting ---


def test_what_is_added_is_answered_as_it_is_read_later(world: World) -> None:
    ours = str(world.ours.id)
    for path, body in (
        (
            "/clients",
            {"name": "New GmbH", "external_refs": [{"system": "psa", "id": "C1", "url": "https://psa.example/C1"}]},
        ),
        (
            "/sites",
            {
                "name": "Ulm",
                "client": ours,
                "time_zone": "Europe/Berlin",
                "external_refs": [{"system": "psa", "id": "S1"}],
            },
        ),
        ("/contacts", {"site": str(world.ours.site), "name": "Ada", "email": "ada@new.example", "language": "de"}),
        ("/products", {"manufacturer": "Dell", "model": "R750", "base_term_months": 36, "list_price_minor": 1}),
        ("/assets", {"serial_number": "NEW1", "client": ours, "external_refs": [{"system": "rmm", "id": "7"}]}),
        ("/contracts", {"number": "SVC-1", "client": ours, "name": "Support"}),
        ("/coverages", {**COVERAGE, "scope": {"client": ours}}),
    ):
        answer = world.post(path, body)

        assert answer.status_code == 201, (path, answer.json)
        shown = world.get(f"{path}/{answer.json['id']}")
        assert shown.json == answer.json, path
        assert shown.json["id"] in [item["id"] for item in world.get(path).json["items"]]
        names = [{"url": "", **name} for name in body.get("external_refs", [])]
        assert shown.json.get("external_refs", []) == names


CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("/clients", "id", {"name": "Ours Holding", "denial_grace_hours": 48, "sends_mail": False}),
    ("/sites", "site", {"name": "Hall 2", "time_zone": "Europe/Berlin", "access_hours": "always"}),
    ("/products", "product", {"part_number": "AC-2", "list_price_minor": None, "base_term_months": 12}),
    ("/assets", "covered", {"name": "db-2", "asset_tag": "T-1", "ownership": "msp", "purchased_on": "2024-05-05"}),
    ("/contracts", "contract", {"number": "C-9", "name": "Renewed"}),
    ("/coverages", "coverage", {"ends_on": "2030-01-01", "covers": ["parts", "labour"], "state": "suspended"}),
]


@pytest.mark.parametrize(("path", "of", "body"), CHANGES, ids=[path for path, _, _ in CHANGES])
def test_a_change_sets_what_it_names_and_leaves_the_rest(
    world: World, path: str, of: str, body: dict[str, Any]
) -> None:
    one = f"{path}/{getattr(world.ours, of)}"
    before = world.get(one).json

    answer = patch(world, one, {**body, "reason": "As agreed on the telephone."})

    assert answer.status_code == 200, answer.json
    assert answer.json == before | body
    assert world.get(one).json == answer.json
    [row] = register_of(world, path[1:-1])
    assert row.actor == f"user:{world.users[Role.SERVICE_MANAGER].id}"
    assert row.reason == "As agreed on the telephone."
    assert row.detail is not None
    assert set(row.detail) == set(body)


def test_a_change_that_changes_nothing_leaves_no_row(world: World) -> None:
    one = f"/assets/{world.ours.covered}"

    answer = patch(world, one, {"name": world.get(one).json["name"]})

    assert answer.status_code == 200
    assert register_of(world, "asset") == []


def test_nothing_is_deleted(world: World) -> None:
    for path in ("clients", "sites", "contacts", "products", "assets", "contracts", "coverages"):
        answer = world.call("DELETE", f"/{path}/{world.ours.covered}", world.tokens[Role.ADMIN])

        assert (answer.status_code, answer.json["type"]) == (405, "method_not_allowed"), path


def test_who_does_not_keep_the_registry_changes_nothing(world: World) -> None:
    one = f"/assets/{world.ours.covered}"
    before = world.get(one).json

    for token in (world.tokens[Role.TECHNICIAN], world.tokens[Role.BILLING], world.ours.tokens[Role.CLIENT_APPROVER]):
        assert world.call("PATCH", one, token, json={"name": "mine"}).status_code == 403
        assert world.call("POST", "/assets/bulk", token, json={"items": [{}]}).status_code == 403
        assert world.call("PUT", "/assets/by-ref/rmm/1", token, json={}).status_code == 403
    assert world.get(one).json == before


def test_a_token_for_one_client_keeps_that_clients_records_and_nothing_shared(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        ours = factories.find_client(session, world.ours.name)
        token = factories.make_token(session, world.users[Role.SERVICE_MANAGER], client=ours)

    def write(method: str, path: str, **body: Any) -> int:
        return world.call(method, path, token, json=body).status_code

    unit = {"serial_number": "N1", "client": str(world.ours.id)}
    assert write("POST", "/assets", **unit) == 201
    assert write("PUT", "/assets/by-ref/rmm/1", **unit) == 200
    assert write("PATCH", f"/assets/{world.ours.bare}", client=str(world.theirs.id)) == 422
    assert write("PATCH", f"/assets/{world.theirs.bare}", name="x") == 404
    shared = ("/clients", "/products", f"/products/{world.ours.product}/merge")
    assert [write("POST", path, name="x") for path in shared] == [403] * 3
    assert write("PUT", "/clients/by-ref/psa/1", name="x") == 403


# --- clients ---


def test_billing_changes_the_rate_card_and_the_service_manager_the_rest(world: World) -> None:
    one = f"/clients/{world.ours.id}"

    card = patch(world, one, {"call_out_minor": 12_000}, Role.BILLING)
    policy = patch(world, one, {"policy": {"repeat_window_days": 30}})
    wrong = [patch(world, one, {"name": "x"}, Role.BILLING), patch(world, one, {"call_out_minor": 1, "name": "x"})]

    assert card.json["call_out_minor"] == 12_000
    assert (policy.json["policy"]["repeat_window_days"], policy.json["policy"]["lookup_patience_minutes"]) == (30, 15)
    assert [answer.status_code for answer in wrong] == [403, 403]
    assert "call_out_minor" in wrong[1].json["detail"]


# --- sites and contacts ---


def test_the_lines_of_an_address_change_one_by_one(world: World) -> None:
    one = f"/sites/{world.ours.site}"
    before = world.get(one).json["address"]

    answer = patch(world, one, {"address": {"city": "Utrecht"}})

    assert answer.json["address"] == before | {"city": "Utrecht"}


def test_the_contacts_of_a_site_are_those_of_the_newest_list_in_its_order(world: World) -> None:
    one = f"/sites/{world.ours.site}"
    [mia] = world.get(f"/contacts?site={world.ours.site}").json["items"]
    assert [contact["name"] for contact in world.get(one).json["contacts"]] == [mia["name"]]

    first = patch(world, one, {"contacts": [{"name": mia["name"], "phone": "1"}, {"name": "Bo"}]}).json["contacts"]
    second = patch(world, one, {"contacts": [{"name": "Bo"}, {"name": mia["name"]}]}).json["contacts"]

    assert [(contact["name"], contact["phone"]) for contact in first] == [(mia["name"], "1"), ("Bo", "")]
    assert [contact["name"] for contact in second] == ["Bo", mia["name"]]
    assert world.get(f"/contacts/{mia['id']}").json["site"] is None


def test_the_register_names_people_by_their_pseudonyms(world: World) -> None:
    [mia] = world.get(f"/contacts?site={world.ours.site}").json["items"]

    patch(world, f"/contacts/{mia['id']}", {"name": "Mia Canary", "phone": "555-canary"})
    patch(world, f"/sites/{world.ours.site}", {"contacts": [{"name": "Ada Canary"}]})

    rows = register_of(world, "person") + register_of(world, "site")
    assert len(rows) == 2
    assert "anary" not in str([row.detail for row in rows])


def test_somebody_who_leaves_a_site_is_no_contact_any_more(world: World) -> None:
    [mia] = world.get(f"/contacts?site={world.ours.site}").json["items"]

    answer = patch(world, f"/contacts/{mia['id']}", {"site": None})

    assert answer.json["site"] is None
    assert world.get(f"/contacts?client={world.ours.id}").json["items"] == []


# --- products ---


def test_two_products_that_are_one_are_merged_and_nothing_is_lost(world: World) -> None:
    double = added(world, "/products", {"manufacturer": "ACME", "model": "R Ours", "base_term_months": 24})
    unit = add_unit(world, "D1", product=double["id"])
    body = {**COVERAGE, "scope": {"product": double["id"]}, "client": str(world.ours.id)}
    coverage = added(world, "/coverages", body)

    answer = world.post(f"/products/{double['id']}/merge", {"into": str(world.ours.product), "reason": "typed twice"})

    assert answer.status_code == 200, answer.json
    assert (answer.json["id"], answer.json["base_term_months"]) == (str(world.ours.product), 24)
    assert world.get(f"/assets/{unit['id']}").json["product"] == str(world.ours.product)
    assert world.get(f"/coverages/{coverage['id']}").json["scope"] == {"product": str(world.ours.product)}
    assert world.get(f"/products/{double['id']}").status_code == 404
    [gone, kept] = sorted(register_of(world, "product", "merge"), key=lambda row: "into" not in (row.detail or {}))
    assert (gone.reason, kept.reason) == ("typed twice", "typed twice")
    assert kept.detail is not None
    assert kept.detail["passed"] == {"asset": 1, "coverage": 1, "stock_unit": 0}


def test_products_of_two_makers_are_not_merged(world: World) -> None:
    other = added(world, "/products", {"manufacturer": "Dell", "model": "R750"})

    answers = [
        world.post(f"/products/{other['id']}/merge", {"into": into})
        for into in (str(world.ours.product), other["id"], NOBODYS_ID)
    ]

    assert [(answer.status_code, list(answer.json["errors"])) for answer in answers] == [(422, ["into"])] * 3


# --- units ---


def test_a_unit_retires_by_its_state_and_is_still_there(world: World) -> None:
    one = f"/assets/{world.ours.bare}"

    retired = patch(world, one, {"state": "decommissioned", "reason": "rack cleared"}).json["state"]

    assert retired == world.get(one).json["state"] == "decommissioned"
    assert [row.new_state for row in register_of(world, "asset", "move") if row.reason == "rack cleared"] == [retired]


def test_a_unit_goes_into_service_by_a_healthy_baseline(world: World) -> None:
    unit = add_unit(world, "NEW1")

    answer = patch(world, f"/assets/{unit['id']}", {"state": "in_service"})

    assert (unit["state"], answer.json["state"]) == ("onboarding", "in_service")
    assert len(register_of(world, "asset", "baseline")) == 1


def test_a_state_that_only_a_case_brings_about_is_refused(world: World) -> None:
    by_case = patch(world, f"/assets/{world.ours.bare}", {"state": "faulty"})
    never = patch(world, f"/assets/{world.ours.bare}", {"state": "disposed"})

    assert (by_case.status_code, list(by_case.json["errors"])) == (422, ["state"])
    assert (never.status_code, never.json["type"]) == (409, "illegal_move")


def test_while_its_case_is_open_a_unit_keeps_its_serial_and_does_not_retire(world: World) -> None:
    world.report(serial_number=world.ours.covered_serial)
    one = f"/assets/{world.ours.covered}"

    for field, value in (("serial_number", "OTHER"), ("state", "decommissioned")):
        answer = patch(world, one, {field: value})

        assert (answer.status_code, answer.json["type"], list(answer.json["errors"])) == (409, "in_use", [field])
    assert patch(world, one, {"state": "stolen"}).json["state"] == "stolen"


def test_a_serial_that_was_mistyped_is_mended_and_its_look_up_begins_anew(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        asset = session.scalars(select(Asset).where(Asset.public_id == world.ours.bare)).one()
        factories.make_listed(session, asset, at=now())
        line = factories.make_coverage(session, asset)
        line.vendor_line = "L1"

    answer = patch(world, f"/assets/{world.ours.bare}", {"serial_number": "right one"})

    assert (answer.json["serial_number"], answer.json["absence_attested"]) == ("right one", False)
    assert answer.json["lookup"] == {"vendor_says": None, "checked_at": None, "error": None}
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(Coverage.state).where(Coverage.vendor_line == "L1")).one() == "superseded"
    assert world.get("/assets?serial_number=RIGHTONE").json["items"] == [answer.json]


def test_a_unit_without_a_history_passes_to_the_client_that_it_belongs_to(world: World) -> None:
    unit = add_unit(world, "LOST1", site=str(world.ours.site), external_refs=[{"system": "rmm", "id": "1"}])

    answer = patch(world, f"/assets/{unit['id']}", {"client": str(world.theirs.id)})

    assert answer.json == unit | {"client": str(world.theirs.id), "site": None}
    viewers = [tenant.tokens[Role.CLIENT_VIEWER] for tenant in (world.ours, world.theirs)]
    assert [world.call("GET", f"/assets/{unit['id']}", token).status_code for token in viewers] == [404, 200]


def test_a_unit_with_a_history_keeps_its_client(world: World) -> None:
    world.report(serial_number=world.ours.bare_serial)

    for asset in (world.ours.bare, world.ours.covered):
        answer = patch(world, f"/assets/{asset}", {"client": str(world.theirs.id)})

        assert (answer.status_code, list(answer.json["errors"])) == (409, ["client"])


def test_a_site_of_another_client_is_refused(world: World) -> None:
    answer = patch(world, f"/assets/{world.ours.bare}", {"site": str(world.theirs.site)})

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["site"])


# --- coverages ---


def test_claims_are_corrected_but_never_below_those_that_run(world: World) -> None:
    one = f"/coverages/{world.ours.coverage}"
    world.report(serial_number=world.ours.covered_serial)
    assert world.get(one).json["claims_used"] == 1

    more, fewer = patch(world, one, {"claims_used": 5}), patch(world, one, {"claims_used": 0})

    assert more.json["claims_used"] == 5
    assert (fewer.status_code, list(fewer.json["errors"])) == (422, ["claims_used"])


def test_the_scope_of_a_coverage_does_not_change(world: World) -> None:
    answer = patch(world, f"/coverages/{world.ours.coverage}", {"scope": {"client": str(world.ours.id)}})

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["scope"])


def test_what_a_coverage_rests_on_changes_part_by_part_and_stays_well_formed(world: World) -> None:
    one = f"/coverages/{world.ours.coverage}"

    looked_up = {"source": "vendor_lookup", "vendor_says": "covered", "checked_at": "2026-03-01T02:00:00+00:00"}
    assert patch(world, one, {"evidence": looked_up}).json["evidence"] == looked_up | {"error": None}
    assert patch(world, one, {"evidence": {"error": "timeout"}}).json["evidence"] == looked_up | {"error": "timeout"}
    wrong = patch(world, one, {"evidence": {"checked_at": None}})
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["checked_at"])


# --- lists ---


def test_a_list_is_narrowed_by_what_its_records_say(world: World) -> None:
    ours, contract, asset = world.ours.id, world.ours.contract, world.ours.covered
    canary = world.ours.canary
    for query, ids in (
        (f"/clients?q={canary.upper()}", [ours]),
        (f"/sites?client={ours}", [world.ours.site]),
        (f"/sites?q={canary}", [world.ours.site]),
        ("/products?manufacturer=a-c-m-e&q=rours", [world.ours.product]),
        (f"/assets?site={world.ours.site}&q=covered", [asset]),
        (f"/assets?product={world.ours.product}&state=in_service&q=bare", [world.ours.bare]),
        (f"/contracts?q={canary}", [contract]),
        (f"/coverages?contract={contract}&kind=manufacturer_warranty&state=active", [world.ours.coverage]),
        (f"/coverages?asset={asset}&contract_number={canary}-W", [world.ours.coverage]),
        (f"/coverages?asset={world.ours.bare}", []),
        (f"/coverages?client={ours}&ends_before=2100-01-01", []),
    ):
        shown = [item["id"] for item in world.get(query).json["items"]]
        assert shown == [str(one) for one in ids], query


def unit_with(world: World, serial: str, **facts: Any) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        asset = factories.make_asset(session, factories.find_client(session, world.ours.name), serial)
        asset.absence_attested = False
        if facts:
            factories.make_coverage(session, asset, **facts)


def covered_so(world: World, query: str) -> set[str]:
    items = world.get(f"/assets?{query}&q=U-").json["items"]
    return {item["serial_number"].removeprefix("U-") for item in items}


def test_units_are_found_by_how_they_stand_covered_today(world: World) -> None:
    today = now().date()
    past, far = today - timedelta(days=400), today + timedelta(days=400)
    unit_with(world, "U-active", starts_on=past, ends_on=far)
    unit_with(world, "U-endless", starts_on=past)
    unit_with(world, "U-future", starts_on=far)
    unit_with(world, "U-expired", starts_on=past, ends_on=past)
    unit_with(world, "U-suspended", starts_on=past, state="suspended")
    unit_with(world, "U-unknown")
    unit_with(world, "U-none")
    unit_with(world, "U-strange")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        for serial, says in (("U-none", UnitSays.LISTED), ("U-strange", UnitSays.UNKNOWN)):
            asset = session.scalars(select(Asset).where(Asset.serial_number == serial)).one()
            factories.make_listed(session, asset, at=now(), says=says)

    shown = {
        cover: covered_so(world, f"coverage={cover}") for cover in ("active", "future", "expired", "none", "unknown")
    }

    assert shown == {
        "active": {"active", "endless"},
        "future": {"future"},
        "expired": {"expired"},
        "none": {"none"},
        "unknown": {"unknown", "suspended", "strange"},
    }
    assert covered_so(world, f"ends_before={far}") == {"expired"}
    assert covered_so(world, f"ends_before={far + timedelta(days=1)}&coverage=active") == {"active"}


def test_a_unit_is_covered_by_what_is_written_for_its_product_its_site_or_its_client(world: World) -> None:
    ours, site, product = str(world.ours.id), str(world.ours.site), str(world.ours.product)
    add_unit(world, "U-product", product=product)
    add_unit(world, "U-site", site=site)
    add_unit(world, "U-bare")
    assert covered_so(world, "coverage=active") == set()

    for scope, sites, covered in (
        ({"product": product}, [], set()),
        ({"product": product}, None, {"product"}),
        ({"site": site}, [site], {"product", "site"}),
        ({"client": ours}, None, {"product", "site", "bare"}),
    ):
        added(world, "/coverages", {**COVERAGE, "scope": scope, "client": ours, "sites": sites})

        assert covered_so(world, "coverage=active") == covered, scope
        assert covered_so(world, "coverage=unknown") == {"product", "site", "bare"} - covered, scope


@pytest.mark.parametrize(("zone", "is_active"), [("Pacific/Kiritimati", False), ("Pacific/Pago_Pago", True)])
def test_a_coverage_ends_with_the_day_of_its_own_zone(world: World, zone: str, *, is_active: bool) -> None:
    # The day that has begun at the one end of the world is over before it begins at the other.
    add_unit(world, "U-1")
    day = str((now() - timedelta(hours=11)).date())
    [unit] = world.get("/assets?q=U-1").json["items"]
    added(world, "/coverages", {**COVERAGE, "scope": {"asset": unit["id"]}, "time_zone": zone, "ends_on": day})

    assert covered_so(world, "coverage=active") == ({"1"} if is_active else set())
    assert covered_so(world, "coverage=expired") == (set() if is_active else {"1"})


LISTS = {
    "clients": "q=x",
    "sites": "q=x",
    "contacts": "client={client}",
    "products": "q=x",
    "assets": "coverage=active&ends_before=2030-01-01&q=x",
    "contracts": "q=x",
    "coverages": "kind=insurance",
}


def test_a_list_costs_at_most_six_statements_and_counts_only_when_asked(world: World) -> None:
    for path, query in LISTS.items():
        narrowed = query.format(client=world.ours.id)
        first = world.get(f"/{path}?limit=1").json
        cursor = f"&cursor={first['next_cursor']}" if first["next_cursor"] else ""
        for asked in (f"/{path}?limit=1{cursor}", f"/{path}?{narrowed}{cursor}"):
            with watching(world) as seen:
                assert world.get(asked).status_code == 200
            assert len(seen["statements"]) <= 6, asked
            assert not [said for said in seen["statements"] if "count(" in said and "SELECT count" in said], asked


# --- what may be wrong ---


DEEP: Any = json.loads("[" * 200 + "]" * 200)
VALUES_THAT_NOBODY_MEANS = [
    0,
    -1,
    1.5,
    10**40,
    True,
    "",
    " ",
    "x" * 100_000,
    "a\x00b",
    "\ud800",
    "../..",
    {},
    [{}],
    DEEP,
]


HOSTILE = [
    ("/clients", ("name", "external_refs", "reason", "policy")),
    ("/sites", ("name", "client", "time_zone", "address", "contacts", "access_hours")),
    ("/contacts", ("site", "name", "email", "phone", "language")),
    ("/products", ("manufacturer", "model", "part_number", "base_term_months", "list_price_minor", "currency")),
    ("/assets", ("serial_number", "client", "site", "product", "ownership", "state", "purchased_on", "external_refs")),
    ("/contracts", ("client", "number", "name")),
    (
        "/coverages",
        ("scope", "client", "starts_on", "ends_on", "covers", "sites", "grace_days", "claims_limit", "evidence"),
    ),
]


@pytest.mark.parametrize(("path", "fields"), HOSTILE, ids=[path for path, _ in HOSTILE])
def test_no_value_breaks_anything(world: World, path: str, fields: tuple[str, ...]) -> None:
    [row] = world.get(f"{path}?limit=1").json["items"]
    for value in VALUES_THAT_NOBODY_MEANS:
        answers = [patch(world, f"{path}/{row['id']}", {field: value}) for field in fields]
        for answer in (*answers, world.post(path, dict.fromkeys(fields, value))):
            assert answer.status_code < 500, value
            assert answer.status_code != 422 or all(answer.json["errors"].values()), value


def test_a_question_with_a_forged_cursor_or_a_broken_sign_is_refused(world: World) -> None:
    theirs = world.call("GET", f"/assets?cursor={world.theirs.covered}", world.ours.tokens[Role.CLIENT_VIEWER])
    answers = [theirs] + [
        world.get(f"/assets?{query}")
        for query in (
            "cursor=x",
            f"cursor={NOBODYS_ID}",
            "q=%00",
            "q=%ff%fe",
            "coverage=maybe",
            "ends_before=0001-01-01",
            "client=x",
        )
    ]

    assert [answer.status_code for answer in answers if answer.status_code != 200] == [422] * (len(answers) - 1)


def test_a_client_sees_what_is_for_clients_of_its_own_units(world: World) -> None:
    viewer = world.ours.tokens[Role.CLIENT_VIEWER]

    shown = [
        world.call("GET", f"/assets{path}", viewer).json for path in (f"/{world.ours.covered}", "?coverage=active")
    ]

    assert not {"external_refs", "lookup", "absence_attested"} & set(shown[0])
    assert [item["id"] for item in shown[1]["items"]] == [str(world.ours.covered)]
