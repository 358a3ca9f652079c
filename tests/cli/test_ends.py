"""How commands end: with which status, what they say, and that nobody ever reads a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from array import array
from fcntl import ioctl
from termios import FIONREAD
from typing import IO, TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from tests import factories
from tests.cli.conftest import Shell
from tests.cli.test_tree import TREE
from warranty import db
from warranty.cli import LazyGroup, main

if TYPE_CHECKING:
    from pathlib import Path

    from warranty.runtime import Runtime

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_a_wrong_word_is_status_2_on_standard_error(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [*path, "--no-such-option"])

    assert (done.exit_code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


# What stands behind the name of a command, so that it is one that can be read and yet cannot be done.
CANNOT_BE_DONE = {
    "asset add": ["A1", "--client", "Nobody"],
    "asset change": ["A1", "--name", "x"],
    "asset list": ["--client", "Nobody"],
    "asset show": ["A1"],
    "audit anchor": [],
    "backup": ["/nowhere/at/all.zip"],
    "calendar between": None,  # asks no database; see test_calendar
    "calendar business-day": None,
    "calendar deadline": None,
    "calendar next-opening": None,
    "case close": ["F-0000-0000", "--reason", "x"],
    "case list": ["--client", "Nobody"],
    "case note": ["F-0000-0000", "x"],
    "case notes": ["F-0000-0000"],
    "case show": ["F-0000-0000"],
    "client add": [""],
    "client change": ["Nobody", "--name", "x"],
    "client show": ["Nobody"],
    "contact add": ["Bo", "--site", "Nowhere"],
    "contact change": [NOWHERE, "--name", "x"],
    "contact list": ["--client", "Nobody"],
    "contact erase": [NOWHERE, "--yes"],
    "contact show": [NOWHERE],
    "contract add": ["W-1", "--client", "Nobody"],
    "contract change": ["W-1", "--name", "x"],
    "contract list": ["--client", "Nobody"],
    "contract show": ["W-1"],
    "coverage add": ["W-1", "--client", "Nobody", "--kind", "insurance", "--starts-on", "2026-01-01"],
    "coverage change": [NOWHERE, "--name", "x"],
    "coverage list": ["--client", "Nobody"],
    "coverage show": [NOWHERE],
    "fault report": ["A1", "--cause", "wear", "--component", "disk", "--symptom", "x"],
    "handover begin": ["A1", "server"],
    "handover check": ["A1", "serial_seen"],
    "handover history": ["A1"],
    "handover list": ["--client", "Nobody"],
    "handover show": ["A1"],
    "handover sign": ["A1", "--result", "healthy", "--signed-by", "user:1", "--reason", "x"],
    "import": ["assets", "/nowhere/at/all.csv"],
    "job list": ["--client", "Nobody"],
    "job move": ["J-1", "waived", "--reason", "x"],
    "job show": ["J-1"],
    "mail send-again": [NOWHERE],
    "product add": ["...", "M1"],
    "product change": ["M1", "--model", "x"],
    "product merge": ["M1", "M2"],
    "product show": ["M1"],
    "restore": ["/nowhere/at/all.zip"],
    "retire dispose": ["A1", "--recycler", "x", "--document", "x", "--on", "2026-01-01"],
    "retire medium": ["A1", "no_media", "--by", "x", "--on", "2026-01-01"],
    "retire show": ["A1"],
    "review list": ["--client", "Nobody"],
    "review resolve": [NOWHERE, "reject", "--reason", "x"],
    "review show": [NOWHERE],
    "parity accept": ["F-0000-0000", "memory"],
    "parity ask": ["F-0000-0000", "memory", "--reason", "x"],
    "parity show": ["F-0000-0000"],
    "rma give": [NOWHERE, "--troubleshooting", "x"],
    "rma list": ["--client", "Nobody"],
    "rma move": ["WR-1", "cancelled", "--reason", "x"],
    "rma parts": [NOWHERE],
    "rma show": ["WR-1"],
    "sandbox": ["--vendor", "nobody"],
    "site add": ["Quay", "--client", "Nobody", "--time-zone", "UTC"],
    "site change": ["Quay", "--name", "x"],
    "site list": ["--client", "Nobody"],
    "site show": ["Quay"],
    "returns charge": [
        "R",
        "--kind",
        "late",
        "--amount",
        "1",
        "--currency",
        "EUR",
        "--payer",
        "msp",
        "--blame",
        "msp",
        "--reason",
        "x",
    ],
    "returns costs": ["--client", "Nobody"],
    "returns list": ["--client", "Nobody"],
    "returns plan": ["R", "--reason", "x"],
    "returns retain": ["R", "--file", "F", "--by", "x", "--on", "2026-06-02", "--method", "x", "--reason", "x"],
    "returns sent": ["R", "--reason", "x"],
    "returns settle": ["R", "--reason", "x"],
    "returns show": ["R"],
    "returns slip": ["R", "-o", "slip.pdf"],
    "shipment add": ["WR-1", "to_us", "--reason", "x"],
    "shipment change": [NOWHERE, "--note", "x", "--reason", "x"],
    "shipment list": ["--client", "Nobody"],
    "shipment move": [NOWHERE, "delivered", "--reason", "x"],
    "shipment show": [NOWHERE],
    "specification list": ["A1"],
    "specification record": ["A1", __file__],
    "specification show": ["A1"],
    "stock add-store": [""],
    "stock issue": ["S1", "--reason", "x"],
    "stock list": ["--store", "Nowhere"],
    "stock put-back": ["S1", "Nowhere", "--reason", "x"],
    "stock receive": ["M1", "Nowhere", "--quantity", "1", "--reason", "x"],
    "stock release": ["S1", "--reason", "x"],
    "stock reserve": ["S1", "--case", "F-1", "--reason", "x"],
    "stock show": ["S1"],
    "swap contract": ["F-0000-0000", "W-1", "moved", "--reason", "x"],
    "swap lend": ["F-0000-0000", "S1", "--reason", "x"],
    "swap list": ["--client", "Nobody"],
    "swap move": ["F-0000-0000", "installed", "--reason", "x"],
    "swap scan": ["F-0000-0000", "S1"],
    "swap shelve": ["F-0000-0000", "Nowhere", "--reason", "x"],
    "swap show": ["F-0000-0000"],
    "swap take-back": ["F-0000-0000", "Nowhere", "--reason", "x"],
    "lookup": ["S1", "--client", "Nobody"],
    "token add": ["--user", "nobody@msp.example", "--scope", "read"],
    "token list": ["--user", "nobody@msp.example"],
    "token revoke": [NOWHERE],
    "token show": [NOWHERE],
    "track": ["WR-1"],
    "user add": ["no address", "--role", "admin"],
    "user change": ["nobody@msp.example", "--name", "x"],
    "user deactivate": ["nobody@msp.example"],
    "user erase": ["nobody@msp.example", "--yes"],
    "user list": ["--client", "Nobody"],
    "user password": ["nobody@msp.example"],
    "user reactivate": ["nobody@msp.example"],
    "user show": ["nobody@msp.example"],
    "vendor add": ["nobody", "--name", "x"],
    "vendor change": ["Nobody", "--name", "x"],
    "vendor release": ["Nobody", "--reason", "x"],
    "vendor show": ["Nobody"],
    "vendor switch-off": ["Nobody", "--reason", "x"],
    "vendor switch-on": ["Nobody", "--reason", "x"],
    "vendor test": ["Nobody"],
}


def test_every_command_that_can_fail_on_a_whole_database_stands_in_the_table() -> None:
    always_can = {
        "audit verify",
        "client list",
        "completion",
        "db check",
        "db upgrade",
        "decide",
        "doctor",
        "keys rotate",
        "mail list",
    }
    always_can |= {"product list", "relay", "replay", "stock stores", "up", "vendor list", "web", "worker"}

    assert {" ".join(path) for path in TREE} == CANNOT_BE_DONE.keys() | always_can


@pytest.mark.parametrize("name", [name for name, words in CANNOT_BE_DONE.items() if words is not None])
def test_what_cannot_be_done_is_status_1_and_one_sentence(kept_sqlite_shell: Shell, name: str) -> None:
    said = kept_sqlite_shell.refuses(*name.split(), *(CANNOT_BE_DONE[name] or ()))

    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1
    assert "program is at fault" not in said


@pytest.fixture(scope="module")
def kept_sqlite_shell(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Shell:
    """The command on an empty database that no test of this module changes."""
    folder = tmp_path_factory.mktemp("ends")
    settings = {"WARRANTY_MODE": "development", "WARRANTY_INSTANCE": str(folder / "instance")}
    return Shell(settings | {"DATABASE_URL": f"sqlite:///{_copy(sqlite_template, folder)}", "REDIS_URL": ""})


def _copy(template: Path, folder: Path) -> Path:
    copy = folder / "warranty.sqlite3"
    copy.write_bytes(template.read_bytes())
    return copy


@pytest.mark.parametrize(
    "name", ["client list", "asset show A1", "user add a@b.example --role admin", "replay", "web", "up"]
)
def test_a_database_that_is_away_is_one_sentence(tmp_path: Path, name: str) -> None:
    away = {
        "WARRANTY_MODE": "development",
        "WARRANTY_INSTANCE": str(tmp_path),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    }

    said = Shell(away).refuses(*name.split())

    assert len(said.splitlines()) == 1
    assert "Check DATABASE_URL" in said


def test_what_nobody_foresaw_is_one_sentence_with_its_place() -> None:
    @click.group(cls=LazyGroup)
    def broken() -> None:
        raise KeyError("some\nthing")

    done = CliRunner().invoke(broken, ["client", "list"])

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: The program is at fault (KeyError: 'some\\nthing'")
    assert len(done.stderr.splitlines()) == 1


# --- as processes ---


def started(*words: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-m", "warranty", *words], env=os.environ | environment, text=True, **pipes
    )


def test_whoever_stops_reading_is_told_nothing(kept_sqlite: Runtime, tmp_path: Path) -> None:
    with kept_sqlite.database.begin(db.EVERYBODY) as session:
        for number in range(450):
            factories.make_client(session, f"Client {number} {'x' * 150}")
    environment = {
        "WARRANTY_MODE": "development",
        "WARRANTY_INSTANCE": str(tmp_path),
        "DATABASE_URL": kept_sqlite.database.url,
    }
    with started("client", "list", environment=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert said == ""
    assert process.returncode == 1


def test_whoever_presses_ctrl_c_is_told_nothing_and_gets_130() -> None:
    with started("decide", "-", environment={}) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        _wait_until_it_has_read(process.stdin)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read() + process.stdout.read()

    assert (process.returncode, said) == (130, "")


def _wait_until_it_has_read(pipe: IO[str]) -> None:
    """Wait until nothing that was written is left in the pipe: the process is at work."""
    left = array("i", [1])
    while left[0]:
        ioctl(pipe.fileno(), FIONREAD, left)
