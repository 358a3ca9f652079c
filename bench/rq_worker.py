"""The start of a worker of ``rq_facts``: ``python -m bench.rq_worker URL {"kind": ...}``. It holds what its kind holds, no more."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import rq.worker
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.cron import CronScheduler
from rq.serializers import JSONSerializer

from bench import rq_jobs
from warranty.queue import connect


def run(url: str, kind: str, *, queues: list[str], ahead_s: float, scheduler: bool, **options: Any) -> None:
    """Work as one kind of worker until stopped; ``ahead_s`` is by how much its clock is wrong."""
    connection = connect(url) if kind == "ours" else Redis.from_url(url)
    if kind == "cron":
        cron = CronScheduler(connection=connection)
        cron.register(rq_jobs.nothing, queue_name=queues[0], interval=2)
        cron.start()
        return
    classes: dict[str, type[rq.worker.BaseWorker]] = {"rq": Worker, "simple": SimpleWorker}
    if kind == "ours":
        from warranty import processes, tasks  # noqa: PLC0415 - the other kinds are to be without the product

        tasks.preload()
        classes["ours"] = processes.LeasedWorker
    if ahead_s:
        _shift_clock(ahead_s)
    known = [Queue(name, connection=connection, serializer=JSONSerializer) for name in queues]
    worker = classes[kind](known, connection=connection, serializer=JSONSerializer, **options)
    worker.work(logging_level="ERROR", with_scheduler=scheduler)


def _shift_clock(ahead_s: float) -> None:
    """Have all of RQ in this process believe that it is later."""
    usual, name = rq.utils.now, "now"
    for module in [module for path, module in sys.modules.items() if path.split(".")[0] == "rq"]:
        if getattr(module, name, None) is usual:
            setattr(module, name, lambda: usual() + timedelta(seconds=ahead_s))


if __name__ == "__main__":
    run(sys.argv[1], **json.loads(sys.argv[2]))
