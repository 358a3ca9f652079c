"""What the page of labels shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Typed

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class LabelsView(Typed):
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
