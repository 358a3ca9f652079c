"""What an operator watches costs the same however much is done, and a lease that was taken over is never forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event, text, update

from tests.app import owner_of
from tests.desk import let_pass
from warranty import db
from warranty.models import Outbox
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import signals, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

DONE = 20_000


def read(runtime: Runtime) -> signals.Signals:
    with runtime.database.read(db.EVERYBODY) as session:
        return signals.read(session, runtime.settings)


def add_order(runtime: Runtime, status: OrderStatus = OrderStatus.PENDING) -> int:
    with runtime.database.begin(db.EVERYBODY) as session:
        order = work.add(session, OrderKind.PULL, now=db.now(session))
        order.status = status
        session.flush()
        return order.id


def claim(runtime: Runtime, order_id: int) -> work.Order:
    with runtime.database.begin(db.EVERYBODY) as session:
        order = work.claim(session, order_id, lease_s=60)
    assert order is not None
    return order


def test_each_lease_that_another_took_over_is_counted_whatever_becomes_of_the_order(runtime: Runtime) -> None:
    order_id = add_order(runtime)
    for expected in (0, 1, 2):
        order = claim(runtime, order_id)
        assert read(runtime).steals == expected
        let_pass(runtime, 61)
    with runtime.database.begin(db.EVERYBODY) as session:
        assert work.release(session, order, after_s=0.0)
    assert claim(runtime, order_id).stumbles == 0

    found = read(runtime)
    assert (found.steals, found.stolen_lately) == (2, 1)


def test_an_order_that_was_given_back_was_not_taken_over(runtime: Runtime) -> None:
    order_id = add_order(runtime)
    for _ in range(2):
        order = claim(runtime, order_id)
        with runtime.database.begin(db.EVERYBODY) as session:
            assert work.release(session, order, after_s=0.0)

    assert read(runtime).steals == 0


def test_what_was_given_up_long_ago_and_is_nobodys_task_is_not_brought_up_again(runtime: Runtime) -> None:
    add_order(runtime, OrderStatus.DEAD)
    assert read(runtime).given_up == 1

    let_pass(runtime, signals.RECENT.total_seconds())

    found = read(runtime)
    assert (found.given_up, found.orders[OrderStatus.DEAD, OrderKind.PULL]) == (0, 1)


def test_no_statement_goes_over_the_orders_that_are_done(new_runtime: Runtime) -> None:
    with new_runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        row = {"kind": OrderKind.PULL, "status": OrderStatus.DONE, "next_at": now, "created_at": now, "payload": {}}
        db.write(session, Outbox, *(dict(row) for _ in range(DONE)))
    for status in (OrderStatus.PENDING, OrderStatus.PARKED, OrderStatus.DEAD):
        add_order(new_runtime, status)
    with new_runtime.database.begin(db.EVERYBODY) as session:
        session.execute(update(Outbox).where(Outbox.status == OrderStatus.DEAD).values(steals=1))
    with owner_of(new_runtime.database).begin() as connection:
        connection.execute(text("ANALYZE"))

    with new_runtime.database.read(db.EVERYBODY) as session:
        plans = [plan for plan in plans_of(session, new_runtime) if "outbox" in plan]

    assert len(plans) == 4
    for plan in plans:
        assert "Seq Scan on outbox" not in plan, plan
        assert "SCAN outbox\n" not in f"{plan}\n", plan
        assert any(name in plan for name in ("ix_outbox_", "uq_outbox_name")), plan


def plans_of(session: Session, runtime: Runtime) -> Iterator[str]:
    """How the database goes about each statement of a look."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        said.append((statement, parameters))

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    try:
        signals.read(session, runtime.settings)
    finally:
        event.remove(runtime.database.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if runtime.database.is_sqlite else "EXPLAIN"
    for statement, parameters in said:
        rows = session.connection().exec_driver_sql(f"{explain} {statement}", parameters).all()
        yield "\n".join(str(row[-1]) for row in rows)
