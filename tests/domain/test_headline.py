"""The headline, the client's step and who has the ball. The tables here were written from the domain's page by hand."""

from datetime import date
from itertools import product

import pytest

from warranty.domain.headline import ClientStep, Headline, Records, Side, standing
from warranty.domain.lifecycles import (
    SHIPMENT_TO_US_MOVES,
    SHIPMENT_TO_VENDOR_MOVES,
    FaultState,
    JobState,
    RmaState,
    ShipmentState,
    SwapState,
)
from warranty.domain.terms import Route

TODAY = date(2026, 11, 24)

STEPS = {
    "reported": ["reported"],
    "being_assessed": ["assessing", "in_review", "asking_vendor"],
    "waiting_for_your_approval": ["awaiting_approval"],
    "ordered_from_the_vendor": [
        "preparing",
        "sent",
        "uncertain",
        "with_person",
        "vendor_review",
        "info_required",
        "authorized",
        "denied",
    ],
    "on_its_way": ["shipped", "delivered"],
    "being_installed": ["installing", "job_scheduled"],
    "working_again": ["restored", "return_due", "return_overdue"],
    "closed": ["closed"],
}
STEP_OF = {headline: step for step, headlines in STEPS.items() for headline in headlines}
ENDED = {"closed", "duplicate", "rejected", "within_tolerance", "resolved_without_swap", "no_fault_found"}
TO_US = [None, *SHIPMENT_TO_US_MOVES]
TO_VENDOR = [None, *SHIPMENT_TO_VENDOR_MOVES]


def records(fault, **known):
    """The records of a case from plain words, as a test row names them."""
    kinds = {
        "route": Route,
        "rma": RmaState,
        "job": JobState,
        "swap": SwapState,
        "to_us": ShipmentState,
        "to_vendor": ShipmentState,
        "holder": Side,
    }
    given = {key: kinds[key](value) if key in kinds else value for key, value in known.items()}
    return Records(fault=FaultState(fault), **given)


def word(fault, **known):
    return standing(records(fault, **known), today=TODAY).headline


# --- One headline, always -------------------------------------------------------------------------------------------


def test_the_eight_steps_stand_in_the_order_of_the_page_and_hold_every_headline():
    assert list(ClientStep) == list(STEPS)
    assert list(Headline) == [headline for headlines in STEPS.values() for headline in headlines]


def test_every_combination_of_fault_claim_job_swap_and_parcel_has_one_headline_of_its_step():
    seen = set()
    for fault, rma, job, swap, to_us in product(
        FaultState, [None, *RmaState], [None, *JobState], [None, *SwapState], TO_US
    ):
        found = standing(Records(fault=fault, rma=rma, job=job, swap=swap, to_us=to_us), today=TODAY)
        assert found.step == STEP_OF[found.headline]
        assert (found.ball is None) is (fault in ENDED)
        seen.add(found.headline)
    assert seen == set(Headline) - {"asking_vendor", "return_due", "return_overdue"}


def test_every_combination_around_the_end_has_one_headline_of_its_step():
    seen = set()
    returns = product(TO_VENDOR, [None, date(2026, 11, 23), TODAY], list(Side))
    for (to_vendor, due_on, holder), fault, rma, told, route in product(
        list(returns), FaultState, [None, "denied", "authorized"], [False, True], [None, *Route]
    ):
        case = Records(
            fault=fault,
            route=route,
            rma=rma and RmaState(rma),
            to_vendor=to_vendor,
            return_due_on=due_on,
            denied_told=told,
            holder=holder,
        )
        found = standing(case, today=TODAY)
        assert found.step == STEP_OF[found.headline]
        seen.add(found.headline)
    assert {"asking_vendor", "return_due", "return_overdue", "denied", "closed"} <= seen


# --- Before a route -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "route", "headline"),
    [
        ("reported", None, "reported"),
        ("triaged", None, "assessing"),
        ("diagnosing", None, "assessing"),
        ("entitlement_check", None, "assessing"),
        ("entitlement_check", "lookup", "asking_vendor"),
        ("needs_review", "review", "in_review"),
        ("needs_review", "lookup", "asking_vendor"),
        ("reopened", "rma", "assessing"),
        ("triaged", "lookup", "assessing"),
        ("duplicate", "duplicate", "closed"),
        ("within_tolerance", "none", "closed"),
        ("rejected", "review", "closed"),
        ("resolved_without_swap", None, "closed"),
        ("no_fault_found", None, "closed"),
    ],
)
def test_before_a_route_is_taken_the_fault_speaks(fault, route, headline):
    assert word(fault, **({"route": route} if route else {})) == headline


def test_a_cancelled_claim_says_nothing_once_the_fault_is_decided_again():
    assert word("entitlement_check", rma="cancelled", swap="abandoned", job="awaiting_approval") == "assessing"


# --- The claim and its goods ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rma", "headline"),
    [
        ("draft", "preparing"),
        ("submitted", "sent"),
        ("outcome_unknown", "uncertain"),
        ("submit_failed", "with_person"),
        ("manual_handling", "with_person"),
        ("under_review", "vendor_review"),
        ("info_required", "info_required"),
        ("authorized", "authorized"),
        ("denied", "denied"),
        ("expired", "with_person"),
        ("cancelled", "in_review"),
        ("closed", "with_person"),
    ],
)
def test_a_claim_without_goods_speaks_for_itself(rma, headline):
    assert word("rma_open", route="rma", rma=rma) == headline


@pytest.mark.parametrize("rma", ["authorized", "closed"])
@pytest.mark.parametrize(
    ("to_us", "swap", "headline"),
    [
        ("in_transit", "planned", "shipped"),
        ("delivered", "planned", "delivered"),
        ("checked_in", "planned", "installing"),
        ("checked_in", "received", "installing"),
        ("checked_in", "installed", "installing"),
        ("checked_in", "verified", "restored"),
        ("checked_in", "done", "restored"),
        ("checked_in", "dead_on_arrival", "with_person"),
        ("wrong_or_damaged", "planned", "with_person"),
        ("lost", "planned", "with_person"),
        ("in_transit", "abandoned", "shipped"),
    ],
)
def test_the_goods_and_the_swap_speak_for_an_approved_claim(rma, to_us, swap, headline):
    assert word("rma_open", rma=rma, to_us=to_us, swap=swap) == headline


def test_an_expected_parcel_leaves_the_claim_its_word():
    assert word("rma_open", rma="authorized", to_us="expected", swap="planned") == "authorized"


def test_a_question_of_the_vendor_goes_before_the_parcel():
    assert word("rma_open", rma="info_required", to_us="in_transit") == "info_required"


def test_a_unit_from_stock_is_installed_while_the_vendor_still_thinks():
    assert word("rma_open", rma="under_review", swap="received") == "installing"


# --- The job --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "headline"),
    [
        ("draft", "in_review"),
        ("quoted", "in_review"),
        ("awaiting_approval", "awaiting_approval"),
        ("quote_expired", "in_review"),
        ("declined", "in_review"),
        ("approved", "preparing"),
        ("scheduled", "job_scheduled"),
        ("in_progress", "installing"),
        ("on_hold", "installing"),
        ("change_requested", "in_review"),
        ("completed", "restored"),
        ("ready_to_invoice", "restored"),
        ("exported", "restored"),
        ("invoiced", "restored"),
        ("credited", "restored"),
        ("closed", "restored"),
        ("cancelled", "in_review"),
        ("waived", "in_review"),
    ],
)
def test_a_job_without_a_claim_speaks_for_itself(job, headline):
    assert word("ad_hoc_open", route="ad_hoc", job=job) == headline


@pytest.mark.parametrize(
    ("job", "to_us", "swap", "headline"),
    [
        ("approved", "expected", "planned", "preparing"),
        ("approved", "in_transit", "planned", "shipped"),
        ("scheduled", "in_transit", "planned", "shipped"),
        ("scheduled", "delivered", "planned", "delivered"),
        ("scheduled", "checked_in", "received", "job_scheduled"),
        ("scheduled", "checked_in", "planned", "job_scheduled"),
        ("approved", "checked_in", "planned", "installing"),
        ("scheduled", "checked_in", "installed", "installing"),
        ("scheduled", "checked_in", "dead_on_arrival", "with_person"),
        ("in_progress", "in_transit", "planned", "installing"),
    ],
)
def test_a_jobs_own_goods_speak_until_the_work_begins(job, to_us, swap, headline):
    assert word("ad_hoc_open", job=job, to_us=to_us, swap=swap) == headline


# --- Claim and job side by side -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["rma_open", "ad_hoc_open", "service_restored", "verified"])
@pytest.mark.parametrize("rma", RmaState)
def test_what_waits_for_the_client_goes_before_the_claim(fault, rma):
    found = standing(records(fault, rma=rma, job="awaiting_approval", to_us="delivered"), today=TODAY)
    assert (found.headline, found.step, found.ball) == ("awaiting_approval", "waiting_for_your_approval", "client")


@pytest.mark.parametrize("job", ["quoted", "approved", "scheduled", "declined"])
def test_labour_beside_a_running_claim_leaves_the_claim_its_word(job):
    assert word("rma_open", rma="under_review", job=job) == "vendor_review"
    assert word("rma_open", rma="authorized", job=job, to_us="in_transit") == "shipped"


def test_labour_that_is_scheduled_is_named_once_the_parcel_is_here():
    assert word("rma_open", rma="authorized", job="scheduled", to_us="checked_in", swap="received") == "job_scheduled"


def test_a_denial_is_named_until_the_client_is_told_and_then_the_job_speaks():
    assert word("ad_hoc_open", rma="denied", job="draft", denied_told=False) == "denied"
    assert word("ad_hoc_open", rma="denied", job="approved", denied_told=True) == "preparing"
    assert word("ad_hoc_open", rma="denied", denied_told=True) == "in_review"
    assert word("rma_open", rma="denied", job="approved", denied_told=True) == "preparing"


def test_a_claim_that_goodwill_brought_back_speaks_again_over_its_cancelled_job():
    assert word("rma_open", rma="authorized", job="cancelled") == "authorized"


@pytest.mark.parametrize("fault", ["rma_open", "ad_hoc_open"])
def test_a_route_without_its_record_is_for_a_person(fault):
    assert word(fault) == "in_review"


# --- The return -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due_on", "headline"),
    [
        (None, "return_due"),
        (date(2026, 11, 25), "return_due"),
        (date(2026, 11, 24), "return_due"),
        (date(2026, 11, 23), "return_overdue"),
    ],
)
@pytest.mark.parametrize("fault", ["service_restored", "verified", "closed"])
def test_a_return_is_overdue_from_the_day_after_its_last_day_also_for_a_closed_fault(fault, due_on, headline):
    assert word(fault, rma="authorized", swap="done", to_vendor="due", return_due_on=due_on) == headline


def test_a_return_that_is_due_does_not_hide_that_nothing_works_yet():
    assert word("rma_open", rma="authorized", to_us="in_transit", to_vendor="due", return_due_on=TODAY) == "shipped"


def test_a_finished_job_leaves_the_return_on_the_board():
    assert word("ad_hoc_open", job="completed", to_vendor="due") == "return_due"


@pytest.mark.parametrize("to_vendor", [state for state in TO_VENDOR if state not in {None, "due"}])
def test_a_return_that_is_not_due_any_more_leaves_the_case_restored(to_vendor):
    assert word("service_restored", rma="authorized", to_vendor=to_vendor) == "restored"
    assert word("closed", rma="authorized", to_vendor=to_vendor) == "closed"


# --- Who has the ball -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "ball"),
    [
        (records("reported"), "msp"),
        (records("entitlement_check"), "msp"),
        (records("needs_review"), "msp"),
        (records("entitlement_check", route="lookup"), "vendor"),
        (records("ad_hoc_open", job="quoted"), "msp"),
        (records("ad_hoc_open", job="awaiting_approval"), "client"),
        (records("rma_open", rma="draft"), "msp"),
        (records("rma_open", rma="submitted"), "vendor"),
        (records("rma_open", rma="outcome_unknown"), "msp"),
        (records("rma_open", rma="manual_handling"), "msp"),
        (records("rma_open", rma="under_review"), "vendor"),
        (records("rma_open", rma="info_required"), "msp"),
        (records("rma_open", rma="authorized"), "vendor"),
        (records("rma_open", rma="denied"), "msp"),
        (records("rma_open", rma="authorized", to_us="in_transit"), "vendor"),
        (records("rma_open", rma="authorized", to_us="delivered"), "msp"),
        (records("rma_open", rma="authorized", swap="installed"), "msp"),
        (records("ad_hoc_open", job="scheduled"), "msp"),
        (records("service_restored"), "msp"),
        (records("service_restored", to_vendor="due"), "msp"),
        (records("service_restored", to_vendor="due", holder="client"), "client"),
        (records("verified", to_vendor="due", return_due_on=date(2026, 11, 23), holder="client"), "client"),
        (records("verified", to_vendor="in_transit"), "vendor"),
        (records("verified", to_vendor="received"), "vendor"),
        (records("verified", to_vendor="accepted"), "msp"),
        (records("closed"), None),
    ],
)
def test_the_ball_is_with_whoever_acts_next(case, ball):
    assert standing(case, today=TODAY).ball == ball
