"""A phone opens what is printed on an item: `GET /01/{gtin}/21/{serial}` or `GET /{SERIAL}`.

Promises: a browser is sent on with 307 and a ticket, its scan being *seen*; a program that asks for JSON gets a final verdict.
HEAD, OPTIONS, linksets, prefetches, previews and crawlers record nothing and learn no verdict. A code of another brand of this
instance is sent to that brand's origin, unrecorded. A product or a lot, named without an item, is the resolver's to answer.
"""

import re
from functools import lru_cache
from typing import ClassVar, Final

from codegen import digital_link
from kit import chance, ids
from kit.refusals import Malformed
from scanservice import visitors
from scanservice.catalogue import Asked, Elsewhere
from scanservice.edge import clients, url_marks
from scanservice.edge.clients import USER_AGENT_BYTES_MAX
from scanservice.edge.http import Answer, Request, json, redirect
from scanservice.edge.parts import Parts, host_name, language, origin_of, ticket_of, verdict_document
from scanservice.edge.scanning import Answered, Repeat, Scan
from scanservice.resolver import addresses, conformance, description, resolving
from scanservice.resolver.addresses import Named
from scanservice.tickets import Stage, Ticket, expiry_s, seal

PAGE: Final = b"/s/"
# After `/`, exactly the length of a serial: the cheap test that keeps other paths away from the cipher.
_SHORT_LENGTH: Final = 21
GTINS_KEPT: Final = 1 << 14
# The query goes on to the page, in a header, behind a ticket.
QUERY_BYTES_MAX: Final = 2048
# What we print ourselves, and nearly every request: a look-up instead of a parser. Anything else goes to the parser.
_PRINTED: Final = re.compile(r"/01/([0-9]{14})/21/([0-9A-HJKMNP-TV-Z]{20})")
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PREVIEW_VISITOR: Final = bytes(visitors.VISITOR_BYTES)


class QueryTooLong(Malformed):
    code: ClassVar[str] = "query_too_long"
    says: ClassVar[str] = "What stands behind the question mark may have at most {bytes_max} bytes."


def is_code(request: Request) -> bool:
    path = request.path
    if request.method not in _METHODS:
        return False
    if path.startswith(b"/01/"):
        return True
    if len(path) == _SHORT_LENGTH and digital_link.short_serial(path.decode("latin-1")) is not None:
        return True
    return addresses.is_digital_link(path)


def resolver_headers(request: Request) -> tuple[tuple[bytes, bytes], ...]:
    """On every answer about a code, refusals included."""
    return (conformance.link_header(origin_of(request), request.path), *conformance.HEADERS)


async def describe(parts: Parts, request: Request) -> Answer:
    """`/.well-known/gs1resolver`."""
    if request.method == "OPTIONS":
        return Answer(204, ((b"allow", conformance.ALLOWED.encode()), *resolver_headers(request)))
    brands = parts.shelf.catalogue.brands_at(host_name(request.host), guess=parts.guess_brand)
    return json(200, description.document(brands), *resolver_headers(request))


async def answer(parts: Parts, request: Request) -> Answer:
    if len(request.query) > QUERY_BYTES_MAX:
        raise QueryTooLong(bytes_max=QUERY_BYTES_MAX)
    path = request.path.decode("latin-1")
    if request.method == "OPTIONS":
        return Answer(204, ((b"allow", conformance.ALLOWED.encode()), *resolver_headers(request)))
    named = _read(path, request.query)
    brand = parts.shelf.catalogue.brand_for(host_name(request.host), gtin=named.gtin, guess=parts.guess_brand)
    if isinstance(brand, Elsewhere):
        return redirect(307, brand.origin.encode() + request.target, *resolver_headers(request))
    if not named.serial:
        return resolving.of_product(brand, named, request, resolver_headers(request), now=parts.clock.now())
    asked = Asked(tenant_id=brand.tenant_id, gtin=named.gtin, serial=named.serial)
    if resolving.asks(request):
        wish = resolving.wish_of(request)
        if not resolving.wants_verification(wish, brand):
            item = parts.shelf.catalogue.item(asked)
            if item.counted is None:
                # Whoever tries codes learns from a refusal as much as from a verdict.
                parts.scanner.count_invalid(request.address, now=parts.clock.now())
            return resolving.of_item(item, wish, request, resolver_headers(request), now=parts.clock.now())
    return await _scan(parts, request, asked)


async def _scan(parts: Parts, request: Request, asked: Asked) -> Answer:
    user_agent = request.headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX]
    client = clients.client(user_agent)
    if request.method == "HEAD" or not client.counts or clients.is_prefetch(request.headers):
        return _preview(parts, request, asked)
    if request.wants_json:
        return program_answer(parts, request, await parts.scanner.scan(program_scan(parts, request, asked)))
    scan, new_cookie = browser_scan(parts, request, asked, client=client.word)
    return browser_answer(parts, request, await parts.scanner.scan(scan), new_cookie=new_cookie)


def browser_scan(parts: Parts, request: Request, asked: Asked, *, client: str) -> tuple[Scan, bytes]:
    """What a browser does, and the cookie that it has to be given, empty where it has one."""
    now = parts.clock.now()
    cookie = visitors.cookie_of(request.headers.get(b"cookie", b""))
    new_cookie = b""
    if cookie is None:
        cookie = new_cookie = chance.token(visitors.COOKIE_RANDOM_BYTES).encode()
    address = request.address
    scan = Scan(
        asked=asked,
        scan_id=ids.uuid7(now),
        at=now,
        confirmed=False,
        repeat=Repeat.NEVER,
        visitor=visitors.by_cookie(parts.keys, tenant_id=asked.tenant_id, cookie=cookie),
        whence=parts.whence(address),
        address=address,
        client=client,
        language=language(request.headers.get(b"accept-language", b"")),
        role=parts.role(request, tenant_id=asked.tenant_id),
        signature=url_marks.of_request(parts, request, asked),
    )
    return scan, new_cookie


def browser_answer(parts: Parts, request: Request, answered: Answered, *, new_cookie: bytes) -> Answer:
    headers = resolver_headers(request)
    if new_cookie:
        headers = (*headers, _set_cookie(new_cookie, secure=request.scheme == "https"))
    return redirect(307, _page(ticket_of(answered, key=parts.ticket_key), request), *headers)


def program_scan(parts: Parts, request: Request, asked: Asked) -> Scan:
    """What a program does: it asks for JSON, and its scan is final at once."""
    now = parts.clock.now()
    address = request.address
    cookie = visitors.cookie_of(request.headers.get(b"cookie", b""))
    user_agent = request.headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX]
    visitor = (
        visitors.by_address(parts.keys, tenant_id=asked.tenant_id, address=address, user_agent=user_agent)
        if cookie is None
        else visitors.by_cookie(parts.keys, tenant_id=asked.tenant_id, cookie=cookie)
    )
    return Scan(
        asked=asked,
        scan_id=ids.uuid7(now),
        at=now,
        confirmed=True,
        repeat=Repeat.NEVER,
        visitor=visitor,
        whence=parts.whence(address),
        address=address,
        client="api",
        language=language(request.headers.get(b"accept-language", b"")),
        role=parts.role(request, tenant_id=asked.tenant_id),
        signature=url_marks.of_request(parts, request, asked),
    )


def program_answer(parts: Parts, request: Request, answered: Answered) -> Answer:
    return json(200, verdict_document(answered, key=parts.ticket_key), *resolver_headers(request))


def _preview(parts: Parts, request: Request, asked: Asked) -> Answer:
    """The page without a verdict: what a messenger shows beside a link says which product it is and that a scan will tell more."""
    now = parts.clock.now()
    ticket = Ticket(
        tenant_id=asked.tenant_id,
        stage=Stage.PREVIEW,
        verdict=None,
        reasons=(),
        gtin=asked.gtin,
        serial=asked.serial,
        scan_id=ids.uuid7(now),
        visitor=_PREVIEW_VISITOR,
        expires_at_s=expiry_s(now),
    )
    return redirect(307, _page(seal(ticket, key=parts.ticket_key), request), *resolver_headers(request))


def _read(path: str, query: bytes) -> Named:
    # What is printed needs no parser, unless GS1's own parameters stand behind it: then they are checked with the path.
    if not addresses.HAS_ATTRIBUTES.search(query):
        plain = path.removesuffix("/")
        printed = _PRINTED.fullmatch(plain)
        if printed is not None and is_gtin(printed[1]):
            return Named(printed[1], printed[2])
        serial = digital_link.short_serial(plain)
        if serial is not None:
            return Named("", serial)
    return addresses.read(path, query.decode("latin-1"))


@lru_cache(maxsize=GTINS_KEPT)
def is_gtin(digits: str) -> bool:
    try:
        digital_link.parse(f"/01/{digits}/21/0")
    except Malformed:
        return False
    return True


def _page(ticket: str, request: Request) -> bytes:
    page = PAGE + ticket.encode()
    return page + b"?" + request.query if request.query else page


def _set_cookie(cookie: bytes, *, secure: bool) -> tuple[bytes, bytes]:
    age_s = visitors.COOKIE_DAYS * 86_400
    value = b"om_v=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%b" % (cookie, age_s, b"; Secure" if secure else b"")
    return (b"set-cookie", value)
