"""The hash chain over the register: what is hashed of a row, and how one seal follows another. Pure.

Both hashes are keyed: whoever can write to the database but does not hold the key can neither seal a changed row anew nor
guess from a seal what an erased row said. Source: reliability.md, section 7 (ASVS 16.4.2).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_BYTES = 32
BEGINNING = bytes(hashlib.sha256().digest_size)
"""What the first seal follows."""

FORM = 1
"""Which fields are hashed and how they are written; another number where that changes."""


def content_digest(key: bytes, content: Mapping[str, Any]) -> bytes:
    """The digest of what a row says, whatever its number: a row that trades places with another keeps its digest.

    Args:
        key: of this chain.
        content: its fields as ``plain_time`` and ``plain_json`` give them, so that both engines say the same.
    """
    text = json.dumps([FORM, content], sort_keys=True, separators=(",", ":"), default=repr)
    return _hash(key, "content", text)


def link(key: bytes, before: bytes, *, place: int, row_id: Any, digest: bytes, sealed_at: str) -> bytes:
    """The seal of the row that stands at a place of the chain, after the seal ``before``."""
    return _hash(key, "link", json.dumps([before.hex(), place, row_id, digest.hex(), sealed_at], default=repr))


def _hash(key: bytes, what: str, text: str) -> bytes:
    return hmac.digest(key, f"{what}\n{text}".encode(), "sha256")


def plain_time(value: Any) -> Any:
    """A time as it is hashed, UTC with microseconds; text that is none (somebody wrote it past us) stays as it is."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return value
    utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")


def plain_json(value: Any) -> Any:
    """A JSON text as what it says, whatever its blanks and the order of its keys; text that is none stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
