"""Working time: golden cases whose sums are written out by hand, and what holds for every calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warranty.domain import calendars
from warranty.domain.calendars import Calendar, Interval, Malformed, NoHours, read_amount, read_week

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
KATHMANDU, APIA = "Asia/Kathmandu", "Pacific/Apia"

OFFICE = "mon-fri 08:00-17:00"  # 9 h
SPLIT = "mon-fri 08:00-12:00,13:00-17:00"  # 4 h + 4 h
NIGHT = "mon-fri 22:00-06:00"  # 8 h, of which 6 h on the next day
NIGHTLY = "mon-sun 22:00-06:00"
ALWAYS = "24x7"

MAY_DAY = ["2026-05-01"]  # a Friday
EASTER = ["2026-04-03", "2026-04-06"]  # Friday and Monday
CHRISTMAS = ["2026-12-25", "2026-12-26", "2027-01-01"]  # Friday, Saturday, Friday


def calendar(zone, hours, holidays=()):
    days = frozenset(map(date.fromisoformat, holidays))
    return Calendar(ZoneInfo(zone), read_week(hours), days.__contains__)


def instant(text):
    return datetime.fromisoformat(text)


def spans(pauses):
    return [(instant(begun), instant(ended)) for begun, ended in pauses]


# ── deadlines ────────────────────────────────────────────────────────────────────────────────────────────────────────

DEADLINES = {
    # Mon 09:00 + 2 h = Mon 11:00
    "within a day": (BERLIN, OFFICE, [], "2026-03-02T09:00+01:00", "2h", "2026-03-02T11:00+01:00"),
    # Mon 08:00 + 9 h = Mon 17:00, which is the closing and not Tue 08:00
    "exactly to the closing": (BERLIN, OFFICE, [], "2026-03-02T08:00+01:00", "9h", "2026-03-02T17:00+01:00"),
    # Mon 08:00 + 9 h = Mon 17:00; 1 min is left: Tue 08:00 + 1 min
    "a minute past the closing": (BERLIN, OFFICE, [], "2026-03-02T08:00+01:00", "9h1m", "2026-03-03T08:01+01:00"),
    # Mon 11:00 + 1 h = 12:00, noon is closed, 13:00 + 1 h = 14:00
    "over noon": (BERLIN, SPLIT, [], "2026-03-02T11:00+01:00", "2h", "2026-03-02T14:00+01:00"),
    # Mon 12:30 is closed: 13:00 + 1 h = 14:00
    "from within noon": (BERLIN, SPLIT, [], "2026-03-02T12:30+01:00", "1h", "2026-03-02T14:00+01:00"),
    # Mon 06:00 is closed: 08:00 + 1 h = 09:00
    "from before the opening": (BERLIN, OFFICE, [], "2026-03-02T06:00+01:00", "1h", "2026-03-02T09:00+01:00"),
    # Fri 18:00 is closed, so are Sat and Sun: Mon 08:00 + 1 h = 09:00
    "from Friday night": (BERLIN, OFFICE, [], "2026-03-06T18:00+01:00", "1h", "2026-03-09T09:00+01:00"),
    # Mon 17:00 is the closing, nothing is left of the day: Tue 08:00 + 1 h = 09:00
    "from the closing itself": (BERLIN, OFFICE, [], "2026-03-02T17:00+01:00", "1h", "2026-03-03T09:00+01:00"),
    # Fri 16:00 + 1 h = 17:00; 3 h are left: Mon 08:00 + 3 h = 11:00
    "over a weekend": (BERLIN, OFFICE, [], "2026-03-06T16:00+01:00", "4h", "2026-03-09T11:00+01:00"),
    # Nothing is added: Sat 12:00 stays, though it is closed
    "no time at all": (BERLIN, OFFICE, [], "2026-03-07T12:00+01:00", "0h", "2026-03-07T12:00+01:00"),
    # 100 h = 11 x 9 h + 1 h. Days 1-5: 2-6 March, 6-10: 9-13, 11: Mon 16; 1 h is left: Tue 17, 08:00 + 1 h
    "a hundred hours": (BERLIN, OFFICE, [], "2026-03-02T08:00+01:00", "100h", "2026-03-17T09:00+01:00"),
    # Mon 23:00 + 1 h = midnight, + 3 h = Tue 03:00
    "over midnight": (BERLIN, NIGHT, [], "2026-03-02T23:00+01:00", "4h", "2026-03-03T03:00+01:00"),
    # Tue 03:00 + 3 h = 06:00, the end of Monday's shift; 2 h are left: Tue 22:00 + 2 h = Wed 00:00
    "from last night's shift": (BERLIN, NIGHT, [], "2026-03-03T03:00+01:00", "5h", "2026-03-04T00:00+01:00"),
    # Fri 23:00 + 7 h = Sat 06:00; 1 h is left: no shift opens on Sat and Sun, Mon 22:00 + 1 h = 23:00
    "Friday's shift ends on Saturday": (BERLIN, NIGHT, [], "2026-03-06T23:00+01:00", "8h", "2026-03-09T23:00+01:00"),
    # Thu 16:00 + 1 h = 17:00; Fri is a holiday; 1 h is left: Mon 08:00 + 1 h = 09:00
    "over a holiday": (BERLIN, OFFICE, MAY_DAY, "2026-04-30T16:00+02:00", "2h", "2026-05-04T09:00+02:00"),
    # Thu 16:00 + 1 h; Fri 25 and Sat 26 holidays, Sun; Mon 28 9 h (10), Tue 29 9 h (19); 1 h is left: Wed 30 09:00
    "over Christmas": (BERLIN, OFFICE, CHRISTMAS, "2026-12-24T16:00+01:00", "20h", "2026-12-30T09:00+01:00"),
    # Thu 31 Dec 16:00 + 1 h; Fri 1 Jan is a holiday, then Sat and Sun; 1 h is left: Mon 4 Jan 08:00 + 1 h
    "over the year's end": (BERLIN, OFFICE, CHRISTMAS, "2026-12-31T16:00+01:00", "2h", "2027-01-04T09:00+01:00"),
    # Thu 16:30 + 30 min; Fri, Sat, Sun, Mon closed; 30 min are left: Tue 08:00 + 30 min
    "over Easter": (BERLIN, OFFICE, EASTER, "2026-04-02T16:30+02:00", "1h", "2026-04-07T08:30+02:00"),
    # Thu's shift runs on into the holiday: 23:00 + 7 h = Fri 06:00; Fri's does not open; Mon 22:00 + 1 h
    "the night before a holiday": (BERLIN, NIGHT, MAY_DAY, "2026-04-30T23:00+02:00", "8h", "2026-05-04T23:00+02:00"),
    # 2028 is a leap year: Mon 28 Feb 1 h, Tue 29 Feb 9 h (10); 1 h is left: Wed 1 March 09:00
    "over a leap day": (BERLIN, OFFICE, [], "2028-02-28T16:00+01:00", "11h", "2028-03-01T09:00+01:00"),
    # 2026 is none: Fri 27 Feb 1 h; 1 h is left: Mon 2 March 09:00
    "over the end of a short February": (BERLIN, OFFICE, [], "2026-02-27T16:00+01:00", "2h", "2026-03-02T09:00+01:00"),
    # The clock skips an hour: Sat noon + 24 h that pass = Sun 13:00
    "around the clock, Berlin in spring": (BERLIN, ALWAYS, [], "2026-03-28T12:00+01:00", "24h", "2026-03-29T13:00+02:00"),
    # An hour comes twice: Sat noon + 24 h that pass = Sun 11:00
    "around the clock, Berlin in autumn": (BERLIN, ALWAYS, [], "2026-10-24T12:00+02:00", "24h", "2026-10-25T11:00+01:00"),
    # The same a few weeks earlier: Sat noon + 24 h = Sun 13:00
    "around the clock, New York in spring": (NEW_YORK, ALWAYS, [], "2026-03-07T12:00-05:00", "24h", "2026-03-08T13:00-04:00"),
    # 22:00 to 06:00 without the skipped hour = 7 h; 1 h is left: Sun 22:00 + 1 h = 23:00
    "a night shift in spring": (BERLIN, NIGHTLY, [], "2026-03-28T22:00+01:00", "8h", "2026-03-29T23:00+02:00"),
    # 22:00 to 06:00 with the hour that comes twice = 9 h, all of it
    "a night shift in autumn": (BERLIN, NIGHTLY, [], "2026-10-24T22:00+02:00", "9h", "2026-10-25T06:00+01:00"),
    # 02:30 is skipped: open from the jump to 03:00 on; + 30 min = 03:30
    "an opening that is skipped": (BERLIN, "sun 02:30-04:00", [], "2026-03-29T00:00+01:00", "30m", "2026-03-29T03:30+02:00"),
    # 01:00 to the jump = 1 h; 30 min are left: next Sun 01:00 + 30 min
    "a closing that is skipped": (BERLIN, "sun 01:00-02:30", [], "2026-03-29T00:00+01:00", "1h30m", "2026-04-05T01:30+02:00"),
    # All of it is skipped, 0 min: next Sun 02:15 + 10 min = 02:25
    "hours that are skipped": (BERLIN, "sun 02:15-02:45", [], "2026-03-29T00:00+01:00", "10m", "2026-04-05T02:25+02:00"),
    # 00:00 EDT to 06:00 EST = 6 h + the hour that comes twice = 7 h
    "hours around the repeated one": (NEW_YORK, "sun 00:00-06:00", [], "2026-11-01T00:00-04:00", "7h", "2026-11-01T06:00-05:00"),
    # 01:30 comes twice and closes the first time: 1 h 30; 10 min are left: next Sun 00:00 + 10 min
    "a closing that comes twice": (NEW_YORK, "sun 00:00-01:30", [], "2026-11-01T00:00-04:00", "1h40m", "2026-11-08T00:10-05:00"),
    # 00:00 to 02:00 = 2 h, where the clock jumps half an hour to 02:30; + 2 h = 04:30
    "Lord Howe in spring": (LORD_HOWE, ALWAYS, [], "2026-10-04T00:00+10:30", "4h", "2026-10-04T04:30+11:00"),
    # 00:00 to 02:00 = 2 h, back to 01:30; 01:30 to 03:30 = 2 h
    "Lord Howe in autumn": (LORD_HOWE, ALWAYS, [], "2026-04-05T00:00+11:00", "4h", "2026-04-05T03:30+10:30"),
    # Fri 16:30 + 30 min = 17:00; Sat is closed; 30 min are left: Sun 10:00 + 30 min = 10:30, 04:45 in UTC
    "Kathmandu": (KATHMANDU, "sun-fri 10:00-17:00", [], "2026-03-06T10:45+00:00", "1h", "2026-03-08T04:45+00:00"),
    # Thu 29 16:00 + 1 h = 17:00; Samoa had no Fri 30; 1 h is left: Sat 31 09:00 + 1 h = 10:00
    "a day that never was": (APIA, "mon-sun 09:00-17:00", [], "2011-12-29T16:00-10:00", "2h", "2011-12-31T10:00+14:00"),
}  # fmt: skip


@pytest.mark.parametrize("name", DEADLINES)
def test_a_deadline(name):
    zone, hours, holidays, start, amount, expected = DEADLINES[name]

    found = calendars.add(calendar(zone, hours, holidays), instant(start), read_amount(amount))

    assert found == instant(expected)


PAUSED = {
    # 4 h of work from Mon 09:00: 1 h to 10:00, pause to 12:00, 3 h to 15:00
    "once": ([("2026-03-02T10:00+01:00", "2026-03-02T12:00+01:00")], "2026-03-02T09:00+01:00", "4h", "2026-03-02T15:00+01:00"),
    # Mon 16:00 + 30 min, pause to Tue 09:00; 1 h 30 is left: Tue 10:30
    "over night": ([("2026-03-02T16:30+01:00", "2026-03-03T09:00+01:00")], "2026-03-02T16:00+01:00", "2h", "2026-03-03T10:30+01:00"),
    # Both together pause from 10:00 to 13:00: 1 h to 10:00, 3 h from 13:00 to 16:00
    "twice at once": (
        [("2026-03-02T11:00+01:00", "2026-03-02T13:00+01:00"), ("2026-03-02T10:00+01:00", "2026-03-02T12:00+01:00")],
        "2026-03-02T09:00+01:00", "4h", "2026-03-02T16:00+01:00",
    ),
    # It began before the start: nothing until 10:00, then 1 h
    "before the start": ([("2026-03-01T10:00+01:00", "2026-03-02T10:00+01:00")], "2026-03-02T09:00+01:00", "1h", "2026-03-02T11:00+01:00"),
    # 8 h to the closing; the pause begins with it
    "from the deadline on": ([("2026-03-02T17:00+01:00", "2026-03-09T09:00+01:00")], "2026-03-02T09:00+01:00", "8h", "2026-03-02T17:00+01:00"),
}  # fmt: skip


@pytest.mark.parametrize("name", PAUSED)
def test_a_deadline_with_pauses(name):
    pauses, start, amount, expected = PAUSED[name]

    found = calendars.add(calendar(BERLIN, OFFICE), instant(start), read_amount(amount), pauses=spans(pauses))

    assert found == instant(expected)


# ── time between ─────────────────────────────────────────────────────────────────────────────────────────────────────

BETWEEN = {
    # Sat 08:00 to Sun 20:00: both closed, 0 h
    "a weekend": (BERLIN, OFFICE, [], "2026-03-07T08:00+01:00", "2026-03-08T20:00+01:00", "0h"),
    # 5 x 9 h = 45 h
    "a week": (BERLIN, OFFICE, [], "2026-03-02T00:00+01:00", "2026-03-09T00:00+01:00", "45h"),
    # From an instant to itself, 0 h
    "no time at all": (BERLIN, OFFICE, [], "2026-03-02T09:00+01:00", "2026-03-02T09:00+01:00", "0h"),
    # 365 x 24 h = 8760 h; the hour lost in spring comes back in autumn
    "a year around the clock": (BERLIN, ALWAYS, [], "2026-01-01T00:00+01:00", "2027-01-01T00:00+01:00", "8760h"),
    # 366 x 24 h = 8784 h
    "a leap year around the clock": (BERLIN, ALWAYS, [], "2028-01-01T00:00+01:00", "2029-01-01T00:00+01:00", "8784h"),
    # Tue 22:00 to Wed 04:00: 6 h; Tue 00:00 to 06:00: 6 h of Monday's shift
    "parts of two night shifts": (BERLIN, NIGHT, [], "2026-03-03T00:00+01:00", "2026-03-04T04:00+01:00", "12h"),
    # 00:00 to 08:00 and the half hour that comes twice: 8 h 30
    "Lord Howe in autumn": (LORD_HOWE, "mon-sun 00:00-08:00", [], "2026-04-05T00:00+11:00", "2026-04-06T00:00+10:30", "8h30m"),
    # 02:15 is skipped: from the jump to 02:30 until 03:00, 30 min
    "an opening that Lord Howe skips": (LORD_HOWE, "sun 02:15-03:00", [], "2026-10-04T00:00+10:30", "2026-10-05T00:00+11:00", "30m"),
    # 10:00 to 17:00 = 04:15 to 11:15 in UTC: 7 h
    "a day in Kathmandu": (KATHMANDU, "sun-fri 10:00-17:00", [], "2026-03-08T00:00+00:00", "2026-03-08T18:00+00:00", "7h"),
    # Mon 18:00 to Tue 12:00 and Tue 08:00 to 17:00 overlap from 08:00 to 12:00, which counts once: 23 h
    "shifts that overlap": (BERLIN, "mon 18:00-12:00; tue 08:00-17:00", [], "2026-03-02T00:00+01:00", "2026-03-04T00:00+01:00", "23h"),
    # 1 to 7 January: Thu 1 closed, Fri 2 9 h, weekend, Mon 5 9 h, Tue 6 9 h = 27 h
    "a week of the new year": (BERLIN, OFFICE, ["2026-01-01"], "2026-01-01T00:00+01:00", "2026-01-07T00:00+01:00", "27h"),
}  # fmt: skip


@pytest.mark.parametrize("name", BETWEEN)
def test_the_working_time_between_two_instants(name):
    zone, hours, holidays, start, end, expected = BETWEEN[name]

    found = calendars.between(calendar(zone, hours, holidays), instant(start), instant(end))

    assert found == read_amount(expected)


def test_pauses_that_overlap_are_taken_off_once_and_none_in_closed_time():
    # Mon 09:00 to Tue 09:00 = 8 h + 1 h; pauses 10:00 to 13:00 together = 3 h, 18:00 to 20:00 is closed: 6 h
    pauses = spans(
        [
            ("2026-03-02T10:00+01:00", "2026-03-02T12:00+01:00"),
            ("2026-03-02T11:00+01:00", "2026-03-02T13:00+01:00"),
            ("2026-03-02T18:00+01:00", "2026-03-02T20:00+01:00"),
        ]
    )

    found = calendars.between(
        calendar(BERLIN, OFFICE), instant("2026-03-02T09:00+01:00"), instant("2026-03-03T09:00+01:00"), pauses=pauses
    )

    assert found == timedelta(hours=6)


# ── openings and business days ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-06T18:00+01:00", "2026-03-09T08:00+01:00"),  # Fri night, Sat, Sun: Mon 08:00
        ("2026-03-02T08:00+01:00", "2026-03-02T08:00+01:00"),  # the opening itself
        ("2026-03-02T12:00+01:00", "2026-03-02T12:00+01:00"),  # it is open
        ("2026-03-02T17:00+01:00", "2026-03-03T08:00+01:00"),  # the closing is closed: Tue 08:00
    ],
)
def test_the_next_opening(at, expected):
    assert calendars.next_opening(calendar(BERLIN, OFFICE), instant(at)) == instant(expected)


@pytest.mark.parametrize(
    ("at", "count", "holidays", "expected"),
    [
        ("2026-03-02T14:59+01:00", 1, [], "2026-03-03"),  # Mon before the cut-off is day 0, Tue is day 1
        ("2026-03-02T15:00+01:00", 1, [], "2026-03-04"),  # at the cut-off Tue is day 0, Wed is day 1
        ("2026-03-06T16:00+01:00", 1, [], "2026-03-10"),  # Fri after it: Mon is day 0, Tue is day 1
        ("2026-03-07T10:00+01:00", 0, [], "2026-03-09"),  # Sat is none: Mon is day 0
        ("2026-03-07T10:00+01:00", 1, [], "2026-03-10"),  # and Tue is day 1
        ("2026-04-30T10:00+02:00", 1, MAY_DAY, "2026-05-04"),  # Thu is day 0, Fri a holiday, Mon is day 1
        # Mon 21: 22, 23, 24 (3), 28, 29, 30, 31 (7), 4, 5 and 6 January (10)
        ("2026-12-21T10:00+01:00", 10, CHRISTMAS, "2027-01-06"),
        # 14:30 in UTC is 15:30 in Berlin, past the cut-off: Tue is day 0, Wed is day 1
        ("2026-03-02T14:30+00:00", 1, [], "2026-03-04"),
    ],
)
def test_business_days_with_a_cut_off(at, count, holidays, expected):
    found = calendars.business_day(calendar(BERLIN, OFFICE, holidays), instant(at), count, cut_off=time(15))

    assert found == date.fromisoformat(expected)


def test_without_a_cut_off_the_whole_day_counts():
    late = instant("2026-03-02T23:59+01:00")

    assert calendars.business_day(calendar(BERLIN, OFFICE), late, 1) == date(2026, 3, 3)


def test_a_business_day_ends_with_its_last_hours():
    assert calendars.closing(calendar(BERLIN, SPLIT), date(2026, 3, 2)) == instant("2026-03-02T17:00+01:00")
    assert calendars.closing(calendar(BERLIN, NIGHT), date(2026, 3, 2)) == instant("2026-03-03T06:00+01:00")
    with pytest.raises(NoHours):
        calendars.closing(calendar(BERLIN, OFFICE), date(2026, 3, 7))


# ── bounded work ─────────────────────────────────────────────────────────────────────────────────────────────────────

NO_HOURS = Calendar(ZoneInfo(BERLIN), ((),) * 7)
ONLY_HOLIDAYS = Calendar(ZoneInfo(BERLIN), read_week(OFFICE), lambda _day: True)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("shut", [NO_HOURS, ONLY_HOLIDAYS], ids=["no hours", "only holidays"])
def test_a_calendar_that_never_opens_is_an_error_and_no_endless_walk(shut):
    for ask in (
        lambda: calendars.add(shut, NOON, timedelta(hours=1)),
        lambda: calendars.between(shut, NOON, NOON + timedelta(days=30)),
        lambda: calendars.next_opening(shut, NOON),
        lambda: calendars.business_day(shut, NOON, 1),
    ):
        with pytest.raises(NoHours, match="no hours"):
            ask()


def test_hours_that_a_clock_change_always_swallows_do_not_count_as_open():
    never_opens = Calendar(ZoneInfo(BERLIN), read_week("sun 02:15-02:45"), lambda day: day != date(2026, 3, 29))

    with pytest.raises(NoHours):
        calendars.add(never_opens, NOON, timedelta(minutes=1))


def test_ten_years_ask_for_each_day_once():
    asked = []

    def is_holiday(day):
        asked.append(day)
        return False

    shop = Calendar(ZoneInfo(BERLIN), read_week("mon-sun 08:00-12:00,13:00-17:00"), is_holiday)
    since, until = datetime(2016, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

    # 2016 to 2025: 10 x 365 days and the leap days of 2016, 2020 and 2024, 8 h each
    assert calendars.between(shop, since, until) == timedelta(hours=8 * 3653)
    assert len(asked) == len(set(asked)) <= 3655


SAYS_NOTHING = {
    "no zone": lambda shop: calendars.next_opening(shop, NOON.replace(tzinfo=None)),
    "less than nothing": lambda shop: calendars.add(shop, NOON, timedelta(hours=-1)),
    "centuries": lambda shop: calendars.add(shop, NOON, timedelta(days=99_999)),
    "a reversed pause": lambda shop: calendars.add(
        shop, NOON, timedelta(hours=1), pauses=[(NOON, NOON - timedelta(hours=1))]
    ),
    "an end before the start": lambda shop: calendars.between(shop, NOON, NOON - timedelta(seconds=1)),
    "days back": lambda shop: calendars.business_day(shop, NOON, -1),
    "days without number": lambda shop: calendars.business_day(shop, NOON, 10**9),
}


@pytest.mark.parametrize("name", SAYS_NOTHING)
def test_what_says_nothing_is_refused(name):
    with pytest.raises(Malformed):
        SAYS_NOTHING[name](calendar(BERLIN, OFFICE))


# ── hours as text ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_hours_are_read_day_by_day():
    week = read_week("Mon-Wed,Fri 08:00-12:00, 13:00-17:00; sat 22:00-06:00")

    split = (Interval(480, 720), Interval(780, 1020))
    assert week == (split, split, split, (), split, (Interval(1320, 1800),), ())


def test_a_range_of_days_may_run_over_the_weekend():
    assert [bool(day) for day in read_week("fri-mon 08:00-09:00")] == [True, False, False, False, True, True, True]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mon",
        "mon-fri",
        "mon 8-17",
        "mon 08:00-08:00",
        "mon 24:00-02:00",
        "mon 08:60-17:00",
        "mon 08:00-25:00",
        "day 08:00-17:00",
        "mon 08:00-17:00; mon 18:00-19:00",
        "mon 08:00-12:00,11:00-13:00",
        "mon 13:00-17:00,08:00-12:00",
        "mon 08:00-17:00;;",
    ],
)
def test_hours_that_say_nothing_are_refused(text):
    with pytest.raises(Malformed):
        Calendar(ZoneInfo(BERLIN), read_week(text))


@pytest.mark.parametrize("text", ["", "4", "h", "1m1h", "-1h", "1.5h", "four hours", "99999999h"])
def test_amounts_that_say_nothing_are_refused(text):
    with pytest.raises(Malformed):
        read_amount(text)


def test_a_week_has_seven_days_and_an_interval_a_length():
    with pytest.raises(Malformed, match="seven"):
        Calendar(ZoneInfo(BERLIN), ((),) * 6)
    with pytest.raises(Malformed, match="no part of a day"):
        Interval(600, 600)


# ── what holds for every calendar ────────────────────────────────────────────────────────────────────────────────────

ZONES = st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, KATHMANDU, "America/Havana", "Africa/Casablanca", "UTC"])
SPAN = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(lambda span: Interval(span[0], span[0] + span[1]))
DAY = st.lists(SPAN, max_size=3).map(
    lambda found: tuple(
        one for place, one in enumerate(sorted(found, key=lambda one: one.opens))
        if all(one.opens >= other.closes for other in sorted(found, key=lambda one: one.opens)[:place])
    )
)  # fmt: skip
WEEK = st.tuples(*[DAY] * 7).filter(lambda week: sum(map(len, week)) > 1)
HOLIDAYS = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=20)
CALENDARS = st.builds(lambda zone, week, days: Calendar(ZoneInfo(zone), week, days.__contains__), ZONES, WEEK, HOLIDAYS)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 -- the zone is given beside
AMOUNTS = st.timedeltas(timedelta(0), timedelta(days=20))
PAUSES = st.lists(
    st.builds(lambda begun, length: (begun, begun + length), INSTANTS, st.timedeltas(timedelta(0), timedelta(days=9))),
    max_size=4,
)
few = settings(max_examples=60, deadline=None)


@few
@given(CALENDARS, INSTANTS, AMOUNTS, PAUSES)
def test_what_is_added_lies_between(shop, start, amount, pauses):
    end = calendars.add(shop, start, amount, pauses=pauses)

    assert calendars.between(shop, start, end, pauses=pauses) == amount


@few
@given(CALENDARS, INSTANTS, AMOUNTS, AMOUNTS, PAUSES)
def test_two_amounts_are_one_sum(shop, start, first, second, pauses):
    at_once = calendars.add(shop, start, first + second, pauses=pauses)

    assert calendars.add(shop, calendars.add(shop, start, first, pauses=pauses), second, pauses=pauses) == at_once


@few
@given(CALENDARS, INSTANTS, INSTANTS, AMOUNTS, AMOUNTS)
def test_later_or_more_is_never_earlier(shop, one, other, little, much):
    early, late = sorted((one, other))
    little, much = sorted((little, much))

    assert calendars.add(shop, early, little) <= calendars.add(shop, late, little)
    assert calendars.add(shop, early, little) <= calendars.add(shop, early, much)


@few
@given(CALENDARS, st.lists(INSTANTS, min_size=3, max_size=3), PAUSES)
def test_parts_add_up_to_the_whole(shop, instants, pauses):
    start, middle, end = sorted(instants)
    parts = [calendars.between(shop, *part, pauses=pauses) for part in ((start, middle), (middle, end))]

    assert sum(parts, timedelta(0)) == calendars.between(shop, start, end, pauses=pauses)


@few
@given(CALENDARS, INSTANTS)
def test_nothing_lies_before_the_next_opening(shop, at):
    opening = calendars.next_opening(shop, at)

    assert calendars.between(shop, at, opening) == timedelta(0)
    assert calendars.next_opening(shop, opening) == opening
    assert calendars.between(shop, opening, opening + timedelta(microseconds=1)) == timedelta(microseconds=1)


@few
@given(CALENDARS, INSTANTS, st.integers(0, 30))
def test_a_business_day_is_open_and_later_than_the_one_before(shop, at, count):
    found = calendars.business_day(shop, at, count)

    assert shop.hours(found)
    assert calendars.business_day(shop, at, count + 1) > found


def test_a_single_day_is_otherwise_than_its_weekday_and_than_a_holiday() -> None:
    monday, christmas, eve = date(2026, 12, 21), date(2026, 12, 25), date(2026, 12, 24)
    kept = Calendar(
        ZoneInfo("Europe/Berlin"),
        calendars.read_week("mon-fri 08:00-17:00"),
        {christmas, eve}.__contains__,
        calendars.read_exceptions("2026-12-21 closed\n2026-12-24 08:00-12:00\n2026-12-26 09:00-10:00"),
    )

    assert kept.hours(monday) == ()
    assert kept.hours(eve) == (calendars.Interval(480, 720),)
    assert kept.hours(christmas) == ()
    assert kept.hours(date(2026, 12, 26)) == (calendars.Interval(540, 600),)


@pytest.mark.parametrize("text", ["24.12.2026 closed", "2026-12-24 noon", "2026-12-24\n2026-12-24 08:00-12:00"])
def test_a_single_day_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(calendars.Malformed):
        calendars.read_exceptions(text)
