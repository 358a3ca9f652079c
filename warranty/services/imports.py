"""Files of many rows into the registry: units, contracts, products, clients, sites.

A file that cannot be read writes nothing: that is found out before the first row. Of a file that can, every row is
written whole or refused with its line and the reason, and refused rows do not hold up the others. Rows are written in
batches, each in a transaction of its own, so that on SQLite nobody who reports a fault waits for a large file. With a
batch its journal is written: whoever goes on after a stop, however sudden, begins behind the last batch, and the result
is that of one clean run. A row that stands in the registry already changes nothing, one that says something new is a
change with its audit row, and an empty cell says nothing. A dry run goes the same way and stops before the writing.

A file that comes over the wire waits in the database, in pieces, until it is done: a worker on any machine may take it.
One that a person drops on a page is a draft first: it is checked, which writes nothing, as often as they correct what its
columns mean, and goes in at their word. What a command does in its own process it holds, batch by batch; where that process
is gone the import is broken off: the same command goes on with it, or it is undone.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, defer

from warranty import db
from warranty.db import EVERYBODY, Database
from warranty.models import Client, ImportBatch, ImportPiece, ImportRun, User
from warranty.models.imports import ImportStatus
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import people, records, work
from warranty.services.importing.assets import Assets
from warranty.services.importing.columns import Kind, Unusable, Wanted
from warranty.services.importing.contracts import Contracts
from warranty.services.importing.glance import Glance, glance
from warranty.services.importing.places import Clients, Sites
from warranty.services.importing.products import Products
from warranty.services.importing.rejected import write_rejected
from warranty.services.importing.rows import MOST_FAULTS, Import, ImportReport, Journal, RowFault, Tally
from warranty.services.importing.sheets import Form, Shape, Sheet, is_archive, open_sheet
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

HELD_FOR: Final = timedelta(minutes=2)
"""How long a command's process may need for a batch; after that it is taken for gone."""

DRAFT_KEPT: Final = timedelta(days=7)
"""How long a file waits for a person's word before it is dropped."""

_BEGUN: Final = frozenset({ImportStatus.WAITING, ImportStatus.RUNNING, ImportStatus.CHECKING})

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
    _keep_file(session, made, content)
    _order(session, made, now)
    return made


def _keep_file(session: Session, made: ImportRun, content: IO[bytes]) -> None:
    for number, piece in enumerate(iter(lambda: content.read(PIECE_BYTES), b"")):
        db.write(session, ImportPiece, {"run_id": made.id, "number": number, "content": piece})


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
    content: str | None = None,
    on_progress: Callable[[int], None] = lambda _rows: None,
) -> tuple[ImportRun, ImportReport]:
    """Import a sheet in this process, on record, so that it can be cancelled and undone like any other.

    Where an import of the same ``content`` (see ``print_of``) broke off, it goes on behind that one's last batch.

    Raises:
        Stopped: somebody cancelled it, or another process took it over.
    """
    holder = uuid4().hex
    with database.begin(EVERYBODY) as session:
        made = _find_broken_off(session, content, client) if content else None
        went_before = 0 if made is None else made.rows_done
        if made is None:
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
            made.content = content
            _note_sheet(made, sheet)
        made.held_by, made.held_until = holder, db.now(session) + HELD_FOR

    @contextmanager
    def begin() -> Iterator[Session]:
        with database.begin(EVERYBODY) as session:
            held = _hold_running(session, made.id)
            if held.held_by != holder:
                raise Stopped
            held.held_until = db.now(session) + HELD_FOR
            yield session

    name = None if client is None else client.name
    said = Because(made.actor, because.reason, made.created_at)  # an undo knows by the instant what the import did
    if went_before:
        on_progress(went_before)
    try:
        report = run(sheet, begin, because=said, client=name, book=Book(made.id), on_progress=on_progress)
    except Stopped:
        raise
    except BaseException:
        with suppress(Exception), begin() as session:  # whoever goes on need not wait until we are taken for gone
            session.get_one(ImportRun, made.id).held_until = db.now(session)
        raise
    assert report is not None  # nothing is left for later here
    with begin() as session:
        end(session, session.get_one(ImportRun, made.id), ImportStatus.DONE, now=db.now(session))
    if went_before:
        report.warnings.insert(0, f"An import of this file broke off: this one went on behind row {went_before:,}.")
        with database.read(EVERYBODY) as session:
            report.faults = [RowFault(**fault) for fault in faults(session, made, MOST_FAULTS)]
    return made, report


def print_of(path: Path, kind: Kind, wanted: Wanted) -> str:
    """What an import reads and how it is told to read it, as a print: by it the same command goes on.

    Raises:
        OSError: the file cannot be read.
    """
    said = blake2b(repr((kind.value, wanted)).encode("utf-8", "surrogatepass"), digest_size=32)
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            said.update(file.relative_to(path).as_posix().encode("utf-8", "surrogatepass"))
            with file.open("rb") as stream:
                while chunk := stream.read(PIECE_BYTES):
                    said.update(chunk)
    return said.hexdigest()


def _find_broken_off(session: Session, content: str, client: Client | None) -> ImportRun | None:
    of_it = select(ImportRun).where(
        ImportRun.content == content,
        ImportRun.client_id == (None if client is None else client.id),
        ImportRun.status == ImportStatus.RUNNING,
        ImportRun.held_until < db.now(session),
    )
    return session.scalars(of_it.order_by(ImportRun.id.desc()).limit(1).with_for_update()).one_or_none()


def stands(made: ImportRun, now: datetime) -> ImportStatus:
    """Where an import stands, with that its process is gone."""
    is_gone = made.status is ImportStatus.RUNNING and made.held_until is not None and made.held_until < now
    return ImportStatus.BROKEN_OFF if is_gone else made.status


def _note_sheet(made: ImportRun, sheet: Sheet) -> None:
    made.shape = asdict(sheet.shape)
    made.dialect, made.rows_total, made.warnings = sheet.dialect, sheet.total, list(sheet.warnings)
    if made.status is ImportStatus.WAITING:
        made.status = ImportStatus.RUNNING


def _hold_running(session: Session, run_id: int) -> ImportRun:
    """The run, locked until the end of the transaction, so that who cancels it waits for the batch at hand.

    Raises:
        Stopped: it was cancelled.
    """
    made = session.get_one(ImportRun, run_id, with_for_update=True)
    if made.status not in _BEGUN:
        raise Stopped
    return made


def end(session: Session, made: ImportRun, status: ImportStatus, *, now: datetime, error: str | None = None) -> None:
    """End an import: its file goes, and what only the next process needed."""
    made.status, made.ended_at, made.error, made.held_until = status, now, error, None
    session.execute(delete(ImportPiece).where(ImportPiece.run_id == made.id))
    session.execute(update(ImportBatch).where(ImportBatch.run_id == made.id).values(said=None))


# --- Step by step, by a person --------------------------------------------------------------------------------------


def draft(
    session: Session,
    content: IO[bytes],
    *,
    kind: Kind,
    file_name: str,
    client: Client | None,
    actor: str,
    now: datetime,
) -> ImportRun:
    """Keep a file until its sender says what its columns mean; nothing is read of it yet."""
    made = _add(
        session,
        kind,
        file_name,
        Wanted(),
        client,
        dry_run=True,
        actor=actor,
        now=now,
        status=ImportStatus.DRAFT,
    )
    _keep_file(session, made, content)
    return made


def look_at(session: Session, made: ImportRun) -> Glance:
    """What the first rows of a draft show: its columns, and what each may mean.

    Raises:
        Unusable: it is no table.
    """
    with TemporaryDirectory(prefix="import-") as folder:
        path, is_whole = _fetch_start(session, made, Path(folder))
        return glance(path, Kind(made.kind), Wanted(made.dialect, tuple(made.wanted.items())), is_whole=is_whole)


def check(session: Session, made: ImportRun, wanted: Wanted, *, now: datetime) -> None:
    """Order that a draft is read through, with its columns meaning what its sender says.

    Raises:
        NotPossible: it is no draft any more.
    """
    _begin_draft(session, made, ImportStatus.CHECKING, now)
    made.wanted, made.dialect = dict(wanted.columns), wanted.dialect
    _order(session, made, now)


def go_in(session: Session, made: ImportRun, *, actor: str, now: datetime) -> None:
    """Order that a draft, as it was checked last, is written into the registry.

    Raises:
        NotPossible: it is no draft any more, or was never checked.
    """
    if made.tally is None:
        raise NotPossible("The file was not checked yet: say what its columns are.")
    _begin_draft(session, made, ImportStatus.WAITING, now)
    made.dry_run, made.actor = False, actor
    _order(session, made, now)


def _begin_draft(session: Session, made: ImportRun, status: ImportStatus, now: datetime) -> None:
    session.refresh(made, with_for_update=True)
    if made.status is not ImportStatus.DRAFT:
        raise NotPossible(f"The import is {made.status}: it waits for no word any more.")
    session.execute(delete(ImportBatch).where(ImportBatch.run_id == made.id))
    made.status, made.created_at, made.error = status, now, None
    made.tally, made.rows_total, made.rows_done, made.warnings = None, None, 0, []


def forget_drafts(session: Session) -> None:
    """Drop the files that nobody has said a word about for too long."""
    now = db.now(session)
    old = ImportRun.status == ImportStatus.DRAFT, ImportRun.created_at < now - DRAFT_KEPT
    for made in session.scalars(select(ImportRun).where(*old).limit(10).with_for_update(skip_locked=True)):
        end(
            session, made, ImportStatus.CANCELLED, now=now, error="Nobody said that it may go in: the file was dropped."
        )


def cancel(session: Session, made: ImportRun, *, now: datetime) -> None:
    """Stop an import after the batch at hand; what was written stands, and can be undone.

    Raises:
        NotPossible: it is over.
    """
    session.refresh(made, with_for_update=True)
    if made.status not in {*_BEGUN, ImportStatus.DRAFT}:
        raise NotPossible(f"The import is {made.status}: there is nothing to cancel.")
    end(session, made, ImportStatus.CANCELLED, now=now)


def undo(session: Session, made: ImportRun, *, actor: str, reason: str = "import undone", now: datetime) -> None:
    """Order the undoing of an import: what it made goes, what it changed gets its former values.

    Raises:
        NotPossible: it is not over, was a dry run, or is undone already.
        InTheWay: something depends on what it made, or was changed since.
    """
    session.refresh(made, with_for_update=True)
    if stands(made, db.now(session)) is ImportStatus.BROKEN_OFF:
        end(session, made, ImportStatus.CANCELLED, now=now, error="It broke off.")
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
    made.undone_by, made.undone_because = actor, reason
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
                if held.status is ImportStatus.CHECKING:
                    held.status = ImportStatus.DRAFT
                else:
                    end(session, held, ImportStatus.DONE, now=db.now(session))
                work.end(session, order, OrderStatus.DONE)
    except Unusable as err:
        with database.begin(EVERYBODY) as session:
            if work.end(session, order, OrderStatus.DONE, error=str(err)):
                held = session.get_one(ImportRun, made.id, with_for_update=True)
                if held.status is ImportStatus.CHECKING:
                    held.status, held.tally, held.error = ImportStatus.DRAFT, None, str(err)
                else:
                    end(session, held, ImportStatus.FAILED, now=db.now(session), error=str(err))
    except Stopped:
        with database.begin(EVERYBODY) as session:
            work.end(session, order, OrderStatus.DONE)


def _fetch(session: Session, made: ImportRun, folder: Path) -> Path:
    """The file as it was sent, in a folder of this machine, with the end of its name: by that JSON lines are told."""
    path = _place_of(made, folder)
    with path.open("wb") as stream:
        for piece in session.scalars(_pieces(made).execution_options(yield_per=4)):
            stream.write(piece)
    return path


def _place_of(made: ImportRun, folder: Path) -> Path:
    suffix = Path(made.file_name).suffix.lower()
    return folder / f"rows{suffix if suffix.isascii() and suffix[1:].isalnum() else ''}"


def _pieces(made: ImportRun) -> Any:
    return select(ImportPiece.content).where(ImportPiece.run_id == made.id).order_by(ImportPiece.number)


def _fetch_start(session: Session, made: ImportRun, folder: Path) -> tuple[Path, bool]:
    """As much of a file as its columns need, and whether that is all: of an archive, whose list is at its end, always."""
    start = session.scalars(_pieces(made).limit(2)).all()
    if len(start) < 2 or is_archive(start[0]):
        return _fetch(session, made, folder), True
    path = _place_of(made, folder)
    path.write_bytes(start[0])
    return path, False


def _undo_on(database: Database, order: Order, made: ImportRun, enough: Callable[[], bool]) -> None:
    """Undo batch after batch, the last first, each in its own transaction: whoever goes on begins with those left."""
    because = Because(
        actor=made.undone_by or made.actor,
        reason=made.undone_because or "import undone",
        at=datetime.now(made.created_at.tzinfo),
    )
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
    if made.status is ImportStatus.CHECKING:
        made.status, made.tally, made.error = ImportStatus.DRAFT, None, f"Given up: {why}"
    elif made.status not in OVER:
        end(session, made, ImportStatus.CANCELLED, now=now, error=f"Given up: {why}")


# --- Reading --------------------------------------------------------------------------------------------------------


def _query() -> Any:
    return select(ImportRun, Client.public_id).outerjoin(Client, Client.id == ImportRun.client_id)


def _documents(_session: Session, rows: Iterable[Any], now: datetime) -> list[dict[str, Any]]:
    return [_document(made, client, now) for made, client in rows]


IMPORTS: Final = records.Kind(ImportRun, _query, _documents)
"""How far imports are, and what has come out so far, as programs see it."""


def _document(made: ImportRun, client: UUID | None, now: datetime) -> dict[str, Any]:
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
        "state": stands(made, now),
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


@dataclass(frozen=True, slots=True)
class Listed:
    """An import as a page lists it: the name of the client whose rows they are, and who ordered it (null: no person)."""

    made: ImportRun
    client_name: str | None
    by: User | None


def newest(
    session: Session, *, before: UUID | None = None, only: ImportRun | None = None, limit: int = 25
) -> tuple[list[Listed], UUID | None]:
    """Imports with whose they are, the newest first (of ``only`` one, that one), and where the next page begins."""
    query = select(ImportRun, Client.name).outerjoin(Client, Client.id == ImportRun.client_id)
    query = query.order_by(ImportRun.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(ImportRun.id < select(ImportRun.id).where(ImportRun.public_id == before).scalar_subquery())
    if only is not None:
        query = query.where(ImportRun.id == only.id)
    rows = session.execute(query.options(defer(ImportRun.shape))).all()
    actors = {made.actor for made, _ in rows}
    users = session.scalars(
        select(User).where(User.id.in_([int(one[5:]) for one in actors if one.startswith("user:")]))
    )
    people_by = {people.actor_of(user): user for user in users}
    listed = [Listed(made, name, people_by.get(made.actor)) for made, name in rows[:limit]]
    return listed, listed[-1].made.public_id if len(rows) > limit else None


def name_of(session: Session, actor: str) -> str:
    """What people call whoever did something with an import; a program by its own name."""
    user = session.get(User, int(actor[5:])) if actor.startswith("user:") else None
    return actor if user is None else user.name or user.email


def problems(
    session: Session, made: ImportRun, start: tuple[int, int] = (0, 0), most: int = 50
) -> tuple[list[dict[str, Any]], tuple[int, int] | None]:
    """A page of the rows that were refused, from a batch and a place in it on, and where the next page starts."""
    found: list[dict[str, Any]] = []
    batches = select(ImportBatch.number, ImportBatch.rejected).where(
        ImportBatch.run_id == made.id, ImportBatch.number >= start[0]
    )
    with session.execute(batches.order_by(ImportBatch.number).execution_options(yield_per=20)) as rows:
        for number, refused in rows:
            for place, fault in enumerate(_in_order(refused)):
                if (number, place) < start:
                    continue
                if len(found) == most:
                    return found, (number, place)
                found.append(fault)
    return found, None


def faults(session: Session, made: ImportRun, most: int = MOST_SHOWN_FAULTS) -> list[dict[str, Any]]:
    """The first rows that were refused: line, file, field and message of each."""
    names = ("line", "file", "field", "message")
    return [{name: fault[name] for name in names} for fault in islice(_rejected(session, made), most)]


def _rejected(session: Session, made: ImportRun) -> Iterator[dict[str, Any]]:
    batches = select(ImportBatch.rejected).where(ImportBatch.run_id == made.id).order_by(ImportBatch.number)
    for rejected in session.scalars(batches.execution_options(yield_per=20)):
        yield from _in_order(rejected)


def _in_order(rejected: list[Any]) -> list[dict[str, Any]]:
    return sorted(rejected, key=lambda fault: (fault["file"], fault["line"]))


def rejected(session: Session, made: ImportRun, stream: IO[bytes]) -> str:
    """Write the refused rows as a file of the form in which they came, with the reason as one more column; its suffix."""
    shape = Shape(Form.CSV) if made.shape is None else Shape(**made.shape)
    return write_rejected(stream, shape, _rejected(session, made))
