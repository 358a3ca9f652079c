"""The ``warranty`` command: the table of its commands. Each lives in a module that is imported when it is called."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warranty import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

STATUSES = "Exit status: 0 done, 1 could not be done (one sentence says why), 2 called with wrong words."
INTERRUPTED = 130

# fmt: off
COMMANDS: dict[str, tuple[str, str]] = {
    "asset":      ("units:asset",           "Add, list, show and change units."),
    "audit":      ("audit:audit",           "Verify the register, and write down its head outside."),
    "backup":     ("backup:backup",         "Write database and files into one file."),
    "calendar":   ("calendar:calendar",     "Work out deadlines and working time on a business calendar."),
    "case":       ("cases:case",            "List, show and close cases."),
    "client":     ("places:client",         "Add, list, show and change clients."),
    "completion": ("completion:completion", "Print what a shell needs to complete commands and options."),
    "contact":    ("places:contact",        "Add, list, show and change who is at the sites."),
    "contract":   ("contracts:contract",    "Add, list, show and change contracts."),
    "coverage":   ("contracts:coverage",    "Add, list, show and change what contracts promise."),
    "db":         ("database:group",        "Migrate the database, and compare it with the code."),
    "decide":     ("decide:decide",         "Decide cases by the rules alone, without a database."),
    "doctor":     ("doctor:doctor",         "Say what is wrong with this installation, and how to mend it."),
    "fault":      ("faults:fault",          "Log faults."),
    "handover":   ("handover:handover_",    "Take units over: check them, and let the client sign."),
    "import":     ("imports:import_",       "Import a file into the registry."),
    "job":        ("cases:job",             "List, show and move ad hoc jobs."),
    "keys":       ("keys:keys",             "Change the keys that secrets are kept with."),
    "lookup":     ("lookup:lookup",         "Ask vendors what covers units."),
    "mail":       ("mail:mail",             "See what became of mails."),
    "parity":     ("parity:group",          "Show and settle parity certificates."),
    "product":    ("units:product",         "Add, list, show, change and merge products."),
    "relay":      ("server:relay",          "Run the relay: it hands due work to the workers."),
    "replay":     ("faults:replay",         "Decide every stored case again, and compare."),
    "restore":    ("backup:restore",        "Put what a backup holds in the place of what is here."),
    "returns":    ("returns:returns",       "Follow defective units that go back, and what they cost."),
    "review":     ("cases:review",          "List, show and resolve what waits for a person."),
    "rma":        ("cases:rma",             "List, show and move claims at vendors."),
    "retire":     ("handover:retire",       "Let units go: what became of their data, and who took them."),
    "sandbox":    ("sandbox:sandbox",       "Play vendors on one port of this machine."),
    "shipment":   ("shipments:shipment",    "Follow parcels both ways."),
    "site":       ("places:site",           "Add, list, show and change the sites of clients."),
    "specification": ("specifications:specification", "Record and show what was read of units."),
    "stock":      ("stock:stock",           "Receive, reserve, issue and take back units of the MSP's own."),
    "swap":       ("swaps:swap",            "Name, install and prove what replaces a unit."),
    "token":      ("people:token",          "Make, list and revoke the tokens that programs call with."),
    "track":      ("track:track",           "Ask vendors where claims stand, now."),
    "up":         ("server:up",             "Run everything on this machine."),
    "user":       ("people:user",           "Add, list, show and change people who sign in."),
    "vendor":     ("vendors:vendor",        "Add, change, try and switch off vendor accounts."),
    "web":        ("server:web",            "Run the web server alone."),
    "worker":     ("server:worker",         "Run one worker: it does the background work."),
}
# fmt: on


class LazyGroup(click.Group):
    """Knows its commands by name only, so that ``warranty decide`` starts without a database or a web framework.

    Every command leaves with one of the statuses that its help names, whatever happens, and with no traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, sorted."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(f"warranty.cli.{module}"), attribute)
        _name_statuses(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in sorted(COMMANDS.items())])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As above, while somebody waits for it."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        found = sorted(name for name in COMMANDS if name.startswith(incomplete))
        return [CompletionItem(name, help=COMMANDS[name][1]) for name in found]

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a sign gets its escape
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as err:
            if sys.flags.dev_mode:
                raise
            raise click.ClickException(_broken(err)) from err


def _broken(err: Exception) -> str:
    """One sentence on what nobody foresaw, with the place where somebody who mends it begins."""
    trace, place = err.__traceback__, ""
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(Path(__file__).parents[1]):
            place = f" in {file.relative_to(Path(__file__).parents[2])}, line {trace.tb_lineno}"
        trace = trace.tb_next
    said = " ".join(str(err).split())[:200]
    return f"The program is at fault ({type(err).__name__}: {said}{place}); `python -X dev -m warranty` tells all."


def _name_statuses(command: click.Command) -> None:
    """Let the help of every command say its statuses; one that has others says so itself."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _name_statuses(inner)
    if "Exit status" not in (command.help or ""):
        command.epilog = STATUSES


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=STATUSES)
@click.version_option(__version__, prog_name="warranty")
def main() -> None:
    """Know what a warranty covers, open the RMA, or bill the job.

    `warranty COMMAND --help` says more. Lists show the beginning of each id; wherever a record is to be named, that much
    is enough. What prints data prints JSON with --json.
    """
