"""SOAP 1.1: the only place that writes envelopes and reads them; every answer goes through defusedxml.

An answer is read into plain values: an element with elements inside is a mapping of their local names, any other is its
text, and a name that stands several times is a list. Source: https://www.w3.org/TR/2000/NOTE-SOAP-20000508/.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from vendors.errors import Trouble
from vendors.http import Dialect, Kind, trouble_of

NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
MEDIA_TYPE = "text/xml"
MAX_DEPTH = 32
MAX_ELEMENTS = 100_000
FAULT = "fault"
"""How the ``vendor_code`` of a fault begins; the vendor's own code of it follows."""

Fields = Sequence[tuple[str, "str | Fields"]]
"""Elements in their order, each with its text or with the elements inside it."""

_NO_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OUR_FAULT = frozenset({"Client", "MustUnderstand", "VersionMismatch"})  # section 4.4.1: it was not processed


# ---------------------------------------------------------------------------------------------------------------------
# Writing


def envelope(namespace: str, content: Fields) -> str:
    """Write a message whose elements are all of one namespace; what XML cannot carry becomes a space."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<soapenv:Envelope xmlns:soapenv="{NAMESPACE}" xmlns:api="{escape(namespace)}">',
        "<soapenv:Header/>",
        "<soapenv:Body>",
        *_elements(content),
        "</soapenv:Body>",
        "</soapenv:Envelope>",
    ]
    return "\n".join(lines)


def _elements(fields: Fields) -> list[str]:
    """Write elements, a line each."""
    lines: list[str] = []
    for name, value in fields:
        if not isinstance(value, str):
            lines += [f"<api:{name}>", *_elements(value), f"</api:{name}>"]
        elif value:
            lines.append(f"<api:{name}>{escape(_NO_XML.sub(' ', value))}</api:{name}>")
        else:
            lines.append(f"<api:{name}/>")
    return lines


# ---------------------------------------------------------------------------------------------------------------------
# Reading


@dataclass(frozen=True, slots=True)
class Fault:
    """How SOAP says no: ``code`` without its prefix, and the sentence."""

    code: str
    text: str


def content(body: bytes) -> dict[str, Any]:
    """Read a message, and give what its body holds.

    Raises:
        ValueError: not XML, not an envelope, without content, too deep, too many elements, or with a document type.
    """
    tree = _Tree()
    parser = DefusedXMLParser(target=tree, forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
    except DefusedXmlException:
        raise ValueError("it declares a document type, which no envelope does") from None
    except (ParseError, LookupError) as err:  # LookupError: an encoding that nobody knows
        raise ValueError(str(err)) from None
    held = tree.root.get("Body") if isinstance(tree.root, dict) else None
    if tree.root_tag != f"{{{NAMESPACE}}}Envelope" or not isinstance(held, dict):
        raise ValueError("it is not an envelope with content")
    return held


def inside(node: Any, *path: str) -> list[Any]:
    """Give everything that stands at a path, in the order of the message."""
    nodes = [node]
    for name in path:
        found = [one[name] for one in nodes if isinstance(one, dict) and name in one]
        nodes = [inner for one in found for inner in (one if isinstance(one, list) else [one])]
    return nodes


def text(node: Any, *path: str) -> str:
    """Give the text of the one element at a path; empty where there is none, several, or no text."""
    found = inside(node, *path)
    return found[0] if len(found) == 1 and isinstance(found[0], str) else ""


def fault(document: Any) -> Fault | None:
    """Give the fault that an answer carries; None where it carries none."""
    if not inside(document, "Fault"):
        return None
    return Fault(text(document, "Fault", "faultcode").rpartition(":")[2], text(document, "Fault", "faultstring"))


def known_as(known: Mapping[str, Trouble], sentence: str) -> Trouble | None:
    """Say what a sentence of the vendor means; None where none of the known words is in it."""
    return next((trouble for words, trouble in known.items() if words.casefold() in sentence.casefold()), None)


def dialect(known: Mapping[str, Trouble]) -> Dialect:
    """Make the dialect of a vendor.

    Args:
        known: words of ``faultstring``, in any case, to what they mean wherever they come: servers blame themselves
            (``Server``, status 500) for much that is the caller's.

    A fault that blames the caller is a refusal. Every other one says only that something went wrong on their side, perhaps
    after the work was done: it means what its status means, and where it hides in a 200 it proves nothing.
    """

    def meaning(status: int, kind: Kind, document: Any) -> Trouble | None:
        by_status = trouble_of(status, kind)
        found = fault(document)
        if found is None or by_status in {Trouble.THROTTLED, Trouble.UNAUTHORISED}:
            return by_status
        if (said := known_as(known, found.text)) is not None:
            return said
        if found.code.partition(".")[0] in _OUR_FAULT:
            return Trouble.REFUSED
        return by_status or Trouble.MALFORMED

    return Dialect("XML", MEDIA_TYPE, content, meaning)


class _Tree:
    """Builds the values while the parser runs, so that too much of anything is noticed before it is in memory."""

    def __init__(self) -> None:
        self._open: list[tuple[dict[str, Any], list[str]]] = []
        self._elements = 0
        self.root_tag = ""
        self.root: Any = None

    def start(self, _tag: str, _attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        self._elements += 1
        if len(self._open) >= MAX_DEPTH:
            raise ValueError("nested too deeply")
        if self._elements > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS} elements")
        self._open.append(({}, []))

    def data(self, piece: str) -> None:
        """Take text of the innermost element."""
        self._open[-1][1].append(piece)

    def end(self, tag: str) -> None:
        """End the innermost element."""
        elements, texts = self._open.pop()
        value = elements or "".join(texts).strip()
        if not self._open:
            self.root_tag, self.root = tag, value
            return
        around, name = self._open[-1][0], tag.rpartition("}")[2]
        if name not in around:
            around[name] = value
        elif isinstance(around[name], list):
            around[name].append(value)
        else:
            around[name] = [around[name], value]
