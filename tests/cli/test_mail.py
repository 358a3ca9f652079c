"""``warranty mail``, as a shell calls it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from tests import factories
from tests.web.conftest import NOBODYS_ID
from warranty import db, tasks
from warranty.cli import main
from warranty.domain.access import OPERATOR
from warranty.models import Mail, Outbox, Person
from warranty.models.mail import Told
from warranty.models.work import OrderStatus
from warranty.services import mail
from warranty.services.faults import ContactFacts
from warranty.services.mail import Letter, Receiver

if TYPE_CHECKING:
    from warranty.runtime import Runtime


@pytest.fixture
def run(environment: dict[str, str], runtime: Runtime) -> Any:
    def command(*words: str) -> Result:
        return CliRunner().invoke(main, words, env=environment)

    return command


@pytest.fixture
def refused(runtime: Runtime) -> Mail:
    """A mail that found no mail server."""
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session, "Acme GmbH")
        facts = {
            "serial_number": "unknown",
            "client_id": client.public_id,
            "contact": ContactFacts("Mia", "", "mia@client.example"),
        }
        fault = factories.make_fault(session, runtime, OPERATOR, now=datetime.now(UTC), **facts).fault
        written = mail.write(
            session,
            runtime.settings,
            about=fault,
            tells=Told.OPENED,
            to=Receiver(session.get_one(Person, fault.contact_id), "en"),
            letter=Letter("News", "text", "html"),
            now=db.now(session),
        )
    tasks.perform(runtime, written.order_id)
    return written


def test_refused_mails_are_listed_with_the_reason_and_without_an_address(run: Any, refused: Mail) -> None:
    answer = run("mail", "list", "--json")

    assert answer.exit_code == 0, answer.output
    (row,) = json.loads(answer.output)
    assert (row["id"], row["client"], row["tells"]) == (str(refused.public_id), "Acme GmbH", "opened")
    assert row["trouble"] == "No mail server is set: SMTP_URL."
    assert "mia@" not in answer.output


def test_a_refused_mail_is_ordered_again_and_then_listed_only_among_all(
    run: Any, refused: Mail, runtime: Runtime
) -> None:
    answer = run("mail", "send-again", str(refused.public_id))

    assert answer.exit_code == 0, answer.output
    with runtime.database.read(db.EVERYBODY) as session:
        assert session.get_one(Outbox, refused.order_id).status is OrderStatus.PENDING
    assert json.loads(run("mail", "list", "--json").output) == []
    assert len(json.loads(run("mail", "list", "--all", "--json").output)) == 1


def test_what_was_not_refused_is_said_in_one_sentence(run: Any, refused: Mail) -> None:
    run("mail", "send-again", str(refused.public_id))

    again = run("mail", "send-again", str(refused.public_id))
    nobodys = run("mail", "send-again", NOBODYS_ID)

    assert (again.exit_code, nobodys.exit_code) == (1, 1)
    assert "was not refused" in again.output
    assert "There is no mail" in nobodys.output
