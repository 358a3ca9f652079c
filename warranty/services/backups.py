"""Backups: one file that holds the database and the contents of files, and what stands here again from such a file.

The file is a zip archive: ``manifest.json``, the dump of the database, and every content under ``files/``. The database is
dumped first, so each content that a row names was there; contents are written once and never changed. No key and no
secret of the settings is in it: what the database keeps sealed stays sealed. What follows once the data is back, so that
no vendor is told anything twice: ``services.restoring``. Source: reliability.md, section 3.2, step 11.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import zipfile
import zlib
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import func, inspect, select

from warranty import __version__, db
from warranty.crypto import SecretBox
from warranty.models import File
from warranty.services import dumps, files, keys, restoring
from warranty.services.dumps import CannotDump, CannotLoad
from warranty.store import ContentGone, open_store, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from warranty.config import Settings
    from warranty.services.dumps import Dump
    from warranty.services.restoring import After
    from warranty.store import Store

    Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
    """Opens a bar, given what it is about and the total, and is told of each step."""

FORM = 1
"""How the file is laid out; another number where an older version could not read it."""
MANIFEST = "manifest.json"
DATABASES = {dumps.SQLITE: "database.sqlite3", dumps.POSTGRESQL: "database.pgdump"}
FOLDER = "files/"
UNFINISHED = ".part"
PIECE = 256 * 1024
LARGEST_MANIFEST = 512 * 1024 * 1024

_KEY = re.compile(r"[0-9a-f]{32}(-small)?")


class CannotBackUp(Exception):
    """No backup was made; one sentence says why, and what to do."""


class CannotRestore(Exception):
    """Nothing was restored, and the database stands as it stood; one sentence says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """One content of the file: its SHA-256 in hex, and its size in bytes."""

    sha256: str
    size: int


@dataclass(slots=True)
class Manifest:
    """What a backup says of itself. ``at``: its moment, by the database's clock.

    ``keys`` tells which encryption keys open what it holds, and reveals none; ``unreadable`` secrets were opened by none.
    ``missing`` contents were gone from the store.
    """

    product: str
    engine: str
    engine_version: int
    revision: str
    at: datetime
    keys: list[str]
    unreadable: int
    missing: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    form: int = FORM

    def to_json(self) -> bytes:
        """As it stands in the file."""
        return json.dumps(asdict(self) | {"at": self.at.isoformat()}, indent=1, sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made or read. ``digest`` is the SHA-256 of its manifest, which holds that of every content."""

    manifest: Manifest
    digest: str
    size: int

    @property
    def contents(self) -> int:
        """How many contents of files it holds."""
        return len(self.manifest.members) - 1


def silent(_about: str, _total: int) -> AbstractContextManager[Callable[[int], None]]:
    """A bar that nobody sees."""
    return nullcontext(lambda _done: None)


# --- making one ---


def make(settings: Settings, path: Path, *, force: bool = False, progress: Progress = silent) -> Backup:
    """Make a backup at ``path``, while everybody goes on working. Until it is whole it has another name beside it.

    Raises:
        CannotBackUp: see there.
        StoreUnavailable: the contents cannot be read.
        DatabaseUnavailable: the database cannot be.
    """
    if path.exists() and not force:
        raise CannotBackUp(f"{path} is there already: choose another name, or pass --force.")
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        with _alone(unfinished) as file:
            with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
                manifest = _fill(archive, settings, unfinished, progress)
                said = manifest.to_json()
                archive.writestr(_named(MANIFEST), said)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
            unfinished.replace(path)
        sync_folder(path.parent)
    except CannotDump as err:
        raise CannotBackUp(str(err)) from err
    except OSError as err:
        raise CannotBackUp(f"{path} cannot be written: {err.strerror or err}.") from err
    return Backup(manifest, hashlib.sha256(said).hexdigest(), size)


@contextmanager
def _alone(unfinished: Path) -> Iterator[IO[bytes]]:
    """A file that its owner alone may read, and that no other backup writes; what a killed one left in it is gone."""
    with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise CannotBackUp(f"Another backup is being written to {unfinished}.") from err
        os.fchmod(file.fileno(), 0o600)
        file.truncate()
        try:
            yield file
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise


def _fill(archive: zipfile.ZipFile, settings: Settings, unfinished: Path, progress: Progress) -> Manifest:
    box, store = SecretBox(settings.encryption_keys), open_store(settings.files_url)
    beside = unfinished.with_name(unfinished.name + ".sqlite3")
    with _pages(progress) as on_pages, dumps.taken(settings, beside=beside, on_pages=on_pages) as dump:
        if not db.is_known_revision(dump.revision):
            raise CannotBackUp(
                f"The schema is at revision {dump.revision or 'none'}, which this version of the program does not know: "
                "back it up with the version that runs on it, or run `warranty db upgrade` where there is none."
            )
        assert dump.revision is not None
        in_use, unreadable = keys.in_use(dump.session, box)
        manifest = Manifest(__version__, dump.engine, dump.version, dump.revision, dump.at, sorted(in_use), unreadable)
        # SQLite's pages are half empty; an archive of pg_dump is compressed already.
        small = zipfile.ZIP_DEFLATED if dump.engine == dumps.SQLITE else zipfile.ZIP_STORED
        name = DATABASES[dump.engine]
        manifest.members[name] = _add(archive, name, dump.pieces(), compress=small)
        names, total = _contents(dump)
        with progress("Copying files", total) as advance:
            for key in names:
                _add_content(archive, store, key, manifest)
                advance(1)
    return manifest


@contextmanager
def _pages(progress: Progress) -> Iterator[Callable[[int, int], None]]:
    """Show a bar from the first word on how many pages there are; PostgreSQL says none."""
    with ExitStack() as shown:
        advance: Callable[[int], None] | None = None
        before = 0

        def on_pages(done: int, total: int) -> None:
            nonlocal advance, before
            if advance is None:
                advance = shown.enter_context(progress("Copying the database", total))
            advance(done - before)
            before = done
            if done >= total:
                shown.close()

        yield on_pages


def _contents(dump: Dump) -> tuple[Iterator[str], int]:
    """The keys of every content that a row of the dump names, and how many rows there are."""
    session = dump.session
    if not inspect(session.connection()).has_table(File.__tablename__):
        return iter(()), 0
    kept = File.removed_at.is_(None)
    rows = session.execute(
        select(File.key, File.has_thumbnail).where(kept).order_by(File.id).execution_options(yield_per=500)
    )

    def names() -> Iterator[str]:
        for row in rows:
            yield row.key
            if row.has_thumbnail:
                yield row.key + files.SMALL

    small = session.scalar(select(func.count()).where(kept, File.has_thumbnail)) or 0
    return names(), (session.scalar(select(func.count()).where(kept)) or 0) + small


def _add_content(archive: zipfile.ZipFile, store: Store, key: str, manifest: Manifest) -> None:
    try:
        pieces = store.get(key)
    except ContentGone:
        manifest.missing.append(key)
    else:
        # Photos and papers are compressed already.
        manifest.members[FOLDER + key] = _add(archive, FOLDER + key, pieces, compress=zipfile.ZIP_STORED)


def _add(archive: zipfile.ZipFile, name: str, pieces: Iterable[bytes], *, compress: int) -> Member:
    digest, size = hashlib.sha256(), 0
    info = _named(name)
    info.compress_type = compress
    with archive.open(info, "w", force_zip64=True) as member:
        for piece in pieces:
            member.write(piece)
            digest.update(piece)
            size += len(piece)
    return Member(digest.hexdigest(), size)


def _named(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o600 << 16
    return info


# --- reading one ---


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Backup]]:
    """A backup, as far as what it says of itself.

    Raises:
        CannotRestore: it is none, or damaged, or of a later version of the program.
    """
    damaged = f"{path} is damaged"
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            info = archive.getinfo(MANIFEST)
            if info.file_size > LARGEST_MANIFEST:
                raise CannotRestore(f"{damaged}: its manifest is too large.")
            said = archive.read(info)
            yield (
                archive,
                Backup(_manifest(said, path), hashlib.sha256(said).hexdigest(), os.fstat(file.fileno()).st_size),
            )
    except OSError as err:
        raise CannotRestore(f"{path} cannot be read: {err.strerror or err}.") from err
    except KeyError as err:
        raise CannotRestore(f"{path} is no backup of this product: it has no manifest.") from err
    except _BROKEN as err:
        raise CannotRestore(f"{path} is no backup, or was broken off or damaged ({err}): use another one.") from err


_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


def _manifest(said: bytes, path: Path) -> Manifest:
    try:
        parts: dict[str, Any] = json.loads(said)
        if parts["form"] > FORM:
            raise CannotRestore(
                f"{path} was made by version {parts['product']} of the program: restore with that or a newer one."
            )
        members = {name: Member(**member) for name, member in parts["members"].items()}
        found = Manifest(**parts | {"members": members, "at": datetime.fromisoformat(parts["at"])})
        is_sound = (
            found.at.tzinfo is not None
            and DATABASES[found.engine] in members
            and all(_is_ours(name, found) for name in members)
        )
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise CannotRestore(f"{path} is damaged: its manifest cannot be read. Use another backup.") from err
    if not is_sound:
        raise CannotRestore(f"{path} is damaged: its manifest names what no backup holds. Use another backup.")
    return found


def _is_ours(name: str, manifest: Manifest) -> bool:
    return name == DATABASES[manifest.engine] or (
        name.startswith(FOLDER) and _KEY.fullmatch(name.removeprefix(FOLDER)) is not None
    )


def check_contents(archive: zipfile.ZipFile, backup: Backup, path: Path, *, progress: Progress = silent) -> None:
    """Read every byte, and compare it with what the manifest says.

    Raises:
        CannotRestore: something is damaged, missing or too much.
    """
    members = backup.manifest.members
    named = sorted(archive.namelist())
    if named != sorted([MANIFEST, *members]):
        raise CannotRestore(f"{path} is damaged: it does not hold what its manifest says. Use another backup.")
    with progress("Checking the backup", len(members)) as advance:
        for name, member in members.items():
            digest, size = hashlib.sha256(), 0
            try:
                for piece in _pieces(archive, name):
                    digest.update(piece)
                    size += len(piece)
                is_whole = (digest.hexdigest(), size) == (member.sha256, member.size)
            except _BROKEN:
                is_whole = False
            if not is_whole:
                raise CannotRestore(f"{path} is damaged: {name} is not what it was. Use another backup.")
            advance(1)


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as member:
        while piece := member.read(PIECE):
            yield piece


# --- restoring it ---


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and what follows from it."""

    backup: Backup
    after: After


def restore(
    settings: Settings, path: Path, *, by: str, force: bool = False, drill: bool = False, progress: Progress = silent
) -> Restored:
    """Put what a backup holds in the place of what is here: the files first, then the database, all or nothing.

    Args:
        by: the user of the operating system who does it.
        force: also where the database holds anything, which is lost.
        drill: nothing may leave what is restored: see ``restoring.make_safe``.

    Raises:
        CannotRestore: see there.
        StoreUnavailable: the contents cannot be written.
        DatabaseUnavailable: the database cannot be.
    """
    box = SecretBox(settings.encryption_keys)
    with opened(path) as (archive, backup):
        manifest = backup.manifest
        try:
            _check(manifest, settings, box, path)
            if drill:
                _check_drill(settings)
            check_contents(archive, backup, path, progress=progress)
            with dumps.target(settings) as target:
                if not force and not target.is_empty():
                    raise CannotRestore(
                        "The database is not empty: what it holds would be lost. Back it up first, and then pass --force."
                    )
                _put_contents(archive, settings, manifest, progress)
                with target.replaced(_pieces(archive, DATABASES[manifest.engine])) as session:
                    if len(keys.standing(session, box).lost) > manifest.unreadable:
                        raise CannotRestore(_wrong_keys(path))
                    source = restoring.Source(backup_at=manifest.at, digest=backup.digest, by=by)
                    after = restoring.make_safe(session, box, source, drill=drill)
        except CannotLoad as err:
            raise CannotRestore(str(err)) from err
    return Restored(backup, after)


def _check(manifest: Manifest, settings: Settings, box: SecretBox, path: Path) -> None:
    if not db.is_known_revision(manifest.revision):
        raise CannotRestore(
            f"{path} was made by version {manifest.product} of the program with schema {manifest.revision}, which this version "
            f"({__version__}) does not know: restore with that version or a newer one."
        )
    dumps.check(settings, manifest.engine, manifest.engine_version)
    if not box.fingerprints.issuperset(manifest.keys):
        raise CannotRestore(_wrong_keys(path))


def _wrong_keys(path: Path) -> str:
    return (
        f"WARRANTY_ENCRYPTION_KEYS does not open the secrets in {path}: set the keys that were in force when it was made "
        "(a newer one may stand in front), which no backup holds."
    )


def _check_drill(settings: Settings) -> None:
    named = {
        "SMTP_URL": settings.smtp_url,
        "IMAP_URL": settings.imap_url,
        "WARRANTY_AUDIT_ANCHOR": settings.audit_anchor,
    }
    given = [name for name, value in named.items() if value is not None]
    if given:
        raise CannotRestore(f"A drill tells nobody anything: unset {', '.join(given)}.")
    if next(iter(open_store(settings.files_url).keys()), None) is not None:
        raise CannotRestore(
            "A drill wants a store of files of its own, empty at first: it would sweep away what it does not know. "
            "Set WARRANTY_FILES_URL."
        )


def _put_contents(archive: zipfile.ZipFile, settings: Settings, manifest: Manifest, progress: Progress) -> None:
    """Put every content under its key. One that is there already is the same, and is written again: it may be half gone."""
    store = open_store(settings.files_url)
    names = [name for name in manifest.members if name.startswith(FOLDER)]
    with progress("Putting files back", len(names)) as advance:
        for name in names:
            store.put(name.removeprefix(FOLDER), b"".join(_pieces(archive, name)))
            advance(1)
