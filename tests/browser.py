"""The only place that finds, installs and starts the suite's browser: a real Chromium, never skipped.

`CHROMIUM` names it, else it is one on PATH, else Playwright's own. `python -m tests.browser` (part of `make test`)
installs one where there is none and prints its path, or stops with the one command to run.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Playwright

ON_PATH = ("chromium", "chromium-browser", "google-chrome")

FLAGS = [
    # A browser left to itself asks its maker for updates, and answers nothing while it waits.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Whatever a page names, only this machine is there.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]

PLAYWRIGHT_INSTALL = (sys.executable, "-m", "playwright", "install", "chromium")
APT_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")


class NoBrowserError(Exception):
    """There is no browser; the message says what to run."""


def find(own: str) -> str:
    """Return the path of the browser to use; `own` is where Playwright would have put its own.

    Raises:
        NoBrowserError: there is none, or `CHROMIUM` names something that does not run.
    """
    if named := os.environ.get("CHROMIUM"):
        if _runs(named):
            return named
        message = f"CHROMIUM names {named}, which does not run"
        raise NoBrowserError(message)
    for path in (*map(shutil.which, ON_PATH), own):
        if path and _runs(path):
            return path
    command = ("sudo", *APT_INSTALL) if shutil.which("apt-get") else PLAYWRIGHT_INSTALL
    message = f"no browser: run this, or set CHROMIUM to the path of a Chromium: {shlex.join(command)}"
    raise NoBrowserError(message)


def install(own: str) -> str:
    """Return the path of the browser to use, as `find` does, but install one where there is none.

    Raises:
        NoBrowserError: none could be had; the message holds the one command to run.
    """
    for command in _installers():
        try:
            return find(own)
        except NoBrowserError:
            if "CHROMIUM" in os.environ:
                raise
            _try(command)
    return find(own)


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
    yield (*PLAYWRIGHT_INSTALL, "--with-deps") if os.geteuid() == 0 else PLAYWRIGHT_INSTALL


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
    try:
        path = find(playwright.chromium.executable_path)
    except NoBrowserError as none:
        pytest.fail(f"{none} ('make test' installs one where it can)", pytrace=False)
    # Playwright starts it without Chromium's own sandbox, which neither root nor most containers could use.
    launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield launched
    launched.close()


if __name__ == "__main__":
    with sync_playwright() as driver:
        try:
            print(install(driver.chromium.executable_path))
        except NoBrowserError as none:
            sys.exit(f"make test: {none}")
