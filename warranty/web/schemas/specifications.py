"""What was read of units: what programs send about it, and what they get of it."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import ValidationError, fields

from warranty.domain.specification import Source
from warranty.models import SnapshotKind
from warranty.web.schemas.fields import Record, Strict, text, word
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
