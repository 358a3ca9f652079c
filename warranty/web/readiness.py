"""Whether this process can serve: the database answers and has the schema that the code needs.

A server that is frozen, or a disk that hangs, says nothing at all, and no driver gives up on that. So one thread asks, on
a connection of its own, and whoever wants to know waits for it for a bounded time.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer

from warranty import db

PATIENCE_S = 3.0
SILENT = "The database does not answer."
OTHER_SCHEMA = "The database has not the schema that this version needs."


class Readiness:
    """Asks one database. However many want to know, it is asked once at a time: nobody piles up on a server that hangs."""

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S) -> None:
        self._url = url
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._asked: Future[str | None] | None = None

    def ask(self) -> str | None:
        """What is in the way, in one sentence for anybody; None where nothing is."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                threading.Thread(target=self._look, args=(self._asked,), name="readiness", daemon=True).start()
            asked = self._asked
        try:
            return asked.result(self._patience_s)
        except NoAnswer:
            return SILENT

    def _look(self, asked: Future[str | None]) -> None:
        try:
            asked.set_result(OTHER_SCHEMA if db.schema_faults(self._url, thorough=False) else None)
        except Exception:  # noqa: BLE001 - whatever it is, nothing can be served, and the next one asks anew
            asked.set_result(SILENT)
