"""The look: every page in a real browser, light and dark, wide and narrow, in each language; the tokens; the files.

Pages are shown with example values by a bare app, under the policy that the product sends.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults

from tests.web import examples
from tests.web.look import ROOT, make_app, serving
from warranty.web.headers import HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

CSS = (ROOT / "static" / "app.css").read_text(encoding="utf-8")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
DESKTOP, PHONE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}, {"width": 320, "height": 700}
SCALES = ("bare", "few", "many")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOUR = ["color-contrast", "link-in-text-block"]
EVERY_RULE: dict[str, Any] = {"runOnly": {"type": "tag", "values": TAGS}}
ALL_BUT_COLOUR = EVERY_RULE | {"rules": {rule: {"enabled": False} for rule in COLOUR}}
RULES_OF_COLOUR: dict[str, Any] = {"runOnly": {"type": "rule", "values": COLOUR}}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the example pages."""
    with serving(make_app()) as address:
        yield address


@dataclass(slots=True)
class Visit:
    """One page in one browser window, and everything the browser complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Visit]:
    """The browser window of `visit`: to open one takes longer than to show a page."""
    with visiting(browser, reduced_motion="reduce") as visit:  # colours change at once, not by and by
        yield visit


@pytest.fixture
def visit(window: Visit) -> Visit:
    """A window for tests that look at pages and touch nothing: what a page stores would be there for the next."""
    window.complaints.clear()
    return window


@contextmanager
def visiting(browser: Browser, **window: Any) -> Iterator[Visit]:
    context: BrowserContext = browser.new_context(**window)
    page = context.new_page()
    visit = Visit(page)
    # A breach of the policy is a console error of its own; it never goes unseen.
    page.on("console", lambda said: visit.complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda err: visit.complaints.append(str(err)))
    page.on("response", lambda answer: visit.complaints.append(answer.url) if answer.status >= 400 else None)
    try:
        yield visit
    finally:
        context.close()


def violations(page: Page, rules: dict[str, Any]) -> str:
    """What axe finds against the page as it stands, in words; empty where it finds nothing."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # Whatever passed stays in the browser: to hand it over takes five times as long as to find it.
    run = "async (rules) => (await axe.run({...rules, resultTypes: ['violations'], preload: false})).violations"
    found = AxeResults({"violations": page.evaluate(run, rules)})
    return found.generate_report() if found.violations_count else ""


@pytest.mark.parametrize("name", examples.PAGES)
def test_a_page_is_accessible_and_keeps_the_policy(visit: Visit, site: str, name: str) -> None:
    # Colours take two thirds of the time, and do not depend on how many rows there are.
    looks = {
        "bare": (("light", DESKTOP, ALL_BUT_COLOUR),),
        "few": (("light", DESKTOP, EVERY_RULE), ("dark", DESKTOP, RULES_OF_COLOUR)),
        "many": (("light", PHONE, ALL_BUT_COLOUR),),
    }
    for scale in SCALES:
        visit.page.goto(f"{site}/look/{name}/{scale}")
        for scheme, size, rules in looks[scale]:
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.set_viewport_size(size)
            assert violations(visit.page, rules) == "", (scale, scheme)
    assert visit.complaints == []


@pytest.mark.parametrize(
    ("rules", "flaw"),
    [
        (EVERY_RULE, "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=/static/logo.svg>')"),
        (RULES_OF_COLOUR, "document.querySelector('h1').style.color = 'rgb(40, 40, 40)'"),
    ],
    ids=["image without words", "dark on dark"],
)
def test_a_flaw_is_found(visit: Visit, site: str, rules: dict[str, Any], flaw: str) -> None:
    visit.page.emulate_media(color_scheme="dark")
    visit.page.goto(f"{site}/look/board/few")
    assert violations(visit.page, rules) == ""

    visit.page.evaluate(flaw)

    assert "Found 1 accessibility violations" in violations(visit.page, rules)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", examples.PAGES)
def test_no_page_scrolls_sideways_on_the_narrowest_screen(visit: Visit, site: str, name: str, language: str) -> None:
    visit.page.set_viewport_size(NARROW)
    for scale in SCALES:
        visit.page.goto(f"{site}/look/{name}/{scale}?lang={language}")

        assert visit.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], scale


def test_a_page_that_does_not_fit_is_noticed(visit: Visit, site: str) -> None:
    visit.page.set_viewport_size(NARROW)
    visit.page.goto(f"{site}/look/board/many")
    visit.page.evaluate("document.querySelector('h1').style.width = '400px'")

    assert visit.page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]


def test_a_breach_of_the_policy_is_noticed(visit: Visit, site: str) -> None:
    visit.page.goto(f"{site}/look/board/few")
    visit.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")

    assert any("Content Security Policy" in said for said in visit.complaints)


def test_the_examples_are_shown_under_the_policy_of_the_product() -> None:
    answer = make_app().test_client().get("/look/error/bare")

    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("name", examples.PAGES)
def test_every_page_has_a_title_one_heading_and_its_language(visit: Visit, site: str, name: str) -> None:
    visit.page.goto(f"{site}/look/{name}/many?lang=de")

    assert re.fullmatch(r"\S.* · Warranty", visit.page.title())
    assert visit.page.locator("h1").count() == 1
    assert visit.page.locator("html").get_attribute("lang") == "de"


@pytest.mark.parametrize("name", ["report", "portal-report", "sign-in"])
def test_a_form_with_errors_says_so_in_its_title_and_leads_to_each(browser: Browser, site: str, name: str) -> None:
    with visiting(browser, viewport=DESKTOP) as visit:
        page = visit.page
        page.goto(f"{site}/look/{name}/many")

        assert page.title().startswith("Error:")
        links = page.locator(".problem a")
        for link in links.all():
            target = link.get_attribute("href") or ""
            assert page.locator(target).get_attribute("aria-invalid") == "true"
        assert links.count() > 0
        assert page.evaluate("document.activeElement.matches('.problem')")


def test_the_cause_is_never_preset(browser: Browser, site: str) -> None:
    for name in ("report", "portal-report"):
        with visiting(browser, viewport=DESKTOP) as visit:
            visit.page.goto(f"{site}/look/{name}/bare")

            assert visit.page.locator("[name=cause]:checked").count() == 0
            assert visit.page.locator("[name=cause_more]").input_value() == ""


def test_a_choice_in_the_select_clears_the_pills_and_the_other_way_round(browser: Browser, site: str) -> None:
    with visiting(browser, viewport=DESKTOP) as visit:
        page = visit.page
        page.goto(f"{site}/look/report/few")
        page.locator("[name=component_more]").select_option("lamp")
        assert page.locator("[name=component]:checked").count() == 0

        page.get_by_text("Fan", exact=True).click()
        assert page.locator("[name=component_more]").input_value() == ""


def test_the_timeline_can_be_narrowed_to_the_vendor(browser: Browser, site: str) -> None:
    with visiting(browser, viewport=DESKTOP) as visit:
        page = visit.page
        page.goto(f"{site}/look/case/few")
        everything = page.locator(".tl > li:visible").count()
        page.get_by_role("button", name="Vendor").click()
        page.locator(".tl > li").filter(visible=False).first.wait_for(state="attached")

        assert 0 < page.locator(".tl > li:visible").count() < everything
        assert page.get_by_role("button", name="Vendor").get_attribute("aria-pressed") == "true"


def test_a_number_is_copied(browser: Browser, site: str) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    with visiting(browser, viewport=DESKTOP, permissions=permissions) as visit:
        page = visit.page
        page.goto(f"{site}/look/case/few")
        page.get_by_role("button", name="Copy RMA").click()
        page.get_by_role("status").filter(has_text="Copied").wait_for(state="attached")

        assert page.evaluate("navigator.clipboard.readText()") == "739204118"


def test_keys_lead_to_search_and_rows_and_can_be_switched_off(browser: Browser, site: str) -> None:
    with visiting(browser, viewport=DESKTOP) as visit:
        page = visit.page
        page.goto(f"{site}/look/board/many")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.closest('[data-row]') !== null")
        boxes = page.locator("[data-row] input[type=checkbox]:checked")
        page.keyboard.press("x")
        assert boxes.count() == 1
        page.keyboard.press("x")
        assert boxes.count() == 0
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.name") == "q"

        page.locator("h1").click()
        page.keyboard.press("?")
        page.get_by_label("Single keys do something").uncheck()
        page.get_by_role("button", name="Close").click()
        page.locator("h1").click()
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.name") != "q"


def test_a_session_about_to_end_says_so_two_minutes_before_and_can_be_prolonged(browser: Browser, site: str) -> None:
    with visiting(browser, viewport=DESKTOP) as visit:
        page = visit.page
        page.clock.install()
        page.goto(f"{site}/look/report/few")
        page.locator("input[name=q]").fill("It beeps.")
        notice = page.locator("#session-ends")
        length_ms = int(notice.get_attribute("data-seconds") or 0) * 1000
        page.clock.fast_forward(length_ms - 150_000)
        page.clock.run_for(1000)
        assert notice.is_hidden()

        page.clock.fast_forward(40_000)
        page.clock.run_for(1000)
        page.get_by_role("button", name="Stay signed in").click()
        notice.wait_for(state="hidden")

        page.clock.fast_forward(length_ms + 1000)
        page.clock.run_for(1000)
        assert "You have been signed out" in notice.inner_text()
        assert page.locator("input[name=q]").input_value() == "It beeps."


def test_the_rooms_behind_more_go_away_by_escape(browser: Browser, site: str) -> None:
    with visiting(browser, viewport=PHONE) as visit:
        rooms = visit.page.locator(".beyond nav").first
        visit.page.goto(f"{site}/look/board/few")
        visit.page.get_by_text("More", exact=True).click()
        assert rooms.is_visible()

        visit.page.keyboard.press("Escape")
        assert rooms.is_hidden()


def test_printed_pages_are_light_and_without_navigation(browser: Browser, site: str) -> None:
    with visiting(browser, viewport=DESKTOP, color_scheme="dark") as visit:
        page = visit.page
        page.goto(f"{site}/look/case/few")
        page.emulate_media(media="print")

        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not page.locator(".side").is_visible()
        assert not page.locator(".bar").is_visible()


def test_a_first_visit_stays_inside_its_budget(browser: Browser, site: str) -> None:
    sizes: dict[str, int] = {}
    with visiting(browser, viewport=DESKTOP) as visit:
        visit.page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
        visit.page.goto(f"{site}/look/case/few")
        visit.page.wait_for_load_state("networkidle")

    fonts = sum(size for url, size in sizes.items() if url.endswith(".woff2"))
    assert 0 < fonts < 65_000  # already compressed; the extended letters of "Łódź" are not on this page
    assert not any("latin-ext" in url for url in sizes)


# --- the tokens ---


def tokens() -> dict[str, tuple[str, str]]:
    """Every colour token: its light and its dark value."""
    return {
        name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", CSS)
    }


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


GROUNDS = ("paper", "surface", "raised", "inset")
TEXT = {
    **dict.fromkeys(("ink", "ink-2", "ink-3"), (*GROUNDS, "sunken")),
    "accent": (*GROUNDS, "accent-soft"),
    "on-accent": ("accent", "accent-hover"),
    **{name: (*GROUNDS, f"{name}-soft") for name in ("covered", "partly", "uncovered", "review", "overdue")},
    "client": ("surface", "client-soft"),
    "surface": ("ink-3", "vendor", "msp", "client"),
}
GRAPHICS = {"control": ("paper", "surface"), **dict.fromkeys(("vendor", "msp", "client"), ("paper", "surface"))}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "needed"), [(TEXT, 4.5), (GRAPHICS, 3.0)], ids=["text", "graphics"])
def test_colours_stand_out_from_their_grounds(pairs: dict[str, tuple[str, ...]], needed: float, scheme: int) -> None:
    values = tokens()
    low = {
        (name, ground): round(contrast(values[name][scheme], values[ground][scheme]), 2)
        for name, grounds in pairs.items()
        for ground in grounds
    }

    assert {pair: ratio for pair, ratio in low.items() if ratio < needed} == {}


def test_no_rule_has_a_colour_of_its_own() -> None:
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
    rules = re.sub(r"--[\w-]+:[^;]+;", "", rules)
    rules = re.sub(r"@media print \{.*?\n\}", "", rules, flags=re.DOTALL)  # paper is white

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(|hsl\(", rules) == []


# --- the files ---


def test_every_brace_of_the_style_is_closed_where_it_should() -> None:
    depth = 0
    for number, line in enumerate(re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL).splitlines(), 1):
        assert depth == 0 or not line.startswith(("@media", ".")), f"an open brace before line {number}: {line}"
        depth += line.count("{") - line.count("}")

    assert depth == 0


def test_every_class_of_ours_is_used_and_every_used_class_exists() -> None:
    bootstrap = next((ROOT / "static" / "vendor").glob("bootstrap-*.css")).read_text(encoding="utf-8")
    ours = set(
        re.findall(r"\.([a-zA-Z][\w-]*)", re.sub(r"/\*.*?\*/|url\([^)]*\)|\d\.\d+\w*", "", CSS, flags=re.DOTALL))
    )
    theirs = set(re.findall(r"\.([a-zA-Z][\w-]*)", bootstrap))
    written: set[str] = set()
    for template in TEMPLATES:
        text = template.read_text(encoding="utf-8")
        for value in re.findall(r'class="([^"]*)"', text):
            literal = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", value)
            written |= {word for word in literal.split() if re.fullmatch(r"[a-zA-Z][\w-]*", word)}
    by_value = {  # a template writes these from a value or a table
        *(f"v-{look}" for look in ("covered", "partly", "uncovered", "review", "none")),
        *("paid", "unknown", "unpaid", "pays", "would_pay", "no", "open", "vendor", "msp", "client", "person", "automatic"),
        *("late", "soon", "done", "here", "yours", "unused", "wait", "reader", "quiet", "is-bad", "bad", "said", "d"),
        *("today", "other", "btn-primary", "tn", "mono", "serial", "win", "lose", "has-dock", "htmx-request", "tongue"),
    }  # fmt: skip

    assert written - ours - theirs - by_value - {"folded", "follows"} == set()
    assert ours - written - by_value - theirs == set()


def test_no_template_holds_a_style_or_a_script_of_its_own() -> None:
    for template in TEMPLATES:
        if template.parent.name == "mail":  # a mail program takes no style sheet
            continue
        text = template.read_text(encoding="utf-8")

        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\bsrc=)|javascript:|hx-on|js:", text), template


def test_vendored_files_are_those_that_their_list_names() -> None:
    folder = ROOT / "static" / "vendor"
    rows = re.findall(
        r"\| `([^`]+)` \|.*?, `(\w[\w-]*\.txt)` \| (\w{64}) \|", (folder / "LICENSES" / "README.md").read_text()
    )
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}

    assert {name: digest for name, _, digest in rows} == digests
    assert {licence for _, licence, _ in rows} == {path.name for path in (folder / "LICENSES").glob("*.txt")}


def test_every_section_of_the_style_sheet_closes_what_it_opens() -> None:
    sections = re.split(r"/\* -{10} (.+?) -{10} \*/", CSS)[1:]  # a bracket that is missing would swallow those after it
    named = dict(zip(sections[::2], sections[1::2], strict=True))

    assert {name for name, rules in named.items() if rules.count("{") != rules.count("}")} == set()
