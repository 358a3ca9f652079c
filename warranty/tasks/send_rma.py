"""Open Rmas at their vendor. Source: reliability.md, section 3.2, steps 3 to 8.

From the claim of an order to what came of it: what may have arrived is searched for; the order is marked, and beside it what
else is due for the account; each request leaves, and its answer is on record before the next one does.
"""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from vendors.contract import Capabilities, Promise, RmaRequest, VendorAdapter, VendorCase, VendorStatus
from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.db import DatabaseUnavailable
from warranty.domain import lifecycles
from warranty.models import Rma, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import accounts, files, inputs, proposals, rmas, work
from warranty.services.rmas import Held, Sendable, Step, Unsent
from warranty.services.work import AskPerson, Wait
from warranty.tasks import at_work

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.models import File
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order

TOGETHER = 8
"""Claims of one account that are marked in one transaction."""

AT_ONCE_S = 2.0
"""A request leaves so soon after its mark, or not under it: a vendor's settle time has that much room at least."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on its way: the order that we hold, and what the vendor is told. ``files`` are those that are to go along."""

    order: Order
    request: RmaRequest
    files: Sequence[File] = ()
    denied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The claim may have arrived, no search can tell, and these are the cases that may be it."""

    cases: Sequence[VendorCase]


Outcome = Step | Candidates


def run(runtime: Runtime, order: Order) -> None:
    """Send it, or find out what became of an earlier send; with it goes what else is due. Safe to run twice, late or half."""
    assert order.rma_id is not None  # which every order to send has
    with runtime.database.read(db.EVERYBODY) as session:
        sendable = rmas.sendables(session, [order.rma_id])[0]
        account = session.get_one(VendorAccount, sendable.rma.account_id)
        is_wanted = sendable.rma.state in lifecycles.RMA_BEING_SENT
        claim = _claim(session, order, sendable)
    if not is_wanted:  # a person took over, or a webhook was quicker
        with runtime.database.begin(db.EVERYBODY) as session:
            work.end(session, order, OrderStatus.DONE)
        return
    line = accounts.Line(runtime, account)
    try:
        vendor = line.open()
    except VendorError as err:
        _record(runtime, order, line, Capabilities(duties=frozenset()), Unsent(err))
        return
    Sender(runtime, line, vendor).send(claim)


def _claim(session: Session, order: Order, sendable: Sendable) -> Claim:
    rma, request = sendable.rma, rmas.as_request(session, sendable)
    if order.sent_ago_s is not None:
        request = replace(request, first_sent_at=work.sent_at(session, order))
    return Claim(order, request, inputs.chosen_files(session, rma), denied_at=rma.vendor_changed_at)


class Sender:
    """A worker that opens claims of one account."""

    def __init__(self, runtime: Runtime, line: Line, vendor: VendorAdapter) -> None:
        self._runtime = runtime
        self._settings = runtime.settings
        self._line = line
        self._vendor = vendor
        self._can = vendor.capabilities

    def send(self, claim: Claim) -> None:
        """Find out what became of an earlier send, or send it, and what may go with it."""
        try:
            outcome = self._known(claim)
            if outcome is None:
                outcome = self._mark_and_send(self._with_files(claim))
        except files.Gone as err:
            outcome = _without_file(self._vendor, claim.order, str(err))
        except VendorError as err:
            outcome = Unsent(err)
        if outcome is not None:
            self._record(claim.order, outcome)

    def _known(self, claim: Claim) -> Outcome | None:
        """What is known without a send; None where it may be sent.

        Raises:
            VendorError: the search failed, which never means "absent", or a vendor that was down does not answer yet.
        """
        if claim.order.sent_ago_s is None:
            known: Outcome | None = why_held(self._line.account, self._can)
        else:
            known = earlier_send(self._vendor, claim.order, claim.request, denied_at=claim.denied_at)
        if known is None and self._line.gate.is_probing:
            self._vendor.check()  # what tries first is a read, never an open
        return known

    def _with_files(self, claim: Claim) -> Claim:
        """The claim with the files that go along, where the vendor takes any: read before the mark, for the store may be away."""
        if not self._can.request_bytes(claim.request.denials):
            return claim
        going = tuple(files.for_vendor(self._runtime.store, one) for one in claim.files)
        return replace(claim, request=replace(claim.request, files=going))

    def _mark_and_send(self, first: Claim) -> Held | AskPerson | None:
        """Mark and send; what is in the way of that, where anything is."""
        marked_at = time.monotonic()  # the settle time counts from here
        marked = self._mark(first)
        if isinstance(marked, Held | AskPerson):
            return marked
        try:
            while marked and self._may_leave(marked[0], marked_at):
                claim = marked.pop(0)
                with nullcontext() if claim is first else at_work(self._runtime, claim.order):
                    self._record(claim.order, self._open(claim.request))
        finally:
            self._give_back(marked)
        return None

    def _mark(self, first: Claim) -> list[Claim] | Held | AskPerson:
        """Write down that requests are about to leave, of a claim and of those that go with it: who comes next searches first.

        All at the last moment: bucket and breaker, what else is in the way, whether the order is ours still. Whoever is not
        among what is given is in other hands.

        Raises:
            VendorError: no call may begin now.
        """
        with self._runtime.database.begin(db.EVERYBODY) as session:
            room = self._line.gate.room(session)
            # Locked before the orders, as `rmas.settle` does. A person who took over since the claim is not overruled.
            rma = session.get_one(Rma, first.order.rma_id, with_for_update=True)
            if rma.state not in lifecycles.RMA_BEING_SENT:
                return []
            most = room.calls(self._together(first))
            beside = work.unsent_beside(session, first.order, room.account.id, most=most - 1)
            found = rmas.sendables(session, beside) if beside else []
            strays = rmas.strays_of(session, room.account, [rma, *(one.rma for one in found)])
            in_the_way = why_held(room.account, self._can) or strays.get(rma.id)
            if in_the_way is not None:
                return in_the_way
            requests = {beside[one.rma.id]: rmas.as_request(session, one) for one in found if one.rma.id not in strays}
            others = work.claim_all(session, list(requests), lease_s=self._settings.lease_s) if requests else []
            claims = [first, *(Claim(order, requests[order.id]) for order in others)]
            marked = work.mark_sends(
                session, [claim.order for claim in claims], budget_s=self._settings.vendor_timeout_s
            )
            room.take(len(marked))
            if first.order.id in marked:
                rmas.send_again(session, rma, searched=not is_safe_by_key(self._can, first.order), now=room.at)
            return [claim for claim in claims if claim.order.id in marked]

    def _together(self, first: Claim) -> int:
        """How many claims are marked in one transaction.

        One alone where nobody could tell which of them left, were this worker to vanish; where files go along; and where a
        worker broke off over it before, so that the fault of one is never another's.
        """
        is_alone = self._can.promise is Promise.C or self._can.max_request_bytes or first.order.stumbles
        return 1 if is_alone else TOGETHER

    def _may_leave(self, claim: Claim, marked_at: float) -> bool:
        """Whether a marked request leaves: soon after its mark, within its lease and the life of its key, all by our own clock.

        A machine that slept since must not send any more.
        """
        now = time.monotonic()
        since_claim_s = now - claim.order.claimed
        if now - marked_at > AT_ONCE_S or since_claim_s > self._settings.lease_s - self._settings.vendor_timeout_s:
            return False
        is_by_key = claim.order.sent_ago_s is not None and is_safe_by_key(self._can, claim.order)
        return not is_by_key or claim.order.age_s + since_claim_s < self._can.key_lifetime_s

    def _give_back(self, claims: Sequence[Claim]) -> None:
        """What was marked and has not left is due at once; its mark is taken back, unless an earlier send may have arrived."""
        if not claims:
            return
        # Where it cannot be written the leases run out, and what was marked is searched for.
        with suppress(DatabaseUnavailable, DBAPIError), self._runtime.database.begin(db.EVERYBODY) as session:
            for claim in claims:
                work.release(session, claim.order, after_s=0.0, never_arrived=claim.order.sent_ago_s is None)

    def _open(self, request: RmaRequest) -> Step:
        try:
            return self._vendor.open_case(request)
        except VendorError as err:
            return Unsent(err) if err.never_left else err

    def _record(self, order: Order, outcome: Outcome) -> None:
        _record(self._runtime, order, self._line, self._can, outcome)


def why_held(account: VendorAccount, can: Capabilities) -> Held | AskPerson | None:
    """Whether nothing may be opened since a restore: what the vendor was told after the backup is not known here.

    Where its cases are listed that is found out by itself; else a person looks.
    """
    if account.opens_held_since is None:
        return None
    if can.lists_cases:
        return Held()
    said = f"A restore went back to {account.opens_held_since:%Y-%m-%d %H:%M} UTC, and {account.name} cannot list its cases"
    to_do = "look there whether it has this claim, and open it only where it does not. Then enter the number."
    return AskPerson(f"{said}: {to_do} Once all was looked at, release the account.")


def _without_file(vendor: VendorAdapter, order: Order, why: str) -> Step:
    """A chosen file is gone: a person chooses anew, unless the claim may be at the vendor as it was."""
    if order.sent_ago_s is not None:
        return AskPerson(f"It may have arrived, and cannot be sent a second time as it was. {why}")
    return Unsent(VendorError(vendor.name, Trouble.REFUSED, vendor_code=rmas.FILE_GONE, detail=why))


def earlier_send(
    vendor: VendorAdapter, order: Order, request: RmaRequest, *, denied_at: datetime | None = None
) -> VendorCase | Wait | AskPerson | Candidates | None:
    """What became of an earlier send; None where sending is safe.

    ``denied_at``: the vendor's own time of the denial, where the claim is one that is sent again after it.

    Raises:
        VendorError: the search failed, which never means "absent".
    """
    can = vendor.capabilities
    if order.sent_ago_s is None or is_safe_by_key(can, order):
        return None
    wait = Wait(can.settle_s - order.sent_ago_s) if order.sent_ago_s < can.settle_s else None
    if request.vendor_case_number is not None:
        found = _sent_again(vendor, request.vendor_case_number, denied_at)
    elif can.promise is not Promise.C:
        found = vendor.find_case(request)
    elif can.proposes:
        return wait or Candidates(vendor.candidates(request))  # what the vendor made last may not be listed yet
    else:
        return AskPerson("The claim may have arrived; this vendor can neither be searched nor asked twice.")
    if found is None and wait is None and can.promise is Promise.C:
        return AskPerson("The vendor still shows it denied; whether it was sent again nobody can tell but the vendor.")
    return found or wait


def _sent_again(vendor: VendorAdapter, number: str, denied_at: datetime | None) -> VendorCase | None:
    """A denied case that was sent again; one that stands denied as it did before counts as not found."""
    case = next(iter(vendor.read_cases([number])), None)
    is_as_before = case is not None and case.status is VendorStatus.DENIED and case.changed_at == denied_at
    return None if is_as_before else case


def is_safe_by_key(can: Capabilities, order: Order) -> bool:
    """Whether the vendor still knows the key of an earlier send, which is as old as its first use."""
    return can.promise is Promise.A and order.age_s < can.key_lifetime_s


def _record(runtime: Runtime, order: Order, line: Line, can: Capabilities, outcome: Outcome) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        line.keep_calls(session, rma_id=order.rma_id, fault_id=order.fault_id)
        if isinstance(outcome, Candidates):
            proposals.choose_case(session, order, line.account, outcome.cases, now=db.now(session))
        else:
            rmas.settle(session, runtime, order, line.account, can, outcome)
