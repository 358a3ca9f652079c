"""What waits for a person: at most one open task of a kind for each fault, closed by whoever or whatever settles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from warranty.models import HumanTask

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.models import Fault, Rma
    from warranty.models.work import TaskKind
    from warranty.services.moves import Because


def ask(
    session: Session, fault: Fault, kind: TaskKind, why: str, because: Because, *, rma: Rma | None = None
) -> HumanTask:
    """Put a case before a person; where the same question is open already, say it anew instead of asking twice."""
    task = session.scalars(
        select(HumanTask).where(HumanTask.fault_id == fault.id, HumanTask.kind == kind, HumanTask.resolved_at.is_(None))
    ).one_or_none()
    if task is None:
        task = ask_first(session, fault, kind, why, because, rma=rma)
    task.why = why
    return task


def ask_first(
    session: Session, fault: Fault, kind: TaskKind, why: str, because: Because, *, rma: Rma | None = None
) -> HumanTask:
    """The same for a fault that was made in this transaction and so has no task yet: one statement less."""
    task = HumanTask(
        client_id=fault.client_id,
        kind=kind,
        fault_id=fault.id,
        rma_id=rma.id if rma else None,
        why=why,
        created_at=because.at,
    )
    session.add(task)
    return task


def settle(session: Session, fault_id: int, because: Because, *kinds: TaskKind) -> None:
    """Close the open tasks of these kinds: what they asked is answered."""
    session.execute(
        update(HumanTask)
        .where(HumanTask.fault_id == fault_id, HumanTask.kind.in_(kinds), HumanTask.resolved_at.is_(None))
        .values(resolved_at=because.at, resolved_by=because.actor, resolution=because.reason),
        execution_options={"synchronize_session": False},
    )
