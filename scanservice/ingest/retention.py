"""What a scan says of a person's whereabouts goes after a while: the address it came from, and its exact position.

Promises: what is old enough goes within some runs, a few thousand rows to a transaction; running twice, or two at once, changes nothing
more. What stays judges and counts as before: the keyed hashes of visitor and network, and the division that the position lies in.
Refuses nothing. No scan is deleted here: whole months go in `dropping`.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scanservice.models import RetentionMark

ROWS_AT_ONCE: Final = 5_000
# Entries may be stored late, but not by more than this without somebody having noticed.
LATE_MAX: Final = timedelta(days=2)
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Subject(StrEnum):
    ADDRESSES = "addresses"
    POSITIONS = "positions"


_THERE: Final = {Subject.ADDRESSES: "ip IS NOT NULL", Subject.POSITIONS: "latitude IS NOT NULL"}
_GONE: Final = {
    Subject.ADDRESSES: "ip = NULL",
    Subject.POSITIONS: "latitude = NULL, longitude = NULL, accuracy_m = NULL",
}
_FORGET: Final = {
    subject: text(f"""
UPDATE scan AS s SET {_GONE[subject]}
  FROM (SELECT scan_id, scanned_at FROM scan
         WHERE tenant_id = :tenant_id AND scanned_at >= :since AND scanned_at < :before AND {_THERE[subject]}
         ORDER BY scanned_at LIMIT :rows_max) AS old
 WHERE s.tenant_id = :tenant_id AND s.scan_id = old.scan_id AND s.scanned_at = old.scanned_at
RETURNING s.scanned_at
""")
    for subject in Subject
}


def forget(session: Session, subject: Subject, *, tenant_id: int, before: datetime, rows_max: int) -> int:
    """One step; commit after it, and go on until it returns less than `rows_max`."""
    session.execute(insert(RetentionMark).values(tenant_id=tenant_id, subject=subject, until=_BEGINNING).on_conflict_do_nothing())
    mark = session.scalars(
        select(RetentionMark).where(RetentionMark.tenant_id == tenant_id, RetentionMark.subject == subject).with_for_update()
    ).one()
    since = max(_BEGINNING, mark.until - LATE_MAX)
    times = session.scalars(
        _FORGET[subject], {"tenant_id": tenant_id, "since": since, "before": before, "rows_max": rows_max}
    ).all()
    reached = max(times) if len(times) == rows_max else before
    mark.until = max(mark.until, reached)
    session.flush()
    return len(times)


def reopen(session: Session, *, tenant_id: int, since: datetime) -> None:
    """Old scans have been added, from `since` on: the next steps begin there."""
    session.execute(
        update(RetentionMark)
        .where(RetentionMark.tenant_id == tenant_id, RetentionMark.until > since)
        .values(until=since)
        .execution_options(synchronize_session=False)
    )
