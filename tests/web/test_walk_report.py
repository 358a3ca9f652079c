"""A technician reports faults in a real browser: by keyboard, by camera, with one hand, and after a night."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import segno
from PIL import Image
from sqlalchemy import select

from tests import factories
from tests.browser import FLAGS, find
from tests.web.look import serving
from tests.web.test_look import EVERY_RULE, Visit, violations, visiting
from tests.web.visitor import visit
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Asset, Fault, File
from warranty.services import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, FilePayload, Page, Playwright

    from tests.web.conftest import World
    from warranty.models import User

pytestmark = pytest.mark.parametrize("runtime", ["postgresql"], indirect=True)

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}


@dataclass(slots=True)
class Walk:
    """The report, open in a browser; ``steps`` counts what its reader did."""

    world: World
    page: Page
    visit: Visit
    address: str
    steps: int = 0

    def type(self, label: str, text: str) -> None:
        """Fill one field; a scanner that types ends with Enter."""
        self.steps += 1
        field = self.page.get_by_label(label, exact=True)
        field.press_sequentially(text.rstrip("\n"))
        if text.endswith("\n"):
            self.page.keyboard.press("Enter")

    def choose(self, text: str) -> None:
        """Press one of the choices."""
        self.steps += 1
        self.page.locator("label", has_text=text).first.click()

    def send(self, name: str, *, twice: bool = False) -> None:
        """Press the button, once the verdict stands on it."""
        self.steps += 1
        button = self.page.get_by_role("button", name=name).locator("visible=true")
        if twice:
            button.dblclick(no_wait_after=True)
        else:
            button.click()

    def arrive(self) -> str:
        """The case that the report led to."""
        self.page.wait_for_url("**/cases/*")
        return self.page.locator("main").inner_text()

    def faults(self) -> list[Fault]:
        """What was logged."""
        with self.world.runtime.database.read(db.EVERYBODY) as session:
            return list(session.scalars(select(Fault).order_by(Fault.id)))


def cookie_of(world: World, user: User) -> str:
    """The session of somebody who is signed in."""
    visitor = visit(world.app, user)
    visitor.get("/faults/new")
    cookie = visitor.browser.get_cookie("session")
    assert cookie is not None
    return str(cookie.value)


@contextmanager
def walking(world: World, browser: Browser, role: Role = Role.TECHNICIAN, **window: object) -> Iterator[Walk]:
    """A report that is open."""
    with serving(world.app) as address, visiting(browser, **{"viewport": DESKTOP} | window) as seen:
        cookie = {"name": "session", "value": cookie_of(world, world.users[role]), "url": address}
        seen.page.context.add_cookies([cookie])
        seen.page.goto(f"{address}/faults/new")
        yield Walk(world, seen.page, seen, address)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "telephone"])
def test_a_fault_is_logged_with_its_verdict_in_six_interactions(
    world: World, browser: Browser, viewport: dict[str, int]
) -> None:
    with walking(world, browser, viewport=viewport) as walk:
        walk.type("Serial, asset tag or our QR code", f"{world.ours.covered_serial}\n")
        walk.choose("Disk")
        walk.choose("Hardware failure")
        walk.type("What you see", "Amber light at bay 3")
        walk.page.get_by_role("button", name="Log fault and open RMA with Acme").locator("visible=true").wait_for()
        assert violations(walk.page, EVERY_RULE) == ""
        assert walk.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        walk.send("Log fault and open RMA with Acme", twice=True)

        assert "Partly covered" in walk.arrive()
        assert walk.steps <= 6
        assert len(walk.faults()) == 1
        assert walk.visit.complaints == []


def test_a_report_needs_no_mouse(world: World, browser: Browser) -> None:
    with walking(world, browser) as walk:
        keys = walk.page.keyboard
        keys.type(f"{world.ours.covered_serial}\n")  # the cursor stands there already
        walk.page.get_by_text("No open case").wait_for()
        keys.press("ArrowRight")  # from the whole unit to the disk
        keys.press("Tab")  # the rest of the components
        keys.press("Tab")
        keys.type("bay 3")
        for _ in range(8):
            if walk.page.evaluate("document.activeElement.name") == "cause":
                break
            keys.press("Tab")
        keys.press("Space")
        keys.press("Tab")
        keys.press("Tab")
        keys.type("Amber light")
        walk.page.get_by_role("button", name="Log fault and open RMA with Acme").locator("visible=true").wait_for()
        keys.press("Control+Enter")

        walk.arrive()
        [fault] = walk.faults()
        assert (fault.component, fault.component_ref, fault.cause) == ("disk", "bay 3", "hardware_failure")
        assert walk.visit.complaints == []


def photo(width: int, height: int) -> FilePayload:
    """A picture that a camera may have taken."""
    made = io.BytesIO()
    Image.new("L", (width, height), width % 256).save(made, "PNG", compress_level=0)
    return {"name": f"{width}.png", "mimeType": "image/png", "buffer": made.getvalue()}


def test_what_is_wrong_is_said_on_the_page_and_photos_stay(world: World, browser: Browser) -> None:
    with walking(world, browser, viewport=PHONE) as walk:
        for number in (1, 2):  # a camera gives one at a time
            walk.page.get_by_label("Photos").set_input_files([photo(40 * number, 30)])
            walk.page.locator(f"#photo-list li:nth-child({number}) img").wait_for()
        walk.type("Serial, asset tag or our QR code", f"{world.ours.covered_serial}\n")
        walk.choose("Disk")
        walk.send("Log fault")
        walk.page.locator(".problem").wait_for()

        assert walk.page.title().startswith("Error:")
        assert walk.page.locator("#err-symptom").inner_text() == "Say what you see."
        assert violations(walk.page, EVERY_RULE) == ""
        assert walk.page.locator("#photo-list img").count() == 2
        assert all(said.endswith("/faults/new") or "422" in said for said in walk.visit.complaints)
        walk.choose("Hardware failure")
        walk.type("What you see", "Amber light")
        walk.send("Log fault and open RMA with Acme")
        walk.arrive()

        with world.runtime.database.read(db.EVERYBODY) as session:
            assert sorted(session.scalars(select(File.name))) == ["40.png", "80.png"]


def test_a_page_that_lay_open_overnight_asks_to_sign_in_and_sends_what_was_typed(
    world: World, browser: Browser
) -> None:
    with walking(world, browser) as walk:
        walk.type("Serial, asset tag or our QR code", f"{world.ours.covered_serial}\n")
        walk.choose("Disk")
        walk.choose("Hardware failure")
        walk.page.get_by_role("button", name="Log fault and open RMA with Acme").locator("visible=true").wait_for()
        walk.page.context.clear_cookies()
        walk.type("What you see", "Amber light")
        again = walk.page.locator("#again")
        again.get_by_role("button", name="Not now").click()
        walk.page.get_by_label("Photos").set_input_files([photo(1600, 1000)])
        walk.page.locator("#photo-list img").wait_for()
        walk.send("Log fault and open RMA with Acme")
        again.get_by_label("E-mail").fill(world.users[Role.TECHNICIAN].email)
        again.get_by_label("Password").fill("not the password")
        again.get_by_role("button", name="Sign in").click()
        again.locator(".problem").wait_for()
        assert violations(walk.page, EVERY_RULE) == ""
        again.get_by_label("Password").fill(factories.PASSWORD)
        again.get_by_role("button", name="Sign in").click()
        walk.arrive()

        assert [fault.symptom for fault in walk.faults()] == ["Amber light"]
        with world.runtime.database.read(db.EVERYBODY) as session:
            [kept] = session.scalars(select(File))
            content = b"".join(files.read(world.runtime.store, kept))
        assert content == photo(1600, 1000)["buffer"]


def test_an_unknown_unit_is_registered_and_one_of_two_is_chosen_on_a_telephone(world: World, browser: Browser) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        ours = session.scalars(select(Asset).where(Asset.public_id == world.ours.covered)).one()
        theirs = session.scalars(select(Asset).where(Asset.public_id == world.theirs.covered)).one()
        theirs.serial_number, theirs.serial_key = ours.serial_number, ours.serial_key
    with walking(world, browser, Role.SERVICE_MANAGER, viewport=PHONE) as walk:
        walk.type("Serial, asset tag or our QR code", "new-77\n")
        walk.page.get_by_label("Client", exact=True).select_option(str(world.ours.id))
        walk.page.get_by_label("Site", exact=False).select_option(str(world.ours.site))
        assert violations(walk.page, EVERY_RULE) == ""
        walk.page.get_by_role("button", name="Register the unit and go on").click()
        walk.page.get_by_text("Never swapped").wait_for()
        assert walk.page.get_by_label("Serial, asset tag or our QR code").input_value() == "new-77"

        walk.page.get_by_label("Serial, asset tag or our QR code").fill("")
        walk.type("Serial, asset tag or our QR code", f"{world.ours.covered_serial}\n")
        walk.choose(world.theirs.name)
        walk.page.get_by_text("Never swapped").wait_for()
        assert violations(walk.page, EVERY_RULE) == ""
        walk.choose("Disk")
        walk.choose("Hardware failure")
        walk.type("What you see", "Amber light")
        walk.send("Log fault")
        walk.arrive()

        assert [fault.asset_id for fault in walk.faults()] == [theirs.id]
        assert walk.visit.complaints == []


# --- the camera ---


def film(folder: Path, text: str) -> Path:
    """What a camera sees that is held before a label of ours."""
    label = io.BytesIO()
    segno.make(text, error="m").save(label, kind="png", scale=6, border=4)
    view = Image.new("RGB", (640, 480), "gray")
    view.paste(Image.open(label).convert("RGB"), (120, 60))
    frame = io.BytesIO()
    view.save(frame, "JPEG", quality=90)
    path = folder / "label.mjpeg"
    path.write_bytes(frame.getvalue() * 5)
    return path


def test_the_camera_reads_our_label_and_says_what_to_do_where_it_may_not(
    world: World, playwright: Playwright, tmp_path: Path
) -> None:
    camera = film(tmp_path, f"https://warranty.example/assets/{world.ours.covered}")
    flags = [*FLAGS, "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}"]
    browser = playwright.chromium.launch(executable_path=find(playwright.chromium.executable_path), args=flags)
    try:
        with walking(world, browser) as walk:
            walk.page.get_by_role("button", name="Scan").click()
            walk.page.get_by_text("The browser may not use the camera.").wait_for()
            assert walk.page.evaluate("typeof ZXingWASM") == "undefined"
            walk.page.locator("#scanner").get_by_role("button", name="Close").click()

            walk.page.context.grant_permissions(["camera"], origin=walk.address)
            walk.page.get_by_role("button", name="Scan").click()
            walk.page.get_by_text("No open case").wait_for()

            assert walk.page.locator("#scanner").is_hidden()
            assert walk.page.evaluate("document.activeElement.name") == "component"
            assert walk.visit.complaints == []
    finally:
        browser.close()
