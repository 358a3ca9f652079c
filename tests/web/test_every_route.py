"""The rules that hold for every route there is or will be: each declares what it needs, and shows nobody else's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.web.conftest import World
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import (
    AdHocJob,
    ApiToken,
    Asset,
    Client,
    Contract,
    Coverage,
    Fault,
    File,
    HumanTask,
    ImportRun,
    Person,
    Product,
    Rma,
    Shipment,
    Site,
    StockLocation,
    StockUnit,
    Swap,
    User,
    VendorAccount,
)
from warranty.web import guards

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.routing import Rule


ANYBODYS = "read or read_own"

# A new route stands here too: what it needs is decided, not inherited.
TABLE = {
    "static": "public",
    "auth.sign_in": "public",
    "auth.take_password": "public",
    "auth.sign_out": ANYBODYS,
    "auth.choose_language": "public",
    "staff.board": ANYBODYS,  # a client is led to the portal
    "staff.case_list": "read",
    "staff.case_detail": "read",
    "staff.case_live": "read",
    "staff.answer_review": "decide",
    "staff.record_claim": "handle",
    "staff.job_detail": "read",
    "staff.fault_new": "handle",
    "staff.fault_preview": "handle",
    "staff.report": "handle",
    "portal.case_list": "read_own",
    "portal.case_detail": "read_own",
    "portal.case_live": "read_own",
    "portal.fault_new": "read_own",
    "portal.report": "read_own",
    "ops.live": "public",
    "ops.ready": "public",
    "ops.metrics": "public",
    "docs.openapi": "public",
    "docs.readable": "public",
    "faults.preview": "report or read",
    "faults.report": "report",
    "faults.list_faults": ANYBODYS,
    "faults.show_fault": ANYBODYS,
    "faults.decide": "decide",
    "cases.list_rmas": ANYBODYS,
    "cases.show_rma": ANYBODYS,
    "cases.move_rma": "handle",
    "cases.list_shipments": ANYBODYS,
    "cases.show_shipment": ANYBODYS,
    "cases.add_shipment": "handle",
    "cases.move_shipment": "handle",
    "cases.list_swaps": ANYBODYS,
    "cases.show_swap": ANYBODYS,
    "cases.move_swap": "handle",
    "cases.list_jobs": ANYBODYS,
    "cases.show_job": ANYBODYS,
    "cases.move_job": "bill or approve",
    "cases.list_review_items": "read",
    "cases.show_review_item": "read",
    "cases.resolve": "decide",
    "files.list_of_faults": ANYBODYS,
    "files.add_to_faults": "report",
    "files.list_of_rmas": ANYBODYS,
    "files.add_to_rmas": "handle",
    "files.list_of_jobs": ANYBODYS,
    "files.add_to_jobs": "handle or bill",
    "files.list_of_assets": ANYBODYS,
    "files.add_to_assets": "report",
    "files.list_of_coverages": "read",
    "files.add_to_coverages": "register",
    "files.list_of_contracts": "read",
    "files.add_to_contracts": "register",
    "files.download": ANYBODYS,
    "files.thumbnail": ANYBODYS,
    "files.change_file": "handle or bill",
    "files.remove_file": "register",
    "vendors.list_accounts": "read",
    "vendors.add_account": "register",
    "vendors.show_account": "read",
    "vendors.change_account": "register",
    "vendors.switch_off": "register",
    "vendors.switch_on": "register",
    "vendors.check_account": "register",
    "people.list_users": "administer",
    "people.add_user": "administer",
    "people.show_user": "administer",
    "people.change_user": "administer",
    "people.deactivate_user": "administer",
    "people.reactivate_user": "administer",
    "people.list_tokens": "administer",
    "people.add_token": "administer",
    "people.show_token": "administer",
    "people.revoke_token": "administer",
    "registry.list_clients": "read",
    "registry.add_client": "register",
    "registry.show_client": "read",
    "registry.correct_client": "register or bill",
    "registry.list_sites": "read",
    "registry.add_site": "register",
    "registry.show_site": "read",
    "registry.correct_site": "register",
    "registry.list_contacts": "read",
    "registry.add_contact": "register",
    "registry.show_contact": "read",
    "registry.correct_contact": "register",
    "registry.list_products": "read",
    "registry.add_product": "register",
    "registry.show_product": "read",
    "registry.correct_product": "register",
    "registry.merge_product": "register",
    "registry.list_assets": ANYBODYS,
    "registry.add_asset": "register",
    "registry.show_asset": ANYBODYS,
    "registry.correct_asset": "register",
    "registry.take_assets": "register",
    "registry.list_contracts": "read",
    "registry.add_contract": "register",
    "registry.show_contract": "read",
    "registry.correct_contract": "register",
    "registry.list_coverages": "read",
    "registry.add_coverage": "register",
    "registry.show_coverage": "read",
    "registry.correct_coverage": "register",
    "registry.take_coverages": "register",
    "by_ref.put_client": "register",
    "by_ref.put_asset": "register",
    "by_ref.put_contract": "register",
    "imports.start": "register",
    "imports.list_imports": "read",
    "imports.show_import": "read",
    "imports.rejected": "read",
    "imports.cancel": "register",
    "imports.undo": "register",
    "stock.list_locations": "read",
    "stock.add_location": "register",
    "stock.show_location": "read",
    "stock.list_units": "read",
    "stock.show_unit": "read",
    "stock.receive": "handle",
    "stock.reserve_any": "handle",
    "stock.reserve": "handle",
    "stock.release": "handle",
    "stock.issue": "handle",
    "stock.put_back": "handle",
}

SHARED = {ApiToken, ImportRun, Product, StockLocation, StockUnit, User, VendorAccount}
"""Tables whose rows belong to no client."""


def declared(world: World) -> dict[str, str]:
    found = {}
    for endpoint in world.app.view_functions:
        access = guards.access_of(world.app, endpoint)
        found[endpoint] = "public" if access.reason else " or ".join(access.permissions)
    return found


def rules(world: World) -> list[tuple[Rule, str]]:
    """Every route but the public ones, with each of its methods."""
    return [
        (rule, method)
        for rule in world.app.url_map.iter_rules()
        if not guards.access_of(world.app, rule.endpoint).reason
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def path_of(rule: Rule, object_id: UUID) -> str:
    path = rule.rule
    for argument in rule.arguments:
        path = path.replace(f"<uuid:{argument}>", str(object_id))
    path = path.replace("<string:system>/<path:external_id>", "psa/4711")  # another system's name, which anybody knows
    assert "<" not in path, f"{rule.rule}: an object is named by its public id"
    return path


def signed_in(world: World, user: User | None) -> tuple[FlaskClient, str]:
    """A browser, and the token that its forms carry."""
    browser = world.app.test_client()
    if user is not None:
        with browser.session_transaction() as session:
            session["_user_id"] = guards.SignedIn(user).get_id()
    page = browser.get("/api/docs").get_data(as_text=True)
    return browser, page.partition('"X-CSRFToken": "')[2].partition('"')[0]


def ask(
    world: World, rule: Rule, method: str, object_id: UUID, *, token: str | None, user: User | None
) -> tuple[int, str]:
    """Ask one route, as a program or in a browser, whichever it is for; its status and whatever it says."""
    path = path_of(rule, object_id)
    if path.startswith("/api/"):
        answer = world.call(method, path.removeprefix("/api/v1"), token, json={} if method != "GET" else None)
    else:
        browser, form_token = signed_in(world, user)
        answer = browser.open(path, method=method, data={"csrf_token": form_token} if method != "GET" else None)
    return answer.status_code, f"{answer.headers} {answer.get_data(as_text=True)}"


def objects_of_theirs(world: World) -> dict[type, UUID]:
    """One row of each table that belongs to the other client."""
    covered = world.report(serial_number=world.theirs.covered_serial, symptom=world.theirs.canary)
    unknown = world.report(serial_number=f"{world.theirs.canary}-unknown", client=str(world.theirs.id))
    [contact] = world.get(f"/contacts?client={world.theirs.id}").json["items"]
    approved = approve(world, covered["rma_id"])
    return {
        Client: world.theirs.id,
        Site: world.theirs.site,
        Asset: world.theirs.covered,
        Contract: world.theirs.contract,
        Coverage: world.theirs.coverage,
        Fault: UUID(covered["id"]),
        Rma: UUID(covered["rma_id"]),
        Shipment: UUID(approved["shipments"][0]["id"]),
        Swap: UUID(approved["swap"]["id"]),
        AdHocJob: UUID(covered["job_id"]),
        HumanTask: UUID(unknown["review_item_id"]),
        Person: UUID(contact["id"]),
        File: file_of(world, covered["id"]),
    }


def approve(world: World, rma: str) -> Any:
    """A claim that the vendor has approved by telephone, with what is expected from then on."""
    canary, path = world.theirs.canary, f"/rmas/{rma}/transitions"
    world.post(path, {"to": "manual_handling", "reason": canary})
    answer = world.post(path, {"to": "authorized", "reason": canary, "rma_number": canary})
    assert answer.status_code == 200, answer.json
    return answer.json


def file_of(world: World, fault: str) -> UUID:
    """A file of a case, which the case's client may see."""
    path = f"/faults/{fault}/files?name={world.theirs.canary}&for_client=true"
    answer = world.call("POST", path, world.tokens[Role.TECHNICIAN], data=world.theirs.canary.encode())
    assert answer.status_code == 201, answer.json
    return UUID(answer.json["id"])


def test_every_route_declares_what_it_needs_and_stands_in_the_table(world: World) -> None:
    assert declared(world) == TABLE


def test_an_app_with_an_undeclared_route_is_not_built(world: World) -> None:
    app = world.own_app()
    app.view_functions["forgotten"] = lambda: "everything"

    with pytest.raises(guards.Undeclared, match="forgotten"):
        guards.check_declarations(app)


def test_a_stranger_is_sent_to_sign_in_or_refused(world: World) -> None:
    objects = objects_of_theirs(world)
    for rule, method in rules(world):
        access = guards.access_of(world.app, rule.endpoint)
        object_id = objects.get(access.of or Fault, world.theirs.product)
        status, said = ask(world, rule, method, object_id, token=None, user=None)
        is_sent_to_sign_in = status == 303 and "/login" in said
        assert status == 401 or is_sent_to_sign_in, (rule.rule, method, status)
        assert world.theirs.canary not in said


@pytest.mark.parametrize("role", sorted(CLIENT_ROLES))
def test_another_clients_object_is_not_there(world: World, role: Role) -> None:
    objects = objects_of_theirs(world)
    asked = 0
    for rule, method in rules(world):
        access = guards.access_of(world.app, rule.endpoint)
        if not rule.arguments or access.of in SHARED:
            continue
        object_id = objects[access.of or Fault]
        status, said = ask(world, rule, method, object_id, token=world.ours.tokens[role], user=world.ours.users[role])
        assert status in ({404} if access.of else {403, 404}), (rule.rule, method, status)
        assert world.theirs.canary not in said, rule.rule
        asked += 1
    assert asked >= 10


@pytest.mark.parametrize("role", sorted(CLIENT_ROLES))
def test_no_list_and_no_page_shows_another_client(world: World, role: Role) -> None:
    objects_of_theirs(world)
    for rule, method in rules(world):
        if rule.arguments or method != "GET":
            continue
        status, said = ask(
            world, rule, method, world.theirs.id, token=world.ours.tokens[role], user=world.ours.users[role]
        )
        assert status in {200, 303, 403}, (rule.rule, status)
        assert world.theirs.canary not in said, rule.rule


def test_an_own_object_without_the_right_is_refused_and_not_denied(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    viewer = world.ours.tokens[Role.CLIENT_VIEWER]

    site = world.call("GET", f"/sites/{world.ours.site}", viewer)
    move = world.call("POST", f"/rmas/{made['rma_id']}/transitions", viewer, json={})

    assert (site.status_code, site.json["type"]) == (403, "forbidden")
    assert move.status_code == 403


def test_every_answer_carries_the_headers_that_protect_a_browser(world: World) -> None:
    asked = [world.get("/faults"), world.call("GET", "/faults"), world.get("/nothing")]
    browser = world.app.test_client()
    asked += [browser.get(path) for path in ("/nothing", "/api/docs", "/static/app.css", "/static/nothing.css")]
    for answer in asked:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        is_file = answer.request.path == "/static/app.css"
        assert ("no-store" in answer.headers["Cache-Control"]) is not is_file
        answer.close()
        assert "Strict-Transport-Security" not in answer.headers  # this is not production
