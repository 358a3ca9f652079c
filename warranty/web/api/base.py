"""How an endpoint of the API is declared, and how the endpoints read pages of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import flask_smorest
from marshmallow import RAISE, Schema

from warranty.models import Client
from warranty.services import records
from warranty.web.guards import call
from warranty.web.schemas.lists import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from warranty.services.records import Kind

V = TypeVar("V", bound="Callable[..., dict[str, Any]]")


class Endpoints:
    """A group of endpoints. Each is declared in one place: path, who may call, what is sent, what is answered.

    The caller is known before anything that they sent is read.
    """

    def __init__(self, name: str, about: str) -> None:
        self.blueprint: Any = flask_smorest.Blueprint(name, __name__, description=about)

    def get(
        self, path: str, guard: Callable[[V], V], *, answer: Schema, query: Schema | None = None
    ) -> Callable[[V], V]:
        """An endpoint that reads. The view gets the query, where there is one."""
        return self._declare("GET", path, guard, asked=query, location="query", answer=answer, status=200)

    def post(
        self, path: str, guard: Callable[[V], V], *, body: Schema, answer: Schema, status: int = 200
    ) -> Callable[[V], V]:
        """An endpoint that writes. The view gets the body as its schema loads it."""
        return self._declare("POST", path, guard, asked=body, location="json", answer=answer, status=status)

    def _declare(
        self,
        method: str,
        path: str,
        guard: Callable[[V], V],
        *,
        asked: Schema | None,
        location: str,
        answer: Schema,
        status: int,
    ) -> Callable[[V], V]:
        def declare(view: V) -> V:
            made = self.blueprint.response(status, answer)(view)
            if asked is not None:
                made = self.blueprint.arguments(asked, location=location, unknown=RAISE)(made)
            self.blueprint.route(path, methods=[method])(guard(made))
            return view

        return declare


def listed(kind: Kind, query: dict[str, Any], *where: ColumnElement[bool]) -> dict[str, Any]:
    """One page of a kind, filtered by what the query of every list has: ``client`` and ``state``."""
    given = list(where)
    if query.get("client") is not None:
        given.append(Client.public_id == query["client"])
    if query.get("state") is not None:
        given.append(kind.table.state == query["state"])
    found = records.page(
        call().session,
        kind,
        *given,
        now=call().now,
        limit=query["limit"],
        cursor=query["cursor"],
        count=query["count"],
    )
    return shown(found)


def document(kind: Kind, row: Any) -> dict[str, Any]:
    """The document of one row."""
    return records.one(call().session, kind, row, now=call().now)


def id_of(row: Any) -> UUID | None:
    """The public id of a row that may not be there."""
    found: UUID | None = None if row is None else row.public_id
    return found
