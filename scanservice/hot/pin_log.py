"""One entered PIN in the scan log: which code, who, when, and what came of it. Never the PIN.

Promise: what stands here is enough to rebuild the state and the limits. Refused by `read`: everything else.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from scanservice.hot.log import EntryMalformed
from scanservice.hot.pin_tries import Lane, Outcome
from scanservice.hot.state import VISITOR_BYTES

ENTRY_FIELD: Final = b"p"
OUTCOME_FIELD: Final = b"o"
LANE_FIELD: Final = b"l"
_LOGGED: Final = {b"right": Outcome.RIGHT, b"wrong": Outcome.WRONG}


class PinEntry(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """What the edge knows of a try; outcome and lane are the Redis function's. `scan_id` is the scan whose page it was entered on."""

    try_id: UUID
    tenant_id: int
    epoch: int
    counter: int
    at_ms: int
    scan_id: UUID
    visitor: bytes
    whence: bytes


class LoggedTry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    entry: PinEntry
    outcome: Outcome
    lane: Lane


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
_decoder = msgspec.msgpack.Decoder(PinEntry)


def encode(entry: PinEntry) -> bytes:
    return _encoder.encode(entry)


def read(fields: Mapping[bytes, bytes]) -> LoggedTry:
    try:
        entry = _decoder.decode(fields[ENTRY_FIELD])
        logged = LoggedTry(entry=entry, outcome=_LOGGED[fields[OUTCOME_FIELD]], lane=Lane(fields[LANE_FIELD].decode("ascii")))
    except (KeyError, ValueError) as error:
        raise EntryMalformed(f"no try of a PIN: {error}") from error
    if len(entry.visitor) < VISITOR_BYTES:
        raise EntryMalformed(f"a visitor of {len(entry.visitor)} bytes")
    return logged


def at(entry: PinEntry) -> datetime:
    return datetime.fromtimestamp(entry.at_ms / 1000, UTC)
