"""What a promise costs, what ends next found by an index, and the addresses that calendar programs read.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
RUNNING = sa.text("state = 'active'")


def upgrade() -> None:
    """Add the columns, the indexes and the table."""
    op.add_column("coverage", sa.Column("price_minor", INT, nullable=True))
    op.add_column("coverage", sa.Column("currency", sa.String(length=3), nullable=False, server_default="EUR"))
    op.create_index(
        "ix_coverage_ends_on", "coverage", ["ends_on", "id"], sqlite_where=RUNNING, postgresql_where=RUNNING
    )
    op.create_index(
        "ix_coverage_client_ends_on",
        "coverage",
        ["client_id", "ends_on", "id"],
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_index("ix_contract_number", "contract", ["number", "id"])
    op.create_table(
        "calendar_feed",
        sa.Column("user_id", INT, nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_calendar_feed_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("public_id", name=op.f("uq_calendar_feed_public_id")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_calendar_feed_secret_digest")),
    )
    op.create_index("ix_calendar_feed_user_id", "calendar_feed", ["user_id"])


def downgrade() -> None:
    """Drop them again; prices and addresses go with them."""
    op.drop_table("calendar_feed")
    op.drop_index("ix_contract_number", "contract")
    op.drop_index("ix_coverage_client_ends_on", "coverage")
    op.drop_index("ix_coverage_ends_on", "coverage")
    op.drop_column("coverage", "currency")
    op.drop_column("coverage", "price_minor")
