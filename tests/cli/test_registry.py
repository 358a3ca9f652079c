"""The registry and its imports from the command line: what is printed, where, and with which exit status."""

from __future__ import annotations

import json
import sqlite3

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from warranty import db
from warranty.cli import main
from warranty.models import Asset, Coverage, Person

UNITS = "serial_number,manufacturer,product,site,state\nA1,Acme,M1,Quay,in_service\nA2,Acme,M1,Quay,\n"


@pytest.fixture
def warranty(environment):
    """Run the command in the settings of the test; the result has its output and exit status."""

    def run(*words):
        return CliRunner().invoke(main, [str(word) for word in words], env=environment, catch_exceptions=False)

    return run


@pytest.fixture
def registered(warranty):
    """A client with a site and two units."""
    assert warranty("client", "add", "Town Hall").exit_code == 0
    site = ("site", "add", "Quay", "--client", "Town Hall", "--time-zone", "Europe/Amsterdam")
    assert warranty(*site, "--city", "Amsterdam", "--country", "NL", "--contact-name", "Mia").exit_code == 0
    unit = ("--client", "town hall", "--manufacturer", "Acme", "--product", "M1", "--site", "quay")
    assert warranty("asset", "add", "A1", *unit, "--state", "in_service", "--part-number", "AC-1").exit_code == 0
    assert warranty("asset", "add", "A2", *unit).exit_code == 0
    return warranty


@pytest.fixture
def table(tmp_path):
    """Write a table to a file."""

    def write(text, name="units.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def printed(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_clients_are_added_and_listed(warranty):
    made = printed(warranty("client", "add", "Town Hall", "--json"))
    assert printed(warranty("client", "list", "--json")) == [made | {"units": 0}]
    assert made["name"] == "Town Hall"
    shown = warranty("client", "list")
    assert shown.stdout.splitlines()[0].split() == ["id", "name", "currency", "units"]


def test_a_fact_that_cannot_be_taken_is_one_sentence_and_nothing_is_written(warranty):
    warranty("client", "add", "Town Hall")
    for words, said in (
        (("client", "add", "town hall"), "There is a client named Town Hall already."),
        (("site", "add", "Quay", "--client", "Nobody", "--time-zone", "UTC"), "There is no client named 'Nobody'"),
        (("site", "add", "Quay", "--client", "Town Hall", "--time-zone", "Mars"), "There is no time zone 'Mars'"),
        (("asset", "add", "n/a", "--client", "Town Hall"), "is a placeholder"),
        (("asset", "add", "A1", "--client", "Town Hall", "--site", "Quay"), "Town Hall has no site named 'Quay'"),
        (("asset", "add", "A1", "--client", "Town Hall", "--product", "M1"), "Give --manufacturer and --product"),
        (("asset", "show", "A1"), "There is no unit with the serial number A1."),
        (("site", "list", "--client", "Nobody"), "There is no client named 'Nobody'"),
    ):
        result = warranty(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: ")
        assert said in result.stderr
    assert printed(warranty("site", "list", "--json")) == []
    assert printed(warranty("asset", "list", "--json")) == []


def test_a_site_is_added_with_its_address_and_its_contact(registered, database):
    [site] = printed(registered("site", "list", "--client", "Town Hall", "--json"))
    assert (site["name"], site["client"], site["time_zone"]) == ("Quay", "Town Hall", "Europe/Amsterdam")
    assert site["place"] == "Amsterdam, NL"
    with database.read(db.EVERYBODY) as session:
        assert session.scalars(select(Person.name)).all() == ["Mia"]


def test_units_are_added_listed_and_shown(registered):
    units = printed(registered("asset", "list", "--json"))
    assert [(unit["serial_number"], unit["state"], unit["product"], unit["site"]) for unit in units] == [
        ("A1", "in_service", "M1", "Quay"),
        ("A2", "onboarding", "M1", "Quay"),
    ]
    assert printed(registered("asset", "list", "--client", "Town Hall", "--state", "in_service", "--json")) == units[:1]
    assert printed(registered("asset", "list", "--limit", "1", "--json")) == units[:1]
    assert printed(registered("asset", "show", "a 1", "--client", "Town Hall", "--json")) == [
        units[0] | {"coverages": []}
    ]
    again = registered("asset", "add", "a1", "--client", "Town Hall")
    assert again.exit_code == 0
    assert "Note: Town Hall has 1 other of this serial; reports on it go to review." in again.stderr
    assert len(printed(registered("asset", "show", "A1", "--json"))) == 2


def test_contracts_are_added_and_shown_at_the_units_that_they_cover(registered, database):
    common = ("--client", "Town Hall", "--kind", "manufacturer_warranty", "--starts-on", "2024-01-01")
    first = printed(
        registered("contract", "add", "W-1", *common, "--serial", "a1", "--ends-on", "2027-01-01", "--json")
    )
    assert (first["scope"], first["covers"], first["ends_on"]) == ("asset", ["parts"], "2027-01-01")
    product = ("--product", "m1", "--manufacturer", "acme", "--covers", "labour", "--covers", "parts")
    assert printed(registered("contract", "add", "W-1", *common, *product, "--json"))["covers"] == ["labour", "parts"]
    assert printed(registered("contract", "add", "W-2", *common, "--site", "Quay", "--json"))["scope"] == "site"
    everything = printed(registered("contract", "add", "W-3", *common, "--excluded-cause", "wear", "--json"))
    assert everything["scope"] == "client"
    rows = printed(registered("contract", "list", "--client", "Town Hall", "--json"))
    assert [row["contract"] for row in rows] == ["W-1", "W-1", "W-2", "W-3"]
    [unit] = printed(registered("asset", "show", "A2", "--json"))
    assert [row["scope"] for row in unit["coverages"]] == ["product", "site", "client"]
    shown = registered("asset", "show", "A1").stdout
    assert "serial_number  A1" in shown
    assert "manufacturer_warranty" in shown
    with database.read(db.EVERYBODY) as session:
        zones = session.scalars(select(Coverage.time_zone).order_by(Coverage.id)).all()
    assert zones == ["Europe/Amsterdam", "UTC", "Europe/Amsterdam", "UTC"]


def test_a_contract_that_cannot_be_is_refused(registered):
    common = ("contract", "add", "W-1", "--client", "Town Hall", "--kind", "insurance", "--starts-on", "2024-01-01")
    for words, said in (
        (("--serial", "A9"), "No units of Town Hall have the serial number A9."),
        (("--serial", "A1", "--site", "Quay"), "give one of --serial, --product and --site"),
        (("--product", "M1"), "Say whose model it is with --manufacturer."),
        (("--ends-on", "2023-01-01"), "is before starts_on"),
        (("--grace-days", "-1"), "is a whole number from 0 to 1,000,000"),
    ):
        result = registered(*common, *words)
        assert result.exit_code == 1
        assert said in result.stderr
    assert printed(registered("contract", "list", "--json")) == []
    assert registered(*common, "--ends-on", "1.2.2026").exit_code == 2


# --- warranty import ------------------------------------------------------------------------------------------------


def test_an_import_is_tried_then_done_then_done_again(warranty, table, database):
    warranty("client", "add", "Town Hall")
    words = ("import", "assets", table(UNITS), "--client", "Town Hall")
    tried = warranty(*words, "--dry-run")
    assert tried.exit_code == 0
    assert "Would import assets (tracker): 2 new, 0 same, 0 changed, 0 refused; products made: 1" in tried.stdout
    assert tried.stdout.splitlines()[1].split()[:4] == ["line", "2", "new", "A1"]
    assert "Note: The site Quay is made" in tried.stderr
    with database.read(db.EVERYBODY) as session:
        assert session.scalars(select(Asset)).all() == []
    assert warranty(*words).stdout == (
        "Imported assets (tracker): 2 new, 0 same, 0 changed, 0 refused; products made: 1, sites made: 1.\n"
    )
    again = warranty(*words)
    assert again.stdout == "Imported assets (tracker): 0 new, 2 same, 0 changed, 0 refused.\n"
    assert again.stderr == ""


def test_refused_rows_are_named_on_standard_error_with_status_1(warranty, table):
    warranty("client", "add", "Town Hall")
    path = table(UNITS + ",Acme,M1,Quay,\n")
    result = warranty("import", "assets", path, "--client", "Town Hall")
    assert result.exit_code == 1
    assert "Refused, line 4: There is no serial number." in result.stderr
    assert result.stdout.startswith("Imported assets (tracker): 2 new, 0 same, 0 changed, 1 refused")
    report = warranty("import", "assets", path, "--client", "Town Hall", "--json")
    assert report.exit_code == 1
    document = json.loads(report.stdout)
    assert (document["rows"], document["same"], document["refused"]) == (3, 2, 1)


def test_more_refusals_than_a_person_reads_are_counted(warranty, table):
    warranty("client", "add", "Town Hall")
    result = warranty("import", "assets", table("serial_number,name\n" + ",x\n" * 1_003), "--client", "Town Hall")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "… and 3 more."


def test_a_file_that_cannot_be_read_is_one_sentence_with_status_1(warranty, table, tmp_path):
    warranty("client", "add", "Town Hall")
    (tmp_path / "zeros.csv").write_bytes(b"\0" * 100_000)
    for words, said in (
        ((table("", "empty.csv"), "--client", "Town Hall"), "empty.csv is empty."),
        ((tmp_path / "zeros.csv",), "it holds zero bytes"),
        ((tmp_path / "none.csv",), "No such file"),
        ((table("colour\nred\n", "colours.csv"),), "The header lacks serial_number; it reads: colour."),
        ((table(UNITS), "--client", "Nobody"), "There is no client named 'Nobody'"),
    ):
        result = warranty("import", "assets", *words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert warranty("import", "people", table(UNITS)).exit_code == 2
    assert warranty("import", "assets", table(UNITS), "--format", "lotus").exit_code == 2


def test_a_database_without_its_schema_is_one_sentence(environment, tmp_path, table):
    path = tmp_path / "bare.sqlite3"
    sqlite3.connect(path).close()
    words = ["import", "assets", str(table(UNITS)), "--client", "Town Hall"]
    result = CliRunner().invoke(main, words, env=environment | {"DATABASE_URL": f"sqlite:///{path}"})
    assert result.exit_code == 1
    assert "run `warranty db upgrade`" in result.stderr


def test_the_help_of_the_import_says_its_exit_statuses(warranty):
    said = " ".join(warranty("import", "--help").stdout.split())
    assert "Exit status: 0 every row was taken; 1 a row was refused, or the file could not be read" in said
