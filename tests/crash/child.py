"""What the crash tests run in processes of their own: single steps that kill themselves, and the product's processes.

`python -m tests.crash.child steps` takes one JSON request a line and runs each in a fork of its own; it answers with
the fork's process id when it begins and with its end. `... relay` and `... worker` are the product's own, except that
they find the odd adapters too. Nothing in the product knows of this: SQLAlchemy itself tells when a commit comes, and
Python's sockets when something is said to another server and answered.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from tests import factories
from tests.desk import odd_adapters
from warranty import config, db, processes, queue, relay, tasks
from warranty.cli import main
from warranty.domain.access import OPERATOR
from warranty.runtime import Runtime
from warranty.services import backups, imports
from warranty.tasks import look_up
from warranty.web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

ROWS_AT_ONCE = 2
"""Of an import, in a transaction: so that a file of a few rows has several."""

ANSWER_S = 20.0
"""How long whoever is to die with an answer in its ear waits for one."""


# --- the steps ---


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
    """Do one work order and what else is due for its account, as a worker does."""
    look_up.CALLERS = request.get("callers", 1)  # by one thread its commits come in one order
    imports.BATCH = imports.COPIED_BATCH = ROWS_AT_ONCE
    tasks.work_off(runtime, request["order"])
    return ""


def call(_runtime: Runtime, request: dict[str, Any]) -> str:
    """Handle one request, as the web does; what comes back is what it answers, or where it leads to."""
    given = {"method": request["method"], "headers": request["headers"], "data": request["body"]}
    answer = _app(request["settings"]).test_client(use_cookies=False).open(request["path"], **given)
    assert answer.status_code in {201, 202, 303}, answer.text
    return answer.location if answer.status_code == 303 else answer.text


def command(_runtime: Runtime, request: dict[str, Any]) -> str:
    """Run the command line; what comes back is what it says to a program."""
    imports.BATCH = imports.COPIED_BATCH = ROWS_AT_ONCE
    with redirect_stdout(StringIO()) as said:
        main([*request["words"], "--json"], standalone_mode=False)
    return said.getvalue()


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


STEPS = {
    "report": report,
    "relay": hand_over,
    "perform": perform,
    "call": call,
    "command": command,
    "back_up": back_up,
    "restore": restore,
}


# --- where they die ---


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


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
            _die()

    def progress(self, _about: str, _total: int) -> Any:
        """A bar whose every step is a moment."""
        return nullcontext(self._pass)


def kill_at_commit(number: int, when: str) -> None:
    """Have this process end without a word just before or just after its commit of this number.

    Transactions that only read are not counted: their commit changes nothing.
    """
    commits = 0

    @event.listens_for(Engine, "commit")
    def begins(connection: Connection) -> None:
        nonlocal commits
        if not connection.get_execution_options().get("reading"):
            commits += 1
            if commits == number and when == "before":
                _die()

    @event.listens_for(Session, "after_commit")
    def has_ended(_session: Session) -> None:
        if commits == number:  # a process that was to die before it is dead by now
            _die()


def kill_at_call(number: int, when: str) -> None:
    """Have this process end around the call of this number: everything that it says to a server and hears back for it.

    Either before the first byte leaves, or when the answer is there and unread, or when it was read.
    """
    calls = 0
    is_asking = False
    say = socket.socket.sendall

    def begins(line: socket.socket, *what: Any) -> None:
        nonlocal calls, is_asking
        if not is_asking:
            is_asking = True
            calls += 1
            if calls == number and when == "before":
                _die()
        say(line, *what)

    def waits(hear: Callable[..., Any]) -> Callable[..., Any]:
        def is_answered(line: socket.socket, *where: Any) -> Any:
            nonlocal is_asking
            is_it = is_asking and calls == number
            is_asking = False
            if is_it and when == "unread":
                assert select.select([line], [], [], ANSWER_S)[0], "no answer came"
                _die()
            heard = hear(line, *where)
            if is_it and when == "read":
                _die()
            return heard

        return is_answered

    for name, changed in {
        "sendall": begins,
        "recv": waits(socket.socket.recv),
        "recv_into": waits(socket.socket.recv_into),
    }.items():
        setattr(socket.socket, name, changed)


KILLS = {"commit": kill_at_commit, "call": kill_at_call}


# --- running them ---


def take_steps() -> None:
    """Run what is asked for on standard input, each in a fork, until it closes."""
    tasks.preload()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the product logs is no answer
    for line in sys.stdin:
        request = json.loads(line)
        if request["step"] == "call":
            _app(request["settings"])  # here, once: it takes longer than most steps do
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            _step(request, writes)
        os.close(writes)
        print(json.dumps({"pid": child}), file=answers, flush=True)
        with os.fdopen(reads, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        ended = {"status": os.waitstatus_to_exitcode(status), "said": said.decode()}
        print(json.dumps(ended), file=answers, flush=True)


def _runtime(settings: dict[str, str]) -> Runtime:
    return _made(tuple(sorted(settings.items())), Runtime)


def _app(settings: dict[str, str]) -> Flask:
    return _made(tuple(sorted(settings.items())), Flask)


@cache
def _made(settings: tuple[tuple[str, str], ...], what: type[Any]) -> Any:
    """What a process over some settings has, made once and inherited by every fork."""
    return create_app(_runtime(dict(settings))) if what is Flask else Runtime.of(config.load(dict(settings)))


def _step(request: dict[str, Any], writes: int) -> NoReturn:
    status = 1
    try:
        os.environ.update(request["settings"])
        runtime = _runtime(request["settings"])
        if request["kill"]:
            what, number, when = request["kill"]
            KILLS[what](number, when)
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
