"""``warranty keys``: the encryption keys that secrets are kept with."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from warranty import db
from warranty.cli.shared import CliProblem, answer, json_option, open_runtime, progress
from warranty.domain.access import OPERATOR
from warranty.services import keys as service
from warranty.services.moves import Because


@click.group()
def keys() -> None:
    """Change the keys that secrets are kept with."""


@keys.command()
@json_option
def rotate(*, as_json: bool) -> None:
    """Seal every secret anew with the first of WARRANTY_ENCRYPTION_KEYS.

    Run it once every process has been started with the new key in front of the old one. It may run beside them, and be
    stopped and run again.
    """
    because = Because(OPERATOR.actor, "The encryption keys were rotated.", datetime.now(UTC))
    with open_runtime() as runtime:
        with runtime.database.read(db.EVERYBODY) as session:
            kept = service.standing(session, runtime.box).kept
        with progress("Sealing anew", kept) as advance:
            resealed = service.rotate(runtime.database, runtime.box, because, on_progress=advance)
        with runtime.database.read(db.EVERYBODY) as session:
            after = service.standing(session, runtime.box)
    if after.old or after.lost:
        raise CliProblem(
            f"{resealed} secrets were sealed anew, but {after.old + len(after.lost)} were sealed otherwise meanwhile: a "
            "process still runs with other keys, or another first one. Start it again with these, and run this again."
        )
    if as_json:
        answer({"secrets": after.kept, "resealed": resealed, "under_old_keys": after.old}, as_json=True)
        return
    click.echo(
        f"{resealed} of {after.kept} secrets were sealed anew; all are under the first key now. "
        "The older keys may be taken out of WARRANTY_ENCRYPTION_KEYS."
    )
