"""Send one note or one file to its vendor's case, or find out what became of an earlier send. The promise: ``services.notes``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vendors.errors import Trouble, VendorError
from warranty import db
from warranty.models.work import OrderStatus
from warranty.services import accounts, files, notes, work
from warranty.services.notes import Message, Step, Taken
from warranty.services.work import AskPerson, Wait

if TYPE_CHECKING:
    from vendors.contract import VendorAdapter, VendorFile
    from warranty.runtime import Runtime
    from warranty.services.accounts import Line
    from warranty.services.work import Order


def run(runtime: Runtime, order: Order) -> None:
    """Send it. Safe to run twice, late or half."""
    with runtime.database.read(db.EVERYBODY) as session:
        message = notes.of_order(session, order)
    if message is None:
        with runtime.database.begin(db.EVERYBODY) as session:
            work.end(session, order, OrderStatus.DONE)
        return
    line = accounts.Line(runtime, message.account)
    attempt = Attempt(runtime, order, message, line)
    step = attempt.make()
    if step is None:  # another worker has it
        return
    with runtime.database.begin(db.EVERYBODY) as session:
        line.keep_calls(session, rma_id=message.rma.id, fault_id=message.note.fault_id)
        notes.settle(
            session,
            runtime,
            order,
            message,
            step,
            settle_s=attempt.settle_s,
            has_left=attempt.has_left,
            now=db.now(session),
        )


class Attempt:
    """One attempt to send a message. ``has_left``: whether something may have left the house."""

    def __init__(self, runtime: Runtime, order: Order, message: Message, line: Line) -> None:
        self._runtime = runtime
        self._order = order
        self._message = message
        self._line = line
        self.settle_s = 0.0
        self.has_left = False

    def make(self) -> Step | None:
        """Look for it where an earlier send may have arrived, else mark and send; None where it is in other hands now."""
        try:
            vendor = self._line.open()
            self.settle_s = vendor.capabilities.settle_s
            of_case = self._message.file
            file = files.for_vendor(self._runtime.store, of_case) if of_case is not None else None
            if self._order.sent_ago_s is not None:
                found = self._look_for(vendor, file, self._order.sent_ago_s)
                if found is not None:
                    return found
            return self._send(vendor, file)
        except files.Gone as err:
            return AskPerson(str(err))
        except VendorError as err:
            return err

    def _look_for(self, vendor: VendorAdapter, file: VendorFile | None, sent_ago_s: float) -> Step | None:
        """What became of an earlier send; None where sending again is safe.

        Raises:
            VendorError: it could not be looked for, which never means that it is not there.
        """
        message, can = self._message, vendor.capabilities
        if not (can.reads_notes if file is None else can.finds_files):
            return AskPerson("It may have arrived, and this vendor does not show what it has: look there.")
        if file is not None:
            found = Taken() if vendor.has_file(message.number, file) else None
        else:
            there = (note for note in vendor.notes_of(message.number) if note.ends_with(message.token))
            found = next((Taken(note.note_id) for note in there), None)
        if found is None and sent_ago_s < self.settle_s:
            return Wait(self.settle_s - sent_ago_s)
        return found

    def _send(self, vendor: VendorAdapter, file: VendorFile | None) -> Step | None:
        settings, order, message = self._runtime.settings, self._order, self._message
        with self._runtime.database.begin(db.EVERYBODY) as session:
            if not work.mark_send(session, order, budget_s=settings.vendor_timeout_s):
                return None
        # The mark is committed: who comes next looks first. A machine that slept since the claim must not send any more.
        if time.monotonic() - order.claimed > settings.lease_s - settings.vendor_timeout_s:
            raise VendorError(vendor.name, Trouble.UNREACHABLE, detail="the lease ran out before the call")
        self.has_left = True
        if file is not None:
            vendor.attach(message.number, file)
        else:
            vendor.add_note(message.number, message.text)
        return Taken()
