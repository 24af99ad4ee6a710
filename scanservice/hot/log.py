"""One entry of the scan log: what the edge saw, before anyone judged it.

Promise: what stands here is enough to judge the scan again, with the state that the Redis function puts beside it. Members are
only ever added at the end, with a default, so that entries of an older edge can be read. What many scans have in common, their codes'
facts and their sender's visit, is packed once and put into each entry as bytes. Refused by `decode`: everything else.
"""

from datetime import UTC, datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from scanservice import evidence
from scanservice.hot import flat_log
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


class Known(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the catalogue said of the code. `epoch` and `order_id` are None where nobody made it."""

    tenant_id: int
    standing: Standing
    standing_reason: str
    gtin: str
    lot: str
    epoch: int | None = None
    order_id: UUID | None = None
    # The product's weights at that time: who judges again has no catalogue.
    stranger_rate_pm: int = evidence.STRANGER_RATE_PM
    suspect_at_db: int = evidence.SUSPECT_AT_DB


class Visit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who scanned, from where and with what; `confirmed` when a person looked."""

    confirmed: bool
    visitor: bytes
    whence: bytes
    ip: bytes
    client: str = ""
    language: str = ""
    role: Role = Role.CONSUMER
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    url_signature: Signature = Signature.NONE
    # What the edge found remarkable about the report itself: a device's late or wrong clock.
    marks: tuple[Reason, ...] = ()
    # The caller's own trace (W3C Trace Context), where it sent one: 16 bytes.
    trace: bytes = b""


class Sighting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`at_ms` is Unix time by the edge's clock; `serial` stands only where we never made the code, and `counter` only where we did."""

    scan_id: UUID
    at_ms: int
    counter: int | None
    serial: str
    known: Known
    visit: Visit


class _Packed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A sighting with its two larger parts in bytes."""

    scan_id: UUID
    at_ms: int
    counter: int | None
    serial: str
    known: msgspec.Raw
    visit: msgspec.Raw


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
_decoder = msgspec.msgpack.Decoder(Sighting)


def pack(part: Known | Visit) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(part))


def encode(scan_id: UUID, at_ms: int, counter: int | None, serial: str, known: msgspec.Raw, visit: msgspec.Raw) -> bytes:
    return _encoder.encode(_Packed(scan_id, at_ms, counter, serial, known, visit))


def decode(entry: bytes) -> Sighting:
    try:
        sighting = _decoder.decode(entry)
    except (msgspec.DecodeError, ValueError) as error:
        sighting = _decode_flat(entry, error)
    known, visit = sighting.known, sighting.visit
    if len(visit.trace) not in _TRACE_BYTES:
        raise EntryMalformed(f"a trace of {len(visit.trace)} bytes")
    if (known.epoch is None) != (sighting.counter is None):
        raise EntryMalformed("epoch and counter belong together")
    if "\0" in sighting.serial + known.gtin + known.lot + visit.client + visit.language + known.standing_reason:
        raise EntryMalformed("a text with a NUL, which PostgreSQL does not take")
    return sighting


def _decode_flat(entry: bytes, error: Exception) -> Sighting:
    try:
        flat = flat_log.decoder.decode(entry)
    except (msgspec.DecodeError, ValueError):
        raise EntryMalformed(str(error)) from error
    parts = {part: {name: getattr(flat, name) for name in part.__struct_fields__} for part in (Known, Visit)}
    return Sighting(flat.scan_id, flat.at_ms, flat.counter, flat.serial, Known(**parts[Known]), Visit(**parts[Visit]))


def scanned_at(sighting: Sighting) -> datetime:
    """The time of the row. A page and its beacon share a scan id, and with it the time inside, whichever of them is read first."""
    return datetime.fromtimestamp(scanned_at_ms(sighting) / 1000, UTC)


def scanned_at_ms(sighting: Sighting) -> int:
    number = sighting.scan_id.int
    return number >> _TIME_BITS if number >> _VERSION_BITS & 0xF == _VERSION_OF_TIME else sighting.at_ms
