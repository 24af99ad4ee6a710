"""Scans that another platform recorded enter the scan log, judged as if we had answered them.

Promises: each code's scans are judged in the order of time, those that are here already among them, by the same `judge` and the same
state as a live scan; what was answered before keeps its verdict. A scan that is here already is passed over, so the same history again
adds nothing. Rows and projections become one commit, the caller's; Redis is told afterwards (`tell`).

What is known of a code is taken from today's catalogue, with one difference: a recall or a void counts from when it was decided. The
release counts for all time, because the other platform released its goods long before ours heard of them.

Refuses to begin where Redis does not hold this instance's state (`ready`): the history would be taken for all that ever happened. What
cannot be a scan was refused by whoever read the file.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

import numpy as np
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from codegen.catalogue import BrandCatalogue, CodeRange
from codegen.lifecycle import intervals
from kit.refusals import Conflict, Unavailable
from scanservice import evidence, verdicts
from scanservice.evidence import Weights
from scanservice.hot import functions, generations, state
from scanservice.hot.state import State, Touch
from scanservice.ingest import kept_states, months, rebuild, records, retention
from scanservice.ingest.pieces import driver
from scanservice.ingest.records import Projection, ScanRow
from scanservice.verdicts import Role, Standing

STORED_ROWS: Final = 20_000
FETCHED_ROWS: Final = 20_000
# Sorting ten million scans takes minutes; the usual limit is for requests.
STATEMENT_MS_MAX: Final = 3_600_000
SOURCE: Final = "import"

_COUNTER_BITS: Final = 40
_COUNTER_MASK: Final = (1 << _COUNTER_BITS) - 1


class StateNotTold(Unavailable):
    code: ClassVar[str] = "state_not_told"
    says: ClassVar[str] = "The scans are loaded, but Redis did not take the state of their codes. Load the same file again."


class MonthsDropped(Conflict):
    """Of scans that are gone nobody can tell which ones a history repeats; the sums by day would count them twice."""

    code: ClassVar[str] = "months_dropped"
    says: ClassVar[str] = (
        "The single scans of {months} were dropped, so nobody can tell which of these are among them. Leave these months out of the file."
    )


class PastScan(NamedTuple):
    """One scan of the other platform. `confirmed`: a person looked; `ip` and position as far as they were known.

    A tuple, because a history has millions of them; the fields stand in the order of the temporary table's columns.
    """

    scan_id: UUID
    scanned_at: datetime
    confirmed: bool
    epoch: int | None
    counter: int | None
    order_id: UUID | None
    gtin: str
    lot: str
    serial: str
    standing: Standing
    standing_reason: str
    visitor: bytes
    whence: bytes
    ip: str | None
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    client: str
    division: str = ""


class Code(NamedTuple):
    """What a serial is, by the catalogue. Of codes that we never made, the serial itself is kept."""

    standing: Standing
    standing_reason: str
    epoch: int | None
    counter: int | None
    order_id: UUID | None
    gtin: str
    lot: str
    serial: str


def code_of(catalogue: BrandCatalogue, *, gtin: str, serial: str, at: datetime) -> Code:
    """The code behind what was scanned at an instant; `gtin` is empty where the address named none."""
    counted = catalogue.counter_of(serial)
    if counted is None:
        return Code(Standing.BAD_SERIAL, "", None, None, None, gtin, "", serial)
    epoch, counter = counted
    revoked = catalogue.epochs[epoch].revoked
    found = catalogue.range_of(epoch=epoch, counter=counter)
    if found is None:
        return Code(Standing.EPOCH_REVOKED if revoked else Standing.NO_RANGE, "", epoch, counter, None, gtin, "", "")
    names = found.names_at(counter)
    if gtin and (names is None or gtin != names[0]):
        return Code(Standing.WRONG_GTIN, "", None, None, None, gtin, "", serial)
    standing, reason = (Standing.EPOCH_REVOKED, "") if revoked else _standing(found, counter, at)
    if names is None and standing in {Standing.ACTIVE, Standing.INACTIVE}:
        standing, reason = Standing.UNBOUND, ""
    gtin, lot = names or ("", "")
    return Code(standing, reason, epoch, counter, found.order_id, gtin, lot, "")


def _standing(found: CodeRange, counter: int, at: datetime) -> tuple[Standing, str]:
    for standing, stretches in ((Standing.VOID, found.states.void), (Standing.RECALLED, found.states.recalled)):
        decision = intervals.at(stretches, counter)
        if decision is not None and decision.decided_at <= at:
            return standing, decision.reason
    held = intervals.at(found.states.frozen, counter)
    if held is not None and held.decided_at <= at:
        return Standing.FROZEN, ""
    released = intervals.at(found.states.active, counter)
    return (Standing.INACTIVE, "") if released is None else (Standing.ACTIVE, released.reason)


_HISTORY_COLUMNS: Final = ", ".join(PastScan._fields)
_LIMITS: Final = text(f"SET LOCAL statement_timeout = {STATEMENT_MS_MAX}")
_CREATE: Final = """
CREATE TEMPORARY TABLE scan_history (
    scan_id uuid, scanned_at timestamptz, confirmed boolean, epoch smallint, counter bigint, order_id uuid, gtin text, lot text,
    serial text, standing text, standing_reason text, visitor bytea, whence bytea, ip text, latitude double precision,
    longitude double precision, accuracy_m double precision, client text, division text
) ON COMMIT DROP
"""
_COPY: Final = f"COPY scan_history ({_HISTORY_COLUMNS}) FROM STDIN"
# Stands in the column of verdicts for what dropped months left of a code; the state itself stands in the column of visitors.
_KEPT: Final = "kept"
# The history among what is here already of the same codes. The same scan from both sides stands side by side, ours first; before all
# scans of a code stands what dropped months left of it.
_IN_ORDER: Final = f"""
SELECT * FROM (
    SELECT scanned_at AS at, '' AS verdict, '' AS role, {_HISTORY_COLUMNS}
      FROM scan_history
    UNION ALL
    SELECT coalesce(s.confirmed_at, s.scanned_at), s.verdict, s.role, s.scan_id, s.scanned_at, s.confirmed_at IS NOT NULL,
           s.epoch, s.counter, NULL, '', '', '', '', '', s.visitor, s.whence, NULL, NULL, NULL, NULL, '', ''
      FROM scan AS s
      JOIN (SELECT DISTINCT epoch, counter FROM scan_history WHERE epoch IS NOT NULL) AS c USING (epoch, counter)
     WHERE s.tenant_id = %(tenant_id)s
    UNION ALL
    SELECT '2000-01-01T00:00Z', '{_KEPT}', '', NULL, NULL, NULL, k.epoch, k.counter, NULL, '', '', '', '', '', k.state, NULL, NULL, NULL,
           NULL, NULL, '', ''
      FROM code_state AS k
      JOIN (SELECT DISTINCT epoch, counter FROM scan_history WHERE epoch IS NOT NULL) AS c USING (epoch, counter)
     WHERE k.tenant_id = %(tenant_id)s
) AS both_sides
ORDER BY epoch, counter, at, scan_id, role DESC
"""
_PARTITION: Final = text("SELECT ensure_scan_partition(:instant)")

Progress = Callable[[int], None]  # rows judged and stored so far


class Backfill:
    """One history on its way in, within one transaction: `stage` it in any order and any number of parts, then `load` it once."""

    def __init__(self, session: Session, *, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id
        self._codes = array("Q")
        self.months: set[datetime] = set()
        session.execute(_LIMITS)
        driver(session).execute("DROP TABLE IF EXISTS pg_temp.scan_history")
        driver(session).execute(_CREATE)

    def stage(self, scans: Iterable[PastScan]) -> None:
        with driver(self._session).cursor() as cursor, cursor.copy(_COPY) as copy:
            for scan in scans:
                copy.write_row(scan)
                self.months.add(_month(scan.scanned_at))
                if scan.epoch is not None and scan.counter is not None:
                    self._codes.append(scan.epoch << _COUNTER_BITS | scan.counter)

    def refuse_dropped(self) -> None:
        """When all is staged, and again when it is stored: a month of which this brand had scans, and has them no longer, takes no history."""
        gone = months.dropped(self._session, tenant_id=self._tenant_id)
        named = sorted(gone.keys() & {month.date() for month in self.months})
        if named:
            raise MonthsDropped(months=", ".join(f"{month:%Y-%m}" for month in named))

    def codes(self) -> Iterator[tuple[int, int]]:
        """(epoch, counter) of every code in the history, each once."""
        for code in np.unique(np.frombuffer(self._codes, dtype=np.uint64)).tolist() if self._codes else ():
            yield code >> _COUNTER_BITS, code & _COUNTER_MASK

    def load(self, *, projections: Sequence[Projection], weights: Mapping[str, Weights], progress: Progress) -> int:
        """Judges by each product's own weights and stores; returns how many scans were new. The months' partitions should be there: see `prepare`."""
        driver(self._session).execute("ANALYZE pg_temp.scan_history")
        new, done, batch = 0, 0, list[ScanRow]()
        for row in _judged(self._in_order(), tenant_id=self._tenant_id, weights=weights):
            batch.append(row)
            if len(batch) == STORED_ROWS:
                new += self._store(batch, projections)
                done += len(batch)
                progress(done)
                batch.clear()
        new += self._store(batch, projections)
        progress(done + len(batch))
        # Rows are in, so no month can go before the commit; one may have gone since the file was read.
        self.refuse_dropped()
        if self.months:
            retention.reopen(self._session, tenant_id=self._tenant_id, since=min(self.months))
        return new

    def _store(self, batch: Sequence[ScanRow], projections: Sequence[Projection]) -> int:
        if not batch:
            return 0
        new = records.store(self._session, batch, projections=projections)
        records.forget(self._session)
        return new

    def _in_order(self) -> Iterator[tuple[Any, ...]]:
        with driver(self._session).cursor(name="scan_history_in_order", binary=True) as cursor:
            cursor.itersize = FETCHED_ROWS
            cursor.execute(_IN_ORDER, {"tenant_id": self._tenant_id})
            yield from cursor


def ready(engine: Engine, redis: Redis, *, now: datetime) -> None:
    """Loads the function library and begins the log where nobody has yet; raises StateToRebuild where Redis was emptied."""
    functions.prepare(redis)
    generations.ensure(engine, redis, now=now)


def tell(session: Session, redis: Redis, *, tenant_id: int, codes: Sequence[tuple[int, int]]) -> int:
    """After the commit: joins what is recorded of these codes into their live state. Doing so again is harmless."""
    try:
        return rebuild.recompute(session, redis, tenant_id=tenant_id, codes=codes)
    except RedisError as error:
        raise StateNotTold from error


def prepare(session: Session, months: Iterable[datetime]) -> None:
    """Makes the partitions of these months, in a transaction of its own: whoever makes one keeps all others from the log until the end."""
    for month in sorted(months):
        session.execute(_PARTITION, {"instant": month})


def _judged(lines: Iterable[tuple[Any, ...]], *, tenant_id: int, weights: Mapping[str, Weights]) -> Iterator[ScanRow]:
    """The scans of the history, judged; `lines` come code by code in the order of time."""
    code: tuple[int, int] | None = None
    before: State | None = None
    kept: State | None = None
    last_id: UUID | None = None
    for at, verdict, role, *values in lines:
        scan = PastScan._make(values)
        if verdict == _KEPT and scan.epoch is not None and scan.counter is not None:
            code, before, kept = (scan.epoch, scan.counter), None, kept_states.unpack(scan.visitor)
            continue
        if scan.scan_id == last_id:
            continue
        last_id = scan.scan_id
        this = None if scan.epoch is None or scan.counter is None else (scan.epoch, scan.counter)
        if this is None or this != code:
            code, before, kept = this, None, None
        at_s = state.seconds(at.timestamp())
        if verdict:
            mode = verdicts.recorded_mode(verdict, role, confirmed=scan.confirmed)
        else:
            standing = Standing(scan.standing)
            mode = verdicts.mode(standing, Role.CONSUMER, confirmed=scan.confirmed)
            own = weights.get(scan.gtin, evidence.USUAL)
            yield _row(scan, standing, kept_states.before(before, kept, at_s=at_s), tenant_id=tenant_id, at_s=at_s, weights=own)
        if this is not None:
            touch = Touch(mode=mode, at_s=at_s, visitor=scan.visitor[: state.VISITOR_BYTES], whence=scan.whence)
            before = state.touch(before, touch)


def _row(scan: PastScan, standing: Standing, before: State | None, *, tenant_id: int, at_s: int, weights: Weights) -> ScanRow:
    judgement = verdicts.judge(
        standing=standing,
        standing_reason=scan.standing_reason,
        before=before,
        visitor=scan.visitor[: state.VISITOR_BYTES],
        whence=scan.whence,
        role=Role.CONSUMER,
        at_s=at_s,
        weights=weights,
    )
    return ScanRow(
        tenant_id=tenant_id,
        scan_id=scan.scan_id,
        scanned_at=scan.scanned_at,
        confirmed_at=scan.scanned_at if scan.confirmed else None,
        epoch=scan.epoch,
        counter=scan.counter,
        order_id=scan.order_id,
        gtin=scan.gtin,
        lot=scan.lot,
        serial=scan.serial,
        verdict=judgement.verdict,
        reasons=judgement.reasons,
        role=Role.CONSUMER,
        visitor=scan.visitor,
        whence=scan.whence,
        ip=scan.ip,
        latitude=scan.latitude,
        longitude=scan.longitude,
        accuracy_m=scan.accuracy_m,
        division=scan.division,
        client=scan.client,
        language="",
        source=SOURCE,
    )


def _month(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
