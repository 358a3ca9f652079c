"""Every kind of background work as the crash tests see it: how it is prepared, how many crash points it has, what holds after.

The only place that lists them; `tests/house/test_crash_points.py` fails where a kind of order has none. What holds is
asked once all that was killed has come to rest.
"""

from __future__ import annotations

import io
import os
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from tests import factories
from tests.desk import INSTANCE, cover_labour
from tests.tasks.test_apply_delivery import push_of
from tests.tasks.test_sweep_cases import open_at_vendor
from warranty import db, relay
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.domain.terms import Component
from warranty.models import (
    Asset,
    AuditRow,
    CaseNote,
    Client,
    Fault,
    HumanTask,
    ImportBatch,
    ImportRun,
    Mail,
    Outbox,
    Person,
    Rma,
    Sighting,
    StoredVerdict,
    VendorAccount,
    VendorDelivery,
)
from warranty.models.cases import NoteWay
from warranty.models.imports import ImportStatus
from warranty.models.mail import Told
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import accounts, audit, deliveries, files, imports, mail, news, notes, rmas, sweep, work
from warranty.services.faults import ContactFacts
from warranty.services.files import Upload
from warranty.services.importing.columns import Kind, Wanted
from warranty.services.mail import Letter, Receiver
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.crash.harness import Harness
    from tests.desk import Desk

COVERED = {"entitlements": [{"code": "NU", "starts_on": "2020-01-01", "ends_on": "2099-12-31"}]}
TOWARDS_VENDOR = {"to": "rma@vendor.example", "reply_to": "rma@msp.example"}
MIA = ContactFacts("Mia", "", "mia@client.example")
ROWS = 5
LONG_AGO = datetime(2001, 9, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Point:
    """One kind of work: ``prepare`` makes a case of its own and gives the order; ``check`` asks what must hold at rest.

    ``commits`` and ``calls``: how many it has, where nothing goes wrong. A kill comes around each of them.
    """

    kind: OrderKind
    prepare: Callable[[Harness], int]
    check: Callable[[Harness], None]
    commits: int
    calls: int = 0


# --- what holds of claims ---


def opened(harness: Harness, vendor: str = "servicenow") -> Desk:
    """A claim that the vendor has a case for."""
    desk = harness.desk(vendor)
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    return desk


def all_of(harness: Harness, table: type[Any]) -> list[Any]:
    """Every row of a table, the oldest first."""
    with harness.runtime.database.read(db.EVERYBODY) as session:
        return list(session.scalars(select(table).order_by(table.id)))


def is_one_case_each(harness: Harness, state: RmaState = RmaState.UNDER_REVIEW) -> None:
    """Each fault has one claim, each claim one case, the one that it names; and nothing waits for a person or a worker."""
    claims, faults = all_of(harness, Rma), all_of(harness, Fault)
    assert Counter(rma.fault_id for rma in claims) == Counter(fault.id for fault in faults)
    assert {(fault.state, rma.state) for fault, rma in zip(faults, claims, strict=True)} == {
        (FaultState.RMA_OPEN, state)
    }
    assert harness.per_reference() == Counter(rma.client_reference for rma in claims)
    numbers = {entry["reference"]: entry["number"] for entry in harness.twin.opened}
    assert {rma.client_reference: rma.vendor_case_number for rma in claims} == numbers
    is_all_done(harness)


def is_all_done(harness: Harness) -> None:
    """Every order was done, and nothing waits for a person."""
    assert {order.status for order in all_of(harness, Outbox)} == {OrderStatus.DONE}
    assert [(task.kind, task.why) for task in all_of(harness, HumanTask) if task.resolved_at is None] == []


def moved_once(harness: Harness, to: RmaState) -> None:
    """Each claim was moved there by one row of the register."""
    rows = [row for row in all_of(harness, AuditRow) if row.record == "rma" and row.new_state == to]
    assert Counter(row.record_id for row in rows) == Counter(rma.id for rma in all_of(harness, Rma))


# --- claims ---


def claim(harness: Harness) -> int:
    """A claim that is to be sent."""
    desk = harness.desk()
    desk.report()
    return desk.order(OrderKind.SEND_RMA).id


def claims(harness: Harness) -> int:
    """Two claims of one account that are to be sent, one after the other by the same worker."""
    desk = harness.desk()
    for bay in ("1", "2"):
        desk.report(component_ref=bay)
    return desk.orders(OrderKind.SEND_RMA)[0].id


def claim_for_parts(harness: Harness) -> int:
    """A draft that waits for the vendor's list of parts."""
    desk = harness.desk("stocked")
    desk.report(component=Component.PSU, troubleshooting="Reseated it.")
    return desk.order(OrderKind.PREPARE_RMA).id


def is_prepared(harness: Harness) -> None:
    """Each got the one part that it can be, and was sent once."""
    is_one_case_each(harness)
    assert {tuple(rma.parts) for rma in all_of(harness, Rma)} == {("PSU",)}


def claim_by_mail(harness: Harness, **options: str) -> int:
    """A claim that goes to a vendor's mail address."""
    desk = harness.desk("email", options=TOWARDS_VENDOR | options)
    desk.report()
    return desk.order(OrderKind.SEND_RMA).id


def is_mailed_once_or_a_persons(harness: Harness) -> None:
    """Nobody can ask a mail server what it has: so none is sent twice, and a person looks where it may have been sent."""
    claims = all_of(harness, Rma)
    assert {rma.state for rma in claims} == {RmaState.MANUAL_HANDLING}
    assert set(harness.per_reference().values()) == {1}
    asked = Counter(task.rma_id for task in all_of(harness, HumanTask) if task.resolved_at is None)
    assert asked == Counter(rma.id for rma in claims)


def is_mailed_under_one_name(harness: Harness) -> None:
    """A server that recognises repeats gets a second copy where the first had no answer, under the first one's name."""
    claims = all_of(harness, Rma)
    assert {rma.state for rma in claims} == {RmaState.MANUAL_HANDLING}
    names = {(entry["reference"], entry["number"]) for entry in harness.twin.opened}
    assert Counter(reference for reference, _ in names) == Counter(rma.client_reference for rma in claims)


def account_for_a_draft(harness: Harness) -> int:
    """A draft that had no account, and the one that was added for it."""
    desk = harness.desk(None)
    desk.report()
    with desk.session() as session:
        given = {"manufacturers": [desk.maker], "base_url": harness.twin.url, "options": INSTANCE}
        account = factories.make_account(session, harness.runtime, **given)
        rmas.go_on(session, account, Because("user:1", "added", db.now(session)))
        desk.account_id = account.id
    return desk.order(OrderKind.TAKE_UP).id


# --- look-ups ---


def question(harness: Harness) -> Desk:
    """A fault that waits for the vendor's word on the unit, which covers it."""
    desk = harness.desk(covered=False, asks=True)
    with desk.session() as session:
        cover_labour(session, session.get_one(Asset, desk.asset_key()))
    harness.twin.register({desk.serial: COVERED})
    desk.report()
    return desk


def look_up(harness: Harness) -> int:
    """A question that a fault waits for, and another one for the same account, which the same worker goes on with."""
    desk = question(harness)
    with desk.session() as session:
        payload = {"assets": [desk.asset_key()]}
        facts: dict[str, Any] = {"account_id": desk.lookup_account_id, "payload": payload, "now": db.now(session)}
        work.add(session, OrderKind.LOOK_UP, **facts)
    return desk.order(OrderKind.LOOK_UP).id


def end_of_patience(harness: Harness) -> int:
    """The decision that is repeated because the vendor has not answered in time."""
    desk = question(harness)
    with desk.session() as session:
        minutes = session.get_one(Client, desk.client_key).policy["lookup_patience_minutes"]
        session.get_one(Fault, desk.fault().id).reported_at -= timedelta(minutes=minutes)
    desk.let_pass(60 * minutes)
    return desk.order(OrderKind.DECIDE_AGAIN).id


def is_decided_and_opened_once(harness: Harness) -> None:
    """What the vendor said stands once, and its claim was opened once, whatever the patience said meanwhile."""
    is_one_case_each(harness)
    routes = Counter((row.fault_id, row.route) for row in all_of(harness, StoredVerdict))
    assert set(routes.values()) == {1}


# --- hearing from vendors ---


def reading(harness: Harness) -> int:
    """A reading of a case that was approved since."""
    desk = opened(harness)
    harness.twin.move(str(desk.rma().vendor_case_number), state="approved")
    with desk.session() as session:
        session.get_one(Rma, desk.rma().id).next_poll_at = db.now(session)
        session.flush()
        relay.order_polls(session)
    return desk.order(OrderKind.READ_CASES).id


def listing(harness: Harness) -> int:
    """A vendor that holds a case of no claim here."""
    desk = harness.desk()
    open_at_vendor(desk, f"WR-OF-{desk.account_id}", desk.serial)
    with desk.session() as session:
        sweep.order(session, session.get_one(VendorAccount, desk.account_id), now=db.now(session))
    return desk.order(OrderKind.SWEEP_CASES).id


def is_each_stray_asked_about_once(harness: Harness) -> None:
    """Each account's own case is before a person, once, and its whole listing was taken in."""
    swept = [account for account in all_of(harness, VendorAccount) if account.swept_to is not None]
    seen = {sighting.id: sighting for sighting in all_of(harness, Sighting)}
    asked = Counter(task.sighting_id for task in all_of(harness, HumanTask))
    assert asked == Counter(list(seen))
    assert {f"WR-OF-{account.id}" for account in swept} == {one.client_reference for one in seen.values()}
    assert {order.status for order in all_of(harness, Outbox)} == {OrderStatus.DONE}


def push_of_a_case(harness: Harness) -> tuple[Desk, bytes]:
    """A case, and what its vendor has to say: that it was approved."""
    desk = opened(harness)
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        rma.vendor_changed_at = datetime.now(UTC) - timedelta(hours=1)  # its times have a grain of a second
    return desk, push_of(rma, "approved")


def push(harness: Harness) -> int:
    """A message of the vendor's that was kept."""
    desk, said = push_of_a_case(harness)
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.account_id)
        deliveries.keep(session, account, said, now=db.now(session))
    return desk.order(OrderKind.APPLY_DELIVERY).id


def is_approved_once(harness: Harness) -> None:
    """Each case was approved by one move."""
    is_one_case_each(harness, RmaState.AUTHORIZED)
    moved_once(harness, RmaState.AUTHORIZED)
    assert all(delivery.applied_at for delivery in all_of(harness, VendorDelivery))


def mailbox(harness: Harness) -> int:
    """A mailbox with one more answer to a claim in it. There is one: an account takes from it what is about its claims."""
    harness.rest()
    if not harness.desks:
        harness.desk("email", options=TOWARDS_VENDOR).report()
        harness.desks[0].perform(OrderKind.SEND_RMA)
    (desk,) = harness.desks
    answer = f"RMA number: R-{len(harness.twin.ledger)}"
    harness.twin.play("email").answer(desk.rma().client_reference, answer)
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.account_id)
        deliveries.order_pull(session, account, now=db.now(session))
    return desk.orders(OrderKind.PULL)[-1].id


def is_each_answer_kept_once(harness: Harness) -> None:
    """Each answer was kept and applied once."""
    answers = [entry["raw"].encode("latin-1") for entry in harness.twin.ledger if entry["event"] == "answered"]
    kept = all_of(harness, VendorDelivery)
    assert sorted(delivery.raw for delivery in kept) == sorted(answers)
    assert all(delivery.applied_at for delivery in kept)
    assert {order.status for order in all_of(harness, Outbox)} == {OrderStatus.DONE}


def check_of_an_account(harness: Harness) -> int:
    """A person wants to know whether an account works."""
    desk = harness.desk()
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.account_id)
        accounts.order_check(session, account, now=db.now(session))
    return desk.order(OrderKind.CHECK_ACCOUNT).id


def is_answered(harness: Harness) -> None:
    """Each account is known to work."""
    is_all_done(harness)
    assert {(row.check_answered_at is not None, row.check_trouble) for row in all_of(harness, VendorAccount)} == {
        (True, None)
    }


# --- telling vendors ---


def note(harness: Harness) -> int:
    """A note on a case."""
    return _note(harness, opened(harness), text="Slot 3.")


def file(harness: Harness) -> int:
    """A file for a case."""
    desk = opened(harness)
    upload = Upload(b"PSU 2: no power\n", "log.txt")
    taken = files.take(harness.runtime, OPERATOR, desk.fault(), upload, now=datetime.now(UTC))
    return _note(harness, desk, file=taken)


def _note(harness: Harness, desk: Desk, **what: Any) -> int:
    with desk.session() as session:
        fault, because = session.get_one(Fault, desk.fault().id), Because("user:1", "wrote", db.now(session))
        notes.write(session, harness.runtime, fault, NoteWay.TO_VENDOR, because, **what)
    return desk.order(OrderKind.TELL_VENDOR).id


def is_told_once(event: str) -> Callable[[Harness], None]:
    """The vendor took each note or file once."""

    def check(harness: Harness) -> None:
        is_one_case_each(harness)
        written = all_of(harness, CaseNote)
        assert all(note.sent_at is not None for note in written)
        told = Counter(entry["number"] for entry in harness.twin.ledger if entry["event"] == event)
        assert told == Counter(str(rma.vendor_case_number) for rma in all_of(harness, Rma))
        assert len(written) == len(told)

    return check


# --- mails ---


def news_of_a_case(harness: Harness) -> int:
    """A client who is to be told that a fault was reported. Such an order is there once at a time."""
    harness.rest()
    harness.desk(None).report(contact=MIA)
    with harness.session() as session:
        news.order(session, harness.runtime.settings)
    return _newest(harness, OrderKind.WRITE_MAILS)


def is_told_of_each_once(harness: Harness) -> None:
    """One mail tells of each report."""
    assert Counter(mail.fault_id for mail in all_of(harness, Mail)) == Counter(row.id for row in all_of(harness, Fault))
    is_each_mail_there_under_one_name(harness)


def mail_to_a_contact(harness: Harness) -> int:
    """A mail that is to be sent."""
    if not harness.desks:
        harness.desk(None).report(contact=MIA)
    with harness.session() as session:
        fault = session.scalars(select(Fault)).one()
        receiver = Receiver(session.get_one(Person, fault.contact_id), "en")
        facts: dict[str, Any] = {"tells": Told.OPENED, "to": receiver, "now": db.now(session)}
        letter = Letter("News", "It works.\n", "<p>It works.</p>\n")
        return mail.write(session, harness.runtime.settings, about=fault, letter=letter, **facts).order_id


def is_each_mail_there_under_one_name(harness: Harness) -> None:
    """Each mail arrived, and whatever arrived more than once has one name and is the same to the byte."""
    written = all_of(harness, Mail)
    assert all(mail.sent_at is not None for mail in written)
    arrived = {(entry["number"], entry["record"]["raw"]) for entry in harness.twin.ledger if entry["event"] == "mailed"}
    assert sorted(name for name, _ in arrived) == sorted(mail.message_id for mail in written)
    assert {order.status for order in all_of(harness, Outbox)} == {OrderStatus.DONE}


def _newest(harness: Harness, kind: OrderKind) -> int:
    with harness.runtime.database.read(db.EVERYBODY) as session:
        return session.scalars(select(func.max(Outbox.id)).where(Outbox.kind == kind)).one()


# --- the house ---


def file_of_rows(harness: Harness) -> int:
    """A file of units that somebody sent."""
    with harness.session() as session:
        client = factories.make_client(session)
        rows = "".join(f"{client.id}-{number},Acme,R1\n" for number in range(ROWS))
        content = io.BytesIO(f"serial_number,manufacturer,model\n{rows}".encode())
        facts: dict[str, Any] = {"file_name": "rows.csv", "wanted": Wanted(), "client": client, "dry_run": False}
        imports.order(session, content, kind=Kind.ASSETS, actor="user:1", now=db.now(session), **facts)
    return _newest(harness, OrderKind.IMPORT_ROWS)


def is_each_row_there_once(harness: Harness) -> None:
    """Each file is done, each of its rows is one unit, and it counted them right."""
    is_all_done(harness)
    runs = all_of(harness, ImportRun)
    assert {(run.status, run.rows_done, run.rows_total) for run in runs} == {(ImportStatus.DONE, ROWS, ROWS)}
    counts = {"new": ROWS, "same": 0, "changed": 0, "refused": 0}
    assert all(run.tally is not None and run.tally["counts"] == counts for run in runs)
    units = Counter(asset.serial_number for asset in all_of(harness, Asset))
    assert (len(units), set(units.values())) == (ROWS * len(runs), {1})
    batches = Counter((batch.run_id, batch.number) for batch in all_of(harness, ImportBatch))
    assert set(batches.values()) == {1}


def left_over(harness: Harness) -> int:
    """A content that nobody names, left in the store a while ago."""
    key = f"{time.monotonic_ns():032x}"
    harness.runtime.store.put(key, b"left over")
    (path,) = harness.runtime.settings.instance.rglob(key)
    os.utime(path, (0, LONG_AGO.timestamp() - 1))
    with harness.session() as session:
        work.add(session, OrderKind.SWEEP_FILES, now=db.now(session))
    return _newest(harness, OrderKind.SWEEP_FILES)


def is_swept(harness: Harness) -> None:
    """Nothing of that age is left in the store."""
    is_all_done(harness)
    assert [key for key, written_at in harness.runtime.store.keys() if written_at < LONG_AGO] == []  # noqa: SIM118 - no dict


def anchor(harness: Harness) -> int:
    """A chain that has grown since its head was last written down."""
    with harness.session() as session:
        factories.make_client(session)
    with harness.session() as session:
        audit.seal(session, harness.runtime.box)
        work.add(session, OrderKind.WRITE_ANCHOR, now=db.now(session))
    return _newest(harness, OrderKind.WRITE_ANCHOR)


def is_anchored(harness: Harness) -> None:
    """The newest head is in safe hands, and each head under one name."""
    is_all_done(harness)
    with harness.runtime.database.read(db.EVERYBODY) as session:
        head = audit.head(session)
    assert head is not None
    mails = [entry for entry in harness.twin.ledger if entry["event"] == "mailed"]
    assert any(head.mac[:16] in entry["number"] for entry in mails)
    assert audit.verify(harness.runtime).findings == []


POINTS: dict[str, Point] = {
    # Claim; the list and the end.
    "a draft": Point(OrderKind.PREPARE_RMA, claim_for_parts, is_prepared, commits=3, calls=1),
    # Claim, mark, record; the open.
    "a claim": Point(OrderKind.SEND_RMA, claim, is_one_case_each, commits=3, calls=1),
    # The second is claimed with the mark of both.
    "claims of one account": Point(OrderKind.SEND_RMA, claims, is_one_case_each, commits=4, calls=2),
    # A greeting is heard and not asked for: hello, sender, receiver, data, the message, goodbye.
    "a claim by mail": Point(OrderKind.SEND_RMA, claim_by_mail, is_mailed_once_or_a_persons, commits=3, calls=6),
    "a claim by mail to who recognises repeats": Point(
        OrderKind.SEND_RMA,
        lambda harness: claim_by_mail(harness, recognises_repeats="true"),
        is_mailed_under_one_name,
        commits=3,
        calls=6,
    ),
    # Claim, the token kept, gate, the answer with the next claim, gate, the answer; the token and two questions.
    "look-ups": Point(OrderKind.LOOK_UP, look_up, is_decided_and_opened_once, commits=6, calls=3),
    "the end of patience": Point(OrderKind.DECIDE_AGAIN, end_of_patience, is_one_case_each, commits=2),
    "a reading": Point(OrderKind.READ_CASES, reading, is_approved_once, commits=5, calls=2),
    "a listing": Point(OrderKind.SWEEP_CASES, listing, is_each_stray_asked_about_once, commits=4, calls=1),
    # Claim, gate, the answer, twice how far it was read, the end; what can you, sign in, look at, search, headers, the
    # answer, goodbye.
    "a mailbox": Point(OrderKind.PULL, mailbox, is_each_answer_kept_once, commits=6, calls=7),
    "a message": Point(OrderKind.APPLY_DELIVERY, push, is_approved_once, commits=3),
    "an account for a draft": Point(OrderKind.TAKE_UP, account_for_a_draft, is_one_case_each, commits=2),
    "a note": Point(OrderKind.TELL_VENDOR, note, is_told_once("noted"), commits=5, calls=2),
    "a file": Point(OrderKind.TELL_VENDOR, file, is_told_once("attached"), commits=5, calls=2),
    "a check": Point(OrderKind.CHECK_ACCOUNT, check_of_an_account, is_answered, commits=3, calls=1),
    # Claim, the case, its task for a person, the end.
    "news": Point(OrderKind.WRITE_MAILS, news_of_a_case, is_told_of_each_once, commits=4),
    "a mail": Point(OrderKind.SEND_MAIL, mail_to_a_contact, is_each_mail_there_under_one_name, commits=4, calls=6),
    "a file of rows": Point(OrderKind.IMPORT_ROWS, file_of_rows, is_each_row_there_once, commits=7),
    "a sweep of files": Point(OrderKind.SWEEP_FILES, left_over, is_swept, commits=2),
    "an anchor": Point(OrderKind.WRITE_ANCHOR, anchor, is_anchored, commits=2, calls=6),
}
