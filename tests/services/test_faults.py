"""From a report to exactly one route, whatever is known of the unit, its cover and its vendor, and whoever reports at once."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.desk import Desk, cover_labour, make_unit, odd_adapters
from warranty import db
from warranty.domain.access import OPERATOR, Principal
from warranty.domain.lifecycles import FaultState, JobState, RmaState
from warranty.domain.terms import (
    AssetState,
    Component,
    CoverageKind,
    Fulfilment,
    JobKind,
    Ownership,
    Party,
    ReasonCode,
    Role,
    Route,
    Share,
)
from warranty.models import Asset, Client, Coverage, Fault, HumanTask, Person
from warranty.models.work import OrderKind, TaskKind
from warranty.services import faults, resolutions

if TYPE_CHECKING:
    from collections.abc import Callable

    from warranty.runtime import Runtime
    from warranty.services.faults import Outcome

CARD = {"call_out": 9_500, "labour": 11_000, "part": 42_000}  # the default rate card, and the product's list price


def codes(outcome: Outcome) -> set[ReasonCode]:
    return {reason.code for reason in outcome.verdict.reasons}


def change_unit(desk: Desk, **columns: Any) -> None:
    with desk.session() as session:
        asset = session.get_one(Asset, desk.asset().id)
        for name, value in columns.items():
            setattr(asset, name, value)


# --- the six routes ---


def test_a_covered_fault_becomes_a_claim_that_is_ordered_to_be_sent(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)

    outcome = desk.report()

    fault, rma, order = desk.fault(), desk.rma(), desk.order()
    assert (outcome.verdict.route, outcome.rma, outcome.job, outcome.task) == (Route.RMA, outcome.rma, None, None)
    assert fault.state is FaultState.RMA_OPEN
    assert (rma.state, rma.is_open, rma.fault_id, rma.account_id) == (
        RmaState.SUBMITTED,
        True,
        fault.id,
        desk.account_id,
    )
    assert (order.kind, order.rma_id, order.fault_id) == (OrderKind.SEND_RMA, rma.id, fault.id)
    assert [verdict.route for verdict in desk.verdicts()] == [Route.RMA]
    assert [(old, new) for old, new, _ in desk.moves("fault")] == [
        (None, "reported"),
        ("reported", "triaged"),
        ("triaged", "entitlement_check"),
        ("entitlement_check", "rma_open"),
    ]
    assert [(old, new) for old, new, _ in desk.moves("rma")] == [(None, "draft"), ("draft", "submitted")]
    assert desk.asset().state is AssetState.FAULTY


def test_a_fault_that_nothing_covers_becomes_one_priced_job_and_no_order(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)

    outcome = desk.report()

    (job,) = desk.jobs()
    assert outcome.verdict.route is Route.AD_HOC
    assert desk.fault().state is FaultState.AD_HOC_OPEN
    assert (job.kind, job.state, job.rma_id) == (JobKind.UNCOVERED_SWAP, JobState.QUOTED, None)
    assert {line.what: (line.unit_price_minor, line.payer) for line in job.lines} == {
        what: (price, Party.CLIENT) for what, price in CARD.items()
    }
    assert desk.orders() == []


def test_what_a_person_must_decide_waits_on_one_list(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    change_unit(desk, ownership=Ownership.LEASED)

    outcome = desk.report()

    assert outcome.verdict.route is Route.REVIEW
    assert desk.fault().state is FaultState.NEEDS_REVIEW
    assert set(desk.open_tasks()) == {TaskKind.REVIEW}
    assert (desk.orders(), desk.jobs()) == ([], [])


def test_what_the_vendor_can_settle_is_asked_and_decided_again_when_the_patience_ends(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False, asks=True)

    outcome = desk.report()

    ask, decide = desk.orders()
    assert outcome.verdict.route is Route.LOOKUP
    assert desk.fault().state is FaultState.ENTITLEMENT_CHECK
    assert (ask.kind, ask.account_id, ask.payload) == (
        OrderKind.LOOK_UP,
        desk.lookup_account_id,
        {"assets": [desk.asset().id]},
    )
    assert decide.kind is OrderKind.DECIDE_AGAIN
    assert decide.next_at == outcome.fault.reported_at + timedelta(minutes=patience_minutes(desk))
    assert desk.open_tasks() == {}


def test_a_unit_that_a_person_identifies_in_time_is_asked_about_once(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False, asks=True)
    desk.report(serial_number="nobody-has-it", client_id=desk.client_id)

    with desk.session() as session:
        task = session.scalars(select(HumanTask).where(HumanTask.client_id == desk.client_key)).one()
        unit = session.scalars(select(Asset).where(Asset.client_id == desk.client_key)).one()
        answer = {"reason": "Read from the label.", "now": datetime.now(UTC), "asset": unit}
        resolutions.resolve(session, shared_runtime, OPERATOR, task, resolutions.Action.IDENTIFY, **answer)
    with desk.session() as session:  # what the look-up's own answer does, must not ask again
        faults.decide_again(session, shared_runtime, task.fault_id, now=datetime.now(UTC), why="Still nothing.")

    assert [order.kind for order in desk.orders()] == [OrderKind.LOOK_UP, OrderKind.DECIDE_AGAIN]


def patience_minutes(desk: Desk) -> int:
    with desk.session() as session:
        return int(session.get_one(Client, desk.client_key).policy["lookup_patience_minutes"])


def test_a_second_report_of_an_open_case_is_attached_to_it(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    first = desk.report()

    second = desk.report()

    assert second.verdict.route is Route.DUPLICATE
    assert codes(second) == {ReasonCode.OPEN_RMA_EXISTS}
    with desk.session() as session:
        fault = session.get_one(Fault, second.fault.id)
        assert (fault.state, fault.duplicate_of_id) == (FaultState.DUPLICATE, first.fault.id)
        assert fault.case_closed_at is not None
    assert desk.rma().fault_id == first.fault.id
    assert len(desk.orders()) == 1


def test_a_reading_inside_the_tolerance_is_recorded_and_closed(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    reading = {
        "metric": "uptime_percent",
        "value": "99.2",
        "target": "99.5",
        "tolerance": "0.5",
        "direction": "at_least",
    }

    outcome = desk.report(reading=reading)

    assert outcome.verdict.route is Route.NONE
    fault = desk.fault()
    assert (fault.state, fault.reading) == (FaultState.WITHIN_TOLERANCE, reading)
    assert (desk.orders(), desk.jobs(), desk.open_tasks()) == ([], [], {})


def test_a_component_of_its_own_is_a_case_of_its_own(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)

    routes = [desk.report(component_ref=bay).verdict.route for bay in ("bay 1", "bay 2", "bay 1")]

    assert routes == [Route.RMA, Route.RMA, Route.DUPLICATE]
    assert len(desk.orders(OrderKind.SEND_RMA)) == 2


def test_a_failed_unit_is_in_its_vendors_hands(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)

    desk.report(component=Component.UNIT)

    assert desk.asset().state is AssetState.IN_RMA


# --- which unit ---


def test_an_unknown_serial_waits_for_a_person_where_the_client_is_known(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)

    outcome = desk.report(serial_number="nobody's", client_id=desk.client_id)

    assert codes(outcome) == {ReasonCode.UNIT_UNIDENTIFIED}
    assert (outcome.asset_id, outcome.fault.serial_number) == (None, "nobody's")
    assert set(desk.open_tasks()) == {TaskKind.REVIEW}


def test_an_unknown_serial_without_a_client_is_not_taken(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)

    with pytest.raises(faults.ClientRequired, match="No unit answers"):
        desk.report(serial_number="nobody's")


def test_two_units_of_one_serial_are_for_a_person_to_tell_apart(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    with desk.session() as session:
        client = session.get_one(Client, desk.client_key)
        factories.make_asset(session, client, desk.serial.lower())

    with pytest.raises(faults.ClientRequired, match="2 units answer"):
        desk.report()
    outcome = desk.report(client_id=desk.client_id)

    assert codes(outcome) == {ReasonCode.SERIAL_AMBIGUOUS}
    assert set(desk.open_tasks()) == {TaskKind.REVIEW}


def test_a_serial_that_another_client_has_too_is_clear_once_the_client_is_named(shared_runtime: Runtime) -> None:
    ours, theirs = Desk(shared_runtime), Desk(shared_runtime)
    with theirs.session() as session:
        factories.make_asset(session, session.get_one(Client, theirs.client_key), ours.serial)

    with pytest.raises(faults.ClientRequired):
        ours.report()
    assert ours.report(client_id=ours.client_id).verdict.route is Route.RMA


def test_a_report_on_a_replaced_unit_goes_to_the_one_in_its_place(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    with desk.session() as session:
        client = session.get_one(Client, desk.client_key)
        chain = [factories.make_asset(session, client) for _ in range(2)]
        for old, new in zip(chain, (chain[1], session.get_one(Asset, desk.asset_key())), strict=True):
            old.state, old.replaced_by_id = AssetState.REPLACED, new.id

    outcome = desk.report(serial_number=chain[0].serial_number)

    assert (outcome.verdict.route, outcome.asset_id) == (Route.RMA, desk.asset().public_id)
    assert outcome.fault.serial_number == desk.serial


def test_a_clients_own_people_report_their_own_units_only(shared_runtime: Runtime) -> None:
    ours, theirs = Desk(shared_runtime), Desk(shared_runtime)
    reporter = Principal(None, "user:them", Role.CLIENT_VIEWER, client_id=theirs.client_key)

    def report(**facts: Any) -> Outcome:
        with shared_runtime.database.begin(db.Scope(theirs.client_key)) as session:
            return factories.make_fault(session, shared_runtime, reporter, now=datetime.now(UTC), **facts)

    with pytest.raises(faults.UnknownAsset):
        report(asset_id=ours.asset().public_id)
    with pytest.raises(faults.UnknownClient):
        report(serial_number="nobody's", client_id=ours.client_id)
    foreign = report(serial_number=ours.serial)
    assert codes(foreign) == {ReasonCode.UNIT_UNIDENTIFIED}
    assert foreign.fault.client_id == theirs.client_key
    assert report(serial_number=theirs.serial).verdict.route is Route.RMA
    assert ours.orders() == []


def test_what_is_named_by_an_id_must_exist(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    nobody = desk.report().fault.public_id  # of another table

    with pytest.raises(faults.UnknownAsset):
        desk.report(serial_number=None, asset_id=nobody)
    with pytest.raises(faults.UnknownClient):
        desk.report(serial_number="nobody's", client_id=nobody)


def test_nothing_occurs_after_its_report(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)

    with pytest.raises(faults.OccursLater):
        desk.report(occurred_at=datetime.now(UTC) + timedelta(minutes=1))


# --- who can take the claim ---


def test_without_an_account_the_claim_is_a_draft_that_says_what_is_missing(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, vendor=None)

    desk.report()

    assert (desk.rma().state, desk.rma().account_id) == (RmaState.DRAFT, None)
    assert "No vendor account" in desk.open_tasks()[TaskKind.INFO_MISSING]
    assert desk.orders() == []


def test_a_vendor_without_an_api_is_a_persons_work(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, vendor="manual")

    desk.report()

    assert desk.rma().state is RmaState.MANUAL_HANDLING
    assert "by hand" in desk.open_tasks()[TaskKind.MANUAL_HANDLING]
    assert desk.orders() == []


def third_party(desk: Desk, **facts: Any) -> None:
    """Let somebody else than the maker look after the unit."""
    with desk.session() as session:
        asset = session.get_one(Asset, desk.asset_key())
        factories.make_coverage(session, asset, kind=CoverageKind.THIRD_PARTY_MAINTENANCE, **facts)
        cover_labour(session, asset)


def test_third_party_maintenance_never_falls_back_to_the_makers_account(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    third_party(desk)

    desk.report()

    assert (desk.rma().state, desk.rma().account_id) == (RmaState.MANUAL_HANDLING, None)
    assert "No vendor account is named" in desk.open_tasks()[TaskKind.MANUAL_HANDLING]
    assert desk.orders() == []


def test_third_party_maintenance_goes_to_the_account_that_its_contract_names(shared_runtime: Runtime) -> None:
    desk, other = Desk(shared_runtime, covered=False), Desk(shared_runtime)
    third_party(desk, account=other.account())

    desk.report()

    assert (desk.rma().state, desk.rma().account_id) == (RmaState.SUBMITTED, other.account_id)


def test_what_the_vendor_asks_for_and_nobody_gave_is_named(shared_runtime: Runtime) -> None:
    with odd_adapters():
        desk = Desk(shared_runtime, vendor="fussy")
        with desk.session() as session:
            place = session.get_one(Asset, desk.asset_key())
            place.site_id = None

        desk.report()
        assert desk.rma().state is RmaState.DRAFT
        said = "asks for: contact (name, phone and e-mail), diagnosis, ship_to."
        assert desk.open_tasks()[TaskKind.INFO_MISSING].endswith(said)

        given = {
            "contact": faults.ContactFacts("Mia", "+31 20 555 0101", "mia@example.com"),
            "ship_to": faults.ShipToFacts("Mia", factories.ADDRESS),
            "diagnostic_code": "E1810",
        }
        assert desk.report(component=Component.PSU, **given).rma.state is RmaState.SUBMITTED


@pytest.mark.parametrize("lacks", ["phone", "email"])
@pytest.mark.parametrize("of", ["the report", "the site"])
def test_a_contact_who_cannot_be_called_or_written_to_is_asked_for_before_the_claim_goes(
    shared_runtime: Runtime, lacks: str, of: str
) -> None:
    known = {"phone": "+31 20 555 0101", "email": "mia@example.com"} | {lacks: ""}
    with odd_adapters():
        desk = Desk(shared_runtime, vendor="fussy")
        with desk.session() as session:
            session.execute(update(Person).where(Person.client_id == desk.client_key).values(known))
        given = {"contact": faults.ContactFacts("Mia", **known)} if of == "the report" else {}

        desk.report(diagnostic_code="E1810", **given)

        assert desk.rma().state is RmaState.DRAFT
        assert desk.open_tasks()[TaskKind.INFO_MISSING].endswith("asks for: contact (name, phone and e-mail).")


# --- who pays ---


def test_labour_that_nobody_covers_makes_one_job_beside_the_claim(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    with desk.session() as session:
        factories.make_coverage(session, session.get_one(Asset, desk.asset_key()))

    desk.report()

    (job,) = desk.jobs()
    assert (job.kind, job.rma_id, job.state) == (JobKind.SWAP_LABOUR, desk.rma().id, JobState.QUOTED)
    assert {line.what: line.payer for line in job.lines} == {"call_out": Party.CLIENT, "labour": Party.CLIENT}


def test_labour_that_an_insurer_covers_is_billed_to_the_insurer(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    with desk.session() as session:
        asset = session.get_one(Asset, desk.asset_key())
        factories.make_coverage(session, asset)
        factories.make_coverage(
            session, asset, kind=CoverageKind.INSURANCE, fulfilment=Fulfilment.INSURER_CLAIM, covers=(Share.LABOUR,)
        )

    desk.report()

    (job,) = desk.jobs()
    assert (job.kind, {line.payer for line in job.lines}) == (JobKind.SWAP_LABOUR, {Party.INSURER})


def test_parts_that_the_msp_owes_by_agreement_make_one_job_at_its_own_cost(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    with desk.session() as session:
        factories.make_coverage(
            session,
            session.get_one(Asset, desk.asset_key()),
            kind=CoverageKind.MSP_AGREEMENT,
            fulfilment=Fulfilment.MSP_SUPPLY,
            covers=(Share.PARTS, Share.LABOUR),
        )

    outcome = desk.report()

    (job,) = desk.jobs()
    assert outcome.verdict.route is Route.AD_HOC
    assert (job.kind, {line.payer for line in job.lines}) == (JobKind.AGREEMENT_SWAP, {Party.MSP})


def test_hardware_of_the_msp_costs_the_client_nothing(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    change_unit(desk, ownership=Ownership.MSP)

    desk.report()

    (job,) = desk.jobs()
    assert {line.payer for line in job.lines} == {Party.MSP}


def test_a_part_without_a_price_leaves_the_job_a_draft(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    with desk.session() as session:
        asset = session.get_one(Asset, desk.asset_key())
        asset.product_id = factories.make_product(session, list_price_minor=None).id

    desk.report()

    (job,) = desk.jobs()
    assert (job.state, job.info_missing) == (JobState.DRAFT, "The part has no list price.")


# --- at the same time ---


def at_once(*each: Callable[[], Outcome]) -> list[Outcome]:
    """Do all of it at the same time; the outcomes in order."""
    together = threading.Barrier(len(each))
    outcomes: list[Any] = [None] * len(each)

    def run(place: int, one: Callable[[], Outcome]) -> None:
        together.wait()
        outcomes[place] = one()

    threads = [threading.Thread(target=run, args=arguments) for arguments in enumerate(each)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert None not in outcomes
    return outcomes


def test_two_technicians_who_report_one_unit_at_once_open_one_claim(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)

    outcomes = at_once(*[desk.report] * 4)

    routes = sorted(outcome.verdict.route for outcome in outcomes)
    assert routes == [Route.DUPLICATE] * 3 + [Route.RMA]
    (first,) = [outcome for outcome in outcomes if outcome.rma]
    with desk.session() as session:
        attached = [session.get_one(Fault, outcome.fault.id).duplicate_of_id for outcome in outcomes if not outcome.rma]
    assert attached == [first.fault.id] * 3
    assert len(desk.orders()) == 1


def test_a_unit_and_a_component_of_it_cannot_both_pass_at_once(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)

    outcomes = at_once(desk.report, lambda: desk.report(component=Component.UNIT))

    assert len([outcome for outcome in outcomes if outcome.rma]) == 1
    assert {outcome.verdict.route for outcome in outcomes} <= {Route.RMA, Route.REVIEW, Route.DUPLICATE}


def limited(desk: Desk, claims_limit: int, units: int) -> list[str]:
    """More units of the client, all under one coverage that honours only so many claims; their serials."""
    with desk.session() as session:
        client = session.get_one(Client, desk.client_key)
        made = [make_unit(session, client, manufacturer=f"Maker of {client.name}") for _ in range(units)]
        factories.make_coverage(session, client, claims_limit=claims_limit, covers=(Share.PARTS,))
        factories.make_coverage(
            session, client, kind=CoverageKind.MSP_AGREEMENT, fulfilment=Fulfilment.MSP_SUPPLY, covers=(Share.LABOUR,)
        )
        return [unit.serial_number for unit in made]


def test_the_last_claim_of_a_coverage_is_given_once(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    serials = limited(desk, claims_limit=2, units=4)

    outcomes = at_once(*[lambda serial=serial: desk.report(serial_number=serial) for serial in serials])

    routes = sorted(outcome.verdict.route for outcome in outcomes)
    assert routes == [Route.AD_HOC] * 2 + [Route.RMA] * 2
    for outcome in outcomes:
        assert (ReasonCode.LIMIT_EXHAUSTED in codes(outcome)) is (outcome.rma is None)
    parts, labour = desk.coverages()
    assert (parts.claims_reserved, labour.claims_reserved) == (2, 4)


def test_a_fault_takes_one_claim_of_a_coverage_however_often_it_is_decided(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    change_unit(desk, ownership=Ownership.LEASED)
    fault = desk.report().fault
    change_unit(desk, ownership=Ownership.CLIENT)

    for _ in range(3):
        with desk.session() as session:
            faults.decide_again(session, desk.runtime, fault.id, now=datetime.now(UTC), why="looked again")

    assert [coverage.claims_reserved for coverage in desk.coverages()] == [1, 1]
    assert desk.rma().state is RmaState.SUBMITTED


# --- deciding again ---


def decide_again(desk: Desk, fault_id: int) -> Outcome | None:
    with desk.session() as session:
        return faults.decide_again(session, desk.runtime, fault_id, now=datetime.now(UTC), why="looked again")


def test_a_review_whose_cause_was_mended_goes_on_by_itself(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    change_unit(desk, ownership=Ownership.LEASED)
    fault = desk.report().fault

    change_unit(desk, ownership=Ownership.CLIENT)
    outcome = decide_again(desk, fault.id)

    assert outcome is not None
    assert outcome.verdict.route is Route.RMA
    assert desk.fault().state is FaultState.RMA_OPEN
    assert desk.open_tasks() == {}
    assert [verdict.why for verdict in desk.verdicts()] == ["first decision", "looked again"]
    assert len(desk.orders(OrderKind.SEND_RMA)) == 1


def test_a_review_that_ends_in_review_stays_one_item(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    change_unit(desk, ownership=Ownership.LEASED)
    fault = desk.report().fault

    decide_again(desk, fault.id)

    assert set(desk.open_tasks()) == {TaskKind.REVIEW}
    assert desk.fault().state is FaultState.NEEDS_REVIEW


def test_a_fault_that_waits_for_no_decision_is_left_alone(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    fault = desk.report().fault

    assert decide_again(desk, fault.id) is None
    assert len(desk.verdicts()) == 1


def test_two_decisions_at_once_open_one_claim(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    change_unit(desk, ownership=Ownership.LEASED)
    fault = desk.report().fault
    change_unit(desk, ownership=Ownership.CLIENT)
    outcomes: list[Outcome | None] = []
    threads = [threading.Thread(target=lambda: outcomes.append(decide_again(desk, fault.id))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outcome is None for outcome in outcomes) == [False, True, True]
    assert len(desk.orders(OrderKind.SEND_RMA)) == 1
    assert [coverage.claims_reserved for coverage in desk.coverages()] == [1, 1]


def test_a_cover_that_ended_is_not_there_for_a_fault_that_came_later(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    with desk.session() as session:
        asset = session.get_one(Asset, desk.asset_key())
        ended: Coverage = factories.make_coverage(session, asset, ends_on=date(2021, 12, 31))
        assert ended.claims_reserved == 0

    outcome = desk.report()

    assert ReasonCode.EXPIRED in codes(outcome)
    assert desk.coverages()[0].claims_reserved == 0
