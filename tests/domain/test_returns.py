"""When a defective unit is due back: twenty-four days whose sums are written out by hand, with the holidays of real regions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warranty.domain import returns
from warranty.domain.calendars import Malformed
from warranty.domain.returns import Level
from warranty.services.calendars import working_days

BERLIN, NEW_YORK, LONDON, CHICAGO = "Europe/Berlin", "America/New_York", "Europe/London", "America/Chicago"


@dataclass(frozen=True)
class Golden:
    """A return: the event, how many days, where the unit is; the day that comes out, and the day to hand it over."""

    event: str
    days: int
    on: str
    send_by: str
    zone: str = BERLIN
    region: str = "DE"
    business: bool = False


GOLDEN = {
    # Mon 2 Mar + 14 = Mon 16 Mar
    "two weeks": Golden("2026-03-02T10:00+01:00", 14, on="2026-03-16", send_by="2026-03-16"),
    # Tue 21 Apr + 10 = 31 Apr = Fri 1 May, Labour Day: it stays; the carrier came last on Thu 30 Apr
    "due on a holiday": Golden("2026-04-21T10:00+02:00", 10, on="2026-05-01", send_by="2026-04-30"),
    # Fri 27 Mar + 10 = 37 Mar = Mon 6 Apr, Easter Monday; Sun 5, Sat 4, Good Friday 3: Thu 2 Apr
    "due on Easter Monday": Golden("2026-03-27T10:00+01:00", 10, on="2026-04-06", send_by="2026-04-02"),
    # Tue 2 Jun: Wed 3 (1), Thu 4 is Corpus Christi in Bavaria, Fri 5 (2), Mon 8 (3)
    "a holiday of the region": Golden(
        "2026-06-02T10:00+02:00", 3, region="DE-BY", business=True, on="2026-06-08", send_by="2026-06-08"
    ),
    # the same in Berlin, which works on that Thursday: Wed 3 (1), Thu 4 (2), Fri 5 (3)
    "no holiday of the region": Golden(
        "2026-06-02T10:00+02:00", 3, region="DE-BE", business=True, on="2026-06-05", send_by="2026-06-05"
    ),
    # Tue 22 Dec: Wed 23 (1), Thu 24 (2), Fri 25 to Sun 27 free, Mon 28 (3), Tue 29 (4), Wed 30 (5)
    "business days over Christmas": Golden(
        "2026-12-22T10:00+01:00", 5, business=True, on="2026-12-30", send_by="2026-12-30"
    ),
    # Mon 21 Dec: 22 (1), 23 (2), 24 (3), 28 (4), 29 (5), 30 (6), 31 (7), Fri 1 Jan free, Mon 4 (8), Tue 5 (9),
    # Wed 6 is Epiphany in Bavaria, Thu 7 (10)
    "business days over the new year": Golden(
        "2026-12-21T10:00+01:00", 10, region="DE-BY", business=True, on="2027-01-07", send_by="2027-01-07"
    ),
    # Wed 23 Dec: Thu 24 (1), Fri 25 free, Boxing Day is a Saturday and so Mon 28 free, Tue 29 (2), Wed 30 (3)
    "a holiday that is made up for": Golden(
        "2026-12-23T10:00+00:00", 3, zone=LONDON, region="GB-ENG", business=True, on="2026-12-30", send_by="2026-12-30"
    ),
    # Mon 23 Nov: Tue 24 (1), Wed 25 (2), Thu 26 is Thanksgiving, Fri 27 (3), Mon 30 (4), Tue 1 Dec (5)
    "business days over Thanksgiving": Golden(
        "2026-11-23T10:00-05:00", 5, zone=NEW_YORK, region="US", business=True, on="2026-12-01", send_by="2026-12-01"
    ),
    # Sat 21 Mar, 23:30 + 14 = 35 Mar = Sat 4 Apr; 14 x 24 h would be Sun 5 Apr, 00:30, for the 29th has 23 h.
    # Sat 4, Good Friday 3: Thu 2 Apr
    "across the change of clocks in spring": Golden(
        "2026-03-21T23:30+01:00", 14, on="2026-04-04", send_by="2026-04-02"
    ),
    # Sun 25 Oct, 00:30 + 10 = 35 Oct = Wed 4 Nov; 10 x 24 h would be Tue 3 Nov, 23:30, for 1 Nov has 25 h
    "across the change of clocks in autumn": Golden(
        "2026-10-25T00:30-04:00", 10, zone=NEW_YORK, region="US", on="2026-11-04", send_by="2026-11-04"
    ),
    # Wed 1 Apr, 00:10 + 5 = Mon 6 Apr; 5 x 24 h would be Sun 5 Apr, 23:40, where clocks go back half an hour.
    # Easter Monday 6, Sun 5, Sat 4, Good Friday 3: Thu 2 Apr
    "across a change of half an hour": Golden(
        "2026-04-01T00:10+11:00", 5, zone="Australia/Lord_Howe", region="AU-NSW", on="2026-04-06", send_by="2026-04-02"
    ),
    # Mon 1 Jun, 20:00 in Texas is Tue 2 Jun, 03:00 where the unit is: 2 + 10 = Fri 12 Jun
    "sent in the west, the unit in the east": Golden(
        "2026-06-01T20:00-05:00", 10, on="2026-06-12", send_by="2026-06-12"
    ),
    # the same, where the vendor's rule says that Chicago's calendar counts: Mon 1 + 10 = Thu 11 Jun
    "the rule names a zone": Golden(
        "2026-06-01T20:00-05:00", 10, zone=CHICAGO, region="US", on="2026-06-11", send_by="2026-06-11"
    ),
    # Tue 2 Jun, 07:00 in Singapore is Mon 1 Jun, 19:00 in New York: 1 + 10 = Thu 11 Jun
    "sent in the east, the unit in the west": Golden(
        "2026-06-02T07:00+08:00", 10, zone=NEW_YORK, region="US", on="2026-06-11", send_by="2026-06-11"
    ),
    # Mon 1 Jun, 23:59 is still the 1st: 1 + 10 = Thu 11 Jun
    "a minute before midnight": Golden("2026-06-01T23:59+02:00", 10, on="2026-06-11", send_by="2026-06-11"),
    # a minute later it is the 2nd: 2 + 10 = Fri 12 Jun
    "midnight": Golden("2026-06-02T00:00+02:00", 10, on="2026-06-12", send_by="2026-06-12"),
    # Sat 6 Jun: Sun 7 free, Mon 8 (1), and not Tue 9: the vendor has no reason to wait for the Monday to begin
    "from a Saturday": Golden("2026-06-06T12:00+02:00", 1, business=True, on="2026-06-08", send_by="2026-06-08"),
    # Fri 5 Jun, after everybody has left, is still Friday: Sat, Sun free, Mon 8 (1)
    "from a Friday night": Golden("2026-06-05T21:00+02:00", 1, business=True, on="2026-06-08", send_by="2026-06-08"),
    # Fri 1 May is free: Mon 4 (1) to Fri 8 (5), Mon 11 (6), 12 (7), 13 (8), Thu 14 is Ascension, Fri 15 (9), Mon 18 (10)
    "delivered on a holiday": Golden(
        "2026-05-01T09:00+02:00", 10, business=True, on="2026-05-18", send_by="2026-05-18"
    ),
    # Mon 28 Feb 2028 + 1 = Tue 29 Feb
    "a leap day": Golden("2028-02-28T10:00+01:00", 1, on="2028-02-29", send_by="2028-02-29"),
    # Sat 31 Jan, 11:00 UTC is Sun 1 Feb, 01:00 there: 1 + 7 = Sun 8 Feb; Sat 7: Fri 6 Feb. Nobody's holidays are known.
    "fourteen hours ahead, no holidays known": Golden(
        "2026-01-31T11:00+00:00", 7, zone="Pacific/Kiritimati", region="", on="2026-02-08", send_by="2026-02-06"
    ),
    # Wed 3 Jun: Thu 4 (1), Fri 5 and Sat 6 are the weekend there, Sun 7 (2)
    "a weekend on Friday and Saturday": Golden(
        "2026-06-03T10:00+03:00",
        2,
        zone="Asia/Riyadh",
        region="SA",
        business=True,
        on="2026-06-07",
        send_by="2026-06-07",
    ),
    # Fri 1 May + 1 = Sat 2 May; Fri 1 is Labour Day, Thu 30 Apr is before the event: nothing leaves before Fri 1
    "no working day in between": Golden("2026-05-01T09:00+02:00", 1, on="2026-05-02", send_by="2026-05-01"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_return_is_due_on_the_day_that_was_counted_by_hand(name):
    case = GOLDEN[name]
    calendar = working_days(time_zone=case.zone, region=case.region)
    due = returns.by_rule(datetime.fromisoformat(case.event), case.days, calendar, business_days=case.business)
    assert (due.on, due.send_by) == (date.fromisoformat(case.on), date.fromisoformat(case.send_by))


@given(
    st.integers(0, 15 * 366 * 24).map(lambda hours: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
    st.integers(1, 60),
    st.booleans(),
)
def test_a_day_more_is_never_earlier_and_business_days_end_on_a_working_day(event, days, business):
    calendar = working_days(time_zone=BERLIN, region="DE-BY")
    due, later = (returns.by_rule(event, more, calendar, business_days=business) for more in (days, days + 1))
    assert due.started_on < due.on < later.on
    assert due.started_on <= due.send_by <= due.on
    assert not business or calendar.hours(due.on)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_number_of_days_that_no_vendor_gives_is_refused(days):
    with pytest.raises(Malformed):
        returns.by_rule(datetime(2026, 3, 2, tzinfo=UTC), days, working_days(time_zone=BERLIN), business_days=False)


def test_an_event_without_a_zone_is_refused():
    with pytest.raises(Malformed, match="no time zone"):
        returns.by_rule(datetime(2026, 3, 2), 1, working_days(time_zone=BERLIN), business_days=False)  # noqa: DTZ001 - that is what is refused


def test_reminders_climb_and_each_level_is_told_once():
    day = date(2026, 6, 12)

    def levels(days_before, told):
        return returns.levels_due(day, day - timedelta(days_before), told)

    assert levels(6, 0) == []
    assert levels(5, 0) == [Level.HOLDER]
    assert levels(4, 1) == []
    assert levels(2, 1) == [Level.OWNER]
    assert levels(0, 1) == [Level.OWNER, Level.MANAGERS]
    assert levels(-30, 3) == []
    assert [returns.next_reminder(day, told) for told in range(4)] == [
        date(2026, 6, 7),
        date(2026, 6, 10),
        day,
        None,
    ]
