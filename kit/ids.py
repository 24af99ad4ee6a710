"""Time-ordered ids: UUID version 7 (RFC 9562 section 5.7)."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_HIGH_BITS = 12
_RANDOM_LOW_BITS = 62


def uuid7(now: datetime) -> UUID:
    """An id that sorts by `now` in milliseconds; the other 74 bits are unguessable."""
    ms = int(now.timestamp() * 1000)
    chance = secrets.randbits(_RANDOM_HIGH_BITS + _RANDOM_LOW_BITS)
    high, low = chance >> _RANDOM_LOW_BITS, chance & ((1 << _RANDOM_LOW_BITS) - 1)
    return UUID(int=(ms << 80) | _VERSION | (high << 64) | _VARIANT | low)


def instant_of(identifier: UUID) -> datetime:
    """The instant inside a version 7 id, to the millisecond. Raises ValueError for other versions."""
    if identifier.version != 7:  # noqa: PLR2004 - the version is the fact
        raise ValueError(f"{identifier} is no UUID version 7")
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
