"""Claims, jobs and review items: what programs send about them and get of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import fields, post_load, validate

from vendors.contract import Need
from warranty.domain.goods import MOST_LINES, MOST_OF_ONE, Line, Rest
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
from warranty.domain.terms import Component, JobKind, OverrideCode, Party, Share, VerdictWord
from warranty.models.cases import TransferWay
from warranty.models.work import TaskKind
from warranty.services.inputs import MOST_PARTS
from warranty.services.overrides import Wish
from warranty.services.owed import Place
from warranty.services.preparing import Given
from warranty.services.proposals import Proposal
from warranty.services.resolutions import Action
from warranty.services.shipments import Unpacked
from warranty.web.schemas.examples import LEFT_OUT
from warranty.web.schemas.faults import ContactBody, ShipToBody
from warranty.web.schemas.fields import Record, Strict, line, moment, text, word
from warranty.web.schemas.lists import ListQuery
from warranty.web.schemas.specifications import Inventory


class FaultQuery(ListQuery):
    """Which faults; ``q`` is looked for in reference, serial number and symptom, ``since`` is about the report."""

    state = word(FaultState, load_default=None)
    client = fields.UUID(load_default=None)
    asset = fields.UUID(load_default=None)
    q = line(100, load_default=None)
    since = moment(load_default=None)


class OwnerBody(Strict):
    """Who is to look after a case; null gives it back to all."""

    owner = fields.UUID(required=True, allow_none=True)
    reason = text(2000, needed=True)


class FaultMoveBody(Strict):
    """The end of a case that works again."""

    example: ClassVar[Mapping[str, Any]] = {"to": "closed", "reason": "The client is content."}

    to = word(
        FaultState,
        required=True,
        validate=validate.OneOf(
            [FaultState.CLOSED], error="A person closes a case; the rest follows from its records."
        ),
    )
    reason = text(2000, needed=True)


class DebtDocument(Strict):
    """One thing that is still to be done before the case may be closed; ``where`` is the part of its page that mends it."""

    code = fields.String()
    params = fields.Dict(keys=fields.String(), values=fields.String())
    text = fields.String()
    where = word(Place)


class DebtsDocument(Strict):
    """What a case still owes; nothing where it may be closed."""

    items = fields.List(fields.Nested(DebtDocument))


class RmaQuery(ListQuery):
    """Which RMAs."""

    state = word(RmaState, load_default=None)
    client = fields.UUID(load_default=None)


class ShipmentQuery(ListQuery):
    """Which parcels."""

    state = word(ShipmentState, load_default=None)
    direction = word(ShipmentDirection, load_default=None)
    client = fields.UUID(load_default=None)


class SwapQuery(ListQuery):
    """Which swaps."""

    state = word(SwapState, load_default=None)
    client = fields.UUID(load_default=None)


class JobQuery(ListQuery):
    """Which jobs."""

    state = word(JobState, load_default=None)
    client = fields.UUID(load_default=None)


class ReviewQuery(ListQuery):
    """Which review items; those that are settled are left out unless asked for."""

    settled = fields.Boolean(load_default=False)
    kind = word(TaskKind, load_default=None)
    client = fields.UUID(load_default=None)


def part_codes(**options: Any) -> fields.List[Any]:
    """Codes of a vendor's parts list."""
    each = line(64, needed=True)
    return fields.List(each, validate=validate.Length(max=MOST_PARTS), **options)


MOST_FILES = 50
"""More than anybody sends along with one claim."""


class TransitionBody(Strict):
    """The move that a person makes with an RMA, with what the vendor told them; ``expires_on`` is the number's last day."""

    example: ClassVar[Mapping[str, Any]] = {
        "to": "authorized",
        "reason": "By telephone.",
        "vendor_case_number": "C-4711",
        "rma_number": "R-88213",
        "expires_on": LEFT_OUT,
        "parts": LEFT_OUT,
    }

    to = word(RmaState, required=True)
    reason = text(2000, needed=True)
    vendor_case_number = line(64, load_default=None)
    rma_number = line(64, load_default=None)
    expires_on = fields.Date(load_default=None)
    parts = part_codes(load_default=None)


class InputsBody(Strict):
    """What a vendor asks for, and what goes along; what is left out stays as it is.

    ``parts`` are codes of ``parts_offered``, ``files`` ids of ``files_offered``.
    """

    example: ClassVar[Mapping[str, Any]] = {
        "ship_to": LEFT_OUT,
        "troubleshooting": "Reseated it, other slot, same.",
        "diagnostic_code": "2000-0142",
        "parts": ["HDD"],
        "files": ["0b2f8a52-6f0e-4a0e-9d52-3f6c1d1f7a11"],
    }

    contact = fields.Nested(ContactBody, load_default=None)
    ship_to = fields.Nested(ShipToBody, load_default=None)
    troubleshooting = text(10_000, load_default=None)
    diagnostic_code = line(120, load_default=None)
    parts = part_codes(load_default=None)
    files = fields.List(fields.UUID(), load_default=None, validate=validate.Length(max=MOST_FILES))

    @post_load
    def given(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Make the service's value."""
        return {"given": Given(**data)}


class PartBody(Strict):
    """One kind of part in a parcel, and how many of it."""

    example: ClassVar[Mapping[str, Any]] = {"part": "PSU-750W", "quantity": 2, "serial_number": LEFT_OUT}

    part = line(120, needed=True)
    quantity = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, MOST_OF_ONE))
    serial_number = line(64, load_default="")

    @post_load
    def made(self, data: dict[str, Any], **_options: Any) -> Line:
        """As the services know it."""
        return Line(data["part"], data["quantity"], serial_number=data["serial_number"])


class _ParcelBody(Strict):
    """What is known of a parcel; what is left out stays as it is.

    Days are those of the unit's site. ``signed_by`` is whom the carrier names as proof of delivery, ``proof`` the id of a
    file of the case that proves that it was sent or delivered.
    """

    carrier = line(64, load_default=None)
    tracking_number = line(120, load_default=None)
    due_on = fields.Date(load_default=None)
    sent_on = fields.Date(load_default=None)
    delivered_on = fields.Date(load_default=None)
    signed_by = line(120, load_default=None)
    note = text(2000, load_default=None)
    proof = fields.UUID(load_default=None)
    parts = fields.List(fields.Nested(PartBody), load_default=None, validate=validate.Length(max=MOST_LINES))
    reason = text(2000, needed=True)


class ShipmentBody(_ParcelBody):
    """A parcel that the vendor does not tell of by itself; ``makes_up_for`` is one that did not bring what it should have."""

    example: ClassVar[Mapping[str, Any]] = {
        "direction": "to_us",
        "parts": [{"part": "PSU-750W", "quantity": 1}],
        "proof": LEFT_OUT,
        "makes_up_for": LEFT_OUT,
    }

    direction = word(ShipmentDirection, required=True)
    makes_up_for = fields.UUID(load_default=None)


class ShipmentChangeBody(_ParcelBody):
    """What else is known of a parcel by now; ``rest`` ``given_up``: nobody waits any more for one that is expected."""

    example: ClassVar[Mapping[str, Any]] = {"due_on": "2026-12-04", "reason": "The carrier says so.", "proof": LEFT_OUT}

    rest = word(Rest, load_default=Rest.EXPECTED)


class ArrivedBody(Strict):
    """How many of one part came, and were right."""

    part = line(120, needed=True)
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST_OF_ONE))


class ShipmentMoveBody(_ParcelBody):
    """The move of a parcel that a person saw, with what is known of it by now.

    Where it ends without all that it should have brought, ``arrived`` says what was right (left out: all where it is booked in,
    none where it was wrong or damaged), and ``rest`` whether another parcel is expected for what was not, on ``rest_due_on``.
    """

    example: ClassVar[Mapping[str, Any]] = {
        "to": "delivered",
        "reason": "It is at the goods-in.",
        "proof": LEFT_OUT,
        "parts": LEFT_OUT,
        "arrived": LEFT_OUT,
    }

    to = word(ShipmentState, required=True)
    arrived = fields.List(fields.Nested(ArrivedBody), load_default=None, validate=validate.Length(max=MOST_LINES))
    rest = word(Rest, load_default=Rest.EXPECTED)
    rest_due_on = fields.Date(load_default=None)

    @post_load
    def unpacked(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Put what came together."""
        came = data.pop("arrived")
        arrived = None if came is None else {one["part"]: one["quantity"] for one in came}
        return data | {"unpacked": Unpacked(arrived, data.pop("rest"), data.pop("rest_due_on"))}


class SwapMoveBody(Strict):
    """What happened at the rack."""

    example: ClassVar[Mapping[str, Any]] = {"to": "received", "reason": "It lies on the bench."}

    to = word(SwapState, required=True)
    reason = text(2000, needed=True)


class ReplacementBody(Strict):
    """The unit or part that has come, by what stands on it; what is left out stays as it is planned.

    ``product`` is named where it is another than was agreed, ``substitute`` says where the vendor named that one.
    ``specification`` and ``configuration`` are what was read of it. ``differs``: it bears another serial number than the
    vendor told, and somebody has looked twice.
    """

    example: ClassVar[Mapping[str, Any]] = {
        "serial_number": "",
        "kind": LEFT_OUT,
        "source": LEFT_OUT,
        "product": LEFT_OUT,
        "specification": LEFT_OUT,
        "configuration": LEFT_OUT,
    }

    serial_number = line(64, load_default="")
    kind = word(SwapKind, load_default=None)
    source = word(SwapSource, load_default=None)
    product = fields.UUID(load_default=None)
    substitute = line(200, load_default="")
    specification = Inventory(load_default=None)
    configuration = Inventory(load_default=None)
    differs = fields.Boolean(load_default=False)


class LendBody(Strict):
    """A unit of the MSP's own that stands in for the faulty one."""

    unit = fields.UUID(required=True)
    reason = text(2000, needed=True)


class ShelveBody(Strict):
    """Onto which shelf a unit goes; ``serial_number`` where it bears one."""

    location = fields.UUID(required=True)
    serial_number = line(64, load_default="")
    reason = text(2000, needed=True)


class TakeBackBody(Strict):
    """Onto which shelf the loaner goes."""

    location = fields.UUID(required=True)
    reason = text(2000, needed=True)


class TransferBody(Strict):
    """Whether a contract was moved to the new serial number at whoever keeps it, or ends with the old unit."""

    example: ClassVar[Mapping[str, Any]] = {"way": "moved", "reason": "Confirmed by mail."}

    way = word(
        TransferWay,
        required=True,
        validate=validate.NoneOf([TransferWay.FOLLOWED], error="Only the vendor's own rule says that."),
    )
    reason = text(2000, needed=True)


class JobMoveBody(Strict):
    """The move of a job."""

    example: ClassVar[Mapping[str, Any]] = {"to": "awaiting_approval", "reason": "Sent to the client."}

    to = word(JobState, required=True)
    reason = text(2000, needed=True)


class OverrideBody(Strict):
    """The verdict that is wanted: who wins each share. ``covered`` names both, ``partly_covered`` the parts only."""

    example: ClassVar[Mapping[str, Any]] = {"verdict": "not_covered", "parts": None, "labour": None}

    verdict = word(
        VerdictWord,
        required=True,
        validate=validate.NoneOf([VerdictWord.NEEDS_REVIEW], error="A person decides: needs_review is no verdict."),
    )
    parts = fields.UUID(required=True, allow_none=True)
    labour = fields.UUID(required=True, allow_none=True)


class DecisionBody(Strict):
    """A verdict of a person's own, and why."""

    override = fields.Nested(OverrideBody, required=True)
    reason_code = word(OverrideCode, required=True)
    reason = text(2000, needed=True)

    @post_load
    def wish(self, data: dict[str, Any], **_options: Any) -> Wish:
        """Make the service's value."""
        return Wish(**data["override"], code=data["reason_code"], reason=data["reason"])


NUMBERS = ("vendor_case_number", "rma_number", "carrier", "tracking_number")


class ResolveBody(Strict):
    """What a person answers to a review item.

    ``asset_id`` is the unit of ``identify``; ``override`` with ``reason_code`` the verdict of ``override``, left out where
    it means yes to somebody else's. ``proposal`` is which one ``confirm`` or ``decline`` is about, by its place; left out,
    the only one that waits is confirmed, or all are declined. The numbers are confirmed instead of those proposed.
    """

    example: ClassVar[Mapping[str, Any]] = {
        "action": "confirm",
        "asset_id": LEFT_OUT,
        "override": LEFT_OUT,
        "reason_code": LEFT_OUT,
        "carrier": LEFT_OUT,
        "tracking_number": LEFT_OUT,
        "vendor_case_number": LEFT_OUT,
        "rma_number": "R-88213",
    }

    action = word(Action, required=True)
    asset_id = fields.UUID(load_default=None)
    override = fields.Nested(OverrideBody, load_default=None)
    reason_code = word(OverrideCode, load_default=OverrideCode.OTHER)
    proposal = fields.Integer(strict=True, load_default=None, validate=validate.Range(1, 1000))
    vendor_case_number = line(64)
    rma_number = line(64)
    carrier = line(64)
    tracking_number = line(120)
    reason = text(2000, needed=True)

    @post_load
    def answer(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Put what is wanted together."""
        asked, code = data.pop("override"), data.pop("reason_code")
        numbers = Proposal(**{name: data.pop(name).strip() for name in NUMBERS})
        return data | {"wish": asked and Wish(**asked, code=code, reason=data["reason"]), "numbers": numbers}


class RmaDocument(Record):
    """A claim at a vendor."""

    id = fields.UUID()
    client = fields.UUID()
    fault_id = fields.UUID()
    asset_id = fields.UUID()
    parent_id = fields.UUID(allow_none=True)
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
    expires_on = fields.Date(allow_none=True)
    parts = fields.List(fields.String())
    files = fields.List(fields.UUID())
    denials = fields.Integer()
    vendor_status = fields.String(allow_none=True)
    vendor_reason = fields.String(allow_none=True)
    needs_attention = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()


class PartDocument(Strict):
    """One kind of part in a parcel: how many it should hold, how many came and were right, how many nobody waits for."""

    part = fields.String()
    quantity = fields.Integer()
    arrived = fields.Integer()
    given_up = fields.Integer()
    serial_number = fields.String()


class ShipmentDocument(Record):
    """One parcel; ``makes_up_for`` is another one that did not bring what it should have."""

    example: ClassVar[Mapping[str, Any]] = {"proof": None, "makes_up_for": None}

    id = fields.UUID()
    client = fields.UUID()
    rma_id = fields.UUID()
    direction = word(ShipmentDirection)
    state = word(ShipmentState)
    carrier = fields.String()
    tracking_number = fields.String()
    due_on = fields.Date(allow_none=True)
    sent_on = fields.Date(allow_none=True)
    delivered_on = fields.Date(allow_none=True)
    signed_by = fields.String()
    note = fields.String()
    proof = fields.UUID(allow_none=True)
    parts = fields.List(fields.Nested(PartDocument))
    makes_up_for = fields.UUID(allow_none=True)


class CountDocument(Strict):
    """One kind of part over all parcels that go one way: what was promised, what came, and what is still owed."""

    direction = word(ShipmentDirection)
    part = fields.String()
    promised = fields.Integer()
    arrived = fields.Integer()
    given_up = fields.Integer()
    under_way = fields.Integer()
    outstanding = fields.Integer()
    unannounced = fields.Integer()


class SwapDocument(Record):
    """What happens at the rack; it belongs to an RMA or to a job."""

    example: ClassVar[Mapping[str, Any]] = {"job_id": None, "parent_id": None, "stock_unit": None, "restocked": None}

    id = fields.UUID()
    client = fields.UUID()
    rma_id = fields.UUID(allow_none=True)
    job_id = fields.UUID(allow_none=True)
    kind = word(SwapKind)
    source = word(SwapSource)
    state = word(SwapState)
    told_serial = fields.String()
    serial_number = fields.String()
    product = fields.UUID(allow_none=True)
    substitute = fields.String()
    old_asset_id = fields.UUID(allow_none=True)
    new_asset_id = fields.UUID(allow_none=True)
    parent_id = fields.UUID(allow_none=True)
    stock_unit = fields.UUID(allow_none=True)
    restocked = fields.UUID(allow_none=True)


class LoanDocument(Record):
    """A unit that is lent for a case; it is back once ``back_at`` is set."""

    example: ClassVar[Mapping[str, Any]] = {"back_at": None}

    id = fields.UUID()
    client = fields.UUID()
    fault_id = fields.UUID()
    asset_id = fields.UUID()
    for_asset_id = fields.UUID()
    stock_unit = fields.UUID(allow_none=True)
    lent_at = fields.AwareDateTime()
    back_at = fields.AwareDateTime(allow_none=True)


class TransferDocument(Record):
    """What becomes of one coverage with one swap; ``way`` is null until a person has seen to it."""

    example: ClassVar[Mapping[str, Any]] = {"way": None, "new_coverage": None}

    id = fields.UUID()
    client = fields.UUID()
    swap_id = fields.UUID()
    asset_id = fields.UUID()
    coverage = fields.UUID()
    contract_number = fields.String()
    new_coverage = fields.UUID(allow_none=True)
    way = word(TransferWay, allow_none=True)
    root_ends_on = fields.Date(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    checked_at = fields.AwareDateTime(allow_none=True)


class LoanQuery(ListQuery):
    """Which loans; ``out``: those that are not back."""

    out = fields.Boolean(load_default=False)
    client = fields.UUID(load_default=None)


class TransferQuery(ListQuery):
    """Which coverages that followed a swap, or are to; ``open``: those that wait for a person."""

    open = fields.Boolean(load_default=False)
    swap = fields.UUID(load_default=None)
    client = fields.UUID(load_default=None)


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


class ProposalBody(Strict):
    """What a page answers to a proposal; the place comes as text."""

    action = word(Action, required=True, validate=validate.OneOf([Action.CONFIRM, Action.DECLINE]))
    proposal = fields.Integer(load_default=None, validate=validate.Range(1, 1000))
    vendor_case_number = line(64)
    rma_number = line(64)
    carrier = line(64)
    tracking_number = line(120)
    reason = text(2000, needed=True)

    @post_load
    def answer(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Put the numbers together."""
        return data | {"numbers": Proposal(**{name: data.pop(name) for name in NUMBERS})}


class OfferDocument(Strict):
    """One entry of the vendor's parts list for the unit; ``proposed`` where it stands for what failed."""

    example: ClassVar[Mapping[str, Any]] = {"code": "HDD", "description": "Hard drive, 960 GB", "proposed": True}

    code = fields.String()
    description = fields.String()
    part_number = fields.String()
    proposed = fields.Boolean()


class FileOfferDocument(Strict):
    """A file of the case that may go along with the claim; ``size`` in bytes."""

    id = fields.UUID()
    name = fields.String()
    size = fields.Integer()


class FullRmaDocument(RmaDocument):
    """A claim with everything that is known of it.

    ``info_missing`` is what its vendor asks for before it is sent, ``parts_offered`` what there is to choose from: null where
    the vendor has yet to be asked. ``files`` go along with it, as chosen from ``files_offered``: null where the vendor takes
    none, or has the claim. ``steps`` are for a person where one may open it at the vendor.
    """

    info_missing = fields.List(word(Need))
    parts_offered = fields.List(fields.Nested(OfferDocument), allow_none=True)
    files_offered = fields.List(fields.Nested(FileOfferDocument), allow_none=True)
    shipments = fields.List(fields.Nested(ShipmentDocument))
    goods = fields.List(fields.Nested(CountDocument))
    swap = fields.Nested(SwapDocument, allow_none=True)
    timeline = fields.List(fields.Nested(EventDocument))
    vendor_calls = fields.List(fields.Nested(CallDocument))
    paste_block = fields.String(allow_none=True)
    portal_url = fields.String(allow_none=True)
    steps = fields.List(fields.String())


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


class JobDocument(Record):
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


class ProposalDocument(Strict):
    """What a person says yes or no to. ``place`` names it in the answer; ``answer`` is ``confirmed``, ``declined`` or null."""

    example: ClassVar[Mapping[str, Any]] = {"text": "Your RMA number is R-88213.", "answer": None}

    place = fields.Integer()
    vendor_case_number = fields.String()
    rma_number = fields.String()
    carrier = fields.String()
    tracking_number = fields.String()
    text = fields.String()
    answer = fields.String(allow_none=True)


class VendorCaseDocument(Strict):
    """A case that a vendor holds, as it says it. ``account`` is the vendor account that lists it, ``seen_at`` since when."""

    account = fields.UUID()
    vendor_case_number = fields.String()
    client_reference = fields.String()
    serial_number = fields.String()
    opened_at = fields.AwareDateTime(allow_none=True)
    seen_at = fields.AwareDateTime()


class ReviewItemDocument(Record):
    """Something that waits for a person.

    A ``stray_case`` is about ``vendor_case``, which belongs to no claim here: it stands on no fault, and may be no client's.
    """

    id = fields.UUID()
    client = fields.UUID(allow_none=True)
    kind = word(TaskKind)
    fault_id = fields.UUID(allow_none=True)
    asset_id = fields.UUID(allow_none=True)
    rma_id = fields.UUID(allow_none=True)
    serial_number = fields.String()
    vendor_case = fields.Nested(VendorCaseDocument, allow_none=True)
    why = fields.String()
    proposals = fields.List(fields.Nested(ProposalDocument))
    created_at = fields.AwareDateTime()
    resolved_at = fields.AwareDateTime(allow_none=True)
    resolved_by = fields.String(allow_none=True)
    resolution = fields.String(allow_none=True)
