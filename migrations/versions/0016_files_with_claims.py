"""The files that a person lets go along with a claim.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Add the column."""
    op.add_column("rma", sa.Column("files", JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Drop it again; what was chosen goes with it, the files themselves stay."""
    op.drop_column("rma", "files")
