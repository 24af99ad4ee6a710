"""The scan log's partitions: one for each month, made before it begins, and dropped when nobody needs its scans any more.

Promises: making them again is harmless. The ingester makes a month that is missing when the first scan of it comes, but then everybody
who reads the log waits for that; and a role without the right to do so would stop there. Hence ahead of time, and an alarm.
How a month is dropped without forgetting a first scan stands in `dropping`; here is what is there, and from when on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from scanservice.models import ScanMonth

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
    """`rows` is PostgreSQL's estimate, and 0 where it has not made one yet."""

    name: str
    bytes: int
    rows: int

    @property
    def first_day(self) -> date:
        _, year, month = self.name.split("_")
        return date(int(year), int(month), 1)


def make_ahead(session: Session, *, now: datetime) -> None:
    for month in _coming(now):
        session.execute(_ENSURE, {"instant": month})


def listing(session: Session) -> list[Month]:
    """The oldest first."""
    return [Month(name=name, bytes=size, rows=rows) for name, size, rows in session.execute(_MONTHS)]


def missing(session: Session, *, now: datetime) -> list[str]:
    """Those of this month and the next ones that are not there."""
    there = {month.name for month in listing(session)}
    return [name for month in _coming(now) if (name := f"scan_{month:%Y_%m}") not in there]


def dropped(session: Session, *, tenant_id: int) -> dict[date, int]:
    """How many scans of the brand went with which month."""
    wanted = select(ScanMonth.month, ScanMonth.dropped).where(ScanMonth.tenant_id == tenant_id, ScanMonth.dropped > 0)
    return {row.month: row.dropped for row in session.execute(wanted.order_by(ScanMonth.month))}


def kept_since(session: Session, *, tenant_id: int) -> datetime | None:
    """Before this instant single scans of the brand were dropped; None: none ever was."""
    last = session.scalar(select(func.max(ScanMonth.month)).where(ScanMonth.tenant_id == tenant_id, ScanMonth.dropped > 0))
    return None if last is None else begin_of(later(last, 1))


def later(month: date, months: int) -> date:
    """The first day of the month so many months later; earlier for a negative number."""
    years, index = divmod(month.month - 1 + months, 12)
    return date(month.year + years, index + 1, 1)


def begin_of(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def this(now: datetime) -> date:
    return now.astimezone(UTC).date().replace(day=1)


def _coming(now: datetime) -> Iterator[datetime]:
    for ahead in range(MONTHS_AHEAD + 1):
        yield begin_of(later(this(now), ahead))
