"""What the page of a case shows of the moves of its goods."""

from __future__ import annotations

from dataclasses import dataclass

from warranty.web.pages.forms import Form


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a parcel that stands at the goods-in: the `field` that says how many of `quantity` are right."""

    field: str
    part: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CountRow:
    """A part over all parcels that go one way, `way` being which: what was promised, what came, what is owed."""

    way: str
    part: str
    promised: int
    arrived: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class GoodsForm(Form):
    """What may be said of parcels and swap: `moves` are pairs of value and text; `arrives`: a parcel is to be booked in."""

    seen: str
    moves: tuple[tuple[str, str], ...]
    arrives: bool
    counts: tuple[CountRow, ...] = ()
    pieces: tuple[Piece, ...] = ()
    rests: tuple[tuple[str, str], ...] = ()
