"""Names in other systems are unique within a client: that one is taken tells nobody of another client's record.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WIDE = "uq_external_ref_record_system_external_id"
NARROW = "uq_external_ref_client_id_record_system_external_id"
OF_CLIENTS = sa.text("record = 'client'")


def upgrade() -> None:
    """Ask for less of all records, and for as much as before of the clients themselves."""
    with op.batch_alter_table("external_ref") as batch:
        batch.drop_constraint(WIDE, type_="unique")
        batch.create_unique_constraint(NARROW, ["client_id", "record", "system", "external_id"])
    op.create_index(
        "uq_external_ref_client",
        "external_ref",
        ["system", "external_id"],
        unique=True,
        sqlite_where=OF_CLIENTS,
        postgresql_where=OF_CLIENTS,
    )


def downgrade() -> None:
    """Leave each name to the record that had it first."""
    op.drop_index("uq_external_ref_client", "external_ref")
    op.execute(
        "DELETE FROM external_ref WHERE EXISTS (SELECT 1 FROM external_ref AS older WHERE older.id < external_ref.id"
        " AND older.record = external_ref.record AND older.system = external_ref.system"
        " AND older.external_id = external_ref.external_id)"
    )
    with op.batch_alter_table("external_ref") as batch:
        batch.drop_constraint(NARROW, type_="unique")
        batch.create_unique_constraint(WIDE, ["record", "system", "external_id"])
