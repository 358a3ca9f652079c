"""What vendors answered about units is kept as it came, whoever asks again; what is due to be asked is found by an index.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
LOOKED_UP = sa.text("vendor_line IS NOT NULL AND state <> 'superseded'")
FAILED = sa.text("lookup_error IS NOT NULL")


def upgrade() -> None:
    """Make the tables, and take the newest raw answer of each unit over from its coverages."""
    op.create_table(
        "unit_answer",
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("account_id", INT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_unit_answer_account_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_unit_answer_asset_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_unit_answer_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_answer")),
        sa.UniqueConstraint("public_id", name=op.f("uq_unit_answer_public_id")),
    )
    op.create_index("ix_unit_answer_asset_id", "unit_answer", ["asset_id", "id"], unique=False)
    op.create_table(
        "look_up_run",
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("units", INT, nullable=False),
        sa.Column("orders", JSON, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look_up_run")),
        sa.UniqueConstraint("public_id", name=op.f("uq_look_up_run_public_id")),
    )
    _keep_answers()
    op.execute("ALTER TABLE coverage DROP COLUMN evidence_raw")
    op.create_index("ix_asset_lookup", "asset", ["product_id", "lookup_at"], unique=False)
    op.drop_index("ix_asset_product_id", "asset")  # the new one begins with it
    op.create_index(
        "ix_asset_lookup_failed",
        "asset",
        ["product_id", "lookup_at"],
        unique=False,
        sqlite_where=FAILED,
        postgresql_where=FAILED,
    )
    op.create_index(
        "ix_coverage_looked_up",
        "coverage",
        ["ends_on", "asset_id"],
        unique=False,
        sqlite_where=LOOKED_UP,
        postgresql_where=LOOKED_UP,
    )


def _keep_answers() -> None:
    """Every line of a unit had its whole answer."""
    coverage = sa.table("coverage", *map(sa.column, ("id", "client_id", "asset_id", "checked_at", "evidence_raw")))
    answer = sa.table(
        "unit_answer",
        sa.column("public_id", sa.Uuid()),
        *map(sa.column, ("client_id", "asset_id", "answered_at", "raw")),
    )
    has_raw = coverage.c.evidence_raw.is_not(None), coverage.c.checked_at.is_not(None)
    newest = sa.select(sa.func.max(coverage.c.id)).where(*has_raw).group_by(coverage.c.asset_id)
    rows = op.get_bind().execute(sa.select(coverage).where(coverage.c.id.in_(newest))).all()
    for row in rows:
        values = {"public_id": uuid4(), "client_id": row.client_id, "asset_id": row.asset_id}
        op.execute(sa.insert(answer).values(**values, answered_at=row.checked_at, raw=row.evidence_raw))


def downgrade() -> None:
    """Give each line the newest answer about its unit back, and drop the rest."""
    op.drop_index("ix_coverage_looked_up", "coverage")
    op.drop_index("ix_asset_lookup_failed", "asset")
    op.create_index("ix_asset_product_id", "asset", ["product_id"], unique=False)
    op.drop_index("ix_asset_lookup", "asset")
    op.add_column("coverage", sa.Column("evidence_raw", sa.Text(), nullable=True))
    op.execute(
        "UPDATE coverage SET evidence_raw = (SELECT raw FROM unit_answer WHERE unit_answer.asset_id = coverage.asset_id "
        "ORDER BY unit_answer.id DESC LIMIT 1) WHERE vendor_line IS NOT NULL AND state <> 'superseded'"
    )
    op.drop_table("look_up_run")
    op.drop_table("unit_answer")
