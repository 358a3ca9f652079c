"""The boring decisions of every table, made once: keys, ids, times, words, constraint names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, Date, DateTime, Enum, Float, ForeignKey, Index, Integer, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.expression import FunctionElement, literal
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import SQLColumnExpression
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler

NAMES = {  # so that migrations can drop what they made
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on both engines; a naive value is refused, since nobody can say what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; SQLite stores text without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value.isoformat()}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every time its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class SealedText(TypeDecorator[str]):
    """A text that ``crypto.SecretBox`` has sealed: whoever seals everything anew finds it by this type."""

    impl = Text
    cache_ok = True


def words(enum: type[StrEnum]) -> Enum:
    """A closed vocabulary, stored by value as text: a new word needs no change of the table."""
    return Enum(
        enum, native_enum=False, create_constraint=False, length=32, values_callable=lambda e: [m.value for m in e]
    )


class clock(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's own clock, plus some seconds: leases and due times never depend on a worker's clock.

    SQLite lives on one host, so there it is that host's clock.
    """

    inherit_cache = True
    type = UtcDateTime()

    def __init__(self, plus_s: float = 0.0) -> None:
        super().__init__(literal(float(plus_s)))


@compiles(clock, "postgresql")
def _clock_postgresql(element: clock, compiler: SQLCompiler, **options: Any) -> str:
    return f"clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)})"


@compiles(clock, "sqlite")
def _clock_sqlite(element: clock, compiler: SQLCompiler, **options: Any) -> str:
    # '%f' has three digits, stored times have six: texts of one form compare as times do.
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {compiler.process(element.clauses, **options)} || ' seconds')"


class later(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """An instant of the database, or the beginning of a day of it, plus some seconds of it."""

    inherit_cache = True
    type = UtcDateTime()


@compiles(later, "postgresql")
def _later_postgresql(element: later, compiler: SQLCompiler, **options: Any) -> str:
    start, seconds = (compiler.process(one, **options) for one in element.clauses)
    return f"(CAST({start} AS TIMESTAMP WITH TIME ZONE) + make_interval(secs => {seconds}))"


@compiles(later, "sqlite")
def _later_sqlite(element: later, compiler: SQLCompiler, **options: Any) -> str:
    start, seconds = (compiler.process(one, **options) for one in element.clauses)
    return f"strftime('%Y-%m-%d %H:%M:%f000', {start}, ({seconds}) || ' seconds')"


class seconds_until(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """How many seconds pass from the first of two instants of the database to the second."""

    inherit_cache = True
    type = Float()


@compiles(seconds_until, "postgresql")
def _seconds_until_postgresql(element: seconds_until, compiler: SQLCompiler, **options: Any) -> str:
    first, second = (compiler.process(one, **options) for one in element.clauses)
    return f"EXTRACT(EPOCH FROM {second} - {first})"


@compiles(seconds_until, "sqlite")
def _seconds_until_sqlite(element: seconds_until, compiler: SQLCompiler, **options: Any) -> str:
    first, second = (compiler.process(one, **options) for one in element.clauses)
    return f"((julianday({second}) - julianday({first})) * 86400.0)"


Pk = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Base(DeclarativeBase):
    """Every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        date: Date(),
        int: BigInteger().with_variant(Integer, "sqlite"),
        UUID: Uuid(),
        dict[str, Any]: Json,
        list[str]: Json,
        list[dict[str, Any]]: Json,
    }


class PublicRow:
    """A row that the outside may name: a bigint key that is never shown, and a random id that is."""

    id: Mapped[Pk]
    # Known before the insert, so it tells which new key is whose: SQLite too takes several rows in one statement.
    public_id: Mapped[UUID] = mapped_column(default=uuid4, unique=True, insert_sentinel=True)


class TenantRow(PublicRow):
    """A row that belongs to one client. Every query on it is narrowed by who asks: see ``warranty.db``."""

    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))


def index_of_beginnings(name: str, of: SQLColumnExpression[Any]) -> Index:
    """An index that finds texts by how they begin: see ``db.begins``. Made where the column is known, it joins its table."""
    return Index(name, of.label("begins"), postgresql_ops={"begins": "text_pattern_ops"})
