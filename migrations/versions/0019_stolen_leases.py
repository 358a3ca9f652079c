"""How often an order was taken over from a worker who vanished, and what is not done found without looking at what is.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STUCK = sa.text("status IN ('parked', 'dead')")
STOLEN = sa.text("steals > 0")


def upgrade() -> None:
    """Add the count and the two indexes, each of the few rows that it is for."""
    op.add_column("outbox", sa.Column("steals", INT, nullable=False, server_default="0"))
    op.create_index(
        "ix_outbox_stuck", "outbox", ["status", "kind", "account_id"], sqlite_where=STUCK, postgresql_where=STUCK
    )
    op.create_index("ix_outbox_stolen", "outbox", ["steals"], sqlite_where=STOLEN, postgresql_where=STOLEN)


def downgrade() -> None:
    """Drop them again; what was counted goes with them."""
    op.drop_index("ix_outbox_stolen", "outbox")
    op.drop_index("ix_outbox_stuck", "outbox")
    op.drop_column("outbox", "steals")
