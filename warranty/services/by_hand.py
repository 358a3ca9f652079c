"""What people do with jobs: moves that no vendor's word makes, and what follows from them.

The life cycle's table says which moves there are; here stands who may make them and what must be true first. Claims at
vendors: ``rmas.transition``; parcels: ``shipments``; the work at the rack: ``swaps``. Source: domain.md, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from warranty.domain.access import Permission
from warranty.domain.lifecycles import (
    SWAP_MOVES,
    FaultState,
    JobState,
    RmaState,
    SwapKind,
    SwapSource,
    SwapState,
)
from warranty.domain.terms import Component, JobKind, Party
from warranty.models import AdHocJob, AuditRow, Fault, JobLine, Rma, Swap, User
from warranty.models.work import OrderKind, TaskKind
from warranty.services import jobs, moves, reviews, verdicts, work
from warranty.services.moves import Because, IllegalMove

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal


class NotYours(Exception):
    """Somebody with other rights has to make this move; the message says who."""


# --- jobs ---

_CLIENTS_OWN = frozenset({JobState.APPROVED, JobState.DECLINED})
_HARDWARE = frozenset({JobKind.UNCOVERED_SWAP, JobKind.AGREEMENT_SWAP})
_GIVES_UP = frozenset({JobState.DECLINED, JobState.CANCELLED})
_ENDS = _GIVES_UP | {JobState.WAIVED, JobState.CLOSED, JobState.CREDITED}


def move_job(
    session: Session, principal: Principal, job: AdHocJob, to: JobState, *, reason: str, now: datetime
) -> None:
    """Move a job.

    Billing moves it; a client's approver says yes or no to what waits for approval, within their limit; whoever made
    the quote, or asked the client for approval, does not give it for them.

    Raises:
        NotYours: somebody else has to.
        IllegalMove: there is no such move, or something is missing for it: a price, the client's approval, the export.
    """
    fault = session.get_one(Fault, job.fault_id, with_for_update=True)  # before the job, as a denial holds them
    session.refresh(job, with_for_update=True)
    owed = jobs.total_minor(_lines(session, job), Party.CLIENT)
    _check_who(session, principal, job, to, owed)
    _refuse_job(session, job, to, owed)
    because = Because(principal.actor, reason, now, fault.id)
    moves.move(session, job, to, because)
    if to is JobState.QUOTED:
        job.info_missing = None
    if to is JobState.APPROVED and job.kind in _HARDWARE:
        _plan_swap(session, job, because)
    if to in _ENDS:
        _end(session, job, fault, to, because)


def _lines(session: Session, job: AdHocJob) -> list[JobLine]:
    return list(session.scalars(select(JobLine).where(JobLine.job_id == job.id)))


def _check_who(session: Session, principal: Principal, job: AdHocJob, to: JobState, owed_minor: int) -> None:
    if principal.is_client:
        if to not in _CLIENTS_OWN or job.state is not JobState.AWAITING_APPROVAL:
            raise NotYours("You may approve or decline a job that waits for your approval, and nothing else.")
        limit = session.get_one(User, principal.user_id).approval_limit_minor or 0
        if to is JobState.APPROVED and owed_minor > limit:
            raise NotYours("This job costs more than you may approve: ask somebody with a higher limit.")
    elif not principal.may(Permission.BILL):
        raise NotYours("Jobs are moved by billing.")
    elif (
        job.state is JobState.AWAITING_APPROVAL and to is JobState.APPROVED and principal.actor in _makers(session, job)
    ):
        raise NotYours("Whoever quoted it or asked for approval does not give it: the client does, or a colleague.")


def _makers(session: Session, job: AdHocJob) -> set[str]:
    """Who made the quote that waits, and who asked for its approval: the newest of each."""
    newest = (
        select(func.max(AuditRow.id))
        .where(
            AuditRow.record == "job",
            AuditRow.record_id == job.id,
            AuditRow.new_state.in_((JobState.QUOTED.value, JobState.AWAITING_APPROVAL.value)),
        )
        .group_by(AuditRow.new_state)
    )
    return set(session.scalars(select(AuditRow.actor).where(AuditRow.id.in_(newest))))


def _refuse_job(session: Session, job: AdHocJob, to: JobState, owed_minor: int) -> None:
    said = None
    if to is JobState.QUOTED and any(line.unit_price_minor is None for line in _lines(session, job)):
        said = "quoted needs a price on every line"
    elif job.state is JobState.QUOTED and to is JobState.APPROVED and owed_minor:
        said = "it costs the client something, so it waits for their approval first"
    elif job.state is JobState.READY_TO_INVOICE and to is JobState.EXPORTED:
        said = "exported is what the export to accounting makes it"
    if said is not None:
        raise IllegalMove(f"Job {job.reference}: {said}.")


def _plan_swap(session: Session, job: AdHocJob, because: Because) -> None:
    """With the approval of a whole swap its work at the rack is planned."""
    kind = SwapKind.UNIT if job.component is Component.UNIT else SwapKind.PART
    swap = Swap(client_id=job.client_id, job_id=job.id, kind=kind, source=SwapSource.PURCHASE, state=SwapState.PLANNED)
    session.add(swap)
    session.flush()
    moves.born(session, swap, [SwapState.PLANNED], because)


def _end(session: Session, job: AdHocJob, fault: Fault, to: JobState, because: Because) -> None:
    """What becomes of a case whose job ended."""
    if job.kind not in _HARDWARE:
        if to is JobState.DECLINED:
            why = f"The client declined the work of this swap ({job.reference}): the replacement goes back."
            reviews.ask(session, fault, TaskKind.ATTENTION, why, because)
        return
    if to in _GIVES_UP:
        for swap in session.scalars(select(Swap).where(Swap.job_id == job.id)):
            if SwapState.ABANDONED in SWAP_MOVES[swap.state]:
                moves.move(session, swap, SwapState.ABANDONED, because)
    rma = session.get(Rma, job.rma_id) if job.rma_id is not None else None
    if rma is not None and rma.state is RmaState.DENIED:
        moves.move(session, rma, RmaState.CLOSED, because)
        reviews.settle(session, fault.id, because, TaskKind.DENIED)
    if fault.state is not FaultState.AD_HOC_OPEN or to not in _GIVES_UP:
        return
    verdicts.release_claims_of(session, fault)
    if to is JobState.DECLINED:
        moves.move(session, fault, FaultState.CLOSED, because)
    else:
        moves.move(session, fault, FaultState.ENTITLEMENT_CHECK, because)
        work.add(session, OrderKind.DECIDE_AGAIN, now=because.at, client_id=fault.client_id, fault_id=fault.id)
