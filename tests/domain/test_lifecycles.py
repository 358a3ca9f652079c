"""The life cycles against the domain's page. The tables here were written from the page by hand, not from the code."""

from enum import StrEnum
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.contract import VendorStatus
from warranty.domain import lifecycles
from warranty.domain.lifecycles import (
    FaultState,
    Heard,
    JobState,
    Record,
    RmaState,
    ShipmentDirection,
    ShipmentState,
    SwapState,
    fault_holds_component,
    goods_have_moved,
    hear,
    job_holds_component,
    rma_holds_component,
    rma_is_open,
)
from warranty.domain.terms import AssetState

# --- The tables, state: where it goes -------------------------------------------------------------------------------

FAULT = {
    "reported": "triaged duplicate rejected within_tolerance closed",
    "triaged": "diagnosing entitlement_check closed",
    "diagnosing": "entitlement_check resolved_without_swap no_fault_found closed",
    "entitlement_check": "rma_open ad_hoc_open needs_review duplicate within_tolerance closed",
    "needs_review": "rma_open ad_hoc_open duplicate within_tolerance"
    " rejected resolved_without_swap no_fault_found closed",
    "rma_open": "ad_hoc_open service_restored entitlement_check closed",
    "ad_hoc_open": "rma_open service_restored entitlement_check closed",
    "service_restored": "verified closed",
    "verified": "closed",
    "closed": "reopened",
    "duplicate": "reopened",
    "rejected": "reopened",
    "within_tolerance": "reopened",
    "reopened": "triaged closed",
    "resolved_without_swap": "",
    "no_fault_found": "",
}
RMA = {
    "draft": "submitted manual_handling cancelled",
    "submitted": "under_review authorized denied submit_failed outcome_unknown manual_handling cancelled",
    "outcome_unknown": "under_review authorized denied submitted manual_handling",
    "submit_failed": "submitted manual_handling cancelled",
    "manual_handling": "under_review authorized denied cancelled",
    "under_review": "info_required authorized denied cancelled",
    "info_required": "under_review authorized denied cancelled",
    "authorized": "closed denied info_required expired cancelled",
    "denied": "submitted authorized closed",
    "expired": "submitted closed",
    "cancelled": "",
    "closed": "",
}
TO_US = {
    "expected": "in_transit",
    "in_transit": "delivered lost",
    "delivered": "checked_in wrong_or_damaged",
    "checked_in": "",
    "wrong_or_damaged": "",
    "lost": "",
}
TO_VENDOR = {
    "due": "in_transit waived retained charged",
    "in_transit": "received lost",
    "received": "accepted no_fault_found refused",
    "accepted": "",
    "no_fault_found": "",
    "refused": "",
    "waived": "",
    "retained": "",
    "charged": "",
    "lost": "",
}
SWAP = {
    "planned": "received abandoned",
    "received": "installed dead_on_arrival abandoned",
    "installed": "verified dead_on_arrival",
    "verified": "done",
    "done": "",
    "dead_on_arrival": "",
    "abandoned": "",
}
JOB = {
    "draft": "quoted cancelled waived",
    "quoted": "awaiting_approval approved cancelled waived",
    "awaiting_approval": "approved declined quote_expired cancelled waived",
    "quote_expired": "quoted cancelled waived",
    "approved": "scheduled cancelled waived",
    "scheduled": "in_progress cancelled waived",
    "in_progress": "on_hold change_requested completed cancelled waived",
    "on_hold": "in_progress cancelled waived",
    "change_requested": "awaiting_approval cancelled waived",
    "completed": "ready_to_invoice waived",
    "ready_to_invoice": "exported waived",
    "exported": "invoiced",
    "invoiced": "closed credited",
    "declined": "",
    "credited": "",
    "closed": "",
    "cancelled": "",
    "waived": "",
}
ASSET = {
    "onboarding": "in_service rejected_at_handover decommissioned lost stolen",
    "rejected_at_handover": "decommissioned lost stolen",
    "in_service": "faulty decommissioned lost stolen",
    "in_stock": "faulty in_service decommissioned lost stolen",
    "faulty": "in_rma in_service in_stock replaced decommissioned lost stolen",
    "in_rma": "in_service replaced decommissioned lost stolen",
    "replaced": "returned_to_vendor retained_media decommissioned lost stolen",
    "returned_to_vendor": "decommissioned lost stolen",
    "retained_media": "decommissioned lost stolen",
    "decommissioned": "disposed lost stolen",
    "lost": "in_stock decommissioned stolen",
    "stolen": "in_stock decommissioned lost",
    "disposed": "",
}
CYCLES = {
    "fault": (FAULT, lifecycles.FAULT_MOVES, set(FaultState)),
    "rma": (RMA, lifecycles.RMA_MOVES, set(RmaState)),
    "to_us": (TO_US, lifecycles.SHIPMENT_TO_US_MOVES, set(lifecycles.SHIPMENT_TO_US_MOVES)),
    "to_vendor": (TO_VENDOR, lifecycles.SHIPMENT_TO_VENDOR_MOVES, set(lifecycles.SHIPMENT_TO_VENDOR_MOVES)),
    "swap": (SWAP, lifecycles.SWAP_MOVES, set(SwapState)),
    "job": (JOB, lifecycles.JOB_MOVES, set(JobState)),
    "asset": (ASSET, lifecycles.ASSET_MOVES, set(AssetState)),
}


@pytest.mark.parametrize("name", CYCLES)
def test_every_state_has_its_row(name):
    page, moves, states = CYCLES[name]
    assert set(moves) == states
    assert {str(state) for state in states} == set(page)


@pytest.mark.parametrize(("name", "old"), [(name, old) for name, (page, _, _) in CYCLES.items() for old in page])
def test_a_state_moves_where_the_page_says_and_nowhere_else(name, old):
    page, moves, states = CYCLES[name]
    for to in states:
        assert (to in moves[old]) is (to in page[old].split()), f"{old} to {to}"


def test_every_shipment_state_belongs_to_a_direction():
    assert set(TO_US) | set(TO_VENDOR) == set(ShipmentState)
    assert set(TO_US) & set(TO_VENDOR) == {"in_transit", "lost"}


@pytest.mark.parametrize("name", ["to_us", "to_vendor"])
def test_only_one_way_leads_to_a_shipment_state_so_what_a_word_skips_is_never_a_choice(name):
    _, moves, _ = CYCLES[name]
    reached = [to for targets in moves.values() for to in targets]
    assert len(reached) == len(set(reached))


# --- When a case lets go of its component ---------------------------------------------------------------------------

FAULT_OVER = {
    "verified",
    "closed",
    "rejected",
    "duplicate",
    "within_tolerance",
    "resolved_without_swap",
    "no_fault_found",
}
RMA_OVER = {"closed", "cancelled"}
JOB_OVER = {
    "completed",
    "ready_to_invoice",
    "exported",
    "invoiced",
    "closed",
    "credited",
    "declined",
    "waived",
    "cancelled",
}
NOT_ROUTED = {"reported", "triaged", "diagnosing", "entitlement_check", "needs_review", "reopened"}
NO_SWAP = [None, SwapState.ABANDONED, SwapState.DEAD_ON_ARRIVAL]
AT_WORK = [SwapState.PLANNED, SwapState.RECEIVED, SwapState.INSTALLED]
PROVEN = [SwapState.VERIFIED, SwapState.DONE]


@pytest.mark.parametrize("swap", NO_SWAP)
def test_a_case_without_a_swap_holds_its_component_until_an_end_state(swap):
    assert {s for s in FaultState if not fault_holds_component(s, swap=swap)} == FAULT_OVER
    assert {s for s in RmaState if not rma_holds_component(s, swap=swap, has_child=False)} == RMA_OVER
    assert {s for s in JobState if not job_holds_component(s, swap=swap)} == JOB_OVER


@pytest.mark.parametrize("swap", AT_WORK)
def test_a_swap_at_work_holds_the_component_whatever_the_case_says(swap):
    assert all(fault_holds_component(s, swap=swap) for s in FaultState)
    assert all(rma_holds_component(s, swap=swap, has_child=False) for s in RmaState)
    assert all(job_holds_component(s, swap=swap) for s in JobState)


@pytest.mark.parametrize("swap", PROVEN)
def test_a_verified_swap_frees_the_component_while_return_and_invoice_run_on(swap):
    assert not any(rma_holds_component(s, swap=swap, has_child=False) for s in RmaState)
    assert not any(job_holds_component(s, swap=swap) for s in JobState)
    assert {s for s in FaultState if fault_holds_component(s, swap=swap)} == NOT_ROUTED


def test_a_reopened_fault_holds_its_component_although_its_first_swap_was_verified():
    assert fault_holds_component(FaultState.REOPENED, swap=SwapState.DONE)


def test_an_rma_is_open_until_it_ends_its_swap_is_verified_or_it_has_a_child():
    for state, swap, has_child in product(RmaState, [None, *SwapState], [False, True]):
        expected = state not in RMA_OVER and swap not in PROVEN and not has_child
        assert rma_is_open(state, swap=swap, has_child=has_child) is expected


def test_a_child_rma_holds_the_component_in_place_of_its_parent():
    assert not rma_holds_component(RmaState.AUTHORIZED, swap=SwapState.DEAD_ON_ARRIVAL, has_child=True)


def test_an_rma_that_the_vendor_closed_early_still_holds_the_component_but_not_the_index():
    assert rma_holds_component(RmaState.CLOSED, swap=SwapState.RECEIVED, has_child=False)
    assert not rma_is_open(RmaState.CLOSED, swap=SwapState.RECEIVED, has_child=False)


def test_goods_have_moved_once_a_parcel_left_in_either_direction():
    resting = {None, "expected"}, {None, "due", "waived", "retained", "charged"}
    for to_us, to_vendor in product([None, *TO_US], [None, *TO_VENDOR]):
        moved = to_us not in resting[0] or to_vendor not in resting[1]
        assert goods_have_moved(to_us=shipment(to_us), to_vendor=shipment(to_vendor)) is moved


# --- Status x state: a decision on each -----------------------------------------------------------------------------

BEFORE = "submitted outcome_unknown manual_handling under_review info_required"  # `submit_failed` goes by `submitted`
FIRST = "submitted outcome_unknown manual_handling"

# Read with a known number. Before `authorized` there are no goods; from there on the replacement is expected and the
# return due. "-" moves nothing; "!" calls a person; what is in brackets is implied.
MATRIX = {
    "received": {
        "draft": "- !never_sent",
        FIRST: "rma:under_review",
        "submit_failed": "(rma:submitted) rma:under_review",
        "under_review info_required authorized denied expired cancelled closed": "-",
    },
    "under_review": {
        "draft": "- !never_sent",
        FIRST: "rma:under_review",
        "submit_failed": "(rma:submitted) rma:under_review",
        "info_required": "rma:under_review",
        "under_review authorized denied expired cancelled closed": "-",
    },
    "info_required": {
        "draft": "- !never_sent",
        FIRST: "(rma:under_review) rma:info_required",
        "submit_failed": "(rma:submitted) (rma:under_review) rma:info_required",
        "under_review authorized": "rma:info_required",
        "info_required": "-",
        "denied expired cancelled closed": "- !claim_is_over",
    },
    "approved": {
        "draft": "- !never_sent",
        BEFORE: "rma:authorized",
        "submit_failed": "(rma:submitted) rma:authorized",
        "authorized closed": "-",
        "denied expired cancelled": "- !claim_is_over",
    },
    "engineer_scheduled": {
        "draft": "- !never_sent",
        BEFORE: "rma:authorized",
        "submit_failed": "(rma:submitted) rma:authorized",
        "authorized closed": "-",
        "denied expired cancelled": "- !claim_is_over",
    },
    "shipped": {
        "draft": "- !never_sent",
        BEFORE: "(rma:authorized) to_us:in_transit",
        "submit_failed": "(rma:submitted) (rma:authorized) to_us:in_transit",
        "authorized closed": "to_us:in_transit",
        "denied expired cancelled": "to_us:in_transit !claim_is_over",
    },
    "delivered": {
        "draft": "- !never_sent",
        BEFORE: "(rma:authorized) (to_us:in_transit) to_us:delivered",
        "submit_failed": "(rma:submitted) (rma:authorized) (to_us:in_transit) to_us:delivered",
        "authorized closed": "(to_us:in_transit) to_us:delivered",
        "denied expired cancelled": "(to_us:in_transit) to_us:delivered !claim_is_over",
    },
    "return_due": {
        "draft": "- !never_sent",
        BEFORE: "(rma:authorized) to_vendor:due",
        "submit_failed": "(rma:submitted) (rma:authorized) to_vendor:due",
        "authorized denied expired cancelled closed": "-",
    },
    "return_in_transit": {
        "draft": "- !never_sent",
        BEFORE: "(rma:authorized) (to_vendor:due) to_vendor:in_transit",
        "submit_failed": "(rma:submitted) (rma:authorized) (to_vendor:due) to_vendor:in_transit",
        "authorized denied expired cancelled closed": "to_vendor:in_transit",
    },
    "return_received": {
        "draft": "- !never_sent",
        BEFORE: "(rma:authorized) (to_vendor:due) (to_vendor:in_transit) to_vendor:received",
        "submit_failed": "(rma:submitted) (rma:authorized) (to_vendor:due) (to_vendor:in_transit) to_vendor:received",
        "authorized denied expired cancelled closed": "(to_vendor:in_transit) to_vendor:received",
    },
    "in_repair": {
        "draft": "- !never_sent",
        BEFORE: "(rma:authorized) (to_vendor:due) (to_vendor:in_transit) to_vendor:received",
        "submit_failed": "(rma:submitted) (rma:authorized) (to_vendor:due) (to_vendor:in_transit) to_vendor:received",
        "authorized closed": "(to_vendor:in_transit) to_vendor:received",
        "denied expired cancelled": "(to_vendor:in_transit) to_vendor:received !claim_is_over",
    },
    "no_fault_found": {
        "draft": "- !never_sent",
        BEFORE: "(rma:authorized) (to_vendor:due) (to_vendor:in_transit) (to_vendor:received)"
        " to_vendor:no_fault_found !no_fault_found",
        "submit_failed": "(rma:submitted) (rma:authorized) (to_vendor:due) (to_vendor:in_transit) (to_vendor:received)"
        " to_vendor:no_fault_found !no_fault_found",
        "authorized denied expired cancelled closed": "(to_vendor:in_transit) (to_vendor:received)"
        " to_vendor:no_fault_found !no_fault_found",
    },
    "denied": {
        "draft": "- !never_sent",
        BEFORE: "rma:denied",
        "submit_failed": "(rma:submitted) rma:denied",
        "authorized": "- !not_inspected",
        "denied expired cancelled closed": "-",
    },
    "on_hold": {
        "draft": "- !never_sent",
        FIRST: "rma:under_review !on_hold",
        "submit_failed": "(rma:submitted) rma:under_review !on_hold",
        "under_review info_required authorized": "- !on_hold",
        "denied expired cancelled closed": "-",
    },
    "cancelled": {
        "draft": "- !never_sent",
        "submitted submit_failed manual_handling under_review info_required authorized": (
            "rma:cancelled !cancelled_by_vendor"
        ),
        "outcome_unknown": "(rma:under_review) rma:cancelled !cancelled_by_vendor",
        "denied expired cancelled closed": "-",
    },
    "closed": {
        "draft": "- !never_sent",
        f"{BEFORE} submit_failed": "- !closed_too_early",
        "authorized expired": "rma:closed !closed_unshipped",
        "denied cancelled closed": "-",
    },
    "unknown": {" ".join(RMA): "- !unknown_word"},
}
DECISIONS = [
    (status, state, decision)
    for status, row in MATRIX.items()
    for states, decision in row.items()
    for state in states.split()
]
BEFORE_APPROVAL = {*BEFORE.split(), "submit_failed", "draft"}


def shipment(state: str | None) -> ShipmentState | None:
    return None if state is None else ShipmentState(state)


def spelled(heard: Heard) -> str:
    steps = [f"({s.record}:{s.to})" if s.implied else f"{s.record}:{s.to}" for s in heard.steps] or ["-"]
    return " ".join([*steps, *([f"!{heard.attention}"] if heard.attention else [])])


def said(status, rma, to_us=None, to_vendor=None, *, number=True):
    return spelled(
        hear(
            status,
            rma=RmaState(rma),
            to_us=shipment(to_us),
            to_vendor=shipment(to_vendor),
            has_rma_number=number,
        )
    )


def test_each_word_that_an_adapter_may_say_has_a_decision_in_each_state():
    assert set(MATRIX) == set(VendorStatus)
    assert sorted((status, state) for status, state, _ in DECISIONS) == sorted(product(MATRIX, RMA))


@pytest.mark.parametrize(("status", "state", "decision"), DECISIONS)
def test_a_word_moves_what_the_table_says(status, state, decision):
    to_us, to_vendor = (None, None) if state in BEFORE_APPROVAL else ("expected", "due")
    assert said(status, state, to_us, to_vendor) == decision


def test_a_word_that_is_not_in_the_vocabulary_calls_a_person():
    assert said("teleported", "authorized", "expected") == "- !unknown_word"


# --- The number -----------------------------------------------------------------------------------------------------

APPROVING = [
    "approved",
    "engineer_scheduled",
    "shipped",
    "delivered",
    "return_due",
    "return_in_transit",
    "return_received",
    "in_repair",
    "no_fault_found",
]


@pytest.mark.parametrize("status", APPROVING)
def test_without_a_number_nothing_enters_authorized_and_only_the_receipt_is_kept(status):
    for state in FIRST.split():
        assert said(status, state, number=False) == "(rma:under_review) !no_rma_number"
    assert said(status, "submit_failed", number=False) == "(rma:submitted) (rma:under_review) !no_rma_number"
    assert said(status, "under_review", number=False) == "- !no_rma_number"
    assert said(status, "info_required", number=False) == "- !no_rma_number"


def test_the_number_comes_later_and_the_same_word_then_authorizes():
    assert said("approved", "under_review", number=False) == "- !no_rma_number"
    assert said("approved", "under_review", number=True) == "rma:authorized"


# --- A question after the approval ----------------------------------------------------------------------------------


def test_the_vendor_goes_on_reviewing_after_our_answer_and_the_approval_stands():
    assert said("under_review", "info_required", "expected") == "rma:authorized"
    assert said("received", "info_required", "expected") == "-"


def test_an_approval_whose_number_was_lost_does_not_come_back_on_a_word():
    assert said("under_review", "info_required", "expected", number=False) == "- !no_rma_number"


def test_goods_that_leave_answer_the_vendors_own_question():
    assert said("shipped", "info_required", "expected") == "(rma:authorized) to_us:in_transit"


def test_a_question_after_the_approval_does_not_open_the_way_to_an_uninspected_denial():
    assert said("denied", "info_required", "expected", "due") == "- !not_inspected"
    assert said("denied", "info_required", "expected", "received") == "rma:denied"


# --- Denied after inspection, cancelled before the goods move, closed in order --------------------------------------


@pytest.mark.parametrize(
    ("to_vendor", "decision"),
    [
        (None, "- !not_inspected"),
        ("due", "- !not_inspected"),
        ("in_transit", "(to_vendor:received) rma:denied"),
        ("received", "rma:denied"),
        ("no_fault_found", "rma:denied"),
        ("refused", "rma:denied"),
        ("accepted", "- !not_inspected"),
        ("waived", "- !not_inspected"),
        ("retained", "- !not_inspected"),
        ("charged", "- !not_inspected"),
        ("lost", "- !not_inspected"),
    ],
)
def test_an_authorized_claim_is_denied_only_by_a_vendor_that_has_the_unit(to_vendor, decision):
    assert said("denied", "authorized", "checked_in", to_vendor) == decision


@pytest.mark.parametrize("state", ["authorized", "info_required"])
@pytest.mark.parametrize(
    ("to_us", "to_vendor"),
    [(to_us, "due") for to_us in TO_US if to_us != "expected"]
    + [("expected", state) for state in ("in_transit", "received", "accepted", "no_fault_found", "refused", "lost")],
)
def test_a_claim_whose_goods_have_moved_is_not_cancelled(state, to_us, to_vendor):
    assert said("cancelled", state, to_us, to_vendor) == "- !goods_have_moved"


@pytest.mark.parametrize("to_vendor", [None, "due", "waived", "retained", "charged"])
def test_a_claim_whose_goods_rest_is_cancelled_and_a_person_looks(to_vendor):
    assert said("cancelled", "authorized", "expected", to_vendor) == "rma:cancelled !cancelled_by_vendor"


@pytest.mark.parametrize("to_us", ["in_transit", "delivered", "checked_in", "wrong_or_damaged", "lost"])
def test_a_claim_whose_replacement_was_shipped_closes_without_a_person(to_us):
    assert said("closed", "authorized", to_us, "received") == "rma:closed"


# --- The goods: word x where they are -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "to_us", "decision"),
    [
        ("shipped", None, "(to_us:expected) to_us:in_transit"),
        ("shipped", "expected", "to_us:in_transit"),
        ("shipped", "in_transit", "-"),
        ("shipped", "delivered", "-"),
        ("shipped", "checked_in", "-"),
        ("shipped", "wrong_or_damaged", "-"),
        ("shipped", "lost", "-"),
        ("delivered", None, "(to_us:expected) (to_us:in_transit) to_us:delivered"),
        ("delivered", "expected", "(to_us:in_transit) to_us:delivered"),
        ("delivered", "in_transit", "to_us:delivered"),
        ("delivered", "delivered", "-"),
        ("delivered", "checked_in", "-"),
        ("delivered", "wrong_or_damaged", "-"),
        ("delivered", "lost", "- !goods_disagree"),
    ],
)
def test_the_replacement_only_travels_forward(status, to_us, decision):
    assert said(status, "authorized", to_us) == decision


@pytest.mark.parametrize(
    ("to_vendor", "due", "in_transit", "received"),
    [
        (None, "to_vendor:due", "(to_vendor:due) to_vendor:in_transit", None),
        ("due", "-", "to_vendor:in_transit", "(to_vendor:in_transit) to_vendor:received"),
        ("in_transit", "-", "-", "to_vendor:received"),
        ("received", "-", "-", "-"),
        ("accepted", "-", "-", "-"),
        ("no_fault_found", "-", "-", "-"),
        ("refused", "-", "-", "-"),
        ("waived", "-", "- !goods_disagree", "- !goods_disagree"),
        ("retained", "-", "- !goods_disagree", "- !goods_disagree"),
        ("charged", "-", "- !goods_disagree", "- !goods_disagree"),
        ("lost", "-", "-", "- !goods_disagree"),
    ],
)
def test_the_return_only_travels_forward(to_vendor, due, in_transit, received):
    assert said("return_due", "authorized", "in_transit", to_vendor) == due
    assert said("return_in_transit", "authorized", "in_transit", to_vendor) == in_transit
    received = received or "(to_vendor:due) (to_vendor:in_transit) to_vendor:received"
    assert said("return_received", "authorized", "in_transit", to_vendor) == received
    assert said("in_repair", "authorized", "in_transit", to_vendor) == received


def test_an_inspection_that_was_settled_is_not_settled_again():
    assert said("no_fault_found", "authorized", "in_transit", "no_fault_found") == "- !no_fault_found"
    assert said("no_fault_found", "authorized", "in_transit", "accepted") == "- !goods_disagree"
    assert said("no_fault_found", "authorized", "in_transit", "received") == "to_vendor:no_fault_found !no_fault_found"


@pytest.mark.parametrize("state", ["denied", "expired", "cancelled", "closed"])
@pytest.mark.parametrize("status", ["shipped", "delivered", "return_due", "return_received"])
def test_goods_that_nobody_expects_are_for_a_person(status, state):
    assert said(status, state) == "- !goods_disagree"


# --- Any words in any order -----------------------------------------------------------------------------------------

RANK = {
    "draft": 0,
    "submitted": 1,
    "outcome_unknown": 1,
    "submit_failed": 1,
    "manual_handling": 1,
    "under_review": 2,
    "info_required": 2,
    "authorized": 3,
    "denied": 4,
    "expired": 4,
    "cancelled": 5,
    "closed": 5,
}


class Desk:
    """Keeps one case as the services do, and refuses a step that does not follow from where the record is."""

    def __init__(self, rma, to_us=None, to_vendor=None, *, number=False):
        self.at: dict[Record, StrEnum | None] = {
            Record.RMA: RmaState(rma),
            Record.TO_US: shipment(to_us),
            Record.TO_VENDOR: shipment(to_vendor),
        }
        self.number = number

    def hear(self, status, *, number=False):
        self.number = self.number or number
        heard = hear(
            status,
            rma=self.at[Record.RMA],
            to_us=self.at[Record.TO_US],
            to_vendor=self.at[Record.TO_VENDOR],
            has_rma_number=self.number,
        )
        for step in heard.steps:
            self.take(step)
        return heard

    def take(self, step):
        page = {Record.RMA: RMA, Record.TO_US: TO_US, Record.TO_VENDOR: TO_VENDOR}[step.record]
        assert step.old == self.at[step.record]
        if step.old is None:
            assert step.to in {"expected", "due"}
        else:
            assert step.to in page[step.old].split()
        if step.record is Record.RMA:
            is_a_question = (step.old, step.to) == ("authorized", "info_required")
            assert is_a_question or RANK[step.to] >= RANK[step.old]
            assert step.to != "under_review" or self.at[Record.TO_US] is None, "approved once, and under review again"
        self.at[step.record] = step.to
        if step.to is RmaState.AUTHORIZED:
            assert self.number
            self.at[Record.TO_US] = self.at[Record.TO_US] or ShipmentState.EXPECTED


words = st.tuples(st.sampled_from([*VendorStatus, "teleported"]), st.booleans())


@given(st.sampled_from(RmaState), st.lists(words, max_size=12))
def test_no_order_of_words_moves_backwards_leaves_the_tables_or_authorizes_without_a_number(start, heard_words):
    past = start not in BEFORE_APPROVAL
    desk = Desk(start, "expected" if past else None, number=past)
    for status, number in heard_words:
        desk.hear(status, number=number)


@given(st.sampled_from(RmaState), st.lists(words, max_size=8), words)
def test_a_word_heard_twice_moves_once(start, earlier, word):
    past = start not in BEFORE_APPROVAL
    desk = Desk(start, "expected" if past else None, number=past)
    for status, number in earlier:
        desk.hear(status, number=number)
    desk.hear(word[0], number=word[1])
    assert desk.hear(word[0], number=word[1]).steps == ()


@given(st.sets(st.sampled_from(["received", "under_review", *APPROVING]), min_size=1, max_size=4))
def test_the_order_of_good_news_does_not_matter(good_news):
    ends = set()
    for order in permutations(sorted(good_news)):
        desk = Desk("submitted", number=True)
        for status in order:
            desk.hear(status)
        ends.add(tuple(desk.at.values()))
    assert len(ends) == 1


def test_the_directions_of_shipments_are_the_records_that_steps_name():
    assert {Record.RMA, *ShipmentDirection} == set(Record)


def test_a_step_tells_where_the_record_was():
    heard = hear("shipped", rma=RmaState.UNDER_REVIEW, to_us=None, to_vendor=None, has_rma_number=True)
    assert [(s.record, s.old, s.to, s.implied) for s in heard.steps] == [
        ("rma", "under_review", "authorized", True),
        ("to_us", "expected", "in_transit", False),
    ]
