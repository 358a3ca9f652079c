"""A technician on the page of a case in a real browser: with the keyboard alone, and while others work on the same case."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.web.look import serving
from tests.web.test_look import EVERY_RULE, Visit, violations, visiting
from tests.web.test_walk_report import DESKTOP, PHONE, cookie_of
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from tests.web.conftest import World

pytestmark = pytest.mark.parametrize("runtime", ["postgresql"], indirect=True)

MOST_TABS = 120


@dataclass(slots=True)
class Walk:
    """A case that is open in a browser."""

    world: World
    page: Page
    visit: Visit
    case: str
    rma: str

    def reach(self, role: str, name: str, *, exact: bool = True) -> Locator:
        """Press Tab until something has the focus, as whoever has no mouse does."""
        wanted = self.page.get_by_role(role, name=name, exact=exact).first  # type: ignore[arg-type]  # a role of ARIA
        wanted.wait_for()
        for _ in range(MOST_TABS):
            if wanted.evaluate("(element) => element === document.activeElement"):
                return wanted
            self.page.keyboard.press("Tab")
        raise AssertionError(f"No Tab leads to {role} {name}.")

    def press(self, role: str, name: str, key: str = "Enter") -> None:
        """Reach something and press a key on it."""
        self.reach(role, name)
        self.page.keyboard.press(key)

    def says(self, text: str) -> None:
        """Wait until the page says something."""
        self.page.locator("main").get_by_text(text).first.wait_for()

    def record(self, **move: str) -> None:
        """Let a colleague record what the vendor said, elsewhere."""
        answer = self.world.post(f"/rmas/{self.rma}/transitions", move)
        assert answer.status_code == 200, answer.json


@contextmanager
def walking(world: World, browser: Browser, **window: object) -> Iterator[Walk]:
    """A claim that a person has in hand, open before a service manager."""
    made = world.report(serial_number=world.ours.covered_serial)
    taken = world.post(f"/rmas/{made['rma_id']}/transitions", {"to": "manual_handling", "reason": "The portal is down"})
    assert taken.status_code == 200, taken.json
    with serving(world.app) as address, visiting(browser, reduced_motion="reduce", **window) as seen:
        cookie = {"name": "session", "value": cookie_of(world, world.users[Role.SERVICE_MANAGER]), "url": address}
        seen.page.context.add_cookies([cookie])
        seen.page.goto(f"{address}/cases/{made['id']}")
        yield Walk(world, seen.page, seen, made["id"], made["rma_id"])


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "telephone"])
def test_a_case_is_worked_on_with_the_keyboard_alone(world: World, browser: Browser, viewport: dict[str, int]) -> None:
    with walking(world, browser, viewport=viewport) as walk:
        keys = walk.page.keyboard
        walk.press("link", "Note")
        walk.reach("textbox", "Your note")
        keys.type("The room is locked until nine")
        walk.reach("radio", "Only we")
        keys.press("Space")
        walk.press("button", "Keep the note")
        walk.says("noted")
        walk.says("The room is locked until nine")

        walk.press("button", "Take it")
        walk.says("took the case")

        walk.reach("radio", "Acme has the claim")  # of a group of choices the arrows reach the others
        keys.press("ArrowDown")
        assert walk.page.get_by_role("radio", name="Acme gave an RMA number").is_checked()
        walk.reach("textbox", "RMA number if there is one")
        keys.type("RMA-4711")
        walk.reach("textbox", "How you know")
        keys.type("Called their hotline")
        walk.press("button", "Record it")
        walk.says("Acme has authorised the replacement.")

        walk.press("button", "People")
        walk.page.get_by_text("Decided: partly covered").wait_for(state="hidden")
        walk.press("button", "Everything")
        walk.page.get_by_text("Decided: partly covered").wait_for()
        assert walk.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert violations(walk.page, EVERY_RULE) == ""
        assert walk.visit.complaints == []


def test_the_rma_number_appears_while_one_looks_and_a_note_is_half_written(world: World, browser: Browser) -> None:
    with walking(world, browser, viewport=DESKTOP) as walk:
        note = walk.page.get_by_label("Your note")
        note.fill("Half a sent")
        walk.page.get_by_role("heading", level=1).click()  # no field has the focus, so news are asked for

        walk.record(to="authorized", rma_number="RMA-0815", reason="By telephone")

        walk.says("Acme has authorised the replacement.")
        walk.says("RMA-0815")
        assert note.input_value() == "Half a sent"
        note.focus()
        walk.page.keyboard.press("End")
        walk.page.keyboard.type("ence")
        walk.page.get_by_role("radio", name="Only we").check(force=True)
        walk.page.get_by_role("button", name="Keep the note").click()
        walk.says("Half a sentence")
        assert walk.visit.complaints == []


def test_what_two_people_record_at_once_is_recorded_once_and_the_second_loses_nothing(
    world: World, browser: Browser
) -> None:
    with walking(world, browser, viewport=DESKTOP) as walk:
        walk.page.get_by_role("radio", name="Acme refuses").check(force=True)
        walk.page.get_by_label("How you know").fill("They wrote a letter")
        walk.record(to="under_review", vendor_case_number="C-1", reason="By telephone")

        walk.page.get_by_role("button", name="Record it").click()

        walk.says("Somebody was faster")
        assert "They wrote a letter" in walk.page.locator("main").inner_text()
        assert walk.page.get_by_label("How you know").input_value() == "They wrote a letter"
        assert violations(walk.page, EVERY_RULE) == ""
        assert [said for said in walk.visit.complaints if "409" not in said and "/claim" not in said] == []


def test_a_double_click_keeps_one_note(world: World, browser: Browser) -> None:
    with walking(world, browser, viewport=PHONE) as walk:
        walk.page.get_by_label("Your note").fill("Only once")
        walk.page.get_by_role("radio", name="Only we").check(force=True)
        walk.page.get_by_role("button", name="Keep the note").dblclick(no_wait_after=True)

        walk.says("Only once")
        walk.page.wait_for_load_state()
        notes = world.get(f"/faults/{walk.case}/notes").json["items"]
        assert [note["text"] for note in notes] == ["Only once"]
