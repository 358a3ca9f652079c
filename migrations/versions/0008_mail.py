"""Mails, and the marks of what is to be told by mail. What is there already is taken for told.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
UNTOLD_FAULT = sa.text("told IS NULL")
UNTOLD_TASK = sa.text("told_at IS NULL AND resolved_at IS NULL")
REFUSED = sa.text("refused IS NOT NULL")


def upgrade() -> None:
    """Add the columns and make the tables."""
    op.add_column("client", sa.Column("sends_mail", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("fault", sa.Column("told", sa.String(length=32), nullable=True))
    op.add_column("human_task", sa.Column("told_at", MOMENT, nullable=True))
    op.execute("UPDATE fault SET told = 'opened'")
    op.execute("UPDATE human_task SET told_at = created_at")
    op.create_index(
        "ix_fault_untold", "fault", ["id"], unique=False, sqlite_where=UNTOLD_FAULT, postgresql_where=UNTOLD_FAULT
    )
    op.create_index(
        "ix_human_task_untold",
        "human_task",
        ["id"],
        unique=False,
        sqlite_where=UNTOLD_TASK,
        postgresql_where=UNTOLD_TASK,
    )
    op.create_table(
        "news",
        sa.Column("id", INT, nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("fault_id", INT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_news_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_news_fault_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
    )
    op.create_index("ix_news_due_at", "news", ["due_at"], unique=False)
    op.create_index("ix_news_fault_id", "news", ["fault_id"], unique=False)
    op.create_index("ix_news_client_id", "news", ["client_id"], unique=False)
    op.create_table(
        "mail",
        sa.Column("fault_id", INT, nullable=False),
        sa.Column("tells", sa.String(length=32), nullable=False),
        sa.Column("user_id", INT, nullable=True),
        sa.Column("person_id", INT, nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("in_reply_to", sa.String(length=200), nullable=True),
        sa.Column("thread", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=250), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("order_id", INT, nullable=False),
        sa.Column("left", INT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_mail_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_mail_fault_id")),
        sa.ForeignKeyConstraint(["order_id"], ["outbox.id"], name=op.f("fk_mail_order_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mail_person_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_mail_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_message_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_mail_public_id")),
    )
    op.create_index("ix_mail_client_id", "mail", ["client_id", "id"], unique=False)
    op.create_index("ix_mail_fault_id", "mail", ["fault_id", "id"], unique=False)
    op.create_index("ix_mail_order_id", "mail", ["order_id"], unique=False)
    op.create_index("ix_mail_refused", "mail", ["id"], unique=False, sqlite_where=REFUSED, postgresql_where=REFUSED)


def downgrade() -> None:
    """Drop them; orders for mails go with them, since no older code knows their kind."""
    op.drop_table("mail")
    op.drop_table("news")
    op.execute("DELETE FROM outbox WHERE kind IN ('write_mails', 'send_mail')")
    op.drop_index("ix_human_task_untold", "human_task")
    op.drop_index("ix_fault_untold", "fault")
    op.drop_column("human_task", "told_at")
    op.drop_column("fault", "told")
    op.drop_column("client", "sends_mail")
