"""What the pages of imports show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warranty.web.pages.forms import Form

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from warranty.models.imports import ImportStatus
    from warranty.services.importing.columns import Kind


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One import in the list: whose rows, where it stands, and how many of ``total`` rows were taken or refused."""

    url: str
    file_name: str
    kind: Kind
    client_name: str | None
    by: str
    at: datetime
    state: ImportStatus
    is_dry: bool
    total: int | None
    taken: int
    refused: int


@dataclass(frozen=True, slots=True)
class FileForm(Form):
    """Where a file is dropped: what its rows are (words of ``Kind``), and whose. ``most_mb`` is how large it may be."""

    kinds: tuple[tuple[str, str], ...]
    clients: tuple[tuple[str, str], ...]
    most_mb: int


@dataclass(frozen=True, slots=True)
class ImportListView:
    """The imports, newest first; the form where the reader may import."""

    rows: tuple[ImportRow, ...]
    form: FileForm | None
    next_url: str | None
    first_url: str | None


@dataclass(frozen=True, slots=True)
class ColumnsForm(Form):
    """Which column of the file is which of ours.

    ``fields`` are ours (name, label, whether it must be there), ``choices`` the file's (key, header, samples), ``unread`` the
    headers of the file that mean nothing to us; ``values`` and ``errors`` go by our names.
    """

    fields: tuple[tuple[str, str, bool], ...]
    choices: tuple[tuple[str, str, tuple[str, ...]], ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReasonForm(Form):
    """Something that is done with a reason."""

    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportView:
    """One import.

    ``rest_s`` is how long it may still take, null where nobody can say; ``trouble`` says why the file, or its columns, cannot
    be read. ``preview`` are the first rows as they were understood, with ``preview_columns`` (name, label) of them all;
    ``problems`` a page of the refused rows. Addresses are null where the reader, or the state, does not allow it.
    """

    url: str
    live_url: str
    etag: str
    key: str
    file_name: str
    kind: Kind
    client_name: str | None
    by: str
    at: datetime
    state: ImportStatus
    is_dry: bool
    total: int | None
    done: int
    new: int
    same: int
    changed: int
    refused: int
    new_products: int
    new_sites: int
    warnings: tuple[str, ...]
    preview: tuple[Mapping[str, str], ...]
    preview_columns: tuple[tuple[str, str], ...]
    problems: tuple[Mapping[str, Any], ...]
    problems_next: str | None
    problems_first: str | None
    rest_s: int | None
    trouble: str | None
    columns: ColumnsForm | None
    go_url: str | None
    cancel_url: str | None
    rejected_url: str | None
    undo: ReasonForm | None
    undone_by: str | None
    undone_because: str | None
    ended_at: datetime | None

    @property
    def taken(self) -> int:
        """The rows that were, or would be, taken."""
        return self.new + self.same + self.changed

    @property
    def is_moving(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in {"waiting", "running", "checking", "undoing"}
