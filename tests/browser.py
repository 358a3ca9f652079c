"""The only place that finds, installs and starts the suite's browser: a real Chromium, never skipped.

`CHROMIUM` names it, else it is one on PATH, else Playwright's own. `python -m tests.browser` (part of `make test`)
installs one where there is none and prints its path, or stops with the one command to run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error, Playwright, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

ON_PATH = ("chromium", "chromium-browser", "google-chrome")

FLAGS = (
    # A browser left to itself asks its maker for updates, and answers nothing while it waits.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Whatever a page names, only this machine is there.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)

HELP = "no browser: run '{}', or set CHROMIUM to the path of a Chromium"

PLAYWRIGHT_INSTALL = (sys.executable, "-m", "playwright", "install", "--with-deps", "chromium")
APT_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")


class NoBrowserError(Exception):
    """There is no browser; the message says what to run."""


@cache
def find() -> str | None:
    """Return the path of the browser to use, or None where there is none.

    Raises:
        NoBrowserError: `CHROMIUM` names something that does not run.
    """
    if named := os.environ.get("CHROMIUM"):
        if _runs(named):
            return named
        message = f"CHROMIUM names {named}, which does not run"
        raise NoBrowserError(message)
    for name in ON_PATH:
        path = shutil.which(name)
        if path and _runs(path):
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if _runs(own) else None


def install() -> str:
    """Return the path of the browser to use, installing one where there is none.

    Raises:
        NoBrowserError: none could be had; the message holds the one command to run.
    """
    found = find()
    for command in () if found else _installers():
        _try(command)
        find.cache_clear()
        found = find()
        if found:
            break
    if not found:
        command = ("sudo", *APT_INSTALL) if shutil.which("apt-get") else PLAYWRIGHT_INSTALL
        raise NoBrowserError(HELP.format(" ".join(command)))
    return found


def _runs(path: str) -> bool:
    """Whether the program starts: a browser without its libraries, or Ubuntu's placeholder for a snap, does not."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _installers() -> Iterator[Sequence[str]]:
    if os.geteuid() == 0 and _is_debian():
        yield ("apt-get", "update")
        yield APT_INSTALL
    yield PLAYWRIGHT_INSTALL if os.geteuid() == 0 else tuple(x for x in PLAYWRIGHT_INSTALL if x != "--with-deps")


def _is_debian() -> bool:
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text().splitlines() and shutil.which("apt-get") is not None


def _try(command: Sequence[str]) -> None:
    """Run an installer with its words on standard error, whatever becomes of it: only the browser itself is proof."""
    print("$", *command, file=sys.stderr)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment, check=False)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver, which one test process starts once."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A real Chromium; each test opens its own `browser.new_context()`, which has its own cookies."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ON_PATH)), playwright.chromium.executable_path)
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(FLAGS)
    try:
        launched = playwright.chromium.launch(executable_path=path, args=flags)
    except Error as err:
        pytest.fail(f"the browser does not start; 'make test' finds or installs one: {err}", pytrace=False)
    yield launched
    launched.close()


if __name__ == "__main__":
    try:
        print(install())
    except NoBrowserError as none:
        sys.exit(str(none))
