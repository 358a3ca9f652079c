"""The gates of the decision, each alone and against the one that comes before it; source: domain.md, section 2."""

import pytest

from tests.domain.documents import NOT_AVAILABLE, case_of, coverage, document, other, outline, verdict_of
from warranty.domain.coverage import decide


def expect_one_entry(verdict, word, route, code, **params):
    assert (verdict.verdict, verdict.route) == (word, route)
    assert outline(verdict) == [(code, None, None)]
    assert (*verdict.awards, *verdict.pays) == (None, None, None, None)
    if params:
        assert verdict.reasons[0].params == params


def expect_no_gate(verdict):
    assert (verdict.verdict, verdict.route) == ("covered", "rma")


# ── the unit ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def without_a_unit(matches):
    return decide(case_of(document() | {"asset": None, "matches": matches}))


@pytest.mark.parametrize("matches", [0, 1])
def test_without_a_unit_a_person_identifies_it(matches):
    expect_one_entry(without_a_unit(matches), "needs_review", "review", "unit_unidentified")


@pytest.mark.parametrize("matches", [2, 3])
def test_two_units_of_one_serial_are_told_apart_by_a_person(matches):
    expect_one_entry(without_a_unit(matches), "needs_review", "review", "serial_ambiguous", matches=matches)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("replaced", "asset_replaced"),
        ("returned_to_vendor", "asset_replaced"),
        ("retained_media", "asset_replaced"),
        ("decommissioned", "asset_decommissioned"),
        ("disposed", "asset_decommissioned"),
        ("lost", "asset_decommissioned"),
        ("stolen", "asset_decommissioned"),
        ("onboarding", "asset_not_accepted"),
        ("rejected_at_handover", "asset_not_accepted"),
    ],
)
def test_a_unit_in_the_wrong_state_goes_to_a_person_even_under_valid_warranty(state, code):
    expect_one_entry(verdict_of(asset={"state": state}), "needs_review", "review", code)


@pytest.mark.parametrize("state", ["in_service", "in_stock", "faulty", "in_rma"])
def test_a_unit_at_work_or_on_the_shelf_passes(state):
    expect_no_gate(verdict_of(asset={"state": state}))


@pytest.mark.parametrize("state", ["in_service", "decommissioned", "stolen", "onboarding"])
def test_a_unit_with_a_successor_counts_as_replaced_whatever_its_state(state):
    verdict = verdict_of(asset={"state": state, "replaced_by": "a2"})
    expect_one_entry(verdict, "needs_review", "review", "asset_replaced")


def test_a_leased_unit_is_its_lessors():
    expect_one_entry(verdict_of(asset={"ownership": "leased"}), "needs_review", "review", "leased")


@pytest.mark.parametrize("ownership", ["client", "msp", "loaner"])
def test_every_other_ownership_passes(ownership):
    expect_no_gate(verdict_of(asset={"ownership": ownership}))


@pytest.mark.parametrize(("state", "code"), [("lost", "asset_decommissioned"), ("onboarding", "asset_not_accepted")])
def test_the_state_is_asked_before_the_lease(state, code):
    verdict = verdict_of(asset={"state": state, "ownership": "leased"})
    expect_one_entry(verdict, "needs_review", "review", code)


# ── the reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def reading(direction, value, target=10, tolerance=1):
    return {"metric": "rpm", "value": value, "target": target, "tolerance": tolerance, "direction": direction}


@pytest.mark.parametrize(
    ("direction", "value"),
    [
        ("at_least", 9),
        ("at_least", 99),
        ("at_most", 11),
        ("at_most", -99),
        ("within", 9),
        ("within", 11),
        ("within", 10),
    ],
)
def test_a_reading_inside_the_tolerance_is_recorded_and_closed(direction, value):
    verdict = verdict_of(fault={"reading": reading(direction, value)})
    params = {"metric": "rpm", "value": str(value), "target": "10", "tolerance": "1"}
    expect_one_entry(verdict, None, "none", "within_tolerance", **params)


@pytest.mark.parametrize(
    ("direction", "value"),
    [
        ("at_least", 8.999),
        ("at_most", 11.001),
        ("within", 8.999),
        ("within", 11.001),
        ("at_least", -1),
        ("at_most", 1e9),
    ],
)
def test_a_reading_outside_the_tolerance_is_a_fault(direction, value):
    expect_no_gate(verdict_of(fault={"reading": reading(direction, value)}))


def test_a_reading_goes_before_an_open_case_and_after_the_lease():
    inside = {"reading": reading("within", 10)}
    expect_one_entry(verdict_of(fault=inside, cases=[other()]), None, "none", "within_tolerance")
    expect_one_entry(verdict_of(fault=inside, asset={"ownership": "leased"}), "needs_review", "review", "leased")


# ── open cases ───────────────────────────────────────────────────────────────────────────────────────────────────────

CODES = {"rma": "open_rma_exists", "job": "open_job_exists", "fault": "duplicate_fault"}


@pytest.mark.parametrize(("kind", "code"), CODES.items())
@pytest.mark.parametrize("ref", ["", "bay 3"])
def test_an_open_case_on_the_same_component_and_ref_takes_the_report(kind, code, ref):
    verdict = verdict_of(fault={"component": "disk", "component_ref": ref}, cases=[other("x", kind, "disk", ref)])
    expect_one_entry(verdict, None, "duplicate", code, case="x")


@pytest.mark.parametrize(("kind", "code"), CODES.items())
@pytest.mark.parametrize(
    ("component", "ref", "their_ref"), [("disk", "bay 3", ""), ("unit", "", "x"), ("unit", "a", "b")]
)
def test_an_open_case_on_the_whole_unit_takes_every_report(kind, code, component, ref, their_ref):
    report = {"component": component, "component_ref": ref}
    verdict = verdict_of(fault=report, cases=[other("x", kind, "unit", their_ref)])
    expect_one_entry(verdict, None, "duplicate", code, case="x")


@pytest.mark.parametrize(("kind", "code"), CODES.items())
@pytest.mark.parametrize(("ref", "their_ref"), [("", "bay 3"), ("bay 3", "")])
def test_where_only_one_of_the_two_has_a_ref_a_person_says_whether_they_are_one(kind, code, ref, their_ref):
    verdict = verdict_of(fault={"component": "disk", "component_ref": ref}, cases=[other("x", kind, "disk", their_ref)])
    expect_one_entry(verdict, "needs_review", "review", code, case="x")


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_a_report_on_the_whole_unit_beside_an_open_case_on_a_component_goes_to_a_person(kind, code):
    verdict = verdict_of(fault={"component": "unit"}, cases=[other("x", kind, "disk", "bay 3")])
    expect_one_entry(verdict, "needs_review", "review", code, case="x")


@pytest.mark.parametrize(
    "case",
    [
        other("x", "rma", "fan"),
        other("x", "rma", "disk", "bay 4"),
        other("x", "rma", "disk", "BAY 3"),
        other("x", "rma", "disk", "bay 3", closed_at="2025-01-01T00:00:00Z"),
        other("x", "rma", "unit", closed_at="2025-01-01T00:00:00Z"),
        other("f1", "rma", "disk", "bay 3"),
        other("f1", "fault", "unit"),
    ],
    ids=["other component", "other ref", "ref in capitals", "closed", "closed unit", "own id", "own id on the unit"],
)
def test_a_case_on_something_else_or_closed_or_the_faults_own_has_no_effect(case):
    expect_no_gate(verdict_of(fault={"component": "disk", "component_ref": "bay 3"}, cases=[case]))


@pytest.mark.parametrize(
    ("cases", "code", "id_"),
    [
        ([other("a", "fault"), other("b", "job"), other("c", "rma")], "open_rma_exists", "c"),
        ([other("a", "fault"), other("b", "job")], "open_job_exists", "b"),
        ([other("r9", "rma"), other("r10", "rma")], "open_rma_exists", "r10"),
        ([other("b", "fault"), other("B", "fault"), other("ä", "fault")], "duplicate_fault", "B"),
        ([other("z", "rma", "unit"), other("a", "job")], "open_rma_exists", "z"),
    ],
)
def test_of_several_open_cases_the_rma_goes_first_then_the_job_then_the_lower_id(cases, code, id_):
    expect_one_entry(verdict_of(cases=cases), None, "duplicate", code, case=id_)
    expect_one_entry(verdict_of(cases=cases[::-1]), None, "duplicate", code, case=id_)


def test_of_several_doubtful_cases_the_same_one_is_named():
    doubtful = [other("f9", "fault", "disk"), other("j2", "job", "nic"), other("j1", "job", "fan", "2")]
    expect_one_entry(
        verdict_of(fault={"component": "unit"}, cases=doubtful), "needs_review", "review", "open_job_exists", case="j1"
    )


def test_a_sure_duplicate_goes_before_a_doubtful_rma():
    cases = [other("r1", "rma", "psu", "left"), other("f9", "fault", "psu")]
    expect_one_entry(verdict_of(cases=cases), None, "duplicate", "duplicate_fault", case="f9")


# ── after a gate nothing else is said ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changes",
    [
        {"asset": {"state": "lost"}},
        {"asset": {"ownership": "leased"}},
        {"fault": {"reading": reading("within", 10)}},
        {"cases": [other("open")]},
    ],
)
def test_a_gate_leaves_one_entry_whatever_else_there_would_be_to_say(changes):
    asset = {"handover_exceptions": ["psu"]} | changes.get("asset", {})
    cases = [*changes.get("cases", []), other("past", closed_at="2026-02-20T00:00:00Z")]
    found = verdict_of(**changes | {"asset": asset, "cases": cases, "coverages": [], "lookup": NOT_AVAILABLE})
    assert len(found.reasons) == 1
    assert (found.reasons[0].share, found.reasons[0].coverage) == (None, None)


def test_a_gate_goes_before_every_coverage():
    expect_one_entry(
        verdict_of(asset={"state": "stolen"}, coverages=[coverage(), coverage("k2")]),
        "needs_review", "review", "asset_decommissioned", state="stolen",
    )  # fmt: skip
