"""The class of promise that no vendor's twin shows yet, by an adapter of the tests; and that the proof itself finds a double."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.desk import odd_adapters
from tests.vendors.promise import Promised, on_one_engine
from vendors.sandbox import Twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime


@pytest.fixture(autouse=True)
def odd() -> Iterator[None]:
    """Find the odd adapters: see ``tests/crash/adapters``."""
    with odd_adapters():
        yield


class TestMute(Promised):
    """Class C: at most one case, and a person."""

    vendor = "mute"
    options = {"username": "us", "password": "them"}  # noqa: RUF012 -- never changed

    def twin(self) -> Twin:
        return Twin("servicenow")


class Forgetful(TestMute):
    """Class B by its own word, but its search finds nothing."""

    vendor = "forgetful"


@on_one_engine
def test_the_proof_finds_the_second_case_of_an_adapter_that_cannot_search(shared_runtime: Runtime) -> None:
    proof = Forgetful()
    with proof.at_twin(shared_runtime, next_opens=["drop_after_accept"]) as desk:
        proof.until_known(desk)

        assert not proof.is_kept(desk)
