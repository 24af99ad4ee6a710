"""Takes out of the log what PostgreSQL has had for a day, so that a PostgreSQL restored from its backup can catch up.

Promises: nothing is trimmed that is not committed; beyond half of the log's room the day is given up, oldest first, because a full
log refuses scans.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from redis import Redis

from scanservice.hot import functions, streams
from scanservice.hot import log as scan_log
from scanservice.hot.log import EntryMalformed
from scanservice.hot.streams import Entry

KEPT: Final = timedelta(hours=24)


class Trimmer:
    def __init__(self, redis: Redis, *, log_bytes_max: int) -> None:
        self._redis = redis
        self._entries_kept_max = max(1, log_bytes_max // scan_log.ENTRY_BYTES // functions.PARTITIONS // 2)

    def trim(self, partition: int, *, generation: int, stored: int, now: datetime) -> None:
        """`stored` is the sequence number of the last committed entry of `generation`; older generations are committed whole."""
        if stored < 0:
            return
        oldest = streams.forward(self._redis, partition, count=1)
        if not oldest:
            return
        crowded = streams.length(self._redis, partition) > self._entries_kept_max
        if not crowded and _time(oldest[0]) >= now - KEPT:
            return
        if oldest[0].generation < generation:
            self._trim_old_generations(partition, generation, crowded=crowded, now=now)
            return
        first_kept = self._first_young(partition, generation, low=oldest[0].sequence, high=stored, now=now)
        # One number an entry: what lies more than half the room behind the newest stored one goes as well.
        first_kept = min(stored + 1, max(first_kept, stored + 1 - self._entries_kept_max))
        streams.trim(self._redis, partition, first_kept=f"{generation}-{first_kept}")

    def _trim_old_generations(self, partition: int, generation: int, *, crowded: bool, now: datetime) -> None:
        """They go whole, when the last of them is old enough."""
        last = streams.backward(self._redis, partition, end=f"({generation}-0", count=1)
        if crowded or _time(last[0]) < now - KEPT:
            streams.trim(self._redis, partition, first_kept=f"{generation}-0")

    def _first_young(self, partition: int, generation: int, *, low: int, high: int, now: datetime) -> int:
        """The first sequence number from `low` to `high` + 1 whose entry is younger than KEPT; entries are in order of time."""
        while low <= high:
            middle = (low + high) // 2
            found = streams.forward(self._redis, partition, start=f"{generation}-{middle}", count=1)
            if found and _time(found[0]) < now - KEPT:
                low = middle + 1
            else:
                high = middle - 1
        return low


def _time(entry: Entry) -> datetime:
    try:
        return scan_log.at(scan_log.decode(entry.fields[scan_log.ENTRY_FIELD]))
    except (EntryMalformed, KeyError):
        # It lies in the dead letters: as old as old can be.
        return datetime.min.replace(tzinfo=UTC)
