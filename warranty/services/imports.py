"""Files of many rows into the registry: units, contracts, products, clients, sites.

A file that cannot be read writes nothing: that is found out before the first row. Of a file that can, every row is
written whole or refused with its line and the reason, and refused rows do not hold up the others. Rows are written in
batches, each in a transaction of its own, so that on SQLite nobody who reports a fault waits for a large file. With a
batch its journal is written: whoever goes on after a stop, however sudden, begins behind the last batch, and the result
is that of one clean run. A row that stands in the registry already changes nothing, one that says something new is a
change with its audit row, and an empty cell says nothing. A dry run goes the same way and stops before the writing.

A file that comes over the wire waits in the database, in pieces, until it is done: a worker on any machine may take it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, defer

from warranty import db
from warranty.db import EVERYBODY, Database
from warranty.models import Client, ImportBatch, ImportPiece, ImportRun
from warranty.models.imports import ImportStatus
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import records, work
from warranty.services.importing.assets import Assets
from warranty.services.importing.columns import Kind, Unusable, Wanted
from warranty.services.importing.contracts import Contracts
from warranty.services.importing.places import Clients, Sites
from warranty.services.importing.products import Products
from warranty.services.importing.rejected import write_rejected
from warranty.services.importing.rows import Import, ImportReport, Journal, Tally
from warranty.services.importing.sheets import Form, Shape, Sheet, open_sheet
from warranty.services.importing.undo import find_obstacles, undo_batch
from warranty.services.moves import Because
from warranty.services.work import Order

BATCH = 1_000
"""Rows of one transaction: on SQLite, which has one writer, a tenth of a second or two for whoever reports a fault."""

COPIED_BATCH = 2_000
"""On PostgreSQL, where nobody waits for a batch, and each COPY takes a few statements more."""

PIECE_BYTES: Final = 2**20
MOST_SHOWN_FAULTS: Final = 200

_IMPORTS: Final[dict[Kind, type[Import]]] = {
    Kind.ASSETS: Assets,
    Kind.CONTRACTS: Contracts,
    Kind.COVERAGES: Contracts,
    Kind.PRODUCTS: Products,
    Kind.CLIENTS: Clients,
    Kind.SITES: Sites,
}

OVER: Final = frozenset({ImportStatus.DONE, ImportStatus.CANCELLED, ImportStatus.FAILED, ImportStatus.UNDONE})


class Stopped(Exception):
    """Somebody cancelled the import, or somebody else works on it: nothing more may be written here."""


class NotPossible(Exception):
    """The import is not in a state in which this can be done; the message says why."""


class InTheWay(Exception):
    """The import cannot be undone: ``obstacles`` says, a sentence each, what depends on it or was changed since."""

    def __init__(self, obstacles: list[str]) -> None:
        super().__init__(" ".join(obstacles))
        self.obstacles = obstacles


# --- One run over a sheet -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Book:
    """What an import run has on record, and how a batch is added to it."""

    run_id: int
    batches: int = 0

    def open(self, session: Session, importing: Import) -> int:
        """Take over what earlier processes did; how many rows they took."""
        run = session.get_one(ImportRun, self.run_id)
        if run.tally is not None:
            importing.tally.resume(run.tally)
            importing.names.expect(session, run.tally["expected"])
        said = select(ImportBatch.said).where(ImportBatch.run_id == self.run_id).order_by(ImportBatch.number)
        for prints in session.scalars(said.execution_options(yield_per=20)):
            importing.seen.recall(prints or b"")
            self.batches += 1
        return run.rows_done

    def keep(self, session: Session, importing: Import, rows: int) -> None:
        """Put a batch on record, in its own transaction."""
        journal = importing.journal
        importing.tally.journal = Journal()
        expected = importing.names.expected() if importing.dry_run else []
        batch = {**asdict(journal), "run_id": self.run_id, "number": self.batches, "said": importing.seen.put_away()}
        db.write(session, ImportBatch, batch)
        session.execute(
            update(ImportRun)
            .where(ImportRun.id == self.run_id)
            .values(rows_done=ImportRun.rows_done + rows, tally={**importing.tally.state(), "expected": expected}),
            execution_options={"synchronize_session": False},
        )
        self.batches += 1


def run(
    sheet: Sheet,
    begin: Callable[[], AbstractContextManager[Session]],
    *,
    because: Because,
    client: str | None = None,
    dry_run: bool = False,
    book: Book | None = None,
    on_progress: Callable[[int], None] = lambda _rows: None,
    enough: Callable[[], bool] = lambda: False,
) -> ImportReport | None:
    """Import a sheet.

    Args:
        sheet: what ``importing.sheets.open_sheet`` gave.
        begin: opens one transaction with the scope of staff and commits it at its end; called once for each batch.
            For a dry run without a book one that only reads will do.
        because: who imports, when, and the reason that baselines and the register will carry.
        client: the name of the client whose rows they are; a row that names another is refused.
        dry_run: find out what would happen, and write nothing.
        book: where each batch is put on record, and where to go on from.
        on_progress: told after each batch how many rows it had.
        enough: asked after each batch whether to leave the rest for later.

    Returns:
        What became of the rows, null where some are left for later. Nothing is raised for a row.

    Raises:
        Unusable: there is no client of that name.
    """
    report = ImportReport(sheet.kind, sheet.dialect, dry_run, warnings=list(sheet.warnings))
    importing = _IMPORTS[sheet.kind](Tally(report), because, client, dry_run)
    rows, size = sheet.rows(), BATCH
    gc.freeze()  # what was there before needs no look for garbage after every few rows: that took an eighth of the time
    try:
        if book is not None:
            with begin() as session:
                done = book.open(session, importing)
                if not db.is_sqlite(session):
                    size = COPIED_BATCH
            next(islice(rows, done, done), None)
        while batch := list(islice(rows, size)):
            with begin() as session:
                importing.take(session, batch)
                if book is None:
                    importing.seen.put_away()
                else:
                    book.keep(session, importing, len(batch))
            on_progress(len(batch))
            if enough():
                return None
    finally:
        gc.unfreeze()
        importing.seen.close()
    importing.tally.close()
    report.dialect = sheet.dialect
    return report


# --- Imports on record ----------------------------------------------------------------------------------------------


def order(
    session: Session,
    content: IO[bytes],
    *,
    kind: Kind,
    file_name: str,
    wanted: Wanted,
    client: Client | None,
    dry_run: bool,
    actor: str,
    now: datetime,
) -> ImportRun:
    """Keep a file, and order its import as background work."""
    made = _add(session, kind, file_name, wanted, client, dry_run=dry_run, actor=actor, now=now)
    for number, piece in enumerate(iter(lambda: content.read(PIECE_BYTES), b"")):
        db.write(session, ImportPiece, {"run_id": made.id, "number": number, "content": piece})
    _order(session, made, now)
    return made


def _order(session: Session, made: ImportRun, now: datetime) -> None:
    work.add(session, OrderKind.IMPORT_ROWS, now=now, payload={"run": made.id})


def _add(
    session: Session,
    kind: Kind,
    file_name: str,
    wanted: Wanted,
    client: Client | None,
    *,
    dry_run: bool,
    actor: str,
    now: datetime,
    status: ImportStatus = ImportStatus.WAITING,
) -> ImportRun:
    made = ImportRun(
        client_id=None if client is None else client.id,
        kind=kind.value,
        file_name="".join(sign for sign in file_name if sign.isprintable())[:200],
        dialect=wanted.dialect,
        dry_run=dry_run,
        wanted=dict(wanted.columns),
        actor=actor,
        created_at=now,
        status=status,
    )
    session.add(made)
    session.flush()
    return made


def run_here(
    database: Database,
    sheet: Sheet,
    *,
    file_name: str,
    client: Client | None,
    because: Because,
    on_progress: Callable[[int], None] = lambda _rows: None,
) -> tuple[ImportRun, ImportReport]:
    """Import a sheet in this process, on record, so that it can be cancelled and undone like any other.

    Raises:
        Stopped: somebody cancelled it.
    """
    with database.begin(EVERYBODY) as session:
        made = _add(
            session,
            sheet.kind,
            file_name,
            Wanted(sheet.dialect),
            client,
            dry_run=False,
            actor=because.actor,
            now=because.at,
            status=ImportStatus.RUNNING,
        )
        _note_sheet(made, sheet)

    @contextmanager
    def begin() -> Iterator[Session]:
        with database.begin(EVERYBODY) as session:
            _hold_running(session, made.id)
            yield session

    name = None if client is None else client.name
    report = run(sheet, begin, because=because, client=name, book=Book(made.id), on_progress=on_progress)
    assert report is not None  # nothing is left for later here
    with begin() as session:
        end(session, session.get_one(ImportRun, made.id), ImportStatus.DONE, now=db.now(session))
    return made, report


def _note_sheet(made: ImportRun, sheet: Sheet) -> None:
    made.shape = asdict(sheet.shape)
    made.dialect, made.rows_total, made.warnings = sheet.dialect, sheet.total, list(sheet.warnings)
    made.status = ImportStatus.RUNNING


def _hold_running(session: Session, run_id: int) -> ImportRun:
    """The run, locked until the end of the transaction, so that who cancels it waits for the batch at hand.

    Raises:
        Stopped: it was cancelled.
    """
    made = session.get_one(ImportRun, run_id, with_for_update=True)
    if made.status not in {ImportStatus.WAITING, ImportStatus.RUNNING}:
        raise Stopped
    return made


def end(session: Session, made: ImportRun, status: ImportStatus, *, now: datetime, error: str | None = None) -> None:
    """End an import: its file goes, and what only the next process needed."""
    made.status, made.ended_at, made.error = status, now, error
    session.execute(delete(ImportPiece).where(ImportPiece.run_id == made.id))
    session.execute(update(ImportBatch).where(ImportBatch.run_id == made.id).values(said=None))


def cancel(session: Session, made: ImportRun, *, now: datetime) -> None:
    """Stop an import after the batch at hand; what was written stands, and can be undone.

    Raises:
        NotPossible: it is over.
    """
    session.refresh(made, with_for_update=True)
    if made.status not in {ImportStatus.WAITING, ImportStatus.RUNNING}:
        raise NotPossible(f"The import is {made.status}: there is nothing to cancel.")
    end(session, made, ImportStatus.CANCELLED, now=now)


def undo(session: Session, made: ImportRun, *, now: datetime) -> None:
    """Order the undoing of an import: what it made goes, what it changed gets its former values.

    Raises:
        NotPossible: it is not over, was a dry run, or is undone already.
        InTheWay: something depends on what it made, or was changed since.
    """
    session.refresh(made, with_for_update=True)
    if made.dry_run:
        raise NotPossible("A dry run has written nothing.")
    if made.status not in {ImportStatus.DONE, ImportStatus.CANCELLED}:
        raise NotPossible(f"The import is {made.status}: only one that is done or cancelled can be undone.")
    batches = select(ImportBatch).where(ImportBatch.run_id == made.id).order_by(ImportBatch.number)
    without_rows = defer(ImportBatch.rejected), defer(ImportBatch.said)
    found = session.scalars(batches.options(*without_rows)).all()
    obstacles = find_obstacles(session, found, since=made.created_at)
    if obstacles:
        raise InTheWay(obstacles)
    made.status, made.error = ImportStatus.UNDOING, None
    _order(session, made, now)


# --- Background work ------------------------------------------------------------------------------------------------


def work_on(database: Database, order: Order, *, enough: Callable[[], bool]) -> None:
    """Do a piece of an import or of its undoing: all of it, or until it is ``enough``, and then the order comes again."""
    run_id = order.payload["run"]
    with database.read(EVERYBODY) as session:
        made = session.get_one(ImportRun, run_id)
    if made.status is ImportStatus.UNDOING:
        _undo_on(database, order, made, enough)
    elif made.status in OVER:
        with database.begin(EVERYBODY) as session:
            work.end(session, order, OrderStatus.DONE)
    else:
        _import_on(database, order, made, enough)


def _import_on(database: Database, order: Order, made: ImportRun, enough: Callable[[], bool]) -> None:
    @contextmanager
    def begin() -> Iterator[Session]:
        with database.begin(EVERYBODY) as session:
            _hold_running(session, made.id)
            if not work.is_ours(session, order):
                raise Stopped
            yield session

    try:
        with TemporaryDirectory(prefix="import-") as folder:
            with database.read(EVERYBODY) as session:
                path = _fetch(session, made, Path(folder))
                client = None if made.client_id is None else session.get_one(Client, made.client_id).name
            kind = Kind(made.kind)
            sheet = open_sheet(path, kind, Wanted(made.dialect, tuple(made.wanted.items())))
            if made.rows_total is None:
                with begin() as session:
                    _note_sheet(session.get_one(ImportRun, made.id), sheet)
            because = Because(actor=made.actor, reason="imported", at=made.created_at)
            facts: dict[str, Any] = {"client": client, "dry_run": made.dry_run, "book": Book(made.id)}
            report = run(sheet, begin, because=because, enough=enough, **facts)
        with begin() as session:
            if report is None:
                work.release(session, order, after_s=0.0)
            else:
                held = session.get_one(ImportRun, made.id)
                end(session, held, ImportStatus.DONE, now=db.now(session))
                work.end(session, order, OrderStatus.DONE)
    except Unusable as err:
        with database.begin(EVERYBODY) as session:
            if work.end(session, order, OrderStatus.DONE, error=str(err)):
                held = session.get_one(ImportRun, made.id, with_for_update=True)
                end(session, held, ImportStatus.FAILED, now=db.now(session), error=str(err))
    except Stopped:
        with database.begin(EVERYBODY) as session:
            work.end(session, order, OrderStatus.DONE)


def _fetch(session: Session, made: ImportRun, folder: Path) -> Path:
    """The file as it was sent, in a folder of this machine, with the end of its name: by that JSON lines are told."""
    suffix = Path(made.file_name).suffix.lower()
    path = folder / f"rows{suffix if suffix.isascii() and suffix[1:].isalnum() else ''}"
    pieces = select(ImportPiece.content).where(ImportPiece.run_id == made.id).order_by(ImportPiece.number)
    with path.open("wb") as stream:
        for piece in session.scalars(pieces.execution_options(yield_per=4)):
            stream.write(piece)
    return path


def _undo_on(database: Database, order: Order, made: ImportRun, enough: Callable[[], bool]) -> None:
    """Undo batch after batch, the last first, each in its own transaction: whoever goes on begins with those left."""
    because = Because(actor=made.actor, reason="import undone", at=datetime.now(made.created_at.tzinfo))
    newest = select(ImportBatch).where(ImportBatch.run_id == made.id).order_by(ImportBatch.number.desc()).limit(1)
    while True:
        with database.begin(EVERYBODY) as session:
            held = session.get_one(ImportRun, made.id, with_for_update=True)
            if not work.is_ours(session, order):
                return
            batch = session.scalars(newest).one_or_none()
            if batch is None:
                held.status, held.ended_at = ImportStatus.UNDONE, db.now(session)
                work.end(session, order, OrderStatus.DONE)
                return
            obstacles = find_obstacles(session, [batch], since=made.created_at)
            if obstacles:
                held.status, held.error = ImportStatus.CANCELLED, f"It is undone in part. {' '.join(obstacles)}"
                work.end(session, order, OrderStatus.DONE)
                return
            undo_batch(session, batch, since=made.created_at, because=because)
            session.delete(batch)
            if enough():
                work.release(session, order, after_s=0.0)
                return


def give_up(session: Session, run_id: int, why: str, *, now: datetime) -> None:
    """End an import over which every worker broke off; what was written by then stands, and can be undone."""
    made = session.get_one(ImportRun, run_id, with_for_update=True)
    if made.status not in OVER:
        end(session, made, ImportStatus.CANCELLED, now=now, error=f"Given up: {why}")


# --- Reading --------------------------------------------------------------------------------------------------------


def _query() -> Any:
    return select(ImportRun, Client.public_id).outerjoin(Client, Client.id == ImportRun.client_id)


def _documents(_session: Session, rows: Iterable[Any], _now: datetime) -> list[dict[str, Any]]:
    return [_document(made, client) for made, client in rows]


IMPORTS: Final = records.Kind(ImportRun, _query, _documents)
"""How far imports are, and what has come out so far, as programs see it."""


def _document(made: ImportRun, client: UUID | None) -> dict[str, Any]:
    tally: Mapping[str, Any] = made.tally or {}
    joined = [
        f"{sentence} ({first if count == 1 else f'{count} rows, the first: {first}'})"
        for sentence, count, first in tally.get("warned", [])
    ]
    counts = tally.get("counts", {})
    return {
        "id": made.public_id,
        "kind": Kind(made.kind),
        "file": made.file_name,
        "client": client,
        "dry_run": made.dry_run,
        "format": made.dialect,
        "mapping": made.wanted,
        "state": made.status,
        "rows": made.rows_total,
        "rows_done": made.rows_done,
        **{outcome: counts.get(outcome, 0) for outcome in ("new", "same", "changed", "refused")},
        "new_products": tally.get("new_products", 0),
        "new_sites": tally.get("new_sites", 0),
        "warnings": [*made.warnings, *joined],
        "preview": [shown for _, _, shown in tally.get("shown", [])],
        "error": made.error,
        "created_at": made.created_at,
        "ended_at": made.ended_at,
    }


def faults(session: Session, made: ImportRun, most: int = MOST_SHOWN_FAULTS) -> list[dict[str, Any]]:
    """The first rows that were refused: line, file, field and message of each."""
    names = ("line", "file", "field", "message")
    return [{name: fault[name] for name in names} for fault in islice(_rejected(session, made), most)]


def _rejected(session: Session, made: ImportRun) -> Iterator[dict[str, Any]]:
    batches = select(ImportBatch.rejected).where(ImportBatch.run_id == made.id).order_by(ImportBatch.number)
    for rejected in session.scalars(batches.execution_options(yield_per=20)):
        yield from sorted(rejected, key=lambda fault: (fault["file"], fault["line"]))


def rejected(session: Session, made: ImportRun, stream: IO[bytes]) -> str:
    """Write the refused rows as a file of the form in which they came, with the reason as one more column; its suffix."""
    shape = Shape(Form.CSV) if made.shape is None else Shape(**made.shape)
    return write_rejected(stream, shape, _rejected(session, made))
