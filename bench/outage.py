"""``python -m bench.outage [ENGINE ...]``: one of three vendors is down for an hour, and what claims at the others notice.

All rhythms are shrunk by 60, so the hour is a minute. What is fixed in the code is not shrunk: fairness between accounts
(a second), RQ's own clocks. The accounts open and do not track, and the vendors approve what they are sent at once: so it is
sending that is measured, not the rhythm at which cases are read. Quiet minutes before, between and after the outages say how
far two quiet minutes lie apart by themselves.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import requests
from sqlalchemy import select

from bench import estate
from bench.processes import environment_of, free_port, start
from tests.servers import postgres
from vendors.contract import VendorStatus
from vendors.sandbox.servicenow import NEW
from warranty import config, db
from warranty.domain.access import TokenScope
from warranty.domain.lifecycles import RmaState
from warranty.domain.terms import AssetState, CoverageKind, Fulfilment, Role
from warranty.models import AuditRow, Outbox, Rma
from warranty.models.work import OrderKind, OrderStatus
from warranty.runtime import Runtime
from warranty.services import accounts, people
from warranty.services import estate as units
from warranty.services.moves import Because

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

VENDORS = 3
MINUTE_S = 60.0
A_SECOND = 4  # reports, each vendor in turn, each of a unit of its own
REST_S = 60.0  # at most, from one minute to the next: what the outage left is worked off
SHRUNK = {
    "WARRANTY_VENDOR_TIMEOUT_SECONDS": "0.5",
    "WARRANTY_LEASE_SECONDS": "1.25",  # work is ended at a whole second before it
    "WARRANTY_SETTLE_SECONDS": "2",
    "WARRANTY_RELAY_SECONDS": "0.25",
    "WARRANTY_RETRY_SECONDS": "0.083",
    "WARRANTY_POLL_SECONDS": "15",
}
PHASES = ("quiet", "refuses", "quiet again", "hangs", "quiet at last")
REPORTS = round(MINUTE_S * A_SECOND) * len(PHASES)


@dataclass(slots=True)
class Vendor:
    """One pretended vendor, which can be away."""

    port: int
    folder: Path
    environment: dict[str, str]
    stack: ExitStack
    process: subprocess.Popen[bytes] | None = None

    def rise(self) -> None:
        """Answer."""
        play = ["sandbox", "--vendor", "servicenow", "--port", str(self.port), "--latency", "0.05"]
        kept = ["--ledger", str(self.folder / f"ledger-{self.port}")]
        self.process = start(self.stack, [sys.executable, "-m", "warranty", *play, *kept], self.environment, self.port)

    @contextmanager
    def away(self, how: str) -> Iterator[None]:
        """Refuse connections, or take them and never say a word: nothing that comes meanwhile is ever accepted."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait()
        if how == "refuses":
            yield
        else:
            with socket.create_server(("127.0.0.1", self.port), backlog=4096):
                yield
        self.rise()


@dataclass(slots=True)
class Load:
    """Reports at a steady pace: which claim was acknowledged when, in which phase, and whose it is."""

    port: int
    token: str
    acknowledged: dict[UUID, tuple[float, str, int]] = field(default_factory=dict)
    number: int = 0

    def minute(self, phase: str) -> None:
        """Report for one minute."""
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            for one in range(round(MINUTE_S * A_SECOND)):
                time.sleep(max(0.0, began + one / A_SECOND - time.monotonic()))
                self.number += 1
                pool.submit(self._report, phase, self.number).add_done_callback(_raise)

    def _report(self, phase: str, number: int) -> None:
        vendor = number % VENDORS
        body = {
            "serial_number": f"AWAY{number}",
            "component": "disk",
            "cause": "hardware_failure",
            "symptom": "dead",
        }
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"away-{number}"}
        answer = requests.post(f"http://127.0.0.1:{self.port}/api/v1/faults", json=body, headers=headers, timeout=30)
        at = time.time()
        answer.raise_for_status()
        self.acknowledged[UUID(answer.json()["rma_id"])] = at, phase, vendor


def _raise(future: Any) -> None:
    if (err := future.exception()) is not None:
        print(f"A report failed: {err}", file=sys.stderr)


def measure(folder: Path, engines: list[str]) -> dict[str, Any]:
    """The other vendors' seconds from acknowledged to opened and to authorized, by phase."""
    found: dict[str, Any] = {"shrunk_by": 60, "reports_per_second": A_SECOND, "vendors": VENDORS}
    if "sqlite" in engines:
        (folder / "lite").mkdir()
        found["sqlite"] = _on(folder / "lite", f"sqlite:///{folder}/lite/warranty.sqlite3")
    if "postgresql" in engines:
        (folder / "post").mkdir()
        with postgres(durable=True) as server:
            found["postgresql"] = _on(folder / "post", server.databases.create())
    return found


def _on(folder: Path, url: str) -> dict[str, Any]:
    with ExitStack() as stack:
        port = free_port()
        environment = environment_of(folder, port) | {"DATABASE_URL": url} | SHRUNK
        made = [Vendor(free_port(), folder, environment, stack) for _ in range(VENDORS)]
        for vendor in made:
            vendor.rise()
        settings = config.load(environment)
        db.upgrade(settings.database_url)
        runtime = Runtime.of(settings)
        stack.callback(runtime.database.dispose)
        with runtime.database.begin(db.EVERYBODY) as session:
            token = _build(session, runtime, made)
        start(stack, [sys.executable, "-m", "warranty", "up", "--port", str(port)], environment, port)
        load, busy = Load(port, token), {}
        for phase in PHASES:
            if phase in {"refuses", "hangs"}:
                with made[0].away(phase):
                    load.minute(phase)
            else:
                load.minute(phase)
            busy[phase] = round(os.getloadavg()[0], 1)
            _rest(runtime)
        return _figures(runtime, load, busy)


def _rest(runtime: Runtime) -> None:
    """Wait until no claim waits any more; a moment at least, for what follows an opening."""
    until = time.monotonic() + REST_S
    waiting = select(Outbox.id).where(Outbox.kind == OrderKind.SEND_RMA, Outbox.status == OrderStatus.PENDING)
    while time.monotonic() < until:
        time.sleep(2.0)
        with runtime.database.read(db.EVERYBODY) as session:
            if session.scalars(waiting.limit(1)).first() is None:
                return


def _build(session: Any, runtime: Runtime, made: list[Vendor]) -> str:
    now = datetime.now(UTC)
    because = Because("system:bench", "bench", now)
    owner = units.add_client(session, name="Bench", because=because)
    site = units.add_site(session, owner, name="Rack", time_zone="Europe/Berlin", because=because)
    for number, vendor in enumerate(made):
        product = units.add_product(
            session,
            manufacturer=f"Maker {number}",
            model="B1",
            part_number="B-1",
            list_price_minor=100,
            because=because,
        )
        place = {"product": product, "site": site, "state": AssetState.IN_SERVICE}
        for one in range(number, REPORTS + 1, VENDORS):
            unit = units.add_asset(session, owner, serial_number=f"AWAY{one}", because=because, **place)
            estate.cover(session, unit, because, CoverageKind.MANUFACTURER_WARRANTY, Fulfilment.VENDOR_RMA)
        accounts.add(
            session,
            runtime,
            vendor="servicenow",
            name=f"Desk {number}",
            secrets={"username": "bench", "password": "bench"},
            options={"state_map": json.dumps({NEW: VendorStatus.APPROVED})},
            duties=["open"],
            base_url=f"http://127.0.0.1:{vendor.port}",
            manufacturers=[f"Maker {number}"],
            because=because,
        )
    estate.cover(session, owner, because, CoverageKind.MSP_AGREEMENT, Fulfilment.MSP_SUPPLY)
    user = people.add_user(
        session, email="bench@example.com", role=Role.TECHNICIAN, password=people.make_password(), because=because
    )
    return people.add_token(session, user, [TokenScope.WRITE], because=because).token


def _figures(runtime: Runtime, load: Load, busy: dict[str, float]) -> dict[str, Any]:
    with runtime.database.read(db.EVERYBODY) as session:
        moved = session.execute(
            select(Rma.public_id, AuditRow.at)
            .join(AuditRow, AuditRow.record_id == Rma.id)
            .where(AuditRow.record == "rma", AuditRow.new_state == RmaState.AUTHORIZED)
        ).all()
    at = {claim: when.timestamp() for claim, when in moved}
    found: dict[str, Any] = {}
    for phase in PHASES:
        times = [
            at[claim] - when
            for claim, (when, of, vendor) in load.acknowledged.items()
            if of == phase and vendor and claim in at
        ]
        cuts = statistics.quantiles(times, n=100)
        found[phase] = {"claims": len(times), "p50_s": round(cuts[49], 3), "p99_s": round(cuts[98], 3)}
        found[phase] |= {"load_average": busy[phase]}
    quiet = [found[phase]["p99_s"] for phase in PHASES if phase.startswith("quiet")]
    usual = statistics.median(quiet)
    moved_by = {phase: round(found[phase]["p99_s"] / usual - 1, 3) for phase in ("refuses", "hangs")}
    noise = round((max(quiet) - min(quiet)) / usual, 3)
    missing = sum(claim not in at for claim in load.acknowledged)
    return found | {"p99_moved_by": moved_by, "noise": noise, "not_authorized_in_the_end": missing}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as made_here:
        wanted = sys.argv[1:] or ["sqlite", "postgresql"]
        print(json.dumps(measure(Path(made_here), wanted), indent=2))
