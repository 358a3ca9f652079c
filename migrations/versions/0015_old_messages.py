"""What vendors sent is found by when it came, so that it can be dropped when it is old.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_vendor_delivery_received_at", "vendor_delivery", ["received_at"], unique=False)


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("ix_vendor_delivery_received_at", "vendor_delivery")
