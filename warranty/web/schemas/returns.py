"""Defective units that go back, and what they cost: what programs send about them and get of them."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validate, validates

from warranty.domain.lifecycles import ShipmentState
from warranty.domain.returns import MOST_DAYS, Basis, Blame, CostKind, Holder, Starts
from warranty.domain.terms import Party
from warranty.services.returns import PAYERS, Cost
from warranty.web.schemas.examples import LEFT_OUT
from warranty.web.schemas.fields import Record, Strict, day, line, text, word
from warranty.web.schemas.lists import ListQuery

MOST_MINOR = 10**12


def currency(**options: Any) -> fields.String:
    """The code of a currency: ``EUR``."""
    return fields.String(validate=validate.Regexp(r"^[A-Z]{3}\Z", error="Is no code of a currency: EUR."), **options)


def amount(**options: Any) -> fields.Integer:
    """Money in minor units."""
    return fields.Integer(strict=True, validate=validate.Range(1, MOST_MINOR), **options)


# --- what is sent ---


class ReturnQuery(ListQuery):
    """Which returns. ``overdue``, ``due_within`` (days) and ``holder`` are about those that wait to be sent."""

    client = fields.UUID(load_default=None)
    state = word(ShipmentState, load_default=None)
    holder = word(Holder, load_default=None)
    overdue = fields.Boolean(load_default=False)
    due_within = fields.Integer(load_default=None, validate=validate.Range(0, MOST_DAYS))


class ReturnChange(Strict):
    """Who has the unit, where it goes, and what the vendor would bill; what is left out stays as it is.

    ``user_id`` with the holder ``colleague``, ``person_id`` with ``contact``.
    """

    example: ClassVar = {
        "holder": "client",
        "user_id": LEFT_OUT,
        "person_id": LEFT_OUT,
        "return_address": "Industrieweg 118, 5683 CG Best",
        "charge_minor": 41200,
        "currency": "EUR",
        "reason": "It stands in their rack.",
    }

    holder = word(Holder, load_default=None)
    user_id = fields.UUID(load_default=None)
    person_id = fields.UUID(load_default=None)
    return_address = text(500, load_default=None)
    keeps_media = fields.Boolean(load_default=None, truthy={True}, falsy={False})
    charge_minor = amount(load_default=None)
    currency = currency(load_default=None)
    reason = text(2000, needed=True)


class CostBody(Strict):
    """What a return costs. ``non_return`` ends it as ``charged``; the others come after it was sent."""

    example: ClassVar = {"kind": "non_return", "amount_minor": 41200, "payer": "client", "blame": "client"}

    kind = word(CostKind, required=True)
    amount_minor = amount(required=True)
    currency = currency(required=True)
    payer = word(Party, required=True)
    blame = word(Blame, required=True)
    reason = text(2000, needed=True)

    @validates("payer")
    def _can_pay(self, payer: Party, data_key: str) -> None:
        del data_key
        if payer not in PAYERS:
            raise ValidationError(f"One of {', '.join(sorted(PAYERS))} pays it.")

    @post_load
    def cost(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Make the service's value."""
        return {"reason": data.pop("reason"), "cost": Cost(**data)}


class RetentionBody(Strict):
    """The certificate of destruction of what is kept: a file of the case, who did it, when and how."""

    example: ClassVar = {
        "destroyed_by": "Shred & Co",
        "destroyed_on": "2026-06-02",
        "method": "DIN 66399 H-5",
        "reason": "The contract lets us keep the disk.",
    }

    file_id = fields.UUID(required=True)
    destroyed_by = line(200, needed=True)
    destroyed_on = day(required=True)
    method = line(200, needed=True)
    reason = text(2000, needed=True)


class CostQuery(ListQuery):
    """Which costs; ``settled`` true or false."""

    client = fields.UUID(load_default=None)
    settled = fields.Boolean(load_default=None)


class SettlementBody(Strict):
    """How a cost was settled."""

    example: ClassVar = {"reason": "Paid with invoice 2026-118."}

    reason = text(2000, needed=True)


# --- what is got ---


class RuleDocument(Strict):
    """What the vendor's rule was counted from."""

    example: ClassVar = {"region": "DE-BE", "time_zone": "Europe/Berlin"}

    starts = word(Starts)
    started_at = fields.AwareDateTime()
    started_on = fields.Date()
    days = fields.Integer()
    business_days = fields.Boolean()
    time_zone = fields.String()
    region = fields.String()


class ReturnDocument(Record):
    """A defective unit that goes back.

    ``due_on`` is inclusive; ``told_on`` goes before ``rule_on``, and ``due_basis`` says which of them it is.

    ``exposure_minor`` is what is billed if it does not come back: the vendor's word, else the list price.
    """

    id = fields.UUID()
    client = fields.UUID()
    fault_id = fields.UUID()
    rma_id = fields.UUID()
    asset_id = fields.UUID()
    serial_number = fields.String()
    rma_number = fields.String(allow_none=True)
    account = fields.UUID(allow_none=True)
    state = word(ShipmentState)
    carrier = fields.String()
    tracking_number = fields.String()
    due_on = fields.Date(allow_none=True)
    due_basis = word(Basis, allow_none=True)
    told_on = fields.Date(allow_none=True)
    rule_on = fields.Date(allow_none=True)
    rule = fields.Nested(RuleDocument, allow_none=True)
    send_by = fields.Date(allow_none=True)
    reminded = fields.Integer()
    exposure_minor = fields.Integer(allow_none=True)
    currency = fields.String(allow_none=True)
    is_vendors_charge = fields.Boolean()
    holder = word(Holder)
    user_id = fields.UUID(allow_none=True)
    person_id = fields.UUID(allow_none=True)
    holder_reason = fields.String()
    return_address = fields.String()
    keeps_media = fields.Boolean()
    destroyed_by = fields.String()
    destroyed_on = fields.Date(allow_none=True)
    method = fields.String()


class CostDocument(Record):
    """Money that a case cost beside its jobs."""

    id = fields.UUID()
    client = fields.UUID()
    fault_id = fields.UUID()
    return_id = fields.UUID()
    kind = word(CostKind)
    amount_minor = fields.Integer()
    currency = fields.String()
    payer = word(Party)
    blame = word(Blame)
    reason = fields.String()
    created_at = fields.AwareDateTime()
    created_by = fields.String()
    settled_at = fields.AwareDateTime(allow_none=True)
    settled_by = fields.String(allow_none=True)
    settlement = fields.String(allow_none=True)
