"""What no file of the project may hold, and what every test must."""

import ast
import os
import re
from pathlib import Path

import pytest

from tests.house import ROOT

# Kept apart so that this file passes its own tests.
PROMISES = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")))
REGISTRIES = re.compile(
    "|".join(("pypi" + r"\.", "pythonhosted" + r"\.", "npmjs" + r"\.", "deb" + r"\.debian\.", "artifact" + "ory"))
)
MACHINE = re.compile(
    "|".join(("/wo" + "rk/", "/ho" + r"me/\w", "/ro" + "ot/", "/Use" + "rs/", r"\.lib" + "rary", r"\.\./sha" + "red"))
)

NOT_OURS = {".git", ".venv", "instance", "dist", "build", "__pycache__", "htmlcov", "results"}
CACHES = re.compile(r"\.\w+_cache|\.hypothesis")
VENDORED = ROOT / "static" / "vendor"


def _files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not CACHES.fullmatch(name)]
        if VENDORED not in (Path(folder), *Path(folder).parents):
            yield from (Path(folder) / name for name in names if name != ".coverage")


def _texts():
    """Yield each text file with its path within the project."""
    for path in _files():
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # A picture or a font.
            continue


def _lines(pattern, texts):
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_is_left_to_be_done_later():
    assert _lines(PROMISES, _texts()) == []


def test_no_file_names_a_package_registry():
    assert _lines(REGISTRIES, _texts()) == []


def test_no_file_names_a_place_on_a_machine():
    # .ci/run looks for real exports beside the checkout, and is the only one to do so.
    assert _lines(MACHINE, ((path, text) for path, text in _texts() if path != ".ci/run")) == []


def test_whoever_silences_a_tool_says_why():
    silenced = re.compile(r"#\s*(noqa|type: ignore|nosec|pragma: no cover)\b")
    # The tool, the rule, one or two dashes or a second "#", and words.
    rule = r"(noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\]|nosec \w+|pragma: no cover)"
    reasoned = re.compile(rf"#\s*{rule}\s+(-{{1,2}}|#)\s*\w+")
    python = [(path, text) for path, text in _texts() if path.endswith(".py") and path != "tests/house/test_tree.py"]
    assert [line for line in _lines(silenced, python) if not reasoned.search(line)] == []


def _name(path):
    return str(path.relative_to(ROOT))


TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", TESTS, ids=_name)
def test_no_test_is_switched_off(path):
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert names.isdisjoint({"skip", "skipif", "skipTest", "xfail", "importorskip", "skipUnless", "expectedFailure"})


def _asserts(function, trusted):
    """Whether a function asserts by itself, or calls one that does."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in trusted or name.startswith(("assert_", "expect")):
                return True
    return False


@pytest.mark.parametrize("path", [path for path in TESTS if path.name.startswith("test_")], ids=_name)
def test_every_test_asserts_something(path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    trusted = {"raises", "warns", "fail"}
    for _ in functions:  # A helper may call a helper: each round trusts one more layer.
        trusted |= {function.name for function in functions if _asserts(function, trusted)}
    silent = [
        function.name for function in functions if function.name.startswith("test_") and function.name not in trusted
    ]
    assert silent == []
