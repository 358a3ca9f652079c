"""``warranty returns``: defective units that go back to their vendors, and what they cost."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from warranty import db, languages
from warranty.cli.desk import OF_CLIENT, Desk, listing, print_list, reading, writing
from warranty.cli.shared import CliProblem, Day, json_option, to_json, word
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import ShipmentDirection, ShipmentState
from warranty.domain.returns import Blame, CostKind, Holder
from warranty.domain.terms import Party
from warranty.languages import Reader
from warranty.models import CaseCost, File, Person, Shipment
from warranty.services import records, shipments, slips
from warranty.services import returns as service
from warranty.services.casefile import HOME_ZONE
from warranty.services.returns import PAYERS, Certificate, Cost, Plan
from warranty.services.shipments import Parcel

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

REASON = click.option("--reason", required=True, help="Why; it stands in the register.")
PARCEL = click.argument("named", metavar="RETURN")


@click.group()
def returns() -> None:
    """Follow defective units that go back, and what they cost.

    A RETURN is named by its case, its claim or its id.
    """


@returns.command("list")
@OF_CLIENT
@click.option("--overdue", is_flag=True, help="Only those that should be back by now.")
@click.option(
    "--due-in", type=click.IntRange(0), metavar="DAYS", help="Only those due within so many days, or overdue."
)
@word("--holder", words=Holder, about="Only those that this one has.")
@click.option("--all", "shows_all", is_flag=True, help="Also those that are not waiting to be sent.")
@listing
def list_returns(
    client_name: str | None, *, overdue: bool, due_in: int | None, holder: Holder | None, shows_all: bool, **how: Any
) -> None:
    """List the units that wait to be sent back, the newest first."""

    def where(desk: Desk) -> list[ColumnElement[bool]]:
        found = desk.of_client(client_name)
        if not shows_all:
            found.append(Shipment.state == ShipmentState.DUE)
        if overdue:
            found.append(Shipment.due_on < desk.now.date())
        if due_in is not None:
            found.append(Shipment.due_on <= desk.now.date() + timedelta(due_in))
        if holder is not None:
            found.append(Shipment.holder == holder)
        return found

    columns = "id serial_number client due_on due_basis holder exposure_minor currency state"
    print_list(lambda _: records.RETURNS, where, columns, **how)


@returns.command("show")
@PARCEL
@json_option
def show(named: str, *, as_json: bool) -> None:
    """Show a return: until when, by which rule, who has it, and what it would cost."""
    with reading() as desk:
        shown = desk.document(records.RETURNS, _parcel(desk, named))
    shown.print(as_json=as_json)


@returns.command("slip")
@PARCEL
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The PDF to write."
)
@click.option("--language", type=click.Choice(sorted(languages.PATTERNS)), default="en", help="Default: en.")
@json_option
def slip(named: str, output: Path, language: str, *, as_json: bool) -> None:
    """Write the packing slip and the label, two sheets to print."""
    with reading() as desk:
        [item] = service.of_parcels(desk.session, [_parcel(desk, named)])
        zone = ZoneInfo(item.site.time_zone if item.site else HOME_ZONE)
        reader = Reader(language, zone, desk.now, languages.load(db.folder("locale"))[language])
        try:
            made = slips.make(item, reader, part=item.rma.component.value)
        except slips.NoNumber as err:
            raise CliProblem(str(err)) from err
    try:
        output.write_bytes(made)
    except OSError as err:
        raise CliProblem(f"{output} cannot be written: {err.strerror}.") from err
    click.echo(to_json({"file": str(output), "sheets": 2}) if as_json else f"{output}: two sheets.")


@returns.command("plan")
@PARCEL
@word("--holder", words=Holder, about="Who has the unit.")
@click.option("--user", help="The colleague who has it, by mail address or id; with --holder colleague.")
@click.option("--contact", help="The contact who has it, by id; with --holder contact.")
@click.option("--address", help="Where it goes.")
@click.option("--keeps-media/--sends-media", default=None, help="Whether disks are taken out and kept.")
@click.option("--charge", "charge_minor", type=click.IntRange(1), help="What the vendor bills, in minor units.")
@click.option("--currency", help="Of --charge: EUR.")
@REASON
@json_option
def plan(
    named: str,
    holder: Holder | None,
    user: str | None,
    contact: str | None,
    address: str | None,
    keeps_media: bool | None,  # noqa: FBT001 - an option that may be left out
    charge_minor: int | None,
    currency: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Say who has the unit, where it goes, and what the vendor would bill."""
    with writing(reason) as desk:
        parcel = _parcel(desk, named)
        given = Plan(
            holder,
            None if user is None else desk.user(user),
            None if contact is None else desk.find(Person, contact),
            address,
            keeps_media,
            charge_minor,
            None if currency is None else currency.upper(),
        )
        service.plan(desk.session, parcel, given, desk.because)
        shown = desk.document(records.RETURNS, parcel)
    shown.print(as_json=as_json)


@returns.command("sent")
@PARCEL
@click.option("--carrier", default="", help="Who carries it.")
@click.option("--tracking", "tracking_number", default="", help="The carrier's number.")
@click.option("--file", "proof", help="A file of the case that proves it, by its id.")
@REASON
@json_option
def sent(named: str, carrier: str, tracking_number: str, proof: str | None, reason: str, *, as_json: bool) -> None:
    """Prove that the unit was sent, which stops the clock."""
    with writing(reason) as desk:
        parcel = _parcel(desk, named)
        paper = None if proof is None else desk.find(File, proof)
        known = Parcel(carrier or None, tracking_number or None, proof=paper)
        shipments.move(desk.session, OPERATOR, parcel, ShipmentState.IN_TRANSIT, known, reason=reason, now=desk.now)
        shown = desk.document(records.RETURNS, parcel)
    shown.print(as_json=as_json)


@returns.command("charge")
@PARCEL
@word("--kind", words=CostKind, about="What it is for.", required=True)
@click.option("--amount", type=click.IntRange(1), required=True, help="In minor units: 41200 is 412.00 EUR.")
@click.option("--currency", required=True, help="EUR.")
@word("--payer", words=sorted(PAYERS), about="Who pays it.", required=True)
@word("--blame", words=Blame, about="Whose doing it was.", required=True)
@REASON
@json_option
def charge(
    named: str,
    kind: CostKind,
    amount: int,
    currency: str,
    payer: Party,
    blame: Blame,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Write down what the vendor bills; non_return ends the return."""
    with writing(reason) as desk:
        cost = Cost(kind, amount, currency.upper(), payer, blame)
        made = service.charge(desk.session, _parcel(desk, named), cost, desk.because)
        shown = desk.document(records.COSTS, made)
    shown.print(as_json=as_json)


@returns.command("retain")
@PARCEL
@click.option("--file", "paper", required=True, help="The certificate, a file of the case, by its id.")
@click.option("--by", "destroyed_by", required=True, help="Who destroyed it.")
@click.option("--on", "destroyed_on", type=Day(), required=True, help="The day on which it was destroyed.")
@click.option("--method", required=True, help="How: DIN 66399 H-5.")
@REASON
@json_option
def retain(
    named: str, paper: str, destroyed_by: str, destroyed_on: date, method: str, reason: str, *, as_json: bool
) -> None:
    """Keep what would go back, with the certificate of its destruction."""
    with writing(reason) as desk:
        parcel = _parcel(desk, named)
        made = Certificate(desk.find(File, paper), destroyed_by, destroyed_on, method)
        service.retain(desk.session, parcel, made, desk.because)
        shown = desk.document(records.RETURNS, parcel)
    shown.print(as_json=as_json)


@returns.command("costs")
@OF_CLIENT
@click.option("--open", "is_open", is_flag=True, help="Only those that nobody has settled.")
@listing
def costs(client_name: str | None, *, is_open: bool, **how: Any) -> None:
    """List what returns have cost, the newest first."""
    where = [CaseCost.settled_at.is_(None)] if is_open else []
    columns = "id client kind amount_minor currency payer blame settled_at"
    print_list(lambda _: records.COSTS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@returns.command("settle")
@click.argument("named", metavar="COST")
@REASON
@json_option
def settle(named: str, reason: str, *, as_json: bool) -> None:
    """Say that a COST is paid or written off, and how."""
    with writing(reason) as desk:
        cost = desk.find(CaseCost, named)
        service.settle(desk.session, cost, desk.because)
        shown = desk.document(records.COSTS, cost)
    shown.print(as_json=as_json)


def _parcel(desk: Desk, said: str) -> Shipment:
    """The newest parcel that goes back of the claim or case that is named, else the one whose id begins so."""
    try:
        rma = desk.claim(said)
    except CliProblem:
        parcel = desk.find(Shipment, said)
        if parcel.direction is not ShipmentDirection.TO_VENDOR:
            raise CliProblem(f"The parcel {said!r} comes to us: it is no return.") from None
        return parcel
    found = service.newest(desk.session, rma)
    if found is None:
        raise CliProblem(f"Nothing of claim {rma.client_reference} has to go back.")
    return found
