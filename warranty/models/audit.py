"""The register: what happened, when, by whom, and why. Rows are added and never changed; the database refuses the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.models.base import Base, Pk


class AuditRow(Base):
    """One fact. A change of state is one with ``old_state`` and ``new_state``; the timeline of a case is the rows of its fault.

    ``actor`` is a pseudonym (``user:<id>``, ``vendor:<id>``, ``system:<part>``). ``record`` and ``record_id`` name the row it
    concerns. ``at`` is when it happened; the key gives the order.
    """

    __tablename__ = "audit_row"
    __table_args__ = (
        Index("ix_audit_row_fault_id", "fault_id", "id"),
        Index("ix_audit_row_record", "record", "record_id", "id"),
    )

    id: Mapped[Pk]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    record: Mapped[str] = mapped_column(String(32))
    record_id: Mapped[int]
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    fault_id: Mapped[int | None] = mapped_column(ForeignKey("fault.id"))
    old_state: Mapped[str | None] = mapped_column(String(32))
    new_state: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(Text)
    vendor_status: Mapped[str | None] = mapped_column(String(200))
    detail: Mapped[dict[str, Any] | None]
