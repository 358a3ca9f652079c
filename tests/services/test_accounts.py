"""Vendor accounts: which one serves a unit, and that neither quota nor a vendor in trouble is overrun."""

from __future__ import annotations

import multiprocessing
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import factories
from tests.desk import let_pass
from vendors.contract import Duty, Quota
from vendors.errors import Trouble, VendorError
from warranty import config, db
from warranty.crypto import SecretBox
from warranty.models import VendorAccount
from warranty.runtime import Runtime
from warranty.services import accounts
from warranty.services.accounts import AccountGate, Line
from warranty.services.estate import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = (Trouble.UNREACHABLE, Trouble.AMBIGUOUS)
PATIENT_S = 30.0
ANSWERED = (None, Trouble.THROTTLED, Trouble.REFUSED, Trouble.UNAUTHORISED, Trouble.MALFORMED)


@pytest.fixture
def shared_runtime(shared_runtime: Runtime) -> Runtime:
    """With a breaker that rests long enough to be looked at."""
    settings = replace(shared_runtime.settings, vendor_timeout_s=PATIENT_S, lease_s=2 * PATIENT_S)
    return replace(shared_runtime, settings=settings)


def make_account(runtime: Runtime, **facts: Any) -> VendorAccount:
    with runtime.database.begin(db.EVERYBODY) as session:
        return factories.make_account(session, runtime, **facts)


def gate_of(runtime: Runtime, account: VendorAccount) -> AccountGate:
    """Another worker's gate of the same account."""
    return AccountGate(runtime, account)


def wait_s(enter: Callable[[], None]) -> float:
    """How long the gate says to wait; 0 where it lets the call through."""
    try:
        enter()
    except VendorError as err:
        refused = err
    else:
        return 0.0
    assert refused.trouble is Trouble.THROTTLED
    assert refused.retry_after_s
    return refused.retry_after_s


def is_shut(gate: AccountGate) -> bool:
    return wait_s(gate.enter) > 0


# --- which account ---


def account(id_: int, duties: list[str], client_id: int | None = None) -> VendorAccount:
    return VendorAccount(id=id_, duties=duties, client_id=client_id)


def test_a_clients_own_account_comes_before_a_general_one_and_the_older_before_the_newer() -> None:
    general, own, newer = account(1, ["open"]), account(2, ["open"], client_id=7), account(3, ["open"], client_id=7)

    assert accounts.choose([newer, general, own], Duty.OPEN, 7) is own
    assert accounts.choose([newer, general, own], Duty.OPEN, 8) is general


def test_another_clients_account_and_another_duty_never_serve() -> None:
    theirs, asks = account(1, ["open"], client_id=8), account(2, ["lookup"])

    assert accounts.choose([theirs, asks], Duty.OPEN, 7) is None
    assert accounts.choose([theirs, asks], Duty.LOOKUP, 7) is asks


# --- what is taken ---


def test_what_is_missing_or_unknown_is_named(runtime: Runtime) -> None:
    for facts, field in (
        ({"vendor": "nobody"}, "vendor"),
        ({"secrets": {"username": "us"}}, "options"),
        ({"options": {"no_such_option": "x"}}, "options"),
        ({"base_url": None}, "options"),
        ({"duties": ["lookup"]}, "duties"),
        ({"duties": ["sing"]}, "duties"),
    ):
        with pytest.raises(Invalid) as caught:
            make_account(runtime, **facts)
        assert caught.value.field == field

    make_account(runtime, name="Ours")
    with pytest.raises(Invalid, match="already"):
        make_account(runtime, name="Ours")


def test_secrets_are_kept_sealed(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime, secrets={"username": "us", "password": "canary"})

    assert "canary" not in made.secrets
    assert shared_runtime.box.open(made.secrets) == {"username": "us", "password": "canary"}


def test_an_account_takes_no_longer_than_a_lease_allows(shared_runtime: Runtime) -> None:
    limit_s = PATIENT_S
    for asked, granted in (("3600", limit_s), ("1", 1.0)):
        made = make_account(shared_runtime, options={"timeout_seconds": asked})
        assert Line(shared_runtime, made).open()._http._timeout_s == granted


# --- the token ---


def test_a_token_is_kept_sealed_and_shared_between_workers(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime)
    expires_at = datetime(2030, 1, 1, tzinfo=UTC)
    ours, theirs = (accounts.Tokens(shared_runtime, made.id) for _ in range(2))
    assert ours.get() is None

    ours.put("canary-token", expires_at)
    assert theirs.get() == ("canary-token", expires_at)
    with shared_runtime.database.read(db.EVERYBODY) as session:
        assert "canary" not in (session.get_one(VendorAccount, made.id).tokens or "")

    lost = SecretBox(["L" * 43 + "="])
    assert accounts.Tokens(replace(shared_runtime, box=lost), made.id).get() is None  # it is asked for anew

    theirs.forget()
    assert ours.get() is None


# --- the breaker ---


def test_five_failures_in_a_row_rest_the_account_for_everybody(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime)
    for trouble in (*FAILED, *FAILED):
        gate = gate_of(shared_runtime, made)
        assert not is_shut(gate)
        gate.heard(trouble)
    assert not is_shut(gate_of(shared_runtime, made))

    gate_of(shared_runtime, made).heard(Trouble.UNREACHABLE)

    assert is_shut(gate_of(shared_runtime, made))
    let_pass(shared_runtime, PATIENT_S - 5)
    assert is_shut(gate_of(shared_runtime, made))


@pytest.mark.parametrize("answer", ANSWERED)
def test_an_answer_of_any_kind_forgets_the_failures_before_it(shared_runtime: Runtime, answer: Trouble | None) -> None:
    made = make_account(shared_runtime)
    for _ in range(accounts.BREAKER_FAILURES - 1):
        gate_of(shared_runtime, made).heard(Trouble.UNREACHABLE)
    gate = gate_of(shared_runtime, made)
    gate.enter()
    gate.heard(answer)
    for _ in range(accounts.BREAKER_FAILURES - 1):
        gate_of(shared_runtime, made).heard(Trouble.UNREACHABLE)

    assert not is_shut(gate_of(shared_runtime, made))


def test_after_the_rest_one_call_tries_and_the_others_wait_for_it(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime)
    for _ in range(accounts.BREAKER_FAILURES):
        gate_of(shared_runtime, made).heard(Trouble.UNREACHABLE)
    let_pass(shared_runtime, PATIENT_S)

    probe = gate_of(shared_runtime, made)
    assert not is_shut(probe)
    assert probe.is_probing
    assert not is_shut(probe)  # a read may be repeated
    assert is_shut(gate_of(shared_runtime, made))

    probe.heard(None)
    other = gate_of(shared_runtime, made)
    assert not is_shut(other)
    assert not other.is_probing


def test_a_try_that_fails_rests_the_account_again(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime)
    for _ in range(accounts.BREAKER_FAILURES):
        gate_of(shared_runtime, made).heard(Trouble.UNREACHABLE)
    let_pass(shared_runtime, PATIENT_S)
    probe = gate_of(shared_runtime, made)
    probe.enter()
    probe.heard(Trouble.UNREACHABLE)

    assert is_shut(gate_of(shared_runtime, made))


def test_a_vendor_that_goes_on_failing_is_tried_ever_more_seldom_and_not_for_ever(shared_runtime: Runtime) -> None:
    made, timeout_s = make_account(shared_runtime), shared_runtime.settings.vendor_timeout_s
    for _ in range(accounts.BREAKER_FAILURES):
        gate_of(shared_runtime, made).heard(Trouble.UNREACHABLE)

    for calls in (1, 2, 4, 8, 8, 8):
        let_pass(shared_runtime, timeout_s * calls - 2)
        assert is_shut(gate_of(shared_runtime, made)), calls
        let_pass(shared_runtime, 3)
        probe = gate_of(shared_runtime, made)
        probe.enter()
        probe.heard(Trouble.UNREACHABLE)


def test_a_try_that_died_is_followed_by_another(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime)
    for _ in range(accounts.BREAKER_FAILURES):
        gate_of(shared_runtime, made).heard(Trouble.UNREACHABLE)
    let_pass(shared_runtime, PATIENT_S)
    gate_of(shared_runtime, made).enter()  # and nobody ever hears of it
    assert is_shut(gate_of(shared_runtime, made))

    let_pass(shared_runtime, PATIENT_S)

    assert not is_shut(gate_of(shared_runtime, made))


# --- what an account can do ---


def test_what_an_account_can_do_follows_what_was_changed_about_it(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime)
    assert accounts.capabilities(shared_runtime, made).reads_notes

    with shared_runtime.database.begin(db.EVERYBODY) as session:
        row = session.get_one(VendorAccount, made.id)
        accounts.change(session, shared_runtime, row, because=factories.BECAUSE, options={"read_comments": "false"})

        assert not accounts.capabilities(shared_runtime, row).reads_notes


# --- the bucket ---

START = datetime(2026, 1, 1, tzinfo=UTC)


QUOTAS = st.builds(Quota, st.integers(min_value=1, max_value=200), st.floats(min_value=0.5, max_value=3600))


@given(
    quotas=st.lists(QUOTAS, min_size=1, max_size=2),
    patience=st.sampled_from([0.0, 0.3]),
    gaps=st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=300),
)
def test_no_window_ever_holds_more_calls_than_a_quota(quotas: list[Quota], patience: float, gaps: list[float]) -> None:
    row, now, begun = VendorAccount(bucket_level=0.0, bucket_at=None), START, []
    for gap in gaps:
        now += timedelta(seconds=gap * quotas[0].per_s / 20)
        wait_s = bucket_wait_s(row, quotas, now, patience_s=patience * quotas[0].per_s)
        if wait_s is not None:
            begun.append(now + timedelta(seconds=wait_s))

    assert begun == sorted(begun)
    for quota in quotas:
        window = timedelta(seconds=quota.per_s)
        assert all(later - first >= window for first, later in zip(begun, begun[quota.calls :], strict=False))


def bucket_wait_s(row: VendorAccount, quotas: list[Quota], now: datetime, *, patience_s: float = 0.0) -> float | None:
    """How long a call that is taken has to wait; null where none is."""
    gate = AccountGate.__new__(AccountGate)  # the bucket alone, without a database
    gate._vendor, gate.quotas, gate._patience_s = "acme", quotas, patience_s
    try:
        return gate._take(row, now)
    except VendorError:
        return None


@given(quota=QUOTAS)
def test_what_keeps_the_quota_costs_a_twelfth_of_it_at_most(quota: Quota) -> None:
    row, began = VendorAccount(bucket_level=0.0, bucket_at=None), START
    last_s = 0.0
    for _ in range(4 * quota.calls):  # each asks as soon as the one before it has begun
        waited_s = bucket_wait_s(row, [quota], began + timedelta(seconds=last_s), patience_s=quota.per_s * 2)
        assert waited_s is not None
        last_s += waited_s

    assert last_s <= 4 * quota.per_s * 12 / 11


@given(quota=QUOTAS)
def test_who_comes_back_when_told_to_is_let_in(quota: Quota) -> None:
    row, now = VendorAccount(bucket_level=0.0, bucket_at=None), START
    for _ in range(3 * quota.calls):
        gate = AccountGate.__new__(AccountGate)
        gate._vendor, gate.quotas, gate._patience_s = "acme", [quota], 0.0
        if told_s := wait_s(lambda gate=gate, at=now: gate._take(row, at)):
            now += timedelta(seconds=told_s, microseconds=1)
            assert bucket_wait_s(row, [quota], now) == 0


def test_four_processes_take_what_one_could(environment: dict[str, str], runtime: Runtime) -> None:
    made = make_account(runtime, options={"quota": "40/day"})  # two at once, the others by and by
    context = multiprocessing.get_context("forkserver")  # which imports the product once for all
    context.set_forkserver_preload([__name__])
    with context.Pool(4) as processes:
        granted = processes.starmap(calls_granted, [(environment, made.id)] * 4)

    assert sum(granted) == 2


def calls_granted(environment: dict[str, str], account_id: int) -> int:
    """How many of six tries the gate lets through, in a process of its own."""
    theirs = Runtime.of(config.load(environment))
    with theirs.database.read(db.EVERYBODY) as session:
        line = Line(theirs, session.get_one(VendorAccount, account_id))
    line.open()
    return sum(not is_shut(line.gate) for _ in range(6))


def test_the_stricter_of_two_quotas_counts(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime, options={"quota": "40/day"})
    line = Line(shared_runtime, made)
    line.open()
    assert line.gate.quotas == [Quota(40, 86_400.0)]

    line.gate.quotas = [Quota(10, 1.0), Quota(40, 86_400.0)]
    assert [is_shut(line.gate) for _ in range(2)] == [False, True]


# --- what the vendor asks for ---


@pytest.mark.parametrize("trouble", [Trouble.THROTTLED, Trouble.UNREACHABLE])
def test_a_vendor_that_names_a_time_is_left_alone_by_every_worker(shared_runtime: Runtime, trouble: Trouble) -> None:
    made = make_account(shared_runtime)
    ours, theirs = gate_of(shared_runtime, made), gate_of(shared_runtime, made)
    ours.enter()
    theirs.enter()
    ours.heard(trouble, 20.0)
    theirs.heard(None)  # an answer that was under way changes nothing of it

    assert 10 < wait_s(gate_of(shared_runtime, made).enter) <= 20
    let_pass(shared_runtime, 20)
    assert not is_shut(gate_of(shared_runtime, made))


def test_who_waits_for_its_call_hears_that_the_account_was_sent_away_meanwhile(shared_runtime: Runtime) -> None:
    made = make_account(shared_runtime)
    patient = AccountGate(shared_runtime, made, patience_s=60.0)
    patient.quotas = [Quota(4, 1.0)]
    patient.enter()
    closes = threading.Timer(0.0, lambda: gate_of(shared_runtime, made).heard(Trouble.THROTTLED, 20.0))
    closes.start()

    assert wait_s(patient.enter) > 10
    closes.join()
