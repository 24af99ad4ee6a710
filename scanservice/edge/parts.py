"""What every handler of the edge works with, put together once."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from codegen import origins
from kit.clock import Clock
from scanservice import insiders, places, visitors
from scanservice.address_places import AddressPlaces
from scanservice.catalogue import Shelf
from scanservice.edge.devices import Devices
from scanservice.edge.http import Request
from scanservice.edge.pin_desk import PinDesk
from scanservice.edge.scanning import Answered, Position, Scanner
from scanservice.tickets import Stage, Ticket, expiry_s, seal
from scanservice.verdicts import Reason, Role, Verdict
from scanservice.visitors import Address, IpNetwork, Keys

LANGUAGE_CHARS_MAX: Final = 8
ACCEPT_LANGUAGE_BYTES_MAX: Final = 100
HOSTS_KEPT: Final = 1024
# A position that is less sure than a cell of the map is large says no more than the address does.
ACCURACY_M_MAX: Final = 100_000
REASONS_KEPT: Final = 4096
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    shelf: Shelf
    scanner: Scanner
    pin_desk: PinDesk
    devices: Devices
    keys: Keys
    ticket_key: bytes
    insider_key: bytes
    clock: Clock
    trusted: tuple[IpNetwork, ...]
    address_places: AddressPlaces
    # An unknown host means the oldest brand in the one box, and nobody in production.
    guess_brand: bool

    def role(self, request: Request, *, tenant_id: int) -> Role:
        """What the browser of somebody of the trade says by its cookie."""
        cookies = request.headers.get(b"cookie", b"")
        return insiders.role_of(cookies, tenant_id=tenant_id, now=self.clock.now(), key=self.insider_key)

    def whence(self, address: Address, position: Position | None = None) -> bytes:
        """The keyed network and the place, as the state keeps them: the phone's own position where it sent one that says something, else its address's."""
        place = (
            self.address_places.of(address.packed).place
            if position is None or (position.accuracy_m or 0) > ACCURACY_M_MAX
            else places.cell(position.latitude, position.longitude)
        )
        return visitors.network_of(self.keys, address) + place


def ticket_of(answered: Answered, *, key: bytes) -> str:
    scan, item = answered.scan, answered.item
    facts, visit = item.facts, scan.visit
    epoch, counter = item.counted or (None, None)
    # By place: names cost a microsecond, and this is made for every scan.
    ticket = Ticket(
        scan.asked.tenant_id,
        Stage.CONFIRMED if visit.confirmed else Stage.SEEN,
        answered.judgement.verdict,
        answered.judgement.reasons,
        facts.gtin,
        scan.scan_id,
        visit.visitor,
        expiry_s(scan.at_ms),
        item.serial if item.counted is None else "",
        facts.lot,
        facts.kind,
        epoch,
        counter,
        facts.order_id,
    )
    return seal(ticket, key=key)


class ProductNames(msgspec.Struct, frozen=True):
    name: str
    name_zh: str


class VerdictDocument(msgspec.Struct, frozen=True):
    """The answer for programs; a product is named only where the code is one of ours."""

    verdict: Verdict
    reasons: msgspec.Raw
    gtin: str
    serial: str
    lot: str
    scan_id: UUID
    ticket: str
    product: ProductNames | msgspec.UnsetType


def verdict_document(answered: Answered, *, key: bytes) -> VerdictDocument:
    item, judgement = answered.item, answered.judgement
    facts = item.facts
    product = facts.product
    # By place: names cost a microsecond, and this is made for every scan.
    return VerdictDocument(
        judgement.verdict,
        reasons_document(judgement.reasons),
        facts.gtin,
        item.serial,
        facts.lot,
        answered.scan.scan_id,
        ticket_of(answered, key=key),
        msgspec.UNSET if product is None else ProductNames(product.name, product.name_zh),
    )


@lru_cache(maxsize=REASONS_KEPT)
def reasons_document(reasons: tuple[Reason, ...]) -> msgspec.Raw:
    """As JSON: nearly every first scan has the same reasons."""
    return msgspec.Raw(msgspec.json.encode([{"code": reason.code, "value": reason.value} for reason in reasons]))


@lru_cache(maxsize=HOSTS_KEPT)
def host_name(host_header: str) -> str:
    return origins.host_of(host_header)


def origin_of(request: Request) -> bytes:
    return _origin(request.scheme, request.host)


@lru_cache(maxsize=HOSTS_KEPT)
def _origin(scheme: str, host: str) -> bytes:
    return f"{scheme}://{host}".encode("latin-1")


def language(accept_language: bytes) -> str:
    """The first language of Accept-Language, where it looks like one."""
    return _language(accept_language[:ACCEPT_LANGUAGE_BYTES_MAX])


@lru_cache(maxsize=HOSTS_KEPT)
def _language(accept_language: bytes) -> str:
    first = accept_language.split(b",", 1)[0].split(b";", 1)[0].strip().decode("latin-1")
    return first if len(first) <= LANGUAGE_CHARS_MAX and _LANGUAGE.fullmatch(first) else ""
