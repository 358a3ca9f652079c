"""Work that must not be lost: orders to the background, vendor ids ever seen, keys of repeated requests, tasks for people."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.domain.terms import OverrideCode, VerdictWord
from warranty.models.base import Base, Pk, PublicRow, TenantRow, words


class OrderKind(StrEnum):
    """A kind of background work; ``warranty.tasks`` has one module for each, of the same name."""

    PREPARE_RMA = "prepare_rma"
    SEND_RMA = "send_rma"
    LOOK_UP = "look_up"
    DECIDE_AGAIN = "decide_again"
    READ_CASES = "read_cases"
    SWEEP_CASES = "sweep_cases"
    PULL = "pull"
    APPLY_DELIVERY = "apply_delivery"
    TAKE_UP = "take_up"
    TELL_VENDOR = "tell_vendor"
    CHECK_ACCOUNT = "check_account"
    WRITE_MAILS = "write_mails"
    SEND_MAIL = "send_mail"
    IMPORT_ROWS = "import_rows"
    SWEEP_FILES = "sweep_files"
    WRITE_ANCHOR = "write_anchor"


class OrderStatus(StrEnum):
    """Where a work order stands."""

    PENDING = "pending"
    DONE = "done"
    PARKED = "parked"  # waits for a person to mend something, then is armed again
    DEAD = "dead"  # given up: a person has the task


class TaskKind(StrEnum):
    """Why something waits for a person."""

    REVIEW = "review"
    INFO_MISSING = "info_missing"
    OUTCOME_UNKNOWN = "outcome_unknown"
    SUBMIT_FAILED = "submit_failed"
    MANUAL_HANDLING = "manual_handling"
    ATTENTION = "attention"
    DENIED = "denied"
    UNREAD = "unread"  # of an account: none of its cases can be read; it stands on one of them
    PROPOSAL = "proposal"  # a number that a program read out of prose, or a case that may be ours: yes or no
    VENDOR_NOTE = "vendor_note"  # the vendor wrote something on a case: somebody reads it, and nobody is mailed
    NOT_TAKEN = "not_taken"  # a note or a file of ours that the vendor did not take
    SILENT = "silent"  # the vendor has said nothing for too long
    STRAY_CASE = "stray_case"  # a case at a vendor that belongs to no claim here: the task stands on no fault
    GOODS_WRONG = "goods_wrong"  # what came is short, wrong or damaged: the vendor has to send something again
    GOODS_LOST = "goods_lost"  # the replacement never came: the same
    OVERRIDE = "override"  # somebody wants a verdict that costs the MSP: a second person says yes or no


PENDING = text("status = 'pending'")
STUCK = text("status IN ('parked', 'dead')")
STOLEN = text("steals > 0")
UNRESOLVED = text("resolved_at IS NULL")
UNTOLD = text("told_at IS NULL AND resolved_at IS NULL")


class Outbox(Base):
    """One work order, written in the transaction that wants the work, done by a worker later: at least once, fenced by ``token``.

    ``last_send`` is committed before the first byte of an open leaves: who comes next searches before sending again.
    ``enqueued_at`` ages out, so that an emptied queue loses nothing. ``stumbles`` counts, one after the other, the times a
    worker broke off or vanished over it; ``steals``, for ever, the times one vanished and another took over. Every statement
    on this table: ``services.work``.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "next_at", "id", sqlite_where=PENDING, postgresql_where=PENDING),
        Index("ix_outbox_rma_id", "rma_id"),
        Index("ix_outbox_fault_id", "fault_id"),
        Index("ix_outbox_account", "account_id", sqlite_where=PENDING, postgresql_where=PENDING),
        Index("ix_outbox_stuck", "status", "kind", "account_id", sqlite_where=STUCK, postgresql_where=STUCK),
        Index("ix_outbox_stolen", "steals", sqlite_where=STOLEN, postgresql_where=STOLEN),
        # Periodic work is ordered once: the second order of the same name is refused while the first is pending.
        Index("uq_outbox_name", "name", unique=True, sqlite_where=PENDING, postgresql_where=PENDING),
    )

    id: Mapped[Pk]
    kind: Mapped[OrderKind] = mapped_column(words(OrderKind))
    name: Mapped[str | None] = mapped_column(String(120))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("vendor_account.id"))
    rma_id: Mapped[int | None] = mapped_column(ForeignKey("rma.id"))
    fault_id: Mapped[int | None] = mapped_column(ForeignKey("fault.id"))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[OrderStatus] = mapped_column(words(OrderStatus), default=OrderStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    stumbles: Mapped[int] = mapped_column(default=0, server_default="0")
    steals: Mapped[int] = mapped_column(default=0, server_default="0")
    waited_s: Mapped[float] = mapped_column(default=0.0)
    token: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    enqueued_at: Mapped[datetime | None]
    first_claimed_at: Mapped[datetime | None]
    last_send: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Sighting(Base):
    """Every vendor case ever seen for a reference of ours, so that a duplicate is found even where a stale worker saw it.

    ``client_reference`` and ``serial_number`` are as the vendor repeats them, ``serial_key`` is what the second is compared by;
    ``opened_at`` is its own time. ``asked_at``: when a person was asked about the case, as the second of a claim or as one
    that belongs to none; nobody is asked twice.
    """

    __tablename__ = "sighting"
    __table_args__ = (
        UniqueConstraint("account_id", "vendor_case_number"),
        Index("ix_sighting_reference", "client_reference"),
        Index("ix_sighting_serial", "account_id", "serial_key"),
    )

    id: Mapped[Pk]
    account_id: Mapped[int] = mapped_column(ForeignKey("vendor_account.id"))
    vendor_case_number: Mapped[str] = mapped_column(String(64))
    client_reference: Mapped[str] = mapped_column(String(64))
    serial_number: Mapped[str] = mapped_column(String(200), default="", server_default="")
    serial_key: Mapped[str] = mapped_column(String(200), default="", server_default="")
    opened_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """The answer of a write that its caller may repeat: written in the same transaction as what it answers for."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("user_id", "key"), Index("ix_idempotency_key_created_at", "created_at"))

    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    key: Mapped[str] = mapped_column(String(255))
    body_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class HumanTask(PublicRow, Base):
    """Something that waits for a person: the API's review item. At most one open task of a kind for each case.

    A ``STRAY_CASE`` stands on no fault but on the sighting of a vendor's case, once for ever; without a client, where nobody
    can tell whose unit it is for, it is the staff's alone.

    ``told_at``: when the service managers were told of it by mail. ``proposals`` of a ``PROPOSAL`` are what a person says yes
    or no to, each as ``services.proposals.Proposal`` with its ``answer``.
    """

    __tablename__ = "human_task"
    __table_args__ = (
        Index(
            "uq_human_task_open", "fault_id", "kind", unique=True, sqlite_where=UNRESOLVED, postgresql_where=UNRESOLVED
        ),
        UniqueConstraint("sighting_id"),
        Index("ix_human_task_open", "client_id", "id", sqlite_where=UNRESOLVED, postgresql_where=UNRESOLVED),
        Index("ix_human_task_fault_id", "fault_id"),
        Index("ix_human_task_untold", "id", sqlite_where=UNTOLD, postgresql_where=UNTOLD),
    )

    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    kind: Mapped[TaskKind] = mapped_column(words(TaskKind))
    fault_id: Mapped[int | None] = mapped_column(ForeignKey("fault.id"))
    rma_id: Mapped[int | None] = mapped_column(ForeignKey("rma.id"))
    sighting_id: Mapped[int | None] = mapped_column(ForeignKey("sighting.id"))
    why: Mapped[str] = mapped_column(Text)
    proposals: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(64))
    resolution: Mapped[str | None] = mapped_column(Text)
    told_at: Mapped[datetime | None]


class OverrideRequest(TenantRow, Base):
    """A verdict that somebody wants and that a second person must confirm: what ``task_id`` asks about."""

    __tablename__ = "override_request"
    __table_args__ = (UniqueConstraint("task_id"),)

    task_id: Mapped[int] = mapped_column(ForeignKey("human_task.id"))
    verdict: Mapped[VerdictWord] = mapped_column(words(VerdictWord))
    parts_id: Mapped[int | None] = mapped_column(ForeignKey("coverage.id"))
    labour_id: Mapped[int | None] = mapped_column(ForeignKey("coverage.id"))
    reason_code: Mapped[OverrideCode] = mapped_column(words(OverrideCode))
    reason: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(64))


class Lease(Base):
    """A piece of periodic work: whoever takes it until ``next_run_at`` does it in the same transaction, so none holds it longer."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    next_run_at: Mapped[datetime]
