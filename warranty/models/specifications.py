"""What units are made of and how they are set up, as it was read on a day; and what was proven with it after a swap."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from warranty.domain.specification import Source
from warranty.models.base import Base, TenantRow, words


class SnapshotKind(StrEnum):
    """What a snapshot is of."""

    SPECIFICATION = "specification"
    CONFIGURATION = "configuration"


class Snapshot(TenantRow, Base):
    """What was read of a unit at one instant; never edited.

    ``properties`` is a specification's normal form, empty for a configuration, whose text without secrets is ``redacted``.
    ``digest`` is the SHA-256 of whichever it is, in hex. ``swap_id``: it is of what that swap brought; ``asset_id`` is null
    while the unit that comes is not in the registry yet.
    """

    __tablename__ = "snapshot"
    __table_args__ = (
        CheckConstraint("asset_id IS NOT NULL OR swap_id IS NOT NULL", name="of"),
        Index("ix_snapshot_asset_id", "asset_id", "kind", "id"),
        Index("ix_snapshot_swap_id", "swap_id", "kind", "id"),
    )

    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    swap_id: Mapped[int | None] = mapped_column(ForeignKey("swap.id"))
    kind: Mapped[SnapshotKind] = mapped_column(words(SnapshotKind))
    source: Mapped[Source] = mapped_column(words(Source))
    digest: Mapped[str] = mapped_column(String(64))
    properties: Mapped[dict[str, Any]]
    redacted: Mapped[str] = mapped_column(Text, default="")
    taken_by: Mapped[str] = mapped_column(String(64))
    taken_at: Mapped[datetime]


class AcceptedDifference(TenantRow, Base):
    """A difference that a swap leaves: one person asked to accept it, and says why; another one accepted it.

    ``difference`` is the SHA-256, in hex, of the property with its old and new value: where one of them changes, nothing is
    accepted. ``approved_by`` is null while the second person has not looked.
    """

    __tablename__ = "accepted_difference"
    __table_args__ = (UniqueConstraint("swap_id", "difference"),)

    swap_id: Mapped[int] = mapped_column(ForeignKey("swap.id"))
    name: Mapped[str] = mapped_column(String(120))
    difference: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(64))
    approved_at: Mapped[datetime | None]


class ParityCertificate(TenantRow, Base):
    """What was proven when a swap was verified; never edited. ``digest`` is the SHA-256, in hex, of ``document``."""

    __tablename__ = "parity_certificate"
    __table_args__ = (UniqueConstraint("swap_id"),)

    swap_id: Mapped[int] = mapped_column(ForeignKey("swap.id"))
    document: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    issued_by: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime]
