"""``warranty lookup``: ask vendors what covers units, now."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from warranty.cli.desk import client_option, reading, writing
from warranty.cli.shared import answer, json_option, on_one_line, progress
from warranty.services import refresh

if TYPE_CHECKING:
    from uuid import UUID

    from warranty.services.refresh import Asked, Progress

LOOK_S = 0.5
"""How often somebody who waits looks."""


@click.command()
@click.argument("serial_numbers", metavar="[SERIAL]...", nargs=-1)
@client_option("Units of this client only.")
@click.option("--all", "is_all", is_flag=True, help="All units in use whose evidence is stale, in place of named ones.")
@click.option(
    "--stale-days",
    type=click.IntRange(0, 36_500),
    help="With --all: stale is what is older than this; 0 takes all. Default: what each client's policy takes no more.",
)
@click.option("--wait", is_flag=True, help="Wait until the vendors have answered.")
@json_option
def lookup(
    serial_numbers: tuple[str, ...],
    client_name: str | None,
    is_all: bool,  # noqa: FBT001 - click passes it by name
    stale_days: int | None,
    wait: bool,  # noqa: FBT001 - click passes it by name
    as_json: bool,  # noqa: FBT001 - click passes it by name
) -> None:
    """Ask vendors what covers the units with these serial numbers.

    It orders the look-ups and returns; the worker processes make them, batched to each vendor's limits. A unit whose
    look-up is ordered already is asked about once.

    Exit status: 0 all was ordered (with --wait: and answered); 1 a unit could not be asked about, or was not answered;
    2 called with wrong words.
    """
    if is_all == bool(serial_numbers):
        raise click.UsageError("Name serial numbers, or say --all.")
    if stale_days is not None and not is_all:
        raise click.UsageError("--stale-days goes with --all: units that are named are asked about anyway.")
    with writing("asked on the command line") as desk:
        client = None if client_name is None else desk.client(client_name)
        by: dict[str, Any] = {"client": client, "because": desk.because}
        if is_all:
            asked = refresh.ask_stale(desk.session, desk.runtime, stale_days=stale_days, **by)
        else:
            asked = refresh.ask_named(desk.session, desk.runtime, serial_numbers, **by)
        run_id = asked.run.public_id
    for left_out in asked.left_out:
        click.echo(f"{on_one_line(left_out.serial_number)}: {left_out.why}", err=True)
    how = _await(run_id) if wait else _look(run_id)
    if as_json:
        answer(_document(asked, how), as_json=True)
    else:
        _print(asked, how, waited=wait)
    if asked.left_out or (wait and (how.failed or how.held)):
        sys.exit(1)


def _look(run_id: UUID) -> Progress:
    with reading() as desk:
        return refresh.progress(desk.session, refresh.find_run(desk.session, run_id))


def _await(run_id: UUID) -> Progress:
    how = _look(run_id)
    with progress("Looking up", how.units) as advance:
        shown = 0
        while True:
            over = how.units - how.waiting
            advance(over - shown)
            shown = over
            if how.is_over:
                return how
            time.sleep(LOOK_S)
            how = _look(run_id)


def _document(asked: Asked, how: Progress) -> dict[str, Any]:
    return {
        **refresh.document(asked.run, how),
        "already_ordered": asked.already,
        "without_account": asked.without_account,
        "left_out": [{"serial_number": one.serial_number, "why": one.why} for one in asked.left_out],
    }


def _print(asked: Asked, how: Progress, *, waited: bool) -> None:
    whom = ", ".join(f"{count:,} of {name}" for name, count in asked.by_account.items() if count)
    click.echo(f"Units to be asked about: {whom}." if whom else "No unit is to be asked about.")
    if asked.already:
        click.echo(f"Ordered already, and not ordered again: {asked.already:,}.")
    if asked.without_account:
        click.echo(f"Units that no account can look up: {asked.without_account:,}.")
    if waited and how.units:
        click.echo(
            f"Answered: {how.answered:,}. Failed: {how.failed:,}. Waiting for somebody to mend it: {how.held:,}."
        )
    for trouble in how.troubles:
        click.echo(on_one_line(trouble), err=True)
