"""What follows from the ranking: verdict, route, awards, payers, and the entries beside them; source: domain.md, 2."""

import pytest

from tests.domain.documents import (
    ATTESTED,
    FILE,
    NO_EVIDENCE,
    NOT_AVAILABLE,
    agreement,
    coverage,
    other,
    outline,
    verdict_of,
)

PARTS, LABOUR = {"covers": ["parts"]}, {"covers": ["labour"]}


def insurance(id="k3", **changes):  # noqa: A002 - the field's own name
    return agreement(id, **{"kind": "insurance", "fulfilment": "insurer_claim", "contract_number": "I-1"} | changes)


def expect(verdict, word, route, awards, pays):
    assert (verdict.verdict, verdict.route) == (word, route)
    assert (verdict.awards.parts, verdict.awards.labour) == awards
    assert (verdict.pays.parts, verdict.pays.labour) == pays


def general(verdict):
    """The entries that belong to no share."""
    return [entry.code for entry in verdict.reasons if entry.share is None]


# ── verdict, route, payers ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fulfilment", "route", "payer"),
    [("vendor_rma", "rma", "vendor"), ("msp_supply", "ad_hoc", "msp"), ("insurer_claim", "ad_hoc", "insurer")],
)
def test_who_fulfils_the_parts_gives_the_route_and_pays_them_whatever_the_kind(fulfilment, route, payer):
    for kind in ("manufacturer_warranty", "msp_agreement", "insurance"):
        whole = [coverage(kind=kind, fulfilment=fulfilment)]
        expect(verdict_of(coverages=whole), "covered", route, ("k1", "k1"), (payer, payer))
        half = [coverage(kind=kind, fulfilment=fulfilment, **PARTS)]
        expect(verdict_of(coverages=half), "partly_covered", route, ("k1", None), (payer, "client"))


@pytest.mark.parametrize(
    ("fulfilment", "payer"), [("vendor_rma", "vendor"), ("msp_supply", "msp"), ("insurer_claim", "insurer")]
)
def test_labour_alone_is_not_covered_and_keeps_its_payer(fulfilment, payer):
    verdict = verdict_of(coverages=[coverage(fulfilment=fulfilment, **LABOUR)])
    expect(verdict, "not_covered", "ad_hoc", (None, "k1"), ("client", payer))


def test_parts_and_labour_may_have_two_payers():
    two = [coverage(**PARTS), insurance(**LABOUR)]
    expect(verdict_of(coverages=two), "covered", "rma", ("k1", "k3"), ("vendor", "insurer"))
    two = [insurance(**PARTS), agreement(**LABOUR)]
    expect(verdict_of(coverages=two), "covered", "ad_hoc", ("k3", "k2"), ("insurer", "msp"))


def test_nothing_covered_is_the_clients():
    expect(verdict_of(coverages=[]), "not_covered", "ad_hoc", (None, None), ("client", "client"))


def test_what_needs_a_person_is_awarded_to_nobody_and_paid_by_nobody():
    one = [coverage(service_level="unknown"), agreement()]
    expect(verdict_of(coverages=one), "needs_review", "review", (None, None), (None, None))


@pytest.mark.parametrize(("ownership", "code"), [("msp", "msp_owned"), ("loaner", "loaner")])
def test_what_no_contract_pays_of_the_msps_own_units_the_msp_pays_and_says_so_once(ownership, code):
    asset = {"ownership": ownership}
    nothing = verdict_of(asset=asset, coverages=[])
    expect(nothing, "not_covered", "ad_hoc", (None, None), ("msp", "msp"))
    assert general(nothing) == sorted([code, "no_coverage"])
    parts = verdict_of(asset=asset, coverages=[coverage(**PARTS)])
    expect(parts, "partly_covered", "rma", ("k1", None), ("vendor", "msp"))
    assert general(parts) == [code]
    labour = verdict_of(asset=asset, coverages=[insurance(**LABOUR)])
    expect(labour, "not_covered", "ad_hoc", (None, "k3"), ("msp", "insurer"))
    assert general(labour) == [code]


@pytest.mark.parametrize("ownership", ["msp", "loaner"])
def test_where_contracts_pay_both_shares_or_a_person_decides_ownership_is_not_named(ownership):
    asset = {"ownership": ownership}
    assert general(verdict_of(asset=asset)) == []
    assert general(verdict_of(asset=asset, coverages=[agreement()])) == []
    assert general(verdict_of(asset=asset, coverages=[coverage(service_level="unknown")])) == []


# ── absence needs proof ──────────────────────────────────────────────────────────────────────────────────────────────


def absence(lookup, **changes):
    """The codes about the unit's own look-up, and the verdict, where nothing covers the parts."""
    verdict = verdict_of(lookup=lookup, coverages=[coverage(state="voided")], **changes)
    about = [entry.code for entry in verdict.reasons if (entry.share, entry.coverage) == ("parts", None)]
    assert [entry for entry in verdict.reasons if entry.coverage is None and entry.share == "labour"] == []
    return about, verdict.verdict


@pytest.mark.parametrize("is_attested", [False, True])
@pytest.mark.parametrize(
    ("lookup", "code"),
    [
        ({"error": "timeout"}, "lookup_failed"),
        ({"error": "timeout", "vendor_says": None, "checked_at": None}, "lookup_failed"),
        ({"error": "timeout", "vendor_says": "unknown", "checked_at": "2020-01-01T00:00:00Z"}, "lookup_failed"),
        ({"vendor_says": None, "checked_at": None}, "never_looked_up"),
        ({"checked_at": "2026-01-31T08:59:59+01:00"}, "lookup_stale"),
        ({"checked_at": "2020-01-01T00:00:00Z", "vendor_says": "unknown"}, "lookup_stale"),
        ({"vendor_says": "unknown"}, "unknown_to_vendor"),
        ({"vendor_says": "not_owner"}, "not_owner_at_vendor"),
    ],
)
def test_absence_is_not_proved_by_a_look_up_that_is_not_definite_attested_or_not(lookup, code, is_attested):
    assert absence(lookup | {"absence_attested": is_attested}) == ([code], "needs_review")


@pytest.mark.parametrize(
    "lookup", [{}, {"checked_at": "2026-01-31T09:00:00+01:00"}, {"checked_at": "2027-01-01T00:00:00Z"}]
)
def test_a_fresh_answer_that_lists_the_unit_proves_absence(lookup):
    assert absence(lookup) == ([], "not_covered")


def test_where_nobody_can_ask_a_person_must_attest():
    assert absence(NOT_AVAILABLE) == (["no_evidence"], "needs_review")
    assert absence(ATTESTED) == ([], "not_covered")


@pytest.mark.parametrize(
    "unread",
    [
        {"vendor_says": "not_owner", "checked_at": "2020-01-01T00:00:00Z", "error": "timeout"},
        {"vendor_says": "listed", "checked_at": "2026-03-01T00:00:00Z"},
    ],
)
def test_where_nobody_can_ask_what_was_once_said_is_not_read(unread):
    assert absence(NOT_AVAILABLE | unread) == (["no_evidence"], "needs_review")
    assert absence(ATTESTED | unread) == ([], "not_covered")


def test_absence_is_asked_where_the_parts_have_no_winner_and_only_there():
    never = {"vendor_says": None, "checked_at": None}
    assert verdict_of(lookup=never, coverages=[coverage(**PARTS)]).verdict == "partly_covered"
    assert outline(verdict_of(lookup=never, coverages=[coverage(**LABOUR)])) == [
        ("never_looked_up", "parts", None),
        ("parts_not_covered", "parts", "k1"),
        ("chosen", "labour", "k1"),
    ]


def test_absence_is_asked_beside_an_undetermined_coverage_of_the_parts():
    verdict = verdict_of(lookup={"vendor_says": "unknown"}, coverages=[coverage(service_level="unknown")])
    assert outline(verdict) == [
        ("unknown_to_vendor", "parts", None),
        ("unknown_service_level", "parts", "k1"),
        ("unknown_service_level", "labour", "k1"),
    ]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "not_covered"),
        ({"lookup": NOT_AVAILABLE}, "needs_review"),
        ({"asset": {"ownership": "msp"}}, "not_covered"),
    ],
)
def test_no_candidate_at_all_is_said_whatever_the_verdict(changes, word):
    verdict = verdict_of(coverages=[agreement(scope={"client": "c9"})], **changes)
    assert verdict.verdict == word
    assert general(verdict).count("no_coverage") == 1


def test_a_candidate_that_fails_is_a_candidate():
    assert general(verdict_of(coverages=[coverage(state="voided")])) == []


# ── asking the vendor, or a person ───────────────────────────────────────────────────────────────────────────────────

STALE = {"evidence": {"checked_at": "2025-01-01T00:00:00Z"}}
NEVER = {"evidence": {"vendor_says": None, "checked_at": None}}
FAILED = {"evidence": {"error": "timeout"}}


def route(**changes):
    verdict = verdict_of(**changes)
    assert verdict.verdict == "needs_review"
    return verdict.route


@pytest.mark.parametrize("unanswered", [STALE, NEVER, FAILED])
def test_what_asking_may_settle_asks(unanswered):
    assert route(coverages=[coverage(**unanswered)]) == "lookup"
    assert route(coverages=[], lookup=unanswered["evidence"]) == "lookup"


def test_all_three_together_ask_too():
    three = [coverage("k1", **STALE), coverage("k2", **NEVER), coverage("k3", **FAILED)]
    assert route(coverages=three, lookup=NEVER["evidence"]) == "lookup"


@pytest.mark.parametrize(
    "unsure",
    [
        {"service_level": "unknown"},
        {"evidence": {"vendor_says": "unknown"}},
        {"evidence": {"vendor_says": "not_owner"}},
        {"evidence": {"vendor_says": "not_covered"}},
        {"evidence": NO_EVIDENCE},
        {"ends_on": "2026-02-28", "grace_days": 9, "evidence": FILE},
    ],
)
def test_one_code_that_asking_cannot_settle_needs_a_person(unsure):
    assert route(coverages=[coverage(**unsure)]) == "review"
    assert route(coverages=[coverage(**unsure), coverage("k2", **STALE)]) == "review"


def test_an_undetermined_coverage_that_changes_nothing_does_not_count_for_the_route():
    three = [coverage("k0", **STALE), coverage("k1"), agreement("k2", service_level="unknown")]
    assert route(coverages=three) == "lookup"


def test_the_code_of_the_unit_counts_for_the_route():
    assert route(coverages=[coverage(**STALE)], lookup={"vendor_says": "not_owner"}) == "review"
    assert route(coverages=[coverage(service_level="unknown")], lookup=NEVER["evidence"]) == "review"


def test_without_an_account_that_can_ask_a_person_decides():
    assert route(coverages=[coverage(**STALE)], lookup=ATTESTED) == "review"
    assert route(coverages=[coverage(**PARTS), agreement(**LABOUR, **NEVER)], lookup=ATTESTED) == "review"


@pytest.mark.parametrize(
    ("now", "minutes", "where"),
    [
        ("2026-03-02T09:09:59.999999+01:00", 15, "lookup"),
        ("2026-03-02T09:10:00+01:00", 15, "review"),
        ("2026-03-02T08:55:00+01:00", 0, "review"),
        ("2026-03-02T08:55:00+01:00", 1, "lookup"),
        ("2026-03-02T08:54:00+01:00", 0, "lookup"),  # reported by a clock that runs ahead
    ],
)
def test_the_vendor_is_asked_only_while_the_patience_lasts(now, minutes, where):
    assert route(coverages=[coverage(**STALE)], now=now, policy={"lookup_patience_minutes": minutes}) == where


# ── what was already faulty at the hand-over ─────────────────────────────────────────────────────────────────────────

LISTED = {"handover_exceptions": ["fan", "psu"]}


@pytest.mark.parametrize(
    "coverages",
    [
        [agreement()],
        [coverage(**PARTS), agreement(**LABOUR)],
        [agreement(**PARTS), insurance(**LABOUR)],
        [coverage(**PARTS)],
        [coverage(**LABOUR)],
        [],
    ],
    ids=["agreement", "labour by agreement", "parts by agreement", "parts only", "labour only", "nothing"],
)
def test_an_exception_needs_a_person_unless_others_than_the_msp_won_both_shares(coverages):
    verdict = verdict_of(asset=LISTED, coverages=coverages)
    expect(verdict, "needs_review", "review", (None, None), (None, None))
    assert general(verdict).count("pre_existing_condition") == 1


@pytest.mark.parametrize("kind", ["manufacturer_warranty", "vendor_contract", "third_party_maintenance", "insurance"])
def test_an_exception_does_not_matter_where_others_won_both_shares(kind):
    verdict = verdict_of(asset=LISTED, coverages=[coverage(kind=kind), agreement(kind="insurance", **LABOUR)])
    assert (verdict.verdict, general(verdict)) == ("covered", [])


@pytest.mark.parametrize("component", ["unit", "disk"])
def test_only_the_component_on_the_list_is_an_exception(component):
    verdict = verdict_of(asset=LISTED, fault={"component": component}, coverages=[agreement()])
    assert (verdict.verdict, general(verdict)) == ("covered", [])


def test_an_undetermined_share_is_not_won():
    verdict = verdict_of(asset=LISTED, coverages=[coverage(), coverage("k0", **STALE)])
    assert general(verdict) == ["pre_existing_condition"]


def test_an_exception_alone_needs_a_person_and_beside_a_code_that_asking_settles_the_vendor_is_asked():
    assert route(asset=LISTED, coverages=[agreement()]) == "review"
    assert route(asset=LISTED, coverages=[coverage(**STALE)]) == "lookup"
    assert route(asset=LISTED, coverages=[coverage(service_level="unknown")]) == "review"


# ── repeated failures ────────────────────────────────────────────────────────────────────────────────────────────────


def repeated(*cases, **changes):
    verdict = verdict_of(cases=cases, **changes)
    assert verdict.verdict == "covered"
    return [entry.params["case"] for entry in verdict.reasons if entry.code == "repeat_failure"]


@pytest.mark.parametrize(
    ("closed_at", "counts"),
    [
        ("2026-03-02T08:55:00+01:00", True),  # in the instant of the report
        ("2026-03-02T08:55:00.000001+01:00", False),
        ("2025-12-02T07:55:00Z", True),  # exactly 90 x 24 hours before
        ("2025-12-02T07:54:59.999999Z", False),
        ("2020-01-01T00:00:00Z", False),
    ],
)
def test_a_case_closed_within_the_window_before_the_report_is_a_repeated_failure(closed_at, counts):
    assert repeated(other("r0", "rma", closed_at=closed_at)) == (["r0"] if counts else [])


def test_the_window_is_the_clients_policy():
    closed = other("r0", closed_at="2026-03-01T08:55:00+01:00")
    assert repeated(closed, policy={"repeat_window_days": 1}) == ["r0"]
    assert repeated(closed, policy={"repeat_window_days": 0}) == []


def test_the_ref_does_not_matter_for_a_repeated_failure_and_the_component_does():
    past = {"closed_at": "2026-02-20T00:00:00Z"}
    assert repeated(other("r0", "rma", "psu", "left", **past)) == ["r0"]
    assert repeated(other("r0", "rma", "unit", **past), other("r1", "rma", "fan", **past)) == []
    assert repeated(other("f1", "fault", "psu", **past)) == []


def test_the_case_closed_last_is_named_then_the_lower_id():
    older, newer = "2026-02-01T00:00:00Z", "2026-02-02T01:00:00+01:00"
    cases = [
        other("a", closed_at=older),
        other("z", closed_at=newer),
        other("y", "job", closed_at="2026-02-02T00:00:00Z"),
    ]
    assert repeated(*cases) == ["y"]
    assert repeated(*cases[::-1]) == ["y"]


# ── the order of the entries ─────────────────────────────────────────────────────────────────────────────────────────


def test_entries_go_by_share_then_coverage_then_code_each_null_first():
    verdict = verdict_of(
        asset={"handover_exceptions": ["psu"]},
        lookup={"vendor_says": "unknown"},
        cases=[other("r0", closed_at="2026-02-20T00:00:00Z")],
        coverages=[
            agreement("k9", **LABOUR),
            coverage("k10", state="voided"),
            coverage("K", **LABOUR, ends_on="2026-02-20", grace_days=30, grace_is_covered=True, evidence=FILE),
        ],
    )
    assert outline(verdict) == [
        ("pre_existing_condition", None, None),
        ("repeat_failure", None, None),
        ("unknown_to_vendor", "parts", None),
        ("parts_not_covered", "parts", "K"),
        ("voided", "parts", "k10"),
        ("parts_not_covered", "parts", "k9"),
        ("chosen", "labour", "K"),
        ("in_grace", "labour", "K"),
        ("voided", "labour", "k10"),
        ("outranked", "labour", "k9"),
    ]


def test_entries_without_a_share_go_by_their_code():
    past = [other("r0", closed_at="2026-02-20T00:00:00Z")]
    verdict = verdict_of(asset={"ownership": "msp"}, coverages=[], cases=past)
    assert general(verdict) == ["msp_owned", "no_coverage", "repeat_failure"]
    verdict = verdict_of(asset={"ownership": "msp", **LISTED}, coverages=[], cases=past)
    assert general(verdict) == ["no_coverage", "pre_existing_condition", "repeat_failure"]
