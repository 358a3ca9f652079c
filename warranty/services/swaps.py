"""The work at the rack: what becomes of the unit that is replaced and of the one that comes, from the scan to the end.

The life cycle's table says which moves there are; here stands what must be true first, and what follows. With ``installed``
a new unit takes the place of the old one, in one transaction: name, label, site and the names in other systems go to it,
history stays with each serial, and cover follows by the vendor's rule (``following``). Source: domain.md, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from warranty.domain.lifecycles import (
    SWAP_MOVES,
    FaultState,
    JobState,
    ShipmentDirection,
    StockState,
    SwapKind,
    SwapSource,
    SwapState,
)
from warranty.domain.terms import AssetState, Ownership
from warranty.languages import N_
from warranty.models import (
    AdHocJob,
    Asset,
    Client,
    ExternalRef,
    Fault,
    Loan,
    Product,
    Rma,
    Shipment,
    StockLocation,
    StockUnit,
    Swap,
    VendorAccount,
)
from warranty.models.work import TaskKind
from warranty.services import (
    accounts,
    casefile,
    estate,
    following,
    jobs,
    moves,
    owed,
    parity,
    reviews,
    rmas,
    specifications,
    stock,
)
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove
from warranty.services.owed import Closing
from warranty.services.records import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from warranty.domain.access import Principal
    from warranty.runtime import Runtime
    from warranty.services.parity import Certificate
    from warranty.services.records import Document

_NOT_APPROVED = jobs.BEFORE_APPROVAL | {JobState.DECLINED, JobState.CHANGE_REQUESTED}
_BEFORE_INSTALLING = frozenset({SwapState.PLANNED, SwapState.RECEIVED})
_AT_WORK = frozenset({FaultState.RMA_OPEN, FaultState.AD_HOC_OPEN})


OURS: Final = (SwapSource.STOCK, SwapSource.LOANER)
"""Where a unit of the MSP's own took the place, so that what the vendor sends goes on the shelf."""


class Wrong(Invalid):
    """One thing that was said of a unit cannot be. ``sentence`` is a message of the catalogue, with its ``params``."""

    def __init__(self, field: str, sentence: str, **params: str) -> None:
        super().__init__(field, sentence % params)
        self.sentence, self.params = sentence, params


class NotYet(IllegalMove):
    """Something else has to happen first. ``sentence`` is a message of the catalogue, with its ``params``."""

    def __init__(self, sentence: str, **params: str) -> None:
        super().__init__(sentence % params)
        self.sentence, self.params = sentence, params


# --- which units ---


def fault_of(session: Session, swap: Swap, *, lock: bool = False) -> Fault:
    """The case of a swap; ``lock`` holds it as decisions do."""
    owner: Rma | AdHocJob = (
        session.get_one(Rma, swap.rma_id) if swap.rma_id is not None else session.get_one(AdHocJob, swap.job_id)
    )
    return session.get_one(Fault, owner.fault_id, with_for_update=lock)


def unit_of(session: Session, swap: Swap, *, lock: bool = False) -> Asset:
    """The unit that a swap is about: the one that stood in the place when it was installed, or stands there now.

    Of a case that was reported on a unit which was replaced since, that is the last one of its line.
    """
    if swap.old_asset_id is not None:
        return session.get_one(Asset, swap.old_asset_id, with_for_update=lock)
    owner: Rma | AdHocJob = (
        session.get_one(Rma, swap.rma_id) if swap.rma_id is not None else session.get_one(AdHocJob, swap.job_id)
    )
    unit, seen = session.get_one(Asset, owner.asset_id, with_for_update=lock), {owner.asset_id}
    while unit.replaced_by_id is not None and unit.replaced_by_id not in seen:
        seen.add(unit.replaced_by_id)
        unit = session.get_one(Asset, unit.replaced_by_id, with_for_update=lock)
    return unit


def _hold(session: Session, swap: Swap) -> tuple[Fault, Asset]:
    """Lock the claim as whoever hears the vendor does, then the unit in the place and the fault as decisions do; then the swap."""
    session.flush()
    if swap.rma_id is not None:
        session.get_one(Rma, swap.rma_id, with_for_update=True)
    old, fault = unit_of(session, swap, lock=True), fault_of(session, swap, lock=True)
    session.refresh(swap, with_for_update=True)
    return fault, old


def loan_of(session: Session, fault: Fault) -> Loan | None:
    """The loaner of a case that is out; null where none is."""
    return session.scalars(select(Loan).where(Loan.fault_id == fault.id, Loan.back_at.is_(None))).one_or_none()


def certificate(session: Session, swap: Swap) -> Certificate:
    """The parity certificate of a swap: what was kept with ``verified``, else as things stand."""
    return parity.of(session, swap, fault_of(session, swap), unit_of(session, swap))


# --- the scan ---


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a person says of the unit that has come; what is left out stays as it is planned.

    ``product`` is its product where it is another than was agreed; then ``substitute`` says where the vendor named it.
    ``differs``: it bears another serial than the vendor told, and the person has looked twice.
    """

    serial_number: str = ""
    kind: SwapKind | None = None
    source: SwapSource | None = None
    product: Product | None = None
    substitute: str = ""
    differs: bool = False


def scan(
    session: Session, principal: Principal, swap: Swap, given: Replacement, *, reason: str = "", now: datetime
) -> None:
    """Say which unit has come, by its serial number; what lies on the MSP's shelf is reserved for the case.

    Raises:
        IllegalMove: it is installed already, or the swap has ended.
        Invalid: the serial number is the old unit's, in use elsewhere, another than the vendor told, or missing; or the
            product is another than was agreed, and no vendor named it as its substitute.
    """
    fault, old = _hold(session, swap)
    if swap.state not in _BEFORE_INSTALLING:
        raise NotYet(N_("The unit that comes is named while the swap is planned or received: that is over."))
    because = Because(principal.actor, reason or "read off the unit", now, fault.id)
    kind, source = given.kind or swap.kind, given.source or swap.source
    serial, key = _checked(old, kind, given.serial_number)
    _check_source(session, swap, fault, kind, source, key)
    product_id = given.product.id if given.product else old.product_id
    if key and kind is not SwapKind.REPAIR:
        shelf = _Seen(session, swap, old, key).on_shelf(fault)
        if shelf is not None:
            product_id = shelf.product_id
            source = source if source is SwapSource.LOANER else SwapSource.STOCK
        elif source is SwapSource.STOCK:
            raise Wrong("serial_number", N_("No unit with this serial number lies in stock."))
        _check_told(session, swap, fault, source, serial, given, because)
        _keep_shelf(session, swap, fault, shelf, because)
    if kind is SwapKind.UNIT and product_id != old.product_id and not given.substitute.strip():
        said = N_("This is another product than was agreed. Where the vendor named it as the substitute, say where.")
        raise Wrong("product", said)
    swap.kind, swap.source = kind, source
    swap.serial_number, swap.serial_key, swap.product_id = serial, key, product_id
    swap.substitute = estate.checked_text("substitute", given.substitute, 200)
    moves.note(session, swap, "scan", because, detail={"serial_number": serial, "kind": kind, "source": source})


def _check_told(
    session: Session,
    swap: Swap,
    fault: Fault,
    source: SwapSource,
    serial: str,
    given: Replacement,
    because: Because,
) -> None:
    """Hold the serial against what the vendor told; where a person has looked twice, another one asks the vendor."""
    told = swap.told_serial
    if not told or source is not SwapSource.VENDOR or estate.serial_key(told) == estate.serial_key(serial):
        return
    if not given.differs:
        said = N_("The vendor told %(told)s. Read the label again; if it is right, say that it differs.")
        raise Wrong("serial_number", said, told=told)
    why = f"The vendor told {told}, and {serial} came: ask which of them is in its books."
    reviews.ask(session, fault, TaskKind.ATTENTION, why, because, rma=_rma(session, swap))


def _keep_shelf(session: Session, swap: Swap, fault: Fault, shelf: StockUnit | None, because: Because) -> None:
    """Reserve what comes from the shelf, and let go what was reserved before."""
    _let_go(session, swap, shelf, because)
    if shelf is not None and shelf.state is StockState.IN_STOCK:
        stock.reserve(session, shelf, fault, because=because)
    swap.stock_unit_id = None if shelf is None else shelf.id


def _check_source(session: Session, swap: Swap, fault: Fault, kind: SwapKind, source: SwapSource, key: str) -> None:
    if source is SwapSource.VENDOR and swap.rma_id is None:
        raise Wrong("source", N_("This swap is a job of ours: no vendor sends a unit for it."))
    if kind is SwapKind.REPAIR and source is not SwapSource.VENDOR and swap.rma_id is not None:
        raise Wrong("source", N_("A unit that was repaired comes back from the vendor."))
    if source is SwapSource.LOANER:
        loan = loan_of(session, fault)
        if kind is not SwapKind.UNIT or loan is None:
            raise Wrong("source", N_("No unit is lent for this case that could stay."))
        if session.get_one(Asset, loan.asset_id).serial_key != key:
            raise Wrong("serial_number", N_("This is not the unit that is lent for this case."))


def _checked(old: Asset, kind: SwapKind, text: str) -> tuple[str, str]:
    if not text.strip():
        if kind is SwapKind.UNIT:
            raise Wrong("serial_number", N_("Scan or type the serial number of the unit that has come."))
        return "", ""
    serial, key = estate.checked_serial(text)
    if kind is SwapKind.REPAIR:
        if key != old.serial_key:
            raise Wrong(
                "serial_number", N_("A repaired unit comes back as it went: %(serial)s."), serial=old.serial_number
            )
    elif key == old.serial_key:
        raise Wrong("serial_number", N_("This is the serial number of the old unit. Scan the one that has come."))
    return serial, key


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where a serial number was seen already, among units of the same maker."""

    session: Session
    swap: Swap
    old: Asset
    key: str

    def on_shelf(self, fault: Fault) -> StockUnit | None:
        """The unit of the MSP's own stock that bears the serial; null where it came from elsewhere.

        Raises:
            Invalid: a unit in use has it, another swap that is under way, or it is kept for another case.
        """
        self._refuse_in_use(fault)
        query = select(StockUnit).where(StockUnit.serial_key == self.key).order_by(StockUnit.id)
        for unit in self.session.scalars(query):
            if unit.state is StockState.IN_STOCK or unit.fault_id == fault.id:
                return unit
            if unit.state is StockState.RESERVED:
                raise Wrong("serial_number", N_("This unit is kept in stock for another case."))
        return None

    def _refuse_in_use(self, fault: Fault) -> None:
        loan = loan_of(self.session, fault)
        lent = None if loan is None else loan.asset_id
        for unit in self._twins():
            is_spare = unit.state is AssetState.IN_STOCK and unit.client_id == self.old.client_id
            if unit.id != lent and not is_spare:
                said = N_("A unit with this serial number is known already, and is %(state)s.")
                raise Wrong("serial_number", said, state=unit.state)
        others = (Swap.serial_key == self.key, Swap.id != self.swap.id, Swap.state.in_(_BEFORE_INSTALLING))
        if self.session.scalars(select(Swap.id).where(*others).limit(1)).first() is not None:
            raise Wrong("serial_number", N_("This unit is named for another swap already."))

    def _twins(self) -> list[Asset]:
        query = select(Asset).where(Asset.serial_key == self.key)
        if self.old.product_id is not None:
            maker = self.session.get_one(Product, self.old.product_id).manufacturer_key
            of_maker = Product.manufacturer_key == maker
            query = query.outerjoin(Product, Product.id == Asset.product_id).where(Product.id.is_(None) | of_maker)
        return list(self.session.scalars(query))


def _let_go(session: Session, swap: Swap, keeps: StockUnit | None, because: Because) -> None:
    """Give the unit free that was reserved for the swap, where another one comes."""
    if swap.stock_unit_id is None or (keeps is not None and keeps.id == swap.stock_unit_id):
        return
    unit = session.get_one(StockUnit, swap.stock_unit_id)
    if unit.state is StockState.RESERVED:
        stock.release(session, unit, because=because)


def _rma(session: Session, swap: Swap) -> Rma | None:
    return session.get(Rma, swap.rma_id) if swap.rma_id is not None else None


# --- the moves ---


def move(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    swap: Swap,
    to: SwapState,
    *,
    reason: str,
    now: datetime,
) -> None:
    """Move the work at the rack.

    With ``installed`` a new unit takes the place of the old one; with ``verified`` the case works again, and is closed by a
    person once it owes nothing; with ``dead_on_arrival`` the next swap begins, and a child claim where a vendor sent it.

    Raises:
        IllegalMove: there is no such move, ``installed`` before the work is approved, without a serial number, or while a
            loaner stands in the place; or ``verified`` while the parity certificate is not clean.
        Owes: ``done`` while something is still to be done.
    """
    fault, old = _hold(session, swap)
    if to in SWAP_MOVES[swap.state]:
        _refuse(session, swap, fault, old, to)
    because = Because(principal.actor, reason, now, fault.id)
    was = swap.state
    moves.move(session, swap, to, because)
    match to:
        case SwapState.INSTALLED:
            _install(session, runtime, swap, fault, old, because)
        case SwapState.VERIFIED:
            parity.issue(session, swap, parity.of(session, swap, fault, old), because)
            _verify(session, swap, fault, old, because)
        case SwapState.DEAD_ON_ARRIVAL:
            _go_on(session, runtime, swap, fault, was, because)
        case SwapState.ABANDONED:
            _let_go(session, swap, None, because)
        case _:
            pass


def _refuse(session: Session, swap: Swap, fault: Fault, old: Asset, to: SwapState) -> None:
    if to is SwapState.VERIFIED:
        missing = parity.of(session, swap, fault, old).missing_words
        if missing:
            raise NotYet(
                N_("verified needs the parity certificate, and it is not clean. %(missing)s."), missing=missing
            )
    if to is SwapState.DONE:
        owed.refuse(session, fault, Closing.SWAP, "The swap")
    if to is SwapState.INSTALLED:
        _refuse_installing(session, swap, fault)


def _refuse_installing(session: Session, swap: Swap, fault: Fault) -> None:
    is_its_work = AdHocJob.rma_id == swap.rma_id if swap.rma_id is not None else AdHocJob.id == swap.job_id
    for job in session.scalars(select(AdHocJob).where(is_its_work)):
        if job.state in _NOT_APPROVED:
            said = N_("installed needs the approval of job %(job)s, which is %(state)s.")
            raise NotYet(said, job=job.reference, state=job.state)
    if swap.kind is SwapKind.UNIT and not swap.serial_number:
        raise NotYet(N_("installed needs the serial number of the new unit: scan it first."))
    loan = loan_of(session, fault)
    if loan is not None and swap.source is not SwapSource.LOANER:
        lent = session.get_one(Asset, loan.asset_id).serial_number
        raise NotYet(N_("The loaner %(serial)s stands in the place: say first that it is back."), serial=lent)


# --- installed: one unit takes another's place ---


def _install(session: Session, runtime: Runtime, swap: Swap, fault: Fault, old: Asset, because: Because) -> None:
    swap.old_asset_id = old.id
    if swap.stock_unit_id is not None:
        unit = session.get_one(StockUnit, swap.stock_unit_id)
        if unit.state is StockState.RESERVED:
            stock.issue(session, unit, because=because)
    if swap.kind is not SwapKind.UNIT:
        specifications.settle(session, swap)
        return
    new = _newcomer(session, swap, fault, old, because)
    swap.new_asset_id = new.id
    specifications.settle(session, swap)
    way = _way_out(old.state)
    if way:
        moves.walk(session, old, way, because, replaced_by_id=new.id)
    old.replaced_by_id = new.id
    _take_place(session, old, new, because)
    back = (Shipment.rma_id == swap.rma_id, Shipment.direction == ShipmentDirection.TO_VENDOR)
    gone = moves.gone_with(session.scalars(select(Shipment.state).where(*back)))
    if gone is not None and old.state is AssetState.REPLACED:
        moves.move(session, old, gone, because)
    following.follow(session, runtime, swap, old, new, because, shipped_on=_day(session, swap, Shipment.sent_on))


_GONE: Final = frozenset(
    {AssetState.LOST, AssetState.STOLEN, AssetState.DECOMMISSIONED, AssetState.DISPOSED}
    | {AssetState.REPLACED, AssetState.RETURNED_TO_VENDOR, AssetState.RETAINED_MEDIA}
)


def _way_out(state: AssetState) -> Sequence[AssetState]:
    """How a unit that was replaced goes: one that is lost or stolen stays so."""
    if state in _GONE:
        return []
    return [AssetState.REPLACED] if state in _BROKEN else [AssetState.FAULTY, AssetState.REPLACED]


_BROKEN: Final = frozenset({AssetState.FAULTY, AssetState.IN_RMA})


def _newcomer(session: Session, swap: Swap, fault: Fault, old: Asset, because: Because) -> Asset:
    """The new unit: a spare of the client's, the loaner that stays, or one that is new here."""
    loan = loan_of(session, fault) if swap.source is SwapSource.LOANER else None
    if loan is not None:
        loan.back_at = because.at
        moves.note(session, loan, "kept", because)
        kept = session.get_one(Asset, loan.asset_id)
        kept.ownership = old.ownership
        return kept
    is_same = Asset.product_id == swap.product_id
    return _put_into_service(session, swap, is_same, because, client_id=old.client_id, ownership=old.ownership)


def _put_into_service(
    session: Session,
    what: Swap | StockUnit,
    fits: ColumnElement[bool],
    because: Because,
    *,
    client_id: int,
    ownership: Ownership,
) -> Asset:
    """A client's unit of this serial number: one of its spares where that ``fits``, else one that is new here."""
    waits = (Asset.client_id == client_id, Asset.serial_key == what.serial_key, Asset.state == AssetState.IN_STOCK)
    known = session.scalars(select(Asset).where(*waits, fits)).first()
    if known is not None:
        moves.move(session, known, AssetState.IN_SERVICE, because)
        return known
    new = Asset(
        client_id=client_id,
        product_id=what.product_id,
        serial_number=what.serial_number,
        serial_key=what.serial_key,
        ownership=ownership,
        state=AssetState.IN_SERVICE,
        handover_exceptions=[],
        absence_attested=False,
        created_at=because.at,
    )
    session.add(new)
    session.flush()
    moves.born(session, new, [AssetState.IN_STOCK, AssetState.IN_SERVICE], because)
    return new


def _take_place(session: Session, old: Asset, new: Asset, because: Because) -> None:
    """Name, label, site and the names in other systems go to the new unit; where the old one lies is still its site."""
    for column in ("name", "asset_tag"):
        setattr(new, column, getattr(old, column) or getattr(new, column))
        setattr(old, column, "")
    new.site_id = old.site_id
    names = (ExternalRef.record == moves.name_of(Asset), ExternalRef.record_id == old.id)
    moved = update(ExternalRef).where(*names).values(record_id=new.id)
    session.execute(moved, execution_options={"synchronize_session": "fetch"})
    moves.note(session, old, "place_given", because, detail={"to": new.serial_number})
    moves.note(session, new, "place_taken", because, detail={"from": old.serial_number})


def _day(session: Session, swap: Swap, day: InstrumentedAttribute[date | None]) -> date | None:
    """When the replacement left, or arrived, as far as is known of the parcels of its claim."""
    parcels = (Shipment.rma_id == swap.rma_id, Shipment.direction == ShipmentDirection.TO_US, day.is_not(None))
    found: date | None = session.scalar(select(func.max(day)).where(*parcels))
    return found


# --- verified ---


def _verify(session: Session, swap: Swap, fault: Fault, old: Asset, because: Because) -> None:
    """It works again: a unit that stayed is in service, and the case says so."""
    if fault.state in _AT_WORK:
        moves.walk(session, fault, [FaultState.SERVICE_RESTORED, FaultState.VERIFIED], because, implied=1)
    if swap.kind is not SwapKind.UNIT and old.state in _BROKEN and not estate.has_open_case(session, old):
        moves.move(session, old, AssetState.IN_SERVICE, because)


# --- dead on arrival ---


def _go_on(session: Session, runtime: Runtime, swap: Swap, fault: Fault, was: SwapState, because: Because) -> None:
    """What came does not work: claim it where a vendor sent it, and plan the next swap."""
    rma = _rma(session, swap)
    dead = session.get_one(Asset, swap.new_asset_id) if swap.new_asset_id is not None else None
    if dead is not None and dead.state is AssetState.IN_SERVICE:
        moves.move(session, dead, AssetState.FAULTY, because)
    if was is SwapState.RECEIVED:
        _let_go(session, swap, None, because)
    if rma is None or swap.source is not SwapSource.VENDOR:
        _plan_next(session, swap, SwapSource.VENDOR if rma is not None else SwapSource.PURCHASE, because)
        why = "The unit was dead on arrival, and another one is needed: claim this one at whoever sold it."
        reviews.ask(session, fault, TaskKind.ATTENTION, f"{why} {because.reason}", because, rma=rma)
        return
    unit = casefile.find_units(session, asset_id=dead.id if dead is not None else rma.asset_id)[0]
    said = _why_by_hand(session, runtime, rma, swap, because.at)
    rmas.open_child(session, runtime, fault, rma, unit, because, why_by_hand=said)


def _plan_next(session: Session, swap: Swap, source: SwapSource, because: Because) -> Swap:
    after = Swap(
        client_id=swap.client_id,
        rma_id=swap.rma_id,
        job_id=swap.job_id,
        parent_id=swap.id,
        kind=swap.kind,
        source=source,
        state=SwapState.PLANNED,
    )
    session.add(after)
    session.flush()
    moves.born(session, after, [SwapState.PLANNED], because)
    return after


def _why_by_hand(session: Session, runtime: Runtime, rma: Rma, swap: Swap, now: datetime) -> str | None:
    """Why a person has to talk to the vendor about a dead replacement; null inside the time in which it simply swaps it."""
    said = f"The replacement {swap.serial_number} was dead on arrival".replace("  ", " ")
    account = session.get(VendorAccount, rma.account_id) if rma.account_id is not None else None
    if account is None:
        return f"{said}: claim it at the vendor, with the number {rma.rma_number}."
    can = accounts.able(runtime, account)
    days = can.dead_on_arrival_days if can is not None else None
    if days is None:
        return f"{said}. How long {account.name} simply swaps it is not known: claim it there, with {rma.rma_number}."
    since = _day(session, swap, Shipment.delivered_on) or now.date()
    if (now.date() - since).days > days:
        return f"{said}, but the {days} days in which {account.name} simply swaps it are over: ask it, with {rma.rma_number}."
    return None


# --- loaners ---


def lend(session: Session, principal: Principal, fault: Fault, unit: StockUnit, *, reason: str, now: datetime) -> Loan:
    """Lend a unit of the MSP's own for the time of a case; it stands in for the faulty one.

    Raises:
        Invalid: the case has no unit, is over, or has a loaner already; or the unit has no serial number, or is not free.
    """
    session.flush()
    session.refresh(fault, with_for_update=True)
    if fault.asset_id is None:
        raise Wrong("fault", N_("No unit is known yet: identify it first."))
    if loan_of(session, fault) is not None:
        raise Wrong("fault", N_("A unit is lent for this case already."))
    if unit.serial_key is None:
        raise Wrong("unit", N_("A unit that is lent needs a serial number, so that it is known when it comes back."))
    because = Because(principal.actor, reason, now, fault.id)
    if unit.state is StockState.IN_STOCK:
        stock.reserve(session, unit, fault, because=because)
    if unit.fault_id != fault.id:
        raise Wrong("unit", N_("This unit is kept in stock for another case."))
    stock.issue(session, unit, because=because)
    broken = casefile.successor(
        session, casefile.find_units(session, asset_id=fault.asset_id, lock=True)[0], lock=True
    ).asset
    if broken.state is AssetState.IN_SERVICE:
        moves.move(session, broken, AssetState.FAULTY, because)
    is_loaner, client_id = Asset.ownership == Ownership.LOANER, broken.client_id
    lent = _put_into_service(session, unit, is_loaner, because, client_id=client_id, ownership=Ownership.LOANER)
    lent.site_id = broken.site_id
    loan = Loan(
        client_id=fault.client_id,
        fault_id=fault.id,
        asset_id=lent.id,
        for_asset_id=broken.id,
        stock_unit_id=unit.id,
        lent_at=now,
    )
    session.add(loan)
    session.flush()
    moves.note(session, loan, "lend", because, detail={"serial_number": lent.serial_number})
    return loan


def take_back(
    session: Session, principal: Principal, loan: Loan, location: StockLocation, *, reason: str, now: datetime
) -> None:
    """The loaner is back on a shelf of ours; now the place is free for the unit that belongs there.

    Raises:
        IllegalMove: it is back already.
    """
    session.flush()
    session.refresh(loan, with_for_update=True)
    if loan.back_at is not None:
        raise NotYet(N_("The loaner is back already."))
    because = Because(principal.actor, reason, now, loan.fault_id)
    loan.back_at = now
    moves.note(session, loan, "back", because)
    lent = session.get_one(Asset, loan.asset_id, with_for_update=True)
    if lent.state in {AssetState.IN_SERVICE, *_BROKEN}:
        way = [] if lent.state in _BROKEN else [AssetState.FAULTY]
        moves.walk(session, lent, [*way, AssetState.IN_STOCK], because)
    lent.site_id = None
    if loan.stock_unit_id is not None:
        unit = session.get_one(StockUnit, loan.stock_unit_id)
        stock.put_back(session, unit, location, because=because)


# --- what the vendor sends where stock was used ---


def restock(
    session: Session,
    principal: Principal,
    swap: Swap,
    location: StockLocation,
    serial_number: str,
    *,
    reason: str,
    now: datetime,
) -> StockUnit:
    """Put what the vendor sent on the shelf, where a unit of ours has taken the place already.

    Raises:
        IllegalMove: nothing of ours was used, or it is on the shelf already.
        Invalid: the serial number is none, or in stock.
    """
    fault, _ = _hold(session, swap)
    if swap.source not in OURS or swap.rma_id is None or swap.restocked_id is not None:
        raise NotYet(N_("Nothing that the vendor sends for this swap goes to the shelf, or it lies there already."))
    unit_product = session.get(Product, swap.product_id) if swap.product_id is not None else None
    if unit_product is None:
        raise Wrong("product", N_("The product of the unit is not known: name it on the unit first."))
    because = Because(principal.actor, reason, now, fault.id)
    numbers = [serial_number] if serial_number.strip() else []
    [unit] = stock.receive(
        session, unit_product, location, serial_numbers=numbers, quantity=0 if numbers else 1, because=because
    )
    swap.restocked_id = unit.id
    moves.note(session, swap, "restock", because, detail={"serial_number": unit.serial_number})
    return unit


# --- as programs see it ---

_lent_for = aliased(Asset)


def _loans(_session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    return [
        {
            "id": row.Loan.public_id,
            "client": row.client,
            "fault_id": row.fault,
            "asset_id": row.asset,
            "for_asset_id": row.for_asset,
            "stock_unit": row.stock_unit,
            "lent_at": row.Loan.lent_at,
            "back_at": row.Loan.back_at,
        }
        for row in rows
    ]


LOANS = Kind(
    Loan,
    lambda: (
        select(
            Loan,
            Client.public_id.label("client"),
            Fault.public_id.label("fault"),
            Asset.public_id.label("asset"),
            _lent_for.public_id.label("for_asset"),
            StockUnit.public_id.label("stock_unit"),
        )
        .join(Client, Client.id == Loan.client_id)
        .join(Fault, Fault.id == Loan.fault_id)
        .join(Asset, Asset.id == Loan.asset_id)
        .join(_lent_for, _lent_for.id == Loan.for_asset_id)
        .outerjoin(StockUnit, StockUnit.id == Loan.stock_unit_id)
    ),
    _loans,
)
"""The units that are or were lent."""
