"""Claims at vendors: made from a verdict, sent, settled by what came of it, moved by people. What the vendor says: ``hearing``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Select, or_, select

from vendors.contract import Contact, Duty, Need, RmaRequest, ShipTo, Unit, VendorCase, VendorStatus
from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.domain import lifecycles
from warranty.domain.lifecycles import (
    FaultState,
    JobState,
    RmaState,
)
from warranty.domain.terms import AssetState, Component, CoverageKind, JobKind, Party, Share
from warranty.models import (
    AccountMaker,
    Asset,
    Coverage,
    Fault,
    HumanTask,
    Outbox,
    Person,
    Product,
    Rma,
    Sighting,
    VendorAccount,
)
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import (
    accounts,
    casefile,
    drafts,
    hearing,
    inputs,
    jobs,
    moves,
    owed,
    references,
    reviews,
    shipments,
    strays,
    verdicts,
    work,
)
from warranty.services.moves import Because
from warranty.services.owed import Closing
from warranty.services.work import AskPerson, Wait

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from vendors.contract import ByHand, Capabilities
    from warranty.domain.access import Principal
    from warranty.domain.coverage import Verdict
    from warranty.models import AdHocJob
    from warranty.runtime import Runtime
    from warranty.services.casefile import CaseFile, UnitFile
    from warranty.services.work import Order

NAMED_ONLY = frozenset({CoverageKind.THIRD_PARTY_MAINTENANCE, CoverageKind.INSURANCE})
SENDER = "system:send_rma"
OURS = frozenset({"option", "key", "blocked_address"})
"""Codes of refusals that come from ourselves: the account cannot be used as it stands."""
FILE_GONE = "file_gone"
"""The code where nothing left the house since a file that was to go along is gone."""


# --- from the verdict to a claim ---


def open_for(
    session: Session,
    runtime: Runtime,
    fault: Fault,
    unit: UnitFile,
    file: CaseFile,
    verdict: Verdict,
    because: Because,
    *,
    is_new: bool,
) -> tuple[Rma, AdHocJob | None]:
    """Make the Rma of a covered fault and order its sending; what the vendor needs and nobody gave leaves it ``draft``.

    Which of the vendor's parts are needed is found out in the background.

    Where the vendor does not pay the labour and the MSP does not either, one linked ``swap_labour`` job is drafted.
    """
    coverage = file.coverages[verdict.awards.parts or ""]
    account = file.named_accounts.get(str(coverage.public_id)) or general_account(unit, coverage)
    path, task, why = first_path(session, runtime, fault, unit, account, named_only=coverage.kind in NAMED_ONLY)
    rma = Rma(
        client_id=fault.client_id,
        fault_id=fault.id,
        asset_id=unit.asset.id,
        component=fault.component,
        component_ref=fault.component_ref,
        coverage_id=coverage.id,
        account_id=account.id if account else None,
        client_reference=references.make("WR", groups=3),
        created_at=because.at,
        state=path[-1],
        is_open=True,
    )
    _begin(session, rma, path, replace(because, reason=why or because.reason))
    if task is not None:
        ask = reviews.ask_first if is_new else reviews.ask
        ask(session, fault, task, why, because, rma=rma)
    _order(session, runtime, rma, account, because)
    _mark_unit_faulty(session, unit, fault, because)
    return rma, _labour_job(session, fault, rma, unit, verdict, because)


def open_child(
    session: Session,
    runtime: Runtime,
    fault: Fault,
    parent: Rma,
    unit: UnitFile,
    because: Because,
    *,
    why_by_hand: str | None,
) -> Rma:
    """Claim a replacement that was dead on arrival, at the vendor that sent it; its parent no longer counts as open.

    ``why_by_hand``: why a person has to talk to the vendor about it; null where the vendor simply swaps it.
    """
    account = session.get(VendorAccount, parent.account_id) if parent.account_id is not None else None
    path, task, why = first_path(session, runtime, fault, unit, account, named_only=False)
    if why_by_hand is not None:
        path, task, why = [RmaState.DRAFT, RmaState.MANUAL_HANDLING], TaskKind.MANUAL_HANDLING, why_by_hand
    moves.hand_to_child(session, parent, because.at)
    rma = Rma(
        client_id=fault.client_id,
        fault_id=fault.id,
        parent_id=parent.id,
        asset_id=unit.asset.id,
        component=parent.component,
        component_ref=parent.component_ref,
        coverage_id=parent.coverage_id,
        account_id=parent.account_id,
        client_reference=references.make("WR", groups=3),
        parts=parent.parts,
        created_at=because.at,
        state=path[-1],
        is_open=True,
    )
    _begin(session, rma, path, because)
    if task is not None:
        reviews.ask(session, fault, task, why, because, rma=rma)
    _order(session, runtime, rma, account, because)
    _mark_unit_faulty(session, unit, fault, because)
    return rma


def _begin(session: Session, rma: Rma, path: Sequence[RmaState], because: Because) -> None:
    session.add(rma)
    session.flush()
    moves.born(session, rma, path, because)


def _order(session: Session, runtime: Runtime, rma: Rma, account: VendorAccount | None, because: Because) -> None:
    if rma.state is RmaState.SUBMITTED:
        order_send(session, rma, now=because.at)
    elif rma.state is RmaState.DRAFT and account is not None and _lists_parts(runtime, account):
        drafts.order(session, rma, now=because.at)


def _lists_parts(runtime: Runtime, account: VendorAccount) -> bool:
    try:
        return accounts.capabilities(runtime, account).parts_list
    except VendorError:  # as the claim's task says
        return False


def _labour_job(
    session: Session, fault: Fault, rma: Rma, unit: UnitFile, verdict: Verdict, because: Because
) -> AdHocJob | None:
    payer = verdict.pays.labour
    if payer is Party.VENDOR or payer is Party.MSP:
        return None
    payers = {Share.LABOUR: payer or Party.CLIENT}
    return jobs.draft(
        session, unit=unit, fault=fault, kind=JobKind.SWAP_LABOUR, payers=payers, because=because, rma=rma
    )


def order_send(session: Session, rma: Rma, *, now: datetime, sent_before: datetime | None = None) -> None:
    """Order the sending of a submitted Rma; ``sent_before`` is that of ``work.add``."""
    work.add(
        session,
        OrderKind.SEND_RMA,
        now=now,
        client_id=rma.client_id,
        account_id=rma.account_id,
        rma_id=rma.id,
        fault_id=rma.fault_id,
        sent_before=sent_before,
    )


def general_account(unit: UnitFile, coverage: Coverage) -> VendorAccount | None:
    """Who opens the cases of a unit where its coverage names nobody."""
    return None if coverage.kind in NAMED_ONLY else unit.account_for(Duty.OPEN)


def first_path(
    session: Session,
    runtime: Runtime,
    fault: Fault,
    unit: UnitFile,
    account: VendorAccount | None,
    *,
    named_only: bool,
    known: inputs.Inputs | None = None,
) -> tuple[list[RmaState], TaskKind | None, str]:
    """How far a new claim gets by itself, and what a person has to do where it gets no further.

    Without a task it waits for the parts list. ``known`` is what is missing, where that was looked at before.
    """
    draft = [RmaState.DRAFT]
    by_hand = [RmaState.DRAFT, RmaState.MANUAL_HANDLING]
    if account is None and named_only:
        return by_hand, TaskKind.MANUAL_HANDLING, "No vendor account is named for this contract: claim it by hand."
    if account is None:
        return (
            draft,
            TaskKind.INFO_MISSING,
            "No vendor account opens cases for this unit: add one, and it is sent by itself; or handle it by hand.",
        )
    try:
        can = accounts.capabilities(runtime, account)
    except VendorError as err:  # it was refused when the account was added: since then we have changed, or our settings
        return draft, TaskKind.INFO_MISSING, in_trouble(account, err)
    said = can.by_hand_for(fault.component)
    if said is not None:
        return (
            by_hand,
            TaskKind.MANUAL_HANDLING,
            _by_hand(account, fault.component, said, is_all=can.by_hand is not None),
        )
    if known is None:
        contact = casefile.contact_of(session, unit, fault)
        known = inputs.Inputs(tuple(sorted(inputs.missing_of(can, unit, contact, fault))))
    if not known.missing:
        return [RmaState.DRAFT, RmaState.SUBMITTED], None, ""
    why = inputs.say(account, unit, known, fault.component)
    return draft, TaskKind.INFO_MISSING if why else None, why


def in_trouble(account: VendorAccount, error: VendorError) -> str:
    """What a person is told where only somebody who mends the account helps, or our form."""
    said = error.detail or error.vendor_code
    to_do = "Mend the account, and it goes on by itself; or handle it by hand."
    if error.vendor_code == FILE_GONE:
        return f"{said} Choose anew what goes along, then send it again; or handle it by hand."
    if error.vendor_code == "switched_off":
        return f"{account.name} is switched off. Switch it on, and it goes on by itself; or handle it by hand."
    if error.trouble is Trouble.UNAUTHORISED:
        return f"{account.name} does not accept our credentials: {said}. {to_do}"
    if error.vendor_code in OURS:
        return f"{account.name} cannot be used: {said}. {to_do}"
    return f"{account.name} refused it: {said}. Mend what it names, then send it again; or handle it by hand."


def _by_hand(account: VendorAccount, component: Component, said: ByHand, *, is_all: bool) -> str:
    """What a person does with a claim that the adapter does not open, and where."""
    what = "claims" if is_all else f"claims for a {component}"
    how = " ".join(filter(None, (said.instructions, said.portal_url)))
    return f"{account.name} takes {what} by hand: open it there and enter the number. {how}".strip()


def _mark_unit_faulty(session: Session, unit: UnitFile, fault: Fault, because: Because) -> None:
    """The unit is faulty from the accepted claim on; a whole unit is in the vendor's hands."""
    asset = unit.asset
    if asset.state not in {AssetState.IN_SERVICE, AssetState.IN_STOCK, AssetState.FAULTY}:
        return
    path = [] if asset.state is AssetState.FAULTY else [AssetState.FAULTY]
    if fault.component is Component.UNIT:
        path.append(AssetState.IN_RMA)
    if path:
        moves.walk(session, asset, path, because)


# --- what is sent ---


@dataclass(frozen=True, slots=True)
class Sendable:
    """A claim with all that is said of it to a vendor."""

    rma: Rma
    fault: Fault
    unit: UnitFile
    contract_number: str


def sendables(session: Session, rma_ids: Collection[int]) -> list[Sendable]:
    """Claims by their keys, the oldest first; no more statements for many than for one."""
    query = (
        select(Rma, Fault, Coverage.contract_number)
        .join(Fault, Fault.id == Rma.fault_id)
        .outerjoin(Coverage, Coverage.id == Rma.coverage_id)
        .where(Rma.id.in_(rma_ids))
        .order_by(Rma.id)
    )
    rows = session.execute(query).all()
    found = casefile.find_units(session, asset_id={rma.asset_id for rma, _, _ in rows})
    units = {unit.asset.id: unit for unit in found}
    return [Sendable(rma, fault, units[rma.asset_id], contract or "") for rma, fault, contract in rows]


def request_of(session: Session, rma: Rma) -> RmaRequest:
    """A claim as any vendor can be told it."""
    return as_request(session, sendables(session, [rma.id])[0])


def as_request(session: Session, sendable: Sendable) -> RmaRequest:
    """The same, where its rows are at hand."""
    rma, fault, unit = sendable.rma, sendable.fault, sendable.unit
    site, product = unit.site, unit.product
    contact = casefile.contact_of(session, unit, fault)
    receiver = session.get(Person, fault.ship_to_id) if fault.ship_to_id else contact
    address = fault.ship_to or (site.address if site else {})
    return RmaRequest(
        client_reference=rma.client_reference,
        unit=vendor_unit(unit),
        component=rma.component,
        cause=fault.cause,
        symptom=fault.symptom,
        severity=fault.severity,
        component_ref=rma.component_ref,
        manufacturer=product.manufacturer if product else "",
        product_name=product.model if product else "",
        contract_number=sendable.contract_number,
        troubleshooting=fault.troubleshooting,
        diagnostic_code=fault.diagnostic_code,
        contact=_contact(contact),
        ship_to=_ship_to(receiver, site.name if site else "", address),
        vendor_case_number=rma.vendor_case_number if rma.denials else None,
        denials=rma.denials,
        parts=tuple(rma.parts),
    )


def vendor_unit(unit: UnitFile) -> Unit:
    """A unit as a vendor must know it."""
    return Unit(
        serial_number=unit.asset.serial_number,
        product_number=unit.product.part_number if unit.product else "",
        country=unit.site.address.get("country", "") if unit.site else "",
        time_zone=unit.site.time_zone if unit.site else "",
    )


def _contact(person: Person | None) -> Contact | None:
    if person is None:
        return None
    return Contact(
        pseudonym=f"person:{person.public_id}",
        name=person.name,
        phone=person.phone,
        email=person.email,
        language=person.language,
    )


def _ship_to(receiver: Person | None, site_name: str, address: dict[str, str]) -> ShipTo | None:
    if not address.get("address_line1"):
        return None
    return ShipTo(
        pseudonym=f"person:{receiver.public_id}" if receiver else "site",
        name=receiver.name if receiver else site_name,
        address_line1=address["address_line1"],
        address_line2=address.get("address_line2", ""),
        city=address.get("city", ""),
        postal_code=address.get("postal_code", ""),
        state=address.get("state", ""),
        country=address.get("country", ""),
    )


# --- what the vendor answered ---


@dataclass(frozen=True, slots=True)
class Unsent:
    """Nothing left the house this time: the search failed, or the gate was shut."""

    error: VendorError


@dataclass(frozen=True, slots=True)
class Held:
    """The account opens nothing before its cases were compared; that counts against nobody."""


HELD_S = 60.0
"""How long a held send waits before it is looked at; what releases the account calls it up."""

Step = VendorCase | VendorError | Unsent | Wait | Held | AskPerson


def settle(
    session: Session,
    runtime: Runtime,
    order: Order,
    account: VendorAccount,
    can: Capabilities,
    step: Step,
) -> None:
    """Write down what became of one attempt to send; nothing but the sighting where the order is no longer ours."""
    rma, now = db.hold(session, Rma, order.rma_id)
    because = Because(SENDER, "", now)
    step = _in_time(order, step)
    match step:
        case VendorCase():
            _settle_case(session, runtime, order, account, rma, step, because)
        case _ if rma.state not in lifecycles.RMA_BEING_SENT:  # the vendor told us otherwise, or a person took over
            work.end(session, order, OrderStatus.DONE)
        case Wait():
            if work.release(session, order, after_s=step.for_s):
                doubt(session, rma, replace(because, reason="The vendor may have it: searching until that is certain."))
        case Held():
            work.release(session, order, after_s=HELD_S, error="the account opens nothing since a restore")
        case AskPerson():
            if work.end(session, order, OrderStatus.DEAD, error=step.why):
                take_by_hand(session, rma, step.why, because)
        case Unsent():
            _settle_unsent(session, runtime, order, account, rma, step.error, because)
        case VendorError():
            _settle_failed_send(session, runtime, order, account, rma, can, step, because)


def strays_of(session: Session, account: VendorAccount, rmas: Iterable[Rma]) -> dict[int, AskPerson]:
    """What a person must settle before a claim is opened: the vendor has a case for its unit that belongs to no claim here.

    It may be this one, made before a restore, by hand or by another system; a denied claim goes under its own number.
    By the claim's key; one statement.
    """
    first = [rma for rma in rmas if not rma.denials]
    found = strays.of_units(session, account, {rma.asset_id for rma in first})
    return {rma.id: _is_stray(account, found[rma.asset_id]) for rma in first if rma.asset_id in found}


def _is_stray(account: VendorAccount, stray: Sighting) -> AskPerson:
    to_do = "If it is this claim, enter its number. If not, answer its review item, cancel this claim, and it is decided anew."
    return AskPerson(f"{strays.say(account, stray)} stands for this unit and belongs to no claim here. {to_do}")


def _in_time(order: Order, step: Step) -> Step:
    """The step; after a day without an answer that can be trusted, a person's."""
    if order.is_spent and not isinstance(step, VendorCase):
        return AskPerson("It was tried for a day without an answer that could be trusted.")
    return step


def _settle_case(
    session: Session,
    runtime: Runtime,
    order: Order,
    account: VendorAccount,
    rma: Rma,
    case: VendorCase,
    because: Because,
) -> None:
    seen = hearing.see(session, account, rma, case, now=because.at)
    if not work.end(session, order, OrderStatus.DONE):
        hearing.find_twins(session, rma, account, seen, now=because.at)
        return
    if case.vendor_case_number is None and case.status is VendorStatus.RECEIVED:
        # People have it, and have given it no number: `under_review` would say that there is a case.
        take_by_hand(session, rma, case.reason, because)
    else:
        hearing.hear(session, runtime, rma, case, account=account, now=because.at, is_answer=True)
        hearing.find_twins(session, rma, account, seen, now=because.at)


def _settle_unsent(
    session: Session,
    runtime: Runtime,
    order: Order,
    account: VendorAccount,
    rma: Rma,
    error: VendorError,
    because: Because,
) -> None:
    is_for_person = not error.may_have_arrived
    is_unsent = order.sent_ago_s is None  # neither before nor this time: a mark that was set for it is taken back
    if is_for_person:
        is_ours = work.end(session, order, OrderStatus.PARKED, error=str(error), never_arrived=is_unsent)
    elif error.trouble is Trouble.THROTTLED:
        after_s = error.retry_after_s or 1.0
        is_ours = work.release(session, order, after_s=after_s, error=str(error), never_arrived=is_unsent)
    else:
        after_s = error.retry_after_s or work.back_off_s(order.failures, runtime.settings.retry_s)
        is_ours = work.release(session, order, after_s=after_s, error=str(error), failed=True, never_arrived=is_unsent)
    if not is_ours:
        return
    if order.sent_ago_s is not None:  # what failed is the search; the claim may be there
        doubt(session, rma, replace(because, reason=f"It may have arrived, and cannot be searched for: {error}"))
        if is_for_person:
            why = f"It may have arrived, and cannot be searched for. {in_trouble(account, error)}"
            reviews.ask(session, _fault(session, rma), TaskKind.OUTCOME_UNKNOWN, why, because, rma=rma)
    elif is_for_person:
        why = in_trouble(account, error)
        _give_to_person(session, rma, RmaState.SUBMIT_FAILED, TaskKind.SUBMIT_FAILED, why, because)


def _settle_failed_send(
    session: Session,
    runtime: Runtime,
    order: Order,
    account: VendorAccount,
    rma: Rma,
    can: Capabilities,
    error: VendorError,
    because: Because,
) -> None:
    if not error.may_have_arrived:
        # A definite no to our form or our account: a person mends it, then it is armed again.
        is_first = order.sent_ago_s is None  # of an earlier one, whose outcome nobody knew, this says nothing
        if work.end(session, order, OrderStatus.PARKED, error=str(error), never_arrived=is_first):
            why = in_trouble(account, error)
            _give_to_person(session, rma, RmaState.SUBMIT_FAILED, TaskKind.SUBMIT_FAILED, why, because)
        return
    back_off_s = work.back_off_s(order.failures, runtime.settings.retry_s)
    after_s = max(can.settle_s, error.retry_after_s or 0.0, back_off_s)
    if work.release(session, order, after_s=after_s, error=str(error), failed=True):
        doubt(
            session, rma, replace(because, reason=f"No answer that tells whether it arrived: {error.detail or error}")
        )


def doubt(session: Session, rma: Rma, because: Because) -> None:
    """Nobody knows whether the claim arrived, for the reason given: it is searched for before anything is sent again."""
    if rma.state is RmaState.SUBMITTED:
        moves.move(session, rma, RmaState.OUTCOME_UNKNOWN, because)
        reviews.ask(session, _fault(session, rma), TaskKind.OUTCOME_UNKNOWN, because.reason, because, rma=rma)


def send_again(session: Session, rma: Rma, *, searched: bool, now: datetime) -> None:
    """It is safe to send a claim again that may have arrived: a search found nothing, or the vendor still knows our key."""
    if rma.state is RmaState.OUTCOME_UNKNOWN:
        why = (
            "The vendor was searched after the settle time and has no such case."
            if searched
            else "It is sent again under the same key: the vendor takes that for one and the same claim."
        )
        because = Because(SENDER, why, now)
        moves.move(session, rma, RmaState.SUBMITTED, because)
        reviews.settle(session, rma.fault_id, because, TaskKind.OUTCOME_UNKNOWN)


def take_by_hand(session: Session, rma: Rma, why: str, because: Because) -> None:
    """Nothing more is tried: a person opens the claim, or finds it."""
    _give_to_person(session, rma, RmaState.MANUAL_HANDLING, TaskKind.MANUAL_HANDLING, why, because)


def _give_to_person(session: Session, rma: Rma, to: RmaState, task: TaskKind, why: str, because: Because) -> None:
    because = replace(because, reason=why)
    stop_trying(session, rma, to, because)
    reviews.ask(session, _fault(session, rma), task, why, because, rma=rma)


def stop_trying(session: Session, rma: Rma, to: RmaState, because: Because) -> None:
    """From here on a person has the claim; whoever calls says what they are to do."""
    if to in lifecycles.RMA_MOVES[rma.state]:
        moves.move(session, rma, to, because)
    reviews.settle(session, rma.fault_id, because, TaskKind.OUTCOME_UNKNOWN)


def _fault(session: Session, rma: Rma) -> Fault:
    return session.get_one(Fault, rma.fault_id)


# --- what a person does ---

_ANSWERED = (
    TaskKind.OUTCOME_UNKNOWN,
    TaskKind.SUBMIT_FAILED,
    TaskKind.MANUAL_HANDLING,
    TaskKind.INFO_MISSING,
    TaskKind.ATTENTION,
)
_SEND_AGAIN = frozenset({RmaState.SUBMIT_FAILED, RmaState.DRAFT, RmaState.DENIED, RmaState.EXPIRED})


def transition(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    rma: Rma,
    to: RmaState,
    *,
    reason: str,
    now: datetime,
    vendor_case_number: str | None = None,
    rma_number: str | None = None,
    expires_on: date | None = None,
    parts: Sequence[str] | None = None,
    is_proposed: bool = False,
) -> None:
    """Make the move that a person asks for, with the numbers that a vendor gave by telephone or portal, and ``parts`` to ask for.

    ``expires_on`` is the last day of the RMA number.

    Whoever enters what the vendor said answers what was proposed, unless they do so by confirming it (``is_proposed``).
    A denied claim that is ``submitted`` is sent again under its own number, as often as the vendor takes it. One whose RMA number
    ran out is not: no vendor has a request for that, so a person asks for another number (``manual_handling``).

    Raises:
        IllegalMove: the life cycle has no such move, or it is one that only a search may make, or ``authorized`` without
            an RMA number, or ``submitted`` while something is missing, or a cancellation with goods under way or of a claim
            that is just being sent, or goodwill or another try where the job that took over is approved.
        Owes: it is to be closed, and something of it is still to be done.
        Invalid: parts that the vendor does not list for the unit.
    """
    session.refresh(rma, with_for_update=True)  # a worker that is about to send it holds it too
    because = Because(principal.actor, reason, now, rma.fault_id)
    if to is RmaState.SUBMITTED and rma.account_id is None:
        rma.account_id = account_by_now(session, runtime, rma)
    numbers = {"vendor_case_number": vendor_case_number, "rma_number": rma_number}
    enter_numbers(session, rma, **numbers, expires_on=expires_on, because=because)
    if parts is not None and rma.state in inputs.BEFORE_SENDING:
        inputs.choose(session, rma, parts)
        session.flush()
    _refuse(session, runtime, rma, to, now)
    was = rma.state
    moves.move(session, rma, to, because)
    _follow(session, rma, was, because)
    is_answer = to in lifecycles.RMA_OVER or (was is RmaState.MANUAL_HANDLING and not is_proposed)
    reviews.settle(session, rma.fault_id, because, *_ANSWERED, *([TaskKind.PROPOSAL] if is_answer else ()))
    if was is RmaState.EXPIRED and to is RmaState.SUBMITTED:
        take_by_hand(session, rma, _ask_for_another(rma), because)
    rma.needs_attention = None
    account = session.get(VendorAccount, rma.account_id) if rma.account_id else None
    if account is not None:
        hearing.listen(session, runtime, rma, account, because)


def _follow(session: Session, rma: Rma, was: RmaState, because: Because) -> None:
    """What comes with a move that a person made."""
    match rma.state:
        case RmaState.AUTHORIZED:
            hearing.plan_swap(session, rma, because)
            if was is RmaState.DENIED:
                _forget_denial(session, rma, because, why="The vendor replaces it after all")
        case RmaState.DENIED:
            rma.vendor_reason = because.reason
            hearing.convert(session, rma, because)
        case RmaState.CANCELLED:
            hearing.fall_back(session, rma, because)
        case RmaState.SUBMITTED:
            if was is RmaState.DENIED:
                _forget_denial(session, rma, because, why="The vendor is asked again")
            if was is not RmaState.EXPIRED:
                _arm(session, rma, now=because.at)
        case _:
            pass


def _ask_for_another(rma: Rma) -> str:
    at = f"case {rma.vendor_case_number}" if rma.vendor_case_number else f"claim {rma.client_reference}"
    return (
        f"RMA number {rma.rma_number} ran out. Ask the vendor for another one, or for more time, on {at}, and enter it."
    )


def enter_numbers(
    session: Session,
    rma: Rma,
    *,
    vendor_case_number: str | None,
    rma_number: str | None,
    because: Because,
    expires_on: date | None = None,
) -> None:
    """Write down the numbers that a person has of the vendor; null leaves what is known. A new RMA number has its own last day.

    Raises:
        IllegalMove: the case is another claim's.
    """
    if rma_number is not None and rma_number != rma.rma_number:
        rma.rma_number, rma.expires_on = rma_number, None
    rma.expires_on = expires_on or rma.expires_on
    if vendor_case_number is None or vendor_case_number == rma.vendor_case_number:
        return
    if is_other_claims(session, rma, vendor_case_number):
        raise moves.IllegalMove(f"Rma {rma.client_reference}: case {vendor_case_number} is another claim's already.")
    rma.vendor_case_number = vendor_case_number
    account = session.get(VendorAccount, rma.account_id) if rma.account_id else None
    if account is not None:
        hearing.see(session, account, rma, VendorCase(vendor_case_number, VendorStatus.UNKNOWN), now=because.at)
        strays.claim(session, account, vendor_case_number, rma, because)


def is_other_claims(session: Session, rma: Rma, vendor_case_number: str) -> bool:
    """Whether a case at the claim's vendor is known to be another claim's."""
    claim = select(Rma.id).where(
        Rma.account_id == rma.account_id, Rma.vendor_case_number == vendor_case_number, Rma.id != rma.id
    )
    seen = (
        select(Sighting.id)
        .join(Rma, Rma.client_reference == Sighting.client_reference)  # one of no claim here may be this one's
        .where(
            Sighting.account_id == rma.account_id, Sighting.vendor_case_number == vendor_case_number, Rma.id != rma.id
        )
    )
    return any(session.scalars(query.limit(1)).first() is not None for query in (claim, seen))


def account_by_now(session: Session, runtime: Runtime, rma: Rma) -> int | None:
    """Who opens the cases of the unit, where there was nobody when the claim was drafted."""
    account = casefile.find_units(session, asset_id=rma.asset_id)[0].account_for(Duty.OPEN)
    return None if account is None or _is_by_hand(runtime, account) else account.id


def _is_by_hand(runtime: Runtime, account: VendorAccount) -> bool:
    try:
        return accounts.capabilities(runtime, account).by_hand is not None
    except VendorError:  # sending says what is wrong with it
        return False


def _forget_denial(session: Session, rma: Rma, because: Because, *, why: str) -> None:
    """The fault is a claim again, and the job that took over is not wanted any more."""
    fault = session.get_one(Fault, rma.fault_id, with_for_update=True)
    for job in jobs.unended(session, rma):
        moves.move(session, job, JobState.CANCELLED, because)
    verdict = verdicts.supersede_denial(session, fault, because, why=why)
    if fault.state is FaultState.AD_HOC_OPEN:
        moves.move(session, fault, FaultState.RMA_OPEN, because)
    unit = casefile.find_units(session, asset_id=rma.asset_id)[0]
    _labour_job(session, fault, rma, unit, verdict, because)
    reviews.settle(session, fault.id, because, TaskKind.DENIED)


def _refuse(session: Session, runtime: Runtime, rma: Rma, to: RmaState, now: datetime) -> None:
    said = _why_not(session, runtime, rma, to, now) if to in lifecycles.RMA_MOVES[rma.state] else None
    if said is not None:
        session.expire(rma)
        raise moves.IllegalMove(f"Rma {rma.client_reference}: {said}.")
    if to is RmaState.CLOSED and rma.state is RmaState.AUTHORIZED:
        owed.refuse(session, _fault(session, rma), Closing.CLAIM, f"Rma {rma.client_reference}")


def _why_not(session: Session, runtime: Runtime, rma: Rma, to: RmaState, now: datetime) -> str | None:
    """What is missing for a move that the life cycle has, or whose move it is."""
    match to:
        case RmaState.SUBMIT_FAILED | RmaState.OUTCOME_UNKNOWN:
            return f"{to} is what sending makes it"
        case RmaState.SUBMITTED if rma.state not in _SEND_AGAIN:
            return f"{rma.state} to {to} is for the search at the vendor, not for a person"
        case RmaState.SUBMITTED:
            return None if rma.state is RmaState.EXPIRED else _why_not_sent(session, runtime, rma)
        case RmaState.CANCELLED if rma.state is RmaState.SUBMITTED and work.may_have_been_sent(session, rma.id):
            return "it may have reached the vendor: wait for the answer, or handle it by hand"
    if rma.state is RmaState.OUTCOME_UNKNOWN and to is not RmaState.MANUAL_HANDLING:
        return "what became of it is for the search at the vendor: handle it by hand to enter what they say"
    return _why_not_by_goods(session, rma, to, now) or (
        _why_not_from_denied(session, rma, to) if rma.state is RmaState.DENIED else None
    )


def _why_not_by_goods(session: Session, rma: Rma, to: RmaState, now: datetime) -> str | None:
    """What parcels, and the number that they travel under, say against a move."""
    match to:
        case RmaState.CANCELLED if shipments.have_moved(session, rma):
            return "goods are under way: it cannot be cancelled any more"
        case RmaState.DENIED if rma.state is RmaState.AUTHORIZED and not shipments.was_inspected(session, rma):
            return "after the approval it is denied by inspection only: the vendor has not received the unit"
        case RmaState.EXPIRED if shipments.have_moved(session, rma):
            return "goods are under way, so its number is in use"
        case RmaState.AUTHORIZED if not rma.rma_number:
            return "authorized needs the RMA number that the vendor gave"
        case RmaState.AUTHORIZED if shipments.has_run_out(session, rma, now):
            return f"RMA number {rma.rma_number} ran out: authorized needs another one, or a later last day"
        case _:
            return None


def _why_not_sent(session: Session, runtime: Runtime, rma: Rma) -> str | None:
    if rma.account_id is None:
        return "no vendor account opens cases for this unit by itself"
    if rma.state is RmaState.DENIED:
        said = _why_not_again(runtime, session.get_one(VendorAccount, rma.account_id), rma)
        if said is not None:
            return said
    known = inputs.of_claim(session, runtime, rma)
    if Need.PARTS in known.missing and known.offered is None:
        return "the parts list of this unit is not here yet: wait for it, or name the parts"
    if known.missing:
        return f"something is missing. {inputs.what_is_missing(session, rma, known)}".rstrip(".")
    return _why_not_from_denied(session, rma, RmaState.SUBMITTED) if rma.state is RmaState.DENIED else None


def _why_not_again(runtime: Runtime, account: VendorAccount, rma: Rma) -> str | None:
    most = accounts.capabilities(runtime, account).max_denials
    new = "a new claim is needed. Cancel the job that took over, and it is decided again"
    if rma.vendor_case_number is None or not most:
        return f"{account.name} takes no denied claim again under its own number: {new}"
    if rma.denials >= most:
        return f"{account.name} has denied it {rma.denials} times and takes it no more: {new}"
    return None


def can_be_sent(runtime: Runtime, account: VendorAccount, rma: Rma) -> bool:
    """Whether a person can send a claim, or a denied one again: something may be missing still."""
    if rma.state is not RmaState.DENIED:
        return rma.state in _SEND_AGAIN
    try:
        return _why_not_again(runtime, account, rma) is None
    except VendorError:  # sending says what is wrong with it
        return False


def _why_not_from_denied(session: Session, rma: Rma, to: RmaState) -> str | None:
    for job in jobs.unended(session, rma):
        if to is RmaState.CLOSED:
            return f"it closes when job {job.reference} ends"
        if job.state not in jobs.BEFORE_APPROVAL:
            return f"job {job.reference} is {job.state}: cancel or credit it first"
    return None


def go_on(session: Session, account: VendorAccount, because: Because) -> int:
    """An account was added, mended, or found to work: what was parked for it goes on (how many), and drafts are taken up."""
    _order_take_up(session, account, now=because.at)
    parked = select(Outbox.rma_id).where(Outbox.account_id == account.id, Outbox.status == OrderStatus.PARKED)
    for rma in session.scalars(select(Rma).where(Rma.id.in_(parked), Rma.state == RmaState.SUBMIT_FAILED)):
        moves.move(session, rma, RmaState.SUBMITTED, because)
        reviews.settle(session, rma.fault_id, because, TaskKind.SUBMIT_FAILED)
    can_be_read(session, account, because)
    return work.rearm(session, account.id)


def _order_take_up(session: Session, account: VendorAccount, *, now: datetime) -> None:
    """Have a worker look at the drafts that this account may send; nothing is ordered where there are none."""
    name = f"take_up:{account.id}"
    ordered = select(Outbox.id).where(Outbox.name == name, Outbox.status == OrderStatus.PENDING)
    if session.scalar(ordered) is None and session.scalar(drafts_for(account).limit(1)) is not None:
        work.add(session, OrderKind.TAKE_UP, now=now, account_id=account.id, name=name)


def drafts_for(account: VendorAccount) -> Select[Rma]:
    """The drafts that an account may send, the oldest first: it was theirs, or they have none and it serves their makers."""
    serves = (
        select(Asset.id)
        .join(Product, Product.id == Asset.product_id)
        .join(AccountMaker, AccountMaker.manufacturer_key == Product.manufacturer_key)
        .where(Asset.id == Rma.asset_id, AccountMaker.account_id == account.id)
    )
    named = select(Coverage.id).where(Coverage.id == Rma.coverage_id, Coverage.account_id == account.id)
    may = Rma.account_id.is_(None) & (serves.exists() | named.exists())
    if account.client_id is not None:
        may &= Rma.client_id == account.client_id
    waits = Rma.state == RmaState.DRAFT
    return select(Rma).where(waits, or_(Rma.account_id == account.id, may)).order_by(Rma.id)


# --- an account whose cases nobody can read ---


def cannot_be_read(session: Session, account: VendorAccount, why: str, because: Because) -> None:
    """Tell a person, once for the account: the task stands on the open case that has waited longest."""
    if session.scalars(select(HumanTask.id).where(*_unread(account)).limit(1)).first() is not None:
        return
    first = select(Rma).where(Rma.account_id == account.id, Rma.state.not_in(lifecycles.RMA_OVER))
    longest = (Rma.next_poll_at.is_(None), Rma.next_poll_at, Rma.id)
    rma = session.scalars(first.order_by(*longest).limit(1)).one_or_none()
    if rma is not None:  # else none is open any more, and nobody misses a word
        why = f"No case at {account.name} can be read: {why}"
        reviews.ask(session, _fault(session, rma), TaskKind.UNREAD, why, because, rma=rma)


def can_be_read(session: Session, account: VendorAccount, because: Because) -> None:
    """What a person was told about the account's cases is settled."""
    for fault_id in session.scalars(select(Rma.fault_id).where(Rma.id.in_(_unread_rmas(account)))).all():
        reviews.settle(session, fault_id, because, TaskKind.UNREAD)


def _unread_rmas(account: VendorAccount) -> Select[int | None]:
    return select(HumanTask.rma_id).where(*_unread(account))


def _unread(account: VendorAccount) -> tuple[ColumnElement[bool], ...]:
    of_account = HumanTask.rma_id.in_(select(Rma.id).where(Rma.account_id == account.id))
    return HumanTask.kind == TaskKind.UNREAD, HumanTask.resolved_at.is_(None), of_account


def search_again(session: Session, rma: Rma, because: Because) -> None:
    """Have the vendor searched once more for a claim that may have arrived, where that was given up; nothing is sent before.

    Raises:
        IllegalMove: it is not in doubt, it is searched for already, or the vendor cannot be searched: a person looks there.
    """
    session.refresh(rma, with_for_update=True)  # a worker that is about to search holds it too
    if rma.state is not RmaState.OUTCOME_UNKNOWN or not work.rearm_send(session, rma.id):
        said = "nothing of it waits for another search: it is searched for by itself, or a person looks at the vendor"
        raise moves.IllegalMove(f"Rma {rma.client_reference}: {said}.")
    moves.note(session, rma, "search_again", because)


def _arm(session: Session, rma: Rma, *, now: datetime) -> None:
    """Send (again): the parked order goes on, so that what may have arrived is searched for first; else a new one is made."""
    if not work.rearm_send(session, rma.id):
        order_send(session, rma, now=now)
