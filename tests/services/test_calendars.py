"""The public holidays of a region, and calendars that close on them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from warranty.domain import calendars
from warranty.domain.calendars import Malformed
from warranty.services.calendars import calendar_of, holidays_of
from warranty.services.estate import Invalid

OFFICE = "mon-fri 08:00-17:00"


@pytest.mark.parametrize(
    ("region", "day", "expected"),
    [
        ("DE-BY", date(2026, 6, 4), True),  # Corpus Christi
        ("DE-BE", date(2026, 6, 4), False),
        ("DE", date(2026, 10, 3), True),  # German Unity
        ("GB-SCT", date(2026, 1, 2), True),
        ("GB-ENG", date(2026, 1, 2), False),
        ("US", date(2026, 7, 3), True),  # given for 4 July, a Saturday
        ("US", date(2021, 12, 31), True),  # given for 1 January 2022, a Saturday: it lies in the year before
        ("us-ny", date(2026, 11, 26), True),
    ],
)
def test_a_region_has_its_own_holidays(region: str, day: date, *, expected: bool) -> None:
    assert holidays_of(region)(day) is expected


@pytest.mark.parametrize("region", ["XX", "DE-XX", "-", "Bavaria", "DE-BY-M"])
def test_a_region_that_nobody_knows_is_refused(region: str) -> None:
    with pytest.raises(Malformed, match="write it as DE or DE-BY"):
        holidays_of(region)


def test_a_calendar_closes_on_the_holidays_of_its_region() -> None:
    # Thu 2026-04-30 16:00 + 1 h = 17:00; Fri is May Day; 1 h is left: Mon 08:00 + 1 h = 09:00, 07:00 in UTC
    calendar = calendar_of(OFFICE, time_zone="Europe/Berlin", region="DE-BY")

    found = calendars.add(calendar, datetime(2026, 4, 30, 14, tzinfo=UTC), timedelta(hours=2))

    assert found == datetime(2026, 5, 4, 7, tzinfo=UTC)


def test_without_a_region_no_day_is_a_holiday() -> None:
    calendar = calendar_of(OFFICE, time_zone="Europe/Berlin")

    assert calendars.next_opening(calendar, datetime(2026, 5, 1, 8, tzinfo=UTC)) == datetime(2026, 5, 1, 8, tzinfo=UTC)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="zone"):
        calendar_of(OFFICE, time_zone="Europe/Nowhere")
