"""The product as it stands in a run: its processes, its servers and its vendors, each of which can be harmed and comes back."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from cryptography.fernet import Fernet

from tests import factories
from tests.app import migrated
from tests.chaos.plan import HarmKind, Variant
from tests.desk import INSTANCE, cover_labour, odd_adapters
from tests.servers import ValkeyServer, postgres, scratch_folder
from vendors.contract import Duty
from warranty import config, db, processes
from warranty.domain.access import TokenScope
from warranty.domain.terms import Role
from warranty.runtime import Runtime
from warranty.services import people

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from tests.chaos.history import History
    from tests.chaos.plan import Plan, Report

ROOT = Path(__file__).parent.parent.parent
START_S = 60.0
PAUSE_S = 1.0
"""How soon what died is started again, as `warranty up` and service managers do."""


class Process:
    """One process of the product in a session of its own, started again whenever it ends while it should run."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._log = log
        self._popen: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.wanted = False

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self.started_at, self.wanted = time.monotonic(), True

    @property
    def is_running(self) -> bool:
        """Whether it lives, be it frozen."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._popen is not None
        return self._popen.pid

    def children(self) -> list[int]:
        """The processes that it forked."""
        with suppress(OSError):
            return [int(word) for word in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def signal(self, number: signal.Signals, *, with_children: bool = False) -> None:
        """Send it a signal, and to what it forked."""
        for pid in (self.pid, *(self.children() if with_children else ())):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """End it as a service manager would, and insist."""
        self.wanted = False
        if self._popen is None:
            return
        self.signal(signal.SIGCONT, with_children=True)
        self._popen.terminate()
        try:
            self._popen.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()


class World:
    """Everything that runs. Use it as a context; ``prepare`` before ``start``."""

    def __init__(self, plan: Plan, folder: Path, history: History) -> None:
        self.plan = plan
        self.folder = folder
        self._history = history
        self._stack = ExitStack()
        self._over = threading.Event()
        self.processes: list[Process] = []
        self.token = ""

    def __enter__(self) -> World:
        """Start the servers that the product stands on, and the vendors."""
        with ExitStack() as stack:
            self._database = None
            if self.plan.engine == "postgresql":
                self._database = stack.enter_context(postgres(durable=True))
                url = migrated(self._database.databases)
            else:
                url = f"sqlite:///{self.folder / 'warranty.sqlite3'}"
                db.upgrade(url)
            self._queue = ValkeyServer(stack.enter_context(scratch_folder()), durable=False)
            self._queue.start()
            stack.callback(self._queue.stop)
            web_port, self._vendor_port = free_ports(1), free_ports(3)
            self.web_urls = [f"http://127.0.0.1:{web_port}"]
            self.environment = {
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
                "WARRANTY_MODE": "development",
                "WARRANTY_INSTANCE": str(self.folder / "instance"),
                "WARRANTY_ALLOW_PRIVATE_VENDOR_URLS": "true",
                "WARRANTY_BASE_URL": self.web_urls[0],
                "SECRET_KEY": secrets.token_urlsafe(32),
                "WARRANTY_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
                "DATABASE_URL": url,
                "REDIS_URL": self._queue.url,
                **self.plan.rhythms.as_settings(),
            }
            self._play_vendors(stack)
            self._make_processes(web_port)
            self._stack = stack.pop_all()
        return self

    def _play_vendors(self, stack: ExitStack) -> None:
        wanted = {
            "seed": self.plan.seed,
            "promises": "ABC",
            "port": self._vendor_port,
            "misbehaviour": self.plan.misbehaviour,
            "late_s": self.plan.late_s,
        }
        command = [sys.executable, "-m", "tests.chaos.child", "vendors", str(self.folder), json.dumps(wanted)]
        vendors = Process("vendors", command, self.environment, self.folder / "vendors.log")
        vendors.start()
        stack.callback(vendors.stop)
        wait_for_port(self._vendor_port + 2)

    def _make_processes(self, web_port: int) -> None:
        child = [sys.executable, "-m", "tests.chaos.child"]
        naive = self.plan.variant is Variant.NO_OUTBOX
        served = "tests.chaos.child:web_without_outbox()" if naive else "tests.chaos.child:web()"
        web = [word.replace("warranty.web:create_app()", served) for word in processes.web_command(web_port)]
        commands = {"web": web}
        if not naive:
            commands["relay"] = [*child, "relay"]
        for number in range(self.plan.workers):  # the first one's clock is wrong
            commands[f"worker {number + 1}"] = [*child, "worker", "0" if number else str(self.plan.skew_s)]
        for name, command in commands.items():
            log = self.folder / f"{name.replace(' ', '-')}.log"
            self.processes.append(Process(name, command, self.environment, log))

    def prepare(self, reports: Iterable[Report]) -> None:
        """Register the units and what covers them, an account for each class of vendor, and somebody who may report."""
        with odd_adapters():
            runtime = Runtime.of(config.load(self.environment))
            with runtime.database.begin(db.EVERYBODY) as session:
                self.token = self._fill(session, runtime, {report.serial_number: report for report in reports}.values())
            runtime.database.dispose()

    def _fill(self, session: Session, runtime: Runtime, reports: Iterable[Report]) -> str:
        client = factories.make_client(session)
        site = factories.make_site(session, client)
        products = {"": factories.make_product(session, "Nobody")}
        for number, promise in enumerate("ABC"):
            products[promise] = factories.make_product(session, f"Maker {promise}")
            factories.make_account(
                session,
                runtime,
                self.plan.adapter_of(promise),
                name=f"Vendor {promise}",
                base_url=f"http://127.0.0.1:{self._vendor_port + number}",
                manufacturers=[f"Maker {promise}"],
                options=INSTANCE,
            )
        for report in reports:
            unit = factories.make_asset(
                session, client, report.serial_number, site=site, product=products[report.promise]
            )
            if report.promise:
                factories.make_coverage(session, unit)
                cover_labour(session, unit)
        made = people.add_user(
            session, email="chaos@example.com", role=Role.TECHNICIAN, password=people.make_password(),
            because=factories.BECAUSE,
        )  # fmt: skip
        return people.add_token(session, made, [TokenScope.WRITE], because=factories.BECAUSE).token

    def start(self) -> None:
        """Start the product, and somebody who starts again what dies."""
        for process in self.processes:
            process.start()
        for url in self.web_urls:
            wait_for_port(int(url.rpartition(":")[2]))
        keeper = threading.Thread(target=self._keep, daemon=True)
        keeper.start()
        self._stack.callback(keeper.join)
        self._stack.callback(self._over.set)

    def _keep(self) -> None:
        while not self._over.wait(0.2):
            for process in self.processes:
                if process.wanted and not process.is_running and time.monotonic() > process.started_at + PAUSE_S:
                    process.start()

    def named(self, prefix: str) -> list[Process]:
        """The processes of a kind."""
        return [process for process in self.processes if process.name.startswith(prefix)]

    def crash_database(self) -> None:
        """Kill the database without a word, and start it again."""
        assert self._database is not None
        self._database.crash()
        self._database.start()

    def crash_queue(self) -> None:
        """Kill the queue server and start it again: it keeps nothing."""
        self._queue.crash()
        self._queue.start()

    def get(self, path: str, **params: Any) -> Any:
        """What the product answers; asked again until it does."""
        headers = {"Authorization": f"Bearer {self.token}"}
        deadline = time.monotonic() + START_S
        while True:
            try:
                answer = requests.get(f"{self.web_urls[0]}/api/v1{path}", params=params, headers=headers, timeout=20)
                answer.raise_for_status()
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
            else:
                return answer.json()

    def every(self, path: str) -> list[dict[str, Any]]:
        """The whole of a list."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"next_cursor": None}
        while True:
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
            page = self.get(path, limit=200, **cursor)
            found += page["items"]
            if not page["next_cursor"]:
                return found

    def __exit__(self, *_: object) -> None:
        """Stop everything, the keeper first, the servers last."""
        self._over.set()
        for process in self.processes:
            process.wanted = False
        for process in self.processes:
            process.stop()
        self._stack.close()


def free_ports(count: int) -> int:
    """The first of some ports in a row that nobody listens on."""
    for _ in range(100):
        with ExitStack() as stack:
            first = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            with suppress(OSError, OverflowError):
                for number in range(1, count):
                    stack.enter_context(socket.create_server(("127.0.0.1", first + number)))
                return int(first)
    raise RuntimeError("There are no free ports.")


def wait_for_port(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"Nobody listens on port {port}.")
