"""Which coverage wins a share, by which rule, and what an undetermined one does to it; source: domain.md, section 2."""

import pytest

from tests.domain.documents import FILE, agreement, codes, coverage, verdict_of

KINDS = ["manufacturer_warranty", "vendor_contract", "third_party_maintenance", "msp_agreement", "insurance"]
SCOPES = [{"asset": "a1"}, {"product": "p1"}, {"site": "s1"}, {"client": "c1"}]
LEVELS = ["24x7x2h", "24x7x4h", "8x5x4h", "same_business_day", "next_business_day", "best_effort"]
DELIVERIES = ["on_site", "advance_exchange", "customer_replaceable", "parts_only", "depot", "unknown"]
ENDS = ["2026-03-02", "2026-03-03", "2027-01-01", "9999-12-31", None]
NUMBERS = ["", "10", "9", "A", "Z", "a", "Ä", "\U0001f4a1"]  # as text, by code point
IDS = ["K", "k1", "k10", "k2", "k9"]


def expect_ranking(better, worse, rule, policy=None):
    """One wins both shares against the other, in whichever order they stand, and the loser names the rule."""
    for coverages in ([better, worse], [worse, better]):
        verdict = verdict_of(coverages=coverages, policy=policy)
        assert (verdict.awards.parts, verdict.awards.labour) == (better["id"], better["id"])
        lost = [entry for entry in verdict.reasons if entry.coverage == worse["id"]]
        assert [(entry.code, entry.share) for entry in lost] == [("outranked", "parts"), ("outranked", "labour")]
        assert [entry.params for entry in lost] == [{"rule": rule, "winner": better["id"]}] * 2


def pairs(words):
    return [(words[i], words[j]) for i in range(len(words)) for j in range(i + 1, len(words))]


# Each rule with everything that comes after it speaking for the loser: only the first difference may count.
LAST = {"id": "z", "contract_number": "Z", "ends_on": None, "delivery": "unknown", "service_level": "best_effort"}
FIRST = {"id": "a", "contract_number": "A", "ends_on": "2026-03-02", "delivery": "on_site", "service_level": "24x7x2h"}


@pytest.mark.parametrize(("kind", "lower"), pairs(KINDS))
def test_the_kind_that_precedes_in_the_policy_goes_first(kind, lower):
    better = coverage(kind=kind, scope={"client": "c1"}, evidence=FILE, **LAST)
    expect_ranking(better, coverage(kind=lower, evidence=FILE, **FIRST), "precedence")


@pytest.mark.parametrize(("scope", "wider"), pairs(SCOPES))
def test_then_the_more_specific_scope(scope, wider):
    expect_ranking(coverage(scope=scope, **LAST), coverage(scope=wider, **FIRST), "specificity")


@pytest.mark.parametrize(("level", "slower"), pairs(LEVELS))
def test_then_the_better_service_level(level, slower):
    better = coverage(**LAST | {"service_level": level})
    expect_ranking(better, coverage(**FIRST | {"service_level": slower}), "service_level")


@pytest.mark.parametrize(("delivery", "worse"), pairs(DELIVERIES))
def test_then_the_better_delivery(delivery, worse):
    same = {"service_level": "8x5x4h"}
    better = coverage(**LAST | same | {"delivery": delivery})
    expect_ranking(better, coverage(**FIRST | same | {"delivery": worse}), "delivery")


@pytest.mark.parametrize(("ends_on", "later"), pairs(ENDS))
def test_then_the_one_that_ends_sooner_and_no_end_is_last(ends_on, later):
    same = {"service_level": "8x5x4h", "delivery": "depot", "evidence": FILE}
    better = coverage(**LAST | same | {"ends_on": ends_on})
    expect_ranking(better, coverage(**FIRST | same | {"ends_on": later}), "ends_sooner")


def test_the_end_is_compared_as_written_whatever_the_zones():
    first_to_end = coverage("k1", time_zone="Pacific/Kiritimati")  # a day sooner by the clock
    expect_ranking(
        coverage("k2", time_zone="Pacific/Pago_Pago", contract_number="W-0"), first_to_end, "contract_number"
    )


@pytest.mark.parametrize(("number", "higher"), pairs(NUMBERS))
def test_then_the_lower_contract_number_as_text(number, higher):
    better = coverage("z", contract_number=number)
    expect_ranking(better, coverage("a", contract_number=higher), "contract_number")


@pytest.mark.parametrize(("id_", "higher"), pairs(IDS))
def test_then_the_lower_id_as_text(id_, higher):
    expect_ranking(coverage(id_), coverage(higher), "id")


# ── the client's own precedence ──────────────────────────────────────────────────────────────────────────────────────


def order_of(precedence):
    """The kinds from winner to last, found by letting them win one after the other."""
    kinds, order = list(KINDS), []
    while kinds:
        coverages = [coverage(kind, kind=kind, evidence=FILE) for kind in kinds]
        winner = verdict_of(coverages=coverages, policy={"precedence": precedence}).awards.parts
        kinds.remove(winner)
        order.append(winner)
    return order


@pytest.mark.parametrize(
    ("precedence", "order"),
    [
        ([], KINDS),
        (KINDS, KINDS),
        (KINDS[::-1], KINDS[::-1]),
        (["insurance"], ["insurance", *KINDS[:4]]),
        (
            ["msp_agreement", "vendor_contract"],
            ["msp_agreement", "vendor_contract", "manufacturer_warranty", "third_party_maintenance", "insurance"],
        ),
    ],
)
def test_kinds_that_the_policy_leaves_out_follow_in_the_default_order(precedence, order):
    assert order_of(precedence) == order


# ── each share by itself ─────────────────────────────────────────────────────────────────────────────────────────────


def test_each_share_goes_to_the_best_coverage_that_covers_it():
    verdict = verdict_of(coverages=[coverage(covers=["parts"]), agreement()])
    assert (verdict.verdict, verdict.route) == ("covered", "rma")
    assert (verdict.awards.parts, verdict.awards.labour) == ("k1", "k2")
    assert (verdict.pays.parts, verdict.pays.labour) == ("vendor", "msp")


def test_a_loser_names_the_winner_of_its_own_share():
    three = [coverage("k1", covers=["parts"]), agreement("k2"), agreement("k3", contract_number="M-2")]
    lost = [entry for entry in verdict_of(coverages=three).reasons if entry.code == "outranked"]
    assert [(entry.share, entry.coverage, entry.params) for entry in lost] == [
        ("parts", "k2", {"rule": "precedence", "winner": "k1"}),
        ("parts", "k3", {"rule": "precedence", "winner": "k1"}),
        ("labour", "k3", {"rule": "contract_number", "winner": "k2"}),
    ]


def test_only_those_that_pass_are_ranked():
    three = [coverage("k1", claims_limit=0), coverage("k2", kind="vendor_contract"), agreement("k3")]
    assert [codes("parts", one, coverages=three) for one in ("k1", "k2", "k3")] == [
        ["limit_exhausted"],
        ["chosen"],
        ["outranked"],
    ]


# ── undetermined coverages against the winner ────────────────────────────────────────────────────────────────────────

STALE = {"evidence": {"checked_at": "2025-01-01T00:00:00Z"}}


def expect_settled(*coverages):
    verdict = verdict_of(coverages=list(coverages))
    assert (verdict.verdict, verdict.awards.parts, verdict.awards.labour) == ("covered", "k1", "k1")


def expect_review(*coverages, ranked=("k1",)):
    """Nothing is awarded, and the entries still show who would win."""
    verdict = verdict_of(coverages=list(coverages))
    assert (verdict.verdict, *verdict.awards, *verdict.pays) == ("needs_review", None, None, None, None)
    chosen = [(entry.share, entry.coverage) for entry in verdict.reasons if entry.code == "chosen"]
    assert chosen == [(share, id_) for share in ("parts", "labour") for id_ in ranked]


@pytest.mark.parametrize(
    "doubtful",
    [
        {"kind": "vendor_contract"},
        {"scope": {"client": "c1"}},
        {"service_level": "best_effort"},
        {"delivery": "depot"},
        {"ends_on": None},
        {"contract_number": "W-2"},
        {},  # by its id
    ],
)
def test_an_undetermined_coverage_that_would_lose_anyway_is_listed_and_changes_nothing(doubtful):
    expect_settled(coverage(), coverage("k2", **doubtful | STALE))
    assert codes("parts", "k2", coverages=[coverage(), coverage("k2", **doubtful | STALE)]) == ["lookup_stale"]


@pytest.mark.parametrize(
    "winner",
    [
        {"kind": "vendor_contract"},
        {"scope": {"client": "c1"}},
        {"service_level": "best_effort"},
        {"delivery": "depot"},
        {"ends_on": None},
        {"contract_number": "W-2"},
    ],
)
def test_an_undetermined_coverage_that_might_win_leaves_the_share_to_a_person(winner):
    expect_review(coverage(**winner), coverage("k2", **STALE))


def test_an_undetermined_coverage_that_might_win_by_its_id_alone_counts_too():
    expect_review(coverage("k1"), coverage("k0", **STALE))


def test_without_a_winner_every_undetermined_coverage_counts():
    expect_review(agreement(kind="insurance", scope={"client": "c1"}, service_level="unknown"), ranked=())


def test_an_unknown_level_counts_as_the_best_one_when_it_is_asked_who_might_win():
    expect_review(coverage(service_level="24x7x4h"), coverage("k2", service_level="unknown"))
    expect_settled(coverage(service_level="24x7x2h"), coverage("k2", service_level="unknown"))
    expect_review(coverage(service_level="24x7x2h"), coverage("k0", service_level="unknown"))
    expect_settled(coverage(), coverage("k2", kind="vendor_contract", service_level="unknown"))


def test_an_unknown_level_counts_as_the_best_one_whatever_else_is_undetermined():
    expect_review(coverage(service_level="24x7x4h"), coverage("k2", service_level="unknown", **STALE))


def test_the_shares_are_undetermined_each_by_itself():
    verdict = verdict_of(coverages=[coverage(), coverage("k0", covers=["labour"], **STALE)])
    assert (verdict.verdict, verdict.awards.parts) == ("needs_review", None)
    assert [(entry.code, entry.share, entry.coverage) for entry in verdict.reasons] == [
        ("parts_not_covered", "parts", "k0"),
        ("chosen", "parts", "k1"),
        ("lookup_stale", "labour", "k0"),
        ("chosen", "labour", "k1"),
    ]


def test_those_that_pass_are_ranked_among_each_other_also_where_the_share_is_undetermined():
    three = [coverage("k1"), agreement("k2"), coverage("k0", **STALE)]
    assert codes("parts", "k2", coverages=three) == ["outranked"]
    expect_review(*three)
