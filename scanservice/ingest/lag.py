"""How far the record is behind the log: for the doctor, for metrics, and for whoever waits until everything is stored.

Promises: one round trip to Redis for all partitions, and a second where entries wait; asking changes nothing. Counts are exact, because
the entries of a generation are numbered without gaps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from redis import Redis
from redis.exceptions import ResponseError
from sqlalchemy import select
from sqlalchemy.orm import Session

from scanservice.hot import functions, streams
from scanservice.ingest import entry_times
from scanservice.ingest.log_places import Place
from scanservice.models import LogPosition

# An ingester that lives looks for entries all the time: what waits for longer is nobody's.
UNATTENDED_AFTER: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLag:
    """`oldest_at`: when the oldest entry that is not stored was recorded; None where none waits, or none can be read."""

    partition: int
    waiting: int
    oldest_at: datetime | None
    stopped: str

    def age(self, now: datetime) -> timedelta:
        return timedelta(0) if self.oldest_at is None else max(timedelta(0), now - self.oldest_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    partitions: tuple[PartitionLag, ...]

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.partitions)

    @property
    def stopped(self) -> tuple[PartitionLag, ...]:
        return tuple(one for one in self.partitions if one.stopped)

    def oldest_s(self, now: datetime) -> float:
        return max((one.age(now).total_seconds() for one in self.partitions), default=0.0)

    def unattended(self, now: datetime) -> tuple[PartitionLag, ...]:
        """Partitions whose entries nobody stores, although nothing stopped them."""
        return tuple(one for one in self.partitions if not one.stopped and one.age(now) > UNATTENDED_AFTER)


def measure(session: Session, redis: Redis) -> Lag:
    rows = session.scalars(select(LogPosition).order_by(LogPosition.partition)).all()
    stopped = {row.partition: row.stopped for row in rows}
    places = [Place(partition=row.partition, generation=row.generation, sequence=row.sequence) for row in rows]
    waiting = dict(zip((place.partition for place in places), _waiting(redis, places), strict=True))
    oldest = dict(_oldest(redis, [place for place in places if waiting[place.partition]]))
    return Lag(
        partitions=tuple(
            PartitionLag(
                partition=place.partition,
                waiting=waiting[place.partition],
                oldest_at=oldest.get(place.partition),
                stopped=stopped[place.partition],
            )
            for place in places
        )
    )


def _waiting(redis: Redis, places: Sequence[Place]) -> Iterator[int]:
    with redis.pipeline(transaction=False) as pipeline:
        for place in places:
            pipeline.xinfo_stream(functions.log_key(place.partition))
        answers = pipeline.execute(raise_on_error=False)
    for place, answer in zip(places, answers, strict=True):
        if isinstance(answer, ResponseError):  # no stream yet
            yield 0
            continue
        if isinstance(answer, Exception):
            raise answer
        generation, last = streams.numbers(answer["last-generated-id"])
        if generation == place.generation:
            yield max(0, last - place.sequence)
        else:
            # Its own generation is stored whole, or this would be a gap; of a newer one nothing is.
            yield last + 1 if generation > place.generation else 0


def _oldest(redis: Redis, places: Sequence[Place]) -> Iterator[tuple[int, datetime]]:
    if not places:
        return
    after = {place.partition: place.after for place in places}
    for partition, entries in streams.Reader(redis).read(after, count=1).items():
        at = entry_times.at(streams.fields(entries[0]))
        if at is not None:
            yield partition, at
