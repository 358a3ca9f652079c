"""What a person may say of a case's parcels and of its swap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from warranty.domain.access import Permission
from warranty.domain.goods import Rest, is_given_up
from warranty.domain.lifecycles import (
    SHIPMENT_TO_US_MOVES,
    SHIPMENT_TO_VENDOR_MOVES,
    SWAP_MOVES,
    ShipmentDirection,
    ShipmentState,
    SwapState,
)
from warranty.domain.terms import Component
from warranty.models import Shipment
from warranty.services import shipments
from warranty.web import words
from warranty.web.forms import digest
from warranty.web.guards import call
from warranty.web.pages.goods import CountRow, GoodsForm, Piece

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from warranty.models import Swap
    from warranty.services.queries import Case

_HERE_SOON = frozenset({ShipmentState.IN_TRANSIT, ShipmentState.DELIVERED})


_WITH_PAPERS = frozenset({ShipmentState.CHARGED, ShipmentState.RETAINED})
"""A cost and a certificate come with these: they are said with the return, not with the parcel."""


def records(found: Case) -> list[Shipment | Swap]:
    """The parcels of the claim that counts, and the newest swap."""
    parcels = found.claim.parcels if found.claim else ()
    return [*(one for one in parcels if not is_given_up(shipments.lines_of(one))), *found.swaps[-1:]]


def moves(record: Shipment | Swap) -> list[StrEnum]:
    """Where a person may move a record to; ``verified`` is refused until the parity certificate is clean."""
    if isinstance(record, Shipment):
        ways = SHIPMENT_TO_US_MOVES if record.direction is ShipmentDirection.TO_US else SHIPMENT_TO_VENDOR_MOVES
        return [to for to in ShipmentState if to in ways[record.state] and to not in _WITH_PAPERS]
    return [to for to in SwapState if to in SWAP_MOVES[record.state]]


def seen(found: Case) -> str:
    """What a form carries of the states that it was made for."""
    return digest([(str(one.public_id), one.state) for one in records(found)])


def form(
    found: Case, key: str, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> GoodsForm | None:
    """What may be said of the goods and the swap, where there is anything and the caller may."""
    if not call().principal.may(Permission.HANDLE):
        return None
    choices = [
        (f"{one.public_id}:{to}", f"{_name(one, found)}: {words.word(to)}")
        for one in records(found)
        for to in moves(one)
    ]
    if not choices:
        return None
    arrives = any(
        one.direction is ShipmentDirection.TO_US and one.state in _HERE_SOON
        for one in records(found)
        if isinstance(one, Shipment)
    )
    url = url_for("staff.move_goods", id=found.fault.public_id)
    parts = pieces(found)
    return GoodsForm(
        url,
        key,
        seen(found),
        tuple(choices),
        arrives,
        _counts(found),
        parts,
        tuple((rest.value, words.word(rest)) for rest in Rest) if arrives else (),
        values={"goods_rest": Rest.EXPECTED.value}
        | {piece.field: str(piece.quantity) for piece in parts}
        | dict(values or {}),
        errors=errors or {},
    )


def pieces(found: Case, of: Shipment | None = None) -> tuple[Piece, ...]:
    """What is in the parcels that stand at the goods-in, or in one of them."""
    parcels = found.claim.parcels if found.claim else ()
    return tuple(
        Piece(f"came_{place}_{at}", _part(line.part), line.quantity)
        for place, one in enumerate(parcels)
        if of in {None, one} and one.state is ShipmentState.DELIVERED
        for at, line in enumerate(shipments.lines_of(one))
    )


def _counts(found: Case) -> tuple[CountRow, ...]:
    parcels = found.claim.parcels if found.claim else ()
    return tuple(
        CountRow(_way(way, found), _part(one.part), one.promised, one.arrived, one.outstanding)
        for way in ShipmentDirection
        for one in shipments.count(parcels, way)
    )


def _part(part: str) -> str:
    """A part as it is called, which is the component where the vendor named none."""
    return words.word(Component(part)) if part in set(Component) else part


def _way(direction: ShipmentDirection, found: Case) -> str:
    return words.track("goods" if direction is ShipmentDirection.TO_US else "return", found.vendor)


def _name(record: Shipment | Swap, found: Case) -> str:
    if not isinstance(record, Shipment):
        return words.track("swap", found.vendor)
    name = _way(record.direction, found)
    return f"{name} {record.tracking_number}".rstrip() if _is_one_of_several(record, found) else name


def _is_one_of_several(record: Shipment, found: Case) -> bool:
    parcels = found.claim.parcels if found.claim else ()
    return sum(one.direction is record.direction for one in parcels) > 1
