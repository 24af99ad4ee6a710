"""A phone opens what is printed on an item: `GET /01/{gtin}/21/{serial}` or `GET /{SERIAL}`.

Promises: a browser is sent on with 307 and a ticket, its scan being *seen*; a program that asks for JSON and nothing else gets a final
verdict, one that would take JSON gets JSON and has seen the code. HEAD, OPTIONS, linksets, prefetches, previews and crawlers record
nothing and learn no verdict, but a serial that nobody made is recorded whoever asks for its links: the refusal says what a verdict
says. A code of another brand of this instance is sent to that brand's origin, unrecorded. A product or a lot, named without an item,
is the resolver's to answer.
"""

import re
from functools import lru_cache
from typing import ClassVar, Final

import msgspec

from codegen import digital_link
from kit import ids
from kit.refusals import Malformed
from scanservice import visitors
from scanservice.catalogue import Asked, Elsewhere
from scanservice.edge import clients, scanning, url_marks
from scanservice.edge.askers import Asker
from scanservice.edge.clients import USER_AGENT_BYTES_MAX
from scanservice.edge.http import Answer, Request, json, redirect
from scanservice.edge.parts import Parts, host_name, origin_of, ticket_of, verdict_document
from scanservice.edge.scanning import Answered, Repeat, Scan
from scanservice.resolver import addresses, conformance, description, resolving
from scanservice.resolver.addresses import Named
from scanservice.tickets import Stage, Ticket, expiry_s, seal
from scanservice.verdicts import Role, Signature

PAGE: Final = b"/s/"
# After `/`, exactly the length of a serial: the cheap test that keeps other paths away from the cipher.
_SHORT_LENGTH: Final = 21
GTINS_KEPT: Final = 1 << 14
# The query goes on to the page, in a header, behind a ticket.
QUERY_BYTES_MAX: Final = 2048
# What we print ourselves, and nearly every request: a look-up instead of a parser. Anything else goes to the parser.
_PRINTED: Final = re.compile(r"/01/([0-9]{14})/21/([0-9A-HJKMNP-TV-Z]{20})")
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE_RULES: Final = b"; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax" % (visitors.COOKIE_DAYS * 86_400)
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
    return conformance.headers(origin_of(request), request.path)


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
                await _sight(parts, request, asked)
            return resolving.of_item(item, wish, request, resolver_headers(request), now=parts.clock.now())
    return await _scan(parts, request, asked)


async def _scan(parts: Parts, request: Request, asked: Asked) -> Answer:
    client = clients.client(request.headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX])
    if request.method == "HEAD" or not client.counts or clients.is_prefetch(request.headers):
        return _preview(parts, request, asked)
    asker = Asker(parts, request)
    new_cookie = cookie_for(asker)
    scan = scan_by(
        asker,
        asked,
        parts,
        new_cookie=new_cookie,
        role=parts.role(request, tenant_id=asked.tenant_id),
        signature=url_marks.of_request(parts, request, asked),
    )
    if asker.is_program and not clients.is_on_purpose(request.accept):
        scan = _only_seen(scan, asker)
    answered = await parts.scanner.scan(scan)
    return answer_to(asker, answered, parts, path=request.path, query=request.query, new_cookie=new_cookie)


async def _sight(parts: Parts, request: Request, asked: Asked) -> None:
    """Whoever tries codes learns from a refusal as much as from a verdict: it is limited and recorded like one."""
    asker = Asker(parts, request)
    role = parts.role(request, tenant_id=asked.tenant_id)
    await parts.scanner.scan(_only_seen(scan_by(asker, asked, parts, new_cookie=b"", role=role), asker))


def _only_seen(scan: Scan, asker: Asker) -> Scan:
    """The scan of a program that may be anything's, such as that of a server which shows a preview of each link."""
    told = scan.visit
    seen = scanning.visit(
        confirmed=False,
        visitor=told.visitor,
        whence=told.whence,
        address=told.address,
        client=asker.client,
        language=asker.language,
        role=told.role,
        signature=told.signature,
        trace=asker.trace,
    )
    return msgspec.structs.replace(scan, visit=seen)


def cookie_for(asker: Asker) -> bytes:
    """The cookie that a browser has to be given, empty where it has one; programs are given none."""
    if asker.is_program or asker.cookie is not None:
        return b""
    return visitors.new_cookie()


def scan_by(
    asker: Asker,
    asked: Asked,
    parts: Parts,
    *,
    new_cookie: bytes,
    role: Role = Role.CONSUMER,
    signature: Signature = Signature.NONE,
) -> Scan:
    """A browser has seen the code, and its page will confirm that; a program asks for JSON, and its scan is final at once."""
    at_ms = parts.clock.now_ms()
    tenant_id = asked.tenant_id
    if new_cookie:
        visit = asker.visit(
            visitors.by_cookie(parts.keys, tenant_id=tenant_id, cookie=new_cookie), role=role, signature=signature
        )
    elif role is Role.CONSUMER and signature is Signature.NONE:
        visit = asker.usual_visit(parts.keys, tenant_id=tenant_id)
    else:
        visit = asker.visit(asker.visitor(parts.keys, tenant_id=tenant_id), role=role, signature=signature)
    return Scan(asked, ids.uuid7_at(at_ms), at_ms, Repeat.NEVER, visit)


def answer_to(asker: Asker, answered: Answered, parts: Parts, *, path: bytes, query: bytes, new_cookie: bytes) -> Answer:
    headers = conformance.headers(asker.origin, path)
    if asker.is_program:
        return json(200, verdict_document(answered, key=parts.ticket_key), *headers)
    if new_cookie:
        headers = (*headers, _set_cookie(new_cookie, secure=asker.secure))
    return redirect(307, _page(ticket_of(answered, key=parts.ticket_key), query), *headers)


def _preview(parts: Parts, request: Request, asked: Asked) -> Answer:
    """The page without a verdict: what a messenger shows beside a link says which product it is and that a scan will tell more."""
    at_ms = parts.clock.now_ms()
    ticket = Ticket(
        tenant_id=asked.tenant_id,
        stage=Stage.PREVIEW,
        verdict=None,
        reasons=(),
        gtin=asked.gtin,
        serial=asked.serial,
        scan_id=ids.uuid7_at(at_ms),
        visitor=_PREVIEW_VISITOR,
        expires_at_s=expiry_s(at_ms),
    )
    return redirect(307, _page(seal(ticket, key=parts.ticket_key), request.query), *resolver_headers(request))


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


def _page(ticket: str, query: bytes) -> bytes:
    page = PAGE + ticket.encode()
    return page + b"?" + query if query else page


def _set_cookie(cookie: bytes, *, secure: bool) -> tuple[bytes, bytes]:
    return (b"set-cookie", b"om_v=%b%b%b" % (cookie, _COOKIE_RULES, b"; Secure" if secure else b""))
