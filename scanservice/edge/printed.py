"""The hot path: somebody asks for exactly what is printed, `GET /01/{gtin}/21/{serial}`, and nothing about it is unusual.

Promises: the answer that `visits` would give, byte for byte, because `visits` makes its scan and its answer; left out is only what such
a request cannot need, and every coroutine between the request and the recorder's future. Whatever is unusual (another method, a
query, a prefetch, a crawler, a linkset, a code that nobody made or that has to be looked up again) is left to `visits` altogether,
before anything was recorded.
"""

import asyncio
import re
from functools import lru_cache
from typing import Final, NamedTuple

from kit.refusals import Refusal
from scanservice.catalogue import Asked, Catalogue, Elsewhere, Item
from scanservice.edge import clients, visits
from scanservice.edge.clients import USER_AGENT_BYTES_MAX
from scanservice.edge.http import Answer, Request
from scanservice.edge.parts import Parts, host_name
from scanservice.edge.scanning import Scan
from scanservice.verdicts import Standing

# Accept and User-Agent together: some thousands of combinations are in use.
MANNERS_KEPT: Final = 1 << 14
_PATH: Final = re.compile(rb"/01/([0-9]{14})/21/([0-9A-HJKMNP-TV-Z]{20})")
_PATH_BYTES: Final = 42
_PREFETCH: Final = frozenset(clients.PREFETCH_HEADERS)


class Manner(NamedTuple):
    """How somebody asks: as a program, or in a browser of that name."""

    program: bool
    client: str


class Begun(NamedTuple):
    """A scan on its way to Redis."""

    scan: Scan
    item: Item
    recorded: asyncio.Future[bytes]
    new_cookie: bytes


def begin(parts: Parts, request: Request) -> Begun | None:
    """None: nothing was recorded, and the request goes the usual way."""
    if request.method != "GET" or request.query or len(request.path) != _PATH_BYTES or not parts.shelf.loaded:
        return None
    headers = request.headers
    manner = _manner(headers.get(b"accept", b""), headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX])
    if manner is None or not _PREFETCH.isdisjoint(headers):
        return None
    catalogue = parts.shelf.catalogue
    asked = _asked(parts, request, catalogue)
    if asked is None:
        return None
    item = catalogue.item(asked)
    if item.counted is None or item.standing is Standing.NO_RANGE:
        return None
    new_cookie = b""
    if manner.program:
        scan = visits.program_scan(parts, request, asked)
    else:
        scan, new_cookie = visits.browser_scan(parts, request, asked, client=manner.client)
    return Begun(scan, item, parts.scanner.record(scan, item, item.counted, catalogue), new_cookie)


def _asked(parts: Parts, request: Request, catalogue: Catalogue) -> Asked | None:
    """None: no printed path, or nobody's here."""
    printed = _PATH.fullmatch(request.path)
    if printed is None:
        return None
    gtin, serial = printed[1].decode(), printed[2].decode()
    if not visits.is_gtin(gtin):
        return None
    try:
        brand = catalogue.brand_for(host_name(request.host), gtin=gtin, guess=parts.guess_brand)
    except Refusal:
        return None
    return None if isinstance(brand, Elsewhere) else Asked(tenant_id=brand.tenant_id, gtin=gtin, serial=serial)


def answer(parts: Parts, request: Request, begun: Begun, recorded: bytes) -> Answer:
    answered = parts.scanner.judged(begun.scan, begun.item, recorded)
    if begun.scan.confirmed:
        return visits.program_answer(parts, request, answered)
    return visits.browser_answer(parts, request, answered, new_cookie=begun.new_cookie)


@lru_cache(maxsize=MANNERS_KEPT)
def _manner(accept: bytes, user_agent: bytes) -> Manner | None:
    """None for crawlers, and for who asks for a linkset."""
    client = clients.client(user_agent)
    if not client.counts or b"linkset" in accept:
        return None
    return Manner(b"application/json" in accept and b"text/html" not in accept, client.word)
