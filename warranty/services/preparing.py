"""Claims that cannot go yet: looked at again whenever something was given, and sent by themselves when nothing is missing.

What a vendor asks for, and what of it is known: ``inputs``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from vendors.contract import Need
from warranty.domain.lifecycles import RmaState
from warranty.models import Coverage, Fault, Person, VendorAccount
from warranty.models.work import TaskKind
from warranty.services import accounts, casefile, drafts, inputs, moves, reviews, rmas
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.models import Rma
    from warranty.runtime import Runtime
    from warranty.services.faults import ContactFacts, ShipToFacts
    from warranty.services.inputs import Inputs


def take_up(session: Session, runtime: Runtime, rma: Rma, because: Because) -> None:
    """Look again at a draft: something was given, or an account was added, or mended, that may send it.

    It goes where nothing is missing any more; else a person is told what is.
    """
    session.refresh(rma, with_for_update=True)
    if rma.state is not RmaState.DRAFT:
        return
    fault, unit = session.get_one(Fault, rma.fault_id), casefile.find_units(session, asset_id=rma.asset_id)[0]
    coverage = session.get_one(Coverage, rma.coverage_id)
    named = session.get(VendorAccount, coverage.account_id) if coverage.account_id else None
    account = named or rmas.general_account(unit, coverage)
    if rma.account_id != (account.id if account else None):  # what somebody may see, another may not
        rma.account_id, rma.files = account.id if account else None, []
    known = _known(session, runtime, rma)
    path, task, why = rmas.first_path(
        session, runtime, fault, unit, account, named_only=coverage.kind in rmas.NAMED_ONLY, known=known
    )
    if path[1:] or task is None:
        reviews.settle(session, fault.id, because, TaskKind.INFO_MISSING)
    if path[1:]:
        moves.walk(session, rma, path[1:], replace(because, reason=why or because.reason))
    if task is not None:
        reviews.ask(session, fault, task, why, because, rma=rma)
    if path[-1] is RmaState.SUBMITTED:
        rmas.order_send(session, rma, now=because.at)
    elif Need.PARTS in known.missing and known.offered is None:
        drafts.order(session, rma, now=because.at)


def _known(session: Session, runtime: Runtime, rma: Rma) -> Inputs:
    """What is missing; a part that can only be one is chosen."""
    known = inputs.shown(session, runtime, rma)
    if Need.PARTS in known.missing and len(known.proposed) == 1:
        rma.parts = list(known.proposed)
        known = inputs.shown(session, runtime, rma)
    return known


def hold_up(session: Session, runtime: Runtime, rma: Rma, trouble: str, because: Because) -> None:
    """The vendor's parts list cannot be had for now: a person is told, beside what is missing anyway."""
    if rma.state is RmaState.DRAFT:
        missing = inputs.what_is_missing(session, rma, inputs.shown(session, runtime, rma))
        why = " ".join(filter(None, (f"The parts list of this unit cannot be had. {trouble}", missing)))
        reviews.ask(session, session.get_one(Fault, rma.fault_id), TaskKind.INFO_MISSING, why, because, rma=rma)


@dataclass(frozen=True, slots=True)
class Given:
    """What a person gives for a claim; null leaves what is known."""

    contact: ContactFacts | None = None
    ship_to: ShipToFacts | None = None
    troubleshooting: str | None = None
    diagnostic_code: str | None = None
    parts: Sequence[str] | None = None
    files: Sequence[UUID] | None = None


def give(session: Session, runtime: Runtime, principal: Principal, rma: Rma, given: Given, *, now: datetime) -> None:
    """Take what a vendor asks for; a draft that has everything by then goes by itself.

    Raises:
        IllegalMove: the vendor has the claim, or may have it, so it is too late.
        Invalid: parts that the vendor does not list for the unit, or files that cannot go along.
    """
    session.refresh(rma, with_for_update=True)
    if rma.state not in inputs.BEFORE_SENDING:
        raise moves.IllegalMove(
            f"Rma {rma.client_reference} is {rma.state}: what it carries cannot be changed any more."
        )
    fault = session.get_one(Fault, rma.fault_id, with_for_update=True)
    fault.troubleshooting = fault.troubleshooting if given.troubleshooting is None else given.troubleshooting
    fault.diagnostic_code = fault.diagnostic_code if given.diagnostic_code is None else given.diagnostic_code
    if given.contact is not None:
        who = {"name": given.contact.name, "phone": given.contact.phone, "email": given.contact.email}
        fault.contact_id = _person(session, fault, fault.contact_id, **who)
    if given.ship_to is not None:
        fault.ship_to_id = _person(session, fault, fault.ship_to_id, name=given.ship_to.name)
        fault.ship_to = given.ship_to.address
    if given.parts is not None:
        inputs.choose(session, rma, given.parts)
    if given.files is not None:
        inputs.choose_files(session, runtime, rma, given.files)
    because = Because(principal.actor, "What was missing was given.", now, fault.id)
    named = [one.name for one in fields(given) if getattr(given, one.name) is not None]
    if named:
        moves.note(session, rma, "inputs_given", because, detail={"given": named})
    session.flush()
    take_up(session, runtime, rma, because)


def ask_afresh(session: Session, runtime: Runtime, rma: Rma, *, now: datetime) -> None:
    """Order that the vendor is asked for the unit's parts once more, because a person wants it.

    Raises:
        IllegalMove: the vendor has the claim, or lists no parts.
    """
    account = session.get(VendorAccount, rma.account_id) if rma.account_id is not None else None
    if (
        rma.state not in inputs.BEFORE_SENDING
        or account is None
        or not accounts.capabilities(runtime, account).parts_list
    ):
        raise moves.IllegalMove(f"Rma {rma.client_reference}: there is no parts list to be asked for.")
    drafts.order(session, rma, now=now, afresh=True)


def _person(session: Session, fault: Fault, key: int | None, **facts: str) -> int:
    """Somebody who is named for this case alone: anew, or as they are called from now on."""
    person = session.get(Person, key) if key is not None else None
    if person is None or person.site_id is not None:
        person = Person(client_id=fault.client_id, **{"phone": "", "email": ""} | facts)
        session.add(person)
    for name, value in facts.items():
        setattr(person, name, value)
    session.flush()
    return person.id
