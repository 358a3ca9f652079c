"""What is logged: one line of JSON each, and no variable of any frame."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
import structlog

from warranty import logs

SECRET = "canary-7f3a"


@pytest.fixture(autouse=True)
def _as_before():
    yield
    structlog.reset_defaults()
    logs.begin()


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


def test_what_a_library_says_is_a_line_like_any_other_and_names_the_work_at_hand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()
    logs.begin(order_id=7, kind="send_rma", claim=None)

    logging.getLogger("somebody.else").warning("two\nlines of %s", "theirs")
    logs.begin(order_id=8)
    logging.getLogger("somebody.else").warning("after it")

    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["logger"]) == ("two\nlines of theirs", "warning", "somebody.else")
    assert (first["order_id"], first["kind"]) == (7, "send_rma")
    assert "claim" not in first
    assert (second["order_id"], "kind" in second) == (8, False)


def test_who_reads_standard_error_may_leave_and_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = io.StringIO()
    gone.close()
    logs.configure()
    monkeypatch.setattr(sys, "stderr", gone)

    structlog.get_logger("test").warning("to.nobody")
    logging.getLogger("somebody.else").warning("to nobody either")

    assert gone.closed
