"""Ask a vendor what covers some units, keep the answers as coverages, and repeat the decisions that waited for them.

A worker that has an account at hand goes on with whatever look-ups are due for it: a few threads call and keep, so that
neither waits for the other and the pace is the vendor's quota. Each order is claimed, kept and ended by
itself: whatever breaks off, only what was not answered is asked for again. A look-up changes nothing at the vendor.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from vendors.contract import Answer, ComeBack, Unit
from vendors.errors import Trouble, VendorError
from warranty import db, logs
from warranty.domain.lifecycles import FaultState
from warranty.models import Fault, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import accounts, casefile, entitlements, faults, following, work
from warranty.services.moves import Because
from warranty.tasks import write_down

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from vendors.contract import Listed, NotListed
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order

CALLERS = 8
"""Threads that call and keep: enough that some wait for their turn at the vendor while others wait for the disk."""

PATIENCE_S = 1.0
"""How long a caller waits for the account's next call; what comes later is for another worker, later."""

SWITCH_S = 0.0005
"""How long a thread that keeps answers goes on while another's turn at the vendor has come: that one is not to be late."""

PART_OF_CALLS = 0.6
"""Of the time that one piece of background work may take: after it no more calls begin."""

PART_OF_ALL = 0.9
"""After it, who has not answered yet is not waited for."""


@dataclass(slots=True)
class _Batch:
    """One order on its way: what to ask, and what came of it."""

    order: Order
    units: dict[Unit, list[int]]
    answers: list[Answer] = field(default_factory=list)
    trouble: VendorError | None = None
    ran_out_of_time: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for it; else it keeps known things fresh, and what it does not learn grows old by itself."""
        return self.order.fault_id is not None or "run" in self.order.payload


def run(runtime: Runtime, order: Order) -> None:
    """Do one order, and then whatever else is due for its account."""
    with runtime.database.read(db.EVERYBODY) as session:
        account = session.get_one(VendorAccount, order.account_id)
        first = _load(session, order)
        has_more = work.is_waiting(session, OrderKind.LOOK_UP, account.id)
    turn = _Turn(runtime, account, order.claimed)
    line = turn.new_line()
    turn.call(line, first)  # alone: one token is enough for all, and one refusal
    turn.go_on(line, first, callers=CALLERS if has_more and first.trouble is None else 1)


def _load(session: Session, order: Order) -> _Batch:
    return _Batch(order, casefile.vendor_units(session, order.payload["assets"]))


class _Turn:
    """One worker's turn at one account."""

    def __init__(self, runtime: Runtime, account: VendorAccount, began: float) -> None:
        self._runtime = runtime
        self._account = account
        budget_s = runtime.settings.job_timeout_s
        self._calls_until = began + PART_OF_CALLS * budget_s
        self._all_until = began + PART_OF_ALL * budget_s
        self._is_over = False
        self._under_way: dict[int, _Batch] = {}
        # SQLite has one writer, and who waits for it there looks now and then; here the next one goes at once.
        self._writing = threading.Lock() if runtime.database.is_sqlite else nullcontext()

    def new_line(self) -> Line:
        """A line to the account; each caller has one of its own."""
        return accounts.Line(self._runtime, self._account, patience_s=PATIENCE_S)

    def go_on(self, line: Line, first: _Batch, *, callers: int) -> None:
        """Keep what was asked first, and do what else is due until there is none, others wait for a worker, or time is up.

        Raises:
            Exception: what a batch broke off with; it is on record, and the others were brought to their end.
        """
        if callers == 1:
            self._work_off(line, first)
            return
        pool = ThreadPoolExecutor(callers - 1, thread_name_prefix="look_up")
        usual_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            others = [pool.submit(self._work_off, self.new_line()) for _ in range(callers - 1)]
            self._work_off(line, first)
            done, late = wait(others, max(0.0, self._all_until - time.monotonic()))
            if late:
                self._leave()
            for other in done:
                other.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            sys.setswitchinterval(usual_s)

    def _work_off(self, line: Line, answered: _Batch | None = None) -> None:
        """Keep and call, again and again: what one thread does."""
        me, batch = threading.get_ident(), answered
        try:
            if batch is None:
                with self._writing, self._runtime.database.begin(db.EVERYBODY) as session:
                    batch = self._next(session)
            else:
                batch = self.keep(line, batch)
            while batch is not None:
                self._under_way[me] = batch
                self.call(line, batch)
                batch = self.keep(line, batch)
        except Exception as err:
            self._is_over = True
            if batch is not None:
                write_down(self._runtime, batch.order, err)
            raise
        finally:
            self._under_way.pop(me, None)

    def _next(self, session: Session) -> _Batch | None:
        if self._is_over or time.monotonic() > self._calls_until:
            return None
        if work.is_crowded(session, OrderKind.LOOK_UP, self._account.id):
            self._is_over = True
            return None
        lease_s = self._runtime.settings.lease_s
        order = work.claim_next(session, OrderKind.LOOK_UP, self._account.id, lease_s=lease_s)
        if order is None:
            return None
        logs.begin(**order.names)
        return _load(session, order)

    def _leave(self) -> None:
        """Give back what is not answered yet; should the answer come all the same, it is asked for once more."""
        with self._runtime.database.begin(db.EVERYBODY) as session:
            for batch in list(self._under_way.values()):
                work.release(session, batch.order, after_s=0.0, error="It took longer than one turn.")

    def call(self, line: Line, batch: _Batch) -> None:
        """Ask. What was answered before a trouble is good; what there is no time for is left."""
        try:
            adapter = line.open()
            for answer in adapter.look_up(list(batch.units), handle=batch.order.payload.get("handle")):
                batch.answers.append(answer)
                is_between_calls = len(batch.answers) % adapter.capabilities.batch_size == 0
                if is_between_calls and time.monotonic() > self._calls_until:
                    batch.ran_out_of_time = True
                    return
        except VendorError as err:
            batch.trouble = err

    # --- what came of it ---

    def keep(self, line: Line, batch: _Batch) -> _Batch | None:
        """Keep the answers, end the order or give back what is left of it, and take the next; then decide what waited."""
        with self._writing, self._runtime.database.begin(db.EVERYBODY) as session:
            line.keep_calls(session, fault_id=batch.order.fault_id)
            waiting = self._record(session, batch) if work.is_ours(session, batch.order) else []
            after = self._next(session)
        for fault_id in waiting:
            with self._runtime.database.begin(db.EVERYBODY) as session:
                why = f"{self._account.name} answered."
                faults.decide_again(session, self._runtime, fault_id, now=db.now(session), why=why)
        return after

    def _record(self, session: Session, batch: _Batch) -> list[int]:
        """Write down what came of a batch; the faults of its units that wait for an answer which somebody else asked for."""
        order, trouble, now = batch.order, batch.trouble, db.now(session)
        answered, put_off, left = _sort(batch)
        failed = entitlements.keep(session, answered, account=self._account, now=now)
        because = Because(f"vendor:{self._account.id}", f"{self._account.name} answered.", now)
        following.compare(session, answered.keys() - failed.keys(), because)
        rest = {name: value for name, value in order.payload.items() if name != "handle"}
        rest |= {"assets": left, "failed": order.payload.get("failed", 0) + len(failed)}
        if put_off is not None:
            come_back, ids = put_off
            payload = rest | {"assets": ids, "handle": come_back.handle}
            work.come_back(session, order, after_s=come_back.after_s, payload=payload)
            if left:
                work.add(session, OrderKind.LOOK_UP, now=now, account_id=order.account_id, payload=rest | {"failed": 0})
        elif batch.ran_out_of_time and left:
            work.release(session, order, after_s=0.0, payload=rest)
        elif trouble is not None and trouble.trouble is Trouble.THROTTLED:
            self._wait(session, order, trouble, rest)
        else:
            self._end(session, batch, rest, now)
        return self._waiting(session, answered, order)

    def _wait(self, session: Session, order: Order, trouble: VendorError, rest: dict[str, Any]) -> None:
        """Let everything of the account wait until the vendor, or the gate, takes calls again."""
        after_s = trouble.retry_after_s or 1.0
        self._is_over = True
        work.release(session, order, after_s=after_s, error=str(trouble), payload=rest)
        work.put_off(session, OrderKind.LOOK_UP, self._account.id, after_s=after_s)

    def _end(self, session: Session, batch: _Batch, rest: dict[str, Any], now: datetime) -> None:
        order, trouble, left = batch.order, batch.trouble, rest["assets"]
        said = "The vendor left this unit out of its answer." if trouble is None else str(trouble)
        if batch.is_wanted or trouble is None:
            entitlements.keep_failures(session, dict.fromkeys(left, said), now=now)
        if trouble is None:
            done = rest | {"assets": [], "failed": rest["failed"] + len(left)}
            work.end(session, order, OrderStatus.DONE, payload=done)
        elif trouble.trouble in {Trouble.REFUSED, Trouble.UNAUTHORISED}:
            work.end(session, order, OrderStatus.PARKED, error=said, payload=rest)
            if trouble.trouble is Trouble.UNAUTHORISED or trouble.vendor_code == accounts.SWITCHED_OFF:
                self._is_over = True
                work.park_rest(session, OrderKind.LOOK_UP, self._account.id, error=said)
        elif order.is_spent:  # whoever waits for it has had the review item since the patience ended
            work.end(session, order, OrderStatus.DEAD, error=said, payload=rest)
        else:
            self._is_over = self._is_over or trouble.trouble is Trouble.UNREACHABLE
            after_s = trouble.retry_after_s or work.back_off_s(order.failures, self._runtime.settings.retry_s)
            work.release(session, order, after_s=after_s, error=said, failed=True, payload=rest)
        if order.fault_id is not None:
            name = self._account.name
            why = f"{name} answered." if trouble is None else f"{name} did not answer: {trouble}"
            faults.decide_again(session, self._runtime, order.fault_id, now=now, why=why)

    def _waiting(self, session: Session, answered: Mapping[int, Any], order: Order) -> list[int]:
        waits = select(Fault.id).where(Fault.asset_id.in_(answered), Fault.state == FaultState.ENTITLEMENT_CHECK)
        return [id_ for id_ in session.scalars(waits) if id_ != order.fault_id] if answered else []


def _sort(
    batch: _Batch,
) -> tuple[dict[int, Listed | NotListed], tuple[ComeBack, list[int]] | None, list[int]]:
    """The answers by our units, what the vendor wants to be asked again and about which, and the units without an answer."""
    left = dict(batch.units)
    answered: dict[int, Listed | NotListed] = {}
    put_off: tuple[ComeBack, list[int]] | None = None
    for answer in batch.answers:
        if not isinstance(answer, ComeBack):
            answered |= dict.fromkeys(left.pop(answer.unit, ()), answer)
        elif put_off is None:  # one order comes back with one handle
            put_off = answer, [id_ for unit in answer.units for id_ in left.pop(unit, ())]
    return answered, put_off, [id_ for ids in left.values() for id_ in ids]
