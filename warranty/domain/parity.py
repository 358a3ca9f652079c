"""Whether a new unit is what the old one was: each recorded property of the old one against the new one. Pure.

What counts is said by ``specification.IGNORED`` and, where only a part was exchanged, by the parts that a property tells of.
Source: domain.md, D5.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from warranty.domain.specification import FIRMWARE, IGNORED, PROPERTIES, Class, Properties, Value
from warranty.domain.specification.drafting import bytes_of
from warranty.domain.terms import Component


class Status(StrEnum):
    """What holds of a property."""

    MATCH = "match"
    ACCEPTED = "accepted_difference"
    MISSING = "missing"
    BETTER = "better"


class Why(StrEnum):
    """How old and new differ."""

    SAME = "same"
    ABSENT = "absent"  # nothing is recorded of it on the new unit
    LESS = "less"
    MORE = "more"
    OTHER = "other"
    NEVER_RECORDED = "never_recorded"  # nothing was ever recorded of the old unit
    NOT_READ = "not_read"  # nothing is recorded of the new unit


SPECIFICATION, CONFIGURATION = "specification", "configuration"
REGISTRY_PRODUCT, REGISTRY_PART = "registry.product", "registry.part_number"


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts. ``parts``: what was exchanged, null for the whole unit; ``substitute``: where the vendor named one."""

    product_class: Class = Class.COMPUTER
    parts: frozenset[Component] | None = None
    substitute: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A difference that a second person accepted. It holds for the very values that were accepted, and for no others."""

    difference: str
    reason: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class Line:
    """One property. ``lacks`` and ``has_beside`` are what differs of a list, one by one."""

    name: str
    old: Value | None
    new: Value | None
    status: Status
    why: Why
    lacks: tuple[str, ...] = ()
    has_beside: tuple[str, ...] = ()
    accepted: Accepted | None = None

    @property
    def difference(self) -> str:
        """What an acceptance is bound to."""
        words = json.dumps([self.name, self.old, self.new], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(words.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All lines by name, and what was left out of them, with the reason. ``beside``: what only the new unit has."""

    lines: tuple[Line, ...]
    ignored: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[Line, ...]:
        """What stands between the swap and its end."""
        return tuple(line for line in self.lines if line.status is Status.MISSING)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def compare(
    old: Properties | None,
    new: Properties | None,
    rules: Rules,
    *,
    accepted: Iterable[Accepted] = (),
    facts: Iterable[tuple[str, Value | None, Value | None]] = (),
) -> Comparison:
    """Hold the new unit against the old one.

    ``facts`` are what the registry and the configurations say, a name with old and new: they count whatever was read of the
    units. Null for ``old``: nothing was ever recorded; for ``new``: nothing was read yet.
    """
    ignored, lines, beside = {}, [], []
    for name, was, now in facts:
        if was is not None:
            lines.append(_line(name, was, now, rules))
    if old is None:
        lines.append(Line(SPECIFICATION, None, None, Status.MISSING, Why.NEVER_RECORDED))
    elif new is None:
        if any(_counts(name, rules) for name in old):
            lines.append(Line(SPECIFICATION, None, None, Status.MISSING, Why.NOT_READ))
    else:
        unheeded = IGNORED[rules.product_class]
        for name in sorted(old.keys() | new.keys()):
            if not _counts(name, rules):
                continue
            if name in unheeded:
                ignored[name] = unheeded[name]
            elif name in old:
                lines.append(_line(name, old[name], new.get(name), rules))
            else:
                beside.append(name)
    agreed = {one.difference: one for one in accepted}
    return Comparison(tuple(_settled(line, agreed) for line in lines), ignored, tuple(beside))


def class_of(properties: Properties) -> Class:
    """What kind of product a specification is of."""
    is_computer = any(name.startswith(("cpu.", "memory.", "disk.")) for name in properties)
    is_network = not is_computer and any(name.startswith("network.") for name in properties)
    return Class.NETWORK if is_network else Class.COMPUTER


def _counts(name: str, rules: Rules) -> bool:
    if rules.parts is None or Component.UNIT in rules.parts or name.startswith(FIRMWARE):
        return True
    known = PROPERTIES.get(name)
    return known is not None and bool(known.parts & rules.parts)


def _settled(line: Line, agreed: Mapping[str, Accepted]) -> Line:
    found = agreed.get(line.difference) if line.status is Status.MISSING else None
    return line if found is None else replace(line, status=Status.ACCEPTED, accepted=found)


def _line(name: str, old: Value, new: Value | None, rules: Rules) -> Line:
    if new is None:
        return Line(name, old, None, Status.MISSING, Why.ABSENT)
    lacks: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    if isinstance(old, int) and isinstance(new, int):
        why = Why.SAME if old == new else Why.LESS if new < old else Why.MORE
    elif isinstance(old, list) or isinstance(new, list):
        lacks, beside = _apart(_listed(old), _listed(new))
        why = _of_lists(lacks, beside)
    else:
        same = alike(name, str(old)) == alike(name, str(new))
        is_maker = name == "product.manufacturer"
        why = Why.SAME if same or (is_maker and _one_maker(str(old), str(new))) else Why.OTHER
    if why is Why.SAME:
        status = Status.MATCH
    elif rules.substitute and (why is Why.MORE or name in _OF_PRODUCT):
        status = Status.BETTER
    else:
        status = Status.MISSING
    return Line(name, old, new, status, why, lacks, beside)


_OF_PRODUCT: Final = frozenset({REGISTRY_PRODUCT, REGISTRY_PART, "product.model", "product.part_number"})
"""What is another by its nature where the vendor named a substitute."""


def _listed(value: Value) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def _apart(old: list[str], new: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of the old list the new one has not, and the other way round; each as often as it stands there."""
    was, now = ({}, {})  # type: dict[str, list[str]], dict[str, list[str]]
    for words, kept in ((old, was), (new, now)):
        for word in words:
            kept.setdefault(alike("", word), []).append(word)
    lacks = Counter({key: len(words) for key, words in was.items()})
    beside = Counter({key: len(words) for key, words in now.items()})
    return (
        tuple(was[key][0] for key in sorted((lacks - beside).elements())),
        tuple(now[key][0] for key in sorted((beside - lacks).elements())),
    )


_SIZE: Final = re.compile(r"^[0-9.]+ [KMGTP]i?B\b")


def _of_lists(lacks: tuple[str, ...], beside: tuple[str, ...]) -> Why:
    if not lacks:
        return Why.MORE if beside else Why.SAME
    if not beside:
        return Why.LESS
    was, now = _sizes(lacks), _sizes(beside)
    if len(was) != len(lacks) or len(now) != len(beside):
        return Why.OTHER
    if sum(now) < sum(was):
        return Why.LESS
    each = len(now) >= len(was) and all(new >= old for old, new in zip(was, now, strict=False))
    same_kind = {_SIZE.sub("", word) for word in lacks} == {_SIZE.sub("", word) for word in beside}
    return Why.MORE if each and same_kind else Why.OTHER


def _sizes(words: tuple[str, ...]) -> list[int]:
    found = (_SIZE.match(word) for word in words)
    sizes = (bytes_of(one[0], thousand=1000) for one in found if one is not None)
    return sorted((size for size in sizes if size), reverse=True)


_NOISE: Final = re.compile(
    r"\b(?:inc|corp|corporation|ltd|co|gmbh|llc|company|technologies|systems|cpu|processor|and subsidiaries)\b\.?|@\s*[0-9.]+\s*ghz"
)


def alike(name: str, text: str) -> str:
    """What two spellings of one thing have in common; versions are told apart to the last sign."""
    low = text.strip().lower()
    if name.startswith((FIRMWARE, "os.", "other.")) or name in {CONFIGURATION, "product.part_number", REGISTRY_PART}:
        return low
    return re.sub(r"[^a-z0-9.+]+", "", _NOISE.sub(" ", low)) or low


def _one_maker(old: str, new: str) -> bool:
    """Whether two names are of one maker: one begins with the other, or with the first letters of its words."""
    names = [re.findall(r"[a-z0-9]+", _NOISE.sub(" ", name.lower())) for name in (old, new)]
    whole, initials = (["".join(words) for words in names], ["".join(word[0] for word in words) for words in names])
    if not all(whole):
        return False
    begins = any(one.startswith(other) for one, other in (whole, whole[::-1]))
    return begins or any(
        len(first) > 1 and name.startswith(first) for first, name in zip(initials, whole[::-1], strict=True)
    )


def document(comparison: Comparison) -> dict[str, Any]:
    """A comparison as programs read it; its digest is of exactly this."""
    return {
        "properties": [
            {
                "property": line.name,
                "old": line.old,
                "new": line.new,
                "status": line.status.value,
                "difference": None if line.status is Status.MATCH else line.why.value,
                "lacks": list(line.lacks),
                "beside": list(line.has_beside),
                "reason": line.accepted.reason if line.accepted else None,
                "approved_by": line.accepted.approved_by if line.accepted else None,
            }
            for line in comparison.lines
        ],
        "ignored": [{"property": name, "reason": why} for name, why in comparison.ignored.items()],
        "beside": list(comparison.beside),
        "clean": comparison.is_clean,
    }


def digest(document_: Mapping[str, Any]) -> str:
    """The SHA-256, in hex, of a document with its names in order, without blanks and in UTF-8."""
    words = json.dumps(document_, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(words.encode()).hexdigest()
