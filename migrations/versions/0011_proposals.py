"""What a person says yes or no to stands on the task that asks.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Add the column."""
    op.add_column("human_task", sa.Column("proposals", JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Drop it again."""
    with op.batch_alter_table("human_task") as batch:
        batch.drop_column("proposals")
