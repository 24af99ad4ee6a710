"""Scan rows on their way into PostgreSQL: one row for each scan id, inserted once, confirmed once.

Promises: `store` may be given the same rows any number of times; projections see only what it changed, with what stood there before,
so that they can add up exactly once. Rows travel by COPY into a temporary table, because COPY into a table with row-level security is
refused, and from there per tenant; what was no news is taken out of that table again, and the rest is what projections read, in one
statement each. Refused: rows of another tenant than the session's, by the database itself.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, Protocol

import msgspec
from psycopg import Connection
from psycopg.errors import UniqueViolation
from sqlalchemy import TextClause, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kit.db import enter_tenant
from kit.refusals import Conflict
from scanservice.ingest import scan_rows
from scanservice.ingest.scan_rows import Line, ScanRow
from scanservice.verdicts import Reason

__all__ = ["NEWS", "Before", "NewScan", "News", "Projection", "RaceLost", "ScanRow", "forget", "store", "store_lines"]


class RaceLost(Conflict):
    """Somebody else stored the same scans at the same moment. Do the whole transaction again."""

    code: ClassVar[str] = "scans_stored_elsewhere"
    says: ClassVar[str] = "The same scans were stored by somebody else at the same moment. Try again."


class Before(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the row of a scan said before a person confirmed it."""

    verdict: str
    division: str


class NewScan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row that is new (`before` is None), or that has just been confirmed."""

    row: ScanRow
    before: Before | None

    @property
    def newly_inserted(self) -> bool:
        return self.before is None

    @property
    def newly_confirmed(self) -> bool:
        """Then, and only then, a projection may count the confirmation."""
        return self.row.confirmed_at is not None


NEWS: Final = "scan_news"
"""The temporary table that projections read: the columns of `scan`, and `old_verdict` and `old_division`, which are NULL where the row
is new and else what it said before it was confirmed. It may hold other tenants' rows, so ask for `tenant_id`.
"""

# As long as a device may keep its scans to itself (scanservice.edge.devices.LATE_MAX), and a day.
REPEAT_DAYS: Final = 31
_COLUMNS: Final = ", ".join(scan_rows.COLUMNS)
# The planner knows nothing of a table that is filled and emptied all the time, and loops in a loop. So it has a key for joins to follow.
_CREATE: Final = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS {NEWS} (
    LIKE scan, old_verdict text, old_division text, PRIMARY KEY (scan_id, tenant_id)
) ON COMMIT DELETE ROWS
"""
_COPY: Final = f"COPY {NEWS} ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
# A client's own id (version 8) holds no time, and a device that sends its scan once more may measure it anew: by the time of the row that is
# here, it is found to be no news. Further off than REPEAT_DAYS nobody sends the same scan again.
_ALIGN: Final = text(f"""
UPDATE {NEWS} AS n
   SET scanned_at = coalesce((
       SELECT s.scanned_at
         FROM scan AS s
        WHERE s.tenant_id = n.tenant_id AND s.scan_id = n.scan_id
          AND s.scanned_at >= n.scanned_at - :days * interval '1 day' AND s.scanned_at <= n.scanned_at + :days * interval '1 day'
        ORDER BY s.scanned_at
        LIMIT 1), n.scanned_at)
 WHERE n.tenant_id = :tenant_id AND get_byte(uuid_send(n.scan_id), 6) >> 4 = 8
""")
# One look at what is here already, which is nearly always nothing: a page is confirmed, and whatever else is known is no news.
# Whoever else confirms a page meanwhile leaves us a row that is not news and cannot be inserted: RaceLost.
# LATERAL and OFFSET, so that each row is looked up by an index of its month: a join would now and then read the whole of it. And of the
# time only a lower bound may find the index: of a month without statistics the planner believes that a row's instant is as good a key as
# its id, and then compares each row with all others of its millisecond.
_SETTLE: Final = text(f"""
WITH there AS (
    SELECT o.*, o.confirmed_at IS NULL AND i.confirmed_at IS NOT NULL AS confirms
      FROM (SELECT scan_id, scanned_at, confirmed_at FROM {NEWS} WHERE tenant_id = :tenant_id ORDER BY scan_id) AS i
     CROSS JOIN LATERAL (
           SELECT s.scan_id, s.scanned_at, s.confirmed_at, s.verdict, s.division
             FROM scan AS s
            WHERE s.tenant_id = :tenant_id AND s.scan_id = i.scan_id AND s.scanned_at >= i.scanned_at
           OFFSET 0) AS o
     WHERE o.scanned_at = i.scanned_at),
confirmed AS (
    UPDATE scan AS s
       SET confirmed_at = x.confirmed_at, verdict = x.verdict, reasons = x.reasons, whence = x.whence, ip = x.ip,
           latitude = coalesce(x.latitude, s.latitude), longitude = coalesce(x.longitude, s.longitude),
           accuracy_m = coalesce(x.accuracy_m, s.accuracy_m), division = coalesce(nullif(x.division, ''), s.division)
      FROM there AS t
      JOIN {NEWS} AS x USING (scan_id)
     WHERE t.confirms AND x.tenant_id = :tenant_id AND s.tenant_id = :tenant_id AND s.scan_id = t.scan_id
       AND s.scanned_at >= t.scanned_at AND (s.scanned_at <= t.scanned_at) IS TRUE AND s.confirmed_at IS NULL
    RETURNING s.scan_id, s.division, t.verdict AS was_verdict, t.division AS was_division),
noted AS (
    UPDATE {NEWS} AS n
       SET old_verdict = c.was_verdict, old_division = c.was_division, division = c.division
      FROM confirmed AS c
     WHERE n.tenant_id = :tenant_id AND n.scan_id = c.scan_id),
dropped AS (
    DELETE FROM {NEWS} AS n
     USING there AS t
     WHERE NOT t.confirms AND n.tenant_id = :tenant_id AND n.scan_id = t.scan_id)
SELECT count(*) FROM there WHERE NOT confirms
""")
# The page was located and its beacon was not: the row keeps the place it has, and so does the news of it (division, above).
_INSERT: Final = text(f"""
INSERT INTO scan ({_COLUMNS})
SELECT {_COLUMNS} FROM {NEWS} WHERE tenant_id = :tenant_id AND old_verdict IS NULL ORDER BY scan_id
""")
_SELECT: Final = f"SELECT {_COLUMNS}, old_verdict, old_division FROM {NEWS} WHERE tenant_id = :tenant_id"
_READ: Final = text(f"{_SELECT} ORDER BY scanned_at, scan_id")
_READ_SOME: Final = text(f"{_SELECT} AND verdict = ANY(:verdicts) ORDER BY scanned_at, scan_id")
_FORGET: Final = text(f"TRUNCATE {NEWS}")
_DAY_US: Final = timedelta(days=1) // timedelta(microseconds=1)
_PARTITION: Final = text("SELECT ensure_scan_partition(:instant)")


class News:
    """What one `store` changed of one tenant. Statements read the table `NEWS`; iterating reads it row by row."""

    def __init__(self, session: Session, *, tenant_id: int, count: int) -> None:
        self._session = session
        self._tenant_id = tenant_id
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[NewScan]:
        """All of it. Whoever wants a few scans asks `having`, and whoever wants sums asks PostgreSQL."""
        return self._read(_READ, {})

    def having(self, verdicts: Collection[str]) -> Iterator[NewScan]:
        """The news with one of these verdicts."""
        return self._read(_READ_SOME, {"verdicts": sorted(verdicts)})

    def _read(self, statement: TextClause, wanted: dict[str, Any]) -> Iterator[NewScan]:
        for *values, verdict, division in self._session.execute(statement, {"tenant_id": self._tenant_id, **wanted}):
            members = dict(zip(scan_rows.COLUMNS, values, strict=True))
            members["reasons"] = tuple(Reason(*reason) for reason in members["reasons"])
            members["ip"] = None if members["ip"] is None else str(members["ip"])
            yield NewScan(row=ScanRow(**members), before=None if verdict is None else Before(verdict=verdict, division=division))


class Projection(Protocol):
    """Adds new scans of one tenant to something derived, in the transaction that stores them. Never depends on their order."""

    def __call__(self, session: Session, tenant_id: int, scans: News, /) -> None: ...


def store(session: Session, rows: Iterable[ScanRow], *, projections: Sequence[Projection]) -> int:
    """Stores rows of any tenants, scan ids distinct, and shows each tenant's news to the projections. Returns how many were news.

    The session ends up inside the last tenant. Raises RaceLost.
    """
    return store_lines(session, [scan_rows.line(row) for row in rows], projections=projections)


def store_lines(session: Session, lines: Sequence[Line], *, projections: Sequence[Projection]) -> int:
    """The same for rows that are ready to travel."""
    if not lines:
        return 0
    _ensure_partitions(session, lines)
    _copy(session, lines)
    changed = 0
    for tenant_id, count in sorted(Counter([line.tenant_id for line in lines]).items()):
        enter_tenant(session, tenant_id)
        news = _move(session, tenant_id, count)
        changed += len(news)
        if news:
            for project in projections:
                project(session, tenant_id, news)
    return changed


def forget(session: Session) -> None:
    """Empties the temporary table: for who stores several batches in one transaction, of which each would meet those before it."""
    session.execute(_FORGET)


def _move(session: Session, tenant_id: int, count: int) -> News:
    scope = {"tenant_id": tenant_id}
    session.execute(_ALIGN, {**scope, "days": REPEAT_DAYS})
    known = session.execute(_SETTLE, scope).scalar_one()
    try:
        session.execute(_INSERT, scope)
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise RaceLost from error
        raise
    return News(session, tenant_id=tenant_id, count=count - known)


def _ensure_partitions(session: Session, lines: Sequence[Line]) -> None:
    days = {line.scanned_us // _DAY_US for line in lines}
    instants = [scan_rows.SINCE + timedelta(days=day) for day in sorted(days)]
    months = {(at.year, at.month): at for at in instants}
    for month in sorted(months):
        session.execute(_PARTITION, {"instant": months[month]})


def _copy(session: Session, lines: Sequence[Line]) -> None:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)  # noqa: S101 - the engine is psycopg's
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        with cursor.copy(_COPY) as copy:
            for piece in scan_rows.pieces(lines):
                copy.write(piece)
