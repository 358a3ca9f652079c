"""Cover follows the swap: what becomes of every contract and warranty of a unit whose place another one took.

The manufacturer's warranty follows by the vendor's rule, once for a swap; every other coverage waits until a person has it
moved to the new serial, or says that it ends. The new serial is looked up, and a difference is put before a person. The old
serial stops being coverable. Source: domain.md, section 3 ("Coverage after a swap").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from vendors.contract import Duty
from warranty.domain.terms import CoverageKind, CoverageSays, CoverageState, EvidenceSource, ScopeKind
from warranty.domain.transfer import TransferRule, new_end
from warranty.models import AdHocJob, Asset, Client, Coverage, CoverageTransfer, Fault, Rma, Swap, VendorAccount
from warranty.models.cases import TransferWay
from warranty.models.work import OrderKind, TaskKind
from warranty.services import accounts, casefile, moves, reviews, work
from warranty.services.moves import Because, IllegalMove
from warranty.services.records import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.runtime import Runtime
    from warranty.services.records import Document

_ITS_OWN: Final = frozenset(
    {"id", "public_id", "scope", "asset_id", "product_id", "site_id", "ends_on", "state", "left_over_since"}
    | {"vendor_says", "checked_at", "lookup_error"}
)
"""What a promise that follows to a new serial does not take from the one before."""

_COPIED: Final = tuple(one.name for one in Coverage.__table__.columns if one.name not in _ITS_OWN)


def follow(
    session: Session,
    runtime: Runtime,
    swap: Swap,
    old: Asset,
    new: Asset,
    because: Because,
    *,
    shipped_on: date | None,
) -> None:
    """Let cover follow from one unit to the next, and order that the new serial is looked up.

    ``shipped_on``: when the replacement left its vendor; null where nobody knows, then today counts.
    """
    session.flush()
    rule, days = _rule(session, runtime, swap)
    for coverage in session.scalars(_to_follow(old, new)).all():
        transfer = CoverageTransfer(
            client_id=swap.client_id,
            swap_id=swap.id,
            asset_id=new.id,
            coverage_id=coverage.id,
            root_ends_on=_root_end(session, coverage),
        )
        if coverage.kind is CoverageKind.MANUFACTURER_WARRANTY and coverage.scope is ScopeKind.ASSET:
            day = shipped_on or because.at.astimezone(ZoneInfo(coverage.time_zone)).date()
            ends_on = new_end(rule, days, root_end=transfer.root_ends_on, shipped_on=day)
            transfer.way, transfer.decided_at, transfer.decided_by = TransferWay.FOLLOWED, because.at, because.actor
            transfer.new_coverage_id = _pass_on(session, coverage, new, ends_on, because).id
        session.add(transfer)
    session.flush()
    account = casefile.find_units(session, asset_id=new.id)[0].account_for(Duty.LOOKUP)
    if account is not None:
        payload: dict[str, Any] = {"assets": [new.id], "failed": 0}
        work.add(session, OrderKind.LOOK_UP, now=because.at, account_id=account.id, payload=payload)


def _rule(session: Session, runtime: Runtime, swap: Swap) -> tuple[TransferRule, int | None]:
    rma = session.get(Rma, swap.rma_id) if swap.rma_id is not None else None
    account = session.get(VendorAccount, rma.account_id) if rma is not None and rma.account_id is not None else None
    can = accounts.able(runtime, account) if account is not None else None
    if can is None:  # nothing is known of a vendor's rule
        return TransferRule.REMAINING_TERM, None
    return TransferRule(can.transfer_rule), can.transfer_days


def _to_follow(old: Asset, new: Asset) -> Any:
    """What covers the old unit by its serial, or by its product where the new one is of another."""
    is_its = Coverage.asset_id == old.id
    if old.product_id is not None and old.product_id != new.product_id:
        of_product = (Coverage.client_id == old.client_id, Coverage.scope == ScopeKind.PRODUCT)
        is_its = or_(is_its, (Coverage.product_id == old.product_id) & of_product[0] & of_product[1])
    runs = Coverage.state.in_((CoverageState.ACTIVE, CoverageState.SUSPENDED))
    return select(Coverage).where(is_its, runs).order_by(Coverage.id).with_for_update()


def _root_end(session: Session, coverage: Coverage) -> Any:
    """The end of the first unit's own term, where this cover came with a replacement."""
    came_with = select(CoverageTransfer).where(CoverageTransfer.new_coverage_id == coverage.id)
    before = session.scalars(came_with.limit(1)).first()
    return coverage.ends_on if before is None else before.root_ends_on


def _pass_on(session: Session, coverage: Coverage, new: Asset, ends_on: Any, because: Because) -> Coverage:
    """The same promise for the new serial; nobody has asked its vendor yet. The old one stops."""
    passed = Coverage(
        **{name: getattr(coverage, name) for name in _COPIED},
        scope=ScopeKind.ASSET,
        asset_id=new.id,
        ends_on=ends_on,
        state=coverage.state,
    )
    if passed.evidence_source is not EvidenceSource.VENDOR_LOOKUP:
        passed.vendor_line = None
    session.add(passed)
    session.flush()
    moves.note(session, passed, "add", because)
    if coverage.scope is ScopeKind.ASSET:
        coverage.state = CoverageState.SUPERSEDED
        moves.note(session, coverage, "supersede", because)
    return passed


# --- what a person sees to ---


def open_transfers(session: Session, fault: Fault) -> list[tuple[CoverageTransfer, Coverage]]:
    """The coverages of a case's old unit that nobody has moved yet."""
    claims = select(Rma.id).where(Rma.fault_id == fault.id)
    jobs = select(AdHocJob.id).where(AdHocJob.fault_id == fault.id)
    query = (
        select(CoverageTransfer, Coverage)
        .join(Swap, Swap.id == CoverageTransfer.swap_id)
        .join(Coverage, Coverage.id == CoverageTransfer.coverage_id)
        .where(CoverageTransfer.way.is_(None), Swap.rma_id.in_(claims) | Swap.job_id.in_(jobs))
        .order_by(CoverageTransfer.id)
    )
    return [(transfer, coverage) for transfer, coverage in session.execute(query)]


def decide(
    session: Session,
    principal: Principal,
    transfer: CoverageTransfer,
    way: TransferWay,
    *,
    reason: str,
    now: datetime,
) -> None:
    """Say that a contract or licence was moved to the new serial at whoever keeps it, or that it ends with the old one.

    Raises:
        IllegalMove: that was said already, or only the vendor's rule says it.
    """
    session.flush()
    session.refresh(transfer, with_for_update=True)
    if transfer.way is not None or way is TransferWay.FOLLOWED:
        allowed = "none, it is settled" if transfer.way is not None else f"{TransferWay.MOVED}, {TransferWay.ENDED}"
        raise IllegalMove(f"This contract cannot be {way} here; allowed: {allowed}.")
    swap = session.get_one(Swap, transfer.swap_id)
    because = Because(principal.actor, reason, now, _fault_id(session, swap))
    coverage = session.get_one(Coverage, transfer.coverage_id, with_for_update=True)
    transfer.way, transfer.decided_at, transfer.decided_by = way, now, principal.actor
    if way is TransferWay.MOVED:
        new = session.get_one(Asset, transfer.asset_id)
        transfer.new_coverage_id = _pass_on(session, coverage, new, coverage.ends_on, because).id
    elif coverage.scope is ScopeKind.ASSET:
        coverage.state = CoverageState.CANCELLED
        moves.note(session, coverage, "cancel", because)
    moves.note(session, swap, f"contract_{way}", because, detail={"contract": coverage.contract_number})


def _fault_id(session: Session, swap: Swap) -> int:
    owner: Rma | AdHocJob = (
        session.get_one(Rma, swap.rma_id) if swap.rma_id is not None else session.get_one(AdHocJob, swap.job_id)
    )
    return owner.fault_id


# --- what the vendor lists for the new serial ---


def compare(session: Session, asset_ids: Collection[int], because: Because) -> None:
    """The vendor has spoken of these units: where one has lately taken a place, hold its cover against the rule.

    A difference is put before a person, once.
    """
    waits = (CoverageTransfer.asset_id.in_(asset_ids), CoverageTransfer.checked_at.is_(None))
    is_ours = (*waits, CoverageTransfer.way == TransferWay.FOLLOWED)
    for transfer in session.scalars(select(CoverageTransfer).where(*is_ours).order_by(CoverageTransfer.id)).all():
        transfer.checked_at = because.at
        expected = session.get_one(Coverage, transfer.new_coverage_id)
        listed = session.scalars(
            select(Coverage).where(
                Coverage.asset_id == transfer.asset_id,
                Coverage.kind == expected.kind,
                Coverage.checked_at.is_not(None),
                Coverage.state != CoverageState.SUPERSEDED,
                Coverage.vendor_says == CoverageSays.COVERED,
            )
        ).all()
        ends = {one.ends_on for one in listed}
        is_over = expected.ends_on is not None and expected.ends_on < because.at.date()
        if expected.ends_on in ends or (is_over and not ends):
            continue
        swap = session.get_one(Swap, transfer.swap_id)
        fault = session.get_one(Fault, _fault_id(session, swap))
        says = ", ".join(sorted(str(end or "no end") for end in ends)) or "nothing"
        new = session.get_one(Asset, transfer.asset_id)
        why = (
            f"The cover of {new.serial_number} should end on {expected.ends_on or 'no day'} by the vendor's rule, "
            f"and the vendor lists {says}: ask which is right."
        )
        reviews.ask(session, fault, TaskKind.ATTENTION, why, because)


# --- as programs see it ---

_after = aliased(Coverage)


def _transfers(_session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    names = ("way", "root_ends_on", "decided_at", "checked_at")
    return [
        {
            "id": row.CoverageTransfer.public_id,
            "client": row.client,
            "swap_id": row.swap,
            "asset_id": row.asset,
            "coverage": row.coverage,
            "contract_number": row.contract_number,
            "new_coverage": row.new_coverage,
            **{name: getattr(row.CoverageTransfer, name) for name in names},
        }
        for row in rows
    ]


TRANSFERS = Kind(
    CoverageTransfer,
    lambda: (
        select(
            CoverageTransfer,
            Client.public_id.label("client"),
            Swap.public_id.label("swap"),
            Asset.public_id.label("asset"),
            Coverage.public_id.label("coverage"),
            Coverage.contract_number,
            _after.public_id.label("new_coverage"),
        )
        .join(Client, Client.id == CoverageTransfer.client_id)
        .join(Swap, Swap.id == CoverageTransfer.swap_id)
        .join(Asset, Asset.id == CoverageTransfer.asset_id)
        .join(Coverage, Coverage.id == CoverageTransfer.coverage_id)
        .outerjoin(_after, _after.id == CoverageTransfer.new_coverage_id)
    ),
    _transfers,
)
"""What became of the cover of units that were replaced."""
