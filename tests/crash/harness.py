"""What kills steps of the product and looks after what they leave: processes that die on demand, and work brought to rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tests.desk import Desk, let_pass
from warranty import db, tasks
from warranty.models import Outbox
from warranty.models.work import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from vendors.sandbox import Twin
    from warranty.runtime import Runtime

ROOT = Path(__file__).parent.parent.parent
KILLED = -signal.SIGKILL
LONG_S = 400.0
"""Longer than any lease, settle time or back-off of a test's environment."""

WHENS = {"commit": ("before", "after"), "call": ("before", "unread", "read")}
"""Around a commit and around a call (what is said to a server and heard back): when a process may be killed."""

Kill = tuple[str, int, str]
"""At what, at the how many-th of it, and when."""


class Steps:
    """The process that runs steps, each in a fork of its own; a context."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.crash.child", "steps"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        path = os.environ.get("PATH", os.defpath)
        self._process = subprocess.Popen(command, cwd=ROOT, env={"PATH": path}, **pipes)
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate(timeout=20)

    def run(self, request: dict[str, Any], meanwhile: Callable[[int], None] | None = None) -> tuple[int, str]:
        """Run one step to its end or to the kill; its exit status, and what it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        begun = json.loads(self._process.stdout.readline())
        if meanwhile is not None:
            meanwhile(begun["pid"])
        ended = json.loads(self._process.stdout.readline())
        assert ended["status"] in {0, KILLED}, ended["said"]
        return int(ended["status"]), str(ended["said"])


@dataclass(slots=True)
class Harness:
    """One database, its vendors, and processes that die on demand. What was acknowledged to a caller: ``acknowledged``; whose cases: ``desks``."""

    runtime: Runtime
    twin: Twin
    settings: dict[str, str]
    steps: Steps
    acknowledged: list[str] = field(default_factory=list)
    desks: list[Desk] = field(default_factory=list)

    def desk(self, vendor: str | None = "servicenow", **facts: Any) -> Desk:
        """A unit and a vendor account of their own, so that no case waits for another."""
        self.desks.append(Desk(self.runtime, self.twin, vendor=vendor, **facts))
        return self.desks[-1]

    def session(self) -> Any:
        """A transaction."""
        return self.runtime.database.begin(db.EVERYBODY)

    def run(
        self, step: str, kill: Kill | None = None, *, meanwhile: Callable[[int], None] | None = None, **what: Any
    ) -> int:
        """Run one step in a process of its own, to its end or to the kill; its exit status."""
        request = {"step": step, "kill": kill, "settings": self.settings, **what}
        status, said = self.steps.run(request, meanwhile)
        if said:
            self.acknowledged.append(said)
        return status

    def kill_everywhere(self, step: str, prepare: Callable[[], dict[str, Any]], at: str = "commit") -> int:
        """Kill a step around each of its commits (or calls), each time on a case of its own; how many it has."""
        for number in count(1):
            for when in WHENS[at]:
                status = self.run(step, (at, number, when), **prepare())
                if status == 0:
                    assert when == WHENS[at][0], "how many there are must not depend on how often it was tried"
                    return number - 1
        raise AssertionError

    def kill_once_accepted(self, process: int) -> None:
        """Kill the process whose request the vendor has accepted and not answered."""
        before = len(self.twin.ledger)
        deadline = time.monotonic() + 20
        while len(self.twin.ledger) == before:
            assert time.monotonic() < deadline, "the vendor got nothing"
            time.sleep(0.002)
        os.kill(process, signal.SIGKILL)

    def rest(self) -> None:
        """Do what is left to do, as time goes by: nobody sleeps, every order is due again and every lease has run out."""
        for _ in range(10):
            let_pass(self.runtime, LONG_S)
            with self.runtime.database.read(db.EVERYBODY) as session:
                pending = select(Outbox.id).where(Outbox.status == OrderStatus.PENDING).order_by(Outbox.id)
                orders = session.scalars(pending).all()
            if not orders:
                return
            for order in orders:
                tasks.perform(self.runtime, order)
        raise AssertionError(f"still to do: {orders}")

    def per_reference(self) -> Counter[str]:
        """How many cases the vendors hold for each of our references."""
        return Counter(entry["reference"] for entry in self.twin.opened)
