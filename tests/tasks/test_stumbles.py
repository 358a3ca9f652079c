"""What nobody foresaw is tried a few times with growing pauses and then put before a person; nothing is sent twice for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from tests.desk import Desk, odd_adapters
from warranty import db, relay, tasks
from warranty.db import DatabaseUnavailable
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.domain.terms import Component
from warranty.models import Outbox, Rma
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendors.sandbox import Twin
    from warranty.runtime import Runtime

SETTLE_S = 3.0  # of the fixture's environment
LEASE_S = 6.0


@pytest.fixture(autouse=True)
def _odd() -> Iterator[None]:
    """`broken` cannot be built, `clumsy` stumbles over answers."""
    with odd_adapters():
        yield


def stumble(desk: Desk, kind: OrderKind, error: type[Exception]) -> None:
    with pytest.raises(error):
        desk.perform(kind)


def stumble_to_the_end(desk: Desk, kind: OrderKind, error: type[Exception]) -> Outbox:
    """Try it as often as it is tried at all; the order as it then is."""
    for _ in range(work.MAX_STUMBLES):
        assert desk.order(kind).status is OrderStatus.PENDING
        stumble(desk, kind, error)
        desk.let_pass(work.RETRY_CAP_S)
    return desk.order(kind)


def vanish(desk: Desk, kind: OrderKind) -> None:
    """As a worker that is killed over the order: nothing is heard of it until its lease ends."""
    with desk.session() as session:
        assert work.claim(session, desk.order(kind).id, lease_s=LEASE_S)
    desk.let_pass(LEASE_S)


# --- counting ---


def test_a_worker_that_breaks_off_says_where_and_gives_the_order_back_for_later(desk: Desk) -> None:
    desk.report()
    desk.change_account(vendor="broken")

    stumble(desk, OrderKind.SEND_RMA, ValueError)

    order = desk.order()
    assert (order.status, order.stumbles, order.lease_until, order.enqueued_at) == (OrderStatus.PENDING, 1, None, None)
    assert order.error
    assert order.error.startswith("ValueError in vendors.adapters.broken, line ")
    assert "soon" not in order.error  # what an exception says may be a secret
    assert desk.open_tasks() == {}


def test_one_outcome_that_can_be_written_down_forgets_the_stumbles_before_it(desk: Desk) -> None:
    desk.report()
    for _ in range(work.MAX_STUMBLES - 1):
        vanish(desk, OrderKind.SEND_RMA)
    desk.twin.behave("servicenow", next_opens=["drop_before"])
    desk.perform()
    assert (desk.order().status, desk.order().stumbles) == (OrderStatus.PENDING, 0)

    desk.let_pass(SETTLE_S)
    desk.perform()
    assert desk.rma().state is RmaState.UNDER_REVIEW


def test_a_few_workers_that_vanish_cost_nothing_but_time(desk: Desk) -> None:
    desk.report()
    for _ in range(work.MAX_STUMBLES - 1):
        vanish(desk, OrderKind.SEND_RMA)
    assert desk.order().stumbles == work.MAX_STUMBLES - 2  # the first had nobody before it

    desk.perform()

    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert len(desk.twin.opened) == 1
    assert desk.open_tasks() == {}


def test_a_database_that_goes_away_counts_against_no_order(desk: Desk) -> None:
    desk.report()
    for _ in range(work.MAX_STUMBLES + 1):
        with database_gone_for(desk.runtime, "FROM rma"):
            stumble(desk, OrderKind.SEND_RMA, DatabaseUnavailable)
        desk.let_pass(LEASE_S)
    assert desk.order().stumbles == 0

    desk.perform()
    assert desk.rma().state is RmaState.UNDER_REVIEW


@contextmanager
def database_gone_for(runtime: Runtime, words: str) -> Iterator[None]:
    """Let statements with these words fail as if nobody answered."""

    def refuse(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if words in " ".join(statement.split()):
            raise DatabaseUnavailable("nobody answers")

    event.listen(runtime.database.engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(runtime.database.engine, "before_cursor_execute", refuse)


# --- a claim ---


def test_a_claim_over_which_every_worker_breaks_off_is_opened_by_hand(desk: Desk) -> None:
    desk.report()
    desk.change_account(vendor="broken")

    order = stumble_to_the_end(desk, OrderKind.SEND_RMA, ValueError)

    assert order.status is OrderStatus.DEAD
    assert desk.rma().state is RmaState.MANUAL_HANDLING
    (said,) = desk.open_tasks().values()
    assert "ValueError" in said
    assert "never sent: open it there" in said
    assert desk.twin.opened == []


def test_a_claim_that_kills_every_worker_is_opened_by_hand(desk: Desk) -> None:
    desk.report()
    for _ in range(work.MAX_STUMBLES):
        vanish(desk, OrderKind.SEND_RMA)
    with desk.session() as session:
        session.get_one(Outbox, desk.order().id).last_send = db.now(session)

    desk.perform()

    assert desk.order().status is OrderStatus.DEAD
    assert desk.rma().state is RmaState.MANUAL_HANDLING
    assert f"look for {desk.rma().client_reference} there" in desk.open_tasks()[TaskKind.MANUAL_HANDLING]
    assert desk.calls() == []


def test_a_claim_that_a_person_took_over_stays_with_that_person(desk: Desk) -> None:
    desk.report()
    for _ in range(work.MAX_STUMBLES):
        vanish(desk, OrderKind.SEND_RMA)
    with desk.session() as session:
        because = Because("user:1", "they told me", db.now(session))
        rma = session.get_one(Rma, desk.rma().id)
        rmas.moves.walk(session, rma, [RmaState.MANUAL_HANDLING, RmaState.UNDER_REVIEW], because)

    desk.perform()

    assert desk.order().status is OrderStatus.DEAD
    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert desk.open_tasks() == {}


def test_an_adapter_that_breaks_off_after_the_vendor_took_the_claim_is_followed_by_a_search(
    shared_runtime: Runtime, twin: Twin
) -> None:
    with odd_adapters():
        desk = Desk(shared_runtime, twin, vendor="clumsy")
        desk.report()

        stumble(desk, OrderKind.SEND_RMA, KeyError)
        assert desk.rma().state is RmaState.OUTCOME_UNKNOWN
        assert set(desk.open_tasks()) == {TaskKind.OUTCOME_UNKNOWN}

        desk.let_pass(SETTLE_S + work.RETRY_CAP_S)
        desk.perform()
        assert desk.rma().state is RmaState.UNDER_REVIEW
        assert [entry["reference"] for entry in twin.opened] == [desk.rma().client_reference]
        assert desk.open_tasks() == {}


# --- a decision, a look-up, a reading ---


def test_a_decision_that_cannot_be_repeated_is_a_persons(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False, asks=True)
    desk.report()
    with desk.session() as session:
        session.get_one(type(desk.fault()), desk.fault().id).reading = {
            "metric": "latency"
        }  # of an older version of ours
    desk.let_pass(3 * 86_400)

    order = stumble_to_the_end(desk, OrderKind.DECIDE_AGAIN, KeyError)

    assert order.status is OrderStatus.DEAD
    assert desk.fault().state is FaultState.NEEDS_REVIEW
    assert "KeyError" in desk.open_tasks()[TaskKind.REVIEW]


def test_a_look_up_that_nobody_survives_leaves_the_fault_to_a_person(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False, asks=True)
    desk.report()
    for _ in range(work.MAX_STUMBLES):
        vanish(desk, OrderKind.LOOK_UP)

    desk.perform(OrderKind.LOOK_UP)

    assert desk.order(OrderKind.LOOK_UP).status is OrderStatus.DEAD
    assert desk.fault().state is FaultState.NEEDS_REVIEW
    assert "without a word" in desk.open_tasks()[TaskKind.REVIEW]


def test_cases_that_nobody_can_read_are_told_to_a_person_once_and_come_round_again(desk: Desk) -> None:
    desk.report()
    desk.perform()
    desk.change_account(vendor="broken")
    for _ in range(2):
        order_poll(desk)
        order = desk.orders(OrderKind.READ_CASES)[-1]
        for _ in range(work.MAX_STUMBLES):
            with pytest.raises(ValueError, match="soon"):
                tasks.perform(desk.runtime, order.id)
            desk.let_pass(work.RETRY_CAP_S)
        assert desk.orders(OrderKind.READ_CASES)[-1].status is OrderStatus.DEAD
    assert set(desk.open_tasks()) == {TaskKind.UNREAD}

    desk.change_account(vendor="servicenow")
    order_poll(desk)
    tasks.perform(desk.runtime, desk.orders(OrderKind.READ_CASES)[-1].id)
    assert desk.open_tasks() == {}


def order_poll(desk: Desk) -> None:
    desk.let_pass(2)
    with desk.session() as session:
        relay.order_polls(session)


def test_what_is_for_no_case_ends_dead_where_the_metrics_show_it(desk: Desk) -> None:
    with desk.session() as session:
        work.add(session, OrderKind.PULL, now=db.now(session), account_id=desk.account_id)
    desk.change_account(vendor="broken")

    order = stumble_to_the_end(desk, OrderKind.PULL, ValueError)

    assert order.status is OrderStatus.DEAD
    assert desk.open_tasks() == {}


def test_one_case_that_cannot_be_taken_in_holds_up_no_other(shared_runtime: Runtime, twin: Twin) -> None:
    desk = Desk(shared_runtime, twin)
    for component in (Component.DISK, Component.PSU):
        desk.report(component=component)
        tasks.perform(desk.runtime, desk.orders(OrderKind.SEND_RMA)[-1].id)
    for entry in twin.opened:
        twin.move(entry["number"], state="approved")
    order_poll(desk)

    with odd_adapters():
        desk.change_account(vendor="clumsy")
        stumble(desk, OrderKind.READ_CASES, ValueError)

    with desk.session() as session:
        states = session.scalars(select(Rma.state).where(Rma.client_id == desk.client_key).order_by(Rma.id)).all()
    assert states == [RmaState.UNDER_REVIEW, RmaState.AUTHORIZED]
    assert desk.order(OrderKind.READ_CASES).status is OrderStatus.PENDING
