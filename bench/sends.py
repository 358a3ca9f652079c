"""What sending a claim costs beside the vendor's own time: a bare loop of one POST and three commits is its floor.

Both run in this process, on the same engine, at the same vendor, in turns. The vendor's own time is that of the barest POST
that there is, on a connection that lives on. What the worker's fork costs is measured apart, with jobs that do nothing.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import select

from bench import estate, floor, rq_facts
from bench.processes import environment_of, free_port, start
from tests.servers import postgres
from warranty import config, db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.domain.terms import Cause, Component
from warranty.models import Outbox, Rma
from warranty.models.work import OrderKind, OrderStatus
from warranty.runtime import Runtime
from warranty.services import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROUNDS = 7
CLAIMS = 40  # a round
PATH = "/api/now/table/incident"
BODY = {"short_description": "RMA Bench B1 CLAIM000: dead", "description": "dead", "impact": "3", "urgency": "3"}
LOGIN = ("bench", "bench")


def measure(folder: Path) -> dict[str, Any]:
    """Milliseconds a claim on both engines, and in parts of the floor; what a fork adds to a job."""
    place = folder / "sends"
    place.mkdir()
    found = {"sqlite": _on(place, f"sqlite:///{place}/warranty.sqlite3", f"sqlite:///{place}/floor.sqlite3")}
    with postgres(durable=True) as server:
        found["postgresql"] = _on(place, server.databases.create(), server.databases.create())
    fork = rq_facts.measure(rq_facts.cost_of_a_job)
    return {"load_average": round(os.getloadavg()[0], 1), **found, "jobs": fork}


def _on(folder: Path, url: str, floor_url: str) -> dict[str, Any]:
    with ExitStack() as stack:
        port = free_port()
        environment = environment_of(folder, port) | {"DATABASE_URL": url, "WARRANTY_POLL_SECONDS": "900"}
        play = [sys.executable, "-m", "warranty", "sandbox", "--vendor", "servicenow", "--port", str(port)]
        start(stack, play, environment, port)
        runtime = _prepare(stack, environment, f"http://127.0.0.1:{port}")
        bare, vendor = _bare(stack, floor_url, port), _vendor(stack, port)
        times: dict[str, list[float]] = {"vendor": [], "floor": [], "ours": []}
        for number in range(ROUNDS + 1):
            due = _report(runtime, number)
            of_round = {"vendor": vendor(), "floor": bare(), "ours": _send(runtime, due)}
            if number:  # what is made at the first call is not measured
                for name, spent in of_round.items():
                    times[name].append(spent / CLAIMS * 1000)
        _check(runtime)
        ours, bare_ms, own = (statistics.median(times[name]) for name in ("ours", "floor", "vendor"))
        ratios = [
            (mine - its) / (least - its)
            for mine, least, its in zip(times["ours"], times["floor"], times["vendor"], strict=True)
        ]
        return {
            "a_claim_ms": round(ours, 2),
            "floor_ms": round(bare_ms, 2),
            "vendors_own_ms": round(own, 2),
            "ratio": round((ours - own) / (bare_ms - own), 2),
            "ratio_by_rounds": [round(min(ratios), 2), round(max(ratios), 2)],
            "noise": round((max(times["floor"]) - min(times["floor"])) / bare_ms, 2),
        }


def _prepare(stack: ExitStack, environment: dict[str, str], vendor_url: str) -> Runtime:
    settings = config.load(environment)
    db.upgrade(settings.database_url)
    runtime = Runtime.of(settings)
    stack.callback(runtime.database.dispose)
    with runtime.database.begin(db.EVERYBODY) as session:
        estate.build(session, runtime, vendor_url, datetime.now(UTC))
    tasks.preload()
    return runtime


def _report(runtime: Runtime, number: int) -> list[int]:
    """Have some claims due; their orders."""
    for one in range(CLAIMS):
        serial = estate.COVERED_SERIALS[one % len(estate.COVERED_SERIALS)]
        facts = faults.FaultFacts(
            component=Component.DISK,
            cause=Cause.HARDWARE_FAILURE,
            symptom="dead",
            serial_number=serial,
            component_ref=f"bay {number}.{one}",
        )
        with runtime.database.begin(db.EVERYBODY) as session:
            faults.report(session, runtime, OPERATOR, facts, now=datetime.now(UTC))
    with runtime.database.read(db.EVERYBODY) as session:
        return list(session.scalars(_due().order_by(Outbox.id)))


def _due() -> Any:
    return select(Outbox.id).where(Outbox.kind == OrderKind.SEND_RMA, Outbox.status == OrderStatus.PENDING)


def _send(runtime: Runtime, due: list[int]) -> float:
    """Do what is due as a worker does: one job, without its fork."""
    began = time.perf_counter()
    tasks.work_off(runtime, due[0])
    return time.perf_counter() - began


def _check(runtime: Runtime) -> None:
    with runtime.database.read(db.EVERYBODY) as session:
        states = set(session.scalars(select(Rma.state)))
    if states != {RmaState.UNDER_REVIEW}:
        raise SystemExit(f"Not every claim arrived: {sorted(states)}")


def _bare(stack: ExitStack, url: str, port: int) -> Callable[[], float]:
    """One POST and three commits of one row for each claim, with what the product itself is made of."""
    engine = floor.engine_of(url)
    stack.callback(engine.dispose)
    session = stack.enter_context(requests.Session())
    session.trust_env = False

    def commit() -> None:
        with engine.begin() as connection:
            floor.insert_row(connection, "dead")

    def loop() -> float:
        began = time.perf_counter()
        for _ in range(CLAIMS):
            commit()
            commit()
            answer = session.post(f"http://127.0.0.1:{port}{PATH}", json=BODY, auth=LOGIN, timeout=30)
            answer.raise_for_status()
            commit()
        return time.perf_counter() - began

    return loop


def _vendor(stack: ExitStack, port: int) -> Callable[[], float]:
    """The barest POST."""
    connection = HTTPConnection("127.0.0.1", port)
    stack.callback(connection.close)
    login = base64.b64encode(":".join(LOGIN).encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
    body = json.dumps(BODY).encode()

    def loop() -> float:
        began = time.perf_counter()
        for _ in range(CLAIMS):
            connection.request("POST", PATH, body, headers)
            connection.getresponse().read()
        return time.perf_counter() - began

    return loop
