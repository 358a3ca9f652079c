"""What an import does to the registry: every row whole or refused, nothing twice, nothing guessed."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.factories import BECAUSE, make_asset, make_client, make_coverage, make_product, make_site
from warranty import db
from warranty.domain.terms import (
    AssetState,
    CoverageKind,
    CoverageSays,
    CoverageState,
    EvidenceSource,
    Fulfilment,
    Ownership,
    ScopeKind,
    ServiceLevel,
)
from warranty.models import Asset, AuditRow, Baseline, Contract, Coverage, Product, Site
from warranty.services import imports
from warranty.services.importing.columns import Kind, Unusable
from warranty.services.importing.rows import Outcome
from warranty.services.importing.sheets import open_sheet

COUNTED = (Asset, AuditRow, Baseline, Contract, Coverage, Product, Site)


@pytest.fixture
def importing(database, tmp_path):
    """Import text, by default as units; a dry run gets a transaction that reads."""

    def run(text, kind=Kind.ASSETS, *, name="rows.csv", client=None, dry_run=False):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        transaction = database.read if dry_run else database.begin
        sheet = open_sheet(tmp_path / name, kind)
        return imports.run(sheet, lambda: transaction(db.EVERYBODY), because=BECAUSE, client=client, dry_run=dry_run)

    return run


@pytest.fixture
def client(database):
    with database.begin(db.EVERYBODY) as session:
        return make_client(session, "Town Hall")


@contextmanager
def looking(database):
    with database.read(db.EVERYBODY) as session:
        yield session


def counted(database):
    with looking(database) as session:
        return {table.__name__: session.scalar(select(func.count()).select_from(table)) for table in COUNTED}


def outcomes(report):
    return {outcome.value: count for outcome, count in report.counts.items() if count}


def said(report):
    return [str(fault) for fault in report.faults]


def the_unit(database, serial_number):
    with looking(database) as session:
        return session.scalars(select(Asset).where(Asset.serial_number == serial_number)).one()


# --- Units ----------------------------------------------------------------------------------------------------------

UNITS = """\
serial_number,manufacturer,product,part_number,client,site,name,asset_tag,ownership,state,purchased_on
SN 1,Acme,M1,AC-1,Town Hall,Quay,web-1,T1,msp,in_service,2024-02-01
sn2,ACME,m1,,town hall,quay,,,,,
"""


def test_units_come_in_with_their_products_and_sites(database, client, importing):
    report = importing(UNITS)
    assert outcomes(report) == {"new": 2}
    assert (report.new_products, report.new_sites, report.is_clean) == (1, 1, True)
    with looking(database) as session:
        first, second = session.scalars(select(Asset).order_by(Asset.id)).all()
        product, site = session.scalars(select(Product)).one(), session.scalars(select(Site)).one()
        baseline = session.scalars(select(Baseline)).one()
        history = session.execute(
            select(AuditRow.record, AuditRow.old_state, AuditRow.new_state, AuditRow.reason).order_by(AuditRow.id)
        ).all()
    assert (product.manufacturer, product.model, product.part_number) == ("Acme", "M1", "AC-1")
    assert (site.name, site.client_id, site.time_zone) == ("Quay", client.id, "UTC")
    assert (first.serial_number, first.serial_key, first.name, first.asset_tag) == ("SN 1", "SN1", "web-1", "T1")
    assert (first.ownership, first.state, first.purchased_on) == (
        Ownership.MSP,
        AssetState.IN_SERVICE,
        date(2024, 2, 1),
    )
    assert (second.ownership, second.state, second.purchased_on) == (Ownership.CLIENT, AssetState.ONBOARDING, None)
    assert {(unit.product_id, unit.site_id, unit.client_id) for unit in (first, second)} == {
        (product.id, site.id, client.id)
    }
    assert (baseline.asset_id, baseline.result, baseline.reason) == (first.id, "healthy", "imported")
    assert [tuple(row) for row in history] == [
        ("client", None, None, "imported"),
        ("product", None, None, "imported"),
        ("site", None, None, "imported"),
        ("asset", None, "onboarding", "imported"),
        ("asset", "onboarding", "in_service", "imported"),
        ("asset", None, "onboarding", "imported"),
    ]


def test_the_second_import_of_a_file_changes_nothing(database, client, importing):
    importing(UNITS)
    before = counted(database)
    report = importing(UNITS)
    assert outcomes(report) == {"same": 2}
    assert (report.new_products, report.new_sites, report.warnings) == (0, 0, [])
    assert counted(database) == before


def test_a_dry_run_says_the_same_and_writes_nothing(database, client, importing):
    before = counted(database)
    dry = importing(UNITS, dry_run=True)
    assert counted(database) == before
    wet = importing(UNITS)
    assert dry.dry_run
    assert (dry.counts, dry.new_products, dry.new_sites) == (wet.counts, wet.new_products, wet.new_sites)
    assert (dry.warnings, dry.preview) == (wet.warnings, wet.preview)
    assert dry.preview[0] == {
        "row": "line 2",
        "outcome": "new",
        "serial_number": "SN 1",
        "product": "Acme M1",
        "site": "Quay",
        "state": "in_service",
    }


def test_a_dry_run_over_several_batches_counts_each_product_and_site_once(client, importing):
    text = "serial_number,manufacturer,product,site\n" + "".join(
        f"S{n},Acme,M1,Quay\n" for n in range(imports.BATCH + 5)
    )
    report = importing(text, client="Town Hall", dry_run=True)
    assert (outcomes(report), report.new_products, report.new_sites) == ({"new": imports.BATCH + 5}, 1, 1)


def test_units_that_stay_in_onboarding_and_sites_without_an_address_are_warned_of(client, importing):
    report = importing("serial_number,site\nA1,Quay\nA2,Quay\n", client="town hall", dry_run=True)
    assert report.warnings == [
        "The site Quay is made, without an address and with the time zone UTC: complete it. (line 2)",
        (
            "The unit comes in as onboarding, and faults on it go to review until it is handed over. "
            "If that is done, say in_service in the column state. (2 rows, the first: line 2)"
        ),
    ]


def test_what_cannot_be_taken_is_refused_by_line_and_the_rest_is_written(database, client, importing):
    report = importing(
        "serial_number,manufacturer,product,client,ownership,state,purchased_on,name\n"
        "A1,Acme,M1,Town Hall,,,,=1+1\n"
        ",Acme,M1,Town Hall,,,,\n"
        "n/a,Acme,M1,Town Hall,,,,\n"
        "6.37702E+15,Acme,M1,Town Hall,,,,\n"
        "A2,Acme,M1,Nobody,,,,\n"
        "A3,Acme,M1,,,,,\n"
        "A4,,M9,Town Hall,,,,\n"
        "A5,—,M9,Town Hall,,,,\n"
        "A6,Acme,M1,Town Hall,ours,,,\n"
        "A7,Acme,M1,Town Hall,,faulty,,\n"
        "A8,Acme,M1,Town Hall,,,4/5/16,\n"
        "A9,Acme,M1,Town Hall,,,,x,y\n"
        "A10,Acme,M1,Town Hall,,,,\n"
    )
    assert outcomes(report) == {"new": 2, "refused": 11}
    assert not report.is_clean
    assert [(fault.line, fault.field) for fault in report.faults] == [
        (3, "serial_number"),
        (4, "serial_number"),
        (5, "serial_number"),
        (6, "client"),
        (7, "client"),
        (8, "manufacturer"),
        (9, "manufacturer"),
        (10, "ownership"),
        (11, "state"),
        (12, "purchased_on"),
        (13, ""),
    ]
    assert "line 6: There is no client named 'Nobody': add it with `warranty client add`." in said(report)
    assert the_unit(database, "A1").name == "=1+1"
    assert report.warnings[0] == "A cell that begins like a formula is kept as text. (line 2)"
    assert counted(database)["Asset"] == 2


def test_a_batch_does_not_hold_up_the_next(database, client, importing):
    rows = [f"S{n},Acme,M1" for n in range(imports.BATCH * 2)]
    rows[3] = ",Acme,M1"
    rows[imports.BATCH + 3] = "null,Acme,M1"
    report = importing("serial_number,manufacturer,product\n" + "\n".join(rows), client="Town Hall")
    assert outcomes(report) == {"new": imports.BATCH * 2 - 2, "refused": 2}
    assert counted(database)["Asset"] == imports.BATCH * 2 - 2


def test_an_unknown_client_of_the_whole_import_makes_it_unusable(database, client, importing):
    before = counted(database)
    with pytest.raises(Unusable, match="There is no client named 'Nobody'"):
        importing("serial_number\nA1\n", client="Nobody")
    assert counted(database) == before


def test_a_row_of_another_client_than_the_import_is_for_is_refused(database, client, importing):
    with database.begin(db.EVERYBODY) as session:
        make_client(session, "Harbour")
    report = importing("serial_number,client\nA1,Harbour\nA2,TOWN HALL\nA3,\n", client="Town Hall")
    assert outcomes(report) == {"new": 2, "refused": 1}
    assert said(report) == ["line 2: The row is of Harbour, and this import is for Town Hall."]


def test_one_row_twice_is_taken_once_and_two_rows_that_differ_are_told(database, client, importing):
    report = importing("serial_number,name\nA1,one\na 1,one\nA1,one\nA1,two\n", client="Town Hall")
    assert outcomes(report) == {"new": 1, "same": 1, "refused": 2}
    assert said(report) == [
        "line 3: Line 2 says otherwise of the serial number a 1: keep one of the two.",
        "line 5: Line 2 says otherwise of the serial number A1: keep one of the two.",
    ]
    assert "The row stands there twice and is taken once. (line 4)" in report.warnings
    assert counted(database)["Asset"] == 1


def test_one_serial_of_two_manufacturers_is_two_units_where_both_are_named(database, client, importing):
    text = "serial_number,manufacturer,product\nA1,Acme,M1\nA1,Bolt,B1\n"
    assert outcomes(importing(text, client="Town Hall")) == {"new": 2}
    assert outcomes(importing(text, client="Town Hall")) == {"same": 2}
    report = importing("serial_number,manufacturer,product\nA2,Acme,M1\nA2,,\nA3,,\nA3,Acme,M1\n", client="Town Hall")
    assert outcomes(report) == {"new": 2, "refused": 2}
    assert said(report) == [
        "line 3: Line 2 has the same serial number: name the manufacturer in both rows.",
        "line 5: Line 4 has the same serial number: name the manufacturer in both rows.",
    ]


def test_a_serial_that_may_mean_several_units_is_never_merged(database, client, importing):
    with database.begin(db.EVERYBODY) as session:
        acme, bolt = make_product(session, "Acme", "M1"), make_product(session, "Bolt", "B1")
        for product in (acme, bolt, bolt):
            make_asset(session, client, "A1", product=product)
    report = importing("serial_number,name\nA1,x\n", client="Town Hall")
    assert said(report) == [
        "line 2: 3 units have the serial number A1: say whose make it is in the column manufacturer."
    ]
    report = importing("serial_number,manufacturer,product,name\nA1,Bolt,B1,x\n", client="Town Hall")
    assert said(report) == ["line 2: 2 units have the serial number A1: tell them apart in the registry first."]
    report = importing("serial_number,manufacturer,product,name\nA1,Acme,M1,x\n", client="Town Hall")
    assert outcomes(report) == {"changed": 1}


def test_a_serial_of_another_client_is_another_unit_and_a_warning(database, client, importing):
    with database.begin(db.EVERYBODY) as session:
        make_asset(session, make_client(session, "Harbour"), "A1", name="theirs")
    report = importing("serial_number,name,state\nA1,ours,in_service\n", client="Town Hall")
    assert outcomes(report) == {"new": 1}
    assert report.warnings == [
        "Another unit has the same serial number: a report on the serial alone may go to review. (line 2)"
    ]
    with looking(database) as session:
        assert sorted(session.scalars(select(Asset.name))) == ["ours", "theirs"]


def test_what_a_row_says_anew_is_a_change_and_an_empty_cell_says_nothing(database, client, importing):
    importing(UNITS)
    report = importing(
        "serial_number,manufacturer,product,client,site,name,asset_tag,ownership,state,purchased_on\n"
        "SN 1,Acme,M2,Town Hall,Annex,,T9,leased,,\n"
        "sn2,Acme,,Town Hall,,,,,in_service,\n"
    )
    assert outcomes(report) == {"changed": 2}
    assert (report.new_products, report.new_sites) == (1, 1)
    assert [row["changes"] for row in report.preview] == ["site_id, product_id, asset_tag, ownership", "state"]
    first, second = the_unit(database, "SN 1"), the_unit(database, "sn2")
    assert (first.name, first.asset_tag, first.ownership, first.state) == (
        "web-1",
        "T9",
        Ownership.LEASED,
        AssetState.IN_SERVICE,
    )
    assert first.purchased_on == date(2024, 2, 1)
    assert second.state is AssetState.IN_SERVICE
    with looking(database) as session:
        assert session.get_one(Product, first.product_id).model == "M2"
        assert session.get_one(Site, first.site_id).name == "Annex"
        change = session.scalars(select(AuditRow).where(AuditRow.action == "change")).one()
        moved = session.scalars(
            select(AuditRow)
            .where(AuditRow.record == "asset", AuditRow.record_id == second.id, AuditRow.action == "move")
            .order_by(AuditRow.id)
        ).all()
        baseline = session.scalars(select(Baseline).where(Baseline.asset_id == second.id)).one()
    assert change.detail["asset_tag"] == ["T1", "T9"]
    assert moved[-1].new_state == "in_service"
    assert baseline.reason == "imported"


def test_an_import_takes_no_unit_back_or_past_its_life_cycle(database, client, importing):
    with database.begin(db.EVERYBODY) as session:
        make_asset(session, client, "A1")
        make_asset(session, client, "A2")
    report = importing("serial_number,state\nA1,onboarding\nA2,faulty\n", client="Town Hall")
    assert outcomes(report) == {"same": 2}
    assert report.warnings == [
        "The unit stays in_service: an import only takes units from onboarding into service. (line 3)"
    ]
    assert the_unit(database, "A2").state is AssetState.IN_SERVICE


def test_a_product_is_found_by_its_part_number_and_its_manufacturer_by_its_model(database, client, importing):
    with database.begin(db.EVERYBODY) as session:
        product = make_product(session, "Acme", "Server One", part_number="AC-1")
        make_product(session, "Acme", "Twin A", part_number="TW")
        make_product(session, "Acme", "Twin B", part_number="TW")
    report = importing(
        "serial_number,manufacturer,product,part_number\n"
        "A1,Acme,,AC-1\n"
        "A2,,server one,\n"
        "A3,,,ac-1\n"
        "A4,Acme,Server One,OTHER\n"
        "A5,Acme,,NEW-1\n"
        "A6,Acme,,\n"
        "A7,Acme,,TW\n"
        "A8,,,TW\n"
        "A9,,,NOPE\n",
        client="Town Hall",
    )
    assert outcomes(report) == {"new": 6, "refused": 3}
    assert [fault.message for fault in report.faults] == [
        "2 products answer to TW: name the manufacturer and the model.",
        "2 products answer to TW: name the manufacturer and the model.",
        "The product NOPE is not known: name its manufacturer, and it is made.",
    ]
    assert {the_unit(database, f"A{n}").product_id for n in (1, 2, 3, 4)} == {product.id}
    with looking(database) as session:
        made = session.get_one(Product, the_unit(database, "A5").product_id)
    assert (made.model, made.part_number) == ("NEW-1", "NEW-1")
    assert the_unit(database, "A6").product_id is None
    assert "A manufacturer without a product or part number is not kept. (line 7)" in report.warnings
    assert "The part number differs from that of the product, which stays as it is. (line 5)" in report.warnings


def test_a_part_number_that_a_spreadsheet_ruined_is_left_out_where_the_model_is_named(database, client, importing):
    report = importing(
        "serial_number,manufacturer,product,part_number\nA1,Acme,M1,6.37702E+15\nA2,Acme,,6.37702E+15\n",
        client="Town Hall",
    )
    assert outcomes(report) == {"new": 1, "refused": 1}
    assert "The part number was ruined by a spreadsheet and is left out. (line 2)" in report.warnings
    with looking(database) as session:
        assert session.scalars(select(Product.part_number)).all() == [""]


def test_a_new_site_takes_the_zone_on_which_its_clients_sites_agree(database, client, importing):
    with database.begin(db.EVERYBODY) as session:
        make_site(session, client, "Quay", time_zone="Europe/Paris")
    importing("serial_number,site\nA1,Annex\n", client="Town Hall")
    with looking(database) as session:
        assert session.scalars(select(Site.time_zone).where(Site.name == "Annex")).one() == "Europe/Paris"


def test_a_unit_whose_manufacturer_nobody_knew_is_completed_not_doubled(database, client, importing):
    importing("serial_number\nA1\n", client="Town Hall")
    report = importing("serial_number,manufacturer,product\nA1,Acme,M1\n", client="Town Hall")
    assert outcomes(report) == {"changed": 1}
    assert counted(database)["Asset"] == 1


def test_two_imports_at_once_add_each_unit_and_site_once(database, client, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("serial_number,manufacturer,product,site\nA1,Acme,M1,Quay\nA2,Acme,M1,Annex\n")

    @contextmanager
    def slowly():
        with database.begin(db.EVERYBODY) as session:
            yield session
            time.sleep(0.2)  # written and not committed: the other import comes to the same rows now

    def run():
        return imports.run(open_sheet(path, Kind.ASSETS), slowly, because=BECAUSE, client="Town Hall")

    with ThreadPoolExecutor() as pool:
        reports = [future.result() for future in [pool.submit(run), pool.submit(run)]]
    assert sorted(report.counts[Outcome.NEW] for report in reports) == [0, 2]
    assert {name: counted(database)[name] for name in ("Asset", "Product", "Site")} == {
        "Asset": 2,
        "Product": 1,
        "Site": 2,
    }


def test_a_site_that_somebody_adds_between_two_batches_is_not_added_again(database, client, tmp_path):
    rows = [f"S{n},Quay" for n in range(imports.BATCH)]
    path = tmp_path / "rows.csv"
    path.write_text("serial_number,site\n" + "\n".join([*rows, "A1,Annex"]))
    batches: list[int] = []

    def begin():
        if batches:
            with database.begin(db.EVERYBODY) as session:
                make_site(session, client, "annex")
        batches.append(1)
        return database.begin(db.EVERYBODY)

    report = imports.run(open_sheet(path, Kind.ASSETS), begin, because=BECAUSE, client="Town Hall")
    assert outcomes(report) == {"new": imports.BATCH + 1}
    with looking(database) as session:
        assert session.scalars(select(Site.name).order_by(Site.name)).all() == ["Quay", "annex"]
        annex = session.scalars(select(Site.id).where(Site.name == "annex")).one()
    assert the_unit(database, "A1").site_id == annex


def test_progress_is_told_after_each_batch(database, client, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("serial_number\n" + "".join(f"S{n}\n" for n in range(imports.BATCH + 3)))
    told: list[int] = []
    imports.run(
        open_sheet(path, Kind.ASSETS),
        lambda: database.read(db.EVERYBODY),
        because=BECAUSE,
        client="Town Hall",
        dry_run=True,
        on_progress=told.append,
    )
    assert told == [imports.BATCH, 3]


def test_json_lines_import_as_a_table_does(database, client, importing):
    report = importing(
        '{"serial_number": "A1", "state": "in_service"}\n{"name": 1}\n', name="u.jsonl", client="Town Hall"
    )
    assert outcomes(report) == {"new": 1, "refused": 1}
    assert report.faults[0].line == 2
    assert the_unit(database, "A1").state is AssetState.IN_SERVICE


def test_a_report_is_a_document(client, importing):
    document = importing("serial_number,site\nA1,Quay\n,x\n", client="Town Hall", dry_run=True).as_document()
    assert document["kind"] == "assets"
    assert {name: document[name] for name in ("rows", "new", "same", "changed", "refused")} == {
        "rows": 2,
        "new": 1,
        "same": 0,
        "changed": 0,
        "refused": 1,
    }
    assert document["faults"] == [
        {"line": 3, "file": "", "field": "serial_number", "message": "There is no serial number."}
    ]


# --- Products -------------------------------------------------------------------------------------------------------


def test_products_come_in_and_are_completed(database, importing):
    header = "manufacturer,model,part_number,base_term_months,list_price_minor,currency\n"
    text = header + "Acme,M1,AC-1,36,42000,eur\nAcme,M2,,,,\n"
    assert outcomes(importing(text, Kind.PRODUCTS)) == {"new": 2}
    before = counted(database)
    assert outcomes(importing(text, Kind.PRODUCTS)) == {"same": 2}
    assert counted(database) == before
    report = importing("Model,Manufacturer,Part number\nm1,ACME,\nM2,Acme,AC-2\nM3,Acme,1E+5\n,Acme,\n", Kind.PRODUCTS)
    assert outcomes(report) == {"same": 1, "changed": 1, "refused": 2}
    with looking(database) as session:
        rows = session.scalars(select(Product).order_by(Product.id)).all()
    assert [(row.model, row.part_number, row.base_term_months, row.list_price_minor) for row in rows] == [
        ("M1", "AC-1", 36, 42_000),
        ("M2", "AC-2", None, None),
    ]


def test_a_dry_run_of_products_changes_nothing(database, importing):
    importing("manufacturer,model\nAcme,M1\n", Kind.PRODUCTS)
    report = importing("manufacturer,model,part_number\nAcme,M1,X\nAcme,M2,Y\n", Kind.PRODUCTS, dry_run=True)
    assert outcomes(report) == {"new": 1, "changed": 1}
    with looking(database) as session:
        assert session.execute(select(Product.model, Product.part_number)).all() == [("M1", "")]


def test_one_product_in_two_files_of_the_library_is_told(database, tmp_path):
    for name, text in {
        "a.yaml": "manufacturer: Acme\nmodel: M1\n",
        "b.yaml": "manufacturer: Acme\nmodel: M1\n",
        "c.yaml": "manufacturer: Acme\nmodel: M1\npart_number: X\n",
        "d.yaml": "name: a rack\n",
        "e.yaml": "[",
    }.items():
        (tmp_path / name).write_text(text)
    sheet = open_sheet(tmp_path, Kind.PRODUCTS)
    report = imports.run(sheet, lambda: database.begin(db.EVERYBODY), because=BECAUSE)
    assert outcomes(report) == {"new": 1, "same": 1, "refused": 3}
    assert [(fault.file, fault.message.split(":")[0]) for fault in report.faults] == [
        ("c.yaml", "An earlier file says otherwise of Acme M1"),
        ("d.yaml", "manufacturer is empty."),
        ("e.yaml", "The file is no YAML"),
    ]
    assert str(report.faults[0]).startswith("c.yaml:1: ")


# --- Contracts ------------------------------------------------------------------------------------------------------


@pytest.fixture
def estate_of(database, client):
    """A site in Paris with two units of Acme M1, one of them without a site."""
    with database.begin(db.EVERYBODY) as session:
        site = make_site(session, client, "Quay", time_zone="Europe/Paris")
        product = make_product(session, "Acme", "M1")
        at_site = make_asset(session, client, "A1", product=product, site=site)
        nowhere = make_asset(session, client, "A2", product=product)
    return {"client": client, "site": site, "product": product, "at_site": at_site, "nowhere": nowhere}


def coverages(database):
    with looking(database) as session:
        return session.scalars(select(Coverage).order_by(Coverage.id)).all()


def test_a_bare_contract_row_takes_the_defaults(database, estate_of, importing):
    report = importing(
        "contract_number,kind,serial_number,starts_on\nW-1,manufacturer_warranty,a 1,2024-01-01\n", Kind.CONTRACTS
    )
    assert outcomes(report) == {"new": 1}
    [row] = coverages(database)
    assert (row.client_id, row.scope, row.asset_id) == (
        estate_of["client"].id,
        ScopeKind.ASSET,
        estate_of["at_site"].id,
    )
    assert (row.kind, row.fulfilment) == (CoverageKind.MANUFACTURER_WARRANTY, Fulfilment.VENDOR_RMA)
    assert (row.starts_on, row.ends_on, row.time_zone) == (date(2024, 1, 1), None, "Europe/Paris")
    assert (row.state, row.covers, row.sites) == (CoverageState.ACTIVE, ["parts"], None)
    assert (row.service_level, row.delivery.value) == (ServiceLevel.UNKNOWN, "unknown")
    assert (row.grace_days, row.waiting_days, row.claims_after_end_days, row.claims_limit) == (0, 0, 0, None)
    assert (row.grace_is_covered, row.claims_consumed, row.claims_reserved) == (False, 0, 0)
    assert row.evidence_source is EvidenceSource.CONTRACT_FILE
    assert report.warnings == ["No service level: a decision that rests on this coverage goes to review. (line 2)"]
    with looking(database) as session:
        assert session.scalars(select(Contract.number)).all() == ["W-1"]
        assert session.get_one(Contract, row.contract_id).client_id == estate_of["client"].id


def test_a_full_contract_row_is_taken_as_it_is(database, estate_of, importing):
    importing(
        "contract_number;name;kind;fulfilment;site;client;starts_on;ends_on;time_zone;state;covers;excluded_causes;"
        "excluded_components;sites;service_level;delivery;grace_days;grace_is_covered;waiting_days;claims_after_end_days;"
        "claims_limit;claims_used;price_minor;currency;evidence.source;evidence.vendor_says;evidence.checked_at;evidence.error\n"
        'C-1;Care;MSP agreement;vendor_rma;quay;Town Hall;01.02.2024;2026-01-31;UTC;suspended;"labour; parts";'
        '"wear;liquid";battery;"Quay";24x7x4h;on site;30;yes;14;7;5;2;18900;chf;vendor_lookup;covered;2026-03-01T02:00:00Z;\n',
        Kind.CONTRACTS,
    )
    [row] = coverages(database)
    assert (row.scope, row.site_id, row.name) == (ScopeKind.SITE, estate_of["site"].id, "Care")
    assert (row.kind, row.fulfilment) == (CoverageKind.MSP_AGREEMENT, Fulfilment.VENDOR_RMA)
    assert (row.starts_on, row.ends_on, row.time_zone) == (date(2024, 2, 1), date(2026, 1, 31), "UTC")
    assert (row.state, row.covers) == (CoverageState.SUSPENDED, ["labour", "parts"])
    assert (row.excluded_causes, row.excluded_components) == (["wear", "liquid"], ["battery"])
    assert row.sites == [str(estate_of["site"].public_id)]
    assert (row.service_level.value, row.delivery.value) == ("24x7x4h", "on_site")
    assert (row.grace_days, row.grace_is_covered, row.waiting_days) == (30, True, 14)
    assert (row.claims_after_end_days, row.claims_limit, row.claims_consumed) == (7, 5, 2)
    assert (row.price_minor, row.currency) == (18_900, "CHF")
    assert (row.evidence_source, row.vendor_says) == (EvidenceSource.VENDOR_LOOKUP, CoverageSays.COVERED)
    assert row.checked_at is not None
    assert row.lookup_error is None


def test_a_row_covers_a_unit_a_product_a_site_or_every_unit_of_a_client(database, estate_of, importing):
    report = importing(
        "contract_number,kind,serial_number,manufacturer,product,site,client,starts_on,service_level\n"
        "C-1,insurance,A2,Acme,,,,2024-01-01,best_effort\n"
        "C-1,insurance,,Acme,m1,,Town Hall,2024-01-01,best_effort\n"
        "C-1,insurance,,,M1,,Town Hall,2024-01-02,best_effort\n"
        "C-1,insurance,,,,Quay,Town Hall,2024-01-01,best_effort\n"
        "C-1,insurance,,,,,Town Hall,2024-01-01,best_effort\n",
        Kind.CONTRACTS,
    )
    assert outcomes(report) == {"new": 5}
    assert [row.scope.value for row in coverages(database)] == ["asset", "product", "product", "site", "client"]
    assert {row.time_zone for row in coverages(database)} == {"Europe/Paris"}
    assert report.warnings == [
        (
            "No site says in which time zone the days of the contract are: Europe/Paris is taken. "
            "(4 rows, the first: line 2)"
        ),
        "The row covers every unit of its client. (line 6)",
    ]
    assert counted(database)["Contract"] == 1


def test_the_second_import_of_contracts_changes_nothing(database, estate_of, importing):
    text = (
        "contract_number,kind,serial_number,starts_on,ends_on,covers,claims_used\n"
        "W-1,manufacturer_warranty,A1,2024-01-01,2027-01-01,parts,0\n"
        "W-1,manufacturer_warranty,A1,2024-01-01,2025-01-01,labour,0\n"
        "W-1,manufacturer_warranty,A2,2024-01-01,2027-01-01,,0\n"
    )
    assert outcomes(importing(text, Kind.CONTRACTS)) == {"new": 3}
    with database.begin(db.EVERYBODY) as session:
        for row in session.scalars(select(Coverage)):
            row.claims_consumed = 1  # a claim was made in the meantime, and stays made
    before = counted(database)
    assert outcomes(importing(text, Kind.CONTRACTS)) == {"same": 3}
    assert counted(database) == before
    assert {row.claims_consumed for row in coverages(database)} == {1}


def test_a_renewed_contract_is_a_change(database, estate_of, importing):
    header = "contract_number,kind,serial_number,starts_on,ends_on,covers,service_level\n"
    importing(header + "W-1,vendor_contract,A1,2024-01-01,2026-01-01,parts,next_business_day\n", Kind.CONTRACTS)
    report = importing(header + "W-1,vendor_contract,A1,2024-01-01,2028-01-01,parts;labour,\n", Kind.CONTRACTS)
    assert outcomes(report) == {"changed": 1}
    assert report.preview[0]["changes"] == "ends_on, covers"
    [row] = coverages(database)
    assert (row.ends_on, row.covers) == (date(2028, 1, 1), ["parts", "labour"])
    assert row.service_level is ServiceLevel.NEXT_BUSINESS_DAY
    report = importing(header + "W-1,vendor_contract,A1,2024-01-01,2023-01-01,,\n", Kind.CONTRACTS, dry_run=True)
    assert said(report) == ["line 2: ends_on 2023-01-01 is before starts_on 2024-01-01."]


def test_a_line_that_would_join_two_promises_is_refused(database, estate_of, importing):
    header = "contract_number,kind,serial_number,starts_on,covers\n"
    importing(header + "W,insurance,A1,2024-01-01,parts\nW,insurance,A1,2024-01-01,labour\n", Kind.CONTRACTS)
    report = importing(header + "W,insurance,A1,2024-01-01,parts;labour\n", Kind.CONTRACTS)
    assert said(report) == ["line 2: Contract W promises these shares in 2 lines: change them by hand."]


def test_what_a_look_up_wrote_belongs_to_the_vendor(database, estate_of, importing):
    with database.begin(db.EVERYBODY) as session:
        coverage = make_coverage(session, estate_of["at_site"], contract_number="W-1", starts_on=date(2024, 1, 1))
        coverage.vendor_line = "line 1"
    row = "W-1,manufacturer_warranty,A1,2024-01-01,2030-01-01\n"
    report = importing("contract_number,kind,serial_number,starts_on,ends_on\n" + row, Kind.CONTRACTS)
    assert outcomes(report) == {"new": 1}
    assert [row.ends_on for row in coverages(database)] == [None, date(2030, 1, 1)]


def test_contract_rows_that_cannot_be_taken_are_refused_by_line(database, estate_of, importing):
    with database.begin(db.EVERYBODY) as session:
        make_asset(session, make_client(session, "Harbour"), "A1")
    header = (
        "contract_number,kind,serial_number,product,site,client,starts_on,ends_on,covers,excluded_causes,sites,"
        "time_zone,grace_days,evidence_source,vendor_says\n"
    )
    report = importing(
        header + ",insurance,A2,,,,2024-01-01,,,,,,,,\n"
        "C-1,,A2,,,,2024-01-01,,,,,,,,\n"
        "C-1,insurance,A2,,,,,,,,,,,,\n"
        "C-1,gift,A2,,,,2024-01-01,,,,,,,,\n"
        "C-1,insurance,A2,M1,,,2024-01-01,,,,,,,,\n"
        "C-1,insurance,,,,,2024-01-01,,,,,,,,\n"
        "C-1,insurance,A1,,,,2024-01-01,,,,,,,,\n"
        "C-1,insurance,A9,,,,2024-01-01,,,,,,,,\n"
        "C-1,insurance,,M9,,Town Hall,2024-01-01,,,,,,,,\n"
        "C-1,insurance,,M1,,,2024-01-01,,,,,,,,\n"
        "C-1,insurance,,,Nowhere,Town Hall,2024-01-01,,,,,,,,\n"
        "C-1,insurance,A2,,,,2024-01-01,2023-01-01,,,,,,,\n"
        "C-1,insurance,A2,,,,2024-01-02,,parts;parts,,,,,,\n"
        "C-1,insurance,A2,,,,2024-01-03,,,unknown,,,,,\n"
        "C-1,insurance,A2,,,,2024-01-04,,,,Nowhere,,,,\n"
        "C-1,insurance,A2,,,,2024-01-05,,,,,Mars,,,\n"
        "C-1,insurance,A2,,,,2024-01-06,,,,,,2000000,,\n"
        "C-1,insurance,A2,,,,2024-01-07,,,,,,,vendor_lookup,covered\n"
        "C-1,insurance,A2,,,,2024-01-08,,,,,,,,\n"
        "C-1,insurance,A2,,,,2024-01-08,2025-01-01,,,,,,,\n",
        Kind.CONTRACTS,
    )
    assert outcomes(report) == {"new": 1, "refused": 19}
    found = {fault.line: (fault.field, fault.message) for fault in report.faults}
    assert {line: field for line, (field, _) in found.items()} == {
        2: "contract_number",
        3: "kind",
        4: "starts_on",
        5: "kind",
        6: "product",
        7: "serial_number",
        8: "serial_number",
        9: "serial_number",
        10: "product",
        11: "client",
        12: "site",
        13: "ends_on",
        14: "covers",
        15: "excluded_causes",
        16: "sites",
        17: "time_zone",
        18: "grace_days",
        19: "checked_at",
        21: "",
    }
    assert found[7][1] == "Fill serial_number, product, site, or client to cover every unit of a client."
    assert found[21][1] == "Line 20 says otherwise of the parts of contract C-1: keep one of the two."
    assert counted(database)["Coverage"] == 1


def test_one_contract_row_twice_is_taken_once(database, estate_of, importing):
    row = "C-1,insurance,A1,2024-01-01,best_effort\n"
    report = importing("contract_number,kind,serial_number,starts_on,service_level\n" + row * 2, Kind.CONTRACTS)
    assert outcomes(report) == {"new": 1, "same": 1}
    assert report.warnings == ["The row stands there twice and is taken once. (line 3)"]


# --- Files of other systems, where a folder of them is named --------------------------------------------------------

SAMPLES = Path(os.environ.get("WARRANTY_SAMPLE_DATA") or "/nonexistent")
TABLES = sorted(path for folder in ("snipe-it", "netbox", "other-cmdb") for path in SAMPLES.glob(f"{folder}/*.csv"))

if TABLES:

    @pytest.mark.parametrize("kind", list(Kind))
    @pytest.mark.parametrize("path", TABLES, ids=[path.stem for path in TABLES])
    @pytest.mark.parametrize("runtime", ["sqlite"], indirect=True)
    def test_a_real_table_is_imported_or_refused_with_reasons(database, client, path, kind):
        with database.begin(db.EVERYBODY) as session:
            for known in ("Alpha", "Acme Colo"):
                make_client(session, known)
        before = counted(database)
        try:
            sheet = open_sheet(path, kind)
        except Unusable:
            assert counted(database) == before
            return
        has_clients = any("client" in row.cells for row in sheet.rows())
        name = None if has_clients or kind is Kind.PRODUCTS else "Town Hall"
        report = imports.run(sheet, lambda: database.begin(db.EVERYBODY), because=BECAUSE, client=name)
        again = imports.run(sheet, lambda: database.begin(db.EVERYBODY), because=BECAUSE, client=name)
        assert sum(report.counts.values()) == sheet.total
        assert len(report.faults) == report.counts[Outcome.REFUSED]
        assert all(fault.message for fault in report.faults)
        assert again.counts[Outcome.NEW] == 0
        assert again.counts[Outcome.REFUSED] == report.counts[Outcome.REFUSED]

    def test_the_real_library_comes_in_whole(database):
        report = imports.run(open_sheet(SAMPLES, Kind.PRODUCTS), lambda: database.begin(db.EVERYBODY), because=BECAUSE)
        assert outcomes(report) == {"new": counted(database)["Product"]}
        assert report.counts[Outcome.NEW] > 80
        with looking(database) as session:
            parts = dict(session.execute(select(Product.model, Product.part_number)).all())
        assert parts["PowerEdge R750"] == ""
