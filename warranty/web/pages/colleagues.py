"""What pages show of who looks after a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Form

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Owner:
    """Who looks after a case; while they are away (until `away_until`), `stand_in` does."""

    name: str
    is_reader: bool
    away_until: datetime | None = None
    stand_in: str | None = None


@dataclass(frozen=True, slots=True)
class OwnerForm(Form):
    """To whom a case may be handed: `choices` are pairs of id and name, `mine` is the reader's id where they may take it.

    `seen` is the owner that the form was made for.
    """

    seen: str
    mine: str | None
    choices: tuple[tuple[str, str], ...]
