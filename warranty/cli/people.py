"""``warranty user`` and ``warranty token``: who may sign in, and which programs may call."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import click

from warranty import db
from warranty.cli.shared import CliProblem, answer, open_runtime
from warranty.domain.access import OPERATOR, TokenScope
from warranty.domain.terms import Role
from warranty.services import estate, people
from warranty.services.moves import Because

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ROLES = click.Choice([role.value for role in Role])
SCOPES = click.Choice([scope.value for scope in TokenScope])
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextmanager
def _changing() -> Iterator[Session]:
    """A transaction on the database; what a service refuses is said in its own sentence, and nothing is kept."""
    try:
        with open_runtime() as runtime, runtime.database.begin(db.EVERYBODY) as session:
            yield session
    except estate.Invalid as err:
        raise CliProblem(err.message) from err


@click.group()
def user() -> None:
    """Add people who sign in."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=ROLES, required=True, help="What this person may do.")
@click.option("--client", "client_name", help="Whose cases a client role sees.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; without it one is made.")
@as_json
def add_user(email: str, role: str, client_name: str | None, *, password_stdin: bool, as_json: bool) -> None:
    """Add a user; a password that is made is printed once."""
    password = _read_password() if password_stdin else people.make_password()
    with _changing() as session:
        added = people.add_user(
            session,
            email=email,
            role=Role(role),
            password=password,
            client=estate.find_client(session, client_name) if client_name else None,
            because=Because(OPERATOR.actor, "added on the command line", datetime.now(UTC)),
        )
        shown = {"email": added.email, "password": password}
    if password_stdin and not as_json:
        del shown["password"]  # whoever gave it knows it
    answer(shown, as_json=as_json)


@user.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; without it one is made.")
@as_json
def set_password(email: str, *, password_stdin: bool, as_json: bool) -> None:
    """Give a user a new password; every session of theirs ends."""
    password = _read_password() if password_stdin else people.make_password()
    with _changing() as session:
        found = people.find_user(session, email)
        if found is None:
            raise CliProblem(f"There is no user {email}: add one with `warranty user add`.")
        because = Because(OPERATOR.actor, "set on the command line", datetime.now(UTC))
        people.set_password(session, found, password, because=because)
    answer({"email": email} if password_stdin else {"email": email, "password": password}, as_json=as_json)


def _read_password() -> str:
    """The first line of standard input, without its end."""
    return sys.stdin.readline().rstrip("\r\n")


@click.group()
def token() -> None:
    """Make and revoke the tokens that programs call with."""


@token.command("add")
@click.option("--user", "email", required=True, help="Whose rights the token has, at most.")
@click.option("--scope", "scopes", type=SCOPES, multiple=True, required=True, help="May repeat.")
@as_json
def add_token(email: str, scopes: tuple[str, ...], *, as_json: bool) -> None:
    """Make a token; it is printed once and kept nowhere."""
    with _changing() as session:
        owner = people.find_user(session, email)
        if owner is None:
            raise CliProblem(f"There is no user {email}: add one with `warranty user add`.")
        because = Because(OPERATOR.actor, "made on the command line", datetime.now(UTC))
        made = people.add_token(session, owner, [TokenScope(scope) for scope in scopes], because=because)
    answer({"id": str(made.id), "token": made.token}, as_json=as_json)


@token.command("list")
@as_json
def list_tokens(*, as_json: bool) -> None:
    """List every token with its user; secrets are not kept and so not shown."""
    with open_runtime() as runtime, runtime.database.read(db.EVERYBODY) as session:
        rows = [
            {
                "id": str(made.public_id),
                "user": owner.email,
                "scopes": made.scopes,
                "created_at": made.created_at.isoformat(),
                "revoked_at": made.revoked_at.isoformat() if made.revoked_at else None,
            }
            for made, owner in people.list_tokens(session)
        ]
    answer(rows, as_json=as_json)


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=click.UUID)
@as_json
def revoke_token(token_id: UUID, *, as_json: bool) -> None:
    """Revoke a token: from now on it is answered with 401."""
    with _changing() as session:
        ended = people.find_token(session, token_id)
        because = Because(OPERATOR.actor, "revoked on the command line", datetime.now(UTC))
        people.revoke_token(session, ended, because=because)
        assert ended.revoked_at is not None  # just set, or before
        shown = {"id": str(ended.public_id), "revoked_at": ended.revoked_at.isoformat()}
    answer(shown, as_json=as_json)
