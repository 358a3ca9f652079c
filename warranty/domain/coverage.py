"""The coverage decision: the only place that says whether a swap is covered, by whom, who pays it, and where it goes.

``decide`` is pure: no database, no clock, no network. Every stored case therefore gives its verdict again, byte for byte
under the same ``ENGINE_VERSION``. Source: domain.md, section 2; the answer's form: interface.md, section 5.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final, Generic, TypeVar

from warranty.domain.case import Asset, Case, Coverage, Evidence, Fault, OtherCase, UnitLookup
from warranty.domain.reasons import PLACES, Params, Reason, reason, render
from warranty.domain.terms import (
    CONSUMABLES,
    AssetState,
    CaseKind,
    Cause,
    Component,
    CoverageKind,
    CoverageSays,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    LookupSource,
    Ownership,
    Party,
    ReasonCode,
    Route,
    Rule,
    ScopeKind,
    ServiceLevel,
    Share,
    UnitSays,
    VerdictWord,
)

ENGINE_VERSION: Final = "1"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shares(Generic[T]):
    """One thing for each share of a swap, or None for neither."""

    parts: T | None = None
    labour: T | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one case. ``verdict`` is None where nothing is to be decided."""

    verdict: VerdictWord | None
    route: Route
    awards: Shares[str]  # ids of coverages
    pays: Shares[Party]
    reasons: tuple[Reason, ...]
    engine_version: str

    def to_document(self) -> dict[str, Any]:
        """Give the answer of ``warranty decide``: exactly the published fields, in their order."""
        return {
            "verdict": self.verdict,
            "route": self.route,
            "awards": {"parts": self.awards.parts, "labour": self.awards.labour},
            "pays": {"parts": self.pays.parts, "labour": self.pays.labour},
            "reasons": [
                {"code": r.code, "share": r.share, "coverage": r.coverage, "params": r.params, "text": r.text}
                for r in self.reasons
            ],
            "engine_version": self.engine_version,
        }

    def to_json(self) -> str:
        """Give the answer as one line of ASCII JSON; equal verdicts give equal bytes."""
        return json.dumps(self.to_document())

    @classmethod
    def from_json(cls, text: str) -> "Verdict":
        """Read back what ``to_json`` gave, the sentences as they were, also those of an older engine."""
        document = json.loads(text)
        return cls(
            verdict=None if document["verdict"] is None else VerdictWord(document["verdict"]),
            route=Route(document["route"]),
            awards=Shares(**document["awards"]),
            pays=Shares(**{share: party and Party(party) for share, party in document["pays"].items()}),
            reasons=tuple(
                Reason(
                    code=ReasonCode(entry["code"]),
                    share=entry["share"] and Share(entry["share"]),
                    coverage=entry["coverage"],
                    params=entry["params"],
                    text=entry["text"],
                )
                for entry in document["reasons"]
            ),
            engine_version=document["engine_version"],
        )


def decide(case: Case) -> Verdict:
    """Award the parts and the labour of one swap, each to the best coverage or to none.

    Args:
        case: asset, fault, candidate coverages in any order (none is allowed), the asset's other cases, policy, and the
            instant of decision. Instants are aware; ``starts_on`` and ``ends_on`` are inclusive days in each contract's
            own time zone.

    Returns:
        The verdict, its route, who won each share (``awards``), who pays it (``pays``), and the reasons: the gate that
        fired, or an entry for every candidate coverage and share, winners and losers.

    Raises:
        Nothing. What is unknown or in conflict becomes ``needs_review``, never "no". Source: domain.md, section 2.
    """
    if case.asset is None:
        if case.matches > 1:
            return _review_at_gate(ReasonCode.SERIAL_AMBIGUOUS, matches=case.matches)
        return _review_at_gate(ReasonCode.UNIT_UNIDENTIFIED)
    return _gate_of_the_unit(case.asset) or _gate_of_the_fault(case) or _weigh(case, case.asset)


# ── Gates: the first that fires ends the evaluation, with one entry ──────────────────────────────────────────────────

_OVER: Final = frozenset({AssetState.REPLACED, AssetState.RETURNED_TO_VENDOR, AssetState.RETAINED_MEDIA})
_GONE: Final = frozenset({AssetState.DECOMMISSIONED, AssetState.DISPOSED, AssetState.LOST, AssetState.STOLEN})
_NOT_ACCEPTED: Final = frozenset({AssetState.ONBOARDING, AssetState.REJECTED_AT_HANDOVER})


def _review_at_gate(code: ReasonCode, **params: str | int) -> Verdict:
    return _at_gate(VerdictWord.NEEDS_REVIEW, Route.REVIEW, code, params)


def _at_gate(verdict: VerdictWord | None, route: Route, code: ReasonCode, params: Params) -> Verdict:
    return Verdict(verdict, route, Shares(), Shares(), (reason(code, **params),), ENGINE_VERSION)


def _gate_of_the_unit(asset: Asset) -> Verdict | None:
    if asset.state in _OVER or asset.replaced_by is not None:
        return _review_at_gate(ReasonCode.ASSET_REPLACED)
    if asset.state in _GONE:
        return _review_at_gate(ReasonCode.ASSET_DECOMMISSIONED, state=asset.state)
    if asset.state in _NOT_ACCEPTED:
        return _review_at_gate(ReasonCode.ASSET_NOT_ACCEPTED)
    if asset.ownership == Ownership.LEASED:
        return _review_at_gate(ReasonCode.LEASED)
    return None


def _gate_of_the_fault(case: Case) -> Verdict | None:
    fault = case.fault
    reading = fault.reading
    if reading is not None and reading.is_inside():
        numbers = {"value": str(reading.value), "target": str(reading.target), "tolerance": str(reading.tolerance)}
        return _at_gate(None, Route.NONE, ReasonCode.WITHIN_TOLERANCE, {"metric": reading.metric, **numbers})

    still_open = [other for other in case.cases if other.closed_at is None and other.id != fault.id]
    same = [other for other in still_open if _is_surely_the_same(other, fault)]
    if same:
        code, params = _first_of(same)
        return _at_gate(None, Route.DUPLICATE, code, params)
    doubtful = [other for other in still_open if _may_be_the_same(other, fault)]
    if doubtful:
        code, params = _first_of(doubtful)
        return _review_at_gate(code, **params)
    return None


def _is_surely_the_same(other: OtherCase, fault: Fault) -> bool:
    if other.component == Component.UNIT:  # whoever is replacing the whole unit replaces every component of it
        return True
    return other.component == fault.component and other.component_ref == fault.component_ref


def _may_be_the_same(other: OtherCase, fault: Fault) -> bool:
    if fault.component == Component.UNIT:
        return True
    return other.component == fault.component and bool(other.component_ref) != bool(fault.component_ref)


# The order is that of the choice: a fault joins the RMA before the job before the other fault.
_OPEN_CODES: Final = {
    CaseKind.RMA: ReasonCode.OPEN_RMA_EXISTS,
    CaseKind.JOB: ReasonCode.OPEN_JOB_EXISTS,
    CaseKind.FAULT: ReasonCode.DUPLICATE_FAULT,
}
_KIND_PLACE: Final = {kind: place for place, kind in enumerate(_OPEN_CODES)}


def _first_of(cases: Sequence[OtherCase]) -> tuple[ReasonCode, Params]:
    first = min(cases, key=lambda other: (_KIND_PLACE[other.kind], other.id))
    return _OPEN_CODES[first.kind], {"case": first.id}


# ── One coverage ─────────────────────────────────────────────────────────────────────────────────────────────────────

UNDETERMINED: Final = frozenset(
    {
        ReasonCode.IN_GRACE,  # as a failure; grace that is covered passes
        ReasonCode.REPORTED_AFTER_COVER,
        ReasonCode.CAUSE_UNKNOWN,
        ReasonCode.LOOKUP_FAILED,
        ReasonCode.NEVER_LOOKED_UP,
        ReasonCode.LOOKUP_STALE,
        ReasonCode.UNKNOWN_TO_VENDOR,
        ReasonCode.NOT_OWNER_AT_VENDOR,
        ReasonCode.SOURCES_CONFLICT,
        ReasonCode.NO_EVIDENCE,
        ReasonCode.UNKNOWN_SERVICE_LEVEL,
    }
)
