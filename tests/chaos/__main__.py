"""``make chaos``: the promise under harm, in parts; prints one line a run, and keeps its records where it is told to.

All parts take about an hour and a half. Ends with status 1 where a promise was broken, or where a product that a part was
taken out of kept it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.chaos.hosts import in_own_network
from tests.chaos.plan import PRODUCTION, HarmKind, Plan, Variant
from tests.chaos.run import play

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.chaos.run import Result

ENGINES = ("sqlite", "postgresql")
NOTHING_MORE_IN = 3
"""With no failure in n claims the true rate is, with 95 % certainty, below 3 / n."""


def soak(seed: int) -> Iterator[Plan]:
    """What makes up most of the claims, on both engines in turn."""
    for number in range(12):
        yield Plan(seed=seed + number, engine=ENGINES[number % 2], load_s=120.0)


def recovery(seed: int) -> Iterator[Plan]:
    """One kind of harm at a time, vendors that behave: how long it takes until all goes on."""
    kinds = [kind for kind in HarmKind if kind is not HarmKind.CUT_OFF]
    for number, kind in enumerate(kinds):
        engine = "sqlite" if kind is HarmKind.LOCK_DATABASE else "postgresql"
        yield Plan(
            seed=seed + number, engine=engine, load_s=80.0, harm_s=(8.0, 9.0), single=kind, misbehaviour={}, workers=2
        )


def hosts(seed: int) -> Iterator[Plan]:
    """Two web hosts and two worker hosts of which some are cut off: among all other harm, and alone."""
    yield Plan(seed=seed, engine="postgresql", hosts=True, load_s=120.0, workers=4)
    yield Plan(
        seed=seed + 1, engine="postgresql", hosts=True, load_s=80.0, workers=4, misbehaviour={},
        harm_s=(9.0, 10.0), single=HarmKind.CUT_OFF,
    )  # fmt: skip


def light(seed: int) -> Iterator[Plan]:
    """Half an hour with the product's own times, few reports, vendors that answer later than our deadline."""
    yield Plan(
        seed=seed, engine="postgresql", load_s=1800.0, per_second=0.25, harm_s=(20.0, 60.0), rhythms=PRODUCTION,
        late_s=(31.0, 90.0), rest_s=900.0,
    )  # fmt: skip


def broken(seed: int) -> Iterator[Plan]:
    """The product without one of its parts: the suite must notice."""
    for variant in Variant:
        if variant is not Variant.WHOLE:
            yield Plan.broken(variant, seed)


PARTS = {part.__name__: part for part in (soak, recovery, hosts, light, broken)}


def main() -> None:
    """Run one part, or all of them one after the other, each by itself."""
    asked = _arguments()
    records = Path(asked.records or tempfile.mkdtemp(prefix="chaos-"))
    if asked.part == "hosts" and not asked.in_own_network:
        in_own_network("hosts", f"--seed={asked.seed}", f"--records={records}", "--in-own-network")
    commands = [[sys.executable, "-m", "tests.alerts"]]
    commands += [[sys.executable, "-m", "tests.chaos", part, f"--records={records}"] for part in PARTS]
    if asked.part is None:
        raise SystemExit(max(subprocess.run(command, check=False).returncode for command in commands))
    results = []
    for plan in PARTS[asked.part](asked.seed):
        if asked.only in {None, plan.seed}:
            results.append(_play(plan, records / f"{asked.part}-{plan.engine}-{plan.variant}-{plan.seed}"))
            (records / f"{asked.part}.json").write_text(json.dumps([one.as_dict() for one in results], indent=1))
    _tell(results)
    if any(one.passed is not (one.plan.variant is Variant.WHOLE) for one in results):
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("part", nargs="?", choices=sorted(PARTS), help="one part; default: all, and the alert rules")
    parser.add_argument("--seed", type=int, default=1, help="from which all randomness of a part follows (default: 1)")
    parser.add_argument("--only", type=int, help="of the part only the runs of this seed, as they were printed")
    parser.add_argument("--records", help="keep histories, ledgers and logs in this folder")
    parser.add_argument("--in-own-network", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _play(plan: Plan, folder: Path) -> Result:
    folder.mkdir(parents=True)
    result = play(plan, folder)
    said = result.verdict.as_dict()
    figures: dict[str, Any] = {
        "seed": plan.seed,
        "engine": plan.engine,
        "variant": str(plan.variant),
        "passed": result.passed,
        "settled_s": result.settled_s,
        "harms": sum(result.harms.values()),
        **{name: said[name] for name in ("wanted", "duplicates", "lost", "by_hand", "broken")},
    }
    print(json.dumps(figures), flush=True)
    return result


def _tell(results: Sequence[Result]) -> None:
    """Print what all runs of the part come to."""
    whole = [one for one in results if one.plan.variant is Variant.WHOLE]
    total: dict[str, Counter[str]] = {name: Counter() for name in ("wanted", "duplicates", "lost", "by_hand")}
    harms: Counter[str] = Counter()
    misbehaved: Counter[str] = Counter()
    recoveries: dict[str, list[float]] = {}
    for one in whole:
        for name, counts in total.items():
            counts.update(getattr(one.verdict, name))
        harms.update(one.harms)
        for counts in one.misbehaved.values():
            misbehaved.update(counts)
        for kind, times in one.recoveries_s.items():
            recoveries.setdefault(kind, []).extend(times)
    claims = total["wanted"].total()
    summary = {
        **{name: dict(counts) for name, counts in total.items()},
        "claims": claims,
        "rate_below": round(NOTHING_MORE_IN / claims, 5) if claims else None,
        "harms": dict(harms),
        "misbehaved": dict(misbehaved),
        "recovery_s": {kind: [statistics.median(times), max(times)] for kind, times in recoveries.items()},
        "settled_s": [one.settled_s for one in whole],
    }
    print(json.dumps(summary, indent=1), flush=True)


main()
