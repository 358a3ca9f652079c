"""``make bench``: decisions per second, and a reported fault beside a bare endpoint with one durable insert. Prints JSON.

Ratios are what counts: a floor is measured in the same run, turn by turn with what it is the floor of, so that a slow or
busy machine slows both. ``noise`` is the spread of the floor's own medians.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.test import Client

from warranty import config, db
from warranty.domain import case_document
from warranty.domain.access import TokenScope
from warranty.domain.case import Case
from warranty.domain.coverage import decide
from warranty.domain.terms import AssetState, CoverageKind, EvidenceSource, Fulfilment, Role, ServiceLevel, Share
from warranty.runtime import Runtime
from warranty.services import estate, people
from warranty.services.moves import Because
from warranty.web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
DECISIONS = 4_000
REPORTS = 60


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        print(json.dumps({"decisions": decisions(), "fault_acknowledged": reports(Path(folder))}, indent=2))


def decisions() -> dict[str, Any]:
    """Decisions a second on one core, with five coverages, all reasons and texts."""
    read = case_document.read_case(json.dumps(_case()))
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


def reports(folder: Path) -> dict[str, Any]:
    """Milliseconds until a fault is acknowledged, in process over WSGI, beside the bare floor; SQLite, fully durable."""
    call, bare = _product(folder), _bare(folder)
    ours: list[float] = []
    floor: list[float] = []
    medians = []
    for _ in range(ROUNDS):
        rounds = [_ms(bare) for _ in range(REPORTS // ROUNDS)]
        ours += [_ms(call) for _ in range(REPORTS // ROUNDS)]
        floor += rounds
        medians.append(statistics.median(rounds))
    p50, floor_p50 = statistics.median(ours), statistics.median(floor)
    return {
        "p50_ms": round(p50, 2),
        "p99_ms": round(sorted(ours)[int(len(ours) * 0.99) - 1], 2),
        "floor_p50_ms": round(floor_p50, 2),
        "ratio": round(p50 / floor_p50, 2),
        "noise": round((max(medians) - min(medians)) / floor_p50, 2),
    }


def _ms(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _bare(folder: Path) -> Callable[[], None]:
    """A Flask endpoint that inserts one row and commits it to the disk."""
    connection = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE report (id INTEGER PRIMARY KEY, symptom TEXT)")
    app = Flask("bare")

    @app.post("/")
    def insert() -> dict[str, str]:
        connection.execute("INSERT INTO report (symptom) VALUES ('dead')")
        return {"state": "reported"}

    client = Client(app)
    return lambda: _expect(client.post("/", json={"symptom": "dead"}).status_code, 200)


def _product(folder: Path) -> Callable[[], None]:
    """``POST /faults`` on units under an agreement, each report on a unit of its own."""
    settings = config.load(
        {
            "WARRANTY_MODE": "development",
            "WARRANTY_INSTANCE": str(folder / "instance"),
            "DATABASE_URL": f"sqlite:///{folder / 'warranty.sqlite3'}",
        }
    )
    db.upgrade(settings.database_url)
    runtime = Runtime.of(settings)
    now = datetime.now(UTC)
    because = Because("system:bench", "bench", now)
    with runtime.database.begin(db.EVERYBODY) as session:
        token = _estate(session, because)
    app = create_app(runtime)
    client = Client(app)
    numbers = iter(range(REPORTS))

    def report() -> None:
        number = next(numbers)
        body = {
            "serial_number": f"BENCH{number:04}",
            "component": "disk",
            "cause": "hardware_failure",
            "symptom": "dead",
        }
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bench-{number}"}
        _expect(client.post("/api/v1/faults", json=body, headers=headers).status_code, 201)

    return report


def _estate(session: Any, because: Because) -> str:
    owner = estate.add_client(session, name="Bench", because=because)
    site = estate.add_site(session, owner, name="Rack", time_zone="Europe/Berlin", because=because)
    product = estate.add_product(
        session, manufacturer="Bench", model="B1", part_number="B-1", list_price_minor=100, because=because
    )
    for number in range(REPORTS):
        unit = {"serial_number": f"BENCH{number:04}", "product": product, "site": site, "state": AssetState.IN_SERVICE}
        estate.add_asset(session, owner, because=because, **unit)
    for number in range(5):
        estate.add_coverage(
            session,
            owner,
            contract_number=f"A-{number}",
            kind=CoverageKind.MSP_AGREEMENT,
            fulfilment=Fulfilment.MSP_SUPPLY,
            covers=[Share.PARTS, Share.LABOUR],
            starts_on=date.today() - timedelta(days=9 + number),  # noqa: DTZ011 - any day long past will do
            time_zone="Europe/Berlin",
            service_level=ServiceLevel.NEXT_BUSINESS_DAY,
            evidence_source=EvidenceSource.CONTRACT_FILE,
            because=because,
        )
    user = people.add_user(
        session, email="bench@example.com", role=Role.TECHNICIAN, password=people.make_password(), because=because
    )
    return people.add_token(session, user, [TokenScope.WRITE], now=because.at).token


def _expect(status: int, wanted: int) -> None:
    if status != wanted:
        raise SystemExit(f"The measured call answered {status}, not {wanted}: nothing was measured.")


def _case() -> dict[str, Any]:
    """A unit with five contracts of every sort of result: two pay for something, three do not."""
    look = {"source": "vendor_lookup", "checked_at": "2026-03-01T02:00:00Z", "error": None}
    base = {
        "kind": "manufacturer_warranty", "fulfilment": "vendor_rma", "scope": {"asset": "a1"}, "starts_on": "2024-01-01",
        "ends_on": "2027-01-01", "time_zone": "Europe/Amsterdam", "state": "active", "covers": ["parts"],
        "excluded_causes": ["misuse"], "excluded_components": ["battery"], "sites": None,
        "service_level": "next_business_day", "delivery": "advance_exchange", "grace_days": 0, "grace_is_covered": False,
        "waiting_days": 0, "claims_after_end_days": 0, "claims_limit": None, "claims_used": 0,
        "evidence": {**look, "vendor_says": "covered"},
    }  # fmt: skip
    agreement = {
        **base, "kind": "msp_agreement", "fulfilment": "msp_supply", "scope": {"client": "c1"}, "covers": ["labour"],
        "evidence": {"source": "none", "vendor_says": None, "checked_at": None, "error": None},
    }  # fmt: skip
    rows = [
        base,
        {**base, "ends_on": "2026-03-01", "evidence": {**look, "vendor_says": "not_covered"}},
        {**base, "starts_on": "2026-04-01", "evidence": {**look, "vendor_says": "not_covered"}},
        agreement,
        {**base, "kind": "vendor_contract", "service_level": "24x7x4h"},
    ]
    return {
        "now": "2026-03-02T09:00:00+01:00",
        "asset": {
            "id": "a1", "serial_number": "QX7T2K9", "product": "p1", "site": "s1", "client": "c1", "ownership": "client",
            "state": "in_service", "replaced_by": None, "handover_exceptions": ["fan"],
            "lookup": {**look, "vendor_says": "listed", "absence_attested": False},
        },
        "matches": 1,
        "fault": {
            "id": "f1", "component": "disk", "component_ref": "bay 3", "cause": "hardware_failure", "occurred_at": None,
            "reported_at": "2026-03-02T08:55:00+01:00", "reading": None,
        },
        "coverages": [{"id": f"k{n}", "contract_number": f"W-{n}", **row} for n, row in enumerate(rows)],
        "cases": [],
        "policy": {
            "precedence": [], "evidence_freshness_days": 30, "repeat_window_days": 90, "lookup_patience_minutes": 15,
        },
    }  # fmt: skip


main()
