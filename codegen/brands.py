"""Brands: the tenants of an instance, with their scan origin, hosts and GTIN prefixes.

Promises: a brand is created whole, with the first epoch of its key ring, or not at all. Refuses a slug that is taken, an origin that
phones should not open, and prefixes that are none. The directory of brands is the one thing that is read across tenants.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from codegen import catalogue_version, gtin, origins
from codegen.keys import keyring
from codegen.models import BrandHost, GtinPrefix, Tenant
from kit.db import enter_tenant
from kit.refusals import Conflict, Invalid, NotFound

SLUG_LENGTH_MAX = 40
NAME_LENGTH_MAX = 100
_SLUG = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{SLUG_LENGTH_MAX - 1}}}")
_DIRECTORY = text("SELECT id, slug, name, scan_origin FROM tenant_directory()")
_CREATE = text("SELECT create_tenant(:slug, :name, :scan_origin)")
_LOAD = text("""
    SELECT id, slug, name, scan_origin, timezone,
           ARRAY(SELECT host FROM brand_host WHERE tenant_id = tenant.id ORDER BY host) AS hosts,
           ARRAY(SELECT prefix FROM gtin_prefix WHERE tenant_id = tenant.id ORDER BY prefix) AS prefixes
    FROM tenant WHERE id = :tenant_id
""")


class SlugMalformed(Invalid):
    code = "slug_malformed"
    says = "A brand's short name is lower-case letters, digits and hyphens, at most 40; {slug!r} is not."


class SlugTaken(Conflict):
    code = "slug_taken"
    says = "There is a brand {slug!r} already."


class NameMalformed(Invalid):
    code = "name_malformed"
    says = "A name has 1 to {length_max} printable characters."


class BrandUnknown(NotFound):
    code = "brand_unknown"
    says = "There is no brand {brand!r} here."


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandEntry:
    """A line of the directory: what one brand may be known by to all."""

    tenant_id: int
    slug: str
    name: str
    scan_origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    tenant_id: int
    slug: str
    name: str
    scan_origin: str
    timezone: str
    hosts: tuple[str, ...]
    gtin_prefixes: tuple[str, ...]


def create(
    session: Session,
    *,
    slug: str,
    name: str,
    scan_origin: str,
    hosts: Sequence[str] = (),
    gtin_prefixes: Sequence[str],
    kek: bytes,
    now: datetime,
) -> Brand:
    """Creates a brand with epoch 0 of its key ring and leaves the session inside the new tenant. The origin's host is one of `hosts`."""
    if not _SLUG.fullmatch(slug):
        raise SlugMalformed(slug=slug)
    origin = origins.checked(scan_origin)
    values = {"slug": slug, "name": checked_name(name), "scan_origin": origin}
    wanted_hosts = {origins.host_of(origin), *(origins.checked_host(host) for host in hosts)}
    prefixes = {gtin.checked_prefix(prefix) for prefix in gtin_prefixes}
    try:
        with session.begin_nested():
            tenant_id: int = session.execute(_CREATE, values).scalar_one()
    except IntegrityError as error:
        raise SlugTaken(slug=slug) from error
    enter_tenant(session, tenant_id)
    for host in sorted(wanted_hosts):
        add_host(session, tenant_id=tenant_id, host=host)
    for prefix in sorted(prefixes):
        add_gtin_prefix(session, tenant_id=tenant_id, prefix=prefix)
    keyring.open_epoch(session, tenant_id=tenant_id, kek=kek, now=now)
    return load(session, tenant_id=tenant_id)


def directory(session: Session) -> list[BrandEntry]:
    """All brands of the instance, oldest first; needs no tenant."""
    return [
        BrandEntry(tenant_id=row.id, slug=row.slug, name=row.name, scan_origin=row.scan_origin)
        for row in session.execute(_DIRECTORY)
    ]


def tenant_ids(session: Session) -> list[int]:
    return [entry.tenant_id for entry in directory(session)]


def find(session: Session, *, slug: str) -> BrandEntry:
    """The brand of that short name; needs no tenant."""
    for entry in directory(session):
        if entry.slug == slug:
            return entry
    raise BrandUnknown(brand=slug)


def load(session: Session, *, tenant_id: int) -> Brand:
    """The brand that the session is inside of. One statement: every page begins with it."""
    row = session.execute(_LOAD, {"tenant_id": tenant_id}).one_or_none()
    if row is None:
        raise BrandUnknown(brand=tenant_id)
    return Brand(
        tenant_id=row.id,
        slug=row.slug,
        name=row.name,
        scan_origin=row.scan_origin,
        timezone=row.timezone,
        hosts=tuple(row.hosts),
        gtin_prefixes=tuple(row.prefixes),
    )


def change_origin(session: Session, *, tenant_id: int, scan_origin: str) -> str:
    """From now on codes are printed under `scan_origin`. Hosts are only added: what was printed before must still be understood."""
    origin = origins.checked(scan_origin)
    changed = session.execute(
        update(Tenant).where(Tenant.id == tenant_id, Tenant.scan_origin != origin).values(scan_origin=origin).returning(Tenant.id)
    ).first()
    add_host(session, tenant_id=tenant_id, host=origins.host_of(origin))
    if changed is not None:
        catalogue_version.grow(session)
    return origin


def add_host(session: Session, *, tenant_id: int, host: str) -> None:
    added = session.execute(
        insert(BrandHost)
        .values(tenant_id=tenant_id, host=origins.checked_host(host))
        .on_conflict_do_nothing()
        .returning(BrandHost.host)
    ).first()
    if added is not None:
        catalogue_version.grow(session)


def add_gtin_prefix(session: Session, *, tenant_id: int, prefix: str) -> None:
    session.execute(insert(GtinPrefix).values(tenant_id=tenant_id, prefix=gtin.checked_prefix(prefix)).on_conflict_do_nothing())


def checked_name(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= NAME_LENGTH_MAX or not stripped.isprintable():
        raise NameMalformed(length_max=NAME_LENGTH_MAX)
    return stripped
