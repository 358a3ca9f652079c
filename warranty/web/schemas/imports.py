"""Imports: what programs send with a file, and what they get of how far it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validates_schema

from warranty.models.imports import ImportStatus
from warranty.services.importing.columns import DIALECT_NAMES, Kind, Unusable, Wanted
from warranty.web.schemas.fields import Strict, line, word
from warranty.web.schemas.lists import ListQuery

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS = ("auto", *DIALECT_NAMES)
LONGEST_MAPPING = 10_000


class ImportQuery(ListQuery):
    """Which imports."""

    client = fields.UUID(load_default=None)


class ImportBody(Strict):
    """What is sent beside the file. ``mapping`` is a JSON object: their column, our column."""

    kind = word(Kind, required=True)
    client = fields.UUID(load_default=None)
    dry_run = fields.Boolean(load_default=False)
    format = line(32, load_default="auto")
    mapping = fields.String(load_default="")

    @validates_schema
    def has_a_format(self, data: Mapping[str, Any], **_options: Any) -> None:
        """One of those there are."""
        if data["format"] not in FORMATS:
            raise ValidationError(f"There are {', '.join(FORMATS)}.", "format")

    @post_load
    def wanted(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Make the service's value of format and mapping."""
        columns = _mapping(data.pop("mapping"))
        try:
            return data | {"wanted": Wanted.of(data["kind"], data.pop("format"), columns)}
        except Unusable as err:
            raise ValidationError(str(err), "mapping") from err


def _mapping(text: str) -> dict[str, str]:
    if not text.strip():
        return {}
    try:
        read = json.loads(text) if len(text) <= LONGEST_MAPPING else None
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict) or not all(isinstance(column, str) for column in read.values()):
        raise ValidationError('Is no JSON object of texts; write it as {"Their column": "serial_number"}.', "mapping")
    return read


class RowFaultDocument(Strict):
    """Why a row was refused. ``line`` is where it starts; ``field`` may be empty."""

    example: ClassVar = {"line": 7, "file": "", "field": "serial_number", "message": "There is no serial number."}

    line = fields.Integer()
    file = fields.String()
    field = fields.String()
    message = fields.String()


class ImportDocument(Strict):
    """An import: how far it is, and what has come out so far. ``rows`` is null until the file was read through."""

    example: ClassVar = {
        "kind": "assets",
        "file": "units.csv",
        "format": "tracker",
        "mapping": {"servicetag": "serial_number"},
        "state": "running",
        "rows": 1_200,
        "rows_done": 500,
        "warnings": ["Columns that are not read: rack. (line 1)"],
        "preview": [{"row": "line 2", "outcome": "new", "serial_number": "QX7T2K9"}],
        "error": None,
    }

    id = fields.UUID()
    kind = word(Kind)
    file = fields.String()
    client = fields.UUID(allow_none=True)
    dry_run = fields.Boolean()
    format = fields.String()
    mapping = fields.Dict(keys=fields.String(), values=fields.String())
    state = word(ImportStatus)
    rows = fields.Integer(allow_none=True)
    rows_done = fields.Integer()
    new = fields.Integer()
    same = fields.Integer()
    changed = fields.Integer()
    refused = fields.Integer()
    new_products = fields.Integer()
    new_sites = fields.Integer()
    warnings = fields.List(fields.String())
    preview = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))
    error = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)


class FullImportDocument(ImportDocument):
    """An import with the first of the rows that were refused; ``GET /imports/{id}/rejected`` has all of them."""

    faults = fields.List(fields.Nested(RowFaultDocument))


class UndoBody(Strict):
    """Why an import is undone."""

    reason = line(500, needed=True)


class NoBody(Strict):
    """Nothing."""
