"""The decision, clause by clause. What each row expects was derived by hand from the domain's page."""

import json

import pytest

from tests.domain.documents import (
    DECISION_CASES,
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
    mended = [
        ("unit_unidentified", {"asset": None}),
        ("asset_replaced", {"asset": {"state": "disposed", "replaced_by": "a2", "ownership": "leased"}}),
        ("asset_decommissioned", {"asset": {"state": "disposed", "ownership": "leased"}}),
        ("asset_not_accepted", {"asset": {"state": "onboarding", "ownership": "leased"}}),
        ("leased", {"asset": {"ownership": "leased"}}),
        ("within_tolerance", {}),
        ("duplicate_fault", {"fault": {}}),
        ("open_rma_exists", {"fault": {}, "cases": [other_case("r1", kind="rma", component_ref="bay 1")]}),
    ]
    every = {
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
    assert _decided_text(text.replace('"V"', "0.3000000000000000000000000000000000001")).route == "rma"
    assert _decided_text(text.replace('"V"', "1E-999999")).route == "none"


def _decided_text(text):
    return decide(case_from(json.loads(text, parse_float=_Exact)))


class _Exact(float):
    """A float that is written as it was read."""

    def __new__(cls, literal):
        made = super().__new__(cls, literal)
        made.literal = literal
        return made
