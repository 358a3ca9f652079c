"""What is known of parcels: their parts, days, proofs and what they make up for; and until when an RMA number holds.

Revision ID: 0030
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
COMING = sa.text("direction = 'to_us' AND state IN ('expected', 'in_transit')")
ENDS = sa.text("expires_on IS NOT NULL")


def upgrade() -> None:
    """Add the columns; parcels that are there already are empty, as nobody has counted them."""
    with op.batch_alter_table("shipment") as batch:
        batch.add_column(sa.Column("sent_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("delivered_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("signed_by", sa.String(length=120), server_default="", nullable=False))
        batch.add_column(sa.Column("proof_id", INT, nullable=True))
        batch.add_column(sa.Column("note", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("parts", JSON, server_default="[]", nullable=False))
        batch.add_column(sa.Column("makes_up_for_id", INT, nullable=True))
        batch.create_foreign_key(op.f("fk_shipment_proof_id"), "file", ["proof_id"], ["id"])
        batch.create_foreign_key(op.f("fk_shipment_makes_up_for_id"), "shipment", ["makes_up_for_id"], ["id"])
    op.create_index("ix_shipment_coming", "shipment", ["due_on"], sqlite_where=COMING, postgresql_where=COMING)
    op.create_index("ix_shipment_makes_up_for_id", "shipment", ["makes_up_for_id"])
    op.add_column("rma", sa.Column("expires_on", sa.Date(), nullable=True))
    op.create_index("ix_rma_expires_on", "rma", ["expires_on"], sqlite_where=ENDS, postgresql_where=ENDS)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_rma_expires_on", "rma")
    op.execute("ALTER TABLE rma DROP COLUMN expires_on")  # a copy of the table would lose the indexes of beginnings
    op.drop_index("ix_shipment_makes_up_for_id", "shipment")
    op.drop_index("ix_shipment_coming", "shipment")
    with op.batch_alter_table("shipment") as batch:
        batch.drop_constraint(op.f("fk_shipment_makes_up_for_id"), type_="foreignkey")
        batch.drop_constraint(op.f("fk_shipment_proof_id"), type_="foreignkey")
        for name in ("makes_up_for_id", "parts", "note", "proof_id", "signed_by", "delivered_on", "sent_on"):
            batch.drop_column(name)
