"""What goes to Redis by hand is what a client library would send."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from kit.redis import connect
from kit.redis_line import pack
from scanservice.hot import calls, functions, state
from scanservice.hot.calls import Knowledge, ScanCall
from scanservice.hot.state import Mode

KNOWN = Knowledge(generation=1, catalogue=17, entries_max=104_857)
DONE = UUID(int=7).bytes


def one(counter: int, *, mode: Mode = Mode.CONFIRMED, done_id: bytes = b"", entry: bytes = b"entry") -> ScanCall:
    partition = functions.partition_of(1, counter)
    return ScanCall(
        partition=partition,
        bucket=functions.bucket_key(partition, tenant_id=1, epoch=0, counter=counter),
        field=functions.field(counter),
        told=calls.told(mode, 218_000_000 + counter % 1000, b"ABCD", b"\r\n$1\x00", entry, again=bool(done_id)),
        done_id=done_id,
    )


def as_a_library_would(some: Sequence[ScanCall]) -> bytes:
    partition = some[0].partition
    done = [functions.done_key(partition, call.done_id) for call in some if call.done_id]
    keys: list[str | bytes] = [
        functions.meta_key(partition),
        functions.log_key(partition),
        *(call.bucket for call in some),
        *done,
    ]
    told: list[bytes] = [part for call in some for part in (b"%d" % call.field, call.told)]
    return pack(("FCALL", functions.SCAN, len(keys), *keys, *KNOWN, calls.DONE_S, *told))


@pytest.mark.parametrize("counter", [0, 255, 256, 123_456_789, 2**40 - 1])
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("done_id", [b"", DONE])
def test_a_scan_is_packed_as_a_library_would(counter: int, mode: Mode, done_id: bytes) -> None:
    call = one(counter, mode=mode, done_id=done_id, entry=b"\x00\r\n" * 50)
    assert calls.scan(call, KNOWN) == as_a_library_would([call])


def test_many_scans_are_packed_as_a_library_would() -> None:
    some = [one(1), one(2, done_id=DONE), one(1, mode=Mode.SEEN, entry=b""), one(200, done_id=UUID(int=8).bytes)]
    assert calls.scan_many(some, KNOWN) == as_a_library_would(some)


def test_many_scans_in_one_call_do_what_they_would_do_one_by_one(redis_url: str) -> None:
    """The same code twice, and the same scan id twice, among others of one partition."""
    some = [one(1), one(2, mode=Mode.SEEN), one(1), one(3, done_id=DONE), one(3, done_id=DONE), one(200, mode=Mode.STAFF)]
    with connect(redis_url) as redis:
        functions.prepare(redis)
        outcomes = []
        for together in (True, False):
            _begin(redis, some[0].partition)
            answers = _scan(redis, some) if together else [answer for call in some for answer in _scan(redis, [call])]
            log = [fields for _, fields in redis.xrange(functions.log_key(some[0].partition))]
            outcomes.append((answers, log, redis.hgetall(some[0].bucket)))
    assert outcomes[0] == outcomes[1]
    answers, log, states = outcomes[0]
    assert len(log) == len(some) - 1
    assert [state.unpack(answer[4:]) if len(answer) > 4 else None for answer in answers][:2] == [None, None]
    assert len(states) == 4


def test_a_scan_whose_state_cannot_be_read_is_refused_alone_and_leaves_nothing(redis_url: str) -> None:
    some = [one(1), one(2, done_id=DONE), one(3)]
    with connect(redis_url) as redis:
        functions.prepare(redis)
        _begin(redis, some[0].partition)
        redis.hset(some[1].bucket, str(some[1].field), b"?")
        answers = _scan(redis, some)
        assert [isinstance(answer, ResponseError) for answer in answers] == [False, True, False]
        assert str(answers[1]).startswith("STATE of field 2 of ")
        assert redis.xlen(functions.log_key(some[0].partition)) == 2
        assert redis.hget(some[1].bucket, str(some[1].field)) == b"?"
        # Nothing is remembered of it either: once the state can be read again, so can the scan.
        redis.hdel(some[1].bucket, str(some[1].field))
        assert _scan(redis, [some[1]]) == [some[1].told[2:6]]


def test_where_not_all_find_room_none_is_written(redis_url: str) -> None:
    some = [one(1), one(2), one(3)]
    with connect(redis_url) as redis:
        functions.prepare(redis)
        _begin(redis, some[0].partition)
        narrow = KNOWN._replace(entries_max=2)
        with pytest.raises(Exception, match="FULL"):
            _scan(redis, some, narrow)
        assert redis.xlen(functions.log_key(some[0].partition)) == 0
        _scan(redis, some[:2], narrow)
        assert redis.xlen(functions.log_key(some[0].partition)) == 2


def _begin(redis: Redis, partition: int) -> None:
    """A partition as new."""
    for key in redis.scan_iter(f"*{{{partition}}}*"):
        redis.delete(key)
    redis.hset(functions.meta_key(partition), mapping={"g": KNOWN.generation, "c": KNOWN.catalogue})


def _scan(redis: Redis, some: Sequence[ScanCall], known: Knowledge = KNOWN) -> list[Any]:
    """By the bytes themselves."""
    connection = redis.connection_pool.get_connection()
    try:
        connection.send_packed_command([calls.scan_many(some, known)])  # type: ignore[no-untyped-call]
        answers = connection.read_response()
    finally:
        redis.connection_pool.release(connection)
    assert isinstance(answers, list)
    return answers
