"""The pages on which units are taken over and signed for, and come to their end: walked, refused, and on paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.web.routes import browse
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.web.conftest import World

    Send = Callable[..., TestResponse]

STROKES = "M10 20" + "L11 21" * 9
SIGNED = {"result": "healthy", "signed_by": "Mia Vos", "signer_role": "Head of IT"}
PURGED = {"method": "purge", "serial_number": "S1", "tool": "nvme", "done_by": "Jana", "done_on": "2026-01-01"}


@pytest.fixture
def send(world: World) -> Send:
    """Read a page, or send a form, as an administrator."""
    browser, token = browse(world.app, world.users[Role.ADMIN])

    def ask(path: str, form: dict[str, object] | None = None) -> TestResponse:
        return browser.get(path) if form is None else browser.post(path, data={"csrf_token": token, **form})

    return ask


def register(world: World, serial_number: str) -> str:
    body = {"serial_number": serial_number, "client": str(world.ours.id), "site": str(world.ours.site)}
    made: str = world.post("/assets", body).json["id"]
    return made


def test_a_unit_is_checked_and_signed_for_with_a_drawn_name_and_has_a_protocol(world: World, send: Send) -> None:
    page = f"/assets/{register(world, 'NEW1')}/handover"
    begun = [send(f"{page}/begin", {"unit_class": word}).status_code for word in ("", "printer")]
    early = send(f"{page}/sign", SIGNED | {"seen": "none"})
    silent = send(f"{page}/checks", {"outcome_serial_seen": "done", "outcome_counter_read": "not_needed"})
    outcomes = {f"outcome_{step}": "done" for step in ("serial_seen", "warranty_looked_up", "counter_read")}
    checked = send(f"{page}/checks", outcomes)
    scrawl = send(f"{page}/sign", SIGNED | {"seen": "none", "strokes": "M1 1L2 2"})
    signed = send(f"{page}/sign", SIGNED | {"seen": "none", "strokes": STROKES})
    late = send(f"{page}/sign", SIGNED | {"seen": "none", "reason": "Again."})
    shown = send(page).text
    protocol = send(re.search(r"/baselines/[^\"]+/protocol", shown)[0])  # type: ignore[index]  # else it fails as it should

    assert begun == [422, 303]
    assert (early.status_code, checked.status_code, signed.status_code) == (409, 303, 303)
    assert (silent.status_code, "err-evidence_counter_read" in silent.text) == (422, True)
    assert (scrawl.status_code, "M1 1L2 2" in scrawl.text) == (422, True)
    assert (late.status_code, "Again." in late.text) == (409, True)
    assert STROKES in shown
    assert protocol.data.startswith(b"%PDF")
    assert world.get("/assets?serial_number=NEW1").json["items"][0]["state"] == "in_service"


def test_several_units_of_a_site_are_signed_for_at_once_and_what_is_open_stays(world: World, send: Send) -> None:
    ready, begun = register(world, "NEW1"), register(world, "NEW2")
    world.post(f"/assets/{begun}/handover", {"unit_class": "server"})
    here = f"/handover?place={world.ours.site}"
    nobody = send("/handover", SIGNED)
    before = send(here).text
    signed = send("/handover", SIGNED | {"row": [ready, begun], "place": str(world.ours.site)})
    after = send(here).text
    board = send("/").text

    assert (nobody.status_code, signed.status_code) == (422, 303)
    assert ("NEW1" in before, "NEW2" in before) == (True, True)
    assert re.search(r'href="/assets/[^"]+/handover">NEW1', after) is None
    assert re.search(r'href="/assets/[^"]+/handover">NEW2', after) is not None
    assert f"/handover?place={world.ours.site}" in board
    assert send("/handover?place=00000000-0000-4000-8000-000000000000").status_code == 404


def test_a_unit_is_retired_with_its_contract_and_disposed_of_with_evidence(world: World, send: Send) -> None:
    asset = f"/assets/{world.ours.covered}"
    retired = [send(f"{asset}/retirement", form).status_code for form in ({}, {"reason": "Rack cleared"})]
    board = send("/").text
    too_soon = send(f"{asset}/disposal", {"recycler": "R", "document": "D", "disposed_on": "2026-01-01"})
    foreign = send(f"{asset}/covers", {"ends": [str(world.theirs.coverage)], "reason": "Over."})
    settled = send(f"{asset}/covers", {"ends": [str(world.ours.coverage)], "reason": "Over."})
    wrong = send(f"{asset}/media", PURGED | {"method": "destroy"})
    kept = send(f"{asset}/media", PURGED)
    gone = send(f"{asset}/disposal", {"recycler": "R", "document": "D-1", "disposed_on": "2026-01-01"})

    assert retired == [422, 303]
    assert f"{asset}/retirement" in board
    assert f"{asset}/retirement" not in send("/").text
    assert (too_soon.status_code, foreign.status_code, settled.status_code) == (409, 422, 303)
    assert (wrong.status_code, kept.status_code, gone.status_code) == (422, 303, 303)
    assert "D-1" in send(f"{asset}/retirement").text
