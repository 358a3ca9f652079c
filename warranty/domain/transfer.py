"""How long a replacement is covered: the rule of the vendor, and the one sum that it takes. Source: domain.md, section 3."""

from datetime import date, timedelta
from enum import StrEnum


class TransferRule(StrEnum):
    """What cover a replacement has, by the vendor's own rule."""

    REMAINING_TERM = "remaining_term"  # what was left of the unit that it replaces
    FIXED_DAYS = "fixed_days"  # so many days from the day on which it was shipped
    LONGER_OF_BOTH = "longer_of_both"


def new_end(rule: TransferRule, days: int | None, *, root_end: date | None, shipped_on: date) -> date | None:
    """The last day of cover of a replacement, inclusive; null where the cover has no end.

    Never before the end that was promised for the unit in its place: where a vendor's days would end sooner, the promise
    stands, and what the vendor lists for the new serial is compared with it.

    Args:
        rule: the vendor's.
        days: of its rule; null counts as none.
        root_end: the last day of the first unit's own term, however often it was replaced since: what one replacement
            added is not added to again.
        shipped_on: the day on which the replacement was shipped, which is the first of the days.
    """
    if root_end is None or rule is TransferRule.REMAINING_TERM or not days:
        return root_end
    return max(root_end, shipped_on + timedelta(days=days))
