"""Users that can be switched off, tokens that end, accounts that can be checked and switched off, overrides for two.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def _added() -> dict[str, tuple[sa.Column[object], ...]]:
    return {
        "user_account": (sa.Column("approval_limit_minor", INT), sa.Column("deactivated_at", MOMENT)),
        "vendor_account": (
            sa.Column("switched_off_at", MOMENT),
            sa.Column("check_asked_at", MOMENT),
            sa.Column("check_answered_at", MOMENT),
            sa.Column("check_trouble", sa.Text()),
        ),
        "api_token": (
            sa.Column("name", sa.String(length=120), nullable=False, server_default=""),
            sa.Column("client_id", INT),
            sa.Column("expires_at", MOMENT),
            sa.Column("last_used_at", MOMENT),
        ),
    }


def upgrade() -> None:
    """Add them."""
    for table, columns in _added().items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.add_column(column)
    op.execute(sa.text("UPDATE user_account SET approval_limit_minor = 0 WHERE role = 'client_approver'"))
    with op.batch_alter_table("api_token") as batch:
        batch.alter_column("name", server_default=None)
        batch.create_foreign_key("fk_api_token_client_id", "client", ["client_id"], ["id"])
        batch.create_index("ix_api_token_client_id", ["client_id"])
    op.create_table(
        "override_request",
        sa.Column("task_id", INT, nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("parts_id", INT, nullable=True),
        sa.Column("labour_id", INT, nullable=True),
        sa.Column("reason_code", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_override_request_client_id")),
        sa.ForeignKeyConstraint(["labour_id"], ["coverage.id"], name=op.f("fk_override_request_labour_id")),
        sa.ForeignKeyConstraint(["parts_id"], ["coverage.id"], name=op.f("fk_override_request_parts_id")),
        sa.ForeignKeyConstraint(["task_id"], ["human_task.id"], name=op.f("fk_override_request_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_override_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_override_request_public_id")),
        sa.UniqueConstraint("task_id", name=op.f("uq_override_request_task_id")),
    )


def downgrade() -> None:
    """Drop them, with whatever is in them."""
    op.drop_table("override_request")
    with op.batch_alter_table("api_token") as batch:
        batch.drop_index("ix_api_token_client_id")
        batch.drop_constraint("fk_api_token_client_id", type_="foreignkey")
    for table, columns in _added().items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column.name)
