"""Reading the scan log: for dashboards, for one code, for the visitors of one consumer, for the goods of a distributor.

Promises: answers have a limit; totals come from `scan_total` and are as exact as the log. Refused: nothing; what is not there is an
empty answer. Days are those of UTC, the second of two days excluded.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from scanservice.models import Scan, ScanTotal
from scanservice.verdicts import Verdict

ROWS_MAX: Final = 200
PAGE_ROWS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanLine:
    """One scan as staff see it: nothing of the address, and the visitor as an opaque id."""

    scan_id: UUID
    scanned_at: datetime
    confirmed_at: datetime | None
    verdict: Verdict
    reasons: tuple[tuple[str, str | int | None], ...]
    epoch: int | None
    counter: int | None
    order_id: UUID | None
    gtin: str
    lot: str
    serial: str
    role: str
    visitor: bytes
    division: str
    client: str
    language: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotal:
    day: date
    verdict: Verdict
    scans: int
    confirmed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DivisionTotal:
    """`division` is empty where a scan had no position."""

    division: str
    scans: int
    confirmed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page of scans ended; the next one starts behind it."""

    scanned_at: datetime
    scan_id: UUID


def totals_by_day(session: Session, *, tenant_id: int, since: date, until: date, gtin: str | None = None) -> list[DayTotal]:
    """By day and verdict, in [since, until)."""
    wanted = _totals(tenant_id, since, until, gtin, ScanTotal.day, ScanTotal.verdict).order_by(ScanTotal.day, ScanTotal.verdict)
    return [
        DayTotal(day=day, verdict=Verdict(verdict), scans=int(scans), confirmed=int(confirmed))
        for day, verdict, scans, confirmed in session.execute(wanted)
        if scans or confirmed
    ]


def top_divisions(
    session: Session, *, tenant_id: int, since: date, until: date, gtin: str | None = None, rows_max: int = 10
) -> list[DivisionTotal]:
    """The divisions with most scans in [since, until); scans without a position are left out."""
    wanted = (
        _totals(tenant_id, since, until, gtin, ScanTotal.division)
        .where(ScanTotal.division != "")
        .having(func.sum(ScanTotal.scans) > 0)
        .order_by(func.sum(ScanTotal.scans).desc(), ScanTotal.division)
        .limit(min(rows_max, ROWS_MAX))
    )
    return [
        DivisionTotal(division=division, scans=int(scans), confirmed=int(confirmed))
        for division, scans, confirmed in session.execute(wanted)
    ]


def recent_scans(
    session: Session,
    *,
    tenant_id: int,
    verdicts: Sequence[Verdict] = (),
    gtin: str | None = None,
    after: Cursor | None = None,
    rows_max: int = PAGE_ROWS,
) -> list[ScanLine]:
    """The newest first; `after` is the last line of the page before."""
    wanted = select(Scan).where(Scan.tenant_id == tenant_id)
    if verdicts:
        wanted = wanted.where(Scan.verdict.in_(verdicts))
    if gtin is not None:
        wanted = wanted.where(Scan.gtin == gtin)
    if after is not None:
        wanted = wanted.where(tuple_(Scan.scanned_at, Scan.scan_id) < tuple_(after.scanned_at, after.scan_id))
    return _lines(session, wanted, rows_max)


def scans_of_code(session: Session, *, tenant_id: int, epoch: int, counter: int, rows_max: int = ROWS_MAX) -> list[ScanLine]:
    wanted = select(Scan).where(Scan.tenant_id == tenant_id, Scan.epoch == epoch, Scan.counter == counter)
    return _lines(session, wanted, rows_max)


def scans_named(session: Session, *, tenant_id: int, named: Collection[tuple[datetime, UUID]]) -> list[ScanLine]:
    """Certain scans, by their time and id."""
    wanted = select(Scan).where(Scan.tenant_id == tenant_id, tuple_(Scan.scanned_at, Scan.scan_id).in_(list(named)))
    return _lines(session, wanted, ROWS_MAX) if named else []


def scans_of_visitors(
    session: Session,
    *,
    tenant_id: int,
    visitors: Sequence[bytes],
    since: datetime | None = None,
    rows_max: int = ROWS_MAX,
) -> list[ScanLine]:
    wanted = select(Scan).where(Scan.tenant_id == tenant_id, Scan.visitor.in_(visitors))
    if since is not None:
        wanted = wanted.where(Scan.scanned_at >= since)
    return _lines(session, wanted, rows_max)


def scan(session: Session, *, tenant_id: int, scan_id: UUID) -> ScanLine | None:
    """One scan, once it has been ingested."""
    lines = _lines(session, select(Scan).where(Scan.tenant_id == tenant_id, Scan.scan_id == scan_id), 1)
    return lines[0] if lines else None


def _totals(tenant_id: int, since: date, until: date, gtin: str | None, *by: Any) -> Select[*tuple[Any, ...]]:
    wanted = (
        select(*by, func.sum(ScanTotal.scans), func.sum(ScanTotal.confirmed))
        .where(ScanTotal.tenant_id == tenant_id, ScanTotal.day >= since, ScanTotal.day < until)
        .group_by(*by)
    )
    return wanted if gtin is None else wanted.where(ScanTotal.gtin == gtin)


def _lines(session: Session, wanted: Select[Scan], rows_max: int) -> list[ScanLine]:
    newest_first = wanted.order_by(Scan.scanned_at.desc(), Scan.scan_id.desc()).limit(min(rows_max, ROWS_MAX))
    return [
        ScanLine(
            scan_id=row.scan_id,
            scanned_at=row.scanned_at,
            confirmed_at=row.confirmed_at,
            verdict=Verdict(row.verdict),
            reasons=tuple((code, value) for code, value in row.reasons),
            epoch=row.epoch,
            counter=row.counter,
            order_id=row.order_id,
            gtin=row.gtin,
            lot=row.lot,
            serial=row.serial,
            role=row.role,
            visitor=row.visitor,
            division=row.division,
            client=row.client,
            language=row.language,
            source=row.source,
        )
        for row in session.scalars(newest_first)
    ]
