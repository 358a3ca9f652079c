"""Whatever happens to the product, its vendor and its workers, in whatever order: no claim is lost, none is opened twice."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import app, factories
from tests.desk import Desk, odd_adapters
from tests.model.machine import KEY_S, LEASE_S, PAST_TIMEOUT_S, SETTLE_S, TIMEOUT_S, TO_ITS_END, Life, Sending
from tests.model.vendor import WORLDS, Answer, World
from tests.model.worker import Clock, Fate, held
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


BEGINNINGS = 8
"""Lives from one beginning are much alike, since each is made from those before it; so there are several."""

BROKEN: dict[str, dict[str, Any]] = {
    "the vendor takes a request later than we wait": {"lies": {"settle_s": 100.0, "late_s": 700.0}},
    "the vendor cannot be searched": {"lies": {"searches": False}},
    "a worker does not notice that it slept": {"notices_sleep": False},
}


def live(machine: type[Sending]) -> None:
    """Live until something is wrong."""
    phases = tuple(Phase) if MORE else (Phase.generate,)
    for beginning in range(BEGINNINGS):
        run_state_machine_as_test(seed(beginning)(machine), settings=lives(MORE or 50, 30, phases))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("new_runtime", ["sqlite"], indirect=True)
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_whatever_the_promise_rests_on_is_missed(bind: Bind, broken: dict[str, Any]) -> None:
    machine = bind(Sending, promises=(Promise.B,), rests=False, **broken)
    with pytest.raises(AssertionError, match=r"opened twice|was overtaken has sent"):
        live(machine)


def one_life(bind: Bind, promise: Promise) -> Sending:
    """A vendor that takes a request as late as it may, and one claim."""
    life = bind(Sending, rests=False)()
    life.a_vendor(promise=promise, late_s=SETTLE_S - 10.0, lag_s=0.0)
    return life


TO_THE_MARK = 2
"""Claim and mark are committed, and nothing has been sent."""


def test_the_settle_time_counts_from_when_the_request_left_and_not_from_before_a_pause(bind: Bind) -> None:
    life = one_life(bind, Promise.B)
    life.a_worker_begins(which=0, is_kept=False, stops=TO_THE_MARK, answer=Answer.LATE, fate=Fate.NONE)
    life.time_passes(PAST_TIMEOUT_S)
    life.a_worker_goes_on(which=0, stops=TO_ITS_END, answer=Answer.LATE, fate=Fate.NONE)
    assert life.world.requests == []  # not under so old a mark: it was taken back
    life.a_worker_begins(which=0, is_kept=False, stops=TO_THE_MARK + 1, answer=Answer.LATE, fate=Fate.NONE)
    assert len(life.world.requests) == 1
    life.a_worker_is_killed(which=0)
    life.time_passes(SETTLE_S - PAST_TIMEOUT_S / 2)

    life.a_worker_begins(which=0, is_kept=False, stops=TO_ITS_END, answer=Answer.TAKEN, fate=Fate.NONE)
    life.time_passes(PAST_TIMEOUT_S)

    assert set(life.world.per_reference().values()) == {1}
    life.teardown()


def test_a_key_that_runs_out_during_a_pause_is_not_trusted(bind: Bind) -> None:
    life = one_life(bind, Promise.A)
    life.a_worker_begins(which=0, is_kept=False, stops=TO_ITS_END, answer=Answer.TAKEN_UNSAID, fate=Fate.NONE)
    life.time_passes(KEY_S - PAST_TIMEOUT_S / 2)
    life.a_worker_begins(which=0, is_kept=False, stops=TO_THE_MARK, answer=Answer.TAKEN, fate=Fate.NONE)
    life.time_passes(PAST_TIMEOUT_S)

    life.a_worker_goes_on(which=0, stops=TO_ITS_END, answer=Answer.TAKEN, fate=Fate.NONE)

    life.come_to_rest()
    life.nothing_is_lost()
    assert set(life.world.per_reference().values()) == {1}
    life.teardown()
