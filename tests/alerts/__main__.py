"""`python -m tests.alerts`: let promtool check the alert rules, their tests, and the form of what `/metrics` prints.

`PROMTOOL` names it, else it is one on PATH; where there is none it is installed if that can be done, else one sentence
says what to run.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from tests.alerts.measurements import text_of_an_empty_installation
from tests.house import ROOT

RULES = ROOT / "docs" / "alerts.yml"
CASES = ROOT / "tests" / "alerts" / "cases.yml"
APT_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "prometheus")


class NoPromtoolError(Exception):
    """There is no promtool; the message says what to run."""


def find() -> str:
    """Return the path of promtool.

    Raises:
        NoPromtoolError: there is none.
    """
    path = shutil.which(os.environ.get("PROMTOOL", "promtool"))
    if path is None:
        message = f"no promtool: run this, or set PROMTOOL to the path of one: {shlex.join(('sudo', *APT_INSTALL))}"
        raise NoPromtoolError(message)
    return path


def install() -> str:
    """Return the path of promtool, as `find` does, but install it where there is none and that can be done."""
    try:
        return find()
    except NoPromtoolError:
        if "PROMTOOL" not in os.environ and os.geteuid() == 0 and shutil.which("apt-get"):
            # The package brings a server too, which is not to start on this machine.
            environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
            for command in (("apt-get", "update"), APT_INSTALL):
                print("$", *command, file=sys.stderr)
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment, check=False)
    return find()


def check(promtool: str) -> bool:
    """Let promtool look at all three, and print what it says; whether it found nothing wrong."""
    measured = text_of_an_empty_installation().encode()
    asked = (
        (("check", "rules", str(RULES)), b""),
        (("test", "rules", str(CASES)), b""),
        (("check", "metrics"), measured),
    )
    is_well = True
    for words, given in asked:
        print("$ promtool", *words, flush=True)
        is_well &= subprocess.run((promtool, *words), input=given, check=False, cwd=CASES.parent).returncode == 0
    return is_well


if __name__ == "__main__":
    try:
        found = install()
    except NoPromtoolError as none:
        sys.exit(f"tests.alerts: {none}")
    sys.exit(0 if check(found) else 1)
