"""The log's streams, with types: an entry has a generation, a sequence number and two fields of bytes."""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from redis import Redis
from redis.exceptions import ResponseError

from scanservice.hot import functions

NOTHING: Final = (0, -1)


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    generation: int
    sequence: int
    fields: Mapping[bytes, bytes]

    @property
    def id(self) -> str:
        return f"{self.generation}-{self.sequence}"


def read(redis: Redis, after: Mapping[int, str], *, count: int, block_ms: int | None = None) -> dict[int, list[Entry]]:
    """Entries behind the given ids, by partition; one round trip for all of them."""
    partitions = {functions.log_key(partition).encode(): partition for partition in after}
    streams: dict[Any, Any] = {functions.log_key(partition): entry_id for partition, entry_id in after.items()}
    # RESP2 gives pairs, RESP3 a map whose values lie in one more list.
    answer = cast("Any", redis.xread(streams, count=count, block=block_ms))
    pairs = answer.items() if isinstance(answer, dict) else answer or []
    found: dict[int, list[Entry]] = {}
    for key, entries in pairs:
        plain = entries[0] if entries and isinstance(entries[0], list) else entries
        found[partitions[key]] = [_entry(one) for one in plain]
    return found


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
    return _numbers(info["last-generated-id"])


def trim(redis: Redis, partition: int, *, first_kept: str) -> None:
    redis.xtrim(functions.log_key(partition), minid=first_kept, approximate=False)


def _entry(one: tuple[bytes, Mapping[bytes, bytes]]) -> Entry:
    generation, sequence = _numbers(one[0])
    return Entry(generation=generation, sequence=sequence, fields=one[1])


def _numbers(entry_id: bytes) -> tuple[int, int]:
    generation, _, sequence = entry_id.partition(b"-")
    return int(generation), int(sequence)
