"""Notes on cases, and files for vendors: the only place that writes them, sends them, and keeps what vendors wrote.

A note is ours alone, or goes to the vendor by a work order, or came from there. A file that goes to the vendor is a note
with a file. No client ever sees any of them.

The promise of sending is that of reliability.md, 3.4, by what the account can read back: the mark of a send is committed
before its first byte, and what may have arrived is looked for after the settle time, a note by the token that it ends with,
a file by its name and size. Found, it was taken; not found, it is sent again (class B: once, unless the vendor takes it
later than that, or hides what it has). Where nothing can be read back a person looks instead (class C: at most once).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, or_, select

from vendors.errors import Trouble, VendorError
from warranty.models import CaseNote, Fault, File, Rma, VendorAccount
from warranty.models.cases import NoteWay
from warranty.models.files import FiledUnder
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import accounts, moves, reviews, work
from warranty.services.estate import Invalid
from warranty.services.moves import Because
from warranty.services.work import AskPerson, Wait

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from vendors.contract import Capabilities, VendorCase, VendorNote
    from warranty.runtime import Runtime
    from warranty.services.work import Order

SENDER = "system:tell_vendor"
MOST_HEARD = 1_000
"""Of one claim: a vendor that writes more has broken something."""

LONGEST = 4_000
LONGEST_QUOTE = 500

WRITTEN, HEARD, TAKEN, NOT_TAKEN = "note_written", "note_heard", "note_taken", "note_refused"
ACTIONS = (WRITTEN, HEARD, TAKEN, NOT_TAKEN)
"""What the register says of notes. Their words stand in the notes, and not in the register, which never changes."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class NoteState(StrEnum):
    """Where a note for the vendor stands."""

    ON_ITS_WAY = "on_its_way"
    TAKEN = "taken"
    REFUSED = "refused"


def state_of(note: CaseNote) -> NoteState | None:
    """Where a note stands; null of one that goes nowhere."""
    if note.way is not NoteWay.TO_VENDOR:
        return None
    if note.sent_at is not None:
        return NoteState.TAKEN
    return NoteState.ON_ITS_WAY if note.refused is None else NoteState.REFUSED


class NotRefused(Exception):
    """This note cannot be sent again; the message says why."""


# --- whom a note of a case can reach ---


@dataclass(frozen=True, slots=True)
class Channel:
    """The vendor's case that notes and files go to, and what the account can do there."""

    rma: Rma
    account: VendorAccount
    can: Capabilities


def channel(session: Session, runtime: Runtime, fault: Fault) -> Channel | str:
    """Where a note of a case goes; else why it goes nowhere, in a sentence."""
    newest = select(Rma).where(Rma.fault_id == fault.id).order_by(Rma.id.desc()).limit(1)
    rma = session.scalars(newest).one_or_none()
    account = session.get(VendorAccount, rma.account_id) if rma is not None and rma.account_id is not None else None
    return channel_of(runtime, rma, account)


def channel_of(runtime: Runtime, rma: Rma | None, account: VendorAccount | None) -> Channel | str:
    """The same for the claim that counts, and its account; asks no database."""
    if rma is None or account is None or rma.vendor_case_number is None:
        return "The vendor has no case yet that it could go to."
    try:
        can = accounts.capabilities(runtime, account)
    except VendorError as err:
        return err.detail or str(err)
    if not can.notes and not can.attachments:
        return f"{account.name} takes neither notes nor files."
    return Channel(rma, account, can)


def files_of(fault: Fault) -> ColumnElement[bool]:
    """The files of a case that a vendor may be sent: those of the report and of its claims."""
    claims = select(Rma.id).where(Rma.fault_id == fault.id)
    return and_(
        File.removed_at.is_(None),
        or_(
            and_(File.record == FiledUnder.FAULT, File.record_id == fault.id),
            and_(File.record == FiledUnder.RMA, File.record_id.in_(claims)),
        ),
    )


# --- writing ---


def write(
    session: Session,
    runtime: Runtime,
    fault: Fault,
    way: NoteWay,
    because: Because,
    *,
    text: str = "",
    file: File | None = None,
) -> CaseNote:
    """Keep a note of somebody of ours; one for the vendor is there if and only if its sending is ordered.

    Whoever writes has read what the vendor wrote: nobody needs to look any more.

    Raises:
        Invalid: neither a text nor a file, or both; a file that is no file of the case, or is too large for the vendor; or
            the vendor cannot be told.
    """
    if bool(text.strip()) is (file is not None):
        raise Invalid("text", "Write a text or name a file: each is a note of its own.")
    if len(text) > LONGEST:
        raise Invalid("text", f"A note has at most {LONGEST:,} characters.")
    if way is NoteWay.INTERNAL:
        if file is not None:
            raise Invalid("file", "The case has this file already: to_vendor sends it to the vendor.")
        note = _new(fault, way, because, text)
        session.add(note)
    else:
        found = channel(session, runtime, fault)
        if isinstance(found, str):
            raise Invalid("way", found)
        _check(session, fault, found, file)
        note = _new(fault, way, because, text if file is None else file.name)
        note.rma_id, note.file_id = found.rma.id, None if file is None else file.id
        _order(session, note, found.account.id, now=because.at)
        session.add(note)
    moves.note(session, fault, WRITTEN, because, detail={"note": str(note.public_id), "way": way})
    reviews.settle(session, fault.id, replace(because, reason="Somebody wrote a note."), TaskKind.VENDOR_NOTE)
    return note


def _new(fault: Fault, way: NoteWay, because: Because, text: str) -> CaseNote:
    return CaseNote(
        public_id=uuid4(),
        client_id=fault.client_id,
        fault_id=fault.id,
        way=way,
        author=because.actor,
        text=_UNPRINTABLE.sub("", text).strip(),
        written_at=because.at,
    )


def _check(session: Session, fault: Fault, to: Channel, file: File | None) -> None:
    if file is None:
        if not to.can.notes:
            raise Invalid("way", f"{to.account.name} takes no notes.")
        return
    if session.scalar(select(File.id).where(files_of(fault), File.id == file.id)) is None:
        raise Invalid("file", "There is no file of this id among those of the case.")
    if not to.can.attachments:
        raise Invalid("way", f"{to.account.name} takes no files.")
    if file.size > to.can.max_file_bytes:
        most = to.can.max_file_bytes // 1024 // 1024
        raise Invalid("file", f"{to.account.name} takes files of at most {most} MB.")


def _order(session: Session, note: CaseNote, account_id: int, *, now: datetime) -> None:
    # It names no Rma: what is pending or parked for one is its claim, and nothing else.
    order = work.add(
        session,
        OrderKind.TELL_VENDOR,
        now=now,
        client_id=note.client_id,
        account_id=account_id,
        fault_id=note.fault_id,
    )
    session.flush()
    note.order_id = order.id


def send_again(session: Session, note: CaseNote, because: Because) -> None:
    """Send a note that the vendor refused, since what stood in its way is mended.

    Raises:
        NotRefused: it was not, or it may have arrived and nobody can tell but a person who looks there.
    """
    session.refresh(note, with_for_update=True)
    if note.refused is None or note.order_id is None:
        raise NotRefused("This note was not refused: there is nothing to send again.")
    if not work.rearm_order(session, note.order_id):
        raise NotRefused("It may have arrived: look there, and write it anew only where it is not.")
    note.refused = None
    _settle_refusals(session, note, because)


def seen(session: Session, fault: Fault, because: Because) -> None:
    """Somebody has read what the vendor wrote, and knows of what it did not take."""
    reviews.settle(session, fault.id, because, TaskKind.VENDOR_NOTE, TaskKind.NOT_TAKEN)


# --- sending ---


@dataclass(frozen=True, slots=True)
class Message:
    """One note or file on its way. ``text`` is as it leaves: its last line is the token by which it is known again."""

    note: CaseNote
    rma: Rma
    account: VendorAccount
    file: File | None

    @property
    def number(self) -> str:
        """The vendor's case."""
        return self.rma.vendor_case_number or ""

    @property
    def token(self) -> str:
        """The last line of the text."""
        return _token(self.rma, self.note)

    @property
    def text(self) -> str:
        """What the vendor reads."""
        return f"{self.note.text}\n\n{self.token}"


def _token(rma: Rma, note: CaseNote) -> str:
    return f"[{rma.client_reference} {note.public_id.hex[:8]}]"


@dataclass(frozen=True, slots=True)
class Taken:
    """The vendor has it; ``note_id`` is its name there, where that is known."""

    note_id: str | None = None


Step = Taken | Wait | AskPerson | VendorError


def of_order(session: Session, order: Order) -> Message | None:
    """What an order sends; None where nothing is left to do: the vendor has it."""
    note = session.scalars(select(CaseNote).where(CaseNote.order_id == order.id)).one()
    if note.sent_at is not None:
        return None
    rma, account = session.get_one(Rma, note.rma_id), session.get_one(VendorAccount, order.account_id)
    return Message(note, rma, account, session.get_one(File, note.file_id) if note.file_id is not None else None)


def settle(
    session: Session,
    runtime: Runtime,
    order: Order,
    message: Message,
    step: Step,
    *,
    settle_s: float,
    has_left: bool,
    now: datetime,
) -> None:
    """Write down what became of one attempt; the order goes on only where it is still ours.

    Args:
        settle_s: of the account: how long what was sent may take to be seen there.
        has_left: whether this attempt sent it.
    """
    note = session.get_one(CaseNote, message.note.id, with_for_update=True)
    if isinstance(step, Taken):
        _take(session, note, step.note_id, now)  # a fact, whoever holds the order by now
    if note.sent_at is not None:  # else it was read there meanwhile
        work.end(session, order, OrderStatus.DONE)
        return
    doubt = "It may have arrived. " if has_left or order.sent_ago_s is not None else ""
    why, status = None, OrderStatus.DEAD if doubt else OrderStatus.PARKED
    if isinstance(step, AskPerson):
        why = step.why
    elif order.is_spent:
        why = f"{doubt}It was tried for a day without an answer that could be trusted."
    elif isinstance(step, VendorError) and not step.may_have_arrived:  # armed again, it is looked for first
        why, status = f"{'' if has_left else doubt}{step.detail or step}", OrderStatus.PARKED
    if why is not None:
        if work.end(session, order, status, error=why):
            _refuse(session, note, message.account, why, now)
    elif isinstance(step, Wait):
        work.release(session, order, after_s=step.for_s)
    elif isinstance(step, VendorError):
        _try_later(session, runtime, order, step, settle_s=settle_s if has_left else 0.0)


def _try_later(session: Session, runtime: Runtime, order: Order, error: VendorError, *, settle_s: float) -> None:
    if error.trouble is Trouble.THROTTLED and not settle_s:
        work.release(session, order, after_s=error.retry_after_s or 1.0, error=str(error))
        return
    after_s = error.retry_after_s or work.back_off_s(order.failures, runtime.settings.retry_s)
    work.release(session, order, after_s=max(after_s, settle_s), error=str(error), failed=True)


def give_up(session: Session, order: Order, why: str, *, now: datetime) -> None:
    """Every worker broke off over it: its order has ended, and a person has it."""
    note = session.scalars(select(CaseNote).where(CaseNote.order_id == order.id).with_for_update()).one()
    if note.sent_at is None:
        _refuse(session, note, session.get_one(VendorAccount, order.account_id), f"It cannot be sent: {why}", now)


def _take(session: Session, note: CaseNote, note_id: str | None, now: datetime) -> None:
    note.vendor_note_id = note.vendor_note_id or note_id
    if note.sent_at is not None:
        return
    note.sent_at, note.refused = now, None
    because = Because(SENDER, "The vendor has it.", now)
    moves.note(session, session.get_one(Fault, note.fault_id), TAKEN, because, detail={"note": str(note.public_id)})
    _settle_refusals(session, note, because)


def _refuse(session: Session, note: CaseNote, account: VendorAccount, why: str, now: datetime) -> None:
    note.refused = why
    fault = session.get_one(Fault, note.fault_id)
    because = Because(SENDER, f"{account.name} did not take it.", now)
    moves.note(session, fault, NOT_TAKEN, because, detail={"note": str(note.public_id)})
    what = f"the file {note.text}" if note.file_id is not None else f"the note “{note.text[:LONGEST_QUOTE]}”"
    reviews.ask(session, fault, TaskKind.NOT_TAKEN, f"{account.name} did not take {what}: {why}", because)


def _settle_refusals(session: Session, note: CaseNote, because: Because) -> None:
    """Where nothing else of the case was refused, nobody needs to look any more."""
    session.flush()
    others = select(CaseNote.id).where(CaseNote.fault_id == note.fault_id, CaseNote.refused.is_not(None))
    if session.scalar(others.limit(1)) is None:
        reviews.settle(session, note.fault_id, because, TaskKind.NOT_TAKEN)


# --- what the vendor wrote ---


def keep_heard(session: Session, account: VendorAccount, rma: Rma, case: VendorCase, *, now: datetime) -> None:
    """Keep what is new of the notes on the vendor's case, whose Rma is locked; news of theirs puts the case on the board.

    Ours come back too. The first that ends with the token of a note is that note, which so was taken; whatever ends with
    it later quotes it.
    """
    if not case.notes:
        return
    known = set(
        session.scalars(
            select(CaseNote.vendor_note_id).where(CaseNote.rma_id == rma.id, CaseNote.vendor_note_id.is_not(None))
        )
    )
    new = {one.note_id: one for one in case.notes if one.text.strip() and one.note_id not in known}
    if not new:
        return
    unread = (CaseNote.rma_id == rma.id, CaseNote.way == NoteWay.TO_VENDOR, CaseNote.vendor_note_id.is_(None))
    ours = {
        _token(rma, note): note
        for note in session.scalars(select(CaseNote).where(*unread).order_by(CaseNote.id).with_for_update())
        if note.file_id is None
    }
    theirs = []
    for note_id, heard in list(new.items())[: MOST_HEARD - len(known)]:
        token = next((one for one in ours if heard.ends_with(one)), None)
        if token is not None:
            _take(session, ours.pop(token), note_id, now)
        else:
            theirs.append((heard.is_news, _heard(rma, heard, now)))
    session.add_all(note for _, note in theirs)
    news = [note for is_news, note in theirs if is_news]
    if news:
        _flag(session, account, rma, news, now)


def _heard(rma: Rma, heard: VendorNote, now: datetime) -> CaseNote:
    return CaseNote(
        client_id=rma.client_id,
        fault_id=rma.fault_id,
        rma_id=rma.id,
        way=NoteWay.FROM_VENDOR,
        author=_UNPRINTABLE.sub("", heard.author),
        text=_UNPRINTABLE.sub("", heard.text).strip(),
        vendor_note_id=heard.note_id,
        written_at=min(heard.at or now, now),
    )


def _flag(session: Session, account: VendorAccount, rma: Rma, theirs: list[CaseNote], now: datetime) -> None:
    """A person reads it, in the morning: the board shows it, and no mail wakes anybody. A vendor that writes is not silent."""
    fault = session.get_one(Fault, rma.fault_id)
    because = Because(f"vendor:{account.public_id}", "wrote on the case", now, rma.fault_id)
    moves.note(session, rma, HEARD, because, detail={"notes": len(theirs)})
    reviews.settle(session, fault.id, because, TaskKind.SILENT)
    if rma.heard_at is not None:
        rma.heard_at = now
    why = f"{account.name} wrote: {theirs[-1].text[:LONGEST_QUOTE]}"
    reviews.ask(session, fault, TaskKind.VENDOR_NOTE, why, because, rma=rma).told_at = now
