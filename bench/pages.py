"""Every staff page and the verdict preview, on an estate of 100,000 units on PostgreSQL, beside an empty page of the same run.

The pages are read from the application, so one that is added is measured. The estate is one client with all that belongs
to it, made by the product's own services, and then copied whole inside the database. The floor is the frame of the staff
pages with nothing in it, over the same server and the same sign-in, asked in turns with the pages. A command of its own
takes fewer units: ``python -m bench.pages 1000``.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from flask import Flask, render_template
from sqlalchemy import DateTime, String, Text, func, select, text

from bench.processes import environment_of, free_port, start
from tests.servers import postgres
from tests.web.routes import ASKED, address, pages
from warranty import config, db
from warranty.domain.access import OPERATOR, Permission
from warranty.domain.lifecycles import RmaState
from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageKind,
    Delivery,
    EvidenceSource,
    Fulfilment,
    Role,
    ServiceLevel,
    Share,
    UnitSays,
)
from warranty.models import Asset, Base, Client, Fault, PublicRow
from warranty.runtime import Runtime
from warranty.services import accounts, estate, faults, people, rmas
from warranty.services.faults import FaultFacts
from warranty.services.moves import Because
from warranty.web import create_app as create_product
from warranty.web import guards, views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Table
    from sqlalchemy.orm import Session

ASSETS = 100_000
UNITS = 500  # of one client
CASES = 40  # of one client
OPEN_SHARE = 0.1  # of the clients' cases: the others are over
GOALS_MS = {"verdict_preview": 30, "page": 100}
ROUNDS = 5
CALLS = 8  # a round and page
PASSWORD = people.make_password()
EMAIL = "bench@example.com"
STRIDE = 100_000
"""The keys of a copy: those of its original, and this much for each copy before. No table of one client has as many rows."""
SHARED = {
    "product",
    "user_account",
    "vendor_account",
    "stock_location",
    "api_token",
    "lease",
    "idempotency_key",
    "outbox",
}
"""Tables that are not copied: all clients share their rows, or no page shows them."""


def create_app() -> Flask:
    """The product, and the floor beside its pages."""
    app = create_product()

    @app.get("/bench/empty")
    @guards.needs(Permission.READ)
    def empty() -> str:
        return render_template("layout/staff.html", frame=views.frame())

    return app


def measure(folder: Path, assets: int = ASSETS) -> dict[str, Any]:
    """Milliseconds of each page: p50 and p95, and how often the floor's p50 goes into the page's."""
    (folder / "pages").mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(postgres(durable=True))
        port = free_port()
        environment = environment_of(folder / "pages", port) | {"DATABASE_URL": server.databases.create()}
        began = time.perf_counter()
        runtime = _build(environment, server.databases.as_owner(environment["DATABASE_URL"]), assets)
        stack.callback(runtime.database.dispose)
        built_s = time.perf_counter() - began
        options = ["--worker-class", "gthread", "--threads", "4", "--no-control-socket", "--log-level", "error"]
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "bench.pages:create_app()",
            "--bind",
            f"127.0.0.1:{port}",
            *options,
        ]
        start(stack, command, environment, port)
        browser = _Browser(f"http://127.0.0.1:{port}")
        asked = {name: [path for path in paths if browser.shows(path)] for name, paths in _pages(runtime).items()}
        shown = {name: paths for name, paths in asked.items() if paths}
        times = _rounds({"floor": ["/bench/empty"], **shown}, browser, _reports(runtime))
        return {
            "assets": assets,
            "rows": _rows(runtime),
            "built_s": round(built_s, 1),
            "goals_ms": GOALS_MS,
            **_found(times, browser.sizes),
            "not_asked": sorted(asked.keys() - shown.keys()),
        }


class _Browser:
    """Somebody who has signed in."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self.sizes: dict[str, int] = {}
        token = self._token("/login")
        form = {"csrf_token": token, "email": EMAIL, "password": PASSWORD}
        self._session.post(f"{url}/login", form, timeout=60).raise_for_status()
        self._csrf = self._token("/")

    def shows(self, path: str) -> bool:
        """Whether there is such a page: some are of a thing in one state only, and a file of everything is no page."""
        answer = self._session.get(self._url + path, timeout=60, stream=True)
        if answer.status_code >= requests.codes.server_error:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:200]}")
        is_page = answer.headers.get("Content-Type", "").startswith("text/html")
        answer.close()
        return answer.status_code == requests.codes.ok and is_page

    def get(self, path: str) -> float:
        """Milliseconds until a page is there."""
        began = time.perf_counter()
        answer = self._session.get(self._url + path, timeout=60)
        spent = (time.perf_counter() - began) * 1000
        if answer.status_code != requests.codes.ok:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:200]}")
        self.sizes[path] = len(answer.content)
        return spent

    def post(self, path: str, form: dict[str, str]) -> float:
        """Milliseconds until a form is answered."""
        began = time.perf_counter()
        answer = self._session.post(self._url + path, form | {"csrf_token": self._csrf}, timeout=60)
        spent = (time.perf_counter() - began) * 1000
        if answer.status_code != requests.codes.ok or "v-covered" not in answer.text:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:200]}")
        return spent

    def _token(self, path: str) -> str:
        page = self._session.get(self._url + path, timeout=60).text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None
        return found[1]


def _rounds(
    asked: dict[str, list[str]], browser: _Browser, reports: Iterator[dict[str, str]]
) -> dict[str, list[list[float]]]:
    """Milliseconds by page and round; what is made at the first call is not among them."""
    ask: dict[str, Callable[[int], float]] = {
        name: lambda number, paths=paths: browser.get(paths[number % len(paths)]) for name, paths in asked.items()
    }
    ask["verdict_preview"] = lambda _number: browser.post("/faults/preview", next(reports))
    for one in ask.values():
        one(0)
    times: dict[str, list[list[float]]] = {name: [] for name in ask}
    for _ in range(ROUNDS):
        for name, one in ask.items():
            times[name].append([one(number) for number in range(CALLS)])
    return times


def _found(times: dict[str, list[list[float]]], sizes: dict[str, int]) -> dict[str, Any]:
    floor = statistics.median(chain(*times["floor"]))
    medians = [statistics.median(one) for one in times["floor"]]
    found = {name: _summary(list(chain(*rounds)), floor) for name, rounds in times.items()}
    over = [
        name
        for name, one in found.items()
        if one["p95_ms"] > GOALS_MS["verdict_preview" if "preview" in name else "page"]
    ]
    return {
        "floor": found.pop("floor") | {"noise": round((max(medians) - min(medians)) / floor, 2)},
        "verdict_preview": found.pop("verdict_preview"),
        "pages": dict(sorted(found.items(), key=lambda one: -one[1]["p95_ms"])),
        "p95_over_the_goal": over,
        "largest_page_bytes": max(sizes.values()),
    }


def _summary(times: list[float], floor: float) -> dict[str, float]:
    p50 = statistics.median(times)
    p95 = statistics.quantiles(times, n=20)[18]
    return {"p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "ratio": round(p50 / floor, 1)}


# --- what is asked ---


def _pages(runtime: Runtime) -> dict[str, list[str]]:
    """Every page of the staff, by its rule: of a thing, those of several things; of a list, a search in it too."""
    app = create_product(runtime)
    found: dict[str, list[str]] = {}
    with runtime.database.read(db.EVERYBODY) as session:
        serial = session.scalars(select(Asset.serial_number).order_by(Asset.id.desc()).limit(1)).one()
        for rule in pages(app):
            of = guards.access_of(app, rule.endpoint).of
            if "<" not in rule.rule:
                found[rule.rule] = [rule.rule + ASKED.get(rule.endpoint, "")]
                if rule.endpoint.endswith("_list"):
                    found[f"{rule.rule}?q="] = [f"{rule.rule}?q={serial}"]
            elif ids := _some(session, of or Fault):
                found[rule.rule] = [address(rule, one) for one in ids]
    return found


def _some(session: Session, table: type[PublicRow]) -> list[Any]:
    """Some things of a kind, from the first to the last."""
    ids = session.scalars(select(table.public_id).order_by(table.id)).all()
    return [ids[place * (len(ids) - 1) // 4] for place in range(5)] if ids else []


def _reports(runtime: Runtime) -> Iterator[dict[str, str]]:
    """Reports of covered units, each of another."""
    with runtime.database.read(db.EVERYBODY) as session:
        serials = session.scalars(
            select(Asset.serial_number).where(Asset.serial_number.like("%C0%")).order_by(Asset.id).limit(2_000)
        ).all()
    while True:
        for serial in serials:
            yield {
                "serial_number": serial,
                "component": "fan",
                "cause": "hardware_failure",
                "component_ref": "3",
                "severity": "3",
            }


# --- the estate ---


def _build(environment: dict[str, str], owner_url: str, assets: int) -> Runtime:
    settings = config.load(environment)
    db.upgrade(settings.database_url)
    runtime = Runtime.of(settings)
    with runtime.database.begin(db.EVERYBODY) as session:
        _one_client(session, runtime, datetime.now(UTC))
    owner = db.make_engine(owner_url)
    with owner.begin() as connection:
        _copy(connection, assets // UNITS - 1)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    owner.dispose()
    return runtime


def _one_client(session: Session, runtime: Runtime, now: datetime) -> None:
    """A client with 500 units, of which four in five are covered, and 40 cases."""
    because = Because("system:bench", "bench", now)
    client = estate.add_client(session, name="Bench", because=because)
    sites = [
        estate.add_site(session, client, name=f"Room {number}", time_zone="Europe/Berlin", because=because)
        for number in range(3)
    ]
    products = [
        estate.add_product(
            session,
            manufacturer="Bench",
            model=f"B{number}",
            part_number=f"B-{number}",
            list_price_minor=42_000,
            because=because,
        )
        for number in range(40)
    ]
    accounts.add(
        session,
        runtime,
        vendor="servicenow",
        name="Bench desk",
        secrets={"username": "bench", "password": "bench"},
        options={},
        base_url="http://127.0.0.1:9",
        manufacturers=["Bench"],
        because=because,
    )
    contracts = [estate.add_contract(session, client, number=f"K-{number}", because=because) for number in range(20)]
    for number in range(UNITS):
        unit = estate.add_asset(
            session,
            client,
            serial_number=f"{'C' if number % 5 else 'N'}{number:04}",
            name=f"srv-{number:03}",
            product=products[number % 40],
            site=sites[number % 3],
            state=AssetState.IN_SERVICE,
            because=because,
        )
        unit.lookup_says, unit.lookup_at, unit.absence_attested = UnitSays.LISTED, now, True
        if number % 5:
            _cover(session, unit, because, contract=contracts[number % 20], number=f"K-{number % 20}")
        if number % 2:  # a warranty that is over
            _cover(session, unit, because, number=f"W-{number}", over=True)
    _cover(session, client, because, number="MSP", kind=CoverageKind.MSP_AGREEMENT)
    for number in range(CASES):
        _case(session, runtime, number, client, now)
    people.add_user(session, email=EMAIL, role=Role.ADMIN, password=PASSWORD, because=because)


def _cover(
    session: Session,
    scope: Any,
    because: Because,
    *,
    number: str,
    kind: CoverageKind = CoverageKind.VENDOR_CONTRACT,
    over: bool = False,
    **facts: Any,
) -> None:
    today = because.at.date()
    estate.add_coverage(
        session,
        scope,
        contract_number=number,
        kind=kind,
        fulfilment=Fulfilment.MSP_SUPPLY if kind is CoverageKind.MSP_AGREEMENT else Fulfilment.VENDOR_RMA,
        covers=list(Share),
        starts_on=today - timedelta(days=1500 if over else 400),
        ends_on=today - timedelta(days=450) if over else today + timedelta(days=700),
        time_zone="Europe/Berlin",
        service_level=ServiceLevel.NEXT_BUSINESS_DAY,
        delivery=Delivery.ADVANCE_EXCHANGE,
        evidence_source=EvidenceSource.CONTRACT_FILE,
        because=because,
        **facts,
    )


def _case(session: Session, runtime: Runtime, number: int, client: Client, now: datetime) -> None:
    """A case: of five, four on covered units, of which every other has its number, and one on a unit that nobody knows."""
    serial = f"C{5 * number + 1:04}" if number % 5 else f"unknown {number}"
    made = faults.report(
        session,
        runtime,
        OPERATOR,
        FaultFacts(
            Component.DISK,
            Cause.HARDWARE_FAILURE,
            "Predictive failure on bay 3",
            serial_number=serial,
            client_id=client.public_id,
            component_ref="bay 3",
        ),
        now=now,
    )
    if made.rma is not None and number % 2:
        told = {"reason": "by telephone", "now": now}
        rmas.transition(session, runtime, OPERATOR, made.rma, RmaState.MANUAL_HANDLING, **told)
        rmas.transition(
            session,
            runtime,
            OPERATOR,
            made.rma,
            RmaState.AUTHORIZED,
            vendor_case_number=f"V{number}",
            rma_number=f"R{number}",
            **told,
        )


# --- its copies ---

NAMED = frozenset({"serial_number", "serial_key", "name", "client_reference", "rma_number"})
"""Columns that are called otherwise in each copy, beside those that have to be."""

IS_OVER = {
    ("fault", "state"): "'closed'",
    ("fault", "case_closed_at"): "reported_at + interval '3 days'",
    ("rma", "state"): "'closed'",
    ("rma", "is_open"): "false",
    ("rma", "next_poll_at"): "null",
    ("shipment", "state"): "'checked_in'",
    ("human_task", "resolved_at"): "created_at + interval '3 hours'",
    ("human_task", "resolved_by"): "'user:1'",
}
"""What the rows of a case say that is over."""


def _copy(connection: Connection, copies: int) -> None:
    """Copy the client and all that belongs to it, each copy some days older than the one before."""
    copied = {"client"}
    for table in Base.metadata.sorted_tables:
        refers = {key.column.table.name for key in table.foreign_keys}
        if table.name not in SHARED and "id" in table.c and (table.name == "client" or refers & copied):
            copied.add(table.name)
            _copy_rows(connection, table, copied, copies)


def _copy_rows(connection: Connection, table: Table, copied: set[str], copies: int) -> None:
    unique = {
        column.name
        for part in (*table.constraints, *table.indexes)
        if type(part).__name__ == "UniqueConstraint" or getattr(part, "unique", False)
        for column in part.columns
    }
    given = {}
    for column in table.c:
        name = column.name
        refers = next(iter(column.foreign_keys), None)
        kind = column.type.compile(connection.dialect)
        if name == "id" or (refers is not None and refers.column.table.name in copied):
            given[name] = f'"{name}" + n * {STRIDE}'
        elif name == "public_id":
            given[name] = "gen_random_uuid()"
        elif refers is None and type(column.type) in {String, Text} and name in unique | NAMED:
            given[name] = f"""CASE WHEN "{name}" = '' THEN '' ELSE "{name}" || '~' || n END"""
        elif kind == "DATE" or isinstance(column.type, DateTime) or "TIMESTAMP" in kind:
            given[name] = f"""("{name}" - n * interval '2 days')::{kind}"""
        else:
            given[name] = f'"{name}"'
        over = IS_OVER.get((table.name, name))
        if over is not None:
            given[name] = f"CASE WHEN n > {copies * OPEN_SHARE} THEN ({over}) ELSE {given[name]} END"
    into, values = ", ".join(f'"{name}"' for name in given), ", ".join(given.values())
    connection.execute(
        text(f'INSERT INTO "{table.name}" ({into}) SELECT {values} FROM "{table.name}", generate_series(1, {copies}) n')  # noqa: S608 - names of our own tables
    )
    connection.execute(
        text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM \"{table.name}\"))")  # noqa: S608 - names of our own tables
    )


def _rows(runtime: Runtime) -> dict[str, int]:
    with runtime.database.read(db.EVERYBODY) as session:
        counts = {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count > 1}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        print(json.dumps(measure(Path(scratch), int(sys.argv[1]) if sys.argv[1:] else ASSETS), indent=2))
