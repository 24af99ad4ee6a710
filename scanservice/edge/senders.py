"""Who reports scans, and what each report says of its scan.

Promises: the same `scan_id` of the same client for the same code is one scan; what all scans of a request have in common is found once. Who
may say what is `devices`' matter. Refused: what is no report, codes of another brand, positions and times that cannot be.
"""

import hashlib
import re
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from codegen import cipher, digital_link, gtin
from kit import ids
from kit.clock import unix_ms
from kit.refusals import Conflict, Invalid, Malformed
from scanservice import visitors
from scanservice.catalogue import Asked, Elsewhere
from scanservice.edge import positions, scanning, url_marks, visits
from scanservice.edge.clients import USER_AGENT_BYTES_MAX
from scanservice.edge.devices import Claims, Device
from scanservice.edge.http import NOT_READ, Request
from scanservice.edge.parts import Parts, host_name, language
from scanservice.edge.scanning import Position, Repeat, Scan, Visit
from scanservice.verdicts import NO_MARKS, Reason, Role, Signature
from scanservice.visitors import Address

URL_CHARS_MAX: Final = 2048
VISITOR_ID_CHARS_MAX: Final = 200
# With the spaces and hyphens that people put between groups.
TYPED_CHARS_MAX: Final = 60
# What we print ourselves needs no parser: everything up to the serial, and the serial.
_HEAD: Final = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?)/01/([0-9]{14})/21/")
_SERIAL: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{20}")
_VERSION_8: Final = 0x8 << 76
_VARIANT: Final = 0b10 << 62
_VERSION_MASK: Final = ~((0xF << 76) | (0b11 << 62))


class ReportMalformed(Malformed):
    code: ClassVar[str] = "report_malformed"
    says: ClassVar[str] = "This is no scan: {why}."


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
    def is_plain(self) -> bool:
        """Does it say nothing but its code?"""
        return (
            self.scan_id is None
            and not self.visitor_id
            and self.latitude is None
            and self.longitude is None
            and self.accuracy_m is None
            and not self.claims_more
            and "?" not in self.url
        )

    @property
    def claims(self) -> Claims:
        return Claims(role=self.role, visitor_id=self.visitor_id, ip=self.ip, scanned_at=self.scanned_at)


_decoder = msgspec.json.Decoder(Report)


def read(raw: bytes | msgspec.Raw) -> Report:
    try:
        return _decoder.decode(raw)
    except NOT_READ as error:
        raise ReportMalformed(why=str(error)) from error


class Sender:
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
        # Of the addresses that this request names, up to the serial: whose codes they are.
        self._heads: dict[str, Asked] = {}
        self._own: dict[int, bytes] = {}
        self._visits: dict[tuple[object, ...], Visit] = {}
        self._plain: dict[int, Visit] = {}
        self._cookie = visitors.cookie_of(request.headers.get(b"cookie", b"")) if is_browser else None

    def scan(self, report: Report) -> Scan:
        parts, device = self._parts, self._device
        asked = self._asked(report)
        tenant_id, at_ms = asked.tenant_id, self._now_ms
        if device.key is None and report.is_plain:
            return Scan(asked, ids.uuid7_at(at_ms), at_ms, Repeat.NEVER, self._plain_visit(tenant_id))
        device.serves(tenant_id)
        marks, address, visitor_id = NO_MARKS, self._address, report.visitor_id
        if device.key is not None or report.claims_more:
            claims = report.claims
            device.allow(claims)
            at, marks = device.scanned_at(claims, now=self._now)
            at_ms = unix_ms(at)
            address = device.address(claims, address)
            visitor_id = device.visitor_id(claims)
        position = positions.checked(latitude=report.latitude, longitude=report.longitude, accuracy_m=report.accuracy_m)
        visitor = self._visitor(visitor_id, tenant_id=tenant_id)
        signature = url_marks.of_url(parts, asked, report.url) if "?" in report.url else Signature.NONE
        visit = self._visit(visitor, address, position, report.role, signature, marks)
        if report.scan_id is None:
            return Scan(asked, ids.uuid7_at(at_ms), at_ms, Repeat.NEVER, visit, device.key)
        return Scan(asked, _scan_id(asked, visitor, report.scan_id), at_ms, Repeat.POSSIBLE, visit, device.key)

    def _plain_visit(self, tenant_id: int) -> Visit:
        known = self._plain.get(tenant_id)
        if known is None:
            visitor = self._visitor("", tenant_id=tenant_id)
            known = self._plain[tenant_id] = self._visit(visitor, self._address, None, Role.CONSUMER, Signature.NONE, NO_MARKS)
        return known

    def _visit(
        self,
        visitor: bytes,
        address: Address,
        position: Position | None,
        role: Role,
        signature: Signature,
        marks: tuple[Reason, ...],
    ) -> Visit:
        """Found once for all scans that have nothing of their own but their codes."""
        key = (visitor, address.packed, position, role, signature, marks)
        known = self._visits.get(key)
        if known is None:
            known = self._visits[key] = scanning.visit(
                confirmed=True,
                visitor=visitor,
                whence=self._parts.whence(address, position),
                address=address,
                client="api",
                language=self._language,
                position=position,
                role=role,
                signature=signature,
                marks=marks,
                trace=self._trace,
            )
        return known

    def _asked(self, report: Report) -> Asked:
        url = report.url
        if not url:
            return _of_serial(self._parts, self._host, report)
        head, serial = url[: -cipher.SERIAL_LENGTH], url[-cipher.SERIAL_LENGTH :]
        if not _SERIAL.fullmatch(serial):
            return _of_url(self._parts, self._host, url)
        known = self._heads.get(head)
        if known is None:
            printed = _HEAD.fullmatch(head)
            if printed is None or not visits.is_gtin(printed[2]):
                return _of_url(self._parts, self._host, url)
            known = self._heads[head] = _found(self._parts, self._host, host_name(printed[1]), gtin=printed[2], serial="")
        return Asked(known.tenant_id, known.gtin, serial)

    def _visitor(self, visitor_id: str, *, tenant_id: int) -> bytes:
        keys = self._parts.keys
        if self._cookie is not None or not visitor_id:
            own = self._own.get(tenant_id)
            if own is None:
                own = self._own[tenant_id] = (
                    visitors.by_address(keys, tenant_id=tenant_id, address=self._address, user_agent=self._user_agent)
                    if self._cookie is None
                    else visitors.by_cookie(keys, tenant_id=tenant_id, cookie=self._cookie)
                )
            return own
        if len(visitor_id) > VISITOR_ID_CHARS_MAX:
            raise ReportMalformed(why=f"its visitor_id has more than {VISITOR_ID_CHARS_MAX} characters")
        return visitors.by_client_id(keys, tenant_id=tenant_id, client_id=visitor_id, vouched=self._device.key is not None)


def _of_serial(parts: Parts, host: str, report: Report) -> Asked:
    if not report.serial:
        raise CodeNotNamed
    number = gtin.normalise(report.gtin) if report.gtin else ""
    serial = cipher.normalise(report.serial[:TYPED_CHARS_MAX])
    if not 1 <= len(serial) <= cipher.SERIAL_LENGTH or not (serial.isascii() and serial.isalnum()):
        raise SerialMalformed(length_max=cipher.SERIAL_LENGTH)
    return _found(parts, host, "", gtin=number, serial=serial)


def _of_url(parts: Parts, host: str, url: str) -> Asked:
    try:
        split = urlsplit(url[: URL_CHARS_MAX + 1])
        url_host = split.hostname or ""
    except ValueError as error:
        raise ReportMalformed(why="its url cannot be read") from error
    if len(url) > URL_CHARS_MAX or split.scheme.lower() not in {"http", "https"} or not url_host:
        raise ReportMalformed(why="its url is no http(s) address")
    short = digital_link.short_serial(split.path)
    if short is not None:
        return _found(parts, host, url_host, gtin="", serial=short)
    address = digital_link.parse(split.path)
    return _found(parts, host, url_host, gtin=address.gtin, serial=address.serial)


def _found(parts: Parts, host: str, url_host: str, *, gtin: str, serial: str) -> Asked:
    """Under the host of the address where a brand is known by it, else under the one that was asked."""
    catalogue = parts.shelf.catalogue
    brand = catalogue.brand_for(url_host if catalogue.knows_host(url_host) else host, gtin=gtin, guess=parts.guess_brand)
    if isinstance(brand, Elsewhere):
        raise OtherBrand(origin=brand.origin)
    return Asked(brand.tenant_id, gtin, serial)


def _scan_id(asked: Asked, visitor: bytes, client_id: UUID) -> UUID:
    """A version 8 id (RFC 9562 section 5.8) of client, code and the client's own id: nobody can take the id of another's scan."""
    facts = b"\0".join((asked.tenant_id.to_bytes(8, "big"), visitor, asked.serial.encode(), client_id.bytes))
    number = int.from_bytes(hashlib.blake2b(facts, digest_size=16).digest(), "big")
    return UUID(int=(number & _VERSION_MASK) | _VERSION_8 | _VARIANT)
