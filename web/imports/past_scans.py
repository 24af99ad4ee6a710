"""One row of `time,url,visitor_id,ip,latitude,longitude,accuracy_m,user_agent` as a scan of ours.

Promises: the scan's id follows from the row's values, so the same reading twice is one scan; visitor and network are the same keyed
hashes that a live scan of the same person would get. A code that we never made is no fault of the row: it is a scan of a counterfeit.
Refuses, as faults: addresses that name no item, rows without any sign of who scanned, absurd positions, times that have not come.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from ipaddress import ip_address
from math import isfinite
from socket import AF_INET, inet_pton
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from codegen import digital_link
from codegen.catalogue import BrandCatalogue
from kit.csv_files import Faults, Row, shown
from kit.refusals import Malformed
from scanservice import places, visitors
from scanservice.address_places import AddressPlaces
from scanservice.edge import clients
from scanservice.edge.positions import ACCURACY_M_MAX, LATITUDE_MAX, LONGITUDE_MAX
from scanservice.ingest import backfill
from scanservice.ingest.backfill import PastScan
from web.imports import table
from web.imports.table import RowReader, Unreadable

HEADER: Final = ("time", "url", "visitor_id", "ip", "latitude", "longitude", "accuracy_m", "user_agent")
VISITOR_ID_LENGTH_MAX: Final = 200
_TIME, _URL, _VISITOR_ID, _IP, _LATITUDE, _LONGITUDE, _ACCURACY, _USER_AGENT = range(len(HEADER))
_NAMESPACE: Final = UUID("c0a3f6d2-58be-5b0e-9f0c-0d2a9a1f6e35")
_LOOPBACK: Final = 127
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,20})?")
# What we print ourselves, and nearly every row: two look-ups instead of a parser. Anything else goes to the parser.
_PRINTED: Final = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]+(/01/[0-9]{14}/21/)([0-9A-HJKMNP-TV-Z]{20})(?:[?#].*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    catalogue: BrandCatalogue
    keys: visitors.Keys
    now: datetime
    # Loaded by who wants the regions of addresses; an empty one knows none.
    address_places: AddressPlaces = field(default_factory=AddressPlaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Who:
    visitor: bytes
    network: bytes
    packed: bytes
    ip: str | None


def read(row: Row, context: Context, faults: Faults) -> PastScan | None:
    """The row as a scan, its division still unknown; None, and faults, where it cannot be one."""
    fields = RowReader(row, HEADER, faults)
    scanned_at = fields.read(_TIME, partial(table.instant, now=context.now))
    named = fields.read(_URL, _named)
    who = _who(fields, context)
    position = _position(fields)
    if not fields.sound or scanned_at is None or named is None or who is None:
        return None
    gtin, serial = named
    code = backfill.code_of(context.catalogue, gtin=gtin, serial=serial, at=scanned_at)
    client = clients.client(row.values[_USER_AGENT].encode())
    return PastScan(
        scan_id=_identify(context.catalogue.tenant_id, scanned_at, row.values, position),
        scanned_at=scanned_at,
        # What crawlers and previews fetched was seen by nobody.
        confirmed=client.counts,
        epoch=code.epoch,
        counter=code.counter,
        order_id=code.order_id,
        gtin=code.gtin,
        lot=code.lot,
        serial=code.serial,
        standing=code.standing,
        standing_reason=code.standing_reason,
        visitor=who.visitor,
        whence=who.network + _place(position, context, who),
        ip=who.ip,
        latitude=position[0],
        longitude=position[1],
        accuracy_m=position[2],
        client=client.word,
    )


def _place(position: tuple[float | None, float | None, float | None], context: Context, who: _Who) -> bytes:
    """As the edge would have seen it: the phone's own position, else that of its address."""
    latitude, longitude, _ = position
    if latitude is None or longitude is None:
        return context.address_places.of(who.packed).place
    return places.cell(latitude, longitude)


def _identify(
    tenant_id: int, scanned_at: datetime, values: Sequence[str], position: tuple[float | None, float | None, float | None]
) -> UUID:
    """UUID version 5 of what the row says, however it writes times and numbers."""
    at = scanned_at.astimezone(UTC).isoformat(timespec="microseconds")
    said = (str(tenant_id), at, values[_URL], values[_VISITOR_ID], values[_IP], *map(str, position), values[_USER_AGENT])
    return uuid5(_NAMESPACE, "\x1f".join(said))


def _named(url: str) -> tuple[str, str]:
    """(GTIN, serial); a short address names no GTIN."""
    printed = _PRINTED.fullmatch(url)
    if printed is not None and _is_path(printed[1]):
        return printed[1][4:18], printed[2]
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Unreadable(f"{shown(url)} is no address: {error}") from error
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        raise Unreadable(f"{shown(url)} is no http(s) address")
    serial = digital_link.short_serial(parts.path)
    if serial is not None:
        return "", serial
    try:
        address = digital_link.parse(parts.path)
    except Malformed as refusal:
        raise Unreadable(f"{shown(url)}: {refusal.detail}") from refusal
    return address.gtin, address.serial


@lru_cache(maxsize=4096)
def _is_path(prefix: str) -> bool:
    """Whether `/01/{gtin}/21/` starts a path of ours: the GTIN's check digit is right."""
    try:
        digital_link.parse(prefix + "0")
    except Malformed:
        return False
    return True


def _who(fields: RowReader, context: Context) -> _Who | None:
    client_id, ip = fields.row.values[_VISITOR_ID], fields.row.values[_IP]
    named = fields.read(_IP, _address)
    if not client_id and not ip:
        fields.fault(_VISITOR_ID, "a visitor_id or an ip is needed to tell one visitor from another")
    if len(client_id) > VISITOR_ID_LENGTH_MAX:
        fields.fault(_VISITOR_ID, f"has more than {VISITOR_ID_LENGTH_MAX} characters")
    if named is None:
        return None
    address, canonical = named
    tenant_id = context.catalogue.tenant_id
    if client_id:
        visitor = visitors.by_client_id(context.keys, tenant_id=tenant_id, client_id=client_id, vouched=True)
    else:
        user_agent = fields.row.values[_USER_AGENT].encode()[: clients.USER_AGENT_BYTES_MAX]
        visitor = visitors.by_address(context.keys, tenant_id=tenant_id, address=address, user_agent=user_agent)
    return _Who(
        visitor=visitor,
        network=visitors.network_of(context.keys, address),
        packed=address.packed,
        ip=canonical or None,
    )


@lru_cache(maxsize=visitors.ADDRESSES_KEPT)
def _address(text: str) -> tuple[visitors.Address, str]:
    """The address, and how it is written in one way only; '' for none."""
    if text and ":" not in text and "%" not in text:
        return _plain_address(text)
    address = visitors.address(text)
    if text and not address.packed:
        raise Unreadable(f"{shown(text)} is no IP address")
    return address, str(ip_address(address.packed)) if address.packed else ""


def _plain_address(text: str) -> tuple[visitors.Address, str]:
    """Four numbers with dots have one way to be written, and the C library reads them in a tenth of the time."""
    try:
        packed = inet_pton(AF_INET, text)
    except (OSError, ValueError) as error:
        raise Unreadable(f"{shown(text)} is no IP address") from error
    block = b"" if packed[0] == _LOOPBACK else packed[: visitors.NETWORK_BITS[4] // 8]
    return visitors.Address(packed=packed, block=block), text


def _position(fields: RowReader) -> tuple[float | None, float | None, float | None]:
    latitude = fields.read(_LATITUDE, partial(_number, low=-LATITUDE_MAX, high=LATITUDE_MAX))
    longitude = fields.read(_LONGITUDE, partial(_number, low=-LONGITUDE_MAX, high=LONGITUDE_MAX))
    accuracy_m = fields.read(_ACCURACY, partial(_number, low=0.0, high=ACCURACY_M_MAX))
    values = fields.row.values
    if not values[_LATITUDE] and values[_LONGITUDE]:
        fields.fault(_LATITUDE, "is missing beside the longitude")
    if values[_LATITUDE] and not values[_LONGITUDE]:
        fields.fault(_LONGITUDE, "is missing beside the latitude")
    return latitude, longitude, accuracy_m


def _number(text: str, *, low: float, high: float) -> float | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise Unreadable(f"{shown(text)} is no number")
    number = float(text)
    if not (isfinite(number) and low <= number <= high):
        raise Unreadable(f"{shown(text)} is not within {low:g} to {high:g}")
    return number
