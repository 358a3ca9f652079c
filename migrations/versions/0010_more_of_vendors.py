"""What vendors send by themselves, the parts they list, notes on a case, and how a claim stands with them.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
UNAPPLIED = sa.text("applied_at IS NULL")


def upgrade() -> None:
    """Add the columns and make the tables."""
    op.add_column("rma", sa.Column("heard_at", MOMENT, nullable=True))
    op.add_column("rma", sa.Column("parts", JSON, nullable=False, server_default="[]"))
    op.add_column("rma", sa.Column("denials", INT, nullable=False, server_default="0"))
    op.execute("UPDATE rma SET denials = 1 WHERE state = 'denied'")
    op.create_table(
        "vendor_delivery",
        sa.Column("id", INT, nullable=False),
        sa.Column("account_id", INT, nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("applied_at", MOMENT, nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_vendor_delivery_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_delivery")),
        sa.UniqueConstraint("account_id", "event_id", name=op.f("uq_vendor_delivery_account_id_event_id")),
    )
    op.create_index(
        "ix_vendor_delivery_unapplied",
        "vendor_delivery",
        ["account_id", "id"],
        unique=False,
        sqlite_where=UNAPPLIED,
        postgresql_where=UNAPPLIED,
    )
    op.create_table(
        "parts_list",
        sa.Column("id", INT, nullable=False),
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("account_id", INT, nullable=False),
        sa.Column("entries", JSON, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_parts_list_account_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_parts_list_asset_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts_list")),
        sa.UniqueConstraint("asset_id", "account_id", name=op.f("uq_parts_list_asset_id_account_id")),
    )
    op.create_table(
        "case_note",
        sa.Column("fault_id", INT, nullable=False),
        sa.Column("rma_id", INT, nullable=True),
        sa.Column("way", sa.String(length=32), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("vendor_note_id", sa.String(length=120), nullable=True),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_case_note_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_case_note_fault_id")),
        sa.ForeignKeyConstraint(["rma_id"], ["rma.id"], name=op.f("fk_case_note_rma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_note")),
        sa.UniqueConstraint("public_id", name=op.f("uq_case_note_public_id")),
        sa.UniqueConstraint("rma_id", "vendor_note_id", name=op.f("uq_case_note_rma_id_vendor_note_id")),
    )
    op.create_index("ix_case_note_fault_id", "case_note", ["fault_id", "id"], unique=False)


def downgrade() -> None:
    """Drop them again; tasks of the kinds that came with them are no more than remarks to an older release."""
    op.drop_table("case_note")
    op.drop_table("parts_list")
    op.drop_table("vendor_delivery")
    op.execute("DELETE FROM human_task WHERE kind IN ('proposal', 'silent')")
    with op.batch_alter_table("rma") as batch:
        batch.drop_column("denials")
        batch.drop_column("parts")
        batch.drop_column("heard_at")
