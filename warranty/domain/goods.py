"""What is in parcels, part by part: what was promised, what came, what is under way, and what nobody has announced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from warranty.domain.lifecycles import ShipmentDirection, ShipmentState
from warranty.domain.terms import Delivery

MOST_LINES = 50
"""More kinds of parts than one parcel holds."""
MOST_OF_ONE = 1000


class Rest(StrEnum):
    """What becomes of parts that did not come, or came wrong or damaged."""

    EXPECTED = "expected"  # another parcel brings them
    GIVEN_UP = "given_up"  # nobody waits for them any more


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of part in one parcel.

    Attributes:
        part: its number, or its name; it tells the lines of a parcel apart.
        quantity: how many the parcel is said to hold.
        arrived: how many of them came and were right.
        given_up: how many of the others nobody waits for any more.
        serial_number: of the one that is in it, where it is known.
    """

    part: str
    quantity: int = 1
    arrived: int = 0
    given_up: int = 0
    serial_number: str = ""

    @property
    def missing(self) -> int:
        """How many have neither come nor been given up."""
        return self.quantity - self.arrived - self.given_up


@dataclass(frozen=True, slots=True)
class Contents:
    """A parcel as it is counted; ``makes_up``: it brings what another one did not, and promises nothing new."""

    state: ShipmentState
    makes_up: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """All parcels of one direction, for one part. ``outstanding`` parts are owed; ``unannounced`` ones are in no parcel."""

    part: str
    promised: int
    arrived: int
    given_up: int
    under_way: int

    @property
    def outstanding(self) -> int:
        """How many are still to come."""
        return self.promised - self.arrived - self.given_up

    @property
    def unannounced(self) -> int:
        """How many of those no parcel brings."""
        return max(0, self.outstanding - self.under_way)


P = ShipmentState
_UNDER_WAY = {
    ShipmentDirection.TO_US: frozenset({P.EXPECTED, P.IN_TRANSIT, P.DELIVERED}),
    ShipmentDirection.TO_VENDOR: frozenset({P.IN_TRANSIT}),
}
_THERE = frozenset({P.RECEIVED, P.ACCEPTED, P.NO_FAULT_FOUND, P.REFUSED})
_STAYS_HERE = frozenset({P.WAIVED, P.RETAINED, P.CHARGED})


def count(direction: ShipmentDirection, parcels: Iterable[Contents]) -> tuple[Count, ...]:
    """Count the parts of all parcels that go one way, in the order in which they were first named."""
    found: dict[str, list[int]] = {}
    for parcel in parcels:
        for line in parcel.lines:
            sums = found.setdefault(line.part, [0, 0, 0, 0])
            arrived, given_up = _come_of(direction, parcel.state, line)
            sums[0] += 0 if parcel.makes_up else line.quantity
            sums[1] += arrived
            sums[2] += given_up
            sums[3] += line.missing if parcel.state in _UNDER_WAY[direction] else 0
    return tuple(Count(part, *sums) for part, sums in found.items())


def _come_of(direction: ShipmentDirection, state: ShipmentState, line: Line) -> tuple[int, int]:
    if direction is ShipmentDirection.TO_US:
        return line.arrived, line.given_up
    return (line.quantity if state in _THERE else 0), (line.quantity if state in _STAYS_HERE else 0)


def why_not(lines: Sequence[Line]) -> str | None:
    """Why these cannot be the contents of a parcel; None where they can."""
    if len(lines) > MOST_LINES:
        return f"A parcel has at most {MOST_LINES} kinds of parts."
    if len({line.part for line in lines}) < len(lines):
        return "Name each part once, with how many there are."
    if any(not 0 < line.quantity <= MOST_OF_ONE for line in lines):
        return f"Give how many there are of each part, 1 to {MOST_OF_ONE}."
    return None


def book(lines: Sequence[Line], arrived: Mapping[str, int], rest: Rest) -> tuple[Line, ...]:
    """The lines of a parcel that was unpacked: so many of each part were right, and what becomes of the rest.

    Raises:
        ValueError: a part that is not in the parcel, or more than it is said to hold; the message says which.
    """
    holds = {line.part: line.quantity for line in lines}
    for part, number in arrived.items():
        if part not in holds:
            raise ValueError(f"{part} is not in this parcel.")
        if not 0 <= number <= holds[part]:
            raise ValueError(f"The parcel holds {holds[part]} of {part}: what is more comes in a parcel of its own.")
    booked = []
    for line in lines:
        came = arrived.get(line.part, 0)
        given_up = line.quantity - came if rest is Rest.GIVEN_UP else 0
        booked.append(replace(line, arrived=came, given_up=given_up))
    return tuple(booked)


def rest_of(lines: Iterable[Line]) -> tuple[Line, ...]:
    """What another parcel has to bring after this one."""
    return tuple(Line(line.part, line.missing) for line in lines if line.missing)


def give_up(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines of a parcel that nobody waits for any more."""
    return tuple(replace(line, given_up=line.quantity - line.arrived) for line in lines)


def is_given_up(lines: Sequence[Line]) -> bool:
    """Whether nobody waits for a parcel any more: it may stay on its way for ever."""
    return bool(lines) and all(line.given_up == line.quantity for line in lines)


def goes_first(delivery: Delivery | None) -> bool:
    """Whether the vendor has the defective unit before anything comes: then it is due with the approval."""
    return delivery is Delivery.DEPOT
