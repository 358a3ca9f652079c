"""The list of units and the search find what they look for by indexes; a user's choices of pages are kept.

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

INDEXES = (
    ("ix_asset_name", ["name"]),
    ("ix_asset_client_name", ["client_id", "name"]),
    ("ix_asset_state_serial", ["state", "serial_key"]),
    ("ix_asset_ownership_serial", ["ownership", "serial_key"]),
    ("ix_asset_lookup_at", ["lookup_at"]),
)
BEGINNINGS = (
    ("ix_client_begins", "client", "lower(name)"),
    ("ix_asset_serial_begins", "asset", "serial_key"),
    ("ix_asset_tag_begins", "asset", "lower(asset_tag)"),
    ("ix_asset_name_begins", "asset", "lower(name)"),
    ("ix_contract_begins", "contract", "lower(number)"),
    ("ix_fault_begins", "fault", "reference"),
    ("ix_rma_number_begins", "rma", "lower(rma_number)"),
    ("ix_rma_case_begins", "rma", "lower(vendor_case_number)"),
    ("ix_rma_reference_begins", "rma", "lower(client_reference)"),
    ("ix_ad_hoc_job_begins", "ad_hoc_job", "reference"),
)


def upgrade() -> None:
    """Add the indexes, and the column of choices, of which nobody has any yet."""
    for name, columns in INDEXES:
        op.create_index(name, "asset", columns, unique=False)
    order = "" if op.get_bind().dialect.name == "sqlite" else " text_pattern_ops"
    for name, table, what in BEGINNINGS:
        op.create_index(name, table, [sa.text(what + order)], unique=False)
    with op.batch_alter_table("user_account") as batch:
        batch.add_column(sa.Column("choices", JSON, server_default="{}", nullable=False))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("user_account") as batch:
        batch.drop_column("choices")
    for name, table, _what in BEGINNINGS:
        op.drop_index(name, table)
    for name, _columns in INDEXES:
        op.drop_index(name, "asset")
