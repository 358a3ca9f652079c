"""A kill at every commit and at the send of a note neither loses it nor has the vendor take it twice."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tests.crash.test_crash import KILLED, ROOT, Harness
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.models import CaseNote, Fault
from warranty.models.cases import NoteWay
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import notes
from warranty.services.moves import Because

if TYPE_CHECKING:
    from warranty.runtime import Runtime

LONG_S = 400.0  # longer than any lease, settle time or back-off of the environment


def test_no_kill_loses_a_note_or_sends_it_twice(runtime: Runtime, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tests.crash.child", "steps"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with Twin("servicenow") as twin, subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as steps:
        harness = Harness(runtime, twin, environment, steps)
        desk = harness.desk()
        desk.report()
        desk.perform(OrderKind.SEND_RMA)

        def note() -> dict[str, Any]:
            with desk.session() as session:
                fault, because = session.get_one(Fault, desk.fault().id), Because("user:1", "wrote", db.now(session))
                notes.write(session, runtime, fault, NoteWay.TO_VENDOR, because, text="Slot 3.")
            return {"order": desk.orders(OrderKind.TELL_VENDOR)[-1].id}

        # Claim, mark, two gates and record.
        assert harness.kill_everywhere("perform", note) == 5
        twin.behave("servicenow", next_writes=["accept_then_slow"], slow_s=5.0)
        assert harness.run("perform", meanwhile=harness.kill_once_accepted, **note()) == KILLED

        for _ in range(3):  # a lease that runs out, a search, and where that found nothing another send
            desk.let_pass(LONG_S)
            for order in desk.orders(OrderKind.TELL_VENDOR):
                tasks.perform(runtime, order.id)
        steps.communicate(timeout=20)

    with runtime.database.read(db.EVERYBODY) as session:
        written = session.scalars(select(CaseNote)).all()
    tokens = [entry["entry"]["value"].rpartition("[")[2] for entry in twin.ledger if entry["event"] == "noted"]
    assert len(written) == len(tokens) == len(set(tokens))
    assert all(note.sent_at is not None for note in written)
    assert {order.status for order in desk.orders(OrderKind.TELL_VENDOR)} == {OrderStatus.DONE}
