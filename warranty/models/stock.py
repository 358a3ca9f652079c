"""What lies on the MSP's own shelves: one row for each unit, so that a count is never wrong and never below zero."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.domain.lifecycles import StockState
from warranty.models.base import Base, PublicRow, words

FREE = text("state = 'in_stock'")


class StockLocation(PublicRow, Base):
    """A store of the MSP: a shelf, a van, a locker."""

    __tablename__ = "stock_location"

    name: Mapped[str] = mapped_column(String(200), unique=True)


class StockUnit(PublicRow, Base):
    """One unit of a product in a store, or that came from one. ``serial_key`` null: parts of its kind bear no number.

    A unit that was issued and comes back is the same row. ``fault_id`` is the case that it is reserved or issued for, and
    ``client_id`` whose case that is; ``location_id`` is where it lies or was taken from. ``state``: ``services.moves`` only.
    """

    __tablename__ = "stock_unit"
    __table_args__ = (
        UniqueConstraint("product_id", "serial_key"),
        CheckConstraint("(state = 'in_stock') = (fault_id IS NULL)", name="held"),
        CheckConstraint("(client_id IS NULL) = (fault_id IS NULL)", name="held_for"),
        Index("ix_stock_unit_free", "product_id", "location_id", "id", sqlite_where=FREE, postgresql_where=FREE),
        Index("ix_stock_unit_product_id", "product_id", "id"),
        Index("ix_stock_unit_location_id", "location_id", "id"),
        Index("ix_stock_unit_serial_key", "serial_key"),
        Index("ix_stock_unit_fault_id", "fault_id"),
        Index("ix_stock_unit_client_id", "client_id"),
    )

    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("stock_location.id"))
    serial_number: Mapped[str] = mapped_column(String(64), default="")
    serial_key: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[StockState] = mapped_column(words(StockState))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    fault_id: Mapped[int | None] = mapped_column(ForeignKey("fault.id"))
    received_at: Mapped[datetime]
