"""A vendor is asked what covers a unit, and the decision that waits for it is repeated; a silent one holds up nobody."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.desk import Desk, cover_labour, let_pass
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.domain.terms import CoverageSays, ReasonCode, Route, UnitSays
from warranty.models import Asset, Client, Fault, LookUpRun, Outbox, VendorAccount, VendorCall
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import refresh, rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
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


# --- many units ---


class Fleet:
    """Units of one maker that the twin knows, and the account that asks about them."""

    def __init__(self, runtime: Runtime, twin: Twin, units: int, **facts: Any) -> None:
        self.runtime = runtime
        with self.session() as session:
            client = factories.make_client(session)
            product = factories.make_product(session, f"Maker of {client.name}")
            self.account = factories.make_account(
                session,
                runtime,
                "dell",
                base_url=twin.url,
                secrets={"client_id": "us", "client_secret": "them"},
                manufacturers=[product.manufacturer],
                duties=["lookup"],
                **facts,
            )
            self.units = [factories.make_asset(session, client, product=product).id for _ in range(units)]
            mine = select(Asset.serial_number).where(Asset.id.in_(self.units)).order_by(Asset.id)
            self.serials = list(session.scalars(mine))
        twin.register(dict.fromkeys(self.serials, COVERED))

    def session(self) -> Any:
        return self.runtime.database.begin(db.EVERYBODY)

    def ask(self) -> LookUpRun:
        """Have all of them asked about."""
        with self.session() as session:
            because = Because("user:1", "asked", db.now(session))
            return refresh.ask_named(session, self.runtime, self.serials, client=None, because=because).run

    def orders(self) -> list[Outbox]:
        with self.session() as session:
            ours = select(Outbox).where(Outbox.account_id == self.account.id).order_by(Outbox.id)
            return list(session.scalars(ours))

    def work(self) -> None:
        """Let one worker take the first order that is due."""
        tasks.perform(self.runtime, next(one.id for one in self.orders() if one.status is OrderStatus.PENDING))

    def answered(self) -> int:
        with self.session() as session:
            ours = Asset.id.in_(self.units), Asset.lookup_says == UnitSays.LISTED
            return len(session.scalars(select(Asset.id).where(*ours)).all())


def asked(twin: Twin) -> list[list[str]]:
    """The tags of each look-up that the vendor has had."""
    return [call["query"].partition("=")[2].split(",") for call in twin.calls if call["method"] == "GET"]


def test_one_worker_asks_for_all_that_is_due_and_nobody_twice(shared_runtime: Runtime, twin: Twin) -> None:
    fleet = Fleet(shared_runtime, twin, 330)
    run = fleet.ask()

    fleet.work()

    assert {order.status for order in fleet.orders()} == {OrderStatus.DONE}
    assert sorted(map(len, asked(twin))) == [30, 100, 100, 100]
    assert sorted(tag for tags in asked(twin) for tag in tags) == sorted(fleet.serials)
    assert sum(call["method"] == "POST" for call in twin.calls) == 1  # one token is enough
    with fleet.session() as session:
        assert refresh.progress(session, run) == refresh.Progress(330, 330, 0, 0, 0, ())


def test_what_was_answered_before_an_outage_is_kept_and_only_the_rest_is_asked_for(
    shared_runtime: Runtime, twin: Twin
) -> None:
    fleet = Fleet(shared_runtime, twin, 250)
    fleet.ask()
    twin.behave("dell", next_reads=["ok", "error_before", "error_before", "error_before"], lookup_error_rate=1.0)

    fleet.work()
    assert fleet.answered() == 100
    before = len(asked(twin))

    twin.behave("dell", lookup_error_rate=0.0)
    let_pass(shared_runtime, work.RETRY_CAP_S)
    fleet.work()

    assert fleet.answered() == 250
    assert sorted(map(len, asked(twin)[before:])) == [50, 100]


def test_a_vendor_that_names_a_time_puts_all_of_its_account_off(shared_runtime: Runtime, twin: Twin) -> None:
    fleet = Fleet(shared_runtime, twin, 250)
    fleet.ask()
    twin.behave("dell", throttle=1.0, retry_after_s=60)

    fleet.work()

    assert len(asked(twin)) == 1
    with fleet.session() as session:
        now = db.now(session)
    assert all(order.next_at > now + timedelta(seconds=40) for order in fleet.orders())
    assert {order.failures for order in fleet.orders()} == {0}


def test_a_refused_key_is_tried_once_and_parks_all_of_its_account(shared_runtime: Runtime) -> None:
    with Twin("dell", credentials=("us", "changed")) as twin:
        fleet = Fleet(shared_runtime, twin, 250)
        fleet.ask()

        fleet.work()

        assert len(twin.calls) == 1
        assert {order.status for order in fleet.orders()} == {OrderStatus.PARKED}


def test_a_worker_keeps_the_quota_and_leaves_what_it_does_not_allow_for_later(
    shared_runtime: Runtime, twin: Twin
) -> None:
    fleet = Fleet(shared_runtime, twin, 350, options={"quota": "40/day"})  # two at once, the others by and by
    fleet.ask()

    fleet.work()

    assert len(asked(twin)) == 2
    assert sorted(order.status for order in fleet.orders()) == ["done", "done", "pending", "pending"]


def test_what_a_fault_waits_for_is_asked_before_a_hundred_others(shared_runtime: Runtime, twin: Twin) -> None:
    fleet = Fleet(shared_runtime, twin, 250)
    fleet.ask()
    with fleet.session() as session:
        given = {"serial_number": fleet.serials[-1], "now": db.now(session)}
        session.get_one(Asset, fleet.units[-1]).absence_attested = False
        reported = factories.make_fault(session, shared_runtime, OPERATOR, **given)
    assert reported.verdict.route is Route.LOOKUP

    with fleet.session() as session:
        orders = [work.claim_next(session, OrderKind.LOOK_UP, fleet.account.id, lease_s=60) for _ in range(2)]

    assert [order and order.fault_id for order in orders] == [reported.fault.id, None]


def test_a_fault_that_waits_goes_on_whoever_asked_about_its_unit(shared_runtime: Runtime, twin: Twin) -> None:
    fleet = Fleet(shared_runtime, twin, 1)
    with fleet.session() as session:
        session.get_one(Asset, fleet.units[0]).absence_attested = False
        given = {"serial_number": fleet.serials[0], "now": db.now(session)}
        reported = factories.make_fault(session, shared_runtime, OPERATOR, **given)
        session.execute(update(Outbox).where(Outbox.fault_id == reported.fault.id).values(status=OrderStatus.DONE))
    fleet.ask()

    fleet.work()

    with fleet.session() as session:
        assert session.get_one(Fault, reported.fault.id).state is not FaultState.ENTITLEMENT_CHECK


def test_who_waits_for_a_worker_is_let_in(shared_runtime: Runtime, twin: Twin) -> None:
    fleet = Fleet(shared_runtime, twin, 250)
    fleet.ask()
    with fleet.session() as session:
        work.add(session, OrderKind.READ_CASES, now=db.now(session), account_id=fleet.account.id)

    fleet.work()

    assert len(asked(twin)) == 1


def test_a_refresh_that_fails_leaves_what_is_known_and_one_that_somebody_wants_says_so(
    shared_runtime: Runtime, twin: Twin
) -> None:
    fleet = Fleet(shared_runtime, twin, 1)
    twin.behave("dell", lookup_error_rate=1.0)
    with fleet.session() as session:
        work.add(
            session,
            OrderKind.LOOK_UP,
            now=db.now(session),
            account_id=fleet.account.id,
            payload={"assets": fleet.units},
        )
    fleet.work()
    with fleet.session() as session:
        assert session.get_one(Asset, fleet.units[0]).lookup_error is None
        session.execute(update(Outbox).where(Outbox.account_id == fleet.account.id).values(status=OrderStatus.DONE))
    fleet.ask()
    fleet.work()
    with fleet.session() as session:
        assert "unreachable" in (session.get_one(Asset, fleet.units[0]).lookup_error or "")
