"""Notes and files reach the vendor's case once, whatever it does; what it writes there is kept once and put on the board."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.desk import Desk
from tests.tasks.test_read_cases import number, poll
from vendors.contract import VendorCase, VendorNote, VendorStatus
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.models import CaseNote, Fault, File, HumanTask, Rma, VendorAccount
from warranty.models.cases import NoteWay
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import files, hearing, notes, rmas
from warranty.services.estate import Invalid
from warranty.services.files import Upload
from warranty.services.moves import Because
from warranty.services.notes import NoteState, NotRefused

SETTLE_S, RETRY_CAP_S = 3.0, 300.0
TEXT = "The courier was refused at the gate."


@pytest.fixture
def opened(desk: Desk) -> Desk:
    """A claim that the vendor has a case for."""
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    return desk


def because(desk: Desk) -> Because:
    with desk.runtime.database.read(db.EVERYBODY) as session:
        return Because("user:1", "wrote a note", db.now(session))


def write(desk: Desk, text: str = "", *, way: NoteWay = NoteWay.TO_VENDOR, file: File | None = None) -> CaseNote:
    """Somebody of ours writes a note."""
    why = because(desk)
    with desk.session() as session:
        fault = session.get_one(Fault, desk.fault().id)
        return notes.write(session, desk.runtime, fault, way, why, text=text, file=file)


def upload(desk: Desk, content: bytes = b"PSU 2: no power\n", name: str = "log.txt") -> File:
    """A file of the report."""
    return files.take(desk.runtime, OPERATOR, desk.fault(), Upload(content, name), now=because(desk).at)


def send(desk: Desk) -> None:
    """Work on the newest order to tell the vendor something, as a worker would."""
    tasks.perform(desk.runtime, desk.orders(OrderKind.TELL_VENDOR)[-1].id)


def later(desk: Desk) -> None:
    """Let the settle time and every back-off pass."""
    desk.let_pass(SETTLE_S + RETRY_CAP_S)


def kept(desk: Desk) -> list[CaseNote]:
    """The notes, oldest first."""
    with desk.runtime.database.read(db.EVERYBODY) as session:
        return list(
            session.scalars(select(CaseNote).where(CaseNote.client_id == desk.client_key).order_by(CaseNote.id))
        )


def state(desk: Desk) -> NoteState | None:
    """Where the newest note stands."""
    return notes.state_of(kept(desk)[-1])


def at_vendor(desk: Desk, event: str = "noted") -> list[Any]:
    """What the vendor accepted."""
    assert desk.twin is not None
    return [entry for entry in desk.twin.ledger if entry["event"] == event]


# --- sending ---


@pytest.mark.parametrize("what", ["note", "file"])
@pytest.mark.parametrize(
    ("script", "attempts"),
    [
        (["ok"], 1),
        (["error_before"], 3),  # not taken: looked for, and sent again
        (["throttle"], 3),
        (["drop_after_accept"], 2),  # taken without an answer: looked for, and found
        (["garbage"], 2),
        (["drop_before", "error_after_accept"], 4),
    ],
)
def test_what_is_sent_arrives_once_whatever_the_vendor_answers(
    opened: Desk, what: str, script: list[str], attempts: int
) -> None:
    assert opened.twin is not None
    opened.twin.behave("servicenow", next_writes=script)
    if what == "note":
        write(opened, TEXT)
    else:
        write(opened, file=upload(opened))
    assert state(opened) is NoteState.ON_ITS_WAY

    for _ in range(len(script) + 2):
        send(opened)
        later(opened)

    assert state(opened) is NoteState.TAKEN
    assert opened.order(OrderKind.TELL_VENDOR).status is OrderStatus.DONE
    assert opened.order(OrderKind.TELL_VENDOR).attempts <= attempts
    if what == "note":
        (noted,) = at_vendor(opened)
        text, token = noted["entry"]["value"].split("\n\n")
        assert (text, token.startswith(f"[{opened.rma().client_reference} ")) == (TEXT, True)
    else:
        (attached,) = at_vendor(opened, "attached")
        sent = attached["file"]
        assert (sent["file_name"], sent["content_type"], sent["size_bytes"]) == ("log.txt", "text/plain", "16")
    assert opened.open_tasks() == {}


def test_too_early_to_believe_that_a_note_is_not_there_it_is_not_sent_again(opened: Desk) -> None:
    assert opened.twin is not None
    opened.twin.behave("servicenow", next_writes=["error_before"])
    write(opened, TEXT)
    send(opened)
    opened.let_pass(0.5)  # a search is a search, and no proof before the settle time

    send(opened)

    assert (at_vendor(opened), state(opened)) == ([], NoteState.ON_ITS_WAY)


def test_an_order_delivered_twice_is_sent_once_and_one_that_is_read_there_meanwhile_not_again(opened: Desk) -> None:
    assert opened.twin is not None
    opened.twin.behave("servicenow", next_writes=["drop_after_accept"])
    write(opened, TEXT)
    send(opened)
    send(opened)
    poll(opened)
    assert state(opened) is NoteState.TAKEN

    later(opened)
    send(opened)

    assert len(at_vendor(opened)) == 1
    assert opened.order(OrderKind.TELL_VENDOR).status is OrderStatus.DONE


def test_a_note_that_cannot_be_read_back_is_a_persons_once_it_may_have_arrived(opened: Desk) -> None:
    assert opened.twin is not None
    opened.change_account(options=opened.account().options | {"read_comments": "false"})
    opened.twin.behave("servicenow", next_writes=["error_before"])
    note = write(opened, TEXT)

    for _ in range(2):
        send(opened)
        later(opened)

    assert (at_vendor(opened), state(opened)) == ([], NoteState.REFUSED)
    assert "does not show what it has" in opened.open_tasks()[TaskKind.NOT_TAKEN]
    with pytest.raises(NotRefused, match="look there"), opened.session() as session:
        notes.send_again(session, session.get_one(CaseNote, note.id), because(opened))


def test_what_the_vendor_refuses_is_a_persons_task_and_is_sent_again_when_that_is_mended(opened: Desk) -> None:
    good = opened.account().options
    opened.change_account(options=good | {"table": "elsewhere"})
    note = write(opened, TEXT)
    send(opened)
    assert state(opened) is NoteState.REFUSED
    assert TEXT in opened.open_tasks()[TaskKind.NOT_TAKEN]

    opened.change_account(options=good)
    with opened.session() as session:
        notes.send_again(session, session.get_one(CaseNote, note.id), because(opened))
    assert opened.open_tasks() == {}
    for _ in range(2):  # its first send may have arrived for all we know, so it is looked for until that is certain
        later(opened)
        send(opened)

    assert (len(at_vendor(opened)), state(opened)) == (1, NoteState.TAKEN)
    with pytest.raises(NotRefused, match="nothing to send"), opened.session() as session:
        notes.send_again(session, session.get_one(CaseNote, note.id), because(opened))


def test_an_account_that_is_mended_lets_its_notes_go_on(opened: Desk) -> None:
    with opened.session() as session:
        session.get_one(VendorAccount, opened.account_id).switched_off_at = db.now(session)
    write(opened, TEXT)
    send(opened)
    assert "switched off" in opened.open_tasks()[TaskKind.NOT_TAKEN]

    with opened.session() as session:
        account = session.get_one(VendorAccount, opened.account_id)
        account.switched_off_at = None
        rmas.go_on(session, account, because(opened))
    for _ in range(2):
        later(opened)
        send(opened)

    assert (len(at_vendor(opened)), state(opened), opened.open_tasks()) == (1, NoteState.TAKEN, {})


def test_what_was_tried_for_a_day_and_what_every_worker_breaks_over_is_a_persons(opened: Desk) -> None:
    assert opened.twin is not None
    opened.twin.behave("servicenow", error_before=1.0)
    write(opened, TEXT)
    send(opened)
    opened.let_pass(25 * 3600)
    send(opened)
    assert "tried for a day" in opened.open_tasks()[TaskKind.NOT_TAKEN]

    with opened.session() as session:
        order = opened.order(OrderKind.TELL_VENDOR)
        session.get_one(CaseNote, kept(opened)[0].id).refused = None
        row = session.get_one(type(order), order.id)
        row.status, row.stumbles = OrderStatus.PENDING, 10
    opened.let_pass(600)
    send(opened)
    assert "ended without a word" in opened.open_tasks()[TaskKind.NOT_TAKEN]
    assert opened.order(OrderKind.TELL_VENDOR).status is OrderStatus.DEAD


def test_a_file_that_was_taken_away_meanwhile_is_not_sent(opened: Desk) -> None:
    file = upload(opened)
    write(opened, file=file)
    with opened.session() as session:
        files.remove(session, session.get_one(File, file.id), because(opened))

    send(opened)

    assert at_vendor(opened, "attached") == []
    assert "taken away" in opened.open_tasks()[TaskKind.NOT_TAKEN]


def test_a_note_to_the_vendor_is_no_send_of_the_claim(opened: Desk) -> None:
    write(opened, TEXT)

    with opened.session() as session:
        assert session.get_one(Rma, opened.rma().id).state == opened.rma().state
    assert [order.rma_id for order in opened.orders(OrderKind.TELL_VENDOR)] == [None]


# --- what is refused before anything is sent ---


def test_before_the_vendor_has_a_case_only_we_can_read_a_note(desk: Desk) -> None:
    desk.report()
    with pytest.raises(Invalid, match="no case yet"):
        write(desk, TEXT)
    assert write(desk, TEXT, way=NoteWay.INTERNAL).order_id is None
    assert state(desk) is None


def test_a_file_for_the_vendor_is_one_of_the_case_and_not_too_large(opened: Desk, desk: Desk) -> None:
    other = Desk(opened.runtime, opened.twin)
    other.report()
    too_large = upload(opened, b"x" * (18 * 1024 * 1024 + 1), "big.txt")
    for given, says in (
        ({"file": upload(other)}, "no file of this id"),
        ({"file": too_large}, "at most 18 MB"),
        ({}, "Write a text or name a file"),
        ({"text": TEXT, "file": upload(opened)}, "each is a note of its own"),
        ({"text": "x" * 4001}, "4,000"),
        ({"file": upload(opened), "way": NoteWay.INTERNAL}, "has this file already"),
    ):
        with pytest.raises(Invalid, match=says):
            write(opened, **given)  # type: ignore[arg-type] # each is a keyword of its own type
    assert kept(desk) == []


# --- what the vendor writes ---


def test_what_the_vendor_writes_is_kept_once_and_stands_on_the_board_without_a_mail(opened: Desk) -> None:
    assert opened.twin is not None
    opened.twin.move(number(opened), comments="Which slot\x07 is it?")
    for _ in range(2):
        poll(opened)

    (note,) = kept(opened)
    assert (note.way, note.text, note.author) == (NoteWay.FROM_VENDOR, "Which slot is it?", "vendor.agent")
    assert "Which slot is it?" in opened.open_tasks()[TaskKind.VENDOR_NOTE]
    with opened.session() as session:
        task = session.scalars(
            select(HumanTask).where(HumanTask.kind == TaskKind.VENDOR_NOTE, HumanTask.client_id == opened.client_key)
        ).one()
        assert task.told_at is not None

    write(opened, "Slot 3.")
    assert opened.open_tasks() == {}  # whoever answers has read it

    opened.twin.move(number(opened), comments="Thank you.")
    poll(opened)
    assert "Thank you." in opened.open_tasks()[TaskKind.VENDOR_NOTE]
    with opened.session() as session:
        notes.seen(session, session.get_one(Fault, opened.fault().id), because(opened))
    assert opened.open_tasks() == {}


def test_our_own_note_is_not_kept_as_theirs_but_one_that_quotes_it_is(opened: Desk) -> None:
    assert opened.twin is not None
    write(opened, TEXT)
    send(opened)
    (noted,) = at_vendor(opened)
    opened.twin.move(number(opened), comments=f"You wrote:\n{noted['entry']['value']}")

    for _ in range(2):
        poll(opened)

    assert [(note.way, note.text.partition("\n")[0]) for note in kept(opened)] == [
        (NoteWay.TO_VENDOR, TEXT),
        (NoteWay.FROM_VENDOR, "You wrote:"),
    ]


def test_what_a_machine_of_theirs_writes_is_kept_and_puts_nothing_on_the_board(opened: Desk) -> None:
    away = VendorNote("away", "I am out of office.", is_news=False)
    case = VendorCase(number(opened), VendorStatus.RECEIVED, vendor_status="1", notes=(away,))
    with opened.session() as session:
        rma, account = session.get_one(Rma, opened.rma().id), session.get_one(VendorAccount, opened.account_id)
        hearing.hear(session, opened.runtime, rma, case, account=account, now=db.now(session))

    assert ([note.text for note in kept(opened)], opened.open_tasks()) == (["I am out of office."], {})


def test_a_vendor_that_writes_without_end_fills_no_disk(opened: Desk) -> None:
    many = tuple(VendorNote(f"n{count}", f"note {count}") for count in range(notes.MOST_HEARD + 5))
    case = VendorCase(number(opened), VendorStatus.RECEIVED, vendor_status="1", notes=many)
    for _ in range(2):
        with opened.session() as session:
            rma, account = session.get_one(Rma, opened.rma().id), session.get_one(VendorAccount, opened.account_id)
            hearing.hear(session, opened.runtime, rma, case, account=account, now=db.now(session))

    assert len(kept(opened)) == notes.MOST_HEARD
