"""What the product rests on in RQ and Valkey, measured on real processes: ``python -m bench.rq_facts [NAME ...]``. JSON.

Each fact is one function, on a queue server of its own. Those that wait for RQ's own clocks run side by side (the
longest takes a quarter of an hour), those that are timed closely run alone before. ``docs/rq.md`` says what we make of it.
"""

from __future__ import annotations

import inspect
import json
import os
import pickle
import platform
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry, Worker
from rq.exceptions import DuplicateJobError, InvalidJobOperation
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import create_engine, text

from tests.servers import postgres, valkey
from warranty import db, processes, queue
from warranty.processes import LeasedWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import ValkeyServer

QUEUE = "facts"
OURS = {"worker_ttl": 60, "maintenance_interval": 30, "job_monitoring_interval": 5}
QUICK = {"worker_ttl": 25, "maintenance_interval": 15, "job_monitoring_interval": 5}


class NeverHappened(Exception):
    """What was waited for did not come within the limit."""


@dataclass(slots=True)
class Place:
    """A queue server, and the processes of one fact; all of them end with it."""

    server: ValkeyServer
    folder: Path
    connection: Redis
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def queue(self, name: str = QUEUE) -> Queue:
        """A queue."""
        return Queue(name, connection=self.connection, serializer=JSONSerializer)

    def worker(
        self,
        kind: str = "rq",
        *,
        queues: tuple[str, ...] = (QUEUE,),
        ahead_s: float = 0.0,
        scheduler: bool = False,
        **how: int,
    ) -> subprocess.Popen[bytes]:
        """A worker that listens, or whatever else ``kind`` is."""
        options = json.dumps({"kind": kind, "queues": queues, "ahead_s": ahead_s, "scheduler": scheduler, **how})
        parent, known = os.getpid(), Worker.count(connection=self.connection)
        worker = subprocess.Popen(
            [sys.executable, "-m", "bench.rq_worker", self.server.url, options],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: processes.die_with_parent(parent),  # noqa: PLW1509 - as in the product
        )
        self.workers.append(worker)
        if kind != "cron":
            self.wait(lambda: Worker.count(connection=self.connection) > known)
        return worker

    def job(self, name: str, seconds: float = 0.0, **how: Any) -> Job:
        """A job that takes so long, in the queue."""
        return self.queue().enqueue_call("bench.rq_jobs.work", (str(self.folder / "notes"), name, seconds), **how)

    def said(self, name: str, what: str) -> list[float]:
        """When jobs of a name said something."""
        notes = self.folder / "notes"
        lines = [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []
        return [float(at) for at, who, said in lines if (who, said) == (name, what)]

    def wait(self, condition: Callable[[], object], within_s: float = 60.0) -> float:
        """Seconds until something is so."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > within_s:
                raise NeverHappened(f"It did not happen in {within_s:g} s.")
            time.sleep(0.02)
        return round(time.monotonic() - began, 2)

    def begun(self, name: str, times: int = 1, within_s: float = 60.0) -> float:
        """Seconds until a job has begun so many times."""
        return self.wait(lambda: len(self.said(name, "begin")) >= times, within_s)

    def horse(self, worker: subprocess.Popen[bytes]) -> int:
        """The child that a worker has forked for its job."""
        found: list[int] = []
        self.wait(lambda: found.extend(_children(worker.pid)) or found)
        return found[-1]

    def end(self) -> None:
        """End every process that was started here, and what those have started."""
        for worker in self.workers:
            for pid in _session(worker.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            worker.wait()
        self.workers.clear()

    def clear(self) -> None:
        """Begin anew on the same server."""
        self.end()
        self.connection.flushall()


@contextmanager
def place() -> Iterator[Place]:
    """A place of its own."""
    with ExitStack() as stack:
        server = stack.enter_context(valkey(durable=False))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="facts-")))
        made = Place(server, folder, stack.enter_context(queue.connect(server.url)))
        stack.callback(made.end)
        yield made


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _session(leader: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(folder.name))
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _status(job: Job) -> str:
    try:
        return job.get_status(refresh=True).value
    except InvalidJobOperation:
        return "gone"


def _why(job: Job) -> str:
    result = job.latest_result()
    return "" if result is None or result.exc_string is None else result.exc_string.strip().splitlines()[-1][:120]


# --- a horse or a worker that dies ---


def horse_killed(here: Place) -> dict[str, Any]:
    """The horse is killed: when its worker notices, and what ``Retry`` does."""
    worker = here.worker()
    job = here.job("alone", 60)
    here.begun("alone")
    os.kill(here.horse(worker), signal.SIGKILL)
    noticed_s = here.wait(lambda: _status(job) == "failed")
    here.job("again", 60, retry=Retry(max=2))
    here.begun("again")
    os.kill(here.horse(worker), signal.SIGKILL)
    return {"noticed_s": noticed_s, "why": _why(job), "retried_after_s": here.begun("again", 2)}


def retry_without_scheduler(here: Place) -> dict[str, Any]:
    """``Retry(interval=1)`` where no scheduler runs."""
    here.worker()
    job = here.queue().enqueue_call("bench.rq_jobs.fail", retry=Retry(max=1, interval=1))
    here.wait(lambda: _status(job) == "scheduled")
    time.sleep(15)
    return {"after_15_s": _status(job)}


def _abandoned(here: Place, **settings: int) -> dict[str, Any]:
    first = here.worker(**settings)
    job = here.job("left", 3_000, timeout=3_600)
    here.begun("left")
    here.worker(**settings)
    horse = here.horse(first)
    first.kill()
    os.kill(horse, signal.SIGKILL)
    return {"noticed_s": here.wait(lambda: _status(job) == "failed", 1_000), "why": _why(job)}


def both_killed_defaults(here: Place) -> dict[str, Any]:
    """Worker and horse are killed, another worker is idle, all settings as RQ has them."""
    return _abandoned(here)


def both_killed_ours(here: Place) -> dict[str, Any]:
    """The same with the settings of our workers."""
    return _abandoned(here, **OURS)


def both_killed_quick(here: Place) -> dict[str, Any]:
    """The same with the shortest settings that were tried."""
    return _abandoned(here, **QUICK)


def orphan(here: Place) -> dict[str, Any]:
    """The worker is killed and its horse lives on; the job may be retried."""
    first = here.worker(**QUICK)
    here.job("orphan", 110, timeout=600, retry=Retry(max=1))
    here.begun("orphan")
    here.worker(**QUICK)
    first.kill()
    second_after_s = here.begun("orphan", 2, 300)
    here.wait(lambda: here.said("orphan", "end"), 200)
    side_by_side_s = min(here.said("orphan", "end")) - max(here.said("orphan", "begin"))
    return {"second_run_after_s": second_after_s, "side_by_side_s": round(side_by_side_s, 1)}


def orphan_of_ours(here: Place) -> dict[str, Any]:
    """The same with our worker, whose horse is tied to it."""
    worker = here.worker("ours", **OURS)
    here.job("tied", 60)
    here.begun("tied")
    horse = here.horse(worker)
    worker.kill()
    return {
        "horse_dead_after_s": here.wait(lambda: not _lives(horse)),
        "signature": str(inspect.signature(Worker.main_work_horse)),
        "we_take_the_same": list(inspect.signature(Worker.main_work_horse).parameters)
        == list(inspect.signature(LeasedWorker.main_work_horse).parameters),
    }


def clock_ahead(here: Place) -> dict[str, Any]:
    """A worker whose clock is three minutes ahead joins one that works: with ``Retry`` and as we enqueue."""
    found: dict[str, Any] = {}
    for name, how in (("with_retry", {"retry": Retry(max=1)}), ("as_ours", {"result_ttl": 0, "failure_ttl": 0})):
        here.worker(**QUICK)
        job = here.job(name, 12, timeout=600, **how)
        here.begun(name)
        late = here.worker(ahead_s=180, **QUICK)
        if name == "with_retry":
            found[name] = {"second_run_after_s": here.begun(name, 2)}
        else:
            found[name] = {"declared_dead_after_s": here.wait(lambda job=job: _status(job) != "started")}
            here.wait(lambda name=name: here.said(name, "end"))
            found[name] |= {"runs": len(here.said(name, "begin")), "then": _status(job)}
        late.kill()
        here.clear()
    return found


def cleaner_killed(here: Place) -> dict[str, Any]:
    """Who is killed while cleaning leaves a lock."""
    work = here.queue()
    work.acquire_maintenance_lock()
    return {
        "lock_lasts_s": here.connection.ttl(work.registry_cleaning_key),
        "next": bool(work.acquire_maintenance_lock()),
    }


# --- the queue server goes ---


def flushed_while_working(here: Place) -> dict[str, Any]:
    """Everything is flushed while one job runs and four wait: with RQ's own worker and with ours."""
    found = {}
    for kind in ("rq", "ours"):
        worker = here.worker(kind, **OURS)
        here.job(kind, 3, result_ttl=0, failure_ttl=0)
        for _ in range(4):
            here.job(f"waits_{kind}")
        here.begun(kind)
        here.connection.flushall()
        here.wait(lambda kind=kind: here.said(kind, "end"))
        time.sleep(2)
        ran = len(here.said(f"waits_{kind}", "begin"))
        here.job(f"later_{kind}", result_ttl=0)
        next_ran = _happens(lambda kind=kind: here.begun(f"later_{kind}", 1, 20))
        time.sleep(1)
        keys = sorted({key.decode().split(":")[1] for key in here.connection.keys("rq:*")})
        found[kind] = {"waiting_that_ran": ran, "next_job_ran": next_ran, "worker_lives": worker.poll() is None}
        found[kind] |= {"workers_counted": Worker.count(queue=here.queue()), "keys_left": keys}
        here.clear()
    return found


def _happens(what: Callable[[], object]) -> bool:
    try:
        what()
    except NeverHappened:
        return False
    return True


def server_killed_while_idle(here: Place) -> dict[str, Any]:
    """The queue server is killed and comes back empty while a worker waits: RQ's own, and ours."""
    found = {}
    for kind in ("rq", "ours"):
        worker = here.worker(kind, **OURS)
        time.sleep(1)
        here.server.crash()
        here.server.start()
        here.job(kind)
        found[kind] = {"next_job_after_s": here.begun(kind, 1, 30), "worker_lives": worker.poll() is None}
        time.sleep(1)
        found[kind] |= {"workers_counted": Worker.count(queue=here.queue())}
        here.clear()
    return found


def server_killed_while_working(here: Place) -> dict[str, Any]:
    """The same in the middle of a job, which ends before the server is back, or after it."""
    found: dict[str, Any] = {}
    for name, seconds, away_s in (("ends_after", 6, 0), ("ends_before", 2, 4)):
        worker = here.worker("ours", **OURS)
        job = here.job(name, seconds, result_ttl=0, failure_ttl=0)
        here.begun(name)
        here.server.crash()
        time.sleep(away_s)
        here.server.start()
        here.wait(lambda name=name: here.said(name, "end"))
        time.sleep(3)
        here.job(f"after_{name}")
        ran = _happens(lambda name=name: here.begun(f"after_{name}", 1, 20))
        found[name] = {"worker_ended_with": worker.poll(), "job": _status(job), "next_job_ran": ran}
        here.clear()
    return found


def lost_reply(here: Place) -> dict[str, Any]:
    """The reply to a command is lost: what redis-py does by itself, and with the connection that we make."""
    found = {}
    makers = {"as_it_comes": _as_it_comes, "from_url": Redis.from_url, "ours": queue.connect}
    for name, make in makers.items():
        here.connection.flushall()
        with _loses_one_reply(here) as url, make(url) as connection:
            try:
                connection.rpush("list", "once")
                said = "it worked"
            except RedisError as err:
                said = type(err).__name__
        found[name] = {"said": said, "in_the_list": here.connection.llen("list")}
    return found


def _as_it_comes(url: str) -> Redis:
    return Redis(port=int(url.rpartition(":")[2]))


@contextmanager
def _loses_one_reply(here: Place) -> Iterator[str]:
    """A way to the server on which the connection breaks once an RPUSH has been done, the first time."""
    has_lost = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    server, is_cut = socket.socket(socket.AF_UNIX), threading.Event()
                    server.connect(here.server.url.removeprefix("unix://"))
                    threading.Thread(target=carry, args=[client, server, is_cut], daemon=True).start()
                    threading.Thread(target=carry, args=[server, client, is_cut], daemon=True).start()

        def carry(giver: socket.socket, taker: socket.socket, is_cut: threading.Event) -> None:
            with giver, taker, suppress(OSError):
                while said := giver.recv(65_536):
                    if is_cut.is_set():
                        taker.shutdown(socket.SHUT_RDWR)
                        return
                    if b"RPUSH" in said and not has_lost.is_set():
                        has_lost.set()
                        is_cut.set()
                    taker.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


# --- what is in the queue ---


def enqueued_in_a_transaction(here: Place) -> dict[str, Any]:
    """A job is enqueued 150 ms before its row is committed, and before it is rolled back."""
    here.worker()
    database = str(here.folder / "things.sqlite3")
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE things (id INTEGER PRIMARY KEY)")
    found = {}
    for end, first in (("COMMIT", 0), ("ROLLBACK", 100)):
        for number in range(first, first + 10):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO things VALUES (?)", [number])
            here.queue().enqueue_call("bench.rq_jobs.look", (str(here.folder / "notes"), database, number))
            time.sleep(0.15)
            connection.execute(end)
            here.wait(lambda number=number: here.said(str(number), "missing") or here.said(str(number), "there"))
        numbers = [str(number) for number in range(first, first + 10)]
        found[end.lower()] = {"ran": 10, "row_missing": sum(bool(here.said(number, "missing")) for number in numbers)}
    connection.close()
    return found


def same_id_twice(here: Place) -> dict[str, Any]:
    """Two jobs with one id, as RQ does it without ``unique``."""
    here.job("first", job_id="one")
    here.job("second", job_id="one")
    entries = here.connection.llen(here.queue().key)
    here.worker()
    here.wait(lambda: not here.queue().job_ids)
    time.sleep(1)
    return {
        "entries": entries,
        "first_ran": len(here.said("first", "begin")),
        "second_ran": len(here.said("second", "begin")),
    }


def unique(here: Place) -> dict[str, Any]:
    """How long an id is refused."""

    def is_refused(name: str, **how: Any) -> bool:
        try:
            here.job(name, job_id=name, unique=True, **how)
        except DuplicateJobError:
            return True
        return False

    here.job("ours", job_id="ours", unique=True, result_ttl=0, failure_ttl=0, ttl=60)
    found: dict[str, Any] = {"while_queued": is_refused("ours")}
    fail = ("bench.rq_jobs.fail",)
    here.queue().enqueue_call(*fail, job_id="fails", unique=True)
    here.queue().enqueue_call(*fail, job_id="our_failure", unique=True, result_ttl=0, failure_ttl=0, ttl=60)
    here.job("succeeds", job_id="succeeds", unique=True)
    here.worker()
    here.begun("succeeds")
    here.wait(lambda: here.connection.ttl("rq:job:succeeds") > 0)
    found |= {
        "after_success_for_s": here.connection.ttl("rq:job:succeeds"),
        "after_failure_for_s": here.connection.ttl("rq:job:fails"),
        "ours_after_success": bool(here.connection.exists("rq:job:ours")),
        "ours_after_failure": bool(here.connection.exists("rq:job:our_failure")),
    }
    here.end()
    for name, how in (("without_ttl", {}), ("with_ttl", {"ttl": 60})):
        here.job(name, job_id=name, unique=True, **how)
        here.connection.lrem(here.queue().key, 0, name)
        found[f"hash_without_entry_{name}_for_s"] = here.connection.ttl(f"rq:job:{name}")
    return found


def ttl_of_a_started_job(here: Place) -> dict[str, Any]:
    """What becomes of ``ttl`` once the job runs, and of the job once its worker and horse are gone; another worker is idle."""
    found: dict[str, Any] = {}
    for name, failure_ttl in (("failure_ttl_0", 0), ("ours", queue.FAILURE_S)):
        here.job(name, 30, job_id=name, unique=True, result_ttl=0, failure_ttl=failure_ttl, ttl=60)
        key = f"rq:job:{name}"
        waiting_s = here.connection.ttl(key)
        worker = here.worker("ours", **OURS)
        here.begun(name)
        running = here.connection.ttl(key)
        worker.kill()
        other = here.worker("ours", **OURS)
        time.sleep(120)
        found[name] = {"waiting_s": waiting_s, "running": running, "is_left": bool(here.connection.exists(key))}
        found[name] |= {"other_worker_ended_with": other.poll()}
        found[name] |= {"lock_left_s": here.connection.ttl(here.queue().registry_cleaning_key)}
        here.clear()
    return found


def pickled_job(here: Place) -> dict[str, Any]:
    """Somebody who can write to the queue server puts a pickle there that would run a command."""
    proof = here.folder / "ran"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {proof}",)

    job = here.job("evil")
    here.connection.hset(job.key, "data", zlib.compress(pickle.dumps(Evil())))
    worker = here.worker("ours", **OURS)
    here.wait(lambda: _status(job) in {"failed", "gone"})
    here.job("next")
    return {
        "ran": proof.exists(),
        "job": _status(job),
        "next_job_after_s": here.begun("next"),
        "worker_lives": worker.poll() is None,
    }


def success_relabelled(here: Place) -> dict[str, Any]:
    """A job that ended well has an entry left among the running ones, whose time is over: the registry is cleaned."""
    here.worker()
    job = here.job("good")
    here.wait(lambda: _status(job) == "finished")
    registry = here.queue().started_job_registry
    here.connection.zadd(registry.key, {Execution("left", job.id, here.connection).composite_key: 1})
    registry.cleanup()
    return {"then": _status(job)}


# --- schedulers ---


def _with_dead_worker(here: Place, *queues: str) -> tuple[Job, dict[str, Any]]:
    worker = here.worker(queues=queues, scheduler=True)
    here.wait(lambda: here.connection.exists(f"rq:scheduler-lock:{queues[0]}"))
    time.sleep(1)
    worker.kill()
    time.sleep(1)
    scheduler = [pid for pid in _session(worker.pid) if pid != worker.pid and _lives(pid)]
    job = here.job("lost")
    time.sleep(1)
    lists = {key: here.connection.lrange(f"rq:queue:{key}", 0, -1) for key in (QUEUE, f"{QUEUE}:intermediate")}
    return job, {
        "scheduler_lives": bool(scheduler),
        "keeps_the_lock": bool(here.connection.exists(f"rq:scheduler-lock:{queues[0]}")),
        "job_is_in": [key for key, ids in lists.items() if ids],
    }


def worker_with_scheduler_killed(here: Place) -> dict[str, Any]:
    """A worker that runs a scheduler is killed; then a job comes. One queue."""
    job, found = _with_dead_worker(here, QUEUE)
    here.worker(**QUICK)
    after_s = here.wait(lambda: _status(job) in {"failed", "finished"}, 200)
    return found | {"then": _status(job), "after_s": after_s, "why": _why(job)}


def worker_with_scheduler_killed_two_queues(here: Place) -> dict[str, Any]:
    """The same with two queues."""
    job, found = _with_dead_worker(here, QUEUE, "other")
    here.worker(queues=(QUEUE, "other"), **QUICK)
    time.sleep(100)
    return found | {"after_100_s": _status(job)}


def scheduler_killed(here: Place) -> dict[str, Any]:
    """Worker and scheduler are killed, another worker has a scheduler: when it takes over."""
    first = here.worker(scheduler=True, **QUICK)
    lock = f"rq:scheduler-lock:{QUEUE}"
    here.wait(lambda: here.connection.exists(lock))
    owner = here.connection.get(lock)
    here.worker(scheduler=True, **QUICK)
    for pid in _session(first.pid):
        os.kill(pid, signal.SIGKILL)
    return {"taken_over_after_s": here.wait(lambda: here.connection.get(lock) not in {owner, None}, 300)}


def two_crons(here: Place) -> dict[str, Any]:
    """Two ``CronScheduler`` with one job every 2 s, for 11 s."""
    for _ in range(2):
        here.worker("cron")
    here.wait(lambda: here.queue().job_ids)
    time.sleep(11)
    return {"jobs": len(here.queue().job_ids), "one_alone_at_most": 6}


# --- signals ---


def terminated(here: Place) -> dict[str, Any]:
    """SIGTERM during a job, one more is queued; and a second SIGTERM later than a second."""
    worker = here.worker("ours", **OURS)
    here.job("running", 4)
    here.job("queued")
    here.begun("running")
    worker.terminate()
    began = time.monotonic()
    worker.wait(30)
    once = {"left_after_s": round(time.monotonic() - began, 1), "running_ended": bool(here.said("running", "end"))}
    once |= {"queued_ran": bool(here.said("queued", "begin")), "still_queued": len(here.queue().job_ids)}
    here.connection.flushall()
    worker = here.worker("ours", **OURS)
    job = here.job("cut", 60, retry=Retry(max=1))
    here.begun("cut")
    worker.terminate()
    time.sleep(1.5)
    worker.terminate()
    worker.wait(30)
    (score,) = (score for _, score in here.connection.zrange(job.started_job_registry.key, 0, -1, withscores=True))
    return {
        "once": once,
        "twice": {
            "job": _status(job),
            "lease_left_s": round(score - time.time()),
            "runs": len(here.said("cut", "begin")),
        },
    }


# --- cost ---


def forked_pool(_here: Place) -> dict[str, Any]:
    """Eight children of a process with an open pool to PostgreSQL: of a bare engine, and of ours."""
    with postgres(durable=False) as server:
        url = server.databases.create()
        return {"bare": _forked(create_engine(url)), "ours": _forked(db.Database(url).engine)}


def _forked(engine: Any) -> dict[str, int]:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    children = []
    for number in range(8):
        pid = os.fork()
        if pid == 0:
            status = 1
            with suppress(Exception):
                signal.alarm(10)
                for turn in range(50):
                    with engine.connect() as connection:
                        assert connection.scalar(text(f"SELECT {number * 100 + turn}")) == number * 100 + turn
                status = 0
            os._exit(status)
        children.append(pid)
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    return {"well": ends.count(0), "failed": ends.count(1), "hung": ends.count(-signal.SIGALRM)}


def cost_of_a_job(here: Place) -> dict[str, Any]:
    """Milliseconds of a job that does nothing, by kind of worker; and jobs enqueued in a second."""
    ways = {
        "fork_preloaded": ("ours", "with_product"),
        "fork_importing": ("rq", "with_product"),
        "simple": ("simple", "nothing"),
    }
    found: dict[str, Any] = {}
    for name, (kind, job) in ways.items():
        here.worker(kind)
        _drain(here, job, 5)
        found[f"{name}_ms"] = round(statistics.median(_drain(here, job, 20) for _ in range(5)), 1)
        here.clear()
    for name, how in (("plain", {}), ("unique", {"unique": True})):
        began = time.perf_counter()
        for number in range(2_000):
            here.queue().enqueue_call("bench.rq_jobs.nothing", job_id=f"{name}{number}", **how)
        found[f"enqueued_per_second_{name}"] = round(2_000 / (time.perf_counter() - began))
    return found


def _drain(here: Place, job: str, count: int) -> float:
    """Milliseconds a job of so many that were queued before."""
    jobs = [here.queue().enqueue_call(f"bench.rq_jobs.{job}") for _ in range(count)]
    began = time.perf_counter()
    here.wait(lambda: _status(jobs[-1]) == "finished")
    return (time.perf_counter() - began) / count * 1000


ALONE = (cost_of_a_job, orphan_of_ours, horse_killed, terminated, forked_pool)
TOGETHER = (
    both_killed_defaults,
    both_killed_ours,
    both_killed_quick,
    orphan,
    worker_with_scheduler_killed_two_queues,
    worker_with_scheduler_killed,
    scheduler_killed,
    ttl_of_a_started_job,
    retry_without_scheduler,
    clock_ahead,
    cleaner_killed,
    flushed_while_working,
    server_killed_while_idle,
    server_killed_while_working,
    lost_reply,
    enqueued_in_a_transaction,
    same_id_twice,
    unique,
    pickled_job,
    success_relabelled,
    two_crons,
)


def measure(fact: Callable[[Place], dict[str, Any]]) -> dict[str, Any]:
    """One fact; what does not happen is a finding as well."""
    try:
        with place() as here:
            return fact(here)
    except NeverHappened as err:
        return {"never": str(err)}


def main(names: list[str]) -> None:
    """Measure all facts, or those that are named."""
    wanted = [fact for fact in (*ALONE, *TOGETHER) if not names or fact.__name__ in names]
    found = {fact.__name__: measure(fact) for fact in wanted if fact in ALONE}
    rest = [fact for fact in wanted if fact not in ALONE]
    with ThreadPoolExecutor(len(rest) or 1) as pool:
        found |= dict(zip((fact.__name__ for fact in rest), pool.map(measure, rest), strict=True))
    with place() as here:
        server = here.connection.info("server")
    versions = {"python": platform.python_version(), "rq": version("rq"), "redis": version("redis")}
    versions |= {"valkey": server.get("valkey_version", server["redis_version"])}
    print(json.dumps({"versions": versions, **found}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
