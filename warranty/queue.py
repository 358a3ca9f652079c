"""The RQ queue: the only place that knows it. RQ executes and nothing else; what must not be lost is in the outbox.

No ``Retry``, no scheduler, no ``depends_on``. JSON instead of pickle: whoever can write to the queue server could
otherwise run code in the workers. Source: reliability.md, section 3.5.
"""

from __future__ import annotations

import math
import time

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from warranty.lookout import QUEUE_NAME

TASK = "warranty.tasks.run"  # by its dotted path: nothing here imports the tasks
MARK = "warranty:not emptied"
BUCKET_S = 60
FAILURE_S = 1
"""How long RQ keeps a job that failed. With none at all, RQ 3.0 cannot clear away a job whose worker vanished: the worker
that tries ends over it, and nobody clears anything for a quarter of an hour."""

QueueUnavailable = RedisError


def connect(url: str, *, answer_s: float | None = None) -> Redis:
    """A connection to the queue server. Nothing is repeated below the outbox: a repeated command could enqueue twice.

    With ``answer_s`` a server that says nothing for so long counts as gone. Workers do without: they wait for work.
    """
    return Redis.from_url(url, socket_connect_timeout=5, socket_timeout=answer_s, retry=Retry(NoBackoff(), 0))


def work_queue(connection: Redis) -> Queue:
    """The one queue."""
    return Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)


def was_emptied(connection: Redis) -> bool:
    """Whether all that was in the queue is gone since this was asked last, by whomever: restarted without files, or flushed."""
    return connection.set(MARK, "1", get=True) is None


def enqueue(queue: Queue, order_id: int, token: int, *, job_timeout_s: float) -> bool:
    """Hand one order to the workers; False where it is in the queue already.

    The id names order, token and minute: twice the same is refused, and a job hash that outlived its list entry blocks
    its order for a minute at most. ``ttl`` removes a job that nobody started.
    """
    bucket = int(time.time() // BUCKET_S)
    try:
        queue.enqueue_call(
            TASK,
            args=(order_id,),
            job_id=f"obx-{order_id}-{token}-{bucket}",
            unique=True,
            timeout=math.ceil(job_timeout_s),
            result_ttl=0,
            failure_ttl=FAILURE_S,
            ttl=BUCKET_S,
        )
    except DuplicateJobError:
        return False
    return True
