"""One mail at a real SMTP server: sent once, refused in plain sight, tried again, whatever becomes of the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.desk import let_pass
from tests.mail import Mailbox
from warranty import config, db, tasks
from warranty.domain.access import OPERATOR
from warranty.models import AuditRow, Fault, Mail, Outbox, Person
from warranty.models.mail import Told
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import mail, work
from warranty.services.faults import ContactFacts
from warranty.services.mail import Letter, NotRefused, Receiver, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime

LETTER = Letter("News", "Good day,\n\nit works.\n", "<p>it works.</p>\n")


@dataclass(slots=True)
class Post:
    """A case, its contact, and the mails to them."""

    runtime: Runtime
    box: Mailbox
    fault: Fault
    person: Person

    def session(self) -> Any:
        return self.runtime.database.begin(db.EVERYBODY)

    def write(self, letter: Letter = LETTER, language: str = "en", to: Person | None = None) -> Mail:
        with self.session() as session:
            return mail.write(
                session,
                self.runtime.settings,
                about=self.fault,
                tells=Told.OPENED,
                to=Receiver(to or self.person, language),
                letter=letter,
                now=db.now(session),
            )

    def perform(self, written: Mail) -> None:
        """Do its order as a worker would; what is not due yet is made due."""
        let_pass(self.runtime, 400)
        tasks.perform(self.runtime, written.order_id)

    def reread(self, written: Mail) -> tuple[Mail, Outbox]:
        with self.runtime.database.read(db.EVERYBODY) as session:
            return session.get_one(Mail, written.id), session.get_one(Outbox, written.order_id)

    def contact(self, email: str) -> Person:
        with self.session() as session:
            person = Person(client_id=self.fault.client_id, name="Somebody", email=email)
            session.add(person)
        return person


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with Mailbox() as made:
        yield made


@pytest.fixture
def post(runtime: Runtime, box: Mailbox) -> Post:
    settings = replace(runtime.settings, smtp_url=box.url(), mail_from="desk@msp.example")
    runtime = replace(runtime, settings=settings)
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session)
        facts = {
            "serial_number": "unknown",
            "client_id": client.public_id,
            "contact": ContactFacts("Mia", "", "mia@client.example"),
        }
        fault = factories.make_fault(session, runtime, OPERATOR, now=datetime.now(UTC), **facts).fault
        person = session.get_one(Person, fault.contact_id)
    return Post(runtime, box, fault, person)


# --- sent ---


def test_a_mail_is_sent_with_all_that_a_mail_program_needs(post: Post) -> None:
    written = post.write()

    post.perform(written)

    (got,) = post.box.received
    message = got.message
    assert (got.sender, got.receivers) == ("desk@msp.example", ["mia@client.example"])
    assert (message["From"], message["To"]) == ("desk@msp.example", "mia@client.example")
    assert message["Subject"] == f"[{post.fault.reference}] News"
    assert message["Message-ID"] == written.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    assert "it works." in got.part("plain")
    assert "<p>it works.</p>" in got.part("html")
    sent, order = post.reread(written)
    assert sent.sent_at is not None
    assert (sent.left, order.status) == (0, OrderStatus.DONE)


def test_the_mails_of_a_case_are_one_thread(post: Post) -> None:
    first, second = post.write(), post.write()
    for written in (first, second):
        post.perform(written)

    one, two = (got.message for got in post.box.received)
    assert one["In-Reply-To"] is None
    assert two["In-Reply-To"] == one["Message-ID"]
    assert one["References"] == f"<case.{post.fault.public_id}@msp.example>"
    assert two["References"] == f"{one['References']} {one['Message-ID']}"


def test_a_mail_whose_transaction_fails_was_never_written(post: Post) -> None:
    with post.session() as session:
        receiver = Receiver(post.person, "en")
        settings = post.runtime.settings
        now = db.now(session)
        mail.write(session, settings, about=post.fault, tells=Told.OPENED, to=receiver, letter=LETTER, now=now)
        session.rollback()

    with post.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(Mail)).all() == []
        assert session.scalars(select(Outbox).where(Outbox.kind == OrderKind.SEND_MAIL)).all() == []


def test_what_is_done_is_not_done_again(post: Post) -> None:
    written = post.write()
    post.perform(written)
    with post.session() as session:
        session.execute(update(Outbox).where(Outbox.id == written.order_id).values(status=OrderStatus.PENDING))

    post.perform(written)

    assert len(post.box.received) == 1
    assert post.reread(written)[1].status is OrderStatus.DONE


@pytest.mark.parametrize(
    ("email", "received"),
    [
        ("jürgen@client.example", "jürgen@client.example"),
        ("mia@Bücher.example", "mia@xn--bcher-kva.example"),
        ("mia@faß.example", "mia@xn--fa-hia.example"),
    ],
)
def test_addresses_of_every_script_are_reached(post: Post, email: str, received: str) -> None:
    post.perform(post.write(to=post.contact(email)))

    assert post.box.received[0].receivers == [received]


# --- hostile ---


def test_nothing_that_anybody_typed_adds_a_header_or_a_receiver(post: Post) -> None:
    evil = "News\r\nBcc: eve@evil.example\r\n\r\n<script>\x00\u2028now"

    post.perform(post.write(Letter(evil, evil, evil)))

    (got,) = post.box.received
    assert got.receivers == ["mia@client.example"]
    assert got.message["Bcc"] is None
    assert got.message["Subject"] == f"[{post.fault.reference}] News Bcc: eve@evil.example <script> now"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "mia",
        "@client.example",
        "mia@",
        "mia@client.example, eve@evil.example",
        "mia@client.example>\r\nRCPT TO:<eve@evil.example",
        "Mia <mia@client.example>",
        "-oX@client.example",
        "mia@client..example",
        "mia@-client.example",
        "mia\u2028@client.example",
        "m@" + "x" * 260 + ".example",
    ],
)
def test_what_is_no_single_address_is_none(address: str) -> None:
    assert mail.plain_address(address) is None


def test_a_mail_to_nobody_is_refused_in_plain_sight(post: Post) -> None:
    written = post.write(to=post.contact("Mia <mia@client.example>"))

    post.perform(written)

    refused, order = post.reread(written)
    assert refused.refused == "There is no address that a mail could go to."
    assert order.status is OrderStatus.PARKED
    assert post.box.received == []


def test_a_text_that_nobody_reads_is_refused_and_not_kept(post: Post) -> None:
    with pytest.raises(TooLarge, match="characters is refused"):
        post.write(Letter("News", "x" * mail.MOST_CHARACTERS, "x"))


# --- refused, and not now ---


def test_a_refusal_parks_the_mail_with_the_servers_words_and_the_register_names_nobody(post: Post) -> None:
    post.box.on_rcpt = "550 5.1.1 <mia@client.example>: no such user"
    written = post.write()

    post.perform(written)
    post.perform(written)

    refused, order = post.reread(written)
    assert refused.refused is not None
    assert "no such user" in refused.refused
    assert (order.status, refused.left, post.box.received) == (OrderStatus.PARKED, 0, [])
    with post.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "mail_refused")).all()
    assert [row.fault_id for row in rows] == [post.fault.id]
    assert rows[0].reason == f"The mail opened to person:{post.person.id} will not be sent."


def test_a_refused_mail_is_sent_when_a_person_has_mended_what_stood_in_its_way(post: Post) -> None:
    post.box.on_rcpt = "550 5.1.1 no such user"
    written = post.write()
    post.perform(written)
    post.box.on_rcpt = "250 OK"

    with post.session() as session:
        mail.send_again(session, session.get_one(Mail, written.id), now=db.now(session))
    post.perform(written)

    assert len(post.box.received) == 1
    with post.session() as session, pytest.raises(NotRefused):
        mail.send_again(session, session.get_one(Mail, written.id), now=db.now(session))


def test_a_mail_over_which_every_worker_broke_off_is_sent_when_a_person_says_so(post: Post) -> None:
    written = post.write()
    with post.session() as session:
        session.execute(update(Outbox).where(Outbox.id == written.order_id).values(status=OrderStatus.DEAD))

    with post.session() as session:
        mail.send_again(session, session.get_one(Mail, written.id), now=db.now(session))
    post.perform(post.reread(written)[0])

    assert len(post.box.received) == 1


@pytest.mark.parametrize(
    ("where", "answer"), [("on_rcpt", "450 4.2.1 come back later"), ("on_data", "451 4.3.0 the disk is full")]
)
def test_what_is_refused_for_now_is_tried_again_later(post: Post, where: str, answer: str) -> None:
    setattr(post.box, where, answer)
    written = post.write()

    post.perform(written)
    waits, order = post.reread(written)
    setattr(post.box, where, "250 OK")
    post.perform(written)

    assert (waits.left, order.status, order.failures, order.error) == (0, OrderStatus.PENDING, 1, answer)
    assert post.reread(written)[0].sent_at is not None


def test_after_a_day_without_a_server_a_person_is_told(post: Post) -> None:
    post.box.on_rcpt = "450 4.2.1 come back later"
    written = post.write()
    post.perform(written)
    let_pass(post.runtime, work.RETRY_BUDGET_S + 1)

    post.perform(written)

    refused, order = post.reread(written)
    assert refused.refused == "It was tried for a day: 450 4.2.1 come back later"
    assert order.status is OrderStatus.PARKED


def test_without_a_mail_server_a_mail_waits_for_one(post: Post) -> None:
    written = post.write()
    none = replace(post.runtime, settings=replace(post.runtime.settings, smtp_url=None))

    tasks.perform(none, written.order_id)

    assert post.reread(written)[0].refused == "No mail server is set: SMTP_URL."


# --- nobody knows ---


def test_a_copy_that_follows_one_without_an_answer_is_the_same_to_the_byte(post: Post) -> None:
    post.box.hangs_up_at = "DATA"
    written = post.write()
    post.perform(written)
    doubted, order = post.reread(written)
    post.box.hangs_up_at = ""

    post.perform(written)

    first, second = post.box.received
    assert first.content == second.content
    assert first.message["Message-ID"] == written.message_id
    assert (doubted.left, doubted.sent_at, order.status) == (1, None, OrderStatus.PENDING)
    assert post.reread(written)[0].sent_at is not None


def test_a_server_that_never_answers_gets_few_copies_and_then_a_person_is_told(post: Post) -> None:
    post.box.hangs_up_at = "DATA"
    written = post.write()

    for _ in range(mail.MOST_LEFT + 2):
        post.perform(written)

    assert len(post.box.received) == mail.MOST_LEFT
    refused = post.reread(written)[0].refused
    assert refused is not None
    assert "may have arrived" in refused


def worker(post: Post, environment: dict[str, str], order_id: int) -> subprocess.Popen[bytes]:
    """A worker process that does one order."""
    code = f"from warranty import tasks; tasks.run({order_id})"
    settings = environment | {"SMTP_URL": post.box.url(), "WARRANTY_MAIL_FROM": "desk@msp.example"}
    return subprocess.Popen([sys.executable, "-c", code], env=os.environ | settings)


@pytest.mark.parametrize(("dies", "copies"), [("before it left", 1), ("before it heard the answer", 2)])
def test_a_worker_that_is_killed_leaves_a_mail_that_is_sent_and_at_most_doubled_where_nobody_could_know(
    post: Post, environment: dict[str, str], dies: str, copies: int
) -> None:
    written = post.write()

    def kill() -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    if dies == "before it left":
        post.box.when_asked = kill
    else:
        post.box.when_received = kill
    process = worker(post, environment, written.order_id)
    process.wait(30)
    post.box.when_asked = post.box.when_received = None

    post.perform(written)

    assert process.returncode == -signal.SIGKILL
    assert len(post.box.received) == copies
    assert {got.message["Message-ID"] for got in post.box.received} == {written.message_id}
    assert post.reread(written)[0].sent_at is not None


def test_a_worker_that_was_overtaken_sends_nothing(post: Post) -> None:
    written = post.write()

    def overtake() -> None:
        post.box.when_asked = None
        let_pass(post.runtime, post.runtime.settings.lease_s + 1)
        tasks.perform(post.runtime, written.order_id)

    post.box.when_asked = overtake
    tasks.perform(post.runtime, written.order_id)

    assert len(post.box.received) == 1
    assert post.reread(written)[0].sent_at is not None


def test_no_setting_of_the_mail_server_is_shown_with_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARRANTY_MODE", "development")
    monkeypatch.setenv("SMTP_URL", "smtps://us:Pa55-word-Canary@mail.example")

    shown = {setting.name: setting.value for setting in config.explain()}

    assert shown["SMTP_URL"] == "smtps://us:***@mail.example"
