"""The log's streams, with types: an entry has a generation, a sequence number and two fields of bytes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from redis import Redis
from redis.exceptions import ResponseError

from scanservice.hot import functions

NOTHING: Final = (0, -1)
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
    """Reads many partitions in one round trip. Entries come as the server sent them, because there are very many of them."""

    def __init__(self, redis: Redis) -> None:
        plain = Redis(connection_pool=redis.connection_pool)
        # Else redis-py makes a dictionary of each entry: a tenth of all that an ingester does.
        plain.response_callbacks.pop("XREAD", None)
        self._redis: Any = plain

    def read(self, after: Mapping[int, str], *, count: int, block_ms: int | None = None) -> dict[int, list[Raw]]:
        """Entries behind the given ids, by partition: at most `count` of each."""
        partitions = {functions.log_key(partition).encode(): partition for partition in after}
        block = () if block_ms is None else ("BLOCK", block_ms)
        answer = self._redis.execute_command("XREAD", "COUNT", count, *block, "STREAMS", *partitions, *after.values())
        # RESP2 gives pairs, RESP3 a map.
        pairs = answer.items() if isinstance(answer, dict) else answer or ()
        return {partitions[key]: entries for key, entries in pairs}


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
