"""The registry by hand: what is added, listed, shown and changed, and what is said of what cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests import factories
from tests.cli.conftest import Shell, table
from warranty import db
from warranty.domain.terms import AssetState
from warranty.models import AuditRow, Coverage
from warranty.services import estate

if TYPE_CHECKING:
    from warranty.runtime import Runtime

PROMISE = ("--client", "Town Hall", "--kind", "manufacturer_warranty", "--starts-on", "2024-01-01")


@pytest.fixture
def registered(warranty: Shell, runtime: Runtime) -> Shell:
    """A client with a site and two units."""
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session, "Town Hall")
        contacts = [estate.Contact(name="Mia")]
        address = {"city": "Amsterdam", "country": "NL"}
        site = factories.make_site(session, client, "Quay", address=address, contacts=contacts)
        product = factories.make_product(session, "Acme", "M1", part_number="AC-1")
        for serial, state in (("A1", AssetState.IN_SERVICE), ("A2", AssetState.ONBOARDING)):
            factories.make_asset(session, client, serial, product=product, site=site, state=state)
    return warranty


# --- clients, sites, contacts ---


def test_what_is_added_is_listed_and_shown_alike(warranty: Shell) -> None:
    made = warranty.gives("client", "add", "Town Hall")

    assert warranty.gives("client", "list") == [made]
    assert warranty.gives("client", "show", "town hall") == made
    assert made["name"] == "Town Hall"


def test_a_person_sees_the_beginning_of_an_id_and_that_is_enough_to_name_the_record(registered: Shell) -> None:
    for lister, shower in (
        ("client list", "client show"),
        ("site list", "site show"),
        ("contact list", "contact show"),
        ("product list", "product show"),
    ):
        [row] = table(registered.says(*lister.split()))
        [record] = registered.gives(*lister.split())
        assert record["id"].startswith(row["id"])
        assert registered.gives(*shower.split(), row["id"]) == record


def test_a_person_reads_names_where_a_program_reads_ids(registered: Shell) -> None:
    [site] = table(registered.says("site", "list"))
    assert (site["name"], site["client"]) == ("Quay", "Town Hall")
    client = registered.gives("client", "show", "Town Hall")["id"]
    assert registered.gives("site", "show", "Quay")["client"] == client
    assert f"Town Hall ({client})" in registered.says("site", "show", "Quay")


def test_a_list_of_usual_rows_fits_a_screen_of_80_columns(registered: Shell) -> None:
    registered.says("coverage", "add", "W-2024-00017", *PROMISE)

    for lister in ("client", "site", "contact", "product", "asset", "contract", "coverage"):
        assert max(map(len, registered.says(lister, "list").splitlines())) <= 80, lister


def test_a_client_is_changed_with_its_policy_and_its_rate_card(registered: Shell) -> None:
    changes = (
        "--name",
        "City Hall",
        "--repeat-window-days",
        30,
        "--currency",
        "CHF",
        "--no-mail",
        "--call-out-minor",
        1,
    )
    changed = registered.gives("client", "change", "Town Hall", *changes)

    assert (changed["name"], changed["currency"], changed["call_out_minor"]) == ("City Hall", "CHF", 1)
    assert (changed["policy"]["repeat_window_days"], changed["policy"]["evidence_freshness_days"]) == (30, 30)
    assert changed["sends_mail"] is False
    assert registered.gives("client", "show", "City Hall") == changed


def test_a_site_is_added_and_changed_with_its_address(registered: Shell) -> None:
    changed = registered.gives(
        "site", "change", "Quay", "--client", "Town Hall", "--city", "Utrecht", "--access-hours", "8-17"
    )

    assert changed["address"]["city"] == "Utrecht"
    assert (changed["address"]["country"], changed["access_hours"], changed["time_zone"]) == (
        "NL",
        "8-17",
        "Europe/Amsterdam",
    )
    assert [person["name"] for person in changed["contacts"]] == ["Mia"]


def test_contacts_come_change_and_leave(registered: Shell) -> None:
    bo = registered.gives("contact", "add", "Bo", "--site", "Quay", "--phone", "+31 20 1")
    assert registered.gives("contact", "change", bo["id"], "--phone", "+31 20 2")["phone"] == "+31 20 2"
    assert registered.gives("contact", "change", bo["id"], "--site", "none")["site"] is None
    assert [person["name"] for person in registered.gives("contact", "list", "--client", "Town Hall")] == ["Mia"]
    assert registered.gives("contact", "change", bo["id"], "--site", "Quay")["site"] is not None


# --- products and units ---


def test_products_are_added_changed_and_merged(registered: Shell) -> None:
    twin = registered.gives("product", "add", "Acme", "M-1", "--list-price-minor", 5_000)
    assert registered.gives("product", "change", "M-1", "--list-price-minor", "none")["list_price_minor"] is None
    kept = registered.gives("product", "merge", "M1", "M-1", "--reason", "One and the same.")
    assert (kept["id"], kept["part_number"]) == (twin["id"], "AC-1")
    assert registered.gives("product", "list", "--manufacturer", "ACME", "-q", "m-") == [kept]
    assert {unit["product"] for unit in registered.gives("asset", "list")} == {twin["id"]}


def test_units_are_listed_the_newest_first_and_narrowed(registered: Shell) -> None:
    units = registered.gives("asset", "list")
    assert [(unit["serial_number"], unit["state"]) for unit in units] == [("A2", "onboarding"), ("A1", "in_service")]
    assert registered.gives("asset", "list", "--client", "Town Hall", "--state", "in_service") == units[1:]
    assert registered.gives("asset", "list", "--query", "a2") == units[:1]
    assert registered.gives("asset", "list", "--limit", 1) == units[:1]


def test_a_serial_shows_every_unit_that_bears_it(registered: Shell) -> None:
    [unit] = registered.gives("asset", "show", "a 1", "--client", "Town Hall")
    assert unit == registered.gives("asset", "list", "--state", "in_service")[0] | {"coverages": []}
    again = registered("asset", "add", "a1", "--client", "Town Hall")
    assert again.exit_code == 0
    assert "Note: Town Hall has 1 other of this serial; reports on it go to review." in again.stderr
    assert len(registered.gives("asset", "show", "A1")) == 2
    assert registered.gives("asset", "show", unit["id"][:8])[0]["id"] == unit["id"]


def test_a_unit_is_changed_moved_and_handed_over(registered: Shell) -> None:
    registered.says("client", "add", "Harbour")
    registered.says("site", "add", "Pier", "--client", "Harbour", "--time-zone", "UTC")
    facts = (
        "--serial-number",
        "A9",
        "--name",
        "web-1",
        "--purchased-on",
        "2026-01-02",
        "--to-client",
        "Harbour",
        "--site",
        "Pier",
    )
    unit = registered.gives("asset", "change", "A2", *facts, "--reason", "Sold on.")
    assert (unit["serial_number"], unit["name"], unit["purchased_on"]) == ("A9", "web-1", "2026-01-02")
    assert registered.gives("asset", "change", "A9", "--purchased-on", "none", "--site", "none")["purchased_on"] is None
    signed = (
        "--result",
        "healthy_with_exceptions",
        "--exception",
        "fan",
        "--signed-by",
        "user:1",
        "--reason",
        "Noisy.",
    )
    handed = registered.gives("handover", "sign", "A9", *signed)
    assert (handed["state"], handed["exceptions"]) == ("in_service", ["fan"])
    assert registered.gives("asset", "change", "A9", "--state", "lost")["state"] == "lost"


# --- contracts and what they promise ---


def test_a_contract_is_added_listed_shown_and_changed(registered: Shell) -> None:
    made = registered.gives("contract", "add", "W-1", "--client", "Town Hall")
    changed = registered.gives("contract", "change", "W-1", "--number", "W-01", "--name", "All of it")
    assert changed == made | {"number": "W-01", "name": "All of it"}
    assert registered.gives("contract", "list", "-q", "all") == [changed]
    assert registered.gives("contract", "show", "W-01", "--client", "Town Hall") == changed


def test_promises_are_added_and_shown_at_the_units_that_they_cover(registered: Shell, database: db.Database) -> None:
    first = registered.gives("coverage", "add", "W-1", *PROMISE, "--serial", "a1", "--ends-on", "2027-01-01")
    assert (list(first["scope"]), first["covers"], first["ends_on"]) == (["asset"], ["parts"], "2027-01-01")
    product = ("--product", "m1", "--manufacturer", "acme", "--covers", "labour", "--covers", "parts")
    assert registered.gives("coverage", "add", "W-1", *PROMISE, *product)["covers"] == ["labour", "parts"]
    assert list(registered.gives("coverage", "add", "W-2", *PROMISE, "--site", "Quay")["scope"]) == ["site"]
    assert list(registered.gives("coverage", "add", "W-3", *PROMISE, "--excluded-cause", "wear")["scope"]) == ["client"]

    rows = registered.gives("coverage", "list", "--client", "Town Hall")
    assert [row["contract_number"] for row in rows] == ["W-3", "W-2", "W-1", "W-1"]
    assert registered.gives("coverage", "list", "--contract", "W-1", "--ends-before", "2027-01-02") == [first]
    assert len(registered.gives("contract", "list")) == 3
    [unit] = registered.gives("asset", "show", "A2")
    assert [next(iter(row["scope"])) for row in unit["coverages"]] == ["product", "site", "client"]
    assert "manufacturer_warranty" in registered.says("asset", "show", "A1")
    with database.read(db.EVERYBODY) as session:
        zones = session.scalars(select(Coverage.time_zone).order_by(Coverage.id)).all()
    assert zones == ["Europe/Amsterdam", "UTC", "Europe/Amsterdam", "UTC"]


def test_a_promise_is_changed_and_what_is_none_is_taken_away(registered: Shell) -> None:
    made = registered.gives("coverage", "add", "W-1", *PROMISE, "--ends-on", "2027-01-01", "--excluded-cause", "wear")
    facts = (
        "--ends-on",
        "none",
        "--excluded-cause",
        "none",
        "--claims-limit",
        "3",
        "--grace-is-covered",
        "--state",
        "suspended",
    )
    changed = registered.gives("coverage", "change", made["id"][:8], *facts)
    assert (changed["ends_on"], changed["excluded_causes"], changed["claims_limit"]) == (None, [], 3)
    assert (changed["grace_is_covered"], changed["state"]) == (True, "suspended")
    assert registered.gives("coverage", "show", made["id"]) == changed


# --- what cannot be ---


def test_a_fact_that_cannot_be_taken_is_one_sentence_and_nothing_is_written(warranty: Shell) -> None:
    warranty.says("client", "add", "Town Hall")
    for words, said in (
        (("client", "add", "town hall"), "There is a client named Town Hall already."),
        (("site", "add", "Quay", "--client", "Nobody", "--time-zone", "UTC"), "There is no client named 'Nobody'"),
        (("site", "add", "Quay", "--client", "Town Hall", "--time-zone", "Mars"), "There is no time zone 'Mars'"),
        (("asset", "add", "n/a", "--client", "Town Hall"), "is a placeholder"),
        (("asset", "add", "A1", "--client", "Town Hall", "--site", "Quay"), "There is no site 'Quay'"),
        (("asset", "add", "A1", "--client", "Town Hall", "--product", "M1"), "Give --manufacturer and --product"),
        (("asset", "show", "A1"), "There is no unit 'A1': `warranty asset list` shows which there are."),
        (("site", "list", "--client", "Nobody"), "There is no client named 'Nobody'"),
        (("client", "change", "Town Hall", "--currency", "euro"), "'euro' is no currency"),
        (("client", "show", "00000000-0000-4000-8000-000000000000"), "There is no client"),
        (("contact", "add", "Bo", "--site", "Quay"), "There is no site 'Quay'"),
    ):
        assert said in warranty.refuses(*words)
    assert warranty.gives("site", "list") == []
    assert warranty.gives("asset", "list") == []


def test_a_promise_that_cannot_be_is_refused(registered: Shell) -> None:
    common = ("coverage", "add", "W-1", "--client", "Town Hall", "--kind", "insurance", "--starts-on", "2024-01-01")
    for words, said in (
        (("--serial", "A9"), "There is no unit 'A9'"),
        (("--serial", "A1", "--site", "Quay"), "give one of --serial, --product and --site"),
        (("--product", "M1"), "Say whose model it is with --manufacturer."),
        (("--ends-on", "2023-01-01"), "is before starts_on"),
        (("--grace-days", "-1"), "is a whole number from 0 to 1,000,000"),
    ):
        assert said in registered.refuses(*common, *words)
    assert registered.gives("coverage", "list") == []
    assert registered.gives("contract", "list") == []
    assert "2026-03-31" in registered.refuses(*common, "--ends-on", "1.2.2026", status=2)


def test_a_name_that_several_have_is_not_guessed(registered: Shell) -> None:
    registered.says("client", "add", "Harbour")
    registered.says("site", "add", "Quay", "--client", "Harbour", "--time-zone", "UTC")

    assert "Several answer to site 'Quay'" in registered.refuses("site", "show", "Quay")
    assert registered.gives("site", "show", "Quay", "--client", "Harbour")["time_zone"] == "UTC"


def test_a_change_of_nothing_is_a_wrong_call(registered: Shell) -> None:
    assert "Say what is to change" in registered.refuses("client", "change", "Town Hall", status=2)


def test_who_changed_what_and_why_stands_in_the_register(registered: Shell, database: db.Database) -> None:
    registered.says("site", "change", "Quay", "--name", "Pier", "--reason", "It was renamed.")

    with database.read(db.EVERYBODY) as session:
        row = session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(1)).one()
    assert (row.record, row.action, row.actor, row.reason) == (
        "site",
        "change",
        "system:command-line",
        "It was renamed.",
    )


def test_hostile_text_neither_breaks_a_line_nor_steers_the_terminal(warranty: Shell, database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        factories.make_client(session, "Plain").name = "A\x1b[2J\nB"

    said = warranty.says("client", "list")

    assert "\x1b" not in said
    assert len(said.splitlines()) == 2
