"""Recipients of print packages: printers, cap makers, label houses, and how files for them are locked.

Promises: a name belongs to one recipient of a brand for ever, since leaked codes name it; adding the same again is fine. A passphrase
lies sealed under the key-encryption key and comes out for sealing alone. Refuses names that a file or page would garble, short
passphrases, keys that are none, and both kinds of lock at once.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from codegen.print_packages.guarding import sealed_files
from codegen.print_packages.guarding.sealed_files import PASSPHRASE_LENGTH_MIN, FileKey
from codegen.print_packages.package_models import PackageRecipient
from kit import ids, seals
from kit.refusals import Conflict, Invalid, NotFound

NAME_LENGTH_MAX = 80
CONTACT_LENGTH_MAX = 200
RECIPIENTS_MAX = 1000
_PURPOSE = "onemark/recipient-passphrase"


class RecipientMalformed(Invalid):
    code = "recipient_malformed"
    says = "A recipient has a name of 1 to {name_length_max} printable characters and a contact of up to {contact_length_max}."


class PassphraseTooShort(Invalid):
    code = "passphrase_too_short"
    says = "A passphrase has at least {length_min} characters."


class TwoLocks(Invalid):
    code = "two_locks"
    says = "A recipient has a passphrase or a public key, not both."


class RecipientDiffers(Conflict):
    code = "recipient_differs"
    says = "Recipient {name!r} is there already, with another contact or key."


class RecipientUnknown(NotFound):
    code = "recipient_unknown"
    says = "This brand has no recipient {name!r}."


class RecipientWithoutLock(Conflict):
    code = "recipient_without_lock"
    says = "Recipient {name!r} has neither passphrase nor public key to seal a file with."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """`lock` is "passphrase", "x25519" or nothing."""

    id: UUID
    name: str
    contact: str
    lock: str
    created_at: datetime


def add(
    session: Session,
    *,
    tenant_id: int,
    name: str,
    contact: str = "",
    passphrase: str | None = None,
    public_key: str | None = None,
    kek: bytes,
    now: datetime,
    actor: str,
) -> Recipient:
    _check(name=name, contact=contact, passphrase=passphrase, public_key=public_key)
    recipient_id = ids.uuid7(now)
    sealed = None
    if passphrase is not None:
        sealed = seals.seal(seals.derive(kek, _PURPOSE), passphrase.encode(), context=recipient_id.bytes)
    session.execute(
        insert(PackageRecipient)
        .values(
            tenant_id=tenant_id,
            id=recipient_id,
            name=name,
            contact=contact,
            passphrase_sealed=sealed,
            public_key=public_key,
            added_by=actor,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    )
    row = _row(session, tenant_id=tenant_id, name=name)
    if (row.contact, row.public_key, _passphrase(row, kek)) != (contact, public_key, passphrase):
        raise RecipientDiffers(name=name)
    return _recipient(row)


def find(session: Session, *, tenant_id: int, name: str) -> Recipient:
    return _recipient(_row(session, tenant_id=tenant_id, name=name))


def listing(session: Session, *, tenant_id: int) -> list[Recipient]:
    rows = session.scalars(
        select(PackageRecipient)
        .where(PackageRecipient.tenant_id == tenant_id)
        .order_by(PackageRecipient.name)
        .limit(RECIPIENTS_MAX)
    )
    return [_recipient(row) for row in rows]


def file_key(session: Session, *, tenant_id: int, name: str, kek: bytes, secrets: tuple[bytes, bytes]) -> FileKey:
    """A locked file's head for this recipient. `secrets` are 32 bytes each, new for every content: the file key and the lock's own."""
    row = _row(session, tenant_id=tenant_id, name=name)
    passphrase = _passphrase(row, kek)
    if passphrase is not None:
        salt = secrets[1][: sealed_files.SALT_BYTES]
        return sealed_files.sealed_for_passphrase(passphrase, file_key=secrets[0], salt=salt)
    if row.public_key is None:
        raise RecipientWithoutLock(name=name)
    return sealed_files.sealed_for_key(row.public_key, file_key=secrets[0], ephemeral=secrets[1])


def _check(*, name: str, contact: str, passphrase: str | None, public_key: str | None) -> None:
    right = name == name.strip() and 1 <= len(name) <= NAME_LENGTH_MAX and name.isprintable()
    if not right or len(contact) > CONTACT_LENGTH_MAX or not contact.isprintable():
        raise RecipientMalformed(name_length_max=NAME_LENGTH_MAX, contact_length_max=CONTACT_LENGTH_MAX)
    if passphrase is not None and public_key is not None:
        raise TwoLocks
    if passphrase is not None and len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise PassphraseTooShort(length_min=PASSPHRASE_LENGTH_MIN)
    if public_key is not None:
        sealed_files.public_key(public_key)


def _row(session: Session, *, tenant_id: int, name: str) -> PackageRecipient:
    row = session.scalar(select(PackageRecipient).where(PackageRecipient.tenant_id == tenant_id, PackageRecipient.name == name))
    if row is None:
        raise RecipientUnknown(name=name)
    return row


def _passphrase(row: PackageRecipient, kek: bytes) -> str | None:
    if row.passphrase_sealed is None:
        return None
    return seals.unseal(seals.derive(kek, _PURPOSE), row.passphrase_sealed, context=row.id.bytes).decode()


def _recipient(row: PackageRecipient) -> Recipient:
    lock = "passphrase" if row.passphrase_sealed is not None else "x25519" if row.public_key is not None else ""
    return Recipient(id=row.id, name=row.name, contact=row.contact, lock=lock, created_at=row.created_at)
