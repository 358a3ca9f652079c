"""Whatever happens to the product, its vendor and its workers, in whatever order: no claim is lost, none is opened twice."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import app, factories
from tests.desk import Desk, odd_adapters
from tests.model.machine import LEASE_S, TIMEOUT_S, Life, Sending
from tests.model.vendor import WORLDS, World
from tests.model.worker import Clock, held
from vendors.contract import Promise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warranty.runtime import Runtime

Bind = Callable[..., type[Sending]]

MORE = int(os.environ.get("MODEL_EXAMPLES", "0"))
"""How many lives are lived instead of a few, others each time; what fails is made small, which takes minutes."""

EXAMPLES = {"sqlite": MORE or 30, "postgresql": MORE or 8}


@pytest.fixture
def bind(new_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bind]:
    """Gives a machine a database that each life finds as the first one did."""
    times = {"vendor_timeout_s": TIMEOUT_S, "lease_s": LEASE_S, "settle_s": None}
    times |= {"relay_s": 50.0, "poll_s": 500.0, "retry_s": 10.0}
    runtime = replace(new_runtime, settings=replace(new_runtime.settings, **times))
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    with odd_adapters(), held(runtime):
        WORLDS["the only one"] = World()
        desk = Desk(runtime, vendor=None)
        with desk.session() as session:
            given = {"manufacturers": [desk.maker], "secrets": {}, "options": {"world": "the only one"}}
            desk.account_id = factories.make_account(session, runtime, "imagined", base_url=None, **given).id
        restore = app.snapshot(runtime, tmp_path)

        def renew() -> None:
            if not runtime.database.is_sqlite:
                app.delete_all(runtime.database)
            restore()

        def bound(machine: type[Sending], **also: Any) -> type[Sending]:
            here = {"runtime": runtime, "desk": desk, "clock": clock, "renew": staticmethod(renew)}
            return type(machine.__name__, (machine,), here | also)

        yield bound


def lives(examples: int, steps: int, phases: tuple[Phase, ...] = tuple(Phase)) -> settings:
    """How many and how long; the same ones each time, unless there are to be more."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=phases,
        derandomize=not MORE,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(0)
def test_no_claim_is_lost_and_none_is_opened_twice(bind: Bind) -> None:
    machine = bind(Life)
    examples = EXAMPLES[machine.runtime.database.engine.name]

    run_state_machine_as_test(machine, settings=lives(examples, 40))

    assert machine.opened > examples, "hardly anything has happened"


BROKEN: dict[str, dict[str, Any]] = {
    "the vendor takes a request later than we wait": {"lies": {"settle_s": 100.0, "late_s": 700.0}},
    "the vendor cannot be searched": {"lies": {"searches": False}},
    "a worker does not notice that it slept": {"notices_sleep": False},
}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("new_runtime", ["sqlite"], indirect=True)
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_whatever_the_promise_rests_on_is_missed(bind: Bind, broken: dict[str, Any]) -> None:
    machine = bind(Sending, promises=(Promise.B,), rests=False, **broken)
    phases = tuple(Phase) if MORE else (Phase.generate,)
    with pytest.raises(AssertionError, match=r"opened twice|was overtaken has sent"):
        run_state_machine_as_test(machine, settings=lives(MORE or 300, 15, phases))
