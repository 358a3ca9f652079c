"""What the crash tests share: one process that runs steps, and a harness over each engine with every vendor pretended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.crash.harness import Harness, Steps
from tests.desk import by_mail, odd_adapters
from vendors.sandbox import Twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime

SAFE = "safe@elsewhere.example"
"""Where the head of the register's chain is mailed to."""


@pytest.fixture(scope="session")
def steps() -> Iterator[Steps]:
    """The process whose forks die; its imports take longer than all the steps of a test."""
    with Steps() as running:
        yield running


@pytest.fixture
def harness(runtime: Runtime, environment: dict[str, str], steps: Steps) -> Iterator[Harness]:
    """On each engine, with mail servers, and nobody else's rows."""
    with Twin() as twin, odd_adapters():
        made = by_mail(runtime, twin)
        made = replace(made, settings=replace(made.settings, audit_anchor=SAFE))
        yield Harness(made, twin, environment | twin.settings | {"WARRANTY_AUDIT_ANCHOR": SAFE}, steps)
