"""Stock: what programs send to it, and what they get of it."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import fields, validate

from warranty.domain.lifecycles import StockState
from warranty.services.stock import MOST_AT_ONCE
from warranty.web.schemas.fields import Record, Strict, line, word
from warranty.web.schemas.lists import ListQuery

# --- what is sent ---


class StockQuery(ListQuery):
    """Which units."""

    product = fields.UUID(load_default=None)
    location = fields.UUID(load_default=None)
    fault = fields.UUID(load_default=None)
    serial_number = line(64, load_default=None)
    state = word(StockState, load_default=None)


class LocationBody(Strict):
    """A new store."""

    example: ClassVar = {"name": "Utrecht, shelf 3"}

    name = line(200, needed=True)


class ReceiveBody(Strict):
    """Units that came in: ``serial_numbers``, or for parts that bear none ``quantity``."""

    example: ClassVar = {"serial_numbers": ["QX7T2K9", "QX7T2L1"], "quantity": 0, "reason": "Delivery 88213"}

    product = fields.UUID(required=True)
    location = fields.UUID(required=True)
    serial_numbers = fields.List(line(64, needed=True), load_default=list, validate=validate.Length(max=MOST_AT_ONCE))
    quantity = fields.Integer(strict=True, load_default=0, validate=validate.Range(0, MOST_AT_ONCE))
    reason = line(500, needed=True)


class ReserveBody(Strict):
    """The case that a unit is kept for."""

    fault = fields.UUID(required=True)
    reason = line(500, load_default="reserved through the API")


class ReserveAnyBody(ReserveBody):
    """Whichever unit of a product, from one store or from any."""

    product = fields.UUID(required=True)
    location = fields.UUID(load_default=None)


class StockReasonBody(Strict):
    """Why a unit is released or issued."""

    reason = line(500, needed=True)


class PutBackBody(StockReasonBody):
    """Where a unit that comes back goes."""

    location = fields.UUID(required=True)


# --- what is got ---


class LocationDocument(Record):
    """A store of the MSP."""

    id = fields.UUID()
    name = fields.String()


class StockUnitDocument(Record):
    """A unit; ``fault_id`` is the case that it is reserved or issued for."""

    id = fields.UUID()
    product = fields.UUID()
    location = fields.UUID()
    serial_number = fields.String()
    state = word(StockState)
    fault_id = fields.UUID(allow_none=True)
    received_at = fields.AwareDateTime()


class ReceivedDocument(Strict):
    """The units that were received."""

    items = fields.List(fields.Nested(StockUnitDocument))
