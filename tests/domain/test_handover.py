"""What a drawn signature is, what is signed, and what must be known of a unit's media before it goes."""

from __future__ import annotations

import pytest

from warranty.domain import handover
from warranty.domain.handover import CHECKLISTS, MediumFacts, Missing, Sanitization, StepKey, UnitClass

LINE = "M10 20" + "L11 21" * 9


@pytest.mark.parametrize(
    ("strokes", "is_one"),
    [
        (LINE, True),
        (LINE + "M300 90" + "L301 95" * 4, True),
        ("", False),
        ("M10 20", False),
        ("M10 20L300 90", False),
        (LINE + '"/><script>', False),
        (LINE.lower(), False),
        ("M10 20" + "L11 21" * 4_000, False),
    ],
    ids=["a line", "two lines", "nothing", "a dot", "one stroke", "a script", "other letters", "far too long"],
)
def test_a_drawn_signature_is_lines_and_nothing_else(strokes: str, is_one: bool) -> None:  # noqa: FBT001 - a case of a table
    assert handover.is_drawn(strokes) is is_one


def test_what_was_signed_has_one_digest_whatever_the_order_and_another_one_once_it_is_changed() -> None:
    facts = {"result": "healthy", "exceptions": [], "signed_by": "person:1"}

    assert handover.digest(facts) == handover.digest(dict(reversed(facts.items())))
    assert handover.digest(facts) != handover.digest(facts | {"exceptions": ["fan"]})


def test_every_sort_of_unit_has_checks_each_once_and_one_at_least_that_nobody_does_without() -> None:
    assert set(CHECKLISTS) == set(UnitClass)
    for steps in CHECKLISTS.values():
        assert len({step for step, _ in steps}) == len(steps)
        assert any(is_mandatory for _, is_mandatory in steps)
    assert {step for steps in CHECKLISTS.values() for step, _ in steps} == set(StepKey)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (("purge", "S1", "nvme sanitize", "Jana", "", False), None),
        (("clear", "S1", "", "Jana", "", False), "tool"),
        (("purge", "", "nvme sanitize", "Jana", "", False), "serial_number"),
        (("destroy", "S1", "", "Shred BV", "", False), "certificate"),
        (("destroy", "S1", "", "Shred BV", "C-1", False), None),
        (("destroy", "S1", "", "Shred BV", "", True), None),
        (("left_with_client", "S1", "", "", "", False), "done_by"),
        (("left_with_client", "S1", "", "Mia Vos", "", False), None),
        (("no_media", "", "", "Jana", "", False), None),
        (("no_media", "S1", "", "Jana", "", False), "serial_number"),
    ],
)
def test_the_evidence_of_a_medium_is_asked_for_by_what_became_of_it(facts: tuple[str, ...], field: str | None) -> None:
    method, serial, tool, by, certificate, has_file = facts
    wrong = handover.wrong_with(MediumFacts(Sanitization(method), serial, tool, by, certificate, bool(has_file)))

    assert (wrong and wrong[0]) == field


def test_what_is_missing_is_named() -> None:
    assert handover.missing([], has_disposal=False) == (Missing.MEDIA, Missing.DISPOSAL)
    assert handover.missing([Sanitization.PURGE], has_disposal=False) == (Missing.DISPOSAL,)
    assert handover.missing([], has_disposal=True) == (Missing.MEDIA,)
    assert handover.missing([Sanitization.NO_MEDIA], has_disposal=True) == ()
