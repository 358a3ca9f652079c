"""A contract as a whole: what it promises to how many units, what rests on it, and its promises changed together.

One promise at a time is ``services.estate``'s; here are the questions and the changes that are about many.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, or_, select

from warranty.domain.coverage import Verdict
from warranty.domain.lifecycles import FAULT_OVER
from warranty.domain.terms import CoverageState, EvidenceSource, ScopeKind, Share
from warranty.models import Asset, Client, Contract, Coverage, Fault, Product, StoredVerdict
from warranty.services import cover, estate, keyset, renewals
from warranty.services.estate import Invalid
from warranty.services.renewals import Promise, Worth

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

STANDING = (CoverageState.ACTIVE, CoverageState.SUSPENDED)
"""The states of promises that can still be changed together; what is void, cancelled or superseded is over."""

MOST_AT_ONCE = 500


# --- how contracts stand ---


@dataclass(slots=True)
class Totals:
    """What a contract promises: how many promises stand, how many have ended or are over, between which days, for how much.

    ``worth`` is that of those that stand and have not ended. ``is_endless``: one of them has no end.
    """

    running: int = 0
    ended: int = 0
    over: int = 0
    first_end: date | None = None
    last_end: date | None = None
    is_endless: bool = False
    worth: Worth = field(default_factory=Worth)


def totals(session: Session, contract_ids: Collection[int], *, today: date) -> dict[int, Totals]:
    """How each of these contracts stands; one statement."""
    found = {key: Totals() for key in contract_ids}
    if not found:
        return found
    stands = Coverage.state.in_(STANDING)
    sort = case(
        (and_(stands, or_(Coverage.ends_on.is_(None), Coverage.ends_on >= today)), "running"),
        (stands, "ended"),
        else_="over",
    ).label("sort")
    query = (
        select(
            Coverage.contract_id,
            sort,
            Coverage.currency,
            func.count(),
            func.count(Coverage.ends_on),
            func.min(Coverage.ends_on),
            func.max(Coverage.ends_on),
            func.count(Coverage.price_minor),
            func.coalesce(func.sum(Coverage.price_minor), 0),
        )
        .where(Coverage.contract_id.in_(found))
        .group_by(Coverage.contract_id, sort, Coverage.currency)
    )
    for key, which, currency, count, ending, first, last, priced, minor in session.execute(query):
        one = found[key]
        setattr(one, which, getattr(one, which) + count)
        if which == "running":
            one.is_endless |= ending < count
            one.first_end = min(filter(None, (one.first_end, first)), default=None)
            one.last_end = max(filter(None, (one.last_end, last)), default=None)
            one.worth.add(Worth(count, {currency: int(minor)} if priced else {}, count - priced))
    return found


def listed(
    session: Session, *, search: str = "", client: UUID | None = None, after: UUID | None = None, limit: int
) -> tuple[list[tuple[Contract, Client]], UUID | None]:
    """Contracts by number, and the id after which the next page begins; one statement."""
    query = select(Contract, Client).join(Client, Client.id == Contract.client_id)
    if search:
        query = query.where(
            or_(*(column.icontains(search, autoescape=True) for column in (Contract.number, Contract.name)))
        )
    if client is not None:
        query = query.where(Contract.client_id == select(Client.id).where(Client.public_id == client).scalar_subquery())
    rows, last = keyset.page(session, query, table=Contract, order=(Contract.number,), after=after, limit=limit)
    return [(contract, owner) for contract, owner in rows], last


def promises(
    session: Session, contract: Contract, *, after: UUID | None = None, limit: int
) -> tuple[list[Promise], UUID | None]:
    """What a contract promises, in the order in which it was written down; one statement."""
    query = renewals.with_places().where(Coverage.contract_id == contract.id)
    rows, last = keyset.page(session, query, table=Coverage, after=after, limit=limit)
    return [Promise(*row) for row in rows], last


@dataclass(frozen=True, slots=True)
class Reach:
    """Of how many units of the client that are in use a contract covers how many today."""

    covered: int
    units: int


def reach(session: Session, contract: Contract, *, now: datetime) -> Reach:
    """How far a contract reaches; two statements."""
    holds = cover.by_contract(session, contract, now=now)
    counts = select(func.count(case((holds, 1))), func.count()).select_from(Asset).where(*_in_use(contract))
    return Reach(*session.execute(counts).one())


def units(
    session: Session,
    contract: Contract,
    *,
    is_covered: bool,
    now: datetime,
    after: UUID | None = None,
    limit: int,
) -> tuple[list[tuple[Asset, Product | None]], UUID | None]:
    """The client's units in use that a contract covers today, or those that it does not; two statements."""
    holds = cover.by_contract(session, contract, now=now)
    query = select(Asset, Product).outerjoin(Product, Product.id == Asset.product_id).where(*_in_use(contract))
    query = query.where(holds if is_covered else ~holds)
    rows, last = keyset.page(session, query, table=Asset, order=(Asset.serial_key,), after=after, limit=limit)
    return [(asset, product) for asset, product in rows], last


def _in_use(contract: Contract) -> tuple[Any, ...]:
    return Asset.client_id == contract.client_id, Asset.state.not_in(renewals.OUT_OF_USE)


# --- units added together ---


def add_units(
    session: Session,
    contract: Contract,
    ends: dict[str, date | None],
    *,
    because: Because,
    **facts: Any,
) -> int:
    """Promise the same to many units of the client, each until its own day; how many they were.

    Args:
        ends: by serial number, the last day that is covered; null is no end.
        facts: what else is promised, as for ``estate.add_coverage``.

    Raises:
        Invalid: ``serials``, naming those that are no unit of the client or several; or a fact that cannot be taken.
    """
    keys = {estate.serial_key(serial): serial for serial in ends}
    query = select(Asset).where(Asset.client_id == contract.client_id, Asset.serial_key.in_(keys))
    found: dict[str, list[Asset]] = {key: [] for key in keys}
    for asset in session.scalars(query.order_by(Asset.id)):
        if asset.state not in renewals.OUT_OF_USE:
            found[asset.serial_key].append(asset)
    unclear = [keys[key] for key, assets in found.items() if len(assets) != 1]
    if unclear:
        raise Invalid("serials", ", ".join(unclear))
    made = [
        estate.new_coverage(
            client_id=contract.client_id,
            scope=ScopeKind.ASSET,
            target_id=found[key][0].id,
            contract_id=contract.id,
            contract_number=contract.number,
            ends_on=ends[serial],
            excluded_causes=(),
            excluded_components=(),
            claims_used=0,
            **facts,
        )
        for key, serial in keys.items()
    ]
    estate.register_coverages(session, made, because=because)
    return len(made)


# --- promises changed together ---


def chosen(session: Session, contract: Contract, ids: Collection[UUID] = (), *, lock: bool = False) -> list[Promise]:
    """The promises of a contract that stand and have these ids, without ids all that stand; in the order of their ends."""
    query = renewals.with_places().where(Coverage.contract_id == contract.id, Coverage.state.in_(STANDING))
    if ids:
        query = query.where(Coverage.public_id.in_(ids))
    if lock:
        query = query.with_for_update(of=Coverage).execution_options(populate_existing=True)
    # In one order, so that two callers do not wait for each other.
    found = [Promise(*row) for row in session.execute(query.order_by(Coverage.id)).all()]
    return sorted(found, key=lambda one: (one.coverage.ends_on is None, one.coverage.ends_on, one.coverage.id))


def version(promises: Iterable[Promise], cases: Iterable[Resting] = ()) -> str:
    """A digest of what a person saw before they changed it: the promises as they stood, and what rested on them."""
    said = [
        f"{one.coverage.public_id} {one.coverage.state} {one.coverage.starts_on} {one.coverage.ends_on}"
        for one in promises
    ]
    said += [f"{one.fault.public_id} {','.join(one.shares)}" for one in cases]
    return hashlib.sha256("\n".join(sorted(said)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Resting:
    """An open case whose verdict rests on a promise: which shares it awarded."""

    fault: Fault
    shares: tuple[Share, ...]


def resting(session: Session, contract: Contract, promises: Iterable[Promise]) -> list[Resting]:
    """The open cases whose verdict as it stands awards a share to one of these promises; one statement."""
    ids = {str(one.coverage.public_id) for one in promises}
    newest = (
        select(StoredVerdict.verdict_document)
        .where(StoredVerdict.fault_id == Fault.id)
        .order_by(StoredVerdict.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(Fault, newest).where(Fault.client_id == contract.client_id, Fault.state.not_in(FAULT_OVER))
    found = []
    for fault, document in session.execute(query.order_by(Fault.id)):
        awards = Verdict.from_json(document).awards if document else None
        shares = tuple(share for share in Share if awards and getattr(awards, share) in ids)
        if shares:
            found.append(Resting(fault, shares))
    return found


def void(session: Session, promises: Sequence[Promise], *, because: Because) -> None:
    """Let promises, whose rows are locked, be void from now on. No verdict changes by it; the next decision asks anew."""
    for one in promises:
        estate.correct_coverage(session, one.coverage, state=CoverageState.VOIDED, because=because)


@dataclass(frozen=True, slots=True)
class Shift:
    """What becomes of one promise where many get one end. ``days`` more are covered, or fewer; null where it had no end.

    ``begins_later``: it begins after that day and stays as it is. ``is_looked_up``: the vendor's next answer sets it back.
    ``more_minor``: what the days are worth by the price of the term; null where there is none.
    """

    promise: Promise
    days: int | None
    begins_later: bool
    is_looked_up: bool
    more_minor: int | None


def shifts(promises: Sequence[Promise], day: date) -> list[Shift]:
    """What becomes of each promise where all of them end on one day; those that do already are left out."""
    return [_shift(one, day) for one in promises if one.coverage.ends_on != day]


def _shift(promise: Promise, day: date) -> Shift:
    coverage = promise.coverage
    days = None if coverage.ends_on is None else (day - coverage.ends_on).days
    begins_later = coverage.starts_on > day
    more = None
    if coverage.price_minor is not None and coverage.ends_on is not None and days is not None and not begins_later:
        term = (coverage.ends_on - coverage.starts_on).days + 1
        more = round(coverage.price_minor * days / term)
    return Shift(promise, days, begins_later, coverage.evidence_source is EvidenceSource.VENDOR_LOOKUP, more)


def more_of(shifts: Iterable[Shift]) -> Worth:
    """What the days that come and go are worth together, by currency; those without a price are counted."""
    whole = Worth()
    for one in shifts:
        if not one.begins_later:
            priced = {} if one.more_minor is None else {one.promise.coverage.currency: one.more_minor}
            whole.add(Worth(1, priced, not priced))
    return whole


def co_term(session: Session, promises: Sequence[Promise], day: date, *, because: Because) -> int:
    """Let promises, whose rows are locked, end on one day; how many changed. Prices stay as they are written."""
    changed = [one for one in shifts(promises, day) if not one.begins_later]
    for one in changed:
        estate.correct_coverage(session, one.promise.coverage, ends_on=day, because=because)
    return len(changed)
