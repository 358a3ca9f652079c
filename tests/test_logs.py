"""What is logged: one line of JSON each, and no variable of any frame."""

from __future__ import annotations

import json

import pytest
import structlog

from warranty import logs

SECRET = "canary-7f3a"


@pytest.fixture(autouse=True)
def _as_before():
    yield
    structlog.reset_defaults()


def fails_with_a_secret_in_hand() -> None:
    password = "-".join(SECRET.split("-"))
    if password:
        raise RuntimeError("it broke")


def test_a_traceback_names_the_frames_and_none_of_their_variables(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()

    try:
        fails_with_a_secret_in_hand()
    except RuntimeError as err:
        structlog.get_logger("test").error("broken", exc_info=err)

    said = capsys.readouterr().err
    assert "fails_with_a_secret_in_hand" in said
    assert SECRET not in said


def test_an_event_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()

    structlog.get_logger("test").warning("vendor.said", word="one\ntwo\r\nthree")

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert json.loads(said)["word"] == "one\ntwo\r\nthree"
