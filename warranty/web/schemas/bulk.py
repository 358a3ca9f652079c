"""Many items in one request: how they are sent and what is answered to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields

from warranty.web.schemas.fields import Strict

if TYPE_CHECKING:
    from marshmallow import Schema

MOST_ITEMS = 200


class _Items(fields.List[Any]):
    """A list whose items are described here and read one by one later, so that a bad one is not everybody's error."""

    def _deserialize(self, value: Any, *_args: Any, **_options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("Is not a list.")
        if not 1 <= len(value) <= MOST_ITEMS:
            raise ValidationError(f"Holds {len(value)} items: send 1 to {MOST_ITEMS} at a time.")
        return value


def bulk_of(change: Schema) -> Schema:
    """The body of a bulk endpoint. An item with ``id`` is a change of that record, one without is a new record."""
    name = type(change).__name__.removesuffix("Change")
    about: dict[str, fields.Field[Any]] = {
        "id": fields.UUID(metadata={"description": "The record to change; without it the item is a new one."}),
        "if_match": fields.String(metadata={"description": "The ETag that was read, as If-Match of a single change."}),
    }
    item = Strict.from_dict(dict(change.declared_fields) | about, name=f"{name}Item")
    item.example = type(change).example | {"if_match": "5d41402abc4b2a76b9719d911017c592"}  # type: ignore[attr-defined]  # of Strict
    body: Schema = Strict.from_dict({"items": _Items(fields.Nested(item), required=True)}, name=f"{name}Items")()
    return body


class ProblemPart(Strict):
    """What is wrong with one item, as the problem document of a single request says it."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    errors = fields.Dict(keys=fields.String())


class BulkItemAnswer(Strict):
    """What became of one item: ``status`` as a single request would have answered, and the problem where it was refused."""

    status = fields.Integer()
    id = fields.UUID()
    problem = fields.Nested(ProblemPart)


class BulkAnswer(Strict):
    """What became of each item, in the order of the request."""

    items = fields.List(fields.Nested(BulkItemAnswer))
