"""What the page shows on which many units are changed together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warranty.services.together import Left


@dataclass(frozen=True, slots=True)
class UnitOutcome:
    """What becomes of one unit: what it is called, whose it is, and of each column that changes its label, old and new text.

    ``left``: it is left as it is; ``allowed`` are then the states that it could go to, in words.
    """

    serial_number: str
    url: str
    client: str
    changes: tuple[tuple[str, str, str], ...]
    left: Left | None
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TogetherView:
    """The form, and once it was looked at what it would do.

    ``ids`` are the units that are meant; ``count`` of them were found. ``too_many``: more fit than are changed at once.
    ``has_changed``: what was looked at is not what would be done now. ``seen`` stands for what is shown.
    """

    url: str
    look_url: str
    back_url: str
    key: str
    most: int
    ids: tuple[str, ...]
    count: int
    sites: tuple[tuple[str, str], ...]
    owners: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...]
    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    too_many: bool = False
    has_changed: bool = False
    seen: str = ""
    ready: tuple[UnitOutcome, ...] = ()
    left: tuple[UnitOutcome, ...] = ()
