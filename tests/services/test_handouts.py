"""Whoever claims something at a vendor by hand gets the text, the portal and the steps that fit how far the claim has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.desk import Desk
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.models import Rma
from warranty.services import handouts, rmas

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.handouts import Handout

PORTAL = {
    "portal_url": "https://portal.vendor.example/rma",
    "instructions": "Ask for the desk of spare parts, 100 % of the time.",
}


def handout(desk: Desk) -> Handout | None:
    with desk.session() as session:
        return handouts.of(session, desk.runtime, session.get_one(Rma, desk.rma().id))


def sentences(desk: Desk) -> list[str]:
    found = handout(desk)
    assert found is not None
    return [step.sentence for step in found.steps]


def take_by_hand(desk: Desk) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        rmas.transition(
            session, desk.runtime, OPERATOR, rma, RmaState.MANUAL_HANDLING, reason="I call", now=rma.created_at
        )


def test_an_account_by_hand_gives_portal_own_words_and_the_block(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, vendor="manual", options=PORTAL)
    desk.report()

    found = handout(desk)

    assert found is not None
    assert found.portal_url == PORTAL["portal_url"]
    assert f"Serial number: {desk.serial}" in found.paste_block.splitlines()
    assert f"Reference: {desk.rma().client_reference}" in found.paste_block.splitlines()
    assert sentences(desk) == [handouts.PORTAL, handouts.OWN_WORDS, handouts.PASTE, handouts.NUMBER]
    assert handouts.document(found)["steps"][1] == f"Mind this: {PORTAL['instructions']}"


def test_without_an_account_the_claim_is_taken_over_before_it_is_opened_elsewhere(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, vendor=None)
    desk.report()
    assert desk.rma().state is RmaState.DRAFT

    assert sentences(desk) == [handouts.TAKE_OVER, handouts.ASK, handouts.PASTE, handouts.NUMBER]


def test_a_claim_that_may_have_arrived_is_looked_for_first(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    desk.perform()
    take_by_hand(desk)

    assert sentences(desk)[0] == handouts.LOOK_FIRST


def test_an_account_that_cannot_be_used_as_it_is_still_gives_the_block(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    take_by_hand(desk)
    desk.change_account(options={"state_map": "no JSON"})

    assert sentences(desk) == [handouts.ASK, handouts.PASTE, handouts.NUMBER]


def test_a_claim_in_other_hands_has_none(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()

    assert handout(desk) is None
    assert handouts.document(None) == {"paste_block": None, "portal_url": None, "steps": []}
