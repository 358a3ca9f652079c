"""Sentences that services write in English are said again in German, every one of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from warranty import db
from warranty.services import importing
from warranty.services.estate import checks
from warranty.web import i18n
from warranty.web.sentences import FORMS, said_again

GAP = re.compile(r"%\(\w+\)s")
UNNAMED = {"{} ({})", "{}: {}"}
"""A sentence within a sentence, and an answer of the file system: they have no words of their own."""


def written() -> set[str]:
    """The sentences of the importer and of what checks its cells, each gap as `{}`: read from their source."""
    found = set()
    for path in (*Path(str(importing.__file__)).parent.glob("*.py"), Path(str(checks.__file__))):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (said := _sentence(node)) is not None:
                found.add(said)
    return found - UNNAMED


def _sentence(call: ast.Call) -> str | None:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    place = {"Invalid": 1, "InUse": 1, "Unusable": 0, "warn": 0}.get(name)
    if name == "append" and ast.unparse(call.func).endswith("warnings.append"):
        place = 0
    return None if place is None or len(call.args) <= place else _text(call.args[place])


def _text(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
        case _:
            return None


@pytest.fixture
def german() -> Flask:
    """An application whose reader reads German."""
    app = Flask(__name__)
    i18n.init_app(app, db.folder("locale"), lambda: ("de", i18n.choose_zone("Europe/Berlin")))
    return app


def test_there_is_a_form_for_every_sentence_that_the_importer_writes() -> None:
    forms = {GAP.sub("{}", form) for form in FORMS}

    assert written() - forms == set()


def test_a_sentence_is_said_again_with_what_stands_in_its_gaps(german: Flask) -> None:
    sentences = {
        "No unit has the serial number AB: 1: import the units first.": "Kein Gerät hat die Seriennummer AB: 1: Importieren Sie erst die Geräte.",
        "ends_on '31.31.2026' is no day; write it as 2026-03-31.": "ends_on '31.31.2026' ist kein Tag; schreiben Sie 2026-03-31.",
        "The row stands there twice and is taken once. (3 rows, the first: line 7)": "Die Zeile steht zweimal da und wird einmal genommen. (3 Zeilen, die erste: Zeile 7)",
        "The row covers every unit of its client. (line 2)": "Die Zeile deckt jedes Gerät ihres Kunden. (Zeile 2)",
        "Dell asks for: diagnosis. Dell asks for the country: fill it in at the site of Ost.": "Dell verlangt: diagnosis. Dell verlangt das Land: Tragen Sie es beim Standort Ost ein.",
        "A sentence of tomorrow.": "A sentence of tomorrow.",
    }
    with german.test_request_context():
        assert {said: said_again(said) for said in sentences} == sentences


def test_a_sentence_that_holds_a_whole_cell_is_looked_for_nowhere(german: Flask) -> None:
    with german.test_request_context():
        assert said_again("name is empty.") != "name is empty."
        for hostile in (f"{'a is ' * 100}empty.", "name is empty. " * 2_000):
            assert said_again(hostile) == hostile
