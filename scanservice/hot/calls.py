"""Calls of the function library as the bytes that go to Redis (RESP, arrays of bulk strings).

Promises: `scan` is what `packed` would make of the same arguments; a test compares them. What all scans of a partition, or all under one
catalogue, have in common is put into bytes once. Refuses nothing.
"""

from functools import lru_cache
from typing import Final

from kit.redis_line import pack
from scanservice.hot import functions
from scanservice.hot.state import Mode

# For how long a scan id with `Repeat.POSSIBLE` is answered as it was the first time.
DONE_S: Final = 3600
CATALOGUES_KEPT: Final = 64


def packed(function: str, keys: tuple[str | bytes, ...], *args: str | bytes | int) -> bytes:
    return pack(("FCALL", function, len(keys), *keys, *args))


def scan(
    partition: int,
    bucket: bytes,
    *,
    field: int,
    known: bytes,
    mode: Mode,
    at_s: int,
    visitor: bytes,
    whence: bytes,
    entry: bytes,
    done_id: bytes = b"",
) -> bytes:
    """`known` is `knowledge`, `bucket` a bucket's key; `visitor` and `whence` have the state's lengths. `done_id`: this scan id may come again."""
    at = b"%d" % at_s
    body = (bucket, known, _FIELDS[field], _MODES[mode], len(at), at, visitor, whence, len(entry), entry)
    if not done_id:
        return _SCAN % (_HEADS[partition], len(bucket), *body)
    key = functions.done_key(partition, done_id)
    return _SCAN_DONE % (_DONE_HEADS[partition], len(bucket), bucket, len(key), key, *body[1:], _DONE)


@lru_cache(maxsize=CATALOGUES_KEPT)
def knowledge(generation: int, catalogue: int, entries_max: int) -> bytes:
    """What a caller believes, as three arguments."""
    return b"".join(_bulk(b"%d" % number) for number in (generation, catalogue, entries_max))


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


_BODY: Final = b"%b%b%b$%d\r\n%b\r\n$4\r\n%b\r\n$5\r\n%b\r\n$%d\r\n%b\r\n"
_SCAN: Final = b"%b$%d\r\n%b\r\n" + _BODY
_SCAN_DONE: Final = b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n" + _BODY + b"%b"
_HEADS: Final = tuple(_head(partition, keys=3, args=9) for partition in range(functions.PARTITIONS))
_DONE_HEADS: Final = tuple(_head(partition, keys=4, args=10) for partition in range(functions.PARTITIONS))
_FIELDS: Final = tuple(_bulk(b"%d" % field) for field in range(functions.FIELDS))
_MODES: Final = {mode: _bulk(mode.value.encode()) for mode in Mode}
_DONE: Final = _bulk(b"%d" % DONE_S)
