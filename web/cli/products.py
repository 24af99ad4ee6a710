"""`onemark products`: the things that codes are printed on."""

import click

from codegen import products
from web.cli.root import answer, brand_option, cli, json_option, onemark


@cli.group("products")
def group() -> None:
    """Products of a brand, by GTIN."""


@group.command("add")
@click.option("--gtin", required=True, help="GTIN-8, -12, -13 or -14 with its check digit.")
@click.option("--name", required=True)
@click.option("--name-zh", default=None, help="The name in Chinese.")
@click.option("--description", default=None)
@brand_option
@json_option
def add(gtin: str, name: str, name_zh: str | None, description: str | None, tenant: str | None, *, as_json: bool) -> None:
    """Add a product. Again with the same data: fine; with other data: refused."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            product = products.add(
                session,
                tenant_id=tenant_id,
                gtin=gtin,
                name=name,
                name_zh=name_zh,
                description=description,
                now=instance.clock.now(),
            )
    answer({"gtin": product.gtin, "name": product.name}, as_json=as_json, sentence=f"{product.gtin}  {product.name}")


@group.command("list")
@brand_option
@json_option
def listing(tenant: str | None, *, as_json: bool) -> None:
    """List the products."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = products.listing(session, tenant_id=tenant_id)
    rows = [{"gtin": product.gtin, "name": product.name, "name_zh": product.name_zh} for product in found]
    answer(
        {"products": rows},
        as_json=as_json,
        sentence="\n".join(f"{row['gtin']}  {row['name']}" for row in rows) or "No products yet: onemark products add --help",
    )
