"""Runs a migration on the database that ``warranty.db`` names; there is no alembic.ini."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from warranty.db import make_engine
from warranty.models import Base, walls

MIGRATION_LOCK = 7_212_001  # any number, ours: two hosts that migrate at once take turns
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"


def run() -> None:
    """Upgrade or downgrade in one transaction, so that a failed migration leaves the old schema; it may be the caller's."""
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    engine = make_engine(context.config.attributes["url"])
    try:
        with engine.connect() as connection:
            migrate(connection)
    finally:
        engine.dispose()


def migrate(connection: Connection) -> None:
    """Run what is asked for on a connection."""
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # Rebuilding a table drops it; with foreign keys on, rows that point to it would go with it.
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=is_sqlite,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        if not is_sqlite:
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
            # The walls hold the tables' owner back too: a migration that fills columns is about everybody's rows.
            connection.execute(text(f"SELECT set_config('{walls.SETTING}', '{walls.EVERYBODY}', true)"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        context.run_migrations()


run()
