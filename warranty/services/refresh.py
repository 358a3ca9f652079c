"""Which units vendors are asked about: those that somebody names, and by itself those whose evidence would grow stale.

Look-ups are ordered by account, a vendor's batch or a few in each order. A unit whose look-up is ordered already is not
ordered again. What is ordered by itself is a little at a time and nothing while an account has such orders waiting, so
that no account ever has more than one series of them; what a fault waits for goes before them all (``work.pick_due``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, text, true
from sqlalchemy.orm import selectinload

from vendors.contract import Duty
from vendors.errors import VendorError
from warranty import db
from warranty.crypto import CannotDecrypt
from warranty.domain.terms import AssetState
from warranty.models import Asset, Client, Coverage, LookUpRun, Product, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import accounts, leases, work
from warranty.services.estate import serial_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime
    from warranty.services.moves import Because
    from warranty.services.records import Document

LEASE = "refresh"
RHYTHM_S = 300.0
PER_TURN = 1_000
"""Units of one account that are ordered at a time: of 100,000 units all come round within a day and a half."""

FRESH_PART = 0.8
"""Of the time for which a client's policy takes evidence: after it the vendor is asked again, so that decisions find it fresh."""

ENDS_SOON = timedelta(days=30)
ENDS_SOON_FRESH = timedelta(days=7)
"""Cover that ends so soon may have been renewed: it is asked for again after so long."""

FAILED_FRESH = timedelta(days=1)

UNITS_OF_AN_ORDER = 20
"""Where a vendor takes fewer in a call, an order makes several calls."""

GONE = frozenset(
    {
        AssetState.REPLACED,
        AssetState.RETURNED_TO_VENDOR,
        AssetState.RETAINED_MEDIA,
        AssetState.DECOMMISSIONED,
        AssetState.DISPOSED,
        AssetState.LOST,
        AssetState.STOLEN,
    }
)
"""Units that no vendor is asked about unless somebody names them."""

CHUNK = 10_000

_IS_LOOKED_UP = text("coverage.vendor_line IS NOT NULL AND coverage.state <> 'superseded'")  # as the index says it


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A serial number that no vendor is asked about, and why."""

    serial_number: str
    why: str


@dataclass(slots=True)
class Asked:
    """What came of a wish: the run, and who is not in it: ``left_out`` by name, ``without_account`` in number."""

    run: LookUpRun
    by_account: dict[str, int] = field(default_factory=dict)
    already: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    without_account: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in units. ``held``: their account waits for a person; ``troubles`` says why some are not answered."""

    units: int
    answered: int
    failed: int
    waiting: int
    held: int
    troubles: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return not self.waiting


# --- what somebody wants ---


def ask_named(
    session: Session, runtime: Runtime, serial_numbers: Iterable[str], *, client: Client | None, because: Because
) -> Asked:
    """Order look-ups of units by their serial numbers; one that several units have means all of them."""
    said = {serial_key(number): number for number in serial_numbers}
    answered: set[str] = set()
    left_out: list[LeftOut] = []
    registry = _Registry.read(session)
    wanted: dict[int, list[int]] = defaultdict(list)
    keys = list(said)
    for start in range(0, len(keys), CHUNK):
        named = db.among(session, Asset.serial_key, keys[start : start + CHUNK])
        for unit in session.execute(_units(client).where(named)):
            answered.add(unit.serial_key)
            account = registry.account_of(unit)
            if isinstance(account, str):
                left_out.append(LeftOut(unit.serial_number, account))
            else:
                wanted[account.id].append(unit.id)
    whose = "" if client is None else f" of {client.name}"
    unknown = [LeftOut(said[key], f"No unit{whose} has this serial number.") for key in keys if key not in answered]
    asked = _order(session, runtime, registry, wanted, because)
    asked.left_out = unknown + left_out
    return asked


class NobodyToAsk(Exception):
    """No account looks this unit up; the message says why."""


def ask_unit(session: Session, runtime: Runtime, asset: Asset, *, because: Because) -> Asked:
    """Order a look-up of one unit; where one is ordered already, the run has that.

    Raises:
        NobodyToAsk: nobody can be asked.
    """
    registry = _Registry.read(session)
    account = registry.account_of(session.execute(_units(None).where(Asset.id == asset.id)).one())
    if isinstance(account, str):
        raise NobodyToAsk(account)
    return _order(session, runtime, registry, {account.id: [asset.id]}, because)


def ask_stale(
    session: Session, runtime: Runtime, *, client: Client | None, stale_days: int | None, because: Because
) -> Asked:
    """Order look-ups of all units in use whose evidence is older than ``stale_days``, or than their client's policy takes.

    A unit that was never asked about, or of which the last look-up failed, is stale; with 0 days every unit is.
    """
    registry = _Registry.read(session)
    wanted: dict[int, list[int]] = defaultdict(list)
    without = 0
    query = _units(client).where(Asset.state.not_in(GONE), _is_stale(session, because.at, stale_days))
    for unit in session.execute(query.execution_options(yield_per=CHUNK)):
        account = registry.account_of(unit)
        if isinstance(account, str):
            without += 1
        else:
            wanted[account.id].append(unit.id)
    asked = _order(session, runtime, registry, wanted, because)
    asked.without_account = without
    return asked


def _units(client: Client | None) -> Any:
    query = (
        select(
            Asset.id,
            Asset.serial_number,
            Asset.serial_key,
            Asset.client_id,
            Product.manufacturer,
            Product.manufacturer_key,
        )
        .outerjoin(Product, Product.id == Asset.product_id)
        .order_by(Asset.id)
    )
    return query if client is None else query.where(Asset.client_id == client.id)


def _is_stale(session: Session, now: datetime, stale_days: int | None) -> ColumnElement[bool]:
    if stale_days == 0:
        return true()
    older = (
        [Asset.lookup_at < now - timedelta(days=stale_days)]
        if stale_days is not None
        else [
            and_(_of(clients), Asset.lookup_at < now - timedelta(days=days))
            for days, clients in _freshness(session).items()
        ]
    )
    return or_(Asset.lookup_at.is_(None), Asset.lookup_error.is_not(None), *older)


def _freshness(session: Session) -> dict[int, frozenset[int] | None]:
    """For how many days evidence is good, and for whose units; null: for everybody's."""
    days = {row.id: row.policy["evidence_freshness_days"] for row in session.execute(select(Client.id, Client.policy))}
    clients: dict[int, set[int]] = {}
    for client_id, number in days.items():
        clients.setdefault(number, set()).add(client_id)
    if len(clients) == 1:
        return dict.fromkeys(clients)
    return {number: frozenset(ids) for number, ids in clients.items()}


def _of(clients: frozenset[int] | None) -> ColumnElement[bool]:
    return true() if clients is None else Asset.client_id.in_(clients)


# --- which account ---


@dataclass(frozen=True, slots=True)
class _Registry:
    """Every account that looks up, and the ones that serve each maker, whether or not they are switched off."""

    accounts: dict[int, VendorAccount]
    by_maker: dict[str, list[VendorAccount]]

    @classmethod
    def read(cls, session: Session) -> _Registry:
        """Read them; two statements."""
        query = select(VendorAccount).options(selectinload(VendorAccount.makers)).order_by(VendorAccount.id)
        found = {row.id: row for row in session.scalars(query) if Duty.LOOKUP in row.duties}
        by_maker: dict[str, list[VendorAccount]] = {}
        for account in found.values():
            for maker in account.makers:
                by_maker.setdefault(maker.manufacturer_key, []).append(account)
        return cls(found, by_maker)

    def account_of(self, unit: Row[Any]) -> VendorAccount | str:
        """Who is asked about a unit, or why nobody is."""
        if unit.manufacturer_key is None:
            return "Its product is not known, so no vendor can be asked: say what it is."
        serving = self.by_maker.get(unit.manufacturer_key, [])
        found = accounts.choose(serving, Duty.LOOKUP, unit.client_id)
        if found is not None:
            return found
        off = [account for account in serving if account.client_id in {None, unit.client_id}]
        if off:
            return f"The account {off[0].name} is switched off: switch it on to ask."
        return f"No vendor account looks up units of {unit.manufacturer}: add one."

    def served_by(self, account: VendorAccount) -> ColumnElement[bool]:
        """Whether it is this account that is asked about a unit, for a query on units and their products."""
        ways = []
        for maker in account.makers:
            key = maker.manufacturer_key
            able = [one for one in self.by_maker[key] if one.switched_off_at is None]
            own = {one.client_id for one in able if one.client_id is not None}
            if account.client_id is not None:
                clients: ColumnElement[bool] = Asset.client_id == account.client_id
            else:
                clients = Asset.client_id.not_in(own) if own else true()
            if (
                next((one for one in able if one.client_id == account.client_id), None) is account
            ):  # else an older one is
                ways.append(and_(Product.manufacturer_key == key, clients))
        return or_(false(), *ways)


# --- ordering ---


def _order(
    session: Session, runtime: Runtime, registry: _Registry, wanted: Mapping[int, Sequence[int]], because: Because
) -> Asked:
    """Order what is not ordered yet; the run has all of it."""
    leases.hold(session, LEASE)  # two who want the same at once order it once
    run = LookUpRun(actor=because.actor, created_at=because.at, units=0, orders={})
    session.add(run)
    session.flush()
    asked = Asked(run)
    before = _ordered(session, wanted)
    orders: dict[str, int] = {}
    for account_id, ids in wanted.items():
        standing = [before[id_] for id_ in ids if id_ in before]
        for order_id in standing:
            orders[str(order_id)] = orders.get(str(order_id), 0) + 1
        asked.already += len(standing)
        new = [id_ for id_ in ids if id_ not in before]
        account = registry.accounts[account_id]
        made = _order_batches(session, runtime, account, new, because.at, run=str(run.public_id))
        orders |= {str(order_id): count for order_id, count in made.items()}
        asked.by_account[account.name] = len(ids)
    run.orders, run.units = orders, sum(orders.values())
    return asked


def _ordered(session: Session, account_ids: Iterable[int]) -> dict[int, int]:
    """The units whose look-up is ordered and not over, and their orders."""
    standing = work.standing(session, OrderKind.LOOK_UP, account_ids)
    return {asset_id: row.id for row in standing for asset_id in row.payload["assets"]}


def _order_batches(
    session: Session,
    runtime: Runtime,
    account: VendorAccount,
    asset_ids: Sequence[int],
    now: datetime,
    **more: Any,
) -> dict[int, int]:
    """The new orders, and how many units each has."""
    size = _batch_size(runtime, account)
    batches = [list(asset_ids[start : start + size]) for start in range(0, len(asset_ids), size)]
    payloads = [{"assets": batch, **more} for batch in batches]
    keys = work.add_many(session, OrderKind.LOOK_UP, payloads, account_id=account.id, now=now)
    return {key: len(batch) for key, batch in zip(keys, batches, strict=True)}


def _batch_size(runtime: Runtime, account: VendorAccount) -> int:
    try:
        size = accounts.capabilities(runtime, account).batch_size
    except (VendorError, CannotDecrypt):  # whoever does the order says so, and a person mends it
        size = 1
    return size * max(1, UNITS_OF_AN_ORDER // size)


# --- how far it is ---


def progress(session: Session, run: LookUpRun) -> Progress:
    """How far a run is; one statement."""
    counts: dict[str, int] = dict.fromkeys(("waiting", "held", "failed"), 0)
    troubles: dict[str, None] = {}
    for row in work.states(session, [int(key) for key in run.orders]):
        units, failed = run.orders[str(row.id)], row.payload.get("failed", 0)
        left = min(units, len(row.payload["assets"]))
        counts["failed"] += min(units - left, failed)
        if row.status is not OrderStatus.DONE:
            where = {OrderStatus.PENDING: "waiting", OrderStatus.PARKED: "held", OrderStatus.DEAD: "failed"}
            counts[where[row.status]] += left
            if row.error:
                troubles[row.error] = None
    return Progress(units=run.units, answered=run.units - sum(counts.values()), troubles=tuple(troubles), **counts)


def find_run(session: Session, public_id: UUID) -> LookUpRun:
    """A run by its id."""
    return session.scalars(select(LookUpRun).where(LookUpRun.public_id == public_id)).one()


def document(run: LookUpRun, how: Progress) -> Document:
    """A run as programs see it."""
    return {
        "id": run.public_id,
        "state": "waiting" if how.waiting else "held" if how.held else "done",
        "created_at": run.created_at,
        **asdict(how),
    }


# --- what is due by itself ---


def order_due(session: Session, runtime: Runtime) -> None:
    """Order what is due, for every account that has nothing of the kind waiting, if the rhythm has come round.

    First the units that nobody was ever asked about, then cover that ends soon, then the stalest evidence before a policy
    takes it no more, then what failed.
    """
    if not leases.take(session, LEASE, rhythm_s=RHYTHM_S, first_s=RHYTHM_S):
        return
    now = db.now(session)
    registry = _Registry.read(session)
    busy = {
        row.account_id for row in work.standing(session, OrderKind.LOOK_UP, registry.accounts) if row.fault_id is None
    }
    freshness = _freshness(session)
    for account in registry.accounts.values():
        if account.id not in busy and account.switched_off_at is None and account.makers:
            chosen = _choose(session, registry.served_by(account), freshness, now)
            _order_batches(session, runtime, account, chosen, now)


def _choose(
    session: Session, is_served: ColumnElement[bool], freshness: Mapping[int, frozenset[int] | None], now: datetime
) -> list[int]:
    chosen: dict[int, None] = {}
    for query in _due(is_served, freshness, now):
        if len(chosen) < PER_TURN:
            found = session.scalars(query.limit(PER_TURN))
            chosen |= dict.fromkeys(found)
    return list(chosen)[:PER_TURN]


def _due(
    is_served: ColumnElement[bool], freshness: Mapping[int, frozenset[int] | None], now: datetime
) -> Iterator[Any]:
    """Units to ask about, the most urgent first; each query begins at an index."""
    units = select(Asset.id).join(Product, Product.id == Asset.product_id).where(is_served, Asset.state.not_in(GONE))
    yield units.where(Asset.lookup_at.is_(None))
    today = now.date()
    soon = (
        units.join(Coverage, Coverage.asset_id == Asset.id)
        .where(_IS_LOOKED_UP, Coverage.ends_on.between(today, today + ENDS_SOON))
        .where(Asset.lookup_at < now - ENDS_SOON_FRESH)
        .group_by(Asset.id)
    )
    yield soon.order_by(func.min(Coverage.ends_on), Asset.lookup_at)
    for days, clients in sorted(freshness.items()):
        stale = Asset.lookup_at < now - FRESH_PART * timedelta(days=days)
        yield units.where(stale, _of(clients)).order_by(Asset.lookup_at)
    failed = Asset.lookup_error.is_not(None), Asset.lookup_at < now - FAILED_FRESH
    yield units.where(*failed).order_by(Asset.lookup_at)
