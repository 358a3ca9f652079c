"""Defective units that go back: until when, who has them, proof and certificate; costs of a case beside its jobs.

Revision ID: 0032
Revises: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
DUE = sa.text("state = 'due'")
TO_REMIND = sa.text("remind_on IS NOT NULL")
UNSETTLED = sa.text("settled_at IS NULL")

INDEXES = (("ix_shipment_client_due", "client_id"), ("ix_shipment_holder_due", "holder"))


def upgrade() -> None:
    """Add the two tables, and who holds a parcel: until somebody says otherwise it is the MSP."""
    with op.batch_alter_table("shipment") as batch:
        batch.add_column(sa.Column("holder", sa.String(length=32), server_default="msp", nullable=False))
    for name, column in INDEXES:
        op.create_index(name, "shipment", [column, "due_on"], sqlite_where=DUE, postgresql_where=DUE)
    op.create_table(
        "vendor_return",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("shipment_id", KEY, nullable=False),
        sa.Column("told_on", sa.Date(), nullable=True),
        sa.Column("rule_on", sa.Date(), nullable=True),
        sa.Column("basis", JSON, nullable=True),
        sa.Column("send_by", sa.Date(), nullable=True),
        sa.Column("remind_on", sa.Date(), nullable=True),
        sa.Column("reminded", KEY, nullable=False),
        sa.Column("charge_minor", KEY, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("user_id", KEY, nullable=True),
        sa.Column("person_id", KEY, nullable=True),
        sa.Column("holder_reason", sa.Text(), nullable=False),
        sa.Column("return_address", sa.Text(), nullable=False),
        sa.Column("keeps_media", sa.Boolean(), nullable=False),
        sa.Column("certificate_id", KEY, nullable=True),
        sa.Column("destroyed_by", sa.String(length=200), nullable=False),
        sa.Column("destroyed_on", sa.Date(), nullable=True),
        sa.Column("method", sa.String(length=200), nullable=False),
        sa.CheckConstraint("charge_minor >= 0", name=op.f("ck_vendor_return_charge")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_vendor_return_client_id_client")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_vendor_return_shipment_id_shipment")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_vendor_return_user_id_user_account")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_vendor_return_person_id_person")),
        sa.ForeignKeyConstraint(["certificate_id"], ["file.id"], name=op.f("fk_vendor_return_certificate_id_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_return")),
        sa.UniqueConstraint("public_id", name=op.f("uq_vendor_return_public_id")),
        sa.UniqueConstraint("shipment_id", name=op.f("uq_vendor_return_shipment_id")),
    )
    op.create_index(
        "ix_vendor_return_remind_on",
        "vendor_return",
        ["remind_on"],
        sqlite_where=TO_REMIND,
        postgresql_where=TO_REMIND,
    )
    op.create_index("ix_vendor_return_client_id", "vendor_return", ["client_id"])
    op.create_table(
        "case_cost",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("fault_id", KEY, nullable=False),
        sa.Column("shipment_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", KEY, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payer", sa.String(length=32), nullable=False),
        sa.Column("blame", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("settled_at", TIME, nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("settlement", sa.Text(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_case_cost_amount")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_case_cost_client_id_client")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_case_cost_fault_id_fault")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_case_cost_shipment_id_shipment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_cost")),
        sa.UniqueConstraint("public_id", name=op.f("uq_case_cost_public_id")),
    )
    op.create_index("ix_case_cost_fault_id", "case_cost", ["fault_id", "id"])
    op.create_index(
        "ix_case_cost_open", "case_cost", ["client_id", "id"], sqlite_where=UNSETTLED, postgresql_where=UNSETTLED
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("case_cost")
    op.drop_table("vendor_return")
    for name, _column in INDEXES:
        op.drop_index(name, "shipment")
    with op.batch_alter_table("shipment") as batch:
        batch.drop_column("holder")
