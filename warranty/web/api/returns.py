"""Defective units that go back to their vendors, and what they cost, for programs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Response

from warranty.domain.access import Permission
from warranty.domain.lifecycles import ShipmentDirection, ShipmentState
from warranty.models import CaseCost, File, Person, Shipment, User
from warranty.services import records, returns
from warranty.services.returns import Certificate, Plan
from warranty.web import slips
from warranty.web.api.base import Endpoints, by_caller, check_version, document, listed
from warranty.web.errors import Problem
from warranty.web.guards import call, find, needs
from warranty.web.schemas.lists import page_of
from warranty.web.schemas.returns import (
    CostBody,
    CostDocument,
    CostQuery,
    RetentionBody,
    ReturnChange,
    ReturnDocument,
    ReturnQuery,
    SettlementBody,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

endpoints = Endpoints("returns", "Defective units that go back: until when, who has them, and what they cost.")


def _return(parcel: Shipment) -> dict[str, Any]:
    return document(records.RETURNS, there(parcel))


def there(parcel: Shipment) -> Shipment:
    """The parcel, where it is one that goes back.

    Raises:
        Problem: ``not_found``.
    """
    if parcel.direction is not ShipmentDirection.TO_VENDOR:
        raise Problem("not_found")
    return parcel


@endpoints.get("/returns", needs(Permission.READ), query=ReturnQuery(), answer=page_of(ReturnDocument))
def list_returns(query: dict[str, Any]) -> dict[str, Any]:
    """Returns, the newest first; ``?overdue=true`` and ``?due_within=7`` by the day of UTC."""
    where: list[ColumnElement[bool]] = []
    today = call().now.date()
    if query["holder"] is not None:
        where.append(Shipment.holder == query["holder"])
    if query["overdue"]:
        where.append(Shipment.due_on < today)
    if query["due_within"] is not None:
        where.append(Shipment.due_on <= today + timedelta(query["due_within"]))
    if query["holder"] is not None or query["overdue"] or query["due_within"] is not None:
        where.append(Shipment.state == ShipmentState.DUE)
    return listed(records.RETURNS, query, *where)


@endpoints.get("/returns/<uuid:id>", needs(Permission.READ, of=Shipment), answer=ReturnDocument())
def show_return(parcel: Shipment) -> dict[str, Any]:
    """One return; its id is that of its parcel."""
    return _return(parcel)


@endpoints.patch(
    "/returns/<uuid:id>",
    needs(Permission.HANDLE, of=Shipment),
    body=ReturnChange(),
    answer=ReturnDocument(),
    shows=_return,
)
def plan_return(parcel: Shipment, body: dict[str, Any]) -> None:
    """Say who has the unit, where it goes, and what the vendor would bill."""
    reason, user_id, person_id = body.pop("reason"), body.pop("user_id"), body.pop("person_id")
    user = find(User, user_id, field="user_id") if user_id is not None else None
    person = find(Person, person_id, field="person_id") if person_id is not None else None
    returns.plan(call().session, parcel, Plan(user=user, person=person, **body), by_caller(reason))
    call().session.flush()


def _seen(parcel: Shipment) -> Shipment:
    check_version(ReturnDocument(), lambda: _return(parcel))
    return there(parcel)


@endpoints.post(
    "/returns/<uuid:id>/costs",
    needs(Permission.HANDLE, Permission.BILL, of=Shipment),
    body=CostBody(),
    answer=CostDocument(),
    status=201,
)
def charge_return(parcel: Shipment, body: dict[str, Any]) -> dict[str, Any]:
    """Write down what the vendor bills, who pays it, and whose doing it was."""
    made = returns.charge(call().session, _seen(parcel), body["cost"], by_caller(body["reason"]))
    return document(records.COSTS, made)


@endpoints.post(
    "/returns/<uuid:id>/retention",
    needs(Permission.HANDLE, of=Shipment),
    body=RetentionBody(),
    answer=ReturnDocument(),
)
def retain_return(parcel: Shipment, body: dict[str, Any]) -> dict[str, Any]:
    """Keep what would go back, with the certificate of its destruction."""
    because, paper = by_caller(body.pop("reason")), find(File, body.pop("file_id"), field="file_id")
    returns.retain(call().session, _seen(parcel), Certificate(paper, **body), because)
    return _return(parcel)


def slip(parcel: Shipment) -> Response:
    """The packing slip and the label of a return, to print."""
    return slips.answer(there(parcel))


_content = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}
_made = endpoints.blueprint.doc(responses={"200": {"description": "Two sheets, A4.", "content": _content}})(slip)
endpoints.blueprint.route("/returns/<uuid:id>/slip", methods=["GET"])(needs(Permission.READ, of=Shipment)(_made))


@endpoints.get("/costs", needs(Permission.READ), query=CostQuery(), answer=page_of(CostDocument))
def list_costs(query: dict[str, Any]) -> dict[str, Any]:
    """What cases cost beside their jobs, the newest first."""
    settled = query.pop("settled")
    where = {None: [], True: [CaseCost.settled_at.is_not(None)], False: [CaseCost.settled_at.is_(None)]}[settled]
    return listed(records.COSTS, query, *where)


@endpoints.get("/costs/<uuid:id>", needs(Permission.READ, of=CaseCost), answer=CostDocument())
def show_cost(cost: CaseCost) -> dict[str, Any]:
    """One cost."""
    return document(records.COSTS, cost)


@endpoints.post(
    "/costs/<uuid:id>/settlement", needs(Permission.BILL, of=CaseCost), body=SettlementBody(), answer=CostDocument()
)
def settle_cost(cost: CaseCost, body: dict[str, Any]) -> dict[str, Any]:
    """Say that a cost is paid or written off, and how; until then its case does not close."""
    check_version(CostDocument(), lambda: document(records.COSTS, cost))
    returns.settle(call().session, cost, by_caller(body["reason"]))
    return document(records.COSTS, cost)
