"""Mails: written in the transaction that wants them, sent by a worker, once as far as SMTP allows.

The only place that makes mails and writes their rows. A mail is stored as it will leave, so every try sends the same
bytes under the same Message-ID. SMTP cannot be asked whether a message arrived: where one left and no answer came, it is
sent again, since a second copy, which mail programs drop by its Message-ID, does less harm than news that nobody got.
After ``MOST_LEFT`` such tries a person is told instead. Source: reliability.md, section 3.2, for what SMTP offers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import idna
from sqlalchemy import select, update

from vendors.mail import Fate
from warranty.models import Fault, Mail, Outbox, Person, User, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import moves, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from vendors.mail import Outcome
    from warranty.config import Settings
    from warranty.models.mail import Told
    from warranty.runtime import Runtime
    from warranty.services.work import Order

MOST_CHARACTERS = 100_000
MOST_LEFT = 3
LONGEST_ADDRESS = 254
SENDER = "system:mail"

_LOCAL = re.compile(r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,\"]{1,64}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


class TooLarge(Exception):
    """A text that is no mail any more: more than ``MOST_CHARACTERS``."""


class NotRefused(Exception):
    """This mail was not refused: there is nothing to send again."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who gets a mail: a user or a contact, with the language to write in."""

    row: User | Person
    language: str

    @property
    def address(self) -> str:
        """The address as it is kept."""
        return self.row.email


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, as text and as HTML; ``subject`` without the case's token."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A mail as it is handed over."""

    sender: str
    receiver: str
    message: bytes


def write(
    session: Session,
    settings: Settings,
    *,
    about: Fault | VendorAccount,
    tells: Told,
    to: Receiver,
    letter: Letter,
    now: datetime,
) -> Mail:
    """Write a mail and order its sending: both are there if and only if the caller's transaction commits.

    All mails of a case to one receiver are one thread: each answers the one before, and all carry the case's token; those
    about a vendor account likewise.

    Raises:
        TooLarge: the letter is longer than anybody reads.
    """
    if len(letter.text) + len(letter.html) > MOST_CHARACTERS:
        raise TooLarge(f"A mail of {len(letter.text) + len(letter.html):,} characters is refused.")
    domain = settings.mail_from.rpartition("@")[2]
    user_id, person_id = (to.row.id, None) if isinstance(to.row, User) else (None, to.row.id)
    is_case = isinstance(about, Fault)
    same = Mail.fault_id == about.id if is_case else Mail.account_id == about.id
    before = session.scalar(
        select(Mail.message_id)
        .where(same, Mail.user_id == user_id, Mail.person_id == person_id)
        .order_by(Mail.id.desc())
        .limit(1)
    )
    public_id = uuid4()
    order = work.add(session, OrderKind.SEND_MAIL, now=now, client_id=about.client_id)
    session.flush()
    mail = Mail(
        public_id=public_id,
        client_id=about.client_id,
        fault_id=about.id if is_case else None,
        account_id=None if is_case else about.id,
        tells=tells,
        user_id=user_id,
        person_id=person_id,
        language=to.language,
        message_id=f"<{public_id}@{domain}>",
        in_reply_to=before,
        thread=f"<{'case' if is_case else 'account'}.{about.public_id}@{domain}>",
        subject=_header(f"[{about.reference if isinstance(about, Fault) else about.name}] {letter.subject}", 250),
        text=_body(letter.text),
        html=_body(letter.html),
        written_at=now,
        order_id=order.id,
    )
    session.add(mail)
    return mail


# --- sending ---


def of_order(session: Session, order: Order) -> Mail | None:
    """The mail that an order sends; None where nothing is left to do."""
    mail = session.scalars(select(Mail).where(Mail.order_id == order.id)).one()
    return mail if mail.sent_at is None and mail.refused is None else None


def envelope(session: Session, settings: Settings, mail: Mail) -> Envelope | str:
    """The mail as it leaves, the same at every try; a sentence where there is nobody whom it could reach."""
    row: User | Person | None = None
    if mail.user_id is not None:
        row = session.get_one(User, mail.user_id)
    elif mail.person_id is not None:
        row = session.get_one(Person, mail.person_id)
    receiver = plain_address(row.email) if row is not None and row.email else None
    if receiver is None:
        return "There is no address that a mail could go to."
    if mail.left >= MOST_LEFT:
        return f"It left {mail.left} times and no answer came: it may have arrived, and is not sent again."
    return Envelope(settings.mail_from, receiver, _message(settings, mail, receiver))


def leaves(session: Session, order: Order, mail_id: int, *, budget_s: float) -> bool:
    """Write down that a mail is about to leave; False where the order is in other hands or its lease too short."""
    if not work.mark_send(session, order, budget_s=budget_s):
        return False
    session.execute(update(Mail).where(Mail.id == mail_id).values(left=Mail.left + 1))
    return True


def settle(
    session: Session, runtime: Runtime, order: Order, mail_id: int, outcome: Outcome, *, has_left: bool, now: datetime
) -> None:
    """Write down what became of a try. The order goes on only where it is still ours."""
    mail = session.get_one(Mail, mail_id, with_for_update=True)
    match outcome.fate:
        case Fate.TAKEN:
            mail.sent_at = mail.sent_at or now  # a fact, whoever holds the order by now
            work.end(session, order, OrderStatus.DONE)
        case Fate.REFUSED:
            refuse(session, order, mail, f"The mail server refused it: {outcome.said}", now=now)
        case _ if order.is_spent:
            refuse(session, order, mail, f"It was tried for a day: {outcome.said}", now=now)
        case _:
            after_s = work.back_off_s(order.failures, runtime.settings.retry_s)
            work.release(session, order, after_s=after_s, error=outcome.said, failed=True)
    if has_left and outcome.fate is not Fate.UNKNOWN:  # this time an answer came
        mail.left -= 1


def refuse(session: Session, order: Order, mail: Mail, why: str, *, now: datetime) -> None:
    """Give a mail up until a person wants it sent again; the case's register says so, without the address."""
    if work.end(session, order, OrderStatus.PARKED, error=why):
        mail.refused = why
        who = f"user:{mail.user_id}" if mail.user_id is not None else f"person:{mail.person_id}"
        because = Because(SENDER, f"The mail {mail.tells} to {who} will not be sent.", now)
        of_account = session.get(VendorAccount, mail.account_id) if mail.account_id is not None else None
        moves.note(session, of_account or session.get_one(Fault, mail.fault_id), "mail_refused", because)


def send_again(session: Session, mail: Mail, *, now: datetime) -> None:
    """Send a mail that was refused or given up, since what stood in its way is mended.

    Raises:
        NotRefused: it was not: it is sent, or still tried.
    """
    session.refresh(mail, with_for_update=True)
    if mail.refused is None and session.get_one(Outbox, mail.order_id).status is not OrderStatus.DEAD:
        raise NotRefused(f"The mail {mail.public_id} was not refused.")
    mail.refused, mail.left = None, 0
    if not work.rearm_order(session, mail.order_id):  # every worker broke off over it
        order = work.add(session, OrderKind.SEND_MAIL, now=now, client_id=mail.client_id)
        session.flush()
        mail.order_id = order.id


# --- addresses and the message ---


def plain_address(text: str) -> str | None:
    """An address as a mail server takes it, its domain in ASCII; None where it is none, or more than one."""
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    try:
        domain = idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # which `IDNAError` is
        return None
    is_domain = all(_LABEL.fullmatch(label) for label in domain.split("."))
    is_local = _LOCAL.fullmatch(local) and local.isprintable() and not local.startswith("-")
    whole = f"{local}@{domain}"
    return whole if at and is_domain and is_local and len(whole.encode()) <= LONGEST_ADDRESS else None


def _message(settings: Settings, mail: Mail, receiver: str) -> bytes:
    policy = (SMTP if receiver.isascii() else SMTPUTF8).clone(cte_type="7bit")
    message = EmailMessage(policy=policy)
    message["From"] = Address(addr_spec=settings.mail_from)
    local, _, domain = receiver.rpartition("@")
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.written_at)
    message["Message-ID"] = mail.message_id
    if mail.in_reply_to is not None:
        message["In-Reply-To"] = mail.in_reply_to
    message["References"] = " ".join(filter(None, (mail.thread, mail.in_reply_to)))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice answers it
    message["Content-Language"] = mail.language
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    message.set_boundary(f"=_{mail.public_id.hex}")  # else a random one, and no two tries were the same
    return message.as_bytes()


def _body(text: str) -> str:
    """Lines of text without what a database or a mail cannot hold."""
    return _UNPRINTABLE.sub("", text)


def _header(text: str, most: int) -> str:
    """One line of printable text: what anybody typed can end no header."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= most else line[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
