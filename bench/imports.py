"""Imports of units: rows a second on each engine, beside a bare COPY of the same rows into the same indexed table."""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from tests.servers import postgres
from warranty import db
from warranty.services import estate, imports
from warranty.services.importing.columns import Kind
from warranty.services.importing.sheets import open_sheet
from warranty.services.moves import Because

ROWS = 100_000
FEW = 20_000  # what the memory of the many is compared with
HEADER = "serial_number,manufacturer,product,client,site,name,asset_tag,ownership,state,purchased_on"


def measure(folder: Path, rows: int = ROWS) -> dict[str, Any]:
    """Import a file on PostgreSQL and on SQLite, each in a process of its own, with validation, journal and register."""
    few, many = (_file(folder, count) for count in (FEW, rows))
    with postgres(durable=True) as server:
        url = server.databases.create()
        floor = _floor(url, folder / "floor.csv", many)
        ours = _import(url, many)
    sqlite = _import(f"sqlite:///{folder / 'many.sqlite3'}", many)
    sqlite_of_few = _import(f"sqlite:///{folder / 'few.sqlite3'}", few)
    return {
        "rows": rows,
        "postgresql": {
            "rows_per_second": ours["rows_per_second"],
            "bare_copy_per_second": floor,
            "ratio": round(floor / ours["rows_per_second"], 1),
        },
        "sqlite": {"rows_per_second": sqlite["rows_per_second"]},
        "memory_mb": {str(FEW): sqlite_of_few["memory_mb"], str(rows): sqlite["memory_mb"]},
    }


def _file(folder: Path, rows: int) -> Path:
    path = folder / f"units-{rows}.csv"
    with path.open("w") as stream:
        stream.write(f"{HEADER}\n")
        for number in range(rows):
            place = f"Town Hall,Site {number % 20},host-{number},T{number}"
            product = f"Maker {number % 7},Model {number % 100}"
            stream.write(f"SN{number:08},{product},{place},client,in_service,2024-02-{number % 28 + 1:02}\n")
    return path


def _import(url: str, path: Path) -> dict[str, float]:
    """What a process of its own measured: see the end of this module."""
    command = [sys.executable, "-m", "bench.imports", url, str(path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return {"rows_per_second": int(answer[0]), "memory_mb": int(answer[1])}


def _floor(url: str, path: Path, many: Path) -> int:
    """Rows a second of a bare COPY of what the import writes into the table of units, indexes, keys and all."""
    database = _with_client(url)
    because = Because("system:bench", "imported", datetime.now(UTC))
    with database.begin(db.EVERYBODY) as session:
        client = estate.find_client(session, "Town Hall")
        client_id = client.id
        sites = [
            estate.add_site(session, client, name=f"Site {number}", time_zone="UTC", because=because)
            for number in range(20)
        ]
        products = [
            estate.add_product(session, manufacturer=f"Maker {maker}", model=f"Model {model}", because=because)
            for maker in range(7)
            for model in range(100)
        ]
        session.flush()
        places, models = [site.id for site in sites], [product.id for product in products]
    database.dispose()
    names = (
        "public_id, client_id, site_id, product_id, serial_number, serial_key, name, asset_tag, ownership, state, purchased_on, "
        "handover_exceptions, absence_attested, created_at"
    )
    now = datetime.now(UTC)
    with many.open() as stream, path.open("w") as out:
        writer = csv.writer(out)
        for number, row in enumerate(csv.DictReader(stream)):
            serial, name, tag, day = (row[key] for key in ("serial_number", "name", "asset_tag", "purchased_on"))
            public_id = f"00000000-0000-4000-8000-{number:012}"
            writer.writerow(
                [
                    public_id,
                    client_id,
                    places[number % 20],
                    models[number % 700],
                    serial,
                    serial,
                    name,
                    tag,
                    "client",
                    "in_service",
                    day,
                    "[]",
                    "false",
                    now,
                ]
            )
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        began = time.perf_counter()
        with path.open("rb") as stream, connection.cursor() as cursor:
            with cursor.copy(f"COPY asset ({names}) FROM STDIN (FORMAT csv)".encode()) as copy:
                while piece := stream.read(2**16):
                    copy.write(piece)
            copied = cursor.rowcount
        connection.commit()
        spent = time.perf_counter() - began
        connection.execute("DELETE FROM asset")
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM FULL asset")  # the import finds the table as the COPY did
    return round(copied / spent)


def _with_client(url: str) -> db.Database:
    db.upgrade(url)
    database = db.Database(url)
    because = Because("system:bench", "imported", datetime.now(UTC))
    with database.begin(db.EVERYBODY) as session:
        try:
            estate.find_client(session, "Town Hall")
        except estate.Invalid:
            estate.add_client(session, name="Town Hall", because=because)
    return database


def _measured(url: str, path: Path) -> str:
    database = _with_client(url)
    because = Because("system:bench", "imported", datetime.now(UTC))
    began = time.perf_counter()
    sheet = open_sheet(path, Kind.ASSETS)
    _, report = imports.run_here(database, sheet, file_name=path.name, client=None, because=because)
    spent = time.perf_counter() - began
    if not report.is_clean:
        raise SystemExit("A row of the measured file was refused: nothing was measured.")
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return f"{round(sheet.total / spent)} {memory_mb}"


if __name__ == "__main__":
    print(_measured(sys.argv[1], Path(sys.argv[2])))
