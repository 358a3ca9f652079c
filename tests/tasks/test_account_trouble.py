"""Trouble with an account: the case says what it is and waits for a person; once mended it goes on by itself, and is opened once.

Source: reliability.md, section 3.2, step 10.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests import factories
from tests.desk import INSTANCE, Desk, odd_adapters
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.crypto import SecretBox
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.domain.terms import CoverageKind, Share
from warranty.models import Asset, Fault, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import accounts, rmas
from warranty.services.moves import Because
from warranty.tasks import take_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime

GOOD = {"username": "msp", "password": "right"}
OAUTH = {"client_id": "msp", "client_secret": "right"}
SETTLE_S = 3.0  # of the fixture's environment


@pytest.fixture
def twin() -> Iterator[Twin]:
    """Vendors that take one name with one secret."""
    with Twin(credentials=("msp", "right")) as twin:
        yield twin


def make_desk(runtime: Runtime, twin: Twin, **facts: Any) -> Desk:
    desk = Desk(runtime, twin, **facts)
    keep(desk, **GOOD)
    return desk


@pytest.fixture
def desk(shared_runtime: Runtime, twin: Twin) -> Desk:
    """A unit whose account is in order."""
    return make_desk(shared_runtime, twin)


# --- what goes wrong ---


def keep(desk: Desk, *, box: SecretBox | None = None, **secrets: str) -> None:
    """Keep other secrets than the vendor takes, or under another key."""
    desk.change_account(secrets=(box or desk.runtime.box).seal(secrets))


def lose_the_key(desk: Desk) -> None:
    keep(desk, box=SecretBox(["L" * 43 + "="]), **GOOD)


def forbid_the_address(desk: Desk) -> None:
    """As the demo's account where the setting of the demo is off."""
    desk.runtime = replace(desk.runtime, settings=replace(desk.runtime.settings, allow_private_vendor_urls=False))


def switch_off(desk: Desk) -> None:
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.account_id)
        accounts.switch_off(session, account, because=Because("user:1", "contract ended", db.now(session)))


# --- what a person does about it ---


def change(desk: Desk, account_id: int = 0, **new: Any) -> None:
    with desk.session() as session:
        account = session.get_one(VendorAccount, account_id or desk.account_id)
        because = Because("user:1", "mended", db.now(session))
        accounts.change(session, desk.runtime, account, because=because, **new)
        rmas.go_on(session, account, because)


def give_the_secrets(desk: Desk) -> None:
    change(desk, secrets=GOOD)


def allow_the_address(desk: Desk) -> None:
    desk.runtime = replace(desk.runtime, settings=replace(desk.runtime.settings, allow_private_vendor_urls=True))
    change(desk)


def switch_on(desk: Desk) -> None:
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.account_id)
        because = Because("user:1", "renewed", db.now(session))
        accounts.switch_on(session, account, because=because)
        rmas.go_on(session, account, because)


def add_account(desk: Desk, **facts: Any) -> None:
    given = {
        "manufacturers": [desk.maker],
        "base_url": desk.twin and desk.twin.url,
        "options": INSTANCE,
        "secrets": GOOD,
    }
    with desk.session() as session:
        account = factories.make_account(session, desk.runtime, **given | facts)
        rmas.go_on(session, account, Because("user:1", "added", db.now(session)))
        desk.account_id = account.id


def let_work(desk: Desk) -> None:
    """Let workers do what is ordered, and what that orders."""
    for kind in (OrderKind.LOOK_UP, OrderKind.TAKE_UP, OrderKind.SEND_RMA):
        for order in desk.orders(kind):
            tasks.perform(desk.runtime, order.id)


def is_opened_once(desk: Desk) -> bool:
    assert desk.twin is not None
    opened = [entry["reference"] for entry in desk.twin.opened]
    return opened == [desk.rma().client_reference] and desk.rma().state is RmaState.UNDER_REVIEW


AT_REPORT: list[tuple[Any, str, Any]] = [
    (switch_off, "No vendor account opens cases for this unit", switch_on),
    (lambda desk: keep(desk, username="msp"), "cannot be used: password is missing", give_the_secrets),
    (lose_the_key, "cannot be used: WARRANTY_ENCRYPTION_KEYS holds no key", give_the_secrets),
    (forbid_the_address, "cannot be used: ", allow_the_address),
]


@pytest.mark.parametrize(("goes_wrong", "says", "mend"), AT_REPORT, ids=["off", "missing", "key", "address"])
def test_trouble_that_a_report_meets_leaves_a_draft_that_is_sent_once_it_is_mended(
    desk: Desk, goes_wrong: Any, says: str, mend: Any
) -> None:
    goes_wrong(desk)
    desk.report()
    assert desk.rma().state is RmaState.DRAFT
    assert says in desk.open_tasks()[TaskKind.INFO_MISSING]

    mend(desk)
    let_work(desk)

    assert is_opened_once(desk)
    assert desk.open_tasks() == {}


AT_SENDING: list[tuple[Any, str, Any]] = [
    (lambda desk: keep(desk, username="msp", password="wrong"), "does not accept our credentials: ", give_the_secrets),
    (switch_off, "is switched off", switch_on),
    (lambda desk: keep(desk, username="msp"), "cannot be used: password is missing", give_the_secrets),
    (lose_the_key, "cannot be used: WARRANTY_ENCRYPTION_KEYS holds no key", give_the_secrets),
    (forbid_the_address, "cannot be used: ", allow_the_address),
]


@pytest.mark.parametrize(("goes_wrong", "says", "mend"), AT_SENDING, ids=["wrong", "off", "missing", "key", "address"])
def test_trouble_that_sending_meets_parks_the_claim_until_it_is_mended(
    desk: Desk, goes_wrong: Any, says: str, mend: Any
) -> None:
    desk.report()
    goes_wrong(desk)
    let_work(desk)
    assert desk.rma().state is RmaState.SUBMIT_FAILED
    assert desk.order(OrderKind.SEND_RMA).status is OrderStatus.PARKED
    assert says in desk.open_tasks()[TaskKind.SUBMIT_FAILED]

    mend(desk)
    let_work(desk)

    assert is_opened_once(desk)
    assert desk.open_tasks() == {}


def test_without_an_account_a_claim_waits_for_one_that_serves_its_maker(shared_runtime: Runtime, twin: Twin) -> None:
    desk = Desk(shared_runtime, twin, vendor=None)
    desk.report()
    assert "No vendor account opens cases for this unit: add one" in desk.open_tasks()[TaskKind.INFO_MISSING]

    add_account(desk, manufacturers=["Somebody else's maker"])
    assert desk.orders(OrderKind.TAKE_UP) == []
    add_account(desk)
    let_work(desk)

    assert is_opened_once(desk)
    assert desk.open_tasks() == {}


def test_an_account_that_takes_claims_by_hand_hands_the_waiting_ones_to_a_person(
    shared_runtime: Runtime, twin: Twin
) -> None:
    desk = Desk(shared_runtime, twin, vendor=None)
    desk.report()

    add_account(desk, vendor="manual", base_url=None, options={}, secrets={})
    let_work(desk)

    assert desk.rma().state is RmaState.MANUAL_HANDLING
    assert set(desk.open_tasks()) == {TaskKind.MANUAL_HANDLING}
    assert desk.orders(OrderKind.SEND_RMA) == []


def test_more_waiting_claims_than_one_transaction_takes_are_all_taken_up(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, vendor=None)
    for bay in range(take_up.AT_ONCE + 1):
        desk.report(component_ref=f"bay {bay}")

    add_account(desk, base_url="http://127.0.0.1:9")
    for _ in range(2):
        desk.perform(OrderKind.TAKE_UP)

    assert desk.order(OrderKind.TAKE_UP).status is OrderStatus.DONE
    assert len(desk.orders(OrderKind.SEND_RMA)) == take_up.AT_ONCE + 1


def test_a_token_that_ended_or_was_taken_back_is_renewed_and_nobody_is_asked(
    shared_runtime: Runtime, twin: Twin
) -> None:
    desk = make_desk(shared_runtime, twin)
    keep(desk, **OAUTH)
    accounts.Tokens(shared_runtime, desk.account_id).put("taken back", factories.NOW.replace(year=2090))
    desk.report()

    let_work(desk)

    assert is_opened_once(desk)
    assert [call.status for call in desk.calls()] == [401, 200, 201]


def test_credentials_that_were_revoked_while_a_claim_is_in_doubt_open_no_second_case(desk: Desk) -> None:
    assert desk.twin is not None
    desk.twin.behave("servicenow", next_opens=["drop_after_accept"])
    desk.report()
    let_work(desk)
    keep(desk, username="msp", password="revoked")
    desk.let_pass(SETTLE_S + 1)
    let_work(desk)
    assert desk.rma().state is RmaState.OUTCOME_UNKNOWN
    assert "does not accept our credentials" in desk.open_tasks()[TaskKind.OUTCOME_UNKNOWN]

    give_the_secrets(desk)
    let_work(desk)

    assert is_opened_once(desk)
    assert desk.open_tasks() == {}


def test_a_vendor_that_can_neither_be_searched_nor_asked_twice_is_asked_once_it_takes_our_credentials(
    shared_runtime: Runtime, twin: Twin
) -> None:
    with odd_adapters():
        desk = make_desk(shared_runtime, twin, vendor="mute")
        keep(desk, username="msp", password="wrong")
        desk.report()
        let_work(desk)
        assert desk.rma().state is RmaState.SUBMIT_FAILED

        give_the_secrets(desk)
        let_work(desk)

        assert is_opened_once(desk)


def test_a_fault_that_waits_for_an_answer_goes_on_once_the_account_that_asks_is_mended(
    shared_runtime: Runtime, twin: Twin
) -> None:
    desk = make_desk(shared_runtime, twin, covered=False, asks=True)  # whose account asks as somebody else
    twin.register({desk.serial: {"entitlements": [{"code": "NU", "starts_on": "2020-01-01", "ends_on": "2099-12-31"}]}})
    desk.report()
    let_work(desk)
    assert desk.fault().state is FaultState.ENTITLEMENT_CHECK
    assert desk.order(OrderKind.LOOK_UP).status is OrderStatus.PARKED
    with desk.session() as session:  # longer ago than anybody's patience
        session.get_one(Fault, desk.fault().id).reported_at -= timedelta(hours=1)
    desk.let_pass(3600)
    desk.perform(OrderKind.DECIDE_AGAIN)
    said = desk.open_tasks()[TaskKind.REVIEW]
    assert "could not answer. It said: dell: unauthorised" in said
    assert said.endswith("and it goes on by itself.")

    change(desk, desk.lookup_account_id, secrets=OAUTH)
    let_work(desk)

    assert is_opened_once(desk)


def test_a_coverage_that_names_an_account_is_claimed_there(shared_runtime: Runtime, twin: Twin) -> None:
    desk = Desk(shared_runtime, twin, covered=False)  # whose general account serves the maker
    add_account(desk, manufacturers=["Somebody who maintains it"])
    with desk.session() as session:
        asset = session.get_one(Asset, desk.asset_key())
        factories.make_coverage(
            session,
            asset,
            kind=CoverageKind.THIRD_PARTY_MAINTENANCE,
            covers=(Share.PARTS, Share.LABOUR),
            account=session.get_one(VendorAccount, desk.account_id),
        )
    desk.report()
    let_work(desk)

    assert desk.rma().account_id == desk.account_id
    assert is_opened_once(desk)
