"""``make screenshots``: the pictures of the documents, taken from a demo that is running; see the README."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"


SENDS = "button[type=submit][data-sending]"
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
CASE, CASES = "cases?shows=all&q=7XK4P03", "main h3 a"


ROWS = """serial;model;customer;location;purchased
7XK4P90;PowerEdge R750xs;{client};Lager;2025-03-01
7XK4P91;PowerEdge R750xs;{client};Lager;2025-03-01
n/a;PowerEdge R750xs;{client};Lager;2025-03-01
FCECDA0090;UniFi Switch Pro 48;{client};Lager;2026-13-01
"""
"""Of a file that is checked for a picture, and left: two rows that can be taken, one without a serial, one with no day."""


class Shot(NamedTuple):
    """One picture: a page, perhaps the first thing of the list on it (a selector), in a window of a size and a scheme."""

    name: str
    path: str
    opens: str = ""
    window: ViewportSize = WIDE
    scheme: Literal["light", "dark"] = "light"


STAFF = (
    Shot("board", ""),
    Shot("board-phone", "", window=PHONE),
    Shot("report", "faults/new"),
    Shot("case", CASE, opens=CASES),
    Shot("case-dark", CASE, opens=CASES, scheme="dark"),
    Shot("case-phone", CASE, opens=CASES, window=PHONE, scheme="dark"),
    Shot("contracts", "contracts"),
    Shot("renewals", "renewals"),
    Shot("assets", "assets"),
    Shot("assets-phone", "assets", window=PHONE, scheme="dark"),
    Shot("unit", "assets?q=7XK4P03", opens="main tbody th a"),
    Shot("search", "search?q=4HJ2"),
    Shot("settings", "settings/accounts"),
)
CLIENT = (Shot("portal", "portal", opens=CASES),)


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
            if shots is STAFF:
                _take_import(page, base_url)
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
        page.click(shot.opens)
        page.wait_for_load_state()
    _keep(page, shot.name, is_whole=shot.window is WIDE)  # the bar of a phone stands at the foot of the window


def _take_import(page: Page, base_url: str) -> None:
    """Drop a file, let its rows be checked, and take what the page says of them; then the file is dropped again."""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    page.goto(f"{base_url}/imports")
    client = page.locator("select[name=client] option").nth(1).inner_text()
    rows = ROWS.format(client=client).encode()
    page.set_input_files("#file", {"name": "units.csv", "mimeType": "text/csv", "buffer": rows})
    page.click(f"form:has(#file) {SENDS}")
    _keep(page, "import-columns", is_whole=True)
    page.click(f"form:has(select) {SENDS}")
    page.locator("main .faults").wait_for()
    _keep(page, "import", is_whole=True)
    page.get_by_role("button", name="Drop this file").click()


def _keep(page: Page, name: str, *, is_whole: bool) -> None:
    """Write a picture, in as many colours as it needs to look the same."""
    seen = Image.open(io.BytesIO(page.screenshot(full_page=is_whole))).convert("RGB")
    seen.quantize(256, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
