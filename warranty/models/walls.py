"""The second wall between clients, which PostgreSQL itself stands guard over: row-level security on every table.

A transaction says at its start whose rows exist in it: one client's (``app.client_id`` is its key) or everybody's (``*``).
One that says nothing sees nothing, whatever statement it sends. SQLite has no such thing: there the first wall stands alone.
The first wall is ``warranty.db``'s: it narrows statements. Source: reliability.md, section 6.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from warranty.models.base import Base

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Table

SETTING = "app.client_id"
EVERYBODY = "*"

POLICY = "client_wall"


class Wall(StrEnum):
    """Whose transactions a row exists for."""

    CLIENT = "client"  # its own client's, and everybody's
    SHARED = "shared"  # the same; a row that names no client is every client's to read
    FREE = "free"  # the same; a row that names no client is every client's to take
    STAFF = "staff"  # everybody's alone
    NONE = "none"  # all


_NAMED = {
    "stock_unit": Wall.FREE,  # what is free may be reserved for any client, and is given back
    "vendor_account": Wall.SHARED,  # a general account serves every client's units
}

REASONS = {
    "absence": "who stands in is asked for every case that is handed over, and names no client",
    "account_maker": "which account serves a maker's products is asked for every report, and names no client",
    "api_token": "read before it is known who asks",
    "idempotency_key": "read before it is known who asks; belongs to a user",
    "lease": "holds no data",
    "product": "the catalogue of all clients",
    "stock_location": "the MSP's own stores, which hold units for every client",
    "user_account": "read before it is known who asks",
}
"""The tables that row-level security leaves alone, each with its reason."""

_EVERYBODYS = f"(SELECT current_setting('{SETTING}', true)) = '{EVERYBODY}'"
_OWN = f"(SELECT nullif(nullif(current_setting('{SETTING}', true), ''), '{EVERYBODY}')::bigint)"


def wall_of(table: Table) -> Wall:
    """Which wall a table has: that of its client, unless it is named above."""
    if table.name in REASONS:
        return Wall.NONE
    if table.name in _NAMED:
        return _NAMED[table.name]
    return Wall.CLIENT if table.name == "client" or "client_id" in table.columns else Wall.STAFF


def raising() -> Iterator[str]:
    """The statements that put up every wall, also where one stands. ``FORCE`` holds the tables' owner back too."""
    for table in Base.metadata.sorted_tables:
        wall = wall_of(table)
        key = "id" if table.name == "client" else "client_id"
        own = f"{_EVERYBODYS} OR {key} = {_OWN}"
        seen, written = {
            Wall.CLIENT: (own, own),
            Wall.SHARED: (f"{own} OR client_id IS NULL", own),
            Wall.FREE: (f"{own} OR client_id IS NULL", f"{own} OR client_id IS NULL"),
            Wall.STAFF: (_EVERYBODYS, _EVERYBODYS),
            Wall.NONE: ("true", "true"),
        }[wall]
        yield f'DROP POLICY IF EXISTS {POLICY} ON "{table.name}"'
        yield f'CREATE POLICY {POLICY} ON "{table.name}" USING ({seen}) WITH CHECK ({written})'
        yield f'ALTER TABLE "{table.name}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'


STANDING = """
    SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid
    WHERE polname = :policy AND relrowsecurity AND relforcerowsecurity
"""
"""Asks which tables have their wall."""


def tearing_down(names: Iterable[str]) -> Iterator[str]:
    """The statements that take the walls of these tables down: an older version of the program knows none."""
    for name in names:
        yield f'DROP POLICY {POLICY} ON "{name}"'
        yield f'ALTER TABLE "{name}" DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY'


APPEND_ONLY = ("audit_row", "audit_seal", "stored_verdict")
"""What nobody changes or takes away; triggers say so too, also to the owner."""

NOT_FOR_WORKERS = ("api_token", "calendar_feed", "idempotency_key")
"""What background work has no business with; what is old of the second the relay drops, unread."""


def grants(user: str, *, is_worker: bool) -> Iterator[str]:
    """The rights of a database user that is not the tables' owner; ``user`` is quoted already."""
    yield f"GRANT USAGE ON SCHEMA public TO {user}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {user}"
    yield f"REVOKE UPDATE, DELETE ON {', '.join(APPEND_ONLY)} FROM {user}"
    yield f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {user}"
    if is_worker:
        yield f"REVOKE ALL ON {', '.join(NOT_FOR_WORKERS)} FROM {user}"
        yield f"GRANT DELETE, SELECT (id, created_at) ON idempotency_key TO {user}"
