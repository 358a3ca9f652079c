"""``warranty specification``: what units are made of and how they are set up, kept as evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from warranty.cli.desk import Desk, client_option, listing, print_list, reading, writing
from warranty.cli.places import reason_option
from warranty.cli.shared import CliProblem, json_option, word
from warranty.domain.specification import BIGGEST
from warranty.models import Asset, Snapshot, SnapshotKind
from warranty.services import specifications

if TYPE_CHECKING:
    from typing import Any

WHOSE = client_option("Whose unit it is, where several have one of this serial.")


@click.group()
def specification() -> None:
    """Record and show what was read of units."""


@specification.command("record")
@click.argument("serial_number", metavar="SERIAL")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@word("--kind", words=SnapshotKind, default=SnapshotKind.SPECIFICATION.value, about="What the file holds.")
@WHOSE
@reason_option
@json_option
def record(
    serial_number: str, file: Path, *, kind: SnapshotKind, client_name: str | None, reason: str, as_json: bool
) -> None:
    """Record what a tool printed of a unit: lshw -json, Ansible, Redfish, NAPALM, dmidecode, JSON by hand or CSV."""
    content = content_of(file)
    with writing(reason) as desk:
        unit = _unit(desk, serial_number, client_name)
        row = specifications.record(desk.session, unit, content, desk.because, kind=kind)
        shown = desk.document(specifications.SNAPSHOTS, row)
    shown.print(as_json=as_json)


def content_of(file: Path) -> bytes:
    """What a file holds, a little more than is read at most, so that what is too large is refused without its weight."""
    try:
        with file.open("rb") as stream:
            return stream.read(BIGGEST + 1)
    except OSError as err:
        raise CliProblem(f"{file} cannot be read: {err.strerror}.") from err


@specification.command("list")
@click.argument("serial_number", metavar="SERIAL")
@WHOSE
@listing
def list_(serial_number: str, client_name: str | None, **how: Any) -> None:
    """List what was read of a unit, the newest first."""
    print_list(
        lambda _: specifications.SNAPSHOTS,
        lambda desk: [Snapshot.asset_id == _unit(desk, serial_number, client_name).id],
        "id kind source taken_at digest",
        **how,
    )


@specification.command("show")
@click.argument("serial_number", metavar="SERIAL")
@word("--kind", words=SnapshotKind, default=SnapshotKind.SPECIFICATION.value, about="What to show.")
@WHOSE
@json_option
def show(serial_number: str, *, kind: SnapshotKind, client_name: str | None, as_json: bool) -> None:
    """Show what was read of a unit last."""
    with reading() as desk:
        unit = _unit(desk, serial_number, client_name)
        row = specifications.newest(desk.session, kind, of=unit)
        if row is None:
            raise CliProblem(f"No {kind} of {unit.serial_number} was recorded yet.")
        shown = desk.document(specifications.SNAPSHOTS, row)
    shown.print(as_json=as_json)


def _unit(desk: Desk, serial_number: str, client_name: str | None) -> Asset:
    return desk.unit(serial_number, None if client_name is None else desk.client(client_name))
