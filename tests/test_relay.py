"""The relay: what it picks, how often, and who waits for whom; on a real queue server that comes and goes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url, text

from tests import factories
from tests.app import environment_of, migrated
from tests.desk import Desk, let_pass
from vendors.sandbox import Twin
from warranty import config, db, queue, relay, tasks
from warranty.domain.lifecycles import RmaState
from warranty.models import Lease
from warranty.models.work import OrderKind, OrderStatus
from warranty.runtime import Runtime
from warranty.services import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

    from tests.servers import PostgresServer, ValkeyServer
    from warranty.services.work import Order

RELAY_S = 2.0  # of the fixture's environment


@pytest.fixture
def connection(redis_url: str) -> Iterator[Redis]:
    """The queue server, empty."""
    with queue.connect(redis_url) as made:
        made.flushdb()
        yield made
        made.flushdb()


@pytest.fixture
def turn(runtime: Runtime, connection: Redis) -> Callable[[], list[int]]:
    """One look of a relay: the orders that are in the queue afterwards and were not before."""

    def look() -> list[int]:
        before = set(queue.work_queue(connection).job_ids)
        relay.turn(runtime, connection)
        return [order_of(name) for name in queue.work_queue(connection).job_ids if name not in before]

    return look


def order_of(job_id: str) -> int:
    """The order that a job is for."""
    return int(job_id.split("-")[1])


def add_orders(runtime: Runtime, count: int, **facts: object) -> list[int]:
    """Orders that are due, oldest first."""
    with runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        added = [work.add(session, OrderKind.SEND_RMA, now=now, **facts) for _ in range(count)]
        session.flush()
        return [order.id for order in added]


def add_accounts(runtime: Runtime, count: int) -> list[int]:
    with runtime.database.begin(db.EVERYBODY) as session:
        return [factories.make_account(session, runtime).id for _ in range(count)]


def test_what_is_due_goes_into_the_queue_once(runtime: Runtime, turn: Callable[[], list[int]]) -> None:
    due = add_orders(runtime, 3)
    add_orders(runtime, 1, due_at=datetime.now(UTC) + timedelta(hours=1))

    assert turn() == due
    assert turn() == []


def test_an_emptied_queue_is_filled_again_at_once(
    runtime: Runtime, turn: Callable[[], list[int]], connection: Redis
) -> None:
    due = add_orders(runtime, 2)
    assert turn() == due

    connection.flushdb()
    assert turn() == due
    assert turn() == []


def test_an_order_that_the_queue_lost_alone_is_put_there_again_after_the_interval(
    runtime: Runtime, turn: Callable[[], list[int]], connection: Redis
) -> None:
    due = add_orders(runtime, 2)
    assert turn() == due

    queue.work_queue(connection).empty()
    assert turn() == []
    let_pass(runtime, RELAY_S)
    assert turn() == due


def test_an_order_that_waits_in_the_queue_is_not_put_there_twice(
    runtime: Runtime, turn: Callable[[], list[int]], connection: Redis
) -> None:
    add_orders(runtime, 1)
    turn()
    let_pass(runtime, RELAY_S)
    turn()

    assert queue.work_queue(connection).count == 1


def test_an_order_in_a_workers_hands_is_left_there_until_its_lease_ends(
    runtime: Runtime, turn: Callable[[], list[int]], connection: Redis
) -> None:
    (order_id,) = add_orders(runtime, 1)
    turn()
    with runtime.database.begin(db.EVERYBODY) as session:
        assert work.claim(session, order_id, lease_s=60)
    connection.flushdb()

    let_pass(runtime, 30)
    assert turn() == []
    let_pass(runtime, 30)
    assert turn() == [order_id]


def test_one_account_never_holds_every_worker(runtime: Runtime, turn: Callable[[], list[int]]) -> None:
    busy, quiet = add_accounts(runtime, 2)
    of_busy = add_orders(runtime, 3, account_id=busy)
    of_quiet = add_orders(runtime, 1, account_id=quiet)
    of_nobody = add_orders(runtime, 2)

    assert set(turn()) == {of_busy[0], *of_quiet, *of_nobody}
    assert turn() == []  # the account's one is still on its way

    finish(runtime, of_busy[0])
    assert turn() == [of_busy[1]]


def finish(runtime: Runtime, order_id: int) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        order = work.claim(session, order_id, lease_s=60)
        assert order is not None
        assert work.end(session, order, OrderStatus.DONE)


def test_more_workers_take_more_of_one_account(runtime: Runtime) -> None:
    (account,) = add_accounts(runtime, 1)
    due = add_orders(runtime, 5, account_id=account)

    with runtime.database.begin(db.EVERYBODY) as session:
        assert [order for order, _ in work.pick_due(session, relay_s=RELAY_S, per_account=3)] == due[:3]


def test_of_a_backlog_of_thousands_no_more_is_picked_than_may_be_in_flight(runtime: Runtime) -> None:
    (account,) = add_accounts(runtime, 1)
    add_orders(runtime, 2000, account_id=account)

    with runtime.database.begin(db.EVERYBODY) as session:
        assert len(work.pick_due(session, relay_s=RELAY_S, per_account=1)) == 1


def test_two_relays_at_once_enqueue_each_order_once(runtime: Runtime, connection: Redis) -> None:
    due = add_orders(runtime, 40)
    together = threading.Barrier(2)
    picked: list[list[int]] = []

    def pick() -> None:
        together.wait()
        with runtime.database.begin(db.EVERYBODY) as session:
            picked.append([order for order, _ in work.pick_due(session, relay_s=RELAY_S, per_account=1)])

    in_threads(pick, pick)

    assert sorted(picked[0] + picked[1]) == due


def in_threads(*each: Callable[[], None]) -> None:
    """Run at the same time; what one of them raises is lost, so they write down what they did."""
    threads = [threading.Thread(target=one) for one in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_periodic_work_waits_for_no_relay_that_died(runtime: Runtime, connection: Redis) -> None:
    # A rhythm that no slow machine uses up between two looks; whoever comes first when it is over has the turn.
    hourly = replace(runtime, settings=replace(runtime.settings, poll_s=3600.0))
    turns = []
    for gone_s in (0.0, 12.0, 3.0):  # the rhythm is 15 s
        let_pass(hourly, gone_s)
        relay.turn(hourly, connection)
        with runtime.database.read(db.EVERYBODY) as session:
            turns.append(session.get_one(Lease, "periodic").next_run_at)

    assert turns[1] == turns[0] - timedelta(seconds=12)  # too early: it was only moved by what has passed
    assert turns[2] > turns[1]


def test_two_relays_at_once_order_one_reading(runtime: Runtime, connection: Redis) -> None:
    with Twin("servicenow") as twin:
        desk = Desk(runtime, twin)
        desk.report()
        tasks.perform(runtime, desk.order().id)
    relay.turn(runtime, connection)
    let_pass(runtime, 1)
    together = threading.Barrier(2)

    def look() -> None:
        together.wait()
        relay.turn(runtime, connection)

    in_threads(look, look)

    assert len(desk.orders(OrderKind.READ_CASES)) == 1


def test_open_cases_are_read_when_their_time_has_come_and_once(runtime: Runtime, turn: Callable[[], list[int]]) -> None:
    with Twin("servicenow") as twin:
        desk = Desk(runtime, twin)
        desk.report()
        tasks.perform(runtime, desk.order().id)
        turn()
        desk.perform(OrderKind.SWEEP_CASES)  # which the relay's first turn orders
        assert desk.orders(OrderKind.READ_CASES) == []

        let_pass(runtime, 2)
        handed_over = turn()
        read = desk.order(OrderKind.READ_CASES).id
        assert read in handed_over

        let_pass(runtime, 2)  # it is still under way
        turn()
        assert desk.order(OrderKind.READ_CASES).id == read

        twin.move(twin.opened[0]["number"], state="approved")
        tasks.perform(runtime, read)
        assert desk.rma().state is RmaState.AUTHORIZED


@contextmanager
def running(runtime: Runtime, wake_s: float = relay.WAKE_S) -> Iterator[None]:
    """A relay in a thread; ended by an order that wakes it."""
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(runtime,), kwargs={"stopped": stop.is_set, "wake_s": wake_s})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        add_orders(runtime, 1)
        thread.join(20)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], object], within_s: float = 30.0) -> None:
    """Wait until something is so."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < within_s, "it never came"
        time.sleep(0.005)


def test_a_new_order_wakes_a_relay_that_would_not_look_for_an_hour(runtime: Runtime, connection: Redis) -> None:
    work_queue = queue.work_queue(connection)
    with running(runtime, wake_s=3600.0):
        for count in (1, 2, 3):
            add_orders(runtime, 1)
            wait_for(lambda count=count: work_queue.count == count)

    assert work_queue.count >= 3


# --- being woken: PostgreSQL says so whenever an order can go that could not go before, and only then ---


@pytest.fixture
def notices(runtime: Runtime) -> Iterator[Callable[[], int]]:
    """How many notices came since they were last counted."""
    url = make_url(runtime.settings.database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as listener:
        listener.execute("LISTEN outbox")
        yield lambda: len(list(listener.notifies(timeout=0.2)))


def hold(runtime: Runtime, order_id: int) -> Order:
    with runtime.database.begin(db.EVERYBODY) as session:
        order = work.claim(session, order_id, lease_s=60)
        assert order is not None
        return order


only_postgresql = pytest.mark.parametrize("runtime", ["postgresql"], indirect=True)


@only_postgresql
def test_an_order_wakes_the_relay_and_its_way_through_a_worker_does_not(
    runtime: Runtime, turn: Callable[[], list[int]], notices: Callable[[], int]
) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        account = factories.make_account(session, runtime, duties=["track"]).id  # the relay orders nothing for it
    (order_id,) = add_orders(runtime, 1, account_id=account)
    assert notices() == 1

    turn()
    order = hold(runtime, order_id)
    with runtime.database.begin(db.EVERYBODY) as session:
        assert work.mark_send(session, order, budget_s=1)
    with runtime.database.begin(db.EVERYBODY) as session:
        assert work.release(session, order, after_s=5)
    let_pass(runtime, 5)
    finish(runtime, order_id)
    assert notices() == 0


@only_postgresql
def test_an_order_that_is_armed_again_wakes_the_relay(runtime: Runtime, notices: Callable[[], int]) -> None:
    (account,) = add_accounts(runtime, 1)
    (order_id,) = add_orders(runtime, 1, account_id=account)
    with runtime.database.begin(db.EVERYBODY) as session:
        assert work.end(session, hold(runtime, order_id), OrderStatus.PARKED)
    assert notices() == 1  # of the new order

    with runtime.database.begin(db.EVERYBODY) as session:
        assert work.rearm(session, account) == 1

    assert notices() == 1


@only_postgresql
@pytest.mark.parametrize("is_done", [True, False])
def test_a_slot_that_is_freed_wakes_the_relay_for_the_next_order_of_its_account(
    runtime: Runtime, turn: Callable[[], list[int]], notices: Callable[[], int], *, is_done: bool
) -> None:
    (account,) = add_accounts(runtime, 1)
    first, second = add_orders(runtime, 2, account_id=account)
    assert turn() == [first]  # one at a time: nobody works
    order = hold(runtime, first)
    notices()

    with runtime.database.begin(db.EVERYBODY) as session:
        assert work.end(session, order, OrderStatus.DONE) if is_done else work.release(session, order, after_s=5)

    assert notices() == 1
    assert turn() == [second]


def test_a_relay_waits_for_a_queue_server_and_reports_are_taken_meanwhile(
    own_redis: ValkeyServer, environment: dict[str, str]
) -> None:
    ours = Runtime.of(config.load(environment | {"REDIS_URL": own_redis.url}))
    with Twin("servicenow") as twin:
        desk = Desk(ours, twin)
        with running(ours):
            own_redis.stop()
            desk.report()
            time.sleep(0.5)
            order = desk.order(OrderKind.SEND_RMA)
            assert (order.status, order.enqueued_at) == (OrderStatus.PENDING, None)  # it stays due

            own_redis.start()
            with queue.connect(own_redis.url) as connection:
                wait_for(lambda: queue.work_queue(connection).job_ids)
        tasks.perform(ours, order.id)
        assert len(twin.opened) == 1
    ours.database.dispose()


@only_postgresql
def test_a_process_that_stands_still_in_a_transaction_holds_up_the_others_for_seconds_only(runtime: Runtime) -> None:
    with runtime.database.read(db.EVERYBODY) as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10s"


def test_a_crashed_database_is_waited_for(
    durable_postgres: PostgresServer, tmp_path: Path, redis_url: str, connection: Redis
) -> None:
    url = migrated(durable_postgres.databases)
    ours = Runtime.of(config.load(environment_of(url, tmp_path, redis_url)))
    work_queue = queue.work_queue(connection)
    with running(ours):
        durable_postgres.crash()
        time.sleep(0.3)
        durable_postgres.start()
        wait_for(lambda: add_orders(ours, 1))
        wait_for(lambda: work_queue.count == 1)
    ours.database.dispose()
