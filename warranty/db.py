"""The database: the only place that makes engines and transactions, and that knows what differs between the two engines."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Date,
    Dialect,
    Engine,
    Insert,
    SQLColumnExpression,
    String,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    insert,
    literal,
    make_url,
    or_,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import (
    InstrumentedAttribute,
    ORMExecuteState,
    Session,
    SessionTransaction,
    sessionmaker,
    with_loader_criteria,
)

from warranty.models import Base, Client, HumanTask, Mail, StockUnit, TenantRow, VendorAccount, clock, walls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

BUSY_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000
IDLE_TIMEOUT_MS = 10_000
"""What a transaction of a process that was frozen or cut off may hold up the others for: none of ours waits inside one."""
POSTGRESQL_LIVENESS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,  # a server that went without a word is noticed within about ten seconds
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class DatabaseUnavailable(Exception):
    """The database cannot be reached or opened; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a transaction may see: one client's, or (``client_id`` null, said explicitly) everybody's."""

    client_id: int | None

    @property
    def sees_all(self) -> bool:
        """Whether no tenant filter applies."""
        return self.client_id is None


EVERYBODY = Scope(None)
"""The scope of staff and of background work."""

NOBODY = Scope(0)
"""Before it is known who asks: no row has this key."""


class Database:
    """One engine, and the transactions on it.

    A transaction is opened for a scope. What a client's scope may not see does not exist in it: every ORM statement on a
    tenant table, or on the clients themselves, is narrowed, whoever wrote it. On PostgreSQL row-level security stands
    behind that, for whatever is no ORM statement: see ``models.walls``.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.url = url
        self.engine = make_engine(url, pool_size=pool_size)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self._reading = sessionmaker(self.engine.execution_options(reading=True), expire_on_commit=False)
        # A forked child must not share its parent's connections: both would speak on one socket.
        os.register_at_fork(after_in_child=lambda: self.engine.dispose(close=False))

    @contextmanager
    def begin(self, scope: Scope) -> Iterator[Session]:
        """A transaction that may write: committed at the end, rolled back on any exception."""
        with self._translating(), self._writing.begin() as session:
            session.info["scope"] = scope
            yield session

    @contextmanager
    def read(self, scope: Scope) -> Iterator[Session]:
        """A transaction that only reads; on SQLite it does not wait for writers."""
        with self._translating(), self._reading.begin() as session:
            session.info["scope"] = scope
            yield session

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as err:
            if err.connection_invalidated or is_unreachable(err):
                raise DatabaseUnavailable(unreachable_message(self.url, err)) from err
            raise

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


MANY = 100
"""Rows of one write from which on they go straight to the driver, on PostgreSQL by COPY; below it that saves nothing."""


def write(session: Session, table: type[Base], *rows: Mapping[str, Any]) -> None:
    """Insert rows that nobody reads again in this transaction, without the unit of work, which costs more.

    Every row has the same columns; what is left out takes its default. What they refer to must have been flushed.
    """
    if not rows:
        return
    connection = session.connection()
    if len(rows) < MANY:
        connection.execute(_insert(table), list(rows))
        return
    columns = _columns_of(table, frozenset(rows[0]), connection.dialect)
    values = zip(*(column.values(rows) for column in columns), strict=True)
    name, names = table.__tablename__, ", ".join(column.name for column in columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, name, names, values)
    else:
        signs = ", ".join("?" for _ in columns)
        connection.exec_driver_sql(f"INSERT INTO {name} ({names}) VALUES ({signs})", list(values))  # noqa: S608 - our own names


@cache
def _insert(table: type[Base]) -> Insert:
    return insert(table)


def _copy(connection: Connection, name: str, names: str, values: Iterable[Sequence[Any]]) -> None:
    """COPY into a table of this transaction's own and from there into the real one, which may have row-level security."""
    connection.exec_driver_sql(f"CREATE TEMP TABLE copy_of_{name} AS SELECT {names} FROM {name} WITH NO DATA")  # noqa: S608 - our own names
    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY copy_of_{name} ({names}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)
    except psycopg.Error as err:
        raise DBAPIError.instance(
            f"COPY {name}", None, err, psycopg.Error, connection_invalidated=driver.closed, dialect=connection.dialect
        ) from err
    connection.exec_driver_sql(f"INSERT INTO {name} ({names}) SELECT {names} FROM copy_of_{name}")  # noqa: S608 - as above
    connection.exec_driver_sql(f"DROP TABLE copy_of_{name}")


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of many rows: how the rows' values become the driver's. ``default`` is what makes one that is left out."""

    name: str
    default: Callable[[], Any] | None
    bind: Callable[[Any], Any]

    def values(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The values of all rows; one that all have is converted once, which most of them are."""
        name, default = self.name, self.default
        found = [row[name] for row in rows] if default is None else [default() for _ in rows]
        first, bind = found[0], self.bind
        if all(value is first for value in found):
            return [bind(first)] * len(found)
        return [bind(value) for value in found]


@lru_cache(maxsize=64)
def _columns_of(table: type[Base], given: frozenset[str], dialect: Dialect) -> list[_Column]:
    found = []
    for column in table.__table__.columns:
        default = None
        if column.name not in given:
            if column.default is None or column.default.is_sequence:
                continue  # null, or made by the database
            default = _default(column.default)
        bind = column.type.dialect_impl(dialect).bind_processor(dialect)
        found.append(_Column(column.name, default, bind or _as_it_is))
    return found


def _default(default: Any) -> Callable[[], Any]:
    made = default.arg
    return (lambda: made(None)) if default.is_callable else (lambda: made)


def _as_it_is(value: Any) -> Any:
    return value


def among(session: Session, column: InstrumentedAttribute[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column has one of many texts: on PostgreSQL one parameter, where thousands would take as long to write."""
    if session.connection().dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(Text)))
    return column.in_(values)


def latest(session: Session, *days: ColumnElement[date]) -> ColumnElement[date]:
    """The latest of some days of each row, none of which may be null."""
    is_postgres = session.connection().dialect.name == "postgresql"
    return func.greatest(*days, type_=Date()) if is_postgres else func.max(*days, type_=Date())


def next_ids(session: Session, table: type[Base], count: int) -> list[int]:
    """Keys for rows that will be written in this transaction, in ascending order, so that others may refer to them."""
    connection = session.connection()
    name = table.__tablename__
    if connection.dialect.name == "sqlite":  # which has one writer, and we are it
        highest = connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {name}").scalar_one()  # noqa: S608 - our own name
        return list(range(highest + 1, highest + 1 + count))
    numbers = select(func.nextval(func.pg_get_serial_sequence(name, "id"))).select_from(
        func.generate_series(1, count).alias()
    )
    return sorted(connection.execute(numbers).scalars())


def now(session: Session) -> datetime:
    """The database clock: what leases, due times and ages are measured with."""
    return session.execute(select(clock())).scalar_one()


Row = TypeVar("Row", bound=Base)


def hold(session: Session, table: type[Row], key: int | None, *, key_share: bool = False) -> tuple[Row, datetime]:
    """A row, held until the transaction ends, and the database's time: one statement.

    ``key_share`` lets others write rows that refer to it meanwhile.
    """
    query = select(table, clock()).where(table.__table__.c.id == key).with_for_update(of=table, key_share=key_share)
    row, at = session.execute(query.execution_options(populate_existing=True)).one()
    return row, at


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """An engine with the settings that the promises rest on."""
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=pool_size, max_overflow=20, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    limits = {
        "lock_timeout": LOCK_TIMEOUT_MS,
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT_MS,
    }
    options = " ".join([*(f"-c {name}={value}" for name, value in limits.items()), "-c timezone=UTC"])
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=20,
        pool_pre_ping=True,
        hide_parameters=True,  # what an error says may go to the logs
        connect_args={"options": options, **POSTGRESQL_LIVENESS},
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would send BEGIN too late, after the first SELECT: updates get lost
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # NORMAL may lose a committed fault on power loss
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # A deferred transaction that reads and then writes fails with "locked" whatever the busy timeout says.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def enter(session: Session, scope: Scope, *, is_told: bool = False) -> None:
    """Change whose rows exist in a transaction, once it is known who asks; PostgreSQL may have been told on the way."""
    session.info["scope"] = scope
    if not is_told:
        _tell(session.connection(), scope)


def is_sqlite(session: Session) -> bool:
    """Whether there is one wall only."""
    return session.get_bind().dialect.name == "sqlite"


def begins(session: Session, column: SQLColumnExpression[str], text: str) -> ColumnElement[bool]:
    """Whether a text begins so, as an index finds it: on PostgreSQL one of ``text_pattern_ops``, whatever the collation."""
    last = text + chr(0x10FFFF)
    if is_sqlite(session):
        return and_(column >= text, column < last)
    return and_(column.op("~>=~", is_comparison=True)(text), column.op("~<~", is_comparison=True)(last))


def telling(client_id: SQLColumnExpression[Any]) -> ColumnElement[str]:
    """A column for the statement that finds out who asks: it tells PostgreSQL on the way, which saves a round trip."""
    return func.set_config(walls.SETTING, func.coalesce(cast(client_id, String), walls.EVERYBODY), True)


@event.listens_for(Session, "after_begin")
def _tell_at_begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if not transaction.nested:
        _tell(connection, session.info["scope"])


def _tell(connection: Connection, scope: Scope) -> None:
    """Tell PostgreSQL, for this transaction alone: a setting of the connection would outlive it in the pool."""
    if connection.dialect.name == "postgresql" and scope is not NOBODY:
        connection.execute(_TELL, {"whose": walls.EVERYBODY if scope.sees_all else str(scope.client_id)})


_TELL = select(func.set_config(walls.SETTING, bindparam("whose", type_=String), True))


@event.listens_for(Session, "do_orm_execute")
def _narrow_to_scope(state: ORMExecuteState) -> None:
    scope: Scope = state.session.info["scope"]  # a session without a scope is a programming error: fail, show nothing
    if scope.sees_all or state.is_column_load or state.is_relationship_load:
        return
    client_id = scope.client_id
    state.statement = state.statement.options(
        with_loader_criteria(TenantRow, lambda table: table.client_id == client_id, include_aliases=True),
        with_loader_criteria(Client, lambda table: table.id == client_id, include_aliases=True),
        # Those of no client are the staff's, so they are not narrowed as what is everybody's.
        with_loader_criteria(HumanTask, lambda table: table.client_id == client_id, include_aliases=True),
        with_loader_criteria(Mail, lambda table: table.client_id == client_id, include_aliases=True),
        with_loader_criteria(VendorAccount, lambda table: _is_everybodys_or(table, client_id), include_aliases=True),
        with_loader_criteria(StockUnit, lambda table: _is_everybodys_or(table, client_id), include_aliases=True),
    )


def _is_everybodys_or(table: Any, client_id: int | None) -> ColumnElement[bool]:
    return or_(table.client_id.is_(None), table.client_id == client_id)


def is_unreachable(err: OperationalError) -> bool:
    """Whether the server or file itself is the trouble, not the statement."""
    code: str | None = getattr(err.orig, "sqlstate", None)
    text = str(err.orig).lower()
    if code:
        return code.startswith(("08", "53", "57P"))
    return any(word in text for word in ("unable to open", "readonly", "read-only", "connection", "disk", "locked"))


def unreachable_message(url: str, err: OperationalError) -> str:
    """One sentence for a person: which database, what it said, what to do."""
    shown = make_url(url).render_as_string(hide_password=True)
    said = str(err.orig).strip().splitlines()[0] if str(err.orig).strip() else "no answer"
    return f"The database {shown} cannot be used: {said}. Check DATABASE_URL, that the server runs, and the rights on the file."


# --- migrations: configured here, since there is no alembic.ini ---


def folder(name: str) -> Path:
    """A top-level folder of a checkout, or its copy inside the installed wheel."""
    packaged = Path(__file__).parent / "_data" / name
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / name


def alembic_config(url: str) -> Config:
    """Alembic's configuration for a database."""
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")))
    config.attributes["url"] = url
    return config


def upgrade_within(connection: Connection, *, app_url: str, worker_url: str) -> None:
    """As ``upgrade``, on PostgreSQL, in a transaction that is under way: it is there with all else that this one does.

    Raises:
        DatabaseUnavailable: there is no user of one of the addresses.
    """
    config = alembic_config(app_url)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    _guard(connection, app_url, worker_url)


def upgrade(url: str, *, app_url: str | None = None, worker_url: str | None = None) -> None:
    """Bring a database's schema up to what this version needs; a SQLite file and its folder are made where missing.

    On PostgreSQL the walls between clients are put up, and the users of the other two addresses get their rights, where
    they are not the owner.

    Raises:
        DatabaseUnavailable: the server cannot be reached, the file cannot be written, or there is no such user.
    """
    _make_sqlite_folder(url)
    try:
        command.upgrade(alembic_config(url), "head")
        with _owner(url) as connection:
            if connection is not None:
                _guard(connection, app_url, worker_url)
    except OperationalError as err:
        raise DatabaseUnavailable(unreachable_message(url, err)) from err


def _guard(connection: Connection, app_url: str | None, worker_url: str | None) -> None:
    named = ((worker_url, True), (app_url, False))  # whoever comes as both may all that the product may
    users = {make_url(other).username: is_worker for other, is_worker in named if other}
    owner = connection.scalar(select(func.current_user()))
    for statement in walls.raising():
        connection.exec_driver_sql(statement)
    for user, is_worker in users.items():
        if user not in {None, owner}:
            _grant(connection, str(user), is_worker=is_worker)


def _grant(connection: Connection, user: str, *, is_worker: bool) -> None:
    if connection.scalar(text("SELECT count(*) FROM pg_roles WHERE rolname = :user"), {"user": user}) == 0:
        raise DatabaseUnavailable(f"The database has no user {user}: make it with CREATE ROLE, then migrate again.")
    quoted = connection.dialect.identifier_preparer.quote_identifier(user)
    for statement in walls.grants(quoted, is_worker=is_worker):
        connection.exec_driver_sql(statement)


@contextmanager
def _owner(url: str) -> Iterator[Connection | None]:
    """A transaction of the tables' owner that changes what guards them; none on SQLite."""
    engine = make_engine(url)
    try:
        if engine.dialect.name == "sqlite":
            yield None
        else:
            with engine.begin() as connection:
                yield connection
    finally:
        engine.dispose()


def downgrade(url: str, revision: str) -> None:
    """Take a database's schema down to a revision, and the walls with it: an older version says nothing to PostgreSQL."""
    with _owner(url) as connection:
        if connection is not None:
            for statement in walls.tearing_down(_standing(connection)):
                connection.exec_driver_sql(statement)
    command.downgrade(alembic_config(url), revision)


def _standing(connection: Connection) -> set[str]:
    return set(connection.scalars(text(walls.STANDING), {"policy": walls.POLICY}))


def schema_faults(url: str, *, thorough: bool = True) -> list[str]:
    """What differs between the code and a database's schema; empty where they agree.

    Only a thorough look compares every column, which takes longer than most commands do; else the revision decides.

    Raises:
        DatabaseUnavailable: the server cannot be reached or the file cannot be opened.
    """
    engine = make_engine(url)
    try:
        with engine.execution_options(reading=True).connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _is_ours})
            found = context.get_current_revision()
            if found != newest_revision():
                said = f"The schema is at revision {found or 'none'}, the code wants {newest_revision()}"
                return [f"{said}: run `warranty db upgrade`."]
            if not thorough:
                return []
            with _silent_on_expressions():
                differences = compare_metadata(context, Base.metadata)
            faults = [f"The schema differs from the code: {difference}" for difference in differences]
            if connection.dialect.name == "postgresql":
                open_ = sorted(set(Base.metadata.tables) - _standing(connection))
                faults += [f"{name} has no wall between clients: run `warranty db upgrade`." for name in open_]
            return faults
    except OperationalError as err:
        raise DatabaseUnavailable(unreachable_message(url, err)) from err
    finally:
        engine.dispose()


@contextmanager
def _silent_on_expressions() -> Iterator[None]:
    """SQLite does not tell what an index of an expression is of, of which nobody who runs a command need hear."""
    signatures = logging.getLogger("alembic.ddl.impl")
    was, signatures.disabled = signatures.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*expression-based index")
            yield
    finally:
        signatures.disabled = was


@cache
def newest_revision() -> str | None:
    """The revision that this version of the program needs; found by reading every revision, so once."""
    return _revisions().get_current_head()


def is_known_revision(revision: str | None) -> bool:
    """Whether this version of the program has made a schema of this revision, or can bring it up."""
    return revision in {script.revision for script in _revisions().walk_revisions()}


def revision_of(connection: Connection) -> str | None:
    """The revision of a database's schema; null where there is none."""
    return MigrationContext.configure(connection).get_current_revision()


def _revisions() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config("sqlite://"))


def _is_ours(_thing: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: FBT001 - Alembic's signature
    return not (kind == "table" and name in {"alembic_version", "sqlite_sequence"})


def _make_sqlite_folder(url: str) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return
    folder = Path(parsed.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise DatabaseUnavailable(
            f"Cannot make the folder {folder}: {err.strerror}. Set WARRANTY_INSTANCE or DATABASE_URL."
        ) from err
