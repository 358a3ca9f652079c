"""What is refused of pushes is counted; claims are found by the vendor's last word, and by its silence.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and the indexes. Claims that are followed already count as heard of now: nobody knows better."""
    op.add_column("vendor_account", sa.Column("pushes_refused", INT, nullable=False, server_default="0"))
    op.add_column("vendor_account", sa.Column("push_refused_at", MOMENT, nullable=True))
    op.create_index("ix_rma_heard", "rma", ["account_id", "heard_at"], unique=False)
    op.create_index("ix_rma_silent", "rma", ["state", "heard_at"], unique=False)
    op.execute("UPDATE rma SET heard_at = CURRENT_TIMESTAMP WHERE next_poll_at IS NOT NULL AND heard_at IS NULL")


def downgrade() -> None:
    """Drop them again."""
    op.drop_index("ix_rma_silent", table_name="rma")
    op.drop_index("ix_rma_heard", table_name="rma")
    with op.batch_alter_table("vendor_account") as batch:
        batch.drop_column("push_refused_at")
        batch.drop_column("pushes_refused")
