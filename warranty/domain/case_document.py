"""From the JSON document of a case to the case: the only place that says whether such a document is well formed.

It is read strictly: every field must be there and no other, and every flaw is named at once, by its JSON pointer. The
numbers of a reading become exact decimals, since a tolerance is compared exactly. Source: interface.md, section 5.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from warranty.domain.case import (
    Asset,
    Case,
    Coverage,
    Evidence,
    Fault,
    OtherCase,
    Policy,
    Reading,
    Scope,
    UnitLookup,
)
from warranty.domain.terms import (
    AssetState,
    CaseKind,
    Cause,
    Component,
    CoverageKind,
    CoverageSays,
    CoverageState,
    Delivery,
    Direction,
    EvidenceSource,
    Fulfilment,
    LookupSource,
    Ownership,
    ScopeKind,
    ServiceLevel,
    Share,
    UnitSays,
)

MAX_COUNT: Final = 1_000_000  # days, minutes and claims; also keeps every count well inside an int of any database


@dataclass(frozen=True, slots=True)
class Flaw:
    """One way in which a document is malformed."""

    pointer: str  # RFC 6901; a missing field by the pointer it would have; empty for text that is not JSON
    message: str


def read_case(text: str | bytes) -> Case | tuple[Flaw, ...]:
    """Read one case document.

    Args:
        text: JSON; bytes are UTF-8, and a byte order mark before them is ignored.

    Returns:
        The case, or every flaw of the document, at least one. Nothing is raised.
    """
    try:
        document = json.loads(
            text if isinstance(text, str) else text.decode("utf-8-sig"),
            parse_float=_decimal,
            parse_int=_whole_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_Object.of,
        )
    except UnicodeDecodeError as error:
        return (Flaw("", f"is not UTF-8: {error.reason} at byte {error.start + 1}"),)
    except json.JSONDecodeError as error:
        return (Flaw("", f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"),)
    except _NotJson as error:
        return (Flaw("", f"is not JSON: {error}"),)
    except RecursionError:
        return (Flaw("", "is nested too deeply to be a case"),)
    flaws: list[Flaw] = []
    case = _CASE(document, "", flaws)
    return tuple(flaws) if flaws else case


# ── JSON text to plain values, with nothing lost ─────────────────────────────────────────────────────────────────────


class _Object(dict[str, Any]):
    """A JSON object that knows which of its names stood there twice: parsers disagree on which of the two counts."""

    repeated: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> "_Object":
        found = cls(pairs)
        if len(found) < len(pairs):
            found.repeated = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return found


class _NotJson(Exception):
    """Raised for the words that Python reads as numbers although JSON does not know them."""


def _refuse_constant(name: str) -> None:
    raise _NotJson(f"{name} is no JSON number")


def _decimal(literal: str) -> Decimal:
    try:
        return Decimal(literal)
    except InvalidOperation:  # an exponent of twenty digits: made not finite, so that the field itself refuses it
        return Decimal("NaN")


def _whole_number(literal: str) -> int | Decimal:
    # CPython refuses to make an int of thousands of digits, and would so blame the whole text for one odd number.
    return Decimal(literal) if len(literal) > _LONGEST_INT else int(literal)


_LONGEST_INT: Final = 18


# ── Plain values to the case ─────────────────────────────────────────────────────────────────────────────────────────
# A reader takes a value, its pointer and the list of flaws; it returns what the value means, or notes a flaw and gives
# ``_BAD``. Readers never stop at a flaw, so that whoever wrote the document can mend it in one go.

_Reader = Callable[[Any, str, list[Flaw]], Any]
_BAD: Final = object()


def _bad(pointer: str, message: str, flaws: list[Flaw]) -> object:
    flaws.append(Flaw(pointer, message))
    return _BAD


def _text(value: object, at: str, flaws: list[Flaw]) -> object:
    return value if isinstance(value, str) else _bad(at, "must be text", flaws)


def _yes_or_no(value: object, at: str, flaws: list[Flaw]) -> object:
    return value if isinstance(value, bool) else _bad(at, "must be true or false", flaws)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _how_many(value: Any, at: str, flaws: list[Flaw]) -> object:
    return value if _is_whole(value) and value >= 0 else _bad(at, "must be a whole number, not negative", flaws)


def _count(value: Any, at: str, flaws: list[Flaw]) -> object:
    if _is_whole(value) and 0 <= value <= MAX_COUNT:
        return value
    return _bad(at, f"must be a whole number from 0 to {MAX_COUNT}", flaws)


def _number(value: Any, at: str, flaws: list[Flaw]) -> object:
    if _is_whole(value) or (isinstance(value, Decimal) and value.is_finite()):
        return Decimal(value)
    return _bad(at, "must be a finite number", flaws)


def _not_negative(value: object, at: str, flaws: list[Flaw]) -> object:
    number = _number(value, at, flaws)
    return _bad(at, "must not be negative", flaws) if isinstance(number, Decimal) and number < 0 else number


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
_OFFSET = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_TIME = re.compile(f"{_DAY.pattern}T{_CLOCK}{_OFFSET}")


def _day(value: object, at: str, flaws: list[Flaw]) -> object:
    # The pattern first: ``fromisoformat`` also takes week dates and days without hyphens.
    if isinstance(value, str) and _DAY.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    return _bad(at, "must be a day of the calendar, written YYYY-MM-DD", flaws)


def _time(value: object, at: str, flaws: list[Flaw]) -> object:
    # RFC 3339 allows small letters and any number of decimals; what is finer than a microsecond is cut off.
    if isinstance(value, str) and _TIME.fullmatch(value.upper()):
        with suppress(ValueError):
            return datetime.fromisoformat(value.upper())
    return _bad(at, "must be a time with its offset, written as RFC 3339 says", flaws)


def _zone(value: object, at: str, flaws: list[Flaw]) -> object:
    # Beside the places, a machine's zone folder holds its own setting and copies that count leap seconds.
    if isinstance(value, str) and not value.startswith(("localtime", "posix", "right/")):
        with suppress(KeyError, ValueError, OSError):
            return ZoneInfo(value)
    return _bad(at, "must be a time zone of the IANA list, like Europe/Amsterdam", flaws)


def _word(words: type[StrEnum], *, but: StrEnum | None = None) -> _Reader:
    known = {word.value: word for word in words if word != but}

    def read(value: object, at: str, flaws: list[Flaw]) -> object:
        if isinstance(value, str) and value in known:
            return known[value]
        return _bad(at, f"must be one of {', '.join(known)}", flaws)

    return read


def _or_null(reader: _Reader) -> _Reader:
    return lambda value, at, flaws: None if value is None else reader(value, at, flaws)


def _list(reader: _Reader) -> _Reader:
    def read(value: object, at: str, flaws: list[Flaw]) -> object:
        if not isinstance(value, list):
            return _bad(at, "must be a list", flaws)
        items = tuple(reader(item, f"{at}/{position}", flaws) for position, item in enumerate(value))
        return _BAD if _BAD in items else items

    return read


def _distinct(reader: _Reader) -> _Reader:
    """A list in which no value stands twice."""
    read_list = _list(reader)

    def read(value: object, at: str, flaws: list[Flaw]) -> object:
        if isinstance(value, list):
            _note_repeats(((item, f"{at}/{position}") for position, item in enumerate(value)), flaws)
        return read_list(value, at, flaws)

    return read


def _by_id(reader: _Reader) -> _Reader:
    """A list of objects of which no two have one id."""
    read_list = _list(reader)

    def read(value: object, at: str, flaws: list[Flaw]) -> object:
        if isinstance(value, list):
            objects = ((item, f"{at}/{position}/id") for position, item in enumerate(value) if isinstance(item, dict))
            _note_repeats(((item.get("id"), pointer) for item, pointer in objects), flaws)
        return read_list(value, at, flaws)

    return read


def _note_repeats(named: Iterable[tuple[object, str]], flaws: list[Flaw]) -> None:
    seen: set[str] = set()
    for name, pointer in named:
        if isinstance(name, str):  # anything else is a flaw of its own
            if name in seen:
                flaws.append(Flaw(pointer, "stands here for the second time"))
            seen.add(name)


def _some(reader: _Reader) -> _Reader:
    """A list that is not empty."""
    return lambda value, at, flaws: _bad(at, "must not be empty", flaws) if value == [] else reader(value, at, flaws)


def _step(name: str) -> str:
    """One step of a JSON pointer, as RFC 6901 escapes it."""
    return name.replace("~", "~0").replace("/", "~1")


def _members(value: object, at: str, known: Iterable[str], flaws: list[Flaw]) -> dict[str, Any] | None:
    """The members of an object, after noting those that nobody knows and those that stood there twice."""
    if not isinstance(value, _Object):
        flaws.append(Flaw(at, "must be an object"))
        return None
    flaws.extend(Flaw(f"{at}/{_step(name)}", "is not a field of this document") for name in value if name not in known)
    flaws.extend(Flaw(f"{at}/{_step(name)}", "stands here twice") for name in value.repeated)
    return value


_Check = Callable[[dict[str, Any], str, list[Flaw]], None]


def _record(build: Callable[..., object], readers: dict[str, _Reader], *checks: _Check) -> _Reader:
    """An object with exactly these fields. The checks see the fields that could be read, the others are missing."""

    def read(value: object, at: str, flaws: list[Flaw]) -> object:
        members = _members(value, at, readers, flaws)
        if members is None:
            return _BAD
        found = {}
        for name, reader in readers.items():
            pointer = f"{at}/{name}"
            field = reader(members[name], pointer, flaws) if name in members else _bad(pointer, "is missing", flaws)
            if field is not _BAD:
                found[name] = field
        for check in checks:
            check(found, at, flaws)
        return build(**found) if len(found) == len(readers) else _BAD

    return read


def _scope(value: object, at: str, flaws: list[Flaw]) -> object:
    members = _members(value, at, _SCOPE_KINDS, flaws)
    if members is None:
        return _BAD
    kinds = [kind for kind in ScopeKind if kind.value in members]
    if len(kinds) != 1:
        return _bad(at, f"must have exactly one of {', '.join(_SCOPE_KINDS)}", flaws)
    name = _text(members[kinds[0].value], f"{at}/{kinds[0].value}", flaws)
    return Scope(kinds[0], name) if isinstance(name, str) else _BAD


_SCOPE_KINDS: Final = tuple(kind.value for kind in ScopeKind)


def _ends_after_start(found: dict[str, Any], at: str, flaws: list[Flaw]) -> None:
    starts_on, ends_on = found.get("starts_on"), found.get("ends_on")
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        flaws.append(Flaw(f"{at}/ends_on", "must not be before starts_on"))


def _answer_is_whole(found: dict[str, Any], at: str, flaws: list[Flaw]) -> None:
    """An answer of the vendor has its time, and a time without an error has its answer. Other sources are not read."""
    can_be_read = found.keys() >= {"vendor_says", "checked_at", "error"}
    if found.get("source") != EvidenceSource.VENDOR_LOOKUP or not can_be_read:
        return
    if found["checked_at"] is None and found["vendor_says"] is not None:
        flaws.append(Flaw(f"{at}/checked_at", "must not be null where vendor_says is set"))
    if found["checked_at"] is not None and found["error"] is None and found["vendor_says"] is None:
        flaws.append(Flaw(f"{at}/vendor_says", "must not be null where the vendor was asked without an error"))


_LOOKUP = _record(
    UnitLookup,
    {
        "source": _word(LookupSource),
        "vendor_says": _or_null(_word(UnitSays)),
        "checked_at": _or_null(_time),
        "error": _or_null(_text),
        "absence_attested": _yes_or_no,
    },
    _answer_is_whole,
)
_ASSET = _record(
    Asset,
    {
        "id": _text,
        "serial_number": _text,
        "product": _or_null(_text),
        "site": _or_null(_text),
        "client": _text,
        "ownership": _word(Ownership),
        "state": _word(AssetState),
        "replaced_by": _or_null(_text),
        "handover_exceptions": _list(_word(Component)),
        "lookup": _LOOKUP,
    },
)
_READING = _record(
    Reading,
    {
        "metric": _text,
        "value": _number,
        "target": _number,
        "tolerance": _not_negative,
        "direction": _word(Direction),
    },
)
_FAULT = _record(
    Fault,
    {
        "id": _text,
        "component": _word(Component),
        "component_ref": _text,
        "cause": _word(Cause),
        "occurred_at": _or_null(_time),
        "reported_at": _time,
        "reading": _or_null(_READING),
    },
)
_EVIDENCE = _record(
    Evidence,
    {
        "source": _word(EvidenceSource),
        "vendor_says": _or_null(_word(CoverageSays)),
        "checked_at": _or_null(_time),
        "error": _or_null(_text),
    },
    _answer_is_whole,
)
_COVERAGE = _record(
    Coverage,
    {
        "id": _text,
        "contract_number": _text,
        "kind": _word(CoverageKind),
        "fulfilment": _word(Fulfilment),
        "scope": _scope,
        "starts_on": _day,
        "ends_on": _or_null(_day),
        "time_zone": _zone,
        "state": _word(CoverageState),
        "covers": _some(_distinct(_word(Share))),
        "excluded_causes": _list(_word(Cause, but=Cause.UNKNOWN)),
        "excluded_components": _list(_word(Component)),
        "sites": _or_null(_list(_text)),
        "service_level": _word(ServiceLevel),
        "delivery": _word(Delivery),
        "grace_days": _count,
        "grace_is_covered": _yes_or_no,
        "waiting_days": _count,
        "claims_after_end_days": _count,
        "claims_limit": _or_null(_count),
        "claims_used": _count,
        "evidence": _EVIDENCE,
    },
    _ends_after_start,
)
_OTHER_CASE = _record(
    OtherCase,
    {
        "id": _text,
        "kind": _word(CaseKind),
        "component": _word(Component),
        "component_ref": _text,
        "reported_at": _time,
        "closed_at": _or_null(_time),
    },
)
_POLICY = _record(
    Policy,
    {
        "precedence": _distinct(_word(CoverageKind)),
        "evidence_freshness_days": _count,
        "repeat_window_days": _count,
        "lookup_patience_minutes": _count,
    },
)
_CASE = _record(
    Case,
    {
        "now": _time,
        "asset": _or_null(_ASSET),
        "matches": _how_many,
        "fault": _FAULT,
        "coverages": _by_id(_COVERAGE),
        "cases": _by_id(_OTHER_CASE),
        "policy": _POLICY,
    },
)
