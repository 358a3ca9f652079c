"""Answers that no honest vendor gives: what every adapter must refuse in a sentence, or read without breaking."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

from vendors.http import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10))
UNREADABLE: dict[str, dict[str, Any]] = {
    "larger than anything": {"body": b"[" + b" " * MAX_BODY_BYTES + b"]"},
    "a bomb of gzip": {
        "body": gzip.compress(b"[" + b" " * MAX_BODY_BYTES + b"]"),
        "headers": {"Content-Encoding": "gzip"},
    },
    "no gzip": {"body": b"[]", "headers": {"Content-Encoding": "gzip"}},
    "nested deeply": {"body": b"[" * 100_000 + b"]" * 100_000},
    "elements nested deeply": {"body": b"<a>" * 100_000 + b"</a>" * 100_000},
    "no UTF-8": {"body": b'{"result": "\xff\xfe", "error": "\xc3("}'},
    "a NUL": {"body": b"\x00" * 100},
    "a number of 10,000 digits": {"body": b"[" + b"9" * 10_000 + b"]"},
    "no number": {"body": b'{"result": NaN}'},
    "a bomb of entities": {"body": f'<?xml version="1.0"?><!DOCTYPE a [{ENTITIES}]><a>&e9;</a>'.encode()},
    "a file of ours": {"body": b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>'},
}
"""What replaces a response, by what it is: no adapter can read any of them."""

HUGE = "@huge@"
ODD: dict[str, Any] = {
    "nothing": None,
    "a number": -(10**400),
    "infinity": HUGE,  # a number of JSON all the same
    "a list": [[]],
    "a NUL": "a\x00b",
    "half a character": "\ud800",
    "a long text that is no date": "9" * 10_000,
}
"""What may stand where an adapter expects something else, by what it is."""


def bent(body: Any, odd: Any) -> Iterator[bytes]:
    """Give the body of a good answer again and again, each time with the odd value in one other place.

    JSON: in the place of every value in turn; XML, which is a text: of the content of every element that holds a text.
    """
    if isinstance(body, str):
        said = odd if isinstance(odd, str) else json.dumps(odd)
        for place in re.finditer(r">([^<>]+)<", body):
            if place.group(1).strip():
                text = said.encode("utf-8", "surrogatepass")
                yield body[: place.start(1)].encode() + text + body[place.end(1) :].encode()
        return
    for path in _paths(body):
        yield json.dumps(_replaced(body, path, odd)).replace(f'"{HUGE}"', "1e999").encode()


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (key,)
        yield from ((key, *rest) for rest in _paths(one))


def _replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = value.copy()
    copy[path[0]] = _replaced(value[path[0]], path[1:], by)
    return copy
