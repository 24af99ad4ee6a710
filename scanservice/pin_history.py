"""What was entered as the PIN of one code, for staff: who, when and with what outcome, never the PIN.

Promises: the newest tries of the brand that the session is inside of. Tries that a limit refused stand nowhere: they were not looked at.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scanservice.hot.pin_tries import Outcome
from scanservice.models import PinTry

ROWS_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PinTried:
    """`visitor` numbers the visitors of this list from 1, in the order of their first try in it: enough to tell one from another."""

    tried_at: datetime
    right: bool
    visitor: int
    scan_id: UUID


def of_code(session: Session, *, tenant_id: int, epoch: int, counter: int) -> list[PinTried]:
    rows = session.scalars(
        select(PinTry)
        .where(PinTry.tenant_id == tenant_id, PinTry.epoch == epoch, PinTry.counter == counter)
        .order_by(PinTry.tried_at.desc(), PinTry.id.desc())
        .limit(ROWS_MAX)
    ).all()
    numbers: dict[bytes, int] = {}
    for row in reversed(rows):
        numbers.setdefault(row.visitor, len(numbers) + 1)
    return [
        PinTried(tried_at=row.tried_at, right=row.outcome == Outcome.RIGHT, visitor=numbers[row.visitor], scan_id=row.scan_id)
        for row in rows
    ]
