"""Which zones coverages have is read from an index, for the day in each of them.

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_coverage_time_zone", "coverage", ["time_zone"], unique=False)


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_coverage_time_zone", "coverage")
