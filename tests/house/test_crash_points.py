"""Every kind of background work has crash points: a new one cannot come without being killed in the tests."""

from __future__ import annotations

from tests.crash.points import POINTS
from warranty.models.work import OrderKind


def test_every_kind_of_order_has_crash_points() -> None:
    assert {point.kind for point in POINTS.values()} == set(OrderKind)
