"""A service manager looks after units in a real browser: many at once, one alone, a file of new ones, and the calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.web.test_walk_registry import looks_right, walking
from tests.web.test_walk_report import DESKTOP
from warranty import db
from warranty.domain.terms import AssetState, Ownership
from warranty.models import Asset, BusinessCalendar, ImportRun

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.web.conftest import World

pytestmark = pytest.mark.parametrize("runtime", ["sqlite"], indirect=True)


def test_units_are_changed_together_and_one_is_lost(world: World, browser: Browser) -> None:
    ours = (world.ours.covered_serial, world.ours.bare_serial)
    with walking(world, browser, "/assets?cover=", viewport=DESKTOP) as seen:
        page = seen.page
        page.locator("nav.views b").first.wait_for()  # the counts come after the list
        for serial in ours:
            page.get_by_label(f"Select {serial}").check()
        page.get_by_text("2 selected").wait_for()
        looks_right(seen, DESKTOP["width"])
        page.get_by_role("button", name="Change …").click()
        page.get_by_role("heading", name="Change 2 units together").wait_for()
        page.get_by_label("Owner").select_option("msp")
        page.get_by_role("button", name="See what it changes …").click()
        page.get_by_role("heading", name="What changes").wait_for()
        page.get_by_label("Reason").fill("Bought back from the client.")
        looks_right(seen, DESKTOP["width"])
        page.get_by_role("button", name="Change 2 units").click()
        page.get_by_text("2 units are changed.").wait_for()

        page.get_by_role("link", name=world.ours.bare_serial).click()
        page.get_by_text("Bought back from the client.").wait_for()
        page.get_by_role("link", name="State …").click()
        page.get_by_label("State").select_option("lost")
        page.get_by_label("Reason").fill("Not in the rack.")
        looks_right(seen, DESKTOP["width"])
        page.get_by_role("button", name="Change the state").click()
        page.get_by_text("It is changed.").wait_for()

    with world.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(Asset).where(Asset.serial_number.in_(ours))).all()
        assert {row.ownership for row in rows} == {Ownership.MSP}
        assert sorted(row.state for row in rows) == [AssetState.IN_SERVICE, AssetState.LOST]


def test_a_file_of_units_is_sent_and_its_columns_are_read(world: World, browser: Browser) -> None:
    table = b"Serial;Name;Where\nA1;srv-1;Rack 1\nA2;srv-2;Rack 2\n"
    with walking(world, browser, "/imports", viewport=DESKTOP) as seen:
        page = seen.page
        page.set_input_files("#file", {"name": "units.csv", "mimeType": "text/csv", "buffer": table})
        page.get_by_label("Whose they are").select_option(world.ours.name)
        page.get_by_role("button", name="Send the file, and look at its columns").click()
        page.get_by_role("button", name="Check the rows").wait_for()
        looks_right(seen, DESKTOP["width"])
        page.get_by_role("button", name="Check the rows").click()
        page.get_by_text("You may leave this page").wait_for()
        looks_right(seen, DESKTOP["width"])

    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(ImportRun.file_name)).all() == ["units.csv"]


def test_a_calendar_is_kept_after_a_look_at_what_it_does(world: World, browser: Browser) -> None:
    with walking(world, browser, "/settings/calendars", viewport=DESKTOP) as seen:
        page = seen.page
        page.get_by_role("link", name="Add a calendar").first.click()
        page.get_by_label("Name").fill("Office")
        page.get_by_label("Time zone").fill("Europe/Berlin")
        page.get_by_label("Public holidays of").fill("DE-BY")
        page.get_by_role("button", name="See what it changes …").click()
        page.get_by_text("40 working hours").wait_for()
        page.get_by_label("Reason").fill("As agreed.")
        looks_right(seen, DESKTOP["width"])
        page.get_by_role("button", name="Keep the calendar").click()
        page.get_by_role("heading", name="Office").wait_for()
        looks_right(seen, DESKTOP["width"])

    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(BusinessCalendar.region)).one() == "DE-BY"
