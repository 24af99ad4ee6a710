"""Moves the scan log from Redis into PostgreSQL: rows, projections and the log position commit together, or not at all.

Promises: a partition is read by one ingester at a time, whoever holds its row; entries follow one another without a gap, so
that nothing is lost unseen; reading the same entries again changes nothing; what cannot be read lies in the dead letters.
Refused: a partition with a gap, or a log that ends before our position, is stopped with an alarm until a rebuild. Trimmed is only
what is committed, and it is kept for a day more unless the log fills up.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from time import perf_counter
from typing import Any, Final

import psycopg
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from kit import log
from kit.clock import Clock
from kit.db import transaction
from scanservice.hot import functions, generations, pin_log, streams
from scanservice.hot import log as scan_log
from scanservice.hot.log import EntryMalformed
from scanservice.hot.pin_log import LoggedTry
from scanservice.hot.state import StateMalformed
from scanservice.hot.streams import Raw
from scanservice.ingest import judging, pin_records, records, trimming
from scanservice.ingest.judging import Locate, Read
from scanservice.ingest.log_places import Place
from scanservice.ingest.records import News, NewScan, Projection, RaceLost
from scanservice.models import DeadLetter, LogPosition

__all__ = ["Ingester", "Locate", "NewScan", "News", "Projection", "run"]

ENTRIES_PER_PARTITION_MAX: Final = 1024
# Of 64, so that several ingesters side by side find work; who comes first takes those that have waited longest.
PARTITIONS_AT_ONCE: Final = 16
# Entries wait and another ingester has their partitions: it will soon be done.
BUSY_S: Final = 0.02
LOG_BYTES_MAX: Final = 1 << 30
# A wake-up without entries looks at gaps and trims; an entry wakes us at once.
BLOCK_MS: Final = 1000
AFTER_TROUBLE_S: Final = 1.0
LOOK_EVERY_S: Final = 30.0
_BEGINNING: Final = "0-0"
_ADVANCE: Final = text("""
UPDATE log_position AS p
   SET generation = n.generation, sequence = n.sequence, updated_at = :now
  FROM unnest(CAST(:partitions AS smallint[]), CAST(:generations AS bigint[]), CAST(:sequences AS bigint[]))
       AS n (partition, generation, sequence)
 WHERE p.partition = n.partition
""")

_log = log.get(__name__)


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What was read and will be stored in one transaction."""

    newest_ms: int
    reads: list[Read] = field(default_factory=list)
    tries: list[LoggedTry] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    stopped: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Moved:
    """What an ingester has done since it began; `busy_s` is time in transactions that had entries."""

    entries: int = 0
    scans: int = 0
    batches: int = 0
    busy_s: float = 0.0


class Ingester:
    def __init__(
        self,
        engine: Engine,
        redis: Redis,
        *,
        projections: Sequence[Projection],
        locate: Locate,
        clock: Clock,
        log_bytes_max: int = LOG_BYTES_MAX,
    ) -> None:
        self._engine = engine
        self._redis = redis
        self._reader = streams.Reader(redis)
        self._projections = projections
        self._locate = locate
        self._clock = clock
        self._trimmer = trimming.Trimmer(redis, log_bytes_max=log_bytes_max)
        self._looked_at: datetime | None = None
        self.moved = Moved()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. Servers that are away are waited for."""
        while not stop.is_set():
            try:
                if self.step() == 0 and self._waiting(block_ms=BLOCK_MS):
                    stop.wait(BUSY_S)
            except (RedisError, SQLAlchemyError, psycopg.Error, RaceLost):
                _log.exception("ingesting failed and will be tried again")
                self._looked_at = None
                stop.wait(AFTER_TROUBLE_S)

    def step(self) -> int:
        """One transaction; returns the number of entries that it moved. Now and then looks for gaps and trims."""
        now = self._clock.now()
        if self._looked_at is None or now - self._looked_at > timedelta(seconds=LOOK_EVERY_S):
            self._look(now)
            self._looked_at = now
        return self._step(_Lock.SOME)

    def drain(self) -> int:
        """Everything that the log holds now. Partitions that are stopped are read from their very beginning, gaps and all."""
        moved = 0
        while entries := self._step(_Lock.ALL):
            moved += entries
        for partition in self._stopped():
            moved += self._drain_whole(partition)
        return moved

    def _step(self, lock: "_Lock") -> int:
        waiting = self._waiting()
        if not waiting:
            return 0
        began_s = perf_counter()
        with transaction(self._engine, tenant_id=None) as session:
            entries, scans = self._move(session, _held(session, lock, partitions=waiting), now=self._clock.now())
        if entries:
            self.moved.entries += entries
            self.moved.scans += scans
            self.moved.batches += 1
            self.moved.busy_s += perf_counter() - began_s
        return entries

    def _waiting(self, *, block_ms: int | None = None) -> list[int]:
        """The partitions with entries that are not stored yet, by a look without locks; waits for the first of them if told to."""
        with transaction(self._engine, tenant_id=None) as session:
            places = [_place(row) for row in session.scalars(select(LogPosition).where(LogPosition.stopped == ""))]
        after = {place.partition: place.after for place in places}
        return list(self._reader.read(after, count=1, block_ms=block_ms)) if after else []

    def _move(self, session: Session, places: Sequence[Place], *, now: datetime) -> tuple[int, int]:
        """(entries, scans that were news)"""
        if not places:
            return 0, 0
        after = {place.partition: place.after for place in places}
        found = self._reader.read(after, count=ENTRIES_PER_PARTITION_MAX)
        batch = _Batch(newest_ms=judging.newest_ms(now))
        moved = 0
        for place in places:
            moved += self._read(found.get(place.partition, []), place, batch, now=now)
        news = self._store(session, batch)
        _advance(session, batch, now=now)
        return moved, news

    def _read(self, entries: Sequence[Raw], place: Place, batch: _Batch, *, now: datetime) -> int:
        """Takes the entries that follow `place` without a gap; stops the partition at one. Returns how many it took."""
        following = _following(entries, place)
        for raw in entries[:following]:
            self._take(raw, place.partition, batch, now=now)
        if following:
            generation, sequence = streams.place(entries[following - 1])
            place = Place(partition=place.partition, generation=generation, sequence=sequence)
            batch.places[place.partition] = place
        if following < len(entries):
            why = f"entry {streams.entry(entries[following]).id} follows {place.generation}-{place.sequence}"
            batch.stopped[place.partition] = why
            _log.error("the scan log has a gap, this partition stops", partition=place.partition, gap=why)
        return following

    def _take(self, raw: Raw, partition: int, batch: _Batch, *, now: datetime) -> None:
        try:
            match raw[1]:
                # As the Redis function writes a scan; looked at first, because nearly all are scans.
                case [scan_log.ENTRY_FIELD, entry, scan_log.BEFORE_FIELD, before]:
                    batch.reads.append(judging.read(entry, before, newest_ms=batch.newest_ms))
                case _:
                    _take_other(streams.fields(raw), batch)
        except (EntryMalformed, StateMalformed) as error:
            _log.error("a log entry cannot be read", partition=partition, error=str(error))
            whole = streams.entry(raw)
            batch.letters.append(
                {
                    "partition": partition,
                    "generation": whole.generation,
                    "sequence": whole.sequence,
                    "entry": whole.fields.get(scan_log.ENTRY_FIELD, b""),
                    "error": str(error),
                    "found_at": now,
                }
            )

    def _store(self, session: Session, batch: _Batch) -> int:
        lines = judging.lines(batch.reads, locate=self._locate)
        news = records.store_lines(session, lines, projections=self._projections)
        pin_records.store(session, batch.tries)
        if batch.letters:
            session.execute(insert(DeadLetter).on_conflict_do_nothing(), batch.letters)
        return news

    def _look(self, now: datetime) -> None:
        """A log that ends before our position is an older Redis: what is written from now on would never be read."""
        with transaction(self._engine, tenant_id=None) as session:
            for place in _held(session, _Lock.FREE):
                last = streams.last_id(self._redis, place.partition)
                behind = (place.generation, place.sequence) > last and place.sequence != generations.BEFORE_FIRST
                if behind:
                    why = f"the log ends at {last[0]}-{last[1]}, before {place.generation}-{place.sequence}"
                    _log.error("the scan log went back, this partition stops", partition=place.partition, why=why)
                    _stop(session, place.partition, why, now=now)
                else:
                    self._trimmer.trim(place.partition, generation=place.generation, stored=place.sequence, now=now)

    def _stopped(self) -> list[int]:
        with transaction(self._engine, tenant_id=None) as session:
            return list(session.scalars(select(LogPosition.partition).where(LogPosition.stopped != "")))

    def _drain_whole(self, partition: int) -> int:
        moved, after = 0, _BEGINNING
        while entries := self._reader.read({partition: after}, count=ENTRIES_PER_PARTITION_MAX).get(partition):
            now = self._clock.now()
            batch = _Batch(newest_ms=judging.newest_ms(now))
            for raw in entries:
                self._take(raw, partition, batch, now=now)
            with transaction(self._engine, tenant_id=None) as session:
                self._store(session, batch)
            moved += len(entries)
            after = entries[-1][0].decode()
        return moved


def run(
    engine: Engine,
    redis: Redis,
    *,
    projections: Sequence[Projection],
    locate: Locate,
    clock: Clock,
    stop: threading.Event,
    log_bytes_max: int = LOG_BYTES_MAX,
) -> None:
    """The ingester process: returns when `stop` is set. `redis` must wait longer for an answer than BLOCK_MS."""
    Ingester(
        engine,
        redis,
        projections=projections,
        locate=locate,
        clock=clock,
        log_bytes_max=log_bytes_max,
    ).run(stop)


class _Lock(Enum):
    """Which partitions to take: some that nobody holds, all that nobody holds, or all, waiting for whoever holds them."""

    SOME = "some"
    FREE = "free"
    ALL = "all"


def _held(session: Session, lock: _Lock, *, partitions: Sequence[int] = range(functions.PARTITIONS)) -> list[Place]:
    """Some of these partitions, held until the transaction ends."""
    wanted = select(LogPosition).where(LogPosition.stopped == "", LogPosition.partition.in_(partitions))
    if lock is _Lock.SOME:
        wanted = wanted.order_by(LogPosition.updated_at, LogPosition.partition).limit(PARTITIONS_AT_ONCE)
    else:
        wanted = wanted.order_by(LogPosition.partition)
    return [_place(row) for row in session.scalars(wanted.with_for_update(skip_locked=lock is not _Lock.ALL))]


def _take_other(fields: Mapping[bytes, bytes], batch: _Batch) -> None:
    if pin_log.ENTRY_FIELD in fields:
        batch.tries.append(pin_log.read(fields))
        return
    try:
        entry, before = fields[scan_log.ENTRY_FIELD], fields[scan_log.BEFORE_FIELD]
    except KeyError as error:
        raise EntryMalformed(f"field {error} is missing") from error
    batch.reads.append(judging.read(entry, before, newest_ms=batch.newest_ms))


def _following(entries: Sequence[Raw], place: Place) -> int:
    """How many of the entries follow `place`, and each other, without a gap. Ids only grow, so first and last say it all at once."""
    if not entries:
        return 0
    (generation, first), (generation_last, last) = streams.place(entries[0]), streams.place(entries[-1])
    if generation == generation_last == place.generation and first == place.sequence + 1 and last - first == len(entries) - 1:
        return len(entries)
    before = (place.generation, place.sequence)
    for number, raw in enumerate(entries):
        generation, sequence = streams.place(raw)
        if sequence != (before[1] + 1 if generation == before[0] else 0):
            return number
        before = generation, sequence
    return len(entries)


def _place(row: LogPosition) -> Place:
    return Place(partition=row.partition, generation=row.generation, sequence=row.sequence)


def _advance(session: Session, batch: _Batch, *, now: datetime) -> None:
    places = batch.places.values()
    if places:
        session.execute(
            _ADVANCE,
            {
                "partitions": [place.partition for place in places],
                "generations": [place.generation for place in places],
                "sequences": [place.sequence for place in places],
                "now": now,
            },
        )
    for partition, why in batch.stopped.items():
        _stop(session, partition, why, now=now)


def _stop(session: Session, partition: int, why: str, *, now: datetime) -> None:
    session.execute(
        update(LogPosition)
        .where(LogPosition.partition == partition)
        .values(stopped=why, updated_at=now)
        .execution_options(synchronize_session=False)
    )
