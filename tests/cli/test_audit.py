"""``warranty audit``, as a shell calls it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from tests.services.test_audit import cut, sealed, tamper
from warranty.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from warranty.runtime import Runtime


@pytest.fixture
def run(environment: dict[str, str], runtime: Runtime, tmp_path: Path) -> Any:
    environment["WARRANTY_AUDIT_ANCHOR"] = str(tmp_path / "anchors")

    def command(*words: str) -> Result:
        return CliRunner().invoke(main, ["audit", *words], env=environment)

    return command


def test_a_whole_register_is_said_to_be_whole(run: Any, runtime: Runtime) -> None:
    sealed(runtime, 4)
    head = json.loads(run("anchor", "--json").stdout)

    answer = run("verify", "--json")

    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert (said["whole"], said["sealed"], said["unsealed"], said["anchors"]) == (True, 4, 0, 1)
    assert (said["head"]["place"], said["head"]["mac"]) == (4, head["mac"])
    assert said["findings"] == []


def test_tampering_has_an_exit_status_of_its_own_and_a_sentence_for_each(run: Any, runtime: Runtime) -> None:
    sealed(runtime, 4)
    run("anchor")
    tamper(runtime, "UPDATE audit_row SET reason = 'other' WHERE id = 2")
    cut(runtime, 3)

    for_people, for_programs = run("verify"), run("verify", "--json")

    assert (for_people.exit_code, for_programs.exit_code) == (3, 3)
    assert "edited: Row 2 does not say what was sealed." in for_people.stdout
    assert "cut: The chain ends at place 3, but the anchor of" in for_people.stdout
    found = [(one["tampering"], one["row"], one["place"]) for one in json.loads(for_programs.stdout)["findings"]]
    assert found == [("edited", 2, 2), ("cut", None, 3)]


def test_a_register_without_an_anchor_is_verified_with_a_warning(run: Any, runtime: Runtime) -> None:
    sealed(runtime, 2)

    answer = run("verify")

    assert answer.exit_code == 0
    assert "a cut end is not found" in answer.stderr


def test_anchors_that_cannot_be_read_are_no_verdict(run: Any, runtime: Runtime, tmp_path: Path) -> None:
    sealed(runtime, 2)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.json").write_text("?")

    answer = run("verify", "--anchor", str(tmp_path / "elsewhere"))

    assert answer.exit_code == 1
    assert "is no anchor" in answer.stderr


def test_nothing_is_anchored_before_anything_is_sealed(run: Any) -> None:
    answer = run("anchor")

    assert answer.exit_code == 1
    assert "Nothing is sealed yet" in answer.stderr
