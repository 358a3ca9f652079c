"""Leases: the only place that gives a piece of periodic work to one relay at a time. All times are the database's."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from warranty import db
from warranty.models import Lease, clock

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.config import Settings

PERIODIC = "periodic"
"""The work that every relay looks for, whatever else there is: its turns show that one runs."""


def periodic_s(settings: Settings) -> float:
    """How often it is done."""
    return min(settings.poll_s / 2, 15.0)


def is_due(session: Session, name: str) -> bool:
    """Whether the time for this work has come; a read."""
    return session.scalar(select(Lease.name).where(Lease.name == name, Lease.next_run_at > clock())) is None


def take(session: Session, name: str, *, rhythm_s: float, first_s: float = 0.0) -> bool:
    """Take a turn at this work in this transaction, the next one ``rhythm_s`` from now; False where it is not due.

    The first turn there ever is comes ``first_s`` after it was asked for.
    """
    if session.get(Lease, name) is None:
        session.add(Lease(name=name, next_run_at=db.now(session) + timedelta(seconds=first_s)))
        session.flush()
    taken = session.execute(
        update(Lease)
        .where(Lease.name == name, Lease.next_run_at <= clock())
        .values(next_run_at=clock(rhythm_s))
        .returning(Lease.name)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return taken is not None


def hold(session: Session, name: str) -> None:
    """Hold a piece of work until the end of this transaction, whether or not it is due: its next turn comes when it would."""
    if session.get(Lease, name, with_for_update=True) is None:
        with suppress(IntegrityError), session.begin_nested():  # somebody was quicker: then it is there
            session.add(Lease(name=name, next_run_at=db.now(session)))
        session.get_one(Lease, name, with_for_update=True)


def rest(session: Session, name: str, seconds: float) -> None:
    """Have the next turn come so many seconds from now."""
    session.execute(
        update(Lease).where(Lease.name == name).values(next_run_at=clock(seconds)),
        execution_options={"synchronize_session": False},
    )
