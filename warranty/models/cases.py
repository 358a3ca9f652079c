"""A fault and what follows from it: the stored verdicts, the claim at the vendor, the goods, the work at the rack."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from warranty.domain.lifecycles import (
    FaultState,
    RmaState,
    ShipmentDirection,
    ShipmentState,
    SwapKind,
    SwapSource,
    SwapState,
)
from warranty.domain.returns import Holder
from warranty.domain.terms import Cause, Component, Route, VerdictWord
from warranty.models.base import Base, TenantRow, index_of_beginnings, words
from warranty.models.estate import Asset
from warranty.models.mail import Told

OPEN = text("is_open")
UNTOLD = text("told IS NULL")
DUE = text("state = 'due'")
OUT = text("back_at IS NULL")
COMING = text("direction = 'to_us' AND state IN ('expected', 'in_transit')")
ENDS = text("expires_on IS NOT NULL")


class Fault(TenantRow, Base):
    """One report that something is broken.

    ``asset_id`` is null while the unit is not identified. ``case_closed_at`` is the instant from which the fault no longer
    holds its component. ``reference`` is the short name people use. ``told`` is the newest thing that the client was told by
    mail, null until that is looked at. ``owner_id``: who of the MSP looks after it and after what waits for a person on it,
    null where nobody has taken it; ``services.owners`` only. ``claims_consumed_at``: since when the claims that its verdict
    reserved are used up. ``state``, ``case_closed_at`` and ``claims_consumed_at``: ``services.moves`` only.
    """

    __tablename__ = "fault"
    __table_args__ = (
        Index("ix_fault_client_state", "client_id", "state", "id"),
        Index("ix_fault_state", "state", "id"),
        Index("ix_fault_asset_id", "asset_id", "case_closed_at"),
        Index("ix_fault_duplicate_of_id", "duplicate_of_id"),
        Index("ix_fault_owner_id", "owner_id", "state", "id"),
        Index("ix_fault_reported_at", "reported_at"),
        Index("ix_fault_untold", "id", sqlite_where=UNTOLD, postgresql_where=UNTOLD),
    )

    reference: Mapped[str] = mapped_column(String(16), unique=True)
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    serial_number: Mapped[str] = mapped_column(String(64))
    component: Mapped[Component] = mapped_column(words(Component))
    component_ref: Mapped[str] = mapped_column(String(64), default="")
    cause: Mapped[Cause] = mapped_column(words(Cause))
    symptom: Mapped[str] = mapped_column(Text)
    severity: Mapped[int] = mapped_column(default=3)
    occurred_at: Mapped[datetime | None]
    reported_at: Mapped[datetime]
    reading: Mapped[dict[str, Any] | None]
    reporter: Mapped[str] = mapped_column(String(64))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ship_to_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ship_to: Mapped[dict[str, Any] | None]
    troubleshooting: Mapped[str] = mapped_column(Text, default="")
    diagnostic_code: Mapped[str] = mapped_column(String(120), default="")
    duplicate_of_id: Mapped[int | None] = mapped_column(ForeignKey("fault.id"))
    state: Mapped[FaultState] = mapped_column(words(FaultState))
    case_closed_at: Mapped[datetime | None]
    claims_consumed_at: Mapped[datetime | None]
    told: Mapped[Told | None] = mapped_column(words(Told))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    asset: Mapped[Asset | None] = relationship(lazy="raise")


class StoredVerdict(TenantRow, Base):
    """A decision as it was taken: the case and the answer, byte for byte. Never edited; the newest of a fault counts."""

    __tablename__ = "stored_verdict"
    __table_args__ = (Index("ix_stored_verdict_fault_id", "fault_id", "id"),)

    fault_id: Mapped[int] = mapped_column(ForeignKey("fault.id"))
    verdict: Mapped[VerdictWord | None] = mapped_column(words(VerdictWord))
    route: Mapped[Route] = mapped_column(words(Route))
    case_document: Mapped[str] = mapped_column(Text)
    verdict_document: Mapped[str] = mapped_column(Text)
    engine_version: Mapped[str] = mapped_column(String(32))
    decided_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)


class Rma(TenantRow, Base):
    """One defective unit or component, claimed at one vendor. The goods are Shipments, the work at the rack is the Swap.

    Three identifiers are kept apart: ours (random, stored before the first send, never changed), the vendor's case, the
    RMA number. ``vendor_changed_at`` is the vendor's own time of the newest word that was taken in, where it gives one;
    ``heard_at`` is when it last said anything new, null where nobody is listened to. ``parts`` are the codes of the
    vendor's parts list that are asked for, ``files`` the public ids of the files that a person lets go along. ``parent_id`` is
    the claim whose replacement was dead on arrival, which this one claims. ``expires_on`` is the last day of the RMA number,
    null where the vendor names none. ``state``, ``is_open``, ``case_closed_at``: ``services.moves`` only.
    """

    __tablename__ = "rma"
    __table_args__ = (
        Index(
            "uq_rma_open",
            "asset_id",
            "component",
            "component_ref",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
        UniqueConstraint("account_id", "vendor_case_number"),
        Index("ix_rma_client_state", "client_id", "state", "id"),
        Index("ix_rma_state", "state", "id"),
        Index("ix_rma_fault_id", "fault_id"),
        Index("ix_rma_asset_id", "asset_id", "case_closed_at"),
        Index("ix_rma_poll", "account_id", "next_poll_at"),
        Index("ix_rma_heard", "account_id", "heard_at"),
        Index("ix_rma_silent", "state", "heard_at"),
        Index("ix_rma_created_at", "created_at"),
        Index("ix_rma_parent_id", "parent_id"),
        Index("ix_rma_expires_on", "expires_on", sqlite_where=ENDS, postgresql_where=ENDS),
    )

    fault_id: Mapped[int] = mapped_column(ForeignKey("fault.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("rma.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    component: Mapped[Component] = mapped_column(words(Component))
    component_ref: Mapped[str] = mapped_column(String(64), default="")  # never null: two empty ones must collide
    coverage_id: Mapped[int | None] = mapped_column(ForeignKey("coverage.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("vendor_account.id"))
    client_reference: Mapped[str] = mapped_column(String(64), unique=True)
    vendor_case_number: Mapped[str | None] = mapped_column(String(64))
    rma_number: Mapped[str | None] = mapped_column(String(64))
    expires_on: Mapped[date | None]
    vendor_status: Mapped[str | None] = mapped_column(String(200))
    vendor_changed_at: Mapped[datetime | None]
    heard_at: Mapped[datetime | None]
    vendor_reason: Mapped[str | None] = mapped_column(Text)
    needs_attention: Mapped[str | None] = mapped_column(Text)
    parts: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    files: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    denials: Mapped[int] = mapped_column(default=0, server_default="0")
    next_poll_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    state: Mapped[RmaState] = mapped_column(words(RmaState))
    is_open: Mapped[bool]
    case_closed_at: Mapped[datetime | None]


# What people type is looked up by its beginning.
index_of_beginnings("ix_fault_begins", Fault.reference)
index_of_beginnings("ix_rma_number_begins", func.lower(Rma.rma_number))
index_of_beginnings("ix_rma_case_begins", func.lower(Rma.vendor_case_number))
index_of_beginnings("ix_rma_reference_begins", func.lower(Rma.client_reference))


class NoteWay(StrEnum):
    """Whose eyes a note is for, and who wrote it."""

    INTERNAL = "internal"  # ours alone
    TO_VENDOR = "to_vendor"  # we wrote it for the vendor
    FROM_VENDOR = "from_vendor"  # the vendor wrote it


class CaseNote(TenantRow, Base):
    """A note on a case; with ``file_id`` it is a file that goes to the vendor, and the text is the file's name.

    ``vendor_note_id`` is the vendor's own name of what stands in its case, so that theirs is kept once and ours is known.
    Of one for the vendor ``order_id`` is the work order that sends it, ``sent_at`` when the vendor took it, null while it is
    on its way, and ``refused`` says why it is not sent any more. All of it: ``services.notes``.
    """

    __tablename__ = "case_note"
    __table_args__ = (
        UniqueConstraint("rma_id", "vendor_note_id"),
        Index("ix_case_note_fault_id", "fault_id", "id"),
        Index("ix_case_note_order_id", "order_id"),
    )

    fault_id: Mapped[int] = mapped_column(ForeignKey("fault.id"))
    rma_id: Mapped[int | None] = mapped_column(ForeignKey("rma.id"))
    way: Mapped[NoteWay] = mapped_column(words(NoteWay))
    author: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("file.id"))
    vendor_note_id: Mapped[str | None] = mapped_column(String(120))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.id"))
    written_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    refused: Mapped[str | None] = mapped_column(Text)


class Shipment(TenantRow, Base):
    """One parcel, one direction. All of it: ``services.shipments``.

    ``due_on`` is the day on which it is expected, or has to be back at the vendor; ``sent_on`` and ``delivered_on`` are days at
    the unit's site, null where nobody knows them. ``parts`` are the ``domain.goods.Line`` in it. ``makes_up_for_id`` is the
    parcel whose missing, wrong or lost parts this one brings. ``signed_by`` is whom the carrier names, ``proof_id`` a file
    that proves that it was sent or delivered. ``holder``: who has the unit that goes back.
    """

    __tablename__ = "shipment"
    __table_args__ = (
        Index("ix_shipment_rma_id", "rma_id"),
        Index("ix_shipment_due", "due_on", sqlite_where=DUE, postgresql_where=DUE),
        Index("ix_shipment_coming", "due_on", sqlite_where=COMING, postgresql_where=COMING),
        Index("ix_shipment_makes_up_for_id", "makes_up_for_id"),
        # The list of returns, of one client and of one kind of holder.
        Index("ix_shipment_client_due", "client_id", "due_on", sqlite_where=DUE, postgresql_where=DUE),
        Index("ix_shipment_holder_due", "holder", "due_on", sqlite_where=DUE, postgresql_where=DUE),
    )

    rma_id: Mapped[int] = mapped_column(ForeignKey("rma.id"))
    direction: Mapped[ShipmentDirection] = mapped_column(words(ShipmentDirection))
    state: Mapped[ShipmentState] = mapped_column(words(ShipmentState))
    carrier: Mapped[str] = mapped_column(String(64), default="")
    tracking_number: Mapped[str] = mapped_column(String(120), default="")
    due_on: Mapped[date | None]
    sent_on: Mapped[date | None]
    delivered_on: Mapped[date | None]
    signed_by: Mapped[str] = mapped_column(String(120), default="", server_default="")
    proof_id: Mapped[int | None] = mapped_column(ForeignKey("file.id"))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    parts: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    makes_up_for_id: Mapped[int | None] = mapped_column(ForeignKey("shipment.id"))
    holder: Mapped[Holder] = mapped_column(words(Holder), default=Holder.MSP, server_default=Holder.MSP)


class Swap(TenantRow, Base):
    """What happens at the rack; belongs to an Rma or to an ad hoc job.

    ``parent_id`` is the swap whose replacement was dead on arrival, so that this one follows. ``told_serial`` is the serial
    that the vendor says comes, ``serial_number`` the one that was scanned, ``product_id`` its product; ``substitute`` says
    where the vendor named another product than was agreed. ``old_asset_id`` and ``new_asset_id`` are the units that gave up
    and took the place, from ``installed`` on and where a unit was exchanged. ``stock_unit_id`` is what came from the MSP's
    own shelf, ``restocked_id`` what the vendor sent for it later. All of it: ``services.swaps``.
    """

    __tablename__ = "swap"
    __table_args__ = (
        Index("ix_swap_rma_id", "rma_id"),
        Index("ix_swap_job_id", "job_id"),
        Index("ix_swap_serial_key", "serial_key"),
        Index("ix_swap_new_asset_id", "new_asset_id"),
        Index("ix_swap_old_asset_id", "old_asset_id"),
        UniqueConstraint("parent_id"),
    )

    rma_id: Mapped[int | None] = mapped_column(ForeignKey("rma.id"))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("ad_hoc_job.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("swap.id"))
    kind: Mapped[SwapKind] = mapped_column(words(SwapKind))
    source: Mapped[SwapSource] = mapped_column(words(SwapSource))
    state: Mapped[SwapState] = mapped_column(words(SwapState))
    told_serial: Mapped[str] = mapped_column(String(64), default="", server_default="")
    serial_number: Mapped[str] = mapped_column(String(64), default="", server_default="")
    serial_key: Mapped[str] = mapped_column(String(64), default="", server_default="")
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    substitute: Mapped[str] = mapped_column(String(200), default="", server_default="")
    old_asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    new_asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    stock_unit_id: Mapped[int | None] = mapped_column(ForeignKey("stock_unit.id"))
    restocked_id: Mapped[int | None] = mapped_column(ForeignKey("stock_unit.id"))


class TransferWay(StrEnum):
    """What became of a coverage of a unit that was replaced."""

    FOLLOWED = "followed"  # by the vendor's rule, with the unit
    MOVED = "moved"  # a person had it moved to the new serial
    ENDED = "ended"  # it does not go on for the new one


class CoverageTransfer(TenantRow, Base):
    """What becomes of one coverage with one swap: once, which the database holds to.

    ``way`` is null until a person has seen to it. ``new_coverage_id`` is the coverage of the new unit, ``root_ends_on`` the
    last day of the first unit's own term. ``checked_at`` is when the vendor had said what it lists for the new serial, where
    that is to be compared.
    """

    __tablename__ = "coverage_transfer"
    __table_args__ = (
        UniqueConstraint("swap_id", "coverage_id"),
        Index("ix_coverage_transfer_coverage_id", "coverage_id"),
        Index("ix_coverage_transfer_new_coverage_id", "new_coverage_id"),
        Index("ix_coverage_transfer_asset_id", "asset_id", "checked_at"),
    )

    swap_id: Mapped[int] = mapped_column(ForeignKey("swap.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    coverage_id: Mapped[int] = mapped_column(ForeignKey("coverage.id"))
    new_coverage_id: Mapped[int | None] = mapped_column(ForeignKey("coverage.id"))
    way: Mapped[TransferWay | None] = mapped_column(words(TransferWay))
    root_ends_on: Mapped[date | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    checked_at: Mapped[datetime | None]


class Loan(TenantRow, Base):
    """A unit of the MSP's own that stands in for a faulty one, bound to its case: out until ``back_at``.

    ``asset_id`` is the loaner, ``for_asset_id`` the unit that it stands in for; ``stock_unit_id`` where it came from a shelf.
    """

    __tablename__ = "loan"
    __table_args__ = (
        Index("ix_loan_fault_id", "fault_id"),
        Index("ix_loan_asset_id", "asset_id"),
        Index("uq_loan_out", "for_asset_id", unique=True, sqlite_where=OUT, postgresql_where=OUT),
    )

    fault_id: Mapped[int] = mapped_column(ForeignKey("fault.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    for_asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    stock_unit_id: Mapped[int | None] = mapped_column(ForeignKey("stock_unit.id"))
    lent_at: Mapped[datetime]
    back_at: Mapped[datetime | None]
