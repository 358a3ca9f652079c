"""Vendor accounts over REST: a secret goes in and never comes out, and a worker finds out whether an account works."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.desk import NOBODY_LISTENS
from tests.web.conftest import World
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.domain.terms import Role
from warranty.models import AuditRow, Outbox, VendorAccount
from warranty.models.work import OrderKind, OrderStatus

SECRET = "canary-of-a-secret"
ACCOUNT = {
    "vendor": "servicenow",
    "name": "Maker's desk",
    "base_url": NOBODY_LISTENS,
    "manufacturers": ["Maker"],
    "secrets": {"username": "us", "password": SECRET},
    "options": {"table": "incident"},
}


def add(world: World, **facts: Any) -> Any:
    answer = world.post("/vendor-accounts", ACCOUNT | facts)
    assert answer.status_code == 201, answer.json
    return answer.json


def change(world: World, account: Any, **facts: Any) -> Any:
    return world.call("PATCH", f"/vendor-accounts/{account['id']}", world.tokens[Role.SERVICE_MANAGER], json=facts)


def show(world: World, account: Any) -> Any:
    return world.get(f"/vendor-accounts/{account['id']}").json


def stored(world: World, account: Any) -> tuple[VendorAccount, dict[str, str]]:
    """The row, and its secrets in clear."""
    with world.runtime.database.read(db.EVERYBODY) as session:
        row = session.scalars(select(VendorAccount).where(VendorAccount.name == account["name"])).one()
    return row, world.runtime.box.open(row.secrets)


def orders(world: World, kind: OrderKind) -> list[Outbox]:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return list(session.scalars(select(Outbox).where(Outbox.kind == kind)))


def check(world: World, account: Any) -> Any:
    """Ask for a check, let a worker make it, and see what the account says then."""
    answer = world.post(f"/vendor-accounts/{account['id']}/test", {})
    assert answer.status_code == 202, answer.json
    assert answer.json["check"]["asked_at"] is not None
    assert answer.json["check"]["answered_at"] is None
    for order in orders(world, OrderKind.CHECK_ACCOUNT):
        tasks.perform(world.runtime, order.id)
    return show(world, account)["check"]


def test_an_account_shows_which_secrets_it_has_and_none_of_them(world: World) -> None:
    made = add(world)

    shown = world.get(f"/vendor-accounts/{made['id']}", Role.AUDITOR)
    listed = world.get("/vendor-accounts", Role.BILLING)

    assert shown.json == made
    assert made["secrets_set"] == ["password", "username"]
    assert (made["duties"], made["options"]) == (["open", "track"], {"table": "incident"})
    assert made["id"] in {row["id"] for row in listed.json["items"]}
    assert SECRET not in shown.get_data(as_text=True) + listed.get_data(as_text=True)


@pytest.mark.parametrize(
    ("facts", "field", "said"),
    [
        ({"vendor": "nobody"}, "vendor", "no adapter"),
        ({"secrets": {"username": "us"}}, "options", "secret is missing"),
        ({"options": {"colour": "red"}}, "options", "no option colour"),
        ({"duties": ["lookup"]}, "duties", "offers"),
        ({"base_url": "https://vendor.example/path"}, "options", "scheme, host and port only"),
        ({"client": "00000000-0000-4000-8000-000000000000"}, "client", "no client"),
    ],
)
def test_what_cannot_be_an_account_is_refused_by_name(
    world: World, facts: dict[str, Any], field: str, said: str
) -> None:
    answer = world.post("/vendor-accounts", ACCOUNT | facts)

    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert said in str(answer.json["errors"][field])
    assert SECRET not in answer.get_data(as_text=True)


def test_a_name_is_one_accounts(world: World) -> None:
    add(world)

    assert world.post("/vendor-accounts", ACCOUNT).json["errors"].keys() == {"name"}


def test_a_secret_that_changes_is_merged_and_the_old_access_token_is_dropped(world: World) -> None:
    made = add(world)
    row, _ = stored(world, made)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        session.get_one(VendorAccount, row.id).tokens = world.runtime.box.seal({"token": "old", "expires_at": "x"})

    answer = change(world, made, secrets={"password": "fresh"}, options={"table": None, "caller_id": "msp"})

    assert answer.status_code == 200, answer.json
    assert answer.json["options"] == {"caller_id": "msp"}
    row, secrets = stored(world, made)
    assert secrets == {"username": "us", "password": "fresh"}
    assert row.tokens is None


def test_a_change_that_would_break_an_account_changes_nothing(world: World) -> None:
    made = add(world)

    answer = change(world, made, secrets={"password": None}, name="Other")

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["options"])
    assert show(world, made) == made
    assert stored(world, made)[1]["password"] == SECRET


def test_duties_and_manufacturers_are_replaced(world: World) -> None:
    made = add(world)

    changed = change(world, made, duties=["track"], manufacturers=["Acme", "acme", "Other"]).json

    assert (changed["duties"], changed["manufacturers"]) == (["track"], ["Acme", "Other"])


def test_the_register_says_what_changed_and_no_value(world: World) -> None:
    change(world, add(world), secrets={"password": "canary-of-another"}, name="Renamed")

    with world.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.record == "vendor_account").order_by(AuditRow.id)).all()
    assert [row.action for row in rows[-2:]] == ["add", "change"]
    assert rows[-1].detail == {
        "changed": ["name", "password"],
        "was": {"name": "Maker's desk"},
        "is": {"name": "Renamed"},
    }


def test_a_technician_reads_accounts_and_changes_none(world: World) -> None:
    made = add(world)
    path = f"/vendor-accounts/{made['id']}"

    assert world.get(path, Role.TECHNICIAN).status_code == 200
    for action in ("test", "switch-off", "switch-on", "release"):
        assert world.post(f"{path}/{action}", {}, Role.TECHNICIAN).status_code == 403


def test_an_account_that_is_switched_off_serves_no_unit_until_it_is_switched_on(world: World) -> None:
    [account] = world.get("/vendor-accounts").json["items"]
    world.post(f"/vendor-accounts/{account['id']}/switch-off", {"reason": "contract ended"})

    made = world.report(serial_number=world.ours.covered_serial)

    rma = world.get(f"/rmas/{made['rma_id']}").json
    assert (rma["state"], rma["account"]) == ("draft", None)
    world.post(f"/vendor-accounts/{account['id']}/switch-on", {"reason": "renewed"})
    sent = world.post(f"/rmas/{rma['id']}/transitions", {"to": "submitted", "reason": "there is an account again"})
    assert (sent.json["state"], sent.json["account"]) == ("submitted", account["id"])


def test_what_a_switched_off_account_had_to_send_waits_for_a_person_and_goes_on(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    [account] = world.get("/vendor-accounts").json["items"]
    world.post(f"/vendor-accounts/{account['id']}/switch-off", {"reason": "stolen password"})
    [order] = orders(world, OrderKind.SEND_RMA)

    tasks.perform(world.runtime, order.id)

    assert world.get(f"/rmas/{made['rma_id']}").json["state"] == "submit_failed"
    assert "switched off" in world.get("/review-items").json["items"][0]["why"]
    world.post(f"/vendor-accounts/{account['id']}/switch-on", {"reason": "new password"})
    assert world.get(f"/rmas/{made['rma_id']}").json["state"] == "submitted"
    assert [order.status for order in orders(world, OrderKind.SEND_RMA)] == [OrderStatus.PENDING]


def test_an_account_that_a_restore_holds_is_released_by_who_has_looked(world: World) -> None:
    [account] = world.get("/vendor-accounts").json["items"]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        session.execute(update(VendorAccount).values(opens_held_since=now, held_at=now))
    path = f"/vendor-accounts/{account['id']}"
    assert world.get(path).json["opens_held_since"] is not None

    released = world.post(f"{path}/release", {"reason": "looked through the portal"})

    assert (released.status_code, released.json["opens_held_since"]) == (200, None)
    with world.runtime.database.read(db.EVERYBODY) as session:
        noted = session.scalars(select(AuditRow).where(AuditRow.action == "release")).all()
        assert [row.reason for row in noted] == ["looked through the portal"]


# --- does it work? ---


def test_a_check_is_made_by_a_worker_and_says_that_the_account_works(world: World) -> None:
    with Twin() as twin:
        made = add(world, base_url=twin.url)

        found = check(world, made)

    assert found["answered_at"] is not None
    assert found["trouble"] is None


def test_a_check_says_what_is_wrong(world: World) -> None:
    found = check(world, add(world))

    assert found["answered_at"] is not None
    assert found["trouble"]
    assert SECRET not in found["trouble"]


def test_a_check_that_is_asked_for_twice_is_ordered_once(world: World) -> None:
    made = add(world)

    for _ in range(2):
        assert world.post(f"/vendor-accounts/{made['id']}/test", {}).status_code == 202

    assert len(orders(world, OrderKind.CHECK_ACCOUNT)) == 1


def test_an_account_that_works_again_arms_what_was_parked(world: World) -> None:
    with Twin() as twin:
        [account] = world.get("/vendor-accounts").json["items"]
        made = world.report(serial_number=world.ours.covered_serial)
        with world.runtime.database.begin(db.EVERYBODY) as session:
            row = session.scalars(select(VendorAccount).where(VendorAccount.name == account["name"])).one()
            row.base_url, row.switched_off_at = twin.url, factories.NOW
        [order] = orders(world, OrderKind.SEND_RMA)
        tasks.perform(world.runtime, order.id)
        with world.runtime.database.begin(db.EVERYBODY) as session:
            session.get_one(VendorAccount, row.id).switched_off_at = None

        check(world, account)

    assert world.get(f"/rmas/{made['rma_id']}").json["state"] == "submitted"
    assert [order.status for order in orders(world, OrderKind.SEND_RMA)] == [OrderStatus.PENDING]
