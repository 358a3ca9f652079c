"""Users and tokens over REST: who may sign in, what a program may see, and that nobody raises themself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from tests import factories
from tests.factories import PASSWORD
from tests.web.conftest import World, fault_body, now
from warranty import db
from warranty.domain.access import TokenScope
from warranty.domain.terms import Role
from warranty.models import AuditRow, User
from warranty.services import people

USER = {"email": "Grace@msp.example", "name": "Grace Hopper", "role": "technician", "language": "de"}


def as_admin(world: World, method: str, path: str, body: Any = None, **options: Any) -> Any:
    return world.call(method, path, world.tokens[Role.ADMIN], json=body, **options)


def add_user(world: World, **facts: Any) -> Any:
    answer = as_admin(world, "POST", "/users", USER | facts)
    assert answer.status_code == 201, answer.json
    return answer.json


def add_token(world: World, role: Role, **facts: Any) -> Any:
    body = {"user": str(world.users[role].public_id), "scopes": ["read", "write", "admin"]} | facts
    answer = as_admin(world, "POST", "/tokens", body)
    assert answer.status_code == 201, answer.json
    return answer.json


def change(world: World, user: Any, **facts: Any) -> Any:
    user_id = user["id"] if isinstance(user, dict) else user.public_id
    return as_admin(world, "PATCH", f"/users/{user_id}", facts)


# --- users ---


def test_a_user_that_is_added_signs_in_with_the_password_that_is_shown_once(world: World) -> None:
    made = add_user(world)

    shown = as_admin(world, "GET", f"/users/{made['id']}").json
    assert shown == {name: value for name, value in made.items() if name != "password"}
    assert (shown["email"], shown["language"], shown["approval_limit_minor"]) == ("grace@msp.example", "de", None)
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, "grace@msp.example", made["password"]) is not None


def test_a_password_that_was_given_is_not_told(world: World) -> None:
    assert "password" not in add_user(world, password=PASSWORD)


def test_what_is_shown_once_is_not_kept_for_whoever_asks_again(world: World) -> None:
    headers = {"Idempotency-Key": "once"}
    made = as_admin(world, "POST", "/users", USER, headers=headers).json

    again = as_admin(world, "POST", "/users", USER, headers=headers)

    assert again.json == {name: value for name, value in made.items() if name != "password"}
    with world.runtime.database.read(db.EVERYBODY) as session:
        kept = session.scalars(text("SELECT answer FROM idempotency_key")).all()
    assert not any(made["password"] in answer for answer in kept)


def test_users_are_listed_by_role_and_those_switched_off_are_left_out(world: World) -> None:
    made = add_user(world)
    as_admin(world, "POST", f"/users/{made['id']}/deactivate", {"reason": "left"})

    def listed(query: str) -> set[str]:
        return {row["id"] for row in as_admin(world, "GET", f"/users?{query}").json["items"]}

    assert made["id"] not in listed("role=technician")
    assert made["id"] in listed("role=technician&deactivated=true")
    assert listed("role=auditor") == {str(world.users[Role.AUDITOR].public_id)}


def test_a_role_that_changes_counts_from_the_next_request_on(world: World) -> None:
    token = world.tokens[Role.TECHNICIAN]

    answer = change(world, world.users[Role.TECHNICIAN], role="auditor")

    assert (answer.status_code, answer.json["role"]) == (200, "auditor")
    refused = world.call("POST", "/faults", token, json=fault_body(serial_number=world.ours.covered_serial))
    assert refused.status_code == 403


def test_whoever_changes_what_another_has_changed_meanwhile_is_told(world: World) -> None:
    made = add_user(world)
    read = as_admin(world, "GET", f"/users/{made['id']}")
    change(world, made, name="G. Hopper")

    answer = as_admin(world, "PATCH", f"/users/{made['id']}", {"name": "x"}, headers={"If-Match": read.headers["ETag"]})

    assert answer.status_code == 412
    assert as_admin(world, "GET", f"/users/{made['id']}").json["name"] == "G. Hopper"


def test_an_approver_has_a_limit_and_nobody_else_has_one(world: World) -> None:
    approver = add_user(world, role="client_approver", client=str(world.ours.id))
    assert approver["approval_limit_minor"] == 0

    assert change(world, approver, approval_limit_minor=50_000).json["approval_limit_minor"] == 50_000
    assert change(world, approver, role="client_viewer").json["approval_limit_minor"] is None
    refused = change(world, approver, approval_limit_minor=1)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["approval_limit_minor"])


@pytest.mark.parametrize("facts", [{"role": "technician"}, {"role": "client_approver", "approval_limit_minor": 10}])
def test_nobody_changes_their_own_rights(world: World, facts: dict[str, Any]) -> None:
    add_user(world, role="admin")  # so that it is not about the last one

    answer = change(
        world, world.users[Role.ADMIN], **facts | {"client": str(world.ours.id)} if len(facts) > 1 else facts
    )

    assert (answer.status_code, answer.json["type"]) == (403, "own_rights")


def test_everybody_may_change_their_own_name(world: World) -> None:
    assert change(world, world.users[Role.ADMIN], name="Root", language="de").json["name"] == "Root"


def test_nobody_switches_themself_off(world: World) -> None:
    add_user(world, role="admin")

    answer = as_admin(world, "POST", f"/users/{world.users[Role.ADMIN].public_id}/deactivate", {"reason": "x"})

    assert answer.json["type"] == "own_rights"


def test_the_last_administrator_stays(world: World) -> None:
    second = add_user(world, role="admin", password=PASSWORD)
    first = world.users[Role.ADMIN]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        user = people.find_user(session, second["email"])
        assert user is not None
        theirs = factories.make_token(session, user, tuple(TokenScope))
    path = f"/users/{first.public_id}"
    assert world.call("PATCH", path, theirs, json={"role": "technician"}).status_code == 200

    with world.runtime.database.begin(db.EVERYBODY) as session:
        user = people.find_user(session, second["email"])
        assert user is not None
        with pytest.raises(people.LastAdmin):
            people.change_user(session, user, role=Role.AUDITOR, because=factories.BECAUSE)
        with pytest.raises(people.LastAdmin):
            people.deactivate(session, user, because=factories.BECAUSE)


def test_two_administrators_who_remove_each_other_at_once_leave_one(world: World) -> None:
    second = add_user(world, role="admin")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        user = people.find_user(session, second["email"])
        assert user is not None
        theirs = factories.make_token(session, user, tuple(TokenScope))
    pairs = [(world.tokens[Role.ADMIN], second["id"]), (theirs, world.users[Role.ADMIN].public_id)]

    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda pair: world.call("POST", f"/users/{pair[1]}/deactivate", pair[0], json={"reason": "x"}), pairs
            )
        )

    with world.runtime.database.read(db.EVERYBODY) as session:
        active = select(User.id).where(User.role == Role.ADMIN, User.deactivated_at.is_(None))
        assert len(session.scalars(active).all()) == 1


def test_a_user_who_is_switched_off_is_out_at_once_and_comes_back_as_they_were(world: World) -> None:
    user, token = world.users[Role.BILLING], world.tokens[Role.BILLING]

    as_admin(world, "POST", f"/users/{user.public_id}/deactivate", {"reason": "on leave"})

    assert world.call("GET", "/jobs", token).status_code == 401
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, user.email, PASSWORD) is None
        assert people.find_session(session, user.public_id, user.session_epoch) is None
    as_admin(world, "POST", f"/users/{user.public_id}/reactivate", {"reason": "back"})
    assert world.call("GET", "/jobs", token).status_code == 200


def test_the_register_says_who_changed_whom_and_why_and_holds_no_name(world: World) -> None:
    made = add_user(world)
    change(world, made, role="billing", name="Canary Name")
    as_admin(world, "POST", f"/users/{made['id']}/deactivate", {"reason": "left the company"})

    with world.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.record == "user").order_by(AuditRow.id)).all()
    assert [row.action for row in rows[-3:]] == ["add", "change", "deactivate"]
    assert {row.actor for row in rows[-3:]} == {people.actor_of(world.users[Role.ADMIN])}
    assert rows[-1].reason == "left the company"
    assert rows[-2].detail == {"changed": ["name", "role"], "was": {"role": "technician"}, "is": {"role": "billing"}}


# --- tokens ---


def test_a_token_is_shown_once_and_never_again(world: World) -> None:
    made = add_token(world, Role.TECHNICIAN, name="RMM")

    shown = as_admin(world, "GET", f"/tokens/{made['id']}").json
    assert shown == {name: value for name, value in made.items() if name != "token"}
    secret = made["token"].split("_", 2)[2]
    assert secret not in str(as_admin(world, "GET", "/tokens?limit=200").json)
    assert world.call("GET", "/faults", made["token"]).status_code == 200


def test_a_token_never_exceeds_its_users_role(world: World) -> None:
    token = add_token(world, Role.AUDITOR)["token"]

    assert world.call("GET", "/users", token).status_code == 403
    assert world.call("POST", "/clients", token, json={"name": "New"}).status_code == 403


def test_a_token_knows_its_last_use(world: World) -> None:
    made = add_token(world, Role.TECHNICIAN)
    assert made["last_used_at"] is None

    world.call("GET", "/faults", made["token"])
    first = as_admin(world, "GET", f"/tokens/{made['id']}").json["last_used_at"]
    world.call("GET", "/faults", made["token"])

    assert first is not None
    assert as_admin(world, "GET", f"/tokens/{made['id']}").json["last_used_at"] == first  # right to some minutes


def test_a_token_that_has_ended_or_was_revoked_opens_nothing(world: World) -> None:
    ending = add_token(world, Role.TECHNICIAN, expires_at=(now() + timedelta(hours=1)).isoformat())
    revoked = add_token(world, Role.TECHNICIAN)
    assert world.call("GET", "/faults", ending["token"]).status_code == 200
    with world.runtime.database.begin(db.EVERYBODY) as session:
        session.execute(
            text("UPDATE api_token SET expires_at = '2026-01-01 00:00:00+00:00' WHERE expires_at IS NOT NULL")
        )
    as_admin(world, "POST", f"/tokens/{revoked['id']}/revoke", {"reason": "leaked"})

    for token in (ending, revoked):
        answer = world.call("GET", "/faults", token["token"])
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    listed = {row["id"] for row in as_admin(world, "GET", "/tokens?limit=200").json["items"]}
    assert revoked["id"] not in listed


def test_an_end_that_has_passed_is_refused(world: World) -> None:
    body = {"user": str(world.users[Role.TECHNICIAN].public_id), "scopes": ["read"]}
    answer = as_admin(world, "POST", "/tokens", body | {"expires_at": "2026-01-01T00:00:00Z"})

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["expires_at"])


def test_a_token_for_one_client_sees_that_clients_records_as_staff_do(world: World) -> None:
    theirs = world.report(serial_number=world.theirs.covered_serial)
    ours = world.report(serial_number=world.ours.covered_serial)
    token = add_token(world, Role.ADMIN, client=str(world.ours.id))["token"]

    listed = world.call("GET", "/rmas", token)

    assert [row["id"] for row in listed.json["items"]] == [ours["rma_id"]]
    assert "vendor_case_number" in listed.json["items"][0]
    assert world.call("GET", f"/faults/{theirs['id']}", token).status_code == 404
    assert world.theirs.canary not in world.call("GET", "/assets", token).get_data(as_text=True)


@pytest.mark.parametrize("path", ["/users", "/tokens", "/vendor-accounts"])
def test_a_token_for_one_client_sees_nothing_that_belongs_to_no_client(world: World, path: str) -> None:
    token = add_token(world, Role.ADMIN, client=str(world.ours.id))["token"]

    assert world.call("GET", path, token).status_code == 403
    assert world.call("POST", path, token, json={}).status_code == 403


def test_a_key_of_one_token_opens_no_answer_to_a_narrower_one(world: World) -> None:
    wide, narrow = (add_token(world, Role.SERVICE_MANAGER, **facts) for facts in ({}, {"client": str(world.ours.id)}))
    body, headers = fault_body(asset_id=str(world.theirs.covered)), {"Idempotency-Key": "same"}
    assert world.call("POST", "/faults", wide["token"], json=body, headers=headers).status_code == 201

    answer = world.call("POST", "/faults", narrow["token"], json=body, headers=headers)

    assert (answer.status_code, answer.json["type"]) == (422, "key_reused")


def test_a_clients_user_has_no_token_for_another_client(world: World) -> None:
    body = {"user": str(world.ours.users[Role.CLIENT_VIEWER].public_id), "scopes": ["read"]}

    answer = as_admin(world, "POST", "/tokens", body | {"client": str(world.theirs.id)})

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["client"])
