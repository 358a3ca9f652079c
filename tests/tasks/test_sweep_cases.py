"""What the vendors hold is listed and compared with what is known here; nothing is opened beside what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import requests
from sqlalchemy import select, update

from tests.desk import Desk
from tests.vendors.instance import large_instance
from vendors.adapters.servicenow import CORRELATION_DISPLAY
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.models import HumanTask, Outbox, Rma, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import resolutions, rmas, sweep
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
