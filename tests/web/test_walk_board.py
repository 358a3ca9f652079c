"""A service manager works the board off in a real browser, by keyboard and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.look import serving
from tests.web.test_board import silent
from tests.web.test_look import EVERY_RULE, violations, visiting
from tests.web.test_walk_report import cookie_of
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.web.conftest import World

pytestmark = pytest.mark.parametrize("runtime", ["postgresql"], indirect=True)


def test_rows_are_selected_by_key_dealt_with_and_gone_without_a_reload(world: World, browser: Browser) -> None:
    silent(world, 3)
    cookie = cookie_of(world, world.users[Role.SERVICE_MANAGER])
    with serving(world.app) as address, visiting(browser, viewport={"width": 1440, "height": 900}) as visited:
        page = visited.page
        page.context.add_cookies([{"name": "session", "value": cookie, "url": address}])
        page.goto(f"{address}/?kind=silent")
        bar = page.get_by_role("form", name="Selected rows")
        assert bar.is_hidden()

        for key in ("j", "x", "j", "x"):
            page.keyboard.press(key)
        assert bar.is_visible()
        assert page.get_by_text("2 selected").is_visible()
        assert page.locator("#live").get_attribute("data-poll-seconds") is None, "a selection is not written over"
        assert violations(page, EVERY_RULE) == ""

        bar.get_by_role("button", name="Dealt with …").click()
        page.get_by_label("What became of it").fill("Called both")
        page.keyboard.press("Control+Enter")
        page.get_by_role("heading", name="2 of 2 done").wait_for()
        page.get_by_role("link", name="Back to the board").click()
        page.get_by_role("heading", name="One thing needs a person").wait_for()

        silent(world, 1)
        page.evaluate("document.querySelector('#live').dataset.pollSeconds = '1'")
        page.get_by_role("heading", name="2 things need a person").wait_for()

        page.set_viewport_size({"width": 360, "height": 740})
        page.get_by_label("Select Vendor silent").first.check()
        assert bar.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert visited.complaints == []
