"""The Redis functions against a real server: the same transition as the Python one, and when they refuse."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis, ResponseError

from kit.redis import connect
from scanservice.hot import calls, functions, state
from scanservice.hot.state import Mode, State, Touch

NOW_S = state.seconds(1_795_305_600)
GENERATION = 1
CATALOGUE = 7
ENTRIES_MAX = 1000
BUCKET = functions.bucket_key(5, tenant_id=1, epoch=0, counter=300)

touches = st.builds(
    Touch,
    mode=st.sampled_from(Mode),
    at_s=st.integers(min_value=NOW_S - 400, max_value=NOW_S + 400),
    visitor=st.sampled_from([bytes([n]) * 4 for n in (0, 1, 2, 3, 10, 13, 127, 128, 254, 255)]),
    whence=st.sampled_from([bytes(5), b"\x00\x00\x01\x00\x00", b"\x00\x00\x01\x00\x01", b"\x80\x00\x00\x00\x00", b"\xff" * 5]),
)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as client:
        functions.prepare(client)
        client.hset(functions.meta_key(5), mapping={"g": GENERATION, "c": CATALOGUE})
        yield client


def scan(
    redis: Redis,
    touch: Touch,
    *,
    done: bytes | None = None,
    generation: int = GENERATION,
    catalogue: int = CATALOGUE,
    entries_max: int = ENTRIES_MAX,
    field: int = 44,
) -> bytes:
    keys: list[str | bytes] = [functions.meta_key(5), functions.log_key(5), BUCKET]
    if done is not None:
        keys.append(functions.done_key(5, done))
    (answer,) = redis.fcall(
        functions.SCAN,
        len(keys),
        *keys,
        generation,
        catalogue,
        entries_max,
        3600,
        field,
        calls.told(touch.mode, touch.at_s, touch.visitor, touch.whence, b"entry", again=done is not None),
    )
    assert isinstance(answer, bytes)
    return answer


def confirmed(visitor: bytes = b"anna", at_s: int = NOW_S) -> Touch:
    return Touch(mode=Mode.CONFIRMED, at_s=at_s, visitor=visitor, whence=b"net\x00\x00")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scans=st.lists(touches, min_size=1, max_size=14))
def test_the_function_and_python_leave_the_same_bytes(redis: Redis, scans: list[Touch]) -> None:
    redis.delete(BUCKET, functions.log_key(5))
    before: State | None = None
    for touch in scans:
        packed = b"" if before is None else state.pack(before)
        assert scan(redis, touch) == touch.at_s.to_bytes(4, "big") + packed
        before = state.touch(before, touch)
        assert redis.hget(BUCKET, "44") == state.pack(before)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=st.lists(touches, min_size=1, max_size=9), other=st.lists(touches, min_size=1, max_size=9))
def test_joining_recomputed_states_is_the_merge_of_python(redis: Redis, one: list[Touch], other: list[Touch]) -> None:
    redis.delete(BUCKET)
    left, right = state.fold(one), state.fold(other)
    assert left is not None
    assert right is not None
    redis.fcall(functions.JOIN, 1, BUCKET, 7, state.pack(left), 8, state.pack(right))
    redis.fcall(functions.JOIN, 1, BUCKET, 7, state.pack(right))
    assert redis.hget(BUCKET, "7") == state.pack(state.merge(left, right))
    assert redis.hget(BUCKET, "8") == state.pack(right)


def test_each_entry_carries_generation_sequence_facts_and_the_state_before(redis: Redis) -> None:
    scan(redis, confirmed())
    scan(redis, confirmed(b"bert"))
    entries = redis.xrange(functions.log_key(5))
    assert entries is not None
    first, second = entries
    assert first == (b"1-0", {b"e": b"entry", b"s": b""})
    assert second == (b"1-1", {b"e": b"entry", b"s": state.pack(state.single(confirmed()))})


def test_the_same_scan_id_is_logged_once_and_answered_alike(redis: Redis) -> None:
    first = scan(redis, confirmed(), done=b"0123456789abcdef")
    scan(redis, confirmed(b"bert"))
    again = scan(redis, confirmed(at_s=NOW_S + 90), done=b"0123456789abcdef")
    assert again == first
    assert redis.xlen(functions.log_key(5)) == 2
    assert 0 < redis.ttl(functions.done_key(5, b"0123456789abcdef")) <= 3600


@pytest.mark.parametrize("generation", [2, 0])
def test_another_generation_writes_nothing(redis: Redis, generation: int) -> None:
    with pytest.raises(ResponseError, match="GENERATION"):
        scan(redis, confirmed(), generation=generation)
    assert not redis.exists(BUCKET, functions.log_key(5))


def test_an_emptied_server_writes_nothing(redis: Redis) -> None:
    redis.flushall()
    with pytest.raises(ResponseError, match="GENERATION this partition is of generation none"):
        scan(redis, confirmed())


def test_an_old_catalogue_is_sent_back_before_anything_is_logged(redis: Redis) -> None:
    with pytest.raises(ResponseError, match="STALE 7"):
        scan(redis, confirmed(), catalogue=CATALOGUE - 1)
    assert not redis.exists(BUCKET, functions.log_key(5))
    assert scan(redis, confirmed(), catalogue=CATALOGUE + 1)


def test_a_full_log_refuses(redis: Redis) -> None:
    scan(redis, confirmed())
    with pytest.raises(ResponseError, match="FULL"):
        scan(redis, confirmed(b"bert"), entries_max=1)
    assert redis.hget(BUCKET, "44") == state.pack(state.single(confirmed()))


def test_a_sighting_is_logged_without_state(redis: Redis) -> None:
    redis.fcall(functions.SIGHT, 2, functions.meta_key(5), functions.log_key(5), GENERATION, CATALOGUE, ENTRIES_MAX, b"entry")
    assert redis.xrange(functions.log_key(5)) == [(b"1-0", {b"e": b"entry", b"s": b""})]
    assert not redis.exists(BUCKET)


def test_a_full_bucket_stays_a_listpack(redis: Redis) -> None:
    for visitor in range(state.VISITORS_MAX + 1):
        scan(redis, confirmed(bytes([visitor]) * 4))
    assert redis.object("encoding", BUCKET) == b"listpack"


def test_a_server_that_may_lose_an_answered_scan_is_refused(redis: Redis) -> None:
    redis.config_set("appendfsync", "everysec")
    try:
        with pytest.raises(functions.RedisUnfit, match="appendfsync"):
            functions.check(redis)
    finally:
        redis.config_set("appendfsync", "always")


def test_the_library_is_loaded_when_missing_and_left_alone_when_there(redis: Redis) -> None:
    assert functions.installed(redis)
    redis.function_flush()
    assert not functions.installed(redis)
    functions.prepare(redis)
    assert functions.installed(redis)
