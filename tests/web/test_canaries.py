"""A client's words, looked for wherever another one might come upon them: names, keys, versions, mails, errors, logs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from sqlalchemy import select

from tests import factories
from tests.web.conftest import World, fault_body
from tests.web.owned import LABOUR_HOUR_MINOR, Owned, own_everything
from tests.web.routes import alike, rules, said
from tests.web.visitor import visit
from vendors.contract import VendorCase, VendorStatus
from warranty import db, logs
from warranty.domain.access import Permission, TokenScope
from warranty.domain.terms import Role
from warranty.models import Asset, AuditRow, Client, Fault, HumanTask, Mail, Product, Sighting
from warranty.services import news, strays
from warranty.web import guards

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


@pytest.fixture
def theirs(world: World) -> Owned:
    """One record of every kind of the other client, told in canaries."""
    return own_everything(world, world.theirs)


def narrowed(world: World, role: Role = Role.ADMIN) -> str:
    """A token of somebody of the MSP that sees our client only."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        ours = factories.find_client(session, world.ours.name)
        return factories.make_token(session, world.users[role], tuple(TokenScope), client=ours)


def is_told(world: World, text: str) -> bool:
    return world.theirs.canary.lower() in text.lower() or str(LABOUR_HOUR_MINOR) in text


def check_silent(world: World, answer: TestResponse) -> None:
    assert not is_told(world, said(answer))


def test_a_case_of_no_claim_is_told_to_nobody_of_another_client(world: World, subtests: pytest.Subtests) -> None:
    canary = world.theirs.canary
    serials = (world.theirs.covered_serial, f"{canary}-of-nobody")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        account = factories.make_account(session, world.runtime)
        cases = [
            VendorCase(f"{canary}-{serial}"[:60], VendorStatus.RECEIVED, client_reference=canary, serial_number=serial)
            for serial in serials
        ]
        strays.find(session, account, cases, now=db.now(session))
        sightings = select(Sighting.id).where(Sighting.account_id == account.id)
        items = session.scalars(select(HumanTask).where(HumanTask.sighting_id.in_(sightings))).all()
    assert {item.client_id for item in items} > {None}
    tokens = {"portal": world.ours.tokens[Role.CLIENT_VIEWER], "narrowed": narrowed(world)}
    for who, token in tokens.items():
        with subtests.test(who):
            check_silent(world, world.call("GET", "/review-items", token))
            for item in items:
                assert world.call("GET", f"/review-items/{item.public_id}", token).status_code in {403, 404}
                body = {"action": "dealt_with", "reason": "x"}
                answer = world.call("POST", f"/review-items/{item.public_id}/resolve", token, json=body)
                assert answer.status_code in {403, 404}
                check_silent(world, answer)
    portal = visit(world.app, world.ours.users[Role.CLIENT_VIEWER])
    check_silent(world, portal.get("/portal"))
    assert portal.post(f"/review-items/{items[0].public_id}/dealt-with", {}).status_code in {400, 403, 404}


# --- names in other systems ---


def test_a_name_that_another_clients_record_has_is_free_for_a_record_of_ones_own(
    world: World, theirs: Owned, subtests: pytest.Subtests
) -> None:
    assert theirs
    token, name = narrowed(world), world.theirs.canary
    bodies: dict[str, dict[str, Any]] = {
        "assets": {"serial_number": "OWN-1", "client": str(world.ours.id)},
        "contracts": {"number": "OWN-1", "client": str(world.ours.id)},
    }
    for kind, body in bodies.items():
        with subtests.test(kind):
            taken = world.call("PUT", f"/{kind}/by-ref/psa/{name}", token, json=body)
            assert taken.status_code == 201
            check_silent(world, world.call("GET", f"/{kind}?q=nothing", token))


def test_a_client_reports_under_a_number_that_another_clients_report_has(world: World, theirs: Owned) -> None:
    assert theirs
    ref = {"external_ref": {"system": "psa", "id": world.theirs.canary}}
    body = fault_body(serial_number=world.ours.covered_serial, **ref)

    answer = world.call("POST", "/faults", world.ours.tokens[Role.CLIENT_VIEWER], json=body)

    assert answer.status_code == 201


def test_a_name_that_records_of_two_clients_have_names_none_of_them_to_who_sees_both(world: World) -> None:
    named = {"external_refs": [{"system": "rmm", "id": "7"}]}
    for tenant, token in ((world.theirs, world.tokens[Role.ADMIN]), (world.ours, narrowed(world))):
        given = world.call("PATCH", f"/assets/{tenant.covered}", token, json=named)
        assert given.status_code == 200

    answer = world.call("PUT", "/assets/by-ref/rmm/7", world.tokens[Role.ADMIN], json={"name": "which?"})

    refused: Any = answer.json
    assert (answer.status_code, refused["type"]) == (409, "external_ref_taken")


def test_what_a_client_is_called_elsewhere_is_changed_by_who_sees_all_clients(world: World, theirs: Owned) -> None:
    assert theirs
    body = {"external_refs": [{"system": "psa", "id": world.theirs.canary}]}

    answer = world.call("PATCH", f"/clients/{world.ours.id}", narrowed(world), json=body)

    assert answer.status_code == 403


# --- versions and keys ---


def test_the_version_of_a_foreign_record_says_nothing_of_it(
    world: World, theirs: Owned, subtests: pytest.Subtests
) -> None:
    mine = narrowed(world)
    for rule, method in rules(world.app):
        of = guards.access_of(world.app, rule.endpoint).of
        is_record = method == "GET" and rule.rule.startswith("/api/") and rule.rule.endswith("<uuid:id>")
        if not is_record or of not in theirs or guards.access_of(world.app, rule.endpoint).wide:
            continue
        path = rule.rule.removeprefix("/api/v1").replace("<uuid:id>", str(theirs[of]))
        tag = world.get(path, Role.ADMIN).headers.get("ETag")
        if tag is None or of is Product:  # a file is no record, and a product is everybody's
            continue
        with subtests.test(rule.rule):
            known = world.call("GET", path, mine, headers={"If-None-Match": tag})
            guessed = world.call("GET", path, mine, headers={"If-None-Match": '"0"'})
            assert known.status_code == 404
            assert alike(known) == alike(guessed)


def test_a_key_that_somebody_else_has_used_is_free(world: World) -> None:
    body, key = fault_body(serial_number=world.theirs.covered_serial), {"Idempotency-Key": "the-same"}
    world.call("POST", "/faults", world.theirs.tokens[Role.CLIENT_VIEWER], json=body, headers=key)

    answer = world.call("POST", "/faults", world.ours.tokens[Role.CLIENT_VIEWER], json=body, headers=key)

    taken: Any = answer.json
    assert (answer.status_code, taken["asset_id"]) == (201, None)  # a unit that nobody knows


def test_a_key_opens_no_stored_answer_to_a_token_that_may_not_ask(world: World) -> None:
    admin, key, body = world.users[Role.ADMIN], {"Idempotency-Key": "the-same"}, {"name": "New GmbH"}
    made = world.call("POST", "/clients", world.tokens[Role.ADMIN], json=body, headers=key)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        reads = factories.make_token(session, admin, [TokenScope.READ])

    answer = world.call("POST", "/clients", reads, json=body, headers=key)

    assert made.status_code == 201
    assert answer.status_code == 403


# --- mails ---


def test_a_mail_to_one_client_holds_nothing_of_the_other(world: World, theirs: Owned) -> None:
    assert theirs
    viewer = world.ours.tokens[Role.CLIENT_VIEWER]
    world.call("POST", "/faults", viewer, json=fault_body(serial_number=world.ours.covered_serial))
    settings = replace(world.runtime.settings, smtp_url="smtp://127.0.0.1:9", mail_from="desk@msp.example")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        for fault in session.scalars(select(Fault)).all():
            news.tell_case(session, replace(world.runtime, settings=settings), fault.id, now=db.now(session))
    with world.runtime.database.read(db.EVERYBODY) as session:
        owner_of = {client.id: client.name for client in session.scalars(select(Client))}
        told = [
            (owner_of[mail.client_id], " ".join(str(getattr(mail, column.name)) for column in Mail.__table__.columns))
            for mail in session.scalars(select(Mail).where(Mail.client_id.is_not(None)))
        ]

    assert {name for name, _ in told} == {world.ours.name, world.theirs.name}
    assert not [mail for name, mail in told if name == world.ours.name and is_told(world, mail)]


# --- what is for everybody, and what is for whoever keeps the machine ---


def test_what_is_shown_to_everybody_names_no_client(world: World, theirs: Owned) -> None:
    assert theirs
    for path in ("/metrics", "/health/ready", "/health/live", "/api/openapi.json", "/api/docs", "/login"):
        answer = world.app.test_client().get(path)

        assert answer.status_code == 200, path
        check_silent(world, answer)


def test_an_error_repeats_nothing_of_the_request_or_the_record(
    world: World, theirs: Owned, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither to the caller nor in the log, where the frames stand and none of their values."""
    app, token = world.own_app(), world.tokens[Role.ADMIN]
    shown: Any = app.view_functions["registry.show_asset"]

    @guards.needs(Permission.READ)
    def breaks(**named: Any) -> Any:
        found = shown(**named)
        raise RuntimeError(f"an answer of {len(found.get_data())} bytes")

    app.view_functions["registry.show_asset"] = breaks
    logs.configure()
    answer = world.call("GET", f"/assets/{theirs[Asset]}", token)
    written = capsys.readouterr().err
    structlog.reset_defaults()

    assert answer.status_code == 500
    check_silent(world, answer)
    assert "web.broken" in written
    assert not is_told(world, written)
    assert token not in written


# --- separation of duties: what one person may not do alone (domain.md, sections 2 and 3) ---


def test_whoever_made_a_quote_does_not_approve_it_though_another_asked_for_it(world: World) -> None:
    job = world.report(serial_number=world.ours.bare_serial)["job_id"]

    def move(to: str, role: Role) -> int:
        return world.post(f"/jobs/{job}/transitions", {"to": to, "reason": "to be done"}, role).status_code

    assert [move(to, Role.BILLING) for to in ("awaiting_approval", "quote_expired")] == [200, 200]
    assert move("quoted", Role.ADMIN) == 200
    assert move("awaiting_approval", Role.BILLING) == 200
    assert [move("approved", role) for role in (Role.ADMIN, Role.BILLING)] == [403, 403]


def test_another_token_is_not_another_person(world: World) -> None:
    job = world.report(serial_number=world.ours.bare_serial)["job_id"]
    path, reason = f"/jobs/{job}/transitions", {"reason": "to be done"}
    world.post(path, {"to": "awaiting_approval", **reason}, Role.ADMIN)

    answer = world.call("POST", path, narrowed(world), json={"to": "approved", **reason})

    assert answer.status_code == 403


BY_HAND = {"source": "vendor_lookup", "vendor_says": "covered", "checked_at": "2026-03-01T02:00:00+00:00"}


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.ADMIN, Role.SERVICE_MANAGER}])
def test_what_the_vendor_says_and_what_is_used_up_is_written_by_managers_only(world: World, role: Role) -> None:
    tokens = world.tokens | world.ours.tokens
    body = {"evidence": BY_HAND, "claims_used": 1}

    answer = world.call("PATCH", f"/coverages/{world.ours.coverage}", tokens[role], json=body)

    assert answer.status_code == 403


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SERVICE_MANAGER])
def test_what_a_manager_writes_of_the_vendors_word_stands_in_the_register(world: World, role: Role) -> None:
    body = {"evidence": BY_HAND, "claims_used": 1}

    answer = world.call("PATCH", f"/coverages/{world.ours.coverage}", world.tokens[role], json=body)

    assert answer.status_code == 200
    with world.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.record == "coverage", AuditRow.action == "change")).all()
    assert [{"claims_consumed", "evidence_source"} <= set(row.detail or ()) for row in rows] == [True]
