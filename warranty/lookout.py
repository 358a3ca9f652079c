"""A look at the queue server by whoever may not enqueue: does it answer, and who works. It waits for half a second at most."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

QUEUE_NAME = "work"
ANSWER_S = 0.5


@dataclass(frozen=True, slots=True)
class QueueSigns:
    """Whether the queue server answers, and how many workers of ours have been heard of within two minutes."""

    answers: bool
    workers: int


def look(url: str) -> QueueSigns:
    """Ask the queue server; one that is away, or frozen, has no workers."""
    patience = {"socket_connect_timeout": ANSWER_S, "socket_timeout": ANSWER_S}
    with closing(Redis.from_url(url, retry=Retry(NoBackoff(), 0), **patience)) as connection:
        try:
            # A worker that was killed stays among the names until another one tidies up; its own entry runs out before.
            names = list(connection.smembers(f"rq:workers:{QUEUE_NAME}"))
            return QueueSigns(answers=True, workers=connection.exists(*names) if names else 0)
        except RedisError:
            return QueueSigns(answers=False, workers=0)
