"""`/p/<gtin>` and `/p/<gtin>/<lot>`: a product for people who asked for it without an item. The resolver sends them here.

Promises: it says nothing of genuineness, for it knows of no item, and asks to scan the code on one; links of the brand in the reader's
language, a recall before all others. A lot is named where the brand has given it links, and nobody else's words are shown. Refuses products
that no brand of the instance has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import render_template, request

from codegen import brands, products
from codegen.gtin import GTIN_LENGTH, is_digits
from codegen.products import ProductUnknown
from codegen.resolver_links import link_targets, link_types, links
from codegen.resolver_links.link_table import Link
from kit.db import enter_tenant
from scanservice.resolver import levels, negotiation, wishes
from scanservice.resolver.levels import Level, Shop
from scanservice.resolver.wishes import LanguageRange, Wish
from web import wording
from web.app import db, parts
from web.consumer.frame import blueprint
from web.wording import language

RECALL: Final = link_types.GS1_VOCABULARY + "recallStatus"
# Links for programs lead a person nowhere.
_FOR_PEOPLE: Final = ("text/html", "application/pdf", "image/", "video/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLink:
    title: str
    href: str
    host: str
    is_recall: bool


@blueprint.get("/p/<gtin>")
@blueprint.get("/p/<gtin>/<path:lot>")
def product(gtin: str, lot: str = "") -> str:
    tenant_id = products.owner(db(), gtin=gtin) if len(gtin) == GTIN_LENGTH and is_digits(gtin) else None
    if tenant_id is None:
        raise ProductUnknown(gtin=gtin[:GTIN_LENGTH])
    enter_tenant(db(), tenant_id)
    brand = brands.load(db(), tenant_id=tenant_id)
    found = products.find(db(), tenant_id=tenant_id, gtin=gtin)
    table = links.table(db(), tenant_id=tenant_id, gtin=gtin)
    shop = Shop(origin=brand.scan_origin, links=table, now=parts().clock.now())
    told = levels.of_product(shop, found, lot=lot)
    return render_template(
        "consumer/product.html",
        brand=brand,
        name=found.name_zh if language() == "zh" and found.name_zh else found.name,
        product=found,
        lot=lot if len(told) > 1 else "",
        links=sorted(_links(told), key=lambda one: not one.is_recall),
    )


def _links(told: Sequence[Level]) -> list[ShownLink]:
    """For each type the link that this reader would be sent to, from the finest level that has it; all that they could choose from."""
    wish = Wish(languages=_languages())
    shown: dict[str, tuple[Link, ...]] = {}
    for level in told:
        of_type: dict[str, list[Link]] = {}
        for link in level.links:
            if not link.media_type or link.media_type.startswith(_FOR_PEOPLE):
                of_type.setdefault(link.type, []).append(link)
        for link_type, candidates in of_type.items():
            if link_type not in shown:
                shown[link_type] = negotiation.choose(candidates, wish)
    return [
        ShownLink(title=link.title, href=link.href, host=link_targets.host_of(link.href), is_recall=link.type == RECALL)
        for chosen in shown.values()
        for link in chosen
    ]


def _languages() -> tuple[LanguageRange, ...]:
    """A language that was chosen on our pages comes first; else what the browser asks for, which may be one that we do not speak."""
    asked = wishes.language_ranges(request.headers.get("Accept-Language", "").encode("latin-1", "replace"))
    ours = LanguageRange(tag=language(), quality=1.0)
    was_chosen = "lang" in request.args or wording.COOKIE in request.cookies
    return (ours, *asked) if was_chosen else (*asked, ours)
