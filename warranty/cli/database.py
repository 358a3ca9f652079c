"""``warranty db``: the schema."""

from __future__ import annotations

import click

from warranty import db
from warranty.cli.shared import CliProblem, answer, json_option, read_settings


@click.group(name="db")
def group() -> None:
    """Migrate the database, and compare it with the code."""


@group.command()
@json_option
def upgrade(*, as_json: bool) -> None:
    """Bring the schema up to what this version needs."""
    try:
        settings = read_settings()
        db.upgrade(
            settings.migration_database_url, app_url=settings.database_url, worker_url=settings.worker_database_url
        )
    except db.DatabaseUnavailable as err:
        raise CliProblem(str(err)) from err
    if as_json:
        answer({"agree": True, "faults": []}, as_json=True)
    else:
        click.echo("The schema is up to date.")


@group.command()
@json_option
def check(*, as_json: bool) -> None:
    """Say whether code and schema agree.

    Exit status: 0 they do, 1 they do not or the database cannot be used, 2 called with wrong words.
    """
    try:
        faults = db.schema_faults(read_settings().migration_database_url)
    except db.DatabaseUnavailable as err:
        raise CliProblem(str(err)) from err
    answer({"agree": not faults, "faults": faults}, as_json=as_json)
    if faults:
        raise SystemExit(1)
