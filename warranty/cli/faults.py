"""``warranty fault``, ``case`` and ``replay``: report a fault, look at a case, decide the past again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import select

from warranty import db
from warranty.cli.shared import CliProblem, answer, open_runtime
from warranty.domain.access import OPERATOR
from warranty.domain.terms import Cause, Component
from warranty.models import AdHocJob, AuditRow, Fault, Rma
from warranty.services import faults, verdicts
from warranty.services.estate import Invalid, checked_text, find_client
from warranty.services.faults import ContactFacts, FaultFacts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.services.faults import Outcome

CAUSES = click.Choice([cause.value for cause in Cause])
COMPONENTS = click.Choice([component.value for component in Component])


@click.group()
def fault() -> None:
    """Log faults."""


@fault.command()
@click.argument("serial")
@click.option("--cause", type=CAUSES, required=True, help="Why it failed, as far as known.")
@click.option("--component", type=COMPONENTS, required=True, help="What of the unit is faulty.")
@click.option("--component-ref", default="", help="Slot or part serial, where it matters.")
@click.option("--symptom", required=True, help="What is wrong, in your words.")
@click.option("--client", "client_name", help="Whose unit it is; needed where the serial names none or several.")
@click.option("--severity", type=click.IntRange(1, 4), default=3, show_default=True)
@click.option("--troubleshooting", default="", help="What was tried; some vendors ask for it.")
@click.option("--diagnostic-code", default="", help="The code of the vendor's own diagnosis.")
@click.option("--contact-name", default="", help="Who can be called about it.")
@click.option("--contact-phone", default="")
@click.option("--contact-email", default="")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def report(serial: str, client_name: str | None, as_json: bool, **given: Any) -> None:  # noqa: FBT001 - click passes it by name
    """Log a fault of the unit with this SERIAL; prints verdict, reasons, route, RMA or job."""
    with open_runtime() as runtime, runtime.database.begin(db.EVERYBODY) as session:
        try:
            facts = _facts(session, serial, client_name, given)
            outcome = faults.report(session, runtime, OPERATOR, facts, now=datetime.now(UTC))
        except Invalid as err:
            raise CliProblem(err.message) from err
        except faults.ClientRequired as err:
            raise CliProblem(f"{err} Pass --client NAME.") from err
        shown = outcome_document(outcome)
    if as_json:
        answer(shown, as_json=True)
    else:
        print_outcome(shown)


_LENGTHS = {
    "component_ref": 64,
    "symptom": 4_000,
    "troubleshooting": 10_000,
    "diagnostic_code": 120,
    "contact_name": 200,
    "contact_phone": 64,
    "contact_email": 254,
}


def _facts(session: Session, serial: str, client_name: str | None, given: dict[str, Any]) -> FaultFacts:
    """What was typed, checked for length as the form and REST do."""
    said = {name: checked_text(name, given[name], length) for name, length in _LENGTHS.items()}
    contact = ContactFacts(said["contact_name"], said["contact_phone"], said["contact_email"])
    return FaultFacts(
        serial_number=checked_text("SERIAL", serial, 64, needed=True),
        client_id=find_client(session, client_name).public_id if client_name else None,
        component=Component(given["component"]),
        component_ref=said["component_ref"],
        cause=Cause(given["cause"]),
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


def print_outcome(shown: dict[str, Any]) -> None:
    """The same for a person."""
    pays = shown["pays"]
    click.echo(f"{shown['reference']}  {shown['verdict'] or 'nothing to decide'}  route {shown['route']}")
    if pays["parts"]:
        click.echo(f"  parts: {pays['parts']} pays   labour: {pays['labour']} pays")
    for reason in shown["reasons"]:
        click.echo(f"  {reason['share'] or '-':<6}  {reason['text']}  ({reason['code']})")
    for label, key in (("RMA", "client_reference"), ("job", "job_id"), ("review", "review_item_id")):
        if shown[key]:
            click.echo(f"  {label}: {shown[key]}")


@click.group()
def case() -> None:
    """Look at cases."""


@case.command()
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(reference: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """Show one case: state, RMA, job, and its timeline. REFERENCE is F-…, or the RMA's WR-…."""
    with open_runtime() as runtime, runtime.database.read(db.EVERYBODY) as session:
        found = session.scalars(
            select(Fault).where(
                (Fault.reference == reference)
                | Fault.id.in_(select(Rma.fault_id).where(Rma.client_reference == reference))
            )
        ).one_or_none()
        if found is None:
            raise CliProblem(f"There is no case {reference!r}.")
        shown = _case_document(session, found)
    timeline = shown.pop("timeline")
    if as_json:
        answer({**shown, "timeline": timeline}, as_json=True)
        return
    answer(shown, as_json=False)
    click.echo("")
    for row in timeline:
        click.echo(
            f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['record']:<9} {row['new_state'] or row['action']:<18} {row['reason']}"
        )


def _case_document(session: Session, found: Fault) -> dict[str, Any]:
    rma = session.scalars(select(Rma).where(Rma.fault_id == found.id).order_by(Rma.id.desc()).limit(1)).one_or_none()
    job = session.scalars(
        select(AdHocJob).where(AdHocJob.fault_id == found.id).order_by(AdHocJob.id.desc()).limit(1)
    ).one_or_none()
    newest = verdicts.newest(session, found.id)
    rows = session.scalars(select(AuditRow).where(AuditRow.fault_id == found.id).order_by(AuditRow.id))
    return {
        "reference": found.reference,
        "serial_number": found.serial_number,
        "state": found.state.value,
        "verdict": newest.verdict.value if newest and newest.verdict else None,
        "route": newest.route.value if newest else None,
        "rma_state": rma.state.value if rma else None,
        "client_reference": rma.client_reference if rma else None,
        "vendor_case_number": rma.vendor_case_number if rma else None,
        "rma_number": rma.rma_number if rma else None,
        "vendor_status": rma.vendor_status if rma else None,
        "job": job.reference if job else None,
        "job_state": job.state.value if job else None,
        "timeline": [
            {
                "at": row.at,
                "actor": row.actor,
                "record": row.record,
                "action": row.action,
                "new_state": row.new_state,
                "reason": row.reason,
            }
            for row in rows
        ],
    }


@click.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only verdicts from this day on (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(since: datetime | None, as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """Decide every stored case again; exit status 1 where a verdict differs."""
    from_ = since.replace(tzinfo=UTC) if since else None
    with open_runtime() as runtime, runtime.database.read(db.EVERYBODY) as session:
        replayed, differences = verdicts.replay(session, since=from_)
    answer({"replayed": replayed, "differences": differences}, as_json=as_json)
    if differences:
        raise SystemExit(1)
