"""Calls of the function library as the bytes that go to Redis (RESP, arrays of bulk strings).

Promises: `scan` and `scan_many` are what `packed` would make of the same arguments; a test compares them. What all scans of a partition,
or all under one catalogue, have in common is put into bytes once. Refuses nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

import msgspec

from kit.redis_line import pack
from scanservice.hot import functions
from scanservice.hot.state import Mode

# For how long a scan id with `Repeat.POSSIBLE` is answered as it was the first time.
DONE_S: Final = 3600
CATALOGUES_KEPT: Final = 64


def packed(function: str, keys: tuple[str | bytes, ...], *args: str | bytes | int) -> bytes:
    return pack(("FCALL", function, len(keys), *keys, *args))


class Knowledge(NamedTuple):
    """What a caller believes; the function refuses one that Redis knows better."""

    generation: int
    catalogue: int
    entries_max: int


class ScanCall(msgspec.Struct, frozen=True, gc=False):
    """One scan as the function is told it: `bucket` is the key of its state, `told` is made by `told`.

    `done_id`: this scan id may come again, and is then answered as it was the first time.
    """

    partition: int
    bucket: bytes
    field: int
    told: bytes
    done_id: bytes = b""


def told(mode: Mode, at_s: int, visitor: bytes, whence: bytes, entry: bytes, again: bool = False) -> bytes:  # noqa: FBT001,FBT002 - every scan
    """What happened, in one piece; `visitor` and `whence` have the state's lengths, `entry` is for the log."""
    return _TOLD.pack(_LETTERS[mode], again, at_s, visitor, whence) + entry


def scan(call: ScanCall, known: Knowledge) -> bytes:
    """As `scan_many` of one."""
    if call.done_id:
        return scan_many((call,), known)
    bucket, told = call.bucket, call.told
    return _ONE % (_HEADS[call.partition], len(bucket), bucket, _believed(known), _FIELDS[call.field], len(told), told)


def scan_many(calls: Sequence[ScanCall], known: Knowledge) -> bytes:
    """Of one partition. Answered by an array, in order, with an error where a state cannot be read; or refused as a whole."""
    partition = calls[0].partition
    done = [functions.done_key(partition, call.done_id) for call in calls if call.done_id]
    count = len(calls)
    parts = [_MANY % (9 + 3 * count + len(done), _bulk(b"%d" % (2 + count + len(done))), _PLACES[partition])]
    parts += [b"$%d\r\n%b\r\n" % (len(call.bucket), call.bucket) for call in calls]
    parts += [_bulk(key) for key in done]
    parts.append(_believed(known))
    parts += [b"%b$%d\r\n%b\r\n" % (_FIELDS[call.field], len(call.told), call.told) for call in calls]
    return b"".join(parts)


@lru_cache(maxsize=CATALOGUES_KEPT)
def _believed(known: Knowledge) -> bytes:
    return b"".join(_bulk(b"%d" % number) for number in (*known, DONE_S))


def _bulk(value: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)


def _bulks(*values: str) -> bytes:
    return b"".join(_bulk(value.encode()) for value in values)


_TOLD: Final = Struct(">cBI4s5s")
_LETTERS: Final = {mode: mode.value.encode() for mode in Mode}
_FIELDS: Final = tuple(_bulks(str(field)) for field in range(functions.FIELDS))
_PLACES: Final = tuple(_bulks(functions.meta_key(one), functions.log_key(one)) for one in range(functions.PARTITIONS))
# FCALL, the function, the number of keys and the two places; then buckets, answers, what is believed, and two for each scan.
_MANY: Final = b"*%d\r\n" + _bulks("FCALL", functions.SCAN) + b"%b%b"
_HEADS: Final = tuple(_MANY % (12, _bulks("3"), places) for places in _PLACES)
_ONE: Final = b"%b$%d\r\n%b\r\n%b%b$%d\r\n%b\r\n"
