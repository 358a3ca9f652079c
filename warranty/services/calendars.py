"""Business calendars: those that are kept, what a change of one would do, and the public holidays of a region.

The only place that knows the library of holidays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import func, select

from warranty.domain import calendars
from warranty.domain.calendars import WEEKDAYS, Calendar, Malformed, NoHours, never, read_exceptions, read_week
from warranty.models import BusinessCalendar
from warranty.services import moves
from warranty.services.estate import Invalid, checked_text, checked_zone
from warranty.services.estate.rows import add_once, change_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because


def calendar_of(hours: str, *, time_zone: str, region: str = "", exceptions: str = "") -> Calendar:
    """A calendar from what an agreement says.

    Args:
        hours: weekly hours, as ``domain.calendars.read_week`` reads them.
        time_zone: an IANA name.
        region: whose public holidays are closed: ``DE``, ``DE-BY``, ``GB-ENG``; empty: nobody's.
        exceptions: days that are otherwise, as ``domain.calendars.read_exceptions`` reads them.

    Raises:
        Malformed: the hours, the region or an exception say nothing.
        Invalid: there is no such time zone.
    """
    zone = ZoneInfo(checked_zone(time_zone))
    is_holiday = holidays_of(region) if region else never
    return Calendar(zone, read_week(hours), is_holiday, read_exceptions(exceptions))


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


# --- those that are kept ---

FIELDS: Final = ("name", "hours", "time_zone", "region", "exceptions")


def listed(session: Session, *, limit: int = 200) -> list[BusinessCalendar]:
    """The calendars, by name."""
    query = select(BusinessCalendar).order_by(func.lower(BusinessCalendar.name), BusinessCalendar.id).limit(limit)
    return list(session.scalars(query))


def read(facts: dict[str, str]) -> Calendar:
    """The calendar that ``FIELDS`` describe, all of them checked.

    Raises:
        Invalid: naming the field that says nothing, and why.
    """
    checked_text("name", facts["name"], 120, needed=True)
    for field, check in (
        ("hours", read_week),
        ("time_zone", checked_zone),
        ("region", lambda text: holidays_of(text) if text else None),
        ("exceptions", read_exceptions),
    ):
        try:
            check(facts[field])
        except Malformed as err:
            raise Invalid(field, str(err)) from err
    try:
        return calendar_of(
            facts["hours"], time_zone=facts["time_zone"], region=facts["region"], exceptions=facts["exceptions"]
        )
    except Malformed as err:  # parts of one day overlap
        raise Invalid("hours", str(err)) from err


def add(session: Session, facts: dict[str, str], *, because: Because) -> BusinessCalendar:
    """Keep a new calendar.

    Raises:
        Invalid: as ``read``, or the name is taken.
    """
    read(facts)
    row = BusinessCalendar(**facts, created_at=because.at)
    add_once(session, row, "name", _taken(facts["name"]))
    moves.note(session, row, "add", because)
    return row


def change(session: Session, row: BusinessCalendar, facts: dict[str, str], *, because: Because) -> None:
    """Change a calendar, whose row is locked by the caller. What was counted on it before stays as it was counted.

    Raises:
        Invalid: as ``add``.
    """
    read(facts)
    new: dict[str, Any] = {name: facts[name] for name in FIELDS}
    change_once(session, row, new, "name", _taken(facts["name"]), because=because)


def _taken(name: str) -> str:
    return f"There is a calendar named {name} already."


# --- what a change would do ---

PROMISES: Final = (timedelta(hours=4), timedelta(hours=8), timedelta(hours=40))
"""Of what is promised in working time, some usual lengths."""

AHEAD: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Deadline:
    """Of a promise that is made now, when it ends by the one calendar and by the other; null where it never opens."""

    promise: timedelta
    was: datetime | None
    becomes: datetime | None


@dataclass(frozen=True, slots=True)
class Effect:
    """What differs between two calendars: deadlines of promises made now, and the days of a year ahead that are otherwise.

    ``was_open`` and ``is_open`` are the working time of the year ahead.
    """

    deadlines: tuple[Deadline, ...]
    days: tuple[date, ...]
    was_open: timedelta
    is_open: timedelta


def effect(was: Calendar | None, becomes: Calendar, *, now: datetime) -> Effect:
    """What another calendar does to what is promised from now on; beside none, what this one does."""
    before = was or becomes
    first = now.astimezone(becomes.zone).date()
    ahead = (first + timedelta(days=step) for step in range(AHEAD.days))
    days = tuple(day for day in ahead if before.hours(day) != becomes.hours(day)) if was else ()
    deadlines = tuple(Deadline(one, _end(before, now, one), _end(becomes, now, one)) for one in PROMISES)
    return Effect(deadlines, days, _open(before, now), _open(becomes, now))


def _end(calendar: Calendar, now: datetime, promise: timedelta) -> datetime | None:
    try:
        return calendars.add(calendar, now, promise)
    except NoHours:
        return None


def _open(calendar: Calendar, now: datetime) -> timedelta:
    return calendars.between(calendar, now, now + AHEAD)


def closed(calendar: Calendar, *, now: datetime, most: int = 12) -> Sequence[date]:
    """The next days on which nobody works though their weekday has hours: holidays and exceptions."""
    first = now.astimezone(calendar.zone).date()
    ahead = (first + timedelta(days=step) for step in range(AHEAD.days))
    return [day for day in ahead if calendar.week[day.weekday()] and not calendar.hours(day)][:most]
