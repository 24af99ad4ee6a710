"""What goes to Redis by hand is what a client library would send."""

from uuid import UUID

import pytest
from redis import Redis

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
        mode=mode,
        at_s=218_000_000 + counter,
        visitor=b"ABCD",
        whence=b"\r\n$1\x00",
        entry=entry,
        done_id=done_id,
    )


def as_a_library_would(call: ScanCall) -> bytes:
    keys: tuple[str | bytes, ...] = (functions.meta_key(call.partition), functions.log_key(call.partition), call.bucket)
    args: tuple[str | bytes | int, ...] = (
        *KNOWN,
        call.field,
        call.mode.value,
        call.at_s,
        call.visitor,
        call.whence,
        call.entry,
    )
    if call.done_id:
        keys, args = (*keys, functions.done_key(call.partition, call.done_id)), (*args, calls.DONE_S)
    return pack(("FCALL", functions.SCAN, len(keys), *keys, *args))


@pytest.mark.parametrize("counter", [0, 255, 256, 123_456_789, 2**40 - 1])
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("done_id", [b"", DONE])
def test_a_scan_is_packed_as_a_library_would(counter: int, mode: Mode, done_id: bytes) -> None:
    call = one(counter, mode=mode, done_id=done_id, entry=b"\x00\r\n" * 50)
    assert calls.scan(call, KNOWN) == as_a_library_would(call)


def test_many_scans_in_one_call_do_what_they_would_do_one_by_one(redis_url: str) -> None:
    """The same code twice, and the same scan id twice, among others of one partition."""
    some = [one(1), one(2, mode=Mode.SEEN), one(1), one(3, done_id=DONE), one(3, done_id=DONE), one(200, mode=Mode.STAFF)]
    with connect(redis_url) as redis:
        functions.prepare(redis)
        outcomes = []
        for together in (True, False):
            _begin(redis, some[0].partition)
            if together:
                answers = redis.fcall(functions.SCAN_MANY, *_arguments(calls.scan_many(some, KNOWN)))
            else:
                answers = [redis.fcall(functions.SCAN, *_arguments(calls.scan(call, KNOWN))) for call in some]
            log = [fields for _, fields in redis.xrange(functions.log_key(some[0].partition))]
            outcomes.append((answers, log, redis.hgetall(some[0].bucket)))
    assert outcomes[0] == outcomes[1]
    answers, log, states = outcomes[0]
    assert len(log) == len(some) - 1
    assert [state.unpack(answer[4:]) if len(answer) > 4 else None for answer in answers][:2] == [None, None]
    assert len(states) == 4


def test_where_not_all_find_room_none_is_written(redis_url: str) -> None:
    some = [one(1), one(2), one(3)]
    with connect(redis_url) as redis:
        functions.prepare(redis)
        _begin(redis, some[0].partition)
        narrow = KNOWN._replace(entries_max=2)
        with pytest.raises(Exception, match="FULL"):
            redis.fcall(functions.SCAN_MANY, *_arguments(calls.scan_many(some, narrow)))
        assert redis.xlen(functions.log_key(some[0].partition)) == 0
        redis.fcall(functions.SCAN_MANY, *_arguments(calls.scan_many(some[:2], narrow)))
        assert redis.xlen(functions.log_key(some[0].partition)) == 2


def _begin(redis: Redis, partition: int) -> None:
    """A partition as new."""
    for key in redis.scan_iter(f"*{{{partition}}}*"):
        redis.delete(key)
    redis.hset(functions.meta_key(partition), mapping={"g": KNOWN.generation, "c": KNOWN.catalogue})


def _arguments(command: bytes) -> tuple[int, *tuple[bytes, ...]]:
    """Of a packed FCALL: the number of its keys, and what follows."""
    rest, parts = command.split(b"\r\n", 1)[1], list[bytes]()
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size[1:])
        parts.append(rest[:length])
        rest = rest[length + 2 :]
    return int(parts[2]), *parts[3:]
