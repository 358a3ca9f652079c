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
from tests.chaos.plan import Variant
from tests.chaos.verdict import Verdict, compare_with_product, judge, read_ledger
from tests.chaos.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.chaos.plan import Plan, Report

UNSETTLED = frozenset({"draft", "submitted", "outcome_unknown", "submit_failed"})
"""In these states a claim is ours to send: neither the vendor has a case that we know of, nor has a person the claim."""

AROUND_S = 1.0
"""Who was acknowledged so shortly before a harm, or after it, is who waits for the recovery."""


@dataclass(slots=True)
class Result:
    """What came of a run; times in seconds. ``settled_s``: from the end of the load; null where it never settled."""

    plan: Plan
    verdict: Verdict
    settled_s: float | None
    harms: dict[str, int] = field(default_factory=dict)
    misbehaved: dict[str, dict[str, int]] = field(default_factory=dict)
    repeated: int = 0
    recoveries_s: dict[str, list[float]] = field(default_factory=dict)

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
            "recoveries_s": self.recoveries_s,
            "verdict": self.verdict.as_dict(),
        }


def play(plan: Plan, folder: Path) -> Result:
    """Run a plan in an empty folder, which keeps the history, the ledgers and the logs."""
    history = History(folder / "history.jsonl")
    reports = plan.reports()
    history.write("plan", **asdict(plan))
    with World(plan, folder) as world:
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

        def is_found_out() -> bool:
            if plan.variant is Variant.WHOLE:
                return False
            return judge(reports, load.acknowledged, read_ledger(folder)).duplicates.total() > 0

        settled_s, unsettled = _rest(world, plan.rest_s, is_found_out)
        history.write("settled" if settled_s is not None else "did not settle", after_s=settled_s, claims=unsettled)
        rmas, faults = world.every("/rmas"), world.every("/faults")
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
        recoveries_s=_recoveries(history, reports, ledger),
    )
    history.write("verdict", passed=result.passed, **verdict.as_dict())
    history.close()
    return result


def _rest(world: World, within_s: float, is_found_out: Callable[[], bool]) -> tuple[float | None, list[dict[str, Any]]]:
    """Seconds until no claim is ours to send any more; null, and the claims that are, where that takes longer than asked.

    Nobody waits for the rest of a product that lacks a part and was found out.
    """
    began = time.monotonic()
    while True:
        unsettled = [rma for rma in world.every("/rmas") if rma["state"] in UNSETTLED]
        took_s = time.monotonic() - began
        if not unsettled:
            return round(took_s, 1), []
        if took_s > within_s or is_found_out():
            return None, unsettled
        time.sleep(0.5)


def _recoveries(
    history: History, reports: Sequence[Report], ledger: Sequence[dict[str, Any]]
) -> dict[str, list[float]]:
    """By the kind of harm, the seconds after it until the vendor had each claim that was acknowledged around it."""
    opened: dict[tuple[str, str], float] = {}
    for case in ledger:
        opened.setdefault(case["what"], history.since_began(case["at"]))
    acknowledged = [(event["at"], reports[event["report"]].what) for event in history.of("acknowledged")]
    found: dict[str, list[float]] = {}
    for harm in history.of("harm"):
        near = [opened[what] for at, what in acknowledged if abs(at - harm["at"]) < AROUND_S and what in opened]
        if near:
            found.setdefault(harm["kind"], []).append(round(max(0.0, max(near) - harm["at"]), 2))
    return found


def _count(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in sorted(set(words))}
