"""``warranty up``, ``web``, ``worker``, ``relay``: the processes."""

from __future__ import annotations

import click

from warranty import processes
from warranty.cli.shared import CliProblem, open_runtime, read_settings

PORT_HELP = "Listen here; default: PORT, else the port of WARRANTY_BASE_URL."


def _ready_to_serve() -> None:
    """Say now what would otherwise kill a child again and again: settings, schema, database."""
    with open_runtime():
        pass


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help=PORT_HELP)
def up(port: int | None) -> None:
    """Run everything on this machine: web, workers, relay, and the queue server unless REDIS_URL is set."""
    settings = read_settings()
    _ready_to_serve()
    chosen = port or settings.port
    try:
        processes.run_up(settings, chosen, ready=lambda: click.echo(f"Serving on http://127.0.0.1:{chosen}"))
    except processes.CannotServe as err:
        raise CliProblem(str(err)) from err


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help=PORT_HELP)
@click.option(
    "--host",
    default=processes.LOOPBACK,
    show_default=True,
    help="Listen on this address, for a proxy on another machine.",
)
def web(port: int | None, host: str) -> None:
    """Run the web server alone."""
    settings = read_settings()
    _ready_to_serve()
    try:
        processes.run_web(port or settings.port, host)
    except processes.CannotServe as err:
        raise CliProblem(str(err)) from err


@click.command()
def worker() -> None:
    """Run one worker: it does the background work."""
    processes.run_worker(read_settings())


@click.command()
def relay() -> None:
    """Run the relay: it hands due work to the workers."""
    processes.run_relay(read_settings())
