"""``warranty shipment``: parcels both ways, what is in them, what came of it, and what is still owed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from warranty.cli.desk import OF_CLIENT, listing, print_list, reading, writing
from warranty.cli.shared import Day, Word, json_option, word
from warranty.domain.access import OPERATOR
from warranty.domain.goods import Line, Rest
from warranty.domain.lifecycles import ShipmentDirection, ShipmentState
from warranty.models import Shipment
from warranty.services import records, shipments
from warranty.services.shipments import Parcel, Unpacked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    F = Callable[..., Any]

PARCEL = click.argument("named", metavar="PARCEL")
REASON = click.option("--reason", required=True, help="How you know; it stands in the register.")


class Counted(click.ParamType[tuple[str, int]]):
    """A part and how many of it, as ``2*PSU-750W``; the part alone is one."""

    name = "[N*]PART"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Read it, or say how to write it."""
        if isinstance(value, tuple):
            return value
        number, star, part = str(value).partition("*")
        if not star:
            return str(value), 1
        if not number.isdecimal() or not part:
            self.fail(f"{value!r} is no number of parts; write it as 2*PSU-750W.", param, ctx)
        return part, int(number)


def facts(command: F) -> F:
    """The options that say what is known of a parcel."""
    for option in (
        click.option("--part", "parts", type=Counted(), multiple=True, help="What is in it; may repeat."),
        click.option("--note", help="Anything else."),
        click.option("--signed-by", help="Whom the carrier names as the one who signed for it."),
        click.option("--delivered-on", type=Day(), help="When it was delivered, a day at the unit's site."),
        click.option("--sent-on", type=Day(), help="When it was sent."),
        click.option("--due-on", type=Day(), help="When it is expected, or must be back."),
        click.option("--tracking-number", help="The carrier's number of it."),
        click.option("--carrier", help="Who brings it."),
    ):
        command = option(command)
    return command


def _parcel(parts: tuple[tuple[str, int], ...], **known: Any) -> Parcel:
    return Parcel(**known, parts=tuple(Line(part, number) for part, number in parts) or None)


@click.group()
def shipment() -> None:
    """Follow parcels both ways. PARCEL is an id, as list shows it, or its beginning."""


@shipment.command("list")
@OF_CLIENT
@word("--state", words=ShipmentState, about="In this state only.")
@word("--direction", words=ShipmentDirection, about="That go this way only.")
@listing
def shipment_list(
    client_name: str | None, state: ShipmentState | None, direction: ShipmentDirection | None, **how: Any
) -> None:
    """List the parcels, the newest first."""
    where = [] if state is None else [Shipment.state == state]
    where += [] if direction is None else [Shipment.direction == direction]
    columns = "id client direction state carrier tracking_number due_on"
    print_list(lambda _: records.SHIPMENTS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@shipment.command("show")
@PARCEL
@json_option
def shipment_show(named: str, *, as_json: bool) -> None:
    """Show a parcel: who brings it, when, what is in it, and what came of it."""
    with reading() as desk:
        found = desk.document(records.SHIPMENTS, desk.find(Shipment, named))
    found.print(as_json=as_json)


@shipment.command("add")
@click.argument("claim", metavar="RMA")
@click.argument("direction", type=Word(ShipmentDirection))
@click.option("--makes-up-for", metavar="PARCEL", help="The parcel that did not bring what this one does.")
@facts
@REASON
@json_option
def shipment_add(
    claim: str, direction: ShipmentDirection, makes_up_for: str | None, reason: str, *, as_json: bool, **known: Any
) -> None:
    """Add a parcel of an approved claim: one more of several, or one that makes up for another."""
    with writing(reason) as desk:
        other = None if makes_up_for is None else desk.find(Shipment, makes_up_for)
        say: dict[str, Any] = {"reason": reason, "now": desk.now, "makes_up_for": other}
        row = shipments.add(desk.session, OPERATOR, desk.claim(claim), direction, _parcel(**known), **say)
        found = desk.document(records.SHIPMENTS, row)
    found.print(as_json=as_json)


@shipment.command("change")
@PARCEL
@facts
@word("--rest", words=Rest, about="given_up: nobody waits any more for one that is expected.", default=Rest.EXPECTED)
@REASON
@json_option
def shipment_change(named: str, rest: Rest, reason: str, *, as_json: bool, **known: Any) -> None:
    """Write down what else is known of a parcel."""
    with writing(reason) as desk:
        row = desk.find(Shipment, named)
        shipments.amend(desk.session, OPERATOR, row, _parcel(**known), reason=reason, now=desk.now, rest=rest)
        found = desk.document(records.SHIPMENTS, row)
    found.print(as_json=as_json)


@shipment.command("move")
@PARCEL
@click.argument("to", type=Word(ShipmentState), metavar="STATE")
@facts
@click.option(
    "--arrived", type=Counted(), multiple=True, help="What came and was right, where that is not all; may repeat."
)
@word("--rest", words=Rest, about="What becomes of what did not come.", default=Rest.EXPECTED)
@click.option("--rest-due-on", type=Day(), help="When another parcel with the rest is expected.")
@REASON
@json_option
def shipment_move(
    named: str,
    to: ShipmentState,
    arrived: tuple[tuple[str, int], ...],
    rest: Rest,
    rest_due_on: date | None,
    reason: str,
    *,
    as_json: bool,
    **known: Any,
) -> None:
    """Move a parcel to STATE, with what is known of it by now.

    For what a parcel to us did not bring, or brought wrong or damaged, another one is expected, unless the rest is given_up.
    """
    with writing(reason) as desk:
        row = desk.find(Shipment, named)
        unpacked = Unpacked(dict(arrived) or None, rest, rest_due_on)
        say: dict[str, Any] = {"reason": reason, "now": desk.now, "unpacked": unpacked}
        shipments.move(desk.session, OPERATOR, row, to, _parcel(**known), **say)
        found = desk.document(records.SHIPMENTS, row)
    found.print(as_json=as_json)
