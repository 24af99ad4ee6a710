"""A visit: the ticket in a page's address, the brand it is of, and whether it is this browser's own.

Promises: a ticket is believed only with our signature and within its half hour; it counts as one's own only where the browser brings
the visitor cookie that the scan set. Refuses nothing else: what a stranger's ticket may show is the page's matter.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar
from zoneinfo import ZoneInfo

from flask import request

from codegen import brands, origins
from codegen.brands import Brand
from kit import seals
from kit.db import enter_tenant
from kit.refusals import Forbidden
from scanservice import tickets, visitors
from scanservice.tickets import Stage, Ticket
from scanservice.verdicts import Verdict
from web.app import db, parts


class Holder(Enum):
    """Who opens the page: the browser that scanned, another one, or one that brought no cookie to tell by."""

    OWN = "own"
    OTHER = "other"
    UNKNOWN = "unknown"


class TicketOfOther(Forbidden):
    code: ClassVar[str] = "ticket_of_other"
    says: ClassVar[str] = "This ticket belongs to the device that scanned. Scan the code with this device."


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`text` is the ticket as it stands in addresses and forms; `visitor` is who brings it, empty without a cookie."""

    text: str
    ticket: Ticket
    brand: Brand
    visitor: bytes

    @property
    def tenant_id(self) -> int:
        return self.ticket.tenant_id

    @property
    def holder(self) -> Holder:
        if not self.visitor:
            return Holder.UNKNOWN
        return Holder.OWN if seals.same(self.visitor, self.ticket.visitor) else Holder.OTHER

    @property
    def confirmed(self) -> bool:
        return self.ticket.stage == Stage.CONFIRMED

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.brand.timezone)

    @property
    def code(self) -> tuple[int, int] | None:
        """Epoch and counter, where the code is one of ours."""
        if self.ticket.epoch is None or self.ticket.counter is None or self.ticket.verdict is Verdict.COUNTERFEIT:
            return None
        return self.ticket.epoch, self.ticket.counter

    @property
    def checked_at(self) -> datetime:
        return datetime.fromtimestamp(self.ticket.expires_at_s, UTC) - tickets.TTL

    @property
    def host(self) -> str:
        """The host that the address bar of a genuine page shows."""
        here = origins.host_of(request.host)
        return request.host if here in self.brand.hosts else self.brand.scan_origin.partition("://")[2]


def open_visit(text: str) -> Visit:
    """Reads the ticket and enters its brand."""
    secret = parts().settings.secret_bytes
    ticket = tickets.read(text, key=seals.derive(secret, tickets.KEY_PURPOSE), now=parts().clock.now())
    enter_tenant(db(), ticket.tenant_id)
    brand = brands.load(db(), tenant_id=ticket.tenant_id)
    cookie = visitors.cookie_of(request.headers.get("Cookie", "").encode("latin-1", "replace"))
    visitor = b"" if cookie is None else visitors.by_cookie(visitors.Keys.of(secret), tenant_id=ticket.tenant_id, cookie=cookie)
    return Visit(text=text, ticket=ticket, brand=brand, visitor=visitor)


def open_own(text: str) -> Visit:
    """A visit that this browser may act on."""
    visit = open_visit(text)
    if visit.holder is not Holder.OWN:
        raise TicketOfOther
    return visit
