"""Look-ups at vendors: whom programs want to be asked about, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from warranty.web.schemas.fields import Strict, line
from warranty.web.schemas.lists import ListQuery

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SERIALS = 10_000


class LookUpBody(Strict):
    """Units by their serial numbers, or with ``all`` every unit in use whose evidence is stale.

    ``stale_days`` goes with ``all``: what is older is stale, 0 takes all of them; null, what each client's policy takes no more.
    """

    example: ClassVar[Mapping[str, Any]] = {
        "serial_numbers": ["QX7T2K9"],
        "client": None,
        "all": False,
        "stale_days": None,
    }

    serial_numbers = fields.List(line(64, needed=True), load_default=list, validate=validate.Length(max=MOST_SERIALS))
    client = fields.UUID(load_default=None, allow_none=True, metadata={"description": "Units of this client only."})
    all = fields.Boolean(load_default=False)
    stale_days = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=0, max=36_500)
    )

    @validates_schema
    def says_which(self, data: Mapping[str, Any], **_options: Any) -> None:
        """One way to say which units."""
        if data["all"] == bool(data["serial_numbers"]):
            raise ValidationError("Name serial numbers, or say all.", "serial_numbers")
        if data["stale_days"] is not None and not data["all"]:
            raise ValidationError("Goes with all.", "stale_days")


class LookUpDocument(Strict):
    """How far it is, in units: ``waiting`` for the vendor, ``held`` until somebody mends the account, or over.

    ``troubles``: why some were not answered, in sentences. ``state``: ``waiting`` while anything happens by itself.
    """

    example: ClassVar[Mapping[str, Any]] = {
        "state": "waiting",
        "units": 100,
        "answered": 60,
        "failed": 0,
        "waiting": 40,
        "held": 0,
        "troubles": [],
    }

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf(["waiting", "held", "done"]))
    units = fields.Integer()
    answered = fields.Integer()
    failed = fields.Integer()
    waiting = fields.Integer()
    held = fields.Integer()
    troubles = fields.List(fields.String())
    created_at = fields.AwareDateTime()


class LeftOutDocument(Strict):
    """A serial number that nobody is asked about, and why."""

    example: ClassVar[Mapping[str, Any]] = {"serial_number": "QX7T2K9", "why": "No unit has this serial number."}

    serial_number = fields.String()
    why = fields.String()


class AskedDocument(LookUpDocument):
    """What was ordered; ``already_ordered`` of the units were before, and are asked about once."""

    already_ordered = fields.Integer()
    without_account = fields.Integer()
    left_out = fields.List(fields.Nested(LeftOutDocument))


class AnswerQuery(ListQuery):
    """Which answers: all of the unit."""


class AnswerDocument(Strict):
    """What a vendor answered about a unit, as it came, secrets scrubbed. It held until the next one's ``answered_at``."""

    example: ClassVar[Mapping[str, Any]] = {"raw": '{"serviceTag": "QX7T2K9", "entitlements": []}'}

    id = fields.UUID()
    account = fields.UUID(allow_none=True)
    answered_at = fields.AwareDateTime()
    raw = fields.String()
