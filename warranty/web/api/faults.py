"""Faults and decisions for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warranty.domain.access import Permission
from warranty.models import Fault
from warranty.services import faults, records
from warranty.web.api.base import Endpoints, document, id_of, listed
from warranty.web.guards import call, needs
from warranty.web.schemas.cases import FaultQuery
from warranty.web.schemas.faults import FaultBody, FaultDocument, OutcomeDocument, QuestionBody, VerdictDocument
from warranty.web.schemas.lists import page_of

if TYPE_CHECKING:
    from warranty.services.faults import FaultFacts, Outcome

endpoints = Endpoints("faults", "Faults: from the report to exactly one route.")


@endpoints.post(
    "/decisions/preview",
    needs(Permission.REPORT, Permission.READ, writes=False),
    body=QuestionBody(),
    answer=VerdictDocument(),
)
def preview(facts: FaultFacts) -> dict[str, Any]:
    """Decide without opening anything."""
    verdict, file = faults.preview(call().session, call().principal, facts, now=call().now)
    return {"asset_id": file.case.asset.id if file.case.asset else None, **verdict.to_document()}


@endpoints.post("/faults", needs(Permission.REPORT, key=True), body=FaultBody(), answer=OutcomeDocument(), status=201)
def report(facts: FaultFacts) -> dict[str, Any]:
    """Report a fault. Needs an Idempotency-Key."""
    asked = call()
    return outcome(faults.report(asked.session, asked.runtime, asked.principal, facts, now=asked.now))


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
    return listed(records.FAULTS, query)


@endpoints.get("/faults/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=Fault), answer=FaultDocument())
def show_fault(fault: Fault) -> dict[str, Any]:
    """One fault."""
    return document(records.FAULTS, fault)
