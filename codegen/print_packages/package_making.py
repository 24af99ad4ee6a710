"""Making print packages: the file in steps, then the signed manifest.

Promises: each step is one transaction that says how far the file is on disk, so whoever goes on after a crash writes the same bytes; two
workers never write one file; a package that failed leaves nothing behind. Refuses nothing that `packages.request` accepted.
"""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import brands, orders
from codegen.cipher import SerialCipher
from codegen.keys import keyring
from codegen.orders import CodeOrder
from codegen.print_packages import manifests, package_contents, packages
from codegen.print_packages.file_designs import FileDesign
from codegen.print_packages.guarding import package_locks
from codegen.print_packages.package_files import START, Checkpoint, JobMemory, PackageFile
from codegen.print_packages.package_models import Package as Row
from codegen.print_packages.packages import Package, PackageState

ERROR_CHARS_MAX = 500


def advance(
    session: Session,
    *,
    tenant_id: int,
    package_id: UUID,
    memory: JobMemory,
    kek: bytes,
    objects_dir: Path,
    now: datetime,
) -> Package | None:
    """One step of the work; commit after it and call again until the answer is `finished`. None: another worker is at it.

    `memory` is the caller's between the steps of one package: a new one costs time, never correctness.
    """
    row = session.scalar(
        select(Row)
        .where(Row.tenant_id == tenant_id, Row.id == package_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        packages.find(session, package_id, tenant_id=tenant_id)
        return None
    if row.state not in {PackageState.READY, PackageState.FAILED}:
        order = orders.find(session, row.order_id, tenant_id=tenant_id)
        cipher = keyring.cipher(session, tenant_id=tenant_id, epoch=row.epoch, kek=kek)
        if memory.composer is None:
            memory.composer = package_contents.composer(session, row, order, cipher)
        path = package_contents.path(row, objects_dir)
        if not package_locks.fits(row, fingerprint=memory.composer.fingerprint):
            # Another version of a library may write other bytes: the file is begun again, under another key.
            _note(row, START)
            package_locks.fit(session, row, cipher, fingerprint=memory.composer.fingerprint, kek=kek)
        file = PackageFile(memory.composer, key=package_locks.key_of(row, cipher), path=path)
        try:
            _note(row, file.write_step(_checkpoint(row), memory))
            row.state = PackageState.RUNNING
            if row.rows_done == package_contents.rows_of(row):
                row.manifest = _manifest(session, row, order, cipher, file, memory)
                row.state = PackageState.READY
        except OSError as error:
            # A full disk does not get better by trying: say so, and give the room back.
            file.discard()
            _note(row, START)
            row.state = PackageState.FAILED
            row.error = f"{error.strerror or error}"[:ERROR_CHARS_MAX]
        row.updated_at = now
        session.flush()
    return packages.of_row(session, row)


def _checkpoint(row: Row) -> Checkpoint:
    if row.rows_done == 0:
        return START
    return Checkpoint(rows=row.rows_done, content_bytes=row.bytes_done, note_bytes=row.note_bytes, rest=row.rest)


def _note(row: Row, at: Checkpoint) -> None:
    row.rows_done, row.bytes_done, row.note_bytes, row.rest = at.rows, at.content_bytes, at.note_bytes, at.rest


def _manifest(session: Session, row: Row, order: CodeOrder, cipher: SerialCipher, file: PackageFile, memory: JobMemory) -> str:
    """Enough for the press, and enough to enter order and canaries again where a database was lost."""
    package = packages.of_row(session, row)
    content, sealed = file.sums(memory)
    canary_order = None
    if row.canary_order_id is not None:
        canary_order = orders.find(session, row.canary_order_id, tenant_id=row.tenant_id)
    facts = {
        "package_id": str(row.id),
        "content": row.content,
        "created_at": row.created_at.isoformat(),
        "order": _order_facts(order),
        "part": {
            "first": package.first,
            "last": package.last,
            "kind": order.kind_of(row.first_counter).value,
            "printing": package.printing.value,
        },
        "recipient": {"id": str(row.recipient_id), "name": package.recipient},
        "rows": package.codes + row.canaries,
        "codes": package.codes,
        "skip": sorted(place + 1 for place in package_contents.canary_rows(row, cipher)),
        "canaries": None if canary_order is None else _order_facts(canary_order),
        "file": {**asdict(content), "name": row.file_name.removesuffix(".sealed")},
        "sealed": None if sealed is None else {**asdict(sealed), "name": row.file_name},
        "design": FileDesign.from_plain(row.recipe).as_plain(),
        "mark": row.recipe.get("mark"),
        "mask": row.recipe.get("mask"),
        "origin": row.recipe["origin"],
    }
    slug = brands.load(session, tenant_id=row.tenant_id).slug
    return manifests.signed(facts, slug=slug, cipher=cipher).decode()


def _order_facts(order: CodeOrder) -> dict[str, Any]:
    return {
        "id": str(order.id),
        "request_id": order.request_id,
        "epoch": order.epoch,
        "first_counter": order.first_counter,
        "quantity": order.quantity,
        "gtin": order.gtin,
        "lot": order.lot,
        "kind": order.kind.value,
        "packaging": None if order.packaging is None else asdict(order.packaging),
        "profile": order.profile.value,
        **order.proofs.columns(),
    }
