"""How long a replacement is covered, for every rule of a vendor."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warranty.domain.transfer import TransferRule, new_end

DAYS = st.dates(date(2020, 1, 1), date(2035, 1, 1))
END = date(2026, 6, 30)


def test_the_remaining_term_is_what_was_left() -> None:
    assert new_end(TransferRule.REMAINING_TERM, 90, root_end=END, shipped_on=date(2026, 6, 20)) == END


def test_fixed_days_run_from_the_shipment_and_take_nothing_away() -> None:
    # 20 June is day 0; 10 more days of June and 31 of July are 41, 31 of August 72, so day 90 is 18 September.
    assert new_end(TransferRule.FIXED_DAYS, 90, root_end=END, shipped_on=date(2026, 6, 20)) == date(2026, 9, 18)
    assert new_end(TransferRule.FIXED_DAYS, 90, root_end=END, shipped_on=date(2026, 1, 2)) == END


def test_cover_without_an_end_stays_without_one() -> None:
    assert new_end(TransferRule.LONGER_OF_BOTH, 90, root_end=None, shipped_on=END) is None


@given(st.sampled_from(TransferRule), st.none() | st.integers(0, 400), DAYS, st.lists(DAYS, min_size=1, max_size=5))
def test_a_line_of_replacements_never_ends_before_the_root_and_never_adds_up(
    rule: TransferRule, days: int | None, root_end: date, shipped: list[date]
) -> None:
    for shipped_on in sorted(shipped):  # each replacement starts from the root's own end again
        end = new_end(rule, days, root_end=root_end, shipped_on=shipped_on)
        assert end is not None
        assert root_end <= end <= max(root_end, shipped_on + timedelta(days=days or 0))
