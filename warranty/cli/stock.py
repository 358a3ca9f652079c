"""``warranty stock``: the MSP's own units on its shelves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from warranty.cli.desk import Desk, listing, print_list, reading, writing
from warranty.cli.places import ADDED
from warranty.cli.shared import answer, json_option, word
from warranty.domain.lifecycles import StockState
from warranty.models import Product, StockLocation, StockUnit
from warranty.services import estate
from warranty.services import stock as shelves

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

REASON = click.option("--reason", required=True, help="Why; it stands in the register.")
MAKER = click.option("--manufacturer", help="Whose model it is, where several have one of this name.")
FOR = click.option("--case", "reference", required=True, help="The case that it is for, by its reference or id.")


@click.group()
def stock() -> None:
    """Receive, reserve, issue and take back units of the MSP's own."""


@stock.command("add-store")
@click.argument("name")
@json_option
def add_store(name: str, *, as_json: bool) -> None:
    """Add a store."""
    with writing(ADDED) as desk:
        row = shelves.add_location(desk.session, name=name, because=desk.because)
        shown = desk.document(shelves.LOCATIONS, row)
    shown.print(as_json=as_json)


@stock.command("stores")
@listing
def stores(**how: Any) -> None:
    """List the stores, the newest first."""
    print_list(lambda _: shelves.LOCATIONS, lambda _: [], "id name", **how)


@stock.command("list")
@word("--state", words=StockState, about="In this state only.")
@click.option("--product", "model", help="Of this product only, by its model or id.")
@MAKER
@click.option("--store", help="In this store only, by its name or id.")
@listing
def list_units(
    state: StockState | None, model: str | None, manufacturer: str | None, store: str | None, **how: Any
) -> None:
    """List the units, the newest first."""

    def where(desk: Desk) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [] if state is None else [StockUnit.state == state]
        if model is not None:
            found.append(Product.id == desk.product(model, manufacturer).id)
        if store is not None:
            found.append(StockLocation.id == _store(desk, store).id)
        return found

    print_list(lambda _: shelves.UNITS, where, "id serial_number product location state", **how)


@stock.command("show")
@click.argument("named", metavar="UNIT")
@json_option
def show(named: str, *, as_json: bool) -> None:
    """Show a unit, by its serial number or id."""
    with reading() as desk:
        shown = desk.document(shelves.UNITS, _unit(desk, named))
    shown.print(as_json=as_json)


@stock.command("receive")
@click.argument("model", metavar="PRODUCT")
@click.argument("store")
@MAKER
@click.option("--serial", "serial_numbers", multiple=True, help="Of a unit that came; may repeat.")
@click.option("--quantity", type=click.IntRange(1), help="How many came that bear no serial number.")
@REASON
@json_option
def receive(
    model: str,
    store: str,
    manufacturer: str | None,
    serial_numbers: tuple[str, ...],
    quantity: int | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Put units of a PRODUCT into a STORE; each is named by its model or name, or by its id."""
    with writing(reason) as desk:
        units = shelves.receive(
            desk.session,
            desk.product(model, manufacturer),
            _store(desk, store),
            serial_numbers=serial_numbers,
            quantity=quantity or 0,
            because=desk.because,
        )
        shown = shelves.documents(desk.session, units, now=desk.now)
    answer(shown, as_json=as_json)


@stock.command("reserve")
@click.argument("named", metavar="UNIT", required=False)
@FOR
@click.option("--product", "model", help="Whichever unit of this product has lain longest, instead of UNIT.")
@MAKER
@click.option("--store", help="With --product: from this store only.")
@REASON
@json_option
def reserve(
    named: str | None,
    reference: str,
    model: str | None,
    manufacturer: str | None,
    store: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Keep a UNIT for a case."""
    if (named is None) == (model is None):
        raise click.UsageError("Name the UNIT, or give --product.")
    with writing(reason) as desk:
        fault = desk.fault(reference)
        if named is not None:
            unit = _unit(desk, named)
            shelves.reserve(desk.session, unit, fault, because=desk.because)
        else:
            wanted = desk.product(model or "", manufacturer)
            where = None if store is None else _store(desk, store)
            unit = shelves.reserve_any(desk.session, wanted, fault, location=where, because=desk.because)
        shown = desk.document(shelves.UNITS, unit)
    shown.print(as_json=as_json)


@stock.command("release")
@click.argument("named", metavar="UNIT")
@REASON
@json_option
def release(named: str, reason: str, *, as_json: bool) -> None:
    """Give a reserved UNIT free."""
    with writing(reason) as desk:
        unit = _unit(desk, named)
        shelves.release(desk.session, unit, because=desk.because)
        shown = desk.document(shelves.UNITS, unit)
    shown.print(as_json=as_json)


@stock.command("issue")
@click.argument("named", metavar="UNIT")
@REASON
@json_option
def issue(named: str, reason: str, *, as_json: bool) -> None:
    """Hand a reserved UNIT out."""
    with writing(reason) as desk:
        unit = _unit(desk, named)
        shelves.issue(desk.session, unit, because=desk.because)
        shown = desk.document(shelves.UNITS, unit)
    shown.print(as_json=as_json)


@stock.command("put-back")
@click.argument("named", metavar="UNIT")
@click.argument("store")
@REASON
@json_option
def put_back(named: str, store: str, reason: str, *, as_json: bool) -> None:
    """Take an issued UNIT back into a STORE."""
    with writing(reason) as desk:
        unit = _unit(desk, named)
        shelves.put_back(desk.session, unit, _store(desk, store), because=desk.because)
        shown = desk.document(shelves.UNITS, unit)
    shown.print(as_json=as_json)


def _store(desk: Desk, said: str) -> StockLocation:
    return desk.find(StockLocation, said, StockLocation.name == " ".join(said.split()))


def _unit(desk: Desk, said: str) -> StockUnit:
    return desk.find(StockUnit, said, StockUnit.serial_key == estate.serial_key(said))
