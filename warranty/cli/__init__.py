"""The ``warranty`` command: the table of its commands. Each lives in a module that is imported when it is called."""

from __future__ import annotations

import importlib

import click

from warranty import __version__

COMMANDS = {
    "calendar": "calendar:calendar",
    "case": "faults:case",
    "asset": "registry:asset",
    "audit": "audit:audit",
    "client": "registry:client",
    "contract": "registry:contract",
    "db": "database:group",
    "decide": "decide:decide",
    "doctor": "doctor:doctor",
    "fault": "faults:fault",
    "import": "imports:import_",
    "mail": "mail:mail",
    "relay": "server:relay",
    "replay": "faults:replay",
    "sandbox": "sandbox:sandbox",
    "site": "registry:site",
    "token": "people:token",
    "up": "server:up",
    "user": "people:user",
    "vendor": "vendors:vendor",
    "web": "server:web",
    "worker": "server:worker",
}


class LazyGroup(click.Group):
    """Knows its commands by name only, so that ``warranty decide`` starts without a database or a web framework."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, sorted."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(f"warranty.cli.{module}"), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="warranty")
def main() -> None:
    """Know what a warranty covers, open the RMA, or bill the job.

    Exit status: 0 done, 1 could not be done (one sentence says why), 2 called with wrong words.
    """
