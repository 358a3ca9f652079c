"""The page of an override: it says what would follow, does it once and with a reason, and asks a second person about our money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.conftest import World, cover_labour
from tests.web.test_staff import manager, one_of_each, statements
from tests.web.visitor import Visitor, visit, words
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

WHY = {"reason_code": "goodwill", "override_reason": "A client for twenty years"}


def admin(world: World) -> Visitor:
    """A second person who may decide."""
    return visit(world.app, world.users[Role.ADMIN])


def a_job(world: World) -> tuple[str, dict[str, str]]:
    """The path of a case that we might pay the labour of, and what a form says that wants us to."""
    cover_labour(world, world.ours.bare)
    made = world.report(serial_number=world.ours.bare_serial, component="psu")
    free = world.post("/coverages", _free(world)).json["id"]
    return f"/cases/{made['id']}", {"verdict": "covered", "parts": free, "labour": free}


def _free(world: World) -> dict[str, Any]:
    """A contract by which we pay everything, but only since after the fault."""
    return {
        "scope": {"asset": str(world.ours.bare)},
        "contract_number": "AG-2",
        "kind": "msp_agreement",
        "fulfilment": "msp_supply",
        "starts_on": "2099-01-01",
        "time_zone": "Europe/Amsterdam",
        "covers": ["parts", "labour"],
        "service_level": "best_effort",
        "evidence": {"source": "contract_file"},
    }


def test_what_would_follow_is_shown_and_nothing_is_done(world: World) -> None:
    case, wish = a_job(world)
    visitor = manager(world)
    before = world.get(f"/faults/{case.split('/')[2]}").json
    visitor.get(f"{case}/override")

    piece = visitor.send(f"{case}/override/preview", headers={"HX-Request": "true"}, **wish)
    page = visitor.send(f"{case}/override/preview", **wish)

    for said in (words(piece.text), words(page.text)):
        assert "What would follow. Nothing is done yet." in said
        assert "is cancelled." in said
        assert "a second person has to agree first" in said
    assert "<html" not in piece.text
    assert world.get(f"/faults/{case.split('/')[2]}").json == before


def test_an_override_takes_effect_with_its_reason_and_ends_what_was_ordered(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    visitor.get(case)
    visitor.send(f"{case}/claim", to="manual_handling", claim_reason="The portal is down")
    page = visitor.get(f"{case}/override")
    assert page.status_code == 200

    answer = visitor.send(f"{case}/override", verdict="not_covered", seen=visitor.hidden("seen"), **WHY)

    said = words(visitor.get(case).text)
    assert (answer.status_code, answer.location) == (303, case)
    assert "Not covered" in said
    assert "goodwill: A client for twenty years" in said
    assert "The claim was cancelled" in said


def test_what_the_vendor_may_hold_is_not_overridden_and_the_page_says_so(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    visitor.get(f"{case}/override")

    answer = visitor.send(f"{case}/override", verdict="not_covered", **WHY)

    assert answer.status_code == 409
    assert "The vendor may hold the claim WR-" in words(answer.text)
    assert "A client for twenty years" in answer.text


def test_an_override_at_our_cost_waits_for_somebody_else_who_agrees(world: World) -> None:
    case, wish = a_job(world)
    visitor = manager(world)
    visitor.get(f"{case}/override")
    assert visitor.send(f"{case}/override", seen=visitor.hidden("seen"), **wish, **WHY).status_code == 303
    own = words(visitor.get(case).text)
    assert "Somebody else has to agree" in own
    assert "asked to override the verdict" in own
    forged = visitor.send(f"{case}/second-opinion", opinion="override", opinion_reason="I say so")
    assert forged.status_code == 403

    second, late = admin(world), admin(world)
    second.get(case)
    late.get(case)
    unfinished = second.send(f"{case}/second-opinion", opinion="override")
    assert unfinished.status_code == 422
    assert second.error("opinion_reason") == "Say why: it is kept with the verdict."
    answer = second.send(f"{case}/second-opinion", opinion="override", opinion_reason="They earned it")

    assert answer.status_code == 303
    said = words(second.get(case).text)
    assert "They earned it" in said
    assert "Somebody else has to agree" not in said
    answer = late.send(f"{case}/second-opinion", opinion="reject", opinion_reason="Not with me")
    assert answer.status_code == 409
    assert "Not with me" in words(answer.text)


def test_an_override_at_our_cost_may_be_refused(world: World) -> None:
    case, wish = a_job(world)
    visitor, second = manager(world), admin(world)
    visitor.get(f"{case}/override")
    visitor.send(f"{case}/override", **wish, **WHY)
    second.get(case)

    answer = second.send(f"{case}/second-opinion", opinion="reject", opinion_reason="Too dear")

    assert answer.status_code == 303
    said = words(second.get(case).text)
    assert "refused the override Too dear" in said
    assert "Not covered" in said


def test_a_verdict_that_was_superseded_meanwhile_is_not_overridden_and_nothing_typed_is_lost(world: World) -> None:
    case = one_of_each(world, "bay 0")["job"]
    early, late = manager(world), admin(world)
    seen = {}
    for name, visitor in (("early", early), ("late", late)):
        visitor.get(f"{case}/override")
        seen[name] = visitor.hidden("seen")
    assert early.send(f"{case}/override", verdict="not_covered", seen=seen["early"], **WHY).status_code == 303

    answer = late.send(f"{case}/override", verdict="not_covered", seen=seen["late"], **WHY)

    assert answer.status_code == 409
    assert "It was decided again meanwhile." in words(answer.text)
    assert late.value("override_reason") == WHY["override_reason"]
    again = late.send(f"{case}/override", verdict="not_covered", seen=late.hidden("seen"), **WHY)
    assert again.status_code == 303


def test_an_override_that_is_sent_twice_is_made_once(world: World) -> None:
    case = one_of_each(world, "bay 0")["job"]
    visitor = manager(world)
    visitor.get(f"{case}/override")
    page = visitor.page

    answers = []
    for _ in range(2):
        visitor.page = page
        answers.append(visitor.send(f"{case}/override", verdict="not_covered", seen=visitor.hidden("seen"), **WHY))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert words(visitor.get(case).text).count("goodwill: A client for twenty years") == 2  # verdict and timeline


UNFINISHED: list[tuple[Mapping[str, str], str, str]] = [
    (WHY, "verdict", "Choose the verdict."),
    ({"verdict": "needs_review"} | WHY, "verdict", "Choose the verdict."),
    ({"verdict": "covered"} | WHY, "verdict", "Covered names a contract for parts and one for labour."),
    ({"verdict": "not_covered", "parts": "nonsense"} | WHY, "parts", "There is no such contract."),
    ({"verdict": "not_covered", "reason_code": "other"}, "override_reason", "Say why: it is kept with the verdict."),
    ({"verdict": "not_covered", "override_reason": "so"}, "reason_code", "Choose what kind of reason it is."),
]


def test_an_unfinished_override_says_what_is_missing_at_its_field(world: World, subtests: pytest.Subtests) -> None:
    case = one_of_each(world, "bay 0")["job"]
    visitor = manager(world)
    visitor.get(f"{case}/override")
    for typed, name, said in UNFINISHED:
        with subtests.test(name=name, typed=typed):
            answer = visitor.send(f"{case}/override", **typed)

            assert answer.status_code == 422
            assert said in words(answer.text)
            assert visitor.value("override_reason") == typed.get("override_reason", "")


def test_a_case_that_is_over_is_not_overridden(world: World) -> None:
    case = one_of_each(world, "bay 0")["review"]
    visitor = manager(world)
    visitor.get(case)
    assert "What if …" not in visitor.page  # nobody knows its unit yet
    assert visitor.get(f"{case}/override").status_code == 409


def test_only_who_may_decide_is_offered_an_override(world: World) -> None:
    case = one_of_each(world, "bay 0")["job"]

    assert "What if …" in manager(world).get(case).text
    assert "What if …" not in visit(world.app, world.users[Role.TECHNICIAN]).get(case).text


def test_the_page_of_an_override_costs_few_statements(world: World) -> None:
    case = one_of_each(world, "bay 0")["job"]
    visitor = manager(world)

    assert statements(world, lambda: visitor.get(f"{case}/override?verdict=not_covered")) <= 16
