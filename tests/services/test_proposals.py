"""What a program takes for true of a claim moves nothing before a person says yes, and is asked once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests.desk import Desk
from warranty import db
from warranty.domain.access import OPERATOR, Principal
from warranty.domain.lifecycles import RmaState, ShipmentState
from warranty.domain.terms import Role
from warranty.models import Fault, HumanTask, Rma, Shipment
from warranty.models.work import TaskKind
from warranty.services import proposals, resolutions, reviews, rmas
from warranty.services.by_hand import NotYours
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove
from warranty.services.proposals import NOTHING, Proposal
from warranty.services.resolutions import Action, NotWaiting

if TYPE_CHECKING:
    from warranty.runtime import Runtime

NUMBER = Proposal(rma_number="R-88213", text="Your RMA number is R-88213.")
PARCEL = Proposal(rma_number="R-88213", carrier="DHL", tracking_number="JD0146", text="Sent today with DHL JD0146.")
FIRST, SECOND = Proposal(vendor_case_number="SR1"), Proposal(vendor_case_number="SR2")


@pytest.fixture
def desk(shared_runtime: Runtime) -> Desk:
    """A claim that a person talks to the vendor about."""
    desk = Desk(shared_runtime)
    desk.report()
    move(desk, RmaState.MANUAL_HANDLING)
    return desk


def move(desk: Desk, to: RmaState, **facts: Any) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        rmas.transition(session, desk.runtime, OPERATOR, rma, to, reason="by hand", now=datetime.now(UTC), **facts)


def propose(desk: Desk, *found: Proposal) -> bool:
    """Propose; whether somebody is asked anything new."""
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id, with_for_update=True)
        because = Because("system:test", "a mail", db.now(session))
        return proposals.propose(session, rma, found, why="A mail names a number.", because=because) is not None


def answer(desk: Desk, action: Action, principal: Principal = OPERATOR, **facts: Any) -> None:
    with desk.session() as session:
        items = select(HumanTask).where(HumanTask.client_id == desk.client_key, HumanTask.kind == TaskKind.PROPOSAL)
        item = session.scalars(items).one()
        now = datetime.now(UTC)
        resolutions.resolve(session, desk.runtime, principal, item, action, reason="I read it", now=now, **facts)


def parcels(desk: Desk) -> list[tuple[ShipmentState, str, str]]:
    with desk.session() as session:
        rows = session.scalars(select(Shipment).where(Shipment.rma_id == desk.rma().id))
        return [(row.state, row.carrier, row.tracking_number) for row in rows]


def test_what_is_proposed_moves_nothing_until_it_is_confirmed(desk: Desk) -> None:
    assert propose(desk, NUMBER)
    assert (desk.rma().state, desk.rma().rma_number) == (RmaState.MANUAL_HANDLING, None)
    assert desk.open_tasks()[TaskKind.PROPOSAL] == "A mail names a number."

    answer(desk, Action.CONFIRM)

    assert (desk.rma().state, desk.rma().rma_number) == (RmaState.AUTHORIZED, "R-88213")
    assert desk.open_tasks() == {}


def test_a_parcel_that_is_confirmed_is_on_its_way(desk: Desk) -> None:
    propose(desk, PARCEL)

    answer(desk, Action.CONFIRM)

    assert parcels(desk) == [(ShipmentState.IN_TRANSIT, "DHL", "JD0146")]


def test_a_parcel_of_a_claim_without_a_number_waits_until_a_person_gives_one(desk: Desk) -> None:
    propose(desk, Proposal(tracking_number="JD0146"))
    with pytest.raises(IllegalMove, match="approved claim only"):
        answer(desk, Action.CONFIRM)
    assert TaskKind.PROPOSAL in desk.open_tasks()

    answer(desk, Action.CONFIRM, numbers=Proposal(rma_number="R-1"))

    assert (desk.rma().rma_number, parcels(desk)) == ("R-1", [(ShipmentState.IN_TRANSIT, "", "JD0146")])


def test_of_two_cases_a_person_says_which_is_ours_and_the_other_is_out(desk: Desk) -> None:
    propose(desk, FIRST, SECOND)
    with pytest.raises(Invalid, match=r"1 \(SR1\), 2 \(SR2\)"):
        answer(desk, Action.CONFIRM)

    answer(desk, Action.CONFIRM, proposal=2)

    rma = desk.rma()
    assert (rma.state, rma.vendor_case_number) == (RmaState.UNDER_REVIEW, "SR2")
    assert rma.next_poll_at is not None
    assert [seen.vendor_case_number for seen in desk.sightings()] == ["SR2"]
    assert desk.open_tasks() == {}


def test_nobody_is_asked_twice_nor_what_the_claim_has_already(desk: Desk) -> None:
    assert propose(desk, FIRST, FIRST)
    assert not propose(desk, FIRST)
    answer(desk, Action.DECLINE)

    assert not propose(desk, FIRST)
    move(desk, RmaState.UNDER_REVIEW, vendor_case_number="SR2")
    assert not propose(desk, SECOND)
    assert desk.open_tasks() == {}


def test_another_claims_case_is_neither_proposed_nor_taken(shared_runtime: Runtime, desk: Desk) -> None:
    del shared_runtime
    move(desk, RmaState.UNDER_REVIEW, vendor_case_number="SR1")
    desk.report(component="psu")
    with desk.session() as session:
        other = session.scalars(select(Rma).where(Rma.client_id == desk.client_key, Rma.state == "submitted")).one()
        because = Because("system:test", "a list", db.now(session))
        assert proposals.propose(session, other, [FIRST], why="One.", because=because) is None

        with pytest.raises(IllegalMove, match="another claim's"):
            rmas.enter_numbers(session, other, vendor_case_number="SR1", rma_number=None, because=because)


def test_a_claim_of_which_every_case_is_declined_stays_with_a_person_who_is_told_what_to_do(desk: Desk) -> None:
    propose(desk, FIRST, SECOND)

    answer(desk, Action.DECLINE, proposal=1)
    assert TaskKind.PROPOSAL in desk.open_tasks()
    answer(desk, Action.DECLINE)

    assert set(desk.open_tasks()) == {TaskKind.MANUAL_HANDLING}
    assert desk.rma().client_reference in desk.open_tasks()[TaskKind.MANUAL_HANDLING]


def test_whoever_enters_what_the_vendor_said_answers_the_proposals_too(desk: Desk) -> None:
    propose(desk, FIRST, SECOND)

    move(desk, RmaState.UNDER_REVIEW, vendor_case_number="SR3")

    assert desk.open_tasks() == {}


def test_what_else_was_proposed_waits_on_when_one_is_confirmed(desk: Desk) -> None:
    propose(desk, FIRST, PARCEL)

    answer(desk, Action.CONFIRM, proposal=1)

    assert (desk.rma().state, set(desk.open_tasks())) == (RmaState.UNDER_REVIEW, {TaskKind.PROPOSAL})


def test_two_people_who_answer_at_once_answer_once(desk: Desk) -> None:
    propose(desk, FIRST, SECOND)

    def choose(place: int) -> bool:
        try:
            answer(desk, Action.CONFIRM, proposal=place)
        except NotWaiting:
            return False
        return True

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(choose, (1, 2))) == [False, True]
    assert len(desk.sightings()) == 1


def test_a_technician_says_whether_a_number_is_true_and_decides_nothing_else(desk: Desk) -> None:
    technician = Principal(user_id=None, actor="user:1", role=Role.TECHNICIAN)
    propose(desk, NUMBER)
    with pytest.raises(NotYours):
        answer(desk, Action.REJECT, technician)

    answer(desk, Action.CONFIRM, technician)

    assert desk.rma().rma_number == "R-88213"


def test_only_a_proposal_can_be_confirmed(desk: Desk) -> None:
    with desk.session() as session:
        fault = session.get_one(Fault, desk.fault().id)
        because = Because("system:test", "why", db.now(session))
        task = reviews.ask(session, fault, TaskKind.ATTENTION, "Look.", because)
        with pytest.raises(NotWaiting, match="Nothing is proposed"):
            resolutions.resolve(
                session, desk.runtime, OPERATOR, task, Action.CONFIRM, reason="yes", now=because.at, numbers=NOTHING
            )
    assert TaskKind.ATTENTION in desk.open_tasks()
