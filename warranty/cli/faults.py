"""``warranty fault`` and ``replay``: report a fault, decide the past again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from warranty import db
from warranty.cli.desk import Desk, client_option, writing
from warranty.cli.shared import CliProblem, answer, json_option, open_runtime, shown, word
from warranty.domain.access import OPERATOR
from warranty.domain.terms import Cause, Component
from warranty.services import faults, verdicts
from warranty.services.estate import checked_text
from warranty.services.faults import ContactFacts, FaultFacts

if TYPE_CHECKING:
    from warranty.services.faults import Outcome


@click.group()
def fault() -> None:
    """Log faults."""


@fault.command()
@click.argument("serial")
@word("--cause", words=Cause, required=True, about="Why it failed, as far as known.")
@word("--component", words=Component, required=True, about="What of the unit is faulty.")
@click.option("--component-ref", default="", help="Slot or part serial, where it matters.")
@click.option("--symptom", required=True, help="What is wrong, in your words.")
@client_option("Whose unit it is; needed where the serial names none or several.")
@click.option(
    "--severity", type=click.IntRange(1, 4), default=3, show_default=True, help="How bad it is; 1 is the worst."
)
@click.option("--troubleshooting", default="", help="What was tried; some vendors ask for it.")
@click.option("--diagnostic-code", default="", help="The code of the vendor's own diagnosis.")
@click.option("--contact-name", default="", help="Who can be called about it.")
@click.option("--contact-phone", default="", help="Their telephone number.")
@click.option("--contact-email", default="", help="Their mail address.")
@json_option
def report(serial: str, client_name: str | None, *, as_json: bool, **given: Any) -> None:
    """Log a fault of the unit with this SERIAL; prints verdict, reasons, route, RMA or job."""
    with writing("") as desk:
        try:
            facts = _facts(desk, serial, client_name, given)
            outcome = faults.report(desk.session, desk.runtime, OPERATOR, facts, now=desk.now)
        except faults.ClientRequired as err:
            raise CliProblem(f"{err} Pass --client NAME.") from err
        document = outcome_document(outcome)
    if as_json:
        answer(document, as_json=True)
    else:
        print_outcome(document)


_LENGTHS = {
    "component_ref": 64,
    "symptom": 4_000,
    "troubleshooting": 10_000,
    "diagnostic_code": 120,
    "contact_name": 200,
    "contact_phone": 64,
    "contact_email": 254,
}


def _facts(desk: Desk, serial: str, client_name: str | None, given: dict[str, Any]) -> FaultFacts:
    """What was typed, checked for length as the form and REST do."""
    said = {name: checked_text(name, given[name], length) for name, length in _LENGTHS.items()}
    contact = ContactFacts(said["contact_name"], said["contact_phone"], said["contact_email"])
    return FaultFacts(
        serial_number=checked_text("SERIAL", serial, 64, needed=True),
        client_id=desk.client(client_name).public_id if client_name else None,
        component=given["component"],
        component_ref=said["component_ref"],
        cause=given["cause"],
        symptom=said["symptom"],
        severity=given["severity"],
        troubleshooting=said["troubleshooting"],
        diagnostic_code=said["diagnostic_code"],
        contact=contact if contact.name else None,
    )


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """What became of a report, as the command prints it with ``--json``."""
    document = outcome.verdict.to_document()
    return {
        "id": str(outcome.fault.public_id),
        "reference": outcome.fault.reference,
        "asset_id": str(outcome.asset_id) if outcome.asset_id else None,
        "state": outcome.fault.state.value,
        "verdict": document["verdict"],
        "route": document["route"],
        "pays": document["pays"],
        "reasons": document["reasons"],
        "rma_id": str(outcome.rma.public_id) if outcome.rma else None,
        "client_reference": outcome.rma.client_reference if outcome.rma else None,
        "job_id": str(outcome.job.public_id) if outcome.job else None,
        "review_item_id": str(outcome.task.public_id) if outcome.task else None,
    }


def print_outcome(document: dict[str, Any]) -> None:
    """The same for a person."""
    pays = document["pays"]
    click.echo(f"{document['reference']}  {document['verdict'] or 'nothing to decide'}  route {document['route']}")
    if pays["parts"]:
        click.echo(f"  parts: {pays['parts']} pays   labour: {pays['labour']} pays")
    for reason in document["reasons"]:
        click.echo(f"  {reason['share'] or '-':<6}  {shown(reason['text'])}  ({reason['code']})")
    for label, key in (("RMA", "client_reference"), ("job", "job_id"), ("review", "review_item_id")):
        if document[key]:
            click.echo(f"  {label}: {document[key]}")


@click.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only verdicts from this day on (UTC).")
@json_option
def replay(since: datetime | None, *, as_json: bool) -> None:
    """Decide every stored case again, and compare.

    Exit status: 0 every verdict is the same, 1 one differs or it could not be done, 2 called with wrong words.
    """
    from_ = since.replace(tzinfo=UTC) if since else None
    with open_runtime() as runtime, runtime.database.read(db.EVERYBODY) as session:
        replayed, differences = verdicts.replay(session, since=from_)
    answer({"replayed": replayed, "differences": differences}, as_json=as_json)
    if differences:
        raise SystemExit(1)
