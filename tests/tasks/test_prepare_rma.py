"""A claim for parts waits for the vendor's list of them, and goes by itself as soon as nothing is missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.desk import Desk, odd_adapters
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import FaultState, JobState, RmaState
from warranty.domain.terms import Component
from warranty.models import AdHocJob, Asset, Outbox, Rma, Site, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import by_hand, drafts, estate, hearing, inputs, moves, preparing, rmas, work
from warranty.services.estate import Invalid
from warranty.services.faults import ContactFacts, ShipToFacts
from warranty.services.moves import Because, IllegalMove
from warranty.services.preparing import Given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendors.contract import VendorCase
    from warranty.runtime import Runtime

TRIED = {"troubleshooting": "Reseated it."}


@pytest.fixture(autouse=True)
def _odd() -> Iterator[None]:
    with odd_adapters():
        yield


@pytest.fixture
def desk(shared_runtime: Runtime, twin: Twin) -> Desk:
    """A unit whose vendor lists four parts, two of them disks."""
    return Desk(shared_runtime, twin, vendor="stocked")


def prepare(desk: Desk) -> None:
    """Do what was ordered to make drafts ready, and is due."""
    for order in desk.orders(OrderKind.PREPARE_RMA):
        tasks.perform(desk.runtime, order.id)


def give(desk: Desk, **given: Any) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        preparing.give(session, desk.runtime, OPERATOR, rma, Given(**given), now=db.now(session))


def transition(desk: Desk, to: RmaState, **facts: Any) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        rmas.transition(session, desk.runtime, OPERATOR, rma, to, reason="by hand", now=datetime.now(UTC), **facts)


def asked(desk: Desk) -> int:
    """How often the vendor was asked for its list."""
    return sum(call.method == "GET" for call in desk.calls())


# --- parts ---


def test_a_part_that_can_only_be_one_is_chosen_and_the_claim_goes_without_a_person(desk: Desk) -> None:
    desk.report(component=Component.PSU, **TRIED)
    assert (desk.rma().state, desk.open_tasks(), desk.calls()) == (RmaState.DRAFT, {}, [])

    prepare(desk)
    assert (desk.rma().state, desk.rma().parts) == (RmaState.SUBMITTED, ["PSU"])

    desk.perform(OrderKind.SEND_RMA)
    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert "Parts: PSU" in desk.twin.opened[0]["record"]["description"]
    assert desk.open_tasks() == {}


@pytest.mark.parametrize(("component", "named"), [("disk", ["DSK1", "DSK2"]), ("memory", [])])
def test_where_several_parts_fit_or_none_a_person_chooses(desk: Desk, component: str, named: list[str]) -> None:
    desk.report(component=Component(component), **TRIED)
    prepare(desk)
    assert desk.rma().state is RmaState.DRAFT
    why = desk.open_tasks()[TaskKind.INFO_MISSING]
    assert [code for code in ("PSU", "DSK1", "DSK2", "FAN") if f"{code} (" in why] == named

    with pytest.raises(Invalid, match="does not list CPU"):
        give(desk, parts=("CPU",))
    give(desk, parts=("DSK2", "FAN"))

    assert (desk.rma().state, desk.rma().parts) == (RmaState.SUBMITTED, ["DSK2", "FAN"])
    assert desk.open_tasks() == {}
    assert asked(desk) == 1


def test_a_list_is_asked_for_once_for_all_claims_of_the_unit_until_a_person_wants_it_afresh(desk: Desk) -> None:
    desk.report(component=Component.PSU, **TRIED)
    desk.report(component=Component.FAN, **TRIED)
    desk.report(component=Component.DISK, **TRIED)
    assert len(desk.orders(OrderKind.PREPARE_RMA)) == 1
    prepare(desk)
    prepare(desk)
    assert asked(desk) == 1
    assert sorted(state for state, _ in claims(desk)) == ["draft", "submitted", "submitted"]

    with desk.session() as session:
        draft = next(row for row in session.scalars(of_desk(desk)) if row.state is RmaState.DRAFT)
        drafts.order(session, draft, now=db.now(session), afresh=True)
    prepare(desk)
    assert asked(desk) == 2


def of_desk(desk: Desk) -> Any:
    return select(Rma).where(Rma.client_id == desk.client_key)


def claims(desk: Desk) -> list[tuple[RmaState, list[str]]]:
    with desk.session() as session:
        return [(row.state, row.parts) for row in session.scalars(of_desk(desk))]


def test_everything_that_is_missing_is_named_with_the_place_where_it_is_given(desk: Desk) -> None:
    with desk.session() as session:
        site = session.get_one(Site, session.get_one(Asset, desk.asset_key()).site_id)
        site.address = {**site.address, "country": ""}
        name = site.name
    desk.report(component=Component.DISK)
    prepare(desk)

    why = desk.open_tasks()[TaskKind.INFO_MISSING]
    assert "asks for: diagnosis." in why
    assert f"country: fill it in at the site of {name}." in why
    assert "2 parts of its list" in why

    give(desk, diagnostic_code="2000-0142", parts=("DSK1",))
    assert desk.rma().state is RmaState.DRAFT
    with desk.session() as session:
        site = session.get_one(Site, session.get_one(Asset, desk.asset_key()).site_id)
        estate.correct_site(session, site, address={"country": "NL"}, because=factories.BECAUSE)
    prepare(desk)
    assert (desk.rma().state, desk.open_tasks()) == (RmaState.SUBMITTED, {})


def test_an_outage_is_waited_for_without_a_person(desk: Desk) -> None:
    desk.report(component=Component.PSU, **TRIED)
    for trouble in ("lookup_error_rate", "throttle"):
        desk.twin.behave("servicenow", **{trouble: 1.0})
        prepare(desk)
        desk.twin.behave("servicenow", **{trouble: 0.0})
        assert (desk.rma().state, desk.open_tasks()) == (RmaState.DRAFT, {})
        assert desk.order().status is OrderStatus.PENDING
        desk.let_pass(400)

    prepare(desk)
    assert desk.rma().state is RmaState.SUBMITTED


def test_credentials_that_are_refused_are_a_persons_and_mending_them_goes_on(shared_runtime: Runtime) -> None:
    with Twin("servicenow", credentials=("us", "another password")) as twin:
        desk = Desk(shared_runtime, twin, vendor="stocked")
        desk.report(component=Component.PSU, **TRIED)
        prepare(desk)
        assert "does not accept our credentials" in desk.open_tasks()[TaskKind.INFO_MISSING]
        assert desk.order().status is OrderStatus.PARKED

        desk.change_account(secrets=shared_runtime.box.seal({"username": "us", "password": "another password"}))
        with desk.session() as session:
            account = session.get_one(VendorAccount, desk.account_id)
            rmas.go_on(session, account, Because("user:1", "mended", db.now(session)))
        prepare(desk)
        assert (desk.rma().state, desk.open_tasks()) == (RmaState.SUBMITTED, {})


def test_what_was_tried_for_a_day_or_breaks_off_each_time_is_a_persons(desk: Desk) -> None:
    desk.report(component=Component.PSU, **TRIED)
    with desk.session() as session:
        session.get_one(Outbox, desk.order().id).stumbles = work.MAX_STUMBLES
    prepare(desk)

    assert desk.order().status is OrderStatus.DEAD
    assert set(desk.open_tasks()) == {TaskKind.INFO_MISSING}
    give(desk, parts=("PSU",))  # whoever knows it needs no list
    assert desk.rma().state is RmaState.SUBMITTED


def test_a_worker_that_dies_after_the_answer_leaves_nothing_half_done(desk: Desk) -> None:
    desk.report(component=Component.PSU, **TRIED)
    with desk.session() as session:
        assert work.claim(session, desk.order().id, lease_s=1) is not None
    desk.let_pass(60)

    prepare(desk)
    prepare(desk)

    assert desk.rma().state is RmaState.SUBMITTED
    assert len(desk.orders(OrderKind.SEND_RMA)) == 1


def test_two_people_who_choose_at_once_send_one_claim(desk: Desk) -> None:
    desk.report(component=Component.DISK, **TRIED)
    prepare(desk)

    def choose(code: str) -> bool:
        try:
            give(desk, parts=(code,))
        except IllegalMove:
            return False
        return True

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(choose, ("DSK1", "DSK2"))) == [False, True]
    assert len(desk.orders(OrderKind.SEND_RMA)) == 1


# --- what the vendor requires beside ---


def test_what_a_person_gives_goes_to_the_vendor(desk: Desk) -> None:
    desk.report(component=Component.PSU)
    prepare(desk)
    contact = ContactFacts("Jo", "+31 20 1", "jo@client.example")
    give(desk, contact=contact, ship_to=ShipToFacts("Dock 4", {"address_line1": "Kade 9"}), troubleshooting="Tried.")

    with desk.session() as session:
        request = rmas.request_of(session, desk.rma())
    assert (request.contact and request.contact.name, request.ship_to and request.ship_to.address_line1) == (
        "Jo",
        "Kade 9",
    )
    assert (request.troubleshooting, desk.rma().state) == ("Tried.", RmaState.SUBMITTED)


def test_nobody_sends_a_draft_that_lacks_something(desk: Desk) -> None:
    desk.report(component=Component.DISK)
    with pytest.raises(IllegalMove, match="not here yet"):
        transition(desk, RmaState.SUBMITTED)
    prepare(desk)

    with pytest.raises(IllegalMove, match="asks for: diagnosis"):
        transition(desk, RmaState.SUBMITTED, parts=("DSK1",))
    give(desk, **TRIED)
    transition(desk, RmaState.SUBMITTED, parts=("DSK1",))

    assert desk.rma().parts == ["DSK1"]


def test_a_component_that_the_vendor_takes_by_hand_goes_to_a_person_at_once(desk: Desk) -> None:
    desk.report(component=Component.UNIT, **TRIED)

    assert (desk.rma().state, desk.orders()) == (RmaState.MANUAL_HANDLING, [])
    why = desk.open_tasks()[TaskKind.MANUAL_HANDLING]
    assert "claims for a unit by hand" in why
    assert "Send the whole unit in. https://portal.stocked.example/returns" in why


# --- a denied claim ---


def denied(desk: Desk) -> None:
    """Let the vendor deny the claim that it has, and tell us."""
    number = desk.rma().vendor_case_number
    assert number is not None
    desk.twin.move(number, state="denied", close_notes="Not a fault.")
    hear(desk, read(desk))


def read(desk: Desk) -> VendorCase:
    vendor = rmas.accounts.Line(desk.runtime, desk.account()).open()
    return next(iter(vendor.read_cases([desk.rma().vendor_case_number or ""])))


def hear(desk: Desk, case: VendorCase) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id, with_for_update=True)
        account = session.get_one(VendorAccount, desk.account_id)
        hearing.hear(session, desk.runtime, rma, case, account=account, now=db.now(session))


@pytest.fixture
def refused(desk: Desk) -> Desk:
    """A claim that the vendor has denied."""
    desk.report(component=Component.PSU, **TRIED)
    prepare(desk)
    desk.perform(OrderKind.SEND_RMA)
    denied(desk)
    return desk


def test_a_denied_claim_is_sent_again_as_the_same_case_with_other_parts(refused: Desk) -> None:
    assert (refused.rma().state, refused.rma().denials) == (RmaState.DENIED, 1)

    transition(refused, RmaState.SUBMITTED, parts=("PSU", "FAN"))
    assert refused.fault().state is FaultState.RMA_OPEN
    assert [job.state for job in refused.jobs()] == [JobState.CANCELLED]
    assert refused.open_tasks() == {}
    hear(refused, read(refused))  # a poll that comes in meanwhile says what it said before
    assert refused.rma().state is RmaState.SUBMITTED
    tasks.perform(refused.runtime, refused.orders(OrderKind.SEND_RMA)[-1].id)

    assert refused.rma().state is RmaState.UNDER_REVIEW
    assert len(refused.twin.opened) == 1
    assert ["PSU, FAN" in call.request for call in refused.calls() if call.method == "PATCH"] == [True]


def test_a_claim_is_sent_again_only_as_often_as_the_vendor_takes_it(refused: Desk) -> None:
    transition(refused, RmaState.SUBMITTED)
    tasks.perform(refused.runtime, refused.orders(OrderKind.SEND_RMA)[-1].id)
    refused.twin.move(refused.rma().vendor_case_number or "", state="under_review")
    with refused.session() as session:
        session.get_one(Rma, refused.rma().id).vendor_changed_at = None
    denied(refused)
    assert (refused.rma().state, refused.rma().denials) == (RmaState.DENIED, 2)

    with pytest.raises(IllegalMove, match="denied it 2 times and takes it no more: a new claim"):
        transition(refused, RmaState.SUBMITTED)
    with refused.session() as session:
        job = session.get_one(AdHocJob, refused.jobs()[-1].id)
        by_hand.move_job(session, OPERATOR, job, JobState.CANCELLED, reason="claim it anew", now=db.now(session))
    assert TaskKind.DENIED not in refused.open_tasks()
    tasks.perform(refused.runtime, refused.orders(OrderKind.DECIDE_AGAIN)[-1].id)
    assert sorted(state for state, _ in claims(refused)) == ["closed", "draft"]


def test_a_claim_whose_job_was_approved_is_not_sent_again(refused: Desk) -> None:
    with refused.session() as session:
        job = session.get_one(AdHocJob, refused.jobs()[0].id)
        moves.move(session, job, JobState.AWAITING_APPROVAL, Because("user:1", "asked", db.now(session)))
        moves.move(session, job, JobState.APPROVED, Because("user:2", "yes", db.now(session)))

    with pytest.raises(IllegalMove, match="cancel or credit it first"):
        transition(refused, RmaState.SUBMITTED)


def test_a_claim_that_may_have_been_sent_again_is_not_found_while_it_stands_denied_as_before(refused: Desk) -> None:
    transition(refused, RmaState.SUBMITTED)
    order = refused.orders(OrderKind.SEND_RMA)[-1]
    with refused.session() as session:
        claimed = work.claim(session, order.id, lease_s=1)
        assert claimed is not None
        assert work.mark_send(session, claimed, budget_s=0)
    refused.let_pass(60)

    tasks.perform(refused.runtime, order.id)

    assert refused.rma().state is RmaState.UNDER_REVIEW  # searched for, not found, sent
    assert [call.method for call in refused.calls()].count("PATCH") == 1


def test_what_is_offered_is_marked_with_what_is_proposed(desk: Desk) -> None:
    desk.report(component=Component.DISK, **TRIED)
    prepare(desk)

    with desk.session() as session:
        known = inputs.of_claim(session, desk.runtime, desk.rma())

    assert known.proposed == ("DSK1", "DSK2")
    assert [offer.code for offer in known.offered or ()] == ["PSU", "DSK1", "DSK2", "FAN"]
