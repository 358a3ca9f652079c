"""The work at the rack: a new unit takes a place once, with its cover; loaners, dead arrivals and the shelf are followed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests import factories
from tests.desk import Desk, cover_labour, odd_adapters
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import (
    RmaState,
    ShipmentDirection,
    ShipmentState,
    StockState,
    SwapKind,
    SwapSource,
    SwapState,
)
from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageKind,
    CoverageSays,
    CoverageState,
    EvidenceSource,
    Ownership,
)
from warranty.models import (
    Asset,
    Client,
    Coverage,
    CoverageTransfer,
    ExternalRef,
    Fault,
    HumanTask,
    Product,
    Rma,
    Shipment,
    StockLocation,
    StockUnit,
    Swap,
)
from warranty.models.cases import TransferWay
from warranty.services import estate, faults, following, moves, owed, rmas, shipments, stock, swaps
from warranty.services.estate import Invalid
from warranty.services.faults import FaultFacts
from warranty.services.moves import Because, IllegalMove
from warranty.services.shipments import Parcel
from warranty.services.swaps import Replacement

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BECAUSE = Because("user:1", "as it was", NOW)
SAY: dict[str, Any] = {"reason": "it is so", "now": NOW}


class Bench(Desk):
    """A desk at whose vendor, by hand, a claim on the whole unit is authorized; a session of its own does the rest."""

    def begin(self, component: Component = Component.UNIT) -> None:
        """Report and authorize."""
        with self.session() as session:
            session.get_one(Asset, self.asset_key()).name = "db-01"
            session.get_one(Asset, self.asset_key()).asset_tag = f"TAG-{self.serial}"
        self.report(component=component)
        with self.session() as session:
            rma = session.get_one(Rma, self.rma().id)
            rmas.transition(session, self.runtime, OPERATOR, rma, RmaState.AUTHORIZED, rma_number="R-1", **SAY)

    def fault_in(self, session: Session) -> Fault:
        """The fault."""
        return session.get_one(Fault, self.fault().id)

    def swap_in(self, session: Session) -> Swap:
        """The newest swap."""
        return session.scalars(owed.swaps_of(self.fault_in(session))).all()[-1]

    def claim_in(self, session: Session) -> Rma:
        """The claim of the report."""
        return session.scalars(select(Rma).where(Rma.client_id == self.client_key, Rma.parent_id.is_(None))).one()

    def unit_in(self, session: Session) -> Asset:
        """The unit of the report."""
        return session.get_one(Asset, self.asset_key())

    def walk(self, session: Session, *path: SwapState, serial: str = "") -> Swap:
        """Scan, where a serial is given, and move the newest swap."""
        swap = self.swap_in(session)
        if serial:
            swaps.scan(session, OPERATOR, swap, Replacement(serial), now=NOW)
        for to in path:
            swaps.move(session, self.runtime, OPERATOR, swap, to, **SAY)
        return swap

    def shelve(self, session: Session, serial: str, product_id: int | None = None) -> tuple[StockUnit, StockLocation]:
        """Put a unit of the same product on a shelf."""
        product = session.get_one(Product, product_id or self.unit_in(session).product_id)
        location = stock.add_location(session, name=f"Shelf of {serial}", because=BECAUSE)
        [unit] = stock.receive(session, product, location, serial_numbers=[serial], because=BECAUSE)
        return unit, location


@pytest.fixture
def bench(shared_runtime: Runtime) -> Bench:
    bench = Bench(shared_runtime, vendor="manual")
    bench.begin()
    return bench


def test_a_new_unit_takes_the_place_and_the_old_one_keeps_its_history(bench: Bench) -> None:
    with bench.session() as session:
        old = bench.unit_in(session)
        name = estate.ExternalName("zabbix", f"host-{bench.serial}", "")
        estate.add_name(session, old, name, because=BECAUSE)
        site_id = old.site_id
        swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED, serial=f"{bench.serial}-N")
        new = session.get_one(Asset, swap.new_asset_id)

        assert (old.state, old.name, old.asset_tag, old.replaced_by_id) == (AssetState.REPLACED, "", "", new.id)
        assert (new.state, new.name, new.asset_tag) == (AssetState.IN_SERVICE, "db-01", f"TAG-{bench.serial}")
        assert (new.site_id, new.client_id, new.product_id) == (site_id, old.client_id, old.product_id)
        ref = session.scalars(select(ExternalRef).where(ExternalRef.external_id == name.id)).one()
        assert ref.record_id == new.id

        rma = session.get_one(Rma, bench.rma().id)
        due = shipments.add(session, OPERATOR, rma, ShipmentDirection.TO_VENDOR, Parcel(), **SAY)
        shipments.move(session, OPERATOR, due, ShipmentState.IN_TRANSIT, Parcel("UPS", "1Z"), **SAY)
        assert old.state is AssetState.RETURNED_TO_VENDOR

    facts = FaultFacts(
        serial_number=bench.serial,
        component=Component.FAN,
        cause=Cause.HARDWARE_FAILURE,
        symptom="loud",
    )
    with bench.session() as session:
        made = faults.report(session, bench.runtime, OPERATOR, facts, now=NOW)
        assert made.fault.serial_number == f"{bench.serial}-N"


def test_no_second_unit_can_be_at_work_in_a_place(bench: Bench) -> None:
    with bench.session() as session:
        swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED, serial=f"{bench.serial}-N")
        old_id = swap.old_asset_id
    with pytest.raises(IntegrityError), bench.session() as session:
        session.get_one(Asset, old_id).state = AssetState.IN_SERVICE


def test_a_scan_is_refused_with_words_where_it_cannot_be_the_new_unit(bench: Bench) -> None:
    with bench.session() as session:
        old, swap = bench.unit_in(session), bench.swap_in(session)
        taken = factories.make_asset(session, client_of(session, old), product=session.get_one(Product, old.product_id))
        other = factories.make_product(session, bench.maker, model="another model")
        kept, _ = bench.shelve(session, f"{bench.serial}-K", other.id)
        swap.told_serial = f"{bench.serial}-T"
        refusals = {
            "Scan or type": Replacement(""),
            "the old unit": Replacement(bench.serial.lower()),
            "known already, and is in_service": Replacement(taken.serial_number),
            "The vendor told": Replacement(f"{bench.serial}-X"),
            "another product than was agreed": Replacement(kept.serial_number),
            "lies in stock": Replacement(f"{bench.serial}-Y", source=SwapSource.STOCK),
            "is lent": Replacement(f"{bench.serial}-Y", source=SwapSource.LOANER),
            "comes back as it went": Replacement(f"{bench.serial}-Y", kind=SwapKind.REPAIR),
        }
        for said, given in refusals.items():
            with pytest.raises(Invalid, match=said), moves.attempt(session):
                swaps.scan(session, OPERATOR, swap, given, now=NOW)
        with pytest.raises(IllegalMove, match="scan it first"):
            bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED)

        swaps.scan(session, OPERATOR, swap, Replacement(f"{bench.serial}-X", differs=True), now=NOW)
        asked = session.scalars(select(HumanTask.why).where(HumanTask.fault_id == bench.fault().id)).all()
        assert any(f"{bench.serial}-X came" in why for why in asked)
        substitute = Replacement(f"{bench.serial}-T", product=other, substitute="order confirmation 7")
        swaps.scan(session, OPERATOR, swap, substitute, now=NOW)
        assert (swap.product_id, swap.substitute) == (other.id, "order confirmation 7")
        bench.walk(session, SwapState.INSTALLED)
        with pytest.raises(IllegalMove, match="planned or received: that is over"):
            swaps.scan(session, OPERATOR, swap, Replacement(f"{bench.serial}-Z"), now=NOW)


def client_of(session: Session, asset: Asset) -> Any:
    return session.get_one(Client, asset.client_id)


def test_a_unit_of_the_shelf_swaps_now_and_what_the_vendor_sends_is_owed_to_the_shelf(bench: Bench) -> None:
    with bench.session() as session:
        unit, location = bench.shelve(session, f"{bench.serial}-S")
        first, _ = bench.shelve(session, f"{bench.serial}-S1")
        bench.walk(session, serial=first.serial_number)
        swap = bench.walk(session, SwapState.RECEIVED, serial=unit.serial_number)
        assert (first.state, unit.state, swap.source) == (StockState.IN_STOCK, StockState.RESERVED, SwapSource.STOCK)
        bench.walk(session, SwapState.INSTALLED)
        assert unit.state is StockState.ISSUED
        moves.move(session, swap, SwapState.VERIFIED, BECAUSE)
        assert "shelf_open" in [debt.code for debt in owed.owed(session, bench.fault_in(session))]

        came = swaps.restock(session, OPERATOR, swap, location, f"{bench.serial}-V", **SAY)

        assert (came.state, came.serial_number) == (StockState.IN_STOCK, f"{bench.serial}-V")
        assert "shelf_open" not in [debt.code for debt in owed.owed(session, bench.fault_in(session))]
        with pytest.raises(IllegalMove):
            swaps.restock(session, OPERATOR, swap, location, f"{bench.serial}-W", **SAY)


def test_a_loaner_holds_the_place_until_it_is_back(bench: Bench) -> None:
    with bench.session() as session:
        unit, location = bench.shelve(session, f"{bench.serial}-L")
        loan = swaps.lend(session, OPERATOR, bench.fault_in(session), unit, **SAY)
        lent = session.get_one(Asset, loan.asset_id)
        assert (lent.ownership, lent.state, unit.state) == (Ownership.LOANER, AssetState.IN_SERVICE, StockState.ISSUED)
        bench.walk(session, SwapState.RECEIVED, serial=f"{bench.serial}-N")
        with pytest.raises(IllegalMove, match="say first that it is back"):
            bench.walk(session, SwapState.INSTALLED)
        assert "loaner_out" in [debt.code for debt in owed.owed(session, bench.fault_in(session))]

        swaps.take_back(session, OPERATOR, loan, location, **SAY)
        bench.walk(session, SwapState.INSTALLED)

        assert (lent.state, unit.state) == (AssetState.IN_STOCK, StockState.IN_STOCK)
        with pytest.raises(IllegalMove, match="back already"):
            swaps.take_back(session, OPERATOR, loan, location, **SAY)


def test_a_loaner_that_stays_becomes_the_replacement(bench: Bench) -> None:
    with bench.session() as session:
        unit, _ = bench.shelve(session, f"{bench.serial}-L")
        loan = swaps.lend(session, OPERATOR, bench.fault_in(session), unit, **SAY)
        swap = bench.swap_in(session)
        given = Replacement(unit.serial_number, source=SwapSource.LOANER)
        swaps.scan(session, OPERATOR, swap, given, now=NOW)
        bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED)

        lent = session.get_one(Asset, loan.asset_id)
        assert (swap.new_asset_id, lent.ownership, lent.name) == (lent.id, Ownership.CLIENT, "db-01")
        assert loan.back_at == NOW


def test_what_is_dead_on_arrival_is_claimed_anew_and_its_successor_is_the_same_line(bench: Bench) -> None:
    with bench.session() as session:
        dead = bench.walk(
            session, SwapState.RECEIVED, SwapState.INSTALLED, SwapState.DEAD_ON_ARRIVAL, serial=f"{bench.serial}-D"
        )
        parent = session.scalars(select(Rma).where(Rma.parent_id.is_(None), Rma.fault_id == bench.fault().id)).one()
        child = session.scalars(select(Rma).where(Rma.parent_id == parent.id)).one()
        assert (parent.is_open, child.is_open, child.asset_id) == (False, True, dead.new_asset_id)
        assert child.state is RmaState.MANUAL_HANDLING  # how long this vendor simply swaps it is not known
        rmas.transition(session, bench.runtime, OPERATOR, child, RmaState.AUTHORIZED, rma_number="R-2", **SAY)
        swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED, serial=f"{bench.serial}-E")

        assert (swap.parent_id, swap.old_asset_id) == (dead.id, dead.new_asset_id)
        states = [one.state for one in session.scalars(select(Asset).where(Asset.client_id == bench.client_key))]
        assert states.count(AssetState.IN_SERVICE) == 1
        rmas.transition(session, bench.runtime, OPERATOR, parent, RmaState.CLOSED, **SAY)
        assert parent.is_open is False


def test_cover_follows_once_and_a_person_sees_to_the_contracts(bench: Bench) -> None:
    with bench.session() as session:
        old = bench.unit_in(session)
        paper = factories.make_coverage(
            session, old, kind=CoverageKind.VENDOR_CONTRACT, evidence_source=EvidenceSource.CONTRACT_FILE
        )
        before = session.scalars(
            select(Coverage).where(Coverage.asset_id == old.id, Coverage.kind == CoverageKind.MANUFACTURER_WARRANTY)
        ).one()
        swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED, serial=f"{bench.serial}-N")
        moves.move(session, swap, SwapState.VERIFIED, BECAUSE)
        [followed] = session.scalars(
            select(CoverageTransfer).where(CoverageTransfer.swap_id == swap.id, CoverageTransfer.way.is_not(None))
        )
        after = session.get_one(Coverage, followed.new_coverage_id)
        assert (followed.way, before.state) == (TransferWay.FOLLOWED, CoverageState.SUPERSEDED)
        assert (after.asset_id, after.ends_on, after.checked_at) == (swap.new_asset_id, before.ends_on, None)

        fault = bench.fault_in(session)
        waiting = following.open_transfers(session, fault)
        with pytest.raises(owed.Owes, match=paper.contract_number):
            swaps.move(session, bench.runtime, OPERATOR, swap, SwapState.DONE, **SAY)
        for place, (transfer, coverage) in enumerate(waiting):
            way = TransferWay.MOVED if coverage.id == paper.id else TransferWay.ENDED
            following.decide(session, OPERATOR, transfer, way, **SAY)
            with pytest.raises(IllegalMove, match="none, it is settled"):
                following.decide(session, OPERATOR, transfer, way, **SAY)
            assert place < 2
        moved = session.scalars(
            select(Coverage).where(
                Coverage.asset_id == swap.new_asset_id, Coverage.contract_number == paper.contract_number
            )
        ).one()
        assert (moved.ends_on, paper.state) == (paper.ends_on, CoverageState.SUPERSEDED)
        swaps.move(session, bench.runtime, OPERATOR, swap, SwapState.DONE, **SAY)


def test_another_end_at_the_vendor_is_put_before_a_person_once(bench: Bench) -> None:
    with bench.session() as session:
        swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED, serial=f"{bench.serial}-N")
        followed = session.scalars(
            select(CoverageTransfer).where(CoverageTransfer.swap_id == swap.id, CoverageTransfer.way.is_not(None))
        ).one()
        expected = session.get_one(Coverage, followed.new_coverage_id)
        expected.state = CoverageState.SUPERSEDED
        factories.make_coverage(
            session,
            session.get_one(Asset, swap.new_asset_id),
            ends_on=date(2027, 6, 30),
            checked_at=NOW,
            vendor_says=CoverageSays.COVERED,
        )
        session.flush()
        for _ in range(2):
            following.compare(session, {swap.new_asset_id or 0}, BECAUSE)
        [why] = session.scalars(
            select(HumanTask.why).where(HumanTask.fault_id == bench.fault().id, HumanTask.why.contains("should end"))
        )
        assert "2027-06-30" in why


def test_claims_are_used_up_once_when_the_replacement_ships(shared_runtime: Runtime) -> None:
    bench = Bench(shared_runtime, vendor="manual")
    bench.begin()
    with bench.session() as session:
        rma = session.get_one(Rma, bench.rma().id)
        before = claims(session, bench)
        [parcel] = session.scalars(select(moves.Shipment).where(moves.Shipment.rma_id == rma.id))
        shipments.move(session, OPERATOR, parcel, ShipmentState.IN_TRANSIT, Parcel(), **SAY)
        another = shipments.add(session, OPERATOR, rma, ShipmentDirection.TO_US, Parcel(), **SAY)
        shipments.move(session, OPERATOR, another, ShipmentState.IN_TRANSIT, Parcel(), **SAY)
        assert (before, claims(session, bench)) == ({(0, 1)}, {(1, 0)})
        back = shipments.add(session, OPERATOR, rma, ShipmentDirection.TO_VENDOR, Parcel(), **SAY)
        for state in (ShipmentState.IN_TRANSIT, ShipmentState.RECEIVED):
            shipments.move(session, OPERATOR, back, state, Parcel("UPS", "1Z"), **SAY)
        rmas.transition(session, bench.runtime, OPERATOR, rma, RmaState.DENIED, **SAY)
        assert (0, 0) in claims(session, bench)


def claims(session: Session, bench: Bench) -> set[tuple[int, int]]:
    session.expire_all()
    rows = session.scalars(select(Coverage).where(Coverage.client_id == bench.client_key))
    return {(row.claims_consumed, row.claims_reserved) for row in rows}


def test_a_part_and_a_repair_leave_the_unit(shared_runtime: Runtime) -> None:
    bench = Bench(shared_runtime, vendor="manual")
    bench.begin(Component.DISK)
    with bench.session() as session:
        swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED)
        moves.move(session, swap, SwapState.VERIFIED, BECAUSE)
        assert (swap.new_asset_id, bench.unit_in(session).state) == (None, AssetState.FAULTY)


def test_a_vendor_that_swaps_what_is_dead_gets_the_claim_by_itself_and_its_days_count_from_the_shipment(
    shared_runtime: Runtime,
) -> None:
    with odd_adapters():
        bench, today = Bench(shared_runtime, vendor="generous", covered=False), datetime.now(UTC).date()
        with bench.session() as session:
            unit = bench.unit_in(session)
            root = factories.make_coverage(session, unit, ends_on=today + timedelta(days=30))
            assert root.asset_id == unit.id
            cover_labour(session, unit)
        bench.report(component=Component.UNIT)
        with bench.session() as session:
            rmas.transition(session, bench.runtime, OPERATOR, bench.claim_in(session), RmaState.MANUAL_HANDLING, **SAY)
            rmas.transition(
                session, bench.runtime, OPERATOR, bench.claim_in(session), RmaState.AUTHORIZED, rma_number="R-1", **SAY
            )
            [parcel] = session.scalars(select(Shipment).where(Shipment.rma_id == bench.claim_in(session).id))
            sent = Parcel("DHL", "JD1", sent_on=today)
            shipments.move(session, OPERATOR, parcel, ShipmentState.IN_TRANSIT, sent, **SAY)
            swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED, serial=f"{bench.serial}-D")
            ends = session.scalars(select(Coverage.ends_on).where(Coverage.asset_id == swap.new_asset_id)).all()
            assert ends == [today + timedelta(days=90)]

            bench.walk(session, SwapState.DEAD_ON_ARRIVAL)
            child = session.scalars(
                select(Rma).where(Rma.parent_id.is_not(None), Rma.fault_id == bench.fault().id)
            ).one()
            assert child.state is RmaState.SUBMITTED
