"""What one coverage says by its dates, day by day and second by second; source: domain.md, section 2."""

import pytest

from tests.domain.documents import FILE, codes, coverage, verdict_of

JUNE = {"starts_on": "2026-06-01", "ends_on": "2026-06-30", "time_zone": "UTC", "evidence": FILE}


def said(occurred, reported=None, **changes):
    """What a coverage of June 2026 says for the parts, for a fault at noon of a day, reported the same day or later."""
    reported_at = f"{reported or occurred}T12:00:00Z"
    fault = {"occurred_at": f"{occurred}T12:00:00Z" if reported else None, "reported_at": reported_at}
    return codes("parts", now=reported_at, fault=fault, coverages=[coverage(**JUNE | changes)])


# ── start, waiting, end ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2026-05-31", "not_started"),
        ("2026-06-01", "chosen"),
        ("2026-06-30", "chosen"),
        ("2026-07-01", "expired"),
    ],
)
def test_the_first_and_the_last_day_are_covered_and_their_neighbours_are_not(day, code):
    assert said(day) == [code]


def test_a_coverage_of_one_day_covers_that_day():
    one_day = {"starts_on": "2026-06-01", "ends_on": "2026-06-01"}
    assert [said(day, **one_day) for day in ("2026-05-31", "2026-06-01", "2026-06-02")] == [
        ["not_started"],
        ["chosen"],
        ["expired"],
    ]


@pytest.mark.parametrize("day", ["2026-06-01", "2026-12-31", "9999-12-31"])
def test_no_end_is_no_end_and_never_expired(day):
    assert said(day, ends_on=None, grace_days=5, waiting_days=0) == ["chosen"]


@pytest.mark.parametrize(
    ("occurred", "reported", "code"),
    [
        ("2026-05-31", "2026-06-01", "failure_before_cover"),
        ("2026-05-31", "2026-12-31", "failure_before_cover"),
        ("2026-05-30", "2026-05-31", "not_started"),
        ("2026-06-01", "2026-06-02", "chosen"),
    ],
)
def test_a_failure_before_the_start_that_is_reported_after_it_has_its_own_code(occurred, reported, code):
    assert said(occurred, reported) == [code]


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2026-05-31", "not_started"),
        ("2026-06-01", "waiting_period"),
        ("2026-06-10", "waiting_period"),
        ("2026-06-11", "chosen"),
    ],
)
def test_the_first_ten_days_of_cover_are_waited(day, code):
    assert said(day, waiting_days=10) == [code]


def test_waiting_is_asked_before_the_end():
    assert said("2026-07-05", waiting_days=60) == ["waiting_period"]


# ── grace ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "covered", "uncovered"),
    [
        ("2026-06-30", ["chosen"], ["chosen"]),
        ("2026-07-01", ["chosen", "in_grace"], ["in_grace"]),
        ("2026-07-05", ["chosen", "in_grace"], ["in_grace"]),
        ("2026-07-06", ["expired"], ["expired"]),
    ],
)
def test_five_days_of_grace_pass_only_where_grace_is_covered(day, covered, uncovered):
    assert said(day, grace_days=5, grace_is_covered=True) == covered
    assert said(day, grace_days=5, grace_is_covered=False) == uncovered


def test_covered_grace_of_no_days_is_no_grace():
    assert said("2026-07-01", grace_days=0, grace_is_covered=True) == ["expired"]


def test_uncovered_grace_leaves_the_share_to_a_person():
    verdict = verdict_of(coverages=[coverage(ends_on="2026-02-28", grace_days=10, evidence=FILE)])
    assert (verdict.verdict, verdict.route) == ("needs_review", "review")


def test_grace_stands_beside_chosen_and_nowhere_else():
    loser = coverage("k1", ends_on="2026-02-20", grace_days=30, grace_is_covered=True, kind="insurance", evidence=FILE)
    changes = {"coverages": [loser, coverage("k2")]}
    assert codes("parts", "k1", **changes) == ["outranked"]
    assert codes("labour", "k1", **changes) == ["outranked"]


def test_grace_stands_beside_chosen_only_in_the_share_that_was_won():
    ended = coverage(ends_on="2026-02-20", grace_days=30, grace_is_covered=True, covers=["labour"], evidence=FILE)
    assert codes("parts", coverages=[ended]) == ["parts_not_covered"]
    assert codes("labour", coverages=[ended]) == ["chosen", "in_grace"]


# ── reported late ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reported", "claims_after_end_days", "code"),
    [
        ("2026-06-30", 0, "chosen"),
        ("2026-07-01", 0, "reported_after_cover"),
        ("2026-07-10", 10, "chosen"),
        ("2026-07-11", 10, "reported_after_cover"),
    ],
)
def test_a_fault_inside_the_dates_must_be_reported_in_time(reported, claims_after_end_days, code):
    assert said("2026-06-15", reported, claims_after_end_days=claims_after_end_days) == [code]


@pytest.mark.parametrize(
    ("reported", "grace", "claims_after_end_days", "code"),
    [
        ("2026-07-05", 5, 0, "chosen"),  # the last day of covered grace
        ("2026-07-06", 5, 0, "reported_after_cover"),
        ("2026-07-06", 5, 6, "chosen"),  # six days after the end, not after the grace
        ("2026-07-07", 5, 6, "reported_after_cover"),
        ("2026-07-05", 5, 2, "chosen"),
    ],
)
def test_covered_grace_counts_as_cover_for_the_report(reported, grace, claims_after_end_days, code):
    changes = {"grace_days": grace, "grace_is_covered": True, "claims_after_end_days": claims_after_end_days}
    assert said("2026-06-15", reported, **changes) == [code]


def test_grace_that_is_not_covered_does_not_count_for_the_report():
    assert said("2026-06-15", "2026-07-03", grace_days=5) == ["reported_after_cover"]


def test_a_fault_in_covered_grace_must_be_reported_in_time_too():
    grace = {"grace_days": 5, "grace_is_covered": True}
    assert said("2026-07-02", "2026-07-05", **grace) == ["chosen", "in_grace"]
    assert said("2026-07-02", "2026-07-06", **grace) == ["reported_after_cover"]


def test_days_for_late_claims_do_not_make_a_late_fault_covered():
    assert said("2026-07-01", "2026-07-02", claims_after_end_days=100) == ["expired"]


def test_without_an_end_no_report_is_too_late():
    assert said("2026-06-15", "2036-06-15", ends_on=None) == ["chosen"]


def test_a_late_report_leaves_the_share_to_a_person():
    fault = {"occurred_at": "2026-02-20T10:00:00Z"}
    verdict = verdict_of(fault=fault, coverages=[coverage(ends_on="2026-02-28", evidence=FILE)])
    assert (verdict.verdict, verdict.route) == ("needs_review", "review")


# ── whose day it is ──────────────────────────────────────────────────────────────────────────────────────────────────


def at(instant, zone, **changes):
    only = coverage(**JUNE | {"time_zone": zone} | changes)
    return codes("parts", now=instant, fault={"reported_at": instant}, coverages=[only])


@pytest.mark.parametrize(
    ("zone", "last_second", "first_second_after"),
    [
        ("UTC", "2026-06-30T23:59:59.999999Z", "2026-07-01T00:00:00Z"),
        ("Europe/Amsterdam", "2026-06-30T21:59:59Z", "2026-06-30T22:00:00Z"),
        ("America/Los_Angeles", "2026-07-01T06:59:59Z", "2026-07-01T07:00:00Z"),
        ("Pacific/Auckland", "2026-06-30T11:59:59Z", "2026-06-30T12:00:00Z"),
        ("Asia/Kathmandu", "2026-06-30T18:14:59Z", "2026-06-30T18:15:00Z"),
        ("Pacific/Kiritimati", "2026-06-30T09:59:59Z", "2026-06-30T10:00:00Z"),
    ],
)
def test_the_last_day_ends_at_midnight_of_the_contract(zone, last_second, first_second_after):
    assert at(last_second, zone) == ["chosen"]
    assert at(first_second_after, zone) == ["expired"]


def test_the_first_day_begins_at_midnight_of_the_contract():
    assert at("2026-05-31T21:59:59Z", "Europe/Amsterdam") == ["not_started"]
    assert at("2026-05-31T22:00:00Z", "Europe/Amsterdam") == ["chosen"]


@pytest.mark.parametrize(
    ("last_day", "zone", "last_second", "first_second_after"),
    [
        ("2026-03-29", "Europe/Amsterdam", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"),  # a day of 23 hours
        ("2026-10-25", "Europe/Amsterdam", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"),  # a day of 25 hours
        ("2026-03-08", "America/Los_Angeles", "2026-03-09T06:59:59Z", "2026-03-09T07:00:00Z"),
        ("2026-11-01", "America/Los_Angeles", "2026-11-02T07:59:59Z", "2026-11-02T08:00:00Z"),
    ],
)
def test_a_day_on_which_the_clocks_change_ends_at_its_own_midnight(last_day, zone, last_second, first_second_after):
    dates = {"starts_on": "2026-01-01", "ends_on": last_day}
    assert at(last_second, zone, **dates) == ["chosen"]
    assert at(first_second_after, zone, **dates) == ["expired"]


def test_the_offset_in_which_an_instant_is_written_changes_nothing():
    assert at("2026-07-01T08:59:59+09:00", "UTC") == ["chosen"]
    assert at("2026-06-30T19:00:00-05:00", "UTC") == ["expired"]


def test_each_contract_counts_its_own_days():
    instant = "2026-06-30T22:30:00Z"
    both = [coverage("k1", **JUNE), coverage("k2", **JUNE | {"time_zone": "Europe/Amsterdam"})]
    changes = {"now": instant, "fault": {"reported_at": instant}, "coverages": both}
    assert (codes("parts", "k1", **changes), codes("parts", "k2", **changes)) == (["chosen"], ["expired"])


def test_the_day_of_the_report_is_counted_in_the_contracts_zone_too():
    fault = {"occurred_at": "2026-06-15T12:00:00Z", "reported_at": "2026-06-30T22:30:00Z"}
    of_zone = {
        zone: codes("parts", fault=fault, coverages=[coverage(**JUNE | {"time_zone": zone})])
        for zone in ("UTC", "Europe/Amsterdam")
    }
    assert of_zone == {"UTC": ["chosen"], "Europe/Amsterdam": ["reported_after_cover"]}


# ── the edges of the calendar ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-11:00"])
def test_an_instant_at_the_edge_of_the_calendar_has_the_day_that_is_written(zone, instant):
    assert at(instant, zone, starts_on="0001-01-01", ends_on="9999-12-31") == ["chosen"]


def test_a_million_days_of_everything_leave_no_calendar():
    most = 1_000_000
    counts = {"grace_days": most, "waiting_days": most, "claims_after_end_days": most, "ends_on": "9999-12-31"}
    assert said("2026-06-15", **counts) == ["waiting_period"]
    assert said("2026-06-15", **counts | {"waiting_days": 0}) == ["chosen"]
    policy = {"evidence_freshness_days": most, "repeat_window_days": most, "lookup_patience_minutes": most}
    assert verdict_of(policy=policy).verdict == "covered"
