"""The MSP's own stock for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warranty.domain.access import Permission
from warranty.models import Fault, Product, StockLocation, StockUnit
from warranty.services import stock
from warranty.services.estate import serial_key
from warranty.web.api.base import Endpoints, by_caller, check_version, document, listed
from warranty.web.guards import call, find, needs
from warranty.web.schemas.lists import ListQuery, page_of
from warranty.web.schemas.stock import (
    LocationBody,
    LocationDocument,
    PutBackBody,
    ReceiveBody,
    ReceivedDocument,
    ReserveAnyBody,
    ReserveBody,
    StockQuery,
    StockReasonBody,
    StockUnitDocument,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

endpoints = Endpoints("stock", "Units on the MSP's own shelves: received, reserved for a case, issued, taken back.")


# --- stores ---


@endpoints.get(
    "/stock-locations", needs(Permission.READ, wide=True), query=ListQuery(), answer=page_of(LocationDocument)
)
def list_locations(query: dict[str, Any]) -> dict[str, Any]:
    """Stores."""
    return listed(stock.LOCATIONS, query)


@endpoints.post(
    "/stock-locations",
    needs(Permission.REGISTER, wide=True),
    body=LocationBody(),
    answer=LocationDocument(),
    status=201,
)
def add_location(body: dict[str, Any]) -> dict[str, Any]:
    """Add a store."""
    made = stock.add_location(call().session, **body, because=by_caller("registered through the API"))
    return document(stock.LOCATIONS, made)


@endpoints.get(
    "/stock-locations/<uuid:id>", needs(Permission.READ, of=StockLocation, wide=True), answer=LocationDocument()
)
def show_location(location: StockLocation) -> dict[str, Any]:
    """One store."""
    return document(stock.LOCATIONS, location)


# --- units ---


def _seen(unit: StockUnit) -> StockUnit:
    """The unit, as its caller has read it.

    Not locked: every change of a unit is a move, which fails where the unit is no longer in the state that was read.
    """
    check_version(StockUnitDocument(), lambda: document(stock.UNITS, unit))
    return unit


@endpoints.get("/stock", needs(Permission.READ, wide=True), query=StockQuery(), answer=page_of(StockUnitDocument))
def list_units(query: dict[str, Any]) -> dict[str, Any]:
    """Units in stock, reserved and issued, the newest first; ``?state=in_stock&count=true`` says how many are free."""
    where: list[ColumnElement[bool]] = []
    if query["product"] is not None:
        where.append(Product.public_id == query["product"])
    if query["location"] is not None:
        where.append(StockLocation.public_id == query["location"])
    if query["fault"] is not None:
        where.append(Fault.public_id == query["fault"])
    if query["serial_number"] is not None:
        where.append(StockUnit.serial_key == serial_key(query["serial_number"]))
    return listed(stock.UNITS, query, *where)


@endpoints.get("/stock/<uuid:id>", needs(Permission.READ, of=StockUnit, wide=True), answer=StockUnitDocument())
def show_unit(unit: StockUnit) -> dict[str, Any]:
    """One unit."""
    return document(stock.UNITS, unit)


@endpoints.post(
    "/stock", needs(Permission.HANDLE, wide=True), body=ReceiveBody(), answer=ReceivedDocument(), status=201
)
def receive(body: dict[str, Any]) -> dict[str, Any]:
    """Receive units: with serial numbers, or so many that bear none."""
    product = find(Product, body["product"], field="product")
    location = find(StockLocation, body["location"], field="location")
    units = stock.receive(
        call().session,
        product,
        location,
        serial_numbers=body["serial_numbers"],
        quantity=body["quantity"],
        because=by_caller(body["reason"]),
    )
    return {"items": stock.documents(call().session, units, now=call().now)}


@endpoints.post(
    "/stock/reserve", needs(Permission.HANDLE, wide=True), body=ReserveAnyBody(), answer=StockUnitDocument()
)
def reserve_any(body: dict[str, Any]) -> dict[str, Any]:
    """Reserve whichever unit of a product has lain longest."""
    fault = find(Fault, body["fault"], field="fault")
    product = find(Product, body["product"], field="product")
    location = None if body["location"] is None else find(StockLocation, body["location"], field="location")
    unit = stock.reserve_any(call().session, product, fault, location=location, because=by_caller(body["reason"]))
    return document(stock.UNITS, unit)


@endpoints.post(
    "/stock/<uuid:id>/reserve",
    needs(Permission.HANDLE, of=StockUnit, wide=True),
    body=ReserveBody(),
    answer=StockUnitDocument(),
)
def reserve(unit: StockUnit, body: dict[str, Any]) -> dict[str, Any]:
    """Reserve this unit for a case."""
    fault = find(Fault, body["fault"], field="fault")
    stock.reserve(call().session, _seen(unit), fault, because=by_caller(body["reason"]))
    return document(stock.UNITS, unit)


@endpoints.post(
    "/stock/<uuid:id>/release",
    needs(Permission.HANDLE, of=StockUnit, wide=True),
    body=StockReasonBody(),
    answer=StockUnitDocument(),
)
def release(unit: StockUnit, body: dict[str, Any]) -> dict[str, Any]:
    """Give a reserved unit free."""
    stock.release(call().session, _seen(unit), because=by_caller(body["reason"]))
    return document(stock.UNITS, unit)


@endpoints.post(
    "/stock/<uuid:id>/issue",
    needs(Permission.HANDLE, of=StockUnit, wide=True),
    body=StockReasonBody(),
    answer=StockUnitDocument(),
)
def issue(unit: StockUnit, body: dict[str, Any]) -> dict[str, Any]:
    """Hand a reserved unit out."""
    stock.issue(call().session, _seen(unit), because=by_caller(body["reason"]))
    return document(stock.UNITS, unit)


@endpoints.post(
    "/stock/<uuid:id>/put-back",
    needs(Permission.HANDLE, of=StockUnit, wide=True),
    body=PutBackBody(),
    answer=StockUnitDocument(),
)
def put_back(unit: StockUnit, body: dict[str, Any]) -> dict[str, Any]:
    """Take an issued unit back into a store."""
    location = find(StockLocation, body["location"], field="location")
    stock.put_back(call().session, _seen(unit), location, because=by_caller(body["reason"]))
    return document(stock.UNITS, unit)
