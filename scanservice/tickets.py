"""Tickets: what the edge gives a phone so that the page can show the verdict and a claim can prove a real scan.

A ticket is signed and stateless: MessagePack of its fields and 16 bytes of keyed BLAKE2b, in base64url. It lives for half an hour, is
bound to brand, code, scan and visitor, and holds a serial only where nothing was recorded of the code: of one that nobody made, and
in a preview, whose page offers to check it. Refused: a ticket whose signature does not fit (`ticket_invalid`) and one that is too old
(`ticket_expired`).
"""

import base64
import binascii
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from kit import seals
from kit.refusals import Gone, Malformed
from scanservice.verdicts import Reason, Verdict

TTL: Final = timedelta(minutes=30)
_TTL_S: Final = int(TTL.total_seconds())
KEY_PURPOSE: Final = "onemark/ticket"
TEXT_LENGTH_MAX: Final = 1024
_MAC_BYTES: Final = 16
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class TicketInvalid(Malformed):
    code: ClassVar[str] = "ticket_invalid"
    says: ClassVar[str] = "This ticket was not issued here. Scan the code again."


class TicketExpired(Gone):
    code: ClassVar[str] = "ticket_expired"
    says: ClassVar[str] = "This ticket is older than 30 minutes. Scan the code again."


class Stage:
    """How far a scan is: `preview` was not recorded (a bot, a prefetch), `seen` awaits its beacon, `confirmed` is final."""

    PREVIEW: Final = "preview"
    SEEN: Final = "seen"
    CONFIRMED: Final = "confirmed"


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """Codes that we never made have neither epoch nor counter; a preview has no verdict."""

    tenant_id: int
    stage: str
    verdict: Verdict | None
    reasons: tuple[Reason, ...]
    gtin: str
    scan_id: UUID
    visitor: bytes
    expires_at_s: int
    serial: str = ""
    lot: str = ""
    kind: str = ""
    epoch: int | None = None
    counter: int | None = None
    order_id: UUID | None = None


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
_decoder = msgspec.msgpack.Decoder(Ticket)


def expiry_s(at_ms: int) -> int:
    return at_ms // 1000 + _TTL_S


def seal(ticket: Ticket, *, key: bytes) -> str:
    body = _encoder.encode(ticket)
    return (
        binascii.b2a_base64(seals.keyed_hash(key, body, size_bytes=_MAC_BYTES) + body, newline=False)
        .translate(_URL_SAFE, b"=")
        .decode()
    )


def read(text: str, *, key: bytes, now: datetime) -> Ticket:
    try:
        ticket = _decoder.decode(_verified(text, key=key))
    except msgspec.DecodeError as error:
        # Signed by us in another version's layout: for the phone the same as a ticket that is not ours.
        raise TicketInvalid from error
    if ticket.expires_at_s <= now.timestamp():
        raise TicketExpired
    return ticket


def _verified(text: str, *, key: bytes) -> bytes:
    if len(text) > TEXT_LENGTH_MAX:
        raise TicketInvalid
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TicketInvalid from error
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not seals.same(mac, seals.keyed_hash(key, body, size_bytes=_MAC_BYTES)):
        raise TicketInvalid
    return body
