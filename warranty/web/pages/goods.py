"""What the page of a case shows of the moves of its goods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Form

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class GoodsForm(Form):
    """What may be said of parcels and swap: `moves` are pairs of value and text; `arrives`: a parcel is to be booked in."""

    seen: str
    moves: tuple[tuple[str, str], ...]
    arrives: bool
