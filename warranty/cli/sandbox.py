"""``warranty sandbox``: pretended vendors over real HTTP, with injected faults."""

from __future__ import annotations

import click

from warranty.cli.shared import CliProblem


@click.command()
@click.option("--vendor", "names", multiple=True, help="Which vendors to play; may repeat. Default: all there are.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9400, show_default=True, help="Listen here; 0 takes a free port."
)
@click.option(
    "--fault-rate",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Share of calls that fail, some of them after they were taken.",
)
@click.option(
    "--drop-after-accept",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Share of opens that are taken and then dropped.",
)
@click.option("--latency", type=click.FloatRange(0, 600), default=0.0, help="Seconds before each answer.")
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False),
    help="Keep what was accepted in this file, so that a restart remembers it.",
)
@click.option("--auto-approve", type=click.FloatRange(0, 600), help="Seconds after which a case is approved by itself.")
@click.option("--tags", type=click.Path(dir_okay=False), help="A JSON file of the units that the look-up twins know.")
def sandbox(
    names: tuple[str, ...],
    port: int,
    fault_rate: float,
    drop_after_accept: float,
    latency: float,
    ledger: str | None,
    auto_approve: float | None,
    tags: str | None,
) -> None:
    """Play vendors on one port of this machine, strictly as their documents say, until Ctrl-C."""
    from vendors.sandbox import run_sandbox

    try:
        run_sandbox(
            names,
            port=port,
            fault_rate=fault_rate,
            drop_after_accept=drop_after_accept,
            latency=latency,
            ledger_file=ledger,
            tags_file=tags,
            auto_approve_s=-1.0 if auto_approve is None else auto_approve,
        )
    except ValueError as err:
        raise CliProblem(f"{err}.") from err
    except OSError as err:
        raise CliProblem(f"The sandbox cannot start: {err.strerror}. Pass another --port, or another file.") from err
