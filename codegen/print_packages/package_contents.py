"""What is in a print package, and where its file lies: everything that follows from the package's row and the keys of its epoch.

Promises: the same row gives the same rows, canaries and keys for ever; no key seals two contents, because keys follow from all that makes the
content. Refuses nothing.
"""

import hashlib
from pathlib import Path

from sqlalchemy.orm import Session

from codegen import orders
from codegen.cipher import SerialCipher
from codegen.orders import CodeOrder
from codegen.print_packages import canaries, manifests
from codegen.print_packages.package_models import Package
from codegen.print_packages.package_rows import Content, PackageRows, Stretch, Wording
from codegen.print_packages.templates import Template
from kit import seals

_FOLDER = "packages"


def purpose(row: Package) -> str:
    """What makes two packages have the same canaries: a reprint of the same rows for the same recipient is the same list again."""
    return f"canaries {row.order_id} {row.recipient_id} {row.content} {row.first_counter}-{row.last_counter} {row.canaries}"


def canary_rows(row: Package, cipher: SerialCipher) -> tuple[int, ...]:
    size = row.last_counter - row.first_counter + 1 + row.canaries
    return canaries.places(cipher.keys.canary, purpose=purpose(row).encode(), rows=size, canaries=row.canaries)


def rows(session: Session, row: Package, order: CodeOrder, cipher: SerialCipher) -> PackageRows:
    codes = row.last_counter - row.first_counter + 1
    canary_first = 0
    if row.canary_order_id is not None:
        canary_first = orders.find(session, row.canary_order_id, tenant_id=row.tenant_id).first_counter
    return PackageRows(
        cipher,
        stretch=Stretch(
            first_counter=row.first_counter, codes=codes, canary_first=canary_first, canary_rows=canary_rows(row, cipher)
        ),
        wording=Wording(
            origin=row.recipe["origin"],
            gtin=order.gtin,
            lot=order.lot,
            kind=order.kind_of(row.first_counter),
            profile=order.profile,
        ),
        template=Template.from_plain(row.recipe["template"]),
        content=Content(row.content),
    )


def secrets(row: Package, cipher: SerialCipher) -> tuple[bytes, bytes]:
    """(file key, the lock's own secret): they follow from everything that makes the content, so no key ever seals two contents."""
    facts = {
        "id": str(row.id),
        "purpose": purpose(row),
        "template": row.recipe["template"],
        "origin": row.recipe["origin"],
    }
    digest = hashlib.sha256(manifests.canonical(facts)).hexdigest()
    return (
        seals.derive(cipher.keys.package, f"onemark/1/package/file {digest}"),
        seals.derive(cipher.keys.package, f"onemark/1/package/lock {digest}"),
    )


def path(row: Package, objects_dir: Path) -> Path:
    return objects_dir / _FOLDER / str(row.tenant_id) / str(row.id)
