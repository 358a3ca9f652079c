"""The nemesis: does to the running product what the plan says, when it says so."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import redis

from tests.chaos.plan import HarmKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.history import History
    from tests.chaos.plan import Harm
    from tests.chaos.world import World

LOCKED_S = 2.0


class Nemesis:
    """Carries out harms in their order, those that last beside the next."""

    def __init__(self, world: World, history: History) -> None:
        self._world = world
        self._history = history
        self._lasting: list[threading.Thread] = []
        self._deeds: dict[HarmKind, Callable[[Harm], str]] = {
            HarmKind.KILL_WORKER: self._kill_worker,
            HarmKind.KILL_HORSE: self._kill_horse,
            HarmKind.KILL_RELAY: self._kill("relay"),
            HarmKind.KILL_WEB: self._kill_web,
            HarmKind.FREEZE_WORKER: self._freeze("worker"),
            HarmKind.FREEZE_RELAY: self._freeze("relay"),
            HarmKind.EMPTY_QUEUE: self._empty_queue,
            HarmKind.RESTART_QUEUE: self._restart_queue,
            HarmKind.RESTART_DATABASE: self._restart_database,
            HarmKind.LOCK_DATABASE: self._lock_database,
            HarmKind.CUT_OFF: self._cut_off,
        }

    def run(self, stopped: threading.Event) -> None:
        """Do what is planned until all is done or nobody wants more; everything that lasts is over when this returns."""
        began = time.monotonic()
        for harm in self._world.plan.harms():
            if stopped.wait(max(0.0, began + harm.at_s - time.monotonic())):
                break
            done = self._deeds[harm.kind](harm)
            if done:
                self._history.write("harm", kind=harm.kind.value, whom=done)
        for one in self._lasting:
            one.join()

    def _kill_worker(self, harm: Harm) -> str:
        workers = self._world.named("worker")
        worker = workers[harm.victim % len(workers)]
        if worker.is_running:
            worker.signal(signal.SIGKILL)
        return worker.name

    def _kill_horse(self, harm: Harm) -> str:
        """Kill a work-horse; of a worker that has none just now the next one that comes, for a while."""
        workers = self._world.named("worker")
        worker = workers[harm.victim % len(workers)]
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            if worker.is_running and (horses := worker.children()):
                for pid in horses:
                    _send(pid, signal.SIGKILL)
                return f"horse of {worker.name}"
            time.sleep(0.002)
        return ""

    def _kill(self, name: str) -> Callable[[Harm], str]:
        def kill(harm: Harm) -> str:
            found = self._world.named(name)
            if not found:
                return ""
            victim = found[harm.victim % len(found)]
            if victim.is_running:
                victim.signal(signal.SIGKILL)
            return victim.name

        return kill

    def _kill_web(self, harm: Harm) -> str:
        webs = self._world.named("web")
        web = webs[harm.victim % len(webs)]
        if web.is_running:
            web.signal(signal.SIGKILL, with_children=True)
        return web.name

    def _freeze(self, name: str) -> Callable[[Harm], str]:
        def freeze(harm: Harm) -> str:
            found = self._world.named(name)
            if not found:
                return ""
            victim = found[harm.victim % len(found)]
            if not victim.is_running:
                return ""
            pids = [victim.pid, *victim.children()]
            for pid in pids:
                _send(pid, signal.SIGSTOP)

            def thaw() -> None:
                time.sleep(self._world.plan.rhythms.lease_s + 1.0)
                for pid in pids:
                    _send(pid, signal.SIGCONT)

            self._last(thaw)
            return victim.name

        return freeze

    def _empty_queue(self, _harm: Harm) -> str:
        try:
            with redis.from_url(self._world.queue_url, socket_timeout=2) as client:
                client.flushall()
        except redis.RedisError:
            return ""
        return "queue"

    def _restart_queue(self, _harm: Harm) -> str:
        self._world.crash_queue()
        return "queue"

    def _restart_database(self, _harm: Harm) -> str:
        self._world.crash_database()
        return "database"

    def _lock_database(self, _harm: Harm) -> str:
        """Hold SQLite's one lock for a while, as a backup tool or a person with a shell may."""
        path = self._world.environment["DATABASE_URL"].removeprefix("sqlite:///")

        def hold() -> None:
            connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(LOCKED_S)
            connection.execute("ROLLBACK")
            connection.close()

        self._last(hold)
        return "database"

    def _cut_off(self, harm: Harm) -> str:
        """Pull the cable of a host for longer than a lease."""
        hosts = self._world.hosts
        assert hosts is not None
        names = sorted(set(hosts.named) - {"vendor"})
        name = names[harm.victim % len(names)]

        def cut_off() -> None:
            hosts.cut_off(name)
            time.sleep(self._world.plan.rhythms.lease_s + 1.0)
            hosts.bring_back(name)

        self._last(cut_off)
        return name

    def _last(self, deed: Callable[[], None]) -> None:
        thread = threading.Thread(target=deed)
        thread.start()
        self._lasting.append(thread)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
