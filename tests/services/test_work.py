"""Work orders: who may have one, for how long, and that nobody else can change it meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests import factories
from tests.desk import let_pass
from warranty import db
from warranty.models import Outbox
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import work

if TYPE_CHECKING:
    from collections.abc import Callable

    from warranty.runtime import Runtime
    from warranty.services.work import Order


def add(runtime: Runtime, **facts: Any) -> int:
    """An order that is due; its id."""
    with runtime.database.begin(db.EVERYBODY) as session:
        order = work.add(session, OrderKind.DECIDE_AGAIN, now=db.now(session), **facts)
        session.flush()
        return order.id


def claim(runtime: Runtime, order_id: int, lease_s: float = 60) -> Order | None:
    with runtime.database.begin(db.EVERYBODY) as session:
        return work.claim(session, order_id, lease_s=lease_s)


def claimed(runtime: Runtime, order_id: int, lease_s: float = 60) -> Order:
    order = claim(runtime, order_id, lease_s)
    assert order is not None
    return order


def change(runtime: Runtime, statement: Callable[..., Any], *args: Any, **facts: Any) -> Any:
    with runtime.database.begin(db.EVERYBODY) as session:
        return statement(session, *args, **facts)


def read(runtime: Runtime, order_id: int) -> Outbox:
    with runtime.database.read(db.EVERYBODY) as session:
        return session.get_one(Outbox, order_id)


def test_an_order_exists_if_and_only_if_its_transaction_commits(shared_runtime: Runtime) -> None:
    def add_and_fail() -> None:
        with shared_runtime.database.begin(db.EVERYBODY) as session:
            work.add(session, OrderKind.DECIDE_AGAIN, now=db.now(session), payload={"of": "a failure"})
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    kept = add(shared_runtime, payload={"of": "a success"})

    with shared_runtime.database.read(db.EVERYBODY) as session:
        found = {order.id: order.payload for order in session.scalars(select(Outbox).where(Outbox.id >= kept))}
    assert found == {kept: {"of": "a success"}}


def test_only_one_of_many_gets_an_order(shared_runtime: Runtime) -> None:
    order_id = add(shared_runtime)
    together = threading.Barrier(6)
    got: list[Order | None] = []

    def take() -> None:
        together.wait()
        got.append(claim(shared_runtime, order_id))

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(got) == 6
    assert [order.token for order in got if order] == [1]


def test_what_is_not_due_done_or_unknown_cannot_be_claimed(shared_runtime: Runtime) -> None:
    later = add(shared_runtime, due_at=datetime.now(UTC) + timedelta(minutes=1))
    done = add(shared_runtime)
    change(shared_runtime, work.end, claimed(shared_runtime, done), OrderStatus.DONE)

    assert claim(shared_runtime, later) is None
    assert claim(shared_runtime, done) is None
    assert claim(shared_runtime, 10**9) is None


def test_a_lease_ends_by_itself_and_the_next_holder_has_the_next_token(shared_runtime: Runtime) -> None:
    order_id = add(shared_runtime)
    first = claimed(shared_runtime, order_id, lease_s=6000)
    let_pass(shared_runtime, 5000)
    assert claim(shared_runtime, order_id) is None
    let_pass(shared_runtime, 1000)

    second = claimed(shared_runtime, order_id)

    assert (first.token, second.token) == (1, 2)
    assert (first.sent_ago_s, second.sent_ago_s) == (None, None)
    assert second.age_s == pytest.approx(6000, abs=500)


def test_whoever_was_overtaken_can_change_nothing(shared_runtime: Runtime) -> None:
    order_id = add(shared_runtime)
    overtaken = claimed(shared_runtime, order_id, lease_s=60)
    let_pass(shared_runtime, 60)
    claimed(shared_runtime, order_id)
    before = read(shared_runtime, order_id)

    for statement, facts in (
        (work.mark_send, {"budget_s": 1}),
        (work.release, {"after_s": 1}),
        (work.come_back, {"after_s": 1, "payload": {}}),
        (work.stumble, {"first_s": 1, "error": "KeyError"}),
        (work.let_go, {"after_s": 1, "error": "DatabaseUnavailable"}),
        (work.is_ours, {}),
        (work.end, {"status": OrderStatus.DONE}),
    ):
        assert change(shared_runtime, statement, overtaken, **facts) is False

    after = read(shared_runtime, order_id)
    for column in Outbox.__table__.columns:
        assert getattr(before, column.name) == getattr(after, column.name), column.name


def test_a_mark_needs_a_lease_that_outlives_the_call(shared_runtime: Runtime) -> None:
    order_id = add(shared_runtime)
    order = claimed(shared_runtime, order_id, lease_s=30)

    assert not change(shared_runtime, work.mark_send, order, budget_s=31)
    assert read(shared_runtime, order_id).last_send is None
    assert change(shared_runtime, work.mark_send, order, budget_s=20)

    let_pass(shared_runtime, 30)
    sent_ago_s = claimed(shared_runtime, order_id).sent_ago_s
    assert sent_ago_s == pytest.approx(30, abs=5)


def test_an_order_that_is_given_back_is_due_later(shared_runtime: Runtime) -> None:
    order_id = add(shared_runtime)

    assert change(shared_runtime, work.release, claimed(shared_runtime, order_id), after_s=100, error="busy")
    assert claim(shared_runtime, order_id) is None
    let_pass(shared_runtime, 100)

    assert claimed(shared_runtime, order_id).failures == 0
    assert read(shared_runtime, order_id).error == "busy"


def test_waits_that_others_impose_do_not_count_as_trying_but_failures_do(shared_runtime: Runtime) -> None:
    order_id = add(shared_runtime)
    change(shared_runtime, work.release, claimed(shared_runtime, order_id), after_s=1000)
    let_pass(shared_runtime, 1000)
    waited = claimed(shared_runtime, order_id)
    assert waited.tried_s == pytest.approx(0, abs=5)

    change(shared_runtime, work.release, waited, after_s=1000, failed=True)
    let_pass(shared_runtime, 1000)
    failed = claimed(shared_runtime, order_id)
    assert (failed.failures, failed.tried_s) == (1, pytest.approx(1000, abs=5))
    assert not failed.is_spent

    change(shared_runtime, work.release, failed, after_s=0, failed=True)
    let_pass(shared_runtime, work.RETRY_BUDGET_S)
    assert claimed(shared_runtime, order_id).is_spent


def test_a_vendors_handle_waits_on_the_order(shared_runtime: Runtime) -> None:
    order_id = add(shared_runtime, payload={"assets": [1]})
    order = claimed(shared_runtime, order_id)

    assert change(shared_runtime, work.come_back, order, after_s=10, payload={**order.payload, "handle": "h-1"})
    let_pass(shared_runtime, 10)

    again = claimed(shared_runtime, order_id)
    assert again.payload == {"assets": [1], "handle": "h-1"}
    assert again.tried_s == pytest.approx(0, abs=5)


def test_parked_orders_of_one_account_are_armed_again_and_those_of_others_are_not(shared_runtime: Runtime) -> None:
    with shared_runtime.database.begin(db.EVERYBODY) as session:
        mended, broken = (factories.make_account(session, shared_runtime).id for _ in range(2))
    ours, theirs = add(shared_runtime, account_id=mended), add(shared_runtime, account_id=broken)
    for order_id in (ours, theirs):
        change(shared_runtime, work.end, claimed(shared_runtime, order_id), OrderStatus.PARKED, error="401")
    let_pass(shared_runtime, 2 * work.RETRY_BUDGET_S)

    assert change(shared_runtime, work.rearm, mended) == 1

    assert claim(shared_runtime, theirs) is None
    again = claimed(shared_runtime, ours)
    assert not again.is_spent
    assert again.age_s > work.RETRY_BUDGET_S  # what was sent then is as old as it is


def test_periodic_work_is_ordered_once(shared_runtime: Runtime) -> None:
    name = f"sweep {datetime.now(UTC).timestamp()}"
    order_id = add(shared_runtime, name=name)
    with pytest.raises(IntegrityError):
        add(shared_runtime, name=name)

    change(shared_runtime, work.end, claimed(shared_runtime, order_id), OrderStatus.DONE)

    assert add(shared_runtime, name=name) > order_id


@given(failures=st.integers(min_value=0, max_value=10_000), first_s=st.floats(min_value=0.001, max_value=60))
def test_the_back_off_never_exceeds_its_cap_nor_doubling(failures: int, first_s: float) -> None:
    assert 0 <= work.back_off_s(failures, first_s) <= min(work.RETRY_CAP_S, first_s * 2.0 ** min(failures, 1000))


def test_retries_of_one_outage_spread_out() -> None:
    assert len({round(work.back_off_s(5, 5.0)) for _ in range(200)}) > 20


def test_due_is_what_the_database_says_and_not_the_caller(shared_runtime: Runtime) -> None:
    with shared_runtime.database.begin(db.EVERYBODY) as session:
        hasty_clock = db.now(session) + timedelta(minutes=5)
        order = work.add(session, OrderKind.DECIDE_AGAIN, now=hasty_clock)
        session.flush()
        order_id = order.id

    assert claim(shared_runtime, order_id) is not None
    with shared_runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(Outbox.created_at).where(Outbox.id == order_id)).one() == hasty_clock
