"""Computes the state of scanned codes again from the record in PostgreSQL, and loads it into Redis.

Promises: while `rebuild` runs every edge answers 503; afterwards Redis holds, byte for byte, what live scans would have left there,
under a new generation; scans whose month was dropped count as if they were there. What still lay in the log is stored first, so no
answered scan is forgotten; where that fails nothing has changed yet, and edges answer again as before. Whatever fails later leaves them at
503, and the log says what to do. `recompute` joins the state of some codes into the live one; as a merge does not depend on order, scans may
go on meanwhile. Refused: two rebuilds at once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import numpy as np
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from codegen import brands, catalogue_version
from kit import log
from kit.db import transaction
from kit.refusals import Conflict
from scanservice.hot import functions, generations, pin_tries, state, streams
from scanservice.ingest import folding, pieces, pin_records
from scanservice.ingest.folding import Folded

ROWS_AT_ONCE: Final = 10_000
CODES_AT_ONCE: Final = 2_000
KEYS_AT_ONCE: Final = 1_000
_LOCK_ID: Final = 7_205_759_404
# Statements of a rebuild read the whole scan log.
_STATEMENT_MS_MAX: Final = 6 * 3_600_000
_COUNTER_MASK: Final = (1 << folding.COUNTER_BITS) - 1
_AS_BEFORE: Final = (
    "the rebuild could not store what the log holds, and no state has changed: edges answer as before. "
    "Mend what is wrong, then: onemark rebuild state"
)
_CLOSED: Final = "the rebuild has not come to its end, and every edge answers 503 until one does. Mend what is wrong, then: onemark rebuild state"
_FIELDS: Final = [str(number).encode() for number in range(functions.FIELDS)]

Progress = Callable[[int], object]
"""Told how many more codes are done."""

_log = log.get(__name__)


class RebuildRunning(Conflict):
    code: ClassVar[str] = "rebuild_running"
    says: ClassVar[str] = "Another rebuild is under way."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    codes: int
    drained: int
    generation: int


def rebuild(
    engine: Engine,
    redis: Redis,
    *,
    drain: Callable[[], int],
    now: datetime,
    progress: Progress = lambda _codes: None,
) -> Rebuilt:
    """`drain` stores what the log holds (`Ingester.drain`), with the projections that the log's ingester has."""
    # Held outside of a transaction: one that stands idle for as long as a rebuild takes is ended by the server, and the lock with it.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as lock:
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
        with redis.pipeline(transaction=False) as pipeline:
            for block in pieces.of_codes(session, tenant_id=tenant_id, codes=some):
                for key, fields in _buckets(folding.fold(block, slots_max=state.VISITORS_MAX), tenant_id=tenant_id):
                    pipeline.fcall(functions.JOIN, 1, key, *fields)
                    done += len(fields) // 2
            pipeline.execute()
    return done


def _rebuild(engine: Engine, redis: Redis, *, drain: Callable[[], int], now: datetime, progress: Progress) -> Rebuilt:
    functions.prepare(redis)
    drained = _drained(redis, drain)
    try:
        codes, generation = _load_all(engine, redis, now=now, progress=progress)
    except BaseException as error:
        _say(_CLOSED, error)
        raise
    return Rebuilt(codes=codes, drained=drained, generation=generation)


def _drained(redis: Redis, drain: Callable[[], int]) -> int:
    """Closes the partitions and stores what the log holds. Where that fails they are opened again, if they were open."""
    shown = generations.shown(redis)
    try:
        generations.hide(redis)
        return drain()
    except BaseException as error:
        _say(_AS_BEFORE if _opened_again(redis, shown) else _CLOSED, error)
        raise


def _opened_again(redis: Redis, shown: set[int]) -> bool:
    """State and catalogue version are what they were, so the generation may be."""
    if len(shown) != 1 or generations.NONE in shown:
        return False
    (generation,) = shown
    try:
        with redis.pipeline(transaction=False) as pipeline:
            for partition in range(functions.PARTITIONS):
                pipeline.hset(functions.meta_key(partition), functions.GENERATION_FIELD, generation)
            pipeline.execute()
    except RedisError:
        return False
    return True


def _say(what: str, error: BaseException) -> None:
    """In the log, and beneath the error, where whoever typed the command reads it last."""
    _log.error(what)
    error.add_note(what)


def _load_all(engine: Engine, redis: Redis, *, now: datetime, progress: Progress) -> tuple[int, int]:
    """(codes, generation)"""
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
    return codes, generation


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
    with transaction(engine, tenant_id=tenant_id) as session, redis.pipeline(transaction=False) as pipeline:
        session.execute(text(f"SET LOCAL statement_timeout = {_STATEMENT_MS_MAX}"))
        waiting = 0
        for block in pieces.of_brand(session, tenant_id=tenant_id):
            for key, fields in _buckets(folding.fold(block, slots_max=state.VISITORS_MAX), tenant_id=tenant_id):
                pipeline.hset(key, items=fields)
                waiting += len(fields) // 2
                if waiting >= CODES_AT_ONCE:
                    pipeline.execute()
                    progress(waiting)
                    loaded += waiting
                    waiting = 0
        pipeline.execute()
        progress(waiting)
    return loaded + waiting


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


def _buckets(folded: Folded, *, tenant_id: int) -> Iterator[tuple[bytes, list[Any]]]:
    """(key of a bucket, field and state of its codes in turn). A bucket may come in two parts."""
    buckets = folded.codes >> functions.BUCKET_BITS
    begins = np.flatnonzero(np.concatenate(([True], buckets[1:] != buckets[:-1])))
    fields = [_FIELDS[number] for number in (folded.codes & (functions.FIELDS - 1)).tolist()]
    ends = [*begins[1:].tolist(), len(fields)]
    for code, begin, end in zip(folded.codes[begins].tolist(), begins.tolist(), ends, strict=True):
        epoch, counter = code >> folding.COUNTER_BITS, code & _COUNTER_MASK
        partition = functions.partition_of(tenant_id, counter)
        key = functions.bucket_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter)
        items: list[Any] = [None] * (2 * (end - begin))
        items[::2] = fields[begin:end]
        items[1::2] = folded.packed[begin:end]
        yield key, items
