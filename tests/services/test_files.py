"""Files: what is taken and what is refused by its content, what a crash leaves, and what is swept away."""

from __future__ import annotations

import io
import os
import random
import struct
import threading
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from sqlalchemy import select

from tests import factories
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.media import MediaType, recognise
from warranty.models import AuditRow, Outbox
from warranty.models.files import File
from warranty.models.work import OrderStatus
from warranty.services import files, leases
from warranty.services.estate import Invalid
from warranty.services.files import Upload
from warranty.services.moves import Because
from warranty.store import FolderStore, StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from warranty.models import Fault
    from warranty.runtime import Runtime

NOW = datetime.now(UTC)
GPS, GPS_VALUE = 0x8825, 52.3702


def picture(kind: str = "JPEG", size: tuple[int, int] = (800, 600), **options: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(made, kind, **options)
    return made.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it has this many pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HTML = b"\xef\xbb\xbf \n<!doctype html><script>alert(1)</script>"
ZIP = b"PK\x03\x04" + bytes(60)


@pytest.fixture
def fault(shared_runtime: Runtime) -> Fault:
    with shared_runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session)
        asset = factories.make_asset(session, client)
        made = factories.make_fault(session, shared_runtime, OPERATOR, serial_number=asset.serial_number)
        return made.fault


def take(runtime: Runtime, fault: Fault, content: bytes, name: str = "photo", **facts: Any) -> File:
    return files.take(runtime, OPERATOR, fault, Upload(content, name, **facts), now=NOW)


def stored(runtime: Runtime, file: File, *, small: bool = False) -> bytes:
    return b"".join(files.read(runtime.store, file, small=small))


def files_of(runtime: Runtime, fault: Fault) -> list[File]:
    with runtime.database.read(db.EVERYBODY) as session:
        return list(session.scalars(select(File).where(files.of_record(fault)).order_by(File.id)))


# --- what a content is ---


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture("JPEG"), MediaType.JPEG),
        (picture("PNG"), MediaType.PNG),
        (picture("WEBP"), MediaType.WEBP),
        (PDF, MediaType.PDF),
        (b"just a note, nothing else", MediaType.TEXT),
        ("Zeile mit Umlaut ä\nund noch eine".encode(), MediaType.TEXT),
        (b"serial;price\nQX7;12,50\n", MediaType.CSV),
        (b"a,b\r\n1,2\r\n3,4", MediaType.CSV),
        (b"no,table\nhere", MediaType.TEXT),
        (SVG, None),
        (HTML, None),
        (b"<?xml version='1.0'?><svg/>", None),
        (ZIP, None),
        (b"GIF89a" + bytes(20), None),
        (b"MZ\x90\x00", None),
        (b"text with a \x00 in it", None),
        ("Umlaut ä".encode("latin-1"), None),
        (b"  %PDF-1.7 not at its beginning \x01", None),
    ],
)
def test_what_a_file_is_its_content_says(content: bytes, kind: MediaType | None) -> None:
    assert recognise(content) is kind


# --- taking in ---


def test_a_file_is_kept_byte_for_byte_with_its_digest(shared_runtime: Runtime, fault: Fault) -> None:
    file = take(shared_runtime, fault, PDF, "quote.pdf")

    assert stored(shared_runtime, file) == PDF
    assert (file.name, file.media_type, file.size, file.has_thumbnail) == ("quote.pdf", MediaType.PDF, len(PDF), False)
    assert file.client_id == fault.client_id
    assert file.key not in file.name
    with shared_runtime.database.read(db.EVERYBODY) as session:
        row = session.scalars(
            select(AuditRow).where(AuditRow.action == "file_added", AuditRow.fault_id == fault.id)
        ).one()
    assert row.detail == {
        "file": str(file.public_id),
        "digest": file.digest,
        "media_type": "application/pdf",
        "size": len(PDF),
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\Mia\\label.JPG", "label.JPG"),
        ("photo.html", "photo.html.jpg"),
        ("a\u202egpj.exe", "agpj.exe.jpg"),
        ('x".jpg\r\nSet-Cookie: a=b', "x.jpgSet-Cookie a=b.jpg"),
        ("", "file.jpg"),
        ("...", "file.jpg"),
        ("/", "file.jpg"),
        ("n" * 400 + ".jpeg", "n" * 115 + ".jpeg"),
        ("Fotó ünïcode.jpeg", "Fotó ünïcode.jpeg"),
    ],
)
def test_a_name_is_safe_to_show_and_says_what_the_content_says(name: str, shown: str) -> None:
    assert files._shown_name(name, MediaType.JPEG) == shown


REFUSED = {
    "empty": (b"", "is empty"),
    "SVG": (SVG, "none of them"),
    "HTML": (HTML, "none of them"),
    "an archive": (ZIP, "none of them"),
    "too large": (b"x" * (files.BIGGEST + 1), "at most 20 MB"),
    "half a JPEG": (picture("JPEG")[:-200], "broken off"),
    "half a PNG": (picture("PNG")[:-60], "broken off"),
    "half a WebP": (picture("WEBP")[:-60], "broken off"),
    "half a PDF": (PDF[:-8], "broken off"),
    "HTML behind the mark of a JPEG": (b"\xff\xd8\xff" + HTML, "broken off or damaged"),
    "SVG behind the mark of a PNG": (b"\x89PNG\r\n\x1a\n" + SVG, "broken off or damaged"),
    "a bomb": (bomb(10_000, 10_000), "10000 by 10000 pixels"),
    "a bomb beyond all measure": (bomb(2_000_000_000, 2_000_000_000), "pixels"),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_said_and_leaves_nothing(
    shared_runtime: Runtime, fault: Fault, content: bytes, said: str
) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        take(shared_runtime, fault, content)

    assert refused.value.field == "file"
    assert files_of(shared_runtime, fault) == []


def test_an_image_that_was_tampered_with_is_refused_or_shown_and_breaks_nothing() -> None:
    chance = random.Random(7)  # noqa: S311 - so that each run tries the same
    whole = [picture("JPEG", (60, 40)), picture("PNG", (60, 40)), picture("WEBP", (60, 40))]
    refused = 0
    for _ in range(600):
        content = bytearray(chance.choice(whole))
        for _ in range(chance.choice((1, 3, 12))):
            content[chance.randrange(min(len(content), 200))] = chance.randrange(256)
        try:
            files.make_thumbnail(bytes(content[: chance.randrange(20, len(content) + 1)]))
        except Invalid:
            refused += 1

    assert refused > 300


def test_a_polyglot_is_taken_for_what_its_beginning_is_and_only_its_pixels_are_shown(
    shared_runtime: Runtime, fault: Fault
) -> None:
    file = take(shared_runtime, fault, picture("JPEG", comment=HTML) + HTML + ZIP, "evil.html")

    assert (file.media_type, file.name) == (MediaType.JPEG, "evil.html.jpg")
    assert b"script" not in stored(shared_runtime, file, small=True)


def test_a_thumbnail_is_small_and_upright_and_says_nothing_of_the_place(shared_runtime: Runtime, fault: Fault) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "Camera of Mia"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 22.0, 12.7)})
    content = picture("JPEG", (1200, 600), exif=exif, icc_profile=b"profile of Mia")
    assert Image.open(io.BytesIO(content)).getexif().get_ifd(GPS)

    file = take(shared_runtime, fault, content)

    small = stored(shared_runtime, file, small=True)
    with Image.open(io.BytesIO(small)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (160, 320))
        assert not shown.getexif()
        assert "icc_profile" not in shown.info
    assert b"Mia" not in small
    assert stored(shared_runtime, file) == content


def test_a_transparent_image_has_a_thumbnail(shared_runtime: Runtime, fault: Fault) -> None:
    made = io.BytesIO()
    Image.new("LA", (500, 100), (90, 0)).save(made, "PNG")

    file = take(shared_runtime, fault, made.getvalue())

    with Image.open(io.BytesIO(stored(shared_runtime, file, small=True))) as shown:
        assert (shown.size, shown.getpixel((0, 0))[3]) == ((320, 64), 0)


def test_the_same_upload_twice_is_one_file(shared_runtime: Runtime, fault: Fault) -> None:
    first = take(shared_runtime, fault, PDF, "quote.pdf")
    second = take(shared_runtime, fault, PDF, "again.pdf")

    assert first.public_id == second.public_id
    assert len(files_of(shared_runtime, fault)) == 1


def test_equal_uploads_at_the_same_time_are_one_file(shared_runtime: Runtime, fault: Fault) -> None:
    together = threading.Barrier(4)
    made: list[Any] = []

    def upload() -> None:
        together.wait()
        made.append(take(shared_runtime, fault, PDF).public_id)

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(made) == 4
    assert len(set(made)) == 1
    assert len(files_of(shared_runtime, fault)) == 1


def test_a_record_has_only_so_many_files(
    shared_runtime: Runtime, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_OF_ONE", 2)
    for text in (b"one", b"two"):
        take(shared_runtime, fault, text)

    with pytest.raises(Invalid, match="at most 2 files"):
        take(shared_runtime, fault, b"three")
    assert len(files_of(shared_runtime, fault)) == 2


def test_a_store_that_is_away_leaves_no_row(shared_runtime: Runtime, fault: Fault, tmp_path: Path) -> None:
    (tmp_path / "full").write_text("in the way")
    away = replace(shared_runtime, store=replace(shared_runtime.store, folder=tmp_path / "full"))

    with pytest.raises(StoreUnavailable, match="cannot be used"):
        take(away, fault, PDF)
    assert files_of(shared_runtime, fault) == []


# --- sweeping ---


def grow_old(runtime: Runtime, *, days: float) -> None:
    """Let the store's contents be this old."""
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    for path in runtime.store.folder.glob("??/*"):
        os.utime(path, (then, then))


def keys(runtime: Runtime) -> set[str]:
    return {key for key, _ in runtime.store.keys()}  # noqa: SIM118 - a store is no dict


@pytest.fixture
def own(runtime: Runtime, tmp_path: Path) -> Runtime:
    """A database and a store that nobody else writes to."""
    return replace(runtime, store=FolderStore(tmp_path / "files"))


@pytest.fixture
def own_fault(own: Runtime) -> Fault:
    """A fault in them."""
    with own.database.begin(db.EVERYBODY) as session:
        asset = factories.make_asset(session, factories.make_client(session))
        return factories.make_fault(session, own, OPERATOR, serial_number=asset.serial_number).fault


def test_what_a_crash_left_in_the_store_is_swept_after_a_day_and_nothing_else(own: Runtime, own_fault: Fault) -> None:
    file = take(own, own_fault, picture())
    own.store.put("ff" * 16, b"a crash before the commit")
    own.store.put("ff" * 16 + files.SMALL, b"and its thumbnail")
    (own.store.folder / "ff" / f"{'ff' * 16}.123.part").write_bytes(b"a crash while it was written")

    assert files.sweep(own) == 0
    grow_old(own, days=1.1)
    own.store.put("ee" * 16, b"an upload under way")

    assert files.sweep(own) == 3
    assert keys(own) == {file.key, file.key + files.SMALL, "ee" * 16}


def test_a_removed_file_is_there_for_nobody_and_is_swept(own: Runtime, own_fault: Fault) -> None:
    file = take(own, own_fault, picture())
    with own.database.begin(db.EVERYBODY) as session:
        files.remove(session, session.get_one(File, file.id), Because("user:1", "shows a face", NOW))
    with own.database.read(db.EVERYBODY) as session:
        assert files.find(session, OPERATOR, file) is None
    grow_old(own, days=2)

    assert files.sweep(own) == 2
    assert keys(own) == set()
    assert take(own, own_fault, picture()).public_id != file.public_id  # it may come again


def test_a_sweep_is_ordered_once_in_its_rhythm_and_done_by_a_worker(own: Runtime, own_fault: Fault) -> None:
    own.store.put("ff" * 16, b"left over")
    grow_old(own, days=2)

    def look(*, rests: bool) -> list[Outbox]:
        with own.database.begin(db.EVERYBODY) as session:
            if not rests:
                leases.rest(session, files.SWEEPER, -1)
            files.order_sweep(session)
            return list(session.scalars(select(Outbox).where(Outbox.name == files.SWEEPER)))

    assert look(rests=True) == []  # a new installation has nothing to sweep
    (order,) = look(rests=False)
    assert len(look(rests=True)) == 1
    assert len(look(rests=False)) == 1  # due again, and the first still waits
    tasks.perform(own, order.id)

    with own.database.read(db.EVERYBODY) as session:
        assert session.get_one(Outbox, order.id).status is OrderStatus.DONE
    assert keys(own) == set()
