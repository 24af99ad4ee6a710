import zlib

from rq import Callback, Queue
from rq.serializers import JSONSerializer

from kit import redis
from kit.jobs import QUEUE, Jobs

DONE: list[tuple[object, ...]] = []


def nothing() -> None:
    DONE.append(("nothing",))


def remember(*args: str | int) -> None:
    DONE.append(args)


def test_a_job_runs_by_name_with_its_arguments(redis_url: str) -> None:
    DONE.clear()
    with redis.connect(redis_url, answer_s_max=redis.BLOCKING_S_MAX) as client:
        jobs = Jobs(client)
        jobs.enqueue("tests.kit.test_jobs.remember", 7, "order")
        assert jobs.waiting() == 1
        jobs.work(functions=["tests.kit.test_jobs.remember"], burst=True)
        assert jobs.waiting() == 0
    assert DONE == [(7, "order")]


def test_a_worker_runs_nothing_that_is_not_on_its_list(redis_url: str) -> None:
    """Whoever can write to the queue could otherwise name `os.system`, in the job itself or as what follows it."""
    DONE.clear()
    here = "tests.kit.test_jobs"
    with redis.connect(redis_url, answer_s_max=redis.BLOCKING_S_MAX) as client:
        jobs = Jobs(client)
        jobs.enqueue(f"{here}.remember", "unlisted")
        queue = Queue(QUEUE, connection=client, serializer=JSONSerializer)
        queue.enqueue(f"{here}.nothing", on_success=Callback(f"{here}.remember"), on_failure=Callback(f"{here}.remember"))
        jobs.work(functions=[f"{here}.nothing"], burst=True)
        assert jobs.waiting() == 0
    assert DONE == [("nothing",)]


def test_jobs_travel_as_json_never_as_pickle(redis_url: str) -> None:
    with redis.connect(redis_url) as client:
        Jobs(client).enqueue("tests.kit.test_jobs.remember", 7)
        (key,) = client.keys("rq:job:*")
        data = client.hget(key, "data")
    assert isinstance(data, bytes)
    assert b"tests.kit.test_jobs.remember" in zlib.decompress(data)
    assert not zlib.decompress(data).startswith(b"\x80")
