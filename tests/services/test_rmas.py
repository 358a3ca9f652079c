"""What moves a claim after it was sent: the vendor's words, in whatever order they come, and a person's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.desk import Desk
from vendors.contract import ShipmentDirection as Direction
from vendors.contract import VendorCase, VendorShipment, VendorStatus
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import FaultState, JobState, RmaState, ShipmentDirection, ShipmentState, SwapState
from warranty.domain.terms import JobKind, Party, Route, Share
from warranty.models import AdHocJob, Asset, AuditRow, Client, Outbox, Rma, Shipment, Swap, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import accounts, hearing, moves, rmas, work
from warranty.services.faults import ContactFacts, ShipToFacts
from warranty.services.moves import Because, IllegalMove

if TYPE_CHECKING:
    from warranty.runtime import Runtime

RECEIVED = VendorCase("C-1", VendorStatus.RECEIVED, vendor_status="new")
APPROVED = VendorCase("C-1", VendorStatus.APPROVED, vendor_status="ok", rma_number="RMA-1")
PARCEL = VendorShipment(Direction.TO_US, carrier="UPS", tracking_number="1Z")
SHIPPED = VendorCase("C-1", VendorStatus.SHIPPED, vendor_status="sent", rma_number="RMA-1", shipments=(PARCEL,))
DENIED = VendorCase("C-1", VendorStatus.DENIED, vendor_status="no", reason="Liquid damage is not covered.")
CANCELLED = VendorCase("C-1", VendorStatus.CANCELLED, vendor_status="gone")


@pytest.fixture
def desk(shared_runtime: Runtime) -> Desk:
    desk = Desk(shared_runtime)
    desk.report()
    return desk


def hear(desk: Desk, *cases: VendorCase) -> None:
    """Let the vendor say something, each in a transaction of its own."""
    for case in cases:
        with desk.session() as session:
            rma = session.get_one(Rma, desk.rma().id)
            account = session.get_one(VendorAccount, desk.account_id)
            hearing.hear(session, desk.runtime, rma, case, account=account, now=db.now(session))


def goods(desk: Desk) -> dict[ShipmentDirection, Shipment]:
    with desk.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(Shipment).where(Shipment.rma_id == desk.rma().id))
        return {row.direction: row for row in rows}


def swaps(desk: Desk) -> list[SwapState]:
    with desk.session() as session:
        return list(session.scalars(select(Swap.state).where(Swap.rma_id == desk.rma().id)))


def transition(desk: Desk, to: RmaState, **facts: Any) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        rmas.transition(session, desk.runtime, OPERATOR, rma, to, reason="they told me", now=datetime.now(UTC), **facts)


# --- the vendor's words ---


def test_an_acknowledgement_is_polled_on_and_an_approval_plans_the_swap(desk: Desk) -> None:
    hear(desk, RECEIVED)
    assert (desk.rma().state, desk.rma().vendor_case_number) == (RmaState.UNDER_REVIEW, "C-1")
    assert desk.rma().next_poll_at is not None

    hear(desk, APPROVED)
    assert (desk.rma().state, desk.rma().rma_number) == (RmaState.AUTHORIZED, "RMA-1")
    assert {way: parcel.state for way, parcel in goods(desk).items()} == {
        ShipmentDirection.TO_US: ShipmentState.EXPECTED
    }
    assert swaps(desk) == [SwapState.PLANNED]
    assert desk.rma().next_poll_at is not None  # it is polled until it is closed


def test_a_word_that_skips_states_walks_them_with_a_row_for_each(desk: Desk) -> None:
    hear(desk, SHIPPED)

    assert desk.rma().state is RmaState.AUTHORIZED
    parcel = goods(desk)[ShipmentDirection.TO_US]
    assert (parcel.state, parcel.carrier, parcel.tracking_number) == (ShipmentState.IN_TRANSIT, "UPS", "1Z")
    assert desk.moves("rma")[-1] == ("submitted", "authorized", "implied")
    assert [new for _, new, _ in desk.moves("shipment")] == ["expected", "in_transit"]


def test_the_same_word_again_moves_nothing_and_leaves_no_row(desk: Desk) -> None:
    hear(desk, RECEIVED, APPROVED)
    before = audit_rows(desk)

    hear(desk, APPROVED, APPROVED)

    assert audit_rows(desk) == before
    assert swaps(desk) == [SwapState.PLANNED]


def audit_rows(desk: Desk) -> int:
    with desk.session() as session:
        return len(session.scalars(select(AuditRow.id).where(AuditRow.client_id == desk.client_key)).all())


def test_whatever_order_the_words_come_in_the_claim_ends_where_the_last_state_is(shared_runtime: Runtime) -> None:
    for order in permutations((RECEIVED, APPROVED, SHIPPED)):
        desk = Desk(shared_runtime)
        desk.report()

        hear(desk, *order)

        assert desk.rma().state is RmaState.AUTHORIZED, order
        assert goods(desk)[ShipmentDirection.TO_US].state is ShipmentState.IN_TRANSIT
        assert swaps(desk) == [SwapState.PLANNED]


def test_an_approval_without_a_number_waits_for_it_and_is_flagged(desk: Desk) -> None:
    hear(desk, VendorCase("C-1", VendorStatus.APPROVED, vendor_status="ok"))

    assert desk.rma().state is RmaState.UNDER_REVIEW
    assert "no_rma_number" in desk.open_tasks()[TaskKind.ATTENTION]
    hear(desk, VendorCase("C-1", VendorStatus.APPROVED, vendor_status="ok", rma_number="RMA-1"))
    assert desk.rma().state is RmaState.AUTHORIZED


def test_another_rma_number_is_not_taken_for_ours_and_is_flagged_once(desk: Desk) -> None:
    def approved(number: str) -> VendorCase:
        return VendorCase("C-1", VendorStatus.APPROVED, "Approved", rma_number=number, changed_at=datetime.now(UTC))

    hear(desk, approved("R-1"), approved("R-2"))

    assert desk.rma().rma_number == "R-1"
    assert "R-2" in desk.open_tasks()[TaskKind.ATTENTION]


def test_an_unknown_word_is_kept_flagged_and_moves_nothing(desk: Desk) -> None:
    hear(desk, RECEIVED, VendorCase("C-1", VendorStatus.UNKNOWN, vendor_status="quux"))

    assert (desk.rma().state, desk.rma().vendor_status) == (RmaState.UNDER_REVIEW, "quux")
    assert "quux" in desk.open_tasks()[TaskKind.ATTENTION]
    assert desk.rma().needs_attention


@pytest.mark.parametrize("found", [False, True])
def test_a_case_with_an_unknown_word_was_received_all_the_same(desk: Desk, *, found: bool) -> None:
    stood = RmaState.OUTCOME_UNKNOWN if found else RmaState.SUBMITTED
    with desk.session() as session:
        order = work.claim(session, desk.order().id, lease_s=60)
        assert order is not None
        if found:  # by the search after an open whose answer was lost
            rmas.doubt(
                session, session.get_one(Rma, desk.rma().id), Because("system:send_rma", "lost", db.now(session))
            )
        account = desk.account()
        case = VendorCase("C-1", VendorStatus.UNKNOWN, vendor_status="quux")
        can = accounts.capabilities(desk.runtime, account)
        rmas.settle(session, desk.runtime, order, account, can, case)

    assert (desk.rma().state, desk.rma().vendor_case_number) == (RmaState.UNDER_REVIEW, "C-1")
    assert desk.moves("rma")[-1] == (stood, RmaState.UNDER_REVIEW, "implied")
    assert desk.rma().vendor_status == "quux"
    assert set(desk.open_tasks()) == {TaskKind.ATTENTION}
    assert desk.rma().next_poll_at is not None


def test_a_word_that_is_older_than_the_last_one_changes_nothing(desk: Desk) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    hear(desk, replace(APPROVED, changed_at=noon))
    before, rows = desk.rma(), audit_rows(desk)

    hear(desk, replace(DENIED, changed_at=noon - timedelta(seconds=1)))

    assert [getattr(desk.rma(), column.name) for column in Rma.__table__.columns] == [
        getattr(before, column.name) for column in Rma.__table__.columns
    ]
    assert (audit_rows(desk), desk.jobs()) == (rows, [])
    hear(desk, replace(SHIPPED, changed_at=noon))  # a second is all that some vendors tell
    assert goods(desk)[ShipmentDirection.TO_US].state is ShipmentState.IN_TRANSIT


def test_a_vendor_whose_clock_runs_ahead_is_still_heard(desk: Desk) -> None:
    hear(desk, replace(RECEIVED, changed_at=datetime.now(UTC) + timedelta(days=900)))

    hear(desk, replace(APPROVED, changed_at=datetime.now(UTC) + timedelta(minutes=1)))

    assert desk.rma().state is RmaState.AUTHORIZED


def test_a_return_that_is_due_says_when(desk: Desk) -> None:
    due = VendorCase(
        "C-1", VendorStatus.RETURN_DUE, vendor_status="back", rma_number="RMA-1", return_due_on=date(2026, 4, 1)
    )
    hear(desk, APPROVED, due)

    parcel = goods(desk)[ShipmentDirection.TO_VENDOR]
    assert (parcel.state, parcel.due_on) == (ShipmentState.DUE, date(2026, 4, 1))


# --- denial ---


def test_a_denial_makes_a_priced_job_of_the_same_fault_with_the_vendors_reason(desk: Desk) -> None:
    hear(desk, RECEIVED, DENIED)

    (job,) = desk.jobs()
    first, second = desk.verdicts()
    assert desk.rma().state is RmaState.DENIED
    assert desk.fault().state is FaultState.AD_HOC_OPEN
    assert (job.kind, job.rma_id, job.vendor_reason) == (JobKind.UNCOVERED_SWAP, desk.rma().id, DENIED.reason)
    assert (first.route, second.route) == (Route.RMA, Route.AD_HOC)
    assert second.case_document == first.case_document
    assert DENIED.reason in second.why
    assert desk.open_tasks()[TaskKind.DENIED] == DENIED.reason
    assert desk.rma().next_poll_at is not None  # the vendor may still think better of it


def test_a_denial_leaves_the_labour_with_whoever_else_covers_it_and_gives_the_parts_claim_back(desk: Desk) -> None:
    parts, labour = desk.coverages()
    assert (parts.claims_reserved, labour.claims_reserved) == (1, 1)

    hear(desk, DENIED)

    parts, labour = desk.coverages()
    assert (parts.claims_reserved, labour.claims_reserved) == (0, 1)
    (job,) = desk.jobs()
    assert {line.share: line.payer for line in job.lines} == {Share.PARTS: Party.CLIENT, Share.LABOUR: Party.MSP}


def test_a_denial_takes_labour_that_nobody_approved_yet_into_the_new_job(shared_runtime: Runtime) -> None:
    desk = partly_covered(shared_runtime)

    hear(desk, DENIED)

    old, new = desk.jobs()
    assert (old.kind, old.state) == (JobKind.SWAP_LABOUR, JobState.CANCELLED)
    assert {line.share for line in new.lines} == {Share.PARTS, Share.LABOUR}
    assert [coverage.claims_reserved for coverage in desk.coverages()] == [0]


def test_a_denial_does_not_charge_approved_labour_twice(shared_runtime: Runtime) -> None:
    desk = partly_covered(shared_runtime)
    with desk.session() as session:
        job = session.get_one(AdHocJob, desk.jobs()[0].id)
        moves.move(session, job, JobState.APPROVED, Because("user:1", "yes", db.now(session)))

    hear(desk, DENIED)

    old, new = desk.jobs()
    assert old.state is JobState.APPROVED
    assert {line.share for line in new.lines} == {Share.PARTS}


def partly_covered(runtime: Runtime) -> Desk:
    """A claim for parts, beside a job for the labour that nobody covers."""
    desk = Desk(runtime, covered=False)
    with desk.session() as session:
        factories.make_coverage(session, session.get_one(Asset, desk.asset_key()))
    desk.report()
    return desk


def test_a_claim_refused_at_opening_without_a_case_is_denied_too(desk: Desk) -> None:
    hear(desk, VendorCase(None, VendorStatus.DENIED, vendor_status="E4", reason="Out of contract."))

    assert (desk.rma().state, desk.rma().vendor_case_number) == (RmaState.DENIED, None)
    assert desk.rma().next_poll_at is None
    assert desk.open_tasks()[TaskKind.DENIED] == "Out of contract."


# --- cancellation ---


def test_a_cancelled_claim_gives_its_claims_back_and_is_decided_again(desk: Desk) -> None:
    hear(desk, APPROVED, CANCELLED)

    assert (desk.rma().state, desk.rma().is_open) == (RmaState.CANCELLED, False)
    assert swaps(desk) == [SwapState.ABANDONED]
    assert desk.fault().state is FaultState.ENTITLEMENT_CHECK
    assert [coverage.claims_reserved for coverage in desk.coverages()] == [0, 0]
    assert len(desk.orders(OrderKind.DECIDE_AGAIN)) == 1
    assert "cancelled_by_vendor" in desk.open_tasks()[TaskKind.ATTENTION]


def test_a_cancellation_with_goods_under_way_is_for_a_person(desk: Desk) -> None:
    hear(desk, SHIPPED, CANCELLED)

    assert desk.rma().state is RmaState.AUTHORIZED
    assert "goods_have_moved" in desk.open_tasks()[TaskKind.ATTENTION]


# --- what a person does ---


def test_a_claim_made_by_hand_is_written_down_with_its_numbers(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, vendor="manual")
    desk.report()

    transition(desk, RmaState.AUTHORIZED, vendor_case_number="C-7", rma_number="RMA-7")

    rma = desk.rma()
    assert (rma.state, rma.vendor_case_number, rma.rma_number) == (RmaState.AUTHORIZED, "C-7", "RMA-7")
    assert rma.next_poll_at is None  # there is nobody to ask
    assert swaps(desk) == [SwapState.PLANNED]
    assert desk.open_tasks() == {}


def test_nobody_authorises_without_a_number(desk: Desk) -> None:
    with pytest.raises(IllegalMove, match="needs the RMA number"):
        transition(desk, RmaState.AUTHORIZED)

    assert desk.rma().state is RmaState.SUBMITTED


def test_a_case_opened_by_telephone_is_polled_from_then_on(desk: Desk) -> None:
    transition(desk, RmaState.MANUAL_HANDLING)
    transition(desk, RmaState.UNDER_REVIEW, vendor_case_number="C-9")

    assert desk.rma().next_poll_at is not None


def test_a_denial_heard_by_telephone_is_one_like_any_other(desk: Desk) -> None:
    transition(desk, RmaState.MANUAL_HANDLING)
    transition(desk, RmaState.DENIED)

    assert desk.jobs()[0].vendor_reason == "they told me"
    assert desk.fault().state is FaultState.AD_HOC_OPEN


def test_a_draft_goes_out_once_an_account_was_added_for_it(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, vendor=None)
    desk.report()
    with pytest.raises(IllegalMove, match="no vendor account"):
        transition(desk, RmaState.SUBMITTED)

    with desk.session() as session:
        account_id = factories.make_account(session, shared_runtime, manufacturers=[maker_of(desk)]).id
    transition(desk, RmaState.SUBMITTED)

    assert (desk.rma().state, desk.rma().account_id) == (RmaState.SUBMITTED, account_id)
    assert desk.order(OrderKind.SEND_RMA).account_id == account_id
    assert desk.open_tasks() == {}


def maker_of(desk: Desk) -> str:
    with desk.runtime.database.read(db.EVERYBODY) as session:
        return f"Maker of {session.get_one(Client, desk.client_key).name}"


def test_a_draft_is_not_sent_to_an_account_that_takes_claims_by_hand(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, vendor=None)
    desk.report()
    with desk.session() as session:
        factories.make_account(
            session, shared_runtime, "manual", manufacturers=[maker_of(desk)], base_url=None, secrets={}
        )

    with pytest.raises(IllegalMove, match="by itself"):
        transition(desk, RmaState.SUBMITTED)
    transition(desk, RmaState.MANUAL_HANDLING)
    assert desk.orders(OrderKind.SEND_RMA) == []


def test_a_claim_that_nobody_has_sent_yet_can_be_cancelled_and_one_that_may_have_left_cannot(desk: Desk) -> None:
    with desk.session() as session:
        order = work.claim(session, desk.order().id, lease_s=60)
        assert order is not None
        assert work.mark_send(session, order, budget_s=1)

    with pytest.raises(IllegalMove, match="may have reached the vendor"):
        transition(desk, RmaState.CANCELLED)
    assert desk.rma().state is RmaState.SUBMITTED

    with desk.session() as session:
        session.get_one(Outbox, desk.order().id).last_send = None
    transition(desk, RmaState.CANCELLED)
    assert desk.rma().state is RmaState.CANCELLED


def test_only_a_search_says_that_a_claim_never_arrived(desk: Desk) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        moves.move(session, rma, RmaState.OUTCOME_UNKNOWN, Because("system:test", "so it was", db.now(session)))

    with pytest.raises(IllegalMove, match="for the search"):
        transition(desk, RmaState.SUBMITTED)


def test_a_mended_claim_goes_on_with_its_own_order(desk: Desk) -> None:
    with desk.session() as session:
        order = work.claim(session, desk.order().id, lease_s=60)
        assert order is not None
        work.end(session, order, OrderStatus.PARKED, error="400")
        rma = session.get_one(Rma, desk.rma().id)
        moves.move(session, rma, RmaState.SUBMIT_FAILED, Because("system:test", "400", db.now(session)))

    transition(desk, RmaState.SUBMITTED)

    assert desk.order().status is OrderStatus.PENDING  # the same one: what it knows of an earlier send is kept


def test_goods_under_way_cannot_be_cancelled(desk: Desk) -> None:
    hear(desk, SHIPPED)

    with pytest.raises(IllegalMove, match="goods are under way"):
        transition(desk, RmaState.CANCELLED)


# --- what is sent ---


def test_the_vendor_is_told_the_unit_the_fault_and_where_to_send_the_part(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report(component_ref="bay 3", severity=2, troubleshooting="reseated")
    with desk.session() as session:
        request = rmas.request_of(session, session.get_one(Rma, desk.rma().id))

    assert request.client_reference == desk.rma().client_reference
    assert (request.unit.serial_number, request.unit.country) == (desk.serial, "NL")
    assert (request.component, request.component_ref, request.severity) == ("disk", "bay 3", 2)
    assert (request.product_name[:5], request.troubleshooting) == ("Model", "reseated")
    assert request.contact is not None
    assert request.contact.name == "Mia de Vries"
    assert request.contact.pseudonym.startswith("person:")
    assert request.ship_to is not None
    assert (request.ship_to.city, request.ship_to.country) == ("Amsterdam", "NL")
    assert request.contract_number == desk.coverages()[0].contract_number


def test_the_reports_own_contact_and_address_come_before_those_of_the_site(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    elsewhere = {"address_line1": "Hafen 2", "city": "Bremen", "postal_code": "28195", "country": "DE"}
    desk.report(contact=ContactFacts("Jan", "+49 1"), ship_to=ShipToFacts("Ole", elsewhere))
    with desk.session() as session:
        request = rmas.request_of(session, session.get_one(Rma, desk.rma().id))

    assert request.contact is not None
    assert (request.contact.name, request.contact.phone) == ("Jan", "+49 1")
    assert request.ship_to is not None
    assert (request.ship_to.name, request.ship_to.city) == ("Ole", "Bremen")
