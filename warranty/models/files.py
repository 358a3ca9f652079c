"""Files that belong to a record. Their content is in the store, under a random key: see ``warranty.store``."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.domain.media import MediaType
from warranty.models.base import Base, TenantRow, words

KEPT = text("removed_at IS NULL")


class FiledUnder(StrEnum):
    """The kind of record that a file belongs to, as the register names it."""

    FAULT = "fault"
    RMA = "rma"
    JOB = "job"
    ASSET = "asset"
    COVERAGE = "coverage"
    CONTRACT = "contract"


class File(TenantRow, Base):
    """One file. ``digest`` is the SHA-256 of its content in hex, ``key`` where the store has it, ``size`` in bytes.

    ``name`` is only shown; ``media_type`` was told from the content. ``for_client``: whether the client's people see it.
    A removed file keeps its row; its content is swept away.
    """

    __tablename__ = "file"
    __table_args__ = (
        # The same content from the same person, sent twice, is one file.
        Index(
            "uq_file_once",
            "record",
            "record_id",
            "digest",
            "uploaded_by",
            unique=True,
            sqlite_where=KEPT,
            postgresql_where=KEPT,
        ),
        Index("ix_file_record", "record", "record_id", "id"),
        Index("ix_file_client_id", "client_id"),
    )

    record: Mapped[FiledUnder] = mapped_column(words(FiledUnder))
    record_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[MediaType] = mapped_column(words(MediaType))
    size: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(64), unique=True)
    has_thumbnail: Mapped[bool]
    for_client: Mapped[bool]
    uploaded_by: Mapped[str] = mapped_column(String(64))
    uploaded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
