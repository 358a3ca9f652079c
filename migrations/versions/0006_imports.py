"""Imports on record: the file until it is done, how far it is, and what each batch did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "import_run",
        sa.Column("client_id", INT, nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("dialect", sa.String(length=32), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("wanted", JSON, nullable=False),
        sa.Column("shape", JSON, nullable=True),
        sa.Column("warnings", JSON, nullable=False),
        sa.Column("tally", JSON, nullable=True),
        sa.Column("rows_total", INT, nullable=True),
        sa.Column("rows_done", INT, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_import_run_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        sa.UniqueConstraint("public_id", name=op.f("uq_import_run_public_id")),
    )
    op.create_index("ix_import_run_client_id", "import_run", ["client_id"])
    op.create_table(
        "import_piece",
        sa.Column("id", INT, nullable=False),
        sa.Column("run_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name=op.f("fk_import_piece_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_piece")),
        sa.UniqueConstraint("run_id", "number", name=op.f("uq_import_piece_run_id_number")),
    )
    op.create_table(
        "import_batch",
        sa.Column("id", INT, nullable=False),
        sa.Column("run_id", INT, nullable=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("made", JSON, nullable=False),
        sa.Column("changed", JSON, nullable=False),
        sa.Column("rejected", JSON, nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name=op.f("fk_import_batch_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
        sa.UniqueConstraint("run_id", "number", name=op.f("uq_import_batch_run_id_number")),
    )


def downgrade() -> None:
    """Drop them, with whatever is in them."""
    for table in ("import_batch", "import_piece", "import_run"):
        op.drop_table(table)
