"""Imports: the file until it is done, how far it is, and what it did, so that it can go on after a stop and be undone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from warranty.models.base import Base, Json, Pk, PublicRow, words


class ImportStatus(StrEnum):
    """Where an import stands."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLED = "cancelled"  # what was written by then stands, and can be undone
    DONE = "done"
    FAILED = "failed"  # the file could not be read; ``error`` says why
    UNDOING = "undoing"
    UNDONE = "undone"
    DRAFT = "draft"  # the file is kept until its sender says what its columns mean, or that it may go in
    CHECKING = "checking"  # a draft is read through, and nothing is written
    BROKEN_OFF = "broken_off"  # never stored: it is running, and the process that ran it is gone


class ImportRun(PublicRow, Base):
    """One file on its way into the registry. ``client_id`` is null where its rows name their clients.

    ``wanted`` is what the sender said of the columns, ``shape`` how the file looks, ``tally`` what has come out so far: see
    ``services.importing``. ``rows_done`` of ``rows_total`` rows are taken; the total is null until the file was read through.
    An import that the command line does in its own process is held by it: ``held_until`` moves on with each batch, and where
    it has passed the process is gone. ``content`` is the print of what it reads, by which the same file goes on.
    """

    __tablename__ = "import_run"
    __table_args__ = (Index("ix_import_run_client_id", "client_id"),)

    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    kind: Mapped[str] = mapped_column(String(32))
    file_name: Mapped[str] = mapped_column(String(200))
    dialect: Mapped[str] = mapped_column(String(32))
    dry_run: Mapped[bool]
    wanted: Mapped[dict[str, Any]]
    shape: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[str]] = mapped_column(default=list)
    tally: Mapped[dict[str, Any] | None]
    rows_total: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(default=0)
    actor: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    content: Mapped[str | None] = mapped_column(String(64))
    held_by: Mapped[str | None] = mapped_column(String(32))
    held_until: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(64))
    undone_because: Mapped[str | None] = mapped_column(Text)
    status: Mapped[ImportStatus] = mapped_column(words(ImportStatus))


class ImportPiece(Base):
    """A piece of a file that waits to be imported. In the database, since a worker on any machine may do it; gone at the end."""

    __tablename__ = "import_piece"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[Pk]
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id"))
    number: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ImportBatch(Base):
    """What one transaction of an import did: an undo reads it, and the rejected rows are written from it.

    ``said`` is what the rows were about, in fingerprints, for the next process that goes on; null once the import has ended.
    """

    __tablename__ = "import_batch"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[Pk]
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id"))
    number: Mapped[int]
    made: Mapped[dict[str, Any]]
    changed: Mapped[list[Any]] = mapped_column(Json)
    rejected: Mapped[list[Any]] = mapped_column(Json)
    said: Mapped[bytes | None] = mapped_column(LargeBinary)
