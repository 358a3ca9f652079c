"""Files: what programs send about them, and what they get of them."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import fields

from warranty.domain.media import MediaType
from warranty.models.files import FiledUnder
from warranty.web.schemas.fields import Record, Strict, line, text, word


class UploadQuery(Strict):
    """What the body is called; ``for_client``: whether the client's people see it."""

    name = line(255, load_default="file")
    for_client = fields.Boolean(load_default=False)


class FilePatch(Strict):
    """Whether the client's people see the file."""

    example: ClassVar = {"for_client": True}

    for_client = fields.Boolean(required=True)


class RemovalBody(Strict):
    """Why a file is taken away."""

    reason = text(2000, needed=True)


class FileDocument(Record):
    """A file. ``record`` and ``record_id`` name what it belongs to; ``GET /files/{id}`` gives its content."""

    example: ClassVar = {"name": "label.jpg", "size": 482_113, "sha256": "9f86d081884c7d65" * 4}

    id = fields.UUID()
    record = word(FiledUnder)
    record_id = fields.UUID()
    name = fields.String()
    media_type = word(MediaType)
    size = fields.Integer(metadata={"description": "Bytes."})
    sha256 = fields.String()
    has_thumbnail = fields.Boolean()
    for_client = fields.Boolean()
    uploaded_by = fields.String()
    uploaded_at = fields.AwareDateTime()
