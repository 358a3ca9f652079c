"""The import rules hold, and a breach of any of them is found."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT

BREACHES = {
    "decisions are pure": ("warranty/domain/planted.py", "import flask"),
    "only the relay enqueues": ("warranty/services/planted.py", "import warranty.queue"),
    "services know no web and no wire": ("warranty/services/planted.py", "import flask"),
    "vendors stand alone": ("vendors/planted.py", "import sqlalchemy"),
    "adapters are loaded by name": ("warranty/services/planted.py", "import vendors.adapters.planted"),
    "one vendor knows no other": ("vendors/adapters/planted.py", "import vendors.adapters.planted_too"),
    "the rooms of vendors": ("vendors/errors.py", "import vendors.contract"),
    "the rooms of the application": ("warranty/models/planted.py", "import warranty.services"),
}


@pytest.fixture
def tree(tmp_path):
    """A copy of the project that a test may break."""
    for package in ("warranty", "vendors"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("planted", "planted_too"):
        (tmp_path / "vendors" / "adapters" / f"{name}.py").touch()
    return tmp_path


def _check(tree):
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_tree_keeps_every_rule(tree):
    kept = _check(tree)
    assert kept.returncode == 0, kept.stdout
    assert kept.stdout.count("KEPT") == len(BREACHES)


@pytest.mark.parametrize(("rule", "breach"), BREACHES.items(), ids=BREACHES.keys())
def test_a_breach_is_found(tree, rule, breach):
    path, line = breach
    with (tree / path).open("a") as module:
        module.write(f"\n{line}\n")
    broken = _check(tree)
    assert broken.returncode == 1, broken.stdout
    assert f"{rule} BROKEN" in broken.stdout


def test_a_module_in_no_room_is_found(tree):
    (tree / "warranty" / "helpers.py").touch()
    broken = _check(tree)
    assert broken.returncode == 1, broken.stdout
    assert "helpers" in broken.stdout


@pytest.mark.parametrize("module", sorted((ROOT / "warranty" / "domain").glob("*.py")), ids=lambda path: path.stem)
def test_the_domain_knows_only_the_standard_library(module):
    roots = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            ours = node.level or (node.module or "").startswith("warranty.domain")
            roots |= set() if ours else {(node.module or "").split(".")[0]}
    assert roots <= sys.stdlib_module_names
