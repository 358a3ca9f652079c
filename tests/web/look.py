"""A bare Flask app that shows the example pages under the real policy: the only place that serves a template alone."""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.serving import make_server

from tests.web import examples
from warranty import web
from warranty.web import i18n, words
from warranty.web.headers import HEADERS

ROOT = Path(__file__).parents[2]
CSP = HEADERS["Content-Security-Policy"]


def make_app() -> Flask:
    """The app: `/look/<page>/<scale>?lang=&theme=` shows an example."""
    app = Flask(__name__, template_folder=ROOT / "templates", static_folder=None)
    app.secret_key = "only for these pictures"
    CSRFProtect(app)
    i18n.init_app(app, ROOT / "locale", lambda: (request.args.get("lang", "en"), i18n.choose_zone("Europe/Berlin")))
    words.init_app(app)
    app.jinja_env.tests["may_be_opened"] = lambda _endpoint: True
    for part in (web.auth, web.staff, web.portal):
        app.register_blueprint(part.blueprint)
    for endpoint in app.view_functions:  # links and forms lead where they do in the product, but nothing happens there
        app.view_functions[endpoint] = lambda **_: ""

    @app.get("/static/<path:filename>", endpoint="static")
    def static(filename: str) -> Response:
        # Read whole: a browser that is closed in the middle would leave an open file behind.
        answer = Response((ROOT / "static" / filename).read_bytes(), mimetype=mimetypes.guess_type(filename)[0])
        answer.cache_control.max_age = 3600  # as the product lets it be kept
        return answer

    @app.get("/<path:case>/live")
    def live(case: str) -> tuple[str, int]:
        return "", 204  # nothing new, however long the page is looked at

    @app.get("/look/<page>/<scale>")
    def look(page: str, scale: str) -> str:
        template, name, make, frame = examples.PAGES[page]
        return render_template(
            template, **{name: make(scale)}, frame=frame, theme=request.args.get("theme"), **words.choices()
        )

    @app.after_request
    def policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CSP
        return response

    return app


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an app on a free port of this machine; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
