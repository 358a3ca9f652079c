"""What parcels come to, part by part; pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warranty.domain import goods
from warranty.domain.goods import Contents, Count, Line, Rest
from warranty.domain.lifecycles import ShipmentDirection, ShipmentState
from warranty.domain.terms import Delivery

TO_US, TO_VENDOR = ShipmentDirection.TO_US, ShipmentDirection.TO_VENDOR
P = ShipmentState


def parcel(state: ShipmentState, *lines: Line, makes_up: bool = False) -> Contents:
    return Contents(state, makes_up, lines)


def test_what_a_split_delivery_still_owes_is_counted_part_by_part() -> None:
    counts = goods.count(
        TO_US,
        [
            parcel(P.CHECKED_IN, Line("psu", 2, arrived=2), Line("fan", 1, arrived=1)),
            parcel(P.IN_TRANSIT, Line("psu", 1)),
            parcel(P.EXPECTED, Line("rail", 1)),
        ],
    )

    assert counts == (Count("psu", 3, 2, 0, 1), Count("fan", 1, 1, 0, 0), Count("rail", 1, 0, 0, 1))
    assert [one.outstanding for one in counts] == [1, 0, 1]
    assert all(one.unannounced == 0 for one in counts)


def test_a_parcel_that_makes_up_for_a_lost_one_promises_nothing_new() -> None:
    [psu] = goods.count(TO_US, [parcel(P.LOST, Line("psu", 2)), parcel(P.EXPECTED, Line("psu", 2), makes_up=True)])

    assert (psu.promised, psu.outstanding, psu.under_way, psu.unannounced) == (2, 2, 2, 0)


def test_what_is_lost_and_sent_by_nobody_is_unannounced() -> None:
    [psu] = goods.count(TO_US, [parcel(P.LOST, Line("psu", 2))])

    assert (psu.outstanding, psu.unannounced) == (2, 2)


@pytest.mark.parametrize(
    ("state", "arrived", "given_up", "under_way"),
    [
        (P.DUE, 0, 0, 0),
        (P.IN_TRANSIT, 0, 0, 1),
        (P.RECEIVED, 1, 0, 0),
        (P.ACCEPTED, 1, 0, 0),
        (P.NO_FAULT_FOUND, 1, 0, 0),
        (P.REFUSED, 1, 0, 0),
        (P.WAIVED, 0, 1, 0),
        (P.RETAINED, 0, 1, 0),
        (P.CHARGED, 0, 1, 0),
        (P.LOST, 0, 0, 0),
    ],
)
def test_a_return_is_there_where_the_vendor_has_it_and_given_up_where_it_stays(
    state: ShipmentState, arrived: int, given_up: int, under_way: int
) -> None:
    [unit] = goods.count(TO_VENDOR, [parcel(state, Line("unit"))])

    assert (unit.arrived, unit.given_up, unit.under_way) == (arrived, given_up, under_way)


LINES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(
    lambda numbers: tuple(Line(f"part {at}", number) for at, number in enumerate(numbers))
)


@given(LINES, st.data(), st.sampled_from(Rest))
def test_of_a_parcel_that_is_unpacked_each_part_came_is_expected_or_is_given_up(
    lines: tuple[Line, ...], data: st.DataObject, rest: Rest
) -> None:
    arrived = {line.part: data.draw(st.integers(0, line.quantity)) for line in lines}

    booked = goods.book(lines, arrived, rest)

    again = {line.part: line.quantity for line in goods.rest_of(booked)}
    for before, line in zip(lines, booked, strict=True):
        assert line.arrived == arrived[line.part]
        assert line.arrived + line.given_up + again.get(line.part, 0) == before.quantity
    assert not (rest is Rest.GIVEN_UP and again)


def test_more_than_a_parcel_holds_and_what_is_not_in_it_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="holds 2 of psu"):
        goods.book([Line("psu", 2)], {"psu": 3}, Rest.EXPECTED)
    with pytest.raises(ValueError, match="fan is not in this parcel"):
        goods.book([Line("psu", 2)], {"fan": 1}, Rest.EXPECTED)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([Line("psu"), Line("psu")], "once"),
        ([Line("psu", 0)], "how many"),
        ([Line(f"part {number}") for number in range(goods.MOST_LINES + 1)], "at most"),
        ([], None),
        ([Line("psu", 2), Line("fan")], None),
    ],
)
def test_contents_that_cannot_be_say_why(lines: list[Line], said: str | None) -> None:
    why = goods.why_not(lines)

    assert (why is None) if said is None else (why is not None and said in why)


def test_only_a_depot_has_the_unit_before_anything_comes() -> None:
    assert [one for one in Delivery if goods.goes_first(one)] == [Delivery.DEPOT]
