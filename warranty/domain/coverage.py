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
from warranty.domain.reasons import CHOSEN, PLACES, SENTENCES, Params, Reason, fill, reason, render
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
_STATE_CODES: Final = {
    CoverageState.SUSPENDED: ReasonCode.SUSPENDED,
    CoverageState.VOIDED: ReasonCode.VOIDED,
    CoverageState.CANCELLED: ReasonCode.CANCELLED,
    CoverageState.SUPERSEDED: ReasonCode.SUPERSEDED,
}
_SHARE_CODES: Final = {Share.PARTS: ReasonCode.PARTS_NOT_COVERED, Share.LABOUR: ReasonCode.LABOUR_NOT_COVERED}
_ANSWER_CODES: Final[dict[str | None, ReasonCode]] = {
    CoverageSays.UNKNOWN: ReasonCode.UNKNOWN_TO_VENDOR,
    CoverageSays.NOT_OWNER: ReasonCode.NOT_OWNER_AT_VENDOR,
}
_NEEDS_NO_EVIDENCE: Final = frozenset({CoverageKind.MSP_AGREEMENT, CoverageKind.INSURANCE})

_DEFAULT_PRECEDENCE: Final = tuple(CoverageKind)
_SPECIFICITY_PLACE: Final = {kind: place for place, kind in enumerate(ScopeKind)}
# An unknown level never passes, so its place only says what it would outrank: it may turn out to be the best one.
_LEVEL_PLACE: Final = {level: place for place, level in enumerate(ServiceLevel)} | {ServiceLevel.UNKNOWN: 0}
_DELIVERY_PLACE: Final = {delivery: place for place, delivery in enumerate(Delivery)}

_Rank = tuple[int, int, int, int, tuple[bool, date], str, str]  # lower is better; one place for each rule of RULES
RULES: Final = tuple(Rule)


@dataclass(frozen=True, slots=True)
class _Finding:
    """One candidate coverage after it was asked everything that does not depend on the share."""

    coverage: Coverage
    fault: Fault
    fault_on: date  # this and the next in the contract's own zone
    reported_on: date
    is_in_covered_grace: bool
    no: ReasonCode | None  # definite, and asked before the share
    exhausted: ReasonCode | None  # definite, and asked after the share
    doubt: ReasonCode | None  # the first undetermined failure; it counts where nothing definite stands against it
    rank: _Rank

    def failure(self, share: Share) -> ReasonCode | None:
        """Why this coverage does not pay for a share; None where it passes."""
        if self.no is not None:
            return self.no
        if share not in self.coverage.covers:
            return _SHARE_CODES[share]
        return self.exhausted or self.doubt

    def entry(self, code: ReasonCode, share: Share) -> Reason:
        """The entry for one share, with the facts that its sentence needs."""
        sentence = CHOSEN[share] if code is ReasonCode.CHOSEN else SENTENCES[code]
        params = {place: _FACTS[place](self) for place in PLACES[sentence]}
        return Reason(code, share, self.coverage.id, params, fill(sentence, params))


_FACTS: Final[dict[str, Callable[[_Finding], str | int | None]]] = {
    "contract": lambda found: found.coverage.contract_number,
    "kind": lambda found: found.coverage.kind,
    "starts_on": lambda found: found.coverage.starts_on.isoformat(),
    "ends_on": lambda found: str(found.coverage.ends_on),
    "fault_on": lambda found: found.fault_on.isoformat(),
    "reported_on": lambda found: found.reported_on.isoformat(),
    "component": lambda found: found.fault.component,
    "cause": lambda found: found.fault.cause,
    "claims_used": lambda found: found.coverage.claims_used,
    "claims_limit": lambda found: found.coverage.claims_limit,
    "vendor_says": lambda found: found.coverage.evidence.vendor_says,
    "checked_on": lambda found: _checked_on(found.coverage.evidence),
}


def _examine(case: Case, asset: Asset, coverage: Coverage, precedence: Mapping[CoverageKind, int]) -> _Finding:
    fault = case.fault
    reported_on = _day(fault.reported_at, coverage.time_zone)
    fault_on = reported_on if fault.occurred_at is None else _day(fault.occurred_at, coverage.time_zone)
    by_dates = _ask_dates(case, coverage, fault_on, reported_on)
    is_in_covered_grace = by_dates is None and coverage.ends_on is not None and fault_on > coverage.ends_on
    limit = coverage.claims_limit
    return _Finding(
        coverage=coverage,
        fault=fault,
        fault_on=fault_on,
        reported_on=reported_on,
        is_in_covered_grace=is_in_covered_grace,
        no=_definite_no(asset, fault, coverage, by_dates),
        exhausted=ReasonCode.LIMIT_EXHAUSTED if limit is not None and coverage.claims_used >= limit else None,
        doubt=by_dates or _doubt(case, coverage, is_in_covered_grace=is_in_covered_grace),
        rank=(
            precedence[coverage.kind],
            _SPECIFICITY_PLACE[coverage.scope.kind],
            _LEVEL_PLACE[coverage.service_level],
            _DELIVERY_PLACE[coverage.delivery],
            (coverage.ends_on is None, coverage.ends_on or date.max),
            coverage.contract_number,
            coverage.id,
        ),
    )


def _definite_no(asset: Asset, fault: Fault, coverage: Coverage, by_dates: ReasonCode | None) -> ReasonCode | None:
    """The first definite failure before the share is asked: state, dates, site, component, cause."""
    if coverage.state != CoverageState.ACTIVE:
        return _STATE_CODES[coverage.state]
    if by_dates is not None and by_dates not in UNDETERMINED:
        return by_dates
    if coverage.sites is not None and asset.site not in coverage.sites:
        return ReasonCode.SITE_NOT_COVERED
    if fault.component in coverage.excluded_components:
        is_consumable = fault.component in CONSUMABLES
        return ReasonCode.CONSUMABLE_EXCLUDED if is_consumable else ReasonCode.COMPONENT_EXCLUDED
    if fault.cause in coverage.excluded_causes:
        return ReasonCode.CAUSE_EXCLUDED
    return None


def _doubt(case: Case, coverage: Coverage, *, is_in_covered_grace: bool) -> ReasonCode | None:
    """The first undetermined failure after the dates: cause, evidence, service level."""
    if case.fault.cause == Cause.UNKNOWN and coverage.excluded_causes:
        return ReasonCode.CAUSE_UNKNOWN
    if by_evidence := _ask_evidence(case, coverage, is_in_covered_grace=is_in_covered_grace):
        return by_evidence
    return ReasonCode.UNKNOWN_SERVICE_LEVEL if coverage.service_level == ServiceLevel.UNKNOWN else None


def _ask_dates(case: Case, coverage: Coverage, fault_on: date, reported_on: date) -> ReasonCode | None:
    """Ask start, waiting and end. Days are compared by their distance, so that no count of days leaves the calendar."""
    if fault_on < coverage.starts_on:
        if reported_on >= coverage.starts_on:
            return ReasonCode.FAILURE_BEFORE_COVER
        return _unless_contradicted(ReasonCode.NOT_STARTED, case, coverage)
    if (fault_on - coverage.starts_on).days < coverage.waiting_days:
        return ReasonCode.WAITING_PERIOD
    if coverage.ends_on is None:
        return None
    days_over = (fault_on - coverage.ends_on).days
    if days_over > coverage.grace_days:
        return _unless_contradicted(ReasonCode.EXPIRED, case, coverage)
    if days_over > 0 and not coverage.grace_is_covered:
        return _unless_contradicted(ReasonCode.IN_GRACE, case, coverage)
    covered_grace = coverage.grace_days if coverage.grace_is_covered else 0
    if (reported_on - coverage.ends_on).days > max(covered_grace, coverage.claims_after_end_days):
        return ReasonCode.REPORTED_AFTER_COVER
    return None


def _unless_contradicted(code: ReasonCode, case: Case, coverage: Coverage) -> ReasonCode:
    """The date code, unless the vendor said ``covered`` on a day that lies on the same side outside the dates.

    An answer of an earlier day does not contradict: it was true while the contract ran.
    """
    evidence = coverage.evidence
    if evidence.source != EvidenceSource.VENDOR_LOOKUP or evidence.vendor_says != CoverageSays.COVERED:
        return code
    if evidence.checked_at is None or _lookup_failure(case, evidence) is not None:
        return code
    checked_on = _day(evidence.checked_at, coverage.time_zone)
    if code == ReasonCode.NOT_STARTED:
        is_outside = checked_on < coverage.starts_on
    else:
        is_outside = coverage.ends_on is not None and checked_on > coverage.ends_on
    return ReasonCode.SOURCES_CONFLICT if is_outside else code


def _ask_evidence(case: Case, coverage: Coverage, *, is_in_covered_grace: bool) -> ReasonCode | None:
    """Ask what the coverage rests on. Only read where the dates pass: a failure of theirs comes first."""
    evidence = coverage.evidence
    if evidence.source == EvidenceSource.NONE:
        return None if coverage.kind in _NEEDS_NO_EVIDENCE else ReasonCode.NO_EVIDENCE
    if evidence.source == EvidenceSource.CONTRACT_FILE:
        return None
    if (failure := _lookup_failure(case, evidence)) is not None:
        return failure
    if evidence.vendor_says == CoverageSays.NOT_COVERED and evidence.checked_at is not None and not is_in_covered_grace:
        checked_on = _day(evidence.checked_at, coverage.time_zone)
        if coverage.starts_on <= checked_on and (coverage.ends_on is None or checked_on <= coverage.ends_on):
            return ReasonCode.SOURCES_CONFLICT
    return None


def _lookup_failure(case: Case, looked_up: Evidence | UnitLookup) -> ReasonCode | None:
    """Why a look-up, of a coverage or of the unit itself, says nothing definite."""
    if looked_up.error is not None:
        return ReasonCode.LOOKUP_FAILED
    if looked_up.checked_at is None:
        return ReasonCode.NEVER_LOOKED_UP
    if case.now - looked_up.checked_at > timedelta(days=case.policy.evidence_freshness_days):
        return ReasonCode.LOOKUP_STALE
    return _ANSWER_CODES.get(looked_up.vendor_says)


def _day(instant: datetime, zone: tzinfo) -> date:
    try:
        return instant.astimezone(zone).date()
    except OverflowError:  # the calendar's first or last day, as written: there is no day beyond it to be on
        return instant.date()


def _checked_on(looked_up: Evidence | UnitLookup) -> str | None:
    return None if looked_up.checked_at is None else _day(looked_up.checked_at, UTC).isoformat()


# ── One share ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Award:
    """The ranking of one share."""

    winner: Coverage | None  # among those that pass
    doubts: frozenset[ReasonCode]  # of those that might have won in its place; any makes the share undetermined
    reasons: list[Reason]

    @property
    def won(self) -> Coverage | None:
        """The winner, where the share is determined."""
        return None if self.doubts else self.winner


def _award(share: Share, findings: Sequence[_Finding]) -> _Award:
    asked = [(found, found.failure(share)) for found in findings]
    best = min((found for found, failure in asked if failure is None), key=lambda found: found.rank, default=None)
    doubts = frozenset(
        failure
        for found, failure in asked
        if failure in UNDETERMINED and (best is None or found.rank < best.rank)
    )
    reasons = []
    for found, failure in asked:
        if failure is not None:
            reasons.append(found.entry(failure, share))
        elif best is None or found is best:
            reasons.append(found.entry(ReasonCode.CHOSEN, share))
            if found.is_in_covered_grace:
                reasons.append(found.entry(ReasonCode.IN_GRACE, share))
        else:
            rule = next(rule for rule, mine, theirs in zip(RULES, found.rank, best.rank, strict=True) if mine != theirs)
            reasons.append(reason(ReasonCode.OUTRANKED, share, found.coverage.id, rule=rule, winner=best.coverage.id))
    return _Award(best and best.coverage, doubts, reasons)


# ── The verdict ──────────────────────────────────────────────────────────────────────────────────────────────────────

# What asking the vendor again may settle; everything else that is undetermined needs a person.
_ASKING_MAY_SETTLE: Final = frozenset({ReasonCode.NEVER_LOOKED_UP, ReasonCode.LOOKUP_STALE, ReasonCode.LOOKUP_FAILED})
_ROUTES: Final = {
    Fulfilment.VENDOR_RMA: Route.RMA,
    Fulfilment.MSP_SUPPLY: Route.AD_HOC,
    Fulfilment.INSURER_CLAIM: Route.AD_HOC,
}
_PAYERS: Final = {
    Fulfilment.VENDOR_RMA: Party.VENDOR,
    Fulfilment.MSP_SUPPLY: Party.MSP,
    Fulfilment.INSURER_CLAIM: Party.INSURER,
}
_MSP_PAYS_AS: Final = {Ownership.MSP: ReasonCode.MSP_OWNED, Ownership.LOANER: ReasonCode.LOANER}
_SHARE_PLACE: Final = {None: 0, Share.PARTS: 1, Share.LABOUR: 2}


def _weigh(case: Case, asset: Asset) -> Verdict:
    """Rank the candidates for each share, and say what follows. No gate has fired."""
    precedence = _precedence(case.policy.precedence)
    findings = [_examine(case, asset, one, precedence) for one in case.coverages if _fits(one, asset)]
    parts, labour = _award(Share.PARTS, findings), _award(Share.LABOUR, findings)
    doubts = parts.doubts | labour.doubts
    reasons = parts.reasons + labour.reasons

    if parts.winner is None and (code := _absence_unproved(case, asset.lookup)) is not None:
        doubts |= {code}
        reasons.append(_entry_of_the_unit(code, asset.lookup))
    if not findings:
        reasons.append(reason(ReasonCode.NO_COVERAGE))
    if (earlier := _repeated(case)) is not None:
        reasons.append(reason(ReasonCode.REPEAT_FAILURE, case=earlier.id))
    was_faulty = case.fault.component in asset.handover_exceptions and not _others_pay(parts.won, labour.won)
    if was_faulty:
        reasons.append(reason(ReasonCode.PRE_EXISTING_CONDITION, component=case.fault.component))

    if doubts or was_faulty:
        route = Route.LOOKUP if _may_ask_the_vendor(case, asset, doubts) else Route.REVIEW
        return _verdict(VerdictWord.NEEDS_REVIEW, route, Shares(), Shares(), reasons)
    if asset.ownership in _MSP_PAYS_AS and (parts.won is None or labour.won is None):
        reasons.append(reason(_MSP_PAYS_AS[asset.ownership]))
    pays = Shares(_payer(parts.won, asset.ownership), _payer(labour.won, asset.ownership))
    awards = Shares(parts.won and parts.won.id, labour.won and labour.won.id)
    if parts.won is None:
        return _verdict(VerdictWord.NOT_COVERED, Route.AD_HOC, awards, pays, reasons)
    word = VerdictWord.PARTLY_COVERED if labour.won is None else VerdictWord.COVERED
    return _verdict(word, _ROUTES[parts.won.fulfilment], awards, pays, reasons)


def _verdict(
    word: VerdictWord, route: Route, awards: Shares[str], pays: Shares[Party], reasons: list[Reason]
) -> Verdict:
    """Put the entries in their fixed order: by share, coverage and code, each null first."""
    reasons.sort(key=lambda r: (_SHARE_PLACE[r.share], r.coverage is not None, r.coverage or "", r.code))
    return Verdict(word, route, awards, pays, tuple(reasons), ENGINE_VERSION)


def _precedence(agreed: tuple[CoverageKind, ...]) -> dict[CoverageKind, int]:
    kinds = [*agreed, *(kind for kind in _DEFAULT_PRECEDENCE if kind not in agreed)]
    return {kind: place for place, kind in enumerate(kinds)}


def _fits(coverage: Coverage, asset: Asset) -> bool:
    """Whether the scope names this unit; a unit without product or site is in no product's and no site's scope."""
    match coverage.scope.kind:
        case ScopeKind.ASSET:
            return coverage.scope.id == asset.id
        case ScopeKind.PRODUCT:
            return coverage.scope.id == asset.product
        case ScopeKind.SITE:
            return coverage.scope.id == asset.site
        case ScopeKind.CLIENT:
            return coverage.scope.id == asset.client


def _absence_unproved(case: Case, lookup: UnitLookup) -> ReasonCode | None:
    """Why "nothing covers the parts" is not proved. An attestation only stands in for an account that cannot ask."""
    if lookup.source == LookupSource.VENDOR_LOOKUP:
        return _lookup_failure(case, lookup)
    return None if lookup.absence_attested else ReasonCode.NO_EVIDENCE


def _entry_of_the_unit(code: ReasonCode, lookup: UnitLookup) -> Reason:
    if code == ReasonCode.LOOKUP_STALE:
        return reason(code, Share.PARTS, checked_on=_checked_on(lookup))
    return reason(code, Share.PARTS)


def _repeated(case: Case) -> OtherCase | None:
    """The case on the same component that was closed last before the report, within the window."""
    window = timedelta(days=case.policy.repeat_window_days)
    ages = [
        (case.fault.reported_at - other.closed_at, other.id, other)
        for other in case.cases
        if other.closed_at is not None and other.component == case.fault.component and other.id != case.fault.id
    ]
    inside = [(age, id_, other) for age, id_, other in ages if timedelta(0) <= age <= window]
    return min(inside, key=lambda one: one[:2])[2] if inside else None


def _others_pay(*won: Coverage | None) -> bool:
    """Whether every share was won by somebody else than the MSP, who took the unit over with its known exceptions."""
    return all(one is not None and one.kind != CoverageKind.MSP_AGREEMENT for one in won)


def _may_ask_the_vendor(case: Case, asset: Asset, doubts: frozenset[ReasonCode]) -> bool:
    has_patience = case.now - case.fault.reported_at < timedelta(minutes=case.policy.lookup_patience_minutes)
    can_ask = asset.lookup.source == LookupSource.VENDOR_LOOKUP
    return bool(doubts) and doubts <= _ASKING_MAY_SETTLE and can_ask and has_patience


def _payer(won: Coverage | None, ownership: Ownership) -> Party:
    if won is not None:
        return _PAYERS[won.fulfilment]
    return Party.MSP if ownership in _MSP_PAYS_AS else Party.CLIENT
