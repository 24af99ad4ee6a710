"""The kill switch: codes that must never be genuine again, by epoch, order, rows, or a list of serials.

Promises: all or nothing, and void for ever. Refuses a list with a line that is no code of this brand: a kill that missed its target must not
look like one that hit.
Whole orders and rows are `codegen.lifecycle.ranges.void`, whole epochs `codegen.keys.keyring.revoke`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from codegen.code_lists import serial_lists
from codegen.lifecycle import ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    listed: int
    voided: int  # those that were not void before
    orders: int


def kill(session: Session, lines: Iterable[str], *, tenant_id: int, reason: str, kek: bytes, now: datetime, actor: str) -> Killed:
    listed = serial_lists.read(session, lines, tenant_id=tenant_id, kek=kek)
    voided = 0
    # One order of locking for everybody, so that two lists cannot wait for each other.
    for order_id in sorted(listed.counters):
        voided += ranges.void_listed(
            session,
            tenant_id=tenant_id,
            order_id=order_id,
            counters=listed.counters[order_id],
            reason=reason,
            now=now,
            actor=actor,
        )
    return Killed(listed=listed.codes, voided=voided, orders=len(listed.counters))
