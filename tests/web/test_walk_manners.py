"""What a page does while the server lets it wait, in a real browser: it says so, and takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.web.look import make_app, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_page_says_that_it_waits_and_that_it_is_out_of_date(browser: Browser) -> None:
    with serving(make_app()) as site, browser.new_context() as context:
        page = context.new_page()
        page.clock.install()
        page.goto(f"{site}/look/case/few")
        page.route("**/live", lambda route: route.abort())
        page.evaluate("htmx.trigger(document.getElementById('live'), 'poll')")
        page.get_by_text("This page may be out of date").wait_for()
        page.unroute("**/live")
        page.evaluate("htmx.trigger(document.getElementById('live'), 'poll')")
        page.get_by_text("This page may be out of date").wait_for(state="hidden")

        page.locator("a[href^='tel:']").first.click()
        page.clock.run_for(1500)
        assert page.get_by_text("Loading …").is_hidden()  # it is the telephone's to wait for

        page.get_by_role("heading").first.click()
        # The browser's own word that a page is asked for, and that it came back to this one.
        page.evaluate("window.dispatchEvent(new Event('beforeunload'))")
        page.clock.run_for(1500)
        page.get_by_text("Loading …").wait_for()
        page.evaluate("window.dispatchEvent(new Event('pageshow'))")
        page.get_by_text("Loading …").wait_for(state="hidden")
        assert page.get_by_role("status").filter(visible=True).count() == 1  # the answer sentence
