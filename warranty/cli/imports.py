"""``warranty import``: files of units, contracts and products into the registry."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warranty import db
from warranty.cli.shared import CliProblem, answer, open_runtime
from warranty.domain.access import OPERATOR
from warranty.services import imports
from warranty.services.importing.columns import DIALECT_NAMES, Kind, Unusable
from warranty.services.importing.rows import ImportReport, Outcome
from warranty.services.importing.sheets import open_sheet
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@click.command(name="import")
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--client", help="The client whose rows they are, where the file has no column client.")
@click.option("--dry-run", is_flag=True, help="Show what would happen, and write nothing.")
@click.option(
    "--format",
    "dialect",
    type=click.Choice(["auto", *DIALECT_NAMES]),
    default="auto",
    show_default=True,
    help="Whose column names the file has.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_(
    kind: str,
    file: Path,
    client: str | None,
    dry_run: bool,  # noqa: FBT001 - click passes it by name
    dialect: str,
    as_json: bool,  # noqa: FBT001 - click passes it by name
) -> None:
    """Import FILE into the registry: a CSV or JSON lines file, or a folder of the NetBox device-type library.

    Try it with --dry-run first. Rows that cannot be taken are named with their line and the reason, the others are
    written; import the mended file again, and what is there already stays as it is. A file that cannot be read at all
    writes nothing.

    Exit status: 0 every row was taken; 1 a row was refused, or the file could not be read; 2 called with wrong words.
    """
    because = Because(actor=OPERATOR.actor, reason="imported", at=datetime.now(UTC))
    with open_runtime() as runtime:
        database = runtime.database
        transaction = database.read if dry_run else database.begin
        try:
            sheet = open_sheet(file, Kind(kind), dialect=dialect)
            with _progress(sheet.total) as advance:
                report = imports.run(
                    sheet,
                    lambda: transaction(db.EVERYBODY),
                    because=because,
                    client=client,
                    dry_run=dry_run,
                    on_progress=advance,
                )
        except Unusable as err:
            raise CliProblem(str(err)) from err
    if as_json:
        answer(report.as_document(), as_json=True)
    else:
        _print(report)
    if not report.is_clean:
        sys.exit(1)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error for people; programs and log files see none."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Importing", total=total)
        yield lambda rows: bar.advance(task, rows)


def _print(report: ImportReport) -> None:
    """The report for people: what was found on standard output, what to look at on standard error."""
    if report.dry_run and report.preview:
        columns = list(dict.fromkeys(name for row in report.preview for name in row))
        answer([{name: row.get(name, "") for name in columns} for row in report.preview], as_json=False)
        click.echo()
    for warning in report.warnings:
        click.echo(f"Note: {warning}", err=True)
    for fault in report.faults:
        click.echo(f"Refused, {fault}", err=True)
    refused = report.counts[Outcome.REFUSED]
    if refused > len(report.faults):
        click.echo(f"… and {refused - len(report.faults):,} more.", err=True)
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in report.counts.items())
    made = f"; products made: {report.new_products:,}, sites made: {report.new_sites:,}"
    verb = "Would import" if report.dry_run else "Imported"
    click.echo(
        f"{verb} {report.kind} ({report.dialect}): {counts}{made if report.new_products or report.new_sites else ''}."
    )
