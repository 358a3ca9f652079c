"""What vendors say of their cases: the only place where a word of theirs moves a claim, its goods and what follows from it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from vendors.contract import VendorCase, VendorStatus
from warranty.domain import lifecycles, tracking
from warranty.domain.lifecycles import (
    Attention,
    FaultState,
    JobState,
    RmaState,
    ShipmentDirection,
    SwapKind,
    SwapSource,
    SwapState,
)
from warranty.domain.terms import Component
from warranty.models import Fault, Rma, Sighting, Swap, VendorAccount
from warranty.models.work import OrderKind, TaskKind
from warranty.services import accounts, casefile, jobs, moves, notes, returns, reviews, shipments, verdicts, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.domain.lifecycles import Step as Move
    from warranty.runtime import Runtime
    from warranty.services.shipments import Goods


def see(session: Session, account: VendorAccount, rma: Rma, case: VendorCase, *, now: datetime) -> Sequence[Sighting]:
    """Remember every vendor case that answers to our reference, whoever saw it; all that were ever seen."""
    numbers = [number for number in (case.vendor_case_number, *case.duplicates) if number]
    is_it = or_(Sighting.vendor_case_number.in_(numbers), Sighting.client_reference == rma.client_reference)
    seen = list(session.scalars(select(Sighting).where(Sighting.account_id == account.id, is_it)))
    known = {sighting.vendor_case_number for sighting in seen}
    for number in dict.fromkeys(numbers):
        if number not in known:
            sighting = Sighting(
                account_id=account.id, vendor_case_number=number, client_reference=rma.client_reference, seen_at=now
            )
            session.add(sighting)
            seen.append(sighting)
    return seen


def hear(
    session: Session,
    runtime: Runtime,
    rma: Rma,
    case: VendorCase,
    *,
    account: VendorAccount,
    now: datetime,
    asked_at: datetime | None = None,
    is_answer: bool = False,
) -> None:
    """Let a vendor's word move the Rma and its Shipments; what says nothing new is forgotten, what fits nowhere is flagged.

    A word that is older by the vendor's own time than one that was taken in changes nothing. ``asked_at`` is when the
    vendor was asked; null where it spoke by itself. ``is_answer``: it is what the vendor says to a claim that was just sent.
    """
    notes.keep_heard(session, account, rma, case, now=now)
    was = rma.vendor_changed_at
    word_is_new = case.vendor_status != rma.vendor_status
    goods = shipments.spoken_of(session, rma, case, word_is_new=word_is_new)
    if _is_known_denial(rma, case, is_answer=is_answer) or _is_older(rma, case, now):
        if asked_at is not None:
            pace(runtime, rma, account, goods, now=now, asked_at=asked_at)
        return
    says_more = (
        rma.vendor_case_number is None,
        rma.rma_number is None and case.rma_number,
        rma.vendor_changed_at != was,
    )
    rma.vendor_case_number = rma.vendor_case_number or case.vendor_case_number
    has_number = _take_number(session, rma, case, now)
    rma.vendor_status = case.vendor_status
    rma.vendor_reason = case.reason or rma.vendor_reason
    because = Because(
        f"vendor:{account.public_id}",
        case.reason or f"{account.name} says: {case.vendor_status or case.status}",
        now,
        rma.fault_id,
        case.vendor_status,
    )
    heard = _heard(rma, case, goods, has_number=has_number)
    is_news = bool(heard.steps or word_is_new or any(says_more))
    if is_news:
        rma.heard_at = now
    for step in heard.steps:
        _take(session, rma, goods, step, because)
    if not heard.steps and word_is_new:
        moves.note(session, rma, "vendor_word", because)
    shipments.take_in(session, rma, goods, case, because)
    for parcel in case.shipments:
        if ShipmentDirection(parcel.direction) is ShipmentDirection.TO_US and parcel.serial_number:
            _tell_serial(session, rma, parcel.serial_number)
    doubtful = _doubtful(rma, case, account, heard, word_is_new=word_is_new, is_later=rma.vendor_changed_at != was)
    if doubtful is not None:
        _flag(session, rma, doubtful, because)
    _watch_return(session, runtime, rma, case, heard, now)
    pace(runtime, rma, account, goods, now=now, asked_at=asked_at)
    if is_news:
        reviews.settle(session, rma.fault_id, because, TaskKind.SILENT, *(_ANSWERED if heard.steps else ()))


def _take_number(session: Session, rma: Rma, case: VendorCase, now: datetime) -> bool:
    """Take the RMA number that is told where there is none that is good; gives whether there is one then."""
    has_run_out = shipments.has_run_out(session, rma, now)
    is_new = bool(case.rma_number) and case.rma_number != rma.rma_number
    if is_new and (rma.rma_number is None or has_run_out):
        rma.rma_number, rma.expires_on, has_run_out = case.rma_number, None, False
    return rma.rma_number is not None and not has_run_out


_ANSWERED = (TaskKind.OUTCOME_UNKNOWN, TaskKind.SUBMIT_FAILED, TaskKind.MANUAL_HANDLING, TaskKind.INFO_MISSING)
"""What waits for a person is answered by a word that moves the claim."""


def _doubtful(
    rma: Rma, case: VendorCase, account: VendorAccount, heard: lifecycles.Heard, *, word_is_new: bool, is_later: bool
) -> str | None:
    """What a person must look at in what was said; nobody is told the same twice."""
    if case.duplicates:
        return _more_than_one(*case.duplicates)
    if case.rma_number not in {None, rma.rma_number} and (word_is_new or is_later):
        return f"{account.name} names another RMA number, {case.rma_number}; here it is {rma.rma_number}: ask which counts."
    if heard.attention is not None and word_is_new:
        return f"{account.name} says {case.vendor_status or case.status!s}: {heard.attention}."
    return None


def pace(
    runtime: Runtime,
    rma: Rma,
    account: VendorAccount,
    goods: Goods,
    *,
    now: datetime,
    asked_at: datetime | None = None,
) -> None:
    """Say when the vendor is to be asked again: as the state asks for, and never where the claim is over or nobody can ask.

    What is due stays due until the vendor is asked: an answer to an earlier question, of ``asked_at``, puts off nobody who
    wants it asked now (``ask``), and neither does a word that came by itself.
    """
    pace = tracking.pace_of(rma.state, shipments.state_of(goods, ShipmentDirection.TO_US))
    if pace is None or not rma.vendor_case_number or not accounts.is_read(runtime, account):
        rma.next_poll_at = None
        return
    due_at = rma.next_poll_at
    if due_at is not None and due_at <= now and (asked_at is None or due_at > asked_at):
        return
    luck = random.random()  # noqa: S311 - spreads load, guards nothing
    rma.next_poll_at = now + timedelta(seconds=tracking.interval_s(pace, rhythm_s=runtime.settings.poll_s, luck=luck))


def listen(session: Session, runtime: Runtime, rma: Rma, account: VendorAccount, because: Because) -> None:
    """Follow a claim from what a person has entered on: the vendor is asked from now on, and its patience counts anew."""
    pace(runtime, rma, account, shipments.newest(session, rma), now=because.at)
    if rma.next_poll_at is not None or accounts.is_pulled(runtime, account):
        rma.heard_at = because.at
        reviews.settle(session, rma.fault_id, because, TaskKind.SILENT)


def is_doubtful(rma: Rma, case: VendorCase, *, now: datetime) -> bool:
    """Whether nobody can tell if a message that was pushed is newer than what was heard: it has no time, or no use of it.

    Messages overtake each other, answers do not: whoever can be asked is asked, instead of believing such a one.
    """
    if rma.heard_at is None or rma.vendor_case_number is None:
        return False  # whatever it says, it is the first word, or tells how the case can be asked for
    if case.changed_at is None or case.changed_at > now:
        return True
    return case.changed_at == rma.vendor_changed_at and case.vendor_status != rma.vendor_status


def ask(session: Session, rmas: Sequence[Rma], *, now: datetime) -> None:
    """Have the vendors asked now where these cases stand, all of which can be read: one order for each account."""
    for rma in rmas:
        rma.next_poll_at = now
    for account_id in sorted({rma.account_id for rma in rmas if rma.account_id is not None}):
        order_reading(session, account_id, now=now)


def order_reading(session: Session, account_id: int, *, now: datetime) -> None:
    """Order a reading of the cases of an account that are due, where none waits or is under way."""
    name = f"read_cases:{account_id}"
    if not work.is_ordered(session, name):
        work.add(session, OrderKind.READ_CASES, now=now, account_id=account_id, name=name)


def _is_known_denial(rma: Rma, case: VendorCase, *, is_answer: bool) -> bool:
    """Whether it is the denial after which the claim is sent again, or was. Without a time it may be a new one from then on."""
    if is_answer or case.status is not VendorStatus.DENIED or not rma.denials or rma.state is RmaState.DENIED:
        return False
    is_at_same_time = case.changed_at == rma.vendor_changed_at
    return is_at_same_time and (case.changed_at is not None or rma.state in lifecycles.RMA_BEING_SENT)


def _is_older(rma: Rma, case: VendorCase, now: datetime) -> bool:
    """Whether a newer word was taken in; if not, keep the time of this one. Where the vendor gives none nobody can tell."""
    if case.changed_at is None:
        return False
    if rma.vendor_changed_at is not None and case.changed_at < rma.vendor_changed_at:
        return True
    rma.vendor_changed_at = min(case.changed_at, now)  # a clock of theirs that runs ahead must not silence what follows
    return False


def _heard(rma: Rma, case: VendorCase, goods: Goods, *, has_number: bool) -> lifecycles.Heard:
    def hear_as(status: str) -> lifecycles.Heard:
        return lifecycles.hear(
            status,
            rma=rma.state,
            to_us=shipments.state_of(goods, ShipmentDirection.TO_US),
            to_vendor=shipments.state_of(goods, ShipmentDirection.TO_VENDOR),
            has_rma_number=has_number,
        )

    heard = hear_as(case.status)
    if heard.attention is Attention.UNKNOWN_WORD and rma.state in lifecycles.RMA_BEING_SENT and rma.vendor_case_number:
        # Nobody knows what the word means, but a case that has one was received.
        received = tuple(replace(step, implied=True) for step in hear_as(VendorStatus.RECEIVED).steps)
        return replace(heard, steps=received)
    return heard


def _take(
    session: Session,
    rma: Rma,
    goods: Goods,
    step: Move,
    because: Because,
) -> None:
    because = replace(because, reason="implied") if step.implied else because
    if isinstance(step.to, RmaState):
        moves.move(session, rma, step.to, because)
        if step.to is RmaState.AUTHORIZED:
            plan_swap(session, rma, because)
            for direction, shipment in shipments.newest(session, rma).items():
                goods.setdefault(direction, shipment)
        elif step.to is RmaState.DENIED:
            convert(session, rma, because)
        elif step.to is RmaState.CANCELLED:
            fall_back(session, rma, because)
        return
    direction = ShipmentDirection(step.record.value)
    if step.old is None and direction not in goods:
        goods[direction] = shipments.make(session, rma, direction, because)
    elif goods[direction].state is not step.to:  # else it came with the approval
        shipments.step(session, goods[direction], step.to, because)


def plan_swap(session: Session, rma: Rma, because: Because) -> None:
    """With the authorisation a replacement is expected and its exchange is planned."""
    if not shipments.begin(session, rma, because):
        return  # back from a question after the approval, or approved anew
    kind = SwapKind.UNIT if rma.component is Component.UNIT else SwapKind.PART
    dead = session.scalars(
        select(Swap.id)
        .where(Swap.rma_id == rma.parent_id, Swap.state == SwapState.DEAD_ON_ARRIVAL)
        .order_by(Swap.id.desc())
        .limit(1)
    ).first()
    swap = Swap(
        client_id=rma.client_id,
        rma_id=rma.id,
        parent_id=dead,
        kind=kind,
        source=SwapSource.VENDOR,
        state=SwapState.PLANNED,
    )
    session.add(swap)
    session.flush()
    moves.born(session, swap, [SwapState.PLANNED], because)


def _tell_serial(session: Session, rma: Rma, serial_number: str) -> None:
    """Keep which serial the vendor says comes, until the unit is there."""
    waits = (Swap.rma_id == rma.id, Swap.state.in_((SwapState.PLANNED, SwapState.RECEIVED)))
    for swap in session.scalars(select(Swap).where(*waits)):
        swap.told_serial = serial_number


def _watch_return(
    session: Session, runtime: Runtime, rma: Rma, case: VendorCase, heard: lifecycles.Heard, now: datetime
) -> None:
    """Let what was heard start the clock of the return, or name its day."""
    if not (heard.steps or case.shipments or case.return_due_on):
        return
    named = (
        parcel.due_on for parcel in case.shipments if ShipmentDirection(parcel.direction) is ShipmentDirection.TO_VENDOR
    )
    told_on = next((day for day in (*named, case.return_due_on) if day is not None), None)
    returns.watch(session, runtime, rma, told_on=told_on, now=now)


def _flag(session: Session, rma: Rma, why: str, because: Because) -> None:
    rma.needs_attention = why
    reviews.ask(session, session.get_one(Fault, rma.fault_id), TaskKind.ATTENTION, why, because, rma=rma)


def find_twins(session: Session, rma: Rma, account: VendorAccount, seen: Sequence[Sighting], *, now: datetime) -> None:
    """The vendor holds other cases for the same claim, of ``seen``: they move nothing, and a person has them cancelled.

    Nobody is asked about one twice, whoever saw it and whenever. The caller holds the claim.
    """
    is_over = rma.state in lifecycles.RMA_OVER
    if rma.vendor_case_number is None and not is_over:
        return  # the first of them will be its own
    own = (None, rma.vendor_case_number)
    twins = [one for one in seen if one.client_reference == rma.client_reference and one.vendor_case_number not in own]
    if all(twin.asked_at is not None for twin in twins):
        return
    for twin in twins:
        twin.asked_at = twin.asked_at or now
    numbers = [twin.vendor_case_number for twin in twins]
    said = _more_than_one(*numbers)
    if is_over:
        said = f"{account.name} has {', '.join(numbers)} for this claim, which is {rma.state} here: have it cancelled there."
    because = Because(f"vendor:{account.public_id}", f"{account.name} speaks of case {numbers[-1]}.", now, rma.fault_id)
    _flag(session, rma, said, because)


def _more_than_one(*numbers: str) -> str:
    return f"The vendor holds more than one case for this claim: {', '.join(numbers)}."


def fall_back(session: Session, rma: Rma, because: Because) -> None:
    """The claim is gone without a decision on it: what was planned is dropped, and the fault is decided again."""
    for swap in session.scalars(select(Swap).where(Swap.rma_id == rma.id, Swap.state == SwapState.PLANNED)):
        moves.move(session, swap, SwapState.ABANDONED, because)
    fault = session.get_one(Fault, rma.fault_id, with_for_update=True)
    for job in jobs.unended(session, rma):
        if job.state in jobs.BEFORE_APPROVAL:  # the next decision drafts the labour anew
            moves.move(session, job, JobState.CANCELLED, because)
    verdicts.release_claims_of(session, fault)
    if fault.state is FaultState.RMA_OPEN:
        moves.move(session, fault, FaultState.ENTITLEMENT_CHECK, because)
        work.add(session, OrderKind.DECIDE_AGAIN, now=because.at, client_id=fault.client_id, fault_id=fault.id)


def convert(session: Session, rma: Rma, because: Because) -> None:
    """The vendor refused the claim: the same fault becomes a priced job at once; the client is told when a person confirms."""
    rma.denials += 1
    fault = session.get_one(Fault, rma.fault_id, with_for_update=True)
    unit = casefile.find_units(session, asset_id=rma.asset_id)[0]
    verdict = verdicts.supersede_by_denial(session, fault, unit, because)
    if fault.state is FaultState.RMA_OPEN:
        moves.move(session, fault, FaultState.AD_HOC_OPEN, because)
    jobs.replace_by_whole_swap(session, fault, rma, unit, verdict, because)
    reviews.ask(session, fault, TaskKind.DENIED, rma.vendor_reason or because.reason, because, rma=rma)
