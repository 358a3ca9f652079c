"""The whole tree of commands: what every one of them says of itself, and that ``decide`` loads none of the others."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from warranty.cli import COMMANDS, main

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVE = {"relay", "sandbox", "up", "web", "worker"}
PRINT_NO_DATA = SERVE | {"completion"}


def tree(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The command and every one in it, by the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from tree(inner, *path, name)


ALL = dict(tree(main))
TREE = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}
"""Those that do something."""


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_that_prints_data_prints_json(path: tuple[str, ...]) -> None:
    has_json = any("--json" in parameter.opts for parameter in TREE[path].params)

    assert has_json is (path[0] not in PRINT_NO_DATA)


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_and_every_option_says_what_it_is_for(path: tuple[str, ...]) -> None:
    command = TREE[path]

    assert command.help
    silent = [
        option.opts for option in command.params if isinstance(option, click.Option) and not (option.help or "").strip()
    ]
    assert silent == []


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "warranty")
def test_help_fits_a_screen_of_80_columns_and_names_the_exit_statuses(path: tuple[str, ...]) -> None:
    said = ALL[path].get_help(click.Context(ALL[path], info_name=" ".join(["warranty", *path]), terminal_width=80))

    assert [line for line in said.splitlines() if len(line) > 80] == []
    assert "exit status" in said.lower()


def test_the_table_of_commands_says_of_each_what_its_own_help_does() -> None:
    context = click.Context(main)
    for name, (_, about) in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            assert about.rstrip(".") in " ".join((command.help or "").split()), name


def modules_after(*words: str) -> set[str]:
    """The packages that a call of the command has loaded."""
    program = (
        "import sys; from warranty.cli import main; main(sys.argv[1:], standalone_mode=False);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True, timeout=60, env=os.environ
    )
    return set(done.stderr.split())


HEAVY = {"alembic", "flask", "marshmallow", "redis", "requests", "rich", "rq", "sqlalchemy", "structlog", "vendors"}


@pytest.mark.parametrize("words", [("decide", "--help"), ("--help",), ("completion", "fish")], ids=" ".join)
def test_what_needs_no_database_loads_none(words: tuple[str, ...]) -> None:
    assert modules_after(*words) & HEAVY == set()
