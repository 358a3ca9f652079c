"""Open cases are read until they are closed; what is old, repeated or about somebody else moves nothing."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.desk import INSTANCE, Desk
from vendors.sandbox import Twin
from warranty import db, relay, tasks
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.domain.terms import Component
from warranty.models import Outbox, Rma, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import rmas
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Callable

    from warranty.runtime import Runtime

SLOWEST_S = 20.0  # after this a case is due in whatever state, with the rhythm of the fixture's environment


@pytest.fixture
def opened(desk: Desk) -> Desk:
    """A claim that the vendor has a case for."""
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    return desk


def order_poll(desk: Desk) -> Outbox:
    """Have the next reading ordered, as the relay does; the newest order."""
    desk.let_pass(SLOWEST_S)
    with desk.session() as session:
        relay.order_polls(session)
    return desk.orders(OrderKind.READ_CASES)[-1]


def poll(desk: Desk) -> Outbox:
    """Read the open cases; how the order stands then."""
    order = order_poll(desk)
    tasks.perform(desk.runtime, order.id)
    return desk.orders(OrderKind.READ_CASES)[-1]


def number(desk: Desk) -> str:
    return str(desk.twin.opened[0]["number"])


def test_a_case_is_read_until_its_rma_number_is_there(opened: Desk) -> None:
    assert poll(opened).status is OrderStatus.DONE
    assert (opened.rma().state, opened.rma().rma_number) == (RmaState.UNDER_REVIEW, None)

    opened.twin.move(number(opened), state="under_review")
    poll(opened)
    assert opened.rma().state is RmaState.UNDER_REVIEW

    opened.twin.move(number(opened), state="approved")
    poll(opened)
    assert opened.rma().state is RmaState.AUTHORIZED
    assert opened.rma().rma_number == f"RMA{number(opened).removeprefix('INC')}"


def test_a_word_heard_twice_moves_nothing(opened: Desk) -> None:
    opened.twin.move(number(opened), state="approved")
    poll(opened)
    before = opened.moves("rma")

    poll(opened)

    assert opened.moves("rma") == before


def test_a_case_is_read_after_its_shipment_too_until_it_is_closed(opened: Desk) -> None:
    for state in ("shipped", "delivered"):
        opened.twin.move(number(opened), state=state)
        poll(opened)
    opened.twin.move(number(opened), state="closed")
    poll(opened)

    assert opened.rma().state is RmaState.CLOSED
    assert opened.rma().next_poll_at is None


def test_a_denial_is_heard_with_the_vendors_own_sentence(opened: Desk) -> None:
    opened.twin.move(number(opened), state="denied", close_notes="Opened by a third party.")

    poll(opened)

    assert opened.rma().state is RmaState.DENIED
    assert opened.fault().state is FaultState.AD_HOC_OPEN
    assert opened.jobs()[0].vendor_reason == "Opened by a third party."
    assert opened.open_tasks()[TaskKind.DENIED] == "Opened by a third party."


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        ("lookup_error_rate", OrderStatus.DONE),
        ("garbage", OrderStatus.DONE),
        ("throttle", OrderStatus.PENDING),  # it is only put off, with whatever is due
    ],
)
def test_a_reading_that_fails_is_repeated_at_its_next_turn(opened: Desk, trouble: str, status: OrderStatus) -> None:
    opened.twin.move(number(opened), state="approved")
    opened.twin.behave("servicenow", **{trouble: 1.0})
    order = poll(opened)
    assert order.status is status
    assert order.error
    assert opened.rma().state is RmaState.UNDER_REVIEW
    opened.twin.behave("servicenow", **{trouble: 0.0})

    opened.change_account(failures=0, closed_until=None)
    poll(opened)

    assert opened.rma().state is RmaState.AUTHORIZED


def test_refused_credentials_stop_the_reading_until_the_account_is_mended_and_tell_a_person_once(
    shared_runtime: Runtime,
) -> None:
    with Twin("servicenow", credentials=("us", "them")) as twin:
        desk = Desk(shared_runtime, twin)
        for component in (Component.DISK, Component.PSU):
            desk.report(component=component)
            tasks.perform(shared_runtime, desk.orders(OrderKind.SEND_RMA)[-1].id)
        twin.move(number(desk), state="approved")
        give_password(desk, "wrong")
        for _ in range(3):
            poll(desk)
        assert desk.order(OrderKind.READ_CASES).status is OrderStatus.PARKED
        assert set(desk.open_tasks()) == {TaskKind.UNREAD}
        assert "unauthorised" in desk.open_tasks()[TaskKind.UNREAD]

        give_password(desk, "them")
        with desk.session() as session:
            account = session.get_one(VendorAccount, desk.account_id)
            assert rmas.go_on(session, account, Because("user:1", "mended", db.now(session))) == 1
        assert desk.open_tasks() == {}
        desk.perform(OrderKind.READ_CASES)
        assert desk.order(OrderKind.READ_CASES).status is OrderStatus.DONE
        assert states(desk) == [RmaState.AUTHORIZED, RmaState.UNDER_REVIEW]


def give_password(desk: Desk, password: str) -> None:
    desk.change_account(secrets=desk.runtime.box.seal({"username": "us", "password": password}))


def test_a_refused_form_is_told_to_a_person_once_and_asked_again_until_it_is_taken(opened: Desk) -> None:
    opened.change_account(options=INSTANCE | {"table": "no_such_table"})
    for _ in range(2):
        assert poll(opened).status is OrderStatus.DONE
    assert set(opened.open_tasks()) == {TaskKind.UNREAD}

    opened.change_account(options=INSTANCE)
    poll(opened)

    assert opened.open_tasks() == {}


def states(desk: Desk) -> list[RmaState]:
    """Where the claims stand, oldest first."""
    with desk.session() as session:
        ours = select(Rma.state).where(Rma.client_id == desk.client_key).order_by(Rma.id)
        return list(session.scalars(ours))


def test_a_case_that_the_vendor_has_lost_holds_up_no_other(opened: Desk) -> None:
    opened.report(component=Component.PSU)
    tasks.perform(opened.runtime, opened.orders(OrderKind.SEND_RMA)[1].id)
    with opened.session() as session:
        first, second = session.scalars(select(Rma).where(Rma.client_id == opened.client_key).order_by(Rma.id))
        first.vendor_case_number = "INC0000001"
        theirs = second.vendor_case_number
    opened.twin.move(str(theirs), state="approved")

    poll(opened)

    assert states(opened) == [RmaState.UNDER_REVIEW, RmaState.AUTHORIZED]


def test_an_account_is_read_by_one_order_at_a_time(opened: Desk) -> None:
    order_poll(opened)
    order_poll(opened)

    assert len(opened.orders(OrderKind.READ_CASES)) == 1


def test_what_an_overtaken_reader_heard_is_dropped(opened: Desk) -> None:
    order = order_poll(opened)
    opened.twin.move(number(opened), state="approved")
    opened.twin.behave("servicenow", latency=1.0)
    reader = threading.Thread(target=tasks.perform, args=(opened.runtime, order.id))
    reader.start()
    wait_until(lambda: opened.orders(OrderKind.READ_CASES)[0].lease_until is not None)

    with opened.session() as session:  # it is taken for dead, and another one has claimed the order
        session.get_one(Outbox, order.id).token += 1
    reader.join(20)

    assert opened.rma().state is RmaState.UNDER_REVIEW
    assert opened.orders(OrderKind.READ_CASES)[0].status is OrderStatus.PENDING


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
