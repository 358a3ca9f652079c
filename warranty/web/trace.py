"""A request in the logs: its id, which its answer and each of its lines carry, and the one line that says what became of it.

The line names the route and not the path, and who asked by pseudonym: what people typed into an address is in no log.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from warranty import logs
from warranty.models import Fault, Rma

if TYPE_CHECKING:
    from warranty.domain.access import Principal

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ASKED_ALL_THE_TIME = frozenset({"ops.live", "ops.ready", "ops.metrics"})

log = structlog.get_logger("web")


def init_app(app: Flask) -> None:
    """Have every request of the app traced, from before anything else until after everything else."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(lambda _: logs.begin())


def request_id() -> str:
    """The present request's id: that which a proxy or a caller has given it, where it has the form of one."""
    made: str | None = g.get("request_id")
    if made is None:
        given = request.headers.get("X-Request-Id", "")
        made = g.request_id = given if _GIVEN.fullmatch(given) else uuid4().hex
    return made


def asks(principal: Principal) -> None:
    """Who asks is known now."""
    logs.about(actor=principal.actor)


def about(*records: object) -> None:
    """Say in the logs which case the request is about, where a record is one or a claim of one."""
    for record in records:
        if isinstance(record, Fault):
            logs.about(fault=record.reference)
        elif isinstance(record, Rma):
            logs.about(claim=record.client_reference)


def _begin() -> None:
    g.begun = time.perf_counter()
    logs.begin(request_id=request_id())


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    if response.status_code < 400 and request.endpoint in _ASKED_ALL_THE_TIME:
        return response
    log.info(
        "web.request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - g.begun) * 1000, 1),
    )
    return response
