"""The registry's pages: what they cost, that nothing typed is lost, that nobody overwrites what they have not seen."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from icalendar import Calendar
from sqlalchemy import select

from tests import factories
from tests.web.conftest import World, now, watching
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import CoverageKind, CoverageState, Role
from warranty.models import AuditRow, CalendarFeed, Client, Contract, Coverage, Person, Product, Site, User

if TYPE_CHECKING:
    from uuid import UUID

    from warranty.models import PublicRow


def manager(world: World, **headers: str) -> Visitor:
    """A service manager, who keeps the registry."""
    return visit(world.app, world.users[Role.SERVICE_MANAGER], **headers)


def row_of(world: World, table: type[PublicRow], public_id: UUID | str) -> Any:
    """A row as it stands now."""
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.scalars(select(table).where(table.public_id == public_id)).one()


def why(world: World, record: str) -> list[str]:
    """The reasons in the register of what was done to one sort of record, the newest last."""
    with world.runtime.database.read(db.EVERYBODY) as session:
        query = select(AuditRow.reason).where(AuditRow.record == record).order_by(AuditRow.id)
        return list(session.scalars(query))


def add_promises(world: World, count: int, **facts: Any) -> list[UUID]:
    """As many units on our contract, each with a promise; their ids."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = session.scalars(select(Client).where(Client.public_id == world.ours.id)).one()
        contract = session.scalars(select(Contract).where(Contract.public_id == world.ours.contract)).one()
        made = []
        for _ in range(count):
            given = {"contract": contract, "contract_number": contract.number, **facts}
            made.append(factories.make_coverage(session, factories.make_asset(session, client), **given).public_id)
        return made


# --- what a list costs ---

LISTS = ("/clients", "/products", "/contracts", "/renewals", "/renewals/calendar")
MOST = 6


@pytest.mark.parametrize("path", [*LISTS, "/clients?q=canary", "/contracts?q=canary", "/renewals?days=365&shows=all"])
def test_a_list_costs_at_most_six_statements_however_long_it_is(world: World, path: str) -> None:
    visitor, costs = manager(world), []
    for count in (1, 60):
        add_promises(world, count, ends_on=factories.today() + timedelta(20), price_minor=10_000)
        with watching(world) as seen:
            answer = visitor.get(path)
        assert answer.status_code == 200
        costs.append(len(seen["statements"]))

    assert costs[0] == costs[1]
    assert costs[0] <= MOST


@pytest.mark.parametrize("path", LISTS)
def test_whoever_only_reads_is_offered_no_change(world: World, path: str) -> None:
    reader = visit(world.app, world.users[Role.AUDITOR])

    page = reader.get(path).text

    assert "/new" not in re.sub(r"/faults/new", "", page)
    assert "/edit" not in page


def test_a_list_is_walked_to_its_end_without_a_gap(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        for number in range(120):
            factories.make_client(session, f"Same {number % 7} {number:03}")
    visitor, found, path = manager(world), [], "/clients?q=same"
    while path:
        page = visitor.get(path).text
        found += re.findall(r"Same \d \d{3}", page)
        link = re.search(r'href="([^"]*)">Next page', page)
        path = link[1].replace("&amp;", "&") if link else ""

    assert len(found) == len(set(found)) == 120
    assert found == sorted(found)


# --- forms ---


def test_a_client_is_added_found_and_changed_with_its_reason(world: World) -> None:
    visitor = manager(world)
    visitor.get("/clients/new")
    added = visitor.send("/clients/new", name="Äußere Mühle GmbH", reason="Signed on 1 March.")
    assert added.status_code == 303
    page = visitor.get(added.headers["Location"]).text
    assert "Äußere Mühle GmbH" in page

    path = re.search(r'href="(/clients/[0-9a-f-]+/edit)"', page)
    assert path
    visitor.get(path[1])
    changed = visitor.send(
        path[1], name="Äußere Mühle KG", spend_limit_minor="1,250.50", sends_mail="1", version=visitor.hidden("version")
    )

    assert changed.status_code == 303, words(changed.text)
    assert "€1,250.50" in visitor.get(changed.headers["Location"]).text
    assert "Signed on 1 March." in why(world, "client")
    assert why(world, "client")[-1] == "corrected on a page"


def test_a_sum_is_read_as_the_reader_writes_it(world: World) -> None:
    visitor = manager(world, **{"Accept-Language": "de"})
    path = f"/products/{world.ours.product}/edit"
    visitor.get(path)
    given = {"manufacturer": "Acme", "model": "ROurs", "currency": "EUR", "version": visitor.hidden("version")}

    assert visitor.value("list_price_minor") == "420,00"
    assert visitor.send(path, **given, list_price_minor="1.284,00", base_term_months="36").status_code == 303
    assert row_of(world, Product, world.ours.product).list_price_minor == 128_400
    assert row_of(world, Product, world.ours.product).base_term_months == 36


@pytest.mark.parametrize("price", ["1e999999", "1e99999", "9" * 40, "NaN", "Infinity"])
def test_a_sum_that_nobody_pays_is_refused_beside_its_field(world: World, price: str) -> None:
    visitor = manager(world)
    path = f"/products/{world.ours.product}/edit"
    visitor.get(path)
    given = {"manufacturer": "Acme", "model": "ROurs", "currency": "EUR", "version": visitor.hidden("version")}

    answer = visitor.send(path, **given, list_price_minor=price)

    assert answer.status_code == 422
    assert 'id="err-list_price_minor"' in answer.text
    assert visitor.value("list_price_minor") == price


BAD = {
    "/clients/new": ({"name": " "}, {"name"}),
    "/products/new": (
        {
            "manufacturer": "",
            "model": "M",
            "base_term_months": "three",
            "list_price_minor": "12,34,5",
            "currency": "euro",
        },
        {"manufacturer", "base_term_months", "list_price_minor", "currency"},
    ),
    "/clients/{id}/sites/new": (
        {"name": "Kept", "time_zone": "Nowhere/Town", "address_country": "Netherlands"},
        {"time_zone"},
    ),
    "/sites/{site}/contacts/new": ({"name": "", "email": "x"}, {"name"}),
    "/contracts/new": ({"client": "", "number": ""}, {"client", "number"}),
    "/contracts/{contract}/promises/new": (
        {"scope": "units", "serials": "NOBODYS-1", "starts_on": "2026-13-01", "price_minor": "-1", "currency": "EUR"},
        {"kind", "fulfilment", "covers", "starts_on", "time_zone", "price_minor"},
    ),
}


@pytest.mark.parametrize("path", BAD)
@pytest.mark.parametrize("language", ["en", "de"])
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    world: World, path: str, language: str
) -> None:
    typed, wrong = BAD[path]
    path = path.format(id=world.ours.id, site=world.ours.site, contract=world.ours.contract)
    visitor = manager(world, **{"Accept-Language": language})
    visitor.get(path)

    answer = visitor.send(path, **typed)

    assert answer.status_code == 422
    assert {name for name in wrong if visitor.error(name)} == wrong
    assert all(f'href="#{name}"' in visitor.page for name in wrong)
    for name, text in typed.items():
        assert text.strip() == "" or text in visitor.page, name


def test_a_name_that_is_taken_is_said_at_its_field(world: World) -> None:
    visitor = manager(world)
    visitor.get("/clients/new")

    assert visitor.send("/clients/new", name=world.ours.name.upper()).status_code == 422
    assert visitor.error("name")


EDITS = {
    "/clients/{id}/edit": {"name": "Typed here", "spend_limit_minor": "0.00"},
    "/sites/{site}/edit": {"name": "Typed here", "time_zone": "Europe/Berlin"},
    "/products/{product}/edit": {"manufacturer": "Acme", "model": "Typed here", "currency": "EUR"},
    "/contracts/{contract}/edit": {"number": "Typed here"},
    "/assets/{unit}/edit": {"serial_number": "LOST-UPDATE-1", "name": "Typed here", "ownership": "client"},
}


@pytest.mark.parametrize("path", EDITS)
def test_what_somebody_else_saved_first_is_not_overwritten_unseen(world: World, path: str) -> None:
    typed = EDITS[path]
    ours = world.ours
    path = path.format(id=ours.id, site=ours.site, product=ours.product, contract=ours.contract, unit=ours.covered)
    slow, quick = manager(world), manager(world)
    slow.get(path)
    quick.get(path)
    name = next(field for field, text in typed.items() if text == "Typed here")
    assert quick.send(path, **{**typed, name: "Saved first"}, version=quick.hidden("version")).status_code == 303

    late = slow.send(path, **typed, version=slow.hidden("version"), reason="Mine.")

    assert late.status_code == 409
    assert "Saved first" in words(slow.page)
    assert slow.value(name) == "Typed here"
    assert slow.value("reason") == "Mine."
    assert slow.send(path, **typed, version=slow.hidden("version")).status_code == 303


def test_a_contact_is_added_changed_and_leaves(world: World) -> None:
    visitor = manager(world)
    visitor.get(f"/sites/{world.ours.site}/contacts/new")
    form = {"name": "Jan Bakker", "phone": "+31 20 555 0199", "language": "nl"}
    assert visitor.send(f"/sites/{world.ours.site}/contacts/new", **form | {"language": "de"}).status_code == 303
    page = visitor.get(f"/clients/{world.ours.id}").text
    assert "Jan Bakker" in page
    assert 'href="tel:+31205550199"' in page
    with world.runtime.database.read(db.EVERYBODY) as session:
        person = session.scalars(select(Person).where(Person.name == "Jan Bakker")).one()

    path = f"/contacts/{person.public_id}/edit"
    visitor.get(path)
    assert (
        visitor.send(path, name="Jan Bakker", language="", site="", version=visitor.hidden("version")).status_code
        == 303
    )

    left = row_of(world, Person, person.public_id)
    assert (left.site_id, left.language) == (None, "")
    assert "Jan Bakker" not in visitor.get(f"/clients/{world.ours.id}").text


# --- contracts ---


def promises_form(**typed: Any) -> dict[str, Any]:
    """The form that adds to a contract, filled."""
    return {
        "scope": "units",
        "kind": "vendor_contract",
        "fulfilment": "vendor_rma",
        "covers": ["parts", "labour"],
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "time_zone": "Europe/Amsterdam",
        "currency": "EUR",
        **typed,
    }


def test_many_units_come_on_a_contract_each_with_its_own_end(world: World) -> None:
    path = f"/contracts/{world.ours.contract}/promises/new"
    visitor = manager(world)
    visitor.get(path)
    serials = f"{world.ours.covered_serial}\n {world.ours.bare_serial.lower()} 2027-03-31\n\n"

    answer = visitor.send(path, **promises_form(serials=serials, price_minor="120", reason="As on the paper."))

    assert answer.status_code == 303, words(answer.text)
    with world.runtime.database.read(db.EVERYBODY) as session:
        made = session.scalars(select(Coverage).where(Coverage.kind == CoverageKind.VENDOR_CONTRACT)).all()
    assert sorted(one.ends_on for one in made if one.ends_on) == [date(2026, 12, 31), date(2027, 3, 31)]
    assert {one.price_minor for one in made} == {12_000}
    assert all(one.covers == ["parts", "labour"] for one in made)
    assert why(world, "coverage")[-2:] == ["As on the paper."] * 2


def test_one_unit_that_is_nobodys_keeps_all_of_them_off_the_contract(world: World) -> None:
    path = f"/contracts/{world.ours.contract}/promises/new"
    visitor = manager(world)
    visitor.get(path)

    answer = visitor.send(path, **promises_form(serials=f"{world.ours.bare_serial}\n{world.theirs.bare_serial}"))

    assert answer.status_code == 422
    assert visitor.error("serials").endswith(world.theirs.bare_serial)
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(Coverage.kind).where(Coverage.kind == CoverageKind.VENDOR_CONTRACT)).all() == []


def test_a_whole_site_comes_on_a_contract_and_then_every_unit_there_is_covered(world: World) -> None:
    contract = f"/contracts/{world.ours.contract}"
    visitor = manager(world)
    assert world.ours.bare_serial in visitor.get(f"{contract}/units?covered=no").text
    visitor.get(f"{contract}/promises/new")

    form = promises_form(scope=str(world.ours.site), starts_on="2020-01-01", ends_on="")
    assert visitor.send(f"{contract}/promises/new", **form).status_code == 303

    assert "covers 2 units today" in words(visitor.get(contract).text)
    assert world.ours.bare_serial in visitor.get(f"{contract}/units").text
    assert "Every unit in use of this client is covered" in visitor.get(f"{contract}/units?covered=no").text


def test_a_void_shows_the_open_cases_that_rest_on_it_and_then_keeps_its_reason(world: World) -> None:
    case = world.report(serial_number=world.ours.covered_serial)
    path = f"/contracts/{world.ours.contract}/void"
    visitor = manager(world)

    page = visitor.get(path).text

    assert f"/cases/{case['id']}" in page
    assert row_of(world, Coverage, world.ours.coverage).state is CoverageState.ACTIVE

    seen = visitor.hidden("version")
    assert visitor.send(path, version=seen).status_code == 422
    assert visitor.error("reason")
    assert visitor.send(path, version=seen, reason="Never paid for.").status_code == 303
    assert row_of(world, Coverage, world.ours.coverage).state is CoverageState.VOIDED
    assert why(world, "coverage")[-1] == "Never paid for."
    assert f"/cases/{case['id']}" not in visitor.get(path).text


def test_a_case_that_came_in_meanwhile_stops_the_void_until_it_was_seen(world: World) -> None:
    path = f"/contracts/{world.ours.contract}/void"
    visitor = manager(world)
    visitor.get(path)
    seen = visitor.hidden("version")
    case = world.report(serial_number=world.ours.covered_serial)

    answer = visitor.send(path, version=seen, reason="Never paid for.")

    assert answer.status_code == 409
    assert f"/cases/{case['id']}" in visitor.page
    assert visitor.value("reason") == "Never paid for."
    assert row_of(world, Coverage, world.ours.coverage).state is CoverageState.ACTIVE
    assert visitor.send(path, version=visitor.hidden("version"), reason="Never paid for.").status_code == 303


def test_chosen_ends_come_to_one_day_as_the_preview_said(world: World) -> None:
    shorter, longer = add_promises(world, 2, ends_on=date(2027, 6, 30), starts_on=date(2026, 7, 1), price_minor=36_500)
    later = add_promises(world, 1, starts_on=date(2028, 1, 1), ends_on=date(2028, 12, 31))[0]
    path = f"/contracts/{world.ours.contract}/co-term"
    visitor = manager(world)

    page = words(visitor.get(f"{path}?promise={shorter}&promise={later}&ends_on=2027-05-31").text)

    assert "30 days less" in page
    assert "-€30.00" in page
    assert "stays: it begins on 1 Jan 2028" in page
    assert row_of(world, Coverage, shorter).ends_on == date(2027, 6, 30)

    given = {"promise": [str(shorter), str(later)], "ends_on": "2027-05-31", "version": visitor.hidden("version")}
    assert visitor.send(path, **given, reason="One invoice.").status_code == 303
    assert row_of(world, Coverage, shorter).ends_on == date(2027, 5, 31)
    assert row_of(world, Coverage, longer).ends_on == date(2027, 6, 30)
    assert row_of(world, Coverage, later).ends_on == date(2028, 12, 31)
    assert why(world, "coverage")[-1] == "One invoice."


def test_one_promise_is_changed_and_its_contract_adds_it_up(world: World) -> None:
    path = f"/promises/{world.ours.coverage}/edit"
    visitor = manager(world)
    page = visitor.get(path).text
    assert 'value="voided"' not in page  # that asks first what rests on it
    form = promises_form(kind="manufacturer_warranty", ends_on="2031-02-28", state="active", price_minor="99.90")

    assert visitor.send(path, **form, version=visitor.hidden("version")).status_code == 303

    page = words(visitor.get(f"/contracts/{world.ours.contract}").text)
    assert "One promise is in force, until 28 Feb 2031." in page
    assert "€99.90" in page


# --- renewals ---


def test_what_is_to_be_renewed_leaves_out_what_goes_on_and_what_is_out_of_use(world: World) -> None:
    soon = factories.today() + timedelta(10)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = session.scalars(select(Client).where(Client.public_id == world.ours.id)).one()
        ending, followed, gone = (factories.make_asset(session, client, f"REN-{number}") for number in range(3))
        for unit in (ending, followed, gone):
            factories.make_coverage(session, unit, ends_on=soon, price_minor=10_000)
        factories.make_coverage(session, followed, starts_on=soon, ends_on=soon + timedelta(365))
        gone.state = "decommissioned"
    visitor = manager(world)

    page = visitor.get("/renewals").text
    everything = visitor.get("/renewals?shows=all").text

    assert re.findall(r"REN-\d", page) == ["REN-0"]
    assert "One promise ends in the next 90 days" in words(page)
    assert "Worth €100.00" in words(page)
    assert sorted(re.findall(r"REN-\d", everything)) == ["REN-0", "REN-1", "REN-2"]
    assert "REN-0" in visitor.get(f"/renewals?on={soon.isoformat()}").text
    assert "REN-0" not in visitor.get(f"/renewals?client={world.theirs.id}").text
    assert f"/renewals?on={soon.isoformat()}" in visitor.get(f"/renewals/calendar?month={soon:%Y-%m}").text


def test_what_has_ended_lately_and_was_not_renewed_is_found(world: World) -> None:
    add_promises(world, 1, ends_on=factories.today() - timedelta(3))

    page = words(manager(world).get("/renewals?days=-30").text)

    assert "One promise ended in the last 30 days" in page
    assert "ended 3 days ago" in page


@pytest.mark.parametrize("month", ["", "2026-13", "0001-01", "9999-12", "x"])
def test_a_month_that_is_none_is_the_present_one(world: World, month: str) -> None:
    assert f"{factories.today().year}" in manager(world).get(f"/renewals/calendar?month={month}").text.split("</h1>")[0]


# --- the address for calendar programs ---


def make_feed(visitor: Visitor) -> str:
    """A new address, as the page shows it; its path."""
    visitor.get("/renewals/feed")
    shown = visitor.send("/renewals/feed")
    found = re.search(r"(/calendar\.ics\?key=[\w-]+)", shown.text)
    assert found
    return found[1]


def test_a_calendar_program_reads_what_ends_without_signing_in(world: World) -> None:
    add_promises(world, 2, ends_on=factories.today() + timedelta(40), price_minor=5_000)
    path = make_feed(manager(world))
    stranger = world.app.test_client()

    answer = stranger.get(path)

    assert answer.mimetype == "text/calendar"
    found = Calendar.from_ical(answer.data)
    assert found["VERSION"] == "2.0"
    assert found["PRODID"]
    [event] = found.walk("VEVENT")
    assert event.decoded("dtstart") == factories.today() + timedelta(40)
    assert "canary-Ours-contract" in event["SUMMARY"]
    assert "2 promises end" in event["DESCRIPTION"]
    assert "€100.00" in event["DESCRIPTION"]
    assert stranger.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert stranger.get(path).data == answer.data


def test_an_address_that_was_ended_or_replaced_or_made_up_is_not_there(world: World) -> None:
    visitor, stranger = manager(world), world.app.test_client()
    first = make_feed(visitor)
    second = make_feed(visitor)

    assert stranger.get(first).status_code == 404
    assert stranger.get(second).status_code == 200
    assert visitor.send("/renewals/feed/end").status_code == 303
    assert stranger.get(second).status_code == 404
    for made_up in ("", "?key=", "?key=" + "x" * 43, "?key=" + "x" * 5_000):
        assert stranger.get(f"/calendar.ics{made_up}").status_code == 404


def test_an_address_ends_with_its_user_and_only_its_digest_is_kept(world: World) -> None:
    user = world.users[Role.AUDITOR]
    visitor = visit(world.app, user)
    path = make_feed(visitor)
    secret = path.partition("key=")[2]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        kept = session.scalars(select(CalendarFeed)).one()
        assert secret not in repr(vars(kept))
        assert secret not in visitor.get("/renewals/feed").text
        session.get_one(User, user.id).deactivated_at = now()

    assert world.app.test_client().get(path).status_code == 404


def test_the_rooms_are_those_of_the_registry(world: World) -> None:
    page = manager(world).get(f"/clients/{world.ours.id}").text

    assert all(f'href="{path}"' in page for path in ("/contracts", "/renewals", "/clients", "/products"))
    assert row_of(world, Site, world.ours.site).name in page
