"""What every command shares: its options, opening the runtime, and printing an answer for people or for programs.

Exit statuses: 0 done; 1 could not be done, said in one sentence; 2 called with wrong words (click's own).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warranty.config import Settings
    from warranty.runtime import Runtime

W = TypeVar("W", bound=StrEnum)
T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any]")

SHORT_ID = 8
"""How much of an id a table shows; a command takes it back (``desk.find``)."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class CliProblem(click.ClickException):
    """A command that cannot do what it was asked; exit status 1."""


# --- the words of a command ---


class Word(click.Choice[W]):
    """A word of a closed vocabulary; a long one is not spelled out beside the option, where lines are not wrapped."""

    longest = 32

    def __init__(self, words: Iterable[W]) -> None:
        super().__init__(list(words))

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """By its value: that is what the public contract calls it."""
        del ctx
        return str(choice)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """All words where they are few."""
        return super().get_metavar(param, ctx) if self.is_short else "WORD"

    @property
    def is_short(self) -> bool:
        """Whether all words fit beside the option."""
        return len("|".join(self.choices)) <= self.longest


def word(name: str, *names: str, words: Iterable[StrEnum], about: str, **options: Any) -> Callable[[F], F]:
    """An option whose value is one of ``words``; help names them all."""
    kind: Word[StrEnum] = Word(words)
    said = about if kind.is_short else f"{about} One of {', '.join(kind.choices)}."
    return click.option(name, *names, type=kind, help=said, **options)


class Day(click.ParamType[date]):
    """A calendar day, as ISO 8601 writes it."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it, or say how to write it."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-03-31.", param, ctx)


class Nothing:
    """What ``none`` stands for: a fact that is taken away."""


NOTHING = Nothing()


class OrNone(click.ParamType[Any], Generic[T]):
    """A value of another kind, or ``none``."""

    def __init__(self, kind: click.ParamType[T]) -> None:
        self._kind = kind
        self.name = kind.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T | Nothing:
        """Read it."""
        return NOTHING if value == "none" else self._kind.convert(value, param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """As the other kind's."""
        return self._kind.get_metavar(param, ctx)


def given(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a command that changes something was given; what was left out is no fact, and ``none`` is null.

    Raises:
        click.UsageError: nothing at all.
    """
    found = {
        name: None if value is NOTHING else [] if value == (NOTHING,) else value
        for name, value in facts.items()
        if value is not None and value != ()
    }
    if not found:
        raise click.UsageError("Say what is to change: --help lists the options.")
    return found


# --- the runtime ---


def read_settings() -> Settings:
    """The settings, or one sentence for each that is wrong."""
    from warranty.config import SettingsError, load

    try:
        return load()
    except SettingsError as err:
        raise CliProblem("\n".join(err.faults)) from err


@contextmanager
def open_runtime() -> Iterator[Runtime]:
    """A runtime on a database whose schema is there."""
    from sqlalchemy.exc import DBAPIError

    from warranty.crypto import CannotDecrypt
    from warranty.db import DatabaseUnavailable, schema_faults
    from warranty.runtime import Runtime

    settings = read_settings()
    try:
        faults = schema_faults(settings.database_url, thorough=False)
        if faults:
            raise CliProblem(faults[0])
        runtime = Runtime.of(settings)
        try:
            yield runtime
        finally:
            runtime.database.dispose()
    except (DatabaseUnavailable, CannotDecrypt) as err:
        raise CliProblem(str(err)) from err
    except DBAPIError as err:
        # The services ask before they write: what the database still refuses, somebody else wrote or holds.
        said = str(err.orig).strip().partition("\n")[0]
        raise CliProblem(f"The database refused this, and nothing was written: {said}. Try again.") from err


# --- answers ---


@contextmanager
def progress(about: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error for people; programs and log files see none."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(about, total=total)
        yield lambda done: bar.advance(task, done)


def answer(rows: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print data: JSON for programs, else aligned text for people."""
    if as_json:
        click.echo(to_json(rows))
    elif isinstance(rows, Mapping):
        print_facts(rows)
    elif rows:
        table = Table(rows[0], rows)
        table.print_head()
        table.print_rows(rows)
    else:
        click.echo("none")


def to_json(value: Any) -> str:
    """A document as REST writes it."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


class Table:
    """Rows in columns for people. The first rows say how wide the columns are, so that a table is printed as it comes."""

    def __init__(self, columns: Iterable[str], first: Sequence[Mapping[str, Any]]) -> None:
        self._columns = list(columns)
        cells = [self._columns, *map(self._cells, first)]
        self._widths = [max(len(line[place]) for line in cells) for place in range(len(self._columns))]
        # What is piped or redirected stays whole.
        self._screen = shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def print_head(self) -> None:
        """Print the names of the columns."""
        click.echo(self._line(self._columns))

    def print_rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Print some rows, at once."""
        click.echo("".join(f"{self._line(self._cells(row))}\n" for row in rows), nl=False)

    def _cells(self, row: Mapping[str, Any]) -> list[str]:
        return [shown(row[column], short=True) for column in self._columns]

    def _line(self, cells: Iterable[str]) -> str:
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, self._widths, strict=True)).rstrip()
        if self._screen is not None and len(line) > self._screen:
            return line[: self._screen - 1] + "…"
        return line


def print_facts(facts: Mapping[str, Any]) -> None:
    """One record for people: a line for each fact, and a table for each list of records in it."""
    lines, tables = _flat(facts)
    width = max((len(name) for name in lines), default=0)
    for name, value in lines.items():
        click.echo(f"{name:<{width}}  {shown(value)}")
    for name, rows in tables.items():
        click.echo(f"\n{name}:")
        answer(rows, as_json=False)


def _flat(facts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Sequence[Mapping[str, Any]]]]:
    """Facts within facts as ``outer.inner``, and apart from them the lists of records."""
    lines: dict[str, Any] = {}
    tables: dict[str, Sequence[Mapping[str, Any]]] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            inner, deeper = _flat(value)
            lines |= {f"{name}.{key}": fact for key, fact in inner.items()}
            tables |= {f"{name}.{key}": rows for key, rows in deeper.items()}
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            tables[name] = value
        else:
            lines[name] = value
    return lines, tables


def shown(value: object, *, short: bool = False) -> str:
    """A value for people, on one line; ``short`` cuts ids and times to what fits a table."""
    if value is None or value == "":
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item, short=short) for item in value) or "-"
    if isinstance(value, UUID):
        return str(value)[:SHORT_ID] if short else str(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if short else f"{value:%Y-%m-%d %H:%M:%S %Z}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return on_one_line(str(value))


def on_one_line(text: str) -> str:
    """Escape what would break the line or steer the terminal: names and texts are somebody else's."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
