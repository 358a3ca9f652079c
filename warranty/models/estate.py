"""What the MSP looks after: clients, sites, products, assets, and the promises that cover them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, func, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from warranty.domain.handover import Signature
from warranty.domain.terms import (
    AssetState,
    CoverageKind,
    CoverageSays,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    Ownership,
    ScopeKind,
    ServiceLevel,
    UnitSays,
)
from warranty.models.base import Base, PublicRow, TenantRow, index_of_beginnings, words

CURRENT = text("state <> 'superseded'")
LOOKED_UP = text("vendor_line IS NOT NULL AND state <> 'superseded'")
FAILED = text("lookup_error IS NOT NULL")
RUNNING = text("state = 'active'")
AT_THE_GATE = text("state IN ('onboarding', 'rejected_at_handover')")
LEFT_OVER = text("left_over_since IS NOT NULL")


class Client(PublicRow, Base):
    """A customer of the MSP. ``policy`` is the decision's policy document; amounts are minor units of ``currency``.

    ``sends_mail``: whether its people are told of their cases by mail.
    """

    __tablename__ = "client"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    policy: Mapped[dict[str, Any]]
    denial_grace_hours: Mapped[int] = mapped_column(default=24)
    spend_limit_minor: Mapped[int] = mapped_column(default=0)
    cost_tolerance_percent: Mapped[int] = mapped_column(default=10)
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    call_out_minor: Mapped[int] = mapped_column(default=9_500)
    labour_hour_minor: Mapped[int] = mapped_column(default=11_000)
    sends_mail: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime]


class Site(TenantRow, Base):
    """A place of a client. ``address`` has the keys of the public contract; its contacts are ``Person`` rows."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("client_id", "name"),)

    name: Mapped[str] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(64))
    address: Mapped[dict[str, Any]]
    access_hours: Mapped[str] = mapped_column(String(200), default="")


class Product(PublicRow, Base):
    """A model of a manufacturer. ``manufacturer_key`` is what names are matched by: lower case, letters and digits only."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("manufacturer_key", "model"),
        Index("ix_product_part_number", "manufacturer_key", "part_number"),
        CheckConstraint("list_price_minor >= 0", name="price"),
    )

    manufacturer: Mapped[str] = mapped_column(String(120))
    manufacturer_key: Mapped[str] = mapped_column(String(120))
    model: Mapped[str] = mapped_column(String(200))
    part_number: Mapped[str] = mapped_column(String(120), default="")
    base_term_months: Mapped[int | None]
    list_price_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3), default="EUR")


class Asset(TenantRow, Base):
    """A unit of hardware. ``serial_key`` is the serial as it is searched: upper case, no blanks.

    ``lookup_*`` is what the vendor last said of the unit itself. ``handover_exceptions`` mirrors the newest baseline.
    ``state`` is written by ``services.moves`` only.
    """

    __tablename__ = "asset"
    __table_args__ = (
        Index("ix_asset_serial_key", "serial_key"),
        Index("ix_asset_client_serial", "client_id", "serial_key"),
        Index("ix_asset_client_tag", "client_id", "asset_tag"),
        Index("ix_asset_tag", "asset_tag"),  # a label that is scanned names no client
        Index("ix_asset_lookup", "product_id", "lookup_at"),  # who is to be asked about: see services.refresh
        Index("ix_asset_lookup_failed", "product_id", "lookup_at", sqlite_where=FAILED, postgresql_where=FAILED),
        Index("ix_asset_site_id", "site_id"),
        # What the list of units is narrowed and sorted by.
        Index("ix_asset_name", "name"),
        Index("ix_asset_client_name", "client_id", "name"),
        Index("ix_asset_state_serial", "state", "serial_key"),
        Index("ix_asset_ownership_serial", "ownership", "serial_key"),
        Index("ix_asset_lookup_at", "lookup_at"),
        # Who waits for a hand-over, or was rejected at it: asked by every page of the board.
        Index(
            "ix_asset_handover",
            "client_id",
            "site_id",
            "state",
            "created_at",
            sqlite_where=AT_THE_GATE,
            postgresql_where=AT_THE_GATE,
        ),
        UniqueConstraint("replaced_by_id"),
        # Of a line of units that took each other's place only the last one can be at work there.
        CheckConstraint("replaced_by_id IS NULL OR state NOT IN ('in_service', 'faulty', 'in_rma')", name="place"),
    )

    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    serial_number: Mapped[str] = mapped_column(String(64))
    serial_key: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200), default="")
    asset_tag: Mapped[str] = mapped_column(String(64), default="")
    ownership: Mapped[Ownership] = mapped_column(words(Ownership), default=Ownership.CLIENT)
    state: Mapped[AssetState] = mapped_column(words(AssetState), default=AssetState.ONBOARDING)
    purchased_on: Mapped[date | None]
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    handover_exceptions: Mapped[list[str]] = mapped_column(default=list)
    lookup_says: Mapped[UnitSays | None] = mapped_column(words(UnitSays))
    lookup_at: Mapped[datetime | None]
    lookup_error: Mapped[str | None] = mapped_column(Text)
    absence_attested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    client: Mapped[Client] = relationship(lazy="raise")
    site: Mapped[Site | None] = relationship(lazy="raise")
    product: Mapped[Product | None] = relationship(lazy="raise")


# What people type is looked up by its beginning.
index_of_beginnings("ix_client_begins", func.lower(Client.name))
index_of_beginnings("ix_asset_serial_begins", Asset.serial_key)
index_of_beginnings("ix_asset_tag_begins", func.lower(Asset.asset_tag))
index_of_beginnings("ix_asset_name_begins", func.lower(Asset.name))


class Baseline(TenantRow, Base):
    """The state in which a unit was handed over: signed, dated, never edited; a new one supersedes it.

    ``signed_by`` is a pseudonym, ``signer_id`` the client's contact where it is one. ``strokes`` is a signature as it was
    drawn (see ``domain.handover.is_drawn``), gone where its person was erased. ``digest`` is of what was signed; imports
    have none. ``specification_id`` and ``configuration_id`` are the snapshots that the unit was signed for with.
    """

    __tablename__ = "baseline"
    __table_args__ = (
        Index("ix_baseline_asset_id", "asset_id"),
        Index("ix_baseline_signer_id", "signer_id"),
        Index("ix_baseline_file_id", "file_id"),
        Index("ix_baseline_specification_id", "specification_id"),
        Index("ix_baseline_configuration_id", "configuration_id"),
    )

    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    result: Mapped[str] = mapped_column(String(32))
    exceptions: Mapped[list[str]]
    signed_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime]
    signer_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    signer_role: Mapped[str] = mapped_column(String(120), default="", server_default="")
    signature: Mapped[Signature] = mapped_column(
        words(Signature), default=Signature.RECORDED, server_default="recorded"
    )
    strokes: Mapped[str | None] = mapped_column(Text)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("file.id"))
    specification_id: Mapped[int | None] = mapped_column(ForeignKey("snapshot.id"))
    configuration_id: Mapped[int | None] = mapped_column(ForeignKey("snapshot.id"))
    digest: Mapped[str | None] = mapped_column(String(64))


class Contract(TenantRow, Base):
    """A paper: what was bought from whom. Its promises are the coverages."""

    __tablename__ = "contract"
    __table_args__ = (UniqueConstraint("client_id", "number"), Index("ix_contract_number", "number", "id"))

    number: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200), default="")


index_of_beginnings("ix_contract_begins", func.lower(Contract.number))


class Coverage(TenantRow, Base):
    """One promise: for what, by whom, from when to when. The fields are those of the decision's case document.

    Exactly one of ``asset_id``, ``product_id``, ``site_id`` is set, or none for the whole client (``scope``). Days are
    inclusive, in ``time_zone``. ``claims_consumed`` plus ``claims_reserved`` is ``claims_used``. ``sites`` null is everywhere.
    ``price_minor`` is what the whole term costs, in minor units of ``currency``; null where nobody wrote it down.
    ``left_over_since``: when its unit was retired under it, so that a person says whether it ends; null again once one has.
    """

    __tablename__ = "coverage"
    __table_args__ = (
        Index("ix_coverage_client_scope", "client_id", "scope"),
        Index("ix_coverage_asset_id", "asset_id"),
        Index("ix_coverage_product_id", "client_id", "product_id"),
        Index("ix_coverage_site_id", "client_id", "site_id"),
        Index("ix_coverage_contract_id", "contract_id"),
        # A vendor's line of a unit stands once; the versions that it superseded stay beside it.
        Index(
            "uq_coverage_vendor_line",
            "asset_id",
            "vendor_line",
            unique=True,
            sqlite_where=CURRENT,
            postgresql_where=CURRENT,
        ),
        Index("ix_coverage_looked_up", "ends_on", "asset_id", sqlite_where=LOOKED_UP, postgresql_where=LOOKED_UP),
        Index("ix_coverage_time_zone", "time_zone"),  # which zones there are: see services.cover
        # What ends next, of everybody and of one client.
        Index("ix_coverage_ends_on", "ends_on", "id", sqlite_where=RUNNING, postgresql_where=RUNNING),
        Index(
            "ix_coverage_client_ends_on", "client_id", "ends_on", "id", sqlite_where=RUNNING, postgresql_where=RUNNING
        ),
        Index("ix_coverage_left_over", "id", sqlite_where=LEFT_OVER, postgresql_where=LEFT_OVER),
        CheckConstraint("claims_consumed >= 0 AND claims_reserved >= 0", name="claims"),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="dates"),
    )

    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    contract_number: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[CoverageKind] = mapped_column(words(CoverageKind))
    fulfilment: Mapped[Fulfilment] = mapped_column(words(Fulfilment))
    scope: Mapped[ScopeKind] = mapped_column(words(ScopeKind))
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    time_zone: Mapped[str] = mapped_column(String(64))
    state: Mapped[CoverageState] = mapped_column(words(CoverageState), default=CoverageState.ACTIVE)
    covers: Mapped[list[str]]
    excluded_causes: Mapped[list[str]] = mapped_column(default=list)
    excluded_components: Mapped[list[str]] = mapped_column(default=list)
    sites: Mapped[list[str] | None]
    service_level: Mapped[ServiceLevel] = mapped_column(words(ServiceLevel), default=ServiceLevel.UNKNOWN)
    delivery: Mapped[Delivery] = mapped_column(words(Delivery), default=Delivery.UNKNOWN)
    grace_days: Mapped[int] = mapped_column(default=0)
    grace_is_covered: Mapped[bool] = mapped_column(default=False)
    waiting_days: Mapped[int] = mapped_column(default=0)
    claims_after_end_days: Mapped[int] = mapped_column(default=0)
    claims_limit: Mapped[int | None]
    claims_consumed: Mapped[int] = mapped_column(default=0)
    claims_reserved: Mapped[int] = mapped_column(default=0)
    price_minor: Mapped[int | None]
    left_over_since: Mapped[datetime | None]
    currency: Mapped[str] = mapped_column(String(3), default="EUR", server_default="EUR")
    evidence_source: Mapped[EvidenceSource] = mapped_column(words(EvidenceSource), default=EvidenceSource.NONE)
    vendor_says: Mapped[CoverageSays | None] = mapped_column(words(CoverageSays))
    checked_at: Mapped[datetime | None]
    lookup_error: Mapped[str | None] = mapped_column(Text)
    vendor_line: Mapped[str | None] = mapped_column(String(200))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("vendor_account.id"))


class ExternalRef(TenantRow, Base):
    """A record's name in another system, unique per system, so that the other side can find it again.

    The database holds to that within each client, and for clients themselves: a name that one client's record has must not
    be one that another client is refused, for that would tell of the record.
    """

    __tablename__ = "external_ref"
    __table_args__ = (
        UniqueConstraint("client_id", "record", "system", "external_id"),
        Index(
            "uq_external_ref_client",
            "system",
            "external_id",
            unique=True,
            sqlite_where=text("record = 'client'"),
            postgresql_where=text("record = 'client'"),
        ),
        Index("ix_external_ref_record", "record", "record_id"),
    )

    record: Mapped[str] = mapped_column(String(32))
    record_id: Mapped[int]
    system: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(500), default="")
