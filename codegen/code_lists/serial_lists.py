"""Lists of serials as people and hand scanners write them: serials or URLs, one a line, in any case.

Promises: every line is a code that this brand ordered, or the whole list is refused with the first line that is none. Pure but for the
orders and keys that it looks the lines up in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from codegen import cipher, orders, typed_codes
from codegen.cipher import SerialCipher
from codegen.keys import keyring
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


def read(session: Session, lines: Iterable[str], *, tenant_id: int, kek: bytes) -> Listed:
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
            raise SerialNotOurs(line=number, text=text[: typed_codes.TEXT_LENGTH_MAX])
        found.setdefault(order.id, set()).add(counted[1])
    if not found:
        raise SerialsEmpty
    counters = {order_id: sorted(listed) for order_id, listed in found.items()}
    return Listed(counters=counters, codes=sum(map(len, counters.values())))


def _counted(text: str, ciphers: dict[int, SerialCipher]) -> tuple[int, int] | None:
    try:
        serial, _ = typed_codes.read(text)
    except Malformed:
        return None
    epoch = cipher.epoch_of(serial)
    ours = None if epoch is None else ciphers.get(epoch)
    counter = None if ours is None else ours.counter_of(serial)
    return None if epoch is None or counter is None else (epoch, counter)
