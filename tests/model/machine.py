"""What may happen to the product, in any order, and what must hold after each step of it."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from tests.model.vendor import WORLDS, Answer, World
from tests.model.worker import Clock, Fate, Worker
from vendors.contract import Promise, VendorStatus
from warranty import db, queue, relay, tasks
from warranty.domain import lifecycles
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import FaultState, RmaState
from warranty.models import AdHocJob, AuditRow, Fault, HumanTask, Outbox, Rma, Shipment, Sighting, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import deliveries, moves, rmas
from warranty.services.moves import Because

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.desk import Desk
    from warranty.runtime import Runtime

TIMEOUT_S, LEASE_S, SETTLE_S, KEY_S = 100.0, 300.0, 1000.0, 4000.0
"""Of the product and the vendor. A test takes a second or two of real time, which these make nothing of."""

MOMENT_S, PAST_TIMEOUT_S, PAST_LEASE_S, PAST_SETTLE_S = 20.0, 150.0, LEASE_S + 50.0, SETTLE_S + 50.0
NEARLY_KEY_S = KEY_S - 100.0
STEPS_S = (MOMENT_S, PAST_TIMEOUT_S, PAST_LEASE_S, 600.0, PAST_SETTLE_S, NEARLY_KEY_S)
HANDS = 2
TO_ITS_END = 50
BAYS = ("bay 1", "bay 2")
WORDS = (
    VendorStatus.UNDER_REVIEW,
    VendorStatus.INFO_REQUIRED,
    VendorStatus.APPROVED,
    VendorStatus.DENIED,
    VendorStatus.CANCELLED,
)
FOR_WORKERS = frozenset({OrderKind.SEND_RMA, OrderKind.READ_CASES, OrderKind.APPLY_DELIVERY})
"""What a test holds the workers over. All else is done at once."""

ANSWERED = frozenset({RmaState.UNDER_REVIEW, RmaState.INFO_REQUIRED, RmaState.AUTHORIZED, RmaState.DENIED})
FOR_PERSON = frozenset({RmaState.DRAFT, RmaState.SUBMIT_FAILED, RmaState.MANUAL_HANDLING})

some = st.integers(0, 5)
"""Which one, of however many there are."""
stops = st.sampled_from([*[TO_ITS_END] * 8, 2, 2, *range(1, 7)])
"""Most dangerous is the second: the mark is committed, and the request has not left."""
fates = st.sampled_from([*[Fate.NONE] * 4, *Fate])
answers = st.sampled_from([Answer.TAKEN_UNSAID, Answer.LATE, *Answer])


class Sending(RuleBasedStateMachine):
    """One unit, one vendor, two workers: what can happen to a claim on its way. A subclass names the database."""

    runtime: ClassVar[Runtime]
    desk: ClassVar[Desk]
    clock: ClassVar[Clock]
    renew: ClassVar[Any]
    promises: ClassVar[tuple[Promise, ...]] = (Promise.A, Promise.B, Promise.C)
    lies: ClassVar[dict[str, Any]] = {}
    """What is not true of the vendor that the product is told of."""
    notices_sleep: ClassVar[bool] = True
    """Whether a worker's own clock goes on while it stands still."""
    opened: ClassVar[int] = 0
    """How many cases the vendors of all lives have come to hold."""
    rests: ClassVar[bool] = True
    """Whether each life ends at rest."""

    def __init__(self) -> None:
        """Start with a database that knows the unit and the vendor, and nothing else."""
        super().__init__()
        self.renew()
        self.connection = queue.connect(self.runtime.settings.redis_url)
        self.connection.flushdb()
        self.queued: list[int] = []
        self.hands: list[Worker | None] = [None] * HANDS
        self.told: list[bytes] = []
        self.acknowledged: set[str] = set()
        self.taken_over: set[str] = set()

    @initialize(
        promise=st.sampled_from(Promise),
        late_s=st.sampled_from([0.5, 700.0, 990.0]),
        lag_s=st.sampled_from([0.0, 200.0]),
    )
    def a_vendor(self, promise: Promise, late_s: float, lag_s: float) -> None:
        if promise not in self.promises:
            promise = self.promises[0]
        given = {
            "settle_s": SETTLE_S,
            "key_lifetime_s": KEY_S,
            "late_s": late_s,
            "lag_s": min(lag_s, SETTLE_S - late_s - 5.0),
        }
        self.world = World(promise, **given | self.lies, watch=self.is_marked)
        WORLDS["the only one"] = self.world
        self.somebody_reports(BAYS[0])

    # --- what happens ---

    @precondition(lambda self: len(self.acknowledged) < 3)
    @rule(bay=st.sampled_from(BAYS))
    def somebody_reports(self, bay: str) -> None:
        self.acknowledged.add(self.desk.report(component_ref=bay).fault.reference)

    def the_relay_looks(self) -> None:
        """Hand what is due over to the workers."""
        relay.turn(self.runtime, self.connection)
        waiting = queue.work_queue(self.connection)
        for job in waiting.jobs:
            (order_id,) = job.args
            if self.order(order_id).kind in FOR_WORKERS:
                self.queued.append(order_id)
            else:
                tasks.perform(self.runtime, order_id)
            job.delete()

    @precondition(lambda self: None in self.hands)
    @rule(which=some, is_kept=st.booleans(), stops=stops, answer=answers, fate=fates)
    def a_worker_begins(self, *, which: int, is_kept: bool, stops: int, answer: Answer, fate: Fate) -> None:
        self.the_relay_looks()
        if not self.queued:
            return
        place = which % len(self.queued)
        order_id = self.queued[place] if is_kept else self.queued.pop(place)
        hand = self.hands.index(None)
        self.hands[hand] = Worker(self.runtime, order_id)
        self.run(hand, stops, answer, fate)

    @precondition(lambda self: any(self.hands))
    @rule(which=some, stops=stops, answer=answers, fate=fates)
    def a_worker_goes_on(self, which: int, stops: int, answer: Answer, fate: Fate) -> None:
        self.run(self.busy(which), stops, answer, fate)

    @precondition(lambda self: any(self.hands))
    @rule(which=some)
    def a_worker_is_killed(self, which: int) -> None:
        hand = self.busy(which)
        self.held(hand).kill()
        self.hands[hand] = None

    @rule(seconds=st.sampled_from([PAST_SETTLE_S, PAST_LEASE_S, *STEPS_S]))
    def time_passes(self, seconds: float) -> None:
        self.desk.let_pass(seconds)
        if self.notices_sleep:
            self.clock.let_pass(seconds)
        self.world.let_pass(seconds)

    @precondition(lambda self: any(self.hands) and None in self.hands)
    @rule(which=some, stops=stops, answer=answers)
    def a_worker_stands_until_another_takes_over(self, *, which: int, stops: int, answer: Answer) -> None:
        """What a lease is for: they work on one order, and the first does not know."""
        hand = self.busy(which)
        self.time_passes(PAST_LEASE_S)
        self.the_relay_looks()
        order_id = self.held(hand).order_id
        if order_id in self.queued:
            place = self.queued.index(order_id)
            self.a_worker_begins(which=place, is_kept=False, stops=stops, answer=answer, fate=Fate.NONE)
        self.run(hand, TO_ITS_END, answer, Fate.NONE)

    # --- how it is done ---

    def busy(self, which: int) -> int:
        """One of the hands that have something to do."""
        found = [hand for hand, worker in enumerate(self.hands) if worker is not None]
        return found[which % len(found)]

    def held(self, hand: int) -> Worker:
        """Who is there."""
        worker = self.hands[hand]
        assert worker is not None
        return worker

    def run(self, hand: int, stops: int, answer: Answer, fate: Fate) -> None:
        """Let a worker pass so many stops; its request, if it sends one, is answered so, and its next commit has that fate."""
        self.world.next_answer = answer
        worker = self.held(hand)
        for _ in range(stops):
            self.go_on(worker, fate)
            fate = Fate.NONE
            if worker.stands_at is None:
                self.hands[hand] = None
                break

    def case(self, which: int) -> str:
        """One of the vendor's cases."""
        numbers = sorted(self.world.words)
        return numbers[which % len(numbers)]

    def transition(self, which: int, to: RmaState, **numbers: str) -> None:
        """Ask for a move, as a person does; one that is refused changes nothing."""
        claims = self.rmas()
        if not claims:
            return
        with suppress(moves.IllegalMove), self.desk.session() as session:
            rma = session.get_one(Rma, claims[which % len(claims)].id)
            rmas.transition(session, self.runtime, OPERATOR, rma, to, reason="so", now=db.now(session), **numbers)
            if to is RmaState.MANUAL_HANDLING:
                self.taken_over.add(rma.client_reference)

    def mend_account(self) -> None:
        """Let the vendor know us, and what was parked for that go on."""
        self.world.accepts_us = True
        with self.desk.session() as session:
            account = session.get_one(VendorAccount, self.desk.account_id)
            rmas.go_on(session, account, Because("user:1", "mended", db.now(session)))

    def go_on(self, worker: Worker, fate: Fate) -> None:
        """One stretch of a worker; of what somebody else has taken over, or is done, it neither sends nor writes anything."""
        tokens = self.tokens()
        lost = {order_id for order_id, token in worker.holds.items() if tokens.get(order_id) != token}
        before, sent = self.written(lost), Counter(self.world.requests)
        worker.go_on(fate)
        assert self.written(lost) == before, "somebody who was overtaken has written something"
        sent = Counter(self.world.requests) - sent
        assert sent.keys().isdisjoint(self.references(lost)), "somebody who was overtaken has sent something"
        worker.holds |= {key: token for key, token in self.tokens().items() if token > tokens.get(key, 0)}

    def tokens(self) -> dict[int, int]:
        """Of each order that is not over, how often it was claimed."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return {order.id: order.token for order in session.scalars(select(Outbox).where(PENDING))}

    def references(self, order_ids: set[int]) -> set[str]:
        """Whose claims some orders send."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            claims = select(Rma.client_reference).join(Outbox, Outbox.rma_id == Rma.id)
            return set(session.scalars(claims.where(Outbox.id.in_(order_ids))))

    def is_marked(self, reference: str) -> None:
        """That a request was about to leave is known before it does."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            orders = select(Outbox).join(Rma, Rma.id == Outbox.rma_id).where(Rma.client_reference == reference)
            marks = [order.last_send for order in session.scalars(orders.where(Outbox.kind == OrderKind.SEND_RMA))]
        assert any(marks), f"{reference} was sent without a mark"

    def order(self, order_id: int) -> Outbox:
        """A work order as it stands."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return session.get_one(Outbox, order_id)

    def rmas(self) -> list[Rma]:
        """The claims, oldest first."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return list(session.scalars(select(Rma).order_by(Rma.id)))

    def written(self, order_ids: set[int]) -> list[Any]:
        """All that a worker may write for some orders, but for what is kept of every call: to their cases, or (of no case) to any."""
        if any(self.order(order_id).fault_id is None for order_id in order_ids):
            faults = select(Fault.id)
        else:
            faults = select(Outbox.fault_id).where(Outbox.id.in_(order_ids))
        rmas = select(Rma.id).where(Rma.fault_id.in_(faults))
        of_case: dict[Any, Any] = {Fault: Fault.id.in_(faults), Shipment: Shipment.rma_id.in_(rmas)}
        of_case |= {table: table.fault_id.in_(faults) for table in (Rma, HumanTask, AdHocJob, AuditRow)}
        of_case[Outbox] = Outbox.fault_id.in_(faults) | Outbox.id.in_(order_ids)
        with self.runtime.database.read(db.EVERYBODY) as session:
            return [
                session.execute(select(*table.__table__.columns).where(which).order_by(table.id)).all()
                for table, which in of_case.items()
            ]

    # --- what must hold ---

    @invariant()
    def no_claim_is_opened_twice(self) -> None:
        twice = [reference for reference, cases in self.world.per_reference().items() if cases > 1]
        assert twice == [], f"opened twice: {twice}"

    @invariant()
    def the_records_agree(self) -> None:
        with self.runtime.database.read(db.EVERYBODY) as session:
            self.check_routes(session)
            self.check_claims(session)
            self.check_moves(session)

    def check_routes(self, session: Session) -> None:
        """Each acknowledged fault is on exactly one route."""
        faults = {fault.reference: fault for fault in session.scalars(select(Fault))}
        assert set(faults) == self.acknowledged
        claims, work = session.scalars(select(Rma)).all(), session.scalars(select(AdHocJob)).all()
        deciding = set(session.scalars(select(Outbox.fault_id).where(Outbox.kind == OrderKind.DECIDE_AGAIN, PENDING)))
        reviewed = set(session.scalars(select(HumanTask.fault_id).where(HumanTask.resolved_at.is_(None))))
        for fault in faults.values():
            live = [rma for rma in claims if rma.fault_id == fault.id and rma.state not in lifecycles.RMA_OVER]
            undenied = [rma for rma in live if rma.state is not RmaState.DENIED]
            unended = [job for job in work if job.fault_id == fault.id and job.state not in lifecycles.JOB_OVER]
            match fault.state:
                case FaultState.RMA_OPEN:
                    assert len(undenied) == 1, f"{fault.reference} has {len(undenied)} claims"
                case FaultState.AD_HOC_OPEN:
                    assert (undenied, len(unended)) == ([], 1), f"{fault.reference} has {len(unended)} jobs"
                case FaultState.ENTITLEMENT_CHECK:
                    assert (undenied, unended, fault.id in deciding) == ([], [], True), (
                        f"{fault.reference} waits for nobody"
                    )
                case FaultState.NEEDS_REVIEW:
                    assert (undenied, unended, fault.id in reviewed) == ([], [], True), (
                        f"{fault.reference} waits for nobody"
                    )
                case FaultState.DUPLICATE:
                    assert (live, fault.duplicate_of_id is not None) == ([], True)
                case _:
                    raise AssertionError(f"{fault.reference} is {fault.state}")

    def check_claims(self, session: Session) -> None:
        """No two open claims are of one component; a claim that is being sent has an order that lives."""
        claims = session.scalars(select(Rma)).all()
        holding = Counter((rma.asset_id, rma.component, rma.component_ref) for rma in claims if rma.is_open)
        assert max(holding.values(), default=1) == 1
        orders = session.scalars(select(Outbox).where(Outbox.kind == OrderKind.SEND_RMA)).all()
        asked = set(session.scalars(select(HumanTask.rma_id).where(HumanTask.resolved_at.is_(None))))
        for rma in claims:
            ours = [order.status for order in orders if order.rma_id == rma.id]
            lives = OrderStatus.PENDING in ours or (OrderStatus.PARKED in ours and rma.id in asked)
            if rma.state in lifecycles.RMA_BEING_SENT:
                assert lives, f"{rma.client_reference} is {rma.state}, and nobody sends it: {ours}"
            if rma.state in FOR_PERSON and rma.client_reference not in self.taken_over:
                assert rma.id in asked, f"{rma.client_reference} is {rma.state}, and nobody is asked"

    def check_moves(self, session: Session) -> None:
        """Each record went from state to state as the life cycle has it, and stands where its last move led."""
        stand = {("rma", rma.id): rma.state for rma in session.scalars(select(Rma))}
        stand |= {("fault", fault.id): fault.state for fault in session.scalars(select(Fault))}
        tables: dict[str, Any] = {"rma": lifecycles.RMA_MOVES, "fault": lifecycles.FAULT_MOVES}
        was: dict[tuple[str, int], str | None] = {}
        rows = (
            select(AuditRow).where(AuditRow.record.in_(tables), AuditRow.new_state.is_not(None)).order_by(AuditRow.id)
        )
        for row in session.scalars(rows):
            key = (row.record, row.record_id)
            assert row.old_state == was.get(key), f"{key} was {was.get(key)} and moved from {row.old_state}"
            assert row.old_state is None or row.new_state in tables[row.record][row.old_state]
            was[key] = row.new_state
        assert was == {key: str(state) for key, state in stand.items()}

    # --- the end ---

    def teardown(self) -> None:
        """Let everything come to rest, where nothing has failed so far."""
        try:
            if self.rests and sys.exc_info()[0] is None:
                self.come_to_rest()
                self.nothing_is_lost()
        finally:
            for worker in filter(None, self.hands):
                worker.kill()
            self.connection.close()
            type(self).opened += len(self.world.words)
            WORLDS.clear()

    def come_to_rest(self) -> None:
        """All are well from now on, and time passes until nothing is left to do but to ask where open cases stand."""
        for hand, worker in enumerate(self.hands):
            while worker is not None and worker.stands_at is not None:
                self.go_on(worker, Fate.NONE)
            self.hands[hand] = None
        self.world.next_answer, self.world.reads = Answer.TAKEN, True
        self.mend_account()
        for _ in range(60):
            self.the_relay_looks()
            for order_id in self.queued:
                with suppress(Exception):
                    tasks.perform(self.runtime, order_id)
            self.queued.clear()
            self.no_claim_is_opened_twice()
            if self.world.is_at_rest and not self.unfinished():
                break
            self.time_passes(PAST_LEASE_S)
        assert self.unfinished() == []
        self.the_records_agree()

    def unfinished(self) -> list[str]:
        """What waits for a worker."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            orders = select(Outbox).where(PENDING, Outbox.kind != OrderKind.READ_CASES)
            return [f"{order.kind} {order.id}: {order.error}" for order in session.scalars(orders)]

    def nothing_is_lost(self) -> None:
        """Each claim has its case, or a person has the claim; each case is known."""
        held = self.world.per_reference()
        with self.runtime.database.read(db.EVERYBODY) as session:
            seen = set(session.scalars(select(Sighting.vendor_case_number)))
            for rma in session.scalars(select(Rma)):
                assert rma.state in ANSWERED | FOR_PERSON | lifecycles.RMA_OVER, (
                    f"{rma.client_reference} is {rma.state}"
                )
                if rma.state in ANSWERED:
                    assert held.get(rma.client_reference) == 1, f"{rma.client_reference} has no case"
                    assert rma.vendor_case_number in seen


class Life(Sending):
    """All that may happen."""

    @rule()
    def the_queue_is_emptied(self) -> None:
        self.queued.clear()
        self.connection.flushdb()

    @rule(reads=st.booleans())
    def the_vendors_search_is(self, *, reads: bool) -> None:
        self.world.reads = reads

    @precondition(lambda self: self.world.words)
    @rule(which=some, status=st.sampled_from(WORDS))
    def the_vendor_decides(self, which: int, status: VendorStatus) -> None:
        number = self.case(which)
        self.world.decide(number, status)
        self.told.append(self.world.say(number).as_message())

    @precondition(lambda self: self.told)
    @rule(which=some, comes_again=st.booleans())
    def a_message_comes(self, *, which: int, comes_again: bool) -> None:
        place = which % len(self.told)
        raw = self.told[place] if comes_again else self.told.pop(place)
        with self.desk.session() as session:
            account = session.get_one(VendorAccount, self.desk.account_id)
            deliveries.keep(session, account, raw, now=db.now(session))

    @rule(accepts_us=st.booleans())
    def the_account_is(self, *, accepts_us: bool) -> None:
        if accepts_us:
            self.mend_account()
        else:
            self.world.accepts_us = False

    @rule(which=some, to=st.sampled_from([RmaState.MANUAL_HANDLING, RmaState.SUBMITTED, RmaState.CANCELLED]))
    def a_person_moves(self, which: int, to: RmaState) -> None:
        self.transition(which, to)

    @rule(which=some)
    def a_person_finds_the_case(self, which: int) -> None:
        claims = self.rmas()
        found = self.world.search(claims[which % len(claims)].client_reference) if claims else []
        if found:
            self.transition(which, RmaState.UNDER_REVIEW, vendor_case_number=found[0].number)


PENDING = Outbox.status == OrderStatus.PENDING
