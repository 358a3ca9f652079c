"""``warranty decide``: the pure decision of each case document; no database, no setting and no clock is touched.

The only place that says how documents come in and answers go out. What a document must be: ``domain.case_document``;
what is decided: ``domain.coverage``. Source: interface.md, section 5.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warranty.cli.shared import on_one_line
from warranty.domain.case import Case
from warranty.domain.case_document import read_case
from warranty.domain.coverage import decide as decide_case

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="CASE.json... | -")
@click.option("--json", is_flag=True, expose_value=False, help="Answer in JSON, as it does anyway.")
def decide(names: tuple[str, ...]) -> None:
    """Decide the case in each file, or in each line of standard input (-), and print one line of JSON for each.

    Exit status: 0 whatever the verdicts are, 2 where any document is malformed or any file cannot be read. Then nothing
    is decided, and standard error has one line a flaw, "file or line number: JSON pointer: flaw".
    """
    cases: list[Case] = []
    complaints: list[str] = []
    for name in names:
        try:
            for place, text in _documents(name):
                found = read_case(text)
                if isinstance(found, Case):
                    cases.append(found)
                else:
                    complaints.extend(f"{place}: {flaw.pointer}: {flaw.message}" for flaw in found)
        except OSError as err:
            complaints.append(f"{name}: : cannot be read: {err.strerror}")
    if complaints:
        click.echo("\n".join(map(on_one_line, complaints)), err=True)
        raise SystemExit(2)
    click.echo("".join(decide_case(case).to_json() + "\n" for case in cases), nl=False)


def _documents(name: str) -> Iterator[tuple[str, bytes]]:
    """Each document that a name stands for, and how a person finds it again: by file name, or by line number."""
    if name != "-":
        yield name, Path(name).read_bytes()
        return
    # Lines end at a line feed and nowhere else: a text inside JSON may hold the other line ends of Unicode.
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.isspace():
            yield str(number), line
