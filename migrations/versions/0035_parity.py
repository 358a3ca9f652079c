"""What is proven after a swap: differences that a second person accepted, and the certificate.

Revision ID: 0035
Revises: 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "accepted_difference",
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("swap_id", INT, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("difference", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_accepted_difference_client_id")),
        sa.ForeignKeyConstraint(["swap_id"], ["swap.id"], name=op.f("fk_accepted_difference_swap_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accepted_difference")),
        sa.UniqueConstraint("public_id", name=op.f("uq_accepted_difference_public_id")),
        sa.UniqueConstraint("swap_id", "difference", name=op.f("uq_accepted_difference_swap_id_difference")),
    )
    op.create_table(
        "parity_certificate",
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("swap_id", INT, nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("issued_by", sa.String(length=64), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_parity_certificate_client_id")),
        sa.ForeignKeyConstraint(["swap_id"], ["swap.id"], name=op.f("fk_parity_certificate_swap_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parity_certificate")),
        sa.UniqueConstraint("public_id", name=op.f("uq_parity_certificate_public_id")),
        sa.UniqueConstraint("swap_id", name=op.f("uq_parity_certificate_swap_id")),
    )


def downgrade() -> None:
    """Drop them; what was proven is gone with them."""
    op.drop_table("parity_certificate")
    op.drop_table("accepted_difference")
