"""The lock files pin everything, by hash, and name no place to fetch it from."""

import re
import tomllib

import pytest

from tests.house import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _name(requirement):
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def _pins(lock):
    """Return name and version of each requirement, and how many hashes it has, as they stand in the file."""
    entries = re.split(r"\n(?=[a-z])", (ROOT / lock).read_text())
    return {(_name(entry), entry.split("==")[1].split()[0]): entry.count("--hash=sha256:") for entry in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock):
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(lock):
    pins = _pins(lock)
    assert len(pins) > 50
    assert all(pins.values())


def test_what_the_project_declares_is_locked():
    declared = {_name(requirement) for requirement in PROJECT["project"]["dependencies"]}
    development = {_name(requirement) for requirement in PROJECT["dependency-groups"]["dev"]}
    assert declared <= {name for name, _ in _pins("requirements.lock")}
    assert declared | development <= {name for name, _ in _pins("requirements-dev.lock")}


def test_the_tests_run_on_the_very_versions_that_the_product_runs_on():
    assert _pins("requirements.lock").items() <= _pins("requirements-dev.lock").items()
