"""The locks of package files: sealed for their recipient with AES-256, or open.

Promises: the key of a file follows from everything that makes its content, the versions of libraries that write it included, so no key ever seals
two contents; the same package has the same key in every process.
"""

import base64
from enum import StrEnum

from sqlalchemy.orm import Session

from codegen.cipher import SerialCipher
from codegen.print_packages import package_contents
from codegen.print_packages.guarding import recipients, sealed_files
from codegen.print_packages.guarding.sealed_files import FileKey
from codegen.print_packages.package_models import Package, PackageRecipient


class Sealing(StrEnum):
    OPEN = "open"
    SEALED = "sealed"


def fit(session: Session, row: Package, cipher: SerialCipher, *, fingerprint: str, kek: bytes) -> None:
    """Notes what will write the file, and the head of a sealed one. Refuses recipients who have neither passphrase nor key."""
    if fingerprint:
        row.recipe = {**row.recipe, "writer": fingerprint}
    if row.recipe["sealing"] == Sealing.SEALED:
        name = session.get_one(PackageRecipient, (row.tenant_id, row.recipient_id)).name
        secrets = package_contents.secrets(row, cipher)
        key = recipients.file_key(session, tenant_id=row.tenant_id, name=name, kek=kek, secrets=secrets)
        row.recipe = {**row.recipe, "head": base64.b64encode(key.head).decode()}


def fits(row: Package, *, fingerprint: str) -> bool:
    """Was the file begun by the same versions of libraries?"""
    return str(row.recipe.get("writer", "")) == fingerprint


def key_of(row: Package, cipher: SerialCipher) -> FileKey | None:
    if row.recipe["sealing"] != Sealing.SEALED:
        return None
    return sealed_files.resumed(base64.b64decode(row.recipe["head"]), package_contents.secrets(row, cipher)[0])
