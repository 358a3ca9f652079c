"""Faults and decisions for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_

from warranty.domain.access import Permission
from warranty.models import Asset, Fault, User
from warranty.services import faults, inputs, overrides, owed, owners, records
from warranty.web import trace
from warranty.web.api.base import Endpoints, by_caller, check_version, document, held, id_of, listed
from warranty.web.guards import call, find, needs
from warranty.web.schemas.cases import DebtsDocument, DecisionBody, FaultMoveBody, FaultQuery, OwnerBody
from warranty.web.schemas.faults import FaultBody, FaultDocument, OutcomeDocument, QuestionBody, VerdictDocument
from warranty.web.schemas.lists import page_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from warranty.services.faults import FaultFacts, Outcome
    from warranty.services.overrides import Wish

endpoints = Endpoints("faults", "Faults: from the report to exactly one route.")


@endpoints.post(
    "/decisions/preview",
    needs(Permission.REPORT, Permission.READ, writes=False),
    body=QuestionBody(),
    answer=VerdictDocument(),
)
def preview(facts: FaultFacts) -> dict[str, Any]:
    """Decide without opening anything; says too what the vendor would ask for."""
    verdict, file, unit = faults.preview(call().session, call().principal, facts, now=call().now)
    asks = inputs.of_report(call().runtime, unit, verdict, facts.component) if unit else inputs.ASKS_NOTHING
    return {
        "asset_id": file.case.asset.id if file.case.asset else None,
        "requires": asks.requires,
        "info_missing": asks.missing,
        **verdict.to_document(),
    }


@endpoints.post("/faults", needs(Permission.REPORT, key=True), body=FaultBody(), answer=OutcomeDocument(), status=201)
def report(facts: FaultFacts) -> dict[str, Any]:
    """Report a fault. Needs an Idempotency-Key."""
    asked = call()
    made = faults.report(asked.session, asked.runtime, asked.principal, facts, now=asked.now)
    trace.about(made.fault, made.rma)
    return outcome(made)


def outcome(made: Outcome) -> dict[str, Any]:
    """What became of a report, for ``OutcomeDocument``."""
    return {
        "id": made.fault.public_id,
        "asset_id": made.asset_id,
        "state": made.fault.state,
        "rma_id": id_of(made.rma),
        "job_id": id_of(made.job),
        "review_item_id": id_of(made.task),
        **made.verdict.to_document(),
    }


@endpoints.get(
    "/faults", needs(Permission.READ, Permission.READ_OWN), query=FaultQuery(), answer=page_of(FaultDocument)
)
def list_faults(query: dict[str, Any]) -> dict[str, Any]:
    """Faults, the newest first."""
    where: list[ColumnElement[bool]] = []
    if query["asset"] is not None:
        where.append(Asset.public_id == query["asset"])
    if query["since"] is not None:
        where.append(Fault.reported_at >= query["since"])
    if query["q"] is not None:
        asked = (Fault.reference, Fault.serial_number, Fault.symptom)
        where.append(or_(*(column.icontains(query["q"], autoescape=True) for column in asked)))
    return listed(records.FAULTS, query, *where)


@endpoints.get("/faults/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=Fault), answer=FaultDocument())
def show_fault(fault: Fault) -> dict[str, Any]:
    """One fault."""
    return document(records.FAULTS, fault)


@endpoints.post(
    "/faults/<uuid:id>/decision", needs(Permission.DECIDE, of=Fault), body=DecisionBody(), answer=FaultDocument()
)
def decide(fault: Fault, wish: Wish) -> dict[str, Any]:
    """Supersede a verdict; gives the fault as it then stands.

    An override that lets the MSP pay what it did not pay before changes nothing yet: ``review_item_id`` names the question
    that a second person answers.
    """
    asked = call()
    check_version(FaultDocument(), lambda: document(records.FAULTS, fault))
    overrides.override(asked.session, asked.runtime, asked.principal, fault, wish, now=asked.now)
    asked.session.flush()
    return document(records.FAULTS, fault)


@endpoints.post("/faults/<uuid:id>/owner", needs(Permission.HANDLE, of=Fault), body=OwnerBody(), answer=FaultDocument())
def hand_over(fault: Fault, body: dict[str, Any]) -> dict[str, Any]:
    """Give a case to a colleague; where they are away, whoever stands in has it."""
    fault = held(fault)
    check_version(FaultDocument(), lambda: document(records.FAULTS, fault))
    to = None if body["owner"] is None else find(User, body["owner"], field="owner")
    owners.hand_over(call().session, fault, to, by_caller(body["reason"]))
    return document(records.FAULTS, fault)


@endpoints.get("/faults/<uuid:id>/debts", needs(Permission.READ, of=Fault), answer=DebtsDocument())
def show_debts(fault: Fault) -> dict[str, Any]:
    """What is still to be done before the case may be closed."""
    return {"items": [owed.document(debt) for debt in owed.owed(call().session, fault)]}


@endpoints.post(
    "/faults/<uuid:id>/transitions", needs(Permission.HANDLE, of=Fault), body=FaultMoveBody(), answer=FaultDocument()
)
def move_fault(fault: Fault, body: dict[str, Any]) -> dict[str, Any]:
    """Close a case that works again and owes nothing; 409 names what it owes."""
    asked = call()
    check_version(FaultDocument(), lambda: document(records.FAULTS, fault))
    owed.close(asked.session, asked.principal, fault, reason=body["reason"], now=asked.now)
    return document(records.FAULTS, fault)
