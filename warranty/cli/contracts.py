"""``warranty contract`` and ``coverage``: the papers, and what they promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from warranty.cli.desk import OF_CLIENT, Desk, client_option, listing, print_list, reading, writing
from warranty.cli.places import ADDED, reason_option
from warranty.cli.shared import Day, OrNone, Word, given, json_option, word
from warranty.domain.terms import (
    Cause,
    Component,
    CoverageKind,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    ServiceLevel,
    Share,
)
from warranty.models import Asset, Client, Contract, Coverage, Site
from warranty.services import estate, records, rmas
from warranty.services.casefile import HOME_ZONE
from warranty.services.estate import Invalid
from warranty.services.importing.contracts import FULFILMENT_OF

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from warranty.models import Product


# --- papers ---


@click.group()
def contract() -> None:
    """Add, list, show and change contracts; what they promise are their coverages."""


@contract.command("add")
@click.argument("number")
@client_option("Whose contract it is.", required=True)
@click.option("--name", default="", help="What it is called.")
@json_option
def contract_add(number: str, client_name: str, name: str, *, as_json: bool) -> None:
    """Add the contract of this NUMBER; `warranty coverage add` says what it promises."""
    with writing(ADDED) as desk:
        owner = desk.client(client_name)
        row = estate.add_contract(desk.session, owner, number=number, name=name, because=desk.because)
        shown = desk.document(records.CONTRACTS, row)
    shown.print(as_json=as_json)


@contract.command("list")
@OF_CLIENT
@click.option("--query", "-q", help="Those with this in their number or name.")
@listing
def contract_list(client_name: str | None, query: str | None, **how: Any) -> None:
    """List the contracts, the newest first."""
    where: list[ColumnElement[bool]] = []
    if query is not None:
        where.append(
            Contract.number.icontains(query, autoescape=True) | Contract.name.icontains(query, autoescape=True)
        )
    columns = "id number name client"
    print_list(lambda _: records.CONTRACTS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@contract.command("show")
@click.argument("named", metavar="CONTRACT")
@client_option("Whose contract it is, where several have one of this number.")
@json_option
def contract_show(named: str, client_name: str | None, *, as_json: bool) -> None:
    """Show a contract, by its number or id."""
    with reading() as desk:
        shown = desk.document(records.CONTRACTS, _contract(desk, named, client_name))
    shown.print(as_json=as_json)


@contract.command("change")
@click.argument("named", metavar="CONTRACT")
@client_option("Whose contract it is, where several have one of this number.")
@click.option("--number", help="What stands on it.")
@click.option("--name", help="What it is called.")
@reason_option
@json_option
def contract_change(named: str, client_name: str | None, reason: str, *, as_json: bool, **facts: Any) -> None:
    """Change what a contract is called."""
    new = given(facts)
    with writing(reason) as desk:
        row = desk.hold(_contract(desk, named, client_name))
        estate.correct_contract(desk.session, row, because=desk.because, **new)
        shown = desk.document(records.CONTRACTS, row)
    shown.print(as_json=as_json)


def _contract(desk: Desk, said: str, client_name: str | None) -> Contract:
    is_numbered: ColumnElement[bool] = Contract.number == " ".join(said.split())
    if client_name is not None:
        is_numbered &= Contract.client_id == desk.client(client_name).id
    return desk.find(Contract, said, is_numbered)


# --- promises ---


@click.group()
def coverage() -> None:
    """Add, list, show and change what contracts promise."""


@coverage.command("add")
@click.argument("number")
@client_option("Whose contract it is.", required=True)
@click.option("--name", default="", help="What it is called.")
@word("--kind", words=CoverageKind, required=True, about="What kind of promise it is.")
@word("--fulfilment", words=Fulfilment, about="Who honours it. Default: as its kind says.")
@click.option("--serial", "serial_number", help="It covers this unit.")
@click.option("--product", help="It covers the client's units of this model (with --manufacturer).")
@click.option("--manufacturer", help="Whose model it is.")
@click.option(
    "--site", "site_name", help="It covers the units of this site. With none of the three: all of the client."
)
@click.option("--starts-on", type=Day(), required=True, help="The first day, inclusive.")
@click.option("--ends-on", type=Day(), help="The last day, inclusive. Default: no end.")
@click.option("--time-zone", help="Of these days. Default: that of the site, else UTC.")
@word("--covers", words=Share, multiple=True, default=("parts",), show_default=True, about="What; may repeat.")
@word("--excluded-cause", "excluded_causes", words=Cause, multiple=True, about="Not this; may repeat.")
@word("--excluded-component", "excluded_components", words=Component, multiple=True, about="Not this; may repeat.")
@word("--service-level", words=ServiceLevel, default="unknown", show_default=True, about="How fast.")
@word("--delivery", words=Delivery, default="unknown", show_default=True, about="How the replacement comes.")
@word("--state", words=CoverageState, default="active", show_default=True, about="Whether it counts.")
@click.option("--grace-days", type=int, default=0, help="How long after the end it may still be renewed.")
@click.option("--grace-is-covered", is_flag=True, help="Faults within those days are covered.")
@click.option("--waiting-days", type=int, default=0, help="How long after the start it does not count yet.")
@click.option("--claims-after-end-days", type=int, default=0, help="How late a fault may be reported.")
@click.option("--claims-limit", type=int, help="How many claims at most. Default: any number.")
@click.option("--account", help="The vendor account that its claims go to. Default: that of the maker.")
@json_option
def coverage_add(number: str, client_name: str, account: str | None, *, as_json: bool, **options: Any) -> None:
    """Add a promise to contract NUMBER, and the contract where it is new."""
    targets = {name: options.pop(name) for name in ("serial_number", "product", "manufacturer", "site_name")}
    with writing(ADDED) as desk:
        owner = desk.client(client_name)
        scope = _scope(desk, owner, targets)
        paper = estate.find_contract(desk.session, owner, number)
        row = estate.add_coverage(
            desk.session,
            scope,
            client=owner,
            contract=paper or estate.add_contract(desk.session, owner, number=number, because=desk.because),
            contract_number=number,
            account=None if account is None else desk.account(account),
            evidence_source=EvidenceSource.CONTRACT_FILE,
            because=desk.because,
            **options
            | {
                "fulfilment": options["fulfilment"] or FULFILMENT_OF[options["kind"]],
                "time_zone": options["time_zone"] or _zone(desk, scope),
            },
        )
        shown = desk.document(records.COVERAGES, row)
    shown.print(as_json=as_json)


def _scope(desk: Desk, owner: Client, targets: dict[str, Any]) -> Asset | Product | Site | Client:
    named = [word for word in ("serial_number", "product", "site_name") if targets[word] is not None]
    if len(named) > 1:
        raise Invalid("scope", "A coverage is for one thing: give one of --serial, --product and --site.")
    if targets["serial_number"] is not None:
        return desk.unit(targets["serial_number"], owner)
    if targets["site_name"] is not None:
        return desk.site(targets["site_name"], owner)
    if targets["product"] is not None:
        if targets["manufacturer"] is None:
            raise Invalid("manufacturer", "Say whose model it is with --manufacturer.")
        return estate.find_product(desk.session, manufacturer=targets["manufacturer"], model=targets["product"])
    return owner


def _zone(desk: Desk, scope: Asset | Product | Site | Client) -> str:
    site_id = scope.site_id if isinstance(scope, Asset) else scope.id if isinstance(scope, Site) else None
    return HOME_ZONE if site_id is None else desk.session.get_one(Site, site_id).time_zone


@coverage.command("list")
@OF_CLIENT
@click.option("--contract", "number", help="Of the contract of this number only.")
@word("--kind", words=CoverageKind, about="Of this kind only.")
@word("--state", words=CoverageState, about="In this state only.")
@click.option("--ends-before", type=Day(), help="Those that end before this day.")
@listing
def coverage_list(client_name: str | None, number: str | None, **options: Any) -> None:
    """List what contracts promise, the newest first."""
    facts = {Coverage.kind: options.pop("kind"), Coverage.state: options.pop("state"), Coverage.contract_number: number}
    where: list[ColumnElement[bool]] = [column == value for column, value in facts.items() if value is not None]
    ends_before = options.pop("ends_before")
    if ends_before is not None:
        where.append(Coverage.ends_on < ends_before)
    columns = "id contract_number client kind ends_on state"
    print_list(lambda _: records.COVERAGES, lambda desk: [*where, *desk.of_client(client_name)], columns, **options)


@coverage.command("show")
@click.argument("named", metavar="ID")
@json_option
def coverage_show(named: str, *, as_json: bool) -> None:
    """Show one promise."""
    with reading() as desk:
        shown = desk.document(records.COVERAGES, desk.find(Coverage, named))
    shown.print(as_json=as_json)


@coverage.command("change")
@click.argument("named", metavar="ID")
@click.option("--name", help="What it is called.")
@word("--kind", words=CoverageKind, about="What kind of promise it is.")
@word("--fulfilment", words=Fulfilment, about="Who honours it.")
@click.option("--starts-on", type=Day(), help="The first day, inclusive.")
@click.option("--ends-on", type=OrNone(Day()), help="The last day, inclusive, or none.")
@click.option("--time-zone", help="Of these days.")
@word("--covers", words=Share, multiple=True, about="What; may repeat, and replaces what was.")
@click.option(
    "--excluded-cause",
    "excluded_causes",
    type=OrNone(Word(Cause)),
    multiple=True,
    help=f"Not this; may repeat, and replaces what was. One of none, {', '.join(Cause)}.",
)
@click.option(
    "--excluded-component",
    "excluded_components",
    type=OrNone(Word(Component)),
    multiple=True,
    help=f"Not this; may repeat, and replaces what was. One of none, {', '.join(Component)}.",
)
@word("--service-level", words=ServiceLevel, about="How fast.")
@word("--delivery", words=Delivery, about="How the replacement comes.")
@word("--state", words=CoverageState, about="Whether it counts.")
@click.option("--grace-days", type=int, help="How long after the end it may still be renewed.")
@click.option(
    "--grace-is-covered/--grace-is-not-covered", default=None, help="Whether faults within those days are covered."
)
@click.option("--waiting-days", type=int, help="How long after the start it does not count yet.")
@click.option("--claims-after-end-days", type=int, help="How late a fault may be reported.")
@click.option("--claims-limit", type=OrNone(click.INT), help="How many claims at most, or none.")
@click.option("--claims-used", type=int, help="How many there were, running ones included.")
@click.option("--account", type=OrNone(click.STRING), help="The vendor account that its claims go to, or none.")
@reason_option
@json_option
def coverage_change(named: str, reason: str, *, as_json: bool, **facts: Any) -> None:
    """Change a promise; no verdict changes by it. Another scope is another promise: cancel this one, and add that."""
    new = given(facts)
    with writing(reason) as desk:
        row = desk.hold(desk.find(Coverage, named))
        account = new.get("account") and desk.account(new["account"])
        if account:
            new["account"] = account
        estate.correct_coverage(desk.session, row, because=desk.because, **new)
        if account:
            rmas.go_on(desk.session, account, desk.because)
        shown = desk.document(records.COVERAGES, row)
    shown.print(as_json=as_json)
