"""Scan rows on their way into PostgreSQL: one row for each scan id, inserted once, confirmed once.

Promises: `store` may be given the same rows any number of times; it returns only what it changed, with what stood there before,
so that projections can add up exactly once. Rows travel by COPY into a temporary table, because COPY into a table with row-level
security is refused, and from there per tenant. Refused: rows of another tenant than the session's, by the database itself.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import msgspec
from psycopg import Connection
from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.db import enter_tenant
from scanservice.verdicts import Reason


class ScanRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One scan as PostgreSQL keeps it. `serial` is filled where we never made the code, and then epoch and counter are not."""

    tenant_id: int
    scan_id: UUID
    scanned_at: datetime
    confirmed_at: datetime | None
    epoch: int | None
    counter: int | None
    order_id: UUID | None
    gtin: str
    lot: str
    serial: str
    verdict: str
    reasons: tuple[Reason, ...]
    role: str
    visitor: bytes
    whence: bytes
    ip: str | None
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    division: str
    client: str
    language: str
    source: str


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

    @property
    def visitor(self) -> bytes:
        return self.row.visitor

    @property
    def scanned_at(self) -> datetime:
        return self.row.scanned_at


class Projection(Protocol):
    """Adds new scans of one tenant to something derived, in the transaction that stores them. Never depends on their order."""

    def __call__(self, session: Session, tenant_id: int, scans: Sequence[NewScan], /) -> None: ...


_COLUMNS: Final = (
    "tenant_id, scan_id, scanned_at, confirmed_at, epoch, counter, order_id, gtin, lot, serial, verdict, reasons, role, visitor,"
    " whence, ip, latitude, longitude, accuracy_m, division, client, language, source"
)
_CREATE: Final = "CREATE TEMPORARY TABLE IF NOT EXISTS scan_incoming (LIKE scan INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
_COPY: Final = f"COPY scan_incoming ({_COLUMNS}) FROM STDIN"
_CONFIRM: Final = text("""
UPDATE scan AS s
   SET confirmed_at = x.confirmed_at, verdict = x.verdict, reasons = x.reasons, whence = x.whence, ip = x.ip,
       latitude = coalesce(x.latitude, s.latitude), longitude = coalesce(x.longitude, s.longitude),
       accuracy_m = coalesce(x.accuracy_m, s.accuracy_m), division = coalesce(nullif(x.division, ''), s.division)
  FROM (SELECT i.*, o.verdict AS old_verdict, o.division AS old_division
          FROM scan AS o
          JOIN scan_incoming AS i USING (tenant_id, scan_id, scanned_at)
         WHERE o.tenant_id = :tenant_id AND o.confirmed_at IS NULL AND i.confirmed_at IS NOT NULL
         ORDER BY o.scan_id FOR UPDATE OF o) AS x
 WHERE s.tenant_id = x.tenant_id AND s.scan_id = x.scan_id AND s.scanned_at = x.scanned_at AND s.confirmed_at IS NULL
RETURNING s.scan_id, s.division, x.old_verdict, x.old_division
""")
_INSERT: Final = text(f"""
INSERT INTO scan ({_COLUMNS})
SELECT {_COLUMNS} FROM scan_incoming WHERE tenant_id = :tenant_id ORDER BY scan_id
ON CONFLICT DO NOTHING
RETURNING scan_id
""")
_FORGET: Final = text("TRUNCATE scan_incoming")
_PARTITION: Final = text("SELECT ensure_scan_partition(:instant)")


def store(session: Session, rows: Sequence[ScanRow], *, projections: Sequence[Projection]) -> int:
    """Stores rows of any tenants, scan ids distinct, and shows each tenant's news to the projections. Returns how many were news.

    The session ends up inside the last tenant.
    """
    if not rows:
        return 0
    _ensure_partitions(session, rows)
    _copy(session, rows)
    by_tenant: dict[int, list[ScanRow]] = {}
    for row in rows:
        by_tenant.setdefault(row.tenant_id, []).append(row)
    changed = 0
    for tenant_id in sorted(by_tenant):
        enter_tenant(session, tenant_id)
        news = _move(session, tenant_id, by_tenant[tenant_id])
        changed += len(news)
        if news:
            for project in projections:
                project(session, tenant_id, news)
    return changed


def forget(session: Session) -> None:
    """Empties the temporary table: for who stores several batches in one transaction, of which each would meet those before it."""
    session.execute(_FORGET)


def _move(session: Session, tenant_id: int, rows: Sequence[ScanRow]) -> list[NewScan]:
    by_id = {row.scan_id: row for row in rows}
    scope = {"tenant_id": tenant_id}
    news: list[NewScan] = []
    if any(row.confirmed_at is not None for row in rows):
        for scan_id, division, verdict, old_division in session.execute(_CONFIRM, scope):
            row = by_id[scan_id]
            if row.division != division:
                # The page was located and its beacon was not: the row keeps the place it has.
                row = msgspec.structs.replace(row, division=division)
            news.append(NewScan(row=row, before=Before(verdict=verdict, division=old_division)))
    news += [NewScan(row=by_id[scan_id], before=None) for scan_id in session.scalars(_INSERT, scope)]
    return news


def _ensure_partitions(session: Session, rows: Sequence[ScanRow]) -> None:
    months = {(row.scanned_at.year, row.scanned_at.month): row.scanned_at for row in rows}
    for month in sorted(months):
        session.execute(_PARTITION, {"instant": months[month]})


def _copy(session: Session, rows: Sequence[ScanRow]) -> None:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)  # noqa: S101 - the engine is psycopg's
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(
                    (
                        row.tenant_id,
                        row.scan_id,
                        row.scanned_at,
                        row.confirmed_at,
                        row.epoch,
                        row.counter,
                        row.order_id,
                        row.gtin,
                        row.lot,
                        row.serial,
                        row.verdict,
                        msgspec.json.encode(row.reasons).decode(),
                        row.role,
                        row.visitor,
                        row.whence,
                        row.ip,
                        row.latitude,
                        row.longitude,
                        row.accuracy_m,
                        row.division,
                        row.client,
                        row.language,
                        row.source,
                    )
                )
