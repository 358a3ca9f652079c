"""Business calendars with the public holidays of a region: the only place that knows the library of holidays."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import holidays

from warranty.domain.calendars import WEEKDAYS, Calendar, Malformed, never, read_week
from warranty.services.estate import checked_zone

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date


def calendar_of(hours: str, *, time_zone: str, region: str = "") -> Calendar:
    """A calendar from what an agreement says.

    Args:
        hours: weekly hours, as ``domain.calendars.read_week`` reads them.
        time_zone: an IANA name.
        region: whose public holidays are closed: ``DE``, ``DE-BY``, ``GB-ENG``; empty: nobody's.

    Raises:
        Malformed: the hours or the region say nothing.
        Invalid: there is no such time zone.
    """
    zone = ZoneInfo(checked_zone(time_zone))
    return Calendar(zone, read_week(hours), holidays_of(region) if region else never)


def working_days(*, time_zone: str, region: str = "") -> Calendar:
    """The days on which a region works, its weekend and its public holidays left out; their hours say nothing.

    Raises:
        Malformed, Invalid: as ``calendar_of``.
    """
    country = region.strip().upper().partition("-")[0]
    weekend = _weekend(country) if country in _regions() else _WEEKEND
    days = ",".join(name for day, name in enumerate(WEEKDAYS) if day not in weekend)
    return calendar_of(f"{days} 08:00-18:00", time_zone=time_zone, region=region)


def holidays_of(region: str) -> Callable[[date], bool]:
    """Whether a day is a public holiday of a region (ISO 3166: ``DE``, ``DE-BY``), days given instead of it included.

    Raises:
        Malformed: nobody has written down the holidays of such a region.
    """
    country, _, part = region.strip().upper().partition("-")
    known = _regions()
    if country not in known or (part and part not in known[country]):
        parts = f"; parts of {country}: {', '.join(known[country])}" if known.get(country) else ""
        raise Malformed(f"The holidays of {region!r} are not known: write it as DE or DE-BY{parts}.")
    return lambda day: day in _days(country, part, day.year)


_WEEKEND = frozenset({5, 6})


@cache
def _weekend(country: str) -> frozenset[int]:
    """The days, counted from Monday, that are free every week: Friday and Saturday in some countries."""
    return frozenset(holidays.country_holidays(country).weekend)


@cache
def _regions() -> dict[str, list[str]]:
    return holidays.list_supported_countries()


@cache
def _days(country: str, part: str, year: int) -> frozenset[date]:
    """A year's days, made once: the library's own objects grow while they are read, which two threads must not share."""
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year, expand=False))
