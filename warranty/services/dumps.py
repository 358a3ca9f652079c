"""Dumps: a whole database as one stream of bytes, and such a stream put in the place of a database, all or nothing.

SQLite: a copy made by its online backup, and put back by it, which is one transaction of the target: whoever is killed in
the middle leaves what was there. PostgreSQL: an archive of ``pg_dump``, and what ``pg_restore`` makes of it run in one
transaction with all that follows; so nobody ever sees half of it, and a process that starts meanwhile waits.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from warranty import db
from warranty.models import Base, walls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from warranty.config import Settings

PIECE = 256 * 1024
PAGES = 1000
"""Pages of a SQLite database that are copied at a time."""
LEAVING_S = 3.0
OURS = 7_212_002
"""Any number: two restores on one PostgreSQL server take turns by it."""

SQLITE, POSTGRESQL = "sqlite", "postgresql"
HOLDS_NOTHING = frozenset({"lease", "outbox", "audit_chain"})
"""The tables that a relay fills by itself: a database with rows in these alone is empty."""


class CannotDump(Exception):
    """The database cannot be read whole; one sentence says why, and what to do."""


class CannotLoad(Exception):
    """The database cannot be replaced, and stands as it stood; one sentence says why, and what to do."""


# --- taking ---


@dataclass(frozen=True, slots=True)
class Dump:
    """A database as it was at one moment. ``at`` is by its own clock, and not after that moment."""

    engine: str
    version: int
    revision: str | None
    at: datetime
    session: Session
    """Reads what the dump holds."""
    pieces: Callable[[], Iterator[bytes]]


@contextmanager
def taken(settings: Settings, *, beside: Path, on_pages: Callable[[int, int], None]) -> Iterator[Dump]:
    """A dump, while everybody goes on reading and writing.

    Args:
        settings: of this process; the tables' owner dumps.
        beside: a file that may be made meanwhile, and is gone afterwards.
        on_pages: told of how many pages of how many are copied, where the engine says.

    Raises:
        CannotDump: see there.
        DatabaseUnavailable: it cannot be reached.
    """
    database = db.Database(settings.migration_database_url)
    try:
        with database.read(db.EVERYBODY) as session:
            at = db.now(session)  # asked first: what is in the dump was there at this instant, or came after it
        taking = (
            _sqlite_copy(database, beside, at, on_pages) if database.is_sqlite else _archive(database, settings, at)
        )
        with taking as dump:
            yield dump
    finally:
        database.dispose()


@contextmanager
def _sqlite_copy(
    database: db.Database, copy: Path, at: datetime, on_pages: Callable[[int, int], None]
) -> Iterator[Dump]:
    _remove_sqlite(copy)
    try:
        _make_private(copy)
        with closing(sqlite3.connect(_path_of(database.url))) as source, closing(sqlite3.connect(copy)) as target:
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it reads this moment alone
            source.backup(
                target, pages=PAGES, progress=lambda _status, left, total: on_pages(total - left, total), sleep=0
            )
            (said,) = target.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise CannotDump(f"The database is damaged ({said}): no backup was made. Keep the older ones.")
        copied = db.Database(f"sqlite:///{copy}")
        try:
            with copied.read(db.EVERYBODY) as session:
                version = sqlite3.sqlite_version_info[0]
                yield Dump(SQLITE, version, db.revision_of(session.connection()), at, session, lambda: _read(copy))
        finally:
            copied.dispose()
    except sqlite3.Error as err:
        raise CannotDump(f"The database cannot be copied: {err}.") from err
    finally:
        _remove_sqlite(copy)


@contextmanager
def _archive(database: db.Database, settings: Settings, at: datetime) -> Iterator[Dump]:
    program = _program("pg_dump", settings)
    with (
        database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        Session(connection, info={"scope": db.EVERYBODY}, autoflush=False) as session,
    ):
        _have_time(session.connection())
        server = _major(session.connection())
        if program.major < server:
            raise CannotDump(_too_old(program, server))
        snapshot = session.scalar(text("SELECT pg_export_snapshot()"))
        revision = db.revision_of(session.connection())

        def pieces() -> Iterator[bytes]:
            options = [
                "--format=custom",
                f"--schema={SCHEMA}",
                f"--snapshot={snapshot}",
                "--enable-row-security",  # with the setting below the walls let everything through
                "--no-owner",
                "--no-privileges",
                "--no-comments",
                "--no-publications",
                "--no-subscriptions",
                "--no-security-labels",
                "--no-tablespaces",
                f"--dbname={_address(database.url)}",
            ]
            yield from _output(program, options, _environment(database.url))

        yield Dump(POSTGRESQL, server, revision, at, session, pieces)


def _output(program: Program, options: Iterable[str], environment: dict[str, str]) -> Iterator[bytes]:
    with subprocess.Popen(
        [program.path, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as child:
        said: list[bytes] = []
        assert child.stdout is not None
        assert child.stderr is not None
        listener = threading.Thread(target=_listen, args=(child.stderr, said), daemon=True)
        listener.start()
        try:
            while piece := child.stdout.read(PIECE):
                yield piece
        except GeneratorExit:
            child.kill()
            raise
        listener.join()
        if child.wait():
            raise CannotDump(f"{program.name} failed: {_first_line(said)}")


def _listen(stream: IO[bytes], said: list[bytes]) -> None:
    for line in stream:
        if len(said) < 100:
            said.append(line)


def _first_line(said: list[bytes]) -> str:
    lines = [line.decode(errors="replace").strip() for line in said]
    return next((line for line in lines if "error" in line), lines[0] if lines else "it said nothing")


# --- the programs of PostgreSQL ---


@dataclass(frozen=True, slots=True)
class Program:
    """One of PostgreSQL's own programs, and its version."""

    name: str
    path: str
    major: int


def _program(name: str, settings: Settings) -> Program:
    folder = settings.postgresql_bin
    path = shutil.which(name, path=str(folder) if folder else None)
    if path is None:
        where = f"in {folder} (WARRANTY_POSTGRESQL_BIN)" if folder else "on PATH"
        raise CannotDump(
            f"{name} is not {where}: install PostgreSQL's client programs (Debian: postgresql-client), or set "
            "WARRANTY_POSTGRESQL_BIN to the folder that holds them."
        )
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\d+", said)
    if version is None:
        raise CannotDump(f"{path} does not say its version: install PostgreSQL's client programs anew.")
    return Program(name, path, int(version[0]))


def _too_old(program: Program, needed: int) -> str:
    return (
        f"{program.path} is of version {program.major}, and {needed} or newer is needed: install the client programs of "
        f"PostgreSQL {needed} (Debian: postgresql-client-{needed}), or set WARRANTY_POSTGRESQL_BIN to the folder that holds them."
    )


def _address(url: str) -> str:
    """What a program is told on its command line, which everybody on the machine may read: no password."""
    parsed = make_url(url)
    parts = {
        "host": parsed.host,
        "port": parsed.port,
        "user": parsed.username,
        "dbname": parsed.database,
        **parsed.query,
    }
    given: dict[str, Any] = {name: str(value) for name, value in parts.items() if value and name != "password"}
    return make_conninfo("", **given)


def _environment(url: str) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH"}
    }
    parsed = make_url(url)
    password = parsed.password or parsed.query.get("password")
    secret = {"PGPASSWORD": str(password)} if password else {}
    return inherited | secret | {"PGOPTIONS": f"-c {walls.SETTING}={walls.EVERYBODY} -c timezone=UTC"}


def _major(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT current_setting('server_version_num')::int"))) // 10_000


def _have_time(connection: Connection) -> None:
    """What holds a whole database takes as long as it takes."""
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {name} = 0")


# --- putting in place ---


def check(settings: Settings, engine: str, version: int) -> None:
    """Whether a dump of an engine and its version can be loaded into the database of these settings.

    Raises:
        CannotLoad: it cannot.
        DatabaseUnavailable: that cannot be told.
    """
    here = make_url(settings.migration_database_url).get_backend_name()
    if here != engine:
        raise CannotLoad(
            f"The backup is of {engine}, and DATABASE_URL names {here}: a backup goes back into its own engine."
        )
    if here == SQLITE:
        return
    try:
        program = _program("pg_restore", settings)
    except CannotDump as err:
        raise CannotLoad(str(err)) from err
    if program.major < version:
        raise CannotLoad(_too_old(program, version))
    database = db.Database(settings.migration_database_url)
    try:
        with database.read(db.EVERYBODY) as session:
            server = _major(session.connection())
    finally:
        database.dispose()
    if server < version:
        raise CannotLoad(
            f"The backup is of PostgreSQL {version}, and the server is of {server}: restore into {version} or newer."
        )


@contextmanager
def target(settings: Settings) -> Iterator[SqliteTarget | PostgresTarget]:
    """The database of these settings, kept for ourselves as far as the engine allows.

    Raises:
        CannotLoad: somebody uses it.
        DatabaseUnavailable: it cannot be reached.
    """
    url = settings.migration_database_url
    if make_url(url).get_backend_name() == SQLITE:
        with _sqlite_target(Path(_path_of(url))) as found:
            yield found
        return
    database = db.Database(url, pool_size=1)
    try:
        with database.engine.connect() as connection:
            yield PostgresTarget(connection, settings)
    except OperationalError as err:
        if db.is_unreachable(err):
            raise db.DatabaseUnavailable(db.unreachable_message(url, err)) from err
        raise
    finally:
        database.dispose()


@contextmanager
def _sqlite_target(path: Path) -> Iterator[SqliteTarget]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error) as err:
        raise CannotLoad(f"{path} cannot be opened: {err}.") from err
    with closing(connection):
        try:
            # In this mode the first statement takes the file for this connection alone, and fails while another has it open.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
        except sqlite3.Error as err:
            raise CannotLoad(
                f"{path} is in use ({err}): stop `warranty up`, or web, workers and relay, and then restore."
            ) from err
        yield SqliteTarget(path, connection)


@dataclass(frozen=True, slots=True)
class SqliteTarget:
    """A SQLite file that nobody else has open, until this is let go."""

    path: Path
    connection: sqlite3.Connection

    def is_empty(self) -> bool:
        """Whether nothing in it would be lost."""
        there = {name for (name,) in self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return not any(self.connection.execute(_any_row(name)).fetchone() for name in there & _telling_tables())

    @contextmanager
    def replaced(self, pieces: Iterable[bytes]) -> Iterator[Session]:
        """A transaction on what a dump holds, brought up to this version; both take the target's place when it ends well.

        Raises:
            CannotLoad: it could not be; the target stands as it stood.
        """
        beside = self.path.with_name(f"{self.path.name}.restoring")
        _remove_sqlite(beside)  # what a restore that was killed has left
        try:
            _make_private(beside)
            with beside.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
            url = f"sqlite:///{beside}"
            db.upgrade(url)
            database = db.Database(url)
            try:
                with database.begin(db.EVERYBODY) as session:
                    yield session
            finally:
                database.dispose()  # the last connection that closes leaves everything in the one file
            with closing(sqlite3.connect(beside)) as source:
                source.backup(self.connection)
        except (OSError, sqlite3.Error) as err:
            raise CannotLoad(f"The database cannot be written: {err}. It is as it was.") from err
        finally:
            _remove_sqlite(beside)


@dataclass(frozen=True, slots=True)
class PostgresTarget:
    """A PostgreSQL database, and the one connection that replaces what is in it."""

    connection: Connection
    settings: Settings

    def is_empty(self) -> bool:
        """Whether nothing in it would be lost."""
        with self.connection.begin():
            self._check_alone()
            there = set(
                self.connection.scalars(
                    text("SELECT tablename FROM pg_tables WHERE schemaname = :schema"), {"schema": SCHEMA}
                )
            )
            self._see_all()
            return not any(
                self.connection.exec_driver_sql(_any_row(name)).first() is not None
                for name in there & _telling_tables()
            )

    def _check_alone(self) -> None:
        """Refuse where somebody is connected as one of our users; who has just been stopped has a moment to leave."""
        until = time.monotonic() + LEAVING_S
        while (said := self._others()) and time.monotonic() < until:
            time.sleep(0.1)
        if said:
            raise CannotLoad(
                f"The database is in use ({said} connected): stop `warranty up`, or web, workers and relay, on every machine, "
                "and then restore."
            )
        if not self.connection.scalar(text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": OURS}):
            raise CannotLoad("Another restore into this database is under way.")

    def _others(self) -> str:
        """Who else is connected as one of our users, for a sentence; empty where nobody is."""
        settings = self.settings
        urls = (settings.database_url, settings.worker_database_url, settings.migration_database_url)
        self.connection.execute(text("SELECT pg_stat_clear_snapshot()"))  # else it is what it was at the first look
        rows = self.connection.execute(
            text(
                "SELECT usename, count(*) AS sessions FROM pg_stat_activity "
                "WHERE datname = current_database() AND usename = ANY(:users) AND pid <> pg_backend_pid() "
                "GROUP BY usename ORDER BY usename"
            ),
            {"users": sorted({make_url(url).username or "" for url in urls})},
        )
        return " and ".join(f"{row.sessions} as {row.usename}" for row in rows)

    def _see_all(self) -> None:
        self.connection.execute(
            text("SELECT set_config(:name, :everybody, true)"), {"name": walls.SETTING, "everybody": walls.EVERYBODY}
        )

    @contextmanager
    def replaced(self, pieces: Iterable[bytes]) -> Iterator[Session]:
        """As on SQLite. Everything happens in one transaction, which commits when the block ends well.

        Raises:
            CannotLoad: it could not be; the target stands as it stood.
        """
        program = _program("pg_restore", self.settings)
        try:
            with self.connection.begin():
                _have_time(self.connection)
                self._check_alone()
                for statement in self.connection.scalars(text(_DROPPING)).all():
                    self.connection.exec_driver_sql(statement)
                _run_script(self.connection, _script(program, pieces))
                self.connection.exec_driver_sql("RESET ALL")  # the script has set what it needs for itself
                _have_time(self.connection)
                settings = self.settings
                db.upgrade_within(
                    self.connection, app_url=settings.database_url, worker_url=settings.worker_database_url
                )
                _have_time(self.connection)
                info = {"scope": db.EVERYBODY}
                with Session(self.connection, info=info, expire_on_commit=False) as session, session.begin():
                    yield session
        except (DBAPIError, psycopg.Error) as err:
            said = str(getattr(err, "orig", err)).strip().partition("\n")[0]
            raise CannotLoad(f"The database cannot be replaced: {said}. It is as it was.") from err


SCHEMA = "public"
"""Whatever somebody keeps beside it in the same database is neither taken along nor touched."""

_OF_AN_EXTENSION = "EXISTS (SELECT FROM pg_depend WHERE pg_depend.objid = {0}.oid AND deptype = 'e')"
_DROPPING = f"""
    SELECT format('DROP %s IF EXISTS {SCHEMA}.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, relname)
    FROM pg_class WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind IN ('r', 'p', 'v')
    AND NOT {_OF_AN_EXTENSION.format("pg_class")}
    UNION ALL
    SELECT format('DROP ROUTINE %s CASCADE', oid::regprocedure) FROM pg_proc
    WHERE pronamespace = '{SCHEMA}'::regnamespace AND NOT {_OF_AN_EXTENSION.format("pg_proc")}
"""  # noqa: S608 - our own text
"""Asks for the statements that empty the schema, but for what belongs to an extension."""


def _script(program: Program, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of SQL that ``pg_restore`` makes of an archive."""
    with subprocess.Popen(
        [program.path, "--file=-", f"--schema={SCHEMA}", "--no-owner", "--no-privileges", "--exit-on-error"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name in {"PATH", "LD_LIBRARY_PATH"}},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        said: list[bytes] = []
        troubles: list[Exception] = []
        helpers = [
            threading.Thread(target=_feed, args=(child.stdin, pieces, troubles), daemon=True),
            threading.Thread(target=_listen, args=(child.stderr, said), daemon=True),
        ]
        for helper in helpers:
            helper.start()
        try:
            yield from child.stdout
        except BaseException:
            child.kill()
            raise
        for helper in helpers:
            helper.join()
        if troubles:
            raise troubles[0]
        if child.wait():
            raise CannotLoad(f"{program.name} failed: {_first_line(said)}. The database is as it was.")


def _feed(stdin: IO[bytes], pieces: Iterable[bytes], troubles: list[Exception]) -> None:
    try:
        with stdin:
            for piece in pieces:
                stdin.write(piece)
    except BrokenPipeError:
        pass  # it has ended, and its status says why
    except Exception as err:  # noqa: BLE001 - raised again where somebody waits for it
        troubles.append(err)


def _run_script(connection: Connection, lines: Iterator[bytes]) -> None:
    """Run what ``pg_restore`` writes: statements, and between them rows for COPY.

    Raises:
        psycopg.Error: the server refuses a statement.
    """
    driver: Any = connection.connection.dbapi_connection
    waiting: list[bytes] = []
    with driver.cursor() as cursor:
        for line in lines:
            if line.startswith(b"\\"):  # a word to psql: \restrict, \unrestrict
                continue
            if not (line.startswith(b"COPY ") and line.endswith(b" FROM stdin;\n")):
                waiting.append(line)
                continue
            cursor.execute(b"".join(waiting))
            waiting.clear()
            with cursor.copy(line.removesuffix(b";\n")) as copy:
                for row in lines:
                    if row == b"\\.\n":
                        break
                    copy.write(row)
        cursor.execute(b"".join(waiting))


# --- files ---


def _path_of(url: str) -> str:
    return str(make_url(url).database)


def _any_row(table: str) -> str:
    return f"SELECT 1 FROM {table} LIMIT 1"  # noqa: S608 - our own name


def _telling_tables() -> set[str]:
    return set(Base.metadata.tables) - HOLDS_NOTHING


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _remove_sqlite(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
