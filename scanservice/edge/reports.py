"""`POST /v1/scans`: apps and devices report scans, one or up to 1000 at once. Each is confirmed at once.

Promises: each item of a batch has its own answer, in order, and one bad item spoils no other; the same `scan_id` of the same client
for the same code is one scan. Who may say what is `devices`' matter. Refused: bodies that are no such objects, batches that are too long, codes of another brand.
"""

import asyncio
import hashlib
import re
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from codegen import cipher, digital_link, gtin
from kit import ids
from kit.refusals import Conflict, Invalid, Malformed, Refusal, problem
from scanservice import visitors
from scanservice.catalogue import Asked, Elsewhere
from scanservice.edge import positions, url_marks, visits
from scanservice.edge.clients import USER_AGENT_BYTES_MAX
from scanservice.edge.devices import Claims, Device
from scanservice.edge.http import NOT_READ, Answer, Request, json
from scanservice.edge.parts import Parts, host_name, language, verdict_document
from scanservice.edge.recorder import CatalogueOld
from scanservice.edge.scanning import Answered, Repeat, Scan, Sent
from scanservice.verdicts import Role

PATH: Final = b"/v1/scans"
BODY_BYTES_MAX: Final = 1 << 20
ITEMS_MAX: Final = 1000
ITEMS_IN_ONE_TURN: Final = 128
URL_CHARS_MAX: Final = 2048
VISITOR_ID_CHARS_MAX: Final = 200
# With the spaces and hyphens that people put between groups.
TYPED_CHARS_MAX: Final = 60
# What we print ourselves needs no parser.
_PRINTED: Final = re.compile(
    r"[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9.-]+(?::[0-9]{1,5})?)/01/([0-9]{14})/21/([0-9A-HJKMNP-TV-Z]{20})"
)
_VERSION_8: Final = 0x8 << 76
_VARIANT: Final = 0b10 << 62
_VERSION_MASK: Final = ~((0xF << 76) | (0b11 << 62))


class ReportMalformed(Malformed):
    code: ClassVar[str] = "report_malformed"
    says: ClassVar[str] = "This is no scan: {why}."


class BatchTooLong(Invalid):
    code: ClassVar[str] = "batch_too_long"
    says: ClassVar[str] = "A batch holds 1 to {items_max} scans; this one has {items}."


class CodeNotNamed(Invalid):
    code: ClassVar[str] = "code_not_named"
    says: ClassVar[str] = "A scan names its code by `url`, or by `serial` with or without `gtin`."


class SerialMalformed(Invalid):
    code: ClassVar[str] = "serial_malformed"
    says: ClassVar[str] = "A serial has 1 to {length_max} letters and digits."


class OtherBrand(Conflict):
    code: ClassVar[str] = "other_brand"
    says: ClassVar[str] = "This code belongs to a brand that is found under {origin}."


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One scan as a client tells it."""

    url: str = ""
    serial: str = ""
    gtin: str = ""
    visitor_id: str = ""
    scan_id: UUID | None = None
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    role: Role = Role.CONSUMER
    ip: str = ""
    scanned_at: datetime | None = None

    @property
    def claims(self) -> Claims:
        return Claims(role=self.role, visitor_id=self.visitor_id, ip=self.ip, scanned_at=self.scanned_at)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """`sent_at` is the device's clock when it sends: what it is off is taken from the times of its scans."""

    scans: list[msgspec.Raw] | None = None
    sent_at: datetime | None = None


_report_decoder = msgspec.json.Decoder(Report)
_batch_decoder = msgspec.json.Decoder(Batch)


async def answer(parts: Parts, request: Request) -> Answer:
    body = await request.body(bytes_max=BODY_BYTES_MAX)
    try:
        batch = _batch_decoder.decode(body)
    except NOT_READ as error:
        raise ReportMalformed(why=str(error)) from error
    now = parts.clock.now()
    device = parts.devices.of(request, parts.shelf.catalogue, sent_at=batch.sent_at, now=now)
    if batch.scans is None:
        parts.devices.count(device, 1, now=now)
        answered = await parts.scanner.scan(_scan(parts, request, device, _report(body)))
        return json(200, verdict_document(answered, key=parts.ticket_key))
    if not 1 <= len(batch.scans) <= ITEMS_MAX:
        raise BatchTooLong(items=len(batch.scans), items_max=ITEMS_MAX)
    parts.devices.count(device, len(batch.scans), now=now)
    return json(200, {"results": await _many(parts, request, device, batch.scans)})


async def _many(parts: Parts, request: Request, device: Device, raws: list[msgspec.Raw]) -> list[dict[str, object]]:
    """In order, without a task for each. While one part is on its way to Redis the next is made, and other requests have their turn."""
    begun: list[_Begun] = []
    for start in range(0, len(raws), ITEMS_IN_ONE_TURN):
        begun += [_begin(parts, request, device, raw) for raw in raws[start : start + ITEMS_IN_ONE_TURN]]
        await asyncio.sleep(0)
    return [await _result(parts, one) for one in begun]


_Begun = Sent | Refusal | asyncio.Task[Answered]


def _begin(parts: Parts, request: Request, device: Device, raw: msgspec.Raw) -> _Begun:
    try:
        scan = _scan(parts, request, device, _report(raw))
    except Refusal as refusal:
        return refusal
    return parts.scanner.send(scan) or asyncio.get_running_loop().create_task(parts.scanner.scan(scan))


async def _result(parts: Parts, begun: _Begun) -> dict[str, object]:
    try:
        if isinstance(begun, Refusal):
            raise begun
        answered = await (_answered(parts, begun) if isinstance(begun, Sent) else begun)
    except Refusal as refusal:
        return problem(refusal, instance=PATH.decode())
    return {"status": 200, **verdict_document(answered, key=parts.ticket_key)}


async def _answered(parts: Parts, sent: Sent) -> Answered:
    try:
        return parts.scanner.judged(sent.scan, sent.item, await sent.recorded)
    except CatalogueOld:
        return await parts.scanner.scan(sent.scan)


def _report(raw: bytes | msgspec.Raw) -> Report:
    try:
        return _report_decoder.decode(raw)
    except NOT_READ as error:
        raise ReportMalformed(why=str(error)) from error


def _scan(parts: Parts, request: Request, device: Device, report: Report) -> Scan:
    claims = report.claims
    device.allow(claims)
    asked = _asked(parts, request, report)
    device.serves(asked.tenant_id)
    at, marks = device.scanned_at(claims, now=parts.clock.now())
    visitor = _visitor(parts, request, device.visitor_id(claims), tenant_id=asked.tenant_id)
    address = device.address(claims, request)
    position = positions.checked(latitude=report.latitude, longitude=report.longitude, accuracy_m=report.accuracy_m)
    return Scan(
        asked=asked,
        scan_id=ids.uuid7(at) if report.scan_id is None else _scan_id(asked, visitor, report.scan_id),
        at=at,
        confirmed=True,
        repeat=Repeat.NEVER if report.scan_id is None else Repeat.POSSIBLE,
        visitor=visitor,
        whence=parts.whence(address, position),
        address=address,
        client="api",
        language=language(request.headers.get(b"accept-language", b"")),
        position=position,
        role=claims.role,
        marks=marks,
        signature=url_marks.of_url(parts, asked, report.url),
    )


def _asked(parts: Parts, request: Request, report: Report) -> Asked:
    host = host_name(request.host)
    if report.url:
        number, serial, url_host = _of_url(report.url)
        if parts.shelf.catalogue.knows_host(url_host):
            host = url_host
    elif report.serial:
        number = gtin.normalise(report.gtin) if report.gtin else ""
        serial = cipher.normalise(report.serial[:TYPED_CHARS_MAX])
        if not 1 <= len(serial) <= cipher.SERIAL_LENGTH or not (serial.isascii() and serial.isalnum()):
            raise SerialMalformed(length_max=cipher.SERIAL_LENGTH)
    else:
        raise CodeNotNamed
    brand = parts.shelf.catalogue.brand_for(host, gtin=number, guess=parts.guess_brand)
    if isinstance(brand, Elsewhere):
        raise OtherBrand(origin=brand.origin)
    return Asked(tenant_id=brand.tenant_id, gtin=number, serial=serial)


def _of_url(url: str) -> tuple[str, str, str]:
    """(GTIN, serial, host) of a printed address."""
    printed = _PRINTED.fullmatch(url)
    if printed is not None and visits.is_gtin(printed[2]):
        return printed[2], printed[3], host_name(printed[1])
    try:
        split = urlsplit(url[: URL_CHARS_MAX + 1])
        host = split.hostname or ""
    except ValueError as error:
        raise ReportMalformed(why="its url cannot be read") from error
    if len(url) > URL_CHARS_MAX or split.scheme.lower() not in {"http", "https"} or not host:
        raise ReportMalformed(why="its url is no http(s) address")
    serial = digital_link.short_serial(split.path)
    if serial is not None:
        return "", serial, host
    address = digital_link.parse(split.path)
    return address.gtin, address.serial, host


def _visitor(parts: Parts, request: Request, visitor_id: str, *, tenant_id: int) -> bytes:
    cookie = visitors.cookie_of(request.headers.get(b"cookie", b""))
    if cookie is not None and b"authorization" not in request.headers:
        return visitors.by_cookie(parts.keys, tenant_id=tenant_id, cookie=cookie)
    if visitor_id:
        if len(visitor_id) > VISITOR_ID_CHARS_MAX:
            raise ReportMalformed(why=f"its visitor_id has more than {VISITOR_ID_CHARS_MAX} characters")
        return visitors.by_client_id(parts.keys, tenant_id=tenant_id, client_id=visitor_id)
    return visitors.by_address(
        parts.keys,
        tenant_id=tenant_id,
        address=request.address,
        user_agent=request.headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX],
    )


def _scan_id(asked: Asked, visitor: bytes, client_id: UUID) -> UUID:
    """A version 8 id (RFC 9562 section 5.8) of client, code and the client's own id: nobody can take the id of another's scan."""
    facts = b"\0".join((asked.tenant_id.to_bytes(8, "big"), visitor, asked.serial.encode(), client_id.bytes))
    number = int.from_bytes(hashlib.blake2b(facts, digest_size=16).digest(), "big")
    return UUID(int=(number & _VERSION_MASK) | _VERSION_8 | _VARIANT)
