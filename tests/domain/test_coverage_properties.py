"""What holds of every decision, whatever the case: Hypothesis looks for the one of which it does not hold."""

import json
import random
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.domain.plain_case import case_from
from warranty.domain.coverage import Verdict, decide
from warranty.domain.reasons import render
from warranty.domain.terms import (
    AssetState,
    CaseKind,
    Cause,
    Component,
    CoverageKind,
    CoverageState,
    Delivery,
    Fulfilment,
    Ownership,
    ReasonCode,
    Route,
    ServiceLevel,
    VerdictWord,
)

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)

# Few values, close together, so that edges meet; and now and then the ends of the calendar.
instants = st.one_of(
    st.integers(-100, 30).map(lambda hours: (NOW + timedelta(hours=hours)).isoformat()),
    st.integers(-40, 5).map(lambda days: (NOW + timedelta(days=days)).isoformat()),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-03-02T09:00:00+13:00"]),
)
days = st.one_of(
    st.integers(-40, 10).map(lambda n: NOW.date() + timedelta(days=n)), st.sampled_from([date.min, date.max])
)
counts = st.sampled_from([0, 1, 2, 5, 30, 1_000_000])
texts = st.sampled_from(["", "x", "100 %(case)s", "é"])
components = st.sampled_from(["disk", "disk", "battery", "unit", *Component])
causes = st.sampled_from(["hardware_failure", "unknown", *Cause])
exclusions = st.lists(st.sampled_from([cause for cause in Cause if cause != "unknown"]), max_size=2)


def answers(words, **more):
    """What a vendor said, well formed: an answer has its time, and a time without an error has its answer."""
    source = more.pop("source")
    unasked = st.fixed_dictionaries({"vendor_says": st.none(), "checked_at": st.none(), "error": st.none() | texts})
    failed = st.fixed_dictionaries(
        {"vendor_says": st.none() | st.sampled_from(words), "checked_at": instants, "error": texts}
    )
    told = st.fixed_dictionaries({"vendor_says": st.sampled_from(words), "checked_at": instants, "error": st.none()})
    rest = st.fixed_dictionaries({"source": st.sampled_from(source), **more})
    return st.builds(lambda said, other: said | other, st.one_of(told, told, unasked, failed), rest)


def _in_order(coverage):
    starts_on, ends_on = coverage["starts_on"], coverage["ends_on"]
    if ends_on is not None and ends_on < starts_on:
        starts_on, ends_on = ends_on, starts_on
    return coverage | {"starts_on": starts_on.isoformat(), "ends_on": ends_on and ends_on.isoformat()}


scopes = st.sampled_from([{"asset": "a1"}, {"product": "p1"}, {"site": "s1"}, {"client": "c1"}, {"asset": "a2"}])
coverages = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["k1", "k2", "k3", "K", "k10"]),
        "contract_number": st.sampled_from(["A", "a", "B"]),
        "kind": st.sampled_from(CoverageKind),
        "fulfilment": st.sampled_from(Fulfilment),
        "scope": scopes,
        "starts_on": days,
        "ends_on": st.none() | days,
        "time_zone": st.sampled_from(["UTC", "Europe/Amsterdam", "Pacific/Kiritimati", "America/Los_Angeles"]),
        "state": st.sampled_from(["active"] * 8 + list(CoverageState)),
        "covers": st.sampled_from([["parts"], ["labour"], ["parts", "labour"], ["labour", "parts"]]),
        "excluded_causes": exclusions,
        "excluded_components": st.lists(st.sampled_from(["disk", "battery", "fan"]), max_size=1),
        "sites": st.sampled_from([None, None, ["s1"], ["s2"], []]),
        "service_level": st.sampled_from(ServiceLevel),
        "delivery": st.sampled_from(Delivery),
        "grace_days": counts,
        "grace_is_covered": st.booleans(),
        "waiting_days": st.sampled_from([0, 0, 0, 3, 1_000_000]),
        "claims_after_end_days": counts,
        "claims_limit": st.sampled_from([None, None, 0, 2]),
        "claims_used": st.sampled_from([0, 1, 2]),
        "evidence": answers(
            ["covered", "covered", "not_covered", "unknown", "not_owner"],
            source=["vendor_lookup", "vendor_lookup", "contract_file", "none"],
        ),
    }
).map(_in_order)
assets = st.fixed_dictionaries(
    {
        "id": st.just("a1"),
        "serial_number": texts,
        "product": st.sampled_from(["p1", None]),
        "site": st.sampled_from(["s1", "s2", None]),
        "client": st.just("c1"),
        "ownership": st.sampled_from(["client", "client", *Ownership]),
        "state": st.sampled_from(["in_service"] * 20 + list(AssetState)),
        "replaced_by": st.sampled_from([None] * 9 + ["a2"]),
        "handover_exceptions": st.lists(components, max_size=1),
        "lookup": answers(
            ["listed", "listed", "unknown", "not_owner"],
            source=["vendor_lookup", "not_available"],
            absence_attested=st.booleans(),
        ),
    }
)
numbers = st.one_of(st.integers(-3, 3), st.floats(allow_nan=False, allow_infinity=False))
readings = st.fixed_dictionaries(
    {
        "metric": texts,
        "value": numbers,
        "target": numbers,
        "tolerance": numbers.map(abs),
        "direction": st.sampled_from(["at_least", "at_most", "within"]),
    }
)
faults = st.fixed_dictionaries(
    {
        "id": st.just("f1"),
        "component": components,
        "component_ref": texts,
        "cause": causes,
        "occurred_at": st.none() | instants,
        "reported_at": instants,
        "reading": st.one_of(st.none(), st.none(), st.none(), readings),
    }
)
other_cases = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["f0", "f1", "f2", "r1"]),
        "kind": st.sampled_from(CaseKind),
        "component": components,
        "component_ref": texts,
        "reported_at": instants,
        "closed_at": st.one_of(instants, instants, st.none()),
    }
)
policies = st.fixed_dictionaries(
    {
        "precedence": st.lists(st.sampled_from(CoverageKind), unique=True),
        "evidence_freshness_days": counts,
        "repeat_window_days": counts,
        "lookup_patience_minutes": counts,
    }
)
documents = st.fixed_dictionaries(
    {
        "now": instants,
        "asset": st.one_of(*[assets] * 9, st.none()),
        "matches": st.integers(0, 3),
        "fault": faults,
        "coverages": st.lists(coverages, max_size=5, unique_by=lambda one: one["id"]),
        "cases": st.lists(other_cases, max_size=3, unique_by=lambda one: one["id"]),
        "policy": policies,
    }
)
# A case has many fields, so it takes long to draw; on a busy machine that says nothing about the decision.
thorough = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

GATE_CODES = {
    "unit_unidentified",
    "serial_ambiguous",
    "asset_replaced",
    "asset_decommissioned",
    "asset_not_accepted",
    "leased",
    "within_tolerance",
    "open_rma_exists",
    "open_job_exists",
    "duplicate_fault",
}
ROUTES_OF = {
    VerdictWord.COVERED: {Route.RMA, Route.AD_HOC},
    VerdictWord.PARTLY_COVERED: {Route.RMA, Route.AD_HOC},
    VerdictWord.NOT_COVERED: {Route.AD_HOC},
    VerdictWord.NEEDS_REVIEW: {Route.REVIEW, Route.LOOKUP},
    None: {Route.DUPLICATE, Route.NONE},
}
PARTY_OF = {"vendor_rma": "vendor", "msp_supply": "msp", "insurer_claim": "insurer"}


def candidates_of(document):
    asset = document["asset"]
    own = {"asset": asset["id"], "product": asset["product"], "site": asset["site"], "client": asset["client"]}
    return {one["id"]: one for one in document["coverages"] if own[next(iter(one["scope"]))] in one["scope"].values()}


@given(documents, st.randoms(use_true_random=False))
@thorough
def test_the_order_of_coverages_and_cases_changes_nothing(document, chance: random.Random):
    shuffled = document | {name: chance.sample(document[name], len(document[name])) for name in ("coverages", "cases")}
    assert decide(case_from(shuffled)).to_json() == decide(case_from(document)).to_json()


@given(documents)
@thorough
def test_a_stored_case_gives_its_verdict_again_byte_for_byte(document):
    case = case_from(document)
    stored_case, stored_verdict = case.to_json(), decide(case).to_json()
    again = case_from(stored_case)
    assert again.to_json() == stored_case
    assert decide(again).to_json() == stored_verdict
    assert Verdict.from_json(stored_verdict).to_json() == stored_verdict


@given(documents)
@thorough
def test_a_verdict_has_its_route_its_payers_and_its_entries(document):
    verdict = decide(case_from(document))
    assert verdict.route in ROUTES_OF[verdict.verdict]
    is_settled = verdict.verdict in {"covered", "partly_covered", "not_covered"}
    assert (None in verdict.pays) != is_settled
    if not is_settled:
        assert verdict.awards == verdict.pays == (None, None)
    gates = [entry.code for entry in verdict.reasons if entry.coverage is None and entry.code in GATE_CODES]
    if gates:
        assert [(entry.code, entry.share) for entry in verdict.reasons] == [(gates[0], None)]
        return
    assert verdict.verdict is not None
    candidates = candidates_of(document)
    for share, award, party in zip(("parts", "labour"), verdict.awards, verdict.pays, strict=True):
        own = [entry for entry in verdict.reasons if entry.share == share and entry.coverage is not None]
        chosen = [entry.coverage for entry in own if entry.code == "chosen"]
        # One entry for each candidate; grace that is covered stands beside the winner.
        beside = [entry for entry in own if entry.code == "in_grace" and entry.coverage in chosen]
        assert sorted(entry.coverage for entry in own if entry not in beside) == sorted(candidates)
        assert len(chosen) <= 1
        if is_settled:
            assert chosen == ([] if award is None else [award])
            owner = "client" if document["asset"]["ownership"] == "client" else "msp"
            assert party == (owner if award is None else PARTY_OF[candidates[award]["fulfilment"]])
        outranked = [entry for entry in own if entry.code == "outranked"]
        assert all(entry.params["winner"] in chosen for entry in outranked)
    assert (ReasonCode.NO_COVERAGE in {entry.code for entry in verdict.reasons}) == (not candidates)


@given(documents)
@thorough
def test_entries_stand_in_their_order_and_say_what_their_params_say(document):
    verdict = decide(case_from(document))
    places = [(("", "parts", "labour").index(r.share or ""), r.coverage or "", r.code) for r in verdict.reasons]
    assert places == sorted(places)
    for entry in verdict.reasons:
        assert entry.text == render(entry.code, entry.share, entry.coverage, entry.params)
        assert json.loads(json.dumps(entry.params)) == entry.params


@given(documents, coverages)
@thorough
def test_a_coverage_of_another_unit_changes_nothing(document, foreign):
    alien = foreign | {"id": "alien", "scope": {"asset": "somebody else's"}}
    with_it = document | {"coverages": [alien, *document["coverages"]]}
    assert decide(case_from(with_it)).to_json() == decide(case_from(document)).to_json()
