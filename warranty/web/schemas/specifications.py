"""What was read of units: what programs send about it, and what they get of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from warranty.domain.lifecycles import SwapKind
from warranty.domain.parity import Status, Why
from warranty.domain.specification import Source
from warranty.models import SnapshotKind
from warranty.web.schemas.fields import Record, Strict, line, text, word
from warranty.web.schemas.lists import ListQuery


class Inventory(fields.Field[Any]):
    """What a tool printed: a document as it came, or a text."""

    def _deserialize(self, value: Any, *_args: Any, **_options: Any) -> Any:
        if not isinstance(value, str | dict | list):
            raise ValidationError("Send what the tool printed: a document or a text.")
        return value


class SnapshotQuery(ListQuery):
    """Which snapshots of the unit."""

    kind = word(SnapshotKind, load_default=None)


class SnapshotBody(Strict):
    """What was read of a unit; one of both at least. A program's output goes as it came: a JSON document, or a text."""

    example: ClassVar = {
        "specification": {"model": "Server 9", "memory": "16 GiB", "disks": ["2 x 960 GB SSD"], "bios": "2.10.2"},
        "configuration": "hostname core-1\nsnmp-server community everybody ro\n",
        "reason": "Read before the swap.",
    }

    specification = Inventory(load_default=None)
    configuration = Inventory(load_default=None)
    reason = text(2000, needed=True)


class SnapshotDocument(Record):
    """What was read of a unit at one instant. ``properties`` is of a specification, ``configuration`` is without secrets.

    ``swap`` is the swap that brought it; ``asset`` is null while the unit that comes is not in the registry.
    """

    example: ClassVar = {
        "kind": "specification",
        "source": "by_hand",
        "digest": "1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014",
        "properties": {"memory.total": 16384, "disk.drives": ["960 GB SSD", "960 GB SSD"]},
        "configuration": "",
        "taken_by": "user:7",
    }

    id = fields.UUID()
    asset = fields.UUID(allow_none=True)
    swap = fields.UUID(allow_none=True)
    kind = word(SnapshotKind)
    source = word(Source)
    digest = fields.String()
    properties = fields.Dict(keys=fields.String())
    configuration = fields.String()
    taken_by = fields.String()
    taken_at = fields.AwareDateTime()


class ParityAcceptBody(Strict):
    """Which differences, by the names of their properties."""

    example: ClassVar = {"properties": ["memory.modules"]}

    properties = fields.List(line(120, needed=True), required=True, validate=validate.Length(min=1, max=500))


class ParityAskBody(ParityAcceptBody):
    """Which differences may stay, and why."""

    reason = text(2000, needed=True)


def _one_of(words: type[StrEnum], **options: Any) -> fields.String:
    """A word as a kept document has it: plain text already."""
    return fields.String(validate=validate.OneOf([one.value for one in words]), **options)


class ParityEvidenceDocument(Strict):
    """Which snapshot a side rests on."""

    example: ClassVar = {"source": "lshw", "taken_at": "2026-03-02T08:56:00+00:00", "digest": "1b4f0e9851971998"}

    id = fields.UUID()
    digest = fields.String()
    source = _one_of(Source)
    taken_at = fields.String(metadata={"format": "date-time"})


class ParitySideDocument(Strict):
    """One of the two units: what the registry says of it, and what was read."""

    serial_number = fields.String()
    product = fields.String(allow_none=True)
    specification = fields.Nested(ParityEvidenceDocument, allow_none=True)
    configuration = fields.Nested(ParityEvidenceDocument, allow_none=True)


class ParityLineDocument(Strict):
    """One property. ``old`` and ``new`` are a text, a number or a list; ``lacks`` and ``beside`` what differs of a list."""

    example: ClassVar = {
        "property": "memory.total",
        "old": 32768,
        "new": 16384,
        "status": "accepted_difference",
        "difference": "less",
        "lacks": [],
        "beside": [],
        "reason": "The client agreed: the module follows on Monday.",
        "approved_by": "user:7",
    }

    property = fields.String()
    old = fields.Raw(allow_none=True)
    new = fields.Raw(allow_none=True)
    status = _one_of(Status)
    difference = _one_of(Why, allow_none=True)
    lacks = fields.List(fields.String())
    beside = fields.List(fields.String())
    reason = fields.String(allow_none=True)
    approved_by = fields.String(allow_none=True)


class ParityIgnoredDocument(Strict):
    """A property that no comparison counts, and why."""

    property = fields.String()
    reason = fields.String()


class ParityWaitingDocument(Strict):
    """A difference that somebody else is asked to accept."""

    property = fields.String()
    reason = fields.String()
    asked_by = fields.String()
    asked_at = fields.AwareDateTime()


class CertificateDocument(Record):
    """The parity certificate of a swap.

    ``digest`` is the SHA-256, in hex, of the certificate without ``digest``, ``issued`` and ``waiting``: its names in order,
    without blanks, in UTF-8. Once it is ``issued``, nothing of it changes.
    """

    example: ClassVar = {
        "kind": "part",
        "case": "F-7KQ2-M9XD",
        "substitute": "",
        "clean": True,
        "issued_at": "2026-03-02T08:56:00+00:00",
        "issued_by": "user:7",
        "issued": True,
        "waiting": [],
    }

    swap = fields.UUID()
    kind = _one_of(SwapKind)
    case = fields.String()
    old = fields.Nested(ParitySideDocument)
    new = fields.Nested(ParitySideDocument)
    substitute = fields.String()
    properties = fields.List(fields.Nested(ParityLineDocument))
    ignored = fields.List(fields.Nested(ParityIgnoredDocument))
    beside = fields.List(fields.String())
    clean = fields.Boolean()
    issued_at = fields.String(metadata={"format": "date-time"})
    issued_by = fields.String()
    digest = fields.String()
    issued = fields.Boolean()
    waiting = fields.List(fields.Nested(ParityWaitingDocument))
