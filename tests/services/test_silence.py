"""A vendor that says nothing for too long is put before a person once, until it speaks; the look for it costs little."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select

from tests.desk import Desk
from vendors.contract import VendorCase, VendorStatus
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState, ShipmentDirection, ShipmentState
from warranty.domain.terms import Component
from warranty.models import HumanTask, Rma, Shipment, VendorAccount
from warranty.models.work import OrderKind, TaskKind
from warranty.services import hearing, resolutions, silence
from warranty.services.resolutions import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime

MONTH = timedelta(days=31)


@pytest.fixture
def desk(runtime: Runtime) -> Iterator[Desk]:
    """A claim that its vendor has a case for."""
    with Twin("servicenow") as twin:
        made = Desk(runtime, twin)
        made.report()
        made.perform(OrderKind.SEND_RMA)
        yield made


def look(desk: Desk, after: timedelta, **bounds: int) -> int:
    with desk.session() as session:
        return silence.ask(session, now=db.now(session) + after, **bounds)


def change(desk: Desk, **values: object) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        for name, value in values.items():
            setattr(rma, name, value)


def test_a_vendor_is_heard_when_it_takes_a_claim(desk: Desk) -> None:
    assert desk.rma().heard_at is not None


def test_a_vendor_that_is_silent_for_too_long_is_put_before_a_person_once(desk: Desk) -> None:
    assert look(desk, timedelta(days=1)) == 0
    assert look(desk, timedelta(days=6)) == 1
    assert look(desk, MONTH) == 0

    said = desk.open_tasks()[TaskKind.SILENT]
    assert f"has said nothing new of case {desk.rma().vendor_case_number} for 6 days" in said
    assert "Ask them by telephone or portal" in said


def test_the_next_word_settles_it_and_patience_counts_anew(desk: Desk) -> None:
    look(desk, timedelta(days=6))
    with desk.session() as session:
        rma, now = session.get_one(Rma, desk.rma().id), db.now(session) + timedelta(days=6)
        word = VendorCase(rma.vendor_case_number, VendorStatus.UNDER_REVIEW, "2")
        account = session.get_one(VendorAccount, desk.account_id)
        hearing.hear(session, desk.runtime, rma, word, account=account, now=now)
    assert desk.open_tasks() == {}

    assert look(desk, timedelta(days=7)) == 0
    assert look(desk, timedelta(days=12)) == 1


def test_an_answer_without_news_is_silence(desk: Desk) -> None:
    heard_at = desk.rma().heard_at
    desk.let_pass(20)
    with desk.session() as session:
        hearing.order_reading(session, desk.account_id, now=db.now(session))
    desk.perform(OrderKind.READ_CASES)

    assert desk.rma().heard_at == heard_at


def test_what_a_person_answered_is_asked_again_after_another_patience(desk: Desk) -> None:
    look(desk, timedelta(days=6))
    with desk.session() as session:
        task = session.scalars(select(HumanTask)).one()
        asked = {"reason": "They look into it.", "now": task.created_at}
        resolutions.resolve(session, desk.runtime, OPERATOR, task, Action.DECIDE_AGAIN, **asked)
    assert desk.open_tasks() == {}
    assert look(desk, timedelta(days=7)) == 0
    assert look(desk, timedelta(days=12)) == 1


def test_a_claim_that_a_person_has_or_that_nobody_follows_is_left_alone(desk: Desk) -> None:
    for values in ({"state": RmaState.MANUAL_HANDLING}, {"state": RmaState.CLOSED}, {"heard_at": None}):
        change(desk, **values)
        assert look(desk, MONTH) == 0


def test_after_the_delivery_only_the_return_is_waited_for(desk: Desk) -> None:
    change(desk, state=RmaState.AUTHORIZED)
    with desk.session() as session:
        rma = desk.rma()
        facts = {"direction": ShipmentDirection.TO_US, "state": ShipmentState.DELIVERED}
        session.add(Shipment(client_id=rma.client_id, rma_id=rma.id, **facts))

    assert look(desk, timedelta(days=14)) == 0
    assert look(desk, MONTH) == 1


def test_many_silent_claims_cost_as_many_statements_as_one_and_are_bounded_in_a_turn(desk: Desk) -> None:
    for component in (Component.PSU, Component.FAN, Component.CPU):
        desk.report(component=component)
        tasks.perform(desk.runtime, desk.orders(OrderKind.SEND_RMA)[-1].id)

    def counted(after: timedelta) -> tuple[int, int]:
        statements = 0

        def count(*_args: object) -> None:
            nonlocal statements
            statements += 1

        event.listen(desk.runtime.database.engine, "before_cursor_execute", count)
        try:
            found = look(desk, after, limit=3)
        finally:
            event.remove(desk.runtime.database.engine, "before_cursor_execute", count)
        return found, statements

    none, nothing = counted(timedelta(0))
    three, three_cost = counted(MONTH)
    one, one_cost = counted(MONTH)
    assert (none, three, one) == (0, 3, 1)
    assert three_cost == one_cost == nothing + 1
