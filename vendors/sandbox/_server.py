"""The server of the twins: the only place that starts one, and that takes control requests."""

import dataclasses
import importlib
import json
import pkgutil
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import requests
from flask import Flask, Response, jsonify, request
from standardwebhooks import Webhook
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from vendors.sandbox._stage import Ledger, Stage, drop

HOST = "127.0.0.1"
KEPT_CALLS = 100_000
_PUSH = frozenset({"url", "secret"})


def available() -> tuple[str, ...]:
    """Give the names of the vendors that have a twin, sorted."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    return tuple(sorted(module.name for module in modules if not module.name.startswith("_")))


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request; the ledger says what matters."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 -- werkzeug's own signature
        pass


class Twin:
    """The twins of some vendors on one port, in a thread of this process.

    Args:
        vendors: names of ``available()``; none means all.
        port: 0 takes a free one; it is kept over ``stop`` and ``start``.
        host: the address to listen on.
        seed: of the randomness, so that a run can be repeated.
        ledger_file: keeps what was accepted, so that a twin remembers over a restart of its process.
        credentials: the only user and password, or client id and secret, that are accepted; None accepts any that are
            not empty.
        behaviour: as for ``behave``.

    Raises:
        ValueError: an unknown vendor or behaviour.
        OSError: the port is in use.
    """

    def __init__(
        self,
        *vendors: str,
        port: int = 0,
        host: str = HOST,
        seed: int = 0,
        ledger_file: Path | str | None = None,
        credentials: tuple[str, str] | None = None,
        **behaviour: Any,
    ) -> None:
        self._plays: dict[str, Any] = {}
        self._stages: dict[str, Stage] = {}
        self._port = port
        self._host = host
        self._is_port_given = port > 0
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._ledger = Ledger(Path(ledger_file) if ledger_file else None)
        self._app = Flask(__name__, static_folder=None)
        self._calls: deque[dict[str, Any]] = deque(maxlen=KEPT_CALLS)
        self._app.before_request(self._first)
        for vendor in vendors or available():
            if vendor not in available():
                raise ValueError(f"there is no twin of {vendor}; there are {', '.join(available())}")
            module = importlib.import_module(f"{__package__}.{vendor}")
            stage = Stage(vendor, self._ledger, credentials, seed, module.error)
            play = module.Play(stage)
            self._stages[vendor], self._plays[vendor] = stage, play
            self._app.register_blueprint(play.blueprint)
        self._control()
        self.behave(**behaviour)

    # -- from Python

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Listen; from now on the port is fixed."""
        # Bound here, since werkzeug itself would print and exit where the port is in use.
        with socket.create_server((self._host, self._port)) as listener:
            self._port = listener.getsockname()[1]
            self._server = make_server(
                self._host, self._port, self._app, threaded=True, request_handler=_Quiet, fd=listener.fileno()
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="sandbox")
        self._thread.start()
        for number, play in enumerate(self._with_servers()):
            play.start(self._port + 1 + 2 * number if self._is_port_given else 0)

    def stop(self) -> None:
        """Refuse connections; requests that are being answered go on. ``start`` opens the same port again."""
        for play in self._with_servers():
            play.stop()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None

    @property
    def url(self) -> str:
        """Scheme, host and port: the base URL of an account."""
        return f"http://{self._host}:{self._port}"

    @property
    def settings(self) -> dict[str, str]:
        """What the product must be told of servers beside this one, by the names of its settings."""
        return {name: url for play in self._with_servers() for name, url in play.settings.items()}

    def play(self, vendor: str) -> Any:
        """Give the twin of one vendor, for what only that one can do."""
        return self._plays[vendor]

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """Everything accepted, oldest first."""
        return self._ledger.entries()

    @property
    def opened(self) -> list[dict[str, Any]]:
        """The cases that were opened: ``number``, ``reference``, ``record``."""
        return [entry for entry in self.ledger if entry["event"] == "opened"]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call that came, also those that were refused, oldest first: ``vendor``, ``at``, ``method``, ``path``, ``query``.

        ``at`` is when it came, in seconds since 1970, before anything is waited for; so a quota can be counted.
        """
        return list(self._calls)

    @property
    def misbehaved(self) -> dict[str, int]:
        """How often which misbehaviour came about, of all twins."""
        return dict(sum((stage.misbehaved for stage in self._stages.values()), Counter()))

    def behave(self, vendor: str | None = None, **changes: Any) -> None:
        """Change how one twin, or every twin, behaves.

        ``changes`` are the fields of ``Behaviour``, and the scripts ``next_opens``, ``next_writes`` and ``next_reads``.

        Raises:
            ValueError: an unknown vendor, name or word; nothing is changed then.
        """
        for stage in self._of(vendor):
            stage.behave(**changes)

    def register(self, tags: Mapping[str, Mapping[str, Any]] | Path | str, vendor: str | None = None) -> None:
        """Make units known to the look-up twins.

        Args:
            tags: serial number to record in the twin's own form (see its ``register``), or a JSON file of that.
            vendor: one twin only.

        Raises:
            ValueError: a record that cannot be read, or no twin that looks up.
        """
        if isinstance(tags, Path | str):
            tags = json.loads(Path(tags).read_text("utf-8"))
        plays = [self._plays[stage.vendor] for stage in self._of(vendor)]
        plays = [play for play in plays if hasattr(play, "register")]
        if not plays or not isinstance(tags, Mapping):
            raise ValueError("tags are an object of serial number to record, for a twin that looks up")
        for serial_number, record in tags.items():
            for play in plays:
                play.register(serial_number, record)

    def move(self, number: str, **changes: Any) -> dict[str, Any]:
        """Move a case at the vendor, for example ``move(number, state="approved")``; gives its record.

        Raises:
            KeyError: no twin has this case.
            ValueError: an unknown column or state.
        """
        for play in self._plays.values():
            with suppress(KeyError):  # it is another vendor's
                if hasattr(play, "move"):
                    moved: dict[str, Any] = play.move(number, changes)
                    return moved
        raise KeyError(number)

    def push(self, number: str, url: str, secret: str, *, delivery: str | None = None) -> int:
        """Push a case to a URL, signed by the Standard Webhooks scheme, as it stands now; gives the status of the answer.

        Args:
            number: of the case.
            url: where to.
            secret: what both sides share.
            delivery: the delivery's own id; without one, a new one. The same twice is one delivery that came twice.

        Raises:
            KeyError: no twin that pushes has this case.
            ValueError: the secret is none, or the URL cannot be called.
        """
        for play in self._plays.values():
            if hasattr(play, "pushed"):
                return signed_push(url, secret, play.pushed(number), delivery or f"msg_{uuid4().hex}")
        raise KeyError(number)

    def forget_tokens(self) -> None:
        """Take back every token that was given out."""
        for stage in self._stages.values():
            stage.forget_tokens()

    def _with_servers(self) -> list[Any]:
        """The twins that speak more than HTTP, and listen on ports of their own."""
        return [play for play in self._plays.values() if hasattr(play, "start")]

    def _of(self, vendor: str | None) -> list[Stage]:
        if vendor is None:
            return list(self._stages.values())
        if vendor not in self._stages:
            raise ValueError(f"{vendor} does not play here; {', '.join(self._stages)} do")
        return [self._stages[vendor]]

    # -- over HTTP

    def _first(self) -> Response | None:
        """Before every request of a vendor's: be down, or be slow."""
        if request.path.startswith("/_sandbox/"):
            return None
        stage = self._stages[request.blueprints[0]] if request.blueprints else None
        if stage is None:
            return None
        behaviour = stage.behaviour
        call = {"vendor": stage.vendor, "at": time.time(), "method": request.method}
        self._calls.append({**call, "path": request.path, "query": request.query_string.decode()})
        if behaviour.down:
            return drop()
        time.sleep(behaviour.latency)
        return None

    def _control(self) -> None:
        """Add the control paths."""
        self._app.get("/_sandbox/calls")(lambda: jsonify(self.calls))

        @self._app.errorhandler(ValueError)
        def unreadable(err: ValueError) -> tuple[Response, int]:
            return jsonify({"error": str(err)}), 400

        @self._app.errorhandler(KeyError)
        def unknown(err: KeyError) -> tuple[Response, int]:
            return jsonify({"error": f"there is no {err}"}), 404

        @self._app.get("/_sandbox/ledger")
        def ledger() -> Response:
            return jsonify(self._ledger.entries(request.args.get("vendor")))

        @self._app.get("/_sandbox/behaviour")
        def behaviour() -> Response:
            return jsonify({name: dataclasses.asdict(stage.behaviour) for name, stage in self._stages.items()})

        @self._app.post("/_sandbox/behaviour")
        def behave() -> Response:
            self.behave(**_object())
            return behaviour()

        @self._app.post("/_sandbox/tags")
        def tags() -> Response:
            body = _object()
            self.register(body)
            return jsonify({"registered": sorted(body)})

        @self._app.post("/_sandbox/cases/<number>")
        def case(number: str) -> Response:
            return jsonify(self.move(number, **_object()))

        @self._app.post("/_sandbox/cases/<number>/push")
        def push(number: str) -> Response:
            return jsonify({"status": self.push(number, **_object(_PUSH))})

        @self._app.post("/_sandbox/tokens")
        def tokens() -> Response:
            self.forget_tokens()
            return jsonify({"tokens": 0})


def _object(needed: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Read a control request."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 -- answered with 400 like any unreadable request
    if needed and not needed <= set(body) <= {*needed, "delivery"}:
        raise ValueError(f"the body must have {', '.join(sorted(needed))}")
    return body


def signed_push(url: str, secret: str, body: bytes, delivery: str) -> int:
    """Send a body as the Standard Webhooks scheme has it; gives the status of the answer.

    Raises:
        ValueError: the secret is none, or the URL cannot be called.
    """
    at = datetime.now(UTC)
    key = secret if secret.startswith("whsec_") else secret.encode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(delivery, at, body.decode()),
    }
    try:
        return requests.post(url, data=body, headers=headers, timeout=10, allow_redirects=False).status_code
    except requests.RequestException as err:
        raise ValueError(f"{url} cannot be called: {err}") from None


def run_sandbox(
    vendors: tuple[str, ...] = (),
    port: int = 0,
    *,
    fault_rate: float = 0.0,
    drop_after_accept: float = 0.0,
    latency: float = 0.0,
    ledger_file: Path | str | None = None,
    tags_file: Path | str | None = None,
    auto_approve_s: float = -1.0,
    seed: int = 0,
) -> None:
    """Play vendors until interrupted (``KeyboardInterrupt`` ends it); prints the URL first, alone on its line.

    Twins with servers of their own take the ports above, or free ones, and add a line for each setting of the product.

    Args:
        vendors: names of ``available()``; none means all.
        port: 0 takes a free one.
        fault_rate, drop_after_accept: probabilities from 0 to 1; see ``Behaviour``.
        latency: seconds before every answer.
        ledger_file, tags_file, seed: see ``Twin``.
        auto_approve_s: cases are approved by themselves after this many seconds; below zero: never.

    Raises:
        ValueError: an unknown vendor, or a tags file that cannot be read.
        OSError: the port is in use, or a file cannot be read or written.
    """
    twin = Twin(
        *vendors,
        port=port,
        seed=seed,
        ledger_file=ledger_file,
        fault_rate=fault_rate,
        drop_after_accept=drop_after_accept,
        latency=latency,
        auto_approve_s=auto_approve_s,
    )
    if tags_file:
        twin.register(tags_file)
    with twin:
        said = [twin.url, *(f"{name}={url}" for name, url in twin.settings.items())]
        print("\n".join(said), flush=True)  # noqa: T201 -- all that this command says, for people and scripts
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return
