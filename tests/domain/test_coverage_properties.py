"""What holds for every well-formed case: many of them at random, also those that nobody would write."""

import json
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.documents import case_of, outline
from warranty.domain import terms
from warranty.domain.case_document import read_case
from warranty.domain.coverage import ENGINE_VERSION, Verdict, decide
from warranty.domain.reasons import PLACES, sentence_for

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ODD_INSTANTS = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-11:00", "2026-03-02T00:00:00+13:00"]
COUNTS = [0, 1, 2, 30, 1_000_000]


class Chance:
    """Draws one case document. A part is plain nine times out of ten, else the first oddity would hide all others."""

    def __init__(self, random):
        self.random = random
        self.one_of = random.choice

    def mostly(self, plain, odd):
        return plain if self.random.random() < 0.9 else odd()

    def word(self, enum, *, but=()):
        return self.one_of([word.value for word in enum if word not in but])

    def few(self, draw, at_least=0):
        return [draw() for _ in range(self.random.randint(at_least, 2))]

    def day(self):
        return str(date(2026, 3, 2) + timedelta(days=self.random.randint(-40, 40)))

    def instant(self):
        near = NOW + timedelta(minutes=15 * self.random.randint(-60 * 24 * 4, 60 * 24))
        return self.mostly(near.isoformat(), lambda: self.one_of(ODD_INSTANTS))

    def maybe(self, draw):
        return self.one_of([None, draw()])

    def count(self):
        return self.one_of(COUNTS)

    def answer(self, sources, says):
        """What was asked of a vendor, in one of the forms that are well formed."""
        found = {"source": self.word(sources), "vendor_says": None, "checked_at": None}
        if self.random.random() < 0.8:
            found |= {"vendor_says": self.word(says), "checked_at": self.instant()}
        return found | {"error": self.mostly(None, lambda: "timeout")}

    def coverage(self, id_):
        first, last = sorted([self.day(), self.day()])
        scopes = [{"asset": "a1"}, {"product": "p1"}, {"site": "s1"}, {"client": "c1"}]
        return {
            "id": id_, "contract_number": self.one_of(["W-1", "W-2", ""]), "kind": self.word(terms.CoverageKind),
            "fulfilment": self.word(terms.Fulfilment),
            "scope": self.mostly(self.one_of(scopes), lambda: {"site": "s2"}),
            "starts_on": self.mostly("2024-01-01", lambda: first),
            "ends_on": self.mostly("2027-01-01", lambda: self.one_of([None, last, "9999-12-31"])),
            "time_zone": self.one_of(["UTC", "Europe/Amsterdam", "Pacific/Auckland", "America/Los_Angeles"]),
            "state": self.mostly("active", lambda: self.word(terms.CoverageState)),
            "covers": self.mostly(["parts", "labour"], lambda: [self.word(terms.Share)]),
            "excluded_causes": self.mostly([], lambda: self.few(lambda: self.word(terms.Cause, but=["unknown"]))),
            "excluded_components": self.mostly([], lambda: self.few(lambda: self.word(terms.Component))),
            "sites": self.mostly(None, lambda: self.few(lambda: self.one_of(["s1", "s2"]))),
            "service_level": self.word(terms.ServiceLevel), "delivery": self.word(terms.Delivery),
            "grace_days": self.count(), "grace_is_covered": self.one_of([True, False]),
            "waiting_days": self.mostly(0, self.count), "claims_after_end_days": self.count(),
            "claims_limit": self.mostly(None, self.count), "claims_used": self.count(),
            "evidence": self.answer(terms.EvidenceSource, terms.CoverageSays),
        }  # fmt: skip

    def other(self, id_):
        return {
            "id": id_, "kind": self.word(terms.CaseKind), "component": self.word(terms.Component),
            "component_ref": self.one_of(["", "1"]), "reported_at": self.instant(),
            "closed_at": self.mostly("2026-03-01T00:00:00Z", lambda: self.maybe(self.instant)),
        }  # fmt: skip

    def asset(self):
        lookup = self.answer(terms.LookupSource, terms.UnitSays) | {"absence_attested": self.one_of([True, False])}
        return {
            "id": "a1", "serial_number": "QX7T2K9", "product": self.mostly("p1", lambda: None),
            "site": self.mostly("s1", lambda: None), "client": "c1",
            "ownership": self.mostly("client", lambda: self.word(terms.Ownership)),
            "state": self.mostly("in_service", lambda: self.word(terms.AssetState)),
            "replaced_by": self.mostly(None, lambda: self.maybe(lambda: "a2")),
            "handover_exceptions": self.mostly([], lambda: list(terms.Component)), "lookup": lookup,
        }  # fmt: skip

    def reading(self):
        near = [self.random.randint(-3, 3) for _ in range(3)]
        numbers = {"value": near[0], "target": near[1], "tolerance": abs(near[2])}
        return {"metric": "rpm", **numbers, "direction": self.word(terms.Direction)}

    def document(self):
        return {
            "now": self.instant(),
            "asset": self.mostly(self.asset(), lambda: self.maybe(self.asset)),
            "matches": self.one_of([0, 1, 2]),
            "fault": {
                "id": "f1", "component": self.word(terms.Component), "component_ref": self.one_of(["", "1"]),
                "cause": self.word(terms.Cause), "occurred_at": self.maybe(self.instant), "reported_at": self.instant(),
                "reading": self.mostly(None, self.reading),
            },
            "coverages": [self.coverage(f"k{number}") for number in range(self.random.randint(0, 6))],
            "cases": [self.other(f"f{number}") for number in range(self.one_of([0, 0, 1, 3]))],
            "policy": {
                "precedence": self.random.sample(list(terms.CoverageKind), self.random.randint(0, 5)),
                "evidence_freshness_days": self.count(), "repeat_window_days": self.count(),
                "lookup_patience_minutes": self.count(),
            },
        }  # fmt: skip


documents = st.randoms(use_true_random=True).map(lambda random: Chance(random).document())

GATES = {
    "unit_unidentified", "serial_ambiguous", "asset_replaced", "asset_decommissioned", "asset_not_accepted", "leased",
    "within_tolerance", "open_rma_exists", "open_job_exists", "duplicate_fault",
}  # fmt: skip
GENERAL = {"no_coverage", "repeat_failure", "pre_existing_condition", "msp_owned", "loaner"}
SCOPED = {"asset": "id", "product": "product", "site": "site", "client": "client"}


def candidates(document):
    (fits,) = [lambda scope: [document["asset"][SCOPED[kind]] == name for kind, name in scope.items()] == [True]]
    return sorted(one["id"] for one in document["coverages"] if fits(one["scope"]))


@given(documents)
@settings(deadline=None, max_examples=500)
def test_every_well_formed_case_has_a_verdict_that_keeps_the_rules(document):
    case = case_of(document)
    verdict = decide(case)
    entries = outline(verdict)

    # Exactly one route, and the verdict that goes with it.
    routes = {"covered": {"rma", "ad_hoc"}, "partly_covered": {"rma", "ad_hoc"}, "not_covered": {"ad_hoc"}}
    routes |= {"needs_review": {"review", "lookup"}, None: {"duplicate", "none"}}
    assert verdict.route in routes[verdict.verdict]
    assert verdict.engine_version == ENGINE_VERSION

    # One payer for each share where something was decided, nobody and nothing else.
    is_decided = verdict.verdict in {"covered", "partly_covered", "not_covered"}
    for share, id_, payer in zip(("parts", "labour"), verdict.awards, verdict.pays, strict=True):
        winners = [one for code, of, one in entries if (code, of) == ("chosen", share)]
        assert len(winners) <= 1
        assert ([id_] if id_ else []) == (winners if is_decided else [])
        fulfilments = {"vendor_rma": "vendor", "msp_supply": "msp", "insurer_claim": "insurer"}
        owners = {"client": "client", "msp": "msp", "loaner": "msp"}
        if not is_decided:
            assert payer is None
        elif id_ is None:
            assert payer == owners[document["asset"]["ownership"]]
        else:
            assert payer == next(fulfilments[one["fulfilment"]] for one in document["coverages"] if one["id"] == id_)

    # A gate leaves one entry; else every candidate has one for each share, and grace stands beside its winner.
    if entries[:1] and entries[0][0] in GATES:
        assert len(entries) == 1
        assert entries[0][1:] == (None, None)
    else:
        asked = [(share, id_) for code, share, id_ in entries if id_ is not None and code != "in_grace"]
        in_grace = [(share, id_) for code, share, id_ in entries if code == "in_grace"]
        won = {(share, id_) for code, share, id_ in entries if code == "chosen"}
        alone = [one for one in in_grace if one not in won]
        assert sorted(asked + alone) == sorted(
            (share, id_) for share in ("parts", "labour") for id_ in candidates(document)
        )
        assert {code for code, share, _ in entries if share is None} <= GENERAL

    # The order of the entries, and what each of them says.
    place = {None: 0, "parts": 1, "labour": 2}
    assert entries == sorted(entries, key=lambda one: (place[one[1]], one[2] is not None, one[2] or "", one[0]))
    for entry in verdict.reasons:
        sentence = sentence_for(entry.code, entry.share, entry.coverage, entry.params)
        expected = {"rule", "winner"} if entry.code == "outranked" else set(PLACES[sentence])
        assert set(entry.params) == expected
        assert "None" not in entry.text


@given(documents, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=500)
def test_shuffling_the_rows_changes_nothing(document, chance):
    answer = decide(case_of(document)).to_json()
    for rows in (document["coverages"], document["cases"]):
        chance.shuffle(rows)
    assert decide(case_of(document)).to_json() == answer


@given(documents)
@settings(deadline=None, max_examples=500)
def test_a_stored_case_replays_byte_for_byte(document):
    case = case_of(document)
    stored = case.to_json()
    answer = decide(case).to_json()
    assert read_case(stored) == case
    assert read_case(stored).to_json() == stored
    assert decide(read_case(stored)).to_json() == answer
    assert Verdict.from_json(answer).to_json() == answer
    assert json.loads(answer) == decide(case).to_document()


@given(documents.filter(lambda one: one["asset"] is not None))
@settings(deadline=None, max_examples=500)
def test_a_coverage_that_names_another_unit_changes_nothing(document):
    before = outline(decide(case_of(document)))
    stranger = {"id": "stranger", "scope": {"asset": "a9"}}
    with_it = [*document["coverages"], *({**one, **stranger} for one in document["coverages"][:1])]
    assert outline(decide(case_of(document | {"coverages": with_it}))) == before
