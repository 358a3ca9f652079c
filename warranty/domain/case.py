"""The case: everything that one coverage decision rests on, as values that do not change.

The only place that says what a decision may look at, and that writes it down: ``Case.to_json`` gives the canonical
JSON document, which ``case_document`` reads back to an equal case.
Source: domain.md, section 2, and interface.md, section 5.
"""

import json
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from enum import StrEnum
from functools import cache
from typing import Any
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
        that many digits lies between an exact edge and its rounded neighbour, so the comparison is exact, and stays
        cheap when the three exponents lie far apart.
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
    """One promise to pay for a swap. Days are those of ``time_zone``, both inclusive; ``ends_on`` None is no end."""

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
        """Give the document: fields in the published order, instants with ``Z`` for UTC, numbers of a reading exact.

        Those numbers are ``Decimal``, which the standard encoder refuses rather than bends: for text use ``to_json``.
        """
        document: dict[str, Any] = _plain(self)
        return document

    def to_json(self) -> str:
        """Give the document as one line of ASCII JSON."""
        # Decimals stand in a reading only; without one the standard encoder gives the same text in a tenth of the time.
        return json.dumps(self.to_document()) if self.fault.reading is None else _json(self.to_document())


_LEAVES = frozenset({str, int, bool, type(None), Decimal})  # what most fields hold, so asked first


def _plain(value: Any) -> Any:
    if type(value) in _LEAVES:
        return value
    match value:
        case datetime():  # before date, which it is too
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case ZoneInfo():
            return value.key
        case Scope():
            return {value.kind.value: value.id}
        case StrEnum():
            return value.value
        case tuple():
            return [_plain(item) for item in value]
    return {name: _plain(getattr(value, name)) for name in _names(value.__class__)}


@cache
def _names(dataclass: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(dataclass))


def _json(value: object) -> str:
    """Write JSON with decimals as they were written, for which the standard encoder has no place."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(name)}: {_json(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_json, value)) + "]"
        case Decimal():
            return str(value)
    return json.dumps(value)
