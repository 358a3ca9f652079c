"""What strangers hand in, opened with care: a limit before anything is parsed, and no surprise after it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from warranty.domain.specification.drafting import Unreadable

BIGGEST = 4 * 1024 * 1024
"""Bytes of one inventory: the largest real one that we know has 160 kB."""
DEEPEST = 64
# A text that nobody closed goes on to the end: to begin anew at each of its quotation marks would take hours.
_MARKS: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def text_of(content: bytes) -> str:
    """The text of a file.

    Raises:
        Unreadable: too large, empty, or no UTF-8.
    """
    if len(content) > BIGGEST:
        said = f"{len(content) // (1024 * 1024)} MB are too much for the inventory of one unit"
        raise Unreadable(
            f"{said}: at most {BIGGEST // (1024 * 1024)} MB are read. Send the inventory of this unit alone."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise Unreadable(
            f"This is no text in UTF-8 (byte {problem.start + 1}). Save it as UTF-8 and send it again."
        ) from None
    if not text.strip():
        raise Unreadable("The file is empty. Send the output of the tool.")
    if "\0" in text:
        raise Unreadable("This is no text: it has zero bytes. Save it as UTF-8 and send it again.")
    return text


def json_of(text: str) -> Any:
    """The document that a text holds.

    Raises:
        Unreadable: no JSON, nested too deep, a name twice in one object, or a number that is none.
    """
    _check_depth(text)
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_int=_integer)
    except ValueError as problem:
        where = f"line {problem.lineno}" if isinstance(problem, json.JSONDecodeError) else "a number"
        raise Unreadable(f"This is no whole JSON ({where}). Send the tool's output as it came.") from None


def _check_depth(text: str) -> None:
    depth = 0
    for mark in _MARKS.finditer(text):
        sign = mark[0][0]
        if sign in "[{":
            depth += 1
            if depth > DEEPEST:
                raise Unreadable(f"The document is nested deeper than {DEEPEST} levels: no inventory is.")
        elif sign in "]}":
            depth -= 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable(
            f"The name “{twice[:60]}” stands twice in one object, so it is not clear which counts. Keep one."
        )
    return found


def _no_number(word: str) -> Any:
    raise Unreadable(f"{word} is no number in JSON. Take it out, or write null.")


def _integer(digits: str) -> int:
    if len(digits) > 20:
        raise Unreadable(f"A number has {len(digits)} digits: nothing in a unit counts so far. Take it out.")
    return int(digits)


def items(value: object) -> list[Any]:
    """A list's members; of anything else none."""
    return value if isinstance(value, list) else []


def table(value: object) -> dict[str, Any]:
    """An object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}
