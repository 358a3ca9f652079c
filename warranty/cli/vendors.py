"""``warranty vendor``: accounts at vendors, their secrets encrypted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from vendors.errors import VendorError
from warranty import db
from warranty.cli.desk import client_option, listing, print_list, reading, writing
from warranty.cli.places import reason_option
from warranty.cli.shared import CliProblem, OrNone, answer, given, json_option, open_runtime
from warranty.domain.access import OPERATOR
from warranty.services import accounts, records, rmas
from warranty.services.moves import Because

SECRET = click.option(
    "--secret", "secrets", multiple=True, metavar="KEY=VALUE", help="KEY=@FILE reads a file, KEY=- standard input."
)
OPTION = click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of this vendor; may repeat."
)
DUTIES = click.option(
    "--for", "duties", help="lookup, open, track, separated by commas. Default: all that the vendor offers."
)


@click.group()
def vendor() -> None:
    """Add, change, try and switch off vendor accounts."""


@vendor.command("add")
@click.argument("vendor_name", metavar="VENDOR")
@click.option("--name", required=True, help="What the account is called here.")
@click.option("--base-url", help="Replaces scheme, host and port of every endpoint of this vendor.")
@SECRET
@OPTION
@click.option(
    "--manufacturer",
    "manufacturers",
    multiple=True,
    help="Whose products it serves; may repeat. Default: the vendor's own.",
)
@client_option("Serve this client's units only.")
@DUTIES
@json_option
def add(
    vendor_name: str,
    secrets: tuple[str, ...],
    options: tuple[str, ...],
    client_name: str | None,
    duties: str | None,
    *,
    as_json: bool,
    **facts: Any,
) -> None:
    """Add an account at VENDOR. What is missing or unknown is refused by its name.

    Claims that waited for an account are sent.
    """
    hidden, open_ = _pairs(secrets, may_read=True), _pairs(options, may_read=False)
    with writing("added on the command line") as desk:
        account = accounts.add(
            desk.session,
            desk.runtime,
            vendor=vendor_name,
            secrets=hidden,
            options=open_,
            because=desk.because,
            duties=_words(duties),
            client=None if client_name is None else desk.client(client_name),
            **facts,
        )
        rmas.go_on(desk.session, account, desk.because)
        shown = desk.document(records.accounts(desk.runtime.box), account)
    shown.print(as_json=as_json)


@vendor.command("list")
@listing
def list_accounts(**how: Any) -> None:
    """List the accounts, the newest first, and how their vendors are heard."""
    print_list(
        lambda runtime: records.accounts(runtime.box, tracking=True),
        lambda _: [],
        "id name vendor duties client switched_off_at opens_held_since "
        "tracking.heard_at tracking.unapplied tracking.pushes_refused",
        **how,
    )


@vendor.command("show")
@click.argument("named", metavar="NAME")
@json_option
def show(named: str, *, as_json: bool) -> None:
    """Show an account, by its name or id, with the names of its secrets."""
    with reading() as desk:
        shown = desk.document(records.accounts(desk.runtime.box), desk.account(named))
    shown.print(as_json=as_json)


@vendor.command("change")
@click.argument("named", metavar="NAME")
@click.option("--name", help="What the account is called here.")
@click.option("--base-url", type=OrNone(click.STRING), help="Replaces scheme, host and port of its endpoints, or none.")
@SECRET
@click.option("--no-secret", "no_secrets", multiple=True, metavar="KEY", help="Take this secret out; may repeat.")
@OPTION
@click.option("--no-option", "no_options", multiple=True, metavar="KEY", help="Take this option out; may repeat.")
@click.option("--manufacturer", "manufacturers", multiple=True, help="Whose products it serves now; may repeat.")
@DUTIES
@reason_option
@json_option
def change(named: str, reason: str, *, as_json: bool, **facts: Any) -> None:
    """Change an account and try it anew; what is not named stays. What was parked for the account goes on."""
    new = given(facts)
    for name, may_read in (("secrets", True), ("options", False)):
        wanted = dict.fromkeys(new.pop(f"no_{name}", ())) | _pairs(new.pop(name, ()), may_read=may_read)
        if wanted:
            new[name] = wanted
    if "duties" in new:
        new["duties"] = _words(new["duties"])
    with writing(reason) as desk:
        account = desk.hold(desk.account(named))
        accounts.change(desk.session, desk.runtime, account, because=desk.because, **new)
        rmas.go_on(desk.session, account, desk.because)
        shown = desk.document(records.accounts(desk.runtime.box), account)
    shown.print(as_json=as_json)


@vendor.command("switch-off")
@click.argument("named", metavar="NAME")
@click.option("--reason", required=True, help="Why; it stands in the register.")
@json_option
def switch_off(named: str, reason: str, *, as_json: bool) -> None:
    """Let an account make no call any more; claims that it had to send wait for a person."""
    with writing(reason) as desk:
        account = desk.hold(desk.account(named))
        accounts.switch_off(desk.session, account, because=desk.because)
        shown = desk.document(records.accounts(desk.runtime.box), account)
    shown.print(as_json=as_json)


@vendor.command("switch-on")
@click.argument("named", metavar="NAME")
@click.option("--reason", required=True, help="Why; it stands in the register.")
@json_option
def switch_on(named: str, reason: str, *, as_json: bool) -> None:
    """Let it call again; what was parked for it goes on."""
    with writing(reason) as desk:
        account = desk.hold(desk.account(named))
        accounts.switch_on(desk.session, account, because=desk.because)
        rmas.go_on(desk.session, account, desk.because)
        shown = desk.document(records.accounts(desk.runtime.box), account)
    shown.print(as_json=as_json)


@vendor.command("release")
@click.argument("named", metavar="NAME")
@click.option("--reason", required=True, help="What you have looked at there; it stands in the register.")
@json_option
def release(named: str, reason: str, *, as_json: bool) -> None:
    """Let an account open cases again that a restore holds: you have looked at the vendor what it was told since."""
    with writing(reason) as desk:
        account = desk.hold(desk.account(named))
        accounts.release(desk.session, account, because=desk.because)
        shown = desk.document(records.accounts(desk.runtime.box), account)
    shown.print(as_json=as_json)


@vendor.command("test")
@click.argument("named", metavar="NAME")
@json_option
def test(named: str, *, as_json: bool) -> None:
    """Make the vendor's cheapest read with account NAME; a success arms what was parked for it."""
    with reading() as desk:
        account = desk.account(named)
    with open_runtime() as runtime:  # no transaction waits for the vendor
        line = accounts.Line(runtime, account)
        try:
            line.open().check()
        except VendorError as err:
            raise CliProblem(f"{account.name} does not work: {err.detail or err}") from err
        finally:
            with runtime.database.begin(db.EVERYBODY) as session:
                line.keep_calls(session)
        with runtime.database.begin(db.EVERYBODY) as session:
            because = Because(OPERATOR.actor, f"{account.name} works again.", db.now(session))
            armed = rmas.go_on(session, account, because)
    if as_json:
        answer({"name": account.name, "works": True, "goes_on": armed}, as_json=True)
    else:
        click.echo(f"{account.name} works." + (f" {armed} parked orders go on." if armed else ""))


def _words(duties: str | None) -> list[str]:
    return [word.strip() for word in (duties or "").split(",") if word.strip()]


def _pairs(texts: tuple[str, ...], *, may_read: bool) -> dict[str, str]:
    return dict(_pair(text, may_read=may_read) for text in texts)


def _pair(text: str, *, may_read: bool) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f"{key or 'a value'} is not of the form KEY=VALUE.")
    if may_read and value == "-":
        return key, sys.stdin.read().rstrip("\n")
    if may_read and value.startswith("@"):
        try:
            return key, Path(value[1:]).read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as err:
            said = err.strerror if isinstance(err, OSError) else "it is no text"
            raise CliProblem(f"Cannot read {value[1:]}: {said}.") from err
    return key, value
