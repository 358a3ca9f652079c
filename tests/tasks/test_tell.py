"""The whole way of news: from a report over the relay and two workers to a mail that somebody reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from tests import factories
from tests.mail import Mailbox
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.terms import Role
from warranty.models import Outbox
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import news
from warranty.services.faults import ContactFacts

if TYPE_CHECKING:
    from warranty.runtime import Runtime


def perform_all(runtime: Runtime, kind: OrderKind) -> None:
    """Do what waits of a kind."""
    waits = select(Outbox.id).where(Outbox.kind == kind, Outbox.status == OrderStatus.PENDING).order_by(Outbox.id)
    with runtime.database.read(db.EVERYBODY) as session:
        ids = session.scalars(waits).all()
    for id_ in ids:
        tasks.perform(runtime, id_)


def test_a_report_that_needs_a_person_is_told_to_the_client_and_to_the_service_manager(runtime: Runtime) -> None:
    with Mailbox() as box:
        runtime = replace(runtime, settings=replace(runtime.settings, smtp_url=box.url()))
        with runtime.database.begin(db.EVERYBODY) as session:
            client = factories.make_client(session)
            manager = factories.make_user(session, Role.SERVICE_MANAGER)
            facts = {
                "serial_number": "nobody knows it",
                "client_id": client.public_id,
                "contact": ContactFacts("Mia", "", "mia@client.example"),
            }
            fault = factories.make_fault(session, runtime, OPERATOR, now=datetime.now(UTC), **facts).fault
        with runtime.database.begin(db.EVERYBODY) as session:
            news.order(session, runtime.settings)

        perform_all(runtime, OrderKind.WRITE_MAILS)
        perform_all(runtime, OrderKind.SEND_MAIL)

    told = {got.receivers[0]: got for got in box.received}
    assert set(told) == {"mia@client.example", manager.email}
    assert all(f"[{fault.reference}]" in got.message["Subject"] for got in told.values())
    # What is written for the MSP's own people stays with them.
    assert "/cases/" in told[manager.email].part("plain")
    assert "/cases/" not in told["mia@client.example"].part("plain")
