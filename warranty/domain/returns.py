"""When a defective unit must be back at its vendor, and who is reminded of it when: the only place that counts these days.

Choices, each on the side that costs nobody money:

- The day of the event itself is not counted: 10 days after Monday the 2nd is Thursday the 12th.
- An event falls on the day that the clock shows where the unit is, unless the vendor's rule names a zone: whoever sends
  it lives by that calendar, and so does the word "overdue". The vendor's own zone is told by no vendor.
- Calendar days are never moved: a day that falls on a holiday stays, since no vendor promises to wait. Then the parcel
  leaves on the working day before, which is ``send_by``.
- Business days skip the weekend and the public holidays of the region where the unit is, or that the rule names. They
  end on a working day, whatever day the event was on: one business day after a Saturday is the Monday, not the Tuesday.
- A day that the vendor names itself goes before the rule's; both are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from warranty.domain.calendars import ONE_DAY, Calendar, Malformed, business_day

NOON = time(12)
MOST_DAYS = 366
BACK = 60
"""So many days before its end a return is looked for a working day; a region that has none in them has none."""


class Starts(StrEnum):
    """What starts the clock. The words are those of the vendors' contract."""

    ORDER = "order"
    SHIPMENT = "shipment"
    DELIVERY = "delivery"


class Basis(StrEnum):
    """Where a day comes from."""

    TOLD = "told"  # the vendor named it, or a person entered what it named
    RULE = "rule"  # counted by the vendor's rule


@dataclass(frozen=True, slots=True)
class Due:
    """A day by which a unit must be back, inclusive; ``started_on`` is the day of the event, ``send_by`` when to hand it over."""

    on: date
    started_on: date
    send_by: date


def by_rule(started_at: datetime, days: int, calendar: Calendar, *, business_days: bool) -> Due:
    """The day that a rule gives: ``days`` after the event, in the calendar's zone.

    Raises:
        Malformed: an event without a zone, or a number of days that no vendor gives (1 to ``MOST_DAYS``).
        NoHours: business days of a calendar that has none.
    """
    if started_at.tzinfo is None:
        raise Malformed(f"{started_at.isoformat()} has no time zone: nobody can say on which day that is.")
    if not 1 <= days <= MOST_DAYS:
        raise Malformed(f"{days} is no number of days for a return.")
    started_on = started_at.astimezone(calendar.zone).date()
    if business_days:
        first = datetime.combine(started_on + ONE_DAY, NOON, calendar.zone)  # noon: no change of clocks touches it
        on = business_day(calendar, first, days - 1)
    else:
        on = started_on + timedelta(days=days)
    return Due(on, started_on, send_by(on, calendar, not_before=started_on))


def send_by(on: date, calendar: Calendar, *, not_before: date | None = None) -> date:
    """The last working day up to a day, since carriers collect on no other; the day itself where none is near.

    ``not_before``: nothing leaves before the day of the event.
    """
    days = (on - timedelta(days=back) for back in range(BACK))
    found = next((day for day in days if calendar.hours(day)), on)
    return found if not_before is None else max(found, not_before)


# --- who is reminded ---


class Level(StrEnum):
    """Who is told that a unit is to go back, one after the other."""

    HOLDER = "holder"
    OWNER = "owner"
    MANAGERS = "managers"


REMINDERS: dict[Level, timedelta] = {
    Level.HOLDER: timedelta(days=5),
    Level.OWNER: timedelta(days=2),
    Level.MANAGERS: timedelta(0),
}
"""How long before the day by which it is to be handed over; the managers on that very day, while it still helps."""


def levels_due(send_by: date, today: date, told: int) -> list[Level]:
    """Who is to be told by now and was not yet, the nearest first; ``told`` of them know already. Each is told once."""
    return [level for place, level in enumerate(REMINDERS) if place >= told and today >= _day_of(level, send_by)]


def next_reminder(send_by: date, told: int) -> date | None:
    """The day on which the next of them is told; null where all of them know."""
    return next((_day_of(level, send_by) for place, level in enumerate(REMINDERS) if place >= told), None)


def _day_of(level: Level, send_by: date) -> date:
    return send_by - REMINDERS[level]


class Holder(StrEnum):
    """Who has the unit that goes back."""

    MSP = "msp"  # whoever looks after the case
    COLLEAGUE = "colleague"  # somebody of the MSP by name
    CONTACT = "contact"  # somebody at the site by name
    CLIENT = "client"  # the client: whoever reported the fault or is named on it


THEIRS = frozenset({Holder.CONTACT, Holder.CLIENT})
"""Whoever has it is the client's: then the client has the ball."""


# --- what it costs ---


class CostKind(StrEnum):
    """What a return may cost."""

    NON_RETURN = "non_return"  # the vendor bills what did not come back
    LATE = "late"  # it came back, and too late
    RESTOCKING = "restocking"  # the vendor's fee for what came back unused or as good as new


class Blame(StrEnum):
    """Whose doing a cost was."""

    MSP = "msp"
    CLIENT = "client"
    CARRIER = "carrier"
    VENDOR = "vendor"
