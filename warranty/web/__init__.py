"""The web application: ``create_app`` is the only place that puts it together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Response, request, session
from whitenoise import WhiteNoise

from warranty import config, logs
from warranty.db import folder
from warranty.runtime import Runtime
from warranty.web import api, auth, errors, feed, forms, guards, i18n, ops, portal, staff, trace, words
from warranty.web.headers import HEADERS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

BIGGEST_BODY = 1024 * 1024
STATIC_AGE_S = 300

YEAR_AND_A_DAY_S = 366 * 24 * 3600


def create_app(runtime: Runtime | None = None) -> Flask:
    """The application over a runtime; without one, over the settings of the environment.

    Raises:
        SettingsError: the environment is not complete.
        Undeclared: an endpoint declares neither what it needs nor that it is public.
    """
    logs.configure()
    made = runtime or Runtime.of(config.load())
    settings = made.settings
    app = Flask(
        __name__, template_folder=folder("templates"), static_folder=folder("static"), static_url_path="/static"
    )
    app.extensions["runtime"] = made
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=BIGGEST_BODY,
        # The command line and the health checks of this machine come by its own names.
        TRUSTED_HOSTS=[urlsplit(settings.base_url).hostname, "localhost", "127.0.0.1"],
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's own provider: documents keep their order
    guards.public("style sheet, scripts, logo")(app.view_functions["static"])
    trace.init_app(app)
    guards.init_app(app, is_production=settings.is_production)
    errors.init_app(app)
    forms.init_app(app)
    i18n.init_app(app, folder("locale"), _reader)
    words.init_app(app)
    app.context_processor(_manners)
    auth.init_app(app)
    for part in (auth, staff, portal, feed):
        app.register_blueprint(part.blueprint)
    ops.init_app(app)
    api.init_app(app)
    _send_headers(app, is_production=settings.is_production)
    guards.check_declarations(app)
    return app


def _reader() -> tuple[str, ZoneInfo]:
    """The language and the time zone of who reads: what they chose, else what their browser says."""
    known = guards.known()
    chosen = (session.get("language"), known.language if known else None)
    return i18n.choose_language(chosen, request.accept_languages.values()), i18n.choose_zone(
        known.time_zone if known else None, session.get("zone")
    )


def _manners() -> dict[str, Any]:
    """How bright a page is and whether letters are keys, by the profile of who reads."""
    known = guards.known()
    return {"theme": known.theme if known else None, "single_keys": known.single_keys if known else True}


def _send_headers(app: Flask, *, is_production: bool) -> None:
    always = dict(HEADERS)
    if is_production:
        always["Strict-Transport-Security"] = f"max-age={YEAR_AND_A_DAY_S}; includeSubDomains"

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in always.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")  # whatever is not public belongs to one tenant
        return response

    def protect_file(headers: Any, _path: str, _url: str) -> None:
        for name, value in always.items():
            headers[name] = value

    files = WhiteNoise(app.wsgi_app, max_age=STATIC_AGE_S, add_headers_function=protect_file)
    files.add_files(str(folder("static")), prefix="static/")
    app.wsgi_app = files  # type: ignore[method-assign]  # the way that Flask documents
