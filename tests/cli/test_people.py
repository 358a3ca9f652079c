"""``warranty user`` and ``warranty token``, as a shell calls them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.cli.conftest import Shell, table
from warranty import db
from warranty.services import people

if TYPE_CHECKING:
    from warranty.runtime import Runtime

PASSWORD = "correct horse battery staple"


def test_a_user_gets_a_password_that_is_printed_once(warranty: Shell, runtime: Runtime) -> None:
    answer = warranty("user", "add", "Ada@msp.example", "--role", "technician", "--json")

    assert answer.exit_code == 0, answer.output
    printed = json.loads(answer.output)
    assert set(printed) == {"email", "password"}
    with runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, printed["email"], printed["password"]) is not None


def test_a_password_is_read_from_standard_input_and_not_shown(warranty: Shell, runtime: Runtime) -> None:
    answer = warranty("user", "add", "ada@msp.example", "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")

    assert answer.exit_code == 0, answer.output
    assert PASSWORD not in answer.output
    with runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, "ada@msp.example", PASSWORD) is not None


def test_a_client_role_names_its_client(warranty: Shell, runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session, "Ours GmbH")

    without = warranty("user", "add", "bo@ours.example", "--role", "client_viewer")
    unknown = warranty("user", "add", "bo@ours.example", "--role", "client_viewer", "--client", "Nobody")
    fine = warranty("user", "add", "bo@ours.example", "--role", "client_viewer", "--client", "Ours GmbH")

    assert (without.exit_code, unknown.exit_code, fine.exit_code) == (1, 1, 0)
    assert "needs the client" in without.output
    assert "no client named" in unknown.output
    with runtime.database.read(db.EVERYBODY) as session:
        user = people.find_user(session, "bo@ours.example")
        assert user is not None
        assert user.client_id == client.id


@pytest.mark.parametrize(
    ("words", "stdin", "status", "said"),
    [
        (["--role", "king"], None, 2, "king"),
        ([], None, 2, "--role"),
        (["--role", "admin", "--password-stdin"], "short\n", 1, "12 to 1024 characters"),
        (["--role", "admin", "--password-stdin"], "", 1, "12 to 1024 characters"),
    ],
)
def test_a_user_that_cannot_be_added_is_one_sentence(
    warranty: Shell, words: list[str], stdin: str | None, status: int, said: str
) -> None:
    answer = warranty("user", "add", "ada@msp.example", *words, stdin=stdin)

    assert answer.exit_code == status
    assert said in answer.output
    assert "Traceback" not in answer.output


def test_users_are_listed_shown_changed_and_switched_off(warranty: Shell) -> None:
    warranty.says("client", "add", "Ours GmbH")
    warranty.says("user", "add", "bo@ours.example", "--role", "client_viewer", "--client", "Ours GmbH", "--name", "Bo")
    shown = warranty.gives("user", "show", "BO@ours.example")
    assert (shown["role"], shown["name"], shown["approval_limit_minor"]) == ("client_viewer", "Bo", None)
    raised = ("--role", "client_approver", "--approval-limit-minor", 5_000, "--language", "de", "--reason", "Promoted.")
    changed = warranty.gives("user", "change", "bo@ours.example", *raised)
    assert (changed["role"], changed["approval_limit_minor"], changed["language"]) == ("client_approver", 5_000, "de")
    assert warranty.gives("user", "list", "--client", "Ours GmbH", "--role", "client_approver") == [changed]
    assert warranty.gives("user", "deactivate", "bo@ours.example")["deactivated_at"] is not None
    assert warranty.gives("user", "list") == []
    assert warranty.gives("user", "reactivate", changed["id"][:8]) == changed
    [row] = table(warranty.says("user", "list"))
    assert (row["email"], row["client"]) == ("bo@ours.example", "Ours GmbH")


def test_the_last_administrator_stays(warranty: Shell) -> None:
    warranty.says("user", "add", "ada@msp.example", "--role", "admin")

    for words in (("deactivate",), ("change", "--role", "technician")):
        assert "last administrator" in warranty.refuses("user", words[0], "ada@msp.example", *words[1:])


def test_a_new_password_is_told_unless_it_was_given(warranty: Shell, runtime: Runtime) -> None:
    warranty.says("user", "add", "ada@msp.example", "--role", "admin")
    made = warranty.gives("user", "password", "ada@msp.example")["password"]
    with runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, "ada@msp.example", made) is not None

    given = warranty.gives("user", "password", "ada@msp.example", "--password-stdin", stdin=f"{PASSWORD}\n")

    assert given == {"email": "ada@msp.example"}
    with runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, "ada@msp.example", PASSWORD) is not None


def test_a_token_is_made_listed_and_revoked(warranty: Shell, runtime: Runtime) -> None:
    warranty.says("user", "add", "ada@msp.example", "--role", "technician")
    printed = warranty.gives("token", "add", "--user", "ada@msp.example", "--scope", "read", "--scope", "write")
    assert set(printed) == {"id", "token"}
    read = people.read_token(printed["token"])
    assert read is not None

    listed = warranty("token", "list", "--json")
    revoked = warranty.gives("token", "revoke", printed["id"][:8], "--reason", "It leaked.")

    [row] = json.loads(listed.stdout)
    assert (row["id"], row["scopes"], row["revoked_at"]) == (printed["id"], ["read", "write"], None)
    assert row["user"] == warranty.gives("user", "show", "ada@msp.example")["id"]
    assert printed["token"].split("_", 2)[2] not in listed.stdout
    assert revoked == row | {"revoked_at": revoked["revoked_at"]}
    with runtime.database.read(db.EVERYBODY) as session:
        assert people.check_token(session, read) is None
    assert warranty.gives("token", "list") == []
    assert warranty.gives("token", "list", "--revoked", "--user", "ada@msp.example") == [revoked]


def test_a_token_may_end_and_may_see_one_client_only(warranty: Shell) -> None:
    warranty.says("user", "add", "ada@msp.example", "--role", "technician")
    client = warranty.gives("client", "add", "Ours GmbH")
    last = date.today() + timedelta(days=30)  # noqa: DTZ011 - any day to come
    facts = ("--name", "RMM", "--client", "Ours GmbH", "--expires-on", last)

    made = warranty.gives("token", "add", "--user", "ada@msp.example", "--scope", "read", *facts)

    shown = warranty.gives("token", "show", made["id"])
    assert (shown["name"], shown["client"]) == ("RMM", client["id"])
    assert shown["expires_at"] == f"{last + timedelta(days=1)}T00:00:00+00:00"
    over = ("token", "add", "--user", "ada@msp.example", "--scope", "read", "--expires-on", "2020-01-01")
    assert "This time has passed." in warranty.refuses(*over)


def test_a_token_is_somebodys(warranty: Shell) -> None:
    said = warranty.refuses("token", "add", "--user", "nobody@msp.example", "--scope", "read")

    assert "There is no user 'nobody@msp.example'" in said


@pytest.mark.parametrize("named", ["00000000-0000-4000-8000-000000000000", "17", "%", ""])
def test_a_token_that_is_not_there_cannot_be_revoked(warranty: Shell, named: str) -> None:
    assert "There is no token" in warranty.refuses("token", "revoke", named)
