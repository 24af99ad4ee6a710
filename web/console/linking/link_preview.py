"""What a phone would get: the resolver's own choice, asked from the console.

Promises: the very functions that an edge answers with, over the links as they are now. Nothing is recorded and nothing is sent.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request

from codegen.products import Product
from codegen.resolver_links import link_drafts, links
from codegen.resolver_links.link_table import Link
from kit.refusals import Refusal
from scanservice.resolver import levels, wishes
from scanservice.resolver.levels import LinkTypeMissing, Shop
from web.app import db
from web.console import desk
from web.wording import explained

TEXT_LENGTH_MAX = 200
NAMES = ("lot", "serial", "type", "language", "accept", "context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`links`: one to go to, several to choose from, none. `problem` says what was typed wrong. `verifies`: an item, nothing asked."""

    asked: dict[str, str]
    shown: bool = False
    links: tuple[Link, ...] = ()
    verifies: bool = False
    problem: str = ""


def preview(product: Product) -> Preview:
    asked = {name: request.args.get(name, "").strip()[:TEXT_LENGTH_MAX] for name in NAMES}
    if "try" not in request.args:
        return Preview(asked=asked)
    try:
        return _answered(product, asked)
    except LinkTypeMissing:
        return Preview(asked=asked, shown=True)
    except Refusal as refusal:
        return Preview(asked=asked, problem=explained(refusal))


def _answered(product: Product, asked: dict[str, str]) -> Preview:
    anchor = link_drafts.checked_anchor(gtin=product.gtin, lot=asked["lot"], serial=asked["serial"])
    table = links.table(db(), tenant_id=desk.tenant_id(), gtin=product.gtin)
    shop = Shop(origin=desk.brand().scan_origin, links=table, now=desk.now())
    query = urlencode({"linkType": asked["type"], **({"context": asked["context"]} if asked["context"] else {})})
    wish = wishes.read(
        query=query.encode(),
        accept=asked["accept"].encode("latin-1", "replace"),
        accept_language=asked["language"].encode("latin-1", "replace"),
    )
    if anchor.serial and not wish.link_type:
        return Preview(asked=asked, shown=True, verifies=True)
    told = (
        levels.of_item(shop, product, gtin=product.gtin, lot=anchor.lot, serial=anchor.serial, name=product.name, goods=True)
        if anchor.serial
        else levels.of_product(shop, product, lot=anchor.lot)
    )
    return Preview(asked=asked, shown=True, links=levels.answering(told, wish, table.vocabularies))
