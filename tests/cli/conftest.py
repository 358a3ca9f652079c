"""The command as a shell calls it, on a database of the test's own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from warranty.cli import main

if TYPE_CHECKING:
    from warranty.runtime import Runtime


class Shell:
    """Runs ``warranty`` in the settings of a test."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *words: object, stdin: str | None = None) -> Result:
        """What it said, and with which status it ended."""
        return CliRunner().invoke(main, [str(word) for word in words], input=stdin, env=self.environment)

    def says(self, *words: object, stdin: str | None = None) -> str:
        """What it says to a person, of a call that succeeds."""
        done = self(*words, stdin=stdin)
        assert done.exit_code == 0, done.output
        return done.stdout

    def gives(self, *words: object, stdin: str | None = None) -> Any:
        """What it gives to a program, of a call that succeeds."""
        return json.loads(self.says(*words, "--json", stdin=stdin))

    def refuses(self, *words: object, status: int = 1) -> str:
        """Why it does not do what it is asked; nothing else is said."""
        done = self(*words)
        assert (done.exit_code, done.stdout) == (status, ""), done.output
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def warranty(environment: dict[str, str], runtime: Runtime) -> Shell:
    """The command."""
    return Shell(environment)


def table(said: str) -> list[dict[str, str]]:
    """What a table says, by its columns."""
    lines = said.splitlines()
    heads = list(re.finditer(r"\S+", lines[0]))
    ends = [*(head.start() for head in heads[1:]), None]
    return [
        {head[0]: line[head.start() : end].strip() for head, end in zip(heads, ends, strict=True)} for line in lines[1:]
    ]
