"""`POST /v1/scans`: apps and devices report scans, one or up to 1000 at once. Each is confirmed at once.

Promises: each item of a batch has its own answer, in order, and one bad item spoils no other; the same `scan_id` of the same client
for the same code is one scan. Who may say what is `devices`' matter. Refused: bodies that are no such objects, batches that are too long, codes of another brand.
"""

import asyncio
import hashlib
import re
from datetime import datetime
from functools import partial
from typing import ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from codegen import cipher, digital_link, gtin
from kit import ids
from kit.clock import unix_ms
from kit.refusals import Conflict, Invalid, Malformed, Refusal, problem
from scanservice import visitors
from scanservice.catalogue import Asked, Elsewhere
from scanservice.edge import positions, url_marks, visits
from scanservice.edge.clients import USER_AGENT_BYTES_MAX
from scanservice.edge.devices import Claims, Device
from scanservice.edge.http import NOT_READ, Answer, Request, json
from scanservice.edge.parts import Parts, host_name, language, verdict_document
from scanservice.edge.recorder import CatalogueOld, Recorded, RecorderAway
from scanservice.edge.scanning import Answered, Begun, Repeat, Scan
from scanservice.verdicts import NO_MARKS, Role

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
    def claims_more(self) -> bool:
        """Does it say what only a key may say?"""
        return self.role is not Role.CONSUMER or bool(self.ip) or self.scanned_at is not None

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
        answered = await parts.scanner.scan(_Sender(parts, request, device, now=now).scan(_report(body)))
        return json(200, verdict_document(answered, key=parts.ticket_key))
    if not 1 <= len(batch.scans) <= ITEMS_MAX:
        raise BatchTooLong(items=len(batch.scans), items_max=ITEMS_MAX)
    parts.devices.count(device, len(batch.scans), now=now)
    return json(200, {"results": await _many(parts, _Sender(parts, request, device, now=now), batch.scans)})


async def _many(parts: Parts, sender: "_Sender", raws: list[msgspec.Raw]) -> list[dict[str, object]]:
    """In order. Scans of one partition share a call, and other requests have their turns between any ITEMS_IN_ONE_TURN."""
    batch = _Batch(parts, len(raws))
    for start in range(0, len(raws), ITEMS_IN_ONE_TURN):
        for place, raw in enumerate(raws[start : start + ITEMS_IN_ONE_TURN], start):
            try:
                batch.begin(place, sender.scan(_report(raw)))
            except Refusal as refusal:
                batch.refuse(place, refusal)
        await asyncio.sleep(0)
    await batch.record()
    return await batch.results()


class _Batch:
    """What becomes of each scan of a batch: it is begun, then recorded with all others, then answered; or refused at any of these steps."""

    def __init__(self, parts: Parts, size: int) -> None:
        self._parts = parts
        # The catalogue by which all of it is judged. A newer one sends them the usual way, one by one.
        self._catalogue = parts.shelf.catalogue
        self._results: list[dict[str, object]] = [{}] * size
        self._by_partition: dict[int, list[tuple[int, Begun]]] = {}
        self._recorded: list[tuple[int, Begun, bytes]] = []
        self._alone: list[tuple[int, Scan]] = []

    def begin(self, place: int, scan: Scan) -> None:
        begun = self._parts.scanner.begin(scan, self._catalogue)
        if begun is None:
            self._alone.append((place, scan))
        else:
            self._by_partition.setdefault(begun.call.partition, []).append((place, begun))

    def refuse(self, place: int, refusal: Refusal) -> None:
        self._results[place] = problem(refusal, instance=PATH.decode())

    async def record(self) -> None:
        missing = len(self._by_partition)
        complete = asyncio.Event()

        def told(some: list[tuple[int, Begun]], answer: Recorded | Exception) -> None:
            nonlocal missing
            missing -= 1
            if not missing:
                complete.set()
            self._told(some, answer)

        for some in self._by_partition.values():
            self._parts.scanner.send_many([begun for _, begun in some], self._catalogue, partial(told, some))
        if missing:
            await complete.wait()

    def _told(self, some: list[tuple[int, Begun]], answer: Recorded | Exception) -> None:
        if isinstance(answer, list):
            self._recorded += [(place, begun, one) for (place, begun), one in zip(some, answer, strict=True)]
        elif isinstance(answer, CatalogueOld):
            self._alone += [(place, begun.scan) for place, begun in some]
        else:
            for place, _ in some:
                self.refuse(place, answer if isinstance(answer, Refusal) else RecorderAway())

    async def results(self) -> list[dict[str, object]]:
        scanner = self._parts.scanner
        for start in range(0, len(self._recorded), ITEMS_IN_ONE_TURN):
            for place, begun, answer in self._recorded[start : start + ITEMS_IN_ONE_TURN]:
                self._results[place] = self._document(scanner.judged(begun, answer))
            await asyncio.sleep(0)
        for place, scan in self._alone:
            try:
                self._results[place] = self._document(await scanner.scan(scan))
            except Refusal as refusal:
                self.refuse(place, refusal)
        return self._results

    def _document(self, answered: Answered) -> dict[str, object]:
        return {"status": 200, **verdict_document(answered, key=self._parts.ticket_key)}


def _report(raw: bytes | msgspec.Raw) -> Report:
    try:
        return _report_decoder.decode(raw)
    except NOT_READ as error:
        raise ReportMalformed(why=str(error)) from error


class _Sender:
    """Whoever sent a request, and what all its scans have in common."""

    def __init__(self, parts: Parts, request: Request, device: Device, *, now: datetime) -> None:
        self._parts = parts
        self._device = device
        self._now = now
        self._now_ms = unix_ms(now)
        self._host = host_name(request.host)
        self._language = language(request.headers.get(b"accept-language", b""))
        self._address = request.address
        self._user_agent = request.headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX]
        self._trace = request.trace
        is_browser = b"authorization" not in request.headers
        self._cookie = visitors.cookie_of(request.headers.get(b"cookie", b"")) if is_browser else None

    def scan(self, report: Report) -> Scan:
        parts, device = self._parts, self._device
        asked = _asked(parts, self._host, report)
        tenant_id = asked.tenant_id
        device.serves(tenant_id)
        at_ms, marks, address, visitor_id = self._now_ms, NO_MARKS, self._address, report.visitor_id
        if device.key is not None or report.claims_more:
            claims = report.claims
            device.allow(claims)
            at, marks = device.scanned_at(claims, now=self._now)
            at_ms = unix_ms(at)
            address = device.address(claims, address)
            visitor_id = device.visitor_id(claims)
        position = positions.checked(latitude=report.latitude, longitude=report.longitude, accuracy_m=report.accuracy_m)
        visitor = self._visitor(visitor_id, tenant_id=tenant_id)
        # By place: names cost a microsecond, and this is made for every scan.
        return Scan(
            asked,
            ids.uuid7_at(at_ms) if report.scan_id is None else _scan_id(asked, visitor, report.scan_id),
            at_ms,
            True,
            Repeat.NEVER if report.scan_id is None else Repeat.POSSIBLE,
            visitor,
            parts.whence(address, position),
            address,
            "api",
            self._language,
            position,
            report.role,
            url_marks.of_url(parts, asked, report.url),
            marks,
            self._trace,
        )

    def _visitor(self, visitor_id: str, *, tenant_id: int) -> bytes:
        keys = self._parts.keys
        if self._cookie is not None:
            return visitors.by_cookie(keys, tenant_id=tenant_id, cookie=self._cookie)
        if not visitor_id:
            return visitors.by_address(keys, tenant_id=tenant_id, address=self._address, user_agent=self._user_agent)
        if len(visitor_id) > VISITOR_ID_CHARS_MAX:
            raise ReportMalformed(why=f"its visitor_id has more than {VISITOR_ID_CHARS_MAX} characters")
        return visitors.by_client_id(keys, tenant_id=tenant_id, client_id=visitor_id)


def _asked(parts: Parts, host: str, report: Report) -> Asked:
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
    return Asked(brand.tenant_id, number, serial)


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


def _scan_id(asked: Asked, visitor: bytes, client_id: UUID) -> UUID:
    """A version 8 id (RFC 9562 section 5.8) of client, code and the client's own id: nobody can take the id of another's scan."""
    facts = b"\0".join((asked.tenant_id.to_bytes(8, "big"), visitor, asked.serial.encode(), client_id.bytes))
    number = int.from_bytes(hashlib.blake2b(facts, digest_size=16).digest(), "big")
    return UUID(int=(number & _VERSION_MASK) | _VERSION_8 | _VARIANT)
