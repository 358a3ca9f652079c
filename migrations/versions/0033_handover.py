"""Hand-overs are checked step by step and signed by hand; what became of a unit's media, and of the unit, is kept.

Revision ID: 0033
Revises: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
REFERENCES = ("signer_id", "file_id", "specification_id", "configuration_id")
UNSIGNED = sa.text("baseline_id IS NULL")
AT_THE_GATE = sa.text("state IN ('onboarding', 'rejected_at_handover')")
LEFT_OVER = sa.text("left_over_since IS NOT NULL")


def upgrade() -> None:
    """Add the columns and the tables. Hand-overs so far were recorded, and nobody signed them by hand."""
    with op.batch_alter_table("baseline") as batch:
        batch.add_column(sa.Column("signer_id", INT, nullable=True))
        batch.add_column(sa.Column("signer_role", sa.String(length=120), nullable=False, server_default=""))
        batch.add_column(sa.Column("signature", sa.String(length=32), nullable=False, server_default="recorded"))
        batch.add_column(sa.Column("strokes", sa.Text(), nullable=True))
        batch.add_column(sa.Column("file_id", INT, nullable=True))
        batch.add_column(sa.Column("specification_id", INT, nullable=True))
        batch.add_column(sa.Column("configuration_id", INT, nullable=True))
        batch.add_column(sa.Column("digest", sa.String(length=64), nullable=True))
        batch.create_foreign_key(op.f("fk_baseline_signer_id"), "person", ["signer_id"], ["id"])
        batch.create_foreign_key(op.f("fk_baseline_file_id"), "file", ["file_id"], ["id"])
        for name in ("specification_id", "configuration_id"):
            batch.create_foreign_key(op.f(f"fk_baseline_{name}"), "snapshot", [name], ["id"])
        for name in REFERENCES:
            batch.create_index(f"ix_baseline_{name}", [name])
    op.add_column("coverage", sa.Column("left_over_since", MOMENT, nullable=True))
    op.create_index("ix_coverage_left_over", "coverage", ["id"], sqlite_where=LEFT_OVER, postgresql_where=LEFT_OVER)
    op.create_index(
        "ix_asset_handover",
        "asset",
        ["client_id", "site_id", "state", "created_at"],
        sqlite_where=AT_THE_GATE,
        postgresql_where=AT_THE_GATE,
    )
    op.create_table(
        "handover_step",
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("baseline_id", INT, nullable=True),
        sa.Column("unit_class", sa.String(length=32), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("place", INT, nullable=False),
        sa.Column("is_mandatory", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("done_by", sa.String(length=64), nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        *_of_client("handover_step"),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_handover_step_asset_id")),
        sa.ForeignKeyConstraint(["baseline_id"], ["baseline.id"], name=op.f("fk_handover_step_baseline_id")),
    )
    op.create_index(
        "uq_handover_step_open",
        "handover_step",
        ["asset_id", "step"],
        unique=True,
        sqlite_where=UNSIGNED,
        postgresql_where=UNSIGNED,
    )
    op.create_index("ix_handover_step_asset_id", "handover_step", ["asset_id", "id"])
    op.create_index("ix_handover_step_baseline_id", "handover_step", ["baseline_id"])
    op.create_table(
        "sanitized_medium",
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("file_id", INT, nullable=True),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("serial_number", sa.String(length=64), nullable=False),
        sa.Column("serial_key", sa.String(length=64), nullable=False),
        sa.Column("tool", sa.String(length=120), nullable=False),
        sa.Column("done_by", sa.String(length=200), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("certificate", sa.String(length=120), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        *_of_client("sanitized_medium"),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_sanitized_medium_asset_id")),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_sanitized_medium_file_id")),
        sa.UniqueConstraint("asset_id", "serial_key", name=op.f("uq_sanitized_medium_asset_id_serial_key")),
    )
    op.create_index("ix_sanitized_medium_asset_id", "sanitized_medium", ["asset_id", "id"])
    op.create_index("ix_sanitized_medium_file_id", "sanitized_medium", ["file_id"])
    op.create_table(
        "disposal",
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("file_id", INT, nullable=True),
        sa.Column("recycler", sa.String(length=200), nullable=False),
        sa.Column("document", sa.String(length=120), nullable=False),
        sa.Column("disposed_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        *_of_client("disposal"),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_disposal_asset_id")),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_disposal_file_id")),
        sa.UniqueConstraint("asset_id", name=op.f("uq_disposal_asset_id")),
    )
    op.create_index("ix_disposal_file_id", "disposal", ["file_id"])


def _of_client(table: str) -> tuple[sa.Column[object] | sa.Constraint, ...]:
    return (
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f(f"fk_{table}_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
    )


def downgrade() -> None:
    """Drop them again; signatures and the evidence of units that are gone go with them."""
    for table in ("disposal", "sanitized_medium", "handover_step"):
        op.drop_table(table)
    op.drop_index("ix_asset_handover", "asset")
    op.drop_index("ix_coverage_left_over", "coverage")
    op.drop_column("coverage", "left_over_since")
    with op.batch_alter_table("baseline") as batch:
        for name in REFERENCES:
            batch.drop_index(f"ix_baseline_{name}")
            batch.drop_constraint(op.f(f"fk_baseline_{name}"), type_="foreignkey")
        for name in ("digest", "strokes", "signature", "signer_role", *REFERENCES):
            batch.drop_column(name)
