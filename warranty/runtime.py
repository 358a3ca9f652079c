"""What a process needs to do its work, made once and passed down: settings, database, keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from warranty.crypto import SecretBox
from warranty.db import Database
from warranty.store import Store, open_store

if TYPE_CHECKING:
    from vendors.contract import Capabilities
    from warranty.config import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """The process's settings, database, secret box and store of files.

    ``abilities``: what each account could do when it was last asked for, beside all that it follows from.
    """

    settings: Settings
    database: Database
    box: SecretBox
    store: Store
    abilities: dict[int, tuple[Any, Capabilities]] = field(init=False, default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, settings: Settings, *, database_url: str | None = None) -> Runtime:
        """Build it; the database is that of the web unless another URL is given (workers have their own role)."""
        return cls(
            settings,
            Database(database_url or settings.database_url),
            SecretBox(settings.encryption_keys),
            open_store(settings.files_url),
        )
