"""`onemark api-keys`: keys by which apps, tills, hand scanners and lines report scans."""

from uuid import UUID

import click

from kit import ids
from scanservice import api_keys
from scanservice.api_keys import ApiKey, Scope
from web.cli.root import ACTOR, answer, brand_option, cli, json_option, onemark


@cli.group("api-keys")
def group() -> None:
    """Keys by which apps and devices report scans."""


@group.command("add")
@click.option("--name", required=True, help="Who or what will use it, such as 'WMS Shanghai'.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(Scope)),
    default=(Scope.SCAN,),
    show_default=True,
    help="Again for each: as consumers, as a shop, as staff, with the device's own time.",
)
@click.option("--scans-per-s", type=int, default=api_keys.SCANS_PER_S, show_default=True)
@brand_option
@json_option
def add(name: str, scopes: tuple[str, ...], scans_per_s: int, tenant: str | None, *, as_json: bool) -> None:
    """Make a key. It is printed once and kept nowhere."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        now = instance.clock.now()
        with instance.transaction(tenant_id) as session:
            made = api_keys.add(
                session,
                tenant_id=tenant_id,
                key_id=ids.uuid7(now),
                name=name,
                scopes=api_keys.scopes_of(scopes),
                scans_per_s=scans_per_s,
                actor=ACTOR,
                now=now,
            )
    answer(
        {**_plain(made.key), "key": made.secret},
        as_json=as_json,
        sentence=f"{made.secret}\nSend it as `Authorization: Bearer ...`. It is shown this once; only its hash is kept.",
    )


@group.command("list")
@brand_option
@json_option
def listing(tenant: str | None, *, as_json: bool) -> None:
    """List the keys, revoked ones included."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = api_keys.listing(session, tenant_id=tenant_id)
    lines = [
        f"{key.id}  {key.shown}...  {key.name}  {', '.join(sorted(key.scopes))}"
        + ("" if key.revoked_at is None else f"  revoked by {key.revoked_by}")
        for key in found
    ]
    answer(
        {"keys": [_plain(key) for key in found]},
        as_json=as_json,
        sentence="\n".join(lines) or "No API keys yet: onemark api-keys add --help",
    )


@group.command("revoke")
@click.argument("key_id", type=click.UUID)
@brand_option
@json_option
def revoke(key_id: UUID, tenant: str | None, *, as_json: bool) -> None:
    """Revoke a key, for ever. Edges refuse it from their next scan on."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            key = api_keys.revoke(session, tenant_id=tenant_id, key_id=key_id, actor=ACTOR, now=instance.clock.now())
    answer(_plain(key), as_json=as_json, sentence=f"{key.name} ({key.shown}...) is revoked.")


def _plain(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "shown": key.shown,
        "scopes": sorted(key.scopes),
        "scans_per_s": key.scans_per_s,
        "created_by": key.created_by,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
