"""``warranty user`` and ``warranty token``: who may sign in, and which programs may call."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import click

from warranty.cli.desk import OF_CLIENT, client_option, listing, print_list, reading, writing
from warranty.cli.places import SURE, reason_option
from warranty.cli.shared import CliProblem, Day, answer, given, json_option, word
from warranty.domain.access import TokenScope
from warranty.domain.terms import Role
from warranty.languages import LANGUAGES
from warranty.models import ApiToken, User
from warranty.services import erasure, people, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

STDIN = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; without it one is made."
)
LANGUAGE = click.option("--language", type=click.Choice(list(LANGUAGES)), help="Of pages and mails.")
LIMIT = click.option("--approval-limit-minor", type=click.IntRange(0), help="What an approver may approve, in cents.")


@click.group()
def user() -> None:
    """Add, list, show and change people who sign in."""


@user.command("add")
@click.argument("email")
@word("--role", words=Role, required=True, about="What this person may do.")
@client_option("Whose cases a client role sees.")
@click.option("--name", default="", help="Their name.")
@LANGUAGE
@LIMIT
@STDIN
@json_option
def add_user(
    email: str, role: Role, client_name: str | None, *, password_stdin: bool, as_json: bool, **facts: Any
) -> None:
    """Add a user; a password that is made is printed once."""
    password = _read_password() if password_stdin else people.make_password()
    with writing("added on the command line") as desk:
        added = people.add_user(
            desk.session,
            email=email,
            role=role,
            password=password,
            client=desk.client(client_name) if client_name else None,
            because=desk.because,
            **facts,
        )
        shown = {"email": added.email, "password": password}
    if password_stdin and not as_json:
        del shown["password"]  # whoever gave it knows it
    answer(shown, as_json=as_json)


@user.command("list")
@OF_CLIENT
@word("--role", words=Role, about="With this role only.")
@click.option("--deactivated", is_flag=True, help="Those who are switched off too.")
@listing
def list_users(client_name: str | None, role: Role | None, *, deactivated: bool, **how: Any) -> None:
    """List the users, the newest first."""
    where: list[ColumnElement[bool]] = [] if deactivated else [User.deactivated_at.is_(None)]
    if role is not None:
        where.append(User.role == role)
    columns = "id email role client"
    print_list(lambda _: records.USERS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@user.command("show")
@click.argument("named", metavar="EMAIL")
@json_option
def show_user(named: str, *, as_json: bool) -> None:
    """Show a user, by mail address or id."""
    with reading() as desk:
        shown = desk.document(records.USERS, desk.user(named))
    shown.print(as_json=as_json)


@user.command("change")
@click.argument("named", metavar="EMAIL")
@word("--role", words=Role, about="What this person may do.")
@client_option("Whose cases a client role sees.")
@click.option("--name", help="Their name.")
@LANGUAGE
@LIMIT
@reason_option
@json_option
def change_user(named: str, client_name: str | None, reason: str, *, as_json: bool, **facts: Any) -> None:
    """Change a user; what they may do changes with their next request."""
    new = given(facts | {"client": client_name})
    with writing(reason) as desk:
        if client_name is not None:
            new["client"] = desk.client(client_name)
        row = desk.user(named)
        people.change_user(desk.session, row, because=desk.because, **new)
        shown = desk.document(records.USERS, row)
    shown.print(as_json=as_json)


@user.command("deactivate")
@click.argument("named", metavar="EMAIL")
@reason_option
@json_option
def deactivate_user(named: str, reason: str, *, as_json: bool) -> None:
    """Switch a user off: sessions end, and password and tokens open nothing any more."""
    with writing(reason) as desk:
        row = desk.user(named)
        people.deactivate(desk.session, row, because=desk.because)
        shown = desk.document(records.USERS, row)
    shown.print(as_json=as_json)


@user.command("erase")
@click.argument("named", metavar="EMAIL")
@reason_option
@SURE
@json_option
def erase_user(named: str, reason: str, *, as_json: bool) -> None:
    """Take a user's name and mail address out, for ever; registers keep the pseudonym."""
    with writing(reason) as desk:
        row = desk.user(named)
        erasure.erase_user(desk.session, row, because=desk.because)
        shown = desk.document(records.USERS, row)
    shown.print(as_json=as_json)


@user.command("reactivate")
@click.argument("named", metavar="EMAIL")
@reason_option
@json_option
def reactivate_user(named: str, reason: str, *, as_json: bool) -> None:
    """Let a user in again, with the password and the tokens from before."""
    with writing(reason) as desk:
        row = desk.user(named)
        people.reactivate(desk.session, row, because=desk.because)
        shown = desk.document(records.USERS, row)
    shown.print(as_json=as_json)


@user.command("password")
@click.argument("email")
@STDIN
@json_option
def set_password(email: str, *, password_stdin: bool, as_json: bool) -> None:
    """Give a user a new password; every session of theirs ends."""
    password = _read_password() if password_stdin else people.make_password()
    with writing("set on the command line") as desk:
        people.set_password(desk.session, desk.user(email), password, because=desk.because)
    answer({"email": email} if password_stdin else {"email": email, "password": password}, as_json=as_json)


def _read_password() -> str:
    """The first line of standard input, without its end."""
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError as err:
        raise CliProblem("The password on standard input is no text in this terminal's encoding.") from err


# --- tokens ---


@click.group()
def token() -> None:
    """Make, list and revoke the tokens that programs call with."""


@token.command("add")
@click.option("--user", "email", required=True, help="Whose rights the token has, at most; by mail address or id.")
@word("--scope", "scopes", words=TokenScope, multiple=True, required=True, about="For what; may repeat.")
@click.option("--name", default="", help="What it is for.")
@client_option("It sees the records of this client only.")
@click.option("--expires-on", type=Day(), help="The last day (UTC) that it is good for. Default: no end.")
@json_option
def add_token(
    email: str,
    scopes: Sequence[TokenScope],
    name: str,
    client_name: str | None,
    expires_on: date | None,
    *,
    as_json: bool,
) -> None:
    """Make a token; it is printed once and kept nowhere."""
    with writing("made on the command line") as desk:
        made = people.add_token(
            desk.session,
            desk.user(email),
            scopes,
            because=desk.because,
            name=name,
            client=None if client_name is None else desk.client(client_name),
            expires_at=None if expires_on is None else _end_of(expires_on),
        )
    answer({"id": str(made.id), "token": made.token}, as_json=as_json)


def _end_of(day: date) -> datetime:
    try:
        return datetime.combine(day + timedelta(days=1), time.min, UTC)
    except OverflowError as err:
        raise CliProblem("That is the last day there is: leave --expires-on out.") from err


@token.command("list")
@click.option("--user", "email", help="Of this user only.")
@click.option("--revoked", is_flag=True, help="Those that are revoked too.")
@listing
def list_tokens(email: str | None, *, revoked: bool, **how: Any) -> None:
    """List the tokens, the newest first; secrets are not kept and so not shown."""
    alive = [] if revoked else [ApiToken.revoked_at.is_(None)]
    print_list(
        lambda _: records.TOKENS,
        lambda desk: [*alive, *([] if email is None else [User.id == desk.user(email).id])],
        "id user scopes name client expires_at",
        **how,
    )


@token.command("show")
@click.argument("named", metavar="ID")
@json_option
def show_token(named: str, *, as_json: bool) -> None:
    """Show a token, without its secret."""
    with reading() as desk:
        shown = desk.document(records.TOKENS, desk.find(ApiToken, named))
    shown.print(as_json=as_json)


@token.command("revoke")
@click.argument("named", metavar="ID")
@click.option("--reason", default="revoked on the command line", show_default=True, help="Why; it is kept.")
@json_option
def revoke_token(named: str, reason: str, *, as_json: bool) -> None:
    """Revoke a token: from now on it is answered with 401."""
    with writing(reason) as desk:
        row = desk.find(ApiToken, named)
        people.revoke_token(desk.session, row, because=desk.because)
        shown = desk.document(records.TOKENS, row)
    shown.print(as_json=as_json)
