"""Where a case stands, in one word: the only place that makes a headline, the client's step and who has the ball.

A headline is computed each time it is shown and stored nowhere, so it cannot disagree with the records.
Source: domain.md, section 3 ("Headlines and client-facing steps").
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from warranty.domain.lifecycles import (
    FAULT_OVER,
    SWAP_SUCCEEDED,
    FaultState,
    JobState,
    RmaState,
    ShipmentState,
    SwapState,
)
from warranty.domain.terms import Route


class Headline(StrEnum):
    """Where a case stands, in the word of the staff."""

    REPORTED = "reported"
    ASSESSING = "assessing"
    IN_REVIEW = "in_review"
    ASKING_VENDOR = "asking_vendor"
    AWAITING_APPROVAL = "awaiting_approval"
    PREPARING = "preparing"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    WITH_PERSON = "with_person"
    VENDOR_REVIEW = "vendor_review"
    INFO_REQUIRED = "info_required"
    AUTHORIZED = "authorized"
    DENIED = "denied"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    INSTALLING = "installing"
    JOB_SCHEDULED = "job_scheduled"
    RESTORED = "restored"
    RETURN_DUE = "return_due"
    RETURN_OVERDUE = "return_overdue"
    CLOSED = "closed"


class ClientStep(StrEnum):
    """The eight steps that a client sees, in their order."""

    REPORTED = "reported"
    BEING_ASSESSED = "being_assessed"
    WAITING_FOR_YOUR_APPROVAL = "waiting_for_your_approval"
    ORDERED_FROM_THE_VENDOR = "ordered_from_the_vendor"
    ON_ITS_WAY = "on_its_way"
    BEING_INSTALLED = "being_installed"
    WORKING_AGAIN = "working_again"
    CLOSED = "closed"


class Side(StrEnum):
    """Who has the ball."""

    VENDOR = "vendor"
    MSP = "msp"
    CLIENT = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records of one case, as plain values.

    The fault with the route of its newest verdict, and the newest of each that it has: Rma, ad hoc job, Swap, Shipment
    per direction (of several parcels, the one that is furthest behind). After a dead-on-arrival Swap that is the child
    Rma with its own Swap and Shipments, but for the return, which may still be the first one's.
    """

    fault: FaultState
    route: Route | None = None
    rma: RmaState | None = None
    job: JobState | None = None
    swap: SwapState | None = None
    to_us: ShipmentState | None = None
    to_vendor: ShipmentState | None = None
    return_due_on: date | None = None  # inclusive: that day is not late yet
    denied_told: bool = False  # whether the client has been told of the vendor's denial
    holder: Side = Side.MSP  # who has the unit that goes back


@dataclass(frozen=True, slots=True)
class Standing:
    """One headline, the client's step that it belongs to, and who has the ball; nobody, where the case is closed."""

    headline: Headline
    step: ClientStep
    ball: Side | None


# fmt: off
_STEP_AND_BALL: dict[Headline, tuple[ClientStep, Side | None]] = {
    Headline.REPORTED:          (ClientStep.REPORTED, Side.MSP),
    Headline.ASSESSING:         (ClientStep.BEING_ASSESSED, Side.MSP),
    Headline.IN_REVIEW:         (ClientStep.BEING_ASSESSED, Side.MSP),
    Headline.ASKING_VENDOR:     (ClientStep.BEING_ASSESSED, Side.VENDOR),
    Headline.AWAITING_APPROVAL: (ClientStep.WAITING_FOR_YOUR_APPROVAL, Side.CLIENT),
    Headline.PREPARING:         (ClientStep.ORDERED_FROM_THE_VENDOR, Side.MSP),
    Headline.SENT:              (ClientStep.ORDERED_FROM_THE_VENDOR, Side.VENDOR),
    Headline.UNCERTAIN:         (ClientStep.ORDERED_FROM_THE_VENDOR, Side.MSP),     # we have to find out
    Headline.WITH_PERSON:       (ClientStep.ORDERED_FROM_THE_VENDOR, Side.MSP),
    Headline.VENDOR_REVIEW:     (ClientStep.ORDERED_FROM_THE_VENDOR, Side.VENDOR),
    Headline.INFO_REQUIRED:     (ClientStep.ORDERED_FROM_THE_VENDOR, Side.MSP),     # also where the client knows
    Headline.AUTHORIZED:        (ClientStep.ORDERED_FROM_THE_VENDOR, Side.VENDOR),
    Headline.DENIED:            (ClientStep.ORDERED_FROM_THE_VENDOR, Side.MSP),     # until the client is told
    Headline.SHIPPED:           (ClientStep.ON_ITS_WAY, Side.VENDOR),
    Headline.DELIVERED:         (ClientStep.ON_ITS_WAY, Side.MSP),
    Headline.INSTALLING:        (ClientStep.BEING_INSTALLED, Side.MSP),
    Headline.JOB_SCHEDULED:     (ClientStep.BEING_INSTALLED, Side.MSP),
    Headline.RESTORED:          (ClientStep.WORKING_AGAIN, Side.MSP),
    Headline.RETURN_DUE:        (ClientStep.WORKING_AGAIN, Side.MSP),
    Headline.RETURN_OVERDUE:    (ClientStep.WORKING_AGAIN, Side.MSP),
    Headline.CLOSED:            (ClientStep.CLOSED, None),
}

# Before a route is taken the fault alone speaks: any other record is left from before a cancellation or a reopening.
_OF_FAULT: dict[FaultState, Headline] = {
    FaultState.REPORTED:              Headline.REPORTED,
    FaultState.TRIAGED:               Headline.ASSESSING,
    FaultState.DIAGNOSING:            Headline.ASSESSING,
    FaultState.ENTITLEMENT_CHECK:     Headline.ASSESSING,
    FaultState.NEEDS_REVIEW:          Headline.IN_REVIEW,
    FaultState.REOPENED:              Headline.ASSESSING,
}

_OF_RMA: dict[RmaState, Headline] = {
    RmaState.DRAFT:           Headline.PREPARING,
    RmaState.SUBMITTED:       Headline.SENT,
    RmaState.OUTCOME_UNKNOWN: Headline.UNCERTAIN,
    RmaState.SUBMIT_FAILED:   Headline.WITH_PERSON,
    RmaState.MANUAL_HANDLING: Headline.WITH_PERSON,
    RmaState.UNDER_REVIEW:    Headline.VENDOR_REVIEW,
    RmaState.INFO_REQUIRED:   Headline.INFO_REQUIRED,
    RmaState.AUTHORIZED:      Headline.AUTHORIZED,
    RmaState.EXPIRED:         Headline.WITH_PERSON,
    RmaState.CLOSED:          Headline.WITH_PERSON,                 # closed at the vendor, and nothing has come of it
    RmaState.DENIED:          Headline.IN_REVIEW,                   # told; a job, if there is one, says what follows
    RmaState.CANCELLED:       Headline.IN_REVIEW,
}

_OF_JOB: dict[JobState, Headline] = {
    JobState.DRAFT:             Headline.IN_REVIEW,                 # a price is missing
    JobState.QUOTED:            Headline.IN_REVIEW,                 # priced, but the client has not been asked yet
    JobState.QUOTE_EXPIRED:     Headline.IN_REVIEW,
    JobState.CHANGE_REQUESTED:  Headline.IN_REVIEW,
    JobState.DECLINED:          Headline.IN_REVIEW,
    JobState.CANCELLED:         Headline.IN_REVIEW,
    JobState.WAIVED:            Headline.IN_REVIEW,
    JobState.AWAITING_APPROVAL: Headline.AWAITING_APPROVAL,
    JobState.APPROVED:          Headline.PREPARING,
    JobState.SCHEDULED:         Headline.JOB_SCHEDULED,
    JobState.IN_PROGRESS:       Headline.INSTALLING,
    JobState.ON_HOLD:           Headline.INSTALLING,
    JobState.COMPLETED:         Headline.RESTORED,
    JobState.READY_TO_INVOICE:  Headline.RESTORED,
    JobState.EXPORTED:          Headline.RESTORED,
    JobState.INVOICED:          Headline.RESTORED,
    JobState.CREDITED:          Headline.RESTORED,
    JobState.CLOSED:            Headline.RESTORED,
}

# `expected` is not here: nothing has happened yet, and the claim or the job still says more. Nor is `checked_in`: from
# there on it is the work at the rack.
_OF_GOODS: dict[ShipmentState | None, Headline] = {
    ShipmentState.IN_TRANSIT:       Headline.SHIPPED,
    ShipmentState.DELIVERED:        Headline.DELIVERED,
    ShipmentState.WRONG_OR_DAMAGED: Headline.WITH_PERSON,
    ShipmentState.LOST:             Headline.WITH_PERSON,
}
# fmt: on

_ENDED = FAULT_OVER - {FaultState.VERIFIED}
_GOODS_OF_RMA = frozenset(
    {RmaState.AUTHORIZED, RmaState.CLOSED}
)  # a vendor may close its case with the parcel under way
_GOODS_OF_JOB = frozenset({JobState.APPROVED, JobState.SCHEDULED})
_LOST_CLAIM = frozenset({RmaState.DENIED, RmaState.CANCELLED})


def standing(records: Records, *, today: date) -> Standing:
    """Say where a case stands. Any combination of states has exactly one answer; nothing is raised.

    ``today`` is the day in the time zone of the unit's site; from the day after ``return_due_on`` a return is overdue.
    """
    headline = _headline(records, today)
    step, ball = _STEP_AND_BALL[headline]
    if headline in {Headline.RETURN_DUE, Headline.RETURN_OVERDUE}:
        ball = records.holder
    elif headline is Headline.RESTORED and records.to_vendor in {ShipmentState.IN_TRANSIT, ShipmentState.RECEIVED}:
        ball = Side.VENDOR  # it has the old unit, or soon will, and has not yet said whether it takes it
    return Standing(headline, step, ball)


def _headline(records: Records, today: date) -> Headline:
    if records.fault in _ENDED:
        return _return_or(Headline.CLOSED, records, today)
    if records.fault in _OF_FAULT:
        return Headline.ASKING_VENDOR if _is_asking(records) else _OF_FAULT[records.fault]
    if records.job is JobState.AWAITING_APPROVAL:
        return Headline.AWAITING_APPROVAL  # beside an Rma too: what waits for the client goes before
    if records.fault in {FaultState.SERVICE_RESTORED, FaultState.VERIFIED} or records.swap in SWAP_SUCCEEDED:
        return _return_or(Headline.RESTORED, records, today)
    if records.swap in {SwapState.RECEIVED, SwapState.INSTALLED}:
        return _at_the_rack(records)  # also with a unit from stock while the vendor still thinks
    if records.rma is RmaState.DENIED and not records.denied_told:
        return Headline.DENIED
    word = _of_claim_or_job(records)
    return _return_or(word, records, today) if word is Headline.RESTORED else word


def _is_asking(records: Records) -> bool:
    return records.route is Route.LOOKUP and records.fault in {FaultState.ENTITLEMENT_CHECK, FaultState.NEEDS_REVIEW}


def _return_or(otherwise: Headline, records: Records, today: date) -> Headline:
    """A unit that must go back outlives even a closed fault: it costs money until it is gone."""
    if records.to_vendor is not ShipmentState.DUE:
        return otherwise
    is_late = records.return_due_on is not None and records.return_due_on < today
    return Headline.RETURN_OVERDUE if is_late else Headline.RETURN_DUE


def _of_claim_or_job(records: Records) -> Headline:
    """The record that brings the hardware speaks: the Rma, or the job where there is no claim or it was lost."""
    rma, job = records.rma, records.job
    claim_runs = records.fault is FaultState.RMA_OPEN and rma not in _LOST_CLAIM
    if rma is not None and (claim_runs or job is None):
        return _of_goods(records, _OF_RMA[rma]) if rma in _GOODS_OF_RMA else _OF_RMA[rma]
    if job is not None:
        return _of_goods(records, _OF_JOB[job]) if job in _GOODS_OF_JOB else _OF_JOB[job]
    return Headline.IN_REVIEW  # a route without its record


def _of_goods(records: Records, otherwise: Headline) -> Headline:
    if records.swap is SwapState.DEAD_ON_ARRIVAL:
        return Headline.WITH_PERSON  # its goods have come, and do not help
    if records.to_us is ShipmentState.CHECKED_IN:
        return _at_the_rack(records)
    return _OF_GOODS.get(records.to_us, otherwise)


def _at_the_rack(records: Records) -> Headline:
    is_begun = records.swap is SwapState.INSTALLED or records.job is not JobState.SCHEDULED
    return Headline.INSTALLING if is_begun else Headline.JOB_SCHEDULED
