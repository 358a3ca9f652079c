"""``warranty backup`` and ``warranty restore``: everything in one file, and everything back from it."""

from __future__ import annotations

import getpass
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warranty.cli.shared import CliProblem, answer, json_option, progress, read_settings

if TYPE_CHECKING:
    from warranty.config import Settings
    from warranty.services.backups import Backup, Restored

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--force", is_flag=True, help="Also where FILE is there already: it is replaced once the new one is whole."
)
@json_option
def backup(file: Path, *, force: bool, as_json: bool) -> None:
    """Write the database and the contents of files into FILE, while everybody goes on working.

    Keep the encryption keys (WARRANTY_ENCRYPTION_KEYS) apart from it: they are not in it, and it opens with them alone.
    """
    from warranty.db import DatabaseUnavailable
    from warranty.services import backups
    from warranty.store import StoreUnavailable

    try:
        made = backups.make(read_settings(), file, force=force, progress=progress)
    except (backups.CannotBackUp, StoreUnavailable, DatabaseUnavailable) as err:
        raise CliProblem(str(err)) from err
    for key in made.manifest.missing:
        click.echo(f"Missing from the store of files, and so from the backup: {key}.", err=True)
    if made.manifest.unreadable:
        click.echo(
            f"{made.manifest.unreadable} secrets are opened by no key of WARRANTY_ENCRYPTION_KEYS: `warranty doctor` names them.",
            err=True,
        )
    if as_json:
        answer(_facts(made) | {"file": str(file)}, as_json=True)
        return
    click.echo(
        f"{file} holds everything as of {made.manifest.at:%Y-%m-%d %H:%M:%S} UTC: the database and {made.contents} contents of "
        f"files, {made.size / 1e6:,.1f} MB. The encryption keys are not in it: keep them apart."
    )


def _facts(made: Backup) -> dict[str, object]:
    manifest = made.manifest
    return {
        "at": manifest.at,
        "engine": manifest.engine,
        "schema": manifest.revision,
        "product": manifest.product,
        "contents": made.contents,
        "missing": manifest.missing,
        "unreadable_secrets": manifest.unreadable,
        "size": made.size,
        "digest": made.digest,
    }


@click.command()
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Also where the database holds anything, which is lost.")
@click.option(
    "--drill", is_flag=True, help="A copy to practise on: all accounts are switched off, and nobody gets a mail."
)
@json_option
def restore(file: Path, *, force: bool, drill: bool, as_json: bool) -> None:
    """Put what FILE holds in the place of what is here; stop web, workers and relays before, on every machine.

    Faults can be reported at once. Claims are opened once it is known what each vendor was told since the backup: by itself
    where the vendor lists its cases, else when somebody has looked (`warranty vendor release`). Everybody signs in anew.
    """
    from warranty.db import DatabaseUnavailable
    from warranty.services import backups
    from warranty.store import StoreUnavailable

    settings = read_settings()
    _check_workers(settings)
    try:
        done = backups.restore(settings, file, by=_whoami(), force=force, drill=drill, progress=progress)
    except (backups.CannotRestore, StoreUnavailable, DatabaseUnavailable) as err:
        raise CliProblem(str(err)) from err
    if as_json:
        after = done.after
        follows = {
            "restored_at": after.at,
            "searched_first": after.searched,
            "held": after.held,
            "tokens": after.tokens,
        }
        answer(_facts(done.backup) | follows, as_json=True)
        return
    _tell(done, drill=drill)


def _check_workers(settings: Settings) -> None:
    """Refuse where a worker is registered. A queue server that does not answer has none, and the database is asked too."""
    from rq import Worker

    from warranty import queue

    with closing(queue.connect(settings.redis_url)) as connection:
        try:
            workers = Worker.count(queue=queue.work_queue(connection))
        except queue.QueueUnavailable:
            return
    if workers:
        raise CliProblem(
            f"{workers} workers are at work: stop them, and web and relay, on every machine, and then restore. One that was "
            "killed is forgotten after two minutes."
        )


def _whoami() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return f"uid {os.getuid()}"


def _tell(done: Restored, *, drill: bool) -> None:
    manifest, after = done.backup.manifest, done.after
    click.echo(
        f"Everything is as it was at {manifest.at:%Y-%m-%d %H:%M:%S} UTC, with {done.backup.contents} contents of files."
    )
    if drill:
        click.echo("It is a copy to practise on: every account is switched off, and no client gets a mail.")
    elif after.held:
        click.echo(
            f"Nothing is opened at {', '.join(after.held)} before it is known what was opened there since: start everything, "
            "and look at `warranty vendor list` and `warranty review list`."
        )
    click.echo(
        f"{after.searched} orders that may have been sent since are searched for first. Everybody signs in anew."
    )
    if after.tokens:
        click.echo(
            f"{after.tokens} tokens open, also those that were revoked since then: look through `warranty token list`."
        )
