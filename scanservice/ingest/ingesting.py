"""Moves the scan log from Redis into PostgreSQL: rows, projections and the log position commit together, or not at all.

Promises: a partition is read by one ingester at a time, whoever holds its row; entries follow one another without a gap, so
that nothing is lost unseen; reading the same entries again changes nothing; what cannot be read lies in the dead letters.
Refused: a partition with a gap, or a log that ends before our position, is stopped with an alarm until a rebuild. Trimmed is only
what is committed, and it is kept for a day more unless the log fills up.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from kit import log
from kit.clock import Clock
from kit.db import transaction
from scanservice import verdicts
from scanservice.hot import generations, streams
from scanservice.hot import log as scan_log
from scanservice.hot.log import EntryMalformed
from scanservice.hot.state import StateMalformed
from scanservice.hot.streams import Entry
from scanservice.ingest import judging, records, trimming
from scanservice.ingest.judging import Locate, Read
from scanservice.ingest.records import NewScan, Projection
from scanservice.models import DeadLetter, LogPosition

__all__ = ["Ingester", "Locate", "NewScan", "Projection", "run"]

ENTRIES_PER_PARTITION_MAX: Final = 256
LOG_BYTES_MAX: Final = 1 << 30
# A wake-up without entries looks at gaps and trims; an entry wakes us at once.
BLOCK_MS: Final = 1000
AFTER_TROUBLE_S: Final = 1.0
LOOK_EVERY_S: Final = 30.0
_SEQUENCE_LAST: Final = (1 << 64) - 1

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the log of one partition: the last entry that was stored."""

    partition: int
    generation: int
    sequence: int

    @property
    def after(self) -> str:
        """For XREAD: entries behind this id."""
        if self.sequence == generations.BEFORE_FIRST:
            return f"{self.generation - 1}-{_SEQUENCE_LAST}"
        return f"{self.generation}-{self.sequence}"


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What was read and will be stored in one transaction."""

    reads: list[Read] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    stopped: dict[int, str] = field(default_factory=dict)


class Ingester:
    def __init__(
        self,
        engine: Engine,
        redis: Redis,
        *,
        projections: Sequence[Projection],
        locate: Locate,
        clock: Clock,
        strangers_min: int = verdicts.STRANGERS_MIN,
        log_bytes_max: int = LOG_BYTES_MAX,
    ) -> None:
        self._engine = engine
        self._redis = redis
        self._projections = projections
        self._locate = locate
        self._clock = clock
        self._strangers_min = strangers_min
        self._trimmer = trimming.Trimmer(redis, log_bytes_max=log_bytes_max)
        self._looked_at: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. Servers that are away are waited for."""
        while not stop.is_set():
            try:
                if self.step() == 0:
                    self._wait_for_entries()
            except (RedisError, SQLAlchemyError, psycopg.Error):
                _log.exception("ingesting failed and will be tried again")
                self._looked_at = None
                stop.wait(AFTER_TROUBLE_S)

    def step(self) -> int:
        """One transaction; returns the number of entries that it moved. Now and then looks for gaps and trims."""
        now = self._clock.now()
        if self._looked_at is None or now - self._looked_at > timedelta(seconds=LOOK_EVERY_S):
            self._look(now)
            self._looked_at = now
        with transaction(self._engine, tenant_id=None) as session:
            return self._move(session, _held(session), now=now)

    def drain(self) -> int:
        """Everything that the log holds now. Partitions that are stopped are read from their very beginning, gaps and all."""
        moved = 0
        while entries := self.step():
            moved += entries
        for partition in self._stopped():
            moved += self._drain_whole(partition)
        return moved

    def _move(self, session: Session, places: Sequence[Place], *, now: datetime) -> int:
        if not places:
            return 0
        after = {place.partition: place.after for place in places}
        found = streams.read(self._redis, after, count=ENTRIES_PER_PARTITION_MAX)
        batch = _Batch()
        moved = 0
        for place in places:
            moved += self._read(found.get(place.partition, []), place, batch, now=now)
        self._store(session, batch)
        _advance(session, batch, now=now)
        return moved

    def _read(self, entries: Sequence[Entry], place: Place, batch: _Batch, *, now: datetime) -> int:
        """Takes the entries that follow `place` one by one; stops the partition at a gap. Returns how many it took."""
        taken = 0
        for entry in entries:
            expected = place.sequence + 1 if entry.generation == place.generation else 0
            if entry.sequence != expected:
                why = f"entry {entry.id} follows {place.generation}-{place.sequence}"
                batch.stopped[place.partition] = why
                _log.error("the scan log has a gap, this partition stops", partition=place.partition, gap=why)
                break
            place = Place(partition=place.partition, generation=entry.generation, sequence=entry.sequence)
            self._take(entry, place.partition, batch, now=now)
            taken += 1
        if taken:
            batch.places[place.partition] = place
        return taken

    def _take(self, entry: Entry, partition: int, batch: _Batch, *, now: datetime) -> None:
        try:
            batch.reads.append(judging.read(entry.fields, now=now))
        except (EntryMalformed, StateMalformed) as error:
            _log.error("a log entry cannot be read", partition=partition, error=str(error))
            batch.letters.append(
                {
                    "partition": partition,
                    "generation": entry.generation,
                    "sequence": entry.sequence,
                    "entry": entry.fields.get(scan_log.ENTRY_FIELD, b""),
                    "error": str(error),
                    "found_at": now,
                }
            )

    def _store(self, session: Session, batch: _Batch) -> None:
        rows = judging.rows(batch.reads, locate=self._locate, strangers_min=self._strangers_min)
        records.store(session, rows, projections=self._projections)
        if batch.letters:
            session.execute(insert(DeadLetter).on_conflict_do_nothing(), batch.letters)

    def _wait_for_entries(self) -> None:
        with transaction(self._engine, tenant_id=None) as session:
            places = [_place(row) for row in session.scalars(select(LogPosition).where(LogPosition.stopped == ""))]
        if places:
            after = {place.partition: place.after for place in places}
            streams.read(self._redis, after, count=1, block_ms=BLOCK_MS)

    def _look(self, now: datetime) -> None:
        """A log that ends before our position is an older Redis: what is written from now on would never be read."""
        with transaction(self._engine, tenant_id=None) as session:
            for place in _held(session):
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
        start, moved = "-", 0
        while entries := streams.forward(self._redis, partition, start=start, count=ENTRIES_PER_PARTITION_MAX):
            now = self._clock.now()
            batch = _Batch()
            for entry in entries:
                self._take(entry, partition, batch, now=now)
            with transaction(self._engine, tenant_id=None) as session:
                self._store(session, batch)
            moved += len(entries)
            start = f"({entries[-1].id}"
        return moved


def run(
    engine: Engine,
    redis: Redis,
    *,
    projections: Sequence[Projection],
    locate: Locate,
    clock: Clock,
    stop: threading.Event,
    strangers_min: int = verdicts.STRANGERS_MIN,
    log_bytes_max: int = LOG_BYTES_MAX,
) -> None:
    """The ingester process: returns when `stop` is set. `redis` must wait longer for an answer than BLOCK_MS."""
    Ingester(
        engine,
        redis,
        projections=projections,
        locate=locate,
        clock=clock,
        strangers_min=strangers_min,
        log_bytes_max=log_bytes_max,
    ).run(stop)


def _held(session: Session) -> list[Place]:
    """The partitions that nobody else is working on, held until the transaction ends."""
    return [
        _place(row)
        for row in session.scalars(
            select(LogPosition).where(LogPosition.stopped == "").order_by(LogPosition.partition).with_for_update(skip_locked=True)
        )
    ]


def _place(row: LogPosition) -> Place:
    return Place(partition=row.partition, generation=row.generation, sequence=row.sequence)


def _advance(session: Session, batch: _Batch, *, now: datetime) -> None:
    for place in batch.places.values():
        session.execute(
            update(LogPosition)
            .where(LogPosition.partition == place.partition)
            .values(generation=place.generation, sequence=place.sequence, updated_at=now)
            .execution_options(synchronize_session=False)
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
