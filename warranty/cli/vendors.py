"""``warranty vendor``: accounts at vendors, their secrets encrypted."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from vendors.errors import VendorError
from warranty import db
from warranty.cli.shared import CliProblem, answer, open_runtime
from warranty.domain.access import OPERATOR
from warranty.models import VendorAccount
from warranty.services import accounts, estate, rmas
from warranty.services.estate import Invalid
from warranty.services.moves import Because

if TYPE_CHECKING:
    pass


@click.group()
def vendor() -> None:
    """Add, list and try vendor accounts."""


@vendor.command()
@click.argument("vendor_name", metavar="VENDOR")
@click.option("--name", required=True, help="What the account is called here.")
@click.option("--base-url", help="Replaces scheme, host and port of every endpoint of this vendor.")
@click.option(
    "--secret", "secrets", multiple=True, metavar="KEY=VALUE", help="KEY=@FILE reads a file, KEY=- standard input."
)
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of this vendor; may repeat.")
@click.option(
    "--manufacturer",
    "manufacturers",
    multiple=True,
    help="Whose products it serves; may repeat. Default: the vendor's own.",
)
@click.option("--client", "client_name", help="Serve this client's units only.")
@click.option("--for", "duties", help="lookup, open, track, separated by commas. Default: all that the vendor offers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def add(
    vendor_name: str,
    name: str,
    base_url: str | None,
    secrets: tuple[str, ...],
    options: tuple[str, ...],
    manufacturers: tuple[str, ...],
    client_name: str | None,
    duties: str | None,
    as_json: bool,  # noqa: FBT001 - click passes it by name
) -> None:
    """Add an account at VENDOR. What is missing or unknown is refused by its name."""
    given = dict(_pair(text, may_read=True) for text in secrets)
    with open_runtime() as runtime, runtime.database.begin(db.EVERYBODY) as session:
        try:
            account = accounts.add(
                session,
                runtime,
                vendor=vendor_name,
                name=name,
                secrets=given,
                options=dict(_pair(text, may_read=False) for text in options),
                because=Because(OPERATOR.actor, "added on the command line", datetime.now(UTC)),
                base_url=base_url,
                manufacturers=manufacturers,
                duties=[word.strip() for word in (duties or "").split(",") if word.strip()],
                client=estate.find_client(session, client_name) if client_name else None,
            )
        except Invalid as err:
            raise CliProblem(err.message) from err
        except VendorError as err:
            raise CliProblem(err.detail or str(err)) from err
        answer(_row(account), as_json=as_json)


@vendor.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """List the accounts."""
    with open_runtime() as runtime, runtime.database.read(db.EVERYBODY) as session:
        found = session.scalars(
            select(VendorAccount).options(selectinload(VendorAccount.makers)).order_by(VendorAccount.name)
        )
        answer([_row(account) for account in found], as_json=as_json)


@vendor.command()
@click.argument("name")
def test(name: str) -> None:
    """Make the vendor's cheapest read with account NAME; a success arms what was parked for it."""
    with open_runtime() as runtime:
        with runtime.database.read(db.EVERYBODY) as session:
            account = session.scalars(select(VendorAccount).where(VendorAccount.name == name)).one_or_none()
        if account is None:
            raise CliProblem(f"There is no account named {name!r}; `warranty vendor list` shows them.")
        line = accounts.Line(runtime, account)
        try:
            line.open().check()
        except VendorError as err:
            raise CliProblem(f"{account.vendor} did not accept it: {err.detail or err}") from err
        finally:
            with runtime.database.begin(db.EVERYBODY) as session:
                line.keep_calls(session)
        with runtime.database.begin(db.EVERYBODY) as session:
            because = Because(OPERATOR.actor, f"{name} works again.", db.now(session))
            armed = rmas.go_on(session, account, because)
    click.echo(f"{name} works." + (f" {armed} parked orders go on." if armed else ""))


def _pair(text: str, *, may_read: bool) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise CliProblem(f"{key or 'a value'} is not of the form KEY=VALUE.")
    if may_read and value == "-":
        return key, sys.stdin.read().rstrip("\n")
    if may_read and value.startswith("@"):
        try:
            return key, Path(value[1:]).read_text(encoding="utf-8").rstrip("\n")
        except OSError as err:
            raise CliProblem(f"Cannot read {value[1:]}: {err.strerror}.") from err
    return key, value


def _row(account: VendorAccount) -> dict[str, object]:
    return {
        "id": str(account.public_id),
        "name": account.name,
        "vendor": account.vendor,
        "for": account.duties,
        "manufacturers": [maker.manufacturer for maker in account.makers],
        "base_url": account.base_url,
    }
