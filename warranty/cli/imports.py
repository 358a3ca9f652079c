"""``warranty import``: files of units, contracts, coverages, products, clients and sites into the registry."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warranty import db
from warranty.cli.shared import CliProblem, answer, open_runtime, progress
from warranty.domain.access import OPERATOR
from warranty.services import estate, imports
from warranty.services.estate import Invalid
from warranty.services.importing.columns import DIALECT_NAMES, Kind, Unusable, Wanted
from warranty.services.importing.rows import ImportReport, Outcome
from warranty.services.importing.sheets import open_sheet
from warranty.services.moves import Because

if TYPE_CHECKING:
    from warranty.db import Database
    from warranty.models import Client
    from warranty.services.importing.sheets import Sheet


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
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="THEIRS=OURS",
    help='What a column means, whatever its name: --map "Their column=our_column"; with nothing of ours it is not read. '
    "May repeat.",
)
@click.option(
    "--rejected",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the rows that were refused to this file, with the reason in one more column.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_(
    kind: str,
    file: Path,
    client: str | None,
    dry_run: bool,  # noqa: FBT001 - click passes it by name
    dialect: str,
    mapping: tuple[str, ...],
    rejected: Path | None,
    as_json: bool,  # noqa: FBT001 - click passes it by name
) -> None:
    """Import FILE into the registry: CSV, XLSX or JSON lines, or a folder of the NetBox device-type library.

    Try it with --dry-run first. Rows that cannot be taken are named with their line and the reason, the others are
    written; import the mended file again, and what is there already stays as it is. A file that cannot be read at all
    writes nothing. Where this command was killed, the same command goes on behind the last rows that it wrote.

    Exit status: 0 every row was taken; 1 a row was refused, or the file could not be read; 2 called with wrong words.
    """
    columns = dict(_pair(text) for text in mapping)
    if rejected is not None and dry_run:
        raise click.UsageError("A dry run rejects nothing: leave out --rejected or --dry-run.")
    with open_runtime() as runtime:
        try:
            wanted = Wanted.of(Kind(kind), dialect, columns)
            sheet = open_sheet(file, Kind(kind), wanted)
            report = (
                _try(runtime.database, sheet, client)
                if dry_run
                else _import(runtime.database, sheet, file, wanted, client, rejected)
            )
        except Unusable as err:
            raise CliProblem(str(err)) from err
        except imports.Stopped as err:
            raise CliProblem(
                "Somebody cancelled this import, or goes on with it; what was written by then stands."
            ) from err
    if as_json:
        answer(report.as_document(), as_json=True)
    else:
        _print(report)
    if not report.is_clean:
        sys.exit(1)


def _pair(text: str) -> tuple[str, str]:
    theirs, sign, ours = text.rpartition("=")
    if not sign or not theirs.strip():
        raise click.BadParameter(f'{text!r} is no pair: write it as "Their column=our_column".', param_hint="--map")
    return theirs, ours


def _because() -> Because:
    return Because(actor=OPERATOR.actor, reason="imported", at=datetime.now(UTC))


def _try(database: Database, sheet: Sheet, client: str | None) -> ImportReport:
    with progress("Importing", sheet.total) as advance:
        report = imports.run(
            sheet,
            lambda: database.read(db.EVERYBODY),
            because=_because(),
            client=client,
            dry_run=True,
            on_progress=advance,
        )
    assert report is not None  # nothing is left for later
    return report


def _import(
    database: Database, sheet: Sheet, file: Path, wanted: Wanted, client: str | None, rejected: Path | None
) -> ImportReport:
    owner = _client(database, client)
    content = imports.print_of(file, sheet.kind, wanted)
    with progress("Importing", sheet.total) as advance:
        made, report = imports.run_here(
            database,
            sheet,
            file_name=file.name,
            client=owner,
            because=_because(),
            content=content,
            on_progress=advance,
        )
    if rejected is not None:
        try:
            with database.read(db.EVERYBODY) as session, rejected.open("wb") as stream:
                imports.rejected(session, made, stream)
        except OSError as err:
            raise CliProblem(f"Cannot write {rejected}: {err.strerror or err}. The import itself is done.") from err
    return report


def _client(database: Database, name: str | None) -> Client | None:
    if name is None:
        return None
    with database.read(db.EVERYBODY) as session:
        try:
            return estate.find_client(session, name)
        except Invalid as err:
            raise CliProblem(err.message) from err


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
