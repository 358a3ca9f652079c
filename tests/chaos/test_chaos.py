"""A minute of `make chaos` on each engine, and the test of the test: without one of its parts the product must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.app import ENGINES
from tests.chaos.plan import Plan, Variant
from tests.chaos.run import play

if TYPE_CHECKING:
    from pathlib import Path

SEED = 1
PATIENCE_S = 240.0
"""How long the claims may take to come to rest beside other tests; alone they need less than a minute."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_minute_of_harm_neither_loses_a_claim_nor_opens_one_twice(engine: str, tmp_path: Path) -> None:
    result = play(Plan(SEED, engine, per_second=2.0, rest_s=PATIENCE_S), tmp_path)

    assert result.verdict.wanted.total() > 80
    assert result.harms
    verdict = result.verdict
    assert (verdict.duplicates.total(), verdict.lost.total(), verdict.broken) == (0, 0, [])
    assert result.settled_s is not None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("variant", [variant for variant in Variant if variant is not Variant.WHOLE])
def test_a_product_without_one_of_its_parts_is_found_out(variant: Variant, tmp_path: Path) -> None:
    result = play(Plan.broken(variant, SEED), tmp_path)

    verdict = result.verdict
    assert (verdict.lost if variant is Variant.NO_OUTBOX else verdict.duplicates).total() > 0
