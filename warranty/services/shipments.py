"""Parcels, both ways: the only place that makes and moves them, whoever says so - a vendor, or a person.

Each parcel has its own life; what a claim was promised, what came, and what is still owed is counted over all of them, part by
part (``domain.goods``). What did not come, or came wrong, damaged or not at all, another parcel makes up for, or somebody
gives it up. Source: domain.md, section 3.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from warranty.domain import goods, lifecycles
from warranty.domain.goods import Contents, Count, Line, Rest
from warranty.domain.lifecycles import RmaState, ShipmentDirection, ShipmentState
from warranty.models import Asset, Coverage, Fault, Rma, Shipment, Site
from warranty.models.files import FiledUnder
from warranty.models.work import TaskKind
from warranty.services import moves, reviews
from warranty.services.casefile import HOME_ZONE
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from vendors.contract import VendorCase, VendorShipment
    from warranty.domain.access import Principal
    from warranty.models import File

Goods = dict[ShipmentDirection, Shipment]

AT_ONCE: Final = 50
EXPIRY: Final = "system:expiry"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is known of a parcel; null leaves what is known already. Days are those of the unit's site."""

    carrier: str | None = None
    tracking_number: str | None = None
    due_on: date | None = None
    sent_on: date | None = None
    delivered_on: date | None = None
    signed_by: str | None = None
    note: str | None = None
    proof: File | None = None
    parts: tuple[Line, ...] | None = None


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out of a parcel: how many of each part were right, and what becomes of the rest.

    Null: all of it where it is booked in, none where it is wrong or damaged. ``due_on``: when the rest is expected.
    """

    arrived: Mapping[str, int] | None = None
    rest: Rest = Rest.EXPECTED
    due_on: date | None = None


NOTHING_SAID: Final = Unpacked()


# --- what there is ---


def of_claim(session: Session, rma: Rma) -> list[Shipment]:
    """Every parcel of a claim, the oldest first."""
    return list(session.scalars(select(Shipment).where(Shipment.rma_id == rma.id).order_by(Shipment.id)))


def newest(session: Session, rma: Rma) -> Goods:
    """The newest parcel of each direction."""
    return {row.direction: row for row in of_claim(session, rma)}


def state_of(parcels: Goods, direction: ShipmentDirection) -> ShipmentState | None:
    """Where the goods of one direction are; null where there are none."""
    return parcels[direction].state if direction in parcels else None


def have_moved(session: Session, rma: Rma) -> bool:
    """Whether anything of a claim was ever under way: from then on it cannot be cancelled."""
    return any(
        lifecycles.goods_have_moved(
            to_us=one.state if one.direction is ShipmentDirection.TO_US else None,
            to_vendor=one.state if one.direction is ShipmentDirection.TO_VENDOR else None,
        )
        for one in of_claim(session, rma)
    )


def was_inspected(session: Session, rma: Rma) -> bool:
    """Whether the vendor has had the defective unit: only then can an approved claim still be denied."""
    back = (one.state for one in of_claim(session, rma) if one.direction is ShipmentDirection.TO_VENDOR)
    return any(state in INSPECTED for state in back)


INSPECTED: Final = frozenset(
    {ShipmentState.RECEIVED, ShipmentState.ACCEPTED, ShipmentState.NO_FAULT_FOUND, ShipmentState.REFUSED}
)


def has_run_out(session: Session, rma: Rma, at: datetime) -> bool:
    """Whether the last day of a claim's RMA number is over at the unit's site."""
    return rma.expires_on is not None and rma.expires_on < day_of(session, rma, at)


def expire(session: Session, *, now: datetime, limit: int = AT_ONCE) -> int:
    """Let claims expire whose RMA number ran out before anything was sent under it, ``limit`` at most; how many.

    A claim that a worker holds has its turn at the next look: its vendor may just be speaking.
    """
    moved = select(Shipment.id).where(Shipment.rma_id == Rma.id, Shipment.state.not_in(_UNMOVED)).exists()
    over = session.scalars(
        select(Rma)
        .where(Rma.expires_on <= now.date(), Rma.state == RmaState.AUTHORIZED, ~moved)
        .order_by(Rma.expires_on, Rma.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    gone = [rma for rma in over if has_run_out(session, rma, now)]
    for rma in gone:
        why = f"RMA number {rma.rma_number} was good until {rma.expires_on}, and nothing was sent under it."
        moves.move(session, rma, RmaState.EXPIRED, Because(EXPIRY, why, now, rma.fault_id))
    return len(gone)


_UNMOVED: Final = (
    ShipmentState.EXPECTED,
    ShipmentState.DUE,
    ShipmentState.WAIVED,
    ShipmentState.RETAINED,
    ShipmentState.CHARGED,
)


def lines_of(shipment: Shipment) -> tuple[Line, ...]:
    """What is in a parcel."""
    return tuple(Line(**line) for line in shipment.parts)


def count(parcels: Iterable[Shipment], direction: ShipmentDirection) -> tuple[Count, ...]:
    """What all parcels of a claim that go one way come to, part by part."""
    return goods.count(
        direction,
        [
            Contents(one.state, one.makes_up_for_id is not None, lines_of(one))
            for one in parcels
            if one.direction is direction
        ],
    )


# --- what comes with an approval ---


def begin(session: Session, rma: Rma, because: Because) -> bool:
    """With the approval of a claim its replacement is expected; false where parcels are there from before.

    Where the vendor has the unit first and sends it back (depot), that unit is due at once; else when the clock of the return
    starts.
    """
    if ShipmentDirection.TO_US in newest(session, rma):
        return False
    for direction in (ShipmentDirection.TO_US, *_goes_back_first(session, rma)):
        make(session, rma, direction, because)
    return True


def _goes_back_first(session: Session, rma: Rma) -> list[ShipmentDirection]:
    coverage = session.get(Coverage, rma.coverage_id) if rma.coverage_id is not None else None
    goes = goods.goes_first(coverage.delivery if coverage else None)
    return [ShipmentDirection.TO_VENDOR] if goes else []


_STARTS: Final = {ShipmentDirection.TO_US: ShipmentState.EXPECTED, ShipmentDirection.TO_VENDOR: ShipmentState.DUE}


def make(
    session: Session,
    rma: Rma,
    direction: ShipmentDirection,
    because: Because,
    *,
    due_on: date | None = None,
    lines: Sequence[Line] | None = None,
    makes_up_for: Shipment | None = None,
) -> Shipment:
    """A parcel of a claim, where its direction begins. Without ``lines`` it holds what was claimed."""
    shipment = Shipment(
        client_id=rma.client_id,
        rma_id=rma.id,
        direction=direction,
        state=_STARTS[direction],
        due_on=due_on,
        parts=_written(_claimed(rma) if lines is None else lines),
        makes_up_for_id=makes_up_for.id if makes_up_for else None,
    )
    session.add(shipment)
    session.flush()
    moves.born(session, shipment, [shipment.state], because)
    return shipment


def _claimed(rma: Rma) -> list[Line]:
    """The parts that were asked for by the vendor's list, else the unit or the component itself."""
    wanted = dict.fromkeys(rma.parts, 0)
    for code in rma.parts:
        wanted[code] += 1
    return [Line(code, number) for code, number in wanted.items()] or [Line(rma.component.value)]


def _written(lines: Iterable[Line]) -> list[dict[str, object]]:
    return [asdict(line) for line in lines]


# --- what people say ---

_GOODS_MAY_MOVE: Final = frozenset({RmaState.AUTHORIZED, RmaState.INFO_REQUIRED, RmaState.EXPIRED, RmaState.CLOSED})


def add(
    session: Session,
    principal: Principal,
    rma: Rma,
    direction: ShipmentDirection,
    parcel: Parcel,
    *,
    reason: str,
    now: datetime,
    makes_up_for: Shipment | None = None,
) -> Shipment:
    """Add a parcel of a claim, in the state in which its direction begins; one more of several, or what makes up for one.

    Raises:
        IllegalMove: the vendor has not approved the claim, so no goods move for it.
        Invalid: contents that are none, a proof of another case, or it makes up for a parcel of another claim.
    """
    session.refresh(rma, with_for_update=True)
    if rma.state is RmaState.CANCELLED or (rma.state not in _GOODS_MAY_MOVE and not of_claim(session, rma)):
        raise IllegalMove(f"Rma {rma.client_reference} is {rma.state}: goods move for an approved claim only.")
    if makes_up_for is not None and (makes_up_for.rma_id, makes_up_for.direction) != (rma.id, direction):
        raise Invalid("makes_up_for", "This is no parcel of the same claim that goes the same way.")
    because = Because(principal.actor, reason, now, rma.fault_id)
    lines: tuple[Line, ...] | None = ()
    if makes_up_for is not None:
        lines = goods.rest_of(lines_of(makes_up_for)) or None
    elif not any(one.direction is direction for one in of_claim(session, rma)):
        lines = None  # the first one holds what was claimed
    shipment = make(session, rma, direction, because, lines=lines, makes_up_for=makes_up_for)
    describe(shipment, parcel, rma)
    return shipment


def amend(
    session: Session,
    principal: Principal,
    shipment: Shipment,
    parcel: Parcel,
    *,
    reason: str,
    now: datetime,
    rest: Rest = Rest.EXPECTED,
) -> None:
    """Write down more that is known of a parcel, wherever it is; with ``rest`` that nobody waits for it any more.

    Raises:
        IllegalMove: what is in it was counted already, or it has left and so cannot be given up.
        Invalid: contents that are none, or a proof of another case.
    """
    rma = _held(session, shipment)
    if parcel.parts is not None and shipment.state in _COUNTED:
        raise IllegalMove(f"Shipment {shipment.public_id} is {shipment.state}: what was in it is counted already.")
    describe(shipment, parcel, rma)
    because = Because(principal.actor, reason, now, rma.fault_id)
    if rest is Rest.GIVEN_UP:
        _give_up(session, shipment, because)
    moves.note(session, shipment, "changed", because)


def _give_up(session: Session, shipment: Shipment, because: Because) -> None:
    """Nobody waits any more for a parcel that has not left: it keeps its state, and what is in it is owed no more."""
    if shipment.state is not ShipmentState.EXPECTED:
        raise IllegalMove(f"Shipment {shipment.public_id} is {shipment.state}: only one that is expected is given up.")
    shipment.parts = _written(goods.give_up(lines_of(shipment)))
    shipment.due_on = None
    reviews.settle(session, because.fault_id or 0, because, *_MISSING)


_COUNTED: Final = frozenset({ShipmentState.CHECKED_IN, ShipmentState.WRONG_OR_DAMAGED, ShipmentState.LOST})
"""Where a parcel to us ends, and what came of it is known."""


def move(
    session: Session,
    principal: Principal,
    shipment: Shipment,
    to: ShipmentState,
    parcel: Parcel,
    *,
    reason: str,
    now: datetime,
    unpacked: Unpacked = NOTHING_SAID,
) -> None:
    """Move a parcel, with what is known of it by now. Where it does not bring all, another one is expected for the rest.

    Raises:
        IllegalMove: its direction has no such move from the state that it is in, or what proves its end is missing.
        Invalid: a part that is not in it, more than it holds, or a proof of another case.
    """
    rma = _held(session, shipment)
    because = Because(principal.actor, reason, now, rma.fault_id)
    describe(shipment, parcel, rma)
    _check_proof(shipment, to)
    step(session, shipment, to, because)
    _stamp(shipment, to, day_of(session, rma, now))
    if to in _COUNTED and shipment.direction is ShipmentDirection.TO_US:
        _unpack(session, rma, shipment, unpacked, because)
    elif unpacked.arrived is not None:
        raise Invalid("arrived", "What came is counted where a parcel is booked in, or was wrong or damaged.")
    _look_at(session, rma, shipment, because)


def _check_proof(parcel: Shipment, to: ShipmentState) -> None:
    """Refuse an end of a return by hand that lacks what proves it.

    Raises:
        IllegalMove: ``in_transit`` without carrier and number or a file; ``charged`` and ``retained``, which come with their
            cost and their certificate.
    """
    if (
        parcel.direction is not ShipmentDirection.TO_VENDOR
        or to not in lifecycles.SHIPMENT_TO_VENDOR_MOVES[parcel.state]
    ):
        return
    said = None
    is_proved = (parcel.carrier and parcel.tracking_number) or parcel.proof_id is not None
    if to is ShipmentState.IN_TRANSIT and not is_proved:
        said = "in_transit needs a proof of shipment: the carrier with its tracking number, or a file"
    elif to is ShipmentState.CHARGED:
        said = "charged comes with the cost: how much, who pays, and why"
    elif to is ShipmentState.RETAINED:
        said = "retained needs the certificate of destruction: the file, who, when and how"
    if said is not None:
        raise IllegalMove(f"Return of shipment {parcel.public_id}: {said}.")


def step(session: Session, shipment: Shipment, to: ShipmentState, because: Because) -> None:
    """Make one move of a parcel. What was missing is under way again once the parcel that makes up for it has left."""
    moves.move(session, shipment, to, because)
    if shipment.makes_up_for_id is not None and to is ShipmentState.IN_TRANSIT and because.fault_id is not None:
        reviews.settle(session, because.fault_id, because, *_MISSING)


_MISSING: Final = (TaskKind.GOODS_WRONG, TaskKind.GOODS_LOST)


def _held(session: Session, shipment: Shipment) -> Rma:
    rma = session.get_one(Rma, shipment.rma_id, with_for_update=True)  # as whoever hears the vendor holds it
    session.refresh(shipment)
    return rma


def describe(shipment: Shipment, parcel: Parcel, rma: Rma) -> None:
    """Write down what is known of a parcel by now.

    Raises:
        Invalid: contents that are none, or a proof that is no file of the case.
    """
    if parcel.parts is not None:
        said = goods.why_not(parcel.parts)
        if said is not None:
            raise Invalid("parts", said)
        shipment.parts = _written(parcel.parts)
    if parcel.proof is not None:
        shipment.proof_id = of_case(parcel.proof, rma, "proof").id
    for name in ("carrier", "tracking_number", "due_on", "sent_on", "delivered_on", "signed_by", "note"):
        told = getattr(parcel, name)
        if told is not None:
            setattr(shipment, name, told)


def of_case(file: File, rma: Rma, name: str) -> File:
    """The file, where it belongs to the case of a claim.

    Raises:
        Invalid: it does not, or was taken away; ``name`` is the field that names it.
    """
    places = {FiledUnder.FAULT: rma.fault_id, FiledUnder.RMA: rma.id, FiledUnder.ASSET: rma.asset_id}
    if file.removed_at is not None or places.get(file.record) != file.record_id:
        raise Invalid(name, "This is no file of the case.")
    return file


def _unpack(session: Session, rma: Rma, shipment: Shipment, unpacked: Unpacked, because: Because) -> None:
    lines = lines_of(shipment)
    if unpacked.arrived is not None and shipment.state is not ShipmentState.LOST:
        arrived = unpacked.arrived
    else:
        arrived = {line.part: line.quantity for line in lines if shipment.state is ShipmentState.CHECKED_IN}
    try:
        lines = goods.book(lines, arrived, unpacked.rest)
    except ValueError as err:
        raise Invalid("arrived", str(err)) from None
    shipment.parts = _written(lines)
    rest = goods.rest_of(lines)
    if not rest and shipment.state is not ShipmentState.CHECKED_IN and not lines and unpacked.rest is Rest.EXPECTED:
        rest = tuple(_claimed(rma))  # nobody knew what was in it
    if not rest:
        return
    make(session, rma, ShipmentDirection.TO_US, because, due_on=unpacked.due_on, lines=rest, makes_up_for=shipment)
    is_lost = shipment.state is ShipmentState.LOST
    what = ", ".join(f"{line.quantity} of {line.part}" for line in rest)
    why = (
        f"The parcel was lost with {what}"
        if is_lost
        else f"What came is short, wrong or damaged: {what} must come again"
    )
    fault = session.get_one(Fault, rma.fault_id)
    kind = TaskKind.GOODS_LOST if is_lost else TaskKind.GOODS_WRONG
    reviews.ask(session, fault, kind, f"{why}. Have the vendor send it, or give it up.", because, rma=rma)


_SENT: Final = frozenset({ShipmentState.IN_TRANSIT})
_ARRIVED: Final = frozenset({ShipmentState.DELIVERED, ShipmentState.RECEIVED})


def _stamp(shipment: Shipment, to: ShipmentState, today: date) -> None:
    """A person who moves a parcel and names no day means today."""
    if to in _SENT:
        shipment.sent_on = shipment.sent_on or today
    elif to in _ARRIVED:
        shipment.delivered_on = shipment.delivered_on or today


def day_of(session: Session, rma: Rma, at: datetime) -> date:
    """The day of an instant at the site of a claim's unit."""
    zone = select(Site.time_zone).join(Asset, Asset.site_id == Site.id).where(Asset.id == rma.asset_id)
    return at.astimezone(ZoneInfo(session.scalar(zone) or HOME_ZONE)).date()


_OF_RETURNS: Final = {
    ShipmentState.LOST: "The return was lost on its way: have the carrier search for it, and tell the vendor.",
    ShipmentState.REFUSED: "The vendor refused the return: ask what it wants instead.",
    ShipmentState.NO_FAULT_FOUND: "The vendor found no fault in the return: it may charge for it.",
}


def _look_at(session: Session, rma: Rma, shipment: Shipment, because: Because) -> None:
    """A return that ended badly is a person's; of parcels to us the board itself tells."""
    why = _OF_RETURNS.get(shipment.state) if shipment.direction is ShipmentDirection.TO_VENDOR else None
    if why is not None:
        reviews.ask(session, session.get_one(Fault, rma.fault_id), TaskKind.ATTENTION, why, because, rma=rma)


# --- what vendors say ---

_LEAVES: Final = {ShipmentDirection.TO_US: "shipped", ShipmentDirection.TO_VENDOR: "return_in_transit"}
"""The word by which a vendor tells that one more parcel has left."""


def spoken_of(session: Session, rma: Rma, case: VendorCase, *, word_is_new: bool) -> Goods:
    """Which parcel of each direction a vendor's word is about; none where it is about one that is not here yet.

    A word that is repeated, or that fits the parcel before, does not move the one that makes up for it.
    """
    parcels = [one for one in of_claim(session, rma) if not goods.is_given_up(lines_of(one))]
    found = {}
    for direction in ShipmentDirection:
        mine = [one for one in parcels if one.direction is direction]
        told = _furthest(case, direction)
        leaves = word_is_new and case.status == _LEAVES[direction]
        one = _spoken_of(mine, told, leaves=leaves) if mine else None
        if one is not None:
            found[direction] = one
    return found


def _spoken_of(parcels: Sequence[Shipment], told: VendorShipment | None, *, leaves: bool) -> Shipment | None:
    number = told.tracking_number if told is not None else ""
    known = _numbered(parcels, number)
    if known is not None:
        return known
    last = parcels[-1]
    if last.makes_up_for_id is not None and last.state is _STARTS[last.direction]:
        before = next((one for one in parcels if one.id == last.makes_up_for_id), last)
        is_other = bool(number and before.tracking_number)
        return last if is_other or leaves else before
    is_over = bool(last.tracking_number) and last.state not in _ON_THE_WAY
    return None if number and leaves and is_over else last


_ON_THE_WAY: Final = frozenset({ShipmentState.EXPECTED, ShipmentState.DUE, ShipmentState.IN_TRANSIT})


def _numbered(parcels: Iterable[Shipment], number: str) -> Shipment | None:
    return next((one for one in parcels if number and _bare(one.tracking_number) == _bare(number)), None)


def _bare(number: str) -> str:
    return "".join(filter(str.isalnum, number)).casefold()


def _told(case: VendorCase, direction: ShipmentDirection) -> list[VendorShipment]:
    return [one for one in case.shipments if ShipmentDirection(one.direction) is direction]


def _furthest(case: VendorCase, direction: ShipmentDirection) -> VendorShipment | None:
    """Of the parcels that a vendor tells of, the one that its word for the case is about."""
    return max(
        _told(case, direction),
        key=lambda one: (one.delivered_at is not None, one.shipped_at is not None),
        default=None,
    )


def take_in(session: Session, rma: Rma, parcels: Goods, case: VendorCase, because: Because) -> None:
    """Write down what a vendor tells of its parcels; of several that go one way, each goes as far as its own days say."""
    for direction in ShipmentDirection:
        told = _told(case, direction)
        lead = _furthest(case, direction)
        for one in told:
            shipment = parcels.get(direction) if one is lead else _other(session, rma, one, parcels, because)
            if shipment is None:
                continue
            _note_down(session, rma, shipment, one)
            if len(told) > 1:
                _advance(session, shipment, one, because)


def _other(session: Session, rma: Rma, told: VendorShipment, parcels: Goods, because: Because) -> Shipment | None:
    """The parcel that is told of beside the one that the word is about; a new one where the vendor splits the delivery."""
    direction = ShipmentDirection(told.direction)
    mine = [one for one in of_claim(session, rma) if one.direction is direction and one is not parcels.get(direction)]
    known = _numbered(mine, told.tracking_number)
    waits = next((one for one in mine if one.state is _STARTS[direction] and not one.tracking_number), None)
    if known is not None or waits is not None:
        return known or waits
    if not told.tracking_number or rma.state not in _GOODS_MAY_MOVE:
        return None
    return make(session, rma, direction, because, lines=())


def _advance(session: Session, shipment: Shipment, told: VendorShipment, because: Because) -> None:
    if shipment.direction is not ShipmentDirection.TO_US:
        return
    way = [
        state
        for state, at in (
            (ShipmentState.IN_TRANSIT, told.shipped_at or told.delivered_at),
            (ShipmentState.DELIVERED, told.delivered_at),
        )
        if at is not None
    ]
    for state in way:
        if state in lifecycles.SHIPMENT_TO_US_MOVES[shipment.state]:
            step(session, shipment, state, because)


def _note_down(session: Session, rma: Rma, shipment: Shipment, told: VendorShipment) -> None:
    shipment.carrier = told.carrier or shipment.carrier
    if shipment.state in _ON_THE_WAY or not shipment.tracking_number:
        shipment.tracking_number = told.tracking_number or shipment.tracking_number
    shipment.due_on = told.due_on or shipment.due_on
    if told.shipped_at is not None:
        shipment.sent_on = day_of(session, rma, told.shipped_at)
    if told.delivered_at is not None:
        shipment.delivered_on = day_of(session, rma, told.delivered_at)
    lines = lines_of(shipment)
    if told.serial_number and len(lines) == 1 and not lines[0].serial_number:
        shipment.parts = [asdict(lines[0]) | {"serial_number": told.serial_number}]
