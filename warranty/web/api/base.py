"""How an endpoint of the API is declared, and what all endpoints share: pages, versions of a record, many items at once.

A record's answer carries an ``ETag``, a digest of exactly what was answered, so that it changes with whatever changed.
A write may send it back as ``If-Match``: the row is locked, its document is made anew, and where the digest is another
one the write is refused (412) and changes nothing.
"""

from __future__ import annotations

from functools import wraps
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

import flask_smorest
from flask import Response, jsonify, request
from marshmallow import RAISE, Schema, ValidationError
from sqlalchemy import select
from werkzeug.datastructures import ETags

from warranty.models import Client, PublicRow
from warranty.services import moves, records
from warranty.services.moves import Because
from warranty.web import errors
from warranty.web.errors import Problem
from warranty.web.guards import call
from warranty.web.schemas.bulk import BulkAnswer, bulk_of
from warranty.web.schemas.examples import example
from warranty.web.schemas.fields import Record
from warranty.web.schemas.lists import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import ColumnElement

    from warranty.services.records import Document, Kind

V = TypeVar("V", bound="Callable[..., Any]")
Row = TypeVar("Row", bound=PublicRow)


class Endpoints:
    """A group of endpoints. Each is declared in one place: path, who may call, what is sent, what is answered.

    The caller is known before anything that they sent is read. Every endpoint has an example of its body and its answer.
    """

    def __init__(self, name: str, about: str) -> None:
        self.blueprint: Any = flask_smorest.Blueprint(name, __name__, description=about)

    def get(
        self, path: str, guard: Callable[[V], V], *, answer: Schema, query: Schema | None = None
    ) -> Callable[[V], V]:
        """An endpoint that reads. The view gets the query, where there is one."""
        return self._declare("GET", path, guard, asked=query, location="query", answer=answer, status=200)

    def post(
        self,
        path: str,
        guard: Callable[[V], V],
        *,
        body: Schema,
        answer: Schema,
        status: int = 200,
        may_be_empty: bool = False,
    ) -> Callable[[V], V]:
        """An endpoint that writes. The view gets the body as its schema loads it.

        ``may_be_empty``: where there is nothing to show it answers 204, an empty ``Response``.
        """
        return self._declare(
            "POST", path, guard, asked=body, location="json", answer=answer, status=status, may_be_empty=may_be_empty
        )

    def patch(
        self, path: str, guard: Callable[[V], V], *, body: Schema, answer: Schema, shows: Callable[[Any], Document]
    ) -> Callable[[V], V]:
        """An endpoint that changes what the body names and leaves the rest.

        The view gets the row, locked, and the body; it answers nothing. ``shows`` makes the row's document, before (for
        ``If-Match``) and after.
        """

        def declare(view: V) -> V:
            @wraps(view)
            def change(row: Any, body: dict[str, Any]) -> Document:
                row = held(row)
                check_version(answer, lambda: shows(row))
                view(row, body)
                return shows(row)

            self._declare("PATCH", path, guard, asked=body, location="json", answer=answer, status=200)(
                cast("V", change)
            )
            return view

        return declare

    def put(self, path: str, guard: Callable[[V], V], *, body: Schema, answer: Schema) -> Callable[[V], V]:
        """An endpoint that adds a record under the name that the path gives, or changes the one that has it.

        The view answers the document and the status, 201 or 200; it asks ``check_version`` itself.
        """
        return self._declare("PUT", path, guard, asked=body, location="json", answer=answer, status=200, adds=True)

    def bulk(
        self,
        path: str,
        guard: Callable[[V], V],
        *,
        table: type[PublicRow],
        add: Schema,
        change: Schema,
        answer: Schema,
        shows: Callable[[Any], Document],
    ) -> Callable[[V], V]:
        """An endpoint that takes many items, each for itself: what is wrong with one loses no other.

        An item without ``id`` is read as a POST (``add``), one with it as a PATCH (``change``) of that row. The view gets
        the row, null for an addition, and the item; it gives the row.
        """

        def declare(view: V) -> V:
            def change_or_add(item: Any, rows: Mapping[str, Any]) -> tuple[int, PublicRow]:
                row, given = _read_item(item, rows, add, change)
                if row is not None:
                    check_version(answer, lambda: shows(row), _if_match(item))
                made: PublicRow = view(row, given)
                call().session.flush()
                return 201 if row is None else 200, made

            @wraps(view)
            def take(body: dict[str, Any]) -> dict[str, Any]:
                rows = _held_all(table, body["items"])
                return {"items": [_alone(change_or_add, item, rows) for item in body["items"]]}

            body = bulk_of(change)
            self._declare("POST", path, guard, asked=body, location="json", answer=BulkAnswer(), status=200)(
                cast("V", take)
            )
            return view

        return declare

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
        adds: bool = False,
        may_be_empty: bool = False,
    ) -> Callable[[V], V]:
        def declare(view: V) -> V:
            shown = example(answer)
            made = self.blueprint.response(status, answer, example=shown)(view)
            if adds:
                made = self.blueprint.alt_response(201, schema=answer, example=shown, success=True)(made)
            if may_be_empty:
                made = self.blueprint.alt_response(204, success=True, description="There is nothing to show.")(made)
            if asked is not None:
                sent = {"example": example(asked)} if location == "json" else {}
                made = self.blueprint.arguments(asked, location=location, unknown=RAISE, **sent)(made)
            guarded: Any = guard(made)
            self.blueprint.route(path, methods=[method])(_tagged(guarded) if isinstance(answer, Record) else guarded)
            return view

        return declare


# --- versions of a record ---


def _tagged(view: Callable[..., Response]) -> Callable[..., Response]:
    """Give the answer its tag; whoever has read that already (``If-None-Match``) is told so. A replayed answer too."""

    @wraps(view)
    def tagged(**args: Any) -> Response:
        response = view(**args)
        if response.status_code < 300:
            response.set_etag(_tag(response))
            response.make_conditional(request)
        return response

    return tagged


def _tag(response: Response) -> str:
    return sha256(response.get_data()).hexdigest()[:32]


def check_version(answer: Schema, shows: Callable[[], Document] | None, expected: ETags | None = None) -> None:
    """Refuse a write whose caller has read another version than the one that stands, or wants none to stand.

    Args:
        answer: the schema that the record is answered by.
        shows: makes the record's document; its row is locked. Null: there is no such record.
        expected: what the caller has read; without it the request's ``If-Match`` says so.

    Raises:
        Problem: ``version_changed``.
    """
    wanted = request.if_match if expected is None else expected
    if wanted:
        is_it = shows is not None and (wanted.star_tag or wanted.contains(_tag(jsonify(answer.dump(shows())))))
        if not is_it:
            raise Problem("version_changed")
    if shows is not None and request.if_none_match.star_tag:
        raise Problem("version_changed", "There is such a record already.")


def held(row: Row) -> Row:
    """The same row as it stands now, locked until the end of the transaction; reports that only refer to it go on.

    Raises:
        Problem: ``not_found``, where it has gone meanwhile.
    """
    table = type(row)
    found: Row | None = call().session.scalars(_lock(table).where(table.id == row.id)).one_or_none()
    if found is None:
        raise Problem("not_found")
    return found


def _lock(table: type[Row]) -> Any:
    query = select(table).with_for_update(key_share=True).execution_options(populate_existing=True)
    return query.order_by(table.id)  # in one order, so that two callers do not wait for each other


# --- many items at once ---


def _alone(take: Callable[..., tuple[int, PublicRow]], *args: Any) -> dict[str, Any]:
    """What became of one item; what is wrong with it is undone and said, and loses no other."""
    try:
        with moves.attempt(call().session):
            status, row = take(*args)
    except Exception as err:
        problem = errors.of(err)
        if problem.status >= 500:
            raise
        return {"status": problem.status, "problem": errors.document(problem)}
    return {"status": status, "id": row.public_id}


def _held_all(table: type[Row], items: list[Any]) -> dict[str, Row]:
    """The rows that the items name, locked, by the ids as they were sent."""
    named = {item["id"]: read for item in items if isinstance(item, dict) and (read := _uuid(item.get("id")))}
    if not named:
        return {}
    found = call().session.scalars(_lock(table).where(table.public_id.in_(set(named.values()))))
    rows = {row.public_id: row for row in found}
    return {sent: rows[read] for sent, read in named.items() if read in rows}


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _read_item(item: Any, rows: Mapping[str, Any], add: Schema, change: Schema) -> tuple[Any, dict[str, Any]]:
    """The row that an item names, null for an addition, and the rest of the item as its schema loads it."""
    if not isinstance(item, dict):
        raise Problem("invalid", "An item is an object.")
    given = {name: value for name, value in item.items() if name not in {"id", "if_match"}}
    if "id" not in item:
        return None, load(add, given)
    row = rows.get(item["id"]) if isinstance(item["id"], str) else None
    if row is None:
        raise Problem("not_found")
    return row, load(change, given)


def _if_match(item: Mapping[str, Any]) -> ETags:
    tag = item.get("if_match")
    return ETags([str(tag).strip('"')]) if tag is not None else ETags()


def load(schema: Schema, given: Any) -> Any:
    """What was sent, as its schema loads it.

    Raises:
        Problem: ``invalid``, with a sentence by field.
    """
    try:
        return schema.load(given)
    except ValidationError as err:
        raise Problem("invalid", errors=dict(err.messages_dict)) from err


# --- pages and documents ---


def by_caller(reason: str) -> Because:
    """Who calls, why, and when: for whatever the call changes."""
    return Because(call().principal.actor, reason, call().now)


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
