"""What the workers of ``rq_facts`` run. It imports little: nothing that a worker does not hold for its job's sake."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path


def work(notes: str, name: str, seconds: float) -> None:
    """Write down the begin, take some time, write down the end."""
    note(notes, name, "begin")
    time.sleep(seconds)
    note(notes, name, "end")


def note(notes: str, name: str, what: str) -> None:
    """Add one line, in one write."""
    with Path(notes).open("a") as stream:
        stream.write(f"{time.time()} {name} {what}\n")


def fail() -> None:
    """Break off."""
    raise RuntimeError("as wanted")


def nothing() -> None:
    """Cost what a job costs."""


def with_product() -> None:
    """Import what the product's jobs need, as a worker without it would have to do for each."""
    from warranty import tasks  # noqa: PLC0415 - the import is what is measured

    tasks.preload()


def look(notes: str, database: str, number: int) -> None:
    """Say whether a row is there."""
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT 1 FROM things WHERE id = ?", [number]).fetchone()
    note(notes, str(number), "there" if found else "missing")
