"""Dead code is found; what templates, vendors and decorators use is not called dead."""

import pytest

from tests.house.dead_code import dead_code

MODULE = """
def used(): ...
def forgotten(): ...
def in_a_template(): ...
@app.route("/")
def page(): ...
class Forgotten:
    field = 1
    @property
    def colour(self): ...
used()
"""


@pytest.fixture
def tree(tmp_path):
    """A small project."""
    (tmp_path / "warranty").mkdir()
    (tmp_path / "warranty" / "module.py").write_text(MODULE)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("<p>{{ in_a_template() }}</p>")
    (tmp_path / "vendors" / "adapters").mkdir(parents=True)
    (tmp_path / "vendors" / "contract.py").write_text("class Contract:\n    def offered(self): ...\nContract()\n")
    (tmp_path / "vendors" / "adapters" / "acme.py").write_text("class Acme:\n    def offered(self): ...\n")
    return tmp_path


def test_what_nothing_uses_is_found_and_nothing_else(tree):
    found = [line.partition(" the ")[2] for line in dead_code(tree)]
    assert found == ["function forgotten", "class Forgotten", "property colour"]
