"""One entry of the scan log: what the edge saw, before anyone judged it.

Promise: what stands here is enough to judge the scan again, with the state that the Redis function puts beside it. Members are
only ever added at the end, with a default, so that entries of an older edge can be read. Refused by `decode`: everything else.
"""

from datetime import UTC, datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from scanservice import evidence
from scanservice.verdicts import Reason, Role, Signature, Standing

# Version 7 ids say when they were made; ids made from a client's own id are version 8 (RFC 9562 section 5.8) and say nothing.
_VERSION_OF_TIME: Final = 7
_VERSION_BITS: Final = 76
_TIME_BITS: Final = 80
ENTRY_FIELD: Final = b"e"
BEFORE_FIELD: Final = b"s"
# An entry and its share of the stream, measured; LOG_BYTES_MAX divided by it is the number of entries that Redis may hold.
ENTRY_BYTES: Final = 160
_TRACE_BYTES: Final = (0, 16)


class EntryMalformed(ValueError):  # noqa: N818 - it says what the entry is
    code: ClassVar[str] = "entry_malformed"


class Sighting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`at_ms` is Unix time by the edge's clock; `confirmed` when a person looked; `serial` only where we never made the code."""

    scan_id: UUID
    tenant_id: int
    at_ms: int
    confirmed: bool
    visitor: bytes
    whence: bytes
    ip: bytes
    standing: Standing
    gtin: str
    lot: str = ""
    epoch: int | None = None
    counter: int | None = None
    order_id: UUID | None = None
    client: str = ""
    language: str = ""
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    serial: str = ""
    standing_reason: str = ""
    role: Role = Role.CONSUMER
    # The product's weights at that time: who judges again has no catalogue.
    stranger_rate_pm: int = evidence.STRANGER_RATE_PM
    suspect_at_db: int = evidence.SUSPECT_AT_DB
    url_signature: Signature = Signature.NONE
    # What the edge found remarkable about the report itself: a device's late or wrong clock.
    marks: tuple[Reason, ...] = ()
    # The caller's own trace (W3C Trace Context), where it sent one: 16 bytes.
    trace: bytes = b""


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
_decoder = msgspec.msgpack.Decoder(Sighting)


def encode(sighting: Sighting) -> bytes:
    return _encoder.encode(sighting)


def decode(entry: bytes) -> Sighting:
    try:
        sighting = _decoder.decode(entry)
    except (msgspec.DecodeError, ValueError) as error:
        raise EntryMalformed(str(error)) from error
    if len(sighting.trace) not in _TRACE_BYTES:
        raise EntryMalformed(f"a trace of {len(sighting.trace)} bytes")
    if (sighting.epoch is None) != (sighting.counter is None):
        raise EntryMalformed("epoch and counter belong together")
    if "\0" in sighting.serial + sighting.gtin + sighting.lot + sighting.client + sighting.language + sighting.standing_reason:
        raise EntryMalformed("a text with a NUL, which PostgreSQL does not take")
    return sighting


def scanned_at(sighting: Sighting) -> datetime:
    """The time of the row. A page and its beacon share a scan id, and with it the time inside, whichever of them is read first."""
    return datetime.fromtimestamp(scanned_at_ms(sighting) / 1000, UTC)


def scanned_at_ms(sighting: Sighting) -> int:
    number = sighting.scan_id.int
    return number >> _TIME_BITS if number >> _VERSION_BITS & 0xF == _VERSION_OF_TIME else sighting.at_ms


def at(sighting: Sighting) -> datetime:
    return datetime.fromtimestamp(sighting.at_ms / 1000, UTC)
