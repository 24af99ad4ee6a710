"""The kill switch: codes that must never be genuine again, by epoch, order, rows, or a list of serials.

Promises: all or nothing, and void for ever; a list is read as people write it (serials or URLs, one a line, in any case). Refuses a list
with a line that is no code of this brand, and names the first of them: a kill that missed its target must not look like one that hit.
Whole orders and rows are `codegen.ranges.void`, whole epochs `codegen.keyring.revoke`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from codegen import cipher, explain, keyring, orders, ranges
from codegen.cipher import SerialCipher
from kit.refusals import Invalid, Malformed

SERIALS_MAX = 100_000


class SerialsTooMany(Invalid):
    code = "serials_too_many"
    says = "A list holds at most {serials_max} serials. More than that are rows of an order, or an order."


class SerialsEmpty(Invalid):
    code = "serials_empty"
    says = "The list holds no serial."


class SerialNotOurs(Invalid):
    code = "serial_not_ours"
    says = "Line {line}: {text!r} is no code that this brand ordered. Nothing was changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a list names, by order."""

    counters: dict[UUID, list[int]]
    codes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    listed: int
    voided: int  # those that were not void before
    orders: int


def read_list(session: Session, lines: Iterable[str], *, tenant_id: int, kek: bytes) -> Listed:
    """Lines as (order -> counters). Empty lines are passed over; a code that comes twice counts once."""
    ciphers: dict[int, SerialCipher] = {
        number: epoch.cipher for number, epoch in keyring.epochs(session, tenant_id=tenant_id, kek=kek).items()
    }
    every = orders.every(session, tenant_id=tenant_id)
    found: dict[UUID, set[int]] = {}
    codes = 0
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        codes += 1
        if codes > SERIALS_MAX:
            raise SerialsTooMany(serials_max=SERIALS_MAX)
        counted = _counted(text, ciphers)
        order = None if counted is None else orders.holding(every, epoch=counted[0], counter=counted[1])
        if order is None or counted is None:
            raise SerialNotOurs(line=number, text=text[: explain.TEXT_LENGTH_MAX])
        found.setdefault(order.id, set()).add(counted[1])
    if not found:
        raise SerialsEmpty
    counters = {order_id: sorted(listed) for order_id, listed in found.items()}
    return Listed(counters=counters, codes=sum(map(len, counters.values())))


def kill(session: Session, lines: Iterable[str], *, tenant_id: int, reason: str, kek: bytes, now: datetime, actor: str) -> Killed:
    listed = read_list(session, lines, tenant_id=tenant_id, kek=kek)
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


def _counted(text: str, ciphers: dict[int, SerialCipher]) -> tuple[int, int] | None:
    try:
        serial, _ = explain.read(text)
    except Malformed:
        return None
    epoch = cipher.epoch_of(serial)
    ours = None if epoch is None else ciphers.get(epoch)
    counter = None if ours is None else ours.counter_of(serial)
    return None if epoch is None or counter is None else (epoch, counter)
