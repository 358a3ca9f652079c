"""What holds for every staff page and every form on one, those that will be included.

A page costs the same few statements however much there is; a form loses nothing that was typed, says what is wrong, and acts
once. Pages are read from the application, forms from the pages, and rows of every table are copied by machine: whoever adds
one adds no line here.
"""

from __future__ import annotations

import gzip
import html
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from tests.app import owner_of
from tests.web.conftest import World, make_world, watching
from tests.web.form_reading import Form, forms_of
from tests.web.look import serving
from tests.web.owned import own_everything, own_nothing
from tests.web.routes import ASKED, address, pages
from tests.web.test_look import EVERY_RULE, RULES_OF_COLOUR, Visit, violations, visiting
from tests.web.visitor import Visitor, visit
from warranty.domain.terms import Role
from warranty.models import Base, Fault, File
from warranty.web import guards

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask import Flask
    from playwright.sync_api import Browser
    from sqlalchemy import Connection, Table
    from werkzeug.routing import Rule

    from tests.web.owned import Owned
    from warranty.runtime import Runtime

COPIES = 55
"""More rows than a page of any list shows."""

MOST = 6
MOST_OF_ONE = 16
"""What a page may cost that is about one thing, with everything that belongs to it."""

ALONE = {"audit_chain", "audit_gap", "audit_seal", "audit_row", "lease", "idempotency_key", "outbox", "file"}
"""Tables of which no list shows the rows, or whose rows hang together in a chain, or with what is stored elsewhere."""

NOT_A_CHOICE = 400
"""What a form answers that has nothing but choices, to one that it does not offer."""

HUGE = "Ω" * 9_000
LIKELY = {"email": "mia@client.example", "date": "2026-11-02", "datetime-local": "2026-03-02T08:00", "number": "1"}
"""What a person types into a field of a type."""

Twins = defaultdict[str, "dict[int, Sequence[int]]"]
"""Of each table the keys of the copies of each row, by the row's key."""


class Place(NamedTuple):
    """A world full of rows, and one object of every kind in it."""

    world: World
    owned: Owned


@pytest.fixture(scope="module")
def crowd(module_runtime: Runtime, apps: dict[str, Flask]) -> Place:
    """A world with one of everything, and then with many copies of it all."""
    world = make_world(module_runtime, apps)
    owned = own_everything(world, world.ours) | own_nothing(world, world.ours.product)
    with owner_of(module_runtime.database).begin() as connection:
        copy_everything(connection, COPIES)
    return Place(world, owned)


def copy_everything(connection: Connection, copies: int) -> None:
    """Copy the rows of all tables: a copy refers to the copy of what its original refers to, and is called otherwise."""
    twins: Twins = defaultdict(dict)
    for table in Base.metadata.sorted_tables:
        if table.name in ALONE or "id" not in table.c:
            continue
        originals = connection.execute(select(table).order_by(table.c.id)).mappings().all()
        free = max((row["id"] for row in originals), default=0) + 1
        twins[table.name] = {
            row["id"]: range(free + place, free + place + copies * len(originals), len(originals))
            for place, row in enumerate(originals)
        }
        made = [_copy(table, row, number, twins) for number in range(copies) for row in originals]
        if made:
            connection.execute(insert(table), made)


def _copy(table: Table, row: Any, number: int, twins: Twins) -> dict[str, Any]:
    unique = {
        column.name for part in (*table.constraints, *table.indexes) if _is_unique(part) for column in part.columns
    }
    copy: dict[str, Any] = dict(row) | {"id": twins[table.name][row["id"]][number]}
    for column in table.c:
        value = row[column.name]
        refers = next(iter(column.foreign_keys), None)
        if value is None or column.name == "id":
            continue
        if refers is not None and refers.column.table is table:
            copy[column.name] = None
        elif refers is not None:
            copy[column.name] = twins[refers.column.table.name].get(value, [value] * COPIES)[number]
        elif isinstance(value, UUID):
            copy[column.name] = uuid4()
        elif column.name in unique and type(value) is str:
            copy[column.name] = value[: (column.type.length or 64) - 4] + f"~{number:02}"  # type: ignore[attr-defined]  # of a String
    return copy


def _is_unique(part: Any) -> bool:
    return type(part).__name__ == "UniqueConstraint" or bool(getattr(part, "unique", False))


def cost(place: Place, visitor: Visitor, rule: Rule) -> int:
    """How many statements a page takes that is shown."""
    of = guards.access_of(place.world.app, rule.endpoint).of
    path = address(rule, place.owned[of or Fault]) + ASKED.get(rule.endpoint, "")
    with watching(place.world) as seen:
        answer = visitor.browser.get(path)
    # A page may lead on, or be of a thing in one state only; a file may have been taken away by a form of another test.
    also = {409, 404} if of is File else {409} if of else set()
    assert answer.status_code in {200, 302, 303} | also, f"{path}: {answer.status_code}"
    answer.close()  # it may be a file
    return len(seen["statements"])


def test_no_page_costs_more_than_a_few_statements_however_many_rows_there_are(crowd: Place) -> None:
    visitor = admin(crowd)
    found = {rule.rule: cost(crowd, visitor, rule) for rule in pages(crowd.world.app)}

    assert {rule: count for rule, count in found.items() if count > (MOST_OF_ONE if "<" in rule else MOST)} == {}
    assert "/cases" in found


# --- forms ---


def admin(place: Place) -> Visitor:
    """Who may send every form."""
    return visit(place.world.app, place.world.users[Role.ADMIN])


def forms(place: Place, visitor: Visitor) -> Iterator[tuple[str, Form]]:
    """Every form that a person fills in, with the page where it stands; of one that stands on many pages, one."""
    seen = set()
    for rule in pages(place.world.app):
        of = guards.access_of(place.world.app, rule.endpoint).of
        path = address(rule, place.owned[of or Fault]) + ASKED.get(rule.endpoint, "")
        answer = visitor.browser.get(path)
        is_page = answer.status_code == 200 and answer.data.startswith(b"<!doctype html>")
        answer.close()  # it may be a file
        if not is_page:
            continue
        for form in forms_of(answer.text):
            if form.is_filled_in and form.action not in seen:
                seen.add(form.action)
                if "idempotency_key" in form.values:  # the forms of a page share one, and each is sent here as if alone
                    form.values["idempotency_key"] = str(uuid4())
                yield path, form


def answered(visitor: Visitor, form: Form, typed: dict[str, str]) -> tuple[int, str]:
    """The status and the text of what comes when a form is sent with this typed into it."""
    answer = visitor.browser.post(form.action, data=form.values | typed)
    return answer.status_code, answer.text


def flaws_of_refusal(page: str, form: Form, typed: dict[str, str]) -> list[str]:
    """What is wrong with a page that refuses a form: no summary, no word beside a field, or something typed is gone."""
    flaws = []
    beside = re.findall(r'id="err-([^"]+)"', page)
    if not beside:
        flaws.append("no message beside a field")
    if "<title>Error:" not in page.replace("\n", ""):
        flaws.append("the title does not say so")
    if (linked := set(re.findall(r'<li><a href="#([^"]+)"', page))) - set(re.findall(r' id="([^"]+)"', page)):
        flaws.append(f"the summary leads nowhere: {linked}")
    text = html.unescape(page)
    flaws += [f"{name} is lost" for name in form.texts if typed[name] and typed[name] not in text]
    return flaws


def test_what_is_far_too_long_is_refused_beside_its_field_and_still_there(crowd: Place) -> None:
    visitor = admin(crowd)
    found: dict[str, object] = {}
    for path, form in forms(crowd, visitor):
        typed = dict.fromkeys(form.texts, HUGE) | dict.fromkeys((*form.kinds, *form.choices), "nonsense")
        status, page = answered(visitor, form, typed)
        flaws = flaws_of_refusal(page, form, typed) if status == 422 else [f"{status}"]
        if flaws and status not in {409, NOT_A_CHOICE if not form.texts else 409}:
            found[f"{path}: {form.action}"] = flaws

    assert not found, "\n".join(f"{where}: {what}" for where, what in found.items())


def test_an_empty_form_is_taken_or_says_what_is_missing(crowd: Place) -> None:
    visitor = admin(crowd)
    found: dict[str, object] = {}
    for path, form in forms(crowd, visitor):
        typed = dict.fromkeys((*form.texts, *form.kinds), "")
        kept = {name: value for name, value in form.values.items() if name not in form.choices}
        status, page = answered(visitor, Form(form.action, kept, form.texts), typed)
        flaws = flaws_of_refusal(page, form, typed) if status == 422 else []
        if flaws or status not in {303, 409, 422, NOT_A_CHOICE if not form.texts else 422}:
            found[f"{path}: {form.action}"] = flaws or status

    assert not found, "\n".join(f"{where}: {what}" for where, what in found.items())


def test_a_form_that_is_sent_twice_acts_once(crowd: Place) -> None:
    visitor = admin(crowd)
    found: dict[str, object] = {}
    taken = []
    for path, form in forms(crowd, visitor):
        if "idempotency_key" not in form.values:
            found[f"{path}: {form.action}"] = "has no key"
            continue
        likely = {name: form.values.get(name) or "Likely" for name in form.texts}
        likely |= {name: form.values.get(name) or LIKELY.get(kind, "") for name, kind in form.kinds.items()}
        likely |= {
            name: form.values.get(name) or next(filter(None, values), "")
            for name, values in form.choices.items()
            if not name.endswith("_more")
        }
        first = visitor.browser.post(form.action, data=form.values | likely)
        if first.status_code != 303:
            continue
        taken.append(form.action)
        with watching(crowd.world) as seen:
            second = visitor.browser.post(form.action, data=form.values | likely)
        wrote = [one for one in seen["statements"] if re.match(r"\s*(INSERT|UPDATE|DELETE)", one)]
        if (second.status_code, second.location, wrote) != (303, first.location, []):
            found[f"{path}: {form.action}"] = (second.status_code, second.location, wrote)

    assert not found, "\n".join(f"{where}: {what}" for where, what in found.items())
    assert taken


# --- in a browser ---

LARGEST_VISIT = 180_000
"""Bytes of a first visit, compressed; the scanner comes when somebody scans."""


@pytest.fixture
def seen(crowd: Place, browser: Browser) -> Iterator[tuple[Visit, str]]:
    """The product itself in a browser where an admin has signed in, and its address."""
    visitor = admin(crowd)
    cookie = visitor.browser.get_cookie("session")
    assert cookie is not None
    with serving(crowd.world.app) as url, visiting(browser, reduced_motion="reduce") as visit_:
        visit_.page.context.add_cookies([{"name": "session", "value": cookie.value, "url": url}])
        yield visit_, url


@pytest.mark.timeout(300)  # all pages in one window
@pytest.mark.parametrize("module_runtime", ["sqlite"], indirect=True)
def test_every_page_is_accessible_fits_and_is_small_in_a_browser(seen: tuple[Visit, str], crowd: Place) -> None:
    visit_, url = seen
    page = visit_.page
    found: dict[str, object] = {}
    for rule in pages(crowd.world.app):
        of = guards.access_of(crowd.world.app, rule.endpoint).of
        path = address(rule, crowd.owned[of or Fault]) + ASKED.get(rule.endpoint, "")
        with admin(crowd).browser.get(path) as answer:  # it may be a file
            is_page = answer.status_code == 200 and answer.data.startswith(b"<!doctype html>")
        if not is_page:
            continue
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light")
        page.goto(url + path)
        loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        flaws = [violations(page, EVERY_RULE)]
        page.set_viewport_size({"width": 360, "height": 800})
        page.emulate_media(color_scheme="dark")
        flaws += [violations(page, RULES_OF_COLOUR)]
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > 360:
            flaws.append(f"scrolls sideways: {wide}")
        if not page.title().endswith(" · Warranty") or page.locator("h1").count() != 1:
            flaws.append("title or heading")
        if (size := sum(weight(crowd, one.removeprefix(url)) for one in {url + path, *loaded})) > LARGEST_VISIT:
            flaws.append(f"{size} bytes")
        flaws += visit_.complaints
        visit_.complaints.clear()
        if any(flaws):
            found[rule.rule] = [flaw for flaw in flaws if flaw]

    assert not found, "\n".join(f"{where}: {what}" for where, what in found.items())


def weight(place: Place, path: str) -> int:
    """The bytes of an answer as it goes over the wire: a font is compressed in itself, all else on the way."""
    with admin(place).browser.get(path) as answer:
        body = answer.data
    return 0 if "zxing" in path else len(body) if path.endswith(".woff2") else len(gzip.compress(body))
