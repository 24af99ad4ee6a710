"""`onemark brands`: the brands of an instance and their key rings. In the one box the first brand makes itself; elsewhere it begins here."""

import click

from codegen import brands
from codegen.keys import keyring
from web.cli.root import ACTOR, answer, brand_option, cli, json_option, onemark


@cli.group("brands")
def group() -> None:
    """Brands of this instance, each fenced off from the others."""


@group.command("add")
@click.option("--slug", required=True, help="Short name for --tenant: lower-case letters, digits, hyphens.")
@click.option("--name", required=True)
@click.option("--origin", required=True, help="Where its codes lead: HTTPS://ID.EXAMPLE. Printed codes keep it for ever.")
@click.option("--gtin-prefix", "gtin_prefixes", multiple=True, required=True, help="GS1 company prefix; may be given again.")
@json_option
def add(slug: str, name: str, origin: str, gtin_prefixes: tuple[str, ...], *, as_json: bool) -> None:
    """Add a brand with a key ring of its own."""
    with onemark() as instance, instance.transaction(None) as session:
        brand = brands.create(
            session,
            slug=slug,
            name=name,
            scan_origin=origin,
            gtin_prefixes=gtin_prefixes,
            kek=instance.settings.kek_bytes,
            now=instance.clock.now(),
        )
    answer(
        {"slug": brand.slug, "name": brand.name, "origin": brand.scan_origin},
        as_json=as_json,
        sentence=f"{brand.slug} prints under {brand.scan_origin}. Its first login: onemark staff add --role owner --tenant {brand.slug}",
    )


@group.command("list")
@json_option
def listing(*, as_json: bool) -> None:
    """List the brands."""
    with onemark() as instance, instance.transaction(None) as session:
        found = brands.directory(session)
    answer(
        {"brands": [{"slug": one.slug, "name": one.name, "origin": one.scan_origin} for one in found]},
        as_json=as_json,
        sentence="\n".join(f"{one.slug:20}  {one.scan_origin:32}  {one.name}" for one in found)
        or "No brands: onemark brands add --help",
    )


@group.command("open-epoch")
@brand_option
@json_option
def open_epoch(tenant: str | None, *, as_json: bool) -> None:
    """Begin a new generation of serial keys. Needed after a restored backup: no counter may be issued twice."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            epoch = keyring.open_epoch(
                session, tenant_id=tenant_id, kek=instance.settings.kek_bytes, now=instance.clock.now(), actor=ACTOR
            )
    answer(
        {"epoch": epoch}, as_json=as_json, sentence=f"New orders are issued in epoch {epoch}. Codes of earlier epochs stay good."
    )
