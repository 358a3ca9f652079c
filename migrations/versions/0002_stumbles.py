"""What the outbox counts against an order, what a vendor's word is as old as, and being woken when a slot is freed.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# An order that is due at once, nobody having it: what a relay would pick. One that becomes due later sends no notice.
IS_WAITING = """{row}.status = 'pending' AND {row}.lease_until IS NULL AND {row}.enqueued_at IS NULL
    AND {row}.next_at <= clock_timestamp()"""
POSTGRESQL_UP = (
    f"""
    CREATE TRIGGER outbox_armed_wakes_relay AFTER UPDATE OF status, next_at, lease_until ON outbox FOR EACH ROW
    WHEN ({IS_WAITING.format(row="NEW")} AND (OLD.status <> 'pending' OR OLD.lease_until IS NOT NULL))
    EXECUTE FUNCTION wake_relay()
    """,
    # Of one account only some orders are under way at once: the end of one lets the next one go.
    f"""
    CREATE FUNCTION wake_relay_for_next() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM outbox WHERE account_id = NEW.account_id AND id <> NEW.id AND {IS_WAITING.format(row="outbox")})
        THEN PERFORM pg_notify('outbox', ''); END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER outbox_freed_wakes_relay AFTER UPDATE OF status, lease_until ON outbox FOR EACH ROW
    WHEN (OLD.lease_until IS NOT NULL AND NEW.lease_until IS NULL AND NEW.account_id IS NOT NULL)
    EXECUTE FUNCTION wake_relay_for_next()
    """,
)
POSTGRESQL_DOWN = (
    "DROP TRIGGER outbox_freed_wakes_relay ON outbox",
    "DROP FUNCTION wake_relay_for_next()",
    "DROP TRIGGER outbox_armed_wakes_relay ON outbox",
)


def upgrade() -> None:
    """Add the columns and the triggers; SQLite is looked at five times a second and needs none."""
    op.add_column("outbox", sa.Column("stumbles", INT, nullable=False, server_default="0"))
    op.add_column("rma", sa.Column("vendor_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_column("lease", "holder")
    op.drop_column("lease", "until")
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL_UP:
            op.execute(statement)


def downgrade() -> None:
    """Take them away."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL_DOWN:
            op.execute(statement)
    op.drop_table("lease")  # it holds nothing but when the next look is
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.drop_column("rma", "vendor_changed_at")
    op.drop_column("outbox", "stumbles")
