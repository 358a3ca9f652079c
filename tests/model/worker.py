"""A worker that a test holds: it runs the product's own task in a thread, and stops wherever fate could stop a process.

That is after each commit, before the next statement, and while it waits for a vendor's answer. There it can be let go on,
left standing for as long as the test likes, or killed. It can also be told to die, or to lose the database, just before
its next commit, which then does not come about. Only one thread runs at any time. Nothing in the product knows of this.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from warranty import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from warranty.runtime import Runtime

PATIENCE_S = 60.0
"""For a thread that must be about to stop; only a deadlock takes so long."""


class Killed(BaseException):
    """The process is no more: no handler of ours may take it for an error."""


class Fate(StrEnum):
    """What happens to a worker just before its next commit."""

    NONE = "none"
    KILLED = "killed"
    NO_DATABASE = "no database"


class Clock:
    """`time.monotonic` of this process, which jumps with the time that the test lets pass."""

    def __init__(self) -> None:
        """Start with the real one."""
        self._real = time.monotonic
        self._passed_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self._real() + self._passed_s

    def let_pass(self, seconds: float) -> None:
        """Jump."""
        self._passed_s += seconds


class Worker:
    """One process that does one order. ``stands_at`` says where it was stopped; null once it has ended."""

    def __init__(self, runtime: Runtime, order_id: int) -> None:
        """Begin; it is stopped after its first commit, which is that of the claim."""
        self.order_id = order_id
        self.stands_at: str | None = "the start"
        self.holds: dict[int, int] = {}
        """The tokens of the orders that it has claimed, by the orders' keys."""
        self.broke_off: Exception | None = None
        self._runtime = runtime
        self._fate = Fate.NONE
        self._is_killed = False
        self._may_go, self._has_stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go_on(self, fate: Fate = Fate.NONE) -> None:
        """Let it run to its next stop, or to its end."""
        self._fate = fate
        self._may_go.release()
        assert self._has_stopped.acquire(timeout=PATIENCE_S), f"{self.order_id} hangs after {self.stands_at}"
        if self.stands_at is None:
            self._thread.join(PATIENCE_S)

    def kill(self) -> None:
        """End it where it stands."""
        self._is_killed = True
        while self.stands_at is not None:
            self.go_on()

    def stop(self, where: str) -> None:
        """Stand still until the test goes on."""
        if self._is_killed:
            raise Killed
        self.stands_at = where
        self._has_stopped.release()
        self._may_go.acquire()
        if self._is_killed:
            raise Killed

    def before_commit(self) -> None:
        """Meet one's fate."""
        fate, self._fate = self._fate, Fate.NONE
        if fate is Fate.KILLED:
            self._is_killed = True
        if self._is_killed:
            raise Killed
        if fate is Fate.NO_DATABASE:
            gone = sqlite3.OperationalError("disk I/O error")
            raise OperationalError("COMMIT", None, gone, connection_invalidated=True)

    def _run(self) -> None:
        self._may_go.acquire()
        _here.worker = self
        try:
            tasks.perform(self._runtime, self.order_id)
        except Killed:
            self._is_killed = True
        except Exception as err:  # noqa: BLE001 - as the queue's worker, which writes it to the log
            self.broke_off = err
        self.stands_at = None
        self._has_stopped.release()


_here = threading.local()


def stop(where: str) -> None:
    """Stop here, where the caller is a worker that a test holds."""
    worker: Worker | None = getattr(_here, "worker", None)
    if worker is not None:
        worker.stop(where)


@contextmanager
def held(runtime: Runtime) -> Iterator[None]:
    """Have workers on this runtime stop at their commits. Transactions that only read are none: nobody sees them end."""

    def is_reading(session: Session) -> bool:
        return bool(session.get_bind().get_execution_options().get("reading"))

    def before(connection: Connection) -> None:
        worker: Worker | None = getattr(_here, "worker", None)
        if worker is not None and not connection.get_execution_options().get("reading"):
            worker.before_commit()

    def after(session: Session) -> None:
        if not is_reading(session):
            stop("a commit")

    event.listen(runtime.database.engine, "commit", before)
    event.listen(Session, "after_commit", after)
    try:
        yield
    finally:
        event.remove(runtime.database.engine, "commit", before)
        event.remove(Session, "after_commit", after)
