"""Dead letters: entries of the scan log that no ingester could read. They are kept as they came, with the reason.

Promises: newest first, never more than asked for. Refuses nothing, and removes nothing: what was answered is not forgotten unread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scanservice.models import DeadLetter

ROWS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    partition: int
    generation: int
    sequence: int
    entry: bytes
    error: str
    found_at: datetime


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(DeadLetter)) or 0


def newest(session: Session, *, rows_max: int) -> Sequence[Letter]:
    rows = session.scalars(
        select(DeadLetter)
        .order_by(DeadLetter.found_at.desc(), DeadLetter.partition, DeadLetter.generation, DeadLetter.sequence)
        .limit(min(rows_max, ROWS_MAX))
    )
    return [
        Letter(
            partition=row.partition,
            generation=row.generation,
            sequence=row.sequence,
            entry=row.entry,
            error=row.error,
            found_at=row.found_at,
        )
        for row in rows
    ]
