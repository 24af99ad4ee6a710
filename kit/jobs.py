"""Background jobs on RQ: enqueued by name with ids as arguments, run one at a time by a worker, each in its own transaction.

Promises: jobs travel as JSON, never pickle, and a worker runs the functions on its own list and no others: whoever can write to the
queue must not be able to run code of their choice. RQ's own cron writes pickle and is therefore not used; `schedule` enqueues by name.
"""

import threading
from collections.abc import Collection, Mapping
from typing import Any

from redis import Redis
from rq import Queue, Retry, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

QUEUE = "onemark"
JOB_S_MAX = 3600
RESULT_S_KEPT = 600
FAILURE_S_KEPT = 7 * 24 * 3600
SCHEDULE_TICK_S = 1
RETRY_WAITS_S = [5, 30, 120, 600]


class JobNotListed(Exception):  # noqa: N818 - it says what the job is
    """The queue names a function that this worker does not run."""


class _Listed(Job):  # type: ignore[misc]
    """A job that runs if its function is on the list. What else an entry of the queue could have run or called is dropped."""

    functions: frozenset[str] = frozenset()

    def restore(self, raw_data: Any) -> Any:
        restored = super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks: list[object] = []
        return restored

    def perform(self) -> Any:
        if self.func_name not in self.functions or self.instance is not None:
            raise JobNotListed(self.func_name)
        return super().perform()


class Jobs:
    """The queue of one instance."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer, default_timeout=JOB_S_MAX)

    def enqueue(self, function: str, *args: str | int) -> None:
        """Runs `function` (a dotted name) soon; tries again a few times when it raises."""
        self._queue.enqueue(
            function,
            args=args,
            result_ttl=RESULT_S_KEPT,
            failure_ttl=FAILURE_S_KEPT,
            retry=Retry(max=len(RETRY_WAITS_S), interval=RETRY_WAITS_S),
        )

    def work(self, *, functions: Collection[str], burst: bool = False) -> None:
        """Takes jobs that name one of `functions` until told to stop, or until none is left with `burst`; others fail.

        Retries that wait need the scheduler inside.
        """

        class Ours(_Listed):
            pass

        Ours.functions = frozenset(functions)
        queue = Queue(QUEUE, connection=self._redis, serializer=JSONSerializer, job_class=Ours, default_timeout=JOB_S_MAX)
        SimpleWorker([queue], connection=self._redis, serializer=JSONSerializer, job_class=Ours).work(
            burst=burst, with_scheduler=not burst, logging_level="WARNING"
        )

    def waiting(self) -> int:
        return len(self._queue)

    def schedule(self, every_s: Mapping[str, int], *, stop: threading.Event) -> None:
        """Enqueues each named function at its interval until `stop`. Two schedulers only repeat jobs, which are idempotent."""
        tick = 0
        while not stop.wait(SCHEDULE_TICK_S):
            tick += SCHEDULE_TICK_S
            for function, interval_s in every_s.items():
                if tick % interval_s == 0:
                    self.enqueue(function)
