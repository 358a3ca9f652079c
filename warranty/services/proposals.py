"""What a program takes for true of a claim and a person has to say yes or no to: numbers read out of prose, cases that may be ours.

Nothing of it moves anything before a person confirms it. Each proposal stands on the task that asks, in the order in which
it came; its place there, counted from 1, is what one calls it by. What was answered stays, so that nobody is asked twice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from warranty.domain.lifecycles import RMA_BEING_SENT, RMA_MOVES, RMA_OVER, RmaState, ShipmentDirection, ShipmentState
from warranty.models import Fault, HumanTask, Rma
from warranty.models.work import OrderStatus, TaskKind
from warranty.services import moves, notes, reviews, rmas, shipments, work
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove
from warranty.services.shipments import Parcel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from vendors.contract import VendorCase
    from warranty.domain.access import Principal
    from warranty.models import VendorAccount
    from warranty.runtime import Runtime
    from warranty.services.work import Order

CONFIRMED = "confirmed"
DECLINED = "declined"
LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """What may be true of a claim; empty is what it says nothing of. ``text`` says where that is from, for who decides."""

    vendor_case_number: str = ""
    rma_number: str = ""
    carrier: str = ""
    tracking_number: str = ""
    text: str = ""

    @property
    def numbers(self) -> tuple[str, ...]:
        """What it is about."""
        return self.vendor_case_number, self.rma_number, self.carrier, self.tracking_number


NOTHING = Proposal()


def propose(session: Session, rma: Rma, found: Sequence[Proposal], *, why: str, because: Because) -> HumanTask | None:
    """Put proposals before a person; None where nothing of them is new.

    Left out is what the claim has already, what somebody was asked before, whatever they said, and the case of another
    claim. The caller holds the claim. ``why`` is what the task says; it should name what there is to choose from.
    """
    asked = {_read(row).numbers for task in _tasks(session, rma) for row in task.proposals}
    new = []
    for one in found:
        if one.numbers not in asked and _says_anything_new(session, rma, one):
            asked.add(one.numbers)
            new.append(replace(one, text=one.text[:LONGEST_TEXT]))
    if not new:
        return None
    task = reviews.ask(session, session.get_one(Fault, rma.fault_id), TaskKind.PROPOSAL, why, because, rma=rma)
    task.proposals = [*(task.proposals or ()), *(asdict(one) | {"answer": None} for one in new)]
    session.flush()
    return task


def hear(session: Session, account: VendorAccount, rma: Rma, case: VendorCase, *, now: datetime) -> None:
    """Keep a vendor's prose, and put before a person what a program read out of it; an alarm is one without numbers too."""
    notes.keep_heard(session, account, rma, case, now=now)
    because = Because(f"vendor:{account.public_id}", f"{account.name} wrote.", now, rma.fault_id)
    if case.alarm:
        rma.needs_attention = case.alarm
        fault = session.get_one(Fault, rma.fault_id)
        reviews.ask(session, fault, TaskKind.ATTENTION, case.alarm, because, rma=rma)
    parcel = next(iter(case.shipments), None)
    found = Proposal(
        vendor_case_number=case.vendor_case_number or "",
        rma_number=case.rma_number or "",
        carrier=parcel.carrier if parcel else "",
        tracking_number=parcel.tracking_number if parcel else "",
        text=case.notes[0].text if case.notes else "",
    )
    if any(found.numbers) and rma.state not in RMA_OVER:
        why = f"{account.name} wrote, and these numbers seem to be in it: {_said(found)}. Read it, and say whether they are right."
        propose(session, rma, [found], why=why, because=because)


def choose_case(
    session: Session, order: Order, account: VendorAccount, cases: Sequence[VendorCase], *, now: datetime
) -> None:
    """A claim may have arrived, and these are the vendor's cases that may be it: nothing more is tried, a person says which."""
    rma = session.get_one(Rma, order.rma_id, with_for_update=True)
    doubt = f"{account.name} may or may not have the claim, and cannot be searched for it."
    if rma.state not in RMA_BEING_SENT:  # the vendor told us otherwise, or a person took over
        work.end(session, order, OrderStatus.DONE)
        return
    if not work.end(session, order, OrderStatus.DEAD, error=doubt):
        return
    because = Because(rmas.SENDER, doubt, now)
    rmas.stop_trying(session, rma, RmaState.MANUAL_HANDLING, because)
    found = [_of_case(case) for case in cases if case.vendor_case_number]
    free = [one for one in found if not rmas.is_other_claims(session, rma, one.vendor_case_number)]
    if len(free) == 1:
        why = f"{doubt} One case was made there at that time: {_said(free[0])}. Say whether it is this claim's."
    else:
        named = ", ".join(_said(one) for one in free)
        why = f"{doubt} {len(free)} cases were made there at that time: {named}. Say which is this claim's."
    if propose(session, rma, free, why=why, because=because) is None:
        fault = session.get_one(Fault, rma.fault_id)
        why = f"{doubt} No case was made there at that time. {to_do(rma)}"
        reviews.ask(session, fault, TaskKind.MANUAL_HANDLING, why, because, rma=rma)


def _of_case(case: VendorCase) -> Proposal:
    opened = f"opened {case.opened_at:%Y-%m-%d %H:%M} UTC" if case.opened_at else ""
    return Proposal(
        vendor_case_number=case.vendor_case_number or "",
        rma_number=case.rma_number or "",
        text=", ".join(filter(None, (case.vendor_status, opened, case.serial_number))),
    )


def confirm(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    task: HumanTask,
    *,
    place: int | None,
    instead: Proposal,
    reason: str,
    now: datetime,
) -> None:
    """Take a proposal for true, and let it move the claim and its parcel as if a person had entered it. The caller holds the claim.

    Args:
        place: which of them, from 1; may be left out where only one waits.
        instead: numbers that the person knows better, or beside what was proposed; empty leaves what was proposed.

    Raises:
        Invalid: none waits at this place, or several do and none is named.
        IllegalMove: the claim is over, the number is another claim's case, or goods would move for a claim without number.
    """
    rma = session.get_one(Rma, task.rma_id)
    at = _waiting(task, place)
    if rma.state in RMA_OVER:
        raise IllegalMove(f"Rma {rma.client_reference} is {rma.state}: decline what is proposed.")
    proposed = _read(task.proposals[at])
    given = {name: value for name, value in asdict(instead).items() if value}
    true = replace(proposed, **given)
    _answer(session, task, at, CONFIRMED)
    for other, row in enumerate(task.proposals):  # a claim has one case: its rivals are out of the race
        if row["answer"] is None and _rivals(_read(row), true):
            _answer(session, task, other, DECLINED)
    _take(session, runtime, principal, rma, true, reason=reason, now=now)
    _settle_if_answered(task, Because(principal.actor, reason, now, rma.fault_id))


def decline(
    session: Session, principal: Principal, task: HumanTask, *, place: int | None, reason: str, now: datetime
) -> None:
    """Say no to one proposal, or to all that wait; the caller holds the claim, of which a person still has to find the case.

    Raises:
        Invalid: none waits at this place.
    """
    rma = session.get_one(Rma, task.rma_id)
    waiting = [at for at, row in enumerate(task.proposals) if row["answer"] is None]
    for at in waiting if place is None else [_waiting(task, place)]:
        _answer(session, task, at, DECLINED)
    because = Because(principal.actor, reason, now, rma.fault_id)
    moves.note(session, rma, "proposal_declined", because)
    if _settle_if_answered(task, because) and rma.state is RmaState.MANUAL_HANDLING:
        fault = session.get_one(Fault, rma.fault_id)
        why = f"No case at the vendor is known to be ours. {to_do(rma)}"
        reviews.ask(session, fault, TaskKind.MANUAL_HANDLING, why, because, rma=rma)


def waiting(task: HumanTask) -> list[tuple[int, Proposal]]:
    """What a task still asks about, each with its place."""
    return [(place, _read(row)) for place, row in enumerate(task.proposals, start=1) if row["answer"] is None]


def to_do(rma: Rma) -> str:
    """What a person does with a claim that may not have arrived: opening it again is nobody else's."""
    return (
        f"It may not have arrived: look for {rma.client_reference} there. Where it is, enter its number. Where it is not, "
        "open it there and enter the number, or cancel this claim: then it is decided again, and a new one is sent."
    )


def _tasks(session: Session, rma: Rma) -> Sequence[HumanTask]:
    return session.scalars(
        select(HumanTask).where(HumanTask.rma_id == rma.id, HumanTask.kind == TaskKind.PROPOSAL)
    ).all()


def _read(row: dict[str, Any]) -> Proposal:
    return Proposal(**{name: value for name, value in row.items() if name != "answer"})


def _says_anything_new(session: Session, rma: Rma, one: Proposal) -> bool:
    if one.vendor_case_number and rmas.is_other_claims(session, rma, one.vendor_case_number):
        return False
    parcel = shipments.newest(session, rma).get(ShipmentDirection.TO_US)
    known = {rma.vendor_case_number, rma.rma_number, parcel and parcel.tracking_number, ""}
    return not known.issuperset((one.vendor_case_number, one.rma_number, one.tracking_number))


def _waiting(task: HumanTask, place: int | None) -> int:
    waiting = [at for at, row in enumerate(task.proposals) if row["answer"] is None]
    if place is None and len(waiting) == 1:
        return waiting[0]
    if place is None or place - 1 not in waiting:
        which = ", ".join(f"{at + 1} ({_said(_read(task.proposals[at]))})" for at in waiting)
        raise Invalid("proposal", f"Say which: {which}.")
    return place - 1


def _said(one: Proposal) -> str:
    return " ".join(filter(None, one.numbers))


def _answer(session: Session, task: HumanTask, at: int, answer: str) -> None:
    task.proposals = [row | {"answer": answer} if at == here else row for here, row in enumerate(task.proposals)]
    session.flush()


def _rivals(one: Proposal, true: Proposal) -> bool:
    """Whether one cannot be true where the other is: two cases, or two RMA numbers, of one claim."""
    pairs = ((one.vendor_case_number, true.vendor_case_number), (one.rma_number, true.rma_number))
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def _settle_if_answered(task: HumanTask, because: Because) -> bool:
    if any(row["answer"] is None for row in task.proposals):
        return False
    task.resolved_at, task.resolved_by, task.resolution = because.at, because.actor, because.reason
    return True


def _take(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    rma: Rma,
    true: Proposal,
    *,
    reason: str,
    now: datetime,
) -> None:
    case, number = true.vendor_case_number or None, true.rma_number or None

    def go(to: RmaState) -> None:
        rmas.transition(
            session,
            runtime,
            principal,
            rma,
            to,
            reason=reason,
            now=now,
            vendor_case_number=case,
            rma_number=number,
            is_proposed=True,
        )

    if rma.state is RmaState.OUTCOME_UNKNOWN:
        go(RmaState.MANUAL_HANDLING)  # nobody searches any more: a person knows
    to = _goal(rma, true)
    if to is not None:
        go(to)
    else:
        because = Because(principal.actor, reason, now, rma.fault_id)
        rmas.enter_numbers(session, rma, vendor_case_number=case, rma_number=number, because=because)
        moves.note(session, rma, "proposal_confirmed", because)
    if true.tracking_number or true.carrier:
        _announce(session, principal, rma, true, reason=reason, now=now)


def _goal(rma: Rma, true: Proposal) -> RmaState | None:
    """Where numbers bring a claim that is not there yet."""
    if true.rma_number and RmaState.AUTHORIZED in RMA_MOVES[rma.state]:
        return RmaState.AUTHORIZED
    if true.vendor_case_number and rma.state in {RmaState.SUBMITTED, RmaState.MANUAL_HANDLING}:
        return RmaState.UNDER_REVIEW
    return None


def _announce(session: Session, principal: Principal, rma: Rma, true: Proposal, *, reason: str, now: datetime) -> None:
    """The replacement is on its way."""
    parcel = Parcel(carrier=true.carrier or None, tracking_number=true.tracking_number or None)
    shipment = shipments.newest(session, rma).get(ShipmentDirection.TO_US)
    if shipment is None:
        shipment = shipments.add(session, principal, rma, ShipmentDirection.TO_US, parcel, reason=reason, now=now)
    if shipment.state is ShipmentState.EXPECTED:
        shipments.move(session, principal, shipment, ShipmentState.IN_TRANSIT, parcel, reason=reason, now=now)
    else:
        shipments.describe(shipment, parcel, rma)
