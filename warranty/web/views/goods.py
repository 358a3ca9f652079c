"""What a person may say of a case's parcels and of its swap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from warranty.domain.access import Permission
from warranty.domain.lifecycles import (
    SHIPMENT_TO_US_MOVES,
    SHIPMENT_TO_VENDOR_MOVES,
    SWAP_MOVES,
    ShipmentDirection,
    ShipmentState,
    SwapState,
)
from warranty.models import Shipment
from warranty.web import words
from warranty.web.forms import digest
from warranty.web.guards import call
from warranty.web.pages.goods import GoodsForm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from warranty.models import Swap
    from warranty.services.queries import Case

_HERE_SOON = frozenset({ShipmentState.IN_TRANSIT, ShipmentState.DELIVERED})


def records(found: Case) -> list[Shipment | Swap]:
    """The parcels of the claim that counts, and the newest swap."""
    parcels = list(found.claim.parcels) if found.claim else []
    return [*parcels, *found.swaps[-1:]]


def moves(record: Shipment | Swap) -> list[StrEnum]:
    """Where a person may move a record to; ``verified`` is what the parity certificate makes."""
    if isinstance(record, Shipment):
        ways = SHIPMENT_TO_US_MOVES if record.direction is ShipmentDirection.TO_US else SHIPMENT_TO_VENDOR_MOVES
        return [to for to in ShipmentState if to in ways[record.state]]
    return [to for to in SwapState if to in SWAP_MOVES[record.state] and to is not SwapState.VERIFIED]


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
    return GoodsForm(url, key, seen(found), tuple(choices), arrives, values=values or {}, errors=errors or {})


def _name(record: Shipment | Swap, found: Case) -> str:
    if not isinstance(record, Shipment):
        return words.track("swap", found.vendor)
    return words.track("goods" if record.direction is ShipmentDirection.TO_US else "return", found.vendor)
