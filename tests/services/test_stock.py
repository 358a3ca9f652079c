"""The MSP's own stock: never the same unit twice, never below zero, and every step written down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from tests import factories
from tests.factories import BECAUSE
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import FaultState, StockState
from warranty.models import AuditRow, Fault, Product, StockLocation, StockUnit
from warranty.services import moves, stock
from warranty.services.estate import Invalid
from warranty.services.moves import IllegalMove, Raced
from warranty.services.stock import OutOfStock

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime


@dataclass(slots=True)
class Store:
    """One store, one product that nobody else stocks, one open case."""

    runtime: Runtime
    product: Product
    location: StockLocation
    fault: Fault

    def session(self) -> Any:
        return self.runtime.database.begin(db.EVERYBODY)

    def receive(self, *serial_numbers: str, quantity: int = 0) -> list[StockUnit]:
        with self.session() as session:
            return stock.receive(
                session,
                self.product,
                self.location,
                serial_numbers=serial_numbers,
                quantity=quantity,
                because=BECAUSE,
            )

    def reserve(self, unit: StockUnit, fault: Fault | None = None) -> None:
        with self.session() as session:
            kept = session.get_one(StockUnit, unit.id)
            case = session.get_one(Fault, (fault or self.fault).id)
            stock.reserve(session, kept, case, because=BECAUSE)

    def reserve_any(self, location: StockLocation | None = None) -> StockUnit:
        with self.session() as session:
            case = session.get_one(Fault, self.fault.id)
            return stock.reserve_any(session, self.product, case, location=location, because=BECAUSE)

    def change(self, step: Any, unit: StockUnit, *place: StockLocation) -> None:
        with self.session() as session:
            step(session, session.get_one(StockUnit, unit.id), *place, because=BECAUSE)

    def units(self) -> dict[str, StockState]:
        with self.runtime.database.read(db.EVERYBODY) as session:
            rows = session.scalars(select(StockUnit).where(StockUnit.product_id == self.product.id))
            return {row.serial_number: row.state for row in rows}

    def reread(self, unit: StockUnit) -> StockUnit:
        with self.runtime.database.read(db.EVERYBODY) as session:
            return session.get_one(StockUnit, unit.id)

    def written(self, unit: StockUnit) -> list[tuple[str | None, str | None, int | None]]:
        with self.runtime.database.read(db.EVERYBODY) as session:
            rows = session.scalars(
                select(AuditRow)
                .where(AuditRow.record == "stock_unit", AuditRow.record_id == unit.id)
                .order_by(AuditRow.id)
            )
            return [(row.old_state, row.new_state, row.fault_id) for row in rows]


def open_case(session: Session, runtime: Runtime) -> Fault:
    client = factories.make_client(session)
    asset = factories.make_asset(session, client, product=factories.make_product(session))
    return factories.make_fault(session, runtime, OPERATOR, serial_number=asset.serial_number).fault


def new_location(session: Session, name: str) -> StockLocation:
    return stock.add_location(session, name=name, because=BECAUSE)


@pytest.fixture
def store(shared_runtime: Runtime) -> Store:
    with shared_runtime.database.begin(db.EVERYBODY) as session:
        product = factories.make_product(session)
        fault = open_case(session, shared_runtime)
        return Store(shared_runtime, product, new_location(session, f"Store of {product.model}"), fault)


# --- receiving ---


def test_units_with_serial_numbers_and_parts_without_are_received(store: Store) -> None:
    store.receive("ab 1", "AB2")
    parts = store.receive(quantity=3)

    assert store.units() == {"ab 1": "in_stock", "AB2": "in_stock", "": "in_stock"}
    assert len(parts) == 3
    assert {part.serial_key for part in parts} == {None}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (((), 0), "Give the serial numbers"),
        ((("A1",), 1), "Give the serial numbers"),
        (((), 201), "at a time"),
        (((), -1), "at a time"),
        ((("A1", "a 1"), 0), "given twice"),
        ((("N/A",), 0), "placeholder"),
    ],
    ids=["nothing", "both", "too many", "less than none", "one twice", "no serial"],
)
def test_what_cannot_be_received_is_refused_and_nothing_is_kept(
    store: Store, given: tuple[tuple[str, ...], int], said: str
) -> None:
    serials, quantity = given

    with pytest.raises(Invalid, match=said):
        store.receive(*serials, quantity=quantity)

    assert store.units() == {}


def test_a_unit_in_stock_is_not_received_again(store: Store) -> None:
    store.receive("A1")

    with pytest.raises(Invalid, match="A1 is in stock already"):
        store.receive("A2", "a 1")

    assert store.units() == {"A1": "in_stock"}


def test_the_same_serial_of_another_product_is_another_unit(store: Store) -> None:
    store.receive("A1")
    with store.session() as session:
        other = factories.make_product(session)
        stock.receive(session, other, store.location, serial_numbers=["A1"], because=BECAUSE)
        rows = session.scalars(select(StockUnit).where(StockUnit.location_id == store.location.id)).all()

    assert len(rows) == 2


def test_a_unit_that_was_issued_and_is_received_again_is_the_same_row_in_the_new_place(store: Store) -> None:
    (unit,) = store.receive("A1")
    store.reserve(unit)
    store.change(stock.issue, unit)
    with store.session() as session:
        van = new_location(session, f"{store.location.name}, van")
        (back,) = stock.receive(session, store.product, van, serial_numbers=["A1"], because=BECAUSE)

    assert back.id == unit.id
    found = store.reread(unit)
    assert (found.state, found.location_id, found.fault_id, found.client_id) == ("in_stock", van.id, None, None)


def test_two_who_receive_the_same_unit_at_once_make_one_row(store: Store) -> None:
    def receive(_: int) -> bool:
        try:
            store.receive("A1")
        except (Invalid, IntegrityError):
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(receive, range(6)))

    assert taken.count(True) == 1
    assert store.units() == {"A1": "in_stock"}


def test_a_store_has_a_name_of_its_own(store: Store) -> None:
    with store.session() as session, pytest.raises(Invalid, match="already"):
        new_location(session, store.location.name)
    with store.session() as session, pytest.raises(Invalid, match="name"):
        new_location(session, " ")


# --- reserving, issuing, taking back ---


def test_a_unit_goes_to_a_case_and_out_and_comes_back_and_every_step_is_written_down(store: Store) -> None:
    (unit,) = store.receive("A1")

    store.reserve(unit)
    held = store.reread(unit)
    store.change(stock.issue, unit)
    store.change(stock.put_back, unit, store.location)

    assert (held.state, held.fault_id, held.client_id) == ("reserved", store.fault.id, store.fault.client_id)
    assert store.written(unit) == [
        (None, "in_stock", None),
        ("in_stock", "reserved", store.fault.id),
        ("reserved", "issued", store.fault.id),
        ("issued", "in_stock", store.fault.id),
    ]


def test_a_released_unit_is_free_for_the_next_case(store: Store) -> None:
    (unit,) = store.receive("A1")
    store.reserve(unit)

    store.change(stock.release, unit)

    assert store.reserve_any().id == unit.id


def test_whichever_unit_has_lain_longest_is_taken_first_and_none_below_zero(store: Store) -> None:
    first, second = store.receive("A1", "A2")

    taken = [store.reserve_any().id, store.reserve_any().id]

    assert taken == [first.id, second.id]
    with pytest.raises(OutOfStock, match="is free in any store"):
        store.reserve_any()


def test_a_store_gives_only_what_lies_in_it(store: Store) -> None:
    store.receive("A1")
    with store.session() as session:
        empty = new_location(session, f"{store.location.name}, empty")

    with pytest.raises(OutOfStock, match="empty"):
        store.reserve_any(empty)
    assert store.reserve_any(store.location).serial_number == "A1"


def test_of_many_who_want_the_last_units_at_once_as_many_get_one_as_there_are(store: Store) -> None:
    store.receive(quantity=3)

    def take(_: int) -> int | None:
        try:
            return store.reserve_any().id
        except OutOfStock:
            return None

    with ThreadPoolExecutor(8) as pool:
        taken = [id_ for id_ in pool.map(take, range(8)) if id_ is not None]

    assert len(taken) == len(set(taken)) == 3


def test_whoever_read_a_unit_before_somebody_else_took_it_is_told(store: Store) -> None:
    (unit,) = store.receive("A1")
    with store.session() as session:
        read_before = session.get_one(StockUnit, unit.id)
        case = session.get_one(Fault, store.fault.id)
        somebody = update(StockUnit).where(StockUnit.id == unit.id)
        session.connection().execute(
            somebody.values(state=StockState.RESERVED, fault_id=case.id, client_id=case.client_id)
        )

        with pytest.raises(Raced):
            stock.reserve(session, read_before, case, because=BECAUSE)


ILLEGAL = {
    "reserve what is reserved": (["reserve"], "reserve"),
    "issue what is free": ([], "issue"),
    "issue what is issued": (["reserve", "issue"], "issue"),
    "release what is free": ([], "release"),
    "release what is issued": (["reserve", "issue"], "release"),
    "put back what is free": ([], "put_back"),
    "put back what is only reserved": (["reserve"], "put_back"),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_a_step_that_does_not_follow_is_refused(store: Store, name: str) -> None:
    before, step = ILLEGAL[name]
    (unit,) = store.receive("A1")

    def take(which: str) -> None:
        if which == "reserve":
            store.reserve(unit)
        else:
            store.change(getattr(stock, which), unit, *([store.location] if which == "put_back" else []))

    for one in before:
        take(one)
    state = store.reread(unit).state

    with pytest.raises(IllegalMove):
        take(step)

    assert store.reread(unit).state is state


def test_nothing_is_kept_for_a_case_that_is_over(store: Store) -> None:
    (unit,) = store.receive("A1")
    with store.session() as session:
        fault = session.get_one(Fault, store.fault.id)
        moves.move(session, fault, FaultState.CLOSED, BECAUSE)

    with pytest.raises(Invalid, match="is over"):
        store.reserve(unit)
    with pytest.raises(Invalid, match="is over"):
        store.reserve_any()
    assert store.units() == {"A1": "in_stock"}


@pytest.mark.parametrize(
    "values",
    [
        {"state": StockState.RESERVED},
        {"serial_number": "A1", "serial_key": "A1", "state": StockState.IN_STOCK},
    ],
    ids=["reserved for nobody", "the same unit twice"],
)
def test_the_database_itself_refuses_what_cannot_be(store: Store, values: dict[str, Any]) -> None:
    store.receive("A1")
    row = {"product_id": store.product.id, "location_id": store.location.id, "received_at": BECAUSE.at, **values}

    with pytest.raises(IntegrityError), store.session() as session:
        session.execute(insert(StockUnit), [row])

    assert store.units() == {"A1": "in_stock"}
