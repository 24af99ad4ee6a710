"""The levels of what is known under a Digital Link: the item, its lot, its product; and which link of which level answers.

Promises: walking up goes from lot to product, and from an item only where its code stands for goods; a level has one default link. Without
one of the brand's, that is our own page of the product or lot; an item's default is its verification, and no brand can change that. A type
that is asked for comes from the finest level that has it, a brand's link before our own page. Refuses a type that no level has. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import quote

from codegen.products import Product
from codegen.resolver_links import link_types
from codegen.resolver_links.link_table import Anchor, Link, LinkTable, Role
from kit.refusals import NotFound
from scanservice.resolver import negotiation
from scanservice.resolver.wishes import Wish

# Where the web process serves the page of a product or of a lot.
PRODUCT_PAGES: Final = "/p/"
_HTML: Final = "text/html"


class LinkTypeMissing(NotFound):
    code: ClassVar[str] = "link_type_missing"
    says: ClassVar[str] = "There is no link of type {link_type!r} for this code."


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """`links` are the brand's own that are valid now; `ours` describe pages of this service. `default` is one of both, or inherited."""

    anchor: str
    description: str
    links: tuple[Link, ...]
    ours: tuple[Link, ...]
    default: Link

    @property
    def multi(self) -> tuple[Link, ...]:
        return tuple(link for link in self.links if link.role is Role.MULTI)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What levels are made from: where a brand's codes are scanned, its links and the time."""

    origin: str
    links: LinkTable
    now: datetime


def of_product(shop: Shop, product: Product, *, lot: str = "") -> tuple[Level, ...]:
    """Finest first. A lot is a level where it has links; of any other lot the product's are told."""
    anchor = Anchor(gtin=product.gtin)
    links = shop.links.valid(anchor, shop.now)
    pages = _pages(shop, product, "")
    whole = Level(
        anchor=_address(shop, anchor),
        description=product.name,
        links=links,
        ours=pages,
        default=_marked(links) or pages[0],
    )
    of_lot = shop.links.valid(Anchor(gtin=product.gtin, lot=lot), shop.now) if lot else ()
    if not of_lot:
        return (whole,)
    default = _marked(of_lot) or _marked(links)
    pages = _pages(shop, product, lot) if default is None else ()
    # The target of a default has to be described under a type in the same place.
    described = (default,) if default is not None and default not in of_lot else pages
    level = Level(
        anchor=_address(shop, Anchor(gtin=product.gtin, lot=lot)),
        description=f"{product.name}, lot {lot}",
        links=of_lot,
        ours=described,
        default=default or pages[0],
    )
    return (level, whole)


def of_item(
    shop: Shop, product: Product | None, *, gtin: str, lot: str, serial: str, name: str, goods: bool
) -> tuple[Level, ...]:
    """`goods`: whether the code stands for goods (issued, not void), so that what is told of them may be told of it."""
    anchor = Anchor(gtin=gtin, serial=serial)
    address = _address(shop, anchor) if gtin else f"{shop.origin}/{serial}"
    verification = tuple(
        Link(type=link_types.VERIFICATION, href=address, title=title, languages=(language,), media_type=_HTML)
        for title, language in (("Verify this item", "en"), ("查验真伪", "zh"))
    )
    level = Level(
        anchor=address,
        description=f"{name}, item {serial}",
        links=shop.links.valid(anchor, shop.now) if goods else (),
        ours=verification,
        default=verification[0],
    )
    return (level, *of_product(shop, product, lot=lot)) if goods and product is not None else (level,)


def answering(levels: Sequence[Level], wish: Wish, vocabularies: Mapping[str, str]) -> tuple[Link, ...]:
    """The link that a wish is answered with, or several between which the reader has to choose."""
    wanted = link_types.meant(wish.link_type, vocabularies) if wish.link_type else link_types.DEFAULT
    if wanted == link_types.DEFAULT:
        return negotiation.choose_default(levels[0].default, levels[0].multi, wish)
    for level in levels:
        found = level.multi if wanted == link_types.DEFAULT_MULTI else tuple(one for one in level.links if one.type == wanted)
        if found:
            return negotiation.choose(found, wish)
    for level in levels:
        found = tuple(one for one in level.ours if one.type == wanted)
        if found:
            return negotiation.choose(found, wish)
    raise LinkTypeMissing(link_type=wish.link_type)


def _marked(links: Sequence[Link]) -> Link | None:
    return next((link for link in links if link.role is Role.DEFAULT), None)


def _pages(shop: Shop, product: Product, lot: str) -> tuple[Link, ...]:
    href = f"{shop.origin}{PRODUCT_PAGES}{product.gtin}{'/' + quote(lot, safe='') if lot else ''}"
    named = ((product.name, "en"), (product.name_zh, "zh"))
    return tuple(
        Link(type=link_types.PRODUCT_PAGE, href=href, title=title, languages=(language,), media_type=_HTML)
        for title, language in named
        if title
    )


def _address(shop: Shop, anchor: Anchor) -> str:
    """The uncompressed Digital Link of a level."""
    below = f"/10/{quote(anchor.lot, safe='')}" if anchor.lot else f"/21/{quote(anchor.serial, safe='')}" if anchor.serial else ""
    return f"{shop.origin}/01/{anchor.gtin}{below}"
