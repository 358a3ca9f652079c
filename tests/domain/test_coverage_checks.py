"""What one coverage is asked beside its dates, and in which order; source: domain.md, section 2."""

import pytest

from tests.domain.documents import FILE, NO_EVIDENCE, agreement, codes, coverage, outline, verdict_of
from warranty.domain.coverage import UNDETERMINED
from warranty.domain.terms import Component


def said(fault=None, **changes):
    """What the plain coverage says for parts and for labour after these changes."""
    found = {"fault": fault or {}, "coverages": [coverage(**changes)]}
    return codes("parts", **found), codes("labour", **found)


def both(code):
    return [code], [code]


# ── state, site, component, cause, share, limits ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["suspended", "voided", "cancelled", "superseded"])
def test_a_state_that_a_person_set_is_a_definite_no(state):
    assert said(state=state) == both(state)
    assert verdict_of(coverages=[coverage(state=state)]).verdict == "not_covered"


@pytest.mark.parametrize(
    ("sites", "site", "code"),
    [
        (None, "s1", "chosen"),
        (None, None, "chosen"),
        (["s2", "s1"], "s1", "chosen"),
        (["s2"], "s1", "site_not_covered"),
        (["S1"], "s1", "site_not_covered"),
        ([], "s1", "site_not_covered"),
        (["s1"], None, "site_not_covered"),
        ([], None, "site_not_covered"),
    ],
)
def test_no_list_of_sites_is_everywhere_an_empty_one_nowhere_and_no_site_is_on_no_list(sites, site, code):
    assert codes("parts", asset={"site": site}, coverages=[coverage(sites=sites)]) == [code]


@pytest.mark.parametrize("component", list(Component))
def test_an_excluded_component_is_refused_and_a_consumable_by_its_own_code(component):
    code = "consumable_excluded" if component in {"battery", "toner", "drum", "lamp"} else "component_excluded"
    assert said({"component": component}, excluded_components=["optic", component]) == both(code)


def test_only_the_component_itself_is_excluded():
    assert said({"component": "unit"}, excluded_components=["battery", "fan"]) == both("chosen")
    assert said({"component": "fan"}, excluded_components=["unit"]) == both("chosen")
    assert said({"component": "battery"}) == both("chosen")


@pytest.mark.parametrize(
    "cause",
    ["hardware_failure", "dead_on_arrival", "wear", "accidental_damage", "liquid", "surge", "misuse", "theft"],
)
def test_an_excluded_cause_is_refused_and_every_other_passes(cause):
    assert said({"cause": cause}, excluded_causes=[cause]) == both("cause_excluded")
    every_other = {"wear", "liquid", "surge", "hardware_failure"} - {cause}
    assert said({"cause": cause}, excluded_causes=sorted(every_other)) == both("chosen")


def test_an_unknown_cause_matters_only_where_the_coverage_excludes_any():
    assert said({"cause": "unknown"}, excluded_causes=["theft"]) == both("cause_unknown")
    assert said({"cause": "unknown"}, excluded_causes=[]) == both("chosen")


def test_a_share_that_is_not_covered_is_refused_by_its_own_code():
    assert said(covers=["parts"]) == (["chosen"], ["labour_not_covered"])
    assert said(covers=["labour"]) == (["parts_not_covered"], ["chosen"])


@pytest.mark.parametrize(
    ("limit", "used", "code"),
    [
        (None, 1_000_000, "chosen"),
        (2, 1, "chosen"),
        (2, 2, "limit_exhausted"),
        (2, 3, "limit_exhausted"),
        (0, 0, "limit_exhausted"),
    ],
)
def test_a_limit_that_is_reached_is_exhausted(limit, used, code):
    assert said(claims_limit=limit, claims_used=used) == both(code)


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        ({}, "chosen"),
        ({"error": "timeout"}, "lookup_failed"),
        ({"error": ""}, "lookup_failed"),
        ({"error": "timeout", "vendor_says": None}, "lookup_failed"),
        ({"error": "timeout", "vendor_says": None, "checked_at": None}, "lookup_failed"),
        ({"error": "timeout", "vendor_says": "not_owner", "checked_at": "2020-01-01T00:00:00Z"}, "lookup_failed"),
        ({"vendor_says": None, "checked_at": None}, "never_looked_up"),
        ({"checked_at": "2026-01-31T09:00:00+01:00"}, "chosen"),  # exactly 30 x 24 hours
        ({"checked_at": "2026-01-31T08:59:59.999999+01:00"}, "lookup_stale"),
        ({"checked_at": "2027-01-01T00:00:00Z"}, "chosen"),  # a time to come is fresh
        ({"checked_at": "2020-01-01T00:00:00Z", "vendor_says": "unknown"}, "lookup_stale"),
        ({"vendor_says": "unknown"}, "unknown_to_vendor"),
        ({"vendor_says": "not_owner"}, "not_owner_at_vendor"),
        ({"vendor_says": "not_covered"}, "sources_conflict"),
    ],
)
def test_what_a_vendor_said_or_did_not_say(evidence, code):
    assert said(evidence=evidence) == both(code)


def test_how_old_an_answer_may_be_is_the_clients_policy():
    changes = {"coverages": [coverage(evidence={"checked_at": "2026-03-01T08:59:59+01:00"})]}
    assert codes("parts", policy={"evidence_freshness_days": 1}, **changes) == ["lookup_stale"]
    assert codes("parts", policy={"evidence_freshness_days": 2}, **changes) == ["chosen"]


def test_where_no_age_is_allowed_an_answer_of_this_instant_is_fresh():
    fresh = [coverage(evidence={"checked_at": "2026-03-02T08:00:00Z"})]
    assert codes("parts", policy={"evidence_freshness_days": 0}, coverages=fresh) == ["chosen"]
    stale = [coverage(evidence={"checked_at": "2026-03-02T07:59:59Z"})]
    assert codes("parts", policy={"evidence_freshness_days": 0}, coverages=stale) == ["lookup_stale"]


@pytest.mark.parametrize(
    "unread",
    [
        {"vendor_says": "not_owner", "checked_at": "2020-01-01T00:00:00Z", "error": "timeout"},
        {"vendor_says": "not_covered", "checked_at": None},
        {"vendor_says": None, "checked_at": "2026-03-01T00:00:00Z"},
    ],
)
def test_of_a_contract_on_file_the_vendor_is_not_asked(unread):
    assert said(evidence=FILE | unread) == both("chosen")
    assert said(kind="insurance", evidence=NO_EVIDENCE | unread) == both("chosen")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("manufacturer_warranty", "no_evidence"),
        ("vendor_contract", "no_evidence"),
        ("third_party_maintenance", "no_evidence"),
        ("msp_agreement", "chosen"),
        ("insurance", "chosen"),
    ],
)
def test_only_the_msps_agreement_and_an_insurance_need_no_evidence(kind, code):
    assert said(kind=kind, evidence=NO_EVIDENCE) == both(code)


# ── the vendor against the dates ─────────────────────────────────────────────────────────────────────────────────────

DATES = {"starts_on": "2026-02-01", "ends_on": "2026-02-20", "time_zone": "Pacific/Auckland"}
OCCURRED = {"occurred_at": "2026-02-10T12:00:00Z"}


def denied(checked_at, fault, **changes):
    evidence = {"vendor_says": "not_covered", "checked_at": checked_at}
    return codes("parts", fault=fault, coverages=[coverage(evidence=evidence, **DATES | changes)])


@pytest.mark.parametrize(
    ("checked_at", "code"),
    [
        ("2026-01-31T10:59:59Z", "chosen"),  # 31 January in Auckland: before the start, so the vendor was right
        ("2026-01-31T11:00:00Z", "sources_conflict"),
        ("2026-02-20T10:59:59Z", "sources_conflict"),
        ("2026-02-20T11:00:00Z", "chosen"),  # 21 February in Auckland: after the end, so the vendor was right
    ],
)
def test_a_denial_of_a_day_inside_the_dates_contradicts_them(checked_at, code):
    assert denied(checked_at, OCCURRED, claims_after_end_days=60) == [code]


def test_without_an_end_every_denial_after_the_start_contradicts():
    assert denied("2026-03-01T00:00:00Z", OCCURRED, ends_on=None) == ["sources_conflict"]


def test_in_covered_grace_a_denial_agrees_with_the_dates():
    grace = {"grace_days": 30, "grace_is_covered": True}
    assert denied("2026-02-15T00:00:00Z", {}, **grace) == ["chosen", "in_grace"]


def test_against_dates_that_do_not_pass_a_denial_says_nothing_new():
    assert denied("2026-02-15T00:00:00Z", {}) == ["expired"]
    assert denied("2026-02-15T00:00:00Z", {}, grace_days=30) == ["in_grace"]
    assert denied("2026-02-15T00:00:00Z", OCCURRED) == ["reported_after_cover"]


def confirmed(checked_at, fault=None, error=None, **changes):
    evidence = {"vendor_says": "covered", "checked_at": checked_at, "error": error}
    only = coverage(evidence=evidence, **DATES | changes)
    return codes("parts", fault=fault, policy={"evidence_freshness_days": 60}, coverages=[only])


@pytest.mark.parametrize(("checked_at", "conflicts"), [("2026-02-20T10:59:59Z", False), ("2026-02-20T11:00:00Z", True)])
@pytest.mark.parametrize(("grace_days", "code"), [(0, "expired"), (30, "in_grace")])
def test_a_confirmation_of_a_day_after_the_end_contradicts_an_end(checked_at, conflicts, grace_days, code):
    assert confirmed(checked_at, grace_days=grace_days) == ["sources_conflict" if conflicts else code]


@pytest.mark.parametrize(
    ("checked_at", "code"),
    [
        ("2026-03-01T10:59:59Z", "sources_conflict"),  # 1 March in Auckland, the day before the first
        ("2026-03-01T11:00:00Z", "not_started"),
        ("2026-06-01T00:00:00Z", "not_started"),
    ],
)
def test_a_confirmation_of_a_day_before_the_start_contradicts_a_start_to_come(checked_at, code):
    dates = {"starts_on": "2026-03-02", "ends_on": "2027-03-01"}
    fault = {"reported_at": "2026-03-01T10:00:00Z"}
    assert confirmed(checked_at, fault, **dates) == [code]


def test_a_confirmation_of_a_day_on_the_other_side_contradicts_nothing():
    fault = {"occurred_at": "2026-01-01T00:00:00Z", "reported_at": "2026-01-02T00:00:00Z"}
    assert confirmed("2026-03-01T00:00:00Z", fault) == ["not_started"]
    assert confirmed("2026-01-15T00:00:00Z") == ["expired"]


def test_a_confirmation_contradicts_neither_waiting_nor_a_failure_before_cover_nor_a_late_report():
    assert confirmed("2026-01-15T00:00:00Z", OCCURRED, waiting_days=15) == ["waiting_period"]
    before = {"occurred_at": "2026-01-20T00:00:00Z", "reported_at": "2026-02-10T00:00:00Z"}
    assert confirmed("2026-01-15T00:00:00Z", before) == ["failure_before_cover"]
    assert confirmed("2026-03-01T00:00:00Z", OCCURRED) == ["reported_after_cover"]


def test_in_covered_grace_a_confirmation_contradicts_nothing():
    assert confirmed("2026-03-01T00:00:00Z", grace_days=30, grace_is_covered=True) == ["chosen", "in_grace"]


def test_only_a_fresh_and_faultless_confirmation_contradicts():
    assert confirmed("2026-03-01T00:00:00Z", error="timeout") == ["expired"]
    stale = coverage(evidence={"checked_at": "2026-02-25T00:00:00Z"}, **DATES)
    assert codes("parts", policy={"evidence_freshness_days": 3}, coverages=[stale]) == ["expired"]
    of_a_file = coverage(evidence=FILE | {"vendor_says": "covered", "checked_at": "2026-03-01T00:00:00Z"}, **DATES)
    assert codes("parts", coverages=[of_a_file]) == ["expired"]
    never = coverage(evidence={"vendor_says": None, "checked_at": None}, **DATES)
    assert codes("parts", coverages=[never]) == ["expired"]


def test_a_contradiction_of_the_end_leaves_the_share_to_a_person():
    verdict = verdict_of(coverages=[coverage(ends_on="2026-02-20")])
    assert (verdict.verdict, verdict.route) == ("needs_review", "review")
    assert outline(verdict) == [("sources_conflict", "parts", "k1"), ("sources_conflict", "labour", "k1")]


# ── the service level ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "level",
    ["24x7x2h", "24x7x4h", "8x5x4h", "same_business_day", "next_business_day", "best_effort"],
)
def test_a_known_service_level_passes_and_an_unknown_one_does_not(level):
    assert said(service_level=level) == both("chosen")
    assert said(service_level="unknown") == both("unknown_service_level")


def test_an_unknown_delivery_passes():
    assert said(delivery="unknown") == both("chosen")


# ── the order of asking ──────────────────────────────────────────────────────────────────────────────────────────────

DEFINITE = [
    ("suspended", {"state": "suspended"}),
    ("expired", {"ends_on": "2026-03-01", "evidence": FILE}),
    ("site_not_covered", {"sites": []}),
    ("component_excluded", {"excluded_components": ["psu"]}),
    ("cause_excluded", {"excluded_causes": ["liquid"]}),
    ("parts_not_covered", {"covers": ["labour"]}),
    ("limit_exhausted", {"claims_limit": 0}),
]
UNSURE = [
    ("in_grace", {"ends_on": "2026-03-01", "grace_days": 9}),
    ("cause_unknown", {"excluded_causes": ["wear"]}),
    ("lookup_failed", {"evidence": {"error": "timeout"}}),
    ("unknown_service_level", {"service_level": "unknown"}),
]


@pytest.mark.parametrize("place", range(len(DEFINITE)))
def test_the_first_definite_failure_counts_in_the_order_of_asking(place):
    changes = {}
    for _, change in reversed(DEFINITE[place:]):
        changes |= change
    assert codes("parts", fault={"cause": "liquid"}, coverages=[coverage(**changes)]) == [DEFINITE[place][0]]


@pytest.mark.parametrize("place", range(len(UNSURE)))
def test_without_a_definite_failure_the_first_undetermined_one_counts(place):
    changes = {}
    for _, change in reversed(UNSURE[place:]):
        changes |= change
    evidence = changes.pop("evidence", {}) | ({"checked_at": "2026-02-01T00:00:00Z"} if place == 0 else {})
    only = coverage(evidence=evidence, **changes)
    assert codes("parts", fault={"cause": "unknown"}, coverages=[only]) == [UNSURE[place][0]]


@pytest.mark.parametrize(("code", "failure"), [one for one in DEFINITE if one[0] not in {"expired", "cause_excluded"}])
@pytest.mark.parametrize(("unsure", "doubt"), UNSURE)
def test_a_definite_failure_counts_before_every_undetermined_one(code, failure, unsure, doubt):
    only = coverage(**failure | doubt)
    assert codes("parts", fault={"cause": "unknown"}, coverages=[only]) == [code]
    assert unsure in UNDETERMINED
    assert code not in UNDETERMINED


def test_a_contradiction_of_the_dates_is_asked_at_their_place():
    contradicted = {"ends_on": "2026-02-20", "excluded_causes": ["wear"], "service_level": "unknown"}
    unknown = {"cause": "unknown"}
    assert said(unknown, **contradicted) == both("sources_conflict")
    assert said(unknown, **contradicted, sites=[]) == both("site_not_covered")


def test_a_denial_is_asked_at_the_evidences_place():
    denied_too = {"evidence": {"vendor_says": "not_covered"}, "excluded_causes": ["wear"], "service_level": "unknown"}
    assert said({"cause": "unknown"}, **denied_too) == both("cause_unknown")
    assert said({"cause": "wear"}, **denied_too) == both("cause_excluded")
    assert said(**denied_too) == both("sources_conflict")


def test_the_share_is_asked_between_cause_and_limit_so_that_the_shares_may_differ():
    assert said(covers=["parts"], claims_limit=0) == (["limit_exhausted"], ["labour_not_covered"])
    assert said({"cause": "wear"}, covers=["parts"], excluded_causes=["wear"]) == both("cause_excluded")
    assert said(covers=["parts"], service_level="unknown") == (["unknown_service_level"], ["labour_not_covered"])


# ── who is a candidate at all ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scope", [{"asset": "a1"}, {"product": "p1"}, {"site": "s1"}, {"client": "c1"}])
def test_a_scope_that_names_the_unit_makes_a_candidate(scope):
    assert said(scope=scope) == both("chosen")


@pytest.mark.parametrize(
    "scope",
    [
        {"asset": "a2"},
        {"product": "p2"},
        {"site": "s2"},
        {"client": "c2"},
        {"asset": "s1"},
        {"client": "a1"},
        {"site": ""},
    ],
)
def test_a_scope_that_names_something_else_has_no_entry(scope):
    verdict = verdict_of(coverages=[agreement("k1", scope=scope)])
    assert outline(verdict) == [("no_coverage", None, None)]


def test_a_unit_without_product_and_site_is_in_no_products_and_no_sites_scope():
    alone = {"product": None, "site": None}
    others = [agreement("k1", scope={"product": "None"}), agreement("k2", scope={"site": "s1"})]
    assert outline(verdict_of(asset=alone, coverages=others)) == [("no_coverage", None, None)]
