"""What was read of units: specifications and configurations, each as it was on a day.

Revision ID: 0031
Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "snapshot",
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("asset_id", INT, nullable=True),
        sa.Column("swap_id", INT, nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("properties", JSON, nullable=False),
        sa.Column("redacted", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.String(length=64), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.CheckConstraint("asset_id IS NOT NULL OR swap_id IS NOT NULL", name=op.f("ck_snapshot_of")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_snapshot_client_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_snapshot_asset_id")),
        sa.ForeignKeyConstraint(["swap_id"], ["swap.id"], name=op.f("fk_snapshot_swap_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("public_id", name=op.f("uq_snapshot_public_id")),
    )
    op.create_index("ix_snapshot_asset_id", "snapshot", ["asset_id", "kind", "id"])
    op.create_index("ix_snapshot_swap_id", "snapshot", ["swap_id", "kind", "id"])


def downgrade() -> None:
    """Drop it; what was read is gone with it."""
    op.drop_table("snapshot")
