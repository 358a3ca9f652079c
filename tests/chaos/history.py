"""What happened in a run, in order, one JSON object a line: written as it happens, so that a run that is stopped is told too."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class History:
    """A file that is added to; ``at`` is in seconds since the load began, negative before."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self._began = time.time()
        self.events: list[dict[str, Any]] = []

    def begin(self) -> None:
        """From now on the load is on."""
        self._began = time.time()

    def write(self, event: str, **facts: Any) -> None:
        """Add what happened."""
        entry = {"at": round(time.time() - self._began, 3), "event": event, **facts}
        with self._lock:
            self.events.append(entry)
            self._file.write(json.dumps(entry, default=str) + "\n")
            self._file.flush()

    def of(self, event: str) -> list[dict[str, Any]]:
        """What happened of one kind."""
        with self._lock:
            return [entry for entry in self.events if entry["event"] == event]

    def since_began(self, unix_time: float) -> float:
        """A time of day as this file counts."""
        return unix_time - self._began

    def close(self) -> None:
        """Nothing more happens."""
        self._file.close()
