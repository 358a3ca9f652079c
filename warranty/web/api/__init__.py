"""REST for programs: the only place that puts the API together and describes it (OpenAPI 3.1)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import flask_smorest
from flask import Blueprint, Response, current_app, render_template
from marshmallow import fields

from warranty import __version__
from warranty.web import webhooks
from warranty.web.api import (
    by_ref,
    cases,
    faults,
    files,
    handover,
    imports,
    lookups,
    notes,
    parity,
    people,
    registry,
    returns,
    specifications,
    stock,
    vendors,
)
from warranty.web.api.description import described
from warranty.web.errors import TYPES
from warranty.web.guards import public
from warranty.web.schemas.fields import Strict

if TYPE_CHECKING:
    from flask import Flask

PREFIX = "/api/v1"

ABOUT = """Reports faults, follows claims, parcels, swaps and jobs, and keeps the registry, vendor accounts, users and tokens.

Send `Authorization: Bearer <token>`; the first token is made with `warranty token add`, others with `POST /tokens`. A token
never exceeds its user's role; one that is narrowed to a client sees that client's records only.

An error is a problem document (RFC 9457) whose `type` never changes. A list is read page by page: `?limit=` (at most 200)
and `?cursor=` with the `next_cursor` of the page before. A write takes an `Idempotency-Key`: repeated with the same body it
gives the stored answer, but for what is shown once.

A record's answer has an `ETag`. Send it back as `If-Match` with a change or a transition: where somebody has changed the
record meanwhile, nothing happens (412). A transition makes one move of a life cycle, with its reason; what the life cycle
does not have is answered with 409.
"""


class ProblemDocument(Strict):
    """An error (RFC 9457). ``errors`` holds sentences by field."""

    type = fields.String(metadata={"enum": list(TYPES)})
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    request_id = fields.String()
    errors = fields.Dict(keys=fields.String())


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest has no types
    """The API as flask-smorest describes it, but for errors: those are problem documents, made by ``web.errors``."""

    ERROR_SCHEMA = ProblemDocument

    def _register_responses(self) -> None:
        content = {"application/problem+json": {"schema": ProblemDocument}}
        named = {status.name: status.phrase for status in HTTPStatus}
        for name, phrase in {**named, self.DEFAULT_ERROR_RESPONSE_NAME: "An error"}.items():
            self.spec.components.response(name, {"description": phrase, "content": content}, lazy=True)

    def _register_error_handlers(self) -> None:
        """``web.errors`` answers every error of the app."""


def init_app(app: Flask) -> None:
    """Register every endpoint of the API and its description."""
    app.config.update(API_TITLE="Warranty tracker", API_VERSION=__version__, OPENAPI_VERSION="3.1.0")
    api = Api(
        app,
        spec_kwargs={
            "info": {"description": ABOUT},
            "security": [{"token": []}],
        },
    )
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    for part in (
        faults,
        cases,
        returns,
        notes,
        parity,
        registry,
        handover,
        by_ref,
        vendors,
        people,
        stock,
        files,
        imports,
        lookups,
        specifications,
    ):
        api.register_blueprint(part.endpoints.blueprint, url_prefix=PREFIX)
    api.register_blueprint(webhooks.blueprint, url_prefix=PREFIX)
    app.extensions["api-document"] = json.dumps(described(app, api.spec.to_dict()))
    app.register_blueprint(docs)


docs = Blueprint("docs", __name__, url_prefix="/api")


@docs.get("/openapi.json")
@public("It says how to call and holds no data.")
def openapi() -> Response:
    """The description for programs."""
    return Response(current_app.extensions["api-document"], mimetype="application/json")


@docs.get("/docs")
@public("It says how to call and holds no data.")
def readable() -> str:
    """The description for people."""
    document = json.loads(current_app.extensions["api-document"])
    return render_template("docs/api.html", document=document, types=TYPES)
