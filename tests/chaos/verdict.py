"""The checker: was the promise kept? It reads the acknowledgements and what the vendors wrote down, nothing of ours.

What the product believes is read afterwards, through its own API, and compared with both.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.chaos.plan import Report

_SAID = re.compile(r"^(Serial number|Component): (.*)$", re.MULTILINE)
BY_HAND = "manual_handling"


@dataclass(slots=True)
class Verdict:
    """What came of a run. Counts are of claims, by the class of the vendor."""

    wanted: Counter[str] = field(default_factory=Counter)
    at_vendor: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    missing: list[tuple[tuple[str, str], str]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    by_hand: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether nothing was lost, nothing doubled, and each fault went one way."""
        return not self.duplicates.total() and not self.lost.total() and not self.broken

    def as_dict(self) -> dict[str, Any]:
        """For the records."""
        counts = {name: dict(getattr(self, name)) for name in ("wanted", "at_vendor", "duplicates", "lost", "by_hand")}
        return {"kept": self.kept, "acknowledged": self.acknowledged, **counts, "broken": self.broken}


def read_ledger(folder: Path) -> list[dict[str, Any]]:
    """Every case that a vendor opened: the class, the number, our reference, the unit and its component."""
    cases = []
    for path in sorted(folder.glob("ledger-*.jsonl")):
        promise = path.stem.removeprefix("ledger-")[0]
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            if entry["event"] == "opened":
                said = dict(_SAID.findall(entry["record"]["description"]))
                what = said["Serial number"], said["Component"]
                cases.append({"promise": promise, "what": what, "at": entry["at"], **entry})
    return cases


def judge(
    reports: Sequence[Report], acknowledged: Mapping[int, dict[str, Any]], ledger: Iterable[dict[str, Any]]
) -> Verdict:
    """Compare what was acknowledged with what the vendors have."""
    found = Verdict(acknowledged=len(acknowledged))
    cases: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for case in ledger:
        cases[case["what"]].append(case)
    promised = {report.what: report.vendor[:1] for report in reports if report.number in acknowledged}
    for what, promise in promised.items():
        opened = len(cases[what])
        if not promise:
            if opened:
                found.broken.append(f"{what} is covered by nothing, and the vendor has {opened} cases.")
            continue
        found.wanted[promise] += 1
        found.at_vendor[promise] += opened
        found.duplicates[promise] += max(0, opened - 1)
        if not opened:
            found.missing.append((what, promise))
    tried = {report.what for report in reports}
    for what, opened_cases in cases.items():
        if what not in promised and (what not in tried or len(opened_cases) > 1):
            found.broken.append(f"{what} was not acknowledged, and the vendor has {len(opened_cases)} cases.")
    ids = Counter(answer["id"] for answer in acknowledged.values())
    found.broken += [f"Fault {id_} answers to {count} reports." for id_, count in ids.items() if count > 1]
    return found


def compare_with_product(
    found: Verdict,
    reports: Sequence[Report],
    acknowledged: Mapping[int, dict[str, Any]],
    ledger: Iterable[dict[str, Any]],
    faults: Sequence[dict[str, Any]],
    rmas: Sequence[dict[str, Any]],
) -> None:
    """Complete a verdict by what the product believes: routes, numbers, and what of class C a person has."""
    by_id = {fault["id"]: fault for fault in faults}
    claims = {rma["id"]: rma for rma in rmas}
    of_report = {report.number: report for report in reports}
    by_hand = set()
    for number, answer in acknowledged.items():
        fault = by_id.get(answer["id"])
        if fault is None:
            found.broken.append(f"Fault {answer['id']} was acknowledged and is not there.")
        elif trouble := _route_trouble(fault):
            found.broken.append(trouble)
        elif fault["route"] == "rma" and claims[fault["rma_id"]]["state"] == BY_HAND:
            by_hand.add(of_report[number].what)
            found.by_hand[of_report[number].vendor[0]] += 1
    for what, promise in found.missing:  # what a vendor never got is not lost where a person has it
        found.lost[promise] += what not in by_hand
    if len(faults) > len(reports):
        found.broken.append(f"{len(reports)} faults were reported, and {len(faults)} are there.")
    numbers = {(case["reference"], case["number"]) for case in ledger if case["promise"] != "C"}
    believed = {(rma["client_reference"], rma["vendor_case_number"]) for rma in rmas}
    found.broken += [f"Nobody here knows {number} of {reference}." for reference, number in sorted(numbers - believed)]


def _route_trouble(fault: dict[str, Any]) -> str:
    """What is wrong with the way of a fault; empty where it is exactly one."""
    ways = {
        "rma": fault["rma_id"] is not None,
        "ad_hoc": fault["job_id"] is not None and fault["rma_id"] is None,
        "duplicate": fault["rma_id"] is None and fault["job_id"] is None,
    }
    if ways.get(fault["route"]):
        return ""
    return f"Fault {fault['id']} goes {fault['route']}, with claim {fault['rma_id']} and job {fault['job_id']}."
