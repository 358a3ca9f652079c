"""A server below HTTP, for what no HTTP server would do: drip, send too much, keep or cut connections, speak TLS."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType


def ok(body: bytes, *headers: str) -> bytes:
    """Give a complete answer."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RawServer:
    """Reads each request to the end of its head, keeps it, and lets a script answer: ``script(connection, number)``."""

    def __init__(self, script: Callable[[socket.socket, int], None], tls: ssl.SSLContext | None = None) -> None:
        """Answer by a script; with ``tls`` every connection begins with a handshake."""
        self._script = script
        self._tls = tls
        self.heads: list[bytes] = []
        self.connections = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Listen on a free port of loopback."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        # A closed listener alone would leave accept() waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as open_ones:
            open_ones.enter_context(connection)
            if self._tls:
                connection = open_ones.enter_context(self._tls.wrap_socket(connection, server_side=True))
            while head := self._head(connection):
                with self._lock:
                    self.heads.append(head)
                    number = len(self.heads)
                self._script(connection, number)

    def _head(self, connection: socket.socket) -> bytes:
        """Read to the end of the headers; the requests here have no body."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65_536)
            if not piece:
                return b""
            head += piece
        return head


def drip(data: bytes, every_s: float = 0.05) -> Callable[[socket.socket, int], None]:
    """Send one byte after the other, each well inside any timeout between bytes."""

    def script(connection: socket.socket, _number: int) -> None:
        for position in range(len(data)):
            connection.sendall(data[position : position + 1])
            time.sleep(every_s)

    return script


def says(data: bytes) -> Callable[[socket.socket, int], None]:
    """Send the same answer to every request."""
    return lambda connection, _number: connection.sendall(data)
