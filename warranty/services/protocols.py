"""The protocol of a hand-over on paper: what was checked, in what state the unit was, and the signature."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import typst

from warranty import db


@dataclass(frozen=True, slots=True)
class Protocol:
    """What stands on it, in the reader's words. ``strokes`` is a drawn signature, or empty: see ``domain.handover.is_drawn``."""

    title: str
    language: str
    facts: tuple[tuple[str, str], ...]
    heads: tuple[str, ...]
    checks: tuple[tuple[str, ...], ...]
    signed: str
    strokes: str
    digest: str


def make(protocol: Protocol) -> bytes:
    """A PDF (PDF/UA-1) of a protocol."""
    drawn = f'<path d="{protocol.strokes}" fill="none" stroke="black" stroke-width="3" stroke-linecap="round"/>'
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 200">{drawn}</svg>' if protocol.strokes else ""
    return typst.compile(
        db.folder("templates") / "sheets" / "handover.typ",
        format="pdf",
        ignore_system_fonts=True,  # a paper looks the same wherever it is made
        sys_inputs={"data": json.dumps(asdict(protocol) | {"picture": picture})},
        pdf_standards=["ua-1"],
    )
