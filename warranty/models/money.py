"""Work that is charged: ad hoc jobs and their priced lines. Amounts are minor units of the job's currency."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from warranty.domain.lifecycles import JobState
from warranty.domain.terms import Component, JobKind, Party, Share
from warranty.models.base import Base, TenantRow, index_of_beginnings, words


class AdHocJob(TenantRow, Base):
    """One piece of billable work. ``state`` and ``case_closed_at``: ``services.moves`` only."""

    __tablename__ = "ad_hoc_job"
    __table_args__ = (
        Index("ix_ad_hoc_job_client_state", "client_id", "state", "id"),
        Index("ix_ad_hoc_job_state", "state", "id"),
        Index("ix_ad_hoc_job_fault_id", "fault_id"),
        Index("ix_ad_hoc_job_asset_id", "asset_id", "case_closed_at"),
        Index("ix_ad_hoc_job_rma_id", "rma_id"),
        Index("ix_ad_hoc_job_created_at", "created_at"),
    )

    reference: Mapped[str] = mapped_column(String(16), unique=True)
    kind: Mapped[JobKind] = mapped_column(words(JobKind))
    fault_id: Mapped[int] = mapped_column(ForeignKey("fault.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    rma_id: Mapped[int | None] = mapped_column(ForeignKey("rma.id"))
    component: Mapped[Component] = mapped_column(words(Component))
    component_ref: Mapped[str] = mapped_column(String(64), default="")
    currency: Mapped[str] = mapped_column(String(3))
    vendor_reason: Mapped[str | None] = mapped_column(Text)
    info_missing: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    state: Mapped[JobState] = mapped_column(words(JobState))
    case_closed_at: Mapped[datetime | None]

    lines: Mapped[list[JobLine]] = relationship(lazy="raise", order_by="JobLine.position")


index_of_beginnings("ix_ad_hoc_job_begins", AdHocJob.reference)  # what people type is looked up by its beginning


class JobLine(TenantRow, Base):
    """One priced line and who pays it. ``quantity_hundredths`` 150 is one and a half; a line without a price is not priced yet."""

    __tablename__ = "job_line"
    __table_args__ = (
        Index("ix_job_line_job_id", "job_id", "position", unique=True),
        CheckConstraint("quantity_hundredths > 0", name="quantity"),
        CheckConstraint("unit_price_minor >= 0", name="price"),
    )

    job_id: Mapped[int] = mapped_column(ForeignKey("ad_hoc_job.id"))
    position: Mapped[int]
    what: Mapped[str] = mapped_column(String(32))
    description: Mapped[str] = mapped_column(String(300))
    share: Mapped[Share] = mapped_column(words(Share))
    quantity_hundredths: Mapped[int]
    unit_price_minor: Mapped[int | None]
    payer: Mapped[Party] = mapped_column(words(Party))
