"""What is said where a command cannot do its work: one clear message, exit status 1, never a traceback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from warranty.cli import main

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def settings(folder: Path, **given: str) -> dict[str, str | None]:
    """These settings with an instance folder of their own, and nothing of the developer's."""
    kept = {"PATH", "HOME", "LANG"}
    nothing = {name: None for name in os.environ if name not in kept}
    return nothing | {"WARRANTY_MODE": "development", "WARRANTY_INSTANCE": str(folder / "instance"), **given}


def warranty(*words: str, folder: Path, **given: str) -> Result:
    """Run the command; what it does not turn into a message fails the test."""
    return CliRunner().invoke(main, words, env=settings(folder, **given), catch_exceptions=False)


def real_warranty(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a stranger does: one that would serve must not do so within the tests."""
    environment = {name: value for name, value in (os.environ | settings(folder)).items() if value is not None}
    command = [sys.executable, "-m", "warranty", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def migrated(tmp_path: Path, sqlite_template: Path) -> Path:
    """A folder whose instance has its schema."""
    (tmp_path / "instance").mkdir()
    shutil.copy(sqlite_template, tmp_path / "instance" / "warranty.sqlite3")
    return tmp_path


def assert_said(done: Result | subprocess.CompletedProcess[str], *words: str) -> None:
    status = done.exit_code if isinstance(done, Result) else done.returncode
    assert (status, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("words", [("db", "upgrade"), ("up", "--port", "1999"), ("client", "list")])
def test_a_database_that_cannot_be_reached_is_named_with_what_to_do(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert_said(warranty(*words, folder=tmp_path, DATABASE_URL=NOWHERE), "cannot be used", "Check DATABASE_URL")


@pytest.mark.parametrize("words", [("up", "--port"), ("web", "--port"), ("sandbox", "--port")])
def test_a_port_that_is_taken_is_said_before_anything_starts(migrated: Path, words: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = real_warranty(*words, str(taken.getsockname()[1]), folder=migrated)

    assert_said(done, "already in use", "--port")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")

    done = warranty("db", "upgrade", folder=tmp_path / "file")

    assert_said(done, str(tmp_path / "file"), "WARRANTY_INSTANCE")


def test_production_without_secrets_names_every_missing_one_at_once(tmp_path: Path) -> None:
    done = warranty("web", folder=tmp_path, WARRANTY_MODE="production")

    assert_said(done, "SECRET_KEY", "WARRANTY_ENCRYPTION_KEYS")
    assert not (tmp_path / "instance").exists()


def test_rhythms_that_cannot_work_together_are_refused(tmp_path: Path) -> None:
    done = warranty("relay", folder=tmp_path, WARRANTY_LEASE_SECONDS="10", WARRANTY_SETTLE_SECONDS="5")

    assert_said(done, "below WARRANTY_LEASE_SECONDS", "below WARRANTY_SETTLE_SECONDS")


def test_a_lease_that_leaves_no_whole_second_to_end_work_at_is_refused(tmp_path: Path) -> None:
    rhythms = {"WARRANTY_VENDOR_TIMEOUT_SECONDS": "2", "WARRANTY_LEASE_SECONDS": "2.5", "WARRANTY_RELAY_SECONDS": "1"}

    assert_said(warranty("worker", folder=tmp_path, **rhythms), "WARRANTY_LEASE_SECONDS (2.5) must be above 3")


def test_a_rhythm_that_hands_over_again_later_than_the_lease_ends_is_refused(tmp_path: Path) -> None:
    done = warranty("relay", folder=tmp_path, WARRANTY_RELAY_SECONDS="61")

    assert_said(done, "WARRANTY_RELAY_SECONDS (61) may not be above WARRANTY_LEASE_SECONDS (60)")


def test_production_refuses_a_settle_time_below_a_vendors_own_and_names_the_vendor(tmp_path: Path) -> None:
    given = {"SECRET_KEY": "s" * 40, "WARRANTY_ENCRYPTION_KEYS": "A" * 43 + "=", "WARRANTY_SETTLE_SECONDS": "200"}

    done = warranty("worker", folder=tmp_path, WARRANTY_MODE="production", **given)

    assert_said(done, "WARRANTY_SETTLE_SECONDS (200)", "Dell (300)", "Unset it")
    assert "ServiceNow" not in done.stderr


def test_a_command_without_a_schema_says_how_to_make_one(tmp_path: Path) -> None:
    assert_said(warranty("client", "list", folder=tmp_path), "warranty db upgrade")


@pytest.mark.parametrize(
    ("serial", "says"),
    [("NOBODY-HAS-IT", "--client"), ("X" * 65, "longer than 64"), ("A\x1b", "control character")],
)
def test_a_report_that_cannot_be_taken_says_why(migrated: Path, serial: str, says: str) -> None:
    facts = ("--cause", "wear", "--component", "disk", "--symptom", "dead")

    assert_said(warranty("fault", "report", serial, *facts, folder=migrated), says)
