"""Links of one item are for items that were made: a typing error would lie there unseen for ever."""

from typing import Final

from sqlalchemy.orm import Session

from codegen import explain
from codegen.explain import Finding
from codegen.resolver_links.link_table import Anchor
from kit.refusals import Invalid

_MADE: Final = frozenset({Finding.INACTIVE, Finding.PRINTED, Finding.FROZEN, Finding.ACTIVE, Finding.RECALLED})


class ItemNotMade(Invalid):
    code = "link_item_not_made"
    says = "{serial} is no item of product {gtin} that could have links of its own."


def require_made(session: Session, anchor: Anchor, *, tenant_id: int, kek: bytes) -> None:
    """Refuses an item that nobody ordered, or that is void. Says nothing of products and lots."""
    if not anchor.serial:
        return
    address = f"https://id.example/01/{anchor.gtin}/21/{anchor.serial}"
    if explain.explain(session, tenant_id=tenant_id, text=address, kek=kek).finding not in _MADE:
        raise ItemNotMade(serial=anchor.serial, gtin=anchor.gtin)
