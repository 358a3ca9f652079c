"""What a person answers to a review item: the only place that turns the answer into a fault that goes on, or ends."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select

from warranty.domain.access import Permission
from warranty.domain.lifecycles import FaultState
from warranty.models import Asset, Fault, Rma
from warranty.models.work import TaskKind
from warranty.services import estate, faults, moves, overrides, proposals, reviews, strays
from warranty.services.by_hand import NotYours
from warranty.services.estate import Invalid
from warranty.services.moves import Because
from warranty.services.proposals import NOTHING, Proposal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.models import HumanTask
    from warranty.runtime import Runtime
    from warranty.services.overrides import Wish


class Action(StrEnum):
    """What can be answered."""

    DECIDE_AGAIN = "decide_again"  # something was mended elsewhere; of a silent vendor: somebody has asked it
    IDENTIFY = "identify"  # this is the unit that was meant
    ATTEST_ABSENCE = "attest_absence"  # a person looked: nothing else covers the unit
    OVERRIDE = "override"  # a verdict of one's own, or a second person's yes to somebody else's
    REJECT = "reject"  # not a fault of ours; no to an override
    CONFIRM = "confirm"  # what a program proposes is true
    DECLINE = "decline"  # it is not
    DEALT_WITH = "dealt_with"  # of a case at a vendor that belongs to no claim: somebody has seen to it


ABOUT_PROPOSALS = frozenset({Action.CONFIRM, Action.DECLINE})


class NotWaiting(Exception):
    """The item is settled, or is none that this answers."""


def resolve(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    item: HumanTask,
    action: Action,
    *,
    reason: str,
    now: datetime,
    asset: Asset | None = None,
    wish: Wish | None = None,
    proposal: int | None = None,
    numbers: Proposal = NOTHING,
) -> Fault | None:
    """Answer a review item; gives the fault as it then stands, null where it stands on none.

    ``asset`` is the unit of ``identify``, ``wish`` the verdict of ``override``; ``proposal`` is which one ``confirm`` and
    ``decline`` are about, ``numbers`` what is confirmed instead. Where the answer is about the decision itself, neither
    ``override`` nor ``reject``, the fault is decided again, and may wait for a person once more: then the item stays open and
    says why. A vendor that was silent for too long is asked about with ``decide_again``: it says that somebody did.

    Raises:
        NotWaiting: it is settled already, or it waits for something else than this answer.
        Invalid: ``identify`` without a unit or with another client's, ``attest_absence`` where no unit is known,
            ``override`` without a verdict, ``confirm`` where several wait and none is named.
        NotYours: one's own override; a decision, by whoever only handles claims.
        IllegalMove: as ``overrides.override`` and ``proposals.confirm``.
    """
    if action in ABOUT_PROPOSALS:
        return _answer_proposal(
            session, runtime, principal, item, action, place=proposal, numbers=numbers, reason=reason, now=now
        )
    if not principal.may(Permission.DECIDE):
        raise NotYours("Decisions are a service manager's; you may confirm or decline what is proposed for a claim.")
    if item.kind is TaskKind.STRAY_CASE:
        _deal_with(session, item, action, Because(principal.actor, reason, now))
        return None
    if action is Action.DEALT_WITH:
        raise Invalid("action", "Only a case at a vendor that belongs to no claim is answered dealt_with.")
    fault = _hold(session, item, asset)
    if item.kind in _ANSWERED_APART and item.resolved_at is None:
        answer = _ANSWERED_APART[item.kind]
        return answer(session, runtime, principal, item, fault, action, reason=reason, now=now)
    if item.kind is not TaskKind.REVIEW or item.resolved_at is not None or fault.state is not FaultState.NEEDS_REVIEW:
        raise NotWaiting("This item is settled, or it waits for the vendor's answer: enter that on its RMA.")
    because = Because(principal.actor, reason, now, fault.id)
    return _review(session, runtime, principal, fault, action, because, asset=asset, wish=wish)


def _review(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    fault: Fault,
    action: Action,
    because: Because,
    *,
    asset: Asset | None,
    wish: Wish | None,
) -> Fault:
    """What was answered to the decision itself."""
    match action:
        case Action.REJECT:
            moves.move(session, fault, FaultState.REJECTED, because)
            reviews.settle(session, fault.id, because, TaskKind.REVIEW)
            return fault
        case Action.OVERRIDE:
            overrides.override(session, runtime, principal, fault, _wanted(wish), now=because.at)
            return fault
        case Action.IDENTIFY:
            _identify(session, fault, asset, because)
        case Action.ATTEST_ABSENCE:
            _attest(session, fault, because)
        case Action.DECIDE_AGAIN:
            moves.note(session, fault, action, because)
    session.flush()
    faults.decide_again(session, runtime, fault.id, now=because.at, why=because.reason, asks_vendor=True)
    return fault


def _deal_with(session: Session, item: HumanTask, action: Action, because: Because) -> None:
    """Somebody has seen to a case that belongs to no claim; there is no fault to give."""
    if action is not Action.DEALT_WITH:
        raise Invalid("action", "The case belongs to no claim: enter its number on one, or answer dealt_with.")
    if not strays.deal_with(session, item, because):
        raise NotWaiting("Somebody has answered this already.")


def _hold(session: Session, item: HumanTask, asset: Asset | None) -> Fault:
    """The unit and then the fault, as decisions hold them; who answers at the same time finds the item settled."""
    held = asset.id if asset is not None else session.get_one(Fault, item.fault_id).asset_id
    if held is not None:
        session.execute(select(Asset.id).where(Asset.id == held).with_for_update())
    fault = session.get_one(Fault, item.fault_id, with_for_update=True, populate_existing=True)
    session.refresh(item)
    return fault


def _answer_proposal(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    item: HumanTask,
    action: Action,
    *,
    place: int | None,
    numbers: Proposal,
    reason: str,
    now: datetime,
) -> Fault:
    if item.kind is not TaskKind.PROPOSAL:
        raise NotWaiting("Nothing is proposed here that could be confirmed or declined.")
    # The claim first, as whoever hears the vendor holds it; who answers at the same time finds it settled.
    session.get_one(Rma, item.rma_id, with_for_update=True)
    session.refresh(item)
    if item.resolved_at is not None:
        raise NotWaiting("Somebody has answered this already.")
    if action is Action.CONFIRM:
        proposals.confirm(session, runtime, principal, item, place=place, instead=numbers, reason=reason, now=now)
    else:
        proposals.decline(session, principal, item, place=place, reason=reason, now=now)
    return session.get_one(Fault, item.fault_id)


def _second_opinion(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    item: HumanTask,
    fault: Fault,
    action: Action,
    *,
    reason: str,
    now: datetime,
) -> Fault:
    if action is Action.OVERRIDE:
        return overrides.confirm(session, runtime, principal, item, reason=reason, now=now)
    if action is not Action.REJECT:
        raise Invalid("action", "Somebody asks to override the verdict: answer override or reject.")
    because = Because(principal.actor, reason, now, fault.id)
    moves.note(session, fault, "override_refused", because)
    reviews.settle(session, fault.id, because, TaskKind.OVERRIDE)
    return fault


def _asked_by_hand(
    session: Session,
    runtime: Runtime,
    principal: Principal,
    item: HumanTask,
    fault: Fault,
    action: Action,
    *,
    reason: str,
    now: datetime,
) -> Fault:
    """Somebody has asked the silent vendor, and nothing is to be moved: from now on its patience counts anew."""
    del runtime, item
    if action is not Action.DECIDE_AGAIN:
        raise Invalid("action", "The vendor has been silent: answer decide_again once somebody has asked it.")
    reviews.settle(session, fault.id, Because(principal.actor, reason, now, fault.id), TaskKind.SILENT)
    return fault


_ANSWERED_APART = {TaskKind.OVERRIDE: _second_opinion, TaskKind.SILENT: _asked_by_hand}


def _wanted(wish: Wish | None) -> Wish:
    if wish is None:
        raise Invalid("override", "Say which verdict it is to be.")
    return wish


def _identify(session: Session, fault: Fault, asset: Asset | None, because: Because) -> None:
    if asset is None:
        raise Invalid("asset_id", "Say which unit is meant.")
    if asset.client_id != fault.client_id:
        raise Invalid("asset_id", "This unit belongs to another client than the report.")
    moves.note(session, fault, Action.IDENTIFY, because, detail={"reported_as": fault.serial_number})
    fault.asset_id, fault.serial_number = asset.id, asset.serial_number


def _attest(session: Session, fault: Fault, because: Because) -> None:
    if fault.asset_id is None:
        raise Invalid("action", "No unit is known yet: identify it first.")
    estate.change_asset(session, session.get_one(Asset, fault.asset_id), because=because, absence_attested=True)
