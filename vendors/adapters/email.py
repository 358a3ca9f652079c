"""E-mail: a vendor, or whoever repairs for it, that takes claims as mails and answers with mails.

Source: vendor-apis.md, section 13, as of 2026-11; RFC 5322 (threads), RFC 3834 (automatic answers), RFC 3464 (reports).

One message per claim. Its Message-ID and the token in its subject are made of our reference, which is stored before the
first send, so that a repetition carries the same two. A denied claim is sent again as an answer in the same thread.

Class C: a mail server cannot be asked whether it has a message, and whether the other side takes two of one name for one
is its own affair. Where the operator knows that it does (``recognises_repeats``), it honours our key, and the class is A;
never B, since nobody can search another's mailbox. What remains then: the other side forgets the key, or a person there
reads both. That a server took the message proves nothing of a case: a claim that was sent waits with a person for a number.

What comes back is matched by what it answers, then by the token in its subject; everything else in the mailbox is left
alone. Numbers are read where a label announces them, and are proposals: a person reads the mail and says yes or no.
UNCERTAIN, and therefore never decided by a program: every word of a mail.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from hashlib import sha256
from typing import ClassVar, Self

from vendors.contract import (
    IMAP,
    SMTP,
    AccountField,
    AdapterForm,
    CallRecord,
    Calls,
    Capabilities,
    Duty,
    FieldKind,
    Gate,
    MailServer,
    Promise,
    RmaRequest,
    ShipmentDirection,
    TokenStore,
    VendorAdapter,
    VendorCase,
    VendorFile,
    VendorNote,
    VendorShipment,
    VendorStatus,
)
from vendors.errors import Trouble, VendorError
from vendors.mail import Fate, Letter, Mailbox, MailboxTrouble, Outcome, read, send, try_to_send
from vendors.options import Options
from vendors.scrub import Scrubber, cut, people_of

SETTLE_S = 120.0
KEY_LIFETIME_S = 7 * 86_400.0
MAX_DENIALS = 3
MAX_ATTACHED_BYTES = 14_000_000
"""Of all files together, before base64 makes them a third larger: the smallest inbound limit known is 18 MiB."""

FIRST_LOOK = timedelta(days=30)
GREYLIST_S = 300.0
MAX_OF_A_KIND = 3
LONGEST_NOTE = 20_000
LONGEST_NAME = 120

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_SIGN_IN = frozenset({454, 530, 534, 535, 538})
_REFERENCE = r"(?:WR|FAULT)-[A-Z0-9]+(?:-[A-Z0-9]+)*"
_OUR_MESSAGE = re.compile(rf"<rma\.({_REFERENCE})(?:\.\d+)?@[^<>\s]+>")
_OUR_TOKEN = re.compile(rf"\[({_REFERENCE})\]")

# A label, "number" or a sign of it, then a word with a digit in it: "RMA number: R-4711", "Case #00123". After the words
# that stand in every mail the sign is needed; an RMA hardly ever means anything else.
_NUMBER = r"(?:[\s-]*\b(?:number|no|nr|nummer|id)\b\.?)"
_VALUE = r"\s*((?=[A-Z0-9./-]*\d)[A-Z0-9][A-Z0-9./-]{2,38}[A-Z0-9])\b"
_SIGN = rf"(?:{_NUMBER}(?:\s+is)?\s*[:#=]?|\s*[:#=]+)"
_RMA = re.compile(rf"\b(?:RMA|return authori[sz]ation)(?:{_SIGN}|\s+is|[ -]){_VALUE}", re.IGNORECASE)
_CASE = re.compile(rf"\b(?:case|ticket|incident|service request|SR|Vorgang|Fall){_SIGN}{_VALUE}", re.IGNORECASE)
_TRACKING = re.compile(
    rf"\b(?:tracking|waybill|AWB|consignment|Sendungsnummer|Sendungsverfolgung){_SIGN}{_VALUE}", re.IGNORECASE
)
_CARRIER = re.compile(r"\b(UPS|DHL|FedEx|TNT|GLS|DPD|USPS|PostNL|Hermes)\b", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")


class Email(VendorAdapter):
    """Claims by mail, through the host's own mail servers."""

    name: ClassVar[str] = "email"
    form: ClassVar[AdapterForm] = AdapterForm(
        vendor="email",
        title="E-mail",
        settle_s=SETTLE_S,
        duties=frozenset({Duty.OPEN, Duty.TRACK}),
        fields=(
            AccountField("to", "mail address that takes the claims", required_for=frozenset({Duty.OPEN})),
            AccountField("reply_to", "address of the mailbox that is read, where answers go; default: our own address"),
            AccountField(
                "recognises_repeats",
                "whether the other side takes two messages of one Message-ID and subject for one; then class A",
                kind=FieldKind.BOOLEAN,
                default="false",
            ),
        ),
        promise=Promise.C,
        checked_against="the standards of mail, and its twin: a real SMTP and IMAP server",
        uncertain=(
            "whether the other side takes two messages of one name for one: an option of the account",
            "every word of an answer: numbers behind a label are proposed, and a person says yes or no",
        ),
        settings={Duty.OPEN: "SMTP_URL", Duty.TRACK: "IMAP_URL"},
    )

    def __init__(self, options: Options, tokens: TokenStore, gate: Gate, calls: Calls) -> None:
        """Take the options of one account, and the host's mail servers."""
        self._to = self._address(options, "to", "")
        self._reply_to = self._address(options, "reply_to", calls.sender)
        self._recognises_repeats = options.boolean("recognises_repeats", default=False)
        self._settle_s = options.settle_s(SETTLE_S, calls)
        self._timeout_s = options.timeout_s(calls)
        self._tokens = tokens
        self._gate = gate
        self._calls = calls
        passwords = (server.password for server in (calls.smtp, calls.imap) if server is not None and server.password)
        self._scrubber = Scrubber({*options.secrets(self.form), *passwords})

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], *, base_url: str | None, tokens: TokenStore, gate: Gate, calls: Calls
    ) -> Self:
        """Build the adapter; the servers are the host's, so a base URL means nothing here."""
        del base_url
        return cls(Options(cls.name, options), tokens, gate, calls)

    @property
    def capabilities(self) -> Capabilities:
        """Class C, unless the operator knows that the other side honours our key; answers are fetched."""
        is_a = self._recognises_repeats
        return Capabilities(
            duties=self.form.duties,
            promise=Promise.A if is_a else Promise.C,
            settle_s=self._settle_s if is_a else 0.0,
            key_lifetime_s=KEY_LIFETIME_S if is_a else 0.0,
            max_denials=MAX_DENIALS,
            max_request_bytes=MAX_ATTACHED_BYTES,
            files_again=True,
            pulls=True,
        )

    def check(self) -> None:
        """Sign in at both mail servers, as far as they are set."""
        self._gate.enter()
        if self._calls.smtp is not None:
            started = time.monotonic()
            outcome = try_to_send(self._calls.smtp, sender=self._calls.sender, deadline_s=self._timeout_s)
            error = self._error(outcome)
            self._keep("EHLO", self._calls.smtp, started, error, response=outcome.said, code=outcome.code)
            if error is not None:
                raise error
        if self._calls.imap is not None:
            self._read_mailbox(self._calls.imap, lambda _box: None)

    # -- out

    def open_case(self, request: RmaRequest) -> VendorCase:
        """Send the claim, once. A server that takes it is no vendor that has it: no number comes back."""
        server = self._set(self._calls.smtp, "SMTP_URL")
        message = self._message(request)
        started = time.monotonic()
        outcome = send(server, message.as_bytes(), sender=self._reply_to, receiver=self._to, deadline_s=self._timeout_s)
        assert outcome is not None  # it may always leave
        error = self._error(outcome)
        shown = self._scrubber.text(_shown(message, request), people_of(request))
        self._keep(SMTP, server, started, error, request=shown, response=outcome.said, code=outcome.code)
        if error is not None:
            raise error
        return VendorCase(
            vendor_case_number=request.vendor_case_number,
            status=VendorStatus.RECEIVED,
            client_reference=request.client_reference,
            serial_number=request.unit.serial_number,
            reason=f"Sent by mail to {self._to} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC as {message['Message-ID']}: "
            "enter the number when they answer.",
        )

    def find_case(self, request: RmaRequest) -> VendorCase | None:
        """Nobody can search another's mailbox: asked only where our key is so old that the other side may not know it any more."""
        why = f"nobody can tell from here whether {self._to} has {request.client_reference}: ask there"
        raise VendorError(self.name, Trouble.REFUSED, vendor_code="not_offered", detail=why)

    def _message(self, request: RmaRequest) -> EmailMessage:
        """Write the claim; the same claim has the same name and subject whenever it is written."""
        reference, host = request.client_reference, self._calls.sender.rpartition("@")[2]
        first = f"<rma.{reference}@{host}>"
        message = EmailMessage(policy=WIRE.clone(cte_type="7bit"))
        what = _one_line(f"{request.manufacturer} {request.product_name} {request.unit.serial_number}")[:120]
        again = request.denials > 0
        message["Subject"] = f"{'Re: ' if again else ''}[{reference}] RMA request: {what}"
        message["From"] = Address(addr_spec=self._calls.sender)
        message["To"] = Address(addr_spec=self._to)
        message["Reply-To"] = Address(addr_spec=self._reply_to)
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<rma.{reference}.{request.denials}@{host}>" if again else first
        if again:
            message["In-Reply-To"] = message["References"] = first
        message.set_content(_letter(request), charset="utf-8")
        self._attach_all(message, request.files)
        return message

    def _attach_all(self, message: EmailMessage, files: Sequence[VendorFile]) -> None:
        size = sum(len(file.content) for file in files)
        if size > MAX_ATTACHED_BYTES:
            why = f"the files have {size / 1e6:.1f} MB together; a mail takes {MAX_ATTACHED_BYTES / 1e6:.0f} MB"
            raise VendorError(self.name, Trouble.REFUSED, vendor_code="too_large", detail=why)
        for file in files:
            kind = file.content_type if re.fullmatch(r"[\w.+-]+/[\w.+-]+", file.content_type) else ""
            main, _, sub = (kind or "application/octet-stream").partition("/")
            if main in {"multipart", "message"}:
                main, sub = "application", "octet-stream"
            message.add_attachment(file.content, maintype=main, subtype=sub, filename=_one_line(file.name)[:200])

    def _error(self, outcome: Outcome) -> VendorError | None:
        """Say what it means that a server did not take a message."""
        said = self._scrubber.text(outcome.said)
        code = "" if outcome.code is None else str(outcome.code)
        if outcome.fate is Fate.TAKEN:
            return None
        if outcome.code in _SIGN_IN:
            said = f"the mail server does not let us in (SMTP_URL): {said}"
            return VendorError(self.name, Trouble.UNAUTHORISED, vendor_code=code, detail=said)
        if outcome.fate is Fate.REFUSED:
            said = f"the mail server refuses the message: {said}"
            return VendorError(self.name, Trouble.REFUSED, vendor_code=code, detail=said)
        if outcome.fate is Fate.NOT_TAKEN:
            wait_s = GREYLIST_S if outcome.code else None
            said = f"not taken this time: {said}"
            return VendorError(
                self.name, Trouble.UNREACHABLE, vendor_code=code, detail=said, retry_after_s=wait_s, never_left=True
            )
        return VendorError(self.name, Trouble.AMBIGUOUS, detail=f"it left, and no answer came: {said}")

    # -- in

    def read_cases(self, vendor_case_numbers: Sequence[str]) -> Iterator[VendorCase]:
        """Nothing can be read by number: what the other side says comes by ``pull``."""
        del vendor_case_numbers
        return iter(())

    def pull(self, store: Callable[[bytes], None]) -> None:
        """Hand over what is new in the mailbox and ours; the rest is left alone. Nothing in the mailbox is changed.

        How far it was read is remembered after each message that was stored: one that comes twice is known by its content.
        """
        server = self._set(self._calls.imap, "IMAP_URL")
        self._gate.enter()
        self._read_mailbox(server, lambda box: self._take_new(box, store))

    def _take_new(self, box: Mailbox, store: Callable[[bytes], None]) -> None:
        seen = self._read_up_to(box)
        for uid, head in box.headers(box.newer(seen, (datetime.now(UTC) - FIRST_LOOK).date())):
            if box.is_late:
                break
            message = box.message(uid) if _may_be_ours(read(head)) else None
            if message is not None and _reference_of(read(message)) is not None:
                store(message)
                self._remember(box, uid)
            seen = uid
        if seen:
            self._remember(box, seen)

    def _read_up_to(self, box: Mailbox) -> int:
        """The UID that was read last; 0 where the mailbox counts anew, or nobody remembers."""
        kept = self._tokens.get()
        validity, _, uid = (kept[0] if kept else "").rpartition(":")
        return int(uid) if uid.isdigit() and validity == box.validity else 0

    def _remember(self, box: Mailbox, uid: int) -> None:
        self._tokens.put(f"{box.validity}:{uid}", datetime.max.replace(tzinfo=UTC))

    def _read_mailbox(self, server: MailServer, use: Callable[[Mailbox], None]) -> None:
        """Use the mailbox, tell the gate how it went, and keep a record of it."""
        started = time.monotonic()
        error: VendorError | None = None
        try:
            with Mailbox(server, deadline_s=self._timeout_s) as box:
                use(box)
        except MailboxTrouble as err:
            trouble = Trouble.UNAUTHORISED if err.is_refused else Trouble.UNREACHABLE
            said = self._scrubber.text(f"the mailbox cannot be read (IMAP_URL): {err}")
            error = VendorError(self.name, trouble, detail=said)
        self._keep(IMAP, server, started, error, response=error.detail if error else "")
        if error is not None:
            raise error from None

    def parse_webhook(self, body: bytes) -> Sequence[VendorCase]:
        """Read a message that ``pull`` has stored; our own, come back in a circle, says nothing."""
        letter = read(body)
        reference = _reference_of(letter)
        if reference is None or _OUR_MESSAGE.fullmatch(letter.message_id):
            return ()
        said = self._scrubber.text(letter.text)[:LONGEST_NOTE]
        name = letter.message_id if 0 < len(letter.message_id) <= LONGEST_NAME else sha256(body).hexdigest()
        note = VendorNote(name, said, author=letter.sender[:100], at=letter.at, is_news=not letter.is_automatic)
        alarm = ""
        if letter.undelivered:
            alarm = f"The claim did not arrive at {self._to}: {self._scrubber.text(letter.undelivered)}"
        words = "" if letter.is_automatic else f"{letter.subject}\n{said}"
        rma_numbers, cases = _numbers(_RMA, words, reference), _numbers(_CASE, words, reference)
        case = VendorCase(
            vendor_case_number=cases[0] if cases else None,
            status=VendorStatus.UNKNOWN,
            rma_number=rma_numbers[0] if rma_numbers else None,
            client_reference=reference,
            shipments=_parcels(words),
            notes=(note,),
            is_proposal=True,
            alarm=alarm,
            raw=cut(f"{letter.subject}\n\n{said}"),
        )
        rivals = (
            VendorCase(
                None,
                VendorStatus.UNKNOWN,
                rma_number=other,
                client_reference=reference,
                is_proposal=True,
                notes=(note,),
            )
            for other in rma_numbers[1:]
        )
        return (case, *rivals)

    # -- small things

    def _address(self, options: Options, name: str, default: str) -> str:
        """Read an option that is one mail address."""
        given = options.text(name, default).strip()
        if given and not _ADDRESS.fullmatch(given):
            why = f"{name} is no single mail address, such as rma@vendor.example"
            raise VendorError(self.name, Trouble.REFUSED, vendor_code="option", detail=why)
        return given

    def _set(self, server: MailServer | None, setting: str) -> MailServer:
        if server is None:
            raise VendorError(self.name, Trouble.REFUSED, vendor_code="setting", detail=f"{setting} is not set")
        return server

    def _keep(
        self,
        method: str,
        server: MailServer,
        started: float,
        error: VendorError | None,
        *,
        request: str = "",
        response: str = "",
        code: int | None = None,
    ) -> None:
        """Tell the gate how a call went, and keep a record of it."""
        trouble = error.trouble if error else None
        self._gate.heard(trouble)
        lasted_s = time.monotonic() - started
        self._calls.record(
            CallRecord(
                vendor=self.name,
                at=datetime.now(UTC) - timedelta(seconds=lasted_s),
                method=method,
                url=f"{server.scheme}://{server.host}:{server.port}",
                status=code,
                request=cut(request),
                response=cut(self._scrubber.text(response)),
                duration_s=lasted_s,
                trouble=trouble,
            )
        )


def _letter(request: RmaRequest) -> str:
    """The body: for a person, and for a program that reads ``Key: value`` lines."""
    asks = "We ask again for" if request.denials else "We ask for"
    case = f" Your case is {request.vendor_case_number}." if request.vendor_case_number else ""
    text = (
        f"{asks} the replacement of a defective part under warranty or contract.{case}\n\n{request.as_lines()}\n\n"
        f"Please answer to this message, or keep [{request.client_reference}] in the subject, and name the RMA number.\n"
    )
    return "".join(sign for sign in text if sign.isprintable() or sign == "\n")


def _shown(message: EmailMessage, request: RmaRequest) -> str:
    """A mail as it may be kept: its headers, its text, and of files their names."""
    head = "\n".join(f"{name}: {value}" for name, value in message.items() if not name.startswith("Content-"))
    files = "".join(f"\n({file.name}: {len(file.content)} bytes)" for file in request.files)
    return f"{head}\n\n{_letter(request)}{files}"


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _may_be_ours(head: Letter) -> bool:
    """Whether a message is worth fetching: it names a claim of ours, or is a report that may give one back."""
    return head.is_automatic or _reference_of(head) is not None


def _reference_of(letter: Letter) -> str | None:
    """The claim that a message is about: by what it answers, else by the token in its subject."""
    for name in letter.answers:
        ours = _OUR_MESSAGE.fullmatch(name)
        if ours:
            return ours.group(1)
    token = _OUR_TOKEN.search(letter.subject)
    return token.group(1) if token else None


def _numbers(label: re.Pattern[str], words: str, reference: str) -> list[str]:
    """What stands behind a label, each once, in the order of the mail; no day, and nothing of ours."""
    found = dict.fromkeys(match.group(1) for match in label.finditer(words))
    return [one for one in found if one.upper() != reference and not _DATE.fullmatch(one)][:MAX_OF_A_KIND]


def _parcels(words: str) -> tuple[VendorShipment, ...]:
    """The parcel that is on its way to us; a label for the way back is for a person to read."""
    for line in words.splitlines():
        tracking = _TRACKING.search(line)
        if tracking and "return" not in line[: tracking.start()].lower():
            near = words[max(0, words.index(line) - 80) : words.index(line) + len(line) + 80]
            carrier = _CARRIER.search(line) or _CARRIER.search(near)
            name = carrier.group(1) if carrier else ""
            return (VendorShipment(ShipmentDirection.TO_US, carrier=name, tracking_number=tracking.group(1)),)
    return ()
