import pytest

from kit.clock import SystemClock
from kit.redis import connect
from kit.refusals import Unavailable
from kit.throttle import Throttle, TriedTooOften

# The limiter counts by the server's clock, so the wait it names is measured by the machine's.
CLOCK = SystemClock()


def test_the_try_after_the_last_allowed_one_is_refused_with_the_seconds_to_wait(redis_url: str) -> None:
    throttle = Throttle(redis_url, CLOCK)
    for _ in range(3):
        throttle.take("sign_in", "alice", at_most="3/15 minutes")
    with pytest.raises(TriedTooOften) as refused:
        throttle.take("sign_in", "alice", at_most="3/15 minutes")
    wait_s = refused.value.data["retry_after_s"]
    assert isinstance(wait_s, int)
    assert 0 < wait_s <= 900


def test_others_and_other_actions_are_not_affected(redis_url: str) -> None:
    throttle = Throttle(redis_url, CLOCK)
    throttle.take("sign_in", "alice", at_most="1/minute")
    throttle.take("sign_in", "bob", at_most="1/minute")
    throttle.take("join", "alice", at_most="1/minute")


def test_checking_counts_nothing(redis_url: str) -> None:
    throttle = Throttle(redis_url, CLOCK)
    for _ in range(3):
        throttle.check("sign_in", "alice", at_most="1/minute")
    throttle.take("sign_in", "alice", at_most="1/minute")
    with pytest.raises(TriedTooOften):
        throttle.check("sign_in", "alice", at_most="1/minute")


def test_two_processes_count_together(redis_url: str) -> None:
    Throttle(redis_url, CLOCK).take("sign_in", "alice", at_most="1/minute")
    with pytest.raises(TriedTooOften):
        Throttle(redis_url, CLOCK).take("sign_in", "alice", at_most="1/minute")


def test_without_redis_nothing_is_allowed() -> None:
    with pytest.raises(Unavailable):
        Throttle("redis://127.0.0.1:1/0", CLOCK).take("sign_in", "alice", at_most="1/minute")


def test_a_name_of_any_length_takes_little_room_and_stands_nowhere_in_redis(redis_url: str) -> None:
    throttle = Throttle(redis_url, CLOCK)
    throttle.take("sign_in", "alice@brand.example", at_most="9/minute")
    throttle.take("sign_in", "x" * 1_000_000, at_most="9/minute")
    with connect(redis_url) as client:
        names = [name for name in client.keys("*") if b"sign_in" in name]
    assert len(names) == 2
    assert all(len(name) < 200 and b"alice" not in name for name in names)
