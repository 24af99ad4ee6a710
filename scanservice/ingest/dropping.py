"""A month of the scan log goes: first what it did to its codes is folded into kept states, then the partition is dropped.

Promises: no first scan comes a second time: a rebuild after the drop gives the bytes that it gave before. Folding takes a day of a brand in
each transaction and may be broken off anywhere; until the drop nothing is lost by it. The drop itself is one short transaction in which
the database compares what is there with what was folded, and refuses where scans have come since; then the month is folded anew.
What goes for ever: the single scans, with their time, verdict, place and visitor. Sums by day, anomalies and claims have tables of their own.
Refused: a month that is young, that is not the oldest, and any while the record is behind the log.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

from redis import Redis
from sqlalchemy import Engine, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from codegen import brands
from kit.db import transaction
from kit.refusals import Conflict, NotFound
from scanservice.ingest import kept_states, lag, months
from scanservice.models import Scan, ScanMonth

# Besides the running month. Dry runs of warnings look thirty days back, and the log itself may be a day late.
MONTHS_KEPT_MIN: Final = 2
TRIES_MAX: Final = 3
STRETCH: Final = timedelta(days=1)
# A day of a large brand is sorted, and a month is counted; the usual limit is for requests.
_STATEMENT_MS_MAX: Final = 3_600_000
_LIMIT: Final = text(f"SET LOCAL statement_timeout = {_STATEMENT_MS_MAX}")
_DROP: Final = text("SELECT drop_scan_month(:month)")
_UNFOLDED: Final = "55000"
# A lock not had in time, and a deadlock.
_BUSY: Final = frozenset({"55P03", "40P01"})

Progress = Callable[[int], object]
"""Told how many more scans are folded."""


class MonthNotThere(NotFound):
    code: ClassVar[str] = "month_not_there"
    says: ClassVar[str] = "The scan log has no month {month:%Y-%m}."


class MonthYoung(Conflict):
    code: ClassVar[str] = "month_young"
    says: ClassVar[str] = "{month:%Y-%m} is too young: this month and the {kept} before it are kept."


class MonthNotOldest(Conflict):
    code: ClassVar[str] = "month_not_oldest"
    says: ClassVar[str] = "Months go oldest first: drop {oldest:%Y-%m} before {month:%Y-%m}."


class RecordBehind(Conflict):
    code: ClassVar[str] = "record_behind"
    says: ClassVar[str] = (
        "Scans wait in the log to be stored, and some may be of that month. See to the ingester first: onemark log lag."
    )


class MonthBusy(Conflict):
    code: ClassVar[str] = "month_busy"
    says: ClassVar[str] = (
        "Somebody uses the scan log, or scans of {month:%Y-%m} still come in. What was folded stays; try again later."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a drop takes away: `scans` of all brands, as counted now."""

    month: date
    scans: int
    bytes: int


def foreseen(engine: Engine, redis: Redis, *, month: date, now: datetime) -> Loss:
    """Refuses what `drop` would refuse, and else says what it would take away."""
    with transaction(engine, tenant_id=None) as session:
        there = {one.first_day: one for one in months.listing(session)}
        if month not in there:
            raise MonthNotThere(month=month)
        if not _old(month, kept=MONTHS_KEPT_MIN, now=now):
            raise MonthYoung(month=month, kept=MONTHS_KEPT_MIN)
        if month != min(there):
            raise MonthNotOldest(month=month, oldest=min(there))
        if behind(session, redis, now=now):
            raise RecordBehind
        tenant_ids = brands.tenant_ids(session)
    scans = 0
    for tenant_id in tenant_ids:
        with transaction(engine, tenant_id=tenant_id) as session:
            session.execute(_LIMIT)
            scans += _count(session, tenant_id, since=months.begin_of(month), until=_end(month))[0]
    return Loss(month=month, scans=scans, bytes=there[month].bytes)


def drop(engine: Engine, redis: Redis, *, month: date, now: datetime, progress: Progress = lambda _scans: None) -> int:
    """Folds and drops the oldest month; returns how many scans went."""
    foreseen(engine, redis, month=month, now=now)
    for _ in range(TRIES_MAX):
        while step(engine, month=month, progress=progress):
            pass
        gone = finish(engine, month=month)
        if gone is not None:
            return gone
    raise MonthBusy(month=month)


def due(session: Session, *, kept: int, now: datetime) -> date | None:
    """The oldest month where it is older than the `kept` before this one, or than must be kept."""
    there = months.listing(session)
    oldest = there[0].first_day if there else None
    return oldest if oldest is not None and _old(oldest, kept=max(kept, MONTHS_KEPT_MIN), now=now) else None


def behind(session: Session, redis: Redis, *, now: datetime) -> bool:
    found = lag.measure(session, redis)
    return bool(found.stopped or found.unattended(now))


def step(engine: Engine, *, month: date, progress: Progress = lambda _scans: None) -> bool:
    """Folds one more day of one brand; False: all of them are folded."""
    with transaction(engine, tenant_id=None) as session:
        tenant_ids = brands.tenant_ids(session)
    for tenant_id in tenant_ids:
        with transaction(engine, tenant_id=tenant_id) as session:
            session.execute(_LIMIT)
            mark = _mark(session, tenant_id, month)
            since = None if mark is None else _next(session, mark)
            if mark is None or since is None:
                continue
            until = min(since + STRETCH, _end(month))
            # Counted before it is read: a scan that comes between is folded and not counted, and the drop will ask for it again.
            scans, confirmed = _count(session, tenant_id, since=since, until=until)
            kept_states.fold(session, tenant_id=tenant_id, since=since, until=until)
            mark.scans, mark.confirmed, mark.folded_until = mark.scans + scans, mark.confirmed + confirmed, until
        progress(scans)
        return True
    return False


def finish(engine: Engine, *, month: date) -> int | None:
    """Drops the folded month. None: scans have come meanwhile, or somebody holds the log; folding begins anew for the former."""
    try:
        with transaction(engine, tenant_id=None) as session:
            session.execute(_LIMIT)
            return int(session.scalar(_DROP, {"month": month}) or 0)
    except DBAPIError as error:
        sqlstate = getattr(error.orig, "sqlstate", None)
        if sqlstate in _BUSY:
            raise MonthBusy(month=month) from error
        if sqlstate != _UNFOLDED:
            raise
    _begin_anew(engine, month)
    return None


def _begin_anew(engine: Engine, month: date) -> None:
    with transaction(engine, tenant_id=None) as session:
        tenant_ids = brands.tenant_ids(session)
    for tenant_id in tenant_ids:
        with transaction(engine, tenant_id=tenant_id) as session:
            mark = session.get(ScanMonth, (tenant_id, month), with_for_update=True)
            if mark is not None:
                mark.scans, mark.confirmed, mark.folded_until = 0, 0, months.begin_of(month)


def _mark(session: Session, tenant_id: int, month: date) -> ScanMonth | None:
    """How far the brand is, held until the end of the transaction; None where it has no scans in that month."""
    mark = session.get(ScanMonth, (tenant_id, month), with_for_update=True)
    if mark is not None or _first(session, tenant_id, since=months.begin_of(month), until=_end(month)) is None:
        return mark
    session.execute(
        insert(ScanMonth).values(tenant_id=tenant_id, month=month, folded_until=months.begin_of(month)).on_conflict_do_nothing()
    )
    return session.get_one(ScanMonth, (tenant_id, month), with_for_update=True)


def _next(session: Session, mark: ScanMonth) -> datetime | None:
    """The begin of the next day that has scans."""
    first = _first(session, mark.tenant_id, since=mark.folded_until, until=_end(mark.month))
    return None if first is None else max(mark.folded_until, first.replace(hour=0, minute=0, second=0, microsecond=0))


def _first(session: Session, tenant_id: int, *, since: datetime, until: datetime) -> datetime | None:
    return session.scalar(
        select(func.min(Scan.scanned_at)).where(Scan.tenant_id == tenant_id, Scan.scanned_at >= since, Scan.scanned_at < until)
    )


def _count(session: Session, tenant_id: int, *, since: datetime, until: datetime) -> Sequence[Any]:
    """(scans, those of them that a person confirmed)"""
    return session.execute(
        select(func.count(), func.count(Scan.confirmed_at)).where(
            Scan.tenant_id == tenant_id, Scan.scanned_at >= since, Scan.scanned_at < until
        )
    ).one()


def _end(month: date) -> datetime:
    return months.begin_of(months.later(month, 1))


def _old(month: date, *, kept: int, now: datetime) -> bool:
    return month < months.later(months.this(now), -kept)
