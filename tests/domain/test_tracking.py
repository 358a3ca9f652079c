"""How often a vendor is asked, and from when on its silence is too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warranty.domain import tracking
from warranty.domain.lifecycles import RMA_OVER, RmaState, ShipmentState
from warranty.domain.tracking import Pace

MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_a_claim_is_followed_until_it_is_over_and_not_before_it_is_sent() -> None:
    followed = {state for state in RmaState if tracking.pace_of(state, None) is not None}

    assert followed == set(RmaState) - RMA_OVER - {RmaState.DRAFT}


def test_what_a_technician_waits_for_is_asked_for_most_often() -> None:
    def factor(state: RmaState, to_us: ShipmentState | None = None) -> float:
        pace = tracking.pace_of(state, to_us)
        assert pace is not None
        return pace.factor

    underway, here = (
        factor(RmaState.AUTHORIZED, state) for state in (ShipmentState.IN_TRANSIT, ShipmentState.DELIVERED)
    )
    assert factor(RmaState.UNDER_REVIEW) < underway < here
    assert factor(RmaState.AUTHORIZED, ShipmentState.LOST) == underway


@given(luck=st.floats(0, 1), factor=st.floats(1, 16))
def test_an_interval_varies_by_a_tenth(luck: float, factor: float) -> None:
    seconds = tracking.interval_s(Pace(factor, None), rhythm_s=900, luck=luck)

    assert 0.89 < seconds / (900 * factor) < 1.11


@pytest.mark.parametrize(
    ("now", "days", "before"),
    [
        (MONDAY, 1, MONDAY - timedelta(days=3)),  # Friday
        (MONDAY + timedelta(days=1), 1, MONDAY),
        (MONDAY - timedelta(days=1), 1, MONDAY - timedelta(days=3)),  # on a Sunday
        (MONDAY, 5, MONDAY - timedelta(days=7)),
    ],
)
def test_patience_is_in_working_days(now: datetime, days: int, before: datetime) -> None:
    assert tracking.silent_before(Pace(1, days), now) == before


def test_what_a_person_has_is_never_silent_for_too_long() -> None:
    assert tracking.silent_before(tracking.PACES[RmaState.MANUAL_HANDLING], MONDAY) is None
