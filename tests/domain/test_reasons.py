"""The sentences of the reasons: one for every entry there can be, from its params alone, in any language."""

import pytest

from warranty.domain import reasons
from warranty.domain.reasons import Reason, reason, render
from warranty.domain.terms import Cause, Component, CoverageKind, ReasonCode, Rule, Share

FACTS = {
    "contract": "W-1", "kind": "insurance", "starts_on": "2024-01-01", "ends_on": "2027-01-01",
    "fault_on": "2026-03-02", "reported_on": "2026-03-03", "checked_on": "2026-03-01", "component": "psu",
    "cause": "surge", "claims_used": 2, "claims_limit": 2, "vendor_says": "not_covered", "matches": 2,
    "state": "stolen", "metric": "rpm", "value": "9", "target": "10", "tolerance": "1", "case": "f0",
}  # fmt: skip
OF_THE_UNIT = [
    "lookup_failed",
    "never_looked_up",
    "lookup_stale",
    "unknown_to_vendor",
    "not_owner_at_vendor",
    "no_evidence",
]


def every_entry():
    """One entry for each sentence that there can be."""
    for share in Share:
        yield ReasonCode.CHOSEN, share, "k1", {}
    for rule in Rule:
        yield ReasonCode.OUTRANKED, Share.PARTS, "k1", {"rule": rule, "winner": "k2"}
    for code in OF_THE_UNIT:
        yield ReasonCode(code), Share.PARTS, None, {}
    for code in ReasonCode:
        if code not in {"chosen", "outranked"}:
            yield code, None, None, {}


@pytest.mark.parametrize(("code", "share", "coverage", "params"), list(every_entry()), ids=str)
def test_every_entry_has_a_whole_english_sentence(code, share, coverage, params):
    text = render(code, share, coverage, FACTS | params)
    assert text[0].isupper()
    assert text.endswith(".")
    assert "%" not in text
    assert "_" not in text


def test_every_code_has_its_sentence_and_no_sentence_stands_for_nothing():
    used = {reasons.sentence_for(code, share, k, FACTS | params) for code, share, k, params in every_entry()}
    assert used == set(reasons.ALL_SENTENCES)
    assert len(reasons.ALL_SENTENCES) == len(used)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (
            reason(ReasonCode.EXPIRED, Share.PARTS, "k1", contract="E-1", ends_on="2026-03-01", fault_on="2026-03-02"),
            "Contract E-1 ended on 2026-03-01, before the fault of 2026-03-02.",
        ),
        (
            reason(ReasonCode.CHOSEN, Share.LABOUR, "k1", contract="M-1", kind="msp_agreement"),
            "The work of the replacement is paid for under contract M-1 (agreement with your service provider).",
        ),
        (
            reason(ReasonCode.OUTRANKED, Share.PARTS, "k2", rule="ends_sooner", winner="k1"),
            "This contract would pay too; another goes first, because it ends sooner.",
        ),
        (reason(ReasonCode.LOOKUP_FAILED, Share.PARTS), "The vendor was asked about this unit and could not answer."),
        (
            reason(ReasonCode.LOOKUP_FAILED, Share.PARTS, "k1", contract="W-1"),
            "The vendor was asked about contract W-1 and could not answer.",
        ),
        (reason(ReasonCode.LEASED), "This unit is leased; its lessor decides how it is replaced."),
    ],
)
def test_a_reason_says_what_it_knows(entry, text):
    assert entry.text == text


def test_a_fact_is_shown_as_it_is_even_where_it_looks_like_a_place_or_a_word_of_ours():
    odd = reason(ReasonCode.CHOSEN, Share.PARTS, "k1", contract="%(kind)s 100% insurance", kind="insurance")
    assert odd.text == "The replacement hardware is paid for under contract %(kind)s 100% insurance (insurance)."


@pytest.mark.parametrize(("place", "words"), [("kind", CoverageKind), ("component", Component), ("cause", Cause)])
def test_every_word_that_a_sentence_may_name_has_a_label(place, words):
    assert set(reasons.LABELS[place]) == set(words) - {Cause.UNKNOWN}  # no contract excludes the unknown cause
    assert all("_" not in label for label in reasons.LABELS[place].values())


def test_another_language_is_made_from_code_and_params_with_its_own_order_of_words():
    german = {
        "Contract %(contract)s excludes this cause: %(cause)s.": "Ursache %(cause)s: laut Vertrag %(contract)s nicht gedeckt.",
        "power surge": "Überspannung",
    }
    entry = reason(ReasonCode.CAUSE_EXCLUDED, Share.PARTS, "k1", contract="W-1", cause="surge")
    text = render(entry.code, entry.share, entry.coverage, entry.params, german.__getitem__)
    assert text == "Ursache Überspannung: laut Vertrag W-1 nicht gedeckt."


def test_a_reason_does_not_change():
    entry = reason(ReasonCode.LEASED)
    with pytest.raises(AttributeError):
        entry.text = "something else"
    assert entry == Reason(ReasonCode.LEASED, None, None, {}, entry.text)
