"""What the page of labels shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class LabelsView:
    """Labels for what is named, not made yet: `keeps` are the fields that name it, `most` how many there may be.

    `clients` (value and name) to choose from where nothing is named; `whose` says what is named, in the register's words.
    """

    url: str
    count: int
    most: int
    whose: str
    keeps: tuple[tuple[str, str], ...]
    sheets: tuple[tuple[str, str], ...]
    clients: tuple[tuple[str, str], ...]
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
