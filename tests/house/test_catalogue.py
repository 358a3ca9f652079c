"""What is written for readers, and the catalogues that say it in German, are the same messages."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir

from warranty import db, domain, languages

if TYPE_CHECKING:
    from babel.messages.catalog import Message

METHODS = {"templates": [("**.html", "jinja2"), ("**.txt", "jinja2")], "warranty": [("**.py", "python")]}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
"""Gettext's own names, and our mark for the messages of a table."""
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false"}, "**.txt": {"trimmed": "true", "silent": "false"}}


@cache
def written() -> frozenset[str]:
    """The English of every message, of a plural the singular."""
    found: set[str] = set()
    for folder, methods in METHODS.items():
        for _, _, message, _, _ in extract_from_dir(
            db.folder(folder), method_map=methods, options_map=OPTIONS, keywords=KEYWORDS
        ):
            found.add(message if isinstance(message, str) else message[0])
    return frozenset(found)


def english(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


@pytest.fixture(scope="module", params=sorted(languages.LANGUAGES.keys() - {languages.SOURCE_LANGUAGE}))
def catalogue(request: pytest.FixtureRequest) -> dict[str, Message]:
    return {english(one): one for one in languages.read(db.folder("locale"), request.param) if one.id}


def test_every_message_is_translated(catalogue: dict[str, Message]) -> None:
    missing = {text for text in written() if text not in catalogue or not all(_said(catalogue[text]))}

    assert not missing


def test_no_translation_is_of_a_message_that_nobody_writes(catalogue: dict[str, Message]) -> None:
    assert not catalogue.keys() - written() - _in_the_domain()


def test_a_translation_fills_the_same_gaps(catalogue: dict[str, Message]) -> None:
    wrong = {text: [str(err) for err in one.check()] for text, one in catalogue.items() if one.check()}

    assert not wrong


def _in_the_domain() -> set[str]:
    """Every text of the pure rules, which know no gettext: the sentences of the reasons are among them."""
    texts: set[str] = set()
    for path in Path(domain.__file__).parent.glob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        texts.update(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return texts


def _said(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)
