"""Swaps know which units gave up and took a place; cover that follows; loaners; claims for what was dead on arrival.

Revision ID: 0029
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OUT = sa.text("back_at IS NULL")

# An index of an expression is not carried along where SQLite makes a table anew.
BEGINNINGS = {
    "asset": (
        ("ix_asset_serial_begins", "serial_key"),
        ("ix_asset_tag_begins", "lower(asset_tag)"),
        ("ix_asset_name_begins", "lower(name)"),
    ),
    "rma": (
        ("ix_rma_number_begins", "lower(rma_number)"),
        ("ix_rma_case_begins", "lower(vendor_case_number)"),
        ("ix_rma_reference_begins", "lower(client_reference)"),
    ),
}
_TO = {
    "old_asset_id": "asset",
    "new_asset_id": "asset",
    "parent_id": "swap",
    "product_id": "product",
    "stock_unit_id": "stock_unit",
    "restocked_id": "stock_unit",
}
_TEXTS = {"told_serial": 64, "serial_number": 64, "serial_key": 64, "substitute": 200}


def _lift(table: str) -> None:
    for name, _ in BEGINNINGS[table]:
        op.drop_index(name, table)


def _lay(table: str) -> None:
    of = "{} text_pattern_ops" if op.get_bind().dialect.name == "postgresql" else "{}"
    for name, what in BEGINNINGS[table]:
        op.create_index(name, table, [sa.text(of.format(what))], unique=False)


def upgrade() -> None:
    """Add what swaps, claims and faults know from now on, and the tables of followed cover and of loaners."""
    op.add_column("fault", sa.Column("claims_consumed_at", sa.DateTime(timezone=True), nullable=True))
    _lift("rma")
    with op.batch_alter_table("rma") as batch:
        batch.add_column(sa.Column("parent_id", INT, nullable=True))
        batch.create_foreign_key(op.f("fk_rma_parent_id"), "rma", ["parent_id"], ["id"])
    _lay("rma")
    op.create_index("ix_rma_parent_id", "rma", ["parent_id"], unique=False)
    _lift("asset")
    with op.batch_alter_table("asset") as batch:
        batch.create_check_constraint(
            op.f("ck_asset_place"), "replaced_by_id IS NULL OR state NOT IN ('in_service', 'faulty', 'in_rma')"
        )
    _lay("asset")
    with op.batch_alter_table("swap") as batch:
        for name, to in _TO.items():
            batch.add_column(sa.Column(name, INT, nullable=True))
            batch.create_foreign_key(op.f(f"fk_swap_{name}"), to, [name], ["id"])
        for name, length in _TEXTS.items():
            batch.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
        batch.create_unique_constraint(op.f("uq_swap_parent_id"), ["parent_id"])
    for name in ("serial_key", "new_asset_id", "old_asset_id"):
        op.create_index(f"ix_swap_{name}", "swap", [name], unique=False)
    op.create_table(
        "coverage_transfer",
        sa.Column("swap_id", INT, nullable=False),
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("coverage_id", INT, nullable=False),
        sa.Column("new_coverage_id", INT, nullable=True),
        sa.Column("way", sa.String(length=32), nullable=True),
        sa.Column("root_ends_on", sa.Date(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["swap_id"], ["swap.id"], name=op.f("fk_coverage_transfer_swap_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_coverage_transfer_asset_id")),
        sa.ForeignKeyConstraint(["coverage_id"], ["coverage.id"], name=op.f("fk_coverage_transfer_coverage_id")),
        sa.ForeignKeyConstraint(
            ["new_coverage_id"], ["coverage.id"], name=op.f("fk_coverage_transfer_new_coverage_id")
        ),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_coverage_transfer_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_transfer")),
        sa.UniqueConstraint("public_id", name=op.f("uq_coverage_transfer_public_id")),
        sa.UniqueConstraint("swap_id", "coverage_id", name=op.f("uq_coverage_transfer_swap_id_coverage_id")),
    )
    op.create_index("ix_coverage_transfer_asset_id", "coverage_transfer", ["asset_id", "checked_at"], unique=False)
    for name in ("coverage_id", "new_coverage_id"):
        op.create_index(f"ix_coverage_transfer_{name}", "coverage_transfer", [name], unique=False)
    op.create_table(
        "loan",
        sa.Column("fault_id", INT, nullable=False),
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("for_asset_id", INT, nullable=False),
        sa.Column("stock_unit_id", INT, nullable=True),
        sa.Column("lent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_loan_fault_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_loan_asset_id")),
        sa.ForeignKeyConstraint(["for_asset_id"], ["asset.id"], name=op.f("fk_loan_for_asset_id")),
        sa.ForeignKeyConstraint(["stock_unit_id"], ["stock_unit.id"], name=op.f("fk_loan_stock_unit_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_loan_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan")),
        sa.UniqueConstraint("public_id", name=op.f("uq_loan_public_id")),
    )
    for name in ("fault_id", "asset_id"):
        op.create_index(f"ix_loan_{name}", "loan", [name], unique=False)
    op.create_index("uq_loan_out", "loan", ["for_asset_id"], unique=True, sqlite_where=OUT, postgresql_where=OUT)


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("loan")
    op.drop_table("coverage_transfer")
    for name in ("serial_key", "new_asset_id", "old_asset_id"):
        op.drop_index(f"ix_swap_{name}", "swap")
    with op.batch_alter_table("swap") as batch:
        batch.drop_constraint(op.f("uq_swap_parent_id"), type_="unique")
        for name in _TO:
            batch.drop_constraint(op.f(f"fk_swap_{name}"), type_="foreignkey")
            batch.drop_column(name)
        for name in _TEXTS:
            batch.drop_column(name)
    _lift("asset")
    with op.batch_alter_table("asset") as batch:
        batch.drop_constraint(op.f("ck_asset_place"), type_="check")
    _lay("asset")
    op.drop_index("ix_rma_parent_id", "rma")
    _lift("rma")
    with op.batch_alter_table("rma") as batch:
        batch.drop_constraint(op.f("fk_rma_parent_id"), type_="foreignkey")
        batch.drop_column("parent_id")
    _lay("rma")
    op.drop_column("fault", "claims_consumed_at")
