"""SMTP: the only place that speaks to a mail server. One message for one receiver; what became of it is a value.

SMTP has no key by which a server could tell a repeated message from a new one. It does have one moment that decides: the
server's answer to the message itself. Before the message has left it was certainly not taken, whatever broke; after the
answer all is known; between the two nobody can know. So ``may_leave`` is asked at the last moment before it leaves.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from warranty.config import MailServer

LONGEST_ANSWER = 300


class Fate(StrEnum):
    """What became of a message."""

    TAKEN = "taken"  # the server has it
    REFUSED = "refused"  # the server will never take it
    NOT_TAKEN = "not_taken"  # not this time: nobody there, busy, or our account is wrong
    UNKNOWN = "unknown"  # it left, and no answer came


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, and what the server said; never an address's password, and at most some lines."""

    fate: Fate
    said: str


class _Refused(Exception):
    """The server has answered with a code that ends this try."""

    def __init__(self, fate: Fate, said: str) -> None:
        super().__init__(said)
        self.fate = fate


_ANSWERS = {2: Fate.TAKEN, 4: Fate.NOT_TAKEN, 5: Fate.REFUSED}
"""What the first digit of the answer to a message says."""


def send(
    server: MailServer,
    message: bytes,
    *,
    sender: str,
    receiver: str,
    deadline_s: float,
    may_leave: Callable[[float], bool],
) -> Outcome | None:
    """Hand one message over; None where ``may_leave`` said no at the last moment, and then nothing has left.

    Args:
        server: where, how, and as whom.
        message: the whole message with CRLF line ends.
        sender: the address that bounces go to.
        receiver: one address; outside ASCII before the @ only a server with SMTPUTF8 takes it.
        deadline_s: how long all of it may take.
        may_leave: asked once, with the seconds that are left, after the server has agreed to take the message and
            before its first byte.
    """
    ends_at = time.monotonic() + deadline_s
    line: smtplib.SMTP | None = None
    has_left = False
    try:
        line = _connect(server, sender.rpartition("@")[2], deadline_s)
        _introduce(line, server, ends_at)
        _address(line, message, sender, receiver, ends_at)
        _within(line, ends_at)
        _expect(line.docmd("DATA"), 354)
        if not may_leave(ends_at - time.monotonic()):
            return None
        _within(line, ends_at)
        has_left = True
        line.send(_quoted(message))
        code, said = line.getreply()
        with suppress(smtplib.SMTPException, OSError):
            line.quit()
        fate = _ANSWERS.get(code // 100, Fate.UNKNOWN)
        return Outcome(fate, _plain(server, f"{code} {_text(said)}"))
    except _Refused as err:
        return Outcome(err.fate, _plain(server, str(err)))
    except (
        smtplib.SMTPResponseException
    ) as err:  # at the greeting or the sign-in: the server's trouble or our account's
        return Outcome(Fate.NOT_TAKEN, _plain(server, f"{err.smtp_code} {_text(err.smtp_error)}"))
    except (smtplib.SMTPException, OSError, ValueError) as err:
        return Outcome(Fate.UNKNOWN if has_left else Fate.NOT_TAKEN, _plain(server, f"{type(err).__name__}: {err}"))
    finally:
        if line is not None:
            line.close()


def _connect(server: MailServer, own_name: str, timeout_s: float) -> smtplib.SMTP:
    name = own_name if own_name.isascii() else "localhost"
    if server.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, name, timeout=timeout_s, context=context)
    return smtplib.SMTP(server.host, server.port, name, timeout=timeout_s)


def _introduce(line: smtplib.SMTP, server: MailServer, ends_at: float) -> None:
    _within(line, ends_at)
    line.ehlo_or_helo_if_needed()
    if server.scheme == "smtp+starttls":
        _within(line, ends_at)
        line.starttls(context=ssl.create_default_context())  # raises where the server has none: never in the clear then
        line.ehlo_or_helo_if_needed()
    if server.username:
        _within(line, ends_at)
        line.login(server.username, server.password)


def _address(line: smtplib.SMTP, message: bytes, sender: str, receiver: str, ends_at: float) -> None:
    options = [f"SIZE={len(message)}"] if line.has_extn("size") else []
    if not (sender + receiver).isascii():
        if not line.has_extn("smtputf8"):
            raise _Refused(Fate.REFUSED, "The mail server takes no address with signs outside ASCII.")
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    _within(line, ends_at)
    _expect(line.mail(sender, options), 250)
    _within(line, ends_at)
    _expect(line.rcpt(receiver), 250, 251)


def _within(line: smtplib.SMTP, ends_at: float) -> None:
    """Give the next step what is left of the time."""
    rest = ends_at - time.monotonic()
    if rest <= 0:
        raise TimeoutError("the time for this mail has run out")
    if line.sock is not None:
        line.sock.settimeout(rest)


def _expect(answer: tuple[int, bytes], *good: int) -> None:
    code, said = answer
    if code not in good:
        raise _Refused(Fate.REFUSED if code // 100 == 5 else Fate.NOT_TAKEN, f"{code} {_text(said)}")


def _quoted(message: bytes) -> bytes:
    """The message as it travels: a dot that begins a line is doubled, a line with a single one ends it."""
    body = re.sub(rb"(?m)^\.", b"..", message)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _text(said: bytes | str) -> str:
    return said if isinstance(said, str) else said.decode("utf-8", "replace")


def _plain(server: MailServer, said: str) -> str:
    """What was said, on one line, without what we signed in with."""
    for secret in filter(None, (server.password, server.username)):
        said = said.replace(secret, "***")
    return "".join(sign if sign.isprintable() else " " for sign in said)[:LONGEST_ANSWER]
