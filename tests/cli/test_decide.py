"""``warranty decide`` as it is called: files and lines in, one line of JSON out for each, or every flaw and status 2."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.domain.plain_case import DECISION_CASES, case_from, coverage, document
from warranty.cli import main
from warranty.domain.coverage import decide


def called(*words, given=None):
    """Run the command as in a shell: output and errors apart, and the exit status."""
    return CliRunner().invoke(main, ["decide", *map(str, words)], input=given, catch_exceptions=False)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a document to a file in the working folder; gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        Path(name).write_text(text if isinstance(text, str) else json.dumps(text, indent=1))
        return name

    return write


def test_a_file_gives_one_line_of_json(written):
    given = document(coverage())
    result = called(written("case.json", given))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == decide(case_from(given)).to_json() + "\n"
    assert json.loads(result.stdout)["verdict"] == "covered"


def test_several_files_give_their_answers_in_order_whatever_the_verdicts(written):
    names = [
        written("1.json", document()),
        written("2.json", document(coverage())),
        written("3.json", document(asset=None)),
        written(
            "4.json",
            document(
                fault={"reading": {"metric": "m", "value": 1, "target": 1, "tolerance": 0, "direction": "within"}}
            ),
        ),
    ]
    result = called(*names)
    assert result.exit_code == 0
    verdicts = [json.loads(line)["verdict"] for line in result.stdout.splitlines()]
    assert verdicts == ["not_covered", "covered", "needs_review", None]


def test_lines_of_standard_input_are_decided_one_by_one():
    cases = [json.loads(path.read_text())["case"] for path in DECISION_CASES]
    result = called("-", given="\n".join(map(json.dumps, cases)))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [decide(case_from(case)).to_json() for case in cases]


def test_a_line_ends_at_a_line_feed_only_and_empty_lines_are_skipped():
    odd = json.dumps(document(coverage(contract_number="a\u2028b\u0085c")), ensure_ascii=False)
    result = called("-", given=f"{odd}\r\n\n  \n{odd}\n".encode())
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2


def test_nothing_on_standard_input_is_no_answer():
    result = called("-", given="")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_any_malformed_line_means_no_answer_and_a_line_for_each_flaw():
    good, bad = json.dumps(document(coverage())), json.dumps(document(coverage()) | {"now": "soon", "extra": 1})
    result = called("-", given=f"{good}\n\n{bad}\nnonsense\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "3: /extra: is not a field of this document",
        "3: /now: must be a time with its offset, written as RFC 3339 says",
        "4: : is not JSON: Expecting value at line 1, column 1",
    ]


def test_any_malformed_file_means_no_answer_and_is_named(written):
    bad = document(coverage())
    del bad["coverages"][0]["scope"]
    result = called(written("good.json", document(coverage())), written("bad.json", bad), written("none.json", "{"))
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first == "bad.json: /coverages/0/scope: is missing"
    assert second.startswith("none.json: : is not JSON: ")


def test_a_file_that_cannot_be_read_is_named_beside_the_flaws_of_others(written, tmp_path):
    result = called("missing.json", written("bad.json", "[]"), tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "missing.json: cannot be read: No such file or directory",
        "bad.json: : must be an object",
        f"{tmp_path}: cannot be read: Is a directory",
    ]


def test_a_name_that_would_break_the_line_or_the_terminal_is_escaped():
    result = called("-", given=json.dumps(document() | {"a\nb\x1b[31m\ud800é": 1}))
    assert result.exit_code == 2
    assert result.stderr == "1: /a\\nb\\x1b[31m\\ud800é: is not a field of this document\n"


def test_without_a_name_the_command_says_how_it_is_called():
    result = called()
    assert result.exit_code == 2
    assert "CASE.json" in result.stderr


def test_it_starts_without_database_web_or_queue():
    heavy = ("sqlalchemy", "flask", "rq", "redis", "requests", "marshmallow", "structlog", "alembic", "cryptography")
    script = (
        "import sys; from warranty.cli import main\n"
        "main(['decide', '-'], standalone_mode=False)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], input=b"", capture_output=True, check=True)
    assert done.stdout.decode() == "[]\n"


def test_three_thousand_cases_of_one_call_are_answered_line_by_line():
    cases = [json.dumps(json.loads(path.read_text())["case"]) for path in DECISION_CASES]
    lines = "".join(f"{cases[n % len(cases)]}\n" for n in range(3000))
    script = "from warranty.cli import main; main(['decide', '-'])"
    done = subprocess.run([sys.executable, "-c", script], input=lines.encode(), capture_output=True, check=True)
    assert len(done.stdout.splitlines()) == 3000
