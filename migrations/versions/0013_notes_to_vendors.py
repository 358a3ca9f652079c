"""Notes and files that go to vendors: the order that sends one, and why it is not sent any more.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table("case_note") as batch:
        batch.add_column(sa.Column("file_id", INT, nullable=True))
        batch.add_column(sa.Column("order_id", INT, nullable=True))
        batch.add_column(sa.Column("refused", sa.Text(), nullable=True))
        batch.create_foreign_key(op.f("fk_case_note_file_id"), "file", ["file_id"], ["id"])
        batch.create_foreign_key(op.f("fk_case_note_order_id"), "outbox", ["order_id"], ["id"])
        batch.create_index("ix_case_note_order_id", ["order_id"], unique=False)


def downgrade() -> None:
    """Drop them again; what an older release cannot send or show goes with them."""
    with op.batch_alter_table("case_note") as batch:
        batch.drop_index("ix_case_note_order_id")
        batch.drop_constraint(op.f("fk_case_note_order_id"), type_="foreignkey")
        batch.drop_constraint(op.f("fk_case_note_file_id"), type_="foreignkey")
        batch.drop_column("refused")
        batch.drop_column("order_id")
        batch.drop_column("file_id")
    op.execute("DELETE FROM outbox WHERE kind = 'tell_vendor'")
    op.execute("DELETE FROM human_task WHERE kind IN ('vendor_note', 'not_taken')")
