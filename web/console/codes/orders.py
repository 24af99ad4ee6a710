"""What a brand can order codes for: its products, and the kinds that a marketer orders by hand."""

from collections.abc import Mapping

from wtforms.fields.choices import SelectChoice

from codegen import products
from codegen.kinds import Kind
from web.app import db
from web.console import desk
from web.console.forms import options
from web.wording import language

# Canaries are drawn by the system into the files of one recipient.
KINDS = (Kind.ITEM_OUTER, Kind.ITEM_INNER, Kind.CASE, Kind.PALLET, Kind.SPARE)


def product_names() -> Mapping[str, str]:
    """By GTIN, in the reader's language."""
    return {
        product.gtin: (product.name_zh if language() == "zh" else "") or product.name
        for product in products.listing(db(), tenant_id=desk.tenant_id())
    }


def product_options() -> list[SelectChoice]:
    return options({gtin: f"{name} · {gtin}" for gtin, name in product_names().items()})
