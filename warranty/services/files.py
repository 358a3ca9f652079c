"""Files of records: the only place that takes them in, shows who may see which, and sweeps away what nobody names.

A content is stored before its row is committed, and taken away only when no row names it: a crash leaves neither a row
without a content nor, for longer than a day, a content without a row. Images are decoded once, when they come: for the
thumbnail, which carries nothing of the camera's, and to know that they are whole.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import structlog
from PIL import Image, ImageOps
from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError

from vendors.contract import VendorFile
from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.domain.media import IMAGES, SUFFIXES, MediaType, ends, recognise
from warranty.models import AdHocJob, Asset, Contract, Coverage, Fault, Rma
from warranty.models.files import File, FiledUnder
from warranty.models.work import OrderKind
from warranty.services import leases, moves, work
from warranty.services.estate import Invalid
from warranty.services.moves import Because
from warranty.services.records import Kind
from warranty.store import ContentGone, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.runtime import Runtime
    from warranty.store import Store

Filed = Fault | Rma | AdHocJob | Asset | Coverage | Contract

KINDS: dict[type[Filed], FiledUnder] = {
    Fault: FiledUnder.FAULT,
    Rma: FiledUnder.RMA,
    AdHocJob: FiledUnder.JOB,
    Asset: FiledUnder.ASSET,
    Coverage: FiledUnder.COVERAGE,
    Contract: FiledUnder.CONTRACT,
}
TABLES = {kind: table for table, kind in KINDS.items()}

BIGGEST = 20 * 1024 * 1024
MOST_OF_ONE = 200
LONGEST_NAME = 120
MOST_PIXELS = 50_000_000  # a telephone's camera; 10,000 by 10,000 is none
THUMBNAIL, ENOUGH = (320, 320), (640, 640)
THUMBNAIL_TYPE = "image/webp"
SMALL = "-small"  # what follows the key of a file in that of its thumbnail

SWEEPER = "sweep_files"
SWEEP_RHYTHM_S = 6 * 3600.0
LEFT_OVER = timedelta(days=1)  # an upload that is still under way is younger
AT_ONCE = 500

Image.MAX_IMAGE_PIXELS = None  # our own limit is asked before anything is decoded, and is no warning
_one_decodes = Lock()  # so that what a hostile image costs is paid once at a time

log = structlog.get_logger("files")


# --- taking in ---


@dataclass(frozen=True, slots=True)
class Upload:
    """What somebody hands in. ``name`` is only shown; what the file is, its content says."""

    content: bytes
    name: str
    for_client: bool = False


def take(runtime: Runtime, principal: Principal, record: Filed, upload: Upload, *, now: datetime) -> File:
    """Keep a file of a record. Opens its own transaction, after the content is stored: nobody waits for a store meanwhile.

    The same content from the same person for the same record is one file. What a client's people upload, they see.

    Raises:
        Invalid: no kind that is taken, too large, broken off, or one too many.
        StoreUnavailable: nothing was kept.
    """
    kind = kind_of(upload.content)
    thumbnail = make_thumbnail(upload.content) if kind in IMAGES else None
    digest = hashlib.sha256(upload.content).hexdigest()
    scope = db.Scope(principal.client_id)
    with runtime.database.read(scope) as session:
        known = _known(session, record, digest, principal)
        count = select(func.count()).where(*_of(record), File.removed_at.is_(None))
        is_full = (session.scalar(count) or 0) >= MOST_OF_ONE
    if known is not None:
        return known
    if is_full:
        raise Invalid("file", f"A record has at most {MOST_OF_ONE} files: take one away first.")
    key = uuid4().hex
    runtime.store.put(key, upload.content)
    if thumbnail is not None:
        runtime.store.put(key + SMALL, thumbnail)
    try:
        with runtime.database.begin(scope) as session:
            file = File(
                client_id=record.client_id,
                record=KINDS[type(record)],
                record_id=record.id,
                name=_shown_name(upload.name, kind),
                media_type=kind,
                size=len(upload.content),
                digest=digest,
                key=key,
                has_thumbnail=thumbnail is not None,
                for_client=upload.for_client or principal.client_id is not None,
                uploaded_by=principal.actor,
                uploaded_at=now,
            )
            session.add(file)
            session.flush()
            _note(session, file, "file_added", Because(principal.actor, "uploaded", now))
            return file
    except IntegrityError:
        with runtime.database.read(scope) as session:  # the same upload at the same time was quicker
            known = _known(session, record, digest, principal)
        if known is None:
            raise
        return known


class TooLarge(Invalid):
    """A file has too many bytes, or an image too many pixels."""


def kind_of(content: bytes) -> MediaType:
    """What a content is, as far as that is known without decoding it.

    Raises:
        TooLarge: it is.
        Invalid: no kind that is taken, or broken off.
    """
    if not content:
        raise Invalid("file", "The file is empty.")
    if len(content) > BIGGEST:
        raise TooLarge("file", f"A file has at most {BIGGEST // 1024 // 1024} MB.")
    kind = recognise(content)
    if kind is None:
        raise Invalid("file", "Taken are JPEG, PNG, WebP, PDF, and text or CSV in UTF-8; this is none of them.")
    if not ends(kind, content):
        raise Invalid("file", "The file is broken off or damaged: send it again.")
    if kind in IMAGES:
        with _opened(content) as image:  # which reads its size only
            _check_pixels(image)
    return kind


def make_thumbnail(content: bytes) -> bytes:
    """A small picture of an image, WebP, upright, without a word of where and with what it was taken.

    Raises:
        Invalid: it has too many pixels, or is broken off or damaged.
    """
    with _one_decodes:
        with _opened(content) as image:
            _check_pixels(image)
            image.draft("RGB", ENOUGH)  # a JPEG is decoded no larger than is needed
            image.load()
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail(THUMBNAIL)
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            plain = upright.convert("RGBA" if has_alpha else "RGB")
        bare = Image.new(plain.mode, plain.size)  # which knows the pixels and nothing else
        bare.paste(plain)
        small = io.BytesIO()
        bare.save(small, "WEBP", quality=80)
    return small.getvalue()


_DAMAGE = (OSError, SyntaxError, ValueError, MemoryError, struct.error)
"""What the image library raises for bytes that are no whole image: so its own fuzzers say, and so hostile samples of ours."""


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as image:
            yield image
    except _DAMAGE as err:
        raise Invalid("file", "The image is broken off or damaged: send it again.") from err


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        most = MOST_PIXELS // 1_000_000
        raise TooLarge(
            "file", f"The image has {image.width} by {image.height} pixels; at most {most} million are taken."
        )


def _shown_name(name: str, kind: MediaType) -> str:
    """A name that is safe to show and to save under: no folder, no control or invisible sign, the suffix of its kind."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C" and sign not in '<>:"|?*')
    stem = " ".join(seen.split()).lstrip(". ") or "file"
    if stem.lower().endswith(SUFFIXES[kind]):
        base, _, suffix = stem.rpartition(".")
    else:
        base, suffix = stem, SUFFIXES[kind][0][1:]
    return f"{base[: LONGEST_NAME - len(suffix) - 1]}.{suffix}"


def _known(session: Session, record: Filed, digest: str, principal: Principal) -> File | None:
    same = (File.digest == digest, File.uploaded_by == principal.actor, File.removed_at.is_(None))
    return session.scalars(select(File).where(*_of(record), *same)).one_or_none()


def _of(record: Filed) -> tuple[ColumnElement[bool], ...]:
    return File.record == KINDS[type(record)], File.record_id == record.id


def _note(session: Session, file: File, action: str, because: Because) -> None:
    """Write down on the file's record what became of it; its name may be a person's, so the digest stands for it."""
    record = record_of(session, file)
    detail = {"file": str(file.public_id), "digest": file.digest, "media_type": file.media_type, "size": file.size}
    moves.note(session, record, action, because, detail=detail)


def record_of(session: Session, file: File) -> Filed:
    """What the file is of."""
    return cast("Filed", session.get_one(TABLES[file.record], file.record_id))


# --- showing ---


def shown_to(principal: Principal) -> ColumnElement[bool]:
    """Which files there are for somebody: a client's people see what is meant for them, and what they uploaded."""
    if principal.client_id is None:
        return File.removed_at.is_(None)
    return File.removed_at.is_(None) & or_(File.for_client, File.uploaded_by == principal.actor)


def find(session: Session, principal: Principal, file: File) -> File | None:
    """The file, where it is there for somebody."""
    return session.scalars(select(File).where(File.id == file.id, shown_to(principal))).one_or_none()


def of_record(record: Filed) -> ColumnElement[bool]:
    """The files of one record."""
    return and_(*_of(record))


def read(store: Store, file: File, *, small: bool = False) -> Iterator[bytes]:
    """The content of a file, or of its thumbnail, in pieces.

    Raises:
        StoreUnavailable: the store cannot be read.
        ContentGone: the store has lost it.
    """
    return store.get(file.key + SMALL if small else file.key)


class Gone(Exception):
    """There is no such file to be sent any more; the message says why, in a sentence."""


def for_vendor(store: Store, file: File) -> VendorFile:
    """A file as it leaves.

    Raises:
        Gone: nothing of it can leave.
        VendorError: our own store does not answer. It is tried again, as where the vendor does not.
    """
    if file.removed_at is not None:
        raise Gone(f"The file {file.name} was taken away before it was sent.")
    try:
        content = b"".join(read(store, file))
    except ContentGone as err:
        raise Gone(f"The content of the file {file.name} is missing from the store of files.") from err
    except StoreUnavailable as err:
        raise VendorError("store", Trouble.UNREACHABLE, detail=str(err)) from err
    return VendorFile(file.name, file.media_type, content)


def _documents(session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[dict[str, Any]]:
    files = [row.File for row in rows]
    ids: dict[tuple[FiledUnder, int], Any] = {}
    for kind in {file.record for file in files}:
        table = TABLES[kind]
        wanted = [file.record_id for file in files if file.record is kind]
        for row in session.execute(select(table.id, table.public_id).where(table.id.in_(wanted))):
            ids[kind, row.id] = row.public_id
    return [
        {
            "id": file.public_id,
            "record": file.record,
            "record_id": ids[file.record, file.record_id],
            "name": file.name,
            "media_type": file.media_type,
            "size": file.size,
            "sha256": file.digest,
            "has_thumbnail": file.has_thumbnail,
            "for_client": file.for_client,
            "uploaded_by": file.uploaded_by,
            "uploaded_at": file.uploaded_at,
        }
        for file in files
    ]


FILES = Kind(File, lambda: select(File), _documents)


# --- changing ---


def show_client(session: Session, file: File, *, for_client: bool, because: Because) -> None:
    """Let the client's people see a file, or no longer."""
    if file.for_client != for_client:
        file.for_client = for_client
        _note(session, file, "file_shown" if for_client else "file_hidden", because)


def remove(session: Session, file: File, because: Because) -> None:
    """Take a file away: nobody sees it from now on, and the next sweep takes its content from the store."""
    file.removed_at = because.at
    _note(session, file, "file_removed", because)


# --- sweeping ---


def order_sweep(session: Session) -> None:
    """Order a sweep, where one is due and no other relay was quicker."""
    is_due = leases.take(session, SWEEPER, rhythm_s=SWEEP_RHYTHM_S, first_s=SWEEP_RHYTHM_S)
    if is_due and not work.is_ordered(session, SWEEPER):
        work.add(session, OrderKind.SWEEP_FILES, now=db.now(session), name=SWEEPER)


def sweep(runtime: Runtime) -> int:
    """Take away what has been in the store for a day and no file names; how many contents.

    Raises:
        StoreUnavailable: what was not swept now is swept the next time.
    """
    with runtime.database.read(db.EVERYBODY) as session:
        before = db.now(session) - LEFT_OVER
    old = (key for key, written_at in runtime.store.keys() if written_at < before)  # noqa: SIM118 - a store is no dict
    swept = 0
    while keys := list(islice(old, AT_ONCE)):
        names = {key: key.removesuffix(SMALL) for key in keys}
        with runtime.database.read(db.EVERYBODY) as session:
            named = File.key.in_(set(names.values())) & File.removed_at.is_(None)
            kept = set(session.scalars(select(File.key).where(named)))
        for key, name in names.items():
            if name not in kept:
                runtime.store.delete(key)
                swept += 1
    if swept:
        log.info("files.swept", contents=swept)
    return swept
