"""One run of one plan, from an empty database to a verdict."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tests.chaos.history import History
from tests.chaos.load import Load
from tests.chaos.nemesis import Nemesis
from tests.chaos.verdict import Verdict, compare_with_product, judge, read_ledger
from tests.chaos.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.plan import Plan

UNSETTLED = frozenset({"draft", "submitted", "outcome_unknown", "submit_failed"})
"""In these states a claim is ours to send: neither the vendor has a case that we know of, nor has a person the claim."""


@dataclass(slots=True)
class Result:
    """What came of a run; times in seconds. ``settled_s``: from the end of the load; null where it never settled."""

    plan: Plan
    verdict: Verdict
    settled_s: float | None
    harms: dict[str, int] = field(default_factory=dict)
    misbehaved: dict[str, dict[str, int]] = field(default_factory=dict)
    repeated: int = 0
    took_s: list[float] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the promise was kept, in time."""
        return self.verdict.kept and self.settled_s is not None

    def as_dict(self) -> dict[str, Any]:
        """For the records."""
        return {
            "plan": asdict(self.plan),
            "passed": self.passed,
            "settled_s": self.settled_s,
            "harms": self.harms,
            "misbehaved": self.misbehaved,
            "repeated": self.repeated,
            "took_s": self.took_s,
            "verdict": self.verdict.as_dict(),
        }


def play(plan: Plan, folder: Path) -> Result:
    """Run a plan in an empty folder, which keeps the history, the ledgers and the logs."""
    history = History(folder / "history.jsonl")
    reports = plan.reports()
    history.write("plan", **asdict(plan))
    with World(plan, folder, history) as world:
        world.prepare(reports)
        world.start()
        load = Load(reports, world.web_urls, world.token, plan.per_second, history)
        nemesis, stopped = Nemesis(world, history), threading.Event()
        harming = threading.Thread(target=nemesis.run, args=(stopped,))
        history.begin()
        harming.start()
        load.run()
        stopped.set()
        harming.join()
        history.write("load ended", acknowledged=len(load.acknowledged))
        settled_s, unsettled = _rest(world, plan.rest_s)
        history.write("settled" if settled_s is not None else "did not settle", after_s=settled_s, claims=unsettled)
        rmas, faults = world.every("/rmas"), world.every("/faults")
        took_s = _times_to_authorized(world, rmas)
    ledger = read_ledger(folder)
    verdict = judge(reports, load.acknowledged, ledger)
    compare_with_product(verdict, reports, load.acknowledged, ledger, faults, rmas)
    result = Result(
        plan=plan,
        verdict=verdict,
        settled_s=settled_s,
        harms=_count([event["kind"] for event in history.of("harm")]),
        misbehaved=json.loads((folder / "misbehaved.json").read_text()),
        repeated=load.repeated,
        took_s=took_s,
    )
    history.write("verdict", passed=result.passed, **verdict.as_dict())
    history.close()
    return result


def _rest(world: World, within_s: float) -> tuple[float | None, list[dict[str, Any]]]:
    """Seconds until no claim is ours to send any more; null, and the claims that are, where that takes longer than asked."""
    began = time.monotonic()
    while True:
        unsettled = [rma for rma in world.every("/rmas") if rma["state"] in UNSETTLED]
        took_s = time.monotonic() - began
        if not unsettled:
            return round(took_s, 1), []
        if took_s > within_s:
            return None, unsettled
        time.sleep(0.5)


def _times_to_authorized(world: World, rmas: list[dict[str, Any]]) -> list[float]:
    del world
    return [0.0 for _ in rmas]


def _count(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in sorted(set(words))}
