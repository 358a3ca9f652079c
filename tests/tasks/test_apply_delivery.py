"""What a vendor sent is applied to the claim that it is about, once, whatever its order; what cannot be applied is kept."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.desk import INSTANCE, Desk, odd_adapters
from vendors.contract import VendorCase, VendorStatus
from vendors.errors import Trouble, VendorError
from vendors.sandbox import servicenow
from warranty import db, tasks
from warranty.domain.lifecycles import RmaState, ShipmentState
from warranty.models import Rma, Shipment, VendorAccount, VendorDelivery
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import accounts, deliveries, rmas, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from vendors.sandbox import Twin
    from warranty.models import Outbox
    from warranty.runtime import Runtime


def push_of(rma: Rma, state: str, *, at: datetime | None = None, **columns: Any) -> bytes:
    """What the instance says of a claim's record: in which state it is, since when (now)."""
    number_of = {str(word): number for number, word in servicenow.STATE_MAP.items()}
    record = {
        "number": rma.vendor_case_number,
        "correlation_id": rma.client_reference,
        "state": number_of.get(state, state),
        "sys_updated_on": f"{at or datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        servicenow.RMA_NUMBER_FIELD: "RMA7" if state != "received" else "",
    }
    return json.dumps({"result": record | columns}).encode()


def keep(desk: Desk, raw: bytes) -> None:
    with desk.session() as session:
        deliveries.keep(session, session.get_one(VendorAccount, desk.account_id), raw, now=db.now(session))


def deliver(desk: Desk, raw: bytes) -> Outbox:
    """Keep a message and apply it; how its order stands then."""
    keep(desk, raw)
    tasks.perform(desk.runtime, desk.orders(OrderKind.APPLY_DELIVERY)[-1].id)
    return desk.orders(OrderKind.APPLY_DELIVERY)[-1]


def delivery(desk: Desk) -> VendorDelivery:
    with desk.session() as session:
        ours = select(VendorDelivery).where(VendorDelivery.account_id == desk.account_id)
        return session.scalars(ours).one()


@pytest.fixture
def opened(desk: Desk) -> Desk:
    """A claim that the vendor has had a case for, unchanged, for an hour."""
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    let_words_age(desk)
    return desk


def let_words_age(desk: Desk) -> None:
    """The vendor's own times have a second's grain: what it says within one second is in no order."""
    with desk.session() as session:
        session.get_one(Rma, desk.rma().id).vendor_changed_at = datetime.now(UTC) - timedelta(hours=1)


def test_a_word_moves_the_claim_and_the_message_is_applied(opened: Desk) -> None:
    assert deliver(opened, push_of(opened.rma(), "approved")).status is OrderStatus.DONE

    assert (opened.rma().state, opened.rma().rma_number) == (RmaState.AUTHORIZED, "RMA7")
    assert (delivery(opened).applied_at is not None, delivery(opened).trouble) == (True, None)


def test_a_vendor_that_names_only_our_reference_is_understood(opened: Desk) -> None:
    with opened.session() as session:
        session.get_one(Rma, opened.rma().id).vendor_case_number = None

    deliver(opened, push_of(opened.rma(), "approved", number="INC77"))

    assert (opened.rma().state, opened.rma().vendor_case_number) == (RmaState.AUTHORIZED, "INC77")


@pytest.mark.parametrize("answer", ["ok", "error_after_accept", "refused"])
def test_a_message_may_be_quicker_than_the_answer_to_the_open(desk: Desk, answer: str) -> None:
    desk.report()
    with desk.session() as session:
        sending = work.claim(session, desk.order(OrderKind.SEND_RMA).id, lease_s=60)
        assert sending is not None
        work.mark_send(session, sending, budget_s=1)

    deliver(desk, push_of(desk.rma(), "approved", number="INC1"))
    settle(desk, sending, answer)

    assert (desk.rma().state, desk.rma().rma_number) == (RmaState.AUTHORIZED, "RMA7")
    assert desk.order(OrderKind.SEND_RMA).status is OrderStatus.DONE
    assert [new for _, new, _ in desk.moves("rma")] == ["draft", "submitted", "authorized"]
    assert desk.open_tasks() == {}
    assert [seen.vendor_case_number for seen in desk.sightings()] == ["INC1"]


def settle(desk: Desk, sending: work.Order, answer: str) -> None:
    """Write down the answer that the sender got at last."""
    steps: dict[str, rmas.Step] = {
        "ok": VendorCase("INC1", VendorStatus.RECEIVED, "1", changed_at=datetime.now(UTC) - timedelta(seconds=9)),
        "error_after_accept": VendorError("servicenow", Trouble.AMBIGUOUS),
        "refused": VendorError("servicenow", Trouble.REFUSED),
    }
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.account_id)
        can = accounts.capabilities(desk.runtime, account)
        rmas.settle(session, desk.runtime, sending, account, can, steps[answer])


def test_a_message_that_names_only_the_case_waits_for_the_answer_that_tells_whose_it_is(desk: Desk) -> None:
    desk.report()
    early = deliver(desk, push_of(desk.rma(), "approved", number="INC0010001", correlation_id=""))
    assert (early.status, desk.rma().state) == (OrderStatus.PENDING, RmaState.SUBMITTED)

    desk.perform(OrderKind.SEND_RMA)
    let_words_age(desk)
    desk.let_pass(work.RETRY_CAP_S)
    desk.perform(OrderKind.APPLY_DELIVERY)

    assert desk.rma().state is RmaState.AUTHORIZED
    assert delivery(desk).applied_at is not None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"number": "INC0", "correlation_id": "WR-NOBODY"}, "No claim of this account is meant: case INC0"),
        ({"number": "", "correlation_id": "WR-X"}, "the record has no number"),
        ({"number": "INC0", "correlation_id": "W" * 100_000}, "No claim"),
    ],
)
def test_a_message_about_nobodys_case_is_kept_with_the_reason_and_not_tried_for_ever(
    opened: Desk, said: dict[str, str], why: str
) -> None:
    order = deliver(opened, push_of(opened.rma(), "approved", **said))

    assert order.status is OrderStatus.DONE
    assert opened.rma().state is RmaState.UNDER_REVIEW
    assert delivery(opened).applied_at is None
    assert why in (delivery(opened).trouble or "")


@pytest.mark.parametrize("raw", [b"", b"\xff\x00", b"[" * 50_000, b'{"result": []', b'"approved"'])
def test_what_cannot_be_read_is_kept_as_it_came_with_the_reason_and_not_tried_for_ever(
    opened: Desk, raw: bytes
) -> None:
    assert deliver(opened, raw).status is OrderStatus.DONE

    assert delivery(opened).raw == raw
    assert (delivery(opened).applied_at, (delivery(opened).trouble or "").startswith("It cannot be read")) == (
        None,
        True,
    )


def test_what_breaks_every_worker_is_kept_with_the_reason_and_not_tried_for_ever(shared_runtime: Runtime) -> None:
    with odd_adapters():
        desk = Desk(shared_runtime, vendor="clumsy")
        keep(desk, b"{}")
        for _ in range(work.MAX_STUMBLES):
            with suppress(KeyError):
                desk.perform(OrderKind.APPLY_DELIVERY)
            desk.let_pass(work.RETRY_CAP_S)

    assert desk.order(OrderKind.APPLY_DELIVERY).status is OrderStatus.DEAD
    assert "broke off each time" in (delivery(desk).trouble or "")


def test_no_vendor_moves_a_claim_that_another_account_holds(opened: Desk, twin: Twin) -> None:
    other = Desk(opened.runtime, twin)

    deliver(other, push_of(opened.rma(), "approved"))

    assert opened.rma().state is RmaState.UNDER_REVIEW
    assert "No claim of this account is meant" in (delivery(other).trouble or "")


def test_of_several_cases_in_a_message_each_is_heard(opened: Desk) -> None:
    known, unknown = (
        json.loads(push_of(opened.rma(), "approved", **columns))["result"]
        for columns in ({}, {"number": "INC0", "correlation_id": ""})
    )

    deliver(opened, json.dumps({"result": [unknown, known]}).encode())

    assert opened.rma().state is RmaState.AUTHORIZED
    assert (delivery(opened).applied_at, "INC0" in (delivery(opened).trouble or "")) == (None, True)


def test_a_message_waits_for_an_account_that_cannot_be_used_as_it_is(opened: Desk) -> None:
    opened.change_account(options=INSTANCE | {"state_map": "{"})
    assert deliver(opened, push_of(opened.rma(), "approved")).status is OrderStatus.PARKED

    opened.change_account(options=INSTANCE)
    with opened.session() as session:
        account = session.get_one(VendorAccount, opened.account_id)
        rmas.go_on(session, account, Because("user:1", "mended", db.now(session)))
    opened.perform(OrderKind.APPLY_DELIVERY)

    assert opened.rma().state is RmaState.AUTHORIZED


# --- whatever the order ---

STORY = (
    ("received", RmaState.UNDER_REVIEW, None),
    ("under_review", RmaState.UNDER_REVIEW, None),
    ("info_required", RmaState.INFO_REQUIRED, None),
    ("under_review", RmaState.UNDER_REVIEW, None),
    ("approved", RmaState.AUTHORIZED, ShipmentState.EXPECTED),
    ("shipped", RmaState.AUTHORIZED, ShipmentState.IN_TRANSIT),
    ("delivered", RmaState.AUTHORIZED, ShipmentState.DELIVERED),
)
"""What vendors say of a case, a minute apart, and where the claim and its parcel stand after each."""


@st.composite
def some_of_a_story(draw: st.DrawFn) -> list[int]:
    """Some of the words, each once or more, in any order."""
    words = draw(st.lists(st.integers(0, len(STORY) - 1), min_size=1, max_size=5))
    return draw(st.permutations([*words, *words[:2]]))


@settings(max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate])
@given(words=some_of_a_story())
def test_words_that_come_twice_and_in_any_order_end_where_the_newest_is_and_no_move_is_made_twice(
    shared_runtime: Runtime, words: list[int]
) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    began = datetime.now(UTC) - timedelta(hours=1)
    for word in words:
        raw = push_of(desk.rma(), STORY[word][0], at=began + timedelta(minutes=word), number=f"INC{desk.account_id}")
        deliver(desk, raw)

    assert standing(desk) == STORY[max(words)][1:]
    made = [(record, old, new) for record in ("rma", "shipment", "swap") for old, new, _ in desk.moves(record)]
    to_and_fro = {RmaState.UNDER_REVIEW, RmaState.INFO_REQUIRED}  # the only way that the story goes twice
    once = [move for move in made if not to_and_fro.issuperset(move[1:])]
    assert len(once) == len(set(once))


def standing(desk: Desk) -> tuple[RmaState, ShipmentState | None]:
    """Where the claim and the replacement's parcel stand."""
    with desk.session() as session:
        rma = desk.rma()
        return rma.state, session.scalars(select(Shipment.state).where(Shipment.rma_id == rma.id)).one_or_none()


def test_a_word_without_a_use_of_its_time_is_a_hint_and_the_vendor_is_asked(opened: Desk) -> None:
    opened.twin.move(opened.twin.opened[0]["number"], state="shipped")
    for at in ("", f"{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%d %H:%M:%S}"):
        assert deliver(opened, push_of(opened.rma(), "denied", sys_updated_on=at)).status is OrderStatus.DONE
    assert opened.rma().state is RmaState.UNDER_REVIEW

    opened.perform(OrderKind.READ_CASES)

    assert opened.rma().state is RmaState.AUTHORIZED
    assert opened.rma().vendor_status == "21"


def test_another_case_for_the_same_claim_moves_nothing_and_is_put_before_a_person(opened: Desk) -> None:
    first = opened.rma().vendor_case_number

    deliver(opened, push_of(opened.rma(), "approved", number="INC2"))

    assert (opened.rma().state, opened.rma().vendor_case_number) == (RmaState.UNDER_REVIEW, first)
    assert "more than one case for this claim: INC2" in opened.open_tasks()[TaskKind.ATTENTION]
    assert [seen.vendor_case_number for seen in opened.sightings()] == [first, "INC2"]
