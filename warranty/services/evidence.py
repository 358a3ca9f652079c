"""What a verdict rests on: the case as it was decided, and what vendors had answered about the unit until then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from warranty.domain.case import Case
from warranty.domain.case_document import read_case
from warranty.models import Asset, UnitAnswer, VendorAccount
from warranty.services import queries

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.models import Coverage, Fault
    from warranty.services.queries import Decided

MOST_ANSWERS = 50
"""How many answers before the newest one are looked through; each is another one than that before it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A vendor's answer as it came, and the name of the account that was asked."""

    answer: UnitAnswer
    account: str


@dataclass(frozen=True, slots=True)
class Ground:
    """A verdict and what it rests on: ``coverages`` by their public ids, ``answers`` those that held, the newest first.

    ``case`` is null where this version of the engine cannot read the document any more.
    """

    decided: Decided
    is_newest: bool
    case: Case | None
    coverages: dict[str, Coverage]
    answers: tuple[Kept, ...]

    def held_at(self, when: datetime | None) -> Kept | None:
        """The answer that held when evidence was taken."""
        return next((one for one in self.answers if when is not None and one.answer.answered_at <= when), None)


def of(session: Session, fault: Fault, verdict: UUID | None = None) -> Ground | None:
    """What a verdict of the fault rests on, by default the newest one; null where there is no such verdict."""
    found = queries.verdicts(session, fault)
    decided = next((one for one in found if verdict in {None, one.row.public_id}), None)
    if decided is None:
        return None
    read = read_case(decided.row.case_document)
    case = read if isinstance(read, Case) else None
    is_newest = decided is found[0]
    return Ground(
        decided, is_newest, case, queries.coverages_of(session, [decided]), _answers(session, case) if case else ()
    )


def taken_at(decided: Decided) -> datetime | None:
    """When the newest of the vendor's words was taken that a verdict rests on; null where it rests on none."""
    case = read_case(decided.row.case_document)
    return max(_instants(case), default=None) if isinstance(case, Case) else None


def _instants(case: Case) -> set[datetime]:
    taken = [case.asset.lookup.checked_at] if case.asset else []
    taken += [one.evidence.checked_at for one in case.coverages]
    return {when for when in taken if when is not None}


def _answers(session: Session, case: Case) -> tuple[Kept, ...]:
    """The answers that held at one of the instants at which the case's evidence was taken."""
    instants = sorted(_instants(case), reverse=True)
    if case.asset is None or not instants:
        return ()
    query = (
        select(UnitAnswer, VendorAccount.name)
        .join(Asset, Asset.id == UnitAnswer.asset_id)
        .outerjoin(VendorAccount, VendorAccount.id == UnitAnswer.account_id)
        .where(Asset.public_id == UUID(case.asset.id), UnitAnswer.answered_at <= instants[0])
        .order_by(UnitAnswer.id.desc())
        .limit(MOST_ANSWERS)
    )
    found = [Kept(answer, name or "") for answer, name in session.execute(query)]
    held = [next((one for one in found if one.answer.answered_at <= when), None) for when in instants]
    return tuple({one.answer.id: one for one in held if one is not None}.values())
