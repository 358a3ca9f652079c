"""What needs a person now: the one table of the kinds of work, and the only reader of the board.

Every part of the product that leaves work to a person has its kind here, or the house's tests fail. A kind says who has the
ball, how long it may wait, what is at risk while it does, what to do, and what can be done to many of it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Integer,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from warranty.domain.access import Permission
from warranty.domain.headline import Side
from warranty.domain.lifecycles import JobState, RmaState, ShipmentDirection, ShipmentState
from warranty.domain.terms import AssetState, CoverageState, Party
from warranty.languages import N_
from warranty.models import (
    AdHocJob,
    Asset,
    AuditRow,
    Client,
    Coverage,
    Fault,
    HumanTask,
    JobLine,
    Outbox,
    Product,
    Rma,
    Shipment,
    Sighting,
    Site,
    User,
    VendorAccount,
    VendorReturn,
)
from warranty.models.base import later
from warranty.models.work import STUCK, UNRESOLVED, OrderKind, OrderStatus, TaskKind
from warranty.services import owners, shipments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Subquery
    from sqlalchemy.orm import Session

PAGE = 50
DAY_S = 86_400
HOUR_S = 3600


class OtherKind(StrEnum):
    """Work that waits for a person and is no task: it ends with the record that it is about."""

    APPROVAL = "approval"
    RETURN = "return"
    LOOK_UP = "look_up"
    PARCEL_LATE = "parcel_late"
    NUMBER_ENDS = "number_ends"
    NUMBER_ENDED = "number_ended"
    HANDOVER = "handover"
    REJECTED = "rejected_at_handover"
    LEFT_OVER = "left_over"


Kind = TaskKind | OtherKind


class Risk(StrEnum):
    """What is lost while work waits."""

    NONE = "none"
    PART = "part"  # the list price of the product that is claimed
    IF_BILLED = "if_billed"  # the same, where the client or the MSP pays in the end
    CHARGE = "charge"  # what the vendor said it charges for a part that does not come back, else the same
    QUOTE = "quote"  # what the client's quote comes to


class Verb(StrEnum):
    """What can be done to many rows at once."""

    AGAIN = "again"
    HAND = "hand"
    DEALT_WITH = "dealt_with"


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for a kind of work.

    ``sentence`` names the vendor, ``plain`` is the same without one; ``action`` is the one thing to do, and leads to the page
    where whoever has the right that it ``needs`` does it. It may wait ``hours``, a fault of severity 1 or 2 only
    ``urgent_hours``.
    """

    sentence: str
    plain: str
    action: str
    ball: Side
    hours: int
    urgent_hours: int
    risk: Risk
    verbs: frozenset[Verb] = frozenset({Verb.HAND})
    needs: Permission = Permission.HANDLE


_AGAIN: Final = frozenset({Verb.HAND, Verb.AGAIN})
_DEALT_WITH: Final = frozenset({Verb.HAND, Verb.DEALT_WITH})

# fmt: off
RULES: dict[Kind, Rule] = {
    TaskKind.REVIEW: Rule(
        N_("Somebody has to decide who pays"), N_("Somebody has to decide who pays"), N_("Decide"),
        Side.MSP, 8, 2, Risk.IF_BILLED, _AGAIN, Permission.DECIDE),
    TaskKind.OVERRIDE: Rule(
        N_("Somebody asks for another verdict, and a second person decides"),
        N_("Somebody asks for another verdict, and a second person decides"), N_("Say yes or no"),
        Side.MSP, 8, 2, Risk.IF_BILLED, needs=Permission.DECIDE),
    TaskKind.OUTCOME_UNKNOWN: Rule(
        N_("%(vendor)s may have our request: the line dropped"), N_("The vendor may have our request: the line dropped"),
        N_("Search there"), Side.MSP, 2, 1, Risk.PART, _AGAIN),
    TaskKind.MANUAL_HANDLING: Rule(
        N_("%(vendor)s takes this claim by hand only"), N_("This claim is opened by hand"), N_("Copy the claim"),
        Side.MSP, 8, 2, Risk.PART),
    TaskKind.INFO_MISSING: Rule(
        N_("%(vendor)s asks for more before it takes the claim"), N_("Something is missing before it can be claimed"),
        N_("Add it"), Side.MSP, 24, 4, Risk.PART, _AGAIN),
    TaskKind.SUBMIT_FAILED: Rule(
        N_("%(vendor)s did not take the claim"), N_("The claim was not taken"), N_("Mend and send"),
        Side.MSP, 8, 2, Risk.PART, _AGAIN),
    TaskKind.SILENT: Rule(
        N_("%(vendor)s has said nothing for too long"), N_("The vendor has said nothing for too long"), N_("Call there"),
        Side.VENDOR, 8, 2, Risk.PART, _DEALT_WITH),
    TaskKind.DENIED: Rule(
        N_("%(vendor)s refused the claim"), N_("The vendor refused the claim"), N_("Tell the client"),
        Side.MSP, 24, 8, Risk.IF_BILLED),
    TaskKind.ATTENTION: Rule(
        N_("Something about the claim at %(vendor)s does not fit"), N_("Something about the claim does not fit"),
        N_("Look at it"), Side.MSP, 24, 8, Risk.PART),
    TaskKind.PROPOSAL: Rule(
        N_("A case at %(vendor)s may be this claim's: yes or no"), N_("A case may be this claim's: yes or no"),
        N_("Say yes or no"), Side.MSP, 24, 8, Risk.PART),
    TaskKind.VENDOR_NOTE: Rule(
        N_("%(vendor)s wrote on the case"), N_("The vendor wrote on the case"), N_("Read it"),
        Side.MSP, 24, 8, Risk.NONE, _DEALT_WITH),
    TaskKind.NOT_TAKEN: Rule(
        N_("%(vendor)s did not take what we sent it"), N_("The vendor did not take what we sent it"), N_("Send it anew"),
        Side.MSP, 24, 8, Risk.NONE, _DEALT_WITH),
    TaskKind.UNREAD: Rule(
        N_("The cases at %(vendor)s cannot be read"), N_("Cases at a vendor cannot be read"), N_("Look at it"),
        Side.MSP, 8, 4, Risk.NONE),
    TaskKind.STRAY_CASE: Rule(
        N_("%(vendor)s has a case that belongs to no claim"), N_("A vendor has a case that belongs to no claim"),
        N_("Say what it is"), Side.MSP, 24, 24, Risk.NONE, frozenset({Verb.DEALT_WITH}), Permission.DECIDE),
    TaskKind.GOODS_WRONG: Rule(
        N_("What %(vendor)s sent is short, wrong or damaged"), N_("What came is short, wrong or damaged"),
        N_("Have it sent again"), Side.MSP, 8, 2, Risk.PART),
    TaskKind.GOODS_LOST: Rule(
        N_("The parcel from %(vendor)s was lost"), N_("A parcel was lost"), N_("Have it sent again"),
        Side.MSP, 8, 2, Risk.PART),
    OtherKind.PARCEL_LATE: Rule(
        N_("The parcel from %(vendor)s is late"), N_("A parcel is late"), N_("Ask where it is"),
        Side.VENDOR, 24, 4, Risk.PART),
    OtherKind.NUMBER_ENDS: Rule(
        N_("The RMA number of %(vendor)s is about to run out"), N_("An RMA number is about to run out"),
        N_("Send it in time"), Side.MSP, 0, 0, Risk.PART),
    OtherKind.NUMBER_ENDED: Rule(
        N_("The RMA number of %(vendor)s ran out"), N_("An RMA number ran out"), N_("Ask for another one"),
        Side.MSP, 8, 2, Risk.PART),
    OtherKind.APPROVAL: Rule(
        N_("A quote waits for the client"), N_("A quote waits for the client"), N_("Look at the quote"),
        Side.CLIENT, 72, 24, Risk.QUOTE),
    OtherKind.RETURN: Rule(
        N_("%(vendor)s waits for the defective part"), N_("The vendor waits for the defective part"), N_("Send it back"),
        Side.MSP, 0, 0, Risk.CHARGE),
    OtherKind.LOOK_UP: Rule(
        N_("Look-ups at %(vendor)s fail"), N_("Look-ups fail"), N_("Try again"),
        Side.MSP, 8, 8, Risk.NONE, frozenset({Verb.AGAIN})),
    OtherKind.HANDOVER: Rule(
        N_("Units wait for their hand-over"), N_("Units wait for their hand-over"), N_("Take them over"),
        Side.MSP, 336, 336, Risk.NONE, frozenset()),
    OtherKind.REJECTED: Rule(
        N_("Units were rejected at their hand-over"), N_("Units were rejected at their hand-over"), N_("Look at it"),
        Side.CLIENT, 336, 336, Risk.NONE, frozenset()),
    OtherKind.LEFT_OVER: Rule(
        N_("What was bought for a retired unit still runs"), N_("What was bought for a retired unit still runs"),
        N_("Say if it ends"), Side.MSP, 168, 168, Risk.NONE, frozenset()),
}
# fmt: on
"""What waits for a person, by kind. A kind of ``TaskKind`` without a row here breaks the build."""

WAITS: Final = (JobState.QUOTED, JobState.AWAITING_APPROVAL)
_GATE: Final = {OtherKind.HANDOVER: AssetState.ONBOARDING, OtherKind.REJECTED: AssetState.REJECTED_AT_HANDOVER}
RETURN_SEEN: Final = timedelta(days=7)
"""So long before its day a return, or the end of an RMA number, stands on the board."""


def kind_of(word: str) -> Kind | None:
    """The kind that an address names; null where it names none."""
    return next((kind for kind in RULES if kind == word), None)


class Whose(StrEnum):
    """Whose work the board shows, where it is nobody's by name."""

    ME = "me"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the board shows; ``owner`` is a user's public id, or a word of ``Whose``."""

    kind: Kind | None = None
    client: UUID | None = None
    vendor: UUID | None = None
    owner: UUID | Whose | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place on the board: what comes after it is what is later, or worth less, or has a later key."""

    due_at: datetime
    minor: int
    key: UUID


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the board; what it is not about is null. ``units`` is how many look-ups fail, or units wait."""

    kind: Kind
    key: UUID
    since: datetime
    due_at: datetime
    minor: int | None
    currency: str | None
    units: int
    fault: Fault | None
    client: Client | None
    asset: Asset | None
    product: Product | None
    site: Site | None
    account: VendorAccount | None
    task: HumanTask | None
    sighting: Sighting | None
    job: AdHocJob | None
    owner: User | None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.due_at, self.minor or 0, self.key)


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of one kind falls into one group, and what is at risk in one currency."""

    kind: Kind
    group: int
    currency: str | None
    count: int
    minor: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The instants that part the groups, and the reader: past its time, today, this week, later."""

    now: datetime
    tomorrow: datetime
    next_week: datetime
    user_id: int | None


def tallies(session: Session, filters: Filters, clock: Clock) -> list[Tally]:
    """All that waits, counted and summed by kind, group and currency, whatever the kind that is chosen; one statement."""
    work = _work(clock.now)
    due, minor = _due(work), _minor(work)
    group = case((due < clock.now, 0), (due < clock.tomorrow, 1), (due < clock.next_week, 2), else_=3)
    currency = case((minor.is_(None), None), else_=_currency())
    which = _which(Filters(None, filters.client, filters.vendor, filters.owner), work, clock)
    counted = (
        _joined(select(work.c.kind, group.label("part"), currency.label("currency"), minor.label("minor")), work)
        .where(*which)
        .subquery()
    )
    query = select(
        counted.c.kind,
        counted.c.part,
        counted.c.currency,
        func.count(),
        cast(func.coalesce(func.sum(counted.c.minor), 0), BigInteger),
    ).group_by(counted.c.kind, counted.c.part, counted.c.currency)
    return [
        Tally(kind, part, currency_, count, minor_)
        for word, part, currency_, count, minor_ in session.execute(query)
        if (kind := kind_of(word)) is not None
    ]


def items(
    session: Session,
    filters: Filters,
    clock: Clock,
    *,
    after: Place | None = None,
    until: datetime | None = None,
    keys: Sequence[UUID] | None = None,
    limit: int = PAGE,
) -> list[Item]:
    """What waits, the most urgent first, then what is worth most; one statement.

    Args:
        after: begin behind this place.
        until: leave out what has come up since.
        keys: these rows alone, those of them that wait still.
    """
    work = _work(clock.now)
    due, minor = _due(work), _minor(work)
    order = (due, -func.coalesce(minor, 0), work.c.key)
    columns = select(
        work.c.kind, work.c.key, work.c.since, due.label("due"), minor.label("minor"), _currency().label("currency"),
        work.c.units, Fault, Client, Asset, Product, Site, VendorAccount, HumanTask, Sighting, AdHocJob, User,
    )  # fmt: skip
    query = (
        _joined(columns, work)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(HumanTask, HumanTask.id == work.c.task_id)
        .outerjoin(Sighting, Sighting.id == HumanTask.sighting_id)
        .outerjoin(User, User.id == Fault.owner_id)
        .where(*_which(filters, work, clock))
    )
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*_literals(after)))
    if until is not None:
        query = query.where(work.c.since <= until)
    if keys is not None:
        query = query.where(work.c.key.in_(keys))
    found = session.execute(query.order_by(*order).limit(limit)).all()
    return [_item(row) for row in found]


def _literals(place: Place) -> tuple[Any, ...]:
    types = HumanTask.__table__.c
    return (
        literal(place.due_at, types.created_at.type),
        literal(-place.minor, BigInteger),
        literal(place.key, types.public_id.type),
    )


def _item(row: Any) -> Item:
    kind = kind_of(row.kind)
    assert kind is not None  # every kind has its rule
    return Item(
        kind=kind, key=row.key, since=row.since, due_at=row.due, minor=row.minor, currency=row.currency, units=row.units,
        fault=row.Fault, client=row.Client, asset=row.Asset, product=row.Product, site=row.Site, account=row.VendorAccount,
        task=row.HumanTask, sighting=row.Sighting, job=row.AdHocJob, owner=row.User,
    )  # fmt: skip


def _work(now: datetime) -> Subquery:
    """Everything that waits, of every source, in one form."""
    key = cast(null(), BigInteger)
    tasks = (
        select(
            type_coerce(HumanTask.kind, String).label("kind"),
            HumanTask.public_id.label("key"),
            HumanTask.created_at.label("since"),
            HumanTask.client_id.label("client_id"),
            HumanTask.fault_id.label("fault_id"),
            func.coalesce(Rma.account_id, Sighting.account_id).label("account_id"),
            HumanTask.id.label("task_id"),
            key.label("job_id"),
            literal(1, Integer).label("units"),
            key.label("unit_id"),
        )
        .outerjoin(Rma, Rma.id == HumanTask.rma_id)
        .outerjoin(Sighting, Sighting.id == HumanTask.sighting_id)
        .where(UNRESOLVED)
    )
    approvals = select(
        literal(OtherKind.APPROVAL.value, String), AdHocJob.public_id, AdHocJob.created_at, AdHocJob.client_id,
        AdHocJob.fault_id, key, key, AdHocJob.id, literal(1, Integer), key,
    ).where(AdHocJob.state.in_(WAITS))  # fmt: skip
    returns = (
        select(
            literal(OtherKind.RETURN.value, String),
            Shipment.public_id,
            later(Shipment.due_on, literal(DAY_S * 3 // 4)),
            Shipment.client_id,
            Rma.fault_id,
            Rma.account_id,
            key,
            key,
            literal(1, Integer),
            key,
        )
        .join(Rma, Rma.id == Shipment.rma_id)
        .where(
            Shipment.direction == ShipmentDirection.TO_VENDOR,
            Shipment.state == literal_column("'due'"),  # as its index has it
            Shipment.due_on <= (now + RETURN_SEEN).date(),
        )
    )
    look_ups = (
        select(
            literal(OtherKind.LOOK_UP.value, String),
            VendorAccount.public_id,
            func.min(Outbox.created_at),
            VendorAccount.client_id,
            key,
            VendorAccount.id,
            key,
            key,
            cast(func.count(), Integer),
            key,
        )
        .join(VendorAccount, VendorAccount.id == Outbox.account_id)
        .where(STUCK, Outbox.status == OrderStatus.PARKED, Outbox.kind == OrderKind.LOOK_UP)
        .group_by(VendorAccount.id, VendorAccount.public_id, VendorAccount.client_id)
    )
    late = (
        select(
            literal(OtherKind.PARCEL_LATE.value, String),
            Shipment.public_id,
            later(Shipment.due_on, literal(DAY_S)),
            Shipment.client_id,
            Rma.fault_id,
            Rma.account_id,
            key,
            key,
            literal(1, Integer),
            key,
        )
        .join(Rma, Rma.id == Shipment.rma_id)
        .where(
            Shipment.direction == literal_column("'to_us'"),  # as its index has them
            Shipment.state.in_((literal_column("'expected'"), literal_column("'in_transit'"))),
            Shipment.due_on < now.date(),
        )
    )
    # Where the unit has left under the number, its last day matters no more.
    left = Shipment.state.in_((ShipmentState.IN_TRANSIT, *shipments.INSPECTED))
    is_back = (Shipment.rma_id == Rma.id, Shipment.direction == ShipmentDirection.TO_VENDOR)
    numbers = select(
        case(
            (Rma.state == RmaState.EXPIRED, literal(OtherKind.NUMBER_ENDED.value, String)),
            else_=literal(OtherKind.NUMBER_ENDS.value, String),
        ),
        Rma.public_id,
        later(Rma.expires_on, literal(DAY_S)),
        Rma.client_id,
        Rma.fault_id,
        Rma.account_id,
        key,
        key,
        literal(1, Integer),
        key,
    ).where(
        Rma.expires_on <= (now + RETURN_SEEN).date(),
        Rma.state.in_((RmaState.AUTHORIZED, RmaState.EXPIRED)),
        ~select(Shipment.id).where(*is_back, left).exists(),
    )
    at_the_gate = [
        select(
            literal(kind.value, String),
            func.coalesce(_site.public_id, _client.public_id),
            func.min(_unit.created_at),
            _unit.client_id,
            key,
            key,
            key,
            key,
            cast(func.count(), Integer),
            key,
        )
        .join(_client, _client.id == _unit.client_id)
        .outerjoin(_site, _site.id == _unit.site_id)
        .where(_WAITS, _unit.state == state)
        .group_by(_unit.client_id, _client.public_id, _site.public_id)
        for kind, state in _GATE.items()
    ]
    left_over = select(
        literal(OtherKind.LEFT_OVER.value, String), Coverage.public_id, Coverage.left_over_since, Coverage.client_id,
        key, key, key, key, literal(1, Integer), Coverage.asset_id,
    ).where(
        Coverage.left_over_since.is_not(None),
        Coverage.state == CoverageState.ACTIVE,
        or_(Coverage.ends_on.is_(None), Coverage.ends_on >= now.date()),
    )  # fmt: skip
    return union_all(tasks, approvals, returns, look_ups, late, numbers, *at_the_gate, left_over).subquery("work")


def _joined(query: Any, work: Subquery) -> Any:
    return (
        query.select_from(work)
        .outerjoin(Fault, Fault.id == work.c.fault_id)
        .outerjoin(Client, Client.id == work.c.client_id)
        .outerjoin(Asset, Asset.id == func.coalesce(work.c.unit_id, Fault.asset_id))
        .outerjoin(Product, Product.id == Asset.product_id)
        .outerjoin(VendorAccount, VendorAccount.id == work.c.account_id)
        .outerjoin(AdHocJob, AdHocJob.id == work.c.job_id)
        .outerjoin(_parcel, and_(work.c.kind == OtherKind.RETURN.value, _parcel.public_id == work.c.key))
        .outerjoin(VendorReturn, VendorReturn.shipment_id == _parcel.id)
    )


def _due(work: Subquery) -> ColumnElement[datetime]:
    """When a row is late: the hours of its kind after it came up, fewer where the fault is a grave one."""
    is_grave = Fault.severity <= 2
    spans = {}
    for kind, rule in RULES.items():
        hours = case((is_grave, rule.urgent_hours), else_=rule.hours) if rule.urgent_hours != rule.hours else rule.hours
        spans[kind.value] = hours * literal(HOUR_S)
    return later(work.c.since, case(spans, value=work.c.kind, else_=literal(0)))


def _of(*risks: Risk) -> list[str]:
    return [kind.value for kind, rule in RULES.items() if rule.risk in risks]


def _minor(work: Subquery) -> ColumnElement[int | None]:
    """What is at risk, in minor units; null where nothing is, or nobody knows."""
    amount = (JobLine.unit_price_minor * JobLine.quantity_hundredths + 50) // 100  # as ``jobs.amount_minor`` rounds
    quote = select(func.sum(amount)).where(JobLine.job_id == work.c.job_id, JobLine.payer == Party.CLIENT)
    return case(
        (work.c.kind.in_(_of(Risk.NONE)), None),
        (work.c.kind.in_(_of(Risk.QUOTE)), cast(quote.correlate(work).scalar_subquery(), BigInteger)),
        else_=func.coalesce(VendorReturn.charge_minor, Product.list_price_minor),
    )


def _currency() -> ColumnElement[str | None]:
    return func.coalesce(AdHocJob.currency, VendorReturn.currency, Product.currency)


def _which(filters: Filters, work: Subquery, clock: Clock) -> list[ColumnElement[bool]]:
    which: list[ColumnElement[bool]] = []
    if filters.kind is not None:
        which.append(work.c.kind == filters.kind.value)
    if filters.client is not None:
        which.append(Client.public_id == filters.client)
    if filters.vendor is not None:
        which.append(VendorAccount.public_id == filters.vendor)
    if filters.owner is not None:
        which.append(of_owner(filters.owner, clock))
    return which


def of_owner(owner: UUID | Whose, clock: Clock) -> ColumnElement[bool]:
    """The cases of somebody; of oneself also those of whom one stands in for."""
    match owner:
        case Whose.ME:
            return owners.looked_after_by(clock.user_id, clock.now)
        case Whose.NOBODY:
            return Fault.owner_id.is_(None)
        case _:
            return Fault.owner_id == select(User.id).where(User.public_id == owner).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Choices:
    """What lists can be filtered by: public ids with names, by name.

    Read with them: the board's ``version``, and how many things wait for a person.
    """

    clients: tuple[tuple[UUID, str], ...]
    vendors: tuple[tuple[UUID, str], ...]
    owners: tuple[tuple[UUID, str], ...]
    version: str
    waiting: int


MOST_CHOICES = 500


def choices(session: Session, now: datetime) -> Choices:
    """Every client, vendor account, and colleague who can look after a case, and what is read with them; one statement."""
    named = func.coalesce(func.nullif(User.name, ""), User.email)
    parts = (
        select(literal(0).label("part"), Client.public_id.label("key"), Client.name.label("name")),
        select(literal(1), VendorAccount.public_id, VendorAccount.name),
        select(literal(2), User.public_id, named).where(User.role.in_(owners.HANDLERS), User.deactivated_at.is_(None)),
        select(literal(3), cast(null(), User.public_id.type), _version()),
        select(literal(4), cast(null(), User.public_id.type), cast(count_of(now), String)),
    )
    some = union_all(
        *(part.order_by(part.selected_columns[2]).limit(MOST_CHOICES).subquery().select() for part in parts)
    )
    found: dict[int, list[tuple[UUID, str]]] = {part: [] for part in range(len(parts))}
    for part, key, name in session.execute(some):
        found[part].append((key, name))
    clients, vendors, colleagues = (tuple(sorted(found[part], key=lambda one: one[1].casefold())) for part in range(3))
    [(_, version_)], [(_, waiting)] = found[3], found[4]
    return Choices(clients, vendors, colleagues, version=version_, waiting=int(waiting))


def _version() -> ColumnElement[str]:
    waiting = select(func.count()).select_from(HumanTask).where(UNRESOLVED).scalar_subquery()
    newest = select(func.coalesce(func.max(HumanTask.id), 0)).scalar_subquery()
    moved = select(func.coalesce(func.max(AuditRow.id), 0)).scalar_subquery()
    return cast(waiting, String) + "." + cast(newest, String) + "." + cast(moved, String)


def version(session: Session) -> str:
    """A word that changes with everything that the board shows; one statement."""
    return session.scalars(select(_version())).one()


def open_now(session: Session, now: datetime) -> int:
    """How many things wait for a person; one statement."""
    return session.scalar(select(count_of(now))) or 0


def count_of(now: datetime) -> ColumnElement[int]:
    """How many things wait for a person, for a statement that asks other things too."""
    return select(func.count()).select_from(_work(now)).scalar_subquery()


def of_cases(filters: Filters, clock: Clock) -> list[ColumnElement[bool]]:
    """What the same filters mean for a list of cases; of a kind they say nothing there."""
    which: list[ColumnElement[bool]] = []
    if filters.client is not None:
        which.append(Fault.client_id == select(_client.id).where(_client.public_id == filters.client).scalar_subquery())
    if filters.vendor is not None:
        account = select(_account.id).where(_account.public_id == filters.vendor).scalar_subquery()
        which.append(Fault.id.in_(select(_rma.fault_id).where(_rma.account_id == account)))
    if filters.owner is not None:
        which.append(of_owner(filters.owner, clock))
    return which


# The list of cases reads these tables too, each for the row itself.
_client, _account, _rma, _parcel = aliased(Client), aliased(VendorAccount), aliased(Rma), aliased(Shipment)
_site, _unit = aliased(Site), aliased(Asset)
_WAITS = _unit.state.in_([literal_column(f"'{state}'") for state in _GATE.values()])  # as its index has it
