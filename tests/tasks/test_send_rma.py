"""One claim is opened at its vendor once: whatever the vendor does, however often, late or half the task runs."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.desk import INSTANCE, Desk, odd_adapters
from vendors.contract import RmaRequest, VendorCase, VendorStatus
from vendors.errors import Trouble, VendorError
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.domain.terms import Component
from warranty.models import Outbox, Rma, VendorAccount
from warranty.models.work import OrderStatus, TaskKind
from warranty.runtime import Runtime
from warranty.services import accounts, rmas, work
from warranty.services.moves import Because, IllegalMove
from warranty.services.work import AskPerson, Wait
from warranty.tasks import send_rma

SETTLE_S = 3.0  # of the fixture's environment
LEASE_S = 6.0


def references(twin: Twin) -> list[str]:
    """What the vendor's ledger holds, in order."""
    return [entry["reference"] for entry in twin.opened]


def test_a_claim_reaches_the_vendor_with_our_reference_and_comes_back_with_its_number(desk: Desk) -> None:
    desk.report()

    desk.perform()

    rma, order = desk.rma(), desk.order()
    assert references(desk.twin) == [rma.client_reference]
    assert rma.state is RmaState.UNDER_REVIEW
    assert rma.vendor_case_number == desk.twin.opened[0]["number"]
    assert rma.next_poll_at is not None
    assert (order.status, order.lease_until, order.attempts) == (OrderStatus.DONE, None, 1)
    assert [(call.method, call.status, call.rma_id) for call in desk.calls()] == [("POST", 201, rma.id)]
    assert desk.open_tasks() == {}
    assert [seen.client_reference for seen in desk.sightings()] == [rma.client_reference]


def test_an_order_delivered_twice_is_sent_once(desk: Desk) -> None:
    desk.report()

    desk.perform()
    desk.perform()

    assert len(desk.twin.opened) == 1
    assert desk.order().attempts == 1


def test_a_worker_goes_on_with_what_else_is_due_for_the_account(runtime: Runtime, twin: Twin) -> None:
    desk = Desk(runtime, twin)  # alone: nobody else's order waits for a worker
    for component in (Component.DISK, Component.PSU, Component.FAN):
        desk.report(component=component)
    first = desk.orders()[0]

    tasks.work_off(with_time(desk.runtime), first.id)

    assert len(set(references(desk.twin))) == len(desk.twin.opened) == 3
    assert [order.status for order in desk.orders()] == [OrderStatus.DONE] * 3


def test_a_worker_leaves_the_rest_of_an_account_to_the_relay_where_others_wait(runtime: Runtime, twin: Twin) -> None:
    desk, other = Desk(runtime, twin), Desk(runtime, twin)
    for component in (Component.DISK, Component.PSU):
        desk.report(component=component)
    other.report()
    with desk.session() as session:
        waiting = session.get_one(Outbox, other.order().id)
        waiting.enqueued_at = db.now(session) - timedelta(seconds=work.CROWDED_S + 1)

    tasks.work_off(with_time(desk.runtime), desk.orders()[0].id)

    assert len(desk.twin.opened) == 1


def with_time(runtime: Runtime) -> Runtime:
    """The same, with as much time for a job as nothing here takes."""
    return replace(runtime, settings=replace(runtime.settings, lease_s=1000.0))


def test_an_order_that_names_nothing_is_let_go(desk: Desk) -> None:
    tasks.perform(desk.runtime, 4711)

    assert desk.twin.opened == []


def test_a_claim_that_a_person_took_over_meanwhile_is_not_sent(desk: Desk) -> None:
    desk.report()
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        person = Because("user:1", "I called them", db.now(session))
        rmas.moves.move(session, rma, RmaState.MANUAL_HANDLING, person)

    desk.perform()

    assert desk.twin.opened == []
    assert desk.order().status is OrderStatus.DONE


def test_a_claim_that_was_marked_and_perhaps_not_sent_is_searched_for_until_absence_is_certain(desk: Desk) -> None:
    desk.report()
    mark_and_die(desk)

    desk.perform()  # the dead worker's lease holds still
    assert desk.calls() == []

    desk.let_pass(LEASE_S)
    with desk.session() as session:  # the mark is younger than the settle time
        session.get_one(Outbox, desk.order().id).last_send = db.now(session)
    desk.perform()
    assert desk.rma().state is RmaState.OUTCOME_UNKNOWN
    assert set(desk.open_tasks()) == {TaskKind.OUTCOME_UNKNOWN}
    assert desk.twin.opened == []

    desk.let_pass(SETTLE_S)
    desk.perform()
    assert len(desk.twin.opened) == 1
    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert desk.open_tasks() == {}


def test_a_person_who_takes_over_between_claim_and_send_is_not_overruled(desk: Desk) -> None:
    desk.report()
    with desk.session() as session:
        order = work.claim(session, desk.order().id, lease_s=LEASE_S)
        assert order is not None
    claim = claim_of(desk, order)
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        rmas.transition(
            session, desk.runtime, OPERATOR, rma, RmaState.CANCELLED, reason="a mistake", now=datetime.now(UTC)
        )

    send(desk, claim)

    assert desk.twin.opened == []
    assert desk.orders()[0].last_send is None


def claim_of(desk: Desk, order: work.Order) -> send_rma.Claim:
    """A claimed order, and what its vendor is told."""
    with desk.session() as session:
        return send_rma.Claim(order, rmas.request_of(session, session.get_one(Rma, order.rma_id)))


def send(desk: Desk, claim: send_rma.Claim) -> None:
    """As the task does, once it has read what the claim is."""
    line = accounts.Line(desk.runtime, desk.account())
    send_rma.Sender(desk.runtime, line, line.open()).send(claim)


def mark_and_die(desk: Desk) -> None:
    """As a worker that is killed between the mark and the first byte."""
    with desk.session() as session:
        order = work.claim(session, desk.order().id, lease_s=LEASE_S)
        assert order is not None
        assert work.mark_send(session, order, budget_s=1)


@pytest.mark.parametrize("after", ["drop_after_accept", "error_after_accept", "garbage"])
def test_a_claim_that_the_vendor_took_without_saying_so_is_found_and_not_sent_again(desk: Desk, after: str) -> None:
    desk.twin.behave("servicenow", next_opens=[after])
    desk.report()

    desk.perform()
    assert desk.rma().state is RmaState.OUTCOME_UNKNOWN
    assert set(desk.open_tasks()) == {TaskKind.OUTCOME_UNKNOWN}

    desk.perform()  # not due before the settle time has passed
    assert desk.order().attempts == 1

    desk.let_pass(SETTLE_S)
    desk.perform()
    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert desk.rma().vendor_case_number == desk.twin.opened[0]["number"]
    assert len(desk.twin.opened) == 1
    assert desk.open_tasks() == {}


@pytest.mark.parametrize("before", ["error_before", "drop_before", "throttle"])
def test_a_claim_that_never_arrived_is_sent_again_after_a_clean_search(desk: Desk, before: str) -> None:
    desk.twin.behave("servicenow", next_opens=[before])
    desk.report()

    desk.perform()
    assert desk.rma().state is RmaState.OUTCOME_UNKNOWN

    desk.let_pass(SETTLE_S)
    desk.perform()
    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert references(desk.twin) == [desk.rma().client_reference]


def test_a_vendor_that_is_slower_than_our_patience_gets_the_claim_once(desk: Desk) -> None:
    desk.twin.behave("servicenow", next_opens=["slow_then_accept"], slow_s=2.5)  # we hang up after 2 s
    desk.report()

    desk.perform()
    assert (desk.rma().state, desk.twin.opened) == (RmaState.OUTCOME_UNKNOWN, [])
    desk.let_pass(SETTLE_S - 0.5)  # and it accepts in the half second that is left
    deadline = time.monotonic() + 10
    while not desk.twin.opened and time.monotonic() < deadline:
        time.sleep(0.02)
    desk.let_pass(0.5)
    desk.perform()

    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert len(desk.twin.opened) == 1


def test_a_search_that_fails_never_means_that_the_claim_is_absent(desk: Desk) -> None:
    desk.report()
    mark_and_die(desk)
    desk.let_pass(LEASE_S + SETTLE_S)
    for trouble in ("lookup_error_rate", "garbage", "throttle"):
        desk.twin.behave("servicenow", **{trouble: 1.0})
        desk.perform()
        assert desk.order().error
        assert desk.order().status is OrderStatus.PENDING
        assert desk.twin.opened == []
        desk.twin.behave("servicenow", **{trouble: 0.0})
        desk.let_pass(400)

    desk.perform()
    assert len(desk.twin.opened) == 1


def test_two_cases_of_one_reference_are_shown_to_a_person(desk: Desk) -> None:
    desk.report()
    line = accounts.Line(desk.runtime, desk.account())
    with desk.session() as session:
        request = rmas.request_of(session, desk.rma())
    for _ in range(2):
        line.open().open_case(request)
    mark_and_die(desk)
    desk.let_pass(LEASE_S + SETTLE_S)

    desk.perform()

    first, second = desk.twin.opened
    assert desk.rma().vendor_case_number == first["number"]
    assert second["number"] in desk.open_tasks()[TaskKind.ATTENTION]
    assert len(desk.sightings()) == 2


def test_a_form_that_the_vendor_refuses_waits_for_a_person_and_goes_on_when_the_account_is_mended(
    shared_runtime: Runtime, twin: Twin
) -> None:
    desk = Desk(shared_runtime, twin, options={"table": "no_such_table"})
    desk.report()

    desk.perform()
    assert desk.rma().state is RmaState.SUBMIT_FAILED
    assert desk.order().status is OrderStatus.PARKED
    assert set(desk.open_tasks()) == {TaskKind.SUBMIT_FAILED}

    mend(desk, options=INSTANCE)
    desk.perform()
    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert len(twin.opened) == 1
    assert desk.open_tasks() == {}


def test_an_account_that_was_mended_after_days_is_tried_as_long_as_a_new_one(desk: Desk) -> None:
    desk.change_account(options={"table": "no_such_table"})
    desk.report()
    desk.perform()
    desk.let_pass(3 * 86_400)

    desk.twin.behave("servicenow", next_opens=["drop_before"])
    mend(desk, options=INSTANCE)
    desk.perform()

    assert desk.rma().state is RmaState.OUTCOME_UNKNOWN
    assert desk.order().status is OrderStatus.PENDING


def test_a_person_has_a_claim_in_doubt_searched_for_once_more_and_nothing_is_sent_twice(desk: Desk) -> None:
    desk.twin.behave("servicenow", next_opens=["drop_after_accept"])
    desk.report()
    desk.perform()
    desk.change_account(options={"table": "no_such_table"})
    desk.let_pass(SETTLE_S)
    desk.perform()
    because = Because("user:1", "the table is back", datetime.now(UTC))
    desk.change_account(options=INSTANCE)

    with desk.runtime.database.begin(db.EVERYBODY) as session:
        rmas.search_again(session, session.get_one(Rma, desk.rma().id), because)
    with (
        desk.runtime.database.begin(db.EVERYBODY) as session,
        pytest.raises(IllegalMove, match="searched for by itself"),
    ):
        rmas.search_again(session, session.get_one(Rma, desk.rma().id), because)
    desk.perform()

    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert len(desk.twin.opened) == 1


def test_a_refused_search_leaves_the_claim_unknown(desk: Desk) -> None:
    desk.twin.behave("servicenow", next_opens=["drop_after_accept"])
    desk.report()
    desk.perform()
    desk.change_account(options={"table": "no_such_table"})
    desk.let_pass(SETTLE_S)

    desk.perform()
    assert desk.rma().state is RmaState.OUTCOME_UNKNOWN
    assert desk.order().status is OrderStatus.PARKED
    assert "refused" in desk.open_tasks()[TaskKind.OUTCOME_UNKNOWN]

    mend(desk, options=INSTANCE)
    desk.perform()
    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert len(desk.twin.opened) == 1


def mend(desk: Desk, **changes: object) -> None:
    """Change the account, after a while, and let what waited for it go on."""
    desk.let_pass(SETTLE_S)
    desk.change_account(**changes)
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.account_id)
        assert rmas.go_on(session, account, Because("user:1", "mended", db.now(session))) == 1


def test_an_account_whose_options_cannot_be_read_waits_for_a_person(desk: Desk) -> None:
    desk.report()
    desk.change_account(options={"state_map": "not JSON"})

    desk.perform()

    assert desk.rma().state is RmaState.SUBMIT_FAILED
    assert "state_map" in desk.open_tasks()[TaskKind.SUBMIT_FAILED]


def test_a_shut_gate_sends_nothing_and_says_when_to_come_back(desk: Desk) -> None:
    desk.report()
    desk.change_account(failures=accounts.BREAKER_FAILURES, closed_until=datetime.now(UTC) + timedelta(seconds=20))

    desk.perform()

    order = desk.order()
    assert desk.twin.opened == desk.calls() == []
    assert (order.status, order.last_send, order.failures) == (OrderStatus.PENDING, None, 0)
    assert desk.rma().state is RmaState.SUBMITTED
    assert "rests after failures" in (order.error or "")
    assert order.next_at > datetime.now(UTC) + timedelta(seconds=15)


def test_five_failures_rest_the_account_and_a_read_tries_first_afterwards(desk: Desk) -> None:
    desk.twin.stop()
    desk.report()
    for _ in range(accounts.BREAKER_FAILURES):
        desk.perform()
        desk.let_pass(SETTLE_S + 300)
        desk.change_account(closed_until=None)
    assert desk.account().failures >= accounts.BREAKER_FAILURES

    desk.let_pass(desk.runtime.settings.vendor_timeout_s)
    desk.report(component=Component.PSU)  # one that was never sent: nothing has to be searched for
    fresh = desk.orders()[-1]
    desk.twin.start()
    tasks.perform(desk.runtime, fresh.id)

    assert [call.method for call in desk.calls() if call.rma_id == fresh.rma_id] == ["GET", "POST"]
    assert len(desk.twin.opened) == 1
    account = desk.account()
    assert (account.failures, account.closed_until) == (0, None)


def test_a_vendor_that_can_neither_be_searched_nor_asked_twice_gets_a_claim_at_most_once(
    shared_runtime: Runtime, twin: Twin
) -> None:
    with odd_adapters():
        desk = Desk(shared_runtime, twin, vendor="mute")
        desk.twin.behave("servicenow", next_opens=["drop_before"])
        desk.report()

        desk.perform()
        assert desk.rma().state is RmaState.OUTCOME_UNKNOWN
        desk.let_pass(SETTLE_S)
        desk.perform()

        assert desk.rma().state is RmaState.MANUAL_HANDLING
        assert desk.order().status is OrderStatus.DEAD
        assert set(desk.open_tasks()) == {TaskKind.MANUAL_HANDLING}
        assert twin.opened == []


@pytest.mark.parametrize(
    ("becomes", "others"), [("drop_after_accept", 0), ("drop_after_accept", 1), ("drop_before", 0)]
)
def test_a_vendor_that_only_lists_its_cases_leaves_the_choice_to_a_person(
    shared_runtime: Runtime, twin: Twin, becomes: str, others: int
) -> None:
    with odd_adapters():
        desk = Desk(shared_runtime, twin, vendor="vague")
        desk.report()
        twin.behave("servicenow", next_opens=[becomes])
        desk.perform()
        for _ in range(others):
            accounts.Line(shared_runtime, desk.account()).open().open_case(request_of(desk, client_reference="theirs"))
        assert set(desk.open_tasks()) == {TaskKind.OUTCOME_UNKNOWN}  # a person knows at once
        desk.perform()
        assert desk.order().attempts == 1  # and nobody looks before the settle time has passed

        desk.let_pass(SETTLE_S)
        desk.perform()

        found = [case["number"] for case in twin.opened]
        (why,) = desk.open_tasks().values()
        assert set(desk.open_tasks()) == {TaskKind.PROPOSAL if found else TaskKind.MANUAL_HANDLING}
        assert all(number in why for number in found)
        assert (desk.rma().state, desk.order().status) == (RmaState.MANUAL_HANDLING, OrderStatus.DEAD)
        assert desk.rma().vendor_case_number is None  # not even a lone one is taken
        assert len(twin.opened) == len(found)


def request_of(desk: Desk, **other: str) -> RmaRequest:
    with desk.session() as session:
        return replace(rmas.request_of(session, desk.rma()), **other)


def test_a_definite_no_means_that_nothing_is_there_to_search_for(shared_runtime: Runtime) -> None:
    with odd_adapters(), Twin("servicenow", credentials=("us", "another password")) as twin:
        desk = Desk(shared_runtime, twin, vendor="mute")  # which goes to a person wherever a claim may have arrived
        desk.report()
        desk.perform()

        mend(desk, secrets=shared_runtime.box.seal({"username": "us", "password": "another password"}))
        desk.perform()

        assert desk.rma().state is RmaState.UNDER_REVIEW
        assert len(twin.opened) == 1


def test_a_vendor_that_knows_our_key_is_asked_again_with_it_until_it_forgets(
    shared_runtime: Runtime, twin: Twin
) -> None:
    with odd_adapters():
        desk = Desk(shared_runtime, twin, vendor="keyed")
        desk.report()
        vendor = accounts.Line(shared_runtime, desk.account()).open()
        with desk.session() as session:
            request = rmas.request_of(session, desk.rma())

        assert send_rma.earlier_send(vendor, claim_again(desk, sent_ago_s=None), request) is None
        assert send_rma.earlier_send(vendor, claim_again(desk, sent_ago_s=0.5), request) is None
        assert desk.calls() == []

        # The key is as old as its first use, however young the last.
        desk.let_pass(3600)
        assert isinstance(send_rma.earlier_send(vendor, claim_again(desk, sent_ago_s=0.5), request), Wait)
        desk.let_pass(3600)
        assert send_rma.earlier_send(vendor, claim_again(desk, sent_ago_s=4000), request) is None


def test_a_claim_that_is_sent_again_says_truly_why_that_is_safe(shared_runtime: Runtime, twin: Twin) -> None:
    with odd_adapters():
        for vendor, why in (("keyed", "under the same key"), ("servicenow", "was searched after the settle time")):
            desk = Desk(shared_runtime, twin, vendor=vendor)
            twin.behave("servicenow", next_opens=["drop_before"])
            desk.report()
            desk.perform()
            desk.let_pass(SETTLE_S)
            desk.perform()

            (reason,) = [said for old, new, said in desk.moves("rma") if (old, new) == ("outcome_unknown", "submitted")]
            assert why in reason


def claim_again(desk: Desk, *, sent_ago_s: float | None) -> work.Order:
    """Claim the order as if it had last been sent some seconds ago."""
    desk.let_pass(LEASE_S + 1)
    with desk.session() as session:
        order = work.claim(session, desk.order().id, lease_s=LEASE_S)
    assert order is not None
    return replace(order, sent_ago_s=sent_ago_s)


def test_what_was_tried_for_a_day_becomes_a_persons_task(desk: Desk) -> None:
    desk.twin.stop()
    desk.report()
    mark_and_die(desk)
    desk.let_pass(LEASE_S + SETTLE_S)
    desk.perform()
    assert desk.order().status is OrderStatus.PENDING

    desk.let_pass(work.RETRY_BUDGET_S)
    desk.perform()

    assert desk.order().status is OrderStatus.DEAD
    assert desk.rma().state is RmaState.MANUAL_HANDLING
    assert set(desk.open_tasks()) == {TaskKind.MANUAL_HANDLING}


def test_a_vendor_that_fails_every_open_for_a_day_is_given_up_too(desk: Desk) -> None:
    desk.twin.behave("servicenow", error_before=1.0)
    desk.report()
    for failures in (1, 2, 3):  # waiting for the settle time after a failure is part of trying
        desk.perform()
        assert (desk.order().failures, desk.order().waited_s) == (failures, 0.0)
        desk.let_pass(SETTLE_S + work.RETRY_CAP_S)

    desk.let_pass(work.RETRY_BUDGET_S)
    desk.perform()

    assert desk.order().status is OrderStatus.DEAD
    assert desk.rma().state is RmaState.MANUAL_HANDLING


def test_a_claim_that_may_have_arrived_is_never_called_a_failed_one(desk: Desk) -> None:
    desk.report()
    mark_and_die(desk)
    desk.let_pass(LEASE_S)
    desk.change_account(options={"state_map": "not JSON"})

    desk.perform()

    assert desk.order().status is OrderStatus.PARKED
    assert desk.rma().state is RmaState.OUTCOME_UNKNOWN
    assert "state_map" in desk.open_tasks()[TaskKind.OUTCOME_UNKNOWN]


def test_a_worker_that_was_overtaken_changes_nothing_but_tells_what_it_saw(desk: Desk) -> None:
    desk.report()
    with desk.session() as session:
        mine = work.claim(session, desk.order().id, lease_s=LEASE_S)
    desk.let_pass(LEASE_S)
    with desk.session() as session:
        theirs = work.claim(session, desk.order().id, lease_s=LEASE_S)
    assert mine is not None
    assert theirs is not None
    before = desk.order()

    vendor_says = VendorCase("INC0000099", VendorStatus.RECEIVED, vendor_status="1")
    failed = VendorError("servicenow", Trouble.AMBIGUOUS, detail="no answer")
    for step in (vendor_says, failed, Wait(3), AskPerson("why"), rmas.Unsent(failed)):
        settle(desk, mine, step)

    after = desk.order()
    assert desk.rma().state is RmaState.SUBMITTED
    assert desk.rma().vendor_case_number is None
    assert desk.open_tasks() == {}
    assert (after.status, after.token, after.lease_until, after.next_at) == (
        before.status,
        before.token,
        before.lease_until,
        before.next_at,
    )
    assert [seen.vendor_case_number for seen in desk.sightings()] == ["INC0000099"]


def settle(desk: Desk, order: work.Order, step: rmas.Step) -> None:
    """Record one step as the task does."""
    account = desk.account()
    can = accounts.capabilities(desk.runtime, account)
    with desk.session() as session:
        rmas.settle(session, desk.runtime, order, account, can, step)


def test_a_lease_too_short_for_the_call_sends_nothing(shared_runtime: Runtime, twin: Twin) -> None:
    desk = Desk(shared_runtime, twin)
    desk.report()
    with desk.session() as session:
        order = work.claim(session, desk.order().id, lease_s=LEASE_S)
        assert order is not None
    desk.let_pass(
        LEASE_S - shared_runtime.settings.vendor_timeout_s
    )  # a search that took this long leaves less than a call needs

    send(desk, claim_of(desk, order))

    assert twin.opened == []
    assert desk.order().last_send is None


def test_a_machine_that_slept_between_claim_and_call_sends_nothing(desk: Desk) -> None:
    desk.report()
    with desk.session() as session:
        order = work.claim(session, desk.order().id, lease_s=1000)
        assert order is not None

    send(desk, claim_of(desk, replace(order, claimed=order.claimed - LEASE_S)))

    assert desk.twin.opened == []
    assert (desk.order().last_send, desk.order().lease_until) == (
        None,
        None,
    )  # nothing left, so it is due again at once
