"""What a file is, told by its content and never by its name. Pure.

The list is short on purpose: what people photograph, quote and certify. Formats that run (HTML, SVG), that unpack
(archives, office documents) or that hide others are not on it.
"""

from __future__ import annotations

from enum import StrEnum

LOOKED_AT = 20  # lines of a table that must agree
TAIL = 2048


class MediaType(StrEnum):
    """A kind of file that is taken."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"
    TEXT = "text/plain"
    CSV = "text/csv"


SUFFIXES: dict[MediaType, tuple[str, ...]] = {
    MediaType.JPEG: (".jpg", ".jpeg"),
    MediaType.PNG: (".png",),
    MediaType.WEBP: (".webp",),
    MediaType.PDF: (".pdf",),
    MediaType.TEXT: (".txt", ".log", ".md"),
    MediaType.CSV: (".csv",),
}
"""What a file of the kind may be called; the first is added to a name that says something else."""

IMAGES = frozenset({MediaType.JPEG, MediaType.PNG, MediaType.WEBP})


def recognise(content: bytes) -> MediaType | None:
    """The kind of a content; null where it is none of ours. Whether an image is whole, only decoding it says."""
    if content.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return MediaType.WEBP
    if content.startswith(b"%PDF-"):
        return MediaType.PDF
    return _text(content)


def ends(kind: MediaType, content: bytes) -> bool:
    """Whether a document has its end; a transfer that broke off leaves one without."""
    return kind is not MediaType.PDF or b"%%EOF" in content[-TAIL:]


def _text(content: bytes) -> MediaType | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if any((sign < " " and sign not in "\t\n\r\f") or sign == "\x7f" for sign in set(text)):
        return None
    if text.lstrip("\ufeff \t\r\n\f").startswith("<"):  # a browser would take it for a page
        return None
    return MediaType.CSV if _is_table(text) else MediaType.TEXT


def _is_table(text: str) -> bool:
    """Whether the first lines are cut into the same number of cells, two at least."""
    lines = [line for line in text.split("\n", LOOKED_AT)[:LOOKED_AT] if line.strip()]
    return len(lines) > 1 and any(
        lines[0].count(sign) > 0 and len({line.count(sign) for line in lines}) == 1 for sign in ",;\t"
    )
