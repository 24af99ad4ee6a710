"""The scan log's partitions: one for each month, made before it begins.

Promises: making them again is harmless. The ingester makes a month that is missing when the first scan of it comes, but then everybody
who reads the log waits for that; and a role without the right to do so would stop there. Hence ahead of time, and an alarm.
Refuses to drop a month: the state of codes is rebuilt from all scans, and a first scan that was forgotten would come a second time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

MONTHS_AHEAD: Final = 2
_ENSURE: Final = text("SELECT ensure_scan_partition(:instant)")
_MONTHS: Final = text("""
SELECT c.relname, pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::bigint
  FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'scan'::regclass
 ORDER BY c.relname
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """`rows` is PostgreSQL's estimate."""

    name: str
    bytes: int
    rows: int


def make_ahead(session: Session, *, now: datetime) -> None:
    for month in _coming(now):
        session.execute(_ENSURE, {"instant": month})


def listing(session: Session) -> list[Month]:
    return [Month(name=name, bytes=size, rows=rows) for name, size, rows in session.execute(_MONTHS)]


def missing(session: Session, *, now: datetime) -> list[str]:
    """Those of this month and the next ones that are not there."""
    there = {month.name for month in listing(session)}
    return [name for month in _coming(now) if (name := f"scan_{month:%Y_%m}") not in there]


def _coming(now: datetime) -> Iterator[datetime]:
    first = now.astimezone(UTC)
    for ahead in range(MONTHS_AHEAD + 1):
        years, month = divmod(first.month - 1 + ahead, 12)
        yield datetime(first.year + years, month + 1, 1, tzinfo=UTC)
