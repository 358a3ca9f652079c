"""Lists: how a page is asked for and what it looks like."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate

from warranty.web.schemas.fields import Strict

if TYPE_CHECKING:
    from warranty.services.records import Page

MOST = 200


class ListQuery(Strict):
    """Which page of a list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST))
    cursor = fields.UUID(load_default=None)
    count = fields.Boolean(load_default=False)


@cache
def page_of(document: type[Schema]) -> Schema:
    """The schema of a page of documents; one for each kind, however many lists show it."""
    name = document.__name__.removesuffix("Document") + "Page"
    made: dict[str, fields.Field[Any]] = {
        "items": fields.List(fields.Nested(document)),
        "next_cursor": fields.UUID(allow_none=True),
        "total": fields.Integer(metadata={"description": "Only with ?count=true."}),
    }
    page: Schema = Strict.from_dict(made, name=name)()
    return page


def shown(page: Page) -> dict[str, Any]:
    """A page as ``page_of`` writes it."""
    total = {} if page.total is None else {"total": page.total}
    return {"items": page.items, "next_cursor": page.next_cursor, **total}
