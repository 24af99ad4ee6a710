"""A brand's key ring in a sealed file, for the day when the key-encryption key is lost: scrypt (RFC 7914) and AES-256-GCM under a passphrase.

Promises: without the passphrase the file tells the brand's short name and when it was made, no more; a changed byte is noticed; importing twice is
importing once, and an import never reopens an epoch for new orders: a ring that comes from a file may be older than the codes in the world.
Refuses a short passphrase, a wrong one, another brand's file, and another master for an epoch that codes were issued from.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import audit, brands, catalogue_version
from codegen.audit import Action
from codegen.cipher import COUNTER_MAX, EPOCH_MAX, MASTER_BYTES
from codegen.keys import keyring, kms
from codegen.keys.kms import Kek
from codegen.models import KeyEpoch, Tenant
from kit.refusals import Conflict, Invalid

FORMAT = "onemark-keys/1"
PASSPHRASE_LENGTH_MIN = 12
SCRYPT_LOG2_N = 16  # 64 MiB for each guess
SCRYPT_LOG2_N_MAX = 20
_SCRYPT_R, _SCRYPT_P = 8, 1
_SALT_BYTES, _NONCE_BYTES, _KEY_BYTES = 16, 12, 32


class PassphraseShort(Invalid):
    code = "key_passphrase_short"
    says = "The passphrase of a key ring has at least {length_min} characters."


class KeyFileUnreadable(Invalid):
    code = "key_file_unreadable"
    says = "This is no file of keys, or the passphrase is another one."


class KeyFileForeign(Conflict):
    code = "key_file_foreign"
    says = "The file holds the keys of brand {brand!r}."


class MasterDiffers(Conflict):
    code = "master_differs"
    says = "Epoch {epoch} is here with another master, and codes were issued from it. Nothing was changed."


class _Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str
    brand: str
    made_at: datetime
    scrypt_log2_n: Annotated[int, msgspec.Meta(ge=1, le=SCRYPT_LOG2_N_MAX)]
    salt: bytes
    nonce: bytes
    sealed: bytes


class _Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    epoch: Annotated[int, msgspec.Meta(ge=0, le=EPOCH_MAX)]
    master: Annotated[bytes, msgspec.Meta(min_length=MASTER_BYTES, max_length=MASTER_BYTES)]
    state: str
    next_counter: Annotated[int, msgspec.Meta(ge=0, le=COUNTER_MAX + 1)]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    added: tuple[int, ...]  # epochs that were not here
    replaced: tuple[int, ...]  # under a key that is lost, or unused until now
    same: tuple[int, ...]


def export(session: Session, *, tenant_id: int, kek: Kek, passphrase: str, now: datetime, actor: str) -> bytes:
    """The file. Written into the audit: from now on the brand's keys are where this file is."""
    if len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise PassphraseShort(length_min=PASSPHRASE_LENGTH_MIN)
    rows = _rows(session, tenant_id)
    kept = [
        _Kept(
            epoch=row.epoch,
            master=keyring.master_of(row, kek),
            state=row.state,
            next_counter=row.next_counter,
            created_at=row.created_at,
        )
        for row in rows
    ]
    head = {
        "format": FORMAT,
        "brand": brands.load(session, tenant_id=tenant_id).slug,
        "made_at": now.isoformat(),
        "scrypt_log2_n": SCRYPT_LOG2_N,
    }
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    key = _key(passphrase, salt=salt, log2_n=SCRYPT_LOG2_N)
    sealed = AESGCM(key).encrypt(nonce, msgspec.json.encode(kept), _associated(head))
    facts = {"epochs": [row.epoch for row in rows]}
    audit.write(session, Action.EPOCHS_EXPORTED, tenant_id=tenant_id, actor=actor, now=now, facts=facts)
    in_base64 = {name: base64.b64encode(value).decode() for name, value in (("salt", salt), ("nonce", nonce), ("sealed", sealed))}
    return json.dumps({**head, **in_base64}, indent=1).encode() + b"\n"


def import_(session: Session, file: bytes, *, tenant_id: int, kek: Kek, passphrase: str, now: datetime, actor: str) -> Imported:
    """Brings the file's epochs in, closed or revoked. Open a new epoch before the next order (keyring.open_epoch)."""
    brand, kept = _opened(file, passphrase)
    mine = brands.load(session, tenant_id=tenant_id).slug
    if brand != mine:
        raise KeyFileForeign(brand=brand)
    session.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update())
    there = {row.epoch: row for row in _rows(session, tenant_id)}
    done: dict[str, list[int]] = {"added": [], "replaced": [], "same": []}
    for one in kept:
        done[_take(session, there.get(one.epoch), one, tenant_id=tenant_id, kek=kek)].append(one.epoch)
    session.flush()
    audit.write(session, Action.EPOCHS_IMPORTED, tenant_id=tenant_id, actor=actor, now=now, facts=dict(done))
    catalogue_version.grow(session)
    return Imported(added=tuple(done["added"]), replaced=tuple(done["replaced"]), same=tuple(done["same"]))


def _take(session: Session, row: KeyEpoch | None, one: _Kept, *, tenant_id: int, kek: Kek) -> str:
    keeper = kms.keeper(kek)
    state = "revoked" if one.state == "revoked" else "closed"
    if row is None:
        session.add(
            KeyEpoch(
                tenant_id=tenant_id,
                epoch=one.epoch,
                wrapped_master=keeper.wrap(one.master),
                kek_id=keeper.key_id,
                state=state,
                next_counter=one.next_counter,
                created_at=one.created_at,
            )
        )
        return "added"
    if row.kek_id == keeper.key_id and keyring.master_of(row, kek) == one.master:
        row.next_counter = max(row.next_counter, one.next_counter)
        row.state = "revoked" if state == "revoked" else row.state
        return "same"
    if row.kek_id == keeper.key_id and row.next_counter:
        raise MasterDiffers(epoch=one.epoch)
    row.next_counter = max(row.next_counter, one.next_counter)
    row.wrapped_master, row.kek_id = keeper.wrap(one.master), keeper.key_id
    row.state = "revoked" if "revoked" in {state, row.state} else "closed"
    return "replaced"


def _rows(session: Session, tenant_id: int) -> list[KeyEpoch]:
    wanted = select(KeyEpoch).where(KeyEpoch.tenant_id == tenant_id).order_by(KeyEpoch.epoch)
    return list(session.scalars(wanted.execution_options(populate_existing=True)))


def _opened(file: bytes, passphrase: str) -> tuple[str, list[_Kept]]:
    try:
        head = msgspec.json.decode(file, type=_Sealed)
        if head.format != FORMAT:
            raise KeyFileUnreadable
        said = json.loads(file)
        key = _key(passphrase, salt=head.salt, log2_n=head.scrypt_log2_n)
        plain = AESGCM(key).decrypt(
            head.nonce, head.sealed, _associated({name: said[name] for name in ("format", "brand", "made_at", "scrypt_log2_n")})
        )
        return head.brand, msgspec.json.decode(plain, type=list[_Kept])
    except (msgspec.MsgspecError, InvalidTag, ValueError) as error:
        raise KeyFileUnreadable from error


def _key(passphrase: str, *, salt: bytes, log2_n: int) -> bytes:
    return Scrypt(salt=salt, length=_KEY_BYTES, n=1 << log2_n, r=_SCRYPT_R, p=_SCRYPT_P).derive(passphrase.encode())


def _associated(head: dict[str, object]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()
