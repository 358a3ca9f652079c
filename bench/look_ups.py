"""Look-ups of many units at a vendor that answers in a tenth of a second, beside what its quota alone would take.

Everything runs as it does in use: the processes of ``warranty up``, and the vendor in a process of its own. What is counted
is the vendor's own record of calls: none may be larger than a batch, and no window may hold more than the quota.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import func, select

from bench.processes import environment_of, free_port, start
from tests.servers import postgres
from vendors.adapters.dell import BATCH_SIZE
from warranty import config, db
from warranty.domain.terms import AssetState
from warranty.models import Asset
from warranty.processes import WORKERS
from warranty.runtime import Runtime
from warranty.services import accounts, estate, refresh
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = 10_000
CALLS_A_SECOND = 10
ANSWER_S = 0.1
ROUNDS = 3
PATIENCE_S = 120.0


def measure(folder: Path) -> dict[str, Any]:
    """Seconds from the first call to the last answer kept, on both engines, in parts of the quota's own time."""
    (folder / "look_ups").mkdir()
    found = {"sqlite": _on(folder / "look_ups", f"sqlite:///{folder / 'look_ups.sqlite3'}")}
    with postgres(durable=True) as server:
        found["postgresql"] = _on(folder / "look_ups", server.databases.create())
    return {"units": UNITS, "calls_a_second": CALLS_A_SECOND, "workers": WORKERS, **found}


def _on(folder: Path, url: str) -> dict[str, Any]:
    with ExitStack() as stack:
        vendor, port = free_port(), free_port()
        vendor_url = f"http://127.0.0.1:{vendor}"
        environment = environment_of(folder, port) | {"DATABASE_URL": url, "WARRANTY_POLL_SECONDS": "900"}
        runtime = _prepare(environment, vendor_url)
        stack.callback(runtime.database.dispose)
        warranty = [sys.executable, "-m", "warranty"]
        play = ["sandbox", "--vendor", "dell", "--port", str(vendor), "--latency", str(ANSWER_S)]
        start(stack, [*warranty, *play], environment, vendor)
        _register(vendor_url)
        up = start(stack, [*warranty, "up", "--port", str(port)], environment, port)
        rounds = []
        for _ in range(ROUNDS):
            with _memory_of_workers(up.pid) as memory_mb:
                rounds.append(_round(runtime, vendor_url) | {"memory_mb": memory_mb})
    ratios = [one["ratio"] for one in rounds]
    return {
        "first": rounds[0],
        "again": rounds[-1],
        "worst_ratio": max(ratios),
        "noise": round(max(ratios[1:]) - min(ratios[1:]), 2),
    }


def _prepare(environment: dict[str, str], vendor_url: str) -> Runtime:
    settings = config.load(environment)
    db.upgrade(settings.database_url)
    runtime = Runtime.of(settings)
    because = Because("system:bench", "bench", datetime.now(UTC))
    with runtime.database.begin(db.EVERYBODY) as session:
        owner = estate.add_client(session, name="Bench", because=because)
        product = estate.add_product(session, manufacturer="Dell", model="R1", because=because)
        place = {"product_id": product.id, "site_id": None, "state": AssetState.IN_SERVICE, "client_id": owner.id}
        units = [
            estate.asset_values(
                serial_number=serial, name="", asset_tag="", ownership="client", purchased_on=None, **place
            )
            for serial in _serials()
        ]
        estate.register_assets(session, units, because=because)
        accounts.add(
            session,
            runtime,
            vendor="dell",
            name="Bench Dell",
            secrets={"client_id": "bench", "client_secret": "bench"},
            options={"quota": f"{CALLS_A_SECOND}/second"},
            base_url=vendor_url,
            duties=["lookup"],
            because=because,
        )
    return runtime


def _serials() -> list[str]:
    return [f"B{number:06}" for number in range(UNITS)]


def _register(vendor_url: str) -> None:
    """Two lines of cover for each unit, of which one is over."""
    rows = [
        {"code": "NU", "starts_on": "2024-01-01", "ends_on": "2099-12-31", "item": "1"},
        {"code": "ND", "type": "EXTENDED", "starts_on": "2020-01-01", "ends_on": "2023-12-31", "item": "2"},
    ]
    serials = _serials()
    for begin in range(0, UNITS, 1_000):
        known = {serial: {"countryCode": "NL", "entitlements": rows} for serial in serials[begin : begin + 1_000]}
        requests.post(f"{vendor_url}/_sandbox/tags", json=known, timeout=60).raise_for_status()


def _round(runtime: Runtime, vendor_url: str) -> dict[str, Any]:
    before = len(_calls(vendor_url))
    because = Because("system:bench", "bench", datetime.now(UTC))
    with runtime.database.begin(db.EVERYBODY) as session:
        run = refresh.ask_stale(session, runtime, client=None, stale_days=0, because=because).run
    ordered, deadline = time.time(), time.monotonic() + PATIENCE_S
    while True:
        time.sleep(0.2)
        with runtime.database.read(db.EVERYBODY) as session:
            how = refresh.progress(session, run)
            last = session.scalar(select(func.max(Asset.lookup_at)))
        if how.is_over:
            break
        if time.monotonic() > deadline:
            raise SystemExit(f"The look-ups did not end in {PATIENCE_S:g} s: {how}")
    if how.answered != UNITS or last is None:
        raise SystemExit(f"Not every unit was answered: {how}")
    calls = _calls(vendor_url)[before:]
    times = [call["at"] for call in calls]
    floor = len(calls) / CALLS_A_SECOND
    seconds = last.timestamp() - times[0]
    return {
        "seconds": round(seconds, 2),
        "calls": len(calls),
        "largest_batch": max(call["query"].count(",") + 1 for call in calls),
        "most_calls_in_a_second": _most_in_a_window(times, 1.0),
        "first_call_after_s": round(times[0] - ordered, 2),
        "ratio": round(seconds / floor, 3),
        "is_within_15_percent": seconds <= 1.15 * UNITS / BATCH_SIZE / CALLS_A_SECOND,
    }


def _calls(vendor_url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{vendor_url}/_sandbox/calls", timeout=60).json()
    return [call for call in found if call["method"] == "GET"]


def _most_in_a_window(times: list[float], window_s: float) -> int:
    return max(sum(first <= at < first + window_s for at in times) for first in times)


@contextmanager
def _memory_of_workers(parent: int) -> Iterator[dict[str, int]]:
    """The memory of the worker that is at it, forks included: early on, at most, and at the end of a round; megabytes."""
    found: dict[str, int] = {}
    samples: list[int] = []
    stop = Event()

    def watch() -> None:
        while not stop.wait(0.2):
            at_work = [_rss_mb(pid) for pid in _descendants(parent) if _is_fork_of_worker(pid)]
            if at_work:
                samples.append(max(at_work))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
        if samples:
            found |= {"early": samples[min(5, len(samples) - 1)], "most": max(samples), "last": samples[-1]}


def _descendants(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from _descendants(child)


def _is_fork_of_worker(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return b"worker" in command and b"worker" in Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _rss_mb(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
