"""`POST /v1/scans`: apps and devices report scans, one or up to 1000 at once. Each is confirmed at once.

Promises: each item of a batch has its own answer, in order, and one bad item spoils no other. What a scan may say is `senders`' matter, and
what becomes of a batch is `batches`'. Refused: bodies that are no such objects, and batches that are too long.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

import msgspec

from kit.refusals import Invalid, Refusal
from scanservice.edge import senders
from scanservice.edge.batches import Batch
from scanservice.edge.http import NOT_READ, Answer, Request, json
from scanservice.edge.parts import Parts, verdict_document
from scanservice.edge.senders import Report, ReportMalformed, Sender

PATH: Final = b"/v1/scans"
BODY_BYTES_MAX: Final = 1 << 20
ITEMS_MAX: Final = 1000
ITEMS_IN_ONE_TURN: Final = 250


class BatchTooLong(Invalid):
    code: ClassVar[str] = "batch_too_long"
    says: ClassVar[str] = "A batch holds 1 to {items_max} scans; this one has {items}."


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """`sent_at` is the device's clock when it sends: what it is off is taken from the times of its scans."""

    scans: list[Report] | None = None
    sent_at: datetime | None = None


class UnevenBody(msgspec.Struct, frozen=True, kw_only=True):
    """Where not every scan is one: each has to be read by itself."""

    scans: list[msgspec.Raw] | None = None
    sent_at: datetime | None = None


_decoder = msgspec.json.Decoder(Body)
_uneven_decoder = msgspec.json.Decoder(UnevenBody)


async def answer(parts: Parts, request: Request) -> Answer:
    body = await request.body(bytes_max=BODY_BYTES_MAX)
    read = _read(body)
    now = parts.clock.now()
    device = parts.devices.of(request, parts.shelf.catalogue, sent_at=read.sent_at, now=now)
    if read.scans is None:
        parts.devices.count(device, 1, address=request.address, now=now)
        answered = await parts.scanner.scan(Sender(parts, request, device, now=now).scan(senders.read(body)))
        return json(200, verdict_document(answered, key=parts.ticket_key))
    if not 1 <= len(read.scans) <= ITEMS_MAX:
        raise BatchTooLong(items=len(read.scans), items_max=ITEMS_MAX)
    parts.devices.count(device, len(read.scans), address=request.address, now=now)
    return json(200, {"results": await _many(parts, Sender(parts, request, device, now=now), read.scans)})


def _read(body: bytes) -> Body | UnevenBody:
    try:
        return _decoder.decode(body)
    except NOT_READ:
        pass
    try:
        return _uneven_decoder.decode(body)
    except NOT_READ as error:
        raise ReportMalformed(why=str(error)) from error


async def _many(parts: Parts, sender: Sender, told: Sequence[Report | msgspec.Raw]) -> list[msgspec.Raw]:
    """In order. While some are on their way to Redis the next are made, and other requests have their turns between."""
    batch = Batch(parts, len(told), instance=PATH.decode())
    for start in range(0, len(told), ITEMS_IN_ONE_TURN):
        scans = []
        for place, one in enumerate(told[start : start + ITEMS_IN_ONE_TURN], start):
            try:
                scans.append((place, sender.scan(one if isinstance(one, Report) else senders.read(one))))
            except Refusal as refusal:
                batch.refuse(place, refusal)
        batch.begin(scans)
        batch.record()
        await asyncio.sleep(0)
    return await batch.results()
