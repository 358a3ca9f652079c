"""The register: what happened, when, by whom, and why; and the seals that prove it.

Rows and seals are added and never changed; the database refuses the rest.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.models.base import Base, Pk, SealedText


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


class AuditChain(Base):
    """The one chain of this database. ``secret`` is its key, encrypted: see ``domain.chain``; ``name`` tells it from others."""

    __tablename__ = "audit_chain"

    id: Mapped[Pk]
    name: Mapped[UUID]
    secret: Mapped[str] = mapped_column(SealedText)
    begun_at: Mapped[datetime]


class Seal(Base):
    """The place of one row in the chain; 1 is the first. No foreign key: a row that is gone must show.

    ``digest`` is of what the row says, ``mac`` of that, of the place, and of the seal before.
    """

    __tablename__ = "audit_seal"

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row_id: Mapped[int] = mapped_column(unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]


class AuditGap(Base):
    """Numbers, ``low`` to ``high``, that rows with higher ones overtook: an open transaction may still hold them.

    ``ends_with`` is the transaction number from which on none can: see ``services.audit``.
    """

    __tablename__ = "audit_gap"

    low: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    high: Mapped[int]
    ends_with: Mapped[int | None]
    noticed_at: Mapped[datetime]
