"""A client signs for a unit with a finger, on a telephone in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.test_walk_registry import looks_right, walking
from tests.web.test_walk_report import PHONE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.web.conftest import World

pytestmark = pytest.mark.parametrize("runtime", ["sqlite"], indirect=True)


def test_a_signature_is_drawn_on_a_telephone_and_stands_under_what_was_signed(world: World, browser: Browser) -> None:
    body = {"serial_number": "NEW1", "client": str(world.ours.id), "site": str(world.ours.site)}
    unit = world.post("/assets", body).json["id"]
    with walking(world, browser, f"/assets/{unit}/handover", viewport=PHONE) as seen:
        page = seen.page
        page.get_by_label("In what state is it handed over?").select_option("healthy")
        page.get_by_label("Who signs").fill("Mia Vos")
        pad = page.locator("[data-signature]")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 20, box["y"] + 30)
        page.mouse.down()
        for step in range(12):
            page.mouse.move(box["x"] + 20 + 10 * step, box["y"] + 30 + 10 * (step % 3))
        page.mouse.up()
        looks_right(seen, PHONE["width"])
        page.get_by_role("button", name="Sign", exact=True).click()
        page.get_by_role("link", name="Protocol as PDF").wait_for()
        looks_right(seen, PHONE["width"])

    signed = world.get(f"/assets/{unit}/baseline").json
    assert (signed["state"], signed["signature"], signed["signer_name"]) == ("in_service", "drawn", "Mia Vos")
