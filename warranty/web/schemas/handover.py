"""Hand-over and end of units: what programs send about them, and what they get of them."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import fields, validate

from warranty.domain.handover import (
    LONGEST_STROKES,
    HandoverResult,
    Missing,
    Sanitization,
    Signature,
    StepKey,
    StepOutcome,
    UnitClass,
)
from warranty.domain.terms import AssetState, Component
from warranty.web.schemas.examples import LEFT_OUT
from warranty.web.schemas.fields import Strict, day, line, text, word
from warranty.web.schemas.specifications import Inventory

# --- what is sent ---


class ClassBody(Strict):
    """What sort of unit is handed over: which checks there are."""

    unit_class = word(UnitClass, required=True)
    reason = line(500, load_default="begun through the API")


class CheckBody(Strict):
    """What became of a check; ``outcome`` null opens it again. One that is not needed says why in ``evidence``."""

    example: ClassVar = {"outcome": "done", "evidence": "Read from the label at the rack."}

    step = word(StepKey, required=True)
    outcome = word(StepOutcome, required=True, allow_none=True)
    evidence = line(500)
    reason = line(500, load_default="checked through the API")


class BaselineBody(Strict):
    """In what state a unit is handed over, and who signs for it.

    ``signed_by`` is the id of a contact of the client, a pseudonym, or a name, which becomes a contact. ``strokes`` is a drawn
    signature as an SVG path of whole numbers on a field of 600 by 200, ``signature_file`` the id of a file of the unit. A
    baseline that supersedes another has a ``reason``. ``specification`` and ``configuration`` are what a tool printed of the
    unit, kept as snapshots; without them the newest that there are count.
    """

    example: ClassVar = {
        "result": "healthy_with_exceptions",
        "exceptions": ["fan"],
        "signed_by": "Mia Vos",
        "signer_role": "Head of IT",
        "signature": "typed",
        "strokes": None,
        "signature_file": None,
        "specification": {"model": "Server 9", "memory": "16 GiB"},
        "configuration": LEFT_OUT,
        "reason": "Taken over as walked through on site.",
    }

    result = word(HandoverResult, required=True)
    exceptions = fields.List(word(Component), load_default=list, validate=validate.Length(max=len(Component)))
    signed_by = line(200, needed=True)
    signer_role = line(120)
    signature = word(Signature, load_default=Signature.RECORDED)
    strokes = line(LONGEST_STROKES, load_default=None, allow_none=True)
    signature_file = fields.UUID(load_default=None, allow_none=True)
    specification = Inventory(load_default=None, allow_none=True)
    configuration = Inventory(load_default=None, allow_none=True)
    reason = text(2000)


class MediumBody(Strict):
    """What became of one medium: erased (NIST SP 800-88), or left with the client; ``no_media`` says that there is none.

    ``done_by`` did it, or took it. ``certificate`` is its number, ``file`` the id of a file of the unit.
    """

    example: ClassVar = {
        "method": "purge",
        "serial_number": "S4EVNX0R",
        "tool": "nvme sanitize",
        "done_by": "Jana Kowalczyk",
        "done_on": "2026-03-02",
        "certificate": "C-4711",
        "file": None,
    }

    method = word(Sanitization, required=True)
    serial_number = line(64)
    tool = line(120)
    done_by = line(200, needed=True)
    done_on = day(required=True)
    certificate = line(120)
    file = fields.UUID(load_default=None, allow_none=True)
    reason = line(500, load_default="recorded through the API")


class DisposalBody(Strict):
    """Who took a decommissioned unit for recycling. ``document`` is the number of their paper, ``file`` a file of the unit."""

    example: ClassVar = {"recycler": "Circular IT BV", "document": "CIT-2026-118", "file": None}

    recycler = line(200, needed=True)
    document = line(120, needed=True)
    disposed_on = day(required=True)
    file = fields.UUID(load_default=None, allow_none=True)
    reason = line(500, load_default="disposed of through the API")


class DisposalForm(DisposalBody):
    """The same on a page, where ``paper`` is the file."""

    paper = fields.UUID(load_default=None, allow_none=True)


class RetireBody(Strict):
    """Why a unit is taken out of use, and which of the coverages that were bought for it alone end with that."""

    ends = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=500))
    reason = line(500, needed=True)


class SettleBody(RetireBody):
    """Which of the coverages of a retired unit end; the others run on, for this reason."""


# --- what is answered ---


class HandoverStepDocument(Strict):
    """One check of a hand-over."""

    example: ClassVar = {"outcome": "done", "evidence": "Read from the label at the rack.", "done_by": "user:7"}

    step = word(StepKey)
    is_mandatory = fields.Boolean()
    outcome = word(StepOutcome, allow_none=True)
    evidence = fields.String()
    done_by = fields.String(allow_none=True)
    done_at = fields.AwareDateTime(allow_none=True)


class BaselineDocument(Strict):
    """In what state a unit was handed over: never edited, a newer one supersedes. ``state`` is that of the unit now.

    ``digest`` is the SHA-256 of what was signed; the register, which cannot be changed, has it too.
    """

    example: ClassVar = {
        "result": "healthy_with_exceptions",
        "exceptions": ["fan"],
        "signed_by": "person:5f1c8f0e-8c3a-5b0e-9d2c-0b7a3c6f1f10",
        "signer_name": "Mia Vos",
        "signer_role": "Head of IT",
        "signature": "typed",
        "strokes": None,
        "signature_file": None,
        "state": "in_service",
        "digest": "9f86d081884c7d65" * 4,
    }

    id = fields.UUID()
    asset_id = fields.UUID()
    state = word(AssetState)
    result = fields.String()
    exceptions = fields.List(fields.String())
    signed_by = fields.String()
    signer_name = fields.String(allow_none=True)
    signer_role = fields.String()
    signature = word(Signature)
    strokes = fields.String(allow_none=True)
    signature_file = fields.UUID(allow_none=True)
    specification = fields.UUID(allow_none=True)
    configuration = fields.UUID(allow_none=True)
    signed_at = fields.AwareDateTime()
    reason = fields.String()
    digest = fields.String(allow_none=True)
    checks = fields.List(fields.Nested(HandoverStepDocument()))


class HandoverDocument(Strict):
    """How far the hand-over of a unit is. ``unit_class`` is null before it was begun, ``open`` names the checks it needs."""

    example: ClassVar = {"unit_class": "server", "state": "onboarding", "open": ["warranty_looked_up"]}

    asset_id = fields.UUID()
    state = word(AssetState)
    unit_class = word(UnitClass, allow_none=True)
    checks = fields.List(fields.Nested(HandoverStepDocument()))
    open = fields.List(word(StepKey))


class MediumDocument(Strict):
    """What became of one medium."""

    example: ClassVar = MediumBody.example | {"recorded_by": "user:7"}

    id = fields.UUID()
    method = word(Sanitization)
    serial_number = fields.String()
    tool = fields.String()
    done_by = fields.String()
    done_on = fields.Date()
    certificate = fields.String()
    file = fields.UUID(allow_none=True)
    recorded_by = fields.String()
    recorded_at = fields.AwareDateTime()


class DisposalDocument(Strict):
    """Who took a unit for recycling."""

    example: ClassVar = DisposalBody.example | {"recorded_by": "user:7"}

    recycler = fields.String()
    document = fields.String()
    disposed_on = fields.Date()
    file = fields.UUID(allow_none=True)
    recorded_by = fields.String()
    recorded_at = fields.AwareDateTime()


class RetirementDocument(Strict):
    """The end of a unit: what is known of its media and its disposal, and what it lacks before it may be disposed of.

    ``left_over`` are the coverages that were bought for it alone and still run.
    """

    example: ClassVar = {"state": "decommissioned", "missing": ["disposal"]}

    asset_id = fields.UUID()
    state = word(AssetState)
    missing = fields.List(word(Missing))
    media = fields.List(fields.Nested(MediumDocument()))
    disposal = fields.Nested(DisposalDocument(), allow_none=True)
    left_over = fields.List(fields.UUID())
