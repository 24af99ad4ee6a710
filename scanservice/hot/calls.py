"""Calls of the function library as the bytes that go to Redis (RESP, arrays of bulk strings).

Promises: `scan` is what `packed` would make of the same arguments; a test compares them. What all scans of a partition, or all under one
catalogue, have in common is put into bytes once. Refuses nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
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
    """One scan as the function is told it: `bucket` is its key; `visitor` and `whence` have the state's lengths.

    `done_id`: this scan id may come again, and is then answered as it was the first time.
    """

    partition: int
    bucket: bytes
    field: int
    mode: Mode
    at_s: int
    visitor: bytes
    whence: bytes
    entry: bytes
    done_id: bytes = b""


def scan(call: ScanCall, known: Knowledge) -> bytes:
    at = b"%d" % call.at_s
    bucket = call.bucket
    entry = call.entry
    visitor, whence = call.visitor, call.whence
    told = (
        *(_told(known), _FIELDS[call.field], _MODES[call.mode], len(at), at),
        *(len(visitor), visitor, len(whence), whence, len(entry), entry),
    )
    if not call.done_id:
        return _SCAN % (_HEADS[call.partition], len(bucket), bucket, *told)
    key = functions.done_key(call.partition, call.done_id)
    return _SCAN_DONE % (_DONE_HEADS[call.partition], len(bucket), bucket, len(key), key, *told, _DONE)


def scan_many(calls: Sequence[ScanCall], known: Knowledge) -> bytes:
    """Of one partition. Answered by an array, in order. Refused as a whole; of a call that breaks in the middle a part may be recorded."""
    partition = calls[0].partition
    meta = functions.meta_key(partition)
    keys: list[str | bytes] = [meta, functions.log_key(partition)]
    args: list[str | bytes | int] = [*known]
    for call in calls:
        keys += (call.bucket, functions.done_key(partition, call.done_id) if call.done_id else meta)
        args += (call.field, _LETTERS[call.mode], call.at_s, call.visitor, call.whence, call.entry, DONE_S)
    return pack(("FCALL", functions.SCAN_MANY, len(keys), *keys, *args))


@lru_cache(maxsize=CATALOGUES_KEPT)
def _told(known: Knowledge) -> bytes:
    return b"".join(_bulk(b"%d" % number) for number in known)


def _bulk(value: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)


def _head(partition: int, *, keys: int, args: int) -> bytes:
    first = (
        functions.SCAN,
        str(keys),
        functions.meta_key(partition),
        functions.log_key(partition),
    )
    return b"*%d\r\n%b" % (3 + keys + args, b"".join(_bulk(part.encode()) for part in ("FCALL", *first)))


_BODY: Final = b"%b%b%b$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"
_SCAN: Final = b"%b$%d\r\n%b\r\n" + _BODY
_SCAN_DONE: Final = b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n" + _BODY + b"%b"
_HEADS: Final = tuple(_head(partition, keys=3, args=9) for partition in range(functions.PARTITIONS))
_DONE_HEADS: Final = tuple(_head(partition, keys=4, args=10) for partition in range(functions.PARTITIONS))
_FIELDS: Final = tuple(_bulk(b"%d" % field) for field in range(functions.FIELDS))
_LETTERS: Final = {mode: mode.value.encode() for mode in Mode}
_MODES: Final = {mode: _bulk(mode.value.encode()) for mode in Mode}
_DONE: Final = _bulk(b"%d" % DONE_S)
