"""``warranty handover`` and ``retire``: how units are taken over, and how they come to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from warranty.cli.desk import client_option, listing, print_list, reading, writing
from warranty.cli.shared import Day, Word, answer, json_option, word
from warranty.domain.handover import HandoverResult, Sanitization, StepKey, StepOutcome, UnitClass
from warranty.domain.terms import AssetState, Component
from warranty.models import Asset, Baseline
from warranty.services import estate, handover, records, retiring
from warranty.services.handover import BASELINES, Acceptance
from warranty.services.retiring import Medium

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement

    from warranty.cli.desk import Desk
    from warranty.services.records import Document

WHOSE = client_option("Whose unit it is, where several have one of this serial.")
UNIT = click.argument("named", metavar="SERIAL")
ON_THE_SPOT = click.option("--reason", default="done on the command line", help="Why; it stands in the register.")


def _unit(desk: Desk, named: str, client_name: str | None) -> Asset:
    return desk.unit(named, None if client_name is None else desk.client(client_name))


@click.group()
def handover_() -> None:
    """Take units over: check them, and let the client sign."""


@handover_.command("list")
@click.option("--client", "client_name", help="Of this client only.")
@click.option("--site", "site_name", help="Of this site only, by its name or id.")
@listing
def waiting(client_name: str | None, site_name: str | None, **how: Any) -> None:
    """List the units that wait for their hand-over, or were rejected at it."""

    def where(desk: Desk) -> list[ColumnElement[bool]]:
        states = (AssetState.ONBOARDING, AssetState.REJECTED_AT_HANDOVER)
        found: list[ColumnElement[bool]] = [Asset.state.in_(states)]
        client = None if client_name is None else desk.client(client_name)
        if client is not None:
            found.append(Asset.client_id == client.id)
        if site_name is not None:
            found.append(Asset.site_id == desk.site(site_name, client).id)
        return found

    print_list(lambda _: records.ASSETS, where, "id serial_number name client site state", **how)


def _progress(desk: Desk, row: Asset) -> Document:
    steps = handover.checks(desk.session, row)
    return {
        "asset_id": row.public_id,
        "serial_number": row.serial_number,
        "state": row.state,
        "unit_class": steps[0].unit_class if steps else None,
        "checks": [handover.step_document(one) for one in steps],
        "open": [one.step for one in estate.open_checks(desk.session, row.id)],
    }


@handover_.command("show")
@UNIT
@WHOSE
@json_option
def show(named: str, client_name: str | None, *, as_json: bool) -> None:
    """Show how far the hand-over of a unit is: its checks, and which are open."""
    with reading() as desk:
        shown = desk.shown(_progress(desk, _unit(desk, named, client_name)))
    shown.print(as_json=as_json)


@handover_.command("history")
@UNIT
@WHOSE
@listing
def history(named: str, client_name: str | None, **how: Any) -> None:
    """List what was signed for a unit, the newest first: that one counts."""
    print_list(
        lambda _: BASELINES,
        lambda desk: [Baseline.asset_id == _unit(desk, named, client_name).id],
        "id result exceptions signer_name signature signed_at reason",
        **how,
    )


@handover_.command("begin")
@UNIT
@click.argument("unit_class", metavar="CLASS", type=Word(UnitClass))
@WHOSE
@ON_THE_SPOT
@json_option
def begin(named: str, unit_class: UnitClass, client_name: str | None, reason: str, *, as_json: bool) -> None:
    """Lay out the checks of a unit of a CLASS.

    Classes: server, storage, network, workstation, printer, power, other.
    """
    with writing(reason) as desk:
        row = desk.hold(_unit(desk, named, client_name))
        handover.begin(desk.session, row, unit_class, because=desk.because)
        shown = desk.shown(_progress(desk, row))
    shown.print(as_json=as_json)


@handover_.command("check")
@UNIT
@click.argument("step", type=Word(StepKey), metavar="CHECK")
@word("--outcome", words=StepOutcome, default=StepOutcome.DONE, show_default=True, about="What became of it.")
@click.option("--again", is_flag=True, help="It is open again.")
@click.option("--evidence", default="", help="What shows it; of one that is not needed, why.")
@WHOSE
@ON_THE_SPOT
@json_option
def check(
    named: str,
    step: StepKey,
    outcome: StepOutcome,
    evidence: str,
    client_name: str | None,
    reason: str,
    *,
    again: bool,
    as_json: bool,
) -> None:
    """Say what became of a CHECK of a unit; `handover show` names them."""
    with writing(reason) as desk:
        row = desk.hold(_unit(desk, named, client_name))
        said = None if again else outcome
        handover.check(desk.session, row, step, said, evidence, because=desk.because)
        shown = desk.shown(_progress(desk, row))
    shown.print(as_json=as_json)


@handover_.command("sign")
@UNIT
@WHOSE
@word("--result", words=HandoverResult, required=True, about="In what state it was handed over.")
@word("--exception", "exceptions", words=Component, multiple=True, about="What was not healthy; may repeat.")
@click.option("--signed-by", required=True, help="Who signed: a name, the id of a contact, or a pseudonym.")
@click.option("--role", default="", help="What they are at the client's.")
@click.option("--reason", default="", help="Why; needed where this supersedes a baseline.")
@json_option
def sign(
    named: str,
    client_name: str | None,
    result: HandoverResult,
    exceptions: Sequence[Component],
    signed_by: str,
    role: str,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Record what was signed for a unit; accepted, it goes into service, else it is rejected."""
    with writing(reason) as desk:
        row = desk.hold(_unit(desk, named, client_name))
        given = Acceptance(result, signed_by, exceptions, role)
        shown = desk.document(BASELINES, handover.sign(desk.session, row, given, because=desk.because))
    shown.print(as_json=as_json)


# --- the end ---


@click.group()
def retire() -> None:
    """Let units go: what became of their data, and who took them.

    A unit is taken out of use with `warranty asset change SERIAL --state decommissioned`.
    """


@retire.command("show")
@UNIT
@WHOSE
@json_option
def retire_show(named: str, client_name: str | None, *, as_json: bool) -> None:
    """Show what is known of a unit's end, and what is missing before it may be disposed of."""
    with reading() as desk:
        shown = retiring.document(desk.session, _unit(desk, named, client_name))
    answer(shown, as_json=as_json)


@retire.command("medium")
@UNIT
@click.argument("method", type=Word(Sanitization), metavar="METHOD")
@click.option("--medium", "serial_number", default="", help="The serial number of the medium.")
@click.option("--tool", default="", help="With what it was erased; needed for clear and purge.")
@click.option("--by", "done_by", required=True, help="Who did it, or took it.")
@click.option("--on", "done_on", type=Day(), required=True, help="On which day.")
@click.option("--certificate", default="", help="The number of its certificate; needed for destroy.")
@WHOSE
@ON_THE_SPOT
@json_option
def medium(
    named: str,
    method: Sanitization,
    serial_number: str,
    tool: str,
    done_by: str,
    done_on: date,
    certificate: str,
    client_name: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Keep what became of the data of one medium of a unit.

    Methods: clear, purge, destroy (NIST SP 800-88), left_with_client, no_media.
    """
    with writing(reason) as desk:
        row = desk.hold(_unit(desk, named, client_name))
        given = Medium(method, done_by, done_on, serial_number, tool, certificate)
        retiring.add_medium(desk.session, row, given, because=desk.because)
        shown = retiring.document(desk.session, row)
    answer(shown, as_json=as_json)


@retire.command("dispose")
@UNIT
@click.option("--recycler", required=True, help="Who took it.")
@click.option("--document", required=True, help="The number of their paper.")
@click.option("--on", "disposed_on", type=Day(), required=True, help="On which day.")
@WHOSE
@ON_THE_SPOT
@json_option
def dispose(
    named: str,
    recycler: str,
    document: str,
    disposed_on: date,
    client_name: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Say who took a decommissioned unit for recycling; refused while its media are not accounted for."""
    with writing(reason) as desk:
        row = desk.hold(_unit(desk, named, client_name))
        retiring.dispose(
            desk.session, row, recycler=recycler, document=document, disposed_on=disposed_on, because=desk.because
        )
        shown = retiring.document(desk.session, row)
    answer(shown, as_json=as_json)
