"""The case, which is all that one decision rests on, and its JSON document: the only place that reads or writes that document.

A document is read strictly: every field must be there and no other, and every flaw is named at once, by its JSON pointer.
The numbers of a reading stay exact decimals on the way in and on the way out, because a tolerance is compared exactly and
a stored case must give its verdict again. Source: interface.md, section 5.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

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

MAX_COUNT = 1_000_000  # of days, minutes and claims


@dataclass(frozen=True, slots=True)
class UnitLookup:
    """What the vendor said of the unit itself. Only for source ``vendor_lookup`` are the next three fields read."""

    source: LookupSource
    vendor_says: UnitSays | None
    checked_at: datetime | None  # None: nobody has asked yet
    error: str | None
    absence_attested: bool  # a person has attested that no other cover exists, or the base term has passed


@dataclass(frozen=True, slots=True)
class Asset:
    """The faulty unit as the register knows it."""

    id: str
    serial_number: str
    product: str | None
    site: str | None
    client: str
    ownership: Ownership
    state: AssetState
    replaced_by: str | None
    handover_exceptions: tuple[Component, ...]
    lookup: UnitLookup


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value against what the client and the MSP agreed on."""

    metric: str
    value: Decimal
    target: Decimal
    tolerance: Decimal
    direction: Direction

    def is_inside(self) -> bool:
        """Say whether the value keeps to the target within the tolerance, the edge included.

        The edges are computed to as many digits as the value has and rounded away from the target's side. No number of
        that many digits lies between an exact edge and its rounded neighbour, so the comparison is exact, and stays cheap
        when the three exponents lie far apart.
        """
        digits = len(self.value.as_tuple().digits)
        down = Context(prec=digits, rounding=ROUND_FLOOR, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
        up = Context(prec=digits, rounding=ROUND_CEILING, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
        is_high_enough = self.value >= up.subtract(self.target, self.tolerance)
        is_low_enough = self.value <= down.add(self.target, self.tolerance)
        if self.direction == Direction.AT_LEAST:
            return is_high_enough
        if self.direction == Direction.AT_MOST:
            return is_low_enough
        return is_high_enough and is_low_enough


@dataclass(frozen=True, slots=True)
class Fault:
    """The report that asks for a decision."""

    id: str
    component: Component
    component_ref: str  # slot or part serial, compared exactly; empty where it does not matter
    cause: Cause
    occurred_at: datetime | None
    reported_at: datetime
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a coverage is written for: one asset, product, site or client."""

    kind: ScopeKind
    id: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a coverage rests on. Only for source ``vendor_lookup`` are the other fields read."""

    source: EvidenceSource
    vendor_says: CoverageSays | None
    checked_at: datetime | None  # None: nobody has asked yet
    error: str | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """One promise to pay for a swap. Days are calendar days in ``time_zone``, both inclusive; ``ends_on`` None is no end."""

    id: str
    contract_number: str
    kind: CoverageKind
    fulfilment: Fulfilment
    scope: Scope
    starts_on: date
    ends_on: date | None
    time_zone: ZoneInfo
    state: CoverageState
    covers: tuple[Share, ...]
    excluded_causes: tuple[Cause, ...]
    excluded_components: tuple[Component, ...]
    sites: tuple[str, ...] | None  # None is everywhere, empty is nowhere
    service_level: ServiceLevel
    delivery: Delivery
    grace_days: int
    grace_is_covered: bool
    waiting_days: int
    claims_after_end_days: int
    claims_limit: int | None
    claims_used: int  # consumed plus reserved
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class OtherCase:
    """Another fault, RMA or job of the same unit; open where ``closed_at`` is None."""

    id: str
    kind: CaseKind
    component: Component
    component_ref: str
    reported_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the client and the MSP agreed on about deciding."""

    precedence: tuple[CoverageKind, ...]  # kinds left out follow in the default order
    evidence_freshness_days: int
    repeat_window_days: int
    lookup_patience_minutes: int


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that ``decide`` reads, the instant of decision included. Every instant is aware."""

    now: datetime
    asset: Asset | None
    matches: int  # units that answered to the serial; read only where ``asset`` is None
    fault: Fault
    coverages: tuple[Coverage, ...]
    cases: tuple[OtherCase, ...]
    policy: Policy

    def to_document(self) -> dict[str, Any]:
        """Give the document in its canonical form: fields in the published order, instants with ``Z`` for UTC.

        The numbers of a reading are ``Decimal``, which the standard encoder refuses rather than bends: write ``to_json``.
        """
        document: dict[str, Any] = _plain(self)
        return document

    def to_json(self) -> str:
        """Give the canonical document as one line of JSON, which ``read_case`` reads back to an equal case."""
        return _json(self.to_document())


@dataclass(frozen=True, slots=True)
class Flaw:
    """One way in which a document is malformed."""

    pointer: str  # RFC 6901; a missing field by the pointer it would have; empty for text that is not JSON
    message: str


def read_case(text: str | bytes) -> Case | tuple[Flaw, ...]:
    """Read one case document.

    Args:
        text: JSON; bytes are UTF-8, a byte order mark before them is ignored.

    Returns:
        The case, or every flaw of the document, at least one. Nothing is raised. Source: interface.md, section 5.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8-sig")
        document = json.loads(
            decoded,
            parse_float=_decimal,
            parse_int=_whole_or_decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_Object.of,
        )
    except UnicodeDecodeError as error:
        return (Flaw("", f"is not UTF-8: {error.reason} at byte {error.start}"),)
    except json.JSONDecodeError as error:
        return (Flaw("", f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"),)
    except ValueError as error:
        return (Flaw("", f"is not JSON: {error}"),)
    except RecursionError:
        return (Flaw("", "is nested too deeply to be a case"),)
    return parse_case(document)


def parse_case(document: object) -> Case | tuple[Flaw, ...]:
    """Read a document that is already parsed: plain dicts, lists, text, whole numbers, ``Decimal`` for other numbers.

    Returns:
        The case, or every flaw of the document, at least one. A binary float is a flaw: it no longer says what was written.
    """
    flaws: list[Flaw] = []
    case = _CASE(document, "", flaws)
    return case if isinstance(case, Case) and not flaws else tuple(flaws)


# ── JSON text to plain values, nothing lost ──────────────────────────────────────────────────────────────────────────


class _Object(dict[str, Any]):
    """A JSON object that remembers which names stood in it twice; parsers disagree on which of the two counts."""

    __slots__ = ("repeated",)
    repeated: tuple[str, ...]

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> "_Object":
        found = cls(pairs)
        counted = Counter(name for name, _ in pairs) if len(found) != len(pairs) else {}
        found.repeated = tuple(name for name, times in counted.items() if times > 1)
        return found


def _decimal(literal: str) -> Decimal:
    try:
        return Decimal(literal)
    except InvalidOperation:  # an exponent of twenty digits; the reader of the field refuses it by its pointer
        return Decimal("NaN")


def _whole_or_decimal(literal: str) -> int | Decimal:
    # CPython refuses to convert thousands of digits to an int, and would blame the whole text for one legal number.
    return int(literal) if len(literal) < 20 else Decimal(literal)  # noqa: PLR2004 - any length past MAX_COUNT will do


def _refuse_constant(name: str) -> None:
    message = f"{name} is not a JSON value"
    raise ValueError(message)


# ── plain values to the case: a reader takes a value and its pointer, and gives what it means or notes a flaw ────────

type_Reader = Callable[[Any, str, list[Flaw]], Any]
