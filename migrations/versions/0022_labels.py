"""A label that is scanned names no client: asset tags are found across all of them.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_asset_tag", "asset", ["asset_tag"], unique=False)


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("ix_asset_tag", "asset")
