"""Both stores keep one promise: what was put is there, whole or not at all, under its key and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.s3_twin import S3Twin
from warranty.store import BadStoreUrl, ContentGone, FolderStore, Store, StoreUnavailable, open_store, write_durably

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY, OTHER = "ab" * 16, "cd" * 16


@pytest.fixture
def twin() -> Iterator[S3Twin]:
    with S3Twin() as running:
        yield running


@pytest.fixture(params=["folder", "bucket", "part of a bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, twin: S3Twin) -> Store:
    urls = {
        "folder": (tmp_path / "files").as_uri(),
        "bucket": twin.url(),
        "part of a bucket": twin.url("/warranty/files"),
    }
    return open_store(urls[request.param])


def content_of(store: Store, key: str) -> bytes:
    return b"".join(store.get(key))


def keys(store: Store) -> dict[str, datetime]:
    return dict(store.keys())


def test_what_is_put_is_got_back(store: Store) -> None:
    content = os.urandom(700_000)  # several pieces
    store.put(KEY, content)
    store.put(OTHER, b"")

    assert content_of(store, KEY) == content
    assert content_of(store, OTHER) == b""


def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: Store) -> None:
    store.put(KEY, b"x")
    store.delete(KEY)
    store.delete(KEY)

    with pytest.raises(ContentGone, match=KEY):
        store.get(KEY)


def test_every_key_is_listed_with_its_age(store: Store) -> None:
    assert keys(store) == {}
    for number in range(7):
        store.put(f"{number:02}" * 16, b"x")

    found = keys(store)

    assert sorted(found) == [f"{number:02}" * 16 for number in range(7)]
    assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=1) for at in found.values())


def test_a_store_that_is_away_is_said_to_be(twin: S3Twin, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    twin.refuses = 403
    away = [FolderStore(tmp_path / "file"), open_store(twin.url())]

    for store in away:
        with pytest.raises(StoreUnavailable, match="cannot be used"):
            store.put(KEY, b"x")


def test_a_wrong_secret_opens_no_bucket(twin: S3Twin) -> None:
    store = open_store(twin.url(secret="guessed"))

    with pytest.raises(StoreUnavailable) as said:
        store.put(KEY, b"x")
    assert twin.objects == {}
    assert "guessed" not in str(said.value)
    assert "guessed" not in repr(store)


def test_parts_of_one_bucket_do_not_see_each_other(twin: S3Twin) -> None:
    ours, theirs = open_store(twin.url("/ours")), open_store(twin.url("/theirs"))
    ours.put(KEY, b"ours")
    theirs.put(OTHER, b"theirs")

    assert sorted(twin.objects) == [f"ours/{KEY}", f"theirs/{OTHER}"]
    assert list(keys(ours)) == [KEY]


def test_only_the_owner_reads_the_folder(tmp_path: Path) -> None:
    FolderStore(tmp_path / "files").put(KEY, b"x")

    modes = [path.stat().st_mode & 0o077 for path in (tmp_path / "files", tmp_path / "files" / KEY[:2])]
    assert modes == [0, 0]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "in the way").write_text("")

    with pytest.raises(OSError, match="target"):
        write_durably(tmp_path / "target", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


WRITER = """
import sys
from pathlib import Path
from warranty.store import FolderStore
store = FolderStore(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    store.put("ab" * 16, b"x" * 3_000_000)
"""


def test_a_writer_that_is_killed_leaves_the_content_whole_or_not_at_all(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for pause_s in (0.0, 0.003, 0.011):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(pause_s)
        writer.kill()
        writer.wait(10)
        writer.stdout.close()
        if KEY in keys(store):
            assert content_of(store, KEY) == b"x" * 3_000_000
            store.delete(KEY)
        assert KEY not in keys(store)


@pytest.mark.parametrize(
    "url",
    [
        "files",
        "file://relative/folder",
        "https://bucket.example/evidence",
        "s3://key:secret@host",
        "s3:///evidence",
        "s3://key:secret@host/evidence?acl=public",
        "",
    ],
)
def test_a_setting_of_no_form_is_refused_with_both_forms(url: str) -> None:
    with pytest.raises(BadStoreUrl, match=r"file:///folder or s3://KEY:SECRET@host"):
        open_store(url)
