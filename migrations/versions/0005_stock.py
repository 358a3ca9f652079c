"""The MSP's own stock.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FREE = sa.text("state = 'in_stock'")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "stock_location",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_location")),
        sa.UniqueConstraint("name", name=op.f("uq_stock_location_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stock_location_public_id")),
    )
    op.create_table(
        "stock_unit",
        sa.Column("product_id", INT, nullable=False),
        sa.Column("location_id", INT, nullable=False),
        sa.Column("serial_number", sa.String(length=64), nullable=False),
        sa.Column("serial_key", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("client_id", INT, nullable=True),
        sa.Column("fault_id", INT, nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'in_stock') = (fault_id IS NULL)", name=op.f("ck_stock_unit_held")),
        sa.CheckConstraint("(client_id IS NULL) = (fault_id IS NULL)", name=op.f("ck_stock_unit_held_for")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_stock_unit_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_stock_unit_fault_id")),
        sa.ForeignKeyConstraint(["location_id"], ["stock_location.id"], name=op.f("fk_stock_unit_location_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_stock_unit_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_unit")),
        sa.UniqueConstraint("product_id", "serial_key", name=op.f("uq_stock_unit_product_id_serial_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stock_unit_public_id")),
    )
    op.create_index(
        "ix_stock_unit_free",
        "stock_unit",
        ["product_id", "location_id", "id"],
        unique=False,
        sqlite_where=FREE,
        postgresql_where=FREE,
    )
    op.create_index("ix_stock_unit_product_id", "stock_unit", ["product_id", "id"], unique=False)
    op.create_index("ix_stock_unit_location_id", "stock_unit", ["location_id", "id"], unique=False)
    op.create_index("ix_stock_unit_serial_key", "stock_unit", ["serial_key"], unique=False)
    op.create_index("ix_stock_unit_fault_id", "stock_unit", ["fault_id"], unique=False)
    op.create_index("ix_stock_unit_client_id", "stock_unit", ["client_id"], unique=False)


def downgrade() -> None:
    """Drop them, with whatever is in them."""
    op.drop_table("stock_unit")
    op.drop_table("stock_location")
