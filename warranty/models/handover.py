"""What was checked when a unit was taken over, and what is kept of its end: its media, and who disposed of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.domain.handover import Sanitization, StepKey, StepOutcome, UnitClass
from warranty.models.base import Base, TenantRow, words

UNSIGNED = text("baseline_id IS NULL")


class HandoverStep(TenantRow, Base):
    """One check of a unit's hand-over. ``baseline_id``: under which signature it stands; from then on it never changes."""

    __tablename__ = "handover_step"
    __table_args__ = (
        Index(
            "uq_handover_step_open",
            "asset_id",
            "step",
            unique=True,
            sqlite_where=UNSIGNED,
            postgresql_where=UNSIGNED,
        ),
        Index("ix_handover_step_asset_id", "asset_id", "id"),
        Index("ix_handover_step_baseline_id", "baseline_id"),
    )

    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    baseline_id: Mapped[int | None] = mapped_column(ForeignKey("baseline.id"))
    unit_class: Mapped[UnitClass] = mapped_column(words(UnitClass))
    step: Mapped[StepKey] = mapped_column(words(StepKey))
    place: Mapped[int]
    is_mandatory: Mapped[bool]
    outcome: Mapped[StepOutcome | None] = mapped_column(words(StepOutcome))
    evidence: Mapped[str] = mapped_column(Text, default="")
    done_by: Mapped[str | None] = mapped_column(String(64))
    done_at: Mapped[datetime | None]


class SanitizedMedium(TenantRow, Base):
    """What became of the data of one medium of a unit; ``file_id`` and ``certificate`` are its proof. Never edited."""

    __tablename__ = "sanitized_medium"
    __table_args__ = (
        UniqueConstraint("asset_id", "serial_key"),
        Index("ix_sanitized_medium_asset_id", "asset_id", "id"),
        Index("ix_sanitized_medium_file_id", "file_id"),
    )

    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    file_id: Mapped[int | None] = mapped_column(ForeignKey("file.id"))
    method: Mapped[Sanitization] = mapped_column(words(Sanitization))
    serial_number: Mapped[str] = mapped_column(String(64))
    serial_key: Mapped[str] = mapped_column(String(64))
    tool: Mapped[str] = mapped_column(String(120))
    done_by: Mapped[str] = mapped_column(String(200))
    done_on: Mapped[date]
    certificate: Mapped[str] = mapped_column(String(120))
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]


class Disposal(TenantRow, Base):
    """Who took a unit for recycling, when, and by which document. Never edited."""

    __tablename__ = "disposal"
    __table_args__ = (UniqueConstraint("asset_id"), Index("ix_disposal_file_id", "file_id"))

    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    file_id: Mapped[int | None] = mapped_column(ForeignKey("file.id"))
    recycler: Mapped[str] = mapped_column(String(200))
    document: Mapped[str] = mapped_column(String(120))
    disposed_on: Mapped[date]
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]
