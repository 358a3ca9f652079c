"""``warranty parity``: whether what came with a swap is what was there before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from warranty.cli.desk import reading, writing
from warranty.cli.places import reason_option
from warranty.cli.shared import CliProblem, answer, json_option
from warranty.services import owed, parity, swaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warranty.cli.desk import Desk
    from warranty.models import Swap
    from warranty.services.parity import Certificate

CASE = click.argument("reference", metavar="CASE")
PROPERTIES = click.argument("properties", nargs=-1, required=True)


@click.group()
def group() -> None:
    """Show and settle parity certificates. CASE is F-…, the claim's WR-…, or an id."""


@group.command("show")
@CASE
@json_option
def show(reference: str, *, as_json: bool) -> None:
    """Show the certificate of the newest swap of a CASE."""
    with reading() as desk:
        _, certificate = _found(desk, reference)
    _print(certificate, as_json=as_json)


@group.command("ask")
@CASE
@PROPERTIES
@reason_option
@json_option
def ask(reference: str, properties: Sequence[str], reason: str, *, as_json: bool) -> None:
    """Ask somebody else to accept differences of these PROPERTIES."""
    with writing(reason) as desk:
        swap, certificate = _found(desk, reference)
        parity.ask(desk.session, swap, certificate, properties, desk.because)
        _, certificate = _found(desk, reference)
    _print(certificate, as_json=as_json)


@group.command("accept")
@CASE
@PROPERTIES
@json_option
def accept(reference: str, properties: Sequence[str], *, as_json: bool) -> None:
    """Accept differences of these PROPERTIES that somebody else asked for."""
    with writing("accepted the difference") as desk:
        _, certificate = _found(desk, reference)
        parity.approve(desk.session, certificate, properties, desk.because)
        _, certificate = _found(desk, reference)
    _print(certificate, as_json=as_json)


def _found(desk: Desk, reference: str) -> tuple[Swap, Certificate]:
    fault = desk.fault(reference)
    found = desk.session.scalars(owed.swaps_of(fault)).all()
    if not found:
        raise CliProblem(f"Case {fault.reference} has no swap.")
    desk.session.flush()
    return found[-1], swaps.certificate(desk.session, found[-1])


def _print(certificate: Certificate, *, as_json: bool) -> None:
    if as_json:
        answer(certificate.document | {"digest": certificate.digest, "issued": certificate.is_issued}, as_json=True)
        return
    lines = [
        {
            "property": line["property"],
            "status": line["status"],
            "before": parity.shown(line["property"], line["old"]),
            "now": parity.shown(line["property"], line["new"]),
        }
        for line in certificate.document["properties"]
    ]
    answer(lines, as_json=False)
    state = "issued" if certificate.is_issued else "clean" if certificate.document["clean"] else "not clean"
    click.echo(f"{state}, digest {certificate.digest}")
