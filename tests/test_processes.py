"""The processes: a worker that does what is queued, children that die with their parents, and `up` that keeps them all."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
from rq import Worker

from tests.app import environment_of
from tests.desk import Desk
from tests.servers import children_of
from vendors.sandbox import Twin
from warranty import config, processes, queue, relay
from warranty.domain.lifecycles import RmaState
from warranty.models.work import OrderKind, OrderStatus
from warranty.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

ROOT = Path(__file__).parent.parent


@contextmanager
def running(environment: dict[str, str], *command: str, said: IO[str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """`warranty <command>` as a process, which ends with the test; its log goes to `said`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "warranty", *command],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", os.defpath)} | environment,
        stdout=subprocess.PIPE,
        stderr=said,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()


def wait_for(condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def children(pid: int) -> dict[int, str]:
    """The children of a process and their command lines."""
    found = {}
    for child in children_of(pid):
        with suppress(OSError):
            found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ").strip()
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_does_the_orders_that_the_relay_hands_over(runtime: Runtime, environment: dict[str, str]) -> None:
    with Twin("servicenow") as twin, queue.connect(environment["REDIS_URL"]) as connection:
        connection.flushdb()
        desk = Desk(runtime, twin)
        with running(environment, "worker"):
            desk.report()
            relay.turn(runtime, connection)
            wait_for(lambda: desk.order(OrderKind.SEND_RMA).status is OrderStatus.DONE)
            # Its result is in the database; the queue server keeps nothing of it.
            wait_for(lambda: not connection.keys("rq:job:*"))

        assert desk.rma().state is RmaState.UNDER_REVIEW
        assert len(twin.opened) == 1


def test_a_worker_is_counted_again_after_the_queue_server_forgot_it(
    runtime: Runtime, environment: dict[str, str]
) -> None:
    with Twin("servicenow") as twin, queue.connect(environment["REDIS_URL"]) as connection:
        connection.flushdb()
        workers = queue.work_queue(connection)
        desk = Desk(runtime, twin)
        with running(environment, "worker"):
            wait_for(lambda: Worker.count(queue=workers) == 1)
            connection.flushdb()
            desk.report()
            relay.turn(runtime, connection)

            wait_for(lambda: Worker.count(queue=workers) == 1)  # by this the relay knows how much it may hand out
        wait_for(lambda: Worker.count(queue=workers) == 0)


def test_a_workers_child_dies_with_it_in_the_middle_of_a_call(
    tmp_path: Path, sqlite_template: Path, redis_url: str
) -> None:
    with in_a_call(tmp_path, sqlite_template, redis_url) as (desk, worker, _):
        (horse,) = children(worker.pid)
        worker.kill()
        wait_for(lambda: not is_alive(horse))

        assert desk.order(OrderKind.SEND_RMA).status is OrderStatus.PENDING  # for whoever claims it after the lease


def test_a_worker_that_is_asked_to_stop_finishes_its_call_records_it_and_takes_nothing_more(
    tmp_path: Path, sqlite_template: Path, redis_url: str
) -> None:
    with in_a_call(tmp_path, sqlite_template, redis_url) as (desk, worker, connection):
        later = Desk(desk.runtime, desk.twin)
        later.report()
        worker.terminate()
        relay.turn(desk.runtime, connection)

        assert worker.wait(30) == 0
        ended, waiting = (one.order(OrderKind.SEND_RMA) for one in (desk, later))
        assert (ended.status, ended.lease_until, desk.rma().state) == (OrderStatus.DONE, None, RmaState.UNDER_REVIEW)
        assert (waiting.status, waiting.attempts, waiting.lease_until) == (OrderStatus.PENDING, 0, None)


def test_a_worker_that_is_told_twice_leaves_its_order_to_whoever_comes_after_the_lease(
    tmp_path: Path, sqlite_template: Path, redis_url: str
) -> None:
    with in_a_call(tmp_path, sqlite_template, redis_url) as (desk, worker, _):
        worker.terminate()
        time.sleep(1.2)  # what comes within a second of the first counts as the same word
        worker.terminate()
        assert worker.wait(30) == 0

        with running(worker_environment(desk), "relay"), running(worker_environment(desk), "worker"):
            wait_for(lambda: desk.order(OrderKind.SEND_RMA).status is OrderStatus.DONE, within_s=60)
        assert (desk.rma().state, len(desk.twin.opened)) == (RmaState.UNDER_REVIEW, 1)


def test_what_a_killed_worker_had_is_taken_up_after_its_lease_although_the_queue_knows_nothing_of_it(
    tmp_path: Path, sqlite_template: Path, redis_url: str
) -> None:
    with in_a_call(tmp_path, sqlite_template, redis_url) as (desk, worker, connection):
        worker.kill()
        worker.wait()
        connection.flushdb()  # so that nothing of the queue's own can have brought it back

        with running(worker_environment(desk), "relay"), running(worker_environment(desk), "worker"):
            wait_for(lambda: desk.order(OrderKind.SEND_RMA).status is OrderStatus.DONE, within_s=60)
        assert (desk.rma().state, len(desk.twin.opened)) == (RmaState.UNDER_REVIEW, 1)


def test_a_relay_that_is_asked_to_stop_ends_and_leaves_no_order_in_anybodys_hands(
    tmp_path: Path, sqlite_template: Path, redis_url: str
) -> None:
    environment = own_environment(tmp_path, sqlite_template, redis_url)
    runtime = Runtime.of(config.load(environment))
    desk = Desk(runtime)
    with running(environment, "relay") as process:
        desk.report()
        wait_for(lambda: desk.order(OrderKind.SEND_RMA).enqueued_at is not None)
        process.terminate()
        process.terminate()
        assert process.wait(20) == 0
    assert desk.order(OrderKind.SEND_RMA).lease_until is None
    runtime.database.dispose()


@contextmanager
def in_a_call(
    tmp_path: Path, sqlite_template: Path, redis_url: str
) -> Iterator[tuple[Desk, subprocess.Popen[str], Redis]]:
    """A worker in the middle of a call that opens a case, and the desk that reported it."""
    environment = own_environment(tmp_path, sqlite_template, redis_url)
    runtime = Runtime.of(config.load(environment))
    with Twin("servicenow", latency=1.5) as twin, queue.connect(redis_url) as connection:
        connection.flushdb()
        desk = Desk(runtime, twin)
        desk.report()
        relay.turn(runtime, connection)
        with running(environment, "worker") as worker:
            wait_for(lambda: desk.order(OrderKind.SEND_RMA).last_send is not None)
            yield desk, worker, connection
    runtime.database.dispose()


def worker_environment(desk: Desk) -> dict[str, str]:
    """The settings of the processes of a desk."""
    settings = desk.runtime.settings
    return environment_of(settings.database_url, settings.instance.parent, settings.redis_url)


def own_environment(tmp_path: Path, sqlite_template: Path, redis_url: str = "") -> dict[str, str]:
    """An instance on SQLite; without a queue server's URL it runs its own."""
    shutil.copy(sqlite_template, tmp_path / "warranty.sqlite3")
    return environment_of(f"sqlite:///{tmp_path / 'warranty.sqlite3'}", tmp_path, redis_url)


def test_up_keeps_everything_running_and_ends_with_all_of_it(tmp_path: Path, sqlite_template: Path) -> None:
    environment = own_environment(tmp_path, sqlite_template)
    runtime = Runtime.of(config.load(environment))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Twin("servicenow") as twin, running(environment, "up", "--port", str(port)) as up:
        assert up.stdout is not None
        assert up.stdout.readline() == f"Serving on http://127.0.0.1:{port}\n"
        first = children(up.pid)
        assert sorted(map(part, first.values())) == ["queue server", "relay", "web", "worker", "worker"]

        for killed in ("queue server", "relay", "worker"):
            for pid in (pid for pid, command in children(up.pid).items() if part(command) == killed):
                os.kill(pid, signal.SIGKILL)
            desk = Desk(runtime, twin)
            desk.report()
            wait_for(lambda desk=desk: desk.rma().state is not RmaState.SUBMITTED)
            assert desk.rma().state is RmaState.UNDER_REVIEW
        last = children(up.pid)
        assert sorted(map(part, last.values())) == sorted(map(part, first.values()))

        begun = time.monotonic()
        up.terminate()
        assert up.wait(20) == 0
        assert time.monotonic() - begun < 10
        assert not any(map(is_alive, {**first, **last}))
    assert len(twin.opened) == 3
    runtime.database.dispose()


def part(command: str) -> str:
    """What a child of `up` is, by its command line."""
    words = {"valkey-server": "queue server", "gunicorn": "web", "warranty web": "web"}
    words |= {"warranty relay": "relay", "warranty worker": "worker"}
    return next(name for word, name in words.items() if word in command)


def test_a_port_that_somebody_listens_on_is_named_before_anything_starts(tmp_path: Path, sqlite_template: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(processes.CannotServe, match=rf"Port {port} cannot be used .*--port"):
            processes.check_port(port)
