"""The accounts we hold at vendors, every call that was made with them, and what the vendors sent by themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from warranty.models.base import Base, Pk, PublicRow, SealedText

UNAPPLIED = text("applied_at IS NULL")


class VendorAccount(PublicRow, Base):
    """One account at one vendor: sealed secrets and tokens, duties, and the state of its bucket and breaker.

    ``client_id`` set: for that client's units only. Bucket and breaker live on this row, so that an emptied queue server
    cannot overspend a quota; they are written by ``services.accounts`` only. ``check_*``: when somebody asked whether it works,
    when the vendor answered, and what was wrong (null: nothing). ``swept_to``: all cases at the vendor up to this instant, by
    its own clock, are known here; null: it was never listed. ``opens_held_since``: a restore went back to this instant, and
    what the vendor was told since is unknown here; while it is set nothing is opened. ``held_at`` is when that began.
    ``pushes_refused`` counts the messages that came for the account and did not prove that the vendor sent them.
    """

    __tablename__ = "vendor_account"
    __table_args__ = (Index("ix_vendor_account_client_id", "client_id"),)

    name: Mapped[str] = mapped_column(String(120), unique=True)
    vendor: Mapped[str] = mapped_column(String(64))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    base_url: Mapped[str | None] = mapped_column(String(500))
    duties: Mapped[list[str]]
    options: Mapped[dict[str, Any]]
    secrets: Mapped[str] = mapped_column(SealedText)
    tokens: Mapped[str | None] = mapped_column(SealedText)
    bucket_level: Mapped[float] = mapped_column(default=0.0)
    bucket_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    closed_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    switched_off_at: Mapped[datetime | None]
    check_asked_at: Mapped[datetime | None]
    check_answered_at: Mapped[datetime | None]
    check_trouble: Mapped[str | None] = mapped_column(Text)
    swept_to: Mapped[datetime | None]
    opens_held_since: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    pushes_refused: Mapped[int] = mapped_column(default=0, server_default="0")
    push_refused_at: Mapped[datetime | None]

    makers: Mapped[list[AccountMaker]] = relationship(lazy="raise", cascade="all, delete-orphan")


class AccountMaker(Base):
    """Whose products an account serves: ``manufacturer_key`` is matched with that of the product."""

    __tablename__ = "account_maker"
    __table_args__ = (
        UniqueConstraint("account_id", "manufacturer_key"),
        Index("ix_account_maker_key", "manufacturer_key"),
    )

    id: Mapped[Pk]
    account_id: Mapped[int] = mapped_column(ForeignKey("vendor_account.id"))
    manufacturer: Mapped[str] = mapped_column(String(120))
    manufacturer_key: Mapped[str] = mapped_column(String(120))


class VendorCall(Base):
    """One call to a vendor as it went over the wire, secrets and people scrubbed."""

    __tablename__ = "vendor_call"
    __table_args__ = (
        Index("ix_vendor_call_rma_id", "rma_id", "id"),
        Index("ix_vendor_call_account_id", "account_id", "id"),
    )

    id: Mapped[Pk]
    account_id: Mapped[int] = mapped_column(ForeignKey("vendor_account.id"))
    rma_id: Mapped[int | None] = mapped_column(ForeignKey("rma.id"))
    fault_id: Mapped[int | None] = mapped_column(ForeignKey("fault.id"))
    at: Mapped[datetime]
    method: Mapped[str] = mapped_column(String(8))
    url: Mapped[str] = mapped_column(Text)
    status: Mapped[int | None]
    request: Mapped[str] = mapped_column(Text)
    response: Mapped[str] = mapped_column(Text)
    trouble: Mapped[str | None] = mapped_column(String(32))
    duration_ms: Mapped[int]


class VendorDelivery(Base):
    """One message that a vendor pushed or that was pulled from its queue or mailbox: stored as it came before anybody is answered.

    ``event_id`` is the sender's own name of it, so that the same message stored twice is one. ``trouble`` says why it could
    not be applied; it is kept.
    """

    __tablename__ = "vendor_delivery"
    __table_args__ = (
        UniqueConstraint("account_id", "event_id"),
        Index("ix_vendor_delivery_received_at", "received_at"),
        Index("ix_vendor_delivery_unapplied", "account_id", "id", sqlite_where=UNAPPLIED, postgresql_where=UNAPPLIED),
    )

    id: Mapped[Pk]
    account_id: Mapped[int] = mapped_column(ForeignKey("vendor_account.id"))
    event_id: Mapped[str] = mapped_column(String(255))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    trouble: Mapped[str | None] = mapped_column(Text)


class PartsList(Base):
    """The parts that a vendor lists for one unit: asked for once. ``entries`` are ``{code, description, part_number}``."""

    __tablename__ = "parts_list"
    __table_args__ = (UniqueConstraint("asset_id", "account_id"),)

    id: Mapped[Pk]
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("vendor_account.id"))
    entries: Mapped[list[dict[str, Any]]]
    asked_at: Mapped[datetime]
