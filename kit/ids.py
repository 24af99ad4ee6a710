"""Time-ordered ids: UUID version 7 (RFC 9562 section 5.7)."""

import os
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from kit.clock import unix_ms

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_CHANCE_BYTES = 10
_IDS_DRAWN = 256
# The two fields of chance: 12 bits above the variant, 62 bits below it.
_CHANCE = (0xFFF << 64) | ((1 << 62) - 1)


# Chance for the next ids: asking the system for each takes longer than all the rest of making one. Taking one off is a single step, so
# threads never share one.
_drawn: list[bytes] = []
os.register_at_fork(after_in_child=_drawn.clear)


def _draw() -> bytes:
    """Draws for many ids; returns one of them."""
    many = os.urandom(_CHANCE_BYTES * _IDS_DRAWN)
    one, *rest = (many[at : at + _CHANCE_BYTES] for at in range(0, len(many), _CHANCE_BYTES))
    _drawn.extend(rest)
    return one


def uuid7(now: datetime) -> UUID:
    """An id that sorts by `now` in milliseconds; the other 74 bits are unguessable."""
    return uuid7_at(unix_ms(now))


def uuid7_at(at_ms: int) -> UUID:
    try:
        drawn = _drawn.pop()
    except IndexError:
        drawn = _draw()
    chance = int.from_bytes(drawn) & _CHANCE
    number = (at_ms << 80) | _VERSION | _VARIANT | chance
    # A quarter of the time that UUID(int=...) takes.
    return msgspec.convert(number.to_bytes(16), UUID)


def instant_of(identifier: UUID) -> datetime:
    """The instant inside a version 7 id, to the millisecond. Raises ValueError for other versions."""
    if identifier.version != 7:  # noqa: PLR2004 - the version is the fact
        raise ValueError(f"{identifier} is no UUID version 7")
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
