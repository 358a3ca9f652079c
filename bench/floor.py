"""The floor of a report: a bare Flask endpoint that inserts one row and commits it to the disk."""

from __future__ import annotations

import os

from flask import Flask, request
from sqlalchemy import create_engine, event, text


def create_app() -> Flask:
    """Make the endpoint on the database that ``FLOOR_URL`` names, with the durability of the product's."""
    engine = create_engine(os.environ["FLOOR_URL"])
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
    app = Flask("floor")

    @app.post("/")
    def insert() -> tuple[dict[str, str], int]:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO bare_report VALUES (:symptom)"), {"symptom": request.json["symptom"]})
        return {"state": "reported"}, 201

    return app
