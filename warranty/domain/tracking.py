"""How often a vendor is asked where a claim stands, and how long it may say nothing new: the only place that knows either.

Asking is paced by what may change: an answer that a technician waits for is asked for often, the end of a return hardly.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from warranty.domain.lifecycles import RmaState, ShipmentState

SPREAD = 0.1
"""By how much of itself an interval varies, so that what was asked together once does not come together for ever."""

WEEKEND = 5  # the first of the days, counted from Monday, that nobody works


@dataclass(frozen=True, slots=True)
class Pace:
    """How a claim is followed.

    Attributes:
        factor: how many of the settings' rhythms pass between two questions.
        patience_days: working days without a word after which a person asks; None: a person has it already.
    """

    factor: float
    patience_days: int | None


R = RmaState

# fmt: off
PACES: dict[RmaState, Pace] = {
    R.SUBMITTED:       Pace(1, 2),
    R.OUTCOME_UNKNOWN: Pace(1, 2),
    R.SUBMIT_FAILED:   Pace(4, None),
    R.MANUAL_HANDLING: Pace(4, None),
    R.UNDER_REVIEW:    Pace(1, 3),
    R.INFO_REQUIRED:   Pace(2, 5),      # they wait for us: what they say next depends on that
    R.AUTHORIZED:      Pace(4, 5),      # a replacement is on its way, or should be
    R.DENIED:          Pace(16, None),  # they may still think better of it
    R.EXPIRED:         Pace(16, None),
}
# fmt: on

DELIVERED = Pace(16, 20)
"""The replacement is here: what is left is the return, which takes weeks. In place of what an approved claim has."""

HERE = frozenset({ShipmentState.DELIVERED, ShipmentState.CHECKED_IN})
"""Where the replacement's parcel stands once it has arrived, and nothing was wrong with it."""


def pace_of(state: RmaState, to_us: ShipmentState | None) -> Pace | None:
    """How a claim in this state is followed, ``to_us`` being the replacement's parcel; None: it is not."""
    if state is RmaState.AUTHORIZED and to_us in HERE:
        return DELIVERED
    return PACES.get(state)


def interval_s(pace: Pace, *, rhythm_s: float, luck: float) -> float:
    """Seconds until the vendor is asked again; ``luck`` is from 0 to 1, drawn anew each time."""
    return rhythm_s * pace.factor * (1 + SPREAD * (2 * luck - 1))


def silent_before(pace: Pace, now: datetime) -> datetime | None:
    """The instant before which the vendor must have spoken last for its silence to be too long; None: it never is.

    So many working days before ``now``, Monday to Friday, at the same time of day; holidays are not known.
    """
    if pace.patience_days is None:
        return None
    left, at = pace.patience_days, now
    while left:
        at -= timedelta(days=1)
        left -= at.weekday() < WEEKEND
    return at
