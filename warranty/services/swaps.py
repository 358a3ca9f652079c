"""The work at the rack: what becomes of the unit that is replaced and of the one that comes, from the scan to the end.

The life cycle's table says which moves there are; here stands what must be true first, and what follows. Source: domain.md,
section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from warranty.domain.lifecycles import SWAP_MOVES, FaultState, JobState, SwapState
from warranty.models import AdHocJob, Fault, Rma, Swap
from warranty.models.work import TaskKind
from warranty.services import jobs, moves, owed, reviews
from warranty.services.moves import Because, IllegalMove
from warranty.services.owed import Closing

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal

_NOT_APPROVED = jobs.BEFORE_APPROVAL | {JobState.DECLINED, JobState.CHANGE_REQUESTED}


def move(session: Session, principal: Principal, swap: Swap, to: SwapState, *, reason: str, now: datetime) -> None:
    """Move the work at the rack.

    With the swap that is verified the case works again; it is closed by a person, once it owes nothing.

    Raises:
        IllegalMove: there is no such move, ``installed`` before the work is approved, or ``verified``, which the parity
            certificate makes.
        Owes: ``done`` while something is still to be done.
    """
    fault = fault_of(session, swap)
    session.refresh(swap, with_for_update=True)
    if to in SWAP_MOVES[swap.state]:
        _refuse(session, swap, fault, to)
    because = Because(principal.actor, reason, now, fault.id)
    moves.move(session, swap, to, because)
    if to is SwapState.DEAD_ON_ARRIVAL:
        rma = session.get(Rma, swap.rma_id) if swap.rma_id is not None else None
        why = f"The replacement was dead on arrival: claim it at whoever sent it. {reason}"
        reviews.ask(session, fault, TaskKind.ATTENTION, why, because, rma=rma)
    elif to is SwapState.VERIFIED and fault.state in _AT_WORK:
        moves.walk(session, fault, [FaultState.SERVICE_RESTORED, FaultState.VERIFIED], because, implied=1)


_AT_WORK = frozenset({FaultState.RMA_OPEN, FaultState.AD_HOC_OPEN})


def fault_of(session: Session, swap: Swap) -> Fault:
    """The case of a swap, held as decisions hold it."""
    owner: Rma | AdHocJob = (
        session.get_one(Rma, swap.rma_id) if swap.rma_id is not None else session.get_one(AdHocJob, swap.job_id)
    )
    return session.get_one(Fault, owner.fault_id, with_for_update=True)


def _refuse(session: Session, swap: Swap, fault: Fault, to: SwapState) -> None:
    if to is SwapState.VERIFIED:
        raise IllegalMove("verified needs the parity certificate of the new unit.")
    if to is SwapState.DONE:
        owed.refuse(session, fault, Closing.SWAP, "The swap")
    if to is SwapState.INSTALLED:
        is_its_work = AdHocJob.rma_id == swap.rma_id if swap.rma_id is not None else AdHocJob.id == swap.job_id
        for job in session.scalars(select(AdHocJob).where(is_its_work)):
            if job.state in _NOT_APPROVED:
                raise IllegalMove(f"installed needs the approval of job {job.reference}, which is {job.state}.")
