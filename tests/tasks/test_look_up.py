"""A vendor is asked what covers a unit, and the decision that waits for it is repeated; a silent one holds up nobody."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.desk import Desk, cover_labour
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.domain.terms import CoverageSays, ReasonCode, Route, UnitSays
from warranty.models import Asset, Client, Fault, VendorAccount, VendorCall
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from vendors.sandbox import Twin
    from warranty.runtime import Runtime

COVERED = {"entitlements": [{"code": "NU", "starts_on": "2020-01-01", "ends_on": "2099-12-31"}]}
EXPIRED = {"entitlements": [{"code": "NU", "starts_on": "2020-01-01", "ends_on": "2021-12-31"}]}


@pytest.fixture
def desk(shared_runtime: Runtime, twin: Twin) -> Desk:
    """A unit of which only its maker can say what covers it; the MSP's agreement pays the labour."""
    desk = Desk(shared_runtime, twin, covered=False, asks=True)
    with desk.session() as session:
        cover_labour(session, session.get_one(Asset, desk.asset_key()))
    return desk


def look_up(desk: Desk) -> OrderStatus:
    """Ask the vendor; how the order stands then."""
    desk.perform(OrderKind.LOOK_UP)
    return desk.order(OrderKind.LOOK_UP).status


def end_patience(desk: Desk) -> None:
    """Let the patience end, and do what was ordered for that instant."""
    with desk.session() as session:
        minutes = session.get_one(Client, desk.client_key).policy["lookup_patience_minutes"]
        session.get_one(Fault, desk.fault().id).reported_at -= timedelta(minutes=minutes)
    desk.let_pass(60 * minutes)
    desk.perform(OrderKind.DECIDE_AGAIN)


def codes(desk: Desk) -> set[str]:
    """Those of the verdict that counts."""
    return {reason["code"] for reason in json.loads(desk.verdicts()[-1].verdict_document)["reasons"]}


def test_a_covered_unit_goes_from_the_question_to_its_claim(desk: Desk, twin: Twin) -> None:
    twin.register({desk.serial: COVERED})
    desk.report()

    assert look_up(desk) is OrderStatus.DONE

    assert [verdict.route for verdict in desk.verdicts()] == [Route.LOOKUP, Route.RMA]
    assert desk.verdicts()[1].why.endswith("answered.")
    assert desk.fault().state is FaultState.RMA_OPEN
    assert desk.asset().lookup_says is UnitSays.LISTED
    (looked_up,) = [coverage for coverage in desk.coverages() if coverage.vendor_line]
    assert (looked_up.vendor_says, looked_up.claims_reserved) == (CoverageSays.COVERED, 1)

    desk.perform(OrderKind.SEND_RMA)
    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert len(twin.opened) == 1

    end_patience(desk)  # a fault that is settled is left alone
    assert len(desk.verdicts()) == 2
    assert len(twin.opened) == 1


def test_a_unit_whose_cover_ended_becomes_a_job(desk: Desk, twin: Twin) -> None:
    twin.register({desk.serial: EXPIRED})
    desk.report()

    look_up(desk)

    assert [verdict.route for verdict in desk.verdicts()] == [Route.LOOKUP, Route.AD_HOC]
    assert ReasonCode.EXPIRED in codes(desk)
    assert len(desk.jobs()) == 1


def test_a_unit_that_the_vendor_does_not_know_is_for_a_person_at_once(desk: Desk) -> None:
    desk.report()

    look_up(desk)

    assert [verdict.route for verdict in desk.verdicts()] == [Route.LOOKUP, Route.REVIEW]
    assert codes(desk) >= {ReasonCode.UNKNOWN_TO_VENDOR}
    assert set(desk.open_tasks()) == {TaskKind.REVIEW}


@pytest.mark.parametrize("trouble", ["lookup_error_rate", "garbage"])
def test_a_silent_vendor_is_asked_again_and_a_person_takes_over_when_the_patience_ends(
    desk: Desk, twin: Twin, trouble: str
) -> None:
    twin.behave("dell", **{trouble: 1.0})
    desk.report()

    assert look_up(desk) is OrderStatus.PENDING
    assert desk.fault().state is FaultState.ENTITLEMENT_CHECK
    assert desk.verdicts()[-1].route is Route.LOOKUP
    assert codes(desk) >= {ReasonCode.LOOKUP_FAILED}
    assert desk.open_tasks() == {}

    end_patience(desk)
    assert desk.fault().state is FaultState.NEEDS_REVIEW
    assert set(desk.open_tasks()) == {TaskKind.REVIEW}

    # The vendor comes back: the fault goes on by itself, and the item is settled.
    twin.behave("dell", **{trouble: 0.0})
    twin.register({desk.serial: COVERED})
    desk.let_pass(work.RETRY_CAP_S)
    assert look_up(desk) is OrderStatus.DONE
    assert desk.fault().state is FaultState.RMA_OPEN
    assert desk.open_tasks() == {}
    assert len(desk.orders(OrderKind.SEND_RMA)) == 1


def test_a_vendor_that_is_gone_for_a_day_is_asked_no_more(desk: Desk, twin: Twin) -> None:
    twin.behave("dell", lookup_error_rate=1.0)
    desk.report()
    look_up(desk)

    desk.let_pass(work.RETRY_BUDGET_S)
    assert look_up(desk) is OrderStatus.DEAD


def test_a_busy_vendor_is_asked_when_it_says(desk: Desk, twin: Twin) -> None:
    twin.behave("dell", throttle=1.0, retry_after_s=7)
    twin.register({desk.serial: COVERED})
    desk.report()

    assert look_up(desk) is OrderStatus.PENDING
    order = desk.order(OrderKind.LOOK_UP)
    assert order.failures == 0
    assert len(desk.verdicts()) == 1  # nothing new is known

    twin.behave("dell", throttle=0.0)
    desk.let_pass(7)
    assert look_up(desk) is OrderStatus.DONE


def test_a_refused_key_is_a_persons_work_and_goes_on_when_it_is_mended(desk: Desk, twin: Twin) -> None:
    twin.register({desk.serial: COVERED})
    desk.report()
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.lookup_account_id)
        good, account.base_url = account.base_url, "http://127.0.0.1:1/%zz"
        account.secrets = desk.runtime.box.seal({"client_id": "", "client_secret": ""})

    assert look_up(desk) is OrderStatus.PARKED
    end_patience(desk)
    assert set(desk.open_tasks()) == {TaskKind.REVIEW}

    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.lookup_account_id)
        account.base_url = good
        account.secrets = desk.runtime.box.seal({"client_id": "us", "client_secret": "them"})
        assert rmas.go_on(session, account, Because("user:1", "mended", account.created_at)) == 1
    assert look_up(desk) is OrderStatus.DONE
    assert desk.fault().state is FaultState.RMA_OPEN


def test_a_look_up_done_twice_changes_nothing_twice(desk: Desk, twin: Twin) -> None:
    twin.register({desk.serial: COVERED})
    desk.report()

    look_up(desk)
    look_up(desk)

    assert len(desk.verdicts()) == 2
    assert len(desk.coverages()) == 2
    assert desk.order(OrderKind.LOOK_UP).attempts == 1


def test_every_call_is_kept_beside_its_fault_without_the_key(desk: Desk, twin: Twin) -> None:
    twin.register({desk.serial: COVERED})
    desk.report()

    look_up(desk)

    with desk.session() as session:
        ours = select(VendorCall).where(VendorCall.fault_id == desk.fault().id).order_by(VendorCall.id)
        calls = session.scalars(ours).all()
    assert [call.method for call in calls] == ["POST", "GET"]
    assert not any("them" in call.request for call in calls)
