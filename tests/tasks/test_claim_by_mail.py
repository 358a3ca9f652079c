"""A claim by mail from the fault to the RMA number, and what becomes of it where the mail server or the vendor misbehaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.desk import Desk, by_mail
from tests.vendors.replay import RECORDED
from vendors.sandbox import Twin
from warranty import relay, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState, ShipmentState
from warranty.models import HumanTask, Rma, Shipment, VendorAccount, VendorDelivery
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import accounts, handouts, resolutions, rmas
from warranty.services.estate import Invalid
from warranty.services.resolutions import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime

OPTIONS = {"to": "rma@vendor.example", "reply_to": "rma@msp.example"}
GREYLISTED_S = 301.0


@pytest.fixture
def twin() -> Iterator[Twin]:
    with Twin("email") as playing:
        yield playing


@pytest.fixture
def runtime_by_mail(shared_runtime: Runtime, twin: Twin) -> Runtime:
    """A runtime whose mail servers are the twin's."""
    return by_mail(shared_runtime, twin)


@pytest.fixture
def desk(runtime_by_mail: Runtime) -> Desk:
    return Desk(runtime_by_mail, vendor="email", options=OPTIONS)


def pull(desk: Desk) -> None:
    """Have the mailbox read and everything applied that came."""
    desk.let_pass(desk.runtime.settings.poll_s)
    with desk.session() as session:
        relay.order_pulls(session, desk.runtime)
    for kind in (OrderKind.PULL, OrderKind.APPLY_DELIVERY):
        for order in desk.orders(kind):
            if order.status is OrderStatus.PENDING:
                tasks.perform(desk.runtime, order.id)


def answer(desk: Desk, kind: TaskKind, action: Action, **more: object) -> None:
    """Answer what waits, as a service manager."""
    with desk.session() as session:
        row = session.query(HumanTask).filter_by(rma_id=desk.rma().id, kind=kind, resolved_at=None).one()
        resolutions.resolve(
            session, desk.runtime, OPERATOR, row, action, reason="read the mail", now=row.created_at, **more
        )


def test_from_the_fault_to_the_rma_number(desk: Desk, twin: Twin) -> None:
    desk.report()
    desk.perform(OrderKind.SEND_RMA)

    rma = desk.rma()
    assert (rma.state, rma.vendor_case_number) == (RmaState.MANUAL_HANDLING, None)
    assert "Sent by mail to rma@vendor.example" in desk.open_tasks()[TaskKind.MANUAL_HANDLING]
    with desk.session() as session:
        steps = handouts.of(session, desk.runtime, session.get_one(Rma, rma.id))
    assert steps is not None
    assert [step.sentence for step in steps.steps] == [handouts.SENT, handouts.NUMBER]

    text = "RMA number: R-88213\nCase number: 00451\nTracking number: 1Z999AA10123456784 by UPS"
    twin.play("email").answer(rma.client_reference, text, Subject="Your replacement")
    pull(desk)

    assert desk.rma().state is RmaState.MANUAL_HANDLING  # nothing moves before a person has read it
    assert "R-88213" in desk.open_tasks()[TaskKind.PROPOSAL]
    answer(desk, TaskKind.PROPOSAL, Action.CONFIRM)

    rma = desk.rma()
    assert (rma.state, rma.rma_number, rma.vendor_case_number) == (RmaState.AUTHORIZED, "R-88213", "00451")
    assert set(desk.open_tasks()) == {TaskKind.VENDOR_NOTE}  # the words themselves are still to be read
    with desk.session() as session:
        (parcel,) = session.query(Shipment).filter_by(rma_id=rma.id).all()
        assert (parcel.state, parcel.tracking_number) == (ShipmentState.IN_TRANSIT, "1Z999AA10123456784")


def test_a_mail_that_left_without_an_answer_is_not_sent_again_and_waits_for_a_person(desk: Desk, twin: Twin) -> None:
    twin.behave(next_opens=["drop_after_accept"])
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    assert desk.rma().state is RmaState.OUTCOME_UNKNOWN

    desk.let_pass(600)
    desk.perform(OrderKind.SEND_RMA)

    assert desk.rma().state is RmaState.MANUAL_HANDLING
    assert len(twin.opened) == 1


def test_where_repeats_are_recognised_it_is_sent_again_under_the_same_name(
    runtime_by_mail: Runtime, twin: Twin
) -> None:
    desk = Desk(runtime_by_mail, vendor="email", options={**OPTIONS, "recognises_repeats": "true"})
    twin.behave(next_opens=["drop_after_accept"])
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    desk.let_pass(600)
    desk.perform(OrderKind.SEND_RMA)

    assert desk.rma().state is RmaState.MANUAL_HANDLING
    assert len({mail["number"] for mail in twin.opened}) == 1
    assert len(twin.opened) == 2


@pytest.mark.parametrize("word", ["throttle", "error_before", "drop_before"])
def test_a_mail_that_was_not_taken_is_tried_again_and_sent_once(desk: Desk, twin: Twin, word: str) -> None:
    twin.behave(next_opens=[word])
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    order = desk.order(OrderKind.SEND_RMA)
    assert (desk.rma().state, order.last_send, order.failures) == (RmaState.SUBMITTED, None, 1)
    assert desk.open_tasks() == {}

    desk.let_pass(GREYLISTED_S)
    desk.perform(OrderKind.SEND_RMA)

    assert desk.rma().state is RmaState.MANUAL_HANDLING
    assert len(twin.opened) == 1


def test_a_refused_mail_is_parked_for_a_person(desk: Desk, twin: Twin) -> None:
    twin.behave(next_opens=["refuse"])
    desk.report()
    desk.perform(OrderKind.SEND_RMA)

    assert (desk.rma().state, desk.order(OrderKind.SEND_RMA).status) == (RmaState.SUBMIT_FAILED, OrderStatus.PARKED)
    assert "550" in desk.open_tasks()[TaskKind.SUBMIT_FAILED]


def test_a_bounce_is_told_and_an_absence_is_not(desk: Desk, twin: Twin) -> None:
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    waiting = set(desk.open_tasks())
    reference = desk.rma().client_reference
    twin.play("email").answer(reference, "I am away. RMA number: R-1", Auto_Submitted="auto-replied")
    pull(desk)
    assert set(desk.open_tasks()) == waiting

    bounce = (RECORDED / "email" / "bounce.eml").read_bytes().replace(b"FAULT-000412", reference.encode())
    twin.play("email").lay(bounce)
    pull(desk)

    assert desk.open_tasks()[TaskKind.ATTENTION].startswith("The claim did not arrive at rma@vendor.example")
    assert "no such user" in (desk.rma().needs_attention or "")


def test_an_account_of_a_host_without_mail_servers_says_so_when_it_is_added_and_when_it_is_tested(
    desk: Desk, shared_runtime: Runtime
) -> None:
    with pytest.raises(Invalid, match=r"SMTP_URL is not set.*IMAP_URL is not set"):
        Desk(shared_runtime, vendor="email", options=OPTIONS)

    with desk.session() as session:
        accounts.order_check(session, session.get_one(VendorAccount, desk.account_id), now=desk.account().created_at)
    tasks.perform(shared_runtime, desk.order(OrderKind.CHECK_ACCOUNT).id)
    assert "SMTP_URL is not set" in (desk.account().check_trouble or "")


def test_accounts_that_share_a_mailbox_each_take_what_is_of_their_own_claims(
    desk: Desk, runtime_by_mail: Runtime, twin: Twin
) -> None:
    other = Desk(runtime_by_mail, vendor="email", options=OPTIONS)
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    twin.play("email").answer(desk.rma().client_reference, "RMA number: R-88213")
    pull(desk)
    pull(other)

    assert TaskKind.PROPOSAL in desk.open_tasks()
    with desk.session() as session:
        both = VendorDelivery.account_id.in_((desk.account_id, other.account_id))
        assert [one.applied_at is not None for one in session.query(VendorDelivery).filter(both)] == [True, True]


def test_a_message_that_names_no_claim_is_kept_with_that_reason(desk: Desk, twin: Twin) -> None:
    twin.play("email").lay(b"Subject: [FAULT-000412]\r\n\r\nRMA number: R-1\r\n")
    pull(desk)

    with desk.session() as session:
        row = session.query(VendorDelivery).filter_by(account_id=desk.account_id).one()
        assert (row.applied_at, "No claim of this account" in (row.trouble or "")) == (None, True)


def test_a_denied_claim_is_sent_again_as_an_answer_in_the_same_thread(desk: Desk, twin: Twin) -> None:
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    for to in (RmaState.DENIED, RmaState.SUBMITTED):
        with desk.session() as session:
            rma = session.get_one(Rma, desk.rma().id)
            rmas.transition(
                session,
                desk.runtime,
                OPERATOR,
                rma,
                to,
                reason="by mail",
                now=rma.created_at,
                vendor_case_number="00451",
            )
    tasks.perform(desk.runtime, desk.orders(OrderKind.SEND_RMA)[-1].id)

    first, second = twin.play("email").taken
    assert second["In-Reply-To"] == first["Message-ID"] != second["Message-ID"]
    assert (desk.rma().state, desk.rma().vendor_case_number) == (RmaState.UNDER_REVIEW, "00451")
