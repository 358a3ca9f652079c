"""When the patience for a vendor's answer ends the decision is repeated, once, in one transaction with the end of the order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.desk import Desk
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.domain.terms import Route
from warranty.models import Client, Fault, Rma
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import rmas

if TYPE_CHECKING:
    from warranty.runtime import Runtime


def ask(runtime: Runtime) -> Desk:
    """A fault whose vendor is to be asked, and never answers."""
    desk = Desk(runtime, covered=False, asks=True)
    desk.report()
    return desk


def end_patience(desk: Desk) -> None:
    with desk.session() as session:
        minutes = session.get_one(Client, desk.client_key).policy["lookup_patience_minutes"]
        session.get_one(Fault, desk.fault().id).reported_at -= timedelta(minutes=minutes)
    desk.let_pass(60 * minutes)


def cancel(desk: Desk) -> None:
    """As a person who sees before the worker that it was a mistake."""
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        now = datetime.now(UTC)
        rmas.transition(session, desk.runtime, OPERATOR, rma, RmaState.CANCELLED, reason="a mistake", now=now)


def test_nothing_is_decided_before_the_patience_ends(shared_runtime: Runtime) -> None:
    desk = ask(shared_runtime)

    desk.perform(OrderKind.DECIDE_AGAIN)

    assert desk.order(OrderKind.DECIDE_AGAIN).attempts == 0
    assert desk.fault().state is FaultState.ENTITLEMENT_CHECK


def test_a_vendor_that_never_answered_leaves_the_fault_to_a_person(shared_runtime: Runtime) -> None:
    desk = ask(shared_runtime)
    end_patience(desk)

    for _ in range(2):
        desk.perform(OrderKind.DECIDE_AGAIN)

    assert desk.order(OrderKind.DECIDE_AGAIN).status is OrderStatus.DONE
    assert [verdict.route for verdict in desk.verdicts()] == [Route.LOOKUP, Route.REVIEW]
    assert desk.verdicts()[1].why == "The patience for the vendor's answer has ended."
    assert set(desk.open_tasks()) == {TaskKind.REVIEW}


def test_a_cancelled_claim_is_decided_again(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    cancel(desk)

    desk.perform(OrderKind.DECIDE_AGAIN)

    assert [verdict.route for verdict in desk.verdicts()] == [Route.RMA]  # the same answer is no new verdict
    assert desk.fault().state is FaultState.RMA_OPEN
    assert [coverage.claims_reserved for coverage in desk.coverages()] == [1, 1]
    assert len(desk.orders(OrderKind.SEND_RMA)) == 2
