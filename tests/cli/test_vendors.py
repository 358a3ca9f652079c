"""Vendor accounts by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from tests.cli.conftest import Shell, table
from warranty import db
from warranty.models import VendorAccount

if TYPE_CHECKING:
    from pathlib import Path

    from warranty.runtime import Runtime

SECRETS = ("--secret", "username=us", "--secret", "password=them-and-nobody-else")
ACCOUNT = ("servicenow", "--name", "Desk", "--base-url", "http://127.0.0.1:9", *SECRETS, "--manufacturer", "Acme")


def test_an_account_is_added_listed_and_shown_without_its_secrets(warranty: Shell) -> None:
    added = warranty("vendor", "add", *ACCOUNT, "--json")

    made = warranty.gives("vendor", "show", "Desk")
    assert (made["name"], made["manufacturers"], made["secrets_set"]) == ("Desk", ["Acme"], ["password", "username"])
    [listed] = warranty.gives("vendor", "list")
    assert {name: value for name, value in listed.items() if name != "tracking"} == made
    assert "nobody-else" not in added.output + warranty.says("vendor", "show", made["id"][:8])
    assert table(warranty.says("vendor", "list"))[0]["name"] == "Desk"


def test_an_account_is_changed_and_what_is_not_named_stays(warranty: Shell, runtime: Runtime, tmp_path: Path) -> None:
    warranty.says("vendor", "add", *ACCOUNT, "--option", "table=incident")
    (tmp_path / "secret").write_text("another one\n")
    new = (
        "--name",
        "New desk",
        "--secret",
        f"password=@{tmp_path / 'secret'}",
        "--no-option",
        "table",
        "--for",
        "open,track",
    )

    changed = warranty.gives("vendor", "change", "Desk", *new, "--reason", "Rotated.")

    assert (changed["name"], changed["options"], sorted(changed["duties"])) == ("New desk", {}, ["open", "track"])
    assert changed["base_url"] == "http://127.0.0.1:9"
    with runtime.database.read(db.EVERYBODY) as session:
        kept = runtime.box.open(session.query(VendorAccount).one().secrets)
    assert kept == {"username": "us", "password": "another one"}


def test_an_account_is_switched_off_and_on(warranty: Shell) -> None:
    warranty.says("vendor", "add", *ACCOUNT)

    off = warranty.gives("vendor", "switch-off", "Desk", "--reason", "Contract ended.")
    on = warranty.gives("vendor", "switch-on", "Desk", "--reason", "Renewed.")

    assert off["switched_off_at"] is not None
    assert on == off | {"switched_off_at": None}


def test_an_account_that_a_restore_holds_is_released_by_who_has_looked(warranty: Shell, runtime: Runtime) -> None:
    warranty.says("vendor", "add", *ACCOUNT)
    with runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        session.execute(update(VendorAccount).values(opens_held_since=now, held_at=now))
    assert warranty.gives("vendor", "show", "Desk")["opens_held_since"] is not None

    released = warranty.gives("vendor", "release", "Desk", "--reason", "Looked through the portal.")

    assert released["opens_held_since"] is None


def test_what_a_vendor_does_not_take_is_said_and_nothing_is_changed(warranty: Shell) -> None:
    made = warranty.gives("vendor", "add", *ACCOUNT)

    for words, said in (
        (("add", "nobody", "--name", "x"), "There is no adapter for 'nobody'"),
        (("add", *ACCOUNT), "There is an account named 'Desk' already."),
        (("change", "Desk", "--no-secret", "password"), "servicenow needs"),
        (("change", "Desk", "--for", "cook"), "'cook' is not a valid Duty"),
        (("show", "Nobody"), "There is no vendor account 'Nobody'"),
        (("test", "Nobody"), "There is no vendor account 'Nobody'"),
        (("test", "Desk"), "Desk does not work: "),
        (("change", "Desk", "--secret", "password=@/nowhere/at/all"), "Cannot read /nowhere/at/all"),
    ):
        assert said in warranty.refuses("vendor", *words)
    assert "is not of the form KEY=VALUE" in warranty.refuses("vendor", "change", "Desk", "--option", "x", status=2)
    assert warranty.gives("vendor", "show", "Desk") == made


def test_a_coverage_names_the_account_that_its_claims_go_to(warranty: Shell) -> None:
    account = warranty.gives("vendor", "add", *ACCOUNT)
    asks = ("--secret", "client_id=us", "--secret", "client_secret=them")
    warranty.says("vendor", "add", "dell", "--name", "Asks", "--for", "lookup", *asks)
    warranty.says("client", "add", "Alpha")
    promise = ("--client", "Alpha", "--kind", "third_party_maintenance", "--starts-on", "2024-01-01")

    made = warranty.gives("coverage", "add", "TPM-1", *promise, "--account", "Desk")
    without = warranty.gives("coverage", "change", made["id"], "--account", "none", "--reason", "By hand.")
    again = warranty.gives("coverage", "change", made["id"], "--account", "Desk", "--reason", "They have an API.")

    assert [shown["account"] for shown in (made, without, again)] == [account["id"], None, account["id"]]
    assert "Asks opens no cases" in warranty.refuses("coverage", "add", "TPM-2", *promise, "--account", "Asks")
