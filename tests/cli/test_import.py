"""``warranty import`` beside its rows: workbooks, mapped columns, refused rows as a file, and what stays on record."""

from __future__ import annotations

import csv

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests.factories import make_client
from warranty import db
from warranty.cli import main
from warranty.models import Asset, Client, ImportRun, Site
from warranty.models.imports import ImportStatus
from warranty.services.importing.workbook import write_workbook


@pytest.fixture
def warranty(environment, database):
    """Run the command where there is one client; the result has its output and exit status."""
    with database.begin(db.EVERYBODY) as session:
        make_client(session, "Town Hall")

    def run(*words):
        return CliRunner().invoke(main, [str(word) for word in words], env=environment, catch_exceptions=False)

    return run


@pytest.fixture
def table(tmp_path):
    def write(text, name="rows.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def serials(database):
    with database.read(db.EVERYBODY) as session:
        return sorted(session.scalars(select(Asset.serial_number)))


def test_a_workbook_is_imported(warranty, database, tmp_path):
    with (tmp_path / "units.xlsx").open("wb") as stream:
        write_workbook(stream, [("Serial Number", "Name"), ("A1", "web-1"), ("A2", "web-2")])

    assert warranty("import", "assets", tmp_path / "units.xlsx", "--client", "Town Hall").exit_code == 0
    assert serials(database) == ["A1", "A2"]


def test_columns_mean_what_the_caller_says(warranty, database, table):
    words = ("import", "assets", table("Tag = no,Host\nA1,web-1\n"), "--client", "Town Hall")

    assert warranty(*words, "--map", "Tag = no=serial_number", "--map", "host=name").exit_code == 0
    with database.read(db.EVERYBODY) as session:
        assert [tuple(row) for row in session.execute(select(Asset.serial_number, Asset.name))] == [("A1", "web-1")]


@pytest.mark.parametrize(
    ("pair", "status", "said"),
    [
        ("serial_number", 2, "is no pair"),
        ("Tag=colour", 1, "There is no column colour of assets"),
        ("Rack=serial_number", 1, "No column is named rack"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused(warranty, table, pair, status, said):
    result = warranty("import", "assets", table("Tag\nA1\n"), "--client", "Town Hall", "--map", pair)

    assert (result.exit_code, said in result.output) == (status, True)


def test_refused_rows_are_written_to_a_file_that_can_be_mended_and_imported(warranty, database, table, tmp_path):
    path = table("serial_number,name\nA1,one\nn/a,=two\n")
    rejected = tmp_path / "rejected.csv"

    assert warranty("import", "assets", path, "--client", "Town Hall", "--rejected", rejected).exit_code == 1
    with rejected.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["serial_number", "name", "reason"]
    assert rows[1][:2] == ["n/a", "'=two"]

    rejected.write_text(rejected.read_text(encoding="utf-8-sig").replace("n/a", "A2", 1))
    assert warranty("import", "assets", rejected, "--client", "Town Hall").exit_code == 0
    assert serials(database) == ["A1", "A2"]


def test_a_dry_run_rejects_nothing(warranty, table, tmp_path):
    path = table("serial_number\nA1\n")

    assert warranty("import", "assets", path, "--dry-run", "--rejected", tmp_path / "no.csv").exit_code == 2


def test_clients_and_their_sites_come_in(warranty, database, table):
    assert warranty("import", "clients", table("Name\nHarbour\ntown hall\n")).exit_code == 0
    sites = table("name,client,address,zip,city,state,contact_name\nQuay,Harbour,Kade 1,1011,Utrecht,UT,Mia\n")
    assert warranty("import", "sites", sites).exit_code == 0
    assert warranty("import", "sites", table("name,client,city\nQuay,harbour,Delft\n")).exit_code == 0

    with database.read(db.EVERYBODY) as session:
        assert sorted(session.scalars(select(Client.name))) == ["Harbour", "Town Hall"]
        site = session.scalars(select(Site)).one()
    assert (site.address["address_line1"], site.address["city"], site.address["state"]) == ("Kade 1", "Delft", "UT")


def test_an_import_stays_on_record(warranty, database, table):
    warranty("import", "assets", table("serial_number\nA1\n"), "--client", "Town Hall")

    with database.read(db.EVERYBODY) as session:
        run = session.scalars(select(ImportRun)).one()
    assert (run.status, run.rows_done, run.file_name) == (ImportStatus.DONE, 1, "rows.csv")
