"""``warranty user`` and ``warranty token``, as a shell calls them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from tests import factories
from warranty import db
from warranty.cli import main
from warranty.services import people

if TYPE_CHECKING:
    from warranty.runtime import Runtime

PASSWORD = "correct horse battery staple"


@pytest.fixture
def run(environment: dict[str, str], runtime: Runtime) -> Any:
    def command(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, words, input=stdin, env=environment)

    return command


def test_a_user_gets_a_password_that_is_printed_once(run: Any, runtime: Runtime) -> None:
    answer = run("user", "add", "Ada@msp.example", "--role", "technician", "--json")

    assert answer.exit_code == 0, answer.output
    printed = json.loads(answer.output)
    assert set(printed) == {"email", "password"}
    with runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, printed["email"], printed["password"]) is not None


def test_a_password_is_read_from_standard_input_and_not_shown(run: Any, runtime: Runtime) -> None:
    answer = run("user", "add", "ada@msp.example", "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")

    assert answer.exit_code == 0, answer.output
    assert PASSWORD not in answer.output
    with runtime.database.read(db.EVERYBODY) as session:
        assert people.check_password(session, "ada@msp.example", PASSWORD) is not None


def test_a_client_role_names_its_client(run: Any, runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session, "Ours GmbH")

    without = run("user", "add", "bo@ours.example", "--role", "client_viewer")
    unknown = run("user", "add", "bo@ours.example", "--role", "client_viewer", "--client", "Nobody")
    fine = run("user", "add", "bo@ours.example", "--role", "client_viewer", "--client", "Ours GmbH")

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
    run: Any, words: list[str], stdin: str | None, status: int, said: str
) -> None:
    answer = run("user", "add", "ada@msp.example", *words, stdin=stdin)

    assert answer.exit_code == status
    assert said in answer.output
    assert "Traceback" not in answer.output


def test_a_token_is_made_listed_and_revoked(run: Any, runtime: Runtime) -> None:
    run("user", "add", "ada@msp.example", "--role", "technician", "--password-stdin", stdin=f"{PASSWORD}\n")
    made = run("token", "add", "--user", "ada@msp.example", "--scope", "read", "--scope", "write", "--json")
    printed = json.loads(made.output)
    assert set(printed) == {"id", "token"}
    read = people.read_token(printed["token"])
    assert read is not None

    listed = run("token", "list", "--json")
    revoked = run("token", "revoke", printed["id"], "--json")

    [row] = json.loads(listed.output)
    assert (row["id"], row["user"], row["scopes"]) == (printed["id"], "ada@msp.example", ["read", "write"])
    assert row["revoked_at"] is None
    assert printed["token"].split("_", 2)[2] not in listed.output
    assert json.loads(revoked.output)["id"] == printed["id"]
    with runtime.database.read(db.EVERYBODY) as session:
        assert people.check_token(session, read) is None
    assert json.loads(run("token", "list", "--json").output)[0]["revoked_at"] is not None


def test_a_token_is_somebodys(run: Any) -> None:
    answer = run("token", "add", "--user", "nobody@msp.example", "--scope", "read")

    assert answer.exit_code == 1
    assert "warranty user add" in answer.output


def test_a_token_that_is_not_there_cannot_be_revoked(run: Any) -> None:
    answer = run("token", "revoke", "00000000-0000-4000-8000-000000000000")

    assert answer.exit_code == 1
    assert "There is no token" in answer.output
    assert run("token", "revoke", "17").exit_code == 2
