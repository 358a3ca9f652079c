"""Claims that are due at one vendor are marked together and sent one by one: what that costs, and who goes alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, update

from tests.desk import Desk, odd_adapters
from warranty import tasks
from warranty.models import Outbox
from warranty.models.work import OrderStatus
from warranty.tasks import send_rma

if TYPE_CHECKING:
    from vendors.sandbox import Twin
    from warranty.runtime import Runtime

MOST_STATEMENTS = 20.0
"""A claim, its share of what is done for all included; a transaction's own on SQLite and on PostgreSQL count as one."""


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests may leave as late as a busy machine lets them."""
    monkeypatch.setattr(send_rma, "AT_ONCE_S", 100.0)


def with_claims(runtime: Runtime, twin: Twin, number: int, **facts: Any) -> Desk:
    """So many claims of one account that are due; nobody else's order waits for a worker."""
    desk = Desk(runtime, twin, **facts)
    for bay in range(number):
        desk.report(component_ref=f"bay {bay}")
    return desk


def perform(desk: Desk) -> None:
    """Do the first order that is due, as a worker would."""
    tasks.perform(desk.runtime, next(order.id for order in desk.orders() if order.status is OrderStatus.PENDING))


def sent(desk: Desk) -> int:
    """How many claims the vendor has, each of them once."""
    assert desk.twin is not None
    per_reference = Counter(entry["reference"] for entry in desk.twin.opened)
    assert set(per_reference.values()) <= {1}
    return len(per_reference)


def test_what_is_due_is_marked_in_one_transaction_and_each_answer_is_recorded_in_its_own(
    runtime: Runtime, twin: Twin
) -> None:
    desk = with_claims(runtime, twin, send_rma.TOGETHER + 1)
    first = desk.orders()[0]
    counts: Counter[str] = Counter()
    listeners = {
        "before_cursor_execute": lambda *_: counts.update(["statements"]),
        "commit": lambda _: counts.update(["transactions"]),
    }
    for name, listener in listeners.items():
        event.listen(runtime.database.engine, name, listener)
    tasks.perform(runtime, first.id)
    for name, listener in listeners.items():
        event.remove(runtime.database.engine, name, listener)

    assert sent(desk) == send_rma.TOGETHER
    assert (
        counts["transactions"] == 3 + send_rma.TOGETHER
    )  # the first is claimed, it is read, all are marked; the records
    assert counts["statements"] <= MOST_STATEMENTS * send_rma.TOGETHER


def test_what_was_marked_and_has_not_left_is_due_again_as_if_nothing_had_been(runtime: Runtime, twin: Twin) -> None:
    with odd_adapters():
        desk = with_claims(runtime, twin, 3, vendor="clumsy")
        with pytest.raises(KeyError):
            perform(desk)

    first, *others = desk.orders()
    assert (first.last_send is not None, first.stumbles) == (True, 1)  # it left, so it is searched for
    assert [(order.last_send, order.lease_until, order.stumbles) for order in others] == [(None, None, 0)] * 2
    assert sent(desk) == 1


def test_a_claim_over_which_a_worker_broke_off_goes_alone(runtime: Runtime, twin: Twin) -> None:
    desk = with_claims(runtime, twin, 3)
    with desk.session() as session:
        session.execute(update(Outbox).where(Outbox.id == desk.orders()[0].id).values(stumbles=1))

    perform(desk)
    assert sent(desk) == 1
    with desk.session() as session:
        session.execute(update(Outbox).where(Outbox.id == desk.orders()[2].id).values(stumbles=1))
    perform(desk)
    assert sent(desk) == 2


def test_claims_go_one_by_one_where_nobody_could_tell_which_of_them_left(runtime: Runtime, twin: Twin) -> None:
    with odd_adapters():
        desk = with_claims(runtime, twin, 2, vendor="mute")

        perform(desk)

    assert sent(desk) == 1
    assert [order.last_send is None for order in desk.orders()] == [False, True]


def test_no_more_go_together_than_the_vendor_takes(runtime: Runtime, twin: Twin) -> None:
    desk = with_claims(runtime, twin, 4, options={"quota": "60/hour"})  # of which three may come at once

    perform(desk)

    assert sent(desk) == 3
    assert desk.account().bucket_level < 1
