"""A kill at every commit and at every send of the path report, hand over, send, record, read loses and doubles nothing.

Deterministic and complete for that path: each step is run again and again, killed before and after its first commit,
its second and so on, until it ends by itself; and around the send also by hand. Then the product's own relay and worker
run until they rest, and the vendor's ledger is compared with the records. Both databases with full durability.

The last tests test this one: with an adapter that cannot search, or that does not wait, the same harness finds doubles.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests.app import ENGINES, environment_of, migrated
from tests.crash.harness import KILLED, ROOT, Harness
from tests.desk import odd_adapters
from vendors.sandbox import Twin
from warranty import config, db, queue, relay, tasks
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.domain.terms import Route
from warranty.models import AdHocJob, Fault, HumanTask, Lease, Outbox, Rma, StoredVerdict
from warranty.models.work import OrderKind, OrderStatus
from warranty.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session

    from tests.crash.harness import Steps

TIMEOUT_S, SETTLE_S, LEASE_S = 0.6, 2.4, 2.0
LATE_S = 1.5  # later than we wait for an answer, sooner than we believe that nothing arrived
RETRY_S = 0.1
GOES_ROUND = (OrderKind.READ_CASES, OrderKind.SWEEP_CASES)
"""What is ordered again and again for as long as there are open cases, or accounts."""
REST_S = 180.0  # it takes about 6 s on an idle machine


@contextmanager
def going_on(harness: Harness) -> Iterator[None]:
    """The product's own relay and worker, as processes."""
    command = [sys.executable, "-m", "tests.crash.child"]
    environment = {"PATH": os.environ.get("PATH", os.defpath)} | harness.settings
    parts = [subprocess.Popen([*command, part], cwd=ROOT, env=environment) for part in ("relay", "worker")]
    try:
        yield
    finally:
        for part in parts:
            part.terminate()
        for part in parts:
            part.wait(20)


def wait_for_rest(harness: Harness) -> None:
    """Wait until nothing is left to do."""
    deadline = time.monotonic() + REST_S
    while still_to_do := unfinished(harness):
        assert time.monotonic() < deadline, f"still to do: {still_to_do}"
        time.sleep(0.1)


def unfinished(harness: Harness) -> list[str]:
    with harness.runtime.database.read(db.EVERYBODY) as session:
        orders = select(Outbox).where(Outbox.status == OrderStatus.PENDING, Outbox.kind.not_in(GOES_ROUND))
        waiting = [f"{order.kind} {order.id}: {order.error}" for order in session.scalars(orders)]
        answered = {RmaState.AUTHORIZED, RmaState.SUBMIT_FAILED, RmaState.MANUAL_HANDLING, RmaState.DENIED}
        claims = session.scalars(select(Rma).where(Rma.state.not_in(answered)))
        return waiting + [f"{rma.client_reference} is {rma.state}" for rma in claims]


@pytest.fixture(params=ENGINES)
def harness(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str, steps: Steps) -> Iterator[Harness]:
    """On each engine, as durable as a customer's."""
    if request.param == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), tmp_path / 'warranty.sqlite3')}"
    else:
        url = migrated(request.getfixturevalue("durable_postgres").databases)
    shrunk = {
        "WARRANTY_VENDOR_TIMEOUT_SECONDS": str(TIMEOUT_S),
        "WARRANTY_LEASE_SECONDS": str(LEASE_S),
        "WARRANTY_SETTLE_SECONDS": str(SETTLE_S),
        "WARRANTY_RELAY_SECONDS": "0.5",
        "WARRANTY_POLL_SECONDS": "10",
        "WARRANTY_RETRY_SECONDS": str(RETRY_S),
    }
    settings = environment_of(url, tmp_path, redis_url) | shrunk
    runtime = Runtime.of(config.load(settings))
    with Twin("servicenow", auto_approve_s=0.0) as twin, odd_adapters():
        yield Harness(runtime, twin, settings, steps)
    runtime.database.dispose()


def test_no_kill_loses_a_fault_or_opens_a_second_case(harness: Harness) -> None:
    def unit() -> dict[str, Any]:
        return {"serial": harness.desk().serial}

    def due() -> dict[str, Any]:
        harness.desk().report()
        with harness.session() as session:  # periodic work is due as well
            session.execute(update(Lease).values(next_run_at=db.now(session)))
        with queue.connect(harness.runtime.settings.redis_url) as connection:
            connection.flushdb()
        return {}

    def claim() -> dict[str, Any]:
        desk = harness.desk()
        desk.report()
        return {"order": desk.order(OrderKind.SEND_RMA).id}

    def poll() -> dict[str, Any]:
        desk = harness.desk()
        desk.report()
        tasks.perform(harness.runtime, desk.order(OrderKind.SEND_RMA).id)
        with harness.runtime.database.begin(db.EVERYBODY) as session:
            session.get_one(Rma, desk.rma().id).next_poll_at = db.now(session)
            session.flush()
            relay.order_polls(session)
        return {"order": desk.order(OrderKind.READ_CASES).id}

    commits = {
        "report": harness.kill_everywhere("report", unit),
        "relay": harness.kill_everywhere("relay", due),
        "send": harness.kill_everywhere("perform", claim),
        "read": harness.kill_everywhere("perform", poll),
    }
    # One of a report; of the relay the periodic work, the seals, the queue that was emptied and the picking; of a send
    # claim, mark and record; of a reading claim, gate, gate of the notes, the word of its one case, and the end.
    assert commits == {"report": 1, "relay": 4, "send": 3, "read": 5}

    # Accepted and not answered: the one point that no commit marks.
    harness.twin.behave("servicenow", next_opens=["accept_then_slow"], slow_s=5.0)
    assert harness.run("perform", meanwhile=harness.kill_once_accepted, **claim()) == KILLED
    # Neither killed nor answered: we hang up, and the vendor accepts afterwards.
    harness.twin.behave("servicenow", next_opens=["slow_then_accept"], slow_s=LATE_S)
    assert harness.run("perform", **claim()) == 0

    with going_on(harness):
        wait_for_rest(harness)

    with harness.runtime.database.read(db.EVERYBODY) as session:
        check(session, harness)


def check(session: Session, harness: Harness) -> None:
    """Compare what was promised with what is there: the acknowledgements, the records, the vendor's ledger."""
    faults = {fault.reference: fault for fault in session.scalars(select(Fault))}
    assert harness.acknowledged
    assert set(harness.acknowledged) <= set(faults)
    # A report that was killed before its commit left nothing; one that was killed after it left all of it.
    assert {fault.state for fault in faults.values()} == {FaultState.RMA_OPEN}
    verdicts = Counter((verdict.fault_id, verdict.route) for verdict in session.scalars(select(StoredVerdict)))
    assert verdicts == Counter((fault.id, Route.RMA) for fault in faults.values())
    rmas = session.scalars(select(Rma)).all()
    assert Counter(rma.fault_id for rma in rmas) == Counter(fault.id for fault in faults.values())
    assert session.scalars(select(AdHocJob)).all() == []

    at_vendor = {entry["reference"]: entry for entry in harness.twin.opened}
    assert harness.per_reference() == Counter(rma.client_reference for rma in rmas)
    for rma in rmas:
        number = at_vendor[rma.client_reference]["number"]
        assert (rma.state, rma.vendor_case_number) == (RmaState.AUTHORIZED, number)
        assert rma.rma_number == f"RMA{number.removeprefix('INC')}"

    assert session.scalars(select(HumanTask).where(HumanTask.resolved_at.is_(None))).all() == []
    ends = {order.status for order in session.scalars(select(Outbox).where(Outbox.kind == OrderKind.SEND_RMA))}
    assert ends == {OrderStatus.DONE}


def one_claim(harness: Harness, vendor: str) -> tuple[str, dict[str, Any]]:
    """A claim that is to be sent: its reference, and the step that sends it."""
    desk = harness.desk(vendor)
    desk.report()
    return desk.rma().client_reference, {"order": desk.order(OrderKind.SEND_RMA).id}


@pytest.mark.parametrize("harness", ["sqlite"], indirect=True)
def test_without_a_search_or_without_waiting_the_same_kills_open_second_cases(harness: Harness) -> None:
    killed = {}
    for vendor in ("servicenow", "forgetful"):
        killed[vendor], step = one_claim(harness, vendor)
        harness.twin.behave("servicenow", next_opens=["accept_then_slow"], slow_s=5.0)
        assert harness.run("perform", meanwhile=harness.kill_once_accepted, **step) == KILLED
    late = {}
    for vendor in ("servicenow", "hasty"):
        late[vendor], step = one_claim(harness, vendor)
        harness.twin.behave("servicenow", next_opens=["slow_then_accept"], slow_s=LATE_S)
        assert harness.run("perform", **step) == 0
        time.sleep(RETRY_S)
        assert harness.run("perform", **step) == 0  # due for the hasty one, which sends again
    with going_on(harness):
        wait_for_rest(harness)

    at_vendor = harness.per_reference()
    assert at_vendor[killed["servicenow"]] == 1
    assert at_vendor[killed["forgetful"]] == 2
    assert at_vendor[late["servicenow"]] == 1
    assert at_vendor[late["hasty"]] == 2
