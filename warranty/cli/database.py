"""``warranty db``: the schema."""

from __future__ import annotations

import click

from warranty import db
from warranty.cli.shared import CliProblem, answer, read_settings


@click.group(name="db")
def group() -> None:
    """Migrate the database, and compare it with the code."""


@group.command()
def upgrade() -> None:
    """Bring the schema up to what this version needs."""
    try:
        settings = read_settings()
        db.upgrade(
            settings.migration_database_url, app_url=settings.database_url, worker_url=settings.worker_database_url
        )
    except db.DatabaseUnavailable as err:
        raise CliProblem(str(err)) from err
    click.echo("The schema is up to date.")


@group.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """Say whether code and schema agree; exit status 1 where they do not."""
    try:
        faults = db.schema_faults(read_settings().migration_database_url)
    except db.DatabaseUnavailable as err:
        raise CliProblem(str(err)) from err
    answer({"agree": not faults, "faults": faults}, as_json=as_json)
    if faults:
        raise SystemExit(1)
