"""A service manager keeps the registry in a real browser: a client with its site, a contract for many units, its end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.web.look import serving
from tests.web.test_look import EVERY_RULE, Visit, violations, visiting
from tests.web.test_walk_report import DESKTOP, PHONE, cookie_of
from warranty import db
from warranty.domain.terms import CoverageKind, CoverageState, Role
from warranty.models import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.web.conftest import World

pytestmark = pytest.mark.parametrize("runtime", ["postgresql"], indirect=True)


@contextmanager
def walking(world: World, browser: Browser, path: str, **window: object) -> Iterator[Visit]:
    """A page that a service manager has open."""
    with serving(world.app) as address, visiting(browser, base_url=address, **window) as seen:
        cookie = {"name": "session", "value": cookie_of(world, world.users[Role.SERVICE_MANAGER]), "url": address}
        seen.page.context.add_cookies([cookie])
        seen.page.goto(path)
        yield seen


def looks_right(seen: Visit, width: int) -> None:
    """The page as it stands has no flaw, and the browser complained of nothing."""
    assert violations(seen.page, EVERY_RULE) == ""
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.complaints == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "telephone"])
def test_a_contract_is_entered_brought_to_one_end_and_made_void(
    world: World, browser: Browser, viewport: dict[str, int]
) -> None:
    with walking(world, browser, f"/contracts/new?client={world.ours.id}", viewport=viewport) as seen:
        page = seen.page
        page.get_by_label("Contract number").fill("SVC-2026-014")
        page.get_by_role("button", name="Add the contract").click()
        page.get_by_role("heading", name="Contract SVC-2026-014").wait_for()
        looks_right(seen, viewport["width"])
        page.get_by_role("link", name="Add units").first.click()
        page.get_by_label("Serial numbers").fill(f"{world.ours.covered_serial}\n{world.ours.bare_serial} 2030-03-31")
        page.get_by_label("Sort of promise").select_option("vendor_contract")
        page.get_by_label("Who makes it good").select_option("vendor_rma")
        page.get_by_label("Last day").fill("2030-12-31")
        page.get_by_label("Price of the whole term").fill("1,284.00")
        page.get_by_role("button", name="Add to the contract").click()
        page.get_by_text("2 promises are in force; the first ends on 31 Mar 2030").wait_for()
        looks_right(seen, viewport["width"])

        page.get_by_role("button", name="One end for all …").click()
        page.get_by_role("button", name="Show what changes").click()
        page.get_by_text("275 more days").wait_for()
        page.get_by_label("Reason").fill("One invoice for both.")
        looks_right(seen, viewport["width"])
        page.get_by_role("button", name="Let one promise end on 31 Dec 2030").click()
        page.get_by_text("2 promises are in force, all until 31 Dec 2030.").wait_for()

        page.get_by_label(world.ours.bare_serial).check()
        page.get_by_role("button", name="Make void …").click()
        page.get_by_role("button", name="Make one promise void").click()
        page.get_by_role("link", name="Say why: it is kept in the register.").wait_for()
        page.get_by_label("Reason").fill("Never paid for.")
        page.get_by_role("button", name="Make one promise void").click()
        page.get_by_text("One promise is in force, until 31 Dec 2030.").wait_for()

    with world.runtime.database.read(db.EVERYBODY) as session:
        made = session.scalars(select(Coverage).where(Coverage.kind == CoverageKind.VENDOR_CONTRACT)).all()
    assert sorted(one.state for one in made) == [CoverageState.ACTIVE, CoverageState.VOIDED]
    assert {str(one.ends_on) for one in made} == {"2030-12-31"}
    assert {one.price_minor for one in made} == {128_400}


def test_an_address_for_calendar_programs_is_shown_once_and_copied(world: World, browser: Browser) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    with walking(world, browser, "/renewals/feed", viewport=DESKTOP, permissions=permissions) as seen:
        page = seen.page
        page.get_by_role("button", name="Make an address").click()
        page.get_by_role("button", name="Copy the address").click()
        page.get_by_role("status").filter(has_text="Copied").wait_for(state="attached")
        looks_right(seen, DESKTOP["width"])
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied in page.locator(".paste").inner_text()

        page.goto("/renewals/feed")
        assert copied not in page.content()
        page.get_by_text("End it, or make another one …").click()
        page.get_by_role("button", name="End the address").click()
        page.get_by_text("You have none yet.").wait_for()
    assert world.app.test_client().get(copied[copied.index("/calendar.ics") :]).status_code == 404
