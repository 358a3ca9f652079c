"""The decision, clause by clause. What each row expects was derived by hand from the domain's page."""

import json
from itertools import pairwise

import pytest

from tests.domain.plain_case import (
    DECISION_CASES,
    Document,
    case_from,
    codes,
    coverage,
    decided,
    document,
    entries,
    evidence,
    looked_up,
    other_case,
    reading,
)
from warranty.domain.coverage import ENGINE_VERSION, UNDETERMINED, Verdict, decide
from warranty.domain.reasons import CHOSEN, LABELS, OF_THE_UNIT, OUTRANKED, SENTENCES, render
from warranty.domain.terms import (
    AssetState,
    CaseKind,
    Component,
    CoverageKind,
    Delivery,
    Fulfilment,
    ReasonCode,
    Rule,
    ServiceLevel,
    Share,
)

# ── Worked cases ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_forty_worked_cases_are_here():
    assert len(DECISION_CASES) == 40


@pytest.mark.parametrize("path", DECISION_CASES, ids=lambda path: path.stem)
def test_a_worked_case_is_decided_as_worked_out(path):
    worked = json.loads(path.read_text())
    expected = worked["expect"]
    verdict = decide(case_from(worked["case"])).to_document()
    fixed = ("verdict", "route", "awards", "pays")
    assert {name: verdict[name] for name in fixed} == {name: expected[name] for name in fixed}, worked["why"]
    found = [[r["code"], r["share"], r["coverage"]] for r in verdict["reasons"]]
    assert found == [entry[:3] for entry in expected["reasons"]], worked["why"]
    for entry, given in zip(expected["reasons"], verdict["reasons"], strict=True):
        if len(entry) == 4:
            assert given["params"] == entry[3], worked["why"]


# ── Gates ────────────────────────────────────────────────────────────────────────────────────────────────────────────

STATE_GATES = {
    "onboarding": "asset_not_accepted",
    "rejected_at_handover": "asset_not_accepted",
    "in_service": None,
    "in_stock": None,
    "faulty": None,
    "in_rma": None,
    "replaced": "asset_replaced",
    "returned_to_vendor": "asset_replaced",
    "retained_media": "asset_replaced",
    "decommissioned": "asset_decommissioned",
    "disposed": "asset_decommissioned",
    "lost": "asset_decommissioned",
    "stolen": "asset_decommissioned",
}


@pytest.mark.parametrize("state", AssetState)
def test_a_unit_is_only_decided_in_a_state_in_which_it_is_used(state):
    verdict = decided(coverage(), asset={"state": state})
    gate = STATE_GATES[state]
    if gate is None:
        assert verdict.verdict == "covered"
    else:
        assert (verdict.verdict, verdict.route, entries(verdict)) == ("needs_review", "review", [(gate, None, None)])


@pytest.mark.parametrize(
    ("changes", "verdict", "route", "code", "params"),
    [
        ({"asset": None, "matches": 0}, "needs_review", "review", "unit_unidentified", {}),
        ({"asset": None, "matches": 1}, "needs_review", "review", "unit_unidentified", {}),
        ({"asset": None, "matches": 2}, "needs_review", "review", "serial_ambiguous", {"matches": 2}),
        ({"asset": {"replaced_by": "a2"}}, "needs_review", "review", "asset_replaced", {}),
        ({"asset": {"state": "lost"}}, "needs_review", "review", "asset_decommissioned", {"state": "lost"}),
        ({"asset": {"ownership": "leased"}}, "needs_review", "review", "leased", {}),
        (
            {"fault": {"reading": reading(95)}},
            None,
            "none",
            "within_tolerance",
            {"metric": "speed", "value": "95", "target": "100", "tolerance": "5"},
        ),
        ({"cases": [other_case()]}, None, "duplicate", "duplicate_fault", {"case": "f0"}),
        ({"cases": [other_case(kind="rma")]}, None, "duplicate", "open_rma_exists", {"case": "f0"}),
        ({"cases": [other_case(kind="job")]}, None, "duplicate", "open_job_exists", {"case": "f0"}),
        (
            {"cases": [other_case(kind="job", component_ref="bay 1")]},
            "needs_review",
            "review",
            "open_job_exists",
            {"case": "f0"},
        ),
    ],
)
def test_a_gate_ends_the_evaluation_with_its_one_entry(changes, verdict, route, code, params):
    given = decided(coverage(), **changes)
    assert (given.verdict, given.route) == (verdict, route)
    assert given.awards == given.pays == (None, None)
    assert entries(given) == [(code, None, None)]
    assert given.reasons[0].params == params


def test_matches_are_not_read_beside_a_unit():
    assert decided(coverage(), matches=7).verdict == "covered"


def test_gates_are_asked_in_their_order():
    """Every gate would fire; each time the first is mended, and the next one fires."""
    mended: list[tuple[str, Document]] = [
        ("unit_unidentified", {"asset": None}),
        ("asset_replaced", {"asset": {"state": "disposed", "replaced_by": "a2", "ownership": "leased"}}),
        ("asset_decommissioned", {"asset": {"state": "disposed", "ownership": "leased"}}),
        ("asset_not_accepted", {"asset": {"state": "onboarding", "ownership": "leased"}}),
        ("leased", {"asset": {"ownership": "leased"}}),
        ("within_tolerance", {}),
        ("duplicate_fault", {"fault": {}}),
        ("open_rma_exists", {"fault": {}, "cases": [other_case("r1", kind="rma", component_ref="bay 1")]}),
    ]
    every: Document = {
        "fault": {"reading": reading(100)},
        "cases": [other_case(), other_case("r1", kind="rma", component_ref="bay 1")],
    }
    for code, changes in mended:
        assert codes(decided(coverage(), **(every | changes))) == [code]


@pytest.mark.parametrize(
    ("direction", "value", "is_inside"),
    [
        ("at_least", 95, True),
        ("at_least", 94.999, False),
        ("at_least", 1e9, True),
        ("at_most", 105, True),
        ("at_most", 105.001, False),
        ("at_most", -1e9, True),
        ("within", 95, True),
        ("within", 105, True),
        ("within", 94.999, False),
        ("within", 105.001, False),
    ],
)
def test_a_reading_is_inside_up_to_the_edge_of_its_tolerance(direction, value, is_inside):
    verdict = decided(coverage(), fault={"reading": reading(value, direction)})
    assert (verdict.route == "none") == is_inside


def test_a_reading_is_compared_as_decimals():
    """As binary floats, 0.3 - 0.1 is more than 0.2, and 0.1 + 0.2 more than 0.3."""
    assert decided(fault={"reading": reading(0.2, "at_least", 0.3, 0.1)}).route == "none"
    assert decided(fault={"reading": reading(0.3, "at_most", 0.1, 0.2)}).route == "none"
    just_over = {"metric": "m", "value": "V", "target": 0.1, "tolerance": 0.2, "direction": "at_most"}
    text = json.dumps(document(coverage(), fault={"reading": just_over}))
    assert decide(case_from(text.replace('"V"', "0.3000000000000000000000000000000000001"))).route == "rma"
    assert decide(case_from(text.replace('"V"', "1E-999999"))).route == "none"


# ── Other cases of the unit ──────────────────────────────────────────────────────────────────────────────────────────

SAME, DOUBTFUL, APART = "duplicate", "review", "rma"


@pytest.mark.parametrize(
    ("fault", "other", "route"),
    [
        (("disk", ""), ("disk", ""), SAME),
        (("disk", "bay 1"), ("disk", "bay 1"), SAME),
        (("disk", "bay 1"), ("disk", "BAY 1"), APART),
        (("disk", "bay 1"), ("disk", "bay 2"), APART),
        (("disk", "bay 1"), ("disk", ""), DOUBTFUL),
        (("disk", ""), ("disk", "bay 1"), DOUBTFUL),
        (("disk", ""), ("psu", ""), APART),
        (("disk", "1"), ("psu", "1"), APART),
        (("disk", ""), ("unit", ""), SAME),
        (("disk", "bay 1"), ("unit", ""), SAME),
        (("unit", ""), ("unit", ""), SAME),
        (("unit", ""), ("unit", "left"), SAME),
        (("unit", ""), ("disk", ""), DOUBTFUL),
        (("unit", "x"), ("disk", "x"), DOUBTFUL),
    ],
)
def test_an_open_case_is_the_same_or_doubtful_or_apart(fault, other, route):
    (component, ref), (its_component, its_ref) = fault, other
    open_case = other_case(component=its_component, component_ref=its_ref)
    verdict = decided(coverage(), fault={"component": component, "component_ref": ref}, cases=[open_case])
    assert verdict.route == route


@pytest.mark.parametrize(
    ("kinds", "code", "name"),
    [
        ({"a": "fault", "b": "job", "c": "rma"}, "open_rma_exists", "c"),
        ({"a": "fault", "b": "job"}, "open_job_exists", "b"),
        ({"b": "rma", "a": "rma", "0": "fault"}, "open_rma_exists", "a"),
        ({"f10": "fault", "f9": "fault"}, "duplicate_fault", "f10"),  # as text, by code point
    ],
)
@pytest.mark.parametrize("ref", ["", "bay 1"])
def test_of_several_open_cases_the_rma_goes_before_the_job_before_the_fault(kinds, code, name, ref):
    cases = [other_case(of, kind=kind, component_ref=ref) for of, kind in kinds.items()]
    for order in (cases, cases[::-1]):
        verdict = decided(coverage(), cases=order)
        assert [(r.code, r.params) for r in verdict.reasons] == [(code, {"case": name})]


def test_a_sure_duplicate_goes_before_a_doubtful_one():
    verdict = decided(coverage(), cases=[other_case("f0"), other_case("r0", kind="rma", component_ref="bay 1")])
    assert (verdict.route, codes(verdict)) == ("duplicate", ["duplicate_fault"])


@pytest.mark.parametrize("kind", CaseKind)
def test_the_fault_itself_and_closed_cases_hold_no_component(kind):
    cases = [other_case("f1", kind=kind), other_case("f0", kind=kind, closed_at="2020-01-01T00:00:00Z")]
    assert decided(coverage(), cases=cases).verdict == "covered"


@pytest.mark.parametrize(
    ("closed_at", "is_repeat"),
    [
        ("2026-03-02T08:00:00Z", True),  # the very instant of the report
        ("2026-03-02T09:00:00+01:00", True),
        ("2026-03-02T08:00:01Z", False),
        ("2025-12-02T08:00:00Z", True),  # 90 days of 24 hours
        ("2025-12-02T07:59:59Z", False),
    ],
)
def test_a_repeat_failure_lies_inside_the_window(closed_at, is_repeat):
    verdict = decided(coverage(), cases=[other_case(closed_at=closed_at, component_ref="any bay")])
    assert verdict.verdict == "covered"
    assert [r.params for r in verdict.reasons if r.code == "repeat_failure"] == ([{"case": "f0"}] if is_repeat else [])


def test_a_repeat_failure_names_the_case_closed_last_then_the_lower_id():
    closed = {"f3": "2026-02-01T00:00:00Z", "f2": "2026-02-01T01:00:00+01:00", "f0": "2026-01-31T23:59:59Z"}
    cases = [other_case(name, closed_at=at) for name, at in closed.items()]
    cases += [
        other_case("psu", component="psu", closed_at="2026-02-20T00:00:00Z"),
        other_case("unit", component="unit", closed_at="2026-02-20T00:00:00Z"),
        other_case("f1", closed_at="2026-02-20T00:00:00Z"),  # this fault's own
    ]
    for order in (cases, cases[::-1]):
        assert decided(coverage(), cases=order).reasons[0].params == {"case": "f2"}


def test_a_repeat_failure_changes_no_verdict_and_is_silent_behind_a_gate():
    closed = other_case(closed_at="2026-02-01T00:00:00Z")
    assert codes(decided(cases=[closed])) == ["no_coverage", "repeat_failure"]
    assert codes(decided(cases=[closed, other_case("f2")])) == ["duplicate_fault"]


# ── One coverage: every failure ──────────────────────────────────────────────────────────────────────────────────────


def both(code):
    return [(code, "parts", "k1"), (code, "labour", "k1")]


FAILURES = [
    ({"state": "suspended"}, {}, "suspended"),
    ({"state": "voided"}, {}, "voided"),
    ({"state": "cancelled"}, {}, "cancelled"),
    ({"state": "superseded"}, {}, "superseded"),
    ({"starts_on": "2026-03-03"}, {}, "not_started"),
    ({"starts_on": "2026-03-02"}, {"fault": {"occurred_at": "2026-03-01T12:00:00Z"}}, "failure_before_cover"),
    ({"starts_on": "2026-03-02", "waiting_days": 1}, {}, "waiting_period"),
    ({"ends_on": "2026-03-01"}, {}, "expired"),
    ({"ends_on": "2026-03-01", "grace_days": 1}, {}, "in_grace"),
    ({"ends_on": "2026-03-01"}, {"fault": {"occurred_at": "2026-03-01T12:00:00Z"}}, "reported_after_cover"),
    ({"sites": ["s2"]}, {}, "site_not_covered"),
    ({"sites": []}, {}, "site_not_covered"),
    ({"sites": ["s1"]}, {"asset": {"site": None}}, "site_not_covered"),
    ({"excluded_components": ["fan", "disk"]}, {}, "component_excluded"),
    *(
        ({"excluded_components": [part]}, {"fault": {"component": part}}, "consumable_excluded")
        for part in ("battery", "toner", "drum", "lamp")
    ),
    ({"excluded_causes": ["wear", "hardware_failure"]}, {}, "cause_excluded"),
    ({"excluded_causes": ["wear"]}, {"fault": {"cause": "unknown"}}, "cause_unknown"),
    ({"claims_limit": 0}, {}, "limit_exhausted"),
    ({"claims_limit": 2, "claims_used": 2}, {}, "limit_exhausted"),
    ({"claims_limit": 2, "claims_used": 3}, {}, "limit_exhausted"),
    ({"evidence": looked_up(error="timed out")}, {}, "lookup_failed"),
    ({"evidence": looked_up(None, None, "timed out")}, {}, "lookup_failed"),
    ({"evidence": looked_up("covered", "2020-01-01T00:00:00Z", "timed out")}, {}, "lookup_failed"),
    ({"evidence": looked_up(None, None)}, {}, "never_looked_up"),
    ({"evidence": looked_up("covered", "2026-01-31T08:04:59Z")}, {}, "lookup_stale"),
    ({"evidence": looked_up("unknown", "2026-01-31T08:04:59Z")}, {}, "lookup_stale"),
    ({"evidence": looked_up("unknown")}, {}, "unknown_to_vendor"),
    ({"evidence": looked_up("not_owner")}, {}, "not_owner_at_vendor"),
    ({"evidence": looked_up("not_covered")}, {}, "sources_conflict"),
    ({"evidence": evidence("none")}, {}, "no_evidence"),
    ({"evidence": evidence("none"), "kind": "vendor_contract"}, {}, "no_evidence"),
    ({"evidence": evidence("none"), "kind": "third_party_maintenance"}, {}, "no_evidence"),
    ({"service_level": "unknown"}, {}, "unknown_service_level"),
]


@pytest.mark.parametrize(("changes", "sections", "code"), FAILURES)
def test_a_coverage_that_fails_has_one_entry_for_each_share(changes, sections, code):
    verdict = decided(coverage(**changes), **sections)
    assert entries(verdict) == both(code)
    if code in UNDETERMINED:
        assert (verdict.verdict, verdict.awards, verdict.pays) == ("needs_review", (None, None), (None, None))
    else:
        assert (verdict.verdict, verdict.route, verdict.pays) == ("not_covered", "ad_hoc", ("client", "client"))


@pytest.mark.parametrize(
    ("changes", "sections"),
    [
        ({"starts_on": "2026-03-02"}, {}),
        ({"ends_on": "2026-03-02"}, {}),
        ({"starts_on": "2026-03-02", "ends_on": "2026-03-02"}, {}),
        ({"ends_on": None}, {}),
        ({"starts_on": "2026-03-01", "waiting_days": 1}, {}),
        ({"sites": ["s2", "s1"]}, {}),
        ({"sites": None}, {"asset": {"site": None}}),
        ({"excluded_components": ["fan"]}, {}),
        ({"excluded_components": ["disk"]}, {"fault": {"component": "unit"}}),
        ({"excluded_causes": ["wear"]}, {}),
        ({"excluded_causes": []}, {"fault": {"cause": "unknown"}}),
        ({"claims_limit": 3, "claims_used": 2}, {}),
        ({"claims_limit": None, "claims_used": 1_000_000}, {}),
        ({"evidence": looked_up()}, {}),
        ({"evidence": looked_up("covered", "2026-01-31T08:05:00Z")}, {}),  # exactly 30 days is fresh
        ({"evidence": looked_up("covered", "2126-01-01T00:00:00Z")}, {"policy": {"evidence_freshness_days": 0}}),
        ({"evidence": evidence("none"), "kind": "msp_agreement"}, {}),
        ({"evidence": evidence("none"), "kind": "insurance"}, {}),
        # What the vendor said is not read where the evidence is another.
        ({"evidence": looked_up("unknown", "2020-01-01T00:00:00Z", "no") | {"source": "contract_file"}}, {}),
        (
            {"evidence": looked_up("unknown", "2020-01-01T00:00:00Z", "no") | {"source": "none"}, "kind": "insurance"},
            {},
        ),
    ],
)
def test_a_coverage_passes_up_to_the_edge(changes, sections):
    verdict = decided(coverage(**changes), **sections)
    assert entries(verdict) == both("chosen")
    assert verdict.awards == ("k1", "k1")


def test_a_share_that_is_not_covered_fails_alone():
    assert entries(decided(coverage(covers=["parts"]))) == [
        ("chosen", "parts", "k1"),
        ("labour_not_covered", "labour", "k1"),
    ]
    assert entries(decided(coverage(covers=["labour"]))) == [
        ("parts_not_covered", "parts", "k1"),
        ("chosen", "labour", "k1"),
    ]


DEFINITE_ORDER = [
    ({"state": "voided"}, "voided"),
    ({"starts_on": "2026-03-02", "waiting_days": 9}, "waiting_period"),
    ({"sites": ["s2"]}, "site_not_covered"),
    ({"excluded_components": ["disk"]}, "component_excluded"),
    ({"excluded_causes": ["wear"]}, "cause_excluded"),
    ({"covers": ["labour"]}, "parts_not_covered"),
    ({"claims_limit": 0}, "limit_exhausted"),
]
DOUBT_ORDER = [
    ({"ends_on": "2026-03-01", "grace_days": 1}, "in_grace"),
    ({"excluded_causes": ["wear"]}, "cause_unknown"),
    ({"evidence": evidence("none")}, "no_evidence"),
    ({"service_level": "unknown"}, "unknown_service_level"),
]


def merged(rows):
    return {name: value for changes, _ in rows for name, value in changes.items()}


@pytest.mark.parametrize("first", range(len(DEFINITE_ORDER)))
def test_the_first_definite_failure_counts(first):
    """All that come later fail too, and so do evidence and service level, which are asked last."""
    changes = merged(DEFINITE_ORDER[first:]) | {"evidence": looked_up(None, None), "service_level": "unknown"}
    verdict = decided(coverage(**changes), fault={"cause": "wear"})
    assert codes(verdict, "parts") == [DEFINITE_ORDER[first][1]]


@pytest.mark.parametrize("first", range(len(DOUBT_ORDER)))
def test_where_nothing_is_definite_the_first_undetermined_failure_counts(first):
    verdict = decided(coverage(**merged(DOUBT_ORDER[first:])), fault={"cause": "unknown"})
    assert codes(verdict, "parts") == codes(verdict, "labour") == [DOUBT_ORDER[first][1]]


@pytest.mark.parametrize(
    "changes", [row[0] for row in DEFINITE_ORDER if row[1] not in {"waiting_period", "cause_excluded"}]
)
def test_a_definite_failure_counts_before_an_undetermined_one_that_is_asked_earlier(changes):
    doubtful = {"ends_on": "2026-03-01", "grace_days": 1, "evidence": looked_up("covered", "2026-03-02T02:00:00Z")}
    assert codes(decided(coverage(**doubtful)), "parts") == ["sources_conflict"]
    assert not set(codes(decided(coverage(**doubtful, **changes)), "parts")) & UNDETERMINED


# ── Days ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("zone", "ends_on", "reported_at", "code"),
    [
        ("UTC", "2026-03-01", "2026-03-01T23:59:59Z", "chosen"),
        ("UTC", "2026-03-01", "2026-03-02T00:00:00Z", "expired"),
        ("Europe/Amsterdam", "2026-03-01", "2026-03-01T22:59:59Z", "chosen"),
        ("Europe/Amsterdam", "2026-03-01", "2026-03-01T23:00:00Z", "expired"),
        ("Europe/Amsterdam", "2026-03-01", "2026-03-02T08:00:00+09:00", "expired"),  # 00:00 in Amsterdam
        ("Pacific/Auckland", "2026-03-01", "2026-03-01T10:59:59Z", "chosen"),
        ("Pacific/Auckland", "2026-03-01", "2026-03-01T11:00:00Z", "expired"),
        ("America/Los_Angeles", "2026-03-01", "2026-03-02T07:59:59Z", "chosen"),
        ("America/Los_Angeles", "2026-03-01", "2026-03-02T08:00:00Z", "expired"),
        ("Pacific/Kiritimati", "2026-03-01", "2026-03-01T10:00:00Z", "expired"),  # 14 hours ahead
        ("Asia/Kathmandu", "2026-03-01", "2026-03-01T18:14:59Z", "chosen"),
        ("Asia/Kathmandu", "2026-03-01", "2026-03-01T18:15:00Z", "expired"),
        # The clocks change on the last day: 29 March has 23 hours in Amsterdam, 25 October 25, 8 March 23 in Los Angeles.
        ("Europe/Amsterdam", "2026-03-29", "2026-03-29T21:59:59Z", "chosen"),
        ("Europe/Amsterdam", "2026-03-29", "2026-03-29T22:00:00Z", "expired"),
        ("Europe/Amsterdam", "2026-10-25", "2026-10-25T22:59:59Z", "chosen"),
        ("Europe/Amsterdam", "2026-10-25", "2026-10-25T23:00:00Z", "expired"),
        ("America/Los_Angeles", "2026-03-08", "2026-03-09T06:59:59Z", "chosen"),
        ("America/Los_Angeles", "2026-03-08", "2026-03-09T07:00:00Z", "expired"),
    ],
)
def test_days_are_those_of_the_contracts_own_time_zone(zone, ends_on, reported_at, code):
    given = coverage(time_zone=zone, ends_on=ends_on)
    assert codes(decided(given, fault={"reported_at": reported_at}), "parts") == [code]


def test_two_contracts_of_two_zones_are_each_asked_in_their_own():
    given = [
        coverage(f"k{n}", time_zone=zone, ends_on="2026-03-01") for n, zone in enumerate(["UTC", "Pacific/Auckland"])
    ]
    assert codes(decided(*given, fault={"reported_at": "2026-03-01T12:00:00Z"}), "parts") == ["chosen", "expired"]


@pytest.mark.parametrize(
    ("changes", "occurred_on", "reported_on", "code"),
    [
        # The start, by the day of the fault and not of the report.
        ({"starts_on": "2026-03-02"}, "2026-03-01", "2026-03-01", "not_started"),
        ({"starts_on": "2026-03-02"}, "2026-03-01", "2026-03-02", "failure_before_cover"),
        ({"starts_on": "2026-03-02"}, None, "2026-03-01", "not_started"),
        ({"starts_on": "2026-03-02", "waiting_days": 5}, "2026-03-01", "2026-03-02", "failure_before_cover"),
        # Waiting counts from the first day of cover, and goes before the end.
        ({"starts_on": "2026-03-02", "waiting_days": 3}, "2026-03-04", "2026-03-20", "waiting_period"),
        ({"starts_on": "2026-03-02", "waiting_days": 3}, "2026-03-05", "2026-03-20", "chosen"),
        ({"starts_on": "2026-03-02", "ends_on": "2026-03-03", "waiting_days": 9}, None, "2026-03-06", "waiting_period"),
        ({"waiting_days": 1_000_000}, None, "2026-03-06", "waiting_period"),
        # The end, with grace.
        ({"ends_on": "2026-03-10"}, "2026-03-10", "2026-03-10", "chosen"),
        ({"ends_on": "2026-03-10"}, "2026-03-11", "2026-03-11", "expired"),
        ({"ends_on": "2026-03-10", "claims_after_end_days": 99}, "2026-03-11", "2026-03-11", "expired"),
        ({"ends_on": "2026-03-10", "grace_days": 5}, "2026-03-15", "2026-03-15", "in_grace"),
        ({"ends_on": "2026-03-10", "grace_days": 5}, "2026-03-16", "2026-03-16", "expired"),
        ({"ends_on": "2026-03-10", "grace_is_covered": True}, "2026-03-11", "2026-03-11", "expired"),
        ({"ends_on": "2026-03-10", "grace_days": 5, "grace_is_covered": True}, "2026-03-16", "2026-03-16", "expired"),
        # A late report.
        ({"ends_on": "2026-03-10"}, "2026-03-10", "2026-03-11", "reported_after_cover"),
        ({"ends_on": "2026-03-10", "claims_after_end_days": 5}, "2026-03-10", "2026-03-15", "chosen"),
        ({"ends_on": "2026-03-10", "claims_after_end_days": 5}, "2026-03-10", "2026-03-16", "reported_after_cover"),
        ({"ends_on": "2026-03-10", "grace_days": 5}, "2026-03-10", "2026-03-11", "reported_after_cover"),
        ({"ends_on": "2026-03-10", "grace_days": 5, "grace_is_covered": True}, "2026-03-10", "2026-03-15", "chosen"),
        (
            {"ends_on": "2026-03-10", "grace_days": 5, "grace_is_covered": True},
            "2026-03-10",
            "2026-03-16",
            "reported_after_cover",
        ),
        (
            {"ends_on": "2026-03-10", "grace_days": 5, "grace_is_covered": True},
            "2026-03-12",
            "2026-03-16",
            "reported_after_cover",
        ),
        (
            {"ends_on": "2026-03-10", "grace_days": 5, "grace_is_covered": True, "claims_after_end_days": 3},
            "2026-03-10",
            "2026-03-15",
            "chosen",
        ),
        (
            {"ends_on": "2026-03-10", "grace_days": 5, "grace_is_covered": True, "claims_after_end_days": 6},
            "2026-03-10",
            "2026-03-16",
            "chosen",
        ),
        ({"ends_on": None, "grace_days": 5}, "2026-03-10", "2099-03-16", "chosen"),
        ({"ends_on": "9000-03-10", "grace_days": 1_000_000}, "9999-12-31", "9999-12-31", "in_grace"),
    ],
)
def test_start_waiting_end_and_report_are_asked_in_this_order(changes, occurred_on, reported_on, code):
    fault = {"occurred_at": occurred_on and f"{occurred_on}T12:00:00Z", "reported_at": f"{reported_on}T12:00:00Z"}
    assert codes(decided(coverage(**({"time_zone": "UTC"} | changes)), fault=fault), "parts") == [code]


@pytest.mark.parametrize(
    ("reported_at", "zone", "dates"),
    [
        ("0001-01-01T00:00:00+14:00", "America/Los_Angeles", {"starts_on": "0001-01-01"}),
        ("9999-12-31T23:59:59-12:00", "Pacific/Auckland", {"ends_on": "9999-12-31"}),
    ],
)
def test_an_instant_beyond_the_calendar_is_on_its_last_day(reported_at, zone, dates):
    verdict = decided(coverage(time_zone=zone, **dates), fault={"reported_at": reported_at})
    assert codes(verdict, "parts") == ["chosen"]


def test_covered_grace_stands_beside_chosen_and_nowhere_else():
    grace = {"ends_on": "2026-03-01", "grace_days": 5, "grace_is_covered": True}
    verdict = decided(
        coverage("k1", **grace), coverage("k2", **grace, contract_number="A"), coverage("k3", **grace, covers=["parts"])
    )
    assert verdict.verdict == "covered"
    assert entries(verdict) == [
        ("outranked", "parts", "k1"),
        ("chosen", "parts", "k2"),
        ("in_grace", "parts", "k2"),
        ("outranked", "parts", "k3"),
        ("outranked", "labour", "k1"),
        ("chosen", "labour", "k2"),
        ("in_grace", "labour", "k2"),
        ("labour_not_covered", "labour", "k3"),
    ]


# ── What the vendor said against the dates ───────────────────────────────────────────────────────────────────────────

GRACE = {"ends_on": "2026-03-01", "grace_days": 9}


@pytest.mark.parametrize(
    ("changes", "says", "checked_at", "code"),
    [
        # The vendor says no, and the dates say yes.
        ({}, "not_covered", "2026-03-01T12:00:00Z", "sources_conflict"),
        ({"ends_on": None}, "not_covered", "2026-03-01T12:00:00Z", "sources_conflict"),
        ({"starts_on": "2026-03-01"}, "not_covered", "2026-02-28T23:00:00Z", "sources_conflict"),  # 1 March, 00:00
        ({"starts_on": "2026-03-01"}, "not_covered", "2026-02-28T22:59:59Z", "chosen"),  # said before the start
        ({"ends_on": "2026-03-02"}, "not_covered", "2026-03-02T22:59:59Z", "sources_conflict"),
        ({"ends_on": "2026-03-02"}, "not_covered", "2026-03-02T23:00:00Z", "chosen"),  # said after the end
        (GRACE | {"grace_is_covered": True}, "not_covered", "2026-02-20T12:00:00Z", "chosen"),
        (GRACE, "not_covered", "2026-02-20T12:00:00Z", "in_grace"),
        ({"ends_on": "2026-03-01"}, "not_covered", "2026-02-20T12:00:00Z", "expired"),
        # The vendor says yes on a day outside, and the dates say no.
        ({"ends_on": "2026-03-01"}, "covered", "2026-03-01T22:59:59Z", "expired"),
        ({"ends_on": "2026-03-01"}, "covered", "2026-03-01T23:00:00Z", "sources_conflict"),
        (GRACE, "covered", "2026-03-01T22:59:59Z", "in_grace"),
        (GRACE, "covered", "2026-03-01T23:00:00Z", "sources_conflict"),
        (GRACE | {"grace_is_covered": True}, "covered", "2026-03-01T23:00:00Z", "chosen"),
        ({"starts_on": "2026-03-03"}, "covered", "2026-03-02T22:59:59Z", "sources_conflict"),
        ({"starts_on": "2026-03-03"}, "covered", "2026-03-02T23:00:00Z", "not_started"),  # said inside the dates
        ({"starts_on": "2026-03-03", "ends_on": "2026-03-03"}, "covered", "2026-03-09T12:00:00Z", "not_started"),
        ({"starts_on": "2026-02-20", "ends_on": "2026-03-01"}, "covered", "2026-02-10T12:00:00Z", "expired"),
        ({"starts_on": "2026-03-01", "waiting_days": 9}, "covered", "2026-02-10T12:00:00Z", "waiting_period"),
        ({"ends_on": "2026-03-01"}, "unknown", "2026-03-02T02:00:00Z", "expired"),
        ({"ends_on": "2025-03-01"}, "covered", "2026-01-01T00:00:00Z", "expired"),  # stale
    ],
)
def test_the_vendors_answer_conflicts_with_the_dates_only_on_days_that_contradict_them(changes, says, checked_at, code):
    verdict = decided(coverage(**changes, evidence=looked_up(says, checked_at)))
    assert [c for c in codes(verdict, "parts") if c != "in_grace" or code == "in_grace"] == [code]


def test_an_answer_with_an_error_contradicts_nothing():
    given = coverage(ends_on="2026-03-01", evidence=looked_up("covered", "2026-03-02T02:00:00Z", "timed out"))
    assert codes(decided(given), "parts") == ["expired"]


def test_a_contract_file_contradicts_nothing():
    said = looked_up("covered", "2026-03-02T02:00:00Z") | {"source": "contract_file"}
    assert codes(decided(coverage(ends_on="2026-03-01", evidence=said)), "parts") == ["expired"]


def test_a_failure_before_cover_stays_whatever_the_vendor_says():
    given = coverage(starts_on="2026-03-02", evidence=looked_up("covered", "2026-02-28T02:00:00Z"))
    verdict = decided(given, fault={"occurred_at": "2026-03-01T12:00:00Z"})
    assert codes(verdict, "parts") == ["failure_before_cover"]


def test_a_conflict_about_the_dates_counts_at_the_dates_place_and_one_about_the_evidence_at_its_own():
    doubtful_cause = {"fault": {"cause": "unknown"}}
    at_dates = coverage(ends_on="2026-03-01", evidence=looked_up(at="2026-03-02T02:00:00Z"), excluded_causes=["wear"])
    at_evidence = coverage(evidence=looked_up("not_covered"), excluded_causes=["wear"])
    assert codes(decided(at_dates, **doubtful_cause), "parts") == ["sources_conflict"]
    assert codes(decided(at_evidence, **doubtful_cause), "parts") == ["cause_unknown"]


# ── Absence needs proof ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("attested", [False, True])
@pytest.mark.parametrize(
    ("lookup", "code"),
    [
        ({"error": "timed out"}, "lookup_failed"),
        ({"error": "timed out", "vendor_says": None, "checked_at": None}, "lookup_failed"),
        ({"vendor_says": None, "checked_at": None}, "never_looked_up"),
        ({"checked_at": "2026-01-31T08:04:59Z"}, "lookup_stale"),
        ({"checked_at": "2026-01-31T08:04:59Z", "vendor_says": "unknown"}, "lookup_stale"),
        ({"vendor_says": "unknown"}, "unknown_to_vendor"),
        ({"vendor_says": "not_owner"}, "not_owner_at_vendor"),
        ({"checked_at": "2026-01-31T08:05:00Z"}, None),
        ({}, None),
    ],
)
def test_nothing_covers_the_parts_only_where_the_units_own_look_up_is_definite(lookup, code, attested):
    verdict = decided(coverage(covers=["labour"]), lookup=lookup | {"absence_attested": attested})
    if code is None:
        assert (verdict.verdict, verdict.awards, verdict.pays) == ("not_covered", (None, "k1"), ("client", "vendor"))
    else:
        assert verdict.verdict == "needs_review"
        assert entries(verdict) == [
            (code, "parts", None),
            ("parts_not_covered", "parts", "k1"),
            ("chosen", "labour", "k1"),
        ]


@pytest.mark.parametrize(("attested", "word"), [(False, "needs_review"), (True, "not_covered")])
def test_where_no_account_can_ask_a_person_must_attest_absence(attested, word):
    lookup = {"source": "not_available", "vendor_says": None, "checked_at": None, "absence_attested": attested}
    verdict = decided(lookup=lookup)
    assert (verdict.verdict, verdict.route) == (word, "review" if word == "needs_review" else "ad_hoc")
    assert entries(verdict) == [("no_coverage", None, None)] + ([] if attested else [("no_evidence", "parts", None)])


def test_absence_is_not_asked_where_the_parts_have_a_winner_or_a_gate_fired():
    never = {"vendor_says": None, "checked_at": None}
    assert decided(coverage(covers=["parts"]), lookup=never).verdict == "partly_covered"
    assert codes(decided(lookup=never, asset={"state": "lost"}), "parts") == []


def test_absence_is_asked_beside_an_undetermined_coverage():
    verdict = decided(coverage(service_level="unknown"), lookup={"vendor_says": "unknown"})
    assert codes(verdict, "parts") == ["unknown_to_vendor", "unknown_service_level"]


@pytest.mark.parametrize(
    "scope",
    [{"asset": "a1"}, {"product": "p1"}, {"site": "s1"}, {"client": "c1"}],
)
def test_a_coverage_of_another_scope_is_no_candidate(scope):
    assert decided(coverage(scope=scope)).verdict == "covered"
    (kind,) = scope
    foreign = coverage(scope={kind: "x"})
    assert entries(decided(foreign)) == [("no_coverage", None, None)]


@pytest.mark.parametrize("field", ["product", "site"])
def test_a_unit_without_product_or_site_is_in_no_such_scope(field):
    assert codes(decided(coverage(scope={field: "p1"}), asset={field: None})) == ["no_coverage"]


def test_no_candidate_is_said_whatever_the_verdict():
    assert codes(decided()) == ["no_coverage"]
    assert codes(decided(lookup={"vendor_says": None, "checked_at": None})) == ["no_coverage"]


# ── Route lookup ─────────────────────────────────────────────────────────────────────────────────────────────────────

NEVER = {"vendor_says": None, "checked_at": None}
UNASKED = coverage(evidence=looked_up(None, None))


@pytest.mark.parametrize(
    ("given", "changes", "route"),
    [
        ([], {"lookup": NEVER}, "lookup"),
        ([], {"lookup": {"error": "timed out"}}, "lookup"),
        ([], {"lookup": {"checked_at": "2025-01-01T00:00:00Z"}}, "lookup"),
        ([], {"lookup": {"vendor_says": "unknown"}}, "review"),
        ([], {"lookup": {"source": "not_available"}}, "review"),
        ([UNASKED], {}, "lookup"),
        ([UNASKED], {"lookup": NEVER}, "lookup"),
        ([UNASKED], {"lookup": {"source": "not_available", "absence_attested": True}}, "review"),  # nobody can ask
        ([UNASKED], {"lookup": {"vendor_says": "not_owner"}}, "review"),
        ([UNASKED, coverage("k2", service_level="unknown")], {}, "review"),
        # A doubt that would not outrank the winner does not count.
        ([UNASKED, coverage("k2", service_level="unknown", kind="insurance")], {}, "review"),
        (
            [
                UNASKED,
                coverage("k2", kind="vendor_contract"),
                coverage("k3", kind="insurance", service_level="unknown"),
            ],
            {},
            "lookup",
        ),
        # Patience.
        ([UNASKED], {"now": "2026-03-02T08:14:59Z"}, "lookup"),
        ([UNASKED], {"now": "2026-03-02T08:15:00Z"}, "review"),
        ([UNASKED], {"now": "2026-03-02T08:00:00Z", "policy": {"lookup_patience_minutes": 0}}, "review"),
        ([UNASKED], {"now": "2026-03-02T07:59:59Z", "policy": {"lookup_patience_minutes": 0}}, "lookup"),
        # A known exception beside it, and alone.
        ([UNASKED], {"asset": {"handover_exceptions": ["disk"]}}, "lookup"),
        ([], {"asset": {"handover_exceptions": ["disk"]}}, "review"),
    ],
)
def test_the_vendor_is_asked_where_that_may_settle_everything_and_there_is_patience(given, changes, route):
    verdict = decided(*given, **changes)
    assert (verdict.verdict, verdict.route) == ("needs_review", route)


# ── Ranking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def assert_wins(better, worse, rule, **changes):
    for given in ((better, worse), (worse, better)):
        verdict = decided(*given, **changes)
        assert verdict.awards == (better["id"], better["id"])
        for entry in verdict.reasons:
            if entry.coverage == worse["id"]:
                assert (entry.code, entry.params) == ("outranked", {"rule": rule, "winner": better["id"]})


@pytest.mark.parametrize(("better", "worse"), list(pairwise(CoverageKind)))
def test_kinds_go_in_the_default_order_where_none_is_agreed(better, worse):
    assert_wins(coverage("z", kind=better), coverage("a", kind=worse, service_level="24x7x2h"), "precedence")


@pytest.mark.parametrize(
    ("precedence", "better", "worse"),
    [
        (["insurance"], "insurance", "manufacturer_warranty"),
        (["insurance"], "manufacturer_warranty", "vendor_contract"),  # left out: the default order
        (["msp_agreement", "vendor_contract"], "msp_agreement", "vendor_contract"),
        (["msp_agreement", "vendor_contract"], "vendor_contract", "manufacturer_warranty"),
        (["msp_agreement", "vendor_contract"], "third_party_maintenance", "insurance"),
    ],
)
def test_the_clients_own_precedence_goes_first(precedence, better, worse):
    assert_wins(coverage("z", kind=better), coverage("a", kind=worse), "precedence", policy={"precedence": precedence})


SCOPES = [{"asset": "a1"}, {"product": "p1"}, {"site": "s1"}, {"client": "c1"}]


@pytest.mark.parametrize(("better", "worse"), list(pairwise(SCOPES)))
def test_the_more_specific_scope_goes_first(better, worse):
    assert_wins(coverage("z", scope=better), coverage("a", scope=worse, service_level="24x7x2h"), "specificity")


@pytest.mark.parametrize(("better", "worse"), list(pairwise(level for level in ServiceLevel if level != "unknown")))
def test_the_faster_service_goes_first(better, worse):
    assert_wins(
        coverage("z", service_level=better), coverage("a", service_level=worse, delivery="on_site"), "service_level"
    )


@pytest.mark.parametrize(("better", "worse"), list(pairwise(Delivery)))
def test_the_easier_delivery_goes_first(better, worse):
    assert_wins(coverage("z", delivery=better), coverage("a", delivery=worse, ends_on="2026-06-01"), "delivery")


def test_the_sooner_end_goes_first_as_written_and_no_end_goes_last():
    assert_wins(
        coverage("z", ends_on="2026-06-01"), coverage("a", ends_on="2026-06-02", contract_number="0"), "ends_sooner"
    )
    assert_wins(coverage("z", ends_on="9999-12-31"), coverage("a", ends_on=None, contract_number="0"), "ends_sooner")
    east, west = {"time_zone": "Pacific/Auckland"}, {"time_zone": "America/Los_Angeles"}
    assert_wins(
        coverage("z", **west, contract_number="1"), coverage("a", **east, contract_number="2"), "contract_number"
    )


@pytest.mark.parametrize(
    ("better", "worse"), [("10", "9"), ("A", "a"), ("Z", "a"), ("", "0"), ("z", "é"), ("\uffff", "\U00010000")]
)
def test_the_lower_contract_number_goes_first_by_code_point_then_the_lower_id(better, worse):
    assert_wins(coverage("z", contract_number=better), coverage("a", contract_number=worse), "contract_number")
    same = {"contract_number": "C", "ends_on": None}
    assert_wins(coverage(better, **same), coverage(worse, **same), "id")


# ── Undetermined coverages against the winner ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("doubtful", "is_settled"),
    [
        ({"evidence": looked_up("unknown")}, False),  # the lower id
        ({"evidence": looked_up("unknown"), "contract_number": "D"}, True),
        ({"evidence": looked_up("unknown"), "kind": "insurance"}, True),
        ({"evidence": looked_up("unknown"), "kind": "insurance", "service_level": "24x7x2h"}, True),
        ({"service_level": "unknown"}, False),
        ({"service_level": "unknown", "contract_number": "D"}, False),  # it may turn out to be 24x7x2h
        ({"service_level": "unknown", "scope": {"client": "c1"}}, True),
        ({"service_level": "unknown", "kind": "vendor_contract"}, True),
    ],
)
def test_only_a_doubt_that_would_outrank_the_winner_makes_a_share_undetermined(doubtful, is_settled):
    same = {"contract_number": "C"}
    verdict = decided(coverage("k2", **same), coverage("k1", **(same | doubtful)))
    assert ("chosen", "parts", "k2") in entries(verdict)
    assert verdict.verdict == ("covered" if is_settled else "needs_review")
    assert verdict.awards == (("k2", "k2") if is_settled else (None, None))


def test_an_unknown_service_level_counts_as_the_fastest_and_no_more():
    unknown = coverage("k1", service_level="unknown", delivery="depot")
    assert decided(coverage("k2", service_level="24x7x2h", delivery="on_site"), unknown).verdict == "covered"
    assert decided(coverage("k2", service_level="24x7x4h", delivery="on_site"), unknown).verdict == "needs_review"


def test_one_undetermined_share_is_enough_and_the_entries_still_show_the_ranking():
    labour_only = coverage(
        "k0", covers=["labour"], evidence=looked_up("unknown"), kind="msp_agreement", fulfilment="msp_supply"
    )
    verdict = decided(coverage("k1", covers=["parts"]), coverage("k2", covers=["parts"]), labour_only)
    assert (verdict.verdict, verdict.route, verdict.awards, verdict.pays) == (
        "needs_review",
        "review",
        (None, None),
        (None, None),
    )
    assert codes(verdict, "parts") == ["parts_not_covered", "chosen", "outranked"]
    assert codes(verdict, "labour") == ["unknown_to_vendor", "labour_not_covered", "labour_not_covered"]


# ── After the ranking ────────────────────────────────────────────────────────────────────────────────────────────────

AGREEMENT = coverage("m", kind="msp_agreement", fulfilment="msp_supply")
WARRANTY = coverage("w", covers=["parts"])


@pytest.mark.parametrize(
    ("given", "changes", "is_held"),
    [
        ([coverage()], {}, False),
        ([AGREEMENT], {}, True),
        ([WARRANTY, AGREEMENT], {}, True),  # the labour is the MSP's
        ([WARRANTY], {}, True),  # the labour is nobody's
        ([WARRANTY, coverage("i", kind="insurance", fulfilment="insurer_claim")], {}, False),
        ([], {}, True),
        ([coverage()], {"asset": {"ownership": "msp"}}, False),
        ([coverage(evidence=looked_up("unknown"))], {}, True),  # an undetermined share is not won
    ],
)
def test_a_component_on_the_hand_over_list_needs_a_person_unless_others_than_the_msp_pay_both_shares(
    given, changes, is_held
):
    asset = {"handover_exceptions": ["fan", "disk"]} | changes.get("asset", {})
    verdict = decided(*given, asset=asset)
    held = [(r.share, r.coverage, r.params) for r in verdict.reasons if r.code == "pre_existing_condition"]
    assert held == ([(None, None, {"component": "disk"})] if is_held else [])
    if is_held:
        assert (verdict.verdict, verdict.route, verdict.awards, verdict.pays) == (
            "needs_review",
            "review",
            (None, None),
            (None, None),
        )


def test_another_component_on_the_hand_over_list_holds_nothing():
    assert decided(AGREEMENT, asset={"handover_exceptions": ["fan"]}).verdict == "covered"


def test_an_exception_comes_before_the_ownership_that_would_pay():
    assert codes(decided(asset={"handover_exceptions": ["disk"], "ownership": "msp"})) == [
        "no_coverage",
        "pre_existing_condition",
    ]


@pytest.mark.parametrize(
    ("fulfilment", "route", "party"),
    [("vendor_rma", "rma", "vendor"), ("msp_supply", "ad_hoc", "msp"), ("insurer_claim", "ad_hoc", "insurer")],
)
def test_the_winners_fulfilment_says_route_and_payer(fulfilment, route, party):
    whole = decided(coverage(fulfilment=fulfilment))
    assert (whole.verdict, whole.route, whole.awards, whole.pays) == ("covered", route, ("k1", "k1"), (party, party))
    parts = decided(coverage(fulfilment=fulfilment, covers=["parts"]))
    assert (parts.verdict, parts.route, parts.awards, parts.pays) == (
        "partly_covered",
        route,
        ("k1", None),
        (party, "client"),
    )
    labour = decided(coverage(fulfilment=fulfilment, covers=["labour"]))
    assert (labour.verdict, labour.route, labour.awards, labour.pays) == (
        "not_covered",
        "ad_hoc",
        (None, "k1"),
        ("client", party),
    )


@pytest.mark.parametrize("labour", Fulfilment)
@pytest.mark.parametrize(
    ("parts", "route"), [("vendor_rma", "rma"), ("msp_supply", "ad_hoc"), ("insurer_claim", "ad_hoc")]
)
def test_the_route_follows_the_parts_whoever_does_the_work(parts, route, labour):
    verdict = decided(
        coverage("p", fulfilment=parts, covers=["parts"]), coverage("l", fulfilment=labour, covers=["labour"])
    )
    assert (verdict.verdict, verdict.route, verdict.awards) == ("covered", route, ("p", "l"))


@pytest.mark.parametrize(
    ("ownership", "covers", "pays", "entry"),
    [
        ("client", [], ("client", "client"), []),
        ("msp", [], ("msp", "msp"), ["msp_owned"]),
        ("loaner", [], ("msp", "msp"), ["loaner"]),
        ("msp", ["parts"], ("vendor", "msp"), ["msp_owned"]),
        ("loaner", ["labour"], ("msp", "vendor"), ["loaner"]),
        ("client", ["parts"], ("vendor", "client"), []),
        ("msp", ["parts", "labour"], ("vendor", "vendor"), []),
        ("loaner", ["parts", "labour"], ("vendor", "vendor"), []),
    ],
)
def test_what_no_coverage_pays_the_owner_pays(ownership, covers, pays, entry):
    given = [coverage(covers=covers)] if covers else [coverage(state="voided")]
    verdict = decided(*given, asset={"ownership": ownership})
    assert verdict.pays == pays
    assert codes(verdict) == entry


def test_no_owner_is_named_where_the_verdict_is_open():
    verdict = decided(coverage(service_level="unknown"), asset={"ownership": "msp"})
    assert (codes(verdict), verdict.pays) == ([], (None, None))


# ── The entries ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_entries_stand_by_share_then_coverage_then_code_each_null_first():
    verdict = decided(
        coverage("b", covers=["labour"]),
        coverage("B", state="voided"),
        coverage("a", state="voided"),
        asset={"handover_exceptions": ["disk"]},
        lookup={"vendor_says": "unknown"},
        cases=[other_case(closed_at="2026-03-01T00:00:00Z")],
    )
    assert entries(verdict) == [
        ("pre_existing_condition", None, None),
        ("repeat_failure", None, None),
        ("unknown_to_vendor", "parts", None),
        ("voided", "parts", "B"),
        ("voided", "parts", "a"),
        ("parts_not_covered", "parts", "b"),
        ("voided", "labour", "B"),
        ("voided", "labour", "a"),
        ("chosen", "labour", "b"),
    ]


def test_the_answer_has_the_published_fields_and_reads_back_to_itself():
    verdict = decided(coverage(covers=["parts"]), coverage("k2"))
    document_ = json.loads(verdict.to_json())
    assert list(document_) == ["verdict", "route", "awards", "pays", "reasons", "engine_version"]
    assert list(document_["reasons"][0]) == ["code", "share", "coverage", "params", "text"]
    assert document_["engine_version"] == ENGINE_VERSION
    for given in (verdict, decided(coverage(), cases=[other_case()])):
        assert Verdict.from_json(given.to_json()).to_json() == given.to_json()
        assert Verdict.from_json(given.to_json()) == given


# ── Sentences ────────────────────────────────────────────────────────────────────────────────────────────────────────

FACTS = {
    "contract": "W-1 (100%)",
    "kind": "insurance",
    "starts_on": "2026-01-02",
    "ends_on": "2026-01-03",
    "fault_on": "2026-01-04",
    "reported_on": "2026-01-05",
    "component": "psu",
    "cause": "surge",
    "claims_used": 3,
    "claims_limit": 2,
    "checked_on": "2026-01-06",
    "vendor_says": "not_covered",
    "matches": 2,
    "state": "disposed",
    "case": "f7",
    "metric": "speed",
    "value": "1",
    "target": "2",
    "tolerance": "3",
}
ALL_ENTRIES = [
    *(("chosen", share, "k1", {}) for share in CHOSEN),
    *(("outranked", "parts", "k1", {"rule": rule}) for rule in OUTRANKED),
    *((code, "parts", None, {}) for code in OF_THE_UNIT),
    *((code, None, None, {}) for code in SENTENCES),
]


@pytest.mark.parametrize(("code", "share", "of", "params"), ALL_ENTRIES)
def test_every_sentence_can_be_said_in_full(code, share, of, params):
    text = render(code, share, of, FACTS | params)
    assert text[0].isupper()
    assert text.endswith(".")
    assert "%(" not in text
    assert "_" not in text  # no word of ours that is not a word


def test_every_code_rule_and_label_has_its_words():
    assert set(SENTENCES) == set(ReasonCode) - {"chosen", "outranked"}
    assert (set(CHOSEN), set(OUTRANKED)) == (set(Share), set(Rule))
    assert set(LABELS["component"]) == set(Component)
    assert set(LABELS["kind"]) == set(CoverageKind)


def test_a_sentence_can_be_said_in_another_language():
    words = {CHOSEN["parts"]: "%(kind)s betaalt: %(contract)s", "insurance": "verzekering"}
    said = render("chosen", "parts", "k1", {"contract": "V-1", "kind": "insurance"}, lambda message: words[message])
    assert said == "verzekering betaalt: V-1"


def test_a_text_is_the_sentence_of_its_own_params_and_names_what_a_client_knows():
    verdict = decided(coverage(ends_on="2026-03-01", contract_number="W-1"))
    assert verdict.reasons[0].text == "Contract W-1 ended on 2026-03-01, before the fault of 2026-03-02."
    assert verdict.reasons[0].params == {"contract": "W-1", "ends_on": "2026-03-01", "fault_on": "2026-03-02"}
