"""Errors: the only place that turns what was raised into an answer, a problem document (RFC 9457) or a page.

``TYPES`` is the list of stable types; they are part of the public contract. An answer never says what went wrong
inside: whoever reads the logs finds that by the request's id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, SecurityError

from warranty.db import DatabaseUnavailable
from warranty.services import (
    by_hand,
    faults,
    handover,
    moves,
    notes,
    owed,
    people,
    records,
    resolutions,
    stock,
    tracking,
)
from warranty.services.estate import InUse, Invalid, NameTaken
from warranty.store import ContentGone, StoreUnavailable
from warranty.web.i18n import N_, reader
from warranty.web.pages import ErrorView
from warranty.web.trace import request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = structlog.get_logger("web")

API = "/api/"
RETRY_AFTER_S = 5
_OLD_FORM = N_("This form is older than your session. Go back, reload the page and send it again.")

# fmt: off
TYPES: dict[str, tuple[int, str]] = {
    "malformed":           (400, "The request cannot be read."),
    "bad_request":         (400, "The request is not one that this service takes."),
    "key_required":        (400, "An Idempotency-Key is required."),
    "unauthorized":        (401, "A valid token is required."),
    "forbidden":           (403, "Your role or your token does not allow this."),
    "own_rights":          (403, "Nobody changes their own rights."),
    "not_found":           (404, "There is nothing here, or nothing that you may see."),
    "method_not_allowed":  (405, "This address does not take that method."),
    "not_acceptable":      (406, "This address has no such form."),
    "conflict":            (409, "Somebody changed the record first: read it again."),
    "illegal_move":        (409, "The record cannot go there from the state that it is in."),
    "still_owed":          (409, "It cannot be closed: something is still to be done."),
    "not_begun":           (409, "The hand-over of this unit has no such check: choose first what sort of unit it is."),
    "cannot_ask":          (409, "Nobody can be asked where this claim stands."),
    "not_waiting":         (409, "Nothing waits for this answer any more."),
    "out_of_stock":        (409, "No such unit is free."),
    "last_admin":          (409, "Without this user nobody could administer any more."),
    "external_ref_taken":  (409, "Another record has this name in that system."),
    "in_use":              (409, "Other records rest on what this one is now."),
    "version_changed":     (412, "The record is not as you have read it: read it again."),
    "too_large":           (413, "The request is too large."),
    "unsupported_media":   (415, "Only application/json is taken here."),
    "invalid":             (422, "Some fields cannot be taken as they are."),
    "client_required":     (422, "The client is needed."),
    "key_reused":          (422, "This Idempotency-Key was used for another request."),
    "too_many_requests":   (429, "Too many requests."),
    "internal":            (500, "Something broke on our side; it has been recorded."),
    "unavailable":         (503, "The database does not answer; nothing was saved."),
}
# fmt: on

_TYPE_OF_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    412: "version_changed",
    413: "too_large",
    415: "unsupported_media",
    422: "invalid",
    429: "too_many_requests",
    503: "unavailable",
}


@dataclass(eq=False)
class Problem(Exception):
    """An answer that is an error. ``type`` is one of ``TYPES``; ``errors`` are sentences by field.

    ``detail`` is for programs; ``advice``, a message of the catalogue, for people: without one a page says what is
    usual for the status. ``debts`` are what is still owed, as programs read it.
    """

    type: str
    detail: str | None = None
    errors: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    advice: str | None = None
    debts: Sequence[Mapping[str, Any]] = ()

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TYPES[self.type][0]


def is_api() -> bool:
    """Whether the present request is a program's."""
    return request.path.startswith(API)


def init_app(app: Flask) -> None:
    """Have every error of the app answered here."""
    app.register_error_handler(HTTPException, lambda err: answer(of_http(err)))
    app.register_error_handler(Exception, _of_exception)


def _of_exception(err: Exception) -> Response:
    problem = of(err)
    if problem.status >= 500:
        # An outage is an event; anything else means that the code must change.
        if problem.type == "unavailable":
            log.warning("web.unavailable", error=type(err).__name__)
        else:
            log.error("web.broken", exc_info=err)
    return answer(problem)


def of(err: Exception) -> Problem:
    """What an exception means to the caller."""
    for kind, made in _MEANINGS.items():
        if isinstance(err, kind):
            return made(err)
    return Problem("internal")


def _invalid(name: str, said: str) -> Problem:
    return Problem("invalid", said, {name: [said]})


def _unavailable(_err: Exception) -> Problem:
    return Problem("unavailable", headers={"Retry-After": str(RETRY_AFTER_S)})


def _store_unavailable(_err: Exception) -> Problem:
    said = "The store of files does not answer; nothing was saved."
    return Problem("unavailable", said, headers={"Retry-After": str(RETRY_AFTER_S)})


def _of_database(err: DBAPIError) -> Problem:
    if isinstance(err, IntegrityError):
        # The services ask before they write; what the database still refuses was written by somebody else meanwhile.
        is_name = "external_ref" in str(err.orig)
        return (
            Problem("external_ref_taken", errors={"external_ref": ["It is taken."]}) if is_name else Problem("conflict")
        )
    if is_conflict(err):
        return Problem("conflict", headers={"Retry-After": str(RETRY_AFTER_S)})
    return _unavailable(err) if err.connection_invalidated else Problem("internal")


_MEANINGS: dict[type[Exception], Callable[[Any], Problem]] = {
    Problem: lambda err: err,
    faults.ClientRequired: lambda err: Problem("client_required", str(err), {"client": [str(err)]}),
    faults.UnknownAsset: lambda _: Problem("not_found", "There is no such unit, or none that you may see."),
    faults.UnknownClient: lambda _: _invalid("client", "There is no such client, or none that you may see."),
    faults.OccursLater: lambda _: _invalid("occurred_at", "It cannot have happened after this report."),
    records.UnknownCursor: lambda _: _invalid("cursor", "No page ended with this cursor."),
    resolutions.NotWaiting: lambda err: Problem("not_waiting", str(err)),
    notes.NotRefused: lambda err: Problem("not_waiting", str(err)),
    handover.NotBegun: lambda err: Problem("not_begun", str(err)),
    tracking.CannotAsk: lambda err: Problem("cannot_ask", str(err)),
    stock.OutOfStock: lambda err: Problem("out_of_stock", str(err)),
    NameTaken: lambda err: Problem("external_ref_taken", str(err), {"external_refs": [str(err)]}),
    InUse: lambda err: Problem("in_use", err.message, {err.field: [err.message]}),
    Invalid: lambda err: _invalid(err.field, err.message),
    by_hand.NotYours: lambda err: Problem("forbidden", str(err)),
    people.OwnRights: lambda err: Problem("own_rights", str(err)),
    people.LastAdmin: lambda err: Problem("last_admin", str(err)),
    owed.Owes: lambda err: Problem("still_owed", str(err), debts=[owed.document(debt) for debt in err.debts]),
    moves.IllegalMove: lambda err: Problem("illegal_move", str(err)),
    moves.Raced: lambda err: Problem("conflict", str(err)),
    StoreUnavailable: _store_unavailable,
    ContentGone: lambda _: Problem("internal", "The content of this file is missing from the store of files."),
    DatabaseUnavailable: _unavailable,
    PoolTimeout: _unavailable,
    DBAPIError: _of_database,
}


_HELD = frozenset({"55P03", "40P01"})
"""PostgreSQL: another transaction held a row for longer than we wait; two waited for each other."""


def is_conflict(err: Exception) -> bool:
    """Whether it failed only because of what another transaction wrote or holds."""
    is_held = isinstance(err, OperationalError) and getattr(err.orig, "sqlstate", None) in _HELD
    return isinstance(err, IntegrityError | moves.Raced) or is_held


def of_http(err: HTTPException) -> Problem:
    """What Flask, Werkzeug or webargs raised; their headers (``Allow`` of a 405) go with it."""
    status = err.code or 500
    name = _TYPE_OF_STATUS.get(status, "internal" if status >= 500 else "bad_request")
    headers = {key: value for key, value in err.get_headers() if key not in {"Content-Type", "Content-Length"}}
    messages = getattr(err, "data", {}).get("messages") if status == 422 else None
    if messages:
        merged = {key: said for part in messages.values() for key, said in part.items()}
        return Problem(name, errors=merged, headers=headers)
    advice = _OLD_FORM if isinstance(err, CSRFError) else None
    return Problem(name, err.description if name == "bad_request" else None, headers=headers, advice=advice)


def answer(problem: Problem) -> Response:
    """The problem as an answer in the form that the caller reads."""
    if is_api():
        said = json.dumps(document(problem))
        return Response(said, problem.status, dict(problem.headers), mimetype="application/problem+json")
    if isinstance(request.routing_exception, SecurityError):  # a page has links, and this host has none
        return Response(TYPES[problem.type][1], problem.status, dict(problem.headers), mimetype="text/plain")
    view = ErrorView(problem.status, request_id(), problem.advice and reader().text(problem.advice))
    page = render_template("errors/error.html", error=view)
    return Response(page, problem.status, dict(problem.headers), mimetype="text/html")


def document(problem: Problem) -> dict[str, Any]:
    """The problem as programs read it (RFC 9457)."""
    status, title = TYPES[problem.type]
    body: dict[str, Any] = {
        "type": problem.type,
        "title": title,
        "status": status,
        "detail": problem.detail or title,
        "request_id": request_id(),
    }
    if problem.errors is not None:
        body["errors"] = problem.errors
    if problem.debts:
        body["debts"] = list(problem.debts)
    return body
