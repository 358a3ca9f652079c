"""Import a file that was sent, or undo an import: a piece at a time, so that no worker is held by a large file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from warranty.services import imports

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.work import Order

PART = 0.6
"""Of the time that one piece of background work may take; the rest is for the batch at hand on a slow day."""


def run(runtime: Runtime, order: Order) -> None:
    """Go on where the last worker stopped; each batch is a transaction with its place in the file, so nothing is done twice."""
    budget_s = PART * runtime.settings.job_timeout_s
    imports.work_on(runtime.database, order, enough=lambda: time.monotonic() - order.claimed > budget_s)
