"""Computes the state of scanned codes again from the scan log in PostgreSQL, and loads it into Redis.

Promises: while `rebuild` runs every edge answers 503; afterwards Redis holds, byte for byte, what live scans would have left there,
under a new generation. What still lay in the log is stored first, so no answered scan is forgotten. `recompute` joins the state of
some codes into the live one; as a merge does not depend on order, scans may go on meanwhile. Refused: two rebuilds at once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, ClassVar, Final

from redis import Redis
from sqlalchemy import CompoundSelect, Engine, Row, select, text, tuple_, union_all
from sqlalchemy.orm import Session

from codegen import brands, catalogue_version
from kit.db import transaction
from kit.refusals import Conflict
from scanservice import verdicts
from scanservice.hot import functions, generations, pin_tries, state, streams
from scanservice.hot.state import Mode, State, Touch
from scanservice.ingest import pin_records
from scanservice.models import PinTry, Scan

ROWS_AT_ONCE: Final = 10_000
CODES_AT_ONCE: Final = 2_000
KEYS_AT_ONCE: Final = 1_000
_LOCK_ID: Final = 7_205_759_404
# Statements of a rebuild read the whole scan log.
_STATEMENT_MS_MAX: Final = 6 * 3_600_000
# Stands in the column of roles for a row that is no scan.
_PROOF: Final = "pin"

Progress = Callable[[int], object]
"""Told how many more codes are done."""


class RebuildRunning(Conflict):
    code: ClassVar[str] = "rebuild_running"
    says: ClassVar[str] = "Another rebuild is under way."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    codes: int
    drained: int
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _CodeState:
    epoch: int
    counter: int
    state: State


def rebuild(
    engine: Engine,
    redis: Redis,
    *,
    drain: Callable[[], int],
    now: datetime,
    progress: Progress = lambda _codes: None,
) -> Rebuilt:
    """`drain` stores what the log holds (`Ingester.drain`), with the projections that the log's ingester has."""
    with engine.connect() as lock:
        if not lock.scalar(text("SELECT pg_try_advisory_lock(:id)"), {"id": _LOCK_ID}):
            raise RebuildRunning
        try:
            return _rebuild(engine, redis, drain=drain, now=now, progress=progress)
        finally:
            lock.execute(text("SELECT pg_advisory_unlock(:id)"), {"id": _LOCK_ID})


def recompute(session: Session, redis: Redis, *, tenant_id: int, codes: Sequence[tuple[int, int]]) -> int:
    """Joins what the record says of these codes (epoch, counter) into their live state. For imports, after their commit."""
    done = 0
    distinct = sorted(set(codes))
    for at in range(0, len(distinct), CODES_AT_ONCE):
        some = distinct[at : at + CODES_AT_ONCE]
        wanted = _scans(tenant_id, some)
        with redis.pipeline(transaction=False) as pipeline:
            for code in _folded(session.execute(wanted)):
                partition = functions.partition_of(tenant_id, code.counter)
                key = functions.bucket_key(partition, tenant_id=tenant_id, epoch=code.epoch, counter=code.counter)
                pipeline.fcall(functions.JOIN, 1, key, str(functions.field(code.counter)), state.pack(code.state))
                done += 1
            pipeline.execute()
    return done


def _rebuild(engine: Engine, redis: Redis, *, drain: Callable[[], int], now: datetime, progress: Progress) -> Rebuilt:
    functions.prepare(redis)
    generations.hide(redis)
    drained = drain()
    _forget(redis)
    codes = 0
    with transaction(engine, tenant_id=None) as session:
        tenant_ids = brands.tenant_ids(session)
    for tenant_id in tenant_ids:
        codes += _load(engine, redis, tenant_id=tenant_id, progress=progress)
        _load_tries(engine, redis, tenant_id=tenant_id, now=now)
    logged = max(streams.last_id(redis, partition)[0] for partition in range(functions.PARTITIONS))
    with transaction(engine, tenant_id=None) as session:
        generation = generations.begin(session, logged=logged, now=now)
        version = catalogue_version.current(session)
    generations.show(redis, generation=generation, catalogue_version=version)
    return Rebuilt(codes=codes, drained=drained, generation=generation)


def _forget(redis: Redis) -> None:
    """All states, remembered answers and tries of PINs. The log stays: its entries are stored, and a restored PostgreSQL may want them."""
    for pattern in (functions.STATES, functions.ANSWERS, functions.PIN_TRIES):
        keys: list[Any] = []
        for key in redis.scan_iter(match=pattern, count=KEYS_AT_ONCE):
            keys.append(key)
            if len(keys) >= KEYS_AT_ONCE:
                redis.unlink(*keys)
                keys = []
        if keys:
            redis.unlink(*keys)


def _load(engine: Engine, redis: Redis, *, tenant_id: int, progress: Progress) -> int:
    loaded = 0
    with transaction(engine, tenant_id=tenant_id) as session:
        session.execute(text(f"SET LOCAL statement_timeout = {_STATEMENT_MS_MAX}"))
        rows = session.execute(_scans(tenant_id).execution_options(yield_per=ROWS_AT_ONCE))
        buckets = groupby(_folded(rows), key=lambda code: (code.epoch, code.counter >> functions.BUCKET_BITS))
        pipeline = redis.pipeline(transaction=False)
        waiting = 0
        for (epoch, _), codes in buckets:
            fields: dict[Any, Any] = {}
            counter = 0
            for code in codes:
                counter = code.counter
                fields[str(functions.field(counter))] = state.pack(code.state)
            partition = functions.partition_of(tenant_id, counter)
            pipeline.hset(
                functions.bucket_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter),
                mapping=fields,
            )
            waiting += len(fields)
            loaded += len(fields)
            if waiting >= CODES_AT_ONCE:
                pipeline.execute()
                progress(waiting)
                waiting = 0
        pipeline.execute()
        progress(waiting)
    return loaded


def _load_tries(engine: Engine, redis: Redis, *, tenant_id: int, now: datetime) -> None:
    """How often PINs were tried of late: an emptied Redis must not give attackers their tries back."""
    since = now - timedelta(seconds=pin_tries.KEPT_S)
    with transaction(engine, tenant_id=tenant_id) as session:
        session.execute(text(f"SET LOCAL statement_timeout = {_STATEMENT_MS_MAX}"))
        pipeline = redis.pipeline(transaction=False)
        for epoch, counter, tries in pin_records.recent(session, tenant_id=tenant_id, since=since, rows_at_once=ROWS_AT_ONCE):
            partition = functions.partition_of(tenant_id, counter)
            key = functions.pin_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter)
            fields: dict[Any, Any] = dict(pin_tries.packed(pin_tries.fold(tries)))
            if fields:
                pipeline.hset(key, mapping=fields)
                pipeline.expire(key, pin_tries.KEPT_S)
            if len(pipeline) >= CODES_AT_ONCE:
                pipeline.execute()
        pipeline.execute()


def _scans(tenant_id: int, codes: Sequence[tuple[int, int]] | None = None) -> CompoundSelect[*tuple[Any, ...]]:
    """Scans, and right PINs in the shape of scans, code by code."""
    scans = select(
        Scan.epoch,
        Scan.counter,
        Scan.scanned_at,
        Scan.confirmed_at,
        Scan.verdict,
        Scan.role,
        Scan.visitor,
        Scan.whence,
    ).where(Scan.tenant_id == tenant_id, Scan.epoch.is_not(None))
    proofs = pin_records.right(tenant_id, role=_PROOF)
    if codes is not None:
        scans = scans.where(tuple_(Scan.epoch, Scan.counter).in_(codes))
        proofs = proofs.where(tuple_(PinTry.epoch, PinTry.counter).in_(codes))
    return union_all(scans, proofs).order_by("epoch", "counter")


def _folded(rows: Iterable[Row[Any]]) -> Iterator[_CodeState]:
    for (epoch, counter), scans in groupby(rows, key=lambda row: (row.epoch, row.counter)):
        folded = state.fold(touch for row in scans for touch in _touches(row))
        assert folded is not None  # noqa: S101 - a group has rows
        yield _CodeState(epoch=epoch, counter=counter, state=folded)


def _touches(row: Row[Any]) -> Iterator[Touch]:
    """What one row did to the state when it was live: it was seen, and later perhaps confirmed; or it was a right PIN."""
    visitor = bytes(row.visitor)[: state.VISITOR_BYTES]
    whence = bytes(row.whence)
    if row.role == _PROOF:
        yield Touch(mode=Mode.PROVEN, at_s=_at_s(row.scanned_at), visitor=visitor, whence=whence)
        return
    mode = verdicts.recorded_mode(row.verdict, row.role, confirmed=row.confirmed_at is not None)
    if row.confirmed_at is None or row.confirmed_at != row.scanned_at:
        yield Touch(mode=Mode.SEEN, at_s=_at_s(row.scanned_at), visitor=visitor, whence=whence)
    if row.confirmed_at is not None:
        yield Touch(mode=mode, at_s=_at_s(row.confirmed_at), visitor=visitor, whence=whence)


def _at_s(instant: datetime) -> int:
    return state.seconds(instant.timestamp())
