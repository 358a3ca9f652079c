"""Where the content of files is kept, outside the database: a folder, or a bucket of an S3-compatible store.

A content is written once under a random key and never changed. What ``put`` has returned from outlives a crash: so a row
that names a key is written after it, and a key that no row names is left over from a crash and swept away.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import S3Config
    from obstore.store import S3Store as Bucket

PIECE = 256 * 1024
UNFINISHED = ".part"


class StoreUnavailable(Exception):
    """The store cannot be reached, read or written; the message says what it said."""


class ContentGone(Exception):
    """The store works and has nothing under this key."""


class BadStoreUrl(Exception):
    """WARRANTY_FILES_URL is not one of the forms that ``open_store`` takes."""


class Store(Protocol):
    """Contents by key. Every method raises ``StoreUnavailable`` and nothing else, but for what it says."""

    def put(self, key: str, content: bytes) -> None:
        """Keep a content; when this returns it outlives a crash."""

    def get(self, key: str) -> Iterator[bytes]:
        """A content in pieces. The first piece has been read when this returns.

        Raises:
            ContentGone: there is none.
        """

    def delete(self, key: str) -> None:
        """Take a content away; none there is as good."""

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """Every key, and when its content was written."""


def open_store(url: str) -> Store:
    """The store of a URL: ``file:///folder``, or ``s3://KEY:SECRET@host[:port]/bucket[/prefix][?region=…&tls=off]``.

    Nothing is touched before the first use. KEY and SECRET are percent-encoded where they hold ``/``, ``+`` or ``@``;
    without them the client looks for credentials in Amazon's own ways.

    Raises:
        BadStoreUrl: it has neither form.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme == "file" and not parts.netloc and Path(path).is_absolute():
        return FolderStore(Path(path))
    bucket, _, prefix = path.strip("/").partition("/")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "s3" and parts.hostname and bucket and not set(options) - {"region", "tls"}:
        scheme = "http" if options.get("tls") == "off" else "https"
        return S3Store(
            endpoint=f"{scheme}://{parts.netloc.rpartition('@')[2]}",
            bucket=bucket,
            prefix=prefix,
            key_id=unquote(parts.username or ""),
            secret=unquote(parts.password or ""),
            region=options.get("region", "us-east-1"),
        )
    raise BadStoreUrl(
        "WARRANTY_FILES_URL is either file:///folder or s3://KEY:SECRET@host[:port]/bucket[/prefix][?region=…&tls=off]."
    )


# --- a folder ---


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Files in a folder of this machine, or of one that all machines mount; made at the first use, for its owner only."""

    folder: Path

    def put(self, key: str, content: bytes) -> None:
        """See ``Store``."""
        with _telling(self.folder):
            path = self._path(key)
            for folder in (self.folder, path.parent):  # `mode` is not for the parents that `parents` makes
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_durably(path, content)

    def get(self, key: str) -> Iterator[bytes]:
        """See ``Store``."""
        with _telling(self.folder):
            try:
                file = self._path(key).open("rb")
            except FileNotFoundError as err:
                raise ContentGone(key) from err

        def pieces() -> Iterator[bytes]:
            with file, _telling(self.folder):
                while piece := file.read(PIECE):
                    yield piece

        return pieces()

    def delete(self, key: str) -> None:
        """See ``Store``."""
        with _telling(self.folder):
            self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """See ``Store``. What a crash left half written counts too, under a key that no row names."""
        with _telling(self.folder):
            for path in self.folder.glob("??/*"):
                with suppress(FileNotFoundError):
                    yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key  # so that no folder holds a million files


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that after a crash it is there whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}{UNFINISHED}")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    sync_folder(path.parent.parent)  # where the folder itself may be new


def sync_folder(folder: Path) -> None:
    """Have what was renamed in a folder outlive a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Turn the trouble of a folder into ours."""
    try:
        yield
    except OSError as err:
        raise StoreUnavailable(f"The folder {folder} cannot be used: {err.strerror}.") from err


# --- a bucket ---


@dataclass(frozen=True, slots=True)
class S3Store:
    """Objects in a bucket, whole or not at all by the store's own promise.

    The client's threads do not survive a fork: a process that forks uses the store in its children only.
    """

    endpoint: str
    bucket: str
    prefix: str
    key_id: str
    secret: str = field(repr=False)
    region: str

    def put(self, key: str, content: bytes) -> None:
        """See ``Store``."""
        with self._asking() as bucket:
            bucket.put(key, content)

    def get(self, key: str) -> Iterator[bytes]:
        """See ``Store``."""
        with self._asking(key) as bucket:
            pieces = bucket.get(key).stream(min_chunk_size=PIECE)
            first = next(pieces, b"")

        def rest() -> Iterator[bytes]:
            yield bytes(first)
            with self._asking(key):
                for piece in pieces:
                    yield bytes(piece)

        return rest()

    def delete(self, key: str) -> None:
        """See ``Store``."""
        with self._asking() as bucket, suppress(FileNotFoundError):
            bucket.delete(key)

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """See ``Store``."""
        with self._asking() as bucket:
            for some in bucket.list():
                for found in some:
                    yield found["path"], found["last_modified"]

    @contextmanager
    def _asking(self, key: str = "") -> Iterator[Bucket]:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - 16 MB that a folder does not need

        try:
            yield _bucket(self)
        except FileNotFoundError as err:
            raise ContentGone(key) from err
        except (BaseError, OSError, ValueError) as err:
            said = f"The bucket {self.bucket} at {self.endpoint} cannot be used: {str(err).splitlines()[0][:300]}"
            raise StoreUnavailable(said) from err


@cache
def _bucket(store: S3Store) -> Bucket:
    from obstore.store import S3Store as Bucket  # noqa: PLC0415 - as above

    keys: S3Config = {"access_key_id": store.key_id, "secret_access_key": store.secret} if store.key_id else {}
    return Bucket(
        store.bucket,
        config=keys,
        prefix=store.prefix or None,
        endpoint=store.endpoint,
        region=store.region,
        virtual_hosted_style_request=False,  # every S3-compatible store answers by path
        client_options={"allow_http": store.endpoint.startswith("http:"), "connect_timeout": "5s", "timeout": "30s"},
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
    )
