"""Taking a unit over, and letting it go: what is checked, how it is signed for, and what must be known of its data at its end.

Pure. Source: domain.md, section 3 ("Asset") and D7; the ways to sanitize a medium are those of NIST SP 800-88.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class HandoverResult(StrEnum):
    """In what state a unit was handed over."""

    HEALTHY = "healthy"
    HEALTHY_WITH_EXCEPTIONS = "healthy_with_exceptions"
    NOT_ACCEPTED = "not_accepted"


ACCEPTED: Final = (HandoverResult.HEALTHY, HandoverResult.HEALTHY_WITH_EXCEPTIONS)


class Signature(StrEnum):
    """How somebody signed. ``RECORDED``: nobody put a name to it by hand; an import or a program says so."""

    RECORDED = "recorded"
    TYPED = "typed"
    DRAWN = "drawn"
    FILE = "file"


class UnitClass(StrEnum):
    """What sort of thing a unit is: which checks its hand-over has."""

    SERVER = "server"
    STORAGE = "storage"
    NETWORK = "network"
    WORKSTATION = "workstation"
    PRINTER = "printer"
    POWER = "power"
    OTHER = "other"


class StepKey(StrEnum):
    """One check of a hand-over."""

    SERIAL_SEEN = "serial_seen"
    LABEL_PUT_ON = "label_put_on"
    SPECIFICATION_RECORDED = "specification_recorded"
    WARRANTY_LOOKED_UP = "warranty_looked_up"
    CONFIGURATION_SAVED = "configuration_saved"
    FIRMWARE_CURRENT = "firmware_current"
    DISKS_HEALTHY = "disks_healthy"
    BACKUP_PROVEN = "backup_proven"
    MONITORING_ENROLLED = "monitoring_enrolled"
    RUNBOOK_ASSIGNED = "runbook_assigned"
    CREDENTIALS_IN_VAULT = "credentials_in_vault"
    BATTERY_TESTED = "battery_tested"
    COUNTER_READ = "counter_read"


class StepOutcome(StrEnum):
    """What became of a check."""

    DONE = "done"
    NOT_NEEDED = "not_needed"


_K = StepKey
_MUST, _MAY = True, False
_USUAL: Final = ((_K.SERIAL_SEEN, _MUST), (_K.LABEL_PUT_ON, _MAY), (_K.WARRANTY_LOOKED_UP, _MUST))
_MANAGED: Final = ((_K.MONITORING_ENROLLED, _MUST), (_K.RUNBOOK_ASSIGNED, _MAY), (_K.CREDENTIALS_IN_VAULT, _MUST))

# fmt: off
CHECKLISTS: Final[dict[UnitClass, tuple[tuple[StepKey, bool], ...]]] = {
    UnitClass.SERVER: (*_USUAL, (_K.SPECIFICATION_RECORDED, _MUST), (_K.FIRMWARE_CURRENT, _MAY), (_K.DISKS_HEALTHY, _MUST),
                       (_K.BACKUP_PROVEN, _MUST), *_MANAGED),
    UnitClass.STORAGE: (*_USUAL, (_K.SPECIFICATION_RECORDED, _MUST), (_K.FIRMWARE_CURRENT, _MAY), (_K.DISKS_HEALTHY, _MUST),
                        (_K.CONFIGURATION_SAVED, _MUST), *_MANAGED),
    UnitClass.NETWORK: (*_USUAL, (_K.SPECIFICATION_RECORDED, _MAY), (_K.CONFIGURATION_SAVED, _MUST),
                        (_K.FIRMWARE_CURRENT, _MAY), *_MANAGED),
    UnitClass.WORKSTATION: (*_USUAL, (_K.SPECIFICATION_RECORDED, _MAY), (_K.DISKS_HEALTHY, _MAY),
                            (_K.MONITORING_ENROLLED, _MUST)),
    UnitClass.PRINTER: (*_USUAL, (_K.COUNTER_READ, _MUST), (_K.MONITORING_ENROLLED, _MAY)),
    UnitClass.POWER: (*_USUAL, (_K.BATTERY_TESTED, _MUST), (_K.MONITORING_ENROLLED, _MUST), (_K.RUNBOOK_ASSIGNED, _MAY)),
    UnitClass.OTHER: (*_USUAL, (_K.MONITORING_ENROLLED, _MAY)),
}
# fmt: on
"""The checks of each sort of unit in their order, and whether nobody accepts a unit without them. Begun, a list is pinned."""


LONGEST_STROKES: Final = 20_000
FEWEST_POINTS: Final = 8
_STROKES = re.compile(r"(?:M\d{1,4} \d{1,4}(?:L\d{1,4} \d{1,4})+)+")


def is_drawn(strokes: str) -> bool:
    """Whether this is a drawn signature: lines on a field of 600 by 200, as an SVG path of whole numbers (``M1 2L3 4``).

    A dot or a single straight line is none.
    """
    is_path = len(strokes) <= LONGEST_STROKES and _STROKES.fullmatch(strokes) is not None
    return is_path and strokes.count("L") >= FEWEST_POINTS


def digest(facts: Mapping[str, Any]) -> str:
    """The SHA-256, in hex, of what was signed: it shows that nothing of it was changed afterwards."""
    said = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


# --- the end ---


class Sanitization(StrEnum):
    """What became of a medium's data: cleared, purged or destroyed (NIST SP 800-88), or the client keeps the medium.

    ``NO_MEDIA``: the unit holds none, and says so as a statement of its own.
    """

    CLEAR = "clear"
    PURGE = "purge"
    DESTROY = "destroy"
    LEFT_WITH_CLIENT = "left_with_client"
    NO_MEDIA = "no_media"


class Missing(StrEnum):
    """What a unit lacks before it may be disposed of."""

    MEDIA = "media"
    DISPOSAL = "disposal"


SAID: Final = {
    Missing.MEDIA: "what became of the data of its media (or that it has none)",
    Missing.DISPOSAL: "who took it for recycling, on which day, by which document",
}


@dataclass(frozen=True, slots=True)
class MediumFacts:
    """What somebody says of one medium: ``serial_number`` of the medium, ``tool`` that was used, ``done_by`` who did or took it."""

    method: Sanitization
    serial_number: str
    tool: str
    done_by: str
    certificate: str
    has_file: bool


def wrong_with(facts: MediumFacts) -> tuple[str, str] | None:
    """What is wrong with the evidence of one medium: the field, and a sentence; null where nothing is."""
    method = facts.method
    if not facts.done_by:
        return "done_by", "Say who did it; where the client keeps the medium, who took it."
    if method is Sanitization.NO_MEDIA:
        return ("serial_number", "A unit without media has no medium with a serial.") if facts.serial_number else None
    if not facts.serial_number:
        return "serial_number", "Give the serial number of the medium."
    if method in {Sanitization.CLEAR, Sanitization.PURGE} and not facts.tool:
        return "tool", "Say with which tool it was erased."
    if method is Sanitization.DESTROY and not (facts.certificate or facts.has_file):
        return "certificate", "A destroyed medium has a certificate: give its number, or its file."
    return None


def missing(media: Iterable[Sanitization], *, has_disposal: bool) -> tuple[Missing, ...]:
    """What a unit lacks before it may be disposed of."""
    lacks = (Missing.MEDIA,) if not any(media) else ()
    return lacks if has_disposal else (*lacks, Missing.DISPOSAL)
