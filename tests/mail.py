"""A mail server on this machine: strict, real SMTP over sockets, and told by the test how to misbehave."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY
from typing import TYPE_CHECKING, Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from email.message import EmailMessage

    from aiosmtpd.smtp import Envelope, Session

BIGGEST = 1_000_000


@dataclass(slots=True)
class Received:
    """A message that the server has in full, whether or not it said so."""

    sender: str
    receivers: list[str]
    content: bytes
    username: str | None

    @property
    def message(self) -> EmailMessage:
        return cast("EmailMessage", message_from_bytes(self.content, policy=SMTP_POLICY))

    def part(self, kind: str) -> str:
        """The text of the part of a kind: `plain` or `html`."""
        body = self.message.get_body((kind,))
        assert body is not None
        return str(cast("EmailMessage", body).get_content())


@dataclass(slots=True)
class Mailbox:
    """The server, as a context. What it has got: `received`; every line that was said to it: `heard`.

    Until told otherwise it takes everything. `on_rcpt`, `on_data`: what to answer there; `hangs_up_at`: after the client's
    RCPT or its whole DATA the connection ends without an answer; `when_asked` runs before the answer to the one, `when_received`
    before that to the other.
    """

    users: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    utf8: bool = True
    on_rcpt: str = "250 OK"
    on_data: str = "250 OK"
    hangs_up_at: str = ""
    when_asked: Callable[[], None] | None = None
    when_received: Callable[[], None] | None = None
    received: list[Received] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(10)
        self._loop.close()

    def url(self, scheme: str = "smtp", login: str = "") -> str:
        """Its address, as SMTP_URL has it; `localhost`, since certificates are made for names."""
        return f"{scheme}://{login}{'@' if login else ''}localhost:{self.port}"

    async def _start(self) -> asyncio.Server:
        tls = self.tls if self.implicit_tls else None
        return await self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=tls)

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        others = [task for task in asyncio.all_tasks(self._loop) if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _protocol(self) -> SMTP:
        return SMTP(
            _Handler(self),
            data_size_limit=BIGGEST,
            enable_SMTPUTF8=self.utf8,
            hostname="mail.example",
            tls_context=None if self.implicit_tls else self.tls,
            authenticator=self._authenticate if self.users else None,
            auth_require_tls=False,
            loop=self._loop,
        )

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        name, password = given.login.decode(), given.password.decode()
        self.logins.append((name, password))
        if self.users.get(name) == password:
            return AuthResult(success=True, auth_data=name)
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 no {name} with {password}")


class _Handler:
    """What aiosmtpd asks; the names of its methods are its own."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self._box.when_asked is not None:
            await asyncio.to_thread(self._box.when_asked)
        if self._box.hangs_up_at == "RCPT":
            server.transport.abort()
        if self._box.users and not session.authenticated:
            return "530 5.7.0 sign in first"
        if self._box.on_rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self._box.on_rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        box = self._box
        content = envelope.original_content
        assert content is not None
        box.received.append(Received(str(envelope.mail_from), list(envelope.rcpt_tos), content, session.auth_data))
        if box.when_received is not None:
            await asyncio.to_thread(box.when_received)
        if box.hangs_up_at == "DATA":
            server.transport.abort()
        return box.on_data
