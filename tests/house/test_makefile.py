"""The commands are there, say what they do, and say what a machine lacks."""

import importlib.util
import re
import shutil
import subprocess

import pytest

from tests.house import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = next(line for line in MAKEFILE.splitlines() if line.startswith(".PHONY:")).split()[1:]


def _make(*words, folder=ROOT):
    return subprocess.run(
        ["make", "--no-print-directory", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def fresh(tmp_path):
    """A checkout without an environment, in a folder with a space in its name."""
    folder = tmp_path / "fresh checkout"
    folder.mkdir()
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def python_that(tmp_path):
    """Make a Python that answers as told, and return what to say to make."""

    def make(answers):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{answers}\n")
        program.chmod(0o755)
        return f"PY={program}"

    return make


def test_make_alone_lists_every_command_with_one_line():
    lines = _make().stdout.splitlines()
    assert [line.split()[1] for line in lines] == TARGETS
    assert all(len(line.split()) > 3 and len(line) <= 120 for line in lines)


@pytest.mark.parametrize("target", TARGETS)
def test_every_command_can_be_planned(target):
    assert _make("--dry-run", target).returncode == 0


@pytest.mark.parametrize("module", sorted(set(re.findall(r"-m ((?:warranty|tests|bench)[.\w]*)", MAKEFILE))))
def test_every_module_that_a_command_runs_exists(module):
    assert importlib.util.find_spec(module) is not None


def test_a_missing_python_is_named_with_the_way_out(fresh):
    made = _make("test", "PY=python-of-nobody", folder=fresh)
    assert made.returncode != 0
    assert "no 'python-of-nobody': install CPython 3.11 or newer" in made.stdout


def test_an_old_python_is_refused_with_the_way_out(fresh, python_that):
    made = _make("test", python_that('case "$1" in --version) echo "Python 3.10.2" ;; *) exit 1 ;; esac'), folder=fresh)
    assert made.returncode != 0
    assert "Python 3.10.2 is too old: name CPython 3.11 or newer: make PY=" in made.stdout


def test_a_python_without_venv_is_refused_with_the_way_out(fresh, python_that):
    made = _make("test", python_that('case "$2" in *ensurepip*) exit 1 ;; esac'), folder=fresh)
    assert made.returncode != 0
    assert "apt-get install python3-venv" in made.stdout
    assert not (fresh / ".venv").exists()


def test_what_was_interrupted_is_done_again(fresh, python_that):
    # The environment is made, then the installation fails as an interruption would make it fail.
    answers = 'case "$1 $2" in "-m venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;; "-m pip") exit 1 ;; esac'
    word = python_that(answers)
    for _ in range(2):
        made = _make("test", word, folder=fresh)
        assert made.returncode != 0
        assert "--require-hashes" in made.stdout
        assert not (fresh / ".venv" / "runtime").exists()


def test_ci_runs_the_two_gates_and_nothing_else():
    script = ROOT / ".ci" / "run"
    assert re.findall(r"^make .*$", script.read_text(), re.MULTILINE) == ["make lint", "make test"]
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_a_lock_is_installed_as_it_stands_whatever_has_been_released_since():
    installs = re.findall(r"\$\(PIP\) .*-r requirements.*", MAKEFILE)
    assert len(installs) == 2
    assert all("--no-deps" in install for install in installs)
