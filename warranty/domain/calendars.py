"""Business calendars: the only place that adds and counts working time. Pure; holidays are the caller's facts.

Three choices settle every odd day:

- Hours belong to the day on which they open. A night shift of the eve runs on into the holiday; that of the holiday does
  not take place.
- A time of day is the first instant at which the place's clock shows it or later. In the hour that a change of clocks
  leaves out that is the instant of the change, in the hour that comes twice its first run.
- Lengths are time that passes, not the difference of two clock readings: a day that is open around the clock has 23
  hours in spring and 25 in autumn.

Days are walked one by one, so ten years cost some thousand steps, and a calendar that never opens is an error instead of
a walk without end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY_MIN = 24 * 60
ONE_DAY = timedelta(days=1)
ZERO = timedelta(0)
MOST_CLOSED_DAYS = 1_000
"""A calendar that stays shut for longer than any run of holidays is taken for one that never opens."""

LONGEST = timedelta(days=36_600)
"""A hundred years: nobody's promise is longer, and a larger number is a mistake."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Pause = tuple[datetime, datetime]


class NoHours(Exception):
    """The calendar does not open for years on end: there is no next opening, and no deadline."""

    def __init__(self, after: date) -> None:
        super().__init__(f"This calendar has no hours in the {MOST_CLOSED_DAYS} days before {after.isoformat()}.")


class Malformed(ValueError):
    """Hours, an amount or a span of time that says nothing; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Open from ``opens`` to ``closes``: minutes after midnight of the day on which it opens. Past 1440 is the next day."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        """Refuse what is empty, longer than a day, or opens on another day.

        Raises:
            Malformed: it is one of these.
        """
        if not (0 <= self.opens < DAY_MIN and self.opens < self.closes <= self.opens + DAY_MIN):
            raise Malformed(f"{self.opens} to {self.closes} minutes after midnight is no part of a day.")


def never(_day: date) -> bool:
    """No day is a holiday."""
    return False


@dataclass(frozen=True, slots=True)
class Calendar:
    """When work is done at a place.

    ``week`` has seven entries, Monday first, each the intervals of that day in their order. ``exceptions`` say otherwise of
    single days, holidays too. ``is_holiday`` is asked once
    for a day: the ``__contains__`` of a set will do.
    """

    zone: ZoneInfo
    week: tuple[tuple[Interval, ...], ...]
    is_holiday: Callable[[date], bool] = never
    exceptions: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a week that is none.

        Raises:
            Malformed: not seven days, or intervals of one day that overlap or are out of order.
        """
        if len(self.week) != len(WEEKDAYS):
            raise Malformed(f"A week has seven days, not {len(self.week)}.")
        single = ((day.isoformat(), hours) for day, hours in self.exceptions.items())
        for name, day in (*zip(WEEKDAYS, self.week, strict=True), *single):
            for earlier, later in pairwise(day):
                if later.opens < earlier.closes:
                    raise Malformed(f"Two intervals of {name} overlap: write each part of the day once, in order.")

    def hours(self, day: date) -> tuple[Interval, ...]:
        """The intervals that open on a day."""
        if day in self.exceptions:
            return self.exceptions[day]
        intervals = self.week[day.weekday()]
        return () if intervals and self.is_holiday(day) else intervals


# --- hours as text ---

_PART = re.compile(r"(?P<days>[a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?)*)\s+(?P<spans>[\d:\-, ]+)")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_AMOUNT = re.compile(r"(?:(?P<hours>\d{1,7})h)?(?:(?P<minutes>\d{1,9})m)?")


def read_week(text: str) -> tuple[tuple[Interval, ...], ...]:
    """Read weekly hours: ``mon-fri 08:00-12:00,13:00-17:00; sat 22:00-06:00``, or ``24x7``.

    What closes before it opens closes on the next day.

    Raises:
        Malformed: a day, a time or the whole says nothing, or a day is written twice.
    """
    plain = text.strip().lower()
    if plain == "24x7":
        return ((Interval(0, DAY_MIN),),) * 7
    week: list[tuple[Interval, ...]] = [()] * 7
    for part in plain.split(";"):
        found = _PART.fullmatch(part.strip())
        if found is None:
            raise Malformed(f"{part.strip()!r} is no working day: write it as 'mon-fri 08:00-12:00,13:00-17:00'.")
        spans = tuple(_interval(span.strip()) for span in found["spans"].split(","))
        for day in (day for days in found["days"].split(",") for day in _days(days)):
            if week[day]:
                raise Malformed(f"{WEEKDAYS[day]} is written twice: put all its hours in one place.")
            week[day] = spans
    return tuple(week)


def read_exceptions(text: str) -> dict[date, tuple[Interval, ...]]:
    """Read days that are otherwise, one a line: ``2026-12-24 08:00-12:00``, or ``2026-12-31 closed``.

    Raises:
        Malformed: a line says nothing, or a day stands there twice.
    """
    found: dict[date, tuple[Interval, ...]] = {}
    for line in filter(None, (line.strip().lower() for line in text.splitlines())):
        head, _, tail = line.partition(" ")
        try:
            day = date.fromisoformat(head)
        except ValueError as err:
            raise Malformed(f"{head!r} is no day: write it as 2026-12-24.") from err
        if day in found:
            raise Malformed(f"{head} is written twice: put all its hours in one line.")
        closed = tail.strip() in {"closed", ""}
        found[day] = () if closed else tuple(_interval(span.strip()) for span in tail.split(","))
    return found


def read_amount(text: str) -> timedelta:
    """Read an amount of working time: ``4h``, ``90m`` or ``1h30m``.

    Raises:
        Malformed: it is none.
    """
    found = _AMOUNT.fullmatch(text.strip().lower())
    if found is None or not text.strip():
        raise Malformed(f"{text!r} is no amount of working time: write it as 4h, 90m or 1h30m.")
    return timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))


def _days(text: str) -> list[int]:
    names = text.split("-")
    for name in names:
        if name not in WEEKDAYS:
            raise Malformed(f"{name!r} is no day: they are {', '.join(WEEKDAYS)}.")
    first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _interval(text: str) -> Interval:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise Malformed(f"{text!r} are no hours: write them as 08:00-17:00.")
    opens, closes = _minutes(found[1], found[2]), _minutes(found[3], found[4])
    if opens in {closes, DAY_MIN}:
        raise Malformed(f"{text!r} has no length: the whole day is 00:00-24:00.")
    return Interval(opens, closes if closes > opens else closes + DAY_MIN)


def _minutes(hour: str, minute: str) -> int:
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > DAY_MIN:
        raise Malformed(f"{hour}:{minute} is no time of day.")
    return found


# --- working time ---


def add(calendar: Calendar, start: datetime, amount: timedelta, *, pauses: Sequence[Pause] = ()) -> datetime:
    """The instant at which ``amount`` of working time has passed since ``start``: a deadline, in UTC.

    Nothing added is ``start`` itself, open or not. What ends with the closing ends then, not at the next opening.
    Working time inside ``pauses`` (start and end, in any order, overlapping or not) does not count; for a pause that is
    not over yet the caller names the instant up to which it knows.

    Raises:
        NoHours: the calendar never opens.
        Malformed: a time without zone, a negative amount, one above ``LONGEST``, a pause that ends before it begins.
    """
    since = _utc(start)
    if not ZERO <= amount <= LONGEST:
        raise Malformed(f"{amount} is no amount of working time.")
    if not amount:
        return since
    rest = amount
    for opened, closed in _working(calendar, since, pauses):
        if rest <= closed - opened:
            return opened + rest
        rest -= closed - opened
    raise AssertionError("working time has no end")  # pragma: no cover - the walk goes on or raises


def between(calendar: Calendar, start: datetime, end: datetime, *, pauses: Sequence[Pause] = ()) -> timedelta:
    """How much working time lies between two instants, less what lies inside ``pauses``.

    Raises:
        NoHours: the calendar never opens: nothing would ever count, which nobody means.
        Malformed: a time without zone, an end before the start or further away than ``LONGEST``, a reversed pause.
    """
    since, until = _utc(start), _utc(end)
    if not ZERO <= until - since <= LONGEST:
        raise Malformed(f"From {start.isoformat()} to {end.isoformat()} is no span that can be counted.")
    total = ZERO
    for opened, closed in _working(calendar, since, pauses):
        if opened >= until:
            break
        total += min(closed, until) - opened
    return total


def next_opening(calendar: Calendar, at: datetime) -> datetime:
    """The first instant, not before ``at``, at which work is done; ``at`` itself where it is open. In UTC.

    Raises:
        NoHours: the calendar never opens.
        Malformed: a time without zone.
    """
    opened, _ = next(_working(calendar, _utc(at), ()))
    return opened


def _working(calendar: Calendar, since: datetime, pauses: Sequence[Pause]) -> Iterator[tuple[datetime, datetime]]:
    """The open stretches from ``since`` on, less the pauses: in order, apart, never empty."""
    left = _merged(pauses)
    for opened, closed in _open(calendar, since):
        start = opened
        while left and left[0][1] <= start:
            left.pop(0)
        for begun, ended in left:
            if begun >= closed:
                break
            if start < begun:
                yield start, begun
            start = max(start, ended)
        if start < closed:
            yield start, closed


def _open(calendar: Calendar, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    day = since.astimezone(calendar.zone).date() - ONE_DAY  # last night's shift may still run
    reached, closed_days = since, 0
    while closed_days <= MOST_CLOSED_DAYS:
        closed_days += 1
        for interval in calendar.hours(day):
            opened = max(_instant(calendar.zone, day, interval.opens), reached)
            closed = _instant(calendar.zone, day, interval.closes)
            if opened < closed:
                yield opened, closed
                reached, closed_days = closed, 0
        day += ONE_DAY
    raise NoHours(day)


def _merged(pauses: Sequence[Pause]) -> list[Pause]:
    merged: list[Pause] = []
    for begun, ended in sorted((_utc(begun), _utc(ended)) for begun, ended in pauses):
        if ended < begun:
            raise Malformed(f"A pause ends at {ended.isoformat()}, before it begins.")
        if merged and begun <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ended))
        else:
            merged.append((begun, ended))
    return merged


# --- business days ---


def business_day(calendar: Calendar, at: datetime, count: int, *, cut_off: time | None = None) -> date:
    """The ``count``-th business day after an instant, in the calendar's zone: 1 is the next business day.

    Counting begins on the day of ``at`` where that is a business day and its clock shows less than ``cut_off`` (None: the
    whole day counts), else on the business day that follows; ``count`` 0 is that first day.

    Raises:
        NoHours: the calendar never opens.
        Malformed: a time without zone, a negative count or one that leads beyond ``LONGEST``.
    """
    if not 0 <= count <= LONGEST.days:
        raise Malformed(f"{count} is no number of business days.")
    here = _utc(at).astimezone(calendar.zone)
    day = here.date()
    if cut_off is not None and here.time() >= cut_off:
        day += ONE_DAY
    found = _business_day(calendar, day)
    for _ in range(count):
        found = _business_day(calendar, found + ONE_DAY)
    return found


def closing(calendar: Calendar, day: date) -> datetime:
    """When the last hours that open on a day end, in UTC: the end of that business day.

    Raises:
        NoHours: none open on that day.
    """
    hours = calendar.hours(day)
    if not hours:
        raise NoHours(day)
    return _instant(calendar.zone, day, hours[-1].closes)


def _business_day(calendar: Calendar, day: date) -> date:
    """The day itself, or the first after it that has hours."""
    for _ in range(MOST_CLOSED_DAYS + 1):
        if calendar.hours(day):
            return day
        day += ONE_DAY
    raise NoHours(day)


# --- clocks ---


def _instant(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """The first instant at which the clock shows so many minutes after a day's midnight, or later."""
    shown = datetime.combine(day, time(tzinfo=zone)) + timedelta(minutes=minutes)
    first, second = shown.utcoffset(), shown.replace(fold=1).utcoffset()
    assert first is not None  # a zone has one for every time
    assert second is not None
    plain = shown.replace(tzinfo=UTC)
    if first >= second:  # greater: the time comes twice, and this is its first run
        return plain - first
    before, after = plain - second, plain - first  # the clock jumps over it: the jump lies between these (PEP 495)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == second:
            after = middle
        else:
            before = middle
    return after


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise Malformed(f"{at.isoformat()} has no time zone: nobody can say when that is.")
    return at.astimezone(UTC)
