"""A ServiceNow instance with very many records of ours, as its twin remembers it from an earlier process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import CORRELATION_DISPLAY
from vendors.sandbox.servicenow import COLUMNS, NEW

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path


def large_instance(ledger_file: Path, created: Iterable[datetime]) -> None:
    """Write the ledger of a twin that has one record for each of these instants."""
    lines = []
    for place, at in enumerate(created):
        number = f"INC{10001 + place:07d}"
        stamp = at.strftime("%Y-%m-%d %H:%M:%S")
        record = {
            **dict.fromkeys(sorted(COLUMNS), ""),
            "number": number,
            "sys_id": f"{place:032x}",
            "state": NEW,
            "correlation_id": f"WR-{place}",
            "correlation_display": CORRELATION_DISPLAY,
            "sys_created_on": stamp,
            "sys_updated_on": stamp,
        }
        entry = {"vendor": "servicenow", "event": "opened", "number": number, "reference": f"WR-{place}"}
        lines.append(json.dumps({"seq": place + 1, "at": at.timestamp(), **entry, "record": record}))
    ledger_file.write_text("\n".join(lines) + "\n")
