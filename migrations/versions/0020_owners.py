"""A case has somebody who looks after it, and somebody who is away has somebody who stands in.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the owner, whom no case has yet, and the table of absences."""
    with op.batch_alter_table("fault") as batch:
        batch.add_column(sa.Column("owner_id", INT, nullable=True))
        batch.create_foreign_key(op.f("fk_fault_owner_id"), "user_account", ["owner_id"], ["id"])
    op.create_index("ix_fault_owner_id", "fault", ["owner_id", "state", "id"], unique=False)
    op.create_table(
        "absence",
        sa.Column("user_id", INT, nullable=False),
        sa.Column("stand_in_id", INT, nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["stand_in_id"], ["user_account.id"], name=op.f("fk_absence_stand_in_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_absence_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
        sa.UniqueConstraint("public_id", name=op.f("uq_absence_public_id")),
    )
    op.create_index("ix_absence_user_id", "absence", ["user_id", "ends_at"], unique=False)
    op.create_index("ix_absence_stand_in_id", "absence", ["stand_in_id", "ends_at"], unique=False)


def downgrade() -> None:
    """Drop both; who looked after what still stands in the register."""
    op.drop_table("absence")
    op.drop_index("ix_fault_owner_id", "fault")
    with op.batch_alter_table("fault") as batch:
        batch.drop_constraint(op.f("fk_fault_owner_id"), type_="foreignkey")
        batch.drop_column("owner_id")
