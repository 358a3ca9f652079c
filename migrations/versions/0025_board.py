"""What the board counts is found without looking at everything that ever was.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

DUE = sa.text("state = 'due'")


def upgrade() -> None:
    """Add an index for when faults, claims and jobs came up, and one of the parcels that are to go back."""
    op.create_index("ix_fault_reported_at", "fault", ["reported_at"], unique=False)
    op.create_index("ix_rma_created_at", "rma", ["created_at"], unique=False)
    op.create_index("ix_ad_hoc_job_created_at", "ad_hoc_job", ["created_at"], unique=False)
    op.create_index("ix_shipment_due", "shipment", ["due_on"], sqlite_where=DUE, postgresql_where=DUE)


def downgrade() -> None:
    """Drop them again."""
    op.drop_index("ix_shipment_due", "shipment")
    op.drop_index("ix_ad_hoc_job_created_at", "ad_hoc_job")
    op.drop_index("ix_rma_created_at", "rma")
    op.drop_index("ix_fault_reported_at", "fault")
