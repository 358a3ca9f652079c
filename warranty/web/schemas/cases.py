"""Claims, jobs and review items: what programs send about them and get of them."""

from __future__ import annotations

from marshmallow import fields

from warranty.domain.headline import ClientStep, Headline
from warranty.domain.lifecycles import (
    FaultState,
    JobState,
    RmaState,
    ShipmentDirection,
    ShipmentState,
    SwapKind,
    SwapSource,
    SwapState,
)
from warranty.domain.terms import Component, JobKind, Party, Share
from warranty.models.work import TaskKind
from warranty.services.resolutions import Action
from warranty.web.schemas.fields import Strict, line, text, word
from warranty.web.schemas.lists import ListQuery


class FaultQuery(ListQuery):
    """Which faults."""

    state = word(FaultState, load_default=None)
    client = fields.UUID(load_default=None)


class RmaQuery(ListQuery):
    """Which RMAs."""

    state = word(RmaState, load_default=None)
    client = fields.UUID(load_default=None)


class JobQuery(ListQuery):
    """Which jobs."""

    state = word(JobState, load_default=None)
    client = fields.UUID(load_default=None)


class ReviewQuery(ListQuery):
    """Which review items; those that are settled are left out unless asked for."""

    settled = fields.Boolean(load_default=False)
    client = fields.UUID(load_default=None)


class TransitionBody(Strict):
    """The move that a person makes with an RMA, with what the vendor told them."""

    to = word(RmaState, required=True)
    reason = text(2000, needed=True)
    vendor_case_number = line(64, load_default=None)
    rma_number = line(64, load_default=None)


class ResolveBody(Strict):
    """What a person answers to a review item; ``asset_id`` is the unit of ``identify``."""

    action = word(Action, required=True)
    asset_id = fields.UUID(load_default=None)
    reason = text(2000, needed=True)


class RmaDocument(Strict):
    """A claim at a vendor."""

    id = fields.UUID()
    client = fields.UUID()
    fault_id = fields.UUID()
    asset_id = fields.UUID()
    coverage_id = fields.UUID(allow_none=True)
    account = fields.UUID(allow_none=True)
    state = word(RmaState)
    headline = word(Headline)
    client_step = word(ClientStep)
    component = word(Component)
    component_ref = fields.String()
    client_reference = fields.String()
    vendor_case_number = fields.String(allow_none=True)
    rma_number = fields.String(allow_none=True)
    vendor_status = fields.String(allow_none=True)
    vendor_reason = fields.String(allow_none=True)
    needs_attention = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()


class ShipmentDocument(Strict):
    """One parcel."""

    direction = word(ShipmentDirection)
    state = word(ShipmentState)
    carrier = fields.String()
    tracking_number = fields.String()
    due_on = fields.Date(allow_none=True)


class SwapDocument(Strict):
    """What happens at the rack."""

    id = fields.UUID()
    kind = word(SwapKind)
    source = word(SwapSource)
    state = word(SwapState)


class EventDocument(Strict):
    """One thing that happened to the case."""

    at = fields.AwareDateTime()
    actor = fields.String()
    record = fields.String()
    action = fields.String()
    old_state = fields.String(allow_none=True)
    new_state = fields.String(allow_none=True)
    reason = fields.String()
    vendor_status = fields.String(allow_none=True)


class CallDocument(Strict):
    """One call to the vendor as it went over the wire; secrets and people are masked."""

    at = fields.AwareDateTime()
    method = fields.String()
    url = fields.String()
    status = fields.Integer(allow_none=True)
    request = fields.String()
    response = fields.String()
    trouble = fields.String(allow_none=True)
    duration_ms = fields.Integer()


class FullRmaDocument(RmaDocument):
    """A claim with everything that is known of it."""

    shipments = fields.List(fields.Nested(ShipmentDocument))
    swap = fields.Nested(SwapDocument, allow_none=True)
    timeline = fields.List(fields.Nested(EventDocument))
    vendor_calls = fields.List(fields.Nested(CallDocument))


RMA_FOR_CLIENT = (
    "id",
    "client",
    "fault_id",
    "asset_id",
    "headline",
    "client_step",
    "component",
    "component_ref",
    "client_reference",
    "rma_number",
    "created_at",
)
"""What a client sees of a claim: no vendor's word, no note of ours. In full also ``shipments`` and ``swap``."""


class LineDocument(Strict):
    """One priced line and who pays it; the prices are null while it is not priced."""

    position = fields.Integer()
    what = fields.String()
    description = fields.String()
    share = word(Share)
    payer = word(Party)
    quantity_hundredths = fields.Integer()
    unit_price_minor = fields.Integer(allow_none=True)
    amount_minor = fields.Integer(allow_none=True)


class JobDocument(Strict):
    """An ad hoc job. Amounts are minor units of ``currency``; ``totals_minor`` is by payer."""

    id = fields.UUID()
    client = fields.UUID()
    reference = fields.String()
    fault_id = fields.UUID()
    asset_id = fields.UUID()
    rma_id = fields.UUID(allow_none=True)
    kind = word(JobKind)
    state = word(JobState)
    component = word(Component)
    component_ref = fields.String()
    currency = fields.String()
    lines = fields.List(fields.Nested(LineDocument))
    totals_minor = fields.Dict(keys=fields.String(), values=fields.Integer())
    total_minor = fields.Integer()
    is_priced = fields.Boolean()
    vendor_reason = fields.String(allow_none=True)
    info_missing = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()


class ReviewItemDocument(Strict):
    """Something that waits for a person."""

    id = fields.UUID()
    client = fields.UUID()
    kind = word(TaskKind)
    fault_id = fields.UUID()
    asset_id = fields.UUID(allow_none=True)
    rma_id = fields.UUID(allow_none=True)
    serial_number = fields.String()
    why = fields.String()
    created_at = fields.AwareDateTime()
    resolved_at = fields.AwareDateTime(allow_none=True)
    resolved_by = fields.String(allow_none=True)
    resolution = fields.String(allow_none=True)
