"""E-mail, pretended: a real SMTP server that keeps what it took, and a real IMAP server with the mailbox of the answers.

The HTTP server beside them plays the people at the vendor: ``POST /_sandbox/mails`` lays an answer into the mailbox. What
the behaviours mean here: ``refuse`` is 550 at RCPT, ``throttle`` 450 there (greylisting), ``error_before`` 451 after DATA,
``drop_before`` cuts at RCPT, ``drop_after_accept`` after DATA; ``error_after_accept`` keeps the message and says 554,
``garbage`` answers without a code. Reads are those of
the mailbox.
"""

import asyncio
import re
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any, ClassVar, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from flask import Blueprint, Response, jsonify, request

from vendors.sandbox import _stage
from vendors.sandbox._stage import Stage

HOST = "127.0.0.1"
BIGGEST = 25_000_000

_TOKEN = re.compile(r"\[([A-Z]+-[A-Z0-9-]+)\]")
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
_FIELDS = re.compile(rb"BODY\.PEEK\[HEADER\.FIELDS \(([^()]*)\)\]")
_WHOLE = re.compile(rb"BODY\.PEEK\[\]<(\d+)\.(\d+)>")


def error(status: int, text: str) -> Response:
    """Say no to a control request."""
    response = jsonify({"error": text})
    response.status_code = status
    return response


@dataclass(frozen=True, slots=True)
class _Mail:
    """One message of the mailbox."""

    uid: int
    raw: bytes
    came_at: datetime


class Play:
    """The vendor by mail. ``validity`` names the numbering of its mailbox; another one makes every UID new."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.validity = 1
        self._smtp = _Smtp(self)
        self._imap = _Imap(self)
        self.blueprint = Blueprint("email", __name__)
        self.blueprint.post("/_sandbox/mails")(self._post_mail)
        self.blueprint.get("/_sandbox/mails")(self._get_mails)

    def start(self, port: int) -> None:
        """Listen: SMTP on ``port``, IMAP on the next one; 0 takes free ones. Started again, it listens where it did."""
        self._smtp.start(self._smtp.port or port)
        self._imap.start(self._imap.port or (port and port + 1))

    def stop(self) -> None:
        """Refuse connections."""
        self._smtp.stop()
        self._imap.stop()

    @property
    def settings(self) -> dict[str, str]:
        """Where its servers are, by the names of the product's settings."""
        return {
            "SMTP_URL": f"smtp://{HOST}:{self._smtp.port}",
            "IMAP_URL": f"imap://us:them@{HOST}:{self._imap.port}",
        }

    @property
    def mails(self) -> list[_Mail]:
        """The mailbox, oldest first, with what an earlier process laid into it."""
        answers = [entry for entry in self.stage.kept() if entry["event"] == "answered"]
        return [
            _Mail(uid, entry["raw"].encode("latin-1"), datetime.fromtimestamp(entry["at"], UTC))
            for uid, entry in enumerate(answers, 1)
        ]

    @property
    def taken(self) -> list[EmailMessage]:
        """The messages that the SMTP server has in full, whether or not it said so."""
        kept = [entry for entry in self.stage.kept() if entry["event"] == "opened"]
        return [_read(entry["record"]["raw"].encode("latin-1")) for entry in kept]

    def take(self, envelope: Envelope) -> None:
        """Keep a message."""
        raw = cast("bytes", envelope.original_content)
        message = _read(raw)
        token = _TOKEN.search(str(message["Subject"]))
        record = {"from": envelope.mail_from, "to": list(envelope.rcpt_tos), "raw": raw.decode("latin-1")}
        reference = token.group(1) if token else None
        name = str(message["Message-ID"])
        event = "opened" if name.startswith("<rma.") else "mailed"  # the product's own notices come here too
        self.stage.keep(event, number=name, reference=reference, record=record)

    def answer(self, reference: str, text: str, **headers: str) -> bytes:
        """Lay the answer to the newest message about a claim into the mailbox.

        Args:
            reference: ours, as it stands in the subject.
            text: what they write.
            headers: replace those of a usual answer, or add some; an empty one is left out. ``In_Reply_To`` is In-Reply-To.

        Raises:
            KeyError: no message about this claim was taken.
        """
        about = [one for one in self.taken if f"[{reference}]" in str(one["Subject"])]
        if not about:
            raise KeyError(reference)
        ours = about[-1]
        usual = {
            "From": str(ours["To"]),
            "To": str(ours["Reply-To"]),
            "Subject": f"Re: {ours['Subject']}",
            "Message-ID": make_msgid(domain="vendor.example"),
            "In-Reply-To": str(ours["Message-ID"]),
            "References": str(ours["Message-ID"]),
            "Date": format_datetime(datetime.now(UTC)),
        }
        reply = EmailMessage(policy=policy.SMTP)
        for name, value in (usual | {name.replace("_", "-"): value for name, value in headers.items()}).items():
            if value:
                reply[name] = value
        reply.set_content(text)
        return self.lay(reply.as_bytes())

    def lay(self, raw: bytes) -> bytes:
        """Lay any bytes into the mailbox."""
        self.stage.keep("answered", raw=raw.decode("latin-1"))
        return raw

    def _post_mail(self) -> Response:
        body = request.get_json(silent=True)
        if not isinstance(body, Mapping) or not isinstance(body.get("raw", body.get("reference")), str):
            raise ValueError("the body must be an object with raw, or with reference and text")  # noqa: TRY004 -- answered with 400
        given = {name: str(value) for name, value in body.items()}
        if "raw" in given:
            self.lay(given["raw"].encode())
        else:
            self.answer(given.pop("reference"), given.pop("text", ""), **given)
        return self._get_mails()

    def _get_mails(self) -> Response:
        return jsonify([mail.raw.decode(errors="replace") for mail in self.mails])


def _read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.SMTP)


# -- SMTP


class _Smtp:
    """The server that takes mails, on a thread of its own. The names of the ``handle_`` methods are aiosmtpd's."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def start(self, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="sandbox-smtp")
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(port), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._loop = self._thread = None

    async def _listen(self, port: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(self._protocol, HOST, port)

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            data_size_limit=BIGGEST,
            enable_SMTPUTF8=True,
            hostname="vendor.example",
            authenticator=self._authenticate,
            auth_require_tls=False,
            loop=self._loop,
        )

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _how: str, given: Any) -> AuthResult:
        login = cast("LoginPassword", given)
        return AuthResult(
            success=self._play.stage.lets_in(login.login.decode(), login.password.decode()), handled=False
        )

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        stage = self._play.stage
        await asyncio.sleep(stage.behaviour.latency)
        what = _stage.DROP_BEFORE if stage.behaviour.down else stage.next_open()
        vars(envelope)["goes"] = what  # what becomes of the message is drawn once, here
        if what == _stage.DROP_BEFORE:
            cast("asyncio.Transport", server.transport).abort()
        if what == _stage.REFUSE:
            return "550 5.1.1 the sandbox was told to refuse"
        if what == _stage.THROTTLE:
            return "450 4.2.0 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        what, slow_s = vars(envelope)["goes"], self._play.stage.behaviour.slow_s
        if what == _stage.ERROR_BEFORE:
            return "451 4.3.0 the sandbox was told to fail"
        if what == _stage.SLOW_THEN_ACCEPT:  # also where the client has gone meanwhile, which ends this coroutine
            asyncio.get_running_loop().call_later(slow_s, self._play.take, envelope)
            await asyncio.sleep(slow_s)
        else:
            self._play.take(envelope)
        if what == _stage.ACCEPT_THEN_SLOW:
            await asyncio.sleep(slow_s)
        if what == _stage.DROP_AFTER_ACCEPT:
            cast("asyncio.Transport", server.transport).abort()
        if what == _stage.GARBAGE:
            return "It works!"
        return "554 5.3.0 taken, and said to have failed" if what == _stage.ERROR_AFTER_ACCEPT else "250 2.0.0 taken"


# -- IMAP


class _Imap:
    """The server of the mailbox, one thread for each client."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._server: socketserver.ThreadingTCPServer | None = None
        self.port = 0

    def start(self, port: int) -> None:
        handler = type("Conversation", (_Conversation,), {"play": self._play})
        self._server = _TcpServer((HOST, port), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="sandbox-imap").start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class _No(Exception):
    """The command cannot be done; the message is the answer."""


class _Conversation(socketserver.StreamRequestHandler):
    """One client: LOGIN, EXAMINE, UID SEARCH, UID FETCH and what stands around them, each in its state. Source: RFC 3501."""

    play: Play
    timeout = 60
    disable_nagle_algorithm = True  # else the last line of every answer waits 40 ms
    _is_in = False
    _is_open = False

    def handle(self) -> None:
        with suppress(ConnectionError):  # who hangs up in the middle, as a killed process does, is missed by nobody
            self._converse()

    def _converse(self) -> None:
        if self.play.stage.behaviour.down:
            return
        self._say(b"* OK [CAPABILITY IMAP4rev1] vendor.example")
        while line := self._line():
            time.sleep(self.play.stage.behaviour.latency)
            tag, _, rest = line.partition(b" ")
            words = [quoted or plain for quoted, plain in _WORD.findall(rest)]
            name = b" ".join(words[: 2 if rest.upper().startswith(b"UID ") else 1]).upper().decode()
            try:
                if name not in self._COMMANDS:
                    raise _No("BAD no such command here")  # noqa: TRY301 -- answered like any other no
                self._COMMANDS[name](self, rest, words)
            except _No as no:
                self._say(tag + b" " + str(no).encode())
            else:
                self._say(tag + b" OK " + name.encode() + b" done")
            if name == "LOGOUT":
                return

    def _line(self) -> bytes:
        """Read a command; a literal is asked for, and put in quotes."""
        line = self.rfile.readline(10_000).rstrip(b"\r\n")
        while found := re.search(rb"\{(\d{1,5})\}$", line):
            self._say(b"+ go on")
            literal = self.rfile.read(int(found.group(1))).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            line = line[: found.start()] + b'"' + literal + b'"' + self.rfile.readline(10_000).rstrip(b"\r\n")
        return line

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def _capability(self, _rest: bytes, _words: list[bytes]) -> None:
        self._say(b"* CAPABILITY IMAP4rev1")

    def _noop(self, _rest: bytes, _words: list[bytes]) -> None:
        """Nothing is asked for."""

    def _logout(self, _rest: bytes, _words: list[bytes]) -> None:
        self._say(b"* BYE")

    def _login(self, _rest: bytes, words: list[bytes]) -> None:
        user, password = (re.sub(r"\\(.)", r"\1", word.decode()) for word in [*words[1:3], b"", b""][:2])
        if not self.play.stage.lets_in(user, password):
            raise _No("NO [AUTHENTICATIONFAILED] wrong user or password")
        self._is_in = True

    def _examine(self, _rest: bytes, words: list[bytes]) -> None:
        if not self._is_in:
            raise _No("BAD sign in first")
        if [word.upper() for word in words[1:]] != [b"INBOX"]:
            raise _No("NO [NONEXISTENT] no such mailbox")
        self._is_open = True
        self._say(b"* %d EXISTS" % len(self.play.mails))
        self._say(b"* OK [UIDVALIDITY %d] of this numbering" % self.play.validity)

    def _search(self, _rest: bytes, words: list[bytes]) -> None:
        mails = self._mails()
        match [word.upper() for word in words[2:]]:
            case [b"SINCE", day]:
                since = datetime.strptime(day.decode(), "%d-%b-%Y").replace(tzinfo=UTC)
                found = [mail.uid for mail in mails if mail.came_at >= since]
            case [b"UID", given]:
                first = int(given.partition(b":")[0])
                found = [mail.uid for mail in mails if mail.uid >= first or mail is mails[-1]]  # so says the RFC
            case _:
                raise _No("BAD no such search here")
        self._say(b" ".join([b"* SEARCH", *(b"%d" % uid for uid in found)]))

    def _fetch(self, rest: bytes, words: list[bytes]) -> None:
        wanted = {int(word) for word in words[2].split(b",")}
        fields, whole = _FIELDS.search(rest), _WHOLE.search(rest)
        for place, mail in enumerate(self._mails(), 1):
            if mail.uid not in wanted:
                continue
            if fields:
                what, content = fields.group(), _some_headers(mail.raw, fields.group(1).upper().split())
            elif whole:
                start, length = int(whole.group(1)), int(whole.group(2))
                what, content = b"BODY[]<%d>" % start, mail.raw[start : start + length]
            else:
                raise _No("BAD only headers, or a piece of the whole")
            named = what.replace(b".PEEK", b"")
            self._say(b"* %d FETCH (UID %d %s {%d}\r\n%s)" % (place, mail.uid, named, len(content), content))

    def _mails(self) -> list[_Mail]:
        if not self._is_open:
            raise _No("BAD no mailbox is open")
        what = self.play.stage.next_read()
        if what == _stage.DROP_BEFORE:
            raise ConnectionAbortedError
        if what != _stage.OK:
            raise _No("NO [UNAVAILABLE] the sandbox was told to fail")
        return self.play.mails

    _COMMANDS: ClassVar[Mapping[str, Callable[["_Conversation", bytes, list[bytes]], None]]] = {
        "CAPABILITY": _capability,
        "NOOP": _noop,
        "LOGOUT": _logout,
        "LOGIN": _login,
        "EXAMINE": _examine,
        "UID SEARCH": _search,
        "UID FETCH": _fetch,
    }


def _some_headers(raw: bytes, names: list[bytes]) -> bytes:
    """The headers of these names as they stand, folded lines with them, and the empty line."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    fields = re.split(rb"\r?\n(?![ \t])", head)
    kept = [field for field in fields if field.partition(b":")[0].strip().upper() in names]
    return b"".join(field + b"\r\n" for field in kept) + b"\r\n"
