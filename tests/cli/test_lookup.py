"""Asking vendors what covers units, by hand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests import factories
from tests.cli.conftest import Shell
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.models import Outbox
from warranty.models.work import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime

SERIALS = ("AAA111", "BBB222", "CCC333")


@pytest.fixture
def twin(runtime: Runtime) -> Iterator[Twin]:
    """A vendor that knows three units of Acme's."""
    with Twin("dell") as twin:
        twin.register({key: {"entitlements": []} for key in SERIALS})
        with runtime.database.begin(db.EVERYBODY) as session:
            client = factories.make_client(session, "Town Hall")
            product = factories.make_product(session)
            for serial in SERIALS:
                factories.make_asset(session, client, serial, product=product)
            key = {"client_id": "us", "client_secret": "them"}
            factories.make_account(session, runtime, "dell", "Asker", base_url=twin.url, secrets=key, duties=["lookup"])
        yield twin


def work_off(runtime: Runtime) -> None:
    """Do what is ordered, as a worker does."""
    with runtime.database.read(db.EVERYBODY) as session:
        orders = session.scalars(select(Outbox.id).where(Outbox.status == OrderStatus.PENDING)).all()
    for order_id in orders:
        tasks.perform(runtime, order_id)


def test_named_units_are_ordered_at_once_and_asked_about_once(warranty: Shell, runtime: Runtime, twin: Twin) -> None:
    first = warranty.gives("lookup", "aaa111", "AAA111", "BBB222")
    again = warranty.gives("lookup", *SERIALS, "--client", "Town Hall")

    assert (first["state"], first["units"], first["waiting"]) == ("waiting", 2, 2)
    assert (again["units"], again["already_ordered"]) == (3, 2)
    assert twin.calls == []

    work_off(runtime)
    tags = [call["query"].partition("=")[2].split(",") for call in twin.calls if call["method"] == "GET"]
    assert sorted(tag for some in tags for tag in some) == sorted(SERIALS)
    assert "3 of Asker" in warranty.says("lookup", "--all", "--stale-days", 0)


@pytest.mark.usefixtures("twin")
def test_a_unit_that_nobody_can_be_asked_about_is_named_and_the_others_are_ordered(warranty: Shell) -> None:
    done = warranty("lookup", "AAA111", "nowhere")

    assert done.exit_code == 1
    assert done.stderr == "nowhere: No unit has this serial number.\n"
    assert "1 of Asker" in done.stdout

    warranty.says("vendor", "switch-off", "Asker", "--reason", "Unpaid.")
    assert "The account Asker is switched off" in warranty("lookup", "BBB222").stderr


def test_who_waits_hears_what_became_of_it(warranty: Shell, runtime: Runtime, twin: Twin) -> None:
    worker = threading.Thread(target=_work_off_when_ordered, args=(runtime,))
    worker.start()
    done = warranty("lookup", "--all", "--wait")
    worker.join()

    assert (done.exit_code, "Answered: 3. Failed: 0." in done.stdout) == (0, True)
    assert sum(call["method"] == "GET" for call in twin.calls) == 1
    assert "No unit is to be asked about." in warranty.says("lookup", "--all", "--wait")


def _work_off_when_ordered(runtime: Runtime) -> None:
    for _ in range(600):
        with runtime.database.read(db.EVERYBODY) as session:
            if session.scalars(select(Outbox.id)).first() is not None:
                return work_off(runtime)
        threading.Event().wait(0.05)
    raise AssertionError("Nothing was ordered.")


@pytest.mark.parametrize("words", [(), ("--all", "X"), ("X", "--stale-days", "3"), ("--all", "--stale-days", "-1")])
def test_words_that_say_nothing_clear_are_refused(warranty: Shell, words: tuple[str, ...]) -> None:
    assert "Usage" in warranty.refuses("lookup", *words, status=2)
