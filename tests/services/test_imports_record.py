"""Imports on record: as background work in pieces, after any stop the same as one clean run, cancelled, and undone."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
from datetime import date, timedelta

import pytest
from sqlalchemy import event, func, select, update

from tests.factories import BECAUSE, make_asset, make_client, make_coverage, make_site
from tests.importing import work_off
from warranty import config, db
from warranty.domain.terms import AssetState
from warranty.models import (
    Asset,
    AuditRow,
    Baseline,
    Client,
    Contract,
    Coverage,
    ImportBatch,
    ImportPiece,
    ImportRun,
    Outbox,
    Person,
    Product,
    Site,
)
from warranty.models.imports import ImportStatus
from warranty.models.work import OrderStatus
from warranty.runtime import Runtime
from warranty.services import estate, imports, work
from warranty.services.importing.columns import Kind, Wanted
from warranty.services.importing.sheets import open_sheet

BATCH = 300
REGISTRY = (Client, Site, Product, Asset, Contract, Coverage, Baseline, Person)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Batches of one size on both engines, and small: these tests are about how many there are."""
    monkeypatch.setattr(imports, "BATCH", BATCH)
    monkeypatch.setattr(imports, "COPIED_BATCH", BATCH)


@pytest.fixture
def database(runtime):
    with runtime.database.begin(db.EVERYBODY) as session:
        make_client(session, "Town Hall")
    return runtime.database


def ordered(database, text, kind=Kind.ASSETS, *, client=None, dry_run=False, name="rows.csv"):
    """Order an import; its key."""
    with database.begin(db.EVERYBODY) as session:
        owner = None if client is None else estate.find_client(session, client)
        made = imports.order(
            session,
            io.BytesIO(text.encode()),
            kind=kind,
            file_name=name,
            wanted=Wanted(),
            client=owner,
            dry_run=dry_run,
            actor="user:1",
            now=BECAUSE.at,
        )
        return made.id


def the_run(database, run_id):
    with database.read(db.EVERYBODY) as session:
        return session.get_one(ImportRun, run_id)


def counted(database):
    with database.read(db.EVERYBODY) as session:
        return {table.__name__: session.scalar(select(func.count()).select_from(table)) for table in REGISTRY}


def undone(runtime, run_id):
    with runtime.database.begin(db.EVERYBODY) as session:
        imports.undo(session, session.get_one(ImportRun, run_id), actor="user:2", now=db.now(session))
    work_off(runtime)
    return the_run(runtime.database, run_id)


def obstacles(database, run_id):
    with pytest.raises(imports.InTheWay) as refused, database.begin(db.EVERYBODY) as session:
        imports.undo(session, session.get_one(ImportRun, run_id), actor="user:2", now=db.now(session))
    return refused.value.obstacles


def units(count, start="S"):
    return "serial_number,manufacturer,product,client,site,state\n" + "".join(
        f"{start}{number:05},Acme,M{number % 3},Town Hall,Quay {number % 2},in_service\n" for number in range(count)
    )


# --- In pieces, by whoever is there ---------------------------------------------------------------------------------


def test_a_worker_that_has_had_enough_leaves_the_rest_for_the_next(runtime, database):
    run_id = ordered(database, units(3 * BATCH + 7))

    takes = 0
    while (order := claimed(database)) is not None:
        imports.work_on(database, order, enough=lambda: True)
        takes += 1

    run = the_run(database, run_id)
    assert takes >= 4
    assert (run.status, run.rows_done, run.rows_total) == (ImportStatus.DONE, 3 * BATCH + 7, 3 * BATCH + 7)
    assert run.tally["counts"]["new"] == 3 * BATCH + 7


def claimed(database):
    with database.begin(db.EVERYBODY) as session:
        pending = session.scalars(select(Outbox.id).where(Outbox.status == OrderStatus.PENDING)).one_or_none()
        return None if pending is None else work.claim(session, pending, lease_s=60)


def test_what_a_file_says_twice_is_known_to_the_next_worker_too(runtime, database):
    run_id = ordered(
        database, units(BATCH + 1) + "S00000,Acme,M1,Town Hall,Elsewhere,\nS00001,Acme,M1,Town Hall,Quay 1,in_service\n"
    )

    imports.work_on(database, claimed(database), enough=lambda: True)
    work_off(runtime)

    run = the_run(database, run_id)
    assert run.tally["counts"] == {"new": BATCH + 1, "same": 1, "changed": 0, "refused": 1}
    with database.read(db.EVERYBODY) as session:
        [fault] = imports.faults(session, run)
    assert fault["message"] == "Line 2 says otherwise of the serial number S00000: keep one of the two."


def test_a_dry_run_in_pieces_counts_each_product_and_site_once(runtime, database):
    run_id = ordered(database, units(2 * BATCH), dry_run=True)

    imports.work_on(database, claimed(database), enough=lambda: True)
    work_off(runtime)

    run = the_run(database, run_id)
    assert (run.tally["new_products"], run.tally["new_sites"], run.tally["counts"]["new"]) == (3, 2, 2 * BATCH)
    assert counted(database)["Asset"] == 0


def test_a_worker_that_was_overtaken_writes_nothing(database):
    ordered(database, units(3))
    order = claimed(database)
    with database.begin(db.EVERYBODY) as session:
        session.execute(update(Outbox).values(token=order.token + 1))

    imports.work_on(database, order, enough=lambda: False)

    assert counted(database)["Asset"] == 0


def test_an_import_over_which_every_worker_breaks_off_can_be_undone(runtime, database):
    run_id = ordered(database, units(2 * BATCH))
    imports.work_on(database, claimed(database), enough=lambda: True)

    with database.begin(db.EVERYBODY) as session:
        imports.give_up(session, run_id, "it broke off each time.", now=db.now(session))

    run = the_run(database, run_id)
    assert (run.status, run.error) == (ImportStatus.CANCELLED, "Given up: it broke off each time.")
    assert undone(runtime, run_id).status is ImportStatus.UNDONE


def test_statements_do_not_grow_with_the_rows_of_a_batch(runtime, database):
    asked = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    ordered(database, units(120))  # products and sites are made
    work_off(runtime)
    counts = []
    for start, rows in (("A", 150), ("B", 290)):
        ordered(database, units(rows, start))
        asked.clear()
        work_off(runtime)
        counts.append(len(asked))

    assert counts[0] == counts[1]
    copies = [statement for statement in asked if statement.startswith("CREATE TEMP TABLE copy_of_")]
    assert [statement.split()[3] for statement in copies] == (
        [] if database.is_sqlite else ["copy_of_asset", "copy_of_baseline", "copy_of_audit_row"]
    )


# --- Killed at any commit -------------------------------------------------------------------------------------------


def _work_and_die(environment, at_commit, *, before):
    """Do what is due of imports, and be killed just before or just after a commit."""
    runtime = Runtime.of(config.load(environment))
    imports.BATCH = imports.COPIED_BATCH = BATCH
    seen = [0]

    def count(*_args):
        seen[0] += 1
        if seen[0] == at_commit:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = runtime.database.engine
    event.listen(engine, "commit" if before else "checkin", count)
    work_off(runtime)


def facts(database):
    """The registry, in what does not depend on when a row was written."""
    with database.read(db.EVERYBODY) as session:
        assets = select(Asset.serial_number, Asset.state, Product.model, Site.name, Asset.purchased_on)
        joined = assets.outerjoin(Product, Product.id == Asset.product_id).outerjoin(Site, Site.id == Asset.site_id)
        register = select(AuditRow.record, AuditRow.action, AuditRow.new_state, func.count()).group_by(
            AuditRow.record, AuditRow.action, AuditRow.new_state
        )
        return (
            sorted(map(tuple, session.execute(joined))),
            sorted(tuple(map(str, row)) for row in session.execute(register)),
            session.scalar(select(func.count()).select_from(Baseline)),
        )


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_any_commit_the_result_is_that_of_one_clean_run(runtime, environment, database, tmp_path, before):
    text = units(2 * BATCH + 9) + "n/a,Acme,M1,Town Hall,,\n"
    run_id = ordered(database, text)
    database.dispose()
    context = multiprocessing.get_context("forkserver")  # which imports the product once for all that are killed
    context.set_forkserver_preload(["tests.importing", "warranty.tasks.import_rows"])
    killed = 0
    while the_run(database, run_id).status not in imports.OVER:
        database.dispose()
        child = context.Process(
            target=_work_and_die,
            args=(
                environment,
                3 + killed,
            ),
            kwargs={"before": before},
        )
        child.start()
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        with database.begin(db.EVERYBODY) as session:
            session.execute(update(Outbox).values(lease_until=None))  # the lease of the dead runs out
    broken = facts(database), the_run(database, run_id).tally

    with database.begin(db.EVERYBODY) as session:
        make_client(session, "Other")
    again = ordered(database, text.replace("Town Hall", "Other").replace(",M", ",N"))
    work_off(runtime)

    assert killed >= 3
    assert broken[1]["counts"] == {"new": 2 * BATCH + 9, "same": 0, "changed": 0, "refused": 1}
    assert the_run(database, again).tally["counts"] == broken[1]["counts"]
    assert the_run(database, again).tally["new_products"] == broken[1]["new_products"]
    serials = [row[0] for row in broken[0][0]]
    assert len(serials) == len(set(serials)) == broken[0][2] == 2 * BATCH + 9
    assert broken[0][1] == [
        ("asset", "move", "in_service", str(2 * BATCH + 9)),
        ("asset", "move", "onboarding", str(2 * BATCH + 9)),
        ("client", "add", "None", "1"),
        ("product", "add", "None", "3"),
        ("site", "add", "None", "2"),
    ]


# --- Broken off -----------------------------------------------------------------------------------------------------


def _import_and_die(environment, path, after_batches):
    """Import a file in this process, as the command does, and be killed behind some batches."""
    runtime = Runtime.of(config.load(environment))
    imports.BATCH = imports.COPIED_BATCH = BATCH
    left = [after_batches]

    def die(_rows):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    imported_here(runtime.database, path, on_progress=die)


def imported_here(database, path, **more):
    facts = {"file_name": path.name, "client": None, "because": BECAUSE}
    content = imports.print_of(path, Kind.ASSETS, Wanted())
    return imports.run_here(database, open_sheet(path, Kind.ASSETS), content=content, **facts, **more)


def killed_behind(database, environment, path, batches):
    """Have a process import a file and be killed; the key of its run."""
    database.dispose()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.importing", "warranty.tasks.import_rows"])
    child = context.Process(target=_import_and_die, args=(environment, path, batches))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    with database.read(db.EVERYBODY) as session:
        return session.scalars(select(ImportRun.id)).one()


def lose_hold(database):
    """Let the time pass that a process has for a batch."""
    with database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        session.execute(update(ImportRun).values(held_until=now - timedelta(seconds=1)))
        return now


def test_a_command_that_was_killed_leaves_an_import_that_is_broken_off_and_can_be_undone(
    runtime, database, environment, tmp_path
):
    path = tmp_path / "rows.csv"
    path.write_text(units(3 * BATCH))
    run_id = killed_behind(database, environment, path, 2)
    run = the_run(database, run_id)
    assert imports.stands(run, run.held_until - timedelta(seconds=1)) is ImportStatus.RUNNING
    assert obstacle_free_undo_is_refused(database, run_id) == (
        "The import is running: only one that is done or cancelled can be undone."
    )

    now = lose_hold(database)
    assert imports.stands(the_run(database, run_id), now) is ImportStatus.BROKEN_OFF
    assert counted(database)["Asset"] == 2 * BATCH

    assert undone(runtime, run_id).status is ImportStatus.UNDONE
    assert counted(database)["Asset"] == 0


def obstacle_free_undo_is_refused(database, run_id):
    with pytest.raises(imports.NotPossible) as refused, database.begin(db.EVERYBODY) as session:
        imports.undo(session, session.get_one(ImportRun, run_id), actor="user:2", now=db.now(session))
    return str(refused.value)


def test_the_same_command_goes_on_where_one_was_killed_and_the_result_is_that_of_one_run(
    runtime, database, environment, tmp_path
):
    path = tmp_path / "rows.csv"
    header, rows = units(3 * BATCH).split("\n", 1)
    path.write_text(f"{header}\nn/a,Acme,M1,Town Hall,,\n{rows}")
    run_id = killed_behind(database, environment, path, 2)
    lose_hold(database)

    made, report = imported_here(database, path)

    assert made.id == run_id
    assert report.warnings[0] == f"An import of this file broke off: this one went on behind row {2 * BATCH:,}."
    assert report.counts == {"new": 3 * BATCH, "same": 0, "changed": 0, "refused": 1}
    assert [fault.line for fault in report.faults] == [2]
    run = the_run(database, run_id)
    assert (run.status, run.rows_done, run.held_until) == (ImportStatus.DONE, 3 * BATCH + 1, None)
    assert counted(database)["Asset"] == 3 * BATCH
    assert undone(runtime, run_id).status is ImportStatus.UNDONE
    assert counted(database)["Asset"] == 0


def test_a_file_that_is_another_begins_anew(database, environment, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(units(2 * BATCH))
    run_id = killed_behind(database, environment, path, 1)
    lose_hold(database)
    path.write_text(units(2 * BATCH) + "X1,Acme,M1,Town Hall,,\n")

    made, report = imported_here(database, path)

    assert made.id != run_id
    assert report.counts == {"new": BATCH + 1, "same": BATCH, "changed": 0, "refused": 0}


def test_a_command_that_another_overtook_writes_nothing_more(database, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(units(3 * BATCH))

    def overtake(_rows):
        with database.begin(db.EVERYBODY) as session:
            session.execute(update(ImportRun).values(held_by="another"))

    with pytest.raises(imports.Stopped):
        imported_here(database, path, on_progress=overtake)
    assert counted(database)["Asset"] == BATCH


def test_a_command_that_fails_lets_go_at_once(database, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(units(3 * BATCH))

    def interrupt(_rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        imported_here(database, path, on_progress=interrupt)

    made, report = imported_here(database, path)
    assert (made.status, report.counts["new"]) == (ImportStatus.RUNNING, 3 * BATCH)


# --- Undone ---------------------------------------------------------------------------------------------------------


def test_what_an_import_made_goes_and_the_register_says_so(runtime, database):
    before = counted(database)
    run_id = ordered(database, units(BATCH + 3))
    work_off(runtime)

    run = undone(runtime, run_id)

    assert run.status is ImportStatus.UNDONE
    assert counted(database) == before
    with database.read(db.EVERYBODY) as session:
        said = select(AuditRow.record, func.count()).where(AuditRow.action == "undo").group_by(AuditRow.record)
        assert dict(map(tuple, session.execute(said))) == {"asset": BATCH + 3, "product": 3, "site": 2}


def test_what_an_import_changed_gets_its_former_values(runtime, database):
    with database.begin(db.EVERYBODY) as session:
        client = estate.find_client(session, "Town Hall")
        site = make_site(session, client, "Quay")
        asset = make_asset(session, client, "A1", site=site, name="old", state=AssetState.ONBOARDING)
        facts_before = (asset.name, asset.site_id, asset.purchased_on, asset.state, asset.ownership)
        key = asset.id
    run_id = ordered(
        database,
        "serial_number,name,site,purchased_on,state,ownership\nA1,new,Shed,2024-02-01,in_service,msp\n",
        client="Town Hall",
    )
    work_off(runtime)

    undone(runtime, run_id)

    with database.read(db.EVERYBODY) as session:
        unit = session.get_one(Asset, key)
        baselines = session.scalars(select(Baseline).where(Baseline.asset_id == key)).all()
    assert (unit.name, unit.site_id, unit.purchased_on, unit.state, unit.ownership) == facts_before
    assert baselines == []


def test_contracts_sites_and_products_are_undone_too(runtime, database):
    with database.begin(db.EVERYBODY) as session:
        client = estate.find_client(session, "Town Hall")
        unit = make_asset(session, client, "A1")
        make_coverage(session, unit, contract_number="W-0", starts_on=date(2024, 1, 1), ends_on=date(2026, 1, 1))
    before = counted(database)
    promises = (
        "contract_number,kind,serial_number,starts_on,ends_on\nW-1,insurance,A1,2024-01-01,\n"
        "W-0,manufacturer_warranty,A1,2024-01-01,2028-01-01\n"
    )
    for kind, text in (
        (Kind.SITES, "name,client,city,contact_name\nQuay,Town Hall,Utrecht,Mia\n"),
        (Kind.PRODUCTS, "manufacturer,model\nAcme,M9\n"),
        (Kind.COVERAGES, promises),
    ):
        run_id = ordered(database, text, kind)
        work_off(runtime)
        assert the_run(database, run_id).tally["counts"]["refused"] == 0
        assert undone(runtime, run_id).status is ImportStatus.UNDONE

    assert counted(database) == before
    with database.read(db.EVERYBODY) as session:
        assert session.scalars(select(Coverage.ends_on)).all() == [date(2026, 1, 1)]


def test_an_undo_that_is_stopped_goes_on_where_it_was(runtime, database):
    run_id = ordered(database, units(3 * BATCH))
    work_off(runtime)
    with database.begin(db.EVERYBODY) as session:
        imports.undo(session, session.get_one(ImportRun, run_id), actor="user:2", now=db.now(session))

    imports.work_on(database, claimed(database), enough=lambda: True)
    assert counted(database)["Asset"] == 2 * BATCH
    work_off(runtime)

    assert counted(database)["Asset"] == 0


def test_what_depends_on_an_import_stands_in_its_way(runtime, database):
    run_id = ordered(database, units(3))
    work_off(runtime)
    with database.begin(db.EVERYBODY) as session:
        unit = estate.find_assets(session, "S00001")[0]
        make_coverage(session, unit)

    assert obstacles(database, run_id) == ["asset S00001: named by a row of coverage."]
    assert counted(database)["Asset"] == 3


def test_what_was_changed_since_stands_in_the_way(runtime, database):
    with database.begin(db.EVERYBODY) as session:
        make_asset(session, estate.find_client(session, "Town Hall"), "A1", name="old")
    run_id = ordered(database, "serial_number,name\nA1,new\nA2,two\nA3,three\n", client="Town Hall")
    work_off(runtime)
    with database.begin(db.EVERYBODY) as session:
        because = estate_because(session)
        for serial in ("A1", "A2", "A3"):
            estate.change_asset(session, estate.find_assets(session, serial)[0], name="newest", because=because)

    assert obstacles(database, run_id) == [
        "asset A2: changed since, and 1 more like it.",
        "asset A1: changed again since.",
    ]


def estate_because(session):
    return type(BECAUSE)("user:2", "by hand", db.now(session))


def test_a_site_that_a_contract_lists_stands_in_the_way(runtime, database):
    run_id = ordered(database, "name\nQuay\n", Kind.SITES, client="Town Hall")
    work_off(runtime)
    with database.begin(db.EVERYBODY) as session:
        client = estate.find_client(session, "Town Hall")
        site = estate.find_site(session, client, "Quay")
        make_coverage(session, client, sites=[site])

    assert obstacles(database, run_id) == ["site Quay: named by a row of coverage."]


def test_clients_stay_since_the_register_names_them(runtime, database):
    run_id = ordered(database, "name\nHarbour\n", Kind.CLIENTS)
    work_off(runtime)

    assert obstacles(database, run_id) == ["client Harbour: named by a row of audit_row."]


@pytest.mark.parametrize(("facts_of", "said"), [({"dry_run": True}, "A dry run"), ({}, "The import is waiting")])
def test_what_has_written_nothing_cannot_be_undone(database, facts_of, said):
    run_id = ordered(database, units(3), **facts_of)

    with pytest.raises(imports.NotPossible, match=said), database.begin(db.EVERYBODY) as session:
        imports.undo(session, session.get_one(ImportRun, run_id), actor="user:2", now=db.now(session))


# --- Cancelled ------------------------------------------------------------------------------------------------------


def test_a_cancelled_import_stops_after_the_batch_at_hand_and_can_be_undone(runtime, database):
    run_id = ordered(database, units(3 * BATCH))
    imports.work_on(database, claimed(database), enough=lambda: True)
    with database.begin(db.EVERYBODY) as session:
        imports.cancel(session, session.get_one(ImportRun, run_id), now=db.now(session))

    work_off(runtime)

    run = the_run(database, run_id)
    assert (run.status, run.rows_done, counted(database)["Asset"]) == (ImportStatus.CANCELLED, BATCH, BATCH)
    with database.read(db.EVERYBODY) as session:
        assert session.scalars(select(ImportPiece)).all() == []
        assert session.scalars(select(ImportBatch.said)).all() == [None]
    undone(runtime, run_id)
    assert counted(database)["Asset"] == 0


def test_an_import_here_stops_when_somebody_cancels_it(database, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(units(3 * BATCH))

    def cancel_it(_rows):
        with database.begin(db.EVERYBODY) as session:
            imports.cancel(session, session.scalars(select(ImportRun)).one(), now=db.now(session))

    with pytest.raises(imports.Stopped):
        imports.run_here(
            database,
            open_sheet(path, Kind.ASSETS),
            file_name="rows.csv",
            client=None,
            because=BECAUSE,
            on_progress=cancel_it,
        )
    assert counted(database)["Asset"] == BATCH
