"""`onemark links`: where apps and phones are led that ask a code for more than its verdict."""

from typing import Any
from uuid import UUID, uuid5

import click

from codegen.resolver_links import link_drafts, link_hosts, link_items, link_types, link_vocabularies, links
from codegen.resolver_links.link_drafts import Draft
from codegen.resolver_links.link_table import Role
from codegen.resolver_links.links import LinkRecord
from web.cli.root import ACTOR, answer, brand_option, cli, json_option, onemark

_LINKS = UUID("6f1d5d0e-3f63-4c63-9b7e-2a4a4f0f7a10")
level_options = (
    click.option("--gtin", required=True, help="The product."),
    click.option("--lot", default="", help="Only for this lot."),
    click.option("--serial", default="", help="Only for this item."),
)
instant = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])


@cli.group("links")
def group() -> None:
    """Links of products, lots and items, as a GS1 resolver answers them."""


def _of_level(command: click.decorators.FC) -> click.decorators.FC:
    for option in reversed(level_options):
        command = option(command)
    return command


@group.command("add")
@_of_level
@click.option("--type", "link_type", required=True, help="gs1:pip, gs1:recipeInfo ..., or with a prefix of your own.")
@click.option("--href", required=True, help="https, on a host that was allowed.")
@click.option("--title", required=True)
@click.option("--language", "languages", multiple=True, help="zh, or zh-CN. May be given several times.")
@click.option("--media-type", default="text/html", show_default=True)
@click.option("--context", "contexts", multiple=True, help="A market or country. May be given several times.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.PLAIN.value, show_default=True)
@click.option("--place", type=click.IntRange(min=0), default=0, help="The smallest comes first.")
@click.option("--from", "valid_from", type=instant, help="ISO 8601 with its offset, as in 2026-12-01T00:00+08:00.")
@click.option("--until", "valid_until", type=instant)
@click.option("--no-query", is_flag=True, help="Do not pass on the parameters of the scanned address.")
@brand_option
@json_option
def add(gtin: str, lot: str, serial: str, role: str, tenant: str | None, *, no_query: bool, as_json: bool, **typed: Any) -> None:
    """Add a link. The same again is the same link."""
    draft = Draft(role=Role(role), passes_query=not no_query, **typed)
    anchor = link_drafts.checked_anchor(gtin=gtin, lot=lot, serial=serial)
    with onemark() as instance:
        tenant_id, now = instance.tenant_id(tenant), instance.clock.now()
        with instance.transaction(tenant_id) as session:
            link_items.require_made(session, anchor, tenant_id=tenant_id, kek=instance.settings.kek_bytes)
            link_id = uuid5(_LINKS, f"{tenant_id} {now.isoformat()} {anchor} {draft}")
            record = links.add(session, anchor, draft, link_id=link_id, tenant_id=tenant_id, now=now, actor=ACTOR)
            own = link_vocabularies.listing(session, tenant_id=tenant_id)
    answer(_shown(record, own), as_json=as_json, sentence=_line(record, own))


@group.command("list")
@click.option("--gtin", required=True, help="The product.")
@brand_option
@json_option
def listing(gtin: str, tenant: str | None, *, as_json: bool) -> None:
    """List the links of a product, its lots and items."""
    number = link_drafts.checked_anchor(gtin=gtin).gtin
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = links.listing(session, tenant_id=tenant_id, gtin=number, count_max=links.LINKS_OF_PRODUCT_MAX)
            own = link_vocabularies.listing(session, tenant_id=tenant_id)
    sentence = "\n".join(_line(record, own) for record in found) or "No links yet: onemark links add --help"
    answer({"links": [_shown(record, own) for record in found]}, as_json=as_json, sentence=sentence)


@group.command("remove")
@click.argument("link_id", type=click.UUID)
@brand_option
@json_option
def remove(link_id: UUID, tenant: str | None, *, as_json: bool) -> None:
    """Remove a link. `restore` brings it back."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            record = links.remove(session, link_id, tenant_id=tenant_id, now=instance.clock.now(), actor=ACTOR)
    answer({"id": record.id, "removed_at": record.removed_at}, as_json=as_json, sentence=f"{record.link.title} is removed.")


@group.command("restore")
@click.argument("link_id", type=click.UUID)
@brand_option
@json_option
def restore(link_id: UUID, tenant: str | None, *, as_json: bool) -> None:
    """Bring a removed link back."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            record = links.restore(session, link_id, tenant_id=tenant_id, now=instance.clock.now(), actor=ACTOR)
    answer({"id": record.id}, as_json=as_json, sentence=f"{record.link.title} is back.")


@group.command("allow")
@click.argument("host")
@brand_option
@json_option
def allow(host: str, tenant: str | None, *, as_json: bool) -> None:
    """Allow a host, and everything below it, as a target of links."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            allowed = link_hosts.allow(session, host, tenant_id=tenant_id, now=instance.clock.now(), actor=ACTOR)
    answer({"host": allowed}, as_json=as_json, sentence=f"Links may lead to {allowed}.")


@group.command("disallow")
@click.argument("host")
@brand_option
@json_option
def disallow(host: str, tenant: str | None, *, as_json: bool) -> None:
    """Take a host off the list; its links are not answered any more."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            link_hosts.disallow(session, host, tenant_id=tenant_id, now=instance.clock.now(), actor=ACTOR)
    answer({"host": host}, as_json=as_json, sentence=f"Links may lead to {host} no more.")


@group.command("vocabulary")
@click.argument("prefix")
@click.argument("namespace")
@brand_option
@json_option
def vocabulary(prefix: str, namespace: str, tenant: str | None, *, as_json: bool) -> None:
    """Name a vocabulary of your own: onemark links vocabulary tea https://example.com/voc/."""
    with onemark() as instance:
        tenant_id, now = instance.tenant_id(tenant), instance.clock.now()
        with instance.transaction(tenant_id) as session:
            kept = link_vocabularies.define(
                session, prefix=prefix, namespace=namespace, tenant_id=tenant_id, now=now, actor=ACTOR
            )
    answer({"prefix": kept, "namespace": namespace}, as_json=as_json, sentence=f"{kept}: means {namespace}")


def _shown(record: LinkRecord, own: dict[str, str]) -> dict[str, object]:
    link = record.link
    return {
        "id": record.id,
        "gtin": record.anchor.gtin,
        "lot": record.anchor.lot,
        "serial": record.anchor.serial,
        "type": link_types.short(link.type, own),
        "href": link.href,
        "title": link.title,
        "languages": link.languages,
        "media_type": link.media_type,
        "contexts": link.contexts,
        "role": link.role,
        "place": record.place,
        "passes_query": link.passes_query,
        "valid_from": link.valid_from,
        "valid_until": link.valid_until,
    }


def _line(record: LinkRecord, own: dict[str, str]) -> str:
    level = record.anchor.serial or record.anchor.lot or "product"
    link = record.link
    languages = ",".join(link.languages) or "any"
    return f"{record.id}  {level:20}  {link_types.short(link.type, own):24}  {link.role.value:7}  {languages:8}  {link.href}"
