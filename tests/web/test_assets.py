"""The units' pages: what they show, what they cost, and that nobody loses anything there."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from tests import factories
from tests.web.conftest import World, watching
from tests.web.test_staff import one_of_each
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import AssetState, Ownership, Role, Share
from warranty.models import Asset
from warranty.services import moves

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse


def manager(world: World) -> Visitor:
    """A service manager, who may do everything that these pages offer."""
    return visit(world.app, world.users[Role.SERVICE_MANAGER])


def statements(world: World, ask: Any) -> int:
    """How many statements the database gets for a page that is answered."""
    with watching(world) as seen:
        answer: TestResponse = ask()
    assert answer.status_code == 200
    return len(seen["statements"])


def unit_of(session: Session, public_id: UUID) -> Asset:
    """The row of a unit."""
    return session.scalars(select(Asset).where(Asset.public_id == public_id)).one()


# --- one unit ---

MOST_OF_A_UNIT = 18


def test_a_unit_says_who_pays_each_share_and_until_when(world: World) -> None:
    ends_on = factories.today() + timedelta(days=400)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        unit = unit_of(session, world.ours.covered)
        factories.make_coverage(
            session, unit, contract_number="LAB-1", ends_on=ends_on, covers=(Share.LABOUR,), name="Rack service"
        )

    said = words(manager(world).get(f"/assets/{world.ours.covered}").text)

    assert world.ours.covered_serial in said
    assert f"Labour covered until {ends_on.day} {ends_on:%b %Y}" in said
    assert "Parts covered, with no end" in said
    assert "Rack service" in said


def test_a_unit_shows_those_before_and_after_it_its_cases_and_its_history(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        old, client = unit_of(session, world.ours.covered), factories.find_client(session, world.ours.name)
        chain = [old, *(factories.make_asset(session, client, f"NEXT-{number}") for number in range(3))]
        moves.move(session, old, AssetState.FAULTY, factories.BECAUSE)
        for one, other in pairwise(chain):
            one.state, one.replaced_by_id = AssetState.REPLACED, other.id
        middle = chain[1].public_id
    case = world.report(serial_number=world.ours.bare_serial)
    visitor = manager(world)

    page = visitor.get(f"/assets/{middle}").text

    line = page[page.index('class="lineage"') : page.index("</ol>", page.index('class="lineage"'))]
    said = words(line)
    assert [said.index(serial) for serial in (world.ours.covered_serial, "NEXT-0", "NEXT-1", "NEXT-2")] == sorted(
        said.index(serial) for serial in (world.ours.covered_serial, "NEXT-0", "NEXT-1", "NEXT-2")
    )
    assert line.count("<a href=") == 3
    assert "In service → Faulty" in words(visitor.get(f"/assets/{world.ours.covered}").text)
    bare = visitor.get(f"/assets/{world.ours.bare}").text
    assert f"/cases/{case['id']}" in bare
    assert f"/faults/new?serial_number={world.ours.bare_serial}" in bare


def test_a_unit_costs_the_same_few_statements_whatever_hangs_on_it(world: World) -> None:
    visitor, path = manager(world), f"/assets/{world.ours.covered}"
    few = statements(world, lambda: visitor.get(path))
    for number in range(3):
        world.report(serial_number=world.ours.covered_serial, component_ref=f"bay {number}")
    with world.runtime.database.begin(db.EVERYBODY) as session:
        unit = unit_of(session, world.ours.covered)
        for number in range(20):
            factories.make_coverage(session, unit, contract_number=f"MORE-{number}")
    many = statements(world, lambda: visitor.get(path))

    assert max(few, many) <= MOST_OF_A_UNIT


# --- the list ---


def units_in(page: str) -> list[str]:
    """The serial numbers that a list shows, in its order."""
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', page)


def make_units(world: World, count: int, **facts: Any) -> list[str]:
    """As many units of our client, quickly; their serial numbers."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        made = [factories.make_asset(session, client, f"MANY-{number:04}", **facts) for number in range(count)]
        return [one.serial_number for one in made]


def test_the_list_has_no_gap_between_its_pages_in_either_direction(world: World) -> None:
    made, visitor = make_units(world, 120), manager(world)
    for sort, wanted in (("serial", made), ("-serial", made[::-1]), ("name", None), ("-name", None)):
        seen, path = [], f"/assets?client={world.ours.id}&q=many&sort={sort}"
        while path:
            page = visitor.get(path).text
            seen += units_in(page)
            found = re.search(r'href="([^"]*)" rel="next"', page)
            path = html.unescape(found[1]) if found else ""

        assert seen == wanted or (wanted is None and sorted(seen) == made)


def test_the_list_is_narrowed_by_everything_that_it_offers(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        product = factories.make_product(session, "Juniper", "EX4300")
        site = factories.make_site(session, client, "Umspannwerk")
        soon = factories.make_asset(session, client, "SOON", product=product, name="switch-7", asset_tag="T-77")
        factories.make_coverage(session, soon, ends_on=factories.today() + timedelta(days=20))
        ended = factories.make_asset(session, client, "ENDED", site=site, ownership=Ownership.MSP)
        factories.make_coverage(session, ended, ends_on=factories.today() - timedelta(days=20))
        later = factories.make_asset(session, client, "LATER")
        factories.make_coverage(session, later, starts_on=factories.today() + timedelta(days=20))
        moves.move(session, later, AssetState.FAULTY, factories.BECAUSE)
        site_id, product_id = site.public_id, product.public_id
    visitor = manager(world)
    wanted = {
        "cover=ends&days=30": ["SOON"],
        "cover=ends&days=10": [],
        "cover=ended": ["ENDED"],
        "cover=gap": ["LATER"],
        "cover=covered": [world.ours.covered_serial, "SOON"],
        "cover=none": [world.ours.bare_serial],
        "cover=unasked": [],
        f"site={site_id}": ["ENDED"],
        f"product={product_id}": ["SOON"],
        "maker=JUNIPER": ["SOON"],
        "ownership=msp": ["ENDED"],
        "state=faulty": ["LATER"],
        "q=switch": ["SOON"],
        "q=t-7": ["SOON"],
        "q=lat": ["LATER"],
        "q=%25": [],
    }

    found = {query: units_in(visitor.get(f"/assets?client={world.ours.id}&{query}").text) for query in wanted}

    assert found == wanted


def test_a_list_costs_at_most_six_statements_however_it_is_narrowed(world: World) -> None:
    visitor = manager(world)
    queries = (
        "",
        "?cover=ends",
        "?q=canary&sort=-name",
        f"?client={world.ours.id}&site={world.ours.site}&state=in_service",
    )
    few = {query: statements(world, lambda query=query: visitor.get(f"/assets{query}")) for query in queries}
    make_units(world, 60)

    many = {query: statements(world, lambda query=query: visitor.get(f"/assets{query}")) for query in queries}

    assert many == few
    assert max(many.values()) <= 6


def test_a_spreadsheet_holds_what_the_list_shows_and_no_formula(world: World) -> None:
    make_units(world, 60, name="=1+1", asset_tag="00042")
    visitor = manager(world)
    visitor.get("/assets/columns")
    form = MultiDict([("csrf_token", visitor.hidden("csrf_token")), ("column", "name"), ("column", "tag")])
    assert visitor.browser.post("/assets/columns?q=many", data=form).status_code == 303
    assert "PowerEdge" not in visitor.get("/assets").text

    said = visitor.get("/assets/export?q=many&sort=-serial&format=csv").text
    rows = list(csv.reader(io.StringIO(said.removeprefix("\ufeff"))))
    book = visitor.browser.get("/assets/export?q=many&sort=-serial&format=xlsx")
    with zipfile.ZipFile(io.BytesIO(book.data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()

    assert rows[0] == ["Serial number", "Name", "Asset tag"]
    assert [row[0] for row in rows[1:]] == [f"MANY-{number:04}" for number in range(59, -1, -1)]
    assert rows[1][1:] == ["'=1+1", "00042"]
    assert "<f>" not in sheet
    assert sheet.count("=1+1") == 60
    assert sheet.index("MANY-0059") < sheet.index("MANY-0000")


# --- changing one ---


def test_a_unit_is_changed_with_its_reason_and_a_serial_that_is_none_is_refused_beside_its_field(world: World) -> None:
    path, visitor = f"/assets/{world.ours.covered}/edit", manager(world)
    visitor.get(path)
    typed = {
        "serial_number": world.ours.covered_serial,
        "name": "rt-maasvlakte-1",
        "ownership": "leased",
        "reason": "Moved.",
    }

    refused = visitor.send(path, **typed | {"serial_number": "N/A"}, version=visitor.hidden("version"))
    assert refused.status_code == 422
    assert 'id="err-serial_number"' in refused.text
    assert visitor.value("name") == "rt-maasvlakte-1"
    assert visitor.send(path, **typed, version=visitor.hidden("version")).status_code == 303

    page = words(visitor.get(f"/assets/{world.ours.covered}").text)
    assert "rt-maasvlakte-1" in page
    assert "Moved." in page


# --- what stands above the list, and in its order of ends ---


def make_ends(world: World) -> None:
    """Units of our client of which one ends soon, one late, one in between by its product, one never, one is at no end of ours."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        product = factories.make_product(session, "Juniper", "EX4300")
        site = factories.make_site(session, client, "Umspannwerk")
        made = {name: factories.make_asset(session, client, f"END-{name}") for name in ("SOON", "LATE", "EVER", "NONE")}
        factories.make_coverage(session, made["SOON"], ends_on=factories.today() - timedelta(days=9))
        factories.make_coverage(session, made["SOON"], ends_on=factories.today() + timedelta(days=20))
        factories.make_coverage(session, made["LATE"], ends_on=factories.today() + timedelta(days=900))
        factories.make_coverage(session, made["EVER"], ends_on=None)
        here = factories.make_asset(session, client, "END-HERE", product=product, site=site)
        factories.make_asset(session, client, "END-THERE", product=product)
        assert here.site_id == site.id
        factories.make_coverage(
            session, product, client=client, sites=[site], ends_on=factories.today() + timedelta(days=40)
        )


def test_units_are_put_in_the_order_in_which_their_cover_ends_page_after_page(world: World) -> None:
    make_ends(world)
    visitor, path = manager(world), f"/assets?client={world.ours.id}&q=end-"
    order = ["END-SOON", "END-HERE", "END-LATE", "END-EVER"]

    up = units_in(visitor.get(f"{path}&sort=ends").text)
    down = units_in(visitor.get(f"{path}&sort=-ends").text)
    behind = visitor.get(f"{path}&sort=ends&after={factories.today() + timedelta(days=40)}~{world.ours.covered}").text

    assert (up[:4], set(up[4:])) == (order, {"END-NONE", "END-THERE"})
    assert (down[:4], set(down[4:])) == (order[::-1], {"END-NONE", "END-THERE"})
    assert units_in(behind)[-4:-2] == order[2:]
    assert visitor.get(f"{path}&sort=ends&after=soon~{world.ours.covered}").status_code == 200


def test_the_list_says_of_a_unit_what_its_own_page_says(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        made = {
            name: factories.make_asset(session, client, f"SAYS-{name}") for name in ("WAITS", "PARTS", "BOTH", "GONE")
        }
        factories.make_coverage(
            session, made["WAITS"], starts_on=factories.today() - timedelta(days=3), waiting_days=14
        )
        factories.make_coverage(session, made["PARTS"])
        factories.make_coverage(session, made["BOTH"], covers=tuple(Share))
        moves.move(session, made["GONE"], AssetState.LOST, factories.BECAUSE)
        ids = {name: unit.public_id for name, unit in made.items()}
    visitor = manager(world)
    page = visitor.get(f"/assets?client={world.ours.id}&q=says-").text
    rows = {serial: row for row in page.split("<tr data-row>")[1:] for serial in units_in(row)}

    badge = r'<span class="badge-v[^"]*">(?:<svg.*?</svg>)?([^<]+)'
    listed = {name: re.findall(badge, rows[f"SAYS-{name}"]) for name in ids}
    alone = {name: re.findall(badge, visitor.get(f"/assets/{id_}").text)[:1] for name, id_ in ids.items()}

    assert listed == alone
    assert listed == {"WAITS": ["Not covered"], "PARTS": ["Partly covered"], "BOTH": ["Covered"], "GONE": []}


def test_the_views_say_how_many_units_each_has(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, world.ours.name)
        factories.make_coverage(
            session,
            factories.make_asset(session, client, "SOON"),
            ends_on=factories.today() + timedelta(days=20),
        )
    visitor = manager(world)

    with watching(world) as seen:
        said = words(visitor.get("/assets/counts?cover=none").text)

    assert said.startswith("All 5 Ends in 90 days 1 No cover 2 Never asked 0 In RMA 0")
    assert len(seen["statements"]) <= 6


def test_the_list_counts_what_waits_for_a_person_like_every_page(world: World) -> None:
    one_of_each(world, "bay 0")  # the job's quote waits for the client, which is no task of ours
    visitor = manager(world)

    counts = {page: re.search(r'<span class="n">(\d+)<', visitor.get(page).text) for page in ("/", "/assets")}

    assert counts["/"]
    assert counts["/assets"]
    assert counts["/assets"][1] == counts["/"][1]
