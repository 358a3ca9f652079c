"""What every command shares: opening the runtime, printing an answer, and turning trouble into one sentence and a status.

Exit statuses: 0 done; 1 could not be done, said in one sentence; 2 called with wrong words (click's own).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.config import Settings
    from warranty.runtime import Runtime


class CliProblem(click.ClickException):
    """A command that cannot do what it was asked; exit status 1."""


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


def answer(rows: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print data: JSON for programs, else aligned text for people."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if isinstance(rows, Mapping):
        width = max((len(key) for key in rows), default=0)
        for key, value in rows.items():
            click.echo(f"{key:<{width}}  {_shown(value)}")
        return
    if not rows:
        click.echo("none")
        return
    columns = list(rows[0])
    table = [columns, *([_shown(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
