"""Completion, by the shell that does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from warranty.cli import main

ASK = """
source /dev/stdin <<'SCRIPT'
{script}
SCRIPT
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_warranty_completion warranty
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(tmp_path: Path, *words: str) -> list[str]:
    """What a real bash offers for the last of the words."""
    bash = shutil.which("bash")
    assert bash is not None
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "warranty"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m warranty "$@"\n')
    program.chmod(0o755)
    script = CliRunner().invoke(main, ["completion", "bash"]).stdout
    asked = ASK.format(script=script, words=" ".join(["warranty", *(word or "''" for word in words)]))
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", asked],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("cl",), ["client"]),
        (("co",), ["completion", "contact", "contract", "coverage"]),
        (("client", ""), ["add", "change", "list", "show"]),
        (("user", "add", "a@b.example", "--role", "client_"), ["client_approver", "client_viewer"]),
        (("review", "resolve", "17", "att"), ["attest_absence"]),
        (("asset", "list", "--js"), ["--json"]),
    ],
)
def test_bash_completes_commands_options_and_words(tmp_path: Path, words: tuple[str, ...], offered: list[str]) -> None:
    assert sorted(completed(tmp_path, *words)) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])

    assert done.exit_code == 0
    assert "_WARRANTY_COMPLETE" in done.stdout
