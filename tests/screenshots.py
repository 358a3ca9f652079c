"""``make screenshots``: the pictures of the documents, taken from a demo that is running; see the README."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"


def main() -> None:
    """Sign in to ``WARRANTY_BASE_URL`` as a member of staff and as a client, and take one picture of each one's case."""
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
        for login, name, search in zip(logins, ("case", "portal"), ("?shows=all&q=7XK4P03", ""), strict=True):
            page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB")
            _take(page, base_url, login, name, search)
        browser.close()


def _take(page: Page, base_url: str, login: str, name: str, search: str) -> None:
    email, _, password = login.partition(":")
    page.goto(f"{base_url}/login")
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.goto(f"{base_url}/{'cases' + search if name == 'case' else 'portal'}")
    page.click("main h3 a")
    page.wait_for_load_state()
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
