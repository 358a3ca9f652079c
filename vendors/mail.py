"""Mail servers: the only place that speaks to one. SMTP out, IMAP in, and what a message says.

SMTP has no key by which a server could tell a repeated message from a new one. It does have one moment that decides: the
server's answer to the message itself. Before the message has left it was certainly not taken, whatever broke; after the
answer all is known; between the two nobody can know. So ``may_leave`` is asked at the last moment before it leaves.

A mailbox is read and never changed (EXAMINE, BODY.PEEK): people read it too, and a flag of theirs must not hide a message
from us, nor one of ours from them. Who reads remembers the UID that it has come to.
"""

import imaplib
import re
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from enum import StrEnum
from html import unescape
from types import TracebackType
from typing import Any, Self

from vendors.contract import MailServer

LONGEST_ANSWER = 300


class Fate(StrEnum):
    """What became of a message."""

    TAKEN = "taken"  # the server has it
    REFUSED = "refused"  # the server will never take it
    NOT_TAKEN = "not_taken"  # not this time: nobody there, busy, or our account is wrong
    UNKNOWN = "unknown"  # it left, and no answer came


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, and what the server said; never a password, and at most some lines.

    ``code`` is that of the answer which decided; None where none came.
    """

    fate: Fate
    said: str
    code: int | None = None


class _Refused(Exception):
    """The server has answered with a code that ends this try."""

    def __init__(self, fate: Fate, said: str, code: int | None = None) -> None:
        super().__init__(said)
        self.fate = fate
        self.code = code


_ANSWERS = {2: Fate.TAKEN, 4: Fate.NOT_TAKEN, 5: Fate.REFUSED}
"""What the first digit of the answer to a message says."""


def send(
    server: MailServer,
    message: bytes,
    *,
    sender: str,
    receiver: str,
    deadline_s: float,
    may_leave: Callable[[float], bool] = lambda _left_s: True,
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
        return Outcome(fate, _plain(server, f"{code} {_text(said)}"), code)
    except _Refused as err:
        return Outcome(err.fate, _plain(server, str(err)), err.code)
    except (
        smtplib.SMTPResponseException
    ) as err:  # at the greeting or the sign-in: the server's trouble or our account's
        return Outcome(Fate.NOT_TAKEN, _plain(server, f"{err.smtp_code} {_text(err.smtp_error)}"), err.smtp_code)
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
    if line.sock is None:
        raise smtplib.SMTPServerDisconnected("the server has hung up")
    line.sock.settimeout(rest)


def _expect(answer: tuple[int, bytes], *good: int) -> None:
    code, said = answer
    if code not in good:
        raise _Refused(Fate.REFUSED if code // 100 == 5 else Fate.NOT_TAKEN, f"{code} {_text(said)}", code)


def _quoted(message: bytes) -> bytes:
    """The message as it travels: a dot that begins a line is doubled, a line with a single one ends it."""
    body = re.sub(rb"(?m)^\.", b"..", message)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _text(said: bytes | str) -> str:
    return said if isinstance(said, str) else said.decode("utf-8", "replace")


def _plain(server: MailServer, said: str) -> str:
    """What was said, on one line, without what we signed in with."""
    for secret in filter(None, (server.password, server.username if len(server.username) > 3 else "")):
        said = said.replace(secret, "***")
    return "".join(sign if sign.isprintable() else " " for sign in said)[:LONGEST_ANSWER]


def try_to_send(server: MailServer, *, sender: str, deadline_s: float) -> Outcome:
    """Greet the server and sign in, as before a message, and leave: ``taken`` where it would listen."""
    ends_at = time.monotonic() + deadline_s
    line: smtplib.SMTP | None = None
    try:
        line = _connect(server, sender.rpartition("@")[2], deadline_s)
        _introduce(line, server, ends_at)
        return Outcome(Fate.TAKEN, "")
    except smtplib.SMTPResponseException as err:
        return Outcome(Fate.NOT_TAKEN, _plain(server, f"{err.smtp_code} {_text(err.smtp_error)}"), err.smtp_code)
    except (smtplib.SMTPException, OSError, ValueError) as err:
        return Outcome(Fate.NOT_TAKEN, _plain(server, f"{type(err).__name__}: {err}"))
    finally:
        if line is not None:
            line.close()


# ---------------------------------------------------------------------------------------------------------------------
# Reading a mailbox

MAX_MESSAGE_BYTES = 262_144
"""What is read of one message: the text comes first, and a file behind it may be as large as it likes."""

BATCH = 100
_UID = re.compile(rb"\bUID (\d+)")


class MailboxTrouble(Exception):
    """The mailbox cannot be read; ``is_refused`` where our account is wrong, or the mailbox is not there."""

    def __init__(self, said: str, *, is_refused: bool) -> None:
        super().__init__(said)
        self.is_refused = is_refused


class Mailbox:
    """One mailbox of an IMAP server, for reading; use it as a context manager. Every method raises ``MailboxTrouble``.

    Args:
        server: where, as whom, and which mailbox.
        deadline_s: how long all of it may take.
    """

    def __init__(self, server: MailServer, *, deadline_s: float) -> None:
        self._server = server
        self._ends_at = time.monotonic() + deadline_s
        self._reserve_s = deadline_s / 3
        self._line: imaplib.IMAP4
        self.validity = ""

    def __enter__(self) -> Self:
        """Sign in and look at the mailbox; ``validity`` then names this numbering of its messages."""
        self._line = self._ask(self._connect)
        try:
            self._sign_in()
        except MailboxTrouble:
            self._line.shutdown()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sign out; a server that does not say goodbye is let go."""
        with suppress(imaplib.IMAP4.error, OSError):
            self._line.logout()
        with suppress(OSError):
            self._line.shutdown()

    def newer(self, uid: int, since: date) -> list[int]:
        """Give the UIDs above ``uid``, lowest first; where it is 0, those of messages that came on or after a day."""
        if uid:
            asked = f"UID {uid + 1}:*"  # the server counts its last message in, whatever its UID
        else:
            months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
            asked = f"SINCE {since.day:02}-{months[since.month - 1]}-{since.year}"
        found = self._ask(lambda: self._line.uid("SEARCH", asked))
        words = b" ".join(piece for piece in found if isinstance(piece, bytes)).split()
        return sorted({int(word) for word in words if word.isdigit() and int(word) > uid})

    def headers(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Give the headers that tell what each message answers; one that is gone meanwhile is left out."""
        for at in range(0, len(uids), BATCH):
            some = ",".join(map(str, uids[at : at + BATCH]))
            fields = "MESSAGE-ID IN-REPLY-TO REFERENCES SUBJECT FROM CONTENT-TYPE"
            yield from sorted(self._fetch(some, f"BODY.PEEK[HEADER.FIELDS ({fields})]"))

    def message(self, uid: int) -> bytes | None:
        """Give the beginning of one message, at most ``MAX_MESSAGE_BYTES``; None where it is gone."""
        found = dict(self._fetch(str(uid), f"BODY.PEEK[]<0.{MAX_MESSAGE_BYTES}>"))
        return found.get(uid)

    def _fetch(self, uids: str, what: str) -> Iterator[tuple[int, bytes]]:
        found = self._ask(lambda: self._line.uid("FETCH", uids, f"(UID {what})"))
        for piece, after in zip(found, [*found[1:], b""], strict=True):
            if isinstance(piece, tuple):  # the UID stands before the literal, or behind it
                uid = _UID.search(piece[0]) or _UID.search(after if isinstance(after, bytes) else b"")
                if uid:
                    yield int(uid.group(1)), piece[1]

    def _connect(self) -> imaplib.IMAP4:
        where, left_s = (self._server.host, self._server.port), self._left_s()
        if self._server.scheme == "imaps":
            return imaplib.IMAP4_SSL(*where, ssl_context=ssl.create_default_context(), timeout=left_s)
        line = imaplib.IMAP4(*where, timeout=left_s)
        if self._server.scheme == "imap+starttls":
            try:
                line.starttls(ssl.create_default_context())  # raises where the server has none: never in the clear then
            except BaseException:
                line.shutdown()
                raise
        return line

    def _sign_in(self) -> None:
        server = self._server
        self._ask(lambda: self._line.login(server.username, server.password), is_refused=True)
        mailbox = server.mailbox.replace("\\", "\\\\").replace('"', '\\"')
        self._ask(lambda: self._line.select(f'"{mailbox}"', readonly=True), is_refused=True)
        _, found = self._line.response("UIDVALIDITY")
        self.validity = _text(found[0] or b"")

    def _ask(self, ask: Callable[[], Any], *, is_refused: bool = False) -> Any:
        """Say one thing to the server in the time that is left; gives the data of its answer."""
        try:
            if hasattr(self, "_line"):
                self._line.sock.settimeout(self._left_s())
            answer = ask()
        except imaplib.IMAP4.abort as err:
            raise self._trouble(str(err)) from None
        except imaplib.IMAP4.error as err:
            raise self._trouble(str(err), is_refused=is_refused) from None
        except (OSError, ValueError) as err:
            raise self._trouble(f"{type(err).__name__}: {err}") from None
        if not isinstance(answer, tuple):
            return answer
        word, found = answer
        if word != "OK":
            raise self._trouble(_text((found or [b""])[0] or b""), is_refused=is_refused)
        return found

    @property
    def is_late(self) -> bool:
        """Whether most of the time is used up, so that whoever reads should come back."""
        return time.monotonic() > self._ends_at - self._reserve_s

    def _left_s(self) -> float:
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the time for this mailbox has run out")
        return left_s

    def _trouble(self, said: str, *, is_refused: bool = False) -> MailboxTrouble:
        return MailboxTrouble(_plain(self._server, said), is_refused=is_refused)


# ---------------------------------------------------------------------------------------------------------------------
# What a message says

MAX_NESTING = 30
"""So many marks of parts in parts are read: more is no letter, and costs the parser more than it is worth."""

MAX_TEXT_CHARS = 100_000
LONGEST_HEADER = 1_000
_NESTING = re.compile(rb"boundary\*?\d*\*?\s*=|message/rfc822", re.IGNORECASE)
_CHARSETS = re.compile(
    r"utf-?8|us-ascii|iso-8859-\d+|windows-\d+|cp\d+|koi8-[ru]|gb\w+|big5|shift_jis|euc-\w+|iso-2022-\w+"
)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_AWAY = re.compile(
    r"(?:automatic reply|auto(?:matische)?[ -]?(?:reply|antwort)|out of (?:the )?office|abwesen)", re.IGNORECASE
)
_POSTMASTER = re.compile(r"\b(?:mailer-daemon|postmaster)@", re.IGNORECASE)
_DIAGNOSIS = re.compile(r"^diagnostic-code:\s*(.+(?:\n[ \t].+)*)", re.IGNORECASE | re.MULTILINE)
_TAG_OR_WORDS = re.compile(r"(<[^<>]*>)|([^<]+|<)")
_TAG_NAME = re.compile(r"<\s*(/?)\s*([A-Za-z][A-Za-z0-9]*)")
_SILENT = frozenset({"script", "style", "head", "title", "blockquote"})
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "table"})
_HISTORY = re.compile(
    r"^(?:-{2,} ?(?:original message|ursprüngliche nachricht|forwarded message).*|_{10,}|-- "
    r"|on .{5,200} wrote:|am .{5,200} schrieb.{0,200}:"
    r"|(?:from|von): .{0,200}\n(?:sent|date|gesendet|datum): .*)$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says, whoever wrote it and however badly.

    Attributes:
        message_id: its own name, or empty.
        answers: the names of messages that it answers, or gives back, the likeliest first.
        sender: as its From says; nothing proves it.
        text: what is new in it, without the history below, as plain text.
        is_automatic: no person wrote it: an absence, a receipt, a report of a server.
        undelivered: it is a server's report that a message of ours did not arrive: that server's words.
    """

    message_id: str
    answers: tuple[str, ...]
    subject: str
    sender: str
    at: datetime | None
    text: str
    is_automatic: bool = False
    undelivered: str = ""


def read(raw: bytes) -> Letter:
    """Read a message, or the beginning of one; what cannot be read is empty."""
    message, parts = _parsed(raw)
    is_report = message.get_content_type() == "multipart/report"
    is_postmaster = bool(_POSTMASTER.search(_header(message, "From")))
    text = _text_of(parts)
    undelivered = _undelivered(parts) if is_report else ""
    if is_postmaster and not is_report:
        undelivered = text[:LONGEST_ANSWER]
    return Letter(
        message_id=next(iter(_names(message, "Message-ID")), ""),
        answers=(
            *_names(message, "In-Reply-To"),
            *reversed(_names(message, "References")),
            *(_returned(parts, text) if is_report or is_postmaster else ()),
        ),
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        at=_instant(_header(message, "Date")),
        text=_new(text),
        is_automatic=is_report or is_postmaster or _is_automatic(message),
        undelivered=undelivered,
    )


def _parsed(raw: bytes) -> tuple[Message, list[Message]]:
    """The message and its parts that hold no other parts; only its head where it is built to hurt."""
    parser = BytesParser(policy=policy.compat32)  # the newer policies raise over headers that anybody may send
    if len(_NESTING.findall(raw)) > MAX_NESTING:
        return parser.parsebytes(raw, headersonly=True), []
    message = parser.parsebytes(raw)
    return message, [part for part in message.walk() if not part.is_multipart()]


def _header(message: Message, name: str) -> str:
    """One header on one line, decoded where it can be."""
    given = message.get(name)
    if given is None:
        return ""
    try:
        text = str(make_header(decode_header(given)))
    except (LookupError, ValueError):
        text = str(given)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:LONGEST_HEADER]


def _names(message: Message, name: str) -> list[str]:
    """The names of messages in every header of this name."""
    return _MESSAGE_ID.findall(" ".join(str(given)[:20_000] for given in message.get_all(name) or ()))


def _instant(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_automatic(message: Message) -> bool:
    """Whether no person wrote it. ``auto-generated`` is what ticket systems say of what people write there. Source: RFC 3834."""
    submitted = _header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = _header(message, "Precedence").lower()
    return (
        submitted == "auto-replied"
        or precedence in {"auto_reply", "bulk", "junk"}
        or any(message.get(name) is not None for name in ("X-Autoreply", "X-Autorespond"))
        or bool(_AWAY.match(_header(message, "Subject")))
    )


def _undelivered(parts: Sequence[Message]) -> str:
    """What a delivery report says of a message that failed for good; empty where it is late, or has arrived. Source: RFC 3464."""
    said = [str(part) for part in parts if part.get_content_type() == "text/plain" and "action" in part]
    for part in said:
        if re.search(r"^action:\s*failed", part, re.IGNORECASE | re.MULTILINE):
            why = _DIAGNOSIS.search(part)
            return " ".join(why.group(1).split())[:LONGEST_ANSWER] if why else "failed"
    return ""


def _returned(parts: Sequence[Message], text: str) -> list[str]:
    """The names of messages that a server gives back: in a part of its own, or in its prose."""
    names = [name for part in parts for name in _names(part, "Message-ID")]
    heads = [_decoded(part) for part in parts if part.get_content_type() == "text/rfc822-headers"]
    return names + _MESSAGE_ID.findall("\n".join([*heads, text]))


def _text_of(parts: Sequence[Message]) -> str:
    """The first text that is no attachment: plain, else what a page says."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
                text = _decoded(part)
                if kind == "text/html":
                    text = _said_by_page(text)
                if text.strip():
                    return text
    return ""


def _decoded(part: Message) -> str:
    """The text of a part in its own charset, if that is one that mails have."""
    content = part.get_payload(decode=True)
    charset = (part.get_content_charset() or "utf-8").lower()
    known = charset if _CHARSETS.fullmatch(charset) else "utf-8"
    try:
        text = bytes(content or b"").decode(known, "replace")
    except (LookupError, ValueError):
        text = bytes(content or b"").decode("utf-8", "replace")
    return "".join(sign for sign in text[:MAX_TEXT_CHARS] if sign.isprintable() or sign in "\n\t")


def _said_by_page(page: str) -> str:
    """The words of a page: no script, no style, nothing quoted.

    Cut at the brackets alone, in time that grows with its length: the library's parser takes minutes over ``<a <a <a``.
    """
    said: list[str] = []
    silent = 0
    for tag, words in _TAG_OR_WORDS.findall(page):
        name = _TAG_NAME.match(tag)
        if name and name.group(2).lower() in _SILENT:
            silent = max(0, silent - 1) if name.group(1) else silent + 1
        elif name and name.group(2).lower() in _BREAKS:
            said.append("\n")
        elif words.strip() and not silent:
            said.append(" ".join(unescape(words).split()) + " ")
    return "".join(said)


def _new(text: str) -> str:
    """What is above the history and is not quoted; all of it where nothing would be left."""
    text = text.replace("\r\n", "\n")
    history = _HISTORY.search(text)
    above = text[: history.start()] if history else text
    kept = "\n".join(line.rstrip() for line in above.splitlines() if not line.lstrip().startswith(">"))
    return re.sub(r"\n{3,}", "\n\n", kept).strip() or text.strip()
