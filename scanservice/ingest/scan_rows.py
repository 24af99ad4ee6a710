"""A scan as PostgreSQL keeps it, and how such rows travel there: PostgreSQL's binary COPY format, made a piece at a time.

Promises: what arrives are the row's values, to the microsecond and the last bit of a position. Binary, because writing numbers and
times as text and reading them again took PostgreSQL and us longer than everything else that happens to a scan; and values that most
scans share (product, lot, client, language) are written once and remembered. Whoever has a row's values at hand in PostgreSQL's own
measures (`write`) need not make a `ScanRow` of them first, which for a live scan cost more than writing it.

Source of the format: PostgreSQL's documentation of COPY, "Binary Format", and the receive functions of its types.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton
from struct import Struct
from typing import Final
from uuid import UUID

import msgspec

from scanservice.verdicts import Reason

ROWS_IN_PIECE: Final = 1_000
SHARED_KEPT: Final = 1 << 14
# PostgreSQL counts its time from here.
SINCE: Final = datetime(2000, 1, 1, tzinfo=UTC)


class ScanRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`serial` is filled where we never made the code, and then epoch and counter are not."""

    tenant_id: int
    scan_id: UUID
    scanned_at: datetime
    confirmed_at: datetime | None
    epoch: int | None
    counter: int | None
    order_id: UUID | None
    gtin: str
    lot: str
    serial: str
    verdict: str
    reasons: tuple[Reason, ...]
    role: str
    visitor: bytes
    whence: bytes
    ip: str | None
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    division: str
    client: str
    language: str
    source: str


COLUMNS: Final = (
    *("tenant_id", "scan_id", "scanned_at", "confirmed_at", "epoch", "counter"),
    *("order_id", "gtin", "lot", "serial", "role", "client", "language", "source"),
    *("verdict", "division", "reasons", "visitor", "whence", "ip", "latitude", "longitude", "accuracy_m"),
)
"""In the order in which `write` writes them."""
assert set(COLUMNS) == set(ScanRow.__struct_fields__)  # noqa: S101 - a column that is not copied would be NULL

_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_NULL_PAIR: Final = _NULL * 2
_MICROSECOND: Final = timedelta(microseconds=1)
_LENGTH: Final = Struct(">i")
_KEY: Final = Struct(">hiqi16siq")
_INT8: Final = Struct(">iq")
_CODE: Final = Struct(">ihiq")
_POSITION: Final = Struct(">idid")
_FLOAT8: Final = Struct(">id")
_JSONB_VERSION: Final = b"\x01"
# PostgreSQL's own numbers: its AF_INET, and the next one for IPv6; whole addresses, no networks.
_ADDRESSES: Final = {0: _NULL, 4: _LENGTH.pack(8) + bytes((2, 32, 0, 4)), 16: _LENGTH.pack(20) + bytes((3, 128, 0, 16))}
_json: Final = msgspec.json.Encoder()


class Line(msgspec.Struct, frozen=True, gc=False):
    """A row as it travels, with what has to be known of it on the way. `written` is its part of the body of a COPY."""

    tenant_id: int
    scanned_us: int
    written: bytes


def line(row: ScanRow) -> Line:
    return write(
        tenant_id=row.tenant_id,
        scan_id=row.scan_id.bytes,
        scanned_us=(row.scanned_at - SINCE) // _MICROSECOND,
        confirmed_us=None if row.confirmed_at is None else (row.confirmed_at - SINCE) // _MICROSECOND,
        epoch=row.epoch,
        counter=row.counter,
        shared=shared(
            None if row.order_id is None else row.order_id.int,
            *(row.gtin, row.lot, row.serial, row.role, row.client, row.language, row.source),
        ),
        verdict=row.verdict,
        division=row.division,
        reasons=row.reasons,
        visitor=row.visitor,
        whence=row.whence,
        ip=b"" if row.ip is None else inet_pton(AF_INET6 if ":" in row.ip else AF_INET, row.ip),
        latitude=row.latitude,
        longitude=row.longitude,
        accuracy_m=row.accuracy_m,
    )


@lru_cache(maxsize=SHARED_KEPT)
def shared(order_number: int | None, *texts: str) -> bytes:
    """The columns from `order_id` (its 128 bits as a number: numbers are found faster than UUIDs) to `source`, as they are written."""
    order_id = None if order_number is None else order_number.to_bytes(16, "big")
    return b"".join(_NULL if value is None else _LENGTH.pack(len(value)) + value for value in (order_id, *map(str.encode, texts)))


def write(
    *,
    tenant_id: int,
    scan_id: bytes,
    scanned_us: int,
    confirmed_us: int | None,
    epoch: int | None,
    counter: int | None,
    shared: bytes,
    verdict: str,
    division: str,
    reasons: tuple[Reason, ...],
    visitor: bytes,
    whence: bytes,
    ip: bytes,
    latitude: float | None,
    longitude: float | None,
    accuracy_m: float | None,
) -> Line:
    """Times in microseconds since 2000-01-01Z, `ip` packed and empty where it is unknown, `shared` by the function of that name."""
    said, why, where = verdict.encode(), _json.encode(reasons), division.encode()
    written = b"".join(
        (
            _KEY.pack(len(COLUMNS), 8, tenant_id, 16, scan_id, 8, scanned_us),
            _NULL if confirmed_us is None else _INT8.pack(8, confirmed_us),
            _NULL_PAIR if epoch is None else _CODE.pack(2, epoch, 8, counter),
            shared,
            _LENGTH.pack(len(said)),
            said,
            _LENGTH.pack(len(where)),
            where,
            _LENGTH.pack(len(why) + 1),
            _JSONB_VERSION,
            why,
            _LENGTH.pack(len(visitor)),
            visitor,
            _LENGTH.pack(len(whence)),
            whence,
            _ADDRESSES[len(ip)],
            ip,
            _NULL_PAIR if latitude is None or longitude is None else _POSITION.pack(8, latitude, 8, longitude),
            _NULL if accuracy_m is None else _FLOAT8.pack(8, accuracy_m),
        )
    )
    return Line(tenant_id, scanned_us, written)


def pieces(lines: Sequence[Line]) -> Iterator[bytes]:
    """The whole body of a `COPY ... (COLUMNS) FROM STDIN (FORMAT BINARY)`."""
    yield _BEGIN
    for first in range(0, len(lines), ROWS_IN_PIECE):
        yield b"".join([one.written for one in lines[first : first + ROWS_IN_PIECE]])
    yield _END
