"""A desk with a vendor that can be told to misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.desk import Desk
from vendors.sandbox import Twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime


@pytest.fixture
def twin() -> Iterator[Twin]:
    """Every vendor, pretended over real HTTP."""
    with Twin() as twin:
        yield twin


@pytest.fixture
def desk(shared_runtime: Runtime, twin: Twin) -> Desk:
    """A covered unit and the account that opens its claims."""
    return Desk(shared_runtime, twin)
