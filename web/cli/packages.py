"""`onemark packages`: parts of orders for printers and label houses. How they are asked for stands in `package_requests`."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import click

from codegen import brands
from codegen.keys import keyring, public_keys
from codegen.print_packages import downloads, package_making, packages
from codegen.print_packages.guarding import recipients
from codegen.print_packages.package_files import JobMemory
from codegen.print_packages.packages import Package
from kit.refusals import Conflict
from web.cli.given_files import TEXT_BYTES_MAX, FileThere, passphrase_of, text_of, write_new
from web.cli.root import answer, brand_option, cli, json_option, onemark, progress
from web.instance import Instance

ACTOR = "command line"
ADDRESS = "local"

existing = click.Path(exists=True, dir_okay=False, path_type=Path)
new_file = click.Path(dir_okay=False, path_type=Path)


class PackagesFailed(Conflict):
    code = "packages_failed"
    says = "Package {package_id} failed: {error}. Make room, and try: onemark packages resume --failed {package_id}"


@cli.group("packages")
def group() -> None:
    """Print packages: files of codes for printers, each naming who had it."""


@group.group("recipients")
def recipients_group() -> None:
    """Printers, cap makers, label houses."""


@recipients_group.command("add")
@click.argument("name")
@click.option("--contact", default="")
@click.option("--passphrase-file", type=existing, help="A file whose first line is the passphrase that files are sealed with.")
@click.option("--public-key", type=existing, help="An X25519 public key in PEM: openssl genpkey -algorithm X25519.")
@brand_option
@json_option
def add_recipient(
    name: str, contact: str, passphrase_file: Path | None, public_key: Path | None, tenant: str | None, *, as_json: bool
) -> None:
    """Add a recipient. Leaked codes will name it, so its name stays."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            added = recipients.add(
                session,
                tenant_id=tenant_id,
                name=name,
                contact=contact,
                passphrase=passphrase_of(passphrase_file),
                public_key=text_of(public_key) if public_key else None,
                kek=instance.settings.kek_bytes,
                now=instance.clock.now(),
                actor=ACTOR,
            )
    answer({"name": added.name, "lock": added.lock or None}, as_json=as_json, sentence=f"{added.name} can be given packages.")


@recipients_group.command("list")
@brand_option
@json_option
def list_recipients(tenant: str | None, *, as_json: bool) -> None:
    """List the recipients."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = recipients.listing(session, tenant_id=tenant_id)
    answer(
        {"recipients": [{"name": one.name, "contact": one.contact, "lock": one.lock or None} for one in found]},
        as_json=as_json,
        sentence="\n".join(f"{one.name:30}  {one.lock or 'no lock':10}  {one.contact}" for one in found) or "No recipients yet.",
    )


@group.command("resume")
@click.option("--failed", "failed", type=click.UUID, multiple=True, help="Try this failed package again.")
@brand_option
@json_option
def resume(failed: Sequence[UUID], tenant: str | None, *, as_json: bool) -> None:
    """Go on with packages whose process ended in the middle."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            for package_id in failed:
                packages.retry(session, tenant_id=tenant_id, package_id=package_id, now=instance.clock.now())
            left = packages.unfinished(session, tenant_id=tenant_id, now=instance.clock.now(), idle=timedelta(0))
            asked = [packages.find(session, one, tenant_id=tenant_id) for one in left]
        found = [made(instance, tenant_id, one) for one in asked]
    say(found, as_json=as_json)


@group.command("list")
@click.argument("order_id", type=click.UUID)
@brand_option
@json_option
def list_packages(order_id: UUID, tenant: str | None, *, as_json: bool) -> None:
    """List the packages of an order."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = packages.of_order(session, order_id, tenant_id=tenant_id)
    say(found, as_json=as_json)


@group.command("fetch")
@click.argument("package_id", type=click.UUID)
@click.option("--out", required=True, type=new_file)
@brand_option
@json_option
def fetch(package_id: UUID, out: Path, tenant: str | None, *, as_json: bool) -> None:
    """Copy a package's file. Each time is written down and counted."""
    if out.exists():
        raise FileThere(file=out)
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            file = downloads.take(
                session,
                package_id,
                tenant_id=tenant_id,
                objects_dir=instance.settings.objects_dir,
                address=ADDRESS,
                now=instance.clock.now(),
                actor=ACTOR,
            )
        with file.open("rb") as opened:
            write_new(out, iter(lambda: opened.read(TEXT_BYTES_MAX), b""))
    answer({"package_id": package_id, "file": out}, as_json=as_json, sentence=f"{out}. Send its manifest another way.")


@group.command("manifest")
@click.argument("package_id", type=click.UUID)
@click.option("--out", required=True, type=new_file)
@brand_option
@json_option
def manifest(package_id: UUID, out: Path, tenant: str | None, *, as_json: bool) -> None:
    """Write a package's signed manifest. It names the rows to skip: send it another way than the file."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            raw = packages.manifest_of(session, package_id, tenant_id=tenant_id)
    out.write_bytes(raw)
    answer({"package_id": package_id, "file": out}, as_json=as_json, sentence=str(out))


@group.command("downloads")
@click.argument("package_id", type=click.UUID)
@brand_option
@json_option
def list_downloads(package_id: UUID, tenant: str | None, *, as_json: bool) -> None:
    """Say who fetched a package, when and from where."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            limit = packages.find(session, package_id, tenant_id=tenant_id).downloads_max
            found = downloads.listing(session, package_id, tenant_id=tenant_id)
    facts = [{"number": one.number, "by": one.fetched_by, "address": one.address, "at": one.at} for one in found]
    lines = [f"{one.number} of {limit}  {one.at:%Y-%m-%d %H:%M:%S}  {one.address:20}  {one.fetched_by}" for one in found]
    answer({"downloads": facts, "limit": limit}, as_json=as_json, sentence="\n".join(lines) or f"None of {limit} yet.")


@group.command("keys")
@click.option("--out", required=True, type=new_file)
@brand_option
@json_option
def keys(out: Path, tenant: str | None, *, as_json: bool) -> None:
    """Write the public keys that printers verify manifests with, and anybody signed addresses: onemark verify."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            slug = brands.load(session, tenant_id=tenant_id).slug
            ring = keyring.epochs(session, tenant_id=tenant_id, kek=instance.settings.kek_bytes)
    key_set = public_keys.key_set(slug, ring.values())
    out.write_text(json.dumps(key_set, indent=1) + "\n", encoding="utf-8")
    count = len(key_set["keys"])
    answer({"file": out, "keys": count}, as_json=as_json, sentence=f"{count} public keys in {out}")


def made(instance: Instance, tenant_id: int, package: Package) -> Package:
    memory, done = JobMemory(), package.rows_done
    with progress(f"Rows {package.first:,} to {package.last:,}", package.rows) as advance:
        advance(done)
        while not package.finished:
            with instance.transaction(tenant_id) as session:
                step = package_making.advance(
                    session,
                    tenant_id=tenant_id,
                    package_id=package.id,
                    memory=memory,
                    kek=instance.settings.kek_bytes,
                    objects_dir=instance.settings.objects_dir,
                    now=instance.clock.now(),
                )
            if step is None:
                return package  # another process is at it
            package = step
            advance(package.rows_done - done)
            done = package.rows_done
    if package.error:
        raise PackagesFailed(package_id=package.id, error=package.error)
    return package


def say(found: Sequence[Package], *, as_json: bool) -> None:
    facts = [
        {
            "package_id": str(one.id),
            "recipient": one.recipient,
            "content": one.content,
            "format": one.format,
            "first": one.first,
            "last": one.last,
            "canaries": one.canaries,
            "state": one.state,
            "file_name": one.file_name,
        }
        for one in found
    ]
    lines = [
        f"{one.id}  {one.state:8}  rows {one.first:,} to {one.last:,} and {one.canaries} canaries for {one.recipient}  {one.file_name}"
        for one in found
    ]
    answer({"packages": facts}, as_json=as_json, sentence="\n".join(lines) or "No packages.")
