"""Everybody says for themselves in which time zone and how bright they read, and whether single letters are keys.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the three; nobody has chosen yet."""
    op.add_column("user_account", sa.Column("time_zone", sa.String(length=64), nullable=True))
    op.add_column("user_account", sa.Column("theme", sa.String(length=32), nullable=True))
    op.add_column("user_account", sa.Column("single_keys", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Drop them again."""
    for name in ("single_keys", "theme", "time_zone"):
        op.drop_column("user_account", name)
