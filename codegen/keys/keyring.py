"""The key ring of a brand: one random master for each epoch, at rest only under the key-encryption key (AES key wrap, RFC 3394).

Promises: at most one epoch of a brand is open for new orders; epochs follow one another and a number is never used again. Refuses to
work with another key-encryption key than the one an epoch was wrapped with, and names both: a wrong key must not look like forgery.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from codegen import audit, catalogue_version
from codegen.audit import REASON_LENGTH_MAX, Action, ReasonTooLong
from codegen.cipher import EPOCH_MAX, MASTER_BYTES, EpochKeys, SerialCipher
from codegen.keys import kms
from codegen.keys.kms import Kek
from codegen.models import KeyEpoch, Tenant
from kit.refusals import Conflict, NotFound, Unavailable


class KekMismatch(Unavailable):
    code = "kek_mismatch"
    says = (
        "Epoch {epoch} was wrapped with key-encryption key {wrapped_with}; this process was given {given}. Restore the right key."
    )


class EpochDamaged(Unavailable):
    code = "epoch_damaged"
    says = "The wrapped master of epoch {epoch} cannot be opened although the key-encryption key is the right one."


class EpochUnknown(NotFound):
    code = "epoch_unknown"
    says = "This brand has no epoch {epoch}."


class EpochsUsedUp(Conflict):
    code = "epochs_used_up"
    says = "All epochs up to {epoch_max} of this brand are used."


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """An epoch as it may be used: `state` is open, closed (checks, issues nothing new) or revoked."""

    number: int
    state: str
    next_counter: int
    cipher: SerialCipher

    @property
    def revoked(self) -> bool:
        return self.state == "revoked"


def kek_id(kek: Kek) -> str:
    """A short name of a key-encryption key that says nothing about it."""
    return kms.keeper(kek).key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEntry:
    """A line of the ring for people: no key is opened for it."""

    number: int
    state: str
    next_counter: int
    kek_id: str
    created_at: datetime


def entries(session: Session, *, tenant_id: int) -> list[EpochEntry]:
    rows = session.scalars(select(KeyEpoch).where(KeyEpoch.tenant_id == tenant_id).order_by(KeyEpoch.epoch))
    return [
        EpochEntry(number=row.epoch, state=row.state, next_counter=row.next_counter, kek_id=row.kek_id, created_at=row.created_at)
        for row in rows
    ]


def open_epoch(session: Session, *, tenant_id: int, kek: Kek, now: datetime, actor: str = audit.SYSTEM, reason: str = "") -> int:
    """Closes the open epoch, if any, and opens the next one under a fresh master. Codes of closed epochs stay good."""
    # One at a time for each brand: the lock on its row orders two callers, and the second opens the epoch after the first one's.
    session.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update())
    last = session.scalar(select(func.max(KeyEpoch.epoch)).where(KeyEpoch.tenant_id == tenant_id))
    epoch = 0 if last is None else last + 1
    if epoch > EPOCH_MAX:
        raise EpochsUsedUp(epoch_max=EPOCH_MAX)
    session.execute(update(KeyEpoch).where(KeyEpoch.tenant_id == tenant_id, KeyEpoch.state == "open").values(state="closed"))
    # The one place where chance is not an argument: a master that a seed could repeat would sign for everybody who knows the seed.
    master = secrets.token_bytes(MASTER_BYTES)
    session.add(
        KeyEpoch(
            tenant_id=tenant_id,
            epoch=epoch,
            wrapped_master=kms.keeper(kek).wrap(master),
            kek_id=kek_id(kek),
            state="open",
            next_counter=0,
            created_at=now,
        )
    )
    session.flush()
    audit.write(session, Action.EPOCH_OPENED, tenant_id=tenant_id, actor=actor, now=now, epoch=epoch, reason=reason)
    catalogue_version.grow(session)
    return epoch


def revoke(session: Session, *, tenant_id: int, epoch: int, kek: Kek, reason: str, now: datetime, actor: str) -> bool:
    """Voids every code of the epoch, ordered or not, for ever: its master is no secret any more. False: it was revoked before.

    Where it was the open one, the next is opened first, so that orders go on.
    """
    if len(reason) > REASON_LENGTH_MAX:
        raise ReasonTooLong(length_max=REASON_LENGTH_MAX)
    session.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update())
    row = session.get(KeyEpoch, (tenant_id, epoch), populate_existing=True)
    if row is None:
        raise EpochUnknown(epoch=epoch)
    if row.state == "revoked":
        return False
    if row.state == "open":
        open_epoch(session, tenant_id=tenant_id, kek=kek, now=now, actor=actor, reason=reason)
    session.execute(update(KeyEpoch).where(KeyEpoch.tenant_id == tenant_id, KeyEpoch.epoch == epoch).values(state="revoked"))
    audit.write(session, Action.EPOCH_REVOKED, tenant_id=tenant_id, actor=actor, now=now, epoch=epoch, reason=reason)
    catalogue_version.grow(session)
    return True


def cipher(session: Session, *, tenant_id: int, epoch: int, kek: Kek) -> SerialCipher:
    row = session.get(KeyEpoch, (tenant_id, epoch))
    if row is None:
        raise EpochUnknown(epoch=epoch)
    return _opened(row, kek)


def find(session: Session, *, tenant_id: int, epoch: int, kek: Kek) -> Epoch:
    row = session.get(KeyEpoch, (tenant_id, epoch))
    if row is None:
        raise EpochUnknown(epoch=epoch)
    return _epoch(row, kek)


def epochs(session: Session, *, tenant_id: int, kek: Kek) -> Mapping[int, Epoch]:
    """The whole ring, opened."""
    rows = session.scalars(select(KeyEpoch).where(KeyEpoch.tenant_id == tenant_id).order_by(KeyEpoch.epoch))
    return {row.epoch: _epoch(row, kek) for row in rows}


def _epoch(row: KeyEpoch, kek: Kek) -> Epoch:
    return Epoch(number=row.epoch, state=row.state, next_counter=row.next_counter, cipher=_opened(row, kek))


def _opened(row: KeyEpoch, kek: Kek) -> SerialCipher:
    return SerialCipher(row.epoch, EpochKeys.derive(master_of(row, kek)))


def master_of(row: KeyEpoch, kek: Kek) -> bytes:
    """The master itself: for codegen.keys.escrow and codegen.keys.rewrapping, who seal it again at once."""
    keeper = kms.keeper(kek)
    if row.kek_id != keeper.key_id:
        raise KekMismatch(epoch=row.epoch, wrapped_with=row.kek_id, given=keeper.key_id)
    try:
        return keeper.unwrap(row.wrapped_master)
    except kms.WrongKey as error:
        raise EpochDamaged(epoch=row.epoch) from error
