"""Whole decisions, worked by hand, each in a file with the clause it shows; and their replay from what was stored."""

import json
from pathlib import Path

import pytest

from tests.domain.documents import case_of, outline
from warranty.domain.case_document import read_case
from warranty.domain.coverage import Verdict, decide

WORKED = sorted((Path(__file__).parent / "decision_cases").glob("*.json"))


@pytest.fixture(params=WORKED, ids=lambda path: path.stem)
def worked(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_all_the_worked_cases_are_here():
    assert len(WORKED) >= 40


def test_a_worked_case_has_its_verdict_and_every_reason(worked):
    verdict, expected = decide(case_of(worked["case"])), worked["expect"]
    answer = json.loads(verdict.to_json())
    assert {key: answer[key] for key in ("verdict", "route", "awards", "pays")} == {
        key: expected[key] for key in ("verdict", "route", "awards", "pays")
    }
    assert outline(verdict) == [tuple(entry[:3]) for entry in expected["reasons"]]
    fixed = {number: entry[3] for number, entry in enumerate(expected["reasons"]) if len(entry) > 3}
    assert {number: answer["reasons"][number]["params"] for number in fixed} == fixed


def test_a_stored_case_gives_the_stored_verdict_again_byte_for_byte(worked):
    case = case_of(worked["case"])
    stored_case, stored_verdict = case.to_json(), decide(case).to_json()
    assert decide(read_case(stored_case)).to_json() == stored_verdict


def test_the_canonical_document_of_a_case_says_the_same_as_what_was_read(worked):
    document = json.dumps(worked["case"])
    assert json.loads(case_of(worked["case"]).to_json()) == json.loads(document)


def test_a_verdict_comes_back_from_its_own_answer(worked):
    verdict = decide(case_of(worked["case"]))
    assert Verdict.from_json(verdict.to_json()) == verdict
    assert Verdict.from_json(verdict.to_json()).to_json() == verdict.to_json()


def test_the_answer_has_exactly_the_published_fields_in_their_order(worked):
    answer = decide(case_of(worked["case"])).to_document()
    assert list(answer) == ["verdict", "route", "awards", "pays", "reasons", "engine_version"]
    assert list(answer["awards"]) == list(answer["pays"]) == ["parts", "labour"]
    assert {tuple(entry) for entry in answer["reasons"]} == {("code", "share", "coverage", "params", "text")}
