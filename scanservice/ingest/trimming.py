"""Takes out of the log what PostgreSQL has had for a day, so that a PostgreSQL restored from its backup can catch up.

Promises: nothing is trimmed that is not committed, and nothing that lies behind an entry younger than a day. Entries are looked at one after
another from the oldest on, never by halves: times of different edges are in no order, and one old time in the middle says nothing of what
lies before it. An entry that cannot be read, or whose time has not come yet, goes with the next one that tells its age. Beyond half of the
log's room the day is given up, oldest first, because a full log refuses scans.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from redis import Redis

from scanservice.hot import functions, streams
from scanservice.hot import log as scan_log
from scanservice.hot.streams import NOTHING, Entry
from scanservice.ingest import entry_times

KEPT: Final = timedelta(hours=24)
READ_AT_ONCE: Final = 64
# Of one partition in one look; whoever has not trimmed for long catches up within some looks.
TRIMMED_AT_ONCE_MAX: Final = 1024


class Trimmer:
    def __init__(self, redis: Redis, *, log_bytes_max: int) -> None:
        self._redis = redis
        self._entries_kept_max = max(1, log_bytes_max // scan_log.ENTRY_BYTES // functions.PARTITIONS // 2)

    def trim(self, partition: int, *, generation: int, stored: int, now: datetime) -> None:
        """`stored` is the sequence number of the last committed entry of `generation`; older generations are committed whole."""
        if stored < 0:
            return
        first_kept = self._first_kept(partition, last=(generation, stored), now=now)
        if streams.length(self._redis, partition) > self._entries_kept_max:
            # One number an entry: what lies more than half the room behind the newest stored one goes as well.
            first_kept = max(first_kept, (generation, max(0, stored + 1 - self._entries_kept_max)))
        if first_kept != NOTHING:
            streams.trim(self._redis, partition, first_kept=f"{first_kept[0]}-{first_kept[1]}")

    def _first_kept(self, partition: int, *, last: tuple[int, int], now: datetime) -> tuple[int, int]:
        """The id behind those entries up to `last` that are old; NOTHING where the very first is young."""
        first_kept = NOTHING
        for entry in self._oldest(partition):
            if (entry.generation, entry.sequence) > last:
                break
            at = entry_times.at(entry.fields)
            if at is None or at > now:
                continue
            if at >= now - KEPT:
                break
            first_kept = entry.generation, entry.sequence + 1
        return first_kept

    def _oldest(self, partition: int) -> Iterator[Entry]:
        start = "-"
        for _ in range(TRIMMED_AT_ONCE_MAX // READ_AT_ONCE):
            entries = streams.forward(self._redis, partition, start=start, count=READ_AT_ONCE)
            yield from entries
            if len(entries) < READ_AT_ONCE:
                return
            start = f"({entries[-1].id}"
