"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "client",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("policy", JSON, nullable=False),
        sa.Column("denial_grace_hours", INT, nullable=False),
        sa.Column("spend_limit_minor", INT, nullable=False),
        sa.Column("cost_tolerance_percent", INT, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("call_out_minor", INT, nullable=False),
        sa.Column("labour_hour_minor", INT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("name", name=op.f("uq_client_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_client_public_id")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("next_run_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "product",
        sa.Column("manufacturer", sa.String(length=120), nullable=False),
        sa.Column("manufacturer_key", sa.String(length=120), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("part_number", sa.String(length=120), nullable=False),
        sa.Column("base_term_months", INT, nullable=True),
        sa.Column("list_price_minor", INT, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("list_price_minor >= 0", name=op.f("ck_product_price")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("manufacturer_key", "model", name=op.f("uq_product_manufacturer_key_model")),
        sa.UniqueConstraint("public_id", name=op.f("uq_product_public_id")),
    )
    op.create_index("ix_product_part_number", "product", ["manufacturer_key", "part_number"], unique=False)
    op.create_table(
        "contract",
        sa.Column("number", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_contract_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("client_id", "number", name=op.f("uq_contract_client_id_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_contract_public_id")),
    )
    op.create_table(
        "external_ref",
        sa.Column("record", sa.String(length=32), nullable=False),
        sa.Column("record_id", INT, nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_external_ref_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_ref")),
        sa.UniqueConstraint("public_id", name=op.f("uq_external_ref_public_id")),
        sa.UniqueConstraint("record", "system", "external_id", name=op.f("uq_external_ref_record_system_external_id")),
    )
    op.create_index("ix_external_ref_record", "external_ref", ["record", "record_id"], unique=False)
    op.create_table(
        "site",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("address", JSON, nullable=False),
        sa.Column("access_hours", sa.String(length=200), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_site_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("client_id", "name", name=op.f("uq_site_client_id_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_site_public_id")),
    )
    op.create_table(
        "user_account",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("client_id", INT, nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("session_epoch", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_user_account_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
        sa.UniqueConstraint("public_id", name=op.f("uq_user_account_public_id")),
    )
    op.create_index("ix_user_account_client_id", "user_account", ["client_id"], unique=False)
    op.create_table(
        "vendor_account",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("vendor", sa.String(length=64), nullable=False),
        sa.Column("client_id", INT, nullable=True),
        sa.Column("base_url", sa.String(length=500), nullable=True),
        sa.Column("duties", JSON, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Text(), nullable=True),
        sa.Column("bucket_level", sa.Double(), nullable=False),
        sa.Column("bucket_at", MOMENT, nullable=True),
        sa.Column("failures", INT, nullable=False),
        sa.Column("closed_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_vendor_account_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_account")),
        sa.UniqueConstraint("name", name=op.f("uq_vendor_account_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_vendor_account_public_id")),
    )
    op.create_index("ix_vendor_account_client_id", "vendor_account", ["client_id"], unique=False)
    op.create_table(
        "account_maker",
        sa.Column("id", INT, nullable=False),
        sa.Column("account_id", INT, nullable=False),
        sa.Column("manufacturer", sa.String(length=120), nullable=False),
        sa.Column("manufacturer_key", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_account_maker_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_maker")),
        sa.UniqueConstraint(
            "account_id", "manufacturer_key", name=op.f("uq_account_maker_account_id_manufacturer_key")
        ),
    )
    op.create_index("ix_account_maker_key", "account_maker", ["manufacturer_key"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("user_id", INT, nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_api_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_token_public_id")),
    )
    op.create_index("ix_api_token_user_id", "api_token", ["user_id"], unique=False)
    op.create_table(
        "asset",
        sa.Column("site_id", INT, nullable=True),
        sa.Column("product_id", INT, nullable=True),
        sa.Column("serial_number", sa.String(length=64), nullable=False),
        sa.Column("serial_key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("asset_tag", sa.String(length=64), nullable=False),
        sa.Column("ownership", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("purchased_on", sa.Date(), nullable=True),
        sa.Column("replaced_by_id", INT, nullable=True),
        sa.Column("handover_exceptions", JSON, nullable=False),
        sa.Column("lookup_says", sa.String(32), nullable=True),
        sa.Column("lookup_at", MOMENT, nullable=True),
        sa.Column("lookup_error", sa.Text(), nullable=True),
        sa.Column("absence_attested", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_asset_client_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_asset_product_id")),
        sa.ForeignKeyConstraint(["replaced_by_id"], ["asset.id"], name=op.f("fk_asset_replaced_by_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_asset_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        sa.UniqueConstraint("public_id", name=op.f("uq_asset_public_id")),
        sa.UniqueConstraint("replaced_by_id", name=op.f("uq_asset_replaced_by_id")),
    )
    op.create_index("ix_asset_client_serial", "asset", ["client_id", "serial_key"], unique=False)
    op.create_index("ix_asset_client_tag", "asset", ["client_id", "asset_tag"], unique=False)
    op.create_index("ix_asset_product_id", "asset", ["product_id"], unique=False)
    op.create_index("ix_asset_serial_key", "asset", ["serial_key"], unique=False)
    op.create_index("ix_asset_site_id", "asset", ["site_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("id", INT, nullable=False),
        sa.Column("user_id", INT, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("status", INT, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_idempotency_key_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_idempotency_key_user_id_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "person",
        sa.Column("site_id", INT, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_person_client_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_person_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("public_id", name=op.f("uq_person_public_id")),
    )
    op.create_index("ix_person_client_id", "person", ["client_id"], unique=False)
    op.create_index("ix_person_site_id", "person", ["site_id"], unique=False)
    op.create_table(
        "sighting",
        sa.Column("id", INT, nullable=False),
        sa.Column("account_id", INT, nullable=False),
        sa.Column("vendor_case_number", sa.String(length=64), nullable=False),
        sa.Column("client_reference", sa.String(length=64), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_sighting_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sighting")),
        sa.UniqueConstraint("account_id", "vendor_case_number", name=op.f("uq_sighting_account_id_vendor_case_number")),
    )
    op.create_index("ix_sighting_reference", "sighting", ["client_reference"], unique=False)
    op.create_table(
        "baseline",
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("result", sa.String(length=32), nullable=False),
        sa.Column("exceptions", JSON, nullable=False),
        sa.Column("signed_by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_baseline_asset_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_baseline_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baseline")),
        sa.UniqueConstraint("public_id", name=op.f("uq_baseline_public_id")),
    )
    op.create_index("ix_baseline_asset_id", "baseline", ["asset_id"], unique=False)
    op.create_table(
        "coverage",
        sa.Column("contract_id", INT, nullable=True),
        sa.Column("contract_number", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("fulfilment", sa.String(32), nullable=False),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("asset_id", INT, nullable=True),
        sa.Column("product_id", INT, nullable=True),
        sa.Column("site_id", INT, nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("covers", JSON, nullable=False),
        sa.Column("excluded_causes", JSON, nullable=False),
        sa.Column("excluded_components", JSON, nullable=False),
        sa.Column("sites", JSON, nullable=True),
        sa.Column("service_level", sa.String(32), nullable=False),
        sa.Column("delivery", sa.String(32), nullable=False),
        sa.Column("grace_days", INT, nullable=False),
        sa.Column("grace_is_covered", sa.Boolean(), nullable=False),
        sa.Column("waiting_days", INT, nullable=False),
        sa.Column("claims_after_end_days", INT, nullable=False),
        sa.Column("claims_limit", INT, nullable=True),
        sa.Column("claims_consumed", INT, nullable=False),
        sa.Column("claims_reserved", INT, nullable=False),
        sa.Column("evidence_source", sa.String(32), nullable=False),
        sa.Column("vendor_says", sa.String(32), nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("lookup_error", sa.Text(), nullable=True),
        sa.Column("evidence_raw", sa.Text(), nullable=True),
        sa.Column("vendor_line", sa.String(length=200), nullable=True),
        sa.Column("account_id", INT, nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("claims_consumed >= 0 AND claims_reserved >= 0", name=op.f("ck_coverage_claims")),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name=op.f("ck_coverage_dates")),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_coverage_account_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_coverage_asset_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_coverage_client_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_coverage_contract_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_coverage_product_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_coverage_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage")),
        sa.UniqueConstraint("public_id", name=op.f("uq_coverage_public_id")),
    )
    op.create_index("ix_coverage_asset_id", "coverage", ["asset_id"], unique=False)
    op.create_index("ix_coverage_client_scope", "coverage", ["client_id", "scope"], unique=False)
    op.create_index("ix_coverage_contract_id", "coverage", ["contract_id"], unique=False)
    op.create_index("ix_coverage_product_id", "coverage", ["client_id", "product_id"], unique=False)
    op.create_index("ix_coverage_site_id", "coverage", ["client_id", "site_id"], unique=False)
    op.create_index(
        "uq_coverage_vendor_line",
        "coverage",
        ["asset_id", "vendor_line"],
        unique=True,
        sqlite_where=sa.text("state <> 'superseded'"),
        postgresql_where=sa.text("state <> 'superseded'"),
    )
    op.create_table(
        "fault",
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("asset_id", INT, nullable=True),
        sa.Column("serial_number", sa.String(length=64), nullable=False),
        sa.Column("component", sa.String(32), nullable=False),
        sa.Column("component_ref", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("symptom", sa.Text(), nullable=False),
        sa.Column("severity", INT, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=True),
        sa.Column("reported_at", MOMENT, nullable=False),
        sa.Column("reading", JSON, nullable=True),
        sa.Column("reporter", sa.String(length=64), nullable=False),
        sa.Column("contact_id", INT, nullable=True),
        sa.Column("ship_to_id", INT, nullable=True),
        sa.Column("ship_to", JSON, nullable=True),
        sa.Column("troubleshooting", sa.Text(), nullable=False),
        sa.Column("diagnostic_code", sa.String(length=120), nullable=False),
        sa.Column("duplicate_of_id", INT, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("case_closed_at", MOMENT, nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_fault_asset_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_fault_client_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["person.id"], name=op.f("fk_fault_contact_id")),
        sa.ForeignKeyConstraint(["duplicate_of_id"], ["fault.id"], name=op.f("fk_fault_duplicate_of_id")),
        sa.ForeignKeyConstraint(["ship_to_id"], ["person.id"], name=op.f("fk_fault_ship_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fault")),
        sa.UniqueConstraint("public_id", name=op.f("uq_fault_public_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_fault_reference")),
    )
    op.create_index("ix_fault_asset_id", "fault", ["asset_id", "case_closed_at"], unique=False)
    op.create_index("ix_fault_client_state", "fault", ["client_id", "state", "id"], unique=False)
    op.create_index("ix_fault_duplicate_of_id", "fault", ["duplicate_of_id"], unique=False)
    op.create_index("ix_fault_state", "fault", ["state", "id"], unique=False)
    op.create_table(
        "audit_row",
        sa.Column("id", INT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("record", sa.String(length=32), nullable=False),
        sa.Column("record_id", INT, nullable=False),
        sa.Column("client_id", INT, nullable=True),
        sa.Column("fault_id", INT, nullable=True),
        sa.Column("old_state", sa.String(length=32), nullable=True),
        sa.Column("new_state", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("vendor_status", sa.String(length=200), nullable=True),
        sa.Column("detail", JSON, nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_audit_row_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_audit_row_fault_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_row")),
    )
    op.create_index("ix_audit_row_fault_id", "audit_row", ["fault_id", "id"], unique=False)
    op.create_index("ix_audit_row_record", "audit_row", ["record", "record_id", "id"], unique=False)
    op.create_table(
        "rma",
        sa.Column("fault_id", INT, nullable=False),
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("component", sa.String(32), nullable=False),
        sa.Column("component_ref", sa.String(length=64), nullable=False),
        sa.Column("coverage_id", INT, nullable=True),
        sa.Column("account_id", INT, nullable=True),
        sa.Column("client_reference", sa.String(length=64), nullable=False),
        sa.Column("vendor_case_number", sa.String(length=64), nullable=True),
        sa.Column("rma_number", sa.String(length=64), nullable=True),
        sa.Column("vendor_status", sa.String(length=200), nullable=True),
        sa.Column("vendor_reason", sa.Text(), nullable=True),
        sa.Column("needs_attention", sa.Text(), nullable=True),
        sa.Column("next_poll_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("case_closed_at", MOMENT, nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_rma_account_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_rma_asset_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_rma_client_id")),
        sa.ForeignKeyConstraint(["coverage_id"], ["coverage.id"], name=op.f("fk_rma_coverage_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_rma_fault_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rma")),
        sa.UniqueConstraint("account_id", "vendor_case_number", name=op.f("uq_rma_account_id_vendor_case_number")),
        sa.UniqueConstraint("client_reference", name=op.f("uq_rma_client_reference")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rma_public_id")),
    )
    op.create_index("ix_rma_asset_id", "rma", ["asset_id", "case_closed_at"], unique=False)
    op.create_index("ix_rma_client_state", "rma", ["client_id", "state", "id"], unique=False)
    op.create_index("ix_rma_fault_id", "rma", ["fault_id"], unique=False)
    op.create_index("ix_rma_poll", "rma", ["account_id", "next_poll_at"], unique=False)
    op.create_index("ix_rma_state", "rma", ["state", "id"], unique=False)
    op.create_index(
        "uq_rma_open",
        "rma",
        ["asset_id", "component", "component_ref"],
        unique=True,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "stored_verdict",
        sa.Column("fault_id", INT, nullable=False),
        sa.Column("verdict", sa.String(32), nullable=True),
        sa.Column("route", sa.String(32), nullable=False),
        sa.Column("case_document", sa.Text(), nullable=False),
        sa.Column("verdict_document", sa.Text(), nullable=False),
        sa.Column("engine_version", sa.String(length=32), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_stored_verdict_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_stored_verdict_fault_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_verdict")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stored_verdict_public_id")),
    )
    op.create_index("ix_stored_verdict_fault_id", "stored_verdict", ["fault_id", "id"], unique=False)
    op.create_table(
        "ad_hoc_job",
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("fault_id", INT, nullable=False),
        sa.Column("asset_id", INT, nullable=False),
        sa.Column("rma_id", INT, nullable=True),
        sa.Column("component", sa.String(32), nullable=False),
        sa.Column("component_ref", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("vendor_reason", sa.Text(), nullable=True),
        sa.Column("info_missing", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("case_closed_at", MOMENT, nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_ad_hoc_job_asset_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_ad_hoc_job_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_ad_hoc_job_fault_id")),
        sa.ForeignKeyConstraint(["rma_id"], ["rma.id"], name=op.f("fk_ad_hoc_job_rma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ad_hoc_job")),
        sa.UniqueConstraint("public_id", name=op.f("uq_ad_hoc_job_public_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_ad_hoc_job_reference")),
    )
    op.create_index("ix_ad_hoc_job_asset_id", "ad_hoc_job", ["asset_id", "case_closed_at"], unique=False)
    op.create_index("ix_ad_hoc_job_client_state", "ad_hoc_job", ["client_id", "state", "id"], unique=False)
    op.create_index("ix_ad_hoc_job_fault_id", "ad_hoc_job", ["fault_id"], unique=False)
    op.create_index("ix_ad_hoc_job_rma_id", "ad_hoc_job", ["rma_id"], unique=False)
    op.create_index("ix_ad_hoc_job_state", "ad_hoc_job", ["state", "id"], unique=False)
    op.create_table(
        "human_task",
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("fault_id", INT, nullable=False),
        sa.Column("rma_id", INT, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("resolved_at", MOMENT, nullable=True),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_human_task_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_human_task_fault_id")),
        sa.ForeignKeyConstraint(["rma_id"], ["rma.id"], name=op.f("fk_human_task_rma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_human_task")),
        sa.UniqueConstraint("public_id", name=op.f("uq_human_task_public_id")),
    )
    op.create_index("ix_human_task_fault_id", "human_task", ["fault_id"], unique=False)
    op.create_index(
        "ix_human_task_open",
        "human_task",
        ["client_id", "id"],
        unique=False,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(
        "uq_human_task_open",
        "human_task",
        ["fault_id", "kind"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", INT, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("client_id", INT, nullable=True),
        sa.Column("account_id", INT, nullable=True),
        sa.Column("rma_id", INT, nullable=True),
        sa.Column("fault_id", INT, nullable=True),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("attempts", INT, nullable=False),
        sa.Column("failures", INT, nullable=False),
        sa.Column("waited_s", sa.Double(), nullable=False),
        sa.Column("token", INT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("enqueued_at", MOMENT, nullable=True),
        sa.Column("first_claimed_at", MOMENT, nullable=True),
        sa.Column("last_send", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_outbox_account_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_outbox_client_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_outbox_fault_id")),
        sa.ForeignKeyConstraint(["rma_id"], ["rma.id"], name=op.f("fk_outbox_rma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_account",
        "outbox",
        ["account_id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["next_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_outbox_fault_id", "outbox", ["fault_id"], unique=False)
    op.create_index("ix_outbox_rma_id", "outbox", ["rma_id"], unique=False)
    op.create_index(
        "uq_outbox_name",
        "outbox",
        ["name"],
        unique=True,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "shipment",
        sa.Column("rma_id", INT, nullable=False),
        sa.Column("direction", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("carrier", sa.String(length=64), nullable=False),
        sa.Column("tracking_number", sa.String(length=120), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_shipment_client_id")),
        sa.ForeignKeyConstraint(["rma_id"], ["rma.id"], name=op.f("fk_shipment_rma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_shipment_public_id")),
    )
    op.create_index("ix_shipment_rma_id", "shipment", ["rma_id"], unique=False)
    op.create_table(
        "vendor_call",
        sa.Column("id", INT, nullable=False),
        sa.Column("account_id", INT, nullable=False),
        sa.Column("rma_id", INT, nullable=True),
        sa.Column("fault_id", INT, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", INT, nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("trouble", sa.String(length=32), nullable=True),
        sa.Column("duration_ms", INT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["vendor_account.id"], name=op.f("fk_vendor_call_account_id")),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_vendor_call_fault_id")),
        sa.ForeignKeyConstraint(["rma_id"], ["rma.id"], name=op.f("fk_vendor_call_rma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_call")),
    )
    op.create_index("ix_vendor_call_account_id", "vendor_call", ["account_id", "id"], unique=False)
    op.create_index("ix_vendor_call_rma_id", "vendor_call", ["rma_id", "id"], unique=False)
    op.create_table(
        "job_line",
        sa.Column("job_id", INT, nullable=False),
        sa.Column("position", INT, nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("share", sa.String(32), nullable=False),
        sa.Column("quantity_hundredths", INT, nullable=False),
        sa.Column("unit_price_minor", INT, nullable=True),
        sa.Column("payer", sa.String(32), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("quantity_hundredths > 0", name=op.f("ck_job_line_quantity")),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_job_line_price")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_job_line_client_id")),
        sa.ForeignKeyConstraint(["job_id"], ["ad_hoc_job.id"], name=op.f("fk_job_line_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_line")),
        sa.UniqueConstraint("public_id", name=op.f("uq_job_line_public_id")),
    )
    op.create_index("ix_job_line_job_id", "job_line", ["job_id", "position"], unique=True)
    op.create_table(
        "swap",
        sa.Column("rma_id", INT, nullable=True),
        sa.Column("job_id", INT, nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("client_id", INT, nullable=False),
        sa.Column("id", INT, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_swap_client_id")),
        sa.ForeignKeyConstraint(["job_id"], ["ad_hoc_job.id"], name=op.f("fk_swap_job_id")),
        sa.ForeignKeyConstraint(["rma_id"], ["rma.id"], name=op.f("fk_swap_rma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swap")),
        sa.UniqueConstraint("public_id", name=op.f("uq_swap_public_id")),
    )
    op.create_index("ix_swap_job_id", "swap", ["job_id"], unique=False)
    op.create_index("ix_swap_rma_id", "swap", ["rma_id"], unique=False)
    _make_triggers()


def downgrade() -> None:
    """Drop them, with whatever is in them."""
    _drop_triggers()
    op.drop_table("swap")
    op.drop_table("job_line")
    op.drop_table("vendor_call")
    op.drop_table("shipment")
    op.drop_table("outbox")
    op.drop_table("human_task")
    op.drop_table("ad_hoc_job")
    op.drop_table("stored_verdict")
    op.drop_table("rma")
    op.drop_table("audit_row")
    op.drop_table("fault")
    op.drop_table("coverage")
    op.drop_table("baseline")
    op.drop_table("sighting")
    op.drop_table("person")
    op.drop_table("idempotency_key")
    op.drop_table("asset")
    op.drop_table("api_token")
    op.drop_table("account_maker")
    op.drop_table("vendor_account")
    op.drop_table("user_account")
    op.drop_table("site")
    op.drop_table("external_ref")
    op.drop_table("contract")
    op.drop_table("product")
    op.drop_table("lease")
    op.drop_table("client")


# The register is append-only by the database's own refusal, and the relay is woken by the database whoever ordered work.
POSTGRESQL_UP = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$
    """,
    "CREATE TRIGGER audit_row_is_final BEFORE UPDATE OR DELETE ON audit_row FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER audit_row_stays BEFORE TRUNCATE ON audit_row FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    """
    CREATE FUNCTION wake_relay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_notify('outbox', ''); RETURN NULL; END $$
    """,
    "CREATE TRIGGER outbox_wakes_relay AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION wake_relay()",
)
POSTGRESQL_DOWN = (
    "DROP TRIGGER outbox_wakes_relay ON outbox",
    "DROP TRIGGER audit_row_stays ON audit_row",
    "DROP TRIGGER audit_row_is_final ON audit_row",
    "DROP FUNCTION wake_relay()",
    "DROP FUNCTION refuse_change()",
)
SQLITE_UP = (
    """
    CREATE TRIGGER audit_row_is_final BEFORE UPDATE ON audit_row
    BEGIN SELECT RAISE(ABORT, 'rows of audit_row are never changed'); END
    """,
    """
    CREATE TRIGGER audit_row_stays BEFORE DELETE ON audit_row
    BEGIN SELECT RAISE(ABORT, 'rows of audit_row are never changed'); END
    """,
)
SQLITE_DOWN = ("DROP TRIGGER audit_row_is_final", "DROP TRIGGER audit_row_stays")


def _make_triggers() -> None:
    for statement in SQLITE_UP if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_UP:
        op.execute(statement)


def _drop_triggers() -> None:
    for statement in SQLITE_DOWN if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_DOWN:
        op.execute(statement)
