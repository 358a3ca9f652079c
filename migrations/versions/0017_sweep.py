"""What the vendors hold is compared with what is known here; cases that belong to no claim, and accounts that open nothing yet.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns; a task need not stand on a fault any more."""
    for name in ("swept_to", "opens_held_since", "held_at"):
        op.add_column("vendor_account", sa.Column(name, MOMENT, nullable=True))
    for name in ("serial_number", "serial_key"):
        op.add_column("sighting", sa.Column(name, sa.String(length=200), nullable=False, server_default=""))
    for name in ("opened_at", "asked_at"):
        op.add_column("sighting", sa.Column(name, MOMENT, nullable=True))
    op.create_index("ix_sighting_serial", "sighting", ["account_id", "serial_key"], unique=False)
    with op.batch_alter_table("human_task") as batch:
        batch.add_column(sa.Column("sighting_id", INT, nullable=True))
        batch.alter_column("client_id", existing_type=INT, nullable=True)
        batch.alter_column("fault_id", existing_type=INT, nullable=True)
        batch.create_foreign_key(op.f("fk_human_task_sighting_id"), "sighting", ["sighting_id"], ["id"])
        batch.create_unique_constraint(op.f("uq_human_task_sighting_id"), ["sighting_id"])


def downgrade() -> None:
    """Drop them again; tasks that stand on no fault are nothing to an older release."""
    op.execute("DELETE FROM human_task WHERE fault_id IS NULL")
    with op.batch_alter_table("human_task") as batch:
        batch.drop_constraint(op.f("uq_human_task_sighting_id"), type_="unique")
        batch.drop_constraint(op.f("fk_human_task_sighting_id"), type_="foreignkey")
        batch.alter_column("fault_id", existing_type=INT, nullable=False)
        batch.alter_column("client_id", existing_type=INT, nullable=False)
        batch.drop_column("sighting_id")
    op.drop_index("ix_sighting_serial", "sighting")
    for name in ("asked_at", "opened_at", "serial_key", "serial_number"):
        with op.batch_alter_table("sighting") as batch:
            batch.drop_column(name)
    with op.batch_alter_table("vendor_account") as batch:
        for name in ("held_at", "opens_held_since", "swept_to"):
            batch.drop_column(name)
