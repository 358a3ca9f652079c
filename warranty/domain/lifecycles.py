"""States, the moves between them, and what a vendor's word moves: the only place where a life cycle is written down.

Nothing here moves a record: ``services.moves`` does, and asks these tables first. A state that has an empty row is an end.
Source: domain.md, section 3; for when a case lets go of its component, section 2 ("Gates").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from warranty.domain.terms import AssetState


class FaultState(StrEnum):
    """Where a reported fault stands."""

    REPORTED = "reported"
    TRIAGED = "triaged"
    DIAGNOSING = "diagnosing"
    ENTITLEMENT_CHECK = "entitlement_check"
    NEEDS_REVIEW = "needs_review"
    RMA_OPEN = "rma_open"
    AD_HOC_OPEN = "ad_hoc_open"
    SERVICE_RESTORED = "service_restored"
    VERIFIED = "verified"
    CLOSED = "closed"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    WITHIN_TOLERANCE = "within_tolerance"
    RESOLVED_WITHOUT_SWAP = "resolved_without_swap"
    NO_FAULT_FOUND = "no_fault_found"
    REOPENED = "reopened"


class RmaState(StrEnum):
    """Where our claim at the vendor stands; the goods and the work at the rack have states of their own."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    OUTCOME_UNKNOWN = "outcome_unknown"
    SUBMIT_FAILED = "submit_failed"
    MANUAL_HANDLING = "manual_handling"
    UNDER_REVIEW = "under_review"
    INFO_REQUIRED = "info_required"
    AUTHORIZED = "authorized"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CLOSED = "closed"


class ShipmentDirection(StrEnum):
    """Which way goods travel."""

    TO_US = "to_us"
    TO_VENDOR = "to_vendor"


class ShipmentState(StrEnum):
    """Where a parcel stands; each direction uses its own part of the words."""

    EXPECTED = "expected"
    DELIVERED = "delivered"
    CHECKED_IN = "checked_in"
    WRONG_OR_DAMAGED = "wrong_or_damaged"
    DUE = "due"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    NO_FAULT_FOUND = "no_fault_found"
    REFUSED = "refused"
    WAIVED = "waived"
    RETAINED = "retained"
    CHARGED = "charged"
    IN_TRANSIT = "in_transit"
    LOST = "lost"


class SwapKind(StrEnum):
    """What is exchanged; only ``unit`` makes a new asset and moves coverage."""

    UNIT = "unit"
    PART = "part"
    REPAIR = "repair"


class SwapSource(StrEnum):
    """Where the replacement comes from."""

    VENDOR = "vendor"
    STOCK = "stock"
    PURCHASE = "purchase"
    LOANER = "loaner"


class SwapState(StrEnum):
    """What has happened at the rack."""

    PLANNED = "planned"
    RECEIVED = "received"
    INSTALLED = "installed"
    VERIFIED = "verified"
    DONE = "done"
    DEAD_ON_ARRIVAL = "dead_on_arrival"
    ABANDONED = "abandoned"


class JobState(StrEnum):
    """Where an ad hoc job stands."""

    DRAFT = "draft"
    QUOTED = "quoted"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    DECLINED = "declined"
    QUOTE_EXPIRED = "quote_expired"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    CHANGE_REQUESTED = "change_requested"
    COMPLETED = "completed"
    READY_TO_INVOICE = "ready_to_invoice"
    EXPORTED = "exported"
    INVOICED = "invoiced"
    CREDITED = "credited"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    WAIVED = "waived"



StateT = TypeVar("StateT", bound=StrEnum)
F, R, P, W, J, A = FaultState, RmaState, ShipmentState, SwapState, JobState, AssetState

# fmt: off
FAULT_MOVES: dict[FaultState, frozenset[FaultState]] = {
    # `closed` in the row of an open state is the reporter's way out: its reason is `declined` or `withdrawn`.
    F.REPORTED:              frozenset({F.TRIAGED, F.DUPLICATE, F.REJECTED, F.WITHIN_TOLERANCE, F.CLOSED}),
    F.TRIAGED:               frozenset({F.DIAGNOSING, F.ENTITLEMENT_CHECK, F.CLOSED}),
    F.DIAGNOSING:            frozenset({F.ENTITLEMENT_CHECK, F.RESOLVED_WITHOUT_SWAP, F.NO_FAULT_FOUND, F.CLOSED}),
    F.ENTITLEMENT_CHECK:     frozenset({F.RMA_OPEN, F.AD_HOC_OPEN, F.NEEDS_REVIEW, F.DUPLICATE, F.WITHIN_TOLERANCE, F.CLOSED}),
    # The outcomes of the check, decided by a person; a review that ends in review again is a new verdict, not a move.
    F.NEEDS_REVIEW:          frozenset({F.RMA_OPEN, F.AD_HOC_OPEN, F.DUPLICATE, F.WITHIN_TOLERANCE,
                                        F.REJECTED, F.RESOLVED_WITHOUT_SWAP, F.NO_FAULT_FOUND, F.CLOSED}),
    F.RMA_OPEN:              frozenset({F.AD_HOC_OPEN,                          # the vendor denied
                                        F.ENTITLEMENT_CHECK,                    # the Rma was cancelled: decide again
                                        F.SERVICE_RESTORED, F.CLOSED}),
    F.AD_HOC_OPEN:           frozenset({F.RMA_OPEN,                             # goodwill, or a resubmission
                                        F.ENTITLEMENT_CHECK,                    # the job was cancelled: decide again
                                        F.SERVICE_RESTORED, F.CLOSED}),
    F.SERVICE_RESTORED:      frozenset({F.VERIFIED, F.CLOSED}),
    F.VERIFIED:              frozenset({F.CLOSED}),
    F.CLOSED:                frozenset({F.REOPENED}),
    F.DUPLICATE:             frozenset({F.REOPENED}),
    F.REJECTED:              frozenset({F.REOPENED}),
    F.WITHIN_TOLERANCE:      frozenset({F.REOPENED}),
    F.REOPENED:              frozenset({F.TRIAGED, F.CLOSED}),
    # Both ended without hardware; if the trouble comes back, that is a new fault, which the decision marks `repeat_failure`.
    F.RESOLVED_WITHOUT_SWAP: frozenset(),
    F.NO_FAULT_FOUND:        frozenset(),
}

RMA_MOVES: dict[RmaState, frozenset[RmaState]] = {
    R.DRAFT:           frozenset({R.SUBMITTED, R.MANUAL_HANDLING, R.CANCELLED}),
    R.SUBMITTED:       frozenset({R.UNDER_REVIEW, R.AUTHORIZED, R.DENIED, R.SUBMIT_FAILED, R.OUTCOME_UNKNOWN,
                                  R.MANUAL_HANDLING, R.CANCELLED}),
    # By reconciliation only: `submitted` needs a clean search after the settle time. Not `cancelled`: the vendor may be shipping.
    R.OUTCOME_UNKNOWN: frozenset({R.UNDER_REVIEW, R.AUTHORIZED, R.DENIED, R.SUBMITTED, R.MANUAL_HANDLING}),
    R.SUBMIT_FAILED:   frozenset({R.SUBMITTED, R.MANUAL_HANDLING, R.CANCELLED}),
    R.MANUAL_HANDLING: frozenset({R.UNDER_REVIEW, R.AUTHORIZED, R.DENIED, R.CANCELLED}),
    R.UNDER_REVIEW:    frozenset({R.INFO_REQUIRED, R.AUTHORIZED, R.DENIED, R.CANCELLED}),
    R.INFO_REQUIRED:   frozenset({R.UNDER_REVIEW, R.AUTHORIZED, R.DENIED, R.CANCELLED}),
    R.AUTHORIZED:      frozenset({R.CLOSED, R.INFO_REQUIRED, R.EXPIRED,
                                  R.DENIED,                                     # after inspection only
                                  R.CANCELLED}),                                # refused once `goods_have_moved`
    R.DENIED:          frozenset({R.SUBMITTED,                                  # the same case again; a person's act, never a retry
                                  R.AUTHORIZED,                                 # goodwill
                                  R.CLOSED}),                                   # when the job that took over ends
    R.EXPIRED:         frozenset({R.SUBMITTED, R.CLOSED}),
    R.CANCELLED:       frozenset(),
    R.CLOSED:          frozenset(),
}

# Both directions are trees: one way leads to each state, so the moves that a word skips are never a choice.
SHIPMENT_TO_US_MOVES: dict[ShipmentState, frozenset[ShipmentState]] = {
    P.EXPECTED:         frozenset({P.IN_TRANSIT}),
    P.IN_TRANSIT:       frozenset({P.DELIVERED, P.LOST}),
    P.DELIVERED:        frozenset({P.CHECKED_IN, P.WRONG_OR_DAMAGED}),          # a carrier delivers, only a person checks in
    P.CHECKED_IN:       frozenset(),
    P.WRONG_OR_DAMAGED: frozenset(),
    P.LOST:             frozenset(),
}

SHIPMENT_TO_VENDOR_MOVES: dict[ShipmentState, frozenset[ShipmentState]] = {
    P.DUE:              frozenset({P.IN_TRANSIT,
                                   P.WAIVED,
                                   P.RETAINED,                                  # media kept, with certificate
                                   P.CHARGED}),                                 # the vendor's non-return charge
    P.IN_TRANSIT:       frozenset({P.RECEIVED, P.LOST}),
    P.RECEIVED:         frozenset({P.ACCEPTED, P.NO_FAULT_FOUND, P.REFUSED}),
    P.ACCEPTED:         frozenset(),
    P.NO_FAULT_FOUND:   frozenset(),
    P.REFUSED:          frozenset(),
    P.WAIVED:           frozenset(),
    P.RETAINED:         frozenset(),
    P.CHARGED:          frozenset(),
    P.LOST:             frozenset(),
}

SWAP_MOVES: dict[SwapState, frozenset[SwapState]] = {
    W.PLANNED:         frozenset({W.RECEIVED, W.ABANDONED}),
    W.RECEIVED:        frozenset({W.INSTALLED, W.DEAD_ON_ARRIVAL, W.ABANDONED}),
    W.INSTALLED:       frozenset({W.VERIFIED,                                   # needs the parity certificate
                                  W.DEAD_ON_ARRIVAL}),
    W.VERIFIED:        frozenset({W.DONE}),
    W.DONE:            frozenset(),
    W.DEAD_ON_ARRIVAL: frozenset(),                                             # goes on as a new Swap of a child Rma
    W.ABANDONED:       frozenset(),
}

JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    # `cancelled` keeps the costs so far, and ends with the work. `waived` gives up the charge, so it stays possible
    # until the books have it: after the export the way back is a credit.
    J.DRAFT:             frozenset({J.QUOTED, J.CANCELLED, J.WAIVED}),
    J.QUOTED:            frozenset({J.AWAITING_APPROVAL,
                                    J.APPROVED,                                 # costs the client nothing, or is within the spend limit
                                    J.CANCELLED, J.WAIVED}),
    J.AWAITING_APPROVAL: frozenset({J.APPROVED, J.DECLINED, J.QUOTE_EXPIRED, J.CANCELLED, J.WAIVED}),
    J.QUOTE_EXPIRED:     frozenset({J.QUOTED, J.CANCELLED, J.WAIVED}),
    J.APPROVED:          frozenset({J.SCHEDULED, J.CANCELLED, J.WAIVED}),
    J.SCHEDULED:         frozenset({J.IN_PROGRESS, J.CANCELLED, J.WAIVED}),
    J.IN_PROGRESS:       frozenset({J.ON_HOLD, J.CHANGE_REQUESTED, J.COMPLETED, J.CANCELLED, J.WAIVED}),
    J.ON_HOLD:           frozenset({J.IN_PROGRESS, J.CANCELLED, J.WAIVED}),
    # The cost passed the approval and its tolerance: nobody works on before the client has said yes again.
    J.CHANGE_REQUESTED:  frozenset({J.AWAITING_APPROVAL, J.CANCELLED, J.WAIVED}),
    J.COMPLETED:         frozenset({J.READY_TO_INVOICE, J.WAIVED}),
    J.READY_TO_INVOICE:  frozenset({J.EXPORTED, J.WAIVED}),
    J.EXPORTED:          frozenset({J.INVOICED}),
    J.INVOICED:          frozenset({J.CLOSED, J.CREDITED}),
    J.DECLINED:          frozenset(),
    J.CREDITED:          frozenset(),
    J.CLOSED:            frozenset(),
    J.CANCELLED:         frozenset(),
    J.WAIVED:            frozenset(),
}

_GONE = frozenset({A.DECOMMISSIONED, A.LOST, A.STOLEN})                         # open to every unit that still exists
ASSET_MOVES: dict[AssetState, frozenset[AssetState]] = {
    A.ONBOARDING:           _GONE | {A.IN_SERVICE, A.REJECTED_AT_HANDOVER},     # `in_service` needs the signed baseline
    A.REJECTED_AT_HANDOVER: _GONE,
    A.IN_SERVICE:           _GONE | {A.FAULTY},
    A.IN_STOCK:             _GONE | {A.FAULTY, A.IN_SERVICE},
    A.FAULTY:               _GONE | {A.IN_SERVICE, A.IN_STOCK, A.REPLACED,
                                     A.IN_RMA},                                 # component `unit` only
    A.IN_RMA:               _GONE | {A.IN_SERVICE,                              # repaired
                                     A.REPLACED},
    A.REPLACED:             _GONE | {A.RETURNED_TO_VENDOR, A.RETAINED_MEDIA},
    A.RETURNED_TO_VENDOR:   _GONE,
    A.RETAINED_MEDIA:       _GONE,
    A.DECOMMISSIONED:       (_GONE - {A.DECOMMISSIONED}) | {A.DISPOSED},
    A.LOST:                 (_GONE - {A.LOST}) | {A.IN_STOCK},                  # found again
    A.STOLEN:               (_GONE - {A.STOLEN}) | {A.IN_STOCK},
    A.DISPOSED:             frozenset(),                                        # nothing is left that could be lost
}
# fmt: on


# --- When a case lets go of its component ---------------------------------------------------------------------------

# Where there is no Swap, a case counts as closed in these states; return and invoice run on without holding the component.
FAULT_OVER = frozenset(
    {F.VERIFIED, F.CLOSED, F.REJECTED, F.DUPLICATE, F.WITHIN_TOLERANCE, F.RESOLVED_WITHOUT_SWAP, F.NO_FAULT_FOUND}
)
RMA_OVER = frozenset({R.CLOSED, R.CANCELLED})
JOB_OVER = frozenset(
    {J.COMPLETED, J.READY_TO_INVOICE, J.EXPORTED, J.INVOICED, J.CREDITED, J.CLOSED}
    | {J.DECLINED, J.WAIVED, J.CANCELLED}
)
_SWAP_SUCCEEDED = frozenset({W.VERIFIED, W.DONE})
_SWAP_CAME_TO_NOTHING = frozenset({W.DEAD_ON_ARRIVAL, W.ABANDONED})


def _holds(*, over: bool, swap: SwapState | None) -> bool:
    if swap is None or swap in _SWAP_CAME_TO_NOTHING:
        return not over
    return swap not in _SWAP_SUCCEEDED  # also where the case is over: the unit at the rack is not proven yet


def fault_holds_component(state: FaultState, *, swap: SwapState | None) -> bool:
    """Whether a fault still counts as an open case of its component at the gates.

    ``swap`` is the newest Swap of its Rma or job, or None; one that was abandoned or dead on arrival counts as none.
    Source: domain.md, section 2 ("Gates").
    """
    return _holds(over=state in FAULT_OVER, swap=swap)


def rma_holds_component(state: RmaState, *, swap: SwapState | None, has_child: bool) -> bool:
    """Whether an Rma still counts as an open case of its component at the gates; with a child, the child holds it.

    Other than ``rma_is_open`` it outlives ``closed``: a vendor may close its case before our Swap is verified.
    """
    return not has_child and _holds(over=state in RMA_OVER, swap=swap)


def job_holds_component(state: JobState, *, swap: SwapState | None) -> bool:
    """Whether an ad hoc job still counts as an open case of its component at the gates."""
    return _holds(over=state in JOB_OVER, swap=swap)


def rma_is_open(state: RmaState, *, swap: SwapState | None, has_child: bool) -> bool:
    """The value of ``Rma.is_open``, over which the database allows one Rma per asset, component and ref.

    False with ``closed`` and ``cancelled``, from the verified Swap on, and as soon as a child Rma exists. It stays true
    while a person looks (``manual_handling``), nobody knows (``outcome_unknown``) or the vendor refused (``denied``).
    Source: domain.md, section 3; reliability.md, section 3.1.
    """
    return state not in RMA_OVER and swap not in _SWAP_SUCCEEDED and not has_child


def goods_have_moved(*, to_us: ShipmentState | None, to_vendor: ShipmentState | None) -> bool:
    """Whether anything of an Rma has ever been under way, either direction: from then on it cannot be cancelled."""
    return to_us not in {None, P.EXPECTED} or to_vendor not in {None, P.DUE, P.WAIVED, P.RETAINED, P.CHARGED}
