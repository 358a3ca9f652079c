"""Claims, jobs and review items for programs."""

from __future__ import annotations

from typing import Any

from warranty.domain.access import Permission
from warranty.domain.terms import Party
from warranty.models import AdHocJob, Asset, HumanTask, Rma
from warranty.services import moves, records, resolutions, rmas
from warranty.web.api.base import Endpoints, document, listed
from warranty.web.guards import call, find, needs
from warranty.web.schemas.cases import (
    RMA_FOR_CLIENT,
    FullRmaDocument,
    JobDocument,
    JobQuery,
    ResolveBody,
    ReviewItemDocument,
    ReviewQuery,
    RmaDocument,
    RmaQuery,
    TransitionBody,
)
from warranty.web.schemas.faults import FaultDocument
from warranty.web.schemas.lists import page_of

endpoints = Endpoints("cases", "What a fault led to: a claim at a vendor, a job, a person's task.")


# --- claims at vendors ---


@endpoints.get("/rmas", needs(Permission.READ, Permission.READ_OWN), query=RmaQuery(), answer=page_of(RmaDocument))
def list_rmas(query: dict[str, Any]) -> dict[str, Any]:
    """Claims, the newest first."""
    page = listed(records.RMAS, query)
    return page | {"items": [_for_caller(item) for item in page["items"]]}


@endpoints.get("/rmas/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=Rma), answer=FullRmaDocument())
def show_rma(rma: Rma) -> dict[str, Any]:
    """One claim, with its goods, its timeline and every call to its vendor."""
    return _for_caller(records.rma_in_full(call().session, rma, now=call().now))


def _for_caller(rma: dict[str, Any]) -> dict[str, Any]:
    if not call().principal.is_client:
        return rma
    return {name: rma[name] for name in (*RMA_FOR_CLIENT, "shipments", "swap") if name in rma}


@endpoints.post(
    "/rmas/<uuid:id>/transitions", needs(Permission.HANDLE, of=Rma), body=TransitionBody(), answer=FullRmaDocument()
)
def move_rma(rma: Rma, body: dict[str, Any]) -> dict[str, Any]:
    """Make a move by hand, with what the vendor said by telephone or portal."""
    asked = call()
    rmas.transition(asked.session, asked.runtime, asked.principal, rma, body.pop("to"), now=asked.now, **body)
    moves.write_down(asked.session)
    return records.rma_in_full(asked.session, rma, now=asked.now)


# --- jobs ---


@endpoints.get("/jobs", needs(Permission.READ, Permission.READ_OWN), query=JobQuery(), answer=page_of(JobDocument))
def list_jobs(query: dict[str, Any]) -> dict[str, Any]:
    """Jobs with their priced lines, the newest first."""
    page = listed(records.JOBS, query)
    return page | {"items": [_own_lines(item) for item in page["items"]]}


@endpoints.get("/jobs/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=AdHocJob), answer=JobDocument())
def show_job(job: AdHocJob) -> dict[str, Any]:
    """One job."""
    return _own_lines(document(records.JOBS, job))


def _own_lines(job: dict[str, Any]) -> dict[str, Any]:
    """What the MSP or a vendor pays is not the client's business."""
    if not call().principal.is_client:
        return job
    lines = [line for line in job["lines"] if line["payer"] is Party.CLIENT]
    owed = job["totals_minor"].get(Party.CLIENT, 0)
    hidden = {"total_minor", "vendor_reason", "info_missing", "is_priced"}
    shown = {name: value for name, value in job.items() if name not in hidden}
    return shown | {"lines": lines, "totals_minor": {Party.CLIENT.value: owed}}


# --- what waits for a person ---


@endpoints.get("/review-items", needs(Permission.READ), query=ReviewQuery(), answer=page_of(ReviewItemDocument))
def list_review_items(query: dict[str, Any]) -> dict[str, Any]:
    """What waits for a person, the newest first."""
    settled = HumanTask.resolved_at.is_not(None) if query["settled"] else HumanTask.resolved_at.is_(None)
    return listed(records.REVIEW_ITEMS, query, settled)


@endpoints.post(
    "/review-items/<uuid:id>/resolve",
    needs(Permission.DECIDE, of=HumanTask),
    body=ResolveBody(),
    answer=FaultDocument(),
)
def resolve(item: HumanTask, body: dict[str, Any]) -> dict[str, Any]:
    """Answer a review item; gives the fault as it then stands."""
    asked = call()
    asset = find(Asset, body["asset_id"], field="asset_id") if body["asset_id"] is not None else None
    fault = resolutions.resolve(
        asked.session,
        asked.runtime,
        asked.principal,
        item,
        body["action"],
        reason=body["reason"],
        now=asked.now,
        asset=asset,
    )
    asked.session.flush()
    return document(records.FAULTS, fault)
