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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import requests
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from tests import factories
from tests.app import migrated
from tests.chaos.hosts import NAMES, Hosts, PostgresOnHost, ValkeyOnHost
from tests.chaos.plan import VENDORS, Variant
from tests.desk import INSTANCE, cover_labour, odd_adapters
from tests.servers import NOBODY, children_of, postgres, scratch_folder, valkey
from warranty import config, db, processes
from warranty.domain.access import TokenScope
from warranty.domain.terms import Role
from warranty.runtime import Runtime
from warranty.services import people

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from tests.chaos.plan import Plan, Report
    from tests.servers import PostgresServer, ValkeyServer

ROOT = Path(__file__).parent.parent.parent
START_S = 60.0
SERVICE = "warranty.example"
"""What people call the service; it stands in no name server, and requests name it as a proxy in front would."""
CHILD = [sys.executable, "-m", "tests.chaos.child"]
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
        return children_of(self.pid)

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
    """Everything that runs, on this machine or on several hosts. Use it as a context; ``prepare`` before ``start``."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.hosts: Hosts | None = None
        self.processes: list[Process] = []
        self.token = ""
        self._stack = ExitStack()
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Start the servers that the product stands on, and the vendors."""
        with ExitStack() as stack:
            if self.plan.hosts:
                self.hosts = stack.enter_context(Hosts())
            self._database, url = self._start_database(stack)
            self._queue, queue_url = self._start_queue(stack)
            port, self._vendor_port = free_ports(1), free_ports(len(VENDORS))
            self.web_urls = [f"http://{self._address(name)}:{port}" for name in self._of_kind("web")]
            self._own_url = url
            self.environment = {
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
                "WARRANTY_MODE": "development",
                "WARRANTY_INSTANCE": str(self.folder / "instance"),
                "WARRANTY_ALLOW_PRIVATE_VENDOR_URLS": "true",
                "WARRANTY_BASE_URL": f"http://{SERVICE}",
                "SECRET_KEY": secrets.token_urlsafe(32),
                "WARRANTY_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
                "DATABASE_URL": self._for_others(url),
                "REDIS_URL": queue_url,
                **self.plan.rhythms.as_settings(),
            }
            self._play_vendors(stack)
            self._make_processes(port)
            self._stack = stack.pop_all()
        return self

    def _start_database(self, stack: ExitStack) -> tuple[PostgresServer | None, str]:
        if self.plan.engine == "sqlite":
            url = f"sqlite:///{self.folder / 'warranty.sqlite3'}"
            db.upgrade(url)
            return None, url
        if self.hosts is None:
            server = stack.enter_context(postgres(durable=True))
        else:
            folder = stack.enter_context(scratch_folder(NOBODY if os.geteuid() == 0 else None))
            server = PostgresOnHost(folder, self.hosts.named["database"])
            server.start()
            stack.callback(server.stop)
        return server, migrated(server.databases)

    def _start_queue(self, stack: ExitStack) -> tuple[ValkeyServer, str]:
        if self.hosts is None:
            server = stack.enter_context(valkey(durable=False))
            return server, server.url
        folder = stack.enter_context(scratch_folder())
        guarded = ValkeyOnHost(folder, self.hosts.named["queue"], secrets.token_hex(16))
        guarded.start()
        stack.callback(guarded.stop)
        return guarded, guarded.url_for_others

    def _for_others(self, url: str) -> str:
        """The address of the database for those on other hosts."""
        if self.hosts is None or self.plan.engine == "sqlite":
            return url
        over_the_wire = make_url(url).set(host=self._address("database"), port=5432, query={})
        return over_the_wire.render_as_string(hide_password=False)

    def _of_kind(self, kind: str) -> list[str]:
        """The hosts of a kind; on one machine the one name stands for it."""
        return [name for name in NAMES if name.startswith(kind)] if self.hosts else [kind]

    def _address(self, name: str) -> str:
        return self.hosts.named[name].address if self.hosts else processes.LOOPBACK

    def _prefix(self, name: str) -> list[str]:
        return self.hosts.named[name].prefix() if self.hosts else []

    def _play_vendors(self, stack: ExitStack) -> None:
        wanted = {
            "seed": self.plan.seed,
            "vendors": VENDORS,
            "host": self._address("vendor"),
            "port": self._vendor_port,
            "misbehaviour": self.plan.misbehaviour,
            "late_s": self.plan.late_s,
        }
        play = [*CHILD, "vendors", str(self.folder), json.dumps(wanted)]
        vendors = Process("vendors", [*self._prefix("vendor"), *play], self.environment, self.folder / "vendors.log")
        vendors.start()
        stack.callback(vendors.stop)
        wait_for_port(self._address("vendor"), self._vendor_port + len(VENDORS) - 1)

    def _make_processes(self, port: int) -> None:
        naive = self.plan.variant is Variant.NO_OUTBOX
        served = "tests.chaos.child:web_without_outbox()" if naive else "tests.chaos.child:web()"
        for name in self._of_kind("web"):
            command = processes.web_command(port, self._address(name))
            self._add(name, name, [word.replace("warranty.web:create_app()", served) for word in command])
        for name in [] if naive else self._of_kind("work"):
            self._add(f"relay on {name}", name, [*CHILD, "relay"])
        places = self._of_kind("work")
        for number in range(self.plan.workers):  # the first one's clock is wrong
            command = [*CHILD, "worker", "0" if number else str(self.plan.skew_s)]
            self._add(f"worker {number + 1}", places[number % len(places)], command)

    def _add(self, name: str, host: str, command: list[str]) -> None:
        log = self.folder / f"{name.replace(' ', '-')}.log"
        self.processes.append(Process(name, [*self._prefix(host), *command], self.environment, log))

    def prepare(self, reports: Iterable[Report]) -> None:
        """Register the units and what covers them, an account for each vendor, and somebody who may report."""
        with odd_adapters():
            runtime = Runtime.of(config.load(self.environment | {"DATABASE_URL": self._own_url}))
            with runtime.database.begin(db.EVERYBODY) as session:
                self.token = self._fill(session, runtime, {report.serial_number: report for report in reports}.values())
            runtime.database.dispose()

    def _fill(self, session: Session, runtime: Runtime, reports: Iterable[Report]) -> str:
        client = factories.make_client(session)
        site = factories.make_site(session, client)
        products = {"": factories.make_product(session, "Nobody")}
        for number, vendor in enumerate(VENDORS):
            products[vendor] = factories.make_product(session, f"Maker {vendor}")
            factories.make_account(
                session,
                runtime,
                self.plan.adapter_of(vendor),
                name=f"Vendor {vendor}",
                base_url=f"http://{self._address('vendor')}:{self._vendor_port + number}",
                manufacturers=[f"Maker {vendor}"],
                options=INSTANCE,
            )
        for report in reports:
            unit = factories.make_asset(
                session, client, report.serial_number, site=site, product=products[report.vendor]
            )
            if report.vendor:
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
            parts = urlsplit(url)
            wait_for_port(str(parts.hostname), int(parts.port or 0))
        keeper = threading.Thread(target=self._keep, daemon=True)
        keeper.start()
        self._stack.callback(keeper.join)

    def _keep(self) -> None:
        while not self._over.wait(0.2):
            for process in self.processes:
                if process.wanted and not process.is_running and time.monotonic() > process.started_at + PAUSE_S:
                    process.start()

    def named(self, prefix: str) -> list[Process]:
        """The processes of a kind."""
        return [process for process in self.processes if process.name.startswith(prefix)]

    @property
    def queue_url(self) -> str:
        """The queue server as this machine reaches it, whichever host is cut off."""
        return self._queue.url

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
        headers = {"Authorization": f"Bearer {self.token}", "Host": SERVICE}
        deadline = time.monotonic() + START_S
        while True:
            try:
                url = self.web_urls[int(time.monotonic()) % len(self.web_urls)]
                answer = requests.get(f"{url}/api/v1{path}", params=params, headers=headers, timeout=20)
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


def wait_for_port(host: str, port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"Nobody listens on {host}:{port}.")
