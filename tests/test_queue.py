"""The queue: what is put there, in which form, and how often."""

from __future__ import annotations

import json
import os
import signal
import zlib
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from rq.executions import Execution
from rq.job import JobStatus

from warranty import queue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rq import Queue

    from tests.servers import ValkeyServer


@pytest.fixture
def work_queue(redis_url: str) -> Iterator[Queue]:
    """The queue, empty."""
    with queue.connect(redis_url) as connection:
        connection.flushdb()
        yield queue.work_queue(connection)
        connection.flushdb()


def test_an_order_with_one_token_is_queued_once(work_queue: Queue) -> None:
    assert queue.enqueue(work_queue, 7, 1, job_timeout_s=45)
    assert not queue.enqueue(work_queue, 7, 1, job_timeout_s=45)
    assert queue.enqueue(work_queue, 7, 2, job_timeout_s=45)
    assert queue.enqueue(work_queue, 8, 1, job_timeout_s=45)

    assert [name.rsplit("-", 1)[0] for name in work_queue.job_ids] == ["obx-7-1", "obx-7-2", "obx-8-1"]


def test_a_job_names_its_order_and_nothing_else_and_is_no_pickle(work_queue: Queue) -> None:
    queue.enqueue(work_queue, 7, 1, job_timeout_s=44.2)

    (job,) = work_queue.jobs
    assert (job.func_name, job.args, job.kwargs) == (queue.TASK, [7], {})
    assert (job.timeout, job.result_ttl, job.failure_ttl, job.ttl) == (45, 0, queue.FAILURE_S, queue.BUCKET_S)
    kept = zlib.decompress(work_queue.connection.hget(job.key, "data"))
    assert json.loads(kept) == [queue.TASK, None, [7], {}]


def test_a_job_that_nobody_starts_leaves_nothing_that_could_refuse_the_next(work_queue: Queue) -> None:
    queue.enqueue(work_queue, 7, 1, job_timeout_s=45)

    (job,) = work_queue.jobs
    assert 0 < work_queue.connection.ttl(job.key) <= queue.BUCKET_S


def test_a_job_whose_worker_vanished_is_cleared_away_by_the_next_worker(work_queue: Queue) -> None:
    queue.enqueue(work_queue, 7, 1, job_timeout_s=45)
    (job,) = work_queue.jobs
    connection, running = work_queue.connection, work_queue.started_job_registry
    with connection.pipeline() as pipeline:
        execution = Execution.create(job, ttl=60, pipeline=pipeline)
        pipeline.execute()
    job.set_status(JobStatus.STARTED)
    connection.persist(job.key)
    connection.delete(execution.key)  # RQ forgets what ran after a minute, and which job it was later
    connection.zadd(running.key, {execution.composite_key: 1})

    running.cleanup()

    assert running.get_job_and_execution_ids() == []
    assert connection.ttl(job.key) <= 1


def test_a_command_is_never_repeated_below_the_outbox(own_redis: ValkeyServer) -> None:
    with queue.connect(own_redis.url) as connection:
        connection.ping()
        own_redis.stop()
        with pytest.raises(queue.QueueUnavailable):
            queue.enqueue(queue.work_queue(connection), 7, 1, job_timeout_s=45)
        own_redis.start()
        assert queue.work_queue(Redis.from_url(own_redis.url)).job_ids == []


def test_a_queue_that_was_emptied_is_noticed_once(own_redis: ValkeyServer) -> None:
    with queue.connect(own_redis.url) as connection:
        queue.was_emptied(connection)
        assert not queue.was_emptied(connection)
        own_redis.stop()
        own_redis.start()
        assert not queue.was_emptied(connection)  # it kept its file

        connection.flushall()
        assert queue.was_emptied(connection)
        assert not queue.was_emptied(connection)


def test_a_server_that_says_nothing_counts_as_gone(own_redis: ValkeyServer) -> None:
    with queue.connect(own_redis.url, answer_s=0.1) as connection:
        connection.ping()
        server = own_redis.pid()
        os.kill(server, signal.SIGSTOP)
        try:
            with pytest.raises(queue.QueueUnavailable):
                queue.enqueue(queue.work_queue(connection), 7, 1, job_timeout_s=45)
        finally:
            os.kill(server, signal.SIGCONT)
