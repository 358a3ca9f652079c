"""What vendors answered when they were asked about units, and who asked them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.models.base import Base, PublicRow, TenantRow


class UnitAnswer(TenantRow, Base):
    """What a vendor answered about a unit, as it came, secrets scrubbed: added and never changed.

    An answer like the one before adds no row, so one holds from ``answered_at`` until the next one's. The evidence under a
    verdict is the one that held at the ``checked_at`` of its case document.
    """

    __tablename__ = "unit_answer"
    __table_args__ = (Index("ix_unit_answer_asset_id", "asset_id", "id"),)

    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("vendor_account.id"))
    answered_at: Mapped[datetime]
    raw: Mapped[str] = mapped_column(Text)


class LookUpRun(PublicRow, Base):
    """Units that somebody wants to be asked about. ``orders`` has the work orders that do it: key to units of this run in it.

    Some of the orders may have been there already, for somebody else who asked about the same units.
    """

    __tablename__ = "look_up_run"

    actor: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    units: Mapped[int]
    orders: Mapped[dict[str, Any]]
