"""`warranty decide`: documents in, answers out, each flaw on its own line; in the process and as the real command."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.domain.documents import agreement, case_of, coverage, document
from tests.house import ROOT
from warranty.cli import main
from warranty.domain.coverage import decide

GOOD = document(coverages=[coverage(covers=["parts"]), agreement()])
OTHER = document(coverages=[])
BAD = document(matches=-1)


def run(*names, stdin=b""):
    return CliRunner().invoke(main, ["decide", *map(str, names)], input=stdin)


def lines(*documents):
    return b"".join(json.dumps(one).encode() + b"\n" for one in documents)


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, indent=1).encode())
        return path

    return write


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_file_gives_one_line_in_the_order_of_the_call(file):
    result = run(file("b.json", GOOD), file("a.json", OTHER))
    assert (result.exit_code, result.stderr) == (0, "")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        json.loads(decide(case_of(one)).to_json()) for one in (GOOD, OTHER)
    ]


def test_each_line_of_standard_input_gives_one_line(file):
    result = run("-", stdin=lines(GOOD, OTHER, GOOD))
    verdicts = [json.loads(line)["verdict"] for line in result.stdout.splitlines()]
    assert (result.exit_code, verdicts) == (0, ["covered", "not_covered", "covered"])


def test_standard_input_may_stand_among_files(file):
    result = run(file("a.json", OTHER), "-", stdin=lines(GOOD))
    assert [json.loads(line)["verdict"] for line in result.stdout.splitlines()] == ["not_covered", "covered"]


@pytest.mark.parametrize(
    "stdin",
    [
        lines(GOOD, GOOD).rstrip(b"\n"),
        lines(GOOD, GOOD).replace(b"\n", b"\r\n"),
        b"\n" + lines(GOOD) + b"  \t\n\n" + lines(GOOD) + b"\n",
        b"\xef\xbb\xbf" + lines(GOOD, GOOD),
    ],
    ids=["no last line end", "line ends of Windows", "empty lines", "byte order mark"],
)
def test_the_form_of_the_lines_does_not_matter(stdin):
    result = run("-", stdin=stdin)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)


def test_only_a_line_feed_ends_a_line():
    odd = document(fault={"component_ref": "bay\u2028\u2029\x85 3"})
    result = run("-", stdin=json.dumps(odd, ensure_ascii=False).encode() + b"\n")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)


def test_no_document_is_no_flaw_and_no_answer():
    assert (run("-").exit_code, run("-").output) == (0, "")


def test_the_exit_status_is_0_whatever_the_verdict(file):
    result = run(file("a.json", document(asset={"state": "stolen"})))
    assert (result.exit_code, json.loads(result.stdout)["verdict"]) == (0, "needs_review")


def test_the_answer_is_ascii_whatever_the_contract_is_called(file):
    odd = coverage("k\ud800", contract_number="Wärme \U0001f4a1 \ud800")
    result = run(file("a.json", document(coverages=[odd])))
    assert result.exit_code == 0
    assert result.stdout.isascii()
    assert json.loads(result.stdout)["awards"]["parts"] == "k\ud800"


def test_json_may_be_asked_for_as_everywhere_else(file):
    path = file("a.json", GOOD)
    assert run("--json", path).stdout == run(path).stdout


# ── flaws ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_malformed_document_of_many_leaves_no_answer_at_all(file):
    good, bad = file("good.json", GOOD), file("bad.json", BAD)
    result = run(good, bad, good)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{bad}: /matches: must be a whole number, not negative\n"


def test_every_flaw_of_every_document_has_a_line_that_starts_with_file_or_line_and_pointer(file):
    two = dict(BAD) | {"colour": "red"}
    bad = file("bad.json", two)
    result = run(bad, "-", stdin=lines(GOOD, BAD) + b"\n" + b"nonsense\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(": ")[:2] for line in result.stderr.splitlines()] == [
        [str(bad), "/colour"],
        [str(bad), "/matches"],
        ["2", "/matches"],
        ["4", ""],
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{\x00}\x00", b"NaN", b"[" * 100_000, lines(GOOD, GOOD)])
def test_a_file_that_is_not_one_json_text_has_the_empty_pointer(file, content):
    path = file("bad.json", content)
    result = run(path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{path}: : is ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_named_with_the_cause(tmp_path, name):
    result = run(tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{tmp_path / name}: : cannot be read: ")
    assert len(result.stderr.splitlines()) == 1


def test_an_unknown_field_cannot_break_the_line_or_the_terminal(file):
    changed = document() | {"a\nb\x1b[31m\ud800": 1}
    path = file("bad.json", changed)
    result = run(path)
    assert result.stderr == f"{path}: /a\\nb\\x1b[31m\\ud800: is not a field of this document\n"


def test_without_a_document_the_call_is_wrong():
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")


# ── the real command ─────────────────────────────────────────────────────────────────────────────────────────────────


def command(*arguments, stdin=b""):
    code = "from warranty.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "decide", *arguments], input=stdin, capture_output=True, check=False, cwd=ROOT
    )


def test_three_thousand_cases_of_one_call_are_answered_line_by_line():
    five = [agreement(f"m{number}", contract_number=f"M-{number}") for number in range(4)]
    stdin = lines(*[document(coverages=[coverage(covers=["parts"]), *five])] * 3000)
    result = command("-", stdin=stdin)
    assert (result.returncode, result.stderr, result.stdout.count(b"\n")) == (0, b"", 3000)


def test_the_real_command_answers_a_flaw_with_status_2_and_no_traceback():
    result = command("-", stdin=lines(BAD))
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr == b"1: /matches: must be a whole number, not negative\n"


def test_a_decision_loads_neither_web_nor_database():
    code = (
        "import sys; from click.testing import CliRunner; from warranty.cli import main;"
        "CliRunner().invoke(main, ['decide', '-'], input=b'{}');"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'flask', 'sqlalchemy', 'rq', 'requests'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, text=True)
    assert result.stdout == "\n"
