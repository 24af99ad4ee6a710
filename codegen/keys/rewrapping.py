"""A new key-encryption key: the masters of every brand's epochs, opened with the old key and wrapped with the new one.

Promises: all brands in the caller's one transaction, or none; the masters stay what they were, and so does every printed code. Run again after
a crash it finds what is done. Refuses an epoch that neither key opens, and then nothing is changed.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen import audit, brands
from codegen.audit import Action
from codegen.keys import keyring, kms
from codegen.keys.kms import Kek
from codegen.models import KeyEpoch
from kit.db import enter_tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    brands: int
    epochs: int  # those that were under the old key until now


def rewrap(session: Session, *, old: Kek, new: Kek, now: datetime, actor: str) -> Rewrapped:
    """Leaves the session inside the last brand."""
    keeper = kms.keeper(new)
    tenant_ids = brands.tenant_ids(session)
    total = 0
    for tenant_id in tenant_ids:
        enter_tenant(session, tenant_id)
        rows = session.scalars(
            select(KeyEpoch)
            .where(KeyEpoch.tenant_id == tenant_id)
            .order_by(KeyEpoch.epoch)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        done = []
        for row in rows:
            if row.kek_id == keeper.key_id:
                keyring.master_of(row, new)
                continue
            row.wrapped_master = keeper.wrap(keyring.master_of(row, old))
            row.kek_id = keeper.key_id
            done.append(row.epoch)
        session.flush()
        if done:
            facts = {"epochs": done, "kek_id": keeper.key_id}
            audit.write(session, Action.EPOCHS_REWRAPPED, tenant_id=tenant_id, actor=actor, now=now, facts=facts)
        total += len(done)
    return Rewrapped(brands=len(tenant_ids), epochs=total)
