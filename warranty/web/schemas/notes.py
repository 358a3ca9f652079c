"""Notes on cases: what programs send about them, and what they get of them."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import fields, validate

from warranty.models.cases import NoteWay
from warranty.services.notes import LONGEST, NoteState
from warranty.web.schemas.fields import Record, Strict, text, word

WRITABLE = (NoteWay.INTERNAL, NoteWay.TO_VENDOR)


class NoteBody(Strict):
    """A note of ours: ``internal``, or ``to_vendor``; or a file of the case for the vendor. Either ``text`` or ``file``."""

    example: ClassVar = {"way": "to_vendor", "text": "The courier was refused at the gate.", "file": None}

    way = word(NoteWay, required=True, validate=validate.OneOf(WRITABLE))
    text = text(LONGEST)
    file = fields.UUID(load_default=None, allow_none=True)


class NoteDocument(Record):
    """A note. ``state`` is null of one that goes nowhere; ``refused`` says why the vendor did not take it.

    With ``file_id`` it is a file that went to the vendor, and ``text`` is the file's name.
    """

    example: ClassVar = {
        "way": "to_vendor",
        "author": "user:7",
        "text": "The courier was refused at the gate.",
        "file_id": None,
        "state": "taken",
        "sent_at": "2026-03-02T08:56:00+00:00",
        "refused": None,
    }

    id = fields.UUID()
    client = fields.UUID()
    fault_id = fields.UUID()
    rma_id = fields.UUID(allow_none=True)
    way = word(NoteWay)
    author = fields.String()
    text = fields.String()
    file_id = fields.UUID(allow_none=True)
    state = word(NoteState, allow_none=True)
    written_at = fields.AwareDateTime()
    sent_at = fields.AwareDateTime(allow_none=True)
    refused = fields.String(allow_none=True)
