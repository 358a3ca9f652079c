"""What the crash tests run in processes of their own: single steps that kill themselves, and the product's processes.

`python -m tests.crash.child steps` takes one JSON request a line and runs each in a fork of its own; it answers with
the fork's process id when it begins and with its end. `... relay` and `... worker` are the product's own, except that
they find the odd adapters too. Nothing in the product knows of this: SQLAlchemy itself tells when a commit comes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from tests import factories
from tests.desk import odd_adapters
from warranty import config, db, processes, queue, relay, tasks
from warranty.domain.access import OPERATOR
from warranty.runtime import Runtime
from warranty.services import backups

if TYPE_CHECKING:
    from sqlalchemy import Connection


def report(runtime: Runtime, request: dict[str, Any]) -> str:
    """Report a fault of a unit; what comes back is the acknowledgement."""
    with runtime.database.begin(db.EVERYBODY) as session:
        now = datetime.now(UTC)
        outcome = factories.make_fault(session, runtime, OPERATOR, now=now, serial_number=request["serial"])
    return outcome.fault.reference


def hand_over(runtime: Runtime, _request: dict[str, Any]) -> str:
    """Look at the outbox once, as the relay does."""
    relay.turn(runtime, queue.connect(runtime.settings.redis_url))
    return ""


def perform(runtime: Runtime, request: dict[str, Any]) -> str:
    """Do one work order, as a worker does."""
    tasks.perform(runtime, request["order"])
    return ""


def back_up(runtime: Runtime, request: dict[str, Any]) -> str:
    """Make a backup; how many moments that had at which it could have been killed."""
    moments = Moments(request)
    backups.make(runtime.settings, Path(request["file"]), force=True, progress=moments.progress)
    return str(moments.passed)


def restore(runtime: Runtime, request: dict[str, Any]) -> str:
    """Restore a backup; as above."""
    moments = Moments(request)
    backups.restore(runtime.settings, Path(request["file"]), by="child", force=True, progress=moments.progress)
    return str(moments.passed)


STEPS = {"report": report, "relay": hand_over, "perform": perform, "back_up": back_up, "restore": restore}


class Moments:
    """Counts what a backup does to files, programs and databases, and ends this process without a word before one of them."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._last = request.get("moment")
        self._folder = str(Path(request["file"]).parent)
        self.passed = 0
        sys.addaudithook(self._hear)  # the interpreter itself tells: nothing in the product knows of it
        event.listen(Engine, "before_cursor_execute", self._pass)
        event.listen(Engine, "commit", self._pass)

    def _hear(self, name: str, args: Any) -> None:
        is_of_files = name in {"open", "os.rename", "os.remove"} and str(args[0]).startswith(self._folder)
        if is_of_files or name in {"sqlite3.connect", "subprocess.Popen"}:
            self._pass()

    def _pass(self, *_what: Any) -> None:
        self.passed += 1
        if self.passed == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def progress(self, _about: str, _total: int) -> Any:
        """A bar whose every step is a moment."""
        return nullcontext(self._pass)


def kill_at_commit(runtime: Runtime, number: int, *, after: bool) -> None:
    """Have this process end without a word just before or just after its commit of this number.

    Transactions that only read are not counted: their commit changes nothing.
    """
    commits = 0

    @event.listens_for(runtime.database.engine, "commit")
    def begins(connection: Connection) -> None:
        nonlocal commits
        if not connection.get_execution_options().get("reading"):
            commits += 1
            if commits == number and not after:
                os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Session, "after_commit")
    def has_ended(_session: Session) -> None:
        if commits == number:  # a process that was to die before it is dead by now
            os.kill(os.getpid(), signal.SIGKILL)


def take_steps() -> None:
    """Run what is asked for on standard input, each in a fork, until it closes."""
    tasks.preload()
    for line in sys.stdin:
        request = json.loads(line)
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            _step(request, writes)
        os.close(writes)
        print(json.dumps({"pid": child}), flush=True)
        with os.fdopen(reads, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status), "said": said.decode()}), flush=True)


def _step(request: dict[str, Any], writes: int) -> NoReturn:
    status = 1
    try:
        runtime = Runtime.of(config.load())
        if request["kill"]:
            kill_at_commit(runtime, request["kill"]["commit"], after=request["kill"]["after"])
        os.write(writes, STEPS[request["step"]](runtime, request).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the fork must not go on as its parent
        os.write(writes, traceback.format_exc().encode())
    os._exit(status)


if __name__ == "__main__":
    processes.die_with_parent(os.getppid())
    with odd_adapters():
        match sys.argv[1]:
            case "steps":
                take_steps()
            case "relay":
                processes.run_relay(config.load())
            case "worker":
                processes.run_worker(config.load())
