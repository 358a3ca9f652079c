"""States, the moves between them, and what a vendor's word moves: the only place where a life cycle is written down.

Nothing here moves a record: ``services.moves`` does, and asks these tables first. A state with an empty row is an end.
Source: domain.md, section 3; for when a case lets go of its component, section 2 ("Gates").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

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


class StockState(StrEnum):
    """Where a unit on the MSP's shelves stands."""

    IN_STOCK = "in_stock"
    RESERVED = "reserved"
    ISSUED = "issued"


F, R, P, W, J, A = FaultState, RmaState, ShipmentState, SwapState, JobState, AssetState

# fmt: off
FAULT_MOVES: dict[FaultState, frozenset[FaultState]] = {
    # `closed` in the row of an open state is the reporter's way out: its reason is `declined` or `withdrawn`.
    F.REPORTED:              frozenset({F.TRIAGED, F.DUPLICATE, F.REJECTED, F.WITHIN_TOLERANCE, F.CLOSED}),
    F.TRIAGED:               frozenset({F.DIAGNOSING, F.ENTITLEMENT_CHECK, F.CLOSED}),
    F.DIAGNOSING:            frozenset({F.ENTITLEMENT_CHECK, F.RESOLVED_WITHOUT_SWAP, F.NO_FAULT_FOUND, F.CLOSED}),
    F.ENTITLEMENT_CHECK:     frozenset({F.RMA_OPEN, F.AD_HOC_OPEN, F.NEEDS_REVIEW, F.DUPLICATE, F.WITHIN_TOLERANCE,
                                        F.CLOSED}),
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
    # Both ended without hardware; if the trouble comes back, it is a new fault, marked `repeat_failure`.
    F.RESOLVED_WITHOUT_SWAP: frozenset(),
    F.NO_FAULT_FOUND:        frozenset(),
}

RMA_MOVES: dict[RmaState, frozenset[RmaState]] = {
    R.DRAFT:           frozenset({R.SUBMITTED, R.MANUAL_HANDLING, R.CANCELLED}),
    R.SUBMITTED:       frozenset({R.UNDER_REVIEW, R.AUTHORIZED, R.DENIED, R.SUBMIT_FAILED, R.OUTCOME_UNKNOWN,
                                  R.MANUAL_HANDLING, R.CANCELLED}),
    # By reconciliation only; `submitted` after a clean search. Not `cancelled`: the vendor may have it and be shipping.
    R.OUTCOME_UNKNOWN: frozenset({R.UNDER_REVIEW, R.AUTHORIZED, R.DENIED, R.SUBMITTED, R.MANUAL_HANDLING}),
    R.SUBMIT_FAILED:   frozenset({R.SUBMITTED, R.MANUAL_HANDLING, R.CANCELLED}),
    R.MANUAL_HANDLING: frozenset({R.UNDER_REVIEW, R.AUTHORIZED, R.DENIED, R.CANCELLED}),
    R.UNDER_REVIEW:    frozenset({R.INFO_REQUIRED, R.AUTHORIZED, R.DENIED, R.CANCELLED}),
    R.INFO_REQUIRED:   frozenset({R.UNDER_REVIEW, R.AUTHORIZED, R.DENIED, R.CANCELLED}),
    R.AUTHORIZED:      frozenset({R.CLOSED, R.INFO_REQUIRED, R.EXPIRED,
                                  R.DENIED,                                     # after inspection only
                                  R.CANCELLED}),                                # refused once `goods_have_moved`
    R.DENIED:          frozenset({R.SUBMITTED,                                  # the same case again, by a person
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
    P.DELIVERED:        frozenset({P.CHECKED_IN, P.WRONG_OR_DAMAGED}),          # the carrier, then a person of ours
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
                                    J.APPROVED,                                 # free, or within the spend limit
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

STOCK_MOVES: dict[StockState, frozenset[StockState]] = {
    StockState.IN_STOCK: frozenset({StockState.RESERVED}),
    StockState.RESERVED: frozenset({StockState.ISSUED, StockState.IN_STOCK}),   # released
    StockState.ISSUED:   frozenset({StockState.IN_STOCK}),                      # brought back
}
# fmt: on


# --- When a case lets go of its component ---------------------------------------------------------------------------

# Where there is no Swap, a case counts as closed in these states; return and invoice run on, and hold nothing.
FAULT_OVER = frozenset(
    {F.VERIFIED, F.CLOSED, F.REJECTED, F.DUPLICATE, F.WITHIN_TOLERANCE, F.RESOLVED_WITHOUT_SWAP, F.NO_FAULT_FOUND}
)
_FAULT_UNDECIDED = frozenset({F.REPORTED, F.TRIAGED, F.DIAGNOSING, F.ENTITLEMENT_CHECK, F.NEEDS_REVIEW, F.REOPENED})
RMA_BEING_SENT = frozenset({RmaState.SUBMITTED, RmaState.OUTCOME_UNKNOWN})
"""Where a claim is to be sent, or nobody knows yet whether it arrived."""

RMA_OVER = frozenset({R.CLOSED, R.CANCELLED})
JOB_OVER = frozenset(
    {J.COMPLETED, J.READY_TO_INVOICE, J.EXPORTED, J.INVOICED, J.CREDITED, J.CLOSED}
    | {J.DECLINED, J.WAIVED, J.CANCELLED}
)
SWAP_SUCCEEDED = frozenset({W.VERIFIED, W.DONE})
_SWAP_CAME_TO_NOTHING = frozenset({W.DEAD_ON_ARRIVAL, W.ABANDONED})


def _holds(*, over: bool, swap: SwapState | None) -> bool:
    if swap is None or swap in _SWAP_CAME_TO_NOTHING:
        return not over
    return swap not in SWAP_SUCCEEDED  # also where the case is over: the unit at the rack is not proven yet


def fault_holds_component(state: FaultState, *, swap: SwapState | None) -> bool:
    """Whether a fault still counts as an open case of its component at the gates.

    ``swap`` is the newest Swap of its Rma or job, or None; one that was abandoned or dead on arrival counts as none,
    and one from before a reopening proves nothing about the new round. Source: domain.md, section 2 ("Gates").
    """
    return state in _FAULT_UNDECIDED or _holds(over=state in FAULT_OVER, swap=swap)


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
    return state not in RMA_OVER and swap not in SWAP_SUCCEEDED and not has_child


def goods_have_moved(*, to_us: ShipmentState | None, to_vendor: ShipmentState | None) -> bool:
    """Whether anything of an Rma has ever been under way, either direction: from then on it cannot be cancelled."""
    return to_us not in {None, P.EXPECTED} or to_vendor not in {None, P.DUE, P.WAIVED, P.RETAINED, P.CHARGED}


# --- What a vendor's word moves -------------------------------------------------------------------------------------


class Record(StrEnum):
    """Which record of a case a step moves."""

    RMA = "rma"
    TO_US = "to_us"
    TO_VENDOR = "to_vendor"


class Attention(StrEnum):
    """Why a person should look at a case after a vendor's word."""

    UNKNOWN_WORD = "unknown_word"
    NEVER_SENT = "never_sent"  # the vendor speaks of a claim that is still a draft
    NO_RMA_NUMBER = "no_rma_number"  # the word means authorized, but nobody has seen a number
    ON_HOLD = "on_hold"  # nothing goes on, and nobody said whom it waits for
    NO_FAULT_FOUND = "no_fault_found"  # may be charged, and the unit comes back as it went
    CLAIM_IS_OVER = "claim_is_over"  # the vendor goes on with what we hold for denied, expired, cancelled or closed
    CLOSED_TOO_EARLY = "closed_too_early"
    CLOSED_UNSHIPPED = "closed_unshipped"  # closed in order, but we never saw a replacement leave
    CANCELLED_BY_VENDOR = "cancelled_by_vendor"
    GOODS_HAVE_MOVED = "goods_have_moved"  # cancelled, it says, with parcels under way
    NOT_INSPECTED = "not_inspected"  # denied after the approval, by a vendor that does not have the unit
    GOODS_DISAGREE = "goods_disagree"  # the word does not fit where we know the goods to be


Goal = tuple[Record, RmaState | ShipmentState]
_US, _BACK = Record.TO_US, Record.TO_VENDOR

_UNANSWERED = (R.SUBMITTED, R.OUTCOME_UNKNOWN, R.SUBMIT_FAILED, R.MANUAL_HANDLING)
_AHEAD = (*_UNANSWERED, R.UNDER_REVIEW, R.INFO_REQUIRED)  # `authorized` lies ahead
_PAST = (R.AUTHORIZED, R.DENIED, R.EXPIRED, R.CANCELLED, R.CLOSED)  # goods may be under way, whoever ended the claim
_LEFT = (R.DENIED, R.EXPIRED, R.CANCELLED)  # only a person brings these back: money may already be asked of the client


def _rows(word: str, states: tuple[RmaState, ...], *goals: Goal) -> dict[tuple[str, RmaState], tuple[Goal, ...]]:
    return {(word, state): goals for state in states}


def _rows_of_goods(word: str, goal: Goal) -> dict[tuple[str, RmaState], tuple[Goal, ...]]:
    return _rows(word, _AHEAD, (Record.RMA, R.AUTHORIZED), goal) | _rows(word, _PAST, goal)


# (the value of a VendorStatus, our state): where the records go, in order. No entry: noted, and nothing moves, because
# the word tells what we know, tells older news, or is for a person (`ALARMS`). `draft` has none: nothing was sent.
# fmt: off
HEARD: dict[tuple[str, RmaState], tuple[Goal, ...]] = {
    **_rows("received", _UNANSWERED, (Record.RMA, R.UNDER_REVIEW)),             # at `info_required` it is older news
    **_rows("under_review", (*_UNANSWERED, R.INFO_REQUIRED), (Record.RMA, R.UNDER_REVIEW)),
    **_rows("on_hold", _UNANSWERED, (Record.RMA, R.UNDER_REVIEW)),              # it does not say whom they wait for
    **_rows("info_required", (*_UNANSWERED, R.UNDER_REVIEW, R.AUTHORIZED), (Record.RMA, R.INFO_REQUIRED)),
    **_rows("approved", _AHEAD, (Record.RMA, R.AUTHORIZED)),
    **_rows("engineer_scheduled", _AHEAD, (Record.RMA, R.AUTHORIZED)),          # who brings the part: no parcel moves
    **_rows_of_goods("shipped", (_US, P.IN_TRANSIT)),
    **_rows_of_goods("delivered", (_US, P.DELIVERED)),
    **_rows_of_goods("return_due", (_BACK, P.DUE)),
    **_rows_of_goods("return_in_transit", (_BACK, P.IN_TRANSIT)),
    **_rows_of_goods("return_received", (_BACK, P.RECEIVED)),
    **_rows_of_goods("in_repair", (_BACK, P.RECEIVED)),                         # on the vendor's bench, so it arrived
    **_rows_of_goods("no_fault_found", (_BACK, P.NO_FAULT_FOUND)),
    **_rows("denied", _AHEAD, (Record.RMA, R.DENIED)),
    **_rows("denied", (R.AUTHORIZED,), (_BACK, P.RECEIVED), (Record.RMA, R.DENIED)),  # after inspection, so it arrived
    **_rows("cancelled", (*_AHEAD, R.AUTHORIZED), (Record.RMA, R.CANCELLED)),
    **_rows("closed", (R.AUTHORIZED, R.EXPIRED), (Record.RMA, R.CLOSED)),       # a denied Rma closes when its job ends
}
# fmt: on

# What an Rma passes through where a goal of `HEARD` is more than one move away. Written down, not searched for: from
# `submit_failed` two ways of one length lead on, and only one of them is what happened.
BY_WAY_OF: dict[tuple[RmaState, RmaState], tuple[RmaState, ...]] = {
    (R.SUBMIT_FAILED, R.UNDER_REVIEW): (R.SUBMITTED,),  # the vendor has it after all
    (R.SUBMIT_FAILED, R.AUTHORIZED): (R.SUBMITTED,),
    (R.SUBMIT_FAILED, R.DENIED): (R.SUBMITTED,),
    (R.SUBMIT_FAILED, R.INFO_REQUIRED): (R.SUBMITTED, R.UNDER_REVIEW),
    (R.SUBMITTED, R.INFO_REQUIRED): (R.UNDER_REVIEW,),
    (R.OUTCOME_UNKNOWN, R.INFO_REQUIRED): (R.UNDER_REVIEW,),
    (R.MANUAL_HANDLING, R.INFO_REQUIRED): (R.UNDER_REVIEW,),
    (R.OUTCOME_UNKNOWN, R.CANCELLED): (R.UNDER_REVIEW,),
}

ALARMS: dict[tuple[str, RmaState], Attention] = {
    **{(word, R.DRAFT): Attention.NEVER_SENT for word, _ in HEARD},
    **{("on_hold", state): Attention.ON_HOLD for state in (*_AHEAD, R.AUTHORIZED)},
    **{("no_fault_found", state): Attention.NO_FAULT_FOUND for state in (*_AHEAD, *_PAST)},
    **{("closed", state): Attention.CLOSED_TOO_EARLY for state in _AHEAD},
    **{("cancelled", state): Attention.CANCELLED_BY_VENDOR for state in (*_AHEAD, R.AUTHORIZED)},
    **{
        (word, state): Attention.CLAIM_IS_OVER
        for word in ("approved", "engineer_scheduled", "shipped", "delivered", "in_repair", "info_required")
        for state in _LEFT
    },
    ("info_required", R.CLOSED): Attention.CLAIM_IS_OVER,
}

_WORDS = frozenset(word for word, _ in HEARD)
_INSPECTED = frozenset({P.RECEIVED, P.NO_FAULT_FOUND, P.REFUSED, P.IN_TRANSIT})  # the last: the word says it arrived


@dataclass(frozen=True, slots=True)
class Step:
    """One move of one record; ``old`` is None where the Shipment appears with it. ``implied``: the word skipped it."""

    record: Record
    old: RmaState | ShipmentState | None
    to: RmaState | ShipmentState
    implied: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What a vendor's word comes to: the steps in order, often none, and why a person should look, if one should."""

    steps: tuple[Step, ...] = ()
    attention: Attention | None = None


def hear(
    status: str,
    *,
    rma: RmaState,
    to_us: ShipmentState | None,
    to_vendor: ShipmentState | None,
    has_rma_number: bool,
) -> Heard:
    """Say what a vendor's word moves, and in which order; what would move backwards moves nothing.

    Args:
        status: the value of a ``VendorStatus``; anything else counts as ``unknown``.
        rma: where the claim stands.
        to_us: where the replacement's parcel of this submission stands; None where there is none yet. It appears with
            ``authorized``, so a step that enters ``authorized`` has no step beside it that makes the Shipment.
        to_vendor: where the return stands; None before its clock has started.
        has_rma_number: whether a valid number is known, from before or with this very word; that of an expired or
            denied submission is none.

    Returns:
        Steps that follow the moves tables, each from where the one before left the record. Of a word that means
        ``authorized`` without a number only the acknowledgement is left: the vendor has a case.

    Raises:
        Nothing. Order in time is the caller's to keep: an answer older than one already heard is not passed in.
        Source: domain.md, section 3.
    """
    if status not in _WORDS:
        return Heard(attention=Attention.UNKNOWN_WORD)
    refusal = _refusal(status, rma, to_us, to_vendor)
    if refusal is not None:
        return Heard(attention=refusal)
    goals = HEARD.get((status, rma), ())
    if status == "under_review" and _asked_after_approval(rma, to_us):
        goals = HEARD["approved", rma]  # our answer arrived; back to `under_review` would be backwards
    if (Record.RMA, R.AUTHORIZED) in goals and not has_rma_number:
        acknowledged, _ = _walk(HEARD.get(("received", rma), ()), rma, to_us, to_vendor)
        return Heard(tuple(Step(s.record, s.old, s.to, implied=True) for s in acknowledged), Attention.NO_RMA_NUMBER)
    steps, goods_fit = _walk(goals, rma, to_us, to_vendor)
    if not goods_fit:
        return Heard(steps, Attention.GOODS_DISAGREE)
    if goals == ((Record.RMA, R.CLOSED),) and to_us in {None, P.EXPECTED}:
        return Heard(steps, Attention.CLOSED_UNSHIPPED)
    return Heard(steps, ALARMS.get((status, rma)))


def _asked_after_approval(rma: RmaState, to_us: ShipmentState | None) -> bool:
    return rma is R.INFO_REQUIRED and to_us is not None


def _refusal(
    status: str, rma: RmaState, to_us: ShipmentState | None, to_vendor: ShipmentState | None
) -> Attention | None:
    """Why a move that the tables allow is not made on the vendor's word alone."""
    if status == "cancelled" and rma not in RMA_OVER and goods_have_moved(to_us=to_us, to_vendor=to_vendor):
        return Attention.GOODS_HAVE_MOVED
    approved = rma is R.AUTHORIZED or _asked_after_approval(rma, to_us)
    if status == "denied" and approved and to_vendor not in _INSPECTED:
        return Attention.NOT_INSPECTED
    return None


def _walk(
    goals: tuple[Goal, ...], rma: RmaState, to_us: ShipmentState | None, to_vendor: ShipmentState | None
) -> tuple[tuple[Step, ...], bool]:
    """The steps to each goal in turn, and whether the goods could take theirs. Only the last goal is the word's own."""
    goods = {_US: to_us, _BACK: to_vendor}
    steps: list[Step] = []
    goods_fit = True
    for record, to in goals:
        named = (record, to) == goals[-1]
        if isinstance(to, RmaState):
            steps += _steps(record, rma, (*BY_WAY_OF.get((rma, to), ()), to), named=named)
            rma = to
            if to is R.AUTHORIZED and goods[_US] is None:
                goods[_US] = P.EXPECTED
        else:
            way = _way(record, goods[record], to, wanted=rma is R.AUTHORIZED)
            goods_fit = way is not None
            steps += _steps(record, goods[record], way or (), named=named)
    return tuple(steps), goods_fit


def _steps(
    record: Record, old: RmaState | ShipmentState | None, way: Sequence[RmaState | ShipmentState], *, named: bool
) -> Iterator[Step]:
    for to in way:
        yield Step(record, old, to, implied=not named or to is not way[-1])
        old = to


def _way(
    record: Record, old: ShipmentState | None, to: ShipmentState, *, wanted: bool
) -> tuple[ShipmentState, ...] | None:
    """The states still to enter, none where ``to`` is already passed; None where no way leads there from here.

    A Shipment that is not there appears only where it is ``wanted``: an approved claim is the reason for goods to move.
    """
    road = _road(record, to)
    if old is None:
        return road if wanted else None
    if old in road:
        return road[road.index(old) + 1 :]
    return () if to in _road(record, old) else None


_ONE_BEFORE = {
    record: {to: old for old, reached in moves.items() for to in reached}
    for record, moves in {_US: SHIPMENT_TO_US_MOVES, _BACK: SHIPMENT_TO_VENDOR_MOVES}.items()
}


def _road(record: Record, to: ShipmentState) -> tuple[ShipmentState, ...]:
    """Every state that a Shipment has been in when it stands at ``to``, in order, ``to`` included."""
    before = _ONE_BEFORE[record].get(to)
    return (to,) if before is None else (*_road(record, before), to)
