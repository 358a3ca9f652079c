"""A person decides otherwise than the engine: the only place where a verdict is anybody's but the engine's or a vendor's.

It takes effect at once. One that lets the MSP pay what it did not pay before waits for a second person.
Source: domain.md, section 2 ("More rules").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from warranty.domain import case as casework
from warranty.domain.coverage import Shares, decide, payer
from warranty.domain.lifecycles import FaultState, JobState, RmaState
from warranty.domain.terms import Fulfilment, OverrideCode, Party, Route, Share, VerdictWord
from warranty.models import AdHocJob, Asset, Client, Coverage, Fault, HumanTask, JobLine, OverrideRequest, Rma
from warranty.models.work import TaskKind
from warranty.services import casefile, faults, jobs, moves, reviews, rmas, verdicts
from warranty.services.by_hand import NotYours
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove

if TYPE_CHECKING:
    from datetime import datetime
    from enum import StrEnum

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.domain.coverage import Verdict
    from warranty.models import VendorAccount
    from warranty.runtime import Runtime
    from warranty.services.casefile import CaseFile, UnitFile


@dataclass(frozen=True, slots=True)
class Wish:
    """The verdict that a person wants: who wins each share (ids of coverages), and why."""

    verdict: VerdictWord
    parts: UUID | None
    labour: UUID | None
    code: OverrideCode
    reason: str

    @property
    def why(self) -> str:
        """As it stands beside the verdict."""
        return f"{self.code}: {self.reason}"


_OPEN = frozenset({FaultState.ENTITLEMENT_CHECK, FaultState.NEEDS_REVIEW, FaultState.RMA_OPEN, FaultState.AD_HOC_OPEN})


def override(
    session: Session, runtime: Runtime, principal: Principal, fault: Fault, wish: Wish, *, now: datetime
) -> HumanTask | None:
    """Supersede the verdict of a fault; gives the question to a second person where one has to agree first.

    Raises:
        Invalid: no unit is known, or a coverage that is none of the unit's, or not what the verdict says.
        IllegalMove: the fault is over, or what its verdict ordered cannot be taken back any more.
    """
    hold(session, fault)
    unit, file = _gather(session, fault, now)
    verdict = _verdict(unit, file, wish)
    if not _moves_cost_to_msp(session, fault, verdict):
        _apply(session, runtime, fault, unit, file, verdict, wish, Because(principal.actor, wish.why, now, fault.id))
        return None
    because = Because(principal.actor, wish.why, now, fault.id)
    why = f"An override wants {wish.verdict} at the MSP's cost: {wish.why} Somebody else has to agree."
    reviews.settle(session, fault.id, replace(because, reason="Another override was asked for."), TaskKind.OVERRIDE)
    task = reviews.ask_first(session, fault, TaskKind.OVERRIDE, why, because)
    session.flush()
    keys = {id_: file.coverages[str(id_)].id for id_ in (wish.parts, wish.labour) if id_ is not None}
    session.add(
        OverrideRequest(
            client_id=fault.client_id,
            task_id=task.id,
            verdict=wish.verdict,
            parts_id=keys.get(wish.parts) if wish.parts else None,
            labour_id=keys.get(wish.labour) if wish.labour else None,
            reason_code=wish.code,
            reason=wish.reason,
            asked_by=principal.actor,
        )
    )
    moves.note(session, fault, "override_asked", because)
    return task


def confirm(
    session: Session, runtime: Runtime, principal: Principal, task: HumanTask, *, reason: str, now: datetime
) -> Fault:
    """Agree to an override that waits for a second person.

    Raises:
        NotYours: it is one's own.
        Invalid, IllegalMove: as ``override``; the world may have changed since.
    """
    asked = request_of(session, task)
    if asked.asked_by == principal.actor:
        raise NotYours("Nobody agrees to their own override: a second person does.")
    fault = session.get_one(Fault, task.fault_id)
    wish = Wish(
        verdict=asked.verdict,
        parts=_public_id(session, asked.parts_id),
        labour=_public_id(session, asked.labour_id),
        code=asked.reason_code,
        reason=asked.reason,
    )
    hold(session, fault)
    unit, file = _gather(session, fault, now)
    because = Because(principal.actor, f"{wish.why} Agreed: {reason}", now, fault.id)
    reviews.settle(session, fault.id, because, TaskKind.OVERRIDE)
    _apply(session, runtime, fault, unit, file, _verdict(unit, file, wish), wish, because)
    return fault


def _public_id(session: Session, key: int | None) -> UUID | None:
    return None if key is None else session.get_one(Coverage, key).public_id


def hold(session: Session, fault: Fault) -> None:
    """Lock a case: its unit and then its fault, as decisions hold them."""
    if fault.asset_id is not None:
        session.execute(select(Asset.id).where(Asset.id == fault.asset_id).with_for_update())
    session.refresh(fault, with_for_update=True)


def request_of(session: Session, task: HumanTask) -> OverrideRequest:
    """What a second person is asked about."""
    return session.scalars(select(OverrideRequest).where(OverrideRequest.task_id == task.id)).one()


# --- before anything is done ---


def is_possible(fault: Fault) -> bool:
    """Whether the verdict of a case can be overridden at all."""
    return fault.asset_id is not None and fault.state in _OPEN


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an override would do. ``ends``: what the old verdict ordered and what ends with it; ``holds``: what does not let go.

    ``needs_second``: it lets the MSP pay what it did not pay before, so a second person has to agree. ``winner`` of the parts
    and the ``account`` that it names; null where nobody wins them, or it names none.
    """

    verdict: Verdict
    winner: Coverage | None
    account: VendorAccount | None
    needs_second: bool
    ends: tuple[Rma | AdHocJob, ...]
    holds: Rma | AdHocJob | None


def outlook(session: Session, fault: Fault, wish: Wish, *, now: datetime) -> Outlook:
    """What would become of an override; changes nothing and holds nobody up.

    Raises:
        Invalid, IllegalMove: as ``override``.
    """
    unit, file = _gather(session, fault, now)
    verdict = _verdict(unit, file, wish)
    ordered = _ordered(session, fault)
    won = verdict.awards.parts or ""
    return Outlook(
        verdict=verdict,
        winner=file.coverages.get(won),
        account=file.named_accounts.get(won),
        needs_second=_moves_cost_to_msp(session, fault, verdict),
        ends=tuple(record for record, to in ordered if to is not None),
        holds=next((record for record, to in ordered if to is None), None),
    )


def candidates(session: Session, fault: Fault, *, now: datetime) -> tuple[Coverage, ...]:
    """The coverages that may win a share, by number.

    Raises:
        Invalid, IllegalMove: as ``override``.
    """
    _, file = _gather(session, fault, now)
    return tuple(sorted(file.coverages.values(), key=lambda one: (one.contract_number, one.id)))


def _gather(session: Session, fault: Fault, now: datetime) -> tuple[UnitFile, CaseFile]:
    """The case as it stands."""
    if fault.asset_id is None:
        raise Invalid("override", "No unit is known yet: identify it first.")
    if fault.state not in _OPEN:
        raise IllegalMove(f"Fault {fault.reference} is {fault.state}: its verdict cannot be overridden.")
    unit = casefile.find_units(session, asset_id=fault.asset_id)[0]
    client = session.get_one(Client, fault.client_id)
    question = faults.question_of(fault)
    return unit, casefile.gather(
        session, unit=unit, matches=1, client=client, fault=question, now=now, own_fault_id=fault.id
    )


def _verdict(unit: UnitFile, file: CaseFile, wish: Wish) -> Verdict:
    """The verdict that is wanted, beside the reasons that the engine gives."""
    wants = {
        VerdictWord.COVERED: (True, True),
        VerdictWord.PARTLY_COVERED: (True, False),
        VerdictWord.NOT_COVERED: (False, wish.labour is not None),
    }[wish.verdict]
    if wants != (wish.parts is not None, wish.labour is not None):
        said = "covered names a coverage for parts and for labour, partly_covered for parts only, not_covered none for parts."
        raise Invalid("override", said)
    written = {coverage.id: coverage for coverage in file.case.coverages}
    won: dict[Share, casework.Coverage | None] = {}
    for share, id_ in ((Share.PARTS, wish.parts), (Share.LABOUR, wish.labour)):
        if id_ is not None and str(id_) not in written:
            raise Invalid(f"override.{share}", "This coverage is not written for the unit.")
        won[share] = written[str(id_)] if id_ is not None else None
    parts, labour = won[Share.PARTS], won[Share.LABOUR]
    is_claim = parts is not None and parts.fulfilment is Fulfilment.VENDOR_RMA
    return replace(
        decide(file.case),
        verdict=wish.verdict,
        route=Route.RMA if is_claim else Route.AD_HOC,
        awards=Shares(parts.id if parts else None, labour.id if labour else None),
        pays=Shares(payer(parts, unit.asset.ownership), payer(labour, unit.asset.ownership)),
    )


def _moves_cost_to_msp(session: Session, fault: Fault, verdict: Verdict) -> bool:
    old = verdicts.current(session, fault.id)
    before = (old.pays.parts, old.pays.labour) if old is not None else (None, None)
    after = (verdict.pays.parts, verdict.pays.labour)
    return any(new is Party.MSP and was is not Party.MSP for was, new in zip(before, after, strict=True))


def _apply(
    session: Session,
    runtime: Runtime,
    fault: Fault,
    unit: UnitFile,
    file: CaseFile,
    verdict: Verdict,
    wish: Wish,
    because: Because,
) -> None:
    _take_back(session, fault, because)
    verdicts.reserve_claims(session, verdict)
    verdicts.store(session, fault, file.case.to_json(), verdict, because, why=wish.why)
    target = FaultState.RMA_OPEN if verdict.route is Route.RMA else FaultState.AD_HOC_OPEN
    moves.move(session, fault, target, because)
    reviews.settle(session, fault.id, because, TaskKind.REVIEW, TaskKind.DENIED)
    if verdict.route is Route.RMA:
        _, job = rmas.open_for(session, runtime, fault, unit, file, verdict, because, is_new=False)
    else:
        job = jobs.open_for(session, fault, unit, file, verdict, because)
    session.flush()
    if job is not None and job.state is JobState.QUOTED and _owed_minor(session, job):
        moves.move(session, job, JobState.AWAITING_APPROVAL, because)


def _owed_minor(session: Session, job: AdHocJob) -> int:
    lines = list(session.scalars(select(JobLine).where(JobLine.job_id == job.id)))
    return jobs.total_minor(lines, Party.CLIENT)


# --- what the verdict before it ordered ---

_NOT_AT_VENDOR = frozenset({RmaState.DRAFT, RmaState.SUBMIT_FAILED, RmaState.MANUAL_HANDLING})
_OVER = frozenset({RmaState.CANCELLED, RmaState.CLOSED})


def _ordered(session: Session, fault: Fault, *, lock: bool = False) -> list[tuple[Rma | AdHocJob, StrEnum | None]]:
    """What the old verdict ordered and what each would become; null where it cannot be taken back any more."""
    if fault.state not in {FaultState.RMA_OPEN, FaultState.AD_HOC_OPEN}:
        return []
    claims = select(Rma).where(Rma.fault_id == fault.id, Rma.state.not_in(_OVER))
    ordered: list[tuple[Rma | AdHocJob, StrEnum | None]] = []
    for rma in session.scalars(claims.with_for_update() if lock else claims):
        cancelled = RmaState.CANCELLED if rma.state in _NOT_AT_VENDOR else None
        ordered.append((rma, RmaState.CLOSED if rma.state is RmaState.DENIED else cancelled))
    for job in session.scalars(select(AdHocJob).where(AdHocJob.fault_id == fault.id)):
        if job.state in jobs.BEFORE_APPROVAL:
            ordered.append((job, JobState.CANCELLED))
        elif job.case_closed_at is None:
            ordered.append((job, None))
    return ordered


def _why_it_stays(record: Rma | AdHocJob) -> str:
    if isinstance(record, Rma):
        return f"The vendor may hold the claim {record.client_reference} ({record.state}): cancel that first."
    return f"Job {record.reference} is {record.state}: cancel or credit it first."


def _take_back(session: Session, fault: Fault, because: Because) -> None:
    """End what the old verdict ordered, so that the fault has one route again."""
    if fault.state not in {FaultState.RMA_OPEN, FaultState.AD_HOC_OPEN}:
        return
    for record, to in _ordered(session, fault, lock=True):
        if to is None:
            raise IllegalMove(_why_it_stays(record))
        moves.move(session, record, to, because)
    verdicts.release_claims_of(session, fault)
    moves.move(session, fault, FaultState.ENTITLEMENT_CHECK, because)
