"""What a case is worth telling, to whom and in which words; and that telling costs a report nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.factories import BECAUSE
from vendors.contract import VendorCase, VendorStatus
from warranty import db, languages, tasks
from warranty.domain.access import OPERATOR, Principal
from warranty.domain.lifecycles import FaultState, JobState, RmaState
from warranty.domain.terms import Component, Role
from warranty.models import AdHocJob, Client, Fault, HumanTask, Mail, News, Outbox, Rma, Sighting
from warranty.models.mail import Told
from warranty.models.work import OrderKind
from warranty.services import estate, moves, news, people, rmas, strays
from warranty.services.faults import ContactFacts
from warranty.services.moves import Because, IllegalMove

if TYPE_CHECKING:
    from uuid import UUID

    from warranty.models import User
    from warranty.runtime import Runtime

BASE = "https://desk.msp.example"
_numbers = count(1)


@dataclass(slots=True)
class Desk:
    """A client whose cases are told by mail; one unit under a vendor's warranty, and the reports of it."""

    runtime: Runtime
    client: Client
    serial: str
    viewer: User

    def session(self) -> Any:
        return self.runtime.database.begin(db.EVERYBODY)

    def report(self, by: Principal | None = None, **facts: Any) -> Fault:
        """A report by the client's viewer, now, unless told otherwise."""
        with self.session() as session:
            reporter = by or people.principal_of(self.viewer)
            given = {"serial_number": self.serial, "client_id": self.client.public_id} | facts
            now = given.pop("now", datetime.now(UTC))
            return factories.make_fault(session, self.runtime, reporter, now=now, **given).fault

    def tell(self, fault: Fault, *, later: timedelta = timedelta(0)) -> list[Mail]:
        """The mails that a look at a case makes."""
        before = {mail.id for mail in self.mails()}
        with self.session() as session:
            news.tell_case(session, self.runtime, fault.id, now=db.now(session) + later)
        return [mail for mail in self.mails() if mail.id not in before]

    def tell_tasks(self) -> list[Mail]:
        before = {mail.id for mail in self.mails()}
        with self.session() as session:
            for task in session.scalars(select(HumanTask).where(HumanTask.client_id == self.client.id)).all():
                news.tell_task(session, self.runtime, task.id, now=db.now(session))
        return [mail for mail in self.mails() if mail.id not in before]

    def mails(self) -> list[Mail]:
        with self.runtime.database.read(db.EVERYBODY) as session:
            return list(session.scalars(select(Mail).where(Mail.client_id == self.client.id).order_by(Mail.id)))

    def move(self, record: type, fault: Fault, *states: Any, **changes: Any) -> None:
        """Walk the fault, or its newest Rma or job."""
        with self.session() as session:
            which = Fault.id == fault.id if record is Fault else record.fault_id == fault.id  # type: ignore[attr-defined]  # of Rma and AdHocJob
            row = session.scalars(select(record).where(which).order_by(record.id.desc())).first()  # type: ignore[attr-defined]  # as above
            assert row is not None
            for name, value in changes.items():
                setattr(row, name, value)
            moves.walk(session, row, states, Because("system:test", "for the test", db.now(session), fault.id))  # type: ignore[arg-type]  # a record that moves

    def change_client(self, **changes: Any) -> None:
        with self.session() as session:
            session.execute(update(Client).where(Client.id == self.client.id).values(**changes))


@pytest.fixture
def desk(shared_runtime: Runtime) -> Desk:
    settings = replace(
        shared_runtime.settings, smtp_url="smtp://127.0.0.1:9", mail_from="desk@msp.example", base_url=BASE
    )
    runtime = replace(shared_runtime, settings=settings)
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session)
        contacts = [estate.Contact("Site Sam", "", f"sam-{next(_numbers)}@client.example")]
        site = factories.make_site(session, client, contacts=contacts)
        product = factories.make_product(session, f"Maker of {client.name}", "R750")
        asset = factories.make_asset(session, client, site=site, product=product)
        factories.make_coverage(session, asset)
        factories.make_account(session, runtime, manufacturers=[product.manufacturer])
        viewer = factories.make_user(session, Role.CLIENT_VIEWER, client)
    return Desk(runtime, client, asset.serial_number, viewer)


# --- what costs a report nothing ---


def test_a_report_leaves_a_mark_and_writes_no_mail(desk: Desk) -> None:
    fault = desk.report()

    assert fault.told is None
    assert desk.mails() == []
    with desk.runtime.database.read(db.EVERYBODY) as session:
        assert fault.id in news.due(session, now=db.now(session), limit=10_000)[0]
        assert session.scalars(select(News).where(News.fault_id == fault.id)).all() == []  # its own row is the mark


def test_a_move_leaves_a_mark_and_what_is_rolled_back_leaves_none(desk: Desk) -> None:
    fault = desk.report()
    desk.tell(fault)

    def marks() -> int:
        with desk.runtime.database.read(db.EVERYBODY) as session:
            return len(session.scalars(select(News).where(News.fault_id == fault.id)).all())

    with desk.session() as session:
        moves.move(session, session.get_one(Fault, fault.id), FaultState.CLOSED, BECAUSE)
        session.rollback()
    with desk.session() as session:
        row = session.get_one(Fault, fault.id)
        with suppress(IllegalMove), moves.attempt(session):
            moves.walk(session, row, [FaultState.CLOSED], BECAUSE)
            moves.walk(session, row, [FaultState.RMA_OPEN], BECAUSE)

    assert marks() == 0
    desk.move(Fault, fault, FaultState.CLOSED)
    assert marks() == 1


def test_a_move_in_a_transaction_of_the_client_alone_leaves_its_mark_too(desk: Desk) -> None:
    fault = desk.report()
    desk.tell(fault)

    with desk.runtime.database.begin(db.Scope(desk.client.id)) as session:
        moves.move(
            session, session.get_one(Fault, fault.id), FaultState.CLOSED, Because("user:1", "no", datetime.now(UTC))
        )

    assert [mail.tells for mail in desk.tell(fault)] == [Told.CLOSED]


# --- what is told to the client ---


def test_whoever_reported_is_told_that_the_case_is_open_and_what_it_rests_on(desk: Desk) -> None:
    fault = desk.report()

    (mail,) = desk.tell(fault)

    assert (mail.tells, mail.user_id, mail.person_id) == (Told.OPENED, desk.viewer.id, None)
    assert mail.subject == f"[{fault.reference}] We have your report: Maker of {desk.client.name} R750 {desk.serial}"
    for text in (mail.text, mail.html):
        assert "We have your report and take care of it." in text
        assert "The replacement is being ordered from the vendor." in text
        assert "is paid for under contract W-" in text
        assert "Predictive failure on bay 3" in text
        assert f"{BASE}/portal/cases/{fault.public_id}" in text


def test_asked_twice_it_tells_once(desk: Desk) -> None:
    fault = desk.report()

    assert len(desk.tell(fault)) == 1
    assert desk.tell(fault) == []


def test_the_contact_of_the_report_is_told_too_without_a_link_that_needs_a_login(desk: Desk) -> None:
    fault = desk.report(contact=ContactFacts("Mia", "", "mia@client.example"))

    mails = desk.tell(fault)

    assert [(mail.user_id is None, mail.person_id is None) for mail in mails] == [(False, True), (True, False)]
    assert "/portal/" not in mails[1].text + mails[1].html


def test_a_report_by_the_msp_tells_the_contact_at_the_site_and_not_the_technician(desk: Desk) -> None:
    with desk.session() as session:
        technician = factories.make_user(session)
    fault = desk.report(people.principal_of(technician))

    (mail,) = desk.tell(fault)

    assert (mail.user_id, mail.person_id is None) == (None, False)


def test_nobody_is_told_twice_because_an_address_stands_twice(desk: Desk) -> None:
    fault = desk.report(contact=ContactFacts("The viewer", "", desk.viewer.email.upper()))

    assert len(desk.tell(fault)) == 1


def test_whoever_reports_the_same_again_follows_the_case(desk: Desk) -> None:
    fault = desk.report()
    with desk.session() as session:
        second = factories.make_user(session, Role.CLIENT_VIEWER, desk.client)
    again = desk.report(people.principal_of(second))
    desk.tell(fault)
    (told_second,) = desk.tell(again)

    desk.move(Fault, fault, FaultState.CLOSED)
    mails = desk.tell(fault)

    assert again.duplicate_of_id == fault.id
    assert (told_second.user_id, told_second.tells) == (second.id, Told.OPENED)
    assert "Nothing more has to be done" in told_second.text
    assert {mail.user_id for mail in mails} == {desk.viewer.id, second.id}


def test_a_german_reader_is_told_in_german(desk: Desk) -> None:
    with desk.session() as session:
        session.merge(desk.viewer).language = "de-AT"
    fault = desk.report()

    (mail,) = desk.tell(fault)

    assert mail.language == "de"
    assert "Wir haben Ihre Meldung" in mail.subject
    assert "Guten Tag," in mail.text
    assert "Gemeldet: Predictive failure on bay 3" in mail.text
    assert 'lang="de"' in mail.html
    assert "take care" not in mail.text


def test_every_sentence_of_every_mail_is_known_in_every_language() -> None:
    labels = {"Case", "Client", "Good day,", "Reported", "See the case", "The vendor says", "Unit", "Why"}
    sentences = {*news._SUBJECTS.values(), *news._SAID.values(), *news._NEXT.values(), *labels}

    for language, catalogue in languages.load(db.folder("locale")).items():
        unknown = {sentence for sentence in sentences if catalogue.gettext(sentence) == sentence}
        assert unknown == (sentences if language == languages.SOURCE_LANGUAGE else set()), language


WAY = {
    Told.CONFIRMED: (Rma, [RmaState.UNDER_REVIEW, RmaState.AUTHORIZED]),
    Told.CLOSED: (Fault, [FaultState.CLOSED]),
}


@pytest.mark.parametrize("told", WAY)
def test_what_a_case_comes_to_is_told_once(desk: Desk, told: Told) -> None:
    fault = desk.report()
    desk.tell(fault)
    record, states = WAY[told]

    desk.move(record, fault, *states)

    assert [mail.tells for mail in desk.tell(fault)] == [told]
    assert desk.tell(fault) == []


def test_a_quote_that_waits_for_the_client_is_told(desk: Desk) -> None:
    fault = desk.report()
    desk.tell(fault)

    desk.move(AdHocJob, fault, JobState.AWAITING_APPROVAL)

    assert [mail.tells for mail in desk.tell(fault)] == [Told.APPROVAL]


def test_a_case_that_waits_for_the_client_at_the_first_look_is_told_with_its_opening(desk: Desk) -> None:
    fault = desk.report()
    desk.move(AdHocJob, fault, JobState.AWAITING_APPROVAL)

    assert [mail.tells for mail in desk.tell(fault)] == [Told.OPENED, Told.APPROVAL]
    assert desk.tell(fault) == []


def test_steps_that_were_overtaken_are_not_told(desk: Desk) -> None:
    fault = desk.report()
    desk.tell(fault)

    desk.move(Rma, fault, RmaState.UNDER_REVIEW, RmaState.AUTHORIZED)
    desk.move(Fault, fault, FaultState.CLOSED)

    assert [mail.tells for mail in desk.tell(fault)] == [Told.CLOSED]


def test_a_case_that_is_reopened_and_closed_again_is_told_as_closed_again(desk: Desk) -> None:
    fault = desk.report()
    desk.tell(fault)
    desk.move(Fault, fault, FaultState.CLOSED)
    desk.tell(fault)

    desk.move(Fault, fault, FaultState.REOPENED)
    nothing = desk.tell(fault)
    desk.move(Fault, fault, FaultState.CLOSED)

    assert nothing == []
    assert [mail.tells for mail in desk.tell(fault)] == [Told.CLOSED]


def test_a_denial_is_told_with_the_vendors_words_when_the_time_to_think_it_over_has_passed(desk: Desk) -> None:
    fault = desk.report()
    desk.tell(fault)
    desk.move(Rma, fault, RmaState.UNDER_REVIEW)
    with desk.session() as session:
        rma = session.scalars(select(Rma).where(Rma.fault_id == fault.id)).one()
        now = db.now(session)
        rmas.transition(session, desk.runtime, OPERATOR, rma, RmaState.DENIED, reason="Liquid <b>inside</b>", now=now)

    at_once = desk.tell(fault)
    later = desk.tell(fault, later=timedelta(hours=25))

    assert at_once == []
    assert [mail.tells for mail in later] == [Told.DENIED]
    assert "Liquid <b>inside</b>" in later[0].text
    assert "Liquid &lt;b&gt;inside&lt;/b&gt;" in later[0].html


def test_news_that_nobody_wants_any_more_is_not_told(desk: Desk) -> None:
    old = desk.report(now=datetime.now(UTC) - news.STALE - timedelta(minutes=1))

    assert desk.tell(old) == []
    assert desk.tell(old) == []


def test_a_client_that_wants_no_mail_gets_none_and_its_case_goes_on(desk: Desk) -> None:
    desk.change_client(sends_mail=False)
    fault = desk.report()

    assert desk.tell(fault) == []
    desk.change_client(sends_mail=True)
    assert desk.tell(fault) == []  # what was not told then is not told now
    desk.move(Fault, fault, FaultState.CLOSED)
    assert [mail.tells for mail in desk.tell(fault)] == [Told.CLOSED]


def test_a_deactivated_reporter_is_told_nothing(desk: Desk) -> None:
    fault = desk.report()
    with desk.session() as session:
        session.merge(desk.viewer).deactivated_at = datetime.now(UTC)

    (mail,) = desk.tell(fault)

    assert mail.user_id is None  # the contact at the site is


# --- what is told to the MSP ---


def test_the_service_managers_are_told_once_that_a_case_needs_a_person(desk: Desk) -> None:
    with desk.session() as session:
        manager = factories.make_user(session, Role.SERVICE_MANAGER)
        session.flush()
    desk.change_client(sends_mail=False)  # that is about the client's own people
    fault = desk.report(component=Component.DISK, serial_number="nobody knows it")

    mails = [mail for mail in desk.tell_tasks() if mail.user_id == manager.id]

    assert [mail.tells for mail in mails] == [Told.TASK]
    assert mails[0].subject == f"[{fault.reference}] A person is needed: nobody knows it"
    assert f"Client: {desk.client.name}" in mails[0].text
    assert f"{BASE}/cases/{fault.public_id}" in mails[0].html
    assert desk.tell_tasks() == []


def test_the_service_managers_are_told_of_all_cases_of_no_claim_at_an_account_in_one_mail(desk: Desk) -> None:
    with desk.session() as session:
        manager = factories.make_user(session, Role.SERVICE_MANAGER)
        account = factories.make_account(session, desk.runtime)
        found = [VendorCase(f"INC{place}", VendorStatus.RECEIVED, serial_number=f"S{place}") for place in range(12)]
        strays.find(session, account, found, now=db.now(session))

    with desk.session() as session:
        ours = select(HumanTask.id).join(Sighting, Sighting.id == HumanTask.sighting_id)
        for task_id in session.scalars(ours.where(Sighting.account_id == account.id)).all():
            news.tell_task(session, desk.runtime, task_id, now=db.now(session))

    with desk.session() as session:
        theirs = select(Mail).where(Mail.account_id == account.id, Mail.user_id == manager.id)
        (told,) = session.scalars(theirs).all()
        assert told.subject == f"[{account.name}] Cases of no claim at {account.name}: 12"
        assert (told.fault_id, told.client_id) == (None, None)
        assert "Case INC0 at" in told.text
        assert "serial number S9" in told.text
        assert told.text.count("belongs to no claim here") == 10
        assert f"{BASE}/" in told.html
        order = session.get_one(Outbox, told.order_id)
        assert (order.kind, order.client_id) == (OrderKind.SEND_MAIL, None)


def test_a_task_that_is_settled_before_anybody_looked_is_not_told(desk: Desk) -> None:
    with desk.session() as session:
        factories.make_user(session, Role.SERVICE_MANAGER)
    desk.report(serial_number="nobody knows it")
    with desk.session() as session:
        tasks_of = update(HumanTask).where(HumanTask.client_id == desk.client.id)
        session.execute(tasks_of.values(resolved_at=db.now(session)))

    assert desk.tell_tasks() == []


# --- the worker ---


@pytest.fixture
def alone(runtime: Runtime) -> Runtime:
    """A database of one's own, and a mail server."""
    return replace(runtime, settings=replace(runtime.settings, smtp_url="smtp://127.0.0.1:9"))


def new_case(runtime: Runtime, client: UUID | None = None) -> Fault:
    with runtime.database.begin(db.EVERYBODY) as session:
        made = client or factories.make_client(session).public_id
        contact = ContactFacts("Mia", "", f"mia-{next(_numbers)}@client.example")
        facts = {"serial_number": "unknown", "client_id": made, "contact": contact}
        return factories.make_fault(session, runtime, OPERATOR, now=datetime.now(UTC), **facts).fault


def orders(runtime: Runtime, kind: OrderKind) -> list[Outbox]:
    with runtime.database.read(db.EVERYBODY) as session:
        return list(session.scalars(select(Outbox).where(Outbox.kind == kind).order_by(Outbox.id)))


def look(runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        news.order(session, runtime.settings)


def test_news_is_ordered_once_and_written_by_a_worker_with_an_order_to_send(alone: Runtime) -> None:
    new_case(alone)
    look(alone)
    look(alone)
    (order,) = orders(alone, OrderKind.WRITE_MAILS)

    tasks.perform(alone, order.id)

    with alone.database.read(db.EVERYBODY) as session:
        (mail,) = session.scalars(select(Mail)).all()
    assert [send.id for send in orders(alone, OrderKind.SEND_MAIL)] == [mail.order_id]
    look(alone)
    assert len(orders(alone, OrderKind.WRITE_MAILS)) == 1  # there is no news any more


def test_a_case_whose_mail_cannot_be_written_holds_up_no_other(alone: Runtime) -> None:
    with alone.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session)
        client.name = "x" * 200
        broken = factories.make_site(session, client)
        asset = factories.make_asset(session, client, site=broken)
        broken.time_zone = "No/Where"
        bad = Fault(
            client_id=client.id,
            reference="F-BAD",
            asset_id=asset.id,
            serial_number=asset.serial_number,
            component=Component.DISK,
            cause="wear",
            symptom="",
            reported_at=datetime.now(UTC),
            reporter="system:test",
            state=FaultState.REPORTED,
        )
        session.add(bad)
    good = new_case(alone)
    look(alone)

    tasks.perform(alone, orders(alone, OrderKind.WRITE_MAILS)[0].id)

    with alone.database.read(db.EVERYBODY) as session:
        assert [mail.fault_id for mail in session.scalars(select(Mail))] == [good.id]
        assert session.get_one(Fault, bad.id).told is Told.OPENED


def test_without_a_mail_server_marks_are_wiped_and_nothing_is_ordered(runtime: Runtime) -> None:
    fault = new_case(runtime)
    look(runtime)

    with runtime.database.read(db.EVERYBODY) as session:
        assert news.due(session, now=db.now(session)) == ([], [], [])
        assert session.get_one(Fault, fault.id).told is Told.OPENED
    assert orders(runtime, OrderKind.WRITE_MAILS) == []
