"""``warranty track``: ask vendors where claims stand, now."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import select

from warranty import db
from warranty.cli.desk import reading, writing
from warranty.cli.shared import answer, json_option, on_one_line, progress
from warranty.models import Rma, VendorAccount
from warranty.services import tracking
from warranty.services.tracking import Asked, CannotAsk

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOK_S = 0.3
"""How often somebody who waits looks."""


@click.command()
@click.argument("named", metavar="[RMA]...", nargs=-1)
@click.option(
    "--all", "is_all", is_flag=True, help="All open claims whose vendors can be asked, in place of named ones."
)
@click.option("--wait", is_flag=True, help="Wait until the vendors have answered.")
@json_option
def track(named: tuple[str, ...], *, is_all: bool, wait: bool, as_json: bool) -> None:
    """Ask vendors where claims stand, before their turn comes.

    RMA is the claim's reference (WR-…), the vendor's case or RMA number, the case's reference (F-…), or an id. It orders
    the questions and returns; the worker processes ask, within each vendor's limits.

    Exit status: 0 all was ordered (with --wait: and answered); 1 a claim could not be asked for, or was not answered;
    2 called with wrong words.
    """
    if is_all == bool(named):
        raise click.UsageError("Name claims, or say --all.")
    left_out: list[str] = []
    with writing("asked on the command line") as desk:
        asked = Asked(db.now(desk.session))
        claims = [desk.hold(desk.claim(said)) for said in named]
        if is_all:
            tracking.ask_all(desk.session, desk.runtime, asked)
        for rma in claims:
            try:
                tracking.ask(desk.session, desk.runtime, rma, asked)
            except CannotAsk as err:
                left_out.append(str(err))
    if wait:
        _await(asked)
    with reading() as desk:
        held = desk.session.scalars(
            select(VendorAccount.name)
            .where(VendorAccount.id.in_(tracking.parked(desk.session, asked.account_ids)))
            .order_by(VendorAccount.name)
        ).all()
        rows = [_row(desk.session.get_one(Rma, rma.id)) for rma in claims]
    if as_json:
        answer({"asked": asked.claims, "to_be_mended": held, "left_out": left_out, "rmas": rows}, as_json=True)
    else:
        _print(asked, rows)
        _complain([*left_out, *(f"{name} has to be mended before it answers." for name in held)])
    if left_out or held:
        sys.exit(1)


def _row(rma: Rma) -> dict[str, Any]:
    names = ("client_reference", "state", "vendor_case_number", "rma_number", "vendor_status", "heard_at")
    return {name: getattr(rma, name) for name in names}


def _await(asked: Asked) -> None:
    with progress("Asking", asked.claims) as advance:
        shown = 0
        while True:
            with reading() as desk:
                waiting = tracking.waiting(desk.session, asked)
            answered = max(shown, asked.claims - waiting)
            advance(answered - shown)
            shown = answered
            if not waiting:
                return
            time.sleep(LOOK_S)


def _print(asked: Asked, rows: list[dict[str, Any]]) -> None:
    click.echo(f"Claims that are asked for: {asked.claims:,}.")
    if rows:
        answer(rows, as_json=False)


def _complain(sentences: Iterable[str]) -> None:
    for said in sentences:
        click.echo(on_one_line(said), err=True)
