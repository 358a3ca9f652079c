"""The MSP's own stock: the only place that receives, reserves, releases, issues and takes back units.

Every unit is a row of its own, and each step changes the row only from the state that it was read in: two people who want
the last unit do not both get it. What a swap needs is here; whose swap it is, its case says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from warranty.domain.lifecycles import FAULT_OVER, StockState
from warranty.models import Fault, Product, StockLocation, StockUnit
from warranty.services import moves
from warranty.services.estate import Invalid, checked_serial, checked_text
from warranty.services.records import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from warranty.services.moves import Because
    from warranty.services.records import Document

MOST_AT_ONCE = 200


class OutOfStock(Exception):
    """No unit of the product is free where it was asked for."""


def add_location(session: Session, *, name: str, because: Because) -> StockLocation:
    """A new store.

    Raises:
        Invalid: no name, or one that is taken.
    """
    location = StockLocation(name=checked_text("name", name, 200, needed=True))
    try:
        with session.begin_nested():
            session.add(location)
    except IntegrityError as err:
        raise Invalid("name", f"There is a store named {location.name} already.") from err
    moves.note(session, location, "add", because)
    return location


def receive(
    session: Session,
    product: Product,
    location: StockLocation,
    *,
    serial_numbers: Sequence[str] = (),
    quantity: int = 0,
    because: Because,
) -> list[StockUnit]:
    """Put units on a shelf: those with these serial numbers, or so many that bear none.

    A serial that was issued from stock earlier is the same unit, which has come back.

    Raises:
        Invalid: both or neither were given, too many at once, a serial that is none, is given twice, or is in stock.
    """
    if bool(serial_numbers) == bool(quantity):
        raise Invalid("serial_numbers", "Give the serial numbers, or for parts without any the quantity.")
    if not 0 <= quantity <= MOST_AT_ONCE or len(serial_numbers) > MOST_AT_ONCE:
        raise Invalid("quantity", f"Receive 1 to {MOST_AT_ONCE} units at a time.")
    serials = {key: serial for serial, key in map(checked_serial, serial_numbers)}
    if len(serials) != len(serial_numbers):
        raise Invalid("serial_numbers", "A serial number is given twice.")
    known = session.scalars(
        select(StockUnit)
        .where(StockUnit.product_id == product.id, StockUnit.serial_key.in_(serials))
        .order_by(StockUnit.id)
        .with_for_update()
    ).all()
    for unit in known:
        if unit.state is not StockState.ISSUED:
            raise Invalid("serial_numbers", f"{unit.serial_number} is in stock already.")
        put_back(session, unit, location, because=because)
    unheard = serials.keys() - {unit.serial_key for unit in known}
    marks: list[tuple[str, str | None]] = [(serial, key) for key, serial in serials.items() if key in unheard] or [
        ("", None)
    ] * quantity
    units = [
        StockUnit(
            product_id=product.id,
            location_id=location.id,
            serial_number=serial,
            serial_key=key,
            state=StockState.IN_STOCK,
            received_at=because.at,
        )
        for serial, key in marks
    ]
    session.add_all(units)
    session.flush()
    for unit in units:
        moves.born(session, unit, [StockState.IN_STOCK], because)
    return [*known, *units]


def reserve(session: Session, unit: StockUnit, fault: Fault, *, because: Because) -> None:
    """Keep a unit for a case.

    Raises:
        Invalid: the case is over.
        IllegalMove, Raced: the unit is not free, or not any more.
    """
    _hold(session, fault)
    _move(session, unit, StockState.RESERVED, because, fault_id=fault.id, client_id=fault.client_id)


def reserve_any(
    session: Session, product: Product, fault: Fault, *, location: StockLocation | None = None, because: Because
) -> StockUnit:
    """Keep for a case whichever unit of a product has lain longest, in one store or in any.

    Raises:
        OutOfStock: none is free there.
        Invalid: the case is over.
    """
    _hold(session, fault)
    free = select(StockUnit).where(StockUnit.product_id == product.id, StockUnit.state == StockState.IN_STOCK)
    if location is not None:
        free = free.where(StockUnit.location_id == location.id)
    # A row that somebody else is just taking is passed over: it is as good as gone.
    unit = session.scalars(free.order_by(StockUnit.id).limit(1).with_for_update(skip_locked=True)).one_or_none()
    if unit is None:
        where = f"in {location.name}" if location else "in any store"
        raise OutOfStock(f"No {product.manufacturer} {product.model} is free {where}.")
    _move(session, unit, StockState.RESERVED, because, fault_id=fault.id, client_id=fault.client_id)
    return unit


def _hold(session: Session, fault: Fault) -> None:
    """Lock the case, before any unit, and see that it still runs."""
    session.refresh(fault, with_for_update=True)
    if fault.state in FAULT_OVER:
        raise Invalid("fault", f"The case {fault.reference} is over: reopen it first.")


def _move(session: Session, unit: StockUnit, to: StockState, because: Because, **also: Any) -> None:
    """Move a unit; the row that this leaves stands on the timeline of the case that gets it or lets it go."""
    because = replace(because, fault_id=also.get("fault_id") or unit.fault_id)
    moves.move(session, unit, to, because, **also)


def release(session: Session, unit: StockUnit, *, because: Because) -> None:
    """Give a reserved unit free: its case does not need it.

    Raises:
        IllegalMove, Raced: it is not reserved, or not any more.
    """
    if unit.state is StockState.ISSUED:
        raise moves.IllegalMove(f"stock_unit {unit.public_id}: it is issued, and comes back by being put back.")
    _move(session, unit, StockState.IN_STOCK, because, fault_id=None, client_id=None)


def issue(session: Session, unit: StockUnit, *, because: Because) -> None:
    """Hand a unit out for the case that it is reserved for.

    Raises:
        IllegalMove, Raced: it is not reserved, or not any more.
    """
    _move(session, unit, StockState.ISSUED, because)


def put_back(session: Session, unit: StockUnit, location: StockLocation, *, because: Because) -> None:
    """Take an issued unit back into a store.

    Raises:
        IllegalMove, Raced: it is not issued, or not any more.
    """
    if unit.state is StockState.RESERVED:
        raise moves.IllegalMove(f"stock_unit {unit.public_id}: it was never issued; release it instead.")
    _move(session, unit, StockState.IN_STOCK, because, fault_id=None, client_id=None, location_id=location.id)


# --- as programs see it ---


def _locations(_session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    return [{"id": row.StockLocation.public_id, "name": row.StockLocation.name} for row in rows]


LOCATIONS = Kind(StockLocation, lambda: select(StockLocation), _locations)


def _units(_session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    return [
        {
            "id": row.StockUnit.public_id,
            "product": row.product,
            "location": row.location,
            "serial_number": row.StockUnit.serial_number,
            "state": row.StockUnit.state,
            "fault_id": row.fault,
            "received_at": row.StockUnit.received_at,
        }
        for row in rows
    ]


UNITS = Kind(
    StockUnit,
    lambda: (
        select(
            StockUnit,
            Product.public_id.label("product"),
            StockLocation.public_id.label("location"),
            Fault.public_id.label("fault"),
        )
        .join(Product, Product.id == StockUnit.product_id)
        .join(StockLocation, StockLocation.id == StockUnit.location_id)
        .outerjoin(Fault, Fault.id == StockUnit.fault_id)
    ),
    _units,
)


def documents(session: Session, units: Sequence[StockUnit], *, now: datetime) -> list[Document]:
    """The documents of some units."""
    rows = session.execute(UNITS.query().where(StockUnit.id.in_({unit.id for unit in units})).order_by(StockUnit.id))
    return _units(session, rows.all(), now)
