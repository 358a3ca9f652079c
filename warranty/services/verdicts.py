"""Stored verdicts: kept byte for byte, superseded and never edited, decided again on demand; and the claims they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import aliased

from warranty import db
from warranty.domain.case import Case
from warranty.domain.case_document import read_case
from warranty.domain.coverage import Shares, Verdict, decide
from warranty.domain.terms import CoverageState, Ownership, Party, Route, VerdictWord
from warranty.models import Coverage, CoverageTransfer, Fault, StoredVerdict

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from warranty.services.casefile import UnitFile
    from warranty.services.moves import Because

ENGINE = "system:decision"
"""Who decided, where the engine did: only its verdicts are decided again."""


def store(session: Session, fault: Fault, case_document: str, verdict: Verdict, because: Because, *, why: str) -> None:
    """Keep a verdict and the case it rests on; from now on it is the one that counts."""
    row = {
        "client_id": fault.client_id,
        "fault_id": fault.id,
        "verdict": verdict.verdict,
        "route": verdict.route,
        "case_document": case_document,
        "verdict_document": verdict.to_json(),
        "engine_version": verdict.engine_version,
        "decided_at": because.at,
        "decided_by": because.actor,
        "why": why,
    }
    db.write(session, StoredVerdict, row)


def newest(session: Session, fault_id: int) -> StoredVerdict | None:
    """The verdict of a fault that counts; null where it has none."""
    return session.scalars(
        select(StoredVerdict).where(StoredVerdict.fault_id == fault_id).order_by(StoredVerdict.id.desc()).limit(1)
    ).one_or_none()


def current(session: Session, fault_id: int) -> Verdict | None:
    """What the verdict of a fault that counts says; null where it has none."""
    stored = newest(session, fault_id)
    return None if stored is None else Verdict.from_json(stored.verdict_document)


def supersede_by_denial(session: Session, fault: Fault, unit: UnitFile, because: Because) -> Verdict:
    """The vendor refused the claim: the parts are nobody's any more, the labour stays with whoever but the vendor had it.

    Its reasons stay those of the decision; why it fell is the vendor's own sentence.
    """
    old = newest(session, fault.id)
    assert old is not None  # an Rma comes from a verdict
    held = Verdict.from_json(old.verdict_document)
    owner_pays = Party.CLIENT if unit.asset.ownership is Ownership.CLIENT else Party.MSP
    keeps_labour = held.pays.labour not in {None, Party.VENDOR} and held.awards.labour != held.awards.parts
    fallen = replace(
        held,
        verdict=VerdictWord.NOT_COVERED,
        route=Route.AD_HOC,
        awards=Shares(None, held.awards.labour if keeps_labour else None),
        pays=Shares(owner_pays, held.pays.labour if keeps_labour else owner_pays),
    )
    _give_back(session, fault, _coverage_ids(session, held) - _coverage_ids(session, fallen))
    store(session, fault, old.case_document, fallen, because, why=f"The vendor refused the claim: {because.reason}")
    return fallen


def supersede_denial(session: Session, fault: Fault, because: Because, *, why: str) -> Verdict:
    """The vendor's refusal counts no more: what was decided before it counts again."""
    query = select(StoredVerdict).where(StoredVerdict.fault_id == fault.id, StoredVerdict.route == Route.RMA)
    old = session.scalars(query.order_by(StoredVerdict.id.desc()).limit(1)).one()
    fallen, verdict = current(session, fault.id), Verdict.from_json(old.verdict_document)
    still_held = _coverage_ids(session, fallen) if fallen is not None else set()
    _reserve(session, _coverage_ids(session, verdict) - still_held, are_consumed=fault.claims_consumed_at is not None)
    store(session, fault, old.case_document, verdict, because, why=f"{why}: {because.reason}")
    return verdict


def reserve_claims(session: Session, verdict: Verdict) -> None:
    """Take one claim of each coverage that a person awarded a share to, even where none was left: they decided so."""
    _reserve(session, _coverage_ids(session, verdict))


def _reserve(session: Session, coverage_ids: Collection[int], *, are_consumed: bool = False) -> None:
    column = Coverage.claims_consumed if are_consumed else Coverage.claims_reserved
    session.execute(
        update(Coverage).where(Coverage.id.in_(coverage_ids)).values({column: column + 1}),
        execution_options={"synchronize_session": False},
    )


def release_claims_of(session: Session, fault: Fault) -> None:
    """Give back every claim that a fault's verdict holds."""
    held = current(session, fault.id)
    if held is not None:
        _give_back(session, fault, _coverage_ids(session, held))
        fault.claims_consumed_at = None


def _give_back(session: Session, fault: Fault, coverage_ids: Collection[int]) -> None:
    release_claims(session, coverage_ids, are_consumed=fault.claims_consumed_at is not None)


def release_claims(session: Session, coverage_ids: Collection[int], *, are_consumed: bool = False) -> None:
    """Give claims back, reserved or consumed: the swap that they were for will not happen at these coverages' cost."""
    if coverage_ids:
        column = Coverage.claims_consumed if are_consumed else Coverage.claims_reserved
        session.execute(
            update(Coverage).where(_is_any_version(coverage_ids), column > 0).values({column: column - 1}),
            execution_options={"synchronize_session": False},
        )


def _is_any_version(coverage_ids: Collection[int]) -> ColumnElement[bool]:
    """These coverages and what took their claims along: the newest version of a vendor's line, and what followed a swap."""
    old = aliased(Coverage)
    taken_over = select(Coverage.id).join(
        old, and_(old.asset_id == Coverage.asset_id, old.vendor_line == Coverage.vendor_line)
    )
    newest = taken_over.where(old.id.in_(coverage_ids), Coverage.state != CoverageState.SUPERSEDED)
    followed = select(CoverageTransfer.new_coverage_id).where(
        CoverageTransfer.coverage_id.in_(coverage_ids), CoverageTransfer.new_coverage_id.is_not(None)
    )
    return or_(Coverage.id.in_(coverage_ids), Coverage.id.in_(newest), Coverage.id.in_(followed))


def consume_claims(session: Session, fault_id: int, at: datetime) -> None:
    """The replacement is on its way, or the job is done: what the verdict reserved is used up, once for a fault."""
    first = (
        update(Fault)
        .where(Fault.id == fault_id, Fault.claims_consumed_at.is_(None))
        .values(claims_consumed_at=at)
        .execution_options(synchronize_session="fetch")
    )
    done = session.execute(first)
    assert isinstance(done, CursorResult)
    held = current(session, fault_id) if done.rowcount else None
    ids = _coverage_ids(session, held) if held is not None else set()
    if ids:
        session.execute(
            update(Coverage)
            .where(_is_any_version(ids), Coverage.claims_reserved > 0)
            .values(
                claims_reserved=Coverage.claims_reserved - 1,
                claims_consumed=Coverage.claims_consumed + 1,
            ),
            execution_options={"synchronize_session": False},
        )


def _coverage_ids(session: Session, verdict: Verdict) -> set[int]:
    won = {UUID(id_) for id_ in (verdict.awards.parts, verdict.awards.labour) if id_ is not None}
    return set(session.scalars(select(Coverage.id).where(Coverage.public_id.in_(won)))) if won else set()


def replay(session: Session, *, since: datetime | None = None) -> tuple[int, list[dict[str, Any]]]:
    """Decide every case of the engine's stored verdicts again.

    Under the same engine version the answer must be the same byte for byte; under another one in verdict, awards, route
    and codes. Returns how many there were, and what differs.
    """
    query = select(StoredVerdict).where(StoredVerdict.decided_by == ENGINE).order_by(StoredVerdict.id)
    if since is not None:
        query = query.where(StoredVerdict.decided_at >= since)
    count = 0
    differences: list[dict[str, Any]] = []
    for stored in session.scalars(query.execution_options(yield_per=500)):
        count += 1
        case = read_case(stored.case_document)
        if not isinstance(case, Case):
            differences.append({"verdict": str(stored.public_id), "stored": None, "now": [f.pointer for f in case]})
            continue
        now, then = decide(case), Verdict.from_json(stored.verdict_document)
        same_engine = now.engine_version == then.engine_version
        if (same_engine and now.to_json() != stored.verdict_document) or _outline(now) != _outline(then):
            differences.append(
                {"verdict": str(stored.public_id), "stored": then.to_document(), "now": now.to_document()}
            )
    return count, differences


def _outline(verdict: Verdict) -> tuple[Any, ...]:
    codes = tuple((entry.share, entry.coverage, entry.code) for entry in verdict.reasons)
    return verdict.verdict, verdict.route, verdict.awards, codes
