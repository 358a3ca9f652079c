"""The processes that no product has: vendors that misbehave, a worker whose clock is wrong, a web without an outbox.

`python -m tests.chaos.child vendors FOLDER JSON`, `... worker SECONDS`, `... relay`; the web is the factory `web`.
All of them find the odd adapters too.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import time_machine
from sqlalchemy import event, select
from sqlalchemy.orm import Session

import vendors.adapters
from tests.desk import ODD_ADAPTERS
from vendors.sandbox import Twin
from warranty import config, processes, queue
from warranty.models import Outbox
from warranty.runtime import Runtime
from warranty.web import create_app

if TYPE_CHECKING:
    from flask import Flask

vendors.adapters.__path__.append(str(ODD_ADAPTERS))


def play_vendors(folder: Path, wanted: dict[str, Any]) -> None:
    """Play the vendors until SIGTERM; how often each misbehaved is left in the folder."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    late = random.Random(f"{wanted['seed']}-late")  # noqa: S311 - has to be repeatable
    with ExitStack() as stack:
        twins: dict[str, Twin] = {}
        for number, vendor in enumerate(wanted["vendors"]):
            keeps_keys = {"keeps_keys": True} if vendor.startswith("A") else {}
            twin = Twin(
                "servicenow",
                host=wanted["host"],
                port=wanted["port"] + number,
                seed=wanted["seed"] + number,
                ledger_file=folder / f"ledger-{vendor}.jsonl",
                auto_approve_s=0.0,
                **wanted["misbehaviour"],
                **keeps_keys,
            )
            twins[vendor] = stack.enter_context(twin)
        print("ready", flush=True)
        while not stop.wait(0.5):
            for twin in twins.values():
                twin.behave(slow_s=late.uniform(*wanted["late_s"]))
    counts = {vendor: twin.misbehaved for vendor, twin in twins.items()}
    (folder / "misbehaved.json").write_text(json.dumps(counts))


def work(ahead_s: float) -> None:
    """Work as the product does, but by a clock that is wrong by so much, in everything that Python asks it for."""
    if not ahead_s:
        processes.run_worker(config.load())
        return
    with time_machine.travel(time.time() + ahead_s, tick=True):
        processes.run_worker(config.load())


def web() -> Flask:
    """The product's web."""
    return create_app()


def web_without_outbox() -> Flask:
    """The web as many would write it: what it orders is put into the queue after the commit, and nobody looks after it."""
    app = create_app()
    runtime = Runtime.of(config.load())
    handed_over = 0

    @event.listens_for(Session, "after_commit")
    def hand_over(_session: Session) -> None:
        nonlocal handed_over
        new = select(Outbox.id).where(Outbox.id > handed_over, Outbox.attempts == 0).order_by(Outbox.id)
        with runtime.database.engine.connect() as connection, closing(_queue(runtime)) as server:
            for order_id in connection.execute(new).scalars().all():
                handed_over = order_id
                queue.enqueue(queue.work_queue(server), order_id, 0, job_timeout_s=runtime.settings.job_timeout_s)

    return app


def _queue(runtime: Runtime) -> Any:
    return queue.connect(runtime.settings.redis_url)


if __name__ == "__main__":
    processes.die_with_parent(os.getppid())
    match sys.argv[1:]:
        case ["vendors", folder, wanted]:
            play_vendors(Path(folder), json.loads(wanted))
        case ["worker", ahead_s]:
            work(float(ahead_s))
        case ["relay"]:
            processes.run_relay(config.load())
