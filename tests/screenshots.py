"""``make screenshots``: the pictures of the documents, taken from a demo that is running; see the README."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Page, ViewportSize, sync_playwright

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
CASE = "cases?shows=all&q=7XK4P03"


class Shot(NamedTuple):
    """One picture: a page, perhaps the first thing of the list on it, in a window of a size and a scheme."""

    name: str
    path: str
    opens: bool = False
    window: ViewportSize = WIDE
    scheme: Literal["light", "dark"] = "light"


STAFF = (
    Shot("board", ""),
    Shot("board-phone", "", window=PHONE),
    Shot("report", "faults/new"),
    Shot("case", CASE, opens=True),
    Shot("case-dark", CASE, opens=True, scheme="dark"),
    Shot("case-phone", CASE, opens=True, window=PHONE, scheme="dark"),
    Shot("contracts", "contracts"),
    Shot("renewals", "renewals"),
    Shot("assets", "assets"),
    Shot("assets-phone", "assets", window=PHONE, scheme="dark"),
    Shot("search", "search?q=4HJ2"),
    Shot("settings", "settings/accounts"),
)
CLIENT = (Shot("portal", "portal", opens=True),)


def main() -> None:
    """Sign in to ``WARRANTY_BASE_URL`` as a member of staff and as a client, and take the pictures of each one's pages."""
    base_url = os.environ.get("WARRANTY_BASE_URL", "http://127.0.0.1:8000")
    logins = [os.environ.get(name, "") for name in ("STAFF_LOGIN", "CLIENT_LOGIN")]
    if not all(":" in login for login in logins):
        sys.exit(
            "Start `make demo`, then name two of its logins: STAFF_LOGIN=email:password CLIENT_LOGIN=email:password"
        )
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or None, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        for login, shots in zip(logins, (STAFF, CLIENT), strict=True):
            page = browser.new_page(locale="en-GB")
            _sign_in(page, base_url, login)
            for shot in shots:
                _take(page, base_url, shot)
        browser.close()


def _sign_in(page: Page, base_url: str, login: str) -> None:
    email, _, password = login.partition(":")
    page.goto(f"{base_url}/login")
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("button[type=submit]")


def _take(page: Page, base_url: str, shot: Shot) -> None:
    page.set_viewport_size(shot.window)
    page.emulate_media(color_scheme=shot.scheme)
    answer = page.goto(f"{base_url}/{shot.path}")
    if answer is None or not answer.ok:
        sys.exit(f"/{shot.path} shows nothing")
    if shot.opens:
        page.click("main h3 a")
        page.wait_for_load_state()
    page.screenshot(
        path=PICTURES / f"{shot.name}.png", full_page=shot.window is WIDE
    )  # the bar of a phone stands at the foot of the window


if __name__ == "__main__":
    main()
