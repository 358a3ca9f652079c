"""What the page of a case shows of the moves of its goods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class GoodsForm:
    """What may be said of parcels and swap: `moves` are pairs of value and text; `arrives`: a parcel is to be booked in."""

    url: str
    key: str
    seen: str
    moves: tuple[tuple[str, str], ...]
    arrives: bool
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
