"""Defective units that go back to their vendors: until when, who has them, and what it costs where one does not."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.domain.returns import Blame, CostKind
from warranty.domain.terms import Party
from warranty.models.base import Base, TenantRow, words

TO_REMIND = text("remind_on IS NOT NULL")
UNSETTLED = text("settled_at IS NULL")


class VendorReturn(TenantRow, Base):
    """What is known of a parcel that goes back, beside the parcel itself; one for each. All of it: ``services.returns``.

    ``told_on`` is the day that the vendor named, ``rule_on`` the one that its rule gives; the first goes before the second,
    and ``Shipment.due_on`` is the one that counts. ``basis`` is what the rule was counted from. ``send_by``: when to hand the
    parcel over; ``remind_on``: when the next of whoever is reminded hears of it, null where nobody does any more, ``reminded``
    how many did. ``charge_minor``: what the vendor has said it bills, null where it has not. ``user_id``, ``person_id``: who
    has the unit, where that is somebody by name. The last four are the certificate of destruction of what is kept.
    """

    __tablename__ = "vendor_return"
    __table_args__ = (
        UniqueConstraint("shipment_id"),
        Index("ix_vendor_return_remind_on", "remind_on", sqlite_where=TO_REMIND, postgresql_where=TO_REMIND),
        Index("ix_vendor_return_client_id", "client_id"),
        CheckConstraint("charge_minor >= 0", name="charge"),
    )

    shipment_id: Mapped[int] = mapped_column(ForeignKey("shipment.id"))
    told_on: Mapped[date | None]
    rule_on: Mapped[date | None]
    basis: Mapped[dict[str, Any] | None]
    send_by: Mapped[date | None]
    remind_on: Mapped[date | None]
    reminded: Mapped[int] = mapped_column(default=0)
    charge_minor: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    holder_reason: Mapped[str] = mapped_column(Text, default="")
    return_address: Mapped[str] = mapped_column(Text, default="")
    keeps_media: Mapped[bool] = mapped_column(default=False)
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("file.id"))
    destroyed_by: Mapped[str] = mapped_column(String(200), default="")
    destroyed_on: Mapped[date | None]
    method: Mapped[str] = mapped_column(String(200), default="")


class CaseCost(TenantRow, Base):
    """Money that a case cost beside its jobs: how much, who pays it, and whose doing it was. Read by billing.

    ``amount_minor`` is in minor units of ``currency``. It is owed until ``settled_at``; ``settled_by`` and ``settlement`` say
    who said that it is, and how.
    """

    __tablename__ = "case_cost"
    __table_args__ = (
        Index("ix_case_cost_fault_id", "fault_id", "id"),
        Index("ix_case_cost_open", "client_id", "id", sqlite_where=UNSETTLED, postgresql_where=UNSETTLED),
        CheckConstraint("amount_minor > 0", name="amount"),
    )

    fault_id: Mapped[int] = mapped_column(ForeignKey("fault.id"))
    shipment_id: Mapped[int] = mapped_column(ForeignKey("shipment.id"))
    kind: Mapped[CostKind] = mapped_column(words(CostKind))
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    payer: Mapped[Party] = mapped_column(words(Party))
    blame: Mapped[Blame] = mapped_column(words(Blame))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(64))
    settlement: Mapped[str | None] = mapped_column(Text)
