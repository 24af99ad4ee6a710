"""A scan as PostgreSQL keeps it, and how such rows travel there: PostgreSQL's binary COPY format, made a piece at a time.

Promises: what arrives are the row's values, to the microsecond and the last bit of a position. Binary, because writing numbers and
times as text and reading them again took PostgreSQL and us longer than everything else that happens to a scan; and values that most
scans share (product, lot, client, language) are written once and remembered.

Source of the format: PostgreSQL's documentation of COPY, "Binary Format", and the receive functions of its types.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from socket import AF_INET, AF_INET6, inet_pton
from struct import Struct
from typing import Final
from uuid import UUID

import msgspec

from scanservice.verdicts import Reason

ROWS_IN_PIECE: Final = 1_000
WORDS_KEPT: Final = 1 << 14
ADDRESSES_KEPT: Final = 1 << 14


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
"""In the order in which `pieces` writes them."""
assert set(COLUMNS) == set(ScanRow.__struct_fields__)  # noqa: S101 - a column that is not copied would be NULL

_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_NULL_PAIR: Final = _NULL * 2
_SINCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LENGTH: Final = Struct(">i")
_KEY: Final = Struct(">hiqi16siq")
_INT8: Final = Struct(">iq")
_CODE: Final = Struct(">ihiq")
_POSITION: Final = Struct(">idid")
_FLOAT8: Final = Struct(">id")
_JSONB_VERSION: Final = b"\x01"
# PostgreSQL's own numbers: its AF_INET, and the next one for IPv6; whole addresses, no networks.
_INET4: Final = bytes((2, 32, 0, 4))
_INET6: Final = bytes((3, 128, 0, 16))


def pieces(rows: Iterable[ScanRow]) -> Iterator[bytes]:
    """The whole body of a `COPY ... (COLUMNS) FROM STDIN (FORMAT BINARY)`."""
    yield _BEGIN
    left = iter(rows)
    while some := list(islice(left, ROWS_IN_PIECE)):
        yield b"".join([_row(row) for row in some])
    yield _END


def _row(row: ScanRow) -> bytes:
    reasons = msgspec.json.encode(row.reasons)
    return b"".join(
        (
            _KEY.pack(len(COLUMNS), 8, row.tenant_id, 16, row.scan_id.bytes, 8, (row.scanned_at - _SINCE) // _MICROSECOND),
            _NULL if row.confirmed_at is None else _INT8.pack(8, (row.confirmed_at - _SINCE) // _MICROSECOND),
            _NULL_PAIR if row.epoch is None else _CODE.pack(2, row.epoch, 8, row.counter),
            _words(row.order_id, row.gtin, row.lot, row.serial, row.role, row.client, row.language, row.source),
            _text(row.verdict),
            _text(row.division),
            _LENGTH.pack(len(reasons) + 1),
            _JSONB_VERSION,
            reasons,
            _LENGTH.pack(len(row.visitor)),
            row.visitor,
            _LENGTH.pack(len(row.whence)),
            row.whence,
            _NULL if row.ip is None else _address(row.ip),
            _position(row.latitude, row.longitude),
            _NULL if row.accuracy_m is None else _FLOAT8.pack(8, row.accuracy_m),
        )
    )


def _position(latitude: float | None, longitude: float | None) -> bytes:
    if latitude is None or longitude is None:
        return _NULL_PAIR
    return _POSITION.pack(8, latitude, 8, longitude)


@lru_cache(maxsize=WORDS_KEPT)
def _words(order_id: UUID | None, *texts: str) -> bytes:
    return _field(None if order_id is None else order_id.bytes) + b"".join(_field(text.encode()) for text in texts)


@lru_cache(maxsize=WORDS_KEPT)
def _text(text: str) -> bytes:
    return _field(text.encode())


@lru_cache(maxsize=ADDRESSES_KEPT)
def _address(text: str) -> bytes:
    return _field(_INET6 + inet_pton(AF_INET6, text) if ":" in text else _INET4 + inet_pton(AF_INET, text))


def _field(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH.pack(len(value)) + value
