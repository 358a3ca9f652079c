"""From a report to exactly one route: facts, ``decide``, and what the verdict orders, all in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, or_, select, update

from vendors.contract import Duty
from warranty.domain import case as casework
from warranty.domain.coverage import Verdict, decide
from warranty.domain.lifecycles import FAULT_MOVES, FaultState
from warranty.domain.terms import Cause, Component, Direction, ReasonCode, Route
from warranty.models import Client, Coverage, ExternalRef, Fault, Outbox, Person, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import casefile, jobs, moves, references, reviews, rmas, verdicts, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.models import AdHocJob, HumanTask, Rma
    from warranty.runtime import Runtime
    from warranty.services.casefile import CaseFile, UnitFile
    from warranty.services.estate import ExternalName

DECIDER = "system:decision"
MAX_DECISIONS = 5


class UnknownAsset(Exception):
    """No unit with this id, or none that the caller may see."""


class UnknownClient(Exception):
    """No client with this id, or none that the caller may see."""


class ClientRequired(Exception):
    """The serial names no unit, or several; without a client nobody's review list could hold the report."""

    def __init__(self, matches: int) -> None:
        said = "No unit answers" if matches == 0 else f"{matches} units answer"
        super().__init__(f"{said} to this serial number: say which client reports it.")
        self.matches = matches


class OccursLater(Exception):
    """``occurred_at`` lies after the report."""


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """Who can be called about this fault."""

    name: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class ShipToFacts:
    """Where the replacement goes, if not to the unit's site. ``address`` has the keys of a site's address."""

    name: str
    address: dict[str, str]


@dataclass(frozen=True, slots=True)
class FaultFacts:
    """What a reporter says. One of ``serial_number`` and ``asset_id`` is given; ids are public ones."""

    component: Component
    cause: Cause
    symptom: str
    serial_number: str | None = None
    asset_id: UUID | None = None
    client_id: UUID | None = None
    component_ref: str = ""
    severity: int = 3
    occurred_at: datetime | None = None
    contact: ContactFacts | None = None
    ship_to: ShipToFacts | None = None
    troubleshooting: str = ""
    diagnostic_code: str = ""
    external_ref: ExternalName | None = None
    reading: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a report or of a new decision."""

    fault: Fault
    asset_id: UUID | None
    verdict: Verdict
    rma: Rma | None = None
    job: AdHocJob | None = None
    task: HumanTask | None = None


def preview(
    session: Session, principal: Principal, facts: FaultFacts, *, now: datetime
) -> tuple[Verdict, CaseFile, UnitFile | None]:
    """Decide without opening anything; the unit is null where it is not identified.

    Raises:
        UnknownAsset, UnknownClient, ClientRequired, OccursLater: as ``report`` does.
    """
    unit, matches, client = _identify(session, principal, facts, lock=False)
    return (*_consider(session, unit, matches, client, facts, now=now), unit)


def preview_of(session: Session, unit: UnitFile, facts: FaultFacts, *, now: datetime) -> tuple[Verdict, CaseFile]:
    """As ``preview``, of a unit that is known already and has no successor.

    Raises:
        OccursLater: as ``report`` does.
    """
    return _consider(session, unit, 1, unit.client, facts, now=now)


def _consider(
    session: Session, unit: UnitFile | None, matches: int, client: Client, facts: FaultFacts, *, now: datetime
) -> tuple[Verdict, CaseFile]:
    fault = _question(facts, str(uuid4()), now)
    file = casefile.gather(session, unit=unit, matches=matches, client=client, fault=fault, now=now)
    return decide(file.case), file


def covered_now(file: CaseFile) -> Verdict:
    """Who would pay for the whole unit if its hardware failed now, whatever else is open on it."""
    plain = replace(
        file.case.fault, component=Component.UNIT, component_ref="", cause=Cause.HARDWARE_FAILURE, occurred_at=None
    )
    return decide(replace(file.case, fault=plain, cases=()))


def report(session: Session, runtime: Runtime, principal: Principal, facts: FaultFacts, *, now: datetime) -> Outcome:
    """Log a fault, decide it, and order what the verdict says.

    At most 16 statements and no call to anybody. The unit's row is locked while the gates are read, so that two reports at
    once cannot both open an Rma.

    Raises:
        UnknownAsset, UnknownClient: the id names nothing the caller may see.
        ClientRequired: the serial names no unit or several, and no client is known.
        OccursLater: it is said to have happened after now.
    """
    unit, matches, client = _identify(session, principal, facts, lock=True)
    fault = Fault(
        public_id=uuid4(),
        client_id=client.id,
        reference=references.make("F"),
        asset_id=unit.asset.id if unit else None,
        serial_number=unit.asset.serial_number if unit else (facts.serial_number or ""),
        component=facts.component,
        component_ref=facts.component_ref,
        cause=facts.cause,
        symptom=facts.symptom,
        severity=facts.severity,
        occurred_at=facts.occurred_at,
        reported_at=now,
        reading=facts.reading,
        reporter=principal.actor,
        ship_to=facts.ship_to.address if facts.ship_to else None,
        troubleshooting=facts.troubleshooting,
        diagnostic_code=facts.diagnostic_code,
        state=FaultState.REPORTED,
    )
    question = _question(facts, str(fault.public_id), now)
    file, verdict = _decide(session, unit, matches, client, question, now=now)
    # Held on to: the session knows whom it has just written only as long as somebody does, and would ask for them again.
    _people = _keep_people(session, fault, facts)
    path = _first_path(verdict)
    fault.state = path[-1]
    fault.duplicate_of_id = _attached_to(verdict, file)
    fault.case_closed_at = now if path[-1] in {FaultState.DUPLICATE, FaultState.WITHIN_TOLERANCE} else None
    session.add(fault)
    session.flush()
    if facts.external_ref:
        session.add(
            ExternalRef(
                client_id=fault.client_id,
                record="fault",
                record_id=fault.id,
                system=facts.external_ref.system,
                external_id=facts.external_ref.id,
                url=facts.external_ref.url,
            )
        )
    moves.note(session, fault, "reported", Because(principal.actor, facts.symptom, now))
    because = Because(DECIDER, _why(verdict), now, fault.id)
    moves.born(session, fault, path, because)
    verdicts.store(session, fault, file.case.to_json(), verdict, because, why="first decision")
    return _route(session, runtime, fault, unit, file, verdict, because, is_new=True, asks_vendor=True)


def decide_again(
    session: Session, runtime: Runtime, fault_id: int, *, now: datetime, why: str, asks_vendor: bool = False
) -> Outcome | None:
    """Repeat the decision of a fault that waits for one; None where it waits for none any more.

    A verdict is never edited: where the new one differs it supersedes the old one and says why. ``asks_vendor``: a look-up
    is ordered where the route is ``lookup``. A person's answer does so; the answer to a look-up does not, since it would
    ask again and again until the patience ends.
    """
    found = session.get_one(Fault, fault_id)
    unit = casefile.find_units(session, asset_id=found.asset_id, lock=True)[0] if found.asset_id else None
    # Read again under the unit's lock: an earlier decision may have just gone through.
    fault = session.get_one(Fault, fault_id, populate_existing=True, with_for_update=True)
    if fault.state not in {FaultState.ENTITLEMENT_CHECK, FaultState.NEEDS_REVIEW}:
        return None
    client = unit.client if unit else session.get_one(Client, fault.client_id)
    question = question_of(fault)
    file, verdict = _decide(session, unit, 1 if unit else 0, client, question, now=now, own_fault_id=fault.id)
    because = Because(DECIDER, _why(verdict), now, fault.id)
    newest = verdicts.newest(session, fault.id)
    if newest is None or newest.verdict_document != verdict.to_json():
        verdicts.store(session, fault, file.case.to_json(), verdict, because, why=why)
    target = _TARGET[verdict.route]
    if target is not fault.state and target in FAULT_MOVES[fault.state]:
        fault.duplicate_of_id = _attached_to(verdict, file)
        moves.move(session, fault, target, because)
        reviews.settle(session, fault.id, because, TaskKind.REVIEW)
    elif verdict.route not in {Route.REVIEW, Route.LOOKUP}:
        return None
    return _route(session, runtime, fault, unit, file, verdict, because, is_new=False, asks_vendor=asks_vendor)


# --- who and what ---


def _identify(
    session: Session, principal: Principal, facts: FaultFacts, *, lock: bool
) -> tuple[UnitFile | None, int, Client]:
    units = casefile.find_units(
        session, serial_number=facts.serial_number, asset_id=facts.asset_id, client=facts.client_id, lock=lock
    )
    if len(units) == 1:
        unit = casefile.successor(session, units[0], lock=lock)
        return unit, 1, unit.client
    if facts.asset_id is not None:
        raise UnknownAsset
    return None, len(units), _reporting_client(session, principal, facts, len(units))


def _reporting_client(session: Session, principal: Principal, facts: FaultFacts, matches: int) -> Client:
    if principal.client_id is not None:
        own = session.get_one(Client, principal.client_id)
        if facts.client_id not in {None, own.public_id}:
            raise UnknownClient
        return own
    if facts.client_id is None:
        raise ClientRequired(matches)
    client = session.scalars(select(Client).where(Client.public_id == facts.client_id)).one_or_none()
    if client is None:
        raise UnknownClient
    return client


def _question(facts: FaultFacts, fault_id: str, now: datetime) -> casework.Fault:
    if facts.occurred_at is not None and facts.occurred_at > now:
        raise OccursLater
    return casework.Fault(
        id=fault_id,
        component=facts.component,
        component_ref=facts.component_ref,
        cause=facts.cause,
        occurred_at=facts.occurred_at,
        reported_at=now,
        reading=_reading(facts.reading),
    )


def question_of(fault: Fault) -> casework.Fault:
    """A fault as the decision reads it."""
    return casework.Fault(
        id=str(fault.public_id),
        component=fault.component,
        component_ref=fault.component_ref,
        cause=fault.cause,
        occurred_at=fault.occurred_at,
        reported_at=fault.reported_at,
        reading=_reading(fault.reading),
    )


def _reading(document: dict[str, Any] | None) -> casework.Reading | None:
    """A stored reading; its numbers are kept as text, so that they stay exact decimals."""
    if document is None:
        return None
    return casework.Reading(
        metric=document["metric"],
        value=Decimal(document["value"]),
        target=Decimal(document["target"]),
        tolerance=Decimal(document["tolerance"]),
        direction=Direction(document["direction"]),
    )


def _keep_people(session: Session, fault: Fault, facts: FaultFacts) -> list[Person]:
    contact = ship_to = None
    if facts.contact:
        contact = Person(
            client_id=fault.client_id, name=facts.contact.name, phone=facts.contact.phone, email=facts.contact.email
        )
    if facts.ship_to:
        # The same columns as the contact has, so that both go in one statement.
        ship_to = Person(client_id=fault.client_id, name=facts.ship_to.name, phone="", email="")
    people = [person for person in (contact, ship_to) if person]
    if people:
        session.add_all(people)
        session.flush()
    fault.contact_id = contact.id if contact else None
    fault.ship_to_id = ship_to.id if ship_to else None
    return people


# --- the decision, with the claims it consumes reserved ---


def _decide(
    session: Session,
    unit: UnitFile | None,
    matches: int,
    client: Client,
    question: casework.Fault,
    *,
    now: datetime,
    own_fault_id: int | None = None,
) -> tuple[CaseFile, Verdict]:
    """Decide, and reserve one claim of each coverage that won; where another fault took the last one, decide again."""
    for _ in range(MAX_DECISIONS):
        file = casefile.gather(
            session, unit=unit, matches=matches, client=client, fault=question, now=now, own_fault_id=own_fault_id
        )
        verdict = decide(file.case)
        winners = sorted({file.coverages[id_].id for id_ in (verdict.awards.parts, verdict.awards.labour) if id_})
        if _reserve(session, winners):
            return file, verdict
    raise moves.Raced("The coverages of this unit changed while it was decided; report it again.")


_TAKE_ONE = (
    update(Coverage)
    .where(
        Coverage.id.in_(bindparam("ids", expanding=True)),
        or_(
            Coverage.claims_limit.is_(None), Coverage.claims_consumed + Coverage.claims_reserved < Coverage.claims_limit
        ),
    )
    .values(claims_reserved=Coverage.claims_reserved + 1)
    .returning(Coverage.id)
)


def _reserve(session: Session, coverage_ids: Sequence[int]) -> bool:
    """Take one claim of each coverage, or of none of them."""
    if not coverage_ids:
        return True
    taken = set(session.connection().scalars(_TAKE_ONE, {"ids": coverage_ids}))
    if taken == set(coverage_ids):
        return True
    verdicts.release_claims(session, taken)
    return False


# --- what the verdict orders ---

_TARGET = {
    Route.RMA: FaultState.RMA_OPEN,
    Route.AD_HOC: FaultState.AD_HOC_OPEN,
    Route.REVIEW: FaultState.NEEDS_REVIEW,
    Route.LOOKUP: FaultState.ENTITLEMENT_CHECK,
    Route.DUPLICATE: FaultState.DUPLICATE,
    Route.NONE: FaultState.WITHIN_TOLERANCE,
}


def _first_path(verdict: Verdict) -> list[FaultState]:
    target = _TARGET[verdict.route]
    if target in FAULT_MOVES[FaultState.REPORTED]:
        return [FaultState.REPORTED, target]
    checked = [FaultState.REPORTED, FaultState.TRIAGED, FaultState.ENTITLEMENT_CHECK]
    return checked if target is FaultState.ENTITLEMENT_CHECK else [*checked, target]


def _why(verdict: Verdict) -> str:
    """The sentences that carry the verdict: the first entry of each share, or the gate's."""
    return (
        " ".join(reason.text for reason in verdict.reasons if reason.code is not ReasonCode.OUTRANKED) or "no reasons"
    )


def _attached_to(verdict: Verdict, file: CaseFile) -> int | None:
    if verdict.route is not Route.DUPLICATE:
        return None
    return file.fault_of_case[verdict.reasons[0].params["case"]]


def _route(
    session: Session,
    runtime: Runtime,
    fault: Fault,
    unit: UnitFile | None,
    file: CaseFile,
    verdict: Verdict,
    because: Because,
    *,
    is_new: bool,
    asks_vendor: bool,
) -> Outcome:
    rma = job = task = None
    match verdict.route:
        case Route.RMA:
            assert unit is not None
            rma, job = rmas.open_for(session, runtime, fault, unit, file, verdict, because, is_new=is_new)
        case Route.AD_HOC:
            assert unit is not None
            job = jobs.open_for(session, fault, unit, file, verdict, because)
        case Route.LOOKUP:
            assert unit is not None
            if asks_vendor:
                _ask_vendor(session, fault, unit, file, because)
        case Route.REVIEW:
            ask = reviews.ask_first if is_new else reviews.ask
            why = " ".join(filter(None, (_why(verdict), _what_asking_came_to(session, fault, unit))))
            task = ask(session, fault, TaskKind.REVIEW, why, because)
        case Route.DUPLICATE | Route.NONE:
            pass
    session.flush()
    return Outcome(fault, unit.asset.public_id if unit else None, verdict, rma, job, task)


def _what_asking_came_to(session: Session, fault: Fault, unit: UnitFile | None) -> str:
    """What a vendor that could not answer said, and whose account has to be mended for it; empty where all is well."""
    if unit is None or unit.asset.lookup_error is None:
        return ""
    parked = (
        select(VendorAccount.name)
        .join(Outbox, Outbox.account_id == VendorAccount.id)
        .where(Outbox.fault_id == fault.id, Outbox.kind == OrderKind.LOOK_UP, Outbox.status == OrderStatus.PARKED)
    )
    name = session.scalar(parked.limit(1))
    to_do = "" if name is None else f" Mend the account {name}, and it goes on by itself."
    return f"It said: {unit.asset.lookup_error.rstrip('.')}.{to_do}"


def _ask_vendor(session: Session, fault: Fault, unit: UnitFile, file: CaseFile, because: Because) -> None:
    account = unit.account_for(Duty.LOOKUP)
    assert account is not None  # route `lookup` needs a vendor that can be asked
    patience = timedelta(minutes=file.case.policy.lookup_patience_minutes)
    work.add(
        session,
        OrderKind.LOOK_UP,
        now=because.at,
        client_id=fault.client_id,
        account_id=account.id,
        fault_id=fault.id,
        payload={"assets": [unit.asset.id]},
    )
    work.add(  # decides when the patience ends, whatever became of the look-up
        session,
        OrderKind.DECIDE_AGAIN,
        now=because.at,
        due_at=fault.reported_at + patience,
        client_id=fault.client_id,
        fault_id=fault.id,
    )
