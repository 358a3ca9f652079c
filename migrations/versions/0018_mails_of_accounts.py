"""A mail may be about a vendor account: it is of no case then, and may be of no client.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the account; a mail need not be of a case any more."""
    with op.batch_alter_table("mail") as batch:
        batch.add_column(sa.Column("account_id", INT, nullable=True))
        batch.alter_column("client_id", existing_type=INT, nullable=True)
        batch.alter_column("fault_id", existing_type=INT, nullable=True)
        batch.create_foreign_key(op.f("fk_mail_account_id"), "vendor_account", ["account_id"], ["id"])
    op.create_index("ix_mail_account_id", "mail", ["account_id", "id"], unique=False)


def downgrade() -> None:
    """Drop it again; such mails are nothing to an older release, and neither are the orders to send them."""
    op.execute("CREATE TEMPORARY TABLE gone AS SELECT order_id FROM mail WHERE fault_id IS NULL")
    op.execute("DELETE FROM mail WHERE fault_id IS NULL")
    op.execute("DELETE FROM outbox WHERE id IN (SELECT order_id FROM gone)")
    op.execute("DROP TABLE gone")
    op.drop_index("ix_mail_account_id", "mail")
    with op.batch_alter_table("mail") as batch:
        batch.drop_constraint(op.f("fk_mail_account_id"), type_="foreignkey")
        batch.alter_column("fault_id", existing_type=INT, nullable=False)
        batch.alter_column("client_id", existing_type=INT, nullable=False)
        batch.drop_column("account_id")
