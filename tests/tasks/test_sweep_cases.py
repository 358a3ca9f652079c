"""What the vendors hold is listed and compared with what is known here; nothing is opened beside what nobody knows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import event, select, update

from tests.desk import Desk, odd_adapters
from tests.factories import BECAUSE
from tests.vendors.instance import large_instance
from vendors.adapters.servicenow import CORRELATION_DISPLAY
from vendors.sandbox import Twin
from warranty import db, relay, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.models import HumanTask, Outbox, Rma, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import accounts, resolutions, rmas, sweep
from warranty.services.resolutions import Action

if TYPE_CHECKING:
    from pathlib import Path

    from warranty.runtime import Runtime


def sweep_now(desk: Desk) -> Outbox:
    """List the vendor's cases as the relay orders it; how the order stands then."""
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.account_id)
        sweep.order(session, account, now=db.now(session))
    tasks.perform(desk.runtime, desk.orders(OrderKind.SWEEP_CASES)[-1].id)
    return desk.orders(OrderKind.SWEEP_CASES)[-1]


def open_at_vendor(desk: Desk, reference: str, serial: str = "") -> None:
    """Somebody else, or we before a restore, opened a case there."""
    assert desk.twin is not None
    record = {
        "short_description": "a disk",
        "description": f"Reference: {reference}\nSerial number: {serial}",
        "correlation_id": reference,
        "correlation_display": CORRELATION_DISPLAY,
    }
    url = f"{desk.twin.url}/api/now/table/incident"
    assert requests.post(url, json=record, auth=("us", "them"), timeout=20).status_code == 201


def test_a_case_of_no_claim_is_put_before_a_person_once(desk: Desk) -> None:
    open_at_vendor(desk, "WR-NOBODY", desk.serial)

    assert sweep_now(desk).status is OrderStatus.DONE
    sweep_now(desk)

    (sighting,) = desk.sightings()
    assert (sighting.client_reference, sighting.serial_number) == ("WR-NOBODY", desk.serial)
    assert "WR-NOBODY" in desk.open_tasks()[TaskKind.STRAY_CASE]
    with desk.session() as session:
        item = session.scalars(select(HumanTask).where(HumanTask.sighting_id == sighting.id)).one()
        answer = resolutions.resolve(
            session, desk.runtime, OPERATOR, item, Action.DEALT_WITH, reason="theirs", now=db.now(session)
        )
        assert answer is None
    assert desk.open_tasks() == {}
    sweep_now(desk)
    assert desk.open_tasks() == {}


def test_a_unit_with_a_case_of_no_claim_is_not_opened_by_itself(desk: Desk) -> None:
    open_at_vendor(desk, "WR-NOBODY", desk.serial)
    desk.report()
    sweep_now(desk)

    desk.perform(OrderKind.SEND_RMA)

    assert desk.rma().state is RmaState.MANUAL_HANDLING
    assert "WR-NOBODY" in desk.open_tasks()[TaskKind.MANUAL_HANDLING]
    assert len(desk.twin.opened) == 1


def test_a_case_that_is_entered_on_a_claim_is_nobodys_riddle_any_more(desk: Desk) -> None:
    open_at_vendor(desk, "WR-NOBODY", desk.serial)
    desk.report()
    sweep_now(desk)
    desk.perform(OrderKind.SEND_RMA)
    number = desk.sightings()[0].vendor_case_number

    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        rmas.transition(
            session,
            desk.runtime,
            OPERATOR,
            rma,
            RmaState.UNDER_REVIEW,
            reason="it is this one",
            now=db.now(session),
            vendor_case_number=number,
        )

    assert desk.open_tasks() == {}
    assert desk.rma().vendor_case_number == number


def test_a_claim_whose_case_is_listed_before_its_answer_is_heard(desk: Desk) -> None:
    desk.report()
    open_at_vendor(desk, desk.rma().client_reference, desk.serial)

    sweep_now(desk)
    desk.perform(OrderKind.SEND_RMA)

    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert len(desk.twin.opened) == 1
    assert desk.open_tasks() == {}


def test_a_second_case_of_a_claim_is_put_before_a_person_once(desk: Desk) -> None:
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    open_at_vendor(desk, desk.rma().client_reference, desk.serial)
    sweep_now(desk)
    twin = desk.twin.opened[1]["number"]
    assert twin in desk.open_tasks()[TaskKind.ATTENTION]

    with desk.session() as session:
        session.execute(update(HumanTask).values(resolved_at=db.now(session)))
    sweep_now(desk)

    assert desk.open_tasks() == {}


def test_a_listing_that_breaks_off_goes_on_from_what_was_taken_in(desk: Desk) -> None:
    for place in range(3):
        open_at_vendor(desk, f"WR-{place}", desk.serial)
    desk.twin.behave("servicenow", next_reads=["error_before"] * 5)
    order = sweep_now(desk)
    assert (order.status, desk.account().swept_to) == (OrderStatus.PENDING, None)

    desk.change_account(failures=0, closed_until=None)
    desk.let_pass(400)
    tasks.perform(desk.runtime, order.id)

    assert len(desk.sightings()) == 3
    assert desk.account().swept_to is not None


def test_a_listing_of_some_thousand_cases_advances_at_each_turn_by_a_few_calls(
    shared_runtime: Runtime, tmp_path: Path
) -> None:
    many = 2_000
    now = datetime.now(UTC).replace(microsecond=0)
    large_instance(tmp_path / "ledger", [now - timedelta(seconds=many - second) for second in range(many)])
    with Twin("servicenow", ledger_file=tmp_path / "ledger") as large:
        settings = replace(shared_runtime.settings, vendor_timeout_s=shared_runtime.settings.lease_s)
        desk = Desk(replace(shared_runtime, settings=settings), large)  # a turn has time for one batch
        order = sweep_now(desk)
        turns = 1
        while order.status is OrderStatus.PENDING:
            seen, called = len(desk.sightings()), len(desk.calls())
            tasks.perform(desk.runtime, order.id)
            order = desk.order(OrderKind.SWEEP_CASES)
            turns += 1
            assert len(desk.calls()) - called <= 15
            assert len(desk.sightings()) > seen or order.status is OrderStatus.DONE

    assert (order.status, order.failures, turns <= 25) == (OrderStatus.DONE, 0, True)
    assert len(desk.sightings()) == many


def hold(desk: Desk, *, ago: timedelta = timedelta(0)) -> None:
    """As a restore does."""
    with desk.session() as session:
        now = db.now(session)
        session.execute(
            update(VendorAccount)
            .where(VendorAccount.id == desk.account_id)
            .values(opens_held_since=now - timedelta(hours=24), held_at=now - ago)
        )


def test_after_a_restore_nothing_is_opened_before_the_cases_were_compared(desk: Desk) -> None:
    hold(desk, ago=timedelta(hours=1))
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    assert desk.order(OrderKind.SEND_RMA).status is OrderStatus.PENDING
    assert desk.rma().state is RmaState.SUBMITTED
    assert desk.twin.opened == []

    assert sweep_now(desk).status is OrderStatus.DONE
    assert desk.account().opens_held_since is None
    desk.perform(OrderKind.SEND_RMA)

    assert len(desk.twin.opened) == 1


def test_a_listing_after_a_restore_waits_until_what_was_on_its_way_is_there(desk: Desk) -> None:
    hold(desk)

    assert sweep_now(desk).status is OrderStatus.PENDING
    assert desk.account().opens_held_since is not None


def test_a_claim_that_no_order_is_for_is_searched_before_it_is_sent(desk: Desk) -> None:
    desk.report()
    open_at_vendor(desk, desk.rma().client_reference, desk.serial)
    with desk.session() as session:
        session.execute(update(Outbox).where(Outbox.rma_id == desk.rma().id).values(status=OrderStatus.DONE))
        sweep.send_lost(session, now=db.now(session))
        assert sweep.send_lost(session, now=db.now(session)) == 0

    tasks.perform(desk.runtime, desk.orders(OrderKind.SEND_RMA)[-1].id)

    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert len(desk.twin.opened) == 1


def test_a_restored_account_that_cannot_list_has_a_person_look_until_it_is_released(
    shared_runtime: Runtime, twin: Twin
) -> None:
    with odd_adapters():
        desk = Desk(shared_runtime, twin, vendor="mute")
        hold(desk, ago=timedelta(hours=1))
        desk.report()

        desk.perform(OrderKind.SEND_RMA)
        assert sweep_now(desk).status is OrderStatus.DONE

        assert (desk.rma().state, twin.opened) == (RmaState.MANUAL_HANDLING, [])
        assert "release the account" in desk.open_tasks()[TaskKind.MANUAL_HANDLING]
        assert desk.account().opens_held_since is not None  # an order that lists nothing proves nothing
        with desk.session() as session:
            account = session.get_one(VendorAccount, desk.account_id)
            assert accounts.release(session, account, because=BECAUSE)
            assert not accounts.release(session, account, because=BECAUSE)
        assert desk.account().opens_held_since is None


def test_two_relays_order_one_listing(desk: Desk) -> None:
    hold(desk)  # then it is due whatever its rhythm
    together = threading.Barrier(2)

    def order() -> None:
        together.wait()
        with desk.session() as session:
            relay.order_sweeps(session, desk.runtime)

    with ThreadPoolExecutor(2) as relays:
        for done in [relays.submit(order) for _ in range(2)]:
            done.result()

    assert len(desk.orders(OrderKind.SWEEP_CASES)) == 1


def test_of_cases_of_one_instant_none_is_missed_where_a_listing_goes_on_in_the_middle_of_it(
    shared_runtime: Runtime, tmp_path: Path
) -> None:
    begun = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    large_instance(tmp_path / "ledger", [begun + timedelta(seconds=(place + 1) // 2) for place in range(250)])
    with Twin("servicenow", ledger_file=tmp_path / "ledger") as large:
        settings = replace(shared_runtime.settings, vendor_timeout_s=shared_runtime.settings.lease_s)
        desk = Desk(replace(shared_runtime, settings=settings), large)  # a turn has time for one batch
        order = sweep_now(desk)
        turns = 1
        while order.status is OrderStatus.PENDING and turns < 10:
            tasks.perform(desk.runtime, order.id)
            order = desk.order(OrderKind.SWEEP_CASES)
            turns += 1

    assert (order.status, len(desk.sightings())) == (OrderStatus.DONE, 250)


def test_a_case_is_seen_though_the_vendors_clock_is_behind_ours(desk: Desk) -> None:
    open_at_vendor(desk, "WR-FIRST")
    sweep_now(desk)
    swept_to = desk.account().swept_to
    assert swept_to is not None
    open_at_vendor(desk, "WR-SECOND")
    behind = (swept_to - timedelta(minutes=30)).strftime("%Y-%m-%d %H:%M:%S")
    desk.twin.move(desk.twin.opened[-1]["number"], sys_created_on=behind)

    sweep_now(desk)

    assert [one.client_reference for one in desk.sightings()] == ["WR-FIRST", "WR-SECOND"]
    assert desk.account().swept_to >= swept_to


def test_many_cases_cost_as_many_statements_as_few(desk: Desk) -> None:
    for place in range(2):
        open_at_vendor(desk, f"WR-{place}", desk.serial)
    finding_few, few = statements_of(desk), statements_of(desk)
    for place in range(2, 30):
        open_at_vendor(desk, f"WR-{place}", desk.serial)
    finding_many, many = statements_of(desk), statements_of(desk)

    assert len(desk.sightings()) == 30
    assert many <= few
    assert finding_many <= finding_few + 3  # an insert of very many may go in parts


def statements_of(desk: Desk) -> int:
    """How many statements a listing sends."""
    seen = []

    def executes(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = desk.runtime.database.engine
    event.listen(engine, "before_cursor_execute", executes)
    try:
        sweep_now(desk)
    finally:
        event.remove(engine, "before_cursor_execute", executes)
    return len(seen)
