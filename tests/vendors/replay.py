"""A vendor that plays recordings over real HTTP: the only place that serves recorded answers.

A recording is ``{"request": {"method", "path"}, "response": {"status", "headers", "body"}}``. ``body`` is JSON, or text
where it is a string; ``body_file`` in its place names a file beside the recording. ``"drop": true`` in place of a status
cuts the connection. A request with an ``action`` is one of those that share a path and differ by ``SOAPAction``.
"""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from email.message import Message
    from types import TracebackType

RECORDED = Path(__file__).parent / "recorded"


def recording(vendor: str, name: str) -> dict[str, Any]:
    """Read ``recorded/<vendor>/<name>.json``."""
    read: dict[str, Any] = json.loads((RECORDED / vendor / f"{name}.json").read_text("utf-8"))
    if file := read["response"].pop("body_file", None):
        read["response"]["body"] = (RECORDED / vendor / file).read_text("utf-8")
    return read


def _where_of(one: dict[str, Any]) -> tuple[str, str, str]:
    """Give what the requests have in common that a recording answers: method, path, action."""
    request = one["request"]
    return request["method"], request["path"], request.get("action", "")


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes

    @property
    def where(self) -> tuple[str, str, str]:
        """Method, path and action."""
        return self.method, self.path, self.headers.get("SOAPAction", "")

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Recorded:
    """The server; use it as a context manager."""

    received: list[Received] = field(default_factory=list)
    _answers: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Listen on a free port of loopback."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def plays(self, *recordings: dict[str, Any], **changes: Any) -> None:
        """Answer with these, each for the method and path of its request, in order; the last of a path repeats.

        ``changes`` replace parts of every response: ``status``, ``headers``, ``body``, ``drop``.
        """
        for one in recordings:
            answers = self._answers.setdefault(_where_of(one), [])
            answers.append({**one["response"], **changes})

    def forget(self, *recordings: dict[str, Any]) -> None:
        """Drop what was to be answered to the requests of these, or to all."""
        if not recordings:
            self._answers.clear()
        for one in recordings:
            del self._answers[_where_of(one)]

    def sent_to(self, one: dict[str, Any]) -> list[Received]:
        """What came in for the method and path of a recording."""
        return [got for got in self.received if got.where == _where_of(one)]

    def _answer(self, got: Received) -> dict[str, Any]:
        answers = self._answers.get(got.where)
        if not answers:
            return {"status": 501, "body": f"nothing is recorded for {got.method} {got.path}"}
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                got = Received(self.command, parts.path, query, self.headers, body)
                vendor.received.append(got)
                answer = vendor._answer(got)
                if answer.get("drop"):
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                content = answer.get("body", "")
                if isinstance(content, str):
                    content = content.encode()
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(answer["status"])
                for name, value in {"Content-Type": "application/json", **answer.get("headers", {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = handle_one

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        return Handler
