"""Claims, jobs and review items for programs."""

from __future__ import annotations

from typing import Any

from flask import Response

from warranty import db
from warranty.domain.access import Permission
from warranty.domain.terms import Party
from warranty.models import (
    AdHocJob,
    Asset,
    CoverageTransfer,
    Fault,
    HumanTask,
    Loan,
    Product,
    Rma,
    Shipment,
    StockLocation,
    StockUnit,
    Swap,
)
from warranty.services import (
    by_hand,
    following,
    moves,
    preparing,
    records,
    resolutions,
    rmas,
    shipments,
    specifications,
    swaps,
    tracking,
)
from warranty.services.swaps import Replacement
from warranty.services.tracking import Asked
from warranty.web.api.base import Endpoints, by_caller, check_version, document, held, listed
from warranty.web.guards import call, find, needs
from warranty.web.parcels import take_parcel
from warranty.web.schemas.cases import (
    RMA_FOR_CLIENT,
    FullRmaDocument,
    InputsBody,
    JobDocument,
    JobMoveBody,
    JobQuery,
    LendBody,
    LoanDocument,
    LoanQuery,
    ReplacementBody,
    ResolveBody,
    ReviewItemDocument,
    ReviewQuery,
    RmaDocument,
    RmaQuery,
    ShelveBody,
    ShipmentBody,
    ShipmentChangeBody,
    ShipmentDocument,
    ShipmentMoveBody,
    ShipmentQuery,
    SwapDocument,
    SwapMoveBody,
    SwapQuery,
    TakeBackBody,
    TransferBody,
    TransferDocument,
    TransferQuery,
    TransitionBody,
)
from warranty.web.schemas.faults import FaultDocument
from warranty.web.schemas.fields import Strict
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
    return _for_caller(_in_full(rma))


def _for_caller(rma: dict[str, Any]) -> dict[str, Any]:
    if not call().principal.is_client:
        return rma
    shown = {name: rma[name] for name in (*RMA_FOR_CLIENT, "shipments", "goods", "swap") if name in rma}
    return shown | ({"shipments": [_parcel_for_caller(one) for one in rma["shipments"]]} if "shipments" in rma else {})


def _in_full(rma: Rma) -> dict[str, Any]:
    return records.rma_in_full(call().session, call().runtime, rma, now=call().now)


def _full(rma: Rma) -> dict[str, Any]:
    moves.write_down(call().session)
    return _in_full(rma)


@endpoints.patch(
    "/rmas/<uuid:id>", needs(Permission.HANDLE, of=Rma), body=InputsBody(), answer=FullRmaDocument(), shows=_full
)
def give_inputs(rma: Rma, body: dict[str, Any]) -> None:
    """Give what the vendor asks for. A draft goes by itself as soon as nothing is missing."""
    asked = call()
    preparing.give(asked.session, asked.runtime, asked.principal, rma, now=asked.now, **body)


@endpoints.post(
    "/rmas/<uuid:id>/parts-list",
    needs(Permission.HANDLE, of=Rma),
    body=Strict(),
    answer=FullRmaDocument(),
    status=202,
)
def list_parts_afresh(rma: Rma, _body: dict[str, Any]) -> dict[str, Any]:
    """Ask the vendor anew which parts the unit has. Answers at once; the work is done by a worker."""
    asked = call()
    preparing.ask_afresh(asked.session, asked.runtime, held(rma), now=asked.now)
    return _full(rma)


@endpoints.post(
    "/rmas/<uuid:id>/transitions", needs(Permission.HANDLE, of=Rma), body=TransitionBody(), answer=FullRmaDocument()
)
def move_rma(rma: Rma, body: dict[str, Any]) -> dict[str, Any]:
    """Make a move by hand, with what the vendor said by telephone or portal."""
    asked, rma = call(), held(rma)
    check_version(FullRmaDocument(), lambda: _full(rma))
    rmas.transition(asked.session, asked.runtime, asked.principal, rma, body.pop("to"), now=asked.now, **body)
    return _full(rma)


@endpoints.post(
    "/rmas/<uuid:id>/track", needs(Permission.HANDLE, of=Rma), body=Strict(), answer=FullRmaDocument(), status=202
)
def track_rma(rma: Rma, _body: dict[str, Any]) -> dict[str, Any]:
    """Have a worker ask the vendor where the claim stands, before its turn comes. Answers at once, with what is known."""
    asked, rma = call(), held(rma)
    tracking.ask(asked.session, asked.runtime, rma, Asked(db.now(asked.session)))
    return _full(rma)


# --- parcels ---


def _shipment(shipment: Shipment) -> dict[str, Any]:
    return _parcel_for_caller(document(records.SHIPMENTS, shipment))


def _parcel_for_caller(shipment: dict[str, Any]) -> dict[str, Any]:
    """Our notes and proofs are not the client's business."""
    if not call().principal.is_client:
        return shipment
    return {name: value for name, value in shipment.items() if name not in {"note", "proof"}}


@endpoints.get(
    "/shipments", needs(Permission.READ, Permission.READ_OWN), query=ShipmentQuery(), answer=page_of(ShipmentDocument)
)
def list_shipments(query: dict[str, Any]) -> dict[str, Any]:
    """Parcels, the newest first."""
    where = [] if query["direction"] is None else [Shipment.direction == query["direction"]]
    page = listed(records.SHIPMENTS, query, *where)
    return page | {"items": [_parcel_for_caller(item) for item in page["items"]]}


@endpoints.get(
    "/shipments/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=Shipment), answer=ShipmentDocument()
)
def show_shipment(shipment: Shipment) -> dict[str, Any]:
    """One parcel."""
    return _shipment(shipment)


@endpoints.post(
    "/rmas/<uuid:id>/shipments",
    needs(Permission.HANDLE, of=Rma),
    body=ShipmentBody(),
    answer=ShipmentDocument(),
    status=201,
)
def add_shipment(rma: Rma, body: dict[str, Any]) -> dict[str, Any]:
    """Add a parcel of an approved claim: one more of several, or one that makes up for another."""
    asked = call()
    other = body.pop("makes_up_for")
    body["makes_up_for"] = None if other is None else find(Shipment, other, field="makes_up_for")
    parcel = take_parcel(body)
    return _shipment(shipments.add(asked.session, asked.principal, rma, parcel=parcel, now=asked.now, **body))


@endpoints.patch(
    "/shipments/<uuid:id>",
    needs(Permission.HANDLE, of=Shipment),
    body=ShipmentChangeBody(),
    answer=ShipmentDocument(),
    shows=_shipment,
)
def change_shipment(shipment: Shipment, body: dict[str, Any]) -> None:
    """Write down what else is known of a parcel: who brings it, when, what is in it, and what proves it."""
    asked = call()
    parcel = take_parcel(body)
    shipments.amend(asked.session, asked.principal, shipment, parcel, now=asked.now, **body)


@endpoints.post(
    "/shipments/<uuid:id>/transitions",
    needs(Permission.HANDLE, of=Shipment),
    body=ShipmentMoveBody(),
    answer=ShipmentDocument(),
)
def move_shipment(shipment: Shipment, body: dict[str, Any]) -> dict[str, Any]:
    """Move a parcel by hand, with what is known of it by now. For what it did not bring another one is expected."""
    asked = call()
    check_version(ShipmentDocument(), lambda: _shipment(shipment))
    parcel = take_parcel(body)
    shipments.move(asked.session, asked.principal, shipment, body.pop("to"), parcel, now=asked.now, **body)
    return _shipment(shipment)


# --- the work at the rack ---


def _swap(swap: Swap) -> dict[str, Any]:
    return document(records.SWAPS, swap)


@endpoints.get("/swaps", needs(Permission.READ, Permission.READ_OWN), query=SwapQuery(), answer=page_of(SwapDocument))
def list_swaps(query: dict[str, Any]) -> dict[str, Any]:
    """Swaps, the newest first."""
    return listed(records.SWAPS, query)


@endpoints.get("/swaps/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=Swap), answer=SwapDocument())
def show_swap(swap: Swap) -> dict[str, Any]:
    """One swap."""
    return _swap(swap)


@endpoints.post(
    "/swaps/<uuid:id>/transitions", needs(Permission.HANDLE, of=Swap), body=SwapMoveBody(), answer=SwapDocument()
)
def move_swap(swap: Swap, body: dict[str, Any]) -> dict[str, Any]:
    """Say what happened at the rack. Nothing is installed before its work is approved."""
    asked = call()
    check_version(SwapDocument(), lambda: _swap(swap))
    swaps.move(asked.session, asked.runtime, asked.principal, swap, body.pop("to"), now=asked.now, **body)
    return _swap(swap)


@endpoints.put(
    "/swaps/<uuid:id>/replacement", needs(Permission.HANDLE, of=Swap), body=ReplacementBody(), answer=SwapDocument()
)
def name_replacement(swap: Swap, body: dict[str, Any]) -> dict[str, Any]:
    """Say which unit or part has come, by its serial number; it is checked against what the vendor told."""
    asked = call()
    check_version(SwapDocument(), lambda: _swap(swap))
    product, read = body.pop("product"), (body.pop("specification"), body.pop("configuration"))
    found = None if product is None else find(Product, product, field="product")
    swaps.scan(asked.session, asked.principal, swap, Replacement(product=found, **body), now=asked.now)
    if any(part is not None for part in read):
        specifications.record_coming(asked.session, swap, *read, by_caller("read of the replacement"))
    asked.session.flush()
    return _swap(swap)


@endpoints.post("/swaps/<uuid:id>/restock", needs(Permission.HANDLE, of=Swap), body=ShelveBody(), answer=SwapDocument())
def restock(swap: Swap, body: dict[str, Any]) -> dict[str, Any]:
    """Put what the vendor sent on the shelf, where a unit of our own has taken the place."""
    asked = call()
    location = find(StockLocation, body.pop("location"), field="location")
    swaps.restock(asked.session, asked.principal, swap, location, now=asked.now, **body)
    asked.session.flush()
    return _swap(swap)


def _loan(loan: Loan) -> dict[str, Any]:
    return document(swaps.LOANS, loan)


@endpoints.get("/loans", needs(Permission.READ), query=LoanQuery(), answer=page_of(LoanDocument))
def list_loans(query: dict[str, Any]) -> dict[str, Any]:
    """Units that are or were lent, the newest first."""
    return listed(swaps.LOANS, query, *([Loan.back_at.is_(None)] if query["out"] else []))


@endpoints.get("/loans/<uuid:id>", needs(Permission.READ, of=Loan), answer=LoanDocument())
def show_loan(loan: Loan) -> dict[str, Any]:
    """One loan."""
    return _loan(loan)


@endpoints.post(
    "/faults/<uuid:id>/loans", needs(Permission.HANDLE, of=Fault), body=LendBody(), answer=LoanDocument(), status=201
)
def lend(fault: Fault, body: dict[str, Any]) -> dict[str, Any]:
    """Lend a unit of our own for the time of a case."""
    asked = call()
    unit = find(StockUnit, body.pop("unit"), field="unit")
    return _loan(swaps.lend(asked.session, asked.principal, fault, unit, now=asked.now, **body))


@endpoints.post(
    "/loans/<uuid:id>/return", needs(Permission.HANDLE, of=Loan), body=TakeBackBody(), answer=LoanDocument()
)
def take_back(loan: Loan, body: dict[str, Any]) -> dict[str, Any]:
    """The loaner is back on a shelf of ours."""
    asked = call()
    location = find(StockLocation, body.pop("location"), field="location")
    swaps.take_back(asked.session, asked.principal, loan, location, now=asked.now, **body)
    asked.session.flush()
    return _loan(loan)


def _transfer(transfer: CoverageTransfer) -> dict[str, Any]:
    return document(following.TRANSFERS, transfer)


@endpoints.get("/coverage-transfers", needs(Permission.READ), query=TransferQuery(), answer=page_of(TransferDocument))
def list_transfers(query: dict[str, Any]) -> dict[str, Any]:
    """What became of the cover of units that were replaced, the newest first."""
    where = [CoverageTransfer.way.is_(None)] if query["open"] else []
    if query["swap"] is not None:
        where.append(Swap.public_id == query["swap"])
    return listed(following.TRANSFERS, query, *where)


@endpoints.get("/coverage-transfers/<uuid:id>", needs(Permission.READ, of=CoverageTransfer), answer=TransferDocument())
def show_transfer(transfer: CoverageTransfer) -> dict[str, Any]:
    """One of them."""
    return _transfer(transfer)


@endpoints.post(
    "/coverage-transfers/<uuid:id>/decision",
    needs(Permission.HANDLE, of=CoverageTransfer),
    body=TransferBody(),
    answer=TransferDocument(),
)
def decide_transfer(transfer: CoverageTransfer, body: dict[str, Any]) -> dict[str, Any]:
    """Say that a contract was moved to the new serial number, or ends with the old unit."""
    asked = call()
    following.decide(asked.session, asked.principal, transfer, body.pop("way"), now=asked.now, **body)
    asked.session.flush()
    return _transfer(transfer)


# --- jobs ---


@endpoints.get("/jobs", needs(Permission.READ, Permission.READ_OWN), query=JobQuery(), answer=page_of(JobDocument))
def list_jobs(query: dict[str, Any]) -> dict[str, Any]:
    """Jobs with their priced lines, the newest first."""
    page = listed(records.JOBS, query)
    return page | {"items": [_own_lines(item) for item in page["items"]]}


@endpoints.get("/jobs/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=AdHocJob), answer=JobDocument())
def show_job(job: AdHocJob) -> dict[str, Any]:
    """One job."""
    return _job(job)


@endpoints.post(
    "/jobs/<uuid:id>/transitions",
    needs(Permission.BILL, Permission.APPROVE, of=AdHocJob),
    body=JobMoveBody(),
    answer=JobDocument(),
)
def move_job(job: AdHocJob, body: dict[str, Any]) -> dict[str, Any]:
    """Move a job; a client's approver says yes or no to what waits for approval, within the limit."""
    asked = call()
    check_version(JobDocument(), lambda: _job(job))
    by_hand.move_job(asked.session, asked.principal, job, body.pop("to"), now=asked.now, **body)
    return _job(job)


def _job(job: AdHocJob) -> dict[str, Any]:
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
    where = [HumanTask.resolved_at.is_not(None) if query["settled"] else HumanTask.resolved_at.is_(None)]
    if query["kind"] is not None:
        where.append(HumanTask.kind == query["kind"])
    return listed(records.REVIEW_ITEMS, query, *where)


@endpoints.get("/review-items/<uuid:id>", needs(Permission.READ, of=HumanTask), answer=ReviewItemDocument())
def show_review_item(item: HumanTask) -> dict[str, Any]:
    """One review item."""
    return document(records.REVIEW_ITEMS, item)


@endpoints.post(
    "/review-items/<uuid:id>/resolve",
    needs(Permission.DECIDE, Permission.HANDLE, of=HumanTask),
    body=ResolveBody(),
    answer=FaultDocument(),
    may_be_empty=True,
)
def resolve(item: HumanTask, body: dict[str, Any]) -> dict[str, Any] | Response:
    """Answer a review item; gives the fault as it then stands, where it stands on one. ``If-Match`` is about the item.

    Decisions are a service manager's; a technician confirms or declines what is proposed for a claim.
    """
    asked = call()
    check_version(ReviewItemDocument(), lambda: document(records.REVIEW_ITEMS, item))
    asset_id = body.pop("asset_id")
    asset = find(Asset, asset_id, field="asset_id") if asset_id is not None else None
    action = body.pop("action")
    fault = resolutions.resolve(
        asked.session, asked.runtime, asked.principal, item, action, now=asked.now, asset=asset, **body
    )
    asked.session.flush()
    return Response(status=204) if fault is None else document(records.FAULTS, fault)
