"""The settings pages: what a change does is shown first, nothing typed and nobody's change is lost, secrets never come out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.desk import NOBODY_LISTENS
from tests.web.conftest import World, fault_body, watching
from tests.web.visitor import Visitor, visit, words
from warranty import db, tasks
from warranty.domain.terms import CoverageKind, Role
from warranty.models import ApiToken, AuditRow, Client, Outbox, User, VendorAccount
from warranty.models.work import OrderKind
from warranty.services import people

if TYPE_CHECKING:
    pass

SECRET = "canary-of-a-secret"
ACCOUNT = {
    "vendor": "servicenow",
    "name": "Maker's desk",
    "base_url": NOBODY_LISTENS,
    "manufacturers": ["Maker"],
    "secrets": {"username": "us", "password": SECRET},
    "options": {"table": "incident"},
}


def signed_in(world: World, role: Role) -> Visitor:
    return visit(world.app, world.users[role])


def admin(world: World) -> Visitor:
    return signed_in(world, Role.ADMIN)


def add_account(world: World, **facts: Any) -> str:
    """The path of a new account's page."""
    answer = world.post("/vendor-accounts", ACCOUNT | facts)
    assert answer.status_code == 201, answer.json
    return f"/settings/accounts/{answer.json['id']}"


def rules_of(world: World) -> dict[str, str]:
    """The rules form of our client as it stands."""
    kinds = {f"rank_{at}": kind.value for at, kind in enumerate(CoverageKind, start=1)}
    numbers = {"evidence_freshness_days": "30", "repeat_window_days": "90", "lookup_patience_minutes": "15"}
    return {**kinds, **numbers, "denial_grace_hours": "24"}


def client_row(world: World) -> Client:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.scalars(select(Client).where(Client.public_id == world.ours.id)).one()


def seen(visitor: Visitor) -> dict[str, str]:
    """What the page's form carries along of what was looked at."""
    return {name: visitor.hidden(name) for name in ("version", "seen") if visitor.hidden(name)}


def change_rules(visitor: Visitor, path: str, typed: dict[str, str]) -> Any:
    """Look at what other rules do, then change them."""
    visitor.get(path)
    looked = visitor.send(f"{path}/rules/preview", **typed, **seen(visitor))
    assert looked.status_code == 200, words(visitor.page)
    return visitor.send(f"{path}/rules", **typed, **seen(visitor), reason="Agreed on 3 March.")


# --- lists ---


@pytest.mark.parametrize("path", ["accounts", "clients", "users", "tokens", "users?shows=off", "tokens?shows=over"])
def test_a_list_of_settings_costs_at_most_six_statements(world: World, path: str) -> None:
    visitor = admin(world)
    visitor.get("/settings/accounts")
    with watching(world) as seen_:
        assert visitor.get(f"/settings/{path}").status_code == 200

    assert len(seen_["statements"]) <= 6, seen_["statements"]


def test_a_list_by_name_has_no_gap_between_its_pages_and_begins_where_one_says(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        for number in range(60):
            factories.make_client(session, f"Client {number:03}")
    visitor, found = admin(world), []
    path = "/settings/clients"
    while path:
        visitor.get(path)
        found += re.findall(r'href="/settings/clients/[0-9a-f-]{36}">([^<]*)</a></h2>', visitor.page)
        more = re.search(r'href="(/settings/clients[?]after=[^"]*)"', visitor.page)
        path = more[1].replace("&amp;", "&") if more else ""

    assert found == sorted(found)
    assert {f"Client {number:03}" for number in range(60)} <= set(found)
    assert len(found) == len(set(found))
    visitor.get("/settings/clients?start=Client 05")
    assert "Client 050" in visitor.page
    assert "Client 049" not in visitor.page


def test_users_and_tokens_are_shown_to_administrators_alone(world: World) -> None:
    manager = signed_in(world, Role.SERVICE_MANAGER)
    manager.get("/settings/accounts")

    assert "/settings/users" not in manager.page
    assert manager.get("/settings/users").status_code == 403
    assert "/settings/users" in admin(world).get("/settings/accounts").text


# --- vendor accounts ---


def test_a_reader_sees_an_account_and_no_form(world: World) -> None:
    path = add_account(world)
    reader, manager = signed_in(world, Role.AUDITOR), signed_in(world, Role.SERVICE_MANAGER)

    assert "formaction" not in reader.get(path).text
    assert "formaction" in manager.get(path).text


def test_no_page_holds_a_secret_and_each_says_when_it_was_set(world: World) -> None:
    path = add_account(world)
    manager = signed_in(world, Role.SERVICE_MANAGER)
    pages = [manager.get(path).text]
    typed = {"secret_password": f"{SECRET}-new", "secrets_reason": ""}

    refused = manager.send(f"{path}/secrets", **typed)
    pages.append(refused.text)
    taken = manager.send(f"{path}/secrets", **typed | {"secrets_reason": "Changed at the vendor."})
    pages += [manager.get(path).text, manager.get("/settings/accounts").text]

    assert (refused.status_code, taken.status_code) == (422, 303)
    assert "Type the secrets once more" in words(refused.text)
    assert all(SECRET not in page for page in pages)
    assert "set on" in words(pages[0])
    with world.runtime.database.read(db.EVERYBODY) as session:
        account = session.scalars(select(VendorAccount).where(VendorAccount.name == ACCOUNT["name"])).one()
        note = session.scalars(
            select(AuditRow).where(AuditRow.record == "vendor_account").order_by(AuditRow.id.desc())
        ).first()
    assert world.runtime.box.open(account.secrets)["password"] == f"{SECRET}-new"
    assert note is not None
    assert (note.reason, note.detail) == ("Changed at the vendor.", {"changed": ["password"], "was": {}, "is": {}})


def test_a_secret_does_not_come_back_where_the_session_has_ended(world: World) -> None:
    path = add_account(world)
    manager = signed_in(world, Role.SERVICE_MANAGER)
    manager.get(path)
    with manager.browser.session_transaction() as session:
        session.pop("_user_id")

    answer = manager.send(
        f"{path}/secrets",
        {"Sec-Fetch-Site": "same-origin"},
        secret_password="typed-secret",
        secrets_reason="Changed at the vendor.",
    )

    assert answer.status_code == 401
    assert "Changed at the vendor." in answer.text
    assert "typed-secret" not in answer.text


def test_a_test_shows_its_progress_and_what_came_of_it(world: World) -> None:
    path = add_account(world)
    manager = signed_in(world, Role.SERVICE_MANAGER)
    manager.get(path)
    assert "never tested" in words(manager.page)

    manager.send(f"{path}/test")
    waiting = manager.get(f"{path}/live").text
    with world.runtime.database.read(db.EVERYBODY) as session:
        orders = session.scalars(select(Outbox.id).where(Outbox.kind == OrderKind.CHECK_ACCOUNT)).all()
    for order in orders:
        tasks.perform(world.runtime, order)
    answered = manager.get(f"{path}/live").text

    assert "data-poll-seconds" in waiting
    assert "data-poll-seconds" not in answered
    assert "The test failed" in words(answered)  # nobody listens there


def test_what_an_account_serves_is_said_before_it_is_changed(world: World) -> None:
    path = add_account(world, manufacturers=["Nobody"])
    manager = signed_in(world, Role.SERVICE_MANAGER)
    manager.get(path)
    maker = _maker_of(world)
    typed = {"name": "Maker's desk", "base_url": NOBODY_LISTENS, "option_table": "incident", "duties": "lookup"}
    typed |= {"duties": "open", "manufacturers": f"Nobody\r\n{maker}"}

    looked = manager.send(f"{path}/preview", **typed, **seen(manager))

    assert looked.status_code == 200
    assert "It serves 0 units now" in words(looked.text)
    assert manager.send(path, **typed, **seen(manager), reason="They serve this maker too.").status_code == 303
    manager.get(path)
    assert f"Nobody, {maker}" in words(manager.page)
    assert "They serve this maker too." in words(manager.page)


def _maker_of(world: World) -> str:
    answer = world.get("/products")
    maker: str = answer.json["items"][0]["manufacturer"]
    return maker


def test_what_the_adapter_has_against_a_change_is_said_in_its_words(world: World) -> None:
    path = add_account(world)
    manager = signed_in(world, Role.SERVICE_MANAGER)
    manager.get(path)
    typed = {
        "name": "Maker's desk",
        "base_url": "",
        "manufacturers": "Maker",
        "duties": "open",
        "option_table": "incident",
    }

    refused = manager.send(f"{path}/preview", **typed, **seen(manager))

    assert refused.status_code == 422
    assert "The account cannot be used like this." in words(refused.text)
    assert "base" in words(refused.text[refused.text.index('id="options"') :])[:200], words(refused.text)


def test_an_account_is_switched_off_with_a_reason_and_on_again(world: World) -> None:
    path = add_account(world)
    manager = signed_in(world, Role.SERVICE_MANAGER)
    manager.get(path)

    assert manager.send(f"{path}/switch-off", switch_reason=" ").status_code == 422
    assert manager.error("switch_reason")
    assert manager.send(f"{path}/switch-off", switch_reason="The vendor is moving.").status_code == 303
    assert "Switched off" in words(manager.get(path).text)
    assert manager.send(f"{path}/switch-on", switch_reason="They have moved.").status_code == 303
    assert "They have moved." in words(manager.get(path).text)


def test_an_account_that_a_restore_holds_is_released(world: World) -> None:
    path = add_account(world)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        account = session.scalars(select(VendorAccount).where(VendorAccount.name == ACCOUNT["name"])).one()
        account.opens_held_since = account.held_at = factories.NOW
    manager = signed_in(world, Role.SERVICE_MANAGER)

    assert "may be opened twice" in words(manager.get(path).text)
    assert manager.send(f"{path}/release", release_reason="Looked there.").status_code == 303
    assert "may be opened twice" not in words(manager.get(path).text)


def test_an_account_is_added_after_what_it_would_serve_was_shown(world: World) -> None:
    manager = signed_in(world, Role.SERVICE_MANAGER)
    manager.get("/settings/accounts/new")
    manager.get("/settings/accounts/new?vendor=servicenow&manufacturers=Somebody")
    assert "0 units in use" in words(manager.page)
    typed = {
        "vendor": "servicenow", "name": "New desk", "manufacturers": "Somebody", "duties": "open", "base_url": NOBODY_LISTENS,
        "secret_username": "us", "secret_password": SECRET, "option_table": "incident",
    }  # fmt: skip

    refused = manager.send("/settings/accounts", **typed)
    assert (refused.status_code, manager.value("name"), manager.error("reason") != "") == (422, "New desk", True)
    assert SECRET not in refused.text
    added = manager.send("/settings/accounts", **typed, reason="A new vendor.")
    assert added.status_code == 303
    assert "New desk" in manager.get(added.headers["Location"]).text


# --- clients' rules and rate cards ---


def test_other_rules_say_which_open_cases_they_would_decide_otherwise_before_they_are_kept(world: World) -> None:
    world.report(serial_number=world.ours.covered_serial)
    path, visitor = f"/settings/clients/{world.ours.id}", signed_in(world, Role.SERVICE_MANAGER)
    visitor.get(path)
    typed = rules_of(world) | {"evidence_freshness_days": "0"}

    looked = visitor.send(f"{path}/rules/preview", **typed, **seen(visitor))

    said = words(looked.text)
    assert looked.status_code == 200
    assert "One open case would be decided otherwise." in said or "No open case would be decided otherwise." in said
    assert "Tried with the one open case." in said
    assert client_row(world).policy["evidence_freshness_days"] == 30
    assert visitor.send(f"{path}/rules", **typed, **seen(visitor), reason="Ask always.").status_code == 303
    assert client_row(world).policy["evidence_freshness_days"] == 0
    history = words(visitor.get(path).text)
    assert "Ask always." in history


def test_rules_are_not_kept_that_nobody_looked_at(world: World) -> None:
    path, visitor = f"/settings/clients/{world.ours.id}", signed_in(world, Role.SERVICE_MANAGER)
    visitor.get(path)
    typed = rules_of(world) | {"repeat_window_days": "10"}
    visitor.send(f"{path}/rules/preview", **typed, **seen(visitor))

    other = visitor.send(f"{path}/rules", **typed | {"repeat_window_days": "11"}, **seen(visitor), reason="Agreed.")

    assert other.status_code == 422
    assert "You changed something after you looked" in words(other.text)
    assert client_row(world).policy["repeat_window_days"] == 90
    again = visitor.send(f"{path}/rules", **typed | {"repeat_window_days": "11"}, **seen(visitor), reason="Agreed.")
    assert again.status_code == 303


def test_of_two_who_change_the_same_rules_the_second_is_told_and_loses_nothing(world: World) -> None:
    path = f"/settings/clients/{world.ours.id}"
    first, second = signed_in(world, Role.SERVICE_MANAGER), admin(world)
    second.get(path)
    mine = rules_of(world) | {"lookup_patience_minutes": "20"}
    second.send(f"{path}/rules/preview", **mine, **seen(second))
    assert change_rules(first, path, rules_of(world) | {"repeat_window_days": "45"}).status_code == 303

    late = second.send(f"{path}/rules", **mine, **seen(second), reason="Agreed too.")

    assert late.status_code == 409
    assert "Somebody else changed this while you were at it." in words(late.text)
    assert "Agreed on 3 March." in words(late.text)
    assert (second.value("lookup_patience_minutes"), second.value("reason")) == ("20", "Agreed too.")
    assert client_row(world).policy["lookup_patience_minutes"] == 15


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("rank_2", "manufacturer_warranty"),
        ("evidence_freshness_days", "-1"),
        ("repeat_window_days", "1e3"),
        ("denial_grace_hours", "9999999999"),
    ],
)
def test_rules_that_are_none_are_refused_beside_their_field(world: World, field: str, typed: str) -> None:
    path, visitor = f"/settings/clients/{world.ours.id}", signed_in(world, Role.SERVICE_MANAGER)
    visitor.get(path)

    refused = visitor.send(f"{path}/rules/preview", **rules_of(world) | {field: typed}, **seen(visitor))

    assert refused.status_code == 422
    assert visitor.error(field)


def test_a_rate_card_says_what_the_same_work_costs_then_and_belongs_to_who_bills(world: World) -> None:
    path, billing = f"/settings/clients/{world.ours.id}", signed_in(world, Role.BILLING)
    billing.get(path)
    version = re.findall(r'name="version" value="([^"]*)"', billing.page)[-1]
    typed = {"currency": "EUR", "call_out_minor": "100", "labour_hour_minor": "120,50", "version": version}

    looked = billing.send(f"{path}/rates/preview", **typed)
    assert looked.status_code == 200
    assert "costs €341.00 instead of €315.00" in words(looked.text)
    typed |= {"seen": billing.hidden("seen")}
    assert billing.send(f"{path}/rates", **typed, reason="New year.").status_code == 303
    assert (client_row(world).call_out_minor, client_row(world).labour_hour_minor) == (10_000, 12_050)
    assert "formaction" not in signed_in(world, Role.AUDITOR).get(path).text
    assert signed_in(world, Role.SERVICE_MANAGER).send(f"{path}/rates/preview", **typed).status_code in {400, 403}


# --- users ---


NEW_USER = {"email": "new@msp.example", "name": "New", "role": "technician", "reason": "Began today."}


def user_named(world: World, email: str) -> User:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.scalars(select(User).where(User.email == email)).one()


def test_a_new_user_signs_in_with_the_password_that_was_shown_once(world: World) -> None:
    visitor = admin(world)
    visitor.get("/settings/users/new")
    form = {name: visitor.hidden(name) for name in ("csrf_token", "idempotency_key")} | NEW_USER

    made = visitor.post("/settings/users", form)
    password = words(re.findall(r'<code class="mono grow">(.*?)</code>', made.text)[0])
    again = visitor.post("/settings/users", form)

    with world.runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, NEW_USER["email"], password) is not None
        kept = session.scalars(select(func.count()).select_from(User).where(User.email == NEW_USER["email"])).one()
    assert (made.status_code, again.status_code, kept) == (200, 303, 1)
    assert password not in visitor.get(again.headers["Location"]).text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"role": "king"}, "role"),
        ({"role": "client_viewer"}, "client"),
        ({"client": "No such client"}, "client"),
        ({"limit": "5"}, "limit"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_user_that_is_none_is_refused_beside_the_field(world: World, typed: dict[str, str], field: str) -> None:
    visitor = admin(world)
    visitor.get("/settings/users/new")

    assert visitor.send("/settings/users", **NEW_USER | typed).status_code == 422
    assert visitor.error(field)
    assert visitor.value("name") == "New"


def test_a_role_is_changed_after_what_it_means_was_shown(world: World) -> None:
    visitor, user = admin(world), world.users[Role.TECHNICIAN]
    path = f"/settings/users/{user.public_id}"
    visitor.get(path)
    typed = {"name": "Ada", "role": "billing", "client": "", "language": "de", "limit": ""}

    looked = visitor.send(f"{path}/preview", **typed, **seen(visitor))
    assert "handles jobs and rate cards" in words(looked.text)
    assert visitor.send(path, **typed, **seen(visitor), reason="Moved to billing.").status_code == 303

    changed = user_named(world, user.email)
    assert (changed.role, changed.name, changed.language) == (Role.BILLING, "Ada", "de")
    assert "Moved to billing." in words(visitor.get(path).text)


def test_nobody_changes_their_own_role_and_the_last_administrator_stays(world: World) -> None:
    visitor, user = admin(world), world.users[Role.ADMIN]
    path = f"/settings/users/{user.public_id}"
    visitor.get(path)
    typed = {"name": user.name, "role": "auditor", "client": "", "language": "", "limit": ""}
    visitor.send(f"{path}/preview", **typed, **seen(visitor))

    refused = visitor.send(path, **typed, **seen(visitor), reason="Enough.")

    assert refused.status_code == 422
    assert visitor.error("role")
    assert user_named(world, user.email).role is Role.ADMIN
    assert visitor.send(f"{path}/deactivate", switch_reason="Enough.").status_code == 422


def test_whoever_is_switched_off_is_signed_out_and_can_be_let_in_again(world: World) -> None:
    visitor, user = admin(world), world.users[Role.TECHNICIAN]
    path, theirs = f"/settings/users/{user.public_id}", signed_in(world, Role.TECHNICIAN)
    visitor.get(path)
    assert "One program that calls with their token stops." in words(visitor.page)

    assert visitor.send(f"{path}/deactivate", switch_reason="Left.").status_code == 303
    assert theirs.get("/cases").status_code == 303
    assert user.email in visitor.get("/settings/users?shows=off").text
    assert visitor.send(f"{path}/reactivate", switch_reason="Came back.").status_code == 303
    visitor.get(path)
    made = visitor.send(f"{path}/password", reset_reason="Forgotten.")
    assert made.status_code == 200
    assert '<code class="mono grow">' in made.text


# --- tokens ---


def test_a_token_is_shown_once_opens_what_it_may_and_is_revoked(world: World) -> None:
    visitor = admin(world)
    visitor.get("/settings/tokens/new")
    email = visitor.value("user")
    typed = {"name": "RMM", "user": email, "scopes": "read", "reason": "For the alerts."}

    made = visitor.send("/settings/tokens", **typed)
    token = words(re.findall(r'<code class="mono grow">(.*?)</code>', made.text)[0])
    assert world.call("GET", "/assets", token).status_code == 200
    assert world.call("POST", "/faults", token, json=fault_body()).status_code == 403

    with world.runtime.database.read(db.EVERYBODY) as session:
        row = session.scalars(select(ApiToken).where(ApiToken.name == "RMM")).one()
    path = f"/settings/tokens/{row.public_id}"
    assert "A program called with it" in words(visitor.get(path).text)
    assert token not in visitor.page
    assert visitor.send(f"{path}/revoke", reason="").status_code == 422
    assert visitor.send(f"{path}/revoke", reason="No longer used.").status_code == 303
    assert world.call("GET", "/assets", token).status_code == 401
    assert "No longer used." in words(visitor.get(path).text)
    assert "RMM" in visitor.get("/settings/tokens?shows=over").text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"user": "nobody@msp.example"}, "user"),
        ({"scopes": "everything"}, "scopes"),
        ({"name": ""}, "name"),
        ({"client": "No such client"}, "client"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"expires_on": "tomorrow"}, "expires_on"),
    ],
)
def test_a_token_that_is_none_is_refused_beside_the_field(world: World, typed: dict[str, str], field: str) -> None:
    visitor = admin(world)
    visitor.get("/settings/tokens/new")
    usual = {"name": "RMM", "user": world.users[Role.ADMIN].email, "scopes": "read", "reason": "For the alerts."}

    assert visitor.send("/settings/tokens", **usual | typed).status_code == 422
    assert visitor.error(field)
