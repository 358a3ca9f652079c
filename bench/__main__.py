"""``make bench``: decisions, parity, imports, look-ups, sends, pages, the way of a fault, beside floors of the same run. JSON.

Ratios are what counts: a floor is measured in turns with what it is the floor of, so that a slow or busy machine slows
both. ``noise`` is how far the floor's own rounds lie apart. Databases run with full durability. What takes longer has a
command of its own: ``python -m bench.outage`` and ``python -m bench.rq_facts``.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from bench import estate, floor, imports, look_ups, pages, parity, sends
from bench.processes import environment_of, free_port, start
from tests.servers import postgres
from vendors.sandbox import Twin
from warranty import config, db, queue
from warranty.domain import case_document
from warranty.domain.case import Case
from warranty.domain.coverage import decide
from warranty.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
DECISIONS = 4_000
REPORTS = 40  # a round and client
CLAIMS = 10
PATIENCE_S = 60.0


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        results = {
            "decisions": decisions(),
            "parity": parity.measure(),
            "imports": imports.measure(Path(folder)),
            "look_ups": look_ups.measure(Path(folder)),
            "sends": sends.measure(Path(folder)),
            "pages": pages.measure(Path(folder)),
            **way_of_a_fault(Path(folder)),
        }
    print(json.dumps(results, indent=2))


def decisions() -> dict[str, Any]:
    """Decisions a second on one core, with five coverages, all reasons and texts."""
    read = case_document.read_case(json.dumps(estate.CASE))
    assert isinstance(read, Case)
    rates = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(DECISIONS):
            decide(read)
        rates.append(DECISIONS / (time.perf_counter() - began))
    return {
        "per_second": round(statistics.median(rates)),
        "best": round(max(rates)),
        "worst": round(min(rates)),
        "coverages": len(read.coverages),
        "reasons": len(decide(read).reasons),
    }


def way_of_a_fault(folder: Path) -> dict[str, Any]:
    """A fault acknowledged with 1 and 4 clients, and the time until its claim is authorized, over HTTP on both engines."""
    sqlite = folder / "sqlite"
    sqlite.mkdir()
    found = {"sqlite": _on(sqlite, f"sqlite:///{sqlite}/warranty.sqlite3", f"sqlite:///{sqlite}/floor.sqlite3")}
    with postgres(durable=True) as server:
        found["postgresql"] = _on(folder, server.databases.create(), server.databases.create())
    return found


def _on(folder: Path, url: str, floor_url: str) -> dict[str, Any]:
    with ExitStack() as stack:
        twin = stack.enter_context(Twin("servicenow", latency=0.05, auto_approve_s=0.0))
        port, floor_port = free_port(), free_port()
        environment = environment_of(folder, port) | {"DATABASE_URL": url, "FLOOR_URL": floor_url}
        token = _prepare(environment, twin.url)
        _serve(stack, "bench.floor:create_app()", floor_port, environment)
        acknowledged = {}
        web = _serve(stack, "warranty.web:create_app()", port, environment)
        report, bare = _reporter(port, token), _poster(floor_port)
        for clients in (1, 4):
            acknowledged[f"{clients}_clients"] = _compare(report, bare, clients)
        web.terminate()
        web.wait()
        return {
            "single_row_commit_p50_ms": floor.commit_ms(floor_url),
            "fault_acknowledged": acknowledged,
            "authorized": _until_authorized(stack, environment, port, token, twin.url),
        }


def _compare(ours: Callable[[], None], floor: Callable[[], None], clients: int) -> dict[str, Any]:
    our_times: list[float] = []
    floor_times: list[float] = []
    medians, spent = [], 0.0
    _round(ours, clients)  # not measured: what is made at the first call
    _round(floor, clients)
    for _ in range(ROUNDS):
        times, _ = _round(floor, clients)
        medians.append(statistics.median(times))
        floor_times += times
        times, seconds = _round(ours, clients)
        our_times += times
        spent += seconds
    p50, floor_p50 = statistics.median(our_times), statistics.median(floor_times)
    return {
        "p50_ms": round(p50, 2),
        "p99_ms": round(statistics.quantiles(our_times, n=100)[98], 2),
        "per_second": round(len(our_times) / spent, 1),
        "floor_p50_ms": round(floor_p50, 2),
        "ratio": round(p50 / floor_p50, 2),
        "noise": round((max(medians) - min(medians)) / floor_p50, 2),
    }


def _round(work: Callable[[], None], clients: int) -> tuple[list[float], float]:
    """One round of every client at once: milliseconds of each call, and seconds of the round."""
    times: list[float] = []

    def client() -> None:
        for _ in range(REPORTS):
            began = time.perf_counter()
            work()
            times.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, time.perf_counter() - began


_local = threading.local()


def _session() -> requests.Session:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
    found: requests.Session = _local.session
    return found


def _poster(port: int) -> Callable[[], None]:
    return lambda: _expect(_session().post(f"http://127.0.0.1:{port}/", json={"symptom": "dead"}, timeout=30))


def _reporter(port: int, token: str) -> Callable[[], None]:
    serials = iter(estate.SERIALS)
    lock = threading.Lock()

    def report() -> None:
        with lock:
            serial = next(serials)
        _expect(_report(port, token, serial))

    return report


def _report(port: int, token: str, serial: str) -> requests.Response:
    body = {"serial_number": serial, "component": "disk", "cause": "hardware_failure", "symptom": "dead"}
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bench-{serial}"}
    return _session().post(f"http://127.0.0.1:{port}/api/v1/faults", json=body, headers=headers, timeout=30)


def _until_authorized(
    stack: ExitStack, environment: dict[str, str], port: int, token: str, vendor_url: str
) -> dict[str, Any]:
    """Seconds from the report to ``authorized`` with everything running, beside a bare POST to the same vendor and a no-op job."""
    command = [sys.executable, "-m", "warranty", "up", "--port", str(port)]
    start(stack, command, environment, port)
    times = []
    for number in range(CLAIMS):
        began = time.perf_counter()
        answer = _report(port, token, estate.COVERED_SERIALS[number])
        _expect(answer)
        _await_number(f"http://127.0.0.1:{port}/api/v1/rmas/{answer.json()['rma_id']}", token)
        times.append(time.perf_counter() - began)
    posts = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        requests.post(f"{vendor_url}/api/now/table/incident", json={}, auth=("bench", "bench"), timeout=30)
        posts.append(time.perf_counter() - began)
    jobs = _no_op_jobs(config.load(environment).redis_url)
    p50, post, job = map(statistics.median, (times, posts, jobs))
    return {
        "p50_s": round(p50, 3),
        "worst_s": round(max(times), 3),
        "bare_post_p50_s": round(post, 3),
        "no_op_job_p50_s": round(job, 3),
        "ratio": round(p50 / (post + job), 1),
    }


def _no_op_jobs(redis_url: str) -> list[float]:
    """Seconds from enqueuing a job that does nothing to its result, on the workers that open the claims."""
    times = []
    with closing(queue.connect(redis_url)) as connection:
        work = queue.work_queue(connection)
        for _ in range(CLAIMS):
            began = time.perf_counter()
            work.enqueue_call("time.time").latest_result(timeout=int(PATIENCE_S))
            times.append(time.perf_counter() - began)
    return times


def _await_number(url: str, token: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if _session().get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()["rma_number"]:
            return
        time.sleep(0.01)
    raise SystemExit("A claim was not authorized in a minute: nothing was measured.")


def _prepare(environment: dict[str, str], vendor_url: str) -> str:
    settings = config.load(environment)
    db.upgrade(settings.database_url)
    runtime = Runtime.of(settings)
    with runtime.database.begin(db.EVERYBODY) as session:
        token = estate.build(session, runtime, vendor_url, datetime.now(UTC))
    runtime.database.dispose()
    return token


def _serve(stack: ExitStack, app: str, port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A web server of one process, as the product runs it."""
    options = ["--worker-class", "gthread", "--threads", "4", "--no-control-socket", "--log-level", "error"]
    command = [sys.executable, "-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}", *options]
    return start(stack, command, environment, port)


def _expect(answer: requests.Response) -> None:
    if answer.status_code != requests.codes.created:
        raise SystemExit(f"A measured call answered {answer.status_code}: {answer.text[:200]}")


main()
