"""What it costs to hold a new unit against the old one, beside reading both specifications, which is the least that it takes."""

from __future__ import annotations

import json
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from warranty.domain import parity

if TYPE_CHECKING:
    from warranty.domain.specification import Properties

ROUNDS = 9
TIMES = 20
PROPERTIES = 200


def measure() -> dict[str, Any]:
    """Milliseconds of one comparison, of properties of which each tenth differs and each second is a list in another order."""
    old = unit()
    new = changed(old)
    written = json.dumps(old), json.dumps(new)
    floors, costs = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(TIMES):
            for one in written:
                json.loads(one)
        between = time.perf_counter()
        for _ in range(TIMES):
            found = parity.compare(old, new, parity.Rules())
        floors.append((between - began) / TIMES * 1000)
        costs.append((time.perf_counter() - between) / TIMES * 1000)
    return {
        "properties": len(found.lines),
        "ms": round(statistics.median(costs), 3),
        "floor_ms": round(statistics.median(floors), 3),
        "ratio": round(statistics.median(costs) / statistics.median(floors), 1),
        "noise": round((max(floors) - min(floors)) / statistics.median(floors), 2),
    }


def unit() -> Properties:
    """A unit of many properties."""
    return {
        f"other.part_{number:03}": [f"{size} GB SSD" for size in range(8)] if number % 2 else f"revision {number}"
        for number in range(PROPERTIES)
    }


def changed(old: Properties) -> Properties:
    """Another one like it: what is a list comes in another order, and each tenth property says something else."""
    chance = random.Random(7)  # noqa: S311 - so that each run compares the same
    new: Properties = {}
    for number, (name, value) in enumerate(old.items()):
        if isinstance(value, list):
            new[name] = chance.sample(value, len(value))
        else:
            new[name] = f"{value}, late" if number % 10 == 0 else value
    return new
