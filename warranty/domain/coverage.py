"""The coverage decision: the only place that says whether a swap is covered, by whom, who pays it, and where it goes.

``decide`` is pure: no database, no clock, no network. So every stored case gives its verdict again, byte for byte
under the same ``ENGINE_VERSION``. Source: domain.md, section 2; the answer's form: interface.md, section 5.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

from warranty.domain.case import Asset, Case, Coverage, Evidence, Fault, OtherCase, UnitLookup
from warranty.domain.reasons import CHOSEN, OUTRANKED, SENTENCES, Params, Reason, fill, reason
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
    VerdictWord,
)

ENGINE_VERSION: Final = "1"

T = TypeVar("T")


class Shares(NamedTuple, Generic[T]):
    """One thing for each share of a swap, or None for neither."""

    parts: T | None = None
    labour: T | None = None


_NOBODY: Final[Shares[Any]] = Shares()


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
    return Verdict(verdict, route, _NOBODY, _NOBODY, (reason(code, **params),), ENGINE_VERSION)


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
    if not still_open:
        return None
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


# ── What every coverage is asked about ───────────────────────────────────────────────────────────────────────────────


class _Days(NamedTuple):
    """The days of one fault in one time zone."""

    fault_on: date  # the day that is tested
    reported_on: date
    fault_on_text: str  # for the sentences, most of which name this day


class _Question:
    """What every candidate is asked about; worked out once a case."""

    __slots__ = ("_days", "fault", "freshness", "now", "precedence", "site", "within")

    def __init__(self, case: Case, asset: Asset) -> None:
        self.precedence = _places(case.policy.precedence)
        self.freshness = timedelta(days=case.policy.evidence_freshness_days)
        self.now = case.now
        self.fault = case.fault
        self.site = asset.site
        # What a scope of each kind must name. Without product or site the unit is in no product's and no site's scope.
        self.within = dict(zip(_SCOPE_KINDS, (asset.id, asset.product, asset.site, asset.client), strict=True))
        self._days: dict[tzinfo, _Days] = {}

    def days_in(self, zone: tzinfo) -> _Days:
        """The fault's days as a contract in this zone counts them."""
        days = self._days.get(zone)
        if days is None:
            occurred_at, reported_at = self.fault.occurred_at, self.fault.reported_at
            reported_on = _day(reported_at, zone)
            fault_on = reported_on if occurred_at is None else _day(occurred_at, zone)
            days = _Days(fault_on, reported_on, fault_on.isoformat())
            self._days[zone] = days
        return days

    def unanswered(self, looked_up: Evidence | UnitLookup) -> ReasonCode | None:
        """Why a look-up, of a coverage or of the unit itself, says nothing definite; None where it says something."""
        if looked_up.error is not None:
            return ReasonCode.LOOKUP_FAILED
        if looked_up.checked_at is None:
            return ReasonCode.NEVER_LOOKED_UP
        if self.now - looked_up.checked_at > self.freshness:
            return ReasonCode.LOOKUP_STALE
        return _ANSWER_CODES.get(looked_up.vendor_says)


@lru_cache(maxsize=256)  # few precedences are agreed on, and one is read for every case
def _places(agreed: tuple[CoverageKind, ...]) -> dict[CoverageKind, int]:
    kinds = (*agreed, *(kind for kind in _DEFAULT_PRECEDENCE if kind not in agreed))
    return {kind: place for place, kind in enumerate(kinds)}


def _day(instant: datetime, zone: tzinfo) -> date:
    try:
        return instant.astimezone(zone).date()
    except OverflowError:  # the calendar's first or last day, as written: there is no day beyond it to be on
        return instant.date()


def _checked_on(looked_up: Evidence | UnitLookup) -> str | None:
    return None if looked_up.checked_at is None else str(_day(looked_up.checked_at, UTC))


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
_STATE_CODES: Final = {  # an active coverage has none
    CoverageState.SUSPENDED: ReasonCode.SUSPENDED,
    CoverageState.VOIDED: ReasonCode.VOIDED,
    CoverageState.CANCELLED: ReasonCode.CANCELLED,
    CoverageState.SUPERSEDED: ReasonCode.SUPERSEDED,
}
_SHARE_CODES: Final = {Share.PARTS: ReasonCode.PARTS_NOT_COVERED, Share.LABOUR: ReasonCode.LABOUR_NOT_COVERED}
_ANSWER_CODES: Final[dict[str | None, ReasonCode]] = {  # of a coverage and of the unit: the vendor's words are the same
    CoverageSays.UNKNOWN: ReasonCode.UNKNOWN_TO_VENDOR,
    CoverageSays.NOT_OWNER: ReasonCode.NOT_OWNER_AT_VENDOR,
}
_NEEDS_NO_EVIDENCE: Final = frozenset({CoverageKind.MSP_AGREEMENT, CoverageKind.INSURANCE})

_DEFAULT_PRECEDENCE: Final = tuple(CoverageKind)
_SCOPE_KINDS: Final = (ScopeKind.ASSET, ScopeKind.PRODUCT, ScopeKind.SITE, ScopeKind.CLIENT)
_SPECIFICITY_PLACE: Final = {kind: place for place, kind in enumerate(_SCOPE_KINDS)}
# An unknown level never passes, so its place only says what it would outrank: it may turn out to be the best one.
_LEVEL_PLACE: Final = {level: place for place, level in enumerate(ServiceLevel)} | {ServiceLevel.UNKNOWN: 0}
_DELIVERY_PLACE: Final = {delivery: place for place, delivery in enumerate(Delivery)}

_RULES: Final = tuple(Rule)

# Python 3.11 is slow to reach a member through its enum; these are asked for with every coverage.
_CHOSEN: Final = ReasonCode.CHOSEN
_OUTRANKED: Final = ReasonCode.OUTRANKED
_IN_GRACE: Final = ReasonCode.IN_GRACE
_CAUSE_UNKNOWN: Final = Cause.UNKNOWN
_LEVEL_UNKNOWN: Final = ServiceLevel.UNKNOWN
_CONTRACT_FILE: Final = EvidenceSource.CONTRACT_FILE
_VENDOR_LOOKUP: Final = EvidenceSource.VENDOR_LOOKUP
_SAYS_COVERED: Final = CoverageSays.COVERED
_SAYS_NOT_COVERED: Final = CoverageSays.NOT_COVERED
_Rank = tuple[int, int, int, int, tuple[bool, date], str, str]  # lower is better; one place for each of the rules


class _Finding:
    """One candidate coverage, asked everything."""

    __slots__ = ("_said", "coverage", "days", "definite", "doubt", "exhausted", "fault", "is_in_covered_grace", "rank")

    coverage: Coverage
    fault: Fault
    days: _Days
    is_in_covered_grace: bool
    definite: ReasonCode | None  # the first definite failure before the share is asked
    exhausted: ReasonCode | None  # the one after it
    doubt: ReasonCode | None  # the first undetermined failure; it counts where nothing definite stands against it
    rank: _Rank

    def __init__(self, question: _Question, coverage: Coverage) -> None:
        limit, ends_on = coverage.claims_limit, coverage.ends_on
        self.coverage = coverage
        self.fault = question.fault
        self.days = question.days_in(coverage.time_zone)
        self._said: dict[str, tuple[Params, str]] = {}
        by_dates = _ask_dates(question, coverage, self.days)
        self.definite = _first_definite(question, coverage, by_dates)
        if self.definite is not None:  # neither share will ask for more
            return
        self.is_in_covered_grace = by_dates is None and ends_on is not None and self.days.fault_on > ends_on
        self.exhausted = ReasonCode.LIMIT_EXHAUSTED if limit is not None and coverage.claims_used >= limit else None
        self.doubt = by_dates or _first_doubt(question, coverage, is_in_covered_grace=self.is_in_covered_grace)
        self.rank = (
            question.precedence[coverage.kind],
            _SPECIFICITY_PLACE[coverage.scope.kind],
            _LEVEL_PLACE[coverage.service_level],
            _DELIVERY_PLACE[coverage.delivery],
            (ends_on is None, ends_on or date.max),
            coverage.contract_number,
            coverage.id,
        )

    def failure(self, share: Share) -> ReasonCode | None:
        """Why this coverage does not pay for a share; None where it passes."""
        if self.definite is not None:
            return self.definite
        if share not in self.coverage.covers:
            return _SHARE_CODES[share]
        return self.exhausted or self.doubt

    def entry(self, code: ReasonCode, share: Share, sentence: str) -> Reason:
        """The entry for one share. Facts and text are made once: most sentences are the same for both shares."""
        said = self._said.get(sentence)
        if said is None:
            facts = _FACTS_FOR[code](self)
            said = self._said[sentence] = facts, fill(sentence, facts)
        params, text = said
        return Reason(code, share, self.coverage.id, params, text)


def _contract(found: _Finding) -> Params:
    return {"contract": found.coverage.contract_number}


def _contract_and_start(found: _Finding) -> Params:
    coverage = found.coverage
    return {
        "contract": coverage.contract_number,
        "starts_on": coverage.starts_on.isoformat(),
        "fault_on": found.days.fault_on_text,
    }


def _contract_and_end(found: _Finding) -> Params:
    coverage = found.coverage
    return {
        "contract": coverage.contract_number,
        "ends_on": str(coverage.ends_on),
        "fault_on": found.days.fault_on_text,
    }


def _contract_and_component(found: _Finding) -> Params:
    return {"contract": found.coverage.contract_number, "component": found.fault.component}


# What the sentence of each code needs to know.
_FACTS_FOR: Final[dict[ReasonCode, Callable[[_Finding], Params]]] = {
    ReasonCode.CHOSEN: lambda found: {"contract": found.coverage.contract_number, "kind": found.coverage.kind},
    ReasonCode.SUSPENDED: _contract,
    ReasonCode.VOIDED: _contract,
    ReasonCode.CANCELLED: _contract,
    ReasonCode.SUPERSEDED: _contract,
    ReasonCode.NOT_STARTED: _contract_and_start,
    ReasonCode.FAILURE_BEFORE_COVER: _contract_and_start,
    ReasonCode.WAITING_PERIOD: _contract_and_start,
    ReasonCode.EXPIRED: _contract_and_end,
    ReasonCode.IN_GRACE: _contract_and_end,
    ReasonCode.REPORTED_AFTER_COVER: lambda found: {
        **_contract_and_end(found),
        "reported_on": found.days.reported_on.isoformat(),
    },
    ReasonCode.SITE_NOT_COVERED: _contract,
    ReasonCode.COMPONENT_EXCLUDED: _contract_and_component,
    ReasonCode.CONSUMABLE_EXCLUDED: _contract_and_component,
    ReasonCode.CAUSE_EXCLUDED: lambda found: {"contract": found.coverage.contract_number, "cause": found.fault.cause},
    ReasonCode.CAUSE_UNKNOWN: _contract,
    ReasonCode.PARTS_NOT_COVERED: _contract,
    ReasonCode.LABOUR_NOT_COVERED: _contract,
    ReasonCode.LIMIT_EXHAUSTED: lambda found: {
        "contract": found.coverage.contract_number,
        "claims_used": found.coverage.claims_used,
        "claims_limit": found.coverage.claims_limit,
    },
    ReasonCode.UNKNOWN_SERVICE_LEVEL: _contract,
    ReasonCode.LOOKUP_FAILED: _contract,
    ReasonCode.NEVER_LOOKED_UP: _contract,
    ReasonCode.LOOKUP_STALE: lambda found: {
        "contract": found.coverage.contract_number,
        "checked_on": _checked_on(found.coverage.evidence),
    },
    ReasonCode.UNKNOWN_TO_VENDOR: _contract,
    ReasonCode.NOT_OWNER_AT_VENDOR: _contract,
    ReasonCode.NO_EVIDENCE: _contract,
    ReasonCode.SOURCES_CONFLICT: lambda found: {
        "contract": found.coverage.contract_number,
        "vendor_says": found.coverage.evidence.vendor_says,
        "fault_on": found.days.fault_on_text,
    },
}


def _first_definite(question: _Question, coverage: Coverage, by_dates: ReasonCode | None) -> ReasonCode | None:
    """Ask state, dates, site, component and cause."""
    if coverage.state in _STATE_CODES:
        return _STATE_CODES[coverage.state]
    if by_dates is not None and by_dates not in UNDETERMINED:
        return by_dates
    if coverage.sites is not None and question.site not in coverage.sites:
        return ReasonCode.SITE_NOT_COVERED
    component = question.fault.component
    if component in coverage.excluded_components:
        return ReasonCode.CONSUMABLE_EXCLUDED if component in CONSUMABLES else ReasonCode.COMPONENT_EXCLUDED
    return ReasonCode.CAUSE_EXCLUDED if question.fault.cause in coverage.excluded_causes else None


def _first_doubt(question: _Question, coverage: Coverage, *, is_in_covered_grace: bool) -> ReasonCode | None:
    """Ask cause, evidence and service level of a coverage whose dates pass."""
    if coverage.excluded_causes and question.fault.cause == _CAUSE_UNKNOWN:
        return ReasonCode.CAUSE_UNKNOWN
    by_evidence = _ask_evidence(question, coverage, is_in_covered_grace=is_in_covered_grace)
    if by_evidence is None and coverage.service_level == _LEVEL_UNKNOWN:
        return ReasonCode.UNKNOWN_SERVICE_LEVEL
    return by_evidence


def _ask_dates(question: _Question, coverage: Coverage, days: _Days) -> ReasonCode | None:
    """Ask start, waiting and end. Days are compared by their distance, so that no count of days leaves the calendar."""
    fault_on, reported_on = days.fault_on, days.reported_on
    starts_on, ends_on = coverage.starts_on, coverage.ends_on
    if fault_on < starts_on:
        if reported_on >= starts_on:
            return ReasonCode.FAILURE_BEFORE_COVER
        return _unless_contradicted(ReasonCode.NOT_STARTED, question, coverage)
    if coverage.waiting_days and (fault_on - starts_on).days < coverage.waiting_days:
        return ReasonCode.WAITING_PERIOD
    if ends_on is None or fault_on <= ends_on >= reported_on:
        return None
    days_over = (fault_on - ends_on).days
    if days_over > coverage.grace_days:
        return _unless_contradicted(ReasonCode.EXPIRED, question, coverage)
    if days_over > 0 and not coverage.grace_is_covered:
        return _unless_contradicted(ReasonCode.IN_GRACE, question, coverage)
    covered_grace = coverage.grace_days if coverage.grace_is_covered else 0
    if (reported_on - ends_on).days > max(covered_grace, coverage.claims_after_end_days):
        return ReasonCode.REPORTED_AFTER_COVER
    return None


def _unless_contradicted(code: ReasonCode, question: _Question, coverage: Coverage) -> ReasonCode:
    """The date code, unless the vendor said ``covered`` on a day that lies outside the dates on the same side.

    An answer of a day inside the dates does not contradict them: it was true while the contract ran.
    """
    evidence = coverage.evidence
    if evidence.vendor_says != _SAYS_COVERED or evidence.source != _VENDOR_LOOKUP:
        return code
    if evidence.checked_at is None or question.unanswered(evidence) is not None:
        return code
    checked_on = _day(evidence.checked_at, coverage.time_zone)
    is_early = code == ReasonCode.NOT_STARTED
    is_outside = checked_on < coverage.starts_on if is_early else _is_after_end(checked_on, coverage)
    return ReasonCode.SOURCES_CONFLICT if is_outside else code


def _ask_evidence(question: _Question, coverage: Coverage, *, is_in_covered_grace: bool) -> ReasonCode | None:
    """Ask what a coverage rests on whose dates pass."""
    evidence = coverage.evidence
    if evidence.source == _CONTRACT_FILE:
        return None
    if evidence.source != _VENDOR_LOOKUP:  # there is no evidence at all
        return None if coverage.kind in _NEEDS_NO_EVIDENCE else ReasonCode.NO_EVIDENCE
    unanswered = question.unanswered(evidence)
    if unanswered is None and evidence.vendor_says == _SAYS_NOT_COVERED and not is_in_covered_grace:
        assert evidence.checked_at is not None  # else it were unanswered
        checked_on = _day(evidence.checked_at, coverage.time_zone)
        if coverage.starts_on <= checked_on and not _is_after_end(checked_on, coverage):
            return ReasonCode.SOURCES_CONFLICT
    return unanswered


def _is_after_end(day: date, coverage: Coverage) -> bool:
    return coverage.ends_on is not None and day > coverage.ends_on


# ── One share ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Award(NamedTuple):
    """The ranking of one share."""

    winner: Coverage | None  # among those that pass
    doubts: set[ReasonCode]  # of those that might have won in its place; any makes the share undetermined
    reasons: list[Reason]

    @property
    def won(self) -> Coverage | None:
        """The winner, where the share is determined."""
        return None if self.doubts else self.winner


def _award(share: Share, findings: Sequence[_Finding]) -> _Award:
    """Rank those that pass; the entries keep the order of the findings."""
    asked = [(found, found.failure(share)) for found in findings]
    best = min([found for found, failure in asked if failure is None], key=attrgetter("rank"), default=None)
    doubts = set()
    reasons = []
    for found, failure in asked:
        if failure is not None:
            reasons.append(found.entry(failure, share, SENTENCES[failure]))
            if failure in UNDETERMINED and (best is None or found.rank < best.rank):
                doubts.add(failure)
        elif best is None or found is best:
            reasons.append(found.entry(_CHOSEN, share, CHOSEN[share]))
            if found.is_in_covered_grace:
                reasons.append(found.entry(_IN_GRACE, share, SENTENCES[_IN_GRACE]))
        else:
            reasons.append(_outranked(found, best, share))
    return _Award(None if best is None else best.coverage, doubts, reasons)


def _outranked(found: _Finding, best: _Finding, share: Share) -> Reason:
    place = 0
    while found.rank[place] == best.rank[place]:  # ids differ, so one of the places does
        place += 1
    params = {"rule": _RULES[place], "winner": best.coverage.id}
    return Reason(_OUTRANKED, share, found.coverage.id, params, OUTRANKED[_RULES[place]])


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


def _weigh(case: Case, asset: Asset) -> Verdict:
    """Rank the candidates for each share, and say what follows. No gate has fired."""
    question = _Question(case, asset)
    candidates = [one for one in case.coverages if one.scope.id == question.within[one.scope.kind]]
    candidates.sort(key=attrgetter("id"))
    findings = [_Finding(question, one) for one in candidates]
    parts, labour = _award(Share.PARTS, findings), _award(Share.LABOUR, findings)
    doubts = parts.doubts | labour.doubts
    general = []  # the entries without a share
    of_the_unit = []

    if parts.winner is None and (code := _absence_unproved(question, asset.lookup)) is not None:
        doubts.add(code)
        of_the_unit.append(_entry_of_the_unit(code, asset.lookup))
    if not findings:
        general.append(reason(ReasonCode.NO_COVERAGE))
    if (earlier := _repeated(case)) is not None:
        general.append(reason(ReasonCode.REPEAT_FAILURE, case=earlier.id))
    parts_won, labour_won = parts.won, labour.won
    was_faulty = case.fault.component in asset.handover_exceptions and not _others_pay(parts_won, labour_won)
    if was_faulty:
        general.append(reason(ReasonCode.PRE_EXISTING_CONDITION, component=case.fault.component))

    awards: Shares[str] = _NOBODY
    pays: Shares[Party] = _NOBODY
    if doubts or was_faulty:
        word = VerdictWord.NEEDS_REVIEW
        route = Route.LOOKUP if _may_ask_the_vendor(case, asset, doubts) else Route.REVIEW
    else:
        word, route = _word_and_route(parts_won, labour_won)
        awards = Shares(_id(parts_won), _id(labour_won))
        pays = Shares(payer(parts_won, asset.ownership), payer(labour_won, asset.ownership))
        if asset.ownership in _MSP_PAYS_AS and (parts_won is None or labour_won is None):
            general.append(reason(_MSP_PAYS_AS[asset.ownership]))

    # The fixed order: by share, coverage and code, each null first. The candidates are in that order already.
    general.sort(key=attrgetter("code"))
    reasons = (*general, *of_the_unit, *parts.reasons, *labour.reasons)
    return Verdict(word, route, awards, pays, reasons, ENGINE_VERSION)


def _word_and_route(parts: Coverage | None, labour: Coverage | None) -> tuple[VerdictWord, Route]:
    """What follows from who won, where both shares are determined."""
    if parts is None:
        return VerdictWord.NOT_COVERED, Route.AD_HOC
    return VerdictWord.PARTLY_COVERED if labour is None else VerdictWord.COVERED, _ROUTES[parts.fulfilment]


def _absence_unproved(question: _Question, lookup: UnitLookup) -> ReasonCode | None:
    """Why "nothing covers the parts" is not proved. An attestation only stands in for an account that cannot ask."""
    if lookup.source == LookupSource.VENDOR_LOOKUP:
        return question.unanswered(lookup)
    return None if lookup.absence_attested else ReasonCode.NO_EVIDENCE


def _entry_of_the_unit(code: ReasonCode, lookup: UnitLookup) -> Reason:
    if code == ReasonCode.LOOKUP_STALE:
        return reason(code, Share.PARTS, checked_on=_checked_on(lookup))
    return reason(code, Share.PARTS)


def _repeated(case: Case) -> OtherCase | None:
    """The case on the same component that was closed last before the report, within the window."""
    fault = case.fault
    closed = [
        (fault.reported_at - other.closed_at, other.id, other)
        for other in case.cases
        if other.closed_at is not None and other.component == fault.component and other.id != fault.id
    ]
    if not closed:
        return None
    window = timedelta(days=case.policy.repeat_window_days)
    inside = [one for one in closed if timedelta(0) <= one[0] <= window]
    return min(inside)[2] if inside else None  # ids differ, so the cases themselves are never compared


def _others_pay(*won: Coverage | None) -> bool:
    """Whether every share was won by somebody else than the MSP, who took the unit over with its known exceptions."""
    return all(one is not None and one.kind != CoverageKind.MSP_AGREEMENT for one in won)


def _may_ask_the_vendor(case: Case, asset: Asset, doubts: set[ReasonCode]) -> bool:
    has_patience = case.now - case.fault.reported_at < timedelta(minutes=case.policy.lookup_patience_minutes)
    can_ask = asset.lookup.source == LookupSource.VENDOR_LOOKUP
    return bool(doubts) and doubts <= _ASKING_MAY_SETTLE and can_ask and has_patience


def _id(won: Coverage | None) -> str | None:
    return None if won is None else won.id


def payer(won: Coverage | None, ownership: Ownership) -> Party:
    """Say who pays a share: by the fulfilment of the coverage that won it, else by whose the unit is."""
    if won is not None:
        return _PAYERS[won.fulfilment]
    return Party.MSP if ownership in _MSP_PAYS_AS else Party.CLIENT
