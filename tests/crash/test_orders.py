"""A kill around every commit and every call of every kind of background work loses nothing and does nothing twice.

Deterministic and complete: each piece of work is done again and again, each time on a case of its own, killed before and
after its first commit, its second and so on until it ends by itself, and around each of its calls: before the first byte
leaves, when the answer has come and is unread, and when it was read and nothing is on record. Then time passes, all that
is left is done, and what was promised is compared with what is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crash.harness import KILLED
from tests.crash.points import POINTS, is_decided_and_opened_once, look_up

if TYPE_CHECKING:
    from tests.crash.harness import Harness


@pytest.mark.parametrize("what", POINTS)
def test_no_kill_loses_or_doubles_work(harness: Harness, what: str) -> None:
    point = POINTS[what]

    def order() -> dict[str, int]:
        return {"order": point.prepare(harness)}

    commits = harness.kill_everywhere("perform", order)
    calls = harness.kill_everywhere("perform", order, "call")
    harness.rest()

    assert (commits, calls) == (point.commits, point.calls)
    point.check(harness)


def test_no_kill_among_threads_that_look_up_loses_or_doubles_an_answer(harness: Harness) -> None:
    """In which order their commits come is chance, so this one counts nothing."""
    ends = [
        harness.run("perform", ("commit", number, "after"), order=look_up(harness), callers=4) for number in range(1, 9)
    ]
    assert KILLED in ends
    harness.rest()

    is_decided_and_opened_once(harness)
