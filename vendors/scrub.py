"""What may be kept of a call: the only place that takes secrets and personal values out of text."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from vendors.contract import RmaRequest

MAX_KEPT_CHARS = 20_000

_TELLTALE = r"[\w.-]*(?:token|secret|password|passwd|api[_-]?key|assertion|authorization|signature)"
_SECRET_PLACES = (
    (re.compile(rf'("{_TELLTALE}"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE), r'\1"***"'),
    (re.compile(rf"((?:^|[?&\s]){_TELLTALE}=)[^&\s\"]+", re.IGNORECASE), r"\1***"),
    (re.compile(rf"(<(?:\w+:)?{_TELLTALE}>)[^<]+(?=<)", re.IGNORECASE), r"\1***"),
)
# What the places above are known by, folded: most texts have none of it, and a look-up has a text for each unit.
_TELLTALES = ("token", "secret", "password", "passwd", "api", "assertion", "authorization", "signature")
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|signature|client-?id|api-?key", re.IGNORECASE)
# A vendor repeats our own lines (``RmaRequest.as_lines``) long after the request that named the people.
_PERSONAL_KEY = r"(?:Contact(?: phone| e-mail)?|Ship to): "
_PERSONAL_LINES = (
    re.compile(rf"^({_PERSONAL_KEY}).*$", re.MULTILINE),
    re.compile(rf'(\\[nr]{_PERSONAL_KEY})(?:[^"\\]|\\[^nr])*'),  # the same inside a JSON text
)
_MIN_SECRET = 4  # shorter ones are masked where a key or header names them; everywhere else they would ruin the text
_MIN_PERSONAL = 3


def _spellings(value: str) -> set[str]:
    """Give the forms in which a value travels: plain, in JSON, in a URL, in a form, in XML."""
    return {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        quote_plus(value),
        escape(value),
        escape(value, {'"': "&quot;"}),
    }


def people_of(request: RmaRequest) -> dict[str, str]:
    """Map every personal value of a request to the pseudonym that stands for it in whatever is kept."""
    stands_for: dict[str, str] = {}
    if request.ship_to:
        to = request.ship_to
        for value in (to.name, to.address_line1, to.address_line2, to.city, to.postal_code):
            stands_for[value.strip()] = to.pseudonym
    if request.contact:
        who = request.contact
        names = who.name.split()
        turned = (
            {f"{names[-1]}{comma}{' '.join(names[:-1])}" for comma in (",", ", ", " ")} if len(names) > 1 else set()
        )
        for value in (who.name, who.phone, who.email, re.sub(r"\D", "", who.phone), *turned):
            stands_for[value.strip()] = who.pseudonym
    return {value: name for value, name in stands_for.items() if len(value) >= _MIN_PERSONAL}


@dataclass(slots=True)
class Scrubber:
    """Takes secrets and personal values out of text that is kept, shown or raised."""

    secrets: set[str] = field(default_factory=set)
    _hiding: "_Literals | None" = field(default=None, init=False)

    def learn(self, secret: str) -> None:
        """Remember a secret that was handed to us on the way, such as an access token."""
        self.secrets.add(secret)
        self._hiding = None

    def text(self, text: str, people: Mapping[str, str] | None = None) -> str:
        """Give the text with secrets as ``***`` and personal values as their pseudonyms.

        Args:
            text: headers, a URL, a body in JSON, XML or form encoding, or a message.
            people: personal value to pseudonym, as ``people_of`` gives it.
        """
        if self._hiding is None:
            long = [secret for secret in self.secrets if len(secret) >= _MIN_SECRET]
            self._hiding = _Literals({spelling: "***" for secret in long for spelling in _spellings(secret)}, r"{}", 0)
        text = self._hiding.replaced(text)
        if people:
            names = {spelling: name for value, name in people.items() for spelling in _spellings(value)}
            text = _Literals(names, r"(?<!\w){}(?!\w)", re.IGNORECASE).replaced(text)
        else:
            for line in _PERSONAL_LINES:
                text = line.sub(r"\1[personal]", text)
        folded = text.casefold()
        if any(word in folded for word in _TELLTALES):
            for places, by in _SECRET_PLACES:
                text = places.sub(by, text)
        return text

    def headers(self, headers: Mapping[str, str], people: Mapping[str, str]) -> str:
        """Give headers as lines, those that carry credentials without their value."""
        return "".join(
            f"{name}: {'***' if _SECRET_HEADER.search(name) else self.text(value, people)}\n"
            for name, value in headers.items()
        )


class _Literals:
    """Many literals and what stands for each, replaced in one pass, the longest first, so that no piece of a longer one is left."""

    def __init__(self, by: Mapping[str, str], around: str, flags: int) -> None:
        self._by = {literal.casefold(): name for literal, name in by.items()}
        longest_first = sorted(by, key=len, reverse=True)
        pattern = around.format("(?:" + "|".join(map(re.escape, longest_first)) + ")")
        self._pattern = re.compile(pattern, flags) if by else None

    def replaced(self, text: str) -> str:
        """Give the text with all of them replaced."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._by[match.group().casefold()], text)


def cut(text: str, limit: int = MAX_KEPT_CHARS) -> str:
    """Keep the beginning of a text, and say how much there was."""
    return text if len(text) <= limit else f"{text[:limit]} ... ({len(text)} characters)"
