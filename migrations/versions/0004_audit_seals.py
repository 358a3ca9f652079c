"""The chain of the register: its key, the seal of each row, and the numbers that a row may still come late with.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

POSTGRESQL_UP = (
    "CREATE TRIGGER audit_seal_is_final BEFORE UPDATE OR DELETE ON audit_seal FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER audit_seal_stays BEFORE TRUNCATE ON audit_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER audit_chain_stays BEFORE DELETE ON audit_chain FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER audit_chain_is_kept BEFORE TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
)
POSTGRESQL_DOWN = (
    "DROP TRIGGER audit_chain_is_kept ON audit_chain",
    "DROP TRIGGER audit_chain_stays ON audit_chain",
    "DROP TRIGGER audit_seal_stays ON audit_seal",
    "DROP TRIGGER audit_seal_is_final ON audit_seal",
)


def _sqlite(name: str, when: str, table: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {when} BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"


# INSERT OR REPLACE deletes the old row without asking the trigger on DELETE.
SQLITE_UP = (
    _sqlite(
        "audit_row_is_new", "INSERT ON audit_row WHEN EXISTS (SELECT 1 FROM audit_row WHERE id = NEW.id)", "audit_row"
    ),
    _sqlite("audit_seal_is_final", "UPDATE ON audit_seal", "audit_seal"),
    _sqlite("audit_seal_stays", "DELETE ON audit_seal", "audit_seal"),
    _sqlite(
        "audit_seal_is_new",
        "INSERT ON audit_seal WHEN EXISTS (SELECT 1 FROM audit_seal WHERE place = NEW.place OR row_id = NEW.row_id)",
        "audit_seal",
    ),
    _sqlite("audit_chain_stays", "DELETE ON audit_chain", "audit_chain"),
)
SQLITE_DOWN = (
    "DROP TRIGGER audit_chain_stays",
    "DROP TRIGGER audit_seal_is_new",
    "DROP TRIGGER audit_seal_stays",
    "DROP TRIGGER audit_seal_is_final",
    "DROP TRIGGER audit_row_is_new",
)


def upgrade() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("id", INT, nullable=False),
        sa.Column("name", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("place", INT, autoincrement=False, nullable=False),
        sa.Column("row_id", INT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("row_id", name=op.f("uq_audit_seal_row_id")),
    )
    op.create_table(
        "audit_gap",
        sa.Column("low", INT, autoincrement=False, nullable=False),
        sa.Column("high", INT, nullable=False),
        sa.Column("ends_with", INT, nullable=True),
        sa.Column("noticed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("low", name=op.f("pk_audit_gap")),
    )
    for statement in SQLITE_UP if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in SQLITE_DOWN if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_DOWN:
        op.execute(statement)
    op.drop_table("audit_gap")
    op.drop_table("audit_seal")
    op.drop_table("audit_chain")
