"""What people's own page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Typed

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class AwayRow:
    """A time away: of the reader, with whoever stands in, or (on the list of others) of a colleague, with the reader."""

    id: str
    name: str
    begins_at: datetime
    ends_at: datetime
    has_begun: bool


@dataclass(frozen=True, slots=True)
class AwayForm(Typed):
    """When the reader is away and who may stand in: `choices` are pairs of id and name."""

    key: str
    choices: tuple[tuple[str, str], ...]
    mine: tuple[AwayRow, ...]
    others: tuple[AwayRow, ...]


@dataclass(frozen=True, slots=True)
class ProfileView(Typed):
    """Somebody's own page: `layout` is the frame that it stands in, `away` is null for whoever looks after no case.

    `seen`: what the form was made for.
    """

    layout: str
    email: str
    key: str
    seen: str
    zones: tuple[str, ...]
    away: AwayForm | None = None
