"""``warranty swap``: the work at the rack, from the serial of the unit that has come to the contracts that go with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from warranty.cli.desk import OF_CLIENT, Desk, listing, print_list, reading, writing
from warranty.cli.shared import CliProblem, answer, json_option, word
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import SwapKind, SwapSource, SwapState
from warranty.models import CoverageTransfer, StockLocation, StockUnit, Swap
from warranty.models.cases import TransferWay
from warranty.services import estate, following, owed, records, swaps
from warranty.services.swaps import Replacement

if TYPE_CHECKING:
    from warranty.models import Fault

CASE = click.argument("reference", metavar="CASE")
REASON = click.option("--reason", required=True, help="Why, or how you know; it stands in the register.")


@click.group()
def swap() -> None:
    """Name, install and prove what replaces a unit. CASE is F-…, the claim's WR-…, or an id."""


@swap.command("list")
@OF_CLIENT
@word("--state", words=SwapState, about="In this state only.")
@listing
def swap_list(client_name: str | None, state: SwapState | None, **how: Any) -> None:
    """List the swaps, the newest first."""
    where = [] if state is None else [Swap.state == state]
    columns = "id client kind source state serial_number"
    print_list(lambda _: records.SWAPS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@swap.command("show")
@CASE
@json_option
def swap_show(reference: str, *, as_json: bool) -> None:
    """Show the swap of a CASE, what its contracts became, and what the case still owes."""
    with reading() as desk:
        fault = desk.fault(reference)
        row = _newest(desk, fault)
        found = desk.document(records.SWAPS, row)
        query = following.TRANSFERS.query().where(CoverageTransfer.swap_id == row.id).order_by(CoverageTransfer.id)
        rows = desk.session.execute(query).all()
        found.document["contracts"] = following.TRANSFERS.documents(desk.session, rows, desk.now)
        found.document["owes"] = [owed.document(debt) for debt in owed.owed(desk.session, fault)]
    if not as_json:
        contracts, owes = found.document["contracts"], found.document["owes"]
        found.document["contracts"] = [{"contract": one["contract_number"], "way": one["way"]} for one in contracts]
        found.document["owes"] = [{"text": one["text"]} for one in owes]
    found.print(as_json=as_json)


@swap.command("scan")
@CASE
@click.argument("serial", default="")
@word("--kind", words=SwapKind, about="What is exchanged, where that is not what was planned.")
@word("--source", words=SwapSource, about="Where it comes from, where that is not what was planned.")
@click.option("--product", "model", help="Its product, by model or id, where it is another than was agreed.")
@click.option("--substitute", default="", help="Where the vendor named that product as the substitute.")
@click.option("--differs", is_flag=True, help="It bears another serial than the vendor told, and you looked twice.")
@json_option
def swap_scan(
    reference: str,
    serial: str,
    kind: SwapKind | None,
    source: SwapSource | None,
    model: str | None,
    substitute: str,
    *,
    differs: bool,
    as_json: bool,
) -> None:
    """Say which unit has come for a CASE, by its SERIAL number; it is checked against what the vendor told."""
    with writing("named at the command line") as desk:
        row = _newest(desk, desk.fault(reference))
        product = None if model is None else desk.product(model)
        given = Replacement(serial, kind, source, product, substitute, differs)
        swaps.scan(desk.session, OPERATOR, row, given, reason=desk.because.reason, now=desk.now)
        found = desk.document(records.SWAPS, row)
    found.print(as_json=as_json)


@swap.command("move")
@CASE
@click.argument("to", type=click.Choice([state.value for state in SwapState]))
@REASON
@json_option
def swap_move(reference: str, to: str, reason: str, *, as_json: bool) -> None:
    """Say what happened at the rack: the swap of a CASE goes on."""
    with writing(reason) as desk:
        row = _newest(desk, desk.fault(reference))
        swaps.move(desk.session, desk.runtime, OPERATOR, row, SwapState(to), reason=reason, now=desk.now)
        found = desk.document(records.SWAPS, row)
    found.print(as_json=as_json)


@swap.command("lend")
@CASE
@click.argument("unit")
@REASON
@json_option
def swap_lend(reference: str, unit: str, reason: str, *, as_json: bool) -> None:
    """Lend a UNIT of the stock for the time of a CASE, by its serial number or id."""
    with writing(reason) as desk:
        lent = desk.find(StockUnit, unit, StockUnit.serial_key == estate.serial_key(unit))
        loan = swaps.lend(desk.session, OPERATOR, desk.fault(reference), lent, reason=reason, now=desk.now)
        found = desk.document(swaps.LOANS, loan)
    found.print(as_json=as_json)


@swap.command("take-back")
@CASE
@click.argument("store")
@REASON
@json_option
def swap_take_back(reference: str, store: str, reason: str, *, as_json: bool) -> None:
    """Take the loaner of a CASE back into a STORE."""
    with writing(reason) as desk:
        loan = swaps.loan_of(desk.session, desk.fault(reference))
        if loan is None:
            raise CliProblem("No unit is lent for this case.")
        swaps.take_back(desk.session, OPERATOR, loan, _store(desk, store), reason=reason, now=desk.now)
        found = desk.document(swaps.LOANS, loan)
    found.print(as_json=as_json)


@swap.command("shelve")
@CASE
@click.argument("store")
@click.option("--serial", default="", help="The serial number of what the vendor sent.")
@REASON
@json_option
def swap_shelve(reference: str, store: str, serial: str, reason: str, *, as_json: bool) -> None:
    """Put what the vendor sent into a STORE, where a unit of the stock has taken the place."""
    with writing(reason) as desk:
        row = _newest(desk, desk.fault(reference))
        swaps.restock(desk.session, OPERATOR, row, _store(desk, store), serial, reason=reason, now=desk.now)
        found = desk.document(records.SWAPS, row)
    found.print(as_json=as_json)


@swap.command("contract")
@CASE
@click.argument("number")
@click.argument("way", type=click.Choice([TransferWay.MOVED.value, TransferWay.ENDED.value]))
@REASON
@json_option
def swap_contract(reference: str, number: str, way: str, reason: str, *, as_json: bool) -> None:
    """Say what became of contract NUMBER of the old unit: it was moved to the new serial number, or ended with it."""
    with writing(reason) as desk:
        waiting = following.open_transfers(desk.session, desk.fault(reference))
        named = [transfer for transfer, coverage in waiting if coverage.contract_number == number]
        if not named:
            raise CliProblem(
                f"No contract {number!r} waits to be moved: `warranty swap show {reference}` says which do."
            )
        for transfer in named:
            following.decide(desk.session, OPERATOR, transfer, TransferWay(way), reason=reason, now=desk.now)
        desk.session.flush()
        rows = desk.session.execute(
            following.TRANSFERS.query().where(CoverageTransfer.id.in_([transfer.id for transfer in named]))
        ).all()
        shown = following.TRANSFERS.documents(desk.session, rows, desk.now)
    answer(shown, as_json=as_json)


def _newest(desk: Desk, fault: Fault) -> Swap:
    rows = desk.session.scalars(owed.swaps_of(fault)).all()
    if not rows:
        raise CliProblem(f"Case {fault.reference} has no swap: nothing is approved yet.")
    return rows[-1]


def _store(desk: Desk, said: str) -> StockLocation:
    return desk.find(StockLocation, said, StockLocation.name == " ".join(said.split()))
