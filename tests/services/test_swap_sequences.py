"""Whatever happens in whatever order: one unit a place, cover that neither shrinks nor grows twice, and no case that hangs."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests import factories
from tests.desk import Desk
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import (
    FAULT_OVER,
    RMA_OVER,
    SHIPMENT_TO_US_MOVES,
    SHIPMENT_TO_VENDOR_MOVES,
    SWAP_MOVES,
    FaultState,
    RmaState,
    ShipmentDirection,
    StockState,
    SwapState,
)
from warranty.domain.terms import AssetState, Component, CoverageKind, Ownership, Share
from warranty.models import (
    Asset,
    Coverage,
    CoverageTransfer,
    Fault,
    Loan,
    Product,
    Rma,
    Shipment,
    StockLocation,
    StockUnit,
    Swap,
)
from warranty.models.cases import TransferWay
from warranty.models.work import TaskKind
from warranty.services import following, moves, owed, queries, reviews, rmas, shipments, stock, swaps
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove
from warranty.services.shipments import Parcel
from warranty.services.swaps import Replacement

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BECAUSE = Because("user:1", "as it was", NOW)
SAY: dict[str, Any] = {"reason": "it is so", "now": NOW}
ROOT_END = date(2027, 5, 31)
AT_WORK = (AssetState.IN_SERVICE, AssetState.FAULTY, AssetState.IN_RMA)


class World:
    """One case on a whole unit, and everything that can be done to it; ``pick`` chooses among what is there."""

    def __init__(self, runtime: Runtime) -> None:
        self.desk = Desk(runtime, vendor="manual", covered=False)
        with self.desk.session() as session:
            unit = session.get_one(Asset, self.desk.asset_key())
            unit.name = "db-01"
            factories.make_coverage(session, unit, ends_on=ROOT_END)
            factories.make_coverage(
                session, unit, ends_on=ROOT_END, kind=CoverageKind.VENDOR_CONTRACT, covers=(Share.LABOUR,)
            )
        self.desk.report(component=Component.UNIT)
        self.serials = 0

    def serial(self) -> str:
        """A serial that nobody has seen."""
        self.serials += 1
        return f"{self.desk.serial}-{self.serials}"

    def fault(self, session: Session) -> Fault:
        return session.get_one(Fault, self.desk.fault().id)

    def rmas(self, session: Session) -> list[Rma]:
        of_case = select(Rma).where(Rma.client_id == self.desk.client_key, Rma.state.not_in(RMA_OVER))
        return list(session.scalars(of_case.order_by(Rma.id)))

    def swap(self, session: Session) -> Swap:
        return session.scalars(owed.swaps_of(self.fault(session))).all()[-1]

    # --- what can happen; an index that fits nowhere is what nobody can do just now ---

    def claim(self, session: Session, pick: int) -> None:
        """The vendor says something of a claim."""
        to = [RmaState.AUTHORIZED, RmaState.AUTHORIZED, RmaState.EXPIRED, RmaState.CLOSED][pick % 4]
        rma = self.rmas(session)[-1 - pick // 4]
        rmas.transition(session, self.desk.runtime, OPERATOR, rma, to, rma_number=f"R-{rma.id}", **SAY)

    def parcel(self, session: Session, pick: int) -> None:
        """A parcel goes on."""
        parcel = session.scalars(
            select(Shipment).where(Shipment.client_id == self.desk.client_key).order_by(Shipment.id.desc())
        ).all()[pick % 2]
        is_ours = parcel.direction is ShipmentDirection.TO_US
        ways = SHIPMENT_TO_US_MOVES if is_ours else SHIPMENT_TO_VENDOR_MOVES
        to = sorted(ways[parcel.state])[pick % 3]
        shipments.move(session, OPERATOR, parcel, to, Parcel("DHL", "JD1"), **SAY)

    def give_back(self, session: Session, pick: int) -> None:
        """Something is to go back."""
        rma = self.rmas(session)[-1 - pick % 2]
        shipments.add(session, OPERATOR, rma, ShipmentDirection.TO_VENDOR, Parcel(), **SAY)

    def scan(self, session: Session, pick: int) -> None:
        """A unit has come, from the vendor or from a shelf."""
        serial = self.serial()
        if pick % 3 == 0:
            self._shelve(session, serial)
        swaps.scan(session, OPERATOR, self.swap(session), Replacement(serial), now=NOW)

    def rack(self, session: Session, pick: int) -> None:
        """Something happens at the rack."""
        swap = self.swap(session)
        to = sorted(SWAP_MOVES[swap.state])[pick % 3]
        swaps.move(session, self.desk.runtime, OPERATOR, swap, to, **SAY)

    def prove(self, session: Session, _pick: int) -> None:
        """The new unit is proven: what the certificate makes."""
        moves.move(session, self.swap(session), SwapState.VERIFIED, BECAUSE)
        fault = self.fault(session)
        if fault.state is FaultState.RMA_OPEN:
            moves.walk(session, fault, [FaultState.SERVICE_RESTORED, FaultState.VERIFIED], BECAUSE)

    def lend(self, session: Session, pick: int) -> None:
        """A loaner goes out, or comes back."""
        loan = swaps.loan_of(session, self.fault(session))
        unit, location = self._shelve(session, self.serial())
        if loan is None:
            swaps.lend(session, OPERATOR, self.fault(session), unit, **SAY)
        elif pick % 2:
            swaps.take_back(session, OPERATOR, loan, location, **SAY)

    def _shelve(self, session: Session, serial: str) -> tuple[StockUnit, StockLocation]:
        product = session.get_one(Product, session.get_one(Asset, self.desk.asset_key()).product_id)
        location = stock.add_location(session, name=f"Shelf of {serial}", because=BECAUSE)
        [unit] = stock.receive(session, product, location, serial_numbers=[serial], because=BECAUSE)
        assert unit.state is StockState.IN_STOCK
        return unit, location

    def shelf(self, session: Session, _pick: int) -> None:
        """What the vendor sent goes on the shelf."""
        serial = self.serial()
        _, location = self._shelve(session, self.serial())
        swaps.restock(session, OPERATOR, self.swap(session), location, serial, **SAY)

    def paper(self, session: Session, pick: int) -> None:
        """A contract is moved, or ends."""
        transfer, _ = following.open_transfers(session, self.fault(session))[0]
        following.decide(session, OPERATOR, transfer, [TransferWay.MOVED, TransferWay.ENDED][pick % 2], **SAY)

    def answer(self, session: Session, _pick: int) -> None:
        """Somebody sees to what waits."""
        reviews.settle(session, self.fault(session).id, BECAUSE, *TaskKind)

    def close(self, session: Session, _pick: int) -> None:
        """Somebody closes the case."""
        owed.close(session, OPERATOR, self.fault(session), **SAY)

    # --- what must hold, always ---

    def check(self, session: Session) -> None:
        session.expire_all()
        own = Asset.client_id == self.desk.client_key
        at_work = session.scalars(select(Asset).where(own, Asset.state.in_(AT_WORK), Asset.name == "db-01")).all()
        assert len(at_work) == 1, "one unit, and one alone, stands in the place"
        loans = select(Loan.for_asset_id).where(Loan.client_id == self.desk.client_key, Loan.back_at.is_(None))
        for stands_for in session.scalars(loans):
            assert session.get_one(Asset, stands_for).state is not AssetState.IN_SERVICE
        fault = self.fault(session)
        if fault.state not in FAULT_OVER:
            found = queries.case(session, fault, now=NOW)
            assert found.standing.step
            assert found.standing.ball is not None
        if fault.state is FaultState.CLOSED:
            assert owed.owed(session, fault) == ()
        of_client = CoverageTransfer.client_id == self.desk.client_key
        twice = select(func.count()).where(of_client).group_by(CoverageTransfer.swap_id, CoverageTransfer.coverage_id)
        assert set(session.scalars(twice)) <= {1}
        for coverage in session.scalars(select(Coverage).where(Coverage.client_id == self.desk.client_key)):
            assert coverage.ends_on == ROOT_END  # this vendor's rule leaves what is left
        owners = set(session.scalars(select(Asset.ownership).where(own, Asset.name == "db-01")))
        assert owners == {Ownership.CLIENT}


ON_SQLITE = pytest.mark.parametrize("shared_runtime", ["sqlite"], indirect=True)  # the rules are the same on both


STEPS: tuple[Callable[[World, Session, int], None], ...] = (
    World.claim, World.parcel, World.give_back, World.scan, World.rack, World.rack, World.prove, World.lend,
    World.shelf, World.paper, World.answer, World.close,
)  # fmt: skip

GOOD_END: tuple[tuple[Callable[[World, Session, int], None], int], ...] = (
    (World.claim, 0),
    (World.scan, 1),
    (World.rack, 1),
    (World.rack, 2),
    (World.prove, 0),
    (World.paper, 0),
    (World.rack, 0),
    (World.claim, 3),
    (World.answer, 0),
    (World.close, 0),
)


def run(world: World, steps: list[tuple[Callable[[World, Session, int], None], int]]) -> None:
    for step, pick in steps:
        with world.desk.session() as session:
            with suppress(IllegalMove, Invalid, IndexError), moves.attempt(session):
                step(world, session, pick)
                session.flush()
            moves.write_down(session)
            world.check(session)


@ON_SQLITE
def test_a_case_can_come_to_a_good_end(shared_runtime: Runtime) -> None:
    world = World(shared_runtime)
    run(world, list(GOOD_END))
    assert world.desk.fault().state is FaultState.CLOSED


@ON_SQLITE
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 7)), min_size=8, max_size=30))
def test_no_order_of_events_breaks_a_case(shared_runtime: Runtime, steps: list[Any]) -> None:
    run(World(shared_runtime), [(World.claim, 0), (World.scan, 1), *steps])
