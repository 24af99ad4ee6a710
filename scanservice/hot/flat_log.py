"""Entries of the scan log as edges wrote them up to 0.1: all members in one array. They are read, and never written again.

An edge and an ingester of different ages stand side by side while a box is brought up to date, and what waited in the log then was answered.
"""

from typing import Final
from uuid import UUID

import msgspec

from scanservice import evidence
from scanservice.verdicts import Reason, Role, Signature, Standing


class FlatSighting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """As scanservice.hot.log.Sighting, with the members of `known` and `visit` among the others."""

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
    stranger_rate_pm: int = evidence.STRANGER_RATE_PM
    suspect_at_db: int = evidence.SUSPECT_AT_DB
    url_signature: Signature = Signature.NONE
    marks: tuple[Reason, ...] = ()
    trace: bytes = b""


decoder: Final = msgspec.msgpack.Decoder(FlatSighting)
