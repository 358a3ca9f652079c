"""``warranty calendar``, as a shell calls it: no database, no setting."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from warranty.cli import main

KEPT = ("--hours", "mon-fri 08:00-17:00", "--zone", "Europe/Berlin", "--holidays", "DE-BY")


def run(*words: str, kept: tuple[str, ...] = KEPT) -> Result:
    return CliRunner().invoke(main, ["calendar", *words, *kept])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("deadline", "2026-04-30T16:00+02:00", "2h"), {"deadline": "2026-05-04T09:00:00+02:00"}),
        (
            (
                "deadline",
                "2026-03-02T09:00+01:00",
                "2h",
                "--pause",
                "2026-03-02T10:00+01:00",
                "2026-03-02T12:00+01:00",
            ),
            {"deadline": "2026-03-02T13:00:00+01:00"},
        ),
        (
            ("between", "2026-03-02T16:15+01:00", "2026-03-03T09:00+01:00"),
            {"working_time": "1h45m", "seconds": 6300.0},
        ),
        (("next-opening", "2026-05-01T12:00+02:00"), {"opens": "2026-05-04T08:00:00+02:00"}),
        (
            ("business-day", "2026-03-02T15:00+01:00", "1", "--cut-off", "15:00"),
            {"day": "2026-03-04", "ends": "2026-03-04T17:00:00+01:00"},
        ),
    ],
)
def test_what_a_calendar_comes_to(words: tuple[str, ...], expected: dict[str, object]) -> None:
    answer = run(*words, "--json")

    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.output) == expected


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (("--hours", "always", "--zone", "UTC"), "is no working day"),
        (("--hours", "24x7", "--zone", "Nowhere"), "time zone"),
        (("--hours", "24x7", "--zone", "UTC", "--holidays", "ZZ"), "are not known"),
    ],
)
def test_a_calendar_that_says_nothing_is_refused_in_one_sentence(kept: tuple[str, ...], said: str) -> None:
    answer = run("deadline", "2026-03-02T09:00+01:00", "2h", kept=kept)

    assert answer.exit_code == 1
    assert said in answer.output


@pytest.mark.parametrize("start", ["yesterday", "2026-03-02T09:00"])
def test_an_instant_without_an_offset_is_none(start: str) -> None:
    answer = run("deadline", start, "2h")

    assert answer.exit_code == 2
    assert "is no instant" in answer.output


@pytest.mark.parametrize("command", ["deadline", "between", "next-opening", "business-day"])
def test_help_needs_no_calendar(command: str) -> None:
    answer = run(command, "--help", kept=())

    assert answer.exit_code == 0
    assert "--hours" in answer.output
