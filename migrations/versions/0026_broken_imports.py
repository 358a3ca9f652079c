"""Who holds an import that a command does itself, of which file it is, and why one was undone.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

COLUMNS = {
    "content": sa.String(length=64),
    "held_by": sa.String(length=32),
    "held_until": sa.DateTime(timezone=True),
    "undone_by": sa.String(length=64),
    "undone_because": sa.Text(),
}


def upgrade() -> None:
    """Add the columns."""
    for name, kind in COLUMNS.items():
        op.add_column("import_run", sa.Column(name, kind, nullable=True))
    # Nobody knew who held one before: what a worker does has an order, and comes to its end by that.
    op.execute(
        "UPDATE import_run SET held_until = created_at WHERE status = 'running' AND rows_total IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM import_piece WHERE import_piece.run_id = import_run.id)"
    )


def downgrade() -> None:
    """Drop them again; drafts, which an older release does not know, are cancelled."""
    op.execute("UPDATE import_run SET status = 'cancelled' WHERE status IN ('draft', 'checking')")
    for name in reversed(COLUMNS):
        op.drop_column("import_run", name)
