"""Answers of the resolver: 307 to the link that fits, 300 where a reader has to choose, the linkset with 200; for products, lots and items.

Promises: none of this is a scan, and nothing is recorded. What is told of a product or a lot may lie in caches for a minute; what is told of
an item is kept by nobody. A request's parameters go on to the target, unless its link says no, and cannot change where it leads. Refuses
products that the brand does not have, codes that nobody issued (never the product's page instead), and types that no level has.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Final

from codegen.catalogue import BrandCatalogue
from codegen.resolver_links import link_targets, link_types
from codegen.resolver_links.link_table import Link
from kit.refusals import NotFound
from scanservice.catalogue import Item
from scanservice.edge import pages
from scanservice.edge.http import HTML, NO_STORE, Answer, Request
from scanservice.resolver import choice_page, conformance, levels, linksets, wishes
from scanservice.resolver.addresses import CodeNotIssued, Named
from scanservice.resolver.levels import Level, Shop
from scanservice.resolver.wishes import Document, Wish
from scanservice.verdicts import Standing

Headers = tuple[tuple[bytes, bytes], ...]

# Codes that stand for goods. Of a void one, or one that no order knows, nothing is told but where to verify it.
_GOODS: Final = frozenset({Standing.ACTIVE, Standing.INACTIVE, Standing.FROZEN, Standing.RECALLED, Standing.EXPIRED})
_VERIFYING: Final = frozenset({link_types.DEFAULT, link_types.VERIFICATION})
_SAFE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"),
)


class GtinUnknown(NotFound):
    code: ClassVar[str] = "gtin_unknown"
    says: ClassVar[str] = "No product with GTIN {gtin} is known here."


def asks(request: Request) -> bool:
    """Whether a request for an item may want anything but to scan it. Asked for each scan: two searches in short texts."""
    return b"linkType" in request.query or conformance.LINKSET_TYPE in request.accept


def wish_of(request: Request) -> Wish:
    return wishes.read(query=request.query, accept=request.accept, accept_language=request.headers.get(b"accept-language", b""))


def wants_verification(wish: Wish, brand: BrandCatalogue) -> bool:
    """Whether to answer as if the code had been scanned: it was, or its default or its verification is asked for."""
    if wish.document is not Document.NONE:
        return False
    return not wish.link_type or link_types.meant(wish.link_type, brand.links.vocabularies) in _VERIFYING


def of_product(brand: BrandCatalogue, named: Named, request: Request, headers: Headers, *, now: datetime) -> Answer:
    product = brand.products.get(named.gtin)
    if product is None:
        raise GtinUnknown(gtin=named.gtin)
    shop = Shop(origin=brand.scan_origin, links=brand.links, now=now)
    found = levels.of_product(shop, product, lot=named.lot)
    return _answer(found, shop, request, wish_of(request), (*headers, conformance.SHARED))


def of_item(item: Item, wish: Wish, request: Request, headers: Headers, *, now: datetime) -> Answer:
    """What is known of an item beside its verdict."""
    if item.counted is None:
        raise CodeNotIssued
    facts = item.facts
    brand, product = facts.brand, facts.product
    shop = Shop(origin=brand.scan_origin, links=brand.links, now=now)
    found = levels.of_item(
        shop,
        product,
        gtin=facts.gtin,
        lot=facts.lot,
        serial=item.serial,
        name=brand.name if product is None else product.name,
        goods=facts.standing in _GOODS,
    )
    return _answer(found, shop, request, wish, (*headers, NO_STORE))


def _answer(found: Sequence[Level], shop: Shop, request: Request, wish: Wish, headers: Headers) -> Answer:
    if wish.document is not Document.NONE:
        return _linkset(200, linksets.document(found, wish.document), headers, form=wish.document)
    chosen = levels.answering(found, wish, shop.links.vocabularies)
    if len(chosen) == 1:
        return Answer(307, ((b"location", target(chosen[0], request.query, origin=shop.origin).encode()), *headers))
    if request.wants_html:
        language = "zh" if pages.prefers_chinese(request.header(b"accept-language")) else "en"
        addresses = [(link, target(link, request.query, origin=shop.origin)) for link in chosen]
        return Answer(300, (HTML, *_SAFE, *headers), choice_page.page(found[0].description, addresses, language=language))
    return _linkset(300, linksets.choices(found[0], chosen), headers, form=Document.GS1)


def target(link: Link, query: bytes, *, origin: str) -> str:
    """Where a request is sent. Our own pages are named by path alone, for whichever name of this host the phone has used."""
    href = link.href
    if link.type == link_types.PRODUCT_PAGE and href.startswith(origin + levels.PRODUCT_PAGES):
        href = href.removeprefix(origin)
    return link_targets.with_query(href, query) if link.passes_query else href


def _linkset(status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]], *, form: Document) -> Answer:
    """On a linkset the Link header names its JSON-LD context too."""
    joined = tuple((name, value + b", " + conformance.CONTEXT if name == b"link" else value) for name, value in headers)
    return Answer(status, ((b"content-type", linksets.CONTENT_TYPES[form]), *joined), body)
