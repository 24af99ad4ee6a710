"""Packages as the tests of this package ask for and make them."""

from pathlib import Path
from typing import Any
from uuid import UUID

from codegen import brands
from codegen.brands import Brand
from codegen.keys import keyring, public_keys
from codegen.orders import CodeOrder
from codegen.print_packages import package_making, packages
from codegen.print_packages.guarding import recipients
from codegen.print_packages.package_files import JobMemory
from codegen.print_packages.packages import Package
from kit.ids import uuid7
from tests.codegen.conftest import KEK, NOW, Inside

PASSPHRASE = "correct horse battery"


def printer(inside: Inside, tea: Brand, name: str, **lock: str) -> None:
    with inside() as session:
        recipients.add(session, tenant_id=tea.tenant_id, name=name, kek=KEK, now=NOW, actor="alice", **lock)


def asked(
    inside: Inside, tea: Brand, order: CodeOrder, recipient: str, *, package_id: UUID | None = None, **wanted: Any
) -> Package:
    with inside() as session:
        return packages.request(
            session,
            tenant_id=tea.tenant_id,
            package_id=package_id or uuid7(NOW),
            order_id=order.id,
            recipient=recipient,
            **{"kek": KEK, "now": NOW, "actor": "alice", **wanted},
        )


def step(inside: Inside, tea: Brand, package: Package, folder: Path, memory: JobMemory) -> Package | None:
    with inside() as session:
        return package_making.advance(
            session,
            tenant_id=tea.tenant_id,
            package_id=package.id,
            memory=memory,
            kek=KEK,
            objects_dir=folder,
            now=NOW,
        )


def made(inside: Inside, tea: Brand, package: Package, folder: Path) -> bytes:
    """The finished file; every step is another worker's, who knows nothing of the one before."""
    while True:
        moved = step(inside, tea, package, folder, JobMemory())
        assert moved is not None
        if moved.finished:
            break
    with inside() as session:
        return packages.file_of(session, package.id, tenant_id=tea.tenant_id, objects_dir=folder).read_bytes()


def manifest(inside: Inside, tea: Brand, package: Package) -> bytes:
    with inside() as session:
        return packages.manifest_of(session, package.id, tenant_id=tea.tenant_id)


def keys(inside: Inside, tea: Brand) -> dict[str, Any]:
    with inside() as session:
        ring = keyring.epochs(session, tenant_id=tea.tenant_id, kek=KEK)
        slug = brands.load(session, tenant_id=tea.tenant_id).slug
    return public_keys.key_set(slug, ring.values())
