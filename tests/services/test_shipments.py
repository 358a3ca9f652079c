"""Parcels and what vendors say of them; RMA numbers that run out; which rows they put on the board."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests.desk import Desk
from vendors.contract import ShipmentDirection as Way
from vendors.contract import VendorCase, VendorShipment, VendorStatus
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import (
    SHIPMENT_TO_US_MOVES,
    SHIPMENT_TO_VENDOR_MOVES,
    RmaState,
    ShipmentDirection,
    ShipmentState,
)
from warranty.models import HumanTask, Rma, Shipment, VendorAccount
from warranty.models.work import TaskKind
from warranty.services import board, hearing, moves, rmas, shipments
from warranty.services.board import Clock, Filters, OtherKind
from warranty.services.moves import IllegalMove
from warranty.services.shipments import NOTHING_SAID, Parcel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SAY: dict[str, Any] = {"reason": "It was seen.", "now": NOW}
P, TO_US, TO_VENDOR = ShipmentState, ShipmentDirection.TO_US, ShipmentDirection.TO_VENDOR


class Counter:
    """A desk whose claim is approved under a number; what its vendor says is heard without a line to it."""

    def __init__(self, runtime: Runtime) -> None:
        self.desk = Desk(runtime, vendor="manual")
        self.desk.report()
        with self.session() as session:
            rma = self.rma(session)
            rmas.transition(
                session, runtime, OPERATOR, rma, RmaState.AUTHORIZED, vendor_case_number="C-1", rma_number="R-1", **SAY
            )

    def session(self) -> AbstractContextManager[Session]:
        """A transaction that sees everything."""
        return self.desk.runtime.database.begin(db.EVERYBODY)

    def rma(self, session: Session) -> Rma:
        """Its claim."""
        return session.get_one(Rma, self.desk.rma().id)

    def parcels(self, session: Session, direction: ShipmentDirection = TO_US) -> list[Shipment]:
        """The claim's parcels of one direction, the oldest first."""
        return [one for one in shipments.of_claim(session, self.rma(session)) if one.direction is direction]

    def hear(self, session: Session, status: VendorStatus, *told: VendorShipment, word: str = "") -> None:
        """Hear a word of the vendor, and what it tells of parcels."""
        rma = self.rma(session)
        account = session.get_one(VendorAccount, rma.account_id)
        case = VendorCase("C-1", status, word or status.value, rma_number=rma.rma_number, shipments=told)
        hearing.hear(session, self.desk.runtime, rma, case, account=account, now=NOW)

    def go(self, session: Session, parcel: Shipment, *path: ShipmentState) -> None:
        """Move a parcel by hand, a return with what proves that it was sent."""
        for to in path:
            known = Parcel() if parcel.direction is TO_US else Parcel("UPS", f"1Z-{parcel.id}")
            shipments.move(session, OPERATOR, parcel, to, known, **SAY)

    def tasks(self, session: Session) -> set[TaskKind]:
        """What waits for a person."""
        waits = select(HumanTask.kind).where(HumanTask.resolved_at.is_(None))
        return set(session.scalars(waits.where(HumanTask.fault_id == self.desk.fault().id)))


@pytest.fixture
def counter(shared_runtime: Runtime) -> Counter:
    """An approved claim."""
    return Counter(shared_runtime)


def told(number: str, *, shipped: bool = False, delivered: bool = False, direction: Way = Way.TO_US) -> VendorShipment:
    return VendorShipment(
        direction,
        "DHL",
        number,
        shipped_at=NOW - timedelta(days=2) if shipped else None,
        delivered_at=NOW - timedelta(days=1) if delivered else None,
    )


def paths() -> Iterator[tuple[ShipmentDirection, tuple[ShipmentState, ...]]]:
    """The way to every state of both directions."""
    for direction, ways in ((TO_US, SHIPMENT_TO_US_MOVES), (TO_VENDOR, SHIPMENT_TO_VENDOR_MOVES)):
        before = {to: old for old, reached in ways.items() for to in reached}
        for state in ways:
            path = [state]
            while path[0] in before:
                path.insert(0, before[path[0]])
            yield direction, tuple(path)


def test_each_state_of_a_parcel_is_reached_and_each_illegal_move_names_those_that_there_are(counter: Counter) -> None:
    with counter.session() as session:
        rma = counter.rma(session)
        for direction, path in paths():
            parcel = shipments.add(session, OPERATOR, rma, direction, Parcel(), **SAY)
            if path[-1] in {P.CHARGED, P.RETAINED}:  # which come with their cost and their certificate: ``returns``
                shipments.step(session, parcel, path[-1], moves.Because("user:x", "It was seen.", NOW, rma.fault_id))
            else:
                counter.go(session, parcel, *path[1:])
            ways = SHIPMENT_TO_US_MOVES if direction is TO_US else SHIPMENT_TO_VENDOR_MOVES
            assert parcel.state is path[-1]
            for to in set(P) - ways[parcel.state]:
                with pytest.raises(IllegalMove) as refused:
                    counter.go(session, parcel, to)
                assert all(allowed in str(refused.value) for allowed in ways[parcel.state] or {"none, it is an end"})


def test_a_vendor_that_splits_a_delivery_has_each_parcel_followed_by_its_own_number(counter: Counter) -> None:
    with counter.session() as session:
        counter.hear(session, VendorStatus.SHIPPED, told("A-1", shipped=True), told("B-2", shipped=True))
        counter.hear(
            session, VendorStatus.SHIPPED, told("A-1", shipped=True, delivered=True), told("B-2", shipped=True)
        )

        first, second = counter.parcels(session)
        assert {first.tracking_number: first.state, second.tracking_number: second.state} == {
            "A-1": P.DELIVERED,
            "B-2": P.IN_TRANSIT,
        }
        assert first.delivered_on is not None


def test_a_word_that_is_repeated_does_not_move_the_parcel_that_makes_up_for_a_wrong_one(counter: Counter) -> None:
    with counter.session() as session:
        counter.hear(session, VendorStatus.DELIVERED, told("A 1", delivered=True))
        [wrong] = counter.parcels(session)
        counter.go(session, wrong, P.WRONG_OR_DAMAGED)
        assert TaskKind.GOODS_WRONG in counter.tasks(session)

        counter.hear(session, VendorStatus.DELIVERED, told("a1", delivered=True))
        counter.hear(session, VendorStatus.UNDER_REVIEW)
        again = counter.parcels(session)[-1]
        assert (again.makes_up_for_id, again.state) == (wrong.id, P.EXPECTED)

        counter.hear(session, VendorStatus.SHIPPED, told("Z-9", shipped=True))
        assert (again.state, again.tracking_number, wrong.tracking_number) == (P.IN_TRANSIT, "Z-9", "A 1")
        assert TaskKind.GOODS_WRONG not in counter.tasks(session)


def test_a_parcel_that_nobody_waits_for_any_more_is_given_up_and_asks_nobody(counter: Counter) -> None:
    with counter.session() as session:
        [parcel] = counter.parcels(session)
        counter.go(session, parcel, P.IN_TRANSIT, P.LOST)
        assert TaskKind.GOODS_LOST in counter.tasks(session)
        again = counter.parcels(session)[-1]

        shipments.amend(session, OPERATOR, again, Parcel(), rest=shipments.Rest.GIVEN_UP, **SAY)

        [count] = shipments.count(counter.parcels(session), TO_US)
        assert (count.promised, count.given_up, count.outstanding, count.under_way) == (1, 1, 0, 0)
        assert TaskKind.GOODS_LOST not in counter.tasks(session)
        with pytest.raises(IllegalMove, match="only one that is expected"):
            shipments.amend(session, OPERATOR, parcel, Parcel(), rest=shipments.Rest.GIVEN_UP, **SAY)


@pytest.mark.parametrize("end", [P.LOST, P.NO_FAULT_FOUND, P.REFUSED])
def test_a_return_that_ends_badly_is_put_before_a_person(counter: Counter, end: ShipmentState) -> None:
    with counter.session() as session:
        back = shipments.add(session, OPERATOR, counter.rma(session), TO_VENDOR, Parcel(), **SAY)
        counter.go(session, back, P.IN_TRANSIT, *([P.RECEIVED] if end is not P.LOST else []), end)

        assert TaskKind.ATTENTION in counter.tasks(session)


def test_an_approved_claim_is_denied_after_inspection_only_and_cancelled_before_goods_move_only(
    counter: Counter,
) -> None:
    runtime = counter.desk.runtime
    with counter.session() as session:
        rma = counter.rma(session)
        with pytest.raises(IllegalMove, match="by inspection only"):
            rmas.transition(session, runtime, OPERATOR, rma, RmaState.DENIED, **SAY)
        back = shipments.add(session, OPERATOR, rma, TO_VENDOR, Parcel(), **SAY)
        counter.go(session, back, P.IN_TRANSIT, P.RECEIVED)
        with pytest.raises(IllegalMove, match="cannot be cancelled any more"):
            rmas.transition(session, runtime, OPERATOR, rma, RmaState.CANCELLED, **SAY)

        rmas.transition(session, runtime, OPERATOR, rma, RmaState.DENIED, **SAY)

        assert rma.state is RmaState.DENIED


def test_a_claim_whose_number_runs_out_expires_and_goes_on_under_another_number(counter: Counter) -> None:
    runtime = counter.desk.runtime
    with counter.session() as session:
        rma = counter.rma(session)
        rma.expires_on = NOW.date()
        assert shipments.expire(session, now=NOW) == 0  # its last day is not over
        assert shipments.expire(session, now=NOW + timedelta(days=1)) == 1
        assert rma.state is RmaState.EXPIRED
        late: dict[str, Any] = {"reason": "They were asked.", "now": NOW + timedelta(days=1)}

        rmas.transition(session, runtime, OPERATOR, rma, RmaState.SUBMITTED, **late)
        assert (rma.state, TaskKind.MANUAL_HANDLING in counter.tasks(session)) == (RmaState.MANUAL_HANDLING, True)
        for number in (None, "R-1"):
            with pytest.raises(IllegalMove, match="ran out"):
                rmas.transition(session, runtime, OPERATOR, rma, RmaState.AUTHORIZED, rma_number=number, **late)
        account = session.get_one(VendorAccount, rma.account_id)
        old = VendorCase("C-1", VendorStatus.APPROVED, "approved", rma_number="R-1")
        hearing.hear(session, runtime, rma, old, account=account, now=late["now"])
        assert rma.state is not RmaState.AUTHORIZED  # the vendor repeats a number that is none any more
        rmas.transition(session, runtime, OPERATOR, rma, RmaState.AUTHORIZED, rma_number="R-2", **late)

        assert (rma.rma_number, rma.expires_on, len(counter.parcels(session))) == ("R-2", None, 1)


def test_a_number_that_goods_travel_under_does_not_expire(counter: Counter) -> None:
    with counter.session() as session:
        rma = counter.rma(session)
        rma.expires_on = NOW.date()
        [parcel] = counter.parcels(session)
        counter.go(session, parcel, P.IN_TRANSIT)

        assert shipments.expire(session, now=NOW + timedelta(days=9)) == 0
        with pytest.raises(IllegalMove, match="in use"):
            rmas.transition(session, counter.desk.runtime, OPERATOR, rma, RmaState.EXPIRED, **SAY)


def test_late_parcels_and_numbers_that_end_stand_on_the_board_until_they_do_not_matter(counter: Counter) -> None:
    def kinds(session: Session, at: datetime) -> set[object]:
        clock = Clock(at, at + timedelta(days=1), at + timedelta(days=7), None)
        rows = board.items(session, Filters(client=counter.desk.client_id), clock)
        return {row.kind for row in rows} & {OtherKind.PARCEL_LATE, OtherKind.NUMBER_ENDS, OtherKind.NUMBER_ENDED}

    with counter.session() as session:
        rma = counter.rma(session)
        [parcel] = counter.parcels(session)
        parcel.due_on, rma.expires_on = NOW.date(), NOW.date() + timedelta(days=20)
        assert kinds(session, NOW) == set()
        assert kinds(session, NOW + timedelta(days=1)) == {OtherKind.PARCEL_LATE}
        assert kinds(session, NOW + timedelta(days=15)) == {OtherKind.PARCEL_LATE, OtherKind.NUMBER_ENDS}
        moves.move(session, rma, RmaState.EXPIRED, moves.Because("system:test", "", NOW))
        assert OtherKind.NUMBER_ENDED in kinds(session, NOW + timedelta(days=30))


def test_what_is_counted_is_said_where_a_parcel_ends_only(counter: Counter) -> None:
    with counter.session() as session:
        [parcel] = counter.parcels(session)
        said = shipments.Unpacked({"disk": 1})
        with pytest.raises(shipments.Invalid, match="counted where"):
            shipments.move(session, OPERATOR, parcel, P.IN_TRANSIT, Parcel(), unpacked=said, **SAY)
        assert NOTHING_SAID.arrived is None
