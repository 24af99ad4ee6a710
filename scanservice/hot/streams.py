"""The log's streams, with types: an entry has a generation, a sequence number and two fields of bytes."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from kit.redis import by_server, is_clustered, look_around
from scanservice.hot import functions

NOTHING: Final = (0, -1)
REPLICA_ACK_MS_MAX: Final = 1000
# Written by who reads, so that a replica can acknowledge that it has come so far.
READ_FIELD: Final = "r"
CLUSTER_LOOKS_EVERY_MS: Final = 50
_PARTITION_OF_LOG: Final = {key.encode(): partition for partition, key in enumerate(functions.LOG_KEYS)}
Raw = Sequence[Any]
"""An entry as it came: its id, and a list of field, value, field, value."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    generation: int
    sequence: int
    fields: Mapping[bytes, bytes]

    @property
    def id(self) -> str:
        return f"{self.generation}-{self.sequence}"


class Reader:
    """Reads many partitions in one round trip to each server. Entries come as the server sent them, because there are very many of them.

    Where a server has replicas, only what one of them has on disk is read: else PostgreSQL could hold an entry that a failover has
    undone, and the new primary would give its number to another scan.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._plain: dict[int, Any] = {}

    def read(self, after: Mapping[int, str], *, count: int, block_ms: int | None = None) -> dict[int, list[Raw]]:
        """Entries behind the given ids, by partition: at most `count` of each. A cluster is not waited for longer than a moment."""
        if not is_clustered(self._redis):
            return _read(self._of(self._redis), after, count=count, block_ms=block_ms)
        try:
            found = self._read_cluster(after, count=count)
        except RedisConnectionError:
            # Its replica takes over: the next call asks whoever leads by then.
            look_around(self._redis)
            raise
        if not found and block_ms is not None:
            time.sleep(min(block_ms, CLUSTER_LOOKS_EVERY_MS) / 1000)
        return found

    def _read_cluster(self, after: Mapping[int, str], *, count: int) -> dict[int, list[Raw]]:
        partitions = {functions.log_key(partition): partition for partition in after}
        found: dict[int, list[Raw]] = {}
        for server, keys in by_server(self._redis, partitions):
            wanted = {partitions[key]: after[partitions[key]] for key in keys}
            found.update(_read_apart(self._of(server), wanted, count=count))
        return found

    def _of(self, server: Redis) -> Any:
        """A client of the same server that leaves answers as they came."""
        pool = server.connection_pool
        known = self._plain.get(id(pool))
        if known is None:
            known = self._plain[id(pool)] = Redis(connection_pool=pool)
            # Else redis-py makes a dictionary of each entry: a tenth of all that an ingester does.
            known.response_callbacks.pop("XREAD", None)
        return known


def _read(plain: Any, after: Mapping[int, str], *, count: int, block_ms: int | None) -> dict[int, list[Raw]]:
    block = () if block_ms is None else ("BLOCK", block_ms)
    keys = [functions.log_key(partition) for partition in after]
    return _kept(plain, [plain.execute_command("XREAD", "COUNT", count, *block, "STREAMS", *keys, *after.values())])


def _read_apart(plain: Any, after: Mapping[int, str], *, count: int) -> dict[int, list[Raw]]:
    """In one round trip too, but partition by partition: a server of a cluster refuses a command with keys of several slots."""
    with plain.pipeline(transaction=False) as pipeline:
        pipeline.response_callbacks.pop("XREAD", None)
        for partition, start in after.items():
            pipeline.execute_command("XREAD", "COUNT", count, "STREAMS", functions.log_key(partition), start)
        return _kept(plain, pipeline.execute())


def _kept(plain: Any, answers: Sequence[Any]) -> dict[int, list[Raw]]:
    """What was read, unless no replica has it yet."""
    found: dict[int, list[Raw]] = {}
    for answer in answers:
        # RESP2 gives pairs, RESP3 a map.
        for key, entries in answer.items() if isinstance(answer, dict) else answer or ():
            found[_PARTITION_OF_LOG[key]] = entries
    return found if not found or _is_kept(plain, next(iter(found))) else {}


def _is_kept(plain: Any, partition: int) -> bool:
    """Whether a replica, where there is one, has on disk what was just read: it acknowledges a write that came after it."""
    role = plain.execute_command("ROLE")
    if not role[2]:
        return True
    try:
        return int(_acknowledged(plain, partition, "WAITAOF", 0)[1]) >= 1
    except ResponseError:  # before 7.2
        return int(_acknowledged(plain, partition, "WAIT")) >= 1


def _acknowledged(plain: Any, partition: int, *wait: str | int) -> Any:
    with plain.pipeline(transaction=False) as pipeline:
        pipeline.hset(functions.meta_key(partition), READ_FIELD, 1)
        pipeline.execute_command(*wait, 1, REPLICA_ACK_MS_MAX)
        return pipeline.execute()[-1]


def forward(redis: Redis, partition: int, *, start: str = "-", count: int) -> list[Entry]:
    """From `start` on; `(` before an id excludes it."""
    return [_entry(one) for one in cast("Any", redis.xrange(functions.log_key(partition), min=start, count=count))]


def backward(redis: Redis, partition: int, *, end: str = "+", count: int) -> list[Entry]:
    return [_entry(one) for one in cast("Any", redis.xrevrange(functions.log_key(partition), max=end, count=count))]


def length(redis: Redis, partition: int) -> int:
    return redis.xlen(functions.log_key(partition))


def last_id(redis: Redis, partition: int) -> tuple[int, int]:
    """The newest id that the stream ever had, trimmed or not; NOTHING where there is no stream."""
    try:
        info = cast("Any", redis.xinfo_stream(functions.log_key(partition)))
    except ResponseError:
        return NOTHING
    return numbers(info["last-generated-id"])


def trim(redis: Redis, partition: int, *, first_kept: str) -> None:
    redis.xtrim(functions.log_key(partition), minid=first_kept, approximate=False)


def entry(raw: Raw) -> Entry:
    """A raw entry with types."""
    generation, sequence = numbers(raw[0])
    return Entry(generation=generation, sequence=sequence, fields=fields(raw))


def fields(raw: Raw) -> dict[bytes, bytes]:
    return dict(zip(raw[1][::2], raw[1][1::2], strict=False))


def place(raw: Raw) -> tuple[int, int]:
    """Generation and sequence number of a raw entry."""
    return numbers(raw[0])


def _entry(one: tuple[bytes, Mapping[bytes, bytes]]) -> Entry:
    generation, sequence = numbers(one[0])
    return Entry(generation=generation, sequence=sequence, fields=one[1])


def numbers(entry_id: bytes) -> tuple[int, int]:
    """Generation and sequence number."""
    generation, _, sequence = entry_id.partition(b"-")
    return int(generation), int(sequence)
