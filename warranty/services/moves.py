"""The only writer of states. A move asks the life cycle's table, changes the row only if nobody else did first, and leaves a row.

``because`` says who, why and when; it becomes the audit row that the timeline shows.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, event, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from warranty import db
from warranty.domain import lifecycles
from warranty.domain.lifecycles import JobState, ShipmentDirection, ShipmentState, SwapState
from warranty.domain.terms import AssetState
from warranty.models import (
    AcceptedDifference,
    AdHocJob,
    Asset,
    AuditChain,
    AuditRow,
    BusinessCalendar,
    Client,
    Contract,
    Coverage,
    Fault,
    Loan,
    News,
    ParityCertificate,
    Person,
    Product,
    Rma,
    SavedView,
    Shipment,
    Site,
    Snapshot,
    StockLocation,
    StockUnit,
    Swap,
    User,
    VendorAccount,
)
from warranty.services import gates, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from enum import StrEnum

Record = Fault | Rma | Shipment | Swap | AdHocJob | Asset | StockUnit
Stateless = (
    Client
    | Site
    | Person
    | Product
    | Contract
    | Coverage
    | StockLocation
    | User
    | VendorAccount
    | AuditChain
    | SavedView
    | Snapshot
    | AcceptedDifference
    | ParityCertificate
    | Loan
    | BusinessCalendar
)
"""What has no life cycle, and leaves rows all the same when it is added or changed."""


class IllegalMove(Exception):
    """The life cycle has no such move from the state that the record is in."""


class Raced(Exception):
    """Somebody else moved the record first; read it again."""


@dataclass(frozen=True, slots=True)
class Because:
    """Who moves what, why, and when. ``actor`` is a pseudonym: ``user:<id>``, ``vendor:<id>`` or ``system:<part>``."""

    actor: str
    reason: str
    at: datetime
    fault_id: int | None = None
    vendor_status: str | None = None


def born(session: Session, record: Record, path: Sequence[StrEnum], because: Because) -> None:
    """Write down how a record that was just added (and flushed) came to its first state, a row for each state on the way."""
    for old, new in zip((None, *path), path, strict=False):
        _note(session, record, old, new, because)


def born_many(
    session: Session, table: type[Record], newborn: Iterable[tuple[int, int, Sequence[StrEnum]]], because: Because
) -> None:
    """As ``born`` for many rows of one table, each by its key, its client's key and its way: no object is made for any."""
    unwritten = session.info.setdefault(_UNWRITTEN, [])
    common = _of_many(table, "move", because)
    for key, client_id, path in newborn:
        for old, new in zip((None, *path), path, strict=False):
            states = {"record_id": key, "client_id": client_id, "old_state": old, "new_state": new}
            unwritten.append(common | states)


def note_many(
    session: Session,
    table: type[Record | Stateless],
    rows: Iterable[tuple[int, int | None]],
    action: str,
    because: Because,
) -> None:
    """As ``note`` for many rows of one table, each by its key and its client's."""
    unwritten = session.info.setdefault(_UNWRITTEN, [])
    common = _of_many(table, action, because) | {"old_state": None, "new_state": None}
    unwritten.extend(common | {"record_id": key, "client_id": client_id} for key, client_id in rows)


def _of_many(table: type[Record | Stateless], action: str, because: Because) -> dict[str, Any]:
    return {
        "at": because.at,
        "actor": because.actor,
        "action": action,
        "record": _NAMES[table],
        "fault_id": because.fault_id,
        "reason": because.reason,
        "vendor_status": because.vendor_status,
        "detail": None,
    }


def take_back(session: Session, unit: Asset, to: AssetState, because: Because) -> None:
    """Give a unit the state back that an import found it in, now that the import is undone: the one move of no life cycle.

    Raises:
        Raced: the unit was no longer in the state that was read.
    """
    old = unit.state
    changed = session.execute(
        update(Asset).where(Asset.id == unit.id, Asset.state == old).values(state=to),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Raced(f"asset {unit.public_id} is no longer {old}.")
    set_committed_value(unit, "state", to)
    _note(session, unit, old, to, because)


def move(session: Session, record: Record, to: StrEnum, because: Because, **also: Any) -> None:
    """Make one change of state, and with it those of the columns in ``also`` that the new state is nothing without.

    Raises:
        IllegalMove: the table has no such move.
        Raced: the row was no longer in the state that was read.
    """
    walk(session, record, [to], because, **also)


def walk(
    session: Session, record: Record, path: Sequence[StrEnum], because: Because, *, implied: int = 0, **also: Any
) -> None:
    """Make several changes in one statement, a row for each; the first ``implied`` of them carry the reason ``implied``."""
    moves = _moves_of(record)
    old: Any = record.state
    states = [old, *path]
    for here, there in pairwise(states):
        if there not in moves[here]:
            allowed = ", ".join(sorted(moves[here])) or "none, it is an end"
            said = f"{here} to {there} is no move; allowed: {allowed}."
            raise IllegalMove(f"{_NAMES[type(record)]} {record.public_id}: {said}")
        if isinstance(record, Asset) and (why := gates.refusal(session, record, here, there)):
            others = ", ".join(sorted(moves[here] - {there}))
            raise IllegalMove(f"asset {record.public_id}: {why}; allowed without: {others}.")
    table = type(record)
    with session.no_autoflush:  # what else was changed of the record is written once, with all that follows
        values: dict[str, Any] = {"state": path[-1], **_flags(session, record, path[-1], because.at), **also}
        changed = session.execute(
            update(table).where(table.id == record.id, table.state == old).values(**values),
            execution_options={"synchronize_session": False},
        )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Raced(f"{_NAMES[table]} {record.public_id} is no longer {old}.")
    for key, value in values.items():
        set_committed_value(record, key, value)  # shown on the object without a second UPDATE
    for step, (here, there) in enumerate(pairwise(states)):
        _note(session, record, here, there, because, reason="implied" if step < implied else None, is_news=True)
    if isinstance(record, Swap) and path[-1] is SwapState.VERIFIED:
        _free_component(session, record, because)
    if isinstance(record, Shipment):
        _follow_goods(session, record, path, because)
    if isinstance(record, AdHocJob) and path[-1] is JobState.COMPLETED:
        verdicts.consume_claims(session, record.fault_id, because.at)


def _follow_goods(session: Session, parcel: Shipment, path: Sequence[StrEnum], because: Because) -> None:
    """With the replacement under way the claims are used up; a replaced unit that leaves, or is kept, says so itself."""
    rma = session.get_one(Rma, parcel.rma_id)
    if parcel.direction is ShipmentDirection.TO_US:
        if ShipmentState.IN_TRANSIT in path:
            verdicts.consume_claims(session, rma.fault_id, because.at)
        return
    gone = gone_with(path)
    unit = session.get_one(Asset, rma.asset_id) if gone is not None else None
    if unit is not None and gone is not None and unit.state is AssetState.REPLACED:
        move(session, unit, gone, because)


_LEFT = frozenset({ShipmentState.IN_TRANSIT, ShipmentState.RECEIVED, ShipmentState.ACCEPTED})


def gone_with(states: Iterable[StrEnum]) -> AssetState | None:
    """What has become of a replaced unit whose parcel to the vendor has been in these states; null where it is here still."""
    for state in states:
        if state in _LEFT:
            return AssetState.RETURNED_TO_VENDOR
        if state is ShipmentState.RETAINED:
            return AssetState.RETAINED_MEDIA
    return None


def _free_component(session: Session, swap: Swap, because: Because) -> None:
    """From the verified Swap on, its case no longer holds the component; return and invoice run on."""
    fault_ids = []
    for table, key, extra in ((Rma, swap.rma_id, {"is_open": False}), (AdHocJob, swap.job_id, {})):
        if key is not None:
            owner: Any = session.get_one(table, key)
            fault_ids.append(owner.fault_id)
            _close(session, table, table.id == key, because.at, **extra)
    for fault_id in fault_ids:
        _close(session, Fault, Fault.id == fault_id, because.at)


def hand_to_child(session: Session, parent: Rma, at: datetime) -> None:
    """What was sent for a claim is dead on arrival: the claim made for that holds the component from now on."""
    values = {"is_open": False, "case_closed_at": parent.case_closed_at or at}
    session.execute(
        update(Rma).where(Rma.id == parent.id).values(**values), execution_options={"synchronize_session": "fetch"}
    )


def _close(session: Session, table: Any, which: Any, at: datetime, **extra: Any) -> None:
    session.execute(
        update(table).where(which, table.case_closed_at.is_(None)).values(case_closed_at=at, **extra),
        execution_options={"synchronize_session": "fetch"},
    )


def note(
    session: Session,
    record: Record | Stateless,
    action: str,
    because: Because,
    *,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write down something that moved nothing: a record that was added or changed, a vendor's word, a decision, a report."""
    _note(session, record, None, None, because, action=action, detail=detail)


_NAMES: dict[type, str] = {
    Fault: "fault",
    Rma: "rma",
    Shipment: "shipment",
    Swap: "swap",
    AdHocJob: "job",
    Asset: "asset",
    Client: "client",
    Site: "site",
    Person: "person",
    Product: "product",
    Contract: "contract",
    Coverage: "coverage",
    StockUnit: "stock_unit",
    StockLocation: "stock_location",
    User: "user",
    VendorAccount: "vendor_account",
    AuditChain: "audit_chain",
    SavedView: "saved_view",
    Snapshot: "snapshot",
    AcceptedDifference: "accepted_difference",
    ParityCertificate: "parity_certificate",
    Loan: "loan",
    BusinessCalendar: "business_calendar",
}


def name_of(table: type[Record | Stateless]) -> str:
    """What the register calls the rows of a table."""
    return _NAMES[table]


def _moves_of(record: Record) -> Mapping[Any, frozenset[Any]]:
    match record:
        case Fault():
            return lifecycles.FAULT_MOVES
        case Rma():
            return lifecycles.RMA_MOVES
        case Shipment(direction=ShipmentDirection.TO_US):
            return lifecycles.SHIPMENT_TO_US_MOVES
        case Shipment():
            return lifecycles.SHIPMENT_TO_VENDOR_MOVES
        case Swap():
            return lifecycles.SWAP_MOVES
        case AdHocJob():
            return lifecycles.JOB_MOVES
        case Asset():
            return lifecycles.ASSET_MOVES
        case StockUnit():
            return lifecycles.STOCK_MOVES


def _flags(session: Session, record: Record, to: Any, at: datetime) -> dict[str, Any]:
    """What else a new state says of the row: whether it still holds its component, and since when not."""
    if isinstance(record, Shipment | Swap | Asset | StockUnit):
        return {}
    swap = _newest_swap(session, record)
    flags: dict[str, Any] = {}
    if isinstance(record, Rma):
        child = session.scalars(select(Rma.id).where(Rma.parent_id == record.id).limit(1)).first()
        holds = lifecycles.rma_holds_component(to, swap=swap, has_child=child is not None)
        flags["is_open"] = lifecycles.rma_is_open(to, swap=swap, has_child=child is not None)
    elif isinstance(record, Fault):
        holds = lifecycles.fault_holds_component(to, swap=swap)
    else:
        holds = lifecycles.job_holds_component(to, swap=swap)
    flags["case_closed_at"] = None if holds else (record.case_closed_at or at)
    return flags


def _newest_swap(session: Session, record: Fault | Rma | AdHocJob) -> SwapState | None:
    if isinstance(record, Rma):
        which = Swap.rma_id == record.id
    elif isinstance(record, AdHocJob):
        which = Swap.job_id == record.id
    else:
        rmas = select(Rma.id).where(Rma.fault_id == record.id)
        jobs = select(AdHocJob.id).where(AdHocJob.fault_id == record.id)
        which = Swap.rma_id.in_(rmas) | Swap.job_id.in_(jobs)
    return session.scalars(select(Swap.state).where(which).order_by(Swap.id.desc()).limit(1)).one_or_none()


def _note(
    session: Session,
    record: Record | Stateless,
    old: StrEnum | None,
    new: StrEnum | None,
    because: Because,
    *,
    action: str = "move",
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
    is_news: bool = False,
) -> None:
    fault_id = because.fault_id
    if isinstance(record, Fault):
        fault_id = record.id
    elif isinstance(record, Rma | AdHocJob):
        fault_id = record.fault_id
    session.info.setdefault(_UNWRITTEN, []).append(
        {
            _NEWS: is_news and not isinstance(record, Asset | StockUnit),
            "at": because.at,
            "actor": because.actor,
            "action": action,
            "record": _NAMES[type(record)],
            "record_id": record.id,
            "client_id": record.id if isinstance(record, Client) else getattr(record, "client_id", None),
            "fault_id": fault_id,
            "old_state": old,
            "new_state": new,
            "reason": reason or because.reason,
            "vendor_status": because.vendor_status,
            "detail": dict(detail) if detail is not None else None,
        }
    )


_UNWRITTEN = "unwritten audit rows"
_NEWS = "whether a case moved"


def write_down(session: Session) -> None:
    """Write the rows that this transaction's moves leave, all in one statement: at its end, or before a reader."""
    session.flush()  # they refer to what is flushed here
    rows = session.info.pop(_UNWRITTEN, None)
    if rows:
        moved = {row["fault_id"]: row for row in rows if row.pop(_NEWS, False) and row["fault_id"] is not None}
        db.write(session, AuditRow, *rows)
        marks = (
            {"client_id": row["client_id"], "fault_id": fault_id, "due_at": row["at"]}
            for fault_id, row in moved.items()
        )
        db.write(session, News, *marks)


@contextmanager
def attempt(session: Session) -> Iterator[None]:
    """A part of a transaction that may fail alone: what it wrote is undone, and what it wanted to write down is forgotten."""
    before = list(session.info.get(_UNWRITTEN, ()))
    try:
        with session.begin_nested():
            yield
    except BaseException:
        session.info[_UNWRITTEN] = before
        raise


@event.listens_for(Session, "before_commit")
def _write_down_before_commit(session: Session) -> None:
    if not session.in_nested_transaction():
        write_down(session)
