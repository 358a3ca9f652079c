"""The floors of a report: a bare Flask endpoint that inserts one row and commits it to the disk, and that commit alone."""

from __future__ import annotations

import os
import statistics
import time

from flask import Flask, request
from sqlalchemy import Connection, Engine, create_engine, event, text

COMMITS = 50


def create_app() -> Flask:
    """Make the endpoint on the database that ``FLOOR_URL`` names."""
    engine = engine_of(os.environ["FLOOR_URL"])
    app = Flask("floor")

    @app.post("/")
    def insert() -> tuple[dict[str, str], int]:
        with engine.begin() as connection:
            insert_row(connection, request.json["symptom"])
        return {"state": "reported"}, 201

    return app


def commit_ms(url: str) -> float:
    """Milliseconds of a transaction that inserts one row: the median."""
    engine, times = engine_of(url), []
    for _ in range(COMMITS):
        began = time.perf_counter()
        with engine.begin() as connection:
            insert_row(connection, "dead")
        times.append((time.perf_counter() - began) * 1000)
    engine.dispose()
    return round(statistics.median(times), 2)


def engine_of(url: str) -> Engine:
    """The database with the durability of the product's."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: object, _record: object) -> None:
            connection.isolation_level = None  # type: ignore[attr-defined]  # of the SQLite driver
            for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]  # of the SQLite driver

        @event.listens_for(engine, "begin")
        def begin(connection: object) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]  # of SQLAlchemy's connection

    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS bare_report (symptom TEXT)"))
    return engine


def insert_row(connection: Connection, symptom: str) -> None:
    """The row of one transaction."""
    connection.execute(text("INSERT INTO bare_report VALUES (:symptom)"), {"symptom": symptom})
