"""Return or be billed: the only place that knows until when a defective unit must be back, who has it, and what it costs.

A vendor's rule starts a clock by itself (``watch``), a day that the vendor names goes before it, and a proof that the unit
was sent stops it. What does not come back becomes a cost with somebody who pays and a reason, or is kept with a certificate
of its destruction. Calling anything twice does it once. Source: domain.md, D13.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, literal_column, select, union
from sqlalchemy.orm import aliased

from vendors.contract import ReturnStart
from warranty.domain import returns
from warranty.domain.calendars import Malformed, NoHours
from warranty.domain.lifecycles import (
    RmaState,
    ShipmentDirection,
    ShipmentState,
)
from warranty.domain.returns import NOON, Basis, CostKind, Holder
from warranty.domain.terms import AssetState, Component, Party
from warranty.models import (
    Asset,
    AuditRow,
    CaseCost,
    Client,
    Fault,
    File,
    Person,
    Product,
    Rma,
    Shipment,
    Site,
    User,
    VendorAccount,
    VendorReturn,
)
from warranty.models.files import FiledUnder
from warranty.services import accounts, keyset, moves, shipments
from warranty.services.calendars import working_days
from warranty.services.casefile import HOME_ZONE
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from vendors.contract import ReturnRule
    from warranty.domain.calendars import Calendar
    from warranty.runtime import Runtime

ACTOR: Final = "system:returns"
AT_ONCE: Final = 50
MOST_PAPERS: Final = 50
IS_BACK: Final = Shipment.direction == ShipmentDirection.TO_VENDOR
BEGUN: Final = (ShipmentState.IN_TRANSIT, ShipmentState.DELIVERED, ShipmentState.CHECKED_IN)
"""Where a replacement is once it was shipped."""


# --- the clock ---


def watch(session: Session, runtime: Runtime, rma: Rma, *, told_on: date | None = None, now: datetime) -> None:
    """Let the clock of a claim's return begin where its vendor's rule says so, and keep the day that counts.

    The caller holds the claim. Nothing changes where nothing is new. ``told_on`` is the day that the vendor names just now.
    """
    rule = _rule_of(session, runtime, rma)
    parcels = session.scalars(select(Shipment).where(Shipment.rma_id == rma.id, IS_BACK).order_by(Shipment.id)).all()
    if not parcels:
        event = _event(session, rma, rule, _calendar(session, rma)[0].zone)
        if rule is None or event is None or rma.state is not RmaState.AUTHORIZED:
            return
        because = Because(ACTOR, f"The vendor's rule starts with the {rule.starts}.", now, rma.fault_id)
        parcels = [shipments.make(session, rma, ShipmentDirection.TO_VENDOR, because)]
    for parcel in parcels:
        if parcel.state is ShipmentState.DUE:
            _count(session, rma, parcel, rule, told_on, now)


def look(session: Session, runtime: Runtime, *, now: datetime, limit: int = AT_ONCE) -> int:
    """Watch the claims whose clock should run and does not, ``limit`` at most; how many.

    A claim that somebody holds has its turn at the next look.
    """
    ruled = [
        account.id
        for account in session.scalars(select(VendorAccount).order_by(VendorAccount.id))
        if _rule(runtime, account) is not None
    ]
    back = select(Shipment.id).where(Shipment.rma_id == Rma.id, IS_BACK)
    begun = select(Shipment.id).where(
        Shipment.rma_id == Rma.id, Shipment.direction == ShipmentDirection.TO_US, Shipment.state.in_(BEGUN)
    )
    unwatched = (
        select(Shipment.rma_id)
        .outerjoin(VendorReturn, VendorReturn.shipment_id == Shipment.id)
        .where(IS_BACK, Shipment.state == ShipmentState.DUE, VendorReturn.id.is_(None))
    )
    unbegun = select(Rma.id).where(
        Rma.state == RmaState.AUTHORIZED, Rma.account_id.in_(ruled), begun.exists(), ~back.exists()
    )
    found = session.scalars(
        select(Rma)
        .where(Rma.id.in_(union(unwatched, unbegun)))
        .order_by(Rma.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for rma in found:
        watch(session, runtime, rma, now=now)
    return len(found)


def _rule_of(session: Session, runtime: Runtime, rma: Rma) -> ReturnRule | None:
    account = session.get(VendorAccount, rma.account_id) if rma.account_id is not None else None
    return _rule(runtime, account) if account is not None else None


def _rule(runtime: Runtime, account: VendorAccount) -> ReturnRule | None:
    can = accounts.able(runtime, account)
    return can.return_rule if can is not None else None


def _event(session: Session, rma: Rma, rule: ReturnRule | None, zone: ZoneInfo) -> datetime | None:
    """When what starts a rule's clock happened: the vendor's own day where it names one, else when it was heard; null: not yet."""
    if rule is None:
        return None
    moves.write_down(session)
    if rule.starts is ReturnStart.ORDER:
        return _heard(session, "rma", [rma.id], RmaState.AUTHORIZED)
    state, day = {
        ReturnStart.SHIPMENT: (ShipmentState.IN_TRANSIT, Shipment.sent_on),
        ReturnStart.DELIVERY: (ShipmentState.DELIVERED, Shipment.delivered_on),
    }[rule.starts]
    came = Shipment.rma_id == rma.id, Shipment.direction == ShipmentDirection.TO_US
    told = session.scalar(select(func.min(day)).where(*came))
    if told is not None:
        return datetime.combine(told, NOON, zone)
    return _heard(session, "shipment", select(Shipment.id).where(*came), state)


def _heard(session: Session, record: str, keys: Any, state: StrEnum) -> datetime | None:
    which = (AuditRow.record == record, AuditRow.record_id.in_(keys), AuditRow.new_state == state.value)
    return session.scalar(select(func.min(AuditRow.at)).where(*which))


def _count(
    session: Session, rma: Rma, parcel: Shipment, rule: ReturnRule | None, told_on: date | None, now: datetime
) -> None:
    """Work out the days of one return anew, and say so where the one that counts is another than before."""
    row = _row(session, parcel)
    if told_on is None and parcel.due_on not in {None, row.told_on, row.rule_on}:
        told_on = parcel.due_on  # a person entered it
    row.told_on = told_on or row.told_on
    calendar, region = _calendar(session, rma)
    event = _event(session, rma, rule, calendar.zone)
    if rule is not None and event is not None:
        with suppress(Malformed, NoHours):
            due = returns.by_rule(event, rule.days, calendar, business_days=rule.business_days)
            row.rule_on = due.on
            row.basis = {
                "starts": rule.starts.value,
                "started_at": event.astimezone(UTC).isoformat(),
                "started_on": due.started_on.isoformat(),
                "days": rule.days,
                "business_days": rule.business_days,
                "time_zone": calendar.zone.key,
                "region": region,
            }
    on = row.told_on or row.rule_on
    if on is None:
        return
    send_by = returns.send_by(on, calendar)
    if (parcel.due_on, row.send_by) != (on, send_by):
        parcel.due_on, row.send_by = on, send_by
        row.remind_on = returns.next_reminder(send_by, row.reminded)
        detail = {"due_on": on.isoformat(), "told_on": _iso(row.told_on), "rule_on": _iso(row.rule_on)}
        because = Because(ACTOR, f"It must be back by {on.isoformat()}.", now, rma.fault_id)
        moves.note(session, parcel, "return_due", because, detail=detail)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _row(session: Session, parcel: Shipment) -> VendorReturn:
    """What is known of a return; made where nothing is."""
    row = session.scalars(select(VendorReturn).where(VendorReturn.shipment_id == parcel.id)).one_or_none()
    if row is None:
        row = VendorReturn(client_id=parcel.client_id, shipment_id=parcel.id, reminded=0)
        session.add(row)
        session.flush()
    return row


def _calendar(session: Session, rma: Rma) -> tuple[Calendar, str]:
    """The working days where the unit is, and whose holidays they leave out; empty where nobody has written them down."""
    site = session.scalars(select(Site).join(Asset, Asset.site_id == Site.id).where(Asset.id == rma.asset_id)).first()
    zone, address = (site.time_zone, site.address) if site else (HOME_ZONE, {})
    country, part = (str(address.get(name) or "").strip().upper() for name in ("country", "state"))
    for region in (f"{country}-{part}", country):
        with suppress(Malformed):
            return working_days(time_zone=zone, region=region), region
    return working_days(time_zone=zone), ""


# --- who has it, and what it would cost ---


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person says of a return; what is null stays as it is. ``charge_minor`` is what the vendor bills, with its currency."""

    holder: Holder | None = None
    user: User | None = None
    person: Person | None = None
    return_address: str | None = None
    keeps_media: bool | None = None
    charge_minor: int | None = None
    currency: str | None = None


_BY_NAME: Final = {Holder.COLLEAGUE: "user_id", Holder.CONTACT: "person_id"}


def plan(session: Session, parcel: Shipment, given: Plan, because: Because) -> VendorReturn:
    """Say who has the unit, where it goes, and what the vendor would bill.

    Raises:
        IllegalMove: it does not wait to be sent any more.
        Invalid: somebody is to be named and is not, or is nobody of this client; a charge without a currency.
    """
    rma = _hold(session, parcel)
    _check_due(parcel)
    row = _row(session, parcel)
    if given.holder is not None:
        user, person = given.user, given.person
        if (given.holder is Holder.COLLEAGUE) != (user is not None):
            raise Invalid("user_id", "Name the colleague who has it, and nobody where it is no colleague.")
        if (given.holder is Holder.CONTACT) != (person is not None):
            raise Invalid("person_id", "Name the contact who has it, and nobody where it is no contact.")
        if user is not None and (user.client_id is not None or user.deactivated_at is not None):
            raise Invalid("user_id", "This is no colleague.")
        if person is not None and person.client_id != parcel.client_id:
            raise Invalid("person_id", "This is no contact of the client.")
        parcel.holder = given.holder
        row.user_id = user.id if user else None
        row.person_id = person.id if person else None
        row.holder_reason = because.reason
    if given.charge_minor is not None:
        if not given.currency:
            raise Invalid("currency", "Say in which currency the vendor bills.")
        row.charge_minor, row.currency = given.charge_minor, given.currency
    row.return_address = row.return_address if given.return_address is None else given.return_address
    row.keeps_media = row.keeps_media if given.keeps_media is None else given.keeps_media
    detail = {
        "holder": parcel.holder,
        "user": f"user:{row.user_id}" if row.user_id else None,
        "person": f"person:{row.person_id}" if row.person_id else None,
        "charge_minor": row.charge_minor,
        "currency": row.currency,
        "keeps_media": row.keeps_media,
    }
    moves.note(session, parcel, "return_planned", replace(because, fault_id=rma.fault_id), detail=detail)
    return row


def _hold(session: Session, parcel: Shipment) -> Rma:
    rma = session.get_one(Rma, parcel.rma_id, with_for_update=True)  # as whoever hears the vendor holds it
    session.refresh(parcel)
    if parcel.direction is not ShipmentDirection.TO_VENDOR:
        raise IllegalMove("This parcel comes to us: it is no return.")
    return rma


def _check_due(parcel: Shipment) -> None:
    if parcel.state is not ShipmentState.DUE:
        raise IllegalMove(f"This return is {parcel.state}: it does not wait to be sent any more.")


# --- how it ends ---


@dataclass(frozen=True, slots=True)
class Cost:
    """Money that a return costs: minor units of a currency, who pays, and whose doing it was."""

    kind: CostKind
    amount_minor: int
    currency: str
    payer: Party
    blame: returns.Blame


PAYERS: Final = frozenset({Party.MSP, Party.CLIENT, Party.INSURER})
COMES_AFTER: Final = {
    CostKind.NON_RETURN: frozenset({ShipmentState.DUE}),
    CostKind.LATE: frozenset(
        {ShipmentState.IN_TRANSIT, ShipmentState.RECEIVED, ShipmentState.ACCEPTED, ShipmentState.NO_FAULT_FOUND}
    ),
    CostKind.RESTOCKING: frozenset(
        {ShipmentState.RECEIVED, ShipmentState.ACCEPTED, ShipmentState.NO_FAULT_FOUND, ShipmentState.REFUSED}
    ),
}


def charge(session: Session, parcel: Shipment, cost: Cost, because: Because) -> CaseCost:
    """Write down what the vendor bills. A charge for what does not come back ends the return with it.

    Raises:
        IllegalMove: the return is not where such a cost can arise.
        Invalid: nothing to pay, or nobody who can pay it.
    """
    rma = _hold(session, parcel)
    because = replace(because, fault_id=rma.fault_id)
    if cost.amount_minor <= 0:
        raise Invalid("amount_minor", "Enter what is to be paid.")
    if cost.payer not in PAYERS:
        raise Invalid("payer", "The MSP, the client or an insurer pays it.")
    if cost.kind is CostKind.NON_RETURN:
        moves.move(session, parcel, ShipmentState.CHARGED, because)
    elif parcel.state not in COMES_AFTER[cost.kind]:
        allowed = ", ".join(sorted(COMES_AFTER[cost.kind]))
        raise IllegalMove(f"This return is {parcel.state}: a cost of kind {cost.kind} comes when it is {allowed}.")
    row = CaseCost(
        client_id=parcel.client_id,
        fault_id=rma.fault_id,
        shipment_id=parcel.id,
        kind=cost.kind,
        amount_minor=cost.amount_minor,
        currency=cost.currency,
        payer=cost.payer,
        blame=cost.blame,
        reason=because.reason,
        created_at=because.at,
        created_by=because.actor,
    )
    session.add(row)
    session.flush()
    moves.note(session, parcel, "cost", because, detail={"cost": str(row.public_id), **_plain(row)})
    return row


def _plain(row: CaseCost) -> dict[str, Any]:
    names = ("kind", "amount_minor", "currency", "payer", "blame")
    return {name: getattr(row, name) for name in names}


def settle(session: Session, cost: CaseCost, because: Because) -> None:
    """Say that a cost is paid or written off, and how; until then the case owes it.

    Raises:
        IllegalMove: it is settled already.
    """
    session.refresh(cost, with_for_update=True)
    if cost.settled_at is not None:
        raise IllegalMove("This cost is settled already.")
    cost.settled_at, cost.settled_by, cost.settlement = because.at, because.actor, because.reason
    session.flush()
    parcel = session.get_one(Shipment, cost.shipment_id)
    detail = {"cost": str(cost.public_id), **_plain(cost)}
    moves.note(session, parcel, "cost_settled", replace(because, fault_id=cost.fault_id), detail=detail)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proof that what is kept was destroyed: the paper, who did it, on which day, and how."""

    file: File
    destroyed_by: str
    destroyed_on: date
    method: str


def retain(session: Session, parcel: Shipment, certificate: Certificate, because: Because) -> None:
    """Keep what would go back, with the certificate of its destruction.

    Raises:
        IllegalMove: it does not wait to be sent.
        Invalid: a file of another case, or a day that has not come.
    """
    rma = _hold(session, parcel)
    because = replace(because, fault_id=rma.fault_id)
    if certificate.destroyed_on > because.at.date() + timedelta(days=1):  # it may be tomorrow already where it was done
        raise Invalid("destroyed_on", "This day has not come yet.")
    row = _row(session, parcel)
    row.certificate_id = shipments.of_case(certificate.file, rma, "file_id").id
    row.destroyed_by, row.destroyed_on = certificate.destroyed_by, certificate.destroyed_on
    row.method = certificate.method
    moves.move(session, parcel, ShipmentState.RETAINED, because)
    unit = session.get_one(Asset, rma.asset_id, with_for_update=True)
    if rma.component is Component.UNIT and unit.state is AssetState.REPLACED:
        moves.move(session, unit, AssetState.RETAINED_MEDIA, because)


# --- lists ---


@dataclass(frozen=True, slots=True)
class Filters:
    """Which returns a list shows: those that wait to be sent, of one client or all."""

    client: UUID | None = None
    holder: Holder | None = None
    until: date | None = None  # due on or before this day
    overdue_on: date | None = None  # overdue on this day: due before it
    is_undated: bool = False  # nobody knows until when


@dataclass(frozen=True, slots=True)
class Item:
    """A return with what stands around it."""

    parcel: Shipment
    known: VendorReturn | None
    rma: Rma
    fault: Fault
    client: Client
    asset: Asset
    product: Product | None
    site: Site | None
    account: VendorAccount | None
    owner: User | None
    colleague: User | None
    person: Person | None

    @property
    def basis(self) -> Basis | None:
        """Where the day that counts comes from; null where there is none."""
        if self.parcel.due_on is None:
            return None
        is_ruled = self.known is not None and self.known.told_on is None and self.known.rule_on is not None
        return Basis.RULE if is_ruled else Basis.TOLD

    @property
    def exposure(self) -> tuple[int, str] | None:
        """What is billed if it does not come back: the vendor's own word, else the list price; null where neither is known."""
        if self.known is not None and self.known.charge_minor is not None:
            return self.known.charge_minor, self.known.currency or self.client.currency
        if self.product is not None and self.product.list_price_minor is not None:
            return self.product.list_price_minor, self.product.currency
        return None


@dataclass(slots=True)
class Exposure:
    """How many returns are open, how many of them nobody can price, and what the others come to by currency, in minor units."""

    count: int = 0
    unpriced: int = 0
    sums: dict[str, int] = field(default_factory=dict)


EXPOSED: Final = func.coalesce(VendorReturn.charge_minor, Product.list_price_minor)
EXPOSED_IN: Final = func.coalesce(VendorReturn.currency, Product.currency)


_client, _owner, _colleague = aliased(Client), aliased(User), aliased(User)


def _joined(*columns: Any) -> Any:
    return (
        select(*columns)
        .select_from(Shipment)
        .join(Rma, Rma.id == Shipment.rma_id)
        .join(Asset, Asset.id == Rma.asset_id)
        .join(Client, Client.id == Shipment.client_id)
        .outerjoin(VendorReturn, VendorReturn.shipment_id == Shipment.id)
        .outerjoin(Product, Product.id == Asset.product_id)
    )


def _items() -> Any:
    columns = (
        Shipment,
        VendorReturn,
        Rma,
        Fault,
        Client,
        Asset,
        Product,
        Site,
        VendorAccount,
        _owner,
        _colleague,
        Person,
    )
    return (
        _joined(*columns)
        .join(Fault, Fault.id == Rma.fault_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(VendorAccount, VendorAccount.id == Rma.account_id)
        .outerjoin(_owner, _owner.id == Fault.owner_id)
        .outerjoin(_colleague, _colleague.id == VendorReturn.user_id)
        .outerjoin(Person, Person.id == VendorReturn.person_id)
    )


def _which(filters: Filters) -> Sequence[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [IS_BACK, Shipment.state == literal_column("'due'")]  # as its indexes have it
    if filters.client is not None:
        where.append(
            Shipment.client_id == select(_client.id).where(_client.public_id == filters.client).scalar_subquery()
        )
    if filters.holder is not None:
        where.append(Shipment.holder == filters.holder)
    if filters.until is not None:
        where.append(Shipment.due_on <= filters.until)
    if filters.overdue_on is not None:
        where.append(Shipment.due_on < filters.overdue_on)
    where.append(Shipment.due_on.is_(None) if filters.is_undated else Shipment.due_on.is_not(None))
    return where


def due(session: Session, filters: Filters, *, after: UUID | None = None, limit: int) -> tuple[list[Item], UUID | None]:
    """The returns that wait to be sent, the most urgent first, and the id after which the next page begins; one statement."""
    order = () if filters.is_undated else (Shipment.due_on,)
    query = _items().where(*_which(filters))
    rows, last = keyset.page(session, query, table=Shipment, order=order, after=after, limit=limit)
    return [Item(*row) for row in rows], last


def exposure(session: Session, filters: Filters) -> list[tuple[UUID, str, Exposure]]:
    """What is at risk with these returns, client by client in the order of their names; one statement."""
    keys = (Client.name, Client.public_id)
    sums = (func.count(), func.count(EXPOSED), func.coalesce(func.sum(EXPOSED), 0))
    query = _joined(*keys, EXPOSED_IN, *sums).where(*_which(filters)).group_by(*keys, EXPOSED_IN)
    found: dict[tuple[UUID, str], Exposure] = {}
    for name, client, currency, count, priced, minor in session.execute(query.order_by(*keys)):
        one = found.setdefault((client, name), Exposure())
        one.count += count
        one.unpriced += count - priced
        if priced:
            one.sums[currency] = one.sums.get(currency, 0) + int(minor)
    return [(client, name, one) for (client, name), one in found.items()]


def of_parcels(session: Session, parcels: Sequence[Shipment]) -> list[Item]:
    """What is known of these parcels, those that go back of them, the oldest first; one statement."""
    keys = [parcel.id for parcel in parcels]
    rows = session.execute(_items().where(IS_BACK, Shipment.id.in_(keys)).order_by(Shipment.id)) if keys else ()
    return [Item(*row) for row in rows]


def newest(session: Session, rma: Rma) -> Shipment | None:
    """The newest parcel of a claim that goes back; null where there is none."""
    query = select(Shipment).where(Shipment.rma_id == rma.id, IS_BACK).order_by(Shipment.id.desc()).limit(1)
    return session.scalars(query).one_or_none()


def costs_of(session: Session, parcel: Shipment) -> list[CaseCost]:
    """What a return has cost, the oldest first; one statement."""
    which = (CaseCost.fault_id == select(Rma.fault_id).where(Rma.id == parcel.rma_id).scalar_subquery(),)
    query = select(CaseCost).where(*which, CaseCost.shipment_id == parcel.id).order_by(CaseCost.id)
    return list(session.scalars(query))


def contacts_of(session: Session, site: Site | None) -> list[Person]:
    """Who is at a site, by name; one statement."""
    query = select(Person).where(Person.site_id == (site.id if site else None)).order_by(Person.name, Person.id)
    return list(session.scalars(query)) if site is not None else []


def papers_of(session: Session, fault: Fault) -> list[File]:
    """The files of a case, the newest first; one statement."""
    which = (File.record == FiledUnder.FAULT, File.record_id == fault.id, File.removed_at.is_(None))
    return list(session.scalars(select(File).where(*which).order_by(File.id.desc()).limit(MOST_PAPERS)))


# --- reminders ---


def to_remind(session: Session, *, now: datetime, limit: int) -> list[int]:
    """The keys of some returns of which somebody is to hear by now, by the days of UTC, the most urgent first."""
    which = select(VendorReturn.id).where(VendorReturn.remind_on <= now.date())
    return list(session.scalars(which.order_by(VendorReturn.remind_on, VendorReturn.id).limit(limit)))


@dataclass(frozen=True, slots=True)
class Reminder:
    """Who is to hear of a return now: the levels, the nearest first."""

    item: Item
    levels: tuple[returns.Level, ...]


def take_reminder(session: Session, key: int, *, now: datetime) -> Reminder | None:
    """Take up the reminders of a return that are due, each once; null where there are none. The row is held from here on."""
    row = session.get_one(VendorReturn, key, with_for_update=True, populate_existing=True)
    item = Item(*session.execute(_items().where(VendorReturn.id == key)).one())
    if row.send_by is None or item.parcel.state is not ShipmentState.DUE:
        row.remind_on = None
        return None
    levels = tuple(returns.levels_due(row.send_by, now.date(), row.reminded))
    row.reminded += len(levels)
    row.remind_on = returns.next_reminder(row.send_by, row.reminded)
    if not levels:
        return None
    because = Because(ACTOR, "", now, item.fault.id)
    for level in levels:
        moves.note(session, item.parcel, "reminded", replace(because, reason=f"Reminder: {level}."))
    return Reminder(item, levels)


def forget_reminder(session: Session, key: int, *, now: datetime) -> None:
    """Remind nobody of a return: the mail could not be written, and must not hold up those of others."""
    del now
    session.get_one(VendorReturn, key, with_for_update=True).remind_on = None
