"""Time-ordered ids: UUID version 7 (RFC 9562 section 5.7)."""

import os
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from kit.clock import unix_ms

_TIME_BYTES = 6
# Version and 12 bits of chance, variant and 62 bits of chance.
_TAIL_BYTES = 10
_VERSION = 0x70
_VARIANT = 0x80
_IDS_DRAWN = 256

# The ends of the next ids: to ask the system for each takes longer than all the rest of making one. Taking one off is a single step, so
# threads never share one.
_tails: list[bytes] = []
os.register_at_fork(after_in_child=_tails.clear)


def _draw() -> bytes:
    """Draws for many ids; returns the end of one."""
    many = bytearray(os.urandom(_TAIL_BYTES * _IDS_DRAWN))
    for at in range(0, len(many), _TAIL_BYTES):
        many[at] = _VERSION | many[at] & 0x0F
        many[at + 2] = _VARIANT | many[at + 2] & 0x3F
    one, *rest = (bytes(many[at : at + _TAIL_BYTES]) for at in range(0, len(many), _TAIL_BYTES))
    _tails.extend(rest)
    return one


def uuid7(now: datetime) -> UUID:
    """An id that sorts by `now` in milliseconds; the other 74 bits are unguessable."""
    return uuid7_at(unix_ms(now))


def uuid7_at(at_ms: int) -> UUID:
    try:
        tail = _tails.pop()
    except IndexError:
        tail = _draw()
    # A quarter of the time that UUID(bytes=...) takes.
    return msgspec.convert(at_ms.to_bytes(_TIME_BYTES) + tail, UUID)


def instant_of(identifier: UUID) -> datetime:
    """The instant inside a version 7 id, to the millisecond. Raises ValueError for other versions."""
    if identifier.version != 7:  # noqa: PLR2004 - the version is the fact
        raise ValueError(f"{identifier} is no UUID version 7")
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
